/*
 * The hash functions of the four suites (docs/formats.md): all give 32 bytes.
 */
#ifndef ISTHMUS_PROOFS_CODEC_HASH_H
#define ISTHMUS_PROOFS_CODEC_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proofs/codec/bytes.h"

/* The values are the suites' bits. */
enum codec_hash {
    CODEC_HASH_NONE = 0,
    CODEC_HASH_KECCAK256 = 0x01,  /* with secp256k1 */
    CODEC_HASH_SHA256 = 0x02,     /* with P-256 */
    CODEC_HASH_SM3 = 0x04,        /* with SM2 */
    CODEC_HASH_BLAKE2B256 = 0x08, /* with Ed25519; unkeyed, 32-byte output */
};

#define CODEC_HASH_BYTES 32

/* The hash of parts[0] || parts[1] || … False, and out zeroed, for a value
 * that is none of the enum, or when the library refuses. */
bool codec_hash(uint8_t out[32], enum codec_hash hash, const struct bytes *parts, size_t count);

#endif
