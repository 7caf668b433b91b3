/* Records, leaves and names: round trips, and every way in which bytes can be wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proofs/lane.h"
#include "proofs/leaf.h"
#include "proofs/message.h"
#include "proofs/outcome.h"
#include "tests/unit/formats/world.h"

#define PAYLOAD_MAX 64

static const uint8_t payload[10] = "0123456789";

static void message_init(struct proof_message *message, uint8_t commitments[4][32], uint8_t suites)
{
    memset(message, 0, sizeof *message);
    message->sequence = 5;
    message->time = 1000;
    message->deadline = 1001;
    message->class = 0x01020304;
    memset(message->value, 0xee, 32);
    memset(message->salt, 0x5a, 32);
    message->suites = suites;
    message->has_payload = true;
    message->payload = BYTES_OF(payload);
    message->commitments = commitments[0];
    size_t at = 0;
    for (size_t s = 0; s < PROOF_SUITE_COUNT; s++)
        if (suites & world_suites[s])
            proof_message_commitment(commitments[at++], world_suites[s], message->salt, message->payload);
}

static size_t write(uint8_t *out, size_t cap, const struct proof_message *message)
{
    struct codec_writer writer;
    codec_writer_init(&writer, out, cap);
    return proof_message_write(&writer, message) ? writer.len : 0;
}

static enum proof_reason read_one(struct bytes in, struct proof_message *message)
{
    struct codec_reader reader;
    struct proof_result result;
    codec_reader_init(&reader, in);
    if (!proof_message_read(message, &reader, 5, PAYLOAD_MAX, &result)) {
        assert_true(reader.failed);
        assert_true(codec_bytes_are_zero((const uint8_t *)message, sizeof *message));
        return result.reason;
    }
    return codec_reader_done(&reader) ? PROOF_REASON_VALID : PROOF_REASON_RECORD_TRAILING;
}

static void messages_survive_for_every_set_of_suites(void **state)
{
    (void)state;
    for (uint8_t suites = 1; suites <= PROOF_SUITES_ALL; suites++) {
        uint8_t commitments[4][32];
        uint8_t record[512];
        uint8_t again[512];
        struct proof_message message;
        struct proof_message read;
        message_init(&message, commitments, suites);
        size_t len = write(record, sizeof record, &message);
        assert_int_equal(len, proof_message_record_size(&message));
        assert_int_equal(read_one((struct bytes){record, len}, &read), PROOF_REASON_VALID);
        assert_int_equal(write(again, sizeof again, &read), len);
        assert_memory_equal(record, again, len);
        assert_true(proof_message_commitment_check(&read, suites));
        assert_false(proof_message_commitment_check(&read, 0));
        assert_int_equal(proof_message_commitment_check(&read, PROOF_SUITES_ALL), suites == PROOF_SUITES_ALL);
        assert_int_equal(write(again, len - 1, &message), 0);
        for (size_t cut = 0; cut < len; cut++)
            assert_int_equal(read_one((struct bytes){record, cut}, &read), PROOF_REASON_RECORD_TRUNCATED);
        record[len] = 0;
        assert_int_equal(read_one((struct bytes){record, len + 1}, &read), PROOF_REASON_RECORD_TRAILING);
    }
}

static void a_message_record_that_means_nothing_is_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        uint8_t value;
        enum proof_reason reason;
    } cases[] = {
        {8, 3, PROOF_REASON_RECORD_FORM},
        {8, 2, PROOF_REASON_RECORD_PAYLOAD_FORBIDDEN},
        {52, 0xe8, PROOF_REASON_RECORD_DEADLINE}, /* = time */
        {53, 0x10, PROOF_REASON_RECORD_SUITES},   /* one suite, so that nothing moves, but an unknown one */
        {86, 2, PROOF_REASON_RECORD_PAYLOAD_FLAG},
        {86, 0, PROOF_REASON_RECORD_PAYLOAD_ABSENT},
        {122, PAYLOAD_MAX + 1, PROOF_REASON_RECORD_PAYLOAD_SIZE},
        {122, 11, PROOF_REASON_RECORD_TRUNCATED},
        {122, 9, PROOF_REASON_RECORD_TRAILING},
        {119, 0xff, PROOF_REASON_RECORD_PAYLOAD_SIZE},
    };
    uint8_t commitments[4][32];
    uint8_t record[512];
    struct proof_message message;
    struct proof_message read;
    message_init(&message, commitments, 1);
    size_t len = write(record, sizeof record, &message);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t mutated[512];
        memcpy(mutated, record, len);
        mutated[cases[i].at] = cases[i].value;
        assert_int_equal(read_one((struct bytes){mutated, len}, &read), cases[i].reason);
    }
    /* without a payload neither its length nor a salt */
    for (unsigned left = 0; left < 4; left++) {
        uint8_t absent[512];
        memcpy(absent, record, len);
        memset(absent + 86, 0, 1 + 32 + 4);
        absent[118] = (uint8_t)(left & 1);
        absent[122] = (uint8_t)(left >> 1);
        assert_int_equal(read_one((struct bytes){absent, 123 + (left >> 1)}, &read),
                         left == 0 ? PROOF_REASON_VALID : PROOF_REASON_RECORD_PAYLOAD_ABSENT);
    }
    message.deadline = message.time;
    assert_int_equal(write(record, sizeof record, &message), 0);
    message_init(&message, commitments, 1);
    message.sequence = 0;
    assert_int_equal(write(record, sizeof record, &message), 0);
}

