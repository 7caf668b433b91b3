/*
 * Group commit: the loop appends copies of batches to a list; the writer thread takes all that wait, up to a byte cap, as
 * one store batch and one sync. A second thread reads ranges from snapshots.
 */
#include "relay/edge/writer.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "relay/edge/fault.h"
#include "relay/edge/loop.h"

enum { LOADS_MAX = 4096, TEXT_MAX = 1024 };

/* One write: its operations, whose keys and values lie behind them in the same block. */
struct write_job {
    struct write_job *next;
    uint64_t id;
    size_t bytes; /* of keys and values */
    enum store_status status;
    size_t ops_len;
    struct relay_op ops[];
};

/* One load, and then its result. */
struct load_job {
    struct load_job *next;
    uint64_t id;
    enum store_family family;
    struct bytes from, to; /* in data, behind the struct */
    enum store_status status;
    uint8_t *entries; /* u32 key length, u32 value length (host order), key, value; … */
    size_t entries_len, entries_cap;
    char text[TEXT_MAX];
    uint8_t data[];
};

struct write_list {
    struct write_job *first, **end;
};

struct load_list {
    struct load_job *first, **end;
};

struct edge_writer {
    struct edge_writer_options options;
    struct store_batch *batch; /* the writer thread's */
    pthread_t writer, reader;
    bool writer_runs, reader_runs;

    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t write_work, load_work;
    struct write_list writes, written;
    struct load_list loads, loaded;
    size_t loaded_bytes;
    size_t busy; /* jobs taken by a thread */
    bool stop;
    struct edge_writer_stats stats;
    char text[TEXT_MAX]; /* of the failure */
};

static void wake(const struct edge_writer *writer)
{
    const uint64_t one = 1;
    ssize_t written = write(writer->options.wake_fd, &one, sizeof(one));
    (void)written; /* full: it is awake */
}

static struct store_view view(struct bytes bytes)
{
    return (struct store_view){bytes.data, bytes.len};
}

/* ---- the writer thread -------------------------------------------------------------------------------------------- */

static void add_to_batch(struct edge_writer *writer, const struct write_job *job)
{
    const struct store_ops *ops = writer->options.store->ops;
    for (size_t i = 0; i < job->ops_len; i++) {
        const struct relay_op *op = &job->ops[i];
        switch (op->type) {
        case RELAY_OP_PUT: ops->batch_put(writer->batch, op->family, view(op->key), view(op->value)); break;
        case RELAY_OP_DELETE: ops->batch_delete(writer->batch, op->family, view(op->key)); break;
        case RELAY_OP_DELETE_RANGE:
            ops->batch_delete_range(writer->batch, op->family, view(op->key), view(op->value));
            break;
        }
    }
}

/* Counts the time of a successful commit. Called with the mutex held. */
static void count_commit(struct edge_writer_stats *stats, uint64_t microseconds)
{
    static const uint64_t bounds[EDGE_WRITER_BUCKETS] = EDGE_WRITER_BUCKETS_US;
    stats->commit_us += microseconds;
    for (size_t i = 0; i < EDGE_WRITER_BUCKETS; i++) {
        if (microseconds <= bounds[i]) {
            stats->commits_within[i]++;
            return;
        }
    }
}

/* Takes the writes that make the next group off the list. Called and returns with the mutex held. */
static struct write_job *take_group(struct edge_writer *writer, size_t *count, size_t *bytes)
{
    struct write_job *group = writer->writes.first, **end = &writer->writes.first;
    *count = *bytes = 0;
    while (*end && (*count == 0 || *bytes + (*end)->bytes <= writer->options.group_bytes)) {
        *bytes += (*end)->bytes;
        ++*count;
        end = &(*end)->next;
    }
    writer->writes.first = *end;
    if (!*end)
        writer->writes.end = &writer->writes.first;
    *end = NULL;
    return group;
}

static enum store_status commit_group(struct edge_writer *writer, const struct write_job *group, char *text, size_t cap,
                                      uint64_t *microseconds)
{
    struct store *store = writer->options.store;
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    store->ops->batch_clear(writer->batch);
    for (const struct write_job *job = group; job; job = job->next)
        add_to_batch(writer, job);
    EDGE_FAULT(COMMIT_BEFORE);
    enum store_status status = store->ops->commit(store, writer->batch);
    EDGE_FAULT(COMMIT_AFTER);
    if (status != STORE_OK)
        store->ops->error(store, text, cap);
    clock_gettime(CLOCK_MONOTONIC, &end);
    *microseconds = (uint64_t)((end.tv_sec - start.tv_sec) * 1000000 + (end.tv_nsec - start.tv_nsec) / 1000);
    return status;
}

