/*
 * Tries: every small trie, every key, against a second implementation.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proofs/codec/keccak.h"
#include "proofs/codec/rlp.h"
#include "proofs/mpt.h"
#include "tests/unit/proofs/trie.h"

#define TEXT(literal) ((struct bytes){(const uint8_t *)(literal), sizeof(literal) - 1})

static struct trie trie;

/* The small world: all keys of one or two bytes whose nibbles are 0 or 1. */
#define WORLD 20

struct world {
    uint8_t keys[WORLD][2];
    size_t lens[WORLD];
    uint8_t values[WORLD][40];
};

static struct bytes world_key(const struct world *world, size_t i)
{
    return (struct bytes){world->keys[i], world->lens[i]};
}

/* Short values make embedded nodes, long ones hashed nodes, mixed ones both. */
static struct bytes world_value(const struct world *world, size_t i, unsigned style)
{
    size_t len = style == 0 ? 1 : style == 1 ? 40 : 1 + (i * 7) % 40;
    return (struct bytes){world->values[i], len};
}

static void make_world(struct world *world)
{
    for (unsigned i = 0; i < WORLD; i++) {
        unsigned bits = i < 4 ? i : i - 4;
        world->lens[i] = i < 4 ? 1 : 2;
        unsigned high = i < 4 ? bits : bits >> 2;
        world->keys[i][0] = (uint8_t)((high >> 1) << 4 | (high & 1));
        world->keys[i][1] = (uint8_t)(((bits >> 1) & 1) << 4 | (bits & 1));
        memset(world->values[i], (int)(0x30 + i * 9), sizeof world->values[i]);
    }
}

static void entry_at(struct proof_mpt_entry *out, uint8_t scratch[PROOF_MPT_KEY_MAX], const void *context, size_t index)
{
    (void)scratch;
    *out = ((const struct proof_mpt_entry *)context)[index];
}

/* PROOF_VALID must mean the truth; returns whether it was proven. */
static bool check_truth(const struct trie_proof *proof, struct bytes key, struct bytes truth)
{
    struct proof_result result;
    struct proof_mpt_fact fact;
    if (proof_mpt_verify(&result, &fact, proof->root, key, proof->nodes, proof->count) != PROOF_VALID) {
        assert_int_equal(fact.presence, PROOF_UNKNOWN);
        return false;
    }
    if (truth.len == 0) {
        assert_int_equal(fact.presence, PROOF_ABSENT);
        assert_int_equal(fact.value.len, 0);
    } else {
        assert_int_equal(fact.presence, PROOF_PRESENT);
        assert_true(codec_bytes_equal(fact.value, truth));
    }
    return true;
}

/* The value of key number i in this trie; empty when it is not in the set. */
static struct bytes truth_of(const struct world *world, uint32_t set, size_t i, unsigned style)
{
    return (set >> i & 1) != 0 ? world_value(world, i, style) : (struct bytes){NULL, 0};
}

static void fill(const struct world *world, uint32_t set, unsigned style)
{
    trie_clear(&trie);
    for (size_t i = 0; i < WORLD; i++)
        if ((set >> i & 1) != 0)
            trie_put(&trie, world_key(world, i), world_value(world, i, style));
}

static void check_root(const struct world *world, uint32_t set, unsigned style, const uint8_t root[32])
{
    /* Ascending order of the world's keys: 1-byte keys sort before the 2-byte keys that they begin. */
    struct proof_mpt_entry entries[WORLD];
    struct proof_result result;
    uint8_t built[32];
    size_t count = 0;
    for (size_t first = 0; first < 4; first++) {
        if ((set >> first & 1) != 0)
            entries[count++] = (struct proof_mpt_entry){world_key(world, first), world_value(world, first, style)};
        for (size_t i = 4 + 4 * first; i < 8 + 4 * first; i++)
            if ((set >> i & 1) != 0)
                entries[count++] = (struct proof_mpt_entry){world_key(world, i), world_value(world, i, style)};
    }
    struct proof_mpt_source source = {entry_at, entries, count};
    assert_int_equal(proof_mpt_root(&result, built, &source), PROOF_VALID);
    assert_memory_equal(built, root, 32);
}

static void check_trie(const struct world *world, uint32_t set, unsigned style)
{
    static const uint8_t strange[][3] = {{0x02}, {0x20, 0x00}, {0x00, 0x00, 0x00}, {0x11, 0x12}, {0x11, 0x11, 0x11}};
    static const size_t strange_lens[] = {1, 2, 3, 2, 3};
    struct trie_proof proof;
    fill(world, set, style);
    for (size_t i = 0; i < WORLD; i++) {
        trie_prove(&proof, &trie, world_key(world, i));
        assert_true(check_truth(&proof, world_key(world, i), truth_of(world, set, i, style)));
    }
    for (size_t i = 0; i < 5; i++) {
        struct bytes key = {strange[i], strange_lens[i]};
        trie_prove(&proof, &trie, key);
        assert_true(check_truth(&proof, key, (struct bytes){NULL, 0}));
    }
    check_root(world, set, style, proof.root);
}

