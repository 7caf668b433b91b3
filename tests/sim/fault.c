/* Faults: what makes each begin and end. A row of SIM_FAULTS names one of these functions; `on` says which of the two it is. */
#include <string.h>

#include "tests/sim/sim.h"

static bool is_ready(const struct world *world, uint16_t relay)
{
    return world->relays[relay].core != NULL && relay_core_ready(world->relays[relay].core);
}

static void wake(struct sim *sim, uint16_t relay)
{
    if (!sim->gone[relay] && sim->world->relays[relay].core == NULL)
        world_start(sim->world, relay);
}

static void restart(struct sim *sim, uint16_t relay)
{
    world_kill(sim->world, relay);
    wake(sim, relay);
}

static void freeze(struct sim *sim, const struct sim_fault *fault)
{
    struct world_relay *relay = &sim->world->relays[fault->a];
    uint64_t until = sim->world->now + fault->lasts;
    relay->frozen_until = until > relay->frozen_until ? until : relay->frozen_until;
}

static void life(struct sim *sim, size_t index, bool on)
{
    const struct sim_fault *fault = &sim->plan->faults[index];
    bool all = fault->type == SIM_POWER;
    if (fault->type == SIM_FREEZE) {
        if (on)
            freeze(sim, fault);
        return;
    }
    sim->world->relays[fault->a].disk.torn = on && fault->type == SIM_TEAR;
    sim->gone[fault->a] = sim->gone[fault->a] || fault->type == SIM_GONE;
    for (uint16_t relay = all ? 0 : fault->a; relay < (all ? sim->world->relays_len : fault->a + 1); relay++) {
        if (on)
            world_kill(sim->world, relay);
        else
            wake(sim, relay);
    }
}

/* ---- mesh ------------------------------------------------------------------------------------------------------------ */

static void link(struct sim *sim, size_t index, bool on)
{
    const struct sim_fault *fault = &sim->plan->faults[index];
    struct world *world = sim->world;
    if (fault->type == SIM_CUT)
        world->mesh[fault->a][fault->b].cut = on;
    else if (fault->type == SIM_ISOLATE)
        world_isolate(world, fault->a, on);
    else if (fault->type != SIM_SPLIT)
        world_cut(world, fault->a, fault->b, on);
    for (uint16_t a = 0; fault->type == SIM_SPLIT && a < world->relays_len; a++) {
        for (uint16_t b = 0; b < world->relays_len; b++) {
            if (world_chain_of(world, a) == 0 && world_chain_of(world, b) != 0)
                world_cut(world, a, b, on);
        }
    }
}

static void line(struct sim *sim, size_t index, bool on)
{
    const struct sim_fault *fault = &sim->plan->faults[index];
    struct world_link *one = &sim->world->mesh[fault->a][fault->b];
    uint32_t size = on ? fault->size : 0;
    if (fault->type == SIM_LOSS)
        sim->world->loss = on ? size : sim->plan->loss;
    else if (fault->type == SIM_DELAY)
        one->delay = (uint16_t)size;
    else if (fault->type == SIM_JITTER)
        one->jitter = (uint16_t)size;
    else if (fault->type == SIM_TWICE)
        one->twice = (uint16_t)size;
    else
        one->rate = size;
}

/* ---- disks ----------------------------------------------------------------------------------------------------------- */

/* A relay that halted is started again by its supervisor, once there is no more reason to halt. */
static void disk(struct sim *sim, size_t index, bool on)
{
    const struct sim_fault *fault = &sim->plan->faults[index];
    struct world_relay *relay = &sim->world->relays[fault->a];
    if (fault->type == SIM_DISK_SLOW) {
        relay->disk.slow = on ? (uint16_t)fault->size : 0;
    } else if (fault->type == SIM_DISK_SCARCE) {
        relay->scarce = on;
    } else if (fault->type == SIM_DISK_READ) {
        relay->disk.unreadable = on;
    } else {
        relay->disk.fails = !on ? STORE_OK : fault->type == SIM_DISK_FULL ? STORE_FULL : STORE_IO;
        relay->disk.takes_effect = on && fault->type == SIM_DISK_LIES;
    }
    if ((on && fault->type == SIM_DISK_READ) || (!on && relay->core != NULL && relay_core_halted(relay->core)))
        restart(sim, fault->a);
}

