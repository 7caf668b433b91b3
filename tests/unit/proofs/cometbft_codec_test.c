/*
 * What CometBFT is read and hashed with: SHA-256 by each path at every length around the blocks borders, base64, times, protobuf, sign bytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proofs/codec/base64.h"
#include "proofs/codec/cometbft.h"
#include "proofs/codec/openssl.h"
#include "proofs/codec/protobuf.h"
#include "proofs/codec/sha256.h"

static void test_sha256__every_path_and_cut_gives_the_same(void **state)
{
    uint8_t data[400], want[32], got[32];
    (void)state;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 7 + 3);
    for (size_t len = 0; len <= sizeof data; len++) {
        struct bytes whole = {data, len};
        assert_true(codec_openssl_sha256(want, &whole, 1));
        for (size_t cut = 0; cut <= len; cut += len / 5 + 1) {
            const struct bytes parts[] = {{data, cut},
                                          {NULL, 0},
                                          {data + cut, (len - cut) / 2},
                                          {data + cut + (len - cut) / 2, len - cut - (len - cut) / 2}};
            for (int path = CODEC_SHA256_PORTABLE; path <= CODEC_SHA256_SHANI; path++) {
                if (!codec_sha256_path_usable((enum codec_sha256_path)path))
                    continue;
                codec_sha256_by((enum codec_sha256_path)path, got, parts, 4);
                assert_memory_equal(got, want, 32);
            }
        }
    }
    codec_sha256(data, &BYTES_OF(data), 1); /* onto its own input */
    assert_memory_equal(data, got, 32);
}

static void test_sha256__two_at_once_are_those_two(void **state)
{
    uint8_t data[200], want[2][32], got[2][32];
    (void)state;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 5 + 1);
    for (size_t a = 0; a <= 130; a++) {
        for (size_t b = 0; b <= 130; b++) {
            const struct bytes parts[2][2] = {{{data, a / 3}, {data + a / 3, a - a / 3}}, {{data + 50, b}, {NULL, 0}}};
            const struct codec_sha256_input in[2] = {{parts[0], 2}, {parts[1], 2}};
            codec_sha256(want[0], parts[0], 2);
            codec_sha256(want[1], parts[1], 2);
            for (int path = CODEC_SHA256_PORTABLE; path <= CODEC_SHA256_SHANI; path++) {
                if (!codec_sha256_path_usable((enum codec_sha256_path)path))
                    continue;
                codec_sha256_two_by((enum codec_sha256_path)path, got, in);
                assert_memory_equal(got, want, sizeof want);
            }
        }
    }
    /* onto their own inputs, crosswise: of as many blocks, and not */
    for (size_t len = 32; len <= 96; len += 64) {
        const struct bytes parts[2] = {{data + 32, 32}, {data, len}};
        codec_sha256(want[0], &parts[0], 1);
        codec_sha256(want[1], &parts[1], 1);
        codec_sha256_two((uint8_t(*)[32])data, (const struct codec_sha256_input[2]){{&parts[0], 1}, {&parts[1], 1}});
        assert_memory_equal(data, want, sizeof want);
    }
}

static void test_base64__one_text_for_bytes(void **state)
{
    static const char *const bad[] = {
        "A", "AA", "AAA", "====", "A===", "AB==", "AAB=", "AA=A", "AA==AAAA", "AA A", "AA-_", "\nAAA"};
    uint8_t out[16];
    size_t len;
    (void)state;
    assert_true(codec_base64_decode(out, &len, sizeof out, "", 0));
    assert_int_equal(len, 0);
    assert_true(codec_base64_decode(out, &len, sizeof out, "Zm9vYmE=", 8));
    assert_int_equal(len, 5);
    assert_memory_equal(out, "fooba", 5);
    assert_true(codec_base64_decode(out, &len, sizeof out, "Zg==", 4));
    assert_int_equal(len, 1);
    assert_true(codec_base64_decode(out, &len, sizeof out, "+/+/", 4));
    assert_int_equal(out[0], 0xfb);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(codec_base64_decode(out, &len, sizeof out, bad[i], strlen(bad[i])));
    assert_false(codec_base64_decode(out, &len, 2, "AAAA", 4));
}

