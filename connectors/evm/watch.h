/*
 * Watched logs of this chain, which the SDK keeps (connectors/sdk/watch.h), and the two jobs that move one: scanning (scan.c) brings
 * its records, proving (evidence.c) closes a step.
 */
#ifndef CONNECTORS_EVM_WATCH_H
#define CONNECTORS_EVM_WATCH_H

#include "connectors/evm/evm.h"

void evm_watches_init(struct evm *evm);

/* The contract that writes logs of this kind; NULL when this source was not given it. */
const uint8_t *evm_watch_contract(const struct evm *evm, enum connector_log_kind kind);

/* Starts a scan for watch and those that wait at the same place. `scan` of struct sdk_watch_chain; context: struct evm. */
void evm_scan_start(void *context, struct sdk_watch *watch);
/* Starts a proof for watch and those that the same block can close. `prove`, likewise. */
void evm_evidence_start(void *context, struct sdk_watch *watch);

#endif
