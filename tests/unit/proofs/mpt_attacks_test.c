/*
 * Tries: the known ways to fool a verifier, one by one (node and value confused, flags, sizes, lengths, empty values).
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

static void entry_at(struct proof_mpt_entry *out, uint8_t scratch[PROOF_MPT_KEY_MAX], const void *context, size_t index)
{
    (void)scratch;
    *out = ((const struct proof_mpt_entry *)context)[index];
}

/* ---- one node that hashes to the root ---- */

static enum proof_reason refusal(struct bytes node, struct bytes key)
{
    uint8_t root[32];
    struct proof_result result;
    struct proof_mpt_fact fact;
    codec_keccak256(root, node);
    enum proof_verdict verdict = proof_mpt_verify(&result, &fact, root, key, &node, 1);
    assert_true((verdict == PROOF_VALID) == (result.reason == PROOF_REASON_VALID));
    assert_true(verdict == PROOF_VALID || (fact.presence == PROOF_UNKNOWN && fact.value.len == 0));
    return result.reason;
}

static const struct bytes LONG = {(const uint8_t *)"a value of more than thirty-two bytes, so hashed", 48};

static void test_an_extension_is_never_read_as_a_leaf(void **state)
{
    uint8_t string[64];
    uint8_t node[128];
    (void)state;
    struct bytes item = trie_string(string, sizeof string, LONG);
    assert_int_equal(refusal(trie_short(node, sizeof node, "1234", 1, item), TEXT("\x12\x34")), PROOF_REASON_VALID);
    assert_int_equal(refusal(trie_short(node, sizeof node, "1234", 0, item), TEXT("\x12\x34")),
                     PROOF_REASON_MPT_CHILD_REFERENCE);
}

static void test_a_32_byte_string_under_an_extension_is_a_hash_not_a_value(void **state)
{
    uint8_t string[64];
    uint8_t node[128];
    (void)state;
    struct bytes item = trie_string(string, sizeof string, TEXT("0123456789abcdef0123456789abcdef"));
    assert_int_equal(refusal(trie_short(node, sizeof node, "1234", 0, item), TEXT("\x12\x34")),
                     PROOF_REASON_MPT_NODE_MISSING);
}

/* A leaf whose value is the RLP of another leaf: the outer key has that value, the inner key is not in the trie. */
static void test_a_leaf_value_that_is_a_node_is_only_a_value(void **state)
{
    uint8_t string[64];
    uint8_t inner[128];
    uint8_t value[160];
    uint8_t node[256];
    uint8_t root[32];
    struct proof_result result;
    struct proof_mpt_fact fact;
    (void)state;
    struct bytes evil = trie_short(inner, sizeof inner, "56", 1, trie_string(string, sizeof string, LONG));
    struct bytes proof[2] = {trie_short(node, sizeof node, "12", 1, trie_string(value, sizeof value, evil)), evil};
    codec_keccak256(root, proof[0]);
    assert_int_equal(proof_mpt_verify(&result, &fact, root, TEXT("\x12"), proof, 1), PROOF_VALID);
    assert_true(codec_bytes_equal(fact.value, evil));
    assert_int_equal(proof_mpt_verify(&result, &fact, root, TEXT("\x12\x56"), proof, 2), PROOF_INVALID);
    assert_int_equal(result.reason, PROOF_REASON_MPT_NODE_UNUSED);
    assert_int_equal(proof_mpt_verify(&result, &fact, root, TEXT("\x12\x56"), proof, 1), PROOF_VALID);
    assert_int_equal(fact.presence, PROOF_ABSENT);
    /* the same bytes as a list instead of a string are no value */
    proof[0] = trie_short(node, sizeof node, "12", 1, evil);
    assert_int_equal(refusal(proof[0], TEXT("\x12")), PROOF_REASON_MPT_NODE_SHAPE);
}

