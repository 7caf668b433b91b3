/*
 * Two votes: each by itself, then against each other, against the set, and last their signatures.
 */
#include "proofs/cometbft_double_vote.h"

#include <string.h>

#include "proofs/cometbft_inside.h"

enum { ID_KEY_MAX = 32 + 64 };

static bool complete(const struct cometbft_block_id *id)
{
    return id->hash.len == 32 && id->parts_total > 0 && id->parts_hash.len == 32;
}

/* types.Vote.ValidateBasic; sizes were checked by the reader. */
static enum proof_reason check_vote(const struct cometbft_single_vote *vote)
{
    bool nil = cometbft_block_id_is_zero(&vote->block_id);
    if (vote->type != COMETBFT_PREVOTE && vote->type != COMETBFT_PRECOMMIT)
        return PROOF_REASON_COMETBFT_VOTE_TYPE;
    if (vote->height <= 0)
        return PROOF_REASON_COMETBFT_HEIGHT;
    if (vote->round < 0)
        return PROOF_REASON_COMETBFT_ROUND;
    /* "blockID must be either empty or complete" */
    if (!nil && !complete(&vote->block_id))
        return PROOF_REASON_COMETBFT_VOTE_BLOCK;
    if (vote->address.len != COMETBFT_ADDRESS_BYTES)
        return PROOF_REASON_COMETBFT_ADDRESS_SIZE;
    if (vote->signature.len != COMETBFT_SIGNATURE_BYTES)
        return PROOF_REASON_COMETBFT_SIGNATURE_SIZE;
    /* "We should only ever see vote extensions in non-nil precommits", and never unsigned ones */
    bool extended = vote->extension.len > 0 || vote->extension_signature.len > 0;
    if (extended && (nil || vote->type != COMETBFT_PRECOMMIT || vote->extension_signature.len == 0))
        return PROOF_REASON_COMETBFT_VOTE_EXTENSION;
    return PROOF_REASON_VALID;
}

/* types.BlockID.Key: the hash, then the part set header's protobuf. */
static struct bytes id_key(uint8_t out[ID_KEY_MAX], const struct cometbft_block_id *id)
{
    struct codec_writer writer;
    codec_writer_init(&writer, out, ID_KEY_MAX);
    codec_write_bytes(&writer, id->hash);
    codec_protobuf_write_u64(&writer, 1, id->parts_total);
    codec_protobuf_write_bytes(&writer, 2, id->parts_hash);
    return codec_writer_bytes(&writer);
}

/* "Enforce Votes are lexicographically sorted on blockID": so two votes make one evidence. */
static bool in_order(const struct cometbft_block_id *a, const struct cometbft_block_id *b)
{
    uint8_t keys[2][ID_KEY_MAX];
    struct bytes first = id_key(keys[0], a);
    struct bytes second = id_key(keys[1], b);
    size_t len = first.len < second.len ? first.len : second.len;
    int order = len == 0 ? 0 : memcmp(first.data, second.data, len);
    return order < 0 || (order == 0 && first.len < second.len);
}

/* The votes are of one validator and one step, and for two blocks. */
static enum proof_reason check_pair(const struct cometbft_single_vote *a, const struct cometbft_single_vote *b)
{
    if (a->type != b->type || a->height != b->height || a->round != b->round || a->index != b->index ||
        memcmp(a->address.data, b->address.data, COMETBFT_ADDRESS_BYTES) != 0)
        return PROOF_REASON_COMETBFT_VOTES_APART;
    if (cometbft_block_id_equal(&a->block_id, &b->block_id))
        return PROOF_REASON_COMETBFT_NO_CONFLICT;
    return in_order(&a->block_id, &b->block_id) ? PROOF_REASON_VALID : PROOF_REASON_COMETBFT_VOTES_ORDER;
}

/* The voter stands in the set where the votes say, and what the evidence claims is so. */
static enum proof_reason check_voter(size_t *at, const struct cometbft_validator **voter, int64_t *total,
                                     struct proof_cometbft_space *space, const struct proof_cometbft_state *state,
                                     struct bytes validators, const struct cometbft_double_vote *evidence)
{
    struct cometbft_validators set;
    enum proof_reason reason = cometbft_set_read(at, &set, total, space, state->validators_hash, validators);
    if (reason != PROOF_REASON_VALID)
        return reason;
    size_t index = cometbft_validators_find(space, set.list, set.len, evidence->a.address.data);
    if (index == set.len)
        return PROOF_REASON_COMETBFT_NOT_VALIDATOR;
    if (evidence->a.index < 0 || (size_t)evidence->a.index != index)
        return PROOF_REASON_COMETBFT_ADDRESS;
    *voter = &set.list[index];
    if (evidence->power != set.list[index].power || evidence->total_power != *total ||
        cometbft_time_compare(evidence->time, state->time) != 0)
        return PROOF_REASON_COMETBFT_CLAIM;
    return PROOF_REASON_VALID;
}

