/*
 * Start: the marks of all logs, then what is pending of each; never history. A value that does not fit stops the start
 * with its name: nothing is skipped, nothing truncated.
 */
#include <stdlib.h>
#include <string.h>

#include "relay/core/parts.h"

enum { LOADS_AT_ONCE = 64 };

static void load_add(struct relay_core *core, enum store_family family, struct bytes from, struct bytes to,
                     uint16_t log)
{
    struct core_load *load = core_load_new(core, family, from, to);
    load->why = CORE_LOAD_START;
    load->log = log;
    core->loads_pending++;
}

void relay_core_start(struct relay_core *core)
{
    static const uint8_t LOWEST[1] = {0};
    core_actions_begin(core);
    load_add(core, STORE_LOG, BYTES_OF(LOWEST), (struct bytes){NULL, 0}, 0);
    load_add(core, STORE_CHAIN, BYTES_OF(LOWEST), (struct bytes){NULL, 0}, 0);
    load_add(core, STORE_AUDIT, BYTES_OF(LOWEST), (struct bytes){NULL, 0}, 0);
}

bool relay_core_ready(const struct relay_core *core)
{
    return core->ready;
}

static void malformed(struct relay_core *core, const struct core_log *log, uint64_t number, const char *what)
{
    core->halted = true;
    core_note(core, RELAY_ALARM, RELAY_REASON_STORE_MALFORMED, log, number,
              "%s (%s log, from %llu, base %llu, read up to %llu): the store is damaged or was written by a newer "
              "version; nothing is taken",
              what, log ? proof_log_kind_name((enum proof_log_kind)log->kind) : "no", (unsigned long long)number,
              log ? (unsigned long long)log->base : 0, log ? (unsigned long long)log->stored : 0);
}

static uint64_t operator_bits(const struct topology_network *network, uint16_t number)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < network->operators_len; i++)
        bits |= (uint64_t)(network->operators[i].number == number) << i;
    return bits;
}

static void log_row(struct relay_core *core, struct bytes key, struct bytes value)
{
    struct keys_log row;
    struct core_log *log = key.len == KEYS_LOG_BYTES ? core_log_by_id(core, key.data) : NULL;
    if (!keys_log_read(&row, value)) {
        malformed(core, log, 0, "marks of a log");
        return;
    }
    if (log == NULL)
        return; /* a lane that the network document no longer has; its rows stay */
    log->known = true;
    log->base = log->stored = log->durable = row.base;
    memcpy(log->base_running, row.running, 32);
    log->proven = row.proven;
    log->attested = row.attested;
    log->settled = row.settled;
    log->height = row.height;
    log->frozen = row.frozen;
    for (size_t i = 0; i < row.expelled_len; i++) {
        uint64_t bits = operator_bits(core->network, row.expelled[i]);
        log->expelled |= bits;
        if (bits != 0)
            continue;
        log->outside = core_alloc(log->outside, log->outside_len + 1, sizeof(*log->outside));
        log->outside[log->outside_len++] = row.expelled[i];
    }
    log->applied = row.base;
    if (log->kind == PROOF_LOG_SETTLEMENT) {
        log->certified = row.base;
        memcpy(log->certified_running, row.running, 32);
    }
}

static void chain_row(struct relay_core *core, struct bytes key, struct bytes value)
{
    for (size_t i = 0; i < core->network->chains_len; i++) {
        if (key.len < KEYS_CHAIN_BYTES || memcmp(core->network->chains[i].identity, key.data, KEYS_CHAIN_BYTES) != 0)
            continue;
        if (key.len == KEYS_TRUST_BYTES && !core_trust_restore(core, (uint16_t)i, value))
            malformed(core, NULL, 0, "trust of a light client");
        if (key.len != KEYS_CHAIN_BYTES)
            continue;
        if (!keys_chain_read(&core->chains[i].mark, value))
            malformed(core, NULL, 0, "mark of a chain");
        core->chains[i].mark_known = true;
        core->chains[i].before.said.height = core->chains[i].mark.height;
        memcpy(core->chains[i].before.hash, core->chains[i].mark.hash, 32);
    }
}

