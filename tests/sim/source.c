/* The model connector, its answers: one for each source of each relay, by docs/connector-protocol.md. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "proofs/codec/keccak.h"
#include "tests/sim/parts.h"

enum {
    SOURCE_MS = 1,
    RECORDS_AT_ONCE = 100,
    INVENTED_MAX = 8 * 256,
    VALUE_AT = 13
}; /* VALUE_AT: a field of a message record, docs/formats.md section 3 */

uint64_t world_final_height(const struct world *world, uint16_t chain)
{
    return world->model.height[chain] - MODEL_FINALITY;
}

void world_post_source(struct world *world, uint16_t relay, uint16_t source, const struct connector_message *message)
{
    struct codec_pack pack;
    codec_pack_init(&pack, CODEC_CONNECTOR_MESSAGE_MAX);
    codec_connector_encode(&pack, message);
    assert(!pack.failed);
    struct world_source *state = &world->relays[relay].sources[source];
    uint64_t at = world->now + SOURCE_MS + state->delay;
    state->said = state->said > at ? state->said : at;
    struct world_item *item = world_post(world, state->said - world->now, WORLD_EVENT, relay, codec_pack_bytes(&pack));
    item->event.type = RELAY_EVENT_SOURCE_MESSAGE;
    item->event.source = item->source = source;
    item->source_life = state->life;
    codec_pack_fini(&pack);
}

/* ---- evidence ------------------------------------------------------------------------------------------------------ */

static struct world_subscription *subscription_of(struct world *world, uint16_t relay, uint16_t source, uint16_t watch)
{
    return &world->relays[relay].sources[source].subscriptions[watch];
}

/* Adds a message that nobody sent; running becomes the hash behind it. */
static void invent(struct codec_writer *records, uint8_t running[32], const struct world *world, uint16_t lane,
                   uint64_t number)
{
    uint8_t commitment[32], digest[32];
    struct proof_message message = {.sequence = number,
                                    .time = model_time(world->model.height[world->lanes[lane].source]),
                                    .suites = world->shape.suite,
                                    .commitments = commitment,
                                    .has_payload = true};
    message.deadline = message.time + 3600;
    memset(message.value, 0xff, sizeof(message.value));
    proof_message_commitment(commitment, world->model.suite, message.salt, message.payload);
    proof_message_digest(digest, world->model.suite, world->lanes[lane].id, &message);
    bool written = proof_message_write(records, &message);
    assert(written);
    proof_running_hash_extend(running, world->model.suite, (const uint8_t(*)[32])digest, 1);
}

static void evidence_send(struct world *world, uint16_t relay, uint16_t source, uint64_t height,
                          const uint16_t *watches, size_t count)
{
    static const uint8_t NODE[] = {0xc1, 0x80}, BALLAST[WORLD_BALLAST_MAX];
    const struct bytes node = BYTES_OF(NODE), items[] = {node, {BALLAST, world->relays[relay].sources[source].ballast}};
    uint16_t chain = world_chain_of(world, relay);
    struct connector_slot slots[WORLD_LOGS_MAX];
    struct connector_mark marks[WORLD_LOGS_MAX];
    uint8_t header[64], hash[32];
    struct connector_message message = {.type = CONNECTOR_EVIDENCE};
    message.evidence = (struct connector_evidence){
        .kind = CONNECTOR_EVIDENCE_SLOT,
        .height = height,
        .header = model_header(&world->model, header, hash, chain, height, world->relays[relay].sources[source].branch),
        .items = items,
        .items_len = items[1].len ? 2 : 1,
        .slots = slots,
        .slots_len = count,
        .marks = marks,
        .marks_len = count};
    for (size_t i = 0; i < count; i++) {
        uint8_t kind = (uint8_t)(watches[i] % 3 + 1);
        slots[i] = (struct connector_slot){.nodes = &node, .nodes_len = 1};
        marks[i].watch = watches[i];
        marks[i].number = model_stands(&world->model, watches[i] / 3, kind, height, marks[i].running);
        if (world->relays[relay].sources[source].invents && kind == PROOF_LOG_MESSAGE &&
            subscription_of(world, relay, source, watches[i])->next ==
                marks[i].number + 1 + world->relays[relay].sources[source].invents) {
            uint8_t bytes[INVENTED_MAX];
            struct codec_writer records;
            codec_writer_init(&records, bytes, sizeof(bytes));
            for (uint8_t j = 0; j < world->relays[relay].sources[source].invents; j++)
                invent(&records, marks[i].running, world, watches[i] / 3, ++marks[i].number);
        }
        memcpy(message.evidence.account,
               kind == PROOF_LOG_OUTCOME ? world->chains[chain].inbox : world->chains[chain].outbox, 32);
    }
    world_post_source(world, relay, source, &message);
}

