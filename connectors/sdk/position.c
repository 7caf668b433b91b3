/*
 * Positions (position.h).
 */
#include "connectors/sdk/position.h"

#include <stdlib.h>
#include <string.h>

void sdk_positions_init(struct sdk_positions *positions, const struct sdk_position_chain *chain)
{
    *positions = (struct sdk_positions){.chain = *chain};
}

void sdk_positions_fini(struct sdk_positions *positions)
{
    free(positions->list);
}

struct sdk_position *sdk_position_find(struct sdk_positions *positions, uint64_t serial)
{
    for (size_t i = 0; i < positions->len; i++)
        if (positions->list[i].serial == serial)
            return &positions->list[i];
    return NULL;
}

void sdk_positions_unwatch(struct sdk_positions *positions, uint32_t id)
{
    for (size_t i = 0; i < positions->len; i++) {
        if (positions->list[i].id == id) {
            positions->list[i] = positions->list[--positions->len];
            return;
        }
    }
}

static bool add(struct sdk_positions *positions, const struct sdk_position *position)
{
    if (positions->len == positions->cap) {
        const size_t cap = positions->cap ? positions->cap * 2 : 64;
        struct sdk_position *grown = cap <= SDK_POSITIONS_MAX ? realloc(positions->list, cap * sizeof *grown) : NULL;
        if (!grown)
            return false;
        positions->list = grown;
        positions->cap = cap;
    }
    positions->list[positions->len++] = *position;
    return true;
}

void sdk_positions_watch(struct sdk_positions *positions, const struct connector_position *message)
{
    const struct sdk_position_chain *chain = &positions->chain;
    const struct sdk_position position = {.id = message->watch,
                                          .serial = ++positions->serial,
                                          .kind = (enum connector_log_kind)message->kind,
                                          .lane = message->lane};
    const char *why = chain->refuse(chain->context, position.kind);
    sdk_positions_unwatch(positions, message->watch);
    if (!why && !add(positions, &position))
        why = "too many positions";
    if (why)
        connector_cannot_watch(chain->connector, CONNECTOR_POSITION, message->watch, why);
    sdk_positions_pump(positions);
}

void sdk_positions_stale(struct sdk_positions *positions)
{
    for (size_t i = 0; i < positions->len; i++)
        positions->list[i].fresh = false;
}

void sdk_positions_look(struct sdk_positions *positions)
{
    for (size_t i = 0; i < positions->len; i++) {
        struct sdk_position *position = &positions->list[i];
        position->fresh = position->fresh && !position->unread;
        position->unread = false;
    }
}

void sdk_position_miss(struct sdk_position *position)
{
    position->busy = position->fresh = false;
}

void sdk_position_unread(struct sdk_position *position)
{
    position->busy = false;
    position->unread = true;
}

void sdk_position_tell(struct sdk_positions *positions, struct sdk_position *position,
                       const struct connector_position_is *now)
{
    const struct connector_position_is *last = &position->last;
    position->busy = false;
    if (position->told && now->accepted == last->accepted && now->decided == last->decided &&
        now->undecided == last->undecided && memcmp(now->running, last->running, 32) == 0)
        return;
    const struct connector_message message = {.type = CONNECTOR_POSITION_IS, .position_is = *now};
    if (connector_send(positions->chain.connector, &message) != SDK_SENT) {
        position->fresh = false; /* `drained` reads it again */
        return;
    }
    position->told = true;
    position->last = *now;
}

void sdk_positions_pump(struct sdk_positions *positions)
{
    const struct sdk_position_chain *chain = &positions->chain;
    struct sdk_position_batch *batch = NULL;
    size_t next = 0;
    if (!chain->ready(chain->context))
        return;
    for (size_t i = 0; i < positions->len && (!batch || batch->len < chain->batch_max); i++) {
        const size_t at = (positions->cursor + i) % positions->len;
        struct sdk_position *position = &positions->list[at];
        if (position->busy || position->fresh)
            continue;
        if (!batch && !(batch = calloc(1, sizeof *batch)))
            return;
        position->busy = position->fresh = true;
        batch->serials[batch->len++] = position->serial;
        next = at + 1;
    }
    if (!batch)
        return;
    positions->cursor = next;
    batch->context = chain->context;
    chain->ask(chain->context, batch);
}
