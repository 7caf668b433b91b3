"""What submitting costs: prices, tips and replacements within their caps, the day's sum, and the balance."""

import unittest

from relay import ACCOUNT, CONFIRMED, DELIVER, NOTICE, REJECTED, SENT, SUBMIT

from submitting import SubmitCase


def offer(raw):
    """The most that a signed transaction (EIP-1559) can cost."""
    at, fields = 2 + (raw[1] - 0xf7 if raw[1] > 0xf7 else 0), []
    for _ in range(5):  # chain, nonce, tip, price, gas
        size = raw[at] - 0x80 if raw[at] >= 0x80 else 0
        fields.append(int.from_bytes(raw[at + 1:at + 1 + size], "big") if size or raw[at] == 0x80 else raw[at])
        at += 1 + size
    return fields[3] * fields[4]


class Spending(SubmitCase):
    def test_a_low_balance_is_told(self):
        play = self.play()
        connector = self.started(play, **self.gas_account(play, wei=10**16), low_balance=50)
        self.noticed(connector, 7, "10000000000000000 wei")

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

    def test_replicas_that_do_not_agree_on_a_nonce_do_not_drive_the_price(self):
        play = self.play()
        lane, key = play.opened()
        sent, looks = [], []

        def change(method, params, answer):  # looks go to one that stands still, what is sent to one that goes on
            if method == "eth_sendRawTransaction":
                sent.append(params[0])
            if method == "eth_getTransactionCount":
                looks.append(params)
            return {**answer, "result": {"eth_getTransactionCount": "0x0", "eth_getTransactionReceipt": None}[method]} \
                if method in ("eth_getTransactionCount", "eth_getTransactionReceipt") else answer
        _, node = self.behind(play, change)
        connector = self.started(play, **self.gas_account(play), **node, resubmit_blocks=2)
        self.sent(play, lane, 1)
        connector.say(SUBMIT, b"1" * 32, DELIVER, *self.delivery(play, lane, 1, 1))
        self.result(connector, b"1" * 32, SENT)
        self.mine(play, 2)
        self.eventually(connector, lambda: len(sent) == 2, "it offers more")
        looks.clear()
        self.eventually(connector, lambda: len(looks) > 10, "it goes on looking")
        self.assertEqual(len(sent), 2)

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

    def test_where_gas_is_free_what_a_pool_dropped_is_sent_again_for_nothing(self):
        play = self.play()
        lane, key = play.opened()
        connector = self.started(play, **self.gas_account(play, wei=0), tip_cap=0, resubmit_blocks=2)
        self.sent(play, lane, 1)
        self.block(play, 0)
        self.seen(play, connector)
        connector.say(SUBMIT, b"1" * 32, DELIVER, *self.delivery(play, lane, 1, 1))
        found = "0x" + self.result(connector, b"1" * 32, SENT)[4].hex()
        play.chain.rpc("anvil_dropAllTransactions")
        for _ in range(3):
            self.block(play, 0)
            self.seen(play, connector)
        self.eventually(connector, lambda: play.chain.rpc("eth_getTransactionByHash", found), "the same transaction is there again")


if __name__ == "__main__":
    unittest.main()
