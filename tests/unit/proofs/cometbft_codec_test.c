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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sha256__every_path_and_cut_gives_the_same),
        cmocka_unit_test(test_sha256__two_at_once_are_those_two),
        cmocka_unit_test(test_base64__one_text_for_bytes),
        cmocka_unit_test(test_time__text_as_nodes_write_it),
        cmocka_unit_test(test_sign_bytes__are_those_of_cometbft),
        cmocka_unit_test(test_protobuf__only_the_shortest_and_ascending),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
