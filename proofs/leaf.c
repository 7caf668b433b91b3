/* Leaves: fields in, fields out, hash. */
#include "proofs/leaf.h"

#include <string.h>

const char *proof_leaf_kind_name(enum proof_leaf_kind kind)
{
    switch (kind) {
    case PROOF_LEAF_HEAD: return "head";
    case PROOF_LEAF_RULING: return "ruling";
    case PROOF_LEAF_CLOSE: return "close";
    case PROOF_LEAF_EPOCH: return "epoch";
    case PROOF_LEAF_NONE: break;
    }
    return "none";
}

/* Whether the fields mean something: no unset hashes, numbers in their ranges (docs/formats.md §5, bounds). */
static bool meaning(const struct proof_leaf *leaf)
{
    switch (leaf->kind) {
    case PROOF_LEAF_HEAD:
        return leaf->head.number != 0 && !codec_bytes_are_zero(leaf->head.log, 32) &&
               !codec_bytes_are_zero(leaf->head.running, 32);
    case PROOF_LEAF_RULING:
        return leaf->ruling.from != 0 && leaf->ruling.from <= leaf->ruling.to &&
               (leaf->ruling.status == 4 || leaf->ruling.status == 5) && !codec_bytes_are_zero(leaf->ruling.log, 32) &&
               !codec_bytes_are_zero(leaf->ruling.running, 32);
    case PROOF_LEAF_CLOSE:
        return leaf->close.next_generation > 1 && !codec_bytes_are_zero(leaf->close.lane, 32) &&
               !codec_bytes_are_zero(leaf->close.running, 32);
    case PROOF_LEAF_EPOCH:
        return leaf->epoch.epoch != 0 && leaf->epoch.quorum != 0 && !codec_bytes_are_zero(leaf->epoch.chain, 32) &&
               !codec_bytes_are_zero(leaf->epoch.members, 32);
    case PROOF_LEAF_NONE: break;
    }
    return false;
}

static void read_fields(struct proof_leaf *leaf, struct codec_reader *reader)
{
    switch (leaf->kind) {
    case PROOF_LEAF_HEAD:
        codec_read_copy(leaf->head.log, reader, 32);
        leaf->head.number = codec_read_u64(reader);
        codec_read_copy(leaf->head.running, reader, 32);
        break;
    case PROOF_LEAF_RULING:
        codec_read_copy(leaf->ruling.log, reader, 32);
        leaf->ruling.from = codec_read_u64(reader);
        leaf->ruling.to = codec_read_u64(reader);
        codec_read_copy(leaf->ruling.running, reader, 32);
        leaf->ruling.status = codec_read_u8(reader);
        leaf->ruling.rule = codec_read_u32(reader);
        leaf->ruling.policy_version = codec_read_u64(reader);
        break;
    case PROOF_LEAF_CLOSE:
        codec_read_copy(leaf->close.lane, reader, 32);
        leaf->close.last = codec_read_u64(reader);
        codec_read_copy(leaf->close.running, reader, 32);
        leaf->close.next_generation = codec_read_u32(reader);
        break;
    case PROOF_LEAF_EPOCH:
        codec_read_copy(leaf->epoch.chain, reader, 32);
        codec_read_copy(leaf->epoch.registry, reader, 32);
        leaf->epoch.epoch = codec_read_u64(reader);
        leaf->epoch.quorum = codec_read_u16(reader);
        leaf->epoch.overlap = codec_read_u64(reader);
        codec_read_copy(leaf->epoch.members, reader, 32);
        break;
    case PROOF_LEAF_NONE: break;
    }
}

bool proof_leaf_read(struct proof_leaf *leaf, uint64_t kind, struct bytes fields, struct proof_result *result)
{
    struct codec_reader reader;
    struct proof_leaf read;
    memset(leaf, 0, sizeof *leaf);
    memset(&read, 0, sizeof read);
    if (kind < PROOF_LEAF_HEAD || kind > PROOF_LEAF_EPOCH)
        return proof_refuse(result, PROOF_REASON_LEAF_KIND, 0) != PROOF_INVALID;
    read.kind = (enum proof_leaf_kind)kind;
    codec_reader_init(&reader, fields);
    read_fields(&read, &reader);
    if (!codec_reader_done(&reader))
        return proof_refuse(result, PROOF_REASON_LEAF_SIZE, 0) != PROOF_INVALID;
    if (!meaning(&read))
        return proof_refuse(result, PROOF_REASON_LEAF_FIELD, 0) != PROOF_INVALID;
    *leaf = read;
    proof_accept(result);
    return true;
}

