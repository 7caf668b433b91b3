/*
 * The connector's options (docs/connector-evm.md): texts from the relay's configuration, checked all at once.
 */
#ifndef CONNECTORS_EVM_OPTIONS_H
#define CONNECTORS_EVM_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "connectors/sdk/option.h"

enum evm_evidence { EVM_EVIDENCE_AUTO = 0, EVM_EVIDENCE_SLOT, EVM_EVIDENCE_RECEIPTS };

struct evm_options {
    uint64_t chain_id;
    uint8_t genesis[32];
    struct sdk_endpoint endpoint;
    uint64_t finality_depth;
    const char *finality_tag; /* "finalized", "safe", or NULL: by depth */
    bool has_outbox, has_inbox;
    uint8_t outbox[20], inbox[20], registry[20];
    uint64_t log_range; /* blocks in one eth_getLogs */
    enum evm_evidence evidence;
    bool has_key, unlocked; /* at most one: a key of our own, or an account that the node signs for */
    uint8_t key[32];
    uint8_t account[20];    /* of the key, or the unlocked one */
    uint64_t gas_price_cap; /* wei a gas */
    uint64_t resubmit_blocks;
    uint64_t tip_cap;      /* wei a gas */
    uint64_t low_balance;  /* milli-ether: 0: no notice */
    uint64_t spending_cap; /* gwei in 24 hours; 0: none */
    uint64_t spent;        /* gwei that an earlier life of this connector spent in the last 24 hours */
};

/* Reads a configure message. False: text names every option that is wrong. */
bool evm_options_read(struct evm_options *options, const struct connector_configure *message, char *text, size_t cap);

/* Wipes the key. */
void evm_options_wipe(struct evm_options *options);

#endif
