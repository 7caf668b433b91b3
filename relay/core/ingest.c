/*
 * From a source to the log: hints are staged, agreed evidence turns them into records (I1). What is staged and what the
 * source may still send never pass the lane's window (I9).
 */
#include <stdlib.h>
#include <string.h>

#include "relay/core/parts.h"

enum { AGAIN_PAUSE_MS = 1000 };

void core_connector_lane(struct connector_lane *out, const struct relay_core *core, const struct topology_lane *lane)
{
    const struct topology_chain *source = &core->network->chains[lane->source];
    const struct topology_chain *destination = &core->network->chains[lane->destination];
    memset(out, 0, sizeof(*out));
    memcpy(out->id, lane->id, 32);
    proof_network_id(out->network, (enum proof_suite)source->suite, core->network->name);
    memcpy(out->source, source->identity, 32);
    memcpy(out->outbox, source->outbox, 32);
    memcpy(out->sender, lane->sender, 32);
    memcpy(out->destination, destination->identity, 32);
    memcpy(out->inbox, destination->inbox, 32);
    memcpy(out->receiver, lane->receiver, 32);
    out->mode = lane->mode;
    out->generation = lane->generation;
    out->suites = lane->suites;
}

static uint32_t watch_of(const struct relay_core *core, const struct core_log *log)
{
    return (uint32_t)(log - core->logs);
}

/* The last record that is stored, or the log's start, is where the source begins. */
static const uint8_t *resume_running(const struct relay_core *core, const struct core_log *log, uint64_t *from)
{
    uint64_t number = log->kind == PROOF_LOG_SETTLEMENT ? log->proven : log->stored;
    const uint8_t *running = core_log_running(core, log, number);
    if (running == NULL) { /* kind 3, entries pruned: the newest we still know */
        number = (log - 1)->base;
        running = core_log_running(core, log, number);
    }
    *from = number + 1;
    return running;
}

/* Of a log that contradicts its chain, and of a lane behind its closing record, no source could give what follows. */
static bool is_stopped(const struct relay_core *core, const struct core_log *log)
{
    bool closed = core_lane(core, log)->state == TOPOLOGY_LANE_CLOSED && log->kind == PROOF_LOG_MESSAGE;
    return closed || log->frozen || core->chains[log->home].mark.frozen ||
           core_light_cause(core, log->home) == RELAY_CAUSE_ATTACK;
}

void core_ingest_subscribe(struct relay_core *core, struct core_log *log, uint16_t source)
{
    if (is_stopped(core, log))
        return;
    struct connector_message message = {
        .type = CONNECTOR_SUBSCRIBE,
        .subscribe = {.watch = watch_of(core, log), .kind = log->kind, .height = log->height}};
    const uint8_t *running = resume_running(core, log, &message.subscribe.from);
    memcpy(message.subscribe.log, log->id, 32);
    memcpy(message.subscribe.running, running, 32);
    core_connector_lane(&message.subscribe.lane, core, core_lane(core, log));
    log->credit_granted = 0;
    log->credit_short = false;
    uint64_t credit = core_log_room(core, log);
    log->credit_granted = credit;
    message.subscribe.credit = credit;
    core_to_source(core, source, &message);
}

void core_ingest_credit(struct relay_core *core, struct core_log *log)
{
    uint16_t source = core->chains[log->home].primary;
    size_t room = core_log_room(core, log);
    /* Small crumbs are kept together: a credit message should be worth at least an eighth of the window. But a source whose next
     * block is larger than what it has gets each of them: that block may need the whole window. */
    if (source == RELAY_NO_SOURCE || room == 0 || (room < core_log_window(core, log) / 8 && !log->credit_short))
        return;
    log->credit_granted += room;
    core_to_source(
        core, source,
        &(struct connector_message){.type = CONNECTOR_CREDIT, .credit = {.watch = watch_of(core, log), .bytes = room}});
}

