/*
 * Memory that lives as long as one answer of the endpoint: handed out in pieces, freed at once.
 */
#ifndef CONNECTORS_SDK_ARENA_H
#define CONNECTORS_SDK_ARENA_H

#include <stddef.h>

struct sdk_arena_block;

/* Zeroed is empty. */
struct sdk_arena {
    struct sdk_arena_block *blocks;
};

/* Zeroed memory of count * size bytes, aligned for anything; NULL when there is none. */
void *sdk_arena_take(struct sdk_arena *arena, size_t count, size_t size);
void sdk_arena_fini(struct sdk_arena *arena);

#endif
