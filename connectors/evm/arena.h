/*
 * Memory that lives as long as one answer of the endpoint: handed out in pieces, freed at once.
 */
#ifndef CONNECTORS_EVM_ARENA_H
#define CONNECTORS_EVM_ARENA_H

#include <stddef.h>

struct evm_arena_block;

/* Zeroed is empty. */
struct evm_arena {
    struct evm_arena_block *blocks;
};

/* Zeroed memory of count * size bytes, aligned for anything; NULL when there is none. */
void *evm_arena_take(struct evm_arena *arena, size_t count, size_t size);
void evm_arena_fini(struct evm_arena *arena);

#endif
