/*
 * Commits: which votes count, for how much, and their signatures.
 */
#include <string.h>

#include "proofs/codec/secp256k1.h"
#include "proofs/codec/sha256.h"
#include "proofs/cometbft_inside.h"

int64_t proof_cometbft_share(int64_t total, uint32_t numerator, uint32_t denominator)
{
    /* total = whole * denominator + rest, so that no product passes 2^63 */
    int64_t whole = total / denominator;
    int64_t rest = total % denominator;
    return whole * numerator + rest * numerator / denominator;
}

/* types.CommitSig.ValidateBasic */
static enum proof_reason check_vote(const struct cometbft_vote *vote)
{
    if (vote->flag != COMETBFT_ABSENT && vote->flag != COMETBFT_COMMIT && vote->flag != COMETBFT_NIL)
        return PROOF_REASON_COMETBFT_FLAG;
    if (vote->flag == COMETBFT_ABSENT) {
        bool empty = vote->address.len == 0 && vote->signature.len == 0 &&
                     cometbft_time_compare(vote->time, COMETBFT_TIME_UNSET) == 0;
        return empty ? PROOF_REASON_VALID : PROOF_REASON_COMETBFT_ABSENT;
    }
    if (vote->address.len != COMETBFT_ADDRESS_BYTES)
        return PROOF_REASON_COMETBFT_ADDRESS_SIZE;
    return vote->signature.len == 0 ? PROOF_REASON_COMETBFT_SIGNATURE_SIZE : PROOF_REASON_VALID;
}

/* types.Commit.ValidateBasic */
enum proof_reason cometbft_commit_check(size_t *at, const struct cometbft_commit *commit)
{
    *at = 0;
    if (commit->height <= 0)
        return PROOF_REASON_COMETBFT_HEIGHT;
    if (commit->round < 0)
        return PROOF_REASON_COMETBFT_ROUND;
    if (commit->votes_len == 0)
        return PROOF_REASON_COMETBFT_COMMIT_EMPTY;
    for (; *at < commit->votes_len; ++*at) {
        enum proof_reason reason = check_vote(&commit->votes[*at]);
        if (reason != PROOF_REASON_VALID)
            return reason;
    }
    return PROOF_REASON_VALID;
}

static size_t percent(int64_t part, int64_t whole)
{
    return (size_t)(whole < INT32_MAX ? part * 100 / whole : part / (whole / 100));
}

enum proof_reason cometbft_trust_tally(size_t *at, struct proof_cometbft_space *space,
                                       const struct proof_cometbft_block *block,
                                       const struct cometbft_validators *trusted, int64_t trusted_total,
                                       const struct proof_cometbft_options *options)
{
    const struct cometbft_commit *commit = &block->light.commit;
    int64_t needed = proof_cometbft_share(trusted_total, options->trust_numerator, options->trust_denominator);
    int64_t signed_power = 0;
    memset(space->seen, 0, trusted->len * sizeof *space->seen);
    for (*at = 0; *at < commit->votes_len; ++*at) {
        const struct cometbft_vote *vote = &commit->votes[*at];
        if (vote->flag != COMETBFT_COMMIT)
            continue;
        size_t i = cometbft_validators_find(space, trusted->list, trusted->len, vote->address.data);
        if (i == trusted->len)
            continue;
        if (space->seen[i])
            return PROOF_REASON_COMETBFT_VOTE_TWICE;
        space->seen[i] = true;
        if (signed_power <= needed)
            space->wanted[*at] = true;
        signed_power += trusted->list[i].power;
        /* The signature is verified once, under the block's key at this index: it must be the trusted key. Addresses are 160 bits of a
         * hash, so two keys of one address are conceivable, and then the vote is neither's. */
        if (*at < block->light.validators.len &&
            codec_bytes_equal(block->light.validators.list[*at].address, vote->address) &&
            (block->light.validators.list[*at].kind != trusted->list[i].kind ||
             !codec_bytes_equal(block->light.validators.list[*at].key, trusted->list[i].key)))
            return PROOF_REASON_COMETBFT_KEYS_DIFFER;
    }
    *at = percent(signed_power, trusted_total);
    return signed_power > needed ? PROOF_REASON_VALID : PROOF_REASON_COMETBFT_TOO_LITTLE_TRUST;
}

