/*
 * Verification as a job: pure, so any thread may run it while the core goes on. The core makes a job, the edge runs it
 * and gives it back in RELAY_EVENT_VERIFIED.
 */
#ifndef RELAY_CORE_VERIFY_H
#define RELAY_CORE_VERIFY_H

#include "proofs/cometbft_double_vote.h"
#include "proofs/cometbft_evidence.h"
#include "proofs/eth_evidence.h"

enum relay_verify_kind {
    RELAY_VERIFY_AGREEMENT,    /* evidence of an EVM chain: the header's hash is computed, sources must agree on it */
    RELAY_VERIFY_LIGHT_FIRST,  /* a light client's first header */
    RELAY_VERIFY_LIGHT_HEADER, /* a step forward */
    RELAY_VERIFY_LIGHT_PROOF,  /* a step forward, or none, and logs under the header */
    RELAY_VERIFY_LIGHT_ATTACK, /* two headers that contradict each other */
    RELAY_VERIFY_LIGHT_DOUBLE_VOTE /* a header that is trusted or follows, and two votes of one of its validators */
};

enum { RELAY_VERIFY_OTHER = 1000 }; /* ATTACK: result.at is this and more where `other` does not hold */

/* What a light client's job stands on, and what came of it. Views stay good until the job is back. */
struct relay_verify_light {
    struct proof_cometbft_space *space; /* a chain has one, and one such job at a time */
    struct proof_cometbft_options options;
    struct proof_cometbft_trust trust; /* PROOF_VALID: as it is afterwards; ATTACK: its latest is the common header */
    struct bytes next;                 /* validators after trust; PROOF_VALID: view into the bundle, those to be kept */
    struct bytes chain_id;             /* FIRST */
    int64_t height;                    /* FIRST: the operator's; HEADER, PROOF: the bundle's, as its teller says */
    uint8_t hash[32];                  /* FIRST */
    struct bytes bundle;
    struct bytes other; /* ATTACK: the bundle that contradicts the other one */
    struct bytes proof; /* PROOF: of the logs; DOUBLE_VOTE: the votes */
    struct proof_cometbft_app app;
    struct proof_cometbft_log_place places[PROOF_COMETBFT_EVIDENCE_LOGS_MAX];
    struct proof_cometbft_evidence_fact fact;           /* PROOF */
    struct proof_cometbft_attack_fact attack;           /* ATTACK */
    struct proof_cometbft_double_vote_fact double_vote; /* DOUBLE_VOTE */
};

struct relay_verify_job {
    uint16_t chain, source;
    enum relay_verify_kind kind;
    uint8_t account[32]; /* the contract that must hold the logs: trusted configuration */
    struct proof_eth_log_place places[PROOF_ETH_EVIDENCE_LOGS_MAX];
    size_t places_len;
    struct bytes evidence; /* connector message 12, or a header bundle; owned by `owner` */
    void *owner;           /* the core's */
    struct relay_verify_light light;
    /* result */
    enum proof_verdict verdict;
    struct proof_result result;
    struct proof_eth_evidence_fact fact;
};

/* Runs the job on the calling thread. Touches nothing but the job and its space. */
void relay_verify_run(struct relay_verify_job *job);

#endif
