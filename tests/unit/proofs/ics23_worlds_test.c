/*
 * Small ICS-23 trees, exhaustively, against what a sorted list of their keys says: every shape of up to six leaves, every question, every pair of neighbours
 * that a proof could show.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proofs/codec/sha256.h"
#include "proofs/ics23.h"

enum { LEAVES_MAX = 6, NONE = LEAVES_MAX, NODE_BYTES = 3 + 34 };

static const uint8_t leaf_prefix_iavl[] = {0, 2, 2};
static const uint8_t leaf_prefix_plain[] = {0};
static const uint8_t value[] = {'v'};

/* Keys 'b', 'd', 'f', ... in a tree that splits first where order[] is lowest. */
static struct {
    const struct proof_ics23_spec *spec;
    size_t leaves;
    size_t order[LEAVES_MAX];
    uint8_t keys[LEAVES_MAX];
    uint8_t prefixes[LEAVES_MAX][LEAVES_MAX][NODE_BYTES]; /* of each leaf's path */
    uint8_t suffixes[LEAVES_MAX][LEAVES_MAX][33];
    struct ics23_existence paths[LEAVES_MAX];
    uint8_t root[32];
} tree;

static bool is_iavl(void)
{
    return tree.spec->tree == PROOF_ICS23_TREE_IAVL;
}

/* One step more for every leaf of [from, to), which hang on one side of a node with this front. */
static void extend(size_t from, size_t to, struct bytes front, struct bytes left, struct bytes right)
{
    static const uint8_t length[1] = {0x20};
    const struct bytes mark = {length, is_iavl() ? 1 : 0};
    for (size_t i = from; i < to; i++) {
        struct ics23_existence *path = &tree.paths[i];
        struct codec_writer prefix, suffix;
        codec_writer_init(&prefix, tree.prefixes[i][path->path_len], NODE_BYTES);
        codec_writer_init(&suffix, tree.suffixes[i][path->path_len], 33);
        codec_write_bytes(&prefix, front);
        codec_write_bytes(&prefix, mark);
        codec_write_bytes(&prefix, left);
        codec_write_bytes(left.len > 0 ? &prefix : &suffix, mark);
        codec_write_bytes(&suffix, right);
        assert_false(prefix.failed || suffix.failed);
        path->path[path->path_len++] =
            (struct ics23_inner){ICS23_SHA256, codec_writer_bytes(&prefix), codec_writer_bytes(&suffix)};
    }
}

/* The node over leaves [from, to): its hash; returns its height. */
static size_t build(uint8_t hash[32], size_t from, size_t to)
{
    static const struct bytes nothing = {NULL, 0};
    uint8_t hashes[2][32], out[ICS23_HASH_MAX], front[3] = {1};
    if (to - from == 1) {
        assert_int_equal(ics23_leaf_hash(out, &tree.paths[from].leaf, tree.paths[from].key, tree.paths[from].value),
                         32);
        memcpy(hash, out, 32);
        return 0;
    }
    size_t split = from + 1;
    for (size_t i = from + 1; i < to; i++)
        if (tree.order[i] < tree.order[split])
            split = i;
    size_t left = build(hashes[0], from, split), right = build(hashes[1], split, to);
    size_t height = 1 + (left > right ? left : right);
    if (is_iavl()) { /* height, size and version as zigzag varints */
        front[0] = (uint8_t)(2 * height);
        front[1] = (uint8_t)(2 * (to - from));
        front[2] = 2;
    }
    const struct bytes numbers = {front, is_iavl() ? 3 : 1};
    extend(from, split, numbers, nothing, BYTES_OF(hashes[1]));
    extend(split, to, numbers, BYTES_OF(hashes[0]), nothing);
    const struct ics23_existence *any = &tree.paths[from];
    assert_int_equal(ics23_inner_hash(out, &any->path[any->path_len - 1], BYTES_OF(hashes[0])), 32);
    memcpy(hash, out, 32);
    return height;
}

