/*
 * The network document in memory: what all relays of one network agree on (docs/operator.md shows the YAML).
 * Pure state: no I/O, no clock. relay/edge/config.c reads the YAML into this; topology_network_check says
 * everything that is wrong with its meaning; topology_network_index computes ids. After that it is read-only.
 *
 * Ownership: one arena of arrays made by the loader, freed whole by topology_network_free.
 */
#ifndef TOPOLOGY_NETWORK_H
#define TOPOLOGY_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TOPOLOGY_NAME_MAX = 32,     /* bytes, with the final zero 33 */
    TOPOLOGY_CHAIN_ID_MAX = 41, /* CAIP-2 text, docs/formats.md section 2 */
    TOPOLOGY_CHAINS_MAX = 64,
    TOPOLOGY_OPERATORS_MAX = 64,
    TOPOLOGY_KEYS_MAX = 256, /* attesting keys in one epoch */
    TOPOLOGY_RELAYS_MAX = 512,
    TOPOLOGY_LINKS_MAX = 8192,
    TOPOLOGY_ROOTS_MAX = 16,
    TOPOLOGY_EPOCHS_MAX = 64, /* of one chain */
    TOPOLOGY_ZONES_MAX = 64,
    TOPOLOGY_LANES_MAX = 4096,
    TOPOLOGY_LOGS_PER_LANE = 3,
    TOPOLOGY_HEAD_STEP = 256 /* C of DESIGN section 1: an operator signs every multiple of it */
};

enum topology_lane_state { TOPOLOGY_LANE_OPEN, TOPOLOGY_LANE_DRAINING, TOPOLOGY_LANE_PAUSED, TOPOLOGY_LANE_CLOSED };

/* What a lane accepts as proof at its home chain, as bits. */
enum topology_evidence {
    TOPOLOGY_EVIDENCE_AGREEMENT_SLOT = 1,
    TOPOLOGY_EVIDENCE_AGREEMENT_RECEIPTS = 2,
    TOPOLOGY_EVIDENCE_ICS23 = 4 /* header by light client + ICS-23 proof */
};

struct topology_operator {
    char name[TOPOLOGY_NAME_MAX + 1];
    uint16_t number; /* as in the registries */
    uint8_t side;
};

struct topology_key {
    uint16_t operator_number;
    uint8_t suite;
    uint8_t id[32];    /* key id, docs/formats.md section 1 */
    uint8_t point[64]; /* x || y for sha256-p256 and sm3-sm2, to which id is the hash; zero for the others */
};

/* One attester epoch of one chain's registry. */
struct topology_epoch {
    uint64_t number;
    uint16_t quorum;
    uint64_t overlap;             /* seconds that the epoch before stays good after this one begins */
    uint16_t accept_equivocation; /* f that the roots accept by name: the epoch must survive at least this many */
    struct topology_key *keys;    /* ascending by (operator, key id) */
    size_t keys_len;
};

/* How relays follow a chain whose headers prove themselves (docs/light-client-cometbft.md). */
struct topology_light_client {
    uint64_t trusting_period; /* seconds, shorter than the time in which validators can withdraw their stake; 0: none */
    uint64_t clock_drift;     /* seconds that a header may be ahead of our clock */
    uint32_t trust_numerator, trust_denominator; /* 1/3 .. 1 */
    char
        store[TOPOLOGY_NAME_MAX + 1]; /* of the logs in the multistore; empty: the app hash is the root of their tree */
};

struct topology_chain {
    char id[TOPOLOGY_CHAIN_ID_MAX + 1]; /* CAIP-2 */
    char family[TOPOLOGY_NAME_MAX + 1]; /* "evm" or "cosmos" */
    uint8_t genesis[32];
    uint8_t suite;           /* of its contracts and registry */
    uint32_t finality_depth; /* blocks */
    uint16_t sources;        /* demanded: distinct by operator, network and software */
    uint8_t outbox[32], inbox[32], registry[32];
    struct topology_light_client light; /* family cosmos */
    struct topology_epoch *epochs;      /* ascending; the last is current, the one before may still be in overlap */
    size_t epochs_len;
    uint8_t identity[32]; /* computed, under `suite` */
};

struct topology_zone {
    char name[TOPOLOGY_NAME_MAX + 1];
    uint8_t id[32]; /* computed */
};

struct topology_relay {
    char name[TOPOLOGY_NAME_MAX + 1];
    uint16_t operator_number; /* 0: carries only, attests nothing */
    uint16_t zone;            /* index */
    uint8_t key[32];          /* Ed25519 */
    uint16_t *serves;         /* chain indices of which it has sources: it proves and, with an operator, attests */
    size_t serves_len;
    uint16_t *delivers; /* chain indices to which it submits; all of them among those it serves */
    size_t delivers_len;
};

