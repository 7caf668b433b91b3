"""Scenario files are read strictly; random ones are good and repeat; a dry run says which quorums survive. Nothing is started."""

import pathlib
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE))
try:
    import scenario
    from deployment import Deployment, Dry
    from draw import Draw
except ImportError as missing:
    print(f"skipped, not run: {missing}; tools/setup installs Debian's python3-yaml")
    sys.exit(77)

HEAD = """about: words
topology:
  zones:
    - {name: east, chain: east, relays: 3}
    - {name: strait, relays: 1}
    - {name: west, chain: west, relays: 3}
  links: [[east, strait], [strait, west]]
load: {rate: 5, seconds: 10}
timeline:
"""


class Scenarios(unittest.TestCase):
    def read(self, text, topology=None):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "x.yaml"
            path.write_text(text)
            return scenario.Scenario(path, topology)

    def wrong(self, text):
        """[(line, words)] of all that is said."""
        with self.assertRaises(scenario.Wrong) as raised:
            self.read(text)
        return [(int(line.split(":")[1]), line.split(": ", 1)[1]) for line in str(raised.exception).splitlines()]

    def test_all_that_are_here_are_good_and_the_largest_is_large(self):
        found = [scenario.Scenario(path) for path in scenario.every().values()]
        self.assertGreaterEqual(len(found), 12)
        self.assertTrue(any(len(one.topology.relays) >= 12 and len(set(one.topology.zone_of.values())) >= 3 for one in found))
        kinds = {fault["fault"] for one in found for fault in one.timeline}
        self.assertEqual(kinds, set(scenario.FAULTS), "each kind of fault stands in some scenario")

    def test_all_errors_of_form_come_at_once_with_their_lines(self):
        lines = self.wrong(HEAD.replace("rate: 5", "rate: fast") + "  - {at: 2, for: 4, fault: partition, between: [east]}\n"
                           "  - {at: 2, for: 4, fault: kil, relays: east}\n  - {at: 2, fault: kill, relays: east, hosts: x}\n")
        self.assertEqual([line for line, _ in lines], [8, 10, 11, 12, 12])
        self.assertIn("'fast' is not a number", lines[0][1])

    def test_all_errors_of_meaning_come_at_once_with_their_lines(self):
        lines = self.wrong(HEAD + "  - {at: 1, for: 4, fault: kill, relays: east-9}\n"
                           "  - {at: 1, for: 4, fault: partition, between: [[east, strait], [strait, west]]}\n"
                           "  - {at: 1, for: 4, fault: freeze, relays: east-1}\n  - {at: 2, for: 1, fault: kill, relays: east}\n"
                           "  - {at: 1, fault: reorg, chain: east, depth: 9}\n  - {at: 1, for: 2, fault: rpc, relays: strait, source: node-3, does: lies}\n")
        self.assertEqual([line for line, _ in lines], [10, 11, 13, 14, 15, 15])

    def test_a_quorum_that_cannot_be_met_and_a_window_that_is_too_small_are_refused(self):
        for words in ("  quorum: 4\n", "  quorum: 1\n", "  window: 1KiB\n", "  sources: 1\n  agree: 2\n"):
            self.assertTrue(self.wrong(HEAD.replace("load:", words + "load:") + "  []\n"), words)

    def test_broken_yaml_and_an_empty_file_are_said_with_a_line(self):
        self.assertEqual(self.wrong("about: [x\nload: 1\n")[0][0], 2)
        self.assertEqual(self.wrong("")[0][0], 1)

    def test_rest_and_all_and_zones_name_relays(self):
        one = self.read(HEAD + "  - {at: 1, for: 1, fault: partition, between: [[west, strait-1], rest]}\n")
        self.assertEqual(one.sides(one.timeline[0]), (["west-1", "west-2", "west-3", "strait-1"], ["east-1", "east-2", "east-3"]))

    def test_random_scenarios_are_good_and_repeat(self):
        for seed in range(200):
            text = Draw(seed).text()
            self.assertEqual(text, Draw(seed).text())
            self.read(text)

    def dry(self, timeline):
        deployment = Deployment(HERE.parent.parent / "docs" / "examples")
        text = "about: words\nload: {rate: 5, seconds: 30}\ntimeline:\n" + timeline
        report = Dry(deployment, self.read(text, deployment.topology())).report()
        return report, {row["from_s"]: row["lanes"] for row in report["moments"]}

    def test_dry_a_border_that_is_cut_stops_both_ways_and_nothing_else_does(self):
        report, lanes = self.dry("  - {at: 5, for: 5, fault: partition, between: [east, rest]}\n  - {at: 12, for: 3, fault: kill, relays: west-beta}\n")
        self.assertFalse(report["quorums_survive"])
        self.assertTrue(all(way for lane in lanes[5].values() for way in lane.values()))
        for at in (0, 10, 12, 15):
            self.assertFalse(any(way for lane in lanes[at].values() for way in lane.values()), at)

    def test_dry_a_lost_quorum_of_one_side_stops_what_it_signs(self):
        _, lanes = self.dry("  - {at: 5, for: 5, fault: kill, relays: [west-beta, west-alpha]}\n")
        self.assertIsNone(lanes[5]["east-to-west"]["delivers"])  # the east signs it, one relay of the west delivers
        self.assertIn("1 of 2 operators", lanes[5]["east-to-west"]["settles"])
        self.assertIn("1 of 2 operators", lanes[5]["west-to-east"]["delivers"])

    def test_dry_one_source_that_is_silent_keeps_an_operator_from_signing(self):
        timeline = "".join(f"  - {{at: 5, for: 5, fault: rpc, relays: {relay}, source: node-1, does: stalls}}\n" for relay in ("east-alpha", "east-beta"))
        _, lanes = self.dry(timeline)
        self.assertIn("1 of 2 operators", lanes[5]["east-to-west"]["delivers"])
        self.assertIsNone(lanes[5]["west-to-east"]["delivers"])


if __name__ == "__main__":
    unittest.main()