static void backup_take(struct sim *sim, size_t index, uint16_t relay)
{
    if (sim->backup[index] != NULL)
        sim->backup[index]->ops->close(sim->backup[index]);
    sim->backup[index] = world_store_copy(sim->world, relay);
    memcpy(sim->guards[index], sim->world->relays[relay].guards, sizeof(sim->guards[index]));
}

static void store(struct sim *sim, size_t index, bool on)
{
    const struct sim_fault *fault = &sim->plan->faults[index];
    struct world_relay *relay = &sim->world->relays[fault->a];
    bool lost = fault->type == SIM_STORE_LOST;
    if (on && !lost)
        backup_take(sim, index, fault->a);
    if (on == lost) {
        world_kill(sim->world, fault->a);
        if (on || sim->backup[index] != NULL)
            world_store_clear(sim->world, fault->a);
    }
    if (on)
        return;
    if (sim->backup[index] != NULL)
        relay->disk.store = sim->backup[index];
    sim->backup[index] = NULL;
    if (fault->type == SIM_RESTORED) {
        memcpy(relay->guards, sim->guards[index], sizeof(relay->guards));
        sim->adopts[fault->a] = true;
    }
    sim_ending_thaw(sim, fault->a);
    wake(sim, fault->a);
}

/* ---- chains and their sources ----------------------------------------------------------------------------------------- */

/* Those whose messages were in the blocks that went send again: in other blocks, so with another time. */
static void reorganise(struct sim *sim, const struct sim_fault *fault)
{
    size_t lost[MODEL_LANES_MAX] = {0};
    world_chain_reorganise(sim->world, fault->a, (uint16_t)fault->size, lost);
    for (uint16_t lane = 0; lane < sim->world->shape.lanes; lane++)
        sim_send(sim,
                 &(struct sim_send){.lane = lane, .count = (uint32_t)lost[lane], .len = 33, .life = SIM_LONG_LIFE});
}

static void chain(struct sim *sim, size_t index, bool on)
{
    const struct sim_fault *fault = &sim->plan->faults[index];
    if (fault->type == SIM_STALL)
        sim->world->chain_stalls[fault->a] = on;
    else if (fault->type == SIM_REFUSE)
        sim->world->calls_wait[fault->a] = on;
    else if (on)
        reorganise(sim, fault);
}

static void source(struct sim *sim, size_t index, bool on)
{
    const struct sim_fault *fault = &sim->plan->faults[index];
    struct world_source *state = &sim->world->relays[fault->a].sources[fault->b];
    if (fault->type == SIM_SOURCE_LIES || fault->type == SIM_SOURCE_INVENTS)
        state->branch = on;
    if (fault->type == SIM_SOURCE_INVENTS)
        state->invents = on ? (uint8_t)fault->size : 0;
    else if (fault->type == SIM_SOURCE_FORGES)
        state->forges = on;
    else if (fault->type == SIM_SOURCE_STRIPS)
        state->strips = on;
    else if (fault->type == SIM_SOURCE_BOASTS)
        state->boasts = on;
    else if (fault->type == SIM_HEADER_LATE)
        state->header_late = on;
    else if (fault->type == SIM_LATE)
        state->delay = on ? (uint16_t)fault->size : 0;
    if (fault->type != SIM_SOURCE_DOWN && fault->type != SIM_SOURCE_CRASHES)
        return;
    if (is_ready(sim->world, fault->a))
        world_source_down(sim->world, fault->a, fault->b, on);
    else
        state->down = on;
}

/* Beyond what this relay's document tolerates: it signs what is not so, and after that not another word beside it. */
static void fooled(struct sim *sim, size_t index, bool on)
{
    uint16_t relay = sim->plan->faults[index].a;
    for (uint16_t i = 0; i < sim->world->shape.sources; i++) {
        sim->world->relays[relay].sources[i].branch = on;
        sim->world->relays[relay].sources[i].invents = on ? (uint8_t)sim->plan->faults[index].size : 0;
    }
    sim->spoilt[relay] = sim->world->relays[relay].fooled = true;
    if (on || sim->gone[relay])
        return;
    world_kill(sim->world, relay);
    world_store_clear(sim->world, relay);
    wake(sim, relay);
}

/* ---- operators, clocks, documents ------------------------------------------------------------------------------------- */

