/*
 * Keccak-256 in the four lanes of AVX2 registers.
 */
#include "proofs/codec/keccak_lanes.h"

#ifdef KECCAK_HAVE_LANES
#define LANES        4
#define LANES_TARGET __attribute__((target("avx2")))
#define LANES_NAME   codec_keccak_avx2
#define LANES_GATHER(block, at)                                                                                        \
    {                                                                                                                  \
        keccak_load64(block[0] + at), keccak_load64(block[1] + at), keccak_load64(block[2] + at),                      \
            keccak_load64(block[3] + at)                                                                               \
    }
#include "proofs/codec/keccak_lanes.inc"
#endif
