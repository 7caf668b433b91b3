"""The EVM connector on a real anvil. Each test makes a chain of its own and plays the relay."""

import http.client
import http.server
import json
import pathlib
import signal
import socket
import sys
import tempfile
import threading
import time
import unittest

from relay import (ACCOUNT, ASK_AGAIN, ASK_HEADER, ASK_RESULT, ASK_STATUS, CANNOT, CONFIRMED, CREDIT, DELIVER, EVIDENCE, EXECUTE, HEADER,
                   CONFIGURE, CONFIGURED, MANIFEST, NOTICE, POSITION, POSITION_IS, RECORDS, REJECTED, RESULT, SENT, SETTLE, STATUS, SUBMIT, Connector, Watch,
                   keccak, lane_message, message_records, outcome_records)

import model
import play as playing
from crypto import Key
from evm import Contract, transact
from model import MESSAGE, OUTCOME, SETTLEMENT, head_leaf, log_id, u

MESSAGE_TOPIC = keccak(b"Message(bytes32,uint64,bytes32,bytes)")


class Case(unittest.TestCase):
    def play(self):
        play = playing.Play()
        self.addCleanup(play.close)
        return play

    def connector(self):
        connector = Connector()
        self.addCleanup(connector.kill)
        return connector

    def options(self, play, **more):
        return {"http": f"http://127.0.0.1:{play.chain.port}", "outbox": play.outbox.address.hex(),
                "inbox": play.inbox.address.hex(), "finality-depth": 3, "poll-ms": 20,
                **{k.replace("_", "-"): v for k, v in more.items()}}

    def started(self, play, **more):
        connector = self.connector()
        answer = connector.configured(play.chain, self.options(play, **more))
        self.assertEqual(answer[1], 1, answer[2])
        return connector

    def mine(self, play, blocks):
        play.chain.rpc("anvil_mine", hex(blocks))
        play.clock = play.chain.now()

    def sent(self, play, lane, count, sender=None, payload=b"hello"):
        for _ in range(count):
            self.assertIsNone(play.send(lane, sender=sender, payload=payload)[1])

    def notices(self, connector):
        return [m[1] for m in connector.of(NOTICE)]


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
        connector.listen(0.3)
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
        watch.until(count, message_records, seconds=60)
        self.assertEqual(len(watch.records), count)
        print(f"held {memory >> 20} MiB while {watch.bytes >> 20} MiB waited on the chain", file=sys.stderr)

    def test_back_fill_of_many_small_messages(self):
        play = self.play()
        message, start, count = self.loaded(play, 80, 250, 32)
        connector = self.started(play)
        watch = Watch(connector, 1, MESSAGE, message, start)
        began = time.monotonic()
        watch.until(count, message_records, seconds=60)
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
        liar = Liar(play.chain.port, lambda method, params, answer: asked.append(method) or answer)
        self.addCleanup(liar.close)
        connector = self.started(play, http=f"http://127.0.0.1:{liar.port}")
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
        self.assertIn("does not lead", connector.wait_for(NOTICE, lambda m: m[1] == 5)[2])
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
        self.assertEqual(connector.process.wait(timeout=10), 2)
        connector = self.started(play)
        connector.socket.sendall(b"\0\0\0\2\x91\x08")
        self.assertEqual(connector.process.wait(timeout=10), 2)


