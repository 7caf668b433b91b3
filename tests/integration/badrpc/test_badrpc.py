"""What a bad endpoint can do to a relay: nothing but be silent. Each test is one row of bad input: the real connector reads a
chain through a crooked proxy, this program is the relay. Every row is judged alike: the lie is named (reason and how often),
no false record or proof is taken, memory and time stay bounded, and the truth is found when it is told again."""

import gzip
import json
import pathlib
import signal
import socket
import sys
import tempfile
import threading
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE.parent / "connector_evm"))

from relay import (ASK_AGAIN, ASK_STATUS, HEADER, NOTICE, STATUS, Watch, keccak, lane_message,  # noqa: E402
                   message_records)
from case import PATIENCE, Case, undump  # noqa: E402

import play as playing  # noqa: E402
from crooked import Crooked, edited, frame  # noqa: E402
from evm import Anvil  # noqa: E402
from model import MESSAGE, log_id  # noqa: E402

REORGANISED, BROKEN, UNREACHABLE, BACK, NONSENSE = range(1, 6)
AGAIN = 10  # seconds after which a connector says again what is still wrong
MEMORY = 320 << 20  # bytes: an answer of max-response, decoded, and its tree


class Judge(Watch):
    """A relay's reading of one log: evidence that does not verify is refused with its reason, and changes nothing."""

    def __init__(self, *arguments, agreed=None, **named):
        self.refused, self.agreed = [], agreed
        super().__init__(*arguments, **named)

    def _evidence(self, message, raw):
        if self.agreed and self.agreed(message[2]) != keccak(message[3]):
            self.refused.append("header: not agreed by enough sources")
            return
        try:
            super()._evidence(message, raw)
        except AssertionError as refusal:
            self.refused.append(str(refusal).strip())


