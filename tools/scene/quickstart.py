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
        scene = self.scene
        isthmus, at = os.path.relpath(scene.program["isthmus"]), f"--config {self.folder}/{CUT}/relay.yaml"
        print(f"\nThe scene stays up until Ctrl-C; logs, stores and keys are in {self.folder}. Try, in another terminal:\n")
        for view in ("status", "lanes", "peers", "sources", f"explain {scene.lanes[0].name}/7", "config check", "reload"):
            if view == "config check":
                print(f"  {isthmus} config check {self.folder}/{CUT}/relay.yaml")
            elif view != "reload":
                print(f"  {isthmus} {view} {at}")
        print(f"  {isthmus} network show {self.folder}/network.yaml")
        print(f"  kill -9 {scene.processes[MIDDLE].pid}   # {MIDDLE}; the scene starts it again")
        for chain in scene.chains.values():
            print(f"  curl -s {chain.url} -H 'Content-Type: application/json' -d '{{\"jsonrpc\":\"2.0\",\"id\":1,"
                  f"\"method\":\"eth_blockNumber\",\"params\":[]}}'   # {chain.side}")
        print("\nFive messages a lane are sent every ten seconds, so that there is something to see.", flush=True)
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
