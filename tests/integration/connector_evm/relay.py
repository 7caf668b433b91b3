"""A relay for tests: starts the EVM connector, speaks docs/connector-protocol.md with it on descriptor 3, and checks what it says."""

import os
import pathlib
import select
import socket
import struct
import subprocess
import sys
import time

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "contracts"))

from crypto import keccak  # noqa: E402
from model import account, log_id  # noqa: E402

BUILD = pathlib.Path(os.environ.get("ISTHMUS_BUILD", ROOT / "build" / "dev"))
PROGRAM = BUILD / "connectors" / "isthmus-connector-evm"
VERIFY = BUILD / "tests" / "integration" / "connector_evm" / "connector_evm_verify"
(MANIFEST, CONFIGURE, CONFIGURED, SUBSCRIBE, CREDIT, UNSUBSCRIBE, POSITION) = range(1, 8)
(HEADER, RECORDS, EVIDENCE, ASK_HEADER, ASK_AGAIN) = range(10, 15)
SUBMIT, RESULT, ASK_RESULT, POSITION_IS = 20, 21, 22, 24
ASK_STATUS, STATUS, NOTICE, CANNOT, ACCOUNT = range(30, 35)
CONFIRMED, REJECTED, UNKNOWN, SENT = range(1, 5)
FAULTS, FAULT_EXIT = b"connector-%s-%s-%s", 137  # what programs hold that were built with fault points; how they end there
PATIENCE = 90  # seconds, for what takes far less on a quiet machine
DELIVER, SETTLE, EXECUTE, EXPIRE, CLOSE = range(1, 6)


# ---- the part of msgpack that the protocol uses ----

def _sized(value, forms):
    for limit, code, width in forms:
        if value <= limit:
            return bytes([code]) + value.to_bytes(width, "big")
    raise ValueError(value)


def pack(value):
    if isinstance(value, int):
        return bytes([value]) if value < 128 else _sized(
            value, [(0xff, 0xcc, 1), (0xffff, 0xcd, 2), (0xffffffff, 0xce, 4), (2**64 - 1, 0xcf, 8)])
    if isinstance(value, str):
        data = value.encode()
        head = bytes([0xa0 | len(data)]) if len(data) < 32 else _sized(len(data), [(0xff, 0xd9, 1), (0xffff, 0xda, 2)])
        return head + data
    if isinstance(value, (bytes, bytearray)):
        return _sized(len(value), [(0xff, 0xc4, 1), (0xffff, 0xc5, 2), (2**32 - 1, 0xc6, 4)]) + bytes(value)
    head = bytes([0x90 | len(value)]) if len(value) < 16 else _sized(len(value), [(0xffff, 0xdc, 2), (2**32 - 1, 0xdd, 4)])
    return head + b"".join(pack(v) for v in value)


def unpack(data, at=0):
    code = data[at]
    at += 1

    def number(width):
        return int.from_bytes(data[at:at + width], "big"), at + width

    if code < 0x80:
        return code, at
    if 0xcc <= code <= 0xcf:
        return number(1 << (code - 0xcc))
    if 0xa0 <= code < 0xc0:
        return data[at:at + (code & 31)].decode(), at + (code & 31)
    if code in (0xd9, 0xda):
        size, at = number(1 << (code - 0xd9))
        return data[at:at + size].decode(), at + size
    if 0xc4 <= code <= 0xc6:
        size, at = number(1 << (code - 0xc4))
        return data[at:at + size], at + size
    if 0x90 <= code < 0xa0:
        size = code & 15
    else:
        assert code in (0xdc, 0xdd), hex(code)
        size, at = number(2 << (code - 0xdc))
    values = []
    for _ in range(size):
        value, at = unpack(data, at)
        values.append(value)
    return values, at


class Closed(Exception):
    pass


