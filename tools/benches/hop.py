"""One durable signed hop between two relays, beside raw RocksDB, raw nng and NATS JetStream end to end.

    tools/bench hop [--rounds N] [--seconds S] [--transport tcp|ipc] [--quick] [--report FILE]

Each round runs all of them one after the other; every ratio is taken inside its round, and the median over the rounds counts.
JetStream runs with windows of 1024 and 4096 messages, and its better one counts."""

import contextlib
import pathlib
import re
import shutil
import subprocess
import tempfile

import rounds

WINDOWS = (1024, 4096)
HOP = ("commit + sync (RocksDB WAL, fdatasync) at the sender, Ed25519 over the frame, secp256k1 over the head, gate and full "
       "verification at the receiver, commit + sync there, signed heartbeat back")
PROOF = "head: the running Keccak hash over every record, checked on both sides against the operator's signature"


class Nats:
    """A nats-server on a port of its own choice, its files in a folder of ours."""

    def __init__(self, folder):
        server = rounds.found("nats-server")
        self.process, self.url = None, None
        if server is None:
            self.missing = "nats-server is not installed (tools/setup)"
            return
        self.missing = None
        self.version = subprocess.run([server, "--version"], capture_output=True, text=True, check=True).stdout.strip()
        configuration = (f'listen: "127.0.0.1:-1"\nports_file_dir: "{folder}"\n'
                         f'jetstream {{ store_dir: "{folder}/js"\n max_memory_store: 0\n%s }}\n')
        path = folder / "nats.conf"
        # Durable means synced. Servers from 2.10 on can be told; the one of Debian 12 answers from the page cache.
        path.write_text(configuration % " sync_interval: always\n", encoding="ascii")
        always = subprocess.run([server, "-t", "-c", str(path)], capture_output=True, check=False).returncode == 0
        if not always:
            path.write_text(configuration % "", encoding="ascii")
        self.durability = ("file store, synced before each answer (sync_interval: always)" if always else
                           "file store, answers from the page cache: this version cannot sync before it answers")
        self.process = subprocess.Popen([server, "-c", str(path)], stdout=open(folder / "nats.log", "wb"),
                                        stderr=subprocess.STDOUT)
        for _ in range(200):
            ports = list(folder.glob("*.ports"))
            urls = re.findall(r"nats://[0-9.:]+", ports[0].read_text(encoding="ascii")) if ports else []
            if urls or self.process.poll() is not None:
                break
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=0.1)
        else:
            urls = []
        if not urls:
            self.close()
            self.missing = f"nats-server does not start: {(folder / 'nats.log').read_text(errors='replace')[-300:]}"
            return
        self.url = urls[0]

    def close(self):
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait()


class Round:
    def __init__(self, options, folder, nats):
        self.options, self.folder, self.nats = options, folder, nats
        self.hop_program = rounds.needed(options, "tools/benches/bench-hop")
        self.raw_program = rounds.needed(options, "tools/benches/bench-raw")
        self.jetstream_program = rounds.program(options, "tools/benches/bench-jetstream")

    def scratch(self):
        folder = self.folder / "run"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return folder

    def hop(self, payload, rate):
        return rounds.run(self.hop_program, "--payload", payload, "--rate", rate, "--seconds", self.options.seconds,
                          "--transport", self.options.transport, "--dir", self.scratch())

    def raw(self, what):
        found = rounds.run(self.raw_program, what, "--seconds", self.options.seconds / 2, "--dir", self.scratch())
        return next(iter(found.values()))

    def jetstream(self, payload, rate):
        if self.nats.url is None or self.jetstream_program is None:
            return None
        windows = WINDOWS if rate == 0 and not self.options.quick else WINDOWS[:1]
        runs = [rounds.run(self.jetstream_program, "--url", self.nats.url, "--payload", payload, "--rate", rate,
                           "--seconds", self.options.seconds, "--window", window) for window in windows]
        return max(runs, key=lambda run: run["msgs_per_s"])

    def all(self, number):
        """One round. Who goes first changes from round to round, so that a machine that warms up or fills favours nobody."""
        result = {"rocksdb_rows": self.raw("rocksdb"), "rocksdb_segments": self.raw("segments"), "nng": self.raw("nng")}
        for name, payload, rate in (("saturated", 256, 0), ("saturated_1k", 1024, 0), ("paced_10k", 256, 10000),
                                    ("paced_1k", 256, 1000)):
            sides = [("isthmus", self.hop), ("jetstream", self.jetstream)]
            result[name] = {side: run(payload, rate) for side, run in (sides if number % 2 == 0 else reversed(sides))}
        return result


