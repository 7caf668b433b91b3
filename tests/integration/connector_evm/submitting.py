"""What tests of submitting share: deliveries with their certificates, results, and nodes that refuse."""

import time

from relay import ACCOUNT, ASK_STATUS, CONFIRMED, DELIVER, PATIENCE, REJECTED, RESULT, SUBMIT, lane_message

from case import Case
from model import MESSAGE, head_leaf, log_id, u


class SubmitCase(Case):
    def certificate(self, play, kind, fields, leaf, names=("1", "3")):
        epoch, attestations = play.paper(leaf, names).abi
        return [epoch, kind, fields, [[b"".join(path), r + vs] for path, r, vs in attestations]]

    def delivery(self, play, lane, first, count, names=("1", "3")):
        number, running = play.head(lane, count)
        fields = log_id(lane, MESSAGE) + u(64, number) + running
        certificate = self.certificate(play, 1, fields, head_leaf(log_id(lane, MESSAGE), number, running), names)
        return [lane_message(play, lane), certificate, first, play.head(lane, first - 1)[1], count - first + 1,
                b"".join(play.records(lane)[first - 1:count])]

    def result(self, connector, key, *wanted, mine=None, since=None):
        """Waits for a result; mines until there is one."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                return connector.wait_for(RESULT, lambda m: m[1] == key and m[2] in wanted, seconds=0.1, since=since)
            except AssertionError:
                if mine:
                    mine()
        self.fail(f"no result; results so far: {connector.of(RESULT)}")

    def account_is(self, connector, test):
        def asked():
            since = len(connector.said)
            connector.say(ASK_STATUS)
            told = connector.wait_for(ACCOUNT, since=since)
            return test(told) and told
        return self.eventually(connector, asked, "the account is told as it is")

    def seen(self, play, connector):
        """Waits until the connector has seen the newest block."""
        newest = int(play.chain.rpc("eth_blockNumber"), 16)
        self.status(connector, lambda told: told[1] == newest, "it has seen the newest block")

    def delivered(self, play, connector, lane, first, count, key):
        self.block(play, 1)  # at the same price each time, and the connector has seen it
        self.seen(play, connector)
        connector.say(SUBMIT, key, DELIVER, *self.delivery(play, lane, first, count))
        return self.result(connector, key, CONFIRMED, REJECTED, mine=lambda: self.block(play, 1))

    def paid(self, play, before):
        return before - int(play.chain.rpc("eth_getBalance", "0x" + self.gas.hex(), "latest"), 16)

    def block(self, play, gwei):
        play.chain.rpc("anvil_setNextBlockBaseFeePerGas", hex(gwei * 10**9))
        self.mine(play, 1)

    def pool(self, play, transaction):
        found = play.chain.rpc("eth_getTransactionByHash", "0x" + transaction.hex())
        return int(found["gas"], 16), int(found["maxFeePerGas"], 16)

    def refusing(self, play, text, *sent):
        """Options that lead to a node which says this to every transaction, and passes it on all the same."""
        def change(method, params, answer):
            if method == "eth_sendRawTransaction":
                for list_ in sent:
                    list_.append(params[0])
                return {"jsonrpc": "2.0", "id": answer["id"], "error": {"code": -32000, "message": text}}
            return answer
        return self.behind(play, change)[1]
