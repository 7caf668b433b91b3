/* Plans: what a seed decides. */
#include "tests/sim/plan.h"

#include <stdlib.h>
#include <string.h>

enum {
    LANES_MAX = WORLD_LANES_MAX - 1,
    EXPIRING_MAX = 5,
    LARGE_MAX = 100,
    LANE_MAX = 10000,
    LANE_BYTES = 2500000,
    LANE_WINDOWS = 6,
    FORGET_IN = 16,
    ROTATE_IN = 12
};
enum aim { RELAY, LOST, OPERATOR, LINK, SOURCE, LIAR, CHAIN, LANE, WORLD };

static const struct {
    const char *name, *story;
    enum aim aim;
} FAULTS[] = {
#define X(code, text, aim, set, story) {text, story, aim},
    SIM_FAULTS(X)
#undef X
};

static uint64_t draw(uint64_t *state, uint64_t below)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t mixed = *state;
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    return (mixed ^ mixed >> 31) % below;
}

static uint64_t between(uint64_t *state, uint64_t low, uint64_t high)
{
    return low + draw(state, high - low + 1);
}

const char *sim_fault_name(enum sim_fault_type type)
{
    return FAULTS[type].name;
}

enum sim_fault_type sim_fault_by_name(const char *name)
{
    unsigned type = 0;
    while (type < SIM_FAULT_TYPES && strcmp(FAULTS[type].name, name) != 0)
        type++;
    return (enum sim_fault_type)type;
}

/* ---- size ----------------------------------------------------------------------------------------------------------- */

/* Most bugs need few messages and a handful of faults, so most worlds are short; some are long, some carry much. */
static const struct size {
    const char *name;
    uint64_t of; /* how many in 20 */
    uint64_t horizon_low, horizon_high, sends_low, sends_high, heavy_low, heavy_high, faults;
    uint64_t sides, middles; /* so many of SIDES, and of relays in the middle, to choose from */
    uint64_t window;         /* the smallest one, as a power of two of 128 KiB */
} SIZES[] = {
    {"short", 17, 1500, 5000, 2, 10, 1, 60, 10, 5, 3, 0},
    {"long", 2, 4000, 20000, 8, 40, 1, 300, 24, 5, 3, 0},
    {"full", 1, 4000, 10000, 20, 60, 200, 1500, 16, 3, 2, 2},
};

static const struct size *size_take(uint64_t *state)
{
    uint64_t all = 0, drawn;
    for (size_t i = 0; i < sizeof(SIZES) / sizeof(SIZES[0]); i++)
        all += SIZES[i].of;
    drawn = draw(state, all);
    const struct size *size = SIZES;
    for (; drawn >= size->of; size++)
        drawn -= size->of;
    return size;
}

bool sim_plan_world_known(const char *name)
{
    for (size_t i = 0; i < sizeof(SIZES) / sizeof(SIZES[0]); i++) {
        if (strcmp(SIZES[i].name, name) == 0)
            return true;
    }
    return false;
}

static uint16_t relays_of(const struct sim_plan *plan)
{
    return (uint16_t)(plan->shape.west + plan->shape.middle + plan->shape.east);
}

/* ---- shape ---------------------------------------------------------------------------------------------------------- */

static void shape_make(struct sim_plan *plan, uint64_t *state, const struct size *size)
{
    static const struct {
        uint16_t side, quorum;
    } SIDES[] = {{2, 2}, {3, 2}, {3, 2}, {3, 3}, {4, 3}};
    struct world_shape *shape = &plan->shape;
    uint64_t side = draw(state, size->sides);
    *shape = WORLD_SCENE;
    shape->west = shape->east = SIDES[side].side;
    shape->quorum = SIDES[side].quorum;
    shape->middle = (uint16_t)draw(state, size->middles);
    shape->direct = shape->middle == 0 || draw(state, 4) == 0;
    shape->lanes = (uint16_t)between(state, 1, LANES_MAX);
    shape->sources = (uint16_t)between(state, 2, 3);
    shape->demanded = 2;
    shape->keys = (uint16_t)between(state, 1, 2);
    for (size_t i = 0; i < LANES_MAX; i++)
        shape->modes[i] = (uint8_t)draw(state, 4);
    /* A window has room for the largest batch: else `config check` refuses it. */
    shape->window = UINT64_C(131072) << between(state, size->window, 3);
    shape->payload_max = (uint32_t)(shape->window / PROOF_RANGE_MAX - PROOF_MESSAGE_RECORD_BYTES(1, 0));
    plan->lost[0] = plan->lost[1] = SIM_NOBODY;
    if (shape->west > shape->quorum) {
        plan->lost[0] = (uint16_t)draw(state, shape->west);
        plan->lost[1] = (uint16_t)(shape->west + shape->middle + draw(state, shape->east));
    }
    plan->liar = (uint16_t)draw(state, shape->sources);
    plan->claims = draw(state, 4) == 0 ? shape->window / 2 : 0;
    plan->real_crypto = draw(state, 64) == 0;
    plan->loss = draw(state, 2) ? 0 : (unsigned)draw(state, 80);
}

