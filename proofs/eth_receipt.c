/*
 * Receipts: one strict reader, used by parsing, by verification of a block and by the walk over its logs.
 */
#include "proofs/eth_receipt.h"

#include <string.h>

#include "proofs/mpt.h"

/* [address, [topics], data]; list->failed tells when it is not. */
static bool read_log(struct eth_log *out, struct codec_rlp *logs)
{
    memset(out, 0, sizeof *out);
    struct codec_rlp log = codec_rlp_read_list(logs);
    codec_rlp_read_fixed(out->address, &log, 20);
    struct codec_rlp topics = codec_rlp_read_list(&log);
    while (codec_rlp_more(&topics)) {
        if (out->topic_count == ETH_TOPICS_MAX)
            return false;
        codec_rlp_read_fixed(out->topics[out->topic_count++], &topics, 32);
    }
    out->data = codec_rlp_read_string(&log);
    return codec_rlp_end(&topics) && codec_rlp_end(&log);
}

/* Status 0 or 1; before Byzantium, and so only in receipts without a type, the state root. */
static bool read_outcome(struct eth_receipt *out, struct codec_rlp *list)
{
    struct bytes first = codec_rlp_read_string(list);
    if (first.len == 32 && out->type == 0) {
        out->has_state_root = true;
        memcpy(out->state_root, first.data, 32);
        return true;
    }
    out->status = first.len == 1;
    return first.len == 0 || (first.len == 1 && first.data[0] == 1);
}

/* Takes the type byte off. EIP-2718: below 0x80 a type, from 0xc0 a legacy receipt. Types 1..4 (EIP-2930, 1559, 4844, 7702)
 * have the legacy layout; of any other type nothing is known. */
static bool take_type(struct eth_receipt *out, struct bytes *receipt)
{
    if (receipt->len == 0)
        return false;
    if (receipt->data[0] >= 0xc0)
        return true;
    out->type = receipt->data[0];
    *receipt = codec_bytes_slice(*receipt, 1, receipt->len - 1);
    return out->type >= 1 && out->type <= 4;
}

static enum proof_reason read_receipt(struct eth_receipt *out, struct codec_rlp *logs, struct bytes receipt)
{
    struct codec_rlp top;
    struct eth_log log;
    if (!take_type(out, &receipt))
        return PROOF_REASON_RECEIPT_TYPE;
    codec_rlp_init(&top, receipt);
    struct codec_rlp list = codec_rlp_read_list(&top);
    if (top.failed)
        return PROOF_REASON_RLP_NOT_CANONICAL;
    if (!codec_rlp_end(&top))
        return PROOF_REASON_RLP_TRAILING;
    if (!read_outcome(out, &list))
        return PROOF_REASON_RECEIPT_MALFORMED;
    out->cumulative_gas = codec_rlp_read_u64(&list);
    out->logs_bloom = codec_rlp_read_string(&list);
    *logs = codec_rlp_read_list(&list);
    if (!codec_rlp_end(&list) || out->logs_bloom.len != ETH_BLOOM_BYTES)
        return PROOF_REASON_RECEIPT_MALFORMED;
    struct codec_rlp check = *logs;
    while (codec_rlp_more(&check))
        if (!read_log(&log, &check))
            return PROOF_REASON_RECEIPT_MALFORMED;
    return codec_rlp_end(&check) ? PROOF_REASON_VALID : PROOF_REASON_RECEIPT_MALFORMED;
}

enum proof_verdict proof_eth_receipt_parse(struct proof_result *result, struct eth_receipt *out, struct codec_rlp *logs,
                                           struct bytes receipt)
{
    struct eth_receipt parsed = {0};
    struct codec_rlp cursor = {0};
    memset(out, 0, sizeof *out);
    memset(logs, 0, sizeof *logs);
    enum proof_reason reason = read_receipt(&parsed, &cursor, receipt);
    if (reason != PROOF_REASON_VALID)
        return proof_refuse(result, reason, 0);
    *out = parsed;
    *logs = cursor;
    proof_accept(result);
    return PROOF_VALID;
}

bool proof_eth_log_next(struct eth_log *log, struct codec_rlp *logs)
{
    if (codec_rlp_more(logs) && read_log(log, logs))
        return true;
    memset(log, 0, sizeof *log);
    return false;
}

bool proof_eth_log_is(const struct eth_log *log, const uint8_t address[20], const uint8_t topic0[32])
{
    return log->topic_count > 0 && memcmp(log->address, address, 20) == 0 && memcmp(log->topics[0], topic0, 32) == 0;
}

struct receipt_list {
    const struct bytes *receipts;
    size_t count;
};

/* The receipts in the order of their keys: RLP(index) sorts 1..127 first, then 0 (0x80), then 128 and up. */
static void receipt_at(struct proof_mpt_entry *out, uint8_t scratch[PROOF_MPT_KEY_MAX], const void *context,
                       size_t position)
{
    const struct receipt_list *list = context;
    size_t single = list->count - 1 < 127 ? list->count - 1 : 127;
    size_t index = position;
    if (position < single)
        index = position + 1;
    else if (position == single)
        index = 0;
    out->key = (struct bytes){scratch, codec_eth_index_key(scratch, index)};
    out->value = list->receipts[index];
}

enum proof_verdict proof_eth_receipts_verify(struct proof_result *result, struct proof_eth_receipts_fact *fact,
                                             const uint8_t receipts_root[32], const struct bytes *receipts,
                                             size_t count)
{
    struct receipt_list list = {receipts, count};
    struct proof_mpt_source source = {receipt_at, &list, count};
    uint8_t root[32];
    memset(fact, 0, sizeof *fact);
    if (codec_bytes_are_zero(receipts_root, 32))
        return proof_refuse(result, PROOF_REASON_TRUST_UNSET, 0);
    if (count > PROOF_ETH_RECEIPTS_MAX)
        return proof_refuse(result, PROOF_REASON_TOO_LARGE, count);
    for (size_t i = 0; i < count; i++) {
        struct eth_receipt parsed = {0};
        struct codec_rlp logs;
        enum proof_reason reason = read_receipt(&parsed, &logs, receipts[i]);
        if (reason != PROOF_REASON_VALID)
            return proof_refuse(result, reason, i);
    }
    enum proof_verdict built = proof_mpt_root(result, root, &source);
    if (built != PROOF_VALID)
        return built;
    if (memcmp(root, receipts_root, 32) != 0)
        return proof_refuse(result, PROOF_REASON_RECEIPTS_ROOT_MISMATCH, 0);
    memcpy(fact->receipts_root, receipts_root, 32);
    fact->receipts = receipts;
    fact->count = count;
    proof_accept(result);
    return PROOF_VALID;
}

/* Opens the next receipt of the block for the walk. It was parsed when the block was verified. */
static bool open_receipt(struct proof_eth_log_walk *walk, const struct proof_eth_receipts_fact *block)
{
    struct eth_receipt parsed = {0};
    if (walk->next_receipt == block->count)
        return false;
    walk->receipt = walk->next_receipt++;
    return read_receipt(&parsed, &walk->logs, block->receipts[walk->receipt]) == PROOF_REASON_VALID;
}

bool proof_eth_log_find(struct eth_log *log, struct proof_eth_log_walk *walk,
                        const struct proof_eth_receipts_fact *block, const uint8_t address[20],
                        const uint8_t topic0[32])
{
    do {
        while (proof_eth_log_next(log, &walk->logs)) {
            walk->log_index = walk->next_log++;
            if (proof_eth_log_is(log, address, topic0))
                return true;
        }
    } while (open_receipt(walk, block));
    return false;
}
