/*
 * The core's state, shared by the files of relay/core and by nobody else (parts.h has their functions). One struct log does for all three kinds.
 *
 * Memory is bounded by configuration: running hashes and segments only between a log's base and its newest record, which
 * the lane's window limits; heads at multiples of C and the newest few; a fixed number of pending evidence.
 */
#ifndef RELAY_CORE_STATE_H
#define RELAY_CORE_STATE_H

#include "proofs/certificate.h"
#include "proofs/codec/connector.h"
#include "proofs/codec/pack.h"
#include "proofs/frame.h"
#include "proofs/lane.h"
#include "proofs/message.h"
#include "proofs/outcome.h"
#include "relay/core/core.h"
#include "relay/core/pipeline.h"
#include "relay/core/reason.h"
#include "relay/core/signing.h"
#include "relay/core/verify.h"
#include "relay/store/keys.h"

enum {
    CORE_PENDING_EVIDENCE = 8, /* per chain */
    CORE_STATEMENT_HEIGHTS = 64,
    CORE_HEADS_MAX = 512,           /* heads kept per log */
    CORE_UNPUBLISHED_MAX = 2 << 20, /* bytes of records kept in memory per log for pushing; beyond, peers pull */
    CORE_LOADS_MAX = 256,
    CORE_SUBMIT_BYTES = 64 * 1024, /* records in one delivery; the rest of its head goes as digests */
    CORE_SIGNATURE_CACHE = 1024,
    CORE_AUDIT_ROWS = 10000,
    CORE_NOTE_TEXT = 256,
    CORE_KINDS = 3
};

struct core_entry {     /* number = base + 1 + index */
    uint8_t digest[32]; /* message digest, or outcome entry */
    uint8_t running[32];
    uint8_t subject[32]; /* outcomes: digest of the message */
    uint64_t sequence;   /* outcomes: of the message */
    uint32_t reason;
    uint8_t status; /* outcomes; messages: set when a certified outcome is known */
};

struct core_segment {
    uint64_t from, to;
    size_t bytes;
    uint64_t stored_at; /* ms, Unix */
    uint64_t write;     /* WRITE that stores it */
    uint8_t origin;
    uint16_t peer;
    uint8_t *records; /* kept until pushed, or NULL */
};

struct core_attestation {
    uint8_t key_id[32];
    uint16_t operator_number;
    enum proof_suite suite;
    uint8_t root[32];
    uint8_t signature[64];
    uint16_t path_len;
    uint8_t path[]; /* path_len bytes */
};

struct core_head {
    uint64_t number;
    uint8_t running[32];
    struct core_attestation **signers;
    size_t signers_len;
    bool certified;
    uint64_t seen; /* ms, monotonic */
};

/* Records of a home log that a source sent and no proof covers yet. */
struct core_stage {
    uint64_t from; /* first staged sequence */
    uint8_t *bytes;
    size_t len, cap;
    struct core_staged {
        size_t end; /* offset behind this record */
        struct core_entry entry;
    } * records;
    size_t count, records_cap;
};

struct core_evidence {
    unsigned refs;
    uint16_t chain, source;
    bool agreed;
    uint64_t seen; /* ms, monotonic */
    struct proof_eth_evidence_fact fact;
    struct {
        uint16_t log; /* index into core->logs */
        uint64_t number;
    } marks[PROOF_ETH_EVIDENCE_LOGS_MAX];
    size_t marks_len;
    size_t bytes_len;
    uint8_t bytes[]; /* connector message 12, whole */
};

struct core_position { /* of a log at its target chain, at the newest block: a hint */
    bool known;
    uint64_t height, time, accepted, decided, undecided;
    uint64_t changed; /* ms, monotonic */
};

struct core_submission {
    bool active;
    uint8_t action;
    uint8_t key[32];
    uint64_t from, to;
    uint64_t sent;  /* ms, monotonic */
    uint64_t again; /* not before */
    unsigned failures;
    bool loading;
    struct codec_pack records; /* loaded so far */
    size_t budget;             /* bytes of whole records left */
    uint64_t next;             /* next number to be added */
    uint64_t retry_sequence;   /* undecided message tried last */
    uint64_t confirmed;        /* what the chain accepted of us, until its position shows it */
    uint64_t candidate_since;  /* ms */
    uint32_t attempts;
    unsigned retries; /* of undecided messages since the position changed */
};

