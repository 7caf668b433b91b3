/*
 * To the target chain: a certified head with its records, at most C numbers a call. Delivery is permissionless and the
 * contract takes a second one with an early return, so turns only save gas; the position that the chain shows decides
 * what is next, never our memory of what we sent.
 */
#include <string.h>

#include "proofs/codec/keccak.h"
#include "relay/core/parts.h"
#include "topology/route.h"

enum {
    STEP_IN_MS = 10000, /* without progress, whoever's turn it is */
    RESULT_PATIENCE_MS = 60000,
    SHOWN_PATIENCE_MS = 15000, /* from confirmation to the position that shows it */
    BACK_OFF_MS = 1000,
    BACK_OFF_MAX_MS = 60000,
    RETRY_AFTER_MS = 3000, /* an undecided message is tried again after this, doubling */
    FAILED_MAX = 3,        /* calls in a row of which nothing comes: then another source submits, if there is one */
    RECORDS_MAX = 3 << 20
};

/* The first one that is up and submits, from the one on whose turn it is. */
static uint16_t submit_source(const struct relay_core *core, uint16_t index)
{
    const struct core_chain *chain = &core->chains[index];
    for (size_t i = 0; i < chain->sources_len; i++) {
        uint16_t source = chain->sources[(chain->submits + i) % chain->sources_len];
        if (core->config.sources[source].submits && core->sources[source].up)
            return source;
    }
    return RELAY_NO_SOURCE;
}

static void call_failed(struct relay_core *core, uint16_t index)
{
    struct core_chain *chain = &core->chains[index];
    uint16_t source = submit_source(core, index);
    if (source == RELAY_NO_SOURCE || ++chain->failed < FAILED_MAX)
        return;
    chain->failed = 0;
    chain->submits = core_chain_place(chain, source) + 1;
    uint16_t next = submit_source(core, index);
    if (next == source)
        return;
    core_note(core, RELAY_WARNING, RELAY_REASON_SOURCE_FAILOVER, NULL, 0, "%s: calls of %s come to nothing: %s submits",
              core->network->chains[index].id, core->config.sources[source].name, core->config.sources[next].name);
    core_deliver_reset(core, index);
    core_chain_positions(core, next);
}

/* The target chain now, as the source that submits sees it: a position is told only when it changes. */
static uint64_t chain_height(const struct relay_core *core, const struct core_log *log)
{
    uint16_t source = submit_source(core, log->target);
    uint64_t newest = source == RELAY_NO_SOURCE ? 0 : core->sources[source].newest;
    return newest > log->position.height ? newest : log->position.height;
}

static uint64_t chain_time(const struct relay_core *core, const struct core_log *log)
{
    uint16_t source = submit_source(core, log->target);
    uint64_t newest = source == RELAY_NO_SOURCE ? 0 : core->sources[source].newest_time;
    return newest > log->position.time ? newest : log->position.time;
}

static uint64_t back_off(unsigned failures)
{
    uint64_t pause = (uint64_t)BACK_OFF_MS << (failures < 6 ? failures : 6);
    return pause < BACK_OFF_MAX_MS ? pause : BACK_OFF_MAX_MS;
}

void core_deliver_reset(struct relay_core *core, uint16_t chain)
{
    for (size_t i = 0; i < core->logs_len; i++) {
        struct core_log *log = &core->logs[i];
        if (log->is_target && log->target == chain) {
            log->submission.active = false;
            log->position.known = false;
            log->position.changed = 0;
        }
    }
}

