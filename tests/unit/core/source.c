/* The model connector: one for each source of each relay, by docs/connector-protocol.md. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "proofs/codec/keccak.h"
#include "tests/unit/core/world.h"

enum { RECORDS_AT_ONCE = 100, VALUE_AT = 13 }; /* VALUE_AT: a field of a message record, docs/formats.md section 3 */

static uint64_t final_height(const struct world *world, uint16_t chain)
{
    return world->model.height[chain] - MODEL_FINALITY;
}

static bool is_home(const struct world *world, uint16_t watch, uint16_t chain)
{
    return topology_log_home(&world->lanes[watch / 3], (uint8_t)(watch % 3 + 1)) == chain;
}

/* ---- evidence ------------------------------------------------------------------------------------------------------ */

static void evidence_send(struct world *world, uint16_t relay, uint16_t source, uint64_t height,
                          const uint16_t *watches, size_t count)
{
    static const uint8_t NODE[] = {0xc1, 0x80};
    const struct bytes node = BYTES_OF(NODE);
    uint16_t chain = world_chain_of(relay);
    struct connector_slot slots[WORLD_LOGS];
    struct connector_mark marks[WORLD_LOGS];
    uint8_t header[64], hash[32];
    struct connector_message message = {.type = CONNECTOR_EVIDENCE};
    message.evidence = (struct connector_evidence){
        .kind = CONNECTOR_EVIDENCE_SLOT,
        .height = height,
        .header = model_header(header, hash, chain, height, world->relays[relay].sources[source].branch),
        .items = &node,
        .items_len = 1,
        .slots = slots,
        .slots_len = count,
        .marks = marks,
        .marks_len = count};
    for (size_t i = 0; i < count; i++) {
        uint8_t kind = (uint8_t)(watches[i] % 3 + 1);
        slots[i] = (struct connector_slot){.nodes = &node, .nodes_len = 1};
        marks[i].watch = watches[i];
        marks[i].number = model_stands(&world->model, watches[i] / 3, kind, height, marks[i].running);
        memcpy(message.evidence.account,
               kind == PROOF_LOG_OUTCOME ? world->chains[chain].inbox : world->chains[chain].outbox, 32);
    }
    world_post_source(world, relay, source, &message);
}

/* Real proofs are not built: what the model chain holds is what a proof would show. A source that lies about the header
 * proves what it likes, under a header that no other source names. */
