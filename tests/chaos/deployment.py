"""A deployment that exists: what its network document says, and what a scenario would do to it. Nothing is touched."""

import json
import pathlib

import yaml

from scenario import CHAINS, Topology, Wrong, describe

CUTS, DEAD = ("partition", "flap"), ("kill", "freeze", "power-cut", "disk-full")
AN_HOUR = 3600  # further apart, and relays do not take each other's frames


class Deployment:
    """DIR with network.yaml, and relay.yaml of each relay in a folder of its name, as far as they are here."""

    def __init__(self, folder):
        folder = pathlib.Path(folder)
        self.path = folder if folder.is_file() else folder / "network.yaml"
        if not self.path.exists():
            raise Wrong(f"{self.path}: there is no network document; --deployment takes its folder, or the file")
        try:
            self.document = yaml.safe_load(self.path.read_text())
            self.chains = {chain["id"]: chain for chain in self.document["chains"]}
            self.relays = {relay["name"]: relay for relay in self.document["relays"]}
            self.lanes, self.links = self.document["lanes"], [tuple(pair) for pair in self.document["links"]]
            for chain in self.chains.values():
                chain["newest"] = max(chain["epochs"], key=lambda epoch: epoch["number"])
                chain["operators"] = sorted({key["operator"] for key in chain["newest"]["keys"]})
        except (yaml.YAMLError, KeyError, TypeError) as error:
            raise Wrong(f"{self.path}: no network document ({error}); isthmus network verify says what is wrong with it") from None
        self.sources = {name: self._sources(name) for name in self.relays}

    def _sources(self, name):
        """{chain: names of sources} of a relay; None: its file is not here."""
        path = self.path.parent / name / "relay.yaml"
        if not path.exists():
            return None
        found = {}
        for source in (yaml.safe_load(path.read_text()) or {}).get("sources") or []:
            found.setdefault(source["chain"], []).append(source["name"])
        return found

    def topology(self):
        """As scenarios name it: zones and relays. The first two chains are called east and west where one of a kind is needed."""
        names = dict(zip(self.chains, CHAINS))
        chain_of = {name: next((names.get(chain) for chain in relay.get("serves", [])), None) for name, relay in self.relays.items()}
        attests = [name for name, relay in self.relays.items() if relay.get("operator") and relay.get("serves")]
        return Topology({name: relay["zone"] for name, relay in self.relays.items()}, self.links, chain_of, attests,
                        [f"node-{name}" for name in names.values()])

    def settings(self):
        """For a twin in the lab: quorum, finality, lanes of one way, as many sources as are demanded."""
        if len(self.chains) != 2:
            raise Wrong(f"{self.path}: {len(self.chains)} chains; the lab has two")
        first = next(iter(self.chains))
        lanes = [{"order": lane["order"], "failure": lane["failure"]} for lane in self.lanes if lane["source"] == first]
        demanded = min(3, max(chain["sources"] for chain in self.chains.values()))
        return {"quorum": max(chain["newest"]["quorum"] for chain in self.chains.values()), "lanes": lanes,
                "finality_depth": min(8, max(chain["finality_depth"] for chain in self.chains.values())),
                "sources": min(3, demanded + 1), "agree": demanded}


