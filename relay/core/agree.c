/*
 * What sources say of headers, and which headers count: the core, not the connector, counts the sources that agree (I8). Too few
 * is silence, two different hashes is silence and an alarm. Evidence waits here until its header is agreed on.
 */
#include <stdlib.h>
#include <string.h>

#include "relay/core/parts.h"

static struct core_chain *chain_of_source(struct relay_core *core, uint16_t source)
{
    return &core->chains[core->config.sources[source].chain];
}

/* ---- statements ---------------------------------------------------------------------------------------------------- */

/* mine: bit of the source that speaks, which makes a row when there is none; 0: only look. */
static struct core_statement *statement_at(struct core_chain *chain, uint64_t height, uint16_t mine)
{
    struct core_statement *lowest = &chain->statements[0], *own = NULL;
    for (size_t i = 0; i < CORE_STATEMENT_HEIGHTS; i++) {
        struct core_statement *statement = &chain->statements[i];
        if (statement->height == height && statement->said)
            return statement;
        if (statement->height < lowest->height || !statement->said)
            lowest = statement;
        if (statement->said == mine && (own == NULL || statement->height < own->height))
            own = statement;
    }
    if (mine == 0)
        return NULL;
    /* A source that speaks of many heights pushes out its own lone words first, never what others said. */
    if (lowest->said && own != NULL)
        lowest = own;
    *lowest = (struct core_statement){.height = height};
    return lowest;
}

const struct core_statement *core_agree_said(const struct relay_core *core, uint16_t index, uint64_t height)
{
    return statement_at(&core->chains[index], height, 0);
}

void core_agree_note(struct relay_core *core, uint16_t source, uint64_t height, const uint8_t hash[32])
{
    struct core_chain *chain = chain_of_source(core, source);
    size_t place = core_chain_place(chain, source);
    struct core_statement *statement = statement_at(chain, height, (uint16_t)(1u << place));
    statement->said |= (uint16_t)(1u << place);
    memcpy(statement->hash[place], hash, 32);
}

/* Asks every source that is up and has not spoken about this height. */
static void statements_ask(struct relay_core *core, struct core_chain *chain, uint64_t height)
{
    const struct core_statement *statement = statement_at(chain, height, 0);
    for (size_t i = 0; i < chain->sources_len; i++) {
        bool said = statement != NULL && (statement->said & (1u << i)) != 0;
        if (said || !core->sources[chain->sources[i]].up)
            continue;
        core_to_source(core, chain->sources[i],
                       &(struct connector_message){.type = CONNECTOR_ASK_HEADER, .ask_header = {.height = height}});
    }
}

static size_t statements_over(const struct relay_core *core, uint16_t index, uint64_t height, const uint8_t hash[32],
                              struct relay_signing_statement out[RELAY_SOURCES_MAX])
{
    struct core_chain *chain = &core->chains[index];
    const struct core_statement *statement = statement_at(chain, height, 0);
    size_t len = 0;
    for (size_t i = 0; statement != NULL && i < chain->sources_len; i++) {
        if ((statement->said & (1u << i)) == 0 || memcmp(statement->hash[i], hash, 32) != 0)
            continue;
        out[len].source = chain->sources[i];
        memcpy(out[len++].header_hash, hash, 32);
    }
    return len;
}

/* ---- agreement ----------------------------------------------------------------------------------------------------- */

static struct bytes text_bytes(const char *text)
{
    return (struct bytes){(const uint8_t *)text, strlen(text)};
}

