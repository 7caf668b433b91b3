/* The contracts of the model chains: registry, inbox and outbox in plain C, with the rules of docs/formats.md. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/model.h"

/* ---- calls --------------------------------------------------------------------------------------------------------- */

static int member_order(const void *a, const void *b)
{
    const struct proof_member *one = a, *other = b;
    int order = (int)one->operator-(int) other->operator;
    return order ? order : memcmp(one->key.id, other->key.id, 32);
}

void model_rotate(struct model *model, uint16_t chain, uint64_t overlap)
{
    model->epoch[chain]++;
    model->overlap_end[chain] = model_time(model->height[chain]) + overlap;
}

/* The current epoch and, while its overlap lasts, the one before; NULL: certificates of this one count for nothing. */
static const struct topology_epoch *epoch_of(const struct model *model, uint16_t chain, uint64_t number)
{
    const struct topology_epoch *current = &model->network->chains[chain].epochs[model->epoch[chain]];
    bool overlap = model_time(model->height[chain]) < model->overlap_end[chain];
    if (number + 1 == current->number && overlap)
        return current - 1;
    return number == current->number ? current : NULL;
}

static const char *certificate_check(const struct model *model, uint16_t chain, const struct connector_submit *submit,
                                     struct proof_head *head)
{
    const struct topology_epoch *epoch = epoch_of(model, chain, submit->certificate.epoch);
    if (epoch == NULL)
        return "no such epoch, or it has ended";
    struct proof_member members[TOPOLOGY_OPERATORS_MAX];
    struct proof_attestation attestations[TOPOLOGY_OPERATORS_MAX];
    struct proof_epoch_members trusted = {model->suite, epoch->number, epoch->quorum, members, epoch->keys_len};
    struct proof_certificate certificate = {.suite = model->suite, .epoch = submit->certificate.epoch};
    struct proof_certificate_fact fact;
    struct proof_result result;
    uint8_t network[32], leaf[32], signed_bytes[32];
    proof_network_id(network, model->suite, model->network->name);
    for (size_t i = 0; i < epoch->keys_len; i++) {
        members[i] = (struct proof_member){.operator= epoch->keys[i].operator_number };
        proof_key_from_id(&members[i].key, model->suite, epoch->keys[i].id);
    }
    qsort(members, epoch->keys_len, sizeof(members[0]), member_order);
    if (!submit->certificate.present || submit->certificate.leaf_kind != PROOF_LEAF_HEAD ||
        !proof_leaf_read(&certificate.leaf, submit->certificate.leaf_kind, submit->certificate.fields, &result))
        return "no certificate";
    proof_leaf_hash(leaf, model->suite, &certificate.leaf);
    for (size_t i = 0; i < submit->certificate.attestations_len; i++) {
        const struct connector_attestation *given = &submit->certificate.attestations[i];
        struct proof_attestation *attestation = &attestations[i];
        *attestation = (struct proof_attestation){.suite = model->suite, .path = given->path};
        memcpy(attestation->root, leaf, 32);
        for (size_t at = 0; at + 32 <= given->path.len; at += 32) {
            uint8_t below[32];
            memcpy(below, attestation->root, 32);
            proof_merkle_node(attestation->root, model->suite, below, given->path.data + at);
        }
        memcpy(attestation->signature, given->signature.data, 64);
        proof_signed_bytes(signed_bytes, model->suite, network, attestation->root);
        for (size_t j = 0; j < epoch->keys_len; j++) { /* the chain recovers the signer */
            if (proof_signature_verify(&members[j].key, signed_bytes, attestation->signature, &result) == PROOF_VALID)
                memcpy(attestation->key_id, members[j].key.id, 32);
        }
    }
    certificate.attestations = attestations;
    certificate.count = submit->certificate.attestations_len;
    struct proof_certificate_trust trust = {network, &trusted};
    if (proof_certificate_verify(&certificate, &trust, &fact, &result) != PROOF_VALID)
        return proof_reason_text(result.reason);
    *head = fact.leaf.head;
    return NULL;
}

static bool ordered(const struct model *model, uint16_t lane)
{
    return model->network->lanes[lane].mode & PROOF_MODE_ORDERED;
}

