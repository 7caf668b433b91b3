/*
 * The chain as this endpoint shows it: the newest headers, linked by parent hash. A reorganisation is a header whose
 * parent is not the one that was known; how deep it goes is found by walking down to the common ancestor.
 */
#ifndef CONNECTORS_EVM_TRACKER_H
#define CONNECTORS_EVM_TRACKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "connectors/evm/parse.h"
#include "connectors/sdk/rpc.h"

enum {
    EVM_HEADERS_KEPT = 1024,  /* newest headers in memory; finality must lie within */
    EVM_HEADERS_FETCHED = 32, /* most headers in one request */
};

/* A header that was linked. Owned by the tracker, valid until its next event. */
struct evm_head {
    uint64_t number;
    uint8_t hash[32];
    uint8_t parent[32];
    uint64_t time;
    uint8_t base_fee[32];
    uint8_t *rlp;
    size_t rlp_len;
};

struct evm_tracker_config {
    struct sdk_rpc *rpc;
    uint64_t depth;  /* blocks below the newest that are final; unused with a tag */
    const char *tag; /* "finalized", "safe", or NULL for the depth */
    /* The newest header changed, or the final one, or both. */
    void (*moved)(void *context, bool newest, bool final_height);
    /* `blocks` newest headers were replaced. */
    void (*reorganised)(void *context, uint64_t blocks);
    /* A header that was final is gone: the tracker has stopped for good. */
    void (*broken)(void *context, const char *text);
    /* The endpoint's answer does not hold together. */
    void (*nonsense)(void *context, const char *text);
    void *context;
};

struct evm_tracker {
    struct evm_tracker_config config;
    struct evm_head ring[EVM_HEADERS_KEPT]; /* number n lies at n % EVM_HEADERS_KEPT */
    uint64_t lowest, newest;                /* what the ring holds; nothing when !any */
    bool any;
    bool has_final;
    uint64_t final_height;
    uint8_t final_hash[32];
    bool busy, stopped, again;
    bool striding; /* this round leads to a header below the newest: another one follows if it goes well */
    /* a round: headers not yet linked, descending from the newest */
    struct evm_head *pending;
    size_t pending_len;
    uint64_t wanted_final; /* with a tag: what the node calls final in this round */
    uint8_t wanted_final_hash[32];
    bool wanted;
};

/* Large (about 200 KiB): lives on the heap inside its owner. False: no memory. */
bool evm_tracker_init(struct evm_tracker *tracker, const struct evm_tracker_config *config);
void evm_tracker_fini(struct evm_tracker *tracker);

/* Looks at the endpoint's newest block. While a round is under way, notes that another one is wanted. */
void evm_tracker_look(struct evm_tracker *tracker);

/* The linked header at a height; NULL when the ring does not hold it. */
const struct evm_head *evm_tracker_head(const struct evm_tracker *tracker, uint64_t height);

#endif
