"""A crooked endpoint: stands before a real anvil and is honest until told otherwise. Speaks HTTP/1.1 and WebSocket by hand, so
that it can break every rule of both."""

import base64
import hashlib
import http.client
import json
import socket
import threading
import time

MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Crooked:
    """answer(door, body) speaks for the node instead of it; None: honest. news(door) does so after a request for WebSocket."""

    def __init__(self, target, host="127.0.0.1", node="127.0.0.1"):
        """Listens at the address `host`; the anvil is at port `target` of `node`."""
        self.target, self.node, self.answer, self.news = target, node, None, None
        self.requests, self.open, self.most, self.lock = 0, 0, 0, threading.Lock()
        self.doors, self.closing = set(), False
        self.listener = socket.socket()
        self.listener.bind((host, 0))
        self.listener.listen(64)
        self.port = self.listener.getsockname()[1]
        self.http, self.ws = f"http://{host}:{self.port}", f"ws://{host}:{self.port}/"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.closing = True
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.hang_up()

    def hang_up(self):
        """Ends every connection."""
        with self.lock:
            doors = list(self.doors)
        for door in doors:
            door.shut()

    def _accept(self):
        while not self.closing:
            try:
                end, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(Door(self, end),), daemon=True).start()

    def _serve(self, door):
        with self.lock:
            self.doors.add(door)
            self.open += 1
            self.most = max(self.most, self.open)
        try:
            while self._one(door):
                pass
        except (OSError, ValueError, http.client.HTTPException):
            pass  # a connector that is killed, or hangs up on us
        finally:
            door.shut()
            with self.lock:
                self.doors.discard(door)
                self.open -= 1

    def _one(self, door):
        head, body = door.request()
        if b"upgrade: websocket" in head.lower():
            door.head = head
            if self.news:
                self.news(door)
            else:
                self._tunnel(door)
            return False
        self.requests += 1
        if self.answer:
            return self.answer(door, json.loads(body))
        door.reply(self.honest(body))
        return True

    def honest(self, body):
        """What the real node answers, as bytes."""
        connection = http.client.HTTPConnection(self.node, self.target, timeout=60)
        try:
            connection.request("POST", "/", body, {"Content-Type": "application/json"})
            return connection.getresponse().read()
        finally:
            connection.close()

    def _tunnel(self, door):
        node = socket.create_connection((self.node, self.target))
        node.sendall(door.head)

        def back():
            try:
                while data := node.recv(65536):
                    door.end.sendall(data)
            except OSError:
                pass
            door.shut()
        threading.Thread(target=back, daemon=True).start()
        try:
            while data := door.end.recv(65536):
                node.sendall(data)
        finally:
            node.close()


class Door:
    """One connection of the connector."""

    def __init__(self, crooked, end):
        self.crooked, self.end, self.buffer = crooked, end, b""

    def shut(self):
        try:
            self.end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.end.close()

    def request(self):
        while b"\r\n\r\n" not in self.buffer:
            self._more()
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        size = 0
        for line in head.split(b"\r\n"):
            name, _, value = line.partition(b":")
            size = int(value) if name.lower() == b"content-length" else size
            if name.lower() == b"expect":
                self.end.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        while len(self.buffer) < size:
            self._more()
        body, self.buffer = self.buffer[:size], self.buffer[size:]
        return head + b"\r\n\r\n", body

    def _more(self):
        data = self.end.recv(65536)
        if not data:
            raise OSError("hung up")
        self.buffer += data

    def reply(self, body, status="200 OK", *headers):
        lines = [f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {len(body)}", *headers]
        self.end.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def trickle(self, data, every=0.02):
        """A byte at a time, until all is said or the other end has had enough."""
        for byte in data:
            self.end.sendall(bytes([byte]))
            time.sleep(every)  # that is the attack

    def flood(self, piece, most=1 << 31):
        """The same bytes again and again, until the other end has had enough."""
        many, said = piece * max(1, (1 << 16) // len(piece)), 0
        while said < most and not self.crooked.closing:
            self.end.sendall(many)
            said += len(many)

    # ---- WebSocket

    def welcome(self):
        key = next(line.partition(b":")[2].strip() for line in self.head.split(b"\r\n")
                   if line.lower().startswith(b"sec-websocket-key:"))
        accept = base64.b64encode(hashlib.sha1(key + MAGIC).digest())
        self.end.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                         b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")

    def linger(self):
        """Reads, and says nothing more."""
        while self.end.recv(65536):
            pass


def frame(payload, opcode=1, final=True, masked=False, size=None):
    """A WebSocket frame; `size` may be another than the payload's."""
    size = len(payload) if size is None else size
    head = bytes([(0x80 if final else 0) | opcode])
    mask = 0x80 if masked else 0
    if size < 126:
        head += bytes([mask | size])
    elif size < 1 << 16:
        head += bytes([mask | 126]) + size.to_bytes(2, "big")
    else:
        head += bytes([mask | 127]) + size.to_bytes(8, "big")
    return head + (b"abcd" if masked else b"") + payload


def edited(crooked, change):
    """An answer function: the honest answers, each as change(method, params, answer) makes it."""
    def answer(door, body):
        questions = body if isinstance(body, list) else [body]
        asked = {q["id"]: q for q in questions}
        said = json.loads(crooked.honest(json.dumps(body).encode()))
        said = [change(asked[a["id"]]["method"], asked[a["id"]]["params"], a) for a in (said if isinstance(said, list) else [said])]
        door.reply(json.dumps(said if isinstance(body, list) else said[0]).encode())
        return True
    return answer
