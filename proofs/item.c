/* Items of a frame (docs/formats.md §6.1); frame.h declares them. */
#include "proofs/frame.h"

#include <string.h>

const char *proof_refusal_name(uint64_t refusal)
{
    switch (refusal) {
    case PROOF_REFUSAL_UNKNOWN_LOG: return "unknown-log";
    case PROOF_REFUSAL_NOT_PERMITTED: return "not-permitted";
    case PROOF_REFUSAL_NOT_HERE: return "not-here";
    case PROOF_REFUSAL_PRUNED: return "pruned";
    case PROOF_REFUSAL_BUSY: return "busy";
    }
    return "unknown";
}

/* ---- parts ---- */

/* [leaf kind, leaf fields, path] */
static enum proof_reason read_leaf(struct proof_item_leaf *leaf, struct codec_unpack *in)
{
    struct proof_result result;
    codec_unpack_array_exact(in, 3);
    uint64_t kind = codec_unpack_uint(in, UINT64_MAX);
    struct bytes fields = codec_unpack_bin(in, PROOF_LEAF_BYTES_MAX);
    leaf->path = codec_unpack_bin(in, 32 * PROOF_PATH_MAX);
    if (in->failed)
        return PROOF_REASON_ITEM_MALFORMED;
    if (leaf->path.len % 32 != 0)
        return PROOF_REASON_MERKLE_PATH;
    return proof_leaf_read(&leaf->leaf, kind, fields, &result) ? PROOF_REASON_VALID : result.reason;
}

/* [log id, N, R_N, settled] */
static enum proof_reason read_log(struct proof_item_log *log, struct codec_unpack *in)
{
    codec_unpack_array_exact(in, 4);
    codec_unpack_bin_exact(log->head.log, in, 32);
    log->head.number = codec_unpack_uint(in, UINT64_MAX);
    codec_unpack_bin_exact(log->head.running, in, 32);
    log->settled = codec_unpack_uint(in, UINT64_MAX);
    if (in->failed)
        return PROOF_REASON_ITEM_MALFORMED;
    return log->settled <= log->head.number ? PROOF_REASON_VALID : PROOF_REASON_ITEM_BOUNDS;
}

static void parts_init(struct proof_item_parts *parts, struct bytes in, uint32_t count)
{
    codec_unpack_init(&parts->in, in);
    parts->left = count;
}

void proof_item_leaves_init(struct proof_item_parts *parts, const struct proof_item_attestation *item)
{
    parts_init(parts, item->leaves, item->count);
}

void proof_item_logs_init(struct proof_item_parts *parts, const struct proof_item_heartbeat *item)
{
    parts_init(parts, item->logs, item->count);
}

bool proof_item_leaves_next(struct proof_item_leaf *leaf, struct proof_item_parts *parts)
{
    memset(leaf, 0, sizeof *leaf);
    if (parts->left == 0 || read_leaf(leaf, &parts->in) != PROOF_REASON_VALID)
        return false;
    parts->left--;
    return true;
}

bool proof_item_logs_next(struct proof_item_log *log, struct proof_item_parts *parts)
{
    memset(log, 0, sizeof *log);
    if (parts->left == 0 || read_log(log, &parts->in) != PROOF_REASON_VALID)
        return false;
    parts->left--;
    return true;
}

void proof_item_attestation_of(struct proof_attestation *attestation, const struct proof_item_attestation *item,
                               const struct proof_item_leaf *leaf)
{
    attestation->suite = item->suite;
    memcpy(attestation->key_id, item->key_id, 32);
    memcpy(attestation->root, item->root, 32);
    memcpy(attestation->signature, item->signature, 64);
    attestation->path = leaf->path;
}

void proof_pack_leaf(struct codec_pack *pack, const struct proof_item_leaf *leaf)
{
    uint8_t fields[PROOF_LEAF_BYTES_MAX];
    struct codec_writer writer;
    codec_writer_init(&writer, fields, sizeof fields);
    if (!proof_leaf_write(&writer, &leaf->leaf) || leaf->path.len % 32 != 0 || leaf->path.len > 32 * PROOF_PATH_MAX)
        pack->failed = true;
    codec_pack_array(pack, 3);
    codec_pack_uint(pack, leaf->leaf.kind);
    codec_pack_bin(pack, codec_writer_bytes(&writer));
    codec_pack_bin(pack, leaf->path);
}

