/*
 * Transactions under a data hash: every block of up to nine transactions against a tree that is computed the other way, from the root down.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proofs/codec/sha256.h"
#include "proofs/cometbft_tx.h"

enum { TXS_MAX = 9, AUNTS_MAX = 8 };

static uint8_t txs[TXS_MAX][1];
static uint8_t aunts[AUNTS_MAX][32];
static struct bytes aunt_list[AUNTS_MAX + 1];
static size_t aunts_len;
static struct proof_result last;

/* The root over transactions [from, to) as the specification says it: split at the largest power of two below their number. Collects the
 * aunts of `leaf`, where it is one of them, from the leaf up. */
static void root_of(uint8_t out[32], size_t from, size_t to, size_t leaf)
{
    uint8_t inner[65] = {1}, tagged[33] = {0};
    if (to - from == 1) {
        codec_sha256(tagged + 1, &BYTES_OF(txs[from]), 1);
        codec_sha256(out, &BYTES_OF(tagged), 1);
        return;
    }
    size_t split = 1;
    while (2 * split < to - from)
        split *= 2;
    root_of(inner + 1, from, from + split, leaf);
    root_of(inner + 33, from + split, to, leaf);
    if (leaf >= from && leaf < to)
        memcpy(aunts[aunts_len++], leaf < from + split ? inner + 33 : inner + 1, 32);
    codec_sha256(out, &BYTES_OF(inner), 1);
}

static void make(uint8_t root[32], size_t total, size_t leaf)
{
    aunts_len = 0;
    for (size_t i = 0; i < TXS_MAX; i++)
        txs[i][0] = (uint8_t)i;
    root_of(root, 0, total, leaf);
    for (size_t i = 0; i < AUNTS_MAX; i++)
        aunt_list[i] = BYTES_OF(aunts[i]);
    aunt_list[AUNTS_MAX] = BYTES_OF(aunts[0]);
}

static enum proof_verdict show(const uint8_t root[32], size_t leaf, size_t index, size_t total, size_t len)
{
    struct proof_cometbft_tx_fact fact;
    enum proof_verdict verdict = proof_cometbft_tx_verify(&last, &fact, root, BYTES_OF(txs[leaf]), (int64_t)index,
                                                          (int64_t)total, (struct bytes){NULL, 0}, aunt_list, len);
    assert_int_equal(verdict == PROOF_VALID ? (int64_t)total : 0, fact.total);
    return verdict;
}

static void test_small_worlds__a_transaction_stands_at_one_place(void **state)
{
    uint8_t root[32];
    (void)state;
    for (size_t total = 1; total <= TXS_MAX; total++) {
        for (size_t leaf = 0; leaf < total; leaf++) {
            make(root, total, leaf);
            assert_int_equal(show(root, leaf, leaf, total, aunts_len), PROOF_VALID);
            for (size_t other = 0; other < TXS_MAX; other++)
                for (size_t index = 0; index < TXS_MAX; index++)
                    if (other != leaf || index != leaf)
                        assert_int_equal(show(root, other, index, total, aunts_len), PROOF_INVALID);
            for (size_t len = 0; len <= AUNTS_MAX; len++)
                if (len != aunts_len)
                    assert_int_equal(show(root, leaf, leaf, total, len), PROOF_INVALID);
            for (size_t bit = 0; bit < aunts_len * 256; bit++) {
                aunts[bit / 256][bit % 256 / 8] ^= (uint8_t)(1u << bit % 8);
                assert_int_equal(show(root, leaf, leaf, total, aunts_len), PROOF_INVALID);
                aunts[bit / 256][bit % 256 / 8] ^= (uint8_t)(1u << bit % 8);
            }
        }
    }
}

/* The data hash does not say how many transactions there are, so index and total are claims that must fit each other and the path; that the
 * transaction is there is what is proven. */
