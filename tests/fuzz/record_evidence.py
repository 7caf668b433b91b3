#!/usr/bin/env python3
"""tests/fuzz/record_evidence.py FOLDER: writes seeds of evidence_fuzz.c, taken from the EVM connector on a real anvil.

ISTHMUS_BUILD names the build folder, as for the tests. Both kinds of evidence, one and two logs, one and many messages.
"""
import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "integration" / "connector_evm"))

from relay import EVIDENCE, Watch, lane_message, message_records  # noqa: E402
from case import Case  # noqa: E402
from model import MESSAGE, OUTCOME, log_id  # noqa: E402


class Recording(Case):
    folder = None

    def seed(self, name, connector, message, raw):
        watches = [connector.watches[mark[0]] for mark in message[5]]
        home = watches[0].lane[6] if watches[0].kind == OUTCOME else watches[0].lane[3]
        places = b"".join(watch.lane[0] + bytes([watch.kind - 1]) for watch in watches)
        (self.folder / name).write_bytes(home[12:] + bytes([len(watches)]) + places + raw)

    def record(self, name, counts, **options):
        play = self.play()
        lanes = [play.opened(destination=b"d" * 31 + bytes([i]))[0] for i in range(len(counts))]
        connector = self.started(play, **options)
        watches = [Watch(connector, i + 1, MESSAGE, lane_message(play, lane), log_id(lane, MESSAGE))
                   for i, lane in enumerate(lanes)]
        for lane, count in zip(lanes, counts):
            self.sent(play, lane, count)
        self.mine(play, 3)
        for watch, count in zip(watches, counts):
            watch.until(count, message_records)
        for i, message in enumerate(connector.said):
            if message[0] == EVIDENCE:
                self.seed(f"{name}-{i}", connector, message, connector.raw[i])
        self.doCleanups()

    def runTest(self):
        for kind in ("slot", "receipts"):
            self.record(f"{kind}-one", [1], evidence=kind)
            self.record(f"{kind}-two-logs", [2, 5], evidence=kind)


if __name__ == "__main__":
    Recording.folder = pathlib.Path(sys.argv[1])
    Recording.folder.mkdir(parents=True, exist_ok=True)
    result = unittest.TextTestRunner().run(Recording())
    sys.exit(not result.wasSuccessful())
