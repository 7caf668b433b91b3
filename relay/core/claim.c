/*
 * What comes from other relays. A claim is stored only as far as a valid signed head of an attester covers it, and only
 * within the lane's window; whoever forwarded it has no say (DESIGN section 1, "Claims").
 */
#include <stdlib.h>
#include <string.h>

#include "relay/core/parts.h"

/* Ranges of one log that follow each other in a frame. */
struct run {
    struct core_log *log, *doubted; /* doubted: the first one of this frame whose ranges show another history */
    uint64_t from;                  /* number of the first record kept */
    struct core_staged *records;
    size_t count, records_cap;
    uint8_t *bytes;
    size_t len, cap;
    bool asked; /* the frame answers an ask of ours */
};

static void run_reserve(struct run *run, size_t bytes, size_t count)
{
    if (run->len + bytes > run->cap) {
        run->cap = 2 * (run->len + bytes);
        run->bytes = core_alloc(run->bytes, run->cap, 1);
    }
    if (run->count + count > run->records_cap) {
        run->records_cap = 2 * (run->count + count);
        run->records = core_alloc(run->records, run->records_cap, sizeof(*run->records));
    }
}

static bool certificate_disagrees(const struct core_log *log, uint64_t number, const uint8_t running[32])
{
    for (size_t i = 0; i < log->heads_len; i++) {
        const struct core_head *head = &log->heads[i];
        if (head->number == number && head->certified && memcmp(head->running, running, 32) != 0)
            return true;
    }
    return false;
}

/* Bytes that may still lie here on the word of one attester alone, beyond the certified head. */
static size_t claims_room(const struct relay_core *core, const struct core_log *log)
{
    uint64_t budget = core->config.attester_budget, used = 0;
    if (budget == 0)
        return SIZE_MAX; /* the lane's window is the limit */
    for (size_t i = core_log_segment_at(log, log->certified + 1); i < log->segments_len; i++)
        used += log->segments[i].bytes;
    return used < budget ? (size_t)(budget - used) : 0;
}

/*
 * Two accepted heads that conflict need not have one number: the ranges of this frame are another history than that of our
 * certificates, or of the records that lead to one, and lead to a certified head themselves.
 */
static bool other_history(const struct relay_core *core, const struct core_log *log, struct bytes body)
{
    struct proof_frame frame = {.body = body};
    struct proof_items items;
    struct proof_item item;
    struct core_staged records[PROOF_RANGE_MAX];
    uint8_t running[32];
    uint64_t next = 0;
    bool differs = false;
    proof_items_init(&items, &frame);
    while (proof_items_next(&item, &items)) {
        const struct proof_item_range *range = &item.range;
        struct codec_reader reader;
        struct proof_result result;
        if (item.type != PROOF_ITEM_RANGE || memcmp(range->log, log->id, 32) != 0)
            continue;
        differs = differs && range->from == next && memcmp(running, range->before, 32) == 0;
        codec_reader_init(&reader, range->records);
        if (!core_records_read(records, range->count, core, log, &reader, range->from, range->before, &result))
            return false;
        for (size_t i = 0; i <= range->count; i++) { /* first what the range says to lie before it */
            const uint8_t *hash = i ? records[i - 1].entry.running : range->before;
            uint64_t number = range->from + i - 1;
            const uint8_t *ours = number <= log->reach ? core_log_running(core, log, number) : NULL;
            const struct core_head *head = core_head_find(log, number, hash);
            differs = differs || certificate_disagrees(log, number, hash) ||
                      (number > 0 && ours != NULL && memcmp(ours, hash, 32) != 0);
            if (differs && head != NULL && head->certified)
                return true;
        }
        next = range->from + range->count;
        memcpy(running, records[range->count - 1].entry.running, 32);
    }
    return false;
}

