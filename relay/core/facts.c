/*
 * What a light client proved, until it counts: the trust that it stands on is on disk (I2), and the other sources have said the same
 * header (PROOFS section 9: cross-check before anything is believed).
 */
#include <string.h>

#include "relay/core/parts.h"

static void fact_apply(struct relay_core *core, struct core_light *light, const struct core_light_item *item)
{
    struct core_evidence *evidence = item->evidence;
    bool news = true;
    evidence->agreed = true;
    core->chains[light->chain].progress = core->now;
    if (evidence->source != RELAY_NO_SOURCE) {
        core->sources[evidence->source].agreed = item->height;
        core_evidence_apply(core, evidence);
    } else {
        news = core_far_apply(core, evidence);
    }
    if (news)
        core_far_tell(core, light, item->peer != RELAY_NO_SOURCE ? item->peer : core->config.self, item->height,
                      (struct bytes){evidence->bytes, evidence->bytes_len});
    core_evidence_release(evidence);
}

/* In their order: the first one that must wait keeps those behind it waiting. All are asked about meanwhile, those whose trust is not
 * on disk yet, too. */
void core_facts_apply(struct relay_core *core, struct core_light *light)
{
    for (size_t i = 0; i < light->proven_len; i++)
        core_witness_ask(core, light, &light->proven[i]);
    while (light->proven_len > 0 && light->proven[0].write <= core->committed) {
        const struct core_light_item *first = &light->proven[0];
        bool counts = core_light_cause(core, light->chain) == RELAY_CAUSE_NONE;
        /* What witnesses would have to be asked about is no longer remembered: newer evidence shows as much. */
        if (first->peer == RELAY_NO_SOURCE && core_trust_at(light, first->height) == NULL)
            counts = false;
        if (counts && core_witness_waits(core, light, first))
            return;
        struct core_light_item item = core_light_pop(light->proven, &light->proven_len);
        if (counts)
            fact_apply(core, light, &item);
        else
            core_evidence_forget(core, item.evidence);
    }
}

void core_facts_take(struct core_light *light, struct core_light_item item,
                     const struct proof_cometbft_evidence_fact *fact)
{
    struct core_evidence *evidence = item.evidence;
    evidence->fact.height = fact->height - 1; /* the header names the state after the block before it */
    evidence->fact.time = fact->time;
    memcpy(evidence->fact.header_hash, fact->header_hash, 32);
    evidence->fact.logs_len = fact->logs_len;
    for (size_t i = 0; i < fact->logs_len; i++) {
        memcpy(evidence->fact.logs[i].log, fact->logs[i].log, 32);
        memcpy(evidence->fact.logs[i].running, fact->logs[i].running, 32);
        evidence->fact.logs[i].kind = fact->logs[i].kind;
        evidence->fact.logs[i].number = evidence->marks[i].number = fact->logs[i].number;
    }
    item.write = light->write;
    light->proven[light->proven_len++] = item;
}
