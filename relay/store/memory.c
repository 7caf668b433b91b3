/*
 * The twin of rocksdb.c: the same contract in memory, with faults that a test can order.
 *
 * Each family is a sorted array of rows. A row is immutable and counted; an array is shared between the store and its
 * snapshots until a commit has to change it, which copies the array first. Memory is reserved before a commit changes
 * anything, so a commit happens whole or not at all here too.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/store/store.h"

struct row {
    size_t refs; /* under the store's mutex, but for rows that only one batch knows */
    size_t key_len, value_len;
    uint8_t bytes[]; /* key, then value */
};

struct table {
    size_t refs; /* under the store's mutex */
    size_t len, cap;
    struct row **rows; /* ascending by key */
};

enum change_type { CHANGE_PUT, CHANGE_DELETE, CHANGE_DELETE_RANGE };

struct change {
    enum change_type type;
    enum store_family family;
    struct row *row; /* PUT: the row; DELETE: its key; DELETE_RANGE: from and, as value, to */
};

struct memory {
    struct store base;
    pthread_mutex_t mutex;
    struct table *tables[STORE_FAMILIES];
    uint64_t commits, epoch;
    uint64_t fail_in; /* 0: never; 1: the next commit fails */
    enum store_status fail_status;
    bool fail_takes_effect;
    char error[160];
};

struct store_batch {
    struct memory *store;
    uint64_t epoch;
    struct change *changes;
    size_t len, cap, bytes;
    bool failed;
};

struct store_snapshot {
    struct memory *store;
    struct table *tables[STORE_FAMILIES];
};

struct store_cursor {
    struct table *table; /* the snapshot's */
    struct row *end;     /* NULL: no bound */
    size_t at;
};

static const struct store_ops memory_ops;

