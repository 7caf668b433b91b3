"""What the connector's tests share: a chain of its own for each test, the connector on it, and nodes that can be shut or lie."""

import gzip
import http.client
import http.server
import json
import pathlib
import socket
import sys
import tempfile
import threading
import time
import unittest

from relay import ASK_STATUS, NOTICE, PATIENCE, ROOT, STATUS, Connector

import play as playing
from crypto import Key

sys.path.insert(0, str(ROOT / "tools" / "scene"))
from chain import free_port  # noqa: E402


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

    def mine(self, play, blocks):
        play.chain.rpc("anvil_mine", hex(blocks))
        play.clock = play.chain.now()

    def sent(self, play, lane, count, sender=None, payload=b"hello"):
        for _ in range(count):
            self.assertIsNone(play.send(lane, sender=sender, payload=payload)[1])

    def notices(self, connector):
        return [m[1] for m in connector.of(NOTICE)]

    def noticed(self, connector, code, text="", **how):
        """Waits for the notice of this code that says this; its text."""
        return connector.wait_for(NOTICE, lambda m: m[1] == code and text in m[2], **how)[2]

    def eventually(self, connector, condition, what):
        """Waits for what is not told of its own accord; the connector is listened to meanwhile."""
        end = time.monotonic() + PATIENCE
        while not (found := condition()):
            if time.monotonic() > end:
                self.fail(f"not in {PATIENCE} s: {what}")
            connector.listen(0.02)
        return found

    def status(self, connector, test, what):
        """Asks for the status until it is as it must be in the end."""
        def asked():
            connector.say(ASK_STATUS)
            told = connector.wait_for(STATUS)
            return test(told) and told
        return self.eventually(connector, asked, what)

    def behind(self, play, change):
        """A node that lies, before the real one; options that lead to it."""
        liar = Liar(play.chain.port, change)
        self.addCleanup(liar.close)
        return liar, {"http": f"http://127.0.0.1:{liar.port}"}


def undump(text):
    """anvil_dumpState gives gzipped JSON in hexadecimal; --load-state wants the JSON."""
    return gzip.decompress(bytes.fromhex(text[2:]))


class Liar:
    """A node between the connector and the real one: change(method, params, answer) may return another answer."""

    def __init__(self, target, change):
        liar = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version, wbufsize = "HTTP/1.1", -1  # an answer goes out whole: the kernel would wait between two pieces

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


class Gate:
    """A door before the node that the test can shut and open again: a plain byte relay on a port of its own, which it keeps
    while it is shut. The port lies below those that the kernel gives to connections: who knocks at it while it is shut would
    else at times be given that very port, and be its own other end."""

    def __init__(self, target):
        self.target, self.port, self.pairs = target, free_port(), []
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # or what passed through it last would keep it shut
        self.listener.bind(("127.0.0.1", self.port))
        self.open()

    def open(self):
        self.listener.listen(16)
        self.accepting = threading.Thread(target=self._accept, daemon=True)
        self.accepting.start()

    def _accept(self):
        while True:
            try:
                near = self.listener.accept()[0]
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                near.close()
                continue
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
            hang_up(end)

    def shut(self):
        """From now on nobody is let in, and whoever is inside is thrown out."""
        hang_up(self.listener)
        self.accepting.join()
        while self.pairs:
            end = self.pairs.pop()
            hang_up(end)
            end.close()

    def close(self):
        self.shut()
        self.listener.close()


def hang_up(end):
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
