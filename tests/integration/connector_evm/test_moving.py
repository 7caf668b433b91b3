"""The chain changes under the connector, or goes away."""

import pathlib
import signal
import tempfile
import time
import unittest

from relay import ASK_HEADER, CANNOT, CONFIGURE, CONFIGURED, HEADER, MANIFEST, NOTICE, Watch, lane_message, message_records

from case import Case, Gate, undump
from evm import Anvil
from model import MESSAGE, log_id


class Moving(Case):
    def test_a_reorganisation_above_finality_is_told_and_misleads_nobody(self):
        play = self.play()
        lane, _ = play.opened()
        connector = self.started(play, finality_depth=6)
        watch = Watch(connector, 1, MESSAGE, lane_message(play, lane), log_id(lane, MESSAGE))
        self.sent(play, lane, 2)
        self.mine(play, 1)
        newest = int(play.chain.rpc("eth_blockNumber"), 16)
        connector.wait_for(HEADER, lambda m: m[1] == newest - 6)
        play.chain.rpc("anvil_reorg", 4, [])
        self.mine(play, 1)
        connector.wait_for(NOTICE, lambda m: m[1] == 1)
        self.mine(play, 10)
        # Whatever anvil kept of the two messages is what the connector says.
        count = play.outbox.call("state", lane)[0]
        newest = int(play.chain.rpc("eth_blockNumber"), 16)
        connector.wait_for(HEADER, lambda m: m[1] == newest - 6)
        if count:
            watch.until(count, message_records)
        connector.listen(0.2)
        watch.take(message_records)
        self.assertEqual(watch.proven, count)
        for height, digest in watch.headers.items():
            self.assertEqual(play.chain.rpc("eth_getBlockByNumber", hex(height), False)["hash"], "0x" + digest.hex())
        self.assertNotIn(2, self.notices(connector))

    def test_a_reorganisation_below_finality_silences_the_source(self):
        play = self.play()
        lane, _ = play.opened()
        self.mine(play, 20)
        connector = self.started(play)
        connector.wait_for(HEADER)
        play.chain.rpc("anvil_reorg", 8, [])
        self.mine(play, 1)
        connector.wait_for(NOTICE, lambda m: m[1] == 2)
        said = len(connector.of(HEADER))
        self.sent(play, lane, 1)
        self.mine(play, 5)
        connector.listen(0.3)
        self.assertEqual(len(connector.of(HEADER)), said)
        self.status(connector, lambda told: "finality was broken" in told[5], "the status says so")

    def test_a_shorter_chain_that_replaces_final_headers_silences_the_source(self):
        play = self.play()
        self.mine(play, 20)
        connector = self.started(play)
        newest = int(play.chain.rpc("eth_blockNumber"), 16)
        connector.wait_for(HEADER, lambda m: m[1] == newest - 3)
        told = {m[1]: m[2] for m in connector.of(HEADER)}
        play.chain.rpc("anvil_rollback", 10)
        play.chain.rpc("evm_increaseTime", "0x64")
        self.mine(play, 2)  # the tip is lower than what was final, and another one
        self.noticed(connector, 2, "shorter chain")
        for height in range(newest - 10, newest - 3):
            connector.say(ASK_HEADER, height)
            self.assertIn("finality was broken", connector.wait_for(CANNOT)[3])
        for height, digest in told.items():
            self.assertEqual([m[2] for m in connector.of(HEADER) if m[1] == height], [digest])

    def test_a_busy_node_at_the_first_question_is_asked_again(self):
        play = self.play()
        state = {"busy": True}

        def change(method, params, answer):
            if state["busy"]:
                return {"jsonrpc": "2.0", "id": answer["id"], "error": {"code": -32005, "message": "rate limited"}}
            return answer
        _, node = self.behind(play, change)
        connector = self.connector()
        connector.wait_for(MANIFEST)
        connector.say(CONFIGURE, 1, "eip155:31337", play.chain.genesis, [[k, str(v)] for k, v in self.options(play, **node).items()])
        self.noticed(connector, 5, "rate limited")
        connector.listen(0.3)
        self.assertEqual(connector.of(CONFIGURED), [])
        state["busy"] = False
        self.assertEqual(connector.wait_for(CONFIGURED)[1], 1)

    def test_a_node_that_shows_two_chains_in_turn_is_not_told_of_each_time(self):
        play = self.play()
        self.mine(play, 10)
        snapshot = play.chain.rpc("evm_snapshot")
        shown = []
        for time_ in (5, 9):
            play.chain.rpc("evm_setNextBlockTimestamp", play.clock + time_)
            play.chain.rpc("anvil_mine", "0x1")
            shown.append(play.chain.rpc("eth_getBlockByNumber", "latest", False))
            play.chain.rpc("evm_revert", snapshot)
            snapshot = play.chain.rpc("evm_snapshot")
        self.assertNotEqual(shown[0]["hash"], shown[1]["hash"])
        asked = []

        def change(method, params, answer):
            if method == "eth_getBlockByNumber" and params[0] == "latest":
                asked.append(params)
                return {**answer, "result": shown[len(asked) % 2]}
            return answer
        _, node = self.behind(play, change)
        connector = self.started(play, **node)
        self.noticed(connector, 1)
        self.eventually(connector, lambda: len(asked) > 40, "it looks often")
        self.assertLess(self.notices(connector).count(1), 5)

    def test_a_tag_that_the_node_does_not_know_is_told(self):
        play = self.play()

        def change(method, params, answer):
            if params and params[0] == "finalized":
                return {"jsonrpc": "2.0", "id": answer["id"], "error": {"code": -32602, "message": "invalid block tag"}}
            return answer
        liar, node = self.behind(play, change)
        connector = self.started(play, **{**node, "finality_depth": "finalized"})
        self.noticed(connector, 5, "finality-depth finalized: invalid block tag")
        liar.change = lambda method, params, answer: answer
        connector.wait_for(HEADER)

    def test_a_final_block_that_lies_too_deep_to_be_linked_is_told(self):
        play = self.play()
        first = play.chain.rpc("eth_getBlockByNumber", "0x1", False)
        self.mine(play, 1100)
        _, node = self.behind(play, lambda method, params, answer: {**answer, "result": first}
                              if params and params[0] == "finalized" else answer)
        connector = self.started(play, **{**node, "finality_depth": "finalized"})
        self.noticed(connector, 5, "block 1 lies more than 1023 below the newest")
        self.assertEqual(connector.of(HEADER), [])

    def test_a_node_with_headers_that_nothing_leads_to_is_not_asked_without_pause(self):
        play = self.play()
        state, asked = {}, []

        def change(method, params, answer):  # far ahead, and only where it is asked for a header by number first
            if "far" in state and method == "eth_getBlockByNumber":
                asked.append(params[0])
                if params[0] == "latest" or params[0] == state["stride"]:
                    return {**answer, "result": state["far"] if params[0] == "latest" else state["block"]}
                answer["result"] = None
            return answer
        _, node = self.behind(play, change)
        connector = self.started(play, **{**node, "poll_ms": 100})
        connector.wait_for(HEADER)
        newest = int(play.chain.rpc("eth_blockNumber"), 16)
        self.status(connector, lambda told: told[1] == newest, "it has seen the newest block")
        connector.process.send_signal(signal.SIGSTOP)
        self.mine(play, 600)
        block = lambda number: play.chain.rpc("eth_getBlockByNumber", hex(number), False)  # noqa: E731
        state.update(stride=hex(newest + 512), block=block(newest + 512), far=block(newest + 600))
        connector.process.send_signal(signal.SIGCONT)
        self.eventually(connector, lambda: state["stride"] in asked, "it asks for a header on the way")
        asked.clear()
        connector.listen(2)  # the test: how often it asks meanwhile
        self.assertIn(state["stride"], asked)
        self.assertLess(asked.count(state["stride"]), 25)

    def test_far_behind_it_catches_up_by_ancestry(self):
        play = self.play()
        connector = self.started(play, timeout_ms=120000)  # what it has asked is answered while it cannot hear
        connector.wait_for(HEADER)
        connector.process.send_signal(signal.SIGSTOP)
        self.mine(play, 3000)
        connector.process.send_signal(signal.SIGCONT)
        newest = int(play.chain.rpc("eth_blockNumber"), 16)
        connector.wait_for(HEADER, lambda m: m[1] == newest - 3)
        self.assertLess(len(connector.of(HEADER)), 60)
        self.assertEqual(self.notices(connector), [])
        connector.say(ASK_HEADER, 5)
        told = connector.wait_for(HEADER, lambda m: m[1] == 5)
        self.assertEqual("0x" + told[2].hex(), play.chain.rpc("eth_getBlockByNumber", "0x5", False)["hash"])

    def test_news_come_over_websocket_and_polling_steps_in(self):
        play = self.play()
        gate = Gate(play.chain.port)
        self.addCleanup(gate.close)
        lane, _ = play.opened()
        connector = self.started(play, ws=f"ws://127.0.0.1:{gate.port}/", poll_ms=4000)
        self.status(connector, lambda told: "WebSocket" in told[5], "it has subscribed")
        began = time.monotonic()
        self.mine(play, 1)
        newest = int(play.chain.rpc("eth_blockNumber"), 16)
        connector.wait_for(HEADER, lambda m: m[1] == newest - 3)
        self.assertLess(time.monotonic() - began, 20)  # polling alone would wait ten times 4 s
        gate.shut()
        self.status(connector, lambda told: told[5] == "polling", "it has noticed")
        self.mine(play, 1)
        connector.wait_for(HEADER, lambda m: m[1] == newest - 2)

    def behind_a_gate(self, count):
        """So many messages are read from a node behind a gate, which is then shut."""
        play = self.play()
        lane, _ = play.opened()
        gate = Gate(play.chain.port)
        self.addCleanup(gate.close)
        connector = self.started(play, http=f"http://127.0.0.1:{gate.port}")
        watch = Watch(connector, 1, MESSAGE, lane_message(play, lane), log_id(lane, MESSAGE))
        self.sent(play, lane, count)
        self.mine(play, 3)
        watch.until(count, message_records)
        gate.shut()
        return play, lane, gate, connector, watch

    def test_a_node_that_goes_away_and_comes_back(self):
        play, lane, gate, connector, watch = self.behind_a_gate(2)
        connector.wait_for(NOTICE, lambda m: m[1] == 3)
        self.sent(play, lane, 2)
        self.mine(play, 3)
        gate.open()
        connector.wait_for(NOTICE, lambda m: m[1] == 4)
        watch.until(4, message_records)
        self.assertEqual(watch.records, play.records(lane))

    def test_a_node_killed_and_restarted_from_its_state(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        state = str(pathlib.Path(folder.name) / "state.json")
        play, lane, gate, _, watch = self.behind_a_gate(3)
        dumped = play.chain.rpc("anvil_dumpState")
        play.chain.process.kill()
        play.chain.process.wait()
        pathlib.Path(state).write_bytes(undump(dumped))
        fresh = Anvil(extra=["--load-state", state])
        self.addCleanup(fresh.close)
        for contract in (play.outbox, play.inbox, play.registry, play.trickster):
            contract.chain = fresh
        play.chain, play.clock = fresh, fresh.now()
        gate.target = fresh.port
        gate.open()
        self.sent(play, lane, 2)
        self.mine(play, 3)
        watch.until(5, message_records)
        self.assertEqual(watch.records, play.records(lane))


if __name__ == "__main__":
    unittest.main()
