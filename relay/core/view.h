/*
 * A message's whole story as this relay knows it (I5): what happened, what it waits for, who can act. The edge adds what
 * the store still has of messages that are settled and pruned (relay/edge).
 */
#ifndef RELAY_CORE_VIEW_H
#define RELAY_CORE_VIEW_H

#include "relay/core/core.h"

enum { RELAY_EXPLAIN_SIGNERS_MAX = 64 };

struct relay_explain {
    uint16_t lane;
    uint64_t sequence;
    bool seen;          /* a source or a signed head named it */
    bool stored;        /* its record is (or was) here, durable */
    uint64_t stored_at; /* ms, Unix */
    uint16_t from_peer; /* relay that brought it; RELAY_NO_SOURCE: our own source */
    bool proven;        /* this relay proved it itself */
    bool attested;      /* our operator signed past it */
    bool certified;
    uint64_t certified_head;                     /* the certified head that covers it, 0 none */
    uint16_t signers[RELAY_EXPLAIN_SIGNERS_MAX]; /* operator numbers over the first head that covers it */
    size_t signers_len;
    uint16_t quorum;
    bool delivered; /* the inbox accepted it, as this relay's source shows at the newest block */
    bool settled;
    bool pruned;    /* its record is gone from here; the skeleton has its digest and outcome */
    uint8_t status; /* docs/formats.md section 4; 0 unknown here */
    uint32_t reason;
    uint8_t digest[32];                                             /* zero when unknown here */
    enum relay_cause cause;                                         /* what it waits for; NONE when settled */
    uint64_t since;                                                 /* ms, monotonic */
    uint16_t waits_for_operator, waits_for_source, waits_for_relay; /* as in struct relay_log_view */
};

/* False: no such lane, or the sequence was never heard of here (out is still filled as far as known). */
bool relay_core_explain(const struct relay_core *core, uint16_t lane, uint64_t sequence, struct relay_explain *out);

#endif
