/*
 * Proofs of one key. Classify a node by its list and its hex-prefix flag alone, never by its content; follow exactly one
 * path; accept an end only when every node given was used.
 */
#include "proofs/mpt.h"

#include <string.h>

#include "proofs/codec/keccak.h"
#include "proofs/codec/rlp.h"

/* An embedded node is shorter than this; a longer one is referred to by its hash. */
#define NODE_HASHED_FROM 32

/* Nodes of a proof that are hashed side by side, before the first of them is read. */
#define HASH_AHEAD 16

const uint8_t PROOF_MPT_EMPTY_ROOT[32] = {
    0x56, 0xe8, 0x1f, 0x17, 0x1b, 0xcc, 0x55, 0xa6, 0xff, 0x83, 0x45, 0xe6, 0x92, 0xc0, 0xf8, 0x6e,
    0x5b, 0x48, 0xe0, 0x1b, 0x99, 0x6c, 0xad, 0xc0, 0x01, 0x62, 0x2f, 0xb5, 0xe3, 0x63, 0xb4, 0x21,
};

enum node_kind { NODE_BRANCH, NODE_EXTENSION, NODE_LEAF };

struct node {
    enum node_kind kind;
    struct codec_rlp_item child[16]; /* branch */
    struct codec_rlp_item next;      /* extension */
    struct bytes value;              /* leaf, branch (may be empty there) */
    struct bytes path;               /* extension, leaf: the hex-prefix string ... */
    size_t path_from;                /* ... its first nibble ... */
    size_t path_len;                 /* ... and how many */
};

struct walk {
    struct bytes key;
    size_t key_len; /* nibbles */
    bool secure;    /* every key of this trie is as long as this one */
    const struct bytes *nodes;
    size_t node_count;
    size_t used;
    size_t hashed;                  /* nodes, always a prefix ... */
    uint8_t hashes[HASH_AHEAD][32]; /* ... the last HASH_AHEAD of them: node i at i % HASH_AHEAD */
    size_t depth;                   /* nibbles consumed */
    const uint8_t *hash;            /* the next node's hash ... */
    struct bytes embedded;          /* ... or, when hash is NULL, the node itself */
    bool after_extension;           /* only a branch may come now */
    enum proof_presence end;        /* set at the end of the path */
    struct bytes value;
};

static unsigned nibble_at(struct bytes bytes, size_t index)
{
    uint8_t byte = bytes.data[index / 2];
    return index % 2 == 0 ? byte >> 4 : byte & 15;
}

/* PROOFS §3: "32-byte string = keccak256(RLP(node)) if RLP >= 32 bytes, otherwise the node itself is embedded as a list
 * (must be < 32 bytes); empty string = none." */
static enum proof_reason check_reference(const struct codec_rlp_item *item, bool may_be_empty)
{
    if (item->is_list) {
        bool sound = item->raw.len < NODE_HASHED_FROM && codec_rlp_check(item->raw, CODEC_RLP_DEPTH_MAX);
        return sound ? PROOF_REASON_VALID : PROOF_REASON_MPT_CHILD_REFERENCE;
    }
    if (item->payload.len == 32 || (item->payload.len == 0 && may_be_empty))
        return PROOF_REASON_VALID;
    return PROOF_REASON_MPT_CHILD_REFERENCE;
}

static enum proof_reason read_branch(struct node *node, const struct codec_rlp_item items[17])
{
    size_t occupied = items[16].payload.len > 0 ? 1 : 0;
    node->kind = NODE_BRANCH;
    for (size_t i = 0; i < 16; i++) {
        enum proof_reason reason = check_reference(&items[i], true);
        if (reason != PROOF_REASON_VALID)
            return reason;
        occupied += items[i].payload.len > 0 || items[i].is_list ? 1 : 0;
        node->child[i] = items[i];
    }
    if (items[16].is_list)
        return PROOF_REASON_MPT_NODE_SHAPE;
    node->value = items[16].payload;
    return occupied >= 2 ? PROOF_REASON_VALID : PROOF_REASON_MPT_NOT_CANONICAL;
}