/* Bytes that the source sent for nothing count no more. */
static void credit_return(struct relay_core *core, const struct core_log *log, size_t bytes)
{
    uint16_t source = core->chains[log->home].primary;
    if (source == RELAY_NO_SOURCE || bytes == 0)
        return;
    core_to_source(core, source,
                   &(struct connector_message){.type = CONNECTOR_CREDIT,
                                               .credit = {.watch = watch_of(core, log), .bytes = bytes}});
}

void core_ingest_again(struct relay_core *core, struct core_log *log)
{
    uint16_t source = core->chains[log->home].primary;
    if (is_stopped(core, log))
        return;
    log->again_wanted = true;
    core_log_mark(core, log);
    if (source == RELAY_NO_SOURCE || core->now < log->again_at)
        return;
    log->again_wanted = false;
    log->again_at = core->now + AGAIN_PAUSE_MS;
    credit_return(core, log, log->stage.count ? log->stage.len : 0);
    core_log_free_stage(log);
    struct connector_message message = {.type = CONNECTOR_ASK_AGAIN, .ask_again = {.watch = watch_of(core, log)}};
    const uint8_t *running = resume_running(core, log, &message.ask_again.from);
    memcpy(message.ask_again.running, running, 32);
    message.ask_again.height = log->height;
    log->again_asked = true;
    core_to_source(core, source, &message);
}

/* ---- hints --------------------------------------------------------------------------------------------------------- */

static void stage_reserve(struct core_stage *stage, size_t bytes, size_t count)
{
    if (stage->len + bytes > stage->cap) {
        stage->cap = 2 * (stage->len + bytes);
        stage->bytes = core_alloc(stage->bytes, stage->cap, 1);
    }
    if (stage->count + count > stage->records_cap) {
        stage->records_cap = 2 * (stage->count + count);
        stage->records = core_alloc(stage->records, stage->records_cap, sizeof(*stage->records));
    }
}

static void records_refuse(struct relay_core *core, uint16_t source, const struct core_log *log, uint64_t sequence,
                           const char *why)
{
    core_note(core, RELAY_WARNING, RELAY_REASON_RECORDS_REFUSED, log, sequence, "source %s: %s",
              core->config.sources[source].name, why);
    core_ban(core, source, "sent records of lane %s that are refused from %llu on: %s",
             core->network->lanes[log->lane].name, (unsigned long long)sequence, why);
}

void core_ingest_records(struct relay_core *core, uint16_t source, const struct connector_records *records)
{
    struct core_log *log = records->watch < core->logs_len ? &core->logs[records->watch] : NULL;
    if (log == NULL || !log->is_home || log->home != core->config.sources[source].chain ||
        log->kind == PROOF_LOG_SETTLEMENT || source != core->chains[log->home].primary)
        return;
    struct core_stage *stage = &log->stage;
    uint64_t next = stage->count ? stage->from + stage->count : log->stored + 1;
    if (records->from == log->stored + 1) { /* a repetition, asked for: it replaces what was staged */
        credit_return(core, log, log->again_asked || stage->count == 0 ? 0 : stage->len);
        core_log_free_stage(log);
        log->again_asked = false;
        next = records->from;
    }
    if (log->again_asked) { /* what was under way before the source went back */
        credit_return(core, log, records->records.len);
        return;
    }
    if (records->from != next || records->records.len > log->credit_granted - (stage->count ? stage->len : 0)) {
        records_refuse(core, source, log, records->from, "not the next records, or more bytes than its credit");
        return;
    }
    if (stage->count == 0) {
        stage->from = next;
        stage->len = 0;
    }
    stage_reserve(stage, records->records.len, records->count);
    size_t start = stage->len;
    memcpy(stage->bytes + start, records->records.data, records->records.len);
    struct codec_reader reader;
    codec_reader_init(&reader, (struct bytes){stage->bytes + start, records->records.len});
    const uint8_t *running =
        stage->count ? stage->records[stage->count - 1].entry.running : core_log_running(core, log, next - 1);
    struct core_staged *read = &stage->records[stage->count];
    struct proof_result result;
    if (!core_records_read(read, records->count, core, log, &reader, next, running, &result)) {
        records_refuse(core, source, log, result.at, proof_reason_text(result.reason));
        core_log_free_stage(log);
        return;
    }
    if (!core_records_whole(read, records->count)) {
        records_refuse(core, source, log, next, "a payload was left out");
        core_log_free_stage(log);
        return;
    }
    for (uint32_t i = 0; i < records->count; i++)
        read[i].end += start;
    stage->count += records->count;
    if (!codec_reader_done(&reader)) {
        records_refuse(core, source, log, next, "bytes after the last record");
        core_log_free_stage(log);
        return;
    }
    stage->len += records->records.len;
    log->credit_short = false;
    if (next + records->count - 1 > log->hint)
        log->hint = next + records->count - 1;
    core_log_mark(core, log);
}

