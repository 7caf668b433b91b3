/* One run of one plan. */
#include "tests/sim/sim.h"

#include <stdlib.h>
#include <string.h>

#include "tests/sim/crypto.h"

enum { TICK_MS = 250, ADOPT_MS = 20000, LOOK_MS = 500, LAST_WORDS = 5 };

static void tell(struct sim *sim, const char *what, const struct sim_fault *fault)
{
    char words[256];
    if (sim->story == NULL)
        return;
    sim_fault_words(words, sizeof(words), sim->plan, fault);
    fprintf(sim->story, "%9.3f s  %s%s\n", (double)sim->world->now / 1000, what, words);
}

/* Everybody's document without its last lane: what a relay runs that was not told of a new one. */
static void other_document(struct sim *sim)
{
    if (sim->world->shape.lanes < 2)
        return;
    sim->other = sim->world->network;
    sim->other.logs = NULL;
    sim->other.lanes_len--;
    sim->other.version = 2;
    memset(sim->other.hash, 0x45, 32);
    if (!topology_network_index(&sim->other))
        abort();
}

static void begin(struct sim *sim)
{
    const struct sim_plan *plan = sim->plan;
    sim_crypto_virtual(!plan->real_crypto);
    sim->world = world_new_shaped(plan->seed, &plan->shape);
    sim->world->claims = plan->claims;
    sim->world->loss = plan->loss;
    sim->random = plan->seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    other_document(sim);
    judge_init(&sim->judge, sim->world);
    for (uint16_t lane = 0; lane < plan->shape.lanes; lane++) {
        struct model_lane *model = &sim->world->model.lanes[lane];
        model->fails_from = plan->fails[lane].from;
        model->fails_to = plan->fails[lane].to;
        model->fails_until = plan->fails[lane].until;
    }
    world_start_all(sim->world);
}

static void step_to(struct sim *sim, uint64_t end)
{
    while (sim->judge.wrong[0] == '\0' && world_step(sim->world, end))
        ;
    if (sim->judge.wrong[0] == '\0')
        sim->world->now = end;
}

/* ---- what is sent ----------------------------------------------------------------------------------------------------- */

/* How many messages of this length the block that is being made still takes. */
static uint64_t room(const struct sim *sim, uint16_t lane, uint32_t len)
{
    const struct model_log *log = &sim->world->model.lanes[lane].messages;
    uint64_t height = sim->world->model.height[sim->world->lanes[lane].source];
    size_t first = log->count;
    while (first > 0 && log->entries[first - 1].height > height)
        first--;
    size_t used = log->len - (first ? log->entries[first - 1].end : 0), half = sim->plan->shape.window / 2;
    return used < half ? (half - used) / PROOF_MESSAGE_RECORD_BYTES(1, len) : 0;
}

void sim_send(struct sim *sim, const struct sim_send *wanted)
{
    struct sim_send here = *wanted, *send = &here;
    if (sim->world->model.lanes[send->lane].closed_outbox)
        send->lane = sim->ending.next;
    uint64_t count = room(sim, send->lane, send->len);
    if (count > send->count)
        count = send->count;
    world_send_living(sim->world, send->lane, count, send->len, send->life);
    if (count == send->count || sim->waiting_len == sizeof(sim->waiting) / sizeof(sim->waiting[0]))
        return;
    struct sim_send *rest = &sim->waiting[sim->waiting_len++];
    *rest = *send;
    rest->count -= (uint32_t)count;
}

static void waiting_send(struct sim *sim)
{
    size_t len = sim->waiting_len;
    struct sim_send *waiting = malloc(len * sizeof(*waiting) + 1);
    memcpy(waiting, sim->waiting, len * sizeof(*waiting));
    sim->waiting_len = 0;
    for (size_t i = 0; i < len; i++)
        sim_send(sim, &waiting[i]);
    free(waiting);
}

/* ---- the timeline: what is sent, faults that begin and end, and the beat of those that act again and again ------------ */

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void play(struct sim *sim)
{
    const struct sim_plan *plan = sim->plan;
    size_t send = 0, fault = 0;
    uint64_t beat = TICK_MS;
    while (sim->judge.wrong[0] == '\0' && sim->world->now < plan->horizon) {
        uint64_t next = earlier(beat, plan->horizon);
        if (send < plan->sends_len)
            next = earlier(next, plan->sends[send].at);
        if (fault < plan->faults_len)
            next = earlier(next, plan->faults[fault].at);
        for (size_t i = 0; i < fault; i++) {
            if (sim->active[i])
                next = earlier(next, plan->faults[i].at + plan->faults[i].lasts);
        }
        step_to(sim, next);
        for (size_t i = 0; i < fault && sim->judge.wrong[0] == '\0'; i++) {
            if (sim->active[i] && next >= plan->faults[i].at + plan->faults[i].lasts) {
                tell(sim, "over: ", &plan->faults[i]);
                sim_fault_end(sim, i);
            } else if (sim->active[i] && next == beat) {
                sim_fault_tick(sim, i);
            }
        }
        if (next == beat) {
            beat += TICK_MS;
            sim_ending_far(sim);
            sim_rotation_step(sim);
            waiting_send(sim);
        }
        for (; send < plan->sends_len && plan->sends[send].at <= next; send++)
            sim_send(sim, &plan->sends[send]);
        for (; fault < plan->faults_len && plan->faults[fault].at <= next; fault++) {
            tell(sim, "", &plan->faults[fault]);
            sim_fault_begin(sim, fault);
        }
    }
}

