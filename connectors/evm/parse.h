/*
 * What an Ethereum node answers, as typed values: blocks, logs, proofs, receipts. All of it is untrusted; what can be
 * recomputed is (a block's hash from its own fields). Results live in the answer's arena.
 */
#ifndef CONNECTORS_EVM_PARSE_H
#define CONNECTORS_EVM_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "connectors/sdk/arena.h"
#include "connectors/sdk/json.h"
#include "proofs/codec/bytes.h"
#include "proofs/codec/eth.h"

/* A block's header whose own hash was recomputed from its RLP. */
struct evm_block {
    uint8_t hash[32];
    struct eth_header header;
    struct bytes rlp;
};

/* A log and where it lies. */
struct evm_log {
    struct eth_log log;
    uint64_t block;
    uint8_t block_hash[32];
    uint64_t index;
};

struct evm_slot {
    uint8_t key[32];
    uint8_t value[32];
    const struct bytes *nodes;
    size_t nodes_len;
};

struct evm_proof {
    const struct bytes *nodes; /* of the account */
    size_t nodes_len;
    const struct evm_slot *slots; /* in the order in which they were asked */
    size_t slots_len;
};

/* What a mined transaction came to. */
struct evm_inclusion {
    bool success;
    uint64_t block;
    uint8_t transaction[32];
    bool has_cost;
    uint64_t gas, price, extra; /* used; wei a gas; wei on top (what a rollup pays to its parent chain) */
};

/* False, and *wrong a static text, when a field is missing or malformed, or the hash is not that of the header. */
bool evm_parse_block(struct evm_block *out, const struct sdk_json *value, struct sdk_arena *arena, const char **wrong);
/* A list of logs, which must ascend by (block, index). */
bool evm_parse_logs(const struct evm_log **out, size_t *len, const struct sdk_json *value, struct sdk_arena *arena,
                    const char **wrong);
/* eth_getProof for `slots` slots. */
bool evm_parse_proof(struct evm_proof *out, size_t slots, const struct sdk_json *value, struct sdk_arena *arena,
                     const char **wrong);
/* eth_getBlockReceipts: every receipt as the receipts trie holds it. */
bool evm_parse_receipts(const struct bytes **out, size_t *len, const struct sdk_json *value, struct sdk_arena *arena,
                        const char **wrong);
/* eth_getTransactionReceipt, when it is not null. */
bool evm_parse_inclusion(struct evm_inclusion *out, const struct sdk_json *value);

#endif
