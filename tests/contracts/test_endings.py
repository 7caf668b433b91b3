#!/usr/bin/env python3
"""What ends a message or a lane of the inbox without its receiver: expiry, rulings, closing."""

import unittest

import model
from model import DEADLINE, DONE, EXPIRED, MESSAGE, ORDERED, RETRY, STRUCK, WITHHELD, head_leaf, log_id, ruling_leaf
from play import ACCEPT, MODES, REVERT, PlayCase


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


if __name__ == "__main__":
    unittest.main()
