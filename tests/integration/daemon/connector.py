#!/usr/bin/env python3
"""A connector for the daemon's tests: says its manifest, looks around, and then does what its options tell it to."""
import os
import re
import socket
import ssl
import struct
import sys
import threading


def pack(value):
    if isinstance(value, int):
        for limit, head, width in ((0x7f, b"", 1), (0xff, b"\xcc", 1), (0xffff, b"\xcd", 2), (0xffffffff, b"\xce", 4)):
            if value <= limit:
                return head + value.to_bytes(width, "big")
    if isinstance(value, str):
        data = value.encode()
        return (bytes([0xa0 | len(data)]) if len(data) < 32 else b"\xd9" + bytes([len(data)])) + data
    if isinstance(value, bytes):
        return b"\xc5" + struct.pack(">H", len(value)) + value if len(value) > 255 else bytes([0xc4, len(value)]) + value
    return bytes([0x90 | len(value)]) + b"".join(pack(item) for item in value)


def send(stream, message):
    data = pack(message)
    stream.sendall(struct.pack(">I", len(data)) + data)


def receive(stream):
    head = stream.recv(4, socket.MSG_WAITALL)
    return stream.recv(struct.unpack(">I", head)[0], socket.MSG_WAITALL) if len(head) == 4 else None


def attempt(action):
    try:
        action()
        return "allowed"
    except OSError as error:
        return error.strerror.replace(" ", "-").lower()


def say(text):
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def look_around():
    status = dict(line.split(":\t", 1) for line in open("/proc/self/status").read().splitlines() if ":\t" in line)
    fds = sorted(int(fd) for fd in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{fd}"))
    say(f"fds {fds}")
    say(f"privileges {status['NoNewPrivs'].strip()} seccomp {status['Seccomp'].strip()}")
    say("environment " + ",".join(sorted(os.environ)))
    say("write " + attempt(lambda: open("/tmp/isthmus-connector-was-here", "w")))
    say("kill-parent " + attempt(lambda: os.kill(os.getppid(), 0)))
    say("chroot " + attempt(lambda: os.chroot("/")))


def read_one(path):
    if os.path.isdir(path):
        os.listdir(path)
    else:
        with open(path, "rb") as file:
            file.read(1)


def knock(path):
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)


def try_out(configure):
    """What its options ask it to try: read=PATH, knock=PATH, names, certificates."""
    for path in re.findall(rb"read=([^ ]+);", configure):
        say(f"read {os.path.basename(path.decode())} " + attempt(lambda: read_one(path)))
    for path in re.findall(rb"knock=([^ ]+);", configure):
        say(f"knock {os.path.basename(path.decode())} " + attempt(lambda: knock(path)))
    if b"names;" in configure:
        say("names " + attempt(lambda: socket.getaddrinfo("localhost", 80)))
    if b"certificates;" in configure:
        say(f"certificates {attempt(ssl.create_default_context)} {len(ssl.create_default_context().get_ca_certs())}")


def main():
    stream = socket.socket(fileno=3)
    look_around()
    send(stream, [1, 1, "test", "1.0", ["evm"], [1]])
    configure = receive(stream)
    if configure is None:
        return 0
    try_out(configure)
    while b"slow" in configure and not os.path.exists(re.search(rb"until=([^ ;]+);", configure).group(1)):
        threading.Event().wait(0.05)  # between looks
    if b"crash" in configure:
        return 7
    send(stream, [3, int(b"refuse" not in configure), "as told"])
    if b"account;" in configure:
        spent = re.search(rb"spent.(\d+)", configure)
        say(f"given {spent.group(1).decode() if spent else 'nothing'}")
        send(stream, [34, "5000000000000000000", 1, "700000000000000000", "1000000000000000000", 2])
    if b"babble" in configure:
        stream.sendall(b"\xff" * 64)
    if b"prove-nothing;" in configure: # well-formed evidence for the outbox's log, whose nodes lead nowhere
        send(stream, [12, 1, 7, b"\xf8\x40" + b"\x55" * 64, [b"\x5a" * 32, [b"\xc1\x80"], [[b"\x01" * 32, [b"\xc1\x80"]]]],
                      [[0, 1, b"\x02" * 32]]])
    while receive(stream) is not None:
        pass
    return 0


sys.exit(main())
