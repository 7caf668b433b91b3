"""A CometBFT network of validators on this host, with the ledger of Isthmus inside every node (connectors/cometbft/ledger).

    ledger = Ledger(build, folder, members=[(1, 1, key.address)], quorum=1, admin=key)
    ledger.start()                        # all validators; returns when blocks come
    lane = ledger.open(key, chain, inbox, receiver, mode=1)
    ledger.send(key, lane, b"hello")
    ledger.kill(3); ledger.start(3)       # one node
    ledger.stop()

Nothing here decides anything: what a node says is returned as it is."""

import base64
import copy
import fcntl
import functools
import hashlib
import http.client
import json
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "contracts"))
import model  # noqa: E402
from chain import free_port  # noqa: E402
from model import h, u  # noqa: E402

(OPEN, SEND, SEND_COMMITMENT, SETTLE, CLOSE_OUTBOX, DELIVER, EXECUTE, EXPIRE, RULE, CLOSE_INBOX, ROTATE, RECEIVER,
 VALIDATOR) = range(1, 14)
RECORD, REFUSE = 1, 2  # behaviours of a receiver
PATIENCE = 90  # seconds, for what takes one or two on a quiet machine
SKIPPED = 77


class NoGo(Exception):
    """Why there is no ledger here."""


class RpcError(Exception):
    pass


class Refused(Exception):
    """A transaction that was not taken: its code and the ledger's words."""

    def __init__(self, code, log):
        super().__init__(f"code {code}: {log}")
        self.code, self.log = code, log


def module(name):
    """The account of a module, as ADR-28 has it."""
    return bytes(12) + hashlib.sha256(name).digest()[:20]


OUTBOX, INBOX, REGISTRY = (module(b"isthmus/" + name) for name in (b"outbox", b"inbox", b"registry"))


@functools.cache  # `go` looks at every source, which takes seconds
def program(build):
    """The ledger's program, built when its sources changed. NoGo: there is no Go that can."""
    path = pathlib.Path(build).resolve() / "connectors" / "isthmus-ledger"
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = subprocess.run([str(ROOT / "connectors/cometbft/ledger/go"), "build", str(path)], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True)
    if done.returncode == SKIPPED:
        raise NoGo(done.stderr.strip())
    if done.returncode:
        raise RuntimeError(f"the ledger does not build:\n{done.stderr[-4000:]}")
    return path


class Node:
    """One validator. Its process may be killed and started again; its ports stay."""

    def __init__(self, binary, place):
        self.binary, self.home = binary, pathlib.Path(place["home"])
        self.port, self.key, self.process = place["rpc"], bytes.fromhex(place["key"]), None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self, *more):
        if self.running():
            return
        with open(self.home / "log", "ab") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", str(self.binary), "start", "--home", str(self.home), *more],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def running(self):
        return self.process is not None and self.process.poll() is None

    def kill(self, sign=signal.SIGKILL):
        if self.process is not None:
            if self.running():
                self.process.send_signal(sign)
            self.process.wait(timeout=PATIENCE)
            self.process = None

    def _post(self, body):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("POST", "/", json.dumps(body), {"Content-Type": "application/json"})
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    @staticmethod
    def _result(answer):
        if "error" in answer:
            raise RpcError(answer["error"].get("data") or answer["error"]["message"])
        return answer["result"]

    def call(self, method, **params):
        return self._result(self._post({"jsonrpc": "2.0", "id": 0, "method": method, "params": params}))

    def batch(self, calls, strict=True):
        """The results of at most ten (method, params), in their order. strict: an error is one of all; else a None in its place."""
        answers = self._post([{"jsonrpc": "2.0", "id": i, "method": method, "params": params}
                              for i, (method, params) in enumerate(calls)])
        answers = sorted(answers if isinstance(answers, list) else [answers], key=lambda answer: answer["id"])
        return [None if not strict and "error" in answer else self._result(answer) for answer in answers]

    def height(self):
        """0 while it does not answer."""
        try:
            return int(self.call("status")["sync_info"]["latest_block_height"])
        except (OSError, http.client.HTTPException, RpcError, ValueError):
            return 0

    def query(self, path, data=b"", height=0):
        answer = self.call("abci_query", path=path, data=data.hex(), height=str(height), prove=False)["response"]
        if answer["code"]:
            raise RpcError(answer["log"])
        return base64.b64decode(answer["value"] or "")