/* ---- evidence ------------------------------------------------------------------------------------------------------ */

static void evidence_keep(struct core_evidence **slot, struct core_evidence *evidence)
{
    if (*slot == evidence)
        return;
    evidence->refs++;
    core_evidence_release(*slot);
    *slot = evidence;
}

/* What is proven now may contradict a certificate that was here before. */
static void certificates_check(struct relay_core *core, struct core_log *log, uint64_t number)
{
    for (size_t i = 0; i < log->heads_len; i++) {
        const struct core_head *head = &log->heads[i];
        const uint8_t *ours = core_log_running(core, log, head->number);
        if (head->certified && head->number > log->proven && head->number <= number && ours != NULL &&
            memcmp(ours, head->running, 32) != 0)
            core_log_freeze(core, log, RELAY_REASON_CERTIFICATES_CONFLICT, head->number,
                            "our own proof contradicts a certificate");
    }
}

static void prove_to(struct relay_core *core, struct core_log *log, struct core_evidence *evidence, uint64_t number)
{
    if (number > log->proven) {
        certificates_check(core, log, number);
        log->proven = number;
        log->row_dirty = true;
    }
    log->contradicted = 0;
    core->chains[log->home].blamed = core->chains[log->home].turns = 0;
    core->chains[log->home].blame_again = 0;
    if (evidence->fact.height > log->height) {
        log->height = evidence->fact.height;
        log->row_dirty = true;
    }
    if (number >= log->evidence_number) {
        evidence_keep(&log->evidence, evidence);
        log->evidence_number = number;
    }
    core_log_mark(core, log);
}

/* Staged records 1..count of the stage are proven: they become records of the log. */
static void stage_take(struct relay_core *core, struct core_log *log, size_t count)
{
    struct core_stage *stage = &log->stage;
    size_t end = stage->records[count - 1].end;
    core_log_append(core, log, stage->records, count, stage->bytes, 0, KEYS_ORIGIN_CHAIN, 0);
    log->credit_granted -= end < log->credit_granted ? end : log->credit_granted;
    memmove(stage->bytes, stage->bytes + end, stage->len - end);
    stage->len -= end;
    stage->count -= count;
    memmove(stage->records, stage->records + count, stage->count * sizeof(*stage->records));
    for (size_t i = 0; i < stage->count; i++)
        stage->records[i].end -= end;
    stage->from += count;
}

void core_evidence_refuse(struct relay_core *core, const struct core_evidence *evidence, uint16_t source,
                          const char *why)
{
    core->sources[source].refused++;
    core->sources[source].refused_why = why;
    struct relay_action *action = core_act(core, RELAY_ACTION_KEEP);
    action->source = source;
    action->reason = why;
    action->body = core_keep(core, (struct bytes){evidence->bytes, evidence->bytes_len});
}

/* The number of this hash on our chain; 0 when it is not there. A proven slot holds a hash; its number is only said. */
static uint64_t number_of(const struct relay_core *core, const struct core_log *log, uint64_t said,
                          const uint8_t running[32])
{
    const struct core_log *entries = log->kind == PROOF_LOG_SETTLEMENT ? log - 1 : log;
    const uint8_t *ours = core_log_running(core, entries, said);
    if (ours != NULL && memcmp(ours, running, 32) == 0)
        return said;
    for (uint64_t n = entries->stored; n > entries->base; n--) {
        if (memcmp(entries->entries[n - entries->base - 1].running, running, 32) == 0)
            return n;
    }
    return 0;
}

