/*
 * ICS-23 commitment proofs as protobuf (cosmos/ics23, proto/cosmos/ics23/v1/proofs.proto), read strictly, and the hashes they are made of.
 * Batch and compressed proofs, which upstream removed in 2024, are not read.
 */
#ifndef ISTHMUS_PROOFS_CODEC_ICS23_H
#define ISTHMUS_PROOFS_CODEC_ICS23_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proofs/codec/bytes.h"

enum {
    ICS23_DEPTH_MAX = 256,           /* the deepest of all specs: the sparse Merkle tree's */
    ICS23_PROOF_BYTES_MAX = 1 << 20, /* values may be large, nothing else is */
    ICS23_HASH_MAX = 64,
};

/* proofs.proto, HashOp */
enum ics23_hash {
    ICS23_NO_HASH = 0,
    ICS23_SHA256 = 1,
    ICS23_SHA512 = 2,
    ICS23_KECCAK256 = 3, /* refused, as upstream does */
    ICS23_RIPEMD160 = 4,
    ICS23_BITCOIN = 5, /* RIPEMD-160 of SHA-256 */
    ICS23_SHA512_256 = 6,
    ICS23_BLAKE2B_512 = 7,
    ICS23_BLAKE2S_256 = 8,
    ICS23_BLAKE3 = 9, /* refused, as upstream does */
};

/* LengthOp */
enum ics23_length {
    ICS23_NO_PREFIX = 0,
    ICS23_VAR_PROTO = 1,
    ICS23_VAR_RLP = 2, /* refused, as upstream does */
    ICS23_FIXED32_BIG = 3,
    ICS23_FIXED32_LITTLE = 4,
    ICS23_FIXED64_BIG = 5,
    ICS23_FIXED64_LITTLE = 6,
    ICS23_REQUIRE_32 = 7,
    ICS23_REQUIRE_64 = 8,
};

/* Numbers as they came: they may be none of the enums. */
struct ics23_leaf {
    uint32_t hash;
    uint32_t prehash_key;
    uint32_t prehash_value;
    uint32_t length;
    struct bytes prefix;
};

struct ics23_inner {
    uint32_t hash;
    struct bytes prefix;
    struct bytes suffix;
};

struct ics23_existence {
    struct bytes key;
    struct bytes value;
    bool has_leaf;
    struct ics23_leaf leaf;
    size_t path_len;
    struct ics23_inner path[ICS23_DEPTH_MAX]; /* from the leaf up */
};

struct ics23_proof {
    bool is_absence;
    struct ics23_existence exists; /* when not is_absence */
    struct bytes key;              /* when is_absence */
    bool has_left, has_right;
    struct ics23_existence left, right;
};

/* Reads a CommitmentProof. False when it is not well formed, deeper than ICS23_DEPTH_MAX, or neither existence nor non-existence. Views point
 * into `in`. *out is not cleared beyond what is read: some 30 KiB. */
bool ics23_proof_read(struct ics23_proof *out, struct bytes in);

/* Writes it again, byte for byte. */
void ics23_proof_write(struct codec_writer *writer, const struct ics23_proof *proof);

/* The hash of parts[0] || parts[1] || …; returns its length, 0 for ops that are not spoken and for ICS23_NO_HASH. */
size_t ics23_hash(uint8_t out[ICS23_HASH_MAX], uint32_t op, const struct bytes *parts, size_t count);

/* LeafOp.Apply and InnerOp.Apply of upstream: 0 when key, value or child is empty or an op is not spoken. */
size_t ics23_leaf_hash(uint8_t out[ICS23_HASH_MAX], const struct ics23_leaf *leaf, struct bytes key,
                       struct bytes value);
size_t ics23_inner_hash(uint8_t out[ICS23_HASH_MAX], const struct ics23_inner *inner, struct bytes child);

/* Two SHA-256 inner ops at once, onto children of 32 bytes. */
void ics23_inner_hash_two(uint8_t out[2][32], const struct ics23_inner *const inner[2],
                          const uint8_t *const children[2]);

#endif
