/*
 * Keccak-256 in the eight lanes of AVX-512 registers.
 */
#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

/* The last argument is the truth table. */
#define KECCAK_LOGIC(a, b, c, table) ((lanes)_mm512_ternarylogic_epi64((__m512i)(a), (__m512i)(b), (__m512i)(c), table))
#define KECCAK_XOR3(a, b, c)         KECCAK_LOGIC(a, b, c, 0x96)
#define KECCAK_XORANDN(a, b, c)      KECCAK_LOGIC(a, b, c, 0xd2)
#endif

#include "proofs/codec/keccak_lanes.h"

#ifdef KECCAK_HAVE_LANES
#define LANES 8
/* Without AddressSanitizer: gcc 12 puts 64-byte vectors on its fake stack at 32-byte places, and aligned stores fault. */
#define LANES_TARGET __attribute__((target("avx512f,avx512vl"), no_sanitize_address))
#define LANES_NAME   codec_keccak_avx512
#define LANES_GATHER(block, at)                                                                                        \
    {                                                                                                                  \
        keccak_load64(block[0] + at), keccak_load64(block[1] + at), keccak_load64(block[2] + at),                      \
            keccak_load64(block[3] + at), keccak_load64(block[4] + at), keccak_load64(block[5] + at),                  \
            keccak_load64(block[6] + at), keccak_load64(block[7] + at)                                                 \
    }
#include "proofs/codec/keccak_lanes.inc"
#endif
