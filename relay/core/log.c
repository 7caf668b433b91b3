/*
 * One log: the running hashes and segments between its base and its newest record. Everything that is stored leads, hash
 * by hash, from the base; there is never a hole.
 */
#include <stdlib.h>
#include <string.h>

#include "relay/core/parts.h"

enum {
    SIDE_BY_SIDE = 32,      /* records whose hashes are computed at a time: whole rounds of eight lanes */
    OUTBOX_PAYLOAD = 16384, /* bytes: every outbox takes so much, and none more */
    SWEEP_STEP = 1024       /* numbers: ranges of deleted keys stay few */
};

struct core_log *core_log_by_id(struct relay_core *core, const uint8_t id[32])
{
    uint8_t kind = 0;
    int lane = topology_lane_by_log(core->network, id, &kind);
    return lane < 0 ? NULL : core_log_of(core, (uint16_t)lane, kind);
}

struct core_log *core_log_of(struct relay_core *core, uint16_t lane, uint8_t kind)
{
    return &core->logs[(size_t)lane * CORE_KINDS + kind - 1];
}

const struct topology_lane *core_lane(const struct relay_core *core, const struct core_log *log)
{
    return &core->network->lanes[log->lane];
}

/* A chain's log is whole or nothing: what an outbox took can be neither refused nor left out. */
size_t core_payload_max(const struct relay_core *core, const struct core_log *log)
{
    const size_t said = core_lane(core, log)->payload_max;
    return said > OUTBOX_PAYLOAD ? said : OUTBOX_PAYLOAD;
}

const uint8_t *core_log_running(const struct relay_core *core, const struct core_log *log, uint64_t number)
{
    if (log->kind == PROOF_LOG_SETTLEMENT)
        log = log - 1; /* the outcome log whose entries it counts: logs of a lane lie side by side */
    if (number == 0)
        return log->start;
    if (number == log->base)
        return log->base_running;
    if (number < log->base || number > log->stored)
        return NULL;
    (void)core;
    return log->entries[number - log->base - 1].running;
}

uint64_t core_log_confirmed(const struct core_log *log)
{
    uint64_t confirmed = log->reach > log->base ? log->reach : log->base;
    return log->proven > confirmed ? log->proven : confirmed;
}

bool core_log_history(const struct relay_core *core, const struct core_log *log)
{
    if (log->kind != PROOF_LOG_OUTCOME)
        return false;
    bool full = log->window_used >= core_lane(core, log)->window;
    return log->pruned > 0 || (full && (log - 1)->settled < (log - 1)->stored);
}

bool core_log_doubtful(const struct core_log *log)
{
    return log->stored > core_log_confirmed(log) && log->certified > log->stored;
}

const uint8_t *core_log_digest(const struct core_log *log, uint64_t number)
{
    if (number <= log->base || number > log->stored)
        return NULL;
    return log->entries[number - log->base - 1].digest;
}

