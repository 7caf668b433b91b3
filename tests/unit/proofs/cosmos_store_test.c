/*
 * Two proofs, one below the other: a key in a store, and the store in a multistore.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proofs/cosmos_store.h"

enum { PROOF_BYTES = 512 };

static const uint8_t iavl_leaf[] = {0, 2, 2}, plain_leaf[] = {0};
static const uint8_t store_name[] = {'i', 'b', 'c'}, other_name[] = {'i', 'b', 'd'};
static const uint8_t key[] = {'k'}, absent_key[] = {'l'}, value[] = {'v'};

static uint8_t store_root[32], app_hash[32];
static uint8_t key_bytes[PROOF_BYTES], store_bytes[PROOF_BYTES];
static struct bytes key_proof, store_proof;
static struct proof_result last;
static struct proof_cosmos_fact fact;

/* A tree of one leaf: its root, and the proof that the leaf is there, or that `missing` is not. */
static struct bytes one_leaf(uint8_t root[32], uint8_t out[PROOF_BYTES], const struct proof_ics23_spec *spec,
                             struct bytes prefix, struct bytes name, struct bytes content, struct bytes missing)
{
    static struct ics23_proof proof;
    uint8_t hash[ICS23_HASH_MAX];
    struct codec_writer writer;
    struct ics23_existence leaf = {.key = name, .value = content, .has_leaf = true, .leaf = spec->leaf};
    leaf.leaf.prefix = prefix;
    assert_int_equal(ics23_leaf_hash(hash, &leaf.leaf, name, content), 32);
    memcpy(root, hash, 32);
    proof.is_absence = proof.has_left = missing.len > 0;
    proof.key = missing;
    proof.exists = proof.left = leaf;
    codec_writer_init(&writer, out, PROOF_BYTES);
    ics23_proof_write(&writer, &proof);
    assert_false(writer.failed);
    return codec_writer_bytes(&writer);
}

static const struct bytes nothing = {NULL, 0};

static void make_key_proof(struct bytes missing)
{
    key_proof = one_leaf(store_root, key_bytes, &PROOF_ICS23_IAVL, BYTES_OF(iavl_leaf), BYTES_OF(key), BYTES_OF(value),
                         missing);
}

static void make_store_proof(struct bytes root, struct bytes missing)
{
    store_proof = one_leaf(app_hash, store_bytes, &PROOF_ICS23_TENDERMINT, BYTES_OF(plain_leaf), BYTES_OF(store_name),
                           root, missing);
}

static int make(void **state)
{
    (void)state;
    make_key_proof(nothing);
    make_store_proof(BYTES_OF(store_root), nothing);
    return 0;
}

static enum proof_verdict ask(struct bytes store, struct bytes wanted)
{
    enum proof_verdict verdict =
        proof_cosmos_store_verify(&last, &fact, app_hash, store, wanted, key_proof, store_proof);
    assert_int_equal(verdict == PROOF_VALID, fact.presence != PROOF_UNKNOWN);
    return verdict;
}

static void assert_refused(struct bytes store, struct bytes wanted, enum proof_reason reason)
{
    assert_int_equal(ask(store, wanted), PROOF_INVALID);
    assert_string_equal(proof_reason_text(last.reason), proof_reason_text(reason));
}

static void test_store__a_key_is_there_or_provably_not(void **state)
{
    (void)state;
    assert_int_equal(ask(BYTES_OF(store_name), BYTES_OF(key)), PROOF_VALID);
    assert_int_equal(fact.presence, PROOF_PRESENT);
    assert_true(codec_bytes_equal(fact.value, BYTES_OF(value)));
    assert_memory_equal(fact.app_hash, app_hash, 32);
    make_key_proof(BYTES_OF(absent_key));
    assert_int_equal(ask(BYTES_OF(store_name), BYTES_OF(absent_key)), PROOF_VALID);
    assert_int_equal(fact.presence, PROOF_ABSENT);
    assert_int_equal(fact.value.len, 0);
}

static void test_store__of_another_name_or_key_is_refused(void **state)
{
    (void)state;
    assert_refused(BYTES_OF(other_name), BYTES_OF(key), PROOF_REASON_STORE_OTHER);
    assert_refused(BYTES_OF(store_name), BYTES_OF(absent_key), PROOF_REASON_ICS23_OTHER_KEY);
}

static void test_attack__a_store_that_is_absent_holds_nothing_and_lacks_nothing(void **state)
{
    (void)state;
    make_store_proof(BYTES_OF(store_root), BYTES_OF(other_name));
    assert_refused(BYTES_OF(other_name), BYTES_OF(key), PROOF_REASON_STORE_ROOT);
}

static void test_attack__a_store_root_that_is_no_digest_or_unset(void **state)
{
    static const uint8_t zero[32], longer[33] = {1};
    (void)state;
    for (size_t len = 1; len <= 33; len++) {
        make_store_proof((struct bytes){longer, len}, nothing);
        assert_refused(BYTES_OF(store_name), BYTES_OF(key),
                       len == 32 ? PROOF_REASON_ICS23_ROOT : PROOF_REASON_STORE_ROOT);
    }
    make_store_proof(BYTES_OF(zero), nothing);
    assert_refused(BYTES_OF(store_name), BYTES_OF(key), PROOF_REASON_TRUST_UNSET);
}

static void test_attack__either_half_under_another_root(void **state)
{
    (void)state;
    app_hash[0] ^= 1;
    assert_refused(BYTES_OF(store_name), BYTES_OF(key), PROOF_REASON_ICS23_ROOT);
    app_hash[0] ^= 1;
    /* the store is proven, the key in another tree */
    store_root[31] ^= 1;
    make_store_proof(BYTES_OF(store_root), nothing);
    assert_refused(BYTES_OF(store_name), BYTES_OF(key), PROOF_REASON_ICS23_ROOT);
}

static void test_mutation__no_bit_of_either_proof_can_be_another(void **state)
{
    struct bytes *const proofs[] = {&key_proof, &store_proof};
    uint8_t *const bytes[] = {key_bytes, store_bytes};
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        for (size_t bit = 0; bit < 8 * proofs[k]->len; bit++) {
            bytes[k][bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_equal(ask(BYTES_OF(store_name), BYTES_OF(key)), PROOF_INVALID);
            bytes[k][bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        const size_t whole = proofs[k]->len;
        for (proofs[k]->len = 0; proofs[k]->len < whole; proofs[k]->len++)
            assert_int_equal(ask(BYTES_OF(store_name), BYTES_OF(key)), PROOF_INVALID);
    }
    assert_int_equal(ask(BYTES_OF(store_name), BYTES_OF(key)), PROOF_VALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_store__a_key_is_there_or_provably_not, make),
        cmocka_unit_test_setup(test_store__of_another_name_or_key_is_refused, make),
        cmocka_unit_test_setup(test_attack__a_store_that_is_absent_holds_nothing_and_lacks_nothing, make),
        cmocka_unit_test_setup(test_attack__a_store_root_that_is_no_digest_or_unset, make),
        cmocka_unit_test_setup(test_attack__either_half_under_another_root, make),
        cmocka_unit_test_setup(test_mutation__no_bit_of_either_proof_can_be_another, make),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
