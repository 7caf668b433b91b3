"""Scenario files: what may stand in them, read strictly. All that is wrong is said at once, with file and line. docs/chaos.md
teaches them; `tools/chaos list` shows those that are here."""

import pathlib
import re

import yaml

HERE = pathlib.Path(__file__).resolve().parent
NAME = re.compile(r"[a-z][a-z0-9-]{0,31}$")
CHAINS = ("east", "west")  # the two ledgers of the scene
SIZES = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


class Wrong(Exception):
    """All that is wrong with a scenario, a line each."""


class Section(dict):
    """A mapping that knows its line."""
    line = 0


# ---- kinds of values: functions of (reader, node)

def number(least, most, whole=True):
    def read(reader, node):
        try:
            value = int(node.value) if whole else float(node.value)
        except (ValueError, TypeError):
            return reader.say(node, f"'{node.value}' is not a {'whole ' if whole else ''}number" if isinstance(node.value, str)
                              else "a number belongs here")
        if not least <= value <= most:
            return reader.say(node, f"{node.value} is not between {least} and {most}")
        return value
    return read


def choice(*words):
    def read(reader, node):
        if not isinstance(node, yaml.ScalarNode) or node.value not in words:
            return reader.say(node, f"write one of: {', '.join(words)}")
        return node.value
    return read


def text(reader, node):
    if not isinstance(node, yaml.ScalarNode) or not node.value.strip():
        return reader.say(node, "words belong here")
    return " ".join(node.value.split())


def name(reader, node):
    if not isinstance(node, yaml.ScalarNode) or not NAME.match(node.value):
        return reader.say(node, "a name belongs here: small letters, digits and '-', at most 32")
    return node.value


def size(reader, node):
    match = re.match(r"(\d+)(KiB|MiB|GiB)?$", node.value) if isinstance(node, yaml.ScalarNode) else None
    if not match:
        return reader.say(node, "a number of bytes belongs here, such as 128KiB or 16MiB")
    return int(match[1]) * SIZES.get(match[2], 1)


def many(kind, least=1, most=64):
    def read(reader, node):
        if not isinstance(node, yaml.SequenceNode):
            return reader.say(node, "a list belongs here: [a, b]")
        if not least <= len(node.value) <= most:
            reader.say(node, f"{len(node.value)} entries; there must be {least if least == most else f'{least} to {most}'}")
        return [kind(reader, item) for item in node.value]
    return read


def hosts(reader, node):
    """Names of relays, zones, nodes (node-east), or `rest`: all relays that the other end of a fault does not name."""
    if isinstance(node, yaml.ScalarNode):
        return [name(reader, node)]
    return many(name)(reader, node)


def section(required, optional=None):
    """required, optional: {key: kind}."""
    known = {**required, **(optional or {})}

    def read(reader, node):
        found = Section()
        found.line = node.start_mark.line + 1
        if not isinstance(node, yaml.MappingNode):
            return reader.say(node, f"a mapping belongs here, with {', '.join(known)}")
        for key, value in node.value:
            if key.value not in known:
                reader.say(key, f"unknown: {key.value}; known here: {', '.join(known)}")
            elif key.value in found:
                reader.say(key, f"{key.value} stands here twice")
            else:
                found[key.value] = known[key.value](reader, value)
        for key in required:
            if key not in found:
                reader.say(node, f"missing: {key}")
        return found
    return read


# ---- the faults: what each takes besides `at`, `for` and `fault`; docs/chaos.md says what they do

