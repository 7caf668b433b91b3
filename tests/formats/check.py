#!/usr/bin/env python3
"""The worked examples of docs/formats.md, computed from the page alone with nothing but Python's standard library.

    check.py --check   recompute; compare with examples.json, the tables in docs/formats.md and the fuzz targets' seeds (exit
                       code 1: something differs)
    check.py --write   recompute; write them

The C code and the contracts are compared with examples.json by their own tests. All keys here are TEST KEYS, made from
public text: never use them for anything else.
"""

import json
import pathlib
import sys

sys.dont_write_bytecode = True
import primitives as p  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
EXAMPLES = HERE / "examples.json"
ROOT = HERE.parent.parent
PAGE = ROOT / "docs" / "formats.md"
CORPUS = ROOT / "tests" / "fuzz" / "formats" / "corpus"
BEGIN, END = "<!-- examples: written by tests/formats/check.py --write -->\n", "<!-- end of examples -->\n"

SUITES = {"keccak256-secp256k1": 1, "sha256-p256": 2, "sm3-sm2": 4, "blake2b256-ed25519": 8}
HASHES = {1: p.keccak256, 2: p.sha256, 4: p.sm3, 8: p.blake2b256}
FULL, SEALED, HASH_ONLY = 0, 1, 2
MESSAGE, OUTCOME, SETTLEMENT = 1, 2, 3
HEAD, RULING, CLOSE, EPOCH = 1, 2, 3, 4


# ---- formats.md §1 ----