void world_verify(struct world *world, struct relay_verify_job *job)
{
    struct connector_scratch *scratch = malloc(sizeof(*scratch));
    struct connector_message message;
    uint8_t header[64], hash[32];
    const char *where = NULL;
    bool read = codec_connector_decode(&message, scratch, job->evidence, &where);
    assert(read && message.type == CONNECTOR_EVIDENCE && message.evidence.marks_len == job->places_len);
    model_header(header, hash, job->chain, message.evidence.height, 0);
    job->fact = (struct proof_eth_evidence_fact){
        .height = message.evidence.height, .time = model_time(message.evidence.height), .logs_len = job->places_len};
    codec_keccak256(job->fact.header_hash, message.evidence.header);
    bool truth = memcmp(hash, job->fact.header_hash, 32) == 0;
    for (size_t i = 0; i < job->places_len; i++) {
        uint8_t kind = 0;
        int lane = topology_lane_by_log(&world->network, job->places[i].log, &kind);
        assert(lane >= 0 && kind == job->places[i].kind);
        memcpy(job->fact.logs[i].log, job->places[i].log, 32);
        job->fact.logs[i].kind = kind;
        if (truth)
            model_stands(&world->model, (uint16_t)lane, kind, job->fact.height, job->fact.logs[i].running);
        else
            memcpy(job->fact.logs[i].running, message.evidence.marks[i].running, 32);
    }
    job->result = (struct proof_result){PROOF_REASON_VALID, 0};
    job->verdict = PROOF_VALID;
    if (world->false_proofs) {
        job->result = (struct proof_result){PROOF_REASON_MPT_NODE_HASH, 3};
        job->verdict = PROOF_INVALID;
    }
    free(scratch);
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
        uint8_t *forged = NULL;
        if (world->relays[relay].sources[source].forges && watch % 3 + 1 == PROOF_LOG_MESSAGE) {
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

/* Sends what credit and finality allow, whole blocks of it; the height whose state is exactly what was sent, 0 none. */
static uint64_t step(struct world *world, uint16_t relay, uint16_t source, uint16_t watch)
{
    struct world_subscription *subscription = &world->relays[relay].sources[source].subscriptions[watch];
    const struct model_log *log = model_log_of(&world->model, watch / 3, (uint8_t)(watch % 3 + 1));
    uint64_t final = final_height(world, world_chain_of(relay)), height = final;
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
    return to + 1 == subscription->next ? height : 0;
}

static void serve(struct world *world, uint16_t relay, uint16_t source)
{
    uint64_t heights[WORLD_LOGS] = {0};
    for (uint16_t watch = 0; watch < WORLD_LOGS; watch++) {
        if (world->relays[relay].sources[source].subscriptions[watch].active)
            heights[watch] = step(world, relay, source, watch);
    }
    for (unsigned contract = 0; contract < 2; contract++) {
        for (uint16_t watch = 0; watch < WORLD_LOGS; watch++) {
            uint16_t watches[WORLD_LOGS];
            size_t count = 0;
            uint64_t height = heights[watch];
            for (uint16_t other = watch; height != 0 && other < WORLD_LOGS; other++) {
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

static void position_tell(struct world *world, uint16_t relay, uint16_t source, uint16_t watch)
{
    struct world_source *state = &world->relays[relay].sources[source];
    const struct model_lane *lane = &world->model.lanes[watch / 3];
    uint16_t chain = world_chain_of(relay);
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
               lane->accepted ? lane->messages.entries[lane->accepted - 1].running : lane->messages.start, 32);
    } else {
        position->accepted = lane->taken_len ? lane->taken[lane->taken_len - 1].number : 0;
        memcpy(position->running,
               position->accepted ? lane->outcomes.entries[position->accepted - 1].running : lane->outcomes.start, 32);
    }
    if (state->told_accepted[watch] == position->accepted && state->told_decided[watch] == position->decided)
        return;
    state->told_accepted[watch] = position->accepted;
    state->told_decided[watch] = position->decided;
    world_post_source(world, relay, source, &message);
}

static void header_tell(struct world *world, uint16_t relay, uint16_t source, uint64_t height)
{
    struct connector_message message = {.type = CONNECTOR_HEADER};
    uint8_t header[64];
    message.header.height = height;
    message.header.time = model_time(height);
    message.header.header = model_header(header, message.header.hash, world_chain_of(relay), height,
                                         world->relays[relay].sources[source].branch);
    world_post_source(world, relay, source, &message);
}

static void status_tell(struct world *world, uint16_t relay, uint16_t source)
{
    struct connector_message message = {.type = CONNECTOR_STATUS};
    message.status.newest = world->model.height[world_chain_of(relay)];
    message.status.final_height = final_height(world, world_chain_of(relay));
    message.status.newest_time = model_time(message.status.newest);
    world_post_source(world, relay, source, &message);
}

static void result_tell(struct world *world, const struct world_item *call, const uint8_t key[32],
                        enum connector_outcome outcome, const char *text)
{
    struct connector_message message = {.type = CONNECTOR_RESULT};
    memcpy(message.result.key, key, 32);
    message.result.result = (uint8_t)outcome;
    message.result.height = world->model.height[world_chain_of(call->relay)];
    message.result.text = codec_connector_text(text);
    const struct world_relay *relay = &world->relays[call->relay];
    if (relay->life == call->life && relay->sources[call->source].life == call->source_life)
        world_post_source(world, call->relay, call->source, &message);
}

void world_chain_block(struct world *world, uint16_t chain)
{
    struct connector_scratch *scratch = malloc(sizeof(*scratch));
    world->model.height[chain]++;
    while (world->calls[chain] != NULL) {
        struct world_item *call = world->calls[chain];
        struct connector_message message;
        world->calls[chain] = call->next;
        bool read = codec_connector_decode(&message, scratch, (struct bytes){call->body, call->body_len}, NULL);
        assert(read);
        const char *why = model_submit(&world->model, chain, &message.submit);
        if (why != NULL)
            world->model.rejected++;
        result_tell(world, call, message.submit.key, why ? CONNECTOR_REJECTED : CONNECTOR_CONFIRMED, why ? why : "");
        world_item_free(call);
    }
    free(scratch);
    for (uint16_t relay = 0; relay < WORLD_RELAYS; relay++) {
        for (uint16_t source = 0; relay != WORLD_MIDDLE && source < WORLD_SOURCES; source++) {
            struct world_source *state = &world->relays[relay].sources[source];
            if (world_chain_of(relay) != chain || world->relays[relay].core == NULL || !state->up)
                continue;
            header_tell(world, relay, source, final_height(world, chain));
            serve(world, relay, source);
            for (uint16_t watch = 0; watch < WORLD_LOGS; watch++) {
                if (state->watched[watch])
                    position_tell(world, relay, source, watch);
            }
        }
    }
}

/* ---- requests ------------------------------------------------------------------------------------------------------- */

static void subscribe(struct world *world, uint16_t relay, struct world_source *state,
                      const struct connector_subscribe *message)
{
    uint16_t watch = (uint16_t)message->watch;
    assert(watch < WORLD_LOGS && is_home(world, watch, world_chain_of(relay)));
    assert(memcmp(message->log, world->lanes[watch / 3].logs[watch % 3], 32) == 0);
    assert(memcmp(message->lane.id, world->lanes[watch / 3].id, 32) == 0);
    const struct model_log *log = model_log_of(&world->model, watch / 3, message->kind);
    assert(message->from - 1 <= log->count);
    assert(memcmp(message->running, message->from > 1 ? log->entries[message->from - 2].running : log->start, 32) == 0);
    state->subscriptions[watch] = (struct world_subscription){
        .active = true, .due = true, .next = message->from, .credit = message->credit, .proven = message->from - 1};
}

static void call_take(struct world *world, uint16_t relay, uint16_t source, const struct connector_submit *submit,
                      struct bytes whole)
{
    uint16_t chain = world_chain_of(relay);
    struct world_item **end = &world->calls[chain], *call = calloc(1, sizeof(*call));
    call->relay = relay;
    call->source = source;
    call->life = world->relays[relay].life;
    call->source_life = world->relays[relay].sources[source].life;
    call->body = malloc(whole.len);
    memcpy(call->body, whole.data, whole.len);
    call->body_len = whole.len;
    while (*end != NULL)
        end = &(*end)->next;
    *end = call;
    result_tell(world, call, submit->key, CONNECTOR_SENT, "");
}

void world_source_take(struct world *world, uint16_t relay, uint16_t source, struct bytes bytes)
{
    struct world_source *state = &world->relays[relay].sources[source];
    struct connector_scratch *scratch = malloc(sizeof(*scratch));
    struct connector_message message;
    bool read = codec_connector_decode(&message, scratch, bytes, NULL);
    assert(read);
    if (message.type == CONNECTOR_SUBSCRIBE) {
        subscribe(world, relay, state, &message.subscribe);
    } else if (message.type == CONNECTOR_CREDIT) {
        state->subscriptions[message.credit.watch].credit += message.credit.bytes;
        state->subscriptions[message.credit.watch].short_told = false;
    } else if (message.type == CONNECTOR_UNSUBSCRIBE) {
        state->subscriptions[message.unsubscribe.watch].active = false;
    } else if (message.type == CONNECTOR_POSITION) {
        state->watched[message.position.watch] = true;
        state->told_accepted[message.position.watch] = UINT64_MAX;
        position_tell(world, relay, source, (uint16_t)message.position.watch);
    } else if (message.type == CONNECTOR_ASK_HEADER) {
        if (message.ask_header.height <= final_height(world, world_chain_of(relay)))
            header_tell(world, relay, source, message.ask_header.height);
    } else if (message.type == CONNECTOR_ASK_AGAIN) {
        struct world_subscription *subscription = &state->subscriptions[message.ask_again.watch];
        subscription->next = message.ask_again.from;
        subscription->proven = message.ask_again.from - 1;
        subscription->due = true;
    } else if (message.type == CONNECTOR_ASK_STATUS) {
        status_tell(world, relay, source);
    } else {
        assert(message.type == CONNECTOR_SUBMIT);
        call_take(world, relay, source, &message.submit, bytes);
    }
    if (message.type < CONNECTOR_SUBMIT)
        serve(world, relay, source);
    free(scratch);
}

void world_source_start(struct world *world, uint16_t relay, uint16_t source)
{
    struct world_source *state = &world->relays[relay].sources[source];
    if (state->down || state->up)
        return;
    *state = (struct world_source){.up = true, .branch = state->branch, .forges = state->forges, .life = state->life};
    world_feed(world, relay, (struct relay_event){.type = RELAY_EVENT_SOURCE_UP, .source = source});
}