static void a_payload_that_does_not_open_its_commitment_is_noticed(void **state)
{
    (void)state;
    struct proof_message messages[70];
    uint8_t commitments[70][4][32];
    static const uint8_t other[10] = "012345678x";
    size_t at = 0;
    for (size_t s = 0; s < PROOF_SUITE_COUNT; s++) {
        for (size_t i = 0; i < 70; i++)
            message_init(&messages[i], commitments[i], PROOF_SUITES_ALL);
        messages[3].has_payload = false; /* nothing to check */
        memset(messages[3].salt, 0, 32);
        assert_true(proof_message_commitments_check(messages, 70, world_suites[s], &at));
        assert_int_equal(at, 70);
        messages[64].payload.data = other;
        assert_false(proof_message_commitments_check(messages, 70, world_suites[s], &at));
        assert_int_equal(at, 64);
        messages[40].salt[31] ^= 1;
        assert_false(proof_message_commitments_check(messages, 70, world_suites[s], &at));
        assert_int_equal(at, 40);
        commitments[7][s][0] ^= 1;
        assert_false(proof_message_commitments_check(messages, 70, world_suites[s], &at));
        assert_int_equal(at, 7);
        assert_false(proof_message_commitment_check(&messages[7], PROOF_SUITES_ALL));
        messages[2].suites = (uint8_t)(PROOF_SUITES_ALL & ~world_suites[s]);
        assert_false(proof_message_commitments_check(messages, 70, world_suites[s], &at));
        assert_int_equal(at, 2);
    }
}

