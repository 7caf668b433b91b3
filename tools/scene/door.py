"""A door before a node's port. While it is stalled nobody reads what the node writes: neither its news, until the buffers between them are
full, nor the pings that a WebSocket's reader answers. A node closes such a socket, and whoever stands behind the door hears it when it opens.
"""

import pathlib
import socket
import threading

from chain import free_port

CHUNK = 1 << 16
ESTABLISHED = "01"  # of /proc/net/tcp


class Door:
    def __init__(self, target):
        self.target, self.port, self.insides, self.closing = target, free_port(), [], False
        self.passing = threading.Event()
        self.passing.set()
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", self.port))
        self.listener.listen(16)
        threading.Thread(target=self._accept, daemon=True).start()

    def stall(self):
        self.passing.clear()

    def open(self):
        self.passing.set()

    def given_up(self):
        """Whether the node has closed, at its end, every connection that leads through here; False: there is none."""
        ends = {inside.getsockname()[1] for inside in self.insides if inside.fileno() >= 0}
        rows = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
        port = lambda address: int(address.split(":")[1], 16)  # noqa: E731
        held = {port(row[2]) for row in rows if port(row[1]) == self.target and row[3] == ESTABLISHED}
        return bool(ends) and not ends & held

    def close(self):
        self.closing = True
        for end in (self.listener, *self.insides):
            hang_up(end)
        self.listener.close()
        self.open()

    def _accept(self):
        while not self.closing:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                near.close()
                continue
            self.insides.append(far)
            for ends in ((near, far), (far, near)):
                threading.Thread(target=self._copy, args=ends, daemon=True).start()

    def _copy(self, source, sink):
        try:
            while True:
                self.passing.wait()
                if not (data := source.recv(CHUNK)):
                    break
                self.passing.wait()
                sink.sendall(data)
        except OSError:
            pass
        self.passing.wait()  # what a stalled reader does not read, he does not hear either
        for end in (source, sink):
            hang_up(end)


def hang_up(end):
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
