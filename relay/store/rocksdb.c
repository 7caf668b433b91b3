/*
 * The store on RocksDB: the only file that includes it.
 *
 * One column family for each store_family, besides RocksDB's own "default", which stays empty. Every commit is one write
 * batch with the log synced, so that a power cut cannot take back what was answered with STORE_OK. Recovery tolerates a torn
 * last record and nothing else: damage in the middle of the log is an error, never a silent cut.
 */
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rocksdb/c.h>

#include "relay/store/folder.h"
#include "relay/store/store.h"

enum {
    FAMILIES = STORE_FAMILIES + 1, /* the last is "default" */
    TOLERATE_TORN_TAIL = 0,        /* RocksDB's WALRecoveryMode */
    LOG_LEVEL_FATAL = 4,           /* see store_folder_has_room */
    BACKGROUND_JOBS = 2,
    OPEN_FILES = 512,
    MAX_LOG_BYTES = 64 << 20,      /* write-ahead logs kept before the idle families are flushed */
    FLUSH_BYTES_PER_S = 256 << 20, /* see prepare */
    FLUSH_PIECE_US = 1000,
    FAIRNESS = 10,       /* of RocksDB's limiter: its default */
    SEGMENT_BUFFERS = 2, /* segments are most of the bytes: their buffer is so many others, and flushed as rarely */
    INFO_LOG_BYTES = 4 << 20,
    INFO_LOGS = 3
};

static const char schema_key[] = "schema";

struct rocks {
    struct store base;
    rocksdb_t *db;
    rocksdb_options_t *options;
    rocksdb_options_t *segment_options;
    rocksdb_block_based_table_options_t *table;
    rocksdb_cache_t *cache;
    rocksdb_ratelimiter_t *limiter;
    rocksdb_writeoptions_t *write;
    rocksdb_column_family_handle_t *families[FAMILIES];
    bool read_only;
    bool failed; /* a commit did: see rocks_close */
    struct rocks *next;
    char *path;
    pthread_mutex_t mutex; /* guards error */
    char error[1024];
};

struct store_batch {
    rocksdb_writebatch_t *batch;
    struct rocks *rocks;
    size_t bytes;
};

struct store_snapshot {
    struct rocks *rocks;
    const rocksdb_snapshot_t *snapshot;
    rocksdb_readoptions_t *read;
};

struct store_cursor {
    struct rocks *rocks;
    rocksdb_iterator_t *iterator;
    rocksdb_readoptions_t *read;
    char *bounds; /* RocksDB borrows the bounds for the iterator's life */
};

static const struct store_ops rocks_ops;

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* RocksDB's C interface tells errors only by their text. */
static enum store_status status_of(const char *text)
{
    if (strstr(text, "No space left") || strstr(text, "quota exceeded") || strstr(text, "File too large") ||
        strstr(text, "NoSpace"))
        return STORE_FULL;
    if (starts_with(text, "Corruption"))
        return STORE_CORRUPT;
    if (strstr(text, "lock ") && strstr(text, "LOCK"))
        return STORE_LOCKED;
    if (strstr(text, "does not exist (create_if_missing is false)"))
        return STORE_NOT_FOUND;
    return STORE_IO;
}

static void explain(char *text, size_t cap, const char *path, enum store_status status, const char *detail)
{
    switch (status) {
    case STORE_FULL:
        snprintf(text, cap, "store %s: no space left: free some and restart; nothing was lost (%s)", path, detail);
        return;
    case STORE_CORRUPT:
        snprintf(
            text, cap,
            "store %s is damaged: keep a copy of it and restore from a backup, or start with an empty store and let "
            "the mesh fill it (%s)",
            path, detail);
        return;
    case STORE_NOT_FOUND: snprintf(text, cap, "no store at %s: isthmusd makes it at its first start", path); return;
    case STORE_LOCKED: {
        /* Closing a descriptor of the lock file would give up a lock of our own. */
        pid_t holder = strstr(detail, "current process") ? 0 : store_folder_holder(path);
        if (holder > 0)
            snprintf(text, cap, "store %s: another isthmusd (process %ld) has it: stop that one first", path,
                     (long)holder);
        else
            snprintf(text, cap, "store %s: it is open already (%s)", path, detail);
        return;
    }
    case STORE_MEMORY: snprintf(text, cap, "store %s: no memory", path); return;
    case STORE_IO:
        snprintf(text, cap,
                 strstr(detail, "Read-only file system")
                     ? "store %s: its disk is read-only: mount it for writing and restart; nothing was lost (%s)"
                 : strstr(detail, "Too many open files")
                     ? "store %s: no descriptor is left: raise the limit (LimitNOFILE=65536) and restart; nothing was "
                       "lost (%s)"
                     : "store %s: cannot be read or written: see to its disk and its permissions, and restart (%s)",
                 path, detail);
        return;
    case STORE_OK:
    case STORE_NEWER: break;
    }
    snprintf(text, cap, "store %s: %s", path, detail);
}

