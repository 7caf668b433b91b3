"""Links between relays that can be cut: every address of a peer leads through a forwarder of its own, on unix sockets.

A cut is a partition, not a crash: bytes stop moving and nobody is told, as when a cable is pulled. What was under way waits, and
moves on after heal(), as over TCP after a short outage. A new connection across a cut is taken and leads nowhere until heal().
"""

import os
import socket
import threading
import time

CHUNK = 1 << 16
RETRY = 0.05  # seconds between tries to reach a relay that is not there: it may be starting


class Links:
    def __init__(self):
        self.gates = {}  # pair of relays -> Event: set while bytes may pass
        self.listeners, self.apart, self.stopping = [], set(), False

    def add(self, path, target, pair):
        """Listens on path and forwards to the socket at target; pair: the two relays' names."""
        gate = self.gates.setdefault(frozenset(pair), threading.Event())
        gate.set()
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen(64)
        self.listeners.append(listener)
        self._thread(self._accept, listener, target, gate)

    def cut(self, relay):
        """From now on nothing passes between this relay and any other."""
        self.apart.add(relay)
        self._set()

    def heal(self, relay):
        self.apart.discard(relay)
        self._set()

    def stop(self):
        self.stopping = True
        for listener in self.listeners:
            try:
                listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
            except OSError:
                pass
            listener.close()
        for gate in self.gates.values():
            gate.set()

    # ---- the threads: one an address, two a connection

    def _set(self):
        for pair, gate in self.gates.items():
            if pair & self.apart:
                gate.clear()
            else:
                gate.set()

    @staticmethod
    def _thread(work, *arguments):
        threading.Thread(target=work, args=arguments, daemon=True).start()

    def _accept(self, listener, target, gate):
        while not self.stopping:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            self._thread(self._connect, near, target, gate)

    def _connect(self, near, target, gate):
        while not self.stopping:
            gate.wait()
            far = socket.socket(socket.AF_UNIX)
            try:
                far.connect(target)
                self._thread(self._pump, far, near, gate)
                self._pump(near, far, gate)
                return
            except OSError:
                far.close()
            if self._given_up(near):
                break
            time.sleep(RETRY)
        near.close()

    @staticmethod
    def _given_up(near):
        try:
            return near.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True

    def _pump(self, source, sink, gate):
        try:
            while data := source.recv(CHUNK):
                gate.wait()
                sink.sendall(data)
        except OSError:
            pass
        gate.wait()  # across a cut not even an end is heard
        for end in (source, sink):  # a half-open link helps nobody
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        source.close()


def path_of(folder, kind, *names):
    """A socket's path: short, because a unix socket's path has at most 107 bytes."""
    path = os.path.join(folder, kind, ".".join(names))
    if len(path.encode()) > 107:
        raise RuntimeError(f"{path}: too long for a unix socket; give a shorter --dir")
    return path
