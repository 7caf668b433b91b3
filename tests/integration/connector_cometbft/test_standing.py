"""A chain that stands still: no block comes, and the connector asks for what it waits for no oftener than it must. The node is made of
paper, so this needs no network."""

import base64
import collections
import http.server
import json
import pathlib
import tempfile
import threading
import time
import unittest

from world import CHAIN_ID, INBOX, OUTBOX, PROGRAM, Connector  # first: it says where the others are

import model
from cometbft import REGISTRY
from crypto import Key
from model import h, u
from model import MESSAGE
from relay import Closed, CONFIRMED, EXPIRE, HEADER, PATIENCE, POSITION, POSITION_IS, RESULT, SENT, SUBMIT, SUBSCRIBE

GENESIS, NETWORK, HASH = b"g" * 32, model.network_id("demo"), "AB" * 32
CAIP2 = b"cosmos:" + CHAIN_ID.encode()
CHAIN = h(b"chain", u(8, len(CAIP2)), CAIP2, GENESIS)
TIME = "2026-01-01T00:00:00Z"


def base(data):
    return base64.b64encode(data).decode()


class Paper:
    """A node at height 5 for ever. `busy`, `errors`, `lags`: of each method, how many of the next questions get no answer, an error, or the
    answer of a replica at height 2."""

    def __init__(self):
        paper, self.network = self, CHAIN_ID
        self.asked, self.busy, self.errors, self.lags = (collections.Counter() for _ in range(4))
        self.mined = False

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version, wbufsize = "HTTP/1.1", -1  # an answer goes out whole: the kernel would wait between two pieces

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                asked = body if isinstance(body, list) else [body]
                for question in asked:
                    paper.asked[paper.name(question)] += 1
                if len(asked) > 1 and paper.name(asked[0]) == "block_results":
                    time.sleep(3)  # the test: longer than the connector waits
                if any(paper.is_due(paper.busy, question) for question in asked):
                    self.send_error(503)
                    return
                said = [{"jsonrpc": "2.0", "id": q["id"], **paper.answer(q)} for q in asked]
                data = json.dumps(said if isinstance(body, list) else said[0]).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    @staticmethod
    def name(question):
        """The method, or the path of an abci_query."""
        return question["params"].get("path", question["method"])

    def is_due(self, counter, question):
        """Takes one from what is counted for this question, if there is one."""
        due = counter[self.name(question)] > 0
        counter[self.name(question)] -= due
        return due

    def answer(self, question):
        method, name = question["method"], self.name(question)
        if name == "tx" and not self.mined or self.is_due(self.errors, question):
            return {"error": {"code": -32603, "message": "Internal error", "data": "not now"}}
        if method == "abci_query":
            height = "2" if self.is_due(self.lags, question) else "5"
            return {"result": {"response": {"code": 0, "height": height, "value": base(self.value(name, int(height)))}}}
        if method == "block_results":
            return {"result": {"height": question["params"]["height"], "txs_results": None}}
        return {"result": getattr(self, method)()}

    @staticmethod
    def value(path, height=5):
        if path == "/identity":
            return NETWORK + CHAIN + GENESIS + OUTBOX + INBOX + REGISTRY
        if path == "/account":
            return u(64, 0)
        return u(64, 1) + u(64, int(height == 5)) + b"r" * 32 + u(64, 0) + b"q" * 32 + u(64, 1) if path == "/lane/inbox" else b"there"

    def status(self):
        return {"node_info": {"network": self.network}, "sync_info": {"latest_block_height": "5"}}

    @staticmethod
    def commit():
        id_ = {"hash": HASH, "parts": {"total": 1, "hash": HASH}}
        header = {"version": {"block": "11"}, "chain_id": CHAIN_ID, "height": "5", "time": TIME, "last_block_id": id_,
                  "validators_hash": HASH, "next_validators_hash": HASH}
        vote = {"block_id_flag": 2, "validator_address": "CD" * 20, "timestamp": TIME, "signature": base(bytes(64))}
        return {"signed_header": {"header": header, "commit": {"height": "5", "round": 0, "block_id": id_, "signatures": [vote]}}}

    @staticmethod
    def validators():
        key = {"type": "tendermint/PubKeyEd25519", "value": base(b"k" * 32)}
        return {"validators": [{"address": "CD" * 20, "pub_key": key, "voting_power": "1"}], "total": "1"}

    @staticmethod
    def broadcast_tx_sync():
        return {"code": 0, "log": "", "data": ""}

    @staticmethod
    def tx():
        return {"height": "5", "tx_result": {"code": 0}}

    @staticmethod
    def blockchain():
        return {"block_metas": []}


