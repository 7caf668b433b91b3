/*
 * Reading and writing CommitmentProof, and applying its ops.
 */
#include "proofs/codec/ics23.h"

#include "proofs/codec/openssl.h"
#include "proofs/codec/protobuf.h"
#include "proofs/codec/sha256.h"

static bool read_leaf(struct ics23_leaf *out, struct codec_protobuf *in)
{
    struct codec_protobuf leaf;
    if (!codec_protobuf_read_message(&leaf, in, 3))
        return false;
    out->hash = codec_protobuf_read_u32(&leaf, 1);
    out->prehash_key = codec_protobuf_read_u32(&leaf, 2);
    out->prehash_value = codec_protobuf_read_u32(&leaf, 3);
    out->length = codec_protobuf_read_u32(&leaf, 4);
    out->prefix = codec_protobuf_read_bytes(&leaf, 5);
    codec_protobuf_close(in, &leaf);
    return true;
}

static void read_existence(struct ics23_existence *out, struct codec_protobuf *in)
{
    struct codec_protobuf inner;
    out->key = codec_protobuf_read_bytes(in, 1);
    out->value = codec_protobuf_read_bytes(in, 2);
    out->has_leaf = read_leaf(&out->leaf, in);
    out->path_len = 0;
    while (codec_protobuf_read_message(&inner, in, 4)) {
        if (out->path_len == ICS23_DEPTH_MAX) {
            in->failed = true;
            return;
        }
        struct ics23_inner *step = &out->path[out->path_len++];
        step->hash = codec_protobuf_read_u32(&inner, 1);
        step->prefix = codec_protobuf_read_bytes(&inner, 2);
        step->suffix = codec_protobuf_read_bytes(&inner, 3);
        codec_protobuf_close(in, &inner);
    }
}

/* An existence proof as a field; false when it is not there. */
static bool read_side(struct ics23_existence *out, struct codec_protobuf *in, uint32_t field)
{
    struct codec_protobuf side;
    if (!codec_protobuf_read_message(&side, in, field))
        return false;
    read_existence(out, &side);
    codec_protobuf_close(in, &side);
    return true;
}

bool ics23_proof_read(struct ics23_proof *out, struct bytes in)
{
    struct codec_protobuf message;
    struct codec_protobuf absence;
    out->is_absence = out->has_left = out->has_right = false;
    out->key = (struct bytes){NULL, 0};
    if (in.len > ICS23_PROOF_BYTES_MAX)
        return false;
    codec_protobuf_init(&message, in);
    if (!read_side(&out->exists, &message, 1)) {
        out->is_absence = true;
        absence = codec_protobuf_need_message(&message, 2);
        out->key = codec_protobuf_read_bytes(&absence, 1);
        out->has_left = read_side(&out->left, &absence, 2);
        out->has_right = read_side(&out->right, &absence, 3);
        codec_protobuf_close(&message, &absence);
    }
    return codec_protobuf_end(&message);
}

static void write_existence(struct codec_writer *writer, uint32_t field, const struct ics23_existence *proof)
{
    size_t whole = codec_protobuf_begin(writer);
    codec_protobuf_write_bytes(writer, 1, proof->key);
    codec_protobuf_write_bytes(writer, 2, proof->value);
    if (proof->has_leaf) {
        size_t mark = codec_protobuf_begin(writer);
        codec_protobuf_write_u64(writer, 1, proof->leaf.hash);
        codec_protobuf_write_u64(writer, 2, proof->leaf.prehash_key);
        codec_protobuf_write_u64(writer, 3, proof->leaf.prehash_value);
        codec_protobuf_write_u64(writer, 4, proof->leaf.length);
        codec_protobuf_write_bytes(writer, 5, proof->leaf.prefix);
        codec_protobuf_finish(writer, 3, mark);
    }
    for (size_t i = 0; i < proof->path_len; i++) {
        size_t mark = codec_protobuf_begin(writer);
        codec_protobuf_write_u64(writer, 1, proof->path[i].hash);
        codec_protobuf_write_bytes(writer, 2, proof->path[i].prefix);
        codec_protobuf_write_bytes(writer, 3, proof->path[i].suffix);
        codec_protobuf_finish(writer, 4, mark);
    }
    codec_protobuf_finish(writer, field, whole);
}

void ics23_proof_write(struct codec_writer *writer, const struct ics23_proof *proof)
{
    if (!proof->is_absence) {
        write_existence(writer, 1, &proof->exists);
        return;
    }
    size_t mark = codec_protobuf_begin(writer);
    codec_protobuf_write_bytes(writer, 1, proof->key);
    if (proof->has_left)
        write_existence(writer, 2, &proof->left);
    if (proof->has_right)
        write_existence(writer, 3, &proof->right);
    codec_protobuf_finish(writer, 2, mark);
}