/* ---- what is sent --------------------------------------------------------------------------------------------------- */

static int sends_order(const void *a, const void *b)
{
    const struct sim_send *one = a, *other = b;
    return one->at != other->at ? (one->at < other->at ? -1 : 1) : 0;
}

/* What a lane carries must be done well before SIM_HEAL_MS: a window takes some ten seconds from end to end and back, and a call,
 * which carries 256 messages or 64 KiB of them, some four. */
struct room {
    uint64_t bytes, messages;
};

static uint32_t room_take(struct room *room, uint32_t count, uint64_t len)
{
    uint64_t size = PROOF_MESSAGE_RECORD_BYTES(1, len), most = room->bytes / size;
    most = most < room->messages ? most : room->messages;
    count = count < most ? count : (uint32_t)most;
    room->messages -= count;
    room->bytes -= count * size;
    return count;
}

static void sends_make(struct sim_plan *plan, uint64_t *state, const struct size *size, struct room *room)
{
    uint64_t heavy = between(state, size->heavy_low, size->heavy_high);
    plan->sends_len = (size_t)between(state, size->sends_low, size->sends_high);
    for (size_t i = 0; i < plan->sends_len; i++) {
        struct sim_send *send = &plan->sends[i];
        send->at = between(state, 1000, plan->horizon);
        send->lane = (uint16_t)draw(state, plan->shape.lanes);
        send->count = (uint32_t)between(state, 1, heavy);
        send->len = (uint32_t)(draw(state, 16) ? draw(state, 100) : draw(state, plan->shape.payload_max));
        if (send->len > 100 && send->count > LARGE_MAX)
            send->count = LARGE_MAX;
        send->life = draw(state, 8) ? SIM_LONG_LIFE : between(state, 4, 20);
        if (send->life != SIM_LONG_LIFE && send->count > EXPIRING_MAX)
            send->count = EXPIRING_MAX; /* the inbox expires one message a call: many would take their time */
        send->count = room_take(&room[send->lane], send->count, send->len);
    }
    qsort(plan->sends, plan->sends_len, sizeof(plan->sends[0]), sends_order);
    for (size_t i = 0; i < plan->shape.lanes; i++) {
        bool retries = plan->shape.modes[i] & PROOF_MODE_RETRY;
        plan->fails[i].from = between(state, 1, 400);
        plan->fails[i].to = draw(state, 3) ? 0 : plan->fails[i].from + draw(state, 4);
        plan->fails[i].until = model_time(between(state, 12, 12 + plan->horizon / 1000 + (retries ? 5 : 20)));
    }
}

/* ---- faults --------------------------------------------------------------------------------------------------------- */

static uint16_t operator_of(const struct sim_plan *plan, uint64_t *state)
{
    uint16_t at = (uint16_t)draw(state, (uint64_t)plan->shape.west + plan->shape.east);
    return at < plan->shape.west ? at : (uint16_t)(at + plan->shape.middle);
}

/* False: there is nothing here at which it could be aimed. */
static bool aim_take(struct sim_fault *fault, const struct sim_plan *plan, uint64_t *state)
{
    uint16_t relays = relays_of(plan);
    switch (FAULTS[fault->type].aim) {
    case RELAY: fault->a = (uint16_t)draw(state, relays); return true;
    case LOST: fault->a = plan->lost[draw(state, 2)]; return fault->a != SIM_NOBODY;
    case OPERATOR: fault->a = operator_of(plan, state); return true;
    case LINK:
        fault->a = (uint16_t)draw(state, relays);
        fault->b = (uint16_t)((fault->a + 1 + draw(state, relays - 1u)) % relays);
        return true;
    case SOURCE:
    case LIAR:
        fault->a = operator_of(plan, state);
        fault->b = FAULTS[fault->type].aim == LIAR ? plan->liar : (uint16_t)draw(state, plan->shape.sources);
        return true;
    case CHAIN: fault->a = (uint16_t)draw(state, MODEL_CHAINS); return true;
    case LANE: fault->a = (uint16_t)draw(state, plan->shape.lanes); return true;
    case WORLD: return true;
    }
    return false;
}

