/*
 * Frames and records, field by field.
 */
#include <inttypes.h>
#include <string.h>

#include "proofs/codec/pack.h"
#include "proofs/frame.h"
#include "tools/isthmus/decode.h"

#define END                                                                                                            \
    {                                                                                                                  \
        DECODE_END, NULL, NULL                                                                                         \
    }

static const struct decode_shape LEAF_FIELDS[] = {
    {DECODE_UINT, "leaf kind", NULL}, {DECODE_LEAF, "leaf", NULL}, {DECODE_BIN, "path", NULL}, END};
static const struct decode_shape LEAF = {DECODE_ARRAY, "leaf", LEAF_FIELDS};
static const struct decode_shape LOG_FIELDS[] = {{DECODE_BIN, "log id", NULL},
                                                 {DECODE_UINT, "number", NULL},
                                                 {DECODE_BIN, "running hash", NULL},
                                                 {DECODE_UINT, "settled", NULL},
                                                 END};
static const struct decode_shape LOG = {DECODE_ARRAY, "log", LOG_FIELDS};
static const struct decode_shape RANGE[] = {{DECODE_UINT, "type", NULL},
                                            {DECODE_BIN, "log id", NULL},
                                            {DECODE_UINT, "from", NULL},
                                            {DECODE_BIN, "running hash before", NULL},
                                            {DECODE_UINT, "count", NULL},
                                            {DECODE_BIN, "records", NULL},
                                            END};
static const struct decode_shape ATTESTATION[] = {{DECODE_UINT, "type", NULL},
                                                  {DECODE_UINT, "suite", NULL},
                                                  {DECODE_BIN, "key id", NULL},
                                                  {DECODE_BIN, "root", NULL},
                                                  {DECODE_BIN, "signature", NULL},
                                                  {DECODE_LIST, "leaves", &LEAF},
                                                  END};
static const struct decode_shape HEARTBEAT[] = {{DECODE_UINT, "type", NULL},
                                                {DECODE_UINT, "time", NULL},
                                                {DECODE_UINT, "document version", NULL},
                                                {DECODE_BIN, "document hash", NULL},
                                                {DECODE_LIST, "logs", &LOG},
                                                {DECODE_BIN, "root", NULL},
                                                END};
static const struct decode_shape ASK[] = {{DECODE_UINT, "type", NULL},      {DECODE_BIN, "log id", NULL},
                                          {DECODE_UINT, "from", NULL},      {DECODE_UINT, "to", NULL},
                                          {DECODE_UINT, "max bytes", NULL}, END};
static const struct decode_shape REFUSAL[] = {
    {DECODE_UINT, "type", NULL}, {DECODE_BIN, "log id", NULL}, {DECODE_UINT, "reason", NULL}, END};
static const struct decode_shape GOODBYE[] = {{DECODE_UINT, "type", NULL}, END};

static const struct decode_shape EVIDENCE[] = {
    {DECODE_UINT, "type", NULL}, {DECODE_BIN, "chain identity", NULL}, {DECODE_BIN, "message", NULL}, END};
static const struct decode_shape ASK_HEADER[] = {
    {DECODE_UINT, "type", NULL}, {DECODE_BIN, "chain identity", NULL}, {DECODE_UINT, "height", NULL}, END};

static const struct decode_shape *shape_of(enum proof_item_type type)
{
    static const struct decode_shape shapes[] = {
        [PROOF_ITEM_RANGE] = {DECODE_ARRAY, "range", RANGE},
        [PROOF_ITEM_ATTESTATION] = {DECODE_ARRAY, "attestation", ATTESTATION},
        [PROOF_ITEM_HEARTBEAT] = {DECODE_ARRAY, "heartbeat", HEARTBEAT},
        [PROOF_ITEM_ASK] = {DECODE_ARRAY, "ask", ASK},
        [PROOF_ITEM_REFUSAL] = {DECODE_ARRAY, "refusal", REFUSAL},
        [PROOF_ITEM_GOODBYE] = {DECODE_ARRAY, "goodbye", GOODBYE},
        [PROOF_ITEM_EVIDENCE] = {DECODE_ARRAY, "evidence", EVIDENCE},
        [PROOF_ITEM_ASK_HEADER] = {DECODE_ARRAY, "ask header", ASK_HEADER},
    };
    return &shapes[type];
}

/* ---- records --------------------------------------------------------------------------------------------------------- */

static void say_message(struct decode_out *out, struct bytes raw, const struct proof_message *message)
{
    size_t commitments = 32 * proof_suites_count(message->suites);
    decode_say(out, raw, "message", "%" PRIu64, message->sequence);
    out->depth++;
    decode_say(out, codec_bytes_slice(raw, 0, 8), "time", "%" PRIu64, message->time);
    decode_say(out, codec_bytes_slice(raw, 8, 1), "form", "%s", proof_form_name(message->form));
    decode_say(out, codec_bytes_slice(raw, 9, 4), "class", "%" PRIu32, message->class);
    decode_hash(out, codec_bytes_slice(raw, 13, 32), "value", message->value);
    decode_say(out, codec_bytes_slice(raw, 45, 8), "deadline", "%" PRIu64, message->deadline);
    decode_say(out, codec_bytes_slice(raw, 53, 1), "suites", "%u", message->suites);
    decode_hex(out, codec_bytes_slice(raw, 54, commitments), "commitments", codec_bytes_slice(raw, 54, commitments));
    decode_say(out, codec_bytes_slice(raw, 54 + commitments, 1), "has payload", "%s",
               message->has_payload ? "yes" : "no");
    decode_hash(out, codec_bytes_slice(raw, 55 + commitments, 32), "salt", message->salt);
    decode_say(out, codec_bytes_slice(raw, 87 + commitments, 4), "payload length", "%zu", message->payload.len);
    decode_hex(out, codec_bytes_slice(raw, 91 + commitments, message->payload.len), "payload", message->payload);
    out->depth--;
}