static size_t bitcoin_hash(uint8_t *out, const struct bytes *parts, size_t count)
{
    uint8_t inner[32];
    codec_sha256(inner, parts, count);
    return codec_openssl_digest(out, CODEC_OPENSSL_RIPEMD160, &BYTES_OF(inner), 1);
}

size_t ics23_hash(uint8_t out[ICS23_HASH_MAX], uint32_t op, const struct bytes *parts, size_t count)
{
    switch (op) {
    case ICS23_SHA256: codec_sha256(out, parts, count); return 32;
    case ICS23_SHA512: return codec_openssl_digest(out, CODEC_OPENSSL_SHA512, parts, count);
    case ICS23_RIPEMD160: return codec_openssl_digest(out, CODEC_OPENSSL_RIPEMD160, parts, count);
    case ICS23_BITCOIN: return bitcoin_hash(out, parts, count);
    case ICS23_SHA512_256: return codec_openssl_digest(out, CODEC_OPENSSL_SHA512_256, parts, count);
    case ICS23_BLAKE2B_512: return codec_openssl_digest(out, CODEC_OPENSSL_BLAKE2B_512, parts, count);
    case ICS23_BLAKE2S_256: return codec_openssl_digest(out, CODEC_OPENSSL_BLAKE2S_256, parts, count);
    case ICS23_NO_HASH:
    case ICS23_KECCAK256:
    case ICS23_BLAKE3: return 0;
    default: return 0; /* op comes from a proof */
    }
}

/* Writes what stands before data of this length; false when the op is not spoken or demands another length. */
static bool length_of(struct codec_writer *writer, uint32_t op, uint64_t len)
{
    size_t width = op == ICS23_FIXED32_BIG || op == ICS23_FIXED32_LITTLE ? 4 : 8;
    bool little = op == ICS23_FIXED32_LITTLE || op == ICS23_FIXED64_LITTLE;
    switch (op) {
    case ICS23_NO_PREFIX: return true;
    case ICS23_VAR_PROTO: codec_protobuf_write_uvarint(writer, len); return true;
    case ICS23_REQUIRE_32: return len == 32;
    case ICS23_REQUIRE_64: return len == 64;
    case ICS23_FIXED32_BIG:
    case ICS23_FIXED32_LITTLE:
    case ICS23_FIXED64_BIG:
    case ICS23_FIXED64_LITTLE:
        for (size_t i = 0; i < width; i++)
            codec_write_u8(writer, (uint8_t)(len >> 8 * (little ? i : width - 1 - i)));
        return width == 8 || len <= UINT32_MAX;
    case ICS23_VAR_RLP: return false;
    default: return false; /* op comes from a proof */
    }
}

/* A key or value as it enters the leaf: hashed or not. */
static struct bytes prehash(uint8_t out[ICS23_HASH_MAX], uint32_t op, struct bytes data)
{
    if (op == ICS23_NO_HASH)
        return data;
    return (struct bytes){out, ics23_hash(out, op, &data, 1)};
}

size_t ics23_leaf_hash(uint8_t out[ICS23_HASH_MAX], const struct ics23_leaf *leaf, struct bytes key, struct bytes value)
{
    uint8_t hashes[2][ICS23_HASH_MAX];
    uint8_t lengths[2][16];
    struct codec_writer writer[2];
    if (key.len == 0 || value.len == 0)
        return 0;
    struct bytes data[2] = {prehash(hashes[0], leaf->prehash_key, key), prehash(hashes[1], leaf->prehash_value, value)};
    for (size_t i = 0; i < 2; i++) {
        codec_writer_init(&writer[i], lengths[i], sizeof lengths[i]);
        if (data[i].len == 0 || !length_of(&writer[i], leaf->length, data[i].len))
            return 0;
    }
    const struct bytes parts[] = {leaf->prefix, codec_writer_bytes(&writer[0]), data[0], codec_writer_bytes(&writer[1]),
                                  data[1]};
    return ics23_hash(out, leaf->hash, parts, 5);
}

size_t ics23_inner_hash(uint8_t out[ICS23_HASH_MAX], const struct ics23_inner *inner, struct bytes child)
{
    const struct bytes parts[] = {inner->prefix, child, inner->suffix};
    return child.len == 0 ? 0 : ics23_hash(out, inner->hash, parts, 3);
}

void ics23_inner_hash_two(uint8_t out[2][32], const struct ics23_inner *const inner[2],
                          const uint8_t *const children[2])
{
    const struct bytes parts[2][3] = {{inner[0]->prefix, {children[0], 32}, inner[0]->suffix},
                                      {inner[1]->prefix, {children[1], 32}, inner[1]->suffix}};
    codec_sha256_two(out, (const struct codec_sha256_input[2]){{parts[0], 3}, {parts[1], 3}});
}