static void test_an_embedded_node_of_32_bytes_or_more_is_refused(void **state)
{
    uint8_t string[64];
    uint8_t leaf[128];
    uint8_t node[256];
    struct bytes items[17] = {{NULL, 0}};
    (void)state;
    struct bytes value = trie_string(string, sizeof string, TEXT("twenty-eight bytes of value!"));
    struct bytes big = trie_short(leaf, sizeof leaf, "1", 1, value);
    assert_int_equal(big.len, 31);
    items[1] = big;
    items[16] = TEXT("\x07");
    assert_int_equal(refusal(trie_branch(node, sizeof node, items), TEXT("\x11")), PROOF_REASON_VALID);
    value = trie_string(string, sizeof string, TEXT("twenty-nine bytes of value!!!"));
    items[1] = trie_short(leaf, sizeof leaf, "1", 1, value);
    assert_int_equal(items[1].len, 32);
    assert_int_equal(refusal(trie_branch(node, sizeof node, items), TEXT("\x11")), PROOF_REASON_MPT_CHILD_REFERENCE);
    /* also where the key does not go */
    assert_int_equal(refusal(trie_branch(node, sizeof node, items), TEXT("\x21")), PROOF_REASON_MPT_CHILD_REFERENCE);
}

static void test_a_short_node_behind_a_hash_is_refused(void **state)
{
    uint8_t leaf[64];
    uint8_t hash[32];
    uint8_t string[64];
    uint8_t node[256];
    uint8_t root[32];
    struct proof_result result;
    struct proof_mpt_fact fact;
    struct bytes items[17] = {{NULL, 0}};
    (void)state;
    struct bytes small = trie_short(leaf, sizeof leaf, "1", 1, TEXT("\x05"));
    codec_keccak256(hash, small);
    items[1] = trie_string(string, sizeof string, BYTES_OF(hash));
    items[16] = TEXT("\x07");
    struct bytes proof[2] = {trie_branch(node, sizeof node, items), small};
    codec_keccak256(root, proof[0]);
    assert_int_equal(proof_mpt_verify(&result, &fact, root, TEXT("\x11"), proof, 2), PROOF_INVALID);
    assert_int_equal(result.reason, PROOF_REASON_MPT_NOT_CANONICAL);
}

static void test_an_empty_value_is_not_an_entry(void **state)
{
    uint8_t node[128];
    (void)state;
    assert_int_equal(refusal(trie_short(node, sizeof node, "1234", 1, TEXT("\x80")), TEXT("\x12\x34")),
                     PROOF_REASON_MPT_EMPTY_VALUE);
    assert_int_equal(refusal(trie_short(node, sizeof node, "1234", 1, TEXT("\x80")), TEXT("\x55\x55")),
                     PROOF_REASON_MPT_EMPTY_VALUE);
}

static void test_hex_prefix_takes_only_its_four_flags(void **state)
{
    uint8_t string[64];
    uint8_t node[128];
    (void)state;
    struct bytes good = trie_short(node, sizeof node, "1234", 1, trie_string(string, sizeof string, LONG));
    for (unsigned prefix = 0; prefix < 256; prefix++) {
        node[good.len - 49 - 3] = (uint8_t)prefix; /* before 3 bytes of path ends, header and value of 49 */
        enum proof_reason reason = refusal(good, TEXT("\x12\x34"));
        if (prefix == 0x20)
            assert_int_equal(reason, PROOF_REASON_VALID);
        else if (prefix >> 4 == 3)
            assert_int_equal(reason, PROOF_REASON_MPT_KEY_LENGTH); /* five nibbles are no bytes */
        else if (prefix >> 4 == 1 || prefix == 0)
            assert_int_equal(reason, PROOF_REASON_MPT_CHILD_REFERENCE);
        else
            assert_int_equal(reason, PROOF_REASON_MPT_HEX_PREFIX);
    }
}

