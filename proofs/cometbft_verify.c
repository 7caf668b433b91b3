/*
 * The light client's steps: forward to the next or to a later height, backward to the parent, and the first one.
 */
#include "proofs/cometbft.h"

#include <stdlib.h>
#include <string.h>

#include "proofs/cometbft_inside.h"

enum { KEYS_DEFAULT_MAX = 512, KEYS_MIN = COMETBFT_BATCH + 1, TRUST_PART_MAX = 1 << 30 };

struct proof_cometbft_space *proof_cometbft_space_new(size_t validators, size_t keys)
{
    if (validators == 0 || validators > COMETBFT_VALIDATORS_MAX)
        return NULL;
    struct proof_cometbft_space *space = calloc(1, sizeof *space);
    if (!space)
        return NULL;
    if (keys == 0)
        keys = validators < KEYS_DEFAULT_MAX ? validators : KEYS_DEFAULT_MAX;
    space->room.cap = space->trusted.cap = validators;
    space->room.votes = calloc(validators, sizeof *space->room.votes);
    space->room.validators = calloc(validators, sizeof *space->room.validators);
    space->trusted.votes = calloc(validators, sizeof *space->trusted.votes);
    space->trusted.validators = calloc(validators, sizeof *space->trusted.validators);
    space->hashes = calloc(validators, sizeof *space->hashes);
    space->order = calloc(validators, sizeof *space->order);
    space->order_spare = calloc(validators, sizeof *space->order_spare);
    space->wanted = calloc(validators, sizeof *space->wanted);
    space->seen = calloc(validators, sizeof *space->seen);
    space->keys = cometbft_keys_new(keys > KEYS_MIN ? keys : KEYS_MIN);
    if (!space->room.votes || !space->room.validators || !space->trusted.votes || !space->trusted.validators ||
        !space->hashes || !space->order || !space->order_spare || !space->wanted || !space->seen || !space->keys) {
        proof_cometbft_space_free(space);
        return NULL;
    }
    return space;
}

void proof_cometbft_space_free(struct proof_cometbft_space *space)
{
    if (!space)
        return;
    free(space->room.votes);
    free(space->room.validators);
    free(space->trusted.votes);
    free(space->trusted.validators);
    free(space->hashes);
    free(space->order);
    free(space->order_spare);
    free(space->wanted);
    free(space->seen);
    cometbft_keys_free(space->keys);
    free(space);
}

/* Header, commit and set against themselves and each other: types.LightBlock.ValidateBasic; steps 4 to 6 of docs/light-client-cometbft.md. */
static enum proof_reason check_block(size_t *at, struct proof_cometbft_block *block, struct proof_cometbft_space *space,
                                     struct bytes chain_id)
{
    const struct cometbft_light_block *light = &block->light;
    uint8_t hash[32];
    *at = 0;
    enum proof_reason reason = cometbft_header_check(&light->header, chain_id);
    if (reason != PROOF_REASON_VALID)
        return reason;
    reason = cometbft_commit_check(at, &light->commit);
    if (reason != PROOF_REASON_VALID)
        return reason;
    *at = 0;
    if (light->commit.height != light->header.height)
        return PROOF_REASON_COMETBFT_COMMIT_HEIGHT;
    if (!proof_cometbft_header_hash(block->hash, &light->header) ||
        !codec_bytes_equal(light->commit.block_id.hash, BYTES_OF(block->hash)))
        return PROOF_REASON_COMETBFT_COMMIT_BLOCK;
    reason = cometbft_validators_check(at, &block->total_power, space, &light->validators);
    if (reason != PROOF_REASON_VALID)
        return reason;
    *at = 0;
    proof_cometbft_validators_hash(hash, space, light->validators.list, light->validators.len);
    if (!codec_bytes_equal(light->header.validators_hash, BYTES_OF(hash)))
        return PROOF_REASON_COMETBFT_SET_HASH;
    return PROOF_REASON_VALID;
}