void core_deliver_position(struct relay_core *core, uint16_t source, const struct connector_position_is *position)
{
    struct core_log *log = position->watch < core->logs_len ? &core->logs[position->watch] : NULL;
    if (log == NULL || !log->is_target || log->target != core->config.sources[source].chain)
        return;
    struct core_position *known = &log->position;
    if (position->decided > position->accepted || position->undecided > position->accepted + 1) {
        core_ban(core, source,
                 "told a position that no contract can have: %llu accepted, %llu decided, %llu the lowest undecided",
                 (unsigned long long)position->accepted, (unsigned long long)position->decided,
                 (unsigned long long)position->undecided);
        return;
    }
    if (source != submit_source(core, log->target))
        return; /* one source's view at a time: a second one that lags would turn it back and forth */
    if (known->accepted != position->accepted || known->decided != position->decided ||
        known->undecided != position->undecided)
        log->submission.retries = 0;
    if (!known->known || known->accepted != position->accepted || known->decided != position->decided)
        known->changed = core->now;
    if (known->known && (known->accepted < position->accepted || known->decided < position->decided))
        core->chains[log->target].failed = 0;
    known->known = true;
    known->height = position->height;
    known->time = position->time;
    known->accepted = position->accepted;
    known->decided = position->decided;
    known->undecided = position->undecided;
    core_log_mark(core, log);
}

/* A refusal of one kind says nothing of the other: a closed lane takes nothing behind its end, and executes what is before it. */
static struct core_tries *tries_of(struct core_submission *submission)
{
    bool taking = submission->action == CONNECTOR_DELIVER || submission->action == CONNECTOR_SETTLE;
    return taking ? &submission->taking : &submission->executing;
}

void core_deliver_result(struct relay_core *core, uint16_t source, const struct connector_result *result)
{
    for (size_t i = 0; i < core->logs_len; i++) {
        struct core_log *log = &core->logs[i];
        struct core_submission *submission = &log->submission;
        /* Keys can be computed by anybody: only the word of the one that was to call counts. */
        if (!submission->active || submission->source != source || memcmp(submission->key, result->key, 32) != 0)
            continue;
        submission->sent = core->now;
        if (result->result == CONNECTOR_SENT)
            return;
        submission->active = false;
        submission->attempts++;
        struct core_tries *tries = tries_of(submission);
        if (result->result == CONNECTOR_CONFIRMED) {
            tries->failures = 0;
            tries->again = core->now;
            submission->confirmed = submission->to;
            core_note(core, RELAY_INFO, RELAY_REASON_SUBMIT_CONFIRMED, log, submission->to, "block %llu",
                      (unsigned long long)result->height);
        } else {
            tries->failures++;
            tries->again = core->now + back_off(tries->failures);
            submission->older_epoch ^= result->result == CONNECTOR_REJECTED && tries == &submission->taking;
            core_note(core, RELAY_WARNING,
                      result->result == CONNECTOR_REJECTED ? RELAY_REASON_SUBMIT_REJECTED : RELAY_REASON_SUBMIT_UNKNOWN,
                      log, submission->from, "%.*s", (int)result->text.len, (const char *)result->text.data);
            call_failed(core, log->target);
        }
        core_log_mark(core, log);
        return;
    }
}

/* ---- what to submit -------------------------------------------------------------------------------------------------- */

static uint64_t bytes_between(const struct core_log *log, uint64_t from, uint64_t to)
{
    uint64_t bytes = (CORE_CALL_BARE + CORE_CALL_RECORD) * (to - from + 1);
    for (size_t i = core_log_segment_at(log, from); i < log->segments_len && log->segments[i].from <= to; i++)
        bytes += log->segments[i].bytes;
    return bytes;
}

static size_t call_budget(const struct relay_core *core, const struct core_log *log)
{
    const struct topology_chain *chain = &core->network->chains[log->target];
    size_t quorum = chain->epochs_len > 0 ? chain->epochs[chain->epochs_len - 1].quorum : 0;
    size_t certificate = CORE_CALL_ATTESTATION * quorum;
    size_t least = CORE_CALL_BYTES / 4;
    return certificate < CORE_CALL_BYTES - least ? CORE_CALL_BYTES - certificate : least;
}

/* The greatest certified head that the contract can step to and whose records fit one call; else the nearest one. */
static struct core_head *candidate(const struct core_log *log, uint64_t accepted, uint64_t budget)
{
    struct core_head *best = NULL;
    for (size_t i = 0; i < log->heads_len; i++) {
        struct core_head *head = &log->heads[i];
        if (!head->certified || head->number <= accepted || head->number > log->durable)
            continue;
        if (head->number > accepted + TOPOLOGY_HEAD_STEP)
            break;
        if (best == NULL || bytes_between(log, accepted + 1, head->number) <= budget)
            best = head;
    }
    return best;
}

