"""Double votes that blocks carry: told once, with the header of their height, at no cost where there are none."""

import collections
import os
from unittest import mock

from world import PROGRAM, Case, main  # first: it says where the others are

from case import Liar
from relay import FAULT_EXIT, FAULTS, HEADER, PATIENCE, Closed, unpack

OFFENCE, DOUBLE_VOTE = 15, 1
TWICE = 3


class Quiet(Case):
    def test_blocks_without_evidence_cost_next_to_nothing(self):
        asked = collections.Counter()

        def count(method, params, answer):
            asked[method] += 1
            return answer

        liar = Liar(self.ledger.nodes[0].port, count)
        self.addCleanup(liar.close)
        connector = self.started(http=f"http://127.0.0.1:{liar.port}")
        first = connector.wait_for(HEADER)[1]
        connector.wait_for(HEADER, lambda m: m[1] >= first + 30)
        self.assertEqual(asked["block"], 0)
        self.assertLess(asked["blockchain"], 10)  # once, and where a height was passed over
        self.assertEqual(connector.of(OFFENCE), [])


class Offences(Case):
    def test_a_validator_that_runs_twice_is_told_of_once_for_each_step(self):
        connectors = [self.started(node=node) for node in (0, 1)]
        with mock.patch.dict(os.environ, {"ISTHMUS_FAULT": "connector-gives-offence-before:1"}):
            mortal = self.started(node=0)
        twin = self.ledger.twice(TWICE)
        self.addCleanup(twin.kill)
        if FAULTS in PROGRAM.read_bytes():
            with self.assertRaises(Closed):  # it ends when it has something to tell; the others tell it
                mortal.wait_for(OFFENCE, seconds=120)
            self.assertEqual(mortal.process.wait(timeout=PATIENCE), FAULT_EXIT)
        told = [connector.wait_for(OFFENCE, seconds=120) for connector in connectors]
        twin.kill()
        for connector, (_, kind, height, header, proof) in zip(connectors, told):
            self.assertEqual(kind, DOUBLE_VOTE)
            version, protobuf, commit, validators, _ = unpack(header)[0]
            self.assertTrue(version == 1 and protobuf and commit and validators)
            self.assertEqual(int(self.ledger.any().call("header", height=str(height))["header"]["height"]), height)
            connector.listen(2)  # the test: nothing comes twice
            proofs = [m[4] for m in connector.of(OFFENCE)]
            self.assertEqual(len(proofs), len(set(proofs)))
            self.assertIn(proof, proofs)


if __name__ == "__main__":
    main()
