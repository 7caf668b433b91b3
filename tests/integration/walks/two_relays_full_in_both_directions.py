#!/usr/bin/env python3
"""Nobody delivers: windows fill along the whole way, in both directions at once. What comes back, outcomes and heads, has room of its
own: as soon as one side delivers again, its messages are settled while the other direction is still full. Then all are."""
from walk import EAST, MIDDLE, WEST, MODE_ORDERED, MODE_RETRY, Walk, main

COUNT, BLOCK, PAYLOAD = 600, 60, 240  # messages each way, of which a window holds 360; at once; bytes


class Full(Walk):
    SCENE = {"window": "128KiB", "payload_max": 256, "lanes": (("", MODE_ORDERED | MODE_RETRY),)}

    def gas(self, side, amount):
        for name in EAST if side == "east" else WEST:
            self.scene.chains[side].fund(name, amount)

    def drain(self, side):
        """Until all of them have nothing: first nearly, for one may have a transaction of its own on its way."""
        chain = self.scene.chains[side]
        for left in (10**15, 0):
            for name in EAST if side == "east" else WEST:
                chain.drain(name, left)
                self.until(f"{name} has {left} wei at most", lambda n=name, at_most=left: chain.gas(n) <= at_most)

    def full(self, relay, lane):
        """Another block of messages would not fit."""
        log = self.log(relay, lane)
        return log and log["window_used"] > log["window"] - 2 * BLOCK * 400

    def walk(self):
        scene = self.scene
        out, back = scene.lanes
        scene.send(20)
        self.all_settled("20 messages each way")
        for side in scene.chains:
            self.drain(side)
        self.say("no relay can pay for gas any more")
        for _ in range(0, COUNT, BLOCK):
            height = {side: chain.height() for side, chain in scene.chains.items()}
            scene.send(BLOCK, PAYLOAD)
            self.until("a block later", lambda: all(c.height() > height[s] for s, c in scene.chains.items()))
        for lane in (out, back):
            for relay in (*EAST, MIDDLE, *WEST):
                self.until(f"{relay}'s window of {lane.name} is full", lambda r=relay: self.full(r, lane))
        before = [lane.counts() for lane in (out, back)]
        self.demand(all(c["delivered"] == 20 for c in before), f"delivered without gas: {before}")
        self.gas("west", 10**20)
        self.say("all windows are full, in both directions; the west delivers again")
        taken = lambda relay: self.log(relay, out)["settled"]  # noqa: E731
        for relay in (*EAST, MIDDLE, *WEST):
            self.until(f"{relay} knows all outcomes from the west", lambda r=relay: taken(r) == COUNT + 20)
        self.demand(back.counts()["delivered"] == 20, "the east delivered without gas")
        self.demand(all(self.full(relay, back) for relay in (*EAST, MIDDLE, *WEST)), "the other direction is not full any more")
        self.gas("east", 10**20)
        self.say("outcomes passed while the other direction was full; the east delivers again")


if __name__ == "__main__":
    main(Full)
