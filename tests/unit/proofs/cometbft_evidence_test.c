/*
 * Evidence of a CometBFT chain: the bundle of a height, and proofs of logs under its app hash, in one tree and in a multistore.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proofs/codec/ics23.h"
#include "proofs/codec/pack.h"
#include "proofs/cometbft_evidence.h"
#include "tests/unit/proofs/cometbft_world.h"

enum { PROOF_BYTES = 1024, PLACES = 2, PACK_BYTES = 1 << 16, VALUE_MAX = PROOF_COMETBFT_LOG_VALUE_BYTES + 1 };

static const uint8_t store_name[] = "isthmus";
static const struct bytes nothing = {NULL, 0};

static struct proof_cometbft_space *space;

/* A header of height 2 whose application has one log, number 7; a second log has no entry. Trust stands at height 1. */
static struct {
    struct world_set set;
    struct world_block first, block;
    struct proof_cometbft_trust trust;
    struct proof_cometbft_options options;
    struct proof_cometbft_app app;
    struct proof_cometbft_log_place places[PROOF_COMETBFT_EVIDENCE_LOGS_MAX + 1];
    uint8_t keys[PLACES][PROOF_COMETBFT_LOG_KEY_BYTES];
    uint8_t value[VALUE_MAX];
    uint8_t store_root[32];
    uint8_t ops_bytes[PLACES + 1][PROOF_BYTES];
    struct bytes ops[PLACES], store_op;
    struct codec_pack bundle, logs;
    struct proof_result result;
    struct proof_cometbft_evidence_fact fact;
} w;

/* A tree of the one leaf (key, value): its root, and the proof of `wanted` in it. */
static struct bytes one_leaf(uint8_t root[32], uint8_t out[PROOF_BYTES], const struct proof_ics23_spec *spec,
                             struct bytes key, struct bytes value, struct bytes wanted)
{
    static const uint8_t iavl[] = {0, 2, 2}, plain[] = {0};
    static struct ics23_proof proof;
    uint8_t hash[ICS23_HASH_MAX];
    struct codec_writer writer;
    struct ics23_existence leaf = {.key = key, .value = value, .has_leaf = true, .leaf = spec->leaf};
    leaf.leaf.prefix = spec->tree == PROOF_ICS23_TREE_IAVL ? BYTES_OF(iavl) : BYTES_OF(plain);
    assert_int_equal(ics23_leaf_hash(hash, &leaf.leaf, key, value), 32);
    memcpy(root, hash, 32);
    proof.is_absence = !codec_bytes_equal(key, wanted);
    proof.key = wanted;
    proof.has_left = proof.is_absence && memcmp(key.data, wanted.data, wanted.len) < 0;
    proof.has_right = proof.is_absence && !proof.has_left;
    proof.exists = proof.left = proof.right = leaf;
    codec_writer_init(&writer, out, PROOF_BYTES);
    ics23_proof_write(&writer, &proof);
    assert_false(writer.failed);
    return codec_writer_bytes(&writer);
}

/* The block, with `value_len` bytes of the value under the first log's key. */
static void block_make(size_t value_len)
{
    uint8_t tree[32], app_hash[32];
    const struct bytes value = {w.value, value_len};
    for (size_t i = 0; i < PLACES; i++)
        w.ops[i] = one_leaf(tree, w.ops_bytes[i], &PROOF_ICS23_IAVL, BYTES_OF(w.keys[0]), value, BYTES_OF(w.keys[i]));
    memcpy(app_hash, tree, 32);
    if (w.app.store.len > 0)
        w.store_op =
            one_leaf(app_hash, w.ops_bytes[PLACES], &PROOF_ICS23_TENDERMINT, w.app.store, BYTES_OF(tree), w.app.store);
    world_block_make(&w.block, &w.set, &w.set, 2, NULL);
    memcpy(w.block.app_hash, app_hash, 32);
    world_block_sign(&w.block);
}

static void bundle_make(uint32_t elements, uint64_t version, struct bytes next)
{
    const struct cometbft_parts parts = world_block_parts(&w.block);
    const struct bytes all[] = {parts.header, parts.commit, parts.validators, next, nothing};
    codec_pack_clear(&w.bundle);
    codec_pack_array(&w.bundle, elements);
    codec_pack_uint(&w.bundle, version);
    for (uint32_t i = 0; i + 1 < elements; i++)
        codec_pack_bin(&w.bundle, all[i]);
}