size_t core_log_segment_at(const struct core_log *log, uint64_t from)
{
    size_t low = 0, high = log->segments_len;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (log->segments[middle].to < from)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint64_t core_log_window(const struct relay_core *core, const struct core_log *log)
{
    /* A signer request must carry every number between its guard and the newest evidence: so numbers have a limit, too. */
    uint64_t smallest = log->kind == PROOF_LOG_MESSAGE ? PROOF_MESSAGE_RECORD_BYTES(1, 0) : PROOF_OUTCOME_RECORD_BYTES;
    uint64_t window = core_lane(core, log)->window, numbers = CORE_NUMBERS_MAX * smallest;
    return window < numbers ? window : numbers;
}

size_t core_log_room(const struct relay_core *core, const struct core_log *log)
{
    uint64_t window = core_log_window(core, log), lane_window = core_lane(core, log)->window;
    uint64_t by_number = window - window * (log->stored - log->base) / CORE_NUMBERS_MAX;
    uint64_t by_bytes = log->window_used >= lane_window ? 0 : lane_window - log->window_used;
    uint64_t room = log->stored - log->base >= CORE_NUMBERS_MAX ? 0 : by_number < by_bytes ? by_number : by_bytes;
    if (core->scarce && log->kind == PROOF_LOG_MESSAGE)
        return 0;
    return room > log->credit_granted ? (size_t)(room - log->credit_granted) : 0;
}

void core_log_mark(struct relay_core *core, struct core_log *log)
{
    if (!log->dirty)
        core->dirty[core->dirty_len++] = (uint16_t)(log - core->logs);
    log->dirty = true;
}

void core_log_mark_home(struct relay_core *core, uint16_t chain)
{
    for (size_t i = 0; i < core->logs_len; i++) {
        if (core->logs[i].is_home && core->logs[i].home == chain)
            core_log_mark(core, &core->logs[i]);
    }
}

void core_log_freeze(struct relay_core *core, struct core_log *log, enum relay_reason reason, uint64_t sequence,
                     const char *text)
{
    if (log->frozen)
        return;
    log->frozen = (uint8_t)(reason + 1);
    log->row_dirty = true;
    core_log_mark(core, log);
    core_note(core, RELAY_ALARM, reason, log, sequence, "log frozen: %s", text);
}

/* Heads below the base are of no use under any document. Those of an epoch that this one forgot are in the store alone. */
static void heads_sweep(struct relay_core *core, struct core_log *log)
{
    uint8_t from[KEYS_SEGMENT_BYTES], to[KEYS_SEGMENT_BYTES]; /* the first part of a head's key is that of a segment */
    if (log->base / SWEEP_STEP == log->swept / SWEEP_STEP)
        return;
    keys_segment_key(from, log->id, 0);
    keys_segment_key(to, log->id, log->base);
    core_delete_range(core, STORE_HEAD, BYTES_OF(from), BYTES_OF(to));
    log->swept = log->base;
}

void core_log_row_write(struct relay_core *core, struct core_log *log)
{
    uint8_t value[KEYS_SMALL_VALUE_MAX];
    struct codec_writer writer;
    struct keys_log row = {
        .base = log->base,
        .proven = log->proven,
        .attested = log->attested,
        .settled = log->settled,
        .height = log->height,
        .frozen = log->frozen,
    };
    for (size_t i = 0; i < core->network->operators_len && row.expelled_len < KEYS_EXPELLED_MAX; i++) {
        if (log->expelled >> i & 1)
            row.expelled[row.expelled_len++] = core->network->operators[i].number;
    }
    for (size_t i = 0; i < log->outside_len && row.expelled_len < KEYS_EXPELLED_MAX; i++)
        row.expelled[row.expelled_len++] = log->outside[i];
    heads_sweep(core, log);
    memcpy(row.running, log->base_running, 32);
    codec_writer_init(&writer, value, sizeof(value));
    keys_log_write(&writer, &row);
    core_put(core, STORE_LOG, BYTES_OF(log->id), codec_writer_bytes(&writer));
    log->row_dirty = false;
    log->known = true;
}

/* Commitments and digests of many messages are hashed side by side. */
static bool messages_read(struct core_staged *out, size_t count, const struct relay_core *core,
                          const struct core_log *log, struct codec_reader *reader, uint64_t from,
                          struct proof_result *result)
{
    const struct topology_lane *lane = core_lane(core, log);
    const size_t payload_max = core_payload_max(core, log);
    struct proof_message messages[SIDE_BY_SIDE];
    uint8_t digests[SIDE_BY_SIDE][32];
    size_t at;
    for (size_t i = 0; i < count; i++) {
        if (!proof_message_read(&messages[i], reader, from + i, payload_max, result))
            return false;
        out[i].end = reader->at;
        out[i].bare = !messages[i].has_payload && messages[i].form != PROOF_FORM_HASH_ONLY;
    }
    /* A payload that does not open its commitment proves nothing about its sender: it never gets stored. */
    if (!proof_message_commitments_check(messages, count, log->suite, &at)) {
        *result = (struct proof_result){PROOF_REASON_BAD_ARGUMENT, from + at};
        return false;
    }
    proof_message_digests(digests, log->suite, lane->id, messages, count);
    for (size_t i = 0; i < count; i++)
        memcpy(out[i].entry.digest, digests[i], 32);
    return true;
}

static bool outcomes_read(struct core_staged *out, size_t count, const struct core_log *log,
                          struct codec_reader *reader, uint64_t from, struct proof_result *result)
{
    for (size_t i = 0; i < count; i++) {
        struct proof_outcome outcome;
        if (!proof_outcome_read(&outcome, reader, result)) {
            result->at = from + i;
            return false;
        }
        proof_outcome_entry(out[i].entry.digest, log->suite, &outcome);
        memcpy(out[i].entry.subject, outcome.digest, 32);
        out[i].entry.sequence = outcome.sequence;
        out[i].entry.status = (uint8_t)outcome.status;
        out[i].entry.reason = outcome.reason;
        out[i].end = reader->at;
    }
    return true;
}

bool core_records_whole(const struct core_staged *records, size_t count)
{
    bool whole = true;
    for (size_t i = 0; i < count; i++)
        whole = whole && !records[i].bare;
    return whole;
}

bool core_records_read(struct core_staged *out, size_t count, const struct relay_core *core, const struct core_log *log,
                       struct codec_reader *reader, uint64_t from, const uint8_t running[32],
                       struct proof_result *result)
{
    for (size_t done = 0; done < count;) {
        size_t some = count - done < SIDE_BY_SIDE ? count - done : SIDE_BY_SIDE;
        struct core_staged *next = out + done;
        memset(next, 0, some * sizeof(*next));
        if (log->kind == PROOF_LOG_MESSAGE ? !messages_read(next, some, core, log, reader, from + done, result)
                                           : !outcomes_read(next, some, log, reader, from + done, result))
            return false;
        for (size_t i = 0; i < some; i++) {
            memcpy(next[i].entry.running, running, 32);
            proof_running_hash_extend(next[i].entry.running, log->suite, (const uint8_t(*)[32])next[i].entry.digest, 1);
            running = next[i].entry.running;
        }
        done += some;
    }
    return true;
}

/* Where pruning left no more than half of the memory in use they move down into it, so each moves a few times at most. */
static void entries_reserve(struct core_log *log, size_t count)
{
    size_t needed = log->entries_len + count;
    if (log->entries_gone + needed <= log->entries_cap)
        return;
    if (log->entries_gone > 0) {
        log->entries -= log->entries_gone;
        memmove(log->entries, log->entries + log->entries_gone, log->entries_len * sizeof(*log->entries));
        log->entries_gone = 0;
    }
    if (needed > log->entries_cap / 2) {
        log->entries_cap = needed * 2;
        log->entries = core_alloc(log->entries, log->entries_cap, sizeof(*log->entries));
    }
}

static void entries_append(struct core_log *log, const struct core_staged *records, size_t count)
{
    entries_reserve(log, count);
    for (size_t i = 0; i < count; i++)
        log->entries[log->entries_len + i] = records[i].entry;
    log->entries_len += count;
}

static void segment_store(struct relay_core *core, struct core_log *log, const struct core_segment *segment,
                          const uint8_t before[32], struct bytes records)
{
    uint8_t key[KEYS_SEGMENT_BYTES];
    size_t cap = KEYS_SEGMENT_OVERHEAD + records.len;
    uint8_t *value = core_scratch(core, cap);
    struct codec_writer writer;
    struct keys_segment row = {
        .count = (uint16_t)(segment->to - segment->from + 1),
        .stored_at = segment->stored_at,
        .origin = segment->origin,
        .peer = segment->peer,
        .records = records,
    };
    memcpy(row.before, before, 32);
    codec_writer_init(&writer, value, cap);
    keys_segment_write(&writer, &row);
    keys_segment_key(key, log->id, segment->from);
    core_put(core, STORE_SEGMENT, BYTES_OF(key), codec_writer_bytes(&writer));
}

static struct core_segment *segment_new(struct core_log *log)
{
    if (log->segments_len == log->segments_cap) {
        log->segments_cap = log->segments_cap ? 2 * log->segments_cap : 8;
        log->segments = core_alloc(log->segments, log->segments_cap, sizeof(*log->segments));
    }
    return &log->segments[log->segments_len++];
}

void core_log_restore(struct core_log *log, const struct core_staged *records, size_t count,
                      const struct core_segment *segment)
{
    entries_append(log, records, count);
    *segment_new(log) = *segment;
    log->segments_durable = log->segments_len;
    log->stored = log->durable = segment->to;
    log->window_used += segment->bytes;
    if (segment->to > log->hint)
        log->hint = segment->to;
}

static void segment_append(struct relay_core *core, struct core_log *log, uint64_t from, size_t count,
                           struct bytes records, uint8_t origin, uint16_t peer)
{
    const uint8_t *before = core_log_running(core, log, from - 1);
    struct core_segment *segment = segment_new(log);
    *segment = (struct core_segment){
        .from = from,
        .to = from + count - 1,
        .bytes = records.len,
        .stored_at = core->unix_time * 1000,
        .write = core->write_id,
        .origin = origin,
        .peer = peer,
    };
    if (log->unpublished + records.len <= CORE_UNPUBLISHED_MAX) {
        log->unpublished += records.len;
        segment->records = core_alloc(NULL, 1, records.len);
        memcpy(segment->records, records.data, records.len);
    }
    segment_store(core, log, segment, before, records);
    log->window_used += records.len;
    log->row_dirty = log->row_dirty || !log->known; /* a start reads the segments of logs that have a row */
}

void core_log_pushed(struct core_log *log, struct core_segment *segment)
{
    if (segment->records != NULL)
        log->unpublished -= segment->bytes;
    free(segment->records);
    segment->records = NULL;
}

void core_log_append(struct relay_core *core, struct core_log *log, const struct core_staged *records, size_t count,
                     const uint8_t *bytes, size_t start, uint8_t origin, uint16_t peer)
{
    size_t done = 0;
    log->pruned = 0;
    log->pruned_said = false;
    entries_append(log, records, count);
    while (done < count) {
        size_t taken = 0, offset = done ? records[done - 1].end : start;
        while (done + taken < count && taken < PROOF_RANGE_MAX &&
               (taken == 0 || records[done + taken].end - offset <= RELAY_BATCH_MAX))
            taken++;
        size_t end = records[done + taken - 1].end;
        segment_append(core, log, log->stored + 1, taken, (struct bytes){bytes + offset, end - offset}, origin, peer);
        log->stored += taken;
        done += taken;
    }
    core_log_mark(core, log);
}

/*
 * Made-up records may have come in one segment with true ones. Were those dropped, too, they could be settled and forgotten
 * everywhere before they came again, and this relay would go on without their digests. So such a segment is cut: here at
 * once, its row when it was read again, for records are kept in memory only until they are pushed. Until then the row says
 * more than we hold: after a crash that is the old claim once more, which is doubted again. A home relay's sources hold
 * everything, and outcomes below the base stay for relays that were away.
 */
static bool can_be_cut(const struct core_log *log, const struct core_segment *segment, uint64_t number)
{
    bool kept = log->kind == PROOF_LOG_OUTCOME || number > log->base;
    return !log->is_home && kept && number >= segment->from;
}

static void segment_cut(struct core_log *log, struct core_segment *segment, uint64_t number)
{
    segment->to = number;
    segment->cut = true;
    core_log_pushed(log, segment); /* peers ask for what was not */
}

void core_log_truncate(struct relay_core *core, struct core_log *log, uint64_t number)
{
    while (log->segments_len > 0 && log->segments[log->segments_len - 1].to > number) {
        struct core_segment *segment = &log->segments[log->segments_len - 1];
        uint8_t key[KEYS_SEGMENT_BYTES];
        if (can_be_cut(log, segment, number)) {
            segment_cut(log, segment, number);
            log->stored = number > log->base ? number : log->base;
            break;
        }
        keys_segment_key(key, log->id, segment->from);
        core_delete(core, STORE_SEGMENT, BYTES_OF(key));
        log->window_used -= segment->bytes;
        log->stored = segment->from > log->base ? segment->from - 1 : log->base; /* a segment may be pruned in part */
        core_log_pushed(log, segment);
        log->segments_len--;
    }
    log->entries_len = (size_t)(log->stored - log->base);
    if (log->kind ==
        PROOF_LOG_MESSAGE) { /* what outcomes said of the records that go is said again when they come back */
        (log + 1)->missed = true;
        (log + 1)->missed_at = log->stored;
    }
    if (log->applied > log->stored)
        log->applied = log->stored;
    if (log->segments_durable > log->segments_len)
        log->segments_durable = log->segments_len;
    if (log->durable > log->stored)
        log->durable = log->stored;
    core_log_mark(core, log);
}

static struct core_segment *cut_one(const struct core_log *log)
{
    struct core_segment *last = log->segments_len ? &log->segments[log->segments_len - 1] : NULL;
    return last != NULL && last->cut ? last : NULL;
}

bool core_log_cut_mends(struct relay_core *core, struct core_log *log)
{
    const struct core_segment *segment = cut_one(log);
    uint8_t from[KEYS_SEGMENT_BYTES], to[KEYS_SEGMENT_BYTES];
    uint16_t index = (uint16_t)(log - core->logs);
    if (segment == NULL)
        return false;
    for (size_t i = 0; i < CORE_LOADS_MAX; i++) {
        const struct core_load *load = &core->loads[i];
        if (load->id != 0 && load->why == CORE_LOAD_CUT && load->log == index)
            return true;
    }
    if (log->segments_durable < log->segments_len)
        return true; /* a read could miss what is still being written */
    keys_segment_key(from, log->id, segment->from);
    keys_segment_key(to, log->id, segment->from + 1);
    struct core_load *load = core_load_new(core, STORE_SEGMENT, BYTES_OF(from), BYTES_OF(to));
    if (load != NULL) {
        load->why = CORE_LOAD_CUT;
        load->log = index;
        load->from = segment->from;
    }
    return true;
}

/* The row as far as the segment goes now. False: this is not the row of which it was cut. */
static bool cut_write(struct relay_core *core, struct core_log *log, struct core_segment *segment, struct bytes value)
{
    struct core_staged records[PROOF_RANGE_MAX];
    struct keys_segment row;
    struct codec_reader reader;
    struct proof_result result;
    uint64_t count = segment->to - segment->from + 1;
    if (!keys_segment_read(&row, value) || row.count > PROOF_RANGE_MAX || row.count <= count)
        return false;
    codec_reader_init(&reader, row.records);
    if (!core_records_read(records, (size_t)count, core, log, &reader, segment->from, row.before, &result))
        return false;
    const uint8_t *running = core_log_running(core, log, segment->to);
    if (running != NULL && memcmp(running, records[count - 1].entry.running, 32) != 0)
        return false;
    size_t bytes = records[count - 1].end;
    segment_store(core, log, segment, row.before, (struct bytes){row.records.data, bytes});
    log->window_used -= segment->bytes - bytes;
    segment->bytes = bytes;
    segment->cut = false;
    return true;
}

void core_log_cut_loaded(struct relay_core *core, struct core_load *load, const struct relay_event *event)
{
    struct core_log *log = &core->logs[load->log];
    struct core_segment *segment = cut_one(log);
    if (event->done)
        load->id = 0;
    if (segment == NULL || segment->from != load->from)
        return; /* mended, or gone meanwhile */
    if (!event->done && cut_write(core, log, segment, event->body)) {
        if (segment->to <= log->base) { /* nothing of it is pending any more; its row stays as history */
            log->window_used -= segment->bytes;
            log->segments_durable = --log->segments_len;
        }
        core_log_mark(core, log);
    } else if (event->done) {
        core_note(core, RELAY_WARNING, RELAY_REASON_CLAIM_REPLACED, log, segment->from,
                  "claims dropped: the row to be cut cannot be read");
        core_log_truncate(core, log, segment->from - 1);
    }
}

void core_log_free_stage(struct core_log *log)
{
    free(log->stage.bytes);
    free(log->stage.records);
    log->stage = (struct core_stage){0};
}

void core_log_fini(struct core_log *log)
{
    core_log_free_stage(log);
    for (size_t i = 0; i < log->segments_len; i++)
        free(log->segments[i].records);
    free(log->segments);
    if (log->entries != NULL)
        free(log->entries - log->entries_gone);
    for (size_t i = 0; i < log->heads_len; i++) {
        for (size_t j = 0; j < log->heads[i].signers_len; j++)
            free(log->heads[i].signers[j]);
        free(log->heads[i].signers);
    }
    free(log->heads);
    free(log->outside);
    core_evidence_release(log->evidence);
    core_evidence_release(log->waiting);
    codec_pack_fini(&log->submission.records);
}
