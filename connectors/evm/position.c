/*
 * Positions: at each new newest block, how far the contracts here have taken the logs of other chains. Read by eth_call,
 * many in one request; only what changed is told.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/evm/abi.h"
#include "connectors/evm/calldata.h"
#include "connectors/evm/evm.h"
#include "connectors/sdk/record.h"

enum {
    BATCH_MAX = SDK_RPC_CALLS_MAX / 2, /* two calls each */
    HUNT_STEP = 64,                    /* sequences asked at once */
    HUNT_MAX = 1 << 20,                /* and in all: even of a node that makes numbers up there is an end */
    HUNT_BLOCKS = 64,                  /* so long the last whole search is believed */
};

/* Searches the lowest undecided sequence of a lane that executes in any order. As many are undecided as are accepted and not
 * decided: downwards from the accepted head, until all of them are found. Where it was found it is looked for first: upwards
 * from the lowest that was told, for none below that one will be undecided again. */
struct hunt {
    struct evm *evm;
    uint64_t serial;
    struct connector_position_is found;
    bool up;
    uint64_t next, left, asked; /* left: to be found; asked: so far */
};

/* ---- answers ---------------------------------------------------------------------------------------------------------- */

/* The result of an eth_call as 32-byte words. */
static bool words(struct codec_reader *out, const struct sdk_rpc_reply *reply, size_t count, struct sdk_arena *arena)
{
    struct bytes data = {0};
    if (reply->is_error || !sdk_json_bytes(&data, reply->result, arena) || data.len != 32 * count)
        return false;
    codec_reader_init(out, data);
    return true;
}

static uint64_t word_u64(struct codec_reader *reader)
{
    const struct bytes high = codec_read_bytes(reader, 24);
    if (!codec_bytes_are_zero(high.data, high.len))
        reader->failed = true;
    return codec_read_u64(reader);
}

static void hunt_step(struct hunt *hunt);

/* Sequences that are left to ask for, in the direction in which it goes. */
static uint64_t hunt_room(const struct hunt *hunt)
{
    if (!hunt->up)
        return hunt->next;
    return hunt->next > hunt->found.accepted ? 0 : hunt->found.accepted - hunt->next + 1;
}

static void hunted(void *context, const struct sdk_rpc_answer *answer)
{
    struct hunt *hunt = context;
    struct evm *evm = hunt->evm;
    struct sdk_position *position = sdk_position_find(&evm->positions, hunt->serial);
    bool good = position && answer->status == SDK_RPC_OK;
    for (size_t i = 0; good && i < answer->count && hunt->left; i++) {
        struct codec_reader reader;
        good = words(&reader, &answer->replies[i], 1, answer->arena);
        const struct bytes digest = codec_read_bytes(&reader, 32);
        if (good && !codec_bytes_are_zero(digest.data, digest.len)) {
            hunt->found.undecided = hunt->next;
            hunt->left--;
        }
        if (hunt->up)
            hunt->next++;
        else
            hunt->next--;
    }
    if (good && hunt->left && hunt_room(hunt) && hunt->asked < HUNT_MAX) {
        hunt_step(hunt);
        return;
    }
    if (position && (!hunt->up || hunt->left))
        position->searched = good && hunt->left == 0 ? hunt->found.height : 0;
    if (good && (hunt->left == 0 || !hunt->up))
        sdk_position_tell(&evm->positions, position, &hunt->found);
    else if (position)
        sdk_position_unread(position);
    free(hunt);
}

static void add_call(struct sdk_rpc_request *request, const uint8_t to[20], const uint8_t *data, size_t len,
                     uint64_t height)
{
    sdk_rpc_open_call(request, "eth_call");
    if (request->stream) {
        fputs("[{\"to\":\"", request->stream);
        sdk_rpc_add_hex(request->stream, to, 20);
        fputs("\",\"data\":\"", request->stream);
        sdk_rpc_add_hex(request->stream, data, len);
        fprintf(request->stream, "\"},\"0x%" PRIx64 "\"]", height);
    }
    sdk_rpc_close_call(request);
}

static void hunt_step(struct hunt *hunt)
{
    struct evm *evm = hunt->evm;
    const struct sdk_position *position = sdk_position_find(&evm->positions, hunt->serial);
    struct sdk_rpc_request request;
    uint8_t data[EVM_CALL_MAX];
    sdk_rpc_begin(&request);
    for (uint64_t i = 0; i < HUNT_STEP && i < hunt_room(hunt); i++) {
        const size_t len = evm_call_pending(data, position->lane.id, hunt->up ? hunt->next + i : hunt->next - i);
        add_call(&request, evm->options.inbox, data, len, hunt->found.height);
        hunt->asked++;
    }
    sdk_rpc_send(evm->rpc, &request, hunted, hunt);
}