static void test_a_list_of_any_other_size_is_no_node(void **state)
{
    (void)state;
    for (size_t count = 0; count < 20; count++) {
        uint8_t node[64];
        struct codec_writer writer;
        codec_writer_init(&writer, node, sizeof node);
        for (size_t i = 0; i < count; i++)
            codec_rlp_write_u64(&writer, 0x20);
        codec_rlp_list_end(&writer, 0);
        enum proof_reason reason = refusal(codec_writer_bytes(&writer), TEXT("\x12"));
        if (count == 2)
            assert_int_equal(reason, PROOF_REASON_VALID); /* a leaf with an empty path: another key, so absent */
        else if (count == 17)
            assert_int_equal(reason, PROOF_REASON_MPT_CHILD_REFERENCE);
        else
            assert_int_equal(reason, PROOF_REASON_MPT_NODE_SHAPE);
    }
    assert_int_equal(refusal(TEXT("\x83xyz"), TEXT("\x12")), PROOF_REASON_RLP_NOT_CANONICAL);
    assert_int_equal(refusal(TEXT(""), TEXT("\x12")), PROOF_REASON_RLP_NOT_CANONICAL);
    assert_int_equal(refusal(TEXT("\xc2\x20\x05\x00"), TEXT("\x12")), PROOF_REASON_RLP_TRAILING);
    assert_int_equal(refusal(TEXT("\xf8\x02\x20\x05"), TEXT("\x12")), PROOF_REASON_RLP_NOT_CANONICAL);
}

static void test_nodes_that_no_trie_has_are_refused(void **state)
{
    uint8_t hash[33];
    uint8_t node[256];
    uint8_t leaf[64];
    struct bytes items[17] = {{NULL, 0}};
    (void)state;
    memset(hash, 0x11, sizeof hash);
    hash[0] = 0xa0;
    assert_int_equal(refusal(trie_short(node, sizeof node, "", 0, BYTES_OF(hash)), TEXT("\x12")),
                     PROOF_REASON_MPT_NOT_CANONICAL);
    items[1] = trie_short(leaf, sizeof leaf, "2", 1, TEXT("\x05"));
    assert_int_equal(refusal(trie_branch(node, sizeof node, items), TEXT("\x12")), PROOF_REASON_MPT_NOT_CANONICAL);
    items[1] = (struct bytes){NULL, 0};
    assert_int_equal(refusal(trie_branch(node, sizeof node, items), TEXT("\x12")), PROOF_REASON_MPT_NOT_CANONICAL);
    /* an extension to a leaf, embedded */
    struct bytes below = trie_short(leaf, sizeof leaf, "2", 1, TEXT("\x05"));
    assert_int_equal(refusal(trie_short(node, sizeof node, "1", 0, below), TEXT("\x12")),
                     PROOF_REASON_MPT_NOT_CANONICAL);
    assert_int_equal(refusal(trie_short(node, sizeof node, "1", 0, TEXT("\x80")), TEXT("\x12")),
                     PROOF_REASON_MPT_CHILD_REFERENCE);
}

static void test_values_at_half_a_byte_are_refused(void **state)
{
    uint8_t node[256];
    uint8_t leaf[64];
    uint8_t odd[64];
    struct bytes items[17] = {{NULL, 0}};
    (void)state;
    assert_int_equal(refusal(trie_short(node, sizeof node, "123", 1, TEXT("\x05")), TEXT("\x12")),
                     PROOF_REASON_MPT_KEY_LENGTH);
    items[1] = trie_short(odd, sizeof odd, "22", 1, TEXT("\x05"));
    items[2] = trie_short(leaf, sizeof leaf, "2", 1, TEXT("\x05"));
    assert_int_equal(refusal(trie_branch(node, sizeof node, items), TEXT("\x12")), PROOF_REASON_MPT_KEY_LENGTH);
    assert_int_equal(refusal(trie_branch(node, sizeof node, items), TEXT("\x22")), PROOF_REASON_VALID);
}

/* ---- secure tries: all keys have 64 nibbles ---- */

