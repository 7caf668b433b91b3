"""A real anvil and the compiled contracts, from Python's standard library alone: processes, JSON-RPC, ABI, calls."""

import http.client
import json
import os
import pathlib
import subprocess
import time

from crypto import keccak

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
STARTS = 60  # seconds in which an anvil starts or ends, however busy the machine


def folder_of_contracts():
    given = os.environ.get("ISTHMUS_CONTRACTS")
    if given:
        return pathlib.Path(given)
    build = pathlib.Path(os.environ.get("ISTHMUS_BUILD", ROOT / "build" / "dev"))
    return build / "connectors" / "evm" / "contracts"


def anvil_program():
    return os.environ.get("ISTHMUS_ANVIL", str(ROOT / "build" / "deps" / "bin" / "anvil"))


# ---- ABI ----

def type_name(entry):
    """The canonical type of an ABI entry: tuples written out."""
    if entry["type"].startswith("tuple"):
        return "(" + ",".join(type_name(c) for c in entry["components"]) + ")" + entry["type"][5:]
    return entry["type"]


def _split(entry):
    """(element entry, length or None) of an array type; None for others."""
    kind = entry["type"]
    if not kind.endswith("]"):
        return None
    head, _, size = kind[:-1].rpartition("[")
    return {**entry, "type": head}, int(size) if size else None


def _dynamic(entry):
    array = _split(entry)
    if array:
        return array[1] is None or _dynamic(array[0])
    return entry["type"] in ("bytes", "string") or (
        entry["type"] == "tuple" and any(_dynamic(c) for c in entry["components"]))


def _word(value):
    return int(value).to_bytes(32, "big")


def encode(entries, values):
    """The ABI encoding of values as a tuple of these entries."""
    assert len(entries) == len(values), (entries, values)
    parts = [_encode_one(e, v) for e, v in zip(entries, values)]
    offset = sum(32 if _dynamic(e) else len(part) for e, part in zip(entries, parts))
    head, tail = b"", b""
    for entry, part in zip(entries, parts):
        if _dynamic(entry):
            head += _word(offset + len(tail))
            tail += part
        else:
            head += part
    return head + tail


def _encode_one(entry, value):
    array = _split(entry)
    if array:
        body = encode([array[0]] * len(value), list(value))
        return body if array[1] is not None else _word(len(value)) + body
    kind = entry["type"]
    if kind == "tuple":
        return encode(entry["components"], list(value))
    if kind in ("bytes", "string"):
        data = value.encode() if isinstance(value, str) else bytes(value)
        return _word(len(data)) + data + bytes(-len(data) % 32)
    if kind == "address":
        return bytes(12) + bytes(value)
    if kind.startswith("bytes"):
        assert len(value) == int(kind[5:]), (kind, value)
        return bytes(value).ljust(32, b"\0")
    return _word(value)


def decode(entries, data, base=0):
    values, at = [], base
    for entry in entries:
        if _dynamic(entry):
            value, _ = _decode_one(entry, data, base + int.from_bytes(data[at:at + 32], "big"))
            at += 32
        else:
            value, at = _decode_one(entry, data, at)
        values.append(value)
    return values


def _decode_one(entry, data, at):
    array = _split(entry)
    if array:
        count = array[1]
        if count is None:
            count, at = int.from_bytes(data[at:at + 32], "big"), at + 32
        return decode([array[0]] * count, data, at), at + 32 * count
    kind = entry["type"]
    if kind == "tuple":
        return decode(entry["components"], data, at), at + 32 * len(entry["components"])
    if kind in ("bytes", "string"):
        size = int.from_bytes(data[at:at + 32], "big")
        value = data[at + 32:at + 32 + size]
        return value if kind == "bytes" else value.decode(), at
    word = data[at:at + 32]
    if kind == "address":
        return word[12:], at + 32
    if kind.startswith("bytes"):
        return word[:int(kind[5:])], at + 32
    return int.from_bytes(word, "big") if kind != "bool" else word[-1] == 1, at + 32


