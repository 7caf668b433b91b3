/*
 * Asks of other relays: signed heads and the records that lead to them, out of the store, never beyond a head with a valid
 * attester signature. Several may be answered at once; each has its own load.
 */
#include <string.h>

#include "relay/core/parts.h"

enum {
    ANSWER_BYTES = 2 << 20,
    ANSWER_RANGES = 2048,
    ANSWER_HEADS_MAX = 512,
    PEER_BYTES = 8 << 20,   /* in answers to one peer at a time */
    READ_COSTS = 256 << 10, /* how each read counts there besides its records: reads are limited, too */
};

void core_answer_send(struct relay_core *core, uint16_t peer, uint64_t request, struct bytes items, uint32_t count)
{
    codec_pack_clear(&core->pack);
    codec_pack_array(&core->pack, count);
    codec_pack_raw(&core->pack, items);
    struct relay_action *action = core_act(core, RELAY_ACTION_ANSWER);
    action->peer = peer;
    action->id = request;
    action->body = core_keep(core, codec_pack_bytes(&core->pack));
}

static uint32_t refusal_pack(struct codec_pack *pack, const uint8_t log[32], enum proof_refusal reason)
{
    struct proof_item item = {.type = PROOF_ITEM_REFUSAL, .refusal = {.reason = reason}};
    memcpy(item.refusal.log, log, 32);
    return proof_item_write(pack, &item) ? 1 : 0;
}

struct share { /* of one operator in the heads of an answer */
    size_t count, passed;
};

static struct share *share_of(struct share *shares, const struct relay_core *core, uint16_t operator_number)
{
    size_t at = 0;
    while (at + 1 < core->network->operators_len && core->network->operators[at].number != operator_number)
        at++;
    return &shares[at];
}

/*
 * Attestations over kept heads in [from, to], each with its path, ascending. Where there are more than an answer may have,
 * each operator has the same share, half of it for its lowest heads, to which records lead, and half for its newest ones: so
 * a certificate of what comes next and everybody's newest word get through, however many heads one of them signed.
 */
static uint32_t heads_pack(struct codec_pack *pack, const struct relay_core *core, const struct core_log *log,
                           uint64_t from, uint64_t to)
{
    struct share shares[TOPOLOGY_OPERATORS_MAX] = {0};
    size_t operators = 0, total = 0;
    uint32_t count = 0;
    for (int pass = 0; pass < 2; pass++) {
        size_t each = total <= ANSWER_HEADS_MAX ? SIZE_MAX / 2 : ANSWER_HEADS_MAX / operators / 2;
        for (size_t i = 0; i < log->heads_len; i++) {
            const struct core_head *head = &log->heads[i];
            for (size_t j = 0; head->number >= from && head->number <= to && j < head->signers_len; j++) {
                struct share *share = share_of(shares, core, head->signers[j]->operator_number);
                if (head->signers[j]->write > core->committed)
                    continue;
                if (pass == 0) {
                    operators += share->count++ == 0;
                    total++;
                } else if (share->passed++ < each || share->passed + each > share->count) {
                    core_head_pack(pack, log, head, head->signers[j]);
                    count++;
                }
            }
        }
    }
    return count;
}

/*
 * The first head at or beyond `from` that the asker keeps when it gets it: a multiple of C, or one no lower than what it
 * asked for; of what lies between it may know better by now. Else the last one there is. None beyond `most`.
 */
static uint64_t useful_head(const struct core_log *log, uint64_t from, uint64_t to, uint64_t most)
{
    uint64_t last = UINT64_MAX;
    for (size_t i = 0; i < log->heads_len && log->heads[i].number <= most; i++) {
        uint64_t number = log->heads[i].number;
        if (number >= from && (number % TOPOLOGY_HEAD_STEP == 0 || number >= to))
            return number;
        if (number >= from)
            last = number;
    }
    return last;
}

/*
 * Takes what gathers the answer, in which the items so far stand: it owns them from now on. NULL: the peer has asked for too
 * much at once (I10), or the store for all. One answer always goes, however large.
 */
