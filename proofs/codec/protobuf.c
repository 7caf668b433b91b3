/*
 * Keys, varints and length-delimited fields; the strictness is all in next_key and take_uvarint.
 */
#include "proofs/codec/protobuf.h"

#include <string.h>

enum { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, UVARINT_MAX = 10, KEY_MAX = 5 };

void codec_protobuf_init(struct codec_protobuf *message, struct bytes in)
{
    *message = (struct codec_protobuf){.in = in};
}

bool codec_protobuf_end(const struct codec_protobuf *message)
{
    return !message->failed && message->at == message->in.len;
}

void codec_protobuf_close(struct codec_protobuf *message, const struct codec_protobuf *inner)
{
    if (!codec_protobuf_end(inner))
        message->failed = true;
}

bool codec_protobuf_take_uvarint(uint64_t *value, struct bytes *in)
{
    uint64_t number = 0;
    for (size_t i = 0; i < in->len && i < UVARINT_MAX; i++) {
        uint8_t byte = in->data[i];
        /* the tenth byte has one bit left; a last byte of zero could have been left out */
        if ((i == UVARINT_MAX - 1 && byte > 1) || (i > 0 && byte == 0))
            return false;
        number |= (uint64_t)(byte & 0x7f) << 7 * i;
        if (byte < 0x80) {
            *in = (struct bytes){in->data + i + 1, in->len - i - 1};
            *value = number;
            return true;
        }
    }
    return false;
}

static struct bytes rest_of(const struct codec_protobuf *message)
{
    return codec_bytes_slice(message->in, message->at, message->in.len - message->at);
}

static uint64_t read_long_uvarint(struct codec_protobuf *message)
{
    struct bytes rest = rest_of(message);
    uint64_t value = 0;
    if (message->failed || !codec_protobuf_take_uvarint(&value, &rest)) {
        message->failed = true;
        return 0;
    }
    message->at = message->in.len - rest.len;
    return value;
}

/* Takes the number at the cursor: nearly all lengths and numbers have one byte. */
static inline uint64_t read_uvarint(struct codec_protobuf *message)
{
    if (!message->failed && message->at < message->in.len && message->in.data[message->at] < 0x80)
        return message->in.data[message->at++];
    return read_long_uvarint(message);
}

static bool take_long_key(struct codec_protobuf *message, uint64_t wanted)
{
    struct bytes rest = rest_of(message);
    uint64_t key;
    if (!codec_protobuf_take_uvarint(&key, &rest)) {
        message->failed = true;
        return false;
    }
    if (key != wanted)
        return false;
    message->at = message->in.len - rest.len;
    return true;
}

/* Takes the key at the cursor when it is this one. Another field with this number, but of another type, is left and so found by end. */
static inline bool take_key(struct codec_protobuf *message, uint32_t field, unsigned wire)
{
    const uint64_t wanted = (uint64_t)field << 3 | wire;
    if (message->failed || message->at == message->in.len)
        return false;
    if (message->in.data[message->at] >= 0x80)
        return take_long_key(message, wanted);
    bool is_it = message->in.data[message->at] == wanted; /* fields 1 to 15 */
    message->at += is_it;
    return is_it;
}

uint64_t codec_protobuf_read_u64(struct codec_protobuf *message, uint32_t field)
{
    if (!take_key(message, field, WIRE_VARINT))
        return 0;
    uint64_t value = read_uvarint(message);
    if (value == 0)
        message->failed = true; /* proto3: a scalar of the default value is not written */
    return value;
}

uint32_t codec_protobuf_read_u32(struct codec_protobuf *message, uint32_t field)
{
    uint64_t value = codec_protobuf_read_u64(message, field);
    if (value > UINT32_MAX) {
        message->failed = true;
        return 0;
    }
    return (uint32_t)value;
}

int64_t codec_protobuf_read_i64(struct codec_protobuf *message, uint32_t field)
{
    return (int64_t)codec_protobuf_read_u64(message, field);
}

int32_t codec_protobuf_read_i32(struct codec_protobuf *message, uint32_t field)
{
    int64_t value = codec_protobuf_read_i64(message, field);
    if (value < INT32_MIN || value > INT32_MAX) {
        message->failed = true;
        return 0;
    }
    return (int32_t)value;
}

