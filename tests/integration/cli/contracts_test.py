#!/usr/bin/env python3
"""contracts_test.py ISTHMUS: what `isthmus network contracts` prints is sent to an anvil as it is, and what that answers is read back."""
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../.."))
sys.path[:0] = [os.path.join(ROOT, "tools", "scene"), os.path.join(ROOT, "tests", "contracts")]
import evm  # noqa: E402
import model  # noqa: E402
import pair  # noqa: E402
from crypto import Key, keccak  # noqa: E402

ISTHMUS = os.path.abspath(sys.argv.pop(1))
CHAIN = pair.CHAINS["east"]
LANES = (("east-to-west", "in-order"), ("any", "any-order"))
RECOVERY, DELAY, GAS = "0x" + "7c" * 20, 90000, 300000
OPTIONS = ["--recovery", RECOVERY, "--recovery-delay", str(DELAY), "--receiver-gas", str(GAS)]


def unhex(text):
    return bytes.fromhex(text[2:])


def words(*values):
    return "0x" + b"".join(v if isinstance(v, bytes) else v.to_bytes(32, "big") for v in values).hex()


class Deployment:
    """The contracts that one document wants, made with what the command prints: first the document that it was given, then the one
    with the addresses that it asked for."""

    def __init__(self, case, name, text, nonce, *options):
        self.case, self.chain, self.name, self.options = case, case.chain, name, options
        self.creator, self.nonce = self.chain.accounts[0], nonce
        self.given, self.text = text, text
        case.write(name, text)
        self.creating = ["--from", "0x" + self.creator.hex(), "--nonce", str(nonce)]
        self.refusal = self.run(*self.creating, code=1)
        for line in re.findall(r"\n    ((?:registry|outbox|inbox): \"0x[0-9a-f]{40}\")", self.refusal[1]):
            field = line.split(":")[0]
            self.text = self.text.replace(f"{field}: \"{pair.ACCOUNT}\"", line, 1)  # the first chain is ours
        case.write(name, self.text)
        self.before = self.ask(code=1)
        self.plan = json.loads(self.run(*self.creating, "--json")[0])
        creations, opens = self.plan["transactions"][:3], self.plan["transactions"][3:]
        receipts = [self.send(t["request"]) for t in creations]
        self.made = [receipt["contractAddress"] for receipt in receipts]
        self.hashes = [receipt["transactionHash"] for receipt in receipts]
        self.unopened = self.ask(code=1)
        self.opened = [self.send(t["request"]) for t in opens]

    def run(self, *more, code=0):
        return self.case.command("network", "contracts", self.name, "--chain", CHAIN, *self.options, *more, code=code)

    def send(self, request):
        digest = self.chain.rpc("eth_sendTransaction", {**request, "gas": hex(16_000_000)})
        self.chain.rpc("evm_mine")
        receipt = self.chain.rpc("eth_getTransactionReceipt", digest)
        assert receipt["status"] == "0x1", receipt
        return receipt

    def answers(self, *more):
        return self.chain._post(json.loads(self.run(*more, "--json")[0])["ask"])

    def ask(self, answers=None, more=(), code=0):
        """What the command makes of the chain's answers, or of these: {what: (good, text)}."""
        self.case.write("answers.json", json.dumps(self.answers(*more) if answers is None else answers))
        printed, _ = self.run("--answers", "answers.json", *more, "--json", code=code)
        report = json.loads(printed)
        assert report["ok"] == (code == 0) == all(c["good"] for c in report["checks"]), report
        return {c["what"]: (c["good"], c["there"]) for c in report["checks"]}


