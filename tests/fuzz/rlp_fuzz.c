/*
 * RLP: whatever the checker takes, a walk through it can read to the end and write back byte for byte.
 */
#include <stdint.h>
#include <stdlib.h>

#include "proofs/codec/rlp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void copy_items(struct codec_writer *writer, struct codec_rlp *rlp)
{
    struct codec_rlp_item item;
    while (codec_rlp_next(&item, rlp)) {
        if (!item.is_list) {
            codec_rlp_write_string(writer, item.payload);
            continue;
        }
        struct codec_rlp list;
        size_t mark = codec_rlp_list_begin(writer);
        codec_rlp_init(&list, item.payload);
        copy_items(writer, &list); /* as deep as the checker allowed */
        codec_rlp_list_end(writer, mark);
    }
    if (!codec_rlp_end(rlp))
        __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct codec_rlp rlp;
    struct codec_writer writer;
    struct codec_rlp_item item;
    struct bytes in = {data, size};
    uint8_t wide[32];
    codec_rlp_init(&rlp, in);
    while (codec_rlp_next(&item, &rlp))
        ;
    codec_rlp_init(&rlp, in);
    codec_rlp_read_u256(wide, &rlp);
    codec_rlp_read_u64(&rlp);
    if (!codec_rlp_check(in, CODEC_RLP_DEPTH_MAX))
        return 0;
    uint8_t *out = malloc(size);
    if (!out)
        return 0;
    codec_writer_init(&writer, out, size);
    codec_rlp_init(&rlp, in);
    copy_items(&writer, &rlp);
    if (!codec_bytes_equal(codec_writer_bytes(&writer), in))
        __builtin_trap();
    free(out);
    return 0;
}
