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
    case RELAY_CAUSE_HEARING: return "just started: signs nothing before it heard from peers what was signed";
    case RELAY_CAUSE_RECORDS: return "a signed head is known, its records are not here yet";
    case RELAY_CAUSE_QUORUM: return "too few operators signed the next head";
    case RELAY_CAUSE_TURN: return "another relay's turn to submit";
    case RELAY_CAUSE_SUBMITTING: return "submitted to the chain, not accepted yet";
    case RELAY_CAUSE_RECEIVER: return "the receiver fails: retried until the deadline";
    case RELAY_CAUSE_OUTCOME: return "delivered here or elsewhere, outcome not certified yet";
    case RELAY_CAUSE_FROZEN: return "frozen: a contradiction needs a person";
    case RELAY_CAUSE_PAUSED: return "paused by the network document";
    case RELAY_CAUSE_DISK: return "the disk is nearly full: no new messages are taken";
    case RELAY_CAUSE_TRUST:
        return "no header of the home chain may be trusted: never begun, or its trusting period is over";
    case RELAY_CAUSE_ATTACK: return "frozen: validators of the home chain signed headers that contradict each other";
    case RELAY_CAUSE_BLOCK: return "the next block holds more of this lane than its whole window";
    }
    return "unknown";
}

const char *relay_cause_name(enum relay_cause cause)
{
    switch (cause) {
    case RELAY_CAUSE_NONE: return "none";
    case RELAY_CAUSE_LOADING: return "loading";
    case RELAY_CAUSE_SOURCE_DOWN: return "source-down";
    case RELAY_CAUSE_SOURCES_DISAGREE: return "sources-disagree";
    case RELAY_CAUSE_EVIDENCE: return "evidence";
    case RELAY_CAUSE_WINDOW_FULL: return "window-full";
    case RELAY_CAUSE_SIGNER: return "signer";
    case RELAY_CAUSE_HEARING: return "hearing";
    case RELAY_CAUSE_RECORDS: return "records";
    case RELAY_CAUSE_QUORUM: return "quorum";
    case RELAY_CAUSE_TURN: return "turn";
    case RELAY_CAUSE_SUBMITTING: return "submitting";
    case RELAY_CAUSE_RECEIVER: return "receiver";
    case RELAY_CAUSE_OUTCOME: return "outcome";
    case RELAY_CAUSE_FROZEN: return "frozen";
    case RELAY_CAUSE_PAUSED: return "paused";
    case RELAY_CAUSE_DISK: return "disk";
    case RELAY_CAUSE_TRUST: return "trust";
    case RELAY_CAUSE_ATTACK: return "attack";
    case RELAY_CAUSE_BLOCK: return "block";
    }
    return "unknown";
}

const char *relay_cause_actor(enum relay_cause cause)
{
    switch (cause) {
    case RELAY_CAUSE_NONE: return "nobody: it moves";
    case RELAY_CAUSE_LOADING: return "nobody: this relay starts";
    case RELAY_CAUSE_SOURCE_DOWN: return "this relay's operator: the node or the connector of the source";
    case RELAY_CAUSE_SOURCES_DISAGREE: return "who runs the sources' nodes: one of them lies or lags";
    case RELAY_CAUSE_EVIDENCE:
        return "nobody for some blocks (finality, then a proof); then who runs the sources' nodes";
    case RELAY_CAUSE_WINDOW_FULL: return "the destination's operators: outcomes do not come back";
    case RELAY_CAUSE_SIGNER: return "this relay's operator: its signer";
    case RELAY_CAUSE_HEARING: return "nobody for some seconds; then who runs this relay's links and sources";
    case RELAY_CAUSE_RECORDS: return "who runs the links: a relay that has the records is cut off";
    case RELAY_CAUSE_QUORUM: return "the operator named: its relay, its signer or its sources";
    case RELAY_CAUSE_TURN: return "the relay named; after its turn the next one steps in";
    case RELAY_CAUSE_SUBMITTING:
        return "nobody for some blocks; then whoever fills the gas account of the submitting source";
    case RELAY_CAUSE_RECEIVER: return "who runs the receiving contract";
    case RELAY_CAUSE_OUTCOME: return "the operators of the destination's side";
    case RELAY_CAUSE_FROZEN: return "this relay's operator with the others: read the alarm in the log first";
    case RELAY_CAUSE_PAUSED: return "the roots: the network document pauses the lane";
    case RELAY_CAUSE_DISK: return "this relay's operator: make room on the disk of the store";
    case RELAY_CAUSE_TRUST:
        return "this relay's operator: a node that has the first header, or a newer one under trust:";
    case RELAY_CAUSE_ATTACK:
        return "this relay's operator with the others: which header is true, then a new one under trust:";
    case RELAY_CAUSE_BLOCK: return "the roots: a larger window of the lane in the network document";
    }
    return "unknown";
}
