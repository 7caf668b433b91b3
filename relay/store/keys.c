/* Every key and value format of the store: fixed-width big-endian fields, version first. */
#include "relay/store/keys.h"

#include <string.h>

static void put_number(uint8_t *out, uint64_t number)
{
    struct codec_writer writer;
    codec_writer_init(&writer, out, 8);
    codec_write_u64(&writer, number);
}

static uint64_t get_number(const uint8_t *in)
{
    struct codec_reader reader;
    codec_reader_init(&reader, (struct bytes){in, 8});
    return codec_read_u64(&reader);
}

void keys_segment_key(uint8_t out[KEYS_SEGMENT_BYTES], const uint8_t log[32], uint64_t from)
{
    memcpy(out, log, 32);
    put_number(out + 32, from);
}

void keys_head_key(uint8_t out[KEYS_HEAD_BYTES], const uint8_t log[32], uint64_t number, const uint8_t key_id[32])
{
    memcpy(out, log, 32);
    put_number(out + 32, number);
    memcpy(out + 40, key_id, 32);
}

void keys_audit_key(uint8_t out[KEYS_AUDIT_BYTES], uint64_t number)
{
    put_number(out, number);
}

bool keys_segment_key_read(uint64_t *from, struct bytes key)
{
    if (key.len != KEYS_SEGMENT_BYTES)
        return false;
    *from = get_number(key.data + 32);
    return true;
}

bool keys_head_key_read(uint64_t *number, uint8_t key_id[32], struct bytes key)
{
    if (key.len != KEYS_HEAD_BYTES && (key.len != KEYS_HEAD_SECOND_BYTES || key.data[KEYS_HEAD_BYTES] != 1))
        return false;
    *number = get_number(key.data + 32);
    memcpy(key_id, key.data + 40, 32);
    return true;
}

uint64_t keys_audit_key_read(struct bytes key)
{
    return key.len == KEYS_AUDIT_BYTES ? get_number(key.data) : 0;
}

static void write_sized(struct codec_writer *writer, struct bytes value)
{
    codec_write_u32(writer, (uint32_t)value.len);
    codec_write_bytes(writer, value);
}

static struct bytes read_sized(struct codec_reader *reader)
{
    return codec_read_bytes(reader, codec_read_u32(reader));
}

static bool version_is_ours(struct codec_reader *reader, struct bytes value)
{
    codec_reader_init(reader, value);
    return codec_read_u8(reader) == KEYS_VERSION && !reader->failed;
}

void keys_log_write(struct codec_writer *writer, const struct keys_log *value)
{
    codec_write_u8(writer, KEYS_VERSION);
    codec_write_u64(writer, value->base);
    codec_write_bytes(writer, BYTES_OF(value->running));
    codec_write_u64(writer, value->proven);
    codec_write_u64(writer, value->attested);
    codec_write_u64(writer, value->settled);
    codec_write_u64(writer, value->height);
    codec_write_u8(writer, value->frozen);
    for (size_t i = 0; i < value->expelled_len; i++)
        codec_write_u16(writer, value->expelled[i]);
}

bool keys_log_read(struct keys_log *out, struct bytes value)
{
    struct codec_reader reader;
    memset(out, 0, sizeof(*out));
    if (!version_is_ours(&reader, value))
        return false;
    out->base = codec_read_u64(&reader);
    codec_read_copy(out->running, &reader, 32);
    out->proven = codec_read_u64(&reader);
    out->attested = codec_read_u64(&reader);
    out->settled = codec_read_u64(&reader);
    out->height = codec_read_u64(&reader);
    out->frozen = codec_read_u8(&reader);
    while (codec_reader_left(&reader) > 0 && !reader.failed && out->expelled_len < KEYS_EXPELLED_MAX)
        out->expelled[out->expelled_len++] = codec_read_u16(&reader);
    return codec_reader_done(&reader);
}

void keys_segment_write(struct codec_writer *writer, const struct keys_segment *value)
{
    codec_write_u8(writer, KEYS_VERSION);
    codec_write_u16(writer, value->count);
    codec_write_bytes(writer, BYTES_OF(value->before));
    codec_write_u64(writer, value->stored_at);
    codec_write_u8(writer, value->origin);
    codec_write_u16(writer, value->peer);
    write_sized(writer, value->records);
}

bool keys_segment_read(struct keys_segment *out, struct bytes value)
{
    struct codec_reader reader;
    memset(out, 0, sizeof(*out));
    if (!version_is_ours(&reader, value))
        return false;
    out->count = codec_read_u16(&reader);
    codec_read_copy(out->before, &reader, 32);
    out->stored_at = codec_read_u64(&reader);
    out->origin = codec_read_u8(&reader);
    out->peer = codec_read_u16(&reader);
    out->records = read_sized(&reader);
    return codec_reader_done(&reader) && out->count > 0;
}

