/*
 * Recorded blocks: header hash, roots of what the block holds, account and storage proofs under its state root, logs.
 * All files of a folder belong together; a folder has at most one block.
 */
#include <stdio.h>
#include <string.h>

#include "proofs/codec/eth.h"
#include "proofs/codec/keccak.h"
#include "proofs/codec/rlp.h"
#include "proofs/eth_account.h"
#include "proofs/eth_header.h"
#include "proofs/eth_receipt.h"
#include "tests/vectors/vectors.h"
#include "tools/verify/eth_json.h"

struct block {
    bool known;
    struct proof_eth_header_fact header;
    bool has_receipts;
    struct proof_eth_receipts_fact receipts;
    struct bytes address; /* whose proofs the folder holds */
};

static const struct tools_json *root_of(const struct vectors_file *file)
{
    return tools_eth_json_result(tools_json_root(file->doc));
}

static struct bytes hex_field(struct tools_json_doc *doc, const struct tools_json *object, const char *key)
{
    return tools_json_hex(doc, tools_json_get(object, key), key);
}

static bool equals_field(struct tools_json_doc *doc, const struct tools_json *object, const char *key,
                         const uint8_t value[32])
{
    return codec_bytes_equal(hex_field(doc, object, key), (struct bytes){value, 32});
}

/* EIP-4895: RLP[index, validator index, address, amount in gwei]. Field names as JSON-RPC or as the Beacon API has them. */
static bool withdrawals_root(uint8_t root[32], struct tools_json_doc *doc, const struct tools_json *list)
{
    size_t count = tools_json_count(list);
    struct bytes *values = tools_json_alloc(doc, count, sizeof *values);
    for (size_t i = 0; i < count; i++) {
        const struct tools_json *entry = tools_json_at(list, i);
        const struct tools_json *validator = tools_json_get(entry, "validatorIndex");
        struct codec_writer writer;
        codec_writer_init(&writer, tools_json_alloc(doc, 1, 64), 64);
        codec_rlp_write_u64(&writer, tools_json_u64(doc, tools_json_get(entry, "index"), "index"));
        codec_rlp_write_u64(
            &writer,
            tools_json_u64(doc, validator ? validator : tools_json_get(entry, "validator_index"), "validatorIndex"));
        codec_rlp_write_string(&writer, hex_field(doc, entry, "address"));
        codec_rlp_write_u64(&writer, tools_json_u64(doc, tools_json_get(entry, "amount"), "amount"));
        codec_rlp_list_end(&writer, 0);
        values[i] = codec_writer_bytes(&writer);
    }
    return vectors_list_root(root, values, count);
}

/* Things of the file, for showing them again with a bit flipped. */
struct shown {
    const uint8_t *root; /* or the header's hash */
    const struct bytes *nodes;
    size_t count;
    const uint8_t *address;
    const struct proof_eth_account_fact *account;
    const uint8_t *slot;
};

static bool header_is_accepted(const void *context)
{
    const struct shown *shown = context;
    struct proof_result result;
    struct proof_eth_header_fact fact;
    return proof_eth_header_verify(&result, &fact, shown->root, shown->nodes[0]) == PROOF_VALID;
}

static bool receipts_are_accepted(const void *context)
{
    const struct shown *shown = context;
    struct proof_result result;
    struct proof_eth_receipts_fact fact;
    return proof_eth_receipts_verify(&result, &fact, shown->root, shown->nodes, shown->count) == PROOF_VALID;
}

static bool account_is_accepted(const void *context)
{
    const struct shown *shown = context;
    struct proof_result result;
    struct proof_eth_account_fact fact;
    return proof_eth_account_verify(&result, &fact, shown->root, shown->address, shown->nodes, shown->count) ==
           PROOF_VALID;
}

static bool slot_is_accepted(const void *context)
{
    const struct shown *shown = context;
    struct proof_result result;
    struct proof_eth_storage_fact fact;
    return proof_eth_slot_verify(&result, &fact, shown->account, shown->slot, shown->nodes, shown->count) ==
           PROOF_VALID;
}

/* Every step-th bit of every item. */
static void mutate(struct vectors *run, const char *id, const struct shown *shown, size_t step,
                   vectors_accepts *accepts)
{
    for (size_t i = 0; i < shown->count; i++)
        vectors_mutate(run, id, shown->nodes[i], step, accepts, shown);
}

