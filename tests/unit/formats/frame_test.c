/* Frames and items: round trips, every truncation and extra byte, unknown types and versions by name, the bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proofs/frame.h"
#include "tests/unit/formats/json.h"
#include "tests/unit/formats/world.h"

static uint8_t secret[32];

static enum proof_reason judge(struct bytes in)
{
    struct proof_frame frame;
    struct proof_result result;
    if (!proof_frame_read(&frame, in, &result)) {
        assert_true(codec_bytes_are_zero((const uint8_t *)&frame, sizeof frame));
        return result.reason;
    }
    enum proof_verdict verdict = proof_frame_verify(&frame, &result);
    assert_int_equal(verdict == PROOF_VALID, result.reason == PROOF_REASON_VALID);
    return result.reason;
}

/* Signs a frame with this body, whatever it says; borrowed from a static buffer. */
static struct bytes frame_of(struct bytes body)
{
    static uint8_t whole[1 << 16];
    struct codec_writer writer;
    uint8_t hash[32];
    struct proof_key key;
    const uint8_t network[32] = {1};
    const uint8_t audience[32] = {2};
    assert_true(proof_key_from_secret(&key, PROOF_SUITE_BLAKE2B256_ED25519, secret));
    codec_writer_init(&writer, whole, sizeof whole);
    codec_write_bytes(&writer, (struct bytes){(const uint8_t *)"ISTH\1\1\0\0", 8});
    codec_write_bytes(&writer, BYTES_OF(network));
    codec_write_bytes(&writer, BYTES_OF(key.id));
    codec_write_bytes(&writer, BYTES_OF(audience));
    codec_write_u64(&writer, 3);
    codec_write_u32(&writer, (uint32_t)body.len);
    codec_write_bytes(&writer, body);
    struct bytes made = codec_writer_bytes(&writer);
    proof_hash(hash, PROOF_SUITE_BLAKE2B256_ED25519, PROOF_TAG_FRAME, &made, 1);
    uint8_t signature[64];
    assert_true(proof_signature_sign(signature, PROOF_SUITE_BLAKE2B256_ED25519, secret, hash));
    codec_write_bytes(&writer, BYTES_OF(signature));
    return codec_writer_bytes(&writer);
}

static struct proof_item goodbye(void)
{
    return (struct proof_item){.type = PROOF_ITEM_GOODBYE};
}

static struct proof_item range_item(uint64_t from, uint16_t count, struct bytes records)
{
    struct proof_item item = {.type = PROOF_ITEM_RANGE};
    memset(item.range.log, 1, 32);
    memset(item.range.before, 2, 32);
    item.range.from = from;
    item.range.count = count;
    item.range.records = records;
    return item;
}

static void every_cut_and_every_extra_byte_is_refused(void **state)
{
    (void)state;
    json_t *examples = json_of_file("tests/formats/examples.json");
    assert_non_null(examples);
    struct bytes example = json_bytes_of(json_member(examples, "frame"), "frame");
    uint8_t *copy = malloc(example.len + 1);
    assert_non_null(copy);
    memcpy(copy, example.data, example.len);
    copy[example.len] = 0;
    assert_int_equal(judge((struct bytes){copy, example.len}), PROOF_REASON_VALID);
    assert_int_equal(judge((struct bytes){copy, example.len + 1}), PROOF_REASON_FRAME_SIZE);
    for (size_t cut = 0; cut < example.len; cut++)
        assert_int_not_equal(judge((struct bytes){copy, cut}), PROOF_REASON_VALID);
    for (size_t at = 0; at < example.len; at++) {
        copy[at] ^= (uint8_t)(1u << at % 8);
        assert_int_not_equal(judge((struct bytes){copy, example.len}), PROOF_REASON_VALID);
        copy[at] ^= (uint8_t)(1u << at % 8);
    }
    free(copy);
    json_decref(examples);
}

