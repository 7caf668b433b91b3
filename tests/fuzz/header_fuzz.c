/*
 * Headers: whatever is read can be written back byte for byte, and is verified under its hash and no other.
 */
#include <stdint.h>
#include <stdlib.h>

#include "proofs/codec/keccak.h"
#include "proofs/eth_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = {data, size};
    struct proof_result result;
    struct eth_header header;
    struct proof_eth_header_fact fact;
    struct codec_writer writer;
    uint8_t hash[32];
    if (proof_eth_header_parse(&result, &header, in) != PROOF_VALID) {
        if (!codec_bytes_are_zero((const uint8_t *)&header, sizeof header) || result.reason <= PROOF_REASON_VALID)
            __builtin_trap();
        return 0;
    }
    uint8_t *out = malloc(size);
    if (!out)
        return 0;
    codec_writer_init(&writer, out, size);
    codec_eth_header_write(&writer, &header);
    codec_keccak256(hash, in);
    if (!codec_bytes_equal(codec_writer_bytes(&writer), in) ||
        proof_eth_header_verify(&result, &fact, hash, in) != PROOF_VALID)
        __builtin_trap();
    hash[size % 32] ^= 1;
    if (proof_eth_header_verify(&result, &fact, hash, in) == PROOF_VALID)
        __builtin_trap();
    free(out);
    return 0;
}
