/* The model chains: blocks, logs, and what a reorganisation takes back. */
#include "tests/sim/model.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "proofs/codec/keccak.h"

void *model_grow(void *old, size_t *cap, size_t wanted, size_t size)
{
    if (wanted <= *cap)
        return old;
    size_t before = *cap;
    *cap = wanted * 2 + 64;
    uint8_t *memory = reallocarray(old, *cap, size);
    assert(memory != NULL);
    memset(memory + before * size, 0, (*cap - before) * size);
    return memory;
}

static void lane_open(struct model *model, uint16_t index)
{
    struct model_lane *lane = &model->lanes[index];
    memcpy(lane->messages.start, model->network->lanes[index].logs[0], 32);
    memcpy(lane->outcomes.start, model->network->lanes[index].logs[1], 32);
    lane->undecided = 1;
    for (size_t i = 0; i < MODEL_STATES; i++)
        lane->was[i].undecided = 1;
}

void model_lane_next(struct model *model, uint16_t index, uint16_t before)
{
    lane_open(model, index);
    model->lanes[index].before = (uint16_t)(before + 1);
}

void model_inbox_close(struct model_lane *lane)
{
    lane->closed_inbox = true;
    lane->closed_order = lane->order_len;
}

void model_init(struct model *model, const struct topology_network *network)
{
    *model = (struct model){.network = network, .suite = proof_suite_by_bit(network->chains[0].suite)};
    for (uint16_t i = 0; i < network->lanes_len; i++)
        lane_open(model, i);
    for (uint16_t chain = 0; chain < MODEL_CHAINS; chain++) {
        while (model->height[chain] < 10)
            model_block(model, chain);
    }
}

void model_fini(struct model *model)
{
    for (size_t i = 0; i < MODEL_LANES_MAX; i++) {
        struct model_lane *lane = &model->lanes[i];
        free(lane->messages.entries);
        free(lane->messages.bytes);
        free(lane->outcomes.entries);
        free(lane->outcomes.bytes);
        free(lane->forgotten.entries);
        free(lane->taken);
        free(lane->status);
        free(lane->settled);
        free(lane->executed);
        free(lane->order);
    }
    for (size_t i = 0; i < MODEL_CHAINS; i++)
        free(model->forks[i]);
}

uint64_t model_time(uint64_t height)
{
    return MODEL_EPOCH + height * MODEL_BLOCK_MS / 1000;
}

struct bytes model_header(const struct model *model, uint8_t out[64], uint8_t hash[32], uint16_t chain, uint64_t height,
                          uint8_t branch)
{
    memset(out, 0, 64);
    memcpy(out, "model header", 12);
    out[16] = (uint8_t)chain;
    out[17] = branch;
    out[18] = height <= model->height[chain] ? model->forks[chain][height] : 0;
    for (size_t i = 0; i < 8; i++)
        out[24 + i] = (uint8_t)(height >> (8 * i));
    codec_keccak256(hash, (struct bytes){out, 64});
    return (struct bytes){out, 64};
}

/* ---- logs ---------------------------------------------------------------------------------------------------------- */

static const uint8_t *tip(const struct model_log *log)
{
    return log->count ? log->entries[log->count - 1].running : log->start;
}

void model_append(const struct model *model, struct model_log *log, uint64_t height, uint64_t sequence,
                  struct bytes record, const uint8_t item[32])
{
    uint8_t running[32];
    memcpy(running, tip(log), 32);
    log->entries = model_grow(log->entries, &log->cap, log->count + 1, sizeof(*log->entries));
    log->bytes = model_grow(log->bytes, &log->bytes_cap, log->len + record.len, 1);
    memcpy(log->bytes + log->len, record.data, record.len);
    log->len += record.len;
    struct model_entry *entry = &log->entries[log->count++];
    *entry = (struct model_entry){.height = height, .end = log->len, .sequence = sequence};
    memcpy(entry->item, item, 32);
    proof_running_hash_extend(running, model->suite, (const uint8_t(*)[32])entry->item, 1);
    memcpy(entry->running, running, 32);
}

