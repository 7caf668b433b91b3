/*
 * What validators sign (types/canonical.go), and the order in which they stand (types/validator_set.go).
 */
#include <stdlib.h>
#include <string.h>

#include "proofs/codec/cometbft.h"

void cometbft_sign_bytes_begin(struct cometbft_sign_bytes *out, struct bytes chain_id, uint32_t type, int64_t height,
                               int64_t round, const struct cometbft_block_id *block_id)
{
    struct codec_writer writer;
    codec_writer_init(&writer, out->before, sizeof out->before);
    codec_protobuf_write_u64(&writer, 1, type);
    codec_protobuf_write_sfixed64(&writer, 2, height);
    codec_protobuf_write_sfixed64(&writer, 3, round);
    out->nil_len = writer.len;
    /* CanonicalizeBlockID: a zero block id is left out */
    if (!cometbft_block_id_is_zero(block_id)) {
        cometbft_block_id_write(&writer, block_id);
        codec_protobuf_finish(&writer, 4, out->nil_len);
    }
    out->before_len = writer.len;
    codec_writer_init(&writer, out->after, sizeof out->after);
    codec_protobuf_write_bytes(&writer, 6, chain_id);
    out->after_len = writer.len;
}

size_t cometbft_sign_bytes_of(uint8_t out[COMETBFT_SIGN_BYTES_MAX], const struct cometbft_sign_bytes *sign,
                              struct cometbft_time time, bool for_block)
{
    uint8_t stamp[32];
    struct codec_writer writer;
    size_t before_len = for_block ? sign->before_len : sign->nil_len;
    codec_writer_init(&writer, stamp, sizeof stamp);
    cometbft_time_write(&writer, time);
    codec_protobuf_finish(&writer, 5, 0); /* written even when both numbers are zero */
    struct bytes inner = codec_writer_bytes(&writer);
    codec_writer_init(&writer, out, COMETBFT_SIGN_BYTES_MAX);
    codec_protobuf_write_uvarint(&writer, before_len + inner.len + sign->after_len);
    codec_write_bytes(&writer, (struct bytes){sign->before, before_len});
    codec_write_bytes(&writer, inner);
    codec_write_bytes(&writer, (struct bytes){sign->after, sign->after_len});
    return writer.len;
}

bool cometbft_validator_before(const struct cometbft_validator *a, const struct cometbft_validator *b)
{
    if (a->power != b->power)
        return a->power > b->power;
    size_t len = a->address.len < b->address.len ? a->address.len : b->address.len;
    int order = len == 0 ? 0 : memcmp(a->address.data, b->address.data, len);
    return order != 0 ? order < 0 : a->address.len < b->address.len;
}

static int compare(const void *a, const void *b)
{
    return (int)cometbft_validator_before(b, a) - (int)cometbft_validator_before(a, b);
}

void cometbft_validators_sort(struct cometbft_validator *list, size_t len)
{
    if (len > 1)
        qsort(list, len, sizeof *list, compare);
}
