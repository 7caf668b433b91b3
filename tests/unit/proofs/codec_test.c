/*
 * Bytes, hexadecimal text, RLP and Keccak-256.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proofs/codec/bytes.h"
#include "proofs/codec/hash.h"
#include "proofs/codec/hex.h"
#include "proofs/codec/keccak.h"
#include "proofs/codec/rlp.h"

#define TEXT(literal) ((struct bytes){(const uint8_t *)(literal), sizeof(literal) - 1})

static void assert_hex(const uint8_t hash[32], const char *expected)
{
    char text[65];
    codec_hex_encode(text, (struct bytes){hash, 32});
    assert_string_equal(text, expected);
}

/* ---- bytes ---- */

static void test_a_reader_keeps_its_first_error(void **state)
{
    struct codec_reader reader;
    uint8_t copy[4];
    (void)state;
    codec_reader_init(&reader, TEXT("\x01\x02\x03\x04\x05\x06\x07"));
    assert_int_equal(codec_read_u8(&reader), 1);
    assert_int_equal(codec_read_u16(&reader), 0x0203);
    codec_read_copy(copy, &reader, 2);
    assert_memory_equal(copy, "\x04\x05", 2);
    assert_int_equal(codec_read_u32(&reader), 0);
    assert_int_equal(codec_read_u8(&reader), 0);
    assert_int_equal(codec_reader_left(&reader), 0);
    assert_false(codec_reader_done(&reader));
    memset(copy, 0xff, sizeof copy);
    codec_read_copy(copy, &reader, 4);
    assert_memory_equal(copy, "\0\0\0\0", 4);
}

static void test_a_reader_is_done_only_at_the_end(void **state)
{
    struct codec_reader reader;
    (void)state;
    codec_reader_init(&reader, TEXT("\x01\x02\x03\x04\x05\x06\x07\x08\x09"));
    assert_int_equal(codec_read_u64(&reader), UINT64_C(0x0102030405060708));
    assert_false(codec_reader_done(&reader));
    codec_read_u8(&reader);
    assert_true(codec_reader_done(&reader));
}

static void test_a_writer_never_writes_part_of_a_value(void **state)
{
    uint8_t buffer[8];
    struct codec_writer writer;
    (void)state;
    memset(buffer, 0xee, sizeof buffer);
    codec_writer_init(&writer, buffer, 7);
    codec_write_u32(&writer, 0x01020304);
    codec_write_u32(&writer, 0x05060708);
    assert_true(writer.failed);
    assert_memory_equal(buffer, "\x01\x02\x03\x04\xee\xee\xee\xee", 8);
    codec_write_u8(&writer, 9);
    assert_int_equal(writer.len, 4);
    assert_null(codec_writer_bytes(&writer).data);
}

static void test_slices_stay_inside(void **state)
{
    (void)state;
    assert_true(codec_bytes_equal(codec_bytes_slice(TEXT("abcd"), 1, 2), TEXT("bc")));
    assert_int_equal(codec_bytes_slice(TEXT("abcd"), 5, 0).len, 0);
    assert_int_equal(codec_bytes_slice(TEXT("abcd"), 1, SIZE_MAX).len, 0);
}

/* ---- hex ---- */

static bool u64_of(uint64_t *out, const char *text)
{
    return codec_hex_decode_u64(out, text, strlen(text));
}

static void test_hex_reads_bytes_strictly(void **state)
{
    uint8_t out[4];
    size_t len;
    (void)state;
    assert_true(codec_hex_decode(out, &len, 4, "0x00aBfF", 8));
    assert_int_equal(len, 3);
    assert_memory_equal(out, "\x00\xab\xff", 3);
    assert_true(codec_hex_decode(out, &len, 4, "", 0));
    assert_true(codec_hex_decode(out, &len, 4, "0x", 2));
    assert_false(codec_hex_decode(out, &len, 4, "0xabc", 5));
    assert_false(codec_hex_decode(out, &len, 4, "0x0g", 4));
    assert_false(codec_hex_decode(out, &len, 4, "0x0102030405", 12));
    assert_int_equal(len, 0);
    assert_false(codec_hex_decode_exact(out, 4, "0x010203", 8));
}