void model_sequences_grow(struct model_lane *lane, size_t wanted)
{
    size_t cap = lane->sequences_cap, same = cap, third = cap, fourth = cap;
    lane->status = model_grow(lane->status, &cap, wanted, 1);
    lane->settled = model_grow(lane->settled, &same, wanted, 1);
    lane->executed = model_grow(lane->executed, &third, wanted, sizeof(*lane->executed));
    lane->order = model_grow(lane->order, &fourth, wanted, sizeof(*lane->order));
    lane->sequences_cap = cap;
}

void model_send(struct model *model, uint16_t index, const uint8_t *payload, size_t len, uint64_t life)
{
    struct model_lane *lane = &model->lanes[index];
    const struct topology_lane *document = &model->network->lanes[index];
    uint64_t height = model->height[document->source] + 1;
    uint8_t commitment[32], digest[32];
    struct proof_message message = {.sequence = lane->messages.count + 1,
                                    .time = model_time(height),
                                    .deadline = model_time(height) + life,
                                    .suites = (uint8_t)model->suite,
                                    .commitments = commitment,
                                    .has_payload = true,
                                    .payload = {payload, len}};
    message.salt[0] = 7;
    proof_message_commitment(commitment, model->suite, message.salt, message.payload);
    proof_message_digest(digest, model->suite, document->id, &message);
    size_t size = proof_message_record_size(&message);
    uint8_t *record = malloc(size);
    struct codec_writer writer;
    codec_writer_init(&writer, record, size);
    bool written = proof_message_write(&writer, &message);
    assert(written);
    model_append(model, &lane->messages, height, message.sequence, codec_writer_bytes(&writer), digest);
    free(record);
    model_sequences_grow(lane, lane->messages.count + 1);
}

const struct model_log *model_log_of(const struct model *model, uint16_t lane, uint8_t kind)
{
    return kind == PROOF_LOG_MESSAGE ? &model->lanes[lane].messages : &model->lanes[lane].outcomes;
}

uint64_t model_stands(const struct model *model, uint16_t index, uint8_t kind, uint64_t height, uint8_t running[32])
{
    const struct model_lane *lane = &model->lanes[index];
    const struct model_log *log = model_log_of(model, index, kind);
    uint64_t number = 0;
    if (kind == PROOF_LOG_SETTLEMENT) {
        for (size_t i = lane->taken_len; i-- > 0 && number == 0;)
            number = lane->taken[i].height <= height ? lane->taken[i].number : 0;
    } else {
        number = log->count;
        while (number > 0 && log->entries[number - 1].height > height)
            number--;
    }
    /* An empty slot reads as zero. */
    memset(running, 0, 32);
    if (number > 0)
        memcpy(running, log->entries[number - 1].running, 32);
    return number;
}

const struct model_log *model_inbox_messages(const struct model_lane *lane)
{
    return lane->forgotten.count > 0 ? &lane->forgotten : &lane->messages;
}

bool model_lane_settled(const struct model_lane *lane)
{
    bool settled = lane->closed_inbox == lane->closed_outbox;
    if (!lane->closed_outbox)
        return settled && (lane->taken_len ? lane->taken[lane->taken_len - 1].number : 0) >= lane->messages.count;
    for (uint64_t n = 1; settled && n <= lane->last; n++)
        settled = lane->settled[n] != 0;
    return settled;
}

struct bytes model_records(const struct model_log *log, uint64_t from, uint64_t to)
{
    size_t start = from > 1 ? log->entries[from - 2].end : 0;
    return (struct bytes){log->bytes + start, log->entries[to - 1].end - start};
}

/* ---- blocks -------------------------------------------------------------------------------------------------------- */

static uint16_t destination(const struct model *model, uint16_t lane)
{
    return model->network->lanes[lane].destination;
}

