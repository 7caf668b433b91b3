/*
 * What the SDK's watches know of this chain (watch.h).
 */
#include "connectors/evm/watch.h"

#include <string.h>

const uint8_t *evm_watch_contract(const struct evm *evm, enum connector_log_kind kind)
{
    switch (kind) {
    case CONNECTOR_LOG_MESSAGE:
    case CONNECTOR_LOG_SETTLEMENT: return evm->options.has_outbox ? evm->options.outbox : NULL;
    case CONNECTOR_LOG_OUTCOME: return evm->options.has_inbox ? evm->options.inbox : NULL;
    }
    return NULL;
}

static const char *refuse(void *context, const struct connector_subscribe *message)
{
    const enum connector_log_kind kind = (enum connector_log_kind)message->kind;
    const uint8_t *contract = evm_watch_contract(context, kind);
    const uint8_t *home = kind == CONNECTOR_LOG_OUTCOME ? message->lane.inbox : message->lane.outbox;
    if (!contract)
        return "this source has no address of the contract that writes this log";
    if (!codec_bytes_are_zero(home, 12) || memcmp(home + 12, contract, 20) != 0)
        return "the lane's contract is not the one that this source was given";
    return NULL;
}

static bool ready(void *context, uint64_t *limit)
{
    const struct evm *evm = context;
    *limit = evm->tracker->final_height;
    return evm->tracker->has_final && !evm->tracker->stopped && !connector_is_full(evm->connector) &&
           sdk_rpc_usable(evm->rpc);
}

void evm_watches_init(struct evm *evm)
{
    const struct sdk_watch_chain chain = {
        .connector = evm->connector,
        .notices = &evm->notices,
        .lowest = 0,
        .at_last = evm->options.evidence == EVM_EVIDENCE_RECEIPTS,
        .home = "the contract's slot",
        .context = evm,
        .ready = ready,
        .refuse = refuse,
        .scan = evm_scan_start,
        .prove = evm_evidence_start,
    };
    sdk_watches_init(&evm->watches, &chain);
}
