/*
 * Rows of a store, by family.
 */
#include <inttypes.h>
#include <string.h>

#include "proofs/cometbft_trust.h"
#include "proofs/outcome.h"
#include "relay/core/reason.h"
#include "relay/store/keys.h"
#include "relay/store/store.h"
#include "tools/isthmus/decode.h"

static struct bytes bytes_of(struct store_view view)
{
    return (struct bytes){view.data, view.len};
}

static bool say_log(struct decode_out *out, struct bytes key, struct bytes value)
{
    struct keys_log log;
    if (key.len != KEYS_LOG_BYTES || !keys_log_read(&log, value))
        return false;
    decode_hex(out, key, "log id", key);
    out->depth++;
    decode_say(out, value, "base", "%" PRIu64, log.base);
    decode_hash(out, value, "running hash there", log.running);
    decode_say(out, value, "proven", "%" PRIu64, log.proven);
    decode_say(out, value, "attested", "%" PRIu64, log.attested);
    decode_say(out, value, "settled", "%" PRIu64, log.settled);
    decode_say(out, value, "height", "%" PRIu64, log.height);
    decode_say(out, value, "frozen", "%s", log.frozen ? relay_reason_text(log.frozen - 1u) : "no");
    for (size_t i = 0; i < log.expelled_len; i++)
        decode_say(out, value, "expelled operator", "%u", log.expelled[i]);
    out->depth--;
    return true;
}

static bool say_from(struct decode_out *out, struct bytes key, uint64_t *from)
{
    if (!keys_segment_key_read(from, key))
        return false;
    decode_hex(out, key, "log id", codec_bytes_slice(key, 0, 32));
    out->depth++;
    decode_say(out, key, "from", "%" PRIu64, *from);
    return true;
}

static void say_origin(struct decode_out *out, struct bytes value, uint8_t origin, uint16_t peer)
{
    if (origin == KEYS_ORIGIN_MESH)
        decode_say(out, value, "brought by", "relay %u of the document", peer);
    else
        decode_say(out, value, "brought by", "own source");
}

static bool say_segment(struct decode_out *out, struct bytes key, struct bytes value)
{
    struct keys_segment segment;
    uint64_t from;
    if (!keys_segment_read(&segment, value) || !say_from(out, key, &from))
        return false;
    decode_say(out, value, "count", "%u", segment.count);
    decode_hash(out, value, "running hash before", segment.before);
    decode_say(out, value, "stored at (ms)", "%" PRIu64, segment.stored_at);
    say_origin(out, value, segment.origin, segment.peer);
    decode_records(out, segment.records, from, segment.count);
    out->depth--;
    return true;
}

static bool say_skeleton(struct decode_out *out, struct bytes key, struct bytes value)
{
    struct keys_skeleton skeleton;
    struct codec_reader reader;
    uint64_t from;
    if (!keys_skeleton_read(&skeleton, value) || !say_from(out, key, &from))
        return false;
    decode_say(out, value, "count", "%u", skeleton.count);
    decode_say(out, value, "stored at (ms)", "%" PRIu64, skeleton.stored_at);
    decode_say(out, value, "settled at (ms)", "%" PRIu64, skeleton.settled_at);
    say_origin(out, value, skeleton.origin, skeleton.peer);
    codec_reader_init(&reader, skeleton.entries);
    for (unsigned i = 0; i < skeleton.count && !reader.failed; i++) {
        struct bytes digest = codec_read_bytes(&reader, 32);
        uint8_t status = codec_read_u8(&reader);
        uint32_t reason = codec_read_u32(&reader);
        decode_say(out, value, "outcome of message", "%" PRIu64 ": %s, reason %" PRIu32, from + i,
                   proof_outcome_status_name((enum proof_outcome_status)status), reason);
        decode_hex(out, digest, "  digest", digest);
    }
    out->depth--;
    return codec_reader_done(&reader);
}

static bool say_head(struct decode_out *out, struct bytes key, struct bytes value)
{
    struct keys_head head;
    uint64_t number;
    uint8_t key_id[32];
    if (!keys_head_key_read(&number, key_id, key) || !keys_head_read(&head, value))
        return false;
    decode_hex(out, key, "log id", codec_bytes_slice(key, 0, 32));
    out->depth++;
    decode_say(out, key, "number", "%" PRIu64, number);
    decode_hash(out, key, "key id", key_id);
    decode_say(out, value, "suite", "%s", proof_suite_name(head.suite));
    decode_hash(out, value, "running hash", head.running);
    decode_hash(out, value, "root", head.root);
    decode_hex(out, value, "signature", BYTES_OF(head.signature));
    decode_hex(out, head.path, "path", head.path);
    out->depth--;
    return true;
}