static void unknown_headers_are_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        uint8_t value;
        enum proof_reason reason;
    } cases[] = {
        {0, 'X', PROOF_REASON_FRAME_MAGIC},   {4, 2, PROOF_REASON_FRAME_VERSION},
        {4, 0, PROOF_REASON_FRAME_VERSION},   {5, 0, PROOF_REASON_FRAME_KIND},
        {5, 4, PROOF_REASON_FRAME_KIND},      {6, 1, PROOF_REASON_FRAME_RESERVED},
        {7, 1, PROOF_REASON_FRAME_RESERVED},  {112, 1, PROOF_REASON_FRAME_SIZE},
        {115, 3, PROOF_REASON_FRAME_SIZE},    {115, 1, PROOF_REASON_FRAME_SIZE},
        {8, 9, PROOF_REASON_SIGNATURE_WRONG}, {111, 9, PROOF_REASON_SIGNATURE_WRONG},
    };
    static const uint8_t body[] = {0x91, 0x91, 0x06};
    struct bytes frame = frame_of((struct bytes){body, 3});
    uint8_t copy[256];
    assert_int_equal(judge(frame), PROOF_REASON_VALID);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        memcpy(copy, frame.data, frame.len);
        if (copy[cases[i].at] == cases[i].value)
            continue;
        copy[cases[i].at] = cases[i].value;
        assert_int_equal(judge((struct bytes){copy, frame.len}), cases[i].reason);
    }
    assert_int_equal(judge(frame_of((struct bytes){body, 0})), PROOF_REASON_FRAME_SIZE);
}

static void refuse_item(const char *what, struct bytes item, enum proof_reason reason)
{
    struct codec_pack pack;
    struct proof_item read;
    struct proof_result result;
    codec_pack_init(&pack, 1 << 15);
    codec_pack_array(&pack, 1);
    codec_pack_raw(&pack, item);
    if (judge(frame_of(codec_pack_bytes(&pack))) != reason)
        fail_msg("%s: refused as %s", what, proof_reason_text(judge(frame_of(codec_pack_bytes(&pack)))));
    assert_false(proof_item_read(&read, item, &result));
    assert_int_equal(read.type, PROOF_ITEM_NONE);
    codec_pack_fini(&pack);
}

/* Items from the example frame with one element more, one less, another type, and with bytes after them. */
static void items_have_exactly_their_elements(void **state)
{
    (void)state;
    json_t *examples = json_of_file("tests/formats/examples.json");
    json_t *items = json_member(json_member(examples, "frame"), "items");
    for (size_t i = 0; i < json_array_size(items); i++) {
        uint8_t copy[8192];
        struct proof_item read;
        struct proof_result result;
        struct bytes item = json_bytes(json_element(items, i));
        memcpy(copy, item.data, item.len);
        assert_true(proof_item_read(&read, item, &result));
        copy[0]--;
        refuse_item("one element less", (struct bytes){copy, item.len}, PROOF_REASON_ITEM_MALFORMED);
        copy[0] += 2;
        copy[item.len] = 0xc0;
        refuse_item("one element more", (struct bytes){copy, item.len + 1}, PROOF_REASON_ITEM_MALFORMED);
        copy[0]--;
        copy[1] = 9;
        refuse_item("type 9", (struct bytes){copy, item.len}, PROOF_REASON_ITEM_TYPE);
        copy[1] = 0;
        refuse_item("type 0", (struct bytes){copy, item.len}, PROOF_REASON_ITEM_TYPE);
        copy[1] = item.data[1];
        for (size_t cut = 0; cut < item.len; cut++)
            assert_false(proof_item_read(&read, (struct bytes){copy, cut}, &result));
        assert_false(proof_item_read(&read, (struct bytes){copy, item.len + 1}, &result));
    }
    json_decref(examples);
}

static void bodies_are_bounded(void **state)
{
    (void)state;
    static const uint8_t none[] = {0x90};
    static const uint8_t number[] = {0x01};
    static const uint8_t after[] = {0x91, 0x91, 0x06, 0xc0};
    static const uint8_t long_form[] = {0x91, 0x91, 0xcc, 0x06};
    assert_int_equal(judge(frame_of(BYTES_OF(none))), PROOF_REASON_FRAME_BODY);
    assert_int_equal(judge(frame_of(BYTES_OF(number))), PROOF_REASON_FRAME_BODY);
    assert_int_equal(judge(frame_of(BYTES_OF(after))), PROOF_REASON_FRAME_BODY);
    assert_int_equal(judge(frame_of(BYTES_OF(long_form))), PROOF_REASON_ITEM_MALFORMED);
    struct codec_pack pack;
    codec_pack_init(&pack, 1 << 15);
    for (uint32_t count = PROOF_FRAME_ITEMS_MAX; count <= PROOF_FRAME_ITEMS_MAX + 1; count++) {
        codec_pack_clear(&pack);
        codec_pack_array(&pack, count);
        for (uint32_t i = 0; i < count; i++)
            codec_pack_raw(&pack, (struct bytes){after + 1, 2});
        assert_int_equal(judge(frame_of(codec_pack_bytes(&pack))),
                         count == PROOF_FRAME_ITEMS_MAX ? PROOF_REASON_VALID : PROOF_REASON_FRAME_BODY);
    }
    codec_pack_fini(&pack);
}