/* Hex prefix: first nibble 0/1 extension of even/odd length, 2/3 leaf even/odd; even has a zero second nibble. */
static enum proof_reason read_short(struct node *node, const struct codec_rlp_item items[2])
{
    if (items[0].is_list)
        return PROOF_REASON_MPT_NODE_SHAPE;
    struct bytes path = items[0].payload;
    if (path.len == 0 || path.data[0] >> 4 > 3)
        return PROOF_REASON_MPT_HEX_PREFIX;
    bool odd = (path.data[0] >> 4 & 1) != 0;
    if (!odd && (path.data[0] & 15) != 0)
        return PROOF_REASON_MPT_HEX_PREFIX;
    node->kind = path.data[0] >> 4 >= 2 ? NODE_LEAF : NODE_EXTENSION;
    node->path = path;
    node->path_from = odd ? 1 : 2;
    node->path_len = 2 * path.len - node->path_from;
    if (node->kind == NODE_EXTENSION) {
        node->next = items[1];
        if (node->path_len == 0)
            return PROOF_REASON_MPT_NOT_CANONICAL;
        return check_reference(&items[1], false);
    }
    if (items[1].is_list)
        return PROOF_REASON_MPT_NODE_SHAPE;
    node->value = items[1].payload;
    return node->value.len > 0 ? PROOF_REASON_VALID : PROOF_REASON_MPT_EMPTY_VALUE;
}

static enum proof_reason read_node(struct node *node, struct bytes raw)
{
    struct codec_rlp top;
    struct codec_rlp_item items[17];
    size_t count = 0;
    memset(node, 0, sizeof *node);
    codec_rlp_init(&top, raw);
    struct codec_rlp list = codec_rlp_read_list(&top);
    if (top.failed)
        return PROOF_REASON_RLP_NOT_CANONICAL;
    if (!codec_rlp_end(&top))
        return PROOF_REASON_RLP_TRAILING;
    while (count < 17 && codec_rlp_next(&items[count], &list))
        count++;
    if (list.failed)
        return PROOF_REASON_RLP_NOT_CANONICAL;
    if (!codec_rlp_end(&list) || (count != 2 && count != 17))
        return PROOF_REASON_MPT_NODE_SHAPE;
    return count == 17 ? read_branch(node, items) : read_short(node, items);
}

/* The hash of node i, which is asked for in order. What a node says does not change what the next ones hash to, so several
 * are hashed at once; an accepted proof costs no more for it, as every node must be used. */
static const uint8_t *node_hash(struct walk *walk, size_t i)
{
    if (i == walk->hashed) {
        size_t left = walk->node_count - i;
        walk->hashed += left < HASH_AHEAD ? left : HASH_AHEAD;
        codec_keccak256_many(walk->hashes, walk->nodes + i, walk->hashed - i);
    }
    return walk->hashes[i % HASH_AHEAD];
}

/* The bytes of the node that the last reference named: the embedded node, or the next one of the proof if its hash is
 * right. Only the root may be hashed although it is short. */
static enum proof_reason take_node(struct bytes *raw, struct walk *walk)
{
    if (!walk->hash) {
        *raw = walk->embedded;
        return PROOF_REASON_VALID;
    }
    if (walk->used == walk->node_count)
        return PROOF_REASON_MPT_NODE_MISSING;
    *raw = walk->nodes[walk->used];
    if (memcmp(node_hash(walk, walk->used++), walk->hash, 32) != 0)
        return PROOF_REASON_MPT_NODE_HASH;
    if (walk->used > 1 && raw->len < NODE_HASHED_FROM)
        return PROOF_REASON_MPT_NOT_CANONICAL;
    return PROOF_REASON_VALID;
}

static void follow(struct walk *walk, const struct codec_rlp_item *reference)
{
    walk->hash = reference->is_list ? NULL : reference->payload.data;
    walk->embedded = reference->raw;
}

/* Keys are whole bytes, and in a secure trie all of one length: no value lies anywhere else. */
static bool depth_holds_value(const struct walk *walk, size_t depth)
{
    return walk->secure ? depth == walk->key_len : depth % 2 == 0;
}

static enum proof_reason step_branch(struct walk *walk, const struct node *node)
{
    if (walk->secure && walk->depth >= walk->key_len)
        return PROOF_REASON_MPT_KEY_LENGTH;
    if (node->value.len > 0 && !depth_holds_value(walk, walk->depth))
        return PROOF_REASON_MPT_KEY_LENGTH;
    if (walk->depth == walk->key_len) {
        walk->end = node->value.len > 0 ? PROOF_PRESENT : PROOF_ABSENT;
        walk->value = node->value;
        return PROOF_REASON_VALID;
    }
    const struct codec_rlp_item *child = &node->child[nibble_at(walk->key, walk->depth)];
    walk->depth++;
    if (!child->is_list && child->payload.len == 0)
        walk->end = PROOF_ABSENT;
    else
        follow(walk, child);
    return PROOF_REASON_VALID;
}

static bool path_is_ahead(const struct walk *walk, const struct node *node)
{
    if (node->path_len > walk->key_len - walk->depth)
        return false;
    for (size_t i = 0; i < node->path_len; i++)
        if (nibble_at(node->path, node->path_from + i) != nibble_at(walk->key, walk->depth + i))
            return false;
    return true;
}