static void test_a_secure_trie_has_values_at_64_nibbles_only(void **state)
{
    uint8_t key[32];
    uint8_t short_key[31];
    uint8_t root[32];
    struct proof_result result;
    struct proof_mpt_fact fact;
    struct trie_proof proof;
    (void)state;
    memset(key, 0x55, sizeof key);
    memset(short_key, 0x55, sizeof short_key);
    trie_clear(&trie);
    trie_put(&trie, BYTES_OF(short_key), LONG);
    trie_prove(&proof, &trie, BYTES_OF(key));
    assert_int_equal(proof_mpt_verify(&result, &fact, proof.root, BYTES_OF(key), proof.nodes, proof.count),
                     PROOF_VALID);
    assert_int_equal(proof_mpt_verify_secure(&result, &fact, proof.root, key, proof.nodes, proof.count), PROOF_INVALID);
    assert_int_equal(result.reason, PROOF_REASON_MPT_KEY_LENGTH);
    /* a value in a branch on the way */
    trie_put(&trie, BYTES_OF(key), LONG);
    trie_prove(&proof, &trie, BYTES_OF(key));
    assert_int_equal(proof_mpt_verify(&result, &fact, proof.root, BYTES_OF(key), proof.nodes, proof.count),
                     PROOF_VALID);
    assert_int_equal(proof_mpt_verify_secure(&result, &fact, proof.root, key, proof.nodes, proof.count), PROOF_INVALID);
    assert_int_equal(result.reason, PROOF_REASON_MPT_KEY_LENGTH);
    /* an early leaf that merely begins the key */
    uint8_t string[64];
    uint8_t node[128];
    struct bytes leaf = trie_short(node, sizeof node, "55", 1, trie_string(string, sizeof string, LONG));
    codec_keccak256(root, leaf);
    assert_int_equal(proof_mpt_verify_secure(&result, &fact, root, key, &leaf, 1), PROOF_INVALID);
    assert_int_equal(result.reason, PROOF_REASON_MPT_KEY_LENGTH);
}

static void test_secure_tries_of_many_keys_prove_all_of_them(void **state)
{
    struct trie_proof proof;
    struct proof_result result;
    struct proof_mpt_fact fact;
    static uint8_t keys[400][32];
    (void)state;
    trie_clear(&trie);
    for (size_t i = 0; i < 400; i++) {
        codec_keccak256(keys[i], (struct bytes){(const uint8_t *)&i, sizeof i});
        if (i < 300)
            trie_put(&trie, BYTES_OF(keys[i]), (struct bytes){keys[i], 1 + i % 32});
    }
    for (size_t i = 0; i < 400; i++) {
        trie_prove(&proof, &trie, BYTES_OF(keys[i]));
        assert_int_equal(proof_mpt_verify_secure(&result, &fact, proof.root, keys[i], proof.nodes, proof.count),
                         PROOF_VALID);
        assert_int_equal(fact.presence, i < 300 ? PROOF_PRESENT : PROOF_ABSENT);
    }
}

static void test_a_list_is_neither_a_path_nor_a_value(void **state)
{
    uint8_t node[256];
    struct bytes items[17] = {{NULL, 0}};
    (void)state;
    assert_int_equal(refusal(TEXT("\xc3\xc1\x20\x05"), TEXT("\x12")), PROOF_REASON_MPT_NODE_SHAPE);
    items[1] = items[2] = TEXT("\xc2\x31\x05"); /* leaves of one nibble */
    items[16] = TEXT("\x05");
    assert_int_equal(refusal(trie_branch(node, sizeof node, items), TEXT("\x11")), PROOF_REASON_VALID);
    items[16] = TEXT("\xc1\x05");
    assert_int_equal(refusal(trie_branch(node, sizeof node, items), TEXT("\x11")), PROOF_REASON_MPT_NODE_SHAPE);
    items[16] = TEXT("\x05");
    items[2] = TEXT("\xc3\x31\x81\x05"); /* an embedded node that the key passes by is canonical, too */
    assert_int_equal(refusal(trie_branch(node, sizeof node, items), TEXT("\x11")), PROOF_REASON_MPT_CHILD_REFERENCE);
}

