/* The core's beginning, end and step. */
#include "relay/core/core.h"

#include <stdlib.h>
#include <string.h>

#include "relay/core/parts.h"
#include "topology/route.h"

enum {
    DRIVE_ROUNDS = 8,
    DEFAULT_HEARTBEAT_MS = 1000,
    DEFAULT_PULL_WAIT_MS = 150,
    DEFAULT_TURN_BLOCKS = 4,
    CONNECTOR_MAX = CODEC_CONNECTOR_MESSAGE_MAX
};

static bool serves(const struct relay_core *core, uint16_t chain)
{
    return core->chains[chain].sources_len > 0;
}

static void log_init(struct relay_core *core, uint16_t lane_index, uint8_t kind)
{
    struct core_log *log = core_log_of(core, lane_index, kind);
    const struct topology_lane *lane = &core->network->lanes[lane_index];
    *log = (struct core_log){.lane = lane_index, .kind = kind};
    memcpy(log->id, lane->logs[kind - 1], 32);
    /* docs/formats.md section 4: the settlement log counts the entries of the outcome log, so it starts where that does. */
    memcpy(log->start, lane->logs[kind == PROOF_LOG_SETTLEMENT ? PROOF_LOG_OUTCOME - 1 : kind - 1], 32);
    memcpy(log->base_running, log->start, 32);
    log->home = topology_log_home(lane, kind);
    log->target = topology_log_target(lane, kind);
    log->suite = proof_suite_by_bit(core->network->chains[log->home].suite);
    log->is_home = serves(core, log->home);
    log->is_target = serves(core, log->target);
    log->pull.peer = log->named.peer = core->config.self;
    codec_pack_init(&log->submission.records, PROOF_FRAME_BODY_MAX);
}

static void *zeroed(size_t count, size_t size)
{
    void *memory = core_alloc(NULL, count ? count : 1, size);
    memset(memory, 0, (count ? count : 1) * size);
    return memory;
}

static void peers_init(struct relay_core *core)
{
    uint16_t *neighbours = core_alloc(NULL, core->network->relays_len, sizeof(*neighbours));
    size_t count = topology_route_neighbours(neighbours, core->network->relays_len, core->network, core->config.self);
    for (size_t i = 0; i < count; i++) {
        struct core_peer *peer = &core->peers[neighbours[i]];
        peer->neighbour = true;
        peer->named = zeroed(core->logs_len, sizeof(*peer->named));
    }
    free(neighbours);
    core->zones = core_alloc(NULL, core->network->zones_len + 1, sizeof(*core->zones));
    core->zones_len = topology_route_zones(core->zones, core->network->zones_len, core->network, core->config.self);
}

struct relay_core *relay_core_new(const struct relay_core_config *config)
{
    struct relay_core *core = calloc(1, sizeof(*core));
    if (core == NULL)
        return NULL;
    core->config = *config;
    core->network = config->network;
    core->config.heartbeat_ms = config->heartbeat_ms ? config->heartbeat_ms : DEFAULT_HEARTBEAT_MS;
    core->config.pull_wait_ms = config->pull_wait_ms ? config->pull_wait_ms : DEFAULT_PULL_WAIT_MS;
    core->config.turn_blocks = config->turn_blocks ? config->turn_blocks : DEFAULT_TURN_BLOCKS;
    core->write_id = 1;
    core->outgoing_end = &core->outgoing;
    core->logs_len = core->network->lanes_len * CORE_KINDS;
    core->logs = zeroed(core->logs_len, sizeof(*core->logs));
    core->dirty = zeroed(core->logs_len, sizeof(*core->dirty));
    core->chains = zeroed(core->network->chains_len, sizeof(*core->chains));
    core->sources = zeroed(config->sources_len, sizeof(*core->sources));
    core->peers = zeroed(core->network->relays_len, sizeof(*core->peers));
    core->signatures = zeroed(CORE_SIGNATURE_CACHE, sizeof(*core->signatures));
    core->scratch = core_alloc(NULL, 1, sizeof(*core->scratch));
    codec_pack_init(&core->pack, PROOF_FRAME_BODY_MAX);
    for (size_t i = 0; i < core->network->chains_len; i++)
        core->chains[i].primary = RELAY_NO_SOURCE;
    for (uint16_t i = 0; i < config->sources_len; i++) {
        struct core_chain *chain = &core->chains[config->sources[i].chain];
        if (chain->sources_len < RELAY_SOURCES_MAX)
            chain->sources[chain->sources_len++] = i;
    }
    core_lights_new(core);
    for (uint16_t lane = 0; lane < core->network->lanes_len; lane++) {
        for (uint8_t kind = 1; kind <= CORE_KINDS; kind++)
            log_init(core, lane, kind);
    }
    peers_init(core);
    return core;
}

