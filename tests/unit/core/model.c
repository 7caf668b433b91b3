/* The model chains: what the contracts do, in plain C. */
#include "tests/unit/core/model.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "proofs/codec/keccak.h"

static const enum proof_suite SUITE = PROOF_SUITE_KECCAK256_SECP256K1;

static void *grow(void *old, size_t *cap, size_t wanted, size_t size)
{
    if (wanted <= *cap)
        return old;
    size_t before = *cap;
    *cap = wanted * 2 + 64;
    uint8_t *memory = reallocarray(old, *cap, size);
    assert(memory != NULL);
    memset(memory + before * size, 0, (*cap - before) * size);
    return memory;
}

void model_init(struct model *model, const struct topology_network *network)
{
    *model = (struct model){.network = network, .height = {10, 10}};
    for (size_t i = 0; i < network->lanes_len; i++) {
        memcpy(model->lanes[i].messages.start, network->lanes[i].logs[0], 32);
        memcpy(model->lanes[i].outcomes.start, network->lanes[i].logs[1], 32);
        model->lanes[i].undecided = 1;
    }
}

void model_fini(struct model *model)
{
    for (size_t i = 0; i < MODEL_LANES_MAX; i++) {
        struct model_lane *lane = &model->lanes[i];
        free(lane->messages.entries);
        free(lane->messages.bytes);
        free(lane->outcomes.entries);
        free(lane->outcomes.bytes);
        free(lane->taken);
        free(lane->status);
        free(lane->settled);
        free(lane->executed);
        free(lane->order);
    }
}

uint64_t model_time(uint64_t height)
{
    return MODEL_EPOCH + height * MODEL_BLOCK_MS / 1000;
}

struct bytes model_header(uint8_t out[64], uint8_t hash[32], uint16_t chain, uint64_t height, uint8_t branch)
{
    memset(out, 0, 64);
    memcpy(out, "model header", 12);
    out[16] = (uint8_t)chain;
    out[17] = branch;
    for (size_t i = 0; i < 8; i++)
        out[24 + i] = (uint8_t)(height >> (8 * i));
    codec_keccak256(hash, (struct bytes){out, 64});
    return (struct bytes){out, 64};
}

/* ---- logs ---------------------------------------------------------------------------------------------------------- */

static const uint8_t *tip(const struct model_log *log)
{
    return log->count ? log->entries[log->count - 1].running : log->start;
}

static void append(struct model_log *log, uint64_t height, struct bytes record, const uint8_t item[32])
{
    uint8_t running[32];
    memcpy(running, tip(log), 32);
    log->entries = grow(log->entries, &log->cap, log->count + 1, sizeof(*log->entries));
    log->bytes = grow(log->bytes, &log->bytes_cap, log->len + record.len, 1);
    memcpy(log->bytes + log->len, record.data, record.len);
    log->len += record.len;
    struct model_entry *entry = &log->entries[log->count++];
    *entry = (struct model_entry){.height = height, .end = log->len};
    memcpy(entry->item, item, 32);
    proof_running_hash_extend(running, SUITE, (const uint8_t(*)[32])entry->item, 1);
    memcpy(entry->running, running, 32);
}

static void sequences_grow(struct model_lane *lane, size_t wanted)
{
    size_t cap = lane->sequences_cap, same = cap, third = cap, fourth = cap;
    lane->status = grow(lane->status, &cap, wanted, 1);
    lane->settled = grow(lane->settled, &same, wanted, 1);
    lane->executed = grow(lane->executed, &third, wanted, sizeof(*lane->executed));
    lane->order = grow(lane->order, &fourth, wanted, sizeof(*lane->order));
    lane->sequences_cap = cap;
}

