/*
 * What the store still knows of a message whose record is pruned (I5): digest, outcome, when it came and from whom. The core
 * keeps none of that in memory.
 */
#ifndef RELAY_EDGE_EXPLAIN_H
#define RELAY_EDGE_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/core/view.h"
#include "relay/store/store.h"

/* Completes explain, whose `pruned` is set, from the skeleton of its message log (log id). *settled_at: ms, Unix. Reads a
 * few rows from a snapshot. False, and nothing changed: the store has none, or cannot be read. */
bool edge_explain_pruned(struct relay_explain *explain, uint64_t *settled_at, struct store *store,
                         const uint8_t log[32]);

#endif
