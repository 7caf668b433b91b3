/* The life of a relay: what its edge does with the core's actions, and how it starts and dies. */
#include <stdio.h>
#include <string.h>

#include "tests/sim/parts.h"

enum { TICK_MS = 50, VERIFY_MS = 3, SIGN_MS = 2, SOURCE_MS = 1, SILENCE_MS = 5000, SOURCE_RESTART_MS = 1000 };

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

static void note(struct world *world, uint16_t relay, const struct relay_action *action)
{
    if (world->watched != NULL && strcmp(world->watched, action->reason) == 0)
        snprintf(world->noted, sizeof(world->noted), "%s", action->text);
    if (world->trace)
        printf("%8llu relay %u %s lane %d #%llu: %s\n", (unsigned long long)world->now, relay, action->reason,
               (int16_t)action->lane, (unsigned long long)action->sequence, action->text);
}

static void act(struct world *world, uint16_t relay, const struct relay_action *action)
{
    struct world_item *item;
    switch (action->type) {
    case RELAY_ACTION_WRITE: world_disk_write(world, relay, action); return;
    case RELAY_ACTION_LOAD: world_disk_load(world, relay, action); return;
    case RELAY_ACTION_VERIFY:
        item = world_post(world, VERIFY_MS, WORLD_EVENT, relay, (struct bytes){NULL, 0});
        item->event = (struct relay_event){.type = RELAY_EVENT_VERIFIED, .job = action->job};
        return;
    case RELAY_ACTION_SIGN:
        world->relays[relay].signs++;
        world_post(world, SIGN_MS, WORLD_SIGN, relay, action->body);
        return;
    case RELAY_ACTION_PUBLISH: world_publish(world, relay, action); return;
    case RELAY_ACTION_ASK: world_ask(world, relay, action); return;
    case RELAY_ACTION_ANSWER: world_answer(world, relay, action); return;
    case RELAY_ACTION_TO_SOURCE:
        item = world_post(world, SOURCE_MS, WORLD_TO_SOURCE, relay, action->body);
        item->source = action->source;
        item->source_life = world->relays[relay].sources[action->source].life;
        return;
    case RELAY_ACTION_BAN_SOURCE: ban(world, relay, action); return;
    case RELAY_ACTION_KEEP: world->relays[relay].kept++; return;
    case RELAY_ACTION_NOTE: note(world, relay, action); return;
    }
}

static void actions_take(struct world *world, uint16_t relay)
{
    size_t len;
    const struct relay_action *actions = relay_core_actions(world->relays[relay].core, &len);
    if (world->watcher.actions != NULL)
        world->watcher.actions(world->watcher.context, relay, actions, len);
    for (size_t i = 0; i < len; i++)
        act(world, relay, &actions[i]);
}

void world_feed(struct world *world, uint16_t relay, struct relay_event event)
{
    struct world_relay *state = &world->relays[relay];
    event.now = world->now + 1 + state->clock_ahead;
    event.unix_time = (uint64_t)((int64_t)(MODEL_EPOCH + world->now / 1000) + state->clock_wrong);
    if (state->core == NULL)
        return;
    if (world->watcher.event != NULL)
        world->watcher.event(world->watcher.context, relay, &event);
    relay_core_step(state->core, &event);
    actions_take(world, relay);
}

/* ---- start and death -------------------------------------------------------------------------------------------------- */

void world_start(struct world *world, uint16_t relay)
{
    struct world_relay *state = &world->relays[relay];
    uint16_t chain = world_chain_of(world, relay);
    struct relay_core_config config = {.network = state->document ? state->document : &world->network,
                                       .self = relay,
                                       .history = world->history,
                                       .attester_budget = world->claims};
    bool sources = chain != WORLD_CARRIER && !state->hop;
    if (sources) {
        config.sources = world->sources[chain];
        config.sources_len = world->shape.sources;
        config.attests = true;
        config.attester_keys_len = 2; /* a signer of two suites: the chains here use the second */
        memset(config.attester_keys[0], 0x5a, 32);
        memcpy(config.attester_keys[1], world->key_ids[relay], 32);
    }
    if (state->disk.store == NULL)
        state->disk.store = store_memory_new();
    state->core = relay_core_new(&config);
    if (world->watcher.started != NULL)
        world->watcher.started(world->watcher.context, relay, &config);
    relay_core_start(state->core);
    actions_take(world, relay);
    memset(state->peer_up, 0, sizeof(state->peer_up));
    world_post(world, 1 + relay, WORLD_TICK, relay, (struct bytes){NULL, 0});
    if (!sources)
        return;
    for (uint16_t source = 0; source < world->shape.sources; source++)
        world_post(world, 20, WORLD_SOURCE_START, relay, (struct bytes){NULL, 0})->source = source;
    world_post(world, 30, WORLD_SIGNER_START, relay, (struct bytes){NULL, 0});
}

void world_kill(struct world *world, uint16_t relay)
{
    struct world_relay *state = &world->relays[relay];
    if (state->core == NULL)
        return;
    world_disk_crash(world, relay);
    if (world->watcher.killed != NULL)
        world->watcher.killed(world->watcher.context, relay);
    relay_core_free(state->core);
    state->core = NULL;
    state->life++;
    state->signer_up = false;
    state->frozen_until = 0;
    state->disk.busy = 0;
    for (size_t i = 0; i < world->shape.sources; i++) {
        state->sources[i].up = false;
        state->sources[i].life++;
    }
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

/* ---- events ---------------------------------------------------------------------------------------------------------- */

static void peer_heard(struct world *world, uint16_t relay, uint16_t peer)
{
    struct world_relay *state = &world->relays[relay];
    state->last_heard[peer] = world->now;
    if (state->peer_up[peer])
        return;
    state->peer_up[peer] = true;
    world_feed(world, relay, (struct relay_event){.type = RELAY_EVENT_PEER_UP, .peer = peer});
}

void world_event_feed(struct world *world, struct world_item *item)
{
    struct relay_event *event = &item->event;
    struct world_relay *relay = &world->relays[item->relay];
    event->body = (struct bytes){item->body, item->body_len};
    if (event->type == RELAY_EVENT_SOURCE_MESSAGE && relay->sources[item->source].life != item->source_life)
        return;
    if (event->type == RELAY_EVENT_SIGNED && !relay->signer_up)
        return;
    if (event->type == RELAY_EVENT_FRAME || event->type == RELAY_EVENT_ASKED) {
        if (!relay_core_ready(relay->core))
            return;
        peer_heard(world, item->relay, event->peer);
    }
    if (event->type == RELAY_EVENT_VERIFIED)
        world_verify(world, event->job);
    world_feed(world, item->relay, *event);
}

void world_tick(struct world *world, uint16_t relay)
{
    struct world_relay *state = &world->relays[relay];
    for (uint16_t peer = 0; peer < world->relays_len; peer++) {
        if (!state->peer_up[peer] || world->now - state->last_heard[peer] < SILENCE_MS)
            continue;
        state->peer_up[peer] = false;
        world_feed(world, relay, (struct relay_event){.type = RELAY_EVENT_PEER_DOWN, .peer = peer});
    }
    world_feed(world, relay, (struct relay_event){.type = RELAY_EVENT_TICK, .scarce = state->scarce});
    world_post(world, TICK_MS, WORLD_TICK, relay, (struct bytes){NULL, 0});
}
