"""Random scenarios: the same seed gives the same text. What is found with one is kept as a file."""

import random

SHAPES = (  # zones (name, chain, relays), links
    ([("east", "east", 3), ("strait", None, 1), ("west", "west", 3)], [("east", "strait"), ("strait", "west")]),
    ([("east", "east", 3), ("strait", None, 2), ("west", "west", 3)], [("east", "strait"), ("strait", "west")]),
    ([("east", "east", 3), ("north", None, 1), ("south", None, 1), ("west", "west", 3)],
     [("east", "north"), ("east", "south"), ("north", "west"), ("south", "west")]),
    ([("east", "east", 3), ("west", "west", 4)], [("east", "west")]),
)
ATTESTERS = 3  # of a zone with a chain
LONGEST, EVENTS = 8.0, (3, 9)  # seconds that a fault lasts; faults


class Draw:
    def __init__(self, seed):
        self.random, self.seed = random.Random(seed), seed
        self.zones, self.links = self.random.choice(SHAPES)
        self.relays = [f"{zone}-{i}" for zone, _, count in self.zones for i in range(1, count + 1)]
        self.attesters = [f"{zone}-{i}" for zone, chain, count in self.zones if chain for i in range(1, ATTESTERS + 1)]
        self.sources, self.seconds, self.busy = self.random.choice((2, 3)), self.random.randint(16, 30), {}

    def some(self, most=3, of=None):
        pool = of or self.relays
        return sorted(self.random.sample(pool, self.random.randint(1, min(most, len(pool)))))

    def sides(self):
        """Two sets of relays with nobody in both."""
        if self.random.random() < 0.5:
            a = self.random.choice([zone for zone, _, _ in self.zones])
            return a, "rest"
        mixed = self.random.sample(self.relays, len(self.relays))
        at = self.random.randint(1, len(mixed) - 1)
        return sorted(mixed[:at]), sorted(mixed[at:])

    def free(self, relays, at, end):
        """Whether these have no other such fault then; from now on they have."""
        if any(at < other_end and start < end for relay in relays for start, other_end in self.busy.get(relay, ())):
            return False
        for relay in relays:
            self.busy.setdefault(relay, []).append((at, end))
        return True

    def fault(self):
        roll = self.random
        kind = roll.choice(("partition", "partition", "cut-one-way", "loss", "flap", "rate", "delay", "kill", "kill", "freeze", "power-cut",
                            "disk-full", "clock", "crash-loop", "rpc", "reorg"))
        at, lasts = round(roll.uniform(1, self.seconds - 6), 1), round(roll.uniform(0.5, LONGEST), 1)
        words = {"at": at, "for": lasts, "fault": kind}
        if kind in ("partition", "loss", "flap"):
            words["between"] = list(self.sides())
            words |= {"percent": roll.randint(5, 30)} if kind == "loss" else {"every": roll.choice((1, 2, 3))} if kind == "flap" else {}
        elif kind == "cut-one-way":
            words["from"], words["to"] = self.sides()
        elif kind == "rate":
            words |= {"hosts": self.some(2), "kbit": roll.choice((128, 256, 1024))}
        elif kind == "delay":
            words |= {"hosts": self.some(2), "ms": roll.choice((20, 100, 400)), "jitter_ms": roll.choice((0, 20, 100)), "reorder_percent": 10}
        elif kind == "reorg":
            del words["for"]
            words |= {"chain": roll.choice(("east", "west")), "depth": roll.randint(1, 2)}
        elif kind == "rpc":
            words |= {"relays": self.some(2, self.attesters), "source": f"node-{roll.randint(1, self.sources)}",
                      "does": roll.choice(("stalls", "garbage", "hangs-up", "lies"))}
        else:
            words["relays"] = self.some(3, self.attesters if kind == "crash-loop" else None)
            words |= {"seconds": roll.choice((-7200, -1800, 1800, 7200))} if kind == "clock" else {}
            words |= {"process": roll.choice(("signer", "node-1", "node-2")), "every": 0.5} if kind == "crash-loop" else {}
            if not self.free(words["relays"], at, at + lasts):
                return None
        return words

    def text(self):
        faults = sorted(filter(None, (self.fault() for _ in range(self.random.randint(*EVENTS)))), key=lambda one: one["at"])
        out = [f"about: Drawn from seed {self.seed}.", "topology:", "  zones:"]
        out += [f"    - {{name: {zone}, {f'chain: {chain}, attesters: {ATTESTERS}, ' if chain else ''}relays: {count}}}" for zone, chain, count in self.zones]
        out += [f"  links: {flow([list(pair) for pair in self.links])}", f"  sources: {self.sources}",
                f"load: {{rate: {self.random.choice((5, 10, 20))}, seconds: {self.seconds}, payload: [0, 256]}}", "timeline:"]
        out += [f"  - {flow(one)}" for one in faults]
        return "\n".join(out) + "\n"


def flow(value):
    """A value on one line of YAML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {flow(one)}" for key, one in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(flow, value)) + "]"
    return str(value)
