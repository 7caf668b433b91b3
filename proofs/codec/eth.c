/*
 * The RLP of headers and receipts, field by field in the order of the Yellow Paper.
 */
#include "proofs/codec/eth.h"

#include "proofs/codec/rlp.h"

static void write_hash(struct codec_writer *writer, const uint8_t hash[32])
{
    codec_rlp_write_string(writer, (struct bytes){hash, 32});
}

static bool fork_is_known(enum eth_fork fork)
{
    switch (fork) {
    case ETH_FORK_NONE: return false;
    case ETH_FORK_FRONTIER:
    case ETH_FORK_LONDON:
    case ETH_FORK_SHANGHAI:
    case ETH_FORK_CANCUN:
    case ETH_FORK_PRAGUE: return true;
    }
    return false;
}

void codec_eth_header_write(struct codec_writer *writer, const struct eth_header *header)
{
    if (!fork_is_known(header->fork) || header->logs_bloom.len != ETH_BLOOM_BYTES) {
        writer->failed = true;
        return;
    }
    size_t mark = codec_rlp_list_begin(writer);
    write_hash(writer, header->parent_hash);
    write_hash(writer, header->ommers_hash);
    codec_rlp_write_string(writer, BYTES_OF(header->beneficiary));
    write_hash(writer, header->state_root);
    write_hash(writer, header->transactions_root);
    write_hash(writer, header->receipts_root);
    codec_rlp_write_string(writer, header->logs_bloom);
    codec_rlp_write_uint(writer, BYTES_OF(header->difficulty));
    codec_rlp_write_u64(writer, header->number);
    codec_rlp_write_u64(writer, header->gas_limit);
    codec_rlp_write_u64(writer, header->gas_used);
    codec_rlp_write_u64(writer, header->timestamp);
    codec_rlp_write_string(writer, header->extra_data);
    write_hash(writer, header->mix_hash);
    codec_rlp_write_string(writer, BYTES_OF(header->nonce));
    if (header->fork >= ETH_FORK_LONDON)
        codec_rlp_write_uint(writer, BYTES_OF(header->base_fee));
    if (header->fork >= ETH_FORK_SHANGHAI)
        write_hash(writer, header->withdrawals_root);
    if (header->fork >= ETH_FORK_CANCUN) {
        codec_rlp_write_u64(writer, header->blob_gas_used);
        codec_rlp_write_u64(writer, header->excess_blob_gas);
        write_hash(writer, header->parent_beacon_root);
    }
    if (header->fork >= ETH_FORK_PRAGUE)
        write_hash(writer, header->requests_hash);
    codec_rlp_list_end(writer, mark);
}

static void write_log(struct codec_writer *writer, const struct eth_log *log)
{
    if (log->topic_count > ETH_TOPICS_MAX) {
        writer->failed = true;
        return;
    }
    size_t mark = codec_rlp_list_begin(writer);
    codec_rlp_write_string(writer, BYTES_OF(log->address));
    size_t topics = codec_rlp_list_begin(writer);
    for (size_t i = 0; i < log->topic_count; i++)
        write_hash(writer, log->topics[i]);
    codec_rlp_list_end(writer, topics);
    codec_rlp_write_string(writer, log->data);
    codec_rlp_list_end(writer, mark);
}

void codec_eth_receipt_write(struct codec_writer *writer, const struct eth_receipt *receipt, const struct eth_log *logs,
                             size_t log_count)
{
    if (receipt->type > 0x7f || receipt->logs_bloom.len != ETH_BLOOM_BYTES) {
        writer->failed = true;
        return;
    }
    if (receipt->type != 0)
        codec_write_u8(writer, receipt->type);
    size_t mark = codec_rlp_list_begin(writer);
    if (receipt->has_state_root)
        write_hash(writer, receipt->state_root);
    else
        codec_rlp_write_u64(writer, receipt->status);
    codec_rlp_write_u64(writer, receipt->cumulative_gas);
    codec_rlp_write_string(writer, receipt->logs_bloom);
    size_t list = codec_rlp_list_begin(writer);
    for (size_t i = 0; i < log_count; i++)
        write_log(writer, &logs[i]);
    codec_rlp_list_end(writer, list);
    codec_rlp_list_end(writer, mark);
}

size_t codec_eth_index_key(uint8_t out[9], uint64_t index)
{
    struct codec_writer writer;
    codec_writer_init(&writer, out, 9);
    codec_rlp_write_u64(&writer, index);
    return writer.len;
}
