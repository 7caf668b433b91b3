/*
 * The shape that a spec demands of an ICS-23 proof, whatever its hashes lead to: numbers of IAVL nodes, and depths.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proofs/ics23.h"

static const uint8_t key[] = {'k'}, value[] = {'v'};

/* A leaf of an IAVL tree with one step above it, of these numbers: height, size, version, then what stands behind them. */
static enum proof_reason iavl_shape(const uint8_t *leaf, size_t leaf_len, const uint8_t *inner, size_t inner_len)
{
    static const uint8_t suffix[33] = {0x20, 9};
    struct ics23_existence one = {
        .key = BYTES_OF(key), .value = BYTES_OF(value), .has_leaf = true, .leaf = PROOF_ICS23_IAVL.leaf};
    size_t at;
    one.leaf.prefix = (struct bytes){leaf, leaf_len};
    one.path_len = inner_len > 0;
    one.path[0] = (struct ics23_inner){ICS23_SHA256, {inner, inner_len}, {NULL, 0}};
    if (inner_len < 34)
        one.path[0].suffix = BYTES_OF(suffix);
    return proof_ics23_shape(&at, &PROOF_ICS23_IAVL, &one);
}

static void test_iavl__numbers_are_what_a_node_can_have(void **state)
{
    static const struct {
        uint8_t leaf[16];
        size_t len;
        bool good;
    } leaves[] = {
        {{0, 2, 2}, 3, true},
        {{0, 2, 0}, 3, true},
        {{0, 2, 254, 255, 255, 255, 255, 255, 255, 255, 255, 1}, 12, true},  /* version 2^63 - 1 */
        {{0, 2, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1}, 12, false}, /* -2^63 */
        {{0, 4, 2}, 3, false},                                               /* size 2 */
        {{0, 0, 2}, 3, false},
        {{0, 1, 2}, 3, false}, /* size -1 */
        {{0, 2, 1}, 3, false}, /* version -1 */
        {{0, 2}, 2, false},
        {{0}, 1, false},
        {{0, 0x82, 0, 2}, 4, false}, /* one, written longer */
        {{0, 2, 2, 2}, 4, false},
        {{2, 2, 2}, 3, false}, /* height 1 */
    };
    uint8_t inner[40] = {2, 4, 2, 0x20};
    (void)state;
    for (size_t i = 0; i < sizeof leaves / sizeof leaves[0]; i++)
        assert_int_equal(iavl_shape(leaves[i].leaf, leaves[i].len, NULL, 0) == PROOF_REASON_VALID, leaves[i].good);
    const uint8_t *leaf = leaves[0].leaf;
    assert_int_equal(iavl_shape(leaf, 3, inner, 4), PROOF_REASON_VALID);
    for (size_t i = 0; i < 3; i++) { /* each of the numbers negative */
        inner[i]++;
        assert_int_equal(iavl_shape(leaf, 3, inner, 4), PROOF_REASON_ICS23_IAVL);
        inner[i]--;
    }
    for (unsigned length = 0; length < 256;
         length++) { /* a child's hash has 32 bytes, before and behind the left one */
        inner[3] = (uint8_t)length;
        inner[36] = 0x20;
        assert_int_equal(iavl_shape(leaf, 3, inner, 4), length == 0x20 ? PROOF_REASON_VALID : PROOF_REASON_ICS23_IAVL);
        assert_int_equal(iavl_shape(leaf, 3, inner, 37), length == 0x20 ? PROOF_REASON_VALID : PROOF_REASON_ICS23_IAVL);
        inner[3] = 0x20;
        inner[36] = (uint8_t)length;
        assert_int_equal(iavl_shape(leaf, 3, inner, 37), length == 0x20 ? PROOF_REASON_VALID : PROOF_REASON_ICS23_IAVL);
    }
    for (size_t len = 1; len <= 37; len++)
        assert_int_equal(iavl_shape(leaf, 3, inner, len) == PROOF_REASON_VALID, len == 4);
}

/* Bytes beyond whole siblings would be hashed and be nobody's. */
static void test_inner__suffixes_are_whole_siblings(void **state)
{
    static const uint8_t plain[] = {0}, inner[] = {1}, siblings[100];
    struct ics23_existence one = {.key = BYTES_OF(key), .value = BYTES_OF(value), .has_leaf = true, .path_len = 1};
    size_t at;
    (void)state;
    one.leaf = PROOF_ICS23_TENDERMINT.leaf;
    one.leaf.prefix = BYTES_OF(plain);
    for (size_t len = 0; len <= sizeof siblings; len++) {
        one.path[0] = (struct ics23_inner){ICS23_SHA256, BYTES_OF(inner), {siblings, len}};
        assert_int_equal(proof_ics23_shape(&at, &PROOF_ICS23_TENDERMINT, &one),
                         len % 32 == 0 ? PROOF_REASON_VALID : PROOF_REASON_ICS23_INNER);
    }
}

static void test_depth__is_that_of_the_spec(void **state)
{
    static struct ics23_existence deep;
    static const uint8_t inner_tag[1] = {1}, sibling[32] = {7};
    struct proof_ics23_spec spec = PROOF_ICS23_TENDERMINT;
    size_t at;
    (void)state;
    deep =
        (struct ics23_existence){.key = BYTES_OF(key), .value = BYTES_OF(value), .has_leaf = true, .leaf = spec.leaf};
    for (size_t i = 0; i < ICS23_DEPTH_MAX; i++)
        deep.path[i] = (struct ics23_inner){ICS23_SHA256, BYTES_OF(inner_tag), BYTES_OF(sibling)};
    for (deep.path_len = 0; deep.path_len <= ICS23_DEPTH_MAX; deep.path_len++) {
        spec.depth_min = spec.depth_max = 0; /* 128, if it says nothing */
        assert_int_equal(proof_ics23_shape(&at, &spec, &deep),
                         deep.path_len <= 128 ? PROOF_REASON_VALID : PROOF_REASON_ICS23_DEPTH);
        spec.depth_min = 3;
        spec.depth_max = 200;
        assert_int_equal(proof_ics23_shape(&at, &spec, &deep),
                         deep.path_len >= 3 && deep.path_len <= 200 ? PROOF_REASON_VALID : PROOF_REASON_ICS23_DEPTH);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_iavl__numbers_are_what_a_node_can_have),
        cmocka_unit_test(test_inner__suffixes_are_whole_siblings),
        cmocka_unit_test(test_depth__is_that_of_the_spec),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
