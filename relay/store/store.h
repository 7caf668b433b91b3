/*
 * The store: ordered byte keys and values in a few families, one synced write for many changes.
 *
 * Two implementations keep this contract: rocksdb.c (the real one) and memory.c (its twin for tests and the
 * simulator). tests/unit/store runs the same contract suite over both.
 *
 * Ownership: keys and values passed in are copied. Views handed out by a cursor live until it moves. Batches, snapshots
 * and cursors are freed before the store is closed.
 * Threads: commits come from one thread at a time (the writer); batches may be filled on any thread, and snapshots and
 * cursors be made and used on any, each object by one thread at a time.
 */
#ifndef RELAY_STORE_STORE_H
#define RELAY_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Families; every key and value format is in keys.h. The order is part of the on-disk format: append only. */
enum store_family {
    STORE_META,     /* schema version, relay identity, counters that survive */
    STORE_LOG,      /* one row a log: its marks */
    STORE_SEGMENT,  /* (log, from): records of a range, as they travelled */
    STORE_SKELETON, /* (log, from): digests and outcomes, after the records are pruned */
    STORE_HEAD,     /* (log, N, key id): signed heads, each with its path and signature */
    STORE_CHAIN,    /* (chain): trust state, newest final header, frozen or not */
    STORE_AUDIT,    /* (number): what was held, refused, dropped, and why */
    STORE_FAMILIES
};

enum store_status {
    STORE_OK = 0,
    STORE_NOT_FOUND,
    STORE_FULL,    /* no space: nothing of the batch was written */
    STORE_CORRUPT, /* the engine says that data is damaged */
    STORE_NEWER,   /* schema version above ours */
    STORE_IO,      /* any other engine error */
    STORE_MEMORY,
    STORE_LOCKED /* open: another process has this store */
};

/* "ok", "disk-full", "corrupt" and so on. Static storage. */
const char *store_status_name(enum store_status status);

/* "meta", "log", "segment" and so on: also the names of RocksDB's column families. Static storage. */
const char *store_family_name(enum store_family family);

enum { STORE_SCHEMA = 1 }; /* of all families together; written into META when a store is made */

struct store;
struct store_batch;
struct store_snapshot;
struct store_cursor;

struct store_view {
    const uint8_t *data;
    size_t len;
};

/* What an implementation provides. Every function that can fail returns a status; text of the last failure: error(). */
struct store_ops {
    const char *name;
    void (*close)(struct store *store); /* RocksDB's, after a failed commit: left as it is until the process ends */
    struct store_batch *(*batch_new)(struct store *store); /* NULL: no memory. Reusable after batch_clear. */
    void (*batch_put)(struct store_batch *batch, enum store_family family, struct store_view key,
                      struct store_view value);
    void (*batch_delete)(struct store_batch *batch, enum store_family family, struct store_view key);
    /* Deletes keys in [from, to). */
    void (*batch_delete_range)(struct store_batch *batch, enum store_family family, struct store_view from,
                               struct store_view to);
    size_t (*batch_bytes)(const struct store_batch *batch);
    void (*batch_clear)(struct store_batch *batch);
    void (*batch_free)(struct store_batch *batch);
    /* All of the batch or nothing, durable (synced) when it returns STORE_OK. */
    enum store_status (*commit)(struct store *store, struct store_batch *batch);
    struct store_snapshot *(*snapshot_new)(struct store *store);
    void (*snapshot_free)(struct store_snapshot *snapshot);
    /* Copies the value into a malloc'ed buffer that the caller frees. */
    enum store_status (*get)(struct store_snapshot *snapshot, enum store_family family, struct store_view key,
                             uint8_t **value, size_t *len);
    /* Ascending keys in [from, to); to.len = 0: to the end. */
    struct store_cursor *(*cursor_new)(struct store_snapshot *snapshot, enum store_family family,
                                       struct store_view from, struct store_view to);
    bool (*cursor_valid)(struct store_cursor *cursor);
    void (*cursor_next)(struct store_cursor *cursor);
    struct store_view (*cursor_key)(struct store_cursor *cursor);
    struct store_view (*cursor_value)(struct store_cursor *cursor);
    enum store_status (*cursor_status)(struct store_cursor *cursor); /* sticky: check once, at the end */
    void (*cursor_free)(struct store_cursor *cursor);
    /* Copies the text of the last failure, of any thread, and what to do about it; empty when there was none. */
    void (*error)(struct store *store, char *text, size_t cap);
};

struct store {
    const struct store_ops *ops;
};

struct store_options {
    const char *path;    /* folder; created when it does not exist */
    size_t write_buffer; /* bytes, 0: 4 MiB; segments have twice as much */
    size_t block_cache;  /* bytes, 0: 8 MiB */
    bool create;         /* false: the store must exist */
    bool read_only;      /* for inspectors: takes no lock, so the relay may be running; commits are refused */
};

/*
 * Opens the RocksDB store. On failure *out is NULL and text (capacity cap) says what is wrong and what to do: STORE_NOT_FOUND
 * (no store there), STORE_LOCKED (with the other's process id), STORE_NEWER (its schema and ours), STORE_CORRUPT, STORE_FULL,
 * STORE_IO, STORE_MEMORY. A torn last write (kill, power) is no corruption: it was never acknowledged.
 */
enum store_status store_rocksdb_open(struct store **out, const struct store_options *options, char *text, size_t cap);

/* An empty store in memory; NULL: no memory. A snapshot shares its rows with the store until the next commit copies the
 * families that it changes (copy on write), so both are cheap and a snapshot never changes. */
struct store *store_memory_new(void);

/* Faults, for tests. The n-th commit from now (1: the next) fails with status; takes_effect: it is applied all the same, as
 * when a disk loses only the answer. Every later commit fails with status too, until store_memory_crash. */
void store_memory_fail(struct store *store, uint64_t n, enum store_status status, bool takes_effect);

/* The process dies and comes back: what was committed is there, faults are gone, and batches made before can no longer be
 * committed (STORE_IO). */
void store_memory_crash(struct store *store);

/* Commits that took effect since the store was made. */
uint64_t store_memory_commits(struct store *store);

#endif
