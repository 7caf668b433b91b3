/*
 * A world for the signer's tests: two chains, a few lanes, sources, keys, and EVM evidence that says whatever the test
 * wants to be true on the chain. Each log exists in two branches that part after FORK_AT, so that a test can lie.
 */
#ifndef TESTS_UNIT_EDGE_WORLD_H
#define TESTS_UNIT_EDGE_WORLD_H

#include "proofs/codec/pack.h"
#include "relay/core/core.h"
#include "relay/edge/signer.h"
#include "topology/network.h"

enum { WORLD_LANES = 3, WORLD_LENGTH = 400, WORLD_FORK_AT = 40, WORLD_SOURCES = 3, WORLD_BRANCHES = 2 };

struct world {
    struct topology_network network;
    struct topology_chain chains[2];
    struct topology_lane lanes[WORLD_LANES];
    struct relay_source sources[WORLD_SOURCES + 1]; /* the last one is of the other chain */
    struct edge_signer_trust trust;
    char folder[256]; /* temporary; world_fini removes it */
    /* Items 1..WORLD_LENGTH of messages and outcomes of each lane, and the running hashes 0..WORLD_LENGTH. */
    uint8_t items[WORLD_BRANCHES][WORLD_LANES][2][WORLD_LENGTH][32];
    uint8_t running[WORLD_BRANCHES][WORLD_LANES][3][WORLD_LENGTH + 1][32];
};

struct world *world_new(void);
void world_free(struct world *world);

/* Where log `kind` of a lane stands on the chain. */
struct world_mark {
    uint16_t lane;
    uint8_t kind;
    uint8_t branch;
    uint64_t number; /* 0: the slot is empty */
};

/* Slot evidence of chain 0 at height, for these logs (all of one contract: kinds 1 and 3). Free with codec_pack_fini. */
void world_evidence(struct codec_pack *out, uint8_t header_hash[32], const struct world *world, uint64_t height,
                    const struct world_mark *marks, size_t count);

/* The same by receipts: a block whose one event says where one log (of messages) stands. */
void world_receipts(struct codec_pack *out, uint8_t header_hash[32], const struct world *world, uint64_t height,
                    const struct world_mark *mark);

/* A request under construction: what a truthful relay would send. Change its fields, then world_request_write. */
struct world_request {
    struct relay_signing_request request;
    struct relay_signing_statement statements[RELAY_SOURCES_MAX];
    struct relay_signing_log logs[RELAY_SIGNING_LOGS_MAX];
    struct codec_pack evidence;
    uint8_t message[1 << 20];
};

/* Every log of marks: items from + 1 (given) up to its mark, one head: the mark. */
void world_request_make(struct world_request *out, const struct world *world, const struct world_mark *marks,
                        const uint64_t *guards, size_t count);
/* Another proof of the same kind of request: receipts that say where the log of its first entry stands. */
void world_request_receipts(struct world_request *request, const struct world *world, const struct world_mark *mark);
struct bytes world_request_bytes(struct world_request *request);
void world_request_fini(struct world_request *request);

/* What a signer answered to one request. */
struct world_answers {
    size_t attestations, refusals, guards, trusts, heads_len;
    bool last;
    char refusal[128];            /* the last one */
    uint64_t guard;               /* number of the last GUARD of a log */
    uint64_t trusted, wanted;     /* of the last TRUST: where the light client stands, what it needs */
    struct proof_head heads[512]; /* of valid attestations only */
    const struct world *world;
};

/* An edge_signer_out callback over a struct world_answers: checks every signature. */
bool world_answer(void *context, struct bytes message);

#endif
