/* Looking at the world: conditions to wait for, and marks for people. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/world.h"

void world_wrong(struct world *world, const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (world->watcher.wrong != NULL) {
        world->watcher.wrong(world->watcher.context, text);
        return;
    }
    fprintf(stderr, "the world, at %llu ms: %s\n", (unsigned long long)world->now, text);
    abort();
}

bool world_delivered(struct world *world)
{
    for (size_t i = 0; i < world->shape.lanes; i++) {
        if (world->model.lanes[i].outcomes.count < world->model.lanes[i].messages.count)
            return false;
    }
    return true;
}

bool world_settled(struct world *world)
{
    for (size_t i = 0; i < world->shape.lanes; i++) {
        if (!model_lane_settled(&world->model.lanes[i]))
            return false;
    }
    return true;
}

struct relay_log_view world_view(const struct world *world, uint16_t relay, uint16_t lane, uint8_t kind)
{
    struct relay_log_view view = {0};
    if (world->relays[relay].core != NULL)
        relay_core_log_view(world->relays[relay].core, lane, kind, &view);
    return view;
}

bool world_relay_quiet(const struct world *world, uint16_t relay)
{
    for (uint16_t lane = 0; lane < world->shape.lanes && world->relays[relay].core != NULL; lane++) {
        uint64_t count = world->model.lanes[lane].messages.count;
        if (world->model.lanes[lane].closed_outbox)
            continue; /* what is beyond its end has no outcome, so nobody ever forgets it */
        struct relay_log_view messages = world_view(world, relay, lane, 1),
                              outcomes = world_view(world, relay, lane, 2);
        if (messages.settled < count || messages.window_used > 0 || outcomes.window_used > 0 ||
            world_view(world, relay, lane, 3).certified < count)
            return false;
    }
    return true;
}

bool world_quiet(struct world *world)
{
    bool quiet = world_settled(world);
    for (uint16_t relay = 0; quiet && relay < world->relays_len; relay++)
        quiet = world_relay_quiet(world, relay);
    return quiet;
}

size_t world_rows(const struct world *world, uint16_t relay, enum store_family family, struct bytes prefix)
{
    struct store *store = world->relays[relay].disk.store;
    struct store_snapshot *snapshot = store->ops->snapshot_new(store);
    struct store_cursor *cursor = store->ops->cursor_new(snapshot, family, (struct store_view){prefix.data, prefix.len},
                                                         (struct store_view){NULL, 0});
    size_t count = 0;
    for (; store->ops->cursor_valid(cursor); store->ops->cursor_next(cursor)) {
        struct store_view key = store->ops->cursor_key(cursor);
        if (key.len < prefix.len || (prefix.len && memcmp(key.data, prefix.data, prefix.len) != 0))
            break;
        count++;
    }
    store->ops->cursor_free(cursor);
    store->ops->snapshot_free(snapshot);
    return count;
}

/* Only what is not at its end: a whole network is a long table. */
void world_print(const struct world *world)
{
    printf("at %llu ms, heights %llu %llu, %u calls rejected\n", (unsigned long long)world->now,
           (unsigned long long)world->model.height[0], (unsigned long long)world->model.height[1],
           world->model.rejected);
    for (uint16_t lane = 0; lane < world->shape.lanes; lane++) {
        const struct model_lane *model = &world->model.lanes[lane];
        uint64_t sent = model->messages.count;
        printf("lane %u: sent %llu accepted %llu decided %zu taken %llu\n", lane, (unsigned long long)sent,
               (unsigned long long)model->accepted, model->outcomes.count,
               (unsigned long long)(model->taken_len ? model->taken[model->taken_len - 1].number : 0));
        for (uint16_t relay = 0; relay < world->relays_len; relay++) {
            if (world->relays[relay].core != NULL && relay_core_halted(world->relays[relay].core))
                printf("  relay %u is halted\n", relay);
            for (uint8_t kind = 1; kind <= 3; kind++) {
                struct relay_log_view view = world_view(world, relay, lane, kind);
                if (view.certified == sent && (view.settled == sent || kind > 1) && view.window_used == 0)
                    continue;
                printf(
                    "  relay %u %u: proven %llu stored %llu attested %llu certified %llu delivered %llu settled %llu "
                    "seen %llu window %llu: %s\n",
                    relay, kind, (unsigned long long)view.proven, (unsigned long long)view.stored,
                    (unsigned long long)view.attested, (unsigned long long)view.certified,
                    (unsigned long long)view.delivered, (unsigned long long)view.settled,
                    (unsigned long long)view.newest_seen, (unsigned long long)view.window_used,
                    relay_cause_text(view.cause));
            }
        }
    }
    fflush(stdout);
}
