/* The virtual signer of each operator: real keys, trees and signatures, a guard that outlives its relay. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "proofs/agreement.h"
#include "proofs/codec/keccak.h"
#include "tests/sim/parts.h"

static enum proof_suite suite_of(const struct world *world)
{
    return proof_suite_by_bit(world->shape.suite);
}

static void answer(struct world *world, uint16_t relay, const struct relay_signing_answer *out)
{
    size_t cap = out->body.len + 256;
    uint8_t *message = malloc(cap);
    size_t len = relay_signing_answer_write(message, cap, out);
    assert(len > 0);
    struct world_item *item = world_post(world, 1, WORLD_EVENT, relay, (struct bytes){message, len});
    item->event.type = RELAY_EVENT_SIGNED;
    free(message);
}

static void guard_tell(struct world *world, uint16_t relay, uint16_t watch, uint64_t id, bool last)
{
    struct relay_signing_answer out = {.type = RELAY_SIGNING_GUARD, .id = id, .last = last};
    if (!last) {
        const struct world_guard *guard = &world->relays[relay].guards[watch];
        memcpy(out.log, world->lanes[watch / 3].logs[watch % 3], 32);
        memcpy(out.running, guard->running, 32);
        out.number = guard->number;
    }
    answer(world, relay, &out);
}

void world_signer_start(struct world *world, uint16_t relay)
{
    struct world_relay *state = &world->relays[relay];
    if (state->signer_down || state->signer_up || world_chain_of(world, relay) == WORLD_CARRIER)
        return;
    state->signer_up = true;
    world_feed(world, relay, (struct relay_event){.type = RELAY_EVENT_SIGNER_UP});
    for (uint16_t watch = 0; watch < world->logs_len; watch++) {
        if (state->guards[watch].number > 0)
            guard_tell(world, relay, watch, 0, false);
    }
    guard_tell(world, relay, 0, 0, true);
}

void world_attest(struct world *world, uint16_t relay, struct codec_pack *pack, const struct proof_head *heads,
                  size_t count)
{
    world_attest_with(world, world->secrets[relay], pack, heads, count);
}

void world_attest_with(struct world *world, const uint8_t secret[32], struct codec_pack *pack,
                       const struct proof_head *heads, size_t count)
{
    const enum proof_suite SUITE = suite_of(world);
    uint8_t(*leaves)[32] = malloc(count * 32), network[32], message[32];
    struct proof_item item = {.type = PROOF_ITEM_ATTESTATION};
    struct proof_key key;
    struct codec_pack parts;
    codec_pack_init(&parts, 1 << 20);
    for (size_t i = 0; i < count; i++) {
        struct proof_path path;
        struct proof_item_leaf leaf = {.leaf = {.kind = PROOF_LEAF_HEAD, .head = heads[i]}};
        for (size_t j = 0; j < count; j++)
            proof_leaf_hash_head(leaves[j], SUITE, &heads[j]);
        bool led = proof_merkle_path(&path, SUITE, leaves, count, i);
        assert(led);
        leaf.path = (struct bytes){path.siblings[0], 32 * path.count};
        proof_pack_leaf(&parts, &leaf);
    }
    for (size_t j = 0; j < count; j++)
        proof_leaf_hash_head(leaves[j], SUITE, &heads[j]);
    proof_merkle_root(item.attestation.root, SUITE, leaves, count);
    proof_network_id(network, SUITE, world->network.name);
    proof_signed_bytes(message, SUITE, network, item.attestation.root);
    bool made = proof_key_from_secret(&key, SUITE, secret) &&
                proof_signature_sign(item.attestation.signature, SUITE, secret, message);
    assert(made);
    memcpy(item.attestation.key_id, key.id, 32);
    item.attestation.suite = SUITE;
    item.attestation.count = (uint16_t)count;
    item.attestation.leaves = codec_pack_bytes(&parts);
    bool written = proof_item_write(pack, &item);
    assert(written);
    codec_pack_fini(&parts);
    free(leaves);
}

/* What the evidence proves of a log: the chain's state, or, under a header that the chain never had, what its source likes. */
static void proven(uint8_t running[32], const struct world *world, uint16_t relay,
                   const struct connector_evidence *evidence, uint16_t watch)
{
    uint8_t header[64], hash[32], shown[32];
    model_header(&world->model, header, hash, world_chain_of(world, relay), evidence->height, 0);
    codec_keccak256(shown, evidence->header);
    model_stands(&world->model, watch / 3, (uint8_t)(watch % 3 + 1), evidence->height, running);
    for (size_t i = 0; memcmp(hash, shown, 32) != 0 && i < evidence->marks_len; i++) {
        if (evidence->marks[i].watch == watch)
            memcpy(running, evidence->marks[i].running, 32);
    }
}

