/*
 * Evidence of an EVM chain, as connectors bring it (docs/connector-protocol.md, message 12): a header that agreement or a
 * light client made trusted, and under it either storage proofs of the lanes' slots or all receipts of the block.
 * PROOFS section 3; DESIGN section 6, rows "slot proof" and "whole-block receipts".
 */
#ifndef PROOFS_ETH_EVIDENCE_H
#define PROOFS_ETH_EVIDENCE_H

#include "proofs/codec/bytes.h"
#include "proofs/proof.h"

enum { PROOF_ETH_EVIDENCE_LOGS_MAX = 64 };

enum proof_eth_evidence_kind { PROOF_ETH_EVIDENCE_SLOT = 1, PROOF_ETH_EVIDENCE_RECEIPTS = 2 };

/* A log whose running hash is wanted: where it lives is trusted configuration, never taken from the evidence. */
struct proof_eth_log_place {
    uint8_t log[32];  /* log id of its kind */
    uint8_t lane[32]; /* lane id: topic of the events */
    uint8_t kind;     /* 1, 2, 3: docs/formats.md section 2 */
};

/* What was proven: these logs stood at these running hashes in this block. */
struct proof_eth_evidence_fact {
    uint64_t height;
    uint64_t time;
    uint8_t header_hash[32];
    size_t logs_len;
    struct {
        uint8_t log[32];
        uint8_t kind;
        uint8_t running[32]; /* all zero: the slot is empty, the log has no entry yet (slot kind only) */
        uint64_t number;     /* receipts kind: number named by the event; slot kind: 0, the hash fixes it */
    } logs[PROOF_ETH_EVIDENCE_LOGS_MAX];
};

/* Storage slot of a log's running hash: keccak256(log id || slot of its mapping): outbox messages 0, settlement 1; inbox
 * outcomes 1. */
void proof_eth_log_slot(uint8_t slot[32], const struct proof_eth_log_place *place);

/*
 * Verifies one evidence message (the array of type 12, whole) of contract `account` (32 bytes, left padded) for the
 * places, which must be those of the message in order. The header's hash is computed, not trusted: the caller compares
 * fact->header_hash with what its sources agreed on before it uses the rest.
 * result->at: index of the log, or of the receipt.
 */
enum proof_verdict proof_eth_evidence_verify(struct proof_result *result, struct proof_eth_evidence_fact *fact,
                                             const uint8_t account[32], const struct proof_eth_log_place *places,
                                             size_t places_len, struct bytes evidence);

#endif