static void test_place__index_and_total_are_claims_that_fit_the_path(void **state)
{
    uint8_t root[32];
    (void)state;
    make(root, 5, 0);
    for (size_t total = 1; total <= 16; total++)
        assert_int_equal(show(root, 0, 0, total, aunts_len), total >= 5 && total <= 8 ? PROOF_VALID : PROOF_INVALID);
    /* the last of five hangs right below the root, as the second of two would */
    make(root, 5, 4);
    assert_int_equal(show(root, 4, 4, 5, aunts_len), PROOF_VALID);
    assert_int_equal(show(root, 4, 1, 2, aunts_len), PROOF_VALID);
}

static void test_attack__an_inner_node_shown_as_a_transaction(void **state)
{
    uint8_t root[32], node[64];
    struct proof_cometbft_tx_fact fact;
    (void)state;
    make(root, 4, 0);
    /* the two children of the left half: hashed as a transaction they get another tag, and are hashed once more */
    codec_sha256(node, &BYTES_OF(txs[0]), 1);
    memcpy(node + 32, aunts[0], 32);
    const struct bytes upper = BYTES_OF(aunts[1]);
    assert_int_equal(
        proof_cometbft_tx_verify(&last, &fact, root, BYTES_OF(node), 0, 2, (struct bytes){NULL, 0}, &upper, 1),
        PROOF_INVALID);
    assert_int_equal(last.reason, PROOF_REASON_COMETBFT_TX_ROOT);
}

static void test_shape__aunts_are_hashes_and_a_leaf_hash_is_the_leafs(void **state)
{
    uint8_t root[32], leaf[33] = {0}, hash[32];
    struct proof_cometbft_tx_fact fact;
    (void)state;
    make(root, 4, 0);
    codec_sha256(leaf + 1, &BYTES_OF(txs[0]), 1);
    codec_sha256(hash, &BYTES_OF(leaf), 1);
    for (size_t wrong = 0; wrong < 2; wrong++) {
        hash[0] ^= (uint8_t)wrong;
        assert_int_equal(
            proof_cometbft_tx_verify(&last, &fact, root, BYTES_OF(txs[0]), 0, 4, BYTES_OF(hash), aunt_list, 2),
            wrong ? PROOF_INVALID : PROOF_VALID);
        assert_int_equal(last.reason, wrong ? PROOF_REASON_COMETBFT_TX_LEAF : PROOF_REASON_VALID);
    }
    aunt_list[1].len = 31;
    assert_int_equal(show(root, 0, 0, 4, 2), PROOF_INVALID);
    assert_int_equal(last.reason, PROOF_REASON_COMETBFT_TX_PROOF);
    assert_int_equal(last.at, 1);
}

static void test_attack__a_data_hash_of_zero_holds_nothing(void **state)
{
    static const uint8_t zero[32];
    uint8_t root[32];
    (void)state;
    make(root, 1, 0);
    assert_int_equal(show(zero, 0, 0, 1, 0), PROOF_INVALID);
    assert_int_equal(last.reason, PROOF_REASON_TRUST_UNSET);
}

static void test_bounds__indices_and_totals_at_the_ends_of_their_type(void **state)
{
    static const int64_t numbers[] = {INT64_MIN, -1, 0, 1, INT64_MAX - 1, INT64_MAX};
    uint8_t root[32];
    struct proof_cometbft_tx_fact fact;
    (void)state;
    make(root, 1, 0);
    for (size_t i = 0; i < 6; i++)
        for (size_t k = 0; k < 6; k++)
            assert_int_equal(proof_cometbft_tx_verify(&last, &fact, root, BYTES_OF(txs[0]), numbers[i], numbers[k],
                                                      (struct bytes){NULL, 0}, aunt_list, 0),
                             numbers[i] == 0 && numbers[k] == 1 ? PROOF_VALID : PROOF_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_worlds__a_transaction_stands_at_one_place),
        cmocka_unit_test(test_place__index_and_total_are_claims_that_fit_the_path),
        cmocka_unit_test(test_attack__an_inner_node_shown_as_a_transaction),
        cmocka_unit_test(test_shape__aunts_are_hashes_and_a_leaf_hash_is_the_leafs),
        cmocka_unit_test(test_attack__a_data_hash_of_zero_holds_nothing),
        cmocka_unit_test(test_bounds__indices_and_totals_at_the_ends_of_their_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