static void test_quantities_are_minimal(void **state)
{
    uint64_t value;
    uint8_t wide[32];
    (void)state;
    assert_true(u64_of(&value, "0x0"));
    assert_int_equal(value, 0);
    assert_true(u64_of(&value, "0xffffffffffffffff"));
    assert_true(value == UINT64_MAX);
    assert_false(u64_of(&value, "0x"));
    assert_false(u64_of(&value, "0x00"));
    assert_false(u64_of(&value, "0x01"));
    assert_false(u64_of(&value, "12"));
    assert_false(u64_of(&value, "0x10000000000000000"));
    assert_true(codec_hex_decode_u256(wide, "0x100", 5));
    assert_int_equal(wide[30], 1);
    assert_int_equal(wide[31], 0);
}

/* ---- RLP ---- */

/* Every input of up to three bytes (and its long relatives): what the checker takes is what the writer writes. */
static void test_every_short_input_is_canonical_or_refused(void **state)
{
    (void)state;
    for (uint32_t value = 0; value < UINT32_C(1) << 24; value++) {
        uint8_t in[3] = {(uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value};
        uint8_t out[16];
        struct codec_rlp rlp;
        struct codec_rlp_item item;
        struct codec_writer writer;
        bool good = true;
        codec_rlp_init(&rlp, BYTES_OF(in));
        codec_writer_init(&writer, out, sizeof out);
        while (codec_rlp_next(&item, &rlp)) {
            if (item.is_list) {
                codec_rlp_write_list_header(&writer, item.payload.len);
                codec_rlp_write_raw(&writer, item.payload);
            } else {
                codec_rlp_write_string(&writer, item.payload);
            }
        }
        good = codec_rlp_end(&rlp);
        if (good && !codec_bytes_equal(codec_writer_bytes(&writer), BYTES_OF(in)))
            fail_msg("%06x is read but written differently", value);
        if (codec_rlp_check(BYTES_OF(in), 2) && !good)
            fail_msg("%06x passes the check but cannot be read", value);
    }
}

static void test_non_canonical_rlp_is_refused(void **state)
{
    static const char *const bad[] = {"",
                                      "8100",
                                      "817f",
                                      "b800",
                                      "b801ff",
                                      "b90001ff",
                                      "bf0000000000",
                                      "c1",
                                      "c28080ff",
                                      "c18100",
                                      "f800",
                                      "f80180",
                                      "f90001c0",
                                      "83ffff",
                                      "c3820102c0c0",
                                      "bfffffffffffffffff00",
                                      "ffffffffffffffffff",
                                      "8080",
                                      NULL};
    (void)state;
    for (size_t i = 0; i + 1 < sizeof bad / sizeof bad[0]; i++) {
        uint8_t in[32];
        size_t len;
        assert_true(codec_hex_decode(in, &len, sizeof in, bad[i], strlen(bad[i])));
        if (codec_rlp_check((struct bytes){in, len}, CODEC_RLP_DEPTH_MAX))
            fail_msg("%s was accepted", bad[i]);
    }
}

/* Lengths of lengths: as few bytes as they take, and none of them zero in front, however long the content is. */
static void test_lengths_are_written_in_as_few_bytes_as_they_take(void **state)
{
    static const size_t lens[] = {55, 56, 255, 256, 300};
    uint8_t in[400];
    (void)state;
    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
        for (size_t width = 1; width <= 8; width++) {
            for (unsigned base = 0xb7; base <= 0xf7; base += 0x40) {
                memset(in, 0x05, sizeof in);
                in[0] = (uint8_t)(base + width);
                for (size_t k = 0; k < width; k++)
                    in[width - k] = k < 2 ? (uint8_t)(lens[i] >> 8 * k) : 0;
                bool shortest = lens[i] > 55 && width == (lens[i] > 255 ? 2u : 1u);
                bool lies = width == 1 && lens[i] > 255; /* the length was cut: another one, and bytes behind it */
                assert_int_equal(codec_rlp_check((struct bytes){in, 1 + width + lens[i]}, 2), shortest && !lies);
            }
        }
    }
}