# ---- anvil ----

def listening_port(pid):
    """The port that this process listens on; None: none yet, or it has ended."""
    own, folder = set(), pathlib.Path(f"/proc/{pid}")
    try:
        sockets = [line.split() for line in (folder / "net/tcp").read_text().splitlines()[1:]]
        descriptors = list((folder / "fd").iterdir())
    except OSError:
        return None
    for descriptor in descriptors:
        try:
            own.add(os.readlink(descriptor))
        except OSError:
            continue  # closed meanwhile
    return next((int(fields[1].split(":")[1], 16) for fields in sockets
                 if fields[3] == "0A" and f"socket:[{fields[9]}]" in own), None)


class RpcError(Exception):
    def __init__(self, error):
        super().__init__(error.get("message"))
        self.data = error.get("data")


class Anvil:
    """One anvil of its own on a free port. It mines when transact() says so, a transaction a block; accounts are unlocked."""

    def __init__(self, chain_id=31337, hardfork="prague", extra=()):
        self.process = subprocess.Popen(
            [anvil_program(), "--port", "0", "--host", "127.0.0.1", "--chain-id", str(chain_id),
             "--hardfork", hardfork, "--gas-limit", "1000000000", "--quiet", "--no-mining",
             "--timestamp", "1800000000", *extra],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if not self._wait():
            raise RuntimeError(f"{anvil_program()} does not start: run tools/setup")
        self.accounts = [bytes.fromhex(a[2:]) for a in self.rpc("eth_accounts")]
        self.genesis = bytes.fromhex(self.rpc("eth_getBlockByNumber", "0x0", False)["hash"][2:])

    def _wait(self):
        """Until it listens: this very process, not another that came to the port before it."""
        end = time.monotonic() + STARTS
        while time.monotonic() < end and self.process.poll() is None:
            self.port = listening_port(self.process.pid)
            if self.port:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
                return True
            time.sleep(0.02)  # between looks; what ends the wait is the port
        self.process.kill()
        self.process.wait()
        return False

    def _post(self, body):
        self.connection.request("POST", "/", json.dumps(body), {"Content-Type": "application/json"})
        return json.loads(self.connection.getresponse().read())

    def rpc(self, method, *params):
        return self._result(self._post({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}))

    def batch(self, requests):
        """The results of many (method, params), in their order."""
        if not requests:
            return []
        answers = self._post([{"jsonrpc": "2.0", "id": i, "method": method, "params": params}
                              for i, (method, params) in enumerate(requests)])
        return [self._result(a) for a in sorted(answers, key=lambda a: a["id"])]

    @staticmethod
    def _result(answer):
        if "error" in answer:
            raise RpcError(answer["error"])
        return answer["result"]

    def close(self):
        self.connection.close()
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(timeout=STARTS)

    def now(self):
        return int(self.rpc("eth_getBlockByNumber", "latest", False)["timestamp"], 16)

    def next_time(self, seconds):
        """The time of the next block; only the next."""
        self.rpc("evm_setNextBlockTimestamp", seconds)


class Refused(Exception):
    """A transaction or call that reverted: `name` of the custom error, its arguments, the whole data."""

    def __init__(self, name, args, data):
        super().__init__(f"{name}{tuple(args)}" if name else f"reverted with {data.hex() or 'nothing'}")
        self.name, self.arguments, self.data = name, args, data


_errors = {}  # selector -> ABI entry, over all contracts seen: errors bubble up from inner calls


class Contract:
    """A deployed contract: c.call("name", …) reads; c.send("name", …) is a transaction and gives its Receipt."""

    def __init__(self, chain, name, *arguments, sender=None):
        self.chain = chain
        self.artifact = json.loads((folder_of_contracts() / f"{name}.json").read_text())
        self.functions, self.events = {}, {}
        constructor = []
        for entry in self.artifact["abi"]:
            if entry["type"] == "constructor":
                constructor = entry["inputs"]
                continue
            if entry["type"] not in ("function", "event", "error"):
                continue
            signature = entry["name"] + "(" + ",".join(type_name(i) for i in entry["inputs"]) + ")"
            digest = keccak(signature.encode())
            if entry["type"] == "function":
                self.functions[entry["name"]] = (digest[:4], entry)
            elif entry["type"] == "event":
                self.events[digest] = entry
            else:
                _errors[digest[:4]] = entry
        data = bytes.fromhex(self.artifact["bytecode"][2:]) + encode(constructor, arguments)
        receipt = transact(chain, None, data, sender)
        self.address = bytes.fromhex(receipt.raw["contractAddress"][2:])

    def data(self, name, *arguments):
        selector, entry = self.functions[name]
        return selector + encode(entry["inputs"], arguments)

    def _request(self, name, arguments):
        return {"to": "0x" + self.address.hex(), "data": "0x" + self.data(name, *arguments).hex()}

    def _answer(self, name, result):
        values = decode(self.functions[name][1]["outputs"], bytes.fromhex(result[2:]))
        return values[0] if len(values) == 1 else values

    def call(self, name, *arguments):
        try:
            return self._answer(name, self.chain.rpc("eth_call", self._request(name, arguments), "latest"))
        except RpcError as error:
            raise refusal(bytes.fromhex((error.data or "0x")[2:])) from None

    def calls(self, requests):
        """The answers of many (name, argument, …) in one request."""
        results = self.chain.batch([("eth_call", (self._request(name, arguments), "latest"))
                                    for name, *arguments in requests])
        return [self._answer(request[0], result) for request, result in zip(requests, results)]

    def send(self, name, *arguments, sender=None, gas=900_000_000):
        return transact(self.chain, self.address, self.data(name, *arguments), sender, gas, self)

    def read(self, log):
        """(event name, {argument: value}) of a log."""
        entry = self.events[bytes.fromhex(log["topics"][0][2:])]
        topics = [bytes.fromhex(t[2:]) for t in log["topics"][1:]]
        indexed = [i for i in entry["inputs"] if i["indexed"]]
        rest = [i for i in entry["inputs"] if not i["indexed"]]
        values = {i["name"]: decode([i], t)[0] for i, t in zip(indexed, topics)}
        values.update(zip((i["name"] for i in rest), decode(rest, bytes.fromhex(log["data"][2:]))))
        return entry["name"], values

    def storage(self, slot):
        """The value of a storage slot by its proof's key, as a light client would ask for it."""
        proof = self.chain.rpc("eth_getProof", "0x" + self.address.hex(), ["0x" + slot.hex()], "latest")
        return int(proof["storageProof"][0]["value"], 16).to_bytes(32, "big")


class Receipt:
    def __init__(self, raw, contract):
        self.raw = raw
        self.gas = int(raw["gasUsed"], 16)
        self.block = int(raw["blockNumber"], 16)
        own = "0x" + contract.address.hex() if contract else None
        self.events = [contract.read(log) for log in raw["logs"] if log["address"] == own] if contract else []

    def named(self, name):
        return [values for event, values in self.events if event == name]


def refusal(data):
    entry = _errors.get(data[:4])
    if entry is None:
        return Refused(None, [], data)
    return Refused(entry["name"], decode(entry["inputs"], data[4:]), data)


def transact(chain, to, data, sender=None, gas=900_000_000, contract=None):
    request = {"from": "0x" + (sender or chain.accounts[0]).hex(), "data": "0x" + data.hex(), "gas": hex(gas)}
    if to:
        request["to"] = "0x" + to.hex()
    digest = chain.rpc("eth_sendTransaction", request)
    chain.rpc("evm_mine")
    raw = chain.rpc("eth_getTransactionReceipt", digest)
    if raw["status"] != "0x1":
        trace = chain.rpc("debug_traceTransaction", digest, {"tracer": "callTracer"})
        raise refusal(bytes.fromhex(trace.get("output", "0x")[2:]))
    return Receipt(raw, contract)
