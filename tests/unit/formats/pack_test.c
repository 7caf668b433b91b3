/* msgpack: one encoding a value, bounds, and agreement with the library in both directions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proofs/codec/hex.h"
#include "proofs/codec/pack.h"

static struct bytes hex(const char *text)
{
    static uint8_t buffer[256];
    size_t len;
    assert_true(codec_hex_decode(buffer, &len, sizeof buffer, text, strlen(text)));
    return (struct bytes){buffer, len};
}

static void every_number_survives_and_takes_the_fewest_bytes(void **state)
{
    (void)state;
    static const struct {
        uint64_t value;
        size_t len;
    } cases[] = {{0, 1},          {1, 1},        {127, 1},   {128, 2},        {255, 2},
                 {256, 3},        {65535, 3},    {65536, 5}, {UINT32_MAX, 5}, {UINT32_MAX + UINT64_C(1), 9},
                 {UINT64_MAX, 9}, {INT64_MAX, 9}};
    struct codec_pack pack;
    codec_pack_init(&pack, 64);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct codec_unpack unpack;
        codec_pack_clear(&pack);
        codec_pack_uint(&pack, cases[i].value);
        assert_int_equal(pack.len, cases[i].len);
        assert_true(codec_unpack_check(codec_pack_bytes(&pack)));
        codec_unpack_init(&unpack, codec_pack_bytes(&pack));
        assert_int_equal(codec_unpack_uint(&unpack, cases[i].value), cases[i].value);
        assert_true(codec_unpack_done(&unpack));
        if (cases[i].value == 0)
            continue;
        codec_unpack_init(&unpack, codec_pack_bytes(&pack));
        assert_int_equal(codec_unpack_uint(&unpack, cases[i].value - 1), 0); /* over the caller's bound */
        assert_true(unpack.failed);
    }
    codec_pack_fini(&pack);
}

static void signed_numbers_survive(void **state)
{
    (void)state;
    static const int64_t cases[] = {0,
                                    1,
                                    -1,
                                    -32,
                                    -33,
                                    INT8_MIN,
                                    INT8_MIN - 1,
                                    -32768,
                                    -32769,
                                    INT32_MIN,
                                    INT64_MIN,
                                    INT64_MAX,
                                    INT32_MIN - INT64_C(1)};
    struct codec_pack pack;
    codec_pack_init(&pack, 64);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct codec_unpack unpack;
        codec_pack_clear(&pack);
        codec_pack_int(&pack, cases[i]);
        codec_unpack_init(&unpack, codec_pack_bytes(&pack));
        assert_true(codec_unpack_int(&unpack) == cases[i]);
        assert_true(codec_unpack_done(&unpack));
    }
    codec_pack_fini(&pack);
}

static void other_encodings_of_a_value_are_refused(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "cc00",
        "cc7f",
        "cd0000",
        "cd00ff",
        "ce0000ffff",
        "cf00000000ffffffff", /* longer unsigned */
        "d000",
        "d07f",
        "d0e0",
        "d0ff",
        "d1ff80",
        "d2ffff8000", /* longer signed */
        "d100ff",
        "d200010000",
        "d3ffffffff80000000",
        "d30000000000000001",
        "d900",
        "d91f61",
        "da00ff61",
        "db0000ffff61", /* longer text */
        "c50001aa",
        "c60000ffff00", /* longer binary */
        "dc0001c0",
        "dd0000ffff",
        "de0001c0c0",
        "df0000ffff", /* longer arrays, maps */
        "ca00000000",
        "cb0000000000000000",
        "c1",
        "c70100ff",
        "d4ffff", /* floats, extensions */
        "c0c0",
        "",
        "c4",
        "c402aa",
        "92c0",
        "81c0",
        "a161ff", /* extra or missing */
        "ddffffffff",
        "dfffffffff",
        "c6ffffffff",
        "dbffffffff", /* lengths that lie */
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (codec_unpack_check(hex(refused[i])))
            fail_msg("%s was taken", refused[i]);
    assert_true(codec_unpack_check(hex("94c0c3a16182017fe0c401ff")));
}

/* A count is refused when it is read, not when the elements turn out to be missing: whoever reads it may make room for them. */
static void counts_are_of_what_can_be_there(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t array, map;
    } cases[] = {{"93c0c0", 0, 0},         {"93c0c0c0", 3, 0},           {"dc0100c0", 0, 0},
                 {"ddffffffffc0c0", 0, 0}, {"82c0c0c0", 0, 0},           {"82c0c0c0c0", 0, 2},
                 {"de0100c0", 0, 0},       {"dfffffffffc0c0c0c0", 0, 0}, {"df80000001c0c0", 0, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct codec_unpack unpack;
        codec_unpack_init(&unpack, hex(cases[i].text));
        assert_int_equal(codec_unpack_array(&unpack, UINT32_MAX), cases[i].array);
        assert_int_equal(unpack.failed, cases[i].array == 0);
        codec_unpack_init(&unpack, hex(cases[i].text));
        assert_int_equal(codec_unpack_map(&unpack, UINT32_MAX), cases[i].map);
        assert_int_equal(unpack.failed, cases[i].map == 0);
    }
}

