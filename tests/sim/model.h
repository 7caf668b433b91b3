/*
 * Two model chains for the world: outboxes, inboxes and registries in plain C, with the rules of the contracts
 * (docs/formats.md). A block a second; what is written into a block is seen when the block is made.
 */
#ifndef TESTS_SIM_MODEL_H
#define TESTS_SIM_MODEL_H

#include "proofs/codec/connector.h"
#include "proofs/frame.h"
#include "topology/network.h"

enum {
    MODEL_CHAINS = 2,
    MODEL_LANES_MAX = 8, /* generations count */
    MODEL_FINALITY = 2,
    MODEL_BLOCK_MS = 1000,
    MODEL_EPOCH = 1700000000,
    MODEL_STATES = 16
};

struct model_entry {
    uint64_t height;               /* block that wrote it */
    size_t end;                    /* of its record */
    uint64_t sequence;             /* of the message that it is, or speaks of */
    uint8_t item[32], running[32]; /* digest or outcome entry; hash after it */
};

struct model_log {
    struct model_entry *entries;
    size_t count, cap;
    uint8_t *bytes;
    size_t len, bytes_cap;
    uint8_t start[32];
};

struct model_state { /* of an inbox */
    uint64_t accepted, undecided;
    size_t order_len;
};

struct model_lane {
    struct model_log messages, outcomes;
    struct model_log
        forgotten; /* entries of all messages before the chain forgot some that were final; count 0: it never did */
    uint64_t kept, final;             /* then: the last message of both histories; the last final one of the first */
    bool closed_outbox, closed_inbox; /* by a closing record behind `last` */
    uint64_t last;
    size_t closed_order; /* executions before the inbox was closed */
    uint16_t before;     /* the generation before this one, + 1; 0: this is the first */
    struct {             /* settlement: how far the outbox had taken the outcomes, by block */
        uint64_t height, number;
    } * taken;
    size_t taken_len, taken_cap;
    uint64_t accepted;  /* inbox */
    uint8_t *status;    /* inbox, by sequence: 0 undecided */
    uint8_t *settled;   /* outbox, by sequence */
    unsigned *executed; /* how often the receiver took effect, by sequence */
    uint64_t *order;    /* sequences as they were executed */
    size_t order_len, sequences_cap;
    uint64_t undecided;                   /* lowest sequence without entry */
    uint64_t fails_from, fails_to;        /* the receiver fails for these sequences … */
    uint64_t fails_until;                 /* … before this time (s) */
    unsigned tries;                       /* failed calls of the receiver */
    struct model_state was[MODEL_STATES]; /* at the end of recent blocks, by height */
};

struct model {
    const struct topology_network *network;
    enum proof_suite suite;
    uint64_t height[MODEL_CHAINS];
    uint8_t fork[MODEL_CHAINS];   /* how often the chain was reorganised */
    uint8_t *forks[MODEL_CHAINS]; /* what that was when a block was made, by height */
    size_t forks_cap[MODEL_CHAINS];
    uint8_t epoch[MODEL_CHAINS];        /* that the registry is at: its place in the document */
    uint64_t overlap_end[MODEL_CHAINS]; /* s: until then the one before it counts, too */
    struct model_lane lanes[MODEL_LANES_MAX];
    void (*accepted)(void *context, uint16_t lane, uint8_t kind, const struct proof_head *head,
                     uint64_t epoch); /* or NULL */
    void *context;
    unsigned rejected;   /* calls that reverted */
    size_t largest_call; /* bytes: its records as the ABI has them */
    char why[128];       /* the last one */
};

void model_init(struct model *model, const struct topology_network *network);
void model_fini(struct model *model);

uint64_t model_time(uint64_t height); /* Unix seconds of a block */
/* Header of a block: bytes (into out, capacity 64) and hash. branch 0 is the truth. */
struct bytes model_header(const struct model *model, uint8_t out[64], uint8_t hash[32], uint16_t chain, uint64_t height,
                          uint8_t branch);

void model_block(struct model *model, uint16_t chain); /* the next block; what is written from now on is in it */
/* Blocks above the height go, with all that they held; as many and one more, empty, come in their place. lost: messages of
 * each lane that are in no block any more. Returns how many blocks went. */
size_t model_reorganise(struct model *model, uint16_t chain, uint64_t height, size_t lost[MODEL_LANES_MAX]);

/* The chain has another history: the messages of this lane behind `kept` were never sent, final or not; everything else was
 * taken into the same blocks again. Returns the height above which all headers are others. */
uint64_t model_forget(struct model *model, uint16_t lane, uint64_t kept);
/* The closing record reaches the inbox. A reorganisation takes it into other blocks, never away. */
void model_inbox_close(struct model_lane *lane);
/* The registry begins the next epoch of the document, and lets the one before count for `overlap` seconds. A reorganisation
 * takes it into other blocks, never away. */
void model_rotate(struct model *model, uint16_t chain, uint64_t overlap);
/* The lane, which the document has now, is the next generation of `before`. */
void model_lane_next(struct model *model, uint16_t lane, uint16_t before);
/* What the inbox knows of the messages: what a chain forgot stays accepted at the other one. */
const struct model_log *model_inbox_messages(const struct model_lane *lane);
/* Everything that has to be settled is: of a closed lane what its closing record does not make void. */
bool model_lane_settled(const struct model_lane *lane);

/* Writes a message into the next block of the lane's source chain. life: seconds to the deadline. */
void model_send(struct model *model, uint16_t lane, const uint8_t *payload, size_t len, uint64_t life);

/* Number and running hash of log `kind` of a lane in the state of block height. */
uint64_t model_stands(const struct model *model, uint16_t lane, uint8_t kind, uint64_t height, uint8_t running[32]);
const struct model_log *model_log_of(const struct model *model, uint16_t lane, uint8_t kind); /* kinds 1, 2 */
struct bytes model_records(const struct model_log *log, uint64_t from, uint64_t to);

/* One transaction, in the block being made. NULL: done; else why it was refused. */
const char *model_submit(struct model *model, uint16_t chain, const struct connector_submit *submit);

/* ---- between model.c and contract.c ---- */
void *model_grow(void *old, size_t *cap, size_t wanted, size_t size); /* new memory is zero */
void model_append(const struct model *model, struct model_log *log, uint64_t height, uint64_t sequence,
                  struct bytes record, const uint8_t item[32]);
void model_sequences_grow(struct model_lane *lane, size_t wanted);

#endif