static enum proof_reason step_short(struct walk *walk, const struct node *node)
{
    size_t depth = walk->depth + node->path_len;
    if (node->kind == NODE_EXTENSION) {
        if (walk->secure && depth >= walk->key_len)
            return PROOF_REASON_MPT_KEY_LENGTH;
        if (!path_is_ahead(walk, node)) {
            walk->end = PROOF_ABSENT;
            return PROOF_REASON_VALID;
        }
        walk->depth = depth;
        follow(walk, &node->next);
        return PROOF_REASON_VALID;
    }
    if (!depth_holds_value(walk, depth))
        return PROOF_REASON_MPT_KEY_LENGTH;
    if (depth == walk->key_len && path_is_ahead(walk, node)) {
        walk->end = PROOF_PRESENT;
        walk->value = node->value;
    } else {
        walk->end = PROOF_ABSENT;
    }
    return PROOF_REASON_VALID;
}

/* Walks from the root to the end of the path. Each step but the last consumes a nibble or is an extension, which only a
 * branch may follow, so it ends. */
static enum proof_reason walk_path(struct walk *walk)
{
    while (walk->end == PROOF_UNKNOWN) {
        struct bytes raw;
        struct node node;
        enum proof_reason reason = take_node(&raw, walk);
        if (reason == PROOF_REASON_VALID)
            reason = read_node(&node, raw);
        if (reason != PROOF_REASON_VALID)
            return reason;
        if (walk->after_extension && node.kind != NODE_BRANCH)
            return PROOF_REASON_MPT_NOT_CANONICAL;
        walk->after_extension = node.kind == NODE_EXTENSION;
        reason = node.kind == NODE_BRANCH ? step_branch(walk, &node) : step_short(walk, &node);
        if (reason != PROOF_REASON_VALID)
            return reason;
    }
    return walk->used == walk->node_count ? PROOF_REASON_VALID : PROOF_REASON_MPT_NODE_UNUSED;
}

static bool proves_empty_trie(const struct walk *walk)
{
    static const uint8_t nothing[1] = {0x80};
    if (memcmp(walk->hash, PROOF_MPT_EMPTY_ROOT, 32) != 0)
        return false;
    return walk->node_count == 0 || (walk->node_count == 1 && codec_bytes_equal(walk->nodes[0], BYTES_OF(nothing)));
}

static enum proof_reason verify_key(struct walk *walk)
{
    if (codec_bytes_are_zero(walk->hash, 32))
        return PROOF_REASON_TRUST_UNSET;
    if (walk->key.len == 0 || walk->key.len > PROOF_MPT_KEY_MAX)
        return PROOF_REASON_MPT_KEY_SIZE;
    if (walk->node_count > PROOF_MPT_NODES_MAX)
        return PROOF_REASON_TOO_LARGE;
    if (proves_empty_trie(walk)) {
        walk->end = PROOF_ABSENT;
        return PROOF_REASON_VALID;
    }
    if (walk->node_count == 0)
        return PROOF_REASON_MPT_EMPTY_PROOF;
    return walk_path(walk);
}

enum proof_verdict proof_mpt_verify(struct proof_result *result, struct proof_mpt_fact *fact, const uint8_t root[32],
                                    struct bytes key, const struct bytes *nodes, size_t node_count)
{
    struct walk walk = {.key = key, .key_len = 2 * key.len, .nodes = nodes, .node_count = node_count, .hash = root};
    memset(fact, 0, sizeof *fact);
    enum proof_reason reason = verify_key(&walk);
    if (reason != PROOF_REASON_VALID)
        return proof_refuse(result, reason, walk.used > 0 ? walk.used - 1 : 0);
    *fact = (struct proof_mpt_fact){.presence = walk.end, .value = walk.value};
    proof_accept(result);
    return PROOF_VALID;
}

enum proof_verdict proof_mpt_verify_secure(struct proof_result *result, struct proof_mpt_fact *fact,
                                           const uint8_t root[32], const uint8_t key[32], const struct bytes *nodes,
                                           size_t node_count)
{
    struct walk walk = {
        .key = {key, 32}, .key_len = 64, .secure = true, .nodes = nodes, .node_count = node_count, .hash = root};
    memset(fact, 0, sizeof *fact);
    enum proof_reason reason = verify_key(&walk);
    if (reason != PROOF_REASON_VALID)
        return proof_refuse(result, reason, walk.used > 0 ? walk.used - 1 : 0);
    *fact = (struct proof_mpt_fact){.presence = walk.end, .value = walk.value};
    proof_accept(result);
    return PROOF_VALID;
}
