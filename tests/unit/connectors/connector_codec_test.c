/* The connector protocol's codec: what one end writes the other reads, and nothing else is taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proofs/codec/connector.h"

#define TEXT(literal) ((struct bytes){(const uint8_t *)(literal), sizeof(literal) - 1})

static struct connector_scratch *scratch;

static struct connector_lane sample_lane(void)
{
    struct connector_lane lane = {.mode = 3, .generation = 70000, .suites = 9};
    memset(lane.id, 1, 32);
    memset(lane.outbox + 12, 2, 20);
    memset(lane.receiver, 0xff, 32);
    return lane;
}

static const uint8_t filled[200] = {1, 2, 3};
static const uint8_t large[CODEC_CONNECTOR_OFFENCE_MAX + 1];
static const struct bytes node_list[] = {{filled, 33}, {filled, 2}, {filled, 200}};
static const struct bytes family_list[] = {{(const uint8_t *)"evm", 3}, {(const uint8_t *)"other", 5}};
static const struct connector_option option_list[] = {{{(const uint8_t *)"http", 4}, {(const uint8_t *)"x", 1}},
                                                      {{(const uint8_t *)"empty", 5}, {NULL, 0}}};
static const struct connector_slot slot_list[] = {{{7}, node_list, 2}, {{8}, node_list, 0}};
static const struct connector_mark mark_list[] = {{1, 2, {3}}, {UINT32_MAX, UINT64_MAX, {4}}};
static const struct connector_attestation attestation_list[] = {{{filled, 64}, {filled, 64}},
                                                                {{NULL, 0}, {filled, 64}}};

/* One of each, and both shapes of those that have two. */
/* [[7], ""] as msgpack: whatever it is, it is one value. */
static const uint8_t ics23_proof[5] = {0x92, 0x91, 0x07, 0xc4, 0x00};

static size_t samples(struct connector_message out[32])
{
    const struct connector_lane lane = sample_lane();
    const struct connector_certificate certificate = {true, 300, 1, {filled, 72}, attestation_list, 2};
    const struct connector_message all[] = {
        {.type = CONNECTOR_MANIFEST, .manifest = {1, TEXT("evm"), TEXT("1.0"), family_list, 2, true, true, false}},
        {.type = CONNECTOR_MANIFEST, .manifest = {1, TEXT("evm"), TEXT(""), family_list, 0, false, true, false}},
        {.type = CONNECTOR_MANIFEST, .manifest = {1, TEXT("cometbft"), TEXT(""), family_list, 0, false, false, true}},
        {.type = CONNECTOR_MANIFEST, .manifest = {1, TEXT("all"), TEXT(""), family_list, 0, true, true, true}},
        {.type = CONNECTOR_CONFIGURE, .configure = {1, TEXT("eip155:1"), {9}, option_list, 2}},
        {.type = CONNECTOR_CONFIGURED, .configured = {false, TEXT("wrong chain")}},
        {.type = CONNECTOR_SUBSCRIBE, .subscribe = {5, 3, {1}, lane, 1, {2}, 77, 1u << 30}},
        {.type = CONNECTOR_CREDIT, .credit = {5, UINT64_MAX}},
        {.type = CONNECTOR_UNSUBSCRIBE, .unsubscribe = {5}},
        {.type = CONNECTOR_POSITION, .position = {6, 2, lane}},
        {.type = CONNECTOR_HEADER, .header = {8, {1}, 1700000000, {filled, 200}}},
        {.type = CONNECTOR_RECORDS, .records = {5, 1, 3, {filled, 200}}},
        {.type = CONNECTOR_EVIDENCE,
         .evidence = {1, 8, {filled, 200}, {1}, node_list, 3, slot_list, 2, mark_list, 2, {0}}},
        {.type = CONNECTOR_EVIDENCE, .evidence = {2, 8, {filled, 200}, {1}, node_list, 3, NULL, 0, mark_list, 1, {0}}},
        {.type = CONNECTOR_EVIDENCE,
         .evidence = {3, 8, {filled, 200}, {0}, NULL, 0, NULL, 0, mark_list, 2, {ics23_proof, 5}}},
        {.type = CONNECTOR_ASK_HEADER, .ask_header = {127}},
        {.type = CONNECTOR_ASK_AGAIN, .ask_again = {5, 128, {1}, 65536}},
        {.type = CONNECTOR_OFFENCE, .offence = {1, 7, {filled, 200}, {filled, 100}}},
        {.type = CONNECTOR_SUBMIT, .submit = {{1}, 1, lane, certificate, 1, {2}, 2, {filled, 200}}},
        {.type = CONNECTOR_SUBMIT, .submit = {{1}, 4, lane, {0}, 1, {2}, 0, {NULL, 0}}},
        {.type = CONNECTOR_RESULT, .result = {{1}, 1, 9, {filled, 32}, TEXT("ok")}},
        {.type = CONNECTOR_ASK_RESULT, .ask_result = {{1}}},
        {.type = CONNECTOR_POSITION_IS, .position_is = {6, 9, 1700000000, 255, {1}, 256, 1}},
        {.type = CONNECTOR_ASK_STATUS},
        {.type = CONNECTOR_STATUS, .status = {9, 7, 1700000000, TEXT("1000000000000000000"), TEXT("fine")}},
        {.type = CONNECTOR_NOTICE, .notice = {7, TEXT("low")}},
        {.type = CONNECTOR_CANNOT, .cannot = {13, {filled, 8}, TEXT("not final yet")}},
        {.type = CONNECTOR_ACCOUNT, .account = {TEXT("12"), 1, TEXT("0"), TEXT(""), CONNECTOR_SPENDING_STOPPED}},
    };
    memcpy(out, all, sizeof all);
    return sizeof all / sizeof *all;
}