static void digests_side_by_side_equal_digests_one_by_one(void **state)
{
    (void)state;
    enum { COUNT = 67 };
    static uint8_t lane[32] = {9};
    struct proof_message messages[COUNT];
    struct proof_outcome outcomes[COUNT];
    uint8_t commitments[4][32];
    uint8_t many[COUNT][32];
    uint8_t one[32];
    for (size_t s = 0; s < PROOF_SUITE_COUNT; s++) {
        for (size_t i = 0; i < COUNT; i++) {
            message_init(&messages[i], commitments, (uint8_t)(1 + i % PROOF_SUITES_ALL));
            messages[i].sequence = i + 1;
            outcomes[i] = (struct proof_outcome){.sequence = i + 1, .status = PROOF_OUTCOME_DONE, .digest = {1}};
        }
        proof_message_digests(many, world_suites[s], lane, messages, COUNT);
        for (size_t i = 0; i < COUNT; i++) {
            proof_message_digest(one, world_suites[s], lane, &messages[i]);
            assert_memory_equal(one, many[i], 32);
        }
        proof_outcome_entries(many, world_suites[s], outcomes, COUNT);
        for (size_t i = 0; i < COUNT; i++) {
            proof_outcome_entry(one, world_suites[s], &outcomes[i]);
            assert_memory_equal(one, many[i], 32);
        }
        uint8_t running[32] = {1};
        uint8_t step[32] = {1};
        proof_running_hash_extend(running, world_suites[s], (const uint8_t(*)[32])many, COUNT);
        for (size_t i = 0; i < COUNT; i++)
            proof_running_hash_extend(step, world_suites[s], (const uint8_t(*)[32])many[i], 1);
        assert_memory_equal(running, step, 32);
    }
    struct proof_head head = {.number = UINT64_MAX - 1};
    assert_false(proof_head_extend(&head, PROOF_SUITE_SHA256_P256, (const uint8_t(*)[32])many, 2));
    assert_true(proof_head_extend(&head, PROOF_SUITE_SHA256_P256, (const uint8_t(*)[32])many, 1));
}

static void outcome_records_are_exact(void **state)
{
    (void)state;
    struct proof_outcome outcome = {3, {7}, PROOF_OUTCOME_STRUCK, 99};
    struct proof_outcome read;
    struct proof_result result;
    struct codec_reader reader;
    struct codec_writer writer;
    uint8_t record[PROOF_OUTCOME_RECORD_BYTES];
    codec_writer_init(&writer, record, sizeof record);
    assert_true(proof_outcome_write(&writer, &outcome));
    assert_int_equal(writer.len, sizeof record);
    codec_reader_init(&reader, BYTES_OF(record));
    assert_true(proof_outcome_read(&read, &reader, &result));
    assert_true(codec_reader_done(&reader));
    assert_int_equal(read.reason, 99);
    for (size_t cut = 0; cut < sizeof record; cut++) {
        codec_reader_init(&reader, (struct bytes){record, cut});
        assert_false(proof_outcome_read(&read, &reader, &result));
        assert_int_equal(result.reason, PROOF_REASON_RECORD_TRUNCATED);
    }
    static const uint8_t statuses[] = {0, 6, 7, 255};
    for (size_t i = 0; i < sizeof statuses; i++) {
        record[40] = statuses[i];
        codec_reader_init(&reader, BYTES_OF(record));
        assert_false(proof_outcome_read(&read, &reader, &result));
        assert_int_equal(result.reason, PROOF_REASON_RECORD_STATUS);
        assert_int_equal(read.sequence, 0);
    }
    outcome.sequence = 0;
    codec_writer_init(&writer, record, sizeof record);
    assert_false(proof_outcome_write(&writer, &outcome));
}

/* A decision about no message, or about no digest, is none: zeros are what an unset place holds. */
static void outcomes_name_a_message(void **state)
{
    (void)state;
    static const struct {
        size_t from, len;
        enum proof_reason reason;
    } cases[] = {{0, 8, PROOF_REASON_RECORD_SEQUENCE}, {8, 32, PROOF_REASON_RECORD_DIGEST}};
    const struct proof_outcome outcome = {3, {7}, PROOF_OUTCOME_DONE, 0};
    for (size_t i = 0; i < 2; i++) {
        uint8_t record[PROOF_OUTCOME_RECORD_BYTES];
        struct proof_outcome read;
        struct proof_result result;
        struct codec_reader reader;
        struct codec_writer writer;
        codec_writer_init(&writer, record, sizeof record);
        assert_true(proof_outcome_write(&writer, &outcome));
        memset(record + cases[i].from, 0, cases[i].len);
        codec_reader_init(&reader, BYTES_OF(record));
        assert_false(proof_outcome_read(&read, &reader, &result));
        assert_int_equal(result.reason, cases[i].reason);
        assert_int_equal(read.status, PROOF_OUTCOME_NONE);
        assert_true(reader.failed);
    }
    /* the first of a range that begins nowhere */
    struct proof_message message, read;
    struct codec_reader reader;
    struct proof_result result;
    uint8_t commitments[4][32], record[512];
    message_init(&message, commitments, 1);
    codec_reader_init(&reader, (struct bytes){record, write(record, sizeof record, &message)});
    assert_false(proof_message_read(&read, &reader, 0, PAYLOAD_MAX, &result));
    assert_int_equal(result.reason, PROOF_REASON_RECORD_SEQUENCE);
}

