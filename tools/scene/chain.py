"""One anvil that mines by itself, with the contracts of Isthmus on it, read and written over JSON-RPC."""

import pathlib
import socket
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "contracts"))
import model  # noqa: E402
from crypto import Key  # noqa: E402
from evm import Anvil, Contract, anvil_program  # noqa: E402

MODE_ORDERED, MODE_RETRY = 1, 2
RECEIVER_GAS = 200_000


class Chain(Anvil):
    """A ledger on a free port. `side`: its name in the scene."""

    def __init__(self, side, chain_id, block_time, folder):
        self.side, self.chain_id, self.caip2 = side, chain_id, f"eip155:{chain_id}"
        self.log = open(f"{folder}/anvil-{side}.log", "wb")
        for _ in range(5):  # another process may take the free port before anvil does
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self.port = probe.getsockname()[1]
            self.process = subprocess.Popen(
                [anvil_program(), "--port", str(self.port), "--host", "127.0.0.1", "--chain-id", str(chain_id),
                 "--hardfork", "prague", "--gas-limit", "1000000000", "--block-time", str(block_time),
                 "--slots-in-an-epoch", "1", "--accounts", "10"],
                stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
            if self._wait():
                break
        else:
            raise RuntimeError(f"{anvil_program()} does not start: run tools/setup")
        self.accounts = [bytes.fromhex(a[2:]) for a in self.rpc("eth_accounts")]
        self.genesis = bytes.fromhex(self.rpc("eth_getBlockByNumber", "0x0", False)["hash"][2:])
        self.identity = model.chain_id(chain_id, self.genesis)
        self.lock = threading.Lock()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def _post(self, body):
        # one connection, shared by threads; a connection that anvil closed is opened again
        lock = getattr(self, "lock", None) or threading.Lock()
        with lock:
            try:
                return super()._post(body)
            except (OSError, ValueError):
                self.connection.close()
                return super()._post(body)

    def deploy(self, network_name, members, quorum):
        """Registry of `members` [(operator, side, address)], outbox, inbox, recorder."""
        network = model.network_id(network_name)
        self.registry = Contract(self, "Registry", network, self.genesis, quorum, sorted(members), bytes(20), 0)
        self.outbox = Contract(self, "Outbox", network, self.genesis, self.registry.address)
        self.inbox = Contract(self, "Inbox", network, self.genesis, self.registry.address, self.outbox.address, RECEIVER_GAS)
        self.recorder = Contract(self, "Recorder", self.inbox.address)

    def gas_account(self, name, folder):
        """A funded account of its own for a connector: writes its secret to a file, returns (path, address)."""
        key = Key(f"gas {name}")
        path = pathlib.Path(folder) / "gas.key"
        path.touch(mode=0o600)
        path.write_text(f"{key.secret:064x}\n")
        self.rpc("anvil_setBalance", "0x" + key.address.hex(), hex(10**21))
        return path, key.address

    def close(self):
        super().close()
        self.log.close()


class Lane:
    """Messages from an account of one chain to the recorder of another."""

    def __init__(self, name, source, destination, mode=MODE_ORDERED | MODE_RETRY, life=86400, sender=1):
        self.name, self.source, self.destination, self.mode, self.life = name, source, destination, mode, life
        self.sender = source.accounts[sender]
        account = model.account
        opened = source.outbox.send("open", destination.identity, account(destination.inbox.address),
                                    account(destination.recorder.address), mode, 1, life, sender=self.sender)
        self.id = opened.named("Opened")[0]["lane"]
        self.nonce = int(source.rpc("eth_getTransactionCount", "0x" + self.sender.hex(), "latest"), 16)
        self.submitted = 0

    def send(self, count, payload=100):
        """Gives `count` transactions, one message each, to the source chain; they are mined with its next blocks."""
        deadline = int(time.time()) + self.life // 2
        requests = []
        for i in range(count):
            number = self.submitted + i + 1
            text = f"{self.name} {number} ".encode().ljust(payload, b".")
            data = self.source.outbox.data("send", self.id, 0, 0, 0, deadline, number.to_bytes(32, "big"), text, [])
            requests.append(("eth_sendTransaction", ({
                "from": "0x" + self.sender.hex(), "to": "0x" + self.source.outbox.address.hex(),
                "nonce": hex(self.nonce + i), "gas": hex(400_000), "data": "0x" + data.hex()},)))
        self.source.batch(requests)
        self.nonce += count
        self.submitted += count

    def counts(self):
        """What the two chains say, and nobody else: sent, delivered, settled, duplicates, out of order."""
        state = self.source.outbox.call("state", self.id)
        recorded = self.destination.recorder.call("counts", self.id)
        return {"sent": state[0], "settled": state[3], "delivered": recorded[0] - recorded[1],
                "duplicates": recorded[1], "out_of_order": recorded[2]}


class Watch(threading.Thread):
    """Sees each block of the chains soon after it is mined, and notes when: latencies of messages as an observer of both
    chains measures them, from the block that holds the message to the block that holds its delivery."""

    def __init__(self, chains, lanes, every=0.05):
        super().__init__(name="watch", daemon=True)
        self.chains, self.every, self.done = chains, every, threading.Event()
        self.lanes = {lane.id: lane for lane in lanes}
        self.sent, self.delivered, self.settled = {}, {}, {}  # (lane id, sequence) -> seconds
        self.digests_done = {}  # lane id -> statuses of outcomes by number

    def run(self):
        next_block = {chain: int(chain.rpc("eth_blockNumber"), 16) + 1 for chain in self.chains}
        while not self.done.wait(self.every):
            for chain in self.chains:
                newest, now = int(chain.rpc("eth_blockNumber"), 16), time.monotonic()
                if newest >= next_block[chain]:
                    self.read(chain, next_block[chain], newest, now)
                    next_block[chain] = newest + 1

    def read(self, chain, first, last, now):
        for contract in (chain.outbox, chain.inbox, chain.recorder):
            logs = chain.rpc("eth_getLogs", {"fromBlock": hex(first), "toBlock": hex(last),
                                             "address": "0x" + contract.address.hex()})
            for log in logs:
                event, values = contract.read(log)
                key = (values.get("lane"), values.get("sequence"))
                if event == "Message":
                    self.sent[key] = now
                elif event == "Received":
                    self.delivered.setdefault(key, now)
                elif event == "Outcome":
                    statuses = self.digests_done.setdefault(values["lane"], {})
                    statuses[values["status"]] = statuses.get(values["status"], 0) + 1
                elif event == "Settled":
                    for sequence in range(values["from"], values["to"] + 1):
                        self.settled.setdefault((values["lane"], sequence), now)

    def latencies(self, until):
        """Milliseconds from sent to `until` (self.delivered or self.settled), sorted."""
        return sorted(1000 * (until[key] - at) for key, at in list(self.sent.items()) if key in until)

    def stop(self):
        self.done.set()
        self.join(10)


def percentile(values, percent):
    """The smallest value that `percent` of all do not exceed; 0 of nothing."""
    if not values:
        return 0
    return values[min(len(values) - 1, max(0, -(-len(values) * percent // 100) - 1))]