/* An extension behind which, by its hash, comes something else than a branch. */
static void test_an_extension_leads_to_a_branch(void **state)
{
    uint8_t string[64], hash[33] = {0xa0}, below[256], above[64], root[32];
    struct bytes items[17] = {{NULL, 0}};
    struct proof_result result;
    struct proof_mpt_fact fact;
    (void)state;
    struct bytes long_string = trie_string(string, sizeof string, LONG);
    for (size_t kind = 0; kind < 3; kind++) {
        items[3] = items[4] = BYTES_OF(hash);
        items[16] = long_string;
        struct bytes proof[2];
        proof[1] = kind == 0   ? trie_branch(below, sizeof below, items)
                   : kind == 1 ? trie_short(below, sizeof below, "", 1, long_string)
                               : trie_short(below, sizeof below, "1", 0, BYTES_OF(hash));
        codec_keccak256(hash + 1, proof[1]);
        proof[0] = trie_short(above, sizeof above, "12", 0, BYTES_OF(hash));
        codec_keccak256(root, proof[0]);
        proof_mpt_verify(&result, &fact, root, TEXT("\x12"), proof, 2);
        assert_int_equal(result.reason, kind == 0 ? PROOF_REASON_VALID : PROOF_REASON_MPT_NOT_CANONICAL);
        assert_int_equal(fact.presence, kind == 0 ? PROOF_PRESENT : PROOF_UNKNOWN);
    }
}

/* Behind 64 nibbles there is nothing in a secure trie, and so no extension ends there, nor does a branch stand there. */
static void test_a_secure_trie_branches_before_its_keys_end(void **state)
{
    char nibbles[65];
    uint8_t key[32], hash[33] = {0xa0, 1}, node[128], string[64], branch[256], extension[128], root[32];
    struct bytes items[17] = {{NULL, 0}};
    struct proof_result result;
    struct proof_mpt_fact fact;
    (void)state;
    memset(key, 0x55, sizeof key);
    memset(nibbles, '5', 64);
    for (size_t len = 62; len <= 64; len++) {
        nibbles[len] = '\0';
        struct bytes proof[2] = {trie_short(node, sizeof node, nibbles, 0, BYTES_OF(hash)), {NULL, 0}};
        codec_keccak256(root, proof[0]);
        assert_int_equal(proof_mpt_verify_secure(&result, &fact, root, key, proof, 1), PROOF_INVALID);
        assert_int_equal(result.reason, len < 64 ? PROOF_REASON_MPT_NODE_MISSING : PROOF_REASON_MPT_KEY_LENGTH);
        nibbles[len] = '5';
    }
    /* an extension that leaves the key behind says nothing but that; one too long for the trie is none */
    memset(key, 0x66, sizeof key);
    for (size_t len = 62; len <= 64; len++) {
        nibbles[len] = '\0';
        struct bytes proof = trie_short(node, sizeof node, nibbles, 0, BYTES_OF(hash));
        codec_keccak256(root, proof);
        proof_mpt_verify_secure(&result, &fact, root, key, &proof, 1);
        assert_int_equal(result.reason, len < 64 ? PROOF_REASON_VALID : PROOF_REASON_MPT_KEY_LENGTH);
        nibbles[len] = '5';
    }
    /* a branch at the last nibble, whose value would be one of a key of 63 */
    memset(key, 0x55, sizeof key);
    nibbles[63] = '\0';
    items[5] = items[6] = TEXT("\xc2\x20\x05"); /* leaves where the keys end */
    items[16] = trie_string(string, sizeof string, LONG);
    struct bytes proof[3] = {{NULL, 0}, trie_branch(branch, sizeof branch, items), {NULL, 0}};
    codec_keccak256(hash + 1, proof[1]);
    proof[0] = trie_short(extension, sizeof extension, nibbles, 0, BYTES_OF(hash));
    codec_keccak256(root, proof[0]);
    assert_int_equal(proof_mpt_verify_secure(&result, &fact, root, key, proof, 2), PROOF_INVALID);
    assert_int_equal(result.reason, PROOF_REASON_MPT_KEY_LENGTH);
    /* and one where the key ends, which holds a value and longer keys below it */
    uint8_t last_hash[33] = {0xa0}, last_branch[256];
    proof[2] = trie_branch(last_branch, sizeof last_branch, items);
    codec_keccak256(last_hash + 1, proof[2]);
    items[5] = BYTES_OF(last_hash);
    items[16] = (struct bytes){NULL, 0};
    proof[1] = trie_branch(branch, sizeof branch, items);
    codec_keccak256(hash + 1, proof[1]);
    proof[0] = trie_short(extension, sizeof extension, nibbles, 0, BYTES_OF(hash));
    codec_keccak256(root, proof[0]);
    assert_int_equal(proof_mpt_verify(&result, &fact, root, BYTES_OF(key), proof, 3), PROOF_VALID);
    assert_int_equal(proof_mpt_verify_secure(&result, &fact, root, key, proof, 3), PROOF_INVALID);
    assert_int_equal(result.reason, PROOF_REASON_MPT_KEY_LENGTH);
}