static void test_integers_have_no_leading_zeros(void **state)
{
    struct codec_rlp rlp;
    uint8_t wide[32];
    (void)state;
    codec_rlp_init(&rlp, TEXT("\x80\x01\x88\xff\xff\xff\xff\xff\xff\xff\xff"));
    assert_true(codec_rlp_read_u64(&rlp) == 0);
    assert_true(codec_rlp_read_u64(&rlp) == 1);
    assert_true(codec_rlp_read_u64(&rlp) == UINT64_MAX);
    assert_true(codec_rlp_end(&rlp));
    codec_rlp_init(&rlp, TEXT("\x00"));
    codec_rlp_read_u64(&rlp);
    assert_true(rlp.failed);
    codec_rlp_init(&rlp, TEXT("\x82\x00\x01"));
    codec_rlp_read_u256(wide, &rlp);
    assert_true(rlp.failed);
    codec_rlp_init(&rlp, TEXT("\x89\x01\xff\xff\xff\xff\xff\xff\xff\xff"));
    codec_rlp_read_u64(&rlp);
    assert_true(rlp.failed);
    codec_rlp_init(&rlp, TEXT("\xc0"));
    codec_rlp_read_u64(&rlp);
    assert_true(rlp.failed);
}

static void test_nesting_is_bounded(void **state)
{
    uint8_t deep[64];
    (void)state;
    for (size_t depth = 1; depth <= 40; depth++) {
        struct codec_writer writer;
        codec_writer_init(&writer, deep, sizeof deep);
        for (size_t i = 0; i < depth; i++)
            codec_rlp_list_end(&writer, 0);
        assert_int_equal(codec_rlp_check(codec_writer_bytes(&writer), CODEC_RLP_DEPTH_MAX),
                         depth <= CODEC_RLP_DEPTH_MAX);
        assert_int_equal(codec_rlp_check(codec_writer_bytes(&writer), 3), depth <= 3);
    }
    assert_false(codec_rlp_check(TEXT("\x01"), CODEC_RLP_DEPTH_MAX + 1));
}

static void test_lists_are_written_with_every_header_size(void **state)
{
    static const size_t lens[] = {0, 1, 55, 56, 255, 256, 65535, 65536};
    static const size_t headers[] = {1, 1, 1, 2, 2, 3, 3, 4};
    uint8_t *buffer = malloc(70000);
    (void)state;
    assert_non_null(buffer);
    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
        struct codec_writer writer;
        codec_writer_init(&writer, buffer, 70000);
        for (size_t k = 0; k < lens[i]; k++)
            codec_rlp_write_u64(&writer, 7);
        codec_rlp_list_end(&writer, 0);
        assert_int_equal(writer.len, lens[i] + headers[i]);
        assert_true(codec_rlp_check(codec_writer_bytes(&writer), 1));
        codec_writer_init(&writer, buffer, lens[i] + headers[i] - 1);
        for (size_t k = 0; k < lens[i]; k++)
            codec_rlp_write_u64(&writer, 7);
        codec_rlp_list_end(&writer, 0);
        assert_true(writer.failed);
    }
    free(buffer);
}

/* ---- hashes ---- */

