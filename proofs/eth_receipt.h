/*
 * Receipts and logs: strict decoding, and whole blocks under a trusted receipts root (PROOFS §3, EIP-2718).
 */
#ifndef ISTHMUS_PROOFS_ETH_RECEIPT_H
#define ISTHMUS_PROOFS_ETH_RECEIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proofs/codec/bytes.h"
#include "proofs/codec/eth.h"
#include "proofs/codec/rlp.h"
#include "proofs/proof.h"

/* The most receipts taken for one block: four times what a 45 M gas block can hold (a receipt costs at least 21,000). */
#define PROOF_ETH_RECEIPTS_MAX 65536

/* All receipts of one block, proven complete and in order: receipts[i] is that of transaction i. */
struct proof_eth_receipts_fact {
    uint8_t receipts_root[32];
    size_t count;
    const struct bytes *receipts; /* the array that was verified, borrowed */
};

/* Reads one receipt as the trie holds it and checks every log in it. `logs` becomes a cursor over the logs, for
 * proof_eth_log_next. It says nothing about trust: PROOF_VALID means well-formed. Outputs are zeroed on refusal. */
enum proof_verdict proof_eth_receipt_parse(struct proof_result *result, struct eth_receipt *out, struct codec_rlp *logs,
                                           struct bytes receipt);

/* The next log of a receipt that was parsed; false at the end. Views point into the receipt. */
bool proof_eth_log_next(struct eth_log *log, struct codec_rlp *logs);

/* True when the log was emitted by address and its first topic is topic0. */
bool proof_eth_log_is(const struct eth_log *log, const uint8_t address[20], const uint8_t topic0[32]);

/* The block whose receipts trie has this root has exactly these receipts, in this order. Each is parsed as well, so that
 * proof_eth_log_next cannot fail afterwards. result->at is the index of the receipt. */
enum proof_verdict proof_eth_receipts_verify(struct proof_result *result, struct proof_eth_receipts_fact *fact,
                                             const uint8_t receipts_root[32], const struct bytes *receipts,
                                             size_t count);

/* Walks all logs of address with first topic topic0 in a verified block, in order. Start with a zeroed walk. */
struct proof_eth_log_walk {
    size_t receipt;      /* index of the receipt that holds the log just returned */
    size_t log_index;    /* index of that log in the block */
    size_t next_receipt; /* private from here on */
    size_t next_log;
    struct codec_rlp logs;
};

bool proof_eth_log_find(struct eth_log *log, struct proof_eth_log_walk *walk,
                        const struct proof_eth_receipts_fact *block, const uint8_t address[20],
                        const uint8_t topic0[32]);

#endif
