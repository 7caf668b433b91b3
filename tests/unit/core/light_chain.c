/* What a rig's sources and peers say: blocks, records, evidence, frames. */
#include <stdlib.h>
#include <string.h>

#include "proofs/codec/ics23.h"
#include "proofs/codec/pack.h"
#include "proofs/lane.h"
#include "proofs/message.h"
#include "proofs/signature.h"
#include "tests/unit/core/light_rig.h"

enum { START = 1700000000, STEP = 1000 }; /* as cometbft_world.c has it: 1000 s a height */

/* The lane's head in a tree of one leaf, and the proof of it; `messages` 0: any app hash will do. */
static void head_prove(const struct rig *rig, uint64_t messages, uint8_t app_hash[32], struct codec_writer *proof)
{
    static const uint8_t prefix[] = {0, 2, 2};
    static struct ics23_proof out;
    uint8_t key[PROOF_COMETBFT_LOG_KEY_BYTES], value[PROOF_COMETBFT_LOG_VALUE_BYTES], hash[ICS23_HASH_MAX];
    struct codec_writer writer;
    codec_writer_init(&writer, value, sizeof(value));
    codec_write_u64(&writer, messages);
    codec_write_bytes(&writer, (struct bytes){rig->running[messages], 32});
    proof_cometbft_log_key(key, rig->chains[0].outbox, rig->lane.logs[0]);
    out = (struct ics23_proof){
        .exists = {.key = BYTES_OF(key),
                   .value = BYTES_OF(value),
                   .has_leaf = true,
                   .leaf = {ICS23_SHA256, ICS23_NO_HASH, ICS23_SHA256, ICS23_VAR_PROTO, BYTES_OF(prefix)}}};
    assert_true(ics23_leaf_hash(hash, &out.exists.leaf, out.exists.key, out.exists.value) == 32);
    memcpy(app_hash, hash, 32);
    if (proof != NULL)
        ics23_proof_write(proof, &out);
}

static void bundle_make(struct rig *rig, struct rig_bundle *out, struct world_block *block, const struct world_set *set,
                        const struct world_set *next, uint64_t messages)
{
    struct codec_pack *pack = &rig->pack;
    const struct cometbft_header *header = &block->light.header;
    if (messages > 0)
        head_prove(rig, messages, block->app_hash, NULL);
    world_block_sign(block);
    struct cometbft_parts parts = world_block_parts(block);
    codec_pack_clear(pack);
    codec_pack_array(pack, 5);
    codec_pack_uint(pack, 1);
    codec_pack_bin(pack, parts.header);
    codec_pack_bin(pack, parts.commit);
    codec_pack_bin(pack, world_set_bytes(set));
    codec_pack_bin(pack, set == next ? (struct bytes){NULL, 0} : world_set_bytes(next));
    struct bytes bytes = codec_pack_bytes(pack);
    assert_true(!pack->failed && bytes.len <= sizeof(out->bytes));
    *out = (struct rig_bundle){
        .height = (uint64_t)header->height, .time = (uint64_t)header->time.seconds, .len = bytes.len};
    memcpy(out->hash, block->hash, 32);
    memcpy(out->bytes, bytes.data, bytes.len);
}

void rig_block(struct rig *rig, struct rig_bundle *out, uint64_t height, const struct world_set *set,
               const struct world_set *next, uint64_t messages, const uint8_t *flags)
{
    struct world_block *block = calloc(1, sizeof(*block));
    assert_non_null(block);
    world_block_make(block, set, next, (int64_t)height, flags);
    bundle_make(rig, out, block, set, next, messages);
    free(block);
}

void rig_block_at(struct rig *rig, struct rig_bundle *out, uint64_t height, uint64_t at, int32_t nanos,
                  const struct world_set *set, uint64_t messages, const uint8_t *flags)
{
    struct world_block *block = calloc(1, sizeof(*block));
    assert_non_null(block);
    world_block_make(block, set, set, (int64_t)height, flags);
    block->light.header.time = (struct cometbft_time){START + (int64_t)at * STEP, nanos};
    bundle_make(rig, out, block, set, set, messages);
    free(block);
}

static struct connector_message header_of(const struct rig_bundle *bundle)
{
    struct connector_message message = {
        .type = CONNECTOR_HEADER,
        .header = {.height = bundle->height, .time = bundle->time, .header = {bundle->bytes, bundle->len}}};
    memcpy(message.header.hash, bundle->hash, 32);
    return message;
}

void rig_header(struct rig *rig, uint16_t source, const struct rig_bundle *bundle)
{
    struct connector_message message = header_of(bundle);
    rig_say(rig, source, &message);
}

void rig_header_pack(struct codec_pack *out, const struct rig_bundle *bundle)
{
    struct connector_message message = header_of(bundle);
    codec_pack_clear(out);
    codec_connector_encode(out, &message);
}

static struct bytes records_write(uint8_t *bytes, size_t cap, uint64_t from, uint64_t to)
{
    struct codec_writer writer;
    codec_writer_init(&writer, bytes, cap);
    for (uint64_t n = from; n <= to; n++) {
        uint8_t commitment[32] = {(uint8_t)n};
        assert_true(proof_message_write(&writer, &(struct proof_message){.sequence = n,
                                                                         .time = START + n,
                                                                         .deadline = START + n + 3600,
                                                                         .form = PROOF_FORM_HASH_ONLY,
                                                                         .suites = PROOF_SUITE_KECCAK256_SECP256K1,
                                                                         .commitments = commitment}));
    }
    return codec_writer_bytes(&writer);
}