static void items_out_of_bounds_are_not_written(void **state)
{
    (void)state;
    static uint8_t records[300 * PROOF_OUTCOME_RECORD_BYTES];
    struct proof_frame_writer writer;
    proof_frame_writer_init(&writer, 1 << 16);
    struct proof_item bad[] = {
        range_item(0, 1, BYTES_OF(records)),
        range_item(1, 0, BYTES_OF(records)),
        range_item(1, 257, BYTES_OF(records)),
        range_item(1, 2, (struct bytes){records, 2 * PROOF_OUTCOME_RECORD_BYTES - 1}),
        range_item(UINT64_MAX, 1, BYTES_OF(records)),
        {.type = PROOF_ITEM_NONE},
        {.type = (enum proof_item_type)9},
        {.type = PROOF_ITEM_EVIDENCE, .evidence = {{1}, {NULL, 0}}},
        {.type = PROOF_ITEM_ASK_HEADER, .ask_header = {{1}, 0}},
        {.type = PROOF_ITEM_ASK, .ask = {{1}, 0, 1, 1}},
        {.type = PROOF_ITEM_ASK, .ask = {{1}, 3, 2, 1}},
        {.type = PROOF_ITEM_REFUSAL, .refusal = {{1}, 0}},
        {.type = PROOF_ITEM_ATTESTATION, .attestation = {.suite = PROOF_SUITE_SHA256_P256}},
        {.type = PROOF_ITEM_HEARTBEAT, .heartbeat = {.count = 1}},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(proof_frame_add(&writer, &bad[i]));
    struct proof_item good = range_item(UINT64_MAX - 256, 256, BYTES_OF(records));
    assert_true(proof_frame_add(&writer, &good));
    assert_int_equal(writer.items, 1);
    proof_frame_writer_fini(&writer);
}

static void bodies_have_at_most_eight_mebibytes(void **state)
{
    (void)state;
    struct proof_frame frame;
    struct proof_result result;
    const size_t max = (size_t)8 << 20, around = PROOF_FRAME_HEADER_BYTES + PROOF_FRAME_SIGNATURE_BYTES;
    uint8_t *whole = calloc(1, max + 1 + around);
    assert_non_null(whole);
    memcpy(whole, "ISTH\1\1", 6);
    for (size_t body = max; body <= max + 1; body++) {
        whole[113] = (uint8_t)(body >> 16);
        whole[115] = (uint8_t)body;
        assert_int_equal(proof_frame_read(&frame, (struct bytes){whole, body + around}, &result), body == max);
        assert_int_equal(result.reason, body == max ? PROOF_REASON_VALID : PROOF_REASON_FRAME_SIZE);
    }
    free(whole);
}

/* What a writer of ours never writes, written by hand. */
struct crafted {
    struct codec_pack pack;
    uint8_t hash[64];
};

static struct codec_pack *item_begin(struct crafted *item, uint32_t elements, uint64_t type)
{
    memset(item->hash, 5, sizeof item->hash);
    codec_pack_clear(&item->pack);
    codec_pack_array(&item->pack, elements);
    codec_pack_uint(&item->pack, type);
    return &item->pack;
}

static void refuse_crafted(const struct crafted *item, enum proof_reason reason)
{
    struct proof_item read;
    struct proof_result result;
    assert_int_equal(proof_item_read(&read, codec_pack_bytes(&item->pack), &result), reason == PROOF_REASON_VALID);
    assert_string_equal(proof_reason_text(result.reason), proof_reason_text(reason));
}

static void craft_range(struct crafted *item, uint64_t from, uint64_t count, size_t records)
{
    static const uint8_t zeros[258 * PROOF_OUTCOME_RECORD_BYTES];
    struct codec_pack *pack = item_begin(item, 6, PROOF_ITEM_RANGE);
    codec_pack_bin(pack, (struct bytes){item->hash, 32});
    codec_pack_uint(pack, from);
    codec_pack_bin(pack, (struct bytes){item->hash, 32});
    codec_pack_uint(pack, count);
    codec_pack_bin(pack, (struct bytes){zeros, records});
}

static void ranges_that_end_nowhere_are_not_read(void **state)
{
    (void)state;
    static const struct {
        uint64_t from, count;
        size_t records;
        bool good;
    } cases[] = {
        {1, 1, 45, true},
        {0, 1, 45, false},
        {1, 0, 0, false},
        {1, 0, 45, false},
        {1, 1, 44, false},
        {1, 2, 89, false},
        {1, 256, 256 * 45, true},
        {1, 257, 257 * 45, false},
        {1, 65537, 257 * 45, false}, /* as 16 bits: one */
        {1, UINT64_MAX, 257 * 45, false},
        {UINT64_MAX, 1, 45, false},
        {UINT64_MAX - 1, 1, 45, true},
        {UINT64_MAX - 1, 2, 90, false},
    };
    struct crafted item;
    codec_pack_init(&item.pack, 1 << 15);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        craft_range(&item, cases[i].from, cases[i].count, cases[i].records);
        refuse_crafted(&item, cases[i].good ? PROOF_REASON_VALID : PROOF_REASON_ITEM_BOUNDS);
    }
    codec_pack_fini(&item.pack);
}

