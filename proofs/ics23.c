/*
 * Existence: the shape of every op, then the hashes up to the root. Absence: two neighbours that exist, with nothing between them.
 */
#include "proofs/ics23_inside.h"

#include <string.h>

#include "proofs/codec/protobuf.h"

enum { DEPTH_USUAL = 128, RIGHT = 1000, IAVL_CHILD = 0x20, TENDERMINT_INNER = 1 };

static const uint8_t zero[1] = {0};
static const uint8_t empty_node[32] = {0};

const struct proof_ics23_spec PROOF_ICS23_IAVL = {
    .leaf = {ICS23_SHA256, ICS23_NO_HASH, ICS23_SHA256, ICS23_VAR_PROTO, {zero, 1}},
    .inner_hash = ICS23_SHA256,
    .child_size = 33,
    .prefix_min = 4,
    .prefix_max = 12,
    .tree = PROOF_ICS23_TREE_IAVL,
};

const struct proof_ics23_spec PROOF_ICS23_TENDERMINT = {
    .leaf = {ICS23_SHA256, ICS23_NO_HASH, ICS23_SHA256, ICS23_VAR_PROTO, {zero, 1}},
    .inner_hash = ICS23_SHA256,
    .child_size = 32,
    .prefix_min = 1,
    .prefix_max = 1,
    .tree = PROOF_ICS23_TREE_TENDERMINT,
};

const struct proof_ics23_spec PROOF_ICS23_SMT = {
    .leaf = {ICS23_SHA256, ICS23_SHA256, ICS23_SHA256, ICS23_NO_PREFIX, {zero, 1}},
    .inner_hash = ICS23_SHA256,
    .child_size = 32,
    .prefix_min = 1,
    .prefix_max = 1,
    .empty_child = {empty_node, sizeof empty_node},
    .depth_max = 256,
    .hashed_order = true,
};

static bool begins_with(struct bytes data, struct bytes prefix)
{
    return data.len >= prefix.len && (prefix.len == 0 || memcmp(data.data, prefix.data, prefix.len) == 0);
}

/* Height, size and version at the front of an IAVL node: zigzag varints, none negative. Leaves *rest behind them. */
static bool iavl_numbers(uint64_t numbers[3], struct bytes *rest, struct bytes prefix)
{
    *rest = prefix;
    for (size_t i = 0; i < 3; i++) {
        uint64_t zigzag;
        if (!codec_protobuf_take_uvarint(&zigzag, rest) || (zigzag & 1) != 0)
            return false;
        numbers[i] = zigzag >> 1;
    }
    return true;
}

static enum proof_reason leaf_shape(const struct proof_ics23_spec *spec, const struct ics23_leaf *leaf)
{
    uint64_t numbers[3];
    struct bytes rest;
    if (leaf->hash != spec->leaf.hash || leaf->prehash_key != spec->leaf.prehash_key ||
        leaf->prehash_value != spec->leaf.prehash_value || leaf->length != spec->leaf.length ||
        !begins_with(leaf->prefix, spec->leaf.prefix))
        return PROOF_REASON_ICS23_LEAF;
    if (spec->tree == PROOF_ICS23_TREE_IAVL) {
        /* a leaf has height 0 and size 1, and nothing follows its version */
        if (!iavl_numbers(numbers, &rest, leaf->prefix) || numbers[0] != 0 || numbers[1] != 1 || rest.len != 0)
            return PROOF_REASON_ICS23_IAVL;
    } else if (leaf->prefix.len != spec->leaf.prefix.len) {
        return PROOF_REASON_ICS23_LEAF; /* what follows the prefix would be hashed as if it were key */
    }
    return PROOF_REASON_VALID;
}

/* Layer 1 is next to the leaf. */
static enum proof_reason inner_shape(const struct proof_ics23_spec *spec, const struct ics23_inner *inner, size_t layer)
{
    uint64_t numbers[3];
    struct bytes rest;
    if (inner->hash != spec->inner_hash || inner->prefix.len < spec->prefix_min ||
        inner->prefix.len > spec->prefix_max + spec->child_size || inner->suffix.len % spec->child_size != 0)
        return PROOF_REASON_ICS23_INNER;
    if (begins_with(inner->prefix, spec->leaf.prefix))
        return PROOF_REASON_ICS23_INNER_LEAF;
    switch (spec->tree) {
    case PROOF_ICS23_GENERIC: break;
    case PROOF_ICS23_TREE_IAVL:
        /* behind the version: the length of the child to come, or a whole left child and the length of the right one */
        if (!iavl_numbers(numbers, &rest, inner->prefix) || numbers[0] < layer || (rest.len != 1 && rest.len != 34) ||
            rest.data[0] != IAVL_CHILD || rest.data[rest.len - 1] != IAVL_CHILD)
            return PROOF_REASON_ICS23_IAVL;
        break;
    case PROOF_ICS23_TREE_TENDERMINT:
        if (inner->prefix.data[0] != TENDERMINT_INNER || (inner->suffix.len > 0 && inner->prefix.len != 1))
            return PROOF_REASON_ICS23_INNER;
        break;
    }
    return PROOF_REASON_VALID;
}

