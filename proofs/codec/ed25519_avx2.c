/*
 * Ed25519 in the four lanes of AVX2 registers, whose multiplier takes 32 bits: the field in ten limbs, of 26 and 25 bits by
 * turns.
 */
#include "proofs/codec/ed25519_lanes.h"

#ifdef ED25519_HAVE_LANES
#include <immintrin.h>

#define LANES         4
#define LANES_TARGET  __attribute__((target("avx2,bmi,bmi2")))
#define LANES_NAME(x) codec_ed25519_##x##_avx2
#define FE            LANES_TARGET static inline __attribute__((always_inline))

/*
 * Say that an element has width 1 when its limbs are those of a product, 26 and 25 bits and less than a 256th more; then a sum
 * has the widths of its terms together, and f - g that of f and 2 more. Of a product f g, f may have width 4 and g 3: 19 g
 * stays below 2^32, and a column below 2^63.
 */
struct fe {
    __m256i v[10];
};

#define ADD(a, b) _mm256_add_epi64(a, b)
#define MUL(a, b) _mm256_mul_epu32(a, b)
#define SET(word) _mm256_set1_epi64x((long long)(word))

/* Moves what limb i has too much to limb i + 1, and from the last, 19 times, to the first. */
FE void carry_one(__m256i v[10], size_t i)
{
    __m256i mask = i % 2 ? SET(0x1ffffff) : SET(0x3ffffff);
    __m256i carry = _mm256_srli_epi64(v[i], i % 2 ? 25 : 26);
    v[i] = _mm256_and_si256(v[i], mask);
    if (i == 9)
        carry = ADD(ADD(_mm256_slli_epi64(carry, 4), ADD(carry, carry)), carry);
    v[i == 9 ? 0 : i + 1] = ADD(v[i == 9 ? 0 : i + 1], carry);
}

/* Columns below 2^63 become width 1: two chains side by side. */
FE void fe_reduce(struct fe *out, __m256i column[10])
{
    UNROLLED for (size_t i = 0; i < 5; i++)
    {
        carry_one(column, i);
        carry_one(column, i + 5);
    }
    carry_one(column, 5);
    carry_one(column, 0);
    UNROLLED for (size_t i = 0; i < 10; i++) out->v[i] = column[i];
}

/* Row by row: ten columns, one limb of f and one product fit the sixteen registers; limbs of g are read from memory. */
LANES_TARGET static __attribute__((noinline)) void fe_mul(struct fe *out, const struct fe *f, const struct fe *g)
{
    __m256i column[10], nineteen[10];
    UNROLLED for (size_t i = 1; i < 10; i++) nineteen[i] = MUL(g->v[i], SET(19));
    UNROLLED for (size_t j = 0; j < 10; j++) column[j] = MUL(f->v[0], g->v[j]);
    UNROLLED for (size_t i = 1; i < 10; i++)
    {
        __m256i once = f->v[i], twice = ADD(once, once); /* two odd limbs stand a bit higher than their column */
        UNROLLED for (size_t j = 0; j < 10; j++)
        {
            __m256i right = i + j < 10 ? g->v[j] : nineteen[j];
            column[(i + j) % 10] = ADD(column[(i + j) % 10], MUL(i % 2 && j % 2 ? twice : once, right));
        }
    }
    fe_reduce(out, column);
}

LANES_TARGET static __attribute__((noinline)) void fe_square(struct fe *out, const struct fe *f)
{
    __m256i column[10], nineteen[10], twice[10], four[10];
    UNROLLED for (size_t i = 0; i < 10; i++)
    {
        column[i] = _mm256_setzero_si256();
        nineteen[i] = MUL(f->v[i], SET(19));
        twice[i] = ADD(f->v[i], f->v[i]);
        four[i] = ADD(twice[i], twice[i]);
    }
    UNROLLED for (size_t k = 0; k < 10; k++)
    {
        UNROLLED for (size_t i = 0; i < 10; i++)
        {
            size_t j = (k + 10 - i) % 10;
            bool odd = i % 2 && j % 2;
            __m256i left = i == j ? (odd ? twice[i] : f->v[i]) : (odd ? four[i] : twice[i]);
            if (i <= j)
                column[k] = ADD(column[k], MUL(left, i + j < 10 ? f->v[j] : nineteen[j]));
        }
    }
    fe_reduce(out, column);
}

FE void fe_add(struct fe *out, const struct fe *f, const struct fe *g)
{
    UNROLLED for (size_t i = 0; i < 10; i++) out->v[i] = ADD(f->v[i], g->v[i]);
}

