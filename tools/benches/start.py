"""tools/bench start: from opening the store to ready, with a million settled messages behind and some pending."""

import pathlib
import shutil
import subprocess
import tempfile

import rounds


def main(arguments):
    options = rounds.parser("start", __doc__).parse_args(arguments)
    program = rounds.needed(options, "tools/benches/bench-start")
    messages = 20_000 if options.quick else 1_000_000
    folder = pathlib.Path(tempfile.mkdtemp(prefix="isthmus-bench-"))
    try:
        report = ["--report", str(options.report)] if options.report else []
        return subprocess.run([program, "--messages", str(messages), "--dir", str(folder), *report], check=False).returncode
    finally:
        shutil.rmtree(folder, ignore_errors=True)
