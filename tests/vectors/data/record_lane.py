#!/usr/bin/env python3
"""tests/vectors/data/record_lane.py: records what the CometBFT connector says of one lane of a real ledger of four validators, one of whom is
replaced on the way, into cometbft_lane/, and of a ledger whose state is a multistore into cometbft_lane_store/: the operator's header, records and
evidence, for tests/unit/core/test_core_light.c. It needs Go and a build (ISTHMUS_BUILD). Run again to record anew; Tree or Multistore as an argument
records the one."""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "integration" / "connector_cometbft"))
from world import STORE, Case, StoreWatch, Watch, main  # first: it says where the others are

import model  # noqa: E402
from cometbft import OUTBOX  # noqa: E402
from model import MESSAGE, h, log_id, u  # noqa: E402
from relay import ASK_HEADER, EVIDENCE, HEADER, RECORDS, message_records  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
FIRST = 2
CAIP2, GENESIS = b"eip155:31337", b"\x22" * 32  # as in tests/unit/core/light_rig.c
INBOX, RECEIVER = bytes(12) + b"\x34" * 20, bytes(12) + b"\x71" * 20


class Recording:
    def test_record(self):
        sender, ledger = self.key(), self.ledger
        target, from_ = h(b"chain", u(8, len(CAIP2)), CAIP2, GENESIS), bytes(12) + sender.address
        lane = ledger.open(sender, target, INBOX, RECEIVER, 1)
        message = [lane, ledger.network, ledger.chain, OUTBOX, from_, target, INBOX, RECEIVER, 1, 1, 1]
        connector = self.started()
        connector.say(ASK_HEADER, FIRST)
        first = connector.wait_for(HEADER, lambda m: m[1] == FIRST, since=0)
        watch = self.WATCH(connector, 0, MESSAGE, message, log_id(lane, MESSAGE))
        ledger.send(sender, lane, b"one", b"two")
        watch.until(2, message_records)
        ledger.nodes[4].start()
        for node, power in ((4, 10), (0, 0)):
            ledger.set_validator(self.admin, ledger.nodes[node].key, power)
        ledger.wait_height(ledger.height() + 5)
        ledger.send(sender, lane, b"three")
        watch.until(3, message_records)
        said = [raw for parsed, raw in zip(connector.said, connector.raw) if parsed[0] in (RECORDS, EVIDENCE)]
        told = next(raw for parsed, raw in zip(connector.said, connector.raw) if parsed is first)
        newest = max(m[1] for m in connector.of(HEADER))
        time = next(m[3] for m in connector.of(HEADER) if m[1] == newest)
        folder = HERE / self.FOLDER
        folder.mkdir(exist_ok=True)
        (folder / "messages").write_bytes(b"".join(u(32, len(raw)) + raw for raw in [told, *said]))
        (folder / "lane").write_text(f"{ledger.genesis.hex()} {OUTBOX.hex()} {from_.hex()} {lane.hex()} {FIRST} {first[2].hex()} {time} "
                                   f"{watch.running.hex()}\n")


class Tree(Recording, Case):
    OPTIONS, WATCH, FOLDER = {"spares": 1}, Watch, "cometbft_lane"


class Multistore(Recording, Case):
    OPTIONS, WATCH, FOLDER = {"spares": 1, "store": STORE}, StoreWatch, "cometbft_lane_store"


if __name__ == "__main__":
    main()