/* Keeps the text of an error for rocks_error and frees it. */
static enum store_status fail(struct rocks *rocks, char *error)
{
    enum store_status status = status_of(error);
    pthread_mutex_lock(&rocks->mutex);
    explain(rocks->error, sizeof(rocks->error), rocks->path, status, error);
    pthread_mutex_unlock(&rocks->mutex);
    rocksdb_free(error);
    return status;
}

/*
 * Debian's build aborts when a handle outlives the database: the order here matters. It also aborts after some failed writes (of
 * several families whose log could not be made), which keep references for ever. What was acknowledged is on disk, so a store that
 * failed is left open, with its lock, for the process to take with it when it ends.
 */
static void rocks_close(struct store *store)
{
    static struct rocks *left_open;
    struct rocks *rocks = (struct rocks *)store;
    if (rocks->failed) { /* kept in sight: it is no leak */
        rocks->next = left_open;
        left_open = rocks;
        return;
    }
    for (int i = 0; i < FAMILIES; i++)
        if (rocks->families[i])
            rocksdb_column_family_handle_destroy(rocks->families[i]);
    if (rocks->db)
        rocksdb_close(rocks->db);
    if (rocks->write)
        rocksdb_writeoptions_destroy(rocks->write);
    if (rocks->segment_options)
        rocksdb_options_destroy(rocks->segment_options);
    if (rocks->options)
        rocksdb_options_destroy(rocks->options);
    if (rocks->table)
        rocksdb_block_based_options_destroy(rocks->table);
    if (rocks->cache)
        rocksdb_cache_destroy(rocks->cache);
    if (rocks->limiter)
        rocksdb_ratelimiter_destroy(rocks->limiter);
    pthread_mutex_destroy(&rocks->mutex);
    free(rocks->path);
    free(rocks);
}

static struct store_batch *rocks_batch_new(struct store *store)
{
    struct store_batch *batch = calloc(1, sizeof(*batch));
    if (!batch)
        return NULL;
    batch->rocks = (struct rocks *)store;
    batch->batch = rocksdb_writebatch_create();
    return batch;
}

static void rocks_batch_put(struct store_batch *batch, enum store_family family, struct store_view key,
                            struct store_view value)
{
    rocksdb_writebatch_put_cf(batch->batch, batch->rocks->families[family], (const char *)key.data, key.len,
                              (const char *)value.data, value.len);
    batch->bytes += key.len + value.len;
}

static void rocks_batch_delete(struct store_batch *batch, enum store_family family, struct store_view key)
{
    rocksdb_writebatch_delete_cf(batch->batch, batch->rocks->families[family], (const char *)key.data, key.len);
    batch->bytes += key.len;
}

static void rocks_batch_delete_range(struct store_batch *batch, enum store_family family, struct store_view from,
                                     struct store_view to)
{
    batch->bytes += from.len + to.len;
    size_t len = from.len < to.len ? from.len : to.len;
    int order = len ? memcmp(from.data, to.data, len) : 0;
    if (order > 0 || (order == 0 && from.len >= to.len))
        return; /* empty: RocksDB would take a reversed range for damage */
    rocksdb_writebatch_delete_range_cf(batch->batch, batch->rocks->families[family], (const char *)from.data, from.len,
                                       (const char *)to.data, to.len);
}

static size_t rocks_batch_bytes(const struct store_batch *batch)
{
    return batch->bytes;
}

static void rocks_batch_clear(struct store_batch *batch)
{
    rocksdb_writebatch_clear(batch->batch);
    batch->bytes = 0;
}

static void rocks_batch_free(struct store_batch *batch)
{
    if (!batch)
        return;
    rocksdb_writebatch_destroy(batch->batch);
    free(batch);
}

static enum store_status rocks_commit(struct store *store, struct store_batch *batch)
{
    struct rocks *rocks = (struct rocks *)store;
    if (rocks->read_only) {
        pthread_mutex_lock(&rocks->mutex);
        snprintf(rocks->error, sizeof(rocks->error), "store %s was opened for reading only", rocks->path);
        pthread_mutex_unlock(&rocks->mutex);
        return STORE_IO;
    }
    char *error = NULL;
    rocksdb_write(rocks->db, rocks->write, batch->batch, &error);
    rocks->failed = rocks->failed || error;
    return error ? fail(rocks, error) : STORE_OK;
}

