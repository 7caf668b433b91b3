/* Views of the core's state for people: status, lanes, peers, sources, explain. */
#include "relay/core/view.h"

#include <string.h>

#include "relay/core/parts.h"
#include "topology/route.h"

static const struct core_log *log_at(const struct relay_core *core, uint16_t lane, uint8_t kind)
{
    if (lane >= core->network->lanes_len || kind < 1 || kind > CORE_KINDS)
        return NULL;
    return &core->logs[(size_t)lane * CORE_KINDS + kind - 1];
}

/* The first head that covers n, or the newest one. */
static const struct core_head *head_covering(const struct core_log *log, uint64_t n)
{
    for (size_t i = 0; i < log->heads_len; i++) {
        if (log->heads[i].number >= n)
            return &log->heads[i];
    }
    return log->heads_len ? &log->heads[log->heads_len - 1] : NULL;
}

/* The first operator of the epoch that has not signed this head. */
static uint16_t operator_missing(const struct relay_core *core, const struct core_log *log,
                                 const struct core_head *head)
{
    const struct topology_epoch *epoch = core_epoch(core, log);
    for (size_t i = 0; epoch != NULL && i < epoch->keys_len; i++) {
        uint16_t number = epoch->keys[i].operator_number;
        if (head == NULL || core_head_signer(head, number) == NULL)
            return number;
    }
    return 0;
}

static uint16_t source_missing(const struct relay_core *core, uint16_t chain)
{
    for (size_t i = 0; i < core->chains[chain].sources_len; i++) {
        uint16_t source = core->chains[chain].sources[i];
        if (!core->sources[source].up)
            return source;
    }
    return RELAY_NO_SOURCE;
}

/* Operators that signed it, each once, however many of its keys did; as many as have room go into out. */
static uint16_t signers_of(uint16_t *out, size_t room, const struct core_head *head)
{
    uint16_t count = 0;
    for (size_t i = 0; i < head->signers_len; i++) {
        uint16_t number = head->signers[i]->operator_number;
        if (core_head_signer(head, number) != head->signers[i])
            continue;
        if (count < room)
            out[count] = number;
        count++;
    }
    return count;
}

/* When the oldest record that is not settled was stored; Unix ms, 0 none. */
static uint64_t oldest_stored(const struct core_log *log)
{
    for (size_t i = 0; i < log->segments_len; i++) {
        if (log->segments[i].to > log->settled)
            return log->segments[i].stored_at;
    }
    return 0;
}

static uint16_t waits_for_relay(const struct relay_core *core, const struct core_log *log)
{
    if (log->cause != RELAY_CAUSE_TURN)
        return RELAY_NO_SOURCE;
    return core_deliver_turn(core, log, log->position.accepted + 1);
}

bool relay_core_log_view(const struct relay_core *core, uint16_t lane, uint8_t kind, struct relay_log_view *out)
{
    const struct core_log *log = log_at(core, lane, kind);
    memset(out, 0, sizeof(*out));
    if (log == NULL)
        return false;
    out->lane = lane;
    out->kind = kind;
    memcpy(out->id, log->id, 32);
    out->proven = log->proven;
    out->stored = log->kind == PROOF_LOG_SETTLEMENT ? log->proven : log->durable;
    out->attested = log->attested;
    out->certified = log->certified;
    out->delivered = log->position.known ? log->position.accepted : 0;
    out->settled = log->settled;
    out->newest_seen = log->hint > log->stored ? log->hint : log->stored;
    out->window_used = log->window_used;
    out->window = core_lane(core, log)->window;
    out->cause = core->ready ? log->cause : RELAY_CAUSE_LOADING;
    out->since = log->since;
    out->frozen = log->frozen != 0 || (log->is_home && (core->chains[log->home].mark.frozen ||
                                                        core_light_cause(core, log->home) == RELAY_CAUSE_ATTACK));
    out->oldest = oldest_stored(log);
    const struct core_head *newest =
        log->certified ? core_head_find(log, log->certified, log->certified_running) : NULL;
    out->signers = newest ? signers_of(NULL, 0, newest) : 0;
    bool quorum = log->cause == RELAY_CAUSE_QUORUM;
    out->waits_for_operator = quorum ? operator_missing(core, log, head_covering(log, log->certified + 1)) : 0;
    out->waits_for_source = log->cause == RELAY_CAUSE_SOURCE_DOWN
                                ? source_missing(core, log->is_home ? log->home : log->target)
                                : RELAY_NO_SOURCE;
    out->waits_for_relay = waits_for_relay(core, log);
    return true;
}

bool relay_core_peer_view(const struct relay_core *core, uint16_t relay, struct relay_peer_view *out)
{
    memset(out, 0, sizeof(*out));
    if (relay >= core->network->relays_len || !core->peers[relay].neighbour)
        return false;
    const struct core_peer *peer = &core->peers[relay];
    out->relay = relay;
    out->up = peer->up;
    out->last_heard = peer->last_heard;
    out->document_version = peer->document_version;
    memcpy(out->document_hash, peer->document_hash, 32);
    out->clock_offset = peer->clock_offset;
    for (size_t i = 0; i < core->logs_len; i++) {
        uint64_t ours = core->logs[i].certified, theirs = peer->named[i].number;
        out->behind += ours > theirs ? ours - theirs : 0;
        out->ahead += theirs > ours ? theirs - ours : 0;
    }
    return true;
}

