/*
 * Scanning: the results of every block that has transactions, once for all watches that wait at the same height. Each watch takes
 * what belongs to it, block by block, as far as its credit goes; a full watch stops no other.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/cometbft/watch.h"
#include "connectors/sdk/record.h"

enum {
    CHUNK_RECORDS = 256,
    CHUNK_BYTES = 1 << 20,
    HEIGHTS_MAX = 20, /* headers in one /blockchain answer */
    NEAR = 3,         /* so few blocks are asked for without looking which of them are empty */
    AUDIT_BLOCKS = 64 /* a log without news is compared with its head so often: an event that was kept back shows */
};

struct scan {
    struct cometbft_watches *watches;
    uint64_t from, to;
    uint64_t heights[HEIGHTS_MAX]; /* that have transactions, ascending */
    size_t heights_len, at, asked;
    uint64_t *serials; /* 0: took its last part in this scan */
    size_t len;
};

/* The entries of one watch in one block, in order. */
struct entries {
    struct bytes *records;
    uint8_t (*running)[32]; /* after each */
    size_t count, cap;
    uint64_t bytes;
    uint64_t to; /* number of the last; only settlement has more numbers than records */
    uint8_t end[32];
    bool known_end; /* the entry that the relay has already, the last before `next`, is in this block */
};

/* What one event says: entries from..to, and the running hash after them. */
struct event {
    uint64_t from, to;
    uint8_t running[32];
    struct bytes record;
    uint8_t outcome[45];
};

/* ---- events ------------------------------------------------------------------------------------------------------------ */

static const struct sdk_json *attribute(const struct sdk_json *event, const char *key)
{
    const struct sdk_json *attributes = sdk_json_member(event, "attributes");
    for (size_t i = 0; i < sdk_json_length(attributes); i++) {
        const struct sdk_json *one = sdk_json_element(attributes, i);
        const char *name = sdk_json_text(sdk_json_member(one, "key"));
        if (name && strcmp(name, key) == 0)
            return sdk_json_member(one, "value");
    }
    return NULL;
}

static bool number(uint64_t *out, const struct sdk_json *event, const char *key, uint64_t max)
{
    int64_t value = 0;
    if (!sdk_json_decimal(&value, attribute(event, key)) || value < 0 || (uint64_t)value > max)
        return false;
    *out = (uint64_t)value;
    return true;
}

static bool hash(uint8_t out[32], const struct sdk_json *event, const char *key, struct sdk_arena *arena)
{
    struct bytes value;
    if (!sdk_json_digits(&value, attribute(event, key), arena) || value.len != 32)
        return false;
    memcpy(out, value.data, 32);
    return true;
}

static bool read_outcome(struct event *out, const struct sdk_json *event, struct sdk_arena *arena)
{
    uint64_t sequence, status, reason;
    uint8_t digest[32];
    struct codec_writer writer;
    if (!number(&out->from, event, "index", UINT64_MAX) || !number(&sequence, event, "sequence", UINT64_MAX) ||
        !number(&status, event, "status", UINT8_MAX) || !number(&reason, event, "reason", UINT32_MAX) ||
        !hash(digest, event, "digest", arena))
        return false;
    codec_writer_init(&writer, out->outcome, sizeof out->outcome);
    codec_write_u64(&writer, sequence);
    codec_write_bytes(&writer, BYTES_OF(digest));
    codec_write_u8(&writer, (uint8_t)status);
    codec_write_u32(&writer, (uint32_t)reason);
    out->to = out->from;
    out->record = codec_writer_bytes(&writer);
    return true;
}

static bool read_event(struct event *out, enum connector_log_kind kind, const struct sdk_json *event,
                       struct sdk_arena *arena)
{
    bool good = hash(out->running, event, "running", arena);
    switch (kind) {
    case CONNECTOR_LOG_MESSAGE:
        good = good && number(&out->from, event, "sequence", UINT64_MAX) &&
               sdk_json_digits(&out->record, attribute(event, "record"), arena);
        out->to = out->from;
        break;
    case CONNECTOR_LOG_OUTCOME: good = good && read_outcome(out, event, arena); break;
    case CONNECTOR_LOG_SETTLEMENT:
        good = good && number(&out->from, event, "from", UINT64_MAX) && number(&out->to, event, "to", UINT64_MAX);
        break;
    }
    return good && out->from >= 1 && out->to >= out->from;
}

