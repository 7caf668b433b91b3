"""A whole network on one machine: two anvils, three relays a side, one relay in the middle, links that can be cut.

    scene = Scene(build, folder)
    scene.prepare()        # chains, contracts, keys, network document, relay files; all checked
    scene.start()          # isthmusd, seven times
    scene.send(100)        # messages each way
    scene.links.cut("east-beta"); scene.kill("west-gamma"); scene.start_relay("west-gamma"); scene.links.heal("east-beta")
    scene.wait_settled(60)
    scene.audit()          # what both chains say, event by event
    scene.stop()
"""

import hashlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools" / "scene"))
from chain import MODE_ORDERED, MODE_RETRY, Chain, Lane, Watch, audit, spawn  # noqa: E402
import model  # noqa: E402
from crypto import Key  # noqa: E402
from links import Links, path_of  # noqa: E402

NETWORK, OPERATORS, QUORUM, MIDDLE = "quickstart", ("alpha", "beta", "gamma"), 2, "strait"
SIDES = {"east": 31337, "west": 31338}
SUITE = "keccak256-secp256k1"
PATIENCE = 120  # seconds, for what takes far less on a quiet machine
SOURCES = ("node-1", "node-2")  # of each relay, which must agree; honestly, one anvil stands behind both
LANES = (("", MODE_ORDERED | MODE_RETRY), ("-free", 0))  # each way: in order, failures retried; in any order, each tried once


class Problem(Exception):
    """What went wrong, for people."""


def other_side(side):
    return "west" if side == "east" else "east"


def digest(program):
    """What `b2sum -l 256` prints: a relay runs no connector but the registered one."""
    return hashlib.blake2b(program.read_bytes(), digest_size=32).hexdigest()