static void check_header(struct vectors *run, struct block *block, const struct tools_json *stated, struct bytes rlp,
                         const char *hash_key)
{
    struct proof_result result;
    uint8_t hash[32];
    tools_json_hex_exact(hash, 32, run->file->doc, tools_json_get(stated, hash_key), hash_key);
    enum proof_verdict verdict = proof_eth_header_verify(&result, &block->header, hash, rlp);
    block->known = verdict == PROOF_VALID;
    vectors_check(run, block->known, "header hash", "%s", proof_reason_text(result.reason));
    mutate(run, "header, a bit flipped", &(struct shown){.root = hash, .nodes = &rlp, .count = 1}, 1,
           header_is_accepted);
    hash[31] ^= 1;
    struct proof_eth_header_fact other;
    verdict = proof_eth_header_verify(&result, &other, hash, rlp);
    vectors_check(run, verdict != PROOF_VALID, "header under another hash", "was accepted");
}

static void read_block(struct vectors *run, struct block *block)
{
    uint8_t root[32];
    struct tools_json_doc *doc = run->file->doc;
    const struct tools_json *json = root_of(run->file);
    const struct tools_json *withdrawals = tools_json_get(json, "withdrawals");
    check_header(run, block, json, tools_eth_json_header(doc, json), "hash");
    if (tools_json_kind(withdrawals) != TOOLS_JSON_ARRAY)
        return;
    bool same = withdrawals_root(root, doc, withdrawals) && equals_field(doc, json, "withdrawalsRoot", root);
    vectors_check(run, same, "withdrawals root", "another root");
}

/* A beacon block's execution payload holds transactions and withdrawals themselves: their roots are rebuilt. */
static void read_beacon_block(struct vectors *run, struct block *block)
{
    struct tools_json_doc *doc = run->file->doc;
    const struct tools_json *message = tools_json_get(tools_json_get(tools_json_root(doc), "data"), "message");
    const struct tools_json *payload = tools_json_get(tools_json_get(message, "body"), "execution_payload");
    static const uint8_t no_ommers[1] = {0xc0};
    uint8_t *space = tools_json_alloc(doc, 1, ETH_HEADER_BYTES_MAX);
    struct eth_header h = {.fork = ETH_FORK_CANCUN};
    struct codec_writer writer;
    size_t count;
    const struct bytes *txs = tools_json_hex_list(&count, doc, tools_json_get(payload, "transactions"), "transactions");
    codec_keccak256(h.ommers_hash, BYTES_OF(no_ommers));
    tools_json_hex_exact(h.parent_hash, 32, doc, tools_json_get(payload, "parent_hash"), "parent_hash");
    tools_json_hex_exact(h.beneficiary, 20, doc, tools_json_get(payload, "fee_recipient"), "fee_recipient");
    tools_json_hex_exact(h.state_root, 32, doc, tools_json_get(payload, "state_root"), "state_root");
    tools_json_hex_exact(h.receipts_root, 32, doc, tools_json_get(payload, "receipts_root"), "receipts_root");
    tools_json_hex_exact(h.mix_hash, 32, doc, tools_json_get(payload, "prev_randao"), "prev_randao");
    tools_json_hex_exact(h.parent_beacon_root, 32, doc, tools_json_get(message, "parent_root"), "parent_root");
    h.logs_bloom = hex_field(doc, payload, "logs_bloom");
    h.extra_data = hex_field(doc, payload, "extra_data");
    h.number = tools_json_u64(doc, tools_json_get(payload, "block_number"), "block_number");
    h.gas_limit = tools_json_u64(doc, tools_json_get(payload, "gas_limit"), "gas_limit");
    h.gas_used = tools_json_u64(doc, tools_json_get(payload, "gas_used"), "gas_used");
    h.timestamp = tools_json_u64(doc, tools_json_get(payload, "timestamp"), "timestamp");
    h.blob_gas_used = tools_json_u64(doc, tools_json_get(payload, "blob_gas_used"), "blob_gas_used");
    h.excess_blob_gas = tools_json_u64(doc, tools_json_get(payload, "excess_blob_gas"), "excess_blob_gas");
    tools_json_u256(h.base_fee, doc, tools_json_get(payload, "base_fee_per_gas"), "base_fee_per_gas");
    bool built = vectors_list_root(h.transactions_root, txs, count) &&
                 withdrawals_root(h.withdrawals_root, doc, tools_json_get(payload, "withdrawals"));
    vectors_check(run, built, "transactions and withdrawals", "their roots cannot be built");
    codec_writer_init(&writer, space, ETH_HEADER_BYTES_MAX);
    codec_eth_header_write(&writer, &h);
    check_header(run, block, payload, codec_writer_bytes(&writer), "block_hash");
}

