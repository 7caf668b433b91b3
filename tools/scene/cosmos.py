"""A CometBFT network as one of a scene's two chains: what scene.py, Lane, Watch and audit ask of an anvil, asked of a Ledger."""

import base64
import http.client
import pathlib
import shutil
import time

from chain import BATCH, PATIENCE, History
import cometbft
from cometbft import INBOX, OUTBOX, RECORD, REGISTRY, SEND, Ledger
import model
from crypto import Key
from model import u
from scene import LANES, Scene

CALLS = 10  # in a request: what a node takes by default
ACCOUNTS = 10
NAMES = {"isthmus_message": "Message", "isthmus_received": "Received", "isthmus_outcome": "Outcome", "isthmus_settled": "Settled"}
NUMBERS, BYTES = ("sequence", "status"), ("lane", "record", "digest", "records")


class Place:
    """A module of the ledger, as a Contract is one: it has an address."""

    def __init__(self, account):
        self.address = account[12:]


class LedgerChain:
    """The side of a scene that is a network of validators. It begins with deploy(): its members stand in its genesis."""

    def __init__(self, side, build, folder, validators=4, spares=0, block_ms=200, store=None):
        self.side, self.build, self.folder = side, build, pathlib.Path(folder)
        self.validators, self.spares, self.block_time, self.store = validators, spares, block_ms / 1000, store
        self.caip2, self.admin = f"cosmos:isthmus-{side}-1", Key(f"{side} admin")
        self.keys = [Key(f"{side} account {i}") for i in range(ACCOUNTS)]
        self.accounts = [key.address for key in self.keys]
        self.outbox, self.inbox, self.registry = Place(OUTBOX), Place(INBOX), Place(REGISTRY)
        self.ledger, self.receivers, self.closed, self.history = None, {}, False, History(self)

    def deploy(self, network_name, members, quorum):
        self.network = model.network_id(network_name)
        self.ledger = Ledger(self.build, self.folder, sorted(members), quorum, self.admin, self.validators, self.spares,
                             self.caip2.split(":")[1], network_name, round(1000 * self.block_time), self.store)
        self.ledger.start()
        self.genesis, self.identity = self.ledger.genesis, self.ledger.chain

    def close(self):
        self.closed = True
        if self.ledger:
            self.ledger.stop()

    def gas_account(self, name, folder):
        """An account for a connector: its secret in a file. This ledger has no fees."""
        path = pathlib.Path(folder) / "gas.key"
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(f"{Key(f'gas {name}').secret:064x}\n")
        return path

    def receiver(self, name):
        """An account of this name that keeps what it gets."""
        if name not in self.receivers:
            key = Key(f"{self.side} receiver {name}")
            self.ledger.be_receiver(key, RECORD)
            self.receivers[name] = Place(bytes(12) + key.address)
        return self.receivers[name]

    # ---- what is read. While no node answers, or the one asked is killed just then, it is asked again

    def _ask(self, question):
        end = time.monotonic() + PATIENCE
        while True:
            try:
                return question(self.ledger.any())
            except (OSError, ValueError, StopIteration, http.client.HTTPException, cometbft.RpcError):
                if self.closed or time.monotonic() > end:
                    raise
                time.sleep(0.05)  # between tries

    def height(self):
        """The newest height whose results this node has: a moment before, it told the height alone."""
        def newest(node):
            height = int(node.call("status")["sync_info"]["latest_block_height"])
            node.call("block_results", height=str(height))
            return height
        return self._ask(newest)

    def hash_of(self, height):
        return self._ask(lambda node: node.call("commit", height=str(height)))["signed_header"]["commit"]["block_id"]["hash"]

    def events(self, first, last):
        """As Chain.events."""
        found = []
        for start in range(first or 1, last + 1, CALLS):
            heights = range(start, min(last, start + CALLS - 1) + 1)
            calls = [("block_results", {"height": str(height)}) for height in heights]
            for height, results in zip(heights, self._ask(lambda node: node.batch(calls))):
                found += [(event, {**values, "block": height}) for result in results["txs_results"] or ()
                          for event, values in self._read(result["events"])]
        return found

    @staticmethod
    def _read(events):
        for event in events:
            if event["type"] not in NAMES:
                continue
            values = {a["key"]: a["value"] for a in event["attributes"]}
            values.update({name: int(values[name]) for name in NUMBERS if name in values})
            values.update({name: bytes.fromhex(values[name]) for name in BYTES if name in values})
            if "commitment" in values:
                values["payloadHash"] = bytes.fromhex(values["commitment"])
            yield NAMES[event["type"]], values

    def _lane(self, side, lane):
        raw = self._ask(lambda node: node.query(f"/lane/{side}", lane.id))
        return int.from_bytes(raw[8:16], "big"), int.from_bytes(raw[48:56], "big")

    # ---- what a Lane asks of its two chains

    def open(self, lane):
        key = self.keys[self.accounts.index(lane.sender)]
        return self.ledger.open(key, lane.destination.identity, model.account(lane.destination.inbox.address),
                                model.account(lane.receiver.address), lane.mode, life=lane.life)

    def nonce(self, account):
        return int.from_bytes(self._ask(lambda node: node.query("/account", bytes(12) + account)), "big")

    def give(self, lane, numbers):
        key, now, calls = self.keys[self.accounts.index(lane.sender)], int(time.time()), []
        for number in numbers:
            deadline, payload = now + lane.lives.get(number, lane.life // 2), lane.payload(number)
            body = (lane.id + u(8, 0) + u(32, 0) + bytes(32) + u(64, deadline) + lane.salt(number) + u(32, len(payload)) + payload
                    + u(8, 0))
            tx = self.ledger.signed(key, SEND, lane.nonce + number - 1, body)
            calls.append(("broadcast_tx_sync", {"tx": base64.b64encode(tx).decode()}))
        for start in range(0, len(calls), CALLS):
            self._ask(lambda node: node.batch(calls[start:start + CALLS], strict=False))  # a second time: it is in the mempool already

    def sent(self, lane):
        return self._lane("outbox", lane)

    def received(self, lane):
        return self._lane("inbox", lane)[1]  # decided: an audit looks closer

    @staticmethod
    def shown(lane, number):
        return model.commitment(lane.salt(number), lane.payload(number))


class CosmosScene(Scene):
    """East is a CometBFT network, west an anvil; the rest is the quickstart's network. Each relay of the east reads two validators, of
    which the second is its witness: what is believed are the headers, by themselves."""
    CHAINS = "east: a CometBFT network of four validators, with the ledger inside; west: an anvil with the contracts"
    evidence = ("slot", "ics23")
    VALIDATORS, SPARES, TRUSTED = 4, 1, 2  # TRUSTED: height of the header that the operators begin with
    TRUSTING_PERIOD = 14 * 86400
    FAR = ("strait", "west-alpha")  # they have no node of the east, and verify its headers for themselves, as the mesh brings them

    def __init__(self, *arguments, block_ms=200, lanes=LANES, store=None, **more):
        """store: the east's state lies in the store of this name of a multistore, as on chains of the Cosmos SDK."""
        super().__init__(*arguments, lanes=lanes, **more)
        self.block_ms, self.store, self.store_said = block_ms, store, store
        self.program["cometbft"] = self.build / "connectors/isthmus-connector-cometbft"

    def make_chain(self, side, number):
        if side != "east":
            return super().make_chain(side, number)
        return LedgerChain(side, self.build, self.folder, self.VALIDATORS, self.SPARES, self.block_ms, self.store)

    @property
    def ledger(self):
        return self.chains["east"].ledger

    def connector(self, side):
        return self.program["cometbft" if side == "east" else "connector"]

    def chain_yaml(self, side):
        if side != "east":
            return super().chain_yaml(side)
        store = f", store: {self.store_said}" if self.store_said else ""
        return ["    family: cosmos", "    finality_depth: 0", "    sources: 1",
                f"    light_client: {{trusting_period: {self.TRUSTING_PERIOD}{store}}}"]

    def validator_of(self, relay, source):
        """The validator behind a relay's source: each relay begins with another one."""
        mine = [name for name in self.relays if self.side_of(name) == "east"]
        return (mine.index(relay) + self.sources.index(source)) % self.VALIDATORS

    def node_of(self, relay, source):
        if self.side_of(relay) != "east":
            return super().node_of(relay, source)
        url = self.ledger.nodes[self.validator_of(relay, source)].url
        return url, url.replace("http:", "ws:") + "/websocket"

    def trusted(self, relay):
        """(height, hash) of the header that a relay's operator trusts."""
        return self.TRUSTED, self.chains["east"].hash_of(self.TRUSTED).lower()

    def more_yaml(self, relay):
        if self.side_of(relay) != "east" and relay not in self.FAR:
            return []
        height, hash_ = self.trusted(relay)
        return ["trust:", f"  - {{chain: \"{self.chains['east'].caip2}\", height: {height}, hash: {hash_}}}"]


def run_with_go(kind, *arguments):
    """Makes a Stage of this kind and runs it: its exit code, or 77 where no ledger can be built."""
    stage = kind(*arguments)
    try:
        cometbft.program(stage.scene.build)
    except cometbft.NoGo as why:
        shutil.rmtree(stage.folder, ignore_errors=True)
        print(f"skipped, nothing was run: {why}")
        return cometbft.SKIPPED
    return stage.run()