def u(bits, value):
    return value.to_bytes(bits // 8, "big")


def tag(name):
    text = b"isthmus/" + name.encode()
    assert len(text) <= 15
    return text.ljust(15, b"\0") + b"\x01"


def h(suite, name, *fields):
    return HASHES[suite](tag(name) + b"".join(fields))


def bits_of(suites):
    return [suite for suite in SUITES.values() if suites & suite]


# ---- §2 ----

def network_id(suite, name):
    return h(suite, "network", u(8, len(name)), name.encode())


def chain_id(suite, chain):
    return h(suite, "chain", u(8, len(chain["caip2"])), chain["caip2"].encode(), chain["genesis"])


def zone_id(network, name):
    return h(8, "zone", network_id(8, network), u(8, len(name)), name.encode())


def lane_id(suite, lane):
    return h(suite, "lane", network_id(suite, NETWORK), chain_id(suite, CHAINS[lane["source"]]), lane["outbox"],
             lane["sender"], chain_id(suite, CHAINS[lane["destination"]]), lane["inbox"], lane["receiver"],
             u(8, lane["mode"]), u(32, lane["generation"]))


def log_id(suite, lane, kind):
    return h(suite, "log", lane, u(8, kind), u(8, suite))


# ---- §3, §4 ----

def commitment(suite, message):
    return h(suite, "commit", message["salt"], message["payload"])


def commitments(message):
    return b"".join(commitment(suite, message) for suite in bits_of(message["suites"]))


def digest(suite, lane, m):
    return h(suite, "digest", lane, u(64, m["sequence"]), u(64, m["time"]), u(8, m["form"]), u(32, m["class"]),
             u(256, m["value"]), u(64, m["deadline"]), u(8, m["suites"]), commitments(m))


def message_record(m):
    carried = m["form"] != HASH_ONLY
    body = u(8, 1) + m["salt"] + u(32, len(m["payload"])) + m["payload"] if carried else bytes(1 + 32 + 4)
    return (u(64, m["time"]) + u(8, m["form"]) + u(32, m["class"]) + u(256, m["value"]) + u(64, m["deadline"])
            + u(8, m["suites"]) + commitments(m) + body)


def outcome_record(o, of):
    return u(64, o["sequence"]) + of + u(8, o["status"]) + u(32, o["reason"])


def running(suite, first, entries):
    out = [first]
    for entry in entries:
        out.append(h(suite, "run", out[-1], entry))
    return out


# ---- §5 ----

def members_fields(suite, members):
    rows = sorted((m["operator"], KEYS[m["key"]][suite]["id"], m["side"]) for m in members)
    return u(16, len(rows)) + b"".join(u(16, operator) + u(8, side) + key for operator, key, side in rows)


def tree(suite, leaves):
    """(root, a path for each leaf)"""
    level, where, paths = list(leaves), list(range(len(leaves))), [[] for _ in leaves]
    while len(level) > 1:
        above = []
        for i in range(0, len(level), 2):
            pair = level[i:i + 2]
            above.append(h(suite, "node", *sorted(pair)) if len(pair) == 2 else pair[0])
        for leaf, at in enumerate(where):
            if at ^ 1 < len(level):
                paths[leaf].append(level[at ^ 1])
            where[leaf] = at // 2
        level = above
    return level[0], paths


def signed(suite, root):
    return h(suite, "signed", network_id(suite, NETWORK), root)


def sign(suite, secret, message):
    if suite == 1:
        r, s, parity = p.ecdsa_sign(p.SECP256K1, secret, message)
        return p.b32(r) + p.b32(parity << 255 | s)
    if suite == 2:
        r, s, _ = p.ecdsa_sign(p.P256, secret, message)
        return p.b32(r) + p.b32(s)
    if suite == 4:
        k = p.number(p.sha256(b"isthmus test nonce" + secret + message)) % (p.SM2.n - 1) + 1
        return p.sm2_sign(secret, message, k)
    return p.ed25519_sign(secret, message)


def verify(suite, key, message, signature):
    r, s = p.number(signature[:32]), p.number(signature[32:])
    if suite == 1:
        return p.ecdsa_verify(p.SECP256K1, key["point"], message, r, s & (1 << 255) - 1)
    if suite == 2:
        return p.ecdsa_verify(p.P256, key["point"], message, r, s)
    if suite == 4:
        return p.sm2_verify(key["point"], message, signature)
    return True  # deterministic, and the C test verifies it


# ---- §6 ----

def pack(value):
    def head(fix, limit, wide, length):
        if fix is not None and length < limit:
            return u(8, fix | length)
        for code, bits in wide:
            if length < 1 << bits:
                return u(8, code) + u(bits, length)

    if isinstance(value, int):
        return head(0, 128, ((0xCC, 8), (0xCD, 16), (0xCE, 32), (0xCF, 64)), value)
    if isinstance(value, bytes):
        return head(None, 0, ((0xC4, 8), (0xC5, 16), (0xC6, 32)), len(value)) + value
    return head(0x90, 16, ((0xDC, 16), (0xDD, 32)), len(value)) + b"".join(pack(x) for x in value)


def frame(kind, sender, audience, counter, items):
    body = pack(items)
    whole = (b"ISTH" + u(8, 1) + u(8, kind) + u(16, 0) + network_id(8, NETWORK) + p.ed25519_public(sender) + audience
             + u(64, counter) + u(32, len(body)) + body)
    return whole + p.ed25519_sign(sender, h(8, "frame", whole))


# ---- the examples ----

NETWORK = "demo"
ZONE = "home"
CHAINS = {name: {"caip2": caip2, "genesis": p.sha256(b"isthmus test genesis " + name.encode())}
          for name, caip2 in (("a", "eip155:31337"), ("b", "eip155:31338"), ("c", "cosmos:demo-1"))}


def secret_of(name):
    return p.sha256(b"isthmus test key " + name.encode())


def keys_of(secret):
    secp, p256 = p.point_of(p.SECP256K1, secret), p.point_of(p.P256, secret)
    sm2, ed25519 = p.point_of(p.SM2, secret), p.ed25519_public(secret)
    return {1: {"id": bytes(12) + p.keccak256(secp)[12:], "point": secp}, 2: {"id": p.sha256(p256), "point": p256},
            4: {"id": p.sm3(sm2), "point": sm2}, 8: {"id": ed25519, "point": ed25519 + bytes(32)}}


KEYS = {name: keys_of(secret_of(name)) for name in ("alpha", "beta", "gamma", "delta")}
# delta is operator 1's second key
MEMBERS = [{"operator": 1, "side": 1, "key": "alpha"}, {"operator": 1, "side": 1, "key": "delta"},
           {"operator": 2, "side": 1, "key": "beta"}, {"operator": 3, "side": 2, "key": "gamma"}]
EPOCH_FIELDS = {"epoch": 1, "quorum": 2, "overlap": 3600}


def account(byte):
    return bytes(12) + bytes([byte]) * 20


LANES = [{"name": name, "source": "a", "destination": "b", "outbox": account(0x11), "sender": account(0x22),
          "inbox": account(0x33), "receiver": account(receiver), "mode": mode, "generation": 1, "suites": suites}
         for name, receiver, mode, suites in (("solo", 0x44, 1, 1), ("pair", 0x55, 2, 9), ("all", 0x66, 3, 15))]


def messages_of(lane):
    forms = (FULL, b"hello, other side"), (HASH_ONLY, b"never in the outbox"), (SEALED, bytes(range(200)))
    return [{"sequence": i + 1, "time": 1800000000 + 12 * i, "form": form, "class": 7 + i,
             "value": (0, 10**18, 2**256 - 1)[i], "deadline": 1800086400 + 12 * i, "suites": lane["suites"],
             "salt": p.sha256(b"isthmus test salt %d" % (i + 1)), "payload": payload}
            for i, (form, payload) in enumerate(forms)]


OUTCOMES = [{"sequence": 1, "status": 1, "reason": 0}, {"sequence": 3, "status": 2, "reason": 1},
            {"sequence": 2, "status": 4, "reason": 12}]


def leaves_of(suite, lane, logs, r, q):
    members = h(suite, "members", members_fields(suite, MEMBERS))
    rows = [
        ("head", "message", {"log": logs[MESSAGE], "number": u(64, 3), "running": r[3]}),
        ("head", "outcome", {"log": logs[OUTCOME], "number": u(64, 3), "running": q[3]}),
        ("head", "settlement", {"log": logs[SETTLEMENT], "number": u(64, 2), "running": q[2]}),
        ("ruling", "message", {"log": logs[MESSAGE], "from": u(64, 2), "to": u(64, 2), "running": r[2],
                               "status": u(8, 4), "rule": u(32, 12), "policy_version": u(64, 5)}),
        ("close", "lane", {"lane": lane, "last": u(64, 3), "running": r[3], "next_generation": u(32, 2)}),
        ("epoch", "registry", {"chain": chain_id(suite, CHAINS["b"]), "registry": account(0x77),
                               "epoch": u(64, EPOCH_FIELDS["epoch"]), "quorum": u(16, EPOCH_FIELDS["quorum"]),
                               "overlap": u(64, EPOCH_FIELDS["overlap"]), "members": members}),
    ]
    kinds = {"head": HEAD, "ruling": RULING, "close": CLOSE, "epoch": EPOCH}
    return [{"kind": kinds[kind], "name": kind, "of": of, "fields": b"".join(fields.values()),
             "parts": {k: v if len(v) == 32 else p.number(v) for k, v in fields.items()},
             "hash": h(suite, kind, *fields.values())} for kind, of, fields in rows]


def lane_under(suite, lane, messages):
    identity = lane_id(suite, lane)
    logs = {kind: log_id(suite, identity, kind) for kind in (MESSAGE, OUTCOME, SETTLEMENT)}
    digests = [digest(suite, identity, m) for m in messages]
    r = running(suite, logs[MESSAGE], digests)
    records = [outcome_record(o, digests[o["sequence"] - 1]) for o in OUTCOMES]
    entries = [h(suite, "outcome", record) for record in records]
    q = running(suite, logs[OUTCOME], entries)
    leaves = leaves_of(suite, identity, logs, r, q)
    root, paths = tree(suite, [leaf["hash"] for leaf in leaves[:5]])
    words = signed(suite, root)
    attestations = []
    for name, keys in KEYS.items():
        signature = sign(suite, secret_of(name), words)
        assert verify(suite, keys[suite], words, signature)
        attestations.append({"key": name, "key_id": keys[suite]["id"], "signature": signature})
    alone = signed(suite, leaves[5]["hash"])
    return {
        "network": network_id(suite, NETWORK), "source": chain_id(suite, CHAINS["a"]),
        "destination": chain_id(suite, CHAINS["b"]), "lane": identity,
        "logs": {"message": logs[1], "outcome": logs[2], "settlement": logs[3]},
        "commitments": [commitment(suite, m) for m in messages], "digests": digests, "running": r,
        "outcome_records": records, "entries": entries, "outcome_running": q,
        "members_fields": members_fields(suite, MEMBERS), "members": h(suite, "members", members_fields(suite, MEMBERS)),
        "leaves": leaves,
        "tree": {"leaves": [leaf["hash"] for leaf in leaves[:5]], "root": root, "paths": paths},
        "signed": words, "attestations": attestations,
        "single": {"root": leaves[5]["hash"], "signed": alone,
                   "attestations": [{"key": name, "key_id": KEYS[name][suite]["id"],
                                     "signature": sign(suite, secret_of(name), alone)} for name in ("alpha", "beta")]},
        # quorum 2: two operators, three when closing (more than half of each side); alpha and delta are one operator
        "certificate": {"epoch": 1, "quorum": 2, "leaf": 0, "enough": ["alpha", "beta"],
                        "not_enough": ["alpha", "delta"], "closing_leaf": 4, "closing_enough": ["alpha", "beta", "gamma"],
                        "closing_not_enough": ["alpha", "beta"]},
    }


def frame_example(lanes):
    """One of every item, from the lane "pair" under both of its suites."""
    pair = next(lane for lane in lanes if lane["name"] == "pair")
    under, other = pair["by_suite"]["blake2b256-ed25519"], pair["by_suite"]["keccak256-secp256k1"]
    one, two = secret_of("relay one"), secret_of("relay two")

    def attestation(view, suite, who, leaves):
        a = next(a for a in view["attestations"] if a["key"] == who)
        return [2, suite, a["key_id"], view["tree"]["root"], a["signature"],
                [[view["leaves"][i]["kind"], view["leaves"][i]["fields"], b"".join(view["tree"]["paths"][i])]
                 for i in leaves]]

    chain, bundle = chain_id(1, CHAINS["c"]), pack([1, b"header", b"commit", b"validators", b""])  # nobody looks inside yet
    believed = pack([10, 7, p.sha256(b"isthmus test header"), 1800000050, bundle])
    marks = [[3 * 1 + MESSAGE - 1, 3, under["running"][3]], [3 * 1 + OUTCOME - 1, 3, under["outcome_running"][3]]]
    proven = pack([12, 3, 7, bundle, [account(0x33), [[b"proof of one head"], [b"proof", b"of another"]]], marks])
    items = [
        [1, under["logs"]["message"], 1, under["running"][0], 3, b"".join(m["record"] for m in pair["messages"])],
        [1, under["logs"]["outcome"], 2, under["outcome_running"][1], 2, b"".join(under["outcome_records"][1:])],
        attestation(under, 8, "alpha", [0, 1, 2, 3, 4]),
        attestation(other, 1, "beta", [4]),
        [3, 1800000060, 4, p.sha256(b"isthmus test document"),
         [[under["logs"]["message"], 3, under["running"][3], 1], [other["logs"]["outcome"], 0, other["logs"]["outcome"], 0]],
         tree(8, [leaf["hash"] for leaf in sorted(under["leaves"][:2], key=lambda leaf: leaf["parts"]["log"])])[0]],
        [4, under["logs"]["message"], 2, 300, 1 << 20],
        [5, under["logs"]["settlement"], 3],
        [6],
        [7, chain, believed],
        [7, chain, proven],
        [8, chain, 300],
    ]
    header = {"kind": 1, "network": network_id(8, NETWORK), "sender": p.ed25519_public(one),
              "audience": zone_id(NETWORK, ZONE), "counter": 1799999999 << 32 | 5}
    whole = frame(1, one, header["audience"], header["counter"], items)
    response = [[5, under["logs"]["message"], 1]]
    return {
        "secret": one, "header": header, "lane": "pair", "items": [pack(item) for item in items], "frame": whole,
        "response": {"secret": two, "items": [pack(item) for item in response], "counter": 1800000000 << 32 | 9,
                     "audience": p.ed25519_public(one),
                     "frame": frame(3, two, p.ed25519_public(one), 1800000000 << 32 | 9, response)},
    }


def compute():
    lanes = []
    for lane in LANES:
        messages = messages_of(lane)
        by_suite = {name: lane_under(bit, lane, messages) for name, bit in SUITES.items() if lane["suites"] & bit}
        for m in messages:
            m["commitments"] = [commitment(suite, m) for suite in bits_of(m["suites"])]
            m["carried"] = m["form"] != HASH_ONLY
            m["record"] = message_record(m)
        lanes.append({**lane, "ids": {name: lane_id(bit, lane) for name, bit in SUITES.items()}, "messages": messages,
                      "outcomes": OUTCOMES, "by_suite": by_suite})
    named = {bit: name for name, bit in SUITES.items()}
    return {
        "about": "Worked examples of docs/formats.md, written by tests/formats/check.py. Byte strings in hex with 0x; "
                 "numbers beyond 2^53 as decimal strings; value (u256) always as 32 bytes of hex. The secrets are TEST "
                 "KEYS made from public text (SHA-256 of 'isthmus test key <name>'). SM2 signatures use the nonce "
                 "SHA-256('isthmus test nonce' || secret || message) mod (n - 1) + 1, ECDSA those of RFC 6979.",
        "suites": SUITES,
        "network": {"name": NETWORK, "ids": {name: network_id(bit, NETWORK) for name, bit in SUITES.items()}},
        "zone": {"name": ZONE, "id": zone_id(NETWORK, ZONE)},
        "chains": {name: {**chain, "ids": {suite: chain_id(bit, chain) for suite, bit in SUITES.items()}}
                   for name, chain in CHAINS.items()},
        "keys": {name: {"secret": secret_of(name), **{named[bit]: key for bit, key in keys.items()}}
                 for name, keys in KEYS.items()},
        "members": MEMBERS, "epoch": EPOCH_FIELDS, "lanes": lanes, "frame": frame_example(lanes),
    }


def plain(value, key=""):
    """What JSON can say."""
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, int) and not isinstance(value, bool):
        if key == "value":
            return "0x" + u(256, value).hex()
        return value if value < 1 << 53 else str(value)
    if isinstance(value, dict):
        return {k: plain(v, k) for k, v in value.items()}
    return [plain(v) for v in value] if isinstance(value, (list, tuple)) else value