static void read_receipts(struct vectors *run, struct block *block)
{
    struct tools_json_doc *doc = run->file->doc;
    struct proof_result result;
    struct proof_eth_receipts_fact other;
    size_t count;
    const struct bytes *receipts = tools_eth_json_receipts(&count, doc, root_of(run->file));
    vectors_check(run, block->known, "receipts", "there is no verified block beside them");
    if (!block->known || tools_json_error(doc))
        return;
    const uint8_t *root = block->header.header.receipts_root;
    enum proof_verdict verdict = proof_eth_receipts_verify(&result, &block->receipts, root, receipts, count);
    block->has_receipts = verdict == PROOF_VALID;
    vectors_check(run, block->has_receipts, "receipts root", "%s at %zu", proof_reason_text(result.reason), result.at);
    if (count == 0)
        return;
    /* a whole block is hashed for each bit: some thousand of them, spread over all receipts by an odd step */
    mutate(run, "receipts, a bit flipped", &(struct shown){.root = root, .nodes = receipts, .count = count}, 211,
           receipts_are_accepted);
    verdict = proof_eth_receipts_verify(&result, &other, root, receipts, count - 1);
    vectors_check(run, verdict != PROOF_VALID, "receipts without the last", "were accepted");
    verdict = proof_eth_receipts_verify(&result, &other, root, receipts + 1, count - 1);
    vectors_check(run, verdict != PROOF_VALID, "receipts without the first", "were accepted");
}

static void read_receipt(struct vectors *run, const struct block *block)
{
    struct tools_json_doc *doc = run->file->doc;
    const struct tools_json *json = root_of(run->file);
    struct bytes receipt = tools_eth_json_receipt(doc, json);
    uint64_t index = tools_json_u64(doc, tools_json_get(json, "transactionIndex"), "transactionIndex");
    bool same = block->has_receipts && index < block->receipts.count &&
                codec_bytes_equal(receipt, block->receipts.receipts[index]);
    vectors_check(run, same, "receipt", "is not the block's receipt of that index");
}

/* Every log of the file is found in the proven receipts, at its index, with its content. */
static void read_logs(struct vectors *run, const struct block *block)
{
    struct tools_json_doc *doc = run->file->doc;
    const struct tools_json *list = root_of(run->file);
    for (size_t i = 0; i < tools_json_count(list) && block->has_receipts; i++) {
        const struct tools_json *json = tools_json_at(list, i);
        struct proof_eth_log_walk walk = {0};
        struct eth_log log;
        uint8_t address[20];
        uint8_t topic[32];
        bool found = false;
        uint64_t index = tools_json_u64(doc, tools_json_get(json, "logIndex"), "logIndex");
        tools_json_hex_exact(address, 20, doc, tools_json_get(json, "address"), "address");
        tools_json_hex_exact(topic, 32, doc, tools_json_at(tools_json_get(json, "topics"), 0), "topics");
        while (!found && proof_eth_log_find(&log, &walk, &block->receipts, address, topic))
            found = walk.log_index == index && codec_bytes_equal(log.data, hex_field(doc, json, "data"));
        vectors_check(run, found, "log", "log %zu of the file is not in the proven receipts", i);
    }
}

static void check_slots(struct vectors *run, const struct proof_eth_account_fact *account,
                        const struct tools_json *list)
{
    struct tools_json_doc *doc = run->file->doc;
    for (size_t i = 0; i < tools_json_count(list); i++) {
        const struct tools_json *entry = tools_json_at(list, i);
        struct proof_eth_storage_fact fact;
        struct proof_result result;
        uint8_t slot[32];
        uint8_t value[32];
        size_t count;
        struct bytes key = tools_json_text(doc, tools_json_get(entry, "key"), "key");
        if (key.len == 66)
            tools_json_hex_exact(slot, 32, doc, tools_json_get(entry, "key"), "key");
        else
            tools_json_u256(slot, doc, tools_json_get(entry, "key"), "key");
        tools_json_u256(value, doc, tools_json_get(entry, "value"), "value");
        const struct bytes *nodes = tools_json_hex_list(&count, doc, tools_json_get(entry, "proof"), "proof");
        enum proof_verdict verdict = proof_eth_slot_verify(&result, &fact, account, slot, nodes, count);
        vectors_check(run, verdict == PROOF_VALID && memcmp(fact.value, value, 32) == 0, "storage proof", "%s at %zu",
                      proof_reason_text(result.reason), result.at);
        mutate(run, "storage proof, a bit flipped",
               &(struct shown){.account = account, .slot = slot, .nodes = nodes, .count = count}, 1, slot_is_accepted);
        slot[31] ^= 1;
        verdict = proof_eth_slot_verify(&result, &fact, account, slot, nodes, count);
        vectors_check(run, verdict != PROOF_VALID || memcmp(fact.value, value, 32) != 0, "storage proof, other slot",
                      "was accepted");
    }
}

