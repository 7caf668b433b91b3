/*
 * Positions: at each new height, how far the ledger here has taken the logs of other chains.
 */
#include <stdlib.h>
#include <string.h>

#include "connectors/cometbft/cometbft.h"
#include "connectors/cometbft/ledger.h"

/* A state further behind the newest block is that of a balancer's laggard: what it says was so once. One block behind is every node while
 * it works on the newest. */
enum { REPLICA_LAG = 1 };

static void understood(struct cometbft *cometbft, struct sdk_position *position, const struct cometbft_lane *lane)
{
    struct connector_position_is now = {.watch = position->id, .height = lane->height, .time = lane->time};
    const bool inbox = position->kind == CONNECTOR_LOG_MESSAGE;
    memcpy(now.running, inbox ? lane->running : lane->outcomes, 32);
    now.accepted = inbox ? lane->count : lane->entries;
    now.decided = lane->entries;
    now.undecided = inbox ? lane->last : lane->last + 1;
    sdk_position_tell(&cometbft->positions, position, &now);
}

static void batch_told(void *context, const struct sdk_rpc_answer *answer)
{
    struct sdk_position_batch *batch = context;
    struct cometbft *cometbft = batch->context;
    for (size_t i = 0; i < batch->len; i++) {
        struct sdk_position *position = sdk_position_find(&cometbft->positions, batch->serials[i]);
        struct cometbft_lane lane;
        if (!position)
            continue;
        if (answer->status != SDK_RPC_OK) {
            sdk_position_miss(position);
        } else if (cometbft_ledger_lane(&lane, &answer->replies[i], answer->arena)) {
            if (lane.height + REPLICA_LAG < cometbft->newest)
                sdk_position_unread(position);
            else
                understood(cometbft, position, &lane);
        } else {
            sdk_position_unread(position);
            sdk_notice_nonsense(&cometbft->notices, "abci_query: the ledger's lane cannot be read");
        }
    }
    free(batch);
    if (answer->status == SDK_RPC_OK)
        sdk_positions_pump(&cometbft->positions);
}

static void ask(void *context, struct sdk_position_batch *batch)
{
    struct cometbft *cometbft = context;
    struct sdk_rpc_request request;
    sdk_rpc_begin(&request);
    for (size_t i = 0; i < batch->len; i++) {
        const struct sdk_position *position = sdk_position_find(&cometbft->positions, batch->serials[i]);
        cometbft_ledger_ask_lane(&request, position->kind != CONNECTOR_LOG_MESSAGE, position->lane.id);
    }
    sdk_rpc_send(cometbft->rpc, &request, batch_told, batch);
}

static bool ready(void *context)
{
    const struct cometbft *cometbft = context;
    return cometbft->newest && cometbft_may_ask(cometbft);
}

static const char *refuse(void *context, enum connector_log_kind kind)
{
    const struct cometbft_options *options = &((struct cometbft *)context)->options;
    const bool here = kind == CONNECTOR_LOG_MESSAGE ? options->has_inbox : options->has_outbox;
    return here ? NULL : "this source was not given the account that takes this log";
}

void cometbft_positions_init(struct cometbft *cometbft)
{
    const struct sdk_position_chain chain = {.connector = cometbft->connector,
                                             .batch_max = COMETBFT_BATCH_MAX,
                                             .context = cometbft,
                                             .ready = ready,
                                             .refuse = refuse,
                                             .ask = ask};
    sdk_positions_init(&cometbft->positions, &chain);
}