static void refuse_leaf(uint64_t kind, struct bytes fields, enum proof_reason reason)
{
    struct proof_leaf leaf;
    struct proof_result result;
    assert_false(proof_leaf_read(&leaf, kind, fields, &result));
    assert_int_equal(result.reason, reason);
    assert_int_equal(leaf.kind, PROOF_LEAF_NONE);
}

static void leaves_are_exact(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, PROOF_LEAF_HEAD_BYTES, PROOF_LEAF_RULING_BYTES, PROOF_LEAF_CLOSE_BYTES,
                                   PROOF_LEAF_EPOCH_BYTES};
    uint8_t fields[PROOF_LEAF_BYTES_MAX + 1];
    memset(fields, 1, sizeof fields);
    fields[80] = 4; /* a ruling's status */
    for (uint64_t kind = PROOF_LEAF_HEAD; kind <= PROOF_LEAF_EPOCH; kind++) {
        struct proof_leaf leaf;
        struct proof_result result;
        assert_true(proof_leaf_read(&leaf, kind, (struct bytes){fields, sizes[kind]}, &result));
        for (size_t len = 0; len <= sizeof fields; len++)
            if (len != sizes[kind])
                refuse_leaf(kind, (struct bytes){fields, len}, PROOF_REASON_LEAF_SIZE);
    }
    refuse_leaf(0, (struct bytes){fields, 72}, PROOF_REASON_LEAF_KIND);
    refuse_leaf(5, (struct bytes){fields, 72}, PROOF_REASON_LEAF_KIND);
    refuse_leaf(UINT64_C(1) << 32 | 1, (struct bytes){fields, 72}, PROOF_REASON_LEAF_KIND);
    memset(fields + 72, 0, 4);
    refuse_leaf(PROOF_LEAF_CLOSE, (struct bytes){fields, 76}, PROOF_REASON_LEAF_FIELD); /* no next generation */
    fields[75] = 1;
    refuse_leaf(PROOF_LEAF_CLOSE, (struct bytes){fields, 76}, PROOF_REASON_LEAF_FIELD); /* the first is next to none */
    memset(fields + 72, 1, 4);
    memset(fields + 32, 0, 8);
    refuse_leaf(PROOF_LEAF_HEAD, (struct bytes){fields, 72}, PROOF_REASON_LEAF_FIELD);   /* number 0 */
    refuse_leaf(PROOF_LEAF_RULING, (struct bytes){fields, 93}, PROOF_REASON_LEAF_FIELD); /* from 0 */
    memset(fields + 32, 2, 8);
    refuse_leaf(PROOF_LEAF_RULING, (struct bytes){fields, 93}, PROOF_REASON_LEAF_FIELD); /* from > to */
    memset(fields + 32, 1, 8);
    fields[80] = 1;
    refuse_leaf(PROOF_LEAF_RULING, (struct bytes){fields, 93}, PROOF_REASON_LEAF_FIELD); /* done is no ruling */
    memset(fields + 40, 0, 32);
    refuse_leaf(PROOF_LEAF_HEAD, (struct bytes){fields, 72}, PROOF_REASON_LEAF_FIELD); /* unset running hash */
    memset(fields + 40, 1, 74);
    memset(fields + 72, 0, 2);
    refuse_leaf(PROOF_LEAF_EPOCH, (struct bytes){fields, 114}, PROOF_REASON_LEAF_FIELD); /* quorum 0 */
}

