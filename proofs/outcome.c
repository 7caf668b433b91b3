/* Outcome records and entries. */
#include "proofs/outcome.h"

#include <string.h>

#include "proofs/codec/keccak.h"

#define BATCH 32

const char *proof_outcome_status_name(enum proof_outcome_status status)
{
    switch (status) {
    case PROOF_OUTCOME_DONE: return "done";
    case PROOF_OUTCOME_FAILED: return "failed";
    case PROOF_OUTCOME_EXPIRED: return "expired";
    case PROOF_OUTCOME_WITHHELD: return "withheld";
    case PROOF_OUTCOME_STRUCK: return "struck";
    case PROOF_OUTCOME_VOID: return "void";
    case PROOF_OUTCOME_NONE: break;
    }
    return "none";
}

static enum proof_reason meaning(const struct proof_outcome *outcome)
{
    if (outcome->sequence == 0)
        return PROOF_REASON_RECORD_SEQUENCE;
    if (outcome->status < PROOF_OUTCOME_DONE || outcome->status > PROOF_OUTCOME_STRUCK)
        return PROOF_REASON_RECORD_STATUS;
    if (codec_bytes_are_zero(outcome->digest, 32))
        return PROOF_REASON_RECORD_DIGEST;
    return PROOF_REASON_VALID;
}

bool proof_outcome_read(struct proof_outcome *outcome, struct codec_reader *reader, struct proof_result *result)
{
    memset(outcome, 0, sizeof *outcome);
    struct proof_outcome read = {.sequence = codec_read_u64(reader)};
    codec_read_copy(read.digest, reader, 32);
    read.status = (enum proof_outcome_status)codec_read_u8(reader);
    read.reason = codec_read_u32(reader);
    enum proof_reason reason = reader->failed ? PROOF_REASON_RECORD_TRUNCATED : meaning(&read);
    if (reason != PROOF_REASON_VALID) {
        reader->failed = true;
        (void)proof_refuse(result, reason, 0);
        return false;
    }
    *outcome = read;
    proof_accept(result);
    return true;
}

/* The record's fields, unchecked. */
static struct bytes record(uint8_t out[PROOF_OUTCOME_RECORD_BYTES], const struct proof_outcome *outcome)
{
    struct codec_writer writer;
    codec_writer_init(&writer, out, PROOF_OUTCOME_RECORD_BYTES);
    codec_write_u64(&writer, outcome->sequence);
    codec_write_bytes(&writer, BYTES_OF(outcome->digest));
    codec_write_u8(&writer, (uint8_t)outcome->status);
    codec_write_u32(&writer, outcome->reason);
    return codec_writer_bytes(&writer);
}

bool proof_outcome_write(struct codec_writer *writer, const struct proof_outcome *outcome)
{
    uint8_t bytes[PROOF_OUTCOME_RECORD_BYTES];
    if (meaning(outcome) != PROOF_REASON_VALID)
        writer->failed = true;
    codec_write_bytes(writer, record(bytes, outcome));
    return !writer->failed;
}

void proof_outcome_entry(uint8_t out[32], enum proof_suite suite, const struct proof_outcome *outcome)
{
    uint8_t bytes[PROOF_OUTCOME_RECORD_BYTES];
    struct bytes all = record(bytes, outcome);
    proof_hash(out, suite, PROOF_TAG_OUTCOME, &all, 1);
}

void proof_outcome_entries(uint8_t (*out)[32], enum proof_suite suite, const struct proof_outcome *outcomes,
                           size_t count)
{
    uint8_t bytes[BATCH][PROOF_OUTCOME_RECORD_BYTES];
    struct codec_keccak_job jobs[BATCH];
    struct bytes tag = {proof_tag_bytes(PROOF_TAG_OUTCOME), PROOF_TAG_BYTES};
    if (suite != PROOF_SUITE_KECCAK256_SECP256K1) {
        for (size_t i = 0; i < count; i++)
            proof_outcome_entry(out[i], suite, &outcomes[i]);
        return;
    }
    for (size_t from = 0; from < count; from += BATCH) {
        size_t batch = count - from < BATCH ? count - from : BATCH;
        for (size_t i = 0; i < batch; i++)
            jobs[i] = (struct codec_keccak_job){out[from + i], tag, record(bytes[i], &outcomes[from + i])};
        codec_keccak256_jobs(jobs, batch);
    }
}
