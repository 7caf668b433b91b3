/*
 * The protobuf cursor, driven by the input: its first byte says how many of the next are questions (field and type), the rest is the message. Never reads
 * beyond it, never goes back, and what failed stays failed.
 */
#include <stdint.h>

#include "proofs/codec/protobuf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(struct codec_protobuf *message, uint8_t question)
{
    struct codec_protobuf inner;
    uint32_t field = question & 31;
    size_t before = message->at;
    bool failed = message->failed;
    switch (question >> 5) {
    case 0: codec_protobuf_read_u64(message, field); break;
    case 1: codec_protobuf_read_u32(message, field); break;
    case 2: codec_protobuf_read_i32(message, field); break;
    case 3: codec_protobuf_read_bytes(message, field); break;
    case 4:
        inner = codec_protobuf_need_message(message, field);
        codec_protobuf_read_i64(&inner, 1);
        codec_protobuf_close(message, &inner);
        break;
    default:
        if (codec_protobuf_read_message(&inner, message, field) && inner.in.len > message->in.len)
            __builtin_trap();
        break;
    }
    if (message->at < before || message->at > message->in.len || (failed && !message->failed))
        __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct codec_protobuf message;
    size_t questions = size ? data[0] : 0;
    if (size < 1 + questions)
        return 0;
    codec_protobuf_init(&message, (struct bytes){data + 1 + questions, size - 1 - questions});
    for (size_t i = 0; i < questions; i++)
        ask(&message, data[1 + i]);
    if (codec_protobuf_end(&message) && message.at != message.in.len)
        __builtin_trap();
    return 0;
}