static void asks_refusals_and_heartbeats_out_of_bounds_are_not_read(void **state)
{
    (void)state;
    static const struct {
        uint64_t from, to, bytes;
        enum proof_reason reason;
    } asks[] = {
        {1, 1, 0, PROOF_REASON_VALID},       {1, UINT64_MAX, UINT32_MAX, PROOF_REASON_VALID},
        {0, 1, 1, PROOF_REASON_ITEM_BOUNDS}, {0, 0, 1, PROOF_REASON_ITEM_BOUNDS},
        {2, 1, 1, PROOF_REASON_ITEM_BOUNDS}, {1, 1, (uint64_t)UINT32_MAX + 1, PROOF_REASON_ITEM_MALFORMED},
    };
    struct crafted item;
    codec_pack_init(&item.pack, 1 << 20);
    for (size_t i = 0; i < sizeof asks / sizeof *asks; i++) {
        struct codec_pack *pack = item_begin(&item, 5, PROOF_ITEM_ASK);
        codec_pack_bin(pack, (struct bytes){item.hash, 32});
        codec_pack_uint(pack, asks[i].from);
        codec_pack_uint(pack, asks[i].to);
        codec_pack_uint(pack, asks[i].bytes);
        refuse_crafted(&item, asks[i].reason);
    }
    for (uint64_t reason = 0; reason <= (uint64_t)UINT32_MAX + 1; reason = reason * 65536 + 1) {
        struct codec_pack *pack = item_begin(&item, 3, PROOF_ITEM_REFUSAL);
        codec_pack_bin(pack, (struct bytes){item.hash, 32});
        codec_pack_uint(pack, reason);
        refuse_crafted(&item, reason == 0            ? PROOF_REASON_ITEM_BOUNDS
                              : reason <= UINT32_MAX ? PROOF_REASON_VALID
                                                     : PROOF_REASON_ITEM_MALFORMED);
    }
    for (uint64_t settled = 2; settled <= 4; settled++) {
        for (uint32_t logs = 0; logs <= PROOF_ITEM_LOGS_MAX + 1; logs += logs ? PROOF_ITEM_LOGS_MAX : 1) {
            struct codec_pack *pack = item_begin(&item, 6, PROOF_ITEM_HEARTBEAT);
            codec_pack_uint(pack, 1);
            codec_pack_uint(pack, 1);
            codec_pack_bin(pack, (struct bytes){item.hash, 32});
            codec_pack_array(pack, logs);
            for (uint32_t i = 0; i < logs; i++) {
                codec_pack_array(pack, 4);
                codec_pack_bin(pack, (struct bytes){item.hash, 32});
                codec_pack_uint(pack, 3);
                codec_pack_bin(pack, (struct bytes){item.hash, 32});
                codec_pack_uint(pack, settled);
            }
            codec_pack_bin(pack, (struct bytes){item.hash, 32});
            bool good = logs == 0 || (logs <= PROOF_ITEM_LOGS_MAX && settled <= 3);
            refuse_crafted(&item, good ? PROOF_REASON_VALID : PROOF_REASON_ITEM_BOUNDS);
        }
    }
    codec_pack_fini(&item.pack);
}

