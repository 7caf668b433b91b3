/*
 * Queries and transactions of the ledger (ledger.h).
 */
#include "connectors/cometbft/ledger.h"

#include <stdlib.h>
#include <string.h>

#include "connectors/sdk/record.h"
#include "proofs/codec/hex.h"
#include "proofs/codec/keccak.h"
#include "proofs/codec/secp256k1.h"
#include "proofs/codec/sha256.h"

enum { ITEMS_MAX = 256, TX_VERSION = 1, SIGNATURE = 64 };

/* Kinds of transaction (chain/tx.go). */
enum { TX_SETTLE = 4, TX_CLOSE_OUTBOX, TX_DELIVER, TX_EXECUTE, TX_EXPIRE, TX_RULE, TX_CLOSE_INBOX };

/* ---- queries ----------------------------------------------------------------------------------------------------------- */

static void ask(struct sdk_rpc_request *request, const char *path, const uint8_t data[32])
{
    char hex[65];
    codec_hex_encode(hex, (struct bytes){data, 32});
    sdk_rpc_add(request, "abci_query", "{\"path\":\"%s\",\"data\":\"%s\",\"height\":\"0\",\"prove\":false}", path, hex);
}

/* The value of an answer without error; *height: of the state. */
static bool value_of(struct codec_reader *out, uint64_t *height, const struct sdk_rpc_reply *reply,
                     struct sdk_arena *arena)
{
    const struct sdk_json *response = sdk_json_member(reply->result, "response");
    int64_t code = -1, at = 0;
    struct bytes value;
    if (reply->is_error || !sdk_json_integer(&code, sdk_json_member(response, "code")) || code != 0 ||
        !sdk_json_decimal(&at, sdk_json_member(response, "height")) || at < 1 ||
        !sdk_json_base64(&value, sdk_json_member(response, "value"), arena))
        return false;
    *height = (uint64_t)at;
    codec_reader_init(out, value);
    return true;
}

void cometbft_ledger_ask_lane(struct sdk_rpc_request *request, bool outbox, const uint8_t lane[32])
{
    ask(request, outbox ? "/lane/outbox" : "/lane/inbox", lane);
}

bool cometbft_ledger_lane(struct cometbft_lane *out, const struct sdk_rpc_reply *reply, struct sdk_arena *arena)
{
    struct codec_reader reader;
    if (!value_of(&reader, &out->height, reply, arena))
        return false;
    out->time = codec_read_u64(&reader);
    out->count = codec_read_u64(&reader);
    codec_read_copy(out->running, &reader, 32);
    out->entries = codec_read_u64(&reader);
    codec_read_copy(out->outcomes, &reader, 32);
    out->last = codec_read_u64(&reader);
    return codec_reader_done(&reader) && out->entries <= out->count;
}

void cometbft_ledger_ask_sequence(struct sdk_rpc_request *request, const uint8_t account[32])
{
    ask(request, "/account", account);
}

bool cometbft_ledger_sequence(uint64_t *out, const struct sdk_rpc_reply *reply, struct sdk_arena *arena)
{
    struct codec_reader reader;
    uint64_t height;
    if (!value_of(&reader, &height, reply, arena))
        return false;
    *out = codec_read_u64(&reader);
    return codec_reader_done(&reader);
}

/* ---- bodies ------------------------------------------------------------------------------------------------------------ */

struct leaf {
    uint64_t from, to;
    uint8_t running[32];
    struct bytes tail; /* of a ruling: status, rule, policy version; of a closing record: next generation */
};

static bool read_leaf(struct leaf *leaf, const struct connector_certificate *certificate)
{
    struct codec_reader reader;
    *leaf = (struct leaf){0};
    codec_reader_init(&reader, certificate->fields);
    codec_read_bytes(&reader, 32); /* log id or lane id: the ledger computes its own */
    if (certificate->leaf_kind == 2)
        leaf->from = codec_read_u64(&reader);
    leaf->to = codec_read_u64(&reader);
    codec_read_copy(leaf->running, &reader, 32);
    leaf->tail = codec_read_bytes(&reader, certificate->leaf_kind == 2 ? 13 : certificate->leaf_kind == 3 ? 4 : 0);
    return certificate->present && certificate->leaf_kind <= 3 && codec_reader_done(&reader);
}

static void write_lane(struct codec_writer *writer, const struct connector_lane *lane)
{
    codec_write_bytes(writer, BYTES_OF(lane->source));
    codec_write_bytes(writer, BYTES_OF(lane->outbox));
    codec_write_bytes(writer, BYTES_OF(lane->sender));
    codec_write_bytes(writer, BYTES_OF(lane->receiver));
    codec_write_u8(writer, lane->mode);
    codec_write_u32(writer, lane->generation);
}

