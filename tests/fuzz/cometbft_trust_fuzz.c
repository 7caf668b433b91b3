/*
 * Stored trust of a light client: whatever is read is written back byte for byte, and what is refused leaves nothing.
 */
#include <stdint.h>

#include "proofs/cometbft_trust.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct proof_cometbft_trust trust;
    uint8_t out[PROOF_COMETBFT_TRUST_BYTES_MAX];
    struct codec_writer writer;
    if (!proof_cometbft_trust_read(&trust, (struct bytes){data, size})) {
        if (!codec_bytes_are_zero((const uint8_t *)&trust, sizeof trust))
            __builtin_trap();
        return 0;
    }
    codec_writer_init(&writer, out, sizeof out);
    proof_cometbft_trust_write(&writer, &trust);
    if (!codec_bytes_equal(codec_writer_bytes(&writer), (struct bytes){data, size}))
        __builtin_trap();
    return 0;
}