void proof_pack_log(struct codec_pack *pack, const struct proof_item_log *log)
{
    if (log->settled > log->head.number)
        pack->failed = true;
    codec_pack_array(pack, 4);
    codec_pack_bin(pack, BYTES_OF(log->head.log));
    codec_pack_uint(pack, log->head.number);
    codec_pack_bin(pack, BYTES_OF(log->head.running));
    codec_pack_uint(pack, log->settled);
}

/* ---- reading items ---- */

static enum proof_reason read_range(struct proof_item_range *range, struct codec_unpack *in)
{
    codec_unpack_bin_exact(range->log, in, 32);
    range->from = codec_unpack_uint(in, UINT64_MAX);
    codec_unpack_bin_exact(range->before, in, 32);
    uint64_t count = codec_unpack_uint(in, UINT64_MAX);
    range->records = codec_unpack_bin(in, PROOF_FRAME_BODY_MAX);
    if (in->failed)
        return PROOF_REASON_ITEM_MALFORMED;
    range->count = (uint16_t)count;
    if (range->from == 0 || count == 0 || count > PROOF_RANGE_MAX || range->from > UINT64_MAX - count ||
        range->records.len < count * PROOF_OUTCOME_RECORD_BYTES)
        return PROOF_REASON_ITEM_BOUNDS;
    return PROOF_REASON_VALID;
}

static enum proof_reason read_attestation(struct proof_item_attestation *item, struct codec_unpack *in)
{
    enum proof_reason reason = PROOF_REASON_VALID;
    item->suite = proof_suite_by_bit(codec_unpack_uint(in, UINT64_MAX));
    codec_unpack_bin_exact(item->key_id, in, 32);
    codec_unpack_bin_exact(item->root, in, 32);
    codec_unpack_bin_exact(item->signature, in, 64);
    uint32_t count = codec_unpack_array(in, UINT32_MAX);
    size_t from = in->at;
    if (in->failed)
        return PROOF_REASON_ITEM_MALFORMED;
    if (item->suite == PROOF_SUITE_NONE)
        return PROOF_REASON_SUITE_UNKNOWN;
    if (count == 0 || count > PROOF_ITEM_LEAVES_MAX)
        return PROOF_REASON_ITEM_BOUNDS;
    for (uint32_t i = 0; i < count && reason == PROOF_REASON_VALID; i++) {
        struct proof_item_leaf leaf;
        reason = read_leaf(&leaf, in);
    }
    item->count = (uint16_t)count;
    item->leaves = codec_bytes_slice(in->in, from, in->at - from);
    return reason;
}

static enum proof_reason read_heartbeat(struct proof_item_heartbeat *item, struct codec_unpack *in)
{
    item->time = codec_unpack_uint(in, UINT64_MAX);
    item->document_version = codec_unpack_uint(in, UINT64_MAX);
    codec_unpack_bin_exact(item->document_hash, in, 32);
    uint32_t count = codec_unpack_array(in, UINT32_MAX);
    size_t from = in->at;
    if (in->failed)
        return PROOF_REASON_ITEM_MALFORMED;
    if (count > PROOF_ITEM_LOGS_MAX)
        return PROOF_REASON_ITEM_BOUNDS;
    for (uint32_t i = 0; i < count; i++) {
        struct proof_item_log log;
        enum proof_reason reason = read_log(&log, in);
        if (reason != PROOF_REASON_VALID)
            return reason;
    }
    item->count = (uint16_t)count;
    item->logs = codec_bytes_slice(in->in, from, in->at - from);
    codec_unpack_bin_exact(item->root, in, 32);
    return in->failed ? PROOF_REASON_ITEM_MALFORMED : PROOF_REASON_VALID;
}

static enum proof_reason read_ask(struct proof_item_ask *ask, struct codec_unpack *in)
{
    codec_unpack_bin_exact(ask->log, in, 32);
    ask->from = codec_unpack_uint(in, UINT64_MAX);
    ask->to = codec_unpack_uint(in, UINT64_MAX);
    ask->max_bytes = (uint32_t)codec_unpack_uint(in, UINT32_MAX);
    if (in->failed)
        return PROOF_REASON_ITEM_MALFORMED;
    return ask->from != 0 && ask->from <= ask->to ? PROOF_REASON_VALID : PROOF_REASON_ITEM_BOUNDS;
}