/* Moves a group to the results. Called with the mutex held. */
static void report_group(struct edge_writer *writer, struct write_job *group, enum store_status status)
{
    if (!writer->written.first && !writer->loaded.first)
        wake(writer);
    while (group) {
        struct write_job *job = group;
        group = job->next;
        job->next = NULL;
        job->status = status;
        *writer->written.end = job;
        writer->written.end = &job->next;
    }
}

static void *writer_main(void *argument)
{
    struct edge_writer *writer = argument;
    pthread_mutex_lock(&writer->mutex);
    for (;;) {
        while (!writer->stop && !writer->writes.first)
            pthread_cond_wait(&writer->write_work, &writer->mutex);
        if (!writer->writes.first)
            break; /* stop: only when everything is written */
        size_t count, bytes;
        struct write_job *group = take_group(writer, &count, &bytes);
        enum store_status status = writer->stats.failed;
        if (status == STORE_OK) {
            char text[TEXT_MAX] = "";
            uint64_t microseconds;
            writer->busy += count;
            writer->stats.committing_since = edge_loop_now();
            pthread_mutex_unlock(&writer->mutex);
            status = commit_group(writer, group, text, sizeof(text), &microseconds);
            pthread_mutex_lock(&writer->mutex);
            writer->busy -= count;
            writer->stats.committing_since = 0;
            if (microseconds > writer->stats.longest_commit_us)
                writer->stats.longest_commit_us = microseconds;
            if (status == STORE_OK) {
                writer->stats.writes += count;
                writer->stats.bytes += bytes;
                writer->stats.groups++;
                count_commit(&writer->stats, microseconds);
            } else {
                writer->stats.failed = status;
                memcpy(writer->text, text, sizeof(text));
            }
        }
        writer->stats.queued_writes -= count;
        writer->stats.queued_bytes -= bytes;
        report_group(writer, group, status);
    }
    pthread_mutex_unlock(&writer->mutex);
    return NULL;
}

/* ---- the reader thread -------------------------------------------------------------------------------------------- */

static bool add_entry(struct load_job *job, struct store_view key, struct store_view value)
{
    size_t need = job->entries_len + 8 + key.len + value.len;
    if (key.len > UINT32_MAX || value.len > UINT32_MAX)
        return false;
    if (need > job->entries_cap) {
        size_t cap = need < 4096 ? 4096 : need + need / 2;
        uint8_t *entries = realloc(job->entries, cap);
        if (!entries)
            return false;
        job->entries = entries;
        job->entries_cap = cap;
    }
    uint32_t lengths[2] = {(uint32_t)key.len, (uint32_t)value.len};
    uint8_t *out = job->entries + job->entries_len;
    memcpy(out, lengths, sizeof(lengths));
    if (key.len)
        memcpy(out + 8, key.data, key.len);
    if (value.len)
        memcpy(out + 8 + key.len, value.data, value.len);
    job->entries_len = need;
    return true;
}

static void run_load(struct edge_writer *writer, struct load_job *job)
{
    struct store *store = writer->options.store;
    const struct store_ops *ops = store->ops;
    struct store_snapshot *snapshot = ops->snapshot_new(store);
    struct store_cursor *cursor =
        snapshot ? ops->cursor_new(snapshot, job->family, view(job->from), view(job->to)) : NULL;
    job->status = cursor ? STORE_OK : STORE_MEMORY;
    while (cursor && job->status == STORE_OK && ops->cursor_valid(cursor)) {
        if (!add_entry(job, ops->cursor_key(cursor), ops->cursor_value(cursor)))
            job->status = STORE_MEMORY;
        ops->cursor_next(cursor);
    }
    if (cursor && job->status == STORE_OK)
        job->status = ops->cursor_status(cursor);
    if (job->status == STORE_MEMORY)
        snprintf(job->text, sizeof(job->text), "no memory to load a range of %s", store_family_name(job->family));
    else if (job->status != STORE_OK)
        ops->error(store, job->text, sizeof(job->text));
    if (cursor)
        ops->cursor_free(cursor);
    if (snapshot)
        ops->snapshot_free(snapshot);
}

