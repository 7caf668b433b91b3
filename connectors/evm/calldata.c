/*
 * Calls of the contracts, ABI encoded (calldata.h).
 */
#include "connectors/evm/calldata.h"
#include "connectors/sdk/record.h"

#include <stdlib.h>
#include <string.h>

#include "connectors/evm/abi.h"
#include "proofs/codec/keccak.h"

#define LANE        "(bytes32,bytes32,bytes32,address,uint8,uint32)"
#define CERTIFICATE "(uint64,(bytes32[],bytes32,bytes32)[])"

enum { ITEMS_MAX = 256 };

static void selector(struct codec_writer *writer, const char *signature)
{
    uint8_t hash[32];
    codec_keccak256(hash, (struct bytes){(const uint8_t *)signature, strlen(signature)});
    codec_write_bytes(writer, (struct bytes){hash, 4});
}

static void word(struct codec_writer *writer, const uint8_t value[32])
{
    codec_write_bytes(writer, (struct bytes){value, 32});
}

static void word_u64(struct codec_writer *writer, uint64_t value)
{
    static const uint8_t zero[24];
    codec_write_bytes(writer, BYTES_OF(zero));
    codec_write_u64(writer, value);
}

static void tail_bytes(struct codec_writer *writer, struct bytes value)
{
    static const uint8_t zero[32];
    word_u64(writer, value.len);
    codec_write_bytes(writer, value);
    codec_write_bytes(writer, (struct bytes){zero, (32 - value.len % 32) % 32});
}

/* ---- views ------------------------------------------------------------------------------------------------------------ */

static size_t view(uint8_t out[EVM_CALL_MAX], const char *signature, const uint8_t key[32], const uint64_t *number)
{
    struct codec_writer writer;
    codec_writer_init(&writer, out, EVM_CALL_MAX);
    selector(&writer, signature);
    word(&writer, key);
    if (number)
        word_u64(&writer, *number);
    return writer.len;
}

size_t evm_call_state(uint8_t out[EVM_CALL_MAX], const uint8_t lane[32])
{
    return view(out, "state(bytes32)", lane, NULL);
}

size_t evm_call_accepted(uint8_t out[EVM_CALL_MAX], const uint8_t message_log[32])
{
    return view(out, "accepted(bytes32)", message_log, NULL);
}

size_t evm_call_settlement(uint8_t out[EVM_CALL_MAX], const uint8_t settlement_log[32])
{
    return view(out, "settlement(bytes32)", settlement_log, NULL);
}

size_t evm_call_pending(uint8_t out[EVM_CALL_MAX], const uint8_t lane[32], uint64_t sequence)
{
    return view(out, "pending(bytes32,uint64)", lane, &sequence);
}

/* ---- submissions -------------------------------------------------------------------------------------------------------- */

static size_t certificate_bytes(const struct connector_certificate *certificate)
{
    size_t bytes = 96;
    for (size_t i = 0; i < certificate->attestations_len; i++)
        bytes += 32 + 128 + certificate->attestations[i].path.len;
    return bytes;
}

static void write_certificate(struct codec_writer *writer, const struct connector_certificate *certificate)
{
    size_t offset = 32 * certificate->attestations_len;
    word_u64(writer, certificate->epoch);
    word_u64(writer, 64);
    word_u64(writer, certificate->attestations_len);
    for (size_t i = 0; i < certificate->attestations_len; i++) {
        word_u64(writer, offset);
        offset += 128 + certificate->attestations[i].path.len;
    }
    for (size_t i = 0; i < certificate->attestations_len; i++) {
        const struct connector_attestation *one = &certificate->attestations[i];
        word_u64(writer, 96);
        codec_write_bytes(writer, one->signature);
        word_u64(writer, one->path.len / 32);
        codec_write_bytes(writer, one->path);
    }
}

static void write_lane(struct codec_writer *writer, const struct connector_lane *lane)
{
    word(writer, lane->source);
    word(writer, lane->outbox);
    word(writer, lane->sender);
    word(writer, lane->receiver);
    word_u64(writer, lane->mode);
    word_u64(writer, lane->generation);
}

/* The certificate's leaf, as far as calls repeat it. */
struct leaf {
    uint64_t from, to;
    uint8_t running[32];
    uint8_t status;
    uint32_t rule;
    uint64_t policy;
    uint32_t next_generation;
};