static void test_time__text_as_nodes_write_it(void **state)
{
    static const struct {
        const char *text;
        int64_t seconds;
        int32_t nanos;
    } good[] = {{"1970-01-01T00:00:00Z", 0, 0},
                {"0001-01-01T00:00:00Z", -62135596800, 0},
                {"9999-12-31T23:59:59.999999999Z", 253402300799, 999999999},
                {"2024-02-29T12:00:01.5Z", 1709208001, 500000000},
                {"2023-09-07T12:45:59.767207173Z", 1694090759, 767207173}};
    static const char *const bad[] = {"",
                                      "2023-02-29T00:00:00Z",
                                      "2023-13-01T00:00:00Z",
                                      "2023-00-01T00:00:00Z",
                                      "2023-01-32T00:00:00Z",
                                      "2023-01-01T24:00:00Z",
                                      "2023-01-01T00:60:00Z",
                                      "2023-01-01T00:00:60Z",
                                      "2023-01-01T00:00:00",
                                      "2023-01-01T00:00:00.Z",
                                      "2023-01-01T00:00:00.1234567890Z",
                                      "2023-01-01T00:00:00+01:00",
                                      "2023-01-01 00:00:00Z",
                                      "0000-01-01T00:00:00Z",
                                      "2023-01-01T00:00:00ZZ"};
    struct cometbft_time time;
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(cometbft_time_parse(&time, good[i].text, strlen(good[i].text)));
        assert_int_equal(time.seconds, good[i].seconds);
        assert_int_equal(time.nanos, good[i].nanos);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(cometbft_time_parse(&time, bad[i], strlen(bad[i])));
}

/* Sign bytes from cometbft's own test of vote sign bytes (types/vote_test.go, TestVoteSignBytesTestVectors). */
static void test_sign_bytes__are_those_of_cometbft(void **state)
{
    static const uint8_t zero_vote[] = {0xd, 0x2a, 0xb, 0x8, 0x80, 0x92, 0xb8, 0xc3, 0x98, 0xfe, 0xff, 0xff, 0xff, 0x1};
    static const uint8_t precommit[] = {0x21, 0x8,  0x2,  0x11, 0x1,  0x0,  0x0,  0x0,  0x0,  0x0,  0x0, 0x0,
                                        0x19, 0x1,  0x0,  0x0,  0x0,  0x0,  0x0,  0x0,  0x0,  0x2a, 0xb, 0x8,
                                        0x80, 0x92, 0xb8, 0xc3, 0x98, 0xfe, 0xff, 0xff, 0xff, 0x1};
    struct cometbft_sign_bytes sign;
    struct cometbft_block_id none = {{NULL, 0}, 0, {NULL, 0}};
    uint8_t out[COMETBFT_SIGN_BYTES_MAX];
    (void)state;
    cometbft_sign_bytes_begin(&sign, (struct bytes){NULL, 0}, 0, 0, 0, &none);
    assert_int_equal(cometbft_sign_bytes_of(out, &sign, COMETBFT_TIME_UNSET, true), sizeof zero_vote);
    assert_memory_equal(out, zero_vote, sizeof zero_vote);
    cometbft_sign_bytes_begin(&sign, (struct bytes){NULL, 0}, 2, 1, 1, &none);
    assert_int_equal(cometbft_sign_bytes_of(out, &sign, COMETBFT_TIME_UNSET, false), sizeof precommit);
    assert_memory_equal(out, precommit, sizeof precommit);
}

static void test_protobuf__only_the_shortest_and_ascending(void **state)
{
    static const struct {
        uint8_t bytes[12];
        size_t len;
        bool good;
    } cases[] = {{{8, 1, 16, 2}, 4, true},
                 {{16, 2}, 2, true},
                 {{0}, 0, true},
                 {{16, 2, 8, 1}, 4, false},
                 {{8, 1, 8, 1}, 4, false},
                 {{8, 0}, 2, false},
                 {{8, 0x81, 0}, 3, false},
                 {{0x88, 0, 1}, 3, false},
                 {{8}, 1, false},
                 {{8, 0x80}, 2, false},
                 {{24, 1}, 2, false},
                 {{10, 1, 1}, 3, false},
                 {{8, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1}, 11, true},
                 {{8, 255, 255, 255, 255, 255, 255, 255, 255, 255, 2}, 11, false}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct codec_protobuf message;
        codec_protobuf_init(&message, (struct bytes){cases[i].bytes, cases[i].len});
        codec_protobuf_read_u64(&message, 1);
        codec_protobuf_read_u32(&message, 2);
        assert_int_equal(codec_protobuf_end(&message), cases[i].good);
    }
}

