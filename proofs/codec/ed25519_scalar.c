/*
 * Scalars of Ed25519: range, reduction, signed digits.
 */
#include "proofs/codec/ed25519_scalar.h"

#include <string.h>

#include "proofs/codec/ed25519_lanes.h"

__extension__ typedef unsigned __int128 wide;

static const uint64_t ORDER[5] = {0x5812631a5cf5d3ed, 0x14def9dea2f79cd6, 0, 0x1000000000000000, 0};
static const uint64_t BARRETT[5] = {0xed9ce5a30a2c131b, 0x2106215d086329a7, 0xffffffffffffffeb, 0xffffffffffffffff,
                                    0xf}; /* floor(2^512 / L) */

/* out = a - b modulo 2^(64 words); the borrow. */
static uint64_t subtract(uint64_t *out, const uint64_t *a, const uint64_t *b, size_t words)
{
    uint64_t borrow = 0;
    for (size_t i = 0; i < words; i++) {
        wide difference = (wide)a[i] - b[i] - borrow;
        out[i] = (uint64_t)difference;
        borrow = (uint64_t)(difference >> 64) & 1;
    }
    return borrow;
}

/* out = a b modulo 2^(64 words), of five words each. */
static void multiply(uint64_t *out, size_t words, const uint64_t a[5], const uint64_t b[5])
{
    memset(out, 0, words * sizeof *out);
    for (size_t i = 0; i < 5; i++) {
        uint64_t carry = 0;
        for (size_t j = 0; j < 5 && i + j < words; j++) {
            wide sum = (wide)a[i] * b[j] + out[i + j] + carry;
            out[i + j] = (uint64_t)sum;
            carry = (uint64_t)(sum >> 64);
        }
        if (i + 5 < words)
            out[i + 5] = carry;
    }
}

bool codec_ed25519_scalar_read(uint64_t scalar[4], const uint8_t in[32])
{
    uint64_t rest[4];
    for (size_t i = 0; i < 4; i++)
        scalar[i] = ed25519_load64(in + 8 * i);
    return subtract(rest, scalar, ORDER, 4) != 0;
}

/* Barrett's reduction (Handbook of Applied Cryptography, 14.42) with b = 2^64 and k = 4. */
void codec_ed25519_scalar_reduce(uint64_t scalar[4], const uint8_t in[64])
{
    uint64_t x[8], product[10], taken[5], rest[5], less[5];
    for (size_t i = 0; i < 8; i++)
        x[i] = ed25519_load64(in + 8 * i);
    multiply(product, 10, x + 3, BARRETT);
    multiply(taken, 5, product + 5, ORDER);
    subtract(rest, x, taken, 5);
    for (int i = 0; i < 2; i++) /* the estimate is at most 2 too small */
        if (subtract(less, rest, ORDER, 5) == 0)
            memcpy(rest, less, sizeof rest);
    memcpy(scalar, rest, 4 * sizeof *scalar);
}

void codec_ed25519_scalar_digits(int8_t *digits, size_t count, unsigned bits, const uint64_t scalar[4])
{
    int carry = 0, half = 1 << (bits - 1);
    for (size_t i = 0; i < count; i++) {
        size_t at = i * bits, word = at / 64, shift = at % 64;
        uint64_t window = word < 4 ? scalar[word] >> shift : 0;
        if (shift + bits > 64 && word + 1 < 4)
            window |= scalar[word + 1] << (64 - shift);
        int digit = (int)(window & ((1u << bits) - 1)) + carry;
        carry = digit >= half;
        digits[i] = (int8_t)(digit - (carry ? 2 * half : 0));
    }
}
