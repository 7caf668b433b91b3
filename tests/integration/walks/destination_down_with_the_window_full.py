#!/usr/bin/env python3
"""The destination is down while traffic goes on. What relays take stops at the lane's window; the rest waits at the source. When the
destination is back, all arrives, in few calls of at most 256 messages."""
from walk import EAST, MIDDLE, MODE_ORDERED, MODE_RETRY, OPERATORS, Walk, main

COUNT, BLOCK, PAYLOAD, BATCH = 2000, 100, 240, 256  # messages, of which a window holds 720; at once; bytes; in one call


class Down(Walk):
    SCENE = {"window": "256KiB", "payload_max": 256, "lanes": (("", MODE_ORDERED | MODE_RETRY),)}

    def accepted(self, lane):
        """(from, to) of each call in which the inbox accepted messages."""
        return [(e["from"], e["to"]) for event, e in lane.destination.history.events() if event == "Accepted" and e["lane"] == lane.id]

    def bounded(self, lane):
        for relay in (*EAST, MIDDLE):
            log = self.log(relay, lane)
            self.demand(not log or log["window_used"] <= log["window"], f"{relay} holds more than the window: {log}")

    def walk(self):
        lane = self.scene.lanes[0]
        self.scene.send(20)
        self.all_settled("20 messages each way")
        self.say(f"the west goes down; the east sends {COUNT} messages")
        before = len(self.accepted(lane))
        lane.destination.kill(True)
        for _ in range(0, COUNT, BLOCK):
            height = lane.source.height()
            lane.send(BLOCK, PAYLOAD)
            self.until("a block later", lambda: lane.source.height() > height)
            self.bounded(lane)
        self.until("all is sent", lambda: lane.source.outbox.call("state", lane.id)[0] == lane.submitted)
        for relay in EAST:
            self.until(f"{relay} says that the window is full", lambda r=relay: self.log(r, lane).get("cause", "").startswith("window full"))
        self.bounded(lane)
        stored = {relay: self.log(relay, lane)["stored"] for relay in EAST}
        self.demand(max(stored.values()) < lane.submitted // 2, f"more than a window was taken: {stored}")
        self.say(f"windows are full after {max(stored.values())} of {lane.submitted} messages; the west is back")
        lane.destination.restart()
        back = lane.destination.height() + 1
        self.all_settled("all arrives")
        calls = self.accepted(lane)[before:]
        self.demand(all(last - first < BATCH for first, last in calls), f"a call of more than {BATCH} messages: {calls}")
        paid = lane.destination.transactions(lane.destination.inbox, "deliver", back)
        self.say(f"{len(calls)} calls for {COUNT} messages, {paid} paid for")
        self.demand(len(calls) <= 3 * COUNT // BATCH, f"{len(calls)} calls for {COUNT} messages: {calls}")
        self.demand(paid <= len(OPERATORS) * len(calls), f"{paid} calls were paid for, of which {len(calls)} did anything")


if __name__ == "__main__":
    main(Down)