static void key_make(uint8_t key[32], const struct core_log *log, const struct core_submission *submission)
{
    uint8_t input[32 + 1 + 8 + 8 + 4];
    struct codec_writer writer;
    codec_writer_init(&writer, input, sizeof(input));
    codec_write_bytes(&writer, BYTES_OF(log->id));
    codec_write_u8(&writer, submission->action);
    codec_write_u64(&writer, submission->from);
    codec_write_u64(&writer, submission->to);
    codec_write_u32(&writer, submission->attempts);
    codec_keccak256(key, codec_writer_bytes(&writer));
}

static bool load_start(struct relay_core *core, struct core_log *log, uint8_t action, uint64_t from, uint64_t to)
{
    struct core_submission *submission = &log->submission;
    size_t first = core_log_segment_at(log, from);
    if (first == log->segments_len)
        return false;
    uint8_t low[KEYS_SEGMENT_BYTES], high[KEYS_SEGMENT_BYTES];
    keys_segment_key(low, log->id, log->segments[first].from);
    keys_segment_key(high, log->id, to + 1);
    struct core_load *load = core_load_new(core, STORE_SEGMENT, BYTES_OF(low), BYTES_OF(high));
    if (load == NULL)
        return false;
    load->why = CORE_LOAD_SUBMIT;
    load->log = (uint16_t)(log - core->logs);
    load->from = from;
    load->to = to;
    submission->loading = true;
    submission->action = action;
    submission->from = submission->next = from;
    submission->to = to;
    unsigned failures = tries_of(submission)->failures;
    submission->budget = call_budget(core, log) >> (failures < 6 ? failures : 6);
    size_t bare = action == CONNECTOR_DELIVER ? CORE_CALL_BARE * (size_t)(to - from + 1) : 0;
    submission->budget -= bare < submission->budget ? bare : submission->budget;
    submission->records.max = RECORDS_MAX;
    codec_pack_clear(&submission->records);
    return true;
}

/* ---- assembling ------------------------------------------------------------------------------------------------------- */

/* Of the budget; in a delivery there is room for each record without its payload already. */
static size_t record_cost(const struct core_submission *submission, size_t len)
{
    return len + CORE_CALL_RECORD + (submission->action == CONNECTOR_DELIVER ? 0 : CORE_CALL_BARE);
}

/* A whole record while the budget lasts; then, and when it is only to be expired, the record without its payload. */
static bool record_add(struct core_submission *submission, struct bytes record, const struct proof_message *message)
{
    size_t cost = record_cost(submission, record.len);
    bool whole = message == NULL || submission->action == CONNECTOR_EXECUTE ||
                 (submission->action == CONNECTOR_DELIVER && cost <= submission->budget);
    if (whole) {
        submission->budget -= cost < submission->budget ? cost : submission->budget;
        codec_pack_raw(&submission->records, record);
        return !submission->records.failed;
    }
    struct proof_message bare = *message;
    bare.has_payload = false;
    bare.payload = (struct bytes){NULL, 0};
    memset(bare.salt, 0, sizeof(bare.salt));
    submission->budget = 0; /* those that follow go as digests, too: order is kept */
    size_t len = proof_message_record_size(&bare);
    uint8_t *room = codec_pack_reserve(&submission->records, len);
    struct codec_writer writer;
    if (room == NULL)
        return false;
    codec_writer_init(&writer, room, len);
    return proof_message_write(&writer, &bare);
}

