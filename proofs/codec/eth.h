/*
 * Ethereum execution objects as plain structs, and their RLP encoding.
 *
 * Connectors build the RLP of headers and receipts from what JSON-RPC gives them; proofs/eth_header.h and
 * proofs/eth_receipt.h read the same structs back from untrusted bytes. Views are borrowed.
 */
#ifndef ISTHMUS_PROOFS_CODEC_ETH_H
#define ISTHMUS_PROOFS_CODEC_ETH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proofs/codec/bytes.h"

/* The forks that changed the header; the value is the number of its RLP fields. Zero is no fork. */
enum eth_fork {
    ETH_FORK_NONE = 0,
    ETH_FORK_FRONTIER = 15,
    ETH_FORK_LONDON = 16,   /* + base fee (EIP-1559) */
    ETH_FORK_SHANGHAI = 17, /* + withdrawals root (EIP-4895) */
    ETH_FORK_CANCUN = 20,   /* + blob gas used, excess blob gas, parent beacon root (EIP-4844, EIP-4788) */
    ETH_FORK_PRAGUE = 21,   /* + requests hash (EIP-7685); Osaka has the same fields */
};

#define ETH_HASH_BYTES    32
#define ETH_ADDRESS_BYTES 20
#define ETH_BLOOM_BYTES   256
#define ETH_TOPICS_MAX    4

/* The largest header taken: real ones are below 1 KiB, Clique and QBFT ones carry their validators in extra_data. */
#define ETH_HEADER_BYTES_MAX 65536

struct eth_header {
    enum eth_fork fork;
    uint8_t parent_hash[32];
    uint8_t ommers_hash[32];
    uint8_t beneficiary[20];
    uint8_t state_root[32];
    uint8_t transactions_root[32];
    uint8_t receipts_root[32];
    struct bytes logs_bloom; /* 256 bytes, borrowed */
    uint8_t difficulty[32];  /* big-endian */
    uint64_t number;
    uint64_t gas_limit;
    uint64_t gas_used;
    uint64_t timestamp;      /* seconds since 1970 */
    struct bytes extra_data; /* borrowed */
    uint8_t mix_hash[32];    /* prevRandao since the merge */
    uint8_t nonce[8];
    uint8_t base_fee[32];           /* from London; big-endian, wei */
    uint8_t withdrawals_root[32];   /* from Shanghai */
    uint64_t blob_gas_used;         /* from Cancun */
    uint64_t excess_blob_gas;       /* from Cancun */
    uint8_t parent_beacon_root[32]; /* from Cancun */
    uint8_t requests_hash[32];      /* from Prague */
};

/* One log. Topics beyond topic_count are zero. */
struct eth_log {
    uint8_t address[20];
    uint8_t topics[ETH_TOPICS_MAX][32];
    size_t topic_count;
    struct bytes data; /* borrowed */
};

/* What comes before the logs in a receipt. Before Byzantium it has a state root, since then a status. */
struct eth_receipt {
    uint8_t type; /* 0 legacy, else the EIP-2718 type byte, 1..0x7f */
    bool has_state_root;
    bool status; /* when !has_state_root: 1 success */
    uint8_t state_root[32];
    uint64_t cumulative_gas;
    struct bytes logs_bloom; /* 256 bytes, borrowed */
};

/* Writes the RLP of header with the fields of header->fork. writer->failed is set when it does not fit, when the fork is
 * none of the enum, or when logs_bloom is not 256 bytes. The header's hash is Keccak-256 of what was written. */
void codec_eth_header_write(struct codec_writer *writer, const struct eth_header *header);

/* Writes a receipt as the receipts trie holds it: the type byte if typed, then the RLP. writer->failed is set when it
 * does not fit, a log has more than 4 topics, logs_bloom is not 256 bytes or type > 0x7f. */
void codec_eth_receipt_write(struct codec_writer *writer, const struct eth_receipt *receipt, const struct eth_log *logs,
                             size_t log_count);

/* The trie key of transaction or receipt number index: RLP(index), 1..9 bytes into out; returns its length. */
size_t codec_eth_index_key(uint8_t out[9], uint64_t index);

#endif
