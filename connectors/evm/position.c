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
    POSITIONS_MAX = 8192,
    BATCH_MAX = SDK_RPC_CALLS_MAX / 2, /* two calls each */
    HUNT_STEP = 64,                    /* sequences asked at once */
    HUNT_MAX = 8192,                   /* how far below the accepted head undecided messages are searched */
};

struct position {
    uint32_t id;
    uint64_t serial;
    enum connector_log_kind kind;
    struct connector_lane lane;
    uint8_t log[32];   /* key of the contract's running hash */
    uint8_t start[32]; /* what an absent hash stands for */
    bool busy, fresh, told;
    struct connector_position_is last;
};

struct evm_positions {
    struct evm *evm;
    struct position *list;
    size_t len, cap;
    uint64_t serial;
};

/* One question for up to BATCH_MAX positions. */
struct batch {
    struct evm_positions *positions;
    uint64_t height, time;
    size_t len;
    uint64_t serials[BATCH_MAX];
};

/* Searches the lowest undecided sequence of a lane that executes in any order, downwards from the accepted head: as many
 * are undecided as are accepted and not decided. */
struct hunt {
    struct evm_positions *positions;
    uint64_t serial;
    struct connector_position_is found;
    uint64_t next, left, asked;
};

struct evm_positions *evm_positions_new(struct evm *evm)
{
    struct evm_positions *positions = calloc(1, sizeof *positions);
    if (positions)
        positions->evm = evm;
    return positions;
}

void evm_positions_free(struct evm_positions *positions)
{
    if (!positions)
        return;
    free(positions->list);
    free(positions);
}

static struct position *find(struct evm_positions *positions, uint64_t serial)
{
    for (size_t i = 0; i < positions->len; i++)
        if (positions->list[i].serial == serial)
            return &positions->list[i];
    return NULL;
}

void evm_positions_unwatch(struct evm_positions *positions, uint32_t id)
{
    for (size_t i = 0; i < positions->len; i++) {
        if (positions->list[i].id == id) {
            positions->list[i] = positions->list[--positions->len];
            return;
        }
    }
}

static bool add(struct evm_positions *positions, const struct position *position)
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

void evm_positions_watch(struct evm_positions *positions, const struct connector_position *message)
{
    const struct evm_options *options = &positions->evm->options;
    struct position position = {.id = message->watch,
                                .serial = ++positions->serial,
                                .kind = (enum connector_log_kind)message->kind,
                                .lane = message->lane};
    const bool here = position.kind == CONNECTOR_LOG_MESSAGE ? options->has_inbox : options->has_outbox;
    sdk_record_log_id(position.start, message->lane.id, position.kind);
    sdk_record_log_id(position.log, message->lane.id,
                      position.kind == CONNECTOR_LOG_MESSAGE ? CONNECTOR_LOG_MESSAGE : CONNECTOR_LOG_SETTLEMENT);
    evm_positions_unwatch(positions, message->watch);
    if (!here || !add(positions, &position))
        connector_cannot_watch(positions->evm->connector, CONNECTOR_POSITION, message->watch,
                               here ? "too many positions"
                                    : "this source has no address of the contract that takes this log");
    evm_positions_pump(positions);
}

void evm_positions_stale(struct evm_positions *positions)
{
    for (size_t i = 0; i < positions->len; i++)
        positions->list[i].fresh = false;
}

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

static void tell(struct evm_positions *positions, struct position *position, const struct connector_position_is *now)
{
    const struct connector_position_is *last = &position->last;
    position->busy = false;
    if (position->told && now->accepted == last->accepted && now->decided == last->decided &&
        now->undecided == last->undecided && memcmp(now->running, last->running, 32) == 0)
        return;
    const struct connector_message message = {.type = CONNECTOR_POSITION_IS, .position_is = *now};
    if (evm_send(positions->evm, &message) != SDK_SENT) {
        position->fresh = false; /* `drained` reads it again */
        return;
    }
    position->told = true;
    position->last = *now;
}

static void hunt_step(struct hunt *hunt);

