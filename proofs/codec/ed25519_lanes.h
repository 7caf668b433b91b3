/*
 * Inside of the Ed25519 files only: what ed25519.c asks of the paths. Each path is ed25519_lanes.inc over a field of its own.
 */
#ifndef ISTHMUS_PROOFS_CODEC_ED25519_LANES_H
#define ISTHMUS_PROOFS_CODEC_ED25519_LANES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "proofs/codec/ed25519.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define ED25519_HAVE_LANES 1
#endif

/* Before a loop over limbs, which must vanish for them to live in registers. */
#ifdef __clang__
#define UNROLLED _Pragma("unroll")
#else
#define UNROLLED _Pragma("GCC unroll 16")
#endif

/* Multiples of a point P, as a table is laid out: for i < splits and 1 <= j <= entries, [j 2^(i step)]P, in row
 * i entries + j - 1. */
struct ed25519_shape {
    size_t splits, step, entries;
};

/* A scalar is cut into signed digits: of 5 bits for a key, of 8 for the base point. A table's splits are so many digits
 * apart, so that digits of all splits share their doublings. */
enum {
    ED25519_KEY_BITS = 5,
    ED25519_KEY_STEP = 35,
    ED25519_KEY_DIGITS = CODEC_ED25519_SPLITS * ED25519_KEY_STEP / ED25519_KEY_BITS, /* 56, of which 51 are not 0 */
    ED25519_BASE_BITS = 8,
    ED25519_BASE_STEP = 32,
    ED25519_BASE_SPLITS = 8,
    ED25519_BASE_ENTRIES = 128,
    ED25519_BASE_DIGITS = ED25519_BASE_SPLITS * ED25519_BASE_STEP / ED25519_BASE_BITS, /* 32 */
};

typedef uint64_t ed25519_entry[CODEC_ED25519_ENTRY_WORDS];

/* The base point's table, made at build time by tools/make/ed25519_base.c. */
extern const ed25519_entry CODEC_ED25519_BASE[ED25519_BASE_SPLITS * ED25519_BASE_ENTRIES];

/* One sum [s]B - [k]A. */
struct ed25519_sum {
    const ed25519_entry *key;
    int8_t key_digits[ED25519_KEY_DIGITS];
    int8_t base_digits[ED25519_BASE_DIGITS];
};

/* One table to make: of the multiples of -A. usable is set to whether A is a point. */
struct ed25519_table {
    const uint8_t *encoded;
    ed25519_entry *rows;
    bool usable;
};

/* encoded[i] = the canonical encoding of sums[i]; base is CODEC_ED25519_BASE. */
typedef void ed25519_sums(uint8_t (*encoded)[32], const struct ed25519_sum *sums, size_t count,
                          const ed25519_entry *base);
ed25519_sums codec_ed25519_sums_portable, codec_ed25519_sums_avx2, codec_ed25519_sums_ifma;

typedef void ed25519_tables(struct ed25519_table *tables, size_t count, const struct ed25519_shape *shape);
ed25519_tables codec_ed25519_tables_portable, codec_ed25519_tables_avx2, codec_ed25519_tables_ifma;

/* True when both are encodings of points P and R with [8]P = [8]R. */
bool codec_ed25519_same_but_small_order(const uint8_t p[32], const uint8_t r[32]);

/* ---- elements of the field of p = 2^255 - 19 outside of vectors: five limbs of 51 bits, or little-endian bytes ---- */

#define ED25519_LIMB (((uint64_t)1 << 51) - 1)

static inline uint64_t ed25519_load64(const uint8_t *in)
{
    uint64_t word;
    memcpy(&word, in, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

static inline void ed25519_store64(uint8_t *out, uint64_t word)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    memcpy(out, &word, 8);
}

/* The lower 255 bits. */
static inline void ed25519_limbs_read(uint64_t limbs[5], const uint8_t in[32])
{
    uint64_t w[4] = {ed25519_load64(in), ed25519_load64(in + 8), ed25519_load64(in + 16), ed25519_load64(in + 24)};
    limbs[0] = w[0] & ED25519_LIMB;
    limbs[1] = (w[0] >> 51 | w[1] << 13) & ED25519_LIMB;
    limbs[2] = (w[1] >> 38 | w[2] << 26) & ED25519_LIMB;
    limbs[3] = (w[2] >> 25 | w[3] << 39) & ED25519_LIMB;
    limbs[4] = w[3] >> 12 & ED25519_LIMB;
}

/* The one value below p, of limbs below 2^63. */
static inline void ed25519_limbs_freeze(uint64_t limbs[5])
{
    for (int pass = 0; pass < 2; pass++) { /* the first leaves a value below 2^255 + 2^17 */
        for (int i = 0; i < 4; i++) {
            limbs[i + 1] += limbs[i] >> 51;
            limbs[i] &= ED25519_LIMB;
        }
        limbs[0] += 19 * (limbs[4] >> 51);
        limbs[4] &= ED25519_LIMB;
    }
    uint64_t over = (limbs[0] + 19) >> 51; /* 1 when the value is p or more: then value + 19 reaches 2^255 */
    for (int i = 1; i < 5; i++)
        over = (limbs[i] + over) >> 51;
    limbs[0] += 19 * over;
    for (int i = 0; i < 4; i++) {
        limbs[i + 1] += limbs[i] >> 51;
        limbs[i] &= ED25519_LIMB;
    }
    limbs[4] &= ED25519_LIMB;
}

static inline void ed25519_limbs_write(uint8_t out[32], const uint64_t frozen[5])
{
    ed25519_store64(out, frozen[0] | frozen[1] << 51);
    ed25519_store64(out + 8, frozen[1] >> 13 | frozen[2] << 38);
    ed25519_store64(out + 16, frozen[2] >> 26 | frozen[3] << 25);
    ed25519_store64(out + 24, frozen[3] >> 39 | frozen[4] << 12);
}

static inline bool ed25519_limbs_are_zero(const uint64_t frozen[5])
{
    return (frozen[0] | frozen[1] | frozen[2] | frozen[3] | frozen[4]) == 0;
}

#endif