/* ---- records -------------------------------------------------------------------------------------------------------- */

static void records_send(struct world *world, uint16_t relay, uint16_t source, uint16_t watch,
                         const struct model_log *log, uint64_t to)
{
    struct world_subscription *subscription = &world->relays[relay].sources[source].subscriptions[watch];
    while (subscription->next <= to) {
        uint64_t last = subscription->next + RECORDS_AT_ONCE - 1;
        last = last < to ? last : to;
        struct connector_message message = {.type = CONNECTOR_RECORDS};
        message.records = (struct connector_records){.watch = watch,
                                                     .from = subscription->next,
                                                     .count = (uint32_t)(last - subscription->next + 1),
                                                     .records = model_records(log, subscription->next, last)};
        subscription->credit -= message.records.records.len;
        const struct world_source *state = &world->relays[relay].sources[source];
        uint8_t *forged = NULL;
        if (state->strips && watch % 3 + 1 == PROOF_LOG_MESSAGE)
            message.records.records = world_payloads_drop(&forged, message.records.from, message.records.records);
        else if (state->forges && watch % 3 + 1 == PROOF_LOG_MESSAGE) {
            forged = malloc(message.records.records.len);
            memcpy(forged, message.records.records.data, message.records.records.len);
            forged[VALUE_AT] ^= 1;
            message.records.records.data = forged;
        }
        world_post_source(world, relay, source, &message);
        free(forged);
        subscription->next = last + 1;
    }
}

static void invention_send(struct world *world, uint16_t relay, uint16_t source, uint16_t watch, uint64_t number)
{
    uint8_t bytes[INVENTED_MAX], running[32] = {0}, count = world->relays[relay].sources[source].invents;
    struct connector_message message = {.type = CONNECTOR_RECORDS};
    struct codec_writer records;
    codec_writer_init(&records, bytes, sizeof(bytes));
    for (uint8_t i = 0; i < count; i++)
        invent(&records, running, world, watch / 3, number + i);
    message.records = (struct connector_records){
        .watch = watch, .from = number, .count = count, .records = codec_writer_bytes(&records)};
    subscription_of(world, relay, source, watch)->next = number + count;
    world_post_source(world, relay, source, &message);
}

/* Sends what credit and finality allow, whole blocks of it; the height whose state is exactly what was sent, 0 none. */
static uint64_t step(struct world *world, uint16_t relay, uint16_t source, uint16_t watch)
{
    struct world_subscription *subscription = &world->relays[relay].sources[source].subscriptions[watch];
    const struct model_log *log = model_log_of(&world->model, watch / 3, (uint8_t)(watch % 3 + 1));
    uint64_t final = world_final_height(world, world_chain_of(world, relay)), height = final;
    uint8_t running[32];
    uint64_t to = model_stands(&world->model, watch / 3, (uint8_t)(watch % 3 + 1), final, running);
    if (watch % 3 + 1 == PROOF_LOG_SETTLEMENT) {
        bool wanted = to > 0 && (to > subscription->proven || subscription->due);
        subscription->proven = to;
        subscription->due = subscription->due && !wanted;
        return wanted ? final : 0;
    }
    if (to + 1 < subscription->next)
        return 0; /* this node is behind what the relay has */
    while (to >= subscription->next && model_records(log, subscription->next, to).len > subscription->credit) {
        height = log->entries[to - 1].height - 1;
        while (to > 0 && log->entries[to - 1].height > height)
            to--;
    }
    if (height != final && to < subscription->next && !subscription->short_told) { /* it says so, once, and waits */
        uint8_t about[4] = {0, 0, 0, (uint8_t)watch};
        struct connector_message message = {.type = CONNECTOR_CANNOT};
        message.cannot = (struct connector_cannot){
            .type = CONNECTOR_CREDIT, .about = BYTES_OF(about), .text = codec_connector_text("credit")};
        world_post_source(world, relay, source, &message);
        subscription->short_told = true;
    }
    if (to < subscription->next && (!subscription->due || subscription->next == 1))
        return 0;
    subscription->due = false;
    if (to >= subscription->next)
        records_send(world, relay, source, watch, log, to);
    if (world->relays[relay].sources[source].invents && watch % 3 + 1 == PROOF_LOG_MESSAGE && height != 0) {
        invention_send(world, relay, source, watch, to + 1);
        return height;
    }
    return to + 1 == subscription->next ? height : 0;
}

