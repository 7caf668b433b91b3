"""What the connector submits: once, at a bounded price, with a result for every submission."""

import time
import unittest

from relay import (ACCOUNT, ASK_RESULT, ASK_STATUS, CONFIRMED, DELIVER, EXECUTE, NOTICE, PATIENCE, REJECTED, RESULT, SENT, SETTLE,
                   SUBMIT, UNKNOWN, lane_message)

from case import Case
import model
import play as playing
from model import MESSAGE, OUTCOME, head_leaf, log_id, u


def offer(raw):
    """The most that a signed transaction (EIP-1559) can cost."""
    at, fields = 2 + (raw[1] - 0xf7 if raw[1] > 0xf7 else 0), []
    for _ in range(5):  # chain, nonce, tip, price, gas
        size = raw[at] - 0x80 if raw[at] >= 0x80 else 0
        fields.append(int.from_bytes(raw[at + 1:at + 1 + size], "big") if size or raw[at] == 0x80 else raw[at])
        at += 1 + size
    return fields[3] * fields[4]


class Submitting(Case):
    def certificate(self, play, kind, fields, leaf, names=("1", "3")):
        epoch, attestations = play.paper(leaf, names).abi
        return [epoch, kind, fields, [[b"".join(path), r + vs] for path, r, vs in attestations]]

    def delivery(self, play, lane, first, count, names=("1", "3")):
        number, running = play.head(lane, count)
        fields = log_id(lane, MESSAGE) + u(64, number) + running
        certificate = self.certificate(play, 1, fields, head_leaf(log_id(lane, MESSAGE), number, running), names)
        return [lane_message(play, lane), certificate, first, play.head(lane, first - 1)[1], count - first + 1,
                b"".join(play.records(lane)[first - 1:count])]

    def result(self, connector, key, *wanted, mine=None, since=None):
        """Waits for a result; mines until there is one."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                return connector.wait_for(RESULT, lambda m: m[1] == key and m[2] in wanted, seconds=0.1, since=since)
            except AssertionError:
                if mine:
                    mine()
        self.fail(f"no result; results so far: {connector.of(RESULT)}")

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

    def test_a_low_balance_is_told(self):
        play = self.play()
        connector = self.started(play, **self.gas_account(play, wei=10**16), low_balance=50)
        self.noticed(connector, 7, "10000000000000000 wei")

    def account_is(self, connector, test):
        def asked():
            since = len(connector.said)
            connector.say(ASK_STATUS)
            told = connector.wait_for(ACCOUNT, since=since)
            return test(told) and told
        return self.eventually(connector, asked, "the account is told as it is")

    def test_a_balance_that_falls_is_alarmed_once_and_its_recovery_told(self):
        play = self.play()
        connector = self.started(play, **self.gas_account(play, wei=10**18), low_balance=500)
        self.assertEqual(self.account_is(connector, lambda m: m[1] == str(10**18))[2:], [0, "0", "", 1])
        play.chain.rpc("anvil_setBalance", "0x" + self.gas.hex(), hex(10**17))
        self.mine(play, 17)
        self.noticed(connector, 7, f"holds {10**17} wei")
        self.assertEqual(self.account_is(connector, lambda m: m[2] == 1)[1], str(10**17))
        self.mine(play, 17)
        play.chain.rpc("anvil_setBalance", "0x" + self.gas.hex(), hex(10**18))
        self.mine(play, 17)
        self.noticed(connector, 10, "again")
        self.account_is(connector, lambda m: m[2] == 0)
        self.assertEqual(self.notices(connector).count(7), 1)

    def test_a_price_above_the_cap_is_told_while_something_waits_for_it(self):
        play = self.play()
        lane, key = play.opened()
        connector = self.started(play, **self.gas_account(play), gas_price_cap=3 * 10**9)
        self.sent(play, lane, 1)
        self.block(play, 50)
        self.seen(play, connector)
        self.assertEqual([notice for notice in connector.of(NOTICE) if notice[1] == 9], [])  # nothing waits
        connector.say(SUBMIT, b"1" * 32, DELIVER, *self.delivery(play, lane, 1, 1))
        self.noticed(connector, 9, "gas-price-cap 3000000000")
        connector.wait_for(ACCOUNT, lambda m: m[5] == 3)
        self.result(connector, b"1" * 32, CONFIRMED, mine=lambda: self.block(play, 1))
        self.noticed(connector, 10, "no submission waits")
        connector.wait_for(ACCOUNT, lambda m: m[5] == 1)

    def seen(self, play, connector):
        """Waits until the connector has seen the newest block."""
        newest = int(play.chain.rpc("eth_blockNumber"), 16)
        self.status(connector, lambda told: told[1] == newest, "it has seen the newest block")

    def delivered(self, play, connector, lane, first, count, key):
        self.block(play, 1)  # at the same price each time, and the connector has seen it
        self.seen(play, connector)
        connector.say(SUBMIT, key, DELIVER, *self.delivery(play, lane, first, count))
        return self.result(connector, key, CONFIRMED, REJECTED, mine=lambda: self.block(play, 1))

    def paid(self, play, before):
        return before - int(play.chain.rpc("eth_getBalance", "0x" + self.gas.hex(), "latest"), 16)

    def test_at_its_spending_cap_an_account_sends_nothing_more_and_says_why(self):
        play = self.play()
        lane, key = play.opened()
        cap = 3 * 10**15
        connector = self.started(play, **self.gas_account(play), spending_cap=cap)
        results = []
        for i in range(1, 20):
            self.sent(play, lane, 1)
            results.append(self.delivered(play, connector, lane, i, i, bytes([i]) * 32))
            if results[-1][2] == REJECTED:
                break
        self.assertEqual(results[0][2], CONFIRMED)
        self.assertIn("spending-cap", results[-1][5])
        spent = self.paid(play, 10**20)
        self.assertLess(spent, cap)
        self.assertGreater(len(results), 3)
        told = self.notices(connector)
        self.assertLess(told.index(8), told.index(9))  # the alarm came before the end
        self.assertEqual(told[-1], 9)
        told = self.account_is(connector, lambda m: m[5] == 3)
        self.assertLessEqual(spent, int(told[3]))
        self.assertLess(int(told[3]) - spent, 10**9 * len(results))  # told in gwei, rounded up
        self.assertEqual(told[4], str(cap))
        nonce = play.chain.rpc("eth_getTransactionCount", "0x" + self.gas.hex(), "latest")
        self.assertEqual(self.delivered(play, connector, lane, len(results), len(results), b"z" * 32)[2], REJECTED)
        self.assertEqual(play.chain.rpc("eth_getTransactionCount", "0x" + self.gas.hex(), "pending"), nonce)

    def test_what_an_earlier_life_spent_counts_against_the_cap(self):
        play = self.play()
        lane, key = play.opened()
        connector = self.started(play, **self.gas_account(play), spending_cap=10**16, spent=10**16 - 10**10)
        self.sent(play, lane, 1)
        self.assertIn("spending-cap", self.delivered(play, connector, lane, 1, 1, b"1" * 32)[5])
        self.assertEqual(self.account_is(connector, lambda m: m[5] == 3)[3], str(10**16 - 10**10))

    def test_what_is_on_its_way_when_a_life_ends_counts_in_the_next(self):
        play = self.play()
        lane, key = play.opened()
        options, cap = self.gas_account(play), 10**16
        self.sent(play, lane, 30)
        spent = "0"
        for life in range(1, 30):
            connector = self.started(play, **options, spending_cap=cap, spent=spent)
            self.block(play, 1)
            self.seen(play, connector)
            connector.say(SUBMIT, b"1" * 32, DELIVER, *self.delivery(play, lane, life, life))
            told = self.result(connector, b"1" * 32, SENT, REJECTED)
            if told[2] == REJECTED:
                break
            spent = connector.of(ACCOUNT)[-1][3]  # as the relay keeps it
            connector.kill()
            self.block(play, 1)
        self.assertIn("spending-cap", told[5])
        self.assertGreater(life, 2)
        self.assertLess(self.paid(play, 10**20), cap)

    def test_a_replacement_does_not_pass_the_spending_cap(self):
        play = self.play()
        lane, key = play.opened()
        offers = []

        def change(method, params, answer):
            if method == "eth_sendRawTransaction":
                offers.append(offer(bytes.fromhex(params[0][2:])))
            return answer
        _, node = self.behind(play, change)
        cap = 10**17
        connector = self.started(play, **self.gas_account(play), **node, spending_cap=cap,
                                 resubmit_blocks=1)
        self.sent(play, lane, 1)
        connector.say(SUBMIT, b"1" * 32, DELIVER, *self.delivery(play, lane, 1, 1))
        self.result(connector, b"1" * 32, SENT)

        def offered(count, gwei):
            self.block(play, gwei)
            connector.listen(0.1)
            return len(offers) >= count
        self.eventually(connector, lambda: offered(2, 50), "a raise that the cap has room for")
        self.assertGreater(max(offers), 2 * offers[0])
        for _ in range(8):  # then none, though each block is one too many
            self.block(play, 300)
            self.seen(play, connector)
        self.assertLessEqual(max(offers), cap)

    def block(self, play, gwei):
        play.chain.rpc("anvil_setNextBlockBaseFeePerGas", hex(gwei * 10**9))
        self.mine(play, 1)

    def pool(self, play, transaction):
        found = play.chain.rpc("eth_getTransactionByHash", "0x" + transaction.hex())
        return int(found["gas"], 16), int(found["maxFeePerGas"], 16)

    def test_a_node_that_always_wants_more_does_not_drive_the_price_to_the_cap(self):
        play = self.play()
        lane, key = play.opened()
        sent = []

        def change(method, params, answer):
            if method == "eth_sendRawTransaction":
                sent.append(answer.get("result"))
                return {"jsonrpc": "2.0", "id": answer["id"],
                        "error": {"code": -32000, "message": "replacement transaction underpriced"}}
            return answer
        _, node = self.behind(play, change)
        connector = self.started(play, **self.gas_account(play), **node)
        self.sent(play, lane, 1)
        connector.say(SUBMIT, b"1" * 32, DELIVER, *self.delivery(play, lane, 1, 1))
        self.assertIn("underpriced", self.result(connector, b"1" * 32, REJECTED)[5])
        self.assertEqual(len(sent), 9)
        price = self.pool(play, bytes.fromhex(sent[-1][2:]))[1]
        self.assertLess(price, 40 * 10**9)

    def refusing(self, play, text, *sent):
        """Options that lead to a node which says this to every transaction, and passes it on all the same."""
        def change(method, params, answer):
            if method == "eth_sendRawTransaction":
                for list_ in sent:
                    list_.append(params[0])
                return {"jsonrpc": "2.0", "id": answer["id"], "error": {"code": -32000, "message": text}}
            return answer
        return self.behind(play, change)[1]

    def test_a_node_that_calls_every_nonce_used_is_not_tried_without_end(self):
        play = self.play()
        lane, key = play.opened()
        sent = []
        connector = self.started(play, **self.gas_account(play), **self.refusing(play, "nonce too low: next nonce 9", sent))
        self.sent(play, lane, 1)
        connector.say(SUBMIT, b"1" * 32, DELIVER, *self.delivery(play, lane, 1, 1))
        self.assertEqual(self.result(connector, b"1" * 32, REJECTED)[5], "not taken by the node: nonce too low: next nonce 9")
        self.assertEqual(len(sent), 9)

    def test_what_a_node_says_it_did_not_take_counts_as_long_as_it_may_cost(self):
        play = self.play()
        lane, key = play.opened(mode=1)
        cap, refused = 10**16, 0
        connector = self.started(play, **self.gas_account(play), **self.refusing(play, "sorry"), spending_cap=cap)
        for i in range(1, 30):
            self.sent(play, lane, 1)
            told = self.delivered(play, connector, lane, i, i, bytes([i]) * 32)
            self.assertEqual(told[2], REJECTED)
            if "spending-cap" in told[5]:
                break
            refused += 1
            self.block(play, 1)
        self.assertIn("spending-cap", told[5])
        self.assertGreater(refused, 1)
        self.assertLess(self.paid(play, 10**20), cap)

    def test_a_refusal_that_is_none_costs_nothing_in_the_end(self):
        play = self.play()
        lane, key = play.opened()
        options = self.gas_account(play, wei=10**12)
        connector = self.started(play, **options, spending_cap=10**16)
        self.sent(play, lane, 2)
        for i in range(1, 4):
            self.assertIn("not taken", self.delivered(play, connector, lane, 1, 1, bytes([i]) * 32)[5])
        play.chain.rpc("anvil_setBalance", "0x" + self.gas.hex(), hex(10**18))
        for i in (1, 2):
            self.assertEqual(self.delivered(play, connector, lane, i, i, bytes([8 + i]) * 32)[2], CONFIRMED)
        told = self.account_is(connector, lambda m: m[5] == 1)
        self.assertLess(int(told[3]) - self.paid(play, 10**18), 4 * 10**9)

    def test_a_node_that_lags_with_its_count_is_waited_for_and_costs_nothing(self):
        play = self.play()
        lane, key = play.opened()
        lag = []

        def change(method, params, answer):
            if method == "eth_getTransactionCount" and lag:
                answer["result"] = lag[0]
            return answer
        _, node = self.behind(play, change)
        connector = self.started(play, **self.gas_account(play), **node, spending_cap=10**16)
        self.sent(play, lane, 2)
        self.assertEqual(self.delivered(play, connector, lane, 1, 1, b"1" * 32)[2], CONFIRMED)
        lag.append("0x0")
        self.assertIn("nonce too low", self.delivered(play, connector, lane, 2, 2, b"2" * 32)[5])
        lag.clear()
        self.assertEqual(self.delivered(play, connector, lane, 2, 2, b"3" * 32)[2], CONFIRMED)
        told = self.account_is(connector, lambda m: m[5] == 1)
        self.assertLess(int(told[3]) - self.paid(play, 10**20), 4 * 10**9)

    def test_a_tip_that_the_node_makes_up_is_cut(self):
        play = self.play()
        lane, key = play.opened()

        def change(method, params, answer):
            if method == "eth_maxPriorityFeePerGas":
                answer["result"] = hex(400 * 10**9)
            return answer
        _, node = self.behind(play, change)
        connector = self.started(play, **self.gas_account(play), **node, tip_cap=3 * 10**9)
        self.sent(play, lane, 1)
        connector.say(SUBMIT, b"1" * 32, DELIVER, *self.delivery(play, lane, 1, 1))
        found = play.chain.rpc("eth_getTransactionByHash", "0x" + self.result(connector, b"1" * 32, SENT)[4].hex())
        self.assertEqual(int(found["maxPriorityFeePerGas"], 16), 3 * 10**9)

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
