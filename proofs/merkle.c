/* The signed tree, in place over the caller's leaves. */
#include "proofs/merkle.h"

#include <string.h>

void proof_merkle_node(uint8_t out[32], enum proof_suite suite, const uint8_t a[32], const uint8_t b[32])
{
    bool a_first = memcmp(a, b, 32) <= 0;
    struct bytes parts[] = {{a_first ? a : b, 32}, {a_first ? b : a, 32}};
    proof_hash(out, suite, PROOF_TAG_NODE, parts, 2);
}

/* Turns a level of count elements into the one above it, in place; its number of elements. */
static size_t rise(enum proof_suite suite, uint8_t (*level)[32], size_t count)
{
    for (size_t i = 0; i + 1 < count; i += 2) {
        uint8_t node[32];
        proof_merkle_node(node, suite, level[i], level[i + 1]);
        memcpy(level[i / 2], node, 32);
    }
    if (count % 2 == 1)
        memmove(level[count / 2], level[count - 1], 32);
    return (count + 1) / 2;
}

bool proof_merkle_root(uint8_t root[32], enum proof_suite suite, uint8_t (*leaves)[32], size_t count)
{
    memset(root, 0, 32);
    if (count == 0 || count > PROOF_TREE_LEAVES_MAX)
        return false;
    while (count > 1)
        count = rise(suite, leaves, count);
    memcpy(root, leaves[0], 32);
    return true;
}

bool proof_merkle_path(struct proof_path *path, enum proof_suite suite, uint8_t (*leaves)[32], size_t count,
                       size_t index)
{
    memset(path, 0, sizeof *path);
    if (count > PROOF_TREE_LEAVES_MAX || index >= count)
        return false;
    for (; count > 1; index /= 2) {
        if ((index ^ 1) < count)
            memcpy(path->siblings[path->count++], leaves[index ^ 1], 32);
        count = rise(suite, leaves, count);
    }
    return true;
}

enum proof_verdict proof_merkle_verify(enum proof_suite suite, const uint8_t root[32], const uint8_t leaf[32],
                                       struct bytes path, struct proof_result *result)
{
    uint8_t at[32];
    if (path.len % 32 != 0 || path.len / 32 > PROOF_PATH_MAX)
        return proof_refuse(result, PROOF_REASON_MERKLE_PATH, 0);
    if (proof_suite_hash(suite) == CODEC_HASH_NONE)
        return proof_refuse(result, PROOF_REASON_SUITE_UNKNOWN, 0);
    if (codec_bytes_are_zero(root, 32) || codec_bytes_are_zero(leaf, 32))
        return proof_refuse(result, PROOF_REASON_TRUST_UNSET, 0);
    memcpy(at, leaf, 32);
    for (size_t i = 0; i < path.len; i += 32) {
        uint8_t above[32];
        proof_merkle_node(above, suite, at, path.data + i);
        memcpy(at, above, 32);
    }
    if (memcmp(at, root, 32) != 0)
        return proof_refuse(result, PROOF_REASON_MERKLE_ROOT, 0);
    proof_accept(result);
    return PROOF_VALID;
}
