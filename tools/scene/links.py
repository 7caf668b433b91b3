"""Links between relays that can be cut: every address of a peer leads through a forwarder of its own, on unix sockets.

A cut is a partition, not a crash: bytes stop moving and nobody is told. What the sockets already hold waits; after heal() it
moves on, as a TCP connection would after a short outage. heal(reset=True) closes the stalled connections instead.
"""

import os
import selectors
import socket
import threading

CHUNK = 1 << 16
RETRY = 0.05  # seconds between tries to reach a target that is not there


class _End:
    """One direction of one connection: what was read from `source` and not yet written to `sink`."""

    def __init__(self, pair, source, sink):
        self.pair, self.source, self.sink, self.held, self.ended = pair, source, sink, b"", False


class Links:
    """A thread that forwards. add() may be called before start() only."""

    def __init__(self):
        self.selector = selectors.DefaultSelector()
        self.listeners = {}  # socket -> (pair, target path)
        self.ends = []
        self.waiting = []  # accepted, not connected on: (socket, pair, target path)
        self.apart = set()  # relays that are cut off
        self.commands = []
        self.lock = threading.Lock()
        self.wake, self.waker = socket.socketpair()
        self.wake.setblocking(False)
        self.selector.register(self.wake, selectors.EVENT_READ, self._on_wake)
        self.thread = threading.Thread(target=self._run, name="links", daemon=True)
        self.stopping = False
        self.bytes = 0

    def add(self, path, target, pair):
        """Listens on path and forwards to the socket at target; pair: the two relays' names."""
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen(64)
        listener.setblocking(False)
        self.listeners[listener] = (frozenset(pair), target)
        self.selector.register(listener, selectors.EVENT_READ, self._on_connect)

    def start(self):
        self.thread.start()

    def cut(self, relay):
        """From now on nothing passes between this relay and any other."""
        self._tell(lambda: self.apart.add(relay))

    def heal(self, relay, reset=False):
        def command():
            if reset:
                for end in [e for e in self.ends if self._cut(e.pair)]:
                    self._close(end)
            self.apart.discard(relay)
        self._tell(command)

    def stop(self):
        self._tell(lambda: setattr(self, "stopping", True))
        self.thread.join(10)

    # ---- the thread

    def _tell(self, command):
        done = threading.Event()
        with self.lock:
            self.commands.append(lambda: (command(), done.set()))
        self.waker.send(b"!")
        done.wait(10)

    def _cut(self, pair):
        return bool(pair & self.apart)

    def _run(self):
        while not self.stopping:
            for key, _ in self.selector.select(RETRY if self.waiting else None):
                if key.fileobj.fileno() >= 0:  # an earlier call may have closed it
                    key.data(key.fileobj)
            self._connect_waiting()
            self._watch()
        for near, _, _ in self.waiting:
            near.close()
        for end in list(self.ends):
            self._close(end)
        for listener in self.listeners:
            listener.close()

    def _on_wake(self, fileobj):
        fileobj.recv(4096)
        with self.lock:
            commands, self.commands = self.commands, []
        for command in commands:
            command()

    def _on_connect(self, listener):
        near, _ = listener.accept()
        near.setblocking(False)
        self.waiting.append((near, *self.listeners[listener]))

    def _connect_waiting(self):
        """A connection whose target is not there yet, or is cut off, waits: like packets that are lost and sent again."""
        waiting, self.waiting = self.waiting, []
        for near, pair, target in waiting:
            far = socket.socket(socket.AF_UNIX)
            try:
                if self._cut(pair):
                    raise OSError
                far.connect(target)  # local: it is there or it is not
            except OSError:
                far.close()
                self.waiting.append((near, pair, target))
                continue
            far.setblocking(False)
            there, back = _End(pair, near, far), _End(pair, far, near)
            there.twin, back.twin = back, there
            self.ends += [there, back]

    def _watch(self):
        """Asks for exactly the events that can move something. A waiting connection that its maker gave up is noticed when
        it is joined with its target."""
        wanted = {}
        for end in self.ends:
            if self._cut(end.pair):
                continue
            if end.held:
                wanted[end.sink] = wanted.get(end.sink, 0) | selectors.EVENT_WRITE
            elif not end.ended:
                wanted[end.source] = wanted.get(end.source, 0) | selectors.EVENT_READ
        current = {key.fileobj: key for key in self.selector.get_map().values() if key.data == self._on_bytes}
        for fileobj in current:
            if fileobj not in wanted:
                self.selector.unregister(fileobj)
        for fileobj, events in wanted.items():
            if fileobj not in current:
                self.selector.register(fileobj, events, self._on_bytes)
            elif current[fileobj].events != events:
                self.selector.modify(fileobj, events, self._on_bytes)

    def _on_bytes(self, fileobj):
        for end in [e for e in self.ends if fileobj in (e.source, e.sink) and not self._cut(e.pair)]:
            if end in self.ends:
                self._move(end)

    def _move(self, end):
        try:
            if not end.held and not end.ended:
                end.held = end.source.recv(CHUNK)
                end.ended = not end.held
            if end.held:
                sent = end.sink.send(end.held)
                self.bytes += sent
                end.held = end.held[sent:]
        except BlockingIOError:
            pass
        except OSError:
            end.ended, end.held = True, b""
        if end.ended and not end.held:
            self._close(end)

    def _close(self, end):
        """Closes both directions: a half-open link helps nobody."""
        for one in (end, end.twin):
            if one in self.ends:
                self.ends.remove(one)
        for fileobj in (end.source, end.sink):
            if fileobj.fileno() >= 0:
                if fileobj in self.selector.get_map():
                    self.selector.unregister(fileobj)
                fileobj.close()


def path_of(folder, kind, *names):
    """A socket's path: short, because a unix socket's path has at most 107 bytes."""
    path = os.path.join(folder, kind, ".".join(names))
    if len(path.encode()) > 107:
        raise RuntimeError(f"{path}: too long for a unix socket; give a shorter --folder")
    return path
