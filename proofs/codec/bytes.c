/*
 * Views and big-endian cursors.
 */
#include "proofs/codec/bytes.h"

#include <string.h>

bool codec_bytes_equal(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

bool codec_bytes_are_zero(const uint8_t *data, size_t len)
{
    uint8_t any = 0;
    for (size_t i = 0; i < len; i++)
        any |= data[i];
    return any == 0;
}

struct bytes codec_bytes_slice(struct bytes b, size_t from, size_t len)
{
    if (from > b.len || len > b.len - from)
        return (struct bytes){NULL, 0};
    return (struct bytes){b.data + from, len};
}

void codec_reader_init(struct codec_reader *reader, struct bytes in)
{
    *reader = (struct codec_reader){.in = in};
}

struct bytes codec_read_bytes(struct codec_reader *reader, size_t len)
{
    if (reader->failed || len > reader->in.len - reader->at) {
        reader->failed = true;
        return (struct bytes){NULL, 0};
    }
    struct bytes view = codec_bytes_slice(reader->in, reader->at, len);
    reader->at += len;
    return view;
}

static uint64_t read_big_endian(struct codec_reader *reader, size_t width)
{
    struct bytes view = codec_read_bytes(reader, width);
    uint64_t value = 0;
    for (size_t i = 0; i < view.len; i++)
        value = value << 8 | view.data[i];
    return value;
}

uint8_t codec_read_u8(struct codec_reader *reader)
{
    return (uint8_t)read_big_endian(reader, 1);
}

uint16_t codec_read_u16(struct codec_reader *reader)
{
    return (uint16_t)read_big_endian(reader, 2);
}

uint32_t codec_read_u32(struct codec_reader *reader)
{
    return (uint32_t)read_big_endian(reader, 4);
}

uint64_t codec_read_u64(struct codec_reader *reader)
{
    return read_big_endian(reader, 8);
}

void codec_read_copy(uint8_t *out, struct codec_reader *reader, size_t len)
{
    struct bytes view = codec_read_bytes(reader, len);
    if (view.len == 0) {
        if (len > 0)
            memset(out, 0, len);
        return;
    }
    memcpy(out, view.data, view.len);
}

size_t codec_reader_left(const struct codec_reader *reader)
{
    return reader->failed ? 0 : reader->in.len - reader->at;
}

bool codec_reader_done(const struct codec_reader *reader)
{
    return !reader->failed && reader->at == reader->in.len;
}

void codec_writer_init(struct codec_writer *writer, uint8_t *data, size_t cap)
{
    *writer = (struct codec_writer){.data = data, .cap = cap};
}

void codec_write_bytes(struct codec_writer *writer, struct bytes value)
{
    if (writer->failed || value.len > writer->cap - writer->len) {
        writer->failed = true;
        return;
    }
    if (value.len > 0)
        memcpy(writer->data + writer->len, value.data, value.len);
    writer->len += value.len;
}

static void write_big_endian(struct codec_writer *writer, uint64_t value, size_t width)
{
    uint8_t buffer[8];
    for (size_t i = 0; i < width; i++)
        buffer[width - 1 - i] = (uint8_t)(value >> (8 * i));
    codec_write_bytes(writer, (struct bytes){buffer, width});
}

void codec_write_u8(struct codec_writer *writer, uint8_t value)
{
    write_big_endian(writer, value, 1);
}

void codec_write_u16(struct codec_writer *writer, uint16_t value)
{
    write_big_endian(writer, value, 2);
}

void codec_write_u32(struct codec_writer *writer, uint32_t value)
{
    write_big_endian(writer, value, 4);
}

void codec_write_u64(struct codec_writer *writer, uint64_t value)
{
    write_big_endian(writer, value, 8);
}

struct bytes codec_writer_bytes(const struct codec_writer *writer)
{
    if (writer->failed)
        return (struct bytes){NULL, 0};
    return (struct bytes){writer->data, writer->len};
}
