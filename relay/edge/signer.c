/*
 * The signer's judgement: from a request to a signature or a reason. Everything it needs is allocated beforehand.
 */
#include "relay/edge/signer_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proofs/codec/connector.h"
#include "proofs/codec/sodium.h"
#include "proofs/eth_evidence.h"
#include "proofs/frame.h"
#include "proofs/merkle.h"
#include "relay/core/core.h"

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
    codec_pack_init(&signer->leaves_pack, EDGE_SIGNER_ANSWER_MAX / 2);
    codec_pack_init(&signer->item_pack, EDGE_SIGNER_ANSWER_MAX / 2);
    /* Room now, so that none has to be found later. */
    if (codec_pack_reserve(&signer->leaves_pack, EDGE_SIGNER_ANSWER_MAX / 2) == NULL ||
        codec_pack_reserve(&signer->item_pack, EDGE_SIGNER_ANSWER_MAX / 2) == NULL) {
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

/* Where its light client of a chain stands, and which header it needs first. */
bool edge_signer_send_trust(struct edge_signer *signer, uint64_t id, uint16_t chain, uint64_t want)
{
    uint8_t body[8];
    struct codec_writer writer;
    struct relay_signing_answer answer = {.type = RELAY_SIGNING_TRUST, .id = id, .body = BYTES_OF(body)};
    if (!edge_signer_light_stands(signer->trust->light, chain, &answer.number, answer.running))
        return true;
    memcpy(answer.log, signer->trust->network->chains[chain].identity, 32);
    codec_writer_init(&writer, body, sizeof(body));
    codec_write_u64(&writer, want);
    return send(signer, &answer);
}

/* The last answer to every request: nothing but the end. */
bool edge_signer_send_end(struct edge_signer *signer, uint64_t id)
{
    struct relay_signing_answer answer = {.type = RELAY_SIGNING_GUARD, .id = id, .last = true};
    return send(signer, &answer);
}

/* log NULL: the whole request. */
bool edge_signer_send_refusal(struct edge_signer *signer, uint64_t id, const uint8_t *log,
                              enum edge_signer_reason reason)
{
    char text[2 * EDGE_SIGNER_TEXT];
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
    for (uint16_t i = 0; signer->trust->light != NULL && i < signer->trust->network->chains_len; i++) {
        if (!edge_signer_send_trust(signer, 0, i, edge_signer_light_needs(signer->trust->light, i)))
            return false;
    }
    return edge_signer_send_end(signer, 0);
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

static uint8_t evidence_bit(enum connector_evidence_kind kind)
{
    switch (kind) {
    case CONNECTOR_EVIDENCE_SLOT: return TOPOLOGY_EVIDENCE_AGREEMENT_SLOT;
    case CONNECTOR_EVIDENCE_RECEIPTS: return TOPOLOGY_EVIDENCE_AGREEMENT_RECEIPTS;
    case CONNECTOR_EVIDENCE_ICS23: return TOPOLOGY_EVIDENCE_ICS23;
    }
    return 0;
}

static enum edge_signer_reason lane_check(const struct edge_signer *signer, const struct topology_lane *lane,
                                          uint8_t kind)
{
    uint8_t evidence = evidence_bit(signer->evidence.evidence.kind);
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
 * through the guard's own (number, running): then none of these heads may be signed.
 */
static bool walk(struct edge_signer *signer, const struct relay_signing_log *log, const struct edge_guard_row *guard,
                 struct judged *out, uint8_t running[32])
{
    bool through = true;
    uint32_t next = 0;
    while (next < log->heads_len && log->heads[next] < log->from - (log->from > 1))
        next++; /* below what the items show */
    out->heads_left_out = next > 0;
    for (uint32_t i = 0;; i++) {
        uint64_t number = log->from - 1 + i;
        if (number == guard->number)
            through = memcmp(running, guard->running, 32) == 0;
        if (next < log->heads_len && log->heads[next] == number) {
            struct proof_head *head = &signer->heads[signer->heads_len++];
            memcpy(head->log, log->log, 32);
            head->number = number;
            memcpy(head->running, running, 32);
            next++;
        }
        if (i == log->count)
            return through;
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

static enum edge_signer_reason freeze(struct judged *out, const struct edge_guard_row *guard)
{
    out->row = *guard;
    out->row.frozen = out->freeze = true;
    return EDGE_SIGNER_FROZEN;
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
    if (guard->number > 0 && shown_number == guard->number && memcmp(shown, guard->running, 32) != 0)
        return freeze(out, guard); /* the evidence says so itself, whatever the items are */
    if (log->from > guard->number + 1 || end < guard->number) {
        out->guard_told = true;
        return EDGE_SIGNER_NOT_AT_GUARD;
    }
    if (!heads_ascend(log))
        return EDGE_SIGNER_HEADS;
    memcpy(running, log->from == 1 ? empty : log->from == guard->number + 1 ? guard->running : log->prior, 32);
    bool through = walk(signer, log, guard, out, running);
    bool leads = memcmp(running, shown, 32) == 0 && (shown_number == 0 || shown_number == end);
    /* A slot names no number: there only a way from the log's beginning counts them. */
    bool numbered = shown_number == end || log->from == 1;
    if (!through || !leads)
        signer->heads_len = heads_before;
    if (!through && leads && numbered)
        return freeze(out, guard); /* only one way leads to a hash, and this one passes the guard elsewhere */
    if (!through) {
        out->guard_told = true;
        return EDGE_SIGNER_NOT_AT_GUARD;
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
            if (!edge_signer_send_refusal(signer, signer->request.id, NULL, EDGE_SIGNER_SIGNING))
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
            sent = edge_signer_send_refusal(signer, signer->request.id, signer->logs[i].log, judged->reason);
        else if (sent && judged->heads_left_out)
            sent = edge_signer_send_refusal(signer, signer->request.id, signer->logs[i].log, EDGE_SIGNER_HEADS);
    }
    return sent;
}

bool edge_signer_request(struct edge_signer *signer, struct bytes message, const struct edge_signer_out *out)
{
    signer->out = out;
    signer->light_call = (struct edge_signer_light_call){0};
    if (relay_signing_is_header(message)) {
        signer->text[0] = '\0';
        return edge_signer_header(signer, message);
    }
    signer->text[0] = '\0';
    signer->heads_len = 0;
    enum edge_signer_reason reason = EDGE_SIGNER_MALFORMED;
    if (relay_signing_request_read(&signer->request, signer->statements, signer->logs, message))
        reason = edge_signer_verify(signer);
    uint64_t id = signer->request.id;
    if (reason == EDGE_SIGNER_TOO_FAR)
        return edge_signer_send_trust(signer, id, signer->request.chain, signer->light_call.want) &&
               edge_signer_send_end(signer, id);
    if (reason != EDGE_SIGNER_OK)
        return edge_signer_send_refusal(signer, id, NULL, reason) && edge_signer_send_end(signer, id) &&
               !signer->light_call.unsaved;
    for (size_t i = 0; i < signer->request.logs_len; i++)
        log_judge(signer, i);
    if (!guard_advance(signer)) {
        edge_signer_send_refusal(signer, id, NULL, EDGE_SIGNER_GUARD);
        edge_signer_send_end(signer, id);
        return false;
    }
    uint16_t chain = signer->request.chain;
    bool light = topology_chain_is_light(&signer->trust->network->chains[chain]); /* its trust moved, perhaps */
    return attest(signer) && refusals_send(signer) && (!light || edge_signer_send_trust(signer, id, chain, 0)) &&
           edge_signer_send_end(signer, id);
}
