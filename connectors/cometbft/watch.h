/*
 * Watched logs of this chain, which the SDK keeps (connectors/sdk/watch.h), and the two jobs that move one: scanning (scan.c) brings
 * its records, proving (evidence.c) closes a step. All their heights are of blocks: what block H did is closed by evidence with header
 * H + 1.
 */
#ifndef CONNECTORS_COMETBFT_WATCH_H
#define CONNECTORS_COMETBFT_WATCH_H

#include "connectors/cometbft/cometbft.h"

void cometbft_watches_init(struct cometbft *cometbft);

/* The account under which heads of this kind lie; NULL when this source was not given it. */
const uint8_t *cometbft_watch_account(const struct cometbft *cometbft, enum connector_log_kind kind);
/* The newest block whose effects a header names already. */
uint64_t cometbft_watch_limit(const struct cometbft *cometbft);

/* Starts a scan for watch and those that wait at the same place. `scan` of struct sdk_watch_chain; context: struct cometbft. */
void cometbft_scan_start(void *context, struct sdk_watch *watch);
/* Starts a proof for watch and those that the same state can close. `prove`, likewise. */
void cometbft_evidence_start(void *context, struct sdk_watch *watch);

#endif
