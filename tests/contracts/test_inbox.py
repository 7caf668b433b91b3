#!/usr/bin/env python3
"""The inbox: accepting heads, executing once and in order, hostile receivers, expiry, rulings, closing."""

import unittest

import model
from crypto import keccak
from evm import Contract, Refused
from model import (DEADLINE, DONE, EXPIRED, FAILED, FORBIDDEN, MESSAGE, NO_CODE, ORDERED, OUT_OF_GAS, OUTCOME, RETRY,
                   REVERTED, STRUCK, WITHHELD, head_leaf, log_id, ruling_leaf)
from play import (ACCEPT, BOMB, BOMB_REVERT, BURN, CALL, DESTROY, INVALID, NEED, RECEIVER_GAS, REVERT, PlayCase)

MODES = (0, ORDERED, RETRY, ORDERED | RETRY)


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


class Receivers(PlayCase):
    """What a receiver may do, on lanes of every mode: the lane goes on and the outcome says what happened."""

    def fails(self, mode, reason, **options):
        for lane_mode in MODES:
            lane, key = self.filled(2, lane_mode, **options)
            self.play.set_mode(mode)
            events = self.accepted(self.play.deliver(lane, key, 1))
            if lane_mode & RETRY:
                self.assertEqual((self.outcomes(events), self.waiting(events)), ([], [(1, reason)]))
                self.play.set_mode(ACCEPT)
                events = self.accepted(self.play.execute(key, 1, self.play.records(lane)[:1]))
                self.assertEqual(self.outcomes(events), [(1, DONE, 0)])
            else:
                self.assertEqual((self.outcomes(events), self.waiting(events)), ([(1, FAILED, reason)], []))
                self.play.set_mode(ACCEPT)
            self.assertEqual(self.outcomes(self.accepted(self.play.deliver(lane, key))), [(2, DONE, 0)])
            self.play.compare(lane)

    def test_reverts(self):
        self.fails(REVERT, REVERTED)

    def test_burns_all_gas(self):
        self.fails(BURN, OUT_OF_GAS)

    def test_invalid_opcode_burns_all_gas(self):
        self.fails(INVALID, OUT_OF_GAS)

    def test_bomb_in_a_revert_is_not_copied(self):
        self.fails(BOMB_REVERT, REVERTED)

    def test_bomb_in_a_return_is_not_copied(self):
        lane, key = self.filled(3)
        self.play.set_mode(BOMB)
        self.assertEqual([o[1] for o in self.outcomes(self.accepted(self.play.deliver(lane, key)))], [DONE] * 3)
        self.assertLess(self.play.receipt.gas, 3 * RECEIVER_GAS + 200_000)

    def test_no_code(self):
        for mode in MODES:
            lane, key = self.filled(1, mode, receiver=b"\xaa" * 20)
            events = self.accepted(self.play.deliver(lane, key))
            if mode & RETRY:
                self.assertEqual(self.waiting(events), [(1, NO_CODE)])
                self.assertEqual(self.waiting(self.accepted(self.play.execute(key, 1, self.play.records(lane)))), [(1, NO_CODE)])
            else:
                self.assertEqual(self.outcomes(events), [(1, FAILED, NO_CODE)])
            self.play.compare(lane)

    def test_forbidden_receivers_fail_for_good_on_every_lane(self):
        play = self.play
        for receiver in (play.registry.address, play.inbox.address, play.outbox.address, (1).to_bytes(20, "big"),
                         (9).to_bytes(20, "big"), (0x100).to_bytes(20, "big"), (0xFFFF).to_bytes(20, "big")):
            for mode in (0, RETRY):
                lane, key = self.filled(1, mode, receiver=receiver)
                self.assertEqual(self.outcomes(self.accepted(play.deliver(lane, key))), [(1, FAILED, FORBIDDEN)])
                play.compare(lane)

    def test_reentry_into_every_door_is_refused(self):
        play = self.play
        lane, key = self.filled(3, RETRY)
        items = play.records(lane)
        paper = play.paper(head_leaf(log_id(lane, MESSAGE), *play.head(lane)))
        ruling = (1, 3, play.head(lane)[1], WITHHELD, 1, 1)
        doors = {
            "deliver": (key, play.head(lane), paper.abi, items),
            "execute": (key, 1, items),
            "expire": (key, 1, items[0]),
            "rule": (key, ruling, paper.abi, []),
            "close": (key, (3, play.head(lane)[1], 2), paper.abi),
        }
        mutating = {e["name"] for e in play.inbox.artifact["abi"]
                    if e["type"] == "function" and e["stateMutability"] not in ("view", "pure")}
        self.assertEqual(mutating, set(doors), "a new door needs a new test")
        for name, arguments in doors.items():
            lane, key = self.filled(1)
            play.set_mode(CALL, play.inbox.address, play.inbox.data(name, *arguments))
            self.assertEqual(self.outcomes(self.accepted(play.deliver(lane, key))), [(1, DONE, 0)], name)
            self.assertEqual(play.trickster.call("answer"), keccak(b"Reentered()")[:4], name)
            play.compare(lane)

    def test_receiver_may_use_the_outbox(self):
        """Settling and answering from inside a message are ordinary calls."""
        play = self.play
        lane, key = self.filled(2)
        self.accepted(play.deliver(lane, key, 1))
        entries = [model.outcome_record(*e) for e in play.inbox_lane(lane).entries]
        q = play.inbox_lane(lane).q
        paper = play.paper(head_leaf(log_id(lane, OUTCOME), 1, q))
        play.set_mode(CALL, play.outbox.address, play.outbox.data("settle", lane, 1, q, paper.abi, b"".join(entries)))
        # the receiver reverts because its inner call succeeded; its settling is undone with it
        self.assertEqual(self.outcomes(self.accepted_as(REVERTED, lane, key)), [(2, FAILED, REVERTED)])
        play.set_mode(ACCEPT)
        self.accepted(play.settle(lane))
        play.compare(lane)

    def accepted_as(self, reason, lane, key):
        receivers = self.play.models["inbox"].receivers
        before = receivers[self.play.trickster.address]
        receivers[self.play.trickster.address] = lambda form: reason
        try:
            return self.accepted(self.play.deliver(lane, key))
        finally:
            receivers[self.play.trickster.address] = before

    def test_too_little_gas_cannot_make_a_message_fail(self):
        """A receiver that needs most of its gas: whatever the relay gives, the call reverts whole or the message is done."""
        play = self.play
        play.trickster.send("set", NEED, bytes(20), b"", RECEIVER_GAS - 5000)
        lane, key = self.filled(1)
        paper = play.paper(head_leaf(log_id(lane, MESSAGE), *play.head(lane)))
        arguments = (key, play.head(lane), paper.abi, play.records(lane))
        done = reverted = 0
        for gas in range(60_000, 620_000, 8_000):
            snapshot = play.chain.rpc("evm_snapshot")
            try:
                outcome = play.inbox.send("deliver", *arguments, gas=gas).named("Outcome")[0]
                self.assertEqual(outcome["status"], DONE, gas)
                done += 1
            except Refused as refusal:
                self.assertIn(refusal.name, ("GasTooLow", None), refusal)
                reverted += 1
            play.chain.rpc("evm_revert", snapshot)
        self.assertGreater(min(done, reverted), 5)

    def test_too_little_gas_for_execute_neither(self):
        play = self.play
        play.trickster.send("set", NEED, bytes(20), b"", RECEIVER_GAS - 5000)
        lane, key = self.filled(1)
        self.accepted(play.deliver(lane, key, items=play.models["outbox"].lanes[lane].digests))
        for gas in range(40_000, 500_000, 10_000):
            snapshot = play.chain.rpc("evm_snapshot")
            try:
                events = play.inbox.send("execute", key, 1, play.records(lane), gas=gas).named("Outcome")
                self.assertEqual([e["status"] for e in events], [DONE], gas)
            except Refused as refusal:
                self.assertIn(refusal.name, ("GasTooLow", None), refusal)
            play.chain.rpc("evm_revert", snapshot)