static bool spec_usable(const struct proof_ics23_spec *spec)
{
    return spec->child_size >= 1 && spec->prefix_min >= 1 && spec->prefix_min <= spec->prefix_max &&
           spec->prefix_max < spec->prefix_min + spec->child_size && spec->depth_max <= ICS23_DEPTH_MAX &&
           spec->leaf.prefix.len > 0 && (spec->empty_child.len == 0 || spec->empty_child.len == spec->child_size);
}

enum proof_reason proof_ics23_shape(size_t *at, const struct proof_ics23_spec *spec,
                                    const struct ics23_existence *proof)
{
    *at = 0;
    if (!spec_usable(spec))
        return PROOF_REASON_ICS23_SPEC;
    if (!proof->has_leaf)
        return PROOF_REASON_ICS23_LEAF;
    enum proof_reason reason = leaf_shape(spec, &proof->leaf);
    if (reason != PROOF_REASON_VALID)
        return reason;
    if (proof->path_len < spec->depth_min || proof->path_len > (spec->depth_max ? spec->depth_max : DEPTH_USUAL))
        return PROOF_REASON_ICS23_DEPTH;
    for (*at = 1; *at <= proof->path_len; ++*at) {
        reason = inner_shape(spec, &proof->path[*at - 1], *at);
        if (reason != PROOF_REASON_VALID)
            return reason;
    }
    return PROOF_REASON_VALID;
}

/* Where the child of a step hangs: 0 left, 1 right, -1 nowhere (getPadding and orderFromPadding of upstream). */
static int place_of(const struct proof_ics23_spec *spec, const struct ics23_inner *step)
{
    size_t prefix = step->prefix.len;
    if (step->suffix.len == spec->child_size && prefix >= spec->prefix_min && prefix <= spec->prefix_max)
        return 0;
    if (step->suffix.len == 0 && prefix >= spec->prefix_min + spec->child_size &&
        prefix <= spec->prefix_max + spec->child_size)
        return 1;
    return -1;
}

/* Shape, a place for every child, and key and value that are there. */
static enum proof_reason existence_check(size_t *at, const struct proof_ics23_spec *spec,
                                         const struct ics23_existence *proof)
{
    enum proof_reason reason = proof_ics23_shape(at, spec, proof);
    if (reason != PROOF_REASON_VALID)
        return reason;
    for (*at = 1; *at <= proof->path_len; ++*at) {
        const struct ics23_inner *step = &proof->path[*at - 1];
        if (place_of(spec, step) < 0 ||
            (spec->tree == PROOF_ICS23_TREE_IAVL && step->suffix.len > 0 && step->suffix.data[0] != IAVL_CHILD))
            return PROOF_REASON_ICS23_CHILD;
    }
    *at = 0;
    return proof->key.len == 0 || proof->value.len == 0 ? PROOF_REASON_ICS23_EMPTY : PROOF_REASON_VALID;
}

/* The hash of the leaf, from which the steps [0, to) of the path lead up. */
static struct ics23_climb climb_from_leaf(const struct ics23_existence *proof, size_t to)
{
    struct ics23_climb climb = {.proof = proof, .to = to};
    climb.len = ics23_leaf_hash(climb.hash, &proof->leaf, proof->key, proof->value);
    return climb;
}

static bool climbs_on(const struct ics23_climb *climb)
{
    return climb->at < climb->to && climb->len > 0;
}

static void climb_one(struct ics23_climb *climb)
{
    climb->len =
        ics23_inner_hash(climb->hash, &climb->proof->path[climb->at++], (struct bytes){climb->hash, climb->len});
}

static bool hashes_with_sha256(const struct ics23_climb *climb)
{
    return climb->proof->path[climb->at].hash == ICS23_SHA256 && climb->len == 32;
}