void keys_skeleton_write(struct codec_writer *writer, const struct keys_skeleton *value)
{
    codec_write_u8(writer, KEYS_VERSION);
    codec_write_u16(writer, value->count);
    codec_write_u64(writer, value->stored_at);
    codec_write_u64(writer, value->settled_at);
    codec_write_u8(writer, value->origin);
    codec_write_u16(writer, value->peer);
    write_sized(writer, value->entries);
}

bool keys_skeleton_read(struct keys_skeleton *out, struct bytes value)
{
    struct codec_reader reader;
    memset(out, 0, sizeof(*out));
    if (!version_is_ours(&reader, value))
        return false;
    out->count = codec_read_u16(&reader);
    out->stored_at = codec_read_u64(&reader);
    out->settled_at = codec_read_u64(&reader);
    out->origin = codec_read_u8(&reader);
    out->peer = codec_read_u16(&reader);
    out->entries = read_sized(&reader);
    return codec_reader_done(&reader) && out->entries.len == (size_t)out->count * KEYS_SKELETON_ENTRY;
}

void keys_head_write(struct codec_writer *writer, const struct keys_head *value)
{
    codec_write_u8(writer, KEYS_VERSION);
    codec_write_u8(writer, (uint8_t)value->suite);
    codec_write_bytes(writer, BYTES_OF(value->running));
    codec_write_bytes(writer, BYTES_OF(value->root));
    codec_write_bytes(writer, BYTES_OF(value->signature));
    write_sized(writer, value->path);
}

bool keys_head_read(struct keys_head *out, struct bytes value)
{
    struct codec_reader reader;
    memset(out, 0, sizeof(*out));
    if (!version_is_ours(&reader, value))
        return false;
    out->suite = proof_suite_by_bit(codec_read_u8(&reader));
    codec_read_copy(out->running, &reader, 32);
    codec_read_copy(out->root, &reader, 32);
    codec_read_copy(out->signature, &reader, 64);
    out->path = read_sized(&reader);
    return codec_reader_done(&reader) && out->suite != PROOF_SUITE_NONE && out->path.len % 32 == 0;
}

void keys_chain_write(struct codec_writer *writer, const struct keys_chain *value)
{
    codec_write_u8(writer, KEYS_VERSION);
    codec_write_u64(writer, value->height);
    codec_write_bytes(writer, BYTES_OF(value->hash));
    codec_write_u64(writer, value->time);
    codec_write_u8(writer, value->frozen);
}

bool keys_chain_read(struct keys_chain *out, struct bytes value)
{
    struct codec_reader reader;
    memset(out, 0, sizeof(*out));
    if (!version_is_ours(&reader, value))
        return false;
    out->height = codec_read_u64(&reader);
    codec_read_copy(out->hash, &reader, 32);
    out->time = codec_read_u64(&reader);
    out->frozen = codec_read_u8(&reader);
    return codec_reader_done(&reader);
}

void keys_trust_key(uint8_t out[KEYS_TRUST_BYTES], const uint8_t chain[32])
{
    memcpy(out, chain, 32);
    out[32] = 1;
}

void keys_trust_write(struct codec_writer *writer, const struct keys_trust *value)
{
    codec_write_u8(writer, KEYS_VERSION);
    codec_write_u64(writer, value->first_height);
    codec_write_bytes(writer, BYTES_OF(value->first_hash));
    write_sized(writer, value->trust);
    write_sized(writer, value->next);
    write_sized(writer, value->bundle);
    write_sized(writer, value->before_next);
}

bool keys_trust_read(struct keys_trust *out, struct bytes value)
{
    struct codec_reader reader;
    memset(out, 0, sizeof(*out));
    if (!version_is_ours(&reader, value))
        return false;
    out->first_height = codec_read_u64(&reader);
    codec_read_copy(out->first_hash, &reader, 32);
    out->trust = read_sized(&reader);
    out->next = read_sized(&reader);
    out->bundle = read_sized(&reader);
    out->before_next = read_sized(&reader);
    return codec_reader_done(&reader) && out->first_height > 0 && out->trust.len > 0;
}

void keys_audit_write(struct codec_writer *writer, const struct keys_audit *value)
{
    codec_write_u8(writer, KEYS_VERSION);
    codec_write_u64(writer, value->time);
    codec_write_u8(writer, value->level);
    codec_write_u16(writer, value->lane);
    codec_write_u64(writer, value->sequence);
    write_sized(writer, value->reason);
    write_sized(writer, value->text);
}

bool keys_audit_read(struct keys_audit *out, struct bytes value)
{
    struct codec_reader reader;
    memset(out, 0, sizeof(*out));
    if (!version_is_ours(&reader, value))
        return false;
    out->time = codec_read_u64(&reader);
    out->level = codec_read_u8(&reader);
    out->lane = codec_read_u16(&reader);
    out->sequence = codec_read_u64(&reader);
    out->reason = read_sized(&reader);
    out->text = read_sized(&reader);
    return codec_reader_done(&reader);
}
