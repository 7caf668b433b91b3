/*
 * From the app hash down: store, then key.
 */
#include "proofs/cosmos_store.h"

#include <string.h>

enum proof_verdict proof_cosmos_store_verify(struct proof_result *result, struct proof_cosmos_fact *fact,
                                             const uint8_t app_hash[32], struct bytes store, struct bytes key,
                                             struct bytes key_proof, struct bytes store_proof)
{
    struct proof_ics23_fact root;
    struct proof_ics23_fact value;
    memset(fact, 0, sizeof *fact);
    if (proof_ics23_verify(result, &root, &PROOF_ICS23_TENDERMINT, app_hash, store, store_proof) != PROOF_VALID)
        return PROOF_INVALID;
    if (root.presence != PROOF_PRESENT || root.value.len != 32)
        return proof_refuse(result, PROOF_REASON_STORE_ROOT, 0);
    if (proof_ics23_verify(result, &value, &PROOF_ICS23_IAVL, root.value.data, key, key_proof) != PROOF_VALID)
        return PROOF_INVALID;
    fact->presence = value.presence;
    memcpy(fact->app_hash, app_hash, 32);
    fact->store = store;
    fact->key = key;
    fact->value = value.value;
    proof_accept(result);
    return PROOF_VALID;
}
