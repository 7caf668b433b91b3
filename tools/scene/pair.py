"""The smallest network: two relays, one a side, each of an operator of its own, made with the operator's own tools. For tests and
benches that need a relay and no chain."""

import re

CHAINS = {"east": "eip155:31337", "west": "eip155:31338"}
ACCOUNT = "0x" + "5a" * 20
LANES = (("east-to-west", "in-order"),)


def other(name):
    return next(one for one in CHAINS if one != name)


def make_keys(tool):
    """{relay: {"relay", "signing", "root": key}}: folders and keys of both. tool(argument, …): what `isthmus` prints."""
    keys = {}
    for name in CHAINS:
        relay, signing = [line.split("key: ")[1].strip(' "}') for line in tool("init", name, "--relay", name, "--cheap").splitlines()
                          if "key: " in line]
        root = tool("network", "new-root", name, f"{name}-root.key", "--plain").splitlines()[-1].split(": ")[1]
        keys[name] = {"relay": relay, "signing": signing, "root": root}
    return keys


def document(keys, lanes=LANES):
    """The network document. lanes: (name, order), all from east to west."""
    lines = ["network: pair", "version: 3", "roots:"]
    lines += [f"  - {{name: {n}, side: {i}, key: {keys[n]['root']}}}" for i, n in enumerate(keys, 1)]
    lines += ["operators:"] + [f"  - {{name: {n}, number: {i}, side: {i}}}" for i, n in enumerate(keys, 1)]
    lines += ["chains:"]
    for name, chain in CHAINS.items():
        lines += [f"  - {{id: \"{chain}\", family: evm, genesis: {'ab' * 32}, suite: keccak256-secp256k1,",
                  f"     finality_depth: 2, sources: 1, registry: \"{ACCOUNT}\", outbox: \"{ACCOUNT}\",",
                  f"     inbox: \"{ACCOUNT}\", epochs: [{{number: 1, quorum: 1, accept_equivocation: 0,",
                  f"     keys: [{{operator: {other(name)}, key: \"{keys[other(name)]['signing']}\"}}]}}]}}"]
    lines += ["zones: [{name: east}, {name: west}]", "relays:"]
    for name, chain in CHAINS.items():
        lines += [f"  - {{name: {name}, operator: {name}, zone: {name}, key: {keys[name]['relay']},",
                  f"     serves: [\"{chain}\"], delivers: [\"{chain}\"]}}"]
    lines += ["links: [[east, west]]", "lanes:"]
    for name, order in lanes:
        lines += [f"  - {{name: {name}, source: \"{CHAINS['east']}\", destination: \"{CHAINS['west']}\",",
                  f"     sender: \"{ACCOUNT}\", receiver: \"{ACCOUNT}\", order: {order}, failure: retry,",
                  "     suites: [keccak256-secp256k1], evidence: [slot]}"]
    return "\n".join(lines) + "\n"


def sign(tool):
    for name in CHAINS:
        tool("network", "sign", "network.yaml", "--root", name, "--key", f"{name}-root.key")


def relay_yaml(text, name, keys, folder, program="/bin/true", more=""):
    """What `isthmus init` wrote, filled in for this relay of the network in `folder`: sockets lie there. program, more: of its one source."""
    peer = other(name)
    source = (f"{{chain: \"{CHAINS[name]}\", name: node, operator: me, network: here, software: test, program: {program}, "
              f"submits: true{more}}}")
    for old, new in ((": network.yaml ", ": ../network.yaml "),
                     ("roots: {}", "roots: {" + ", ".join(f"{n}: {k['root']}" for n, k in keys.items()) + "}"),
                     ("zones: []", f"zones: [{{zone: {peer}, url: \"ipc://{folder}/{name}.pub\"}}]"),
                     ("peers: []", f"peers: [{{relay: {peer}, publish: \"ipc://{folder}/{peer}.pub\", "
                                   f"request: \"ipc://{folder}/{peer}.req\"}}]"),
                     ("sources: []", f"sources: [{source}]")):
        if old not in text:
            raise ValueError(f"`isthmus init` writes no '{old}' any more: tools/scene/pair.py is older than it")
        text = text.replace(old, new)
    return re.sub(r"request: ipc://\S+", f"request: \"ipc://{folder}/{name}.req\"", text, count=1)
