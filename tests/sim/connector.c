/* The model connector, its requests; blocks, with the calls in them; and what a proof would show. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "proofs/codec/keccak.h"
#include "tests/sim/parts.h"

static bool is_home(const struct world *world, uint16_t watch, uint16_t chain)
{
    return topology_log_home(&world->lanes[watch / 3], (uint8_t)(watch % 3 + 1)) == chain;
}

/* Real proofs are not built: what the model chain holds is what a proof would show. A source that lies about the header
 * proves what it likes, under a header that no other source names. */
void world_verify(struct world *world, struct relay_verify_job *job)
{
    struct connector_message message;
    uint8_t header[64], hash[32];
    const char *where = NULL;
    bool read = codec_connector_decode(&message, world->scratch, job->evidence, &where);
    assert(read && message.type == CONNECTOR_EVIDENCE && message.evidence.marks_len == job->places_len);
    model_header(&world->model, header, hash, job->chain, message.evidence.height, 0);
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
}

static void result_tell(struct world *world, const struct world_item *call, const uint8_t key[32],
                        enum connector_outcome outcome, const char *text)
{
    struct connector_message message = {.type = CONNECTOR_RESULT};
    memcpy(message.result.key, key, 32);
    message.result.result = (uint8_t)outcome;
    message.result.height = world->model.height[world_chain_of(world, call->relay)];
    message.result.text = codec_connector_text(text);
    const struct world_relay *relay = &world->relays[call->relay];
    if (relay->life == call->life && relay->sources[call->source].life == call->source_life)
        world_post_source(world, call->relay, call->source, &message);
}

void world_chain_block(struct world *world, uint16_t chain)
{
    if (world->chain_stalls[chain])
        return;
    model_block(&world->model, chain);
    while (world->calls[chain] != NULL && !world->calls_wait[chain]) {
        struct world_item *call = world->calls[chain];
        struct connector_message message;
        world->calls[chain] = call->next;
        bool read = codec_connector_decode(&message, world->scratch, (struct bytes){call->body, call->body_len}, NULL);
        assert(read);
        const char *why = model_submit(&world->model, chain, &message.submit);
        if (why != NULL)
            world->model.rejected++;
        result_tell(world, call, message.submit.key, why ? CONNECTOR_REJECTED : CONNECTOR_CONFIRMED, why ? why : "");
        world_item_free(world, call);
    }
    for (uint16_t relay = 0; relay < world->relays_len; relay++) {
        for (uint16_t source = 0; source < world->shape.sources; source++) {
            struct world_source *state = &world->relays[relay].sources[source];
            if (world_chain_of(world, relay) != chain || world->relays[relay].core == NULL || !state->up ||
                state->broken)
                continue;
            world_source_headers(world, relay, source, world_final_height(world, chain) - state->header_late);
            world_source_serve(world, relay, source);
            for (uint16_t watch = 0; watch < world->logs_len; watch++) {
                if (state->watched[watch])
                    world_source_position(world, relay, source, watch);
            }
        }
    }
}

void world_chain_reorganise(struct world *world, uint16_t chain, uint16_t depth, size_t lost[MODEL_LANES_MAX])
{
    model_reorganise(&world->model, chain, world->model.height[chain] - depth, lost);
}

/* Sources that told a header which is not there any more say so, and nothing else until they are started again. */
void world_lane_forget(struct world *world, uint16_t lane, uint64_t kept)
{
    struct connector_message message = {.type = CONNECTOR_NOTICE};
    message.notice = (struct connector_notice){CONNECTOR_NOTICE_FINALITY_BROKEN, codec_connector_text("model")};
    uint64_t height = model_forget(&world->model, lane, kept);
    for (uint16_t relay = 0; relay < world->relays_len; relay++) {
        for (uint16_t source = 0; source < world->shape.sources; source++) {
            struct world_source *state = &world->relays[relay].sources[source];
            if (world_chain_of(world, relay) != world->lanes[lane].source || !state->up || state->told <= height)
                continue;
            world_post_source(world, relay, source, &message);
            state->broken = true;
        }
    }
}

/* ---- requests ------------------------------------------------------------------------------------------------------- */

static bool holds(const struct model_log *log, const struct connector_subscribe *message)
{
    uint64_t n = message->from - 1;
    return n <= log->count && memcmp(message->running, n > 0 ? log->entries[n - 1].running : log->start, 32) == 0;
}