static void signer(struct sim *sim, size_t index, bool on)
{
    const struct sim_fault *fault = &sim->plan->faults[index];
    struct world_relay *relay = &sim->world->relays[fault->a];
    if (fault->type == SIM_SIGNER_MUTE)
        relay->lose_answers = on;
    else if (is_ready(sim->world, fault->a))
        world_signer_down(sim->world, fault->a, on);
    else
        relay->signer_down = on;
}

static void villain(struct sim *sim, size_t index, bool on)
{
    if (on)
        sim_fault_tick(sim, index);
}

static void tongue(struct sim *sim, size_t index, bool on)
{
    const struct sim_fault *fault = &sim->plan->faults[index];
    if (fault->type == SIM_STRIP)
        sim->world->relays[fault->a].strips = on;
    else
        sim->world->relays[fault->a].hides = on;
}

static void clock_change(struct sim *sim, size_t index, bool on)
{
    const struct sim_fault *fault = &sim->plan->faults[index];
    struct world_relay *relay = &sim->world->relays[fault->a];
    if (fault->type == SIM_CLOCK_JUMP)
        relay->clock_ahead += on ? fault->size : 0;
    else
        relay->clock_wrong = !on ? 0 : fault->type == SIM_CLOCK_WRONG ? (int64_t)fault->size : -(int64_t)fault->size;
}

static void document(struct sim *sim, size_t index, bool on)
{
    uint16_t relay = sim->plan->faults[index].a;
    if (sim->other.lanes_len == 0 || sim->gone[relay])
        return;
    world_kill(sim->world, relay);
    sim->world->relays[relay].document = on ? &sim->other : sim_rotation_document(sim, relay);
    wake(sim, relay);
}

static void burst(struct sim *sim, size_t index, bool on)
{
    const struct sim_fault *fault = &sim->plan->faults[index];
    if (on)
        sim_send(sim, &(struct sim_send){.lane = fault->a,
                                         .count = fault->size,
                                         .len = sim->plan->shape.payload_max,
                                         .life = SIM_LONG_LIFE});
}

/* ---- all of them ------------------------------------------------------------------------------------------------------ */

static void set(struct sim *sim, size_t index, bool on)
{
    static void (*const SET[])(struct sim *, size_t, bool) = {
#define X(code, text, aim, set, story) set,
        SIM_FAULTS(X)
#undef X
    };
    sim->active[index] = on;
    SET[sim->plan->faults[index].type](sim, index, on);
}

void sim_fault_begin(struct sim *sim, size_t index)
{
    set(sim, index, true);
}

void sim_fault_end(struct sim *sim, size_t index)
{
    if (sim->active[index])
        set(sim, index, false);
}

void sim_fault_tick(struct sim *sim, size_t index)
{
    const struct sim_fault *fault = &sim->plan->faults[index];
    struct world *world = sim->world;
    if (fault->type == SIM_FLAP)
        world_cut(world, fault->a, fault->b, sim_random(sim, 2));
    else if (fault->type == SIM_SOURCE_CRASHES && is_ready(world, fault->a))
        world_source_down(world, fault->a, fault->b, sim_random(sim, 2));
    else if (fault->type == SIM_EQUIVOCATE)
        sim_villain_forge(sim, fault->a, PROOF_LOG_MESSAGE, true);
    else if (fault->type == SIM_FORGE_OUTCOMES)
        sim_villain_forge(sim, fault->a, PROOF_LOG_OUTCOME, true);
    else if (fault->type == SIM_FORGE_RECORDS)
        sim_villain_forge(sim, fault->a, sim_random(sim, 2) ? PROOF_LOG_MESSAGE : PROOF_LOG_OUTCOME, false);
    else if (fault->type == SIM_FLOOD)
        sim_villain_flood(sim, fault->a);
    else if (fault->type == SIM_FORGE_CALL)
        sim_villain_call(sim, fault->a);
    else if (fault->type == SIM_FORGE_HAVE)
        sim_villain_boast(sim, fault->a);
    else if (fault->type == SIM_TWO_KEYS)
        sim_villain_two_keys(sim, fault->a);
    else if (fault->type == SIM_FORGET)
        sim_ending_tick(sim, index);
    else if (fault->type == SIM_ROTATE)
        sim_rotation_tick(sim);
}
