/*
 * Inside of the Keccak files only: one round as a macro over any word type (a 64-bit integer, or a vector of them), and
 * the feeding of jobs to lanes.
 */
#ifndef ISTHMUS_PROOFS_CODEC_KECCAK_LANES_H
#define ISTHMUS_PROOFS_CODEC_KECCAK_LANES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "proofs/codec/keccak.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define KECCAK_HAVE_LANES 1
#endif

extern const uint64_t CODEC_KECCAK_ROUND[24];

static inline uint64_t keccak_load64(const uint8_t *in)
{
    uint64_t word;
    memcpy(&word, in, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

static inline void keccak_store64(uint8_t *out, uint64_t word)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    memcpy(out, &word, 8);
}

#define KECCAK_ROTATE(x, n) ((x) << (n) | (x) >> (64 - (n)))

/* Three-input logic, which AVX-512 has as one instruction: its file defines these, as gcc does not find them by itself. */
#ifndef KECCAK_XOR3
#define KECCAK_XOR3(a, b, c)    ((a) ^ (b) ^ (c))
#define KECCAK_XORANDN(a, b, c) ((a) ^ (~(b) & (c)))
#endif

/* b[y + 5 * ((2x + 3y) mod 5)] = rotated a[x + 5y], written out: rho and pi in one (FIPS 202, 3.2.2 and 3.2.3). */
#define KECCAK_RHO_PI(a, b, d)                                                                                         \
    b[0] = a[0] ^ d[0];                                                                                                \
    b[1] = KECCAK_ROTATE(a[6] ^ d[1], 44);                                                                             \
    b[2] = KECCAK_ROTATE(a[12] ^ d[2], 43);                                                                            \
    b[3] = KECCAK_ROTATE(a[18] ^ d[3], 21);                                                                            \
    b[4] = KECCAK_ROTATE(a[24] ^ d[4], 14);                                                                            \
    b[5] = KECCAK_ROTATE(a[3] ^ d[3], 28);                                                                             \
    b[6] = KECCAK_ROTATE(a[9] ^ d[4], 20);                                                                             \
    b[7] = KECCAK_ROTATE(a[10] ^ d[0], 3);                                                                             \
    b[8] = KECCAK_ROTATE(a[16] ^ d[1], 45);                                                                            \
    b[9] = KECCAK_ROTATE(a[22] ^ d[2], 61);                                                                            \
    b[10] = KECCAK_ROTATE(a[1] ^ d[1], 1);                                                                             \
    b[11] = KECCAK_ROTATE(a[7] ^ d[2], 6);                                                                             \
    b[12] = KECCAK_ROTATE(a[13] ^ d[3], 25);                                                                           \
    b[13] = KECCAK_ROTATE(a[19] ^ d[4], 8);                                                                            \
    b[14] = KECCAK_ROTATE(a[20] ^ d[0], 18);                                                                           \
    b[15] = KECCAK_ROTATE(a[4] ^ d[4], 27);                                                                            \
    b[16] = KECCAK_ROTATE(a[5] ^ d[0], 36);                                                                            \
    b[17] = KECCAK_ROTATE(a[11] ^ d[1], 10);                                                                           \
    b[18] = KECCAK_ROTATE(a[17] ^ d[2], 15);                                                                           \
    b[19] = KECCAK_ROTATE(a[23] ^ d[3], 56);                                                                           \
    b[20] = KECCAK_ROTATE(a[2] ^ d[2], 62);                                                                            \
    b[21] = KECCAK_ROTATE(a[8] ^ d[3], 55);                                                                            \
    b[22] = KECCAK_ROTATE(a[14] ^ d[4], 39);                                                                           \
    b[23] = KECCAK_ROTATE(a[15] ^ d[0], 41);                                                                           \
    b[24] = KECCAK_ROTATE(a[21] ^ d[1], 2)

#define KECCAK_CHI(a, b, y)                                                                                            \
    a[y] = KECCAK_XORANDN(b[y], b[(y) + 1], b[(y) + 2]);                                                               \
    a[(y) + 1] = KECCAK_XORANDN(b[(y) + 1], b[(y) + 2], b[(y) + 3]);                                                   \
    a[(y) + 2] = KECCAK_XORANDN(b[(y) + 2], b[(y) + 3], b[(y) + 4]);                                                   \
    a[(y) + 3] = KECCAK_XORANDN(b[(y) + 3], b[(y) + 4], b[y]);                                                         \
    a[(y) + 4] = KECCAK_XORANDN(b[(y) + 4], b[y], b[(y) + 1])

#define KECCAK_COLUMN(a, x) KECCAK_XOR3(KECCAK_XOR3(a[x], a[(x) + 5], a[(x) + 10]), a[(x) + 15], a[(x) + 20])

/* One round of the state a, with b as scratch. */
#define KECCAK_ROUND(word, a, b, constant)                                                                             \
    do {                                                                                                               \
        word c0 = KECCAK_COLUMN(a, 0);                                                                                 \
        word c1 = KECCAK_COLUMN(a, 1);                                                                                 \
        word c2 = KECCAK_COLUMN(a, 2);                                                                                 \
        word c3 = KECCAK_COLUMN(a, 3);                                                                                 \
        word c4 = KECCAK_COLUMN(a, 4);                                                                                 \
        word d[5] = {c4 ^ KECCAK_ROTATE(c1, 1), c0 ^ KECCAK_ROTATE(c2, 1), c1 ^ KECCAK_ROTATE(c3, 1),                  \
                     c2 ^ KECCAK_ROTATE(c4, 1), c3 ^ KECCAK_ROTATE(c0, 1)};                                            \
        KECCAK_RHO_PI(a, b, d);                                                                                        \
        KECCAK_CHI(a, b, 0);                                                                                           \
        KECCAK_CHI(a, b, 5);                                                                                           \
        KECCAK_CHI(a, b, 10);                                                                                          \
        KECCAK_CHI(a, b, 15);                                                                                          \
        KECCAK_CHI(a, b, 20);                                                                                          \
        a[0] ^= constant;                                                                                              \
    } while (0)

/* One job on its way through a lane: which block is next, and the last one, padded. */
struct keccak_feed {
    const struct codec_keccak_job *job; /* NULL: the lane is idle */
    size_t at;
    bool last; /* the block just handed out was the last */
    uint8_t block[CODEC_KECCAK256_RATE];
};

/* The next 136 bytes to absorb, valid until the next call; sets last. Not to be called again after that. */
const uint8_t *codec_keccak_next_block(struct keccak_feed *feed);

/* Absorbs what is left of a job and writes its hash: for the last lane still busy. */
void codec_keccak_finish(uint64_t state[25], struct keccak_feed *feed);

#ifdef KECCAK_HAVE_LANES
void codec_keccak_avx2(const struct codec_keccak_job *jobs, size_t count);
void codec_keccak_avx512(const struct codec_keccak_job *jobs, size_t count);
#endif

#endif