static struct core_load *answer_begin(struct relay_core *core, const struct core_log *log, uint64_t from, uint64_t end,
                                      size_t bytes, uint16_t peer, uint64_t request, const struct codec_pack *items)
{
    size_t others = 0;
    for (size_t i = 0; i < CORE_LOADS_MAX; i++) {
        const struct core_load *load = &core->loads[i];
        if (load->id != 0 && load->why == CORE_LOAD_ANSWER && load->peer == peer)
            others += load->bytes + READ_COSTS;
    }
    if (others > 0 && others + bytes + READ_COSTS > PEER_BYTES)
        return NULL;
    uint8_t first[KEYS_SEGMENT_BYTES], last[KEYS_SEGMENT_BYTES];
    keys_segment_key(first, log->id, from);
    keys_segment_key(last, log->id, end);
    struct core_load *load = core_load_new(core, STORE_SEGMENT, BYTES_OF(first), BYTES_OF(last));
    if (load == NULL)
        return NULL;
    load->why = CORE_LOAD_ANSWER;
    load->log = (uint16_t)(log - core->logs);
    load->bytes = bytes;
    load->peer = peer;
    load->request = request;
    load->body = *items;
    codec_pack_init(&load->records, PROOF_FRAME_BODY_MAX);
    return load;
}

/* At least up to the first signed head, whatever the asker's limit: less would be of no use to it. */
static enum proof_refusal records_load(struct relay_core *core, const struct core_log *log,
                                       const struct proof_item_ask *ask, uint16_t peer, uint64_t request,
                                       const struct codec_pack *items, uint32_t count)
{
    size_t first = core_log_segment_at(log, ask->from), last = first, bytes = 0;
    uint64_t enough = useful_head(log, ask->from, ask->to, UINT64_MAX);
    size_t limit = ask->max_bytes < ANSWER_BYTES ? ask->max_bytes : ANSWER_BYTES;
    for (; last < log->segments_durable && last - first < ANSWER_RANGES; last++) {
        const struct core_segment *segment = &log->segments[last];
        if (segment->from > enough && (segment->from > ask->to || bytes + segment->bytes > limit))
            break;
        bytes += segment->bytes + KEYS_SEGMENT_OVERHEAD + KEYS_SEGMENT_BYTES;
    }
    if (last == first || enough == UINT64_MAX)
        return PROOF_REFUSAL_NOT_HERE;
    struct core_load *load = answer_begin(core, log, log->segments[first].from, log->segments[last - 1].from + 1, bytes,
                                          peer, request, items);
    if (load == NULL)
        return PROOF_REFUSAL_BUSY;
    load->from = 1; /* from > to: what is loaded follows without a hole */
    load->items = count;
    return PROOF_REFUSAL_NONE;
}

/*
 * Outcome records below the base stay in the store: a relay that was away when they were settled has no other way to learn
 * what became of single messages of an unordered lane. They are given up to the first head that is kept.
 */
static enum proof_refusal history_load(struct relay_core *core, const struct core_log *log,
                                       const struct proof_item_ask *ask, uint16_t peer, uint64_t request,
                                       const struct codec_pack *items, uint32_t count)
{
    /* Whoever signs a head far beyond all that there is takes nothing from the asker, who may have asked up to there. */
    uint64_t enough = useful_head(log, log->base, ask->to, log->durable);
    uint64_t low = ask->from >= PROOF_RANGE_MAX ? ask->from - PROOF_RANGE_MAX + 1 : 0;
    if (log->kind != PROOF_LOG_OUTCOME || enough > log->durable || enough - ask->from > RELAY_HISTORY_MIN ||
        (enough - ask->from + 1) * PROOF_OUTCOME_RECORD_BYTES > ask->max_bytes)
        return PROOF_REFUSAL_PRUNED;
    struct core_load *load =
        answer_begin(core, log, low, enough + 1, (size_t)(enough - ask->from + 1) * PROOF_OUTCOME_RECORD_BYTES, peer,
                     request, items);
    if (load == NULL)
        return PROOF_REFUSAL_BUSY;
    load->from = ask->from;
    load->to = enough;
    load->items = count;
    return PROOF_REFUSAL_NONE;
}

