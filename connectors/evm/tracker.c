/*
 * The chain of headers (tracker.h). A round begins at the newest header and goes down until it meets what is known.
 */
#include "connectors/evm/tracker.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STRIDE = EVM_HEADERS_KEPT / 2 };

bool evm_tracker_init(struct evm_tracker *tracker, const struct evm_tracker_config *config)
{
    memset(tracker, 0, sizeof *tracker);
    tracker->config = *config;
    tracker->pending = calloc(EVM_HEADERS_KEPT, sizeof *tracker->pending);
    return tracker->pending != NULL;
}

static void pending_clear(struct evm_tracker *tracker)
{
    for (size_t i = 0; i < tracker->pending_len; i++)
        free(tracker->pending[i].rlp);
    tracker->pending_len = 0;
}

void evm_tracker_fini(struct evm_tracker *tracker)
{
    if (tracker->pending)
        pending_clear(tracker);
    free(tracker->pending);
    for (size_t i = 0; i < EVM_HEADERS_KEPT; i++)
        free(tracker->ring[i].rlp);
}

const struct evm_head *evm_tracker_head(const struct evm_tracker *tracker, uint64_t height)
{
    if (!tracker->any || height < tracker->lowest || height > tracker->newest)
        return NULL;
    return &tracker->ring[height % EVM_HEADERS_KEPT];
}

static void round_over(struct evm_tracker *tracker)
{
    pending_clear(tracker);
    tracker->busy = tracker->striding = false;
    if (tracker->again && !tracker->stopped) {
        tracker->again = false;
        evm_tracker_look(tracker);
    }
}

static void give_up(struct evm_tracker *tracker, const char *text)
{
    if (text)
        tracker->config.nonsense(tracker->config.context, text);
    round_over(tracker);
}

static void stop(struct evm_tracker *tracker, const char *text)
{
    tracker->stopped = true;
    tracker->config.broken(tracker->config.context, text);
    round_over(tracker);
}

/* ---- pending headers -------------------------------------------------------------------------------------------------- */

/* The lowest header of the round, which the next one must be the parent of. */
static const struct evm_head *bottom(const struct evm_tracker *tracker)
{
    return &tracker->pending[tracker->pending_len - 1];
}

static bool pending_add(struct evm_tracker *tracker, const struct evm_block *block)
{
    struct evm_head head = {.number = block->header.number, .time = block->header.timestamp, .rlp_len = block->rlp.len};
    if (tracker->pending_len == EVM_HEADERS_KEPT || !(head.rlp = malloc(block->rlp.len)))
        return false;
    memcpy(head.rlp, block->rlp.data, block->rlp.len);
    memcpy(head.hash, block->hash, 32);
    memcpy(head.parent, block->header.parent_hash, 32);
    memcpy(head.base_fee, block->header.base_fee, 32);
    tracker->pending[tracker->pending_len++] = head;
    return true;
}

/* True when the header below the round's lowest is known and is its parent. */
static bool is_linked(const struct evm_tracker *tracker)
{
    const struct evm_head *low = bottom(tracker);
    const struct evm_head *below = low->number ? evm_tracker_head(tracker, low->number - 1) : NULL;
    return below && memcmp(below->hash, low->parent, 32) == 0;
}

/* The round's header at a height, when it has one. */
static const struct evm_head *pending_at(const struct evm_tracker *tracker, uint64_t height)
{
    if (tracker->pending_len == 0 || height > tracker->pending[0].number || height < bottom(tracker)->number)
        return NULL;
    return &tracker->pending[tracker->pending[0].number - height];
}

/* How far down a first look must go, so that the final header is linked to the newest. */
static uint64_t first_span(const struct evm_tracker *tracker)
{
    const uint64_t newest = tracker->pending[0].number;
    uint64_t span = tracker->config.tag ? 0 : tracker->config.depth;
    if (tracker->config.tag && tracker->wanted && tracker->wanted_final <= newest)
        span = newest - tracker->wanted_final;
    return span < newest ? span : newest;
}

/* ---- the end of a round -------------------------------------------------------------------------------------------------- */

/* Moves the round's headers into the ring, above (or instead of) what it held. */
static void commit(struct evm_tracker *tracker)
{
    const uint64_t top = tracker->pending[0].number, low = bottom(tracker)->number;
    if (!tracker->any || low > tracker->newest + 1)
        tracker->lowest = low;
    for (size_t i = tracker->pending_len; i-- > 0;) {
        struct evm_head *place = &tracker->ring[tracker->pending[i].number % EVM_HEADERS_KEPT];
        free(place->rlp);
        *place = tracker->pending[i];
    }
    tracker->pending_len = 0;
    tracker->any = true;
    tracker->newest = top;
    if (low < tracker->lowest)
        tracker->lowest = low;
    if (top - tracker->lowest >= EVM_HEADERS_KEPT)
        tracker->lowest = top - EVM_HEADERS_KEPT + 1;
}