/* The signer looks at the statements for itself, with the same code as the core. */
static bool sources_agree(const struct world *world, uint16_t relay, const struct relay_signing_request *request,
                          const struct connector_evidence *evidence)
{
    struct proof_agreement_source sources[WORLD_SOURCES_MAX];
    struct proof_agreement_statement statements[RELAY_SOURCES_MAX];
    struct proof_agreement_fact fact;
    struct proof_result result;
    uint16_t chain = world_chain_of(world, relay);
    struct bytes identity = BYTES_OF(world->chains[chain].identity);
    struct proof_agreement_trust trust = {identity, sources, world->shape.sources, world->shape.demanded};
    uint8_t shown[32];
    codec_keccak256(shown, evidence->header);
    for (uint16_t i = 0; i < world->shape.sources; i++) {
        const struct relay_source *source = &world->sources[chain][i];
        sources[i] = (struct proof_agreement_source){codec_connector_text(source->operator_tag),
                                                     codec_connector_text(source->network_tag),
                                                     codec_connector_text(source->software_tag)};
    }
    for (size_t i = 0; i < request->statements_len; i++) {
        statements[i] = (struct proof_agreement_statement){
            .source = request->statements[i].source, .chain = identity, .height = evidence->height};
        memcpy(statements[i].header_hash, request->statements[i].header_hash, 32);
    }
    return proof_agreement_verify(&result, &fact, &trust, evidence->height, statements, request->statements_len) ==
               PROOF_VALID &&
           memcmp(fact.header_hash, shown, 32) == 0;
}

/* The heads of one log that can be signed, as relay/core/signing.h says; how many, or -1 with the guard told. */
static int judge(struct world *world, uint16_t relay, const struct relay_signing_log *log,
                 const struct connector_evidence *evidence, struct proof_head *heads)
{
    const enum proof_suite SUITE = suite_of(world);
    uint8_t kind = 0, running[32], truth[32];
    int lane = topology_lane_by_log(&world->network, log->log, &kind);
    assert(lane >= 0);
    uint16_t watch = (uint16_t)(lane * 3 + kind - 1);
    struct world_guard *guard = &world->relays[relay].guards[watch];
    const uint8_t *start = world->lanes[lane].logs[kind == PROOF_LOG_SETTLEMENT ? 1 : kind - 1];
    uint64_t top =
        log->from + log->count - 1; /* a source's word for the number counts for nothing, as in the real one */
    bool shown = false;
    int count = 0;
    if (guard->number == 0)
        memcpy(guard->running, start, 32);
    if (log->from > guard->number + 1 || top < guard->number)
        return -1;
    memcpy(running, log->from == guard->number + 1 ? guard->running : log->prior, 32);
    for (size_t i = 0; i < evidence->marks_len; i++)
        shown = shown || evidence->marks[i].watch == watch;
    assert(shown);
    uint32_t at = 0;
    for (uint64_t n = log->from - 1;; n++) {
        if (n == guard->number && memcmp(running, guard->running, 32) != 0)
            return -1;
        while (at < log->heads_len && log->heads[at] < n)
            at++;
        if (at < log->heads_len && log->heads[at] == n && n > 0) {
            heads[count] = (struct proof_head){.number = n};
            memcpy(heads[count].log, log->log, 32);
            memcpy(heads[count++].running, running, 32);
        }
        if (n == top)
            break;
        proof_running_hash_extend(running, SUITE, (const uint8_t(*)[32])(log->items.data + 32 * (n + 1 - log->from)),
                                  1);
    }
    proven(truth, world, relay, evidence, watch);
    if (memcmp(running, truth, 32) != 0 && world->relays[relay].fooled)
        return -1; /* its guard stands on another branch than what its sources show now */
    if (memcmp(running, truth, 32) != 0) {
        world_wrong(world, "relay %u asks its signer for a head of lane %d that its evidence does not show", relay,
                    lane);
        return -1;
    }
    for (int i = 0; i < count && world->watcher.signed_head != NULL; i++)
        world->watcher.signed_head(world->watcher.context, relay, &heads[i]);
    if (count > 0 && heads[count - 1].number > guard->number) {
        guard->number = heads[count - 1].number;
        memcpy(guard->running, heads[count - 1].running, 32);
    }
    return count;
}

