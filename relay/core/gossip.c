/*
 * The mesh as the core sees it: what to push, what to tell, where to join (DESIGN section 5). Pushing is only a saving; that
 * nothing is lost rests on heads and pulls.
 */
#include <stdlib.h>
#include <string.h>

#include "relay/core/parts.h"
#include "topology/route.h"

enum {
    FRAME_TARGET = 256 << 10, /* bytes of items in one published frame */
    REPUBLISH_MS = 2000,
    REPUBLISH_HEADS = 8,
    REFUSALS_MAX = 64,
    REFUSALS_SAID = 16,
    FULL_HEARTBEAT = 10, /* every so many heartbeats name all logs */
    NO_ZONE = 0xffff
};

/* ---- pushing ------------------------------------------------------------------------------------------------------- */

/* write: the WRITE that must be committed before; 0: what it tells is durable already. */
static void outgoing_add(struct relay_core *core, uint64_t write, uint16_t log, uint16_t not_zone, struct bytes raw)
{
    struct core_outgoing *item = core_alloc(NULL, 1, sizeof(*item) + raw.len);
    *item = (struct core_outgoing){.write = write, .not_zone = not_zone, .log = log, .len = raw.len};
    memcpy(item->raw, raw.data, raw.len);
    *core->outgoing_end = item;
    core->outgoing_end = &item->next;
}

static uint16_t zone_of(const struct relay_core *core, uint16_t relay)
{
    return core->network->relays[relay].zone;
}

/* Published when the write of this step is committed; not back into the zone that it came from. */
void core_gossip_queue(struct relay_core *core, uint16_t log, uint16_t from_peer, struct bytes raw)
{
    outgoing_add(core, core->write_id, log, from_peer == core->config.self ? NO_ZONE : zone_of(core, from_peer), raw);
}

void core_gossip_tell(struct relay_core *core, uint16_t from_peer, struct bytes raw)
{
    outgoing_add(core, 0, 0, from_peer == core->config.self ? NO_ZONE : zone_of(core, from_peer), raw);
}

/* What is in core->pack. */
static void publish(struct relay_core *core, uint16_t zone)
{
    if (core->pack.failed)
        return;
    struct relay_action *action = core_act(core, RELAY_ACTION_PUBLISH);
    action->zone = zone;
    action->body = core_keep(core, codec_pack_bytes(&core->pack));
}

/* As many items as one frame carries, into core->pack; where the next frame begins. */
static const struct core_outgoing *frame_fill(struct relay_core *core, uint16_t zone, const struct core_outgoing *first,
                                              const struct core_outgoing *end, uint32_t *count)
{
    const struct core_outgoing *item = first;
    size_t len = 0;
    *count = 0;
    for (; item != end; item = item->next) {
        if (item->not_zone == zone)
            continue;
        if (*count > 0 && (len + item->len > FRAME_TARGET || *count == PROOF_FRAME_ITEMS_MAX))
            break;
        len += item->len;
        ++*count;
    }
    codec_pack_clear(&core->pack);
    codec_pack_array(&core->pack, *count);
    for (; first != item; first = first->next) {
        if (first->not_zone != zone)
            codec_pack_raw(&core->pack, (struct bytes){first->raw, first->len});
    }
    return item;
}

static void publish_zone(struct relay_core *core, uint16_t zone, const struct core_outgoing *end)
{
    const struct core_outgoing *item = core->outgoing;
    while (item != end) {
        uint32_t count;
        item = frame_fill(core, zone, item, end, &count);
        if (count > 0)
            publish(core, zone);
    }
}

void core_gossip_committed(struct relay_core *core)
{
    struct core_outgoing *end = core->outgoing;
    while (end != NULL && end->write <= core->committed)
        end = end->next;
    if (end == core->outgoing)
        return;
    for (size_t i = 0; i < core->zones_len; i++)
        publish_zone(core, core->zones[i], end);
    while (core->outgoing != end) {
        struct core_outgoing *item = core->outgoing;
        core->outgoing = item->next;
        free(item);
    }
    if (core->outgoing == NULL)
        core->outgoing_end = &core->outgoing;
}

static void range_pack(struct codec_pack *pack, const struct core_log *log, const struct core_segment *segment,
                       const uint8_t *before)
{
    struct proof_item item = {.type = PROOF_ITEM_RANGE};
    memcpy(item.range.log, log->id, 32);
    item.range.from = segment->from;
    memcpy(item.range.before, before, 32);
    item.range.count = (uint16_t)(segment->to - segment->from + 1);
    item.range.records = (struct bytes){segment->records, segment->bytes};
    proof_item_write(pack, &item);
}