static bool is_for(const struct cometbft_watch *watch, const struct sdk_json *event)
{
    static const char *const types[] = {"", "isthmus_message", "isthmus_outcome", "isthmus_settled"};
    const char *type = sdk_json_text(sdk_json_member(event, "type"));
    if (!type || strcmp(type, types[watch->kind]) != 0)
        return false;
    const char *lane = sdk_json_text(attribute(event, "lane"));
    return lane && strcmp(lane, watch->lane_text) == 0;
}

static bool grow(struct entries *entries, struct sdk_arena *arena)
{
    const size_t cap = entries->cap ? 2 * entries->cap : 16;
    struct bytes *records = sdk_arena_take(arena, cap, sizeof *records);
    uint8_t(*running)[32] = sdk_arena_take(arena, cap, sizeof *running);
    if (!records || !running)
        return false;
    if (entries->count) {
        memcpy(records, entries->records, entries->count * sizeof *records);
        memcpy(running, entries->running, entries->count * sizeof *running);
    }
    entries->records = records;
    entries->running = running;
    entries->cap = cap;
    return true;
}

/* Adds what one event says. A static text when it does not lead on. */
static const char *extend(struct entries *out, const struct cometbft_watch *watch, const struct sdk_json *said,
                          struct sdk_arena *arena)
{
    struct event *event = sdk_arena_take(arena, 1, sizeof *event);
    if (!event || (out->count == out->cap && !grow(out, arena)))
        return "no memory";
    if (!read_event(event, watch->kind, said, arena))
        return "an event with malformed attributes";
    if (event->to <= out->to) { /* the relay has it; where the last one lies is good to know */
        out->known_end = out->known_end || event->to == out->to;
        return NULL;
    }
    if (event->from != out->to + 1)
        return "events are missing before one that was given";
    if (watch->kind == CONNECTOR_LOG_SETTLEMENT)
        memcpy(out->end, event->running, 32);
    else if (!sdk_record_extend(out->end, watch->kind, watch->lane, event->from, event->record))
        return "a record that is malformed";
    if (memcmp(out->end, event->running, 32) != 0)
        return "a record that does not lead to the running hash beside it";
    out->to = event->to;
    memcpy(out->running[out->count], out->end, 32);
    out->records[out->count++] = event->record;
    out->bytes += event->record.len;
    return NULL;
}

static const char *collect(struct entries *out, const struct cometbft_watch *watch, const struct sdk_json *results,
                           struct sdk_arena *arena)
{
    const char *wrong = NULL;
    *out = (struct entries){.to = watch->next - 1};
    memcpy(out->end, watch->running, 32);
    const struct sdk_json *txs = sdk_json_member(results, "txs_results");
    for (size_t i = 0; i < sdk_json_length(txs) && !wrong; i++) {
        const struct sdk_json *events = sdk_json_member(sdk_json_element(txs, i), "events");
        for (size_t j = 0; j < sdk_json_length(events) && !wrong; j++)
            if (is_for(watch, sdk_json_element(events, j)))
                wrong = extend(out, watch, sdk_json_element(events, j), arena);
    }
    return wrong;
}

/* ---- sending ----------------------------------------------------------------------------------------------------------- */

static bool send_chunk(struct cometbft *cometbft, struct cometbft_watch *watch, const struct entries *entries,
                       size_t at, size_t end, struct sdk_arena *arena)
{
    size_t len = 0;
    for (size_t i = at; i < end; i++)
        len += entries->records[i].len;
    uint8_t *data = sdk_arena_take(arena, len, 1);
    if (!data)
        return false;
    len = 0;
    for (size_t i = at; i < end; i++) {
        memcpy(data + len, entries->records[i].data, entries->records[i].len);
        len += entries->records[i].len;
    }
    const struct connector_message message = {
        .type = CONNECTOR_RECORDS,
        .records = {watch->id, watch->next, (uint32_t)(end - at), {data, len}},
    };
    if (cometbft_send(cometbft, &message) != SDK_SENT)
        return false;
    watch->next += end - at;
    memcpy(watch->running, entries->running[end - 1], 32);
    watch->credit -= len;
    return true;
}

/* Sends a block's entries in chunks; false when there is no room: what was sent stays sent. */
static bool send_entries(struct cometbft *cometbft, struct cometbft_watch *watch, const struct entries *entries,
                         struct sdk_arena *arena)
{
    if (watch->kind == CONNECTOR_LOG_SETTLEMENT) {
        watch->next = entries->to + 1;
        memcpy(watch->running, entries->end, 32);
        return true;
    }
    for (size_t at = 0, end = 0; at < entries->count; at = end) {
        size_t bytes = 0;
        while (end < entries->count && end - at < CHUNK_RECORDS && (end == at || bytes < CHUNK_BYTES))
            bytes += entries->records[end++].len;
        if (!send_chunk(cometbft, watch, entries, at, end, arena))
            return false;
    }
    return true;
}

