#!/usr/bin/env python3
"""tests/vectors/data/record.py ANVIL: records small blocks of a real ledger (anvil) as vectors for tests/vectors/run.

For each hard fork one folder anvil_<fork>: a block with several transaction types and logs, its receipts, and account and
storage proofs under its state root, as the node's JSON-RPC answers give them. Run again to record anew.
"""
import json
import os
import re
import subprocess
import sys
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
FORKS = ["berlin", "london", "shanghai", "cancun", "prague"]
TOPIC = "5a" * 32
# Init code only: slot 1 = 0x2a, slot 2 = caller, one log without and one with a topic, empty code returned.
INIT = "602a600155" + "33600255" + "60006000a0" + "7f" + TOPIC + "60206000a1" + "60006000f3"


class Node:
    def __init__(self, anvil, fork):
        command = [anvil, "--host", "127.0.0.1", "--port", "0", "--hardfork", fork, "--no-mining",
                   "--timestamp", "1700000000", "--chain-id", "31337", "--mnemonic-seed-unsafe", "7"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        for line in self.process.stdout:
            found = re.search(r"Listening on (127\.0\.0\.1:\d+)", line)
            if found:
                self.url = "http://" + found.group(1)
                return
        raise SystemExit("anvil did not start")

    def call(self, method, *params):
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        request = urllib.request.Request(self.url, body, {"Content-Type": "application/json"})
        answer = json.load(urllib.request.urlopen(request, timeout=20))
        if "error" in answer:
            raise SystemExit(f"{method}: {answer['error']}")
        return answer["result"]

    def stop(self):
        self.process.terminate()
        self.process.wait()


def transactions(node, fork):
    """A creation with logs of each transaction type that the fork has, and plain transfers between them."""
    accounts = node.call("eth_accounts")
    price = node.call("eth_gasPrice")
    kinds = [{"gasPrice": price}, {"gasPrice": price, "accessList": []}]
    if fork != "berlin":
        kinds.append({"maxFeePerGas": price, "maxPriorityFeePerGas": "0x1"})
    for i in range(6):
        kind = kinds[i % len(kinds)]
        node.call("eth_sendTransaction", {"from": accounts[i], "gas": "0x30000", "data": "0x" + INIT, **kind})
        node.call("eth_sendTransaction", {"from": accounts[i], "to": accounts[9], "gas": "0x5208", "value": hex(i), **kind})
    # one that fails: an invalid instruction
    node.call("eth_sendTransaction", {"from": accounts[7], "gas": "0x20000", "data": "0xfe", **kinds[0]})


def record(anvil, fork):
    node = Node(anvil, fork)
    try:
        transactions(node, fork)
        node.call("anvil_mine", "0x1")
        block = node.call("eth_getBlockByNumber", "latest", False)
        receipts = node.call("eth_getBlockReceipts", block["number"])
        contract = next(r["contractAddress"] for r in receipts if r["logs"])
        logs = [log for r in receipts for log in r["logs"] if log["topics"]]
        slots = ["0x" + f"{slot:064x}" for slot in (1, 2, 3)]
        files = {"block": block, "receipts": receipts, "logs": logs,
                 "proof": node.call("eth_getProof", contract, slots, block["number"])}
    finally:
        node.stop()
    folder = os.path.join(HERE, "anvil_" + fork)
    os.makedirs(folder, exist_ok=True)
    for name, content in files.items():
        with open(os.path.join(folder, name + ".json"), "w") as file:
            json.dump(content, file, indent=1)
            file.write("\n")
    print(f"{fork}: block {block['hash']}, {len(receipts)} receipts, types {sorted({r['type'] for r in receipts})}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    for name in FORKS:
        record(sys.argv[1], name)
