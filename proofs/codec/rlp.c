/*
 * RLP: one function decides where an item ends; all else goes through it.
 */
#include "proofs/codec/rlp.h"

#include <string.h>

void codec_rlp_init(struct codec_rlp *rlp, struct bytes in)
{
    *rlp = (struct codec_rlp){.in = in};
}

static bool fail(struct codec_rlp *rlp)
{
    rlp->failed = true;
    return false;
}

/* Reads a length of `width` big-endian bytes: minimal, and only where the short form would not do (> 55). */
static bool read_long_length(size_t *len, const uint8_t *in, size_t width)
{
    if (width > sizeof *len || in[0] == 0)
        return false;
    *len = 0;
    for (size_t i = 0; i < width; i++)
        *len = *len << 8 | in[i];
    return *len > 55;
}

bool codec_rlp_next(struct codec_rlp_item *item, struct codec_rlp *rlp)
{
    *item = (struct codec_rlp_item){0};
    if (rlp->failed || rlp->at == rlp->in.len)
        return false;
    const uint8_t *in = rlp->in.data + rlp->at;
    size_t left = rlp->in.len - rlp->at;
    size_t header = 1;
    size_t len = 1;
    bool is_list = in[0] >= 0xc0;
    uint8_t base = is_list ? 0xc0 : 0x80;
    if (in[0] < 0x80) {
        header = 0;
    } else if (in[0] <= base + 55) {
        len = (size_t)(in[0] - base);
    } else {
        size_t width = (size_t)(in[0] - base) - 55;
        if (width > left - 1 || !read_long_length(&len, in + 1, width))
            return fail(rlp);
        header = 1 + width;
    }
    if (len > left - header)
        return fail(rlp);
    if (!is_list && header == 1 && len == 1 && in[1] < 0x80)
        return fail(rlp);
    item->is_list = is_list;
    item->payload = (struct bytes){in + header, len};
    item->raw = (struct bytes){in, header + len};
    rlp->at += header + len;
    return true;
}

bool codec_rlp_more(const struct codec_rlp *rlp)
{
    return !rlp->failed && rlp->at < rlp->in.len;
}

bool codec_rlp_end(const struct codec_rlp *rlp)
{
    return !rlp->failed && rlp->at == rlp->in.len;
}

struct bytes codec_rlp_read_string(struct codec_rlp *rlp)
{
    struct codec_rlp_item item;
    if (!codec_rlp_next(&item, rlp) || item.is_list) {
        rlp->failed = true;
        return (struct bytes){NULL, 0};
    }
    return item.payload;
}

void codec_rlp_read_fixed(uint8_t *out, struct codec_rlp *rlp, size_t len)
{
    struct bytes value = codec_rlp_read_string(rlp);
    if (rlp->failed || value.len != len) {
        rlp->failed = true;
        memset(out, 0, len);
        return;
    }
    memcpy(out, value.data, len);
}

/* An integer of at most max bytes; empty after a failure (and for zero). */
static struct bytes read_integer(struct codec_rlp *rlp, size_t max)
{
    struct bytes value = codec_rlp_read_string(rlp);
    if (value.len > max || (value.len > 0 && value.data[0] == 0)) {
        rlp->failed = true;
        return (struct bytes){NULL, 0};
    }
    return value;
}

uint64_t codec_rlp_read_u64(struct codec_rlp *rlp)
{
    struct bytes value = read_integer(rlp, 8);
    uint64_t number = 0;
    for (size_t i = 0; i < value.len; i++)
        number = number << 8 | value.data[i];
    return number;
}

void codec_rlp_read_u256(uint8_t out[32], struct codec_rlp *rlp)
{
    struct bytes value = read_integer(rlp, 32);
    memset(out, 0, 32);
    if (value.len > 0)
        memcpy(out + 32 - value.len, value.data, value.len);
}