void world_source_serve(struct world *world, uint16_t relay, uint16_t source)
{
    uint64_t heights[WORLD_LOGS_MAX] = {0};
    for (uint16_t watch = 0; watch < world->logs_len; watch++) {
        if (world->relays[relay].sources[source].subscriptions[watch].active &&
            !world->relays[relay].sources[source].withholds)
            heights[watch] = step(world, relay, source, watch);
    }
    for (unsigned contract = 0; contract < 2; contract++) {
        for (uint16_t watch = 0; watch < world->logs_len; watch++) {
            uint16_t watches[WORLD_LOGS_MAX];
            size_t count = 0;
            uint64_t height = heights[watch];
            for (uint16_t other = watch; height != 0 && other < world->logs_len; other++) {
                bool inbox = other % 3 + 1 == PROOF_LOG_OUTCOME;
                if (heights[other] != height || inbox != (contract == 1))
                    continue;
                watches[count++] = other;
                heights[other] = 0;
            }
            if (count > 0)
                evidence_send(world, relay, source, height, watches, count);
        }
    }
}

/* ---- positions and headers ------------------------------------------------------------------------------------------- */

void world_source_position(struct world *world, uint16_t relay, uint16_t source, uint16_t watch)
{
    struct world_source *state = &world->relays[relay].sources[source];
    const struct model_lane *lane = &world->model.lanes[watch / 3];
    uint16_t chain = world_chain_of(world, relay);
    struct connector_message message = {.type = CONNECTOR_POSITION_IS};
    struct connector_position_is *position = &message.position_is;
    position->watch = watch;
    position->height = world->model.height[chain];
    position->time = model_time(position->height);
    if (watch % 3 + 1 == PROOF_LOG_MESSAGE) {
        position->accepted = lane->accepted;
        position->decided = lane->outcomes.count;
        position->undecided = lane->undecided;
        memcpy(position->running,
               lane->accepted ? model_inbox_messages(lane)->entries[lane->accepted - 1].running : lane->messages.start,
               32);
    } else {
        position->accepted = lane->taken_len ? lane->taken[lane->taken_len - 1].number : 0;
        memcpy(position->running,
               position->accepted ? lane->outcomes.entries[position->accepted - 1].running : lane->outcomes.start, 32);
    }
    if (state->hides ||
        (state->told_accepted[watch] == position->accepted && state->told_decided[watch] == position->decided))
        return;
    state->told_accepted[watch] = position->accepted;
    state->told_decided[watch] = position->decided;
    world_post_source(world, relay, source, &message);
}

void world_source_headers(struct world *world, uint16_t relay, uint16_t source, uint64_t height)
{
    struct connector_message message = {.type = CONNECTOR_HEADER};
    uint8_t header[64];
    message.header.height = height;
    if (height > world->relays[relay].sources[source].told)
        world->relays[relay].sources[source].told = height;
    message.header.time = model_time(height);
    message.header.header = model_header(&world->model, header, message.header.hash, world_chain_of(world, relay),
                                         height, world->relays[relay].sources[source].branch);
    world_post_source(world, relay, source, &message);
}

void world_source_status(struct world *world, uint16_t relay, uint16_t source)
{
    struct connector_message message = {.type = CONNECTOR_STATUS};
    message.status.newest = world->model.height[world_chain_of(world, relay)];
    message.status.final_height = world_final_height(world, world_chain_of(world, relay));
    message.status.newest_time = model_time(message.status.newest);
    world_post_source(world, relay, source, &message);
}
