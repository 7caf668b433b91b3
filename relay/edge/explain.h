/*
 * One message, as it is told to people. Of one whose record is pruned the store still knows digest, outcome, when it came and
 * from whom (I5); the core keeps none of that in memory.
 */
#ifndef RELAY_EDGE_EXPLAIN_H
#define RELAY_EDGE_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/core/view.h"
#include "relay/store/store.h"

/* What became of one message, from core and store; `log`: id of the lane's message log. *settled_at: ms, Unix, 0: not settled, or
 * not known. False: the core knows nothing of it. */
bool edge_explain(struct relay_explain *out, uint64_t *settled_at, const struct relay_core *core, uint16_t lane,
                  uint64_t sequence, struct store *store, const uint8_t log[32]);

/* The furthest that it has come: "settled", "delivered" … "seen", "unknown". */
const char *edge_explain_stage(const struct relay_explain *explain);

/* Completes explain, whose `pruned` is set, from the skeleton of its message log (log id). *settled_at: ms, Unix. Reads a
 * few rows from a snapshot. False, and nothing changed: the store has none, or cannot be read. */
bool edge_explain_pruned(struct relay_explain *explain, uint64_t *settled_at, struct store *store,
                         const uint8_t log[32]);

/* The lane of a name, or of an id in hex; negative: there is none. */
int edge_explain_lane(const struct topology_network *network, const char *name);

/* True when a filter, "lane" or "lane/sequence", names a lane that there is. */
bool edge_explain_about_lane(const struct topology_network *network, const char *filter);

enum { EDGE_EXPLAIN_LANES_MAX = 512 };

/* Says that there is no lane of this name, and which ones there are: whoever mistyped it need not ask again. */
void edge_explain_lanes(char out[EDGE_EXPLAIN_LANES_MAX], const struct topology_network *network, const char *name);

#endif
