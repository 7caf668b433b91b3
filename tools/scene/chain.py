"""One anvil that mines by the clock, with the contracts of Isthmus on it, read and written over JSON-RPC; lanes between two of them."""

import copy
import gzip
import http.client
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "contracts"))
import model  # noqa: E402
from crypto import Key, keccak  # noqa: E402
from evm import STARTS, Anvil, Contract, RpcError, anvil_program, listening_port  # noqa: E402

MODE_ORDERED, MODE_RETRY = 1, 2
RECEIVER_GAS = 200_000
DONE = 1  # status of an outcome, docs/formats.md section 4
RECORD = 45  # bytes of an outcome record
PATIENCE = 60  # seconds for which a chain may be away, and a call goes on trying
BATCH = 100  # requests in one
AUDITED = 200  # blocks read at a time
EVENTS_PATIENCE = 5  # s, for the events of a block whose effects show already


def spawn(command, log, environment=None):
    """A process of the scene. It gets no Ctrl-C of ours, and dies when this process dies, however that dies. environment: what
    it has besides ours."""
    return subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *map(str, command)], stdin=subprocess.DEVNULL,
                            stdout=log, stderr=log, start_new_session=True, env={**os.environ, **(environment or {})})


def free_port():
    """A port that nobody listens on, below those that the kernel gives to connections: while a killed ledger is away, a
    connection could be given its port, and even be its own other end."""
    low = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = random.randrange(10000, max(low, 20000))
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


