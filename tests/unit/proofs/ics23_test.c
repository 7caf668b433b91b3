/*
 * ICS-23 against those who made proofs of what is not there: trees that the test builds, and every published trick by name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proofs/codec/protobuf.h"
#include "proofs/codec/sha256.h"
#include "proofs/ics23.h"

enum { LEAVES = 4 };

/* A balanced tree of four keys "b", "d", "f", "h" in the shape of CometBFT's maps. */
static const uint8_t keys[LEAVES][1] = {{'b'}, {'d'}, {'f'}, {'h'}};
static const uint8_t value[] = "value";
static const uint8_t leaf_tag[1] = {0};
static const uint8_t inner_tag[1] = {1};
static uint8_t leaf_hash[LEAVES][32];
static uint8_t pair_hash[2][32];
static uint8_t root[32];
static uint8_t right_prefix[3][33]; /* 0x01 || left sibling: of leaves 1 and 3, and of the right pair */
static struct proof_result last;

static const struct ics23_leaf leaf_op = {ICS23_SHA256, ICS23_NO_HASH, ICS23_SHA256, ICS23_VAR_PROTO, {leaf_tag, 1}};

static int make_tree(void **state)
{
    (void)state;
    for (size_t i = 0; i < LEAVES; i++) {
        uint8_t hash[ICS23_HASH_MAX];
        ics23_leaf_hash(hash, &leaf_op, BYTES_OF(keys[i]), (struct bytes){value, 5});
        memcpy(leaf_hash[i], hash, 32);
    }
    for (size_t i = 0; i < 2; i++)
        codec_sha256(pair_hash[i],
                     (const struct bytes[]){BYTES_OF(inner_tag), {leaf_hash[2 * i], 32}, {leaf_hash[2 * i + 1], 32}},
                     3);
    codec_sha256(root, (const struct bytes[]){BYTES_OF(inner_tag), {pair_hash[0], 32}, {pair_hash[1], 32}}, 3);
    right_prefix[0][0] = right_prefix[1][0] = right_prefix[2][0] = 1;
    memcpy(right_prefix[0] + 1, leaf_hash[0], 32);
    memcpy(right_prefix[1] + 1, leaf_hash[2], 32);
    memcpy(right_prefix[2] + 1, pair_hash[0], 32);
    return 0;
}

/* The path of a leaf. */
static void exists(struct ics23_existence *out, size_t i)
{
    *out = (struct ics23_existence){.key = BYTES_OF(keys[i]), .value = {value, 5}, .has_leaf = true, .leaf = leaf_op};
    out->path_len = 2;
    out->path[0] = i % 2 ? (struct ics23_inner){ICS23_SHA256, BYTES_OF(right_prefix[i / 2]), {NULL, 0}}
                         : (struct ics23_inner){ICS23_SHA256, BYTES_OF(inner_tag), {leaf_hash[i + 1], 32}};
    out->path[1] = i / 2 ? (struct ics23_inner){ICS23_SHA256, BYTES_OF(right_prefix[2]), {NULL, 0}}
                         : (struct ics23_inner){ICS23_SHA256, BYTES_OF(inner_tag), {pair_hash[1], 32}};
}

static enum proof_presence shown;

static enum proof_verdict show(const struct proof_ics23_spec *spec, const struct ics23_proof *proof, struct bytes key)
{
    uint8_t bytes[8192];
    struct codec_writer writer;
    struct proof_ics23_fact fact;
    codec_writer_init(&writer, bytes, sizeof bytes);
    ics23_proof_write(&writer, proof);
    assert_false(writer.failed);
    enum proof_verdict verdict = proof_ics23_verify(&last, &fact, spec, root, key, codec_writer_bytes(&writer));
    shown = fact.presence;
    return verdict;
}

static void assert_refused(const struct ics23_proof *proof, struct bytes key, enum proof_reason reason)
{
    assert_int_equal(show(&PROOF_ICS23_TENDERMINT, proof, key), PROOF_INVALID);
    assert_string_equal(proof_reason_text(last.reason), proof_reason_text(reason));
    assert_int_equal(shown, PROOF_UNKNOWN);
}