static struct bytes encode(struct codec_pack *pack, const struct connector_message *message)
{
    codec_pack_clear(pack);
    codec_connector_encode(pack, message);
    return codec_pack_bytes(pack);
}

static void what_is_written_is_read_and_written_back_the_same(void **state)
{
    (void)state;
    struct connector_message all[32], read;
    struct codec_pack first, second;
    codec_pack_init(&first, 1 << 20);
    codec_pack_init(&second, 1 << 20);
    const size_t count = samples(all);
    for (size_t i = 0; i < count; i++) {
        const struct bytes wire = encode(&first, &all[i]);
        assert_true(wire.len > 0);
        const char *where = NULL;
        if (!codec_connector_decode(&read, scratch, wire, &where))
            fail_msg("%s: %s", codec_connector_type_name(all[i].type), where);
        assert_int_equal(read.type, all[i].type);
        assert_true(codec_bytes_equal(wire, encode(&second, &read)));
    }
    codec_pack_fini(&first);
    codec_pack_fini(&second);
}

static void fields_arrive_as_they_were_sent(void **state)
{
    (void)state;
    struct connector_message all[32], read;
    struct codec_pack pack;
    codec_pack_init(&pack, 1 << 20);
    const size_t count = samples(all);
    for (size_t i = 0; i < count; i++) {
        assert_true(codec_connector_decode(&read, scratch, encode(&pack, &all[i]), NULL));
        if (read.type == CONNECTOR_SUBSCRIBE) {
            assert_int_equal(read.subscribe.lane.generation, 70000);
            assert_memory_equal(&read.subscribe.lane, &all[i].subscribe.lane, sizeof read.subscribe.lane);
        } else if (read.type == CONNECTOR_EVIDENCE && read.evidence.kind == CONNECTOR_EVIDENCE_SLOT) {
            assert_int_equal(read.evidence.slots_len, 2);
            assert_int_equal(read.evidence.slots[0].nodes_len, 2);
            assert_true(codec_bytes_equal(read.evidence.slots[0].nodes[1], node_list[1]));
            assert_true(codec_bytes_equal(read.evidence.items[2], node_list[2]));
            assert_int_equal(read.evidence.marks[1].number, UINT64_MAX);
        } else if (read.type == CONNECTOR_SUBMIT && read.submit.certificate.present) {
            assert_int_equal(read.submit.certificate.attestations_len, 2);
            assert_int_equal(read.submit.certificate.attestations[0].path.len, 64);
        }
    }
    codec_pack_fini(&pack);
}

/* A truncated message lies in memory of exactly its size, so a sanitizer sees every read beyond it. */
static void every_truncation_and_every_extra_byte_is_refused(void **state)
{
    (void)state;
    struct connector_message all[32], read;
    struct codec_pack pack;
    codec_pack_init(&pack, 1 << 20);
    const size_t count = samples(all);
    for (size_t i = 0; i < count; i++) {
        const struct bytes wire = encode(&pack, &all[i]);
        for (size_t len = 0; len <= wire.len + 1; len++) {
            uint8_t *copy = malloc(len ? len : 1);
            assert_non_null(copy);
            memcpy(copy, wire.data, len < wire.len ? len : wire.len);
            if (len > wire.len)
                copy[wire.len] = 0;
            const char *where = NULL;
            assert_int_equal(codec_connector_decode(&read, scratch, (struct bytes){copy, len}, &where),
                             len == wire.len);
            assert_true((where == NULL) == (len == wire.len));
            assert_true(len == wire.len || read.type == CONNECTOR_NONE);
            free(copy);
        }
    }
    codec_pack_fini(&pack);
}

