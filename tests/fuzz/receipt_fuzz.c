/*
 * Receipts: whatever is read can be written back byte for byte, and its logs are walked without an end in error.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proofs/eth_receipt.h"
#include "proofs/mpt.h"

#define LOGS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void lone_receipt(struct proof_mpt_entry *out, uint8_t scratch[PROOF_MPT_KEY_MAX], const void *context,
                         size_t index)
{
    out->key = (struct bytes){scratch, codec_eth_index_key(scratch, index)};
    out->value = *(const struct bytes *)context;
}

static void check_block(struct bytes receipt)
{
    struct proof_result result;
    struct proof_eth_receipts_fact fact;
    uint8_t root[32];
    struct proof_mpt_source source = {lone_receipt, &receipt, 1};
    if (proof_mpt_root(&result, root, &source) != PROOF_VALID ||
        proof_eth_receipts_verify(&result, &fact, root, &receipt, 1) != PROOF_VALID)
        __builtin_trap();
    root[0] ^= 1;
    if (proof_eth_receipts_verify(&result, &fact, root, &receipt, 1) == PROOF_VALID)
        __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = {data, size};
    struct proof_result result;
    struct eth_receipt receipt;
    struct codec_rlp cursor;
    static struct eth_log logs[LOGS_MAX];
    struct eth_log log;
    struct codec_writer writer;
    size_t count = 0;
    if (proof_eth_receipt_parse(&result, &receipt, &cursor, in) != PROOF_VALID)
        return 0;
    while (proof_eth_log_next(&log, &cursor)) {
        if (count < LOGS_MAX)
            logs[count] = log;
        count++;
    }
    if (!codec_rlp_end(&cursor))
        __builtin_trap();
    check_block(in);
    if (count > LOGS_MAX)
        return 0;
    uint8_t *out = malloc(size);
    if (!out)
        return 0;
    codec_writer_init(&writer, out, size);
    codec_eth_receipt_write(&writer, &receipt, logs, count);
    if (!codec_bytes_equal(codec_writer_bytes(&writer), in))
        __builtin_trap();
    free(out);
    return 0;
}
