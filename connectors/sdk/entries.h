/*
 * The entries that one block holds for one watch: gathered from what the node shows, each checked to lead on from the one before it, and
 * sent as records.
 */
#ifndef CONNECTORS_SDK_ENTRIES_H
#define CONNECTORS_SDK_ENTRIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "connectors/sdk/arena.h"
#include "connectors/sdk/watch.h"

/* Lives as long as the answer whose arena it uses. */
struct sdk_entries {
    struct sdk_arena *arena;
    const struct sdk_watch *watch;
    struct bytes *records;
    uint8_t (*running)[32]; /* after each */
    size_t count, cap;
    uint64_t bytes;
    uint64_t to; /* number of the last; only settlement has more numbers than records */
    uint8_t end[32];
    bool known_end; /* the entry that the relay has already, the last before `next`, is in this block */
};

void sdk_entries_begin(struct sdk_entries *entries, const struct sdk_watch *watch, struct sdk_arena *arena);

/* Adds what one event says: entries from..to (1 <= from <= to; one record, or for settlement none), and the running hash after them.
 * NULL, or a static text when it does not lead on. Borrows record. */
const char *sdk_entries_add(struct sdk_entries *entries, uint64_t from, uint64_t to, const uint8_t running[32],
                            struct bytes record);

/* Gives the watch all that `block` holds for it, or holds it back when that is more than its credit. False: the watch goes no further
 * now, and its position is this block. */
bool sdk_entries_give(struct sdk_watches *watches, struct sdk_watch *watch, uint64_t block,
                      const struct sdk_entries *entries);

#endif