void model_send(struct model *model, uint16_t index, const uint8_t *payload, size_t len, uint64_t life)
{
    struct model_lane *lane = &model->lanes[index];
    const struct topology_lane *document = &model->network->lanes[index];
    uint64_t height = model->height[document->source] + 1;
    uint8_t commitment[32], digest[32];
    struct proof_message message = {.sequence = lane->messages.count + 1,
                                    .time = model_time(height),
                                    .deadline = model_time(height) + life,
                                    .suites = (uint8_t)SUITE,
                                    .commitments = commitment,
                                    .has_payload = true,
                                    .payload = {payload, len}};
    message.salt[0] = 7;
    proof_message_commitment(commitment, SUITE, message.salt, message.payload);
    proof_message_digest(digest, SUITE, document->id, &message);
    size_t size = proof_message_record_size(&message);
    uint8_t *record = malloc(size);
    struct codec_writer writer;
    codec_writer_init(&writer, record, size);
    bool written = proof_message_write(&writer, &message);
    assert(written);
    append(&lane->messages, height, codec_writer_bytes(&writer), digest);
    free(record);
    sequences_grow(lane, lane->messages.count + 1);
}

const struct model_log *model_log_of(const struct model *model, uint16_t lane, uint8_t kind)
{
    return kind == PROOF_LOG_MESSAGE ? &model->lanes[lane].messages : &model->lanes[lane].outcomes;
}

uint64_t model_stands(const struct model *model, uint16_t index, uint8_t kind, uint64_t height, uint8_t running[32])
{
    const struct model_lane *lane = &model->lanes[index];
    const struct model_log *log = model_log_of(model, index, kind);
    uint64_t number = 0;
    if (kind == PROOF_LOG_SETTLEMENT) {
        for (size_t i = lane->taken_len; i-- > 0 && number == 0;)
            number = lane->taken[i].height <= height ? lane->taken[i].number : 0;
    } else {
        number = log->count;
        while (number > 0 && log->entries[number - 1].height > height)
            number--;
    }
    /* An empty slot reads as zero. */
    memset(running, 0, 32);
    if (number > 0)
        memcpy(running, log->entries[number - 1].running, 32);
    return number;
}

struct bytes model_records(const struct model_log *log, uint64_t from, uint64_t to)
{
    size_t start = from > 1 ? log->entries[from - 2].end : 0;
    return (struct bytes){log->bytes + start, log->entries[to - 1].end - start};
}

/* ---- calls --------------------------------------------------------------------------------------------------------- */

static int member_order(const void *a, const void *b)
{
    const struct proof_member *one = a, *other = b;
    int order = (int)one->operator-(int) other->operator;
    return order ? order : memcmp(one->key.id, other->key.id, 32);
}