LASTS, MOMENT = True, False
PAIR = many(hosts, 2, 2)
PERCENT = number(0.1, 100, whole=False)
RELAYS = {"relays": hosts}
FAULTS = {
    "partition": (LASTS, {"between": PAIR}, {}),
    "cut-one-way": (LASTS, {"from": hosts, "to": hosts}, {}),
    "loss": (LASTS, {"between": PAIR, "percent": PERCENT}, {}),
    "flap": (LASTS, {"between": PAIR, "every": number(0.2, 60, whole=False)}, {}),
    "rate": (LASTS, {"hosts": hosts, "kbit": number(8, 10**7)}, {}),
    "delay": (LASTS, {"hosts": hosts, "ms": number(0, 10000)}, {"jitter_ms": number(0, 10000), "reorder_percent": PERCENT}),
    "kill": (LASTS, RELAYS, {}),
    "freeze": (LASTS, RELAYS, {}),
    "power-cut": (LASTS, RELAYS, {}),
    "disk-full": (LASTS, RELAYS, {}),
    "clock": (LASTS, {**RELAYS, "seconds": number(-10**6, 10**6)}, {}),
    "crash-loop": (LASTS, {**RELAYS, "process": choice("signer", "node-1", "node-2", "node-3"), "every": number(0.1, 60, whole=False)}, {}),
    "rpc": (LASTS, {**RELAYS, "source": choice("node-1", "node-2", "node-3"), "does": choice("lies", "stalls", "garbage", "hangs-up")}, {}),
    "node-restart": (LASTS, {"chain": choice(*CHAINS)}, {}),
    "reorg": (MOMENT, {"chain": choice(*CHAINS), "depth": number(1, 64)}, {}),
}
ON_RELAYS = ("kill", "freeze", "power-cut", "disk-full", "clock", "crash-loop")  # one at a time on a relay


def fault(reader, node):
    """Which keys belong here depends on one of them."""
    kind = next((value.value for key, value in node.value if key.value == "fault"), None) if isinstance(node, yaml.MappingNode) else None
    if kind not in FAULTS:
        return reader.say(node, f"fault: write one of {', '.join(FAULTS)}")
    lasts, required, optional = FAULTS[kind]
    always = {"at": number(0, 86400, whole=False), "fault": name, **({"for": number(0.1, 86400, whole=False)} if lasts else {})}
    return section({**always, **required}, optional)(reader, node)


ZONE = section({"name": name, "relays": number(1, 64)}, {"chain": choice(*CHAINS), "attesters": number(0, 64)})
LANE = section({"order": choice("in-order", "any-order"), "failure": choice("retry", "once")})
TOPOLOGY = section({"zones": many(ZONE), "links": many(many(name, 2, 2), 0)},
                   {"quorum": number(1, 64), "sources": number(1, 3), "agree": number(1, 3), "lanes": many(LANE, 1, 8),
                    "window": size, "payload_max": number(0, 65536), "block_seconds": number(0.2, 60, whole=False),
                    "finality_depth": number(1, 64), "transport": choice("tls", "tcp")})
LOAD = section({"rate": number(0.1, 5000, whole=False), "seconds": number(1, 86400, whole=False)}, {"payload": many(number(0, 65536), 2, 2)})
EXPECT = section({}, {"complete_within_s": number(0.1, 3600, whole=False), "longest_stall_s": number(0.1, 86400, whole=False),
                      "settled_within_s": number(1, 86400, whole=False), "may_say": many(name, 0)})
DEFAULTS = {"quorum": 2, "sources": 2, "lanes": [{"order": "in-order", "failure": "retry"}, {"order": "any-order", "failure": "once"}],
            "window": 16 << 20, "payload_max": 256, "block_seconds": 0.5, "finality_depth": 2, "transport": "tls"}
FILE = section({"about": text, "load": LOAD, "timeline": many(fault, 0, 1000)}, {"topology": TOPOLOGY, "expect": EXPECT})


class Reader:
    def __init__(self, path):
        self.path, self.errors = path, []

    def say(self, node, words):
        line = node.line if isinstance(node, Section) else node.start_mark.line + 1
        self.errors.append((line, f"{self.path}:{line}: {words}"))

    def done(self):
        if self.errors:
            raise Wrong("\n".join(words for _, words in sorted(self.errors)))


