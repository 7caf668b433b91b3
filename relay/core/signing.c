/*
 * Requests to the signer and its answers, byte by byte: big-endian fields of fixed width, counts before lists, nothing
 * after the end.
 */
#include "relay/core/signing.h"

#include <string.h>

#include "proofs/codec/sodium.h"
#include "relay/core/core.h"

enum { TYPE_REQUEST = 0x52, TYPE_HEADER = 0x48, REASON_MAX = 4096, WANT_BYTES = 8 };

static struct bytes hash_bytes(const uint8_t hash[32])
{
    return (struct bytes){hash, 32};
}

/* With its final zero, so that no two lists of texts look alike. */
static struct bytes text_bytes(const char *text)
{
    return text != NULL ? (struct bytes){(const uint8_t *)text, strlen(text) + 1} : (struct bytes){NULL, 0};
}

bool relay_signing_document(uint8_t out[32], const uint8_t network_hash[32], const struct relay_source *sources,
                            size_t sources_len)
{
    memcpy(out, network_hash, 32);
    for (size_t i = 0; i < sources_len; i++) {
        const uint8_t chain[2] = {(uint8_t)(sources[i].chain >> 8), (uint8_t)sources[i].chain};
        const struct bytes parts[] = {{out, 32},
                                      BYTES_OF(chain),
                                      text_bytes(sources[i].name),
                                      text_bytes(sources[i].operator_tag),
                                      text_bytes(sources[i].network_tag),
                                      text_bytes(sources[i].software_tag)};
        uint8_t hash[32];
        if (!codec_sodium_blake2b256(hash, parts, sizeof(parts) / sizeof(parts[0])))
            return false;
        memcpy(out, hash, 32);
    }
    return true;
}

static void log_write(struct codec_writer *writer, const struct relay_signing_log *log)
{
    if (log->items.len != 32 * (size_t)log->count || log->heads_len > RELAY_SIGNING_HEADS_MAX)
        writer->failed = true;
    codec_write_bytes(writer, hash_bytes(log->log));
    codec_write_u64(writer, log->from);
    codec_write_bytes(writer, hash_bytes(log->prior));
    codec_write_u32(writer, log->count);
    codec_write_bytes(writer, log->items);
    codec_write_u32(writer, log->heads_len);
    for (uint32_t i = 0; i < log->heads_len && !writer->failed; i++)
        codec_write_u64(writer, log->heads[i]);
}

size_t relay_signing_request_write(uint8_t *out, size_t cap, const struct relay_signing_request *request)
{
    struct codec_writer writer;
    codec_writer_init(&writer, out, cap < RELAY_SIGNING_MESSAGE_MAX ? cap : RELAY_SIGNING_MESSAGE_MAX);
    if (request->statements_len > RELAY_SOURCES_MAX || request->logs_len == 0 ||
        request->logs_len > RELAY_SIGNING_LOGS_MAX || request->evidence.len > RELAY_SIGNING_MESSAGE_MAX)
        return 0;
    codec_write_u8(&writer, RELAY_SIGNING_VERSION);
    codec_write_u8(&writer, TYPE_REQUEST);
    codec_write_u64(&writer, request->id);
    codec_write_u16(&writer, request->chain);
    codec_write_bytes(&writer, hash_bytes(request->document));
    codec_write_u16(&writer, (uint16_t)request->statements_len);
    for (size_t i = 0; i < request->statements_len; i++) {
        codec_write_u16(&writer, request->statements[i].source);
        codec_write_bytes(&writer, hash_bytes(request->statements[i].header_hash));
    }
    codec_write_u32(&writer, (uint32_t)request->evidence.len);
    codec_write_bytes(&writer, request->evidence);
    codec_write_u16(&writer, (uint16_t)request->logs_len);
    for (size_t i = 0; i < request->logs_len; i++)
        log_write(&writer, &request->logs[i]);
    return codec_writer_bytes(&writer).len;
}

static void log_read(struct relay_signing_log *log, struct codec_reader *reader)
{
    codec_read_copy(log->log, reader, 32);
    log->from = codec_read_u64(reader);
    codec_read_copy(log->prior, reader, 32);
    log->count = codec_read_u32(reader);
    if (log->from == 0 || log->count > codec_reader_left(reader) / 32 || log->from > UINT64_MAX - log->count)
        reader->failed = true;
    log->items = codec_read_bytes(reader, 32 * (size_t)log->count);
    log->heads_len = codec_read_u32(reader);
    if (log->heads_len > RELAY_SIGNING_HEADS_MAX)
        reader->failed = true;
    for (uint32_t i = 0; i < log->heads_len && !reader->failed; i++)
        log->heads[i] = codec_read_u64(reader);
}