static void segment_row(struct relay_core *core, struct core_log *log, struct bytes key, struct bytes value)
{
    struct keys_segment row;
    struct codec_reader reader;
    struct core_staged records[PROOF_RANGE_MAX];
    struct proof_result result;
    uint64_t from = 0;
    if (!keys_segment_key_read(&from, key) || !keys_segment_read(&row, value) || row.count > PROOF_RANGE_MAX) {
        malformed(core, log, from, "segment");
        return;
    }
    uint64_t to = from + row.count - 1;
    if (to <= log->base)
        return;
    codec_reader_init(&reader, row.records);
    if (!core_records_read(records, row.count, core, log, &reader, from, row.before, &result)) {
        malformed(core, log, result.at, proof_reason_text(result.reason));
        return;
    }
    if (!codec_reader_done(&reader)) {
        malformed(core, log, from, "bytes after the last record of a segment");
        return;
    }
    size_t skip = from <= log->base ? (size_t)(log->base - from + 1) : 0;
    const uint8_t *before = skip ? records[skip - 1].entry.running : row.before;
    if (from + skip != log->stored + 1 || memcmp(before, core_log_running(core, log, log->stored), 32) != 0) {
        malformed(core, log, from, "segment does not follow the one before it");
        return;
    }
    core_log_restore(log, records + skip, row.count - skip,
                     &(struct core_segment){.from = from,
                                            .to = to,
                                            .bytes = row.records.len,
                                            .stored_at = row.stored_at,
                                            .origin = row.origin,
                                            .peer = row.peer});
}

static void head_row(struct relay_core *core, struct bytes key, struct bytes value)
{
    struct keys_head row;
    uint64_t number = 0;
    uint8_t key_id[32];
    struct core_log *log = key.len >= KEYS_HEAD_BYTES ? core_log_by_id(core, key.data) : NULL;
    if (!keys_head_key_read(&number, key_id, key) || !keys_head_read(&row, value)) {
        malformed(core, log, number, "signed head");
        return;
    }
    if (log != NULL)
        core_head_restore(core, log, number, key_id, key.len > KEYS_HEAD_BYTES, &row);
}

/* Segments of the next logs that have marks; a few at once, oldest pending record first. */
static void segments_ask(struct relay_core *core)
{
    static const uint8_t LOWEST[1] = {0};
    while (core->start_next < core->logs_len && core->loads_pending < LOADS_AT_ONCE) {
        struct core_log *log = &core->logs[core->start_next++];
        uint8_t from[KEYS_SEGMENT_BYTES], to[KEYS_SEGMENT_BYTES];
        if (!log->known || log->kind == PROOF_LOG_SETTLEMENT)
            continue;
        /* A segment holds at most PROOF_RANGE_MAX records, so none that reaches beyond the base begins before this. */
        uint64_t low = log->base >= PROOF_RANGE_MAX ? log->base - PROOF_RANGE_MAX + 1 : 0;
        keys_segment_key(from, log->id, low);
        keys_segment_key(to, log->id, UINT64_MAX);
        load_add(core, STORE_SEGMENT, BYTES_OF(from), BYTES_OF(to), (uint16_t)(log - core->logs));
    }
    if (core->start_next == core->logs_len && !core->heads_asked) {
        core->heads_asked = true;
        load_add(core, STORE_HEAD, BYTES_OF(LOWEST), (struct bytes){NULL, 0}, 0);
    }
}

/* A relay that was a hop of this log and has sources of its home now: no source goes on from what somebody may have made up. */
static void claims_drop(struct relay_core *core, struct core_log *log)
{
    uint64_t confirmed = core_log_confirmed(log);
    if (!log->is_home || log->kind == PROOF_LOG_SETTLEMENT || log->stored <= confirmed)
        return;
    core_note(core, RELAY_INFO, RELAY_REASON_CLAIM_REPLACED, log, confirmed + 1,
              "what neighbours claimed is read from the chain now");
    core_log_truncate(core, log, confirmed);
}

static void ready(struct relay_core *core)
{
    core->ready = true;
    core->heard_at = core->now;
    for (size_t i = 0; i < core->logs_len; i++) {
        claims_drop(core, &core->logs[i]);
        core_log_mark(core, &core->logs[i]);
    }
    core_note(core, RELAY_INFO, RELAY_REASON_READY, NULL, 0, "%zu lanes, %zu chains", core->network->lanes_len,
              core->network->chains_len);
}

void core_start_loaded(struct relay_core *core, struct core_load *load, const struct relay_event *event)
{
    if (!event->done) {
        if (load->family == STORE_LOG)
            log_row(core, event->key, event->body);
        else if (load->family == STORE_CHAIN)
            chain_row(core, event->key, event->body);
        else if (load->family == STORE_AUDIT)
            core->audit_next = keys_audit_key_read(event->key) + 1;
        else if (load->family == STORE_SEGMENT)
            segment_row(core, &core->logs[load->log], event->key, event->body);
        else
            head_row(core, event->key, event->body);
        return;
    }
    if (event->status != STORE_OK && event->status != STORE_NOT_FOUND)
        malformed(core, NULL, 0, "reading the store failed");
    bool marks = load->family == STORE_LOG;
    load->id = 0;
    core->loads_pending--;
    core->marks_loaded = core->marks_loaded || marks;
    if (core->marks_loaded)
        segments_ask(core);
    if (core->loads_pending == 0 && core->heads_asked && !core->halted)
        ready(core);
}