/* What a light client trusts. */
static bool say_trust(struct decode_out *out, struct bytes key, struct bytes value)
{
    struct keys_trust row;
    struct proof_cometbft_trust trust;
    if (!keys_trust_read(&row, value) || !proof_cometbft_trust_read(&trust, row.trust))
        return false;
    decode_hex(out, key, "chain identity", codec_bytes_slice(key, 0, 32));
    out->depth++;
    decode_say(out, value, "first height", "%" PRIu64, row.first_height);
    decode_hash(out, value, "first hash", row.first_hash);
    decode_say(out, row.trust, "trusted height", "%" PRId64, trust.latest.height);
    decode_hash(out, row.trust, "hash", trust.latest.hash);
    decode_say(out, row.trust, "time", "%" PRId64, trust.latest.time.seconds);
    decode_say(out, row.trust, "from height", "%" PRId64, trust.before.height);
    decode_say(out, row.trust, "attack", "%s", proof_cometbft_attack_text(trust.attack));
    decode_say(out, row.next, "next validators", "%zu bytes", row.next.len);
    out->depth--;
    return true;
}

static bool say_chain(struct decode_out *out, struct bytes key, struct bytes value)
{
    struct keys_chain chain;
    if (key.len == KEYS_TRUST_BYTES)
        return say_trust(out, key, value);
    if (key.len != KEYS_CHAIN_BYTES || !keys_chain_read(&chain, value))
        return false;
    decode_hex(out, key, "chain identity", key);
    out->depth++;
    decode_say(out, value, "agreed height", "%" PRIu64, chain.height);
    decode_hash(out, value, "hash", chain.hash);
    decode_say(out, value, "time", "%" PRIu64, chain.time);
    decode_say(out, value, "frozen", "%u", chain.frozen);
    out->depth--;
    return true;
}

static bool say_audit(struct decode_out *out, struct bytes key, struct bytes value)
{
    struct keys_audit audit;
    uint64_t number = keys_audit_key_read(key);
    if (number == 0 || !keys_audit_read(&audit, value))
        return false;
    decode_say(out, key, "audit", "%" PRIu64, number);
    out->depth++;
    decode_say(out, value, "time (ms)", "%" PRIu64, audit.time);
    decode_say(out, value, "level", "%u", audit.level);
    if (audit.lane != 0xffff)
        decode_say(out, value, "lane", "%u of the document, sequence %" PRIu64, audit.lane, audit.sequence);
    decode_say(out, audit.reason, "reason", "%.*s", (int)audit.reason.len, (const char *)audit.reason.data);
    decode_say(out, audit.text, "text", "%.*s", (int)audit.text.len, (const char *)audit.text.data);
    out->depth--;
    return true;
}

static bool say_meta(struct decode_out *out, struct bytes key, struct bytes value)
{
    decode_say(out, key, "meta", "%.*s", (int)key.len, (const char *)key.data);
    out->depth++;
    decode_hex(out, value, "value", value);
    out->depth--;
    return true;
}

static bool say_row(struct decode_out *out, enum store_family family, struct bytes key, struct bytes value)
{
    switch (family) {
    case STORE_META: return say_meta(out, key, value);
    case STORE_LOG: return say_log(out, key, value);
    case STORE_SEGMENT: return say_segment(out, key, value);
    case STORE_SKELETON: return say_skeleton(out, key, value);
    case STORE_HEAD: return say_head(out, key, value);
    case STORE_CHAIN: return say_chain(out, key, value);
    case STORE_AUDIT: return say_audit(out, key, value);
    case STORE_FAMILIES: break;
    }
    return false;
}

static bool family_say(struct decode_out *out, struct store *store, struct store_snapshot *snapshot,
                       enum store_family family, size_t limit)
{
    struct store_cursor *cursor =
        store->ops->cursor_new(snapshot, family, (struct store_view){0}, (struct store_view){0});
    size_t rows = 0, bad = 0, bytes = 0;
    for (; cursor != NULL && store->ops->cursor_valid(cursor); store->ops->cursor_next(cursor), rows++) {
        struct bytes key = bytes_of(store->ops->cursor_key(cursor)), value = bytes_of(store->ops->cursor_value(cursor));
        bytes += key.len + value.len;
        if (rows >= limit || say_row(out, family, key, value))
            continue;
        bad++;
        out->depth = 0;
        decode_hex(out, key, "damaged row", key);
    }
    bool good = cursor != NULL && store->ops->cursor_status(cursor) == STORE_OK;
    if (cursor != NULL)
        store->ops->cursor_free(cursor);
    decode_say(out, (struct bytes){0}, store_family_name(family), "%zu rows, %zu bytes%s%s", rows, bytes,
               rows > limit ? ", the rest is not shown" : "", good ? "" : "; the store failed while it was read");
    return good && bad == 0;
}

bool decode_store(struct decode_out *out, struct store *store, const char *family, size_t limit)
{
    struct store_snapshot *snapshot = store->ops->snapshot_new(store);
    bool good = snapshot != NULL;
    out->whole = (struct bytes){0};
    out->rows = true;
    out->depth = 0;
    for (int i = 0; good && i < STORE_FAMILIES; i++)
        if (family == NULL || strcmp(store_family_name((enum store_family)i), family) == 0)
            good = family_say(out, store, snapshot, (enum store_family)i, limit) && good;
    if (snapshot != NULL)
        store->ops->snapshot_free(snapshot);
    return good;
}