void ics23_climb_two(struct ics23_climb *a, struct ics23_climb *b)
{
    while (climbs_on(a) && climbs_on(b) && hashes_with_sha256(a) && hashes_with_sha256(b)) {
        uint8_t hashes[2][32];
        const struct ics23_inner *const steps[2] = {&a->proof->path[a->at++], &b->proof->path[b->at++]};
        ics23_inner_hash_two(hashes, steps, (const uint8_t *const[2]){a->hash, b->hash});
        memcpy(a->hash, hashes[0], 32);
        memcpy(b->hash, hashes[1], 32);
    }
    while (climbs_on(a))
        climb_one(a);
    while (climbs_on(b))
        climb_one(b);
}

bool ics23_climb_reached(const struct ics23_climb *climb, const uint8_t root[32])
{
    return climb->at == climb->to && climb->len == 32 && memcmp(climb->hash, root, 32) == 0;
}

/* A key as the tree orders it. */
static struct bytes ordered_key(uint8_t out[ICS23_HASH_MAX], const struct proof_ics23_spec *spec, struct bytes key)
{
    if (!spec->hashed_order || spec->leaf.prehash_key == ICS23_NO_HASH)
        return key;
    return (struct bytes){out, ics23_hash(out, spec->leaf.prehash_key, &key, 1)};
}