static void *reader_main(void *argument)
{
    struct edge_writer *writer = argument;
    pthread_mutex_lock(&writer->mutex);
    for (;;) {
        while (!writer->stop && (!writer->loads.first || writer->loaded_bytes > writer->options.loaded_bytes))
            pthread_cond_wait(&writer->load_work, &writer->mutex);
        if (writer->stop)
            break;
        struct load_job *job = writer->loads.first;
        writer->loads.first = job->next;
        if (!job->next)
            writer->loads.end = &writer->loads.first;
        job->next = NULL;
        writer->busy++;
        pthread_mutex_unlock(&writer->mutex);

        run_load(writer, job);

        pthread_mutex_lock(&writer->mutex);
        writer->busy--;
        writer->stats.queued_loads--;
        writer->stats.loads++;
        writer->loaded_bytes += job->entries_len;
        if (!writer->written.first && !writer->loaded.first)
            wake(writer);
        *writer->loaded.end = job;
        writer->loaded.end = &job->next;
    }
    pthread_mutex_unlock(&writer->mutex);
    return NULL;
}

/* ---- the loop's side ---------------------------------------------------------------------------------------------- */

struct edge_writer *edge_writer_new(const struct edge_writer_options *options)
{
    struct edge_writer *writer = calloc(1, sizeof(*writer));
    if (!writer)
        return NULL;
    writer->options = *options;
    if (writer->options.queue_bytes == 0)
        writer->options.queue_bytes = 32u << 20;
    if (writer->options.group_bytes == 0)
        writer->options.group_bytes = 4u << 20;
    if (writer->options.loaded_bytes == 0)
        writer->options.loaded_bytes = 16u << 20;
    writer->stats.limit_bytes = writer->options.queue_bytes;
    writer->writes.end = &writer->writes.first;
    writer->written.end = &writer->written.first;
    writer->loads.end = &writer->loads.first;
    writer->loaded.end = &writer->loaded.first;
    pthread_mutex_init(&writer->mutex, NULL);
    pthread_cond_init(&writer->write_work, NULL);
    pthread_cond_init(&writer->load_work, NULL);
    writer->batch = options->store->ops->batch_new(options->store);
    if (writer->batch) {
        writer->writer_runs = pthread_create(&writer->writer, NULL, writer_main, writer) == 0;
        writer->reader_runs = pthread_create(&writer->reader, NULL, reader_main, writer) == 0;
    }
    if (!writer->writer_runs || !writer->reader_runs) {
        edge_writer_free(writer);
        return NULL;
    }
    return writer;
}

static void free_loads(struct load_list *list)
{
    while (list->first) {
        struct load_job *job = list->first;
        list->first = job->next;
        free(job->entries);
        free(job);
    }
}

static void free_writes(struct write_list *list)
{
    while (list->first) {
        struct write_job *job = list->first;
        list->first = job->next;
        free(job);
    }
}

void edge_writer_free(struct edge_writer *writer)
{
    if (!writer)
        return;
    pthread_mutex_lock(&writer->mutex);
    writer->stop = true;
    pthread_cond_broadcast(&writer->write_work);
    pthread_cond_broadcast(&writer->load_work);
    pthread_mutex_unlock(&writer->mutex);
    if (writer->writer_runs)
        pthread_join(writer->writer, NULL);
    if (writer->reader_runs)
        pthread_join(writer->reader, NULL);
    free_writes(&writer->writes);
    free_writes(&writer->written);
    free_loads(&writer->loads);
    free_loads(&writer->loaded);
    if (writer->batch)
        writer->options.store->ops->batch_free(writer->batch);
    pthread_cond_destroy(&writer->load_work);
    pthread_cond_destroy(&writer->write_work);
    pthread_mutex_destroy(&writer->mutex);
    free(writer);
}

static struct bytes copy_bytes(uint8_t **at, struct bytes from)
{
    struct bytes copy = {*at, from.len};
    if (from.len)
        memcpy(*at, from.data, from.len);
    *at += from.len;
    return copy;
}

enum edge_writer_answer edge_writer_write(struct edge_writer *writer, uint64_t id, const struct relay_op *ops,
                                          size_t ops_len)
{
    size_t bytes = 0;
    for (size_t i = 0; i < ops_len; i++)
        bytes += ops[i].key.len + ops[i].value.len;

    pthread_mutex_lock(&writer->mutex);
    enum edge_writer_answer answer = EDGE_WRITER_TAKEN;
    if (writer->stats.failed != STORE_OK)
        answer = EDGE_WRITER_STOPPED;
    else if (writer->stats.queued_bytes > 2 * writer->options.queue_bytes)
        answer = EDGE_WRITER_FULL;
    pthread_mutex_unlock(&writer->mutex);
    if (answer != EDGE_WRITER_TAKEN)
        return answer;

    struct write_job *job = malloc(sizeof(*job) + ops_len * sizeof(*ops) + bytes);
    if (!job)
        return EDGE_WRITER_FULL;
    *job = (struct write_job){.id = id, .bytes = bytes, .ops_len = ops_len};
    uint8_t *at = (uint8_t *)(job->ops + ops_len);
    for (size_t i = 0; i < ops_len; i++) {
        job->ops[i] = ops[i];
        job->ops[i].key = copy_bytes(&at, ops[i].key);
        job->ops[i].value = copy_bytes(&at, ops[i].value);
    }

    pthread_mutex_lock(&writer->mutex);
    *writer->writes.end = job;
    writer->writes.end = &job->next;
    writer->stats.queued_writes++;
    writer->stats.queued_bytes += bytes;
    pthread_cond_signal(&writer->write_work);
    pthread_mutex_unlock(&writer->mutex);
    return EDGE_WRITER_TAKEN;
}