static void want_evidence(struct cometbft_watch *watch, uint64_t height)
{
    const bool audit = height >= watch->audited + AUDIT_BLOCKS;
    if (watch->next - 1 == watch->proven && !watch->owed && !audit)
        return;
    watch->closing = true;
    watch->close_height = height;
}

/* A block whose records do not fit into what is left of the credit: close the step below it, and wait. */
static void hold(const struct cometbft *cometbft, struct cometbft_watch *watch, uint64_t block, uint64_t bytes)
{
    watch->position = block;
    watch->need = bytes;
    if (watch->next - 1 > watch->proven && block > watch->last_height)
        want_evidence(watch, block - 1);
    if (!watch->closing)
        cometbft_watch_tell_need(cometbft, watch);
}

/* Takes what one block holds for the watch. False: the watch goes no further in this scan. */
static bool take(struct scan *scan, struct cometbft_watch *watch, uint64_t height, const struct sdk_json *results,
                 struct sdk_arena *arena)
{
    struct cometbft *cometbft = scan->watches->cometbft;
    struct entries entries;
    const char *wrong = collect(&entries, watch, results, arena);
    if (wrong) {
        cometbft_watch_mistrust(scan->watches, watch, wrong);
        return false;
    }
    if (entries.known_end)
        watch->last_height = height;
    if (entries.count == 0)
        return true;
    if (entries.bytes > watch->credit) {
        hold(cometbft, watch, height, entries.bytes);
        return false;
    }
    if (!send_entries(cometbft, watch, &entries, arena)) {
        watch->position = height; /* `drained` goes on from here */
        return false;
    }
    watch->last_height = height;
    return true;
}

/* ---- the scan ------------------------------------------------------------------------------------------------------------ */

static void scan_end(struct scan *scan)
{
    struct cometbft_watches *watches = scan->watches;
    for (size_t i = 0; i < scan->len; i++) {
        struct cometbft_watch *watch = scan->serials[i] ? cometbft_watch_find(watches, scan->serials[i]) : NULL;
        if (watch)
            watch->busy = false;
    }
    watches->scans--;
    free(scan->serials);
    free(scan);
}

/* The watch goes no further in this scan. */
static void leave(struct scan *scan, size_t i, struct cometbft_watch *watch)
{
    watch->busy = false;
    scan->serials[i] = 0;
}

static void cannot_read(struct scan *scan, const char *text)
{
    for (size_t i = 0; i < scan->len; i++) {
        struct cometbft_watch *watch = scan->serials[i] ? cometbft_watch_find(scan->watches, scan->serials[i]) : NULL;
        if (!watch)
            continue;
        connector_cannot_watch(scan->watches->cometbft->connector, CONNECTOR_SUBSCRIBE, watch->id, text);
        cometbft_watch_later(scan->watches, watch);
    }
    scan_end(scan);
}

static void whole_range_read(struct scan *scan)
{
    struct cometbft *cometbft = scan->watches->cometbft;
    for (size_t i = 0; i < scan->len; i++) {
        struct cometbft_watch *watch = scan->serials[i] ? cometbft_watch_find(scan->watches, scan->serials[i]) : NULL;
        if (!watch)
            continue;
        watch->position = scan->to + 1;
        if (watch->position > cometbft_watch_limit(cometbft))
            want_evidence(watch, scan->to);
    }
    scan_end(scan);
    cometbft_pump(cometbft);
}

static void ask_results(struct scan *scan);

static bool is_block(const struct sdk_rpc_reply *reply, uint64_t height)
{
    int64_t told = 0;
    return !reply->is_error && sdk_json_decimal(&told, sdk_json_member(reply->result, "height")) &&
           (uint64_t)told == height;
}