/* How many records of the run may be stored: up to the greatest signed head in it that the window has room for. */
static size_t run_acceptable(struct relay_core *core, struct run *run)
{
    size_t room = core_log_room(core, run->log), claims = claims_room(core, run->log), accepted = 0;
    bool over = false;
    for (size_t i = 0; i < run->count; i++) {
        uint64_t number = run->from + i;
        const struct core_head *head = core_head_find(run->log, number, run->records[i].entry.running);
        if (certificate_disagrees(run->log, number, run->records[i].entry.running)) {
            core_note(core, RELAY_WARNING, RELAY_REASON_CLAIM_REFUSED, run->log, number, "contradicts a certificate");
            run->doubted = run->doubted ? run->doubted : run->log;
            return 0;
        }
        bool shown = !core->config.verify_forwarded || core_far_proves(run->log, number, run->records[i].entry.running);
        if (head == NULL || (!shown && !head->certified))
            continue;
        /* A segment counts whole while its first half is settled, so a hop has one batch more room than the ingress. */
        bool fits = run->records[i].end <= room + (room > 0 ? RELAY_BATCH_MAX : 0);
        bool history =
            head->certified && core_log_history(core, run->log) && number - run->log->base <= CORE_NUMBERS_MAX;
        if (history || (fits && (head->certified || run->records[i].end <= claims)))
            accepted = i + 1;
        else
            over = true;
    }
    if (over)
        core_note(core, RELAY_INFO, RELAY_REASON_CLAIM_OVER_BUDGET, run->log, run->from + accepted,
                  "the window has room for %zu bytes", room);
    else if (accepted == 0)
        core_note(core, RELAY_INFO, RELAY_REASON_CLAIM_UNSIGNED, run->log, run->from, "%zu records", run->count);
    return accepted;
}

static void run_finish(struct relay_core *core, struct run *run, uint16_t peer)
{
    if (run->log != NULL && run->count > 0 && run->from == run->log->stored + 1 &&
        !core_log_cut_mends(core, run->log)) {
        size_t accepted = run_acceptable(core, run);
        if (accepted > 0)
            core_log_append(core, run->log, run->records, accepted, run->bytes, 0, KEYS_ORIGIN_MESH, peer);
    }
    run->log = NULL;
    run->count = 0;
    run->len = 0;
}

static const uint8_t *run_running(const struct relay_core *core, const struct run *run)
{
    return run->count ? run->records[run->count - 1].entry.running : core_log_running(core, run->log, run->log->stored);
}

/* Adds the records of a range that are new; those that we have already are passed over. NULL, or why nothing was added. */
static const char *run_add(struct relay_core *core, struct run *run, const struct proof_item_range *range,
                           struct proof_result *result)
{
    uint64_t next = run->count ? run->from + run->count : run->log->stored + 1;
    struct codec_reader reader;
    run_reserve(run, range->records.len, range->count);
    struct core_staged *read = run->records + run->count;
    codec_reader_init(&reader, range->records);
    if (!core_records_read(read, range->count, core, run->log, &reader, range->from, range->before, result))
        return proof_reason_text(result->reason);
    if (!codec_reader_done(&reader))
        return proof_reason_text(PROOF_REASON_RECORD_TRAILING);
    if (!core_records_whole(read, range->count))
        return "a payload was left out";
    /* What we have stays: the first new record must follow it, whatever the range repeats before. */
    size_t had = range->from < next ? (size_t)(next - range->from) : 0;
    size_t skipped = had ? read[had - 1].end : 0;
    *result = (struct proof_result){PROOF_REASON_MERKLE_ROOT, next};
    if (memcmp(had ? read[had - 1].entry.running : range->before, run_running(core, run), 32) != 0)
        return proof_reason_text(result->reason);
    memmove(read, read + had, (range->count - had) * sizeof(*read));
    for (size_t i = 0; i < range->count - had; i++)
        read[i].end += run->len - skipped;
    memcpy(run->bytes + run->len, range->records.data + skipped, range->records.len - skipped);
    run->count += range->count - had;
    run->len += range->records.len - skipped;
    return NULL;
}

/*
 * What one operator made up may lie here in the place of what others certified: the certificate is for a greater number, so
 * only the records on the way to it can tell, and they do not follow from what is here. Two asks in a row brought nothing:
 * so no single peer can make this relay drop what others gave it.
 */
