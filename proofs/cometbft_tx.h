/*
 * A transaction in a block: under the data_hash of a header. The leaves are hashes of transactions, so the leaf hash is
 * SHA256(0x00 || SHA256(transaction)).
 */
#ifndef ISTHMUS_PROOFS_COMETBFT_TX_H
#define ISTHMUS_PROOFS_COMETBFT_TX_H

#include "proofs/codec/bytes.h"
#include "proofs/proof.h"

enum { PROOF_COMETBFT_AUNTS_MAX = 100 }; /* crypto/merkle.MaxAunts */

struct proof_cometbft_tx_fact {
    uint8_t data_hash[32];
    uint8_t hash[32]; /* SHA-256 of the transaction, as nodes name it */
    int64_t index;
    int64_t total;
};

/* The transaction is in the block with this data hash; and if the block has `total` transactions, which the data hash does not say, it stands at
 * `index`: a path can fit several pairs of the two. aunts: the siblings from the leaf up, 32 bytes each, exactly as
 * many as index and total call for. leaf_hash: 32 bytes that must be the leaf's, or empty. result->at: index of the aunt. */
enum proof_verdict proof_cometbft_tx_verify(struct proof_result *result, struct proof_cometbft_tx_fact *fact,
                                            const uint8_t data_hash[32], struct bytes tx, int64_t index, int64_t total,
                                            struct bytes leaf_hash, const struct bytes *aunts, size_t aunts_len);

#endif
