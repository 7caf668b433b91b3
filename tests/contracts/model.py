"""What the contracts must do, in plain Python: lists and dictionaries instead of packed slots, written from docs/formats.md.

A method either returns the events that the contract must emit, as (name, values), or raises Refusal with the name of the
contract's error. `now` is the time of the block in which the call runs."""

from crypto import keccak

ORDERED, RETRY = 1, 2
FULL, SEALED, HASH_ONLY = 0, 1, 2
MESSAGE, OUTCOME, SETTLEMENT = 1, 2, 3
DONE, FAILED, EXPIRED, WITHHELD, STRUCK, VOID = range(1, 7)
REVERTED, OUT_OF_GAS, NO_CODE, FORBIDDEN, DEADLINE = range(1, 6)
MAX_BATCH, MAX_PAYLOAD = 256, 16384


class Refusal(Exception):
    pass


def refuse_if(condition, name):
    if condition:
        raise Refusal(name)


# ---- docs/formats.md ----

def u(bits, value):
    return value.to_bytes(bits // 8, "big")


def h(tag, *fields):
    return keccak((b"isthmus/" + tag).ljust(15, b"\0") + b"\x01" + b"".join(fields))


def account(address):
    return bytes(12) + address


def network_id(name):
    return h(b"network", u(8, len(name)), name.encode())


def chain_id(number, genesis):
    caip2 = b"eip155:%d" % number
    return h(b"chain", u(8, len(caip2)), caip2, genesis)


def lane_id(network, source, outbox, sender, destination, inbox, receiver, mode, generation):
    return h(b"lane", network, source, outbox, sender, destination, inbox, receiver, u(8, mode), u(32, generation))


def log_id(lane, kind):
    return h(b"log", lane, u(8, kind), u(8, 1))


def commitment(salt, payload):
    return h(b"commit", salt, payload)


def popcount(bits):
    return bin(bits).count("1")


def record(time, form, class_, value, deadline, suites, commitments, salt=None, payload=None):
    """A message record; without payload: salt and payload None."""
    assert len(commitments) == popcount(suites)
    fields = u(64, time) + u(8, form) + u(32, class_) + u(256, value) + u(64, deadline) + u(8, suites)
    fields += b"".join(commitments)
    if payload is None:
        return fields + bytes(37)
    return fields + b"\1" + salt + u(32, len(payload)) + payload


def fields_of(item):
    """The part of a record that its digest covers."""
    return item[:54 + 32 * popcount(item[53])]


def without_payload(item):
    return fields_of(item) + bytes(37)


def digest_of(lane, sequence, item):
    return h(b"digest", lane, u(64, sequence), fields_of(item))


def run(running, element):
    return h(b"run", running, element)


def outcome_record(sequence, digest, status, reason):
    return u(64, sequence) + digest + u(8, status) + u(32, reason)


def head_leaf(log, count, running):
    return h(b"head", log, u(64, count), running)


def ruling_leaf(log, from_, to, running, status, rule, policy):
    return h(b"ruling", log, u(64, from_), u(64, to), running, u(8, status), u(32, rule), u(64, policy))


def close_leaf(lane, last, running, generation):
    return h(b"close", lane, u(64, last), running, u(32, generation))


def members_hash(members):
    return h(b"members", u(16, len(members)), *(u(16, o) + u(8, s) + account(k) for o, s, k in members))


def epoch_leaf(chain, registry, epoch, quorum, overlap, members):
    return h(b"epoch", chain, account(registry), u(64, epoch), u(16, quorum), u(64, overlap), members_hash(members))


def node(a, b):
    return h(b"node", min(a, b), max(a, b))


def signed(network, root):
    return h(b"signed", network, root)


def tree(leaves):
    """(root, the path of every leaf)."""
    level, paths, places = list(leaves), [[] for _ in leaves], list(range(len(leaves)))
    while len(level) > 1:
        for i, place in enumerate(places):
            if place ^ 1 < len(level):
                paths[i].append(level[place ^ 1])
            places[i] = place // 2
        level = [node(*level[i:i + 2]) if i + 1 < len(level) else level[i] for i in range(0, len(level), 2)]
    return level[0], paths


def certificate(network, epoch, leaf, keys, others=()):
    """An ABI certificate: every key signs the root of a tree over the leaf and the other leaves."""
    root, paths = tree([leaf, *others])
    return epoch, [(paths[0], *key.sign(signed(network, root))) for key in keys]


# ---- the contracts ----

class Registry:
    """Certificates reach the model as what they are worth: (epoch, leaf, the keys that signed it)."""

    def __init__(self, chain, address, quorum, members, recovery, delay):
        self.chain, self.address, self.recovery, self.delay = chain, address, recovery, delay
        self.epochs = {1: (quorum, members)}
        self.current, self.overlap_end, self.proposal = 1, 0, None

    def seats(self, epoch):
        return {key: (operator, side) for operator, side, key in self.epochs[epoch][1]}

    def verify(self, now, leaf, paper, closing=False):
        epoch, signed_leaf, keys = paper
        valid = epoch == self.current or (epoch and epoch + 1 == self.current and now < self.overlap_end)
        refuse_if(not valid, "EpochNotValid")
        seats = self.seats(epoch)
        # A signature over another leaf gives the address of a stranger.
        refuse_if(keys and (signed_leaf != leaf or any(k not in seats for k in keys)), "SignerUnknown")
        operators = {seats[k] for k in keys}
        refuse_if(len(operators) < self.epochs[epoch][0], "QuorumMissing")
        if closing:
            everyone = set(seats.values())
            for side in {s for _, s in everyone}:
                refuse_if(2 * sum(s == side for _, s in operators) <= sum(s == side for _, s in everyone), "SideMissing")

    def _begin(self, now, quorum, overlap, members, recovered):
        operators = len({o for o, _, _ in members})
        refuse_if(quorum > operators or 2 * quorum <= operators, "QuorumOutOfRange")
        self.current += 1
        self.epochs[self.current] = (quorum, members)
        self.overlap_end = now + overlap
        return [("EpochStarted", {"epoch": self.current, "quorum": quorum, "overlap": overlap, "recovered": recovered,
                                  "members": [list(m) for m in members]})]

    def rotate(self, now, epoch, quorum, overlap, members, paper):
        refuse_if(epoch != self.current + 1, "EpochNotNext")
        refuse_if(overlap > 30 * 86400, "OverlapTooLong")
        refuse_if(paper[0] != self.current, "EpochNotValid")
        self.verify(now, epoch_leaf(self.chain, self.address, epoch, quorum, overlap, members), paper)
        return self._begin(now, quorum, overlap, members, False)

    def proposeRecovery(self, now, sender, quorum, members):
        refuse_if(sender != self.recovery, "NotRecovery")
        self.proposal = (self.current + 1, quorum, members, now + self.delay)
        return [("RecoveryProposed", {"epoch": self.current + 1, "quorum": quorum, "executableAt": now + self.delay,
                                      "members": [list(m) for m in members]})]

    def executeRecovery(self, now, sender, quorum, members):
        proposed = self.proposal and self.proposal[:3] == (self.current + 1, quorum, members)
        refuse_if(not proposed, "RecoveryNotProposed")
        refuse_if(now < self.proposal[3], "RecoveryTooEarly")
        return self._begin(now, quorum, 0, members, True)


class Outbox:
    class Lane:
        def __init__(self, settings):
            self.settings = settings  # destination chain, inbox, receiver, sender, mode, suites, longest life, generation
            self.running = []  # R_0, R_1, …
            self.records, self.digests, self.time = [], [], 0
            self.taken = []  # outcome records
            self.outcomes = {}  # sequence -> (digest, status, reason)
            self.q = None
            self.closing = None  # last, R_last, next lane

        def mark(self):
            mark = 0
            while mark + 1 in self.outcomes:
                mark += 1
            return mark

    def __init__(self, network, chain, address, registry):
        self.network, self.chain, self.address, self.registry = network, chain, address, registry
        self.lanes = {}

    def _open(self, settings):
        destination, inbox, receiver, sender, mode, suites, life, generation = settings
        lane = lane_id(self.network, self.chain, account(self.address), account(sender), destination, inbox, receiver,
                       mode, generation)
        refuse_if(lane in self.lanes, "LaneExists")
        self.lanes[lane] = new = self.Lane(settings)
        new.running, new.q = [log_id(lane, MESSAGE)], log_id(lane, OUTCOME)
        return lane, [("Opened", {"lane": lane, "sender": sender, "destinationChain": destination, "inbox": inbox,
                                  "receiver": receiver, "mode": mode, "generation": generation, "suites": suites,
                                  "maxLifetime": life})]

    def open(self, sender, destination, inbox, receiver, mode, suites, life):
        refuse_if(mode > 3, "ModeInvalid")
        refuse_if(suites > 15 or not suites & 1, "SuitesInvalid")
        refuse_if(life == 0, "LifetimeInvalid")
        refuse_if(bytes(32) in (destination, inbox, receiver), "DestinationInvalid")
        return self._open((destination, inbox, receiver, sender, mode, suites, life, 1))[1]

    def send(self, now, sender, lane, form, class_, value, deadline, salt, payload, commitments):
        """commitments: those of the other suites for forms 0 and 1, all of them for form 2 (salt and payload are None)."""
        if form == HASH_ONLY:
            assert payload is None
        else:
            refuse_if(form > SEALED, "FormInvalid")
            refuse_if(len(payload) > MAX_PAYLOAD, "PayloadTooLong")
            commitments = [commitment(salt, payload), *commitments]
        known = self.lanes.get(lane)
        refuse_if(known is None or known.settings[3] != sender, "NotSender")
        refuse_if(known.closing, "LaneClosed")
        suites, life = known.settings[5:7]
        refuse_if(len(commitments) != popcount(suites), "CommitmentsCount")
        time = max(now, known.time)
        refuse_if(not time < deadline <= time + life, "DeadlineInvalid")
        known.time = time
        item = record(time, form, class_, value, deadline, suites, commitments, salt, payload)
        sequence = len(known.records) + 1
        known.records.append(item)
        known.digests.append(digest_of(lane, sequence, item))
        known.running.append(run(known.running[-1], known.digests[-1]))
        return [("Message", {"lane": lane, "sequence": sequence, "running": known.running[-1], "record": item})]

    def settle(self, now, lane, count, running, paper, records):
        """records: a list of outcome records, the last one entry `count`."""
        known = self.lanes.get(lane)
        refuse_if(known is None, "LaneUnknown")
        if count <= len(known.taken):
            return []
        refuse_if(not 1 <= len(records) <= min(MAX_BATCH, count), "RecordsLength")
        first = count - len(records) + 1
        refuse_if(first > len(known.taken) + 1, "EntriesGap")
        fresh = records[len(known.taken) + 1 - first:]
        limit, q, outcomes = known.closing[0] if known.closing else len(known.records), known.q, dict(known.outcomes)
        digests = {d for d, _, _ in outcomes.values()}
        for entry in fresh:
            sequence, digest = int.from_bytes(entry[:8], "big"), entry[8:40]
            status, reason = entry[40], int.from_bytes(entry[41:], "big")
            q = run(q, h(b"outcome", entry))
            refuse_if(not DONE <= status <= STRUCK, "EntryStatusInvalid")
            refuse_if(sequence == 0 or (sequence > limit and not known.closing), "EntrySequenceUnknown")
            if sequence <= limit:
                refuse_if(sequence in outcomes or digest in digests, "EntryRepeated")
                outcomes[sequence] = (digest, status, reason)
                digests.add(digest)
        refuse_if(q != running, "HeadDiffers")
        self.registry.verify(now, head_leaf(log_id(lane, OUTCOME), count, running), paper)
        start = len(known.taken) + 1
        known.taken += fresh
        known.q, known.outcomes = q, outcomes
        return [("Settled", {"lane": lane, "from": start, "to": count, "mark": known.mark(), "running": q,
                             "records": b"".join(fresh)})]

    def outcome(self, lane, sequence, digest):
        known = self.lanes[lane]
        found = known.outcomes.get(sequence)
        if found and found[0] == digest:
            return list(found[1:])
        return [VOID, 0] if known.closing and sequence > known.closing[0] else [0, 0]

    def close(self, now, lane, last, running, generation, paper):
        known = self.lanes.get(lane)
        refuse_if(known is None, "LaneUnknown")
        refuse_if(known.closing, "LaneClosed")
        refuse_if(generation != known.settings[7] + 1, "GenerationNotNext")
        refuse_if(last > len(known.records), "LastBeyondCount")
        refuse_if(last in (0, len(known.records)) and running != known.running[last], "HeadDiffers")
        self.registry.verify(now, close_leaf(lane, last, running, generation), paper, closing=True)
        next_lane, events = self._open((*known.settings[:7], generation))
        known.closing = (last, running, next_lane)
        return [*events, ("Closed", {"lane": lane, "last": last, "running": running, "nextGeneration": generation,
                                     "nextLane": next_lane})]


class Inbox:
    class Lane:
        def __init__(self, lane):
            self.digests = []  # of the accepted messages
            self.running = log_id(lane, MESSAGE)
            self.pending = {}  # sequence -> digest
            self.entries = []  # (sequence, digest, status, reason)
            self.q = log_id(lane, OUTCOME)
            self.closing = None  # last, R_last, next generation

    def __init__(self, network, chain, address, registry, receivers, forbidden):
        """receivers: address -> function(form) giving the reason of its failure, 0 for success; absent: no code."""
        self.network, self.chain, self.address, self.registry = network, chain, address, registry
        self.receivers, self.forbidden, self.lanes = receivers, forbidden, {}

    def id(self, key):
        source, outbox, sender, receiver, mode, generation = key
        return lane_id(self.network, source, outbox, sender, self.chain, account(self.address), account(receiver), mode,
                       generation)

    def _lane(self, key):
        refuse_if(key[4] > 3 or key[5] == 0, "LaneInvalid")
        lane = self.id(key)
        if lane not in self.lanes:
            self.lanes[lane] = self.Lane(lane)
        return lane, self.lanes[lane]

    def _enter(self, lane, known, sequence, digest, status, reason):
        known.q = run(known.q, h(b"outcome", outcome_record(sequence, digest, status, reason)))
        known.entries.append((sequence, digest, status, reason))
        known.pending.pop(sequence, None)
        return ("Outcome", {"lane": lane, "index": len(known.entries), "sequence": sequence, "digest": digest,
                            "status": status, "reason": reason, "running": known.q})

    def _decide(self, now, key, sequence, item):
        """(status or 0, reason) of a whole record; calls the receiver."""
        size = 54 + 32 * popcount(item[53])
        form, suites, has_payload, payload = item[8], item[53], item[size], item[size + 37:]
        if now > int.from_bytes(item[45:53], "big"):
            return EXPIRED, DEADLINE
        if not suites & 1 or form > HASH_ONLY or (form != HASH_ONLY and not has_payload):
            return 0, 0
        if has_payload:
            refuse_if(commitment(item[size + 1:size + 33], payload) != item[54:86], "PayloadDiffers")
        receiver = key[3]
        if receiver in self.forbidden or int.from_bytes(receiver, "big") < 0x10000:
            return FAILED, FORBIDDEN
        reason = self.receivers[receiver](form) if receiver in self.receivers else NO_CODE
        if reason == 0:
            return DONE, 0
        return (0 if key[4] & RETRY else FAILED), reason

    @staticmethod
    def _well_formed(item):
        if len(item) < 54 or len(item) < 91 + 32 * popcount(item[53]):
            return False
        size = 54 + 32 * popcount(item[53])
        present, salt, length = item[size], item[size + 1:size + 33], int.from_bytes(item[size + 33:size + 37], "big")
        if present > 1 or len(item) != size + 37 + length:
            return False
        return item[8] != HASH_ONLY if present else (length == 0 and salt == bytes(32))

    def _accept(self, key, known, to, running, digests):
        refuse_if(known.closing and to > known.closing[0], "BeyondClose")
        r = known.running
        for digest in digests:
            r = run(r, digest)
        refuse_if(r != running, "HeadDiffers")
        refuse_if(known.closing and to == known.closing[0] and r != known.closing[1], "HeadDiffers")
        if not known.digests and key[5] > 1:
            before = self.lanes.get(self.id((*key[:5], key[5] - 1)))
            refuse_if(before is None or not before.closing, "PreviousGenerationOpen")

    def deliver(self, now, key, count, running, paper, items):
        lane, known = self._lane(key)
        before = len(known.digests)
        if count <= before:
            return []
        refuse_if(not 1 <= len(items) <= min(MAX_BATCH, count), "ItemsCount")
        first = count - len(items) + 1
        refuse_if(first > before + 1, "ItemsGap")
        fresh = items[before + 1 - first:]
        digests = []
        for i, item in enumerate(fresh):
            refuse_if(len(item) != 32 and not self._well_formed(item), "RecordInvalid")
            digests.append(item if len(item) == 32 else digest_of(lane, before + 1 + i, item))
        self._accept(key, known, count, running, digests)
        self.registry.verify(now, head_leaf(log_id(lane, MESSAGE), count, running), paper)
        known.running = running
        events = [("Accepted", {"lane": lane, "from": before + 1, "to": count, "running": running})]
        for i, item in enumerate(fresh):
            sequence, status, reason = before + 1 + i, 0, 0
            if len(item) != 32 and (not key[4] & ORDERED or sequence == len(known.entries) + 1):
                status, reason = self._decide(now, key, sequence, item)
            known.digests.append(digests[i])
            if status:
                events.append(self._enter(lane, known, sequence, digests[i], status, reason))
            else:
                known.pending[sequence] = digests[i]
                events.append(("Pending", {"lane": lane, "sequence": sequence, "digest": digests[i], "reason": reason}))
        return events

    def _check_turn(self, key, known, sequence):
        refuse_if(key[4] & ORDERED and sequence != len(known.entries) + 1, "OutOfOrder")
        refuse_if(known.closing and sequence > known.closing[0], "BeyondClose")

    def execute(self, now, key, sequence, items):
        refuse_if(not 1 <= len(items) <= MAX_BATCH, "ItemsCount")
        lane, known = self._lane(key)
        events = []
        for n, item in enumerate(items, sequence):
            if n not in known.pending or not item:
                continue
            if events and key[4] & ORDERED and n != len(known.entries) + 1:
                break
            self._check_turn(key, known, n)
            refuse_if(not self._well_formed(item), "RecordInvalid")
            digest = known.pending[n]
            refuse_if(digest_of(lane, n, item) != digest, "DigestDiffers")
            status, reason = self._decide(now, key, n, item)
            if status:
                events.append(self._enter(lane, known, n, digest, status, reason))
            else:
                refuse_if(reason == 0, "PayloadMissing")
                events.append(("Pending", {"lane": lane, "sequence": n, "digest": digest, "reason": reason}))
        refuse_if(not events, "NotPending")
        return events

    def expire(self, now, key, sequence, item):
        lane, known = self._lane(key)
        refuse_if(sequence not in known.pending, "NotPending")
        self._check_turn(key, known, sequence)
        refuse_if(not self._well_formed(item), "RecordInvalid")
        refuse_if(digest_of(lane, sequence, item) != known.pending[sequence], "DigestDiffers")
        refuse_if(now <= int.from_bytes(item[45:53], "big"), "DeadlineNotPassed")
        return [self._enter(lane, known, sequence, known.pending[sequence], EXPIRED, DEADLINE)]

    def rule(self, now, key, ruling, paper, digests):
        lane, known = self._lane(key)
        from_, to, running, status, rule, policy = ruling
        before = len(known.digests)
        refuse_if(status not in (WITHHELD, STRUCK) or not 1 <= from_ <= to < from_ + MAX_BATCH, "RulingInvalid")
        refuse_if(from_ > before + 1, "ItemsGap")
        fresh = []
        if to > before:
            refuse_if(not 1 <= len(digests) <= min(MAX_BATCH, to), "ItemsCount")
            refuse_if(to - len(digests) + 1 > before + 1, "ItemsGap")
            fresh = digests[before - to + len(digests):]
            self._accept(key, known, to, running, fresh)
        else:
            refuse_if(known.closing and to > known.closing[0], "BeyondClose")
        leaf = ruling_leaf(log_id(lane, MESSAGE), from_, to, running, status, rule, policy)
        self.registry.verify(now, leaf, paper)
        events = []
        if fresh:
            events.append(("Accepted", {"lane": lane, "from": before + 1, "to": to, "running": running}))
            known.running = running
            known.digests += fresh
        events.append(("Ruled", {"lane": lane, "from": from_, "to": to, "status": status, "rule": rule,
                                 "policyVersion": policy}))
        for n in range(from_, to + 1):
            if n > before or n in known.pending:
                refuse_if(key[4] & ORDERED and n != len(known.entries) + 1, "OutOfOrder")
                events.append(self._enter(lane, known, n, known.digests[n - 1], status, rule))
        return events

    def close(self, now, key, last, running, generation, paper):
        lane, known = self._lane(key)
        refuse_if(known.closing, "LaneClosed")
        refuse_if(generation != key[5] + 1, "GenerationNotNext")
        refuse_if(last == 0 and running != log_id(lane, MESSAGE), "HeadDiffers")
        refuse_if(last != 0 and last == len(known.digests) and running != known.running, "HeadDiffers")
        self.registry.verify(now, close_leaf(lane, last, running, generation), paper, closing=True)
        known.closing = (last, running, generation)
        return [("Closed", {"lane": lane, "last": last, "running": running, "nextGeneration": generation})]
