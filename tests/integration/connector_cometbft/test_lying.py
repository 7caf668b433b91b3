"""A node that lies: keeps events back, shows another head, contradicts its own headers. Nothing untrue leaves the connector as evidence."""

from world import Case, Watch, main  # first: it says where the others are

from case import Liar
from model import MESSAGE, log_id
from relay import EVIDENCE, HEADER, NOTICE, message_records

NONSENSE, BROKEN = 5, 2


class Lying(Case):
    def behind(self, change):
        """A connector whose node lies: change(method, params, answer) gives the answer that it hears."""
        liar = Liar(self.ledger.nodes[0].port, change)
        self.addCleanup(liar.close)
        return liar, self.started(http=f"http://127.0.0.1:{liar.port}")

    def test_events_that_are_kept_back_show_at_the_head(self):
        sender, lane, message, _ = self.lane()

        def without_messages(method, params, answer):
            for result in (method == "block_results" and answer["result"]["txs_results"]) or ():
                result["events"] = [e for e in result["events"] if e["type"] != "isthmus_message"]
            return answer

        liar, connector = self.behind(without_messages)
        watch = Watch(connector, 1, MESSAGE, message, log_id(lane, MESSAGE))
        honest = self.started()
        reference = Watch(honest, 1, MESSAGE, message, log_id(lane, MESSAGE))
        self.ledger.send(sender, lane, b"kept back")
        reference.until(1, message_records)
        # Every 64 blocks a quiet log is compared with its head; one that was just begun, at once.
        connector.wait_for(NOTICE, lambda m: m[1] == NONSENSE and "events do not lead" in m[2], seconds=120)
        self.assertEqual(connector.of(EVIDENCE), [])
        liar.change = lambda method, params, answer: answer
        watch.until(1, message_records, seconds=120)  # searched again from further back
        self.assertEqual(watch.records, reference.records)

    def test_a_contradicted_header_ends_the_source(self):
        def honest(method, params, answer):
            return answer

        def other_hash(method, params, answer):
            if method == "commit" and "result" in answer:
                answer["result"]["signed_header"]["header"]["last_block_id"]["hash"] = "AB" * 32
            return answer

        liar, connector = self.behind(honest)
        newest = connector.wait_for(HEADER)[1]
        connector.wait_for(HEADER, lambda m: m[1] > newest)
        liar.change = other_hash
        self.assertIn("two headers", connector.wait_for(NOTICE, lambda m: m[1] == BROKEN)[2])
        said = len(connector.of(HEADER))
        self.ledger.wait_height(self.ledger.height() + 3)
        connector.listen(0.2)  # the test: nothing comes any more
        self.assertEqual(len(connector.of(HEADER)), said)


if __name__ == "__main__":
    main()