class Topology:
    """Who is where. In a scenario a zone's relays are called ZONE-1, ZONE-2, …"""

    def __init__(self, zone_of, links, chain_of, attests, nodes=()):
        self.zone_of, self.links, self.chain_of, self.attesting = zone_of, links, chain_of, attests
        self.relays, self.nodes = list(zone_of), list(nodes)  # links: pairs of zones, or of relays

    def select(self, names, other=()):
        """Hosts that these words name, in order; unknown words as they are."""
        found = []
        for word in names:
            if word == "rest":
                found += [relay for relay in self.relays if relay not in self.select([w for w in other if w != "rest"])]
            elif word == "all":
                found += self.relays
            elif word in self.zone_of.values():
                found += [relay for relay in self.relays if self.zone_of[relay] == word]
            else:
                found.append(word)
        return list(dict.fromkeys(found))

    def unknown(self, hosts_, nodes):
        return [host for host in hosts_ if host not in self.relays and not (nodes and host in self.nodes)]


class Scenario:
    def __init__(self, path, topology=None):
        """topology: of a deployment; without it the file must have one. Wrong: what is wrong with it."""
        self.path, self.name, self.text = pathlib.Path(path), pathlib.Path(path).stem, pathlib.Path(path).read_text()
        reader = Reader(self.path)
        try:
            node = yaml.compose(self.text, Loader=yaml.BaseLoader)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            raise Wrong(f"{self.path}:{mark.line + 1 if mark else 1}: {getattr(error, 'problem', None) or error}") from None
        if node is None:
            raise Wrong(f"{self.path}:1: the file is empty")
        found = FILE(reader, node)
        reader.done()
        self.about, self.load, self.timeline = found["about"], found["load"], sorted(found["timeline"], key=lambda f: f["at"])
        self.expect, self.given = found.get("expect", {}), found.get("topology")
        if topology is None and self.given is None:
            raise Wrong(f"{self.path}:1: missing: topology. Without one a scenario is for a deployment: tools/chaos dry, "
                        "or tools/chaos run --like")
        self.settings = {**DEFAULTS, **(self.given or {})}
        self.settings.setdefault("agree", min(2, self.settings["sources"]))
        self.topology = topology or self._topology(reader)
        self._check(reader)
        reader.done()

    def _topology(self, reader):
        zones = {}
        for zone in self.given["zones"]:
            if zone["name"] in zones or zone["name"] in ("all", "rest"):
                reader.say(zone, f"zone {zone['name']}: that name is taken")
            zones[zone["name"]] = zone
        for a, b in self.given["links"]:
            for end in (a, b):
                if end not in zones:
                    reader.say(self.given, f"links: there is no zone {end}")
        zone_of = {f"{zone}-{i}": zone for zone, one in zones.items() for i in range(1, one["relays"] + 1)}
        attests = [f"{zone}-{i}" for zone, one in zones.items() if "chain" in one
                   for i in range(1, min(one["relays"], one.get("attesters", 64)) + 1)]
        chain_of = {relay: zones[zone].get("chain") for relay, zone in zone_of.items()}
        for chain in CHAINS:
            have = sum(chain_of[relay] == chain for relay in attests)
            if not have / 2 < self.settings["quorum"] <= have:
                reader.say(self.given, f"chain {chain}: {have} attesters, and a quorum of {self.settings['quorum']}; registries take "
                           "more than half of them, and no more than there are")
        if self.settings["agree"] > self.settings["sources"]:
            reader.say(self.given, f"agree: {self.settings['agree']} of {self.settings['sources']} sources")
        if self.settings["window"] < 256 * (self.settings["payload_max"] + 219):
            reader.say(self.given, f"window: less than one batch, 256 * (payload_max + 219) = {256 * (self.settings['payload_max'] + 219)}")
        return Topology(zone_of, self.given["links"], chain_of, attests, [f"node-{chain}" for chain in CHAINS])

    def sides(self, one):
        """(from, to) of a fault between two sets of hosts."""
        a, b = one["between"] if "between" in one else (one["from"], one["to"])
        return self.topology.select(a, b), self.topology.select(b, a)

    def targets(self, one):
        """The relays or hosts that a fault is about; of a fault between two sets, both."""
        if "between" in one or "from" in one:
            return sum(self.sides(one), [])
        return self.topology.select(one.get("relays") or one.get("hosts") or ([f"node-{one['chain']}"] if "chain" in one else []))

    def _check(self, reader):
        low, high = self.load.get("payload", (20, 100))
        if low > high or high > self.settings["payload_max"]:
            reader.say(self.load, f"payload: from {low} to {high} bytes, and payload_max is {self.settings['payload_max']}")
        busy = {}
        for one in self.timeline:
            hosts_ = self.targets(one)
            for host in self.topology.unknown(hosts_, nodes="relays" not in one):
                reader.say(one, f"there is no {host} here; relays: {', '.join(self.topology.relays)}; "
                           f"zones: {', '.join(sorted(set(self.topology.zone_of.values())))}")
            if "between" in one or "from" in one:
                both = set.intersection(*map(set, self.sides(one)))
                if both or not all(self.sides(one)):
                    reader.say(one, f"on both sides: {', '.join(sorted(both))}" if both else "nobody on one side")
            self._check_relays(reader, one, hosts_, busy)
            if one["fault"] == "reorg" and one["depth"] > self.settings["finality_depth"]:
                reader.say(one, f"depth: {one['depth']}, and what lies {self.settings['finality_depth']} blocks deep is final here; "
                           "a deeper one is no fault that relays can bear")

    def _check_relays(self, reader, one, hosts_, busy):
        sourced = "source" in one or one["fault"] == "crash-loop"
        if sourced:
            for host in set(hosts_) - set(self.topology.attesting):
                reader.say(one, f"{host} has no signer and no sources")
            which = one.get("source") or one.get("process")
            if which.startswith("node-") and int(which[5:]) > self.settings["sources"]:
                reader.say(one, f"there is no {which}: topology.sources is {self.settings['sources']}")
        if one["fault"] not in ON_RELAYS:
            return
        for host in hosts_:
            for start, end, kind in busy.get(host, ()):
                if one["at"] < end and start < one["at"] + one["for"]:
                    reader.say(one, f"{host} has {kind} from {start} to {end}: one such fault at a time")
            busy.setdefault(host, []).append((one["at"], one["at"] + one["for"], one["fault"]))

    def end(self):
        """When the last fault is over."""
        return max([0.0] + [one["at"] + one.get("for", 0) for one in self.timeline])


def describe(one):
    """A fault in a few words."""
    def words(hosts_):
        return " ".join(hosts_)
    kind = one["fault"]
    if "between" in one:
        a, b = map(words, one["between"])
        more = f", {one['percent']:g} %" if kind == "loss" else f", every {one['every']:g} s" if kind == "flap" else ""
        return f"{kind}: {a} | {b}{more}"
    if kind == "cut-one-way":
        return f"cut: {words(one['from'])} -> {words(one['to'])}"
    what = words(one.get("relays") or one.get("hosts") or [one.get("chain", "")])
    more = {"rate": "kbit", "delay": "ms", "clock": "seconds", "crash-loop": "process", "rpc": "does", "reorg": "depth"}.get(kind)
    unit = {"rate": " kbit/s", "delay": " ms", "clock": " s", "reorg": " blocks"}.get(kind, "")
    where = f" {one['source']}" if "source" in one else ""
    return f"{kind}: {what}{where}" + (f", {one[more]}{unit}" if more else "")


def every():
    """Those that are here, by name."""
    return {path.stem: path for path in sorted((HERE / "scenarios").glob("*.yaml"))}
