/*
 * One watched log, and the two jobs that move it: scanning (scan.c) brings its records, proving (evidence.c) closes a step.
 * Inside the connector only: other parts see evm.h.
 */
#ifndef CONNECTORS_EVM_WATCH_H
#define CONNECTORS_EVM_WATCH_H

#include "connectors/evm/evm.h"

enum {
    EVM_WATCHES_MAX = 8192,
    EVM_GROUP_MAX = CODEC_CONNECTOR_MARKS_MAX, /* watches that share one question to the node */
    EVM_JOBS_MAX = 4,                          /* scans, and as many proofs, under way */
};

struct evm_watch {
    uint32_t id;
    uint64_t serial; /* never used twice: tells a job that its watch is gone or was turned back */
    enum connector_log_kind kind;
    uint8_t log[32];
    uint8_t lane[32];
    uint64_t next;       /* number of the next entry to send */
    uint8_t running[32]; /* the hash before it */
    uint64_t proven;     /* the last number closed by evidence, or known to the relay */
    uint64_t position;   /* height to scan next */
    uint64_t start;      /* height below which nothing of interest is expected */
    uint64_t credit;     /* bytes of records that may be sent */
    uint64_t need;       /* bytes of the block that did not fit into the credit; 0: nothing holds it back */
    uint64_t audited;    /* height at which the slot was last seen to hold what the records led to */
    uint64_t last_height, close_height; /* evidence for (next - 1) may stand at any of these heights */
    bool closing;                       /* evidence is wanted */
    bool owed; /* evidence must come once, new entries or not: after a subscribe and an ask again */
    bool busy; /* a job has it */
    bool told_need;
    unsigned failures;
    uint64_t retry_at; /* ms */
};

struct evm_watches {
    struct evm *evm;
    struct evm_watch *list;
    size_t len, cap;
    size_t cursor; /* where the search for the next scan begins: no watch is always last */
    uint64_t serial;
    size_t scans, proofs;  /* under way */
    uint64_t range;        /* blocks of the next eth_getLogs */
    uint64_t pruned_until; /* ms: the next notice 6 not before this */
};

/* Watches that a job works for, by serial. */
struct evm_group {
    uint64_t serials[EVM_GROUP_MAX];
    size_t len;
};

/* NULL when it is gone or was turned back meanwhile. */
struct evm_watch *evm_watch_find(struct evm_watches *watches, uint64_t serial);
/* The contract that writes logs of this kind. */
const uint8_t *evm_watch_contract(const struct evm *evm, enum connector_log_kind kind);
/* The job is over: all of its watches may get another one. */
void evm_group_release(struct evm_watches *watches, const struct evm_group *group);
/* What the endpoint shows does not lead to where it says: search again, further back each time, later each time. */
void evm_watch_mistrust(struct evm_watches *watches, struct evm_watch *watch, const char *text);
/* Nothing is wrong with the watch, but not now. */
void evm_watch_later(struct evm_watches *watches, struct evm_watch *watch);

/* Says once (33 about type 5) that the next block's records are more than the credit, when that is what the watch waits for. */
void evm_watch_tell_need(const struct evm *evm, struct evm_watch *watch);

/* Starts a scan for watch and those that wait at the same place. */
void evm_scan_start(struct evm_watches *watches, struct evm_watch *watch);
/* Starts a proof for watch and those that the same block can close. */
void evm_evidence_start(struct evm_watches *watches, struct evm_watch *watch);

#endif
