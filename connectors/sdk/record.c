/*
 * Records and their hashes (record.h).
 */
#include "connectors/sdk/record.h"

#include "proofs/codec/keccak.h"

enum { COMMITMENTS_AT = 54, OUTCOME_BYTES = 45 };

static const uint8_t TAG_LOG[16] = "isthmus/log\0\0\0\0\1";
static const uint8_t TAG_DIGEST[16] = "isthmus/digest\0\1";
static const uint8_t TAG_RUN[16] = "isthmus/run\0\0\0\0\1";
static const uint8_t TAG_OUTCOME[16] = "isthmus/outcome\1";

static void hash_parts(uint8_t out[32], const struct bytes *parts, size_t count)
{
    struct codec_keccak256 hash;
    codec_keccak256_init(&hash);
    for (size_t i = 0; i < count; i++)
        codec_keccak256_update(&hash, parts[i]);
    codec_keccak256_final(out, &hash);
}

static void big_endian(uint8_t out[8], uint64_t value)
{
    for (size_t i = 8; i-- > 0; value >>= 8)
        out[i] = (uint8_t)value;
}

void sdk_record_log_id(uint8_t out[32], const uint8_t lane[32], enum connector_log_kind kind)
{
    const uint8_t tail[2] = {(uint8_t)kind, 1};
    hash_parts(out, (const struct bytes[]){BYTES_OF(TAG_LOG), {lane, 32}, BYTES_OF(tail)}, 3);
}

static size_t commitments_end(struct bytes record)
{
    size_t end = COMMITMENTS_AT;
    if (record.len < COMMITMENTS_AT)
        return 0;
    for (uint8_t suites = record.data[53] & 0x0f; suites; suites &= (uint8_t)(suites - 1))
        end += 32;
    return record.data[53] > 0x0f || record.len < end + 37 ? 0 : end;
}

size_t sdk_record_size(enum connector_log_kind kind, struct bytes records)
{
    switch (kind) {
    case CONNECTOR_LOG_MESSAGE: {
        const size_t end = commitments_end(records);
        if (end == 0)
            return 0;
        struct codec_reader reader;
        codec_reader_init(&reader, codec_bytes_slice(records, end + 33, 4));
        const size_t payload = codec_read_u32(&reader);
        return payload > records.len - end - 37 ? 0 : end + 37 + payload;
    }
    case CONNECTOR_LOG_OUTCOME: return records.len < OUTCOME_BYTES ? 0 : OUTCOME_BYTES;
    case CONNECTOR_LOG_SETTLEMENT: break;
    }
    return 0;
}

void sdk_record_digest(uint8_t out[32], const uint8_t lane[32], uint64_t sequence, struct bytes record)
{
    uint8_t number[8];
    big_endian(number, sequence);
    const struct bytes fields = {record.data, commitments_end(record)};
    hash_parts(out, (const struct bytes[]){BYTES_OF(TAG_DIGEST), {lane, 32}, BYTES_OF(number), fields}, 4);
}

bool sdk_record_extend(uint8_t running[32], enum connector_log_kind kind, const uint8_t lane[32], uint64_t number,
                       struct bytes record)
{
    uint8_t entry[32];
    if (kind == CONNECTOR_LOG_SETTLEMENT || sdk_record_size(kind, record) != record.len)
        return false;
    if (kind == CONNECTOR_LOG_MESSAGE)
        sdk_record_digest(entry, lane, number, record);
    else
        hash_parts(entry, (const struct bytes[]){BYTES_OF(TAG_OUTCOME), record}, 2);
    hash_parts(running, (const struct bytes[]){BYTES_OF(TAG_RUN), {running, 32}, BYTES_OF(entry)}, 3);
    return true;
}