/* What else could stand where a number, bytes or a message is wanted. */
static void test_protobuf__another_type_range_or_length_is_refused(void **state)
{
    enum kind { U64, U32, I32, BYTES, MESSAGE };
    static const struct {
        enum kind kind;
        uint8_t bytes[13];
        size_t len;
        bool good;
    } cases[] = {
        {U32, {8, 255, 255, 255, 255, 15}, 6, true},
        {U32, {8, 128, 128, 128, 128, 16}, 6, false}, /* 2^32 */
        {I32, {8, 255, 255, 255, 255, 7}, 6, true},
        {I32, {8, 128, 128, 128, 128, 8}, 6, false},                                /* 2^31 */
        {I32, {8, 255, 255, 255, 255, 15}, 6, false},                               /* -1 cut at 32 bits */
        {I32, {8, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1}, 11, true},       /* -1 */
        {I32, {8, 128, 128, 128, 128, 248, 255, 255, 255, 255, 1}, 11, true},       /* -2^31 */
        {I32, {8, 255, 255, 255, 255, 247, 255, 255, 255, 255, 1}, 11, false},      /* one below */
        {U64, {8, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 1}, 12, false}, /* eleven bytes */
        {U64, {8, 255, 255, 255, 255, 255, 255, 255, 255, 255, 127}, 11, false},    /* bits above the 64th */
        {U64, {9, 1, 0, 0, 0, 0, 0, 0, 0}, 9, false},                               /* fixed64 */
        {U64, {13, 1, 0, 0, 0}, 5, false},                                          /* fixed32 */
        {U64, {10, 1, 1}, 3, false},                                                /* bytes */
        {U64, {11, 8, 1, 12}, 4, false},                                            /* a group */
        {U64, {14, 1}, 2, false},
        {U64, {15, 1}, 2, false},
        {U64, {0, 1}, 2, false},                                                           /* field 0 */
        {U64, {0x88, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01, 1}, 11, false}, /* a field beyond 2^29 */
        {BYTES, {10, 2, 7, 7}, 4, true},
        {BYTES, {10, 0}, 2, false}, /* empty, and written all the same */
        {BYTES, {10, 3, 7, 7}, 4, false},
        {BYTES, {10, 0x82, 0, 7, 7}, 5, false},
        {BYTES, {10, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1}, 11, false}, /* as long as all there is */
        {BYTES, {10, 1, 7, 10, 1, 7}, 6, false},                                  /* twice */
        {MESSAGE, {10, 2, 8, 1}, 4, true},
        {MESSAGE, {10, 0}, 2, true},
        {MESSAGE, {8, 1}, 2, false},
        {MESSAGE, {0}, 0, false},                  /* needed, not there */
        {MESSAGE, {10, 3, 8, 1, 8}, 5, false},     /* cut inside */
        {MESSAGE, {10, 4, 8, 1, 16, 1}, 6, false}, /* a field more inside */
        {MESSAGE, {10, 1, 8, 1}, 4, false},        /* its number outside */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct codec_protobuf message, inner;
        codec_protobuf_init(&message, (struct bytes){cases[i].bytes, cases[i].len});
        switch (cases[i].kind) {
        case U64: codec_protobuf_read_u64(&message, 1); break;
        case U32: codec_protobuf_read_u32(&message, 1); break;
        case I32: codec_protobuf_read_i32(&message, 1); break;
        case BYTES: codec_protobuf_read_bytes(&message, 1); break;
        case MESSAGE:
            inner = codec_protobuf_need_message(&message, 1);
            codec_protobuf_read_u64(&inner, 1);
            codec_protobuf_close(&message, &inner);
            break;
        }
        if (codec_protobuf_end(&message) != cases[i].good)
            fail_msg("case %zu", i);
    }
}

/* ---- headers, commits and sets, read from what the writer wrote ---- */

enum { ROOM = 2 };

static const uint8_t filling[COMETBFT_SIGNATURE_MAX + 1] = {1};
static struct cometbft_vote votes[ROOM];
static struct cometbft_validator validators[ROOM];
static uint8_t written[16384];

static struct bytes some(size_t len)
{
    return (struct bytes){filling, len};
}

static struct cometbft_header good_header(void)
{
    return (struct cometbft_header){.version_block = 11,
                                    .chain_id = some(5),
                                    .height = 1,
                                    .time = {1, 1},
                                    .last_block_id = {some(32), 1, some(32)},
                                    .last_commit_hash = some(32),
                                    .data_hash = some(32),
                                    .validators_hash = some(32),
                                    .next_validators_hash = some(32),
                                    .consensus_hash = some(32),
                                    .app_hash = some(32),
                                    .last_results_hash = some(32),
                                    .evidence_hash = some(32),
                                    .proposer_address = some(20)};
}

static bool header_read(const struct cometbft_header *header)
{
    struct cometbft_header read;
    struct codec_writer writer;
    codec_writer_init(&writer, written, sizeof written);
    cometbft_header_write(&writer, header);
    return cometbft_header_read(&read, codec_writer_bytes(&writer));
}