static struct ics23_proof proof;

static struct bytes absent_key(uint8_t letter)
{
    static uint8_t key[1];
    key[0] = letter;
    return BYTES_OF(key);
}

/* left and right: leaf indices, or LEAVES for none. */
static void absence(struct bytes key, size_t left, size_t right)
{
    proof.is_absence = true;
    proof.key = key;
    proof.has_left = left < LEAVES;
    proof.has_right = right < LEAVES;
    if (proof.has_left)
        exists(&proof.left, left);
    if (proof.has_right)
        exists(&proof.right, right);
}

static void test_every_key_is_there_or_provably_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < LEAVES; i++) {
        proof.is_absence = false;
        exists(&proof.exists, i);
        assert_int_equal(show(&PROOF_ICS23_TENDERMINT, &proof, BYTES_OF(keys[i])), PROOF_VALID);
        assert_int_equal(shown, PROOF_PRESENT);
    }
    /* all letters, all pairs of neighbours: only the right pair proves, and only what is absent */
    for (uint8_t letter = 'a'; letter <= 'i'; letter++) {
        size_t valid = 0;
        for (size_t left = 0; left <= LEAVES; left++) {
            for (size_t right = 0; right <= LEAVES; right++) {
                absence(absent_key(letter), left, right);
                valid += show(&PROOF_ICS23_TENDERMINT, &proof, proof.key) == PROOF_VALID;
            }
        }
        assert_int_equal(valid, (letter - 'a') % 2 == 0 ? 1 : 0);
    }
}

static void test_attack__dragonberry_an_inner_node_shown_as_a_leaf(void **state)
{
    (void)state;
    proof.is_absence = false;
    exists(&proof.exists, 0);
    /* an inner op whose prefix is a leaf's could turn stored data into tree */
    proof.exists.path[0].prefix = BYTES_OF(leaf_tag);
    assert_refused(&proof, BYTES_OF(keys[0]), PROOF_REASON_ICS23_INNER_LEAF);
    exists(&proof.exists, 0);
    proof.exists.leaf.prefix = BYTES_OF(inner_tag);
    assert_refused(&proof, BYTES_OF(keys[0]), PROOF_REASON_ICS23_LEAF);
}

static void test_attack__a_leaf_prefix_that_swallows_part_of_the_key(void **state)
{
    /* 00 || 01 'b' || 05 … is a leaf of key "b"; with 00 01 as prefix it would be one of another key */
    static const uint8_t swallowing[] = {0, 1};
    (void)state;
    proof.is_absence = false;
    exists(&proof.exists, 0);
    proof.exists.leaf.prefix = BYTES_OF(swallowing);
    assert_refused(&proof, BYTES_OF(keys[0]), PROOF_REASON_ICS23_LEAF);
}

static void test_attack__ops_that_the_spec_does_not_have(void **state)
{
    (void)state;
    proof.is_absence = false;
    for (uint32_t op = 0; op <= 10; op++) {
        if (op == ICS23_SHA256)
            continue;
        exists(&proof.exists, 0);
        proof.exists.path[1].hash = op;
        assert_refused(&proof, BYTES_OF(keys[0]), PROOF_REASON_ICS23_INNER);
        exists(&proof.exists, 0);
        proof.exists.leaf.hash = op;
        assert_refused(&proof, BYTES_OF(keys[0]), PROOF_REASON_ICS23_LEAF);
        exists(&proof.exists, 0);
        proof.exists.leaf.prehash_value = op;
        assert_refused(&proof, BYTES_OF(keys[0]), PROOF_REASON_ICS23_LEAF);
        exists(&proof.exists, 0);
        proof.exists.leaf.length = op;
        assert_refused(&proof, BYTES_OF(keys[0]), PROOF_REASON_ICS23_LEAF);
    }
    /* inner nodes of stores begin with 1, and have one sibling */
    static const uint8_t two[1] = {2};
    exists(&proof.exists, 0);
    proof.exists.path[0].prefix = BYTES_OF(two);
    assert_refused(&proof, BYTES_OF(keys[0]), PROOF_REASON_ICS23_INNER);
    exists(&proof.exists, 0);
    proof.exists.path[0].prefix = BYTES_OF(right_prefix[0]);
    assert_refused(&proof, BYTES_OF(keys[0]), PROOF_REASON_ICS23_INNER);
    exists(&proof.exists, 0);
    proof.exists.has_leaf = false;
    assert_refused(&proof, BYTES_OF(keys[0]), PROOF_REASON_ICS23_LEAF);
}

