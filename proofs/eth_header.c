/*
 * The field count names the fork; then the fields are read once, in their order, each with its exact size.
 */
#include "proofs/eth_header.h"

#include <string.h>

#include "proofs/codec/keccak.h"
#include "proofs/codec/rlp.h"

static size_t count_items(struct codec_rlp list)
{
    struct codec_rlp_item item;
    size_t count = 0;
    while (codec_rlp_next(&item, &list))
        count++;
    return codec_rlp_end(&list) ? count : 0;
}

/* Yellow Paper 4.3: the field count names the fork; no other count is a header. */
static enum eth_fork fork_of(size_t field_count)
{
    switch (field_count) {
    case ETH_FORK_FRONTIER: return ETH_FORK_FRONTIER;
    case ETH_FORK_LONDON: return ETH_FORK_LONDON;
    case ETH_FORK_SHANGHAI: return ETH_FORK_SHANGHAI;
    case ETH_FORK_CANCUN: return ETH_FORK_CANCUN;
    case ETH_FORK_PRAGUE: return ETH_FORK_PRAGUE;
    }
    return ETH_FORK_NONE;
}

/* Field number `field` from the cursor; wrong kinds and sizes show as list->failed. */
static void read_field(struct eth_header *out, struct codec_rlp *list, size_t field)
{
    switch (field) {
    case 0: codec_rlp_read_fixed(out->parent_hash, list, 32); break;
    case 1: codec_rlp_read_fixed(out->ommers_hash, list, 32); break;
    case 2: codec_rlp_read_fixed(out->beneficiary, list, 20); break;
    case 3: codec_rlp_read_fixed(out->state_root, list, 32); break;
    case 4: codec_rlp_read_fixed(out->transactions_root, list, 32); break;
    case 5: codec_rlp_read_fixed(out->receipts_root, list, 32); break;
    case 6:
        out->logs_bloom = codec_rlp_read_string(list);
        list->failed = list->failed || out->logs_bloom.len != ETH_BLOOM_BYTES;
        break;
    case 7: codec_rlp_read_u256(out->difficulty, list); break;
    case 8: out->number = codec_rlp_read_u64(list); break;
    case 9: out->gas_limit = codec_rlp_read_u64(list); break;
    case 10: out->gas_used = codec_rlp_read_u64(list); break;
    case 11: out->timestamp = codec_rlp_read_u64(list); break;
    case 12: out->extra_data = codec_rlp_read_string(list); break;
    case 13: codec_rlp_read_fixed(out->mix_hash, list, 32); break;
    case 14: codec_rlp_read_fixed(out->nonce, list, 8); break;
    case 15: codec_rlp_read_u256(out->base_fee, list); break;
    case 16: codec_rlp_read_fixed(out->withdrawals_root, list, 32); break;
    case 17: out->blob_gas_used = codec_rlp_read_u64(list); break;
    case 18: out->excess_blob_gas = codec_rlp_read_u64(list); break;
    case 19: codec_rlp_read_fixed(out->parent_beacon_root, list, 32); break;
    case 20: codec_rlp_read_fixed(out->requests_hash, list, 32); break;
    }
}

/* The reason why rlp is no header, PROOF_REASON_VALID when it is one. */
static enum proof_reason read_header(struct eth_header *out, size_t *at, struct bytes rlp)
{
    struct codec_rlp top;
    *at = 0;
    if (rlp.len > ETH_HEADER_BYTES_MAX)
        return PROOF_REASON_TOO_LARGE;
    codec_rlp_init(&top, rlp);
    struct codec_rlp list = codec_rlp_read_list(&top);
    if (top.failed)
        return PROOF_REASON_RLP_NOT_CANONICAL;
    if (!codec_rlp_end(&top))
        return PROOF_REASON_RLP_TRAILING;
    out->fork = fork_of(count_items(list));
    if (out->fork == ETH_FORK_NONE)
        return PROOF_REASON_HEADER_FIELD_COUNT;
    for (*at = 0; *at < (size_t)out->fork; ++*at) {
        read_field(out, &list, *at);
        if (list.failed)
            return PROOF_REASON_HEADER_BAD_FIELD;
    }
    return PROOF_REASON_VALID;
}

enum proof_verdict proof_eth_header_parse(struct proof_result *result, struct eth_header *out, struct bytes rlp)
{
    struct eth_header header = {0};
    size_t at;
    memset(out, 0, sizeof *out);
    enum proof_reason reason = read_header(&header, &at, rlp);
    if (reason != PROOF_REASON_VALID)
        return proof_refuse(result, reason, at);
    *out = header;
    proof_accept(result);
    return PROOF_VALID;
}

enum proof_verdict proof_eth_header_verify(struct proof_result *result, struct proof_eth_header_fact *fact,
                                           const uint8_t trusted_hash[32], struct bytes rlp)
{
    struct eth_header header = {0};
    uint8_t hash[32];
    size_t at;
    memset(fact, 0, sizeof *fact);
    if (codec_bytes_are_zero(trusted_hash, 32))
        return proof_refuse(result, PROOF_REASON_TRUST_UNSET, 0);
    enum proof_reason reason = read_header(&header, &at, rlp);
    if (reason != PROOF_REASON_VALID)
        return proof_refuse(result, reason, at);
    codec_keccak256(hash, rlp);
    if (memcmp(hash, trusted_hash, 32) != 0)
        return proof_refuse(result, PROOF_REASON_HEADER_HASH_MISMATCH, 0);
    memcpy(fact->hash, hash, 32);
    fact->header = header;
    proof_accept(result);
    return PROOF_VALID;
}
