/*
 * The signer's judgement: from a request to a signature or a reason. Everything it needs is allocated beforehand.
 */
#include "relay/edge/signer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proofs/codec/connector.h"
#include "proofs/codec/sodium.h"
#include "proofs/eth_evidence.h"
#include "proofs/frame.h"
#include "proofs/merkle.h"
#include "relay/core/core.h"

enum {
    LEAVES_MAX = RELAY_SIGNING_LOGS_MAX * RELAY_SIGNING_HEADS_MAX,
    ANSWER_MAX = 512 * 1024, /* 256 leaves with their paths are a quarter of it */
    REASON_TEXT = 160
};

/* What came of one log of a request. */
struct judged {
    enum edge_signer_reason reason; /* OK: its heads are among signer->heads */
    bool guard_told;                /* the relay should hear where the guard stands */
    bool heads_left_out;
    struct edge_guard_row row; /* OK: the guard's next row; FROZEN: the row to freeze when `freeze` is set */
    bool advances, freeze;
};

struct edge_signer {
    const struct edge_signer_trust *trust;
    struct edge_guard *guard;
    const struct edge_signer_out *out;
    struct relay_signing_request request;
    struct relay_signing_statement statements[RELAY_SOURCES_MAX];
    struct relay_signing_log logs[RELAY_SIGNING_LOGS_MAX];
    struct connector_scratch scratch;
    struct connector_message evidence;
    struct proof_eth_log_place places[PROOF_ETH_EVIDENCE_LOGS_MAX];
    struct proof_eth_evidence_fact fact;
    enum proof_suite suite; /* of the request's chain */
    struct judged judged[RELAY_SIGNING_LOGS_MAX];
    struct proof_head heads[LEAVES_MAX]; /* to be signed */
    size_t heads_len;
    uint8_t hashes[PROOF_ITEM_LEAVES_MAX][32]; /* of the leaves of one item */
    uint8_t leaves[PROOF_ITEM_LEAVES_MAX][32]; /* their copy, which building a tree uses up */
    struct codec_pack leaves_pack, item_pack;
    uint8_t answer[ANSWER_MAX];
    char text[REASON_TEXT]; /* proofs' reason, where there is one */
};

const char *edge_signer_reason_name(enum edge_signer_reason reason)
{
    switch (reason) {
    case EDGE_SIGNER_OK: return "ok";
#define X(name, text)                                                                                                  \
    case EDGE_SIGNER_##name: return text;
        EDGE_SIGNER_REASONS(X)
#undef X
    }
    return "unknown";
}

struct edge_signer *edge_signer_new(const struct edge_signer_trust *trust, struct edge_guard *guard)
{
    struct edge_signer *signer = calloc(1, sizeof(*signer));
    if (signer == NULL)
        return NULL;
    signer->trust = trust;
    signer->guard = guard;
    codec_pack_init(&signer->leaves_pack, ANSWER_MAX / 2);
    codec_pack_init(&signer->item_pack, ANSWER_MAX / 2);
    /* Room now, so that none has to be found later. */
    if (codec_pack_reserve(&signer->leaves_pack, ANSWER_MAX / 2) == NULL ||
        codec_pack_reserve(&signer->item_pack, ANSWER_MAX / 2) == NULL) {
        edge_signer_free(signer);
        return NULL;
    }
    return signer;
}

void edge_signer_free(struct edge_signer *signer)
{
    if (signer == NULL)
        return;
    codec_pack_fini(&signer->leaves_pack);
    codec_pack_fini(&signer->item_pack);
    free(signer);
}

/* ---- answers ------------------------------------------------------------------------------------------------------- */

static bool send(struct edge_signer *signer, const struct relay_signing_answer *answer)
{
    size_t len = relay_signing_answer_write(signer->answer, sizeof(signer->answer), answer);
    return len > 0 && signer->out->answer(signer->out->context, (struct bytes){signer->answer, len});
}

static bool send_guard(struct edge_signer *signer, uint64_t id, const struct edge_guard_row *row)
{
    struct relay_signing_answer answer = {.type = RELAY_SIGNING_GUARD, .id = id, .number = row->number};
    memcpy(answer.log, row->log, 32);
    memcpy(answer.running, row->running, 32);
    return send(signer, &answer);
}

/* The last answer to every request: nothing but the end. */
static bool send_end(struct edge_signer *signer, uint64_t id)
{
    struct relay_signing_answer answer = {.type = RELAY_SIGNING_GUARD, .id = id, .last = true};
    return send(signer, &answer);
}

