/*
 * The connector protocol's decoder: any bytes either are refused, or are the one encoding of what was read.
 */
#include <stdlib.h>

#include "proofs/codec/connector.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct connector_scratch scratch;
    struct connector_message message;
    struct codec_pack pack;
    const struct bytes in = {data, size};
    const char *where = NULL;
    const bool taken = codec_connector_decode(&message, &scratch, in, &where);
    if (taken == (where != NULL) || taken == (message.type == CONNECTOR_NONE))
        abort();
    if (!taken)
        return 0;
    codec_pack_init(&pack, CODEC_CONNECTOR_MESSAGE_MAX + 16);
    codec_connector_encode(&pack, &message);
    if (!codec_bytes_equal(codec_pack_bytes(&pack), in))
        abort();
    codec_pack_fini(&pack);
    return 0;
}
