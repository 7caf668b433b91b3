/*
 * Scanning: one eth_getLogs for all watches that wait at the same height of the same contract. Each watch takes what
 * belongs to it, block by block, as far as its credit goes; a full watch stops no other.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/evm/abi.h"
#include "connectors/evm/watch.h"
#include "connectors/sdk/record.h"

enum {
    CHUNK_RECORDS = 256,
    CHUNK_BYTES = 1 << 20,
    AUDIT_BLOCKS = 64, /* a log without news is compared with its slot so often: an event that was kept back shows */
};

struct scan {
    struct evm_watches *watches;
    const uint8_t *contract;
    uint64_t from, to;
    struct evm_group group;
};

/* The entries of one watch in one block, in order. */
struct entries {
    struct bytes *records;
    uint8_t (*running)[32]; /* after each */
    size_t count;
    uint64_t bytes;
    uint64_t to; /* number of the last; only settlement has more numbers than records */
    uint8_t end[32];
    bool known_end; /* the entry that the relay has already, the last before `next`, is in this block */
};

static bool is_for(const struct evm_watch *watch, const uint8_t topic[32], const struct evm_log *log)
{
    return log->log.topic_count >= 2 && memcmp(log->log.topics[0], topic, 32) == 0 &&
           memcmp(log->log.topics[1], watch->lane, 32) == 0;
}

/* Reads and checks what logs[0..count) of one block hold for the watch. A static text when they do not lead on. */
static const char *collect(struct entries *out, const struct evm_watch *watch, const struct evm_log *logs, size_t count,
                           struct sdk_arena *arena)
{
    uint8_t topic[32];
    *out = (struct entries){.to = watch->next - 1};
    memcpy(out->end, watch->running, 32);
    out->records = sdk_arena_take(arena, count, sizeof *out->records);
    out->running = sdk_arena_take(arena, count, sizeof *out->running);
    if (!out->records || !out->running)
        return "no memory";
    evm_abi_topic(topic, watch->kind);
    for (size_t i = 0; i < count; i++) {
        struct evm_event *event = sdk_arena_take(arena, 1, sizeof *event);
        if (!is_for(watch, topic, &logs[i]))
            continue;
        if (!event || !evm_abi_event(event, watch->kind, &logs[i].log))
            return "an event with malformed data";
        if (event->to <= out->to) { /* the relay has it; where the last one lies is good to know */
            out->known_end = out->known_end || event->to == out->to;
            continue;
        }
        if (event->from != out->to + 1)
            return "events are missing before one that was given";
        if (watch->kind == CONNECTOR_LOG_SETTLEMENT)
            memcpy(out->end, event->running, 32);
        else if (!sdk_record_extend(out->end, watch->kind, watch->lane, event->from, event->records))
            return "a record that is malformed";
        if (memcmp(out->end, event->running, 32) != 0)
            return "a record that does not lead to the running hash beside it";
        out->to = event->to;
        memcpy(out->running[out->count], out->end, 32);
        out->records[out->count++] = event->records;
        out->bytes += event->records.len;
    }
    return NULL;
}

/* Sends records [at, end) as one message. */
static bool send_chunk(struct evm *evm, struct evm_watch *watch, const struct entries *entries, size_t at, size_t end,
                       struct sdk_arena *arena)
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
    if (evm_send(evm, &message) != SDK_SENT)
        return false;
    watch->next += end - at;
    memcpy(watch->running, entries->running[end - 1], 32);
    watch->credit -= len;
    return true;
}

/* Sends a block's entries in chunks; false when there is no room: what was sent stays sent. */
static bool send_entries(struct evm *evm, struct evm_watch *watch, const struct entries *entries,
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
        if (!send_chunk(evm, watch, entries, at, end, arena))
            return false;
    }
    return true;
}

static void want_evidence(const struct evm *evm, struct evm_watch *watch, uint64_t height)
{
    const bool audit = evm->options.evidence != EVM_EVIDENCE_RECEIPTS && height >= watch->audited + AUDIT_BLOCKS;
    if (watch->next - 1 == watch->proven && !watch->owed && !audit)
        return;
    watch->closing = true;
    watch->close_height = height;
    if (evm->options.evidence != EVM_EVIDENCE_RECEIPTS || watch->last_height)
        return;
    /* Receipts need the block of the last event, and it lies before where the scan began. */
    watch->closing = false;
    watch->position = watch->start > 0 ? 0 : watch->position;
    watch->owed = watch->start > 0;
    watch->start = 0;
}

