#!/usr/bin/env python3
"""Plays random calls on the contracts and on the model, and compares events, refusals and the whole state after each step.

    fuzz.py [--seed S] [--steps N] [--report FILE]

Without a seed it takes one from the clock. The same seed and steps play the same game."""

import argparse
import collections
import json
import random
import sys
import time

import model
from crypto import Key
from evm import Contract
from model import HASH_ONLY, MESSAGE, OUTCOME, close_leaf, epoch_leaf, head_leaf, log_id, outcome_record, ruling_leaf
from play import (ACCEPT, BOMB, BOMB_REVERT, BURN, INVALID, REVERT, Play)

OPERATORS = 4  # names "a".."h": two keys each, operators on two sides


class Game:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.play = play = Play()
        for name in "abcdefgh":
            play.keys[name] = Key("fuzz " + name)
        recorder = Contract(play.chain, "Recorder", play.inbox.address)
        play.models["inbox"].receivers[recorder.address] = lambda form: 0
        self.receivers = [play.trickster.address] * 6 + [recorder.address] * 2 + [b"\xcc" * 20, play.registry.address]
        self.lanes = []  # (lane id, key), newest last
        self.counts = collections.Counter()

    # ---- choices

    def chance(self, percent):
        return self.random.randrange(100) < percent

    def lane(self):
        recent = self.lanes[-4:]  # few lanes at a time, so that each sees many calls
        still_open = [entry for entry in recent if not self.play.models["outbox"].lanes[entry[0]].closing]
        return self.random.choice(still_open if still_open and self.chance(80) else recent)

    def waiting_lane(self):
        """Mostly a lane where something is pending."""
        waiting = [entry for entry in self.lanes[-8:] if self.play.inbox_lane(entry[0]).pending]
        return self.random.choice(waiting) if waiting and self.chance(85) else self.lane()

    def names(self, epoch):
        """The names of keys that are members of an epoch, by operator."""
        seats = self.play.models["registry"].seats(epoch)
        found = collections.defaultdict(list)
        for name, key in self.play.keys.items():
            if key.address in seats:
                found[seats[key.address]].append(name)
        return found

    def signers(self, epoch, everyone=False):
        groups = self.names(epoch)
        if everyone and not self.chance(8):
            chosen = list(groups)
        else:
            quorum = self.play.models["registry"].epochs[epoch][0]
            count = quorum if not self.chance(12) else self.random.randrange(len(groups) + 1)
            chosen = self.random.sample(list(groups), count)
        names = [self.random.choice(groups[operator]) for operator in chosen]
        if self.chance(5):
            names += self.random.choice(list(groups.values()))  # the same operator once more
        if self.chance(3):
            names.append("stranger")
        self.random.shuffle(names)
        return names

    def paper(self, leaf, everyone=False):
        twin = self.play.models["registry"]
        epoch = twin.current
        if self.chance(10):
            epoch = max(1, epoch - self.random.choice((1, 1, 2)))
        names = self.signers(epoch, everyone)
        if self.chance(2):
            epoch += 1
        if self.chance(3):
            leaf = self.random.randbytes(32)
        others = [self.random.randbytes(32) for _ in range(self.random.choice((0, 0, 1, 3)))]
        return self.play.paper(leaf, names, epoch, others)

    def payload(self):
        return self.random.randbytes(self.random.choice((0, 1, 31, 32, 33, 100, 300)))

    def life(self, longest):
        longest = min(longest, 3600)
        return self.random.choice((0, 3601)) if self.chance(4) else self.random.choice((1, longest, min(longest, 40), longest // 2 or 1))

    def moment(self):
        """Most calls come a second after the last, some at or just after a deadline, a few much later."""
        now = self.play.clock
        if self.chance(6) and self.lanes:
            lane, _ = self.lane()
            if self.play.records(lane):
                item = self.random.choice(self.play.records(lane))
                return max(now + 1, int.from_bytes(item[45:53], "big") + self.random.choice((-1, 0, 1)))
        return now + (self.random.randrange(1, 200) if self.chance(5) else 1)

    # ---- moves: each makes one step and returns ((events, error name), lane or None)

    def open(self):
        sender = self.random.choice(self.play.chain.accounts[:8])
        result = self.play.open(mode=self.random.choice((0, 1, 2, 3, 3, 1, 4)), suites=self.random.choice((1, 1, 9, 15, 2)),
                                life=self.random.choice((0, 60, 300, 3600, 3600, 2**32 - 1)),
                                receiver=self.random.choice(self.receivers), sender=sender)
        if result[0]:
            lane = result[0][0][1]["lane"]
            self.lanes.append((lane, self.play.key_of(lane)))
        return result, None

    def send(self):
        lane, _ = self.lane()
        settings = self.play.models["outbox"].lanes[lane].settings
        form = self.random.choice((0, 0, 0, 1, 2))
        count = model.popcount(settings[5]) - (form != HASH_ONLY) + (self.random.choice((-1, 1)) if self.chance(2) else 0)
        result = self.play.send(
            lane, form, self.random.randrange(2**32), self.random.randrange(2**256),
            self.life(settings[6]), self.random.randbytes(32), self.payload(),
            [self.random.randbytes(32) for _ in range(max(0, count))],
            sender=settings[3] if not self.chance(3) else self.play.chain.accounts[9], at=self.moment())
        return result, lane

    def item(self, lane, n):
        item = self.play.records(lane)[n - 1]
        kind = self.random.randrange(40)
        if kind < 6:
            return self.play.models["outbox"].lanes[lane].digests[n - 1]
        if kind < 9:
            return self.play.fields_only(lane, n)
        if kind == 9:
            at = self.random.choice((self.random.randrange(len(item)), len(item) - 1, 8, 50))
            return item[:at] + bytes([item[at] ^ 1 << self.random.randrange(8)]) + item[at + 1:]
        if kind == 10:
            return item[:self.random.randrange(len(item))] or b"\0"
        return item

    def fix(self, items):
        """A changed record is 32 bytes long only by intent."""
        return [i + b"\0" if len(i) == 33 else i for i in items]

    def deliver(self):
        lane, key = self.lane()
        total, accepted = len(self.play.records(lane)), self.play.accepted(key)
        if total == 0:
            return self.send()
        count = self.random.randint(min(accepted + 1, total), total) if not self.chance(6) else self.random.randint(1, total)
        first = min(accepted + 1, count) if not self.chance(10) else self.random.randint(1, count)
        items = self.fix([self.item(lane, n) for n in range(first, count + 1)])
        running = self.play.head(lane, count)[1] if not self.chance(2) else self.random.randbytes(32)
        paper = self.paper(head_leaf(log_id(lane, MESSAGE), count, running))
        return self.play.deliver(lane, key, count, items, running, paper, at=self.moment()), lane

    def pending(self, lane):
        known = self.play.inbox_lane(lane)
        if known.pending and not self.chance(10):
            return min(known.pending) if self.chance(60) else self.random.choice(list(known.pending))
        return self.random.randint(1, len(self.play.records(lane)))

    def execute(self):
        lane, key = self.waiting_lane()
        if not self.play.records(lane):
            return self.send()
        first = self.pending(lane)
        last = min(len(self.play.records(lane)), first + self.random.choice((0, 0, 1, 5)))
        items = [self.item(lane, n) if not self.chance(5) else b"" for n in range(first, last + 1)]
        if self.chance(70):
            items = [self.play.records(lane)[n - 1] for n in range(first, last + 1)]
        return self.play.execute(key, first, items, at=self.moment()), lane

    def expire(self):
        lane, key = self.waiting_lane()
        if not self.play.records(lane):
            return self.send()
        n = self.pending(lane)
        item = self.item(lane, n)
        at = self.moment()
        if self.chance(50):
            item = self.play.fields_only(lane, n)
            at = max(at, int.from_bytes(item[45:53], "big") + self.random.choice((0, 1, 1, 1))) if self.chance(30) else at
        return self.play.expire(key, n, item, at=at), lane

    def rule(self):
        lane, key = self.lane()
        total, accepted = len(self.play.records(lane)), self.play.accepted(key)
        if total == 0:
            return self.send()
        start = len(self.play.inbox_lane(lane).entries) + 1 if self.chance(60) else accepted + 1
        from_ = min(start, total) if not self.chance(15) else self.random.randint(0, total)
        to = min(total, from_ + self.random.choice((0, 0, 1, 3))) if not self.chance(5) else self.random.randint(0, total)
        digests = self.play.models["outbox"].lanes[lane].digests[accepted:to]
        if self.chance(5):
            digests = self.play.models["outbox"].lanes[lane].digests[:to]
        if self.chance(3):
            digests = digests[1:]
        running = self.play.head(lane, to)[1]
        ruling = (from_, to, running, self.random.choice((4, 4, 5, 5, 3)), self.random.randrange(100), self.random.randrange(9))
        paper = self.paper(ruling_leaf(log_id(lane, MESSAGE), *ruling))
        return self.play.rule(lane, key, from_, to, digests, *ruling[3:], running=running, paper=paper, at=self.moment()), lane

    def settle(self):
        lane, _ = self.lane()
        entries = [outcome_record(*e) for e in self.play.inbox_lane(lane).entries]
        taken = len(self.play.models["outbox"].lanes[lane].taken)
        if not entries:
            return self.deliver()
        count = self.random.randint(min(taken + 1, len(entries)), len(entries)) if not self.chance(8) \
            else self.random.randint(1, len(entries))
        first = min(taken + 1, count) if not self.chance(10) else self.random.randint(1, count)
        records = entries[first - 1:count]
        if self.chance(4):  # a lying quorum: the head fits, but the entries repeat, or speak of what was never sent
            i = self.random.randrange(len(records))
            sequence = self.random.choice((0, 1, 2, len(self.play.records(lane)) + 1))
            records[i] = outcome_record(sequence, self.random.randbytes(32), self.random.choice((0, 1, 5, 6)), 0)
        running = self.play.models["outbox"].lanes[lane].q
        if first > taken + 1 or self.chance(2):
            running = self.random.randbytes(32)
        else:
            for entry in records[taken + 1 - first:]:
                running = model.run(running, model.h(b"outcome", entry))
        lying = records != entries[first - 1:count] and count > taken
        paper = self.paper(head_leaf(log_id(lane, OUTCOME), count, running))
        result = self.play.settle(lane, count, records, running, paper)
        if lying and result[0]:
            self.lanes = [(i, k) for i, k in self.lanes if i != lane]  # its two sides have parted for good
        return result, lane

    def close(self):
        lane, key = self.lane()
        half = [entry for entry in self.lanes if self.play.models["outbox"].lanes[entry[0]].closing
                and not self.play.inbox_lane(entry[0]).closing]
        if half and self.chance(60):
            lane, key = self.random.choice(half)  # closed at one end
        known = self.play.models["outbox"].lanes[lane]
        total = len(known.records)
        last = total if self.chance(60) else self.random.randint(0, total + 1)
        running = known.running[last] if last <= total and not self.chance(5) else self.random.randbytes(32)
        generation = key[5] + 1 if not self.chance(5) else self.random.randrange(4)
        if self.chance(50) and not self.play.inbox_lane(lane).closing:
            if known.closing:
                last, running = known.closing[:2]
            paper = self.paper(close_leaf(self.play.models["inbox"].id(key), last, running, generation), True)
            return self.play.close_inbox(lane, key, last, running, generation, paper), lane
        paper = self.paper(close_leaf(lane, last, running, generation), True)
        result = self.play.close_outbox(lane, last, running, generation, paper)
        if result[0]:
            after = known.closing[2]
            self.lanes.append((after, self.play.key_of(after)))
        return result, lane

    def some_members(self):
        names = self.random.sample("abcdefgh", self.random.randint(3, 8))
        members = {}
        for i, name in enumerate(names):
            operator = i % OPERATORS
            members[name] = (operator, operator % 2, self.play.keys[name].address)
        chosen = sorted(members.values(), key=lambda m: (m[0], m[2]))
        count = len({m[0] for m in chosen})
        return count // 2 + 1 if not self.chance(5) else self.random.randrange(count + 2), chosen

    def rotate(self):
        twin, play = self.play.models["registry"], self.play
        quorum, members = self.some_members()
        epoch = twin.current + 1 if not self.chance(5) else self.random.randrange(twin.current + 3)
        overlap = self.random.choice((0, 5, 100, 1000, 30 * 86400, 30 * 86400 + 1))
        leaf = epoch_leaf(play.identity, play.registry.address, epoch, quorum, overlap, members)
        paper = self.paper(leaf)
        return play.step("registry", "rotate", (epoch, quorum, overlap, members, paper.model),
                         (epoch, quorum, overlap, members, paper.abi), at=self.moment()), None

    def recover(self):
        """The recovery address proposes, or somebody executes: mostly what was proposed, rarely in time."""
        proposal, accounts = self.play.models["registry"].proposal, self.play.chain.accounts
        if proposal and self.chance(60):
            _, quorum, members, ready = proposal
            at = max(self.play.clock + 1, ready + self.random.choice((-1, 0, 1))) if self.chance(40) else None
            return self.play.recover("executeRecovery", quorum, members, accounts[0], at), None
        quorum, members = self.some_members()
        sender = accounts[9] if not self.chance(10) else accounts[1]
        return self.play.recover("proposeRecovery", quorum, members, sender), None

    def mood(self):
        self.play.set_mode(self.random.choice((ACCEPT, ACCEPT, ACCEPT, REVERT, REVERT, BURN, INVALID, BOMB, BOMB_REVERT)))
        return ([], None), None

    MOVES = {open: 3, send: 34, deliver: 22, execute: 14, expire: 8, rule: 6, settle: 12, close: 2, rotate: 1, recover: 1, mood: 6}

    def step(self):
        moves = list(self.MOVES)
        move = self.random.choices(moves, [self.MOVES[m] for m in moves])[0] if len(self.lanes) >= 2 else Game.open
        (_, refused), lane = move(self)
        self.counts["mood" if move is Game.mood else self.play.last, refused or "ok"] += 1
        if lane:
            self.play.compare(lane)
        elif move in (Game.rotate, Game.recover):
            self.compare_registry()

    def compare_registry(self):
        twin, registry = self.play.models["registry"], self.play.registry
        assert registry.call("current") == twin.current and registry.call("overlapEnd") >= twin.overlap_end
        for epoch, (quorum, members) in twin.epochs.items():
            operators = len({m[0] for m in members})
            valid = epoch == twin.current or (epoch + 1 == twin.current and self.play.chain.now() < twin.overlap_end)
            assert registry.call("epochInfo", epoch) == [quorum, operators, model.members_hash(members), valid], epoch


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--report")
    options = parser.parse_args()
    seed = time.time_ns() % 2**32 if options.seed is None else options.seed
    print(f"fuzz: seed {seed}, {options.steps} steps; the same again: fuzz.py --seed {seed} --steps {options.steps}", flush=True)
    game, start, step = Game(seed), time.monotonic(), 0
    ok = False
    try:
        for step in range(1, options.steps + 1):
            game.step()
        ok = True
    except AssertionError as difference:
        print(f"fuzz: seed {seed}, step {step}: {difference}", file=sys.stderr)
    finally:
        game.play.close()
    seconds = time.monotonic() - start
    for (move, result), count in sorted(game.counts.items()):
        print(f"  {move:24} {result:24} {count:6}")
    entries = sum(len(lane.entries) for lane in game.play.models["inbox"].lanes.values())
    print(f"fuzz: {step} steps, {entries} outcomes, {seconds:.1f} s: {'ok' if ok else 'DIFFERS'}")
    if options.report:
        with open(options.report, "w", encoding="ascii") as file:
            json.dump({"seed": seed, "steps": step, "outcomes": entries, "seconds": round(seconds, 3), "ok": ok,
                       "calls": {f"{m}:{r}": c for (m, r), c in sorted(game.counts.items())}}, file, indent=1)
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