/* ---- roots and arguments ---- */

static void test_an_unset_root_proves_nothing(void **state)
{
    static const uint8_t zero[32];
    struct proof_result result;
    struct proof_mpt_fact fact;
    (void)state;
    assert_int_equal(proof_mpt_verify(&result, &fact, zero, TEXT("\x12"), NULL, 0), PROOF_INVALID);
    assert_int_equal(result.reason, PROOF_REASON_TRUST_UNSET);
}

static void test_the_empty_trie_proves_every_key_absent(void **state)
{
    struct bytes nothing = TEXT("\x80");
    struct bytes two[2] = {nothing, nothing};
    struct proof_result result;
    struct proof_mpt_fact fact;
    uint8_t root[32];
    struct proof_mpt_source none = {entry_at, NULL, 0};
    (void)state;
    assert_int_equal(proof_mpt_root(&result, root, &none), PROOF_VALID);
    assert_memory_equal(root, PROOF_MPT_EMPTY_ROOT, 32);
    assert_int_equal(proof_mpt_verify(&result, &fact, root, TEXT("\x12"), NULL, 0), PROOF_VALID);
    assert_int_equal(fact.presence, PROOF_ABSENT);
    assert_int_equal(proof_mpt_verify(&result, &fact, root, TEXT("\x12"), &nothing, 1), PROOF_VALID);
    assert_int_equal(fact.presence, PROOF_ABSENT);
    assert_int_equal(proof_mpt_verify(&result, &fact, root, TEXT("\x12"), two, 2), PROOF_INVALID);
    root[0] ^= 1;
    assert_int_equal(proof_mpt_verify(&result, &fact, root, TEXT("\x12"), NULL, 0), PROOF_INVALID);
    assert_int_equal(result.reason, PROOF_REASON_MPT_EMPTY_PROOF);
    assert_int_equal(proof_mpt_verify(&result, &fact, root, TEXT("\x12"), &nothing, 1), PROOF_INVALID);
}

static void test_keys_and_proofs_are_bounded(void **state)
{
    static uint8_t key[PROOF_MPT_KEY_MAX + 1];
    static struct bytes nodes[PROOF_MPT_NODES_MAX + 1];
    struct proof_result result;
    struct proof_mpt_fact fact;
    (void)state;
    assert_int_equal(proof_mpt_verify(&result, &fact, PROOF_MPT_EMPTY_ROOT, TEXT(""), NULL, 0), PROOF_INVALID);
    assert_int_equal(result.reason, PROOF_REASON_MPT_KEY_SIZE);
    assert_int_equal(proof_mpt_verify(&result, &fact, PROOF_MPT_EMPTY_ROOT, BYTES_OF(key), NULL, 0), PROOF_INVALID);
    assert_int_equal(result.reason, PROOF_REASON_MPT_KEY_SIZE);
    assert_int_equal(proof_mpt_verify(&result, &fact, PROOF_MPT_EMPTY_ROOT, TEXT("k"), nodes, PROOF_MPT_NODES_MAX + 1),
                     PROOF_INVALID);
    assert_int_equal(result.reason, PROOF_REASON_TOO_LARGE);
}

