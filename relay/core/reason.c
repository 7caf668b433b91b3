/* Names of reasons and causes. */
#include "relay/core/reason.h"

#include "relay/core/core.h"

static const char *const NAMES[] = {
#define X(name, text) text,
    RELAY_REASONS(X)
#undef X
};

const char *relay_reason_text(unsigned reason)
{
    return reason < RELAY_REASON_COUNT ? NAMES[reason] : "unknown";
}

unsigned relay_reason_count(void)
{
    return RELAY_REASON_COUNT;
}

const char *relay_cause_text(enum relay_cause cause)
{
    switch (cause) {
    case RELAY_CAUSE_NONE: return "moving";
    case RELAY_CAUSE_LOADING: return "loading pending state from the store";
    case RELAY_CAUSE_SOURCE_DOWN: return "too few sources of the home chain are up";
    case RELAY_CAUSE_SOURCES_DISAGREE: return "too few independent sources agree on a header";
    case RELAY_CAUSE_EVIDENCE: return "messages seen, proof not yet";
    case RELAY_CAUSE_WINDOW_FULL: return "window full: waits for settlement";
    case RELAY_CAUSE_SIGNER: return "waits for this relay's signer";
    case RELAY_CAUSE_RECORDS: return "a signed head is known, its records are not here yet";
    case RELAY_CAUSE_QUORUM: return "too few operators signed the next head";
    case RELAY_CAUSE_TURN: return "another relay's turn to submit";
    case RELAY_CAUSE_SUBMITTING: return "submitted to the chain, not accepted yet";
    case RELAY_CAUSE_RECEIVER: return "the receiver fails: retried until the deadline";
    case RELAY_CAUSE_OUTCOME: return "delivered here or elsewhere, outcome not certified yet";
    case RELAY_CAUSE_FROZEN: return "frozen: a contradiction needs a person";
    case RELAY_CAUSE_PAUSED: return "paused by the network document";
    case RELAY_CAUSE_DISK: return "the disk is nearly full: no new messages are taken";
    }
    return "unknown";
}
