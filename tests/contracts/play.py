"""The contracts on a real anvil and the model, side by side: every call is made on both, and events, refusals and state compared."""

import copy
import unittest

import model
from crypto import Key
from evm import Anvil, Contract, Refused
from model import (MESSAGE, ORDERED, OUTCOME, RETRY, SETTLEMENT, Refusal, account, certificate, close_leaf, head_leaf, log_id,
                   ruling_leaf, without_payload)

NETWORK = "demo"
RECEIVER_GAS = 300_000
MODES = (0, ORDERED, RETRY, ORDERED | RETRY)
(ACCEPT, REVERT, BURN, INVALID, BOMB, BOMB_REVERT, CALL, DESTROY, NEED) = range(9)
REASONS = {ACCEPT: 0, REVERT: 1, BURN: 2, INVALID: 2, BOMB: 0, BOMB_REVERT: 1, CALL: 0, DESTROY: 0}


class Paper:
    """A certificate, as the model takes it and as the contracts do."""

    def __init__(self, network, leaf, keys, epoch=1, others=()):
        self.model = (epoch, leaf, [k.address for k in keys])
        self.abi = certificate(network, epoch, leaf, keys, others)


class Play:
    """One chain with a registry, an outbox and an inbox; lanes lead from the chain to itself."""

    def __init__(self, hardfork="prague", recovery=None, receiver_gas=RECEIVER_GAS):
        self.chain = Anvil(hardfork=hardfork)
        try:
            self._deploy(recovery, receiver_gas)
        except BaseException:
            self.chain.close()
            raise

    def _deploy(self, recovery, receiver_gas):
        # operators 1 and 2 on side 0, operator 3 on side 1; operator 1 has a second key
        self.keys = {name: Key(name) for name in ("1", "1b", "2", "3", "stranger")}
        members = sorted([(1, 0, self.keys["1"].address), (1, 0, self.keys["1b"].address), (2, 0, self.keys["2"].address),
                          (3, 1, self.keys["3"].address)])
        self.network = model.network_id(NETWORK)
        chain, genesis = self.chain, self.chain.genesis
        recovery = recovery or chain.accounts[9]
        self.registry = Contract(chain, "Registry", self.network, genesis, 2, members, recovery, 86400)
        self.outbox = Contract(chain, "Outbox", self.network, genesis, self.registry.address)
        self.inbox = Contract(chain, "Inbox", self.network, genesis, self.registry.address, self.outbox.address,
                              receiver_gas)
        self.trickster = Contract(chain, "Trickster")
        self.identity = model.chain_id(31337, genesis)
        self.mode = ACCEPT
        registry = model.Registry(self.identity, self.registry.address, 2, members, recovery, 86400)
        self.models = {
            "registry": registry,
            "outbox": model.Outbox(self.network, self.identity, self.outbox.address, registry),
            "inbox": model.Inbox(self.network, self.identity, self.inbox.address, registry,
                                 {self.trickster.address: lambda form: REASONS[self.mode]},
                                 {self.registry.address, self.outbox.address, self.inbox.address}),
        }
        self.clock = chain.now()

    def close(self):
        self.chain.close()

    # ---- one step on both

    def step(self, contract, method, model_arguments, abi_arguments, at=None, sender=None):
        """Makes the call on both at block time `at` (by default a second later). Returns (events, None) or (None, error name)."""
        self.clock, self.last = max(self.clock + 1, at or 0), f"{contract}.{method}"
        twin, backup = self.models[contract], copy.copy(self.models[contract].__dict__)
        if contract != "registry":
            backup["lanes"] = copy.copy(twin.lanes)
            touched = self._lane_of(contract, model_arguments)
            if touched in backup["lanes"]:
                backup["lanes"][touched] = copy.deepcopy(twin.lanes[touched])
        try:
            expected, refused = getattr(twin, method)(*([] if method == "open" else [self.clock]), *model_arguments), None
        except Refusal as refusal:
            expected, refused = None, str(refusal)
            twin.__dict__.update(backup)
        self.chain.next_time(self.clock)
        abi_method = "sendCommitment" if method == "send" and model_arguments[2] == model.HASH_ONLY else method
        try:
            self.receipt = getattr(self, contract).send(abi_method, *abi_arguments, sender=sender)
            events, name = self.receipt.events, None
        except Refused as refusal:
            events, name = None, refusal.name or str(refusal)
            self.refusal = refusal
        assert (events, name) == (expected, refused), \
            f"{contract}.{method}: the contract said {name or events}, the model {refused or expected}"
        return events, name

    def _lane_of(self, contract, arguments):
        first = arguments[0]
        if contract == "inbox":
            return self.models["inbox"].id(first) if first[4] < 256 else None
        return first if len(first) == 32 else arguments[1]  # send: the lane follows the sender

    # ---- papers

    def signers(self, names):
        return [self.keys[n] for n in names]

    def paper(self, leaf, names=("1", "3"), epoch=None, others=()):
        epoch = self.models["registry"].current if epoch is None else epoch
        return Paper(self.network, leaf, self.signers(names), epoch, others)

    # ---- calls; each returns what step returns

    def open(self, mode=0, suites=1, life=3600, receiver=None, sender=None, destination=None, inbox=None):
        sender = sender or self.chain.accounts[0]
        receiver = self.trickster.address if receiver is None else receiver
        arguments = (destination or self.identity, inbox or account(self.inbox.address), account(receiver), mode, suites, life)
        return self.step("outbox", "open", (sender, *arguments), arguments, sender=sender)

    def opened(self, **options):
        """(lane id, the lane's key at the inbox) of a new lane."""
        events, refused = self.open(**options)
        assert events, refused
        return events[0][1]["lane"], self.key_of(events[0][1]["lane"])

    def key_of(self, lane):
        _, _, receiver, sender, mode, _, _, generation = self.models["outbox"].lanes[lane].settings
        return (self.identity, account(self.outbox.address), account(sender), receiver[12:], mode, generation)

    def send(self, lane, form=0, class_=7, value=0, life=600, salt=b"s" * 32, payload=b"hello", commitments=(), sender=None,
             deadline=None, at=None):
        sender = sender or self.chain.accounts[0]
        now = max(self.clock + 1, at or 0)
        deadline = now + life if deadline is None else deadline
        if form == model.HASH_ONLY:
            salt = payload = None
            abi = (lane, form, class_, value, deadline, list(commitments))
        else:
            abi = (lane, form, class_, value, deadline, salt, payload, list(commitments))
        return self.step("outbox", "send", (sender, lane, form, class_, value, deadline, salt, payload, list(commitments)),
                         abi, at=at, sender=sender)

    def records(self, lane):
        return self.models["outbox"].lanes[lane].records

    def head(self, lane, count=None):
        known = self.models["outbox"].lanes[lane]
        count = len(known.records) if count is None else count
        return count, known.running[count]

    def deliver(self, lane, key, count=None, items=None, running=None, paper=None, at=None):
        """By default all that the inbox has not accepted, whole."""
        count = len(self.records(lane)) if count is None else count
        running = self.models["outbox"].lanes[lane].running[count] if running is None else running
        if items is None:
            items = self.records(lane)[self.accepted(key):count]
        paper = paper or self.paper(head_leaf(log_id(self.models["inbox"].id(key), MESSAGE), count, running))
        return self.step("inbox", "deliver", (key, count, running, paper.model, items),
                         (key, (count, running), paper.abi, items), at=at)

    def execute(self, key, sequence, items, at=None):
        return self.step("inbox", "execute", (key, sequence, items), (key, sequence, items), at=at)

    def expire(self, key, sequence, item, at=None):
        return self.step("inbox", "expire", (key, sequence, item), (key, sequence, item), at=at)

    def rule(self, lane, key, from_, to, digests=None, status=model.WITHHELD, rule=12, policy=5, running=None, paper=None,
             at=None):
        known = self.models["outbox"].lanes[lane]
        running = known.running[to] if running is None else running
        if digests is None:
            digests = known.digests[self.accepted(key):to]
        ruling = (from_, to, running, status, rule, policy)
        paper = paper or self.paper(ruling_leaf(log_id(lane, MESSAGE), *ruling))
        return self.step("inbox", "rule", (key, ruling, paper.model, digests), (key, ruling, paper.abi, digests), at=at)

    def close_inbox(self, lane, key, last, running=None, generation=None, paper=None):
        running = self.models["outbox"].lanes[lane].running[last] if running is None else running
        generation = key[5] + 1 if generation is None else generation
        paper = paper or self.paper(close_leaf(self.models["inbox"].id(key), last, running, generation), ("1", "2", "3"))
        return self.step("inbox", "close", (key, last, running, generation, paper.model),
                         (key, (last, running, generation), paper.abi))

    def close_outbox(self, lane, last, running=None, generation=None, paper=None):
        known = self.models["outbox"].lanes[lane]
        running = known.running[last] if running is None else running
        generation = known.settings[7] + 1 if generation is None else generation
        paper = paper or self.paper(close_leaf(lane, last, running, generation), ("1", "2", "3"))
        return self.step("outbox", "close", (lane, last, running, generation, paper.model),
                         (lane, last, running, generation, paper.abi))

    def settle(self, lane, count=None, records=None, running=None, paper=None):
        """By default all that the inbox has decided and the outbox has not taken."""
        entries = [model.outcome_record(*e) for e in self.inbox_lane(lane).entries]
        count = len(entries) if count is None else count
        if records is None:
            records = entries[len(self.models["outbox"].lanes[lane].taken):count]
        if running is None:
            running = log_id(lane, OUTCOME)
            for entry in entries[:count]:
                running = model.run(running, model.h(b"outcome", entry))
        paper = paper or self.paper(head_leaf(log_id(lane, OUTCOME), count, running))
        return self.step("outbox", "settle", (lane, count, running, paper.model, records),
                         (lane, count, running, paper.abi, b"".join(records)))

    def set_mode(self, mode, target=bytes(20), data=b"", need=0):
        self.mode = mode
        self.clock += 1
        self.chain.next_time(self.clock)
        self.trickster.send("set", mode, target, data, need)

    def recover(self, method, quorum, members, sender, at=None):
        """proposeRecovery or executeRecovery."""
        return self.step("registry", method, (sender, quorum, members), (quorum, members), at=at, sender=sender)

    # ---- state

    def inbox_lane(self, lane):
        return self.models["inbox"].lanes.get(lane) or model.Inbox.Lane(lane)

    def accepted(self, key):
        return len(self.inbox_lane(self.models["inbox"].id(key)).digests)

    def compare_inbox(self, lane):
        known = self.inbox_lane(lane)
        count = len(known.digests)
        answers = self.inbox.calls([
            ("state", lane), ("accepted", log_id(lane, MESSAGE)), ("outcomes", log_id(lane, OUTCOME)), ("closing", lane),
            *(("pending", lane, n) for n in range(0, count + 2))])
        last, running, generation = known.closing or (0, bytes(32), 0)
        expected = [[count, len(known.entries)], known.running if count else bytes(32),
                    known.q if known.entries else bytes(32), [last, running, generation],
                    *(known.pending.get(n, bytes(32)) for n in range(0, count + 2))]
        assert answers == expected, (answers, expected)

    def compare_outbox(self, lane):
        known, twin = self.models["outbox"].lanes[lane], self.models["outbox"]
        count = len(known.records)
        asked = [(n, known.digests[n - 1] if n <= count else bytes(32)) for n in range(1, count + 3)]
        asked += [(n, digest) for n, (digest, _, _) in known.outcomes.items()]
        answers = self.outbox.calls([
            ("state", lane), ("runningHash", log_id(lane, MESSAGE)), ("settlement", log_id(lane, SETTLEMENT)),
            ("closing", lane), ("settings", lane), *(("outcome", lane, n, digest) for n, digest in asked)])
        destination, inbox, receiver, sender, mode, suites, life, generation = known.settings
        last, running, next_generation = (*known.closing[:2], generation + 1) if known.closing else (0, bytes(32), 0)
        expected = [[count, known.time, len(known.taken), known.mark()], known.running[-1] if count else bytes(32),
                    known.q if known.taken else bytes(32), [last, next_generation, running],
                    [destination, inbox, receiver, sender, mode, suites, life, generation],
                    *(twin.outcome(lane, n, digest) for n, digest in asked)]
        assert answers == expected, (answers, expected)

    def compare(self, lane):
        self.compare_outbox(lane)
        self.compare_inbox(lane)

    def fields_only(self, lane, sequence):
        return without_payload(self.records(lane)[sequence - 1])


