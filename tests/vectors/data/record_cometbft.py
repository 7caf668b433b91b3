#!/usr/bin/env python3
"""tests/vectors/data/record_cometbft.py SAMPLES VECTORS: takes the small selection under cometbft/ from recorded chains.

SAMPLES holds light blocks of real and generated CometBFT chains with the Go light client's verdicts (cases.json, block_H.json and .pb, ics23/),
VECTORS the published test data (ics23 of cosmos/ics23, Apache-2.0; light_client_mbt and rpc_fixtures of tendermint-rs, Apache-2.0). Run again to
select anew.
"""
import json
import pathlib
import shutil
import sys

HERE = pathlib.Path(__file__).resolve().parent / "cometbft"
BLOCKS = {"gen4": (1, 2, 3, 26), "gensecp": (2, 3, 8), "live-kv4": (311, 312, 315, 330), "live-sdk": (2, 3, 4000)}
EVIDENCE = ("live-kv4-evidence/block_1397.json", "live-kv4-evidence/full_1398.json")
STORE_PROOFS = (0, 2, 5, 9, 14)
MODEL = ("HeaderFromFuture", "Test3NotEnoughTrustSuccess", "NonMonotonicHeight", "LessThanTwoThirdsSign")


def load(path):
    return json.loads(path.read_text())


def put(name, value):
    path = HERE / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, separators=(",", ":")) + "\n")


def take_chains(samples):
    names = set()
    for folder, heights in BLOCKS.items():
        for height in heights:
            name = f"{folder}/block_{height}"
            put(name + ".json", load(samples / (name + ".json")))
            shutil.copyfile(samples / (name + ".pb"), HERE / (name + ".pb"))
            names.add(name + ".json")
    for name in EVIDENCE:
        put(name, load(samples / name))
    put("cases.json", [case for case in load(samples / "cases.json") if {case["trusted"], case["untrusted"]} <= names])
    proofs = load(samples / "ics23" / "store_proofs.json")
    put("ics23/store_proofs.json", [proofs[i] for i in STORE_PROOFS])


def take_published(vectors):
    for tree in ("iavl", "smt", "tendermint"):
        for path in sorted((vectors / "ics23" / tree).iterdir()):
            put(f"ics23/{tree}/{path.name}", load(path))
    for name in ("derived_invalid.json", "TestCheckAgainstSpecData.json"):
        put("ics23/" + name, load(vectors / "ics23" / name))
    put("ics23/tx_search.json", load(vectors / "rpc_fixtures" / "kvstore_fixtures_v0_38_tx_search_with_prove.json"))
    for path in sorted((vectors / "light_client_mbt").iterdir()):
        if not any(path.stem.endswith(name) for name in MODEL) or not path.name.startswith("MC4_4"):
            continue
        steps = load(path)
        for step in steps["input"]:
            step.pop("testgen_block", None)
        steps.pop("testgen_initial", None)
        put("model/" + path.name, steps)


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: record_cometbft.py SAMPLES VECTORS")
    take_chains(pathlib.Path(sys.argv[1]))
    take_published(pathlib.Path(sys.argv[2]))


if __name__ == "__main__":
    main()