void model_block(struct model *model, uint16_t chain)
{
    for (uint16_t i = 0; i < model->network->lanes_len; i++) {
        struct model_lane *lane = &model->lanes[i];
        struct model_state *state = &lane->was[model->height[chain] % MODEL_STATES];
        if (destination(model, i) == chain) /* what the inbox was when this block was the newest */
            *state = (struct model_state){lane->accepted, lane->undecided, lane->order_len};
    }
    uint64_t height = ++model->height[chain];
    model->forks[chain] = model_grow(model->forks[chain], &model->forks_cap[chain], height + 1, 1);
    model->forks[chain][height] = model->fork[chain];
}

/* Entries above the height are gone. */
static void log_cut(struct model_log *log, uint64_t height)
{
    while (log->count > 0 && log->entries[log->count - 1].height > height)
        log->count--;
    log->len = log->count ? log->entries[log->count - 1].end : 0;
}

static void inbox_cut(struct model_lane *lane, uint64_t height)
{
    const struct model_state *state = &lane->was[height % MODEL_STATES];
    for (size_t i = lane->outcomes.count; i > 0 && lane->outcomes.entries[i - 1].height > height; i--)
        lane->status[lane->outcomes.entries[i - 1].sequence] = 0;
    for (size_t i = state->order_len; i < lane->order_len; i++)
        lane->executed[lane->order[i]]--;
    lane->order_len = state->order_len;
    if (lane->closed_order > lane->order_len)
        lane->closed_order = lane->order_len;
    lane->accepted = state->accepted;
    lane->undecided = state->undecided;
    log_cut(&lane->outcomes, height);
}

static void outbox_cut(struct model_lane *lane, uint64_t height)
{
    while (lane->taken_len > 0 && lane->taken[lane->taken_len - 1].height > height) {
        uint64_t before = lane->taken_len > 1 ? lane->taken[lane->taken_len - 2].number : 0;
        for (uint64_t m = before + 1; m <= lane->taken[lane->taken_len - 1].number && m <= lane->outcomes.count; m++)
            lane->settled[lane->outcomes.entries[m - 1].sequence] = 0;
        lane->taken_len--;
    }
    log_cut(&lane->messages, height);
}

size_t model_reorganise(struct model *model, uint16_t chain, uint64_t height, size_t lost[MODEL_LANES_MAX])
{
    size_t blocks = (size_t)(model->height[chain] - height);
    for (uint16_t i = 0; i < model->network->lanes_len; i++) {
        struct model_lane *lane = &model->lanes[i];
        size_t before = lane->messages.count;
        if (destination(model, i) == chain)
            inbox_cut(lane, height);
        else
            outbox_cut(lane, height);
        lost[i] = before - lane->messages.count;
    }
    model->fork[chain]++;
    model->height[chain] = height;
    for (size_t i = 0; i <= blocks; i++)
        model_block(model, chain);
    return blocks;
}

uint64_t model_forget(struct model *model, uint16_t index, uint64_t kept)
{
    struct model_lane *lane = &model->lanes[index];
    uint16_t chain = model->network->lanes[index].source;
    uint64_t height = lane->messages.entries[kept].height - 1, final = model->height[chain] - MODEL_FINALITY;
    struct model_log *copy = &lane->forgotten;
    copy->entries = model_grow(NULL, &copy->cap, lane->messages.count, sizeof(*copy->entries));
    copy->count = lane->messages.count;
    memcpy(copy->entries, lane->messages.entries, copy->count * sizeof(*copy->entries));
    memcpy(copy->start, lane->messages.start, 32);
    lane->kept = kept;
    while (lane->final < copy->count && copy->entries[lane->final].height <= final)
        lane->final++;
    log_cut(&lane->messages, height);
    assert(lane->messages.count == kept);
    model->fork[chain]++;
    for (uint64_t h = height + 1; h <= model->height[chain]; h++)
        model->forks[chain][h] = model->fork[chain];
    return height;
}
