"""Hosts on one machine: network namespaces on a bridge, with disks of their own, which can be cut from one another, slowed down,
filled and switched off.

    enter()                          # this process and all that it starts live in namespaces of their own from here on
    lab = Lab(wire="…/chaos_wire")
    lab.add("east-1", "10.77.1.1")
    spawn([*lab.inside("east-1"), "program"], …)
    lab.drop([(["east-1"], ["west-1", "west-2"], 100)])   # all packets from east-1 to these two; () lets everything pass again

Nothing here has a name outside: namespaces, interfaces, rules and mounts belong to this process and go when it and its children
are gone, whatever ended them. It needs root, or a kernel that gives everybody user namespaces.
"""

import ctypes
import fcntl
import os
import pathlib
import socket
import struct
import subprocess

MS_RDONLY, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE, MNT_DETACH = 1, 32, 4096, 16384, 1 << 18, 2
CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x20000, 0x10000000, 0x40000000
GATEWAY, BITS = "10.77.0.1", 16  # of this process on the bridge; of the network
SIOCETHTOOL, OFFLOADS = 0x8946, (0x17, 0x1F, 0x24)  # ETHTOOL_STXCSUM, _STSO, _SGSO of linux/ethtool.h
EXT4_SHUTDOWN, NO_LOG_FLUSH = 0x8004587D, 2  # EXT4_IOC_SHUTDOWN: what was not synced is gone
LIBC = ctypes.CDLL(None, use_errno=True)


class Unavailable(Exception):
    """This machine does not give what the lab needs, and why."""


def call(name, *arguments):
    if getattr(LIBC, name)(*arguments) != 0:
        raise OSError(ctypes.get_errno(), f"{name}: {os.strerror(ctypes.get_errno())}")


def mount(source, target, kind=None, flags=0, data=None):
    text = [None if value is None else str(value).encode() for value in (source, target, kind, data)]
    call("mount", text[0], text[1], text[2], ctypes.c_ulong(flags), text[3])


def unmount(target, flags=0):
    call("umount2", str(target).encode(), flags)


def own(kinds=0):
    """From here on what this process and its children mount is nobody else's. kinds: other namespaces besides. Before any other
    thread: namespaces are a thread's own. OSError: not permitted."""
    user, group = os.getuid(), os.getgid()
    if user == 0:
        call("unshare", CLONE_NEWNS | kinds)
    else:  # root in a user namespace, where programs that are started need capabilities
        inner = (0, 0) if kinds else (user, group)
        call("unshare", CLONE_NEWNS | CLONE_NEWUSER | kinds)
        pathlib.Path("/proc/self/setgroups").write_text("deny")
        pathlib.Path("/proc/self/uid_map").write_text(f"{inner[0]} {user} 1")
        pathlib.Path("/proc/self/gid_map").write_text(f"{inner[1]} {group} 1")
    mount("none", "/", flags=MS_REC | MS_PRIVATE)