static void ask_take(struct relay_core *core, const struct proof_item_ask *ask, uint16_t peer, uint64_t request)
{
    struct core_log *log = core_log_by_id(core, ask->log);
    struct codec_pack items;
    uint32_t count = 0;
    codec_pack_init(&items, PROOF_FRAME_BODY_MAX - 64);
    if (log == NULL) {
        count = refusal_pack(&items, ask->log, PROOF_REFUSAL_UNKNOWN_LOG);
    } else {
        /* The asker may know an older head than those kept here: the first one that covers `from` goes along. */
        uint64_t low = ask->from <= log->base ? log->base : ask->from,
                 first = useful_head(log, low, ask->to, UINT64_MAX);
        count = heads_pack(&items, core, log, low, first > ask->to ? first : ask->to);
        enum proof_refusal refusal = PROOF_REFUSAL_NOT_HERE;
        if (log->kind != PROOF_LOG_SETTLEMENT && ask->max_bytes > 0)
            refusal = ask->from <= log->base ? history_load(core, log, ask, peer, request, &items, count)
                                             : records_load(core, log, ask, peer, request, &items, count);
        if (refusal == PROOF_REFUSAL_NONE)
            return; /* the load owns the items now */
        if (count == 0 || refusal != PROOF_REFUSAL_NOT_HERE)
            count += refusal_pack(&items, ask->log, refusal);
    }
    core_answer_send(core, peer, request, codec_pack_bytes(&items), count);
    codec_pack_fini(&items);
}

void core_answer_asked(struct relay_core *core, const struct relay_event *event)
{
    struct proof_frame frame = {.body = event->body};
    struct proof_items items;
    struct proof_item item;
    if (event->peer >= core->network->relays_len || !core->peers[event->peer].neighbour)
        return;
    proof_items_init(&items, &frame);
    /* One ask a request: more would let one frame cost many reads. */
    if (!proof_items_next(&item, &items))
        return;
    if (item.type == PROOF_ITEM_ASK)
        ask_take(core, &item.ask, event->peer, event->id);
    else if (item.type == PROOF_ITEM_ASK_HEADER)
        core_far_asked(core, &item.ask_header, event->peer, event->id);
}

/* The range gathered so far becomes an item. False: it does not fit, and nothing after it may follow. */
static bool range_end(struct core_load *load)
{
    struct proof_item item = {.type = PROOF_ITEM_RANGE, .range = load->range};
    uint64_t end = load->range.from + load->range.count;
    if (load->range.count == 0 || load->full)
        return !load->full;
    item.range.records = codec_pack_bytes(&load->records);
    load->range.count = 0;
    load->full =
        load->records.failed || load->items >= PROOF_FRAME_ITEMS_MAX - 1 || !proof_item_write(&load->body, &item);
    load->body.failed = false; /* the asker comes again for the rest; a later, smaller one would leave a hole */
    codec_pack_clear(&load->records);
    if (load->full)
        return false;
    load->items++;
    if (load->to != 0)
        load->from = end;
    return true;
}

/* Segments that follow each other go as one range: one record each, they would be more items than a frame may have. */
static void range_add(struct core_load *load, const uint8_t log[32], uint64_t from, const struct keys_segment *segment)
{
    struct proof_item_range *range = &load->range;
    uint64_t next = range->count ? range->from + range->count : load->from;
    if (load->to != 0 && (from > next || from + segment->count <= next))
        return; /* before what was asked for, or behind a hole */
    bool joins = range->count > 0 && from == next && range->count + segment->count <= PROOF_RANGE_MAX &&
                 load->records.len + segment->records.len <= RELAY_BATCH_MAX;
    if (!joins) {
        if (!range_end(load))
            return;
        *range = (struct proof_item_range){.from = from};
        memcpy(range->log, log, 32);
        memcpy(range->before, segment->before, 32);
    }
    range->count = (uint16_t)(range->count + segment->count);
    codec_pack_raw(&load->records, segment->records);
}

void core_answer_loaded(struct relay_core *core, struct core_load *load, const struct relay_event *event)
{
    struct keys_segment segment;
    uint64_t from;
    if (event->done) {
        range_end(load);
        codec_pack_fini(&load->records);
        if (event->status != STORE_OK && event->status != STORE_NOT_FOUND)
            load->items = 0;
        if (load->items == 0)
            codec_pack_clear(&load->body);
        if (load->items == 0)
            load->items = refusal_pack(&load->body, core->logs[load->log].id, PROOF_REFUSAL_BUSY);
        if (load->from <= load->to) /* history with a hole, or too much of it */
            load->items += refusal_pack(&load->body, core->logs[load->log].id, PROOF_REFUSAL_PRUNED);
        core_answer_send(core, load->peer, load->request, codec_pack_bytes(&load->body), load->items);
        codec_pack_fini(&load->body);
        load->id = 0;
        return;
    }
    if (!keys_segment_key_read(&from, event->key) || !keys_segment_read(&segment, event->body))
        core_note(core, RELAY_ALARM, RELAY_REASON_STORE_MALFORMED, &core->logs[load->log], 0, "segment");
    else
        range_add(load, core->logs[load->log].id, from, &segment);
}