static void claims_doubt(struct relay_core *core, struct run *run)
{
    struct core_log *log = run->log;
    if (!run->asked || run->count > 0 || log->pull.fruitless < 2 || !core_log_doubtful(log))
        return;
    core_note(core, RELAY_WARNING, RELAY_REASON_CLAIM_REPLACED, log, log->stored,
              "claims dropped: peers do not go on from them to the certified head");
    core_log_truncate(core, log, core_log_confirmed(log));
    run->from = log->stored + 1;
    log->pull.again = core->now;
}

static void range_take(struct relay_core *core, struct run *run, const struct proof_item_range *range, uint16_t peer)
{
    struct core_log *log = core_log_by_id(core, range->log);
    struct proof_result result = {0};
    if (log == NULL || log->kind == PROOF_LOG_SETTLEMENT || log->is_home || log->frozen)
        return; /* a home relay takes records from its own sources only */
    if (run->log != log) {
        run_finish(core, run, peer);
        run->log = log;
        run->from = log->stored + 1;
    }
    uint64_t next = run->from + run->count;
    if (range->from + range->count - 1 < next || range->from > next)
        return; /* nothing new, or a gap: heads tell, and what lacks is pulled */
    const uint8_t *before = range->from == next ? run_running(core, run) : core_log_running(core, log, range->from - 1);
    if (before != NULL && memcmp(before, range->before, 32) != 0) {
        core_note(core, RELAY_WARNING, RELAY_REASON_CLAIM_REFUSED, log, range->from, "from relay %s: another history",
                  core->network->relays[peer].name);
        run->doubted = run->doubted ? run->doubted : log;
        claims_doubt(core, run);
        return;
    }
    size_t kept = run->count, len = run->len;
    const char *why = run_add(core, run, range, &result);
    if (why != NULL) {
        run->count = kept;
        run->len = len;
        core_note(core, RELAY_WARNING, RELAY_REASON_CLAIM_REFUSED, log, range->from, "from relay %s: %s",
                  core->network->relays[peer].name, why);
        run->doubted = run->doubted ? run->doubted : log;
        if (result.reason == PROOF_REASON_MERKLE_ROOT)
            claims_doubt(core, run);
    }
}

/* Heads first, so that ranges of the same frame find them. */
void core_claim_frame(struct relay_core *core, struct bytes body, uint16_t peer, uint64_t ask)
{
    struct proof_frame frame = {.body = body};
    struct proof_items items;
    struct proof_item item;
    struct run run = {.asked = ask != 0};
    bool told = true;  /* what it has; else it only says that it says nothing */
    bool more = false; /* than heads and heartbeats */
    bool lied = false; /* one wrong signature is looked at in a frame, however many it holds */
    proof_items_init(&items, &frame);
    while (proof_items_next(&item, &items)) {
        if (item.type == PROOF_ITEM_ATTESTATION && !lied)
            lied = core_gather_item(core, &item.attestation, peer, ask != 0) == CORE_WORD_FALSE;
        else if (item.type == PROOF_ITEM_HEARTBEAT)
            core_gossip_heard(core, peer, &item.heartbeat);
        more = more || item.type == PROOF_ITEM_RANGE || item.type == PROOF_ITEM_REFUSAL;
    }
    for (size_t i = 0; i < core->dirty_len; i++)
        core_gather_certify(core, &core->logs[core->dirty[i]]);
    proof_items_init(&items, &frame);
    while (more && proof_items_next(&item, &items)) {
        if (item.type == PROOF_ITEM_RANGE)
            range_take(core, &run, &item.range, peer);
        else if (item.type == PROOF_ITEM_REFUSAL && ask != 0)
            core_gossip_refused(core, peer, ask, &item.refusal);
        if (item.type == PROOF_ITEM_REFUSAL)
            told = item.refusal.reason == PROOF_REFUSAL_NOT_HERE || item.refusal.reason == PROOF_REFUSAL_PRUNED;
    }
    run_finish(core, &run, peer);
    if (run.doubted != NULL && other_history(core, run.doubted, body))
        core_log_freeze(core, run.doubted, RELAY_REASON_CERTIFICATES_CONFLICT, run.doubted->stored,
                        "records lead from another history to a certificate than those that lead to ours");
    free(run.records);
    free(run.bytes);
    if (!core_hear_answered(core, ask, told))
        core_pull_answered(core, peer, ask);
}
