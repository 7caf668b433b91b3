/*
 * Scanning: one eth_getLogs for all watches that wait at the same height of the same contract. Each watch takes what
 * belongs to it, block by block, as far as its credit goes; a full watch stops no other.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/evm/abi.h"
#include "connectors/evm/watch.h"
#include "connectors/sdk/entries.h"

struct scan {
    struct evm *evm;
    const uint8_t *contract;
    uint64_t from, to;
    struct sdk_group group;
};

static bool is_for(const struct sdk_watch *watch, const uint8_t topic[32], const struct evm_log *log)
{
    return log->log.topic_count >= 2 && memcmp(log->log.topics[0], topic, 32) == 0 &&
           memcmp(log->log.topics[1], watch->lane, 32) == 0;
}

/* Reads and checks what logs[0..count) of one block hold for the watch. A static text when they do not lead on. */
static const char *collect(struct sdk_entries *out, const struct sdk_watch *watch, const struct evm_log *logs,
                           size_t count, struct sdk_arena *arena)
{
    uint8_t topic[32];
    const char *wrong = NULL;
    sdk_entries_begin(out, watch, arena);
    evm_abi_topic(topic, watch->kind);
    for (size_t i = 0; i < count && !wrong; i++) {
        if (!is_for(watch, topic, &logs[i]))
            continue;
        struct evm_event *event = sdk_arena_take(arena, 1, sizeof *event);
        if (!event || !evm_abi_event(event, watch->kind, &logs[i].log))
            wrong = "an event with malformed data";
        else
            wrong = sdk_entries_add(out, event->from, event->to, event->running, event->records);
    }
    return wrong;
}

/* Takes what belongs to the watch from the logs of from..to. */
static void take(struct scan *scan, struct sdk_watch *watch, const struct evm_log *logs, size_t count,
                 struct sdk_arena *arena)
{
    struct evm *evm = scan->evm;
    for (size_t at = 0, end; at < count; at = end) {
        struct sdk_entries entries;
        for (end = at; end < count && logs[end].block == logs[at].block;)
            end++;
        const char *wrong = collect(&entries, watch, logs + at, end - at, arena);
        if (wrong) {
            sdk_watch_mistrust(&evm->watches, watch, wrong);
            return;
        }
        if (!sdk_entries_give(&evm->watches, watch, logs[at].block, &entries))
            return;
    }
    watch->position = scan->to + 1;
    if (watch->position > evm->tracker->final_height)
        sdk_watch_want_evidence(&evm->watches, watch, scan->to);
}

/* Logs may only come from blocks that are on the chain as it was tracked. */
static bool on_chain(const struct scan *scan, const struct evm_log *logs, size_t count, const char **wrong)
{
    for (size_t i = 0; i < count; i++) {
        const struct evm_head *head = evm_tracker_head(scan->evm->tracker, logs[i].block);
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
        scan->evm->range = asked / 2;
        return;
    }
    for (size_t i = 0; i < scan->group.len; i++) {
        struct sdk_watch *watch = sdk_watch_find(&scan->evm->watches, scan->group.serials[i]);
        if (watch)
            sdk_watch_unread(&scan->evm->watches, watch, text);
    }
}

/* A node behind a balancer may lag behind the one that told the header, and then has no logs, and no error either. */
static bool knows_block(const struct scan *scan, const struct sdk_rpc_reply *reply, struct sdk_arena *arena)
{
    const struct evm_head *head = evm_tracker_head(scan->evm->tracker, scan->to);
    const char *wrong = NULL;
    struct evm_block block;
    return !reply->is_error && evm_parse_block(&block, reply->result, arena, &wrong) &&
           block.header.number == scan->to && (!head || memcmp(head->hash, block.hash, 32) == 0);
}

static void scanned(void *context, const struct sdk_rpc_answer *answer)
{
    struct scan *scan = context;
    struct evm *evm = scan->evm;
    struct sdk_watches *watches = &evm->watches;
    const struct sdk_rpc_reply *reply = answer->replies;
    const struct evm_log *logs = NULL;
    const char *wrong = "eth_getLogs";
    size_t count = 0;
    watches->scans--;
    sdk_group_release(watches, &scan->group);
    if (answer->status == SDK_RPC_UNREACHABLE) { /* perhaps so many blocks take it longer than it has */
        evm->range = scan->to > scan->from ? (scan->to - scan->from + 1) / 2 : 1;
    } else if (answer->status == SDK_RPC_TOO_LARGE) {
        too_much(scan, answer->text);
    } else if (answer->status == SDK_RPC_OK && reply->is_error) {
        too_much(scan, reply->message);
    } else if (answer->status == SDK_RPC_OK && !knows_block(scan, &answer->replies[1], answer->arena)) {
        for (size_t i = 0; i < scan->group.len; i++) {
            struct sdk_watch *watch = sdk_watch_find(watches, scan->group.serials[i]);
            if (watch)
                sdk_watch_later(watches, watch, "the node that gives logs does not have the newest final block");
        }
    } else if (answer->status == SDK_RPC_OK && evm_parse_logs(&logs, &count, reply->result, answer->arena, &wrong) &&
               on_chain(scan, logs, count, &wrong)) {
        const uint64_t more = evm->range + evm->range / 4 + 1;
        evm->range = more < evm->options.log_range ? more : evm->options.log_range;
        for (size_t i = 0; i < scan->group.len; i++) {
            struct sdk_watch *watch = sdk_watch_find(watches, scan->group.serials[i]);
            if (watch)
                take(scan, watch, logs, count, answer->arena);
        }
    } else if (answer->status == SDK_RPC_OK) {
        too_much(scan, wrong);
    }
    free(scan);
    if (answer->status == SDK_RPC_OK || answer->status == SDK_RPC_TOO_LARGE)
        evm_pump(evm);
}

static void ask_logs(struct scan *scan, const uint8_t (*lanes)[32])
{
    struct evm *evm = scan->evm;
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

void evm_scan_start(void *context, struct sdk_watch *first)
{
    uint8_t lanes[SDK_GROUP_MAX][32];
    struct evm *evm = context;
    struct sdk_watches *watches = &evm->watches;
    struct scan *scan = calloc(1, sizeof *scan);
    if (!scan)
        return;
    const uint64_t final_height = evm->tracker->final_height;
    scan->evm = evm;
    scan->contract = evm_watch_contract(evm, first->kind);
    scan->from = first->position;
    scan->to = final_height - scan->from < evm->range ? final_height : scan->from + evm->range - 1;
    for (size_t i = 0; i < watches->len && scan->group.len < SDK_GROUP_MAX; i++) {
        struct sdk_watch *watch = &watches->list[i];
        if (!sdk_watch_is_free(watches, watch) || watch->closing || watch->need || watch->position != scan->from ||
            evm_watch_contract(evm, watch->kind) != scan->contract)
            continue;
        memcpy(lanes[scan->group.len], watch->lane, 32);
        sdk_group_add(&scan->group, watch);
    }
    watches->scans++;
    ask_logs(scan, (const uint8_t(*)[32])lanes);
}