/*
 * A proven hash that is nowhere on our chain, below what we hold. One source may lie about the number, and then it is
 * replaced; when as many as the chain demands show it, the home chain has another history and the log is frozen.
 */
static void contradicts(struct relay_core *core, struct core_log *log, const struct core_evidence *evidence,
                        uint64_t number, const char *text)
{
    const struct core_chain *chain = &core->chains[log->home];
    if (number > log->proven && number > log->attested && log->kind != PROOF_LOG_SETTLEMENT) {
        core_note(core, RELAY_WARNING, RELAY_REASON_CLAIM_REPLACED, log, number, "claims differ from the proof");
        core_log_truncate(core, log, log->proven);
        core_ingest_again(core, log);
        return;
    }
    for (size_t i = 0; i < chain->sources_len; i++) {
        if (chain->sources[i] == evidence->source)
            log->contradicted |= (uint16_t)(1u << i);
    }
    core_evidence_refuse(core, evidence, evidence->source, relay_reason_text(RELAY_REASON_EVIDENCE_CONTRADICTS));
    if (__builtin_popcount(log->contradicted) >= core->network->chains[log->home].sources) {
        core_log_freeze(core, log, RELAY_REASON_EVIDENCE_CONTRADICTS, number, text);
        return;
    }
    core_note(core, RELAY_ALARM, RELAY_REASON_EVIDENCE_REFUSED, log, number,
              "source %s shows a hash that is not on our chain: asking another",
              core->config.sources[evidence->source].name);
    core_chain_blame(core, evidence->source, true, "contradicts what is proven");
}

/* A source that says more than it proves may have nothing more to say: what is staged behind the proof would wait for ever. */
static void stage_doubt(struct relay_core *core, struct core_log *log, uint64_t number, uint64_t said)
{
    if (said > number && log->stage.count > 0)
        core_ingest_again(core, log);
}

/* Staged records lead to the proven hash: they become records of the log. */
static void apply_staged(struct relay_core *core, struct core_log *log, struct core_evidence *evidence, uint64_t said,
                         const uint8_t running[32])
{
    struct core_stage *stage = &log->stage;
    size_t count = 0;
    if (core->scarce && log->kind == PROOF_LOG_MESSAGE) {
        log->again_wanted = true; /* once the disk has room */
        return;
    }
    /* Where records were dropped meanwhile those behind them do not follow any more. */
    for (size_t i = stage->from == log->stored + 1 ? stage->count : 0; i > 0 && count == 0; i--) {
        if (memcmp(stage->records[i - 1].entry.running, running, 32) == 0)
            count = i;
    }
    if (count > 0) {
        uint64_t number = log->stored + count;
        stage_take(core, log, count);
        prove_to(core, log, evidence, number);
        stage_doubt(core, log, number, said);
        return;
    }
    /* What it was made for was let go, and asked for again, of whom it may be, while it waited to count: nobody's fault. */
    if (evidence->source != core->chains[log->home].primary || evidence->seen + AGAIN_PAUSE_MS <= log->again_at)
        return;
    core_note(core, RELAY_WARNING, RELAY_REASON_RECORDS_MISSING, log, said,
              "%zu records staged behind %llu do not lead to the proven head", stage->count,
              (unsigned long long)log->stored);
    core_chain_blame(core, evidence->source, false, "its records do not lead to the proven head");
    core_ingest_again(core, log);
}

static void apply_log(struct relay_core *core, struct core_log *log, struct core_evidence *evidence, uint64_t said,
                      const uint8_t running[32])
{
    uint64_t number = number_of(core, log, said, running);
    if (number > 0) {
        prove_to(core, log, evidence, number);
        stage_doubt(core, log, number, said);
    } else if (said > log->stored) {
        apply_staged(core, log, evidence, said, running);
    } else if (said > log->base) {
        contradicts(core, log, evidence, said,
                    "the home chain now shows another history than the one proven here before");
    }
}

