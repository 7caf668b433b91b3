/*
 * The request as a whole: which header, and what stands under it. By sources that agree, or by the signer's own light client.
 */
#include <stdio.h>
#include <string.h>

#include "relay/edge/signer_parts.h"

static enum edge_signer_reason refuse_proof(struct edge_signer *signer, enum edge_signer_reason reason,
                                            const struct proof_result *result)
{
    snprintf(signer->text, sizeof(signer->text), "%s", proof_reason_text(result->reason));
    return reason;
}

/* Which log each mark of the evidence speaks of: a watch is lane * 3 + kind - 1, as the relay gives them out. */
static enum edge_signer_reason places_find(struct edge_signer *signer)
{
    const struct topology_network *network = signer->trust->network;
    const struct connector_evidence *evidence = &signer->evidence.evidence;
    if (evidence->marks_len > PROOF_ETH_EVIDENCE_LOGS_MAX)
        return EDGE_SIGNER_EVIDENCE_FORM;
    for (size_t i = 0; i < evidence->marks_len; i++) {
        uint32_t watch = evidence->marks[i].watch;
        if (watch / TOPOLOGY_LOGS_PER_LANE >= network->lanes_len)
            return EDGE_SIGNER_EVIDENCE_LOG;
        const struct topology_lane *lane = &network->lanes[watch / TOPOLOGY_LOGS_PER_LANE];
        uint8_t kind = (uint8_t)(watch % TOPOLOGY_LOGS_PER_LANE + 1);
        if (topology_log_home(lane, kind) != signer->request.chain)
            return EDGE_SIGNER_EVIDENCE_LOG;
        memcpy(signer->places[i].log, lane->logs[kind - 1], 32);
        memcpy(signer->places[i].lane, lane->id, 32);
        signer->places[i].kind = kind;
    }
    return EDGE_SIGNER_OK;
}

/* By a light client: the header proves itself, from a header that this signer trusts. */
static enum edge_signer_reason light_verify(struct edge_signer *signer, const uint8_t account[32])
{
    const struct connector_evidence *evidence = &signer->evidence.evidence;
    struct edge_signer_light_call *call = &signer->light_call;
    for (size_t i = 0; i < evidence->marks_len; i++) {
        memcpy(signer->light_places[i].log, signer->places[i].log, 32);
        signer->light_places[i].kind = signer->places[i].kind;
    }
    *call = (struct edge_signer_light_call){.chain = signer->request.chain,
                                            .now = signer->trust->unix_time(),
                                            .bundle = evidence->header,
                                            .proof = evidence->proof,
                                            .places = signer->light_places,
                                            .places_len = evidence->marks_len,
                                            .text = signer->text,
                                            .cap = sizeof(signer->text)};
    memcpy(call->account, account, 32);
    enum proof_verdict verdict = edge_signer_light_verify(signer->trust->light, call, &signer->light_fact);
    if (call->unsaved)
        return EDGE_SIGNER_GUARD;
    if (verdict == PROOF_NOT_ENOUGH_TRUST)
        return EDGE_SIGNER_TOO_FAR;
    if (verdict != PROOF_VALID)
        return refuse_proof(signer, EDGE_SIGNER_EVIDENCE, &call->result);
    signer->fact =
        (struct proof_eth_evidence_fact){.height = signer->light_fact.height, .logs_len = signer->light_fact.logs_len};
    for (size_t i = 0; i < signer->fact.logs_len; i++) {
        memcpy(signer->fact.logs[i].log, signer->light_fact.logs[i].log, 32);
        memcpy(signer->fact.logs[i].running, signer->light_fact.logs[i].running, 32);
        signer->fact.logs[i].number = signer->light_fact.logs[i].number;
    }
    return EDGE_SIGNER_OK;
}

static enum edge_signer_reason evidence_verify(struct edge_signer *signer)
{
    const struct topology_chain *chain = &signer->trust->network->chains[signer->request.chain];
    struct proof_result result = {0};
    if (!codec_connector_decode(&signer->evidence, &signer->scratch, signer->request.evidence, NULL) ||
        signer->evidence.type != CONNECTOR_EVIDENCE)
        return EDGE_SIGNER_EVIDENCE_FORM;
    enum edge_signer_reason reason = places_find(signer);
    if (reason != EDGE_SIGNER_OK)
        return reason;
    /* "Where it lives is trusted configuration": outcomes stand in the inbox, the other two in the outbox. */
    for (size_t i = 1; i < signer->evidence.evidence.marks_len; i++) {
        if ((signer->places[i].kind == PROOF_LOG_OUTCOME) != (signer->places[0].kind == PROOF_LOG_OUTCOME))
            return EDGE_SIGNER_EVIDENCE_LOG; /* logs of two contracts in one evidence message */
    }
    const uint8_t *account = signer->places[0].kind == PROOF_LOG_OUTCOME ? chain->inbox : chain->outbox;
    bool light = topology_chain_is_light(chain);
    if (light != (signer->evidence.evidence.kind == CONNECTOR_EVIDENCE_ICS23) ||
        (light && signer->trust->light == NULL))
        return EDGE_SIGNER_EVIDENCE_KIND;
    if (light)
        return light_verify(signer, account);
    if (proof_eth_evidence_verify(&result, &signer->fact, account, signer->places, signer->evidence.evidence.marks_len,
                                  signer->request.evidence) != PROOF_VALID)
        return refuse_proof(signer, EDGE_SIGNER_EVIDENCE, &result);
    return EDGE_SIGNER_OK;
}

