/* Villains: what an operator signs, or a relay says, that is not so. Frames are well-formed and rightly signed, as a gate lets in. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim.h"
#include "topology/route.h"

enum { FORGED_MAX = 3, FLOOD_COUNT = 120, PAYLOAD_MAX = 4096 };

uint64_t sim_random(struct sim *sim, uint64_t below)
{
    sim->random ^= sim->random << 13;
    sim->random ^= sim->random >> 7;
    sim->random ^= sim->random << 17;
    return sim->random % below;
}

static void tell_all(struct sim *sim, uint16_t relay, const struct codec_pack *items, uint32_t count)
{
    struct world *world = sim->world;
    struct codec_pack body;
    struct proof_result result;
    codec_pack_init(&body, PROOF_FRAME_BODY_MAX);
    codec_pack_array(&body, count);
    codec_pack_raw(&body, codec_pack_bytes(items));
    bool formed = proof_items_check(codec_pack_bytes(&body), &result);
    assert(formed);
    for (uint16_t peer = 0; peer < world->relays_len; peer++) {
        if (topology_route_linked(&world->network, relay, peer))
            world_frame_send(world, relay, peer, codec_pack_bytes(&body), RELAY_EVENT_FRAME, 0);
    }
    codec_pack_fini(&body);
}

/* A lane whose log of this kind the operator of `relay` attests. */
static int lane_of(struct sim *sim, uint16_t relay, uint8_t kind)
{
    uint16_t chain = world_chain_of(sim->world, relay), first = (uint16_t)sim_random(sim, sim->world->shape.lanes);
    for (uint16_t i = 0; i < sim->world->shape.lanes; i++) {
        uint16_t lane = (uint16_t)((first + i) % sim->world->shape.lanes);
        if (topology_log_home(&sim->world->lanes[lane], kind) == chain)
            return lane;
    }
    return -1;
}

static void message_forge(struct sim *sim, struct codec_writer *writer, uint8_t item[32], uint16_t lane,
                          uint64_t number, uint32_t len)
{
    const struct world *world = sim->world;
    uint8_t commitment[32], payload[PAYLOAD_MAX] = {(uint8_t)sim_random(sim, 256), 1};
    struct proof_message message = {.sequence = number,
                                    .time = model_time(world->model.height[world->lanes[lane].source]),
                                    .suites = world->shape.suite,
                                    .commitments = commitment,
                                    .has_payload = true,
                                    .payload = {payload, len < PAYLOAD_MAX ? len : PAYLOAD_MAX}};
    message.deadline = message.time + 3600;
    proof_message_commitment(commitment, world->model.suite, message.salt, message.payload);
    proof_message_digest(item, world->model.suite, world->lanes[lane].id, &message);
    bool written = proof_message_write(writer, &message);
    assert(written);
}

static void outcome_forge(struct sim *sim, struct codec_writer *writer, uint8_t item[32], uint64_t sequence)
{
    struct proof_outcome outcome = {.sequence = sequence, .status = PROOF_OUTCOME_FAILED, .reason = 1};
    memset(outcome.digest, (int)(1 + sim_random(sim, 255)), 32);
    proof_outcome_entry(item, sim->world->model.suite, &outcome);
    bool written = proof_outcome_write(writer, &outcome);
    assert(written);
}

