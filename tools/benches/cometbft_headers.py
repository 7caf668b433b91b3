"""The second half of `tools/bench cometbft`: headers of 4, 100 and 150 validators a second, the next one and one that skips, and store proofs of a
Cosmos SDK chain (both steps), beside cometbft/light and ics23 in Go, and tendermint-light-client-verifier and ics23 in Rust. Ours is measured from the bytes;
the peers' headers are decoded beforehand. Proofs are decoded by all. Go makes the inputs: without it nothing of this is run; without cargo it goes on alone."""

import pathlib
import subprocess

import peers
import rounds

STORES = rounds.ROOT / "tests" / "vectors" / "data" / "cometbft" / "ics23" / "store_proofs.json"
KINDS = ("adjacent", "skipping")
SIZES = ("4", "100", "150")
PROOFS = ("existence", "absence")
NAMES = [f"{kind}/{size}" for kind in KINDS for size in SIZES] + list(PROOFS)
TARGETS = {"ratio": 2, "ratio_skipping": 1.8, "ratio_ics23": 2}


def print_table(figures, ratios):
    print(f"\n{'a second':16}" + "".join(f"{who:>12}" for who in figures) + f"{'ratio':>8}")
    for name in NAMES:
        print(f"{name:16}" + "".join(f"{made[name]:12,.0f}" for made in figures.values()) + f"{ratios[name]:8.1f}")
    print("ratio: ours / the fastest of the others")


def measure(options, folder):
    """What goes into the report, or {"missing_headers": …} where Go is not there."""
    ours = rounds.needed(options, "tools/benches/bench-cometbft")
    go, reason = peers.go(options, "peer_cometbft", "peer-cometbft")
    if not go:
        print(f"headers, proofs  not run: {reason}")
        return {"missing_headers": reason, "ok": True}
    rust, no_rust = peers.cargo(options, "peer_tendermint", "peer-tendermint-target", "peer-tendermint")
    inputs, seconds = pathlib.Path(folder) / "headers", options.seconds / 2
    subprocess.run([go, "inputs", inputs, STORES], check=True)
    runs = []
    for _ in range(options.rounds):
        runs.append({"ours": rounds.run(ours, inputs, "--seconds", seconds), "Go": rounds.run(go, "bench", STORES, seconds)})
        if rust:
            runs[-1]["Rust"] = rounds.run(rust, inputs, seconds)
    others = [who for who in runs[0] if who != "ours"]
    figures = {who: {name: rounds.median([run[who][name] for run in runs]) for name in NAMES} for who in runs[0]}
    beside = {who: {name: round(rounds.median([run["ours"][name] / run[who][name] for run in runs]), 2) for name in NAMES}
              for who in others}
    ratios = {name: min(beside[who][name] for who in others) for name in NAMES}
    print_table(figures, ratios)
    if no_rust:
        print(f"Rust             not run: {no_rust}")
    report = {"ratio": min(ratios["adjacent/100"], ratios["adjacent/150"]),
              "ratio_skipping": min(ratios["skipping/100"], ratios["skipping/150"]),
              "ratio_ics23": min(ratios[name] for name in PROOFS), "ratios_headers": ratios, "ratios_beside": beside,
              "headers": figures, "missing_rust": no_rust}
    report["ok"] = all(report[name] >= least for name, least in TARGETS.items())
    return report