/* log NULL: the whole request. */
static bool send_refusal(struct edge_signer *signer, uint64_t id, const uint8_t *log, enum edge_signer_reason reason)
{
    char text[2 * REASON_TEXT];
    struct relay_signing_answer answer = {.type = RELAY_SIGNING_REFUSAL, .id = id};
    if (log != NULL)
        memcpy(answer.log, log, 32);
    int len = snprintf(text, sizeof(text), "%s%s%s", edge_signer_reason_name(reason), signer->text[0] ? ":" : "",
                       signer->text);
    answer.body = (struct bytes){(const uint8_t *)text, (size_t)len};
    return send(signer, &answer);
}

bool edge_signer_greet(struct edge_signer *signer, const struct edge_signer_out *out)
{
    const struct edge_guard_row *rows;
    size_t len = edge_guard_rows(signer->guard, &rows);
    signer->out = out;
    for (size_t i = 0; i < len; i++) {
        if (!send_guard(signer, 0, &rows[i]))
            return false;
    }
    return send_end(signer, 0);
}

/* ---- the request as a whole: which header, and what stands under it --------------------------------------------------- */

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

static enum edge_signer_reason request_verify(struct edge_signer *signer)
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
    return reason == EDGE_SIGNER_OK ? agreement_verify(signer) : reason;
}

/* ---- one log ------------------------------------------------------------------------------------------------------- */

/* Where the guard stands; for a log that was never signed: at 0, with the running hash of the empty log. */
static struct edge_guard_row guard_row(const struct edge_signer *signer, const struct topology_lane *lane, uint8_t kind)
{
    const uint8_t *log = lane->logs[kind - 1];
    const struct edge_guard_row *found = edge_guard_find(signer->guard, log);
    if (found != NULL)
        return *found;
    struct edge_guard_row row = {.number = 0};
    memcpy(row.log, log, 32);
    /* formats 4: "Its head is (log id of kind 3, M, Q_M)", and Q_0 is the log id of kind 2. */
    memcpy(row.running, lane->logs[kind == PROOF_LOG_SETTLEMENT ? PROOF_LOG_OUTCOME - 1 : kind - 1], 32);
    return row;
}

static enum edge_signer_reason lane_check(const struct edge_signer *signer, const struct topology_lane *lane,
                                          uint8_t kind)
{
    uint8_t evidence = signer->evidence.evidence.kind == CONNECTOR_EVIDENCE_SLOT ? TOPOLOGY_EVIDENCE_AGREEMENT_SLOT
                                                                                 : TOPOLOGY_EVIDENCE_AGREEMENT_RECEIPTS;
    bool stopped = lane->state == TOPOLOGY_LANE_PAUSED || lane->state == TOPOLOGY_LANE_CLOSED;
    if (topology_log_home(lane, kind) != signer->request.chain)
        return EDGE_SIGNER_LOG_CHAIN;
    if (stopped && kind == PROOF_LOG_MESSAGE) /* what was delivered still settles */
        return EDGE_SIGNER_LANE_STATE;
    return (lane->evidence & evidence) != 0 ? EDGE_SIGNER_OK : EDGE_SIGNER_EVIDENCE_KIND;
}

/* Ascending, none beyond the items. */
static bool heads_ascend(const struct relay_signing_log *log)
{
    for (uint32_t i = 0; i < log->heads_len; i++) {
        if (log->heads[i] == 0 || log->heads[i] > log->from + log->count - 1 ||
            (i > 0 && log->heads[i] <= log->heads[i - 1]))
            return false;
    }
    return log->heads_len > 0;
}

/*
 * Walks the items and gathers the heads that it meets. *running: at the last item. False when the walk does not pass
 * through the guard's own (number, running): then nothing of it can be believed.
 */
static bool walk(struct edge_signer *signer, const struct relay_signing_log *log, const struct edge_guard_row *guard,
                 struct judged *out, uint8_t running[32])
{
    uint32_t next = 0;
    while (next < log->heads_len && log->heads[next] < log->from - (log->from > 1))
        next++; /* below what the items show */
    out->heads_left_out = next > 0;
    for (uint32_t i = 0;; i++) {
        uint64_t number = log->from - 1 + i;
        if (number == guard->number && memcmp(running, guard->running, 32) != 0)
            return false;
        if (next < log->heads_len && log->heads[next] == number) {
            struct proof_head *head = &signer->heads[signer->heads_len++];
            memcpy(head->log, log->log, 32);
            head->number = number;
            memcpy(head->running, running, 32);
            next++;
        }
        if (i == log->count)
            return true;
        uint8_t item[1][32];
        memcpy(item[0], log->items.data + 32 * (size_t)i, 32);
        proof_running_hash_extend(running, signer->suite, (const uint8_t(*)[32])item, 1);
    }
}

