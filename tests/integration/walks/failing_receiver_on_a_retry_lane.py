#!/usr/bin/env python3
"""A receiver fails on an ordered lane that retries. Its message is tried again and again; its sender sees no outcome before the
destination has certified that it expired, and the source took that. What was sent behind it waits, and arrives when the receiver works."""
from walk import MODE_ORDERED, MODE_RETRY, Walk, main

EXPIRED, DEADLINE = 3, 5  # status and reason of an outcome, docs/formats.md
LIFE = 3600  # seconds of the message that expires: its destination's clock is put forward when it has been tried


class Failing(Walk):
    SCENE = {"lanes": (("", MODE_ORDERED | MODE_RETRY), ("-moody", MODE_ORDERED | MODE_RETRY, {"receiver": "Reluctant"}))}

    def events(self, chain, name, lane, number):
        return [e for event, e in chain.history.events() if event == name and e["lane"] == lane.id and e.get("sequence") == number]

    def walk(self):
        scene = self.scene
        lane = next(lane for lane in scene.lanes if lane.name == "east-to-west-moody")
        west = lane.destination
        lane.send(3)
        self.all_settled("3 messages to a receiver that works")
        lane.receiver.send("set", True)
        lane.send(1, life=LIFE)
        lane.send(5)
        failing = 4
        self.say(f"it fails now, for message {failing} and for 5 more behind it; other lanes go on")
        for other in scene.lanes:
            if other is not lane:
                other.send(20)
        self.until("it is sent", lambda: self.events(lane.source, "Message", lane, failing))

        def tried():
            self.demand(not lane.outcome(failing)[0], "its sender sees an outcome while it is tried")
            return len(self.events(west, "Pending", lane, failing))
        self.until("it is tried again and again", lambda: tried() >= 3)
        west.rpc("evm_increaseTime", LIFE)

        def expired():
            seen, decided = lane.outcome(failing)[0], self.events(west, "Outcome", lane, failing)
            self.demand(decided or not seen, f"an outcome, {seen}, before there was one at the destination")
            return decided
        self.until("the destination calls it expired", expired)
        self.say(f"tried {tried()} times, then expired")
        lane.receiver.send("set", False)
        self.until("its sender sees what became of it", lambda: lane.outcome(failing)[0])
        self.demand(lane.outcome(failing) == (EXPIRED, DEADLINE), f"its sender sees {lane.outcome(failing)}")

    def judge(self):
        return super().judge(refunded=1)


if __name__ == "__main__":
    main(Failing)
