#!/usr/bin/env python3
"""Solidity computes the worked examples of docs/formats.md; the model does, too; the registry takes the examples' certificate."""

import json
import unittest

import crypto
import model
from evm import ROOT, Anvil, Contract, Refused

EXAMPLES = json.loads((ROOT / "tests" / "formats" / "examples.json").read_text())
SUITE = "keccak256-secp256k1"


def raw(text):
    return bytes.fromhex(text[2:])


class Formats(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        crypto.check()
        cls.chain = Anvil(chain_id=31338)
        cls.addClassCleanup(cls.chain.close)
        cls.harness = Contract(cls.chain, "FormatsTest")

    def same(self, expected, twin, name, *arguments):
        self.assertEqual(self.harness.call(name, *arguments), raw(expected), name)
        self.assertEqual(twin, raw(expected), f"model of {name}")

    def lanes(self):
        for lane in EXAMPLES["lanes"]:
            yield lane, lane["by_suite"][SUITE]

    def test_identities(self):
        name = EXAMPLES["network"]["name"]
        self.same(EXAMPLES["network"]["ids"][SUITE], model.network_id(name), "network", name)
        for chain in EXAMPLES["chains"].values():
            (family, reference), genesis = chain["caip2"].split(":"), raw(chain["genesis"])
            if family != "eip155":
                self.assertEqual(self.harness.call("chain", chain["caip2"], genesis), raw(chain["ids"][SUITE]))
                continue
            number = int(reference)
            self.same(chain["ids"][SUITE], model.chain_id(number, genesis), "chain", chain["caip2"], genesis)
            self.assertEqual(self.harness.call("caip2", number), chain["caip2"])
        for number in (0, 1, 9, 10, 2**256 - 1):
            self.assertEqual(self.harness.call("caip2", number), f"eip155:{number}")

    def test_lanes_and_logs(self):
        for lane, own in self.lanes():
            fields = (raw(own["network"]), raw(own["source"]), raw(lane["outbox"]), raw(lane["sender"]),
                      raw(own["destination"]), raw(lane["inbox"]), raw(lane["receiver"]), lane["mode"], lane["generation"])
            self.same(own["lane"], model.lane_id(*fields), "laneId", *fields)
            for kind, name in enumerate(("message", "outcome", "settlement"), 1):
                self.same(own["logs"][name], model.log_id(raw(own["lane"]), kind), "logId", raw(own["lane"]), kind)

    def test_messages(self):
        for lane, own in self.lanes():
            identity = raw(own["lane"])
            for i, message in enumerate(lane["messages"]):
                salt, payload = raw(message["salt"]), raw(message["payload"])
                self.same(own["commitments"][i], model.commitment(salt, payload), "commitment", salt, payload)
                item = model.record(message["time"], message["form"], message["class"], int(message["value"], 16),
                                    message["deadline"], message["suites"], [raw(c) for c in message["commitments"]],
                                    salt if message["carried"] else None, payload if message["carried"] else None)
                self.assertEqual(item, raw(message["record"]))
                self.same(own["digests"][i], model.digest_of(identity, i + 1, item), "digest", identity, i + 1,
                          model.fields_of(item))
                before, element = raw(own["running"][i]), raw(own["digests"][i])
                self.same(own["running"][i + 1], model.run(before, element), "run", before, element)

    def test_outcomes(self):
        for lane, own in self.lanes():
            for i, outcome in enumerate(lane["outcomes"]):
                digest = raw(own["digests"][outcome["sequence"] - 1])
                fields = outcome["sequence"], digest, outcome["status"], outcome["reason"]
                self.assertEqual(model.outcome_record(*fields), raw(own["outcome_records"][i]))
                self.same(own["entries"][i], model.h(b"outcome", model.outcome_record(*fields)), "entry", *fields)
                before, element = raw(own["outcome_running"][i]), raw(own["entries"][i])
                self.same(own["outcome_running"][i + 1], model.run(before, element), "run", before, element)

    def test_leaves(self):
        functions = {"head": ("headLeaf", model.head_leaf), "ruling": ("rulingLeaf", model.ruling_leaf),
                     "close": ("closeLeaf", model.close_leaf), "epoch": ("epochLeaf", None)}
        for _, own in self.lanes():
            for leaf in own["leaves"]:
                values = [raw(v) if isinstance(v, str) else v for v in leaf["parts"].values()]
                name, twin = functions[leaf["name"]]
                expected = twin(*values) if twin else model.h(b"epoch", raw(leaf["fields"]))
                self.same(leaf["hash"], expected, name, *values)

    def members(self, own):
        """The example's list of members, read from the bytes that are hashed."""
        data, size = raw(own["members_fields"])[2:], 35
        return [(int.from_bytes(m[:2], "big"), m[2], m[15:])
                for m in (data[i:i + size] for i in range(0, len(data), size))]

    def test_members_tree_and_signed_word(self):
        for _, own in self.lanes():
            members = self.members(own)
            self.same(own["members"], model.members_hash(members), "membersHash", members)
            leaves = [raw(leaf) for leaf in own["tree"]["leaves"]]
            root, paths = model.tree(leaves)
            self.assertEqual(root, raw(own["tree"]["root"]))
            self.assertEqual(paths, [[raw(s) for s in path] for path in own["tree"]["paths"]])
            self.same("0x" + model.node(leaves[0], leaves[1]).hex(), model.node(leaves[1], leaves[0]), "node", leaves[1],
                      leaves[0])
            self.same(own["signed"], model.signed(raw(own["network"]), root), "signed", raw(own["network"]), root)

    def test_registry_takes_the_certificate_of_the_examples(self):
        for _, own in self.lanes():
            wanted = own["certificate"]
            registry = Contract(self.chain, "Registry", raw(own["network"]), raw(EXAMPLES["chains"]["b"]["genesis"]),
                                wanted["quorum"], self.members(own), bytes(20), 0)
            self.assertEqual(registry.call("chain"), raw(own["destination"]))
            signatures = {a["key"]: raw(a["signature"]) for a in own["attestations"]}

            def paper(leaf, names):
                path = [raw(s) for s in own["tree"]["paths"][leaf]]
                return wanted["epoch"], [(path, signatures[n][:32], signatures[n][32:]) for n in names]

            leaf, closing = wanted["leaf"], wanted["closing_leaf"]
            hashes = [raw(leaf_["hash"]) for leaf_ in own["leaves"]]
            registry.call("verify", hashes[leaf], paper(leaf, wanted["enough"]))
            registry.call("verifyClose", hashes[closing], paper(closing, wanted["closing_enough"]))
            with self.assertRaisesRegex(Refused, "QuorumMissing"):
                registry.call("verify", hashes[leaf], paper(leaf, wanted["not_enough"]))
            with self.assertRaisesRegex(Refused, "SideMissing"):
                registry.call("verifyClose", hashes[closing], paper(closing, wanted["closing_not_enough"]))


if __name__ == "__main__":
    unittest.main()
