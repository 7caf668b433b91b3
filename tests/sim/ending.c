/*
 * A source chain forgets more than it called final, and with it messages that were delivered; the operators' answer: a closing
 * record behind the last message that both histories have, a document with the lane's next generation, relays restarted with it.
 */
#include <assert.h>

#include "tests/sim/sim.h"

enum { FIRST = 20, FLOW = 2, NEXT = 8, HEARD_MS = 5000 };

static void send(struct sim *sim, uint16_t lane, uint32_t count)
{
    sim_send(sim, &(struct sim_send){.lane = lane, .count = count, .len = 33, .life = SIM_LONG_LIFE});
}

/* Of what the other chain finally accepted, something that no outcome came back for; the sender sends others in its place. */
static void forget(struct sim *sim, uint16_t index, bool at_once)
{
    struct model *model = &sim->world->model;
    const struct model_lane *lane = &model->lanes[index];
    uint64_t height = model->height[sim->world->lanes[index].destination], settled = 0;
    const struct model_state *final = &lane->was[(height - MODEL_FINALITY) % MODEL_STATES];
    uint64_t accepted = final->accepted;
    uint64_t taken = lane->taken_len ? lane->taken[lane->taken_len - 1].number : 0;
    accepted = accepted < lane->accepted ? accepted : lane->accepted;
    for (uint64_t i = 0; i < taken; i++)
        settled = lane->outcomes.entries[i].sequence > settled ? lane->outcomes.entries[i].sequence : settled;
    if (accepted <= settled || (settled == 0 && !at_once))
        return;
    uint64_t kept = settled + sim_random(sim, accepted - settled);
    while (kept > 0 && lane->messages.entries[kept - 1].height == lane->messages.entries[kept].height)
        kept--; /* blocks go whole */
    if (kept < settled)
        return;
    if (sim->story != NULL)
        fprintf(
            sim->story,
            "%9.3f s  messages %llu to %zu of lane %u were never sent, of which %llu are accepted; what was %llu "
            "blocks "
            "deep is gone\n",
            (double)sim->world->now / 1000, (unsigned long long)kept + 1, lane->messages.count, index,
            (unsigned long long)(lane->accepted - kept),
            (unsigned long long)(model->height[sim->world->lanes[index].source] - lane->messages.entries[kept].height));
    world_lane_forget(sim->world, index, kept);
    sim->ending.forgot = true;
    sim->ending.at = sim->world->now;
}

void sim_ending_thaw(struct sim *sim, uint16_t relay)
{
    struct store *store = sim->world->relays[relay].disk.store;
    uint16_t chain = world_chain_of(sim->world, relay);
    if (!sim->ending.published || store == NULL || chain == WORLD_CARRIER)
        return;
    struct store_batch *batch = store->ops->batch_new(store);
    store->ops->batch_delete(batch, STORE_CHAIN, (struct store_view){sim->world->chains[chain].identity, 32});
    enum store_status status = store->ops->commit(store, batch);
    assert(status == STORE_OK);
    store->ops->batch_free(batch);
}

/* Who was told by as many sources as its document demands, a while ago, must have frozen the lane. */
static void frozen_check(struct sim *sim, uint16_t relay, uint16_t lane)
{
    const struct world_relay *state = &sim->world->relays[relay];
    unsigned told = 0;
    for (size_t i = 0; i < sim->world->shape.sources; i++)
        told += state->sources[i].up && state->sources[i].broken;
    if (told < sim->world->shape.demanded || !relay_core_ready(state->core) || relay_core_halted(state->core) ||
        sim->world->now < sim->ending.at + HEARD_MS || sim->world->now < state->frozen_until + HEARD_MS)
        return;
    sim->judge.checks++;
    if (!world_view(sim->world, relay, lane, PROOF_LOG_MESSAGE).frozen)
        judge_wrong(&sim->judge, "relay %u was told that lane %u's chain forgot what was final, and froze nothing",
                    relay, lane);
}

static void publish(struct sim *sim, const struct sim_fault *fault)
{
    struct world *world = sim->world;
    bool lived[WORLD_RELAYS_MAX], is_frozen[WORLD_RELAYS_MAX];
    struct model_lane *lane = &world->model.lanes[fault->a];
    lane->closed_outbox = true;
    lane->last = lane->kept;
    for (uint16_t relay = 0; relay < world->relays_len; relay++) {
        lived[relay] = world->relays[relay].core != NULL;
        is_frozen[relay] = world_view(world, relay, fault->a, PROOF_LOG_MESSAGE).frozen;
        if (lived[relay])
            frozen_check(sim, relay, fault->a);
        world_kill(world, relay);
    }
    unsigned frozen = 0;
    for (uint16_t relay = 0; relay < world->relays_len; relay++)
        frozen += is_frozen[relay];
    if (sim->story != NULL)
        fprintf(sim->story, "%9.3f s  lane %u is closed behind %llu; %u relays had frozen it\n",
                (double)world->now / 1000, fault->a, (unsigned long long)lane->last, frozen);
    sim->ending.published = true;
    sim->ending.closed = fault->a;
    sim->ending.next = world_lane_next(world, fault->a);
    sim->ending.far_at = world->now + fault->size;
    for (uint16_t relay = 0; relay < world->relays_len; relay++) {
        if (world_chain_of(world, relay) == world->lanes[fault->a].source)
            sim_ending_thaw(sim, relay);
        if (lived[relay])
            world_start(world, relay);
    }
    send(sim, fault->a, NEXT);
}

void sim_ending(struct sim *sim, size_t index, bool on)
{
    const struct sim_fault *fault = &sim->plan->faults[index];
    if (on)
        send(sim, fault->a, FIRST);
    else if (sim->ending.forgot && !sim->ending.published)
        publish(sim, fault);
}

void sim_ending_tick(struct sim *sim, size_t index)
{
    const struct sim_fault *fault = &sim->plan->faults[index];
    send(sim, fault->a, FLOW);
    if (!sim->ending.forgot)
        forget(sim, fault->a, fault->size % 4 == 0);
}

void sim_ending_far(struct sim *sim)
{
    const struct world *world = sim->world;
    uint16_t chain = world->lanes[sim->ending.closed].destination;
    if (sim->ending.published && world->now >= sim->ending.far_at && !world->chain_stalls[chain] &&
        !world->calls_wait[chain])
        model_inbox_close(&sim->world->model.lanes[sim->ending.closed]);
}
