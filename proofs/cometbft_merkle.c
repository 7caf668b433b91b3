/*
 * The simple Merkle tree of CometBFT (crypto/merkle, RFC 6962's shape): leaves and nodes hashed apart.
 */
#include <string.h>

#include "proofs/codec/sha256.h"
#include "proofs/cometbft_inside.h"

void cometbft_merkle_leaf(uint8_t hash[32], struct bytes leaf)
{
    static const uint8_t tag[1] = {0};
    codec_sha256(hash, (const struct bytes[]){BYTES_OF(tag), leaf}, 2);
}

void cometbft_merkle_inner(uint8_t hash[32], const uint8_t left[32], const uint8_t right[32])
{
    static const uint8_t tag[1] = {1};
    codec_sha256(hash, (const struct bytes[]){BYTES_OF(tag), {left, 32}, {right, 32}}, 3);
}

/* Splitting at the largest power of two below n is the same as pairing neighbours and taking an odd last one along. */
void cometbft_merkle_root(uint8_t root[32], uint8_t (*hashes)[32], size_t count)
{
    if (count == 0) {
        codec_sha256(root, NULL, 0);
        return;
    }
    for (; count > 1; count = count / 2 + count % 2) {
        for (size_t i = 0; i < count / 2; i++)
            cometbft_merkle_inner(hashes[i], hashes[2 * i], hashes[2 * i + 1]);
        if (count % 2)
            memcpy(hashes[count / 2], hashes[count - 1], 32);
    }
    memcpy(root, hashes[0], 32);
}
