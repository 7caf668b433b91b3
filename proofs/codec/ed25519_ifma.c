/*
 * Ed25519 in the eight lanes of AVX-512 registers, by the multiplier of 52 bits (IFMA): the field in five limbs of 51 bits.
 */
#include "proofs/codec/ed25519_lanes.h"

#ifdef ED25519_HAVE_LANES
#include <immintrin.h>

#define LANES 8
/* Without AddressSanitizer: gcc 12 puts 64-byte vectors on its fake stack at 32-byte places, and aligned stores fault. */
#define LANES_TARGET  __attribute__((target("avx512f,avx512vl,avx512dq,avx512ifma,bmi,bmi2"), no_sanitize_address))
#define LANES_NAME(x) codec_ed25519_##x##_ifma
#define FE            LANES_TARGET static inline __attribute__((always_inline))

/* The multiplier reads 52 bits of a limb: operands of products are products, or narrowed. */
struct fe {
    __m512i v[5];
};

#define ADD(a, b)     _mm512_add_epi64(a, b)
#define LOW(c, a, b)  _mm512_madd52lo_epu64(c, a, b)
#define HIGH(c, a, b) _mm512_madd52hi_epu64(c, a, b)

/* One parallel carry: limbs below 2^60 become 51 bits and a little. */
FE void fe_carry(struct fe *out)
{
    const __m512i mask = _mm512_set1_epi64((long long)ED25519_LIMB);
    __m512i carry[5];
    UNROLLED for (size_t i = 0; i < 5; i++)
    {
        carry[i] = _mm512_srli_epi64(out->v[i], 51);
        out->v[i] = _mm512_and_si512(out->v[i], mask);
    }
    out->v[0] = LOW(out->v[0], carry[4], _mm512_set1_epi64(19));
    UNROLLED for (size_t i = 1; i < 5; i++) out->v[i] = ADD(out->v[i], carry[i - 1]);
}

FE void fe_narrow(struct fe *out)
{
    fe_carry(out);
}

FE void fe_narrow_far(struct fe *out)
{
    fe_carry(out);
}

/* Column i of the product is low[i] + 2 high[i], as a limb has 51 bits and the multiplier cuts at 52; columns from 5 on count
 * 19 times, five places lower. */
FE void fe_fold(struct fe *out, const __m512i low[10], const __m512i high[10])
{
    __m512i column[10];
    UNROLLED for (size_t i = 0; i < 10; i++) column[i] = ADD(low[i], ADD(high[i], high[i]));
    UNROLLED for (size_t i = 0; i < 5; i++)
    { /* below 2^56, and 19 times that below 2^61 */
        __m512i nineteen = _mm512_mullo_epi64(column[i + 5], _mm512_set1_epi64(19));
        out->v[i] = ADD(column[i], nineteen);
    }
    fe_carry(out);
}

FE void fe_mul(struct fe *out, const struct fe *f, const struct fe *g)
{
    __m512i low[10], high[10];
    UNROLLED for (size_t i = 0; i < 10; i++) low[i] = high[i] = _mm512_setzero_si512();
    UNROLLED for (size_t i = 0; i < 5; i++) UNROLLED for (size_t j = 0; j < 5; j++)
    {
        low[i + j] = LOW(low[i + j], f->v[i], g->v[j]);
        high[i + j + 1] = HIGH(high[i + j + 1], f->v[i], g->v[j]);
    }
    fe_fold(out, low, high);
}

FE void fe_square(struct fe *out, const struct fe *f)
{
    __m512i low[10], high[10];
    UNROLLED for (size_t i = 0; i < 10; i++) low[i] = high[i] = _mm512_setzero_si512();
    UNROLLED for (size_t i = 0; i < 5; i++) UNROLLED for (size_t j = i + 1; j < 5; j++)
    {
        low[i + j] = LOW(low[i + j], f->v[i], f->v[j]);
        high[i + j + 1] = HIGH(high[i + j + 1], f->v[i], f->v[j]);
    }
    UNROLLED for (size_t i = 0; i < 10; i++)
    {
        low[i] = ADD(low[i], low[i]);
        high[i] = ADD(high[i], high[i]);
    }
    UNROLLED for (size_t i = 0; i < 5; i++)
    {
        low[2 * i] = LOW(low[2 * i], f->v[i], f->v[i]);
        high[2 * i + 1] = HIGH(high[2 * i + 1], f->v[i], f->v[i]);
    }
    fe_fold(out, low, high);
}