static void test_keccak_known_answers(void **state)
{
    uint8_t hash[32];
    static uint8_t million[1000000];
    (void)state;
    codec_keccak256(hash, TEXT(""));
    assert_hex(hash, "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
    codec_keccak256(hash, TEXT("abc"));
    assert_hex(hash, "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45");
    codec_keccak256(hash, TEXT("\x80"));
    assert_hex(hash, "56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421");
    codec_keccak256(hash, TEXT("\xc0"));
    assert_hex(hash, "1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347");
    codec_keccak256(hash, TEXT("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"));
    assert_hex(hash, "45d3b367a6904e6e8d502ee04999a7c27647f91fa845d456525fd352ae3d7371");
    memset(million, 'a', sizeof million);
    codec_keccak256(hash, BYTES_OF(million));
    assert_hex(hash, "fadae6b49f129bbb812be8407b7b2894f34aecf6dbd1f9b0f0c7e9853098fc96");
}

static void test_keccak_is_the_same_however_it_is_fed(void **state)
{
    uint8_t in[600];
    (void)state;
    for (size_t i = 0; i < sizeof in; i++)
        in[i] = (uint8_t)(i * 131 + i / 7);
    for (size_t len = 0; len <= sizeof in; len++) {
        uint8_t whole[32];
        uint8_t parts[32];
        codec_keccak256(whole, (struct bytes){in, len});
        for (size_t step = 1; step <= 273; step += 17) {
            struct codec_keccak256 hash;
            codec_keccak256_init(&hash);
            for (size_t at = 0; at < len; at += step)
                codec_keccak256_update(&hash, (struct bytes){in + at, len - at < step ? len - at : step});
            codec_keccak256_final(parts, &hash);
            assert_memory_equal(whole, parts, 32);
        }
    }
}

/* 601 jobs of all lengths 0..600, cut in head and body at every kind of place, by each path and in groups of every size. */
static void test_keccak_of_many_is_keccak_of_each(void **state)
{
    static uint8_t in[1300];
    static uint8_t expected[601][32];
    static uint8_t got[601][32];
    static struct codec_keccak_job jobs[601];
    static struct bytes views[601];
    (void)state;
    for (size_t i = 0; i < sizeof in; i++)
        in[i] = (uint8_t)(i * 29 + i / 13);
    for (size_t len = 0; len <= 600; len++) {
        views[len] = (struct bytes){in + len, len};
        codec_keccak256(expected[len], views[len]);
    }
    for (enum codec_keccak_path path = CODEC_KECCAK_PORTABLE; path <= CODEC_KECCAK_AVX512; path++) {
        if (!codec_keccak_path_usable(path)) {
            print_message("path %d: not on this processor\n", (int)path);
            continue;
        }
        for (size_t cut = 0; cut <= 300; cut += 23) {
            for (size_t len = 0; len <= 600; len++) {
                size_t head = cut < len ? cut : len;
                jobs[len] = (struct codec_keccak_job){got[len], {in + len, head}, {in + len + head, len - head}};
            }
            memset(got, 0, sizeof got);
            codec_keccak256_jobs_by(path, jobs, 601);
            assert_memory_equal(got, expected, sizeof got);
        }
        for (size_t group = 0; group <= 20; group++) {
            memset(got, 0, sizeof got);
            codec_keccak256_jobs_by(path, jobs + 130, group);
            assert_memory_equal(got[130], expected[130], 32 * group);
            assert_true(codec_bytes_are_zero(got[130 + group], 32));
        }
    }
    memset(got, 0, sizeof got);
    codec_keccak256_many(got, views, 601);
    assert_memory_equal(got, expected, sizeof got);
}

static void test_the_suites_hash_known_answers(void **state)
{
    uint8_t hash[32];
    struct bytes parts[3] = {TEXT("a"), TEXT(""), TEXT("bc")};
    (void)state;
    assert_true(codec_hash(hash, CODEC_HASH_KECCAK256, parts, 3));
    assert_hex(hash, "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45");
    assert_true(codec_hash(hash, CODEC_HASH_SHA256, parts, 3));
    assert_hex(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_true(codec_hash(hash, CODEC_HASH_SM3, parts, 3));
    assert_hex(hash, "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0");
    assert_true(codec_hash(hash, CODEC_HASH_BLAKE2B256, parts, 3));
    assert_hex(hash, "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
    assert_false(codec_hash(hash, CODEC_HASH_NONE, parts, 3));
    assert_true(codec_bytes_are_zero(hash, 32));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_reader_keeps_its_first_error),
        cmocka_unit_test(test_a_reader_is_done_only_at_the_end),
        cmocka_unit_test(test_a_writer_never_writes_part_of_a_value),
        cmocka_unit_test(test_slices_stay_inside),
        cmocka_unit_test(test_hex_reads_bytes_strictly),
        cmocka_unit_test(test_quantities_are_minimal),
        cmocka_unit_test(test_every_short_input_is_canonical_or_refused),
        cmocka_unit_test(test_non_canonical_rlp_is_refused),
        cmocka_unit_test(test_lengths_are_written_in_as_few_bytes_as_they_take),
        cmocka_unit_test(test_integers_have_no_leading_zeros),
        cmocka_unit_test(test_nesting_is_bounded),
        cmocka_unit_test(test_lists_are_written_with_every_header_size),
        cmocka_unit_test(test_keccak_known_answers),
        cmocka_unit_test(test_keccak_is_the_same_however_it_is_fed),
        cmocka_unit_test(test_keccak_of_many_is_keccak_of_each),
        cmocka_unit_test(test_the_suites_hash_known_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
