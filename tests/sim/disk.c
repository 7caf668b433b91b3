/* The virtual disk under each relay's store: commits take time, are synced when they are answered, and may fail. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/parts.h"

enum { COMMIT_MS = 2, LOAD_MS = 1 };

static struct store_view view(struct bytes bytes)
{
    return (struct store_view){bytes.data, bytes.len};
}

void world_disk_write(struct world *world, uint16_t relay, const struct relay_action *action)
{
    size_t bytes = 0;
    for (size_t i = 0; i < action->ops_len; i++)
        bytes += action->ops[i].key.len + action->ops[i].value.len;
    struct world_item *item = world_item_new(world, bytes);
    if (action->ops_len > item->ops_cap) {
        item->ops_cap = 2 * action->ops_len;
        item->ops = reallocarray(item->ops, item->ops_cap, sizeof(*item->ops));
    }
    uint8_t *at = item->body;
    for (size_t i = 0; i < action->ops_len; i++) {
        struct relay_op *op = &item->ops[i];
        *op = action->ops[i];
        if (op->key.len)
            memcpy(at, op->key.data, op->key.len);
        op->key.data = at;
        at += op->key.len;
        if (op->value.len)
            memcpy(at, op->value.data, op->value.len);
        op->value.data = at;
        at += op->value.len;
    }
    item->ops_len = action->ops_len;
    item->type = WORLD_COMMIT;
    item->relay = relay;
    item->life = world->relays[relay].life;
    item->event = (struct relay_event){.type = RELAY_EVENT_COMMITTED, .id = action->id};
    struct world_disk *disk = &world->relays[relay].disk;
    uint64_t done = world->now + COMMIT_MS + disk->slow;
    disk->busy = disk->busy > done ? disk->busy : done; /* in order, however slow the one before was */
    world_push(world, item, disk->busy - world->now);
}

void world_disk_load(struct world *world, uint16_t relay, const struct relay_action *action)
{
    struct world_item *item = world_item_new(world, action->from.len + action->to.len);
    memcpy(item->body, action->from.data, action->from.len);
    if (action->to.len)
        memcpy(item->body + action->from.len, action->to.data, action->to.len);
    item->type = WORLD_LOAD;
    item->relay = relay;
    item->life = world->relays[relay].life;
    item->event.id = action->id;
    item->family = action->family;
    item->from = (struct bytes){item->body, action->from.len};
    item->to = (struct bytes){item->body + action->from.len, action->to.len};
    world_push(world, item, LOAD_MS);
}

/* One group on the platter: all of it or, when it fails, nothing. */
static void apply(struct world *world, struct world_item *item)
{
    struct store *store = world->relays[item->relay].disk.store;
    struct store_batch *batch = store->ops->batch_new(store);
    for (size_t i = 0; i < item->ops_len; i++) {
        const struct relay_op *op = &item->ops[i];
        switch (op->type) {
        case RELAY_OP_PUT: store->ops->batch_put(batch, op->family, view(op->key), view(op->value)); break;
        case RELAY_OP_DELETE: store->ops->batch_delete(batch, op->family, view(op->key)); break;
        case RELAY_OP_DELETE_RANGE:
            store->ops->batch_delete_range(batch, op->family, view(op->key), view(op->value));
            break;
        }
    }
    enum store_status status = store->ops->commit(store, batch);
    assert(status == STORE_OK);
    store->ops->batch_free(batch);
    if (world->watcher.committed != NULL)
        world->watcher.committed(world->watcher.context, item->relay, item->ops, item->ops_len);
}

void world_disk_commit(struct world *world, struct world_item *item)
{
    struct world_relay *relay = &world->relays[item->relay];
    item->event.status = relay->disk.failed ? STORE_IO : relay->disk.fails;
    if (item->event.status == STORE_OK || (relay->disk.takes_effect && !relay->disk.failed))
        apply(world, item);
    relay->disk.failed = item->event.status != STORE_OK;
    relay->committed_writes += item->event.status == STORE_OK;
    world_feed(world, item->relay, item->event);
}

