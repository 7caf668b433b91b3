/* The world: clock, queue of events, relays with their stores, mesh. */
#include "tests/unit/core/world.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/core/replay.h"
#include "topology/route.h"

enum {
    TICK_MS = 50,
    COMMIT_MS = 2,
    LOAD_MS = 1,
    VERIFY_MS = 3,
    LINK_MS = 3,
    SIGN_MS = 2,
    SOURCE_MS = 1,
    SILENCE_MS = 5000,
    ASK_PATIENCE_MS = 2000,
    SOURCE_RESTART_MS = 1000
};

uint64_t world_random(struct world *world, uint64_t below)
{
    world->random ^= world->random << 13;
    world->random ^= world->random >> 7;
    world->random ^= world->random << 17;
    return world->random % below;
}

/* ---- queue ---------------------------------------------------------------------------------------------------------- */

static bool before(const struct world_item *a, const struct world_item *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void push(struct world *world, struct world_item *item)
{
    if (world->queue_len == world->queue_cap) {
        world->queue_cap = 2 * world->queue_cap + 64;
        world->queue = reallocarray(world->queue, world->queue_cap, sizeof(*world->queue));
    }
    size_t at = world->queue_len++;
    while (at > 0 && before(item, world->queue[(at - 1) / 2])) {
        world->queue[at] = world->queue[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    world->queue[at] = item;
}

static struct world_item *pop(struct world *world)
{
    struct world_item *top = world->queue[0], *last = world->queue[--world->queue_len];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= world->queue_len)
            break;
        if (child + 1 < world->queue_len && before(world->queue[child + 1], world->queue[child]))
            child++;
        if (!before(world->queue[child], last))
            break;
        world->queue[at] = world->queue[child];
        at = child;
    }
    world->queue[at] = last;
    return top;
}

void world_item_free(struct world_item *item)
{
    free(item->body);
    free(item);
}

struct world_item *world_post(struct world *world, uint64_t delay, enum world_item_type type, uint16_t relay,
                              struct bytes body)
{
    struct world_item *item = calloc(1, sizeof(*item));
    *item = (struct world_item){.at = world->now + delay, .order = world->order++, .type = type, .relay = relay};
    item->life = relay < WORLD_RELAYS ? world->relays[relay].life : 0;
    item->body = malloc(body.len + 1);
    if (body.len)
        memcpy(item->body, body.data, body.len);
    item->body_len = body.len;
    push(world, item);
    return item;
}

void world_post_source(struct world *world, uint16_t relay, uint16_t source, const struct connector_message *message)
{
    struct codec_pack pack;
    codec_pack_init(&pack, CODEC_CONNECTOR_MESSAGE_MAX);
    codec_connector_encode(&pack, message);
    assert(!pack.failed);
    struct world_item *item = world_post(world, SOURCE_MS, WORLD_EVENT, relay, codec_pack_bytes(&pack));
    item->event.type = RELAY_EVENT_SOURCE_MESSAGE;
    item->event.source = item->source = source;
    item->source_life = world->relays[relay].sources[source].life;
    codec_pack_fini(&pack);
}

/* ---- actions -------------------------------------------------------------------------------------------------------- */

static struct store_view view(struct bytes bytes)
{
    return (struct store_view){bytes.data, bytes.len};
}

static void write_post(struct world *world, uint16_t relay, const struct relay_action *action)
{
    struct store *store = world->relays[relay].store;
    struct world_item *item = world_post(world, COMMIT_MS, WORLD_COMMIT, relay, (struct bytes){NULL, 0});
    item->event = (struct relay_event){.type = RELAY_EVENT_COMMITTED, .id = action->id};
    item->batch = store->ops->batch_new(store);
    for (size_t i = 0; i < action->ops_len; i++) {
        const struct relay_op *op = &action->ops[i];
        if (op->type == RELAY_OP_PUT)
            store->ops->batch_put(item->batch, op->family, view(op->key), view(op->value));
        else if (op->type == RELAY_OP_DELETE)
            store->ops->batch_delete(item->batch, op->family, view(op->key));
        else
            store->ops->batch_delete_range(item->batch, op->family, view(op->key), view(op->value));
    }
}

static void frame_post(struct world *world, uint16_t from, uint16_t to, struct bytes body, enum relay_event_type type,
                       uint64_t id)
{
    struct proof_result result;
    bool well_formed = proof_items_check(body, &result);
    assert(well_formed);
    if (world->cut[from][to] || world->relays[to].core == NULL)
        return;
    if (type == RELAY_EVENT_FRAME && id == 0 && world->loss > 0 && world_random(world, 1000) < world->loss)
        return;
    struct world_item *item = world_post(world, LINK_MS, WORLD_EVENT, to, body);
    item->event = (struct relay_event){.type = type, .peer = from, .id = id};
}

static void publish(struct world *world, uint16_t relay, const struct relay_action *action)
{
    world->relays[relay].published++;
    for (uint16_t peer = 0; peer < WORLD_RELAYS; peer++) {
        if (world->relays_of_document[peer].zone == action->zone && topology_route_linked(&world->network, relay, peer))
            frame_post(world, relay, peer, action->body, RELAY_EVENT_FRAME, 0);
    }
}

static void ask_post(struct world *world, uint16_t relay, const struct relay_action *action)
{
    struct world_item *timeout = world_post(world, ASK_PATIENCE_MS, WORLD_EVENT, relay, (struct bytes){NULL, 0});
    timeout->event = (struct relay_event){.type = RELAY_EVENT_ASK_FAILED, .peer = action->peer, .id = action->id};
    /* The request names who asked, in which life, and under which id: the answer finds its way by that. */
    uint64_t id =
        (uint64_t)relay << 48 | (uint64_t)(world->relays[relay].life & 0xffff) << 32 | (action->id & 0xffffffff);
    frame_post(world, relay, action->peer, action->body, RELAY_EVENT_ASKED, id);
}

static void answer_post(struct world *world, uint16_t relay, const struct relay_action *action)
{
    uint16_t asker = (uint16_t)(action->id >> 48);
    assert(asker == action->peer);
    if ((world->relays[asker].life & 0xffff) == (action->id >> 32 & 0xffff))
        frame_post(world, relay, asker, action->body, RELAY_EVENT_FRAME, action->id & 0xffffffff);
}

static void load_post(struct world *world, uint16_t relay, const struct relay_action *action)
{
    uint8_t keys[256];
    memcpy(keys, action->from.data, action->from.len);
    if (action->to.len)
        memcpy(keys + action->from.len, action->to.data, action->to.len);
    struct world_item *item =
        world_post(world, LOAD_MS, WORLD_LOAD, relay, (struct bytes){keys, action->from.len + action->to.len});
    item->event.id = action->id;
    item->family = action->family;
    item->limit = action->limit;
    item->from = (struct bytes){item->body, action->from.len};
    item->to = (struct bytes){item->body + action->from.len, action->to.len};
}

static void ban(struct world *world, uint16_t relay, const struct relay_action *action)
{
    struct world_source *source = &world->relays[relay].sources[action->source];
    world->relays[relay].bans++;
    if (!source->up)
        return;
    source->up = false;
    source->life++;
    struct world_item *item = world_post(world, SOURCE_MS, WORLD_EVENT, relay, (struct bytes){NULL, 0});
    item->event = (struct relay_event){.type = RELAY_EVENT_SOURCE_DOWN, .source = action->source};
    item->source_life = source->life;
    world_post(world, SOURCE_RESTART_MS, WORLD_SOURCE_START, relay, (struct bytes){NULL, 0})->source = action->source;
}

static void note(const struct world *world, uint16_t relay, const struct relay_action *action)
{
    if (world->trace)
        printf("%8llu relay %u %s lane %d #%llu: %s\n", (unsigned long long)world->now, relay, action->reason,
               (int16_t)action->lane, (unsigned long long)action->sequence, action->text);
}

static void act(struct world *world, uint16_t relay, const struct relay_action *action)
{
    struct world_item *item;
    switch (action->type) {
    case RELAY_ACTION_WRITE: write_post(world, relay, action); return;
    case RELAY_ACTION_LOAD: load_post(world, relay, action); return;
    case RELAY_ACTION_VERIFY:
        item = world_post(world, VERIFY_MS, WORLD_EVENT, relay, (struct bytes){NULL, 0});
        item->event = (struct relay_event){.type = RELAY_EVENT_VERIFIED, .job = action->job};
        return;
    case RELAY_ACTION_SIGN:
        world->relays[relay].signs++;
        world_post(world, SIGN_MS, WORLD_SIGN, relay, action->body);
        return;
    case RELAY_ACTION_PUBLISH: publish(world, relay, action); return;
    case RELAY_ACTION_ASK: ask_post(world, relay, action); return;
    case RELAY_ACTION_ANSWER: answer_post(world, relay, action); return;
    case RELAY_ACTION_TO_SOURCE:
        item = world_post(world, SOURCE_MS, WORLD_TO_SOURCE, relay, action->body);
        item->source = action->source;
        item->source_life = world->relays[relay].sources[action->source].life;
        return;
    case RELAY_ACTION_BAN_SOURCE: ban(world, relay, action); return;
    case RELAY_ACTION_NOTE: note(world, relay, action); return;
    }
}

static void actions_take(struct world *world, uint16_t relay)
{
    size_t len;
    const struct relay_action *actions = relay_core_actions(world->relays[relay].core, &len);
    if (world->relays[relay].record != NULL)
        replay_note_actions(world->relays[relay].record, actions, len);
    for (size_t i = 0; i < len; i++)
        act(world, relay, &actions[i]);
}

void world_feed(struct world *world, uint16_t relay, struct relay_event event)
{
    struct world_relay *state = &world->relays[relay];
    event.now = world->now + 1;
    event.unix_time = MODEL_EPOCH + world->now / 1000;
    if (state->core == NULL)
        return;
    if (state->record != NULL)
        replay_note_event(state->record, &event);
    relay_core_step(state->core, &event);
    actions_take(world, relay);
}

/* ---- life of a relay ------------------------------------------------------------------------------------------------- */

void world_start(struct world *world, uint16_t relay)
{
    struct world_relay *state = &world->relays[relay];
    struct relay_core_config config = {.network = &world->network, .self = relay, .history = world->history};
    if (relay != WORLD_MIDDLE) {
        config.sources = world->sources[world_chain_of(relay)];
        config.sources_len = WORLD_SOURCES;
        config.attests = true;
        config.attester_keys_len = 2; /* a signer of two suites: the chains here use the second */
        memset(config.attester_keys[0], 0x5a, 32);
        memcpy(config.attester_keys[1], world->keys[!world_chain_of(relay)][relay % (WORLD_MIDDLE + 1)].id, 32);
    }
    if (state->store == NULL)
        state->store = store_memory_new();
    state->core = relay_core_new(&config);
    if (state->record != NULL)
        replay_begin(state->record, &config);
    relay_core_start(state->core);
    actions_take(world, relay);
    memset(state->peer_up, 0, sizeof(state->peer_up));
    world_post(world, 1 + relay, WORLD_TICK, relay, (struct bytes){NULL, 0});
    if (relay == WORLD_MIDDLE)
        return;
    for (uint16_t source = 0; source < WORLD_SOURCES; source++)
        world_post(world, 20, WORLD_SOURCE_START, relay, (struct bytes){NULL, 0})->source = source;
    world_post(world, 30, WORLD_SIGNER_START, relay, (struct bytes){NULL, 0});
}

static int by_time(const void *a, const void *b)
{
    return before(*(struct world_item *const *)a, *(struct world_item *const *)b) ? -1 : 1;
}

/* What is under way to or in a dead relay: some of its writes reach the disk, in order; the rest is lost. */
static void pending_drop(struct world *world, uint16_t relay)
{
    struct world_relay *state = &world->relays[relay];
    size_t kept = 0, writes = 0, count = world->queue_len;
    struct world_item **items = world->queue;
    qsort(items, count, sizeof(*items), by_time); /* a sorted array is a heap */
    for (size_t i = 0; i < count; i++)
        writes += items[i]->type == WORLD_COMMIT && items[i]->relay == relay;
    size_t written = writes ? world_random(world, writes + 1) : 0;
    for (size_t i = 0; i < count; i++) {
        struct world_item *item = items[i];
        bool gone = item->relay == relay && (item->type == WORLD_COMMIT || item->event.job != NULL);
        if (!gone) {
            items[kept++] = item;
            continue;
        }
        if (item->event.job != NULL) /* a job is the core's to free */
            relay_core_step(state->core, &item->event);
        if (item->batch != NULL) {
            if (written > 0 && !state->store_fails)
                state->store->ops->commit(state->store, item->batch);
            written -= written > 0;
            state->store->ops->batch_free(item->batch);
        }
        world_item_free(item);
    }
    world->queue_len = kept;
}

void world_kill(struct world *world, uint16_t relay)
{
    struct world_relay *state = &world->relays[relay];
    if (state->core == NULL)
        return;
    pending_drop(world, relay);
    relay_core_free(state->core);
    state->core = NULL;
    state->life++;
    state->signer_up = false;
    for (size_t i = 0; i < WORLD_SOURCES; i++) {
        state->sources[i].up = false;
        state->sources[i].life++;
    }
}

void world_store_clear(struct world *world, uint16_t relay)
{
    struct world_relay *state = &world->relays[relay];
    assert(state->core == NULL);
    if (state->store != NULL)
        state->store->ops->close(state->store);
    state->store = NULL;
}

void world_cut(struct world *world, uint16_t a, uint16_t b, bool cut)
{
    world->cut[a][b] = world->cut[b][a] = cut;
}

void world_isolate(struct world *world, uint16_t relay, bool cut)
{
    for (uint16_t i = 0; i < WORLD_RELAYS; i++)
        world_cut(world, relay, i, cut);
}

void world_source_down(struct world *world, uint16_t relay, uint16_t source, bool down)
{
    struct world_source *state = &world->relays[relay].sources[source];
    state->down = down;
    if (!down) {
        world_source_start(world, relay, source);
    } else if (state->up) {
        state->up = false;
        state->life++;
        world_feed(world, relay, (struct relay_event){.type = RELAY_EVENT_SOURCE_DOWN, .source = source});
    }
}

void world_signer_down(struct world *world, uint16_t relay, bool down)
{
    struct world_relay *state = &world->relays[relay];
    state->signer_down = down;
    if (!down) {
        world_signer_start(world, relay);
    } else if (state->signer_up) {
        state->signer_up = false;
        world_feed(world, relay, (struct relay_event){.type = RELAY_EVENT_SIGNER_DOWN});
    }
}

/* ---- running --------------------------------------------------------------------------------------------------------- */

static void commit(struct world *world, struct world_item *item)
{
    struct world_relay *state = &world->relays[item->relay];
    if (state->store_held) {
        struct world_item *again = world_post(world, 10, WORLD_COMMIT, item->relay, (struct bytes){NULL, 0});
        again->event = item->event;
        again->batch = item->batch;
        item->batch = NULL;
        return;
    }
    item->event.status = state->store_fails ? STORE_FULL : state->store->ops->commit(state->store, item->batch);
    state->store->ops->batch_free(item->batch);
    item->batch = NULL;
    state->committed_writes += item->event.status == STORE_OK;
    world_feed(world, item->relay, item->event);
}

static void load(struct world *world, struct world_item *item)
{
    const struct store_ops *ops = world->relays[item->relay].store->ops;
    struct store_snapshot *snapshot = ops->snapshot_new(world->relays[item->relay].store);
    struct store_cursor *cursor = ops->cursor_new(snapshot, item->family, view(item->from), view(item->to));
    size_t bytes = 0;
    for (; ops->cursor_valid(cursor); ops->cursor_next(cursor)) {
        struct store_view key = ops->cursor_key(cursor), value = ops->cursor_value(cursor);
        bytes += key.len + value.len;
        if (bytes > item->limit)
            break;
        world_feed(world, item->relay,
                   (struct relay_event){.type = RELAY_EVENT_LOADED,
                                        .id = item->event.id,
                                        .family = item->family,
                                        .key = {key.data, key.len},
                                        .body = {value.data, value.len}});
    }
    ops->cursor_free(cursor);
    ops->snapshot_free(snapshot);
    world_feed(world, item->relay,
               (struct relay_event){.type = RELAY_EVENT_LOADED, .id = item->event.id, .done = true});
}

static void peer_heard(struct world *world, uint16_t relay, uint16_t peer)
{
    struct world_relay *state = &world->relays[relay];
    state->last_heard[peer] = world->now;
    if (state->peer_up[peer])
        return;
    state->peer_up[peer] = true;
    world_feed(world, relay, (struct relay_event){.type = RELAY_EVENT_PEER_UP, .peer = peer});
}

static void event_feed(struct world *world, struct world_item *item)
{
    struct relay_event *event = &item->event;
    event->body = (struct bytes){item->body, item->body_len};
    if (event->type == RELAY_EVENT_SOURCE_MESSAGE &&
        world->relays[item->relay].sources[item->source].life != item->source_life)
        return;
    if (event->type == RELAY_EVENT_SIGNED && !world->relays[item->relay].signer_up)
        return;
    if (event->type == RELAY_EVENT_FRAME || event->type == RELAY_EVENT_ASKED) {
        if (!relay_core_ready(world->relays[item->relay].core))
            return;
        peer_heard(world, item->relay, event->peer);
    }
    if (event->type == RELAY_EVENT_VERIFIED)
        world_verify(world, event->job);
    world_feed(world, item->relay, *event);
}

static void tick(struct world *world, uint16_t relay)
{
    struct world_relay *state = &world->relays[relay];
    for (uint16_t peer = 0; peer < WORLD_RELAYS; peer++) {
        if (!state->peer_up[peer] || world->now - state->last_heard[peer] < SILENCE_MS)
            continue;
        state->peer_up[peer] = false;
        world_feed(world, relay, (struct relay_event){.type = RELAY_EVENT_PEER_DOWN, .peer = peer});
    }
    world_feed(world, relay, (struct relay_event){.type = RELAY_EVENT_TICK, .scarce = world->relays[relay].scarce});
    world_post(world, TICK_MS, WORLD_TICK, relay, (struct bytes){NULL, 0});
}

static void item_do(struct world *world, struct world_item *item)
{
    bool dead = item->type != WORLD_BLOCK &&
                (world->relays[item->relay].core == NULL || world->relays[item->relay].life != item->life);
    bool early = !dead && (item->type == WORLD_SOURCE_START || item->type == WORLD_SIGNER_START) &&
                 !relay_core_ready(world->relays[item->relay].core);
    if (dead)
        return;
    if (early) {
        world_post(world, 10, item->type, item->relay, (struct bytes){NULL, 0})->source = item->source;
        return;
    }
    switch (item->type) {
    case WORLD_TICK: tick(world, item->relay); return;
    case WORLD_EVENT: event_feed(world, item); return;
    case WORLD_COMMIT: commit(world, item); return;
    case WORLD_LOAD: load(world, item); return;
    case WORLD_BLOCK:
        world_chain_block(world, item->source);
        world_post(world, MODEL_BLOCK_MS, WORLD_BLOCK, WORLD_RELAYS, (struct bytes){NULL, 0})->source = item->source;
        return;
    case WORLD_TO_SOURCE:
        if (world->relays[item->relay].sources[item->source].life == item->source_life)
            world_source_take(world, item->relay, item->source, (struct bytes){item->body, item->body_len});
        return;
    case WORLD_SIGN:
        if (world->relays[item->relay].signer_up)
            world_sign(world, item->relay, (struct bytes){item->body, item->body_len});
        return;
    case WORLD_SIGNER_START: world_signer_start(world, item->relay); return;
    case WORLD_SOURCE_START: world_source_start(world, item->relay, item->source); return;
    }
}

static void next(struct world *world)
{
    struct world_item *item = pop(world);
    world->now = item->at;
    item_do(world, item);
    world_item_free(item);
}

void world_run(struct world *world, uint64_t ms)
{
    uint64_t end = world->now + ms;
    while (world->queue_len > 0 && world->queue[0]->at <= end)
        next(world);
    world->now = end;
}

bool world_until(struct world *world, world_condition *condition, uint64_t ms)
{
    for (uint64_t end = world->now + ms; world->now < end;) {
        if (condition(world))
            return true;
        world_run(world, 250);
    }
    return condition(world);
}

/* ---- beginning and end ------------------------------------------------------------------------------------------------ */

struct world *world_new(uint64_t seed)
{
    struct world *world = calloc(1, sizeof(*world));
    world->random = seed * 2654435761 + 88172645463325252;
    world->trace = getenv("ISTHMUS_WORLD_TRACE") != NULL;
    world_network_make(world);
    model_init(&world->model, &world->network);
    for (uint16_t chain = 0; chain < MODEL_CHAINS; chain++)
        world_post(world, 500 + 100u * chain, WORLD_BLOCK, WORLD_RELAYS, (struct bytes){NULL, 0})->source = chain;
    return world;
}

void world_start_all(struct world *world)
{
    for (uint16_t i = 0; i < WORLD_RELAYS; i++)
        world_start(world, i);
}

void world_free(struct world *world)
{
    for (uint16_t i = 0; i < WORLD_RELAYS; i++) {
        world_kill(world, i);
        world_store_clear(world, i);
        replay_free(world->relays[i].record);
    }
    for (size_t i = 0; i < world->queue_len; i++)
        world_item_free(world->queue[i]);
    for (size_t i = 0; i < MODEL_CHAINS; i++) {
        while (world->calls[i] != NULL) {
            struct world_item *call = world->calls[i];
            world->calls[i] = call->next;
            world_item_free(call);
        }
    }
    free(world->queue);
    free(world->network.logs);
    model_fini(&world->model);
    free(world);
}

void world_send(struct world *world, uint16_t lane, size_t count, size_t len)
{
    uint8_t *payload = malloc(len + 1);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < len; j++)
            payload[j] = (uint8_t)(j + i + lane);
        model_send(&world->model, lane, payload, len, 3600);
    }
    free(payload);
}