class Bad(Case):
    def honest_start(self, **options):
        """A connector behind a crooked proxy that was honest so far: four messages were read and proven."""
        self.play_ = play = self.play()
        self.lane, _ = play.opened()
        self.sent(play, self.lane, 4)
        self.mine(play, 4)
        self.crooked = Crooked(play.chain.port)
        self.addCleanup(self.crooked.close)
        options = {"timeout_ms": 1000, "http": self.crooked.http, **options}
        if options.pop("news", False):
            options["ws"] = self.crooked.ws
        self.connector_ = self.started(play, **options)
        self.judge = Judge(self.connector_, 1, MESSAGE, lane_message(play, self.lane), log_id(self.lane, MESSAGE))
        self.judge.until(4, message_records)
        return play, self.crooked, self.connector_, self.judge

    def more(self, count=2):
        self.sent(self.play_, self.lane, count)
        self.mine(self.play_, 4)

    def peak(self):
        status = pathlib.Path(f"/proc/{self.connector_.process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) << 10

    def checker(self):
        """What AddressSanitizer keeps of memory that was freed, and ThreadSanitizer beside memory that was touched."""
        maps = pathlib.Path(f"/proc/{self.connector_.process.pid}/maps").read_text()
        return 512 << 20 if "libasan" in maps or "libtsan" in maps else 0

    def nothing_false(self, proven=4):
        self.judge.take(message_records)
        self.assertEqual(self.judge.proven, proven)
        self.assertEqual(self.judge.records, self.play_.records(self.lane)[:len(self.judge.records)])

    def recovers(self):
        self.crooked.answer = self.crooked.news = None
        self.judge.until(6, message_records)
        self.assertEqual(self.judge.records, self.play_.records(self.lane))
        self.assertEqual(self.connector_.close(), 0)

    def lied_to(self, answer, code, text, **options):
        """One row, from the honest start to the recovery."""
        self.honest_start(**options)
        begun, before = time.monotonic(), self.crooked.requests
        self.connector_.process.send_signal(signal.SIGSTOP)  # so that all that is new comes at once
        self.crooked.answer = answer(self.crooked)
        self.more()
        self.connector_.process.send_signal(signal.SIGCONT)
        said = self.noticed(self.connector_, code, text)
        took = time.monotonic() - begun
        self.connector_.listen(1)
        self.connector_.say(ASK_STATUS)  # it is not held up by what it waits for
        self.connector_.wait_for(STATUS)
        self.nothing_false()
        self.assertLess(self.peak(), MEMORY + self.checker())
        self.assertLessEqual(self.crooked.most, 9)  # eight connections, and the one of the news
        count = len([m for m in self.connector_.of(NOTICE) if m[1] == code])
        self.assertLessEqual(count, 4 + (time.monotonic() - begun) / AGAIN)  # told, not shouted
        print(f"{self._testMethodName}: notice {code} ({count}) after {took:.1f} s: {said}; {self.crooked.requests - before} "
              f"requests, {self.peak() >> 20} MiB", file=sys.stderr)
        self.recovers()


def always(say):
    """An answer function that says the same to every question: say(door) may return True to keep the connection."""
    return lambda crooked: lambda door, body: bool(say(door))


class Transport(Bad):
    """HTTP gone wrong."""

    def test_an_answer_beyond_max_response_is_cut_off(self):
        self.lied_to(always(lambda door: door.reply(b"[" + b" " * (1 << 20) + b"]")), NONSENSE, "more than 65536 bytes",
                     max_response=1 << 16)

    def test_an_answer_without_end_is_cut_off(self):
        def endless(door):
            door.end.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            door.flood(b"10000\r\n" + b" " * 65536 + b"\r\n")
        self.lied_to(always(endless), NONSENSE, "more than 33554432 bytes", timeout_ms=20000)

    def test_headers_a_byte_at_a_time_are_not_waited_for(self):
        self.lied_to(always(lambda door: door.trickle(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + b"X: y\r\n" * 1000)),
                     UNREACHABLE, "timed out after")

    def test_a_body_a_byte_at_a_time_is_not_waited_for(self):
        def slow(door):
            door.end.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            door.trickle(b"[" + b" " * 99998 + b"]")
        self.lied_to(always(slow), UNREACHABLE, "timed out after")

    def test_a_connection_that_is_taken_and_never_answered(self):
        self.lied_to(always(lambda door: door.linger()), UNREACHABLE, "timed out after")

    def test_headers_without_end_are_not_kept(self):
        def endless(door):
            door.end.sendall(b"HTTP/1.1 200 OK\r\n")
            door.flood(b"X-Header: " + b"h" * 1000 + b"\r\n")
        self.lied_to(always(endless), UNREACHABLE, "", timeout_ms=5000)

    def test_one_header_without_end_is_not_kept(self):
        def endless(door):
            door.end.sendall(b"HTTP/1.1 200 OK\r\nX: ")
            door.flood(b"h" * 1000)
        self.lied_to(always(endless), UNREACHABLE, "", timeout_ms=5000)

    def test_a_connection_closed_in_mid_answer(self):
        self.lied_to(always(lambda door: door.end.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n[{\"id\":0")),
                     UNREACHABLE, "bytes remaining to read")

    def test_a_connection_reset_without_an_answer(self):
        def reset(door):
            door.end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.lied_to(always(reset), UNREACHABLE, "")

    def test_a_redirect_is_not_followed(self):
        other = Crooked(1)
        self.addCleanup(other.close)
        for status in ("301 Moved Permanently", "307 Temporary Redirect"):
            with self.subTest(status):
                self.lied_to(always(lambda door: door.reply(b"", status, f"Location: {other.http}/") or True), UNREACHABLE,
                             "HTTP status 30")
        self.assertEqual((other.requests, other.most), (0, 0))

    def test_an_error_of_the_server_is_no_answer(self):
        self.lied_to(always(lambda door: door.reply(b'[{"id":0,"result":"0x1"}]', "503 Service Unavailable") or True),
                     UNREACHABLE, "HTTP status 503")

    def test_a_gzip_bomb_is_bounded_by_what_comes_out_of_it(self):
        bomb = gzip.compress(b"[" + b" " * (512 << 20))
        self.lied_to(always(lambda door: door.reply(bomb, "200 OK", "Content-Encoding: gzip") or True), NONSENSE,
                     "more than 33554432 bytes", timeout_ms=20000)

    def test_a_bomb_in_a_bomb(self):
        bomb = gzip.compress(gzip.compress(b" " * (512 << 20)))
        self.lied_to(always(lambda door: door.reply(bomb, "200 OK", "Content-Encoding: gzip, gzip") or True), NONSENSE,
                     "more than 33554432 bytes", timeout_ms=20000)

    def test_what_says_gzip_and_is_not(self):
        self.lied_to(always(lambda door: door.reply(b"not gzip at all", "200 OK", "Content-Encoding: gzip") or True),
                     UNREACHABLE, "")

    def test_bytes_that_are_no_http(self):
        self.lied_to(always(lambda door: door.end.sendall(b"\x16\x03\x01 220 hello\r\n" * 100)), UNREACHABLE, "HTTP/0.9")


class Content(Bad):
    """JSON-RPC gone wrong, and answers that are well-formed and false."""

    def said(self, text):
        return always(lambda door: door.reply(text if isinstance(text, bytes) else text.encode()) or True)

    def test_text_that_is_no_json(self):
        for text in ("", "<html>sorry</html>", '[{"id":0,"result":', '{"id":0,"result":NaN}', '{"id":0,"result":"\\ud800"}',
                     b'{"id":0,"result":"\xff\xfe"}', '{"id":0,"id":0,"result":null}', '{"id":0,"result":"0x1"} and more'):
            with self.subTest(text):
                self.lied_to(self.said(text), UNREACHABLE, "not JSON")

    def test_json_that_is_deep(self):
        self.lied_to(self.said("[" * (1 << 18)), UNREACHABLE, "not JSON")
        self.lied_to(self.said('{"a":' * (1 << 18)), UNREACHABLE, "not JSON")
        self.lied_to(self.said("[" * (1 << 20)), NONSENSE, "more than 524288 values")

    def test_json_that_is_small_and_unfolds_to_much(self):
        for piece in ("[],", "{},", "0,"):
            with self.subTest(piece):
                text = "[" + piece * ((30 << 20) // len(piece)) + "0]"
                self.lied_to(self.said(text), NONSENSE, "more than 524288 values", timeout_ms=20000)

    def numbered(self, change):
        """Answers with their ids changed: change(list of ids) gives the new ones."""
        def answer(crooked):
            def speak(door, body):
                said = json.loads(crooked.honest(json.dumps(body).encode()))
                said = said if isinstance(said, list) else [said]
                ids = change([a["id"] for a in said])
                said = [{**said[min(i, len(said) - 1)], "id": n} for i, n in enumerate(ids)]
                door.reply(json.dumps(said if isinstance(body, list) else said[0]).encode())
                return True
            return speak
        return answer

    def test_answers_with_wrong_ids(self):
        self.lied_to(self.numbered(lambda ids: [n + 1 for n in ids]), UNREACHABLE, "does not belong to the question")
        self.lied_to(self.numbered(lambda ids: [str(n) for n in ids]), UNREACHABLE, "does not belong to the question")
        self.lied_to(self.numbered(lambda ids: [-1 - n for n in ids]), UNREACHABLE, "does not belong to the question")

    def test_answers_with_doubled_ids_too_few_and_too_many(self):
        """The tracker asks one thing at a time; a tag makes it ask two."""
        for change in (lambda ids: [0] * len(ids), lambda ids: ids[:-1], lambda ids: ids + ids[-1:]):
            self.lied_to(self.numbered(lambda ids: change(ids) if len(ids) > 1 else ids), UNREACHABLE,
                         "does not belong to the question")

    def test_answers_in_another_order_are_taken_by_their_ids(self):
        self.honest_start(timeout_ms=60000)  # or a busy machine would be noticed, too
        answers = self.numbered(lambda ids: ids)(self.crooked)

        def turned(door, body):
            if not isinstance(body, list):
                return answers(door, body)
            said = json.loads(self.crooked.honest(json.dumps(body).encode()))
            door.reply(json.dumps(said[::-1]).encode())
            return True
        self.crooked.answer = turned
        self.more()
        self.judge.until(6, message_records)
        self.assertEqual(self.notices(self.connector_), [])

    def test_an_answer_to_a_batch_that_is_one_error(self):
        self.lied_to(lambda crooked: lambda door, body: door.reply(
            b'{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"no batches"}}' if isinstance(body, list)
            else crooked.honest(json.dumps(body).encode())) or True, UNREACHABLE, "calls is refused: no batches")

    def changed(self, change):
        return lambda crooked: edited(crooked, change)

    def logs(self, edit):
        """Lies about the messages that came last."""
        def change(method, params, answer):
            if method == "eth_getLogs" and answer["result"]:
                answer["result"] = edit(answer["result"])
            return answer
        return self.changed(change)

    def test_logs_that_do_not_lead_to_the_running_hash(self):
        def edit(logs):
            data = logs[-1]["data"]
            logs[-1]["data"] = data[:260] + ("0" if data[260] != "0" else "1") + data[261:]
            return logs
        self.lied_to(self.logs(edit), NONSENSE, "entry ")

    def test_a_log_left_out_in_the_middle(self):
        self.lied_to(self.logs(lambda logs: logs[:-2] + logs[-1:]), NONSENSE, "events are missing")

    def test_a_log_left_out_at_the_end(self):
        self.lied_to(self.logs(lambda logs: logs[:-1]), NONSENSE, "slot holds")

    def test_a_log_said_twice(self):
        self.lied_to(self.logs(lambda logs: logs + logs[-1:]), NONSENSE, "out of order")

    def test_logs_out_of_order_are_asked_for_block_by_block(self):
        self.honest_start()
        self.connector_.process.send_signal(signal.SIGSTOP)
        self.crooked.answer = self.logs(lambda logs: logs[::-1])(self.crooked)
        self.more()
        self.connector_.process.send_signal(signal.SIGCONT)
        self.judge.until(6, message_records)
        self.assertEqual(self.judge.records, self.play_.records(self.lane))

    def test_a_log_of_another_contract(self):
        def edit(logs):
            logs[-1]["address"] = "0x" + "77" * 20
            return logs
        self.lied_to(self.logs(edit), NONSENSE, "contract that was not asked for")

    def test_a_slot_that_holds_something_else(self):
        def change(method, params, answer):
            if method == "eth_getProof":
                answer["result"]["storageProof"][0]["value"] = "0x1"
            return answer
        self.lied_to(self.changed(change), NONSENSE, "slot holds")

    def test_a_slot_proof_of_another_block_is_refused_by_the_relay(self):
        """The value is right, the proof below it is not: no connector sees that, the relay's verifier does."""
        play, crooked, connector, judge = self.honest_start()
        old = play.chain.rpc("eth_blockNumber")

        def change(method, params, answer):
            if method == "eth_getProof":
                older = json.loads(crooked.honest(json.dumps({"jsonrpc": "2.0", "id": 0, "method": method,
                                                              "params": [params[0], params[1], old]}).encode()))["result"]
                answer["result"]["accountProof"] = older["accountProof"]
                for slot, before in zip(answer["result"]["storageProof"], older["storageProof"]):
                    slot["proof"] = before["proof"]
            return answer
        crooked.answer = edited(crooked, change)
        self.more()

        def refused():
            judge.take(message_records)
            return judge.refused
        self.eventually(connector, refused, "the relay refuses the proof")
        self.assertIn("refused", judge.refused[0])
        self.nothing_false()
        print(f"{self._testMethodName}: refused ({len(judge.refused)}): {judge.refused[0]}", file=sys.stderr)
        crooked.answer = None
        connector.say(ASK_AGAIN, 1, 5, play.head(self.lane, 4)[1], 0)  # as a relay does then
        judge.next, judge.records = 5, judge.records[:4]
        self.recovers()

    def test_a_header_that_is_not_its_hash(self):
        def change(method, params, answer):
            if method == "eth_getBlockByNumber" and answer.get("result"):
                answer["result"]["stateRoot"] = "0x" + "cd" * 32
            return answer
        self.lied_to(self.changed(change), NONSENSE, "hash: not that of the header's fields")

    def test_wrong_types_everywhere(self):
        for value in (None, True, 7, -1, "0x", "0xzz", "", [], {}, ["0x1"], "0x" + "f" * 100):
            with self.subTest(value):
                self.honest_start()
                self.crooked.answer = edited(self.crooked, lambda method, params, answer: {**answer, "result": value})
                self.more()
                self.connector_.listen(1)
                self.nothing_false()
                self.recovers()

    def test_errors_to_everything(self):
        self.honest_start()
        self.crooked.answer = edited(self.crooked, lambda method, params, answer: {
            "jsonrpc": "2.0", "id": answer["id"], "error": {"code": -32005, "message": "x\0" * 100000, "data": ["no"]}})
        self.more()
        self.connector_.listen(1)
        self.nothing_false()
        self.recovers()

    def test_a_wrong_chain_id_is_refused_by_name(self):
        play = self.play()
        for twist, text in ((lambda m, p, a: {**a, "result": "0x1"} if m == "eth_chainId" else a, "chain id is 1, not 31337"),
                            (lambda m, p, a: {**a, "result": {"hash": "0x" + "ab" * 32}} if m == "eth_getBlockByNumber" else a,
                             "block 0 has another hash")):
            crooked = Crooked(play.chain.port)
            self.addCleanup(crooked.close)
            crooked.answer = edited(crooked, twist)
            answer = self.connector().configured(play.chain, self.options(play, http=crooked.http))
            self.assertEqual(answer[1], 0)
            self.assertIn(text, answer[2])

    def test_a_node_that_becomes_another_chain_is_left(self):
        """The address leads to another network: nothing links, the source stops and says so; it starts again with the right one."""
        play, crooked, connector, judge = self.honest_start()
        other = playing.Play()
        self.addCleanup(other.close)
        self.mine(other, 200)
        crooked.target = other.chain.port
        self.noticed(connector, BROKEN)
        self.nothing_false()
        crooked.target = play.chain.port
        connector.close()
        self.more()
        self.connector_ = self.started(play, http=crooked.http)
        self.judge = Judge(self.connector_, 1, MESSAGE, lane_message(play, self.lane), log_id(self.lane, MESSAGE))
        self.recovers()

    def test_one_of_three_sources_shows_a_chain_of_its_own(self):
        """The liar's chain is whole: headers, proofs, a forged message. It stands alone, so what it says is not taken."""
        play = self.play()
        lane, _ = play.opened()
        self.sent(play, lane, 4)
        self.mine(play, 4)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        state = pathlib.Path(folder.name) / "state.json"
        state.write_bytes(undump(play.chain.rpc("anvil_dumpState")))
        forged = Anvil(extra=["--load-state", str(state)])
        self.addCleanup(forged.close)
        if forged.genesis != play.chain.genesis:
            self.fail("the copy has another block 0")
        data = play.outbox.data("send", lane, 0, 7, 0, play.chain.now() + 600, b"f" * 32, b"forged", [])
        forged.rpc("eth_sendTransaction", {"from": "0x" + play.chain.accounts[0].hex(), "gas": hex(300000),
                                           "to": "0x" + play.outbox.address.hex(), "data": "0x" + data.hex()})
        for _ in range(5):
            forged.rpc("evm_mine")
        self.sent(play, lane, 1)
        self.mine(play, 5)
        sources = []
        for chain in (play.chain, play.chain, forged):
            crooked = Crooked(chain.port)
            self.addCleanup(crooked.close)
            sources.append(self.started(play, http=crooked.http))

        def agreed(height):  # as a relay counts: two of three
            said = [next((m[2] for m in s.of(HEADER) if m[1] == height), None) for s in sources]
            return next((h for h in said if h and said.count(h) >= 2), None)
        judges = [Judge(s, 1, MESSAGE, lane_message(play, lane), log_id(lane, MESSAGE), agreed=agreed) for s in sources]
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and not (judges[2].refused and judges[0].proven == judges[1].proven == 5):
            for source, judge in zip(sources, judges):
                source.listen(0.05)
            for judge in judges:
                judge.take(message_records)
            if not any(j.refused for j in judges[:2]):
                continue
            for number, judge in enumerate(judges[:2]):  # its header came before the other's: ask again, as a relay does
                if judge.refused:
                    judge.refused.clear()
                    sources[number].say(ASK_AGAIN, 1, 1, log_id(lane, MESSAGE), 0)
                    judge.next, judge.records = 1, []
        self.assertEqual([j.proven for j in judges[:2]], [5, 5])
        self.assertEqual(judges[0].records, play.records(lane))
        self.assertIn("not agreed", judges[2].refused[0])
        self.assertNotIn(b"forged", b"".join(judges[0].records + judges[1].records))
        self.assertEqual(judges[2].proven, 0)
        print(f"{self._testMethodName}: refused ({len(judges[2].refused)}): {judges[2].refused[0]}", file=sys.stderr)


class News(Bad):
    """WebSocket gone wrong: news are only a wake-up, and polling goes on whatever they do."""

    def live(self):
        self.status(self.connector_, lambda told: "WebSocket" in told[5], "the news are there")

    def row(self, news, alive=False, attempts=1, memory=MEMORY):
        """alive: it may keep such a connection. attempts: it gives up and tries again so often meanwhile."""
        self.honest_start(news=True, poll_ms=50)
        self.live()
        seen = threading.Semaphore(0)

        def crooked_news(door):
            seen.release()
            news(door)
        self.crooked.news = crooked_news
        self.crooked.hang_up()
        self.assertTrue(seen.acquire(timeout=PATIENCE))
        self.more()
        self.judge.until(6, message_records)
        for _ in range(attempts - 1):
            self.assertTrue(seen.acquire(timeout=PATIENCE), "it waits for this connection still")
        self.connector_.listen(3)  # of news gone wrong
        told = self.status(self.connector_, lambda told: alive or told[5] == "polling", "it polls, and says so")[5]
        self.assertLess(self.peak(), memory + self.checker())
        self.assertEqual(self.judge.records, self.play_.records(self.lane))
        self.assertEqual([m for m in self.connector_.of(NOTICE) if m[1] in (REORGANISED, BROKEN, NONSENSE)], [])
        print(f"{self._testMethodName}: {told}, {self.peak() >> 20} MiB", file=sys.stderr)
        self.crooked.news = None
        self.crooked.hang_up()
        self.live()
        self.assertEqual(self.connector_.close(), 0)

    def shaken(self, say):
        def news(door):
            door.welcome()
            say(door)
        return news

    def test_a_handshake_that_never_ends(self):
        self.row(lambda door: door.flood(b"HTTP/1.1 101 Switching Protocols\r\n" + b"X: y\r\n" * 1000))

    def test_a_handshake_a_byte_at_a_time(self):
        self.row(lambda door: door.trickle(b"HTTP/1.1 101 Switching Protocols\r\n" + b"X: y\r\n" * 1000, every=0.05), attempts=2)

    def test_a_handshake_for_somebody_else(self):
        self.row(lambda door: door.end.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                                               b"Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n"))

    def test_garbage_after_the_handshake(self):
        self.row(self.shaken(lambda door: door.end.sendall(bytes(range(256)) * 100)))

    def test_a_frame_of_a_length_that_no_frame_has(self):
        self.row(self.shaken(lambda door: (door.end.sendall(frame(b"x" * 1000, size=1 << 62)), door.linger())))

    def test_a_message_larger_than_any_news(self):
        self.row(self.shaken(lambda door: (door.end.sendall(frame(b"", size=1 << 30)), door.flood(b"x" * 1000, 64 << 20),
                                           door.linger())))

    def test_a_message_in_pieces_without_end(self):
        self.row(self.shaken(lambda door: (door.end.sendall(frame(b"[", final=False)),
                                           door.flood(frame(b" " * 1000, opcode=0, final=False)))),
                 memory=48 << 20)

    def test_a_message_in_crumbs(self):
        """Few bytes, and much around each of them."""
        self.row(self.shaken(lambda door: (door.end.sendall(frame(b"[", final=False)),
                                           door.flood(frame(b" ", opcode=0, final=False)))), attempts=2, memory=48 << 20)

    def test_a_frame_that_only_clients_may_send(self):
        self.row(self.shaken(lambda door: (door.end.sendall(frame(b"{}", masked=True)), door.linger())))

    def test_a_message_that_is_no_json_or_unfolds_to_much(self):
        self.row(self.shaken(lambda door: (door.end.sendall(frame(b"hello")), door.linger())))
        self.row(self.shaken(lambda door: (door.end.sendall(frame(b"[" + b"[]," * 1000000 + b"0]")), door.linger())))

    def test_pings_without_end_whose_answers_are_not_read(self):
        self.row(self.shaken(lambda door: door.flood(frame(b"p" * 100, opcode=9))), alive=True, memory=32 << 20)

    def test_news_without_end_hold_nothing_up(self):
        news = frame(b'{"jsonrpc":"2.0","method":"eth_subscription","params":{"result":{}}}')
        self.row(self.shaken(lambda door: (door.end.sendall(frame(b'{"id":1,"result":"0x1"}') + frame(b'{"id":2,"result":"0x2"}')),
                                           door.flood(news))), alive=True)

    def test_silence_after_the_handshake(self):
        self.row(self.shaken(lambda door: door.linger()))


if __name__ == "__main__":
    unittest.main()
