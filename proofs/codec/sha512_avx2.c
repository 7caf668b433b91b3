/* SHA-512 in the four lanes of AVX2 registers. */
#include "proofs/codec/sha512_lanes.h"

#ifdef SHA512_HAVE_LANES
#define LANES             4
#define LANES_TARGET      __attribute__((target("avx2")))
#define LANES_NAME        codec_sha512_avx2
#define XOR3(a, b, c)     ((a) ^ (b) ^ (c))
#define CHOOSE(a, b, c)   ((((b) ^ (c)) & (a)) ^ (c))
#define MAJORITY(a, b, c) (((a) & (b)) | (((a) | (b)) & (c)))
#include "proofs/codec/sha512_lanes.inc"
#endif
