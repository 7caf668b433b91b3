/*
 * The relay without I/O: events in, actions out (DESIGN sections 3 and 4).
 *
 * The core calls nothing for time, randomness, storage or I/O; the same events give the same actions, bit for bit (I12).
 * The edge feeds one event at a time and then takes the actions. Nothing that the core said is true on disk until the
 * edge answers COMMITTED for the WRITE that carried it: attesting, publishing and delivering start from there (I2).
 *
 * A relay works on *logs*, three for each lane (docs/formats.md): kind 1 messages, kind 2 outcomes, kind 3 settlement.
 * A log has a home chain, where a contract writes it, and a target chain, where its records are delivered: messages go
 * from the outbox to the inbox, outcomes from the inbox to the outbox. One code serves both. A relay with sources of the
 * home chain proves and attests; one with sources of the target chain gathers certificates and delivers; every relay
 * stores claims, forwards them and prunes what is settled.
 *
 * Ownership: bytes inside an event are borrowed for the call. Bytes inside actions belong to the core until the next
 * relay_core_step; a VERIFY job belongs to the edge, which gives it back inside VERIFIED (the core then frees it).
 */
#ifndef RELAY_CORE_CORE_H
#define RELAY_CORE_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proofs/codec/bytes.h"
#include "proofs/suite.h"
#include "relay/core/cause.h"
#include "relay/store/store.h"
#include "topology/network.h"

enum {
    RELAY_SOURCES_MAX = 16,       /* per chain: PROOF_AGREEMENT_SOURCES_MAX */
    RELAY_BATCH_MAX = 256 * 1024, /* bytes of records in one range item that a relay publishes */
    RELAY_HISTORY_MIN = 65536,    /* outcome records below the base that a peer may ask for */
    RELAY_NO_SOURCE = 0xffff
};

/* ---- what a relay is given at start ----------------------------------------------------------------------------- */

struct relay_source {
    uint16_t chain; /* index into the network document */
    const char *name;
    const char *operator_tag, *network_tag, *software_tag;
    bool submits; /* this source's connector holds a gas account */
};

/* The header that a light client believes first: its operator's word, checked by other means. */
struct relay_trust {
    uint16_t chain; /* index into the network document */
    uint64_t height;
    uint8_t hash[32];
};

struct relay_core_config {
    const struct topology_network *network; /* outlives the core */
    uint16_t self;                          /* relay index */
    const struct relay_source *sources;     /* outlive the core */
    size_t sources_len;
    const struct relay_trust *trusts; /* outlive the core; one a chain that a light client follows */
    size_t trusts_len;
    bool attests;          /* a signer is attached */
    bool verify_forwarded; /* a hop that serves neither chain asks for proof anyway: accept only certified ranges */
    bool dev;              /* permits 1-of-1 */
    uint64_t history; /* settled numbers a log whose digests and outcomes stay; 0: all, else >= RELAY_HISTORY_MIN */
    uint64_t attester_budget;                     /* bytes of claims per (lane, attester); 0: the lane's window */
    uint8_t attester_keys[PROOF_SUITE_COUNT][32]; /* key ids of this relay's signer: one a suite */
    size_t attester_keys_len;
    uint32_t heartbeat_ms; /* 0: 1000 */
    uint32_t pull_wait_ms; /* how long a range may take to arrive by itself; 0: 150 */
    uint32_t turn_blocks;  /* destination blocks after which the next relay steps in; 0: 4 */
};

/* ---- events -------------------------------------------------------------------------------------------------------- */

enum relay_event_type {
    RELAY_EVENT_TICK, /* time passed: at least every 50 ms, and with every other event `now` and `unix_time` are set */
    RELAY_EVENT_LOADED, /* answer to LOAD: one call per entry, then one with done set */
    RELAY_EVENT_COMMITTED,
    RELAY_EVENT_SOURCE_UP, /* the connector said configured/ok; resubscribe everything */
    RELAY_EVENT_SOURCE_DOWN,
    RELAY_EVENT_SOURCE_MESSAGE, /* one connector message (docs/connector-protocol.md), whole, without its length */
    RELAY_EVENT_VERIFIED,
    RELAY_EVENT_SIGNER_UP,
    RELAY_EVENT_SIGNER_DOWN,
    RELAY_EVENT_SIGNED,    /* one signer answer (relay/core/signing.h), whole */
    RELAY_EVENT_PEER_UP,   /* a first authenticated frame of this relay, or one after silence */
    RELAY_EVENT_PEER_DOWN, /* silence for longer than the edge's limit */
    RELAY_EVENT_FRAME,     /* body of an authenticated publish frame, or of a response to one of our asks */
    RELAY_EVENT_ASKED,     /* body of an authenticated request */
    RELAY_EVENT_ASK_FAILED /* no answer to our ask in time */
};

