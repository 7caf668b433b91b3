/*
 * What a log waits for: a name for scripts, words for people, and who can end the wait.
 */
#ifndef RELAY_CORE_CAUSE_H
#define RELAY_CORE_CAUSE_H

enum relay_cause { /* what a log waits for: `isthmus status` says it in words (relay_cause_text) */
                   RELAY_CAUSE_NONE,
                   RELAY_CAUSE_LOADING,
                   RELAY_CAUSE_SOURCE_DOWN,      /* fewer sources up than demanded */
                   RELAY_CAUSE_SOURCES_DISAGREE, /* or too few agree */
                   RELAY_CAUSE_EVIDENCE,         /* hints seen, proof not yet */
                   RELAY_CAUSE_WINDOW_FULL,
                   RELAY_CAUSE_SIGNER,
                   RELAY_CAUSE_HEARING,    /* just started: signs nothing before peers said which heads they have */
                   RELAY_CAUSE_RECORDS,    /* an attested head is known, its records are not */
                   RELAY_CAUSE_QUORUM,     /* too few operators signed the next head */
                   RELAY_CAUSE_TURN,       /* another relay's turn to submit */
                   RELAY_CAUSE_SUBMITTING, /* sent to the chain, not final yet */
                   RELAY_CAUSE_RECEIVER,   /* ordered lane: the receiver fails, retrying */
                   RELAY_CAUSE_OUTCOME,    /* delivered; the outcome is not proven here yet */
                   RELAY_CAUSE_FROZEN,
                   RELAY_CAUSE_PAUSED,
                   RELAY_CAUSE_DISK,   /* the disk is nearly full: no new messages; what is here still settles */
                   RELAY_CAUSE_TRUST,  /* the light client of the home chain has no header that it may trust */
                   RELAY_CAUSE_ATTACK, /* validators of the home chain signed headers that contradict each other */
                   RELAY_CAUSE_BLOCK /* a block holds more for the lane than its window: nothing ends that wait here */
};

const char *relay_cause_text(enum relay_cause cause);
/* A short stable name in kebab-case, for metrics and scripts: "quorum". */
const char *relay_cause_name(enum relay_cause cause);
/* Who can end the wait, for people: "nobody: it passes by itself", "the operators named". */
const char *relay_cause_actor(enum relay_cause cause);

#endif