void relay_core_free(struct relay_core *core)
{
    if (core == NULL)
        return;
    for (size_t i = 0; i < core->logs_len; i++)
        core_log_fini(&core->logs[i]);
    for (size_t i = 0; i < core->network->chains_len; i++) {
        for (size_t j = 0; j < core->chains[i].pending_len; j++)
            core_evidence_release(core->chains[i].pending[j]);
    }
    for (size_t i = 0; i < core->network->relays_len; i++)
        free(core->peers[i].named);
    while (core->outgoing != NULL) {
        struct core_outgoing *item = core->outgoing;
        core->outgoing = item->next;
        free(item);
    }
    for (size_t i = 0; i < CORE_LOADS_MAX; i++) {
        codec_pack_fini(&core->loads[i].body);
        codec_pack_fini(&core->loads[i].records);
    }
    codec_pack_fini(&core->pack);
    core_actions_free(core);
    core_lights_free(core);
    free(core->zones);
    free(core->peers);
    free(core->sources);
    free(core->chains);
    free(core->logs);
    free(core->dirty);
    free(core->signatures);
    free(core->scratch);
    free(core);
}

/* ---- events ---------------------------------------------------------------------------------------------------------- */

static void loaded(struct relay_core *core, const struct relay_event *event)
{
    struct core_load *load = core_load_find(core, event->id);
    if (load == NULL)
        return;
    switch (load->why) {
    case CORE_LOAD_START: core_start_loaded(core, load, event); return;
    case CORE_LOAD_SUBMIT: core_deliver_loaded(core, load, event); return;
    case CORE_LOAD_ANSWER: core_answer_loaded(core, load, event); return;
    case CORE_LOAD_CUT: core_log_cut_loaded(core, load, event); return;
    }
}

/* What was written is durable: marks follow, and with them everything that waits for them. */
static void committed(struct relay_core *core, const struct relay_event *event)
{
    if (event->status != STORE_OK) {
        core->halted = true;
        core_note(core, RELAY_ALARM, RELAY_REASON_STORE_FAILED, NULL, 0,
                  "a write failed (%d): nothing more is taken until the store is mended and the relay restarted",
                  (int)event->status);
        return;
    }
    core->committed = event->id;
    core_light_committed(core);
    for (size_t i = 0; i < core->logs_len; i++) {
        struct core_log *log = &core->logs[i];
        while (log->segments_durable < log->segments_len &&
               log->segments[log->segments_durable].write <= core->committed) {
            log->durable = log->segments[log->segments_durable++].to;
            core_log_mark(core, log);
            if (log->kind == PROOF_LOG_OUTCOME)
                core_log_mark(core, log + 1);
        }
    }
}

static void tick(struct relay_core *core)
{
    core_chain_tick(core);
    core_gossip_tick(core);
    core_hear_tick(core);
    for (size_t i = 0; i < core->logs_len; i++) {
        if (core->logs[i].cause != RELAY_CAUSE_NONE || core_pull_waits(&core->logs[i]))
            core_log_mark(core, &core->logs[i]);
    }
}

