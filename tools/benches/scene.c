/* The scene of the benches: everything is derived from fixed numbers, so that runs compare. */
#include "tools/benches/scene.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "proofs/codec/sodium.h"
#include "proofs/leaf.h"
#include "relay/store/keys.h"

static const enum proof_suite suite = PROOF_SUITE_KECCAK256_SECP256K1;

void scene_die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("bench: ", stderr);
    vfprintf(stderr, format, args);
    fputs("\n", stderr);
    va_end(args);
    exit(1);
}

void scene_end(int status)
{
    fflush(stdout);
    _exit(status);
}

uint64_t scene_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

static void network_fill(struct scene *scene)
{
    struct topology_network *network = &scene->network;
    snprintf(network->name, sizeof(network->name), "bench");
    snprintf(scene->zone.name, sizeof(scene->zone.name), "one");
    snprintf(scene->operator.name, sizeof(scene->operator.name), "alpha");
    scene->operator.number = 1;
    for (int i = 0; i < 2; i++) {
        struct topology_chain *chain = &scene->chains[i];
        snprintf(chain->id, sizeof(chain->id), "eip155:%d", 31337 + i);
        snprintf(chain->family, sizeof(chain->family), "evm");
        memset(chain->genesis, 0x11 * (i + 1), 32);
        chain->suite = (uint8_t)suite;
        chain->sources = 2;
        chain->outbox[31] = chain->inbox[31] = chain->registry[31] = (uint8_t)(i + 1);
        snprintf(scene->relays[i].name, sizeof(scene->relays[i].name), "relay-%d", i);
        memset(scene->seeds[i], 0x21 + i, 32);
        if (!codec_sodium_ed25519_public(scene->relays[i].key, scene->seeds[i]))
            scene_die("no key");
    }
    scene->link = (struct topology_link){0, 1};
    scene->lane = (struct topology_lane){.destination = 1,
                                         .mode = PROOF_MODE_ORDERED | PROOF_MODE_RETRY,
                                         .generation = 1,
                                         .suites = (uint8_t)suite,
                                         .evidence = 1,
                                         .window = 64 << 20,
                                         .payload_max = SCENE_PAYLOAD_MAX,
                                         .longest_life = 86400};
    snprintf(scene->lane.name, sizeof(scene->lane.name), "bench");
    scene->lane.sender[31] = scene->lane.receiver[31] = 9;
    network->operators = &scene->operator;
    network->chains = scene->chains;
    network->zones = &scene->zone;
    network->relays = scene->relays;
    network->links = &scene->link;
    network->lanes = &scene->lane;
    network->chains_len = network->relays_len = 2;
    network->operators_len = network->zones_len = network->links_len = network->lanes_len = 1;
    if (!topology_network_index(network))
        scene_die("no memory");
}

void scene_init(struct scene *scene, size_t payload)
{
    static uint8_t bytes[SCENE_PAYLOAD_MAX];
    uint8_t commitment[32];
    struct codec_writer writer;
    memset(scene, 0, sizeof(*scene));
    network_fill(scene);
    memset(scene->secret, 0x51, 32);
    if (!proof_key_from_secret(&scene->key, suite, scene->secret) ||
        !proof_network_id(scene->network_keccak, suite, scene->network.name))
        scene_die("no signing key");
    scene->record_bytes = PROOF_MESSAGE_RECORD_BYTES(1, payload);
    scene->records = malloc(SCENE_POOL * scene->record_bytes);
    if (scene->records == NULL || payload > sizeof(bytes))
        scene_die("no memory, or a payload over %d bytes", SCENE_PAYLOAD_MAX);
    uint64_t random = 0x9e3779b97f4a7c15u;
    codec_writer_init(&writer, scene->records, SCENE_POOL * scene->record_bytes);
    for (uint64_t i = 0; i < SCENE_POOL; i++) {
        for (size_t j = 0; j < payload; j++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            bytes[j] = (uint8_t)(random >> 56);
        }
        struct proof_message message = {.sequence = 1 + i,
                                        .time = 1700000000,
                                        .deadline = 1700001000,
                                        .suites = (uint8_t)suite,
                                        .commitments = commitment,
                                        .has_payload = true,
                                        .payload = {bytes, payload}};
        memcpy(message.salt, &random, sizeof(random));
        proof_message_commitment(commitment, suite, message.salt, message.payload);
        if (!proof_message_write(&writer, &message))
            scene_die("a record does not fit");
    }
}