void rig_records(struct rig *rig, uint16_t source, uint64_t from, uint64_t to)
{
    uint8_t bytes[1024];
    rig_say(rig, source,
            &(struct connector_message){.type = CONNECTOR_RECORDS,
                                        .records = {.watch = 0,
                                                    .from = from,
                                                    .count = (uint32_t)(to - from + 1),
                                                    .records = records_write(bytes, sizeof(bytes), from, to)}});
}

void rig_evidence_pack(struct rig *rig, struct codec_pack *out, const struct rig_bundle *bundle, uint64_t messages)
{
    uint8_t app_hash[32], op[512];
    struct codec_writer writer;
    struct codec_pack proof;
    struct connector_mark mark = {.watch = 0, .number = messages};
    codec_writer_init(&writer, op, sizeof(op));
    head_prove(rig, messages, app_hash, &writer);
    assert_false(writer.failed);
    codec_pack_init(&proof, 4096);
    codec_pack_array(&proof, 2);
    codec_pack_bin(&proof, BYTES_OF(rig->chains[0].outbox));
    codec_pack_array(&proof, 1);
    codec_pack_array(&proof, 1);
    codec_pack_bin(&proof, codec_writer_bytes(&writer));
    memcpy(mark.running, rig->running[messages], 32);
    codec_pack_clear(out);
    codec_connector_encode(out, &(struct connector_message){.type = CONNECTOR_EVIDENCE,
                                                            .evidence = {.kind = CONNECTOR_EVIDENCE_ICS23,
                                                                         .height = bundle->height,
                                                                         .header = {bundle->bytes, bundle->len},
                                                                         .proof = codec_pack_bytes(&proof),
                                                                         .marks = &mark,
                                                                         .marks_len = 1}});
    assert_false(out->failed);
    codec_pack_fini(&proof);
}

void rig_evidence(struct rig *rig, uint16_t source, const struct rig_bundle *bundle, uint64_t messages)
{
    struct codec_pack pack;
    codec_pack_init(&pack, CODEC_CONNECTOR_MESSAGE_MAX);
    rig_evidence_pack(rig, &pack, bundle, messages);
    rig->shown = *bundle;
    rig->shown_by = source;
    rig_feed(rig, (struct relay_event){
                      .type = RELAY_EVENT_SOURCE_MESSAGE, .source = source, .body = codec_pack_bytes(&pack)});
    codec_pack_fini(&pack);
}

/* ---- peers ---------------------------------------------------------------------------------------------------------- */

static void frame_feed(struct rig *rig, enum relay_event_type type, uint16_t peer, const struct proof_item *item)
{
    struct codec_pack body;
    codec_pack_init(&body, CODEC_CONNECTOR_MESSAGE_MAX);
    codec_pack_array(&body, 1);
    assert_true(proof_item_write(&body, item));
    rig_feed(rig, (struct relay_event){
                      .type = type, .peer = peer, .id = type == RELAY_EVENT_ASKED, .body = codec_pack_bytes(&body)});
    codec_pack_fini(&body);
}

void rig_tell(struct rig *rig, const struct proof_item *item)
{
    frame_feed(rig, RELAY_EVENT_FRAME, rig->self == 0 ? 1 : 0, item);
}

void rig_tell_evidence(struct rig *rig, const struct codec_pack *message)
{
    struct proof_item item = {.type = PROOF_ITEM_EVIDENCE, .evidence = {.message = codec_pack_bytes(message)}};
    memcpy(item.evidence.chain, rig->chains[0].identity, 32);
    rig_tell(rig, &item);
}

void rig_tell_messages(struct rig *rig, uint64_t count)
{
    uint8_t bytes[1024], secret[32], network[32], message[32];
    struct codec_pack leaves;
    struct proof_item item = {.type = PROOF_ITEM_ATTESTATION};
    struct proof_item_leaf leaf = {.leaf = {.kind = PROOF_LEAF_HEAD, .head = {.number = count}}};
    memset(secret, 0x41, sizeof(secret));
    memcpy(leaf.leaf.head.log, rig->lane.logs[0], 32);
    memcpy(leaf.leaf.head.running, rig->running[count], 32);
    codec_pack_init(&leaves, 4096);
    proof_pack_leaf(&leaves, &leaf);
    item.attestation = (struct proof_item_attestation){
        .suite = PROOF_SUITE_KECCAK256_SECP256K1, .count = 1, .leaves = codec_pack_bytes(&leaves)};
    memcpy(item.attestation.key_id, rig->keys[1][0].id, 32);
    proof_leaf_hash_head(item.attestation.root, PROOF_SUITE_KECCAK256_SECP256K1, &leaf.leaf.head);
    assert_true(proof_network_id(network, PROOF_SUITE_KECCAK256_SECP256K1, rig->network.name));
    proof_signed_bytes(message, PROOF_SUITE_KECCAK256_SECP256K1, network, item.attestation.root);
    assert_true(proof_signature_sign(item.attestation.signature, PROOF_SUITE_KECCAK256_SECP256K1, secret, message));
    rig_tell(rig, &item);
    codec_pack_fini(&leaves);
    item = (struct proof_item){.type = PROOF_ITEM_RANGE, .range = {.from = 1, .count = (uint16_t)count}};
    memcpy(item.range.log, rig->lane.logs[0], 32);
    memcpy(item.range.before, rig->running[0], 32);
    item.range.records = records_write(bytes, sizeof(bytes), 1, count);
    rig_tell(rig, &item);
}

void rig_ask_header(struct rig *rig, uint16_t peer, uint64_t height)
{
    struct proof_item item = {.type = PROOF_ITEM_ASK_HEADER, .ask_header = {.height = height}};
    memcpy(item.ask_header.chain, rig->chains[0].identity, 32);
    frame_feed(rig, RELAY_EVENT_ASKED, peer, &item);
}
