"""Hashes and signatures in plain Python, written from the standards alone, for check.py. Slow, and not for secrets."""

import hashlib
import hmac


# ---- Keccak-256 (original padding) ----

def _keccak_constants():
    lfsr, out = 1, []
    for _ in range(24):
        constant = 0
        for j in range(7):
            if lfsr & 1:
                constant |= 1 << ((1 << j) - 1)
            lfsr = ((lfsr << 1) ^ (0x171 if lfsr & 0x80 else 0)) & 0xFF
        out.append(constant)
    return out


_ROUND_CONSTANTS = _keccak_constants()
_MASK64 = (1 << 64) - 1


def _rotate64(value, by):
    by %= 64
    return ((value << by) | (value >> (64 - by))) & _MASK64


def _keccak_f(lanes):
    for constant in _ROUND_CONSTANTS:
        column = [lanes[x][0] ^ lanes[x][1] ^ lanes[x][2] ^ lanes[x][3] ^ lanes[x][4] for x in range(5)]
        parity = [column[(x + 4) % 5] ^ _rotate64(column[(x + 1) % 5], 1) for x in range(5)]
        lanes = [[lanes[x][y] ^ parity[x] for y in range(5)] for x in range(5)]
        x, y, current = 1, 0, lanes[1][0]
        for t in range(24):
            x, y = y, (2 * x + 3 * y) % 5
            current, lanes[x][y] = lanes[x][y], _rotate64(current, (t + 1) * (t + 2) // 2)
        lanes = [[lanes[x][y] ^ (~lanes[(x + 1) % 5][y] & lanes[(x + 2) % 5][y] & _MASK64) for y in range(5)]
                 for x in range(5)]
        lanes[0][0] ^= constant
    return lanes


def keccak256(data):
    rate = 136
    data = bytearray(data)
    fill = rate - len(data) % rate
    data += bytes([0x81]) if fill == 1 else b"\x01" + bytes(fill - 2) + b"\x80"
    lanes = [[0] * 5 for _ in range(5)]
    for at in range(0, len(data), rate):
        for i in range(rate // 8):
            lanes[i % 5][i // 5] ^= int.from_bytes(data[at + 8 * i:at + 8 * i + 8], "little")
        lanes = _keccak_f(lanes)
    return b"".join(lanes[i % 5][i // 5].to_bytes(8, "little") for i in range(4))


# ---- SM3 (GB/T 32905) ----

def sm3(data):
    def rotate(value, by):
        by %= 32
        return ((value << by) | (value >> (32 - by))) & 0xFFFFFFFF if by else value

    state = [0x7380166F, 0x4914B2B9, 0x172442D7, 0xDA8A0600, 0xA96F30BC, 0x163138AA, 0xE38DEE4D, 0xB0FB0E4E]
    padded = data + b"\x80" + bytes((55 - len(data)) % 64) + (8 * len(data)).to_bytes(8, "big")
    for at in range(0, len(padded), 64):
        w = [int.from_bytes(padded[at + 4 * i:at + 4 * i + 4], "big") for i in range(16)]
        for i in range(16, 68):
            x = w[i - 16] ^ w[i - 9] ^ rotate(w[i - 3], 15)
            w.append(x ^ rotate(x, 15) ^ rotate(x, 23) ^ rotate(w[i - 13], 7) ^ w[i - 6])
        a, b, c, d, e, f, g, h = state
        for i in range(64):
            constant = 0x79CC4519 if i < 16 else 0x7A879D8A
            ss1 = rotate((rotate(a, 12) + e + rotate(constant, i)) & 0xFFFFFFFF, 7)
            ff = a ^ b ^ c if i < 16 else (a & b) | (a & c) | (b & c)
            gg = e ^ f ^ g if i < 16 else (e & f) | (~e & g)
            tt1 = (ff + d + (ss1 ^ rotate(a, 12)) + (w[i] ^ w[i + 4])) & 0xFFFFFFFF
            tt2 = (gg + h + ss1 + w[i]) & 0xFFFFFFFF
            a, b, c, d = tt1, a, rotate(b, 9), c
            e, f, g, h = tt2 ^ rotate(tt2, 9) ^ rotate(tt2, 17), e, rotate(f, 19), g
        state = [x ^ y for x, y in zip(state, (a, b, c, d, e, f, g, h))]
    return b"".join(x.to_bytes(4, "big") for x in state)


def sha256(data):
    return hashlib.sha256(data).digest()


def blake2b256(data):
    return hashlib.blake2b(data, digest_size=32).digest()


# ---- short Weierstrass curves ----

class Curve:
    def __init__(self, p, a, b, n, gx, gy):
        self.p, self.a, self.b, self.n, self.g = p, a, b, n, (gx, gy)

    def add(self, first, second):
        if first is None or second is None:
            return first or second
        (x1, y1), (x2, y2) = first, second
        if x1 == x2 and (y1 + y2) % self.p == 0:
            return None
        if first == second:
            slope = (3 * x1 * x1 + self.a) * pow(2 * y1, -1, self.p) % self.p
        else:
            slope = (y2 - y1) * pow(x2 - x1, -1, self.p) % self.p
        x = (slope * slope - x1 - x2) % self.p
        return x, (slope * (x1 - x) - y1) % self.p

    def multiply(self, scalar, point):
        result = None
        while scalar:
            if scalar & 1:
                result = self.add(result, point)
            point = self.add(point, point)
            scalar >>= 1
        return result


SECP256K1 = Curve(2**256 - 2**32 - 977, 0, 7,
                  0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141,
                  0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
                  0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8)
P256 = Curve(2**256 - 2**224 + 2**192 + 2**96 - 1, -3,
             0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
             0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
             0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
             0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5)
SM2 = Curve(0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF,
            0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFC,
            0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93,
            0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123,
            0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
            0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0)


def number(data):
    return int.from_bytes(data, "big")


def b32(value):
    return value.to_bytes(32, "big")


def point_of(curve, secret):
    x, y = curve.multiply(number(secret), curve.g)
    return b32(x) + b32(y)


def _nonces(curve, secret, digest):
    """RFC 6979, 3.2, with HMAC-SHA-256."""
    def mac(key, data):
        return hmac.new(key, data, "sha256").digest()

    seed = secret + b32(number(digest) % curve.n)
    k, v = bytes(32), b"\x01" * 32
    for step in (b"\x00", b"\x01"):
        k = mac(k, v + step + seed)
        v = mac(k, v)
    while True:
        v = mac(k, v)
        if 1 <= number(v) < curve.n:
            yield number(v)
        k = mac(k, v + b"\x00")
        v = mac(k, v)


def ecdsa_sign(curve, secret, digest):
    """(r, s in the lower half, y parity of the nonce point that belongs to this s)."""
    for k in _nonces(curve, secret, digest):
        x, y = curve.multiply(k, curve.g)
        r = x % curve.n
        s = pow(k, -1, curve.n) * (number(digest) + r * number(secret)) % curve.n
        if r == 0 or s == 0 or x >= curve.n:
            continue
        return (r, curve.n - s, 1 - y % 2) if s > curve.n // 2 else (r, s, y % 2)


def ecdsa_verify(curve, point, digest, r, s):
    if not (1 <= r < curve.n and 1 <= s <= curve.n // 2):
        return False
    inverse = pow(s, -1, curve.n)
    public = (number(point[:32]), number(point[32:]))
    at = curve.add(curve.multiply(number(digest) * inverse % curve.n, curve.g),
                   curve.multiply(r * inverse % curve.n, public))
    return at is not None and at[0] % curve.n == r


# ---- SM2 (GB/T 32918.2) ----

SM2_UID = b"1234567812345678"


def sm2_digest(point, message):
    za = sm3((8 * len(SM2_UID)).to_bytes(2, "big") + SM2_UID + b32(SM2.a) + b32(SM2.b) + b32(SM2.g[0]) + b32(SM2.g[1])
             + point)
    return sm3(za + message)


def sm2_sign(secret, message, k):
    e, d = number(sm2_digest(point_of(SM2, secret), message)), number(secret)
    r = (e + SM2.multiply(k, SM2.g)[0]) % SM2.n
    s = pow(1 + d, -1, SM2.n) * (k - r * d) % SM2.n
    assert r and s and r + k != SM2.n, "choose another k"
    return b32(r) + b32(s)


def sm2_verify(point, message, signature):
    r, s = number(signature[:32]), number(signature[32:])
    t = (r + s) % SM2.n
    if not (1 <= r < SM2.n and 1 <= s < SM2.n) or t == 0:
        return False
    at = SM2.add(SM2.multiply(s, SM2.g), SM2.multiply(t, (number(point[:32]), number(point[32:]))))
    return at is not None and (number(sm2_digest(point, message)) + at[0]) % SM2.n == r


# ---- Ed25519 (RFC 8032, 5.1) ----

_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P


def _edwards_add(first, second):
    (x1, y1, z1, t1), (x2, y2, z2, t2) = first, second
    a, b = (y1 - x1) * (y2 - x2) % _P, (y1 + x1) * (y2 + x2) % _P
    c, d = 2 * t1 * t2 * _D % _P, 2 * z1 * z2 % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _edwards_multiply(scalar, point):
    result = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            result = _edwards_add(result, point)
        point = _edwards_add(point, point)
        scalar >>= 1
    return result


def _edwards_x(y, sign):
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * pow(2, (_P - 1) // 4, _P) % _P
    assert (x * x - square) % _P == 0
    return _P - x if x & 1 != sign else x


_BASE_Y = 4 * pow(5, -1, _P) % _P
_BASE_X = _edwards_x(_BASE_Y, 0)
_BASE = (_BASE_X, _BASE_Y, 1, _BASE_X * _BASE_Y % _P)


def _edwards_encode(point):
    x, y, z, _ = point
    inverse = pow(z, -1, _P)
    return (y * inverse % _P | (x * inverse % _P & 1) << 255).to_bytes(32, "little")


def _ed25519_expand(seed):
    digest = hashlib.sha512(seed).digest()
    scalar = int.from_bytes(digest[:32], "little") & ((1 << 254) - 8) | 1 << 254
    return scalar, digest[32:]


def ed25519_public(seed):
    return _edwards_encode(_edwards_multiply(_ed25519_expand(seed)[0], _BASE))


def ed25519_sign(seed, message):
    scalar, prefix = _ed25519_expand(seed)
    public = ed25519_public(seed)
    r = int.from_bytes(hashlib.sha512(prefix + message).digest(), "little") % _L
    first = _edwards_encode(_edwards_multiply(r, _BASE))
    k = int.from_bytes(hashlib.sha512(first + public + message).digest(), "little") % _L
    return first + ((r + k * scalar) % _L).to_bytes(32, "little")


def self_check():
    """Known answers of each standard: a wrong primitive must not look like a wrong format."""
    assert keccak256(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    assert keccak256(b"abc").hex() == "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"
    assert sm3(b"abc").hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    assert ed25519_sign(bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"), b"").hex() \
        == ("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
            "d25bf5f0595bbe24655141438e7a100b")
    # RFC 6979, A.2.5, P-256 with SHA-256, message "sample" (its s is in the upper half: ours is n - s)
    r, s, _ = ecdsa_sign(P256, bytes.fromhex("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721"),
                         sha256(b"sample"))
    assert r == 0xEFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716
    assert P256.n - s == 0xF7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8
    assert keccak256(point_of(SECP256K1, b32(1)))[12:].hex() == "7e5f4552091a69125d5dfcb7b8c2659029395bdf"
    for curve in (SECP256K1, P256, SM2):
        x, y = curve.g
        assert (y * y - x * x * x - curve.a * x - curve.b) % curve.p == 0
        assert curve.multiply(curve.n, curve.g) is None
