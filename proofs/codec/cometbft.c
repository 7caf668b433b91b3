/*
 * Readers ask for the fields in the order of the .proto files; writers write them in that order.
 */
#include "proofs/codec/cometbft.h"

#include <string.h>

bool cometbft_block_id_equal(const struct cometbft_block_id *a, const struct cometbft_block_id *b)
{
    return codec_bytes_equal(a->hash, b->hash) && a->parts_total == b->parts_total &&
           codec_bytes_equal(a->parts_hash, b->parts_hash);
}

bool cometbft_block_id_is_zero(const struct cometbft_block_id *id)
{
    return id->hash.len == 0 && id->parts_total == 0 && id->parts_hash.len == 0;
}

/* A digest, or nothing. */
static struct bytes read_hash(struct codec_protobuf *message, uint32_t field)
{
    struct bytes hash = codec_protobuf_read_bytes(message, field);
    if (hash.len != 0 && hash.len != 32)
        message->failed = true;
    return hash;
}

struct cometbft_time cometbft_time_read(struct codec_protobuf *message, uint32_t field)
{
    struct codec_protobuf inner = codec_protobuf_need_message(message, field);
    struct cometbft_time time = {0};
    time.seconds = codec_protobuf_read_i64(&inner, 1);
    time.nanos = codec_protobuf_read_i32(&inner, 2);
    codec_protobuf_close(message, &inner);
    if (!cometbft_time_in_range(time))
        message->failed = true;
    return time;
}

struct cometbft_block_id cometbft_block_id_read(struct codec_protobuf *message, uint32_t field)
{
    struct codec_protobuf inner = codec_protobuf_need_message(message, field);
    struct cometbft_block_id id = {0};
    id.hash = read_hash(&inner, 1);
    struct codec_protobuf parts = codec_protobuf_need_message(&inner, 2);
    id.parts_total = codec_protobuf_read_u32(&parts, 1);
    id.parts_hash = read_hash(&parts, 2);
    codec_protobuf_close(&inner, &parts);
    codec_protobuf_close(message, &inner);
    return id;
}

static void read_header(struct cometbft_header *out, struct codec_protobuf *in)
{
    struct codec_protobuf version = codec_protobuf_need_message(in, 1);
    out->version_block = codec_protobuf_read_u64(&version, 1);
    out->version_app = codec_protobuf_read_u64(&version, 2);
    codec_protobuf_close(in, &version);
    out->chain_id = codec_protobuf_read_bytes(in, 2);
    out->height = codec_protobuf_read_i64(in, 3);
    out->time = cometbft_time_read(in, 4);
    out->last_block_id = cometbft_block_id_read(in, 5);
    out->last_commit_hash = read_hash(in, 6);
    out->data_hash = read_hash(in, 7);
    out->validators_hash = read_hash(in, 8);
    out->next_validators_hash = read_hash(in, 9);
    out->consensus_hash = read_hash(in, 10);
    out->app_hash = codec_protobuf_read_bytes(in, 11);
    out->last_results_hash = read_hash(in, 12);
    out->evidence_hash = read_hash(in, 13);
    out->proposer_address = codec_protobuf_read_bytes(in, 14);
    if (out->chain_id.len > COMETBFT_CHAIN_ID_MAX || out->app_hash.len > COMETBFT_APP_HASH_MAX ||
        out->proposer_address.len > COMETBFT_ADDRESS_BYTES)
        in->failed = true;
}

static void read_vote(struct cometbft_vote *out, struct codec_protobuf *in)
{
    *out = (struct cometbft_vote){.flag = codec_protobuf_read_u32(in, 1)};
    out->address = codec_protobuf_read_bytes(in, 2);
    out->time = cometbft_time_read(in, 3);
    out->signature = codec_protobuf_read_bytes(in, 4);
    if (out->address.len > COMETBFT_ADDRESS_BYTES || out->signature.len > COMETBFT_SIGNATURE_MAX)
        in->failed = true;
}

static void read_commit(struct cometbft_commit *out, struct cometbft_room room, struct codec_protobuf *in)
{
    struct codec_protobuf vote;
    out->height = codec_protobuf_read_i64(in, 1);
    out->round = codec_protobuf_read_i32(in, 2);
    out->block_id = cometbft_block_id_read(in, 3);
    out->votes = room.votes;
    while (codec_protobuf_read_message(&vote, in, 4)) {
        if (out->votes_len == room.cap) {
            in->failed = true;
            return;
        }
        read_vote(&out->votes[out->votes_len++], &vote);
        codec_protobuf_close(in, &vote);
    }
}