def figures(runs):
    """Medians of what ran, and ratios that were taken inside their rounds."""
    def values(name, side, key):
        return [run[name][side][key] for run in runs if run[name][side]]

    def ratios(name, key):
        return [run[name]["isthmus"][key] / run[name]["jetstream"][key] for run in runs if run[name]["jetstream"]]

    def middle(values_):
        return rounds.median(values_) if values_ else None

    made = {"isthmus_msgs_per_s": middle(values("saturated", "isthmus", "msgs_per_s")),
            "jetstream_msgs_per_s": middle(values("saturated", "jetstream", "msgs_per_s"))}
    for key, name, figure in (("ratio", "saturated", "msgs_per_s"), ("ratio_1k", "saturated_1k", "msgs_per_s"),
                              ("ratio_p99_10k", "paced_10k", "p99_ms")):
        found = ratios(name, figure)
        made[key] = round(middle(found), 3) if found else None
        made[key + "_spread"] = [round(min(found), 3), round(max(found), 3)] if found else None
    for name in ("saturated", "saturated_1k", "paced_10k", "paced_1k"):
        made[name] = {side: {key: middle(values(name, side, key)) for key in keys} for side, keys in (
            ("isthmus", ("msgs_per_s", "p50_ms", "p99_ms", "messages_per_frame", "messages_per_sync", "sender_cpu_us",
                         "receiver_cpu_us")),
            ("jetstream", ("msgs_per_s", "p50_ms", "p99_ms")))}
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


def show(made, nats, options, rows, reason):
    def number(value, form="{:,.0f}"):
        return "not run" if value is None else form.format(value)

    print(f"transport   {options.transport} loopback, nng pub/sub, frames of up to 256 KiB; both relays on this machine")
    print(f"proof mode  {PROOF}")
    print(f"durability  Isthmus: {HOP}")
    print(f"            JetStream: {nats.missing or nats.version + ', ' + nats.durability}; unsigned, one copy\n")
    print(f"{'':16}{'Isthmus/s':>12}{'p50 ms':>9}{'p99 ms':>9}   {'JetStream/s':>12}{'p50 ms':>9}{'p99 ms':>9}")
    for name in ("saturated", "saturated_1k", "paced_10k", "paced_1k"):
        line = f"{name:16}"
        for side, gap in (("isthmus", ""), ("jetstream", "   ")):
            cell = made[name][side]
            line += f"{gap}{number(cell['msgs_per_s']):>12}{number(cell['p50_ms'], '{:.2f}'):>9}"
            line += f"{number(cell['p99_ms'], '{:.2f}'):>9}"
        print(line)
    print(f"\nraw, 256 B: RocksDB synced batches of 256 {number(made['raw_rocksdb_rows_msgs_per_s'])} rows/s; as one segment row "
          f"{number(made['raw_rocksdb_segments_msgs_per_s'])} messages/s; nng {number(made['raw_nng_msgs_per_s'])} messages/s")
    for key, text in (("ratio", "Isthmus / JetStream, 256 B saturated"), ("ratio_1k", "the same, 1 KiB"),
                      ("ratio_p99_10k", "p99 at 10,000/s, Isthmus told back / JetStream delivered")):
        low_high = made[key + "_spread"]
        print(f"{key:14} {number(made[key], '{:.2f}'):>8}  {low_high or ''}  {text}")
    cell = made["saturated"]["isthmus"]
    print(f"\nCPU a message, 256 B saturated: sender {cell['sender_cpu_us']:.2f} µs, receiver {cell['receiver_cpu_us']:.2f} µs; "
          f"{cell['messages_per_sync']:.0f} messages a sync")
    print("where the time goes (perf record -e cpu-clock, both relays, 256 B saturated)" if rows else
          f"where the time goes: {reason}")
    for row in rows or []:
        print(f"  {row['percent']:5.1f} %  {row['where']:24} {row['symbol']}")


def main(arguments):
    parser = rounds.parser("hop", __doc__)
    parser.add_argument("--seconds", type=float, help="of each run (default 2)")
    parser.add_argument("--transport", choices=("tcp", "ipc"), default="tcp")
    parser.add_argument("--dir", type=pathlib.Path, help="where the stores lie (default: the folder for temporary files)")
    options = parser.parse_args(arguments)
    options.rounds = options.rounds or (1 if options.quick else 5)
    options.seconds = options.seconds or (0.2 if options.quick else 2)
    with tempfile.TemporaryDirectory(prefix="isthmus-bench-", dir=options.dir) as name:
        folder = pathlib.Path(name)
        nats = Nats(folder)
        try:
            one = Round(options, folder, nats)
            if nats.missing is None and one.jetstream_program is None:
                nats.missing = "bench-jetstream was not built: libnats-dev is not installed (tools/setup)"
            runs = [one.all(number) for number in range(options.rounds)]
            rows, reason = profile(options, one)
        finally:
            nats.close()
    made = figures(runs)
    show(made, nats, options, rows, reason)
    compared = made["ratio"] is not None
    ok = not compared or (made["ratio"] >= 1.5 and made["ratio_p99_10k"] < 0.5)
    rounds.finish(options, {**made, "rounds": options.rounds, "seconds": options.seconds, "transport": options.transport,
                            "proof_mode": PROOF, "durability": HOP, "jetstream": nats.missing or nats.version,
                            "jetstream_durability": None if nats.missing else nats.durability, "profile": rows,
                            "profile_missing": reason, "machine": rounds.machine(), "runs": runs,
                            "targets": {"ratio": 1.5, "ratio_p99_10k": 0.5}, "ok": bool(ok)})
    return 0 if ok or options.quick else 1
