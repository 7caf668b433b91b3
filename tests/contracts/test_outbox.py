#!/usr/bin/env python3
"""The outbox: sending, the running hash in its slot, settling, outcomes, closing."""

import unittest

import model
from crypto import keccak
from evm import Contract
from model import MESSAGE, OUTCOME, SETTLEMENT, account, head_leaf, log_id
from play import ACCEPT, REVERT, PlayCase


class Open(PlayCase):
    def test_lane_id_is_that_of_the_formats(self):
        play = self.play
        lane, _ = play.opened(mode=3, suites=9)
        self.assertEqual(lane, model.lane_id(
            play.network, play.identity, account(play.outbox.address), account(play.chain.accounts[0]), play.identity,
            account(play.inbox.address), account(play.trickster.address), 3, 1))
        play.compare(lane)

    def test_same_lane_twice(self):
        options = {"mode": 1, "sender": self.play.chain.accounts[3]}
        self.accepted(self.play.open(**options))
        self.refused("LaneExists", self.play.open(**options))
        self.refused("LaneExists", self.play.open(**options, suites=3, life=1))

    def test_refusals(self):
        for mode in (4, 255):
            self.refused("ModeInvalid", self.play.open(mode=mode))
        for suites in (0, 2, 8, 14, 16, 17, 255):
            self.refused("SuitesInvalid", self.play.open(suites=suites))
        self.refused("LifetimeInvalid", self.play.open(life=0))
        for missing in ("destination", "inbox"):
            with self.subTest(missing):
                arguments = [self.play.identity, account(self.play.inbox.address), account(b"r" * 20), 0, 1, 10]
                arguments[("destination", "inbox").index(missing)] = bytes(32)
                sender = self.play.chain.accounts[0]
                self.refused("DestinationInvalid",
                             self.play.step("outbox", "open", (sender, *arguments), arguments, sender=sender))
        self.refused("DestinationInvalid", self.play.open(receiver=bytes(20)))