static uint32_t size_draw(enum sim_fault_type type, uint64_t *state)
{
    if (type == SIM_LOSS)
        return (uint32_t)between(state, 50, 900);
    if (type == SIM_TWICE)
        return (uint32_t)between(state, 100, 1000);
    if (type == SIM_SLOW)
        return (uint32_t)between(state, 1, 64);
    if (type == SIM_REORG)
        return (uint32_t)between(state, 1, MODEL_FINALITY);
    if (type == SIM_CLOCK_JUMP)
        return (uint32_t)between(state, 100, 100000);
    if (type == SIM_CLOCK_WRONG || type == SIM_CLOCK_LATE)
        return (uint32_t)between(state, 1, 7200);
    if (type == SIM_FOOLED || type == SIM_SOURCE_INVENTS)
        return (uint32_t)between(state, 1, 8);
    if (type == SIM_BURST)
        return (uint32_t)between(state, 20, 200);
    return (uint32_t)between(state, 5, 1500); /* ms */
}

static int faults_order(const void *a, const void *b)
{
    const struct sim_fault *one = a, *other = b;
    if (one->at != other->at)
        return one->at < other->at ? -1 : 1;
    return (int)one->type - (int)other->type;
}

/*
 * A guard that is put back forgets what its operator signed since; sources that all lie have it sign what no chain holds. Each
 * is survived alone. Both together make two words of an operator that kept every rule: more than the document tolerates.
 */
static bool lost_twice(const struct sim_plan *plan, const struct sim_fault *fault)
{
    enum sim_fault_type other = fault->type == SIM_FOOLED     ? SIM_RESTORED
                                : fault->type == SIM_RESTORED ? SIM_FOOLED
                                                              : SIM_FAULT_TYPES;
    for (size_t i = 0; i < plan->faults_len; i++) {
        if (plan->faults[i].type == other && plan->faults[i].a == fault->a)
            return true;
    }
    return false;
}

/*
 * A chain with two histories that were final, in one world of FORGET_IN. Nothing else depends on whether it is there. An
 * operator that kept every rule has two words when its guard, too, is put back, or all its sources lied besides.
 */
static void forget_make(struct sim_plan *plan, enum sim_fault_type with)
{
    uint64_t state = plan->seed * UINT64_C(0xbf58476d1ce4e5b9) + 7;
    if ((draw(&state, FORGET_IN) != 0 && with != SIM_FORGET) || with == SIM_ROTATE)
        return;
    for (size_t i = 0; i < plan->faults_len; i++) {
        if (plan->faults[i].type == SIM_FOOLED || plan->faults[i].type == SIM_RESTORED)
            return;
    }
    struct sim_fault *fault = &plan->faults[plan->faults_len++];
    *fault = (struct sim_fault){.type = SIM_FORGET,
                                .a = (uint16_t)draw(&state, plan->shape.lanes),
                                .at = between(&state, 500, plan->horizon),
                                .lasts = between(&state, 8000, 16000),
                                .size = (uint32_t)draw(&state, 15000)};
    plan->horizon = fault->at + fault->lasts + 1000;
}

/* Keys change in one world of ROTATE_IN; nothing else depends on it, either. */
static void rotate_make(struct sim_plan *plan, enum sim_fault_type with)
{
    uint64_t state = plan->seed * UINT64_C(0x94d049bb133111eb) + 11;
    if (draw(&state, ROTATE_IN) != 0 && with != SIM_ROTATE)
        return;
    for (size_t i = 0; i < plan->faults_len; i++) {
        if (plan->faults[i].type == SIM_FORGET)
            return; /* that has a new document of its own */
    }
    struct sim_fault *fault = &plan->faults[plan->faults_len++];
    *fault = (struct sim_fault){.type = SIM_ROTATE,
                                .a = operator_of(plan, &state),
                                .at = between(&state, 500, plan->horizon - 1),
                                .lasts = between(&state, 1000, 12000),
                                .size = (uint32_t)draw(&state, 12)};
    if (plan->horizon < fault->at + fault->lasts)
        plan->horizon = fault->at + fault->lasts;
}

