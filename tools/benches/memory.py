"""How much memory a relay holds: idle, with 100,000 messages pending, and after 1,000,000 settled ones.

    tools/bench memory [--quick] [--report FILE]

A real isthmusd with its signer, made with the operator's own tools. What is pending or settled is written into its store
before it starts (bench-start --only), spread over two lanes; its one connector does nothing. Measured is the resident set of
isthmusd when it is ready and stands still; the connector and the signer are processes of their own (the signer is shown)."""

import contextlib
import json
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time

import rounds

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "scene"))
import pair  # noqa: E402

PATIENCE = 120
LIMITS = {"idle": 40.0, "pending": 128.0}
MIB = 1024.0


class Scene:
    """A network of two relays in a folder; relay `east` can run."""

    def __init__(self, folder, isthmus):
        self.folder, self.isthmus = folder, isthmus
        keys = pair.make_keys(self.tool)
        lanes = [(order, order) for order in ("in-order", "any-order")]
        (folder / "network.yaml").write_text(pair.document(keys, lanes), encoding="ascii")
        pair.sign(self.tool)
        path = folder / "east" / "relay.yaml"
        text = pair.relay_yaml(path.read_text(encoding="utf-8"), "east", keys, folder)
        path.write_text(text, encoding="utf-8")
        self.store = folder / "east" / (re.search(r"^store:\s*(\S+)", text, re.M) or re.search(r"(store)", "store")).group(1)

    def tool(self, *arguments):
        done = subprocess.run([self.isthmus, *arguments], cwd=self.folder, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"bench: isthmus {' '.join(arguments)} failed: {done.stderr.strip()[-300:]}")
        return done.stdout


def memory_of(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return {key: int(re.search(rf"{field}:\s+(\d+)", text).group(1)) / MIB for key, field in
            (("rss_mib", "VmRSS"), ("peak_mib", "VmHWM"), ("anonymous_mib", "RssAnon"))}


def ask(folder, command):
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(PATIENCE)
        client.connect(str(folder / "east" / "control.sock"))
        client.sendall(json.dumps({"command": command}).encode() + b"\n")
        return json.loads(client.makefile("rb").readline())


def steady(process, folder, still):
    """Waits until the relay is ready and its memory stood still for a while; what it holds then."""
    deadline, since, last = time.monotonic() + PATIENCE, None, None
    while time.monotonic() < deadline:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.1)
            sys.exit("bench: isthmusd ended; its log is above")
        with contextlib.suppress(OSError, ValueError):
            status = ask(folder, "status")
            now = memory_of(process.pid)
            if not status["ready"] or last is None or abs(now["rss_mib"] - last) > 0.5:
                since, last = time.monotonic(), now["rss_mib"]
            elif time.monotonic() - since > still:
                signer = status["signer"]["pid"] if status.get("signer") else 0
                return {**now, "signer_rss_mib": memory_of(signer)["rss_mib"] if signer else None,
                        "pending": sum(log["stored"] - log["settled"] for lane in ask(folder, "lanes")["lanes"]
                                       for log in lane["logs"] if log["kind"] == "message")}
    sys.exit("bench: isthmusd is not ready, or grows without end")


def measure(options, name, settled, pending):
    with tempfile.TemporaryDirectory(prefix="isthmus-bench-") as folder:
        scene = Scene(pathlib.Path(folder), rounds.needed(options, "tools/isthmus/isthmus"))
        if settled or pending:
            subprocess.run([rounds.needed(options, "tools/benches/bench-start"), "--only", scene.folder / "network.yaml",
                            "--messages", str(settled), "--pending", str(pending), "--dir", scene.store], check=True)
        log = scene.folder / "log"
        with open(log, "wb") as file:
            process = subprocess.Popen([rounds.needed(options, "relay/isthmusd"), "--config",
                                        scene.folder / "east" / "relay.yaml", "--dev"], stderr=file)
        try:
            found = steady(process, scene.folder, 1 if options.quick else 5)
        except SystemExit:
            sys.stderr.write(log.read_text(errors="replace")[-2000:])
            raise
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
        print(f"{name:9} {settled:10,} {pending:9,} {found['rss_mib']:9.1f} {found['anonymous_mib']:10.1f} "
              f"{found['peak_mib']:9.1f} {found['signer_rss_mib'] or 0:9.1f}")
        return {"settled": settled, "asked_pending": pending, **found}


def main(arguments):
    options = rounds.parser("memory", __doc__).parse_args(arguments)
    scale = 100 if options.quick else 1
    print(f"{'MiB':9} {'settled':>10} {'pending':>9} {'resident':>9} {'anonymous':>10} {'peak':>9} {'signer':>9}")
    made = {"idle": measure(options, "idle", 0, 0), "pending": measure(options, "pending", 0, 102400 // scale),
            "settled": measure(options, "settled", 1024000 // scale, 0)}
    growth = made["settled"]["rss_mib"] / made["idle"]["rss_mib"]
    seen = made["pending"]["pending"] >= 100000 // scale and made["settled"]["pending"] == 0
    ok = seen and made["idle"]["rss_mib"] < LIMITS["idle"] and made["pending"]["rss_mib"] < LIMITS["pending"] and growth <= 1.1
    print(f"\nidle < {LIMITS['idle']:.0f} MiB, 100,000 pending < {LIMITS['pending']:.0f} MiB, "
          f"1,000,000 settled {growth:.2f} x idle (<= 1.10): {'ok' if ok else 'NOT MET'}")
    rounds.finish(options, {"idle_mib": made["idle"]["rss_mib"], "pending_mib": made["pending"]["rss_mib"],
                            "settled_mib": made["settled"]["rss_mib"], "settled_over_idle": round(growth, 3), **{
                                f"run_{name}": row for name, row in made.items()}, "machine": rounds.machine(), "ok": ok})
    return 0 if ok or (options.quick and seen) else 1