void world_sign(struct world *world, uint16_t relay, struct bytes bytes)
{
    struct relay_signing_statement statements[RELAY_SOURCES_MAX];
    struct relay_signing_log *logs = malloc(RELAY_SIGNING_LOGS_MAX * sizeof(*logs));
    struct proof_head *heads = malloc(RELAY_SIGNING_LOGS_MAX * RELAY_SIGNING_HEADS_MAX * sizeof(*heads));
    struct relay_signing_request request;
    struct connector_message message;
    size_t total = 0;
    bool read = relay_signing_request_read(&request, statements, logs, bytes) &&
                codec_connector_decode(&message, world->scratch, request.evidence, NULL);
    assert(read && message.type == CONNECTOR_EVIDENCE);
    if (!sources_agree(world, relay, &request, &message.evidence))
        world_wrong(world, "relay %u asks its signer for a head on which its sources do not agree", relay);
    for (size_t i = 0; i < request.logs_len; i++) {
        int count = judge(world, relay, &logs[i], &message.evidence, heads + total);
        if (count < 0) {
            uint8_t kind = 0;
            int lane = topology_lane_by_log(&world->network, logs[i].log, &kind);
            struct relay_signing_answer refusal = {
                .type = RELAY_SIGNING_REFUSAL, .id = request.id, .body = codec_connector_text("not-at-guard")};
            memcpy(refusal.log, logs[i].log, 32);
            guard_tell(world, relay, (uint16_t)(lane * 3 + kind - 1), request.id, false);
            answer(world, relay, &refusal);
            continue;
        }
        total += (size_t)count;
    }
    struct relay_signing_answer out = {
        .type = RELAY_SIGNING_REFUSAL, .id = request.id, .last = true, .body = codec_connector_text("nothing-to-sign")};
    struct codec_pack pack;
    codec_pack_init(&pack, 1 << 20);
    for (size_t at = 0; at < total; at += PROOF_ITEM_LEAVES_MAX) {
        size_t count = total - at < PROOF_ITEM_LEAVES_MAX ? total - at : PROOF_ITEM_LEAVES_MAX;
        codec_pack_clear(&pack);
        world_attest(world, relay, &pack, heads + at, count);
        world->relays[relay].signatures++;
        out = (struct relay_signing_answer){.type = RELAY_SIGNING_ATTESTATION,
                                            .id = request.id,
                                            .last = at + count == total,
                                            .body = codec_pack_bytes(&pack)};
        if (!world->relays[relay].lose_answers)
            answer(world, relay, &out);
    }
    if (total == 0)
        answer(world, relay, &out);
    codec_pack_fini(&pack);
    free(heads);
    free(logs);
}
