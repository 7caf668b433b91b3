#!/usr/bin/env python3
"""Tests tests/twice/run on a ctest folder written by hand, whose tests fail once, always or never."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

RUN = pathlib.Path(__file__).resolve().parent / "run"
ONCE = 'echo "run of $0"; test -e "$0" || { touch "$0"; exit 1; }'  # $0: a file that the first run leaves


class Twice(unittest.TestCase):
    def play(self, *tests):
        """tests: (name, label, shell command). Returns (exit code, report, output, folder of logs)."""
        folder = pathlib.Path(tempfile.mkdtemp(prefix="twice-test-"))
        self.addCleanup(subprocess.run, ["rm", "-rf", str(folder)])
        lines = []
        for name, label, command in tests:
            lines += [f"add_test({name} sh -c [==[{command}]==] {folder}/{name})",
                      f"set_tests_properties({name} PROPERTIES LABELS \"{label}\" SKIP_RETURN_CODE 77)"]
        (folder / "CTestTestfile.cmake").write_text("\n".join(lines) + "\n")
        done = subprocess.run([sys.executable, "-B", str(RUN), "--report", str(folder / "report"), "--log", str(folder / "logs"),
                               "ctest", "--test-dir", str(folder), "-j", "2"], capture_output=True, text=True)
        return done.returncode, json.loads((folder / "report").read_text()), done.stdout, folder / "logs"

    def test_what_passes_alone_passes_and_is_named_with_its_first_log(self):
        code, report, output, logs = self.play(("shaky", "integration;threads", ONCE), ("good", "unit", "true"))
        self.assertEqual((code, report), (0, {"passed": 2, "failed": 0, "skipped": 0, "alone": ["shaky"], "names": []}))
        self.assertIn("passed only when alone: shaky", output.splitlines()[-1])
        self.assertIn("run of ", (logs / "shaky.log").read_text())

    def test_what_fails_twice_fails(self):
        code, report, output, _ = self.play(("broken", "integration", "false"), ("good", "unit", "true"))
        self.assertEqual((code, report), (1, {"passed": 1, "failed": 1, "skipped": 0, "alone": [], "names": ["broken"]}))
        self.assertNotIn("passed only", output)

    def test_unit_and_vector_tests_get_no_second_run(self):
        for label in ("unit", "vectors", "integration;unit", "contracts", "sim"):
            code, report, *_ = self.play(("shaky", label, ONCE))
            self.assertEqual((code, report["names"], report["alone"]), (1, ["shaky"], []), label)

    def test_many_failures_are_no_accident(self):
        code, report, *_ = self.play(*((f"shaky{i}", "integration", ONCE) for i in range(6)))
        self.assertEqual((code, report["failed"], report["alone"]), (1, 6, []))

    def test_skipped_is_neither_and_no_test_is_no_success(self):
        code, report, *_ = self.play(("absent", "integration", "exit 77"))
        self.assertEqual((code, report["skipped"], report["passed"]), (0, 1, 0))
        self.assertEqual(self.play()[0], 1)

    def test_a_program_that_is_not_there_is_a_failure(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="twice-test-"))
        self.addCleanup(subprocess.run, ["rm", "-rf", str(folder)])
        (folder / "CTestTestfile.cmake").write_text("add_test(gone /nowhere/program)\n")
        done = subprocess.run([sys.executable, "-B", str(RUN), "--report", str(folder / "report"), "--log", str(folder / "logs"),
                               "ctest", "--test-dir", str(folder)], capture_output=True, text=True)
        self.assertEqual((done.returncode, json.loads((folder / "report").read_text())["names"]), (1, ["gone"]))


if __name__ == "__main__":
    unittest.main()
