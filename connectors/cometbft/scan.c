/*
 * Scanning: the results of every block that has transactions, once for all watches that wait at the same height. Each watch takes
 * what belongs to it, block by block, as far as its credit goes; a full watch stops no other.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/cometbft/watch.h"
#include "connectors/sdk/entries.h"
#include "proofs/codec/hex.h"

enum {
    HEIGHTS_MAX = 20, /* headers in one /blockchain answer */
    NEAR = 3,         /* so few blocks are asked for without looking which of them are empty */
};

struct scan {
    struct cometbft *cometbft;
    uint64_t from, to;
    uint64_t heights[HEIGHTS_MAX]; /* that have transactions, ascending */
    size_t heights_len, at, asked;
    uint64_t *serials; /* 0: took its last part in this scan */
    size_t len;
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

static bool is_for(const struct sdk_watch *watch, const char *lane, const struct sdk_json *event)
{
    static const char *const types[] = {"", "isthmus_message", "isthmus_outcome", "isthmus_settled"};
    const char *type = sdk_json_text(sdk_json_member(event, "type"));
    if (!type || strcmp(type, types[watch->kind]) != 0)
        return false;
    const char *of = sdk_json_text(attribute(event, "lane"));
    return of && strcmp(of, lane) == 0;
}

/* Reads and checks what one block's results hold for the watch. A static text when they do not lead on. */
static const char *collect(struct sdk_entries *out, const struct sdk_watch *watch, const struct sdk_json *results,
                           struct sdk_arena *arena)
{
    char lane[65]; /* as events name it */
    const char *wrong = NULL;
    sdk_entries_begin(out, watch, arena);
    codec_hex_encode(lane, BYTES_OF(watch->lane));
    const struct sdk_json *txs = sdk_json_member(results, "txs_results");
    for (size_t i = 0; i < sdk_json_length(txs) && !wrong; i++) {
        const struct sdk_json *events = sdk_json_member(sdk_json_element(txs, i), "events");
        for (size_t j = 0; j < sdk_json_length(events) && !wrong; j++) {
            if (!is_for(watch, lane, sdk_json_element(events, j)))
                continue;
            struct event *event = sdk_arena_take(arena, 1, sizeof *event);
            if (!event || !read_event(event, watch->kind, sdk_json_element(events, j), arena))
                wrong = event ? "an event with malformed attributes" : "no memory";
            else
                wrong = sdk_entries_add(out, event->from, event->to, event->running, event->record);
        }
    }
    return wrong;
}

/* Takes what one block holds for the watch. False: the watch goes no further in this scan. */
static bool take(struct scan *scan, struct sdk_watch *watch, uint64_t height, const struct sdk_json *results,
                 struct sdk_arena *arena)
{
    struct sdk_watches *watches = &scan->cometbft->watches;
    struct sdk_entries entries;
    const char *wrong = collect(&entries, watch, results, arena);
    if (wrong) {
        sdk_watch_mistrust(watches, watch, wrong);
        return false;
    }
    return sdk_entries_give(watches, watch, height, &entries);
}

/* ---- the scan ------------------------------------------------------------------------------------------------------------ */

/* NULL when it took its last part in this scan, is gone, or was turned back. */
static struct sdk_watch *member(struct scan *scan, size_t i)
{
    return scan->serials[i] ? sdk_watch_find(&scan->cometbft->watches, scan->serials[i]) : NULL;
}

static void scan_end(struct scan *scan)
{
    for (size_t i = 0; i < scan->len; i++) {
        struct sdk_watch *watch = member(scan, i);
        if (watch)
            watch->busy = false;
    }
    scan->cometbft->watches.scans--;
    free(scan->serials);
    free(scan);
}

static void cannot_read(struct scan *scan, const char *text)
{
    for (size_t i = 0; i < scan->len; i++) {
        struct sdk_watch *watch = member(scan, i);
        if (watch)
            sdk_watch_fail(&scan->cometbft->watches, watch, text);
    }
    scan_end(scan);
}

static void whole_range_read(struct scan *scan)
{
    struct cometbft *cometbft = scan->cometbft;
    /* More at once, but not before the end: a scan that fails begins at its first block again. */
    if (cometbft->results < COMETBFT_BATCH_MAX)
        cometbft->results++;
    for (size_t i = 0; i < scan->len; i++) {
        struct sdk_watch *watch = member(scan, i);
        if (!watch)
            continue;
        watch->position = scan->to + 1;
        if (watch->position > cometbft_watch_limit(cometbft))
            sdk_watch_want_evidence(&cometbft->watches, watch, scan->to);
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
    struct cometbft *cometbft = scan->cometbft;
    if (answer->status == SDK_RPC_TOO_LARGE && scan->asked > 1) {
        cometbft->results = scan->asked / 2;
        ask_results(scan);
        return;
    }
    if (answer->status != SDK_RPC_OK) {
        if (answer->status == SDK_RPC_UNREACHABLE && scan->asked > 1)
            cometbft->results = scan->asked / 2; /* perhaps so many take it longer than it has */
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
            struct sdk_watch *watch = member(scan, i);
            if (!watch || take(scan, watch, height, answer->replies[b].result, answer->arena))
                continue;
            watch->busy = false;
            scan->serials[i] = 0;
        }
    }
    scan->at += scan->asked;
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
    scan->asked = left < scan->cometbft->results ? left : scan->cometbft->results;
    sdk_rpc_begin(&request);
    for (size_t i = 0; i < scan->asked; i++)
        sdk_rpc_add(&request, "block_results", "{\"height\":\"%" PRIu64 "\"}", scan->heights[scan->at + i]);
    sdk_rpc_send(scan->cometbft->rpc, &request, results_told, scan);
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

void cometbft_scan_start(void *context, struct sdk_watch *first)
{
    struct cometbft *cometbft = context;
    struct sdk_watches *watches = &cometbft->watches;
    const uint64_t limit = cometbft_watch_limit(cometbft);
    struct scan *scan = calloc(1, sizeof *scan);
    uint64_t *serials = calloc(watches->len, sizeof *serials);
    struct sdk_rpc_request request;
    if (!scan || !serials) {
        free(scan);
        free(serials);
        return;
    }
    *scan = (struct scan){.cometbft = cometbft, .from = first->position, .serials = serials};
    scan->to = limit - scan->from < HEIGHTS_MAX ? limit : scan->from + HEIGHTS_MAX - 1;
    for (size_t i = 0; i < watches->len; i++) {
        struct sdk_watch *watch = &watches->list[i];
        if (!sdk_watch_is_free(watches, watch) || watch->closing || watch->need || watch->position != scan->from)
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