enum proof_verdict proof_cometbft_block_read(struct proof_result *result, struct proof_cometbft_block *block,
                                             struct proof_cometbft_space *space, struct bytes chain_id,
                                             struct cometbft_parts block_in)
{
    size_t at = 0;
    memset(block, 0, sizeof *block);
    if (chain_id.len == 0 || chain_id.len > COMETBFT_CHAIN_ID_MAX)
        return proof_refuse(result, PROOF_REASON_TRUST_UNSET, 0);
    if (!cometbft_parts_read(&block->light, space->room, block_in)) {
        memset(block, 0, sizeof *block);
        return proof_refuse(result, PROOF_REASON_COMETBFT_MALFORMED, 0);
    }
    enum proof_reason reason = check_block(&at, block, space, chain_id);
    if (reason != PROOF_REASON_VALID) {
        memset(block, 0, sizeof *block);
        return proof_refuse(result, reason, at);
    }
    proof_accept(result);
    return PROOF_VALID;
}

enum proof_reason cometbft_options_check(const struct proof_cometbft_options *options)
{
    uint64_t numerator = options->trust_numerator;
    uint64_t denominator = options->trust_denominator;
    bool level = denominator > 0 && denominator <= TRUST_PART_MAX && numerator <= denominator &&
                 3 * numerator >= denominator; /* light.ValidateTrustLevel: within [1/3, 1] */
    if (!level || !cometbft_time_in_range(options->now) || options->trusting_period <= 0 || options->clock_drift < 0)
        return PROOF_REASON_COMETBFT_OPTIONS;
    return PROOF_REASON_VALID;
}

/* light.HeaderExpired: "!expirationTime.After(now)" */
bool cometbft_expired(struct cometbft_time time, const struct proof_cometbft_options *options)
{
    return cometbft_time_compare(cometbft_time_add(time, options->trusting_period), options->now) <= 0;
}

/* "!untrustedHeader.Time.Before(now.Add(maxClockDrift))" */
static bool from_the_future(struct cometbft_time time, const struct proof_cometbft_options *options)
{
    return cometbft_time_compare(time, cometbft_time_add(options->now, options->clock_drift)) >= 0;
}

/* Steps 7 and 8 of docs/light-client-cometbft.md. */
static enum proof_reason check_against(const struct proof_cometbft_state *trusted, const struct cometbft_header *header,
                                       const struct proof_cometbft_options *options)
{
    if (header->height <= trusted->height)
        return PROOF_REASON_COMETBFT_NOT_NEWER;
    if (cometbft_time_compare(header->time, trusted->time) <= 0)
        return PROOF_REASON_COMETBFT_TIME;
    if (from_the_future(header->time, options))
        return PROOF_REASON_COMETBFT_FUTURE;
    if (header->height == trusted->height + 1 &&
        memcmp(header->validators_hash.data, trusted->next_validators_hash, 32) != 0)
        return PROOF_REASON_COMETBFT_NEXT_SET_HASH;
    return PROOF_REASON_VALID;
}

enum proof_reason cometbft_set_read(size_t *at, struct cometbft_validators *set, int64_t *total,
                                    struct proof_cometbft_space *space, const uint8_t hash[32], struct bytes in)
{
    uint8_t own[32];
    *at = 0;
    if (in.len > COMETBFT_LIGHT_BLOCK_MAX || !cometbft_validators_read(set, space->trusted, in))
        return PROOF_REASON_COMETBFT_MALFORMED;
    enum proof_reason reason = cometbft_validators_check(at, total, space, set);
    if (reason != PROOF_REASON_VALID)
        return reason;
    *at = 0;
    proof_cometbft_validators_hash(own, space, set->list, set->len);
    return memcmp(own, hash, 32) == 0 ? PROOF_REASON_VALID : PROOF_REASON_COMETBFT_TRUSTED_SET;
}

enum proof_verdict proof_cometbft_next_verify(struct proof_result *result, struct proof_cometbft_space *space,
                                              const struct proof_cometbft_state *state, struct bytes next_validators)
{
    struct cometbft_validators set;
    int64_t total;
    size_t at;
    enum proof_reason reason =
        cometbft_set_read(&at, &set, &total, space, state->next_validators_hash, next_validators);
    if (reason != PROOF_REASON_VALID)
        return proof_refuse(result, reason, at);
    proof_accept(result);
    return PROOF_VALID;
}