struct codec_rlp codec_rlp_read_list(struct codec_rlp *rlp)
{
    struct codec_rlp_item item;
    struct codec_rlp list = {.failed = true};
    if (!codec_rlp_next(&item, rlp) || !item.is_list) {
        rlp->failed = true;
        return list;
    }
    codec_rlp_init(&list, item.payload);
    return list;
}

bool codec_rlp_check(struct bytes in, size_t max_depth)
{
    if (max_depth > CODEC_RLP_DEPTH_MAX)
        return false;
    /* open[0] is the run that must be exactly one item, open[1..depth] the lists entered and not yet left. */
    struct codec_rlp open[CODEC_RLP_DEPTH_MAX + 1];
    size_t depth = 0;
    struct codec_rlp_item item;
    codec_rlp_init(&open[0], in);
    if (!codec_rlp_more(&open[0]))
        return false;
    for (;;) {
        if (!codec_rlp_more(&open[depth])) {
            if (!codec_rlp_end(&open[depth]))
                return false;
            if (depth == 0)
                return true;
            depth--;
            continue;
        }
        if (depth == 0 && open[0].at != 0)
            return false; /* a second item at the top */
        if (!codec_rlp_next(&item, &open[depth]))
            return false;
        if (item.is_list) {
            if (depth == max_depth)
                return false;
            codec_rlp_init(&open[++depth], item.payload);
        }
    }
}

/* base 0x80 for strings, 0xc0 for lists; returns the header's length, at most 9. */
static size_t make_header(uint8_t out[9], uint8_t base, size_t len)
{
    if (len <= 55) {
        out[0] = (uint8_t)(base + len);
        return 1;
    }
    size_t width = 1;
    while (width < 8 && len >> (8 * width) != 0)
        width++;
    out[0] = (uint8_t)(base + 55 + width);
    for (size_t i = 0; i < width; i++)
        out[width - i] = (uint8_t)(len >> (8 * i));
    return 1 + width;
}

void codec_rlp_write_string_header(struct codec_writer *writer, size_t len)
{
    uint8_t header[9];
    size_t header_len = make_header(header, 0x80, len);
    codec_write_bytes(writer, (struct bytes){header, header_len});
}

void codec_rlp_write_list_header(struct codec_writer *writer, size_t len)
{
    uint8_t header[9];
    size_t header_len = make_header(header, 0xc0, len);
    codec_write_bytes(writer, (struct bytes){header, header_len});
}

void codec_rlp_write_string(struct codec_writer *writer, struct bytes value)
{
    if (value.len != 1 || value.data[0] >= 0x80)
        codec_rlp_write_string_header(writer, value.len);
    codec_write_bytes(writer, value);
}

void codec_rlp_write_uint(struct codec_writer *writer, struct bytes value)
{
    while (value.len > 0 && value.data[0] == 0) {
        value.data++;
        value.len--;
    }
    codec_rlp_write_string(writer, value);
}

void codec_rlp_write_u64(struct codec_writer *writer, uint64_t value)
{
    uint8_t wide[8];
    for (size_t i = 0; i < 8; i++)
        wide[7 - i] = (uint8_t)(value >> (8 * i));
    codec_rlp_write_uint(writer, BYTES_OF(wide));
}

void codec_rlp_write_raw(struct codec_writer *writer, struct bytes rlp)
{
    codec_write_bytes(writer, rlp);
}

size_t codec_rlp_list_begin(const struct codec_writer *writer)
{
    return writer->len;
}

void codec_rlp_list_end(struct codec_writer *writer, size_t mark)
{
    uint8_t header[9];
    if (writer->failed)
        return;
    size_t len = writer->len - mark;
    size_t header_len = make_header(header, 0xc0, len);
    if (header_len > writer->cap - writer->len) {
        writer->failed = true;
        return;
    }
    if (len > 0)
        memmove(writer->data + mark + header_len, writer->data + mark, len);
    memcpy(writer->data + mark, header, header_len);
    writer->len += header_len;
}