/* crypto.PublicKey, a oneof: the field's number is the kind. */
static void read_key(struct cometbft_validator *out, struct codec_protobuf *message, uint32_t field)
{
    static const size_t sizes[] = {0, COMETBFT_ED25519_KEY_BYTES, COMETBFT_SECP256K1_KEY_BYTES};
    struct codec_protobuf inner = codec_protobuf_need_message(message, field);
    for (uint32_t kind = COMETBFT_KEY_ED25519; kind <= COMETBFT_KEY_MLDSA65 && out->key.len == 0; kind++) {
        out->kind = (enum cometbft_key)kind;
        out->key = codec_protobuf_read_bytes(&inner, kind);
    }
    codec_protobuf_close(message, &inner);
    if (out->key.len == 0 || (out->kind <= COMETBFT_KEY_SECP256K1 && out->key.len != sizes[out->kind]))
        message->failed = true;
}

static void read_validator(struct cometbft_validator *out, struct codec_protobuf *in)
{
    *out = (struct cometbft_validator){.kind = COMETBFT_KEY_ED25519};
    out->address = codec_protobuf_read_bytes(in, 1);
    read_key(out, in, 2);
    out->power = codec_protobuf_read_i64(in, 3);
    out->priority = codec_protobuf_read_i64(in, 4);
    if (out->address.len != COMETBFT_ADDRESS_BYTES)
        in->failed = true;
}

static void read_validators(struct cometbft_validators *out, struct cometbft_room room, struct codec_protobuf *in)
{
    struct codec_protobuf entry;
    out->list = room.validators;
    while (codec_protobuf_read_message(&entry, in, 1)) {
        if (out->len == room.cap) {
            in->failed = true;
            return;
        }
        read_validator(&out->list[out->len++], &entry);
        codec_protobuf_close(in, &entry);
    }
    out->has_proposer = codec_protobuf_read_message(&entry, in, 2);
    if (out->has_proposer) {
        read_validator(&out->proposer, &entry);
        codec_protobuf_close(in, &entry);
    }
    /* the total that some versions send along is a claim about what is already there: only the sum itself may stand here */
    int64_t said = codec_protobuf_read_i64(in, 3);
    uint64_t sum = 0;
    for (size_t i = 0; i < out->len; i++)
        sum += (uint64_t)out->list[i].power;
    if (said != 0 && (uint64_t)said != sum)
        in->failed = true;
}

bool cometbft_header_read(struct cometbft_header *out, struct bytes in)
{
    struct codec_protobuf message;
    *out = (struct cometbft_header){0};
    codec_protobuf_init(&message, in);
    read_header(out, &message);
    return codec_protobuf_end(&message);
}

bool cometbft_commit_read(struct cometbft_commit *out, struct cometbft_room room, struct bytes in)
{
    struct codec_protobuf message;
    *out = (struct cometbft_commit){0};
    codec_protobuf_init(&message, in);
    read_commit(out, room, &message);
    return codec_protobuf_end(&message);
}

bool cometbft_validators_read(struct cometbft_validators *out, struct cometbft_room room, struct bytes in)
{
    struct codec_protobuf message;
    *out = (struct cometbft_validators){0};
    codec_protobuf_init(&message, in);
    read_validators(out, room, &message);
    return codec_protobuf_end(&message);
}

struct cometbft_parts cometbft_parts_of(struct bytes light_block)
{
    struct codec_protobuf message;
    struct cometbft_parts parts;
    codec_protobuf_init(&message, light_block);
    struct codec_protobuf both = codec_protobuf_need_message(&message, 1);
    parts.header = codec_protobuf_need_message(&both, 1).in;
    parts.commit = codec_protobuf_need_message(&both, 2).in;
    codec_protobuf_close(&message, &both);
    parts.validators = codec_protobuf_need_message(&message, 2).in;
    if (!codec_protobuf_end(&message) || light_block.len > COMETBFT_LIGHT_BLOCK_MAX)
        return (struct cometbft_parts){{NULL, 0}, {NULL, 0}, {NULL, 0}};
    return parts;
}

bool cometbft_parts_read(struct cometbft_light_block *out, struct cometbft_room room, struct cometbft_parts in)
{
    *out = (struct cometbft_light_block){0};
    return in.header.len + in.commit.len + in.validators.len <= COMETBFT_LIGHT_BLOCK_MAX &&
           cometbft_header_read(&out->header, in.header) && cometbft_commit_read(&out->commit, room, in.commit) &&
           cometbft_validators_read(&out->validators, room, in.validators);
}

/* ---- writing ---- */

void cometbft_time_write(struct codec_writer *writer, struct cometbft_time time)
{
    codec_protobuf_write_i64(writer, 1, time.seconds);
    codec_protobuf_write_i64(writer, 2, time.nanos);
}

