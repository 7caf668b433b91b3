"""A CometBFT light client: headers and store proofs a second, beside cometbft/light and ics23 in Go and tendermint-light-client-verifier and ics23 in Rust;
and what it is made of: Ed25519 signatures a second, beside libsodium and curve25519-voi.

    tools/bench cometbft [--rounds N] [--seconds S] [--quick] [--report FILE]

One pinned core, processor time. Votes of 118 bytes, keys expanded (ours) or cached (theirs), all good: one signature at a
time and commits of 4, 67, 100 and 150. curve25519-voi is called as cometbft v0.38 calls it. Before the figures, it must
give our verdict on 12,150 signatures of many kinds, small order and non-canonical encodings among them."""

import os
import pathlib
import subprocess
import tempfile

import cometbft_headers
import peers
import rounds

SIZES = ("1", "4", "67", "100", "150")


def pin():
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def row(name, figures):
    print(f"{name:16}" + "".join(f"{figures[size]:12,.0f}" if size in figures else f"{'':12}" for size in SIZES) +
          (f"{figures['keys']:12,.0f}" if "keys" in figures else ""))


def main(arguments):
    parser = rounds.parser("cometbft", __doc__)
    parser.add_argument("--seconds", type=float, help="of each run (default 2)")
    options = parser.parse_args(arguments)
    options.rounds = options.rounds or (1 if options.quick else 5)
    options.seconds = options.seconds or (0.2 if options.quick else 2)
    ours = rounds.needed(options, "tools/benches/bench-ed25519")
    voi, reason = peers.go(options, "peer_voi", "peer-voi")
    pin()
    check, runs = None, []
    with tempfile.TemporaryDirectory(prefix="isthmus-bench-") as name:
        inputs = pathlib.Path(name) / "inputs"
        if voi:
            subprocess.run([ours, "--dump", inputs], check=True)
            check = rounds.run(voi, inputs, "check")
        for _ in range(options.rounds):
            run = rounds.run(ours, "--seconds", options.seconds)
            best = run.pop("best")
            if voi:
                run["curve25519-voi"] = rounds.run(voi, inputs, options.seconds)
            runs.append(run)
        headers = cometbft_headers.measure(options, name)
    made = {name: {figure: rounds.median([run[name][figure] for run in runs]) for figure in runs[0][name]}
            for name in runs[0]}
    print(f"signatures a second, by the number that is verified together; {options.rounds} rounds, medians\n")
    print(f"{'':16}" + "".join(f"{size:>12}" for size in SIZES) + f"{'keys':>12}")
    for name, figures in made.items():
        row(name, figures)
    if reason:
        print(f"curve25519-voi   not run: {reason}")
    ratios = {size: rounds.median([run[best][size] / run["curve25519-voi"][size] for run in runs]) for size in SIZES
              } if voi else {}
    ratio = min(ratios["100"], ratios["150"]) if voi else None
    if voi:
        print(f"\n{check['cases']} cases, {check['valid']} of them valid: {check['wrong']} verdicts differ")
        print(f"{best} / curve25519-voi: " + ", ".join(f"{size}: {value:.1f}" for size, value in ratios.items()))
    ok = headers.pop("ok") and (not voi or (check["wrong"] == 0 and ratio >= 2))
    rounds.finish(options, {"ratio_signatures": ratio and round(ratio, 2), "ratios": ratios, "best": best, **made,
                            "check": check, "missing": {"curve25519-voi": reason} if reason else {},
                            "rounds": options.rounds, "machine": rounds.machine(), "runs": runs,
                            "targets": {"ratio_signatures": 2, **cometbft_headers.TARGETS}, **headers, "ok": ok})
    return 0 if ok else 1
