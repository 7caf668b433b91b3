/*
 * A path in a simple Merkle tree.
 */
#include "proofs/cometbft_tx.h"

#include <string.h>

#include "proofs/codec/sha256.h"
#include "proofs/cometbft_inside.h"

enum { DEPTH_MAX = 64 };

/* On which side of its parent the node stands, from the root down to leaf `index` of `total`; returns the depth. */
static size_t sides_of(bool *right, int64_t index, int64_t total)
{
    size_t depth = 0;
    while (total > 1) {
        int64_t split = 1; /* the largest power of two below total */
        while (split < total - split)
            split *= 2;
        right[depth] = index >= split;
        total = right[depth] ? total - split : split;
        index -= right[depth] ? split : 0;
        depth++;
    }
    return depth;
}

static enum proof_reason climb(size_t *at, uint8_t hash[32], int64_t index, int64_t total, const struct bytes *aunts,
                               size_t aunts_len)
{
    bool right[DEPTH_MAX];
    *at = 0;
    if (total <= 0 || index < 0 || index >= total || aunts_len > PROOF_COMETBFT_AUNTS_MAX)
        return PROOF_REASON_COMETBFT_TX_PROOF;
    if (sides_of(right, index, total) != aunts_len)
        return PROOF_REASON_COMETBFT_TX_PROOF;
    for (; *at < aunts_len; ++*at) {
        const uint8_t *aunt = aunts[*at].data;
        if (aunts[*at].len != 32)
            return PROOF_REASON_COMETBFT_TX_PROOF;
        bool is_right = right[aunts_len - 1 - *at];
        cometbft_merkle_inner(hash, is_right ? aunt : hash, is_right ? hash : aunt);
    }
    return PROOF_REASON_VALID;
}

enum proof_verdict proof_cometbft_tx_verify(struct proof_result *result, struct proof_cometbft_tx_fact *fact,
                                            const uint8_t data_hash[32], struct bytes tx, int64_t index, int64_t total,
                                            struct bytes leaf_hash, const struct bytes *aunts, size_t aunts_len)
{
    uint8_t tx_hash[32];
    uint8_t hash[32];
    size_t at;
    memset(fact, 0, sizeof *fact);
    if (codec_bytes_are_zero(data_hash, 32))
        return proof_refuse(result, PROOF_REASON_TRUST_UNSET, 0);
    codec_sha256(tx_hash, &tx, 1);
    cometbft_merkle_leaf(hash, BYTES_OF(tx_hash));
    if (leaf_hash.len != 0 && !codec_bytes_equal(leaf_hash, BYTES_OF(hash)))
        return proof_refuse(result, PROOF_REASON_COMETBFT_TX_LEAF, 0);
    enum proof_reason reason = climb(&at, hash, index, total, aunts, aunts_len);
    if (reason != PROOF_REASON_VALID)
        return proof_refuse(result, reason, at);
    if (memcmp(hash, data_hash, 32) != 0)
        return proof_refuse(result, PROOF_REASON_COMETBFT_TX_ROOT, 0);
    memcpy(fact->data_hash, data_hash, 32);
    memcpy(fact->hash, tx_hash, 32);
    fact->index = index;
    fact->total = total;
    proof_accept(result);
    return PROOF_VALID;
}