class Contracts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(prefix="isthmus-contracts-")
        cls.addClassCleanup(cls.temporary.cleanup)
        cls.folder = cls.temporary.name
        cls.chain = evm.Anvil()
        cls.addClassCleanup(cls.chain.close)
        cls.keys = pair.make_keys(lambda *arguments: cls.command(*arguments)[0])
        # Two operators of two sides, one of them with two keys, not in the registry's order.
        cls.members = sorted([(2, 2, Key("b").address), (1, 1, Key("c").address), (2, 2, Key("a").address)])
        epoch = "{operator: west, key: \"%s\"}, {operator: east, key: \"%s\"}, {operator: west, key: \"%s\"}" % tuple(
            "0x" + key.hex() for key in (cls.members[2][2], cls.members[0][2], cls.members[1][2]))
        cls.small = Deployment(cls, "network.yaml", cls.document(epoch, 2), 0)
        # As many keys as a registry takes, of one operator; and all that the options say.
        cls.many = ["0x" + (0x5a << 152 | i).to_bytes(20, "big").hex() for i in range(128)]
        cls.full = Deployment(cls, "full.yaml", cls.document(cls.epoch_of(reversed(cls.many)), 1), 3, *OPTIONS)

    @staticmethod
    def epoch_of(keys):
        return ", ".join(f"{{operator: west, key: \"{key}\"}}" for key in keys)

    @classmethod
    def document(cls, epoch, quorum):
        """pair's, but east's chain is the anvil, and there attest the operators of `epoch`."""
        text = pair.document(cls.keys, LANES).replace("ab" * 32, cls.chain.genesis.hex(), 1)
        text = text.replace(f"sender: \"{pair.ACCOUNT}\"", f"sender: \"0x{cls.chain.accounts[1].hex()}\"")
        for one in pair.CHAINS.values():
            text = text.replace(f"serves: [\"{one}\"]", "serves: [\"%s\", \"%s\"]" % tuple(pair.CHAINS.values()))
        old = re.search(r"quorum: 1, accept_equivocation: 0,\s+keys: \[[^]]*\]", text).group()
        return text.replace(old, f"quorum: {quorum}, accept_equivocation: 0, keys: [{epoch}]", 1)

    @classmethod
    def command(cls, *arguments, code=0):
        arguments = [*arguments, "--contracts", str(evm.folder_of_contracts())] if "contracts" in arguments[:2] else arguments
        done = subprocess.run([ISTHMUS, *arguments], cwd=cls.folder, capture_output=True, text=True, timeout=60)
        assert done.returncode == code, f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout, done.stderr

    @classmethod
    def write(cls, name, text):
        with open(os.path.join(cls.folder, name), "w") as file:
            file.write(text)

    def call(self, deployment, contract, name, *arguments):
        """Through the contract's own ABI, as another client reads it."""
        one = evm.Contract.__new__(evm.Contract)
        one.chain, one.address = self.chain, unhex(deployment.made[("Registry", "Outbox", "Inbox").index(contract)])
        one.artifact = json.loads((evm.folder_of_contracts() / f"{contract}.json").read_text())
        one.functions = {e["name"]: (keccak((e["name"] + "(" + ",".join(map(evm.type_name, e["inputs"])) + ")").encode())[:4], e)
                         for e in one.artifact["abi"] if e["type"] == "function"}
        return one.call(name, *arguments)

    # ---- what is sent

    def test_contracts__a_document_with_other_addresses_is_told_its_lines_and_nothing_to_send(self):
        printed, error = self.small.refusal
        self.assertEqual(printed, "")
        self.assertRegex(error, r"chains\[0\]\.registry, outbox, inbox: these are not the addresses that 0x[0-9a-f]{40} makes with its nonces")
        self.assertIn("from 0 on; write under eip155:31337:", error)
        self.assertNotEqual(self.small.text, self.small.given)
        self.small.run("--from", "0x" + self.small.creator.hex(), "--nonce", "1", code=1)  # the nonce counts

    def test_contracts__stand_where_the_document_says_with_what_it_says(self):
        for deployment, members, quorum, recovery, delay, gas in (
                (self.small, self.members, 2, bytes(20), 0, 200000),
                (self.full, [(2, 2, unhex(key)) for key in self.many], 1, unhex(RECOVERY), DELAY, GAS)):
            network, identity = model.network_id("pair"), model.chain_id(31337, self.chain.genesis)
            self.assertEqual(deployment.made, [t["address"] for t in deployment.plan["transactions"][:3]])
            for contract in ("Registry", "Outbox", "Inbox"):
                self.assertEqual(self.call(deployment, contract, "network"), network)
                self.assertEqual(self.call(deployment, contract, "chain"), identity)
            self.assertEqual(self.call(deployment, "Registry", "current"), 1)
            self.assertEqual(self.call(deployment, "Registry", "epochInfo", 1),
                             [quorum, len({m[0] for m in members}), model.members_hash(members), True])
            for operator, side, key in members:
                self.assertEqual(self.call(deployment, "Registry", "seats", 1, key)[1:], [side, operator])
            self.assertEqual(self.call(deployment, "Registry", "recovery"), recovery)
            self.assertEqual(self.call(deployment, "Registry", "recoveryDelay"), delay)
            self.assertEqual(self.call(deployment, "Outbox", "registry"), unhex(deployment.made[0]))
            self.assertEqual(self.call(deployment, "Inbox", "registry"), unhex(deployment.made[0]))
            self.assertEqual(self.call(deployment, "Inbox", "outbox"), unhex(deployment.made[1]))
            self.assertEqual(self.call(deployment, "Inbox", "receiverGas"), gas)

    def test_contracts__their_code_hashes_are_those_of_the_chain(self):
        for deployment in (self.small, self.full):
            table = deployment.run()[0]
            for contract in deployment.plan["contracts"]:
                there = "0x" + keccak(unhex(self.chain.rpc("eth_getCode", contract["address"], "latest"))).hex()
                self.assertEqual(contract["code_hash"], there)
                self.assertRegex(table, rf"{contract['name']} +- +{contract['address']} +{there}")

    def test_contracts__opening_gives_the_lanes_that_the_document_means(self):
        for deployment in (self.small, self.full):
            shown = {lane["name"]: lane["id"] for lane in
                     json.loads(self.command("network", "show", deployment.name, "--json")[0])["lanes"]}
            self.assertEqual(len(shown), 2)
            topic = keccak(b"Opened(bytes32,address,bytes32,bytes32,bytes32,uint8,uint32,uint8,uint32)").hex()
            for planned, receipt in zip(deployment.plan["transactions"][3:], deployment.opened):
                log, = receipt["logs"]
                self.assertEqual(log["topics"][0], "0x" + topic)
                self.assertEqual(log["topics"][1], "0x" + shown[planned["what"]])
                self.assertEqual(planned["lane"], "0x" + shown[planned["what"]])
                self.assertIn(shown[planned["what"]], deployment.run()[0])

    def test_contracts__a_later_generation_and_a_closed_lane_are_opened_by_nobody(self):
        text = self.small.text.replace("order: any-order,", "order: any-order, generation: 2,")
        self.write("later.yaml", text.replace("order: in-order,", "order: in-order, state: closed,"))
        plan = json.loads(self.command("network", "contracts", "later.yaml", "--chain", CHAIN, "--json")[0])
        self.assertEqual(plan["transactions"], [])
        self.write("answers.json", json.dumps(self.chain._post(plan["ask"])))
        out, _ = self.command("network", "contracts", "later.yaml", "--chain", CHAIN, "--answers", "answers.json", code=1)
        self.assertRegex(out, r"lane any +NO +not open: it begins when generation 1 is closed")
        self.assertNotIn("east-to-west", out)

    # ---- what stands there

    def test_contracts__a_chain_is_told_apart_before_after_and_with_open_lanes(self):
        for deployment in (self.small, self.full):
            for what in ("code of the registry", "code of the outbox", "code of the inbox"):
                self.assertEqual(deployment.before[what], (False, "none: nothing stands there"))
                self.assertEqual(deployment.unopened[what], (True, "as compiled, for this document"))
            self.assertEqual(deployment.before["registry's epoch"], (False, "no such contract there"))
            self.assertEqual(deployment.unopened["epoch 1"], (True, "as in the document"))
            self.assertEqual(deployment.unopened["lane any"], (False, "not open: its sender opens it"))
            now = deployment.ask()
            self.assertEqual(now["chain id"], (True, "31337"))
            self.assertEqual(now["block 0"], (True, "the document's genesis"))
            self.assertEqual(now["registry's epoch"], (True, "1"))
            self.assertEqual(now["lane any"], (True, "open, as in the document"))
            self.assertEqual(len(now), 9)

    def test_contracts__one_that_was_made_for_something_else_is_named_with_what_differs(self):
        for old, new, what, text in (
                ("network: pair", "network: pear", "code of the registry", "network is 0x"),
                (self.chain.genesis.hex(), "0d" * 32, "block 0", f"0x{self.chain.genesis.hex()}: the document's genesis is another one"),
                (self.chain.genesis.hex(), "0d" * 32, "code of the outbox", "chain is 0x"),
                ("operator: east, key: \"0x" + self.members[0][2].hex(), "operator: east, key: \"0x" + "3b" * 20, "epoch 1",
                 "other operators, sides or keys than in the document"),
                ("name: west, number: 2", "name: west, number: 7", "epoch 1", "other operators, sides or keys"),
                ("order: any-order,", "order: any-order, longest_life: 5,", "lane any", "maxLifetime is 604800 there, 5 in the document")):
            self.assertIn(old, self.small.text)
            self.write("changed.yaml", self.small.text.replace(old, new, 1))
            changed = ["network", "contracts", "changed.yaml", "--chain", CHAIN]
            self.write("answers.json", json.dumps(self.chain._post(json.loads(self.command(*changed, "--json")[0])["ask"])))
            out, _ = self.command(*changed, "--answers", "answers.json", code=1)
            self.assertRegex(out, rf"{what} +NO +{re.escape(text)}")
        self.write("answers.json", json.dumps(self.small.answers()))
        for options, contract, text in (
                (["--receiver-gas", "200001"], "inbox", "receiverGas is 200000 there, not 200001"),
                (["--recovery", RECOVERY, "--recovery-delay", "86400"], "registry", f"recovery is 0 there, not {RECOVERY}")):
            found = self.small.run("--answers", "answers.json", *options, code=1)[0]
            self.assertRegex(found, rf"code of the {contract} +NO +{text}")
            self.assertEqual(found.count(" NO "), 1)

    def test_contracts__answers_of_another_state_or_another_node_are_not_taken_for_good(self):
        good = self.small.answers()
        ids, members = [question["id"] for question in self.small.plan["ask"]], model.members_hash(self.members)
        code = good[2]["result"]
        for number, result, what, text in (
                (1, "0x7a6a", "chain id", "31338"), (1, "x", "chain id", "the answer is no number"),
                (2, {"hash": "0x12"}, "block 0", "the answer is no hash"), (2, {}, "block 0", "the answer is no bytes"),
                (3, code[:-2], "code of the registry", "another one: another contract, or another version of it"),
                (3, code[:-1] + "%x" % (int(code[-1], 16) ^ 1), "code of the registry", "another one: another contract, or another version of it"),
                (3, code + "00", "code of the registry", "another one: another contract, or another version of it"),
                (3, 7, "code of the registry", "the answer is no bytes"),
                (6, words(2), "registry's epoch", "2: the document's are 1 to 1"),
                (6, words(1, 1), "registry's epoch", "the contract there is another one"),
                (7, words(1, 2, members, 1), "epoch 1", "quorum 1 of 2 operators there, 2 of 2 in the document"),
                (7, words(2, 3, members, 1), "epoch 1", "quorum 2 of 3 operators there, 2 of 2 in the document"),
                (7, words(2, 2, members[::-1], 1), "epoch 1", "other operators, sides or keys than in the document"),
                (7, None, "epoch 1", "the node knows none"),
                (9, words(*[0] * 7), "lane any", "the contract there is another one")):
            changed = [{**a, "result": result} if a["id"] == ids[number - 1] else a for a in good]
            self.assertEqual(self.small.ask(changed, code=1)[what], (False, text))
        code = good[4]["result"]
        changed = [*good[:4], {**good[4], "result": code[:-1] + "%x" % (int(code[-1], 16) ^ 1)}, *good[5:]]
        self.assertEqual(self.small.ask(changed, more=["--receiver-gas", "200001"], code=1)["code of the inbox"],
                         (False, "another one: another contract, or another version of it"))
        refused = [{"id": ids[3], "error": {"message": "slow\x1b down"}} if a["id"] == ids[3] else a for a in good]
        self.assertEqual(self.small.ask(refused, code=1)["code of the outbox"], (False, "the node refuses: slow? down"))
        self.assertEqual(self.small.ask(good[1:], code=1)["chain id"], (False, "no answer"))
        self.assertEqual(self.small.ask([], code=1)["chain id"], (False, "no answer"))
        self.assertEqual(self.small.ask(good[::-1]), self.small.ask(good))  # in whatever order
        others = self.small.ask(self.full.answers(), code=1)  # to the questions of another document
        self.assertEqual([what for what, (well, _) in others.items() if well], ["chain id", "block 0"])
        self.write("answers.json", json.dumps({"error": {"message": "no batches here"}}))
        self.assertIn("is no answer to a batch", self.small.run("--answers", "answers.json", code=1)[1])
        self.assertIn("none.json", self.small.run("--answers", "none.json", code=1)[1])

    def test_contracts__a_creation_that_wrote_something_else_is_seen_behind_the_same_code(self):
        for one in (self.small, self.full):
            now = one.ask(more=["--created", ",".join(one.hashes)])
            self.assertEqual([now[f"creation of the {name}"] for name in ("registry", "outbox", "inbox")],
                             [(True, "by this code, for this document")] * 3)
        self.small.ask()
        self.assertIn("was not asked (--created)", self.small.run("--answers", "answers.json")[0])
        # A registry with the true code, whose creation wrote the storage of its choice: PUSH 1, PUSH 0, SSTORE; return the code.
        code = unhex(self.chain.rpc("eth_getCode", self.small.made[0], "latest"))
        init = bytes.fromhex(f"600160005561{len(code):04x}806011600039" + "6000f3")
        self.assertEqual(len(init), 0x11)
        receipt = self.small.send({"from": "0x" + self.small.creator.hex(), "nonce": "0x6", "data": "0x" + (init + code).hex()})
        self.write("evil.yaml", self.small.text.replace(self.small.made[0], receipt["contractAddress"]))
        evil = lambda *more, code=0: self.command("network", "contracts", "evil.yaml", "--chain", CHAIN, *more, code=code)[0]
        created = ["--created", ",".join([receipt["transactionHash"], *self.small.hashes[1:]])]
        self.write("answers.json", json.dumps(self.chain._post(json.loads(evil(*created, "--json"))["ask"])))
        out = evil(*created, "--answers", "answers.json", code=1)
        self.assertRegex(out, r"code of the registry +yes ")
        self.assertRegex(out, r"creation of the registry +NO +by other code or arguments: what it wrote into the storage is unknown")

    def test_contracts__transactions_that_did_not_create_them_are_told_apart(self):
        registry, outbox, inbox = self.small.hashes
        opening = self.small.opened[0]["transactionHash"]
        for created, what, text in (
                ((outbox, outbox, inbox), "registry", f"creates {self.small.made[1]}"),
                ((registry, self.full.hashes[1], inbox), "outbox", f"creates {self.full.made[1]}"),
                ((registry, outbox, opening), "inbox", "a call: what another contract creates is not seen here"),
                ((registry, outbox, "0x" + "12" * 32), "inbox", "the node knows none")):
            found = self.small.ask(more=["--created", ",".join(created)], code=1)
            self.assertEqual([(k, v) for k, v in found.items() if not v[0]], [(f"creation of the {what}", (False, text))])
        more = ["--created", ",".join(self.small.hashes)]
        for change, text in (({"blockHash": None}, "not in a block yet"), ({"hash": outbox}, "the answer is not that transaction"),
                             ({"nonce": "zero"}, "the answer is not that transaction"), ({"input": "0x"}, "by other code or arguments: what "
                              "it wrote into the storage is unknown"), ({"from": "0x" + "11" * 20}, "creates 0x")):
            answers = self.small.answers(*more)
            answers[2]["result"].update(change)
            good, there = self.small.ask(answers, more, code=1)["creation of the registry"]
            self.assertTrue(there.startswith(text) and not good, there)

    def test_contracts__an_epoch_to_come_and_one_that_is_over_are_well(self):
        """Before a rotation the document has the next epoch already, and after it the one before still."""
        old = re.search(r"epochs: \[\{number: 1.*?\}\]\}\]", self.small.text, re.S).group()
        new = old[:-1] + ", " + old[len("epochs: ["):-1].replace("number: 1,", "number: 2, overlap: 9,") + "]"
        self.write("next.yaml", self.small.text.replace(old, new, 1))
        run = lambda *more, code=0: self.command("network", "contracts", "next.yaml", "--chain", CHAIN, *more, code=code)[0]
        ask = json.loads(run("--json"))["ask"]
        self.write("answers.json", json.dumps(self.chain._post(ask)))
        self.assertRegex(run("--answers", "answers.json"), r"epoch 2 +yes +not begun there: a rotation begins it")
        members = model.members_hash(self.members)
        rotated = self.chain._post(ask)
        for question, result in ((5, words(2)), (6, words(2, 2, members, 0)), (7, words(2, 2, members, 1))):
            rotated[question]["result"] = result
        self.write("answers.json", json.dumps(rotated))
        out = run("--answers", "answers.json")
        self.assertRegex(out, r"registry's epoch +yes +2\n")
        self.assertRegex(out, r"epoch 1 +yes +as in the document; over\n")
        self.assertRegex(out, r"epoch 2 +yes +as in the document\n")

    # ---- refusals: nothing is printed that could be sent

    def refused(self, text, old, new, chain=CHAIN):
        self.assertIn(old, self.small.text)
        self.write("refused.yaml", self.small.text.replace(old, new))
        out, error = self.command("network", "contracts", "refused.yaml", "--chain", chain, *self.small.creating, "--json", code=1)
        self.assertEqual(out, "")
        self.assertIn(text, error)

    def test_contracts__what_a_registry_would_refuse_is_refused_before(self):
        first = f"{{operator: west, key: \"0x{self.members[2][2].hex()}\"}}"
        self.refused("chains[0].epochs: epoch 1 has 129 keys: a registry takes 128", first, self.epoch_of(self.many[:127]))
        self.refused("quorum 1 of 2 lets two quorums sign different heads", "quorum: 2, accept", "quorum: 1, accept")
        self.refused("a registry begins with epoch 1", "number: 1, quorum: 2", "number: 2, quorum: 2")
        self.assertIn("a registry begins with epoch 1", self.command("network", "contracts", "refused.yaml", "--chain", CHAIN, "--created",
                                                                     ",".join(self.small.hashes), code=1)[1])
        self.command("network", "contracts", "refused.yaml", "--chain", CHAIN)  # what stands there can be asked for all the same

    def test_contracts__chains_and_accounts_that_these_contracts_cannot_have_are_refused(self):
        self.refused("the document has no chain 'eip155:9'", "pair", "pair", chain="eip155:9")
        other = (f"{{genesis: {'ab' * 32}, finality_depth: 0, sources: 1, registry: \"{pair.ACCOUNT}\", outbox: \"{pair.ACCOUNT}\", "
                 f"inbox: \"{pair.ACCOUNT}\", epochs: [{{number: 1, quorum: 1, accept_equivocation: 0, keys: [{{operator: west, key: KEY}}]}}], ")
        self.refused("chains[2].suite: these contracts have keccak256-secp256k1 only", "zones:", "  - " + other.replace(
            "KEY", self.keys["west"]["root"]) + "id: \"eip155:5\", family: evm, suite: blake2b256-ed25519}\nzones:", chain="eip155:5")
        self.refused("chains[2].family: these contracts are for chains of family evm", "zones:", "  - " + other.replace(
            "KEY", f"\"{pair.ACCOUNT}\"") + "id: \"cosmos:five\", family: cosmos, light_client: {trusting_period: 99}, "
            "suite: keccak256-secp256k1}\nzones:", chain="cosmos:five")
        self.refused("chains[0].id: contracts there would call their chain eip155:N", CHAIN, "eip155:031337", chain="eip155:031337")
        wide = "registry: \"0x01" + self.small.made[0][2:].rjust(62, "0")
        self.refused("chains[0].registry: is no address", f"registry: \"{self.small.made[0]}", wide)
        self.refused("lanes[0].sender: is no address: nobody on eip155:31337 could open this lane",
                     f"sender: \"0x{self.chain.accounts[1].hex()}\"", f"sender: \"{'5a' * 32}\"")

    def test_contracts__wrong_calls_say_what_is_missing(self):
        address = "0x" + "5a" * 20
        for more, text in ((["--from", address], "--from and --nonce belong together"),
                           (["--nonce", "1"], "--from and --nonce belong together"),
                           (["--from", "0x12", "--nonce", "1"], "not '0x12'"),
                           (["--from", "0x" + "00" * 20, "--nonce", "1"], "--from takes an address"),
                           (["--from", address, "--nonce", "0x1"], "--nonce takes a number, not '0x1'"),
                           (["--from", address, "--nonce", "18446744073709551613"], "--nonce takes a number"),
                           (["--from", address, "--nonce", "1", "--answers", "x"], "without --from and --nonce"),
                           (["--created", "0x" + "12" * 32], "--created takes the hashes of three transactions"),
                           (["--created", ",".join(["0x" + "12" * 32] * 4)], "--created takes the hashes of three transactions"),
                           (["--created", ",".join(["0x" + "12" * 31] * 3)], "--created takes the hashes of three transactions"),
                           (["--receiver-gas", "49999"], "--receiver-gas takes 50000 to 10000000"),
                           (["--receiver-gas", "10000001"], "--receiver-gas takes 50000 to 10000000"),
                           (["--recovery", address], "--recovery and --recovery-delay belong together"),
                           (["--recovery-delay", "86400"], "--recovery and --recovery-delay belong together"),
                           (["--recovery", address, "--recovery-delay", "86399"], "seconds from 86400 on"),
                           (["--recovery", "east", "--recovery-delay", "86400"], "not 'east'"),
                           (["more"], "takes one document")):
            out, error = self.small.run(*more, code=2)
            self.assertEqual(out, "")
            self.assertIn(text, error.split("\n")[0])
        self.assertIn("give --chain", self.command("network", "contracts", "network.yaml", code=2)[1])
        self.assertIn("--recovery-delay SECONDS", self.command("network", "contracts", "--help")[0])

    def test_contracts__artifacts_that_are_missing_or_not_of_this_build_are_named(self):
        good = json.loads((evm.folder_of_contracts() / "Registry.json").read_text())
        run = lambda: subprocess.run([ISTHMUS, "network", "contracts", "network.yaml", "--chain", CHAIN, "--contracts", ".",
                                      *self.small.creating, "--json"], cwd=self.folder, capture_output=True, text=True, timeout=60)
        for name in ("Outbox", "Inbox"):
            self.write(f"{name}.json", (evm.folder_of_contracts() / f"{name}.json").read_text())
        for change, text in ((None, "./Registry.json"), ({"immutables": None}, "immutables: are missing: this file is of an older build"),
                             ({"immutables": {"owner": [1]}}, "have a name that this version does not know"),
                             ({"immutables": {"network": [len(good["runtime"]) // 2 - 32]}}, "lie behind the end of the code"),
                             ({"immutables": {"network": ["x"]}}, "immutables"), ({"runtime": "0x1"}, "runtime"),
                             ({"bytecode": "0x"}, "bytecode: is empty"), ({"bytecode": None}, "bytecode")):
            if change:
                self.write("Registry.json", json.dumps({**good, **change}))
            done = run()
            self.assertEqual((done.returncode, done.stdout), (1, ""), f"{change}: {done.stderr}")
            self.assertIn(text, done.stderr)
        self.write("Registry.json", json.dumps(good))
        self.assertEqual(run().returncode, 0)


if __name__ == "__main__":
    unittest.main(verbosity=1)
