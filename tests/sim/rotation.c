/*
 * Operators of one side change keys while messages pass, as docs/operator.md has it: a document with the next epoch, which a
 * relay has from its next start on; the registry, which begins that epoch and lets the one before count for a while; and each
 * signer, which gets its new key once its relay has the document. Nobody waits for anybody else, and the registry for none of
 * them: for some seconds relays of two documents, signers of old and new keys and a registry of either epoch stand side by side.
 */
#include "tests/sim/sim.h"

enum { FLOW = 2 };

static bool changes(const struct sim *sim, uint16_t relay)
{
    return sim->world->next.operators >> relay & 1;
}

static void begin(struct sim *sim, const struct sim_fault *fault)
{
    const struct world_shape *shape = &sim->plan->shape;
    struct world *world = sim->world;
    uint16_t chain = world_chain_of(world, fault->a), side = chain == 0 ? shape->west : shape->east;
    uint16_t first = chain == 0 ? 0 : (uint16_t)(shape->west + shape->middle);
    uint64_t operators = 0, count = 1 + sim_random(sim, side);
    for (uint64_t i = 0; i < count; i++)
        operators |= UINT64_C(1) << (first + (fault->a - first + i) % side);
    world_epoch_next(world, !chain, operators, fault->size); /* what they sign arrives at the other chain */
    sim->rotation.begun = true;
    sim->rotation.overlap = fault->size;
    sim->rotation.registry = world->now + sim_random(sim, fault->lasts);
    for (uint16_t relay = 0; relay < world->relays_len; relay++) {
        uint64_t document = sim_random(sim, fault->lasts);
        sim->rotation.document[relay] = world->now + document;
        sim->rotation.key[relay] = world->now + document + sim_random(sim, fault->lasts - document);
    }
}

void sim_rotation(struct sim *sim, size_t index, bool on)
{
    if (on) {
        begin(sim, &sim->plan->faults[index]);
        return;
    }
    sim->rotation.registry = 0; /* who has not come to it yet does so now */
    for (uint16_t relay = 0; relay < sim->world->relays_len; relay++)
        sim->rotation.document[relay] = sim->rotation.key[relay] = 0;
    sim_rotation_step(sim);
}

void sim_rotation_tick(struct sim *sim)
{
    sim_send(sim, &(struct sim_send){.lane = (uint16_t)sim_random(sim, sim->plan->shape.lanes),
                                     .count = FLOW,
                                     .len = 33,
                                     .life = SIM_LONG_LIFE});
}

static void tell(struct sim *sim, const char *what, uint16_t who)
{
    if (sim->story != NULL)
        fprintf(sim->story, "%9.3f s  %s %u\n", (double)sim->world->now / 1000, what, who);
}

/* A relay that is down has what is new when it starts; one that runs yet another document for now, when that is over. */
static void relay_step(struct sim *sim, uint16_t relay)
{
    struct world *world = sim->world;
    struct world_relay *state = &world->relays[relay];
    bool document = !sim->rotation.told[relay] && world->now >= sim->rotation.document[relay];
    bool key = changes(sim, relay) && !state->rotated && world->now >= sim->rotation.key[relay];
    bool lived = state->core != NULL;
    if (!document && !key)
        return;
    world_kill(world, relay);
    if (document) {
        tell(sim, "the new document is at relay", relay);
        sim->rotation.told[relay] = true;
        if (state->document == NULL)
            state->document = sim_rotation_document(sim, relay);
    }
    if (key) {
        tell(sim, "a new key signs for relay", relay);
        world_key_next(world, relay);
    }
    if (lived)
        world_start(world, relay);
}

void sim_rotation_step(struct sim *sim)
{
    struct world *world = sim->world;
    uint16_t chain = world->next.chain;
    if (!sim->rotation.begun)
        return;
    if (world->model.epoch[chain] == 0 && world->now >= sim->rotation.registry && !world->chain_stalls[chain] &&
        !world->calls_wait[chain]) {
        tell(sim, "the next epoch begins in the registry of chain", chain);
        model_rotate(&world->model, chain, sim->rotation.overlap);
    }
    for (uint16_t relay = 0; relay < world->relays_len; relay++)
        relay_step(sim, relay);
}

const struct topology_network *sim_rotation_document(const struct sim *sim, uint16_t relay)
{
    return sim->rotation.told[relay] ? &sim->world->next.network : NULL;
}
