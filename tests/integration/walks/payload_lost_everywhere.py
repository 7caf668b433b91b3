#!/usr/bin/env python3
"""A message of which only the hash was ever sent, and whose payload nobody has: its receiver cannot take it, it expires at its
deadline, and its ordered lane goes on. One whose payload is shown in time is taken."""
from walk import MODE_ORDERED, MODE_RETRY, Walk, main

EXPIRED, DEADLINE = 3, 5  # status and reason of an outcome, docs/formats.md
LIFE = 12  # seconds


class Lost(Walk):
    SCENE = {"lanes": (("", MODE_ORDERED | MODE_RETRY, {"receiver": "Reluctant"}),)}

    def walk(self):
        lane = self.scene.lanes[0]
        lane.send(3)
        lane.send_commitment(b"this payload is lost", LIFE)
        lane.send(10)
        lane.send_commitment(b"this payload is shown", 3600)
        lane.send(10)
        lost, shown = 4, 15
        self.until("all are sent", lambda: lane.counts()["sent"] == lane.submitted)
        self.demand(lane.message(lost)[0][8] == 2, "it was not sent as a hash")
        self.until("its sender sees what became of it", lambda: lane.outcome(lost)[0])
        self.demand(lane.outcome(lost) == (EXPIRED, DEADLINE), f"its sender sees {lane.outcome(lost)}")
        self.say("the lost one is expired; those behind it go on, to the next that is only a hash")
        self.until("they are delivered", lambda: lane.counts()["delivered"] == shown - 2)
        lane.receiver.send("show", shown.to_bytes(32, "big"), b"this payload is shown")

    def judge(self):
        return super().judge(refunded=1)


if __name__ == "__main__":
    main(Lost)
