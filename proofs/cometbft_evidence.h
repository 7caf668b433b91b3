/*
 * Evidence of a CometBFT chain, as connectors bring it (docs/connector-protocol.md, message 12, kind ics23): a header that follows from what this
 * relay trusts, and under its app hash an ICS-23 proof for every log. DESIGN section 6, row "header by light client + slot proof". The counterpart of
 * proofs/eth_evidence.h; but no source has to be believed, so nothing needs to be agreed on.
 *
 * Height bundle: msgpack [1, header, commit, validators, next validators], each bin, protobuf as proofs/codec/cometbft.h reads it; next validators
 * empty where the header announces the set that it has.
 * Log proof: msgpack [account b32, [[op, ...], ...]]: for each log, in order, CommitmentProofs from the key up: one where the app hash is the root of
 * one IAVL tree, two under a multistore. Which, is configuration.
 * A log's head lies under "head/" || account || log id: number (8 bytes, big-endian) || running hash (32).
 */
#ifndef ISTHMUS_PROOFS_COMETBFT_EVIDENCE_H
#define ISTHMUS_PROOFS_COMETBFT_EVIDENCE_H

#include "proofs/cometbft_trust.h"
#include "proofs/ics23.h"

enum {
    PROOF_COMETBFT_EVIDENCE_LOGS_MAX = 64,
    PROOF_COMETBFT_LOG_KEY_BYTES = 5 + 32 + 32,
    PROOF_COMETBFT_LOG_VALUE_BYTES = 8 + 32,
};

/* A log whose running hash is wanted: trusted configuration, never taken from the evidence. */
struct proof_cometbft_log_place {
    uint8_t log[32]; /* log id of its kind */
    uint8_t kind;    /* 1, 2, 3: docs/formats.md section 2 */
};

/* Where an application keeps its logs, from the network document. */
struct proof_cometbft_app {
    uint8_t account[32]; /* outbox or inbox */
    struct bytes store;  /* name of its store in the multistore; empty where there is one tree */
};

/* What was proven: under the header of this height these logs stood at these running hashes. It is the state after height - 1. */
struct proof_cometbft_evidence_fact {
    uint64_t height;
    uint64_t time; /* Unix seconds, as the EVM fact has it */
    uint8_t header_hash[32];
    struct bytes
        next_validators; /* view into the height bundle: to be kept beside the trust, for the next step from it */
    size_t logs_len;
    struct {
        uint8_t log[32];
        uint8_t kind;
        uint8_t running[32]; /* all zero: the key is absent, the log has no entry yet */
        uint64_t number;     /* 0 when absent */
    } logs[PROOF_COMETBFT_EVIDENCE_LOGS_MAX];
};

/* A height bundle, read. */
struct proof_cometbft_height {
    struct cometbft_parts block;
    struct bytes next_validators; /* of the height after it: those of the block itself where the bundle has none */
};

/* Reads a height bundle; false when it is not well formed. Says nothing about what is in it. */
bool proof_cometbft_height_read(struct proof_cometbft_height *out, struct bytes bundle);

void proof_cometbft_log_key(uint8_t key[PROOF_COMETBFT_LOG_KEY_BYTES], const uint8_t account[32],
                            const uint8_t log[32]);

/* One step of *trust to the header of a height bundle, which travels by itself, too (message 10). next_validators: the set kept from the bundle that
 * brought trust here; not looked at when the step is to the next height. On PROOF_VALID *next is the set to keep from now on, and its hash was
 * checked. A bundle of the header that is trusted already is PROOF_VALID and changes nothing. */
enum proof_verdict proof_cometbft_height_verify(struct proof_result *result, struct bytes *next,
                                                struct proof_cometbft_trust *trust, struct proof_cometbft_space *space,
                                                struct bytes next_validators, struct bytes bundle,
                                                const struct proof_cometbft_options *options);

/* The same, and a proof for every place, in order, under the app hash of the header. On PROOF_VALID *trust is at fact->height, and the caller stores it
 * with fact->next_validators before it acts on the fact; otherwise it is unchanged. PROOF_NOT_ENOUGH_TRUST: the header is too far from where this
 * relay stands; ask for one in between (proof_cometbft_bisect_begin). result->at: 1000 and the index of the log, when a proof fails. */
enum proof_verdict
proof_cometbft_evidence_verify(struct proof_result *result, struct proof_cometbft_evidence_fact *fact,
                               struct proof_cometbft_trust *trust, struct proof_cometbft_space *space,
                               struct bytes next_validators, const struct proof_cometbft_app *app,
                               const struct proof_cometbft_log_place *places, size_t places_len, struct bytes bundle,
                               struct bytes log_proof, const struct proof_cometbft_options *options);

#endif
