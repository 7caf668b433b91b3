/* The world's clock and queue of events: one event a step, in the order of their times, then of their making. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/parts.h"

uint64_t world_random(struct world *world, uint64_t below)
{
    world->random ^= world->random << 13;
    world->random ^= world->random >> 7;
    world->random ^= world->random << 17;
    return world->random % below;
}

/* ---- items ---------------------------------------------------------------------------------------------------------- */

struct world_item *world_item_new(struct world *world, size_t body)
{
    struct world_item *item = world->spare;
    if (item == NULL)
        item = calloc(1, sizeof(*item));
    else
        world->spare = item->next;
    uint8_t *bytes = item->body;
    size_t cap = item->body_cap, ops_cap = item->ops_cap;
    struct relay_op *ops = item->ops;
    if (body > cap || bytes == NULL) {
        free(bytes);
        cap = 2 * body + 64;
        bytes = malloc(cap);
    }
    *item = (struct world_item){.body = bytes, .body_len = body, .body_cap = cap, .ops = ops, .ops_cap = ops_cap};
    return item;
}

void world_item_free(struct world *world, struct world_item *item)
{
    item->next = world->spare;
    world->spare = item;
}

static void items_free(struct world_item *item)
{
    while (item != NULL) {
        struct world_item *next = item->next;
        free(item->body);
        free(item->ops);
        free(item);
        item = next;
    }
}

/* ---- queue ---------------------------------------------------------------------------------------------------------- */