class Send(PlayCase):
    def test_record_is_rebuilt_from_the_log_alone(self):
        lane = self.fresh(suites=1)
        self.accepted(self.play.send(lane, form=1, class_=2**32 - 1, value=2**256 - 1, payload=bytes(range(77))))
        values = self.play.receipt.named("Message")[0]
        item, now = values["record"], self.play.clock
        self.assertEqual(item, model.record(now, 1, 2**32 - 1, 2**256 - 1, now + 600, 1,
                                            [model.commitment(b"s" * 32, bytes(range(77)))], b"s" * 32, bytes(range(77))))
        self.assertEqual(values["running"], model.run(log_id(lane, MESSAGE), model.digest_of(lane, 1, item)))

    def test_whole_log_is_rebuilt_from_events(self):
        play = self.play
        load = Contract(play.chain, "Load", play.outbox.address)
        load.send("open", play.identity, account(play.inbox.address), account(load.address), 1, 1, 1000)
        lane = model.lane_id(play.network, play.identity, account(play.outbox.address), account(load.address), play.identity,
                             account(play.inbox.address), account(load.address), 1, 1)
        load.send("sendMany", lane, 20, 40, 1000)
        load.send("sendMany", lane, 5, 0, 1)
        play.clock = play.chain.now()
        logs = play.chain.rpc("eth_getLogs", {"address": "0x" + play.outbox.address.hex(), "fromBlock": "0x0",
                                              "topics": [None, "0x" + lane.hex()]})
        events = [play.outbox.read(log) for log in logs]
        self.assertEqual([name for name, _ in events], ["Opened"] + 25 * ["Message"])
        running = log_id(lane, MESSAGE)
        for n, (_, values) in enumerate(events[1:], 1):
            running = model.run(running, model.digest_of(lane, n, values["record"]))
            self.assertEqual((values["sequence"], values["running"]), (n, running))
        self.assertEqual(play.outbox.call("runningHash", log_id(lane, MESSAGE)), running)

    def test_running_hash_is_in_the_slot_that_proofs_read(self):
        lane = self.fresh()
        slot = keccak(log_id(lane, MESSAGE) + bytes(32))
        self.assertEqual(self.play.outbox.storage(slot), bytes(32))
        for _ in range(3):
            self.accepted(self.play.send(lane))
            self.assertEqual(self.play.outbox.storage(slot), self.play.head(lane)[1])

    def test_returns_sequence_and_digest(self):
        lane = self.fresh()
        now = self.play.chain.now()
        sender = self.play.chain.accounts[0]
        request = {"from": "0x" + sender.hex(), "to": "0x" + self.play.outbox.address.hex(),
                   "data": "0x" + self.play.outbox.data("send", lane, 0, 7, 0, now + 600, b"s" * 32, b"hello", []).hex()}
        answer = bytes.fromhex(self.play.chain.rpc("eth_call", request, "latest")[2:])
        self.assertEqual(int.from_bytes(answer[:32], "big"), 1)
        self.assertEqual(len(answer), 64)

    def test_only_the_sender_sends(self):
        lane = self.fresh()
        self.refused("NotSender", self.play.send(lane, sender=self.play.chain.accounts[1]))
        self.refused("NotSender", self.play.send(b"\x99" * 32))

    def test_payload_of_every_edge_size(self):
        lane = self.fresh()
        for size in (0, 1, 31, 32, 33, 16384):
            self.accepted(self.play.send(lane, payload=b"p" * size))
        self.refused("PayloadTooLong", self.play.send(lane, payload=b"p" * 16385))
        self.play.compare_outbox(lane)

    def test_deadline_window_to_the_second(self):
        lane = self.fresh(life=1000)
        for life in (0, 1001, 2**40):
            self.refused("DeadlineInvalid", self.play.send(lane, life=life))
        self.refused("DeadlineInvalid", self.play.send(lane, deadline=0))
        self.refused("DeadlineInvalid", self.play.send(lane, deadline=2**64 - 1))
        for life in (1, 1000):
            self.accepted(self.play.send(lane, life=life))

    def test_forms(self):
        lane = self.fresh()
        play, now = self.play, self.play.clock + 10
        self.accepted(play.send(lane, form=2, commitments=[b"c" * 32]))
        record = play.records(lane)[-1]
        self.assertEqual(record[-37:], bytes(37), "payload and salt never enter the outbox")
        for form in (2, 3, 255):
            abi = (lane, form, 0, 0, now, b"s" * 32, b"", [])
            with self.assertRaisesRegex(Exception, "FormInvalid"):
                play.outbox.send("send", *abi)
        for form in (0, 1, 3):
            with self.assertRaisesRegex(Exception, "FormInvalid"):
                play.outbox.send("sendCommitment", lane, form, 0, 0, now, [b"c" * 32])

    def test_every_set_of_suites(self):
        for suites in range(1, 16, 2):
            count = model.popcount(suites)
            lane = self.fresh(suites=suites)
            others = [bytes([i]) * 32 for i in range(2, count + 1)]
            self.accepted(self.play.send(lane, commitments=others))
            self.assertEqual(self.play.records(lane)[0][86:54 + 32 * count], b"".join(others))
            self.refused("CommitmentsCount", self.play.send(lane, commitments=[*others, b"x" * 32]))
            self.accepted(self.play.send(lane, form=2, commitments=[b"k" * 32, *others]))
            self.refused("CommitmentsCount", self.play.send(lane, form=2, commitments=others))
            self.play.compare_outbox(lane)

    def test_time_never_steps_back(self):
        lane = self.fresh()
        self.accepted(self.play.send(lane))
        self.accepted(self.play.send(lane))
        times = [int.from_bytes(r[:8], "big") for r in self.play.records(lane)]
        self.assertEqual(times, sorted(times))


