/*
 * Borrowed bytes, and strict big-endian cursors over them.
 *
 * A reader or writer keeps a sticky error: after the first failure every further call does nothing and yields
 * zero or an empty view, so a decoder may read all its fields and ask once, at the end, whether all was well.
 * Nothing here allocates; views never own what they point to.
 */
#ifndef ISTHMUS_PROOFS_CODEC_BYTES_H
#define ISTHMUS_PROOFS_CODEC_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A view of len bytes that someone else owns. data may be NULL when len is 0. */
struct bytes {
    const uint8_t *data;
    size_t len;
};

/* The view of an array object (not of a pointer). */
#define BYTES_OF(array) ((struct bytes){(array), sizeof(array)})

/* Equal length and equal content. */
bool codec_bytes_equal(struct bytes a, struct bytes b);

/* True when all len bytes are zero (also when len is 0): an "unset" root or hash. */
bool codec_bytes_are_zero(const uint8_t *data, size_t len);

/* The bytes [from, from + len) of b; an empty view when they do not all lie inside b. */
struct bytes codec_bytes_slice(struct bytes b, size_t from, size_t len);

/* A cursor over in. Fields are private to this module, but for `failed`, which may be read. */
struct codec_reader {
    struct bytes in;
    size_t at;
    bool failed;
};

void codec_reader_init(struct codec_reader *reader, struct bytes in);

/* Big-endian unsigned integers of 1, 2, 4 and 8 bytes; 0 after a failure. */
uint8_t codec_read_u8(struct codec_reader *reader);
uint16_t codec_read_u16(struct codec_reader *reader);
uint32_t codec_read_u32(struct codec_reader *reader);
uint64_t codec_read_u64(struct codec_reader *reader);

/* A view of the next len bytes; empty after a failure. */
struct bytes codec_read_bytes(struct codec_reader *reader, size_t len);

/* Copies the next len bytes to out; writes len zeros after a failure. */
void codec_read_copy(uint8_t *out, struct codec_reader *reader, size_t len);

/* How many bytes are left; 0 after a failure. */
size_t codec_reader_left(const struct codec_reader *reader);

/* True when nothing failed and every byte was consumed: the only way to accept an input. */
bool codec_reader_done(const struct codec_reader *reader);

/* A cursor that fills data[0..cap). `len` and `failed` may be read; len is what was written before any failure. */
struct codec_writer {
    uint8_t *data;
    size_t cap;
    size_t len;
    bool failed;
};

void codec_writer_init(struct codec_writer *writer, uint8_t *data, size_t cap);

/* Big-endian; a write that does not fit as a whole writes nothing and sets failed. */
void codec_write_u8(struct codec_writer *writer, uint8_t value);
void codec_write_u16(struct codec_writer *writer, uint16_t value);
void codec_write_u32(struct codec_writer *writer, uint32_t value);
void codec_write_u64(struct codec_writer *writer, uint64_t value);
void codec_write_bytes(struct codec_writer *writer, struct bytes value);

/* What was written so far; an empty view after a failure. */
struct bytes codec_writer_bytes(const struct codec_writer *writer);

#endif
