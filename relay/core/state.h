/*
 * The core's state, shared by the files of relay/core and by nobody else. One struct log does for all three kinds.
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

/* ---- actions.c ---- */
/* Memory that lives until the next step. Aborts when there is none: nothing unsaved is ever promised. */
void *core_scratch(struct relay_core *core, size_t len);
struct bytes core_keep(struct relay_core *core, struct bytes bytes); /* a copy in scratch */
void *core_alloc(void *old, size_t count, size_t size);              /* realloc that aborts on failure */
struct relay_action *core_act(struct relay_core *core, enum relay_action_type type);
void core_put(struct relay_core *core, enum store_family family, struct bytes key, struct bytes value);
void core_delete(struct relay_core *core, enum store_family family, struct bytes key);
void core_delete_range(struct relay_core *core, enum store_family family, struct bytes from, struct bytes to);
/* Notes: one log line, one counter; held, refused and dropped ones (warning and above) also go into the audit. */
void core_note(struct relay_core *core, enum relay_level level, enum relay_reason reason, const struct core_log *log,
               uint64_t sequence, const char *format, ...) __attribute__((format(printf, 6, 7)));
void core_actions_begin(struct relay_core *core);
void core_actions_end(struct relay_core *core); /* turns the gathered ops into one WRITE */
void core_actions_free(struct relay_core *core);
struct core_load *core_load_new(struct relay_core *core, enum store_family family, struct bytes from, struct bytes to,
                                size_t limit);
struct core_load *core_load_find(struct relay_core *core, uint64_t id);

/* ---- log.c ---- */
struct core_log *core_log_by_id(struct relay_core *core, const uint8_t id[32]);
struct core_log *core_log_of(struct relay_core *core, uint16_t lane, uint8_t kind);
const struct topology_lane *core_lane(const struct relay_core *core, const struct core_log *log);
/* Running hash at number; NULL when it is below the base or beyond what is stored. Kind 3 looks into kind 2. */
const uint8_t *core_log_running(const struct relay_core *core, const struct core_log *log, uint64_t number);
const uint8_t *core_log_digest(const struct core_log *log, uint64_t number);
/* Appends records whose entries are given; writes segments. Window and order were checked by the caller. */
void core_log_append(struct relay_core *core, struct core_log *log, const struct core_staged *records, size_t count,
                     const uint8_t *bytes, size_t start, uint8_t origin, uint16_t peer);
/* Puts back what the store holds, at start; the caller checked that it follows. */
void core_log_restore(struct core_log *log, const struct core_staged *records, size_t count,
                      const struct core_segment *segment);
/* Drops records above number (claims that a certificate contradicts). */
void core_log_truncate(struct relay_core *core, struct core_log *log, uint64_t number);
void core_log_free_stage(struct core_log *log);
void core_log_mark(struct relay_core *core, struct core_log *log); /* run its stages again */
void core_log_freeze(struct relay_core *core, struct core_log *log, enum relay_reason reason, uint64_t sequence,
                     const char *text);
void core_log_fini(struct core_log *log);
size_t core_log_room(const struct relay_core *core, const struct core_log *log); /* bytes left in the window */
/* Reads one record of the log's kind at the cursor into an entry that follows `running`. */
bool core_record_read(struct core_staged *out, const struct relay_core *core, const struct core_log *log,
                      struct codec_reader *reader, uint64_t number, const uint8_t running[32],
                      struct proof_result *result);

/* ---- chain.c, ingest.c ---- */
void core_source_event(struct relay_core *core, const struct relay_event *event);
void core_source_verified(struct relay_core *core, struct relay_verify_job *job);
void core_chain_tick(struct relay_core *core);
void core_evidence_release(struct core_evidence *evidence);
void core_evidence_apply(struct relay_core *core, struct core_evidence *evidence);
void core_chain_agree(struct relay_core *core, uint16_t chain);
void core_ingest_subscribe(struct relay_core *core, struct core_log *log, uint16_t source);
void core_ingest_records(struct relay_core *core, uint16_t source, const struct connector_records *records);
void core_ingest_credit(struct relay_core *core, struct core_log *log);
void core_ingest_again(struct relay_core *core, struct core_log *log);
void core_to_source(struct relay_core *core, uint16_t source, const struct connector_message *message);
void core_connector_lane(struct connector_lane *out, const struct relay_core *core, const struct topology_lane *lane);
size_t core_chain_up(const struct relay_core *core, uint16_t chain);
size_t core_chain_statements(const struct relay_core *core, uint16_t chain, uint64_t height, const uint8_t hash[32],
                             struct relay_signing_statement out[RELAY_SOURCES_MAX]);

/* ---- attest.c, gather.c ---- */
void core_signer_event(struct relay_core *core, const struct relay_event *event);
bool core_gather_item(struct relay_core *core, const struct proof_item_attestation *item, uint16_t peer);
struct core_head *core_head_find(const struct core_log *log, uint64_t number, const uint8_t running[32]);
const struct core_attestation *core_head_signer(const struct core_head *head, uint16_t operator_number);
void core_gather_restore(struct relay_core *core, struct core_log *log, uint64_t number, const uint8_t key_id[32],
                         const struct keys_head *value);
void core_gather_prune(struct relay_core *core, struct core_log *log);
void core_gather_certify(struct relay_core *core, struct core_log *log);
const struct topology_epoch *core_epoch(const struct relay_core *core, const struct core_log *log);
void core_attestation_pack(struct codec_pack *pack, const struct core_log *log, const struct core_head *head,
                           const struct core_attestation *attestation);

/* ---- claim.c, gossip.c, answer.c ---- */
void core_claim_frame(struct relay_core *core, struct bytes body, uint16_t peer, uint64_t ask);
void core_gossip_event(struct relay_core *core, const struct relay_event *event);
void core_gossip_tick(struct relay_core *core);
void core_gossip_committed(struct relay_core *core);
void core_gossip_queue(struct relay_core *core, uint16_t log, uint16_t from_peer, struct bytes raw);
void core_gossip_push(struct relay_core *core, struct core_log *log);
void core_gossip_heard(struct relay_core *core, uint16_t peer, const struct proof_item_heartbeat *item);
void core_gossip_refused(struct relay_core *core, uint16_t peer, const struct proof_item_refusal *item);
void core_answer_asked(struct relay_core *core, const struct relay_event *event);
void core_answer_loaded(struct relay_core *core, struct core_load *load, const struct relay_event *event);

/* ---- deliver.c, settle.c, start.c ---- */
void core_deliver_position(struct relay_core *core, uint16_t source, const struct connector_position_is *position);
void core_deliver_result(struct relay_core *core, const struct connector_result *result);
void core_deliver_loaded(struct relay_core *core, struct core_load *load, const struct relay_event *event);
void core_deliver_reset(struct relay_core *core, uint16_t chain);
void core_settle_apply(struct relay_core *core, struct core_log *outcomes);
void core_settle_prune(struct relay_core *core, struct core_log *log);
void core_start_loaded(struct relay_core *core, struct core_load *load, const struct relay_event *event);
void core_log_row_write(struct relay_core *core, struct core_log *log);

#endif
