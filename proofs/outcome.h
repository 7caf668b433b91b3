/*
 * Outcomes (docs/formats.md §4): what the inbox decided, entry by entry. Nothing here allocates.
 */
#ifndef ISTHMUS_PROOFS_OUTCOME_H
#define ISTHMUS_PROOFS_OUTCOME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proofs/codec/bytes.h"
#include "proofs/proof.h"
#include "proofs/suite.h"

enum proof_outcome_status {
    PROOF_OUTCOME_NONE = 0,
    PROOF_OUTCOME_DONE = 1,
    PROOF_OUTCOME_FAILED = 2,
    PROOF_OUTCOME_EXPIRED = 3,
    PROOF_OUTCOME_WITHHELD = 4,
    PROOF_OUTCOME_STRUCK = 5,
    PROOF_OUTCOME_VOID = 6, /* shown by an outbox beyond a closing record; never in a record or an entry */
};

/* §4 reasons of done, failed and expired; withheld and struck carry the number of their rule. */
enum proof_outcome_reason {
    PROOF_OUTCOME_REASON_NONE = 0,
    PROOF_OUTCOME_REASON_REVERTED = 1,
    PROOF_OUTCOME_REASON_OUT_OF_GAS = 2,
    PROOF_OUTCOME_REASON_NO_CODE = 3,
    PROOF_OUTCOME_REASON_FORBIDDEN_RECEIVER = 4,
    PROOF_OUTCOME_REASON_DEADLINE_PASSED = 5,
};

/* "done", "failed", "expired", "withheld", "struck", "void"; "none" for anything else. Static storage. */
const char *proof_outcome_status_name(enum proof_outcome_status status);

struct proof_outcome {
    uint64_t sequence; /* of the message, from 1 */
    uint8_t digest[32];
    enum proof_outcome_status status;
    uint32_t reason;
};

#define PROOF_OUTCOME_RECORD_BYTES 45

/* Reads one record at the cursor. Refuses truncation, sequence 0, a status other than 1..5, an unset digest; then the
 * outcome is zeroed, the cursor has failed, and result says why (RECORD_*). */
bool proof_outcome_read(struct proof_outcome *outcome, struct codec_reader *reader, struct proof_result *result);

/* Writes the record; false (the writer has failed) when it does not fit or when proof_outcome_read would refuse it. */
bool proof_outcome_write(struct codec_writer *writer, const struct proof_outcome *outcome);

/* §4 entry: what the outcome log's running hash takes in. */
void proof_outcome_entry(uint8_t out[32], enum proof_suite suite, const struct proof_outcome *outcome);

/* The entries of many outcomes, side by side where the processor can. */
void proof_outcome_entries(uint8_t (*out)[32], enum proof_suite suite, const struct proof_outcome *outcomes,
                           size_t count);

#endif
