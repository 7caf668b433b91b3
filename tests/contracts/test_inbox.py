#!/usr/bin/env python3
"""The inbox: accepting heads, executing once and in order, what it needs to be deployed."""

import unittest

import model
from crypto import keccak
from evm import Contract, Refused
from model import DONE, MESSAGE, ORDERED, OUTCOME, RETRY, REVERTED, head_leaf, log_id
from play import ACCEPT, MODES, REVERT, PlayCase


class Deliver(PlayCase):
    def test_whole_messages_execute_in_the_call_and_write_no_slot(self):
        for mode in MODES:
            lane, key = self.filled(5, mode)
            events = self.accepted(self.play.deliver(lane, key))
            self.assertEqual(self.outcomes(events), [(n, DONE, 0) for n in range(1, 6)])
            self.assertEqual(self.waiting(events), [])
            self.play.compare(lane)

    def test_running_hashes_are_in_the_slots_that_proofs_read(self):
        lane, key = self.filled(2)
        r = keccak(log_id(lane, MESSAGE) + (0).to_bytes(32, "big"))
        q = keccak(log_id(lane, OUTCOME) + (1).to_bytes(32, "big"))
        self.assertEqual((self.play.inbox.storage(r), self.play.inbox.storage(q)), (bytes(32), bytes(32)))
        self.accepted(self.play.deliver(lane, key))
        known = self.play.inbox_lane(lane)
        self.assertEqual((self.play.inbox.storage(r), self.play.inbox.storage(q)), (known.running, known.q))

    def test_second_delivery_ends_early_and_cheaply(self):
        lane, key = self.filled(5)
        items = self.play.records(lane)
        self.accepted(self.play.deliver(lane, key))
        first = self.play.receipt.gas
        for count in (5, 3):
            self.assertEqual(self.accepted(self.play.deliver(lane, key, count, items[:count])), [])
            self.assertLess(self.play.receipt.gas, first / 2)
        self.play.compare(lane)

    def test_items_accepted_before_are_passed_over(self):
        lane, key = self.filled(5)
        items = self.play.records(lane)
        self.accepted(self.play.deliver(lane, key, 2))
        events = self.accepted(self.play.deliver(lane, key, 5, items))
        self.assertEqual(self.outcomes(events), [(n, DONE, 0) for n in (3, 4, 5)])
        self.play.compare(lane)

    def test_receiver_sees_what_was_sent(self):
        play = self.play
        recorder = Contract(play.chain, "Recorder", play.inbox.address)
        play.models["inbox"].receivers[recorder.address] = lambda form: 0
        lane, key, sender = self.local(ORDERED, receiver=recorder.address)
        self.accepted(play.send(lane, sender=sender, payload=b"first"))
        self.accepted(play.send(lane, sender=sender, form=2, commitments=[b"c" * 32]))
        self.accepted(play.deliver(lane, key))
        logs = play.chain.rpc("eth_getLogs", {"address": "0x" + recorder.address.hex()})
        seen = [recorder.read(log)[1] for log in logs]
        self.assertEqual([(s["lane"], s["sequence"], s["payloadHash"]) for s in seen],
                         [(lane, 1, keccak(b"first")), (lane, 2, b"c" * 32)])
        payloads = [bytes([n]) * (7 * n) for n in range(1, 40)]
        for payload in payloads:
            self.accepted(play.send(lane, sender=sender, payload=payload))
        self.accepted(play.deliver(lane, key))
        logs = play.chain.rpc("eth_getLogs", {"address": "0x" + recorder.address.hex()})
        self.assertEqual([recorder.read(log)[1]["payloadHash"] for log in logs], [keccak(p) for p in payloads])
        self.assertEqual(recorder.call("counts", lane), [41, 0, 0, 41])
        with self.assertRaisesRegex(Refused, "NotInbox"):
            recorder.send("onCommitment", lane, bytes(32), bytes(32), 1, 0, 0, bytes(32))

    def test_every_set_of_suites(self):
        for suites in (1, 9, 15):
            lane, key, sender = self.local(suites=suites)
            others = [b"o" * 32] * (model.popcount(suites) - 1)
            self.accepted(self.play.send(lane, sender=sender, commitments=others))
            self.accepted(self.play.send(lane, sender=sender, form=2, commitments=[b"k" * 32, *others]))
            self.assertEqual(len(self.outcomes(self.accepted(self.play.deliver(lane, key)))), 2)
            self.play.compare(lane)

    def test_head_as_a_leaf_of_a_signed_tree(self):
        lane, key = self.filled(1)
        leaf = head_leaf(log_id(lane, MESSAGE), *self.play.head(lane))
        paper = self.play.paper(leaf, ("2", "3"), others=[bytes([i]) * 32 for i in range(9)])
        self.accepted(self.play.deliver(lane, key, paper=paper))

    def test_refusals(self):
        play = self.play
        lane, key = self.filled(4)
        items, (_, running) = play.records(lane), play.head(lane)
        self.refused("ItemsCount", play.deliver(lane, key, items=[]))
        self.refused("ItemsCount", play.deliver(lane, key, 3, items))
        self.refused("ItemsGap", play.deliver(lane, key, items=items[1:]))
        self.refused("HeadDiffers", play.deliver(lane, key, items=items[::-1]))
        self.refused("HeadDiffers", play.deliver(lane, key, 3, items[:3], running=running))
        self.refused("HeadDiffers", play.deliver(lane, key, items=[*items[:3], b"x" * 32]))
        changed = items[3][:9] + b"\xff" + items[3][10:]
        self.refused("HeadDiffers", play.deliver(lane, key, items=[*items[:3], changed]))
        leaf = head_leaf(log_id(lane, MESSAGE), 4, running)
        self.refused("QuorumMissing", play.deliver(lane, key, paper=play.paper(leaf, ("3",))))
        self.refused("QuorumMissing", play.deliver(lane, key, paper=play.paper(leaf, ("1", "1b"))))
        self.refused("SignerUnknown", play.deliver(lane, key, paper=play.paper(leaf, ("1", "stranger"))))
        for wrong in (head_leaf(log_id(lane, OUTCOME), 4, running), head_leaf(log_id(lane, MESSAGE), 3, running)):
            self.refused("SignerUnknown", play.deliver(lane, key, paper=play.paper(wrong)))
        for bad in ((*key[:4], 4, 1), (*key[:4], 0, 0)):
            self.refused("LaneInvalid", play.deliver(lane, bad, items=items))
        play.compare(lane)
        self.accepted(play.deliver(lane, key))

    def test_certificate_is_for_its_lane_alone(self):
        play = self.play
        lane, key = self.filled(1)
        leaf = head_leaf(log_id(lane, MESSAGE), *play.head(lane))
        changes = [(b"x" * 32, *key[1:]), (key[0], b"x" * 32, *key[2:]), (*key[:2], b"x" * 32, *key[3:]),
                   (*key[:3], b"x" * 20, *key[4:]), (*key[:4], 1, 1), (*key[:5], 2)]
        for other in changes:
            self.refused("HeadDiffers", play.deliver(lane, other, paper=play.paper(leaf)))

    def test_payload_that_is_not_the_committed_one(self):
        play = self.play
        lane, key = self.filled(2)
        one, two = play.records(lane)
        for bad in (one[:-1] + b"\xee", one[:87] + b"\xee" + one[88:], one[:-7] + (4).to_bytes(4, "big") + one[-3:] + b"x"):
            self.refused("PayloadDiffers", play.deliver(lane, key, items=[bad, two]))

    def test_records_are_read_strictly(self):
        play = self.play
        lane, key, sender = self.local()
        self.accepted(play.send(lane, sender=sender, payload=b"abc"))
        self.accepted(play.send(lane, sender=sender, form=2, commitments=[b"c" * 32]))
        one, two = play.records(lane)
        fields = one[:86]
        bad = [b"", one[:31], one[:33], one[:54], one[:86], one[:122], one[:-1], one + b"\0",
               fields + b"\2" + one[87:], fields + b"\0" + one[87:], fields + bytes(1) + b"\1" * 32 + bytes(4),
               fields + bytes(33) + b"\0\0\0\1" + b"x"]
        for item in bad:
            self.refused("RecordInvalid", play.deliver(lane, key, items=[item, two]))
        with_payload = two[:86] + b"\1" + bytes(32) + bytes(4)
        self.refused("RecordInvalid", play.deliver(lane, key, items=[one, with_payload]))

    def test_digests_wait_and_execute_later_by_anyone(self):
        play = self.play
        for mode in MODES:
            lane, key = self.filled(3, mode)
            items = play.records(lane)
            digests = play.models["outbox"].lanes[lane].digests
            events = self.accepted(play.deliver(lane, key, items=[items[0], digests[1], items[2]]))
            self.assertEqual(self.waiting(events), [(2, 0), (3, 0)] if mode & ORDERED else [(2, 0)])
            play.compare(lane)
            if mode & ORDERED:
                self.refused("OutOfOrder", play.execute(key, 3, items[2:]))
            events = self.accepted(play.execute(key, 2, items[1:]))
            self.assertEqual(self.outcomes(events), [(2, DONE, 0), (3, DONE, 0)] if mode & ORDERED else [(2, DONE, 0)])
            self.refused("NotPending", play.execute(key, 2, items[1:2]))
            play.compare(lane)

    def test_fields_without_payload_wait(self):
        play = self.play
        lane, key = self.filled(2)
        items = [play.fields_only(lane, 1), play.records(lane)[1]]
        self.assertEqual(self.waiting(self.accepted(play.deliver(lane, key, items=items))), [(1, 0)])
        self.refused("PayloadMissing", play.execute(key, 1, [play.fields_only(lane, 1)]))
        self.accepted(play.execute(key, 1, play.records(lane)[:1]))
        play.compare(lane)

    def test_256_items_in_a_call_and_not_257(self):
        play = self.play
        lane, key = self.filled(257)
        digests = play.models["outbox"].lanes[lane].digests
        self.refused("ItemsCount", play.deliver(lane, key, items=digests))
        self.accepted(play.deliver(lane, key, 256))
        self.accepted(play.deliver(lane, key, 257, items=play.records(lane)[1:]))
        self.assertEqual(len(play.inbox_lane(lane).entries), 257)
        self.assertEqual(play.inbox.call("state", lane), [257, 257])