static void craft_attestation(struct crafted *item, uint64_t suite, uint32_t leaves, size_t path)
{
    static const uint8_t siblings[17 * 32] = {1};
    struct codec_pack *pack = item_begin(item, 6, PROOF_ITEM_ATTESTATION);
    codec_pack_uint(pack, suite);
    codec_pack_bin(pack, (struct bytes){item->hash, 32});
    codec_pack_bin(pack, (struct bytes){item->hash, 32});
    codec_pack_bin(pack, (struct bytes){item->hash, 64});
    codec_pack_array(pack, leaves);
    for (uint32_t i = 0; i < leaves; i++) {
        uint8_t fields[PROOF_LEAF_HEAD_BYTES];
        memset(fields, 1, sizeof fields);
        codec_pack_array(pack, 3);
        codec_pack_uint(pack, PROOF_LEAF_HEAD);
        codec_pack_bin(pack, BYTES_OF(fields));
        codec_pack_bin(pack, (struct bytes){siblings, path});
    }
}

static void attestations_of_no_suite_or_size_are_not_read(void **state)
{
    (void)state;
    struct crafted item;
    codec_pack_init(&item.pack, 1 << 18);
    for (uint64_t suite = 0; suite <= 16; suite++) { /* one suite, not a set of them */
        craft_attestation(&item, suite, 1, 0);
        refuse_crafted(&item, proof_suite_by_bit(suite) ? PROOF_REASON_VALID : PROOF_REASON_SUITE_UNKNOWN);
    }
    for (uint32_t leaves = 0; leaves <= 257; leaves += leaves == 1 ? 255 : 1) {
        craft_attestation(&item, 1, leaves, 0);
        refuse_crafted(&item, leaves >= 1 && leaves <= 256 ? PROOF_REASON_VALID : PROOF_REASON_ITEM_BOUNDS);
    }
    for (size_t path = 0; path <= 17 * 32; path++) {
        craft_attestation(&item, 1, 1, path);
        refuse_crafted(&item, path > 512       ? PROOF_REASON_ITEM_MALFORMED
                              : path % 32 == 0 ? PROOF_REASON_VALID
                                               : PROOF_REASON_MERKLE_PATH);
    }
    codec_pack_fini(&item.pack);
}

static void evidence_is_bounded_and_heights_begin_at_one(void **state)
{
    (void)state;
    static const uint8_t message[PROOF_ITEM_EVIDENCE_MAX + 1];
    static const size_t lens[] = {0, 1, PROOF_ITEM_EVIDENCE_MAX, PROOF_ITEM_EVIDENCE_MAX + 1};
    struct crafted item;
    codec_pack_init(&item.pack, 1 << 22);
    for (size_t i = 0; i < 4; i++) {
        struct codec_pack *pack = item_begin(&item, 3, PROOF_ITEM_EVIDENCE);
        codec_pack_bin(pack, (struct bytes){item.hash, 32});
        codec_pack_bin(pack, (struct bytes){message, lens[i]});
        refuse_crafted(&item, i == 1 || i == 2 ? PROOF_REASON_VALID : PROOF_REASON_ITEM_BOUNDS);
    }
    for (uint64_t height = 0; height <= 2; height++) {
        struct codec_pack *pack = item_begin(&item, 3, PROOF_ITEM_ASK_HEADER);
        codec_pack_bin(pack, (struct bytes){item.hash, 32});
        codec_pack_uint(pack, height);
        refuse_crafted(&item, height == 0 ? PROOF_REASON_ITEM_BOUNDS : PROOF_REASON_VALID);
    }
    codec_pack_fini(&item.pack);
}

