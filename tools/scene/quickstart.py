"""The quickstart's story: messages both ways while one relay is cut off and one is killed; then both chains are counted."""

import argparse
import json
import os
import pathlib
import shutil
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from chain import percentile  # noqa: E402
from scene import Problem, Scene  # noqa: E402

CUT, KILLED = "east-beta", "west-gamma"
BATCHES = 40
STEP = 0.4  # seconds between batches


class Story:
    def __init__(self, options):
        self.options, self.begun = options, time.monotonic()
        self.folder = pathlib.Path(options.folder or tempfile.mkdtemp(prefix="isthmus-"))
        self.folder.mkdir(exist_ok=True)
        self.scene = Scene(options.build, self.folder, say=self.say)
        self.crossed = None  # (lane, sequence) that was sent during the cut
        self.seconds = 0.0
        self.watch = None

    def say(self, text):
        print(f"[{time.monotonic() - self.begun:5.1f}s] {text}", flush=True)

    def progress(self):
        rows = [f"{name} sent {c['sent']} delivered {c['delivered']} settled {c['settled']}"
                for name, c in self.scene.counts().items()]
        self.say("    " + "   ".join(rows))

    def events(self):
        """What happens before which batch."""
        return {BATCHES // 5: ("cut", f"{CUT} is cut off: nothing passes between it and any other relay"),
                2 * BATCHES // 5: ("kill", f"{KILLED} is killed with SIGKILL"),
                3 * BATCHES // 5: ("restart", f"{KILLED} starts again from its store"),
                4 * BATCHES // 5: ("heal", f"{CUT} is joined again")}

    def happen(self, event):
        scene = self.scene
        if event == "cut":
            scene.links.cut(CUT)
            self.crossed = (scene.lanes[0].name, scene.lanes[0].submitted + 1)
        elif event == "kill":
            scene.kill(KILLED)
        elif event == "restart":
            scene.start_relay(KILLED)
        elif event == "heal":
            scene.links.heal(CUT)

    def send(self):
        total, sent, events = self.options.messages, 0, self.events()
        start = time.monotonic()
        for batch in range(BATCHES):
            if batch in events:
                event, text = events[batch]
                self.say(text)
                self.happen(event)
            until = total * (batch + 1) // BATCHES
            for lane in self.scene.lanes:
                lane.send(until - sent)
            sent = until
            if batch % 5 == 4:
                self.progress()
            time.sleep(max(0.0, start + (batch + 1) * STEP - time.monotonic()))  # the pace of the senders

    def settled(self):
        return all(c["settled"] == self.options.messages for c in self.scene.counts().values())

    def wait_settled(self):
        end, last = time.monotonic() + self.options.patience, 0.0
        while not self.settled():
            if time.monotonic() > end:
                self.say(f"not settled {self.options.patience} s after the last message")
                return
            if time.monotonic() - last > 2:
                self.progress()
                last = time.monotonic()
            time.sleep(0.2)  # between readings of the chains

    def run(self):
        self.scene.prepare()
        self.watch = self.scene.watch()
        self.say(f"relays: {len(self.scene.relays)} isthmusd processes, each with its connector and signer")
        self.scene.start()
        sending = time.monotonic()
        self.say(f"sending {self.options.messages} messages each way")
        self.send()
        self.wait_settled()
        self.seconds = time.monotonic() - sending
        time.sleep(1)  # lets the observer see the blocks of the last settlement; the counts do not depend on it

    # ---- the end

    def report(self):
        counts, latencies = self.scene.counts(), self.watch.latencies(self.watch.delivered)
        total = {key: sum(c[key] for c in counts.values()) for key in ("sent", "delivered", "settled", "duplicates", "out_of_order")}
        total["lost"] = total["sent"] - total["delivered"]
        done = sum(self.watch.digests_done.get(lane.id, {}).get(1, 0) for lane in self.scene.lanes)
        wanted = 2 * self.options.messages
        ok = (total["sent"] == total["delivered"] == total["settled"] == done == wanted
              and total["duplicates"] == total["lost"] == total["out_of_order"] == 0)
        return {**total, "outcomes_done": done, "latency_p50_ms": round(percentile(latencies, 50)),
                "latency_p99_ms": round(percentile(latencies, 99)), "seconds": round(self.seconds, 1), "ok": ok}

    def table(self, report):
        columns = ("sent", "delivered", "settled", "duplicates", "out_of_order")
        print("\nread from both chains:\n")
        print(f"  {'lane':14}" + "".join(f"{c.replace('_', ' '):>14}" for c in columns) + f"{'lost':>8}{'p50':>9}{'p99':>9}")
        for lane in self.scene.lanes:
            c = lane.counts()
            mine = sorted(1000 * (self.watch.delivered[k] - at) for k, at in list(self.watch.sent.items())
                          if k[0] == lane.id and k in self.watch.delivered)
            print(f"  {lane.name:14}" + "".join(f"{c[x]:>14}" for x in columns) + f"{c['sent'] - c['delivered']:>8}"
                  + f"{percentile(mine, 50):>7.0f}ms{percentile(mine, 99):>7.0f}ms")
        print(f"\n  p50, p99: from the block of the message to the block of its delivery; blocks every {self.scene.block_time} s, "
              f"final after {self.scene.finality_depth}")

    def explain(self):
        lane, sequence = self.crossed or (self.scene.lanes[0].name, 1)
        print(f"\nisthmus explain {lane}/{sequence}, asked of {CUT}, which was cut off when it was sent:\n")
        print(self.scene.explain(CUT, lane, sequence))

    def complain(self):
        """When it is not ok: what each relay says."""
        for relay, process in self.scene.processes.items():
            state = "runs" if process.poll() is None else f"ended with {process.returncode}"
            waiting = (self.scene.status(relay) or {}).get("waiting", [])
            causes = "; ".join(f"{w.get('lane')} {w.get('kind')}: {w.get('cause')} for {w.get('since_ms', 0) // 1000}s" for w in waiting)
            self.say(f"{relay} {state}; {causes or 'waits for nothing'}; log: {self.folder / relay / 'log'}")

    def keep(self):
        command = f"{self.scene.program['isthmus']}"
        print(f"\nThe scene stays up in {self.folder} until Ctrl-C. Try:\n")
        for view in ("status", "lanes", "peers", "sources", f"explain {self.scene.lanes[0].name}/7"):
            print(f"  {command} {view} --config {self.folder}/east-alpha/relay.yaml")
        print(f"  {command} network show {self.folder}/network.yaml")
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            print()


def arguments():
    parser = argparse.ArgumentParser(prog="tools/quickstart", description=__doc__)
    parser.add_argument("--build", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--messages", type=int, default=1000, help="each way (1000)")
    parser.add_argument("--patience", type=int, default=120, help="seconds to wait for the last settlement (120)")
    parser.add_argument("--folder", help="where the scene lives: empty or new, short path (a temporary folder)")
    parser.add_argument("--report", metavar="FILE", help="also write the result as JSON")
    parser.add_argument("--keep", action="store_true", help="leave the scene running for exploration, until Ctrl-C")
    return parser.parse_args()


def main():
    options = arguments()
    story, report = Story(options), {"ok": False}
    try:
        story.run()
        report = story.report()
        story.table(report)
        story.explain()
        if not report["ok"]:
            story.complain()
        print("ok" if report["ok"] else "NOT OK")
        if options.keep:
            story.keep()
    except Problem as problem:
        story.say(f"stopped: {problem}")
    except KeyboardInterrupt:
        story.say("interrupted")
    finally:
        if options.report:
            pathlib.Path(options.report).write_text(json.dumps(report) + "\n")
        story.scene.stop()
        if story.watch:
            story.watch.done.set()
        if report["ok"] and not options.folder:
            shutil.rmtree(story.folder, ignore_errors=True)
        elif not report["ok"]:
            print(f"logs and stores are kept in {story.folder}")
    return 0 if report["ok"] else 1


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    sys.exit(main())