static struct store_snapshot *rocks_snapshot_new(struct store *store)
{
    struct store_snapshot *snapshot = calloc(1, sizeof(*snapshot));
    if (!snapshot)
        return NULL;
    snapshot->rocks = (struct rocks *)store;
    snapshot->snapshot = rocksdb_create_snapshot(snapshot->rocks->db);
    snapshot->read = rocksdb_readoptions_create();
    rocksdb_readoptions_set_snapshot(snapshot->read, snapshot->snapshot);
    return snapshot;
}

static void rocks_snapshot_free(struct store_snapshot *snapshot)
{
    if (!snapshot)
        return;
    rocksdb_readoptions_destroy(snapshot->read);
    rocksdb_release_snapshot(snapshot->rocks->db, snapshot->snapshot);
    free(snapshot);
}

static enum store_status rocks_get(struct store_snapshot *snapshot, enum store_family family, struct store_view key,
                                   uint8_t **value, size_t *len)
{
    *value = NULL;
    *len = 0;
    struct rocks *rocks = snapshot->rocks;
    char *error = NULL;
    rocksdb_pinnableslice_t *found = rocksdb_get_pinned_cf(rocks->db, snapshot->read, rocks->families[family],
                                                           (const char *)key.data, key.len, &error);
    if (error)
        return fail(rocks, error);
    if (!found)
        return STORE_NOT_FOUND;
    const char *data = rocksdb_pinnableslice_value(found, len);
    *value = malloc(*len ? *len : 1);
    if (*value && *len)
        memcpy(*value, data, *len);
    rocksdb_pinnableslice_destroy(found);
    return *value ? STORE_OK : STORE_MEMORY;
}

static struct store_cursor *rocks_cursor_new(struct store_snapshot *snapshot, enum store_family family,
                                             struct store_view from, struct store_view to)
{
    struct store_cursor *cursor = calloc(1, sizeof(*cursor));
    if (!cursor)
        return NULL;
    cursor->bounds = malloc(from.len + to.len + 1);
    if (!cursor->bounds) {
        free(cursor);
        return NULL;
    }
    if (from.len)
        memcpy(cursor->bounds, from.data, from.len);
    if (to.len)
        memcpy(cursor->bounds + from.len, to.data, to.len);
    cursor->rocks = snapshot->rocks;
    cursor->read = rocksdb_readoptions_create();
    rocksdb_readoptions_set_snapshot(cursor->read, snapshot->snapshot);
    /* The lower bound spares a walk over what was deleted in front of it. */
    rocksdb_readoptions_set_iterate_lower_bound(cursor->read, cursor->bounds, from.len);
    if (to.len)
        rocksdb_readoptions_set_iterate_upper_bound(cursor->read, cursor->bounds + from.len, to.len);
    cursor->iterator = rocksdb_create_iterator_cf(cursor->rocks->db, cursor->read, cursor->rocks->families[family]);
    rocksdb_iter_seek(cursor->iterator, cursor->bounds, from.len);
    return cursor;
}

static bool rocks_cursor_valid(struct store_cursor *cursor)
{
    return rocksdb_iter_valid(cursor->iterator);
}

static void rocks_cursor_next(struct store_cursor *cursor)
{
    rocksdb_iter_next(cursor->iterator);
}

static struct store_view rocks_cursor_key(struct store_cursor *cursor)
{
    struct store_view view;
    view.data = (const uint8_t *)rocksdb_iter_key(cursor->iterator, &view.len);
    return view;
}

static struct store_view rocks_cursor_value(struct store_cursor *cursor)
{
    struct store_view view;
    view.data = (const uint8_t *)rocksdb_iter_value(cursor->iterator, &view.len);
    return view;
}

static enum store_status rocks_cursor_status(struct store_cursor *cursor)
{
    char *error = NULL;
    rocksdb_iter_get_error(cursor->iterator, &error);
    return error ? fail(cursor->rocks, error) : STORE_OK;
}

static void rocks_cursor_free(struct store_cursor *cursor)
{
    if (!cursor)
        return;
    rocksdb_iter_destroy(cursor->iterator);
    rocksdb_readoptions_destroy(cursor->read);
    free(cursor->bounds);
    free(cursor);
}

static void rocks_error(struct store *store, char *text, size_t cap)
{
    struct rocks *rocks = (struct rocks *)store;
    pthread_mutex_lock(&rocks->mutex);
    snprintf(text, cap, "%s", rocks->error);
    pthread_mutex_unlock(&rocks->mutex);
}

/* ---- opening ---------------------------------------------------------------------------------------------------------- */

