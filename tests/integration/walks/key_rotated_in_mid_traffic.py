#!/usr/bin/env python3
"""While messages flow, an operator changes its attester's key: the network document has the next epoch first, then the registry, by
the old epoch's quorum; for a while both epochs count; the operator's signer starts with the new key. When the overlap is over, and
another operator is gone, messages pass that need the new key."""
import threading

from walk import QUORUM, Walk, main, model

OPERATOR, SPARED = "east-alpha", "east-beta"
OVERLAP = 15  # seconds in which both epochs count
PACE = 5  # messages each way in a block


class Rotated(Walk):
    SCENE = {"open_keys": True}

    def flow(self, ends):
        """The senders: some messages in every block."""
        chain, height = self.scene.chains["east"], 0
        while not ends.wait(0.05):
            if chain.height() > height:
                height = chain.height()
                self.scene.send(PACE)

    def arrives(self, what):
        """Waits until messages arrive, both ways, that were sent after this moment."""
        self.say(what)
        goal = [(lane, lane.submitted + PACE) for lane in self.scene.lanes]
        self.until(what, lambda: all(lane.counts()["settled"] >= count for lane, count in goal))

    def restart(self, relay):
        self.scene.processes[relay].terminate()
        self.scene.processes[relay].wait(timeout=60)
        self.scene.start([relay], self.options.patience)

    def walk(self):
        ends = threading.Event()
        sender = threading.Thread(target=self.flow, args=(ends,), daemon=True)
        sender.start()
        try:
            self.rotation()
        finally:
            ends.set()
            sender.join(60)

    def rotation(self):
        scene, west = self.scene, self.scene.chains["west"]
        self.arrives("messages flow")
        new = scene.new_attester_key(OPERATOR, "attester-2.key")
        scene.epochs["west"].append({**scene.epochs["west"][-1], OPERATOR: new})
        members = scene.members("west")
        paper = scene.certificate("west", model.epoch_leaf(west.identity, west.registry.address, 2, QUORUM, OVERLAP, members))
        scene.publish()
        for relay in scene.relays:
            self.restart(relay)
        self.arrives("all relays have the document with the next epoch, which the registry does not know yet")
        west.registry.send("rotate", 2, QUORUM, OVERLAP, members, paper)
        self.arrives("the registry has begun the next epoch")
        scene.attester_file[OPERATOR] = "attester-2.key"
        scene.write_relay(OPERATOR)
        self.restart(OPERATOR)
        self.arrives(f"{OPERATOR} signs with its new key")
        end = west.registry.call("overlapEnd")
        self.until("only the new epoch counts", lambda: west.now() > end)
        scene.kill(SPARED)
        self.arrives(f"the old epoch is over, {SPARED} is killed: nothing passes without the new key")
        self.start(SPARED)


if __name__ == "__main__":
    main(Rotated)