bool relay_core_source_view(const struct relay_core *core, uint16_t index, struct relay_source_view *out)
{
    memset(out, 0, sizeof(*out));
    if (index >= core->config.sources_len)
        return false;
    const struct core_source *source = &core->sources[index];
    out->up = source->up;
    out->newest = source->newest;
    out->newest_time = source->newest_time;
    out->final_height = source->final_height;
    out->agreed = source->agreed;
    out->contradictions = source->contradictions;
    out->refused = source->refused;
    out->refused_why = source->refused_why ? source->refused_why : "";
    out->silent = source->silent;
    memcpy(out->balance, source->balance, sizeof(out->balance));
    memcpy(out->text, source->text, sizeof(out->text));
    return true;
}

bool relay_core_trust_view(const struct relay_core *core, uint16_t chain, struct relay_trust_view *out)
{
    const struct core_light *light = chain < core->network->chains_len ? core->lights[chain] : NULL;
    memset(out, 0, sizeof(*out));
    if (light == NULL)
        return false;
    const struct proof_cometbft_state *latest = &light->trust.latest;
    out->height = (uint64_t)latest->height;
    out->time = latest->height > 0 ? (uint64_t)latest->time.seconds : 0;
    uint64_t end = out->time + core->network->chains[chain].light.trusting_period;
    out->left = latest->height > 0 && end > core->unix_time ? end - core->unix_time : 0;
    out->attacked = light->trust.attack != PROOF_COMETBFT_NO_ATTACK;
    out->signer_height = light->signer_known ? light->signer_height : 0;
    out->attack = proof_cometbft_attack_text(light->trust.attack);
    out->double_votes = light->offences.count;
    if (out->double_votes > 0) {
        const struct core_offence *last = &light->offences.said[(out->double_votes - 1) % CORE_OFFENCES_KEPT];
        memcpy(out->culprit, last->address, sizeof(out->culprit));
        out->culprit_height = last->height;
        out->culprit_power = last->power;
        out->culprit_total = last->total_power;
    }
    return true;
}

uint64_t relay_core_signers_of(const struct relay_core *core, uint16_t lane, uint8_t kind, uint64_t n)
{
    const struct core_log *log = log_at(core, lane, kind);
    uint64_t bits = 0;
    for (size_t i = 0; log != NULL && i < log->heads_len; i++) {
        if (log->heads[i].number < n)
            continue;
        for (size_t j = 0; j < core->network->operators_len; j++) {
            if (core_head_signer(&log->heads[i], core->network->operators[j].number) != NULL)
                bits |= UINT64_C(1) << j;
        }
    }
    return bits;
}

uint64_t relay_core_counter(const struct relay_core *core, unsigned reason)
{
    return reason < RELAY_REASON_COUNT ? core->counters[reason] : 0;
}

bool relay_core_halted(const struct relay_core *core)
{
    return core->halted;
}

static void explain_place(struct relay_explain *out, const struct core_log *log)
{
    for (size_t i = 0; i < log->segments_len; i++) {
        const struct core_segment *segment = &log->segments[i];
        if (out->sequence < segment->from || out->sequence > segment->to)
            continue;
        out->stored_at = segment->stored_at;
        out->from_peer = segment->origin == KEYS_ORIGIN_MESH ? segment->peer : RELAY_NO_SOURCE;
    }
    const uint8_t *digest = core_log_digest(log, out->sequence);
    if (digest == NULL)
        return;
    memcpy(out->digest, digest, 32);
    const struct core_entry *entry = &log->entries[out->sequence - log->base - 1];
    out->status = entry->status;
    out->reason = entry->reason;
}

bool relay_core_explain(const struct relay_core *core, uint16_t lane, uint64_t sequence, struct relay_explain *out)
{
    const struct core_log *log = log_at(core, lane, PROOF_LOG_MESSAGE);
    struct relay_log_view view;
    memset(out, 0, sizeof(*out));
    out->lane = lane;
    out->sequence = sequence;
    out->from_peer = out->waits_for_source = out->waits_for_relay = RELAY_NO_SOURCE;
    if (log == NULL || sequence == 0 || !relay_core_log_view(core, lane, PROOF_LOG_MESSAGE, &view))
        return false;
    const struct core_head *head = head_covering(log, sequence);
    const struct topology_epoch *epoch = core_epoch(core, log);
    out->seen = view.newest_seen >= sequence || view.settled >= sequence;
    out->stored = log->durable >= sequence;
    out->proven = log->proven >= sequence;
    out->attested = log->attested >= sequence;
    out->certified = log->certified >= sequence;
    out->certified_head = out->certified && head != NULL ? head->number : 0;
    out->delivered = view.delivered >= sequence;
    out->settled = log->settled >= sequence;
    out->pruned = log->base >= sequence;
    out->quorum = epoch ? epoch->quorum : 0;
    uint16_t signers =
        head != NULL && head->number >= sequence ? signers_of(out->signers, RELAY_EXPLAIN_SIGNERS_MAX, head) : 0;
    out->signers_len = signers < RELAY_EXPLAIN_SIGNERS_MAX ? signers : RELAY_EXPLAIN_SIGNERS_MAX;
    explain_place(out, log);
    out->cause = out->settled ? RELAY_CAUSE_NONE : out->certified && !view.cause ? RELAY_CAUSE_OUTCOME : view.cause;
    out->since = view.since;
    out->waits_for_operator = view.waits_for_operator;
    out->waits_for_source = view.waits_for_source;
    out->waits_for_relay = view.waits_for_relay;
    return out->seen;
}