/* account and, for so many logs, so many ops each. */
static void logs_make(size_t account_len, uint32_t logs, uint32_t ops)
{
    codec_pack_clear(&w.logs);
    codec_pack_array(&w.logs, 2);
    codec_pack_bin(&w.logs, (struct bytes){w.app.account, account_len});
    codec_pack_array(&w.logs, logs);
    for (size_t i = 0; i < logs; i++) {
        codec_pack_array(&w.logs, ops);
        for (uint32_t k = 0; k < ops; k++)
            codec_pack_bin(&w.logs, k == 0 ? w.ops[i % PLACES] : w.store_op);
    }
}

static void all_make(size_t value_len)
{
    block_make(value_len);
    bundle_make(5, 1, nothing);
    logs_make(32, PLACES, w.app.store.len > 0 ? 2 : 1);
}

static int make(void **state)
{
    const struct world_member members[] = {{0, 10}, {1, 10}, {2, 10}};
    (void)state;
    space = proof_cometbft_space_new(WORLD_SET_MAX, 0);
    memset(&w, 0, sizeof w);
    codec_pack_init(&w.bundle, PACK_BYTES);
    codec_pack_init(&w.logs, PACK_BYTES);
    world_set_make(&w.set, space, members, 3);
    world_block_make(&w.first, &w.set, &w.set, 1, NULL);
    w.options = world_options(2, 1, 3);
    w.app.account[31] = 5;
    w.value[7] = 7;
    memset(w.value + 8, 0x77, 32);
    for (size_t i = 0; i < PLACES; i++) {
        w.places[i].kind = (uint8_t)(i + 1);
        w.places[i].log[0] = (uint8_t)(i + 1);
        proof_cometbft_log_key(w.keys[i], w.app.account, w.places[i].log);
    }
    assert_int_equal(proof_cometbft_trust_begin(&w.result, &w.trust, space, WORLD_CHAIN, 1, w.first.hash,
                                                world_block_parts(&w.first), &w.options),
                     PROOF_VALID);
    all_make(PROOF_COMETBFT_LOG_VALUE_BYTES);
    return space ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    codec_pack_fini(&w.bundle);
    codec_pack_fini(&w.logs);
    proof_cometbft_space_free(space);
    return 0;
}

/* Refused evidence moves nothing and says nothing. */
static enum proof_reason ask(size_t places)
{
    struct proof_cometbft_trust trust = w.trust;
    enum proof_verdict verdict =
        proof_cometbft_evidence_verify(&w.result, &w.fact, &trust, space, world_set_bytes(&w.set), &w.app, w.places,
                                       places, codec_pack_bytes(&w.bundle), codec_pack_bytes(&w.logs), &w.options);
    assert_int_equal(verdict == PROOF_VALID, w.result.reason == PROOF_REASON_VALID);
    if (verdict != PROOF_VALID) {
        assert_memory_equal(&trust, &w.trust, sizeof trust);
        assert_true(codec_bytes_are_zero((const uint8_t *)&w.fact, sizeof w.fact));
    }
    return w.result.reason;
}

static void assert_ask(enum proof_reason reason)
{
    assert_string_equal(proof_reason_text(ask(PLACES)), proof_reason_text(reason));
}

static void assert_proven(void)
{
    assert_ask(PROOF_REASON_VALID);
    assert_int_equal(w.fact.height, 2);
    assert_int_equal(w.fact.logs_len, PLACES);
    assert_int_equal(w.fact.logs[0].number, 7);
    assert_memory_equal(w.fact.logs[0].running, w.value + 8, 32);
    assert_int_equal(w.fact.logs[1].number, 0);
    assert_true(codec_bytes_are_zero(w.fact.logs[1].running, 32));
    for (size_t i = 0; i < PLACES; i++) {
        assert_memory_equal(w.fact.logs[i].log, w.places[i].log, 32);
        assert_int_equal(w.fact.logs[i].kind, i + 1);
    }
}

static void test_logs__stand_where_the_tree_says_or_have_no_entry(void **state)
{
    (void)state;
    assert_proven();
}

