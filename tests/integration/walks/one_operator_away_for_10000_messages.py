#!/usr/bin/env python3
"""One operator of three is away for 10,000 messages. The other two go on without it; it comes back, catches up and signs again:
messages pass that need its signature. Nothing is lost."""
from walk import Walk, main

AWAY, PEER, SPARED = "east-gamma", "east-alpha", "east-beta"
COUNT, BLOCK = 10_000, 500  # messages in all; at once


class Long(Walk):
    def walk(self):
        scene = self.scene
        scene.send(40)
        self.all_settled("40 messages each way")
        self.kill(AWAY)
        self.say(f"{COUNT} messages while it is away")
        for _ in range(0, COUNT // 2, BLOCK):
            height = scene.chains["east"].height()
            scene.send(BLOCK, 20)
            self.until("a block later", lambda: scene.chains["east"].height() > height)
            self.progress(scene.counts())
        self.all_settled("all are sent")
        self.start(AWAY)
        self.attesting(AWAY, PEER)
        self.kill(SPARED)
        scene.send(60)
        self.all_settled(f"60 messages each way that need {AWAY}'s signature")
        self.start(SPARED)
        self.attesting(SPARED, PEER)


if __name__ == "__main__":
    main(Long)