static void test_attack__empty_keys_and_values(void **state)
{
    (void)state;
    proof.is_absence = false;
    exists(&proof.exists, 0);
    proof.exists.value.len = 0;
    assert_refused(&proof, BYTES_OF(keys[0]), PROOF_REASON_ICS23_EMPTY);
    exists(&proof.exists, 0);
    assert_refused(&proof, (struct bytes){NULL, 0}, PROOF_REASON_ICS23_EMPTY);
}

static void test_attack__a_neighbour_of_itself_or_of_its_own_ancestors(void **state)
{
    (void)state;
    /* the same path twice, with a key that lies between by name only */
    absence(absent_key('c'), 0, 0);
    assert_refused(&proof, proof.key, PROOF_REASON_ICS23_KEY_ORDER);
    absence(absent_key('c'), 0, 1);
    proof.right = proof.left;
    proof.right.key = BYTES_OF(keys[1]);
    assert_refused(&proof, proof.key, PROOF_REASON_ICS23_NOT_ADJACENT);
    /* one path is the tail of the other: nothing is left where they should part */
    absence(absent_key('c'), 0, 1);
    proof.left.path[0] = proof.left.path[1];
    proof.left.path_len = 1;
    assert_refused(&proof, proof.key, PROOF_REASON_ICS23_NOT_ADJACENT);
    absence(absent_key('c'), 0, 1);
    proof.left.path_len = proof.right.path_len = 0;
    assert_refused(&proof, proof.key, PROOF_REASON_ICS23_NOT_ADJACENT);
}

static void test_attack__absence_between_keys_that_are_not_neighbours(void **state)
{
    (void)state;
    absence(BYTES_OF(keys[1]), 0, 2); /* "d" is there */
    assert_refused(&proof, proof.key, PROOF_REASON_ICS23_NOT_ADJACENT);
    absence(absent_key('e'), 0, 3);
    assert_refused(&proof, proof.key, PROOF_REASON_ICS23_NOT_ADJACENT);
    absence(absent_key('a'), LEAVES, 1); /* not the leftmost */
    assert_refused(&proof, proof.key, PROOF_REASON_ICS23_NOT_ADJACENT);
    absence(absent_key('z'), 2, LEAVES); /* not the rightmost */
    assert_refused(&proof, proof.key, PROOF_REASON_ICS23_NOT_ADJACENT);
    absence(absent_key('c'), LEAVES, LEAVES);
    assert_refused(&proof, proof.key, PROOF_REASON_ICS23_NO_NEIGHBOUR);
}

static void test_attack__a_neighbour_that_is_not_in_the_tree(void **state)
{
    static const uint8_t long_leaf[] = {0, 0};
    struct ics23_existence *const sides[] = {&proof.left, &proof.right};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        absence(absent_key('c'), 0, 1);
        sides[i]->value.len--;
        assert_refused(&proof, proof.key, PROOF_REASON_ICS23_ROOT);
        absence(absent_key('c'), 0, 1);
        sides[i]->leaf.prefix = BYTES_OF(long_leaf);
        assert_refused(&proof, proof.key, PROOF_REASON_ICS23_LEAF);
        assert_int_equal(last.at, i == 0 ? 0 : 1000);
        absence(absent_key('c'), 0, 1);
        sides[i]->path[1].hash = ICS23_SHA512;
        assert_refused(&proof, proof.key, PROOF_REASON_ICS23_INNER);
        assert_int_equal(last.at, i == 0 ? 2 : 1002);
    }
}