static bool read_leaf(struct leaf *leaf, const struct connector_certificate *certificate)
{
    struct codec_reader reader;
    memset(leaf, 0, sizeof *leaf);
    codec_reader_init(&reader, certificate->fields);
    codec_read_bytes(&reader, 32); /* log id or lane id: the contract computes its own */
    if (certificate->leaf_kind == 2)
        leaf->from = codec_read_u64(&reader);
    leaf->to = codec_read_u64(&reader);
    codec_read_copy(leaf->running, &reader, 32);
    if (certificate->leaf_kind == 2) {
        leaf->status = codec_read_u8(&reader);
        leaf->rule = codec_read_u32(&reader);
        leaf->policy = codec_read_u64(&reader);
    } else if (certificate->leaf_kind == 3) {
        leaf->next_generation = codec_read_u32(&reader);
    }
    return certificate->present && certificate->leaf_kind <= 3 && codec_reader_done(&reader);
}

/* bytes[]: the records, each with its own offset. False when they are not `count` whole records. */
static bool write_items(struct codec_writer *writer, const struct connector_submit *submit)
{
    const struct bytes all = submit->records;
    size_t at = 0, offset = 32 * (size_t)submit->count;
    word_u64(writer, submit->count);
    for (uint32_t i = 0; i < submit->count; i++) {
        const size_t size = sdk_record_size(CONNECTOR_LOG_MESSAGE, (struct bytes){all.data + at, all.len - at});
        if (size == 0)
            return false;
        word_u64(writer, offset);
        offset += 32 + (size + 31) / 32 * 32;
        at += size;
    }
    if (at != all.len)
        return false;
    at = 0;
    for (uint32_t i = 0; i < submit->count; i++) {
        const struct bytes rest = {all.data + at, all.len - at};
        const size_t size = sdk_record_size(CONNECTOR_LOG_MESSAGE, rest);
        tail_bytes(writer, (struct bytes){rest.data, size});
        at += size;
    }
    return true;
}

static bool write_digests(struct codec_writer *writer, const struct connector_submit *submit)
{
    struct bytes rest = submit->records;
    word_u64(writer, submit->count);
    for (uint32_t i = 0; i < submit->count; i++) {
        uint8_t digest[32];
        const size_t size = sdk_record_size(CONNECTOR_LOG_MESSAGE, rest);
        if (size == 0)
            return false;
        sdk_record_digest(digest, submit->lane.id, submit->from + i, (struct bytes){rest.data, size});
        word(writer, digest);
        rest = (struct bytes){rest.data + size, rest.len - size};
    }
    return rest.len == 0;
}

static const char *write_deliver(struct codec_writer *writer, const struct connector_submit *submit)
{
    struct leaf leaf;
    if (!read_leaf(&leaf, &submit->certificate) || submit->certificate.leaf_kind != 1)
        return "deliver: the certificate is not of a head or ruling";
    if (submit->count == 0 || submit->count > ITEMS_MAX || submit->from + submit->count - 1 != leaf.to)
        return "deliver: the records do not end at the certified head, or are not 1 … 256";
    selector(writer, "deliver(" LANE ",(uint64,bytes32)," CERTIFICATE ",bytes[])");
    write_lane(writer, &submit->lane);
    word_u64(writer, leaf.to);
    word(writer, leaf.running);
    word_u64(writer, 10 * 32);
    word_u64(writer, 10 * 32 + certificate_bytes(&submit->certificate));
    write_certificate(writer, &submit->certificate);
    return write_items(writer, submit) ? NULL : "deliver: not whole message records";
}

static const char *write_rule(struct codec_writer *writer, const struct connector_submit *submit)
{
    struct leaf leaf;
    if (!read_leaf(&leaf, &submit->certificate))
        return "deliver: malformed ruling";
    if (submit->count > ITEMS_MAX || (submit->count && submit->from + submit->count - 1 != leaf.to))
        return "deliver: the records do not end where the ruling does, or are more than 256";
    selector(writer, "rule(" LANE ",(uint64,uint64,bytes32,uint8,uint32,uint64)," CERTIFICATE ",bytes32[])");
    write_lane(writer, &submit->lane);
    word_u64(writer, leaf.from);
    word_u64(writer, leaf.to);
    word(writer, leaf.running);
    word_u64(writer, leaf.status);
    word_u64(writer, leaf.rule);
    word_u64(writer, leaf.policy);
    word_u64(writer, 14 * 32);
    word_u64(writer, 14 * 32 + certificate_bytes(&submit->certificate));
    write_certificate(writer, &submit->certificate);
    return write_digests(writer, submit) ? NULL : "deliver: not whole message records";
}

