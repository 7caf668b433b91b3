"""One durable signed hop between two relays, beside NATS JetStream end to end, beside what it is made of, and beside the least that
a durable hop can cost.

    tools/bench hop [--rounds N] [--seconds S] [--transport tcp|ipc] [--quick] [--report FILE]

Each round runs all of them one after the other. Ratios are taken inside their round (paced: between runs that follow each other),
and the median over the rounds counts. Two servers are compared with: the system's nats-server as it comes, which answers from the
page cache, and one of a pinned version, built where Go is, that syncs before it answers."""

import pathlib
import re
import shutil
import subprocess
import tempfile

import nats
import peers
import rounds

WINDOWS = (1024, 4096)
PAIRS = 3  # paced runs of each in a round
SATURATED = {"saturated": 256, "saturated_1k": 1024}  # bytes
PACED = {"paced_10k": 10000, "paced_1k": 1000}  # messages of 256 bytes a second
SIDES = ("isthmus", "jetstream", "synced", "floor")
HOP = ("commit + sync (RocksDB WAL, fdatasync) at the sender, Ed25519 over the frame, secp256k1 over the head, gate and full "
       "verification at the receiver, commit + sync there, signed heartbeat back")
PROOF = "head: the running Keccak hash over every record, checked on both sides against the operator's signature"
DURABILITY = {"isthmus": "fdatasync at both ends, group commit; signed; two copies; until told back",
              "jetstream": "answers from the page cache, synced in the background (as it comes); unsigned, one copy; until delivered",
              "synced": "each message synced by itself before the answer (sync_interval: always); unsigned, one copy; until delivered",
              "floor": "fdatasync of a frame's bytes at both ends, nng there and back, one frame at a time; nothing else"}
# key: scene, figure, of whom, beside whom, what
RATIOS = {
    "ratio": ("saturated", "msgs_per_s", "isthmus", "jetstream", "Isthmus / JetStream as it comes, 256 B saturated"),
    "ratio_1k": ("saturated_1k", "msgs_per_s", "isthmus", "jetstream", "the same, 1 KiB"),
    "ratio_p99_10k": ("paced_10k", "p99_ms", "isthmus", "jetstream", "p99 at 10,000/s, told back / delivered"),
    "ratio_synced": ("saturated", "msgs_per_s", "isthmus", "synced", "Isthmus / JetStream that syncs, 256 B saturated"),
    "ratio_1k_synced": ("saturated_1k", "msgs_per_s", "isthmus", "synced", "the same, 1 KiB"),
    "ratio_p99_10k_synced": ("paced_10k", "p99_ms", "isthmus", "synced", "p99 at 10,000/s, told back / delivered"),
    "ratio_p99_1k_synced": ("paced_1k", "p99_ms", "isthmus", "synced", "the same at 1,000/s"),
    "ratio_p99_floor": ("paced_10k", "p99_ms", "isthmus", "floor", "p99 at 10,000/s / of the bare syncs and round trip"),
    "ratio_floor_jetstream": ("paced_10k", "p99_ms", "floor", "jetstream", "of the bare syncs and round trip / JetStream's")}
LEAST = {"ratio": 1.5, "ratio_synced": 1.5}
MOST = {"ratio_p99_10k": 0.5, "ratio_p99_10k_synced": 0.5}


class Round:
    def __init__(self, options, folder, servers):
        self.options, self.folder, self.servers = options, folder, servers
        self.hop_program, self.raw_program = (rounds.needed(options, f"tools/benches/bench-{name}") for name in ("hop", "raw"))
        self.jetstream_program = rounds.program(options, "tools/benches/bench-jetstream")

    def scratch(self):
        folder = self.folder / "run"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return folder

    def raw(self, what):
        found = rounds.run(self.raw_program, what, "--seconds", self.options.seconds / 2, "--dir", self.scratch())
        return next(iter(found.values()))

    def run(self, side, payload, rate, seconds):
        """What one side did, or None when it is not there."""
        if side == "isthmus":
            return rounds.run(self.hop_program, "--payload", payload, "--rate", rate, "--seconds", seconds,
                              "--transport", self.options.transport, "--dir", self.scratch())
        if side == "floor":
            return rounds.run(self.raw_program, "floor", "--seconds", seconds, "--dir", self.scratch()) if rate else None
        server = self.servers[side]
        if server.missing:
            return None
        # Who syncs each message by itself gains nothing by a wider window.
        windows = WINDOWS if rate == 0 and side == "jetstream" and not self.options.quick else WINDOWS[:1]
        runs = [rounds.run(self.jetstream_program, "--url", server.url, "--payload", payload, "--rate", rate,
                           "--seconds", seconds, "--window", window) for window in windows]
        return max(runs, key=lambda run: run["msgs_per_s"])

    def all(self, number):
        """One round: scene -> side -> its runs. Who goes first changes, so that a machine that warms up or fills favours nobody."""
        result = {"rocksdb_rows": self.raw("rocksdb"), "rocksdb_segments": self.raw("segments"), "nng": self.raw("nng")}
        turn = number
        for name, payload in SATURATED.items():
            result[name] = {side: [self.run(side, payload, 0, self.options.seconds)] for side in turned(turn)}
        for name, rate in PACED.items():
            result[name] = {side: [] for side in SIDES}
            for _ in range(1 if self.options.quick else PAIRS):
                for side in turned(turn):
                    result[name][side].append(self.run(side, 256, rate, self.options.seconds / 2))
                turn += 1
        return result


