"""The endpoint answers, but not the truth: nothing false is passed on, and the truth is found when it is told again."""

import time
import unittest

from relay import (ASK_AGAIN, CANNOT, EVIDENCE, HEADER, POSITION, POSITION_IS, RECORDS, SUBSCRIBE, Watch, keccak, lane_message,
                   message_records)

from case import Case
import model
from model import MESSAGE, RETRY, log_id, u

MESSAGE_TOPIC = keccak(b"Message(bytes32,uint64,bytes32,bytes)")
STATE, PENDING = keccak(b"state(bytes32)")[:4], keccak(b"pending(bytes32,uint64)")[:4]


class Lying(Case):
    def lied_to(self, change, count=4, **more):
        play = self.play()
        lane, _ = play.opened()
        self.sent(play, lane, count)
        self.mine(play, 4)
        liar, node = self.behind(play, change)
        connector = self.started(play, **node, **more)
        watch = Watch(connector, 1, MESSAGE, lane_message(play, lane), log_id(lane, MESSAGE))
        return play, lane, liar, connector, watch

    def honest(self, method, params, answer):
        return answer

    def found_out(self, change, text, proven=0):
        """The lie is named, brings no evidence, and does no harm once it stops."""
        play, lane, liar, connector, watch = self.lied_to(change)
        self.noticed(connector, 5, text)
        connector.listen(0.3)  # the test: nothing comes meanwhile
        watch.take(message_records)
        self.assertEqual(connector.of(EVIDENCE), [])
        liar.change = self.honest
        watch.until(4, message_records)
        self.assertEqual(watch.records, play.records(lane))

    def logs(self, edit):
        def change(method, params, answer):
            if method == "eth_getLogs":
                answer["result"] = edit(answer["result"])
            return answer
        return change

    def test_a_log_kept_back_at_the_end(self):
        self.found_out(self.logs(lambda logs: logs[:-1]), "do not lead to what the contract's slot holds")

    def test_a_message_kept_back_though_nothing_follows_is_found_by_its_slot(self):
        play = self.play()
        lane, _ = play.opened()
        liar, node = self.behind(play, self.logs(lambda logs: []))
        connector = self.started(play, **node)
        watch = Watch(connector, 1, MESSAGE, lane_message(play, lane), log_id(lane, MESSAGE))
        self.mine(play, 100)
        newest = int(play.chain.rpc("eth_blockNumber"), 16)
        connector.wait_for(HEADER, lambda m: m[1] == newest - 3)
        self.sent(play, lane, 1)
        self.mine(play, 70)
        self.noticed(connector, 5, "slot holds")
        liar.change = self.honest
        watch.until(1, message_records)

    def test_a_position_that_cannot_be_read_once_is_read_again_though_no_block_follows(self):
        state = {"lag": 2}

        def change(method, params, answer):
            if method == "eth_call" and state["lag"]:
                state["lag"] -= 1
                return {"jsonrpc": "2.0", "id": answer["id"], "error": {"code": -32000, "message": "header not found"}}
            return answer
        play = self.play()
        lane, _ = play.opened()
        _, node = self.behind(play, change)
        connector = self.started(play, **node)
        connector.say(POSITION, 1, MESSAGE, lane_message(play, lane))
        self.assertEqual(connector.wait_for(POSITION_IS)[4], 0)

    def test_a_node_that_lags_behind_is_waited_for(self):
        state = {"lag": True}

        def change(method, params, answer):  # a balancer: headers from one node, logs from another that is behind
            if state["lag"] and method == "eth_getLogs":
                state["asked"] = True
                answer["result"] = []
            if method == "eth_getBlockByNumber" and state["lag"] and params[0] == state.get("final"):
                answer["result"] = None
            return answer
        play = self.play()
        lane, _ = play.opened()
        liar, node = self.behind(play, change)
        connector = self.started(play, **node)
        connector.wait_for(HEADER)
        self.sent(play, lane, 1)
        self.mine(play, 3)
        newest = int(play.chain.rpc("eth_blockNumber"), 16)
        connector.wait_for(HEADER, lambda m: m[1] == newest - 3)
        state["final"] = hex(newest - 3)
        watch = Watch(connector, 1, MESSAGE, lane_message(play, lane), log_id(lane, MESSAGE))
        self.eventually(connector, lambda: state.get("asked"), "it asks for logs")
        connector.listen(0.3)  # the test: that it finds none is no lie meanwhile
        state["lag"] = False
        watch.until(1, message_records)
        self.assertEqual(self.notices(connector), [])

    def test_a_node_far_behind_another_is_no_liar(self):
        state = {"has": None}

        def change(method, params, answer):  # a balancer: the newest from one node, older ones from another that has few of them
            if method == "eth_getBlockByNumber" and state["has"] and params[0] != "latest" and int(params[0], 16) > state["has"]:
                state["asked"] = True
                answer["result"] = None
            return answer
        play = self.play()
        liar, node = self.behind(play, change)
        connector = self.started(play, **node)
        state["has"] = connector.wait_for(HEADER)[1]
        self.mine(play, 600)
        self.eventually(connector, lambda: state.get("asked"), "it asks for a header far above")
        connector.listen(0.3)  # the test: nothing is said of it
        self.assertEqual(self.notices(connector), [])
        state["has"] = None
        connector.wait_for(HEADER, lambda m: m[1] > 590)

    def test_a_log_kept_back_in_the_middle(self):
        self.found_out(self.logs(lambda logs: logs[:1] + logs[2:]), "events are missing")

    def test_a_made_up_record_that_leads_on_is_never_proven_and_is_taken_back_on_request(self):
        made_up = []

        def change(method, params, answer):
            if method == "eth_getLogs" and made_up:
                answer["result"] = answer["result"] + made_up
            return answer
        play, lane, liar, connector, watch = self.lied_to(self.honest)
        watch.until(4, message_records)
        record = play.records(lane)[3]
        running = model.run(play.head(lane)[1], model.digest_of(lane, 5, record))
        height = int(play.chain.rpc("eth_blockNumber"), 16) + 1
        self.mine(play, 1)
        block = play.chain.rpc("eth_getBlockByNumber", hex(height), False)
        made_up.append({"address": "0x" + play.outbox.address.hex(), "blockNumber": hex(height), "blockHash": block["hash"],
                        "logIndex": "0x0", "topics": ["0x" + t.hex() for t in (MESSAGE_TOPIC, lane, u(256, 5))],
                        "data": "0x" + (running + u(256, 64) + u(256, len(record)) + record + bytes(-len(record) % 32)).hex()})
        liar.change = lambda method, params, answer: (
            change(method, params, answer) if method != "eth_getLogs" or int(params[0]["toBlock"], 16) >= height else answer)
        self.mine(play, 3)
        connector.wait_for(RECORDS, lambda m: m[2] == 5)
        connector.wait_for(CANNOT, lambda m: "ask again" in m[3])
        watch.take(message_records)
        self.assertEqual(watch.proven, 4)
        made_up.clear()
        connector.say(ASK_AGAIN, 1, 5, play.head(lane)[1], 0)
        watch.next, watch.records = 5, watch.records[:4]
        self.sent(play, lane, 1, payload=b"true")
        self.mine(play, 3)
        watch.until(5, message_records)
        self.assertEqual(watch.records, play.records(lane))

    def test_a_record_that_was_changed(self):
        def edit(logs):
            if logs:
                data = logs[0]["data"]
                logs[0]["data"] = data[:2 + 64 * 3 + 20] + ("0" if data[2 + 64 * 3 + 20] != "0" else "1") + data[2 + 64 * 3 + 21:]
            return logs
        self.found_out(self.logs(edit), "entry 1")

    def test_a_log_of_another_block(self):
        def edit(logs):
            for log in logs:
                log["blockHash"] = "0x" + "ab" * 32
            return logs
        self.found_out(self.logs(edit), "a log of a block")

    def test_a_header_that_is_not_its_hash(self):
        def change(method, params, answer):
            if method == "eth_getBlockByNumber" and params[0] != "0x0":
                answer["result"]["stateRoot"] = "0x" + "cd" * 32
            return answer
        self.found_out(change, "hash: not that of the header's fields")

    def test_a_lie_before_a_block_that_the_credit_does_not_cover_is_searched_again(self):
        play = self.play()
        lane, _ = play.opened()
        self.sent(play, lane, 2)
        self.sent(play, lane, 1, payload=b"p" * 2000)
        self.mine(play, 4)

        def change(method, params, answer):
            if method == "eth_getProof":
                answer["result"]["storageProof"][0]["value"] = "0x1"
            return answer
        liar, node = self.behind(play, change)
        connector = self.started(play, **node)
        watch = Watch(connector, 1, MESSAGE, lane_message(play, lane), log_id(lane, MESSAGE), credit=500)
        self.noticed(connector, 5, "slot holds")
        liar.change = self.honest
        watch.until(2, message_records)  # no credit comes before something is proven

    def test_a_slot_of_another_value(self):
        def change(method, params, answer):
            if method == "eth_getProof":
                answer["result"]["storageProof"][0]["value"] = "0x1"
            return answer
        self.found_out(change, "slot holds")

    def test_text_that_is_no_json(self):
        play = self.play()
        state = {"lie": False}
        _, node = self.behind(play, lambda method, params, answer: b"<html>sorry</html>" if state["lie"] else answer)
        connector = self.started(play, **node)
        connector.wait_for(HEADER)
        state["lie"] = True
        self.noticed(connector, 3, "not JSON")
        state["lie"] = False
        self.noticed(connector, 4)

    def test_a_node_without_the_state_is_asked_for_receipts(self):
        def change(method, params, answer):
            if method == "eth_getProof":
                return {"jsonrpc": "2.0", "id": answer["id"], "error": {"code": -32000, "message": "missing trie node"}}
            return answer
        play, lane, liar, connector, watch = self.lied_to(change)
        self.noticed(connector, 6, "missing trie node")
        watch.until(4, message_records)
        self.assertEqual(watch.evidence[1], 2)

    def test_a_node_that_gives_few_logs_at_once_is_asked_for_fewer(self):
        asked = []

        def change(method, params, answer):
            if method == "eth_getLogs":
                blocks = int(params[0]["toBlock"], 16) - int(params[0]["fromBlock"], 16) + 1
                asked.append(blocks)
                if blocks > 2:
                    return {"jsonrpc": "2.0", "id": answer["id"], "error": {"code": -32005, "message": "more than 10000 results"}}
            return answer
        play, lane, liar, connector, watch = self.lied_to(change)
        watch.until(4, message_records)
        self.assertIn(2, asked)
        self.assertEqual(self.notices(connector), [])

    def test_a_node_that_is_too_slow_for_many_blocks_is_asked_for_fewer(self):
        asked = []

        def change(method, params, answer):
            if method == "eth_getLogs":
                asked.append(int(params[0]["toBlock"], 16) - int(params[0]["fromBlock"], 16) + 1)
                if asked[-1] > 4:
                    time.sleep(3)  # the test: longer than it waits
            return answer
        play, lane, liar, connector, watch = self.lied_to(change, timeout_ms=1500)
        watch.until(4, message_records)
        self.assertLessEqual(min(asked), 4)

    def test_the_lowest_undecided_message_is_found_however_far_below_it_lies(self):
        state, asked = [8300, 8299, {1}], []

        def change(method, params, answer):
            data = bytes.fromhex(params[0]["data"][2:]) if method == "eth_call" else b""
            if data[:4] == STATE:
                answer = {**answer, "result": "0x" + (u(256, state[0]) + u(256, state[1])).hex()}
            if data[:4] == PENDING:
                asked.append(int.from_bytes(data[36:], "big"))
                answer = {**answer, "result": "0x" + bytes([asked[-1] in state[2]] * 32).hex()}
            return answer
        play = self.play()
        lane, _ = play.opened(mode=RETRY)
        _, node = self.behind(play, change)
        connector = self.started(play, **node)
        connector.say(POSITION, 1, MESSAGE, lane_message(play, lane))
        self.assertEqual(connector.wait_for(POSITION_IS)[7], 1)
        self.assertEqual(asked, list(range(8300, 0, -1)))

        def told(*now):  # what is told then, and what was asked for it
            asked.clear()
            state[:] = now
            self.mine(play, 1)
            return connector.wait_for(POSITION_IS)[7], asked
        self.assertEqual(told(8310, 8305, {1, 3, 8308, 8309, 8310}), (1, list(range(1, 65))))
        self.assertEqual(told(8310, 8307, {8308, 8309, 8310}), (8308, list(range(1, 8311))))
        self.assertEqual(told(8310, 8300, set(range(5, 15)))[0], 5)  # a reorganisation
        self.assertEqual(told(8310, 8310, set()), (8311, []))

    def given_up(self, change):
        """What does not end is told to the relay, which has other sources; and it goes on here once the lie stops."""
        play, lane, liar, connector, watch = self.lied_to(change)
        self.mine(play, 70)
        connector.wait_for(CANNOT, lambda m: m[1] == SUBSCRIBE and m[2] == (1).to_bytes(4, "big"))
        self.assertEqual(connector.of(EVIDENCE), [])
        liar.change = self.honest
        watch.until(4, message_records)

    def refusal(self, answer, text):
        return {"jsonrpc": "2.0", "id": answer["id"], "error": {"code": -32000, "message": text}}

    def test_a_node_that_gives_no_logs_is_told_of(self):
        self.given_up(lambda method, params, answer: self.refusal(answer, "not in your plan") if method == "eth_getLogs" else answer)

    def test_a_node_that_keeps_all_logs_back_is_told_of(self):
        self.given_up(self.logs(lambda logs: []))

    def test_a_node_that_keeps_one_log_back_is_told_of(self):
        self.given_up(self.logs(lambda logs: logs[:1] + logs[2:]))

    def test_a_node_that_refuses_is_asked_ever_more_rarely_though_the_relay_asks_again(self):
        refused, answered = [], 0

        def change(method, params, answer):
            if method != "eth_getLogs":
                return answer
            refused.append(time.monotonic())
            return self.refusal(answer, "over your rate limit")
        play, lane, _, connector, _ = self.lied_to(change)

        def rarely():
            nonlocal answered
            for _ in connector.of(CANNOT)[answered:]:  # as a relay does
                connector.say(ASK_AGAIN, 1, 1, log_id(lane, MESSAGE), 0)
                answered += 1
            return any(b - a > 3 for a, b in zip(refused, refused[1:]))
        self.eventually(connector, rarely, "two questions lie far apart")

    def test_a_quiet_log_forgets_what_went_wrong_once_it_was_compared(self):
        play = self.play()
        lane, _ = play.opened()
        state = {"refuses": False, "refused": 0, "compared": 0}

        def change(method, params, answer):
            if method == "eth_getLogs" and state["refuses"]:
                state["refused"] += params[0]["fromBlock"] == params[0]["toBlock"]
                return self.refusal(answer, "busy")
            state["compared"] += method == "eth_getProof"
            return answer
        _, node = self.behind(play, change)
        connector = self.started(play, **node)
        Watch(connector, 1, MESSAGE, lane_message(play, lane), log_id(lane, MESSAGE))
        for _ in range(5):
            state.update(refuses=True, refused=0)
            self.mine(play, 70)
            self.eventually(connector, lambda: state["refused"], "logs are refused")
            state.update(refuses=False, compared=0)
            self.eventually(connector, lambda: state["compared"], "the log is compared with its slot")
        self.assertEqual(connector.of(CANNOT), [])

    def aged(self, lies):
        """A chain of which the node has only the newest blocks; the lane's messages lie in them, and a watch begins with them."""
        play = self.play()
        lane, _ = play.opened()
        self.mine(play, 50)
        oldest = int(play.chain.rpc("eth_blockNumber"), 16)
        self.sent(play, lane, 4)
        self.mine(play, 4)
        asked = []

        def change(method, params, answer):
            if method == "eth_getLogs":
                asked.append(int(params[0]["fromBlock"], 16))
                if asked[-1] < oldest:
                    return self.refusal(answer, "pruned history unavailable")
            return lies(method, answer)
        _, node = self.behind(play, change)
        return play, lane, self.started(play, **node), oldest, asked

    def test_a_search_that_reaches_what_the_node_no_longer_has_comes_back(self):
        state = {"lies": 4}

        def lies(method, answer):
            if method == "eth_getLogs" and state["lies"]:
                state["lies"] -= 1
                answer["result"] = answer["result"][1:]
            return answer
        play, lane, connector, oldest, asked = self.aged(lies)
        watch = Watch(connector, 1, MESSAGE, lane_message(play, lane), log_id(lane, MESSAGE), height=oldest)
        watch.until(4, message_records)
        self.assertLess(min(asked), oldest)

    def test_a_proof_that_is_refused_once_is_asked_for_again_before_the_chain_is_searched(self):
        state = {"busy": 1}

        def lies(method, answer):
            if method == "eth_getProof" and state["busy"]:
                state["busy"] -= 1
                return self.refusal(answer, "header not found")
            return answer
        play, lane, connector, oldest, asked = self.aged(lies)
        number, running = play.head(lane, 4)
        newest = int(play.chain.rpc("eth_blockNumber"), 16)
        watch = Watch(connector, 1, MESSAGE, lane_message(play, lane), running, start=number + 1, height=newest - 3)
        self.eventually(connector, lambda: connector.of(EVIDENCE), "what is known is proven")
        self.assertGreaterEqual(min(asked), newest - 3)

    def test_an_answer_beyond_the_limit_is_not_read(self):
        def change(method, params, answer):
            if method == "eth_getLogs" and state["lie"]:
                answer["result"] = ["0x" + "00" * 100000]
            return answer
        state = {"lie": True}
        play, lane, liar, connector, watch = self.lied_to(change, max_response=1 << 16)
        self.noticed(connector, 5, "more than 65536 bytes")
        state["lie"] = False
        watch.until(4, message_records)


if __name__ == "__main__":
    unittest.main()