static bool segment_add(struct relay_core *core, struct core_log *log, uint64_t from, struct bytes records,
                        uint16_t count)
{
    struct core_submission *submission = &log->submission;
    struct codec_reader reader;
    codec_reader_init(&reader, records);
    for (uint16_t i = 0; i < count; i++) {
        struct proof_message message;
        struct proof_outcome outcome;
        struct proof_result result;
        size_t start = reader.at;
        bool messages = log->kind == PROOF_LOG_MESSAGE;
        if (messages ? !proof_message_read(&message, &reader, from + i, core_payload_max(core, log), &result)
                     : !proof_outcome_read(&outcome, &reader, &result))
            return false;
        if (from + i != submission->next || from + i > submission->to)
            continue;
        if (submission->action == CONNECTOR_EXECUTE && message.deadline < chain_time(core, log)) {
            /* One that expired is expired alone; the calls before it come first. */
            if (from + i == submission->from)
                submission->action = CONNECTOR_EXPIRE;
            submission->to = from + i == submission->from ? from + i : from + i - 1;
            if (from + i > submission->to)
                continue;
        }
        if (submission->action == CONNECTOR_EXECUTE && from + i > submission->from &&
            record_cost(submission, reader.at - start) > submission->budget) {
            submission->to = from + i - 1; /* the rest is for the next call */
            continue;
        }
        if (!record_add(submission, (struct bytes){records.data + start, reader.at - start},
                        messages ? &message : NULL))
            return false;
        submission->next++;
    }
    return true;
}

/*
 * By the document's newest epoch, or the one before: during the overlap the registry counts both, but while a document is
 * distributed it may not know the newest one yet. The one that was not refused last is tried first.
 */
static size_t certificate_fill(struct connector_certificate *out, struct connector_attestation *attestations,
                               const struct relay_core *core, const struct core_log *log, const struct core_head *head)
{
    const struct topology_chain *chain = &core->network->chains[log->target];
    for (size_t back = 0; back < 2 && back < chain->epochs_len; back++) {
        size_t behind = chain->epochs_len > 1 && log->submission.older_epoch ? 1 - back : back;
        const struct topology_epoch *epoch = &chain->epochs[chain->epochs_len - 1 - behind];
        uint16_t seen[TOPOLOGY_OPERATORS_MAX];
        size_t count = 0;
        for (size_t i = 0; i < head->signers_len && count < epoch->quorum; i++) {
            const struct core_attestation *signer = head->signers[i];
            uint16_t number = topology_key_operator(epoch, signer->key_id);
            bool again = number == 0;
            for (size_t j = 0; j < count; j++)
                again = again || seen[j] == number;
            if (again)
                continue;
            seen[count] = number;
            attestations[count++] = (struct connector_attestation){.path = {signer->path, signer->path_len},
                                                                   .signature = BYTES_OF(signer->signature)};
        }
        if (count < epoch->quorum)
            continue;
        out->present = true;
        out->epoch = epoch->number;
        out->leaf_kind = PROOF_LEAF_HEAD;
        out->attestations = attestations;
        out->attestations_len = count;
        return count;
    }
    return 0;
}

/* False: it cannot be submitted as it is. */
static bool submit(struct relay_core *core, struct core_log *log, uint16_t source)
{
    struct core_submission *submission = &log->submission;
    struct connector_attestation attestations[TOPOLOGY_OPERATORS_MAX];
    struct connector_message message = {.type = CONNECTOR_SUBMIT};
    uint8_t fields[PROOF_LEAF_HEAD_BYTES];
    const uint8_t *prior = core_log_running(core, log, submission->from - 1);
    const uint8_t *running = core_log_running(core, log, submission->to);
    bool headed = submission->action == CONNECTOR_DELIVER || submission->action == CONNECTOR_SETTLE;
    if (prior == NULL || running == NULL || submission->records.failed)
        return false;
    if (headed) {
        struct core_head *head = core_head_find(log, submission->to, running);
        struct proof_leaf leaf = {.kind = PROOF_LEAF_HEAD, .head = {.number = submission->to}};
        struct codec_writer writer;
        if (head == NULL || certificate_fill(&message.submit.certificate, attestations, core, log, head) == 0)
            return false;
        memcpy(leaf.head.log, log->id, 32);
        memcpy(leaf.head.running, running, 32);
        codec_writer_init(&writer, fields, sizeof(fields));
        if (!proof_leaf_write(&writer, &leaf))
            return false;
        message.submit.certificate.fields = codec_writer_bytes(&writer);
    }
    key_make(submission->key, log, submission);
    memcpy(message.submit.key, submission->key, 32);
    message.submit.action = submission->action;
    core_connector_lane(&message.submit.lane, core, core_lane(core, log));
    message.submit.from = submission->from;
    memcpy(message.submit.prior, prior, 32);
    message.submit.count = (uint32_t)(submission->to - submission->from + 1);
    message.submit.records = codec_pack_bytes(&submission->records);
    core_to_source(core, source, &message);
    submission->active = true;
    submission->source = source;
    submission->sent = core->now;
    core_note(core, RELAY_DEBUG, RELAY_REASON_SUBMITTED, log, submission->to, "%s log %llu..%llu",
              proof_log_kind_name((enum proof_log_kind)log->kind), (unsigned long long)submission->from,
              (unsigned long long)submission->to);
    return true;
}