bool edge_writer_full(struct edge_writer *writer)
{
    pthread_mutex_lock(&writer->mutex);
    bool full = writer->stats.queued_bytes > writer->options.queue_bytes;
    pthread_mutex_unlock(&writer->mutex);
    return full;
}

enum edge_writer_answer edge_writer_load(struct edge_writer *writer, uint64_t id, enum store_family family,
                                         struct bytes from, struct bytes to)
{
    struct load_job *job = malloc(sizeof(*job) + from.len + to.len);
    if (!job)
        return EDGE_WRITER_FULL;
    *job = (struct load_job){.id = id, .family = family};
    uint8_t *at = job->data;
    job->from = copy_bytes(&at, from);
    job->to = copy_bytes(&at, to);

    pthread_mutex_lock(&writer->mutex);
    bool taken = writer->stats.queued_loads < LOADS_MAX;
    if (taken) {
        *writer->loads.end = job;
        writer->loads.end = &job->next;
        writer->stats.queued_loads++;
        pthread_cond_signal(&writer->load_work);
    }
    pthread_mutex_unlock(&writer->mutex);
    if (!taken)
        free(job);
    return taken ? EDGE_WRITER_TAKEN : EDGE_WRITER_FULL;
}

/* Calls back for the entries of a load and its end; returns how many callbacks. */
static size_t deliver_load(const struct edge_writer *writer, const struct load_job *job)
{
    size_t calls = 0, at = 0;
    while (at < job->entries_len) {
        uint32_t lengths[2];
        memcpy(lengths, job->entries + at, sizeof(lengths));
        struct bytes key = {job->entries + at + 8, lengths[0]};
        struct bytes value = {job->entries + at + 8 + lengths[0], lengths[1]};
        at += 8 + (size_t)lengths[0] + lengths[1];
        assert(at <= job->entries_len);
        writer->options.loaded(writer->options.context, job->id, job->family, key, value);
        calls++;
    }
    writer->options.load_done(writer->options.context, job->id, job->family, job->status, job->text);
    return calls + 1;
}

size_t edge_writer_drain(struct edge_writer *writer)
{
    pthread_mutex_lock(&writer->mutex);
    struct write_list written = writer->written;
    struct load_list loaded = writer->loaded;
    writer->written = (struct write_list){NULL, &writer->written.first};
    writer->loaded = (struct load_list){NULL, &writer->loaded.first};
    writer->loaded_bytes = 0;
    pthread_cond_signal(&writer->load_work);
    pthread_mutex_unlock(&writer->mutex);

    size_t calls = 0, entries = 0;
    for (struct write_job *job = written.first; job; job = job->next, calls++)
        writer->options.committed(writer->options.context, job->id, job->status,
                                  job->status == STORE_OK ? ""
                                                          : writer->text); /* written once, before any failed job */
    for (struct load_job *job = loaded.first; job; job = job->next) {
        size_t made = deliver_load(writer, job);
        calls += made;
        entries += made - 1;
    }
    free_writes(&written);
    free_loads(&loaded);
    pthread_mutex_lock(&writer->mutex);
    writer->stats.entries += entries;
    pthread_mutex_unlock(&writer->mutex);
    return calls;
}

bool edge_writer_idle(struct edge_writer *writer)
{
    pthread_mutex_lock(&writer->mutex);
    bool idle = !writer->writes.first && !writer->written.first && !writer->loads.first && !writer->loaded.first &&
                writer->busy == 0;
    pthread_mutex_unlock(&writer->mutex);
    return idle;
}

void edge_writer_stats(struct edge_writer *writer, struct edge_writer_stats *out)
{
    pthread_mutex_lock(&writer->mutex);
    *out = writer->stats;
    pthread_mutex_unlock(&writer->mutex);
}