bool relay_signing_request_read(struct relay_signing_request *request, struct relay_signing_statement *statements,
                                struct relay_signing_log *logs, struct bytes message)
{
    struct codec_reader reader;
    *request = (struct relay_signing_request){.statements = statements, .logs = logs};
    if (message.len > RELAY_SIGNING_MESSAGE_MAX)
        return false;
    codec_reader_init(&reader, message);
    if (codec_read_u8(&reader) != RELAY_SIGNING_VERSION || codec_read_u8(&reader) != TYPE_REQUEST)
        return false;
    request->id = codec_read_u64(&reader);
    request->chain = codec_read_u16(&reader);
    codec_read_copy(request->document, &reader, 32);
    request->statements_len = codec_read_u16(&reader);
    if (request->statements_len > RELAY_SOURCES_MAX)
        return false;
    for (size_t i = 0; i < request->statements_len; i++) {
        statements[i].source = codec_read_u16(&reader);
        codec_read_copy(statements[i].header_hash, &reader, 32);
    }
    request->evidence = codec_read_bytes(&reader, codec_read_u32(&reader));
    request->logs_len = codec_read_u16(&reader);
    if (request->logs_len == 0 || request->logs_len > RELAY_SIGNING_LOGS_MAX)
        return false;
    for (size_t i = 0; i < request->logs_len && !reader.failed; i++)
        log_read(&logs[i], &reader);
    return codec_reader_done(&reader);
}

bool relay_signing_is_header(struct bytes message)
{
    return message.len > 1 && message.data[1] == TYPE_HEADER;
}

size_t relay_signing_header_write(uint8_t *out, size_t cap, const struct relay_signing_header *header)
{
    struct codec_writer writer;
    codec_writer_init(&writer, out, cap < RELAY_SIGNING_MESSAGE_MAX ? cap : RELAY_SIGNING_MESSAGE_MAX);
    if (header->bundle.len == 0 || header->bundle.len > RELAY_SIGNING_MESSAGE_MAX)
        return 0;
    codec_write_u8(&writer, RELAY_SIGNING_VERSION);
    codec_write_u8(&writer, TYPE_HEADER);
    codec_write_u64(&writer, header->id);
    codec_write_u16(&writer, header->chain);
    codec_write_bytes(&writer, hash_bytes(header->document));
    codec_write_u32(&writer, (uint32_t)header->bundle.len);
    codec_write_bytes(&writer, header->bundle);
    return codec_writer_bytes(&writer).len;
}

bool relay_signing_header_read(struct relay_signing_header *header, struct bytes message)
{
    struct codec_reader reader;
    *header = (struct relay_signing_header){0};
    codec_reader_init(&reader, message);
    if (message.len > RELAY_SIGNING_MESSAGE_MAX || codec_read_u8(&reader) != RELAY_SIGNING_VERSION ||
        codec_read_u8(&reader) != TYPE_HEADER)
        return false;
    header->id = codec_read_u64(&reader);
    header->chain = codec_read_u16(&reader);
    codec_read_copy(header->document, &reader, 32);
    header->bundle = codec_read_bytes(&reader, codec_read_u32(&reader));
    return codec_reader_done(&reader) && header->bundle.len > 0;
}

size_t relay_signing_answer_write(uint8_t *out, size_t cap, const struct relay_signing_answer *answer)
{
    struct codec_writer writer;
    codec_writer_init(&writer, out, cap < RELAY_SIGNING_MESSAGE_MAX ? cap : RELAY_SIGNING_MESSAGE_MAX);
    if (answer->body.len > RELAY_SIGNING_MESSAGE_MAX)
        return 0;
    codec_write_u8(&writer, RELAY_SIGNING_VERSION);
    codec_write_u8(&writer, (uint8_t)answer->type);
    codec_write_u64(&writer, answer->id);
    codec_write_bytes(&writer, hash_bytes(answer->log));
    codec_write_u64(&writer, answer->number);
    codec_write_bytes(&writer, hash_bytes(answer->running));
    codec_write_u8(&writer, answer->last ? 1 : 0);
    codec_write_u32(&writer, (uint32_t)answer->body.len);
    codec_write_bytes(&writer, answer->body);
    return codec_writer_bytes(&writer).len;
}

bool relay_signing_answer_read(struct relay_signing_answer *answer, struct bytes message)
{
    struct codec_reader reader;
    *answer = (struct relay_signing_answer){0};
    codec_reader_init(&reader, message);
    if (message.len > RELAY_SIGNING_MESSAGE_MAX || codec_read_u8(&reader) != RELAY_SIGNING_VERSION)
        return false;
    uint8_t type = codec_read_u8(&reader);
    if (type < RELAY_SIGNING_ATTESTATION || type > RELAY_SIGNING_TRUST)
        return false;
    answer->type = (enum relay_signing_answer_type)type;
    answer->id = codec_read_u64(&reader);
    codec_read_copy(answer->log, &reader, 32);
    answer->number = codec_read_u64(&reader);
    codec_read_copy(answer->running, &reader, 32);
    uint8_t last = codec_read_u8(&reader);
    answer->last = last == 1;
    answer->body = codec_read_bytes(&reader, codec_read_u32(&reader));
    bool body_fits = type == RELAY_SIGNING_GUARD     ? answer->body.len == 0
                     : type == RELAY_SIGNING_TRUST   ? answer->body.len == WANT_BYTES
                     : type == RELAY_SIGNING_REFUSAL ? answer->body.len <= REASON_MAX
                                                     : answer->body.len > 0;
    return codec_reader_done(&reader) && last <= 1 && body_fits;
}