static void prepare(struct rocks *rocks, const struct store_options *options)
{
    size_t write_buffer = options->write_buffer ? options->write_buffer : 4u << 20;
    rocks->base.ops = &rocks_ops;
    rocks->read_only = options->read_only;
    pthread_mutex_init(&rocks->mutex, NULL);

    rocks->cache = rocksdb_cache_create_lru(options->block_cache ? options->block_cache : 8u << 20);
    rocks->table = rocksdb_block_based_options_create();
    rocksdb_block_based_options_set_block_cache(rocks->table, rocks->cache);
    rocks->options = rocksdb_options_create();
    rocksdb_options_set_block_based_table_factory(rocks->options, rocks->table);
    rocksdb_options_set_write_buffer_size(rocks->options, write_buffer);
    rocksdb_options_set_create_if_missing(rocks->options, options->create);
    rocksdb_options_set_create_missing_column_families(rocks->options, !options->read_only);
    rocksdb_options_set_paranoid_checks(rocks->options, 1);
    rocksdb_options_set_wal_recovery_mode(rocks->options, TOLERATE_TORN_TAIL);
    rocksdb_options_set_max_total_wal_size(rocks->options, MAX_LOG_BYTES);
    rocksdb_options_set_max_background_jobs(rocks->options, BACKGROUND_JOBS);
    rocksdb_options_set_max_open_files(rocks->options, OPEN_FILES);
    rocksdb_options_set_compression(rocks->options, rocksdb_no_compression); /* hashes do not shrink */
    rocksdb_options_set_info_log_level(rocks->options, LOG_LEVEL_FATAL);
    rocksdb_options_set_max_log_file_size(rocks->options, INFO_LOG_BYTES);
    rocksdb_options_set_keep_log_file_num(rocks->options, INFO_LOGS);
    /* What is flushed is hardly read again, and copying it to the page cache costs more than anything else a flush does. */
    if (!options->read_only && store_folder_is_direct(options->path, options->create))
        rocksdb_options_set_use_direct_io_for_flush_and_compaction(rocks->options, 1);
    /* A flush at full speed holds up the syncs beside it for its 20 ms: it goes in pieces, with room for them between, and still
     * several times faster than a busy relay fills its buffers. */
    rocks->limiter = rocksdb_ratelimiter_create(FLUSH_BYTES_PER_S, FLUSH_PIECE_US, FAIRNESS);
    rocksdb_options_set_ratelimiter(rocks->options, rocks->limiter);
    rocks->segment_options = rocksdb_options_create_copy(rocks->options);
    rocksdb_options_set_write_buffer_size(rocks->segment_options, SEGMENT_BUFFERS * write_buffer);
    rocks->write = rocksdb_writeoptions_create();
    rocksdb_writeoptions_set_sync(rocks->write, 1);
}

static enum store_status refuse_half(struct rocks *rocks)
{
    snprintf(
        rocks->error, sizeof(rocks->error),
        "store %s is half of a store: its file CURRENT is missing. Nothing was changed: restore the whole folder, or "
        "move this one away to begin with an empty store, which chains and peers fill",
        rocks->path);
    return STORE_CORRUPT;
}

/* Families on disk that this program does not know mean a newer one wrote there. Says nothing when there is no store. */
static enum store_status check_families(struct rocks *rocks)
{
    char *error = NULL;
    size_t count = 0;
    char **names = rocksdb_list_column_families(rocks->options, rocks->path, &count, &error);
    if (error)
        rocksdb_free(error); /* no store, or one that the opening itself explains better; there are no names then */
    enum store_status status = STORE_OK;
    for (size_t i = 0; i < count && status == STORE_OK; i++) {
        bool known = strcmp(names[i], "default") == 0;
        for (int family = 0; family < STORE_FAMILIES; family++)
            known = known || strcmp(names[i], store_family_name((enum store_family)family)) == 0;
        if (!known) {
            snprintf(rocks->error, sizeof(rocks->error),
                     "store %s was written by a newer isthmusd (it has a family '%s'): use that program", rocks->path,
                     names[i]);
            status = STORE_NEWER;
        }
    }
    rocksdb_list_column_families_destroy(names, count);
    return status;
}

