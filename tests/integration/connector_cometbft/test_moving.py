"""The chain and its nodes move: restarts, halts, cut sockets, other validators. The connector goes on, and misses nothing."""

from world import Case, Gate, Watch, main  # first: it says where the others are

from model import MESSAGE, log_id
from relay import ASK_STATUS, HEADER, NOTICE, STATUS, message_records, unpack


class Moving(Case):
    OPTIONS = {"spares": 1}

    def test_a_node_that_dies_and_comes_back_is_gone_on_with(self):
        sender, lane, message, _ = self.lane()
        connector = self.started()
        watch = Watch(connector, 1, MESSAGE, message, log_id(lane, MESSAGE))
        self.ledger.send(sender, lane, b"before")
        watch.until(1, message_records)
        self.ledger.kill(0)
        self.ledger.send(sender, lane, b"while it is away")  # three of four go on
        connector.wait_for(NOTICE, lambda m: m[1] == 3)
        self.ledger.start(0)
        watch.until(2, message_records)
        connector.wait_for(NOTICE, lambda m: m[1] == 4, since=0)
        self.assertEqual(watch.records, self.ledger.records(lane))

    def test_a_cut_news_socket_is_taken_again_and_nothing_is_missed(self):
        sender, lane, message, _ = self.lane()
        gate = Gate(self.ledger.nodes[0].port)
        self.addCleanup(gate.close)
        connector = self.started(ws=f"ws://127.0.0.1:{gate.port}/websocket")

        def state(text):
            def told():
                connector.say(ASK_STATUS)
                return connector.wait_for(STATUS)[5] == text
            self.ledger.eventually(told, text)

        state("news over WebSocket")
        watch = Watch(connector, 1, MESSAGE, message, log_id(lane, MESSAGE))
        gate.shut()  # as a node does to one who reads too slowly
        state("polling")
        self.ledger.send(sender, lane, b"unheard of")
        watch.until(1, message_records)
        gate.open()
        state("news over WebSocket")

    def test_a_halt_of_the_chain_is_outlived(self):
        sender, lane, message, _ = self.lane()
        connector = self.started()
        watch = Watch(connector, 1, MESSAGE, message, log_id(lane, MESSAGE))
        self.ledger.kill(2, 3)  # more than a third: no block comes
        name = self.ledger.send(sender, lane, b"into the halt", wait=False)[0]
        self.ledger.start(2, 3)
        self.ledger.result(name)
        watch.until(1, message_records)

    def test_validators_change_and_headers_bring_the_next_ones(self):
        spare = self.ledger.nodes[4].key
        self.ledger.nodes[4].start()
        connector = self.started()
        self.ledger.set_validator(self.admin, spare, 5)
        changed = connector.wait_for(HEADER, lambda m: bundle(m)[4] != b"")
        after = connector.wait_for(HEADER, lambda m: m[1] > changed[1] and bundle(m)[4] == b"")
        self.assertNotIn(spare, bundle(changed)[3])
        self.assertIn(spare, bundle(changed)[4])
        self.assertIn(spare, bundle(after)[3])
        sender, lane, message, _ = self.lane()
        watch = Watch(connector, 2, MESSAGE, message, log_id(lane, MESSAGE))
        self.ledger.send(sender, lane, b"under five validators")
        watch.until(1, message_records)  # five signatures verified
        self.ledger.set_validator(self.admin, spare, 0)


def bundle(header):
    """[version, header, commit, validators, next validators] of a message 10."""
    return unpack(header[4])[0]


if __name__ == "__main__":
    main()