class Scene:
    """The quickstart's network. A subclass has another: who is where (relays, zones, pairs, attests), and where they listen (the part
    "places" below)."""
    quorum, sources, agree, evidence = QUORUM, SOURCES, len(SOURCES), ("slot", "receipts")

    CHAINS = "two anvils, and the contracts on both"

    def __init__(self, build, folder, block_time=0.5, finality_depth=2, window="16MiB", payload_max=16384, lanes=LANES, open_keys=False,
                 say=print):
        """lanes: (suffix, mode) of each, for each way, or (suffix, mode, what else class Lane takes). open_keys: attester keys are
        not encrypted, so that secret() has them."""
        self.build, self.folder, self.say = pathlib.Path(build).resolve(), pathlib.Path(folder), say
        self.block_time, self.finality_depth, self.window, self.payload_max = block_time, finality_depth, window, payload_max
        self.program = {"isthmus": self.build / "tools/isthmus/isthmus", "isthmusd": self.build / "relay/isthmusd",
                        "connector": self.build / "connectors/isthmus-connector-evm"}
        self.relays = self.all_relays()
        self.each_way, self.open_keys, self.version = lanes, open_keys, 0
        self.chains, self.lanes, self.processes, self.keys, self.epochs = {}, [], {}, {}, {}
        self.attester_file = {relay: "attester.key" for relay in self.relays if self.attests(relay)}
        self.links, self.watch, self.left_over = Links(), None, 0
        self.environment = {}  # relay -> variables that it gets besides ours
        os.environ.setdefault("ISTHMUS_CONTRACTS", str(self.build / "connectors/evm/contracts"))

    # ---- preparing

    def all_relays(self):
        return [f"{side}-{name}" for side in SIDES for name in OPERATORS] + [MIDDLE]

    def attests(self, relay):
        """Whether it is an operator's, with a signer and sources of its side's chain; else it only stores and forwards."""
        return relay != MIDDLE

    def side_of(self, relay):
        return relay.split("-")[0] if relay != MIDDLE else None

    def pairs(self):
        """Linked relays: all of a side with one another, and each with the middle."""
        for side in SIDES:
            mine = [f"{side}-{name}" for name in OPERATORS]
            yield from ((a, b) for i, a in enumerate(mine) for b in mine[i + 1:])
            yield from ((a, MIDDLE) for a in mine)

    def neighbours(self, relay):
        return [b if a == relay else a for a, b in self.pairs() if relay in (a, b)]

    def zone(self, relay):
        return self.side_of(relay) or MIDDLE

    def zones(self):
        return [*SIDES, MIDDLE]

    def isthmus(self, *arguments):
        done = subprocess.run([str(self.program["isthmus"]), *map(str, arguments)], capture_output=True, text=True, timeout=PATIENCE)
        if done.returncode != 0:
            raise Problem(f"isthmus {' '.join(map(str, arguments))}\n{done.stdout}{done.stderr}")
        return done.stdout

    def key_of(self, path):
        return next(line.split()[1] for line in self.isthmus("keys", "show", path).splitlines() if line.startswith("key"))

    def make_keys(self):
        for relay in self.relays:
            extra = ["--suite", SUITE] if self.attests(relay) else ["--no-signer"]
            self.isthmus("init", self.folder / relay, "--relay", relay, "--cheap", *extra)
            self.keys[relay] = self.key_of(self.folder / relay / "keys/relay.key")
            if self.attests(relay):
                if self.open_keys:
                    (self.folder / relay / "keys/attester.key").unlink()
                    self.new_attester_key(relay, "attester.key")
                self.keys[relay, "attester"] = self.key_of(self.folder / relay / "keys/attester.key")
        for side in SIDES:
            path = self.folder / f"{side}-root.key"
            self.isthmus("network", "new-root", side, path, "--plain")
            self.keys[side, "root"] = self.key_of(path)

    def new_attester_key(self, relay, name):
        """Makes a key, not encrypted; attester_file says which one relay_yaml() names. Returns its id."""
        path = self.folder / relay / "keys" / name
        self.isthmus("keys", "new", path, "--suite", SUITE, "--plain")
        return self.key_of(path)

    def secret(self, relay):
        """The attester's key of a relay in a scene with open keys."""
        lines = (self.folder / relay / "keys" / self.attester_file[relay]).read_text().splitlines()
        return Key(relay, bytes.fromhex(next(line.split()[1] for line in lines if line.startswith("secret "))))

    def operators(self):
        """(number, name, side number): numbers as in the registries."""
        return [(i, name, 1 + list(SIDES).index(self.side_of(name))) for i, name in enumerate(filter(self.attests, self.relays), 1)]

    def start_chains(self):
        for side, number in SIDES.items():
            self.chains[side] = self.make_chain(side, number)

    def make_chain(self, side, number):
        return Chain(side, number, self.block_time, self.folder)

    def deploy(self):
        """Each registry lists those who attest what arrives there: the operators of the other side."""
        for side, chain in self.chains.items():
            self.epochs[side] = [self.attesters(side)]
            chain.deploy(NETWORK, self.members(side), self.quorum)
        for side, chain in self.chains.items():
            for sender, (suffix, mode, *more) in enumerate(self.each_way, 1):
                self.lanes.append(Lane(f"{side}-to-{other_side(side)}{suffix}", chain, self.chains[other_side(side)], mode, sender,
                                       **(more[0] if more else {})))

    def attesters(self, side):
        """{operator: key} of those who attest now what arrives at this side."""
        return {name: self.keys[name, "attester"] for _, name, _ in self.operators() if self.side_of(name) != side}

    def members(self, side):
        """The same as registries take it, for the newest epoch."""
        return sorted((number, where, bytes.fromhex(self.epochs[side][-1][name][2:]))
                      for number, name, where in self.operators() if name in self.epochs[side][-1])

    def certificate(self, side, leaf):
        """Over a leaf that no relay makes, by all operators whom the registry of this side lists."""
        chain = self.chains[side]
        return model.certificate(model.network_id(NETWORK), chain.registry.call("current"), leaf,
                                 [self.secret(name) for name in self.epochs[side][-1]])

    def network_yaml(self):
        out = [f"network: {NETWORK}", f"version: {self.version}", "roots:"]
        out += [f"  - {{name: {side}, side: {i}, key: {self.keys[side, 'root']}}}" for i, side in enumerate(SIDES, 1)]
        out += ["operators:"] + [f"  - {{name: {n}, number: {i}, side: {s}}}" for i, n, s in self.operators()]
        out += ["chains:"]
        for side, chain in self.chains.items():
            out += [f"  - id: {chain.caip2}", f"    genesis: {chain.genesis.hex()}", f"    suite: {SUITE}", *self.chain_yaml(side)]
            out += [f"    {name}: \"0x{getattr(chain, name).address.hex()}\"" for name in ("registry", "outbox", "inbox")]
            out += ["    epochs:"]
            for epoch, keys in enumerate(self.epochs[side], 1):
                out += [f"      - number: {epoch}", f"        quorum: {self.quorum}", "        accept_equivocation: 0", "        keys:"]
                out += [f"          - {{operator: {name}, key: \"{key}\"}}" for name, key in keys.items()]
        out += ["zones:"] + [f"  - name: {zone}" for zone in self.zones()] + ["relays:"]
        for relay in self.relays:
            out += [f"  - name: {relay}", f"    zone: {self.zone(relay)}", f"    key: {self.keys[relay]}"]
            if self.attests(relay):
                chain = self.chains[self.side_of(relay)].caip2
                out += [f"    operator: {relay}", f"    serves: [\"{chain}\"]", f"    delivers: [\"{chain}\"]"]
        out += ["links:"] + [f"  - [{a}, {b}]" for a, b in self.pairs()] + ["lanes:"]
        for lane in self.lanes:
            out += [f"  - name: {lane.name}", f"    source: {lane.source.caip2}", f"    destination: {lane.destination.caip2}",
                    f"    sender: \"0x{lane.sender.hex()}\"", f"    receiver: \"0x{lane.receiver.address.hex()}\"",
                    f"    order: {'in-order' if lane.ordered else 'any-order'}",
                    f"    failure: {'retry' if lane.mode & MODE_RETRY else 'once'}", f"    suites: [{SUITE}]",
                    f"    evidence: [{', '.join(self.evidence)}]",
                    f"    window: {self.window}", f"    payload_max: {self.payload_max}", f"    longest_life: {lane.life}",
                    f"    generation: {lane.generation}", f"    state: {lane.state}"]
        return "\n".join(out) + "\n"

    def chain_yaml(self, side):
        """Of what family a side's chain is, and what makes its word believed."""
        return ["    family: evm", f"    finality_depth: {self.finality_depth}", f"    sources: {self.agree}"]

    # ---- places

    def node_of(self, relay, source):
        """Addresses, (http, ws), of the node behind a relay's source; ws None: it tells no news."""
        chain = self.chains[self.side_of(relay)]
        return chain.url, chain.url.replace("http:", "ws:")

    def listens(self, relay, name):
        """The URL at which a relay takes requests ("req"), or publishes for a zone. Here sockets in s/."""
        return "ipc://" + path_of(self.folder, "s", relay, name)

    def dials(self, relay, peer, kind):
        """Where a relay reaches its peer's publications ("p") or requests ("r"). Here sockets in l/: forwarders, which can be cut."""
        return "ipc://" + path_of(self.folder, "l", relay, peer, kind)

    def stored_in(self, relay):
        """Where its store, state and guard lie, seen from its folder: "" or a folder with a slash."""
        return ""

    def connector(self, side):
        """The program that speaks with the chain of a side."""
        return self.program["connector"]

    def more_yaml(self, relay):
        """Lines that its file has besides."""
        return []

    def inside(self, relay):
        """What its command line begins with, to run where it belongs."""
        return []

    def relay_yaml(self, relay):
        zones = sorted({self.zone(peer) for peer in self.neighbours(relay)})
        out = [f"relay: {relay}", "network: ../network.yaml",
               "roots: {" + ", ".join(f"{side}: {self.keys[side, 'root']}" for side in SIDES) + "}",
               f"store: {self.stored_in(relay)}store", f"state: {self.stored_in(relay)}state",
               f"control: {{socket: {path_of(self.folder, 's', relay, 'ctl')}, mode: \"0600\"}}",
               "key: {file: keys/relay.key, passphrase: keys/passphrase}", *self.more_yaml(relay),
               "listen:", f"  request: \"{self.listens(relay, 'req')}\"", "  zones:"]
        out += [f"    - {{zone: {zone}, url: \"{self.listens(relay, zone)}\"}}" for zone in zones] + ["peers:"]
        for peer in self.neighbours(relay):
            out += [f"  - {{relay: {peer}, publish: \"{self.dials(relay, peer, 'p')}\", request: \"{self.dials(relay, peer, 'r')}\"}}"]
        if self.attests(relay):
            out += self.operator_yaml(relay)
        out += ["timings: {heartbeat_ms: 300, pull_wait_ms: 150, peer_silence_ms: 2000, turn_blocks: 4}",
                "budgets: {free_bytes: 16MiB}", "log_level: info"]
        return "\n".join(out) + "\n"

    def operator_yaml(self, relay):
        """Signer and sources of a relay that attests."""
        chain, connector = self.chains[self.side_of(relay)], self.connector(self.side_of(relay))
        gas = chain.gas_account(relay, self.folder / relay)
        out = [f"signer: {{keys: [keys/{self.attester_file[relay]}], passphrase: keys/passphrase, guard: {self.stored_in(relay)}guard}}",
               "sources:"]
        for i, name in enumerate(self.sources):
            http, ws = self.node_of(relay, name)
            out += [f"  - chain: {chain.caip2}", f"    name: {name}", f"    operator: {name}", f"    network: {name}",
                    f"    software: {name}", f"    program: {connector}", f"    program_hash: {digest(connector)}",
                    f"    submits: {'true' if i == 0 else 'false'}", "    options:", f"      http: {http}",
                    "      poll-ms: \"200\""]
            out += [f"      ws: {ws}"] if ws else []
            out += [f"      key-file: {gas}"] if i == 0 else []
        return out

    def add_links(self):
        for relay in self.relays:
            for peer in self.neighbours(relay):
                for kind, target in (("p", self.zone(relay)), ("r", "req")):
                    self.links.add(path_of(self.folder, "l", relay, peer, kind), path_of(self.folder, "s", peer, target),
                                   (relay, peer))

    def prepare(self):
        for program in self.program.values():
            if not program.exists():
                raise Problem(f"{program} is not built: tools/quickstart builds what its scenes need, --build DIR names another build")
        for name in ("s", "l"):
            (self.folder / name).mkdir(parents=True)
        self.say(f"keys: a relay key for each of {len(self.relays)} relays, an attester key for each of "
                 f"{sum(map(self.attests, self.relays))}, two roots")
        self.make_keys()
        self.say(f"chains: {self.CHAINS}")
        self.start_chains()
        self.deploy()
        self.publish()
        self.add_links()
        self.say(f"network document: signed by both roots, good for all {len(self.relays)} relays")

    def publish(self):
        """The next version of the network document, signed by both roots, and all relays' own files. Relays read them at their start."""
        document, self.version = self.folder / "network.yaml", self.version + 1
        document.write_text(self.network_yaml())
        (self.folder / "network.yaml.sig").unlink(missing_ok=True)
        for side in SIDES:
            self.isthmus("network", "sign", document, "--root", side, "--key", self.folder / f"{side}-root.key")
        for relay in self.relays:
            self.write_relay(relay)
        ids = {lane["name"]: lane["id"] for lane in json.loads(self.isthmus("network", "show", document, "--json"))["lanes"]}
        for lane in self.lanes:
            if ids[lane.name] != lane.id.hex():
                raise Problem(f"lane {lane.name}: the document says {ids[lane.name]}, the outbox {lane.id.hex()}")

    def write_relay(self, relay):
        """A relay's own file."""
        (self.folder / relay / "relay.yaml").write_text(self.relay_yaml(relay))
        self.isthmus("config", "check", self.folder / relay / "relay.yaml")

    # ---- running

    def start_relay(self, relay, fault=None):
        """fault: NAME:COUNT of relay/edge/fault.h."""
        with open(self.folder / relay / "log", "ab") as log:
            self.processes[relay] = spawn(
                [*self.inside(relay), self.program["isthmusd"], "--config", self.folder / relay / "relay.yaml"], log,
                {**self.environment.get(relay, {}), **({"ISTHMUS_FAULT": fault} if fault else {})})

    def faults(self):
        """[(role, name)] of all fault points; none when the programs were built without."""
        done = subprocess.run([str(self.program["isthmusd"]), "--config", "/dev/null"], capture_output=True, text=True, timeout=PATIENCE,
                              env={**os.environ, "ISTHMUS_FAULT": "?"})
        refused = done.returncode == 2 and done.stderr.startswith("ISTHMUS_FAULT=? ")
        return [tuple(line.split()) for line in done.stderr.splitlines()[1:]] if refused else []

    def start(self, relays=None, patience=PATIENCE):
        """All of them, or those named; returns when they are ready. From then on the watch notes when messages pass."""
        self.watch = self.watch or Watch(list(self.chains.values()))
        if not self.watch.is_alive():
            self.watch.start()
        for relay in relays or self.relays:
            self.start_relay(relay)
        for relay in relays or self.relays:
            self.wait_ready(relay, patience)

    def ask(self, relay, *view):
        """What `isthmus VIEW --json` says of this relay; None when it does not answer."""
        done = subprocess.run([str(self.program["isthmus"]), *view, "--json", "--socket", path_of(self.folder, "s", relay, "ctl")],
                              capture_output=True, text=True, timeout=PATIENCE)
        return json.loads(done.stdout) if done.returncode in (0, 1) and done.stdout else None

    def marks(self, relay, mark="certified"):
        """{(lane, kind): mark} of a relay; empty when it does not answer."""
        lanes = (self.ask(relay, "lanes") or {}).get("lanes", [])
        return {(lane["name"], log["kind"]): log[mark] for lane in lanes for log in lane["logs"]}

    def guard(self, relay, *adopt):
        """[(log, number, running)] of a stopped relay's guard, after adopting LOG:NUMBER:RUNNING."""
        command = [str(self.program["isthmusd"]), "--config", str(self.folder / relay / "relay.yaml"), "-x", "guard", *adopt]
        end = time.monotonic() + PATIENCE
        while True:  # the signer of a relay that was killed ends a moment after it
            done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
            if "has it open: stop its relay first" not in done.stdout + done.stderr or time.monotonic() > end:
                break
            time.sleep(0.1)  # between questions; what ends the wait is the answer
        if done.returncode != 0:
            raise Problem(f"guard of {relay} {' '.join(adopt)}: {done.stdout}{done.stderr}")
        rows = [line.split() for line in done.stdout.splitlines()]
        return [(row[0], int(row[3]), row[4]) for row in rows]

    def thaw(self, relay, *name):
        """What a stopped relay has frozen, after thawing the chain or lane of this name."""
        done = subprocess.run([str(self.program["isthmusd"]), "--config", str(self.folder / relay / "relay.yaml"), "-x", "thaw", *name],
                              capture_output=True, text=True, timeout=PATIENCE)
        if done.returncode != 0:
            raise Problem(f"thaw of {relay} {' '.join(name)}: {done.stdout}{done.stderr}")
        return done.stdout

    def wait_ready(self, relay, patience):
        end = time.monotonic() + patience
        while time.monotonic() < end:
            if self.processes[relay].poll() is not None:
                raise Problem(f"{relay} ended with {self.processes[relay].returncode}: {self.tail(relay)}")
            status = self.ask(relay, "status")
            if status and status.get("ready"):
                return
            time.sleep(0.1)  # between questions; what ends the wait is the answer
        raise Problem(f"{relay} is not ready after {patience} s: {self.tail(relay)}")

    def tail(self, relay, lines=12):
        text = (self.folder / relay / "log").read_text(errors="replace").splitlines()
        return "\n    " + "\n    ".join(text[-lines:])

    def check_alive(self):
        """Whoever ended by himself is named, with his last words."""
        for relay, process in self.processes.items():
            if process.poll() not in (None, -signal.SIGKILL):
                raise Problem(f"{relay} ended with {process.returncode}: {self.tail(relay)}")

    def kill(self, relay):
        """kill -9 of the daemon; its children end with it."""
        self.processes[relay].send_signal(signal.SIGKILL)
        self.processes[relay].wait(timeout=PATIENCE)

    def wipe(self, relay):
        """Takes a stopped relay's store away, as a lost disk would: keys and the signer's guard, of which there are backups, stay."""
        for name in ("store", "state"):
            shutil.rmtree(self.folder / relay / name, ignore_errors=True)

    def children(self, relay):
        """{name: process id} of a running relay's children: signer, node-1, node-2."""
        sources, status = self.ask(relay, "sources"), self.ask(relay, "status")
        found = [source["process"] for source in (sources or {}).get("sources", [])] + [(status or {}).get("signer")]
        return {child["name"]: child["pid"] for child in found if child and child["pid"]}

    def kill_child(self, relay, name):
        """kill -9 of a relay's signer or connector, which the relay starts again. False: it is not running now."""
        pid = self.children(relay).get(name) if self.processes[relay].poll() is None else None
        try:  # only a child of that relay of ours: its number may be another's by now
            parent = int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]) if pid else None
            if parent != self.processes[relay].pid:
                return False
            os.kill(pid, signal.SIGKILL)
        except (OSError, ProcessLookupError):
            return False
        return True

    # ---- traffic

    def send(self, count, payload=100):
        """`count` messages each way, shared among the lanes of that way."""
        for at, lane in enumerate(self.lanes):
            ways = len(self.each_way)
            odd = (at - self.left_over) % ways < count % ways  # what is left over goes to each in turn
            lane.send(count // ways + odd, payload)
        self.left_over += count % ways

    def counts(self):
        """Of all lanes together, quickly."""
        by_lane = [lane.counts() for lane in self.lanes]
        return {key: sum(counts[key] for counts in by_lane) for key in ("sent", "delivered", "settled")}

    def submitted(self):
        return sum(lane.submitted for lane in self.lanes)

    def wait_settled(self, patience, progress=lambda counts: None):
        """Until all that was submitted is settled. False: not within `patience` seconds."""
        end = time.monotonic() + patience
        while (counts := self.counts())["settled"] < self.submitted():
            progress(counts)
            self.check_alive()
            if time.monotonic() > end:
                return False
            time.sleep(0.25)  # between readings of the chains
        progress(counts)
        return True

    def audit(self):
        """By lane, and under "all" together: what both chains say."""
        result = audit(self.lanes)
        result["all"] = {key: sum(counts[key] for counts in result.values()) for key in next(iter(result.values()))}
        return result

    def waiting(self):
        """What does not move, in the relays' own words: a line for each cause, longest first."""
        causes = {}
        for relay, process in self.processes.items():
            answer = self.ask(relay, "status") if process.poll() is None else None
            if answer is None:
                causes["does not answer" if process.poll() is None else "is not running"] = ([relay], 0)
            for log in (answer or {}).get("waiting", []):
                who = next((f" ({log[key]})" for key in ("waits_for_operator", "waits_for_source", "waits_for_relay") if log[key]), "")
                relays, since = causes.get(what := f"{log['lane']}, {log['kind']} log: {log['cause']}{who}", ([], 0))
                causes[what] = (relays + [relay], max(since, log["since_ms"]))
        return [f"{what}, for {since / 1000:.0f} s, at {', '.join(relays)}"
                for what, (relays, since) in sorted(causes.items(), key=lambda item: -item[1][1])]

    def explain(self, relay, lane, sequence):
        done = subprocess.run([str(self.program["isthmus"]), "explain", f"{lane}/{sequence}", "--socket",
                               path_of(self.folder, "s", relay, "ctl")], capture_output=True, text=True, timeout=PATIENCE)
        return done.stdout + done.stderr

    def stop(self):
        """SIGTERM to every relay, SIGKILL to those that take longer than 15 s; then links and chains."""
        if self.watch:
            self.watch.done.set()
        for process in self.processes.values():
            if process.poll() is None:
                process.terminate()
        end = time.monotonic() + 15
        for relay, process in self.processes.items():
            try:
                process.wait(timeout=max(0.1, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                self.say(f"{relay} did not stop by itself; killed: {self.tail(relay)}")
                process.kill()
                process.wait(timeout=PATIENCE)
        self.links.stop()
        for chain in self.chains.values():
            chain.close()