struct relay_verify_job; /* relay/core/verify.h */

struct relay_event {
    enum relay_event_type type;
    uint64_t now;       /* ms, monotonic */
    uint64_t unix_time; /* s */
    uint16_t source;    /* SOURCE_* */
    uint16_t peer;      /* PEER_*, FRAME, ASKED, ASK_FAILED: relay index */
    uint64_t id; /* LOADED, COMMITTED, FRAME as response, ASKED, ASK_FAILED: what it answers; FRAME: 0 when published */
    enum store_status status;     /* COMMITTED, LOADED */
    bool done;                    /* LOADED: no more entries */
    bool scarce;                  /* TICK: the disk has less free than its budget */
    enum store_family family;     /* LOADED */
    struct bytes key;             /* LOADED */
    struct bytes body;            /* LOADED value, SOURCE_MESSAGE, SIGNED, FRAME, ASKED */
    struct relay_verify_job *job; /* VERIFIED */
};

/* ---- actions ------------------------------------------------------------------------------------------------------- */

enum relay_action_type {
    RELAY_ACTION_WRITE,      /* commit `ops` as one synced write (groups may be merged, in order), then COMMITTED id */
    RELAY_ACTION_LOAD,       /* entries of family in [from, to), then LOADED ... done */
    RELAY_ACTION_VERIFY,     /* run relay_verify_run(job) on any thread, then VERIFIED */
    RELAY_ACTION_SIGN,       /* send body to the signer */
    RELAY_ACTION_PUBLISH,    /* sign and publish body to every neighbour of `zone` */
    RELAY_ACTION_ASK,        /* request body from peer; answered by FRAME with id, or ASK_FAILED */
    RELAY_ACTION_ANSWER,     /* response body to request id of peer */
    RELAY_ACTION_TO_SOURCE,  /* one connector message to source */
    RELAY_ACTION_BAN_SOURCE, /* the connector broke the protocol: restart it with back-off; text says why */
    RELAY_ACTION_KEEP,       /* body: evidence of source that was refused, for its operator to look at; reason: why */
    RELAY_ACTION_NOTE        /* one line for the log and a counter: reason, subject, text */
};

enum relay_op_type { RELAY_OP_PUT, RELAY_OP_DELETE, RELAY_OP_DELETE_RANGE };

struct relay_op {
    enum relay_op_type type;
    enum store_family family;
    struct bytes key;
    struct bytes value; /* DELETE_RANGE: end key */
};

enum relay_level { RELAY_DEBUG, RELAY_INFO, RELAY_WARNING, RELAY_ALARM };

struct relay_action {
    enum relay_action_type type;
    uint64_t id;
    uint16_t source;
    uint16_t peer;
    uint16_t zone;
    struct bytes body;
    const struct relay_op *ops; /* WRITE */
    size_t ops_len;
    enum store_family family; /* LOAD */
    struct bytes from, to;    /* LOAD */
    struct relay_verify_job *job;
    enum relay_level level; /* NOTE */
    const char *reason;     /* NOTE: static, kebab-case (relay/core/reason.h) */
    const char *text;       /* NOTE, BAN_SOURCE */
    uint16_t lane;          /* NOTE: lane index or 0xffff */
    uint64_t sequence;      /* NOTE: or 0 */
};

/* ---- the core ------------------------------------------------------------------------------------------------------ */

struct relay_core;

/* NULL: no memory. Copies nothing of config but the struct itself. */
struct relay_core *relay_core_new(const struct relay_core_config *config);
void relay_core_free(struct relay_core *core);

