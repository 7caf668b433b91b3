#!/usr/bin/env python3
"""cli_test.py ISTHMUS: the operator's command, used as docs/operator.md uses it, in a temporary folder."""
import hashlib
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../tools/scene"))
import pair  # noqa: E402

ISTHMUS = os.path.abspath(sys.argv.pop(1))


class Answers(threading.Thread):
    """A control socket that answers each command with what the test put there."""

    def __init__(self, path, answers):
        super().__init__(daemon=True)
        self.answers, self.requests = answers, []
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(path)
        self.socket.listen()
        self.start()

    def run(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            with client, client.makefile("rwb") as stream:
                request = json.loads(stream.readline())
                self.requests.append(request)
                answer = self.answers.get(request["command"], {"ok": False, "error": "no such command"})
                stream.write(json.dumps(answer).encode() + b"\n")


class Cli(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="isthmus-cli-")
        self.folder = self.temporary.name
        self.addCleanup(self.temporary.cleanup)

    def run_command(self, *arguments, code=0, largest=None):
        """largest: bytes of a file that it may write."""
        def bound():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
        done = subprocess.run([ISTHMUS, *arguments], cwd=self.folder, capture_output=True, text=True, timeout=60,
                              restore_signals=largest is None, preexec_fn=None if largest is None else bound)
        self.assertEqual(done.returncode, code, f"{arguments}\n{done.stdout}{done.stderr}")
        return done.stdout, done.stderr

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(os.open(self.path(name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)

    def read(self, name):
        with open(self.path(name)) as file:
            return file.read()

    # ---- keys

    def test_keys__new_show_list_agree_and_nothing_is_overwritten(self):
        self.write("phrase", "correct horse\n")
        lengths = {"keccak256-secp256k1": 42, "sha256-p256": 128, "sm3-sm2": 128, "blake2b256-ed25519": 64}
        shown = {}
        for suite, length in lengths.items():
            out, _ = self.run_command("keys", "new", f"{suite}.key", "--suite", suite, "--passphrase", "phrase", "--cheap")
            fields = dict(line.split(None, 1) for line in out.splitlines())
            self.assertEqual(len(fields["key"]), length)
            self.assertEqual(fields["encrypted"], "yes")
            self.assertEqual(os.stat(self.path(f"{suite}.key")).st_mode & 0o777, 0o600)
            self.assertEqual(self.run_command("keys", "show", f"{suite}.key")[0], out)
            shown[suite] = fields["key"]
        listed, _ = self.run_command("keys", "list", ".")
        for suite, key in shown.items():
            self.assertRegex(listed, rf"{suite}\.key +{suite} +yes +{key}")
        before = self.read("sm3-sm2.key")
        _, error = self.run_command("keys", "new", "sm3-sm2.key", "--plain", code=1)
        self.assertIn("sm3-sm2.key", error)
        self.assertEqual(self.read("sm3-sm2.key"), before)

    def test_keys__wrong_calls_say_what_is_missing(self):
        self.assertIn("--passphrase", self.run_command("keys", "new", "a.key", code=2)[1])
        self.assertIn("no suite", self.run_command("keys", "new", "a.key", "--plain", "--suite", "rsa", code=2)[1])
        self.assertIn("no option --sute", self.run_command("keys", "new", "--sute", code=2)[1])
        self.assertIn("none.key", self.run_command("keys", "show", "none.key", code=1)[1])
        self.assertFalse(os.path.exists(self.path("a.key")))

    def test_isthmus__help_is_on_stdout_and_unknown_commands_are_refused(self):
        out, _ = self.run_command("--help")
        for command in ("init", "keys", "network", "config", "status", "lanes", "peers", "sources", "explain", "verify"):
            self.assertIn(f"  {command} ", out)
            self.assertIn("usage: isthmus " + command, self.run_command(command, "--help")[0])
        every, one = (self.run_command("verify", *kind, "--help")[0] for kind in ((), ("eth-account",)))
        self.assertIn("eth-receipts", every)
        self.assertIn("an eth_getProof answer", one)
        self.assertNotIn("eth-receipts", one)
        self.assertIn("'statsu' is no command", self.run_command("statsu", code=2)[1])
        self.assertRegex(self.run_command("version")[0], r"^isthmus \d+\.\d+\.\d+\n$")
        self.assertEqual(self.run_command("--version"), self.run_command("version"))

    def test_init__a_passphrase_is_read_once_and_a_wrong_one_leaves_nothing_behind(self):
        self.write("phrase", "correct horse\n")
        self.assertIn("none", self.run_command("init", "r", "--relay", "r", "--passphrase", "none", code=1)[1])
        self.assertFalse(os.path.exists(self.path("r")))
        with open(self.path("phrase"), "rb") as phrase:
            subprocess.run([ISTHMUS, "init", "r", "--relay", "r", "--cheap", "--passphrase", f"fd:{phrase.fileno()}"],
                           cwd=self.folder, pass_fds=[phrase.fileno()], capture_output=True, timeout=60, check=True)
        self.assertIn("passphrase: /CHANGE", self.read("r/relay.yaml"))
        self.assertIn("name another folder", self.run_command("init", "r", "--relay", "r", code=1)[1])
        self.run_command("init", "s", "--relay", "s", "--cheap", "--passphrase", "phrase")
        self.assertIn(f"passphrase: \"{os.path.realpath(self.path('phrase'))}\"", self.read("s/relay.yaml"))

    # ---- the way from nothing to a good configuration

    def make_network(self):
        """Two relays, one a side, one operator each; keys, document, relay files. Returns the relays' names."""
        keys = pair.make_keys(lambda *arguments: self.run_command(*arguments)[0])
        self.write("network.yaml", pair.document(keys))
        for name in keys:
            text = pair.relay_yaml(self.read(f"{name}/relay.yaml"), name, keys, self.folder)
            self.assertIn("log_level: info", text)
            self.write(f"{name}/relay.yaml", text.replace("log_level: info", "log_level: info\ndev: true"))
        return list(keys)

    def sign(self, *names):
        for name in names:
            self.run_command("network", "sign", "network.yaml", "--root", name, "--key", f"{name}-root.key")

    def test_network__from_nothing_to_a_good_configuration(self):
        names = self.make_network()
        _, error = self.run_command("network", "verify", "network.yaml", code=1)
        self.assertIn("root 'east' has not signed", error)
        self.sign(*names)
        out, _ = self.run_command("network", "verify", "network.yaml")
        self.assertIn("signed by all 2 roots", out)
        digest, _ = self.run_command("network", "hash", "network.yaml")
        self.assertIn(digest.strip(), out)
        for name in names:
            out, _ = self.run_command("config", "check", f"{name}/relay.yaml")
            self.assertIn(f"relay {name} of network pair version 3: good", out)
            self.assertRegex(out, r"eip155:31337 +1 +1 of 1 operators +0 equivocating operators \(accepted by name")
        shown = json.loads(self.run_command("network", "show", "network.yaml", "--json")[0])
        self.assertEqual(shown["hash"], digest.strip())
        self.assertEqual([lane["name"] for lane in shown["lanes"]], ["east-to-west"])
        self.assertIn(shown["lanes"][0]["id"], self.run_command("network", "show", "network.yaml")[0])

    def test_network__show_says_how_a_chain_that_proves_its_headers_is_followed(self):
        self.make_network()
        self.assertNotIn("LIGHT CLIENT", self.run_command("network", "show", "network.yaml")[0])
        text = self.read("network.yaml").replace("eip155:31338", "cosmos:west-1").replace("[slot]", "[slot, ics23]")
        head, west = text.split('- {id: "cosmos:west-1"')
        west = west.replace("family: evm", "family: cosmos").replace(
            "finality_depth: 2", "finality_depth: 0, light_client: {trusting_period: 1209600, trust_level: 2/3, store: hall}")
        self.write("network.yaml", head + '- {id: "cosmos:west-1"' + west)
        out = self.run_command("network", "show", "network.yaml")[0]
        self.assertRegex(out, r"LIGHT CLIENT OF +TRUSTING PERIOD +CLOCK DRIFT +TRUST LEVEL +STORE *\n"
                              r"cosmos:west-1 +1209600 s +10 s +2/3 +hall")
        east, west = json.loads(self.run_command("network", "show", "network.yaml", "--json")[0])["chains"]
        self.assertEqual((east["family"], west["family"]), ("evm", "cosmos"))
        self.assertNotIn("light_client", east)
        self.assertEqual(west["light_client"],
                         {"trusting_period": 1209600, "clock_drift": 10, "trust_level": "2/3", "store": "hall"})

    def test_network__a_changed_document_needs_every_signature_again(self):
        names = self.make_network()
        self.sign(*names)
        self.write("network.yaml", self.read("network.yaml").replace("version: 3", "version: 4"))
        _, error = self.run_command("config", "check", "east/relay.yaml", code=1)
        self.assertEqual(error.count("does not fit the document"), 2)
        self.sign("east")  # drops the line of west, which no longer fits
        _, error = self.run_command("config", "check", "east/relay.yaml", code=1)
        self.assertIn("root 'west' has not signed this document", error)
        self.sign("west")
        self.run_command("config", "check", "east/relay.yaml")
        self.assertEqual(len(self.read("network.yaml.sig").splitlines()), 2)

    def test_network__what_a_signature_file_says_does_not_move_the_terminal(self):
        self.sign(*self.make_network())
        with open(self.path("network.yaml.sig"), "a") as file:
            file.write("\x1b[31mred " + "0" * 128 + "\n")
        _, error = self.run_command("network", "verify", "network.yaml", code=1)
        self.assertIn("[31mred' is no root of this document", error)
        self.assertNotIn("\x1b", error)
        out, _ = self.run_command("network", "sign", "network.yaml", "--root", "east", "--key", "east-root.key")
        self.assertIn("[31mred", out)
        self.assertNotIn("\x1b", out)

    def test_network__only_the_roots_own_key_signs_for_it(self):
        self.make_network()
        _, error = self.run_command("network", "sign", "network.yaml", "--root", "east", "--key", "west-root.key", code=1)
        self.assertIn("is not the key that the document gives for root 'east'", error)
        _, error = self.run_command("network", "sign", "network.yaml", "--root", "north", "--key", "west-root.key", code=1)
        self.assertIn("no root 'north'", error)
        self.assertFalse(os.path.exists(self.path("network.yaml.sig")))

    def test_network__a_signature_that_cannot_be_written_leaves_those_that_are_there_and_nothing_else(self):
        self.sign(*self.make_network())
        before, files = self.read("network.yaml.sig"), sorted(os.listdir(self.folder))
        _, error = self.run_command("network", "sign", "network.yaml", "--root", "east", "--key", "east-root.key", code=1, largest=8)
        self.assertIn("cannot be written", error)
        self.assertEqual(self.read("network.yaml.sig"), before)
        self.assertEqual(sorted(os.listdir(self.folder)), files)

    def test_config__every_fault_of_both_files_keys_and_programs_at_once(self):
        names = self.make_network()
        self.write("network.yaml", self.read("network.yaml").replace("quorum: 1,", "quorum: 2,", 1))
        text = self.read("east/relay.yaml").replace("log_level: info", "log_levle: info").replace("/bin/true", "/bin/none")
        self.write("east/relay.yaml", text)
        _, error = self.run_command("config", "check", "east/relay.yaml", code=1)
        line = next(i for i, l in enumerate(text.splitlines(), 1) if l.startswith("log_levle"))
        self.assertIn(f"east/relay.yaml:{line}:1: log_levle is unknown; did you mean 'log_level'?", error)
        self.assertRegex(error, r"network\.yaml:\d+:\d+: chains\[0\]\.epochs\[0\]\.quorum 2 of 1 operators can never sign")
        self.assertRegex(error, r"east/relay.yaml:\d+:\d+: sources\[0\]\.program /bin/none: the connector of source 'node' is not there")
        self.assertIn("isthmus: 4 problems", error)
        self.write("east/relay.yaml", text.replace(f"ipc://{self.folder}/east.req", f"ipc://{self.folder}/no/east.req"))
        _, error = self.run_command("config", "check", "east/relay.yaml", code=1)
        at = next(i for i, l in enumerate(text.splitlines(), 1) if "/east.req" in l)
        self.assertRegex(error, rf"east/relay.yaml:{at}:\d+: listen.request no socket can be made in {self.folder}/no: No such file")
        self.write("east/relay.yaml", text)
        report = json.loads(self.run_command("config", "check", "east/relay.yaml", "--json", code=1)[0])
        self.assertEqual((report["ok"], report["total"]), (False, 4))
        self.assertEqual({p["line"] for p in report["problems"] if "log_levle" in p["path"]}, {line})
        os.remove(self.path("west/keys/relay.key"))
        # nobody can sign a document that is not good
        _, error = self.run_command("network", "sign", "network.yaml", "--root", names[0], "--key", "east-root.key", code=1)
        self.assertIn("network.yaml: 2 problems", error)

    def test_config__a_program_that_is_not_the_registered_one_is_named(self):
        self.sign(*self.make_network())
        text = self.read("east/relay.yaml")
        with open("/bin/true", "rb") as program:
            there = hashlib.blake2b(program.read(), digest_size=32).hexdigest()
        self.write("east/relay.yaml", text.replace("program: /bin/true", f"program: /bin/true, program_hash: {there}"))
        self.run_command("config", "check", "east/relay.yaml")
        self.write("east/relay.yaml", text.replace("program: /bin/true", f"program: /bin/true, program_hash: {'0f' * 32}"))
        _, error = self.run_command("config", "check", "east/relay.yaml", code=1)
        self.assertRegex(error, rf":\d+:\d+: sources\[0\].program_hash is not that of /bin/true, which has {there}: if it was updated")

    def test_config__keys_that_are_not_the_documents_are_named(self):
        self.sign(*self.make_network())
        os.rename(self.path("east/keys/relay.key"), self.path("kept"))
        os.rename(self.path("west/keys/relay.key"), self.path("east/keys/relay.key"))
        os.rename(self.path("west/keys/attester.key"), self.path("east/keys/other.key"))
        self.write("east/relay.yaml", self.read("east/relay.yaml").replace("keys/attester.key", "keys/other.key"))
        _, error = self.run_command("config", "check", "east/relay.yaml", code=1)
        self.assertRegex(error, r":\d+:\d+: key.file \S*keys/relay.key: is not the key that the network document gives for 'east'")
        self.assertRegex(error, r":\d+:\d+: signer.keys\[0\] \S*keys/other.key: is in no epoch for the operator of 'east'")
        self.assertIn("isthmus: 2 problems", error)

    # ---- views

    LOG = {"lane": "east-to-west", "kind": "message", "id": "ab" * 32, "proven": 131, "stored": 131, "attested": 131,
           "certified": 120, "delivered": 120, "settled": 118, "newest_seen": 131, "window_used": 4096, "window": 16 << 20,
           "cause": "too few operators signed the next head", "since_ms": 72000, "waits_for_operator": "east-beta",
           "waits_for_source": None, "waits_for_relay": None, "frozen": False}
    STATUS = {"ok": True, "ready": True, "draining": False, "version": "0.1.0", "pid": 7, "uptime_ms": 11520000,
              "relay": "east-alpha", "operator": "east-alpha", "network": {"name": "demo", "version": 2, "hash": "cd" * 32},
              "store": {"ok": True, "status": "ok"}, "signer": {"name": "signer", "state": "up"},
              "sources": {"up": 1, "total": 1}, "peers": {"up": 3, "total": 3, "other_document": 0},
              "lanes": {"total": 2, "moving": 2, "waiting": 0, "frozen": 0},
              "logs": {"total": 6, "moving": 6, "waiting": 0, "frozen": 0}, "waiting": [], "counters": {}}

    def test_status__says_what_stands_still_since_when_and_for_whom(self):
        waiting = dict(self.STATUS, lanes={"total": 2, "moving": 1, "waiting": 1, "frozen": 0}, waiting=[self.LOG],
                       counters={"claim-over-budget": 3}, peers={"up": 2, "total": 3, "other_document": 1})
        Answers(self.path("s"), {"status": waiting})
        out, _ = self.run_command("status", "--socket", "s", code=1)
        self.assertRegex(out, r"east-to-west +message +1m12s +118 of 131 +too few operators .*: operator east-beta")
        self.assertIn("1 of the peers run another network document", out)
        self.assertRegex(out, r"claim-over-budget +3")
        self.assertIn("ready for 3h12m", out)
        self.assertIn("\nsomebody is needed: a peer is down (isthmus peers), a peer has another document (isthmus peers), "
                      "a log has waited for over a minute\n", out)
        printed = json.loads(self.run_command("status", "--socket", "s", "--json")[0])
        self.assertEqual(printed, waiting)

    def test_status__counts_lanes_and_says_logs_only_where_more_of_them_stand_still(self):
        one = dict(self.STATUS, lanes={"total": 2, "moving": 1, "waiting": 1, "frozen": 0},
                   logs={"total": 6, "moving": 5, "waiting": 1, "frozen": 0}, waiting=[self.LOG])
        more = dict(self.STATUS, lanes={"total": 4, "moving": 1, "waiting": 2, "frozen": 1},
                    logs={"total": 12, "moving": 7, "waiting": 4, "frozen": 1}, waiting=[self.LOG])
        Answers(self.path("one"), {"status": one})
        Answers(self.path("more"), {"status": more})
        self.assertIn("\nlanes 2: 1 moving, 1 waiting, 0 frozen\n", self.run_command("status", "--socket", "one", code=1)[0])
        self.assertIn("\nlanes 4: 1 moving, 2 waiting, 1 frozen (5 of their 12 logs stand still)\n",
                      self.run_command("status", "--socket", "more", code=1)[0])

    def test_status__is_0_when_everything_moves(self):
        Answers(self.path("s"), {"status": self.STATUS})
        out, _ = self.run_command("status", "--socket", "s")
        self.assertIn("\nlanes 2: 2 moving, 0 waiting, 0 frozen\n", out)
        self.assertIn("no log waits for anything", out)
        self.assertNotIn("somebody is needed", out)

    def test_views__lanes_peers_sources_are_tables(self):
        moving = dict(self.LOG, cause="moving", since_ms=0, waits_for_operator=None, kind="outcome", delivered=0)
        peers = [{"relay": "west-beta", "zone": "west", "operator": "west-beta", "linked": True, "up": False,
                  "last_heard_ms": 65000, "behind": 4, "ahead": 9, "document_version": 1, "document_hash": "ee" * 32,
                  "bytes_in": 10, "asks": 5, "asks_failed": 2, "redials": 1, "refused": {"a": 1, "b": 2}, "cut_off_ms": 0}]
        sources = [{"name": "node-1", "chain": "eip155:31338", "operator_tag": "a", "network_tag": "b", "software_tag": "c",
                    "submits": True, "up": True, "newest": 12, "final": 10, "agreed": 10, "contradictions": 0,
                    "balance": "99", "text": "fine\u0007", "process": {"state": "up", "crashes": 2}}]
        Answers(self.path("s"), {
            "lanes": {"ok": True, "lanes": [{"name": "east-to-west", "id": "ab", "state": "open", "logs": [self.LOG, moving],
                                             "source": "eip155:31337", "destination": "eip155:31338"}]},
            "peers": {"ok": True, "peers": peers}, "sources": {"ok": True, "sources": sources}, "status": self.STATUS})
        out, _ = self.run_command("lanes", "--socket", "s")
        self.assertRegex(out, r"east-to-west +open +message +131 +131 +131 +131 +120 +120 +118 +4096/16777216 +too few")
        self.assertRegex(out, r"\n +outcome +131 +131 +131 +131 +120 +- +118 +4096/16777216 *\n")  # no source shows that mark
        out, _ = self.run_command("peers", "--socket", "s")
        self.assertRegex(out, r"west-beta +west +west-beta +DOWN +1m05s +4 +9 +1! +10 +2/5 +3")
        out, _ = self.run_command("sources", "--socket", "s")
        self.assertRegex(out, r"node-1 +eip155:31338 +a/b/c +up +12 +10 +10 +0 +0 +99 +(- +)?up, 2 crashes +fine\?")
        sources[0]["silent"] = 812
        self.assertRegex(self.run_command("sources", "--socket", "s")[0], r"a/b/c +up, no witness since 812 +12 +10 ")

    def test_explain__tells_the_story_and_is_1_for_what_was_never_heard_of(self):
        story = {"ok": True, "lane": "east-to-west", "sequence": 17, "found": True, "stage": "proven", "seen": True,
                 "stored": True, "stored_at_ms": 1795261853000, "brought_by": "own source", "proven": True, "attested": True,
                 "certified": False, "certified_head": 0, "signers": ["east-alpha"], "quorum": 2, "delivered": False,
                 "settled": False, "pruned": False, "outcome": None, "reason": 0, "digest": "00" * 32,
                 "cause": "too few operators signed the next head", "since_ms": 4000, "waits_for_operator": "east-beta",
                 "who": "operator x: its relay or its sources"}
        daemon = Answers(self.path("s"), {"explain": story})
        out, _ = self.run_command("explain", "east-to-west/17", "--socket", "s")
        self.assertTrue(out.startswith("east-to-west/17: proven\n"))
        self.assertIn("[x] stored     brought by own source at 2026-11-21T", out)
        self.assertIn("[ ] certified  signed by east-alpha; 2 are needed", out)
        self.assertIn("waits for  too few operators signed the next head: operator east-beta (for 4s)\n", out)
        self.assertIn("can act    operator x: its relay or its sources\n", out)
        self.assertEqual(daemon.requests, [{"command": "explain", "lane": "east-to-west", "sequence": 17}])
        story.update(stage="settled", certified=True, certified_head=256, settled=True, outcome="done", cause="moving",
                     digest="5a" * 32, pruned=True)
        out, _ = self.run_command("explain", "east-to-west/17", "--socket", "s")
        self.assertIn("[x] certified  signed by east-alpha; 2 are needed; head 256 covers it", out)
        self.assertIn("[x] settled    outcome done; its record is pruned here", out)
        self.assertIn("digest     " + "5a" * 32, out)
        self.assertNotIn("waits for", out)
        story.update(outcome=None)
        out, _ = self.run_command("explain", "east-to-west/17", "--socket", "s")
        self.assertIn("[x] settled    outcome not known here", out)
        daemon.answers["explain"] = {"ok": True, "found": False, "stage": "unknown"}
        self.run_command("explain", "east-to-west/18", "--socket", "s", code=1)
        daemon.answers["explain"] = {"ok": False, "error": "no lane 'x'"}
        self.assertIn("no lane 'x'", self.run_command("explain", "x/1", "--socket", "s", code=1)[1])
        for wrong in ("x", "x/", "x/0", "x/-1", "x/1a", "a\"b/1", "/1"):
            self.run_command("explain", wrong, "--socket", "s", code=2)

    def test_tail__shows_events_with_their_filter_and_what_was_dropped(self):
        event = {"number": 9, "time_ms": 1795261853123, "level": "warning", "reason": "source-down", "subject": "node-1",
                 "text": "gone\x1b[2J", "left_out": 3}

        class Tail(dict):  # the second question gets nothing new
            def get(self, command, default):
                return {"ok": True, "events": [event] if len(daemon.requests) == 1 else [], "next": 9,
                        "dropped": 7 if len(daemon.requests) == 1 else 0}
        daemon = Answers(self.path("s"), Tail())
        out, _ = self.run_command("tail", "--once", "--lane", "east-to-west", "--reason", "source-down", "--level", "warning",
                                  "--last", "5", "--socket", "s")
        self.assertIn("-- 7 events were dropped", out)
        self.assertRegex(out, r"\d\d:\d\d:53\.123  warning  source-down +node-1: gone\?\[2J \(and 3 before it, left out\)\n")
        self.assertEqual(daemon.requests, [
            {"command": "events", "level": 2, "lane": "east-to-west", "reason": "source-down", "last": 5},
            {"command": "events", "level": 2, "lane": "east-to-west", "reason": "source-down", "after": 9}])
        event.update(text="", left_out=0)
        daemon.requests.clear()
        self.assertRegex(self.run_command("tail", "--once", "--socket", "s")[0], r"source-down +node-1\n")
        daemon.answers = {"events": {"ok": True, "events": [], "next": 9, "dropped": 0, "reasons": ["started", "peer-up"]}}
        self.assertIn("no event had the reason 'peer-upp' since the relay started; there were: started, peer-up\n",
                      self.run_command("tail", "--once", "--reason", "peer-upp", "--socket", "s", code=1)[1])
        for wrong in (["--level", "loud"], ["--lane", 'a"b'], ["--last", "513"], ["--last", "x"], ["more"]):
            self.run_command("tail", "--once", *wrong, "--socket", "s", code=2)

    def test_top__shows_health_and_the_pace_of_lanes(self):
        log = {"lane": "x", "kind": "message", "settled": 5, "newest_seen": 9, "certified": 7, "cause": "moving"}
        Answers(self.path("s"), {"status": dict(self.STATUS, health="chain-lost: eip155:1: 1 of 2\n"),
                                 "lanes": {"ok": True, "lanes": [{"name": "east-to-west", "logs": [log]}]}})
        out, _ = self.run_command("top", "--rounds", "2", "--every", "0.2", "--socket", "s")
        self.assertEqual(out.count("chain-lost: eip155:1: 1 of 2"), 2)
        self.assertRegex(out, r"east-to-west +9 +7 +5 +4 +0\.0")

    def test_decode__reads_bytes_and_hex_and_refuses_the_rest_by_name(self):
        corpus = os.path.join(os.path.dirname(__file__), "../../fuzz/formats/corpus/frame/every-item")
        out, _ = self.run_command("decode", "frame", corpus)
        self.assertRegex(out, r"\n +104 +8  counter +\d+")
        with open(corpus, "rb") as file:
            self.write("hex", "0x" + file.read().hex() + "\n")
        self.assertEqual(self.run_command("decode", "frame", "hex")[0], out)
        fields = [json.loads(line) for line in self.run_command("decode", "frame", "hex", "--json")[0].splitlines()]
        self.assertEqual(len(fields), len(out.splitlines()))
        self.assertIn({"offset": 5, "length": 1, "depth": 0, "name": "kind", "value": "1 (publish)"}, fields)
        self.write("no", "not a frame")
        for what in ("frame", "evidence"):
            self.assertIn("refused", self.run_command("decode", what, "no", code=1)[0])
        self.assertIn("no store here", self.run_command("decode", "store", "nowhere", code=1)[1])
        self.assertIn("no family 'x': meta, log, segment, skeleton, head, chain or audit",
                      self.run_command("decode", "store", "nowhere", "--family", "x", code=2)[1])
        self.assertIn("not '7x'", self.run_command("decode", "store", "nowhere", "--limit", "7x", code=2)[1])
        self.run_command("decode", "message", "no", code=2)

    def test_views__daemon_that_is_not_there_is_3(self):
        _, error = self.run_command("status", "--socket", "none", code=3)
        self.assertIn("cannot be reached", error)
        self.assertIn("--config FILE", self.run_command("lanes", code=2)[1])
        self.run_command("init", "r", "--relay", "r", "--cheap", "--no-signer")
        _, error = self.run_command("status", "--config", "r/relay.yaml", code=3)
        self.assertIn("r/control.sock", error)


if __name__ == "__main__":
    unittest.main(verbosity=1)