/* Every hash and number of a leaf that must not be unset, one by one. */
static void leaves_have_nothing_unset(void **state)
{
    (void)state;
    static const struct {
        enum proof_leaf_kind kind;
        size_t size, from, len;
    } cases[] = {
        {PROOF_LEAF_HEAD, PROOF_LEAF_HEAD_BYTES, 0, 32},      {PROOF_LEAF_HEAD, PROOF_LEAF_HEAD_BYTES, 32, 8},
        {PROOF_LEAF_HEAD, PROOF_LEAF_HEAD_BYTES, 40, 32},     {PROOF_LEAF_RULING, PROOF_LEAF_RULING_BYTES, 0, 32},
        {PROOF_LEAF_RULING, PROOF_LEAF_RULING_BYTES, 32, 8},  {PROOF_LEAF_RULING, PROOF_LEAF_RULING_BYTES, 40, 8},
        {PROOF_LEAF_RULING, PROOF_LEAF_RULING_BYTES, 48, 32}, {PROOF_LEAF_RULING, PROOF_LEAF_RULING_BYTES, 80, 1},
        {PROOF_LEAF_CLOSE, PROOF_LEAF_CLOSE_BYTES, 0, 32},    {PROOF_LEAF_CLOSE, PROOF_LEAF_CLOSE_BYTES, 40, 32},
        {PROOF_LEAF_CLOSE, PROOF_LEAF_CLOSE_BYTES, 72, 4},    {PROOF_LEAF_EPOCH, PROOF_LEAF_EPOCH_BYTES, 0, 32},
        {PROOF_LEAF_EPOCH, PROOF_LEAF_EPOCH_BYTES, 64, 8},    {PROOF_LEAF_EPOCH, PROOF_LEAF_EPOCH_BYTES, 72, 2},
        {PROOF_LEAF_EPOCH, PROOF_LEAF_EPOCH_BYTES, 82, 32},
    };
    static const struct {
        enum proof_leaf_kind kind;
        size_t size, from, len;
    } may_be[] = {
        {PROOF_LEAF_RULING, PROOF_LEAF_RULING_BYTES, 81, 12}, /* rule, policy version */
        {PROOF_LEAF_CLOSE, PROOF_LEAF_CLOSE_BYTES, 32, 8},    /* nothing was ever sent */
        {PROOF_LEAF_EPOCH, PROOF_LEAF_EPOCH_BYTES, 74, 8},    /* no overlap */
    };
    uint8_t fields[PROOF_LEAF_BYTES_MAX];
    struct proof_leaf leaf;
    struct proof_result result;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        memset(fields, 1, sizeof fields);
        fields[80] = 4;
        assert_true(proof_leaf_read(&leaf, cases[i].kind, (struct bytes){fields, cases[i].size}, &result));
        memset(fields + cases[i].from, 0, cases[i].len);
        refuse_leaf(cases[i].kind, (struct bytes){fields, cases[i].size}, PROOF_REASON_LEAF_FIELD);
    }
    for (size_t i = 0; i < sizeof may_be / sizeof *may_be; i++) {
        memset(fields, 1, sizeof fields);
        fields[80] = 5;
        memset(fields + may_be[i].from, 0, may_be[i].len);
        assert_true(proof_leaf_read(&leaf, may_be[i].kind, (struct bytes){fields, may_be[i].size}, &result));
    }
    for (unsigned status = 0; status < 256; status++) {
        memset(fields, 1, sizeof fields);
        fields[80] = (uint8_t)status;
        assert_int_equal(
            proof_leaf_read(&leaf, PROOF_LEAF_RULING, (struct bytes){fields, PROOF_LEAF_RULING_BYTES}, &result),
            status == PROOF_OUTCOME_WITHHELD || status == PROOF_OUTCOME_STRUCK);
    }
}

