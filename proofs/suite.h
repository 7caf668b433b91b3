/*
 * The suites and the tagged hash (docs/formats.md §1).
 *
 * A suite is a hash and a signature algorithm that stand or fall together; its number is its bit in a set of suites.
 */
#ifndef ISTHMUS_PROOFS_SUITE_H
#define ISTHMUS_PROOFS_SUITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proofs/codec/bytes.h"
#include "proofs/codec/hash.h"

/* Code name, bit, name in documents and configuration, hash. Lowest bit first: the order of commitments. */
#define PROOF_SUITES(X)                                                                                                \
    X(KECCAK256_SECP256K1, 0x01, "keccak256-secp256k1", CODEC_HASH_KECCAK256)                                          \
    X(SHA256_P256, 0x02, "sha256-p256", CODEC_HASH_SHA256)                                                             \
    X(SM3_SM2, 0x04, "sm3-sm2", CODEC_HASH_SM3)                                                                        \
    X(BLAKE2B256_ED25519, 0x08, "blake2b256-ed25519", CODEC_HASH_BLAKE2B256)

enum proof_suite {
    PROOF_SUITE_NONE = 0,
#define X(name, bit, text, hash) PROOF_SUITE_##name = bit,
    PROOF_SUITES(X)
#undef X
};

#define PROOF_SUITE_COUNT 4
#define PROOF_SUITES_ALL  0x0f

/* "keccak256-secp256k1" and so on; "none" for anything that is not one suite. Static storage. */
const char *proof_suite_name(enum proof_suite suite);

/* The suite of that name, or PROOF_SUITE_NONE. */
enum proof_suite proof_suite_by_name(const char *name);

/* The suite with that number, or PROOF_SUITE_NONE: for numbers that came from outside. */
enum proof_suite proof_suite_by_bit(uint64_t bit);

/* The hash of a suite; CODEC_HASH_NONE for none. */
enum codec_hash proof_suite_hash(enum proof_suite suite);

/* Sets of suites: the OR of their bits. Valid means: at least one, and only known ones. */
bool proof_suites_valid(uint8_t set);
/* How many suites are in the set. */
size_t proof_suites_count(uint8_t set);
/* The suite with the lowest bit, by which a lane is named; PROOF_SUITE_NONE for the empty set. */
enum proof_suite proof_suites_lowest(uint8_t set);
/* The place of suite among the set's commitments: how many lower suites are in the set. */
size_t proof_suites_place(uint8_t set, enum proof_suite suite);

/* Tags: code name, text after "isthmus/". */
#define PROOF_TAGS(X)                                                                                                  \
    X(NETWORK, "network")                                                                                              \
    X(CHAIN, "chain")                                                                                                  \
    X(LANE, "lane")                                                                                                    \
    X(LOG, "log")                                                                                                      \
    X(COMMIT, "commit")                                                                                                \
    X(DIGEST, "digest")                                                                                                \
    X(RUN, "run")                                                                                                      \
    X(FRAME, "frame")                                                                                                  \
    X(ZONE, "zone")                                                                                                    \
    X(OUTCOME, "outcome")                                                                                              \
    X(HEAD, "head")                                                                                                    \
    X(RULING, "ruling")                                                                                                \
    X(CLOSE, "close")                                                                                                  \
    X(MEMBERS, "members")                                                                                              \
    X(EPOCH, "epoch")                                                                                                  \
    X(NODE, "node")                                                                                                    \
    X(SIGNED, "signed")                                                                                                \
    X(DOCUMENT, "doc")

enum proof_tag {
#define X(name, text) PROOF_TAG_##name,
    PROOF_TAGS(X)
#undef X
        PROOF_TAG_COUNT
};

#define PROOF_TAG_BYTES 16

/* The 16 bytes of a tag: "isthmus/…", zero padded to 15, then the version, 1. Static storage. */
const uint8_t *proof_tag_bytes(enum proof_tag tag);

/* Most parts of one proof_hash call. */
#define PROOF_HASH_PARTS_MAX 8

/* H(tag || parts[0] || parts[1] || …) under the suite's hash. count <= PROOF_HASH_PARTS_MAX. The suite must be one of
 * the four: a caller checks numbers from outside first (proof_suite_by_bit). A hash that cannot be computed (the crypto
 * library is out of memory) ends the process: no zero hash may ever be compared with anything. */
void proof_hash(uint8_t out[32], enum proof_suite suite, enum proof_tag tag, const struct bytes *parts, size_t count);

#endif
