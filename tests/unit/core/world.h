/*
 * A whole network in one process, deterministic: real relay cores, the store's in-memory twin, a virtual clock, a virtual
 * mesh with links that can be cut and lose frames, a virtual signer for each operator, and two model chains with a
 * model connector for each source. The same seed gives the same run.
 *
 * Evidence carries no real proofs here: VERIFY jobs are answered from the model chain (proofs have their own tests); the
 * evidence message itself is well-formed.
 */
#ifndef TESTS_UNIT_CORE_WORLD_H
#define TESTS_UNIT_CORE_WORLD_H

#include "relay/core/core.h"
#include "relay/core/reason.h"
#include "relay/core/signing.h"
#include "relay/core/verify.h"
#include "relay/core/view.h"
#include "relay/store/store.h"
#include "tests/unit/core/model.h"

enum {
    WORLD_RELAYS = 7, /* west 0..2, middle 3, east 4..6 */
    WORLD_MIDDLE = 3,
    WORLD_SIDE = 3,    /* relays, and operators, of a side */
    WORLD_SOURCES = 2, /* of each relay but the middle one */
    WORLD_LANES = 4,
    WORLD_LOGS = WORLD_LANES * 3,
    /* lanes */
    WORLD_EASTWARD = 0, /* ordered, retry */
    WORLD_WESTWARD = 1,
    WORLD_EASTWARD_LOOSE = 2, /* unordered, once */
    WORLD_WESTWARD_LOOSE = 3,
};

struct world_item; /* a queued event */
struct world_record;

struct world_guard {
    uint64_t number;
    uint8_t running[32];
};

struct world_subscription {
    bool active, short_told, due; /* due: evidence wanted though nothing is new */
    uint64_t next, credit, proven, height;
};

struct world_source {
    bool up, subscribed[WORLD_LOGS], watched[WORLD_LOGS];
    bool down;      /* the test keeps it down */
    uint8_t branch; /* not 0: it lies about headers */
    bool forges;    /* changes a field of the first message of a run */
    struct world_subscription subscriptions[WORLD_LOGS];
    uint64_t told_accepted[WORLD_LOGS], told_decided[WORLD_LOGS];
    unsigned life;
};

struct world_relay {
    bool scarce;             /* its disk is nearly full */
    struct relay_core *core; /* NULL: dead */
    struct store *store;
    unsigned life;
    uint64_t last_heard[WORLD_RELAYS];
    bool peer_up[WORLD_RELAYS];
    struct world_source sources[WORLD_SOURCES];
    bool signer_up, signer_down, lose_answers; /* signer_down: the test keeps it down */
    struct world_guard guards[WORLD_LOGS];     /* the signer's own file: outlives the relay */
    uint64_t signatures;
    bool store_fails; /* the next commit */
    bool store_held;  /* commits wait, until the relay is killed */
    unsigned bans;
    unsigned published, signs; /* actions seen */
    uint64_t committed_writes;
    struct world_record *record; /* events and actions, when a test asks for it */
};

struct world {
    struct topology_network network;
    struct topology_chain chains[MODEL_CHAINS];
    struct topology_epoch epochs[MODEL_CHAINS];
    struct topology_key keys[MODEL_CHAINS][WORLD_SIDE];
    struct topology_operator operators[2 * WORLD_SIDE];
    struct topology_zone zones[3];
    struct topology_relay relays_of_document[WORLD_RELAYS];
    uint16_t serves[MODEL_CHAINS];
    struct topology_link links[4 * WORLD_RELAYS];
    struct topology_lane lanes[WORLD_LANES];
    uint8_t secrets[WORLD_RELAYS][32];
    struct relay_source sources[MODEL_CHAINS][WORLD_SOURCES];
    struct model model;
    struct world_relay relays[WORLD_RELAYS];
    bool cut[WORLD_RELAYS][WORLD_RELAYS];
    unsigned loss;    /* of 1000 published frames */
    uint64_t history; /* of every relay's configuration */
    uint64_t now, order, random;
    struct world_item **queue; /* a heap by (time, order) */
    size_t queue_len, queue_cap;
    struct world_item *calls[MODEL_CHAINS]; /* transactions waiting for a block */
    bool trace;
    bool false_proofs; /* nothing that connectors give is proven */
};