class Execute(PlayCase):
    def test_execute_refusals(self):
        play = self.play
        lane, key = self.filled(3, RETRY)
        items, digests = play.records(lane), play.models["outbox"].lanes[lane].digests
        self.refused("NotPending", play.execute(key, 1, items))
        self.accepted(play.deliver(lane, key, items=digests))
        self.refused("ItemsCount", play.execute(key, 1, []))
        self.refused("NotPending", play.execute(key, 4, items))
        self.refused("NotPending", play.execute(key, 0, items[:1]))
        self.refused("NotPending", play.execute(key, 1, [b"", b""]))
        self.refused("DigestDiffers", play.execute(key, 2, items[:1]))
        self.refused("RecordInvalid", play.execute(key, 1, [items[0] + b"\0"]))
        self.refused("PayloadDiffers", play.execute(key, 1, [items[0][:-1] + b"\xee"]))
        self.assertEqual(self.outcomes(self.accepted(play.execute(key, 0, [b"", items[0], b"", items[2], b""]))),
                         [(1, DONE, 0), (3, DONE, 0)])
        play.compare(lane)

    def test_ordered_lane_stops_where_a_message_fails(self):
        play = self.play
        lane, key = self.filled(4, ORDERED | RETRY)
        play.set_mode(REVERT)
        self.assertEqual(self.waiting(self.accepted(play.deliver(lane, key, 3))), [(1, REVERTED), (2, 0), (3, 0)])
        play.set_mode(ACCEPT)
        self.assertEqual(self.waiting(self.accepted(play.deliver(lane, key))), [(4, 0)], "nothing overtakes")
        play.set_mode(REVERT)
        self.assertEqual(self.waiting(self.accepted(play.execute(key, 1, play.records(lane)))), [(1, REVERTED)])
        play.compare(lane)
        play.set_mode(ACCEPT)
        self.assertEqual([o[0] for o in self.outcomes(self.accepted(play.execute(key, 1, play.records(lane))))], [1, 2, 3, 4])
        play.compare(lane)

    def test_no_sequence_executes_twice(self):
        play = self.play
        lane, key = self.filled(2)
        items = play.records(lane)
        calls = play.trickster.call("calls")
        self.accepted(play.deliver(lane, key))
        for sequence in (1, 2):
            self.refused("NotPending", play.execute(key, sequence, items[sequence - 1:sequence]))
            self.refused("NotPending", play.expire(key, sequence, items[sequence - 1], at=play.clock + 1000))
        self.assertEqual(self.accepted(play.deliver(lane, key, items=items)), [])
        self.assertEqual(play.trickster.call("calls"), calls + 2)


