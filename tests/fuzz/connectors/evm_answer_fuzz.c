/*
 * A node's answers, any bytes: read as a block, logs, a proof, receipts and a mined transaction, and the logs as the events
 * of each kind. What is taken must hold together: a header hashes to its hash, a record has the size it says.
 */
#include <stdlib.h>
#include <string.h>

#include "connectors/evm/abi.h"
#include "connectors/evm/parse.h"
#include "connectors/sdk/record.h"
#include "proofs/codec/keccak.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_events(const struct evm_log *logs, size_t count)
{
    uint8_t running[32] = {0}, lane[32] = {0};
    for (size_t i = 0; i < count; i++) {
        for (int kind = CONNECTOR_LOG_MESSAGE; kind <= CONNECTOR_LOG_SETTLEMENT; kind++) {
            struct evm_event event;
            const enum connector_log_kind as = (enum connector_log_kind)kind;
            if (!evm_abi_event(&event, as, &logs[i].log))
                continue;
            if (event.from == 0 || event.to < event.from)
                abort();
            if (sdk_record_extend(running, as, lane, event.from, event.records) &&
                sdk_record_size(as, event.records) != event.records.len)
                abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[160];
    const char *wrong = NULL;
    struct sdk_arena arena = {0};
    struct evm_block block;
    struct evm_proof proof;
    struct evm_inclusion inclusion;
    const struct evm_log *logs = NULL;
    const struct bytes *receipts = NULL;
    size_t count = 0;
    struct sdk_json *root = sdk_json_parse((struct bytes){data, size}, text, sizeof text);
    if (!root)
        return 0;
    if (evm_parse_block(&block, root, &arena, &wrong)) {
        uint8_t hash[32];
        codec_keccak256(hash, block.rlp);
        if (memcmp(hash, block.hash, 32) != 0)
            abort();
    }
    if (evm_parse_logs(&logs, &count, root, &arena, &wrong))
        read_events(logs, count);
    evm_parse_proof(&proof, 1, root, &arena, &wrong);
    evm_parse_receipts(&receipts, &count, root, &arena, &wrong);
    evm_parse_inclusion(&inclusion, root);
    sdk_json_free(root);
    sdk_arena_fini(&arena);
    return 0;
}
