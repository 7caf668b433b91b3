#!/usr/bin/env python3
"""A relay is away until what it lacks is settled and pruned at all its peers. It comes back with its old store, begins anew at a
certified head, and is of use: messages pass that need its signature."""
from walk import Walk, main

AWAY, PEER, SPARED = "west-gamma", "west-alpha", "west-beta"
COUNT = 400  # messages each way


class Away(Walk):
    SCENE = {"window": "256KiB", "payload_max": 256}

    def walk(self):
        scene = self.scene
        scene.send(40)
        self.all_settled("40 messages each way")
        self.attesting(AWAY, PEER)
        before = {key: mark for key, mark in scene.marks(AWAY, "stored").items() if not self.homed(AWAY, *key) and key[1] == "message"}
        self.demand(before, f"{AWAY} does not say how far it is")
        self.kill(AWAY)
        scene.send(COUNT // 2)
        self.all_settled(f"{COUNT} messages each way while it is away")
        scene.send(COUNT // 2)
        self.all_settled("the second half of them")
        for peer in (relay for relay in scene.neighbours(AWAY)):
            self.until(f"{peer} holds nothing more of what {AWAY} lacks", lambda p=peer: all(
                (log := self.log(p, lane)) and log["window_used"] == 0 for lane in scene.lanes))
        offset = self.log_end(AWAY)
        self.start(AWAY)
        self.attesting(AWAY, PEER)
        self.until(f"{AWAY} began at a certified head", lambda: "reason=joined-at-certified-head" in self.log_since(AWAY, offset))
        self.kill(SPARED)
        scene.send(60)
        self.all_settled(f"60 messages each way that need {AWAY}'s signature")
        self.start(SPARED)
        scene.send(20)


if __name__ == "__main__":
    main(Away)