/* Below or above zero as a stands before or after b in the tree. */
static int compare_keys(const struct proof_ics23_spec *spec, struct bytes a, struct bytes b)
{
    uint8_t hashes[2][ICS23_HASH_MAX];
    a = ordered_key(hashes[0], spec, a);
    b = ordered_key(hashes[1], spec, b);
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len == 0 ? 0 : memcmp(a.data, b.data, len);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* Steps [0, count) hang on one side (0 left, 1 right) all the way, but where the sibling on that side is the empty child. */
static bool outermost(const struct proof_ics23_spec *spec, const struct ics23_existence *proof, size_t count, int side)
{
    for (size_t i = 0; i < count; i++) {
        const struct ics23_inner *step = &proof->path[i];
        if (place_of(spec, step) == side)
            continue;
        struct bytes sibling = step->suffix;
        if (side == 0)
            sibling = codec_bytes_slice(step->prefix, step->prefix.len - spec->child_size, spec->child_size);
        if (spec->empty_child.len == 0 || !codec_bytes_equal(sibling, spec->empty_child))
            return false;
    }
    return true;
}

/* How many steps below the root both paths share, counted from the root. */
static size_t common_tail(const struct ics23_existence *left, const struct ics23_existence *right)
{
    size_t common = 0;
    while (common < left->path_len && common < right->path_len) {
        const struct ics23_inner *a = &left->path[left->path_len - 1 - common];
        const struct ics23_inner *b = &right->path[right->path_len - 1 - common];
        if (!codec_bytes_equal(a->prefix, b->prefix) || !codec_bytes_equal(a->suffix, b->suffix))
            break;
        common++;
    }
    return common;
}

/* Two neighbours: their paths part at one node, left hangs left and right hangs right there, and below it nothing stands between. Leaves
 * the climb through the part that they share: two paths to one root through the same last steps enter those at one hash. */
static enum proof_reason both_check(struct ics23_climb *last, const struct proof_ics23_spec *spec,
                                    const struct ics23_existence *left, const struct ics23_existence *right)
{
    size_t common = common_tail(left, right);
    /* a path that is used up would be a neighbour of itself */
    if (common == left->path_len || common == right->path_len)
        return PROOF_REASON_ICS23_NOT_ADJACENT;
    size_t left_top = left->path_len - 1 - common;
    size_t right_top = right->path_len - 1 - common;
    if (place_of(spec, &left->path[left_top]) != 0 || place_of(spec, &right->path[right_top]) != 1 ||
        !outermost(spec, left, left_top, 1) || !outermost(spec, right, right_top, 0))
        return PROOF_REASON_ICS23_NOT_ADJACENT;
    struct ics23_climb a = climb_from_leaf(left, left_top + 1);
    struct ics23_climb b = climb_from_leaf(right, right_top + 1);
    ics23_climb_two(&a, &b);
    if (a.len == 0 || a.len != b.len || memcmp(a.hash, b.hash, a.len) != 0)
        return PROOF_REASON_ICS23_ROOT;
    a.to = left->path_len;
    *last = a;
    return PROOF_REASON_VALID;
}

/* One neighbour alone stands at the edge of the tree: the left one at its right edge, or the other way round. */
static enum proof_reason edge_check(struct ics23_climb *last, const struct proof_ics23_spec *spec,
                                    const struct ics23_existence *only, int side)
{
    if (!outermost(spec, only, only->path_len, side))
        return PROOF_REASON_ICS23_NOT_ADJACENT;
    *last = climb_from_leaf(only, only->path_len);
    return PROOF_REASON_VALID;
}

static enum proof_reason absence_check(size_t *at, struct ics23_climb *last, const struct proof_ics23_spec *spec,
                                       struct bytes key, const struct ics23_proof *proof)
{
    uint8_t hash[ICS23_HASH_MAX];
    *at = 0;
    /* the proof names what is absent as the tree orders it: the sparse Merkle tree by its hash */
    if (!codec_bytes_equal(proof->key, ordered_key(hash, spec, key)))
        return PROOF_REASON_ICS23_OTHER_KEY;
    if (!proof->has_left && !proof->has_right)
        return PROOF_REASON_ICS23_NO_NEIGHBOUR;
    if (proof->has_left) {
        enum proof_reason reason = existence_check(at, spec, &proof->left);
        if (reason != PROOF_REASON_VALID)
            return reason;
        if (compare_keys(spec, proof->left.key, key) >= 0)
            return PROOF_REASON_ICS23_KEY_ORDER;
    }
    if (proof->has_right) {
        enum proof_reason reason = existence_check(at, spec, &proof->right);
        *at += RIGHT;
        if (reason != PROOF_REASON_VALID)
            return reason;
        if (compare_keys(spec, proof->right.key, key) <= 0)
            return PROOF_REASON_ICS23_KEY_ORDER;
    }
    *at = 0;
    if (proof->has_left && proof->has_right)
        return both_check(last, spec, &proof->left, &proof->right);
    return proof->has_left ? edge_check(last, spec, &proof->left, 1) : edge_check(last, spec, &proof->right, 0);
}

static enum proof_reason presence_check(size_t *at, struct ics23_climb *last, const struct proof_ics23_spec *spec,
                                        struct bytes key, const struct ics23_existence *proof)
{
    enum proof_reason reason = existence_check(at, spec, proof);
    if (reason != PROOF_REASON_VALID)
        return reason;
    if (!codec_bytes_equal(proof->key, key))
        return PROOF_REASON_ICS23_OTHER_KEY;
    *last = climb_from_leaf(proof, proof->path_len);
    return PROOF_REASON_VALID;
}

enum proof_reason ics23_claim_check(size_t *at, struct ics23_claim *claim, const struct proof_ics23_spec *spec,
                                    const uint8_t root[32], struct bytes key, struct bytes proof)
{
    struct ics23_proof *parsed = &claim->parsed;
    *at = 0;
    if (codec_bytes_are_zero(root, 32))
        return PROOF_REASON_TRUST_UNSET;
    if (key.len == 0)
        return PROOF_REASON_ICS23_EMPTY;
    if (!ics23_proof_read(parsed, proof))
        return PROOF_REASON_ICS23_MALFORMED;
    return parsed->is_absence ? absence_check(at, &claim->last, spec, key, parsed)
                              : presence_check(at, &claim->last, spec, key, &parsed->exists);
}

enum proof_verdict proof_ics23_verify(struct proof_result *result, struct proof_ics23_fact *fact,
                                      const struct proof_ics23_spec *spec, const uint8_t root[32], struct bytes key,
                                      struct bytes proof)
{
    struct ics23_claim claim;
    size_t at;
    memset(fact, 0, sizeof *fact);
    enum proof_reason reason = ics23_claim_check(&at, &claim, spec, root, key, proof);
    if (reason != PROOF_REASON_VALID)
        return proof_refuse(result, reason, at);
    while (climbs_on(&claim.last))
        climb_one(&claim.last);
    if (!ics23_climb_reached(&claim.last, root))
        return proof_refuse(result, PROOF_REASON_ICS23_ROOT, 0);
    fact->presence = claim.parsed.is_absence ? PROOF_ABSENT : PROOF_PRESENT;
    memcpy(fact->root, root, 32);
    fact->key = key;
    if (!claim.parsed.is_absence)
        fact->value = claim.parsed.exists.value;
    proof_accept(result);
    return PROOF_VALID;
}
