"""A chain whose state is a multistore, as chains of the Cosmos SDK have it: two proofs lead from a head to the app hash, and nothing else is taken."""

import base64
import copy
import subprocess

from world import CHAIN_ID, STORE, VERIFY, Case, StoreWatch, cometbft, main  # first: it says where the others are

from case import Liar
from cometbft import OUTBOX
from model import MESSAGE, OUTCOME, SETTLEMENT, log_id
from relay import EVIDENCE, HEADER, NOTICE, message_records, outcome_records, pack

NONSENSE = 5


class Stores(Case):
    OPTIONS = {"store": STORE}

    def test_heads_are_proven_in_two_steps(self):
        sender, lane, message, key = self.lane(receives=cometbft.RECORD)
        connector = self.started()
        watch = StoreWatch(connector, 1, MESSAGE, message, log_id(lane, MESSAGE))
        outcomes = StoreWatch(connector, 2, OUTCOME, message, log_id(lane, OUTCOME))
        settled = StoreWatch(connector, 3, SETTLEMENT, message, log_id(lane, OUTCOME))
        self.ledger.send(sender, lane, b"a", b"b", b"c")
        watch.until(3, message_records)
        self.assertEqual(watch.records, self.ledger.records(lane))
        self.deliver(lane, key)
        outcomes.until(3, outcome_records)
        self.settle(lane)
        settled.until(3, outcome_records)
        for said in connector.of(EVIDENCE):
            self.assertEqual([len(ops) for ops in said[4][1]], [2] * len(said[5]))

    def test_what_is_not_there_is_proven_in_two_steps_too(self):
        lane = self.lane()[1]
        connector = self.started()
        newest = connector.wait_for(HEADER)
        height, log = newest[1], log_id(lane, MESSAGE)
        answer = self.ledger.any().call("abci_query", path=f"/store/{STORE}/key", data=(b"head/" + OUTBOX + log).hex(),
                                        height=str(height - 1), prove=True)["response"]
        self.assertIsNone(answer["value"])
        ops = [base64.b64decode(op["data"]) for op in answer["proofOps"]["ops"]]

        def judged(store, ops):
            said = pack([EVIDENCE, 3, height, newest[4], [OUTBOX, [ops]], [[1, 0, bytes(32)]]])
            return subprocess.run([str(VERIFY), CHAIN_ID, store, newest[2].hex(), OUTBOX.hex(), lane.hex(), str(MESSAGE)], input=said,
                                  capture_output=True, check=False)

        self.assertEqual(judged(STORE, ops).returncode, 0, judged(STORE, ops).stderr)
        self.assertIn(b"store-of-another-name", judged("bank", ops).stderr)
        self.assertIn(b"evidence-malformed", judged("", ops).stderr)
        self.assertIn(b"refused", judged(STORE, ops[::-1]).stderr)
        self.assertIn(b"evidence-malformed", judged(STORE, ops[:1]).stderr)

    def test_another_store_is_refused_by_name(self):
        def refused(**options):
            answer = self.configured(self.connector(), **options)
            self.assertEqual(answer[1], 0)
            return answer[2]
        self.assertIn('no store "ibc" with a ledger', refused(store="ibc"))
        self.assertIn("no such store: ibc", refused(store="ibc"))
        self.assertIn('no store "bank" with a ledger', refused(store="bank"))  # it is there, and another module's
        self.assertIn("the network document names none", refused(store=""))
        self.assertIn("store: a name of", refused(store="a/b"))

    def test_proofs_of_another_shape_do_not_leave_the_connector(self):
        sender, lane, message, _ = self.lane()
        other = None

        def lie(change):
            def answer_of(method, params, answer):
                ops = method == "abci_query" and params["prove"] and answer["result"]["response"]["proofOps"]
                if ops:
                    change(ops["ops"])
                return answer
            return answer_of

        def of_bank(ops):
            ops[1] = copy.deepcopy(other["proofOps"]["ops"][1])

        def renamed(ops):
            ops[1]["type"] = "simple:v"

        def empty(ops):
            ops[0]["data"] = ""

        other = self.ledger.any().call("abci_query", path="/store/bank/key", data=b"x".hex(), height=str(self.ledger.height() - 1),
                                       prove=True)["response"]
        self.ledger.send(sender, lane, b"one")
        for change, said in ((list.reverse, "in another order"), (list.pop, "not the two proof operations"), (of_bank, "another key or store"),
                             (renamed, "of other types"), (empty, "without a proof")):
            liar = Liar(self.ledger.nodes[0].port, lie(change))
            self.addCleanup(liar.close)
            connector = self.started(http=f"http://127.0.0.1:{liar.port}")
            watch = StoreWatch(connector, 1, MESSAGE, message, log_id(lane, MESSAGE))
            self.assertIn(said, connector.wait_for(NOTICE, lambda m: m[1] == NONSENSE)[2])
            self.assertEqual(connector.of(EVIDENCE), [])
        liar.change = lie(lambda ops: None)
        watch.until(1, message_records)


if __name__ == "__main__":
    main()
