/*
 * The Cosmos SDK's multistore: a key in a named store, under the app hash of a header. Two ICS-23 proofs, as abci_query gives them: the store's
 * IAVL tree holds the key, and the tree of stores holds the store's root under its name.
 *
 * A header's app hash is the state after the block before it: state of height S is proven against header S + 1.
 */
#ifndef ISTHMUS_PROOFS_COSMOS_STORE_H
#define ISTHMUS_PROOFS_COSMOS_STORE_H

#include "proofs/ics23.h"

/* Bound to its question; value points into key_proof, the other views are the caller's. */
struct proof_cosmos_fact {
    enum proof_presence presence;
    uint8_t app_hash[32];
    struct bytes store;
    struct bytes key;
    struct bytes value; /* empty when absent */
};

/* key_proof: CommitmentProof of the key by PROOF_ICS23_IAVL; store_proof: existence of the store by PROOF_ICS23_TENDERMINT. The store root is
 * nobody's claim: it is the value that store_proof proves. A store that is absent is refused, not an absent key.
 * result->at: as proof_ics23_verify has it, in the proof that failed (store_proof first). */
enum proof_verdict proof_cosmos_store_verify(struct proof_result *result, struct proof_cosmos_fact *fact,
                                             const uint8_t app_hash[32], struct bytes store, struct bytes key,
                                             struct bytes key_proof, struct bytes store_proof);

#endif
