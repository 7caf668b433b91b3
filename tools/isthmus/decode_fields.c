/*
 * What all decoders share: saying fields, and walking msgpack with names.
 */
#include "tools/isthmus/decode.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "proofs/codec/hex.h"
#include "proofs/codec/pack.h"
#include "proofs/codec/rlp.h"
#include "proofs/eth_header.h"
#include "proofs/leaf.h"
#include "tools/verify/json.h"

/* ---- saying fields -------------------------------------------------------------------------------------------------- */

static size_t offset_of(const struct decode_out *out, struct bytes raw)
{
    return out->whole.data != NULL && raw.data != NULL ? (size_t)(raw.data - out->whole.data) : 0;
}

static void say(struct decode_out *out, struct bytes raw, const char *name, const char *value)
{
    out->fields++;
    if (out->json) {
        struct tools_json *object = tools_json_new_object();
        if (!out->rows) {
            tools_json_set_integer(object, "offset", (int64_t)offset_of(out, raw));
            tools_json_set_integer(object, "length", (int64_t)raw.len);
        }
        tools_json_set_integer(object, "depth", out->depth);
        tools_json_set_text(object, "name", name);
        tools_json_set_text(object, "value", value);
        char *line = tools_json_dump(object);
        fprintf(out->stream, "%s\n", line);
        free(line);
        tools_json_free(object);
    } else if (!out->rows) {
        fprintf(out->stream, "%8zu %8zu  %*s%-*s %s\n", offset_of(out, raw), raw.len, (int)(2 * out->depth), "",
                (int)(26 - 2 * out->depth), name, value);
    } else {
        fprintf(out->stream, "%*s%-*s %s\n", (int)(2 * out->depth), "", (int)(26 - 2 * out->depth), name, value);
    }
}

void decode_say(struct decode_out *out, struct bytes raw, const char *name, const char *format, ...)
{
    char value[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(value, sizeof value, format, arguments);
    va_end(arguments);
    for (char *at = value; *at; at++) /* texts of others must not move the terminal, nor break JSON */
        if ((unsigned char)*at < ' ' || (unsigned char)*at >= 0x7f)
            *at = '?';
    say(out, raw, name, value);
}

void decode_hex(struct decode_out *out, struct bytes raw, const char *name, struct bytes value)
{
    size_t shown = value.len > DECODE_SHOWN_MAX && !out->json ? DECODE_SHOWN_MAX : value.len;
    char *text = malloc(2 * shown + 48);
    if (text == NULL) {
        say(out, raw, name, "(no memory)");
        return;
    }
    codec_hex_encode(text, codec_bytes_slice(value, 0, shown));
    if (shown < value.len)
        snprintf(text + 2 * shown, 48, "... (%zu bytes)", value.len);
    say(out, raw, name, value.len ? text : "(empty)");
    free(text);
}

void decode_hash(struct decode_out *out, struct bytes raw, const char *name, const uint8_t hash[32])
{
    decode_hex(out, raw, name, (struct bytes){hash, 32});
}

/* ---- msgpack with names ---------------------------------------------------------------------------------------------- */

/* A header of an execution chain: its hash, and its fields in order. */
static void rlp_header(struct decode_out *out, struct bytes rlp)
{
    static const char *const names[] = {
        "parent hash",     "ommers hash",        "beneficiary",  "state root", "transactions root", "receipts root",
        "logs bloom",      "difficulty",         "number",       "gas limit",  "gas used",          "timestamp",
        "extra data",      "mix hash",           "nonce",        "base fee",   "withdrawals root",  "blob gas used",
        "excess blob gas", "parent beacon root", "requests hash"};
    struct proof_result result;
    struct eth_header header;
    struct codec_rlp outer, list;
    struct codec_rlp_item item;
    if (proof_eth_header_parse(&result, &header, rlp) != PROOF_VALID)
        decode_say(out, rlp, "refused", "as a header: %s", proof_reason_text(result.reason));
    codec_rlp_init(&outer, rlp);
    list = codec_rlp_read_list(&outer);
    for (size_t i = 0; i < 32 && codec_rlp_next(&item, &list); i++) {
        const char *name = i < sizeof names / sizeof *names ? names[i] : "unknown field";
        uint64_t number = 0;
        for (size_t j = 0; j < item.payload.len && j < 8; j++)
            number = number << 8 | item.payload.data[j];
        if (!item.is_list && item.payload.len <= 8 && i != 14)
            decode_say(out, item.raw, name, "%" PRIu64, number);
        else
            decode_hex(out, item.raw, name, item.payload);
    }
}

/* The number said before it is the leaf's kind. */
static void leaf(struct decode_out *out, struct bytes raw, struct bytes fields)
{
    struct proof_leaf read;
    struct proof_result result;
    if (out->number != PROOF_LEAF_HEAD || !proof_leaf_read(&read, PROOF_LEAF_HEAD, fields, &result)) {
        decode_hex(out, raw, "leaf fields", fields);
        return;
    }
    decode_hash(out, raw, "head of log", read.head.log);
    decode_say(out, raw, "head number", "%" PRIu64, read.head.number);
    decode_hash(out, raw, "head running hash", read.head.running);
}

static bool walk_many(struct decode_out *out, struct codec_unpack *in, const struct decode_shape *shape, size_t begin)
{
    bool list = shape->kind == DECODE_LIST, good = true;
    uint32_t count = codec_unpack_array(in, UINT32_MAX), fixed = 0;
    for (const struct decode_shape *one = shape->inside; !list && one->kind != DECODE_END; one++)
        fixed++;
    if (in->failed || (!list && count != fixed))
        return false;
    decode_say(out, codec_bytes_slice(in->in, begin, in->at - begin), shape->name, list ? "%u of them" : "%u fields",
               count);
    out->depth++;
    for (uint32_t i = 0; i < count && good; i++)
        good = decode_walk(out, in, list ? shape->inside : &shape->inside[i]);
    out->depth--;
    return good;
}

bool decode_walk(struct decode_out *out, struct codec_unpack *in, const struct decode_shape *shape)
{
    size_t begin = in->at;
    if (shape->kind == DECODE_ARRAY || shape->kind == DECODE_LIST)
        return walk_many(out, in, shape, begin);
    if (shape->kind == DECODE_UINT) {
        uint64_t number = codec_unpack_uint(in, UINT64_MAX);
        out->number = number;
        if (!in->failed)
            decode_say(out, codec_bytes_slice(in->in, begin, in->at - begin), shape->name, "%" PRIu64, number);
        return !in->failed;
    }
    struct bytes value = codec_unpack_bin(in, DECODE_FILE_MAX), raw = codec_bytes_slice(in->in, begin, in->at - begin);
    if (in->failed)
        return false;
    if (shape->kind == DECODE_LEAF) {
        leaf(out, raw, value);
        return true;
    }
    decode_hex(out, raw, shape->name, value);
    if (shape->kind == DECODE_RLP_HEADER) {
        out->depth++;
        rlp_header(out, value);
        out->depth--;
    }
    return true;
}