class Standing(unittest.TestCase):
    def setUp(self):
        self.paper = Paper()
        self.addCleanup(self.paper.close)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = pathlib.Path(folder.name) / "key"
        path.touch(mode=0o600)
        path.write_text(Key("gas account").secret.to_bytes(32, "big").hex() + "\n")
        self.connector = Connector(PROGRAM)
        self.addCleanup(self.connector.kill)
        options = {"http": self.paper.url, "outbox": OUTBOX.hex(), "inbox": INBOX.hex(), "poll-ms": 50, "timeout-ms": 1500,
                   "key-file": path}
        self.assertEqual(self.connector.configured_as(CAIP2.decode(), GENESIS, options)[1], 1)
        self.connector.wait_for(HEADER)
        party = bytes(12) + b"p" * 20
        lane = model.lane_id(NETWORK, CHAIN, OUTBOX, party, CHAIN, INBOX, party, 2, 1)
        self.lane = [lane, NETWORK, CHAIN, OUTBOX, party, CHAIN, INBOX, party, 2, 1, 1]

    def expire(self):
        record = model.record(1, 0, 0, 0, 2, 1, [b"c" * 32])
        self.connector.say(SUBMIT, b"1" * 32, EXPIRE, self.lane, [], 1, bytes(32), 1, record)

    def test_a_transaction_whose_answer_was_lost_is_not_asked_for_without_pause(self):
        self.paper.busy["broadcast_tx_sync"] = 1
        self.expire()
        self.connector.wait_for(RESULT, lambda m: m[2] == SENT)  # it was brought again
        self.assertEqual(self.paper.asked["broadcast_tx_sync"], 2)
        self.connector.listen(3)
        self.assertLess(self.paper.asked["tx"], 8)

    def test_a_node_that_is_too_slow_for_many_blocks_is_asked_for_fewer(self):
        log = model.log_id(self.lane[0], MESSAGE)
        self.connector.say(SUBSCRIBE, 1, MESSAGE, log, self.lane, 2, b"r" * 32, 2, 1 << 20)  # the second entry, blocks 2 to 4
        end = time.monotonic() + PATIENCE
        while self.paper.asked["/store"] < 2:  # the first at its start; then it wants a proof, as all blocks are read
            self.assertLess(time.monotonic(), end)
            self.connector.listen(0.05)

    def test_what_a_mempool_dropped_is_brought_again_though_no_block_comes(self):
        self.expire()
        self.connector.wait_for(RESULT, lambda m: m[2] == SENT)
        self.expire()  # as a relay does that has waited long
        end = time.monotonic() + PATIENCE
        while self.paper.asked["broadcast_tx_sync"] < 2:
            self.assertLess(time.monotonic(), end)
            self.connector.listen(0.05)
        self.connector.listen(1)
        self.assertEqual(self.paper.asked["broadcast_tx_sync"], 2)

    def test_a_node_that_serves_another_chain_now_is_left(self):
        self.paper.network = "another-1"
        with self.assertRaises(Closed):
            self.connector.listen(PATIENCE)
        self.assertEqual(self.connector.process.wait(timeout=PATIENCE), 1)

    def test_a_look_that_was_lost_is_made_again(self):
        self.paper.busy["broadcast_tx_sync"], self.paper.busy["tx"], self.paper.mined = 1, 1, True
        self.expire()
        self.connector.wait_for(RESULT, lambda m: m[2] == CONFIRMED)
        self.assertEqual(self.paper.asked["broadcast_tx_sync"], 1)

    def test_a_position_that_cannot_be_read_once_is_read_again(self):
        self.paper.errors["/lane/inbox"] = 1
        self.connector.say(POSITION, 1, 1, self.lane)
        self.assertEqual(self.connector.wait_for(POSITION_IS, seconds=10)[4], 1)
        self.assertEqual(self.paper.asked["/lane/inbox"], 2)

    def test_a_position_of_a_replica_that_lags_is_not_told(self):
        self.paper.lags["/lane/inbox"] = 3
        self.connector.say(POSITION, 1, 1, self.lane)
        self.assertEqual(self.connector.wait_for(POSITION_IS, seconds=10)[2:5:2], [5, 1])
        self.assertEqual(self.paper.asked["/lane/inbox"], 4)


if __name__ == "__main__":
    unittest.main()
