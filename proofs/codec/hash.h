/*
 * The hash functions of the four suites (docs/formats.md): all give 32 bytes.
 */
#ifndef ISTHMUS_PROOFS_CODEC_HASH_H
#define ISTHMUS_PROOFS_CODEC_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proofs/codec/bytes.h"

enum codec_hash {
    CODEC_HASH_NONE = 0,
    CODEC_HASH_KECCAK256,  /* with secp256k1 */
    CODEC_HASH_BLAKE2B256, /* with Ed25519; unkeyed, 32-byte output */
    CODEC_HASH_SM3,        /* with SM2 */
    CODEC_HASH_SHA256,     /* with P-256 */
};

#define CODEC_HASH_BYTES 32

/* The hash of parts[0] || parts[1] || … False, and out zeroed, for CODEC_HASH_NONE or when the library refuses. */
bool codec_hash(uint8_t out[32], enum codec_hash hash, const struct bytes *parts, size_t count);

#endif
