/*
 * Verification as a job: pure, so any thread may run it while the core goes on. The core makes a job, the edge runs it
 * and gives it back in RELAY_EVENT_VERIFIED.
 */
#ifndef RELAY_CORE_VERIFY_H
#define RELAY_CORE_VERIFY_H

#include "proofs/eth_evidence.h"

struct relay_verify_job {
    uint16_t chain, source;
    uint8_t account[32]; /* the contract that must hold the logs: trusted configuration */
    struct proof_eth_log_place places[PROOF_ETH_EVIDENCE_LOGS_MAX];
    size_t places_len;
    struct bytes evidence; /* connector message 12; owned by `owner` */
    void *owner;           /* the core's */
    /* result */
    enum proof_verdict verdict;
    struct proof_result result;
    struct proof_eth_evidence_fact fact;
};

/* Runs the job on the calling thread. Touches nothing but the job. */
void relay_verify_run(struct relay_verify_job *job);

#endif
