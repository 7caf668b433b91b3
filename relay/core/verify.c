/* Verification of evidence as a job. */
#include "relay/core/verify.h"

static enum proof_verdict first(struct proof_result *result, struct relay_verify_light *light)
{
    struct proof_cometbft_height height;
    struct proof_cometbft_trust trust = light->trust;
    if (!proof_cometbft_height_read(&height, light->bundle))
        return proof_refuse(result, PROOF_REASON_COMETBFT_BUNDLE, 0);
    enum proof_verdict verdict = proof_cometbft_trust_begin(result, &trust, light->space, light->chain_id,
                                                            light->height, light->hash, height.block, &light->options);
    if (verdict != PROOF_VALID)
        return verdict;
    verdict = proof_cometbft_next_verify(result, light->space, &trust.latest, height.next_validators);
    if (verdict != PROOF_VALID)
        return verdict;
    light->trust = trust;
    light->next = height.next_validators;
    return verdict;
}

static enum proof_verdict attack(struct proof_result *result, struct relay_verify_light *light)
{
    struct proof_cometbft_height a, b;
    if (!proof_cometbft_height_read(&a, light->bundle))
        return proof_refuse(result, PROOF_REASON_COMETBFT_BUNDLE, 0);
    if (!proof_cometbft_height_read(&b, light->other))
        return proof_refuse(result, PROOF_REASON_COMETBFT_BUNDLE, RELAY_VERIFY_OTHER);
    return proof_cometbft_attack_verify(result, &light->attack, light->space, &light->trust.latest, light->next,
                                        a.block, b.block, &light->options);
}

/* The bundle is of the height that its teller says: what came before this job was decided by that. */
static bool height_is(const struct relay_verify_light *light)
{
    struct proof_cometbft_height height;
    struct cometbft_header read;
    return proof_cometbft_height_read(&height, light->bundle) && cometbft_header_read(&read, height.block.header) &&
           read.height == light->height;
}

static enum proof_verdict header(struct proof_result *result, struct relay_verify_light *light)
{
    struct bytes next;
    if (!height_is(light))
        return proof_refuse(result, PROOF_REASON_COMETBFT_OTHER_HEIGHT, 0);
    enum proof_verdict verdict = proof_cometbft_height_verify(result, &next, &light->trust, light->space, light->next,
                                                              light->bundle, &light->options);
    if (verdict == PROOF_VALID)
        light->next = next;
    return verdict;
}

static enum proof_verdict proof(struct proof_result *result, struct relay_verify_light *light, size_t places_len)
{
    if (!height_is(light))
        return proof_refuse(result, PROOF_REASON_COMETBFT_OTHER_HEIGHT, 0);
    enum proof_verdict verdict =
        proof_cometbft_evidence_verify(result, &light->fact, &light->trust, light->space, light->next, &light->app,
                                       light->places, places_len, light->bundle, light->proof, &light->options);
    if (verdict == PROOF_VALID)
        light->next = light->fact.next_validators;
    return verdict;
}

static enum proof_verdict double_vote(struct proof_result *result, struct relay_verify_light *light)
{
    struct proof_cometbft_height height;
    struct proof_cometbft_trust trust = light->trust;
    struct bytes next;
    if (!height_is(light) || !proof_cometbft_height_read(&height, light->bundle))
        return proof_refuse(result, PROOF_REASON_COMETBFT_OTHER_HEIGHT, 0);
    enum proof_verdict verdict =
        proof_cometbft_height_verify(result, &next, &trust, light->space, light->next, light->bundle, &light->options);
    return verdict != PROOF_VALID
               ? verdict
               : proof_cometbft_double_vote_verify(result, &light->double_vote, light->space, &trust.latest,
                                                   height.block.validators, light->proof, &light->options);
}

void relay_verify_run(struct relay_verify_job *job)
{
    switch (job->kind) {
    case RELAY_VERIFY_AGREEMENT:
        job->verdict = proof_eth_evidence_verify(&job->result, &job->fact, job->account, job->places, job->places_len,
                                                 job->evidence);
        return;
    case RELAY_VERIFY_LIGHT_FIRST: job->verdict = first(&job->result, &job->light); return;
    case RELAY_VERIFY_LIGHT_HEADER: job->verdict = header(&job->result, &job->light); return;
    case RELAY_VERIFY_LIGHT_PROOF: job->verdict = proof(&job->result, &job->light, job->places_len); return;
    case RELAY_VERIFY_LIGHT_ATTACK: job->verdict = attack(&job->result, &job->light); return;
    case RELAY_VERIFY_LIGHT_DOUBLE_VOTE: job->verdict = double_vote(&job->result, &job->light); return;
    }
}