static void read_proof(struct vectors *run, struct block *block)
{
    struct tools_json_doc *doc = run->file->doc;
    const struct tools_json *json = root_of(run->file);
    const struct tools_json *account = tools_json_get(json, "account");
    const struct tools_json *code = tools_json_get(json, "code");
    const struct tools_json *storage_root = tools_json_get(json, "storageHash");
    struct proof_eth_account_fact fact;
    struct proof_result result;
    uint8_t balance[32];
    uint8_t hash[32];
    size_t count;
    if (tools_json_get(json, "address"))
        block->address = hex_field(doc, json, "address");
    const struct tools_json *stated = account ? account : json;
    const struct bytes *nodes = tools_json_hex_list(&count, doc, tools_json_get(json, "accountProof"), "accountProof");
    vectors_check(run, block->known && block->address.len == 20, "account proof", "no block or no address beside it");
    if (!block->known || block->address.len != 20)
        return;
    enum proof_verdict verdict =
        proof_eth_account_verify(&result, &fact, block->header.header.state_root, block->address.data, nodes, count);
    tools_json_u256(balance, doc, tools_json_get(stated, "balance"), "balance");
    bool same = verdict == PROOF_VALID && fact.presence == PROOF_PRESENT &&
                fact.account.nonce == tools_json_u64(doc, tools_json_get(stated, "nonce"), "nonce") &&
                memcmp(fact.account.balance, balance, 32) == 0 &&
                equals_field(doc, stated, storage_root ? "storageHash" : "storageRoot", fact.account.storage_root) &&
                equals_field(doc, stated, "codeHash", fact.account.code_hash);
    vectors_check(run, same, "account proof", "%s at %zu", proof_reason_text(result.reason), result.at);
    if (!same)
        return;
    mutate(run, "account proof, a bit flipped",
           &(struct shown){.root = fact.state_root, .address = fact.address, .nodes = nodes, .count = count}, 1,
           account_is_accepted);
    if (tools_json_kind(code) == TOOLS_JSON_TEXT) {
        codec_keccak256(hash, tools_json_hex(doc, code, "code"));
        vectors_check(run, memcmp(hash, fact.account.code_hash, 32) == 0, "code", "has another hash");
    }
    check_slots(run, &fact, tools_json_get(json, "storageProof"));
}

enum content {
    CONTENT_BLOCK,
    CONTENT_BEACON,
    CONTENT_RECEIPTS,
    CONTENT_PROOF,
    CONTENT_RECEIPT,
    CONTENT_LOGS,
    CONTENT_END
};

static enum content classify(const struct vectors_file *file)
{
    const struct tools_json *json = root_of(file);
    const struct tools_json *first = tools_json_at(json, 0);
    if (tools_json_get(json, "parentHash") && tools_json_get(json, "receiptsRoot"))
        return CONTENT_BLOCK;
    if (tools_json_get(tools_json_get(tools_json_get(tools_json_get(json, "data"), "message"), "body"),
                       "execution_payload"))
        return CONTENT_BEACON;
    if (tools_json_get(first, "cumulativeGasUsed"))
        return CONTENT_RECEIPTS;
    if (tools_json_get(json, "accountProof"))
        return CONTENT_PROOF;
    if (tools_json_get(json, "cumulativeGasUsed"))
        return CONTENT_RECEIPT;
    if (tools_json_get(first, "topics"))
        return CONTENT_LOGS;
    return CONTENT_END;
}

static void read_file(struct vectors *run, struct block *block, enum content content)
{
    switch (content) {
    case CONTENT_BLOCK: read_block(run, block); break;
    case CONTENT_BEACON: read_beacon_block(run, block); break;
    case CONTENT_RECEIPTS: read_receipts(run, block); break;
    case CONTENT_PROOF: read_proof(run, block); break;
    case CONTENT_RECEIPT: read_receipt(run, block); break;
    case CONTENT_LOGS: read_logs(run, block); break;
    case CONTENT_END: break;
    }
}

/* A proof that names its address comes before one that does not. */
static void note_address(struct block *block, const struct vectors_file *file)
{
    const struct tools_json *json = root_of(file);
    if (classify(file) == CONTENT_PROOF && tools_json_get(json, "address"))
        block->address = hex_field(file->doc, json, "address");
}

void vectors_chain_folder(struct vectors *run, struct vectors_file *files, size_t count)
{
    struct block block = {0};
    for (size_t i = 0; i < count; i++)
        note_address(&block, &files[i]);
    for (enum content content = CONTENT_BLOCK; content != CONTENT_END; content++) {
        for (size_t i = 0; i < count; i++) {
            run->file = &files[i];
            if (files[i].recognised || classify(&files[i]) != content)
                continue;
            files[i].recognised = true;
            read_file(run, &block, content);
        }
    }
}
