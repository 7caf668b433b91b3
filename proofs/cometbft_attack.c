/*
 * Two headers from one: each is verified by itself, then they are compared.
 */
#include "proofs/cometbft_attack.h"

#include <string.h>

#include "proofs/cometbft_inside.h"

enum { BLOCK_B = 1000 };

const char *proof_cometbft_attack_text(enum proof_cometbft_attack attack)
{
    switch (attack) {
    case PROOF_COMETBFT_NO_ATTACK: return "none";
    case PROOF_COMETBFT_EQUIVOCATION: return "equivocation";
    case PROOF_COMETBFT_AMNESIA: return "amnesia";
    case PROOF_COMETBFT_LUNATIC: return "lunatic";
    case PROOF_COMETBFT_TIME: return "time";
    }
    return "unknown";
}

/* Fields that follow from the block before (LightClientAttackEvidence.ConflictingHeaderIsInvalid). */
static bool derived_fields_equal(const struct cometbft_header *a, const struct cometbft_header *b)
{
    return codec_bytes_equal(a->validators_hash, b->validators_hash) &&
           codec_bytes_equal(a->next_validators_hash, b->next_validators_hash) &&
           codec_bytes_equal(a->consensus_hash, b->consensus_hash) && codec_bytes_equal(a->app_hash, b->app_hash) &&
           codec_bytes_equal(a->last_results_hash, b->last_results_hash);
}

/* Power that committed to both blocks. The sets are one, as their hashes are, so indices mean the same validator. */
static int64_t power_of_both(const struct cometbft_light_block *a, const struct cometbft_light_block *b)
{
    int64_t power = 0;
    for (size_t i = 0; i < a->validators.len && i < a->commit.votes_len && i < b->commit.votes_len; i++)
        if (a->commit.votes[i].flag == COMETBFT_COMMIT && b->commit.votes[i].flag == COMETBFT_COMMIT)
            power += a->validators.list[i].power;
    return power;
}

static int64_t power_of_all(const struct cometbft_validators *set)
{
    int64_t power = 0;
    for (size_t i = 0; i < set->len; i++)
        power += set->list[i].power;
    return power;
}

/* Both blocks verified, and their hashes differ. */
static void classify(struct proof_cometbft_attack_fact *fact, const struct cometbft_light_block *a,
                     const struct cometbft_light_block *b)
{
    const struct cometbft_header *low = a->header.height < b->header.height ? &a->header : &b->header;
    const struct cometbft_header *high = low == &a->header ? &b->header : &a->header;
    fact->height = low->height;
    fact->total_power = power_of_all(&a->validators);
    if (low->height != high->height) {
        if (cometbft_time_compare(low->time, high->time) >= 0)
            fact->attack = PROOF_COMETBFT_TIME;
    } else if (!derived_fields_equal(&a->header, &b->header)) {
        fact->attack = PROOF_COMETBFT_LUNATIC;
    } else if (a->commit.round == b->commit.round) {
        fact->attack = PROOF_COMETBFT_EQUIVOCATION;
        fact->both_power = power_of_both(a, b);
    } else {
        fact->attack = PROOF_COMETBFT_AMNESIA;
    }
}

enum proof_verdict proof_cometbft_attack_verify(struct proof_result *result, struct proof_cometbft_attack_fact *fact,
                                                struct proof_cometbft_space *space,
                                                const struct proof_cometbft_state *common, struct bytes common_next,
                                                struct cometbft_parts block_a, struct cometbft_parts block_b,
                                                const struct proof_cometbft_options *options)
{
    struct proof_cometbft_options every = *options;
    struct proof_cometbft_state states[2];
    struct cometbft_light_block a;
    struct cometbft_light_block b;
    struct proof_cometbft_attack_fact found = {.attack = PROOF_COMETBFT_NO_ATTACK};
    memset(fact, 0, sizeof *fact);
    /* quorum and trust level are the proof: a vote behind them that somebody spoilt on the way must not hide it */
    every.every_signature = false;
    if (proof_cometbft_step_verify(result, &states[0], space, common, common_next, block_a, &every) != PROOF_VALID)
        return PROOF_INVALID;
    if (proof_cometbft_step_verify(result, &states[1], space, common, common_next, block_b, &every) != PROOF_VALID) {
        result->at += BLOCK_B;
        return PROOF_INVALID;
    }
    /* both were read before, so they are read again */
    bool read = cometbft_parts_read(&a, space->room, block_a) && cometbft_parts_read(&b, space->trusted, block_b);
    if (read && memcmp(states[0].hash, states[1].hash, 32) != 0)
        classify(&found, &a, &b);
    if (found.attack == PROOF_COMETBFT_NO_ATTACK)
        return proof_refuse(result, PROOF_REASON_COMETBFT_NO_CONFLICT, 0);
    *fact = found;
    memcpy(fact->hash_a, states[0].hash, 32);
    memcpy(fact->hash_b, states[1].hash, 32);
    proof_accept(result);
    return PROOF_VALID;
}
