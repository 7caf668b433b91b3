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

static void attestation_make(struct proof_item_attestation *out, struct codec_pack *leaves, const struct scene *scene,
                             const struct proof_head *head)
{
    struct proof_item_leaf leaf = {.leaf = {.kind = PROOF_LEAF_HEAD, .head = *head}};
    uint8_t signed_bytes[32];
    *out = (struct proof_item_attestation){.suite = suite, .count = 1};
    memcpy(out->key_id, scene->key.id, 32);
    proof_leaf_hash_head(out->root, suite, head); /* a leaf alone is its own root */
    proof_signed_bytes(signed_bytes, suite, scene->network_keccak, out->root);
    proof_pack_leaf(leaves, &leaf);
    out->leaves = codec_pack_bytes(leaves);
    if (!proof_signature_sign(out->signature, suite, scene->secret, signed_bytes))
        scene_die("cannot sign");
}

void scene_range_pack(struct codec_pack *pack, struct proof_item_attestation *attestation, const struct scene *scene,
                      const struct proof_head *before, const struct proof_head *head, struct bytes records)
{
    struct codec_pack leaves;
    struct proof_item range = {.type = PROOF_ITEM_RANGE};
    struct proof_item signature = {.type = PROOF_ITEM_ATTESTATION};
    codec_pack_init(&leaves, 1024);
    attestation_make(&signature.attestation, &leaves, scene, head);
    *attestation = signature.attestation;
    memcpy(range.range.log, head->log, 32);
    memcpy(range.range.before, before->running, 32);
    range.range.from = before->number + 1;
    range.range.count = (uint16_t)(head->number - before->number);
    range.range.records = records;
    codec_pack_clear(pack);
    codec_pack_array(pack, 2);
    if (!proof_item_write(pack, &signature) || !proof_item_write(pack, &range))
        scene_die("a frame does not fit");
    codec_pack_fini(&leaves);
    attestation->leaves = (struct bytes){NULL, 0};
}

static bool attestation_good(const struct proof_item_attestation *item, const struct scene *scene,
                             struct proof_head *signed_head)
{
    struct proof_item_parts parts;
    struct proof_item_leaf leaf;
    struct proof_attestation attestation;
    struct proof_result result;
    uint8_t hash[32];
    proof_item_leaves_init(&parts, item);
    if (item->suite != suite || !proof_item_leaves_next(&leaf, &parts) || leaf.leaf.kind != PROOF_LEAF_HEAD)
        return false;
    proof_leaf_hash(hash, suite, &leaf.leaf);
    proof_item_attestation_of(&attestation, item, &leaf);
    *signed_head = leaf.leaf.head;
    return proof_attestation_verify(&attestation, &scene->key, scene->network_keccak, hash, &result) == PROOF_VALID;
}

bool scene_range_take(struct proof_item_range *range, struct proof_item_attestation *attestation,
                      struct proof_head *head, const struct scene *scene, struct bytes body)
{
    struct proof_frame frame = {.body = body};
    struct proof_items items;
    struct proof_item item;
    struct proof_head signed_head = {.number = 0}, next = *head;
    range->count = 0;
    proof_items_init(&items, &frame);
    while (proof_items_next(&item, &items)) {
        if (item.type == PROOF_ITEM_ATTESTATION) {
            *attestation = item.attestation;
            if (!attestation_good(attestation, scene, &signed_head))
                return false;
        } else if (item.type == PROOF_ITEM_RANGE) {
            *range = item.range;
        }
    }
    if (range->count == 0)
        return true;
    if (range->from != head->number + 1 || memcmp(range->before, head->running, 32) != 0 ||
        !scene_extend(&next, scene, range->records, range->count) || !proof_head_equal(&next, &signed_head))
        return false;
    *head = next;
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

static struct relay_op put(enum store_family family, struct bytes key, struct codec_writer value)
{
    if (value.failed)
        scene_die("a row does not fit");
    return (struct relay_op){RELAY_OP_PUT, family, key, codec_writer_bytes(&value)};
}

void scene_rows_make(struct scene_rows *rows, const struct scene *scene, const struct proof_head *before,
                     const struct proof_head *head, struct bytes records,
                     const struct proof_item_attestation *attestation)
{
    struct codec_writer writer;
    struct keys_segment segment = {.count = (uint16_t)(head->number - before->number),
                                   .stored_at = 1700000000,
                                   .origin = KEYS_ORIGIN_MESH,
                                   .records = records};
    struct keys_log log = {.proven = head->number, .attested = head->number, .height = 1000};
    struct keys_head signed_head = {.suite = suite};
    if (rows->segment_cap < KEYS_SEGMENT_OVERHEAD + records.len) {
        free(rows->segment);
        rows->segment_cap = 2 * (KEYS_SEGMENT_OVERHEAD + records.len);
        rows->segment = malloc(rows->segment_cap);
        if (rows->segment == NULL)
            scene_die("no memory");
    }
    memcpy(segment.before, before->running, 32);
    keys_segment_key(rows->keys[0], head->log, before->number + 1);
    codec_writer_init(&writer, rows->segment, rows->segment_cap);
    keys_segment_write(&writer, &segment);
    rows->ops[0] = put(STORE_SEGMENT, (struct bytes){rows->keys[0], KEYS_SEGMENT_BYTES}, writer);

    memcpy(signed_head.running, head->running, 32);
    memcpy(signed_head.root, attestation->root, 32);
    memcpy(signed_head.signature, attestation->signature, 64);
    keys_head_key(rows->keys[1], head->log, head->number, scene->key.id);
    codec_writer_init(&writer, rows->small[0], sizeof(rows->small[0]));
    keys_head_write(&writer, &signed_head);
    rows->ops[1] = put(STORE_HEAD, (struct bytes){rows->keys[1], KEYS_HEAD_BYTES}, writer);

    memcpy(log.running, head->log, 32);
    codec_writer_init(&writer, rows->small[1], sizeof(rows->small[1]));
    keys_log_write(&writer, &log);
    rows->ops[2] = put(STORE_LOG, (struct bytes){scene->lane.logs[0], 32}, writer);
}
