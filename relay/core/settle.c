/*
 * Settling and pruning: a message is settled when a certified outcome log says what became of it; its record goes then,
 * and not before (I2, I14). Outcome records go when a certified settlement head shows that the outbox took them.
 */
#include <stdlib.h>
#include <string.h>

#include "relay/core/parts.h"

enum { HISTORY_STEP = 1024 };

static uint64_t lower(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static struct core_log *messages_of(struct core_log *outcomes)
{
    return outcomes - 1; /* logs of a lane lie side by side, in the order of kinds */
}

static void outcome_apply(struct relay_core *core, struct core_log *outcomes, const struct core_entry *outcome)
{
    struct core_log *messages = messages_of(outcomes);
    uint64_t sequence = outcome->sequence;
    const uint8_t *digest = core_log_digest(messages, sequence);
    if (digest != NULL && memcmp(digest, outcome->subject, 32) != 0 && sequence > core_log_confirmed(messages)) {
        core_note(core, RELAY_WARNING, RELAY_REASON_CLAIM_REPLACED, messages, sequence,
                  "claims dropped: the outcome log decides another message under this sequence");
        core_log_truncate(core, messages, core_log_confirmed(messages));
        digest = core_log_digest(messages, sequence);
    }
    if (digest != NULL && memcmp(digest, outcome->subject, 32) != 0) {
        core_log_freeze(core, messages, RELAY_REASON_CERTIFICATES_CONFLICT, sequence,
                        "the outcome log decides another message under this sequence");
        return;
    }
    if (digest == NULL) {
        outcomes->missed = outcomes->missed || sequence > messages->stored; /* applied again when it comes */
        return;
    }
    struct core_entry *entry = &messages->entries[sequence - messages->base - 1];
    entry->status = outcome->status;
    entry->reason = outcome->reason;
}

/* The settled mark: the greatest S with outcomes for all of 1..S. */
static void mark_advance(struct relay_core *core, struct core_log *messages)
{
    uint64_t before = messages->settled;
    while (messages->settled < messages->stored) {
        uint64_t next = messages->settled + 1;
        if (next > messages->base && messages->entries[next - messages->base - 1].status == 0)
            break;
        messages->settled = next;
    }
    if (messages->settled == before)
        return;
    messages->row_dirty = true;
    core_note(core, RELAY_DEBUG, RELAY_REASON_SETTLED, messages, messages->settled, "up to here");
    core_log_mark(core, messages);
}

/* Outcomes that are certified, stored and not applied yet. Entries stay until the messages are past them, so those whose
 * message was not here are applied again when it is. */
void core_settle_apply(struct relay_core *core, struct core_log *outcomes)
{
    struct core_log *messages = messages_of(outcomes);
    uint64_t top = lower(lower(outcomes->certified, core_log_confirmed(outcomes)), outcomes->durable);
    if (outcomes->applied < outcomes->base)
        outcomes->applied = outcomes->base;
    bool again = outcomes->missed && messages->stored > outcomes->missed_at;
    uint64_t from = again ? outcomes->base : outcomes->applied;
    if (again)
        outcomes->missed = false;
    for (uint64_t m = from + 1; m <= top; m++)
        outcome_apply(core, outcomes, &outcomes->entries[m - outcomes->base - 1]);
    if (top > outcomes->applied)
        outcomes->applied = top;
    outcomes->missed_at = messages->stored;
    /* An ordered lane has entry m for message m, so a settlement head tells for messages that were never here, too. */
    if ((core_lane(core, messages)->mode & PROOF_MODE_ORDERED) && (outcomes + 1)->certified > messages->settled &&
        messages->settled < messages->stored) {
        uint64_t taken = (outcomes + 1)->certified, sure = core_log_confirmed(messages);
        sure = sure > messages->settled ? sure : messages->settled;
        if (taken >= messages->stored && messages->stored > sure)
            core_log_truncate(core, messages, sure); /* claims: made up, or settled without this relay */
        messages->settled = taken < messages->stored ? taken : messages->stored;
        messages->row_dirty = true;
        core_log_mark(core, messages);
    }
    mark_advance(core, messages);
}

/* ---- pruning --------------------------------------------------------------------------------------------------------- */

/*
 * Nothing goes that our own signer has still to sign past: it needs the digests that lead on from its guard. Its guard, or,
 * while it is not heard, what we know that it signed. A guard below the base cannot be led on from here: what is kept
 * would not help it, only a head adopted by name does.
 */
static uint64_t signed_past(const struct relay_core *core, const struct core_log *log)
{
    bool closed = core_lane(core, log)->state == TOPOLOGY_LANE_CLOSED && log->kind == PROOF_LOG_MESSAGE;
    uint64_t base = log->kind == PROOF_LOG_SETTLEMENT ? (log - 1)->base : log->base, past = log->attested;
    if (!core->config.attests || !log->is_home || closed)
        return UINT64_MAX;
    if (log->guard_known)
        past = log->guard > past ? log->guard : past;
    else if (past < base)
        past = base;
    return past < base ? UINT64_MAX : past;
}

static uint64_t prunable(const struct relay_core *core, const struct core_log *log)
{
    uint64_t limit = log->settled;
    if (log->kind == PROOF_LOG_OUTCOME) {
        const struct core_log *settlement = log + 1;
        limit = lower(lower(settlement->certified, log->applied), signed_past(core, settlement));
    }
    return lower(lower(limit, signed_past(core, log)), log->durable);
}

/* Of outcomes that may go, those whose messages are gone. */
static uint64_t messages_gone(const struct core_log *outcomes, uint64_t limit)
{
    const struct core_log *messages = outcomes - 1;
    for (uint64_t m = outcomes->base + 1; m <= limit; m++) {
        if (outcomes->entries[m - outcomes->base - 1].sequence > messages->base)
            return m - 1;
    }
    return limit;
}

/* The base moves to a certified head only, so that a relay that joins later can begin there. */
static uint64_t base_next(const struct core_log *log, uint64_t limit)
{
    uint64_t base = log->base;
    for (size_t i = 0; i < log->heads_len; i++) {
        if (log->heads[i].certified && log->heads[i].number <= limit && log->heads[i].number > base)
            base = log->heads[i].number;
    }
    /* All that is here is settled, and operators met only beyond it: without this the window would never open again. */
    if (base == log->base && limit == log->stored && log->certified > log->stored)
        base = limit;
    return base;
}

/* What stays of numbers from..to of one segment: digests and outcomes, for whoever asks later. */
static void skeleton_write(struct relay_core *core, const struct core_log *log, const struct core_segment *segment,
                           uint64_t from, uint64_t to)
{
    size_t count = (size_t)(to - from + 1), cap = KEYS_SKELETON_OVERHEAD + count * KEYS_SKELETON_ENTRY;
    uint8_t key[KEYS_SEGMENT_BYTES], *entries = core_scratch(core, count * KEYS_SKELETON_ENTRY);
    uint8_t *value = core_scratch(core, cap);
    struct codec_writer writer;
    codec_writer_init(&writer, entries, count * KEYS_SKELETON_ENTRY);
    for (uint64_t n = from; n <= to; n++) {
        const struct core_entry *entry = &log->entries[n - log->base - 1];
        codec_write_bytes(&writer, BYTES_OF(entry->digest));
        codec_write_u8(&writer, entry->status);
        codec_write_u32(&writer, entry->reason);
    }
    struct keys_skeleton row = {
        .count = (uint16_t)count,
        .stored_at = segment->stored_at,
        .settled_at = core->unix_time * 1000,
        .origin = segment->origin,
        .peer = segment->peer,
        .entries = codec_writer_bytes(&writer),
    };
    codec_writer_init(&writer, value, cap);
    keys_skeleton_write(&writer, &row);
    keys_segment_key(key, log->id, from);
    core_put(core, STORE_SKELETON, BYTES_OF(key), codec_writer_bytes(&writer));
}

static void skeletons_write(struct relay_core *core, const struct core_log *log, uint64_t base)
{
    for (size_t i = 0; i < log->segments_len && log->segments[i].from <= base; i++) {
        const struct core_segment *segment = &log->segments[i];
        uint64_t from = segment->from > log->base ? segment->from : log->base + 1;
        if (from <= lower(segment->to, base))
            skeleton_write(core, log, segment, from, lower(segment->to, base));
    }
}

static void segments_drop(struct relay_core *core, struct core_log *log, uint64_t base)
{
    size_t gone = 0;
    uint8_t from[KEYS_SEGMENT_BYTES], to[KEYS_SEGMENT_BYTES];
    while (gone < log->segments_durable && log->segments[gone].to <= base &&
           (log->kind == PROOF_LOG_MESSAGE || !log->segments[gone].cut)) {
        log->window_used -= log->segments[gone].bytes;
        core_log_pushed(log, &log->segments[gone]);
        gone++;
    }
    if (gone == 0)
        return;
    keys_segment_key(from, log->id, log->segments[0].from);
    keys_segment_key(to, log->id, log->segments[gone - 1].from + 1);
    if (log->kind == PROOF_LOG_MESSAGE) /* outcomes stay, as skeletons do, for relays that were away */
        core_delete_range(core, STORE_SEGMENT, BYTES_OF(from), BYTES_OF(to));
    log->segments_len -= gone;
    log->segments_durable -= gone;
    memmove(log->segments, log->segments + gone, log->segments_len * sizeof(*log->segments));
}

/*
 * Skeletons and outcome records that lie more than `history` numbers below the base go with the write that moves it; at once
 * only so many that ranges of deleted keys stay few. A segment goes when all of it lies so far below.
 */
static void history_drop(struct relay_core *core, const struct core_log *log, uint64_t old_base)
{
    uint64_t keep = core->config.history;
    uint8_t from[KEYS_SEGMENT_BYTES], to[KEYS_SEGMENT_BYTES];
    if (keep == 0 || log->base < keep + PROOF_RANGE_MAX || old_base / HISTORY_STEP == log->base / HISTORY_STEP)
        return;
    keys_segment_key(from, log->id, 0);
    keys_segment_key(to, log->id, log->base - keep - PROOF_RANGE_MAX + 1);
    core_delete_range(core, log->kind == PROOF_LOG_MESSAGE ? STORE_SKELETON : STORE_SEGMENT, BYTES_OF(from),
                      BYTES_OF(to));
}

void core_settle_prune(struct relay_core *core, struct core_log *log)
{
    uint64_t base = base_next(log, prunable(core, log));
    if (base > log->base && log->kind == PROOF_LOG_OUTCOME)
        base = base_next(log, messages_gone(log, prunable(core, log)));
    if (base == log->base)
        return;
    if (log->kind == PROOF_LOG_MESSAGE)
        skeletons_write(core, log, base);
    segments_drop(core, log, base);
    size_t gone = (size_t)(base - log->base);
    memcpy(log->base_running, log->entries[gone - 1].running, 32);
    log->entries_len -= gone;
    log->entries += gone;
    log->entries_gone += gone;
    uint64_t old_base = log->base;
    log->base = base;
    log->row_dirty = true;
    history_drop(core, log, old_base);
    core_head_prune(core, log);
    core_log_mark(core, log);
    if (log->kind == PROOF_LOG_MESSAGE)
        core_log_mark(core, log + 1); /* outcomes stay as long as their messages */
}

struct core_step core_stage_settle(struct relay_core *core, struct core_log *log)
{
    if (log->kind == PROOF_LOG_SETTLEMENT || log->frozen)
        return (struct core_step){RELAY_CAUSE_NONE};
    if (log->kind == PROOF_LOG_OUTCOME) {
        core_settle_apply(core, log);
        log->settled = lower((log + 1)->certified, log->stored);
    } else {
        core_settle_apply(core, log + 1);
    }
    core_settle_prune(core, log);
    return (struct core_step){log->settled < log->certified ? RELAY_CAUSE_OUTCOME : RELAY_CAUSE_NONE};
}