class Foreign(PlayCase):
    """Messages that no outbox of ours makes, but a quorum might sign: they wait, and can expire."""

    def deliver(self, items, mode=0):
        play = self.play
        type(self).lanes += 1
        key = (b"f" * 32, b"o" * 32, self.lanes.to_bytes(32, "big"), play.trickster.address, mode, 1)
        lane = play.models["inbox"].id(key)
        running = log_id(lane, MESSAGE)
        for n, item in enumerate(items, 1):
            running = model.run(running, model.digest_of(lane, n, item))
        paper = play.paper(head_leaf(log_id(lane, MESSAGE), len(items), running))
        events = self.accepted(play.step("inbox", "deliver", (key, len(items), running, paper.model, items),
                                         (key, (len(items), running), paper.abi, items)))
        play.compare_inbox(lane)
        return key, events

    def test_unknown_forms_suites_and_missing_keccak(self):
        now = self.play.clock
        for form, suites in ((3, 1), (255, 1), (0, 2), (0, 8), (2, 0), (0, 255)):
            count = model.popcount(suites)
            item = model.record(now, form, 0, 0, now + 1000, suites, [b"c" * 32] * count)
            key, events = self.deliver([item])
            expected = [(1, 0)]
            self.assertEqual(self.waiting(events), expected, (form, suites))
            self.refused("PayloadMissing", self.play.execute(key, 1, [item]))
        self.accepted(self.play.expire(key, 1, item, at=now + 1001))

    def test_generations_and_lanes_need_no_opening(self):
        now = self.play.clock
        item = model.record(now, 2, 0, 0, now + 1000, 1, [b"c" * 32])
        _, events = self.deliver([item] * 3, ORDERED)
        self.assertEqual([o[0] for o in self.outcomes(events)], [1, 2, 3])


