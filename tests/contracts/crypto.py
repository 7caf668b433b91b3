"""Keccak-256 and secp256k1 signing fast enough for a fuzzer in plain Python. tests/formats/primitives.py is the slow, plain
version; check() compares the two. Not for secrets."""

import hashlib
import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "formats"))
import primitives  # noqa: E402


def _unrolled_keccak():
    """One permutation with 25 local names instead of nested lists: ten times as fast."""
    source = ["def permute(s):", "    " + ",".join(f"a{i}" for i in range(25)) + " = s"]
    add = source.append

    def rotate(name, by):
        return name if by == 0 else f"(({name} << {by} | {name} >> {64 - by}) & M)"

    add("    for rc in C:")
    for x in range(5):
        add(f"        c{x} = " + " ^ ".join(f"a{x + 5 * y}" for y in range(5)))
    for x in range(5):
        add(f"        d{x} = c{(x + 4) % 5} ^ {rotate(f'c{(x + 1) % 5}', 1)}")
    offsets, x, y = {(0, 0): 0}, 1, 0
    for t in range(24):
        offsets[x, y] = (t + 1) * (t + 2) // 2 % 64
        x, y = y, (2 * x + 3 * y) % 5
    for (x, y), by in offsets.items():
        add(f"        t = a{x + 5 * y} ^ d{x}")
        add(f"        b{y + 5 * ((2 * x + 3 * y) % 5)} = {rotate('t', by)}")
    for y in range(5):
        for x in range(5):
            add(f"        a{x + 5 * y} = b{x + 5 * y} ^ (~b{(x + 1) % 5 + 5 * y} & b{(x + 2) % 5 + 5 * y})")
    add("        a0 ^= rc")
    add("    return [" + ",".join(f"a{i}" for i in range(25)) + "]")
    scope = {"M": (1 << 64) - 1, "C": primitives._keccak_constants()}
    exec("\n".join(source), scope)  # noqa: S102
    return scope["permute"]


_permute = _unrolled_keccak()


def keccak(data):
    fill = 136 - len(data) % 136
    data = bytes(data) + (b"\x81" if fill == 1 else b"\x01" + bytes(fill - 2) + b"\x80")
    state = [0] * 25
    for start in range(0, len(data), 136):
        for i in range(17):
            state[i] ^= int.from_bytes(data[start + 8 * i:start + 8 * i + 8], "little")
        state = _permute(state)
    return b"".join(state[i].to_bytes(8, "little") for i in range(4))


# ---- secp256k1: multiples of the generator from a table of 32 windows of 8 bits, in Jacobian coordinates ----

_P, N, _G = primitives.SECP256K1.p, primitives.SECP256K1.n, primitives.SECP256K1.g


def _add_affine(point, affine):
    x1, y1, z1 = point
    x2, y2 = affine
    zz = z1 * z1 % _P
    h = (x2 * zz - x1) % _P
    r = (y2 * zz * z1 - y1) % _P
    if h == 0:
        raise ArithmeticError("equal points: choose another scalar")
    hh = h * h % _P
    hhh, v = h * hh % _P, x1 * hh % _P
    x3 = (r * r - hhh - 2 * v) % _P
    return x3, (r * (v - x3) - y1 * hhh) % _P, z1 * h % _P


def _table():
    add, base, table = primitives.SECP256K1.add, _G, []
    for _ in range(32):
        row = [None, base]
        for _ in range(254):
            row.append(add(row[-1], base))
        table.append(row)
        base = add(row[-1], base)
    return table


_windows = None


def multiply_base(scalar):
    global _windows
    if _windows is None:
        _windows = _table()
    point = None
    for i in range(32):
        digit = scalar >> (8 * i) & 255
        if digit:
            affine = _windows[i][digit]
            point = (*affine, 1) if point is None else _add_affine(point, affine)
    inverse = pow(point[2], -1, _P)
    square = inverse * inverse % _P
    return point[0] * square % _P, point[1] * square * inverse % _P


class Key:
    """A signing key made from public text."""

    def __init__(self, name, secret=None):
        """secret: 32 bytes of a key that is there already."""
        made = secret or hashlib.sha256(b"isthmus contract test " + str(name).encode()).digest()
        self.secret = int.from_bytes(made, "big") % N
        x, y = multiply_base(self.secret)
        self.address = keccak(x.to_bytes(32, "big") + y.to_bytes(32, "big"))[12:]

    def sign(self, digest):
        """(r, vs) as EIP-2098 has them."""
        seed = self.secret.to_bytes(32, "big") + digest
        while True:
            seed = hashlib.sha256(seed).digest()
            k = int.from_bytes(seed, "big") % N
            x, y = multiply_base(k)
            r, parity = x % N, y & 1
            s = pow(k, -1, N) * (int.from_bytes(digest, "big") + r * self.secret) % N
            if r == x and r and s:
                break
        if s > N // 2:
            s, parity = N - s, parity ^ 1
        return r.to_bytes(32, "big"), (parity << 255 | s).to_bytes(32, "big")


def check():
    for size in (0, 1, 135, 136, 137, 300):
        data = bytes(i & 255 for i in range(size))
        assert keccak(data) == primitives.keccak256(data), size
    key = Key("check")
    point = primitives.point_of(primitives.SECP256K1, key.secret.to_bytes(32, "big"))
    r, vs = key.sign(keccak(b"word"))
    s = int.from_bytes(vs, "big") & (1 << 255) - 1
    assert primitives.ecdsa_verify(primitives.SECP256K1, point, keccak(b"word"), int.from_bytes(r, "big"), s)