static void write_certificate(struct codec_writer *writer, const struct connector_certificate *certificate)
{
    codec_write_u64(writer, certificate->epoch);
    codec_write_u8(writer, (uint8_t)certificate->attestations_len);
    for (size_t i = 0; i < certificate->attestations_len; i++) {
        codec_write_u8(writer, (uint8_t)(certificate->attestations[i].path.len / 32));
        codec_write_bytes(writer, certificate->attestations[i].path);
        codec_write_bytes(writer, certificate->attestations[i].signature);
    }
}

static void write_lengthed(struct codec_writer *writer, struct bytes bytes)
{
    codec_write_u32(writer, (uint32_t)bytes.len);
    codec_write_bytes(writer, bytes);
}

/* The records one by one, whole or as their digests. False when they are not `count` whole records. */
static bool write_items(struct codec_writer *writer, const struct connector_submit *submit, bool digests)
{
    struct bytes rest = submit->records;
    codec_write_u16(writer, (uint16_t)submit->count);
    for (uint32_t i = 0; i < submit->count; i++) {
        uint8_t digest[32];
        const size_t size = sdk_record_size(CONNECTOR_LOG_MESSAGE, rest);
        if (size == 0)
            return false;
        if (digests) {
            sdk_record_digest(digest, submit->lane.id, submit->from + i, (struct bytes){rest.data, size});
            codec_write_bytes(writer, BYTES_OF(digest));
        } else {
            write_lengthed(writer, (struct bytes){rest.data, size});
        }
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
    write_lane(writer, &submit->lane);
    codec_write_u64(writer, leaf.to);
    codec_write_bytes(writer, BYTES_OF(leaf.running));
    write_certificate(writer, &submit->certificate);
    return write_items(writer, submit, false) ? NULL : "deliver: not so many whole records";
}

static const char *write_rule(struct codec_writer *writer, const struct connector_submit *submit)
{
    struct leaf leaf;
    if (!read_leaf(&leaf, &submit->certificate) || submit->count > ITEMS_MAX ||
        (submit->count && submit->from + submit->count - 1 != leaf.to))
        return "ruling: the records do not end where it ends, or are more than 256";
    write_lane(writer, &submit->lane);
    codec_write_u64(writer, leaf.from);
    codec_write_u64(writer, leaf.to);
    codec_write_bytes(writer, BYTES_OF(leaf.running));
    codec_write_bytes(writer, leaf.tail);
    write_certificate(writer, &submit->certificate);
    return write_items(writer, submit, true) ? NULL : "ruling: not so many whole records";
}

static const char *write_settle(struct codec_writer *writer, const struct connector_submit *submit)
{
    struct leaf leaf;
    if (!read_leaf(&leaf, &submit->certificate) || submit->certificate.leaf_kind != 1)
        return "settle: the certificate is not of a head";
    if (submit->count == 0 || submit->count > ITEMS_MAX || submit->from + submit->count - 1 != leaf.to ||
        submit->records.len != 45 * (size_t)submit->count)
        return "settle: the records do not end at the certified head, or are not 1 … 256";
    codec_write_bytes(writer, BYTES_OF(submit->lane.id));
    codec_write_u64(writer, leaf.to);
    codec_write_bytes(writer, BYTES_OF(leaf.running));
    write_certificate(writer, &submit->certificate);
    write_lengthed(writer, submit->records);
    return NULL;
}

static const char *write_execute(struct codec_writer *writer, const struct connector_submit *submit)
{
    if (submit->count == 0 || submit->count > ITEMS_MAX)
        return "execute: 1 … 256 records are wanted";
    write_lane(writer, &submit->lane);
    codec_write_u64(writer, submit->from);
    return write_items(writer, submit, false) ? NULL : "execute: not so many whole records";
}

static const char *write_expire(struct codec_writer *writer, const struct connector_submit *submit)
{
    if (submit->count != 1 || sdk_record_size(CONNECTOR_LOG_MESSAGE, submit->records) != submit->records.len)
        return "expire: one record is wanted";
    write_lane(writer, &submit->lane);
    codec_write_u64(writer, submit->from);
    write_lengthed(writer, submit->records);
    return NULL;
}

static const char *write_close(struct codec_writer *writer, const struct connector_submit *submit, bool at_outbox)
{
    struct leaf leaf;
    if (!read_leaf(&leaf, &submit->certificate) || submit->certificate.leaf_kind != 3)
        return "close: the certificate is not of a closing record";
    if (at_outbox)
        codec_write_bytes(writer, BYTES_OF(submit->lane.id));
    else
        write_lane(writer, &submit->lane);
    codec_write_u64(writer, leaf.to);
    codec_write_bytes(writer, BYTES_OF(leaf.running));
    codec_write_bytes(writer, leaf.tail);
    write_certificate(writer, &submit->certificate);
    return NULL;
}

static const char *write_body(struct codec_writer *writer, uint8_t *kind, const struct connector_submit *submit,
                              bool at_outbox)
{
    if (submit->certificate.attestations_len > UINT8_MAX)
        return "more than 255 signatures";
    for (size_t i = 0; i < submit->certificate.attestations_len; i++)
        if (submit->certificate.attestations[i].signature.len != SIGNATURE ||
            submit->certificate.attestations[i].path.len % 32 != 0)
            return "a signature is not 64 bytes, or a path no list of hashes";
    switch ((enum connector_action)submit->action) {
    case CONNECTOR_DELIVER:
        *kind = submit->certificate.leaf_kind == 2 ? TX_RULE : TX_DELIVER;
        return *kind == TX_RULE ? write_rule(writer, submit) : write_deliver(writer, submit);
    case CONNECTOR_SETTLE: *kind = TX_SETTLE; return write_settle(writer, submit);
    case CONNECTOR_EXECUTE: *kind = TX_EXECUTE; return write_execute(writer, submit);
    case CONNECTOR_EXPIRE: *kind = TX_EXPIRE; return write_expire(writer, submit);
    case CONNECTOR_CLOSE:
        *kind = at_outbox ? TX_CLOSE_OUTBOX : TX_CLOSE_INBOX;
        return write_close(writer, submit, at_outbox);
    }
    return "unknown action";
}

uint8_t *cometbft_ledger_body(size_t *len, uint8_t *kind, const struct connector_submit *submit, bool at_outbox,
                              const char **wrong)
{
    size_t cap = 512 + submit->records.len + 36 * (size_t)submit->count;
    for (size_t i = 0; i < submit->certificate.attestations_len; i++)
        cap += 1 + submit->certificate.attestations[i].path.len + SIGNATURE;
    uint8_t *data = malloc(cap);
    struct codec_writer writer;
    codec_writer_init(&writer, data, data ? cap : 0);
    *wrong = write_body(&writer, kind, submit, at_outbox);
    if (!*wrong && writer.failed)
        *wrong = "no memory";
    if (*wrong) {
        free(data);
        return NULL;
    }
    *len = writer.len;
    return data;
}

uint64_t cometbft_ledger_goal(const struct connector_submit *submit)
{
    struct leaf leaf;
    return read_leaf(&leaf, &submit->certificate) ? leaf.to : 0;
}

/* ---- transactions -------------------------------------------------------------------------------------------------------- */

uint8_t *cometbft_ledger_sign(size_t *len, uint8_t hash[32], uint8_t kind, uint64_t sequence, struct bytes body,
                              const uint8_t chain[32], const uint8_t key[32])
{
    static const uint8_t tag[16] = "isthmus/tx\0\0\0\0\0\1";
    const size_t cap = 10 + body.len + SIGNATURE;
    uint8_t *data = malloc(cap), digest[32], signature[SIGNATURE];
    int parity = 0;
    struct codec_writer writer;
    codec_writer_init(&writer, data, data ? cap : 0);
    codec_write_u8(&writer, TX_VERSION);
    codec_write_u8(&writer, kind);
    codec_write_u64(&writer, sequence);
    codec_write_bytes(&writer, body);
    struct codec_keccak256 keccak;
    codec_keccak256_init(&keccak);
    codec_keccak256_update(&keccak, BYTES_OF(tag));
    codec_keccak256_update(&keccak, (struct bytes){chain, 32});
    codec_keccak256_update(&keccak, codec_writer_bytes(&writer));
    codec_keccak256_final(digest, &keccak);
    if (writer.failed || !codec_secp256k1_sign(signature, &parity, key, digest)) {
        free(data);
        return NULL;
    }
    signature[32] |= (uint8_t)(parity << 7); /* EIP-2098 */
    codec_write_bytes(&writer, BYTES_OF(signature));
    const struct bytes whole = codec_writer_bytes(&writer);
    codec_sha256(hash, &whole, 1);
    *len = writer.len;
    return data;
}