void core_deliver_loaded(struct relay_core *core, struct core_load *load, const struct relay_event *event)
{
    struct core_log *log = &core->logs[load->log];
    struct core_submission *submission = &log->submission;
    struct keys_segment segment;
    uint64_t from = 0;
    if (!event->done) {
        if (!keys_segment_key_read(&from, event->key) || !keys_segment_read(&segment, event->body) ||
            !segment_add(core, log, from, segment.records, segment.count))
            core_note(core, RELAY_ALARM, RELAY_REASON_STORE_MALFORMED, log, from, "segment");
        return;
    }
    load->id = 0;
    submission->loading = false;
    uint16_t source = submit_source(core, log->target);
    bool complete = submission->next == submission->to + 1 && source != RELAY_NO_SOURCE && !log->frozen;
    if (!complete || !submit(core, log, source))
        tries_of(submission)->again = core->now + BACK_OFF_MS;
    core_log_mark(core, log);
}

/* ---- the stage --------------------------------------------------------------------------------------------------------- */

static bool delivers(const struct relay_core *core, const struct core_log *log)
{
    return topology_relay_delivers(core->network, core->config.self, log->target);
}

uint16_t core_deliver_turn(const struct relay_core *core, const struct core_log *log, uint64_t number)
{
    return topology_turn_submit(core->network, log->target, log->id, (number - 1) / TOPOLOGY_HEAD_STEP,
                                chain_height(core, log), core->config.turn_blocks);
}

static bool our_turn(const struct relay_core *core, const struct core_log *log, uint64_t number)
{
    return core_deliver_turn(core, log, number) == core->config.self;
}

static bool is_undecided(const struct core_log *log, uint64_t n)
{
    return n > log->base && n <= log->durable && log->entries[n - log->base - 1].status == 0;
}

/* An accepted message without outcome: its receiver fails, or it came as a digest. Unordered lanes take turns. */
static uint64_t undecided_next(const struct relay_core *core, const struct core_log *log)
{
    const struct core_position *position = &log->position;
    uint64_t top = position->accepted < log->durable ? position->accepted : log->durable;
    uint64_t from = log->submission.retry_sequence + 1;
    if (log->kind != PROOF_LOG_MESSAGE || position->undecided == 0 || position->undecided > top)
        return 0;
    if (core_lane(core, log)->mode & PROOF_MODE_ORDERED)
        return position->undecided;
    if (from <= position->undecided)
        return position->undecided;
    for (uint64_t n = from > log->base ? from : log->base + 1; n <= top; n++) {
        if (is_undecided(log, n))
            return n;
    }
    return position->undecided;
}

/* As many of those that follow as fit one call. */
static uint64_t undecided_last(const struct core_log *log, uint64_t first)
{
    uint64_t last = first;
    while (last < log->position.accepted && last - first + 1 < PROOF_RANGE_MAX && is_undecided(log, last + 1))
        last++;
    return last;
}

