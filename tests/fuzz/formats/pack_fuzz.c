/*
 * msgpack values. What the cursor accepts has one encoding: written again, value by value, it gives the same bytes.
 */
#include <assert.h>

#include "proofs/codec/pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void copy_one(struct codec_pack *pack, struct codec_unpack *unpack)
{
    switch (codec_unpack_peek(unpack)) {
    case CODEC_PACK_NIL:
        codec_unpack_nil(unpack);
        codec_pack_nil(pack);
        break;
    case CODEC_PACK_BOOL: codec_pack_bool(pack, codec_unpack_bool(unpack)); break;
    case CODEC_PACK_UINT: codec_pack_uint(pack, codec_unpack_uint(unpack, UINT64_MAX)); break;
    case CODEC_PACK_INT: codec_pack_int(pack, codec_unpack_int(unpack)); break;
    case CODEC_PACK_STR: codec_pack_str_bytes(pack, codec_unpack_str(unpack, SIZE_MAX)); break;
    case CODEC_PACK_BIN: codec_pack_bin(pack, codec_unpack_bin(unpack, SIZE_MAX)); break;
    case CODEC_PACK_ARRAY: codec_pack_array(pack, codec_unpack_array(unpack, UINT32_MAX)); break;
    case CODEC_PACK_MAP: codec_pack_map(pack, codec_unpack_map(unpack, UINT32_MAX)); break;
    case CODEC_PACK_NONE: codec_unpack_fail(unpack); break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = {data, size};
    struct codec_unpack unpack;
    struct codec_pack pack;
    if (!codec_unpack_check(in))
        return 0;
    codec_unpack_init(&unpack, in);
    codec_pack_init(&pack, size);
    while (!unpack.failed && !codec_unpack_done(&unpack))
        copy_one(&pack, &unpack);
    assert(!unpack.failed && codec_bytes_equal(codec_pack_bytes(&pack), in));
    codec_pack_fini(&pack);
    return 0;
}