/* Each seed knows only some kinds of fault: so rare ones come together, too. */
static void faults_make(struct sim_plan *plan, uint64_t *state, const struct size *size, struct room *room,
                        enum sim_fault_type with)
{
    enum sim_fault_type palette[10];
    size_t kinds = (size_t)between(state, 1, 10), wanted = (size_t)between(state, 1, size->faults);
    for (size_t i = 0; i < kinds; i++)
        palette[i] = (enum sim_fault_type)draw(state, SIM_FORGET);
    if (with < SIM_FORGET)
        palette[0] = with;
    for (size_t i = 0; i < wanted; i++) {
        struct sim_fault fault = {.type = palette[draw(state, kinds)]};
        if (i == 0 && with < SIM_FORGET)
            fault.type = with;
        fault.at = between(state, 500, plan->horizon - 1);
        fault.lasts = draw(state, 3) ? between(state, 1, 3000) : between(state, 1, plan->horizon / 2);
        if (fault.at + fault.lasts > plan->horizon)
            fault.lasts = plan->horizon - fault.at;
        fault.size = size_draw(fault.type, state);
        bool aimed = aim_take(&fault, plan, state) && !lost_twice(plan, &fault);
        if (aimed && fault.type == SIM_BURST)
            fault.size = room_take(&room[fault.a], fault.size, plan->shape.payload_max);
        if (aimed && fault.size > 0)
            plan->faults[plan->faults_len++] = fault;
    }
    forget_make(plan, with);
    rotate_make(plan, with);
    qsort(plan->faults, plan->faults_len, sizeof(plan->faults[0]), faults_order);
}

void sim_plan_make(struct sim_plan *plan, uint64_t seed, enum sim_fault_type with)
{
    uint64_t state = seed * UINT64_C(0xd1342543de82ef95) + 1;
    memset(plan, 0, sizeof(*plan));
    plan->seed = seed;
    const struct size *size = size_take(&state);
    struct room room[WORLD_LANES_MAX];
    plan->world = size->name;
    plan->horizon = between(&state, size->horizon_low, size->horizon_high);
    shape_make(plan, &state, size);
    uint64_t bytes = LANE_WINDOWS * plan->shape.window;
    for (size_t i = 0; i < WORLD_LANES_MAX; i++)
        room[i] = (struct room){bytes < LANE_BYTES ? bytes : LANE_BYTES, LANE_MAX};
    sends_make(plan, &state, size, room);
    faults_make(plan, &state, size, room, with);
}

/* ---- words ---------------------------------------------------------------------------------------------------------- */

static size_t target_words(char *out, size_t cap, const struct sim_plan *plan, enum aim aim, uint16_t index)
{
    static const char *const CHAINS[] = {"western chain", "eastern chain"};
    int len = 0;
    if (aim == CHAIN)
        len = snprintf(out, cap, "%s", CHAINS[index]);
    else if (aim == LANE)
        len = snprintf(out, cap, "lane %u", index);
    else if (index < plan->shape.west)
        len = snprintf(out, cap, "west-%u", index + 1);
    else if (index < plan->shape.west + plan->shape.middle)
        len = snprintf(out, cap, "strait-%u", index - plan->shape.west + 1);
    else
        len = snprintf(out, cap, "east-%u", index - plan->shape.west - plan->shape.middle + 1);
    return (size_t)len < cap ? (size_t)len : cap - 1;
}

void sim_fault_words(char *out, size_t cap, const struct sim_plan *plan, const struct sim_fault *fault)
{
    enum aim aim = FAULTS[fault->type].aim;
    size_t at = 0;
    for (const char *story = FAULTS[fault->type].story; *story != '\0' && at + 1 < cap; story++) {
        char code = *story == '%' ? *++story : '\0';
        int len = 0;
        if (code == 'a')
            at += target_words(out + at, cap - at, plan, aim, fault->a);
        else if (code == 'b' && (aim == SOURCE || aim == LIAR))
            len = snprintf(out + at, cap - at, "%u", fault->b + 1);
        else if (code == 'b')
            at += target_words(out + at, cap - at, plan, aim, fault->b);
        else if (code == 'n')
            len = snprintf(out + at, cap - at, "%u", fault->size);
        else if (code == 't')
            len = snprintf(out + at, cap - at, "%llu ms", (unsigned long long)fault->lasts);
        else
            out[at++] = *story;
        at += (size_t)len < cap - at ? (size_t)len : 0;
    }
    out[at] = '\0';
}

void sim_plan_print(FILE *out, const struct sim_plan *plan)
{
    const struct world_shape *shape = &plan->shape;
    char words[256];
    fprintf(
        out,
        "seed %llu: %u relays a side, %u in the strait%s, %u of %u operators certify, %u lanes with a window of %llu "
        "bytes, %u sources each%s\n",
        (unsigned long long)plan->seed, shape->west, shape->middle, shape->direct ? " (and direct links)" : "",
        shape->quorum, shape->west, shape->lanes, (unsigned long long)shape->window, shape->sources,
        plan->real_crypto ? ", real signatures" : "");
    for (size_t i = 0; i < plan->faults_len; i++) {
        sim_fault_words(words, sizeof(words), plan, &plan->faults[i]);
        fprintf(out, "  %7.3f s  %s\n", (double)plan->faults[i].at / 1000, words);
    }
    fprintf(out, "  %7.3f s  all is well again\n", (double)plan->horizon / 1000);
}
