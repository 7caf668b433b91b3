"""Programs to compare with that a tool of their language builds, once, below build/peers, at the versions pinned in peer_*."""

import os
import pathlib
import shutil
import subprocess
import sys

import rounds

HERE = pathlib.Path(__file__).resolve().parent
FOLDER = rounds.ROOT / "build" / "peers"
GO = {"GOFLAGS": "-mod=readonly -buildvcs=false", "GOTOOLCHAIN": "local"}


def build(options, source, tool, command, environment, made):
    """The program `made` and None, or None and why there is none."""
    if options.quick:
        return None, "not with --quick"
    if shutil.which(tool) is None:
        return None, f"{tool} is not installed"
    FOLDER.mkdir(parents=True, exist_ok=True)
    copy = FOLDER / source
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(HERE / source, copy)
    print(f"building {source} …", file=sys.stderr)
    try:
        done = subprocess.run(command, cwd=copy, env={**os.environ, **environment}, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=900, check=False)
    except subprocess.TimeoutExpired:
        return None, "it does not build within 15 minutes"
    return (made, None) if done.returncode == 0 else (None, f"it does not build: {done.stderr.strip()[-200:]}")


def go(options, source, made, package="."):
    return build(options, source, "go", ["go", "build", "-o", str(FOLDER / made), package], GO, FOLDER / made)


def cargo(options, source, target, made):
    return build(options, source, "cargo", ["cargo", "build", "--release", "--locked"],
                 {"CARGO_TARGET_DIR": str(FOLDER / target)}, FOLDER / target / "release" / made)
