"""What quickstart, join, tests/integration/kill and tests/integration/walks share: options, a folder, the clock, progress, the end, whatever way it comes."""

import json
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import time
import traceback

from scene import Problem, Scene

BAR = 30
NEVER = (  # what no relay may say on the worst of good days
    "operator-signed-two-words", "certificates-conflict", "source-contradicts-own-head", "chain-reorganised-past-finality",
    "head-contradicts-proven", "store-failed", "store-value-malformed", "child-quarantined", "no-memory")


class Stage:
    """A subclass has play(), which returns the report: a mapping with "ok". It may have keep()."""
    BUILD = "build/release"
    SCENE = {}  # what its scene has of its own

    def __init__(self, parser, arguments=None):
        parser.add_argument("--build", default=os.environ.get("ISTHMUS_BUILD", self.BUILD), help=f"build folder ({self.BUILD})")
        parser.add_argument("--report", metavar="FILE", help="also write the result as JSON")
        parser.add_argument("--dir", metavar="DIR", help="where the scene lives: new or empty, with a short path (a temporary folder)")
        parser.add_argument("--patience", type=int, default=240, metavar="S", help="seconds to wait for what is not settled (240)")
        self.options, self.begun = parser.parse_args(arguments), time.monotonic()
        self.told, self.last = 0.0, {}
        self.folder = pathlib.Path(self.options.dir or tempfile.mkdtemp(prefix="isthmus-")).resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.scene = self.make_scene()

    def make_scene(self):
        return Scene(self.options.build, self.folder, say=self.say, **self.SCENE)

    def say(self, text):
        print(f"[{time.monotonic() - self.begun:5.1f}s] {text}", flush=True)

    def progress(self, counts):
        """At most a line a second: a bar of what is settled (#), delivered (+), sent (-), and how fast each grows."""
        now = time.monotonic()
        if now - self.told < 1:
            return
        past, whole = now - self.told, max(1, self.whole())
        ends = [BAR * counts[key] // whole for key in ("settled", "delivered", "sent")]
        bar = "".join("#" if i < ends[0] else "+" if i < ends[1] else "-" if i < ends[2] else " " for i in range(BAR))
        words = [f"{key} {counts[key]:5} ({max(0, counts[key] - self.last.get(key, 0)) / past:4.0f}/s)"
                 for key in ("sent", "delivered", "settled")]
        self.say(f"[{bar}] " + "  ".join(words))
        self.told, self.last = now, counts

    def whole(self):
        return 2 * getattr(self.options, "messages", 0) or self.scene.submitted()

    def begin(self):
        self.scene.prepare()
        self.run_relays()

    def run_relays(self):
        self.say(f"relays: {len(self.scene.relays)} isthmusd, each with its connectors and its signer as processes of their own")
        self.scene.start()

    def until(self, what, condition, patience=None):
        """Waits for a condition; it is asked again and again, while time and the scene go on."""
        end = time.monotonic() + (patience or self.options.patience)
        while not condition():
            self.check_alive()
            if time.monotonic() > end:
                raise Problem(f"after {patience or self.options.patience} s not yet: {what}")
            time.sleep(0.02)  # between questions

    def check_alive(self):
        self.scene.check_alive()

    def log_since(self, relay, offset):
        with open(self.scene.folder / relay / "log", "rb") as log:
            log.seek(offset)
            return log.read().decode(errors="replace")

    def log_end(self, relay):
        return (self.scene.folder / relay / "log").stat().st_size

    def settle(self, patience):
        """Waits until all is settled; every ten seconds it says what it waits for, and at the end, if it gives up."""
        asked = [time.monotonic()]

        def progress(counts):
            self.progress(counts)
            if time.monotonic() - asked[0] > 10:
                asked[0] = time.monotonic()
                for line in self.scene.waiting():
                    self.say("  waits: " + line)
        settled = self.scene.wait_settled(patience, progress)
        if not settled:
            self.say(f"not all settled after {patience} s")
            for line in self.scene.waiting():
                self.say("  waits: " + line)
        return settled

    def run(self):
        """The exit code: 0 ok, 1 not, 130 interrupted."""
        report, code = {"ok": False}, 1
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the end below is reached
        try:
            report = self.play()
            code = 0 if report["ok"] else 1
            self._write(report)
            if getattr(self.options, "keep", False):
                self.keep()
        except Problem as problem:
            self.say(f"stopped: {problem}")
        except KeyboardInterrupt:
            code = code if getattr(self.options, "keep", False) and report["ok"] else 130
            print()
        except Exception:  # whatever it is: the processes are ended and the logs are named
            traceback.print_exc()
        finally:
            self.scene.stop()
            if not report["ok"]:
                self._write(report)
        if not report["ok"]:
            for relay in self.scene.processes if code != 130 else ():
                print(f"--- {relay}, last lines of {self.folder / relay / 'log'}:{self.scene.tail(relay, 6)}")
            print(f"not ok; logs and stores are kept in {self.folder}")
            return code
        print("ok")
        if not self.options.dir:
            shutil.rmtree(self.folder, ignore_errors=True)
        return code

    def _write(self, report):
        if self.options.report:
            pathlib.Path(self.options.report).write_text(json.dumps(report) + "\n")