void scene_records(uint8_t *out, const struct scene *scene, uint64_t from, size_t count)
{
    size_t first = (size_t)(from % SCENE_POOL);
    size_t run = count < SCENE_POOL - first ? count : SCENE_POOL - first;
    memcpy(out, scene->records + first * scene->record_bytes, run * scene->record_bytes);
    if (run < count)
        memcpy(out + run * scene->record_bytes, scene->records, (count - run) * scene->record_bytes);
}

bool scene_extend(struct proof_head *head, const struct scene *scene, struct bytes records, size_t count)
{
    struct proof_message messages[PROOF_RANGE_MAX];
    uint8_t digests[PROOF_RANGE_MAX][32];
    struct proof_result result;
    struct codec_reader reader;
    size_t at;
    if (count > PROOF_RANGE_MAX)
        return false;
    codec_reader_init(&reader, records);
    for (size_t i = 0; i < count; i++)
        if (!proof_message_read(&messages[i], &reader, head->number + 1 + i, SCENE_PAYLOAD_MAX, &result))
            return false;
    if (!codec_reader_done(&reader) || !proof_message_commitments_check(messages, count, suite, &at))
        return false;
    proof_message_digests(digests, suite, scene->lane.id, messages, count);
    return proof_head_extend(head, suite, (const uint8_t(*)[32])digests, count);
}

/* ---- frames --------------------------------------------------------------------------------------------------------- */

static void sign(struct scene_frame *frame, const struct scene *scene)
{
    uint8_t leaves[SCENE_RANGES_MAX][32], signed_bytes[32];
    for (size_t i = 0; i < frame->ranges; i++) {
        for (size_t j = 0; j < frame->ranges; j++)
            proof_leaf_hash_head(leaves[j], suite, &frame->heads[j + 1]);
        if (!proof_merkle_path(&frame->paths[i], suite, leaves, frame->ranges, i)) /* overwrites the leaves */
            scene_die("no path");
    }
    for (size_t j = 0; j < frame->ranges; j++)
        proof_leaf_hash_head(leaves[j], suite, &frame->heads[j + 1]);
    proof_merkle_root(frame->root, suite, leaves, frame->ranges);
    proof_signed_bytes(signed_bytes, suite, scene->network_keccak, frame->root);
    if (!proof_signature_sign(frame->signature, suite, scene->secret, signed_bytes))
        scene_die("cannot sign");
}

void scene_frame_make(struct scene_frame *frame, struct proof_head *head, const struct scene *scene, uint8_t *buffer,
                      size_t count)
{
    scene_records(buffer, scene, head->number, count);
    frame->ranges = 0;
    frame->heads[0] = *head;
    for (size_t done = 0; done < count; frame->ranges++) {
        /* Ranges end at multiples of 256, as the heads that every operator signs. */
        size_t room = PROOF_RANGE_MAX - (size_t)(head->number % PROOF_RANGE_MAX);
        size_t some = count - done < room ? count - done : room;
        if (frame->ranges == SCENE_RANGES_MAX)
            scene_die("too many messages for a frame");
        frame->records[frame->ranges] = (struct bytes){buffer + done * scene->record_bytes, some * scene->record_bytes};
        if (!scene_extend(head, scene, frame->records[frame->ranges], some))
            scene_die("own records are refused");
        frame->heads[frame->ranges + 1] = *head;
        done += some;
    }
    sign(frame, scene);
}

void scene_frame_pack(struct codec_pack *pack, const struct scene_frame *frame, const struct scene *scene)
{
    struct codec_pack leaves;
    struct proof_item signature = {.type = PROOF_ITEM_ATTESTATION,
                                   .attestation = {.suite = suite, .count = (uint16_t)frame->ranges}};
    codec_pack_init(&leaves, 1u << 16);
    for (size_t i = 0; i < frame->ranges; i++) {
        struct proof_item_leaf leaf = {.leaf = {.kind = PROOF_LEAF_HEAD, .head = frame->heads[i + 1]},
                                       .path = {frame->paths[i].siblings[0], 32 * frame->paths[i].count}};
        proof_pack_leaf(&leaves, &leaf);
    }
    memcpy(signature.attestation.key_id, scene->key.id, 32);
    memcpy(signature.attestation.root, frame->root, 32);
    memcpy(signature.attestation.signature, frame->signature, 64);
    signature.attestation.leaves = codec_pack_bytes(&leaves);
    codec_pack_clear(pack);
    codec_pack_array(pack, 1 + (uint32_t)frame->ranges);
    bool fits = proof_item_write(pack, &signature);
    for (size_t i = 0; i < frame->ranges; i++) {
        struct proof_item range = {.type = PROOF_ITEM_RANGE,
                                   .range = {.from = frame->heads[i].number + 1,
                                             .count = (uint16_t)(frame->heads[i + 1].number - frame->heads[i].number),
                                             .records = frame->records[i]}};
        memcpy(range.range.log, frame->heads[i].log, 32);
        memcpy(range.range.before, frame->heads[i].running, 32);
        fits = fits && proof_item_write(pack, &range);
    }
    codec_pack_fini(&leaves);
    if (!fits)
        scene_die("a frame does not fit");
}

