/*
 * What the SDK's watches know of this chain (watch.h).
 */
#include "connectors/cometbft/watch.h"

#include <string.h>

const uint8_t *cometbft_watch_account(const struct cometbft *cometbft, enum connector_log_kind kind)
{
    switch (kind) {
    case CONNECTOR_LOG_MESSAGE:
    case CONNECTOR_LOG_SETTLEMENT: return cometbft->options.has_outbox ? cometbft->options.outbox : NULL;
    case CONNECTOR_LOG_OUTCOME: return cometbft->options.has_inbox ? cometbft->options.inbox : NULL;
    }
    return NULL;
}

uint64_t cometbft_watch_limit(const struct cometbft *cometbft)
{
    return cometbft->newest ? cometbft->newest - 1 : 0;
}

static const char *refuse(void *context, const struct connector_subscribe *message)
{
    const enum connector_log_kind kind = (enum connector_log_kind)message->kind;
    const uint8_t *account = cometbft_watch_account(context, kind);
    const uint8_t *home = kind == CONNECTOR_LOG_OUTCOME ? message->lane.inbox : message->lane.outbox;
    if (!account)
        return "this source was not given the account that keeps this log";
    if (memcmp(home, account, 32) != 0)
        return "the lane's account is not the one that this source was given";
    return NULL;
}

static bool ready(void *context, uint64_t *limit)
{
    const struct cometbft *cometbft = context;
    *limit = cometbft_watch_limit(cometbft);
    return *limit != 0 && cometbft_may_ask(cometbft);
}

void cometbft_watches_init(struct cometbft *cometbft)
{
    const struct sdk_watch_chain chain = {
        .connector = cometbft->connector,
        .notices = &cometbft->notices,
        .lowest = 1,
        .at_last = false,
        .home = "the ledger's head",
        .context = cometbft,
        .ready = ready,
        .refuse = refuse,
        .scan = cometbft_scan_start,
        .prove = cometbft_evidence_start,
    };
    sdk_watches_init(&cometbft->watches, &chain);
}