static void enter(struct model *model, uint16_t index, uint64_t sequence, uint8_t status, uint32_t reason)
{
    struct model_lane *lane = &model->lanes[index];
    uint64_t height = model->height[model->network->lanes[index].destination];
    uint8_t record[PROOF_OUTCOME_RECORD_BYTES], entry[32];
    struct proof_outcome outcome = {.sequence = sequence, .status = status, .reason = reason};
    struct codec_writer writer;
    memcpy(outcome.digest, model_inbox_messages(lane)->entries[sequence - 1].item, 32);
    codec_writer_init(&writer, record, sizeof(record));
    bool written = proof_outcome_write(&writer, &outcome);
    assert(written);
    if (lane->status[sequence] != 0)
        return;
    proof_outcome_entry(entry, model->suite, &outcome);
    model_append(model, &lane->outcomes, height, sequence, codec_writer_bytes(&writer), entry);
    lane->status[sequence] = status;
    while (lane->undecided < lane->sequences_cap && lane->status[lane->undecided] != 0)
        lane->undecided++;
}

static bool is_beyond(const struct model_lane *lane, uint64_t n)
{
    return lane->closed_inbox && n > lane->last;
}

static void decide(struct model *model, uint16_t index, const struct proof_message *message)
{
    struct model_lane *lane = &model->lanes[index];
    uint64_t n = message->sequence;
    uint64_t time = model_time(model->height[model->network->lanes[index].destination]);
    bool retries = model->network->lanes[index].mode & PROOF_MODE_RETRY;
    if (ordered(model, index) && n != lane->undecided)
        return;
    if (is_beyond(lane, n))
        return;
    if (time > message->deadline) {
        enter(model, index, n, PROOF_OUTCOME_EXPIRED, PROOF_OUTCOME_REASON_DEADLINE_PASSED);
    } else if (!message->has_payload) {
        return;
    } else if (n >= lane->fails_from && n <= lane->fails_to && time < lane->fails_until) {
        lane->tries++;
        if (!retries)
            enter(model, index, n, PROOF_OUTCOME_FAILED, PROOF_OUTCOME_REASON_REVERTED);
    } else {
        lane->executed[n]++;
        lane->order[lane->order_len++] = n;
        enter(model, index, n, PROOF_OUTCOME_DONE, 0);
    }
}

static const char *deliver(struct model *model, uint16_t chain, uint16_t index, const struct connector_submit *submit)
{
    struct model_lane *lane = &model->lanes[index];
    const struct model_log *known = model_inbox_messages(lane);
    struct proof_message messages[PROOF_RANGE_MAX];
    uint8_t running[32];
    struct proof_head head;
    struct codec_reader reader;
    struct proof_result result;
    const char *why = certificate_check(model, chain, submit, &head);
    if (why != NULL)
        return why;
    if (memcmp(head.log, model->network->lanes[index].logs[0], 32) != 0)
        return "another log";
    if (head.number <= lane->accepted)
        return NULL;
    if (is_beyond(lane, head.number))
        return "beyond the closing record";
    if (lane->before > 0 && !model->lanes[lane->before - 1].closed_inbox)
        return "the generation before is open";
    if (submit->count == 0 || submit->count > PROOF_RANGE_MAX || submit->from + submit->count - 1 != head.number)
        return "items do not end at the head, or are too many";
    if (submit->from > lane->accepted + 1)
        return "gap";
    memcpy(running, lane->accepted ? known->entries[lane->accepted - 1].running : known->start, 32);
    codec_reader_init(&reader, submit->records);
    for (uint32_t i = 0; i < submit->count; i++) {
        uint8_t digest[32];
        if (!proof_message_read(&messages[i], &reader, submit->from + i, UINT32_MAX, &result))
            return "record malformed";
        if (messages[i].has_payload && !proof_message_commitment_check(&messages[i], (uint8_t)model->suite))
            return "payload differs";
        proof_message_digest(digest, model->suite, model->network->lanes[index].id, &messages[i]);
        if (messages[i].sequence > lane->accepted)
            proof_running_hash_extend(running, model->suite, (const uint8_t(*)[32])digest, 1);
    }
    if (!codec_reader_done(&reader) || memcmp(running, head.running, 32) != 0)
        return "running hash differs";
    uint64_t before = lane->accepted;
    if (model->accepted != NULL)
        model->accepted(model->context, index, PROOF_LOG_MESSAGE, &head, submit->certificate.epoch);
    if (head.number > known->count)
        return "beyond what the model knows";
    lane->accepted = head.number;
    model_sequences_grow(lane, lane->accepted + 2);
    for (uint32_t i = 0; i < submit->count; i++) {
        if (messages[i].sequence > before)
            decide(model, index, &messages[i]);
    }
    return NULL;
}

/* What the closing record makes void stays so; and the outcome of what was forgotten is not that of what came in its place. */
static void settle_one(struct model_lane *lane, const struct proof_outcome *outcome)
{
    uint64_t n = outcome->sequence;
    if (n > lane->messages.count || (lane->closed_outbox && n > lane->last) ||
        memcmp(outcome->digest, lane->messages.entries[n - 1].item, 32) != 0)
        return;
    assert(lane->settled[n] == 0);
    lane->settled[n] = (uint8_t)outcome->status;
}