static struct bytes text_bytes(const char *text)
{
    return (struct bytes){(const uint8_t *)text, strlen(text)};
}

/* I8: the chain's demanded number of independent sources named this very header. */
static enum edge_signer_reason agreement_verify(struct edge_signer *signer)
{
    const struct edge_signer_trust *trust = signer->trust;
    const struct topology_chain *chain = &trust->network->chains[signer->request.chain];
    struct proof_agreement_source sources[PROOF_AGREEMENT_SOURCES_MAX];
    struct proof_agreement_statement said[RELAY_SOURCES_MAX];
    struct proof_agreement_trust agreement = {.chain = BYTES_OF(chain->identity), .sources = sources};
    struct proof_agreement_fact fact;
    struct proof_result result = {0};
    size_t said_len = 0;
    for (size_t i = 0; i < trust->sources_len; i++) {
        const struct relay_source *source = &trust->sources[i];
        if (source->chain != signer->request.chain || agreement.source_count == PROOF_AGREEMENT_SOURCES_MAX)
            continue;
        size_t place = agreement.source_count++;
        sources[place] = (struct proof_agreement_source){
            text_bytes(source->operator_tag), text_bytes(source->network_tag), text_bytes(source->software_tag)};
        for (size_t j = 0; j < signer->request.statements_len && said_len < RELAY_SOURCES_MAX; j++) {
            if (signer->statements[j].source != i)
                continue;
            said[said_len] = (struct proof_agreement_statement){
                .source = place, .chain = BYTES_OF(chain->identity), .height = signer->fact.height};
            memcpy(said[said_len++].header_hash, signer->statements[j].header_hash, 32);
        }
    }
    if (said_len != signer->request.statements_len)
        return EDGE_SIGNER_SOURCE;
    agreement.demanded = chain->sources;
    if (chain->sources < 2 && !trust->dev)
        return EDGE_SIGNER_SINGLE_SOURCE;
    if (proof_agreement_verify(&result, &fact, &agreement, signer->fact.height, said, said_len) != PROOF_VALID)
        return refuse_proof(signer, EDGE_SIGNER_AGREEMENT, &result);
    return memcmp(fact.header_hash, signer->fact.header_hash, 32) == 0 ? EDGE_SIGNER_OK : EDGE_SIGNER_HEADER;
}

enum edge_signer_reason edge_signer_verify(struct edge_signer *signer)
{
    const struct topology_network *network = signer->trust->network;
    uint8_t document[32];
    if (!relay_signing_document(document, network->hash, signer->trust->sources, signer->trust->sources_len) ||
        memcmp(signer->request.document, document, 32) != 0)
        return EDGE_SIGNER_DOCUMENT;
    if (signer->request.chain >= network->chains_len)
        return EDGE_SIGNER_CHAIN;
    signer->suite = proof_suite_by_bit(network->chains[signer->request.chain].suite);
    if (signer->suite == PROOF_SUITE_NONE ||
        signer->trust->keys[proof_suites_place(PROOF_SUITES_ALL, signer->suite)].key.suite != signer->suite)
        return EDGE_SIGNER_NO_KEY;
    enum edge_signer_reason reason = evidence_verify(signer);
    bool light = topology_chain_is_light(&network->chains[signer->request.chain]);
    return reason == EDGE_SIGNER_OK && !light ? agreement_verify(signer) : reason;
}

/* A header to step to. */
bool edge_signer_header(struct edge_signer *signer, struct bytes message)
{
    const struct topology_network *network = signer->trust->network;
    struct relay_signing_header header;
    struct edge_signer_light_call *call = &signer->light_call;
    uint8_t document[32];
    bool read = relay_signing_header_read(&header, message);
    if (!read || header.chain >= network->chains_len || signer->trust->light == NULL ||
        !relay_signing_document(document, network->hash, signer->trust->sources, signer->trust->sources_len) ||
        memcmp(header.document, document, 32) != 0) {
        enum edge_signer_reason reason = read ? EDGE_SIGNER_DOCUMENT : EDGE_SIGNER_MALFORMED;
        return edge_signer_send_refusal(signer, header.id, NULL, reason) && edge_signer_send_end(signer, header.id);
    }
    *call = (struct edge_signer_light_call){.chain = header.chain,
                                            .now = signer->trust->unix_time(),
                                            .bundle = header.bundle,
                                            .text = signer->text,
                                            .cap = sizeof(signer->text)};
    enum proof_verdict verdict = edge_signer_light_verify(signer->trust->light, call, NULL);
    uint64_t want = verdict == PROOF_INVALID ? edge_signer_light_needs(signer->trust->light, header.chain) : call->want;
    enum edge_signer_reason reason = call->unsaved ? EDGE_SIGNER_GUARD : EDGE_SIGNER_HEADER_REFUSED;
    bool told = verdict != PROOF_INVALID || (refuse_proof(signer, reason, &call->result) == reason &&
                                             edge_signer_send_refusal(signer, header.id, NULL, reason));
    return told && edge_signer_send_trust(signer, header.id, header.chain, want) &&
           edge_signer_send_end(signer, header.id) && !call->unsaved;
}