static void results_told(void *context, const struct sdk_rpc_answer *answer)
{
    struct scan *scan = context;
    struct cometbft_watches *watches = scan->watches;
    if (answer->status == SDK_RPC_TOO_LARGE && scan->asked > 1) {
        watches->results = scan->asked / 2;
        ask_results(scan);
        return;
    }
    if (answer->status != SDK_RPC_OK) {
        if (answer->status == SDK_RPC_TOO_LARGE)
            cannot_read(scan, answer->text);
        else
            scan_end(scan); /* the endpoint is left alone; the next look begins again */
        return;
    }
    for (size_t b = 0; b < scan->asked; b++) {
        const uint64_t height = scan->heights[scan->at + b];
        if (!is_block(&answer->replies[b], height)) {
            cannot_read(scan, answer->replies[b].is_error ? answer->replies[b].message
                                                          : "block_results: another block than was asked for");
            return;
        }
        for (size_t i = 0; i < scan->len; i++) {
            struct cometbft_watch *watch = scan->serials[i] ? cometbft_watch_find(watches, scan->serials[i]) : NULL;
            if (watch && !take(scan, watch, height, answer->replies[b].result, answer->arena))
                leave(scan, i, watch);
        }
    }
    scan->at += scan->asked;
    if (watches->results < COMETBFT_BATCH_MAX)
        watches->results++;
    ask_results(scan);
}

static void ask_results(struct scan *scan)
{
    struct sdk_rpc_request request;
    if (scan->at == scan->heights_len) {
        whole_range_read(scan);
        return;
    }
    const size_t left = scan->heights_len - scan->at;
    scan->asked = left < scan->watches->results ? left : scan->watches->results;
    sdk_rpc_begin(&request);
    for (size_t i = 0; i < scan->asked; i++)
        sdk_rpc_add(&request, "block_results", "{\"height\":\"%" PRIu64 "\"}", scan->heights[scan->at + i]);
    sdk_rpc_send(scan->watches->cometbft->rpc, &request, results_told, scan);
}

/* Which blocks of the range have transactions: all must be told of, newest first. */
static bool read_metas(struct scan *scan, const struct sdk_json *result)
{
    const struct sdk_json *metas = sdk_json_member(result, "block_metas");
    const size_t count = sdk_json_length(metas);
    if (count != scan->to - scan->from + 1)
        return false;
    for (size_t i = count; i-- > 0;) {
        const struct sdk_json *meta = sdk_json_element(metas, i);
        int64_t height = 0, txs = 0;
        if (!sdk_json_decimal(&height, sdk_json_member(sdk_json_member(meta, "header"), "height")) ||
            !sdk_json_decimal(&txs, sdk_json_member(meta, "num_txs")) || (uint64_t)height != scan->to - i)
            return false;
        if (txs)
            scan->heights[scan->heights_len++] = (uint64_t)height;
    }
    return true;
}

static void metas_told(void *context, const struct sdk_rpc_answer *answer)
{
    struct scan *scan = context;
    if (answer->status != SDK_RPC_OK)
        scan_end(scan);
    else if (answer->replies[0].is_error)
        cannot_read(scan, answer->replies[0].message);
    else if (!read_metas(scan, answer->replies[0].result))
        cannot_read(scan, "the node no longer has these blocks: give it to a relay that keeps them, or begin later");
    else
        ask_results(scan);
}

void cometbft_scan_start(struct cometbft_watches *watches, struct cometbft_watch *first)
{
    const struct cometbft *cometbft = watches->cometbft;
    const uint64_t limit = cometbft_watch_limit(cometbft), now = sdk_loop_now(cometbft->loop);
    struct scan *scan = calloc(1, sizeof *scan);
    uint64_t *serials = calloc(watches->len, sizeof *serials);
    struct sdk_rpc_request request;
    if (!scan || !serials) {
        free(scan);
        free(serials);
        return;
    }
    *scan = (struct scan){.watches = watches, .from = first->position, .serials = serials};
    scan->to = limit - scan->from < HEIGHTS_MAX ? limit : scan->from + HEIGHTS_MAX - 1;
    for (size_t i = 0; i < watches->len; i++) {
        struct cometbft_watch *watch = &watches->list[i];
        if (watch->busy || watch->closing || watch->need || watch->position != scan->from || now < watch->retry_at)
            continue;
        scan->serials[scan->len++] = watch->serial;
        watch->busy = true;
    }
    watches->scans++;
    if (scan->to - scan->from < NEAR) {
        for (uint64_t height = scan->from; height <= scan->to; height++)
            scan->heights[scan->heights_len++] = height;
        ask_results(scan);
        return;
    }
    sdk_rpc_begin(&request);
    sdk_rpc_add(&request, "blockchain", "{\"minHeight\":\"%" PRIu64 "\",\"maxHeight\":\"%" PRIu64 "\"}", scan->from,
                scan->to);
    sdk_rpc_send(cometbft->rpc, &request, metas_told, scan);
}