/* Kind 3: the outbox's copy of the outcome log. Its entries are those of kind 2, which we may not have all yet. */
static void apply_settlement(struct relay_core *core, struct core_log *log, struct core_evidence *evidence,
                             uint64_t said, const uint8_t running[32])
{
    const struct core_log *outcomes = log - 1;
    uint64_t number = number_of(core, log, said, running);
    if (number > 0) {
        prove_to(core, log, evidence, number);
    } else if (said > outcomes->stored) {
        evidence_keep(&log->waiting, evidence);
        log->waiting_number = said;
    } else if (said > outcomes->base) {
        contradicts(core, log, evidence, said, "the outbox took outcomes that differ from the certified outcome log");
    }
}

void core_evidence_apply(struct relay_core *core, struct core_evidence *evidence)
{
    for (size_t i = 0; i < evidence->marks_len; i++) {
        struct core_log *log = &core->logs[evidence->marks[i].log];
        const uint8_t *running = evidence->fact.logs[i].running;
        uint64_t number = evidence->marks[i].number;
        if (log->frozen || number == 0 || codec_bytes_are_zero(running, 32))
            continue;
        if (log->kind == PROOF_LOG_SETTLEMENT)
            apply_settlement(core, log, evidence, number, running);
        else
            apply_log(core, log, evidence, number, running);
    }
}

/* Evidence of kind 3 that waited for outcome records. */
static void waiting_retry(struct relay_core *core, struct core_log *log)
{
    struct core_evidence *evidence = log->waiting;
    if (evidence == NULL || log->waiting_number > (log - 1)->stored)
        return;
    log->waiting = NULL;
    for (size_t i = 0; i < evidence->marks_len; i++) {
        if (&core->logs[evidence->marks[i].log] == log)
            apply_settlement(core, log, evidence, log->waiting_number, evidence->fact.logs[i].running);
    }
    core_evidence_release(evidence);
}

bool core_ingest_full(const struct relay_core *core, const struct core_log *log)
{
    if (log->kind == PROOF_LOG_SETTLEMENT)
        log = log - 1; /* whose entries it counts */
    if (!log->is_home)
        return core_log_room(core, log) == 0;
    if (core->chains[log->home].primary == RELAY_NO_SOURCE)
        return false; /* nobody was asked */
    return log->credit_short || (log->credit_granted == 0 && log->window_used > 0);
}

struct core_step core_stage_prove(struct relay_core *core, struct core_log *log)
{
    if (!log->is_home)
        core_far_retry(core, log);
    if (!log->is_home)
        return (struct core_step){RELAY_CAUSE_NONE};
    if (log->frozen || core->chains[log->home].mark.frozen)
        return (struct core_step){RELAY_CAUSE_FROZEN};
    enum relay_cause light = core_light_cause(core, log->home);
    if (light == RELAY_CAUSE_ATTACK)
        return (struct core_step){light};
    if (is_stopped(core, log))
        return (struct core_step){RELAY_CAUSE_NONE};
    if (log->kind == PROOF_LOG_SETTLEMENT)
        waiting_retry(core, log);
    else
        core_ingest_credit(core, log);
    bool scarce = core->scarce && log->kind == PROOF_LOG_MESSAGE;
    if (log->again_wanted && core->now >= log->again_at && !scarce)
        core_ingest_again(core, log);
    if (scarce)
        return (struct core_step){RELAY_CAUSE_DISK};
    if (core_chain_up(core, log->home) < core->network->chains[log->home].sources)
        return (struct core_step){RELAY_CAUSE_SOURCE_DOWN};
    if (light != RELAY_CAUSE_NONE)
        return (struct core_step){light};
    if (core->chains[log->home].disagree || core->chains[log->home].unusable)
        return (struct core_step){RELAY_CAUSE_SOURCES_DISAGREE};
    if (log->stage.count > 0 || log->again_wanted)
        return (struct core_step){RELAY_CAUSE_EVIDENCE};
    if (log->kind != PROOF_LOG_SETTLEMENT && core_ingest_full(core, log))
        return (struct core_step){log->window_used > 0 ? RELAY_CAUSE_WINDOW_FULL : RELAY_CAUSE_BLOCK};
    return (struct core_step){log->owed.late ? RELAY_CAUSE_EVIDENCE : RELAY_CAUSE_NONE};
}