# ---- the tables of the page ----

def table(head, rows):
    return [f"| {' | '.join(head)} |", "|" + "---|" * len(head)] + [
        "| " + " | ".join(str(cell) if not isinstance(cell, bytes) else f"`{cell.hex()}`" for cell in row) + " |"
        for row in rows] + [""]


def page_of(e):
    solo, pair = e["lanes"][0], e["lanes"][1]
    under = solo["by_suite"]["keccak256-secp256k1"]
    wide = pair["by_suite"]["blake2b256-ed25519"]
    out = ["Network `demo`; chain a is `eip155:31337`, chain b `eip155:31338`, chain c `cosmos:demo-1`. All inputs, all lanes under",
           "all their suites, and the bytes of records, leaves and a frame with every item are in `tests/formats/examples.json`. Keys",
           "there are test keys; the header bundle and the proofs in the evidence items are made up, for a frame does not look inside.", ""]
    out += table(["identity", "suite", "value"],
                 [("network `demo`", s, v) for s, v in e["network"]["ids"].items()]
                 + [(f"genesis of chain {n}", "", c["genesis"]) for n, c in e["chains"].items()]
                 + [(f"chain {n}", s, v) for n, c in e["chains"].items() for s, v in c["ids"].items()]
                 + [("zone `home`", "blake2b256-ed25519", e["zone"]["id"])]
                 + [(f"lane `{lane['name']}`", s, v) for lane in e["lanes"] for s, v in lane["ids"].items()])
    out += ["Lane `solo` has suites `0x01` and is ordered, once (mode 1); `pair` has `0x09` and mode 2; `all` has `0x0f` and mode 3. Outbox,",
            "sender, inbox are the EVM addresses `1111…`, `2222…`, `3333…`, the receivers `4444…`, `5555…`, `6666…`; generation 1.", ""]
    out += table(["lane `solo`, Keccak-256", "value"],
                 [(f"log id, {k}", v) for k, v in under["logs"].items()]
                 + [row for i, m in enumerate(solo["messages"]) for row in (
                     (f"commitment {i + 1}", under["commitments"][i]),
                     (f"digest {i + 1} ({('full', 'sealed', 'hash-only')[m['form']]}, one suite)", under["digests"][i]),
                     (f"R_{i + 1}", under["running"][i + 1]))]
                 + [row for i, o in enumerate(solo["outcomes"]) for row in (
                     (f"entry {i + 1} (sequence {o['sequence']}, status {o['status']}, reason {o['reason']})",
                      under["entries"][i]),
                     (f"Q_{i + 1}", under["outcome_running"][i + 1]))]
                 + [(f"leaf {i + 1}: {leaf['name']} ({leaf['of']})", leaf["hash"]) for i, leaf in enumerate(under["leaves"])]
                 + [("members", under["members"]), ("root over leaves 1..5", under["tree"]["root"]),
                    ("path of leaf 1", "<br>".join(f"`{s.hex()}`" for s in under["tree"]["paths"][0])),
                    ("path of leaf 5", "<br>".join(f"`{s.hex()}`" for s in under["tree"]["paths"][4])),
                    ("signed", under["signed"])]
                 + [(f"signature of `{a['key']}` (key id `{a['key_id'].hex()}`)", a["signature"])
                    for a in under["attestations"][:2]])
    out += table(["lane `pair`, BLAKE2b-256", "value"],
                 [(f"digest {i + 1} ({('full', 'sealed', 'hash-only')[m['form']]}, two suites)", wide["digests"][i])
                  for i, m in enumerate(pair["messages"])]
                 + [("R_3", wide["running"][3]), ("record of message 2", pair["messages"][1]["record"]),
                    ("root over leaves 1..5", wide["tree"]["root"]), ("signed", wide["signed"]),
                    ("signature of `alpha`", wide["attestations"][0]["signature"])])
    out += table(["frame", "value"], [("item 7, header (message 10) of chain c", e["frame"]["items"][8]),
                                      ("item 7, heads of lane `pair` (message 12) under it", e["frame"]["items"][9]),
                                      ("item 8, header 300 of chain c", e["frame"]["items"][10]),
                                      ("response with one refusal item", e["frame"]["response"]["frame"]),
                                      ("BLAKE2b-256 of the frame with every item", p.blake2b256(e["frame"]["frame"]))])
    return "\n".join(out)