static void evidence_and_asks_for_headers_come_back_as_they_were(void **state)
{
    (void)state;
    static const uint8_t message[] = {0x95, 0x0a, 1, 2, 3};
    struct codec_pack pack;
    struct proof_item read, items[] = {{.type = PROOF_ITEM_EVIDENCE, .evidence = {{7}, BYTES_OF(message)}},
                                       {.type = PROOF_ITEM_ASK_HEADER, .ask_header = {{8}, UINT64_MAX}}};
    struct proof_result result;
    codec_pack_init(&pack, 1 << 12);
    assert_true(proof_item_write(&pack, &items[0]));
    assert_true(proof_item_read(&read, codec_pack_bytes(&pack), &result));
    assert_int_equal(read.type, PROOF_ITEM_EVIDENCE);
    assert_memory_equal(read.evidence.chain, items[0].evidence.chain, 32);
    assert_int_equal(read.evidence.message.len, sizeof message);
    assert_memory_equal(read.evidence.message.data, message, sizeof message);
    for (size_t cut = 0; cut < pack.len; cut++)
        assert_false(proof_item_read(&read, (struct bytes){codec_pack_bytes(&pack).data, cut}, &result));
    codec_pack_clear(&pack);
    assert_true(proof_item_write(&pack, &items[1]));
    assert_true(proof_item_read(&read, codec_pack_bytes(&pack), &result));
    assert_int_equal(read.type, PROOF_ITEM_ASK_HEADER);
    assert_int_equal(read.ask_header.chain[0], 8);
    assert_true(read.ask_header.height == UINT64_MAX);
    codec_pack_fini(&pack);
}

static void attestations_and_heartbeats_carry_their_parts(void **state)
{
    (void)state;
    struct world world;
    struct proof_attestation attestation;
    struct codec_pack parts;
    struct proof_item item = {.type = PROOF_ITEM_ATTESTATION};
    struct proof_frame_writer writer;
    struct proof_frame frame = {.kind = PROOF_FRAME_REQUEST, .counter = 4};
    struct proof_result result;
    struct bytes whole;
    world_init(&world, PROOF_SUITE_KECCAK256_SECP256K1);
    world_attest(&attestation, &world, 0, &world.leaf);
    codec_pack_init(&parts, 1 << 16);
    struct proof_item_leaf leaf = {world.leaf, {0}};
    proof_pack_leaf(&parts, &leaf);
    item.attestation.suite = world.suite;
    memcpy(item.attestation.key_id, attestation.key_id, 32);
    memcpy(item.attestation.root, attestation.root, 32);
    memcpy(item.attestation.signature, attestation.signature, 64);
    item.attestation.count = 1;
    item.attestation.leaves = codec_pack_bytes(&parts);
    proof_frame_writer_init(&writer, PROOF_FRAME_BYTES_MAX);
    assert_true(proof_frame_add(&writer, &item));
    item.attestation.count = 2; /* more than there are */
    assert_false(proof_frame_add(&writer, &item));
    codec_pack_clear(&parts);
    struct proof_item_log log = {world.leaf.head, 7};
    for (size_t i = 0; i < 3; i++)
        proof_pack_log(&parts, &log);
    item = (struct proof_item){.type = PROOF_ITEM_HEARTBEAT, .heartbeat = {.count = 3}};
    item.heartbeat.logs = codec_pack_bytes(&parts);
    assert_true(proof_frame_add(&writer, &item));
    log.settled = 8; /* beyond its head */
    proof_pack_log(&parts, &log);
    assert_true(parts.failed);
    assert_true(proof_frame_finish(&writer, &frame, secret, &whole));
    assert_true(proof_frame_read(&frame, whole, &result));
    assert_int_equal(proof_frame_verify(&frame, &result), PROOF_VALID);

    struct proof_items items;
    struct proof_item_parts cursor;
    struct proof_item_leaf leaf_read;
    struct proof_item_log log_read;
    struct proof_attestation again;
    uint8_t leaf_hash[32];
    proof_items_init(&items, &frame);
    assert_true(proof_items_next(&item, &items));
    proof_item_leaves_init(&cursor, &item.attestation);
    assert_true(proof_item_leaves_next(&leaf_read, &cursor));
    proof_item_attestation_of(&again, &item.attestation, &leaf_read);
    proof_leaf_hash(leaf_hash, item.attestation.suite, &leaf_read.leaf);
    assert_int_equal(proof_attestation_verify(&again, &world.members[0].key, world.network, leaf_hash, &result),
                     PROOF_VALID);
    assert_false(proof_item_leaves_next(&leaf_read, &cursor));
    assert_true(proof_items_next(&item, &items));
    proof_item_logs_init(&cursor, &item.heartbeat);
    for (size_t i = 0; i < 3; i++)
        assert_true(proof_item_logs_next(&log_read, &cursor));
    assert_int_equal(log_read.settled, 7);
    assert_false(proof_item_logs_next(&log_read, &cursor));
    assert_false(proof_items_next(&item, &items));
    proof_frame_writer_fini(&writer);
    codec_pack_fini(&parts);
}