static void test_logs__in_a_multistore_need_both_proofs(void **state)
{
    (void)state;
    w.app.store = (struct bytes){store_name, 7};
    all_make(PROOF_COMETBFT_LOG_VALUE_BYTES);
    assert_proven();
    for (uint32_t ops = 0; ops <= 3; ops++) {
        logs_make(32, PLACES, ops);
        assert_ask(ops == 2 ? PROOF_REASON_VALID : PROOF_REASON_EVIDENCE_MALFORMED);
    }
    logs_make(32, PLACES, 2);
    w.app.store.len--; /* a store of another name */
    assert_ask(PROOF_REASON_STORE_OTHER);
    assert_int_equal(w.result.at, 1000);
    w.app.store.len = 0; /* which kind of application it is, is configuration */
    assert_ask(PROOF_REASON_EVIDENCE_MALFORMED);
    logs_make(32, PLACES, 1); /* the store's tree is not the application's */
    assert_ask(PROOF_REASON_ICS23_ROOT);
}

static void test_logs__of_another_place_prove_nothing_about_this_one(void **state)
{
    (void)state;
    const struct bytes kept = w.ops[0];
    w.ops[0] = w.ops[1];
    w.ops[1] = kept;
    logs_make(32, PLACES, 1);
    assert_ask(PROOF_REASON_ICS23_OTHER_KEY);
    assert_int_equal(w.result.at, 1000);
    w.ops[0] = kept; /* the first right, the second the same */
    logs_make(32, PLACES, 1);
    assert_ask(PROOF_REASON_ICS23_OTHER_KEY);
    assert_int_equal(w.result.at, 1001);
}

static void test_values__are_a_number_and_a_hash(void **state)
{
    (void)state;
    for (size_t len = 1; len <= VALUE_MAX; len++) {
        all_make(len);
        assert_ask(len == PROOF_COMETBFT_LOG_VALUE_BYTES ? PROOF_REASON_VALID : PROOF_REASON_COMETBFT_LOG_VALUE);
    }
    w.value[7] = 0;
    all_make(PROOF_COMETBFT_LOG_VALUE_BYTES);
    assert_ask(PROOF_REASON_COMETBFT_LOG_VALUE);
    assert_int_equal(w.result.at, 1000);
    memset(w.value, 0xff, 8);
    all_make(PROOF_COMETBFT_LOG_VALUE_BYTES);
    assert_ask(PROOF_REASON_VALID);
    assert_true(w.fact.logs[0].number == UINT64_MAX);
    memset(w.value + 8, 0, 32);
    all_make(PROOF_COMETBFT_LOG_VALUE_BYTES);
    assert_ask(PROOF_REASON_COMETBFT_LOG_VALUE);
}

static void test_app_hash__is_one_digest(void **state)
{
    (void)state;
    for (size_t len = 0; len <= 32; len++) {
        w.block.light.header.app_hash.len = len;
        world_block_sign(&w.block);
        bundle_make(5, 1, nothing);
        assert_ask(len == 32 ? PROOF_REASON_VALID : PROOF_REASON_EVIDENCE_MALFORMED);
    }
    memset(w.block.app_hash, 0, 32);
    world_block_sign(&w.block);
    bundle_make(5, 1, nothing);
    assert_ask(PROOF_REASON_TRUST_UNSET);
}

static void test_proof__has_the_account_and_one_list_for_each_log(void **state)
{
    (void)state;
    for (size_t len = 30; len <= 32; len++) {
        logs_make(len, PLACES, 1);
        assert_ask(len == 32 ? PROOF_REASON_VALID : PROOF_REASON_EVIDENCE_MALFORMED);
    }
    for (uint32_t logs = 0; logs <= 3; logs++) {
        logs_make(32, logs, 1);
        assert_ask(logs == PLACES ? PROOF_REASON_VALID : PROOF_REASON_EVIDENCE_MALFORMED);
    }
    for (uint32_t ops = 0; ops <= 2; ops++) {
        logs_make(32, PLACES, ops);
        assert_ask(ops == 1 ? PROOF_REASON_VALID : PROOF_REASON_EVIDENCE_MALFORMED);
    }
    logs_make(32, PLACES, 1);
    codec_pack_nil(&w.logs);
    assert_ask(PROOF_REASON_EVIDENCE_MALFORMED);
    logs_make(32, PLACES, 1);
    assert_int_equal(ask(0), PROOF_REASON_EVIDENCE_LOGS);
    assert_int_equal(ask(PROOF_COMETBFT_EVIDENCE_LOGS_MAX + 1), PROOF_REASON_EVIDENCE_LOGS);
}