static const char *settle(struct model *model, uint16_t chain, uint16_t index, const struct connector_submit *submit)
{
    struct model_lane *lane = &model->lanes[index];
    uint64_t taken = lane->taken_len ? lane->taken[lane->taken_len - 1].number : 0;
    uint8_t running[32];
    struct proof_head head;
    struct proof_outcome settled[PROOF_RANGE_MAX];
    size_t settled_len = 0;
    struct codec_reader reader;
    struct proof_result result;
    const char *why = certificate_check(model, chain, submit, &head);
    if (why != NULL)
        return why;
    if (memcmp(head.log, model->network->lanes[index].logs[1], 32) != 0)
        return "another log";
    if (head.number <= taken)
        return NULL;
    if (submit->count == 0 || submit->count > PROOF_RANGE_MAX || submit->from + submit->count - 1 != head.number ||
        submit->from > taken + 1)
        return "gap, or items do not end at the head";
    memcpy(running, taken ? lane->outcomes.entries[taken - 1].running : lane->outcomes.start, 32);
    codec_reader_init(&reader, submit->records);
    for (uint32_t i = 0; i < submit->count; i++) {
        struct proof_outcome outcome;
        uint8_t entry[32];
        if (!proof_outcome_read(&outcome, &reader, &result))
            return "record malformed";
        if (submit->from + i <= taken)
            continue;
        proof_outcome_entry(entry, model->suite, &outcome);
        proof_running_hash_extend(running, model->suite, (const uint8_t(*)[32])entry, 1);
        if (outcome.sequence > lane->messages.count && !lane->closed_outbox)
            return "sequence unknown";
        settled[settled_len++] = outcome;
    }
    if (!codec_reader_done(&reader) || memcmp(running, head.running, 32) != 0)
        return "running hash differs";
    if (model->accepted != NULL)
        model->accepted(model->context, index, PROOF_LOG_OUTCOME, &head, submit->certificate.epoch);
    for (size_t i = 0; i < settled_len; i++)
        settle_one(lane, &settled[i]);
    lane->taken = model_grow(lane->taken, &lane->taken_cap, lane->taken_len + 1, sizeof(*lane->taken));
    lane->taken[lane->taken_len].height = model->height[chain];
    lane->taken[lane->taken_len++].number = head.number;
    return NULL;
}

static const char *execute(struct model *model, uint16_t index, const struct connector_submit *submit)
{
    struct model_lane *lane = &model->lanes[index];
    struct codec_reader reader;
    struct proof_result result;
    bool tried = false;
    codec_reader_init(&reader, submit->records);
    for (uint32_t i = 0; i < submit->count; i++) {
        struct proof_message message;
        uint64_t n = submit->from + i;
        uint8_t digest[32];
        if (!proof_message_read(&message, &reader, n, UINT32_MAX, &result))
            return "record malformed";
        proof_message_digest(digest, model->suite, model->network->lanes[index].id, &message);
        if (n > lane->accepted || lane->status[n] != 0)
            continue;
        if (is_beyond(lane, n))
            return "beyond the closing record";
        if (memcmp(digest, model_inbox_messages(lane)->entries[n - 1].item, 32) != 0)
            return "digest differs";
        if (ordered(model, index) && n != lane->undecided) {
            if (tried)
                break;
            return "out of order";
        }
        uint64_t time = model_time(model->height[model->network->lanes[index].destination]);
        if (submit->action == CONNECTOR_EXPIRE && time <= message.deadline)
            return "deadline not passed";
        if (!message.has_payload && time <= message.deadline)
            return "payload missing";
        tried = true;
        decide(model, index, &message);
    }
    return tried ? NULL : "not pending";
}

const char *model_submit(struct model *model, uint16_t chain, const struct connector_submit *submit)
{
    const char *why = "unknown lane or action";
    size_t bytes = submit->records.len + (submit->action == CONNECTOR_SETTLE ? 0 : 95 * (size_t)submit->count);
    if (bytes > model->largest_call)
        model->largest_call = bytes;
    for (uint16_t i = 0; i < model->network->lanes_len; i++) {
        if (memcmp(model->network->lanes[i].id, submit->lane.id, 32) != 0)
            continue;
        if (submit->action == CONNECTOR_DELIVER)
            why = deliver(model, chain, i, submit);
        else if (submit->action == CONNECTOR_SETTLE)
            why = settle(model, chain, i, submit);
        else if (submit->action == CONNECTOR_EXECUTE || submit->action == CONNECTOR_EXPIRE)
            why = execute(model, i, submit);
    }
    return why;
}