static void test_header__hashes_are_whole_or_not_there(void **state)
{
    struct cometbft_header h = good_header();
    struct bytes *const hashes[] = {
        &h.last_block_id.hash, &h.last_block_id.parts_hash, &h.last_commit_hash,  &h.data_hash,    &h.validators_hash,
        &h.consensus_hash,     &h.next_validators_hash,     &h.last_results_hash, &h.evidence_hash};
    struct {
        struct bytes *field;
        size_t most;
    } const bounded[] = {{&h.chain_id, COMETBFT_CHAIN_ID_MAX},
                         {&h.app_hash, COMETBFT_APP_HASH_MAX},
                         {&h.proposer_address, COMETBFT_ADDRESS_BYTES}};
    (void)state;
    for (size_t i = 0; i < sizeof hashes / sizeof hashes[0]; i++) {
        h = good_header();
        for (hashes[i]->len = 0; hashes[i]->len <= 65; hashes[i]->len++)
            assert_int_equal(header_read(&h), hashes[i]->len == 0 || hashes[i]->len == 32);
    }
    for (size_t i = 0; i < 3; i++) {
        h = good_header();
        bounded[i].field->len = bounded[i].most;
        assert_true(header_read(&h));
        bounded[i].field->len++;
        assert_false(header_read(&h));
    }
}

static void test_header__times_lie_between_the_years_1_and_9999(void **state)
{
    static const struct {
        struct cometbft_time time;
        bool good;
    } cases[] = {{{-62135596800, 0}, true},
                 {{-62135596801, 999999999}, false},
                 {{0, 0}, true},
                 {{253402300799, 999999999}, true},
                 {{253402300800, 0}, false},
                 {{1, 1000000000}, false},
                 {{1, -1}, false},
                 {{1, INT32_MIN}, false},
                 {{INT64_MIN, 0}, false},
                 {{INT64_MAX, 0}, false}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct cometbft_header header = good_header();
        struct cometbft_vote vote = {.flag = 2, .address = some(20), .time = cases[i].time, .signature = some(64)};
        struct cometbft_commit commit = {.height = 1, .votes = &vote, .votes_len = 1}, read;
        struct cometbft_double_vote both = {.time = cases[i].time, .a = {.time = {1, 0}}, .b = {.time = {1, 0}}};
        struct codec_writer writer;
        header.time = cases[i].time;
        assert_int_equal(header_read(&header), cases[i].good);
        codec_writer_init(&writer, written, sizeof written);
        cometbft_commit_write(&writer, &commit);
        assert_int_equal(
            cometbft_commit_read(&read, (struct cometbft_room){votes, NULL, ROOM}, codec_writer_bytes(&writer)),
            cases[i].good);
        for (size_t k = 0; k < 2; k++) {
            codec_writer_init(&writer, written, sizeof written);
            cometbft_double_vote_write(&writer, &both);
            assert_int_equal(cometbft_double_vote_read(&both, codec_writer_bytes(&writer)), cases[i].good);
            both = (struct cometbft_double_vote){.a = {.time = {1, 0}}, .b = {.time = cases[i].time}, .time = {1, 0}};
        }
    }
}

static void test_block_id__parts_are_counted_in_32_bits(void **state)
{
    struct cometbft_header header = good_header(), read;
    struct codec_writer writer;
    (void)state;
    header.last_block_id.parts_total = UINT32_MAX;
    codec_writer_init(&writer, written, sizeof written);
    cometbft_header_write(&writer, &header);
    struct bytes whole = codec_writer_bytes(&writer);
    assert_true(cometbft_header_read(&read, whole));
    assert_true(read.last_block_id.parts_total == UINT32_MAX);
    for (size_t at = 0; at + 6 < whole.len; at++)
        if (memcmp(written + at, (const uint8_t[]){8, 255, 255, 255, 255, 15}, 6) == 0)
            written[at + 5] = 31; /* 2^32 more */
    assert_false(cometbft_header_read(&read, whole));
}

static bool commit_read(const struct cometbft_commit *commit)
{
    struct cometbft_commit read;
    struct codec_writer writer;
    codec_writer_init(&writer, written, sizeof written);
    cometbft_commit_write(&writer, commit);
    return cometbft_commit_read(&read, (struct cometbft_room){votes, NULL, ROOM}, codec_writer_bytes(&writer));
}

