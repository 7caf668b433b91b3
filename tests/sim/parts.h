/* What the files of the world offer each other; nobody outside includes this. One section a file. */
#ifndef TESTS_SIM_PARTS_H
#define TESTS_SIM_PARTS_H

#include "tests/sim/world.h"

enum world_item_type {
    WORLD_TICK,
    WORLD_EVENT,
    WORLD_COMMIT,
    WORLD_LOAD,
    WORLD_BLOCK,
    WORLD_TO_SOURCE,
    WORLD_SIGN,
    WORLD_SIGNER_START,
    WORLD_SOURCE_START
};

struct world_item {
    enum world_item_type type;
    uint16_t relay, source;
    unsigned life, source_life;
    struct relay_event event;
    uint8_t *body; /* grows, and stays with the item when it is used again */
    size_t body_len, body_cap;
    struct relay_op *ops; /* COMMIT: their keys and values are in body */
    size_t ops_len, ops_cap;
    enum store_family family;
    struct bytes from, to; /* in body */
    struct world_item *next;
};

struct world_due {
    uint64_t at, order; /* ms; of making */
    struct world_item *item;
};

/* ---- world.c ---- */
struct world_item *world_item_new(struct world *world, size_t body); /* of `body` bytes, not in the queue */
void world_item_free(struct world *world, struct world_item *item);
void world_push(struct world *world, struct world_item *item, uint64_t delay);
struct world_item *world_post(struct world *world, uint64_t delay, enum world_item_type type, uint16_t relay,
                              struct bytes body);
bool world_before(const struct world_due *a, const struct world_due *b);

/* ---- life.c: actions and events of one relay ---- */
void world_event_feed(struct world *world, struct world_item *item);
void world_tick(struct world *world, uint16_t relay);

/* ---- mesh.c ---- */
/* These message records without their payloads, which no digest shows; *out owns them. */
struct bytes world_payloads_drop(uint8_t **out, uint64_t from, struct bytes records);
void world_publish(struct world *world, uint16_t relay, const struct relay_action *action);
void world_ask(struct world *world, uint16_t relay, const struct relay_action *action);
void world_answer(struct world *world, uint16_t relay, const struct relay_action *action);

/* ---- disk.c ---- */
void world_disk_write(struct world *world, uint16_t relay, const struct relay_action *action);
void world_disk_load(struct world *world, uint16_t relay, const struct relay_action *action);
void world_disk_commit(struct world *world, struct world_item *item);
void world_disk_loaded(struct world *world, struct world_item *item);
/* The relay dies: some of its writes under way are on the platter, in order; the rest is lost. They leave the queue. */
void world_disk_crash(struct world *world, uint16_t relay);

/* ---- network.c, operator.c ---- */
void world_network_make(struct world *world);
void world_sign(struct world *world, uint16_t relay, struct bytes message);
void world_signer_start(struct world *world, uint16_t relay);

/* ---- source.c: what a connector answers; connector.c: requests, blocks and proofs ---- */
uint64_t world_final_height(const struct world *world, uint16_t chain);
void world_post_source(struct world *world, uint16_t relay, uint16_t source, const struct connector_message *message);
void world_source_serve(struct world *world, uint16_t relay, uint16_t source);
void world_source_headers(struct world *world, uint16_t relay, uint16_t source, uint64_t height);
void world_source_status(struct world *world, uint16_t relay, uint16_t source);
void world_source_position(struct world *world, uint16_t relay, uint16_t source, uint16_t watch);
void world_source_take(struct world *world, uint16_t relay, uint16_t source, struct bytes message);
void world_source_start(struct world *world, uint16_t relay, uint16_t source);
void world_chain_block(struct world *world, uint16_t chain);
void world_verify(struct world *world, struct relay_verify_job *job);

#endif