/* f + 2p - g; g has width 1. */
FE void fe_sub(struct fe *out, const struct fe *f, const struct fe *g)
{
    UNROLLED for (size_t i = 0; i < 10; i++)
    {
        __m256i twice_p = i == 0 ? SET(0x7ffffda) : i % 2 ? SET(0x3fffffe) : SET(0x7fffffe);
        out->v[i] = _mm256_sub_epi64(ADD(f->v[i], twice_p), g->v[i]);
    }
}

/* Limbs below 2^32 become width 1. */
FE void fe_carry(struct fe *out)
{
    __m256i carry[10];
    UNROLLED for (size_t i = 0; i < 10; i++)
    {
        carry[i] = _mm256_srli_epi64(out->v[i], i % 2 ? 25 : 26);
        out->v[i] = _mm256_and_si256(out->v[i], i % 2 ? SET(0x1ffffff) : SET(0x3ffffff));
    }
    out->v[0] = ADD(out->v[0], MUL(carry[9], SET(19)));
    UNROLLED for (size_t i = 1; i < 10; i++) out->v[i] = ADD(out->v[i], carry[i - 1]);
}

/* Width 2 or 3 may stay. */
FE void fe_narrow(struct fe *out)
{
    (void)out;
}

FE void fe_narrow_far(struct fe *out)
{
    fe_carry(out);
}

FE void fe_set(struct fe *out, const uint64_t limbs[5])
{
    UNROLLED for (size_t i = 0; i < 5; i++)
    {
        out->v[2 * i] = SET(limbs[i] & 0x3ffffff);
        out->v[2 * i + 1] = SET(limbs[i] >> 26);
    }
}

FE void fe_split(struct fe *out, size_t i, __m256i limb)
{
    out->v[2 * i] = _mm256_and_si256(limb, SET(0x3ffffff));
    out->v[2 * i + 1] = _mm256_srli_epi64(limb, 26);
}

FE void fe_load(struct fe *out, const uint64_t *const rows[LANES], size_t at)
{
    UNROLLED for (size_t i = 0; i < 5; i++)
        fe_split(out, i,
                 _mm256_set_epi64x((long long)rows[3][at + i], (long long)rows[2][at + i], (long long)rows[1][at + i],
                                   (long long)rows[0][at + i]));
}

/* Rows become columns, four words at a time. */
FE void fe_load_entry(struct fe out[3], const uint64_t *const rows[LANES])
{
    UNROLLED for (size_t at = 0; at < 16; at += 4)
    {
        __m256i r[4], pair[4], words[4];
        UNROLLED for (size_t i = 0; i < 4; i++) r[i] =
            _mm256_loadu_si256((const __m256i *)(const void *)(rows[i] + at));
        pair[0] = _mm256_unpacklo_epi64(r[0], r[1]);
        pair[1] = _mm256_unpackhi_epi64(r[0], r[1]);
        pair[2] = _mm256_unpacklo_epi64(r[2], r[3]);
        pair[3] = _mm256_unpackhi_epi64(r[2], r[3]);
        words[0] = _mm256_permute2x128_si256(pair[0], pair[2], 0x20);
        words[1] = _mm256_permute2x128_si256(pair[1], pair[3], 0x20);
        words[2] = _mm256_permute2x128_si256(pair[0], pair[2], 0x31);
        words[3] = _mm256_permute2x128_si256(pair[1], pair[3], 0x31);
        UNROLLED for (size_t i = 0; i < 4; i++)
        {
            if (at + i < 15)
                fe_split(&out[(at + i) / 5], (at + i) % 5, words[i]);
        }
    }
}

FE void fe_store(uint64_t *const rows[LANES], size_t at, const struct fe *f)
{
    UNROLLED for (size_t i = 0; i < 5; i++)
    {
        uint64_t words[4];
        _mm256_storeu_si256((__m256i *)(void *)words, ADD(f->v[2 * i], _mm256_slli_epi64(f->v[2 * i + 1], 26)));
        for (size_t lane = 0; lane < 4; lane++)
            rows[lane][at + i] = words[lane];
    }
}

/* In the lanes whose bit is set, out = f. */
FE void fe_move(struct fe *out, const struct fe *f, unsigned lanes)
{
    __m256i bits = _mm256_set_epi64x(8, 4, 2, 1);
    __m256i mask = _mm256_cmpeq_epi64(_mm256_and_si256(SET(lanes), bits), bits);
    UNROLLED for (size_t i = 0; i < 10; i++) out->v[i] = _mm256_blendv_epi8(out->v[i], f->v[i], mask);
}

#include "proofs/codec/ed25519_lanes.inc"
#endif