class Settle(PlayCase):
    def filled(self, count=6, mode=0):
        lane, key, sender = self.local(mode)
        for i in range(count):
            self.accepted(self.play.send(lane, payload=bytes([i]), sender=sender))
        self.accepted(self.play.deliver(lane, key))
        return lane, key, sender

    def test_settles_in_parts_and_once(self):
        lane, _, _ = self.filled(6)
        for count in (2, 3, 6):
            events = self.accepted(self.play.settle(lane, count))
            self.assertEqual(events[0][1]["mark"], count)
            self.play.compare(lane)
        slot = keccak(log_id(lane, SETTLEMENT) + (1).to_bytes(32, "big"))
        self.assertEqual(self.play.outbox.storage(slot), self.play.inbox_lane(lane).q)
        self.assertEqual(self.accepted(self.play.settle(lane, 6)), [], "a second time: nothing happens")
        self.assertEqual(self.accepted(self.play.settle(lane, 2)), [])

    def test_entries_taken_before_are_passed_over(self):
        lane, _, _ = self.filled(6)
        self.accepted(self.play.settle(lane, 4))
        entries = [model.outcome_record(*e) for e in self.play.inbox_lane(lane).entries]
        self.assertEqual(self.accepted(self.play.settle(lane, 6, records=entries))[0][1]["from"], 5)
        self.play.compare(lane)

    def test_mark_waits_for_the_missing_and_then_jumps(self):
        lane, key, sender = self.local(model.RETRY)
        for i in range(5):
            self.accepted(self.play.send(lane, sender=sender))
        self.play.set_mode(REVERT)
        self.accepted(self.play.deliver(lane, key, 1))
        self.play.set_mode(ACCEPT)
        self.accepted(self.play.deliver(lane, key))
        self.assertEqual(self.accepted(self.play.settle(lane))[0][1]["mark"], 0)
        self.play.compare(lane)
        self.accepted(self.play.execute(key, 1, self.play.records(lane)[:1]))
        self.assertEqual(self.accepted(self.play.settle(lane))[0][1]["mark"], 5)
        self.play.compare(lane)

    def test_refusals(self):
        play = self.play
        lane, _, _ = self.filled(4)
        entries = [model.outcome_record(*e) for e in play.inbox_lane(lane).entries]
        self.refused("EntriesGap", play.settle(lane, 4, records=entries[1:]))
        self.refused("RecordsLength", play.settle(lane, 4, records=[]))
        self.refused("RecordsLength", play.settle(lane, 3, records=entries))
        self.refused("HeadDiffers", play.settle(lane, 4, records=entries[::-1]))
        self.refused("HeadDiffers", play.settle(lane, 4, records=[*entries[:3], entries[3][:-1] + b"\1"]))
        self.refused("LaneUnknown", play.step(
            "outbox", "settle", (b"\7" * 32, 1, bytes(32), (1, bytes(32), []), [entries[0]]),
            (b"\7" * 32, 1, bytes(32), (1, []), entries[0])))
        head = play.inbox_lane(lane).q
        leaf = head_leaf(log_id(lane, OUTCOME), 4, head)
        self.refused("QuorumMissing", play.settle(lane, paper=play.paper(leaf, ("1", "1b"))))
        self.refused("SignerUnknown", play.settle(lane, paper=play.paper(head_leaf(log_id(lane, OUTCOME), 3, head))))
        self.refused("SignerUnknown", play.settle(lane, paper=play.paper(head_leaf(log_id(lane, MESSAGE), 4, head))))
        with self.assertRaisesRegex(Exception, "RecordsLength"):
            play.outbox.send("settle", lane, 4, head, play.paper(leaf).abi, b"".join(entries)[:-1])
        self.accepted(play.settle(lane))
        play.compare(lane)

    def forged(self, lane, entries):
        running = log_id(lane, OUTCOME)
        for entry in entries:
            running = model.run(running, model.h(b"outcome", entry))
        return self.play.settle(lane, len(entries), records=entries, running=running)

    def test_a_lying_quorum_cannot_settle_twice_or_beyond(self):
        lane, _, _ = self.filled(3)
        digests = self.play.models["outbox"].lanes[lane].digests
        one = model.outcome_record(1, digests[0], 1, 0)
        self.refused("EntryRepeated", self.forged(lane, [one, model.outcome_record(1, digests[1], 1, 0)]))
        self.refused("EntryRepeated", self.forged(lane, [one, model.outcome_record(2, digests[0], 1, 0)]))
        self.refused("EntrySequenceUnknown", self.forged(lane, [one, model.outcome_record(4, digests[1], 1, 0)]))
        self.refused("EntrySequenceUnknown", self.forged(lane, [model.outcome_record(0, digests[0], 1, 0)]))
        for status in (0, 6, 255):
            self.refused("EntryStatusInvalid", self.forged(lane, [model.outcome_record(1, digests[0], status, 0)]))
        self.play.compare(lane)

    def test_256_entries_in_a_call_and_not_257(self):
        lane, key, sender = self.local()
        # entries of a forged log are as good as any for the count
        for i in range(257):
            self.accepted(self.play.send(lane, payload=b"", sender=sender))
        digests = self.play.models["outbox"].lanes[lane].digests
        entries = [model.outcome_record(n, digests[n - 1], 1, 0) for n in range(257, 0, -1)]
        self.refused("RecordsLength", self.forged(lane, entries))
        self.accepted(self.forged(lane, entries[:256]))
        self.assertEqual(self.play.models["outbox"].lanes[lane].mark(), 0)
        running = log_id(lane, OUTCOME)
        for entry in entries:
            running = model.run(running, model.h(b"outcome", entry))
        events = self.accepted(self.play.settle(lane, 257, records=entries[256:], running=running))
        self.assertEqual(events[0][1]["mark"], 257)
        self.play.compare_outbox(lane)

    def test_outcome_asks_for_sequence_and_digest(self):
        lane, _, _ = self.filled(2)
        self.accepted(self.play.settle(lane))
        digests = self.play.models["outbox"].lanes[lane].digests
        ask = lambda n, d: self.play.outbox.call("outcome", lane, n, d)  # noqa: E731
        self.assertEqual([ask(1, digests[0]), ask(2, digests[0]), ask(1, bytes(32))], [[1, 0], [0, 0], [0, 0]])


