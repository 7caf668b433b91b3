"""What the connector brings to the ledger: deliveries, settlements, and everything else; once, whatever happens on the way."""

import os
import unittest
from unittest import mock

from world import PROGRAM, SIGNERS, Case, main  # first: it says where the others are

import cometbft
import model
from model import MESSAGE, OUTCOME, log_id, u
from relay import (ASK_RESULT, CLOSE, CONFIRMED, DELIVER, EXECUTE, EXPIRE, FAULTS, FAULT_EXIT, PATIENCE, REJECTED, RESULT, SENT, SETTLE,
                   SUBMIT, UNKNOWN, Closed)


class Submitting(Case):
    def account(self, name="gas"):
        """A key file for a connector, and the key."""
        key = self.key()
        path = self.ledger.folder / f"{name}-{key.address.hex()}"
        path.touch(0o600)
        path.write_text(key.secret.to_bytes(32, "big").hex() + "\n")
        return path, key

    def certificate(self, leaf, kind, fields, names=(0, 2)):
        """[epoch, leaf kind, fields, [[path, signature], …]] as message 20 has it."""
        epoch, papers = model.certificate(self.ledger.network, 1, leaf, [SIGNERS[i] for i in names])
        return [epoch, kind, fields, [[b"".join(path), r + vs] for path, r, vs in papers]]

    def head_certificate(self, lane, kind, **how):
        number, running = self.head(lane, kind)
        log = log_id(lane, kind)
        return number, self.certificate(model.head_leaf(log, number, running), 1, log + u(64, number) + running, **how)

    def deliver_message(self, lane, message, key=b"d" * 32, first=1, **how):
        number, paper = self.head_certificate(lane, MESSAGE, **how)
        records = self.ledger.records(lane)[first - 1:number]
        return [SUBMIT, key, DELIVER, message, paper, first, bytes(32), len(records), b"".join(records)]

    def settle_message(self, lane, message, key=b"s" * 32):
        number, paper = self.head_certificate(lane, OUTCOME)
        return [SUBMIT, key, SETTLE, message, paper, 1, bytes(32), number, b"".join(self.outcomes(lane))]

    def result(self, connector, key, *ends):
        return connector.wait_for(RESULT, lambda m: m[1] == key and m[2] in (ends or (CONFIRMED, REJECTED, UNKNOWN)))

    def brought(self, connector, message):
        """Submits it; its end must be `confirmed`."""
        connector.say(*message)
        end = self.result(connector, message[1])
        self.assertEqual(end[2], CONFIRMED, end)
        return end

    def test_deliver_and_settle(self):
        path, _ = self.account()
        sender, lane, message, _ = self.lane(receives=cometbft.RECORD)
        self.ledger.send(sender, lane, b"one", b"two", b"three")
        connector = self.started(key_file=path)
        connector.say(*self.deliver_message(lane, message))
        sent = self.result(connector, b"d" * 32, SENT)
        end = self.result(connector, b"d" * 32)
        self.assertEqual((end[2], end[4]), (CONFIRMED, sent[4]), end)
        self.assertGreater(end[3], 0)
        self.assertEqual(self.ledger.position("inbox", lane)[::2], (3, 3, 4))
        self.brought(connector, self.settle_message(lane, message))
        self.assertEqual(self.ledger.position("outbox", lane)[2::2], (3, 3))
        # Work that is done ends early, under another key, too; and a key that ended is only answered.
        again = self.brought(connector, self.deliver_message(lane, message, key=b"e" * 32))
        self.assertEqual((again[4], again[5]), (b"", "the ledger stands there already: nothing was sent"))
        connector.say(ASK_RESULT, b"d" * 32)
        self.assertEqual(self.result(connector, b"d" * 32)[2:4], [CONFIRMED, end[3]])

    def test_what_would_be_refused_is_refused_before_it_is_sent(self):
        path, key = self.account()
        sender, lane, message, _ = self.lane(receives=cometbft.RECORD)
        self.ledger.send(sender, lane, b"one")
        connector = self.started(key_file=path)
        connector.say(*self.deliver_message(lane, message, names=(0,)))
        end = self.result(connector, b"d" * 32)
        self.assertEqual(end[2:], [REJECTED, end[3], b"", "QuorumMissing(1, 2)"])
        self.assertEqual(self.ledger.sequence(key), 0)
        self.brought(connector, self.deliver_message(lane, message))  # a key that ended otherwise begins anew
        silent = self.started()
        silent.say(*self.deliver_message(lane, message))
        self.assertIn("no account", self.result(silent, b"d" * 32)[5])

    @unittest.skipUnless(FAULTS in PROGRAM.read_bytes(), "built without fault points")
    def test_wherever_it_ends_with_a_transaction_its_message_takes_effect_once(self):
        path, _ = self.account()
        for when in ("before", "after"):
            sender, lane, message, _ = self.lane(receives=cometbft.RECORD)
            self.ledger.send(sender, lane, b"one")
            with mock.patch.dict(os.environ, {"ISTHMUS_FAULT": f"connector-gives-transaction-{when}:1"}):
                first = self.started(key_file=path)
            first.say(*self.deliver_message(lane, message))
            with self.assertRaises((Closed, ConnectionError)):
                self.result(first, b"d" * 32)
            self.assertEqual(first.process.wait(timeout=PATIENCE), FAULT_EXIT)
            self.brought(self.started(key_file=path), self.deliver_message(lane, message))
            self.assertEqual(self.ledger.position("inbox", lane)[::2], (1, 1, 2))
            self.assertEqual([r[40] for r in self.outcomes(lane)], [model.DONE])

    def test_executing_expiring_closing(self):
        path, _ = self.account()
        sender, lane, message, _ = self.lane(mode=2, receives=cometbft.REFUSE)
        self.ledger.send(sender, lane, b"one")
        self.ledger.send(sender, lane, b"two", life=15)
        records = self.ledger.records(lane)
        connector = self.started(key_file=path)
        self.brought(connector, self.deliver_message(lane, message))
        self.assertEqual(self.ledger.position("inbox", lane)[::2], (2, 0, 1))  # both pending
        self.ledger.be_receiver(self.receivers[lane], cometbft.RECORD)
        self.brought(connector, [SUBMIT, b"x" * 32, EXECUTE, message, [], 1, bytes(32), 1, records[0]])
        bare = model.without_payload(records[1])
        connector.say(SUBMIT, b"y" * 32, EXPIRE, message, [], 2, bytes(32), 1, bare)
        early = self.result(connector, b"y" * 32)
        if early[2] == REJECTED:  # on a fast machine its time is not up yet
            self.assertIn("DeadlineNotPassed", early[5])
            deadline = int.from_bytes(bare[45:53], "big")
            self.ledger.eventually(lambda: self.block_time() > deadline, "the deadline passes")
            self.brought(connector, [SUBMIT, b"y" * 32, EXPIRE, message, [], 2, bytes(32), 1, bare])
        self.assertEqual([r[40] for r in self.outcomes(lane)], [model.DONE, model.EXPIRED])
        number, running = self.head(lane, MESSAGE)
        leaf = model.close_leaf(lane, number, running, 2)
        paper = self.certificate(leaf, 3, lane + u(64, number) + running + u(32, 2), names=(0, 1, 2))
        self.brought(connector, [SUBMIT, b"c" * 32, CLOSE, message, paper, 0, bytes(32), 0, b""])
        end = self.brought(connector, [SUBMIT, b"C" * 32, CLOSE, message, paper, 0, bytes(32), 0, b""])
        self.assertEqual(end[5], "closed already")

    def test_many_lanes_side_by_side(self):
        path, key = self.account()
        lanes = [self.lane(receives=cometbft.RECORD) for _ in range(5)]
        for sender, lane, *_ in lanes:
            self.ledger.send(sender, lane, b"x")
        connector = self.started(key_file=path)
        messages = [self.deliver_message(lane, message, key=bytes([i]) * 32) for i, (_, lane, message, _) in enumerate(lanes)]
        for message in messages:
            connector.say(*message)
        for message in messages:
            end = connector.wait_for(RESULT, lambda m: m[1] == message[1] and m[2] != SENT, since=0)
            self.assertEqual(end[2], CONFIRMED, end)
        self.assertEqual(self.ledger.sequence(key), 5)

    def test_a_restarted_connector_goes_on_with_the_accounts_sequence(self):
        path, key = self.account()
        sender, lane, message, _ = self.lane(receives=cometbft.RECORD)
        self.ledger.send(sender, lane, b"one")
        first = self.started(key_file=path)
        first.say(*self.deliver_message(lane, message))
        self.result(first, b"d" * 32, SENT)
        first.kill()  # what it sent may still be in the mempool
        second = self.started(key_file=path)
        second.say(ASK_RESULT, b"d" * 32)
        self.assertEqual(self.result(second, b"d" * 32)[2], UNKNOWN)
        self.brought(second, self.deliver_message(lane, message))
        other, lane2, message2, _ = self.lane(receives=cometbft.RECORD)
        self.ledger.send(other, lane2, b"two")
        self.brought(second, self.deliver_message(lane2, message2, key=b"2" * 32))
        self.assertEqual(self.ledger.position("inbox", lane)[0], 1)
        self.assertEqual(self.ledger.sequence(key), self.ledger.position("inbox", lane2)[0] + 1)

    def test_two_relays_bring_the_same_work(self):
        sender, lane, message, _ = self.lane(receives=cometbft.RECORD)
        self.ledger.send(sender, lane, b"one", b"two")
        connectors = [self.started(node=i, key_file=self.account()[0]) for i in range(2)]
        for connector in connectors:
            connector.say(*self.deliver_message(lane, message))
        for connector in connectors:
            end = self.result(connector, b"d" * 32)
            self.assertEqual(end[2], CONFIRMED, end)
        self.assertEqual([r[40] for r in self.outcomes(lane)], [model.DONE, model.DONE])

    def test_a_node_that_loses_its_mempool_is_given_the_same_transaction_again(self):
        path, key = self.account()
        sender, lane, message, _ = self.lane(receives=cometbft.RECORD)
        self.ledger.send(sender, lane, b"one")
        connector = self.started(node=0, key_file=path)
        submit = self.deliver_message(lane, message)
        self.ledger.kill(1, 2, 3)  # no block comes, and nobody else hears of it
        connector.say(*submit)
        self.result(connector, b"d" * 32, SENT)
        self.ledger.kill(0)
        self.ledger.start()
        self.assertEqual(self.result(connector, b"d" * 32)[2], CONFIRMED)
        self.assertEqual(self.ledger.sequence(key), 1)

    def block_time(self):
        return int.from_bytes(self.ledger.any().query("/lane/inbox", bytes(32))[:8], "big")


if __name__ == "__main__":
    main()