/* Whatever bytes are changed: either refused, or one encoding of what was read. */
static void one_message_has_one_encoding(void **state)
{
    (void)state;
    struct connector_message all[32], read;
    struct codec_pack pack, again;
    codec_pack_init(&pack, 1 << 20);
    codec_pack_init(&again, 1 << 20);
    const size_t count = samples(all);
    for (size_t i = 0; i < count; i++) {
        const struct bytes wire = encode(&pack, &all[i]);
        for (size_t bit = 0; bit < wire.len * 8; bit++) {
            pack.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
            if (codec_connector_decode(&read, scratch, wire, NULL))
                assert_true(codec_bytes_equal(wire, encode(&again, &read)));
            pack.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
    codec_pack_fini(&pack);
    codec_pack_fini(&again);
}

/* A certificate is four elements or none, its paths are whole siblings, and a count stands for records. */
static void a_submission_is_whole(void **state)
{
    (void)state;
    const struct connector_lane lane = sample_lane();
    struct connector_attestation attestations[] = {attestation_list[0]};
    const struct connector_certificate certificate = {true, 300, 1, {filled, 72}, attestations, 1};
    const struct connector_message good = {.type = CONNECTOR_SUBMIT,
                                           .submit = {{1}, 1, lane, certificate, 1, {2}, 2, {filled, 200}}};
    static const uint8_t begin[] = {0x94, 0xcd, 1, 44}; /* four elements, of which the first is 300 */
    struct connector_message read, message = good;
    struct codec_pack pack;
    codec_pack_init(&pack, 1 << 20);
    struct bytes wire = encode(&pack, &good);
    assert_true(codec_connector_decode(&read, scratch, wire, NULL));
    uint8_t *at = pack.data;
    while (memcmp(at, begin, sizeof begin) != 0)
        assert_true(++at + sizeof begin < pack.data + wire.len);
    for (uint8_t elements = 0; elements <= 15; elements++) {
        *at = (uint8_t)(0x90 | elements);
        assert_int_equal(codec_connector_decode(&read, scratch, wire, NULL), elements == 4);
    }
    for (size_t len = 0; len <= 96; len++) {
        attestations[0].path.len = len;
        assert_int_equal(encode(&pack, &message).len > 0, len % 32 == 0);
    }
    attestations[0].path.len = 64;
    for (uint32_t count = 0; count <= CODEC_CONNECTOR_RECORDS_MAX + 1; count += CODEC_CONNECTOR_RECORDS_MAX / 2 + 1) {
        for (size_t len = 0; len <= 1; len++) {
            message.submit.count = count;
            message.submit.records.len = len;
            assert_int_equal(encode(&pack, &message).len > 0,
                             count <= CODEC_CONNECTOR_RECORDS_MAX && (count > 0) == (len > 0));
        }
    }
    codec_pack_fini(&pack);
}

/* Beside the bounds of its parts a message has one of its own. */
static void a_message_has_at_most_four_mebibytes(void **state)
{
    (void)state;
    struct connector_message read;
    const char *where = NULL;
    const size_t max = CODEC_CONNECTOR_MESSAGE_MAX;
    struct connector_message message = {.type = CONNECTOR_RECORDS, .records = {1, 1, 1, {NULL, 0}}};
    uint8_t *content = calloc(1, max + 1);
    struct codec_pack pack;
    codec_pack_init(&pack, max + 64);
    assert_non_null(content);
    /* type, watch, from and count are a byte each, behind one for the array; five more say how long the content is */
    for (size_t over = 0; over <= 1; over++) {
        message.records.records = (struct bytes){content, max - 10 + over};
        assert_int_equal(encode(&pack, &message).len, over ? 0 : max);
        codec_pack_clear(&pack);
        codec_pack_array(&pack, 5);
        codec_pack_uint(&pack, CONNECTOR_RECORDS);
        for (size_t i = 0; i < 3; i++)
            codec_pack_uint(&pack, 1);
        codec_pack_bin(&pack, message.records.records);
        assert_int_equal(codec_connector_decode(&read, scratch, codec_pack_bytes(&pack), &where), over == 0);
    }
    codec_pack_fini(&pack);
    free(content);
}

static void numbers_out_of_their_range_are_refused_by_both_ends(void **state)
{
    (void)state;
    struct codec_pack pack;
    codec_pack_init(&pack, 1 << 20);
    const struct connector_message bad[] = {
        {.type = CONNECTOR_NONE},
        {.type = (enum connector_type)99},
        {.type = CONNECTOR_NOTICE, .notice = {11, TEXT("")}},
        {.type = CONNECTOR_RECORDS, .records = {1, 0, 1, {filled, 5}}},
        {.type = CONNECTOR_RECORDS, .records = {1, 1, 0, {filled, 5}}},
        {.type = CONNECTOR_EVIDENCE,
         .evidence = {1, 8, {filled, 9}, {1}, node_list, 3, slot_list, 1, mark_list, 2, {0}}},
        {.type = CONNECTOR_EVIDENCE,
         .evidence = {4, 8, {filled, 9}, {1}, node_list, 3, slot_list, 2, mark_list, 2, {ics23_proof, 5}}},
        {.type = CONNECTOR_EVIDENCE,
         .evidence = {3, 8, {filled, 9}, {0}, NULL, 0, NULL, 0, mark_list, 2, {ics23_proof, 4}}},
        {.type = CONNECTOR_OFFENCE, .offence = {2, 7, {filled, 200}, {filled, 100}}},
        {.type = CONNECTOR_OFFENCE, .offence = {1, 0, {filled, 200}, {filled, 100}}},
        {.type = CONNECTOR_OFFENCE, .offence = {1, 7, {filled, 0}, {filled, 100}}},
        {.type = CONNECTOR_OFFENCE, .offence = {1, 7, {filled, 200}, {large, sizeof large}}},
        {.type = CONNECTOR_STATUS, .status = {1, 1, 1, TEXT("0\0"), TEXT("")}},
        {.type = CONNECTOR_ACCOUNT, .account = {TEXT("1"), 0, TEXT("0"), TEXT("9"), 0}},
        {.type = CONNECTOR_ACCOUNT, .account = {TEXT("1"), 2, TEXT("0"), TEXT("9"), CONNECTOR_SPENDING_NEAR}},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(encode(&pack, &bad[i]).len, 0);
    struct connector_message read;
    const uint8_t no_such_type[] = {0x91, 8}, notice_long[] = {0x93, 0xcc, 32, 8, 0xa0},
                  long_form[] = {0x92, 0x0d, 0xcc, 5};
    const uint8_t empty_array[] = {0x90}, notice_11[] = {0x93, 32, 11, 0xa0};
    assert_false(codec_connector_decode(&read, scratch, BYTES_OF(no_such_type), NULL));
    assert_false(codec_connector_decode(&read, scratch, BYTES_OF(notice_11), NULL));
    assert_false(codec_connector_decode(&read, scratch, BYTES_OF(notice_long), NULL));
    assert_false(codec_connector_decode(&read, scratch, BYTES_OF(long_form), NULL));
    assert_false(codec_connector_decode(&read, scratch, BYTES_OF(empty_array), NULL));
    codec_pack_fini(&pack);
}

/* Its author has to find the place: which message, and what of it. */
static void what_is_refused_is_named_with_its_message(void **state)
{
    (void)state;
    static const struct {
        uint8_t bytes[8];
        size_t len;
        const char *where;
    } bad[] = {{{0x92, CONNECTOR_HEADER, 1}, 3, "header: number of elements"},
               {{0x92, CONNECTOR_ASK_HEADER, 7, 7}, 4, "ask header: bytes after the end"},
               {{0x93, CONNECTOR_NOTICE, 1, 7}, 4, "notice.text"},
               {{0x91, 8}, 2, "type: no message has it"},
               {{0x90}, 1, "type: no message has it"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct connector_message read;
        const char *where = NULL;
        assert_false(codec_connector_decode(&read, scratch, (struct bytes){bad[i].bytes, bad[i].len}, &where));
        assert_string_equal(where, bad[i].where);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_and_written_back_the_same),
        cmocka_unit_test(fields_arrive_as_they_were_sent),
        cmocka_unit_test(every_truncation_and_every_extra_byte_is_refused),
        cmocka_unit_test(one_message_has_one_encoding),
        cmocka_unit_test(what_is_refused_is_named_with_its_message),
        cmocka_unit_test(a_submission_is_whole),
        cmocka_unit_test(a_message_has_at_most_four_mebibytes),
        cmocka_unit_test(numbers_out_of_their_range_are_refused_by_both_ends),
    };
    scratch = malloc(sizeof *scratch);
    if (!scratch)
        return 1;
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(scratch);
    return failed;
}