class Close(PlayCase):
    def test_later_messages_are_void_and_the_next_generation_starts_at_1(self):
        play = self.play
        lane, key, sender = self.local(model.ORDERED, suites=9)
        for _ in range(4):
            self.accepted(play.send(lane, sender=sender, commitments=[b"o" * 32]))
        events = self.accepted(play.close_outbox(lane, 3))
        after = events[1][1]["nextLane"]
        play.compare_outbox(lane)
        digest = play.models["outbox"].lanes[lane].digests[3]
        self.assertEqual(play.outbox.call("outcome", lane, 4, digest), [model.VOID, 0])
        self.assertEqual(play.outbox.call("outcome", lane, 3, digest), [0, 0])
        self.refused("LaneClosed", play.send(lane, sender=sender, commitments=[b"o" * 32]))
        events = self.accepted(play.send(after, sender=sender, commitments=[b"o" * 32]))
        self.assertEqual(events[0][1]["sequence"], 1)
        play.compare_outbox(after)
        # what was before the end still settles
        self.accepted(play.deliver(lane, key, 3))
        self.accepted(play.settle(lane))
        play.compare(lane)
        self.assertEqual(play.key_of(after)[5], 2)
        self.accepted(play.close_inbox(lane, key, 3))
        self.accepted(play.deliver(after, play.key_of(after)))
        self.accepted(play.close_outbox(after, 1))
        self.assertEqual(play.models["outbox"].lanes[play.models["outbox"].lanes[after].closing[2]].settings[7], 3)

    def test_entries_beyond_the_end_pass_without_effect(self):
        play = self.play
        lane, key, sender = self.local()
        for _ in range(4):
            self.accepted(play.send(lane, sender=sender))
        self.accepted(play.deliver(lane, key))
        self.accepted(play.close_outbox(lane, 2))
        self.assertEqual(self.accepted(play.settle(lane))[0][1]["mark"], 2)
        play.compare(lane)
        digests = play.models["outbox"].lanes[lane].digests
        self.assertEqual([play.outbox.call("outcome", lane, n, digests[n - 1])[0] for n in (1, 2, 3, 4)], [1, 1, 6, 6])

    def test_outcomes_settled_before_the_end_stay(self):
        play = self.play
        lane, key, sender = self.local()
        for _ in range(4):
            self.accepted(play.send(lane, sender=sender))
        self.accepted(play.deliver(lane, key))
        self.accepted(play.settle(lane, 3))
        self.accepted(play.close_outbox(lane, 1))
        self.accepted(play.settle(lane))
        digests = play.models["outbox"].lanes[lane].digests
        self.assertEqual([play.outbox.call("outcome", lane, n, digests[n - 1])[0] for n in (1, 2, 3, 4)], [1, 1, 1, 6])
        play.compare(lane)

    def test_refusals(self):
        play = self.play
        lane, key, sender = self.local()
        for _ in range(3):
            self.accepted(play.send(lane, sender=sender))
        self.refused("LastBeyondCount", play.close_outbox(lane, 4, running=b"r" * 32))
        self.refused("HeadDiffers", play.close_outbox(lane, 3, running=b"r" * 32))
        self.refused("HeadDiffers", play.close_outbox(lane, 0, running=b"r" * 32))
        for generation in (0, 1, 3):
            self.refused("GenerationNotNext", play.close_outbox(lane, 3, generation=generation))
        leaf = model.close_leaf(lane, 3, play.head(lane)[1], 2)
        self.refused("SideMissing", play.close_outbox(lane, 3, paper=play.paper(leaf, ("1", "2"))))
        self.refused("SideMissing", play.close_outbox(lane, 3, paper=play.paper(leaf, ("1", "3"))))
        self.refused("QuorumMissing", play.close_outbox(lane, 3, paper=play.paper(leaf, ("3",))))
        self.refused("SignerUnknown", play.close_outbox(lane, 2, paper=play.paper(leaf, ("1", "2", "3"))))
        self.refused("LaneUnknown", play.step("outbox", "close", (b"\7" * 32, 0, bytes(32), 2, (1, bytes(32), [])),
                                              (b"\7" * 32, 0, bytes(32), 2, (1, []))))
        self.accepted(play.close_outbox(lane, 0))
        self.refused("LaneClosed", play.close_outbox(lane, 0))
        play.compare(lane)


if __name__ == "__main__":
    unittest.main()
