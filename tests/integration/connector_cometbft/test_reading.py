"""What the connector reads of a chain: records, evidence, positions, headers; as fast as it is allowed, and from any point on."""

from world import Case, Watch, cometbft, main  # first: it says where the others are

from model import MESSAGE, OUTCOME, SETTLEMENT, log_id, u
from relay import (ASK_AGAIN, ASK_HEADER, ASK_STATUS, CANNOT, CREDIT, EVIDENCE, HEADER, POSITION, POSITION_IS, RECORDS, STATUS,
                   message_records, outcome_records)


class Reading(Case):
    def test_another_chain_is_refused_by_name(self):
        self.assertIn("another id", self.configured(self.connector(), caip2="cosmos:other-1")[2])
        self.assertEqual(self.configured(self.connector(), genesis=b"g" * 32)[1:],
                         [0, "genesis: the chain's first block has another hash"])
        self.assertIn("another account", self.configured(self.connector(), outbox="11" * 32)[2])

    def test_every_wrong_option_is_named_at_once(self):
        answer = self.connector().configured_as("eip155:1", b"g" * 32, {"http": "gopher://x", "poll-ms": "soon", "colour": "red"})
        self.assertEqual(answer[1], 0)
        for name in ("chain", "http", "poll-ms", "colour", "outbox"):
            self.assertIn(name, answer[2])

    def test_records_come_in_order_and_evidence_verifies(self):
        sender, lane, message, _ = self.lane()
        connector = self.started()
        watch = Watch(connector, 1, MESSAGE, message, log_id(lane, MESSAGE))
        self.ledger.send(sender, lane, *(b"message %d" % i for i in range(5)))
        watch.until(5, message_records)
        self.ledger.send(sender, lane, b"p" * 9000)
        watch.until(6, message_records)
        self.assertEqual(watch.records, self.ledger.records(lane))
        self.assertEqual((6, watch.running), self.head(lane, MESSAGE))
        self.assertEqual(connector.close(), 0)

    def test_a_log_is_filled_back_from_any_height_and_number(self):
        sender, lane, message, _ = self.lane()
        self.ledger.send(sender, lane, *(b"%d" % i for i in range(3)))
        third = self.head(lane, MESSAGE)[1]
        middle = self.ledger.height()
        self.ledger.wait_height(middle + 25)  # empty blocks, more than one answer tells of
        self.ledger.send(sender, lane, b"after")
        records = self.ledger.records(lane)
        whole = Watch(self.started(), 1, MESSAGE, message, log_id(lane, MESSAGE))
        whole.until(4, message_records)
        self.assertEqual(whole.records, records)
        late = Watch(self.started(node=1), 1, MESSAGE, message, third, start=4, height=middle)
        late.until(4, message_records)
        self.assertEqual(late.records, records[3:])
        # One that has all gets evidence once, and no record.
        done = Watch(self.started(node=2), 1, MESSAGE, message, self.head(lane, MESSAGE)[1], start=5, height=middle)
        done.until(4, message_records)
        self.assertEqual(done.records, [])

    def test_outcomes_and_settlement_are_watched_like_messages(self):
        sender, lane, message, key = self.lane(receives=cometbft.RECORD)
        connector = self.started()
        outcomes = Watch(connector, 2, OUTCOME, message, log_id(lane, OUTCOME))
        settled = Watch(connector, 3, SETTLEMENT, message, log_id(lane, OUTCOME))
        connector.say(POSITION, 4, MESSAGE, message)
        connector.say(POSITION, 5, OUTCOME, message)
        self.assertEqual(connector.wait_for(POSITION_IS, lambda m: m[1] == 4)[4:], [0, log_id(lane, MESSAGE), 0, 1])
        self.ledger.send(sender, lane, b"a", b"b", b"c")
        self.deliver(lane, key)
        connector.wait_for(POSITION_IS, lambda m: m[1] == 4 and m[4:] == [3, self.head(lane, MESSAGE)[1], 3, 4], since=0)
        outcomes.until(3, outcome_records)
        self.assertEqual(outcomes.records, self.outcomes(lane))
        self.settle(lane)
        settled.until(3, outcome_records)
        q = self.head(lane, OUTCOME)[1]
        self.assertEqual(settled.running, q)
        connector.wait_for(POSITION_IS, lambda m: m[1] == 5 and m[4:] == [3, q, 3, 4], since=0)

    def test_steps_follow_the_credit(self):
        sender, lane, message, _ = self.lane()
        for i in range(4):  # a block each
            self.ledger.send(sender, lane, bytes([i]) * 100)
        records = self.ledger.records(lane)
        size = len(records[0])
        watch = Watch(connector := self.started(), 1, MESSAGE, message, log_id(lane, MESSAGE), credit=2 * size)
        watch.until(2, message_records)
        self.assertEqual(connector.wait_for(CANNOT, since=0)[1:3], [CREDIT, u(32, 1)])
        self.assertEqual(watch.records, records[:2])
        connector.say(CREDIT, 1, 2 * size)
        watch.until(4, message_records)
        self.assertEqual(watch.records, records)

    def test_ask_again_goes_back(self):
        sender, lane, message, _ = self.lane()
        self.ledger.send(sender, lane, b"one", b"two")
        connector = self.started()
        watch = Watch(connector, 1, MESSAGE, message, log_id(lane, MESSAGE))
        watch.until(2, message_records)
        before = len(connector.said)
        connector.say(ASK_AGAIN, 1, 1, log_id(lane, MESSAGE), 0)
        connector.wait_for(RECORDS, lambda m: m[2] == 1, since=before)
        connector.wait_for(EVIDENCE, lambda m: m[5][0][:2] == [1, 2])

    def test_headers_are_told_and_answered(self):
        connector = self.started()
        newest = connector.wait_for(HEADER)[1]
        connector.say(ASK_HEADER, 1)
        first = connector.wait_for(HEADER, lambda m: m[1] == 1)
        self.assertEqual(first[2], self.ledger.genesis)
        connector.say(ASK_HEADER, newest + 100000)
        self.assertEqual(connector.wait_for(CANNOT)[1:3], [ASK_HEADER, u(64, newest + 100000)])
        connector.wait_for(HEADER, lambda m: m[1] > newest)
        connector.say(ASK_STATUS)
        status = connector.wait_for(STATUS)
        self.assertGreater(status[1], newest)
        self.assertEqual(status[5], "news over WebSocket")


if __name__ == "__main__":
    main()
