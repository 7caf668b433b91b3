/*
 * Validators that voted twice (docs/light-client-cometbft.md, "What names a liar and freezes nothing"): sources hand on what blocks
 * carry, with the header of that height. Verified when nothing else is to be, said once, and frozen is nothing.
 */
#include <string.h>

#include "proofs/codec/hex.h"
#include "relay/core/parts.h"

/* Of one validator in one step: said before? */
static bool is_known(const struct core_light *light, const struct core_offence *offence)
{
    for (size_t i = 0; i < CORE_OFFENCES_KEPT; i++) {
        const struct core_offence *one = &light->offences.said[i];
        if (one->height == offence->height && one->round == offence->round && one->type == offence->type &&
            memcmp(one->address, offence->address, sizeof(one->address)) == 0)
            return true;
    }
    return false;
}

/* What it says it proves; nothing is believed of it. */
static bool offence_read(struct core_offence *out, struct bytes proof)
{
    struct cometbft_double_vote votes;
    *out = (struct core_offence){0};
    if (!cometbft_double_vote_read(&votes, proof) || votes.a.address.len != COMETBFT_ADDRESS_BYTES ||
        votes.a.height <= 0)
        return false;
    out->height = (uint64_t)votes.a.height;
    out->round = votes.a.round;
    out->type = votes.a.type;
    memcpy(out->address, votes.a.address.data, sizeof(out->address));
    return true;
}

void core_offence_take(struct relay_core *core, uint16_t source, const struct connector_offence *message,
                       struct bytes whole)
{
    struct core_light *light = core->lights[core->config.sources[source].chain];
    struct core_offence offence;
    if (light == NULL || light->trust.latest.height == 0 || light->trust.attack != PROOF_COMETBFT_NO_ATTACK)
        return;
    if (!offence_read(&offence, message->proof) || offence.height != message->height) {
        core_ban(core, source, "told of an offence that is none, or of another height than it says");
        return;
    }
    size_t mine = 0;
    for (size_t i = 0; i < light->offences.queue_len; i++)
        mine += light->offences.queue[i].evidence->source == source;
    if (is_known(light, &offence) || light->offences.queue_len == CORE_OFFENCES_QUEUE ||
        mine == CORE_OFFENCES_QUEUE / 2)
        return;
    struct core_evidence *evidence = core_evidence_new(core, source, whole);
    light->offences.queue[light->offences.queue_len++] =
        (struct core_light_item){.evidence = evidence,
                                 .height = message->height,
                                 .bundle = {evidence->bytes + (message->header.data - whole.data), message->header.len},
                                 .proof = {evidence->bytes + (message->proof.data - whole.data), message->proof.len},
                                 .peer = RELAY_NO_SOURCE};
    core_light_drive(core, light);
}

bool core_offence_job(struct relay_core *core, struct core_light *light)
{
    while (light->offences.queue_len > 0) {
        const struct core_light_item *item = &light->offences.queue[0];
        struct core_offence offence;
        const struct core_light_state *from = core_trust_below(light, item->height);
        if (from == NULL || !offence_read(&offence, item->proof) || is_known(light, &offence)) {
            core_evidence_release(core_light_pop(light->offences.queue, &light->offences.queue_len)
                                      .evidence); /* from before all that is remembered, or said meanwhile */
            continue;
        }
        struct relay_verify_job *job = core_light_job(core, light, item, RELAY_VERIFY_LIGHT_DOUBLE_VOTE);
        job->light.trust = (struct proof_cometbft_trust){.changes = 1, .latest = from->state};
        job->light.next = (struct bytes){from->next, from->next_len};
        return true;
    }
    return false;
}

static void said(struct relay_core *core, struct core_light *light, const struct core_evidence *evidence,
                 const struct proof_cometbft_double_vote_fact *fact)
{
    struct core_offence *offence = &light->offences.said[light->offences.count++ % CORE_OFFENCES_KEPT];
    char address[2 * COMETBFT_ADDRESS_BYTES + 1];
    *offence = (struct core_offence){.height = (uint64_t)fact->height,
                                     .round = fact->round,
                                     .type = (uint32_t)fact->type,
                                     .power = (uint64_t)fact->power,
                                     .total_power = (uint64_t)fact->total_power};
    memcpy(offence->address, fact->address, sizeof(offence->address));
    codec_hex_encode(address, BYTES_OF(fact->address));
    core_note(
        core, RELAY_ALARM, RELAY_REASON_DOUBLE_VOTE, NULL, 0,
        "%s: validator %s, with %lld of a power of %lld, signed two %s at height %lld, round %d: its chain punishes "
        "it, and nothing is frozen; from a third of the power on, two such can fork the chain",
        core->network->chains[light->chain].id, address, (long long)fact->power, (long long)fact->total_power,
        fact->type == COMETBFT_PREVOTE ? "prevotes" : "precommits", (long long)fact->height, (int)fact->round);
    struct relay_action *action = core_act(core, RELAY_ACTION_KEEP);
    action->source = evidence->source;
    action->reason = relay_reason_text(RELAY_REASON_DOUBLE_VOTE);
    action->body = core_keep(core, (struct bytes){evidence->bytes, evidence->bytes_len});
}

void core_offence_verified(struct relay_core *core, struct core_light *light, const struct relay_verify_job *job)
{
    struct core_light_item item = core_light_pop(light->offences.queue, &light->offences.queue_len);
    enum proof_reason reason = job->result.reason;
    /* Our clock, too old a trust, or a header that has to be judged otherwise: nobody's fault, and nothing is known. */
    bool open = job->verdict == PROOF_NOT_ENOUGH_TRUST || reason == PROOF_REASON_COMETBFT_EXPIRED ||
                reason == PROOF_REASON_COMETBFT_FUTURE || reason == PROOF_REASON_COMETBFT_TIME ||
                reason == PROOF_REASON_COMETBFT_NOT_NEWER ||
                core_witness_contests(core, item.evidence->source, item.height) ||
                core_witness_unheard(core, light, item.evidence->source, job);
    if (job->verdict == PROOF_VALID)
        said(core, light, item.evidence, &job->light.double_vote);
    else if (open)
        core_note(core, RELAY_INFO, RELAY_REASON_EVIDENCE_REFUSED, NULL, 0, "%s: a double vote at height %llu: %s",
                  core->network->chains[light->chain].id, (unsigned long long)item.height, proof_reason_text(reason));
    else
        core_evidence_disprove(core, item.evidence, &job->result);
    core_evidence_release(item.evidence);
}
