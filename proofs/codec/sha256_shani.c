/*
 * SHA-256's compression with the SHA extensions of x86: two rounds an instruction, four message words at a time.
 */
#include "proofs/codec/sha256_blocks.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

#define SHANI_TARGET __attribute__((target("sha,sse4.1")))

/* Asked of what the runtime read from the processor at the start: CPUID itself traps in virtual machines. clang 14 has no name
 * for SHA; every processor with GFNI has it. */
bool codec_sha256_shani_usable(void)
{
#ifdef __clang__
    return __builtin_cpu_supports("gfni") && __builtin_cpu_supports("sse4.1");
#else
    return __builtin_cpu_supports("sha") && __builtin_cpu_supports("sse4.1");
#endif
}

/* Rounds 4i .. 4i+3 with the message words m. */
SHANI_TARGET static inline void four_rounds(__m128i *abef, __m128i *cdgh, __m128i m, size_t i)
{
    __m128i words = _mm_add_epi32(m, _mm_loadu_si128((const __m128i *)(const void *)(CODEC_SHA256_ROUND + 4 * i)));
    *cdgh = _mm_sha256rnds2_epu32(*cdgh, *abef, words);
    *abef = _mm_sha256rnds2_epu32(*abef, *cdgh, _mm_shuffle_epi32(words, 0x0e));
}

/* The next four message words, from the sixteen before. */
SHANI_TARGET static inline __m128i next_words(__m128i m0, __m128i m1, __m128i m2, __m128i m3)
{
    __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(m0, m1), _mm_alignr_epi8(m3, m2, 4));
    return _mm_sha256msg2_epu32(sum, m3);
}

SHANI_TARGET static inline __m128i load_words(const uint8_t *from)
{
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    return _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(const void *)from), swap);
}

/* The instructions want a state as (a b e f) and (c d g h), highest word first. */
struct lanes {
    __m128i abef, cdgh;
};

SHANI_TARGET static inline struct lanes load_state(const uint32_t state[8])
{
    __m128i dcba = _mm_loadu_si128((const __m128i *)(const void *)state);
    __m128i hgfe = _mm_loadu_si128((const __m128i *)(const void *)(state + 4));
    __m128i cdab = _mm_shuffle_epi32(dcba, 0xb1);
    __m128i efgh = _mm_shuffle_epi32(hgfe, 0x1b);
    return (struct lanes){_mm_alignr_epi8(cdab, efgh, 8), _mm_blend_epi16(efgh, cdab, 0xf0)};
}

SHANI_TARGET static inline void store_state(uint32_t state[8], struct lanes lanes)
{
    __m128i feba = _mm_shuffle_epi32(lanes.abef, 0x1b);
    __m128i dchg = _mm_shuffle_epi32(lanes.cdgh, 0xb1);
    _mm_storeu_si128((__m128i *)(void *)state, _mm_blend_epi16(feba, dchg, 0xf0));
    _mm_storeu_si128((__m128i *)(void *)(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

/* One block of each of `count` states; count is 1 or 2 where it is called, and the loops over it are unrolled. */
SHANI_TARGET __attribute__((always_inline)) static inline void one_block(struct lanes *lanes,
                                                                         const uint8_t *const *data, size_t count)
{
    struct lanes before[2];
    __m128i m[2][4];
    for (size_t k = 0; k < count; k++)
        before[k] = lanes[k];
#pragma GCC unroll 16
    for (size_t i = 0; i < 16; i++) {
#pragma GCC unroll 2
        for (size_t k = 0; k < count; k++) {
            m[k][i % 4] = i < 4 ? load_words(data[k] + 16 * i)
                                : next_words(m[k][i % 4], m[k][(i + 1) % 4], m[k][(i + 2) % 4], m[k][(i + 3) % 4]);
            four_rounds(&lanes[k].abef, &lanes[k].cdgh, m[k][i % 4], i);
        }
    }
    for (size_t k = 0; k < count; k++) {
        lanes[k].abef = _mm_add_epi32(lanes[k].abef, before[k].abef);
        lanes[k].cdgh = _mm_add_epi32(lanes[k].cdgh, before[k].cdgh);
    }
}

SHANI_TARGET void codec_sha256_shani_blocks(uint32_t state[8], const uint8_t *data, size_t blocks)
{
    struct lanes lanes = load_state(state);
    for (size_t i = 0; i < blocks; i++, data += 64)
        one_block(&lanes, &data, 1);
    store_state(state, lanes);
}

SHANI_TARGET void codec_sha256_shani_blocks_two(uint32_t states[2][8], const uint8_t *const data[2], size_t blocks)
{
    struct lanes lanes[2] = {load_state(states[0]), load_state(states[1])};
    for (size_t i = 0; i < blocks; i++)
        one_block(lanes, (const uint8_t *const[2]){data[0] + 64 * i, data[1] + 64 * i}, 2);
    store_state(states[0], lanes[0]);
    store_state(states[1], lanes[1]);
}

#else

bool codec_sha256_shani_usable(void)
{
    return false;
}

void codec_sha256_shani_blocks(uint32_t state[8], const uint8_t *data, size_t blocks)
{
    (void)state;
    (void)data;
    (void)blocks;
}

void codec_sha256_shani_blocks_two(uint32_t states[2][8], const uint8_t *const data[2], size_t blocks)
{
    (void)states;
    (void)data;
    (void)blocks;
}

#endif