static void begin_hunt(struct evm *evm, struct sdk_position *position, const struct connector_position_is *found)
{
    const struct connector_position_is *last = &position->last;
    struct hunt *hunt = malloc(sizeof *hunt);
    if (!hunt) {
        sdk_position_unread(position);
        return;
    }
    *hunt = (struct hunt){.evm = evm, .serial = position->serial, .found = *found};
    hunt->up = position->told && found->height < position->searched + HUNT_BLOCKS &&
               found->accepted >= last->accepted && found->decided >= last->decided;
    hunt->next = hunt->up ? last->undecided : found->accepted;
    hunt->left = hunt->up ? 1 : found->accepted - found->decided;
    hunt_step(hunt);
}

/* Reads the two answers about one position. */
static bool understand(struct connector_position_is *out, const struct sdk_position *position,
                       const struct sdk_rpc_reply *replies, struct sdk_arena *arena)
{
    struct codec_reader state, running;
    const bool inbox = position->kind == CONNECTOR_LOG_MESSAGE;
    if (!words(&state, &replies[0], inbox ? 2 : 4, arena) || !words(&running, &replies[1], 1, arena))
        return false;
    codec_read_copy(out->running, &running, 32);
    if (codec_bytes_are_zero(out->running, 32))
        sdk_record_log_id(out->running, position->lane.id, position->kind); /* what an absent hash stands for */
    if (inbox) {
        out->accepted = word_u64(&state);
        out->decided = word_u64(&state);
        out->undecided = out->decided + 1; /* on ordered lanes always, on others when nothing is pending */
    } else {
        codec_read_bytes(&state, 64); /* count, time */
        out->accepted = out->decided = word_u64(&state);
        out->undecided = word_u64(&state) + 1;
    }
    return codec_reader_done(&state) && out->decided <= out->accepted;
}

static void read_batch(void *context, const struct sdk_rpc_answer *answer)
{
    struct sdk_position_batch *batch = context;
    struct evm *evm = batch->context;
    for (size_t i = 0; i < batch->len; i++) {
        struct sdk_position *position = sdk_position_find(&evm->positions, batch->serials[i]);
        if (!position)
            continue;
        struct connector_position_is now = {.watch = position->id, .height = batch->height, .time = batch->time};
        if (answer->status != SDK_RPC_OK) {
            sdk_position_miss(position);
        } else if (!understand(&now, position, answer->replies + 2 * i, answer->arena)) {
            sdk_position_unread(position); /* the node has not got this block, or there is no such contract */
            sdk_notice_nonsense(&evm->notices, "eth_call: the contract's state cannot be read");
        } else if (position->kind == CONNECTOR_LOG_MESSAGE && now.decided < now.accepted &&
                   !(position->lane.mode & 1)) {
            begin_hunt(evm, position, &now);
        } else {
            sdk_position_tell(&evm->positions, position, &now);
        }
    }
    free(batch);
    if (answer->status == SDK_RPC_OK)
        sdk_positions_pump(&evm->positions);
}

static void add_position(struct sdk_rpc_request *request, const struct evm *evm, const struct sdk_position *position,
                         uint64_t height)
{
    uint8_t data[EVM_CALL_MAX], log[32];
    const bool inbox = position->kind == CONNECTOR_LOG_MESSAGE;
    const uint8_t *to = inbox ? evm->options.inbox : evm->options.outbox;
    sdk_record_log_id(log, position->lane.id, inbox ? CONNECTOR_LOG_MESSAGE : CONNECTOR_LOG_SETTLEMENT);
    add_call(request, to, data, evm_call_state(data, position->lane.id), height);
    add_call(request, to, data, inbox ? evm_call_accepted(data, log) : evm_call_settlement(data, log), height);
}

static void ask(void *context, struct sdk_position_batch *batch)
{
    struct evm *evm = context;
    const struct evm_head *newest = evm_tracker_head(evm->tracker, evm->tracker->newest);
    struct sdk_rpc_request request;
    batch->height = newest->number;
    batch->time = newest->time;
    sdk_rpc_begin(&request);
    for (size_t i = 0; i < batch->len; i++)
        add_position(&request, evm, sdk_position_find(&evm->positions, batch->serials[i]), newest->number);
    sdk_rpc_send(evm->rpc, &request, read_batch, batch);
}

static bool ready(void *context)
{
    const struct evm *evm = context;
    return evm_tracker_head(evm->tracker, evm->tracker->newest) && !evm->tracker->stopped &&
           !connector_is_full(evm->connector) && sdk_rpc_usable(evm->rpc);
}

static const char *refuse(void *context, enum connector_log_kind kind)
{
    const struct evm *evm = context;
    const bool here = kind == CONNECTOR_LOG_MESSAGE ? evm->options.has_inbox : evm->options.has_outbox;
    return here ? NULL : "this source has no address of the contract that takes this log";
}

void evm_positions_init(struct evm *evm)
{
    const struct sdk_position_chain chain = {.connector = evm->connector,
                                             .batch_max = BATCH_MAX,
                                             .context = evm,
                                             .ready = ready,
                                             .refuse = refuse,
                                             .ask = ask};
    sdk_positions_init(&evm->positions, &chain);
}