/* ---- afterwards ------------------------------------------------------------------------------------------------------- */

/* The operator's act: heads that peers show are adopted by name. */
static void adopt(struct sim *sim, uint16_t relay)
{
    struct world_relay *state = &sim->world->relays[relay];
    for (uint16_t watch = 0; watch < sim->world->logs_len; watch++) {
        struct relay_log_view view = world_view(sim->world, relay, watch / 3, (uint8_t)(watch % 3 + 1));
        const struct model_log *log = model_log_of(&sim->world->model, watch / 3, watch % 3 == 0 ? 1 : 2);
        if (view.attested <= state->guards[watch].number || view.attested > log->count)
            continue;
        state->guards[watch].number = view.attested;
        memcpy(state->guards[watch].running, log->entries[view.attested - 1].running, 32);
    }
    world_signer_down(sim->world, relay, true);
    world_signer_down(sim->world, relay, false);
}

static void heal(struct sim *sim)
{
    for (size_t i = 0; i < sim->plan->faults_len; i++)
        sim_fault_end(sim, i);
    sim->world->loss = 0;
    for (uint16_t relay = 0; relay < sim->world->relays_len; relay++) {
        struct world_relay *state = &sim->world->relays[relay];
        if (state->core != NULL && relay_core_halted(state->core))
            world_kill(sim->world, relay);
        if (state->core == NULL && !sim->gone[relay])
            world_start(sim->world, relay);
    }
    if (sim->story != NULL)
        fprintf(sim->story, "%9.3f s  all is well again\n", (double)sim->world->now / 1000);
}

/* All that was sent is settled, and forgotten wherever an honest operator's relay lives. */
static bool is_quiet(const struct sim *sim)
{
    bool quiet = sim->waiting_len == 0 && world_settled(sim->world);
    for (uint16_t relay = 0; quiet && relay < sim->world->relays_len; relay++)
        quiet = sim->spoilt[relay] || world_relay_quiet(sim->world, relay);
    return quiet;
}

static void settle_down(struct sim *sim, struct sim_result *result)
{
    uint64_t from = sim->world->now, end = from + SIM_HEAL_MS;
    bool adopted = false;
    /* New messages pass, too; and where villains signed what is not so, certificates now decide between claims. */
    for (uint16_t lane = 0; lane < sim->plan->shape.lanes; lane++)
        sim_send(sim, &(struct sim_send){.lane = lane, .count = LAST_WORDS, .len = 10, .life = SIM_LONG_LIFE});
    while (sim->judge.wrong[0] == '\0' && sim->world->now < end && !is_quiet(sim)) {
        step_to(sim, sim->world->now + LOOK_MS);
        sim_ending_far(sim);
        sim_rotation_step(sim);
        waiting_send(sim);
        if (adopted || sim->world->now < from + ADOPT_MS)
            continue;
        adopted = true;
        for (uint16_t relay = 0; relay < sim->world->relays_len; relay++) {
            if (sim->adopts[relay] && !sim->gone[relay])
                adopt(sim, relay);
        }
    }
    result->healed_ms = sim->world->now - from;
    if (sim->judge.wrong[0] == '\0' && !is_quiet(sim))
        judge_wrong(&sim->judge, "%u s after the last fault not everything is delivered and settled",
                    SIM_HEAL_MS / 1000);
    if (sim->judge.wrong[0] == '\0')
        judge_end(&sim->judge);
    if (sim->judge.wrong[0] != '\0' && sim->story != NULL)
        world_print(sim->world);
}

void sim_run(struct sim_result *result, const struct sim_plan *plan, FILE *story)
{
    struct sim *sim = calloc(1, sizeof(*sim));
    sim->plan = plan;
    sim->story = story;
    memset(result, 0, sizeof(*result));
    begin(sim);
    play(sim);
    if (sim->judge.wrong[0] == '\0')
        heal(sim);
    settle_down(sim, result);
    memcpy(result->wrong, sim->judge.wrong, sizeof(result->wrong));
    result->ok = result->wrong[0] == '\0';
    result->faults = plan->faults_len;
    for (uint16_t lane = 0; lane < sim->world->shape.lanes; lane++)
        result->messages += sim->world->model.lanes[lane].messages.count;
    result->steps = sim->world->steps;
    result->events = sim->judge.events;
    result->checks = sim->judge.checks;
    result->trace = sim->judge.trace;
    result->virtual_ms = sim->world->now;
    world_free(sim->world);
    judge_fini(&sim->judge);
    for (size_t i = 0; i < SIM_FAULTS_MAX; i++) {
        if (sim->backup[i] != NULL)
            sim->backup[i]->ops->close(sim->backup[i]);
    }
    free(sim->other.logs);
    free(sim);
}