static void subscribe(struct world *world, uint16_t relay, struct world_source *state,
                      const struct connector_subscribe *message)
{
    uint16_t watch = (uint16_t)message->watch;
    assert(watch < world->logs_len && is_home(world, watch, world_chain_of(world, relay)));
    assert(memcmp(message->log, world->lanes[watch / 3].logs[watch % 3], 32) == 0);
    assert(memcmp(message->lane.id, world->lanes[watch / 3].id, 32) == 0);
    const struct model_log *log = model_log_of(&world->model, watch / 3, message->kind);
    const struct model_log *gone = &world->model.lanes[watch / 3].forgotten;
    bool differs = !holds(log, message);
    bool forgotten = differs && message->kind == PROOF_LOG_MESSAGE && gone->count > 0 && holds(gone, message);
    if (differs && !forgotten && !world->relays[relay].fooled)
        world_wrong(world, "relay %u subscribes to log %u behind %llu, which is not what the chain holds", relay, watch,
                    (unsigned long long)message->from - 1);
    state->subscriptions[watch] = (struct world_subscription){.active = !forgotten,
                                                              .due = true,
                                                              .next = message->from,
                                                              .credit = message->credit,
                                                              .proven = message->from - 1};
}

/* It says that the call is in a block, and keeps it. */
static void call_boast(struct world *world, uint16_t relay, uint16_t source, const struct connector_submit *submit)
{
    struct connector_message message = {.type = CONNECTOR_RESULT};
    memcpy(message.result.key, submit->key, 32);
    message.result.result = CONNECTOR_CONFIRMED;
    message.result.height = world->model.height[world_chain_of(world, relay)];
    world_post_source(world, relay, source, &message);
}

static void call_take(struct world *world, uint16_t relay, uint16_t source, const struct connector_submit *submit,
                      struct bytes whole)
{
    uint16_t chain = world_chain_of(world, relay);
    struct world_item **end = &world->calls[chain], *call = world_item_new(world, whole.len);
    call->relay = relay;
    call->source = source;
    call->life = world->relays[relay].life;
    call->source_life = world->relays[relay].sources[source].life;
    memcpy(call->body, whole.data, whole.len);
    while (*end != NULL)
        end = &(*end)->next;
    *end = call;
    result_tell(world, call, submit->key, CONNECTOR_SENT, "");
}

void world_source_take(struct world *world, uint16_t relay, uint16_t source, struct bytes bytes)
{
    struct world_source *state = &world->relays[relay].sources[source];
    struct connector_message message;
    bool read = codec_connector_decode(&message, world->scratch, bytes, NULL);
    assert(read);
    if (state->broken)
        return;
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
        world_source_position(world, relay, source, (uint16_t)message.position.watch);
    } else if (message.type == CONNECTOR_ASK_HEADER) {
        if (message.ask_header.height <= world_final_height(world, world_chain_of(world, relay)))
            world_source_headers(world, relay, source, message.ask_header.height);
    } else if (message.type == CONNECTOR_ASK_AGAIN) {
        struct world_subscription *subscription = &state->subscriptions[message.ask_again.watch];
        subscription->next = message.ask_again.from;
        subscription->proven = message.ask_again.from - 1;
        subscription->due = true;
    } else if (message.type == CONNECTOR_ASK_STATUS) {
        world_source_status(world, relay, source);
    } else {
        assert(message.type == CONNECTOR_SUBMIT);
        if (state->boasts)
            call_boast(world, relay, source, &message.submit);
        else
            call_take(world, relay, source, &message.submit, bytes);
    }
    if (message.type < CONNECTOR_SUBMIT)
        world_source_serve(world, relay, source);
}

void world_source_start(struct world *world, uint16_t relay, uint16_t source)
{
    struct world_source *state = &world->relays[relay].sources[source];
    if (state->down || state->up)
        return;
    *state = (struct world_source){.up = true,
                                   .branch = state->branch,
                                   .forges = state->forges,
                                   .withholds = state->withholds,
                                   .hides = state->hides,
                                   .invents = state->invents,
                                   .boasts = state->boasts,
                                   .header_late = state->header_late,
                                   .delay = state->delay,
                                   .ballast = state->ballast,
                                   .life = state->life};
    world_feed(world, relay, (struct relay_event){.type = RELAY_EVENT_SOURCE_UP, .source = source});
}