class Memory(PlayCase):
    hardfork = "shanghai"  # before calldata had a floor price, which hides the rest

    def test_memory_is_reused(self):
        play = self.play
        lane, key, sender = self.local()
        for i in range(16):
            self.accepted(play.send(lane, sender=sender, payload=bytes([i]) * 16384))
        self.accepted(play.deliver(lane, key))
        # 262,144 for the calldata; if memory grew by each payload, its price would grow with the square
        self.assertLess(play.receipt.gas / 16, 320_000)


class Deploy(PlayCase):
    def test_constructors_refuse_what_cannot_work(self):
        play = self.play
        genesis, registry, outbox = play.chain.genesis, play.registry.address, play.outbox.address
        with self.assertRaisesRegex(Refused, "RegistryMissing"):
            Contract(play.chain, "Inbox", play.network, genesis, b"\1" * 20, outbox, 100_000)
        with self.assertRaisesRegex(Refused, "RegistryMissing"):
            Contract(play.chain, "Outbox", play.network, genesis, b"\1" * 20)
        for gas in (0, 49_999, 10_000_001):
            with self.assertRaisesRegex(Refused, "ReceiverGasInvalid"):
                Contract(play.chain, "Inbox", play.network, genesis, registry, outbox, gas)

    def test_storage_slots_are_where_the_sources_say(self):
        for contract, first in ((self.play.outbox, ("runningHash", "settlement")), (self.play.inbox, ("accepted", "outcomes"))):
            slots = {v["label"]: v["slot"] for v in contract.artifact["storage"]}
            self.assertEqual([slots[label] for label in first], ["0", "1"])

    def test_contracts_fit(self):
        for contract in (self.play.registry, self.play.outbox, self.play.inbox):
            self.assertLess(len(contract.artifact["runtime"]) // 2, 24576)


if __name__ == "__main__":
    unittest.main()