class Moving(Case):
    """The chain changes under the connector, or goes away."""

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
        connector.say(ASK_STATUS)
        self.assertIn("finality was broken", connector.wait_for(STATUS)[5])

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
        self.assertIn("shorter chain", connector.wait_for(NOTICE, lambda m: m[1] == 2)[2])
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
        liar = Liar(play.chain.port, change)
        self.addCleanup(liar.close)
        connector = self.connector()
        connector.wait_for(MANIFEST)
        connector.say(CONFIGURE, 1, "eip155:31337", play.chain.genesis,
                      [[k, str(v)] for k, v in self.options(play, http=f"http://127.0.0.1:{liar.port}").items()])
        self.assertIn("rate limited", connector.wait_for(NOTICE, lambda m: m[1] == 5)[2])
        connector.listen(0.3)
        self.assertEqual(connector.of(CONFIGURED), [])
        state["busy"] = False
        self.assertEqual(connector.wait_for(CONFIGURED)[1], 1)

    def test_far_behind_it_catches_up_by_ancestry(self):
        play = self.play()
        connector = self.started(play)
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
        connector = self.started(play, ws=f"ws://127.0.0.1:{gate.port}/", poll_ms=400)
        connector.say(ASK_STATUS)
        for _ in range(100):
            if "WebSocket" in connector.wait_for(STATUS)[5]:
                break
            connector.listen(0.02)
            connector.say(ASK_STATUS)
        else:
            self.fail("never subscribed")
        began = time.monotonic()
        self.mine(play, 1)
        newest = int(play.chain.rpc("eth_blockNumber"), 16)
        connector.wait_for(HEADER, lambda m: m[1] == newest - 3)
        self.assertLess(time.monotonic() - began, 2)  # polling alone would wait ten times 400 ms
        gate.close()
        connector.listen(0.1)
        self.mine(play, 1)
        connector.wait_for(HEADER, lambda m: m[1] == newest - 2)
        connector.say(ASK_STATUS)
        self.assertEqual(connector.wait_for(STATUS)[5], "polling")

    def test_a_node_that_goes_away_and_comes_back(self):
        play = self.play()
        lane, _ = play.opened()
        gate = Gate(play.chain.port)
        connector = self.started(play, http=f"http://127.0.0.1:{gate.port}")
        watch = Watch(connector, 1, MESSAGE, lane_message(play, lane), log_id(lane, MESSAGE))
        self.sent(play, lane, 2)
        self.mine(play, 3)
        watch.until(2, message_records)
        gate.close()
        connector.wait_for(NOTICE, lambda m: m[1] == 3)
        self.sent(play, lane, 2)
        self.mine(play, 3)
        gate = Gate(play.chain.port, gate.port)
        self.addCleanup(gate.close)
        connector.wait_for(NOTICE, lambda m: m[1] == 4)
        watch.until(4, message_records)
        self.assertEqual(watch.records, play.records(lane))

    def test_a_node_killed_and_restarted_from_its_state(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        state = str(pathlib.Path(folder.name) / "state.json")
        play = self.play()
        lane, _ = play.opened()
        gate = Gate(play.chain.port)
        connector = self.started(play, http=f"http://127.0.0.1:{gate.port}")
        watch = Watch(connector, 1, MESSAGE, lane_message(play, lane), log_id(lane, MESSAGE))
        self.sent(play, lane, 3)
        self.mine(play, 3)
        watch.until(3, message_records)
        dumped = play.chain.rpc("anvil_dumpState")
        old, play.chain.rpc_before = play.chain, None
        gate.close()
        old.process.kill()
        old.process.wait()
        pathlib.Path(state).write_bytes(undump(dumped))
        fresh = playing.Anvil(extra=["--load-state", state])
        self.addCleanup(fresh.close)
        for contract in (play.outbox, play.inbox, play.registry, play.trickster):
            contract.chain = fresh
        play.chain, play.clock = fresh, fresh.now()
        gate = Gate(fresh.port, gate.port)
        self.addCleanup(gate.close)
        self.sent(play, lane, 2)
        self.mine(play, 3)
        watch.until(5, message_records)
        self.assertEqual(watch.records, play.records(lane))


def undump(text):
    """anvil_dumpState gives gzipped JSON in hexadecimal; --load-state wants the JSON."""
    import gzip
    return gzip.decompress(bytes.fromhex(text[2:]))


class Liar:
    """A node between the connector and the real one: change(method, params, answer) may return another answer."""

    def __init__(self, target, change):
        liar = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                connection = http.client.HTTPConnection("127.0.0.1", target, timeout=60)
                connection.request("POST", "/", json.dumps(body), {"Content-Type": "application/json"})
                answers = json.loads(connection.getresponse().read())
                connection.close()
                one = isinstance(body, dict)
                asked = {q["id"]: q for q in ([body] if one else body)}
                answers = [liar.change(asked[a["id"]]["method"], asked[a["id"]]["params"], a)
                           for a in ([answers] if one else answers)]
                data = answers[0] if one else answers
                data = data if isinstance(data, bytes) else json.dumps(data).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        self.change = change
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # a connector that is killed hangs up
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Lying(Case):
    """The endpoint answers, but not the truth: nothing false is passed on, and the truth is found when it is told again."""

    def lied_to(self, change, count=4, **more):
        play = self.play()
        lane, _ = play.opened()
        self.sent(play, lane, count)
        self.mine(play, 4)
        liar = Liar(play.chain.port, change)
        self.addCleanup(liar.close)
        connector = self.started(play, http=f"http://127.0.0.1:{liar.port}", **more)
        watch = Watch(connector, 1, MESSAGE, lane_message(play, lane), log_id(lane, MESSAGE))
        return play, lane, liar, connector, watch

    def honest(self, method, params, answer):
        return answer

    def found_out(self, change, text, proven=0):
        """The lie is named, brings no evidence, and does no harm once it stops."""
        play, lane, liar, connector, watch = self.lied_to(change)
        self.assertIn(text, connector.wait_for(NOTICE, lambda m: m[1] == 5)[2])
        connector.listen(0.3)
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
        liar = Liar(play.chain.port, self.logs(lambda logs: []))
        self.addCleanup(liar.close)
        connector = self.started(play, http=f"http://127.0.0.1:{liar.port}")
        watch = Watch(connector, 1, MESSAGE, lane_message(play, lane), log_id(lane, MESSAGE))
        self.mine(play, 100)
        connector.listen(0.3)
        self.sent(play, lane, 1)
        self.mine(play, 70)
        self.assertIn("slot holds", connector.wait_for(NOTICE, lambda m: m[1] == 5)[2])
        liar.change = self.honest
        watch.until(1, message_records)

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
        liar = Liar(play.chain.port, change)
        self.addCleanup(liar.close)
        connector = self.started(play, http=f"http://127.0.0.1:{liar.port}")
        connector.wait_for(HEADER)
        self.sent(play, lane, 1)
        self.mine(play, 3)
        newest = int(play.chain.rpc("eth_blockNumber"), 16)
        connector.wait_for(HEADER, lambda m: m[1] == newest - 3)
        state["final"] = hex(newest - 3)
        watch = Watch(connector, 1, MESSAGE, lane_message(play, lane), log_id(lane, MESSAGE))
        connector.listen(0.5)
        self.assertTrue(state["asked"])
        state["lag"] = False
        watch.until(1, message_records)
        self.assertEqual(self.notices(connector), [])

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
        self.assertIn("ask again", connector.wait_for(CANNOT)[3])
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
        liar = Liar(play.chain.port, change)
        self.addCleanup(liar.close)
        connector = self.started(play, http=f"http://127.0.0.1:{liar.port}")
        watch = Watch(connector, 1, MESSAGE, lane_message(play, lane), log_id(lane, MESSAGE), credit=500)
        self.assertIn("slot holds", connector.wait_for(NOTICE, lambda m: m[1] == 5)[2])
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
        liar = Liar(play.chain.port, lambda method, params, answer: b"<html>sorry</html>" if state["lie"] else answer)
        self.addCleanup(liar.close)
        connector = self.started(play, http=f"http://127.0.0.1:{liar.port}")
        connector.wait_for(HEADER)
        state["lie"] = True
        self.assertIn("not JSON", connector.wait_for(NOTICE, lambda m: m[1] == 3)[2])
        state["lie"] = False
        connector.wait_for(NOTICE, lambda m: m[1] == 4)

    def test_a_node_without_the_state_is_asked_for_receipts(self):
        def change(method, params, answer):
            if method == "eth_getProof":
                return {"jsonrpc": "2.0", "id": answer["id"], "error": {"code": -32000, "message": "missing trie node"}}
            return answer
        play, lane, liar, connector, watch = self.lied_to(change)
        self.assertIn("missing trie node", connector.wait_for(NOTICE, lambda m: m[1] == 6)[2])
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

    def test_an_answer_beyond_the_limit_is_not_read(self):
        def change(method, params, answer):
            if method == "eth_getLogs" and state["lie"]:
                answer["result"] = ["0x" + "00" * 100000]
            return answer
        state = {"lie": True}
        play, lane, liar, connector, watch = self.lied_to(change, max_response=1 << 16)
        self.assertIn("more than 65536 bytes", connector.wait_for(NOTICE, lambda m: m[1] == 5)[2])
        state["lie"] = False
        watch.until(4, message_records)


class Gate:
    """A door before the node that the test can shut: a plain byte relay on a port of its own."""

    def __init__(self, target, port=0):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", port))
        self.listener.listen(16)
        self.port, self.target, self.open, self.pairs = self.listener.getsockname()[1], target, True, []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while self.open:
            try:
                near = self.listener.accept()[0]
                far = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                return
            self.pairs += [near, far]
            for a, b in ((near, far), (far, near)):
                threading.Thread(target=self._copy, args=(a, b), daemon=True).start()

    @staticmethod
    def _copy(a, b):
        try:
            while data := a.recv(65536):
                b.sendall(data)
        except OSError:
            pass
        for end in (a, b):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        if not self.open:
            return
        self.open = False
        for end in [self.listener, *self.pairs]:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()


def offer(raw):
    """The most that a signed transaction (EIP-1559) can cost."""
    at, fields = 2 + (raw[1] - 0xf7 if raw[1] > 0xf7 else 0), []
    for _ in range(5):  # chain, nonce, tip, price, gas
        size = raw[at] - 0x80 if raw[at] >= 0x80 else 0
        fields.append(int.from_bytes(raw[at + 1:at + 1 + size], "big") if size or raw[at] == 0x80 else raw[at])
        at += 1 + size
    return fields[3] * fields[4]


class Submitting(Case):
    def gas_account(self, play, wei=10**20):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        key = Key("gas account")
        path = pathlib.Path(folder.name) / "key"
        path.touch(mode=0o600)
        path.write_text(key.secret.to_bytes(32, "big").hex() + "\n")
        play.chain.rpc("anvil_setBalance", "0x" + key.address.hex(), hex(wei))
        self.gas = key.address
        return {"key_file": path}

    def certificate(self, play, kind, fields, leaf, names=("1", "3")):
        epoch, attestations = play.paper(leaf, names).abi
        return [epoch, kind, fields, [[b"".join(path), r + vs] for path, r, vs in attestations]]

    def delivery(self, play, lane, first, count, names=("1", "3")):
        number, running = play.head(lane, count)
        fields = log_id(lane, MESSAGE) + u(64, number) + running
        certificate = self.certificate(play, 1, fields, head_leaf(log_id(lane, MESSAGE), number, running), names)
        return [lane_message(play, lane), certificate, first, play.head(lane, first - 1)[1], count - first + 1,
                b"".join(play.records(lane)[first - 1:count])]

    def result(self, connector, key, *wanted, mine=None):
        """Waits for a result; mines until there is one."""
        for _ in range(200):
            try:
                return connector.wait_for(RESULT, lambda m: m[1] == key and m[2] in wanted, seconds=0.1)
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
        connector.say(ASK_STATUS)
        status = connector.wait_for(STATUS)
        self.assertGreater(int(status[4]), 10**19)

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
        self.assertEqual(second.wait_for(RESULT)[2], 3)
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
        gone = self.result(connector, b"1" * 32, 3, mine=lambda: block(50))
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
            self.result(connector, bytes([i]) * 32, SENT)
            connector.looked = 0
        self.mine(play, 1)
        for i, lane in enumerate(lanes):
            self.result(connector, bytes([i]) * 32, CONFIRMED, mine=lambda: self.mine(play, 1))
            connector.looked = 0
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
        self.assertIn("10000000000000000 wei", connector.wait_for(NOTICE, lambda m: m[1] == 7)[2])

    def account_is(self, connector, test, seconds=20):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            connector.say(ASK_STATUS)
            told = connector.wait_for(ACCOUNT)
            if test(told):
                return told
            connector.listen(0.02)
        self.fail(f"the account was last told as {told}")

    def test_a_balance_that_falls_is_alarmed_once_and_its_recovery_told(self):
        play = self.play()
        connector = self.started(play, **self.gas_account(play, wei=10**18), low_balance=500)
        self.assertEqual(self.account_is(connector, lambda m: m[1] == str(10**18))[2:], [0, "0", "", 1])
        play.chain.rpc("anvil_setBalance", "0x" + self.gas.hex(), hex(10**17))
        self.mine(play, 17)
        self.assertIn(f"holds {10**17} wei", connector.wait_for(NOTICE, lambda m: m[1] == 7)[2])
        self.assertEqual(self.account_is(connector, lambda m: m[2] == 1)[1], str(10**17))
        self.mine(play, 17)
        play.chain.rpc("anvil_setBalance", "0x" + self.gas.hex(), hex(10**18))
        self.mine(play, 17)
        self.assertIn("again", connector.wait_for(NOTICE, lambda m: m[1] == 10)[2])
        self.account_is(connector, lambda m: m[2] == 0)
        self.assertEqual(self.notices(connector).count(7), 1)

    def delivered(self, play, connector, lane, first, count, key):
        self.block(play, 1)  # at the same price each time, and the connector has seen it
        newest = int(play.chain.rpc("eth_blockNumber"), 16)
        end = time.monotonic() + 30
        while time.monotonic() < end:
            connector.say(ASK_STATUS)
            if connector.wait_for(STATUS)[1] == newest:
                break
            connector.listen(0.02)
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

    def test_a_replacement_does_not_pass_the_spending_cap(self):
        play = self.play()
        lane, key = play.opened()
        offers = []

        def change(method, params, answer):
            if method == "eth_sendRawTransaction":
                offers.append(offer(bytes.fromhex(params[0][2:])))
            return answer
        liar = Liar(play.chain.port, change)
        self.addCleanup(liar.close)
        cap = 10**17
        connector = self.started(play, **self.gas_account(play), http=f"http://127.0.0.1:{liar.port}", spending_cap=cap,
                                 resubmit_blocks=1)
        self.sent(play, lane, 1)
        connector.say(SUBMIT, b"1" * 32, DELIVER, *self.delivery(play, lane, 1, 1))
        self.result(connector, b"1" * 32, SENT)
        end = time.monotonic() + 30
        while len(offers) < 2 and time.monotonic() < end:  # a raise that the cap has room for
            self.block(play, 50)
            connector.listen(0.1)
        self.assertGreater(max(offers), 2 * offers[0])
        asked = len(offers)
        while len(offers) < asked + 3 and time.monotonic() < end:  # then none: it offers the same again
            self.block(play, 300)
            connector.listen(0.1)
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
        liar = Liar(play.chain.port, change)
        self.addCleanup(liar.close)
        connector = self.started(play, **self.gas_account(play), http=f"http://127.0.0.1:{liar.port}")
        self.sent(play, lane, 1)
        connector.say(SUBMIT, b"1" * 32, DELIVER, *self.delivery(play, lane, 1, 1))
        self.assertIn("underpriced", self.result(connector, b"1" * 32, REJECTED)[5])
        self.assertEqual(len(sent), 9)
        price = self.pool(play, bytes.fromhex(sent[-1][2:]))[1]
        self.assertLess(price, 40 * 10**9)

    def test_a_tip_that_the_node_makes_up_is_cut(self):
        play = self.play()
        lane, key = play.opened()

        def change(method, params, answer):
            if method == "eth_maxPriorityFeePerGas":
                answer["result"] = hex(400 * 10**9)
            return answer
        liar = Liar(play.chain.port, change)
        self.addCleanup(liar.close)
        connector = self.started(play, **self.gas_account(play), http=f"http://127.0.0.1:{liar.port}", tip_cap=3 * 10**9)
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
            connector.listen(0.1)
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