/* Checks the signature once, and each leaf's path to its root; notes the heads that it covers. */
static bool take_attestation(struct scene_frame *frame, struct proof_head heads[SCENE_RANGES_MAX],
                             const struct scene *scene, const struct proof_item_attestation *item)
{
    struct proof_item_parts parts;
    struct proof_item_leaf leaf;
    struct proof_attestation attestation;
    struct proof_result result;
    uint8_t hash[32];
    size_t count = 0;
    proof_item_leaves_init(&parts, item);
    while (proof_item_leaves_next(&leaf, &parts)) {
        if (item->suite != suite || leaf.leaf.kind != PROOF_LEAF_HEAD || count == SCENE_RANGES_MAX)
            return false;
        proof_leaf_hash(hash, suite, &leaf.leaf);
        proof_item_attestation_of(&attestation, item, &leaf);
        enum proof_verdict verdict =
            count == 0 ? proof_attestation_verify(&attestation, &scene->key, scene->network_keccak, hash, &result)
                       : proof_merkle_verify(suite, item->root, hash, leaf.path, &result);
        if (verdict != PROOF_VALID)
            return false;
        memcpy(frame->paths[count].siblings, leaf.path.data, leaf.path.len);
        frame->paths[count].count = leaf.path.len / 32;
        heads[count++] = leaf.leaf.head;
    }
    memcpy(frame->root, item->root, 32);
    memcpy(frame->signature, item->signature, 64);
    return true;
}

bool scene_frame_take(struct scene_frame *frame, struct proof_head *head, const struct scene *scene, struct bytes body)
{
    struct proof_frame borrowed = {.body = body};
    struct proof_head signed_heads[SCENE_RANGES_MAX] = {{.number = 0}}, next = *head;
    struct proof_items items;
    struct proof_item item;
    frame->ranges = 0;
    frame->gap = false;
    frame->heads[0] = *head;
    proof_items_init(&items, &borrowed);
    while (proof_items_next(&item, &items)) {
        if (item.type == PROOF_ITEM_ATTESTATION && !take_attestation(frame, signed_heads, scene, &item.attestation))
            return false;
        if (item.type != PROOF_ITEM_RANGE)
            continue;
        const struct proof_item_range *range = &item.range;
        if (frame->ranges == 0 && range->from != next.number + 1) {
            frame->gap = range->from > next.number + 1;
            return true; /* lost before it, or here already */
        }
        if (frame->ranges == SCENE_RANGES_MAX || range->from != next.number + 1 ||
            memcmp(range->before, next.running, 32) != 0 || !scene_extend(&next, scene, range->records, range->count) ||
            !proof_head_equal(&next, &signed_heads[frame->ranges]))
            return false;
        frame->records[frame->ranges++] = range->records;
        frame->heads[frame->ranges] = next;
    }
    *head = next;
    return true;
}

void scene_ask_pack(struct codec_pack *pack, const struct scene *scene, uint64_t from)
{
    struct proof_item item = {.type = PROOF_ITEM_ASK, .ask = {.from = from, .to = from, .max_bytes = 1u << 20}};
    memcpy(item.ask.log, scene->lane.logs[0], 32);
    codec_pack_clear(pack);
    codec_pack_array(pack, 1);
    if (!proof_item_write(pack, &item))
        scene_die("a request does not fit");
}

bool scene_ask_take(uint64_t *from, struct bytes body)
{
    struct proof_frame frame = {.body = body};
    struct proof_items items;
    struct proof_item item;
    proof_items_init(&items, &frame);
    if (!proof_items_next(&item, &items) || item.type != PROOF_ITEM_ASK)
        return false;
    *from = item.ask.from;
    return true;
}