static void write_fields(struct codec_writer *writer, const struct proof_leaf *leaf)
{
    switch (leaf->kind) {
    case PROOF_LEAF_HEAD:
        codec_write_bytes(writer, BYTES_OF(leaf->head.log));
        codec_write_u64(writer, leaf->head.number);
        codec_write_bytes(writer, BYTES_OF(leaf->head.running));
        break;
    case PROOF_LEAF_RULING:
        codec_write_bytes(writer, BYTES_OF(leaf->ruling.log));
        codec_write_u64(writer, leaf->ruling.from);
        codec_write_u64(writer, leaf->ruling.to);
        codec_write_bytes(writer, BYTES_OF(leaf->ruling.running));
        codec_write_u8(writer, leaf->ruling.status);
        codec_write_u32(writer, leaf->ruling.rule);
        codec_write_u64(writer, leaf->ruling.policy_version);
        break;
    case PROOF_LEAF_CLOSE:
        codec_write_bytes(writer, BYTES_OF(leaf->close.lane));
        codec_write_u64(writer, leaf->close.last);
        codec_write_bytes(writer, BYTES_OF(leaf->close.running));
        codec_write_u32(writer, leaf->close.next_generation);
        break;
    case PROOF_LEAF_EPOCH:
        codec_write_bytes(writer, BYTES_OF(leaf->epoch.chain));
        codec_write_bytes(writer, BYTES_OF(leaf->epoch.registry));
        codec_write_u64(writer, leaf->epoch.epoch);
        codec_write_u16(writer, leaf->epoch.quorum);
        codec_write_u64(writer, leaf->epoch.overlap);
        codec_write_bytes(writer, BYTES_OF(leaf->epoch.members));
        break;
    case PROOF_LEAF_NONE: break;
    }
}

bool proof_leaf_write(struct codec_writer *writer, const struct proof_leaf *leaf)
{
    uint8_t fields[PROOF_LEAF_BYTES_MAX];
    struct codec_writer own;
    codec_writer_init(&own, fields, sizeof fields);
    write_fields(&own, leaf);
    if (!meaning(leaf))
        writer->failed = true;
    codec_write_bytes(writer, codec_writer_bytes(&own));
    return !writer->failed;
}

static enum proof_tag tag_of(enum proof_leaf_kind kind)
{
    switch (kind) {
    case PROOF_LEAF_HEAD: return PROOF_TAG_HEAD;
    case PROOF_LEAF_RULING: return PROOF_TAG_RULING;
    case PROOF_LEAF_CLOSE: return PROOF_TAG_CLOSE;
    case PROOF_LEAF_EPOCH: return PROOF_TAG_EPOCH;
    case PROOF_LEAF_NONE: break;
    }
    return PROOF_TAG_COUNT;
}

void proof_leaf_hash(uint8_t out[32], enum proof_suite suite, const struct proof_leaf *leaf)
{
    uint8_t fields[PROOF_LEAF_BYTES_MAX];
    struct codec_writer writer;
    codec_writer_init(&writer, fields, sizeof fields);
    write_fields(&writer, leaf);
    struct bytes all = codec_writer_bytes(&writer);
    proof_hash(out, suite, tag_of(leaf->kind), &all, 1);
}

void proof_leaf_hash_head(uint8_t out[32], enum proof_suite suite, const struct proof_head *head)
{
    struct proof_leaf leaf = {.kind = PROOF_LEAF_HEAD, .head = *head};
    proof_leaf_hash(out, suite, &leaf);
}

void proof_signed_bytes(uint8_t out[32], enum proof_suite suite, const uint8_t network[32], const uint8_t root[32])
{
    struct bytes parts[] = {{network, 32}, {root, 32}};
    proof_hash(out, suite, PROOF_TAG_SIGNED, parts, 2);
}
