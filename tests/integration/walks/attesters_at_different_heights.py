#!/usr/bin/env python3
"""The operators of a side see their ledger at heights that are never the same: the sources of one lag by a few blocks, those of another
by many. Every block has messages. They still sign the same heads, in time, and all arrives."""
import http.server
import json
import threading
import urllib.request

from walk import EAST, Walk, main

LAGS = {EAST[0]: 0, EAST[1]: 3, EAST[2]: 11}  # blocks by which the sources of each are behind
BLOCKS, PACE = 40, 30  # of traffic; messages each way in each


class Lagging(http.server.BaseHTTPRequestHandler):
    """A node that is behind: it knows no block above its newest. Its server has `url` and `lag`."""
    protocol_version = "HTTP/1.1"

    def ask(self, method, *params):
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        request = urllib.request.Request(self.server.url, body, {"Content-Type": "application/json"})
        return json.loads(urllib.request.urlopen(request, timeout=60).read())

    def answer(self, call, newest):
        method, params = call["method"], call.get("params", [])
        if method == "eth_blockNumber":
            return {"result": hex(newest)}
        at = {"eth_getBlockByNumber": 0, "eth_getBlockReceipts": 0, "eth_getProof": 2, "eth_call": 1}.get(method)
        if at is not None and len(params) > at:
            if params[at] == "latest":
                params[at] = hex(newest)
            elif params[at].startswith("0x") and int(params[at], 16) > newest:
                return {"result": None} if at == 0 else {"error": {"code": -32000, "message": "header not found"}}
        if method == "eth_getLogs" and int(params[0].get("toBlock", "0x0"), 16) > newest:
            params[0]["toBlock"] = hex(newest)
        return self.ask(method, *params)

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        try:
            newest = max(0, int(self.ask("eth_blockNumber")["result"], 16) - self.server.lag)
            calls = asked if isinstance(asked, list) else [asked]
            told = [{**self.answer(call, newest), "jsonrpc": "2.0", "id": call["id"]} for call in calls]
        except OSError:
            self.close_connection = True  # the ledger is gone: the scene ends
            return
        body = json.dumps(told if isinstance(asked, list) else told[0]).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Heights(Walk):
    def begin(self):
        self.scene.node_of = self.node_of
        self.servers = {}
        super().begin()

    def node_of(self, relay, source):
        """(http, ws) of a relay's nodes: those that lag have no news."""
        chain = self.scene.chains[self.scene.side_of(relay)]
        if not LAGS.get(relay):
            return chain.url, f"ws://127.0.0.1:{chain.port}"
        if relay not in self.servers:
            server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Lagging)
            server.daemon_threads, server.url, server.lag = True, chain.url, LAGS[relay]
            server.handle_error = lambda *_: None  # a connector that ends hangs up
            threading.Thread(target=server.serve_forever, daemon=True).start()
            self.servers[relay] = server
        return f"http://127.0.0.1:{self.servers[relay].server_port}", None

    def apart(self):
        seen = [max(source["final"] for source in self.scene.ask(relay, "sources")["sources"]) for relay in reversed(EAST)]
        return seen[0] < seen[1] < seen[2]

    def walk(self):
        scene, east = self.scene, self.scene.chains["east"]
        for block in range(BLOCKS):
            height = east.height()
            if block == BLOCKS // 2:
                self.until("the operators' ledgers are final up to different blocks", self.apart)
            scene.send(PACE)
            self.until("a block later", lambda: east.height() > height)
        self.all_settled(f"{BLOCKS} blocks of messages are sent")
        for relay in EAST:
            signed = {key: mark for key, mark in scene.marks(relay, "attested").items() if self.homed(relay, *key)}
            self.until(f"{relay} has signed all", lambda r=relay: all(
                mark == scene.marks(r)[key] for key, mark in scene.marks(r, "attested").items() if self.homed(r, *key)))
            self.demand(signed, f"{relay} says nothing of what it has signed")


if __name__ == "__main__":
    main(Heights)