/* How much of the trusted next set signed: marks the votes that show it. */
static enum proof_reason check_trust(size_t *at, struct proof_cometbft_space *space,
                                     const struct proof_cometbft_state *trusted, struct bytes trusted_next,
                                     const struct proof_cometbft_block *block,
                                     const struct proof_cometbft_options *options)
{
    struct cometbft_validators set;
    int64_t total;
    enum proof_reason reason = cometbft_set_read(at, &set, &total, space, trusted->next_validators_hash, trusted_next);
    return reason == PROOF_REASON_VALID ? cometbft_trust_tally(at, space, block, &set, total, options) : reason;
}

static bool state_unset(const struct proof_cometbft_state *state)
{
    return state->height <= 0 || state->chain_id_len == 0 || state->chain_id_len > COMETBFT_CHAIN_ID_MAX ||
           codec_bytes_are_zero(state->hash, 32) || codec_bytes_are_zero(state->next_validators_hash, 32);
}

static enum proof_reason check_step(size_t *at, struct proof_cometbft_block *block, struct proof_cometbft_space *space,
                                    const struct proof_cometbft_state *trusted, struct bytes trusted_next,
                                    struct cometbft_parts block_in, const struct proof_cometbft_options *options)
{
    struct proof_result result;
    enum proof_reason reason = cometbft_options_check(options);
    *at = 0;
    if (reason != PROOF_REASON_VALID)
        return reason;
    if (state_unset(trusted))
        return PROOF_REASON_TRUST_UNSET;
    if (cometbft_expired(trusted->time, options))
        return PROOF_REASON_COMETBFT_EXPIRED;
    if (proof_cometbft_block_read(&result, block, space, (struct bytes){trusted->chain_id, trusted->chain_id_len},
                                  block_in) != PROOF_VALID) {
        *at = result.at;
        return result.reason;
    }
    reason = check_against(trusted, &block->light.header, options);
    if (reason != PROOF_REASON_VALID)
        return reason;
    memset(space->wanted, 0, block->light.commit.votes_len * sizeof *space->wanted);
    /* Trust before quorum, as the set of an untrusted block may be huge; and all that is cheap before any signature. */
    if (block->light.header.height != trusted->height + 1) {
        reason = check_trust(at, space, trusted, trusted_next, block, options);
        if (reason != PROOF_REASON_VALID)
            return reason;
    }
    reason = cometbft_commit_tally(at, space, block, options->every_signature);
    return reason == PROOF_REASON_VALID ? cometbft_signatures_check(at, space, block) : reason;
}

enum proof_verdict proof_cometbft_step_verify(struct proof_result *result, struct proof_cometbft_state *fact,
                                              struct proof_cometbft_space *space,
                                              const struct proof_cometbft_state *trusted, struct bytes trusted_next,
                                              struct cometbft_parts block_in,
                                              const struct proof_cometbft_options *options)
{
    const struct proof_cometbft_state from = *trusted; /* fact may be the same object */
    struct proof_cometbft_block block;
    size_t at;
    memset(fact, 0, sizeof *fact);
    enum proof_reason reason = check_step(&at, &block, space, &from, trusted_next, block_in, options);
    if (reason != PROOF_REASON_VALID) {
        proof_refuse(result, reason, at);
        return reason == PROOF_REASON_COMETBFT_TOO_LITTLE_TRUST ? PROOF_NOT_ENOUGH_TRUST : PROOF_INVALID;
    }
    cometbft_state_of(fact, &block.light.header, block.hash);
    proof_accept(result);
    return PROOF_VALID;
}

