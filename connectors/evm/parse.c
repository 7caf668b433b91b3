/*
 * A node's answers as typed values (parse.h).
 */
#include "connectors/evm/parse.h"

#include <string.h>

#include "proofs/codec/keccak.h"

/* A value's members, read one after the other; the first that is wrong is noted and ends the reading. */
struct fields {
    const struct sdk_json *value;
    struct sdk_arena *arena;
    const char *wrong;
};

static void note(struct fields *fields, bool good, const char *key)
{
    if (!good && !fields->wrong)
        fields->wrong = key;
}

static void fixed(struct fields *fields, const char *key, uint8_t *out, size_t len)
{
    note(fields, sdk_json_fixed(out, len, sdk_json_member(fields->value, key)), key);
}

static void number(struct fields *fields, const char *key, uint64_t *out)
{
    note(fields, sdk_json_u64(out, sdk_json_member(fields->value, key)), key);
}

static void wide(struct fields *fields, const char *key, uint8_t out[32])
{
    note(fields, sdk_json_u256(out, sdk_json_member(fields->value, key)), key);
}

static void data(struct fields *fields, const char *key, struct bytes *out)
{
    note(fields, sdk_json_bytes(out, sdk_json_member(fields->value, key), fields->arena), key);
}

static bool has(const struct fields *fields, const char *key)
{
    return !sdk_json_is_null(sdk_json_member(fields->value, key));
}

/* The newest fork whose field is there decides which fields the hash covers; the recomputed hash says if that was right. */
static enum eth_fork fork_of(const struct fields *fields)
{
    if (has(fields, "requestsHash"))
        return ETH_FORK_PRAGUE;
    if (has(fields, "parentBeaconBlockRoot"))
        return ETH_FORK_CANCUN;
    if (has(fields, "withdrawalsRoot"))
        return ETH_FORK_SHANGHAI;
    if (has(fields, "baseFeePerGas"))
        return ETH_FORK_LONDON;
    return ETH_FORK_FRONTIER;
}

static void header_fields(struct fields *fields, struct eth_header *h)
{
    h->fork = fork_of(fields);
    fixed(fields, "parentHash", h->parent_hash, 32);
    fixed(fields, "sha3Uncles", h->ommers_hash, 32);
    fixed(fields, "miner", h->beneficiary, 20);
    fixed(fields, "stateRoot", h->state_root, 32);
    fixed(fields, "transactionsRoot", h->transactions_root, 32);
    fixed(fields, "receiptsRoot", h->receipts_root, 32);
    data(fields, "logsBloom", &h->logs_bloom);
    wide(fields, "difficulty", h->difficulty);
    number(fields, "number", &h->number);
    number(fields, "gasLimit", &h->gas_limit);
    number(fields, "gasUsed", &h->gas_used);
    number(fields, "timestamp", &h->timestamp);
    data(fields, "extraData", &h->extra_data);
    fixed(fields, "mixHash", h->mix_hash, 32);
    fixed(fields, "nonce", h->nonce, 8);
    if (h->fork >= ETH_FORK_LONDON)
        wide(fields, "baseFeePerGas", h->base_fee);
    if (h->fork >= ETH_FORK_SHANGHAI)
        fixed(fields, "withdrawalsRoot", h->withdrawals_root, 32);
    if (h->fork >= ETH_FORK_CANCUN) {
        number(fields, "blobGasUsed", &h->blob_gas_used);
        number(fields, "excessBlobGas", &h->excess_blob_gas);
        fixed(fields, "parentBeaconBlockRoot", h->parent_beacon_root, 32);
    }
    if (h->fork >= ETH_FORK_PRAGUE)
        fixed(fields, "requestsHash", h->requests_hash, 32);
}

static bool finish(const struct fields *fields, const char **wrong)
{
    if (fields->wrong)
        *wrong = fields->wrong;
    return !fields->wrong;
}