void sim_villain_forge(struct sim *sim, uint16_t relay, uint8_t kind, bool sign)
{
    struct world *world = sim->world;
    int lane = sign ? lane_of(sim, relay, kind) : (int)sim_random(sim, world->shape.lanes);
    if (lane < 0 || world->relays[relay].core == NULL)
        return;
    const struct model_log *log = model_log_of(&world->model, (uint16_t)lane, kind);
    uint64_t from =
        1 + (sim_random(sim, 3) ? log->count - (log->count ? sim_random(sim, log->count < 20 ? log->count : 20) : 0)
                                : sim_random(sim, log->count + 1));
    uint8_t bytes[FORGED_MAX * 512];
    struct codec_writer writer;
    struct codec_pack pack;
    struct proof_item range = {.type = PROOF_ITEM_RANGE};
    struct proof_head head = {.number = from};
    codec_writer_init(&writer, bytes, sizeof(bytes));
    memcpy(head.log, world->lanes[lane].logs[kind - 1], 32);
    memcpy(head.running, from > 1 ? log->entries[from - 2].running : log->start, 32);
    memcpy(range.range.log, head.log, 32);
    memcpy(range.range.before, head.running, 32);
    range.range.from = from;
    range.range.count = (uint16_t)(1 + sim_random(sim, FORGED_MAX));
    for (uint64_t n = from; n < from + range.range.count; n++) {
        uint8_t item[32];
        if (kind == PROOF_LOG_MESSAGE)
            message_forge(sim, &writer, item, (uint16_t)lane, n, 8);
        else
            outcome_forge(sim, &writer, item, n);
        proof_running_hash_extend(head.running, world->model.suite, (const uint8_t(*)[32])item, 1);
    }
    sim->spoilt[relay] = sim->spoilt[relay] || sign;
    head.number = from + range.range.count - 1;
    range.range.records = codec_writer_bytes(&writer);
    codec_pack_init(&pack, 1 << 20);
    if (sign)
        world_attest(world, relay, &pack, &head, 1);
    bool written = proof_item_write(&pack, &range);
    assert(written);
    tell_all(sim, relay, &pack, sign ? 2 : 1);
    codec_pack_fini(&pack);
}

void sim_villain_flood(struct sim *sim, uint16_t relay)
{
    struct world *world = sim->world;
    int lane = lane_of(sim, relay, PROOF_LOG_MESSAGE);
    if (lane < 0 || world->relays[relay].core == NULL)
        return;
    const struct model_log *log = &world->model.lanes[lane].messages;
    size_t cap = FLOOD_COUNT * (PROOF_MESSAGE_RECORD_BYTES(1, world->shape.payload_max) + 64);
    struct proof_head *head = &sim->flood[lane];
    struct proof_item range = {.type = PROOF_ITEM_RANGE};
    struct codec_writer writer;
    struct codec_pack pack;
    uint8_t *bytes = malloc(cap);
    codec_writer_init(&writer, bytes, cap);
    if (head->number <= log->count || sim_random(sim, 8) == 0) { /* a new branch, from the newest true head */
        head->number = log->count;
        memcpy(head->log, world->lanes[lane].logs[0], 32);
        memcpy(head->running, log->count > 0 ? log->entries[log->count - 1].running : log->start, 32);
    }
    range.range.from = head->number + 1;
    range.range.count = FLOOD_COUNT;
    memcpy(range.range.log, head->log, 32);
    memcpy(range.range.before, head->running, 32);
    for (unsigned i = 0; i < FLOOD_COUNT; i++) {
        uint8_t item[32];
        message_forge(sim, &writer, item, (uint16_t)lane, ++head->number, world->shape.payload_max);
        proof_running_hash_extend(head->running, world->model.suite, (const uint8_t(*)[32])item, 1);
    }
    range.range.records = codec_writer_bytes(&writer);
    sim->spoilt[relay] = true;
    codec_pack_init(&pack, 4 << 20);
    world_attest(world, relay, &pack, head, 1);
    bool written = proof_item_write(&pack, &range);
    assert(written);
    tell_all(sim, relay, &pack, 2);
    codec_pack_fini(&pack);
    free(bytes);
}