FE void fe_add(struct fe *out, const struct fe *f, const struct fe *g)
{
    UNROLLED for (size_t i = 0; i < 5; i++) out->v[i] = ADD(f->v[i], g->v[i]);
}

/* f + 2p - g; g is a product, or carried. */
FE void fe_sub(struct fe *out, const struct fe *f, const struct fe *g)
{
    UNROLLED for (size_t i = 0; i < 5; i++) out->v[i] =
        _mm512_sub_epi64(ADD(f->v[i], _mm512_set1_epi64(i ? 0xffffffffffffe : 0xfffffffffffda)), g->v[i]);
}

FE void fe_set(struct fe *out, const uint64_t limbs[5])
{
    UNROLLED for (size_t i = 0; i < 5; i++) out->v[i] = _mm512_set1_epi64((long long)limbs[i]);
}

/* Rows become columns: out[i] has word i of each row. */
FE void transpose(__m512i out[8], const uint64_t *const rows[LANES], size_t at)
{
    __m512i r[8], pair[8], quad[8];
    UNROLLED for (size_t i = 0; i < 8; i++) r[i] = _mm512_loadu_si512(rows[i] + at);
    UNROLLED for (size_t i = 0; i < 4; i++)
    {
        pair[2 * i] = _mm512_unpacklo_epi64(r[2 * i], r[2 * i + 1]);     /* words 0 2 4 6 of two rows */
        pair[2 * i + 1] = _mm512_unpackhi_epi64(r[2 * i], r[2 * i + 1]); /* words 1 3 5 7 */
    }
    UNROLLED for (size_t i = 0; i < 2; i++)
    {
        quad[i] = _mm512_shuffle_i64x2(pair[i], pair[i + 2], 0x88);     /* words i, i + 4 of rows 0 to 3 */
        quad[i + 2] = _mm512_shuffle_i64x2(pair[i], pair[i + 2], 0xdd); /* words i + 2, i + 6 */
        quad[i + 4] = _mm512_shuffle_i64x2(pair[i + 4], pair[i + 6], 0x88);
        quad[i + 6] = _mm512_shuffle_i64x2(pair[i + 4], pair[i + 6], 0xdd);
    }
    UNROLLED for (size_t i = 0; i < 4; i++)
    {
        out[i] = _mm512_shuffle_i64x2(quad[i], quad[i + 4], 0x88);
        out[i + 4] = _mm512_shuffle_i64x2(quad[i], quad[i + 4], 0xdd);
    }
}

FE void fe_load(struct fe *out, const uint64_t *const rows[LANES], size_t at)
{
    UNROLLED for (size_t i = 0; i < 5; i++) out->v[i] = _mm512_set_epi64(
        (long long)rows[7][at + i], (long long)rows[6][at + i], (long long)rows[5][at + i], (long long)rows[4][at + i],
        (long long)rows[3][at + i], (long long)rows[2][at + i], (long long)rows[1][at + i], (long long)rows[0][at + i]);
}

FE void fe_load_entry(struct fe out[3], const uint64_t *const rows[LANES])
{
    __m512i words[16];
    transpose(words, rows, 0);
    transpose(words + 8, rows, 8);
    UNROLLED for (size_t i = 0; i < 15; i++) out[i / 5].v[i % 5] = words[i];
}

FE void fe_store(uint64_t *const rows[LANES], size_t at, const struct fe *f)
{
    UNROLLED for (size_t i = 0; i < 5; i++)
    {
        uint64_t words[8];
        _mm512_storeu_si512(words, f->v[i]);
        UNROLLED for (size_t lane = 0; lane < 8; lane++) rows[lane][at + i] = words[lane];
    }
}

/* In the lanes whose bit is set, out = f. */
FE void fe_move(struct fe *out, const struct fe *f, unsigned lanes)
{
    UNROLLED for (size_t i = 0; i < 5; i++) out->v[i] = _mm512_mask_mov_epi64(out->v[i], (__mmask8)lanes, f->v[i]);
}

#include "proofs/codec/ed25519_lanes.inc"
#endif