class Destroyed(PlayCase):
    hardfork = "shanghai"  # where a contract still can destroy itself

    def test_receiver_that_destroys_itself(self):
        lane, key = self.filled(2, RETRY)
        self.play.set_mode(DESTROY)
        self.assertEqual(self.outcomes(self.accepted(self.play.deliver(lane, key, 1))), [(1, DONE, 0)])
        del self.play.models["inbox"].receivers[self.play.trickster.address]
        self.assertEqual(self.waiting(self.accepted(self.play.deliver(lane, key))), [(2, NO_CODE)])
        self.play.compare(lane)


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


class Expiry(PlayCase):
    def test_deadline_to_the_second(self):
        play = self.play
        for after, expected in ((0, (DONE, 0)), (1, (EXPIRED, DEADLINE))):
            lane, key = self.filled(1, lives=[50])
            deadline = int.from_bytes(play.records(lane)[0][45:53], "big")
            events = self.accepted(play.deliver(lane, key, at=deadline + after))
            self.assertEqual(self.outcomes(events), [(1, *expected)])
            self.assertEqual(play.clock, deadline + after)

    def test_expire_to_the_second_without_payload(self):
        play = self.play
        for mode in MODES:
            lane, key = self.filled(1, mode, lives=[50])
            self.accepted(play.deliver(lane, key, items=play.models["outbox"].lanes[lane].digests))
            item = play.fields_only(lane, 1)
            deadline = int.from_bytes(item[45:53], "big")
            self.refused("DeadlineNotPassed", play.expire(key, 1, item))
            self.refused("DeadlineNotPassed", play.expire(key, 1, item, at=deadline))
            self.assertEqual(self.outcomes(self.accepted(play.expire(key, 1, item, at=deadline + 1))), [(1, EXPIRED, DEADLINE)])
            self.refused("NotPending", play.expire(key, 1, item))
            play.compare(lane)

    def test_failing_message_expires_and_the_ordered_lane_goes_on(self):
        play = self.play
        lane, key = self.filled(3, ORDERED | RETRY, lives=[50, 900, 900])
        play.set_mode(REVERT)
        self.accepted(play.deliver(lane, key))
        play.set_mode(ACCEPT)
        self.refused("OutOfOrder", play.expire(key, 2, play.records(lane)[1], at=play.clock + 60))
        events = self.accepted(play.execute(key, 1, play.records(lane)))
        self.assertEqual(self.outcomes(events), [(1, EXPIRED, DEADLINE), (2, DONE, 0), (3, DONE, 0)])
        play.compare(lane)

    def test_expired_inside_a_delivery(self):
        play = self.play
        for mode in MODES:
            lane, key = self.filled(3, mode, lives=[900, 50, 900])
            calls = play.trickster.call("calls")
            items = [play.records(lane)[0], play.fields_only(lane, 2), play.records(lane)[2]]
            events = self.accepted(play.deliver(lane, key, items=items, at=play.clock + 100))
            self.assertEqual(self.outcomes(events), [(1, DONE, 0), (2, EXPIRED, DEADLINE), (3, DONE, 0)])
            self.assertEqual(play.trickster.call("calls"), calls + 2)
            play.compare(lane)

    def test_wrong_fields(self):
        play = self.play
        lane, key = self.filled(2, lives=[50, 50])
        self.accepted(play.deliver(lane, key, items=play.models["outbox"].lanes[lane].digests))
        one, two = play.records(lane)
        late = play.clock + 100
        self.refused("DigestDiffers", play.expire(key, 1, two, at=late))
        self.refused("DigestDiffers", play.expire(key, 1, one[:45] + bytes(8) + one[53:]))
        self.refused("RecordInvalid", play.expire(key, 1, one[:86]))
        self.refused("NotPending", play.expire(key, 3, one))
        self.accepted(play.expire(key, 2, two))
        play.compare(lane)


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