static void test_attack__absence_of_one_key_shown_for_another(void **state)
{
    (void)state;
    absence(absent_key('c'), 0, 1);
    proof.key = BYTES_OF(keys[3]);
    assert_refused(&proof, absent_key('c'), PROOF_REASON_ICS23_OTHER_KEY);
}

static void test_attack__paths_without_end(void **state)
{
    static const uint8_t sibling[32] = {1};
    (void)state;
    proof.is_absence = false;
    exists(&proof.exists, 0);
    for (proof.exists.path_len = 0; proof.exists.path_len < 129; proof.exists.path_len++)
        proof.exists.path[proof.exists.path_len] =
            (struct ics23_inner){ICS23_SHA256, BYTES_OF(inner_tag), BYTES_OF(sibling)};
    uint8_t bytes[16384];
    struct codec_writer writer;
    struct proof_ics23_fact fact;
    codec_writer_init(&writer, bytes, sizeof bytes);
    ics23_proof_write(&writer, &proof);
    assert_int_equal(
        proof_ics23_verify(&last, &fact, &PROOF_ICS23_TENDERMINT, root, BYTES_OF(keys[0]), codec_writer_bytes(&writer)),
        PROOF_INVALID);
    assert_int_equal(last.reason, PROOF_REASON_ICS23_DEPTH);
}

static void test_attack__dragonfruit_an_iavl_node_with_two_children_of_its_own(void **state)
{
    /* height 1, size 2, version 1, then a whole left child: the hashed bytes leave no room for a second one */
    uint8_t prefix[3 + 34] = {2, 4, 2, 0x20};
    static const uint8_t leaf_prefix[] = {0, 2, 2};
    static const uint8_t suffix[33] = {0x20, 5};
    struct ics23_existence one = {.key = BYTES_OF(keys[0]), .value = {value, 5}, .has_leaf = true, .leaf = leaf_op};
    size_t at;
    (void)state;
    prefix[36] = 0x20;
    one.leaf.prefix = BYTES_OF(leaf_prefix);
    one.path_len = 1;
    one.path[0] = (struct ics23_inner){ICS23_SHA256, BYTES_OF(prefix), {NULL, 0}};
    assert_int_equal(proof_ics23_shape(&at, &PROOF_ICS23_IAVL, &one), PROOF_REASON_VALID);
    proof.is_absence = false;
    proof.exists = one;
    proof.exists.path[0].suffix = BYTES_OF(suffix);
    assert_int_equal(show(&PROOF_ICS23_IAVL, &proof, BYTES_OF(keys[0])), PROOF_INVALID);
    assert_int_equal(last.reason, PROOF_REASON_ICS23_CHILD);
    /* heights below the layer, negative numbers, rests of another length */
    one.path[1] = one.path[0];
    one.path_len = 2;
    assert_int_equal(proof_ics23_shape(&at, &PROOF_ICS23_IAVL, &one), PROOF_REASON_ICS23_IAVL);
    one.path_len = 1;
    prefix[1] = 3;
    assert_int_equal(proof_ics23_shape(&at, &PROOF_ICS23_IAVL, &one), PROOF_REASON_ICS23_IAVL);
    prefix[1] = 4;
    one.path[0].prefix.len--;
    assert_int_equal(proof_ics23_shape(&at, &PROOF_ICS23_IAVL, &one), PROOF_REASON_ICS23_IAVL);
    /* a leaf with anything behind its version */
    static const uint8_t long_leaf[] = {0, 2, 2, 1};
    one.path_len = 0;
    one.leaf.prefix = BYTES_OF(long_leaf);
    assert_int_equal(proof_ics23_shape(&at, &PROOF_ICS23_IAVL, &one), PROOF_REASON_ICS23_IAVL);
}

