/*
 * The judge: an omniscient onlooker that knows what every chain holds and who signed what, and checks the promises
 * (docs/simulation.md) after every step of every relay. Each check looks only at what the step changed.
 *
 *   signed      an honest signer signs only what is final at the log's home chain, and never two words
 *   proven      a relay holds as proven only that
 *   certified   … as certified only what enough operators of one epoch signed
 *   accepted    a contract takes only that, of an epoch that has not ended, executes nothing twice, and an ordered lane in its order
 *   told        nothing leaves a relay, or goes to its signer, before it is on the platter
 *   kept        on the platter there is no hole, in records as in digests; nothing goes before its outcome is certified
 *   bounded     records stay within the window, claims within their budget
 *   done        in the end: nothing lost, nothing twice, both ends say the same of every message
 */
#ifndef TESTS_SIM_JUDGE_H
#define TESTS_SIM_JUDGE_H

#include "tests/sim/world.h"

struct judge_segment {
    uint64_t from, to;
    size_t bytes;
};

struct judge_platter { /* one log in one relay's store */
    struct judge_segment *segments;
    size_t len, cap;
    bool scanning;
    uint64_t base, skeleton, reached; /* reached: the greatest number that was ever there */
    uint64_t sure;                    /* … of records that a proof or a certificate showed to be true */
};

struct judge_marks {
    uint64_t base, stored, durable, proven, certified, window;
};

struct judge_watch { /* one log, for the whole world */
    uint64_t *
        signers; /* by number: relays whose signer signed its true head, low under the first key, high under the next */
    size_t signers_cap;
    uint64_t quorum; /* the greatest number that enough signed */
};

struct judge_lane {
    uint8_t *certain; /* by sequence: its outcome is certified */
    size_t certain_cap;
    uint64_t entries, safe; /* outcomes looked at; the greatest S for which 1..S are certain */
    size_t executed;        /* executions looked at */
};

struct judge_relay {
    struct judge_platter platter[WORLD_LOGS_MAX];
    struct judge_marks marks[WORLD_LOGS_MAX];
    struct proof_head apart[WORLD_LOGS_MAX]; /* the newest head that its operator signed and no chain holds */
    uint64_t last_signed[WORLD_LOGS_MAX];
    uint8_t last_running[WORLD_LOGS_MAX][32];
    uint64_t *heads; /* signed heads ever committed, as an open table of fingerprints */
    size_t heads_len, heads_cap;
};

struct judge {
    struct world *world;
    struct judge_relay relays[WORLD_RELAYS_MAX];
    struct judge_watch watches[WORLD_LOGS_MAX];
    struct judge_lane lanes[WORLD_LANES_MAX];
    uint64_t trace;  /* of everything that happened: the same seed gives the same one */
    uint64_t events; /* that cores took */
    uint64_t checks;
    char wrong[320]; /* the first broken promise; empty: none */
};

/* Watches this world from now on; before its relays start. */
void judge_init(struct judge *judge, struct world *world);
void judge_fini(struct judge *judge);
/* When all should be quiet: what became of every message. */
void judge_end(struct judge *judge);
void judge_wrong(struct judge *judge, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- platter.c: what is on a relay's disk -------------------------------------------------------------------------- */

void judge_platter_commit(struct judge *judge, uint16_t relay, const struct relay_op *ops, size_t count);
void judge_platter_scan(struct judge *judge, uint16_t relay); /* looks at the whole store, as after a start */
bool judge_platter_head(const struct judge *judge, uint16_t relay, uint16_t watch, uint64_t number,
                        const uint8_t key_id[32]);
/* Whether everything in 1..number of a log may be forgotten. */
bool judge_may_forget(struct judge *judge, uint16_t watch, uint64_t number);

#endif
