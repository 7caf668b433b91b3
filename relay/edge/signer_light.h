/*
 * The signer's light clients: for each chain of the network document that proves its own headers, a trust of the signer's own. It
 * begins with the header that the operator gave (relay.yaml, trust:), goes forward with evidence and with headers that the relay
 * hands over, and is on disk beside the guard before anything is signed on it (I7).
 *
 * Nothing is allocated after edge_signer_light_new.
 */
#ifndef RELAY_EDGE_SIGNER_LIGHT_H
#define RELAY_EDGE_SIGNER_LIGHT_H

#include "proofs/cometbft_evidence.h"
#include "relay/core/core.h"
#include "relay/edge/config.h"

struct edge_signer_light;

/* folder: the guard's. NULL: text says why, also when a trust there cannot be read. network and trusts outlive it. */
struct edge_signer_light *edge_signer_light_new(const struct topology_network *network,
                                                const struct relay_trust *trusts, size_t trusts_len, const char *folder,
                                                char *text, size_t cap);
void edge_signer_light_free(struct edge_signer_light *light); /* NULL is allowed */

/* The first headers that the relay's file gives, as chains of the document; calloc'd. False: no memory. */
bool edge_signer_light_trusts(struct relay_trust **out, size_t *len, const struct config_relay *config,
                              const struct topology_network *network);

/* Where the light client of a chain stands. False: this signer follows no such chain. */
bool edge_signer_light_stands(const struct edge_signer_light *light, uint16_t chain, uint64_t *height,
                              uint8_t hash[32]);

/* Height of the header that must come first: that of the operator, while nothing is begun; 0: none. */
uint64_t edge_signer_light_needs(const struct edge_signer_light *light, uint16_t chain);

/* What a call is about. now: Unix seconds. */
struct edge_signer_light_call {
    uint16_t chain;
    uint64_t now;
    struct bytes bundle, proof;
    uint8_t account[32]; /* of the logs */
    const struct proof_cometbft_log_place *places;
    size_t places_len; /* 0: a header alone */
    uint64_t want;     /* out: height of the header that is needed first; 0: none */
    bool unsaved;      /* out: the trust could not be written: the process must end */
    char *text;        /* unsaved: why */
    size_t cap;
    struct proof_result result;
};

/* Takes a step, and verifies the logs under the header that it leads to. PROOF_VALID: the trust is on disk. PROOF_NOT_ENOUGH_TRUST,
 * or nothing begun: want says what is needed first. fact may be NULL when places_len is 0. */
enum proof_verdict edge_signer_light_verify(struct edge_signer_light *light, struct edge_signer_light_call *call,
                                            struct proof_cometbft_evidence_fact *fact);

#endif
