"""What all walks share. A walk is one long story on a whole network: real ledgers, relays, signers, connectors. It waits for what
must come to be, never for time to pass, and at the end both chains are read, event by event."""

import argparse
import pathlib
import sys

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent.parent
sys.path.insert(0, str(ROOT / "tools" / "scene"))
from chain import MODE_ORDERED, MODE_RETRY, spawn  # noqa: E402, F401
import model  # noqa: E402, F401
from scene import MIDDLE, OPERATORS, QUORUM, SIDES, Problem, other_side  # noqa: E402, F401
from stage import NEVER, Stage  # noqa: E402

EAST, WEST = ([f"{side}-{name}" for name in OPERATORS] for side in SIDES)


class Walk(Stage):
    """A subclass has walk(). MAY_SAY: reasons that belong to its story, though relays say them on no other day."""
    BUILD = "build/dev"
    MAY_SAY = ()

    def play(self):
        self.begin()
        self.walk()
        if not self.settle(self.options.patience):
            raise Problem("not all is settled")
        return self.judge()

    def walk(self):
        raise NotImplementedError

    def whole_audit(self):
        return self.scene.audit()

    def judge(self, refunded=0):
        """All that was submitted: sent, then either delivered and settled or refunded, once, in order."""
        result = self.whole_audit()
        total = result["all"]
        self.say("both chains: " + ", ".join(f"{key} {value}" for key, value in total.items()))
        submitted = self.scene.submitted()
        self.demand(total["sent"] == submitted, f"sent {total['sent']} of {submitted}")
        self.demand(total["delivered"] == total["settled"] == submitted - refunded,
                    f"delivered {total['delivered']} and settled {total['settled']} of {submitted - refunded}")
        self.demand(total["refunded"] == refunded, f"refunded {total['refunded']}, not {refunded}")
        for key in ("lost", "duplicates", "disorder"):
            self.demand(total[key] == 0, f"{key} {total[key]}")
        self.silent()
        return {**total, "ok": True}

    def silent(self):
        """No relay said what none may say."""
        for relay in self.scene.processes:
            for line in self.log_since(relay, 0).splitlines():
                for reason in set(NEVER) - set(self.MAY_SAY):
                    self.demand(f"reason={reason} " not in line, f"{relay} says: {line}")

    def demand(self, condition, otherwise):
        if not condition:
            raise Problem(otherwise)

    # ---- what relays say

    def log(self, relay, lane, kind="message"):
        """One log of a relay, as `isthmus lanes` has it; empty when it does not answer."""
        lanes = (self.scene.ask(relay, "lanes") or {}).get("lanes", [])
        return next((log for one in lanes if one["name"] == lane.name for log in one["logs"] if log["kind"] == kind), {})

    def homed(self, relay, lane, kind):
        """Whether this log is written on the chain that the relay serves: messages and settlement at the lane's source."""
        return (lane.split("-")[0] == relay.split("-")[0]) == (kind != "outcome")

    def attesting(self, relay, peer):
        """Waits until this relay has signed as far as the network has certified, and knows what its peer knows."""
        def equal():
            theirs, mine = self.scene.marks(peer), self.scene.marks(relay)
            home = {key: mark for key, mark in self.scene.marks(relay, "attested").items() if self.homed(relay, *key)}
            return mine and mine == theirs and all(mark >= mine[key] for key, mark in home.items())
        self.until(f"{relay} has signed and knows what {peer} knows", equal)

    # ---- what people do

    def kill(self, relay):
        self.say(f"{relay} is killed")
        self.scene.kill(relay)

    def start(self, relay):
        self.say(f"{relay} starts again")
        self.scene.start([relay], self.options.patience)

    def all_settled(self, what):
        self.say(what)
        if not self.settle(self.options.patience):
            raise Problem(f"not settled: {what}")


def main(walk):
    sys.exit(walk(argparse.ArgumentParser(description=sys.modules[walk.__module__].__doc__)).run())