/*
 * Segments that are durable and covered by a signed head are pushed once, by the relay whose turn it is, and then
 * leave memory. A home relay pushes up to its own signature; a hop what it stored, which a head covers by rule.
 */
void core_gossip_push(struct relay_core *core, struct core_log *log)
{
    uint64_t covered = log->is_home ? log->attested : log->stored;
    for (size_t i = 0; i < log->segments_durable && log->unpublished > 0; i++) {
        struct core_segment *segment = &log->segments[i];
        if (segment->records == NULL || segment->to > covered)
            continue;
        const uint8_t *before = core_log_running(core, log, segment->from - 1);
        uint16_t turn = topology_turn_push(core->network, zone_of(core, core->config.self), log->home, log->id,
                                           (segment->from - 1) / TOPOLOGY_HEAD_STEP);
        if (before != NULL && turn == core->config.self) {
            codec_pack_clear(&core->pack);
            range_pack(&core->pack, log, segment, before);
            if (!core->pack.failed)
                outgoing_add(core, 0, (uint16_t)(log - core->logs),
                             segment->origin == KEYS_ORIGIN_MESH ? zone_of(core, segment->peer) : NO_ZONE,
                             codec_pack_bytes(&core->pack));
        }
        core_log_pushed(log, segment);
    }
}

/* Signatures that did not make a quorum in time are told again: a lost frame must not leave a head one short. */
static void republish(struct relay_core *core, struct core_log *log)
{
    if (log->heads_len == 0 || log->heads[log->heads_len - 1].number <= log->certified)
        return;
    if (log->republish == 0)
        log->republish = core->now + REPUBLISH_MS;
    if (core->now < log->republish)
        return;
    log->republish = core->now + REPUBLISH_MS;
    for (size_t i = 0, told = 0; i < log->heads_len && told < REPUBLISH_HEADS; i++) {
        const uint8_t *ours = core_log_running(core, log, log->heads[i].number);
        bool ends = i + 2 >= log->heads_len || told < 2;
        bool same = ours != NULL && memcmp(ours, log->heads[i].running, 32) == 0;
        if (log->heads[i].number <= log->certified || !(same || ends))
            continue;
        told++;
        for (size_t j = 0; j < log->heads[i].signers_len; j++) {
            if (log->heads[i].signers[j]->write > core->committed)
                continue;
            codec_pack_clear(&core->pack);
            core_head_pack(&core->pack, log, &log->heads[i], log->heads[i].signers[j]);
            if (!core->pack.failed)
                outgoing_add(core, 0, (uint16_t)(log - core->logs), NO_ZONE, codec_pack_bytes(&core->pack));
        }
    }
}

/* ---- heartbeats ------------------------------------------------------------------------------------------------------ */

static void heartbeat(struct relay_core *core)
{
    bool all = core->heartbeats++ % FULL_HEARTBEAT == 0;
    struct codec_pack logs;
    struct proof_item item = {.type = PROOF_ITEM_HEARTBEAT};
    uint8_t(*leaves)[32] = core_alloc(NULL, core->logs_len ? core->logs_len : 1, 32);
    size_t leaves_len = 0;
    codec_pack_init(&logs, PROOF_FRAME_BODY_MAX / 2);
    size_t next = 0; /* more logs than one heartbeat holds: the next full one goes on there */
    /* docs/formats.md: the root is over head leaves ascending by log id, the order of the document's index. */
    for (size_t at = 0; at < core->network->logs_len; at++) {
        struct core_log *log = core_log_of(core, core->network->logs[at].lane, core->network->logs[at].kind);
        struct proof_item_log entry = {.head = {.number = log->certified}, .settled = log->settled};
        if (log->certified == 0)
            continue;
        memcpy(entry.head.log, log->id, 32);
        memcpy(entry.head.running, log->certified_running, 32);
        if (entry.settled > entry.head.number)
            entry.settled = entry.head.number;
        proof_leaf_hash_head(leaves[leaves_len++], PROOF_SUITE_BLAKE2B256_ED25519, &entry.head);
        bool news = log->told != log->certified || log->told_settled != log->settled;
        if (all ? at < core->heartbeat_from : !news)
            continue;
        if (item.heartbeat.count == PROOF_ITEM_LOGS_MAX) {
            next = next ? next : at;
            continue;
        }
        log->told = log->certified;
        log->told_settled = log->settled;
        proof_pack_log(&logs, &entry);
        item.heartbeat.count++;
    }
    if (all)
        core->heartbeat_from = next;
    item.heartbeat.time = core->unix_time;
    item.heartbeat.document_version = core->network->version;
    memcpy(item.heartbeat.document_hash, core->network->hash, 32);
    item.heartbeat.logs = codec_pack_bytes(&logs);
    if (leaves_len > 0)
        proof_merkle_root(item.heartbeat.root, PROOF_SUITE_BLAKE2B256_ED25519, leaves, leaves_len);
    codec_pack_clear(&core->pack);
    codec_pack_array(&core->pack, 1);
    proof_item_write(&core->pack, &item);
    for (size_t i = 0; i < core->zones_len; i++)
        publish(core, core->zones[i]);
    codec_pack_fini(&logs);
    free(leaves);
}