static enum proof_reason read_refusal(struct proof_item_refusal *refusal, struct codec_unpack *in)
{
    codec_unpack_bin_exact(refusal->log, in, 32);
    refusal->reason = (uint32_t)codec_unpack_uint(in, UINT32_MAX);
    if (in->failed)
        return PROOF_REASON_ITEM_MALFORMED;
    return refusal->reason != 0 ? PROOF_REASON_VALID : PROOF_REASON_ITEM_BOUNDS;
}

static enum proof_reason read_evidence(struct proof_item_evidence *item, struct codec_unpack *in)
{
    codec_unpack_bin_exact(item->chain, in, 32);
    item->message = codec_unpack_bin(in, PROOF_FRAME_BODY_MAX);
    if (in->failed)
        return PROOF_REASON_ITEM_MALFORMED;
    bool fits = item->message.len > 0 && item->message.len <= PROOF_ITEM_EVIDENCE_MAX;
    return fits ? PROOF_REASON_VALID : PROOF_REASON_ITEM_BOUNDS;
}

static enum proof_reason read_ask_header(struct proof_item_ask_header *item, struct codec_unpack *in)
{
    codec_unpack_bin_exact(item->chain, in, 32);
    item->height = codec_unpack_uint(in, UINT64_MAX);
    if (in->failed)
        return PROOF_REASON_ITEM_MALFORMED;
    return item->height != 0 ? PROOF_REASON_VALID : PROOF_REASON_ITEM_BOUNDS;
}

/* How many elements an item of this type has, its type included; 0: there is no such type. */
static uint32_t elements(uint64_t type)
{
    static const uint8_t counts[] = {0, 6, 6, 6, 5, 3, 1, 3, 3};
    return type < sizeof counts ? counts[type] : 0;
}

static enum proof_reason read_fields(struct proof_item *item, struct codec_unpack *in)
{
    switch (item->type) {
    case PROOF_ITEM_RANGE: return read_range(&item->range, in);
    case PROOF_ITEM_ATTESTATION: return read_attestation(&item->attestation, in);
    case PROOF_ITEM_HEARTBEAT: return read_heartbeat(&item->heartbeat, in);
    case PROOF_ITEM_ASK: return read_ask(&item->ask, in);
    case PROOF_ITEM_REFUSAL: return read_refusal(&item->refusal, in);
    case PROOF_ITEM_GOODBYE: return PROOF_REASON_VALID;
    case PROOF_ITEM_EVIDENCE: return read_evidence(&item->evidence, in);
    case PROOF_ITEM_ASK_HEADER: return read_ask_header(&item->ask_header, in);
    case PROOF_ITEM_NONE: break;
    }
    return PROOF_REASON_ITEM_TYPE;
}

/* Reads the item at the cursor. */
static enum proof_reason read_item(struct proof_item *item, struct codec_unpack *in)
{
    size_t from = in->at;
    memset(item, 0, sizeof *item);
    uint32_t count = codec_unpack_array(in, UINT32_MAX);
    uint64_t type = codec_unpack_uint(in, UINT64_MAX);
    if (in->failed)
        return PROOF_REASON_ITEM_MALFORMED;
    if (elements(type) == 0)
        return PROOF_REASON_ITEM_TYPE;
    if (elements(type) != count)
        return PROOF_REASON_ITEM_MALFORMED;
    item->type = (enum proof_item_type)type;
    enum proof_reason reason = read_fields(item, in);
    item->raw = codec_bytes_slice(in->in, from, in->at - from);
    return reason;
}

bool proof_item_read(struct proof_item *item, struct bytes raw, struct proof_result *result)
{
    struct codec_unpack in;
    codec_unpack_init(&in, raw);
    enum proof_reason reason = read_item(item, &in);
    if (reason == PROOF_REASON_VALID && !codec_unpack_done(&in))
        reason = PROOF_REASON_ITEM_MALFORMED;
    if (reason != PROOF_REASON_VALID) {
        memset(item, 0, sizeof *item);
        return proof_refuse(result, reason, 0) != PROOF_INVALID;
    }
    proof_accept(result);
    return true;
}

void proof_items_init(struct proof_items *items, const struct proof_frame *frame)
{
    codec_unpack_init(&items->in, frame->body);
    items->left = codec_unpack_array(&items->in, PROOF_FRAME_ITEMS_MAX);
}

