"""What the connector reads of a chain: records, evidence, positions; as fast as it is allowed, and from any point on."""

import pathlib
import sys
import time
import unittest

from relay import (ASK_AGAIN, ASK_HEADER, CANNOT, CREDIT, EVIDENCE, HEADER, PATIENCE, POSITION, POSITION_IS, RECORDS, Watch,
                   lane_message, message_records, outcome_records)

from case import Case
import model
import play as playing
from evm import Contract
from model import MESSAGE, OUTCOME, SETTLEMENT, log_id, u


class Reading(Case):
    def test_another_chain_is_refused_by_name(self):
        play = self.play()
        self.assertIn("chain id is 31337, not 5", self.connector().configured(play.chain, self.options(play), chain_id=5)[2])
        answer = self.connector().configured(play.chain, self.options(play), genesis=b"g" * 32)
        self.assertEqual(answer[1:], [0, "genesis: the node's block 0 has another hash"])

    def test_every_wrong_option_is_named_at_once(self):
        play = self.play()
        answer = self.connector().configured(play.chain, {"http": "gopher://x", "poll-ms": "soon", "colour": "red"})
        self.assertEqual(answer[1], 0)
        for name in ("http", "poll-ms", "colour", "outbox"):
            self.assertIn(name, answer[2])

    def test_records_come_in_order_and_evidence_verifies(self):
        play = self.play()
        lane, key = play.opened()
        connector = self.started(play)
        watch = Watch(connector, 1, MESSAGE, lane_message(play, lane), log_id(lane, MESSAGE))
        self.sent(play, lane, 5)
        self.mine(play, 3)
        watch.until(5, message_records)
        self.assertEqual(watch.records, play.records(lane))
        self.assertEqual(watch.running, play.head(lane)[1])
        self.sent(play, lane, 1, payload=b"p" * 9000)
        self.mine(play, 3)
        watch.until(6, message_records)
        self.assertEqual(watch.records, play.records(lane))
        self.assertEqual(connector.close(), 0)

    def test_nothing_is_said_of_a_block_that_is_not_final(self):
        play = self.play()
        lane, _ = play.opened()
        connector = self.started(play)
        watch = Watch(connector, 1, MESSAGE, lane_message(play, lane), log_id(lane, MESSAGE))
        self.sent(play, lane, 1)
        self.mine(play, 2)
        newest = int(play.chain.rpc("eth_blockNumber"), 16)
        connector.wait_for(HEADER, lambda m: m[1] == newest - 3)
        connector.listen(0.3)  # the test: nothing comes meanwhile
        self.assertEqual(connector.of(RECORDS), [])
        connector.say(ASK_HEADER, newest)
        self.assertEqual(connector.wait_for(CANNOT)[1:3], [ASK_HEADER, u(64, newest)])
        self.mine(play, 1)
        watch.until(1, message_records)

    def test_outcomes_and_settlement_are_watched_like_messages(self):
        play = self.play()
        lane, key = play.opened()
        connector = self.started(play)
        message = lane_message(play, lane)
        outcomes = Watch(connector, 2, OUTCOME, message, log_id(lane, OUTCOME))
        settled = Watch(connector, 3, SETTLEMENT, message, log_id(lane, OUTCOME))
        connector.say(POSITION, 4, MESSAGE, message)
        connector.say(POSITION, 5, OUTCOME, message)
        first = connector.wait_for(POSITION_IS, lambda m: m[1] == 4)
        self.assertEqual(first[4:], [0, log_id(lane, MESSAGE), 0, 1])
        self.sent(play, lane, 4)
        self.assertIsNone(play.deliver(lane, key)[1])
        # anvil may answer one call of a batch from the block that it is just mining: what counts is what is told in the end
        delivered = [4, play.head(lane)[1], 4, 5]
        connector.wait_for(POSITION_IS, lambda m: m[1] == 4 and m[4:] == delivered)
        self.assertIsNone(play.settle(lane)[1])
        connector.wait_for(POSITION_IS, lambda m: m[1] == 5 and [m[4], m[6], m[7]] == [4, 4, 5])
        self.mine(play, 3)
        outcomes.until(4, outcome_records)
        settled.until(4, outcome_records)
        self.assertEqual(outcomes.records, [model.outcome_record(*e) for e in play.inbox_lane(lane).entries])
        self.assertEqual(settled.running, outcomes.running)

    def test_the_lowest_undecided_message_is_found(self):
        play = self.play()
        lane, key = play.opened(mode=2)  # in any order, retry
        connector = self.started(play)
        connector.say(POSITION, 4, MESSAGE, lane_message(play, lane))
        self.sent(play, lane, 80)
        self.assertIsNone(play.deliver(lane, key, count=70)[1])
        play.set_mode(playing.REVERT)
        self.assertIsNone(play.deliver(lane, key, count=72)[1])
        play.set_mode(playing.ACCEPT)
        self.assertIsNone(play.deliver(lane, key)[1])
        connector.wait_for(POSITION_IS, lambda m: [m[4], m[6], m[7]] == [80, 78, 71])

    def test_back_fill_from_the_first_block_in_steps_of_the_credit(self):
        play = self.play()
        lane, _ = play.opened()
        for _ in range(20):  # 25 messages in a block, so that a step ends where a block does
            for _ in range(25):
                data = play.outbox.data("send", lane, 0, 7, 0, play.chain.now() + 600, b"s" * 32, b"hello", [])
                play.chain.rpc("eth_sendTransaction", {"from": "0x" + play.chain.accounts[0].hex(),
                                                       "to": "0x" + play.outbox.address.hex(), "data": "0x" + data.hex(),
                                                       "gas": hex(300000)})
            play.chain.rpc("evm_mine")
        self.mine(play, 3)
        count = play.outbox.call("state", lane)[0]
        self.assertEqual(count, 500)
        connector = self.started(play, log_range=7)
        credit = 60 * 128  # two blocks of 25 records, and a bit
        watch = Watch(connector, 1, MESSAGE, lane_message(play, lane), log_id(lane, MESSAGE), credit=credit)
        steps, given = [], [credit]

        def more(w):
            self.assertLessEqual(w.bytes, given[0])
            steps.append(w.proven)
            given[0] += credit
            connector.say(CREDIT, 1, credit)

        watch.until(500, message_records, each=more)
        self.assertGreaterEqual(len(steps), 8)
        self.assertEqual(watch.running, play.outbox.call("runningHash", log_id(lane, MESSAGE)))

    def loaded(self, play, blocks, count, size):
        """A lane filled by a contract: (lane message, R_0, messages)."""
        load = Contract(play.chain, "Load", play.outbox.address)
        destination = (play.identity, b"i" * 32, b"r" * 32, 0, 1, 100000)
        lane = load.call("open", *destination)
        load.send("open", *destination)
        for _ in range(blocks):
            load.send("sendMany", lane, count, size, 1000)
        self.mine(play, 3)
        message = [lane, play.network, play.identity, model.account(play.outbox.address), model.account(load.address),
                   play.identity, b"i" * 32, b"r" * 32, 0, 1, 1]
        return message, log_id(lane, MESSAGE), blocks * count

    def test_a_relay_that_does_not_read_is_waited_for(self):
        play = self.play()
        message, start, count = self.loaded(play, 110, 20, 10000)  # more than the connector may hold back
        connector = self.started(play)
        watch = Watch(connector, 1, MESSAGE, message, start)
        time.sleep(1.5)  # the test: nothing is read for so long
        memory = int(pathlib.Path(f"/proc/{connector.process.pid}/statm").read_text().split()[1]) * 4096
        watch.until(count, message_records)
        self.assertEqual(len(watch.records), count)
        print(f"held {memory >> 20} MiB while {watch.bytes >> 20} MiB waited on the chain", file=sys.stderr)

    def test_back_fill_of_many_small_messages(self):
        play = self.play()
        message, start, count = self.loaded(play, 80, 250, 32)
        connector = self.started(play)
        watch = Watch(connector, 1, MESSAGE, message, start)
        began = time.monotonic()
        watch.until(count, message_records)
        seconds = time.monotonic() - began
        print(f"{count} messages back-filled in {seconds:.2f} s: {count / seconds:.0f}/s", file=sys.stderr)

    def test_a_block_beyond_the_credit_is_named_and_waits(self):
        play = self.play()
        lane, _ = play.opened()
        other, _ = play.opened(mode=1)
        self.sent(play, lane, 1, payload=b"p" * 2000)
        self.sent(play, other, 1)
        self.mine(play, 3)
        connector = self.started(play)
        full = Watch(connector, 1, MESSAGE, lane_message(play, lane), log_id(lane, MESSAGE), credit=500)
        free = Watch(connector, 2, MESSAGE, lane_message(play, other), log_id(other, MESSAGE))
        self.assertIn("the credit is 500", connector.wait_for(CANNOT)[3])
        free.until(1, message_records)  # a full lane stops no other
        connector.say(CREDIT, 1, 5000)
        full.until(1, message_records)

    def one_block(self, play, lane, count, payload=b"hello"):
        for _ in range(count):
            data = play.outbox.data("send", lane, 0, 7, 0, play.chain.now() + 600, b"s" * 32, payload, [])
            play.chain.rpc("eth_sendTransaction", {"from": "0x" + play.chain.accounts[0].hex(), "gas": hex(3000000),
                                                   "to": "0x" + play.outbox.address.hex(), "data": "0x" + data.hex()})
        play.chain.rpc("evm_mine")

    def test_a_block_beyond_the_credit_is_named_though_records_before_it_went_out(self):
        play = self.play()
        lane, _ = play.opened()
        self.sent(play, lane, 2)
        self.sent(play, lane, 1, payload=b"p" * 2000)
        self.mine(play, 3)
        connector = self.started(play)
        watch = Watch(connector, 1, MESSAGE, lane_message(play, lane), log_id(lane, MESSAGE), credit=500)
        watch.until(2, message_records)
        self.assertIn("the credit is 2", connector.wait_for(CANNOT, lambda m: m[1] == CREDIT, since=0)[3])
        self.assertEqual(len(connector.of(CANNOT)), 1)
        connector.say(CREDIT, 1, 5000)
        watch.until(3, message_records)

    def test_a_block_beyond_the_credit_that_begins_with_a_known_entry_is_not_asked_about_without_end(self):
        play = self.play()
        lane, _ = play.opened()
        self.one_block(play, lane, 3, payload=b"p" * 2000)
        self.mine(play, 3)
        asked = []
        _, node = self.behind(play, lambda method, params, answer: asked.append(method) or answer)
        connector = self.started(play, **node)
        first = Watch(connector, 1, MESSAGE, lane_message(play, lane), log_id(lane, MESSAGE))
        first.until(3, message_records)
        records = first.records
        running = model.run(log_id(lane, MESSAGE), model.digest_of(lane, 1, records[0]))
        asked.clear()
        watch = Watch(connector, 2, MESSAGE, lane_message(play, lane), running, start=2, credit=500)
        self.assertIn("the credit is 500", connector.wait_for(CANNOT, lambda m: m[1] == CREDIT)[3])
        connector.listen(0.5)
        self.assertLessEqual(asked.count("eth_getProof"), 1)
        connector.say(CREDIT, 2, 10000)
        watch.until(3, message_records)
        self.assertEqual(watch.records, records[1:])

    def test_many_lanes_share_their_questions(self):
        play = self.play()
        lanes = [play.opened(destination=b"d" * 31 + bytes([i]))[0] for i in range(70)]
        connector = self.started(play)
        watches = [Watch(connector, i, MESSAGE, lane_message(play, lane), log_id(lane, MESSAGE))
                   for i, lane in enumerate(lanes)]
        for lane in lanes:
            self.sent(play, lane, 1)
        self.mine(play, 3)
        for watch in watches:
            watch.until(1, message_records)
        for evidence in connector.of(EVIDENCE):
            self.assertLessEqual(len(evidence[5]), 64)

    def test_receipts_prove_where_slots_may_not(self):
        play = self.play()
        lane, _ = play.opened()
        connector = self.started(play, evidence="receipts")
        watch = Watch(connector, 1, MESSAGE, lane_message(play, lane), log_id(lane, MESSAGE))
        self.sent(play, lane, 3)
        self.mine(play, 3)
        watch.until(3, message_records)
        self.assertEqual(watch.evidence[1], 2)

    def test_going_back_on_request(self):
        play = self.play()
        lane, _ = play.opened()
        connector = self.started(play)
        watch = Watch(connector, 1, MESSAGE, lane_message(play, lane), log_id(lane, MESSAGE))
        self.sent(play, lane, 4)
        self.mine(play, 3)
        watch.until(4, message_records)
        connector.say(ASK_AGAIN, 1, 3, play.head(lane, 2)[1], 0)
        watch.next, watch.proven, watch.records = 3, 2, []
        watch.until(4, message_records)
        self.assertEqual(watch.records, play.records(lane)[2:])

    def test_evidence_comes_once_though_nothing_is_new(self):
        play = self.play()
        lane, _ = play.opened()
        empty, _ = play.opened(mode=1)
        self.sent(play, lane, 4)
        self.mine(play, 5)
        for evidence in ("slot", "receipts"):
            connector = self.started(play, evidence=evidence)
            Watch(connector, 1, MESSAGE, lane_message(play, empty), log_id(empty, MESSAGE))
            watch = Watch(connector, 2, MESSAGE, lane_message(play, lane), play.head(lane)[1], start=5,
                          height=play.receipt.block + 2)
            watch.until(4, message_records)
            self.assertEqual((watch.records, watch.running), ([], play.head(lane)[1]))
            connector.listen(0.2)
            self.assertEqual([[m[0] for m in e[5]] for e in connector.of(EVIDENCE)], [[2]])

    def test_a_wrong_starting_hash_gives_no_evidence(self):
        play = self.play()
        lane, _ = play.opened()
        self.sent(play, lane, 2)
        self.mine(play, 3)
        connector = self.started(play)
        Watch(connector, 1, MESSAGE, lane_message(play, lane), b"w" * 32)
        self.noticed(connector, 5, "does not lead")
        connector.listen(0.3)
        self.assertEqual(connector.of(EVIDENCE) + connector.of(RECORDS), [])

    def test_a_killed_connector_goes_on_without_a_gap(self):
        play = self.play()
        lane, _ = play.opened()
        connector = self.started(play)
        watch = Watch(connector, 1, MESSAGE, lane_message(play, lane), log_id(lane, MESSAGE))
        self.sent(play, lane, 3)
        self.mine(play, 3)
        watch.until(3, message_records)
        height = watch.evidence[2]
        connector.kill()
        self.sent(play, lane, 3)
        self.mine(play, 3)
        second = self.started(play)
        rest = Watch(second, 1, MESSAGE, lane_message(play, lane), watch.running, start=4, height=height)
        rest.until(6, message_records)
        self.assertEqual(watch.records + rest.records, play.records(lane))

    def test_a_message_out_of_order_ends_the_connector(self):
        play = self.play()
        connector = self.connector()
        connector.say(ASK_HEADER, 1)
        self.assertEqual(connector.process.wait(timeout=PATIENCE), 2)
        connector = self.started(play)
        connector.socket.sendall(b"\0\0\0\2\x91\x08")
        self.assertEqual(connector.process.wait(timeout=PATIENCE), 2)


if __name__ == "__main__":
    unittest.main()