/* The account in the evidence may be the right one while the keys are another's: the key is made of what is configured. */
static void test_proof__is_under_the_key_of_the_configured_account(void **state)
{
    (void)state;
    w.app.account[0] = 1;
    logs_make(32, PLACES, 1);
    assert_ask(PROOF_REASON_ICS23_OTHER_KEY);
    w.places[0].log[5] = 1;
    w.app.account[0] = 0;
    logs_make(32, PLACES, 1);
    assert_ask(PROOF_REASON_ICS23_OTHER_KEY);
}

static void test_bundle__has_one_form(void **state)
{
    (void)state;
    for (uint32_t elements = 1; elements <= 6; elements++) {
        bundle_make(elements, 1, nothing);
        assert_ask(elements == 5 ? PROOF_REASON_VALID : PROOF_REASON_COMETBFT_BUNDLE);
    }
    for (uint64_t version = 0; version <= 257; version++) {
        bundle_make(5, version, nothing);
        assert_ask(version == 1 ? PROOF_REASON_VALID : PROOF_REASON_COMETBFT_BUNDLE);
    }
    bundle_make(5, 1, nothing);
    codec_pack_nil(&w.bundle);
    assert_ask(PROOF_REASON_COMETBFT_BUNDLE);
    bundle_make(5, 1, nothing);
    const struct bytes whole = codec_pack_bytes(&w.bundle);
    for (size_t len = 0; len < whole.len; len++) {
        struct proof_cometbft_height height;
        assert_false(proof_cometbft_height_read(&height, (struct bytes){whole.data, len}));
        assert_int_equal(height.block.header.len + height.next_validators.len, 0);
    }
}

/* A header that is trusted already proves its logs by its hash: commit and set are not asked for again, the next set is. */
static void test_bundle__of_the_trusted_header_needs_no_step_and_no_frozen_chain_gives_one(void **state)
{
    static struct world_set other;
    const struct world_member members[] = {{4, 1}};
    const struct proof_cometbft_trust before = w.trust;
    struct bytes next;
    (void)state;
    world_set_make(&other, space, members, 1);
    assert_int_equal(proof_cometbft_height_verify(&w.result, &next, &w.trust, space, nothing,
                                                  codec_pack_bytes(&w.bundle), &w.options),
                     PROOF_VALID);
    assert_int_equal(w.trust.latest.height, 2);
    assert_true(codec_bytes_equal(next, world_set_bytes(&w.set)));
    w.block.signatures[0][0] ^= 1;
    bundle_make(5, 1, nothing);
    assert_ask(PROOF_REASON_VALID);
    bundle_make(5, 1, world_set_bytes(&other));
    assert_ask(PROOF_REASON_COMETBFT_TRUSTED_SET);
    bundle_make(5, 1, nothing);
    w.trust.attack = PROOF_COMETBFT_LUNATIC;
    w.trust.attack_height = 2;
    assert_ask(PROOF_REASON_COMETBFT_FROZEN);
    w.trust = before;
    assert_ask(PROOF_REASON_COMETBFT_SIGNATURE);
    memset(&w.trust, 0, sizeof w.trust); /* where nothing is trusted, nothing follows */
    assert_ask(PROOF_REASON_TRUST_UNSET);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_logs__stand_where_the_tree_says_or_have_no_entry, make, end),
        cmocka_unit_test_setup_teardown(test_logs__in_a_multistore_need_both_proofs, make, end),
        cmocka_unit_test_setup_teardown(test_logs__of_another_place_prove_nothing_about_this_one, make, end),
        cmocka_unit_test_setup_teardown(test_values__are_a_number_and_a_hash, make, end),
        cmocka_unit_test_setup_teardown(test_app_hash__is_one_digest, make, end),
        cmocka_unit_test_setup_teardown(test_proof__has_the_account_and_one_list_for_each_log, make, end),
        cmocka_unit_test_setup_teardown(test_proof__is_under_the_key_of_the_configured_account, make, end),
        cmocka_unit_test_setup_teardown(test_bundle__has_one_form, make, end),
        cmocka_unit_test_setup_teardown(test_bundle__of_the_trusted_header_needs_no_step_and_no_frozen_chain_gives_one,
                                        make, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