/* CommitmentProof's fields 3 and 4: upstream took them away, as nobody could say what they proved. */
static void test_attack__batches_and_compressed_proofs_are_not_spoken(void **state)
{
    uint8_t bytes[1024];
    struct codec_writer writer;
    struct proof_ics23_fact fact;
    (void)state;
    proof.is_absence = false;
    exists(&proof.exists, 0);
    for (uint32_t field = 3; field <= 4; field++) {
        codec_writer_init(&writer, bytes, sizeof bytes);
        size_t whole = codec_protobuf_begin(&writer), entry = codec_protobuf_begin(&writer);
        ics23_proof_write(&writer, &proof);
        codec_protobuf_finish(&writer, 1, entry);
        codec_protobuf_finish(&writer, field, whole);
        assert_int_equal(proof_ics23_verify(&last, &fact, &PROOF_ICS23_TENDERMINT, root, BYTES_OF(keys[0]),
                                            codec_writer_bytes(&writer)),
                         PROOF_INVALID);
        assert_int_equal(last.reason, PROOF_REASON_ICS23_MALFORMED);
    }
}

static void sha256_of(uint8_t out[32], uint8_t letter)
{
    codec_sha256(out, &(struct bytes){&letter, 1}, 1);
}

/* The sparse Merkle tree stands in the order of hashed keys, and so neighbours are compared by them. */
static void test_attack__smt_neighbours_by_the_order_of_plain_keys(void **state)
{
    uint8_t hash[ICS23_HASH_MAX], prefix[33] = {1}, right_leaf[32], hashed[3][32], kept[32];
    uint8_t two[2][1] = {{'a'}, {'b'}};
    size_t between = 0, outside = 0;
    (void)state;
    sha256_of(hashed[0], two[0][0]);
    for (sha256_of(hashed[1], two[1][0]); memcmp(hashed[0], hashed[1], 32) > 0; sha256_of(hashed[1], two[1][0]))
        two[1][0]++;
    const struct ics23_leaf leaf = PROOF_ICS23_SMT.leaf;
    ics23_leaf_hash(hash, &leaf, BYTES_OF(two[0]), (struct bytes){value, 5});
    memcpy(prefix + 1, hash, 32);
    ics23_leaf_hash(hash, &leaf, BYTES_OF(two[1]), (struct bytes){value, 5});
    memcpy(right_leaf, hash, 32);
    memcpy(kept, root, 32);
    codec_sha256(root, (const struct bytes[]){BYTES_OF(prefix), BYTES_OF(right_leaf)}, 2);
    proof.is_absence = proof.has_left = proof.has_right = true;
    for (size_t i = 0; i < 2; i++) {
        struct ics23_existence *side = i == 0 ? &proof.left : &proof.right;
        *side = (struct ics23_existence){
            .key = BYTES_OF(two[i]), .value = {value, 5}, .has_leaf = true, .leaf = leaf, .path_len = 1};
        side->path[0] = i == 0 ? (struct ics23_inner){ICS23_SHA256, {prefix, 1}, BYTES_OF(right_leaf)}
                               : (struct ics23_inner){ICS23_SHA256, BYTES_OF(prefix), {NULL, 0}};
    }
    for (unsigned letter = 0; letter < 256; letter++) {
        const uint8_t key[1] = {(uint8_t)letter};
        if (letter == two[0][0] || letter == two[1][0])
            continue;
        sha256_of(hashed[2], key[0]);
        proof.key = BYTES_OF(hashed[2]);
        bool lies_between = memcmp(hashed[0], hashed[2], 32) < 0 && memcmp(hashed[2], hashed[1], 32) < 0;
        assert_int_equal(show(&PROOF_ICS23_SMT, &proof, BYTES_OF(key)), lies_between ? PROOF_VALID : PROOF_INVALID);
        assert_int_equal(last.reason, lies_between ? PROOF_REASON_VALID : PROOF_REASON_ICS23_KEY_ORDER);
        between += lies_between;
        outside += !lies_between;
    }
    assert_true(between > 0 && outside > 0);
    memcpy(root, kept, 32);
}

