/* Message records, commitments, digests; Keccak runs side by side over a range. */
#include "proofs/message.h"

#include <string.h>

#include "proofs/codec/keccak.h"

/* Bytes under a digest, without the tag: fixed fields, then up to four commitments. */
#define DIGEST_FIELDS_MAX (94 + 32 * PROOF_SUITE_COUNT)
#define BATCH             32

const char *proof_form_name(enum proof_form form)
{
    switch (form) {
    case PROOF_FORM_FULL: return "full";
    case PROOF_FORM_SEALED: return "sealed";
    case PROOF_FORM_HASH_ONLY: return "hash-only";
    }
    return "unknown";
}

/* What is wrong with a message's fields; VALID when nothing is. present is the flag byte of its record. */
static enum proof_reason meaning(const struct proof_message *message, uint8_t present, size_t payload_max)
{
    bool hash_only = message->form == PROOF_FORM_HASH_ONLY;
    if (message->form != PROOF_FORM_FULL && message->form != PROOF_FORM_SEALED && !hash_only)
        return PROOF_REASON_RECORD_FORM;
    if (!proof_suites_valid(message->suites))
        return PROOF_REASON_RECORD_SUITES;
    if (message->sequence == 0)
        return PROOF_REASON_RECORD_SEQUENCE;
    if (message->deadline <= message->time)
        return PROOF_REASON_RECORD_DEADLINE;
    if (present > 1)
        return PROOF_REASON_RECORD_PAYLOAD_FLAG;
    if (message->payload.len > payload_max)
        return PROOF_REASON_RECORD_PAYLOAD_SIZE;
    if (present && hash_only)
        return PROOF_REASON_RECORD_PAYLOAD_FORBIDDEN;
    if (!present && (message->payload.len != 0 || !codec_bytes_are_zero(message->salt, 32)))
        return PROOF_REASON_RECORD_PAYLOAD_ABSENT;
    return PROOF_REASON_VALID;
}

bool proof_message_read(struct proof_message *message, struct codec_reader *reader, uint64_t sequence,
                        size_t payload_max, struct proof_result *result)
{
    memset(message, 0, sizeof *message);
    struct proof_message read = {.sequence = sequence};
    read.time = codec_read_u64(reader);
    uint8_t form = codec_read_u8(reader);
    read.form = (enum proof_form)form;
    read.class = codec_read_u32(reader);
    codec_read_copy(read.value, reader, 32);
    read.deadline = codec_read_u64(reader);
    read.suites = codec_read_u8(reader);
    read.commitments = codec_read_bytes(reader, 32 * proof_suites_count(read.suites)).data;
    uint8_t present = codec_read_u8(reader);
    codec_read_copy(read.salt, reader, 32);
    read.payload.len = codec_read_u32(reader);
    read.has_payload = present == 1;
    enum proof_reason reason = reader->failed ? PROOF_REASON_RECORD_TRUNCATED : meaning(&read, present, payload_max);
    if (reason == PROOF_REASON_VALID) {
        size_t len = read.payload.len;
        read.payload = codec_read_bytes(reader, len);
        if (reader->failed)
            reason = PROOF_REASON_RECORD_TRUNCATED;
    }
    if (reason != PROOF_REASON_VALID) {
        reader->failed = true;
        (void)proof_refuse(result, reason, (size_t)sequence);
        return false;
    }
    *message = read;
    proof_accept(result);
    return true;
}

bool proof_message_write(struct codec_writer *writer, const struct proof_message *message)
{
    if (writer->failed || meaning(message, message->has_payload, UINT32_MAX) != PROOF_REASON_VALID ||
        writer->cap - writer->len < proof_message_record_size(message)) {
        writer->failed = true;
        return false;
    }
    codec_write_u64(writer, message->time);
    codec_write_u8(writer, (uint8_t)message->form);
    codec_write_u32(writer, message->class);
    codec_write_bytes(writer, BYTES_OF(message->value));
    codec_write_u64(writer, message->deadline);
    codec_write_u8(writer, message->suites);
    codec_write_bytes(writer, (struct bytes){message->commitments, 32 * proof_suites_count(message->suites)});
    codec_write_u8(writer, message->has_payload);
    codec_write_bytes(writer, BYTES_OF(message->salt));
    codec_write_u32(writer, (uint32_t)message->payload.len);
    codec_write_bytes(writer, message->payload);
    return !writer->failed;
}

size_t proof_message_record_size(const struct proof_message *message)
{
    return PROOF_MESSAGE_RECORD_BYTES(proof_suites_count(message->suites), message->payload.len);
}

void proof_message_commitment(uint8_t out[32], enum proof_suite suite, const uint8_t salt[32], struct bytes payload)
{
    struct bytes parts[] = {{salt, 32}, payload};
    proof_hash(out, suite, PROOF_TAG_COMMIT, parts, 2);
}