/*
 * First actions: LOADs of all pending state. The core is ready (relay_core_ready) when they are answered; until then it
 * takes only LOADED and TICK. Only what is pending is read, never history.
 */
void relay_core_start(struct relay_core *core);
bool relay_core_ready(const struct relay_core *core);

/* Takes one event. Actions of the step before are gone after this call. */
void relay_core_step(struct relay_core *core, const struct relay_event *event);

/* The actions since the last call of relay_core_step or relay_core_start, in the order to be done. */
const struct relay_action *relay_core_actions(const struct relay_core *core, size_t *len);

/* ---- views for status, lanes, peers, explain (relay/core/view.h has the rest) ----------------------------------------- */

/* One log as this relay sees it. */
struct relay_log_view {
    uint16_t lane;
    uint8_t kind;
    uint8_t id[32];
    uint64_t proven, stored, attested, certified, delivered, settled; /* marks: sequence or entry numbers */
    uint64_t newest_seen; /* greatest number any signed head or source named */
    uint64_t window_used, window;
    enum relay_cause cause;
    uint64_t since;              /* ms, monotonic: when the cause changed or the log moved last */
    uint64_t oldest;             /* ms, Unix: when the oldest record here that is not settled was stored; 0 none */
    uint16_t signers;            /* distinct operators over the newest certified head */
    uint16_t waits_for_operator; /* QUORUM: operator number whose head is missing, 0 none */
    uint16_t waits_for_source;   /* index or RELAY_NO_SOURCE */
    uint16_t waits_for_relay;    /* TURN */
    bool frozen;
};

/* View of log kind (1..3) of lane; false when there is none. */
bool relay_core_log_view(const struct relay_core *core, uint16_t lane, uint8_t kind, struct relay_log_view *out);

struct relay_peer_view {
    uint16_t relay;
    bool up;
    uint64_t last_heard; /* ms, monotonic; 0 never */
    uint64_t behind;     /* records that it lacks and we have, over all common logs */
    uint64_t ahead;      /* records that we lack and it has */
    uint64_t document_version;
    uint8_t document_hash[32];
    int64_t clock_offset; /* s: its clock less ours, as its last heartbeat showed; 0 when never heard */
};

bool relay_core_peer_view(const struct relay_core *core, uint16_t relay, struct relay_peer_view *out);

struct relay_source_view {
    bool up;
    uint64_t newest, final_height, agreed, contradictions; /* heights; headers against agreed ones */
    uint64_t newest_time, refused; /* s, Unix: of the newest block, as it says; evidence that proved nothing */
    const char *refused_why;       /* of the last one: static, or "" */
    uint64_t silent;               /* height whose header it did not say in time: no witness at present; 0: it is one */
    char balance[48];
    char text[128];
};

bool relay_core_source_view(const struct relay_core *core, uint16_t source, struct relay_source_view *out);

/* The light client of a chain that proves its own headers. */
struct relay_trust_view {
    uint64_t height, time;  /* of the newest trusted header, time in Unix seconds; 0: not begun */
    uint64_t left;          /* s: until its trusting period is over; 0: it is */
    bool attacked;          /* validators signed headers that contradict each other: the chain is frozen here */
    uint64_t signer_height; /* where the signer stands; 0: not begun, or not known */
    const char *attack;     /* what froze the chain: static, "none" while it is not frozen */
    uint64_t double_votes;  /* proven here since the start: validators that voted twice in one step */
    uint8_t culprit[20];    /* the last one of them: its address, and where it was, with what power of all */
    uint64_t culprit_height, culprit_power, culprit_total;
};

/* False: this relay follows no such chain. */
bool relay_core_trust_view(const struct relay_core *core, uint16_t chain, struct relay_trust_view *out);

/* Operators whose signed head of this log reaches number n, as bits by index of topology operators. */
uint64_t relay_core_signers_of(const struct relay_core *core, uint16_t lane, uint8_t kind, uint64_t n);

/* True after a failed write or a damaged store: nothing is taken until a restart. */
bool relay_core_halted(const struct relay_core *core);

/* How often each reason was noted since start: reasons are 0..relay_reason_count()-1 (relay/core/reason.h). */
uint64_t relay_core_counter(const struct relay_core *core, unsigned reason);

#endif