/* The content of a length-delimited field whose key was taken. */
static struct bytes read_content(struct codec_protobuf *message)
{
    uint64_t len = read_uvarint(message);
    if (message->failed || len > message->in.len - message->at) {
        message->failed = true;
        return (struct bytes){NULL, 0};
    }
    struct bytes content = codec_bytes_slice(message->in, message->at, (size_t)len);
    message->at += (size_t)len;
    return content;
}

struct bytes codec_protobuf_read_bytes(struct codec_protobuf *message, uint32_t field)
{
    if (!take_key(message, field, WIRE_BYTES))
        return (struct bytes){NULL, 0};
    struct bytes content = read_content(message);
    if (content.len == 0)
        message->failed = true;
    return content;
}

bool codec_protobuf_read_message(struct codec_protobuf *inner, struct codec_protobuf *message, uint32_t field)
{
    codec_protobuf_init(inner, (struct bytes){NULL, 0});
    if (!take_key(message, field, WIRE_BYTES))
        return false;
    codec_protobuf_init(inner, read_content(message));
    inner->failed = message->failed;
    return !message->failed;
}

struct codec_protobuf codec_protobuf_need_message(struct codec_protobuf *message, uint32_t field)
{
    struct codec_protobuf inner;
    if (!codec_protobuf_read_message(&inner, message, field))
        message->failed = true;
    inner.failed = message->failed;
    return inner;
}

/* The bytes of a number; returns how many. */
static size_t put_uvarint(uint8_t out[UVARINT_MAX], uint64_t value)
{
    size_t len = 0;
    for (; value >= 0x80; value >>= 7)
        out[len++] = (uint8_t)(value | 0x80);
    out[len++] = (uint8_t)value;
    return len;
}

void codec_protobuf_write_uvarint(struct codec_writer *writer, uint64_t value)
{
    uint8_t number[UVARINT_MAX];
    codec_write_bytes(writer, (struct bytes){number, put_uvarint(number, value)});
}

void codec_protobuf_write_u64(struct codec_writer *writer, uint32_t field, uint64_t value)
{
    if (value == 0)
        return;
    codec_protobuf_write_uvarint(writer, (uint64_t)field << 3 | WIRE_VARINT);
    codec_protobuf_write_uvarint(writer, value);
}

void codec_protobuf_write_i64(struct codec_writer *writer, uint32_t field, int64_t value)
{
    codec_protobuf_write_u64(writer, field, (uint64_t)value);
}

void codec_protobuf_write_sfixed64(struct codec_writer *writer, uint32_t field, int64_t value)
{
    uint8_t little[8];
    if (value == 0)
        return;
    for (size_t i = 0; i < 8; i++)
        little[i] = (uint8_t)((uint64_t)value >> 8 * i);
    codec_protobuf_write_uvarint(writer, (uint64_t)field << 3 | WIRE_FIXED64);
    codec_write_bytes(writer, BYTES_OF(little));
}

void codec_protobuf_write_bytes(struct codec_writer *writer, uint32_t field, struct bytes value)
{
    if (value.len == 0)
        return;
    codec_protobuf_write_uvarint(writer, (uint64_t)field << 3 | WIRE_BYTES);
    codec_protobuf_write_uvarint(writer, value.len);
    codec_write_bytes(writer, value);
}

size_t codec_protobuf_begin(const struct codec_writer *writer)
{
    return writer->len;
}

void codec_protobuf_finish(struct codec_writer *writer, uint32_t field, size_t mark)
{
    uint8_t head[KEY_MAX + UVARINT_MAX];
    if (writer->failed)
        return;
    size_t len = writer->len - mark;
    size_t head_len = put_uvarint(head, (uint64_t)field << 3 | WIRE_BYTES);
    head_len += put_uvarint(head + head_len, len);
    if (head_len > writer->cap - writer->len) {
        writer->failed = true;
        return;
    }
    memmove(writer->data + mark + head_len, writer->data + mark, len);
    memcpy(writer->data + mark, head, head_len);
    writer->len += head_len;
}