static void say_outcome(struct decode_out *out, struct bytes raw, const struct proof_outcome *outcome)
{
    decode_say(out, raw, "outcome of message", "%" PRIu64, outcome->sequence);
    out->depth++;
    decode_hash(out, codec_bytes_slice(raw, 8, 32), "digest", outcome->digest);
    decode_say(out, codec_bytes_slice(raw, 40, 1), "status", "%s", proof_outcome_status_name(outcome->status));
    decode_say(out, codec_bytes_slice(raw, 41, 4), "reason", "%" PRIu32, outcome->reason);
    out->depth--;
}

/* Reads all records as messages or as outcomes, says them when `say`; true when they are that and nothing is left. */
static bool records_are(struct decode_out *out, struct bytes records, uint64_t from, unsigned count, bool messages,
                        bool say)
{
    struct codec_reader reader;
    struct proof_result result;
    codec_reader_init(&reader, records);
    for (unsigned i = 0; i < count; i++) {
        struct proof_message message;
        struct proof_outcome outcome;
        size_t begin = records.len - codec_reader_left(&reader);
        bool good = messages ? proof_message_read(&message, &reader, from + i, PROOF_FRAME_BODY_MAX, &result)
                             : proof_outcome_read(&outcome, &reader, &result);
        struct bytes raw = codec_bytes_slice(records, begin, records.len - codec_reader_left(&reader) - begin);
        if (!good)
            return false;
        if (say && messages)
            say_message(out, raw, &message);
        else if (say)
            say_outcome(out, raw, &outcome);
    }
    return codec_reader_done(&reader);
}

void decode_records(struct decode_out *out, struct bytes records, uint64_t from, unsigned count)
{
    out->depth++;
    if (records_are(out, records, from, count, true, false))
        records_are(out, records, from, count, true, true);
    else if (records_are(out, records, from, count, false, false))
        records_are(out, records, from, count, false, true);
    else
        decode_say(out, records, "refused", "neither %u messages nor %u outcomes", count, count);
    out->depth--;
}

/* ---- frames ---------------------------------------------------------------------------------------------------------- */

static void say_header(struct decode_out *out, const struct proof_frame *frame)
{
    static const char *const kinds[] = {"none", "publish", "request", "response"};
    struct bytes in = frame->whole;
    decode_say(out, codec_bytes_slice(in, 0, 4), "magic", "ISTH");
    decode_say(out, codec_bytes_slice(in, 4, 1), "version", "%u", in.data[4]);
    decode_say(out, codec_bytes_slice(in, 5, 1), "kind", "%u (%s)", (unsigned)frame->kind, kinds[frame->kind]);
    decode_say(out, codec_bytes_slice(in, 6, 2), "reserved", "0");
    decode_hash(out, codec_bytes_slice(in, 8, 32), "network id", frame->network);
    decode_hash(out, codec_bytes_slice(in, 40, 32), "sender", frame->sender);
    decode_hash(out, codec_bytes_slice(in, 72, 32), "audience", frame->audience);
    decode_say(out, codec_bytes_slice(in, 104, 8), "counter", "%" PRIu64 " (start %" PRIu64 ")", frame->counter,
               frame->counter >> 32);
    decode_say(out, codec_bytes_slice(in, 112, 4), "body length", "%zu", frame->body.len);
}

static bool say_items(struct decode_out *out, const struct proof_frame *frame)
{
    struct proof_items items;
    struct proof_item item;
    bool good = true;
    proof_items_init(&items, frame);
    decode_say(out, frame->body, "body", "%u items", (unsigned)items.left);
    out->depth++;
    while (good && proof_items_next(&item, &items)) {
        struct codec_unpack in;
        codec_unpack_init(&in, item.raw);
        good = decode_walk(out, &in, shape_of(item.type));
        if (good && item.type == PROOF_ITEM_RANGE)
            decode_records(out, item.range.records, item.range.from, item.range.count);
    }
    out->depth--;
    return good && items.left == 0 && !items.in.failed;
}

bool decode_frame(struct decode_out *out, struct bytes in)
{
    struct proof_frame frame;
    struct proof_result result;
    out->whole = in;
    out->depth = 0;
    if (!proof_frame_read(&frame, in, &result)) {
        decode_say(out, in, "refused", "%s", proof_reason_text(result.reason));
        return false;
    }
    say_header(out, &frame);
    bool shown = say_items(out, &frame);
    struct bytes signature = codec_bytes_slice(in, in.len - PROOF_FRAME_SIGNATURE_BYTES, PROOF_FRAME_SIGNATURE_BYTES);
    decode_hex(out, signature, "signature", signature);
    if (proof_frame_verify(&frame, &result) == PROOF_VALID) {
        decode_say(out, signature, "verdict", "valid: well-formed, and signed by the sender");
        return shown;
    }
    decode_say(out, result.reason == PROOF_REASON_SIGNATURE_WRONG ? signature : frame.body, "refused", "%s (item %zu)",
               proof_reason_text(result.reason), result.at);
    return false;
}
