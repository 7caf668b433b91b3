/* SHA-512 in the eight lanes of AVX-512 registers. */
#include "proofs/codec/sha512_lanes.h"

#ifdef SHA512_HAVE_LANES
#include <immintrin.h>

#define LANES 8
/* Without AddressSanitizer: gcc 12 puts 64-byte vectors on its fake stack at 32-byte places, and aligned stores fault. */
#define LANES_TARGET __attribute__((target("avx512f,avx512vl"), no_sanitize_address))
#define LANES_NAME   codec_sha512_avx512
/* The last argument is the truth table. */
#define LOGIC(a, b, c, table) ((lanes)_mm512_ternarylogic_epi64((__m512i)(a), (__m512i)(b), (__m512i)(c), table))
#define XOR3(a, b, c)         LOGIC(a, b, c, 0x96)
#define CHOOSE(a, b, c)       LOGIC(a, b, c, 0xca)
#define MAJORITY(a, b, c)     LOGIC(a, b, c, 0xe8)
#include "proofs/codec/sha512_lanes.inc"
#endif