const uint8_t *proof_message_commitment_of(const struct proof_message *message, enum proof_suite suite)
{
    if ((message->suites & suite) == 0)
        return NULL;
    return message->commitments + 32 * proof_suites_place(message->suites, suite);
}

bool proof_message_commitment_check(const struct proof_message *message, uint8_t suites)
{
    if (!message->has_payload || suites == 0 || (suites & ~message->suites) != 0)
        return false;
    for (uint8_t left = suites; left != 0; left &= (uint8_t)(left - 1)) {
        enum proof_suite suite = proof_suites_lowest(left);
        uint8_t computed[32];
        proof_message_commitment(computed, suite, message->salt, message->payload);
        if (memcmp(computed, proof_message_commitment_of(message, suite), 32) != 0)
            return false;
    }
    return true;
}

/* The commitments of up to BATCH messages, of which those without a payload are left alone. */
static void commitments_of(uint8_t (*out)[32], const struct proof_message *messages, size_t count,
                           enum proof_suite suite)
{
    uint8_t heads[BATCH][PROOF_TAG_BYTES + 32];
    struct codec_keccak_job jobs[BATCH];
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        if (!messages[i].has_payload)
            continue;
        if (suite != PROOF_SUITE_KECCAK256_SECP256K1) {
            proof_message_commitment(out[i], suite, messages[i].salt, messages[i].payload);
            continue;
        }
        memcpy(heads[used], proof_tag_bytes(PROOF_TAG_COMMIT), PROOF_TAG_BYTES);
        memcpy(heads[used] + PROOF_TAG_BYTES, messages[i].salt, 32);
        jobs[used] = (struct codec_keccak_job){out[i], BYTES_OF(heads[used]), messages[i].payload};
        used++;
    }
    codec_keccak256_jobs(jobs, used);
}

bool proof_message_commitments_check(const struct proof_message *messages, size_t count, enum proof_suite suite,
                                     size_t *at)
{
    uint8_t computed[BATCH][32];
    for (size_t from = 0; from < count; from += BATCH) {
        size_t batch = count - from < BATCH ? count - from : BATCH;
        commitments_of(computed, messages + from, batch, suite);
        for (size_t i = 0; i < batch; i++) {
            const uint8_t *carried = proof_message_commitment_of(&messages[from + i], suite);
            *at = from + i;
            if (messages[from + i].has_payload && (!carried || memcmp(carried, computed[i], 32) != 0))
                return false;
        }
    }
    *at = count;
    return true;
}

static struct bytes digest_fields(uint8_t *out, size_t cap, const uint8_t lane_id[32],
                                  const struct proof_message *message)
{
    struct codec_writer writer;
    codec_writer_init(&writer, out, cap);
    codec_write_bytes(&writer, (struct bytes){lane_id, 32});
    codec_write_u64(&writer, message->sequence);
    codec_write_u64(&writer, message->time);
    codec_write_u8(&writer, (uint8_t)message->form);
    codec_write_u32(&writer, message->class);
    codec_write_bytes(&writer, BYTES_OF(message->value));
    codec_write_u64(&writer, message->deadline);
    codec_write_u8(&writer, message->suites);
    codec_write_bytes(&writer, (struct bytes){message->commitments, 32 * proof_suites_count(message->suites)});
    return codec_writer_bytes(&writer);
}

void proof_message_digest(uint8_t out[32], enum proof_suite suite, const uint8_t lane_id[32],
                          const struct proof_message *message)
{
    uint8_t fields[DIGEST_FIELDS_MAX];
    struct bytes all = digest_fields(fields, sizeof fields, lane_id, message);
    proof_hash(out, suite, PROOF_TAG_DIGEST, &all, 1);
}

void proof_message_digests(uint8_t (*out)[32], enum proof_suite suite, const uint8_t lane_id[32],
                           const struct proof_message *messages, size_t count)
{
    uint8_t fields[BATCH][DIGEST_FIELDS_MAX];
    struct codec_keccak_job jobs[BATCH];
    struct bytes tag = {proof_tag_bytes(PROOF_TAG_DIGEST), PROOF_TAG_BYTES};
    for (size_t from = 0; from < count; from += BATCH) {
        size_t batch = count - from < BATCH ? count - from : BATCH;
        for (size_t i = 0; i < batch; i++) {
            struct bytes all = digest_fields(fields[i], sizeof fields[i], lane_id, &messages[from + i]);
            jobs[i] = (struct codec_keccak_job){out[from + i], tag, all};
            if (suite != PROOF_SUITE_KECCAK256_SECP256K1)
                proof_hash(out[from + i], suite, PROOF_TAG_DIGEST, &all, 1);
        }
        if (suite == PROOF_SUITE_KECCAK256_SECP256K1)
            codec_keccak256_jobs(jobs, batch);
    }
}
