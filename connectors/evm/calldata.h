/*
 * Calls of the contracts, ABI encoded: views that are asked, and submissions built from a submit message.
 */
#ifndef CONNECTORS_EVM_CALLDATA_H
#define CONNECTORS_EVM_CALLDATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proofs/codec/bytes.h"
#include "proofs/codec/connector.h"

enum { EVM_CALL_MAX = 68 };

/* Views of one or two words: writes selector and arguments, returns the length. */
size_t evm_call_state(uint8_t out[EVM_CALL_MAX], const uint8_t lane[32]);                      /* inbox and outbox */
size_t evm_call_accepted(uint8_t out[EVM_CALL_MAX], const uint8_t message_log[32]);            /* inbox */
size_t evm_call_settlement(uint8_t out[EVM_CALL_MAX], const uint8_t settlement_log[32]);       /* outbox */
size_t evm_call_pending(uint8_t out[EVM_CALL_MAX], const uint8_t lane[32], uint64_t sequence); /* inbox */

/* Calldata of a submission, malloc'ed. at_outbox: it goes to the outbox (settle, or the closing record of a lane that
 * begins here). NULL, and *wrong a static text, when the submission makes no sense. */
uint8_t *evm_call_submission(size_t *len, const struct connector_submit *submit, bool at_outbox, const char **wrong);

/* The number that the target contract has reached when the submission has done its work: head, ruling or settled
 * count for actions 1 and 2, the sequence for 3 and 4, 0 for 5. */
uint64_t evm_call_goal(const struct connector_submit *submit);

#endif
