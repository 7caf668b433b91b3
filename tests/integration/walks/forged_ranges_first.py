#!/usr/bin/env python3
"""A certified member lies: before any message exists, one of three operators makes up the first ones of its lanes, signs their heads and
tells everybody, and answers every request with them. Relays that cannot see the ledger keep its word for a claim, until the quorum's
comes; those that can refuse it. All that was really sent arrives, and nothing else."""
from walk import EAST, MIDDLE, WEST, Walk, main, spawn

LIAR = "east-gamma"
FORGED, COUNT = 50, 200  # messages of each lane that the liar makes up; messages each way that are sent


class Forged(Walk):
    SCENE = {"open_keys": True}
    MAY_SAY = ("head-contradicts-proven",)  # those who have proven the truth say so of the liar's heads

    def begin(self):
        scene = self.scene
        scene.prepare()
        scene.start([relay for relay in scene.relays if relay != LIAR])
        with open(scene.folder / LIAR / "log", "ab") as log:
            scene.processes[LIAR] = spawn([scene.build / "tests/integration/walks/liar", scene.folder / LIAR / "relay.yaml", FORGED], log)

    def walk(self):
        scene = self.scene
        lanes = [lane for lane in scene.lanes if lane.source.side == "east"]
        for relay in (MIDDLE, *WEST):
            self.until(f"{relay} holds the forged messages for a claim", lambda r=relay: all(
                self.log(r, lane).get("stored") == FORGED for lane in lanes))
        self.demand(all(self.log(relay, lane)["certified"] == 0 for relay in (MIDDLE, *WEST) for lane in lanes), "a lie was certified")
        self.say(f"{LIAR} has told {FORGED} forged messages of each lane, and all who cannot see the ledger hold them")
        for _ in range(10):
            height = scene.chains["east"].height()
            scene.send(COUNT // 10)
            self.until("a block later", lambda: scene.chains["east"].height() > height)
        self.all_settled(f"{COUNT} messages each way")
        for relay in (MIDDLE, *WEST):
            self.demand("reason=claim-replaced-by-certificate" in self.log_since(relay, 0), f"{relay} did not say that a claim was replaced")
        for relay in EAST:
            self.demand(relay == LIAR or all(self.log(relay, lane)["proven"] == lane.submitted for lane in lanes), f"{relay} has not proven all")
        self.demand("asked" in self.log_since(LIAR, 0), "nobody ever asked the liar")
        scene.kill(LIAR)


if __name__ == "__main__":
    main(Forged)