/* A certificate over one forged message, by one operator's two keys, of two epochs or of one: delivery is open to everybody. */
void sim_villain_call(struct sim *sim, uint16_t relay)
{
    struct world *world = sim->world;
    int lane = lane_of(sim, relay, PROOF_LOG_MESSAGE);
    if (lane < 0)
        return;
    const struct model_lane *model = &world->model.lanes[lane];
    uint16_t chain = world->lanes[lane].destination, keys = world->relays[relay].rotated ? 2 : world->shape.keys;
    const uint8_t *secrets[2] = {world->secrets[relay], world->spare_secrets[relay]};
    struct connector_submit submit = {.action = CONNECTOR_DELIVER, .from = model->accepted + 1, .count = 1};
    struct connector_attestation attestations[2];
    struct proof_leaf leaf = {.kind = PROOF_LEAF_HEAD, .head = {.number = model->accepted + 1}};
    uint8_t record[512], item[32], fields[PROOF_LEAF_HEAD_BYTES], hash[32], root[32], network[32], message[32];
    uint8_t signatures[2][64];
    struct codec_writer writer;
    codec_writer_init(&writer, record, sizeof(record));
    message_forge(sim, &writer, item, (uint16_t)lane, model->accepted + 1, 8);
    submit.records = codec_writer_bytes(&writer);
    memcpy(submit.lane.id, world->lanes[lane].id, 32);
    memcpy(leaf.head.log, world->lanes[lane].logs[0], 32);
    memcpy(leaf.head.running,
           model->accepted > 0 ? model_inbox_messages(model)->entries[model->accepted - 1].running
                               : model->messages.start,
           32);
    proof_running_hash_extend(leaf.head.running, world->model.suite, (const uint8_t(*)[32])item, 1);
    codec_writer_init(&writer, fields, sizeof(fields));
    bool written = proof_leaf_write(&writer, &leaf);
    assert(written);
    proof_leaf_hash(hash, world->model.suite, &leaf);
    proof_merkle_root(root, world->model.suite, &hash, 1);
    proof_network_id(network, world->model.suite, world->network.name);
    proof_signed_bytes(message, world->model.suite, network, root);
    for (size_t i = 0; i < keys; i++) {
        written = proof_signature_sign(signatures[i], world->model.suite, secrets[i], message);
        assert(written);
        attestations[i] = (struct connector_attestation){.signature = BYTES_OF(signatures[i])};
    }
    submit.certificate =
        (struct connector_certificate){.present = true,
                                       .epoch = world->epochs[chain].number + world->model.epoch[chain],
                                       .leaf_kind = PROOF_LEAF_HEAD,
                                       .fields = BYTES_OF(fields),
                                       .attestations = attestations,
                                       .attestations_len = keys};
    model_submit(&world->model, chain, &submit);
}

void sim_villain_boast(struct sim *sim, uint16_t relay)
{
    struct world *world = sim->world;
    struct proof_item item = {.type = PROOF_ITEM_HEARTBEAT};
    struct codec_pack pack, logs;
    if (world->relays[relay].core == NULL)
        return;
    codec_pack_init(&pack, 1 << 20);
    codec_pack_init(&logs, 1 << 20);
    for (size_t i = 0; i < world->network.logs_len; i++) {
        struct proof_item_log log = {.head = {.number = 1 + sim_random(sim, 1 << (1 + sim_random(sim, 30)))}};
        memcpy(log.head.log, world->network.logs[i].id, 32);
        memset(log.head.running, (int)(1 + sim_random(sim, 255)), 32);
        log.settled = sim_random(sim, log.head.number + 1);
        proof_pack_log(&logs, &log);
    }
    item.heartbeat.time = MODEL_EPOCH + world->now / 1000;
    item.heartbeat.document_version = sim_random(sim, 3);
    item.heartbeat.count = (uint16_t)world->network.logs_len;
    item.heartbeat.logs = codec_pack_bytes(&logs);
    item.heartbeat.root[0] = 1;
    bool written = proof_item_write(&pack, &item);
    assert(written);
    tell_all(sim, relay, &pack, 1);
    codec_pack_fini(&pack);
    codec_pack_fini(&logs);
}

void sim_villain_two_keys(struct sim *sim, uint16_t relay)
{
    struct world *world = sim->world;
    struct codec_pack pack;
    if (world->shape.keys < 2 || world->relays[relay].rotated || world->relays[relay].core == NULL)
        return;
    codec_pack_init(&pack, 1 << 20);
    for (uint16_t watch = 0; watch < world->logs_len; watch++) {
        const struct world_guard *guard = &world->relays[relay].guards[watch];
        struct proof_head head = {.number = guard->number};
        if (guard->number == 0)
            continue;
        memcpy(head.log, world->lanes[watch / 3].logs[watch % 3], 32);
        memcpy(head.running, guard->running, 32);
        codec_pack_clear(&pack);
        world_attest_with(world, world->spare_secrets[relay], &pack, &head, 1);
        tell_all(sim, relay, &pack, 1);
    }
    codec_pack_fini(&pack);
}