bool evm_parse_block(struct evm_block *out, const struct sdk_json *value, struct sdk_arena *arena, const char **wrong)
{
    struct fields fields = {.value = value, .arena = arena};
    memset(out, 0, sizeof *out);
    fixed(&fields, "hash", out->hash, 32);
    header_fields(&fields, &out->header);
    if (!finish(&fields, wrong))
        return false;
    const size_t cap = 1024 + out->header.extra_data.len;
    uint8_t *rlp = cap <= ETH_HEADER_BYTES_MAX ? sdk_arena_take(arena, cap, 1) : NULL;
    struct codec_writer writer;
    codec_writer_init(&writer, rlp, rlp ? cap : 0);
    codec_eth_header_write(&writer, &out->header);
    out->rlp = codec_writer_bytes(&writer);
    uint8_t hash[32];
    codec_keccak256(hash, out->rlp);
    note(&fields, out->rlp.len > 0, "extraData: too long");
    note(&fields, memcmp(hash, out->hash, 32) == 0, "hash: not that of the header's fields");
    return finish(&fields, wrong);
}

static void log_fields(struct fields *fields, struct eth_log *log)
{
    const struct sdk_json *topics = sdk_json_member(fields->value, "topics");
    fixed(fields, "address", log->address, 20);
    data(fields, "data", &log->data);
    log->topic_count = sdk_json_length(topics);
    note(fields, sdk_json_is_array(topics) && log->topic_count <= ETH_TOPICS_MAX, "topics");
    for (size_t i = 0; i < log->topic_count && !fields->wrong; i++)
        note(fields, sdk_json_fixed(log->topics[i], 32, sdk_json_element(topics, i)), "topics");
}

bool evm_parse_logs(const struct evm_log **out, size_t *len, const struct sdk_json *value, struct sdk_arena *arena,
                    const char **wrong)
{
    struct fields fields = {.arena = arena};
    const size_t count = sdk_json_length(value);
    struct evm_log *logs = sdk_arena_take(arena, count, sizeof *logs);
    note(&fields, sdk_json_is_array(value), "logs: not a list");
    note(&fields, logs != NULL, "logs: no memory");
    for (size_t i = 0; i < count && !fields.wrong; i++) {
        struct evm_log *log = &logs[i];
        fields.value = sdk_json_element(value, i);
        log_fields(&fields, &log->log);
        number(&fields, "blockNumber", &log->block);
        fixed(&fields, "blockHash", log->block_hash, 32);
        number(&fields, "logIndex", &log->index);
        const bool ascends = i == 0 || log->block > logs[i - 1].block ||
                             (log->block == logs[i - 1].block && log->index > logs[i - 1].index);
        note(&fields, ascends, "logs: out of order");
    }
    *out = logs;
    *len = count;
    return finish(&fields, wrong);
}

static void nodes_of(struct fields *fields, const char *key, const struct bytes **out, size_t *len)
{
    const struct sdk_json *list = sdk_json_member(fields->value, key);
    const size_t count = sdk_json_length(list);
    struct bytes *nodes = sdk_arena_take(fields->arena, count, sizeof *nodes);
    note(fields, sdk_json_is_array(list) && nodes, key);
    for (size_t i = 0; i < count && !fields->wrong; i++)
        note(fields, sdk_json_bytes(&nodes[i], sdk_json_element(list, i), fields->arena), key);
    *out = nodes;
    *len = count;
}

bool evm_parse_proof(struct evm_proof *out, size_t slots_len, const struct sdk_json *value, struct sdk_arena *arena,
                     const char **wrong)
{
    struct fields fields = {.value = value, .arena = arena};
    const struct sdk_json *list = sdk_json_member(value, "storageProof");
    struct evm_slot *slots = sdk_arena_take(arena, slots_len, sizeof *slots);
    nodes_of(&fields, "accountProof", &out->nodes, &out->nodes_len);
    note(&fields, slots && sdk_json_length(list) == slots_len, "storageProof");
    for (size_t i = 0; i < slots_len && !fields.wrong; i++) {
        fields.value = sdk_json_element(list, i);
        wide(&fields, "key", slots[i].key);
        wide(&fields, "value", slots[i].value);
        nodes_of(&fields, "proof", &slots[i].nodes, &slots[i].nodes_len);
    }
    out->slots = slots;
    out->slots_len = slots_len;
    return finish(&fields, wrong);
}