enum proof_verdict core_agree_over(const struct relay_core *core, uint16_t index, uint64_t height,
                                   const struct core_statement *statement, struct proof_agreement_fact *fact,
                                   struct proof_result *result)
{
    const struct topology_chain *document = &core->network->chains[index];
    const struct core_chain *chain = &core->chains[index];
    struct proof_agreement_source sources[RELAY_SOURCES_MAX];
    struct proof_agreement_statement said[RELAY_SOURCES_MAX];
    size_t len = 0;
    for (size_t i = 0; i < chain->sources_len; i++) {
        const struct relay_source *source = &core->config.sources[chain->sources[i]];
        sources[i] = (struct proof_agreement_source){text_bytes(source->operator_tag), text_bytes(source->network_tag),
                                                     text_bytes(source->software_tag)};
        if (statement == NULL || (statement->said & (1u << i)) == 0)
            continue;
        said[len] =
            (struct proof_agreement_statement){.source = i, .chain = BYTES_OF(document->identity), .height = height};
        memcpy(said[len++].header_hash, statement->hash[i], 32);
    }
    /* I8: "1-of-1 runs only under --dev". */
    if (document->sources < 2 && !core->config.dev)
        return proof_refuse(result, PROOF_REASON_AGREEMENT_TRUST, 0);
    struct proof_agreement_trust trust = {BYTES_OF(document->identity), sources, chain->sources_len, document->sources};
    return proof_agreement_verify(result, fact, &trust, height, said, len);
}

/* Out of the list, with its reference: what comes of it may change the list. */
static struct core_evidence *pending_take(struct core_chain *chain, size_t at)
{
    struct core_evidence *evidence = chain->pending[at];
    chain->pending_len--;
    memmove(&chain->pending[at], &chain->pending[at + 1], (chain->pending_len - at) * sizeof(chain->pending[0]));
    return evidence;
}

/* All that it shows the newer one shows, too. */
static bool is_covered(const struct core_evidence *evidence, const struct core_evidence *newer)
{
    size_t covered = 0;
    for (size_t i = 0; i < evidence->marks_len; i++) {
        for (size_t j = 0; j < newer->marks_len; j++)
            covered +=
                newer->marks[j].log == evidence->marks[i].log && newer->marks[j].number >= evidence->marks[i].number;
    }
    return covered >= evidence->marks_len;
}

/*
 * Room for newer evidence: of below it, the newest that it covers goes, else the newest; never what waited longest, which is
 * agreed on first. So one piece after the other is taken, however far another source lags.
 */
static void pending_crowded(struct relay_core *core, struct core_chain *chain, const struct core_evidence *newer)
{
    size_t at = chain->pending_len - 1;
    while (at > 0 && !is_covered(chain->pending[at], newer))
        at--;
    struct core_evidence *evidence = pending_take(chain, at > 0 ? at : chain->pending_len - 1);
    core_note(core, RELAY_DEBUG, RELAY_REASON_EVIDENCE_CROWDED, NULL, 0, "%s: height %llu",
              core->network->chains[evidence->chain].id, (unsigned long long)evidence->fact.height);
    if (at > 0)
        core_evidence_release(evidence);
    else
        core_evidence_forget(core, evidence);
}

/* A liar may be the first to speak: a contradiction is one when nobody who is up is left to decide it. */
static bool all_spoke(const struct relay_core *core, struct core_chain *chain, uint64_t height)
{
    const struct core_statement *statement = statement_at(chain, height, 0);
    for (size_t i = 0; i < chain->sources_len; i++) {
        bool said = statement != NULL && (statement->said & (1u << i)) != 0;
        if (!said && core->sources[chain->sources[i]].up)
            return false;
    }
    return true;
}

/* `agreed` NULL: nobody knows who lies. */
static void contradiction_note(struct relay_core *core, uint16_t index, uint64_t height, const uint8_t *agreed)
{
    struct core_chain *chain = &core->chains[index];
    const struct core_statement *statement = statement_at(chain, height, 0);
    const char *who = "sources";
    for (size_t i = 0; statement != NULL && i < chain->sources_len; i++) {
        bool said = (statement->said & (1u << i)) != 0;
        if (!said || (agreed != NULL && memcmp(statement->hash[i], agreed, 32) == 0))
            continue;
        core->sources[chain->sources[i]].contradictions++;
        who = agreed != NULL ? core->config.sources[chain->sources[i]].name : who;
    }
    core_note(core, RELAY_ALARM, RELAY_REASON_SOURCES_DISAGREE, NULL, 0, "%s: at height %llu %s %s",
              core->network->chains[index].id, (unsigned long long)height, who,
              agreed != NULL ? "contradicts those that agree" : "name different headers; abstaining there");
}