static enum store_status open_families(struct rocks *rocks)
{
    const char *names[FAMILIES];
    const rocksdb_options_t *options[FAMILIES];
    for (int i = 0; i < FAMILIES; i++) {
        names[i] = i < STORE_FAMILIES ? store_family_name((enum store_family)i) : "default";
        options[i] = i == STORE_SEGMENT ? rocks->segment_options : rocks->options;
    }
    char *error = NULL;
    if (rocks->read_only)
        rocks->db = rocksdb_open_for_read_only_column_families(rocks->options, rocks->path, FAMILIES, names, options,
                                                               rocks->families, 0, &error);
    else
        rocks->db = rocksdb_open_column_families(rocks->options, rocks->path, FAMILIES, names, options, rocks->families,
                                                 &error);
    return error ? fail(rocks, error) : STORE_OK;
}

static enum store_status write_schema(struct rocks *rocks)
{
    const uint8_t value[] = {1, 0, 0, 0, STORE_SCHEMA};
    char *error = NULL;
    rocksdb_put_cf(rocks->db, rocks->write, rocks->families[STORE_META], schema_key, sizeof(schema_key) - 1,
                   (const char *)value, sizeof(value), &error);
    return error ? fail(rocks, error) : STORE_OK;
}

/* META "schema": u8 version 1, u32 schema. A store without it is new, and then empty. */
static enum store_status check_schema(struct rocks *rocks)
{
    struct store_snapshot *snapshot = rocks_snapshot_new(&rocks->base);
    if (!snapshot)
        return STORE_MEMORY;
    uint8_t *value = NULL;
    size_t len = 0;
    struct store_view key = {(const uint8_t *)schema_key, sizeof(schema_key) - 1};
    enum store_status status = rocks_get(snapshot, STORE_META, key, &value, &len);
    rocks_snapshot_free(snapshot);
    if (status == STORE_NOT_FOUND)
        return rocks->read_only ? STORE_NOT_FOUND : write_schema(rocks);
    if (status != STORE_OK)
        return status;
    uint32_t schema =
        len == 5 ? (uint32_t)value[1] << 24 | (uint32_t)value[2] << 16 | (uint32_t)value[3] << 8 | value[4] : 0;
    if (len >= 1 && (value[0] > 1 || schema > STORE_SCHEMA)) {
        snprintf(rocks->error, sizeof(rocks->error),
                 "store %s was written by a newer isthmusd (schema %u, this program knows %u): use that program",
                 rocks->path, (unsigned)schema, (unsigned)STORE_SCHEMA);
        status = STORE_NEWER;
    } else if (schema != STORE_SCHEMA) {
        explain(rocks->error, sizeof(rocks->error), rocks->path, STORE_CORRUPT, "its schema row makes no sense");
        status = STORE_CORRUPT;
    }
    free(value);
    return status;
}

enum store_status store_rocksdb_open(struct store **out, const struct store_options *options, char *text, size_t cap)
{
    *out = NULL;
    if (cap)
        text[0] = '\0';
    struct rocks *rocks = calloc(1, sizeof(*rocks));
    char *path = strdup(options->path);
    if (!rocks || !path) {
        explain(text, cap, options->path, STORE_MEMORY, "");
        free(rocks);
        free(path);
        return STORE_MEMORY;
    }
    rocks->path = path;
    prepare(rocks, options);
    enum store_status status = store_folder_is_half(path)                          ? refuse_half(rocks)
                               : options->read_only || store_folder_has_room(path) ? check_families(rocks)
                                                                                   : STORE_FULL;
    if (status == STORE_OK)
        status = open_families(rocks);
    if (status == STORE_OK)
        status = check_schema(rocks);
    if (status != STORE_OK) {
        if (rocks->error[0])
            snprintf(text, cap, "%s", rocks->error);
        else
            explain(text, cap, rocks->path, status, "opening it needs a MiB");
        rocks_close(&rocks->base);
        return status;
    }
    malloc_trim(0); /* what the replay of the log needed would else be held for good */
    *out = &rocks->base;
    return STORE_OK;
}

static const struct store_ops rocks_ops = {
    .name = "rocksdb",
    .close = rocks_close,
    .batch_new = rocks_batch_new,
    .batch_put = rocks_batch_put,
    .batch_delete = rocks_batch_delete,
    .batch_delete_range = rocks_batch_delete_range,
    .batch_bytes = rocks_batch_bytes,
    .batch_clear = rocks_batch_clear,
    .batch_free = rocks_batch_free,
    .commit = rocks_commit,
    .snapshot_new = rocks_snapshot_new,
    .snapshot_free = rocks_snapshot_free,
    .get = rocks_get,
    .cursor_new = rocks_cursor_new,
    .cursor_valid = rocks_cursor_valid,
    .cursor_next = rocks_cursor_next,
    .cursor_key = rocks_cursor_key,
    .cursor_value = rocks_cursor_value,
    .cursor_status = rocks_cursor_status,
    .cursor_free = rocks_cursor_free,
    .error = rocks_error,
};
