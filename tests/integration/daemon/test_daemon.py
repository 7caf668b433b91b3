#!/usr/bin/env python3
"""test_daemon.py ISTHMUS ISTHMUSD: two relays on this machine, with connectors that misbehave, from start to stop."""
import ctypes
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../tools/scene"))
import pair  # noqa: E402

ISTHMUS, ISTHMUSD = os.path.abspath(sys.argv.pop(1)), os.path.abspath(sys.argv.pop(1))
CONNECTOR = os.path.join(os.path.dirname(os.path.abspath(__file__)), "connector.py")
PATIENCE = 100  # seconds, for what takes far less on a quiet machine


def eventually(condition, what, seconds=PATIENCE):
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        pause.wait(0.02)
    raise AssertionError(f"not within {seconds} s: {what}")


def alive(pid):
    """Runs, and is not only waiting to be reaped."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def contents(path):
    with open(path) as file:
        return file.read()


def without_landlock():
    """From here on this process and its children run on a kernel that has none: the call is answered with ENOSYS."""
    library = ctypes.CDLL(None, use_errno=True)
    code = struct.pack("HBBI" * 4,  # load the call's number; landlock_create_ruleset? then fail, else go on
                       0x20, 0, 0, 0, 0x15, 0, 1, 444, 0x06, 0, 0, 0x00050000 | 38, 0x06, 0, 0, 0x7fff0000)
    buffer = ctypes.create_string_buffer(code, len(code))
    program = ctypes.create_string_buffer(struct.pack("HP", 4, ctypes.addressof(buffer)))
    if library.prctl(38, 1, 0, 0, 0) != 0 or library.prctl(22, 2, program, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "seccomp")


class Relay:
    """One isthmusd and its log."""

    def __init__(self, folder, *options, program=ISTHMUSD, **how):
        self.folder, self.lines = folder, []
        self.process = subprocess.Popen([program, "--config", f"{folder}/relay.yaml", *options],
                                        stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, **how)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stderr:
            self.lines.append(line.rstrip("\n"))

    def said(self, pattern, seconds=PATIENCE):
        """The first line that fits; at once an error when the relay has ended without it."""
        def found():
            ended = self.process.poll() is not None and not self.reader.is_alive()
            line = next((m for line in list(self.lines) if (m := re.search(pattern, line))), None)
            return line or ended

        try:
            line = eventually(found, f"{pattern!r} in the log", seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}:\n" + "\n".join(self.lines[-60:])) from None
        if line is True:
            raise AssertionError(f"ended with {self.process.poll()} without {pattern!r} in the log:\n"
                                 + "\n".join(self.lines[-60:]))
        return line

    def ask(self, command, **more):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(PATIENCE)
            client.connect(f"{self.folder}/control.sock")
            client.sendall(json.dumps({"command": command, **more}).encode() + b"\n")
            return json.loads(client.makefile("rb").readline())

    def status(self):
        return self.ask("status")

    def source(self):
        return self.ask("sources")["sources"][0]

    def end(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(PATIENCE)
        self.reader.join(PATIENCE)
        self.process.stderr.close()
        return code


class Daemon(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        """Two relays, one a side, one operator each, one lane; made with the operator's own tools."""
        cls.temporary = tempfile.TemporaryDirectory(prefix="isthmus-d-")
        cls.folder = cls.temporary.name
        cls.connector = f"{cls.folder}/connector"
        with open(CONNECTOR) as source, open(cls.connector, "w") as copy:  # by this interpreter, whose tree it may read
            copy.write(f"#!{os.path.realpath(sys.executable)}\n" + source.read().split("\n", 1)[1])
        os.chmod(cls.connector, 0o755)
        cls.keys = pair.make_keys(cls.tool)
        with open(f"{cls.folder}/network.yaml", "w") as file:
            file.write(pair.document(cls.keys))
        pair.sign(cls.tool)
        for name in pair.CHAINS:
            shutil.copy(f"{cls.folder}/{name}/relay.yaml", f"{cls.folder}/{name}/relay.first")

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    @classmethod
    def tool(cls, *arguments):
        return subprocess.run([ISTHMUS, *arguments], cwd=cls.folder, capture_output=True, text=True, check=True).stdout

    def configure(self, name, options="http: \"http://127.0.0.1:1\"", extra="", readable=(), budgets=""):
        """Writes NAME's relay.yaml; options are those of its connector, extra more of its source; readable: for it to read."""
        extra += f", readable: [{', '.join((sys.base_prefix, *readable))}], options: {{{options}}}"
        text = contents(f"{self.folder}/{name}/relay.first")
        text = pair.relay_yaml(text, name, self.keys, self.folder, self.connector, extra)
        text += f"budgets: {budgets}\n" if budgets else ""
        with open(f"{self.folder}/{name}/relay.yaml", "w") as file:
            file.write(text)

    def start(self, name, *arguments, **more):
        self.configure(name, **more)
        return self.again(name, *arguments)

    def again(self, name, *arguments, **how):
        relay = Relay(f"{self.folder}/{name}", "--dev", *arguments, **how)
        self.addCleanup(relay.end, signal.SIGKILL)
        relay.said("reason=ready")
        return relay

    # ---- a good life

    def test_isthmusd__two_relays_get_ready_meet_and_stop_in_order(self):
        east, west = self.start("east"), self.start("west")
        for relay in (east, west):
            eventually(lambda: relay.status()["sources"]["up"] == 1, "source up")
            eventually(lambda: relay.status()["signer"]["state"] == "up", "signer up")
            eventually(lambda: relay.status()["peers"]["up"] == 1, "peer up")
        status = east.status()
        self.assertTrue(status["ok"] and status["ready"] and status["store"]["ok"])
        self.assertEqual((status["relay"], status["operator"], status["network"]["name"]), ("east", "east", "pair"))
        peer = eventually(lambda: (p := east.ask("peers")["peers"][0])["document_version"] and p, "a heartbeat")
        self.assertEqual((peer["relay"], peer["document_version"], peer["document_hash"]),
                         ("west", 3, status["network"]["hash"]))
        lane = east.ask("lanes")["lanes"][0]
        self.assertEqual((lane["name"], len(lane["logs"]), lane["logs"][0]["kind"]), ("east-to-west", 3, "message"))
        self.assertEqual(east.ask("explain", lane="east-to-west", sequence=1)["found"], False)
        self.assertEqual(east.source()["process"]["state"], "up")
        children = [east.status()["signer"]["pid"], east.source()["process"]["pid"]]
        self.assertEqual(west.end(), 0)
        self.assertEqual(east.end(), 0)
        self.assertFalse(os.path.exists(f"{self.folder}/east/control.sock"))
        self.assertFalse(any(alive(pid) for pid in children))
        again = self.again("east")
        self.assertEqual(again.end(), 0)

    def test_isthmusd__a_connector_sees_its_own_descriptors_and_can_harm_nobody(self):
        east = self.start("east")
        east.said(r"subject=node text=\"fds \[0, 1, 2, 3\]\"")
        privileges = east.said(r"privileges (\d) seccomp (\d)")
        self.assertEqual(privileges.group(1), "1")
        environment = set(east.said(r"environment (\S*)\"").group(1).split(","))
        self.assertFalse(environment & {"HOME", "USER", "PWD", "ISTHMUS_BUILD"}, environment)
        self.assertNotEqual(east.said(r"text=\"write (\S+)\"").group(1), "allowed")
        if privileges.group(2) == "2":  # not in builds with sanitizers
            self.assertNotEqual(east.said(r"text=\"kill-parent (\S+)\"").group(1), "allowed")
            self.assertNotEqual(east.said(r"text=\"chroot (\S+)\"").group(1), "allowed")

    def tried(self, relay, what):
        return relay.said(rf"text=\"{what} (\S+)\"").group(1)

    def lay_out(self):
        """A key of its own, a folder of its own, and a stranger's file; all for their owner alone."""
        os.makedirs(f"{self.folder}/given", exist_ok=True)
        for name in ("gas.key", "given/data", "stranger"):
            with open(os.open(f"{self.folder}/{name}", os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
                file.write("secret")
        folder = self.folder
        return (f"x: \"read={folder}/east/keys/relay.key; read={folder}/east/keys/passphrase; read={folder}/east/relay.yaml; "
                f"read={folder}/east/keys; read={folder}/stranger; read={folder}/gas.key; read={folder}/given/data; "
                f"knock={folder}/east/control.sock; knock={folder}/east.req; names; certificates;\", "
                f"gas-file: {folder}/gas.key")

    def test_isthmusd__a_connector_reads_what_it_was_given_and_opens_no_door(self):
        east = self.start("east", options=self.lay_out(), readable=[f"{self.folder}/given"])
        for name in ("gas.key", "data"):
            self.assertEqual(self.tried(east, f"read {name}"), "allowed", name)
        self.assertEqual(self.tried(east, "names"), "allowed")
        certificates = east.said(r"text=\"certificates (\S+) (\d+)\"")
        self.assertEqual((certificates.group(1), int(certificates.group(2))),
                         ("allowed", len(ssl.create_default_context().get_ca_certs())))
        eventually(lambda: east.status()["sources"]["up"] == 1, "source up")
        if any("reason=sandbox-weak" in line for line in east.lines):
            self.skipTest("this kernel has no Landlock")
        for name in ("relay.key", "passphrase", "relay.yaml", "keys", "stranger"):
            self.assertEqual(self.tried(east, f"read {name}"), "permission-denied", name)
        if east.said(r"privileges (\d) seccomp (\d)").group(2) == "2":  # not in builds with sanitizers
            for name in ("control.sock", "east.req"):
                self.assertEqual(self.tried(east, f"knock {name}"), "permission-denied", name)

    def test_isthmusd__without_landlock_it_works_and_says_once_that_the_sandbox_is_weak(self):
        self.configure("east", options=self.lay_out())
        east = self.again("east", preexec_fn=without_landlock)
        eventually(lambda: east.status()["sources"]["up"] == 1, "source up")
        eventually(lambda: east.status()["signer"]["state"] == "up", "signer up")
        self.assertEqual(self.tried(east, "read stranger"), "allowed")
        first = east.source()["process"]["pid"]
        os.kill(first, signal.SIGKILL)
        eventually(lambda: east.source()["process"]["pid"] not in (0, first), "connector again")
        eventually(lambda: east.status()["sources"]["up"] == 1, "source up again")
        self.assertEqual(sum("reason=sandbox-weak" in line for line in east.lines), 1)

    def test_isthmusd__nobody_of_its_user_may_look_into_a_relay_or_its_signer(self):
        """What is not dumpable belongs to root in /proc, and so to no other process of the same user."""
        type(self).connector, keep = "/bin/true", self.connector
        self.addCleanup(setattr, type(self), "connector", keep)
        self.configure("east")
        how, program = {}, f"{self.folder}/isthmusd"
        shutil.copy(ISTHMUSD, program)
        if os.getuid() == 0:  # then everything belongs to root: run it as nobody
            how = {"user": 65534, "group": 65534, "extra_groups": []}
            mode = os.stat(self.folder).st_mode & 0o777
            os.chmod(self.folder, 0o777)
            self.addCleanup(os.chmod, self.folder, mode)
            self.give(65534)
            self.addCleanup(self.give, 0)
        east = self.again("east", program=program, **how)
        signer = eventually(lambda: (east.status()["signer"] or {}).get("state") == "up" and east.status()["signer"]["pid"],
                            "signer up")
        east.said("reason=signer-ready")
        for pid in (east.process.pid, signer):
            self.assertEqual(os.stat(f"/proc/{pid}/environ").st_uid, 0)
        self.assertEqual(east.end(), 0)

    def give(self, user):
        for folder, _, files in os.walk(f"{self.folder}/east"):
            for name in (folder, *(f"{folder}/{file}" for file in files)):
                os.chown(name, user, user, follow_symlinks=False)

    def test_isthmusd__the_signer_is_alone_with_its_guard(self):
        east = self.start("east")
        pid = eventually(lambda: east.status()["signer"]["pid"], "signer")
        east.said("reason=signer-ready")
        eventually(lambda: "NoNewPrivs:\t1" in contents(f"/proc/{pid}/status"), "sandbox of the signer")
        guard = subprocess.run([ISTHMUSD, "--config", f"{self.folder}/east/relay.yaml", "--dev", "-x", "guard"],
                               capture_output=True, text=True)
        self.assertEqual(guard.returncode, 1)
        self.assertIn(f"another signer (process {pid}) has it open: stop its relay first", guard.stderr)
        self.assertEqual(east.end(), 0)
        guard = subprocess.run([ISTHMUSD, "--config", f"{self.folder}/east/relay.yaml", "--dev", "-x", "guard"],
                               capture_output=True, text=True)
        self.assertEqual((guard.returncode, guard.stdout), (0, ""))

    # ---- ends

    def test_isthmusd__a_killed_child_is_started_again(self):
        east = self.start("east")
        for who in (lambda: east.status()["signer"], lambda: east.source()["process"]):
            first = eventually(lambda: who()["state"] == "up" and who()["pid"], "child up")
            os.kill(first, signal.SIGKILL)
            eventually(lambda: who()["state"] == "up" and who()["pid"] not in (0, first), "child up again")
            self.assertEqual(who()["crashes"], 1)
            self.assertIn("signal 9, which this relay did not send", who()["text"])
        eventually(lambda: east.status()["sources"]["up"] == 1, "source up")

    def test_isthmusd__the_gas_account_is_shown_and_what_it_spent_outlives_its_connector(self):
        east = self.start("east", options="http: \"account;\"")
        east.said("given nothing")
        eventually(lambda: east.source()["account"], "account")
        self.assertEqual(east.source()["account"], {"balance": "5000000000000000000", "low": True, "spent": "700000000000000000",
                                                    "cap": "1000000000000000000", "spending": "near"})
        shown = self.tool("sources", "--config", "east/relay.yaml")
        self.assertRegex(shown, "700000000000000000 of 1000000000000000000 NEAR")
        os.kill(east.source()["process"]["pid"], signal.SIGKILL)
        east.said("given 700000000000000000")

    def test_isthmusd__what_the_gas_account_spent_outlives_a_kill_of_the_relay_for_a_day(self):
        east = self.start("east", options="http: \"account;\"")
        eventually(lambda: east.source()["account"], "account")
        kept = f"{self.folder}/east/state/spent-node"
        eventually(lambda: os.path.exists(kept), "a file")
        east.end(signal.SIGKILL)
        east = self.again("east")
        east.said("given 700000000000000000")
        east.end()
        yesterday = int(time.time()) - 86401
        with open(kept, "w") as file:
            file.write(f"{yesterday} 700000000000000000\n")
        self.again("east").said("given nothing")

    def test_isthmusd__evidence_that_proves_nothing_is_kept_bounded_and_can_be_decoded_offline(self):
        east = self.start("east", options="http: \"prove-nothing;\"", budgets="{evidence_files: 2}")
        folder = f"{self.folder}/east/state/refused"
        kept = eventually(lambda: os.path.isdir(folder) and os.listdir(folder), "a file")
        self.assertRegex(kept[0], r"^\d{13}-node-[a-z-]+\.evidence$")
        decoded = self.tool("decode", "evidence", f"{folder}/{kept[0]}")
        self.assertRegex(decoded, "well-formed")
        self.assertIn("5a5a5a5a", decoded)
        east.said("reason=evidence-kept")
        source = eventually(lambda: east.source()["refused"] and east.source(), "a mark")
        self.assertIn(source["refused_reason"], kept[0])
        self.assertIn(f"{source['refused']} {source['refused_reason']}", self.tool("sources", "--config", "east/relay.yaml"))
        eventually(lambda: east.source()["refused"] > 2, "its next lives")
        self.assertLessEqual(len(os.listdir(folder)), 2)

    def test_isthmusd__kill_9_leaves_no_child_behind_and_the_next_start_works(self):
        east = self.start("east")
        children = [eventually(lambda: east.status()["signer"]["pid"], "signer"),
                    eventually(lambda: east.source()["process"]["pid"], "connector")]
        east.end(signal.SIGKILL)
        eventually(lambda: not any(alive(pid) for pid in children), "children gone", 5)
        self.assertEqual(self.again("east").end(), 0)

    def test_isthmusd__sigterm_before_it_is_ready_still_ends_with_0(self):
        self.configure("east")
        path = f"{self.folder}/east/control.sock"
        if os.path.exists(path):
            os.unlink(path)
        relay = Relay(f"{self.folder}/east", "--dev")
        self.addCleanup(relay.end, signal.SIGKILL)
        eventually(lambda: os.path.exists(path), "sign of life")
        self.assertEqual(relay.end(), 0)

    def test_isthmusd__sigterm_during_the_start_starts_nothing_any_more(self):
        self.configure("east")
        relay = Relay(f"{self.folder}/east", "--dev")
        self.addCleanup(relay.end, signal.SIGKILL)
        caught = lambda: int(re.search(r"SigCgt:\t(\w+)", contents(f"/proc/{relay.process.pid}/status")).group(1), 16)  # noqa: E731
        eventually(lambda: caught() >> (signal.SIGTERM - 1) & 1, "a handler for SIGTERM: before the store is opened")
        self.assertEqual(relay.end(), 0)
        text = "\n".join(relay.lines)
        self.assertIn("reason=stopping", text)
        after = text.split("reason=stopping")[1]
        for late in ("reason=started", "child-says", "reason=connector-started", "reason=signer-ready", "drain-incomplete"):
            self.assertNotIn(late, after)

    # ---- children that misbehave

    def test_isthmusd__a_connector_that_breaks_the_protocol_is_restarted_with_the_reason(self):
        east = self.start("east", options="x: babble")
        eventually(lambda: "forbidden length: killed by this relay" in east.source()["process"]["text"], "reason in the view")
        east.said(r"reason=child-ended.*starting it again in \d+ ms")
        self.assertIn("forbidden length", self.tool("sources", "--config", "east/relay.yaml"))
        self.assertTrue(east.status()["ready"])

    def test_isthmusd__a_connector_that_refuses_its_configuration_says_why(self):
        east = self.start("east", options="x: refuse")
        eventually(lambda: "not configured: as told" in east.source()["process"]["text"], "reason in the view")

    def test_isthmusd__a_start_that_waits_for_a_slow_node_says_so(self):
        os.makedirs(f"{self.folder}/given", exist_ok=True)
        door = f"{self.folder}/given/node-is-there"
        east = self.start("east", options=f"x: \"slow; until={door};\"", readable=[f"{self.folder}/given"])
        east.said(r"reason=source-waits subject=node .*waits for its node")
        self.assertTrue(east.status()["ready"])
        with open(door, "w"):
            pass
        east.said("reason=source-up")

    def test_isthmusd__a_crashing_connector_stops_nothing_else(self):
        east, west = self.start("east", options="x: crash"), self.start("west")
        eventually(lambda: east.source()["process"]["crashes"] >= 3, "crashes")
        self.assertIn("code 7", east.source()["process"]["text"])
        eventually(lambda: east.status()["peers"]["up"] == 1 and east.status()["signer"]["state"] == "up", "the rest")
        eventually(lambda: west.status()["peers"]["up"] == 1, "the other relay")

    def test_isthmusd__runs_only_what_has_the_registered_hash(self):
        program = f"{self.folder}/hashed"
        shutil.copy("/bin/true", program)
        with open(program, "rb") as file:
            good = hashlib.blake2b(file.read(), digest_size=32).hexdigest()
        east = self.start("east", extra=f", program_hash: {'00' * 32}")
        east.said("its BLAKE2b-256 is not the registered one")
        eventually(lambda: "code 126" in east.source()["process"]["text"], "exit code")
        east.end()
        type(self).connector, keep = program, self.connector
        self.addCleanup(setattr, type(self), "connector", keep)
        east = self.start("east", extra=f", program_hash: {good}")
        eventually(lambda: "code 0" in east.source()["process"]["text"], "it ran")

    def test_isthmusd__a_wrong_passphrase_is_said_and_the_relay_stays_up(self):
        self.configure("east")
        path = f"{self.folder}/east/relay.yaml"
        with open(path) as file:
            text = file.read()
        with open(os.open(f"{self.folder}/east/wrong", os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write("not this one\n")
        head, tail = text.split("signer:", 1)
        with open(path, "w") as file:
            file.write(head + "signer:" + re.sub(r"passphrase: \S+", "passphrase: wrong", tail, count=1))
        east = self.again("east")
        east.said("wrong passphrase")
        self.assertTrue(east.status()["ready"])

    # ---- the control socket

    def test_control__bad_requests_are_answered_and_slow_clients_block_nobody(self):
        east = self.start("east")
        path = f"{self.folder}/east/control.sock"
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o660)
        for request in (b"{\n", b"[]\n", b'{"command": "dance"}\n', b'{"command": 5}\n',
                        b'{"command": "explain"}\n', b'{"command": "explain", "lane": "x", "sequence": 1}\n',
                        b'{"command": "release", "process": "nobody"}\n', b"\xff\xfe\n"):
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(path)
                client.sendall(request)
                answer = json.loads(client.makefile("rb").readline())
                self.assertFalse(answer["ok"], request)
                self.assertTrue(answer["error"])
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
            client.sendall(b"x" * 5000)
            self.assertIn(b"at most", client.makefile("rb").readline())
        slow = [socket.socket(socket.AF_UNIX) for _ in range(20)]
        for client in slow:
            client.connect(path)
            client.sendall(b'{"command": "status"}\n' * 100)  # and reads nothing
        self.assertTrue(east.status()["ok"])
        with socket.socket(socket.AF_UNIX) as client:  # several requests in one go
            client.connect(path)
            client.sendall(b'{"command": "status"}\n{"command": "lanes"}\n')
            stream = client.makefile("rb")
            self.assertIn("ready", json.loads(stream.readline()))
            self.assertIn("lanes", json.loads(stream.readline()))
        for client in slow:
            client.close()

    def test_control__a_second_relay_on_the_same_folder_is_refused(self):
        east = self.start("east")
        second = Relay(f"{self.folder}/east", "--dev")
        self.addCleanup(second.end, signal.SIGKILL)
        self.assertEqual(second.process.wait(PATIENCE), 3)
        second.said("reason=start-failed")
        self.assertTrue(east.status()["ok"])

    # ---- configuration

    def test_reload__a_bad_file_changes_nothing_and_a_good_one_says_what_needs_a_restart(self):
        east = self.start("east")
        path = f"{self.folder}/east/relay.yaml"
        with open(path) as file:
            good = file.read()
        with open(path, "w") as file:
            file.write(good + "\nnonsense: 1\n")
        east.process.send_signal(signal.SIGHUP)
        east.said("reason=reload-refused.*nonsense")
        self.assertTrue(east.status()["ok"])
        with open(path, "w") as file:
            file.write(good.replace("software: test", "software: other"))
        answer = east.ask("reload")
        self.assertTrue(answer["ok"])
        self.assertEqual(answer["restart_needed"], [f"sources[{i}].software" for i in range(good.count("software: test"))])

    def test_command_line__every_problem_at_once_and_exit_codes(self):
        self.configure("east")
        path = f"{self.folder}/east/relay.yaml"
        checked = subprocess.run([ISTHMUSD, "--config", path, "--dev", "--check"], capture_output=True, text=True)
        self.assertEqual((checked.returncode, "good" in checked.stdout), (0, True), checked.stderr)
        self.assertEqual(subprocess.run([ISTHMUSD, "--version"], capture_output=True).returncode, 0)
        self.assertEqual(subprocess.run([ISTHMUSD, "--confg"], capture_output=True).returncode, 64)
        with open(path, "a") as file:
            file.write("nonsense: 1\nmore: 2\n")
        checked = subprocess.run([ISTHMUSD, "--config", path, "--check"], capture_output=True, text=True)
        self.assertEqual(checked.returncode, 2)
        self.assertIn("nonsense", checked.stderr)
        self.assertIn("more", checked.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
