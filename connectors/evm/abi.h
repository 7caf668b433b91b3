/*
 * What the contracts say (connectors/evm/contracts): events, errors, storage places.
 */
#ifndef CONNECTORS_EVM_ABI_H
#define CONNECTORS_EVM_ABI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proofs/codec/connector.h"
#include "proofs/codec/eth.h"

/* ---- logs ---- */

/* The event that carries the entries of a log of this kind: its first topic. The second topic is the lane id. */
void evm_abi_topic(uint8_t out[32], enum connector_log_kind kind);

/* What one event says: entries from..to of the log, and the running hash after `to`. */
struct evm_event {
    uint64_t from, to;
    uint8_t running[32];
    struct bytes records; /* docs/formats.md sections 3 and 4; empty for settlement */
    uint8_t outcome[45];  /* private: where an outcome record is built */
};

/* Reads an event of this kind; false when its data is not what the contract emits. records may point into log or event. */
bool evm_abi_event(struct evm_event *out, enum connector_log_kind kind, const struct eth_log *log);

/* Slot of a log's running hash in its home contract. */
void evm_abi_slot(uint8_t out[32], enum connector_log_kind kind, const uint8_t log[32]);

/* ---- errors ---- */

/* "HeadDiffers(…)" for the data of a revert: the name of the contract error or the text of Error(string); "reverted" when
 * it is none of ours. Writes at most cap bytes with NUL. */
void evm_abi_error(char *out, size_t cap, struct bytes revert);

#endif