/* A full disk would halt the relay, outcomes and all: so new messages stop while there is still room to settle (I9). */
static void scarce_note(struct relay_core *core, bool scarce)
{
    if (scarce == core->scarce)
        return;
    core->scarce = scarce;
    core_note(core, scarce ? RELAY_ALARM : RELAY_INFO, RELAY_REASON_DISK_SCARCE, NULL, 0, "%s",
              scarce ? "the disk has less free than budgets.free_bytes: no new messages are taken, the rest goes on"
                     : "the disk has room again");
    for (size_t i = 0; i < core->logs_len; i++)
        core_log_mark(core, &core->logs[i]);
}

static void dispatch(struct relay_core *core, const struct relay_event *event)
{
    switch (event->type) {
    case RELAY_EVENT_LOADED: loaded(core, event); return;
    case RELAY_EVENT_COMMITTED: committed(core, event); return;
    case RELAY_EVENT_VERIFIED: core_source_verified(core, event->job); return;
    case RELAY_EVENT_TICK:
        scarce_note(core, event->scarce);
        if (core->ready)
            tick(core);
        return;
    case RELAY_EVENT_SOURCE_UP:
    case RELAY_EVENT_SOURCE_DOWN:
    case RELAY_EVENT_SOURCE_MESSAGE: core_source_event(core, event); return;
    case RELAY_EVENT_SIGNER_UP:
    case RELAY_EVENT_SIGNER_DOWN:
    case RELAY_EVENT_SIGNED: core_signer_event(core, event); return;
    case RELAY_EVENT_PEER_UP:
    case RELAY_EVENT_PEER_DOWN:
    case RELAY_EVENT_FRAME:
    case RELAY_EVENT_ASK_FAILED: core_gossip_event(core, event); return;
    case RELAY_EVENT_ASKED: core_answer_asked(core, event); return;
    }
}

/* Marks go into the same write as what they speak of (I2), so no row is left for a later step. */
static void rows_write(struct relay_core *core, const uint16_t *logs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (core->logs[logs[i]].row_dirty)
            core_log_row_write(core, &core->logs[logs[i]]);
    }
}

/* Runs what is dirty, and what that makes dirty; what is left after some rounds waits for the next event. */
static void drive(struct relay_core *core)
{
    for (unsigned round = 0; core->dirty_len > 0 && round < DRIVE_ROUNDS; round++) {
        size_t count = core->dirty_len;
        uint16_t *batch = core_scratch(core, count * sizeof(*batch));
        memcpy(batch, core->dirty, count * sizeof(*batch));
        core->dirty_len = 0;
        for (size_t i = 0; i < count; i++)
            core->logs[batch[i]].dirty = false;
        for (size_t i = 0; i < count; i++)
            core_pipeline_drive(core, &core->logs[batch[i]]);
        rows_write(core, batch, count);
    }
    rows_write(core, core->dirty, core->dirty_len);
}

void relay_core_step(struct relay_core *core, const struct relay_event *event)
{
    core_actions_begin(core);
    core->now = event->now;
    core->unix_time = event->unix_time;
    if (!core->ready && event->type != RELAY_EVENT_LOADED && event->type != RELAY_EVENT_TICK)
        return;
    if (core->halted) { /* not even a heartbeat: it would speak of marks that are not on disk */
        if (event->type == RELAY_EVENT_VERIFIED) {
            if (event->job->kind == RELAY_VERIFY_AGREEMENT)
                core_evidence_release(event->job->owner); /* that of the others belongs to their light client */
            free(event->job);
        }
        return;
    }
    dispatch(core, event);
    if (core->ready && !core->halted) {
        drive(core);
        core_gossip_committed(core);
    }
    core_actions_end(core);
}

const struct relay_action *relay_core_actions(const struct relay_core *core, size_t *len)
{
    *len = core->actions_len;
    return core->actions;
}
