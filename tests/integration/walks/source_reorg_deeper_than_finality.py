#!/usr/bin/env python3
"""The source forgets more blocks than it called final, and with them messages that were certified and delivered. The relays of its
operators see that, say so and take nothing more of that chain, not even after a restart. What its sender sends on the new history
goes nowhere. The operators of both sides close the lane behind the last message that both histories have: to its sender what is
beyond is void. They thaw the chain, and the next generation of the lane runs, as do the other lanes.

Relays make no closing records yet: here the operators' keys sign it."""
from walk import EAST, MODE_ORDERED, MODE_RETRY, Walk, main, model

DONE, VOID = 1, 6  # status of an outcome, docs/formats.md
KEPT, GONE, NEW = 20, 10, 5  # messages: in both histories, in the first, in the second
REASON = "chain-reorganised-past-finality"


class Reorg(Walk):
    SCENE = {"lanes": (("", MODE_ORDERED | MODE_RETRY), ("-other", MODE_ORDERED | MODE_RETRY)), "open_keys": True}
    MAY_SAY = (REASON,)

    def stop(self, relays):
        for relay in relays:
            self.scene.processes[relay].terminate()
        for relay in relays:
            self.scene.processes[relay].wait(timeout=60)

    def frozen(self, relay, lane):
        return self.log(relay, lane).get("frozen")

    def lose(self, lane):
        """Messages are certified and delivered; then their blocks were never there, and the sender sends others."""
        east = lane.source
        before = east.height()
        self.until("what settled them is final", lambda: east.height() > before + self.scene.finality_depth)
        before = east.height()
        lane.send(GONE, 50)
        self.until("the destination has them", lambda: lane.counts()["delivered"] == KEPT + GONE)
        self.say(f"the source forgets all blocks from {before} on; those {self.scene.finality_depth} blocks deep are final")
        east.reorganise(first=before)
        self.until("the messages are gone", lambda: lane.counts()["sent"] == KEPT)
        lane.forget(KEPT)
        lane.send(NEW, 60)
        self.until("its sender sends others", lambda: lane.counts()["sent"] == KEPT + NEW)

    def close(self, lane):
        """By all operators of either side: what arrives at the source is certified by the destination's, and the other way round."""
        last, running = KEPT, model.log_id(lane.id, model.MESSAGE)
        for number in range(1, last + 1):
            running = model.run(running, lane.message(number)[1])
        leaf = model.close_leaf(lane.id, last, running, lane.generation + 1)
        lane.destination.inbox.send("close", lane.key(), (last, running, lane.generation + 1), self.scene.certificate("west", leaf))
        lane.source.outbox.send("close", lane.id, last, running, lane.generation + 1, self.scene.certificate("east", leaf))
        lane.state = "closed"

    def walk(self):
        scene, lane = self.scene, self.scene.lanes[0]
        scene.send(2 * KEPT)
        self.all_settled(f"{KEPT} messages on each lane")
        self.lose(lane)
        for relay in EAST:
            self.until(f"{relay} freezes the chain", lambda r=relay: self.frozen(r, lane))
            self.demand(f"level=alarm reason={REASON} " in self.log_since(relay, 0), f"{relay} raises no alarm")
        self.stop(EAST)
        scene.start(EAST, self.options.patience)
        for relay in EAST:
            self.until(f"{relay} has it frozen after a restart", lambda r=relay: self.frozen(r, lane))
        self.demand(lane.counts()["delivered"] == KEPT + GONE, "something of the new history was delivered")
        self.say("all relays of the source have it frozen; the operators close the lane")
        self.close(lane)
        void = {number: lane.outcome(number)[0] for number in range(KEPT, KEPT + NEW + 1)}
        self.demand(all(status == VOID for number, status in void.items() if number > KEPT) and void[KEPT] == DONE,
                    f"its sender sees {void}")
        after = lane.next_generation()
        scene.lanes.append(after)
        scene.publish()
        self.stop(scene.relays)
        for relay in EAST:
            before, after_it = scene.thaw(relay), scene.thaw(relay, lane.source.caip2)
            self.demand(lane.source.caip2 in before and after_it == "nothing is frozen\n", f"{relay} has frozen {before!r}, then {after_it!r}")
        scene.start(scene.relays, self.options.patience)
        self.say("the next generation runs")
        scene.lanes.remove(lane)
        self.closed = lane
        for other in scene.lanes:
            other.send(10)

    def judge(self):
        report = super().judge()
        received = [e["sequence"] for event, e in self.closed.destination.history.events()
                    if event == "Received" and e["lane"] == self.closed.id]
        self.demand(received == list(range(1, KEPT + GONE + 1)), f"the receiver has these of the closed lane: {received}")
        seen = [self.closed.outcome(number)[0] for number in range(1, KEPT + NEW + 1)]
        self.demand(seen == [DONE] * KEPT + [VOID] * NEW, f"its sender sees {seen}")
        return report


if __name__ == "__main__":
    main(Reorg)
