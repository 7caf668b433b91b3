/*
 * Positions: at each new height, how far the ledger here has taken the logs of other chains. Only what changed is told.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/cometbft/cometbft.h"
#include "connectors/cometbft/ledger.h"

enum { POSITIONS_MAX = 8192 };

struct position {
    uint32_t id;
    uint64_t serial;
    enum connector_log_kind kind;
    uint8_t lane[32];
    bool busy, fresh, told;
    struct connector_position_is last;
};

struct cometbft_positions {
    struct cometbft *cometbft;
    struct position *list;
    size_t len, cap;
    uint64_t serial;
};

/* One question for up to COMETBFT_BATCH_MAX positions. */
struct batch {
    struct cometbft_positions *positions;
    size_t len;
    uint64_t serials[COMETBFT_BATCH_MAX];
};

struct cometbft_positions *cometbft_positions_new(struct cometbft *cometbft)
{
    struct cometbft_positions *positions = calloc(1, sizeof *positions);
    if (positions)
        positions->cometbft = cometbft;
    return positions;
}

void cometbft_positions_free(struct cometbft_positions *positions)
{
    if (!positions)
        return;
    free(positions->list);
    free(positions);
}

static struct position *find(struct cometbft_positions *positions, uint64_t serial)
{
    for (size_t i = 0; i < positions->len; i++)
        if (positions->list[i].serial == serial)
            return &positions->list[i];
    return NULL;
}

void cometbft_positions_unwatch(struct cometbft_positions *positions, uint32_t id)
{
    for (size_t i = 0; i < positions->len; i++) {
        if (positions->list[i].id == id) {
            positions->list[i] = positions->list[--positions->len];
            return;
        }
    }
}

static bool add(struct cometbft_positions *positions, const struct position *position)
{
    if (positions->len == positions->cap) {
        const size_t cap = positions->cap ? positions->cap * 2 : 64;
        struct position *grown = cap <= POSITIONS_MAX ? realloc(positions->list, cap * sizeof *grown) : NULL;
        if (!grown)
            return false;
        positions->list = grown;
        positions->cap = cap;
    }
    positions->list[positions->len++] = *position;
    return true;
}

void cometbft_positions_watch(struct cometbft_positions *positions, const struct connector_position *message)
{
    const struct cometbft_options *options = &positions->cometbft->options;
    struct position position = {
        .id = message->watch, .serial = ++positions->serial, .kind = (enum connector_log_kind)message->kind};
    const bool here = position.kind == CONNECTOR_LOG_MESSAGE ? options->has_inbox : options->has_outbox;
    memcpy(position.lane, message->lane.id, 32);
    cometbft_positions_unwatch(positions, message->watch);
    if (!here || !add(positions, &position))
        connector_cannot_watch(positions->cometbft->connector, CONNECTOR_POSITION, message->watch,
                               here ? "too many positions"
                                    : "this source was not given the account that takes this log");
    cometbft_positions_pump(positions);
}

void cometbft_positions_stale(struct cometbft_positions *positions)
{
    for (size_t i = 0; i < positions->len; i++)
        positions->list[i].fresh = false;
}

static void tell(struct cometbft_positions *positions, struct position *position,
                 const struct connector_position_is *now)
{
    const struct connector_position_is *last = &position->last;
    if (position->told && now->accepted == last->accepted && now->decided == last->decided &&
        now->undecided == last->undecided && memcmp(now->running, last->running, 32) == 0)
        return;
    const struct connector_message message = {.type = CONNECTOR_POSITION_IS, .position_is = *now};
    if (cometbft_send(positions->cometbft, &message) != SDK_SENT) {
        position->fresh = false; /* `drained` reads it again */
        return;
    }
    position->told = true;
    position->last = *now;
}

static void understood(struct cometbft_positions *positions, struct position *position,
                       const struct cometbft_lane *lane)
{
    struct connector_position_is now = {.watch = position->id, .height = lane->height, .time = lane->time};
    const bool inbox = position->kind == CONNECTOR_LOG_MESSAGE;
    memcpy(now.running, inbox ? lane->running : lane->outcomes, 32);
    now.accepted = inbox ? lane->count : lane->entries;
    now.decided = lane->entries;
    now.undecided = inbox ? lane->last : lane->last + 1;
    tell(positions, position, &now);
}

static void batch_told(void *context, const struct sdk_rpc_answer *answer)
{
    struct batch *batch = context;
    struct cometbft_positions *positions = batch->positions;
    for (size_t i = 0; i < batch->len; i++) {
        struct position *position = find(positions, batch->serials[i]);
        struct cometbft_lane lane;
        if (!position)
            continue;
        position->busy = false;
        if (answer->status != SDK_RPC_OK)
            position->fresh = false; /* again with the next look */
        else if (cometbft_ledger_lane(&lane, &answer->replies[i], answer->arena))
            understood(positions, position, &lane);
        else
            cometbft_nonsense(positions->cometbft, "abci_query: the ledger's lane cannot be read");
    }
    free(batch);
    if (answer->status == SDK_RPC_OK)
        cometbft_positions_pump(positions);
}

void cometbft_positions_pump(struct cometbft_positions *positions)
{
    struct cometbft *cometbft = positions->cometbft;
    if (!cometbft->newest || cometbft->stopped || cometbft->full || !sdk_rpc_usable(cometbft->rpc))
        return;
    struct batch *batch = NULL;
    struct sdk_rpc_request request;
    for (size_t i = 0; i < positions->len && (!batch || batch->len < COMETBFT_BATCH_MAX); i++) {
        struct position *position = &positions->list[i];
        if (position->busy || position->fresh)
            continue;
        if (!batch) {
            batch = calloc(1, sizeof *batch);
            if (!batch)
                return;
            batch->positions = positions;
            sdk_rpc_begin(&request);
        }
        position->busy = position->fresh = true;
        batch->serials[batch->len++] = position->serial;
        cometbft_ledger_ask_lane(&request, position->kind != CONNECTOR_LOG_MESSAGE, position->lane);
    }
    if (batch)
        sdk_rpc_send(cometbft->rpc, &request, batch_told, batch);
}