void cometbft_time_write_field(struct codec_writer *writer, uint32_t field, struct cometbft_time time)
{
    size_t mark = codec_protobuf_begin(writer);
    cometbft_time_write(writer, time);
    codec_protobuf_finish(writer, field, mark);
}

void cometbft_block_id_write(struct codec_writer *writer, const struct cometbft_block_id *id)
{
    codec_protobuf_write_bytes(writer, 1, id->hash);
    size_t mark = codec_protobuf_begin(writer);
    codec_protobuf_write_u64(writer, 1, id->parts_total);
    codec_protobuf_write_bytes(writer, 2, id->parts_hash);
    codec_protobuf_finish(writer, 2, mark);
}

static void write_block_id(struct codec_writer *writer, uint32_t field, const struct cometbft_block_id *id)
{
    size_t mark = codec_protobuf_begin(writer);
    cometbft_block_id_write(writer, id);
    codec_protobuf_finish(writer, field, mark);
}

void cometbft_header_write(struct codec_writer *writer, const struct cometbft_header *header)
{
    size_t mark = codec_protobuf_begin(writer);
    codec_protobuf_write_u64(writer, 1, header->version_block);
    codec_protobuf_write_u64(writer, 2, header->version_app);
    codec_protobuf_finish(writer, 1, mark);
    codec_protobuf_write_bytes(writer, 2, header->chain_id);
    codec_protobuf_write_i64(writer, 3, header->height);
    cometbft_time_write_field(writer, 4, header->time);
    write_block_id(writer, 5, &header->last_block_id);
    codec_protobuf_write_bytes(writer, 6, header->last_commit_hash);
    codec_protobuf_write_bytes(writer, 7, header->data_hash);
    codec_protobuf_write_bytes(writer, 8, header->validators_hash);
    codec_protobuf_write_bytes(writer, 9, header->next_validators_hash);
    codec_protobuf_write_bytes(writer, 10, header->consensus_hash);
    codec_protobuf_write_bytes(writer, 11, header->app_hash);
    codec_protobuf_write_bytes(writer, 12, header->last_results_hash);
    codec_protobuf_write_bytes(writer, 13, header->evidence_hash);
    codec_protobuf_write_bytes(writer, 14, header->proposer_address);
}

void cometbft_commit_write(struct codec_writer *writer, const struct cometbft_commit *commit)
{
    codec_protobuf_write_i64(writer, 1, commit->height);
    codec_protobuf_write_i64(writer, 2, commit->round);
    write_block_id(writer, 3, &commit->block_id);
    for (size_t i = 0; i < commit->votes_len; i++) {
        const struct cometbft_vote *vote = &commit->votes[i];
        size_t mark = codec_protobuf_begin(writer);
        codec_protobuf_write_u64(writer, 1, vote->flag);
        codec_protobuf_write_bytes(writer, 2, vote->address);
        cometbft_time_write_field(writer, 3, vote->time);
        codec_protobuf_write_bytes(writer, 4, vote->signature);
        codec_protobuf_finish(writer, 4, mark);
    }
}

static void write_validator(struct codec_writer *writer, uint32_t field, const struct cometbft_validator *validator)
{
    size_t mark = codec_protobuf_begin(writer);
    codec_protobuf_write_bytes(writer, 1, validator->address);
    size_t key = codec_protobuf_begin(writer);
    codec_protobuf_write_bytes(writer, (uint32_t)validator->kind, validator->key);
    codec_protobuf_finish(writer, 2, key);
    codec_protobuf_write_i64(writer, 3, validator->power);
    codec_protobuf_write_i64(writer, 4, validator->priority);
    codec_protobuf_finish(writer, field, mark);
}

void cometbft_validators_write(struct codec_writer *writer, const struct cometbft_validators *validators)
{
    for (size_t i = 0; i < validators->len; i++)
        write_validator(writer, 1, &validators->list[i]);
    if (validators->has_proposer)
        write_validator(writer, 2, &validators->proposer);
}

void cometbft_light_block_write(struct codec_writer *writer, const struct cometbft_light_block *block)
{
    size_t both = codec_protobuf_begin(writer);
    size_t mark = codec_protobuf_begin(writer);
    cometbft_header_write(writer, &block->header);
    codec_protobuf_finish(writer, 1, mark);
    mark = codec_protobuf_begin(writer);
    cometbft_commit_write(writer, &block->commit);
    codec_protobuf_finish(writer, 2, mark);
    codec_protobuf_finish(writer, 1, both);
    mark = codec_protobuf_begin(writer);
    cometbft_validators_write(writer, &block->validators);
    codec_protobuf_finish(writer, 2, mark);
}