/* The document is made; change it before world_start if need be. */
struct world *world_new(uint64_t seed);
void world_free(struct world *world);
void world_start_all(struct world *world);
void world_start(struct world *world, uint16_t relay);
/* Kills it: what its writer had not committed is lost, from a random write on. Its store and signer's guard stay. */
void world_kill(struct world *world, uint16_t relay);
void world_store_clear(struct world *world, uint16_t relay); /* of a dead relay */
void world_cut(struct world *world, uint16_t a, uint16_t b, bool cut);
void world_isolate(struct world *world, uint16_t relay, bool cut);
void world_source_down(struct world *world, uint16_t relay, uint16_t source, bool down);
void world_signer_down(struct world *world, uint16_t relay, bool down);

/* count messages of len bytes of payload into the lane's outbox. */
void world_send(struct world *world, uint16_t lane, size_t count, size_t len);
void world_send_all(struct world *world, size_t count); /* on each lane */
void world_run(struct world *world, uint64_t ms);
/* Runs until the condition holds, at most ms; returns it. */
typedef bool world_condition(struct world *world);
bool world_until(struct world *world, world_condition *condition, uint64_t ms);
void world_expect(struct world *world, world_condition *condition,
                  uint64_t ms); /* else the test fails, marks printed */

bool world_delivered(struct world *world); /* all messages of all lanes are decided at the inbox */
bool world_settled(struct world *world);   /* … their outcomes taken by the outbox */
bool world_quiet(struct world *world);     /* … and all relays that live have pruned them */
/* Every message took effect once, in order on ordered lanes. */
void world_check_once(const struct world *world);
/* No segment is left anywhere, heads are few, no honest source was banned. */
void world_check_bounded(const struct world *world);
void world_print(const struct world *world); /* marks of all relays, for a failed test */
struct relay_log_view world_view(const struct world *world, uint16_t relay, uint16_t lane, uint8_t kind);
uint64_t world_counter(const struct world *world, uint16_t relay, enum relay_reason reason);
uint64_t world_random(struct world *world, uint64_t below);
/* Rows of a family in a relay's store that begin with prefix. */
size_t world_rows(const struct world *world, uint16_t relay, enum store_family family, struct bytes prefix);

/* Hands an event to a relay now, as its edge would; bytes are borrowed. */
void world_feed(struct world *world, uint16_t relay, struct relay_event event);

/* ---- frames that a test makes up (frames.c) --------------------------------------------------------------------------- */

/* A frame of these items from one relay to another, as its gate would let it in; ask: the request that it answers, 0 none. */
void world_frame(struct world *world, uint16_t to, uint16_t from, uint64_t ask, const struct codec_pack *items,
                 uint32_t count);
/* The true head of a lane's message log at a number. */
struct proof_head world_head(const struct world *world, uint16_t lane, uint64_t number);
/* A world in which 20 messages a lane exist and no honest signer speaks: what a relay knows comes from the test alone. */
struct world *world_silent(uint64_t seed);

/* ---- between the harness's files ------------------------------------------------------------------------------------ */

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
    uint64_t at, order;
    enum world_item_type type;
    uint16_t relay, source;
    unsigned life, source_life;
    struct relay_event event;
    uint8_t *body;
    size_t body_len;
    struct store_batch *batch;
    enum store_family family;
    struct bytes from, to; /* in body */
    size_t limit;
    struct world_item *next;
};

void world_network_make(struct world *world);
struct world_item *world_post(struct world *world, uint64_t delay, enum world_item_type type, uint16_t relay,
                              struct bytes body);
void world_post_source(struct world *world, uint16_t relay, uint16_t source, const struct connector_message *message);
void world_source_take(struct world *world, uint16_t relay, uint16_t source, struct bytes message);
void world_source_start(struct world *world, uint16_t relay, uint16_t source);
void world_chain_block(struct world *world, uint16_t chain);
void world_verify(struct world *world, struct relay_verify_job *job);
void world_sign(struct world *world, uint16_t relay, struct bytes message);
void world_signer_start(struct world *world, uint16_t relay);
uint16_t world_chain_of(uint16_t relay); /* 0 west, 1 east */
/* A signed attestation item over heads by the operator of `relay`, into pack. */
void world_attest(struct world *world, uint16_t relay, struct codec_pack *pack, const struct proof_head *heads,
                  size_t count);
void world_item_free(struct world_item *item);

#endif
