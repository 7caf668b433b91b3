/*
 * Accounts and slots: a trie proof, then the strict reading of its leaf.
 */
#include "proofs/eth_account.h"

#include <string.h>

#include "proofs/codec/keccak.h"
#include "proofs/codec/rlp.h"

/* Yellow Paper 4.1: RLP[nonce, balance, storageRoot, codeHash]. */
static bool read_account(struct proof_eth_account *out, struct bytes value)
{
    struct codec_rlp top;
    codec_rlp_init(&top, value);
    struct codec_rlp list = codec_rlp_read_list(&top);
    out->nonce = codec_rlp_read_u64(&list);
    codec_rlp_read_u256(out->balance, &list);
    codec_rlp_read_fixed(out->storage_root, &list, 32);
    codec_rlp_read_fixed(out->code_hash, &list, 32);
    return codec_rlp_end(&list) && codec_rlp_end(&top) && !codec_bytes_are_zero(out->storage_root, 32) &&
           !codec_bytes_are_zero(out->code_hash, 32);
}

/* A slot's leaf holds the RLP of an integer; zero is never stored. */
static bool read_slot(uint8_t out[32], struct bytes value)
{
    struct codec_rlp top;
    codec_rlp_init(&top, value);
    codec_rlp_read_u256(out, &top);
    return codec_rlp_end(&top) && !codec_bytes_are_zero(out, 32);
}

/* False, with the reason in result, when there is no such proof. Fills fact, which the caller zeroed. */
static bool prove_account(struct proof_result *result, struct proof_eth_account_fact *fact,
                          const uint8_t state_root[32], const uint8_t address[20], const struct bytes *nodes,
                          size_t node_count)
{
    uint8_t key[32];
    struct proof_mpt_fact leaf;
    codec_keccak256(key, (struct bytes){address, 20});
    if (proof_mpt_verify_secure(result, &leaf, state_root, key, nodes, node_count) != PROOF_VALID)
        return false;
    if (leaf.presence == PROOF_PRESENT && !read_account(&fact->account, leaf.value)) {
        proof_refuse(result, PROOF_REASON_ACCOUNT_MALFORMED, node_count - 1);
        return false;
    }
    fact->presence = leaf.presence;
    memcpy(fact->state_root, state_root, 32);
    memcpy(fact->address, address, 20);
    return true;
}

enum proof_verdict proof_eth_account_verify(struct proof_result *result, struct proof_eth_account_fact *fact,
                                            const uint8_t state_root[32], const uint8_t address[20],
                                            const struct bytes *nodes, size_t node_count)
{
    struct proof_eth_account_fact proven = {0};
    memset(fact, 0, sizeof *fact);
    if (!prove_account(result, &proven, state_root, address, nodes, node_count))
        return PROOF_INVALID;
    *fact = proven;
    proof_accept(result);
    return PROOF_VALID;
}

/* What the trie of this account says about slot: a leaf, or provably none. False, with the reason in result, when it is
 * not proven. An absent account has no trie, so there is nothing to show. */
static bool find_leaf(struct proof_result *result, struct proof_mpt_fact *leaf,
                      const struct proof_eth_account_fact *account, const uint8_t slot[32], const struct bytes *nodes,
                      size_t node_count)
{
    uint8_t key[32];
    switch (account->presence) {
    case PROOF_UNKNOWN: proof_refuse(result, PROOF_REASON_TRUST_UNSET, 0); return false;
    case PROOF_ABSENT:
        if (node_count > 0) {
            proof_refuse(result, PROOF_REASON_STORAGE_OF_ABSENT_ACCOUNT, 0);
            return false;
        }
        *leaf = (struct proof_mpt_fact){.presence = PROOF_ABSENT};
        return true;
    case PROOF_PRESENT: break;
    }
    codec_keccak256(key, (struct bytes){slot, 32});
    return proof_mpt_verify_secure(result, leaf, account->account.storage_root, key, nodes, node_count) == PROOF_VALID;
}

static bool prove_slot(struct proof_result *result, struct proof_eth_storage_fact *fact,
                       const struct proof_eth_account_fact *account, const uint8_t slot[32], const struct bytes *nodes,
                       size_t node_count)
{
    struct proof_mpt_fact leaf = {0};
    if (!find_leaf(result, &leaf, account, slot, nodes, node_count))
        return false;
    if (leaf.presence == PROOF_PRESENT && !read_slot(fact->value, leaf.value)) {
        proof_refuse(result, PROOF_REASON_STORAGE_MALFORMED, node_count - 1);
        return false;
    }
    fact->presence = leaf.presence;
    memcpy(fact->state_root, account->state_root, 32);
    memcpy(fact->address, account->address, 20);
    memcpy(fact->slot, slot, 32);
    return true;
}

enum proof_verdict proof_eth_slot_verify(struct proof_result *result, struct proof_eth_storage_fact *fact,
                                         const struct proof_eth_account_fact *account, const uint8_t slot[32],
                                         const struct bytes *nodes, size_t node_count)
{
    struct proof_eth_storage_fact proven = {0};
    memset(fact, 0, sizeof *fact);
    if (!prove_slot(result, &proven, account, slot, nodes, node_count))
        return PROOF_INVALID;
    *fact = proven;
    proof_accept(result);
    return PROOF_VALID;
}

enum proof_verdict proof_eth_storage_verify(struct proof_result *result, struct proof_eth_storage_fact *fact,
                                            const uint8_t state_root[32], const uint8_t address[20],
                                            const uint8_t slot[32], const struct bytes *account_nodes,
                                            size_t account_node_count, const struct bytes *slot_nodes,
                                            size_t slot_node_count)
{
    struct proof_eth_account_fact account = {0};
    struct proof_eth_storage_fact proven = {0};
    memset(fact, 0, sizeof *fact);
    if (!prove_account(result, &account, state_root, address, account_nodes, account_node_count))
        return PROOF_INVALID;
    if (!prove_slot(result, &proven, &account, slot, slot_nodes, slot_node_count)) {
        result->at += account_node_count;
        return PROOF_INVALID;
    }
    *fact = proven;
    proof_accept(result);
    return PROOF_VALID;
}