static void test_the_builder_refuses_unsorted_double_and_empty_entries(void **state)
{
    struct proof_mpt_entry entries[2] = {{TEXT("b"), TEXT("1")}, {TEXT("a"), TEXT("2")}};
    struct proof_mpt_source source = {entry_at, entries, 2};
    struct proof_result result;
    uint8_t root[32];
    (void)state;
    assert_int_equal(proof_mpt_root(&result, root, &source), PROOF_INVALID);
    assert_int_equal(result.reason, PROOF_REASON_MPT_KEYS_UNSORTED);
    entries[1].key = TEXT("b");
    assert_int_equal(proof_mpt_root(&result, root, &source), PROOF_INVALID);
    assert_int_equal(result.reason, PROOF_REASON_MPT_KEYS_UNSORTED);
    entries[1] = (struct proof_mpt_entry){TEXT("c"), TEXT("")};
    assert_int_equal(proof_mpt_root(&result, root, &source), PROOF_INVALID);
    assert_int_equal(result.reason, PROOF_REASON_MPT_EMPTY_VALUE);
    entries[1] = (struct proof_mpt_entry){TEXT("bb"), TEXT("2")};
    assert_int_equal(proof_mpt_root(&result, root, &source), PROOF_VALID);
}

/* Keys that differ in their last nibble only: the deepest recursion that the builder allows. */
static void test_the_longest_keys_are_built_and_proven(void **state)
{
    static uint8_t keys[2 * PROOF_MPT_KEY_MAX][PROOF_MPT_KEY_MAX];
    static struct proof_mpt_entry entries[2 * PROOF_MPT_KEY_MAX];
    struct trie_proof proof;
    struct proof_result result;
    struct proof_mpt_fact fact;
    uint8_t root[32];
    struct proof_mpt_source source = {entry_at, entries, 2 * PROOF_MPT_KEY_MAX};
    (void)state;
    trie_clear(&trie);
    for (size_t i = 0; i < 2 * PROOF_MPT_KEY_MAX; i++) {
        /* key i differs from the key of zeros in nibble 127 - i: ascending */
        size_t nibble = 2 * PROOF_MPT_KEY_MAX - 1 - i;
        keys[i][nibble / 2] = nibble % 2 == 0 ? 0x10 : 0x01;
        entries[i] = (struct proof_mpt_entry){BYTES_OF(keys[i]), {keys[i], PROOF_MPT_KEY_MAX}};
        trie_put(&trie, entries[i].key, entries[i].value);
    }
    assert_int_equal(proof_mpt_root(&result, root, &source), PROOF_VALID);
    trie_prove(&proof, &trie, entries[0].key);
    assert_memory_equal(root, proof.root, 32);
    assert_int_equal(proof_mpt_verify(&result, &fact, root, entries[0].key, proof.nodes, proof.count), PROOF_VALID);
    assert_int_equal(fact.presence, PROOF_PRESENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_extension_is_never_read_as_a_leaf),
        cmocka_unit_test(test_a_32_byte_string_under_an_extension_is_a_hash_not_a_value),
        cmocka_unit_test(test_a_leaf_value_that_is_a_node_is_only_a_value),
        cmocka_unit_test(test_an_embedded_node_of_32_bytes_or_more_is_refused),
        cmocka_unit_test(test_a_short_node_behind_a_hash_is_refused),
        cmocka_unit_test(test_an_empty_value_is_not_an_entry),
        cmocka_unit_test(test_hex_prefix_takes_only_its_four_flags),
        cmocka_unit_test(test_a_list_of_any_other_size_is_no_node),
        cmocka_unit_test(test_nodes_that_no_trie_has_are_refused),
        cmocka_unit_test(test_values_at_half_a_byte_are_refused),
        cmocka_unit_test(test_a_secure_trie_has_values_at_64_nibbles_only),
        cmocka_unit_test(test_secure_tries_of_many_keys_prove_all_of_them),
        cmocka_unit_test(test_a_list_is_neither_a_path_nor_a_value),
        cmocka_unit_test(test_an_extension_leads_to_a_branch),
        cmocka_unit_test(test_a_secure_trie_branches_before_its_keys_end),
        cmocka_unit_test(test_an_unset_root_proves_nothing),
        cmocka_unit_test(test_the_empty_trie_proves_every_key_absent),
        cmocka_unit_test(test_keys_and_proofs_are_bounded),
        cmocka_unit_test(test_the_builder_refuses_unsorted_double_and_empty_entries),
        cmocka_unit_test(test_the_longest_keys_are_built_and_proven),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