static bool signed_by(const struct cometbft_validator *voter, const struct cometbft_single_vote *vote,
                      struct bytes chain_id)
{
    struct cometbft_sign_bytes sign;
    uint8_t message[COMETBFT_SIGN_BYTES_MAX];
    cometbft_sign_bytes_begin(&sign, chain_id, vote->type, vote->height, vote->round, &vote->block_id);
    size_t len = cometbft_sign_bytes_of(message, &sign, vote->time, true);
    return cometbft_signature_check(voter, (struct bytes){message, len}, vote->signature);
}

static enum proof_reason check(size_t *at, struct cometbft_double_vote *votes, const struct cometbft_validator **voter,
                               int64_t *total, struct proof_cometbft_space *space,
                               const struct proof_cometbft_state *state, struct bytes validators, struct bytes evidence,
                               const struct proof_cometbft_options *options)
{
    const struct bytes chain_id = {state->chain_id, state->chain_id_len};
    *at = 0;
    enum proof_reason reason = cometbft_options_check(options);
    if (reason != PROOF_REASON_VALID)
        return reason;
    if (state->height <= 0 || chain_id.len == 0 || chain_id.len > COMETBFT_CHAIN_ID_MAX ||
        codec_bytes_are_zero(state->validators_hash, 32))
        return PROOF_REASON_TRUST_UNSET;
    if (cometbft_expired(state->time, options))
        return PROOF_REASON_COMETBFT_EXPIRED;
    if (!cometbft_double_vote_read(votes, evidence))
        return PROOF_REASON_COMETBFT_MALFORMED;
    for (; *at < 2; ++*at) {
        reason = check_vote(*at == 0 ? &votes->a : &votes->b);
        if (reason != PROOF_REASON_VALID)
            return reason;
    }
    *at = 0;
    reason = check_pair(&votes->a, &votes->b);
    if (reason != PROOF_REASON_VALID)
        return reason;
    if (votes->a.height != state->height)
        return PROOF_REASON_EVIDENCE_OTHER_HEIGHT;
    reason = check_voter(at, voter, total, space, state, validators, votes);
    if (reason != PROOF_REASON_VALID)
        return reason;
    for (*at = 0; *at < 2; ++*at)
        if (!signed_by(*voter, *at == 0 ? &votes->a : &votes->b, chain_id))
            return PROOF_REASON_COMETBFT_SIGNATURE;
    return PROOF_REASON_VALID;
}

static void copy_hash(uint8_t out[32], struct bytes hash)
{
    if (hash.len == 32)
        memcpy(out, hash.data, 32);
}

enum proof_verdict proof_cometbft_double_vote_verify(struct proof_result *result,
                                                     struct proof_cometbft_double_vote_fact *fact,
                                                     struct proof_cometbft_space *space,
                                                     const struct proof_cometbft_state *at, struct bytes validators,
                                                     struct bytes evidence,
                                                     const struct proof_cometbft_options *options)
{
    struct cometbft_double_vote votes;
    const struct cometbft_validator *voter;
    int64_t total;
    size_t index;
    memset(fact, 0, sizeof *fact);
    enum proof_reason reason = check(&index, &votes, &voter, &total, space, at, validators, evidence, options);
    if (reason != PROOF_REASON_VALID)
        return proof_refuse(result, reason, index);
    fact->height = votes.a.height;
    fact->round = votes.a.round;
    fact->type = (enum cometbft_vote_type)votes.a.type;
    memcpy(fact->address, voter->address.data, COMETBFT_ADDRESS_BYTES);
    fact->power = voter->power;
    fact->total_power = total;
    copy_hash(fact->hash_a, votes.a.block_id.hash);
    copy_hash(fact->hash_b, votes.b.block_id.hash);
    proof_accept(result);
    return PROOF_VALID;
}
