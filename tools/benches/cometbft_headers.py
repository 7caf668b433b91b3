"""The second half of `tools/bench cometbft`: headers of 4, 100 and 150 validators a second, the next one and one that skips, and store proofs of a
Cosmos SDK chain (both steps), beside cometbft/light and ics23 in Go. Ours is measured from the bytes; Go's headers are decoded beforehand."""

import pathlib
import subprocess

import peers
import rounds

STORES = rounds.ROOT / "tests" / "vectors" / "data" / "cometbft" / "ics23" / "store_proofs.json"
KINDS = ("adjacent", "skipping")
SIZES = ("4", "100", "150")
PROOFS = ("existence", "absence")
TARGETS = {"ratio": 2, "ratio_skipping": 1.8, "ratio_ics23": 2}


def measure(options, folder):
    """What goes into the report, or {"missing": …} where Go is not there."""
    ours = rounds.needed(options, "tools/benches/bench-cometbft")
    peer, reason = peers.go(options, "peer_cometbft", "peer-cometbft")
    if not peer:
        print(f"headers, proofs  not run: {reason}")
        return {"missing_headers": reason, "ok": True}
    inputs = pathlib.Path(folder) / "headers"
    subprocess.run([peer, "inputs", inputs, STORES], check=True)
    runs = [{"ours": rounds.run(ours, inputs, "--seconds", options.seconds / 2),
             "go": rounds.run(peer, "bench", STORES, options.seconds / 2)} for _ in range(options.rounds)]
    names = [f"{kind}/{size}" for kind in KINDS for size in SIZES] + list(PROOFS)
    figures = {who: {name: rounds.median([run[who][name] for run in runs]) for name in names} for who in ("ours", "go")}
    ratios = {name: round(rounds.median([run["ours"][name] / run["go"][name] for run in runs]), 2) for name in names}
    print(f"\n{'a second':16}{'ours':>12}{'Go':>12}{'ratio':>8}")
    for name in names:
        print(f"{name:16}{figures['ours'][name]:12,.0f}{figures['go'][name]:12,.0f}{ratios[name]:8.1f}")
    report = {"ratio": min(ratios["adjacent/100"], ratios["adjacent/150"]),
              "ratio_skipping": min(ratios["skipping/100"], ratios["skipping/150"]),
              "ratio_ics23": min(ratios[name] for name in PROOFS), "ratios_headers": ratios, "headers": figures}
    report["ok"] = all(report[name] >= least for name, least in TARGETS.items())
    return report
