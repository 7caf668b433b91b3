/*
 * Transactions of type 2 (EIP-1559): RLP, signature, hash.
 */
#ifndef CONNECTORS_EVM_TX_H
#define CONNECTORS_EVM_TX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proofs/codec/bytes.h"

struct evm_tx {
    uint64_t chain_id;
    uint64_t nonce;
    uint64_t tip;     /* wei a gas */
    uint64_t max_fee; /* wei a gas */
    uint64_t gas;
    uint8_t to[20];
    struct bytes data;
};

/* The signed transaction, malloc'ed, and its hash. NULL: no memory, or a key that signs nothing. */
uint8_t *evm_tx_sign(size_t *len, uint8_t hash[32], const struct evm_tx *tx, const uint8_t key[32]);

#endif