def run(*command, text=None):
    done = subprocess.run(list(map(str, command)), input=text, capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        raise OSError(done.returncode, f"{' '.join(map(str, command))}: {done.stderr.strip() or done.stdout.strip()}")


def enter():
    """A network and mounts of our own, with the bridge. Unavailable: not here."""
    try:
        own(CLONE_NEWNET)
        run("ip", "-batch", "-", text="link set lo up\nlink add bridge type bridge forward_delay 0\n"
            f"addr add {GATEWAY}/{BITS} dev bridge\nlink set bridge up\n")
        run("nft", "-f", "-", text="add table bridge lab\nadd chain bridge lab forward { type filter hook forward priority 0; }\n")
        run("tc", "qdisc", "add", "dev", "lo", "root", "tbf", "rate", "1gbit", "burst", "1mb", "latency", "1ms")
        run("tc", "qdisc", "del", "dev", "lo", "root")
    except OSError as error:
        raise Unavailable(f"no network namespaces, bridge, nft or tbf here ({error}); they need root, ip, nft and tc") from None
    plain("bridge")


def need_disks():
    """Before enter(). Unavailable: a Disk cannot be made here."""
    if os.getuid() != 0 or not os.access("/dev/loop-control", os.W_OK):
        raise Unavailable("no loop devices for disks that are full or lose their power; they need root and /dev/loop-control")


def plain(device):
    """Packets leave this device whole, with their checksums: a forwarder can pass them on."""
    for offload in OFFLOADS:
        value = ctypes.create_string_buffer(struct.pack("II", offload, 0))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            fcntl.ioctl(any_socket, SIOCETHTOOL, struct.pack("16sP16x", device.encode(), ctypes.addressof(value)))


class Host:
    def __init__(self, name, address, port):
        self.name, self.address, self.port = name, address, port  # port: its end of the cable, at the bridge
        self.namespace, self.wire = None, None

    @property
    def path(self):
        return f"/proc/{os.getpid()}/fd/{self.namespace}"


class Lab:
    def __init__(self, wire=None):
        """wire: the program that delays packets, tests/chaos/wire.c."""
        self.hosts, self.wire_program, self.slow = {}, wire, set()
        self.home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)

    def _namespace(self):
        """A new network namespace, as a descriptor; it lives as long as that or a process in it."""
        call("unshare", CLONE_NEWNET)
        made = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        call("setns", self.home, CLONE_NEWNET)
        return made

    def _within(self, namespace, work, *arguments):
        call("setns", namespace, CLONE_NEWNET)
        try:
            return work(*arguments)
        finally:
            call("setns", self.home, CLONE_NEWNET)

    def add(self, name, address, wired=False):
        """A host; wired: its packets can be delayed."""
        host = Host(name, address, f"port{len(self.hosts)}")
        host.namespace = self._namespace()
        if wired:
            self._add_wire(host)
        else:
            run("ip", "link", "add", host.port, "type", "veth", "peer", "name", "eth0", "netns", host.path)
        run("ip", "link", "set", host.port, "master", "bridge", "up")
        self._within(host.namespace, lambda: run("ip", "-batch", "-", text="link set lo up\n"
                                                 f"addr add {address}/{BITS} dev eth0\nlink set eth0 up\n"))
        self._within(host.namespace, plain, "eth0")
        plain(host.port)
        self.hosts[name] = host

    def _add_wire(self, host):
        """Between the host and the bridge stands a namespace with two ends, and a program that passes packets from one to the other."""
        between = self._namespace()
        path = f"/proc/{os.getpid()}/fd/{between}"
        run("ip", "link", "add", host.port, "type", "veth", "peer", "name", "far", "netns", path)
        self._within(between, run, "ip", "link", "add", "near", "type", "veth", "peer", "name", "eth0", "netns", host.path)
        self._within(between, lambda: run("ip", "-batch", "-", text="link set near up\nlink set far up\n"))
        for device in ("near", "far"):
            self._within(between, plain, device)
        host.wire = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "nsenter", f"--net={path}", self.wire_program, "near", "far"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)
        if host.wire.stdout.readline() != "ready\n":
            raise OSError(f"{self.wire_program} does not start")
        os.close(between)

    def inside(self, name):
        """What a command line begins with, to run at this host."""
        return ["nsenter", f"--net={self.hosts[name].path}"]

    # ---- faults of the network

    def drop(self, rules):
        """Instead of what was dropped so far: [(from, to, percent)], lists of hosts."""
        def addresses(names):
            return "{ " + ", ".join(sorted(self.hosts[name].address for name in names)) + " }"
        lines = ["flush chain bridge lab forward"]
        for source, target, percent in rules:
            chance = "" if percent >= 100 else f"numgen random mod 1000 < {int(percent * 10)} "
            lines.append(f"add rule bridge lab forward ip saddr {addresses(source)} ip daddr {addresses(target)} {chance}drop")
        run("nft", "-f", "-", text="\n".join(lines) + "\n")

    def rate(self, name, kbit):
        """Both ways at most so much; 0: as much as there is."""
        host = self.hosts[name]
        if name in self.slow:
            run("tc", "qdisc", "del", "dev", host.port, "root")
            self._within(host.namespace, run, "tc", "qdisc", "del", "dev", "eth0", "root")
            self.slow.remove(name)
        if kbit:
            shape = ("root", "tbf", "rate", f"{kbit}kbit", "burst", "16kb", "latency", "400ms")
            run("tc", "qdisc", "add", "dev", host.port, *shape)
            self._within(host.namespace, run, "tc", "qdisc", "add", "dev", "eth0", *shape)
            self.slow.add(name)

    def delay(self, name, milliseconds, jitter=0, reorder=0):
        """Each packet of a wired host, to it and from it, is late by `milliseconds`, more or less `jitter`; `reorder` percent are not
        late at all and overtake the others."""
        wire = self.hosts[name].wire
        wire.stdin.write(f"{milliseconds} {jitter} {reorder}\n")
        wire.stdin.flush()

    def stop(self):
        for host in self.hosts.values():
            if host.wire:
                host.wire.stdin.close()
                host.wire.wait(timeout=20)
            os.close(host.namespace)
        os.close(self.home)


class Disk:
    """An ext4 file system of its own, in a file on the real disk: syncs are real, it can be full, and its power can be cut."""

    def __init__(self, image, folder, megabytes):
        self.image, self.folder = pathlib.Path(image), pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        with open(self.image, "wb") as file:
            file.truncate(megabytes << 20)
        run("mkfs.ext4", "-q", "-F", "-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0", self.image)
        self.attach()

    def attach(self):
        run("mount", "-o", "loop", self.image, self.folder)

    def detach(self):
        run("umount", self.folder)

    def fill(self):
        """Leaves nothing."""
        with open(self.folder / "filler", "ab") as filler:
            while free := os.statvfs(self.folder).f_bavail * os.statvfs(self.folder).f_frsize:
                try:
                    os.posix_fallocate(filler.fileno(), filler.tell(), min(free, 1 << 20))
                except OSError:  # the rest is for the file system's own use
                    return
                filler.seek(0, os.SEEK_END)

    def make_room(self):
        (self.folder / "filler").unlink(missing_ok=True)

    def cut_power(self):
        """Now: what was written and not synced is lost, and nothing is written any more, until restore()."""
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.ioctl(folder, EXT4_SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        finally:
            os.close(folder)

    def restore(self):
        """The power is back; the journal is read. Nobody has a file of it open."""
        self.detach()
        self.attach()