/* A link: two relays that talk, both ways. */
struct topology_link {
    uint16_t a, b; /* relay indices, a < b */
};

struct topology_lane {
    char name[TOPOLOGY_NAME_MAX + 1];
    uint16_t source, destination; /* chain indices */
    uint8_t sender[32], receiver[32];
    uint8_t mode; /* docs/formats.md section 2 */
    uint32_t generation;
    uint8_t suites;
    uint8_t evidence;      /* accepted kinds */
    uint64_t window;       /* W: bytes of records beyond the settled mark, per hop */
    uint32_t payload_max;  /* bytes */
    uint64_t longest_life; /* seconds between a message's time and its deadline, at most */
    enum topology_lane_state state;
    uint8_t id[32];                           /* computed */
    uint8_t logs[TOPOLOGY_LOGS_PER_LANE][32]; /* computed: log ids of kind 1, 2, 3 under `suite` of its chains */
};

struct topology_network {
    char name[TOPOLOGY_NAME_MAX + 1];
    uint64_t version;
    uint64_t effective; /* T: Unix seconds of message time */
    uint8_t hash[32];   /* BLAKE2b-256(tag document || file bytes) */
    uint8_t id[32];     /* network id under blake2b256-ed25519; under others computed on use */
    struct topology_root {
        char name[TOPOLOGY_NAME_MAX + 1];
        uint8_t side;
        uint8_t key[32]; /* Ed25519 */
    } * roots;
    size_t roots_len;
    struct topology_operator *operators;
    size_t operators_len;
    struct topology_chain *chains;
    size_t chains_len;
    struct topology_zone *zones;
    size_t zones_len;
    struct topology_relay *relays;
    size_t relays_len;
    struct topology_link *links;
    size_t links_len;
    struct topology_lane *lanes;
    size_t lanes_len;
    struct topology_log { /* computed: all logs, ascending by id */
        uint8_t id[32];
        uint16_t lane;
        uint8_t kind;
    } * logs;
    size_t logs_len;
};

/* One thing that is wrong: where (path as "lanes[2].window") and what, in words. */
struct topology_problem {
    char path[96];
    char text[192];
};

/*
 * Checks meaning: bounds, duplicates, quorums (k > (n + f) / 2 with f = accept_equivocation), sides, keys, that every
 * lane has a path of links from a relay that serves its home chain to one that delivers to its target, and back. Writes up to cap problems,
 * returns how many there are in all (0: good).
 */
size_t topology_network_check(struct topology_problem *problems, size_t cap, const struct topology_network *network);

/* Computes every id marked "computed". Call after a clean check. False: no memory. */
bool topology_network_index(struct topology_network *network);

/* How many equivocating operators an epoch survives: the greatest f with 2k > n + f over its n distinct operators;
 * -1 when even f = 0 fails (two quorums could be disjoint). */
int topology_epoch_survives(const struct topology_epoch *epoch);
/* Distinct operators in an epoch. */
size_t topology_epoch_operators(const struct topology_epoch *epoch);
/* The operator with that number; NULL: none. */
const struct topology_operator *topology_operator_by_number(const struct topology_network *network, uint16_t number);

/* True for a chain whose headers are proven by a light client; those of the others by sources that agree. */
bool topology_chain_is_light(const struct topology_chain *chain);
/* Kinds of evidence that a chain can give, as bits of enum topology_evidence. */
uint8_t topology_chain_evidence(const struct topology_chain *chain);

/* Finds by name or key; -1 when there is none. */
int topology_relay_by_name(const struct topology_network *network, const char *name);
int topology_relay_by_key(const struct topology_network *network, const uint8_t key[32]);
int topology_chain_by_id(const struct topology_network *network, const char *caip2);
int topology_zone_by_name(const struct topology_network *network, const char *name);
int topology_lane_by_name(const struct topology_network *network, const char *name);

/* The lane and kind (1..3) of a log id; -1 when no lane has it. O(log lanes): the index is sorted. */
int topology_lane_by_log(const struct topology_network *network, const uint8_t log[32], uint8_t *kind);

/* Number of the operator who owns this key id in an epoch of a chain; 0: nobody. */
uint16_t topology_key_operator(const struct topology_epoch *epoch, const uint8_t key_id[32]);

/* Home chain (where a log is written) and target chain (where its records are delivered) of a log kind of a lane. */
uint16_t topology_log_home(const struct topology_lane *lane, uint8_t kind);
uint16_t topology_log_target(const struct topology_lane *lane, uint8_t kind);

/* Frees what the loader made. NULL is allowed. */
void topology_network_free(struct topology_network *network);

#endif
