/*
 * What can be signed (docs/formats.md §5): the four kinds of leaves, and the 32 bytes under a signature.
 */
#ifndef ISTHMUS_PROOFS_LEAF_H
#define ISTHMUS_PROOFS_LEAF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proofs/codec/bytes.h"
#include "proofs/lane.h"
#include "proofs/proof.h"
#include "proofs/suite.h"

enum proof_leaf_kind {
    PROOF_LEAF_NONE = 0,
    PROOF_LEAF_HEAD = 1,
    PROOF_LEAF_RULING = 2,
    PROOF_LEAF_CLOSE = 3,
    PROOF_LEAF_EPOCH = 4,
};

/* "head", "ruling", "close", "epoch"; "none" for anything else. Static storage. */
const char *proof_leaf_kind_name(enum proof_leaf_kind kind);

/* A border's refusal of messages from..to of a log. */
struct proof_ruling {
    uint8_t log[32];
    uint64_t from;       /* from 1 */
    uint64_t to;         /* >= from */
    uint8_t running[32]; /* R_to */
    uint8_t status;      /* 4 withheld or 5 struck */
    uint32_t rule;
    uint64_t policy_version;
};

/* The end of a lane's generation. */
struct proof_close {
    uint8_t lane[32];
    uint64_t last;            /* last valid sequence; 0: none was */
    uint8_t running[32];      /* R_last */
    uint32_t next_generation; /* the closed one plus 1, so from 2 */
};

/* An attester epoch of a registry. */
struct proof_epoch {
    uint8_t chain[32];
    uint8_t registry[32];
    uint64_t epoch;      /* from 1 */
    uint16_t quorum;     /* from 1 */
    uint64_t overlap;    /* seconds for which the epoch before it stays valid */
    uint8_t members[32]; /* proof_members_hash */
};

struct proof_leaf {
    enum proof_leaf_kind kind;
    union {
        struct proof_head head;
        struct proof_ruling ruling;
        struct proof_close close;
        struct proof_epoch epoch;
    };
};

/* Sizes of the fields, without the tag. */
#define PROOF_LEAF_HEAD_BYTES   72
#define PROOF_LEAF_RULING_BYTES 93
#define PROOF_LEAF_CLOSE_BYTES  76
#define PROOF_LEAF_EPOCH_BYTES  114
#define PROOF_LEAF_BYTES_MAX    114

/* Reads exactly the fields of a leaf of that kind. Refuses another length, an unknown kind, a head of number 0, an empty
 * or reversed ruling or one with a status that is no ruling's, an epoch 0 or quorum 0, an unset running hash; then the
 * leaf is zeroed and result says why (LEAF_*). */
bool proof_leaf_read(struct proof_leaf *leaf, uint64_t kind, struct bytes fields, struct proof_result *result);

/* Writes the fields; false (the writer has failed) when they do not fit or when proof_leaf_read would refuse them. */
bool proof_leaf_write(struct codec_writer *writer, const struct proof_leaf *leaf);

/* The leaf's hash: H(tag of its kind, fields). The kind must be one of the four. */
void proof_leaf_hash(uint8_t out[32], enum proof_suite suite, const struct proof_leaf *leaf);

/* The same, for the most common kind. */
void proof_leaf_hash_head(uint8_t out[32], enum proof_suite suite, const struct proof_head *head);

/* The 32 bytes that an operator signs: H(tag signed, network || root), network under the same suite. */
void proof_signed_bytes(uint8_t out[32], enum proof_suite suite, const uint8_t network[32], const uint8_t root[32]);

#endif