class PlayCase(unittest.TestCase):
    """Tests that share one chain; every lane they make is new."""

    hardfork = "prague"

    @classmethod
    def setUpClass(cls):
        cls.play = Play(hardfork=cls.hardfork)
        cls.addClassCleanup(cls.play.close)
        cls.lanes = 0

    def setUp(self):
        self.play.set_mode(ACCEPT)

    def fresh(self, **options):
        """A lane to a chain that is not here."""
        type(self).lanes += 1
        return self.play.opened(destination=b"d" * 28 + self.lanes.to_bytes(4, "big"), **options)[0]

    def local(self, mode=0, **options):
        """(lane id, the inbox's key, sender) of a lane to this chain's inbox, by a sender of its own."""
        type(self).lanes += 1
        sender = b"s" * 16 + self.lanes.to_bytes(4, "big")
        self.play.chain.rpc("anvil_impersonateAccount", "0x" + sender.hex())
        self.play.chain.rpc("anvil_setBalance", "0x" + sender.hex(), hex(10**24))
        lane, key = self.play.opened(mode=mode, sender=sender, **options)
        return lane, key, sender

    def filled(self, count=3, mode=0, lives=None, **options):
        """A local lane with messages sent; lives: the seconds that each lives."""
        lane, key, sender = self.local(mode, **options)
        for i in range(count):
            self.accepted(self.play.send(lane, payload=bytes([i % 256]) * 3, sender=sender, life=lives[i] if lives else 600))
        return lane, key

    def refused(self, name, result):
        self.assertEqual(result[1], name)

    def accepted(self, result):
        self.assertIsNone(result[1])
        return result[0]

    def outcomes(self, events):
        """(sequence, status, reason) of the outcome entries among events."""
        return [(v["sequence"], v["status"], v["reason"]) for name, v in events if name == "Outcome"]

    def waiting(self, events):
        return [(v["sequence"], v["reason"]) for name, v in events if name == "Pending"]