class Ledger:
    def __init__(self, build, folder, members, quorum, admin=None, validators=4, spares=0, chain_id="isthmus-test-1",
                 network="demo", block_ms=200, store=None):
        """members: (operator, side, address), ascending by (operator, address). admin: a Key that may change validators. store: name of
        the one in which the state lies, of a multistore as chains of the Cosmos SDK have it; None: the state is one tree."""
        self.binary, self.folder = program(build), pathlib.Path(folder) / "ledger"
        self.network, self.caip2, self.validators = model.network_id(network), b"cosmos:" + chain_id.encode(), validators
        shutil.rmtree(self.folder, ignore_errors=True)
        command = [str(self.binary), "network", str(self.folder), "--validators", str(validators), "--spares", str(spares),
                   "--chain-id", chain_id, "--network", network, "--block-ms", str(block_ms), "--quorum", str(quorum)]
        for operator, side, address in members:
            command += ["--member", f"{operator}:{side}:{address.hex()}"]
        if admin is not None:
            command += ["--admin", admin.address.hex()]
        if store is not None:
            command += ["--store", store]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
        self.nodes = [Node(self.binary, place) for place in json.loads((self.folder / "network.json").read_text())["nodes"]]
        self.genesis = self.chain = None

    # ---- life

    def start(self, *which):
        for i in which or range(self.validators):
            self.nodes[i].start()
        if self.chain is None:
            self.wait_height(2)
            identity = self.any().query("/identity")
            self.genesis, self.chain = identity[64:96], identity[32:64]
            assert self.chain == h(b"chain", u(8, len(self.caip2)), self.caip2, self.genesis)
            assert identity[96:] == OUTBOX + INBOX + REGISTRY

    def kill(self, *which, sign=signal.SIGKILL):
        for i in which:
            self.nodes[i].kill(sign)

    def stop(self):
        for node in self.nodes:
            if node.running():
                node.process.terminate()
        for node in self.nodes:
            node.kill()

    def fork(self, folder):
        """A second network of the same nodes, none of which runs now, that goes on from here by itself: what the validators sign there
        contradicts what they sign here."""
        other = copy.copy(self)
        other.folder = pathlib.Path(folder)
        shutil.copytree(self.folder, other.folder)
        places = json.loads((self.folder / "network.json").read_text())["nodes"]
        ports = {place[kind]: free_port() for place in places for kind in ("p2p", "rpc")}
        for i, place in enumerate(places):
            place.update({"home": str(other.folder / f"node{i}"), **{kind: ports[place[kind]] for kind in ("p2p", "rpc")}})
            config = other.folder / f"node{i}" / "config/config.toml"
            config.write_text(re.sub(r"127\.0\.0\.1:(\d+)", lambda m: f"127.0.0.1:{ports.get(int(m[1]), m[1])}", config.read_text()))
        other.nodes = [Node(self.binary, place) for place in places]
        return other

    def twice(self, index):
        """The same validator once more, in the same network, which it never should be: the second node. It is not one of `nodes`."""
        node, place = self.nodes[index], {"rpc": free_port(), "key": self.nodes[index].key.hex()}
        place["home"] = f"{node.home}-twice"
        node.kill()
        shutil.copytree(node.home, place["home"])
        other, p2p = Node(self.binary, place), free_port()
        (other.home / "config/node_key.json").unlink()
        config = other.home / "config/config.toml"
        listens = iter((place["rpc"], p2p))  # as the file has them: first where it is asked, then where its peers call
        text = re.sub(r'(?m)^laddr = "tcp://127\.0\.0\.1:\d+"', lambda _: f'laddr = "tcp://127.0.0.1:{next(listens)}"', config.read_text())
        config.write_text(text)
        node.start()
        other.start()
        return other

    def any(self):
        """A node that runs."""
        return next(node for node in self.nodes if node.running())

    def height(self):
        return self.any().height()

    def eventually(self, condition, what, patience=PATIENCE):
        end = time.monotonic() + patience
        while not (found := condition()):
            for i, node in enumerate(self.nodes):
                if node.process is not None and node.process.poll() is not None:
                    raise RuntimeError(f"validator {i} ended: {(node.home / 'log').read_text()[-2000:]}")
            if time.monotonic() > end:
                raise AssertionError(f"not in {patience} s: {what}")
            time.sleep(0.02)  # between questions
        return found

    def wait_height(self, height, node=None):
        return self.eventually(lambda: (node or self.any()).height() >= height, f"height {height}")

    # ---- transactions. A key is a crypto.Key

    def sequence(self, key):
        return int.from_bytes(self.any().query("/account", bytes(12) + key.address), "big")

    def signed(self, key, kind, sequence, body):
        unsigned = b"\1" + u(8, kind) + u(64, sequence) + body
        return unsigned + b"".join(key.sign(h(b"tx", self.chain, unsigned)))

    def bring(self, key, *bodies, wait=True):
        """Signs (kind, body) after (kind, body), and waits for their blocks; their results, or the first Refused."""
        sequence, names = self.sequence(key), []
        for i, (kind, body) in enumerate(bodies):
            tx = self.signed(key, kind, sequence + i, body)
            answer = self.any().call("broadcast_tx_sync", tx=base64.b64encode(tx).decode())
            if answer["code"]:
                raise Refused(answer["code"], answer["log"])
            names.append(hashlib.sha256(tx).digest())
        return [self.result(name) for name in names] if wait else names

    def result(self, name):
        """The result of a transaction, when it is in a block."""
        def told():
            try:
                return self.any().call("tx", hash=base64.b64encode(name).decode(), prove=False)
            except RpcError:
                return None
        answer = self.eventually(told, f"transaction {name.hex()} in a block")
        if answer["tx_result"]["code"]:
            raise Refused(answer["tx_result"]["code"], answer["tx_result"]["log"])
        return answer

    def open(self, key, chain, inbox, receiver, mode=0, suites=1, life=3600):
        self.bring(key, (OPEN, chain + inbox + receiver + u(8, mode) + u(8, suites) + u(32, life)))
        return model.lane_id(self.network, self.chain, OUTBOX, bytes(12) + key.address, chain, inbox, receiver, mode, 1)

    def send(self, key, lane, *payloads, life=600, salt=b"s" * 32, wait=True):
        deadline = int(time.time()) + life
        return self.bring(key, *((SEND, lane + u(8, 0) + u(32, 7) + bytes(32) + u(64, deadline) + salt +
                                  u(32, len(payload)) + payload + u(8, 0)) for payload in payloads), wait=wait)

    def be_receiver(self, key, behaviour=RECORD):
        self.bring(key, (RECEIVER, u(8, behaviour)))

    def set_validator(self, admin, key, power):
        self.bring(admin, (VALIDATOR, key + u(64, power)))

    # ---- what it says

    def position(self, side, lane):
        """(count, R, entries, Q, last): of the outbox sent, taken and the settled mark; of the inbox accepted, decided and the lowest
        undecided sequence."""
        raw = self.any().query(f"/lane/{side}", lane)
        number = lambda at: int.from_bytes(raw[at:at + 8], "big")  # noqa: E731
        return number(8), raw[16:48], number(48), raw[56:88], number(88)

    def events(self, kind, lane):
        """All events of a lane, in order, as dictionaries."""
        found, node = [], self.any()
        for height in range(1, node.height() + 1):
            for result in node.call("block_results", height=str(height))["txs_results"] or ():
                for event in result["events"]:
                    fields = {a["key"]: a["value"] for a in event["attributes"]}
                    if event["type"] == "isthmus_" + kind and fields["lane"] == lane.hex():
                        found.append({**fields, "height": height})
        return found

    def records(self, lane):
        """The message records of a lane that begins here."""
        return [bytes.fromhex(e["record"]) for e in self.events("message", lane)]


def certificate(paper):
    """A certificate of model.certificate as the ledger reads it."""
    epoch, attestations = paper
    return u(64, epoch) + u(8, len(attestations)) + b"".join(
        u(8, len(path)) + b"".join(path) + r + vs for path, r, vs in attestations)


def lane_key(source, outbox, sender, receiver, mode, generation=1):
    return source + outbox + sender + receiver + u(8, mode) + u(32, generation)


def items(records):
    return u(16, len(records)) + b"".join(u(32, len(r)) + r for r in records)
