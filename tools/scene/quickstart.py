"""The quickstart's story: messages both ways while one relay is cut off and one is killed; then both chains are read."""

import argparse
import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from chain import percentile  # noqa: E402
from scene import MIDDLE, SOURCES  # noqa: E402
from stage import Stage  # noqa: E402

CUT, KILLED = "east-beta", "west-gamma"
BURSTS, EVERY = 32, 0.5  # bursts of messages, seconds apart
COLUMNS = ("sent", "delivered", "settled", "duplicates", "lost", "disorder")


class Story(Stage):
    crossed = None  # (lane, sequence) of a message that was sent during the cut

    def happen(self, quarter):
        scene = self.scene
        if quarter == 1:
            self.say(f"{CUT} is cut off: not a byte passes between it and the other relays")
            scene.links.cut(CUT)
            self.crossed = (scene.lanes[0].name, scene.lanes[0].submitted + 1)
        elif quarter == 2:
            self.say(f"{KILLED} is killed: kill -9 {scene.processes[KILLED].pid}")
            scene.kill(KILLED)
        elif quarter == 3:
            self.say(f"{KILLED} starts again, from its store; {CUT} is joined again")
            scene.start_relay(KILLED)
            scene.links.heal(CUT)

    def send(self):
        total, sent, start = self.options.messages, 0, time.monotonic()
        for burst in range(BURSTS):
            if 4 * burst % BURSTS == 0:
                self.happen(4 * burst // BURSTS)
            until = total * (burst + 1) // BURSTS
            self.scene.send(until - sent)
            sent = until
            self.progress(self.scene.counts())
            time.sleep(max(0.0, start + (burst + 1) * EVERY - time.monotonic()))  # the pace of the senders

    def play(self):
        self.begin()
        sending = time.monotonic()
        self.say(f"sending {self.options.messages} messages each way, {BURSTS} bursts of them")
        self.send()
        self.say("all are sent; waiting until both chains have settled every one")
        settled = self.settle(self.options.patience)
        seconds = time.monotonic() - sending
        return self.tell(settled, seconds)

    def tell(self, settled, seconds):
        scene, result = self.scene, self.scene.audit()
        total, latencies = result["all"], scene.watch.latencies()
        wanted = 2 * self.options.messages
        ok = (settled and total["sent"] == total["delivered"] == total["settled"] == wanted
              and total["duplicates"] == total["lost"] == total["disorder"] == 0)
        print("\nRead from both chains, event by event:\n")
        print(f"  {'lane':20}" + "".join(f"{c:>11}" for c in COLUMNS) + f"{'p50':>10}{'p99':>10}")
        for name, counts in result.items():
            lane = next((lane for lane in scene.lanes if lane.name == name), None)
            mine = scene.watch.latencies(lane)
            print(f"  {name:20}" + "".join(f"{counts[c]:>11}" for c in COLUMNS)
                  + f"{percentile(mine, 50):>7.0f} ms{percentile(mine, 99):>7.0f} ms")
        print(f"\n  {seconds:.1f} s. p50, p99: from the block that holds a message to the block that holds its delivery, with a block "
              f"every {scene.block_time} s,\n  final after {scene.finality_depth} more, and one relay cut off or dead for half of the time.")
        lane, sequence = self.crossed
        print(f"\nisthmus explain {lane}/{sequence}: sent while {CUT} was cut off; {CUT} tells:\n")
        print(scene.explain(CUT, lane, sequence))
        return {key: total[key] for key in ("sent", "delivered", "settled", "duplicates", "lost")} | {
            "latency_p50_ms": round(percentile(latencies, 50)), "latency_p99_ms": round(percentile(latencies, 99)),
            "seconds": round(seconds, 1), "ok": ok}

    def keep(self):
        """Until Ctrl-C: a little traffic, and whoever is killed gets up again."""
        scene, lane = self.scene, self.scene.lanes[0]
        isthmus, yaml = os.path.relpath(scene.program["isthmus"]), self.folder / CUT / "relay.yaml"
        height = '{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber","params":[]}'
        print(f"\nThe scene stays up until Ctrl-C, with ten messages each way every ten seconds. Logs, stores and keys are in "
              f"{self.folder}.\nTry, in another terminal, in this folder:\n")
        for view in ("status", "lanes", "peers", "sources", f"explain {lane.name}/{self.crossed[1]}", f"explain {lane.name}/{lane.submitted + 1}"):
            print(f"  {isthmus} {view} --config {yaml}")
        print(f"  {isthmus} config check {yaml}")
        print(f"  {isthmus} network show {self.folder}/network.yaml")
        print(f"  kill -9 {scene.processes[MIDDLE].pid}   # {MIDDLE}, in the middle: it starts again after a while")
        for chain in scene.chains.values():
            print(f"  curl -s {chain.url} -H 'Content-Type: application/json' -d '{height}'   # {chain.side}")
        sys.stdout.flush()
        while True:
            for relay, process in scene.processes.items():
                if process.poll() is not None:
                    self.say(f"{relay} ended with {process.returncode}: it starts again")
                    scene.start_relay(relay)
            scene.send(10)
            time.sleep(10)


def main():
    parser = argparse.ArgumentParser(prog="tools/quickstart", description=__doc__)
    parser.add_argument("--messages", type=int, default=1000, help="each way (1000)")
    parser.add_argument("--keep", action="store_true", help="leave the scene running for exploration, until Ctrl-C")
    story = Story(parser)
    story.say(f"each relay asks two sources ({', '.join(SOURCES)}) and takes only what both say; here one anvil a side stands behind both")
    return story.run()


if __name__ == "__main__":
    sys.exit(main())