static struct core_step undecided_try(struct relay_core *core, struct core_log *log, uint16_t source)
{
    struct core_submission *submission = &log->submission;
    uint64_t sequence = undecided_next(core, log);
    bool again = sequence == submission->retry_sequence;
    uint64_t pause = again ? (uint64_t)RETRY_AFTER_MS << (submission->retries < 4 ? submission->retries : 4) : 0;
    if (sequence == 0 || sequence <= log->base || sequence > log->durable)
        return (struct core_step){RELAY_CAUSE_NONE};
    struct core_step step = {RELAY_CAUSE_RECEIVER};
    uint64_t since = again && submission->sent > log->position.changed ? submission->sent : log->position.changed;
    uint64_t idle = core->now - since;
    if (idle < pause || core->now < submission->executing.again || source == RELAY_NO_SOURCE)
        return step;
    if (!our_turn(core, log, sequence) && idle < pause + STEP_IN_MS)
        return step;
    submission->retries = again ? submission->retries + 1 : 0;
    submission->retry_sequence = sequence;
    submission->executing.again = core->now + (again ? pause : RETRY_AFTER_MS);
    /* One that failed before is tried alone: those behind it would be paid for in vain. */
    load_start(core, log, CONNECTOR_EXECUTE, sequence, again ? sequence : undecided_last(log, sequence));
    return step;
}

/* The source that submits says nothing of its chain. Were it waited for for ever, another one would never have its turn. */
static struct core_step position_wait(struct relay_core *core, struct core_log *log)
{
    struct core_position *position = &log->position;
    if (log->certified <= log->settled)
        return (struct core_step){RELAY_CAUSE_NONE};
    if (position->changed == 0)
        position->changed = core->now;
    if (core->now - position->changed > RESULT_PATIENCE_MS) {
        position->changed = core->now;
        call_failed(core, log->target);
    }
    return (struct core_step){RELAY_CAUSE_SOURCE_DOWN};
}

struct core_step core_stage_deliver(struct relay_core *core, struct core_log *log)
{
    struct core_submission *submission = &log->submission;
    if (!log->is_target || log->kind == PROOF_LOG_SETTLEMENT || log->frozen || !delivers(core, log))
        return (struct core_step){RELAY_CAUSE_NONE};
    uint16_t source = submit_source(core, log->target);
    if (source == RELAY_NO_SOURCE || !log->position.known)
        return position_wait(core, log);
    if (submission->active || submission->loading) {
        if (submission->active && core->now - submission->sent > RESULT_PATIENCE_MS) {
            submission->active = false; /* the connector keeps silent: read the position again */
            call_failed(core, log->target);
        }
        return (struct core_step){RELAY_CAUSE_SUBMITTING};
    }
    uint64_t accepted = log->position.accepted;
    if (submission->confirmed > accepted) {
        if (core->now - submission->sent >= SHOWN_PATIENCE_MS) {
            submission->confirmed = 0; /* and no block shows it */
            call_failed(core, log->target);
        }
        return (struct core_step){RELAY_CAUSE_SUBMITTING};
    }
    struct core_head *head = candidate(log, accepted, call_budget(core, log));
    if (head == NULL) {
        submission->candidate_since = 0;
        return undecided_try(core, log, source);
    }
    if (submission->candidate_since == 0 || log->position.changed > submission->candidate_since)
        submission->candidate_since = core->now;
    if (accepted < log->base)
        return (struct core_step){RELAY_CAUSE_RECORDS}; /* pruned here: a relay that still has them delivers */
    if (!our_turn(core, log, accepted + 1) && core->now - submission->candidate_since < STEP_IN_MS)
        return (struct core_step){RELAY_CAUSE_TURN};
    if (core->now < submission->taking.again) {
        /* Refused more than once it may be so for ever: what was accepted is executed meanwhile. */
        struct core_step step = {RELAY_CAUSE_NONE};
        if (submission->taking.failures > 1)
            step = undecided_try(core, log, source);
        return step.cause == RELAY_CAUSE_NONE ? (struct core_step){RELAY_CAUSE_SUBMITTING} : step;
    }
    submission->retries = 0;
    load_start(core, log, log->kind == PROOF_LOG_MESSAGE ? CONNECTOR_DELIVER : CONNECTOR_SETTLE, accepted + 1,
               head->number);
    return (struct core_step){RELAY_CAUSE_SUBMITTING};
}
