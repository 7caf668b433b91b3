/* The signed tree: every size, every leaf, and paths that claim more than they prove. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proofs/leaf.h"
#include "proofs/merkle.h"
#include "tests/unit/formats/world.h"

enum { LEAVES = 40 };

static const enum proof_suite suite = PROOF_SUITE_KECCAK256_SECP256K1;

static void fill(uint8_t leaves[][32], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        memset(leaves[i], (int)(0x10 + i * 5 % 223), 32);
        leaves[i][31] = (uint8_t)i;
    }
}

static enum proof_reason verify(const uint8_t root[32], const uint8_t leaf[32], struct bytes path)
{
    struct proof_result result;
    enum proof_verdict verdict = proof_merkle_verify(suite, root, leaf, path, &result);
    assert_int_equal(verdict == PROOF_VALID, result.reason == PROOF_REASON_VALID);
    return result.reason;
}

static void every_leaf_of_every_tree_is_proven_and_nothing_else(void **state)
{
    (void)state;
    for (size_t count = 1; count <= LEAVES; count++) {
        uint8_t leaves[LEAVES][32];
        uint8_t scratch[LEAVES][32];
        uint8_t root[32];
        fill(leaves, count);
        memcpy(scratch, leaves, sizeof scratch);
        assert_true(proof_merkle_root(root, suite, scratch, count));
        for (size_t i = 0; i < count; i++) {
            struct proof_path path;
            memcpy(scratch, leaves, sizeof scratch);
            assert_true(proof_merkle_path(&path, suite, scratch, count, i));
            struct bytes siblings = {path.siblings[0], 32 * path.count};
            assert_int_equal(verify(root, leaves[i], siblings), PROOF_REASON_VALID);
            for (size_t bit = 0; bit < 8 * siblings.len; bit += 37) {
                path.siblings[bit / 256][bit / 8 % 32] ^= (uint8_t)(1u << bit % 8);
                assert_int_equal(verify(root, leaves[i], siblings), PROOF_REASON_MERKLE_ROOT);
                path.siblings[bit / 256][bit / 8 % 32] ^= (uint8_t)(1u << bit % 8);
            }
            for (size_t cut = 0; cut < path.count; cut++)
                assert_int_equal(verify(root, leaves[i], (struct bytes){path.siblings[0], 32 * cut}),
                                 PROOF_REASON_MERKLE_ROOT);
            if (siblings.len > 0)
                assert_int_equal(verify(root, leaves[i], (struct bytes){siblings.data, siblings.len - 1}),
                                 PROOF_REASON_MERKLE_PATH);
        }
        uint8_t absent[32];
        memset(absent, 0xfe, 32);
        assert_int_equal(verify(root, absent, (struct bytes){0}), PROOF_REASON_MERKLE_ROOT);
    }
}

static void paths_have_at_most_sixteen_siblings(void **state)
{
    (void)state;
    uint8_t siblings[17][32];
    uint8_t root[32];
    uint8_t leaf[32] = {1};
    fill(siblings, 17);
    memcpy(root, leaf, 32);
    for (size_t i = 0; i < 17; i++) {
        uint8_t above[32];
        assert_int_equal(verify(root, leaf, (struct bytes){siblings[0], 32 * i}), PROOF_REASON_VALID);
        proof_merkle_node(above, suite, root, siblings[i]);
        memcpy(root, above, 32);
    }
    assert_int_equal(verify(root, leaf, (struct bytes){siblings[0], 32 * 17}), PROOF_REASON_MERKLE_PATH);
}

static void unset_hashes_prove_nothing(void **state)
{
    (void)state;
    const uint8_t zero[32] = {0};
    const uint8_t leaf[32] = {1};
    assert_int_equal(verify(zero, zero, (struct bytes){0}), PROOF_REASON_TRUST_UNSET);
    assert_int_equal(verify(leaf, zero, (struct bytes){0}), PROOF_REASON_TRUST_UNSET);
    assert_int_equal(verify(zero, leaf, (struct bytes){0}), PROOF_REASON_TRUST_UNSET);
}

static void an_inner_node_is_no_leaf_of_any_kind(void **state)
{
    (void)state;
    /* A node's 64 bytes and a leaf's fields are hashed under different tags, so no fields give a node's hash. */
    uint8_t leaves[4][32];
    uint8_t node[32];
    struct proof_leaf leaf = {.kind = PROOF_LEAF_HEAD};
    fill(leaves, 4);
    proof_merkle_node(node, suite, leaves[0], leaves[1]);
    memcpy(leaf.head.log, leaves[0], 32);
    memcpy(leaf.head.running, leaves[1], 32);
    leaf.head.number = 1;
    uint8_t hash[32];
    proof_leaf_hash(hash, suite, &leaf);
    assert_memory_not_equal(hash, node, 32);
    const uint8_t *tags[PROOF_TAG_COUNT];
    for (size_t i = 0; i < PROOF_TAG_COUNT; i++) {
        tags[i] = proof_tag_bytes((enum proof_tag)i);
        assert_int_equal(tags[i][15], 1);
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(tags[i], tags[j], 16);
    }
}

static void sizes_out_of_range_are_refused(void **state)
{
    (void)state;
    uint8_t leaves[1][32] = {{1}};
    uint8_t root[32];
    struct proof_path path;
    assert_false(proof_merkle_root(root, suite, leaves, 0));
    assert_false(proof_merkle_root(root, suite, leaves, PROOF_TREE_LEAVES_MAX + 1));
    assert_false(proof_merkle_path(&path, suite, leaves, 1, 1));
    assert_false(proof_merkle_path(&path, suite, leaves, 0, 0));
}

static void the_greatest_tree_has_paths_of_sixteen(void **state)
{
    (void)state;
    uint8_t(*leaves)[32] = calloc(PROOF_TREE_LEAVES_MAX, 32);
    assert_non_null(leaves);
    struct proof_path path;
    assert_true(proof_merkle_path(&path, suite, leaves, PROOF_TREE_LEAVES_MAX, PROOF_TREE_LEAVES_MAX - 1));
    assert_int_equal(path.count, PROOF_PATH_MAX);
    free(leaves);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_leaf_of_every_tree_is_proven_and_nothing_else),
        cmocka_unit_test(paths_have_at_most_sixteen_siblings),
        cmocka_unit_test(unset_hashes_prove_nothing),
        cmocka_unit_test(an_inner_node_is_no_leaf_of_any_kind),
        cmocka_unit_test(sizes_out_of_range_are_refused),
        cmocka_unit_test(the_greatest_tree_has_paths_of_sixteen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
