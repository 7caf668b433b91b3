#!/usr/bin/env python3
"""The registry: who may sign, how members change, and that nothing else changes them."""

import unittest

import model
from crypto import N, Key
from evm import Anvil, Contract, Refused
from model import account, certificate, epoch_leaf, head_leaf, log_id
from play import CALL, Paper, Play

LEAF = b"\x11" * 32


class Verify(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.play = Play()
        cls.addClassCleanup(cls.play.close)
        cls.registry, cls.keys = cls.play.registry, cls.play.keys

    def abi(self, names, leaf=LEAF, epoch=1, others=()):
        return certificate(self.play.network, epoch, leaf, [self.keys[n] for n in names], others)

    def refused(self, name, paper, method="verify", leaf=LEAF):
        with self.assertRaises(Refused) as caught:
            self.registry.call(method, leaf, paper)
        self.assertEqual(caught.exception.name, name)
        return caught.exception.arguments

    def test_quorum_of_operators_is_enough_in_any_order(self):
        for names in (("1", "2"), ("2", "1"), ("3", "1b"), ("1", "2", "3"), ("1", "1b", "2", "3")):
            self.registry.call("verify", LEAF, self.abi(names))

    def test_two_keys_of_one_operator_count_once(self):
        self.assertEqual(self.refused("QuorumMissing", self.abi(("1", "1b"))), [1, 2])

    def test_one_signature_twice_counts_once(self):
        self.refused("QuorumMissing", self.abi(("1", "1", "1")))

    def test_no_signature(self):
        self.refused("QuorumMissing", (1, []))

    def test_stranger_is_refused_even_beside_a_quorum(self):
        self.assertEqual(self.refused("SignerUnknown", self.abi(("1", "2", "stranger")))[0], 2)

    def test_signature_over_another_leaf(self):
        self.refused("SignerUnknown", self.abi(("1", "2"), leaf=b"\x12" * 32))

    def test_other_network(self):
        paper = certificate(b"\1" * 32, 1, LEAF, [self.keys["1"], self.keys["2"]])
        self.refused("SignerUnknown", paper)

    def test_unknown_epochs(self):
        for epoch in (0, 2, 2**64 - 1):
            self.assertEqual(self.refused("EpochNotValid", self.abi(("1", "2"), epoch=epoch)), [epoch])

    def test_leaf_of_a_signed_tree_of_every_size(self):
        for size in range(1, 12):
            self.registry.call("verify", LEAF, self.abi(("1", "2"), others=[bytes([i]) * 32 for i in range(size)]))

    def test_operators_may_sign_different_trees(self):
        one = self.abi(("1",), others=[b"\1" * 32])[1] + self.abi(("3",), others=[b"\2" * 32, b"\3" * 32])[1]
        self.registry.call("verify", LEAF, (1, one))

    def test_path_of_16_is_taken_and_17_refused(self):
        for length in (16, 17):
            path, root = [bytes([i + 1]) * 32 for i in range(length)], LEAF
            for sibling in path:
                root = model.node(root, sibling)
            paper = 1, [(path, *self.keys[n].sign(model.signed(self.play.network, root))) for n in ("1", "2")]
            if length == 16:
                self.registry.call("verify", LEAF, paper)
            else:
                self.assertEqual(self.refused("PathTooLong", paper), [17])

    def test_wrong_path(self):
        epoch, attestations = self.abi(("1", "2"), others=[b"\5" * 32])
        path, r, vs = attestations[1]
        self.refused("SignerUnknown", (epoch, [attestations[0], ([b"\6" * 32], r, vs)]))
        self.refused("SignerUnknown", (epoch, [attestations[0], ([], r, vs)]))

    def test_inner_node_is_not_a_leaf(self):
        others = [bytes([i]) * 32 for i in range(3)]
        inner = model.node(LEAF, others[0])
        _, paths = model.tree([LEAF, *others])
        signed = [self.keys[n].sign(model.signed(self.play.network, model.tree([LEAF, *others])[0])) for n in ("1", "2")]
        # The path may begin at an inner node, but no leaf hashes to it: a head leaf has another tag.
        self.registry.call("verify", inner, (1, [(paths[0][1:], *s) for s in signed]))
        self.assertNotEqual(inner, head_leaf(LEAF, 1, others[0]))

    def test_upper_half_s_is_refused(self):
        epoch, ((path, r, vs), second) = self.abi(("1", "2"))
        s = int.from_bytes(vs, "big") & (1 << 255) - 1
        self.assertGreaterEqual(N - s, 1 << 255, "the other half has no room beside the parity bit")
        half = (N // 2 + 1).to_bytes(32, "big")
        self.assertEqual(self.refused("SignatureNotCanonical", (epoch, [second, (path, r, half)])), [1])

    def test_zero_and_out_of_range_signatures(self):
        second = self.abi(("2",))[1][0]
        one = (1).to_bytes(32, "big")
        for r, vs in ((bytes(32), bytes(32)), (bytes(32), one), (one, bytes(32)), (N.to_bytes(32, "big"), one)):
            self.assertEqual(self.refused("SignatureNotCanonical", (1, [second, ([], r, vs)])), [1])

    def test_more_attestations_than_members_are_refused(self):
        one = self.abi(("1",))[1]
        self.refused("TooManyAttestations", (1, one * 129))

    def test_close_needs_more_than_half_of_every_side(self):
        close = "verifyClose"
        self.registry.call(close, LEAF, self.abi(("1", "2", "3")))
        self.registry.call(close, LEAF, self.abi(("1b", "2", "3")))
        for names in (("1", "2"), ("1", "3"), ("1", "1b", "3")):  # side 1 missing; half of side 0 is not more than half
            self.refused("SideMissing", self.abi(names), close)
        self.refused("QuorumMissing", self.abi(("3",)), close)

    def test_other_chain_id_ends_it(self):
        self.play.chain.rpc("anvil_setChainId", 4242)
        try:
            self.refused("WrongChain", self.abi(("1", "2")))
        finally:
            self.play.chain.rpc("anvil_setChainId", 31337)

    def test_has_no_other_door(self):
        names = {e["name"] for e in self.registry.artifact["abi"] if e["type"] == "function"
                 and e["stateMutability"] not in ("view", "pure")}
        self.assertEqual(names, {"rotate", "proposeRecovery", "executeRecovery"})
        kinds = {e["type"] for e in self.registry.artifact["abi"]}
        self.assertFalse(kinds & {"fallback", "receive"})
        code = bytes.fromhex(self.registry.artifact["runtime"][2:])
        self.assertEqual(opcodes(code) & {0xF1, 0xF2, 0xF4, 0xF0, 0xF5, 0xFF}, set(),
                         "CALL, CALLCODE, DELEGATECALL, CREATE, SELFDESTRUCT")


def opcodes(code):
    """The opcodes of a contract, its push data left out."""
    found, at = set(), 0
    while at < len(code):
        found.add(code[at])
        at += code[at] - 0x5F + 1 if 0x60 <= code[at] <= 0x7F else 1
    return found


class Members(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.chain = Anvil()
        cls.addClassCleanup(cls.chain.close)
        cls.many = sorted((Key(i) for i in range(130)), key=lambda k: k.address)

    def refused(self, name, quorum, members, recovery=bytes(20), delay=0):
        with self.assertRaises(Refused) as caught:
            Contract(self.chain, "Registry", b"\1" * 32, self.chain.genesis, quorum, members, recovery, delay)
        self.assertEqual(caught.exception.name, name)

    def make(self, quorum, members):
        return Contract(self.chain, "Registry", b"\1" * 32, self.chain.genesis, quorum, members, bytes(20), 0)

    def address(self, i):
        return self.many[i].address

    def test_empty_or_too_many(self):
        self.refused("MembersCount", 1, [])
        self.refused("MembersCount", 40, [(i // 3, 0, self.address(i)) for i in range(129)])
        self.refused("OperatorsCount", 40, [(i, 0, self.address(i)) for i in range(65)])
        self.refused("SidesCount", 10, [(i, i, self.address(i)) for i in range(17)])

    def test_largest_epoch_works_whole(self):
        members = [(i // 2, i // 2 % 16, self.address(i)) for i in range(128)]
        registry = self.make(64, members)
        signers = [self.many[i] for i in range(0, 128, 2)]
        registry.call("verifyClose", LEAF, certificate(b"\1" * 32, 1, LEAF, signers))
        with self.assertRaisesRegex(Refused, "QuorumMissing.*63"):
            registry.call("verify", LEAF, certificate(b"\1" * 32, 1, LEAF, signers[:-1] + [self.many[1]]))

    def test_order_keys_and_sides(self):
        a, b = self.address(0), self.address(1)
        self.refused("MembersNotAscending", 2, [(2, 0, a), (1, 0, b)])
        self.refused("MembersNotAscending", 1, [(1, 0, b), (1, 0, a)])
        self.refused("MemberKeyInvalid", 1, [(1, 0, a), (1, 0, a)])
        self.refused("MemberKeyInvalid", 2, [(1, 0, a), (2, 0, a)])
        self.refused("MemberKeyInvalid", 1, [(1, 0, bytes(20))])
        self.refused("MemberSideDiffers", 1, [(1, 0, a), (1, 1, b)])

    def test_two_quorums_always_share_an_operator(self):
        members = [(i, 0, self.address(i)) for i in range(4)]
        for quorum in (0, 1, 2, 5, 65535):
            self.refused("QuorumOutOfRange", quorum, members)
        for quorum in (3, 4):
            self.make(quorum, members)

    def test_recovery_delay_has_a_floor(self):
        members = [(1, 0, self.address(0))]
        self.refused("RecoveryDelayTooShort", 1, members, self.address(1), 86399)


class Change(unittest.TestCase):
    def setUp(self):
        self.play = Play()
        self.addCleanup(self.play.close)
        self.play.keys.update({"4": Key(4), "5": Key(5), "6": Key(6)})
        self.registry = self.play.registry

    def members(self, *names):
        return [(i + 10, i % 2, self.play.keys[n].address) for i, n in enumerate(names)]

    def rotate(self, members, signers, quorum=2, overlap=100, epoch=None, cert_epoch=None, at=None, leaf=None):
        twin = self.play.models["registry"]
        epoch = twin.current + 1 if epoch is None else epoch
        leaf = leaf or epoch_leaf(self.play.identity, self.registry.address, epoch, quorum, overlap, members)
        paper = self.play.paper(leaf, signers, cert_epoch)
        return self.play.step("registry", "rotate", (epoch, quorum, overlap, members, paper.model),
                              (epoch, quorum, overlap, members, paper.abi), at=at)

    def verify(self, names, epoch):
        try:
            self.registry.call("verify", LEAF, certificate(self.play.network, epoch, LEAF, self.play.signers(names)))
            return None
        except Refused as refusal:
            return refusal.name

    def test_rotation_overlaps_and_then_ends(self):
        start = self.play.clock + 10
        events, _ = self.rotate(self.members("4", "5", "6"), ("1", "2"), at=start)
        self.assertEqual(events[0][1]["epoch"], 2)
        self.assertEqual(self.registry.call("epochInfo", 2)[3], True)
        self.assertEqual((self.verify(("4", "5"), 2), self.verify(("1", "2"), 1)), (None, None))
        self.assertEqual(self.verify(("1", "4"), 1), "SignerUnknown", "an epoch's members do not mix with another's")
        self.assertEqual(self.verify(("1", "4"), 2), "SignerUnknown")

    def test_overlap_ends_to_the_second(self):
        play = self.play
        lane, key = play.opened()
        for _ in range(2):
            play.send(lane)
        papers = [play.paper(head_leaf(log_id(lane, model.MESSAGE), *play.head(lane, n)), ("1", "2")) for n in (1, 2)]
        start = play.clock + 10
        self.rotate(self.members("4", "5", "6"), ("1", "2"), at=start, overlap=100)
        self.assertEqual(play.deliver(lane, key, 1, paper=papers[0], at=start + 99)[1], None)
        self.assertEqual(play.deliver(lane, key, 2, paper=papers[1], at=start + 100)[1], "EpochNotValid")
        self.assertEqual(play.clock, start + 100)

    def test_no_overlap_ends_at_once(self):
        self.rotate(self.members("4", "5", "6"), ("1", "2"), overlap=0)
        self.assertEqual(self.verify(("1", "2"), 1), "EpochNotValid")

    def test_second_rotation_ends_the_first_epoch(self):
        self.rotate(self.members("4", "5", "6"), ("1", "2"), overlap=10000)
        self.rotate(self.members("1", "2", "3"), ("4", "5"), overlap=10000)
        self.assertEqual([self.verify(n, e) for n, e in ((("1", "2"), 1), (("4", "5"), 2), (("1", "2"), 3))],
                         ["EpochNotValid", None, None])

    def test_only_the_current_epoch_rotates(self):
        self.rotate(self.members("4", "5", "6"), ("1", "2"), overlap=10000)
        self.assertEqual(self.rotate(self.members("1", "2", "3"), ("1", "2"), cert_epoch=1)[1], "EpochNotValid")
        self.assertEqual(self.rotate(self.members("1", "2", "3"), ("1", "2"), cert_epoch=2)[1], "SignerUnknown")

    def test_refusals_of_rotation(self):
        members = self.members("4", "5", "6")
        self.assertEqual(self.rotate(members, ("1",))[1], "QuorumMissing")
        self.assertEqual(self.rotate(members, ("1", "2"), epoch=1)[1], "EpochNotNext")
        self.assertEqual(self.rotate(members, ("1", "2"), epoch=3)[1], "EpochNotNext")
        self.assertEqual(self.rotate(members, ("1", "2"), overlap=30 * 86400 + 1)[1], "OverlapTooLong")
        self.assertEqual(self.rotate(members, ("1", "2"), quorum=1)[1], "QuorumOutOfRange")
        self.assertEqual(self.rotate(members, ("1", "2"), leaf=LEAF)[1], "SignerUnknown")
        self.assertEqual(self.registry.call("current"), 1)

    def test_rotation_for_another_registry_or_chain(self):
        members = self.members("4", "5", "6")
        for chain, address in ((b"\1" * 32, self.registry.address), (self.play.identity, self.play.outbox.address)):
            leaf = epoch_leaf(chain, address, 2, 2, 100, members)
            self.assertEqual(self.rotate(members, ("1", "2"), leaf=leaf)[1], "SignerUnknown")

    def recover(self, method, members, sender, quorum=2):
        return self.play.recover(method, quorum, members, sender)

    def test_recovery_waits_its_delay_and_ends_the_old_epoch(self):
        accounts, members = self.play.chain.accounts, self.members("4", "5", "6")
        self.assertEqual(self.recover("proposeRecovery", members, accounts[1])[1], "NotRecovery")
        self.assertEqual(self.recover("executeRecovery", members, accounts[1])[1], "RecoveryNotProposed")
        events, _ = self.recover("proposeRecovery", members, accounts[9])
        ready = events[0][1]["executableAt"]
        self.assertEqual(ready, self.play.clock + 86400)
        self.assertEqual(self.recover("executeRecovery", members, accounts[9])[1], "RecoveryTooEarly")
        self.assertEqual(self.recover("executeRecovery", self.members("4", "5", "stranger"), accounts[9])[1],
                         "RecoveryNotProposed")
        self.assertEqual(self.recover("executeRecovery", members, accounts[9], quorum=3)[1], "RecoveryNotProposed")
        self.play.clock = ready - 2
        self.assertEqual(self.recover("executeRecovery", members, accounts[9])[1], "RecoveryTooEarly")
        events, _ = self.recover("executeRecovery", members, accounts[1])
        self.assertEqual((events[0][1]["epoch"], events[0][1]["recovered"]), (2, True))
        self.assertEqual(self.play.clock, ready)
        self.assertEqual((self.verify(("1", "2"), 1), self.verify(("4", "5"), 2)), ("EpochNotValid", None))
        self.assertEqual(self.recover("executeRecovery", members, accounts[1])[1], "RecoveryNotProposed")

    def test_rotation_cancels_recovery(self):
        accounts, members = self.play.chain.accounts, self.members("4", "5", "6")
        self.recover("proposeRecovery", members, accounts[9])
        same = self.play.models["registry"].epochs[1][1]
        self.assertEqual(self.rotate(same, ("1", "2"))[1], None)
        self.play.clock += 90000
        self.assertEqual(self.recover("executeRecovery", members, accounts[9])[1], "RecoveryNotProposed")

    def test_second_proposal_replaces_the_first(self):
        accounts = self.play.chain.accounts
        first, second = self.members("4", "5", "6"), self.members("6", "5", "4")
        self.recover("proposeRecovery", first, accounts[9])
        self.play.clock += 86000
        self.recover("proposeRecovery", second, accounts[9])
        self.play.clock += 86000
        self.assertEqual(self.recover("executeRecovery", first, accounts[9])[1], "RecoveryNotProposed")
        self.assertEqual(self.recover("executeRecovery", second, accounts[9])[1], "RecoveryTooEarly")
        self.play.clock += 400
        self.assertEqual(self.recover("executeRecovery", second, accounts[9])[1], None)

    def test_lane_goes_on_under_the_next_epoch(self):
        play = self.play
        lane, key = play.opened()
        for _ in range(3):
            play.send(lane)
        count, running = play.head(lane, 2)
        leaf = head_leaf(log_id(lane, model.MESSAGE), count, running)
        old = play.paper(leaf, ("1", "2"))
        self.rotate(self.members("4", "5", "6"), ("1", "2"), overlap=0)
        self.assertEqual(play.deliver(lane, key, 2, paper=old)[1], "EpochNotValid")
        mixed = Paper(play.network, leaf, play.signers(("1", "4")), 2)
        self.assertEqual(play.deliver(lane, key, 2, paper=mixed)[1], "SignerUnknown")
        self.assertEqual(play.deliver(lane, key, 2, paper=play.paper(leaf, ("4", "5")))[1], None)
        play.compare(lane)

    def test_no_message_reaches_the_registry(self):
        """I11: neither as a receiver, nor through a receiver that forwards what it is told."""
        play = self.play
        lane, key = play.opened(receiver=self.registry.address, mode=model.RETRY)
        inner = self.registry.data("rotate", 2, 1, 0, self.members("stranger"), (1, []))
        play.send(lane, payload=inner)
        events, _ = play.deliver(lane, key)
        self.assertEqual((events[1][1]["status"], events[1][1]["reason"]), (model.FAILED, model.FORBIDDEN))
        for i, data in enumerate((inner, self.registry.data("proposeRecovery", 1, self.members("stranger")),
                                 self.registry.data("executeRecovery", 1, self.members("stranger")))):
            play.set_mode(CALL, self.registry.address, data)
            sender = play.chain.accounts[i]
            lane, key = play.opened(sender=sender)
            play.send(lane, payload=data, sender=sender)
            events, _ = play.deliver(lane, key)
            self.assertEqual(events[1][1]["status"], model.DONE, "the receiver saw its call refused")
        self.assertEqual((self.registry.call("current"), self.registry.call("recoveryHash")), (1, bytes(32)))


if __name__ == "__main__":
    unittest.main()