static void a_full_frame_takes_no_more_and_still_closes(void **state)
{
    (void)state;
    static uint8_t records[PROOF_OUTCOME_RECORD_BYTES];
    const size_t max = 4096;
    struct proof_frame_writer writer;
    struct proof_frame header = {.kind = PROOF_FRAME_PUBLISH};
    struct bytes whole;
    struct proof_item item = range_item(1, 1, BYTES_OF(records));
    proof_frame_writer_init(&writer, max);
    assert_false(proof_frame_finish(&writer, &header, secret, &whole)); /* no items */
    for (size_t round = 0; round < 3; round++) {
        size_t added = 0;
        while (proof_frame_add(&writer, &item))
            added++;
        assert_true(added > 15); /* so that the array header is the long one */
        assert_true(proof_frame_room(&writer) < 130);
        assert_true(proof_frame_finish(&writer, &header, secret, &whole));
        assert_true(whole.len <= max);
        assert_int_equal(judge(whole), PROOF_REASON_VALID);
    }
    item = goodbye();
    writer.pack.max = PROOF_FRAME_BYTES_MAX; /* two bytes each: their number is what ends it */
    for (size_t i = 0; i < PROOF_FRAME_ITEMS_MAX; i++)
        assert_true(proof_frame_add(&writer, &item));
    assert_false(proof_frame_add(&writer, &item));
    header.kind = PROOF_FRAME_NONE;
    assert_false(proof_frame_finish(&writer, &header, secret, &whole));
    proof_frame_writer_fini(&writer);
}

static void raw_items_pass_through_unchanged(void **state)
{
    (void)state;
    static const uint8_t raw[] = {0x91, 0x06};
    static const uint8_t not_an_item[] = {0x91, 0x09};
    struct proof_frame_writer writer;
    struct proof_frame header = {.kind = PROOF_FRAME_RESPONSE};
    struct bytes whole;
    proof_frame_writer_init(&writer, 4096);
    assert_false(proof_frame_add_raw(&writer, BYTES_OF(not_an_item)));
    assert_true(proof_frame_add_raw(&writer, BYTES_OF(raw)));
    assert_true(proof_frame_finish(&writer, &header, secret, &whole));
    assert_memory_equal(whole.data + PROOF_FRAME_HEADER_BYTES + 1, raw, sizeof raw);
    proof_frame_writer_fini(&writer);
}

static int setup(void **state)
{
    (void)state;
    world_secret(secret, "relay one");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cut_and_every_extra_byte_is_refused),
        cmocka_unit_test(unknown_headers_are_refused_by_name),
        cmocka_unit_test(items_have_exactly_their_elements),
        cmocka_unit_test(bodies_are_bounded),
        cmocka_unit_test(items_out_of_bounds_are_not_written),
        cmocka_unit_test(bodies_have_at_most_eight_mebibytes),
        cmocka_unit_test(ranges_that_end_nowhere_are_not_read),
        cmocka_unit_test(asks_refusals_and_heartbeats_out_of_bounds_are_not_read),
        cmocka_unit_test(attestations_of_no_suite_or_size_are_not_read),
        cmocka_unit_test(evidence_is_bounded_and_heights_begin_at_one),
        cmocka_unit_test(evidence_and_asks_for_headers_come_back_as_they_were),
        cmocka_unit_test(attestations_and_heartbeats_carry_their_parts),
        cmocka_unit_test(a_full_frame_takes_no_more_and_still_closes),
        cmocka_unit_test(raw_items_pass_through_unchanged),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