/* The height that is final now, by depth or by the node's tag: never below what was told. */
static bool final_now(const struct evm_tracker *tracker, uint64_t *height)
{
    if (!tracker->config.tag) {
        *height = tracker->newest >= tracker->config.depth ? tracker->newest - tracker->config.depth : 0;
        return tracker->newest >= tracker->config.depth;
    }
    const struct evm_head *head = tracker->wanted ? evm_tracker_head(tracker, tracker->wanted_final) : NULL;
    if (!head || memcmp(head->hash, tracker->wanted_final_hash, 32) != 0)
        return false;
    *height = head->number;
    return true;
}

/* What lies deeper than the headers that are kept can be linked to none of them. */
static void tell_depth(const struct evm_tracker *tracker)
{
    char text[160];
    const bool news = !tracker->has_final || tracker->wanted_final > tracker->final_height;
    if (!tracker->config.tag || !tracker->wanted || !news || tracker->newest < tracker->wanted_final ||
        tracker->newest - tracker->wanted_final < EVM_HEADERS_KEPT)
        return;
    snprintf(text, sizeof text, "finality-depth %s: block %" PRIu64 " lies more than %d below the newest",
             tracker->config.tag, tracker->wanted_final, EVM_HEADERS_KEPT - 1);
    tracker->config.nonsense(tracker->config.context, text);
}

static void finish(struct evm_tracker *tracker, bool newest)
{
    uint64_t height = 0;
    bool moved = false;
    tell_depth(tracker);
    const struct evm_head *head = final_now(tracker, &height) ? evm_tracker_head(tracker, height) : NULL;
    if (head && (!tracker->has_final || height > tracker->final_height)) {
        tracker->has_final = moved = true;
        tracker->final_height = height;
        memcpy(tracker->final_hash, head->hash, 32);
    }
    if (newest || moved)
        tracker->config.moved(tracker->config.context, newest, moved);
    tracker->again = tracker->again || tracker->striding;
    round_over(tracker);
}

/* The round's headers reach down to what is known (linked), or far enough for a first look. */
static void link_up(struct evm_tracker *tracker)
{
    const uint64_t old = tracker->newest, low = bottom(tracker)->number;
    const bool replaced = tracker->any && low <= old;
    commit(tracker);
    if (replaced)
        tracker->config.reorganised(tracker->config.context, old - low + 1);
    finish(tracker, true);
}

/* ---- fetching -------------------------------------------------------------------------------------------------------------- */

static void fetched(void *context, const struct sdk_rpc_answer *answer);

static void fetch(struct evm_tracker *tracker, uint64_t from, uint64_t to)
{
    struct sdk_rpc_request request;
    sdk_rpc_begin(&request);
    for (uint64_t n = to + 1; n-- > from;)
        sdk_rpc_add(&request, "eth_getBlockByNumber", "[\"0x%" PRIx64 "\",false]", n);
    sdk_rpc_send(tracker->config.rpc, &request, fetched, tracker);
}

/* Goes on downwards until the round's headers are linked. */
static void descend(struct evm_tracker *tracker)
{
    const struct evm_head *low = bottom(tracker);
    const struct evm_head *told = tracker->has_final ? pending_at(tracker, tracker->final_height) : NULL;
    if (told && memcmp(told->hash, tracker->final_hash, 32) != 0) {
        stop(tracker, "the chain has another header at a height that was final");
        return;
    }
    const bool linked = tracker->any && is_linked(tracker);
    if (linked && tracker->has_final && tracker->pending[0].number < tracker->final_height) {
        stop(tracker, "headers below one that was final were replaced by a shorter chain");
        return;
    }
    if (linked) {
        link_up(tracker);
        return;
    }
    const bool deep_enough = tracker->pending[0].number - low->number >= first_span(tracker);
    if (!tracker->any && (deep_enough || tracker->pending_len == EVM_HEADERS_KEPT)) { /* the first look */
        link_up(tracker);
        return;
    }
    if (low->number == 0 || tracker->pending_len == EVM_HEADERS_KEPT) {
        stop(tracker, "the chain has no common header with the one that was known");
        return;
    }
    const uint64_t to = low->number - 1;
    uint64_t from = to >= EVM_HEADERS_FETCHED ? to - EVM_HEADERS_FETCHED + 1 : 0;
    if (tracker->any && to > tracker->newest && from <= tracker->newest)
        from = tracker->newest + 1;
    if (to - from + 1 > EVM_HEADERS_KEPT - tracker->pending_len)
        from = to + 1 - (EVM_HEADERS_KEPT - tracker->pending_len);
    fetch(tracker, from, to);
}

