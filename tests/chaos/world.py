"""The scene on hosts of its own: each relay, and the node of each chain, in a network namespace; links over TLS through a bridge."""

import os
import pathlib
import signal
import struct
import sys

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tools" / "scene"), str(ROOT / "tests" / "integration" / "badrpc")]
from chain import MODE_ORDERED, MODE_RETRY, Chain  # noqa: E402
from crooked import Crooked, edited  # noqa: E402
from faults import crooked_answer  # noqa: E402
from lab import GATEWAY, Disk, Lab, run  # noqa: E402
from scene import SIDES, Scene  # noqa: E402

PORT, DISK_MIB = 4000, 96  # of requests at a relay, those for zones follow; of a disk that can be full or lose its power
CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


class World(Scene):
    def __init__(self, build, folder, scenario, **named):
        self.scenario, self.topology, settings = scenario, scenario.topology, scenario.settings
        self.quorum, self.agree = settings["quorum"], settings["agree"]
        self.sources = tuple(f"node-{i}" for i in range(1, settings["sources"] + 1))
        lanes = [("" if i == 0 else f"-{i + 1}", (MODE_ORDERED if lane["order"] == "in-order" else 0)
                  | (MODE_RETRY if lane["failure"] == "retry" else 0)) for i, lane in enumerate(settings["lanes"])]
        super().__init__(build, folder, block_time=settings["block_seconds"], finality_depth=settings["finality_depth"],
                         window=settings["window"], payload_max=settings["payload_max"], lanes=lanes, **named)
        self.lab = Lab(self.build / "tests/chaos/chaos_wire")
        self.disks, self.clocks, self.proxies, self.dropped = {}, {}, {}, []

    # ---- who is where

    def all_relays(self):
        return list(self.topology.relays)

    def attests(self, relay):
        return relay in self.topology.attesting

    def side_of(self, relay):
        return self.topology.chain_of[relay]

    def zone(self, relay):
        return self.topology.zone_of[relay]

    def zones(self):
        return list(dict.fromkeys(self.topology.zone_of.values()))

    def pairs(self):
        linked = {frozenset(pair) for pair in self.topology.links}
        for i, a in enumerate(self.relays):
            for b in self.relays[i + 1:]:
                if self.zone(a) == self.zone(b) or frozenset((self.zone(a), self.zone(b))) in linked or frozenset((a, b)) in linked:
                    yield a, b

    def about(self, *kinds):
        """The relays and hosts that faults of these kinds are about."""
        return {host for one in self.scenario.timeline if one["fault"] in kinds for host in self.scenario.targets(one)}

    # ---- places

    def prepare(self):
        wired = self.about("delay")
        for z, zone in enumerate(self.zones(), 1):
            for i, relay in enumerate((r for r in self.relays if self.zone(r) == zone), 1):
                self.lab.add(relay, f"10.77.{z}.{i}", relay in wired)
        for i, side in enumerate(SIDES, 1):
            self.lab.add(f"node-{side}", f"10.77.200.{i}", f"node-{side}" in wired)
        self.say(f"hosts: {len(self.lab.hosts)} network namespaces on a bridge, for {len(self.relays)} relays in {len(self.zones())} zones "
                 f"and {len(SIDES)} nodes")
        super().prepare()

    def make_keys(self):
        super().make_keys()
        authority = self.folder / "ca"
        run("openssl", "req", "-x509", *CURVE, "-days", "30", "-subj", "/CN=mesh", "-keyout", f"{authority}.key", "-out", f"{authority}.crt")
        for relay in self.relays:
            tls = self.folder / relay / "tls"
            tls.mkdir()
            (tls / "names").write_text(f"subjectAltName=DNS:{relay}\n")
            run("openssl", "req", *CURVE, "-subj", f"/CN={relay}", "-keyout", tls / "relay.key", "-out", tls / "request")
            run("openssl", "x509", "-req", "-in", tls / "request", "-CA", f"{authority}.crt", "-CAkey", f"{authority}.key",
                "-CAcreateserial", "-days", "30", "-extfile", tls / "names", "-out", tls / "relay.crt")
            (tls / "relay.key").chmod(0o600)
        for relay in self.about("power-cut", "disk-full"):
            self.disks[relay] = Disk(self.folder / f"{relay}.disk", self.folder / relay / "disk", DISK_MIB)
        for relay in self.about("clock"):
            self.clocks[relay] = self.folder / relay / "clock"
            self.clocks[relay].write_bytes(bytes(8))
            self.environment[relay] = {"LD_PRELOAD": str(self.build / "tests/integration/badplace/libbadplace_clock.so"),
                                       "CLOCK_OFF_FILE": str(self.clocks[relay])}

    def start_chains(self):
        for side, chain_id in SIDES.items():
            host = self.lab.hosts[f"node-{side}"]
            self.chains[side] = Chain(side, chain_id, self.block_time, self.folder, host.address, self.lab.inside(host.name))

    def add_links(self):
        """None that needs a forwarder: the bridge is what can be cut."""

    def port(self, zone):
        return PORT + 1 + self.zones().index(zone)

    def listens(self, relay, name):
        scheme = "tls+tcp" if self.scenario.settings["transport"] == "tls" else "tcp"
        return f"{scheme}://{self.lab.hosts[relay].address}:{PORT if name == 'req' else self.port(name)}"

    def dials(self, relay, peer, kind):
        return self.listens(peer, "req" if kind == "r" else self.zone(relay))

    def more_yaml(self, relay):
        tls = self.scenario.settings["transport"] == "tls"
        return ["tls: {certificate: tls/relay.crt, key: tls/relay.key, ca: ../ca.crt}" if tls else "dev: true"]

    def stored_in(self, relay):
        return "disk/" if relay in self.disks else ""

    def inside(self, relay):
        return self.lab.inside(relay)

    def node_of(self, relay, source):
        """The chain's node, or where a fault is to come an endpoint before it that can be crooked."""
        chain = self.chains[self.side_of(relay)]
        if any(one["fault"] == "rpc" and one["source"] == source and relay in self.scenario.targets(one) for one in self.scenario.timeline):
            if (relay, source) not in self.proxies:
                self.proxies[relay, source] = Crooked(chain.port, GATEWAY, chain.host)
            crooked = self.proxies[relay, source]
            return crooked.http, crooked.ws
        return super().node_of(relay, source)

    # ---- what people and accidents do

    def set_clock(self, relay, seconds):
        with open(self.clocks[relay], "r+b", buffering=0) as file:  # mapped by the relay: it is never shorter
            file.write(struct.pack("=q", seconds))

    def signal_all(self, relay, number):
        """A signal to the daemon and to all that it started."""
        parents = {}
        for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = path.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents.setdefault(int(fields[1]), []).append(int(path.parent.name))
        family = [self.processes[relay].pid]
        for pid in family:
            family += parents.get(pid, [])
        for pid in family:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def dropping(self, fault):
        """All faults that may drop packets, this one among them."""
        if fault not in self.dropped:
            self.dropped.append(fault)
        return self.dropped

    def lie(self, proxy):
        return edited(proxy, lambda method, params, answer: crooked_answer(method, answer))

    def again(self, side):
        """What a ledger lost of what was given to it."""
        for lane in self.lanes:
            if lane.source.side == side:
                lane.again()

    def running(self, relay):
        process = self.processes.get(relay)
        return process is not None and process.poll() is None

    def kill(self, relay):
        if self.running(relay):
            super().kill(relay)

    def stop(self):
        super().stop()
        for proxy in self.proxies.values():
            proxy.close()
        for disk in self.disks.values():
            try:
                disk.detach()
            except OSError as error:
                self.say(f"a disk stays until this process ends: {error}")
        self.lab.stop()
