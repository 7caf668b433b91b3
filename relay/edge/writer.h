/*
 * The only thread that writes to the store, and one that reads for the core.
 *
 * Writes are committed in the order given; all that wait are merged into one synced commit (up to group_bytes), so a
 * lone write never waits and a busy relay syncs once for many. After a failed commit nothing more is written: a later
 * write must never land without an earlier one (I2). The relay then stops accepting and says why.
 *
 * Loads read from a snapshot that is taken after the load was given: each sees every write that was reported as
 * committed before, perhaps more.
 *
 * Threads: every function here is called by one thread (the loop); callbacks are called by it too, inside drain.
 */
#ifndef RELAY_EDGE_WRITER_H
#define RELAY_EDGE_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/core/core.h"
#include "relay/store/store.h"

struct edge_writer;

struct edge_writer_options {
    struct store *store; /* outlives the writer; only the writer commits to it */
    int wake_fd;         /* an eventfd (owned by the loop): 1 is added when the first result waits. Then call drain. */
    size_t queue_bytes;  /* writes waiting, 0: 32 MiB. Above: full */
    size_t group_bytes;  /* most bytes in one commit, 0: 4 MiB; a larger single write goes alone */
    size_t loaded_bytes; /* entries read and not yet drained, 0: 16 MiB; the reader waits above it */
    void *context;
    /* In the order of edge_writer_write. status is STORE_OK or, from the first failure on, that failure for every write;
     * text says what went wrong (empty when OK). */
    void (*committed)(void *context, uint64_t id, enum store_status status, const char *text);
    /* One entry of a load; views are borrowed for the call. */
    void (*loaded)(void *context, uint64_t id, enum store_family family, struct bytes key, struct bytes value);
    /* The load is complete (or broke off, status says why). */
    void (*load_done)(void *context, uint64_t id, enum store_family family, enum store_status status, const char *text);
};

enum edge_writer_answer {
    EDGE_WRITER_TAKEN,
    EDGE_WRITER_FULL,   /* nothing was taken: drain and try again */
    EDGE_WRITER_STOPPED /* a commit failed: nothing will be taken any more */
};

/* Upper bounds of commit times, microseconds. */
#define EDGE_WRITER_BUCKETS_US                                                                                         \
    {                                                                                                                  \
        250, 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 1000000, 5000000                              \
    }
enum { EDGE_WRITER_BUCKETS = 12 };

struct edge_writer_stats {
    uint64_t writes, groups, bytes; /* committed: writes, the commits that carried them, bytes of keys and values */
    uint64_t loads, entries;
    size_t queued_writes, queued_bytes, queued_loads;
    uint64_t longest_commit_us, commit_us;        /* the longest; all together */
    uint64_t commits_within[EDGE_WRITER_BUCKETS]; /* that took at most so long and longer than the bound before */
    uint64_t committing_since;                    /* ms, monotonic: of the commit that is under way; 0: none is */
    size_t limit_bytes;                           /* above it edge_writer_full says so */
    enum store_status failed;                     /* STORE_OK while all is well */
};

/* Starts both threads. NULL: no memory or no threads. */
struct edge_writer *edge_writer_new(const struct edge_writer_options *options);

/* Commits every write that was taken (unless stopped), then ends. Results not drained are forgotten. NULL is allowed. */
void edge_writer_free(struct edge_writer *writer);

/* Takes a copy of one batch. FULL only above twice queue_bytes: a loop that heeds edge_writer_full never sees it. */
enum edge_writer_answer edge_writer_write(struct edge_writer *writer, uint64_t id, const struct relay_op *ops,
                                          size_t ops_len);

/* Back-pressure: while this is true, give the core no input that makes it write (frames, connector messages). */
bool edge_writer_full(struct edge_writer *writer);

/* All entries of family in [from, to) (to empty: to the end), ascending: the keys are what bounds a load's memory. FULL
 * when 4096 loads wait. */
enum edge_writer_answer edge_writer_load(struct edge_writer *writer, uint64_t id, enum store_family family,
                                         struct bytes from, struct bytes to);

/* Calls back for everything that is finished; returns how many callbacks were made. */
size_t edge_writer_drain(struct edge_writer *writer);

/* True when nothing is queued, running or waiting to be drained. */
bool edge_writer_idle(struct edge_writer *writer);

void edge_writer_stats(struct edge_writer *writer, struct edge_writer_stats *out);

#endif
