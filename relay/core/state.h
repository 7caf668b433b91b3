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
#include "relay/core/light.h"
#include "relay/core/log.h"
#include "relay/core/pipeline.h"
#include "relay/core/reason.h"
#include "relay/core/signing.h"
#include "relay/core/verify.h"
#include "relay/store/keys.h"

enum {
    CORE_PENDING_EVIDENCE = 8, /* per chain */
    CORE_STATEMENT_HEIGHTS = 64,
    CORE_NUMBERS_MAX = 65536,       /* records of a log beyond its base */
    CORE_UNPUBLISHED_MAX = 2 << 20, /* bytes of records kept in memory per log for pushing; beyond, peers pull */
    CORE_LOADS_MAX = 256,
    CORE_HEARS_AT_ONCE = 16,
    /* A call: a node's pool takes transactions of 128 KiB. What is left of a head that does not fit goes without payloads. */
    CORE_CALL_BYTES = 120 * 1024,
    CORE_CALL_BARE = 192,  /* a message without its payload, with the ABI's words */
    CORE_CALL_RECORD = 96, /* for a whole record more than its bytes: padding, and what even a short one costs in gas */
    CORE_CALL_ATTESTATION = 768, /* for each that a certificate needs */
    CORE_SIGNATURE_CACHE = 1024,
    CORE_AUDIT_ROWS = 10000,
    CORE_NOTE_TEXT = 256,
    CORE_KINDS = 3
};

struct core_source {
    bool up;
    bool broken;             /* it says that what was final is gone, and nothing more */
    uint64_t diverges_since; /* ms: and has not shown it; 0: it has */
    uint64_t diverges;       /* height at which it showed another header than the one proven here; 0 none */
    bool differs;            /* it shows another first header than its operator gave */
    bool came;               /* it was up, in this life of the relay */
    uint64_t silent;         /* height that it said nothing of for too long: no witness until it does; 0 none */
    uint64_t judge_at;       /* ms: no other header of it is judged by its time before */
    uint64_t far_at;         /* ms: no header of it alone is verified before: nothing led to the last one yet */
    uint64_t newest, newest_time, final_height, agreed, contradictions, refused;
    const char *refused_why; /* of the last refused evidence; static */
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
    uint16_t primary;                         /* source index or RELAY_NO_SOURCE */
    uint64_t progress, ask_again, ask_status; /* ms */
    struct core_statement statements[CORE_STATEMENT_HEIGHTS];
    struct core_evidence *pending[CORE_PENDING_EVIDENCE];
    size_t pending_len, verifying;
    struct keys_chain mark; /* newest agreed header */
    struct {                /* the mark of an earlier life, until the sources have said it again; height 0: done */
        uint8_t hash[32];
        struct core_statement said;
    } before;
    bool mark_known;
    unsigned blamed, turns;  /* since evidence was last taken: how often it was blamed, and replaced for that */
    uint64_t blame_again;    /* ms: not replaced before; 0 with the next evidence */
    unsigned doubts;         /* how often it was replaced for what operators signed beyond what it showed */
    uint64_t doubt_again;    /* ms: not before */
    bool disagree, unusable; /* unusable: the sources configured here can never agree as demanded */
    size_t submits;          /* place of the source that submits; when it is not up, or does not, of the next one */
    unsigned failed;         /* its calls in a row of which nothing came */
    bool signing;
    uint64_t signing_id, signing_since;
};

struct core_named {   /* what one peer's heartbeats say of one log */
    uint64_t number;  /* newest certified head */
    uint64_t differs; /* number at which it names another hash than ours, until it was asked; 0 none */
    uint64_t again;   /* ms: not asked before */
    unsigned fruitless;
};

struct core_peer {
    bool neighbour, up;
    uint64_t last_heard;
    struct core_named *named; /* per log */
    uint64_t document_version;
    uint8_t document_hash[32];
    bool document_known;
    int64_t clock_offset;               /* s: of its last heartbeat, less ours */
    uint64_t slow_until, unheard_until; /* ms: hear.c asks others first; its evidence was false (far.c) */
};

struct core_load { /* what a LOAD is for */
    uint64_t id;   /* 0: free */
    enum { CORE_LOAD_START, CORE_LOAD_SUBMIT, CORE_LOAD_ANSWER, CORE_LOAD_CUT } why;
    enum store_family family;
    uint16_t log, peer;
    uint64_t request; /* ANSWER: id of the ask */
    size_t bytes;     /* ANSWER: of the records that it reads */
    uint64_t from, to;
    struct codec_pack body; /* ANSWER: items so far */
    uint32_t items;
    bool full;                     /* ANSWER: nothing more fits */
    struct proof_item_range range; /* ANSWER: segments that make one range item; count 0: none */
    struct codec_pack records;     /* ANSWER: their records */
};

struct core_outgoing { /* an item to publish once its write is committed */
    uint64_t write;
    uint16_t not_zone; /* where it came from, 0xffff none */
    uint16_t log;
    struct core_outgoing *next;
    size_t len;
    uint8_t raw[];
};

struct relay_core {
    struct relay_core_config config;
    const struct topology_network *network;
    uint64_t now, unix_time;
    struct core_log *logs; /* lane * 3 + kind - 1 */
    size_t logs_len;
    uint16_t *dirty; /* logs whose stages are to be run, each once */
    size_t dirty_len;
    struct core_chain *chains;
    struct core_light **lights; /* per chain; NULL: no light client follows it here */
    struct core_source *sources;
    struct core_peer *peers;
    uint16_t *zones; /* zones with a neighbour in them */
    size_t zones_len;
    bool scarce; /* the disk is nearly full */
    bool ready, halted, signer_up, marks_loaded, heads_asked;
    size_t loads_pending, start_next; /* start.c */
    struct core_hearing {             /* asks of hear.c in flight */
        uint64_t id, since;           /* id 0: free; since: ms */
        uint16_t log, peer;
    } hearing[CORE_HEARS_AT_ONCE];
    size_t hear_next;  /* log that is looked at next for a free place */
    uint64_t heard_at; /* ms: when one was answered last; at first: when the core was ready */
    struct core_load loads[CORE_LOADS_MAX];
    uint64_t next_id;
    uint64_t write_id, committed; /* write_id: of the WRITE that this step is filling */
    struct core_outgoing *outgoing, **outgoing_end;
    uint64_t heartbeat_at, heartbeats;
    size_t heartbeat_from; /* where the next full heartbeat begins when not all logs fit */
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