void world_disk_loaded(struct world *world, struct world_item *item)
{
    const struct world_disk *disk = &world->relays[item->relay].disk;
    struct relay_event end = {.type = RELAY_EVENT_LOADED, .id = item->event.id, .done = true};
    const struct store_ops *ops = disk->store->ops;
    struct store_snapshot *snapshot = ops->snapshot_new(disk->store);
    struct store_cursor *cursor = ops->cursor_new(snapshot, item->family, view(item->from), view(item->to));
    if (disk->unreadable)
        end.status = STORE_IO;
    for (; !disk->unreadable && ops->cursor_valid(cursor); ops->cursor_next(cursor)) {
        struct store_view key = ops->cursor_key(cursor), value = ops->cursor_value(cursor);
        world_feed(world, item->relay,
                   (struct relay_event){.type = RELAY_EVENT_LOADED,
                                        .id = item->event.id,
                                        .family = item->family,
                                        .key = {key.data, key.len},
                                        .body = {value.data, value.len}});
    }
    ops->cursor_free(cursor);
    ops->snapshot_free(snapshot);
    world_feed(world, item->relay, end);
}

static int by_time(const void *a, const void *b)
{
    return world_before(a, b) ? -1 : 1;
}

void world_disk_crash(struct world *world, uint16_t relay)
{
    struct world_relay *state = &world->relays[relay];
    size_t kept = 0, writes = 0, count = world->queue_len;
    struct world_due *items = world->queue;
    qsort(items, count, sizeof(*items), by_time); /* a sorted array is a heap */
    for (size_t i = 0; i < count; i++)
        writes +=
            items[i].item->type == WORLD_COMMIT && items[i].item->relay == relay && items[i].item->life == state->life;
    size_t written = writes ? world_random(world, writes + 1) : 0;
    for (size_t i = 0; i < count; i++) {
        struct world_item *item = items[i].item;
        bool gone = item->relay == relay && (item->type == WORLD_COMMIT || item->event.job != NULL);
        if (!gone) {
            items[kept++] = items[i];
            continue;
        }
        if (item->event.job != NULL) /* a job is the core's to free */
            relay_core_step(state->core, &item->event);
        if (item->type == WORLD_COMMIT && item->life == state->life) {
            /* What a torn record holds fails its checksum: the log ends before it, as if it had never been written. */
            if (written > 0 && state->disk.fails == STORE_OK && !state->disk.failed &&
                !(state->disk.torn && written == 1))
                apply(world, item);
            written -= written > 0;
        }
        world_item_free(world, item);
    }
    world->queue_len = kept;
    state->disk.torn = state->disk.failed = false;
}

void world_store_clear(struct world *world, uint16_t relay)
{
    struct world_relay *state = &world->relays[relay];
    assert(state->core == NULL);
    if (state->disk.store != NULL)
        state->disk.store->ops->close(state->disk.store);
    state->disk.store = NULL;
}

struct store *world_store_copy(const struct world *world, uint16_t relay)
{
    struct store *from = world->relays[relay].disk.store, *to = from == NULL ? NULL : store_memory_new();
    if (to == NULL)
        return NULL;
    struct store_snapshot *snapshot = from->ops->snapshot_new(from);
    struct store_batch *batch = to->ops->batch_new(to);
    for (int family = STORE_META; family < STORE_FAMILIES; family++) {
        struct store_cursor *cursor =
            from->ops->cursor_new(snapshot, (enum store_family)family, (struct store_view){(const uint8_t *)"", 1},
                                  (struct store_view){NULL, 0});
        for (; from->ops->cursor_valid(cursor); from->ops->cursor_next(cursor))
            to->ops->batch_put(batch, (enum store_family)family, from->ops->cursor_key(cursor),
                               from->ops->cursor_value(cursor));
        from->ops->cursor_free(cursor);
    }
    enum store_status status = to->ops->commit(to, batch);
    assert(status == STORE_OK);
    to->ops->batch_free(batch);
    from->ops->snapshot_free(snapshot);
    return to;
}
