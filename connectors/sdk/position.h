/*
 * Positions: how far the ledger here has taken the logs of other chains. Read again when there is a newer block, many in one request; only
 * what changed is told. How a position is read is the chain's.
 */
#ifndef CONNECTORS_SDK_POSITION_H
#define CONNECTORS_SDK_POSITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "connectors/sdk/sdk.h"

enum { SDK_POSITIONS_MAX = 8192, SDK_POSITIONS_ASKED_MAX = 64 /* in one request */ };

struct sdk_position {
    uint32_t id;
    uint64_t serial; /* never used twice */
    enum connector_log_kind kind;
    struct connector_lane lane;
    bool busy;   /* it is being read */
    bool fresh;  /* it was read, or is being read, since the last sdk_positions_stale */
    bool unread; /* but the answer said nothing */
    bool told;
    struct connector_position_is last;
    uint64_t searched; /* the chain's: height at which the lowest undecided one was found by looking at all */
};

/* One request for some positions, by serial. Whoever asks frees it (free) after the answer. */
struct sdk_position_batch {
    void *context;         /* of struct sdk_position_chain */
    uint64_t height, time; /* for whoever asks */
    size_t len;
    uint64_t serials[SDK_POSITIONS_ASKED_MAX];
};

struct sdk_position_chain {
    struct connector *connector;
    size_t batch_max; /* 1 … SDK_POSITIONS_ASKED_MAX */
    void *context;
    /* False: nothing may be asked now. */
    bool (*ready)(void *context);
    /* NULL, or why positions of this kind of log cannot be read here. */
    const char *(*refuse)(void *context, enum connector_log_kind kind);
    /* Asks for all of batch, which is its own from here on; batch->len is above 0, and all of its positions are busy. */
    void (*ask)(void *context, struct sdk_position_batch *batch);
};

struct sdk_positions {
    struct sdk_position_chain chain;
    struct sdk_position *list;
    size_t len, cap;
    size_t cursor; /* where the search for the next ones begins: no position is always last */
    uint64_t serial;
};

void sdk_positions_init(struct sdk_positions *positions, const struct sdk_position_chain *chain);
void sdk_positions_fini(struct sdk_positions *positions);
void sdk_positions_watch(struct sdk_positions *positions, const struct connector_position *message);
void sdk_positions_unwatch(struct sdk_positions *positions, uint32_t id);
/* There is a newer block: all are read again. */
void sdk_positions_stale(struct sdk_positions *positions);
/* Now and then, newer block or not: those whose answer said nothing are read again, as a node behind a balancer may have lagged. */
void sdk_positions_look(struct sdk_positions *positions);
void sdk_positions_pump(struct sdk_positions *positions);

/* NULL when it is gone or was set anew meanwhile. */
struct sdk_position *sdk_position_find(struct sdk_positions *positions, uint64_t serial);
/* What was read: told when it is not what was told last. */
void sdk_position_tell(struct sdk_positions *positions, struct sdk_position *position,
                       const struct connector_position_is *now);
/* It could not be asked for now: again as soon as that is possible. */
void sdk_position_miss(struct sdk_position *position);
/* The answer says nothing: again with the next sdk_positions_look. */
void sdk_position_unread(struct sdk_position *position);

#endif
