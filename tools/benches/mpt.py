"""Merkle-Patricia work on real mainnet data: the receipts root of a whole block, and the proof of an account.

    tools/bench mpt [--rounds N] [--seconds S] [--quick] [--report FILE]

Block 21925176, 202 receipts, and the deposit contract's account under 8 nodes, from $ISTHMUS_VECTORS (default
../shared/vectors). Beside it, where their tools are: alloy-trie (cargo) and go-ethereum (go), at the versions pinned in
tools/benches/peer_*, built once below build/peers. All run in turn; ratios are taken inside each round."""

import os
import pathlib
import subprocess
import tempfile

import peers
import rounds

FIGURES = ("receipts_us", "account_us")


def programs_of(options):
    """name -> program, and name -> why it is missing."""
    built = {"alloy-trie": peers.cargo(options, "peer_alloy", "alloy", "peer-alloy"),
             "go-ethereum": peers.go(options, "peer_geth", "peer-geth")}
    return ({name: program for name, (program, _) in built.items() if program},
            {name: reason for name, (program, reason) in built.items() if not program})


def main(arguments):
    parser = rounds.parser("mpt", __doc__)
    parser.add_argument("--seconds", type=float, help="of each run (default 1)")
    options = parser.parse_args(arguments)
    options.rounds = options.rounds or (1 if options.quick else 5)
    options.seconds = options.seconds or (0.2 if options.quick else 1)
    vectors = pathlib.Path(os.environ.get("ISTHMUS_VECTORS") or rounds.ROOT / ".." / "shared" / "vectors")
    vectors = vectors / "ethereum_execution" / "mainnet_21925176"
    if not vectors.is_dir():
        print(f"bench: no vectors at {vectors}: set ISTHMUS_VECTORS; not run")
        return 77
    ours = rounds.needed(options, "tools/benches/bench-mpt")
    programs, missing = programs_of(options)
    with tempfile.TemporaryDirectory(prefix="isthmus-bench-") as name:
        inputs = pathlib.Path(name) / "inputs"
        subprocess.run([ours, "--vectors", vectors, "--dump", inputs], check=True)
        runs = [{"isthmus": rounds.run(ours, "--vectors", vectors, "--seconds", options.seconds),
                 **{peer: rounds.run(program, inputs, options.seconds) for peer, program in programs.items()}}
                for _ in range(options.rounds)]
    made = {name: {figure: rounds.median([run[name][figure] for run in runs]) for figure in FIGURES}
            for name in ("isthmus", *programs)}
    ratios = {figure: [min(run[peer][figure] for peer in programs) / run["isthmus"][figure] for run in runs]
              for figure in FIGURES} if programs else {}
    first = runs[0]["isthmus"]
    print(f"Keccak lanes here: {first['lanes']}; {options.rounds} rounds, medians in µs\n")
    print(f"{'':14}{'root of ' + str(first['receipts']) + ' receipts':>22}{'proof of ' + str(first['nodes']) + ' nodes':>18}")
    for name, row in made.items():
        print(f"{name:14}{row['receipts_us']:22.1f}{row['account_us']:18.2f}")
    for name, reason in missing.items():
        print(f"{name:14} not run: {reason}")
    ratio = None
    if ratios:
        ratio = min(rounds.median(ratios[figure]) for figure in FIGURES)
        print("\nfastest peer / Isthmus: receipts " +
              ", account ".join(f"{rounds.median(ratios[f]):.2f} ({rounds.spread(ratios[f])})" for f in FIGURES))
    ok = ratio is None or ratio >= 1.5
    rounds.finish(options, {"ratio": ratio and round(ratio, 3), "ratio_receipts": ratios and round(
        rounds.median(ratios["receipts_us"]), 3) or None, "ratio_account": ratios and round(
            rounds.median(ratios["account_us"]), 3) or None, **made, "missing": missing, "rounds": options.rounds,
        "machine": rounds.machine(), "runs": runs, "targets": {"ratio": 1.5}, "ok": ok})
    return 0 if ok else 1