bool proof_items_next(struct proof_item *item, struct proof_items *items)
{
    memset(item, 0, sizeof *item);
    if (items->left == 0)
        return false;
    if (read_item(item, &items->in) != PROOF_REASON_VALID) {
        memset(item, 0, sizeof *item);
        items->left = 0;
        return false;
    }
    items->left--;
    return true;
}

bool proof_items_check(struct bytes body, struct proof_result *result)
{
    struct codec_unpack in;
    struct proof_item item;
    codec_unpack_init(&in, body);
    uint32_t count = codec_unpack_array(&in, PROOF_FRAME_ITEMS_MAX);
    if (in.failed || count == 0)
        return proof_refuse(result, PROOF_REASON_FRAME_BODY, 0) != PROOF_INVALID;
    for (uint32_t i = 0; i < count; i++) {
        enum proof_reason reason = read_item(&item, &in);
        if (reason != PROOF_REASON_VALID)
            return proof_refuse(result, reason, i) != PROOF_INVALID;
    }
    if (!codec_unpack_done(&in))
        return proof_refuse(result, PROOF_REASON_FRAME_BODY, count) != PROOF_INVALID;
    proof_accept(result);
    return true;
}

/* ---- writing items ---- */

static void pack_attestation(struct codec_pack *pack, const struct proof_item_attestation *item)
{
    codec_pack_uint(pack, item->suite);
    codec_pack_bin(pack, BYTES_OF(item->key_id));
    codec_pack_bin(pack, BYTES_OF(item->root));
    codec_pack_bin(pack, BYTES_OF(item->signature));
    codec_pack_array(pack, item->count);
    codec_pack_raw(pack, item->leaves);
}

static void pack_heartbeat(struct codec_pack *pack, const struct proof_item_heartbeat *item)
{
    codec_pack_uint(pack, item->time);
    codec_pack_uint(pack, item->document_version);
    codec_pack_bin(pack, BYTES_OF(item->document_hash));
    codec_pack_array(pack, item->count);
    codec_pack_raw(pack, item->logs);
    codec_pack_bin(pack, BYTES_OF(item->root));
}

static void pack_fields(struct codec_pack *pack, const struct proof_item *item)
{
    switch (item->type) {
    case PROOF_ITEM_RANGE:
        codec_pack_bin(pack, BYTES_OF(item->range.log));
        codec_pack_uint(pack, item->range.from);
        codec_pack_bin(pack, BYTES_OF(item->range.before));
        codec_pack_uint(pack, item->range.count);
        codec_pack_bin(pack, item->range.records);
        break;
    case PROOF_ITEM_ATTESTATION: pack_attestation(pack, &item->attestation); break;
    case PROOF_ITEM_HEARTBEAT: pack_heartbeat(pack, &item->heartbeat); break;
    case PROOF_ITEM_ASK:
        codec_pack_bin(pack, BYTES_OF(item->ask.log));
        codec_pack_uint(pack, item->ask.from);
        codec_pack_uint(pack, item->ask.to);
        codec_pack_uint(pack, item->ask.max_bytes);
        break;
    case PROOF_ITEM_REFUSAL:
        codec_pack_bin(pack, BYTES_OF(item->refusal.log));
        codec_pack_uint(pack, item->refusal.reason);
        break;
    case PROOF_ITEM_EVIDENCE:
        codec_pack_bin(pack, BYTES_OF(item->evidence.chain));
        codec_pack_bin(pack, item->evidence.message);
        break;
    case PROOF_ITEM_ASK_HEADER:
        codec_pack_bin(pack, BYTES_OF(item->ask_header.chain));
        codec_pack_uint(pack, item->ask_header.height);
        break;
    case PROOF_ITEM_GOODBYE:
    case PROOF_ITEM_NONE: break;
    }
}

bool proof_item_write(struct codec_pack *pack, const struct proof_item *item)
{
    struct proof_result result;
    struct proof_item again;
    size_t from = pack->len;
    codec_pack_array(pack, elements((uint64_t)item->type));
    codec_pack_uint(pack, (uint64_t)item->type);
    pack_fields(pack, item);
    struct bytes made = codec_bytes_slice(codec_pack_bytes(pack), from, pack->len - from);
    if (!pack->failed && proof_item_read(&again, made, &result))
        return true;
    pack->len = from;
    pack->failed = true;
    return false;
}
