/*
 * Memory of one answer (arena.h).
 */
#include "connectors/sdk/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 64 << 10 };

struct sdk_arena_block {
    struct sdk_arena_block *next;
    size_t used, cap;
    max_align_t data[];
};

static struct sdk_arena_block *block_for(struct sdk_arena *arena, size_t bytes)
{
    struct sdk_arena_block *block = arena->blocks;
    if (block && block->cap - block->used >= bytes)
        return block;
    const size_t cap = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;
    block = malloc(sizeof *block + cap);
    if (!block)
        return NULL;
    *block = (struct sdk_arena_block){.next = arena->blocks, .cap = cap};
    arena->blocks = block;
    return block;
}

void *sdk_arena_take(struct sdk_arena *arena, size_t count, size_t size)
{
    if (size && count > (SIZE_MAX / 2) / size)
        return NULL;
    const size_t align = sizeof(max_align_t);
    const size_t bytes = (count * size + align - 1) / align * align;
    struct sdk_arena_block *block = block_for(arena, bytes);
    if (!block)
        return NULL;
    uint8_t *piece = (uint8_t *)block->data + block->used;
    block->used += bytes;
    return memset(piece, 0, bytes);
}

void sdk_arena_fini(struct sdk_arena *arena)
{
    while (arena->blocks) {
        struct sdk_arena_block *next = arena->blocks->next;
        free(arena->blocks);
        arena->blocks = next;
    }
}