static void names_and_chain_ids_are_checked(void **state)
{
    (void)state;
    static const char *const bad_names[] = {
        "", "Demo", "a_b", "a.b", "a b", "\xc3\xa9", "abcdefghijabcdefghijabcdefghij123"};
    static const char *const bad_chains[] = {
        "",           "eip155",   "eip155:",   ":1",           "ei:1",
        "eip155:1:2", "EIP155:1", "eip155:1 ", "eip1555555:1", "eip155:123456789012345678901234567890123"};
    uint8_t id[32];
    const uint8_t genesis[32] = {1};
    const uint8_t unset[32] = {0};
    for (size_t i = 0; i < sizeof bad_names / sizeof *bad_names; i++) {
        assert_false(proof_network_id(id, PROOF_SUITE_SHA256_P256, bad_names[i]));
        assert_true(codec_bytes_are_zero(id, 32));
        assert_false(proof_zone_id(id, genesis, bad_names[i]));
    }
    for (size_t i = 0; i < sizeof bad_chains / sizeof *bad_chains; i++)
        assert_false(proof_chain_id(id, PROOF_SUITE_SHA256_P256, bad_chains[i], genesis));
    assert_true(proof_chain_id(id, PROOF_SUITE_SHA256_P256, "cosmos:Cosmos_Hub-3", genesis));
    assert_false(proof_chain_id(id, PROOF_SUITE_SHA256_P256, "eip155:1", unset));
    assert_false(proof_chain_id(id, PROOF_SUITE_NONE, "eip155:1", genesis));
    assert_false(proof_network_id(id, (enum proof_suite)3, "demo"));
    struct proof_lane lane = {.network = "demo",
                              .source = "eip155:1",
                              .source_genesis = {1},
                              .destination = "eip155:2",
                              .destination_genesis = {2},
                              .mode = 3,
                              .generation = 1};
    struct proof_result result;
    assert_true(proof_lane_id(id, PROOF_SUITE_SHA256_P256, &lane, &result));
    lane.mode = 4;
    assert_false(proof_lane_id(id, PROOF_SUITE_SHA256_P256, &lane, &result));
    lane.mode = 0;
    lane.generation = 0;
    assert_false(proof_lane_id(id, PROOF_SUITE_SHA256_P256, &lane, &result));
}

static void sets_of_suites_are_understood(void **state)
{
    (void)state;
    assert_false(proof_suites_valid(0));
    assert_false(proof_suites_valid(0x10));
    assert_false(proof_suites_valid(0x81));
    assert_int_equal(proof_suites_lowest(0x0a), PROOF_SUITE_SHA256_P256);
    assert_int_equal(proof_suites_lowest(0), PROOF_SUITE_NONE);
    assert_int_equal(proof_suites_place(0x0d, PROOF_SUITE_SM3_SM2), 1);
    assert_int_equal(proof_suites_place(0x0d, PROOF_SUITE_BLAKE2B256_ED25519), 2);
    assert_int_equal(proof_suite_by_bit(3), PROOF_SUITE_NONE);
    assert_int_equal(proof_suite_by_bit(UINT64_C(1) << 32 | 1), PROOF_SUITE_NONE);
    for (size_t s = 0; s < PROOF_SUITE_COUNT; s++)
        assert_int_equal(proof_suite_by_name(proof_suite_name(world_suites[s])), world_suites[s]);
    assert_int_equal(proof_suite_by_name("none"), PROOF_SUITE_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_survive_for_every_set_of_suites),
        cmocka_unit_test(a_message_record_that_means_nothing_is_refused_by_name),
        cmocka_unit_test(a_payload_that_does_not_open_its_commitment_is_noticed),
        cmocka_unit_test(digests_side_by_side_equal_digests_one_by_one),
        cmocka_unit_test(outcome_records_are_exact),
        cmocka_unit_test(outcomes_name_a_message),
        cmocka_unit_test(leaves_are_exact),
        cmocka_unit_test(leaves_have_nothing_unset),
        cmocka_unit_test(names_and_chain_ids_are_checked),
        cmocka_unit_test(sets_of_suites_are_understood),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