class Rulings(PlayCase):
    def test_range_not_yet_accepted(self):
        play = self.play
        for mode in MODES:
            lane, key = self.filled(5, mode)
            self.accepted(play.deliver(lane, key, 1))
            events = self.accepted(play.rule(lane, key, 2, 4))
            self.assertEqual(self.outcomes(events), [(n, WITHHELD, 12) for n in (2, 3, 4)])
            self.assertEqual(self.outcomes(self.accepted(play.deliver(lane, key))), [(5, DONE, 0)], "the lane goes on")
            play.compare(lane)
            self.accepted(play.settle(lane))
            play.compare(lane)

    def test_accepted_and_pending(self):
        play = self.play
        for mode in MODES:
            lane, key = self.filled(4, mode)
            self.accepted(play.deliver(lane, key, items=play.models["outbox"].lanes[lane].digests))
            events = self.accepted(play.rule(lane, key, 1, 2, status=STRUCK, rule=7))
            self.assertEqual(self.outcomes(events), [(1, STRUCK, 7), (2, STRUCK, 7)])
            self.refused("NotPending", play.execute(key, 1, play.records(lane)[:2]))
            self.accepted(play.execute(key, 3, play.records(lane)[2:]))
            play.compare(lane)

    def test_partly_accepted_and_partly_decided(self):
        play = self.play
        lane, key = self.filled(6, RETRY)
        digests = play.models["outbox"].lanes[lane].digests
        items = [play.records(lane)[0], digests[1], play.records(lane)[2], digests[3]]
        self.accepted(play.deliver(lane, key, 4, items))
        events = self.accepted(play.rule(lane, key, 1, 6))
        self.assertEqual(self.outcomes(events), [(n, WITHHELD, 12) for n in (2, 4, 5, 6)])
        self.assertEqual(self.outcomes(self.accepted(play.rule(lane, key, 1, 6, digests=digests))), [], "nothing is ever changed")
        play.compare(lane)

    def test_ordered_lane_takes_a_ruling_only_in_its_turn(self):
        play = self.play
        lane, key = self.filled(4, ORDERED)
        digests = play.models["outbox"].lanes[lane].digests
        self.accepted(play.deliver(lane, key, 2, digests[:2]))
        self.refused("OutOfOrder", play.rule(lane, key, 3, 3))
        self.refused("OutOfOrder", play.rule(lane, key, 2, 2))
        self.accepted(play.execute(key, 1, play.records(lane)[:2]))
        self.accepted(play.rule(lane, key, 3, 3))
        play.compare(lane)

    def test_256_and_not_257(self):
        play = self.play
        lane, key, sender = self.local()
        for _ in range(257):
            self.accepted(play.send(lane, sender=sender, form=2, commitments=[b"c" * 32]))
        self.refused("RulingInvalid", play.rule(lane, key, 1, 257))
        self.accepted(play.rule(lane, key, 1, 256))
        self.accepted(play.rule(lane, key, 2, 257))

    def test_refusals(self):
        play = self.play
        lane, key = self.filled(4)
        digests = play.models["outbox"].lanes[lane].digests
        self.accepted(play.deliver(lane, key, 1))
        for status in (0, 1, 2, 3, 6):
            self.refused("RulingInvalid", play.rule(lane, key, 2, 3, status=status))
        self.refused("RulingInvalid", play.rule(lane, key, 0, 3))
        self.refused("RulingInvalid", play.rule(lane, key, 3, 2))
        self.refused("ItemsGap", play.rule(lane, key, 3, 4))
        self.refused("ItemsCount", play.rule(lane, key, 2, 3, digests=[]))
        self.refused("ItemsCount", play.rule(lane, key, 2, 3, digests=digests))
        self.refused("ItemsGap", play.rule(lane, key, 2, 4, digests=digests[2:]))
        self.refused("HeadDiffers", play.rule(lane, key, 2, 3, digests=[digests[2], digests[1]]))
        self.refused("HeadDiffers", play.rule(lane, key, 2, 3, running=b"r" * 32))
        running = play.head(lane, 3)[1]
        log = log_id(lane, MESSAGE)
        self.refused("QuorumMissing", play.rule(
            lane, key, 2, 3, paper=play.paper(ruling_leaf(log, 2, 3, running, WITHHELD, 12, 5), ("2",))))
        for other in ((1, 3, running, WITHHELD, 12, 5), (2, 3, running, STRUCK, 12, 5), (2, 3, running, WITHHELD, 13, 5),
                      (2, 3, running, WITHHELD, 12, 6)):
            self.refused("SignerUnknown", play.rule(lane, key, 2, 3, paper=play.paper(ruling_leaf(log, *other))))
        self.refused("SignerUnknown", play.rule(lane, key, 2, 3, paper=play.paper(head_leaf(log, 3, running))))
        self.accepted(play.rule(lane, key, 2, 3))
        play.compare(lane)

    def test_ruling_is_no_head(self):
        play = self.play
        lane, key = self.filled(2)
        log, (_, running) = log_id(lane, MESSAGE), play.head(lane)
        paper = play.paper(ruling_leaf(log, 1, 2, running, WITHHELD, 12, 5))
        self.refused("SignerUnknown", play.deliver(lane, key, paper=paper))