static void grow(void)
{
    const struct bytes prefix = is_iavl() ? BYTES_OF(leaf_prefix_iavl) : BYTES_OF(leaf_prefix_plain);
    for (size_t i = 0; i < tree.leaves; i++) {
        tree.keys[i] = (uint8_t)('b' + 2 * i);
        tree.paths[i] = (struct ics23_existence){.key = {&tree.keys[i], 1}, .value = BYTES_OF(value), .has_leaf = true};
        tree.paths[i].leaf = tree.spec->leaf;
        tree.paths[i].leaf.prefix = prefix;
    }
    build(tree.root, 0, tree.leaves);
}

static struct ics23_proof proof;

static enum proof_presence says(uint8_t letter)
{
    uint8_t bytes[4096];
    struct codec_writer writer;
    struct proof_ics23_fact fact;
    struct proof_result result;
    codec_writer_init(&writer, bytes, sizeof bytes);
    ics23_proof_write(&writer, &proof);
    assert_false(writer.failed);
    enum proof_verdict verdict = proof_ics23_verify(&result, &fact, tree.spec, tree.root, (struct bytes){&letter, 1},
                                                    codec_writer_bytes(&writer));
    assert_int_equal(verdict == PROOF_VALID, fact.presence != PROOF_UNKNOWN);
    return fact.presence;
}

/* How often a letter was shown to be there and not to be there, by all proofs that can be made of the tree's paths. */
static void ask(uint8_t letter, size_t *present, size_t *absent)
{
    *present = *absent = 0;
    proof.is_absence = false;
    for (size_t i = 0; i < tree.leaves; i++) {
        proof.exists = tree.paths[i];
        *present += says(letter) == PROOF_PRESENT;
    }
    proof.is_absence = true;
    proof.key = (struct bytes){&letter, 1};
    for (size_t left = 0; left <= tree.leaves; left++) {
        for (size_t right = 0; right <= tree.leaves; right++) {
            proof.has_left = left < tree.leaves;
            proof.has_right = right < tree.leaves;
            if (proof.has_left)
                proof.left = tree.paths[left];
            if (proof.has_right)
                proof.right = tree.paths[right];
            bool taken = says(letter) == PROOF_ABSENT;
            /* only the two between which it would stand, or the outermost one */
            size_t before = (size_t)(letter - 'a') / 2;
            bool neighbours = left == (before == 0 ? tree.leaves : before - 1) && right == before;
            if (taken)
                assert_true(neighbours);
            *absent += taken;
        }
    }
}

static size_t questions;

static void check_tree(void)
{
    grow();
    for (size_t i = 0; i <= 2 * tree.leaves; i++, questions++) {
        size_t present, absent;
        bool there = i % 2 == 1;
        ask((uint8_t)('a' + i), &present, &absent);
        assert_int_equal(present, there ? 1 : 0);
        assert_int_equal(absent, there ? 0 : 1);
    }
}

/* Every order of the splits, so every shape of a binary tree. */
static void check_shapes(size_t fixed)
{
    if (fixed >= tree.leaves) {
        check_tree();
        return;
    }
    for (size_t i = fixed; i < tree.leaves; i++) {
        size_t kept = tree.order[fixed];
        tree.order[fixed] = tree.order[i];
        tree.order[i] = kept;
        check_shapes(fixed + 1);
        tree.order[i] = tree.order[fixed];
        tree.order[fixed] = kept;
    }
}

static void check_all(const struct proof_ics23_spec *spec)
{
    tree.spec = spec;
    questions = 0;
    for (tree.leaves = 1; tree.leaves <= LEAVES_MAX; tree.leaves++) {
        for (size_t i = 0; i < tree.leaves; i++)
            tree.order[i] = i;
        check_shapes(1);
    }
    print_message("%zu questions\n", questions);
}

static void test_small_worlds__an_iavl_tree_says_what_a_sorted_list_says(void **state)
{
    (void)state;
    check_all(&PROOF_ICS23_IAVL);
}

static void test_small_worlds__a_tree_of_stores_says_what_a_sorted_list_says(void **state)
{
    (void)state;
    check_all(&PROOF_ICS23_TENDERMINT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_worlds__an_iavl_tree_says_what_a_sorted_list_says),
        cmocka_unit_test(test_small_worlds__a_tree_of_stores_says_what_a_sorted_list_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