/* The header of this evidence is the agreed one, or was to be. Takes the reference. */
static void evidence_agreed(struct relay_core *core, struct core_evidence *evidence,
                            const struct proof_agreement_fact *fact)
{
    struct core_chain *chain = &core->chains[evidence->chain];
    bool same = memcmp(fact->header_hash, evidence->fact.header_hash, 32) == 0;
    if (!same || !core_finality_advance(core, evidence->chain, &evidence->fact)) {
        core_note(core, RELAY_WARNING, RELAY_REASON_EVIDENCE_REFUSED, NULL, 0,
                  "%s: evidence of another header than the agreed one", core->network->chains[evidence->chain].id);
        core_evidence_refuse(core, evidence, evidence->source, "another-header-than-agreed");
        core_chain_blame(core, evidence->source, false, "evidence of another header than the agreed one");
        core_evidence_forget(core, evidence);
        return;
    }
    evidence->agreed = true;
    evidence->statements_len =
        statements_over(core, evidence->chain, fact->height, fact->header_hash, evidence->statements);
    chain->disagree = false;
    if (fact->against > 0)
        contradiction_note(core, evidence->chain, fact->height, fact->header_hash);
    chain->progress = core->now;
    for (size_t j = 0; j < chain->sources_len; j++)
        core->sources[chain->sources[j]].agreed = evidence->fact.height;
    core_evidence_apply(core, evidence);
    core_evidence_release(evidence);
}

void core_agree(struct relay_core *core, uint16_t index)
{
    struct core_chain *chain = &core->chains[index];
    for (size_t i = 0; i < chain->pending_len && !chain->mark.frozen;) {
        struct proof_agreement_fact fact;
        struct proof_result result;
        uint64_t height = chain->pending[i]->fact.height;
        if (core_agree_over(core, index, height, statement_at(chain, height, 0), &fact, &result) == PROOF_VALID) {
            evidence_agreed(core, pending_take(chain, i), &fact);
            continue;
        }
        if (result.reason == PROOF_REASON_AGREEMENT_TRUST && !chain->unusable) {
            chain->unusable = true;
            core_note(core, RELAY_ALARM, RELAY_REASON_SOURCES_DISAGREE, NULL, 0,
                      "%s: %zu sources are configured here, the network document demands %u; a single one counts only "
                      "under --dev. This relay abstains",
                      core->network->chains[index].id, chain->sources_len, core->network->chains[index].sources);
        }
        if (result.reason == PROOF_REASON_AGREEMENT_CONTRADICTION && all_spoke(core, chain, height)) {
            contradiction_note(core, index, height, NULL);
            chain->disagree = true;
            core_evidence_forget(core, pending_take(chain, i));
            continue;
        }
        i++;
    }
}

void core_agree_pend(struct relay_core *core, struct core_evidence *evidence)
{
    struct core_chain *chain = &core->chains[evidence->chain];
    core_agree_note(core, evidence->source, evidence->fact.height, evidence->fact.header_hash);
    if (evidence->source != chain->primary) { /* another one serves by now, and gives its own */
        core_evidence_release(evidence);
        return;
    }
    if (chain->pending_len == CORE_PENDING_EVIDENCE)
        pending_crowded(core, chain, evidence);
    uint64_t height = evidence->fact.height;
    chain->pending[chain->pending_len++] = evidence;
    core_agree(core, evidence->chain);
    for (size_t i = 0; i < chain->pending_len; i++) {
        if (chain->pending[i] == evidence)
            statements_ask(core, chain, height);
    }
}

void core_agree_ask(struct relay_core *core, uint16_t index)
{
    struct core_chain *chain = &core->chains[index];
    for (size_t i = 0; i < chain->pending_len; i++)
        statements_ask(core, chain, chain->pending[i]->fact.height);
}

void core_agree_drop(struct core_chain *chain)
{
    while (chain->pending_len > 0)
        core_evidence_release(pending_take(chain, chain->pending_len - 1));
}
