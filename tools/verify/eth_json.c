/*
 * From JSON-RPC fields to RLP, through the same encoders that connectors use.
 */
#include "tools/verify/eth_json.h"

#include "proofs/codec/eth.h"

const struct tools_json *tools_eth_json_result(const struct tools_json *node)
{
    const struct tools_json *result = tools_json_get(node, "result");
    return result && tools_json_get(node, "jsonrpc") ? result : node;
}

static enum eth_fork fork_of(const struct tools_json *block)
{
    if (tools_json_kind(tools_json_get(block, "requestsHash")) != TOOLS_JSON_NONE)
        return ETH_FORK_PRAGUE;
    if (tools_json_kind(tools_json_get(block, "parentBeaconBlockRoot")) != TOOLS_JSON_NONE)
        return ETH_FORK_CANCUN;
    if (tools_json_kind(tools_json_get(block, "withdrawalsRoot")) != TOOLS_JSON_NONE)
        return ETH_FORK_SHANGHAI;
    if (tools_json_kind(tools_json_get(block, "baseFeePerGas")) != TOOLS_JSON_NONE)
        return ETH_FORK_LONDON;
    return ETH_FORK_FRONTIER;
}

static void read_hash(uint8_t out[32], struct tools_json_doc *doc, const struct tools_json *object, const char *key)
{
    tools_json_hex_exact(out, 32, doc, tools_json_get(object, key), key);
}

static uint64_t read_number(struct tools_json_doc *doc, const struct tools_json *object, const char *key)
{
    return tools_json_u64(doc, tools_json_get(object, key), key);
}

static struct bytes read_bloom(struct tools_json_doc *doc, const struct tools_json *object)
{
    uint8_t *bloom = tools_json_alloc(doc, 1, ETH_BLOOM_BYTES);
    tools_json_hex_exact(bloom, ETH_BLOOM_BYTES, doc, tools_json_get(object, "logsBloom"), "logsBloom");
    return (struct bytes){bloom, ETH_BLOOM_BYTES};
}

struct bytes tools_eth_json_header(struct tools_json_doc *doc, const struct tools_json *block)
{
    struct eth_header header = {.fork = fork_of(block)};
    read_hash(header.parent_hash, doc, block, "parentHash");
    read_hash(header.ommers_hash, doc, block, "sha3Uncles");
    tools_json_hex_exact(header.beneficiary, 20, doc, tools_json_get(block, "miner"), "miner");
    read_hash(header.state_root, doc, block, "stateRoot");
    read_hash(header.transactions_root, doc, block, "transactionsRoot");
    read_hash(header.receipts_root, doc, block, "receiptsRoot");
    header.logs_bloom = read_bloom(doc, block);
    tools_json_u256(header.difficulty, doc, tools_json_get(block, "difficulty"), "difficulty");
    header.number = read_number(doc, block, "number");
    header.gas_limit = read_number(doc, block, "gasLimit");
    header.gas_used = read_number(doc, block, "gasUsed");
    header.timestamp = read_number(doc, block, "timestamp");
    header.extra_data = tools_json_hex(doc, tools_json_get(block, "extraData"), "extraData");
    read_hash(header.mix_hash, doc, block, "mixHash");
    tools_json_hex_exact(header.nonce, 8, doc, tools_json_get(block, "nonce"), "nonce");
    if (header.fork >= ETH_FORK_LONDON)
        tools_json_u256(header.base_fee, doc, tools_json_get(block, "baseFeePerGas"), "baseFeePerGas");
    if (header.fork >= ETH_FORK_SHANGHAI)
        read_hash(header.withdrawals_root, doc, block, "withdrawalsRoot");
    if (header.fork >= ETH_FORK_CANCUN) {
        header.blob_gas_used = read_number(doc, block, "blobGasUsed");
        header.excess_blob_gas = read_number(doc, block, "excessBlobGas");
        read_hash(header.parent_beacon_root, doc, block, "parentBeaconBlockRoot");
    }
    if (header.fork >= ETH_FORK_PRAGUE)
        read_hash(header.requests_hash, doc, block, "requestsHash");

