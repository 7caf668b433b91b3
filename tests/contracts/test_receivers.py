#!/usr/bin/env python3
"""What a receiver may do to the inbox, or have done to itself: the lane goes on, and the outcome says what happened."""

import unittest

import model
from crypto import keccak
from evm import Refused
from model import (DONE, FAILED, FORBIDDEN, MESSAGE, NO_CODE, OUT_OF_GAS, OUTCOME, RETRY, REVERTED, WITHHELD,
                   head_leaf, log_id)
from play import (ACCEPT, BOMB, BOMB_REVERT, BURN, CALL, DESTROY, INVALID, MODES, NEED, RECEIVER_GAS, REVERT,
                  PlayCase)


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


if __name__ == "__main__":
    unittest.main()
