/*
 * One log: what this relay knows of it, between its base (settled and pruned) and its newest record. The same struct
 * serves messages, outcomes and settlement; what does not apply to a kind stays zero.
 */
#ifndef RELAY_CORE_LOG_H
#define RELAY_CORE_LOG_H

#include "proofs/codec/pack.h"
#include "proofs/eth_evidence.h"
#include "proofs/suite.h"
#include "relay/core/core.h"
#include "relay/core/signing.h"

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
    bool cut;         /* the newest one only: its row still holds records beyond `to`, which were dropped */
};

struct core_attestation {
    uint8_t key_id[32];
    uint16_t operator_number;
    enum proof_suite suite;
    uint8_t root[32];
    uint8_t signature[64];
    uint64_t write; /* the WRITE that holds it: told to nobody before that is committed */
    bool second;    /* this key signed another head of the same number before */
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
        bool bare;  /* a message without the payload that it was sent with: its digest says nothing of that */
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
    struct relay_signing_statement statements[RELAY_SOURCES_MAX]; /* that agreed on the header */
    size_t statements_len;
    size_t bytes_len;
    uint8_t bytes[]; /* connector message 12, whole */
};

struct core_position { /* of a log at its target chain, at the newest block: a hint */
    bool known;
    uint64_t height, time, accepted, decided, undecided;
    uint64_t changed; /* ms, monotonic; while it is not known: since when something waits for it, 0 nothing does */
};

struct core_tries { /* of one kind of call */
    uint64_t again; /* ms, monotonic: not before */
    unsigned failures;
};

struct core_submission {
    bool active;
    uint16_t source; /* whose call it is */
    uint8_t action;
    uint8_t key[32];
    uint64_t from, to;
    uint64_t sent;                       /* ms, monotonic */
    struct core_tries taking, executing; /* what the chain has not accepted; what it has, and has not decided */
    bool older_epoch;                    /* the registry refused the newest one last */
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

struct core_pull {      /* pull.c: one ask at a time */
    uint64_t id;        /* in flight, 0 none */
    bool records;       /* it asks for records, and was not refused so far */
    uint64_t again;     /* ms: not before */
    uint64_t since;     /* ms: since when something lacks, 0 nothing does */
    uint64_t progress;  /* stored + certified at the last ask */
    uint16_t peer;      /* asked last */
    unsigned fruitless; /* asks in a row that brought nothing */
    unsigned turn;      /* need that is looked at first */
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
    struct core_entry *entries;                    /* base + 1 .. stored; kind 3 has none */
    size_t entries_len, entries_cap, entries_gone; /* gone: room before them, of those that were pruned */
    struct core_segment *segments;
    size_t segments_len, segments_cap, segments_durable;
    uint64_t stored, durable, proven, attested, settled, height;
    uint64_t guard; /* last number our signer signed, as it says */
    uint8_t guard_running[32];
    bool guard_known;
    struct {              /* hear.c: home logs of a relay that attests */
        bool done, asked; /* asked: an ask is in flight */
        uint32_t round;   /* relays passed; the second time around those that were slow, too */
        unsigned answers; /* peers that said which heads they have */
        uint64_t again;   /* ms: not before */
        uint64_t floor;   /* certified then: nothing is signed below */
    } hear;
    uint64_t sign_again; /* ms: not before */
    uint64_t expelled;   /* operators (by index) that signed two words here */
    uint16_t *outside;   /* owned: numbers of further ones, which the document does not have at present */
    size_t outside_len;
    uint64_t swept;          /* rows of heads below it are gone, whoever signed them */
    uint64_t window_used;    /* bytes of segments */
    size_t unpublished;      /* bytes of those whose records are kept until pushed */
    uint64_t credit_granted; /* bytes that the subscribed source may still send, staged ones included */
    bool credit_short; /* the source said that the next block needs more than it has left, and gave nothing since */
    struct core_stage stage;
    struct core_evidence *evidence; /* newest agreed one that proves `evidence_number` */
    uint64_t evidence_number;
    struct core_evidence
        *waiting; /* it proves records that are not here yet: kind 3, and logs at home elsewhere (far.c) */
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
    uint64_t hint; /* greatest number that a valid head or our source named */
    struct {
        uint64_t since; /* ms: since when heads show more than is proven here, and nothing of it comes; 0 they do not */
        uint64_t proven; /* then */
        bool late;       /* for long */
    } owed;              /* home logs */

    uint64_t told, told_settled; /* in the last heartbeat */
    struct core_pull pull;       /* what signed heads show to lack here */
    struct core_pull named;      /* what peers say that they have */
    unsigned pruned;             /* peers that no longer had what follows, since something was stored */
    bool pruned_said;            /* and it was said that this does not pass by itself */
    uint64_t reach;              /* greatest certified head that our records lead to */
    uint64_t ground;       /* greatest certified head that is settled: where the base goes once nothing holds it */
    uint64_t join;         /* first certified head beyond them at which this relay could begin; 0 none */
    uint16_t contradicted; /* sources, by place, that show another history than ours */
    uint64_t republish;    /* ms: next retransmission of an uncertified newest head */
    uint8_t frozen;        /* reason + 1 */
    bool dirty, row_dirty, known; /* known: has a row in the store */
    bool again_wanted;            /* some evidence of this log was not taken: the source must repeat itself */
    uint64_t again_at;            /* ms: not before */
    bool again_asked;             /* the source was told to go back; waiting for its records */
    enum relay_cause cause;
    uint64_t since;    /* ms: when the cause changed or a mark moved last */
    uint64_t progress; /* sum of the marks then */
};

#endif