void evm_watch_tell_need(const struct evm *evm, struct evm_watch *watch)
{
    char text[160];
    if (watch->need == 0 || watch->told_need)
        return;
    watch->told_need = true;
    snprintf(text, sizeof text, "the records of block %" PRIu64 " are %" PRIu64 " bytes, the credit is %" PRIu64,
             watch->position, watch->need, watch->credit);
    connector_cannot_watch(evm->connector, CONNECTOR_CREDIT, watch->id, text);
}

/* A block whose records do not fit into what is left of the credit: close the step below it, and wait. Nothing can be closed
 * below a block that holds an entry which the relay has already. */
static void hold(struct evm *evm, struct evm_watch *watch, uint64_t block, uint64_t bytes)
{
    watch->position = block;
    watch->need = bytes;
    if (watch->next - 1 > watch->proven && block > watch->last_height)
        want_evidence(evm, watch, block - 1);
    if (watch->position != block)
        watch->need = 0; /* receipts need an earlier block first: it comes by here again */
    else if (!watch->closing)
        evm_watch_tell_need(evm, watch);
}

/* Takes what belongs to the watch from the logs of from..to. */
static void take(struct scan *scan, struct evm_watch *watch, const struct evm_log *logs, size_t count,
                 struct sdk_arena *arena)
{
    struct evm *evm = scan->watches->evm;
    for (size_t at = 0, end; at < count; at = end) {
        struct entries entries;
        for (end = at; end < count && logs[end].block == logs[at].block;)
            end++;
        const char *wrong = collect(&entries, watch, logs + at, end - at, arena);
        if (wrong) {
            evm_watch_mistrust(scan->watches, watch, wrong);
            return;
        }
        if (entries.known_end)
            watch->last_height = logs[at].block;
        if (entries.count == 0)
            continue;
        if (entries.bytes > watch->credit) {
            hold(evm, watch, logs[at].block, entries.bytes);
            return;
        }
        if (!send_entries(evm, watch, &entries, arena)) {
            watch->position = logs[at].block; /* `drained` goes on from here */
            return;
        }
        watch->last_height = logs[at].block;
    }
    watch->position = scan->to + 1;
    if (watch->position > evm->tracker->final_height)
        want_evidence(evm, watch, scan->to);
}

/* Logs may only come from blocks that are on the chain as it was tracked. */
static bool on_chain(const struct scan *scan, const struct evm_log *logs, size_t count, const char **wrong)
{
    for (size_t i = 0; i < count; i++) {
        const struct evm_head *head = evm_tracker_head(scan->watches->evm->tracker, logs[i].block);
        *wrong = "eth_getLogs: a log of a block or contract that was not asked for";
        if (logs[i].block < scan->from || logs[i].block > scan->to ||
            memcmp(logs[i].log.address, scan->contract, 20) != 0 ||
            (head && memcmp(head->hash, logs[i].block_hash, 32) != 0))
            return false;
    }
    return true;
}

/* The node will not answer for so many blocks: ask for fewer. */
static void too_much(struct scan *scan, const char *text)
{
    const uint64_t asked = scan->to - scan->from + 1;
    if (asked > 1) {
        scan->watches->range = asked / 2;
        return;
    }
    for (size_t i = 0; i < scan->group.len; i++) {
        struct evm_watch *watch = evm_watch_find(scan->watches, scan->group.serials[i]);
        if (watch)
            evm_watch_mistrust(scan->watches, watch, text);
    }
}

/* A node behind a balancer may lag behind the one that told the header, and then has no logs, and no error either. */
static bool knows_block(const struct scan *scan, const struct sdk_rpc_reply *reply, struct sdk_arena *arena)
{
    const struct evm_head *head = evm_tracker_head(scan->watches->evm->tracker, scan->to);
    const char *wrong = NULL;
    struct evm_block block;
    return !reply->is_error && evm_parse_block(&block, reply->result, arena, &wrong) &&
           block.header.number == scan->to && (!head || memcmp(head->hash, block.hash, 32) == 0);
}

