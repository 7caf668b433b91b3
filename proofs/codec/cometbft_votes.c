/*
 * Votes by themselves, and two of them that contradict each other (types/vote.go, types/evidence.go).
 */
#include "proofs/codec/cometbft.h"

static void read_single_vote(struct cometbft_single_vote *out, struct codec_protobuf *message, uint32_t field)
{
    struct codec_protobuf in = codec_protobuf_need_message(message, field);
    *out = (struct cometbft_single_vote){.type = codec_protobuf_read_u32(&in, 1)};
    out->height = codec_protobuf_read_i64(&in, 2);
    out->round = codec_protobuf_read_i32(&in, 3);
    out->block_id = cometbft_block_id_read(&in, 4);
    out->time = cometbft_time_read(&in, 5);
    out->address = codec_protobuf_read_bytes(&in, 6);
    out->index = codec_protobuf_read_i32(&in, 7);
    out->signature = codec_protobuf_read_bytes(&in, 8);
    out->extension = codec_protobuf_read_bytes(&in, 9);
    out->extension_signature = codec_protobuf_read_bytes(&in, 10);
    if (out->address.len > COMETBFT_ADDRESS_BYTES || out->signature.len > COMETBFT_SIGNATURE_MAX ||
        out->extension_signature.len > COMETBFT_SIGNATURE_MAX)
        in.failed = true;
    codec_protobuf_close(message, &in);
}

bool cometbft_double_vote_read(struct cometbft_double_vote *out, struct bytes in)
{
    struct codec_protobuf message;
    *out = (struct cometbft_double_vote){0};
    codec_protobuf_init(&message, in);
    if (in.len > COMETBFT_EVIDENCE_MAX)
        return false;
    read_single_vote(&out->a, &message, 1);
    read_single_vote(&out->b, &message, 2);
    out->total_power = codec_protobuf_read_i64(&message, 3);
    out->power = codec_protobuf_read_i64(&message, 4);
    out->time = cometbft_time_read(&message, 5);
    return codec_protobuf_end(&message);
}

static void write_single_vote(struct codec_writer *writer, uint32_t field, const struct cometbft_single_vote *vote)
{
    size_t mark = codec_protobuf_begin(writer);
    codec_protobuf_write_u64(writer, 1, vote->type);
    codec_protobuf_write_i64(writer, 2, vote->height);
    codec_protobuf_write_i64(writer, 3, vote->round);
    size_t id = codec_protobuf_begin(writer);
    cometbft_block_id_write(writer, &vote->block_id);
    codec_protobuf_finish(writer, 4, id);
    cometbft_time_write_field(writer, 5, vote->time);
    codec_protobuf_write_bytes(writer, 6, vote->address);
    codec_protobuf_write_i64(writer, 7, vote->index);
    codec_protobuf_write_bytes(writer, 8, vote->signature);
    codec_protobuf_write_bytes(writer, 9, vote->extension);
    codec_protobuf_write_bytes(writer, 10, vote->extension_signature);
    codec_protobuf_finish(writer, field, mark);
}

void cometbft_double_vote_write(struct codec_writer *writer, const struct cometbft_double_vote *evidence)
{
    write_single_vote(writer, 1, &evidence->a);
    write_single_vote(writer, 2, &evidence->b);
    codec_protobuf_write_i64(writer, 3, evidence->total_power);
    codec_protobuf_write_i64(writer, 4, evidence->power);
    cometbft_time_write_field(writer, 5, evidence->time);
}