static void nesting_ends_at_eight(void **state)
{
    (void)state;
    assert_true(codec_unpack_check(hex("9191919191919191c0")));
    assert_false(codec_unpack_check(hex("919191919191919191c0")));
    assert_false(codec_unpack_check(hex("818181818181818181c0c0")));
    assert_true(codec_unpack_check(hex("9191919191919190")));
}

static void all_kinds_of_values_read_back(void **state)
{
    (void)state;
    static const uint8_t blob[300] = {1, 2, 3};
    static const size_t lengths[] = {0, 1, 31, 32, 255, 256, 300};
    struct codec_pack pack;
    struct codec_unpack unpack;
    uint8_t exact[300];
    codec_pack_init(&pack, 1 << 16);
    codec_pack_array(&pack, 3);
    codec_pack_bool(&pack, true);
    codec_pack_nil(&pack);
    codec_pack_map(&pack, 1);
    codec_pack_str(&pack, "key");
    codec_pack_array(&pack, 2 * sizeof lengths / sizeof *lengths);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        codec_pack_bin(&pack, (struct bytes){blob, lengths[i]});
        codec_pack_str_bytes(&pack, (struct bytes){blob, lengths[i]});
    }
    assert_true(codec_unpack_check(codec_pack_bytes(&pack)));
    codec_unpack_init(&unpack, codec_pack_bytes(&pack));
    codec_unpack_array_exact(&unpack, 3);
    assert_int_equal(codec_unpack_peek(&unpack), CODEC_PACK_BOOL);
    assert_true(codec_unpack_bool(&unpack));
    codec_unpack_nil(&unpack);
    assert_int_equal(codec_unpack_map(&unpack, 1), 1);
    assert_true(codec_bytes_equal(codec_unpack_str(&unpack, 3), (struct bytes){(const uint8_t *)"key", 3}));
    assert_int_equal(codec_unpack_array(&unpack, 100), 14);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        if (lengths[i] == 300)
            codec_unpack_bin_exact(exact, &unpack, 300);
        else
            assert_int_equal(codec_unpack_bin(&unpack, lengths[i]).len, lengths[i]);
        assert_int_equal(codec_unpack_str(&unpack, lengths[i]).len, lengths[i]);
    }
    assert_true(codec_unpack_done(&unpack));
    assert_memory_equal(exact, blob, 300);
    for (size_t cut = 0; cut < pack.len; cut++)
        assert_false(codec_unpack_check((struct bytes){pack.data, cut}));
    codec_pack_fini(&pack);
}

static void a_reader_that_failed_stays_failed(void **state)
{
    (void)state;
    struct codec_unpack unpack;
    codec_unpack_init(&unpack, hex("0102c3a161"));
    assert_int_equal(codec_unpack_bin(&unpack, 10).len, 0); /* a number is there */
    assert_true(unpack.failed);
    assert_int_equal(codec_unpack_uint(&unpack, UINT64_MAX), 0);
    assert_int_equal(codec_unpack_peek(&unpack), CODEC_PACK_NONE);
    assert_int_equal(codec_unpack_skip(&unpack).len, 0);
    assert_false(codec_unpack_done(&unpack));
}

static void the_writer_stops_at_its_bound_and_writes_whole_values(void **state)
{
    (void)state;
    static const uint8_t blob[20];
    struct codec_pack pack;
    codec_pack_init(&pack, 24);
    codec_pack_bin(&pack, BYTES_OF(blob));
    assert_int_equal(pack.len, 22);
    codec_pack_bin(&pack, (struct bytes){blob, 1});
    assert_true(pack.failed);
    assert_int_equal(pack.len, 22);
    assert_int_equal(codec_pack_bytes(&pack).len, 0);
    codec_pack_uint(&pack, 1);
    assert_int_equal(pack.len, 22);
    codec_pack_clear(&pack);
    codec_pack_uint(&pack, 1);
    assert_int_equal(codec_pack_bytes(&pack).len, 1);
    codec_pack_fini(&pack);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number_survives_and_takes_the_fewest_bytes),
        cmocka_unit_test(signed_numbers_survive),
        cmocka_unit_test(other_encodings_of_a_value_are_refused),
        cmocka_unit_test(counts_are_of_what_can_be_there),
        cmocka_unit_test(nesting_ends_at_eight),
        cmocka_unit_test(all_kinds_of_values_read_back),
        cmocka_unit_test(a_reader_that_failed_stays_failed),
        cmocka_unit_test(the_writer_stops_at_its_bound_and_writes_whole_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
