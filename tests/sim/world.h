/*
 * A whole network in one process, deterministic: real relay cores over real topology code and store keys, on a virtual clock,
 * mesh and disks, with a virtual signer for each operator and two model chains behind model connectors. The same seed gives
 * the same run. tests/unit/core plays scenes in it; the simulator (plan.h, judge.h) breaks it at random.
 *
 * What is not the real thing here: evidence carries no real proofs (VERIFY jobs are answered from the model chain, the evidence
 * message itself is well-formed), connectors, contracts and signers are twins that keep the same rules, the store is its
 * in-memory twin, and with `virtual_crypto` (sim/crypto.h) a signature is a hash over key and message.
 */
#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H

#include "relay/core/core.h"
#include "relay/core/reason.h"
#include "relay/core/signing.h"
#include "relay/core/verify.h"
#include "relay/core/view.h"
#include "relay/store/store.h"
#include "tests/sim/model.h"

enum {
    WORLD_RELAYS_MAX = 12,
    WORLD_SIDE_MAX = 5,
    WORLD_SOURCES_MAX = 3,
    WORLD_LANES_MAX = 5, /* generations count */
    WORLD_LOGS_MAX = WORLD_LANES_MAX * 3,
    WORLD_CARRIER = 0xffff, /* instead of a chain: serves none */
    WORLD_BALLAST_MAX = CODEC_CONNECTOR_MESSAGE_MAX - 8192,
    /* The scene of the core's tests: two sides of three, one in the middle, all four lanes. */
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

struct world_shape {
    uint16_t west, middle, east; /* relays; each but the middle ones is an operator of its own */
    uint16_t lanes;              /* even numbers go east */
    uint16_t sources, demanded;  /* of each relay that is not in the middle; of them must agree */
    uint16_t quorum;
    uint16_t keys; /* of each operator in its epoch */
    bool direct;   /* the sides have links of their own besides those through the middle */
    uint8_t suite; /* of both chains */
    uint8_t modes[WORLD_LANES_MAX];
    uint64_t window;
    uint32_t payload_max;
};

extern const struct world_shape WORLD_SCENE; /* that of the core's tests */

struct world;
struct world_item; /* a queued event */
struct world_due;  /* and when it is due */

/* Whoever looks on: all may be NULL. */
struct world_watcher {
    void *context;
    void (*started)(void *context, uint16_t relay, const struct relay_core_config *config);
    void (*event)(void *context, uint16_t relay, const struct relay_event *event); /* before the core takes it */
    void (*actions)(void *context, uint16_t relay, const struct relay_action *actions, size_t len); /* after */
    void (*killed)(void *context, uint16_t relay);
    void (*committed)(void *context, uint16_t relay, const struct relay_op *ops,
                      size_t ops_len);                                                 /* it is on the platter */
    void (*signed_head)(void *context, uint16_t relay, const struct proof_head *head); /* the honest signer */
    void (*wrong)(void *context, const char *text); /* a promise is broken; without a watcher the process ends */
};

struct world_guard {
    uint64_t number;
    uint8_t running[32];
};

struct world_subscription {
    bool active, short_told, due; /* due: evidence wanted though nothing is new */
    uint64_t next, credit, proven, height;
};

struct world_source {
    bool up, subscribed[WORLD_LOGS_MAX], watched[WORLD_LOGS_MAX];
    bool down, withholds;     /* the test keeps it down; it tells heights, and nothing of any log */
    uint8_t branch;           /* not 0: it lies about headers */
    bool forges, strips;      /* changes a field of the first message of a run; leaves payloads out */
    uint8_t invents;          /* adds so many messages of its own, at most 8, which a header of its own proves */
    bool boasts, header_late; /* says of calls that they are confirmed, and sends none; headers after what they prove */
    bool broken, hides;       /* it saw its chain break finality: it says nothing more; it tells no position */
    uint64_t told;            /* the greatest height of which it told a header */
    uint16_t delay;           /* ms, on everything that it says */
    uint32_t ballast;         /* bytes more in what it proves with: others' receipts; at most WORLD_BALLAST_MAX */
    struct world_subscription subscriptions[WORLD_LOGS_MAX];
    uint64_t told_accepted[WORLD_LOGS_MAX], told_decided[WORLD_LOGS_MAX];
    uint64_t said; /* ms: when what it said last arrives: it says one thing after the other */
    unsigned life;
};

/* What the disk under a relay's store does. A commit is synced before it is answered. */
struct world_disk {
    struct store *store;
    enum store_status fails; /* not STORE_OK: commits fail so … */
    bool takes_effect;       /* … and are on the platter all the same */
    bool unreadable, failed; /* loads fail; a commit did, and in this life its writer makes no other, as the real one */
    bool held;               /* commits wait, until the relay is killed */
    bool torn;               /* the record that a crash cut in two is found half written, and dropped */
    uint16_t slow;           /* ms more for a commit */
    uint64_t busy;           /* ms: when the last commit under way is done */
};

struct world_relay {
    bool scarce, hop;        /* its disk is nearly full; it starts without sources, whatever chain it is at */
    struct relay_core *core; /* NULL: dead */
    struct world_disk disk;
    const struct topology_network *document; /* NULL: the world's */
    unsigned life;
    uint64_t last_heard[WORLD_RELAYS_MAX];
    bool peer_up[WORLD_RELAYS_MAX];
    struct world_source sources[WORLD_SOURCES_MAX];
    bool signer_up, signer_down, lose_answers; /* signer_down: the test keeps it down */
    struct world_guard guards[WORLD_LOGS_MAX]; /* the signer's own file: outlives the relay */
    uint64_t signatures;
    bool rotated;              /* its signer has the next epoch's key */
    bool strips, hides;        /* tells without payloads; says of all that it is asked for that it keeps none */
    bool fooled;               /* all its sources lied together once: what it holds may be what they invented */
    unsigned bans, kept;       /* kept: refused evidence */
    unsigned published, signs; /* actions seen */
    uint64_t committed_writes;
    uint64_t clock_ahead;  /* ms that its monotonic clock jumped, for good */
    int64_t clock_wrong;   /* s, of its wall clock */
    uint64_t frozen_until; /* ms: the process is stopped */
};

/* One direction of a link. */
struct world_link {
    bool cut;
    uint16_t loss, twice;   /* of 1000 published frames */
    uint16_t delay, jitter; /* ms more; jitter makes frames pass each other */
    uint32_t rate;          /* bytes a ms; 0: any */
    uint64_t busy;          /* ms: until then the line is full */
};

struct world {
    struct world_shape shape;
    uint16_t relays_len, logs_len;
    struct topology_network network;
    struct topology_chain chains[MODEL_CHAINS];
    struct topology_epoch epochs[MODEL_CHAINS];
    struct topology_key keys[MODEL_CHAINS][2 * WORLD_SIDE_MAX];
    struct topology_operator operators[2 * WORLD_SIDE_MAX];
    struct topology_zone zones[3];
    struct topology_relay relays_of_document[WORLD_RELAYS_MAX];
    uint16_t serves[MODEL_CHAINS];
    struct topology_link links[WORLD_RELAYS_MAX * WORLD_RELAYS_MAX];
    struct topology_lane lanes[WORLD_LANES_MAX];
    uint8_t secrets[WORLD_RELAYS_MAX][32], key_ids[WORLD_RELAYS_MAX][32];
    uint8_t spare_secrets[WORLD_RELAYS_MAX][32], spare_ids[WORLD_RELAYS_MAX][32]; /* an operator's second key */
    struct { /* the document with the next epoch of one registry; its chains_len 0: there is none */
        struct topology_network network;
        struct topology_chain chains[MODEL_CHAINS];
        struct topology_epoch epochs[2];
        struct topology_key keys[2 * WORLD_SIDE_MAX];
        uint16_t chain;     /* whose registry */
        uint64_t operators; /* that get a key in place of all they had: relays, as bits */
    } next;
    struct relay_source sources[MODEL_CHAINS][WORLD_SOURCES_MAX];
    struct model model;
    struct world_relay relays[WORLD_RELAYS_MAX];
    struct world_link mesh[WORLD_RELAYS_MAX][WORLD_RELAYS_MAX]; /* [from][to] */
    bool chain_stalls[MODEL_CHAINS];                            /* no new block */
    bool calls_wait[MODEL_CHAINS];                              /* blocks, but nobody's transaction is in them */
    unsigned loss;                                              /* of 1000 published frames, on every link */
    uint64_t history, claims; /* of every relay's configuration: history, attester_budget */
    uint64_t now, order, random, steps;
    struct world_due *queue; /* a heap by (time, order) */
    size_t queue_len, queue_cap;
    struct world_item *calls[MODEL_CHAINS]; /* transactions waiting for a block */
    struct world_item *spare;               /* items to be used again */
    struct connector_scratch *scratch;
    struct world_watcher watcher;
    bool trace;
    const char *watched; /* a reason, or NULL; what the newest note of it said: */
    char noted[512];
    bool false_proofs; /* nothing that connectors give is proven */
};

/* The document is made; change it before world_start if need be. */
struct world *world_new(uint64_t seed); /* WORLD_SCENE */
struct world *world_new_shaped(uint64_t seed, const struct world_shape *shape);
void world_free(struct world *world);
void world_start_all(struct world *world);
void world_start(struct world *world, uint16_t relay);
/* Kills it: what its writer had not committed is lost, from a random write on. Its store and signer's guard stay. */
void world_kill(struct world *world, uint16_t relay);
void world_store_clear(struct world *world, uint16_t relay); /* of a dead relay */
/* A copy of a relay's store as it is on the platter now; NULL when it has none. The caller puts it back or closes it. */
struct store *world_store_copy(const struct world *world, uint16_t relay);
void world_cut(struct world *world, uint16_t a, uint16_t b, bool cut);
void world_isolate(struct world *world, uint16_t relay, bool cut);
void world_source_down(struct world *world, uint16_t relay, uint16_t source, bool down);
void world_signer_down(struct world *world, uint16_t relay, bool down);
/* Blocks above the finality depth are replaced; depth <= MODEL_FINALITY. lost: messages of each lane that are
 * in no block any more. */
void world_chain_reorganise(struct world *world, uint16_t chain, uint16_t depth, size_t lost[MODEL_LANES_MAX]);
/* The lane's source chain forgets its messages behind `kept`, final or not (model_forget). */
void world_lane_forget(struct world *world, uint16_t lane, uint64_t kept);
/* A new document: this lane is closed, and its next generation is the last lane of it. Only while no relay lives. */
uint16_t world_lane_next(struct world *world, uint16_t lane);

/* A new document, for relays that are given it: the next epoch of the chain's registry, in which these operators (relays, as
 * bits) have another key. The registry begins it with model_rotate. */
void world_epoch_next(struct world *world, uint16_t chain, uint64_t operators, uint64_t overlap);
void world_key_next(struct world *world, uint16_t relay); /* a dead relay's signer gets that key */

/* count messages of len bytes of payload into the lane's outbox; life: seconds to their deadline. */
void world_send(struct world *world, uint16_t lane, size_t count, size_t len);
void world_send_living(struct world *world, uint16_t lane, size_t count, size_t len, uint64_t life);
void world_send_all(struct world *world, size_t count); /* on each lane */
void world_run(struct world *world, uint64_t ms);
bool world_step(struct world *world, uint64_t end); /* one event, if it is due by then */
typedef bool world_condition(struct world *world);

uint16_t world_chain_of(const struct world *world, uint16_t relay); /* 0 west, 1 east, or WORLD_CARRIER */
uint64_t world_random(struct world *world, uint64_t below);
struct relay_log_view world_view(const struct world *world, uint16_t relay, uint16_t lane, uint8_t kind);
bool world_delivered(struct world *world); /* all messages of all lanes are decided at the inbox */
bool world_settled(struct world *world);   /* … their outcomes taken by the outbox */
bool world_quiet(struct world *world);     /* … and all relays that live have pruned them */
bool world_relay_quiet(const struct world *world, uint16_t relay); /* this one has */
void world_print(const struct world *world);                       /* marks of all relays, for a failed test */
/* Rows of a family in a relay's store that begin with prefix. */
size_t world_rows(const struct world *world, uint16_t relay, enum store_family family, struct bytes prefix);

/* Hands an event to a relay now, as its edge would; bytes are borrowed. */
void world_feed(struct world *world, uint16_t relay, struct relay_event event);
/* Tells the watcher that a promise is broken. */
void world_wrong(struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A frame with this body is on its way. type: FRAME or ASKED; id 0: published. */
void world_frame_send(struct world *world, uint16_t from, uint16_t to, struct bytes body, enum relay_event_type type,
                      uint64_t id);
/* A signed attestation item over heads by the operator of `relay`, into pack. */
void world_attest(struct world *world, uint16_t relay, struct codec_pack *pack, const struct proof_head *heads,
                  size_t count);
void world_attest_with(struct world *world, const uint8_t secret[32], struct codec_pack *pack,
                       const struct proof_head *heads, size_t count);

#endif