static void scanned(void *context, const struct sdk_rpc_answer *answer)
{
    struct scan *scan = context;
    struct evm_watches *watches = scan->watches;
    const struct sdk_rpc_reply *reply = answer->replies;
    const struct evm_log *logs = NULL;
    const char *wrong = "eth_getLogs";
    size_t count = 0;
    watches->scans--;
    evm_group_release(watches, &scan->group);
    if (answer->status == SDK_RPC_TOO_LARGE) {
        too_much(scan, answer->text);
    } else if (answer->status == SDK_RPC_OK && reply->is_error) {
        too_much(scan, reply->message);
    } else if (answer->status == SDK_RPC_OK && !knows_block(scan, &answer->replies[1], answer->arena)) {
        for (size_t i = 0; i < scan->group.len; i++) {
            struct evm_watch *watch = evm_watch_find(watches, scan->group.serials[i]);
            if (watch)
                evm_watch_later(watches, watch);
        }
    } else if (answer->status == SDK_RPC_OK && evm_parse_logs(&logs, &count, reply->result, answer->arena, &wrong) &&
               on_chain(scan, logs, count, &wrong)) {
        watches->range =
            watches->range * 2 < watches->evm->options.log_range ? watches->range * 2 : watches->evm->options.log_range;
        for (size_t i = 0; i < scan->group.len; i++) {
            struct evm_watch *watch = evm_watch_find(watches, scan->group.serials[i]);
            if (watch)
                take(scan, watch, logs, count, answer->arena);
        }
    } else if (answer->status == SDK_RPC_OK) {
        too_much(scan, wrong);
    }
    free(scan);
    if (answer->status == SDK_RPC_OK || answer->status == SDK_RPC_TOO_LARGE)
        evm_pump(watches->evm);
}

static void ask_logs(struct scan *scan, const uint8_t (*lanes)[32])
{
    struct evm *evm = scan->watches->evm;
    struct sdk_rpc_request request;
    uint8_t topic[32];
    sdk_rpc_begin(&request);
    sdk_rpc_open_call(&request, "eth_getLogs");
    FILE *out = request.stream;
    if (out) {
        fprintf(out, "[{\"fromBlock\":\"0x%" PRIx64 "\",\"toBlock\":\"0x%" PRIx64 "\",\"address\":\"", scan->from,
                scan->to);
        sdk_rpc_add_hex(out, scan->contract, 20);
        fputs("\",\"topics\":[[", out);
        for (int kind = CONNECTOR_LOG_MESSAGE; kind <= CONNECTOR_LOG_SETTLEMENT; kind++) {
            evm_abi_topic(topic, (enum connector_log_kind)kind);
            fputs(kind == CONNECTOR_LOG_MESSAGE ? "\"" : ",\"", out);
            sdk_rpc_add_hex(out, topic, 32);
            fputc('"', out);
        }
        fputs("],[", out);
        for (size_t i = 0; i < scan->group.len; i++) {
            fputs(i ? ",\"" : "\"", out);
            sdk_rpc_add_hex(out, lanes[i], 32);
            fputc('"', out);
        }
        fputs("]]}]", out);
    }
    sdk_rpc_close_call(&request);
    sdk_rpc_add(&request, "eth_getBlockByNumber", "[\"0x%" PRIx64 "\",false]", scan->to);
    sdk_rpc_send(evm->rpc, &request, scanned, scan);
}

void evm_scan_start(struct evm_watches *watches, struct evm_watch *first)
{
    uint8_t lanes[EVM_GROUP_MAX][32];
    const struct evm *evm = watches->evm;
    struct scan *scan = calloc(1, sizeof *scan);
    if (!scan)
        return;
    const uint64_t final_height = evm->tracker->final_height;
    scan->watches = watches;
    scan->contract = evm_watch_contract(evm, first->kind);
    scan->from = first->position;
    scan->to = final_height - scan->from < watches->range ? final_height : scan->from + watches->range - 1;
    for (size_t i = 0; i < watches->len && scan->group.len < EVM_GROUP_MAX; i++) {
        struct evm_watch *watch = &watches->list[i];
        if (watch->busy || watch->closing || watch->need || watch->position != scan->from ||
            evm_watch_contract(evm, watch->kind) != scan->contract || sdk_loop_now(evm->loop) < watch->retry_at)
            continue;
        memcpy(lanes[scan->group.len], watch->lane, 32);
        scan->group.serials[scan->group.len++] = watch->serial;
        watch->busy = true;
    }
    watches->scans++;
    ask_logs(scan, (const uint8_t(*)[32])lanes);
}
