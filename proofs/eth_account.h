/*
 * Accounts and storage slots under a trusted state root (EIP-1186; PROOFS §3).
 */
#ifndef ISTHMUS_PROOFS_ETH_ACCOUNT_H
#define ISTHMUS_PROOFS_ETH_ACCOUNT_H

#include <stddef.h>
#include <stdint.h>

#include "proofs/codec/bytes.h"
#include "proofs/mpt.h"
#include "proofs/proof.h"

struct proof_eth_account {
    uint64_t nonce;
    uint8_t balance[32]; /* big-endian, wei */
    uint8_t storage_root[32];
    uint8_t code_hash[32];
};

/* Bound to its question: which root, which address; then present with the account, or absent. */
struct proof_eth_account_fact {
    enum proof_presence presence;
    uint8_t state_root[32];
    uint8_t address[20];
    struct proof_eth_account account; /* zeroed when absent */
};

/* A slot that holds zero is absent from the trie: presence says which, value is zero then. A slot of an absent account is
 * absent, and proven so by the account's absence alone. */
struct proof_eth_storage_fact {
    enum proof_presence presence;
    uint8_t state_root[32];
    uint8_t address[20];
    uint8_t slot[32];
    uint8_t value[32]; /* big-endian */
};

/* nodes: `accountProof`. result->at is the index of the node. */
enum proof_verdict proof_eth_account_verify(struct proof_result *result, struct proof_eth_account_fact *fact,
                                            const uint8_t state_root[32], const uint8_t address[20],
                                            const struct bytes *nodes, size_t node_count);

/* account_nodes: `accountProof`; slot_nodes: `storageProof[i].proof`, none when the account is absent.
 * result->at is the index of the node, counted through both lists. */
enum proof_verdict proof_eth_storage_verify(struct proof_result *result, struct proof_eth_storage_fact *fact,
                                            const uint8_t state_root[32], const uint8_t address[20],
                                            const uint8_t slot[32], const struct bytes *account_nodes,
                                            size_t account_node_count, const struct bytes *slot_nodes,
                                            size_t slot_node_count);

/* One slot under a storage root that was proven before, so that many slots of an account cost one account proof. */
enum proof_verdict proof_eth_slot_verify(struct proof_result *result, struct proof_eth_storage_fact *fact,
                                         const struct proof_eth_account_fact *account, const uint8_t slot[32],
                                         const struct bytes *nodes, size_t node_count);

#endif