def turned(turn):
    place = turn % len(SIDES)
    return SIDES[place:] + SIDES[:place]


def middle(values):
    return rounds.median(values) if values else None


def figures(runs):
    """Medians of what ran, and ratios that were taken inside their rounds."""
    made = {}
    for key, (scene, figure, one, other, _) in RATIOS.items():
        each = [rounds.median([ours[figure] / theirs[figure] for ours, theirs in zip(run[scene][one], run[scene][other])])
                for run in runs if run[scene][other][0]]
        made[key] = round(middle(each), 3) if each else None
        made[key + "_spread"] = [round(min(each), 3), round(max(each), 3)] if each else None
    for scene in (*SATURATED, *PACED):
        made[scene] = {}
        for side in SIDES:
            found = [one for run in runs for one in run[scene][side] if one]
            keys = [key for key in found[0] if isinstance(found[0][key], (int, float))] if found else []
            made[scene][side] = {key: middle([one[key] for one in found]) for key in keys} if found else None
            if found and "p99_ms" in keys:
                made[scene][side]["p99_ms_rounds"] = [round(rounds.median([one["p99_ms"] for one in run[scene][side]]), 3)
                                                      for run in runs]
    made["isthmus_msgs_per_s"] = made["saturated"]["isthmus"]["msgs_per_s"]
    for side, key in (("jetstream", "jetstream_msgs_per_s"), ("synced", "jetstream_synced_msgs_per_s")):
        made[key] = made["saturated"][side] and made["saturated"][side]["msgs_per_s"]
    for name in ("rocksdb_rows", "rocksdb_segments", "nng"):
        made[f"raw_{name}_msgs_per_s"] = middle([run[name] for run in runs])
    return made


def profile(options, one, top=14):
    """Where the time goes: samples of one saturated hop, by symbol."""
    perf = rounds.found("perf")
    if perf is None or options.quick:
        return None, "perf is not installed" if perf is None else "not with --quick"
    data = one.folder / "perf.data"
    recorded = subprocess.run([perf, "record", "-q", "-e", "cpu-clock", "-F", "997", "-o", str(data), "--",
                               str(one.hop_program), "--seconds", str(options.seconds), "--transport", options.transport,
                               "--dir", str(one.scratch())], capture_output=True, text=True, check=False)
    if recorded.returncode != 0:
        return None, f"perf record does not work here: {recorded.stderr.strip()[-200:]}"
    shown = subprocess.run([perf, "report", "-i", str(data), "--stdio", "-q", "--no-children", "-s", "dso,symbol",
                            "-g", "none"], capture_output=True, text=True, check=False).stdout
    totals = {}
    for line in shown.splitlines():
        match = re.match(r"\s*([0-9.]+)%\s+(\S+)\s+\[.\]\s+(.*?)\s*(-\s+-\s*)?$", line)
        if match:  # libraries of the system have no symbols but their own functions' names
            where = match.group(2), match.group(3) if not match.group(3).startswith("0x") else "(other)"
            totals[where] = totals.get(where, 0) + float(match.group(1))
    libraries = {}
    for (library, _), percent in totals.items():
        libraries[library] = libraries.get(library, 0) + percent
    rows = [{"percent": round(percent, 1), "where": library, "symbol": "in all"} for library, percent in
            sorted(libraries.items(), key=lambda one: -one[1])[:6]]
    rows += [{"percent": round(percent, 1), "where": library, "symbol": symbol[:60]} for (library, symbol), percent in
             sorted(totals.items(), key=lambda one: -one[1])[:top]]
    return rows, None


def cell(figures_, key, form="{:,.0f}"):
    return form.format(figures_[key]) if figures_ and key in figures_ else "not run"


def show_paced(made, scene, rate):
    print(f"\n{scene}: {rate:,} messages of 256 B a second; latency in ms, medians; p99 of each round")
    for side in SIDES:
        found = made[scene][side]
        if not found:
            print(f"  {side:10} not run")
            continue
        lags = found.get("kept", 1) < 0.99
        each = " ".join(f"{value:.2f}" for value in found["p99_ms_rounds"])
        print(f"  {side:10} p50 {found['p50_ms']:.2f}  p99 {found['p99_ms']:.2f}  [{each}]"
              f"{'  it keeps ' + format(found['kept'], '.0%') + ' of that rate: a backlog' if lags else ''}")
    if made[scene]["floor"]:
        parts = made[scene]["floor"]
        print(f"  the floor's parts: one sync p50 {parts['sync_p50_ms']:.2f} p99 {parts['sync_p99_ms']:.2f}, nng there and back "
              f"p50 {parts['nng_p50_ms']:.2f} p99 {parts['nng_p99_ms']:.2f}")