void scene_told_pack(struct codec_pack *pack, const struct proof_head *head)
{
    struct codec_pack logs;
    struct proof_item item = {.type = PROOF_ITEM_HEARTBEAT, .heartbeat = {.time = 1700000000, .document_version = 1}};
    struct proof_item_log log = {.head = *head};
    codec_pack_init(&logs, 1024);
    proof_pack_log(&logs, &log);
    item.heartbeat.count = 1;
    item.heartbeat.logs = codec_pack_bytes(&logs);
    codec_pack_clear(pack);
    codec_pack_array(pack, 1);
    if (!proof_item_write(pack, &item))
        scene_die("a heartbeat does not fit");
    codec_pack_fini(&logs);
}

bool scene_told_take(uint64_t *number, struct bytes body)
{
    struct proof_frame frame = {.body = body};
    struct proof_items items;
    struct proof_item item;
    struct proof_item_parts parts;
    struct proof_item_log log;
    proof_items_init(&items, &frame);
    if (!proof_items_next(&item, &items) || item.type != PROOF_ITEM_HEARTBEAT)
        return false;
    proof_item_logs_init(&parts, &item.heartbeat);
    if (!proof_item_logs_next(&log, &parts))
        return false;
    *number = log.head.number;
    return true;
}

/* ---- rows ----------------------------------------------------------------------------------------------------------- */

static void put(struct scene_rows *rows, enum store_family family, struct bytes key, const struct codec_writer *value)
{
    if (value->failed)
        scene_die("a row does not fit");
    rows->ops[rows->ops_len++] = (struct relay_op){RELAY_OP_PUT, family, key, codec_writer_bytes(value)};
}

static void segments_reserve(struct scene_rows *rows, const struct scene_frame *frame)
{
    size_t need = 0;
    for (size_t i = 0; i < frame->ranges; i++)
        need += KEYS_SEGMENT_OVERHEAD + frame->records[i].len;
    if (rows->segments_cap >= need)
        return;
    free(rows->segments);
    rows->segments_cap = 2 * need;
    rows->segments = malloc(rows->segments_cap);
    if (rows->segments == NULL)
        scene_die("no memory");
}

void scene_rows_make(struct scene_rows *rows, const struct scene *scene, const struct scene_frame *frame)
{
    struct codec_writer writer;
    size_t used = 0;
    segments_reserve(rows, frame);
    rows->ops_len = 0;
    for (size_t i = 0; i < frame->ranges; i++) {
        const struct proof_head *before = &frame->heads[i], *head = &frame->heads[i + 1];
        struct keys_segment segment = {.count = (uint16_t)(head->number - before->number),
                                       .stored_at = 1700000000,
                                       .origin = KEYS_ORIGIN_MESH,
                                       .records = frame->records[i]};
        struct keys_head row = {.suite = suite, .path = {frame->paths[i].siblings[0], 32 * frame->paths[i].count}};
        memcpy(segment.before, before->running, 32);
        keys_segment_key(rows->keys[2 * i], head->log, before->number + 1);
        codec_writer_init(&writer, rows->segments + used, rows->segments_cap - used);
        keys_segment_write(&writer, &segment);
        put(rows, STORE_SEGMENT, (struct bytes){rows->keys[2 * i], KEYS_SEGMENT_BYTES}, &writer);
        used += writer.len;

        memcpy(row.running, head->running, 32);
        memcpy(row.root, frame->root, 32);
        memcpy(row.signature, frame->signature, 64);
        keys_head_key(rows->keys[2 * i + 1], head->log, head->number, scene->key.id);
        codec_writer_init(&writer, rows->heads[i], sizeof(rows->heads[i]));
        keys_head_write(&writer, &row);
        put(rows, STORE_HEAD, (struct bytes){rows->keys[2 * i + 1], KEYS_HEAD_BYTES}, &writer);
    }
    uint64_t number = frame->heads[frame->ranges].number;
    struct keys_log log = {.proven = number, .attested = number, .height = 1000};
    memcpy(log.running, frame->heads[0].log, 32);
    codec_writer_init(&writer, rows->log, sizeof(rows->log));
    keys_log_write(&writer, &log);
    put(rows, STORE_LOG, (struct bytes){scene->lane.logs[0], 32}, &writer);
}