/* The right sibling's length is hashed from the suffix: another one is another node, read two ways. */
static void test_iavl__a_suffix_is_a_whole_child(void **state)
{
    static const uint8_t leaf[] = {0, 2, 2}, inner[] = {2, 4, 2, 0x20};
    uint8_t suffix[66] = {0}, hash[ICS23_HASH_MAX], kept[32];
    struct ics23_existence *one = &proof.exists;
    (void)state;
    memcpy(kept, root, 32);
    proof.is_absence = false;
    *one = (struct ics23_existence){
        .key = BYTES_OF(keys[0]), .value = {value, 5}, .has_leaf = true, .leaf = leaf_op, .path_len = 1};
    one->leaf.prefix = BYTES_OF(leaf);
    for (unsigned first = 0; first < 256; first++) {
        for (size_t len = 33; len <= 66; len += 33) {
            uint8_t leaf_root[ICS23_HASH_MAX];
            suffix[0] = (uint8_t)first;
            one->path[0] = (struct ics23_inner){ICS23_SHA256, BYTES_OF(inner), {suffix, len}};
            ics23_leaf_hash(leaf_root, &one->leaf, one->key, one->value);
            assert_int_equal(ics23_inner_hash(hash, &one->path[0], (struct bytes){leaf_root, 32}), 32);
            memcpy(root, hash, 32); /* its own root: only its shape is wrong */
            assert_int_equal(show(&PROOF_ICS23_IAVL, &proof, one->key) == PROOF_VALID, first == 0x20 && len == 33);
        }
    }
    memcpy(root, kept, 32);
}

static void test_attack__keys_hashed_or_not_against_the_spec(void **state)
{
    (void)state;
    proof.is_absence = false;
    for (uint32_t op = 0; op <= 10; op++) {
        exists(&proof.exists, 0);
        proof.exists.leaf.prehash_key = op;
        if (op != ICS23_NO_HASH)
            assert_refused(&proof, BYTES_OF(keys[0]), PROOF_REASON_ICS23_LEAF);
    }
}

/* In the sparse tree an edge may be reached past siblings, but only where they are the empty child. */
static void test_smt__the_edge_lies_behind_empty_children_alone(void **state)
{
    uint8_t one[1] = {'a'}, hashed[32], other[32], prefix[33] = {1}, empty[33] = {0}, hash[ICS23_HASH_MAX], kept[32];
    const struct ics23_leaf leaf = PROOF_ICS23_SMT.leaf;
    uint8_t wanted[1] = {0};
    (void)state;
    memcpy(kept, root, 32);
    sha256_of(hashed, one[0]);
    for (size_t side = 0; side < 2; side++) { /* the leaf is the left or the right neighbour of what is absent */
        do
            sha256_of(other, ++wanted[0]);
        while ((memcmp(hashed, other, 32) < 0) != (side == 0) || wanted[0] == one[0]);
        for (unsigned fault = 0; fault < 3; fault++) {
            struct ics23_existence *edge = side == 0 ? &proof.left : &proof.right;
            memset(empty, 0, sizeof empty);
            memset(prefix + 1, 0, 32);
            if (fault == 1) /* something is there */
                empty[31] = prefix[32] = 1;
            *edge = (struct ics23_existence){
                .key = BYTES_OF(one), .value = {value, 5}, .has_leaf = true, .leaf = leaf, .path_len = 1};
            edge->path[0] = (side == 0) != (fault == 2) ? (struct ics23_inner){ICS23_SHA256, {prefix, 1}, {empty, 32}}
                                                        : (struct ics23_inner){ICS23_SHA256, {prefix, 33}, {NULL, 0}};
            proof.is_absence = true;
            proof.has_left = side == 0;
            proof.has_right = side == 1;
            proof.key = BYTES_OF(other);
            uint8_t below[ICS23_HASH_MAX];
            ics23_leaf_hash(below, &leaf, edge->key, edge->value);
            assert_int_equal(ics23_inner_hash(hash, &edge->path[0], (struct bytes){below, 32}), 32);
            memcpy(root, hash, 32);
            assert_int_equal(show(&PROOF_ICS23_SMT, &proof, BYTES_OF(wanted)),
                             fault == 1 ? PROOF_INVALID : PROOF_VALID);
            assert_int_equal(last.reason, fault == 1 ? PROOF_REASON_ICS23_NOT_ADJACENT : PROOF_REASON_VALID);
            /* no other tree has empty children */
            proof.key = BYTES_OF(wanted);
            assert_int_not_equal(show(&PROOF_ICS23_TENDERMINT, &proof, BYTES_OF(wanted)), PROOF_VALID);
        }
    }
    memcpy(root, kept, 32);
}