class Dry:
    """What a scenario would do, moment by moment. A lane goes on where an island has the operators of a quorum that see the source,
    and a relay that delivers; its outcomes come back where the same holds the other way."""

    def __init__(self, deployment, scenario):
        self.deployment, self.scenario = deployment, scenario
        self.linked = {frozenset(pair) for pair in deployment.links}

    def moments(self):
        """[(from, to, faults that last)]: from each change to the next."""
        timeline = self.scenario.timeline
        changes = sorted({0.0} | {at for one in timeline for at in (one["at"], one["at"] + one.get("for", 0))})
        spans = zip(changes, changes[1:] + [max(changes[-1], self.scenario.load["seconds"])])
        return [(a, b, [one for one in timeline if one["at"] <= a < one["at"] + one.get("for", 0)]) for a, b in spans if b > a]

    def state(self, faults):
        """(relays that are down, pairs of relays that are cut, {(relay, source) that say nothing})."""
        down, cut, mute = set(), set(), set()
        for one in faults:
            hosts = self.scenario.targets(one)
            if one["fault"] in DEAD:
                down.update(hosts)
            elif one["fault"] in CUTS or one["fault"] == "cut-one-way":
                a, b = self.scenario.sides(one)
                cut |= {frozenset((x, y)) for x in a for y in b}
            elif one["fault"] == "clock" and abs(one["seconds"]) > AN_HOUR:
                cut |= {pair for pair in self.linked if pair & set(hosts)}
            elif one["fault"] == "rpc":
                mute |= {(host, one["source"]) for host in hosts}
            elif one["fault"] == "crash-loop":
                mute |= {(host, one["process"]) for host in hosts}
        return down, cut, mute

    def islands(self, down, cut):
        left, found = [relay for relay in self.deployment.relays if relay not in down], []
        while left:
            island, edge = [left.pop(0)], 0
            while edge < len(island):
                here = [other for other in left if frozenset((island[edge], other)) in self.linked - cut]
                left = [other for other in left if other not in here]
                island, edge = island + here, edge + 1
            found.append(island)
        return found

    def sees(self, relay, chain, cut, mute):
        """Whether this relay can prove what this chain holds, and sign it."""
        if chain not in self.deployment.relays[relay].get("serves", []) or (relay, "signer") in mute:
            return False
        index = list(self.deployment.chains).index(chain)
        if index < 2 and frozenset((relay, f"node-{CHAINS[index]}")) in cut:
            return False
        sources = self.deployment.sources[relay]
        demanded = self.deployment.chains[chain]["sources"]
        names = [f"node-{i + 1}" for i in range(demanded)] if sources is None else sources.get(chain, [])
        return sum((relay, name) not in mute for name in names) >= demanded

    def passes(self, source, destination, islands, cut, mute):
        """None when records of a log pass from chain to chain; else why not."""
        chain, best = self.deployment.chains[destination], []
        delivering = [any(destination in self.deployment.relays[relay].get("delivers", []) for relay in island) for island in islands]
        for island, delivers in zip(islands, delivering):
            able = {self.deployment.relays[relay]["operator"] for relay in island if self.deployment.relays[relay].get("operator")
                    in chain["operators"] and self.sees(relay, source, cut, mute)}
            if delivers and len(able) >= chain["newest"]["quorum"]:
                return None
            best = max(best, sorted(able), key=len) if delivers else best
        if not any(delivering):
            return f"no relay that delivers to {destination} is up"
        return (f"{len(best)} of {chain['newest']['quorum']} operators that must sign reach a relay that delivers to {destination}"
                + (f" ({', '.join(best)})" if best else ""))

    def report(self):
        rows = []
        for begin, end, faults in self.moments():
            down, cut, mute = self.state(faults)
            islands = self.islands(down, cut)
            lanes = {lane["name"]: {"delivers": self.passes(lane["source"], lane["destination"], islands, cut, mute),
                                    "settles": self.passes(lane["destination"], lane["source"], islands, cut, mute)}
                     for lane in self.deployment.lanes if lane.get("state", "open") != "closed"}
            rows.append({"from_s": begin, "to_s": end, "faults": [describe(one) for one in faults], "down": sorted(down),
                         "links_cut": sorted("-".join(sorted(pair)) for pair in cut & self.linked), "islands": islands, "lanes": lanes})
        survive = all(why is None for row in rows for lane in row["lanes"].values() for why in lane.values())
        return {"scenario": self.scenario.name, "deployment": str(self.deployment.path), "moments": rows, "quorums_survive": survive, "ok": True}

    def tell(self, report):
        deployment = self.deployment
        print(f"{report['scenario']} at {deployment.path}: {len(deployment.relays)} relays, {len(deployment.links)} links, "
              f"{len(deployment.lanes)} lanes. Nothing is touched.\n")
        for name, chain in deployment.chains.items():
            print(f"  what arrives at {name} needs {chain['newest']['quorum']} of {len(chain['operators'])} operators: "
                  f"{', '.join(chain['operators'])}")
        unknown = [name for name, sources in deployment.sources.items() if sources is None and deployment.relays[name].get("serves")]
        if unknown:
            print(f"  no relay.yaml here of {', '.join(unknown)}: taken to have as many sources as the chain demands, node-1 and so on")
        for row in report["moments"]:
            print(f"\n{row['from_s']:g} to {row['to_s']:g} s: " + ("; ".join(row["faults"]) or "no fault"))
            if row["down"]:
                print(f"  down: {', '.join(row['down'])}")
            if row["links_cut"]:
                print(f"  links cut: {len(row['links_cut'])} of {len(deployment.links)}")
            if len(row["islands"]) > 1:
                print("  islands: " + " | ".join(", ".join(island) for island in row["islands"]))
            going = [name for name, lane in row["lanes"].items() if lane["delivers"] is None and lane["settles"] is None]
            if going:
                print(f"  go on: {', '.join(going)}")
            for name, lane in row["lanes"].items():
                if lane["delivers"]:
                    print(f"  {name} stands: {lane['delivers']}; what is sent waits at its source")
                elif lane["settles"]:
                    print(f"  {name} delivers until its window is full, outcomes wait: {lane['settles']}")
        print("\n" + ("every quorum survives all of it" if report["quorums_survive"] else
                      "not every quorum survives; after the last fault all of it goes on, as tools/chaos run shows on hosts of its own"))

    def write(self, report, path):
        pathlib.Path(path).write_text(json.dumps(report) + "\n")
