"""What a play looked like from outside: stalls, how fast it was complete, the curve of what was behind."""

STEPS = 24  # lines of a curve that is printed
HEALED_EVERY, HEALED_STEPS = 0.5, 40  # seconds between points of the curve after the last heal; how many at most


class Measure:
    def __init__(self, play):
        self.play, self.scene, self.zero = play, play.scene, play.zero
        watch = self.scene.watch
        self.sent = {key: at - self.zero for key, at in list(watch.sent.items())}
        self.delivered = {key: at - self.zero for key, at in list(watch.delivered.items())}

    def healed(self):
        """When the last fault was over; the end of the load if there was none."""
        ends = [fault.ended - self.zero for fault in self.play.faults]
        return max(ends) if ends else self.play.scenario.load["seconds"]

    def complete_after(self):
        """Seconds from then until all that was sent before was delivered; None: it never was."""
        healed = self.healed()
        before = [key for key, at in self.sent.items() if at <= healed]
        if any(key not in self.delivered for key in before):
            return None
        return max([0.0] + [self.delivered[key] - healed for key in before])

    def longest_stall(self):
        """The longest time for which a lane had messages under way and delivered none."""
        longest = 0.0
        for lane in self.scene.lanes:
            moves = sorted([(at, 1) for key, at in self.sent.items() if key[0] == lane.id]
                           + [(self.delivered[key], -1) for key in self.sent if key[0] == lane.id and key in self.delivered])
            waiting, since = 0, 0.0
            for at, step in moves:
                if step < 0 or waiting == 0:
                    longest = max(longest, at - since if waiting else 0.0)
                    since = at
                waiting += step
        return longest

    def unproven(self):
        """Messages that a receiver has and its source never sent, or not with this content; and heads that a relay calls certified
        beyond what the chain holds where that log is written."""
        bad, by_chain = 0, {}
        for lane in self.scene.lanes:
            for chain in (lane.source, lane.destination):
                if chain.side not in by_chain:
                    by_chain[chain.side] = list(chain.history.events())
            sent = {e["sequence"] for event, e in by_chain[lane.source.side] if event == "Message" and e["lane"] == lane.id}
            for event, e in by_chain[lane.destination.side]:
                if event == "Received" and e["lane"] == lane.id:
                    bad += e["sequence"] not in sent or e["payloadHash"] != lane.digest(e["sequence"])
            wrote = {"message": len(sent), "outcome": sum(event == "Outcome" and e["lane"] == lane.id
                                                          for event, e in by_chain[lane.destination.side])}
            for relay in self.scene.relays:
                marks = self.play.marks(relay)
                bad += sum(marks.get((lane.name, kind), 0) > most for kind, most in wrote.items())
        return bad

    def count(self, at):
        """{side: messages sent there by then and not delivered yet}."""
        behind = dict.fromkeys(sorted({lane.source.side for lane in self.scene.lanes}), 0)
        side_of = {lane.id: lane.source.side for lane in self.scene.lanes}
        for key, sent in self.sent.items():
            if sent <= at and key[0] in side_of and self.delivered.get(key, at + 1) > at:
                behind[side_of[key[0]]] += 1
        return behind

    def after_heal(self):
        """[(seconds from the last heal, messages sent before it and not delivered yet)], until there are none."""
        healed, found = self.healed(), []
        before = [self.delivered.get(key) for key, at in self.sent.items() if at <= healed]
        for step in range(-2, HEALED_STEPS):
            at = healed + step * HEALED_EVERY
            found.append((step * HEALED_EVERY, sum(end is None or end > at for end in before)))
            if found[-1][1] == 0:
                break
        return found

    def behind(self, steps=200):
        """[(seconds, {side: messages sent there and not delivered yet})], from the beginning to the last delivery."""
        end = max([1.0, self.healed(), *self.delivered.values()])
        return [(end * step / steps, self.count(end * step / steps)) for step in range(steps + 1)]

    def tell(self, result):
        print("\n  messages sent and not delivered yet; faults that last, by their first letters\n")
        rows = self.behind(STEPS)
        most = max([1] + [sum(behind.values()) for _, behind in rows])
        for at, behind in rows:
            total = sum(behind.values())
            mark = "".join(sorted({fault.kind[0].upper() for fault in self.play.faults
                                   if fault.began - self.zero <= at < fault.ended - self.zero}))
            print(f"  {at:7.1f} s {total:6} {mark:5} {'#' * (50 * total // most)}")
        print("\n  after the last fault: messages sent before its end and not delivered yet\n")
        for at, left in self.after_heal():
            print(f"  {at:+7.1f} s {left:6}       {'#' * (50 * left // most)}")
        complete = result["complete_after_ms"]
        print(f"\n  {result['scenario']}: sent {result['sent']}, delivered {result['delivered']}, settled {result['settled']}; lost "
              f"{result['lost']}, twice {result['duplicates']}, out of order {result['out_of_order']}, unproven {result['unproven']}\n"
              f"  longest stall of a lane {result['longest_stall_ms'] / 1000:.1f} s; what was sent before the last fault was over was complete "
              f"{'never' if complete is None else f'{complete / 1000:.1f} s'} after it\n"
              f"  the machine kept this program itself waiting for at most {result['machine_stall_ms'] / 1000:.1f} s\n", flush=True)