static const char *write_settle(struct codec_writer *writer, const struct connector_submit *submit)
{
    struct leaf leaf;
    if (!read_leaf(&leaf, &submit->certificate) || submit->certificate.leaf_kind != 1)
        return "settle: the certificate is not of a head";
    if (submit->count == 0 || submit->count > ITEMS_MAX || submit->from + submit->count - 1 != leaf.to)
        return "settle: the records do not end at the certified head, or are not 1 … 256";
    if (submit->records.len != 45 * (size_t)submit->count)
        return "settle: not whole outcome records";
    selector(writer, "settle(bytes32,uint64,bytes32," CERTIFICATE ",bytes)");
    word(writer, submit->lane.id);
    word_u64(writer, leaf.to);
    word(writer, leaf.running);
    word_u64(writer, 5 * 32);
    word_u64(writer, 5 * 32 + certificate_bytes(&submit->certificate));
    write_certificate(writer, &submit->certificate);
    tail_bytes(writer, submit->records);
    return NULL;
}

static const char *write_execute(struct codec_writer *writer, const struct connector_submit *submit)
{
    if (submit->count == 0 || submit->count > ITEMS_MAX)
        return "execute: not 1 … 256 message records";
    selector(writer, "execute(" LANE ",uint64,bytes[])");
    write_lane(writer, &submit->lane);
    word_u64(writer, submit->from);
    word_u64(writer, 8 * 32);
    return write_items(writer, submit) ? NULL : "execute: not whole message records";
}

static const char *write_expire(struct codec_writer *writer, const struct connector_submit *submit)
{
    if (submit->count != 1 || sdk_record_size(CONNECTOR_LOG_MESSAGE, submit->records) != submit->records.len)
        return "expire: not exactly one message record";
    selector(writer, "expire(" LANE ",uint64,bytes)");
    write_lane(writer, &submit->lane);
    word_u64(writer, submit->from);
    word_u64(writer, 8 * 32);
    tail_bytes(writer, submit->records);
    return NULL;
}

static const char *write_close(struct codec_writer *writer, const struct connector_submit *submit, bool at_outbox)
{
    struct leaf leaf;
    if (!read_leaf(&leaf, &submit->certificate) || submit->certificate.leaf_kind != 3)
        return "close: the certificate is not of a closing record";
    if (at_outbox) {
        selector(writer, "close(bytes32,uint64,bytes32,uint32," CERTIFICATE ")");
        word(writer, submit->lane.id);
    } else {
        selector(writer, "close(" LANE ",(uint64,bytes32,uint32)," CERTIFICATE ")");
        write_lane(writer, &submit->lane);
    }
    word_u64(writer, leaf.to);
    word(writer, leaf.running);
    word_u64(writer, leaf.next_generation);
    word_u64(writer, at_outbox ? 5 * 32 : 10 * 32);
    write_certificate(writer, &submit->certificate);
    return NULL;
}

static const char *write_submission(struct codec_writer *writer, const struct connector_submit *submit, bool at_outbox)
{
    for (size_t i = 0; i < submit->certificate.attestations_len; i++)
        if (submit->certificate.attestations[i].signature.len != 64)
            return "a signature is not 64 bytes";
    switch ((enum connector_action)submit->action) {
    case CONNECTOR_DELIVER:
        return submit->certificate.leaf_kind == 2 ? write_rule(writer, submit) : write_deliver(writer, submit);
    case CONNECTOR_SETTLE: return write_settle(writer, submit);
    case CONNECTOR_EXECUTE: return write_execute(writer, submit);
    case CONNECTOR_EXPIRE: return write_expire(writer, submit);
    case CONNECTOR_CLOSE: return write_close(writer, submit, at_outbox);
    }
    return "unknown action";
}

uint8_t *evm_call_submission(size_t *len, const struct connector_submit *submit, bool at_outbox, const char **wrong)
{
    const size_t cap =
        1024 + certificate_bytes(&submit->certificate) + submit->records.len + 96 * (size_t)submit->count;
    uint8_t *data = malloc(cap);
    struct codec_writer writer;
    codec_writer_init(&writer, data, data ? cap : 0);
    *wrong = write_submission(&writer, submit, at_outbox);
    if (!*wrong && writer.failed)
        *wrong = "no memory";
    if (*wrong) {
        free(data);
        return NULL;
    }
    *len = writer.len;
    return data;
}

uint64_t evm_call_goal(const struct connector_submit *submit)
{
    struct leaf leaf;
    switch ((enum connector_action)submit->action) {
    case CONNECTOR_DELIVER:
    case CONNECTOR_SETTLE: return read_leaf(&leaf, &submit->certificate) ? leaf.to : 0;
    case CONNECTOR_EXECUTE:
    case CONNECTOR_EXPIRE: return submit->from;
    case CONNECTOR_CLOSE: return 0;
    }
    return 0;
}