enum proof_reason cometbft_commit_tally(size_t *at, struct proof_cometbft_space *space,
                                        const struct proof_cometbft_block *block, bool every_signature)
{
    const struct cometbft_commit *commit = &block->light.commit;
    const struct cometbft_validators *set = &block->light.validators;
    int64_t needed = proof_cometbft_share(block->total_power, 2, 3);
    int64_t signed_power = 0;
    *at = commit->votes_len;
    if (commit->votes_len != set->len)
        return PROOF_REASON_COMETBFT_COUNT;
    for (*at = 0; *at < commit->votes_len; ++*at) {
        const struct cometbft_vote *vote = &commit->votes[*at];
        if (vote->flag == COMETBFT_ABSENT)
            continue;
        /* addresses match by index and no address stands twice in a set: so nobody is counted twice */
        if (!codec_bytes_equal(vote->address, set->list[*at].address))
            return PROOF_REASON_COMETBFT_ADDRESS;
        if (every_signature || (vote->flag == COMETBFT_COMMIT && signed_power <= needed))
            space->wanted[*at] = true;
        if (vote->flag == COMETBFT_COMMIT)
            signed_power += set->list[*at].power;
    }
    *at = percent(signed_power, block->total_power);
    return signed_power > needed ? PROOF_REASON_VALID : PROOF_REASON_COMETBFT_NO_QUORUM;
}

/* Verifies the first `count` jobs of the space; the keys of ed25519 jobs are found and expanded first. */
static bool verify_batch(size_t *at, struct proof_cometbft_space *space, const struct cometbft_validators *set,
                         size_t count)
{
    const uint8_t *encoded[COMETBFT_BATCH] = {NULL}; /* gcc 12 cannot see that only the first count are read */
    const struct codec_ed25519_key *keys[COMETBFT_BATCH];
    if (count == 0)
        return true;
    for (size_t i = 0; i < count; i++)
        encoded[i] = set->list[space->job_votes[i]].key.data;
    cometbft_keys_find(keys, space->keys, encoded, count);
    for (size_t i = 0; i < count; i++)
        space->jobs[i].key = keys[i];
    if (codec_ed25519_verify_many(space->jobs, count))
        return true;
    for (size_t i = count; i-- > 0;)
        if (!space->jobs[i].valid)
            *at = space->job_votes[i];
    return false;
}

/* secp256k1: r || s over SHA-256 of the sign bytes, lower s only. */
static bool verify_secp256k1(struct bytes key, struct bytes message, const uint8_t signature[64])
{
    uint8_t digest[32];
    codec_sha256(digest, &message, 1);
    return codec_secp256k1_verify(key.data, digest, signature);
}

bool cometbft_signature_check(const struct cometbft_validator *validator, struct bytes message, struct bytes signature)
{
    if (signature.len != COMETBFT_SIGNATURE_BYTES)
        return false;
    switch (validator->kind) {
    case COMETBFT_KEY_ED25519: return codec_ed25519_verify_zip215(validator->key.data, message, signature.data);
    case COMETBFT_KEY_SECP256K1: return verify_secp256k1(validator->key, message, signature.data);
    case COMETBFT_KEY_BLS12381:
    case COMETBFT_KEY_MLDSA65: break;
    }
    return false;
}

enum proof_reason cometbft_signatures_check(size_t *at, struct proof_cometbft_space *space,
                                            const struct proof_cometbft_block *block)
{
    const struct cometbft_commit *commit = &block->light.commit;
    const struct cometbft_validators *set = &block->light.validators;
    struct cometbft_sign_bytes sign;
    size_t count = 0;
    cometbft_sign_bytes_begin(&sign, block->light.header.chain_id, 2, commit->height, commit->round, &commit->block_id);
    for (*at = 0; *at < commit->votes_len; ++*at) {
        const struct cometbft_vote *vote = &commit->votes[*at];
        if (!space->wanted[*at])
            continue;
        if (vote->signature.len != COMETBFT_SIGNATURE_BYTES)
            return PROOF_REASON_COMETBFT_SIGNATURE_SIZE;
        uint8_t *message = space->messages[count];
        size_t len = cometbft_sign_bytes_of(message, &sign, vote->time, vote->flag == COMETBFT_COMMIT);
        if (set->list[*at].kind == COMETBFT_KEY_SECP256K1) {
            if (!verify_secp256k1(set->list[*at].key, (struct bytes){message, len}, vote->signature.data))
                return PROOF_REASON_COMETBFT_SIGNATURE;
            continue;
        }
        space->jobs[count] = (struct codec_ed25519_job){.message = {message, len}, .signature = vote->signature.data};
        space->job_votes[count++] = (uint32_t)*at;
        if (count == COMETBFT_BATCH) {
            if (!verify_batch(at, space, set, count))
                return PROOF_REASON_COMETBFT_SIGNATURE;
            count = 0;
        }
    }
    return verify_batch(at, space, set, count) ? PROOF_REASON_VALID : PROOF_REASON_COMETBFT_SIGNATURE;
}