/* A proof made for one key, shown for every other; with a node left out, doubled, swapped, or one too many. */
static void check_misuse(const struct world *world, uint32_t set, unsigned style)
{
    struct trie_proof proof;
    struct trie_proof bent;
    fill(world, set, style);
    for (size_t i = 0; i < WORLD; i++) {
        trie_prove(&proof, &trie, world_key(world, i));
        for (size_t k = 0; k < WORLD; k++)
            check_truth(&proof, world_key(world, k), truth_of(world, set, k, style));
        for (size_t n = 0; n < proof.count; n++) {
            bent = proof;
            memmove(bent.nodes + n, bent.nodes + n + 1, (bent.count - n - 1) * sizeof bent.nodes[0]);
            bent.count--;
            assert_false(check_truth(&bent, world_key(world, i), truth_of(world, set, i, style)));
            bent = proof;
            memmove(bent.nodes + n + 1, bent.nodes + n, (bent.count - n) * sizeof bent.nodes[0]);
            bent.count++;
            assert_false(check_truth(&bent, world_key(world, i), truth_of(world, set, i, style)));
            bent = proof;
            bent.nodes[n] = proof.nodes[(n + 1) % proof.count];
            bent.nodes[(n + 1) % proof.count] = proof.nodes[n];
            if (proof.count > 1)
                assert_false(check_truth(&bent, world_key(world, i), truth_of(world, set, i, style)));
        }
    }
}

/* Every bit of every node of every proof. */
static void check_flips(const struct world *world, uint32_t set, unsigned style)
{
    struct trie_proof proof;
    fill(world, set, style);
    for (size_t i = 0; i < WORLD; i++) {
        trie_prove(&proof, &trie, world_key(world, i));
        for (size_t n = 0; n < proof.count; n++) {
            uint8_t copy[1024];
            struct bytes node = proof.nodes[n];
            assert_true(node.len <= sizeof copy);
            for (size_t bit = 0; bit < 8 * node.len; bit++) {
                memcpy(copy, node.data, node.len);
                copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
                proof.nodes[n].data = copy;
                assert_false(check_truth(&proof, world_key(world, i), truth_of(world, set, i, style)));
            }
            proof.nodes[n] = node;
        }
    }
}

/* Calls check for every set of at most `most` keys of the world. */
static void for_sets(size_t most, unsigned styles, void (*check)(const struct world *, uint32_t, unsigned))
{
    struct world world;
    make_world(&world);
    for (uint32_t set = 0; set < UINT32_C(1) << WORLD; set++)
        if ((size_t)__builtin_popcount(set) <= most)
            for (unsigned style = 0; style < styles; style++)
                check(&world, set, style);
}

static void test_every_small_trie_proves_every_key_and_only_the_truth(void **state)
{
    (void)state;
    for_sets(4, 3, check_trie);
}

static void test_a_proof_never_proves_a_lie_about_another_key(void **state)
{
    (void)state;
    for_sets(3, 3, check_misuse);
}

static void test_every_flipped_bit_is_refused(void **state)
{
    (void)state;
    for_sets(2, 3, check_flips);
}

static void test_a_missing_node_is_an_error_not_absence(void **state)
{
    struct world world;
    struct trie_proof proof;
    struct proof_result result;
    struct proof_mpt_fact fact;
    (void)state;
    make_world(&world);
    fill(&world, 0xfffff, 1);
    for (size_t i = 0; i < WORLD; i++) {
        trie_prove(&proof, &trie, world_key(&world, i));
        for (size_t count = 0; count < proof.count; count++) {
            assert_int_equal(proof_mpt_verify(&result, &fact, proof.root, world_key(&world, i), proof.nodes, count),
                             PROOF_INVALID);
            assert_int_equal(result.reason, count == 0 ? PROOF_REASON_MPT_EMPTY_PROOF : PROOF_REASON_MPT_NODE_MISSING);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_small_trie_proves_every_key_and_only_the_truth),
        cmocka_unit_test(test_a_proof_never_proves_a_lie_about_another_key),
        cmocka_unit_test(test_every_flipped_bit_is_refused),
        cmocka_unit_test(test_a_missing_node_is_an_error_not_absence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