static void fetched(void *context, const struct sdk_rpc_answer *answer)
{
    struct evm_tracker *tracker = context;
    const char *wrong = NULL;
    for (size_t i = 0; i < answer->count; i++) {
        struct evm_block block;
        const struct sdk_rpc_reply *reply = &answer->replies[i];
        if (reply->is_error || sdk_json_is_null(reply->result))
            break;
        if (!evm_parse_block(&block, reply->result, answer->arena, &wrong)) {
            give_up(tracker, wrong);
            return;
        }
        const struct evm_head *above = bottom(tracker);
        if (block.header.number + 1 != above->number || memcmp(block.hash, above->parent, 32) != 0)
            break; /* the chain moved meanwhile: begin again at the next look */
        if (!pending_add(tracker, &block))
            break;
        if (i + 1 == answer->count || (tracker->any && is_linked(tracker))) {
            descend(tracker);
            return;
        }
    }
    give_up(tracker, NULL);
}

/* ---- a round -------------------------------------------------------------------------------------------------------------- */

static void begin_at(struct evm_tracker *tracker, const struct evm_block *newest)
{
    if (pending_add(tracker, newest))
        descend(tracker);
    else
        give_up(tracker, "no memory");
}

static void strode(void *context, const struct sdk_rpc_answer *answer)
{
    struct evm_tracker *tracker = context;
    const char *wrong = NULL;
    struct evm_block block;
    const struct sdk_rpc_reply *reply = answer->replies;
    if (answer->status != SDK_RPC_OK || reply->is_error || sdk_json_is_null(reply->result)) {
        give_up(tracker, NULL); /* a replica that lags: look again */
    } else if (!evm_parse_block(&block, reply->result, answer->arena, &wrong)) {
        give_up(tracker, wrong);
    } else if (block.header.number != tracker->newest + STRIDE) {
        give_up(tracker, "another block than was asked for");
    } else {
        tracker->striding = true;
        begin_at(tracker, &block);
    }
}

/* The block that the node calls final. Who asks for a tag and gets none never has a final header: that is said. */
static void want(struct evm_tracker *tracker, const struct sdk_rpc_reply *reply, struct sdk_arena *arena)
{
    char text[200];
    struct evm_block tagged;
    const char *wrong = reply->is_error ? reply->message : "the node has no such block";
    tracker->wanted = !sdk_json_is_null(reply->result) && evm_parse_block(&tagged, reply->result, arena, &wrong);
    if (tracker->wanted) {
        tracker->wanted_final = tagged.header.number;
        memcpy(tracker->wanted_final_hash, tagged.hash, 32);
        return;
    }
    snprintf(text, sizeof text, "finality-depth %s: %.150s", tracker->config.tag, wrong);
    tracker->config.nonsense(tracker->config.context, text);
}

static void looked(void *context, const struct sdk_rpc_answer *answer)
{
    struct evm_tracker *tracker = context;
    const char *wrong = NULL;
    struct evm_block newest;
    if (answer->status != SDK_RPC_OK || answer->replies[0].is_error || sdk_json_is_null(answer->replies[0].result)) {
        const bool said = answer->status == SDK_RPC_NONSENSE || answer->status == SDK_RPC_TOO_LARGE;
        const bool refused = answer->status == SDK_RPC_OK && answer->replies[0].is_error;
        give_up(tracker, said ? answer->text : refused ? answer->replies[0].message : NULL);
        return;
    }
    if (!evm_parse_block(&newest, answer->replies[0].result, answer->arena, &wrong)) {
        give_up(tracker, wrong);
        return;
    }
    if (answer->count > 1)
        want(tracker, &answer->replies[1], answer->arena);
    if (tracker->wanted && !tracker->has_final && tracker->wanted_final < tracker->lowest &&
        newest.header.number - tracker->wanted_final < EVM_HEADERS_KEPT)
        tracker->any = false; /* the first look knew no final block: it did not go so deep */
    const struct evm_head *known = evm_tracker_head(tracker, newest.header.number);
    if (known && memcmp(known->hash, newest.hash, 32) == 0) { /* nothing new, or an endpoint that lags behind itself */
        finish(tracker, false);
        return;
    }
    if (tracker->any && newest.header.number < tracker->lowest) {
        give_up(tracker,
                "the newest block lies far below the one that was known"); /* a replica that lags: look again */
        return;
    }
    if (tracker->any &&
        newest.header.number > tracker->newest + STRIDE) { /* far behind: in strides that can be linked */
        struct sdk_rpc_request request;
        sdk_rpc_begin(&request);
        sdk_rpc_add(&request, "eth_getBlockByNumber", "[\"0x%" PRIx64 "\",false]", tracker->newest + STRIDE);
        sdk_rpc_send(tracker->config.rpc, &request, strode, tracker);
        return;
    }
    begin_at(tracker, &newest);
}

void evm_tracker_look(struct evm_tracker *tracker)
{
    if (tracker->stopped)
        return;
    if (tracker->busy) {
        tracker->again = true;
        return;
    }
    struct sdk_rpc_request request;
    tracker->busy = true;
    sdk_rpc_begin(&request);
    sdk_rpc_add(&request, "eth_getBlockByNumber", "[\"latest\",false]");
    if (tracker->config.tag)
        sdk_rpc_add(&request, "eth_getBlockByNumber", "[\"%s\",false]", tracker->config.tag);
    sdk_rpc_send(tracker->config.rpc, &request, looked, tracker);
}
