"""What each fault of a scenario does: begin(world), then end(world). Each returns nothing and does not wait for the relays."""

import os
import signal
import threading
import time


class Fault:
    def __init__(self, scenario, one):
        self.one, self.kind, self.at, self.until = one, one["fault"], one["at"], one["at"] + one.get("for", 0)
        self.hosts, self.began, self.ended = scenario.targets(one), None, None
        self.sides = scenario.sides(one) if "between" in one or "from" in one else ()

    def begin(self, world):
        raise NotImplementedError

    def tick(self, world):
        """While it lasts, again and again."""

    def end(self, world):
        """After it."""


# ---- of the network: what is dropped is a property of all faults that last now

class Drop(Fault):
    dropping = False

    def rules(self):
        """[(from, to, percent)] now."""
        if not self.dropping:
            return []
        a, b = self.sides
        percent = self.one.get("percent", 100)
        return [(a, b, percent)] + ([] if self.kind == "cut-one-way" else [(b, a, percent)])

    def _set(self, world, dropping):
        self.dropping = dropping
        world.lab.drop([rule for fault in world.dropping(self) for rule in fault.rules()])

    def begin(self, world):
        self._set(world, True)

    def end(self, world):
        self._set(world, False)


class Flap(Drop):
    """Cut and joined in turn, half of the time each."""

    def tick(self, world):
        cut = int((time.monotonic() - self.began) / (self.one["every"] / 2)) % 2 == 0
        if cut != self.dropping:
            self._set(world, cut)


class Rate(Fault):
    def begin(self, world):
        for host in self.hosts:
            world.lab.rate(host, self.one["kbit"])

    def end(self, world):
        for host in self.hosts:
            world.lab.rate(host, 0)


class Delay(Fault):
    def begin(self, world):
        for host in self.hosts:
            world.lab.delay(host, self.one["ms"], self.one.get("jitter_ms", 0), self.one.get("reorder_percent", 0))

    def end(self, world):
        for host in self.hosts:
            world.lab.delay(host, 0)


# ---- of processes

class Kill(Fault):
    def begin(self, world):
        for relay in self.hosts:
            world.kill(relay)

    def end(self, world):
        for relay in self.hosts:
            world.start_relay(relay)


class Freeze(Fault):
    def begin(self, world):
        for relay in self.hosts:
            world.signal_all(relay, signal.SIGSTOP)

    def end(self, world):
        for relay in self.hosts:
            world.signal_all(relay, signal.SIGCONT)


class CrashLoop(Fault):
    """A connector or the signer is killed again and again; at the end quarantines are lifted, as an operator does."""
    due, kills = 0.0, 0

    def begin(self, world):
        self.due = time.monotonic()

    def tick(self, world):
        if time.monotonic() >= self.due:
            self.due = time.monotonic() + self.one["every"]
            self.kills += sum(world.kill_child(relay, self.one["process"]) for relay in self.hosts)

    def end(self, world):
        for relay in self.hosts:
            os.kill(world.processes[relay].pid, signal.SIGHUP)


# ---- of what they stand on

class PowerCut(Fault):
    """All at once: the disks take nothing more and lose what was not synced, the processes die."""

    def begin(self, world):
        for relay in self.hosts:  # in a cut nobody lives to see his disk fail
            world.signal_all(relay, signal.SIGSTOP)
        for relay in self.hosts:
            world.disks[relay].cut_power()
        for relay in self.hosts:
            world.kill(relay)

    def end(self, world):
        for relay in self.hosts:
            world.disks[relay].restore()
            world.start_relay(relay)


class DiskFull(Fault):
    """Full to the last byte, what the log has set aside, too. Room is made and the relay restarted, as its operator does."""

    def begin(self, world):
        for relay in self.hosts:
            world.signal_all(relay, signal.SIGSTOP)
            for path in (world.disks[relay].folder / "store").glob("*.log"):
                os.truncate(path, path.stat().st_size)
            world.disks[relay].fill()
            world.signal_all(relay, signal.SIGCONT)

    def end(self, world):
        for relay in self.hosts:
            world.disks[relay].make_room()
            world.kill(relay)
            world.start_relay(relay)


class Clock(Fault):
    """The clock jumps, and back. Who was ahead by more than an hour is restarted, as its operator must."""

    def begin(self, world):
        for relay in self.hosts:
            world.set_clock(relay, self.one["seconds"])

    def end(self, world):
        for relay in self.hosts:
            world.set_clock(relay, 0)
            if self.one["seconds"] > 3600:
                world.kill(relay)
                world.start_relay(relay)


# ---- of chains and their nodes

def crooked_answer(method, answer):
    """An answer as a liar gives it: blocks and logs that were never there, numbers that are too high."""
    def other(text):
        return text[:-1] + ("0" if text[-1] != "0" else "1")
    result = answer.get("result")
    if method == "eth_blockNumber" and isinstance(result, str):
        answer["result"] = hex(int(result, 16) + 1000)
    elif method.startswith("eth_getBlock") and isinstance(result, dict):
        answer["result"] = {**result, "hash": other(result["hash"]), "stateRoot": other(result["stateRoot"])}
    elif method == "eth_getLogs" and isinstance(result, list):
        answer["result"] = [{**log, "data": other(log["data"])} for log in result]
    elif method == "eth_getProof" and isinstance(result, dict):
        answer["result"] = {**result, "storageProof": [{**proof, "value": other(proof["value"])} for proof in result["storageProof"]]}
    return answer


class Rpc(Fault):
    """A node's endpoint, as this relay's source sees it: lies, stalls, answers garbage or hangs up."""

    def begin(self, world):
        self.over = threading.Event()
        for relay in self.hosts:
            proxy = world.proxies[relay, self.one["source"]]
            proxy.answer = {"lies": world.lie(proxy), "stalls": self._stall, "garbage": self._garbage,
                            "hangs-up": lambda door, body: False}[self.one["does"]]
            proxy.news = lambda door: door.shut()
            proxy.hang_up()

    def _stall(self, door, body):
        self.over.wait()
        return False

    @staticmethod
    def _garbage(door, body):
        door.reply(b"\x00\xff{]" * 64)
        return True

    def end(self, world):
        for relay in self.hosts:
            proxy = world.proxies[relay, self.one["source"]]
            proxy.answer, proxy.news = None, None
        self.over.set()


class NodeRestart(Fault):
    """The chain's node is killed; the pool of transactions is lost, what was mined stays."""

    def begin(self, world):
        world.chains[self.one["chain"]].kill(True)

    def end(self, world):
        world.chains[self.one["chain"]].restart()
        world.again(self.one["chain"])


class Reorg(Fault):
    def begin(self, world):
        world.chains[self.one["chain"]].reorganise(self.one["depth"])
        world.again(self.one["chain"])


CLASSES = {"partition": Drop, "cut-one-way": Drop, "loss": Drop, "flap": Flap, "rate": Rate, "delay": Delay, "kill": Kill, "freeze": Freeze,
           "crash-loop": CrashLoop, "power-cut": PowerCut, "disk-full": DiskFull, "clock": Clock, "rpc": Rpc, "node-restart": NodeRestart,
           "reorg": Reorg}
MAY_SAY = {"disk-full": ("store-failed",), "crash-loop": ("child-quarantined",)}  # what belongs to a fault


def faults_of(scenario):
    return [CLASSES[one["fault"]](scenario, one) for one in scenario.timeline]
