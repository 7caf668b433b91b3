/*
 * Watched logs: what the relay says about them (4 to 6, 14), which job is next, and what a job's outcome means. Two jobs move a watch,
 * and both are the chain's own: scanning brings its records, proving closes a step by evidence. The chain's limits and jobs are
 * arguments (struct sdk_watch_chain); which blocks hold what, and what proves it, this file does not know.
 */
#ifndef CONNECTORS_SDK_WATCH_H
#define CONNECTORS_SDK_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "connectors/sdk/notice.h"
#include "connectors/sdk/sdk.h"

enum {
    SDK_WATCHES_MAX = 8192,
    SDK_GROUP_MAX = CODEC_CONNECTOR_MARKS_MAX, /* watches that share one question to the node */
};

struct sdk_watch {
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
    uint64_t audited;    /* height at which the chain was last seen to hold what the records led to */
    uint64_t last_height, close_height; /* evidence for (next - 1) may stand at any of these heights */
    bool closing;                       /* evidence is wanted */
    bool owed; /* evidence must come once, new entries or not: after a subscribe and an ask again */
    bool busy; /* a job has it */
    bool told_need;
    unsigned failures;
    unsigned rounds;   /* that failed until the relay asked again: each begins with longer pauses */
    uint64_t retry_at; /* ms */
};

/* What the watches of one connector need to know of its chain. Every member is given. */
struct sdk_watch_chain {
    struct connector *connector;
    struct sdk_notices *notices;
    uint64_t lowest; /* height of the chain's first block */
    bool
        at_last; /* evidence is of the block with the last entry and no other: it must be found first, and says nothing of a log
                         without news */
    const char *home; /* where the chain keeps what records must lead to: "the ledger's head" */
    void *context;
    /* False: nothing may be asked now. Else limit is the newest height that may be scanned. */
    bool (*ready)(void *context, uint64_t *limit);
    /* NULL, or why this source cannot watch this log. */
    const char *(*refuse)(void *context, const struct connector_subscribe *message);
    /* Start a job for watch and for those that it can serve as well; counts it in scans or proofs while it is under way. */
    void (*scan)(void *context, struct sdk_watch *watch);
    void (*prove)(void *context, struct sdk_watch *watch);
};

struct sdk_watches {
    struct sdk_watch_chain chain;
    struct sdk_watch *list;
    size_t len, cap;
    size_t cursor; /* where the search for the next scan begins: no watch is always last */
    uint64_t serial;
    size_t scans, proofs; /* under way */
};

void sdk_watches_init(struct sdk_watches *watches, const struct sdk_watch_chain *chain);
void sdk_watches_fini(struct sdk_watches *watches);

/* ---- what the relay says ---- */

void sdk_watches_subscribe(struct sdk_watches *watches, const struct connector_subscribe *message);
void sdk_watches_credit(struct sdk_watches *watches, const struct connector_credit *message);
void sdk_watches_unsubscribe(struct sdk_watches *watches, uint32_t id);
void sdk_watches_again(struct sdk_watches *watches, const struct connector_ask_again *message);
/* Starts the jobs that can be started. Cheap when there are none. */
void sdk_watches_pump(struct sdk_watches *watches);

/* ---- for jobs ---- */

/* NULL when it is gone or was turned back meanwhile. */
struct sdk_watch *sdk_watch_find(struct sdk_watches *watches, uint64_t serial);
/* No job has the watch, and it need not wait: one may take it. */
bool sdk_watch_is_free(const struct sdk_watches *watches, const struct sdk_watch *watch);
/* Evidence about the state after block `height` is wanted, if there is anything to close or to compare. */
void sdk_watch_want_evidence(struct sdk_watches *watches, struct sdk_watch *watch, uint64_t height);
/* What block `block` holds for the watch, `bytes` of records, does not fit into its credit: closes the step below it, and waits. */
void sdk_watch_hold(struct sdk_watches *watches, struct sdk_watch *watch, uint64_t block, uint64_t bytes);
/* Not now: the same question again, later each time; a search further back than where the relay began ends there. When it was in vain some
 * times already, the relay is told why (33 about its subscribe): it may ask another source. */
void sdk_watch_later(struct sdk_watches *watches, struct sdk_watch *watch, const char *text);
/* The same, and the relay is told at once. */
void sdk_watch_fail(struct sdk_watches *watches, struct sdk_watch *watch, const char *text);
/* The answer cannot be used, which says nothing of what was read before: notice 5, and later. */
void sdk_watch_unread(struct sdk_watches *watches, struct sdk_watch *watch, const char *text);
/* What the endpoint shows does not lead to where it says: notice 5, and later; search further back each time. */
void sdk_watch_mistrust(struct sdk_watches *watches, struct sdk_watch *watch, const char *text);
/* What the chain holds is not what the records led to: likewise. */
void sdk_watch_differs(struct sdk_watches *watches, struct sdk_watch *watch);
/* Seen at height: there is nothing (more) to prove. */
void sdk_watch_settle(struct sdk_watch *watch, uint64_t height);
/* The watch's place in a message 12. */
void sdk_watch_mark(struct connector_mark *out, const struct sdk_watch *watch);

/* Watches that a job works for, by serial. */
struct sdk_group {
    uint64_t serials[SDK_GROUP_MAX];
    size_t len;
};

/* The watch goes into the group and is the job's; the caller saw that there is room. */
void sdk_group_add(struct sdk_group *group, struct sdk_watch *watch);
/* The job is over: all of its watches may get another one. */
void sdk_group_release(struct sdk_watches *watches, const struct sdk_group *group);
/* Evidence at height with these marks was sent, or (SDK_TOO_LARGE) never can be: what that means for the group's watches. */
void sdk_group_conclude(struct sdk_watches *watches, const struct sdk_group *group, uint64_t height,
                        const struct connector_mark *marks, size_t count, enum sdk_sent sent);

#endif