static int key_compare(struct store_view a, struct store_view b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len ? memcmp(a.data, b.data, len) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static struct store_view row_key(const struct row *row)
{
    return (struct store_view){row->bytes, row->key_len};
}

static struct store_view row_value(const struct row *row)
{
    return (struct store_view){row->bytes + row->key_len, row->value_len};
}

static struct row *row_new(struct store_view key, struct store_view value)
{
    struct row *row = malloc(sizeof(*row) + key.len + value.len);
    if (!row)
        return NULL;
    row->refs = 1;
    row->key_len = key.len;
    row->value_len = value.len;
    if (key.len)
        memcpy(row->bytes, key.data, key.len);
    if (value.len)
        memcpy(row->bytes + key.len, value.data, value.len);
    return row;
}

static void row_unref(struct row *row)
{
    if (--row->refs == 0)
        free(row);
}

static void table_unref(struct table *table)
{
    if (!table || --table->refs > 0)
        return;
    for (size_t i = 0; i < table->len; i++)
        row_unref(table->rows[i]);
    free(table->rows);
    free(table);
}

/* Index of the first row whose key is not below key. */
static size_t table_seek(const struct table *table, struct store_view key)
{
    size_t low = 0, high = table->len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (key_compare(row_key(table->rows[middle]), key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool table_holds(const struct table *table, size_t at, struct store_view key)
{
    return at < table->len && key_compare(row_key(table->rows[at]), key) == 0;
}

static void table_put(struct table *table, struct row *row)
{
    size_t at = table_seek(table, row_key(row));
    row->refs++;
    if (table_holds(table, at, row_key(row))) {
        row_unref(table->rows[at]);
        table->rows[at] = row;
        return;
    }
    memmove(table->rows + at + 1, table->rows + at, (table->len - at) * sizeof(*table->rows));
    table->rows[at] = row;
    table->len++;
}

static void table_cut(struct table *table, size_t from, size_t to)
{
    if (from >= to)
        return;
    for (size_t i = from; i < to; i++)
        row_unref(table->rows[i]);
    memmove(table->rows + from, table->rows + to, (table->len - to) * sizeof(*table->rows));
    table->len -= to - from;
}

/* A table with the rows of `of` and room for `more`; the same one, grown, when nobody shares it. NULL: no memory. */
static struct table *table_reserve(struct table *of, size_t more)
{
    size_t cap = of->len + more;
    if (of->refs == 1) {
        if (cap <= of->cap)
            return of;
        cap += cap / 2;
        struct row **rows = realloc(of->rows, cap * sizeof(*rows));
        if (!rows)
            return NULL;
        of->rows = rows;
        of->cap = cap;
        return of;
    }
    struct table *copy = calloc(1, sizeof(*copy));
    if (!copy)
        return NULL;
    copy->rows = malloc((cap ? cap : 1) * sizeof(*copy->rows));
    if (!copy->rows) {
        free(copy);
        return NULL;
    }
    copy->refs = 1;
    copy->cap = cap ? cap : 1;
    copy->len = of->len;
    for (size_t i = 0; i < of->len; i++) {
        copy->rows[i] = of->rows[i];
        copy->rows[i]->refs++;
    }
    return copy;
}

static void memory_close(struct store *store)
{
    struct memory *memory = (struct memory *)store;
    for (int i = 0; i < STORE_FAMILIES; i++)
        table_unref(memory->tables[i]);
    pthread_mutex_destroy(&memory->mutex);
    free(memory);
}

static struct store_batch *memory_batch_new(struct store *store)
{
    struct memory *memory = (struct memory *)store;
    struct store_batch *batch = calloc(1, sizeof(*batch));
    if (!batch)
        return NULL;
    batch->store = memory;
    pthread_mutex_lock(&memory->mutex);
    batch->epoch = memory->epoch;
    pthread_mutex_unlock(&memory->mutex);
    return batch;
}

static void batch_add(struct store_batch *batch, enum change_type type, enum store_family family, struct store_view key,
                      struct store_view value)
{
    if (batch->failed)
        return;
    if (batch->len == batch->cap) {
        size_t cap = batch->cap ? batch->cap * 2 : 16;
        struct change *changes = realloc(batch->changes, cap * sizeof(*changes));
        if (!changes) {
            batch->failed = true;
            return;
        }
        batch->changes = changes;
        batch->cap = cap;
    }
    struct row *row = row_new(key, value);
    if (!row) {
        batch->failed = true;
        return;
    }
    batch->changes[batch->len++] = (struct change){type, family, row};
    batch->bytes += key.len + value.len;
}

static void memory_batch_put(struct store_batch *batch, enum store_family family, struct store_view key,
                             struct store_view value)
{
    batch_add(batch, CHANGE_PUT, family, key, value);
}

static void memory_batch_delete(struct store_batch *batch, enum store_family family, struct store_view key)
{
    batch_add(batch, CHANGE_DELETE, family, key, (struct store_view){NULL, 0});
}

static void memory_batch_delete_range(struct store_batch *batch, enum store_family family, struct store_view from,
                                      struct store_view to)
{
    batch_add(batch, CHANGE_DELETE_RANGE, family, from, to);
}

static size_t memory_batch_bytes(const struct store_batch *batch)
{
    return batch->bytes;
}

static void memory_batch_clear(struct store_batch *batch)
{
    pthread_mutex_lock(&batch->store->mutex);
    for (size_t i = 0; i < batch->len; i++)
        row_unref(batch->changes[i].row);
    batch->epoch = batch->store->epoch;
    pthread_mutex_unlock(&batch->store->mutex);
    batch->len = batch->bytes = 0;
    batch->failed = false;
}

static void memory_batch_free(struct store_batch *batch)
{
    if (!batch)
        return;
    memory_batch_clear(batch);
    free(batch->changes);
    free(batch);
}

static void apply(struct memory *memory, const struct store_batch *batch)
{
    for (size_t i = 0; i < batch->len; i++) {
        const struct change *change = &batch->changes[i];
        struct table *table = memory->tables[change->family];
        struct store_view key = row_key(change->row);
        size_t at = table_seek(table, key);
        switch (change->type) {
        case CHANGE_PUT: table_put(table, change->row); break;
        case CHANGE_DELETE: table_cut(table, at, at + (table_holds(table, at, key) ? 1 : 0)); break;
        case CHANGE_DELETE_RANGE: table_cut(table, at, table_seek(table, row_value(change->row))); break;
        }
    }
    memory->commits++;
}

/* Makes every family that the batch touches the store's own, with room for what is put. */
static bool reserve(struct memory *memory, const struct store_batch *batch)
{
    size_t puts[STORE_FAMILIES] = {0};
    bool touched[STORE_FAMILIES] = {false};
    for (size_t i = 0; i < batch->len; i++) {
        touched[batch->changes[i].family] = true;
        puts[batch->changes[i].family] += batch->changes[i].type == CHANGE_PUT;
    }
    for (int i = 0; i < STORE_FAMILIES; i++) {
        if (!touched[i])
            continue;
        struct table *own = table_reserve(memory->tables[i], puts[i]);
        if (!own)
            return false;
        if (own != memory->tables[i])
            table_unref(memory->tables[i]);
        memory->tables[i] = own;
    }
    return true;
}

static enum store_status memory_commit(struct store *store, struct store_batch *batch)
{
    struct memory *memory = (struct memory *)store;
    enum store_status status = STORE_OK;
    pthread_mutex_lock(&memory->mutex);
    bool fails = memory->fail_in == 1;
    if (memory->fail_in > 1)
        memory->fail_in--;
    if (batch->epoch != memory->epoch) {
        status = STORE_IO;
        snprintf(memory->error, sizeof(memory->error), "a batch from before the crash");
    } else if (batch->failed || !reserve(memory, batch)) {
        status = STORE_MEMORY;
        snprintf(memory->error, sizeof(memory->error), "no memory for the batch");
    } else if (fails) {
        status = memory->fail_status;
        snprintf(memory->error, sizeof(memory->error), "injected fault: %s", store_status_name(status));
        if (memory->fail_takes_effect)
            apply(memory, batch);
        memory->fail_takes_effect = false;
    } else {
        apply(memory, batch);
    }
    pthread_mutex_unlock(&memory->mutex);
    return status;
}

static struct store_snapshot *memory_snapshot_new(struct store *store)
{
    struct memory *memory = (struct memory *)store;
    struct store_snapshot *snapshot = calloc(1, sizeof(*snapshot));
    if (!snapshot)
        return NULL;
    snapshot->store = memory;
    pthread_mutex_lock(&memory->mutex);
    for (int i = 0; i < STORE_FAMILIES; i++) {
        snapshot->tables[i] = memory->tables[i];
        snapshot->tables[i]->refs++;
    }
    pthread_mutex_unlock(&memory->mutex);
    return snapshot;
}

static void memory_snapshot_free(struct store_snapshot *snapshot)
{
    if (!snapshot)
        return;
    struct memory *memory = snapshot->store;
    pthread_mutex_lock(&memory->mutex);
    for (int i = 0; i < STORE_FAMILIES; i++)
        table_unref(snapshot->tables[i]);
    pthread_mutex_unlock(&memory->mutex);
    free(snapshot);
}

static enum store_status memory_get(struct store_snapshot *snapshot, enum store_family family, struct store_view key,
                                    uint8_t **value, size_t *len)
{
    *value = NULL;
    *len = 0;
    const struct table *table = snapshot->tables[family];
    size_t at = table_seek(table, key);
    if (!table_holds(table, at, key))
        return STORE_NOT_FOUND;
    struct store_view found = row_value(table->rows[at]);
    uint8_t *copy = malloc(found.len ? found.len : 1);
    if (!copy)
        return STORE_MEMORY;
    if (found.len)
        memcpy(copy, found.data, found.len);
    *value = copy;
    *len = found.len;
    return STORE_OK;
}

static struct store_cursor *memory_cursor_new(struct store_snapshot *snapshot, enum store_family family,
                                              struct store_view from, struct store_view to)
{
    struct store_cursor *cursor = calloc(1, sizeof(*cursor));
    if (!cursor)
        return NULL;
    if (to.len) {
        cursor->end = row_new(to, (struct store_view){NULL, 0});
        if (!cursor->end) {
            free(cursor);
            return NULL;
        }
    }
    cursor->table = snapshot->tables[family];
    cursor->at = table_seek(cursor->table, from);
    return cursor;
}

static bool memory_cursor_valid(struct store_cursor *cursor)
{
    return cursor->at < cursor->table->len &&
           (!cursor->end || key_compare(row_key(cursor->table->rows[cursor->at]), row_key(cursor->end)) < 0);
}

static void memory_cursor_next(struct store_cursor *cursor)
{
    cursor->at++;
}

static struct store_view memory_cursor_key(struct store_cursor *cursor)
{
    return row_key(cursor->table->rows[cursor->at]);
}

static struct store_view memory_cursor_value(struct store_cursor *cursor)
{
    return row_value(cursor->table->rows[cursor->at]);
}

static enum store_status memory_cursor_status(struct store_cursor *cursor)
{
    (void)cursor;
    return STORE_OK;
}

static void memory_cursor_free(struct store_cursor *cursor)
{
    if (!cursor)
        return;
    free(cursor->end);
    free(cursor);
}

static void memory_error(struct store *store, char *text, size_t cap)
{
    struct memory *memory = (struct memory *)store;
    pthread_mutex_lock(&memory->mutex);
    snprintf(text, cap, "%s", memory->error);
    pthread_mutex_unlock(&memory->mutex);
}

struct store *store_memory_new(void)
{
    struct memory *memory = calloc(1, sizeof(*memory));
    if (!memory)
        return NULL;
    memory->base.ops = &memory_ops;
    pthread_mutex_init(&memory->mutex, NULL);
    for (int i = 0; i < STORE_FAMILIES; i++) {
        memory->tables[i] = calloc(1, sizeof(*memory->tables[i]));
        if (!memory->tables[i]) {
            memory_close(&memory->base);
            return NULL;
        }
        memory->tables[i]->refs = 1;
    }
    return &memory->base;
}

void store_memory_fail(struct store *store, uint64_t n, enum store_status status, bool takes_effect)
{
    struct memory *memory = (struct memory *)store;
    pthread_mutex_lock(&memory->mutex);
    memory->fail_in = n;
    memory->fail_status = status;
    memory->fail_takes_effect = takes_effect;
    pthread_mutex_unlock(&memory->mutex);
}

void store_memory_crash(struct store *store)
{
    struct memory *memory = (struct memory *)store;
    pthread_mutex_lock(&memory->mutex);
    memory->epoch++;
    memory->fail_in = 0;
    memory->error[0] = '\0';
    pthread_mutex_unlock(&memory->mutex);
}

uint64_t store_memory_commits(struct store *store)
{
    struct memory *memory = (struct memory *)store;
    pthread_mutex_lock(&memory->mutex);
    uint64_t commits = memory->commits;
    pthread_mutex_unlock(&memory->mutex);
    return commits;
}

static const struct store_ops memory_ops = {
    .name = "memory",
    .close = memory_close,
    .batch_new = memory_batch_new,
    .batch_put = memory_batch_put,
    .batch_delete = memory_batch_delete,
    .batch_delete_range = memory_batch_delete_range,
    .batch_bytes = memory_batch_bytes,
    .batch_clear = memory_batch_clear,
    .batch_free = memory_batch_free,
    .commit = memory_commit,
    .snapshot_new = memory_snapshot_new,
    .snapshot_free = memory_snapshot_free,
    .get = memory_get,
    .cursor_new = memory_cursor_new,
    .cursor_valid = memory_cursor_valid,
    .cursor_next = memory_cursor_next,
    .cursor_key = memory_cursor_key,
    .cursor_value = memory_cursor_value,
    .cursor_status = memory_cursor_status,
    .cursor_free = memory_cursor_free,
    .error = memory_error,
};
