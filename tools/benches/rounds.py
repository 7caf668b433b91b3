"""What every bench needs: options, the build's programs, runs that print one JSON line, medians with their spread."""

import argparse
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def parser(name, doc):
    made = argparse.ArgumentParser(prog=f"tools/bench {name}", description=doc,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--build", type=pathlib.Path, help="build folder (default: $ISTHMUS_BUILD, build/release, build/dev)")
    made.add_argument("--quick", action="store_true", help="a second or two, to see that it runs; the figures mean nothing")
    made.add_argument("--rounds", type=int, help="rounds of the interleaved run")
    made.add_argument("--report", type=pathlib.Path, help="also write the figures here, as JSON")
    return made


def program(options, path):
    """A program of the build folder."""
    folders = [options.build] if options.build else [pathlib.Path(f) for f in [os.environ.get("ISTHMUS_BUILD")] if f] or [
        ROOT / "build" / "release", ROOT / "build" / "dev"]
    for folder in folders:
        if (folder / path).exists():
            return (folder / path).resolve()
    return None


def needed(options, path):
    found = program(options, path)
    if found is None:
        sys.exit(f"bench: no program {path} in the build folder: build the target {pathlib.Path(path).name} first, "
                 "for figures in a release build (cmake --preset release)")
    return found


def run(*command, timeout=120):
    """Runs a program that prints one JSON line."""
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, text=True, timeout=timeout, check=False)
    if done.returncode != 0:
        sys.exit(f"bench: {pathlib.Path(command[0]).name} failed ({done.returncode}): {' '.join(map(str, command))}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def median(values):
    return statistics.median(values)


def spread(values, form="{:.2f}"):
    return f"{form.format(min(values))}..{form.format(max(values))}"


def machine():
    model = "unknown"
    try:
        for line in open("/proc/cpuinfo", encoding="utf-8"):
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
    except OSError:
        pass
    return {"cpu": model, "cores": len(os.sched_getaffinity(0)), "kernel": platform.release(),
            "load": round(os.getloadavg()[0], 2)}


def finish(options, report):
    """Writes it. `ok` is of what was shown: a target for which nothing was there to compare with is not met."""
    targets = report.get("targets", {})
    wanted = {**targets.get("least", {}), **targets.get("below", {})} or targets
    report["ok"] = report["ok"] and all(report.get(key) is not None for key in wanted)
    if options.report:
        options.report.write_text(json.dumps(report, indent=1) + "\n", encoding="ascii")


def found(name):
    """A program of the system, also where only root's PATH would find it."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin:/sbin")