    struct codec_writer writer;
    size_t cap = 1024 + header.extra_data.len;
    codec_writer_init(&writer, tools_json_alloc(doc, cap, 1), cap);
    codec_eth_header_write(&writer, &header);
    if (writer.failed)
        tools_json_fail(doc, "block", "its header cannot be encoded");
    return codec_writer_bytes(&writer);
}

static const struct eth_log *read_logs(size_t *count, size_t *size, struct tools_json_doc *doc,
                                       const struct tools_json *list)
{
    *count = tools_json_count(list);
    *size = 0;
    struct eth_log *logs = tools_json_alloc(doc, *count, sizeof *logs);
    for (size_t i = 0; i < *count; i++) {
        const struct tools_json *log = tools_json_at(list, i);
        const struct tools_json *topics = tools_json_get(log, "topics");
        tools_json_hex_exact(logs[i].address, 20, doc, tools_json_get(log, "address"), "address");
        logs[i].topic_count = tools_json_count(topics);
        if (logs[i].topic_count > ETH_TOPICS_MAX) {
            tools_json_fail(doc, "topics", "has more than four entries");
            logs[i].topic_count = 0;
        }
        for (size_t t = 0; t < logs[i].topic_count; t++)
            tools_json_hex_exact(logs[i].topics[t], 32, doc, tools_json_at(topics, t), "topics");
        logs[i].data = tools_json_hex(doc, tools_json_get(log, "data"), "data");
        *size += 256 + logs[i].data.len;
    }
    return logs;
}

static struct bytes encode_receipt(struct tools_json_doc *doc, const struct tools_json *object)
{
    struct eth_receipt receipt = {0};
    size_t log_count;
    size_t size;
    if (tools_json_kind(tools_json_get(object, "type")) != TOOLS_JSON_NONE)
        receipt.type = (uint8_t)read_number(doc, object, "type");
    if (tools_json_kind(tools_json_get(object, "status")) != TOOLS_JSON_NONE) {
        receipt.status = read_number(doc, object, "status") == 1;
    } else {
        receipt.has_state_root = true;
        read_hash(receipt.state_root, doc, object, "root");
    }
    receipt.cumulative_gas = read_number(doc, object, "cumulativeGasUsed");
    receipt.logs_bloom = read_bloom(doc, object);
    const struct eth_log *logs = read_logs(&log_count, &size, doc, tools_json_get(object, "logs"));

    struct codec_writer writer;
    codec_writer_init(&writer, tools_json_alloc(doc, size + 512, 1), size + 512);
    codec_eth_receipt_write(&writer, &receipt, logs, log_count);
    if (writer.failed)
        tools_json_fail(doc, "receipt", "cannot be encoded");
    return codec_writer_bytes(&writer);
}

struct bytes tools_eth_json_receipt(struct tools_json_doc *doc, const struct tools_json *receipt)
{
    if (tools_json_kind(receipt) == TOOLS_JSON_TEXT)
        return tools_json_hex(doc, receipt, "receipt");
    if (tools_json_kind(receipt) == TOOLS_JSON_OBJECT)
        return encode_receipt(doc, receipt);
    tools_json_fail(doc, "receipt", "must be an object or hexadecimal text");
    return (struct bytes){NULL, 0};
}

const struct bytes *tools_eth_json_receipts(size_t *count, struct tools_json_doc *doc,
                                            const struct tools_json *receipts)
{
    *count = 0;
    if (tools_json_kind(receipts) != TOOLS_JSON_ARRAY) {
        tools_json_fail(doc, "receipts", "must be a list");
        return NULL;
    }
    size_t many = tools_json_count(receipts);
    struct bytes *list = tools_json_alloc(doc, many, sizeof *list);
    for (size_t i = 0; i < many; i++)
        list[i] = tools_eth_json_receipt(doc, tools_json_at(receipts, i));
    *count = many;
    return list;
}