static void test_commit__addresses_signatures_and_votes_are_bounded(void **state)
{
    struct cometbft_vote three[ROOM + 1];
    struct cometbft_commit commit = {.height = 1, .votes = three, .votes_len = 1};
    (void)state;
    for (size_t i = 0; i <= ROOM; i++)
        three[i] = (struct cometbft_vote){.flag = 2, .address = some(20), .time = {1, 1}, .signature = some(64)};
    for (commit.votes_len = 0; commit.votes_len <= ROOM + 1; commit.votes_len++)
        assert_int_equal(commit_read(&commit), commit.votes_len <= ROOM);
    commit.votes_len = 1;
    three[0].address = some(21);
    assert_false(commit_read(&commit));
    three[0].address = some(20);
    three[0].signature = some(COMETBFT_SIGNATURE_MAX);
    assert_true(commit_read(&commit));
    three[0].signature = some(COMETBFT_SIGNATURE_MAX + 1);
    assert_false(commit_read(&commit));
}

/* The set whose only validator this is, with `total` behind it (0: none). */
static bool set_read(const struct cometbft_validator *one, int64_t total, const struct cometbft_validator *proposer)
{
    struct cometbft_validators read, set = {.len = 1, .has_proposer = proposer != NULL};
    struct cometbft_validator list[] = {*one};
    struct codec_writer writer;
    set.list = list;
    if (proposer)
        set.proposer = *proposer;
    codec_writer_init(&writer, written, sizeof written);
    cometbft_validators_write(&writer, &set);
    codec_protobuf_write_i64(&writer, 3, total);
    return cometbft_validators_read(&read, (struct cometbft_room){NULL, validators, ROOM}, codec_writer_bytes(&writer));
}

static void test_set__keys_and_addresses_have_their_sizes_and_a_total_is_the_sum(void **state)
{
    const struct cometbft_validator good = {COMETBFT_KEY_ED25519, some(32), some(20), 7, -3};
    (void)state;
    for (size_t len = 0; len <= 64; len++) {
        struct cometbft_validator one = good;
        one.address.len = len;
        assert_int_equal(set_read(&one, 0, NULL), len == 20);
        assert_int_equal(set_read(&good, 0, &one), len == 20);
        one = good;
        one.key.len = len;
        assert_int_equal(set_read(&one, 0, NULL), len == 32);
        one.kind = COMETBFT_KEY_SECP256K1;
        assert_int_equal(set_read(&one, 0, NULL), len == 33);
    }
    for (int64_t total = -8; total <= 8; total++)
        assert_int_equal(set_read(&good, total, NULL), total == 0 || total == 7);
    assert_true(set_read(&good, 7, &good));
}

/* crypto.PublicKey is a oneof: two keys, or none, are no key. */
static void test_set__a_validator_has_one_key(void **state)
{
    struct cometbft_validators read;
    struct codec_writer writer;
    (void)state;
    for (uint32_t kinds = 0; kinds < 32; kinds++) {
        codec_writer_init(&writer, written, sizeof written);
        codec_protobuf_write_bytes(&writer, 1, some(20));
        size_t key = codec_protobuf_begin(&writer);
        for (uint32_t kind = 1; kind <= 5; kind++)
            if (kinds >> (kind - 1) & 1)
                codec_protobuf_write_bytes(&writer, kind, some(kind == 2 ? 33 : 32));
        codec_protobuf_finish(&writer, 2, key);
        codec_protobuf_write_i64(&writer, 3, 7);
        codec_protobuf_finish(&writer, 1, 0);
        bool one = kinds == 1 || kinds == 2 || kinds == 4 || kinds == 8;
        assert_int_equal(cometbft_validators_read(&read, (struct cometbft_room){NULL, validators, ROOM},
                                                  codec_writer_bytes(&writer)),
                         one);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sha256__every_path_and_cut_gives_the_same),
        cmocka_unit_test(test_sha256__two_at_once_are_those_two),
        cmocka_unit_test(test_base64__one_text_for_bytes),
        cmocka_unit_test(test_time__text_as_nodes_write_it),
        cmocka_unit_test(test_sign_bytes__are_those_of_cometbft),
        cmocka_unit_test(test_protobuf__only_the_shortest_and_ascending),
        cmocka_unit_test(test_protobuf__another_type_range_or_length_is_refused),
        cmocka_unit_test(test_header__hashes_are_whole_or_not_there),
        cmocka_unit_test(test_header__times_lie_between_the_years_1_and_9999),
        cmocka_unit_test(test_block_id__parts_are_counted_in_32_bits),
        cmocka_unit_test(test_commit__addresses_signatures_and_votes_are_bounded),
        cmocka_unit_test(test_set__keys_and_addresses_have_their_sizes_and_a_total_is_the_sum),
        cmocka_unit_test(test_set__a_validator_has_one_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