static void receipt_fields(struct fields *fields, struct eth_receipt *receipt)
{
    uint64_t type = 0, status = 0;
    if (has(fields, "type"))
        number(fields, "type", &type);
    note(fields, type <= 0x7f, "type");
    receipt->type = (uint8_t)type;
    receipt->has_state_root = !has(fields, "status") && has(fields, "root");
    if (receipt->has_state_root)
        fixed(fields, "root", receipt->state_root, 32);
    else
        number(fields, "status", &status);
    note(fields, status <= 1, "status");
    receipt->status = status == 1;
    number(fields, "cumulativeGasUsed", &receipt->cumulative_gas);
    data(fields, "logsBloom", &receipt->logs_bloom);
}

static void receipt_encode(struct fields *fields, struct bytes *out)
{
    struct eth_receipt receipt = {0};
    const struct sdk_json *list = sdk_json_member(fields->value, "logs");
    const size_t count = sdk_json_length(list);
    struct eth_log *logs = sdk_arena_take(fields->arena, count, sizeof *logs);
    size_t cap = 512;
    note(fields, sdk_json_is_array(list) && logs, "logs");
    receipt_fields(fields, &receipt);
    for (size_t i = 0; i < count && !fields->wrong; i++) {
        struct fields entry = {.value = sdk_json_element(list, i), .arena = fields->arena};
        log_fields(&entry, &logs[i]);
        fields->wrong = entry.wrong;
        cap += logs[i].data.len + 32 * logs[i].topic_count + 64;
    }
    uint8_t *encoded = fields->wrong ? NULL : sdk_arena_take(fields->arena, cap, 1);
    struct codec_writer writer;
    codec_writer_init(&writer, encoded, encoded ? cap : 0);
    codec_eth_receipt_write(&writer, &receipt, logs, count);
    *out = codec_writer_bytes(&writer);
    note(fields, out->len > 0, "receipt: cannot be encoded");
}

bool evm_parse_receipts(const struct bytes **out, size_t *len, const struct sdk_json *value, struct sdk_arena *arena,
                        const char **wrong)
{
    struct fields fields = {.arena = arena};
    const size_t count = sdk_json_length(value);
    struct bytes *receipts = sdk_arena_take(arena, count, sizeof *receipts);
    note(&fields, sdk_json_is_array(value) && receipts, "receipts: not a list");
    for (size_t i = 0; i < count && !fields.wrong; i++) {
        uint64_t index = 0;
        fields.value = sdk_json_element(value, i);
        number(&fields, "transactionIndex", &index);
        note(&fields, index == i, "receipts: out of order");
        if (!fields.wrong)
            receipt_encode(&fields, &receipts[i]);
    }
    *out = receipts;
    *len = count;
    return finish(&fields, wrong);
}

bool evm_parse_inclusion(struct evm_inclusion *out, const struct sdk_json *value)
{
    struct fields fields = {.value = value};
    uint64_t status = 0;
    number(&fields, "status", &status);
    number(&fields, "blockNumber", &out->block);
    fixed(&fields, "transactionHash", out->transaction, 32);
    out->success = status == 1;
    out->has_cost = sdk_json_u64(&out->gas, sdk_json_member(value, "gasUsed")) &&
                    sdk_json_u64(&out->price, sdk_json_member(value, "effectiveGasPrice"));
    if (!sdk_json_u64(&out->extra, sdk_json_member(value, "l1Fee")))
        out->extra = 0;
    return !fields.wrong;
}
