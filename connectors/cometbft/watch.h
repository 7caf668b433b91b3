/*
 * One watched log, and the two jobs that move it: scanning (scan.c) brings its records, proving (evidence.c) closes a step.
 * Inside the connector only: other parts see cometbft.h.
 */
#ifndef CONNECTORS_COMETBFT_WATCH_H
#define CONNECTORS_COMETBFT_WATCH_H

#include "connectors/cometbft/cometbft.h"

enum {
    COMETBFT_WATCHES_MAX = 8192,
    COMETBFT_GROUP_MAX = CODEC_CONNECTOR_MARKS_MAX, /* watches of one scan */
    COMETBFT_JOBS_MAX = 4,                          /* scans, and as many proofs, under way */
};

/* All heights are of blocks: what block H did is closed by evidence with header H + 1. */
struct cometbft_watch {
    uint32_t id;
    uint64_t serial; /* never used twice: tells a job that its watch is gone or was turned back */
    enum connector_log_kind kind;
    uint8_t log[32];
    uint8_t lane[32];
    char lane_text[65];  /* as events name it */
    uint64_t next;       /* number of the next entry to send */
    uint8_t running[32]; /* the hash before it */
    uint64_t proven;     /* the last number closed by evidence, or known to the relay */
    uint64_t position;   /* height to scan next */
    uint64_t start;      /* height below which nothing of interest is expected */
    uint64_t credit;     /* bytes of records that may be sent */
    uint64_t need;       /* bytes of the block that did not fit into the credit; 0: nothing holds it back */
    uint64_t audited;    /* height at which the head was last seen to be what the records led to */
    uint64_t last_height, close_height; /* evidence for (next - 1) may be about the state after any of these blocks */
    bool closing;                       /* evidence is wanted */
    bool owed; /* evidence must come once, new entries or not: after a subscribe and an ask again */
    bool busy; /* a job has it */
    bool told_need;
    unsigned failures;
    uint64_t retry_at; /* ms */
};

struct cometbft_watches {
    struct cometbft *cometbft;
    struct cometbft_watch *list;
    size_t len, cap;
    size_t cursor; /* where the search for the next scan begins: no watch is always last */
    uint64_t serial;
    size_t scans, proofs;  /* under way */
    size_t results;        /* blocks whose results are asked for in one request */
    uint64_t pruned_until; /* ms: the next notice 6 not before this */
};

/* Watches that a job works for, by serial. */
struct cometbft_group {
    uint64_t serials[COMETBFT_GROUP_MAX];
    size_t len;
};

/* NULL when it is gone or was turned back meanwhile. */
struct cometbft_watch *cometbft_watch_find(struct cometbft_watches *watches, uint64_t serial);
/* The account under which heads of this kind lie; NULL when this source was not given it. */
const uint8_t *cometbft_watch_account(const struct cometbft *cometbft, enum connector_log_kind kind);
/* The newest block whose effects a header names already. */
uint64_t cometbft_watch_limit(const struct cometbft *cometbft);
/* The job is over: all of its watches may get another one. */
void cometbft_group_release(struct cometbft_watches *watches, const struct cometbft_group *group);
/* What the endpoint shows does not lead to where it says: search again, further back each time, later each time. */
void cometbft_watch_mistrust(struct cometbft_watches *watches, struct cometbft_watch *watch, const char *text);
/* Nothing is wrong with the watch, but not now. */
void cometbft_watch_later(struct cometbft_watches *watches, struct cometbft_watch *watch);
/* Says once (33 about type 5) that the next block's records are more than the credit, when that is what the watch waits for. */
void cometbft_watch_tell_need(const struct cometbft *cometbft, struct cometbft_watch *watch);

/* Starts a scan for watch and those that wait at the same place. */
void cometbft_scan_start(struct cometbft_watches *watches, struct cometbft_watch *watch);
/* Starts a proof for watch and those that the same state can close. */
void cometbft_evidence_start(struct cometbft_watches *watches, struct cometbft_watch *watch);

#endif
