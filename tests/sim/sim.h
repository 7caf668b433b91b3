/* One run of one plan: the world, its judge, and the faults as they come and go. */
#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H

#include "tests/sim/judge.h"
#include "tests/sim/plan.h"

struct sim {
    const struct sim_plan *plan;
    struct world *world;
    struct judge judge;
    FILE *story;                              /* or NULL */
    struct topology_network other;            /* the document of SIM_DOCUMENT */
    struct proof_head flood[WORLD_LANES_MAX]; /* how far villains' own branches go */
    uint64_t random;                          /* of what villains make up */
    struct sim_send
        waiting[2 * (SIM_SENDS_MAX + WORLD_LANES_MAX * SIM_FAULTS_MAX)]; /* what blocks had no room for yet */
    size_t waiting_len;
    bool active[SIM_FAULTS_MAX];
    struct store *backup[SIM_FAULTS_MAX]; /* by fault: a store as it was when the fault began */
    struct world_guard guards[SIM_FAULTS_MAX][WORLD_LOGS_MAX];
    bool spoilt[WORLD_RELAYS_MAX]; /* its operator signed what is not so: it signs nothing more */
    struct {                       /* of the one lane that lost messages for good (ending.c) */
        bool forgot, published;
        uint16_t closed, next;
        uint64_t at, far_at; /* ms: when the closing record reaches the inbox */
    } ending;
    struct { /* of the one change of keys (rotation.c) */
        bool begun;
        uint64_t overlap;                                                     /* s */
        uint64_t registry, document[WORLD_RELAYS_MAX], key[WORLD_RELAYS_MAX]; /* ms: when each comes to it */
        bool told[WORLD_RELAYS_MAX];                                          /* it has the new document */
    } rotation;
    bool gone[WORLD_RELAYS_MAX], adopts[WORLD_RELAYS_MAX]; /* adopts: its guard is old until a person names the heads */
};

struct sim_result {
    bool ok;
    char wrong[320];
    uint64_t faults, messages, steps, events, checks, trace, virtual_ms;
    uint64_t healed_ms; /* from the end of the last fault until all was quiet */
};

enum { SIM_HEAL_MS = 240000 /* within this, after the last fault, all that was sent is delivered and settled */ };

/* Runs a plan to its end, or to the first broken promise. story: every fault as it happens, or NULL. */
void sim_run(struct sim_result *result, const struct sim_plan *plan, FILE *story);

/* ---- ending.c ---- */
void sim_ending(struct sim *sim, size_t index, bool on);
void sim_ending_tick(struct sim *sim, size_t index); /* the chain forgets, as soon as there is something to forget */
void sim_ending_far(struct sim *sim);                /* the inbox takes the closing record, when it is time */
/* The operator's word that a dead relay may believe its chain again; nothing before the new document is out. */
void sim_ending_thaw(struct sim *sim, uint16_t relay);

/* ---- rotation.c ---- */
void sim_rotation(struct sim *sim, size_t index, bool on);
void sim_rotation_tick(struct sim *sim); /* messages */
void sim_rotation_step(struct sim *sim); /* whoever has come to it changes */
const struct topology_network *sim_rotation_document(const struct sim *sim, uint16_t relay); /* NULL: the first one */

/* ---- fault.c, villain.c: between the files of the simulator ---- */
void sim_fault_begin(struct sim *sim, size_t index);
void sim_fault_end(struct sim *sim, size_t index);
void sim_fault_tick(struct sim *sim, size_t index); /* now and then while it lasts */
/* Records that no chain has, and a signed head over them. */
void sim_villain_forge(struct sim *sim, uint16_t relay, uint8_t kind, bool sign);
void sim_villain_flood(struct sim *sim, uint16_t relay);    /* the same, many, each after the ones before */
void sim_villain_call(struct sim *sim, uint16_t relay);     /* straight to an inbox, under both of its keys */
void sim_villain_boast(struct sim *sim, uint16_t relay);    /* heartbeats of logs that nobody has */
void sim_villain_two_keys(struct sim *sim, uint16_t relay); /* its true heads, under its second key */
/* Into blocks of the lane's chain, as they have room: a block never holds more than half of the lane's window. */
void sim_send(struct sim *sim, const struct sim_send *send);
uint64_t sim_random(struct sim *sim, uint64_t below);

#endif
