"""Plays a scenario: load, faults on a timeline, then both chains and all relays are asked what came of it."""

import json
import random
import socket
import threading
import time

import picture
from faults import MAY_SAY, faults_of
from measure import Measure
from scenario import Scenario, describe
from scene import Problem, path_of
from stage import NEVER, Stage
from world import World

TICK, SAMPLE, GIVE_AGAIN = 0.02, 1.0, 2.0  # seconds: between looks; between samples of the relays; until a lost transaction is given again
PULSE = 0.1  # seconds
DEAF_EVERY, DEAF_EXIT = 5, 4  # samples from one question for mesh-deaf to the next; with what such a relay ends by itself
AGREE_IN = 60  # seconds after the last settlement in which all relays must know the same


class Chaos(Stage):
    BUILD = "build/dev"

    def __init__(self, parser, arguments, scenario):
        self.scenario, self.faults, self.zero = scenario, faults_of(scenario), None
        self.samples, self.sampling = [], threading.Event()  # (seconds, {relay: {(lane, kind): certified mark}})
        self.deaf, self.deaf_restarts = set(), []  # relays that say mesh-deaf; who was restarted for it
        self.machine_stall = 0.0
        self.random, self.result = random.Random(scenario.name), {}
        super().__init__(parser, arguments)

    def make_scene(self):
        return World(self.options.build, self.folder, self.scenario, say=self.say)

    def now(self):
        return time.monotonic() - self.zero

    # ---- samples

    def ask(self, relay, command="lanes", patience=0.5):
        """What a relay says over its control socket; None: nothing."""
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(patience)
                client.connect(path_of(self.folder, "s", relay, "ctl"))
                client.sendall(json.dumps({"command": command}).encode() + b"\n")
                return json.loads(client.makefile("rb").readline())
        except (OSError, ValueError):
            return None

    def marks(self, relay):
        answer = self.ask(relay) or {}
        return {(lane["name"], log["kind"]): log["certified"] for lane in answer.get("lanes", []) for log in lane["logs"]}

    def _pulse(self):
        """How long this process, which only looks, had to wait for the machine at worst."""
        before = time.monotonic()
        while not self.sampling.wait(PULSE):
            now = time.monotonic()
            self.machine_stall = max(self.machine_stall, now - before - PULSE)
            before = now

    def _sample(self):
        while not self.sampling.wait(SAMPLE):
            at, running = self.now(), [relay for relay in self.scene.relays if self.scene.running(relay)]
            self.samples.append((at, {relay: self.marks(relay) for relay in running}))
            if len(self.samples) % DEAF_EVERY == 0:
                self.deaf.update(relay for relay in running if "mesh-deaf" in ((self.ask(relay, "status") or {}).get("health") or ()))

    def check_alive(self):
        """What an operator does, and his supervisor: a relay that says that others cannot reach it any more is started anew (nng over
        TLS: docs/operator.md). The report has whom that befell."""
        ended = {relay for relay, process in self.scene.processes.items() if process.poll() == DEAF_EXIT}
        for relay in list(self.deaf) + sorted(ended - self.deaf):
            self.deaf.discard(relay)
            if relay in ended or self.scene.running(relay):
                self.say(f"{relay} says mesh-deaf: it is started anew")
                self.deaf_restarts.append(relay)
                self.scene.kill(relay)
                self.scene.start_relay(relay)
        super().check_alive()

    # ---- the timeline

    def load(self):
        """Gives to each lane what is due by now; lanes whose node is away get it later."""
        scene, load = self.scene, self.scenario.load
        low, high = load.get("payload", (20, 100))
        due = int(min(self.now(), load["seconds"]) * load["rate"])
        for at, lane in enumerate(scene.lanes):
            ways = len(scene.each_way)
            mine = due // ways + (at % ways < due % ways)
            if mine > lane.submitted and lane.source.process.poll() is None:
                lane.send(mine - lane.submitted, self.random.randint(low, high))

    def run_timeline(self):
        due = [(fault.at, fault, True) for fault in self.faults] + [(fault.until, fault, False) for fault in self.faults]
        due.sort(key=lambda item: (item[0], item[2] and item[1].until > item[0]))  # what ends makes room for what begins
        lasting, last = [], max(self.scenario.end(), self.scenario.load["seconds"])
        while due or self.now() < last:
            while due and due[0][0] <= self.now():
                _, fault, begins = due.pop(0)
                self._turn(fault, begins, lasting)
            for fault in lasting:
                fault.tick(self.scene)
            self.load()
            self.check_alive()
            self.tell()
            time.sleep(TICK)  # the pace of this loop
        self.load()

    def _turn(self, fault, begins, lasting):
        if begins:
            self.say(f"{describe(fault.one)}" + (f", for {fault.one['for']:g} s" if "for" in fault.one else ""))
            fault.began = time.monotonic()
            fault.begin(self.scene)
            lasting.append(fault)
        else:
            if fault.until > fault.at:
                self.say(f"  over: {describe(fault.one)}")
            fault.end(self.scene)
            fault.ended = time.monotonic()
            lasting.remove(fault)

    def tell(self):
        watch = self.scene.watch
        self.progress({"sent": len(watch.sent), "delivered": len(watch.delivered), "settled": 0})

    def whole(self):
        return int(2 * self.scenario.load["rate"] * self.scenario.load["seconds"])

    def settle(self, patience):
        """Until all is settled; what a reorganisation or a restart took from a chain is given again."""
        end, given, asked = time.monotonic() + patience, time.monotonic(), time.monotonic()
        while (counts := self.scene.counts())["settled"] < self.scene.submitted():
            self.progress(counts)
            self.check_alive()
            now = time.monotonic()
            if now - given > GIVE_AGAIN:
                given = now
                for lane in self.scene.lanes:
                    if lane.counts()["sent"] < lane.submitted:
                        lane.again()
            if now - asked > 10 or now > end:
                asked = now
                for line in self.scene.waiting():
                    self.say("  waits: " + line)
            if now > end:
                return False
            time.sleep(0.2)  # between readings of the chains
        return True

    # ---- the play

    def play(self):
        scene = self.scene
        scene.prepare()
        self.say(f"relays: {len(scene.relays)} isthmusd, each with its connectors and its signer as processes of their own")
        scene.start(patience=60)
        begun, self.zero = time.monotonic(), time.monotonic()
        sampler = threading.Thread(target=self._sample, daemon=True)
        sampler.start()
        threading.Thread(target=self._pulse, daemon=True).start()
        self.run_timeline()
        healed = self.now()
        self.say("faults and load are over; waiting until both chains have settled every message")
        settled = self.settle(self.options.patience)
        settled_after = self.now() - healed
        agreed = settled and self.agreed()
        self.sampling.set()
        sampler.join(20)
        return self.judge(settled, settled_after, agreed, time.monotonic() - begun)

    def agreed(self):
        """Whether all relays come to know the same: certified marks of every log."""
        end = time.monotonic() + AGREE_IN
        while True:
            marks = {relay: self.marks(relay) for relay in self.scene.relays}
            first = marks[self.scene.relays[0]]
            differ = [relay for relay, mine in marks.items() if not mine or mine != first]
            if not differ:
                return True
            if time.monotonic() > end:
                for relay in differ:
                    mine = marks[relay]
                    self.say(f"  {relay} knows " + ("nothing" if not mine else ", ".join(
                        f"{mine[key]} of {first.get(key)} {key[0]} {key[1]}" for key in mine if mine[key] != first.get(key))))
                return False
            time.sleep(0.2)  # between questions

    def judge(self, settled, settled_after, agreed, seconds):
        scene, measure = self.scene, Measure(self)
        audit = scene.audit()["all"]
        wrong = [] if settled else [f"not all is settled {self.options.patience} s after the last fault"]
        for key in ("sent", "delivered", "settled"):
            if audit[key] != scene.submitted():
                wrong.append(f"{key} {audit[key]} of {scene.submitted()}")
        unproven = measure.unproven()
        wrong += [f"{key} {value}" for key, value in (("lost", audit["lost"]), ("duplicates", audit["duplicates"]),
                  ("out of order", audit["disorder"]), ("unproven", unproven)) if value]
        wrong += self.said() + ([] if agreed else ["relays do not come to know the same"])
        complete, stall = measure.complete_after(), measure.longest_stall()
        wrong += self.unexpected(complete, stall, settled_after)
        self.result = {
            "scenario": self.scenario.name, "sent": audit["sent"], "delivered": audit["delivered"], "settled": audit["settled"],
            "lost": audit["lost"], "duplicates": audit["duplicates"], "out_of_order": audit["disorder"], "unproven": unproven,
            "longest_stall_ms": round(stall * 1000), "complete_after_ms": None if complete is None else round(complete * 1000),
            "settled_after_ms": round(settled_after * 1000), "relays": len(scene.relays), "zones": len(scene.zones()),
            "faults": [{"fault": fault.kind, "what": describe(fault.one), "hosts": fault.hosts,
                        "from_ms": round(1000 * (fault.began - self.zero)), "to_ms": round(1000 * (fault.ended - self.zero))}
                       for fault in self.faults],
            "machine_stall_ms": round(self.machine_stall * 1000), "deaf_restarts": self.deaf_restarts, "after_heal": [[round(at * 1000), left] for at, left in measure.after_heal()],
            "seconds": round(seconds, 1), "wrong": wrong, "ok": not wrong}
        for line in wrong:
            self.say(f"WRONG: {line}")
        measure.tell(self.result)
        if self.options.markdown:
            picture.write(self, measure, self.options.markdown)
        return self.result

    def said(self):
        """What no relay may say, but for what belongs to the faults of this scenario."""
        may = {reason for fault in self.faults for reason in MAY_SAY.get(fault.kind, ())} | set(self.scenario.expect.get("may_say", []))
        wrong = []
        for relay in self.scene.relays:
            for line in self.log_since(relay, 0).splitlines():
                wrong += [f"{relay} says: {line}" for reason in set(NEVER) - may if f"reason={reason} " in line]
        return wrong[:10]

    def unexpected(self, complete, stall, settled_after):
        expect, wrong = self.scenario.expect, []
        if "complete_within_s" in expect and (complete is None or complete > expect["complete_within_s"]):
            wrong.append(f"what was sent before the last heal was complete at the other side "
                         f"{'never' if complete is None else f'{complete:.1f} s after it'}; expected {expect['complete_within_s']:g} s")
        if "longest_stall_s" in expect and stall > expect["longest_stall_s"]:
            wrong.append(f"a lane stood still for {stall:.1f} s; expected at most {expect['longest_stall_s']:g} s")
        if "settled_within_s" in expect and settled_after > expect["settled_within_s"]:
            wrong.append(f"settled {settled_after:.1f} s after the end; expected {expect['settled_within_s']:g} s")
        return wrong
