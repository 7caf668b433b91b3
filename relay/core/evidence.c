/*
 * Evidence on its way in: which logs it speaks of is our configuration, verifying it is a job, what it then counts for is
 * agreement's (chain.c) or the light client's (light.c) to say.
 */
#include <stdlib.h>
#include <string.h>

#include "relay/core/parts.h"

void core_evidence_release(struct core_evidence *evidence)
{
    if (evidence != NULL && --evidence->refs == 0)
        free(evidence);
}

/* Every log of an evidence message must be written by one contract of this chain: which, is our configuration. */
static const uint8_t *marks_take(struct relay_core *core, struct core_evidence *evidence,
                                 const struct connector_evidence *message)
{
    const struct topology_chain *document = &core->network->chains[evidence->chain];
    const uint8_t *account = NULL;
    for (size_t i = 0; i < message->marks_len; i++) {
        uint32_t watch = message->marks[i].watch;
        if (watch >= core->logs_len || !core->logs[watch].is_home || core->logs[watch].home != evidence->chain)
            return NULL;
        const uint8_t *own = core->logs[watch].kind == PROOF_LOG_OUTCOME ? document->inbox : document->outbox;
        if (account != NULL && account != own)
            return NULL;
        account = own;
        evidence->marks[i].log = (uint16_t)watch;
        evidence->marks[i].number = message->marks[i].number;
    }
    evidence->marks_len = message->marks_len;
    return account;
}

void core_evidence_forget(struct relay_core *core, struct core_evidence *evidence)
{
    for (size_t i = 0; evidence->source != RELAY_NO_SOURCE && i < evidence->marks_len; i++)
        core_ingest_again(core, &core->logs[evidence->marks[i].log]);
    core_evidence_release(evidence);
}

struct core_evidence *core_evidence_new(const struct relay_core *core, uint16_t source, struct bytes bytes)
{
    return core_evidence_of(core, core->config.sources[source].chain, source, bytes);
}

struct core_evidence *core_evidence_of(const struct relay_core *core, uint16_t chain, uint16_t source,
                                       struct bytes bytes)
{
    struct core_evidence *evidence = core_alloc(NULL, 1, sizeof(*evidence) + bytes.len);
    *evidence =
        (struct core_evidence){.refs = 1, .chain = chain, .source = source, .seen = core->now, .bytes_len = bytes.len};
    memcpy(evidence->bytes, bytes.data, bytes.len);
    return evidence;
}

struct relay_verify_job *core_evidence_job(struct relay_core *core, struct core_evidence *evidence)
{
    struct relay_verify_job *job = core_alloc(NULL, 1, sizeof(*job));
    *job = (struct relay_verify_job){.chain = evidence->chain,
                                     .source = evidence->source,
                                     .evidence = {evidence->bytes, evidence->bytes_len},
                                     .owner = evidence};
    core_act(core, RELAY_ACTION_VERIFY)->job = job;
    return job;
}

/* A header that sources agree on, to be computed, and slots or receipts under it. */
static void agreement_job(struct relay_core *core, struct core_evidence *evidence, const uint8_t *account)
{
    struct relay_verify_job *job = core_evidence_job(core, evidence);
    memcpy(job->account, account, 32);
    job->places_len = evidence->marks_len;
    for (size_t i = 0; i < evidence->marks_len; i++) {
        const struct core_log *log = &core->logs[evidence->marks[i].log];
        memcpy(job->places[i].log, log->id, 32);
        memcpy(job->places[i].lane, core_lane(core, log)->id, 32);
        job->places[i].kind = log->kind;
    }
    core->chains[evidence->chain].verifying++;
}

void core_evidence_take(struct relay_core *core, uint16_t source, const struct connector_evidence *message,
                        struct bytes whole)
{
    uint16_t index = core->config.sources[source].chain;
    struct core_chain *chain = &core->chains[index];
    bool light = topology_chain_is_light(&core->network->chains[index]);
    if (source != chain->primary || chain->mark.frozen)
        return;
    struct core_evidence *evidence = core_evidence_new(core, source, whole);
    const uint8_t *account = marks_take(core, evidence, message);
    if (account == NULL || light != (message->kind == CONNECTOR_EVIDENCE_ICS23)) {
        const char *rule = account == NULL ? "for logs it was not asked for" : "of a kind that its chain does not give";
        core_note(core, RELAY_WARNING, RELAY_REASON_SOURCE_PROTOCOL, NULL, 0, "%s: evidence %s",
                  core->config.sources[source].name, rule);
        core_evidence_release(evidence);
    } else if (light) {
        core_light_evidence(core, evidence, message, whole);
    } else if (chain->verifying >= CORE_PENDING_EVIDENCE) {
        core_evidence_forget(core, evidence);
    } else {
        agreement_job(core, evidence, account);
    }
}

void core_source_verified(struct relay_core *core, struct relay_verify_job *job)
{
    struct core_evidence *evidence = job->owner;
    if (job->kind != RELAY_VERIFY_AGREEMENT) {
        core_light_verified(core, job);
    } else if (job->verdict != PROOF_VALID) {
        core->chains[job->chain].verifying--;
        core_evidence_disprove(core, evidence, &job->result);
        core_evidence_release(evidence);
    } else {
        core->chains[job->chain].verifying--;
        evidence->fact = job->fact;
        core_agree_pend(core, evidence);
    }
    free(job);
}

void core_evidence_disprove(struct relay_core *core, const struct core_evidence *evidence,
                            const struct proof_result *result)
{
    const char *why = proof_reason_text(result->reason);
    core_note(core, RELAY_ALARM, RELAY_REASON_EVIDENCE_REFUSED, NULL, 0, "%s from source %s: %s (at %zu)",
              core->network->chains[evidence->chain].id, core->config.sources[evidence->source].name, why, result->at);
    core_evidence_refuse(core, evidence, evidence->source, why);
    core_ban(core, evidence->source, "sent evidence that proves nothing: %s (at %zu)", why, result->at);
}