void core_gossip_heard(struct relay_core *core, uint16_t index, const struct proof_item_heartbeat *item)
{
    struct core_peer *peer = &core->peers[index];
    struct proof_item_parts parts;
    struct proof_item_log entry;
    if (!peer->neighbour)
        return;
    if (memcmp(item->document_hash, core->network->hash, 32) != 0 &&
        (!peer->document_known || memcmp(item->document_hash, peer->document_hash, 32) != 0))
        core_note(core, RELAY_WARNING, RELAY_REASON_DOCUMENT_DIFFERS, NULL, 0,
                  "relay %s runs version %llu of the network document, this one %llu",
                  core->network->relays[index].name, (unsigned long long)item->document_version,
                  (unsigned long long)core->network->version);
    peer->document_known = true;
    peer->clock_offset = (int64_t)(item->time - core->unix_time);
    peer->document_version = item->document_version;
    memcpy(peer->document_hash, item->document_hash, 32);
    proof_item_logs_init(&parts, item);
    while (proof_item_logs_next(&entry, &parts)) {
        struct core_log *log = core_log_by_id(core, entry.head.log);
        if (log != NULL)
            core_pull_named(core, log, index, &entry);
    }
}

struct core_step core_stage_collect(struct relay_core *core, struct core_log *log)
{
    core_gossip_push(core, log);
    republish(core, log);
    return (struct core_step){core_pull(core, log)};
}

/* ---- joining where peers have pruned ----------------------------------------------------------------------------------- */

static void base_adopt(struct relay_core *core, struct core_log *log, const struct core_head *head)
{
    core_note(core, RELAY_INFO, RELAY_REASON_BASE_ADOPTED, log, head->number, "%s log",
              proof_log_kind_name((enum proof_log_kind)log->kind));
    core_log_truncate(core, log, 0);
    log->base = log->stored = log->durable = head->number;
    memcpy(log->base_running, head->running, 32);
    if (log->settled < log->base)
        log->settled = log->base;
    if (log->applied < log->base)
        log->applied = log->base;
    log->row_dirty = true;
    core_log_mark(core, log);
    if (log->kind == PROOF_LOG_MESSAGE)
        core_log_mark(core, log + 1);
}

/* Nothing is held that certificates do not show to be settled, and what outcomes said is passed on to the messages. */
static bool all_settled(const struct core_log *log)
{
    if (log->kind == PROOF_LOG_MESSAGE)
        return log->settled >= log->stored;
    return log->stored == log->base || ((log + 1)->certified >= log->stored && log->applied >= log->stored);
}

/* Our signer goes on from its guard over outcome records: a base beyond its guard would leave it behind for good. */
static bool signer_needs(const struct relay_core *core, const struct core_log *log, uint64_t base)
{
    const struct core_log *settlement = log + 1;
    return core->config.attests && settlement->is_home && (!settlement->guard_known || settlement->guard < base);
}

static bool is_ordered(const struct relay_core *core, const struct core_log *log)
{
    return log->kind == PROOF_LOG_OUTCOME || (core_lane(core, log)->mode & PROOF_MODE_ORDERED);
}

static unsigned neighbours_up(const struct relay_core *core)
{
    unsigned up = 0;
    for (size_t i = 0; i < core->network->relays_len; i++)
        up += core->peers[i].neighbour && core->peers[i].up;
    return up;
}

/*
 * On an unordered lane only the outcome records tell which messages are settled, and on any lane our signer needs those
 * beyond its guard. A relay that lacks them goes from neighbour to neighbour, for minutes, for one that was there all the
 * time, before it does without. Messages of such a lane may be undecided though as many that came after them have outcomes,
 * and outcomes may be of messages that are still to come here: there it asks every neighbour (the first two asks may go to
 * one), so that none alone makes it skip what others keep.
 */