static const uint8_t *fact_running(const struct edge_signer *signer, const uint8_t log[32], uint64_t *number)
{
    for (size_t i = 0; i < signer->fact.logs_len; i++) {
        if (memcmp(signer->fact.logs[i].log, log, 32) == 0) {
            *number = signer->fact.logs[i].number;
            return signer->fact.logs[i].running;
        }
    }
    return NULL;
}

static enum edge_signer_reason items_judge(struct edge_signer *signer, const struct relay_signing_log *log,
                                           const struct edge_guard_row *guard, const uint8_t empty[32],
                                           struct judged *out)
{
    uint64_t shown_number, end = log->from + log->count - 1;
    uint8_t running[32];
    const uint8_t *shown = fact_running(signer, log->log, &shown_number);
    size_t heads_before = signer->heads_len;
    if (shown == NULL)
        return EDGE_SIGNER_NOT_IN_EVIDENCE;
    if (log->from > guard->number + 1 || end < guard->number) {
        out->guard_told = true;
        return EDGE_SIGNER_NOT_AT_GUARD;
    }
    if (!heads_ascend(log))
        return EDGE_SIGNER_HEADS;
    memcpy(running, log->from == 1 ? empty : log->from == guard->number + 1 ? guard->running : log->prior, 32);
    bool through = walk(signer, log, guard, out, running);
    bool leads = through && memcmp(running, shown, 32) == 0 && (shown_number == 0 || shown_number == end);
    if (!leads)
        signer->heads_len = heads_before;
    if (!through) {
        out->guard_told = true;
        return EDGE_SIGNER_NOT_AT_GUARD;
    }
    if (!leads && guard->number > 0 && end > guard->number) {
        /* DESIGN 9: a source contradicts a head that we signed: frozen here at once. With nothing beyond the guard it
         * may only be older evidence. */
        out->row = *guard;
        out->row.frozen = out->freeze = true;
        return EDGE_SIGNER_FROZEN;
    }
    if (!leads)
        return EDGE_SIGNER_DOES_NOT_LEAD;
    if (signer->heads_len == heads_before)
        return EDGE_SIGNER_HEADS;
    const struct proof_head *last = &signer->heads[signer->heads_len - 1];
    out->advances = last->number > guard->number;
    out->row = *guard;
    out->row.number = last->number;
    memcpy(out->row.running, last->running, 32);
    return EDGE_SIGNER_OK;
}

static void log_judge(struct edge_signer *signer, size_t index)
{
    const struct relay_signing_log *log = &signer->logs[index];
    struct judged *out = &signer->judged[index];
    uint8_t kind;
    *out = (struct judged){.reason = EDGE_SIGNER_UNKNOWN_LOG};
    int lane_index = topology_lane_by_log(signer->trust->network, log->log, &kind);
    if (lane_index < 0)
        return;
    const struct topology_lane *lane = &signer->trust->network->lanes[lane_index];
    out->reason = lane_check(signer, lane, kind);
    for (size_t i = 0; i < index; i++) {
        if (memcmp(signer->logs[i].log, log->log, 32) == 0)
            out->reason = EDGE_SIGNER_LOG_TWICE;
    }
    if (out->reason != EDGE_SIGNER_OK)
        return;
    struct edge_guard_row guard = guard_row(signer, lane, kind);
    const uint8_t *empty = lane->logs[kind == PROOF_LOG_SETTLEMENT ? PROOF_LOG_OUTCOME - 1 : kind - 1];
    out->reason = guard.frozen ? EDGE_SIGNER_FROZEN : items_judge(signer, log, &guard, empty, out);
    if (out->guard_told)
        out->row = guard;
}

/* ---- signing ------------------------------------------------------------------------------------------------------- */

/* What is signed or frozen is on disk before a byte of it leaves (I7). */
static bool guard_advance(struct edge_signer *signer)
{
    struct edge_guard_row rows[RELAY_SIGNING_LOGS_MAX];
    size_t len = 0;
    for (size_t i = 0; i < signer->request.logs_len; i++) {
        if (signer->judged[i].advances || signer->judged[i].freeze)
            rows[len++] = signer->judged[i].row;
    }
    return edge_guard_advance(signer->guard, rows, len, signer->text, sizeof(signer->text));
}