def show(made, servers, options, way, rows, reason):
    print(f"transport   {options.transport} loopback, nng pub/sub, frames of up to 256 KiB; both relays on this machine")
    print(f"proof mode  {PROOF}")
    print(f"durability  isthmus    {DURABILITY['isthmus']}")
    for side, server in servers.items():
        print(f"            {side:10} {server.missing or server.version + ', ' + DURABILITY[side]}")
    print(f"            floor      {DURABILITY['floor']}\n")
    print(f"{'messages a second':20}" + "".join(f"{side:>12}" for side in SIDES[:3]))
    for scene in SATURATED:
        print(f"{scene:20}" + "".join(f"{cell(made[scene][side], 'msgs_per_s'):>12}" for side in SIDES[:3]))
    for scene, rate in PACED.items():
        show_paced(made, scene, rate)
    print(f"\nraw, 256 B: RocksDB synced batches of 256 {made['raw_rocksdb_rows_msgs_per_s']:,.0f} rows/s; as one segment row "
          f"{made['raw_rocksdb_segments_msgs_per_s']:,.0f} messages/s; nng {made['raw_nng_msgs_per_s']:,.0f} messages/s")
    for key, (*_, text) in RATIOS.items():
        print(f"{key:21} {'not run' if made[key] is None else format(made[key], '.2f'):>8}  {made[key + '_spread'] or ''}  {text}")
    ours = made["saturated"]["isthmus"]
    print(f"\nCPU a message, 256 B saturated: sender {ours['sender_cpu_us']:.2f} µs, receiver {ours['receiver_cpu_us']:.2f} µs; "
          f"{ours['messages_per_sync']:.0f} messages a sync")
    show_way(way)
    print("where the time goes (perf record -e cpu-clock, both relays, 256 B saturated)" if rows else
          f"where the time goes: {reason}")
    for row in rows or []:
        print(f"  {row['percent']:5.1f} %  {row['where']:24} {row['symbol']}")


def show_way(stages):
    """One more paced run, by stages (stages.h)."""
    print("where the way goes at 10,000/s, ms: p50, p99, and of the slowest hundredth of the frames")
    for name, times in stages.items():
        if name != "frames":
            print(f"  {name:10}" + "".join(f"{time:8.2f}" for time in times))


def missed_of(made):
    return ([key for key, target in LEAST.items() if made[key] is not None and made[key] < target] +
            [key for key, target in MOST.items() if made[key] is not None and made[key] >= target])


def start(options, folder):
    """Both servers, or why not."""
    system = rounds.found("nats-server")
    built, why = peers.go(options, "peer_nats", "nats-server", "github.com/nats-io/nats-server/v2")
    programs = {"jetstream": (system, None if system else "nats-server is not installed (tools/setup)", False),
                "synced": (built, why, True)}
    if rounds.program(options, "tools/benches/bench-jetstream") is None:
        programs = {side: (None, "bench-jetstream was not built: libnats-dev is not installed (tools/setup)", always)
                    for side, (_, _, always) in programs.items()}
    return {side: nats.Server(program, missing, folder / side, always)
            for side, (program, missing, always) in programs.items()}


def main(arguments):
    parser = rounds.parser("hop", __doc__)
    parser.add_argument("--seconds", type=float, help="of each saturated run; paced ones take half (default 2)")
    parser.add_argument("--transport", choices=("tcp", "ipc"), default="tcp")
    parser.add_argument("--dir", type=pathlib.Path, help="where the stores lie (default: the folder for temporary files)")
    options = parser.parse_args(arguments)
    options.rounds = options.rounds or (1 if options.quick else 5)
    options.seconds = options.seconds or (0.2 if options.quick else 2)
    servers = {}
    with tempfile.TemporaryDirectory(prefix="isthmus-bench-", dir=options.dir) as name:
        folder = pathlib.Path(name)
        try:
            servers = start(options, folder)
            one = Round(options, folder, servers)
            runs = [one.all(number) for number in range(options.rounds)]
            way = rounds.run(one.hop_program, "--rate", 10000, "--seconds", options.seconds, "--stages", 1,
                             "--transport", options.transport, "--dir", one.scratch())["stages"]
            rows, reason = profile(options, one)
        finally:
            for server in servers.values():
                server.close()
    made = figures(runs)
    show(made, servers, options, way, rows, reason)
    missed = missed_of(made)
    if missed and not options.quick:
        print("targets missed: " + ", ".join(missed))
    rounds.finish(options, {**made, "rounds": options.rounds, "seconds": options.seconds, "transport": options.transport,
                            "proof_mode": PROOF, "durability": {"hop": HOP, **DURABILITY},
                            "servers": {side: server.missing or server.version for side, server in servers.items()},
                            "stages_10k": way, "profile": rows, "profile_missing": reason,
                            "machine": rounds.machine(), "runs": runs, "targets": {"least": LEAST, "below": MOST},
                            "missed": missed, "ok": not missed})
    return 0 if not missed or options.quick else 1