static bool others_may_have(const struct relay_core *core, const struct core_log *log, uint64_t base)
{
    bool ordered = core_lane(core, log)->mode & PROOF_MODE_ORDERED;
    bool needed = log->kind == PROOF_LOG_OUTCOME &&
                  ((!ordered && (log - 1)->settled < (log - 1)->stored) || signer_needs(core, log, base));
    if (needed)
        return log->pruned < REFUSALS_MAX;
    return !ordered && log->pruned < neighbours_up(core) + 2;
}

/* What became of these messages stands on a chain that this relay reads itself and has not read so far. */
static bool own_chain_tells(const struct core_log *log, uint64_t base)
{
    return log->kind == PROOF_LOG_MESSAGE && (log + 1)->is_home && (log + 1)->proven < base;
}

/*
 * The peer no longer keeps what we asked for. A relay that holds nothing unsettled loses nothing by starting at a
 * certified head; one that still does keeps what it has, whatever a peer says (I2).
 */
void core_gossip_refused(struct relay_core *core, uint16_t peer, uint64_t ask, const struct proof_item_refusal *item)
{
    struct core_log *log = core_log_by_id(core, item->log);
    if (log == NULL || log->is_home || log->kind == PROOF_LOG_SETTLEMENT || log->frozen)
        return;
    core->peers[peer].named[log - core->logs].number = 0; /* until its next heartbeat */
    if (item->reason != PROOF_REFUSAL_PRUNED) {
        core_note(core, RELAY_DEBUG, RELAY_REASON_PEER_REFUSED, log, log->stored + 1, "relay %s: %s",
                  core->network->relays[peer].name, proof_refusal_name(item->reason));
        return;
    }
    for (size_t i = 0; i < log->heads_len; i++) {
        const struct core_head *head = &log->heads[i];
        if (!head->certified || head->number <= log->stored)
            continue;
        /* Nobody's word: the log that answers this one must be certified so far, or it is not settled. */
        bool undelivered = topology_relay_delivers(core->network, core->config.self, log->target) &&
                           (log->position.known ? log->position.undecided <= head->number && log->position.undecided > 0
                                                : !is_ordered(core, log));
        if ((log + 1)->certified < head->number || undelivered)
            return;
        /* Each neighbour is asked for records in its turn, so one that says it often is counted no more often. */
        log->pruned += ask == log->pull.id && log->pull.records;
        log->pull.records = false;
        if (others_may_have(core, log, head->number)) {
            if (log->pruned <= neighbours_up(core) + 1)
                core_pull_go_on(core, log); /* all of them are asked once before asks become rare */
            return;
        }
        if (all_settled(log)) {
            base_adopt(core, log, head);
        } else if (!log->pruned_said && log->pruned >= REFUSALS_SAID && !own_chain_tells(log, head->number)) {
            log->pruned_said = true; /* outcomes that were under way have come by now */
            core_note(core, RELAY_ALARM, RELAY_REASON_DIFFERENCE_PRUNED, log, log->stored + 1,
                      "peers keep nothing before %llu and this relay still holds unsettled records",
                      (unsigned long long)head->number);
        }
        return;
    }
}

/* ---- events ----------------------------------------------------------------------------------------------------------- */

void core_gossip_event(struct relay_core *core, const struct relay_event *event)
{
    if (event->peer >= core->network->relays_len || !core->peers[event->peer].neighbour)
        return;
    struct core_peer *peer = &core->peers[event->peer];
    if (event->type == RELAY_EVENT_PEER_DOWN) {
        peer->up = false;
    } else if (event->type == RELAY_EVENT_ASK_FAILED) {
        if (!core_hear_answered(core, event->id, false))
            core_pull_answered(core, event->peer, event->id);
    } else {
        if (!peer->up)
            core_pull_back(core, event->peer);
        peer->up = true;
        peer->last_heard = core->now;
        if (event->type == RELAY_EVENT_PEER_UP)
            core->heartbeats = 0; /* the next heartbeat names all logs */
        if (event->type == RELAY_EVENT_FRAME)
            core_far_frame(core, event->body, event->peer);
        if (event->type == RELAY_EVENT_FRAME)
            core_claim_frame(core, event->body, event->peer, event->id);
    }
}

void core_gossip_tick(struct relay_core *core)
{
    if (core->now < core->heartbeat_at)
        return;
    core->heartbeat_at = core->now + core->config.heartbeat_ms;
    heartbeat(core);
}
