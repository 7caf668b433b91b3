/* Identities and the running hash, under any suite. */
#include "proofs/lane.h"

#include <string.h>

static bool in(char c, char from, char to)
{
    return from <= c && c <= to;
}

/* How many characters of text, up to max, are a-z, 0-9, '-' (and, when wide, A-Z and '_'). */
static size_t span(const char *text, size_t max, bool wide)
{
    size_t n = 0;
    while (n < max && (in(text[n], 'a', 'z') || in(text[n], '0', '9') || text[n] == '-' ||
                       (wide && (in(text[n], 'A', 'Z') || text[n] == '_'))))
        n++;
    return n;
}

bool proof_name_valid(const char *name)
{
    size_t n = span(name, PROOF_NAME_MAX, false);
    return n > 0 && name[n] == '\0';
}

bool proof_caip2_valid(const char *caip2)
{
    size_t space = span(caip2, 8, false);
    if (space < 3 || caip2[space] != ':')
        return false;
    const char *reference = caip2 + space + 1;
    size_t n = span(reference, 32, true);
    return n > 0 && reference[n] == '\0';
}

/* H(tag, before || u8 length || text || after) */
static void hash_named(uint8_t out[32], enum proof_suite suite, enum proof_tag tag, struct bytes before,
                       const char *text, struct bytes after)
{
    uint8_t len = (uint8_t)strlen(text);
    struct bytes parts[] = {before, {&len, 1}, {(const uint8_t *)text, len}, after};
    proof_hash(out, suite, tag, parts, 4);
}

static const struct bytes nothing;

bool proof_network_id(uint8_t out[32], enum proof_suite suite, const char *name)
{
    memset(out, 0, 32);
    if (proof_suite_hash(suite) == CODEC_HASH_NONE || !proof_name_valid(name))
        return false;
    hash_named(out, suite, PROOF_TAG_NETWORK, nothing, name, nothing);
    return true;
}

bool proof_chain_id(uint8_t out[32], enum proof_suite suite, const char *caip2, const uint8_t genesis[32])
{
    memset(out, 0, 32);
    if (proof_suite_hash(suite) == CODEC_HASH_NONE || !proof_caip2_valid(caip2) || codec_bytes_are_zero(genesis, 32))
        return false;
    hash_named(out, suite, PROOF_TAG_CHAIN, nothing, caip2, (struct bytes){genesis, 32});
    return true;
}

bool proof_zone_id(uint8_t out[32], const uint8_t network[32], const char *name)
{
    memset(out, 0, 32);
    if (!proof_name_valid(name))
        return false;
    hash_named(out, PROOF_SUITE_BLAKE2B256_ED25519, PROOF_TAG_ZONE, (struct bytes){network, 32}, name, nothing);
    return true;
}

void proof_lane_id_of_parts(uint8_t out[32], enum proof_suite suite, const struct proof_lane_parts *parts)
{
    uint8_t fields[7 * 32 + 5];
    struct codec_writer writer;
    codec_writer_init(&writer, fields, sizeof fields);
    codec_write_bytes(&writer, BYTES_OF(parts->network));
    codec_write_bytes(&writer, BYTES_OF(parts->source));
    codec_write_bytes(&writer, BYTES_OF(parts->outbox));
    codec_write_bytes(&writer, BYTES_OF(parts->sender));
    codec_write_bytes(&writer, BYTES_OF(parts->destination));
    codec_write_bytes(&writer, BYTES_OF(parts->inbox));
    codec_write_bytes(&writer, BYTES_OF(parts->receiver));
    codec_write_u8(&writer, parts->mode);
    codec_write_u32(&writer, parts->generation);
    struct bytes all = codec_writer_bytes(&writer);
    proof_hash(out, suite, PROOF_TAG_LANE, &all, 1);
}

bool proof_lane_id(uint8_t out[32], enum proof_suite suite, const struct proof_lane *lane, struct proof_result *result)
{
    struct proof_lane_parts parts = {.mode = lane->mode, .generation = lane->generation};
    memset(out, 0, 32);
    if (lane->generation == 0 || (lane->mode & ~PROOF_MODE_ALL) != 0 ||
        !proof_network_id(parts.network, suite, lane->network) ||
        !proof_chain_id(parts.source, suite, lane->source, lane->source_genesis) ||
        !proof_chain_id(parts.destination, suite, lane->destination, lane->destination_genesis)) {
        (void)proof_refuse(result, PROOF_REASON_BAD_ARGUMENT, 0);
        return false;
    }
    memcpy(parts.outbox, lane->outbox, 32);
    memcpy(parts.sender, lane->sender, 32);
    memcpy(parts.inbox, lane->inbox, 32);
    memcpy(parts.receiver, lane->receiver, 32);
    proof_lane_id_of_parts(out, suite, &parts);
    proof_accept(result);
    return true;
}

const char *proof_log_kind_name(enum proof_log_kind kind)
{
    switch (kind) {
    case PROOF_LOG_MESSAGE: return "message";
    case PROOF_LOG_OUTCOME: return "outcome";
    case PROOF_LOG_SETTLEMENT: return "settlement";
    case PROOF_LOG_NONE: break;
    }
    return "none";
}

void proof_log_id(uint8_t out[32], enum proof_suite suite, const uint8_t lane_id[32], enum proof_log_kind kind)
{
    const uint8_t tail[2] = {(uint8_t)kind, (uint8_t)suite};
    struct bytes parts[] = {{lane_id, 32}, BYTES_OF(tail)};
    proof_hash(out, suite, PROOF_TAG_LOG, parts, 2);
}

void proof_head_empty(struct proof_head *head, const uint8_t log[32])
{
    head->number = 0;
    memcpy(head->log, log, 32);
    memcpy(head->running, log, 32);
}

bool proof_head_equal(const struct proof_head *a, const struct proof_head *b)
{
    return a->number == b->number && memcmp(a->log, b->log, 32) == 0 && memcmp(a->running, b->running, 32) == 0;
}

void proof_running_hash_extend(uint8_t running[32], enum proof_suite suite, const uint8_t (*entries)[32], size_t count)
{
    uint8_t next[32];
    for (size_t i = 0; i < count; i++) {
        struct bytes parts[] = {{running, 32}, {entries[i], 32}};
        proof_hash(next, suite, PROOF_TAG_RUN, parts, 2);
        memcpy(running, next, 32);
    }
}

bool proof_head_extend(struct proof_head *head, enum proof_suite suite, const uint8_t (*entries)[32], size_t count)
{
    if (count > UINT64_MAX - head->number)
        return false;
    proof_running_hash_extend(head->running, suite, entries, count);
    head->number += count;
    return true;
}