static const char *certificate_check(const struct model *model, uint16_t chain, const struct connector_submit *submit,
                                     struct proof_head *head)
{
    const struct topology_chain *document = &model->network->chains[chain];
    const struct topology_epoch *epoch = &document->epochs[model->epoch[chain]];
    struct proof_member members[TOPOLOGY_OPERATORS_MAX];
    struct proof_attestation attestations[TOPOLOGY_OPERATORS_MAX];
    struct proof_epoch_members trusted = {SUITE, epoch->number, epoch->quorum, members, epoch->keys_len};
    struct proof_certificate certificate = {.suite = SUITE, .epoch = submit->certificate.epoch};
    struct proof_certificate_fact fact;
    struct proof_result result;
    uint8_t network[32], leaf[32], signed_bytes[32];
    proof_network_id(network, SUITE, model->network->name);
    for (size_t i = 0; i < epoch->keys_len; i++) {
        members[i] = (struct proof_member){.operator= epoch->keys[i].operator_number };
        proof_key_from_id(&members[i].key, SUITE, epoch->keys[i].id);
    }
    qsort(members, epoch->keys_len, sizeof(members[0]), member_order);
    if (!submit->certificate.present || submit->certificate.leaf_kind != PROOF_LEAF_HEAD ||
        !proof_leaf_read(&certificate.leaf, submit->certificate.leaf_kind, submit->certificate.fields, &result))
        return "no certificate";
    proof_leaf_hash(leaf, SUITE, &certificate.leaf);
    for (size_t i = 0; i < submit->certificate.attestations_len; i++) {
        const struct connector_attestation *given = &submit->certificate.attestations[i];
        struct proof_attestation *attestation = &attestations[i];
        *attestation = (struct proof_attestation){.suite = SUITE, .path = given->path};
        memcpy(attestation->root, leaf, 32);
        for (size_t at = 0; at + 32 <= given->path.len; at += 32) {
            uint8_t below[32];
            memcpy(below, attestation->root, 32);
            proof_merkle_node(attestation->root, SUITE, below, given->path.data + at);
        }
        memcpy(attestation->signature, given->signature.data, 64);
        proof_signed_bytes(signed_bytes, SUITE, network, attestation->root);
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
    memcpy(outcome.digest, lane->messages.entries[sequence - 1].item, 32);
    codec_writer_init(&writer, record, sizeof(record));
    bool written = proof_outcome_write(&writer, &outcome);
    assert(written && lane->status[sequence] == 0);
    proof_outcome_entry(entry, SUITE, &outcome);
    append(&lane->outcomes, height, codec_writer_bytes(&writer), entry);
    lane->status[sequence] = status;
    while (lane->undecided < lane->sequences_cap && lane->status[lane->undecided] != 0)
        lane->undecided++;
}

static void decide(struct model *model, uint16_t index, const struct proof_message *message)
{
    struct model_lane *lane = &model->lanes[index];
    uint64_t n = message->sequence;
    uint64_t time = model_time(model->height[model->network->lanes[index].destination]);
    bool retries = model->network->lanes[index].mode & PROOF_MODE_RETRY;
    if (ordered(model, index) && n != lane->undecided)
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
    if (submit->count == 0 || submit->count > PROOF_RANGE_MAX || submit->from + submit->count - 1 != head.number)
        return "items do not end at the head, or are too many";
    if (submit->from > lane->accepted + 1)
        return "gap";
    memcpy(running, lane->accepted ? lane->messages.entries[lane->accepted - 1].running : lane->messages.start, 32);
    codec_reader_init(&reader, submit->records);
    for (uint32_t i = 0; i < submit->count; i++) {
        uint8_t digest[32];
        if (!proof_message_read(&messages[i], &reader, submit->from + i, model->network->lanes[index].payload_max,
                                &result))
            return "record malformed";
        if (messages[i].has_payload && !proof_message_commitment_check(&messages[i], (uint8_t)SUITE))
            return "payload differs";
        proof_message_digest(digest, SUITE, model->network->lanes[index].id, &messages[i]);
        if (messages[i].sequence > lane->accepted)
            proof_running_hash_extend(running, SUITE, (const uint8_t(*)[32])digest, 1);
    }
    if (!codec_reader_done(&reader) || memcmp(running, head.running, 32) != 0)
        return "running hash differs";
    uint64_t before = lane->accepted;
    lane->accepted = head.number;
    sequences_grow(lane, lane->accepted + 2);
    for (uint32_t i = 0; i < submit->count; i++) {
        if (messages[i].sequence > before)
            decide(model, index, &messages[i]);
    }
    return NULL;
}

static const char *settle(struct model *model, uint16_t chain, uint16_t index, const struct connector_submit *submit)
{
    struct model_lane *lane = &model->lanes[index];
    uint64_t taken = lane->taken_len ? lane->taken[lane->taken_len - 1].number : 0;
    uint8_t running[32];
    struct proof_head head;
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
        proof_outcome_entry(entry, SUITE, &outcome);
        proof_running_hash_extend(running, SUITE, (const uint8_t(*)[32])entry, 1);
        assert(outcome.sequence < lane->sequences_cap && lane->settled[outcome.sequence] == 0);
        lane->settled[outcome.sequence] = (uint8_t)outcome.status;
    }
    if (!codec_reader_done(&reader) || memcmp(running, head.running, 32) != 0)
        return "running hash differs";
    lane->taken = grow(lane->taken, &lane->taken_cap, lane->taken_len + 1, sizeof(*lane->taken));
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
        if (!proof_message_read(&message, &reader, n, model->network->lanes[index].payload_max, &result))
            return "record malformed";
        proof_message_digest(digest, SUITE, model->network->lanes[index].id, &message);
        if (n > lane->accepted || lane->status[n] != 0)
            continue;
        if (memcmp(digest, lane->messages.entries[n - 1].item, 32) != 0)
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