static enum proof_reason check_first(size_t *at, struct proof_cometbft_block *block, struct proof_cometbft_space *space,
                                     int64_t height, const uint8_t hash[32],
                                     const struct proof_cometbft_options *options)
{
    const struct cometbft_header *header = &block->light.header;
    *at = 0;
    if (header->height != height)
        return PROOF_REASON_COMETBFT_COMMIT_HEIGHT;
    if (memcmp(block->hash, hash, 32) != 0)
        return PROOF_REASON_HEADER_HASH_MISMATCH;
    if (header->next_validators_hash.len != 32)
        return PROOF_REASON_COMETBFT_NEXT_SET_HASH;
    if (cometbft_expired(header->time, options))
        return PROOF_REASON_COMETBFT_EXPIRED;
    if (from_the_future(header->time, options))
        return PROOF_REASON_COMETBFT_FUTURE;
    memset(space->wanted, 0, block->light.commit.votes_len * sizeof *space->wanted);
    enum proof_reason reason = cometbft_commit_tally(at, space, block, options->every_signature);
    return reason == PROOF_REASON_VALID ? cometbft_signatures_check(at, space, block) : reason;
}

enum proof_verdict proof_cometbft_first_verify(struct proof_result *result, struct proof_cometbft_state *fact,
                                               struct proof_cometbft_space *space, struct bytes chain_id,
                                               int64_t height, const uint8_t hash[32], struct cometbft_parts block_in,
                                               const struct proof_cometbft_options *options)
{
    struct proof_cometbft_block block;
    size_t at;
    memset(fact, 0, sizeof *fact);
    enum proof_reason reason = cometbft_options_check(options);
    if (reason != PROOF_REASON_VALID)
        return proof_refuse(result, reason, 0);
    if (height <= 0 || codec_bytes_are_zero(hash, 32))
        return proof_refuse(result, PROOF_REASON_TRUST_UNSET, 0);
    if (proof_cometbft_block_read(result, &block, space, chain_id, block_in) != PROOF_VALID)
        return PROOF_INVALID;
    reason = check_first(&at, &block, space, height, hash, options);
    if (reason != PROOF_REASON_VALID)
        return proof_refuse(result, reason, at);
    cometbft_state_of(fact, &block.light.header, block.hash);
    proof_accept(result);
    return PROOF_VALID;
}

/* light.VerifyBackwards; the height, which it leaves to its caller, is bound here too. */
static enum proof_reason check_parent(uint8_t hash[32], const struct proof_cometbft_state *trusted,
                                      const struct cometbft_header *header)
{
    enum proof_reason reason = cometbft_header_check(header, (struct bytes){trusted->chain_id, trusted->chain_id_len});
    if (reason != PROOF_REASON_VALID)
        return reason;
    if (header->height != trusted->height - 1)
        return PROOF_REASON_COMETBFT_NOT_PARENT;
    if (cometbft_time_compare(header->time, trusted->time) >= 0)
        return PROOF_REASON_COMETBFT_TIME;
    if (!proof_cometbft_header_hash(hash, header) || memcmp(hash, trusted->last_block_hash, 32) != 0)
        return PROOF_REASON_HEADER_HASH_MISMATCH;
    return PROOF_REASON_VALID;
}

enum proof_verdict proof_cometbft_parent_verify(struct proof_result *result, struct proof_cometbft_state *fact,
                                                const struct proof_cometbft_state *trusted, struct bytes header)
{
    const struct proof_cometbft_state from = *trusted;
    struct cometbft_header parent;
    uint8_t hash[32];
    memset(fact, 0, sizeof *fact);
    if (state_unset(&from) || codec_bytes_are_zero(from.last_block_hash, 32))
        return proof_refuse(result, PROOF_REASON_TRUST_UNSET, 0);
    if (header.len > COMETBFT_LIGHT_BLOCK_MAX || !cometbft_header_read(&parent, header))
        return proof_refuse(result, PROOF_REASON_COMETBFT_MALFORMED, 0);
    enum proof_reason reason = check_parent(hash, &from, &parent);
    if (reason != PROOF_REASON_VALID)
        return proof_refuse(result, reason, 0);
    cometbft_state_of(fact, &parent, hash);
    proof_accept(result);
    return PROOF_VALID;
}