static bool leaves_pack(struct edge_signer *signer, const struct proof_head *heads, size_t count)
{
    codec_pack_clear(&signer->leaves_pack);
    for (size_t i = 0; i < count; i++) {
        struct proof_path path;
        struct proof_item_leaf leaf = {.leaf = {.kind = PROOF_LEAF_HEAD, .head = heads[i]}};
        memcpy(signer->leaves, signer->hashes, 32 * count);
        if (!proof_merkle_path(&path, signer->suite, signer->leaves, count, i))
            return false;
        leaf.path = (struct bytes){path.siblings[0], 32 * path.count};
        proof_pack_leaf(&signer->leaves_pack, &leaf);
    }
    return !signer->leaves_pack.failed;
}

/* One root over some heads, one signature, one attestation item. */
static bool heads_sign(struct edge_signer *signer, const struct proof_head *heads, size_t count)
{
    const struct topology_network *network = signer->trust->network;
    size_t place = proof_suites_place(PROOF_SUITES_ALL, signer->suite);
    const struct proof_key *key = &signer->trust->keys[place].key;
    struct proof_item item = {.type = PROOF_ITEM_ATTESTATION};
    struct proof_item_attestation *attestation = &item.attestation;
    struct proof_result result;
    uint8_t id[32], message[32];
    for (size_t i = 0; i < count; i++)
        proof_leaf_hash_head(signer->hashes[i], signer->suite, &heads[i]);
    if (!leaves_pack(signer, heads, count))
        return false;
    memcpy(signer->leaves, signer->hashes, 32 * count);
    attestation->suite = signer->suite;
    memcpy(attestation->key_id, key->id, 32);
    if (!proof_merkle_root(attestation->root, signer->suite, signer->leaves, count) ||
        !proof_network_id(id, signer->suite, network->name))
        return false;
    proof_signed_bytes(message, signer->suite, id, attestation->root);
    /* A signature that does not verify shows a fault, and may give the key away: it does not leave. */
    if (!proof_signature_sign(attestation->signature, signer->suite, signer->trust->keys[place].secret, message) ||
        proof_signature_verify(key, message, attestation->signature, &result) != PROOF_VALID)
        return false;
    attestation->count = (uint16_t)count;
    attestation->leaves = codec_pack_bytes(&signer->leaves_pack);
    codec_pack_clear(&signer->item_pack);
    return proof_item_write(&signer->item_pack, &item);
}

static bool attest(struct edge_signer *signer)
{
    for (size_t at = 0; at < signer->heads_len; at += PROOF_ITEM_LEAVES_MAX) {
        size_t count = signer->heads_len - at < PROOF_ITEM_LEAVES_MAX ? signer->heads_len - at : PROOF_ITEM_LEAVES_MAX;
        struct relay_signing_answer answer = {.type = RELAY_SIGNING_ATTESTATION, .id = signer->request.id};
        if (!heads_sign(signer, &signer->heads[at], count)) {
            if (!send_refusal(signer, signer->request.id, NULL, EDGE_SIGNER_SIGNING))
                return false;
            continue;
        }
        answer.body = codec_pack_bytes(&signer->item_pack);
        if (!send(signer, &answer))
            return false;
    }
    return true;
}

static bool refusals_send(struct edge_signer *signer)
{
    bool sent = true;
    for (size_t i = 0; i < signer->request.logs_len && sent; i++) {
        const struct judged *judged = &signer->judged[i];
        signer->text[0] = '\0';
        if (judged->guard_told)
            sent = send_guard(signer, signer->request.id, &judged->row);
        if (sent && judged->reason != EDGE_SIGNER_OK)
            sent = send_refusal(signer, signer->request.id, signer->logs[i].log, judged->reason);
        else if (sent && judged->heads_left_out)
            sent = send_refusal(signer, signer->request.id, signer->logs[i].log, EDGE_SIGNER_HEADS);
    }
    return sent;
}

bool edge_signer_request(struct edge_signer *signer, struct bytes message, const struct edge_signer_out *out)
{
    signer->out = out;
    signer->text[0] = '\0';
    signer->heads_len = 0;
    enum edge_signer_reason reason = EDGE_SIGNER_MALFORMED;
    if (relay_signing_request_read(&signer->request, signer->statements, signer->logs, message))
        reason = request_verify(signer);
    uint64_t id = signer->request.id;
    if (reason != EDGE_SIGNER_OK)
        return send_refusal(signer, id, NULL, reason) && send_end(signer, id);
    for (size_t i = 0; i < signer->request.logs_len; i++)
        log_judge(signer, i);
    if (!guard_advance(signer)) {
        send_refusal(signer, id, NULL, EDGE_SIGNER_GUARD);
        send_end(signer, id);
        return false;
    }
    return attest(signer) && refusals_send(signer) && send_end(signer, id);
}