class Connector:
    """One connector process. Whatever it says is kept in `said`, in order, raw bytes beside it; wait_for looks through it."""

    def __init__(self, program=PROGRAM):
        ours, theirs = socket.socketpair()
        self.log = open(os.environ.get("CONNECTOR_LOG", os.devnull), "ab")
        # The shell gives the socket the number 3, whatever number it has here, and becomes the connector.
        self.process = subprocess.Popen(
            ["/bin/bash", "-c", f'exec 3<&{theirs.fileno()} {theirs.fileno()}<&-; exec "$0"', str(program)]  # dash knows one digit
            if theirs.fileno() != 3 else [str(program)],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, pass_fds=[theirs.fileno()])
        theirs.close()
        self.socket, self.buffer, self.said, self.raw, self.looked, self.watches = ours, b"", [], [], {}, {}

    def close(self):
        self.socket.close()
        code = self.process.wait(timeout=PATIENCE)
        self.log.close()
        return code

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(timeout=PATIENCE)
        self.socket.close()
        self.log.close()

    def say(self, *message):
        body = pack(list(message))
        self.socket.sendall(struct.pack(">I", len(body)) + body)

    def _read(self, seconds):
        if not select.select([self.socket], [], [], max(0, seconds))[0]:
            return
        data = self.socket.recv(1 << 20)
        if not data:
            raise Closed("the connector closed its socket")
        self.buffer += data
        while len(self.buffer) >= 4:
            size = struct.unpack(">I", self.buffer[:4])[0]
            assert 1 <= size <= 4 << 20, size
            if len(self.buffer) < 4 + size:
                return
            body, self.buffer = self.buffer[4:4 + size], self.buffer[4 + size:]
            message, end = unpack(body)
            assert end == size
            self.said.append(message)
            self.raw.append(body)

    def wait_for(self, kind, test=lambda m: True, seconds=PATIENCE, since=None):
        """The first message of this type that passes the test, looking from `since` (default: after the last one of this type
        that was found: types overtake each other)."""
        at = self.looked.get(kind, 0) if since is None else since
        end = time.monotonic() + seconds
        while True:
            while at < len(self.said):
                at += 1
                if self.said[at - 1][0] == kind and test(self.said[at - 1]):
                    self.looked[kind] = at
                    return self.said[at - 1]
            if time.monotonic() >= end:
                raise AssertionError(f"no message {kind} in {seconds} s; the last were {[short(m) for m in self.said[-8:]]}")
            self._read(end - time.monotonic())

    def listen(self, seconds):
        """Takes what is said in this time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._read(end - time.monotonic())

    def of(self, kind):
        return [m for m in self.said if m[0] == kind]

    def configured(self, chain, options, chain_id=31337, genesis=None):
        return self.configured_as(f"eip155:{chain_id}", genesis or chain.genesis, options)

    def configured_as(self, caip2, genesis, options):
        protocol = self.wait_for(MANIFEST)[1]
        assert protocol in (1, 2), protocol
        self.say(CONFIGURE, protocol, caip2, genesis, [[k, str(v)] for k, v in options.items()])
        return self.wait_for(CONFIGURED)


def short(value):
    if isinstance(value, list):
        return [short(v) for v in value]
    if isinstance(value, bytes):
        return value[:4].hex() + ("…" if len(value) > 4 else "")
    return value


class Watch:
    """What a relay knows of one log: it takes records and believes them only under evidence that its own verifiers take."""

    def __init__(self, connector, number, kind, lane, running, start=1, height=0, credit=1 << 30):
        self.connector, self.number, self.kind = connector, number, kind
        self.log, self.lane = log_id(lane[0], kind), lane
        connector.watches[number] = self
        self.records, self.proven, self.next, self.evidence = [], start - 1, start, None
        self.seen, self.headers, self.bytes = 0, {}, 0
        connector.say(SUBSCRIBE, number, kind, self.log, lane, start, running, height, credit)

    def check_header(self, message):
        assert keccak(message[4]) == message[2]

    def verifier(self, message):
        """The command that judges this evidence, up to the account."""
        return [str(VERIFY), self.headers[message[2]].hex()]  # told before

    def take(self, sizes):
        """Goes through what was said since; `sizes`: splits a run of records. Order and gaps are checked here."""
        while self.seen < len(self.connector.said):
            message, raw = self.connector.said[self.seen], self.connector.raw[self.seen]
            self.seen += 1
            if message[0] == HEADER:
                self.check_header(message)
                self.headers[message[1]] = message[2]
            elif message[0] == RECORDS and message[1] == self.number:
                assert message[2] == self.next, (message[2], self.next)
                records = sizes(message[4])
                assert len(records) == message[3]
                self.records += records
                self.next += len(records)
                self.bytes += len(message[4])
            elif message[0] == EVIDENCE:
                self._evidence(message, raw)

    def _evidence(self, message, raw):
        for watch, number, running in message[5]:
            if watch != self.number:
                continue
            assert self.kind == 3 or number < self.next, "evidence before its records"
            assert number >= self.proven
            home = self.lane[6] if self.kind == 2 else self.lane[3]
            places = []
            for mark in message[5]:
                watch = self.connector.watches[mark[0]]
                places += [watch.lane[0].hex(), str(watch.kind)]
            done = subprocess.run([*self.verifier(message), home.hex(), *places], input=raw, capture_output=True)
            assert done.returncode == 0, done.stderr.decode()
            self.proven, self.running = number, running
            self.evidence = message

    def until(self, number, sizes, seconds=PATIENCE, each=lambda watch: None):
        """Until this number is proven by evidence that came after the subscribe."""
        end = time.monotonic() + seconds
        while self.proven < number or self.evidence is None:
            if time.monotonic() > end:
                raise AssertionError(f"proven only up to {self.proven}: {[short(m) for m in self.connector.said[-6:]]}")
            self.connector.listen(0.02)
            before = self.proven
            self.take(sizes)
            if self.proven > before:
                each(self)


def message_records(data):
    out = []
    while data:
        commitments = 54 + 32 * bin(data[53]).count("1")
        size = commitments + 37 + int.from_bytes(data[commitments + 33:commitments + 37], "big")
        out.append(data[:size])
        data = data[size:]
    return out


def outcome_records(data):
    return [data[i:i + 45] for i in range(0, len(data), 45)]


def lane_message(play, lane):
    """A lane of Play (from its chain to itself) as the protocol writes it."""
    destination, inbox, receiver, sender, mode, suites, _, generation = play.models["outbox"].lanes[lane].settings
    return [lane, play.network, play.identity, account(play.outbox.address), account(sender), destination, inbox, receiver,
            mode, generation, suites]