struct core_log {
    uint16_t lane;
    uint8_t kind;
    uint8_t id[32];
    uint8_t start[32]; /* running hash of the empty log: its id, for kind 3 the id of kind 2 */
    enum proof_suite suite;
    uint16_t home, target; /* chains */
    bool is_home, is_target;
    uint64_t base;
    uint8_t base_running[32];
    struct core_entry *entries; /* base + 1 .. stored; kind 3 has none */
    size_t entries_len, entries_cap;
    struct core_segment *segments;
    size_t segments_len, segments_cap, segments_durable;
    uint64_t stored, durable, proven, attested, settled, height;
    uint64_t guard; /* last number our signer signed, as it says */
    uint8_t guard_running[32];
    bool guard_known;
    uint64_t sign_again;     /* ms: not before */
    uint64_t expelled;       /* operators (by index) that signed two words here */
    uint64_t window_used;    /* bytes of segments */
    uint64_t credit_granted; /* bytes that the subscribed source may still send, staged ones included */
    struct core_stage stage;
    struct core_evidence *evidence; /* newest agreed one that proves `evidence_number` */
    uint64_t evidence_number;
    struct core_evidence *waiting; /* kind 3: agreed, but our outcome log is not that far yet */
    uint64_t waiting_number;
    struct core_head *heads; /* ascending by number */
    size_t heads_len, heads_cap;
    uint64_t certified;
    uint8_t certified_running[32];
    uint64_t applied;   /* outcome logs: entries applied to the message log */
    bool missed;        /* outcome logs: some were for messages that were not here when */
    uint64_t missed_at; /* so many were stored */
    struct core_position position;
    struct core_submission submission;
    uint64_t hint;               /* greatest number that a valid head or our source named */
    uint64_t hint_since;         /* ms */
    uint64_t behind_since;       /* ms: since when a peer has more, 0 not */
    uint64_t told, told_settled; /* in the last heartbeat */
    uint64_t ask_id;             /* in flight, 0 none */
    uint64_t ask_again;          /* ms: not before */
    uint16_t ask_peer;
    uint64_t republish;           /* ms: next retransmission of an uncertified newest head */
    uint8_t frozen;               /* reason + 1 */
    bool dirty, row_dirty, known; /* known: has a row in the store */
    bool again_asked;             /* the source was told to go back; waiting for its records */
    enum relay_cause cause;
    uint64_t since;
};

struct core_source {
    bool up, subscribed;
    uint64_t newest, final_height, agreed, contradictions;
    char balance[48];
    char text[128];
};

struct core_statement {
    uint64_t height; /* 0: free */
    uint16_t said;   /* bits by place of the source among its chain's sources */
    uint8_t hash[RELAY_SOURCES_MAX][32];
};

struct core_chain {
    uint16_t sources[RELAY_SOURCES_MAX]; /* indices into config->sources */
    size_t sources_len;
    uint16_t primary;                 /* source index or RELAY_NO_SOURCE */
    uint64_t primary_since, progress; /* ms */
    struct core_statement statements[CORE_STATEMENT_HEIGHTS];
    struct core_evidence *pending[CORE_PENDING_EVIDENCE];
    size_t pending_len, verifying;
    struct keys_chain mark; /* newest agreed header */
    bool mark_known, row_dirty;
    bool disagree;
    bool signing;
    uint64_t signing_id, signing_since;
};

struct core_peer {
    bool neighbour, up;
    uint64_t last_heard;
    uint64_t *have; /* per log: newest head it told */
    uint64_t document_version;
    uint8_t document_hash[32];
    bool document_known;
};

struct core_load { /* what a LOAD is for */
    uint64_t id;   /* 0: free */
    enum { CORE_LOAD_START, CORE_LOAD_SUBMIT, CORE_LOAD_ANSWER } why;
    enum store_family family;
    uint16_t log, peer;
    uint64_t request; /* ANSWER: id of the ask */
    uint64_t from, to;
    struct codec_pack body; /* ANSWER: items so far */
    uint32_t items;
};

struct core_outgoing { /* an item to publish once its write is committed */
    uint64_t write;
    uint16_t not_zone; /* where it came from, 0xffff none */
    uint16_t log;
    uint8_t *raw;
    size_t len;
    struct core_outgoing *next;
};

struct relay_core {
    struct relay_core_config config;
    const struct topology_network *network;
    uint64_t now, unix_time;
    struct core_log *logs; /* lane * 3 + kind - 1 */
    size_t logs_len;
    struct core_chain *chains;
    struct core_source *sources;
    struct core_peer *peers;
    uint16_t *zones; /* zones with a neighbour in them */
    size_t zones_len;
    bool ready, halted, signer_up, marks_loaded, heads_asked;
    size_t loads_pending, start_next; /* start.c */
    struct core_load loads[CORE_LOADS_MAX];
    uint64_t next_id;
    uint64_t write_id, committed; /* write_id: of the WRITE that this step is filling */
    struct core_outgoing *outgoing, **outgoing_end;
    uint64_t heartbeat_at, heartbeats;
    uint64_t audit_next;
    struct {
        uint8_t root[32], key_id[32], signature[64];
        bool used;
    } * signatures; /* verified ones */
    struct connector_scratch *scratch;
    struct codec_pack pack; /* for messages under construction */
    uint64_t counters[RELAY_REASON_COUNT];
    uint64_t audited_at[RELAY_REASON_COUNT]; /* Unix seconds */
    struct core_arena *arena;
    struct relay_action *actions;
    size_t actions_len, actions_cap;
    struct relay_op *ops;
    size_t ops_len, ops_cap;
};

#endif
