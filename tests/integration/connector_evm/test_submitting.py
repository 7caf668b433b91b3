"""What the connector submits: once, and with a result for every submission."""

import unittest

from relay import (ASK_RESULT, CONFIRMED, DELIVER, EXECUTE, REJECTED, RESULT, SENT, SETTLE, SUBMIT, UNKNOWN, lane_message)

from submitting import SubmitCase
import model
import play as playing
from model import MESSAGE, OUTCOME, head_leaf, log_id, u


class Submitting(SubmitCase):
    def test_a_delivery_is_confirmed_and_a_second_one_ends_early(self):
        play = self.play()
        lane, key = play.opened()
        connector = self.started(play, **self.gas_account(play), registry=play.registry.address.hex())
        self.sent(play, lane, 3)
        connector.say(SUBMIT, b"1" * 32, DELIVER, *self.delivery(play, lane, 1, 3))
        sent = self.result(connector, b"1" * 32, SENT)
        self.assertEqual(play.inbox.call("state", lane), [0, 0])
        done = self.result(connector, b"1" * 32, CONFIRMED, mine=lambda: self.mine(play, 1))
        self.assertEqual(play.inbox.call("state", lane), [3, 3])
        self.assertEqual(done[4], sent[4])
        receipt = play.chain.rpc("eth_getTransactionReceipt", "0x" + done[4].hex())
        self.assertEqual((receipt["status"], int(receipt["blockNumber"], 16)), ("0x1", done[3]))
        connector.say(ASK_RESULT, b"1" * 32)
        self.assertEqual(self.result(connector, b"1" * 32, CONFIRMED)[4], done[4])
        connector.say(SUBMIT, b"2" * 32, DELIVER, *self.delivery(play, lane, 1, 3))
        again = self.result(connector, b"2" * 32, CONFIRMED)
        self.assertEqual((again[4], again[5]), (b"", "the contract stands there already: nothing was sent"))
        self.status(connector, lambda told: int(told[4]) > 10**19, "the balance is told")

    def test_settling_executing_ruling_and_closing_reach_the_contracts(self):
        play = self.play()
        lane, key = play.opened(mode=2)
        connector = self.started(play, **self.gas_account(play))
        message = lane_message(play, lane)
        step = lambda: self.mine(play, 1)  # noqa: E731
        self.sent(play, lane, 3)
        play.set_mode(playing.REVERT)
        connector.say(SUBMIT, b"1" * 32, DELIVER, *self.delivery(play, lane, 1, 2))
        self.result(connector, b"1" * 32, CONFIRMED, mine=step)
        self.assertEqual(play.inbox.call("state", lane), [2, 0])
        play.set_mode(playing.ACCEPT)
        records = play.records(lane)
        connector.say(SUBMIT, b"2" * 32, EXECUTE, message, [], 1, bytes(32), 2, records[0] + records[1])
        self.result(connector, b"2" * 32, CONFIRMED, mine=step)
        self.assertEqual(play.inbox.call("state", lane), [2, 2])
        running = play.head(lane, 3)[1]
        ruling = (3, 3, running, model.WITHHELD, 12, 5)
        fields = log_id(lane, MESSAGE) + u(64, 3) + u(64, 3) + running + u(8, model.WITHHELD) + u(32, 12) + u(64, 5)
        certificate = self.certificate(play, 2, fields, model.ruling_leaf(log_id(lane, MESSAGE), *ruling))
        connector.say(SUBMIT, b"3" * 32, DELIVER, message, certificate, 3, play.head(lane, 2)[1], 1, records[2])
        self.result(connector, b"3" * 32, CONFIRMED, mine=step)
        self.assertEqual(play.inbox.call("state", lane), [3, 3])
        entries = [model.outcome_record(n, model.digest_of(lane, n, records[n - 1]), status, reason)
                   for n, status, reason in ((1, 1, 0), (2, 1, 0), (3, model.WITHHELD, 12))]
        q = log_id(lane, OUTCOME)
        for entry in entries:
            q = model.run(q, model.h(b"outcome", entry))
        fields = log_id(lane, OUTCOME) + u(64, 3) + q
        certificate = self.certificate(play, 1, fields, head_leaf(log_id(lane, OUTCOME), 3, q))
        connector.say(SUBMIT, b"4" * 32, SETTLE, message, certificate, 1, log_id(lane, OUTCOME), 3, b"".join(entries))
        self.result(connector, b"4" * 32, CONFIRMED, mine=step)
        self.assertEqual(play.outbox.call("state", lane)[2:], [3, 3])
        fields = lane + u(64, 3) + running + u(32, 2)
        certificate = self.certificate(play, 3, fields, model.close_leaf(lane, 3, running, 2), ("1", "2", "3"))
        connector.say(SUBMIT, b"5" * 32, 5, message, certificate, 0, bytes(32), 0, b"")
        self.result(connector, b"5" * 32, CONFIRMED, mine=step)
        self.assertEqual(play.inbox.call("closing", lane), [3, running, 2])

    def test_an_expired_message_is_entered(self):
        play = self.play()
        lane, key = play.opened(mode=2)
        connector = self.started(play, **self.gas_account(play))
        self.sent(play, lane, 1)
        play.set_mode(playing.REVERT)
        self.assertIsNone(play.deliver(lane, key)[1])
        record = play.records(lane)[0]
        play.chain.next_time(play.clock + 1000)
        self.mine(play, 1)
        connector.say(SUBMIT, b"1" * 32, 4, lane_message(play, lane), [], 1, bytes(32), 1, record)
        self.result(connector, b"1" * 32, CONFIRMED, mine=lambda: self.mine(play, 1))
        self.assertEqual(play.inbox.call("state", lane), [1, 1])

    def test_a_refusal_carries_the_name_of_the_error(self):
        play = self.play()
        lane, key = play.opened()
        connector = self.started(play, **self.gas_account(play))
        self.sent(play, lane, 3)
        connector.say(SUBMIT, b"1" * 32, DELIVER, *self.delivery(play, lane, 1, 3, names=("1", "1b")))
        self.assertEqual(self.result(connector, b"1" * 32, REJECTED)[5], "QuorumMissing(1, 2)")
        connector.say(SUBMIT, b"2" * 32, DELIVER, *self.delivery(play, lane, 2, 3))
        self.assertEqual(self.result(connector, b"2" * 32, REJECTED)[5], "ItemsGap(1, 2)")
        connector.say(SUBMIT, b"3" * 32, EXECUTE, lane_message(play, lane), [], 1, bytes(32), 1, play.records(lane)[0])
        self.assertEqual(self.result(connector, b"3" * 32, REJECTED)[5], "NotPending(1)")
        self.assertEqual(play.chain.rpc("eth_getTransactionCount", "0x" + self.gas.hex(), "latest"), "0x0")

    def test_a_stuck_transaction_is_replaced_at_a_higher_price(self):
        play = self.play()
        lane, key = play.opened()
        connector = self.started(play, **self.gas_account(play), resubmit_blocks=2)
        self.sent(play, lane, 1)
        connector.say(SUBMIT, b"1" * 32, DELIVER, *self.delivery(play, lane, 1, 1))
        first = self.result(connector, b"1" * 32, SENT)

        def dear_block():
            play.chain.rpc("anvil_setNextBlockBaseFeePerGas", hex(50 * 10**9))
            self.mine(play, 1)

        second = self.result(connector, b"1" * 32, SENT, mine=dear_block)
        self.assertNotEqual(first[4], second[4])
        done = self.result(connector, b"1" * 32, CONFIRMED, mine=dear_block)
        self.assertEqual(play.inbox.call("state", lane), [1, 1])
        self.assertEqual(play.chain.rpc("eth_getTransactionCount", "0x" + self.gas.hex(), "latest"), "0x1")
        self.assertEqual(play.chain.rpc("eth_getTransactionReceipt", "0x" + done[4].hex())["status"], "0x1")

    def test_a_killed_connector_submits_again_without_doing_it_twice(self):
        play = self.play()
        lane, key = play.opened()
        options = self.gas_account(play)
        connector = self.started(play, **options)
        self.sent(play, lane, 2)
        connector.say(SUBMIT, b"1" * 32, DELIVER, *self.delivery(play, lane, 1, 2))
        self.result(connector, b"1" * 32, SENT)
        connector.kill()
        second = self.started(play, **options)
        second.say(ASK_RESULT, b"1" * 32)
        self.assertEqual(second.wait_for(RESULT)[2], UNKNOWN)
        second.say(SUBMIT, b"1" * 32, DELIVER, *self.delivery(play, lane, 1, 2))
        self.result(second, b"1" * 32, CONFIRMED, mine=lambda: self.mine(play, 1))
        self.assertEqual(play.inbox.call("state", lane), [2, 2])
        self.assertEqual(play.trickster.call("calls"), 2)

    def test_what_an_earlier_life_left_in_the_pool_is_replaced(self):
        play = self.play()
        stuck, other = play.opened()[0], play.opened(mode=1)[0]
        options = self.gas_account(play)
        connector = self.started(play, **options)
        self.sent(play, stuck, 1)
        self.sent(play, other, 1)
        connector.say(SUBMIT, b"1" * 32, DELIVER, *self.delivery(play, stuck, 1, 1))
        self.result(connector, b"1" * 32, SENT)
        connector.kill()
        second = self.started(play, **options)
        second.say(SUBMIT, b"2" * 32, DELIVER, *self.delivery(play, other, 1, 1))
        self.result(second, b"2" * 32, SENT)
        self.result(second, b"2" * 32, CONFIRMED, mine=lambda: self.mine(play, 1))
        self.assertEqual([play.inbox.call("state", lane)[0] for lane in (stuck, other)], [0, 1])
        self.assertEqual(play.chain.rpc("eth_getTransactionCount", "0x" + self.gas.hex(), "latest"), "0x1")

    def test_what_is_never_mined_ends_unknown_and_is_taken_up_again(self):
        play = self.play()
        lane, key = play.opened()
        connector = self.started(play, **self.gas_account(play), gas_price_cap=3 * 10**9, resubmit_blocks=2, give_up_blocks=8)
        self.sent(play, lane, 1)

        def block(gwei):
            play.chain.rpc("anvil_setNextBlockBaseFeePerGas", hex(gwei * 10**9))
            self.mine(play, 1)

        block(1)
        connector.say(SUBMIT, b"1" * 32, DELIVER, *self.delivery(play, lane, 1, 1))
        self.result(connector, b"1" * 32, SENT)
        gone = self.result(connector, b"1" * 32, UNKNOWN, mine=lambda: block(50))
        self.assertIn("does not stand there", gone[5])
        connector.say(SUBMIT, b"1" * 32, DELIVER, *self.delivery(play, lane, 1, 1))
        self.result(connector, b"1" * 32, CONFIRMED, mine=lambda: block(1))
        self.assertEqual(play.inbox.call("state", lane), [1, 1])

    def test_what_is_mined_and_fails_is_rejected(self):
        play = self.play()
        lane, key = play.opened(mode=2)
        connector = self.started(play, **self.gas_account(play))
        self.sent(play, lane, 1)
        play.set_mode(playing.REVERT)
        self.assertIsNone(play.deliver(lane, key)[1])
        play.set_mode(playing.ACCEPT)
        record = play.records(lane)[0]
        connector.say(SUBMIT, b"1" * 32, EXECUTE, lane_message(play, lane), [], 1, bytes(32), 1, record)
        self.result(connector, b"1" * 32, SENT)
        data = play.inbox.data("execute", key, 1, [record])  # somebody else pays more and comes first
        play.chain.rpc("eth_sendTransaction", {"from": "0x" + play.chain.accounts[3].hex(), "gas": hex(2000000),
                                               "to": "0x" + play.inbox.address.hex(), "data": "0x" + data.hex(),
                                               "maxFeePerGas": hex(10**12), "maxPriorityFeePerGas": hex(10**11)})
        failed = self.result(connector, b"1" * 32, REJECTED, mine=lambda: self.mine(play, 1))
        self.assertIn("mined and failed", failed[5])
        self.assertEqual(len(failed[4]), 32)
        self.assertEqual(play.trickster.call("calls"), 1)

    def test_two_sources_of_one_work_confirm_it_once(self):
        play = self.play()
        lane, key = play.opened()
        connector = self.started(play, **self.gas_account(play))
        self.sent(play, lane, 2)
        connector.say(SUBMIT, b"1" * 32, DELIVER, *self.delivery(play, lane, 1, 2))
        self.result(connector, b"1" * 32, SENT)
        number, running = play.head(lane)  # another relay's transaction; both lie in one block
        paper = play.paper(head_leaf(log_id(lane, MESSAGE), number, running))
        play.inbox.send("deliver", key, (number, running), paper.abi, play.records(lane))
        self.result(connector, b"1" * 32, CONFIRMED, mine=lambda: self.mine(play, 1))
        self.assertEqual(play.trickster.call("calls"), 2)

    def test_several_lanes_are_submitted_side_by_side(self):
        play = self.play()
        lanes = [play.opened(mode=mode)[0] for mode in range(4)]
        connector = self.started(play, **self.gas_account(play))
        for i, lane in enumerate(lanes):
            self.sent(play, lane, 1)
            connector.say(SUBMIT, bytes([i]) * 32, DELIVER, *self.delivery(play, lane, 1, 1))
        for i in range(4):
            self.result(connector, bytes([i]) * 32, SENT, since=0)
        self.mine(play, 1)
        for i, lane in enumerate(lanes):
            self.result(connector, bytes([i]) * 32, CONFIRMED, mine=lambda: self.mine(play, 1), since=0)
            self.assertEqual(play.inbox.call("state", lane), [1, 1])

    def test_a_source_without_an_account_submits_nothing(self):
        play = self.play()
        lane, key = play.opened()
        connector = self.started(play)
        self.sent(play, lane, 1)
        connector.say(SUBMIT, b"1" * 32, DELIVER, *self.delivery(play, lane, 1, 1))
        self.assertIn("no account", self.result(connector, b"1" * 32, REJECTED)[5])

    def test_a_node_that_calls_every_nonce_used_is_not_tried_without_end(self):
        play = self.play()
        lane, key = play.opened()
        sent = []
        connector = self.started(play, **self.gas_account(play), **self.refusing(play, "nonce too low: next nonce 9", sent))
        self.sent(play, lane, 1)
        connector.say(SUBMIT, b"1" * 32, DELIVER, *self.delivery(play, lane, 1, 1))
        self.assertEqual(self.result(connector, b"1" * 32, REJECTED)[5], "not taken by the node: nonce too low: next nonce 9")
        self.assertEqual(len(sent), 9)

    def test_what_a_pool_dropped_is_sent_again_at_the_cap(self):
        play = self.play()
        lane, key = play.opened()
        connector = self.started(play, **self.gas_account(play), gas_price_cap=3 * 10**9, resubmit_blocks=2)
        self.sent(play, lane, 1)

        block = lambda gwei: self.block(play, gwei)  # noqa: E731
        block(1)
        connector.say(SUBMIT, b"1" * 32, DELIVER, *self.delivery(play, lane, 1, 1))
        self.result(connector, b"1" * 32, SENT)
        for _ in range(6):  # up to the cap
            block(50)
            self.seen(play, connector)
        play.chain.rpc("anvil_dropAllTransactions")
        self.result(connector, b"1" * 32, CONFIRMED, mine=lambda: block(1))
        self.assertEqual(play.inbox.call("state", lane), [1, 1])

    def test_what_a_pool_dropped_is_sent_again_though_no_block_comes(self):
        play = self.play()
        lane, key = play.opened()
        connector = self.started(play, **self.gas_account(play))
        self.sent(play, lane, 1)
        connector.say(SUBMIT, b"1" * 32, DELIVER, *self.delivery(play, lane, 1, 1))
        found = "0x" + self.result(connector, b"1" * 32, SENT)[4].hex()
        play.chain.rpc("anvil_dropAllTransactions")  # as a node does that is restarted, on a chain that makes no empty blocks
        connector.say(SUBMIT, b"1" * 32, DELIVER, *self.delivery(play, lane, 1, 1))  # as a relay does that has waited long
        self.eventually(connector, lambda: play.chain.rpc("eth_getTransactionByHash", found), "the same transaction is there again")
        self.result(connector, b"1" * 32, CONFIRMED, mine=lambda: self.mine(play, 1))

    def test_what_a_relay_asks_for_again_is_paid_more_for_all_the_same(self):
        play, given = self.play(), []
        lane, key = play.opened()

        def change(method, params, answer):
            given.extend(params if method == "eth_sendRawTransaction" else [])
            return answer
        _, node = self.behind(play, change)
        connector = self.started(play, **self.gas_account(play), **node, resubmit_blocks=3)
        self.sent(play, lane, 1)
        self.block(play, 1)
        self.seen(play, connector)
        connector.say(SUBMIT, b"1" * 32, DELIVER, *self.delivery(play, lane, 1, 1))
        self.result(connector, b"1" * 32, SENT)
        paid_more = lambda: len(set(given)) > 1  # noqa: E731
        for _ in range(5):
            self.block(play, 50)  # too dear for what was offered
            self.seen(play, connector)
            before = len(given)
            connector.say(SUBMIT, b"1" * 32, DELIVER, *self.delivery(play, lane, 1, 1))  # where blocks are slow: with each of them
            self.eventually(connector, lambda: len(given) > before or paid_more(), "it is sent once more")
        self.eventually(connector, paid_more, "another one is sent")

    def told_wrong(self, method):
        """What becomes of a delivery at a node whose answer to this method says nothing."""
        play = self.play()
        lane, key = play.opened()

        def change(asked, params, answer):
            return {**answer, "result": "soon"} if asked == method else answer
        _, node = self.behind(play, change)
        connector = self.started(play, **self.gas_account(play), **node)
        self.sent(play, lane, 1)
        connector.say(SUBMIT, b"1" * 32, DELIVER, *self.delivery(play, lane, 1, 1))
        return self.result(connector, b"1" * 32, REJECTED)[5]

    def test_an_estimate_or_a_count_that_says_nothing_ends_in_a_result(self):
        for method in ("eth_estimateGas", "eth_getTransactionCount"):
            self.assertIn(method, self.told_wrong(method))

    def test_a_transaction_that_the_node_knows_already_is_on_its_way(self):
        play = self.play()
        lane, key = play.opened()
        self.sent(play, lane, 1)
        connector = self.started(play, **self.gas_account(play), **self.refusing(play, "unknown transaction type"))
        connector.say(SUBMIT, b"1" * 32, DELIVER, *self.delivery(play, lane, 1, 1))
        self.assertIn("unknown transaction type", self.result(connector, b"1" * 32, REJECTED)[5])
        play.chain.rpc("anvil_dropAllTransactions")
        connector = self.started(play, **self.gas_account(play), **self.refusing(play, "Known transaction"))
        connector.say(SUBMIT, b"1" * 32, DELIVER, *self.delivery(play, lane, 1, 1))
        self.result(connector, b"1" * 32, CONFIRMED, mine=lambda: self.mine(play, 1))

    def test_an_unlocked_account_will_do_on_a_development_chain(self):
        play = self.play()
        lane, key = play.opened()
        connector = self.started(play, unlocked=play.chain.accounts[5].hex())
        self.sent(play, lane, 1)
        connector.say(SUBMIT, b"1" * 32, DELIVER, *self.delivery(play, lane, 1, 1))
        self.result(connector, b"1" * 32, SENT)
        self.result(connector, b"1" * 32, CONFIRMED, mine=lambda: self.mine(play, 1))
        self.assertEqual(play.inbox.call("state", lane), [1, 1])


if __name__ == "__main__":
    unittest.main()
