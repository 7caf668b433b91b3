"""What a relay network does with what it missed: messages that are sent on a CometBFT chain while no relay runs.

    tools/bench backlog [--quick] [--messages N] [--down S] [--report FILE]

The scene of tools/scene/cometbft: a network of four validators, an anvil, three operators a side of whom two must sign, a relay in the
middle. A burst of messages is sent on the CometBFT side; in the middle of it every relay is killed with kill -9; they stay down until all is
sent and S seconds are over; then all start again from their stores. The clock runs from that start to the last delivery, and to the last
settlement. Beside them stand figures that were recorded of other relayers (docs/performance.md); those do not run here."""

import argparse
import pathlib
import sys
import time

import rounds

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "scene"))
from cosmos import CosmosScene, run_with_go  # noqa: E402
from stage import Stage  # noqa: E402

ANY_ORDER = 0
PAYLOAD = 200  # bytes, about what a transfer of ICS-20 has
RECORDED = {  # 2026-11-21: two Cosmos SDK chains with blocks of 0.3 s, burst of 1,000 transfers, kill -9 in mid burst, restart after 30 to 43 s
    "hermes 1.10.5": {"left_at_restart": 750, "cleared": 300, "seconds": None, "text": "300 cleared, 50 in 100 blocks, then it stopped; 450 left over"},
    "rly 2.5.2": {"left_at_restart": 712, "cleared": 712, "seconds": 748, "text": "all cleared in 748 s"},
}


class Bench(Stage):
    def __init__(self, arguments):
        parser = argparse.ArgumentParser(prog="tools/bench backlog", description=__doc__,
                                         formatter_class=argparse.RawDescriptionHelpFormatter)
        parser.add_argument("--quick", action="store_true", help="a few messages, to see that it runs; the figures mean nothing")
        parser.add_argument("--messages", type=int, help="in all (1000; with --quick 60)")
        parser.add_argument("--down", type=float, help="seconds for which no relay runs, at the least (30; with --quick 1)")
        super().__init__(parser, arguments)
        quick = self.options.quick
        self.options.messages = self.options.messages or (60 if quick else 1000)
        self.now, self.read = {}, 0.0
        self.options.down = (1 if quick else 30) if self.options.down is None else self.options.down

    def make_scene(self):
        return CosmosScene(self.options.build, self.folder, say=self.say, lanes=(("", ANY_ORDER),))

    def whole(self):
        return self.options.messages

    def counts(self):
        """What the chains say, read ten times a second at the most; shown when it moves."""
        if time.monotonic() - self.read > 0.1:
            before, self.now, self.read = self.now, self.lane.counts(), time.monotonic()
            if self.now != before:
                self.progress(self.now)
        return self.now

    def play(self):
        scene, count = self.scene, self.options.messages
        self.begin()
        self.lane = next(lane for lane in scene.lanes if lane.source is scene.chains["east"])
        self.say(f"a burst of {count} messages on the CometBFT side")
        self.lane.send(count // 2, PAYLOAD)
        self.until("some are delivered", lambda: self.counts()["delivered"] >= count // 20)
        self.say(f"kill -9 of all {len(scene.relays)} relays; the burst goes on")
        down = time.monotonic()
        for relay in scene.relays:
            scene.kill(relay)
        self.lane.send(count - count // 2, PAYLOAD)
        self.until("all are sent, and the time is over", lambda: self.counts()["sent"] == count
                   and time.monotonic() >= down + self.options.down)
        before, start = self.counts(), time.monotonic()
        self.say(f"all relays start; {count - before['delivered']} messages wait, {count - before['settled']} are not settled")
        scene.start()
        ready = time.monotonic() - start
        self.until("the last delivery", lambda: self.counts()["delivered"] == count)
        delivered = time.monotonic() - start
        self.until("the last settlement", lambda: self.counts()["settled"] == count)
        settled = time.monotonic() - start
        return self.tell(before, start - down, ready, delivered, settled)

    def tell(self, before, down, ready, delivered, settled):
        total, count = self.scene.audit()["all"], self.options.messages
        left = count - before["delivered"]
        ok = total["sent"] == total["delivered"] == total["settled"] == count and total["lost"] == total["duplicates"] == 0
        print(f"\n{count} messages, no relay for {down:.0f} s; from the restart:\n\n{'':16}{'left':>6}{'last delivery':>16}{'a second':>10}"
              f"{'last settlement':>18}")
        print(f"{'isthmus':16}{left:>6}{delivered:>14.1f} s{left / delivered:>10.1f}{settled:>16.1f} s")
        for name, figures in RECORDED.items():
            print(f"{name:16}{figures['left_at_restart']:>6}   recorded, not run here: {figures['text']}")
        print(f"\nRead from both chains: {total['delivered']} delivered, {total['settled']} settled, {total['lost']} lost, "
              f"{total['duplicates']} twice.")
        return {"messages": count, "left_at_restart": left, "down_seconds": round(down, 1), "ready_seconds": round(ready, 1),
                "last_delivery_seconds": round(delivered, 1), "last_settlement_seconds": round(settled, 1),
                "messages_per_second": round(left / delivered, 1), **{key: total[key] for key in ("delivered", "settled", "lost", "duplicates")},
                "recorded": RECORDED, "machine": rounds.machine(), "ok": ok}


def main(arguments):
    return run_with_go(Bench, arguments)