class Chain(Anvil):
    """A ledger on a free port. `side`: its name in the scene. host: the address where it listens, and we reach it; inside: what its
    command line begins with, to run where that address is."""

    def __init__(self, side, chain_id, block_time, folder, host="127.0.0.1", inside=()):
        self.host, self.inside = host, inside
        self.side, self.chain_id, self.caip2 = side, chain_id, f"eip155:{chain_id}"
        self.block_time, self.folder, self.closed = block_time, pathlib.Path(folder), False
        for _ in range(5):  # another process may take the free port before anvil does
            self.port = free_port()
            if self._spawn():
                break
        else:
            raise RuntimeError(f"{anvil_program()} does not start: run tools/setup; {folder}/anvil-{side}.log")
        self.accounts = [bytes.fromhex(a[2:]) for a in self.rpc("eth_accounts")]
        first = self.rpc("eth_getBlockByNumber", "0x0", False)
        self.genesis, self.born = bytes.fromhex(first["hash"][2:]), first["timestamp"]
        self.identity = model.chain_id(chain_id, self.genesis)
        self.history = History(self)

    def _spawn(self, *extra):
        self.local = threading.local()
        with open(self.folder / f"anvil-{self.side}.log", "ab") as log:
            self.process = spawn(
                [*self.inside, anvil_program(), "--port", self.port, "--host", self.host, "--chain-id", self.chain_id, "--hardfork",
                 "prague", "--gas-limit", 1000000000, "--block-time", self.block_time, "--slots-in-an-epoch", 1, "--quiet",
                 "--cache-path", self.folder / f"anvil-{self.side}", *extra], log)
        return self._wait()

    @property
    def connection(self):
        """One a thread, so that nobody waits for another's answer."""
        if not hasattr(self.local, "connection"):
            self.local.connection = http.client.HTTPConnection(self.host, self.port, timeout=60)
        return self.local.connection

    @connection.setter
    def connection(self, value):
        self.local.connection = value

    def _wait(self):
        """Until it answers: this very process, not another that came to the port before it. It may have a long history to load."""
        end = time.monotonic() + STARTS
        while time.monotonic() < end and self.process.poll() is None:
            if listening_port(self.process.pid) == self.port:
                return True
            time.sleep(0.02)  # between looks; what ends the wait is the port
        self.process.kill()
        self.process.wait()
        return False

    def _post(self, body):
        """Goes on trying while the chain is away: it is killed at times. So whatever is sent must bear being sent twice."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                return super()._post(body)
            except (OSError, ValueError, http.client.HTTPException):
                self.connection.close()
                if self.closed or time.monotonic() > end:
                    raise
                time.sleep(0.05)  # between tries to connect

    def close(self):
        self.closed = True
        super().close()

    @property
    def url(self):
        return f"http://{self.host}:{self.port}"

    def kill(self, history):
        """kill -9. What it mined is kept, as on a disk; the pool of transactions is lost. history: whether the state at
        earlier blocks survives, too (otherwise connectors must fall back from storage proofs to receipts)."""
        self.rpc("evm_setIntervalMining", 0)  # or blocks would be mined after the copy, and lose their finality with it
        while True:  # not while a block is made: its effects would be in the copy, and its events not
            state = json.loads(gzip.decompress(bytes.fromhex(self.rpc("anvil_dumpState", history)[2:])))
            if self._rests_at(int(str(state["best_block_number"]), 0)):
                break
        # An anvil makes a new block 0 at each start, and keeps it beside the one that it loads.
        state["blocks"] = [b for b in state["blocks"] if int(b["header"]["number"], 16) or b["header"]["timestamp"] == self.born]
        (self.folder / f"anvil-{self.side}.state").write_text(json.dumps(state))
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(timeout=STARTS)

    def _rests_at(self, height):
        """The newest block is this one, and the state is the one that its header names."""
        block = self.rpc("eth_getBlockByNumber", "latest", False)
        proof = self.rpc("eth_getProof", "0x" + self.outbox.address.hex(), [], "latest")["accountProof"]
        return int(block["number"], 16) == height and keccak(bytes.fromhex(proof[0][2:])).hex() == block["stateRoot"][2:]

    def restart(self):
        if not self._spawn("--load-state", self.folder / f"anvil-{self.side}.state"):
            raise RuntimeError(f"the anvil of {self.side} does not start again: {self.folder}/anvil-{self.side}.log")
        if self.rpc("eth_getBlockByNumber", "0x0", False)["hash"] != "0x" + self.genesis.hex():
            raise RuntimeError(f"the anvil of {self.side} came back as another chain")

    def reorganise(self, depth=None, first=None):
        """The last `depth` blocks, or those from `first` on and at most two more, were never there; as many empty ones take their
        place. What they held is lost, as in a pool that keeps nothing."""
        height = self.height()
        while (newest := self.height()) == height:  # right after a block: an anvil that makes one meanwhile was seen to make no other ever after
            time.sleep(0.01)  # between looks
        self.rpc("anvil_reorg", depth or newest - first + 3, [])  # a slow machine may have made two since

    def deploy(self, network_name, members, quorum):
        """Registry of `members` [(operator, side, address)], outbox, inbox, recorder."""
        self.network = network = model.network_id(network_name)
        self.registry = Contract(self, "Registry", network, self.genesis, quorum, sorted(members), bytes(20), 0)
        self.outbox = Contract(self, "Outbox", network, self.genesis, self.registry.address)
        self.inbox = Contract(self, "Inbox", network, self.genesis, self.registry.address, self.outbox.address, RECEIVER_GAS)
        self.contracts, self.receivers = {c.address: c for c in (self.outbox, self.inbox, self.registry)}, {}

    def receiver(self, name):
        """The one receiver of this name: Recorder, or a contract that is one and does more."""
        if name not in self.receivers:
            self.receivers[name] = Contract(self, name, self.inbox.address)
            self.contracts[self.receivers[name].address] = self.receivers[name]
        return self.receivers[name]

    def gas_account(self, name, folder):
        """A funded account of its own for a connector: writes its secret to a file, returns the path."""
        key = Key(f"gas {name}")
        path = pathlib.Path(folder) / "gas.key"
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(f"{key.secret:064x}\n")
            self.rpc("anvil_setBalance", "0x" + key.address.hex(), hex(10**21))
        return path

    def drain(self, name, left):
        """All that a gas account has, but for `left` wei, goes away by a transaction: a balance that is merely set belies proofs of its
        block."""
        account = "0x" + Key(f"gas {name}").address.hex()
        price = int(self.rpc("eth_getBlockByNumber", "latest", False)["baseFeePerGas"], 16) * 5 // 4  # it may grow by an eighth
        self.rpc("anvil_impersonateAccount", account)
        value = self.gas(name) - left - 21000 * price
        self.rpc("eth_sendTransaction", {"from": account, "to": "0x" + bytes(19).hex() + "ff", "value": hex(value), "gas": hex(21000),
                                         "gasPrice": hex(price)})

    def gas(self, name):
        """What a gas account has, in wei."""
        return int(self.rpc("eth_getBalance", "0x" + Key(f"gas {name}").address.hex(), "latest"), 16)

    def fund(self, name, amount):
        """A gas account gets so many wei."""
        self.rpc("eth_sendTransaction", {"from": "0x" + self.accounts[0].hex(), "to": "0x" + Key(f"gas {name}").address.hex(),
                                         "value": hex(amount), "gas": hex(21000)})

    def height(self):
        return int(self.rpc("eth_blockNumber"), 16)

    def hash_of(self, height):
        """None: it has no such block."""
        return (self.rpc("eth_getBlockByNumber", hex(height), False) or {}).get("hash")

    def transactions(self, contract, name, first):
        """How many calls of a contract's function the blocks from `first` on hold, whatever came of them."""
        to, selector = "0x" + contract.address.hex(), "0x" + contract.functions[name][0].hex()
        blocks = self.batch([("eth_getBlockByNumber", (hex(number), True)) for number in range(first, self.height() + 1)])
        return sum(t["to"] == to and t["input"].startswith(selector) for block in blocks for t in block["transactions"])

    def events(self, first, last):
        """(event, values) of the contracts in blocks first..last, in the chain's order; values["block"]: its number."""
        logs = self.rpc("eth_getLogs", {"fromBlock": hex(first), "toBlock": hex(last),
                                        "address": ["0x" + address.hex() for address in self.contracts]})
        found = [(log, *self.contracts[bytes.fromhex(log["address"][2:])].read(log)) for log in logs]
        return [(event, {**values, "block": int(log["blockNumber"], 16)}) for log, event, values in found]

    # ---- what a Lane asks of its two chains

    def open(self, lane):
        """Opens it for its sender; its id."""
        opened = self.outbox.send("open", lane.destination.identity, model.account(lane.destination.inbox.address),
                                  model.account(lane.receiver.address), lane.mode, 1, lane.life, sender=lane.sender)
        return opened.named("Opened")[0]["lane"]

    def nonce(self, account, block="latest"):
        """Transactions of an account so far; "pending": with those in the pool that no missing one holds up."""
        return int(self.rpc("eth_getTransactionCount", "0x" + account.hex(), block), 16)

    def give(self, lane, numbers):
        """Gives messages of the lane, a transaction each, until the chain or its pool has them all."""
        end = time.monotonic() + PATIENCE
        while numbers:
            problem = self._offer(lane, numbers)
            if self.nonce(lane.sender, "pending") >= lane.nonce + numbers[-1]:
                return
            if time.monotonic() > end:
                raise problem or RuntimeError(f"{self.side} does not take the messages of {lane.name} up to {numbers[-1]}")
            # What came while the one before it was mined, anvil may keep for ever as too early: all of this account begin anew.
            self.rpc("anvil_removePoolTransactions", "0x" + lane.sender.hex())
            numbers = range(self.nonce(lane.sender) - lane.nonce + 1, numbers[-1] + 1)

    def _offer(self, lane, numbers):
        """One try. The first error, if any: of those that were offered before and not heard of, or not taken."""
        now, requests, problem = self.now(), [], None
        for number in numbers:
            deadline = now + lane.lives.get(number, lane.life // 2)
            if number in lane.hidden:
                data = self.outbox.data("sendCommitment", lane.id, 2, 0, 0, deadline, [lane.hidden[number]])
            else:
                data = self.outbox.data("send", lane.id, 0, 0, 0, deadline, lane.salt(number), lane.payload(number), [])
            requests.append(("eth_sendTransaction", ({
                "from": "0x" + lane.sender.hex(), "to": "0x" + self.outbox.address.hex(),
                "nonce": hex(lane.nonce + number - 1), "gas": hex(200_000 + 1000 * lane.sizes[number - 1]),
                "data": "0x" + data.hex()},)))
        for start in range(0, len(requests), BATCH):
            try:
                self.batch(requests[start:start + BATCH])
            except RpcError as error:
                problem = problem or error
        return problem

    def sent(self, lane):
        """(messages sent, outcomes taken back)"""
        sent, _, taken, _ = self.outbox.call("state", lane.id)
        return sent, taken

    def received(self, lane):
        """How many messages its receiver has, each counted once."""
        received, duplicates, _, _ = lane.receiver.call("counts", lane.id)
        return received - duplicates

    @staticmethod
    def shown(lane, number):
        """What the receiver here says that it got, of an open payload."""
        return keccak(lane.payload(number))


class History:
    """All events of a chain. Each is read once, unless a reorganisation took it away."""

    def __init__(self, chain):
        self.chain, self.parts = chain, []  # (last block, its hash, events)

    def events(self):
        while self.parts and self.chain.hash_of(self.parts[-1][0]) != self.parts[-1][1]:
            self.parts.pop()
        first, newest = self.parts[-1][0] + 1 if self.parts else 0, self.chain.height()
        for start in range(first, newest + 1, AUDITED):
            last = min(newest, start + AUDITED - 1)
            self.parts.append((last, self.chain.hash_of(last), self.chain.events(start, last)))
        return (event for _, _, events in self.parts for event in events)


class Lane:
    """Messages from an account of one chain to a receiver of another. receiver: its contract's name."""

    def __init__(self, name, source, destination, mode, sender, life=86400, receiver="Recorder"):
        self.name, self.source, self.destination, self.mode, self.life = name, source, destination, mode, life
        self.sender, self.receiver = source.accounts[sender], destination.receiver(receiver)
        self.generation, self.state = 1, "open"
        self.id = source.open(self)
        self.nonce = source.nonce(self.sender)  # of message 1: the account sends nothing else
        self.sizes = []  # bytes of the payloads given to the source so far
        self.hidden = {}  # number -> commitment, of messages whose payload the source never sees
        self.lives = {}  # number -> seconds, of messages that live less long than others
        self.digests = {}  # by number, as far as they were asked for

    def forget(self, count):
        """The source forgot all messages behind this one: the next ones take their numbers."""
        del self.sizes[count:]
        self.digests.clear()

    def next_generation(self):
        """This lane after its end: its closing record opened it at the source."""
        after = copy.copy(self)
        after.name, after.generation, after.state = f"{self.name}-{self.generation + 1}", self.generation + 1, "open"
        after.id = model.lane_id(*self.identity()[:7], self.mode, after.generation)
        after.nonce, after.sizes, after.hidden, after.lives, after.digests = self.source.nonce(self.sender), [], {}, {}, {}
        return after

    def identity(self):
        """What the lane's id is made of, as model.lane_id takes it."""
        account, source, destination = model.account, self.source, self.destination
        return (source.network, source.identity, account(source.outbox.address), account(self.sender),
                destination.identity, account(destination.inbox.address), account(self.receiver.address), self.mode, self.generation)

    def key(self):
        """The lane as calls of the inbox name it."""
        account = model.account
        return (self.source.identity, account(self.source.outbox.address), account(self.sender), self.receiver.address,
                self.mode, self.generation)

    @property
    def ordered(self):
        return bool(self.mode & MODE_ORDERED)

    @property
    def submitted(self):
        return len(self.sizes)

    def payload(self, number):
        return f"{self.name} {number} ".encode().ljust(self.sizes[number - 1], b".")

    @staticmethod
    def salt(number):
        return number.to_bytes(32, "big")

    def digest(self, number):
        """What its receiver says that it got."""
        if number not in self.digests:
            self.digests[number] = self.hidden.get(number) or self.destination.shown(self, number)
        return self.digests[number]

    def send(self, count, payload=100, life=None):
        """Gives `count` transactions, one message each, to the source chain; they are mined with its next blocks. life: seconds."""
        numbers = range(self.submitted + 1, self.submitted + 1 + count)
        self.sizes += [payload] * count
        self.lives.update((number, life) for number in numbers if life)
        self.source.give(self, numbers)

    def send_commitment(self, payload, life):
        """One message whose payload stays with us."""
        number = self.submitted + 1
        self.sizes.append(0)
        self.lives[number], self.hidden[number] = life, model.commitment(self.salt(number), payload)
        self.source.give(self, [number])

    def again(self):
        """Gives once more what the source chain does not have: its pool dies with it. A nonce admits one of them only."""
        self.source.give(self, range(self.source.nonce(self.sender) - self.nonce + 1, self.submitted + 1))

    def counts(self):
        """What the two chains say, quickly: messages sent, received by the receiver, outcomes taken back."""
        sent, taken = self.source.sent(self)
        return {"sent": sent, "delivered": self.destination.received(self), "settled": taken}

    def message(self, number):
        """(record, digest) of a message that was sent."""
        record = next(e["record"] for event, e in self.source.history.events()
                      if event == "Message" and e["lane"] == self.id and e["sequence"] == number)
        return record, model.digest_of(self.id, number, record)

    def outcome(self, number):
        """(status, reason) that its sender sees at the source; status 0: none yet."""
        return tuple(self.source.outbox.call("outcome", self.id, number, self.message(number)[1]))


def audit(lanes):
    """What both chains hold, event by event (`read_audit`). anvil shows the state after a block a moment before the block with
    its events: what the contracts count already is waited for, but not for ever."""
    counted, end = {lane.name: lane.counts() for lane in lanes}, time.monotonic() + EVENTS_PATIENCE
    while True:
        result = read_audit(lanes)
        short = any(result[name]["sent"] < counts["sent"] or result[name]["settled"] + result[name]["refunded"] < counts["settled"]
                    for name, counts in counted.items())
        if not short or time.monotonic() > end:
            return result
        time.sleep(0.1)  # between looks


def read_audit(lanes):
    """What both chains hold, event by event; it believes nothing else. By lane: sent; delivered (the receiver had exactly
    this payload, and the inbox calls it done); settled (the outbox took that very outcome); refunded (the receiver never had it,
    the inbox calls it something else, and the outbox took that very outcome); duplicates; lost; disorder (messages of an ordered
    lane that came after a later one)."""
    events = {}
    for chain in {c.side: c for lane in lanes for c in (lane.source, lane.destination)}.values():
        for event, values in chain.history.events():
            events.setdefault((chain.side, event, values.get("lane")), []).append(values)

    def of(chain, event, lane):
        return events.get((chain.side, event, lane.id), [])

    result = {}
    for lane in lanes:
        sent = [e["sequence"] for e in of(lane.source, "Message", lane)]
        received = [e["sequence"] for e in of(lane.destination, "Received", lane)]
        payloads = {e["sequence"]: e["payloadHash"] for e in of(lane.destination, "Received", lane)}
        outcomes = [(e["sequence"], e["digest"], e["status"]) for e in of(lane.destination, "Outcome", lane)]
        taken = []
        for e in of(lane.source, "Settled", lane):
            records = [e["records"][at:at + RECORD] for at in range(0, len(e["records"]), RECORD)]
            taken += [(int.from_bytes(r[:8], "big"), r[8:40], r[40]) for r in records]
        done = {o[0] for o in outcomes if o[2] == DONE}
        delivered = {n for n in done if payloads.get(n) == lane.digest(n)}
        settled = {o[0] for o in set(taken) & set(outcomes) if o[0] in delivered}
        refunded = {o[0] for o in set(taken) & set(outcomes) if o[2] != DONE and o[0] not in received}
        result[lane.name] = {
            "sent": len(set(sent)), "delivered": len(delivered & set(sent)), "settled": len(settled), "refunded": len(refunded),
            "duplicates": sum(len(list_) - len(set(list_)) for list_ in
                              (sent, received, [o[0] for o in outcomes], [t[0] for t in taken])),
            "lost": len(set(sent) - delivered - refunded),
            "disorder": sum(b < a for a, b in zip(received, received[1:])) if lane.ordered else 0}
    return result


class Watch(threading.Thread):
    """Sees each block of the chains soon after it is mined, and notes when: latencies of messages as an observer of both
    chains has them, from the block that holds the message to the block that holds its delivery."""

    def __init__(self, chains, every=0.05):
        super().__init__(name="watch", daemon=True)
        self.chains, self.every, self.done = chains, every, threading.Event()
        self.sent, self.delivered = {}, {}  # (lane id, sequence) -> seconds
        self.next_block = {chain: chain.height() + 1 for chain in chains}

    def run(self):
        while not self.done.wait(self.every):
            for chain in self.chains:
                try:
                    self._look(chain)
                except (OSError, ValueError, RpcError, http.client.HTTPException):
                    pass  # away for long, or stopped: the next look finds what this one missed

    def _look(self, chain):
        newest, now = chain.height(), time.monotonic()
        if newest < self.next_block[chain]:
            return
        for event, values in chain.events(self.next_block[chain], newest):
            if event in ("Message", "Received"):
                times = self.sent if event == "Message" else self.delivered
                times.setdefault((values["lane"], values["sequence"]), now)
        self.next_block[chain] = newest + 1

    def latencies(self, lane=None):
        """Milliseconds from sent to delivered, sorted; of one lane, or of all."""
        return sorted(1000 * (self.delivered[key] - at) for key, at in list(self.sent.items())
                      if key in self.delivered and (lane is None or key[0] == lane.id))

    def stop(self):
        self.done.set()
        self.join(10)


def percentile(values, percent):
    """The smallest value that `percent` of all do not exceed; 0 of nothing."""
    if not values:
        return 0
    return values[min(len(values) - 1, max(0, -(-len(values) * percent // 100) - 1))]
