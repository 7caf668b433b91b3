#!/usr/bin/env python3
"""scene_test.py BUILD: the parts of tools/scene, each by itself."""
import pathlib
import socket
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent.parent
sys.path.insert(0, str(ROOT / "tools" / "scene"))
from chain import percentile  # noqa: E402
from links import Links, path_of  # noqa: E402
from scene import MIDDLE, Scene  # noqa: E402

BUILD = sys.argv.pop(1)


class LinksTest(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="isq-")
        self.addCleanup(self.temporary.cleanup)
        self.links = Links()
        self.target = self.path("target")
        self.links.add(self.path("forward"), self.target, ("a", "b"))
        self.addCleanup(self.links.stop)

    def path(self, name):
        return f"{self.temporary.name}/{name}"

    def server(self):
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        listener.bind(self.target)
        listener.listen()
        listener.settimeout(10)
        return listener

    def client(self):
        client = socket.socket(socket.AF_UNIX)
        self.addCleanup(client.close)
        client.settimeout(10)
        client.connect(self.path("forward"))
        return client

    def joined(self):
        listener, client = self.server(), self.client()
        server, _ = listener.accept()
        self.addCleanup(server.close)
        server.settimeout(10)
        return client, server

    def nothing_comes(self, end):
        end.settimeout(0.3)
        with self.assertRaises(TimeoutError):
            end.recv(10)
        end.settimeout(10)

    def test_links__bytes_pass_both_ways_whole_and_in_order(self):
        self.links.start()
        client, server = self.joined()
        data = bytes(range(256)) * 8000  # more than the sockets hold
        client.settimeout(30)
        received, sent = b"", 0
        client.setblocking(False)
        while len(received) < len(data):
            try:
                sent += client.send(data[sent:sent + 50000]) if sent < len(data) else 0
            except BlockingIOError:
                pass
            server.settimeout(0.05)
            try:
                received += server.recv(1 << 20)
            except TimeoutError:
                pass
        self.assertEqual(received, data)
        client.settimeout(10)
        server.sendall(b"back")
        self.assertEqual(client.recv(10), b"back")

    def test_links__cut_stops_both_ways_and_heal_loses_nothing(self):
        self.links.start()
        client, server = self.joined()
        self.links.cut("b")
        client.sendall(b"one")
        server.sendall(b"two")
        self.nothing_comes(server)
        self.nothing_comes(client)
        self.links.cut("c")  # another relay
        self.links.heal("b")
        self.assertEqual(server.recv(10), b"one")
        self.assertEqual(client.recv(10), b"two")

    def test_links__heal_with_reset_closes_what_was_stalled(self):
        self.links.start()
        client, _ = self.joined()
        self.links.cut("a")
        self.links.heal("a", reset=True)
        self.assertEqual(client.recv(10), b"")

    def test_links__connection_during_a_cut_or_before_the_target_is_there_is_made_later(self):
        self.links.start()
        early = self.client()
        early.sendall(b"early")
        listener = self.server()
        server, _ = listener.accept()
        self.addCleanup(server.close)
        self.assertEqual(server.recv(10), b"early")
        self.links.cut("a")
        during = self.client()
        during.sendall(b"during")
        listener.settimeout(0.3)
        with self.assertRaises(TimeoutError):
            listener.accept()
        self.links.heal("a")
        listener.settimeout(10)
        server, _ = listener.accept()
        self.addCleanup(server.close)
        self.assertEqual(server.recv(10), b"during")

    def test_links__end_of_one_side_is_seen_by_the_other(self):
        self.links.start()
        client, server = self.joined()
        server.close()
        self.assertEqual(client.recv(10), b"")

    def test_links__path_that_no_socket_can_have_is_refused(self):
        self.links.start()
        with self.assertRaises(RuntimeError):
            path_of("/" + "x" * 100, "s", "relay")


class PercentileTest(unittest.TestCase):
    def test_percentile__is_the_smallest_value_that_so_many_do_not_exceed(self):
        self.assertEqual(percentile([], 50), 0)
        self.assertEqual([percentile([1, 2, 3, 4], p) for p in (0, 25, 26, 50, 99, 100)], [1, 1, 2, 2, 4, 4])


class SceneTest(unittest.TestCase):
    def test_scene__is_prepared_and_every_relay_accepts_its_configuration(self):
        with tempfile.TemporaryDirectory(prefix="isq-") as folder:
            scene = Scene(BUILD, folder, say=lambda text: None)
            if not scene.program["isthmus"].exists():
                self.skipTest(f"{scene.program['isthmus']} is not built")
            scene.program["connector"] = pathlib.Path("/bin/true")  # only its place is looked at here
            try:
                scene.prepare()
                self.assertEqual(len(scene.neighbours(MIDDLE)), 6)
                watch = scene.watch()
                for lane in scene.lanes:
                    lane.send(30)
                end = time.monotonic() + 20
                while len(watch.sent) < 60 and time.monotonic() < end:
                    time.sleep(0.1)  # between looks; blocks come by themselves
                watch.stop()
                self.assertEqual({lane.counts()["sent"] for lane in scene.lanes}, {30})
                self.assertEqual(len(watch.sent), 60)
                self.assertEqual({lane.counts()["delivered"] for lane in scene.lanes}, {0})
            finally:
                scene.stop()


if __name__ == "__main__":
    unittest.main(verbosity=1)
