/*
 * What the core keeps of a chain that it follows by a light client (docs/light-client-cometbft.md). Shared by light.c and witness.c.
 *
 * One item is verified at a time: each stands on the trust that the one before left. What moved the trust counts once that trust
 * is on disk (I2), and no header below the newest trusted one is ever believed again, but those that are remembered here.
 *
 * Memory is bounded: a queue, the newest states with their bundles (at most 64 KiB each), one space.
 */
#ifndef RELAY_CORE_LIGHT_H
#define RELAY_CORE_LIGHT_H

#include "proofs/cometbft_evidence.h"
#include "relay/core/core.h"

struct core_evidence;

enum {
    CORE_LIGHT_QUEUE = 8,         /* items that wait for verification, and as many proven ones for the disk */
    CORE_LIGHT_STATES = 16,       /* trusted headers that are remembered, the newest first */
    CORE_LIGHT_VALIDATORS = 1024, /* a bundle of 64 KiB holds fewer */
    CORE_LIGHT_KEYS = 256
};

/* A header that is wanted of the sources, one after another. */
struct core_want {
    uint64_t height; /* 0: none */
    uint64_t again;  /* ms: the next source is asked then */
    unsigned asked;  /* how often it was */
};

struct core_light_state {
    struct proof_cometbft_state state; /* height 0: none */
    uint8_t *bundle, *next;            /* owned; bundle NULL for one of an earlier life */
    size_t bundle_len, next_len;
};

/* A piece of what a source sent, in the order in which it came. */
struct core_light_item {
    struct core_evidence *evidence; /* its bytes: message 12 whole, or a bundle */
    uint64_t height;                /* as the source says */
    struct bytes bundle, proof;     /* views into its bytes; proof empty: a header alone */
    uint64_t write;                 /* proven: the WRITE that must be committed first */
};

struct core_light {
    uint16_t chain;
    const struct relay_trust *first; /* NULL: the operator gave none */
    struct proof_cometbft_space *space;
    struct proof_cometbft_trust trust; /* latest.height 0: not begun */
    uint8_t *next;                     /* owned: the validators after it */
    size_t next_len;
    uint64_t write; /* the WRITE that holds it */
    struct core_light_state states[CORE_LIGHT_STATES];
    struct core_light_item queue[CORE_LIGHT_QUEUE], proven[CORE_LIGHT_QUEUE];
    size_t queue_len, proven_len;
    struct core_light_item step;  /* the header that was wanted; evidence NULL: not here yet */
    struct core_light_item other; /* witness.c: a header that contradicts a trusted one */
    bool verifying, expired;
    struct core_want want, signer_want;
    bool signer_known;      /* it said where it stands */
    uint64_t signer_height; /* 0: not begun */
};

#endif
