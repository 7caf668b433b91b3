/*
 * Two proofs, one below the other: the value that the first one proves is the root of the second. Their hashes are computed side by side.
 */
#include "proofs/cosmos_store.h"

#include <string.h>

#include "proofs/ics23_inside.h"

/* The store's root as store_proof claims it; NULL when it claims none. */
static const uint8_t *store_root(const struct ics23_claim *store)
{
    return store->parsed.is_absence || store->parsed.exists.value.len != 32 ? NULL : store->parsed.exists.value.data;
}

enum proof_verdict proof_cosmos_store_verify(struct proof_result *result, struct proof_cosmos_fact *fact,
                                             const uint8_t app_hash[32], struct bytes store, struct bytes key,
                                             struct bytes key_proof, struct bytes store_proof)
{
    struct ics23_claim upper;
    struct ics23_claim lower;
    size_t at;
    memset(fact, 0, sizeof *fact);
    enum proof_reason reason = ics23_claim_check(&at, &upper, &PROOF_ICS23_TENDERMINT, app_hash, store, store_proof);
    if (reason == PROOF_REASON_ICS23_OTHER_KEY)
        reason = PROOF_REASON_STORE_OTHER;
    if (reason != PROOF_REASON_VALID)
        return proof_refuse(result, reason, at);
    const uint8_t *root = store_root(&upper);
    if (!root)
        return proof_refuse(result, PROOF_REASON_STORE_ROOT, 0);
    reason = ics23_claim_check(&at, &lower, &PROOF_ICS23_IAVL, root, key, key_proof);
    if (reason != PROOF_REASON_VALID)
        return proof_refuse(result, reason, at);
    ics23_climb_two(&upper.last, &lower.last);
    if (!ics23_climb_reached(&upper.last, app_hash) || !ics23_climb_reached(&lower.last, root))
        return proof_refuse(result, PROOF_REASON_ICS23_ROOT, 0);
    fact->presence = lower.parsed.is_absence ? PROOF_ABSENT : PROOF_PRESENT;
    memcpy(fact->app_hash, app_hash, 32);
    fact->store = store;
    fact->key = key;
    if (!lower.parsed.is_absence)
        fact->value = lower.parsed.exists.value;
    proof_accept(result);
    return PROOF_VALID;
}
