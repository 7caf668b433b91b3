"""What the tests of this folder share: one network of four validators a file, connectors on its nodes, lanes of their own."""

import pathlib
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent.parent
sys.path[:0] = [str(ROOT / "tests" / "integration" / "connector_evm"), str(ROOT / "tools" / "scene"), str(ROOT / "tests" / "contracts")]

import relay  # noqa: E402
from case import Gate  # noqa: E402, F401
from relay import BUILD, NOTICE, Connector  # noqa: E402

import cometbft  # noqa: E402
import model  # noqa: E402
from cometbft import INBOX, OUTBOX, Ledger, NoGo  # noqa: E402
from crypto import Key  # noqa: E402

PROGRAM = BUILD / "connectors" / "isthmus-connector-cometbft"
VERIFY = BUILD / "tests" / "integration" / "connector_cometbft" / "connector_cometbft_verify"
CHAIN_ID = "isthmus-test-1"
STORE = "isthmus"  # of the ledgers whose state is a multistore
SIGNERS = [Key("1"), Key("2"), Key("3")]


class Watch(relay.Watch):
    """The relay's harness, with this chain's headers and proofs. store: as the network document has it; "" where the state is one tree."""
    store = ""

    def check_header(self, message):
        version, header, commit, validators, _ = relay.unpack(message[4])[0]
        assert version == 1 and header and commit and validators, message

    def verifier(self, message):
        return [str(VERIFY), CHAIN_ID, self.store, self.headers[message[2]].hex()]


class StoreWatch(Watch):
    store = STORE


class Case(unittest.TestCase):
    OPTIONS = {}

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="isthmus-")
        cls.addClassCleanup(folder.cleanup)
        cls.admin = Key("admin")
        members = sorted((i + 1, i % 2, key.address) for i, key in enumerate(SIGNERS))
        cls.ledger = Ledger(BUILD, folder.name, members, 2, cls.admin, chain_id=CHAIN_ID, **cls.OPTIONS)
        cls.addClassCleanup(cls.ledger.stop)
        cls.ledger.start()
        cls.names, cls.receivers = 0, {}  # receivers: of the lanes, by id

    def setUp(self):
        for node in self.ledger.nodes[:self.ledger.validators]:  # those that another test killed
            node.start()

    @classmethod
    def key(cls):
        """An account that nobody has used."""
        cls.names += 1
        return Key(f"{cls.__name__} {cls.names}")

    def connector(self):
        connector = Connector(PROGRAM)
        self.addCleanup(connector.kill)
        return connector

    def options(self, node=0, **more):
        url = self.ledger.nodes[node].url
        more = {**({"store": self.OPTIONS["store"]} if "store" in self.OPTIONS else {}), **more}
        return {"http": url, "ws": url.replace("http", "ws") + "/websocket", "outbox": OUTBOX.hex(), "inbox": INBOX.hex(),
                "poll-ms": 50, **{k.replace("_", "-"): v for k, v in more.items()}}

    def configured(self, connector, caip2=None, genesis=None, **options):
        return connector.configured_as(caip2 or f"cosmos:{CHAIN_ID}", genesis or self.ledger.genesis, self.options(**options))

    def started(self, **options):
        connector = self.connector()
        answer = self.configured(connector, **options)
        self.assertEqual(answer[1], 1, answer[2])
        return connector

    def lane(self, mode=0, receives=None):
        """A lane from the ledger to itself: (its sender, its id, how the protocol writes it, the ledger's key of it)."""
        sender, receiver = self.key(), self.key()
        if receives is not None:
            self.ledger.be_receiver(receiver, receives)
        chain, to = self.ledger.chain, bytes(12) + receiver.address
        lane = self.ledger.open(sender, chain, INBOX, to, mode)
        self.receivers[lane] = receiver
        from_ = bytes(12) + sender.address
        message = [lane, self.ledger.network, chain, OUTBOX, from_, chain, INBOX, to, mode, 1, 1]
        return sender, lane, message, cometbft.lane_key(chain, OUTBOX, from_, to, mode)

    def head(self, lane, kind):
        """(number, running hash) of a message or outcome log."""
        side = "outbox" if kind == model.MESSAGE else "inbox"
        count, running, entries, q, _ = self.ledger.position(side, lane)
        return (count, running) if kind == model.MESSAGE else (entries, q)

    def paper(self, lane, kind, names=(0, 2)):
        """A certificate over the log's head as it is now."""
        number, running = self.head(lane, kind)
        leaf = model.head_leaf(model.log_id(lane, kind), number, running)
        return number, running, model.certificate(self.ledger.network, 1, leaf, [SIGNERS[i] for i in names])

    def deliver(self, lane, key, **how):
        number, running, paper = self.paper(lane, model.MESSAGE, **how)
        body = key + model.u(64, number) + running + cometbft.certificate(paper) + cometbft.items(self.ledger.records(lane))
        return self.ledger.bring(self.key(), (cometbft.DELIVER, body))

    def outcomes(self, lane):
        return [model.outcome_record(int(e["sequence"]), bytes.fromhex(e["digest"]), int(e["status"]), int(e["reason"]))
                for e in self.ledger.events("outcome", lane)]

    def settle(self, lane):
        number, running, paper = self.paper(lane, model.OUTCOME)
        records = b"".join(self.outcomes(lane))
        body = lane + model.u(64, number) + running + cometbft.certificate(paper) + model.u(32, len(records)) + records
        return self.ledger.bring(self.key(), (cometbft.SETTLE, body))

    def notices(self, connector):
        return [m[1] for m in connector.of(NOTICE)]


def main():
    """Without Go the whole file is skipped, loudly."""
    try:
        cometbft.program(BUILD)
    except NoGo as why:
        print(f"skipped: {why}")
        sys.exit(cometbft.SKIPPED)
    unittest.main()