static void test_spec__that_could_be_read_two_ways_is_not_used(void **state)
{
    struct proof_ics23_spec spec = PROOF_ICS23_TENDERMINT;
    (void)state;
    proof.is_absence = false;
    exists(&proof.exists, 0);
    spec.prefix_max = spec.prefix_min + spec.child_size;
    assert_int_equal(show(&spec, &proof, BYTES_OF(keys[0])), PROOF_INVALID);
    assert_int_equal(last.reason, PROOF_REASON_ICS23_SPEC);
    for (size_t fault = 0; fault < 6; fault++) {
        spec = PROOF_ICS23_TENDERMINT;
        switch (fault) {
        case 0: spec.child_size = 0; break;
        case 1: spec.prefix_min = 0; break;
        case 2: spec.prefix_min = 2; break; /* above the most */
        case 3: spec.depth_max = ICS23_DEPTH_MAX + 1; break;
        case 4: spec.leaf.prefix.len = 0; break; /* every inner node would begin like a leaf */
        case 5: spec.empty_child = BYTES_OF(inner_tag); break;
        }
        assert_int_equal(show(&spec, &proof, BYTES_OF(keys[0])), PROOF_INVALID);
        assert_int_equal(last.reason, PROOF_REASON_ICS23_SPEC);
    }
}

static void test_attack__nomad_a_zero_root_proves_nothing(void **state)
{
    uint8_t kept[32];
    (void)state;
    memcpy(kept, root, 32);
    memset(root, 0, 32);
    proof.is_absence = false;
    exists(&proof.exists, 0);
    assert_refused(&proof, BYTES_OF(keys[0]), PROOF_REASON_TRUST_UNSET);
    memcpy(root, kept, 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_key_is_there_or_provably_not),
        cmocka_unit_test(test_attack__dragonberry_an_inner_node_shown_as_a_leaf),
        cmocka_unit_test(test_attack__a_leaf_prefix_that_swallows_part_of_the_key),
        cmocka_unit_test(test_attack__ops_that_the_spec_does_not_have),
        cmocka_unit_test(test_attack__empty_keys_and_values),
        cmocka_unit_test(test_attack__a_neighbour_of_itself_or_of_its_own_ancestors),
        cmocka_unit_test(test_attack__absence_between_keys_that_are_not_neighbours),
        cmocka_unit_test(test_attack__a_neighbour_that_is_not_in_the_tree),
        cmocka_unit_test(test_attack__absence_of_one_key_shown_for_another),
        cmocka_unit_test(test_attack__paths_without_end),
        cmocka_unit_test(test_attack__dragonfruit_an_iavl_node_with_two_children_of_its_own),
        cmocka_unit_test(test_attack__batches_and_compressed_proofs_are_not_spoken),
        cmocka_unit_test(test_attack__smt_neighbours_by_the_order_of_plain_keys),
        cmocka_unit_test(test_iavl__a_suffix_is_a_whole_child),
        cmocka_unit_test(test_attack__keys_hashed_or_not_against_the_spec),
        cmocka_unit_test(test_smt__the_edge_lies_behind_empty_children_alone),
        cmocka_unit_test(test_spec__that_could_be_read_two_ways_is_not_used),
        cmocka_unit_test(test_attack__nomad_a_zero_root_proves_nothing),
    };
    return cmocka_run_group_tests(tests, make_tree, NULL);
}