def seeds_of(e):
    """First inputs for the fuzz targets, so that they start from bytes that mean something."""
    pair = e["lanes"][1]
    under = pair["by_suite"]["blake2b256-ed25519"]
    frames = {"every-item": e["frame"]["frame"], "response": e["frame"]["response"]["frame"]}
    items = {f"items-{i + 1}": b"\x91" + item for i, item in enumerate(e["frame"]["items"])}
    records = {f"message-{m['sequence']}": b"\x00" + m["record"] for m in pair["messages"]}
    records |= {f"outcome-{i + 1}": b"\x01" + record for i, record in enumerate(under["outcome_records"])}
    records |= {f"leaf-{i + 1}": bytes([1 + leaf["kind"]]) + leaf["fields"] for i, leaf in enumerate(under["leaves"])}
    values = {"items": pack([[1, 200, 70000, 1 << 40], [b"", b"x" * 40, b"y" * 300], [[[[[[[]]]]]]]]),
              "others": bytes.fromhex("94c0c3a16182017fe0c401ff"), "signed": bytes.fromhex("93d0dfd1ff7fd2ffff7fff")}
    return {CORPUS / target / name: data for target, inputs in
            (("frame", frames | items), ("record", records), ("pack", values)) for name, data in inputs.items()}


def main(arguments):
    if arguments not in (["--check"], ["--write"]):
        print(__doc__)
        return 2
    p.self_check()
    examples = compute()
    page = PAGE.read_text()
    if BEGIN not in page or END not in page:
        print(f"{PAGE.name}: the two marks of the examples are missing; put these lines into §7:\n{BEGIN}{END}")
        return 1
    before, rest = page.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    wanted = {EXAMPLES: (json.dumps(plain(examples), indent=1, ensure_ascii=False) + "\n").encode(),
              PAGE: (before + BEGIN + page_of(examples) + END + after).encode(), **seeds_of(examples)}
    if arguments == ["--write"]:
        for path, data in wanted.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return 0
    wrong = [path for path, data in wanted.items() if not path.exists() or path.read_bytes() != data]
    for path in wrong:
        print(f"{path.relative_to(ROOT)}: differs from what docs/formats.md prescribes as computed here; if the change is "
              f"meant, run tests/formats/check.py --write and read the difference")
    if not wrong:
        print("the worked examples agree: examples.json, docs/formats.md, the fuzz seeds and this computation")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