static void hunted(void *context, const struct sdk_rpc_answer *answer)
{
    struct hunt *hunt = context;
    struct position *position = find(hunt->positions, hunt->serial);
    bool good = position && answer->status == SDK_RPC_OK;
    for (size_t i = 0; good && i < answer->count && hunt->left; i++) {
        struct codec_reader reader;
        good = words(&reader, &answer->replies[i], 1, answer->arena);
        const struct bytes digest = codec_read_bytes(&reader, 32);
        if (good && !codec_bytes_are_zero(digest.data, digest.len)) {
            hunt->found.undecided = hunt->next;
            hunt->left--;
        }
        hunt->next--;
    }
    if (good && hunt->left && hunt->next && hunt->asked < HUNT_MAX) {
        hunt_step(hunt);
        return;
    }
    if (good)
        tell(hunt->positions, position, &hunt->found);
    else if (position)
        position->busy = position->fresh = false;
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
    struct evm *evm = hunt->positions->evm;
    const struct position *position = find(hunt->positions, hunt->serial);
    struct sdk_rpc_request request;
    uint8_t data[EVM_CALL_MAX];
    sdk_rpc_begin(&request);
    for (uint64_t i = 0; i < HUNT_STEP && i < hunt->next; i++) {
        const size_t len = evm_call_pending(data, position->lane.id, hunt->next - i);
        add_call(&request, evm->options.inbox, data, len, hunt->found.height);
        hunt->asked++;
    }
    sdk_rpc_send(evm->rpc, &request, hunted, hunt);
}

static void begin_hunt(struct evm_positions *positions, struct position *position,
                       const struct connector_position_is *found)
{
    struct hunt *hunt = malloc(sizeof *hunt);
    if (!hunt) {
        position->busy = false;
        return;
    }
    *hunt = (struct hunt){positions, position->serial, *found, found->accepted, found->accepted - found->decided, 0};
    hunt_step(hunt);
}

/* Reads the two answers about one position. */
static bool understand(struct connector_position_is *out, const struct position *position,
                       const struct sdk_rpc_reply *replies, struct sdk_arena *arena)
{
    struct codec_reader state, running;
    const bool inbox = position->kind == CONNECTOR_LOG_MESSAGE;
    if (!words(&state, &replies[0], inbox ? 2 : 4, arena) || !words(&running, &replies[1], 1, arena))
        return false;
    codec_read_copy(out->running, &running, 32);
    if (codec_bytes_are_zero(out->running, 32))
        memcpy(out->running, position->start, 32);
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
    struct batch *batch = context;
    struct evm_positions *positions = batch->positions;
    for (size_t i = 0; i < batch->len; i++) {
        struct position *position = find(positions, batch->serials[i]);
        if (!position)
            continue;
        struct connector_position_is now = {.watch = position->id, .height = batch->height, .time = batch->time};
        if (answer->status != SDK_RPC_OK) {
            position->busy = position->fresh = false; /* again with the next look */
        } else if (!understand(&now, position, answer->replies + 2 * i, answer->arena)) {
            position->busy =
                false; /* the node has not got this block, or there is no such contract: with the next block */
            evm_nonsense(positions->evm, "eth_call: the contract's state cannot be read");
        } else if (position->kind == CONNECTOR_LOG_MESSAGE && now.decided < now.accepted &&
                   !(position->lane.mode & 1)) {
            begin_hunt(positions, position, &now);
        } else {
            tell(positions, position, &now);
        }
    }
    free(batch);
    if (answer->status == SDK_RPC_OK)
        evm_positions_pump(positions);
}

static void add_position(struct sdk_rpc_request *request, const struct evm *evm, const struct position *position,
                         uint64_t height)
{
    uint8_t data[EVM_CALL_MAX];
    const bool inbox = position->kind == CONNECTOR_LOG_MESSAGE;
    const uint8_t *to = inbox ? evm->options.inbox : evm->options.outbox;
    add_call(request, to, data, evm_call_state(data, position->lane.id), height);
    add_call(request, to, data,
             inbox ? evm_call_accepted(data, position->log) : evm_call_settlement(data, position->log), height);
}

void evm_positions_pump(struct evm_positions *positions)
{
    struct evm *evm = positions->evm;
    const struct evm_head *newest = evm_tracker_head(evm->tracker, evm->tracker->newest);
    if (!newest || evm->tracker->stopped || evm->full || !sdk_rpc_usable(evm->rpc))
        return;
    struct batch *batch = NULL;
    struct sdk_rpc_request request;
    for (size_t i = 0; i < positions->len && (!batch || batch->len < BATCH_MAX); i++) {
        struct position *position = &positions->list[i];
        if (position->busy || position->fresh)
            continue;
        if (!batch) {
            batch = calloc(1, sizeof *batch);
            if (!batch)
                return;
            *batch = (struct batch){.positions = positions, .height = newest->number, .time = newest->time};
            sdk_rpc_begin(&request);
        }
        position->busy = position->fresh = true;
        batch->serials[batch->len++] = position->serial;
        add_position(&request, evm, position, newest->number);
    }
    if (batch)
        sdk_rpc_send(evm->rpc, &request, read_batch, batch);
}