class Close(PlayCase):
    def test_nothing_beyond_the_end(self):
        play = self.play
        for mode in MODES:
            lane, key = self.filled(5, mode)
            self.accepted(play.deliver(lane, key, 2))
            self.accepted(play.close_inbox(lane, key, 4))
            self.refused("BeyondClose", play.deliver(lane, key))
            self.refused("BeyondClose", play.rule(lane, key, 3, 5))
            self.assertEqual(self.outcomes(self.accepted(play.deliver(lane, key, 4))), [(3, DONE, 0), (4, DONE, 0)])
            self.refused("BeyondClose", play.deliver(lane, key))
            self.refused("LaneClosed", play.close_inbox(lane, key, 4))
            play.compare(lane)

    def test_accepted_beyond_the_end_is_never_decided(self):
        play = self.play
        for mode in MODES:
            lane, key = self.filled(4, mode, lives=[900, 900, 900, 50])
            self.accepted(play.deliver(lane, key, items=play.models["outbox"].lanes[lane].digests))
            self.accepted(play.close_inbox(lane, key, 2))
            items = play.records(lane)
            if mode & ORDERED:
                self.refused("BeyondClose", play.execute(key, 1, items))
            self.refused("BeyondClose" if not mode & ORDERED else "OutOfOrder", play.execute(key, 3, items[2:3]))
            self.accepted(play.execute(key, 1, items[:2]))
            self.refused("BeyondClose", play.execute(key, 3, items[2:3]))
            self.refused("BeyondClose" if not mode & ORDERED else "OutOfOrder",
                         play.expire(key, 4, items[3], at=play.clock + 100))
            self.refused("BeyondClose", play.rule(lane, key, 3, 4))
            self.refused("BeyondClose", play.rule(lane, key, 2, 3))
            play.compare(lane)

    def test_a_branch_that_misses_the_record(self):
        play = self.play
        lane, key = self.filled(2)
        self.accepted(play.close_inbox(lane, key, 2, running=b"b" * 32))
        self.refused("HeadDiffers", play.deliver(lane, key))
        self.accepted(play.deliver(lane, key, 1))

    def test_next_generation_starts_anew(self):
        play = self.play
        lane, key, sender = self.local(ORDERED)
        self.accepted(play.send(lane, sender=sender))
        self.accepted(play.deliver(lane, key))
        after = self.accepted(play.close_outbox(lane, 1))[1][1]["nextLane"]
        next_key = play.key_of(after)
        self.assertEqual(next_key, (*key[:5], 2))
        self.accepted(play.send(after, sender=sender))
        self.refused("PreviousGenerationOpen", play.deliver(after, next_key))
        self.refused("PreviousGenerationOpen", play.rule(after, next_key, 1, 1))
        self.accepted(play.close_inbox(lane, key, 1))
        self.assertEqual(self.outcomes(self.accepted(play.deliver(after, next_key))), [(1, DONE, 0)])
        play.compare(after)

    def test_refusals(self):
        play = self.play
        lane, key = self.filled(3)
        self.accepted(play.deliver(lane, key, 2))
        for generation in (0, 1, 3):
            self.refused("GenerationNotNext", play.close_inbox(lane, key, 2, generation=generation))
        self.refused("HeadDiffers", play.close_inbox(lane, key, 2, running=b"r" * 32))
        self.refused("HeadDiffers", play.close_inbox(lane, key, 0, running=b"r" * 32))
        leaf = model.close_leaf(lane, 2, play.head(lane, 2)[1], 2)
        for names, error in ((("1", "2"), "SideMissing"), (("1", "3"), "SideMissing"), (("1", "1b"), "QuorumMissing")):
            self.refused(error, play.close_inbox(lane, key, 2, paper=play.paper(leaf, names)))
        self.refused("SignerUnknown", play.close_inbox(lane, key, 3, paper=play.paper(leaf, ("1", "2", "3"))))
        self.accepted(play.close_inbox(lane, key, 0))
        play.compare(lane)


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
