/*
 * Protocol Buffers, proto3, wire format: a strict reader over borrowed bytes, and a writer into a bounded buffer. Only what is hashed
 * and signed on chains is spoken: varints, sfixed64, bytes and messages inside messages.
 *
 * The reader takes one encoding for one meaning, which is what deterministic writers (gogoproto, prost) give: fields in
 * ascending order, none twice unless repeated, varints as short as they go, no zero and no empty field that could have been left
 * out, nothing unknown. It is therefore driven by the reader of the message: it asks for field after field, ascending; what is there but
 * was not asked for stays, and codec_protobuf_end says so.
 */
#ifndef ISTHMUS_PROOFS_CODEC_PROTOBUF_H
#define ISTHMUS_PROOFS_CODEC_PROTOBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proofs/codec/bytes.h"

/* A cursor over the fields of one message. `failed` may be read; it is sticky, and reads after it give zero. */
struct codec_protobuf {
    struct bytes in;
    size_t at;
    bool failed;
};

void codec_protobuf_init(struct codec_protobuf *message, struct bytes in);

/* True when nothing failed and every byte was asked for. */
bool codec_protobuf_end(const struct codec_protobuf *message);

/* Fails `message` unless `inner`, a message read from it, is at its end. */
void codec_protobuf_close(struct codec_protobuf *message, const struct codec_protobuf *inner);

/* A scalar field that is left out when zero: its value, 0 when it is not there. Fails on a written zero, on a longer encoding than
 * needed, on another wire type, and on values out of the type's range (a negative int32 has ten bytes, as proto3 wants). */
uint64_t codec_protobuf_read_u64(struct codec_protobuf *message, uint32_t field);
uint32_t codec_protobuf_read_u32(struct codec_protobuf *message, uint32_t field);
int64_t codec_protobuf_read_i64(struct codec_protobuf *message, uint32_t field);
int32_t codec_protobuf_read_i32(struct codec_protobuf *message, uint32_t field);

/* A bytes or string field that is left out when empty: a view of its content, empty when it is not there. */
struct bytes codec_protobuf_read_bytes(struct codec_protobuf *message, uint32_t field);

/* A message field, or one entry of a repeated message or bytes field: true and a cursor over its content when it is next. */
bool codec_protobuf_read_message(struct codec_protobuf *inner, struct codec_protobuf *message, uint32_t field);

/* A message field that writers always write (gogoproto: not nullable): fails when it is not there. */
struct codec_protobuf codec_protobuf_need_message(struct codec_protobuf *message, uint32_t field);

/* An unsigned LEB128 number, as short as it goes, from the front of *in, which then begins after it; false, and nothing taken, otherwise. */
bool codec_protobuf_take_uvarint(uint64_t *value, struct bytes *in);

/* Writing: scalars and bytes that are zero or empty write nothing; the writer's sticky error says whether all fitted. */
void codec_protobuf_write_uvarint(struct codec_writer *writer, uint64_t value); /* the number alone, no field */
void codec_protobuf_write_u64(struct codec_writer *writer, uint32_t field, uint64_t value);
void codec_protobuf_write_i64(struct codec_writer *writer, uint32_t field, int64_t value);
void codec_protobuf_write_sfixed64(struct codec_writer *writer, uint32_t field, int64_t value);
void codec_protobuf_write_bytes(struct codec_writer *writer, uint32_t field, struct bytes value);

/* A message field, written even when empty: mark = begin, its fields, end. The header goes in front when the length is known. */
size_t codec_protobuf_begin(const struct codec_writer *writer);
void codec_protobuf_finish(struct codec_writer *writer, uint32_t field, size_t mark);

#endif