bool world_before(const struct world_due *a, const struct world_due *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void sift_up(struct world *world, struct world_due due)
{
    if (world->queue_len == world->queue_cap) {
        world->queue_cap = 2 * world->queue_cap + 64;
        world->queue = reallocarray(world->queue, world->queue_cap, sizeof(*world->queue));
    }
    size_t at = world->queue_len++;
    while (at > 0 && world_before(&due, &world->queue[(at - 1) / 2])) {
        world->queue[at] = world->queue[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    world->queue[at] = due;
}

void world_push(struct world *world, struct world_item *item, uint64_t delay)
{
    sift_up(world, (struct world_due){world->now + delay, world->order++, item});
}

static struct world_due pop(struct world *world)
{
    struct world_due top = world->queue[0], last = world->queue[--world->queue_len];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= world->queue_len)
            break;
        if (child + 1 < world->queue_len && world_before(&world->queue[child + 1], &world->queue[child]))
            child++;
        if (!world_before(&world->queue[child], &last))
            break;
        world->queue[at] = world->queue[child];
        at = child;
    }
    world->queue[at] = last;
    return top;
}

struct world_item *world_post(struct world *world, uint64_t delay, enum world_item_type type, uint16_t relay,
                              struct bytes body)
{
    struct world_item *item = world_item_new(world, body.len);
    item->type = type;
    item->relay = relay;
    item->life = relay < world->relays_len ? world->relays[relay].life : 0;
    if (body.len)
        memcpy(item->body, body.data, body.len);
    world_push(world, item, delay);
    return item;
}

/* ---- running --------------------------------------------------------------------------------------------------------- */

/* When this event can be taken at the earliest: a stopped process and a disk that holds its commits let it wait. */
static uint64_t waits_until(const struct world *world, const struct world_item *item)
{
    if (item->type == WORLD_BLOCK)
        return 0;
    const struct world_relay *relay = &world->relays[item->relay];
    return item->type == WORLD_COMMIT && relay->disk.held ? world->now + 10 : relay->frozen_until;
}

static void item_do(struct world *world, struct world_item *item)
{
    struct world_relay *relay = item->type == WORLD_BLOCK ? NULL : &world->relays[item->relay];
    if (relay != NULL && (relay->core == NULL || relay->life != item->life))
        return;
    bool starts = item->type == WORLD_SOURCE_START || item->type == WORLD_SIGNER_START;
    if (starts && !relay_core_ready(relay->core)) {
        world_post(world, 10, item->type, item->relay, (struct bytes){NULL, 0})->source = item->source;
        return;
    }
    switch (item->type) {
    case WORLD_TICK: world_tick(world, item->relay); return;
    case WORLD_EVENT: world_event_feed(world, item); return;
    case WORLD_COMMIT: world_disk_commit(world, item); return;
    case WORLD_LOAD: world_disk_loaded(world, item); return;
    case WORLD_BLOCK:
        world_chain_block(world, item->source);
        world_post(world, MODEL_BLOCK_MS, WORLD_BLOCK, world->relays_len, (struct bytes){NULL, 0})->source =
            item->source;
        return;
    case WORLD_TO_SOURCE:
        if (relay->sources[item->source].life == item->source_life)
            world_source_take(world, item->relay, item->source, (struct bytes){item->body, item->body_len});
        return;
    case WORLD_SIGN:
        if (relay->signer_up)
            world_sign(world, item->relay, (struct bytes){item->body, item->body_len});
        return;
    case WORLD_SIGNER_START: world_signer_start(world, item->relay); return;
    case WORLD_SOURCE_START: world_source_start(world, item->relay, item->source); return;
    }
}

bool world_step(struct world *world, uint64_t end)
{
    if (world->queue_len == 0 || world->queue[0].at > end)
        return false;
    struct world_due due = pop(world);
    world->now = due.at;
    world->steps++;
    if (due.at < waits_until(world, due.item)) {
        due.at = waits_until(world, due.item); /* the order stays: what waited comes at once, as it came */
        sift_up(world, due);
        return true;
    }
    item_do(world, due.item);
    world_item_free(world, due.item);
    return true;
}

void world_run(struct world *world, uint64_t ms)
{
    uint64_t end = world->now + ms;
    while (world_step(world, end))
        ;
    world->now = end;
}

/* ---- beginning and end ------------------------------------------------------------------------------------------------ */

struct world *world_new_shaped(uint64_t seed, const struct world_shape *shape)
{
    struct world *world = calloc(1, sizeof(*world));
    world->random = seed * 2654435761 + 88172645463325252;
    world->shape = *shape;
    world->relays_len = (uint16_t)(shape->west + shape->middle + shape->east);
    world->logs_len = (uint16_t)(shape->lanes * 3);
    world->trace = getenv("ISTHMUS_WORLD_TRACE") != NULL;
    world->scratch = malloc(sizeof(*world->scratch));
    assert(world->relays_len <= WORLD_RELAYS_MAX && shape->west <= WORLD_SIDE_MAX && shape->east <= WORLD_SIDE_MAX);
    world_network_make(world);
    model_init(&world->model, &world->network);
    for (uint16_t chain = 0; chain < MODEL_CHAINS; chain++)
        world_post(world, 500 + 100u * chain, WORLD_BLOCK, world->relays_len, (struct bytes){NULL, 0})->source = chain;
    return world;
}

struct world *world_new(uint64_t seed)
{
    return world_new_shaped(seed, &WORLD_SCENE);
}

void world_start_all(struct world *world)
{
    for (uint16_t i = 0; i < world->relays_len; i++)
        world_start(world, i);
}

void world_free(struct world *world)
{
    world->watcher = (struct world_watcher){0};
    for (uint16_t i = 0; i < world->relays_len; i++) {
        world_kill(world, i);
        world_store_clear(world, i);
    }
    for (size_t i = 0; i < world->queue_len; i++)
        world_item_free(world, world->queue[i].item);
    for (size_t i = 0; i < MODEL_CHAINS; i++)
        items_free(world->calls[i]);
    items_free(world->spare);
    free(world->queue);
    free(world->scratch);
    free(world->network.logs);
    free(world->next.network.logs);
    model_fini(&world->model);
    free(world);
}

void world_send_living(struct world *world, uint16_t lane, size_t count, size_t len, uint64_t life)
{
    uint8_t *payload = malloc(len + 1);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < len; j++)
            payload[j] = (uint8_t)(j + i + lane);
        model_send(&world->model, lane, payload, len, life);
    }
    free(payload);
}

void world_send(struct world *world, uint16_t lane, size_t count, size_t len)
{
    world_send_living(world, lane, count, len, 3600);
}

void world_send_all(struct world *world, size_t count)
{
    for (uint16_t lane = 0; lane < world->shape.lanes; lane++)
        world_send(world, lane, count, 40 + 10 * lane);
}
