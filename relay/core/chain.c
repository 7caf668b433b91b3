/* Chains and their sources: who is up, who serves, what each of them says. */
#include <stdlib.h>
#include <string.h>

#include "relay/core/parts.h"

enum {
    FAILOVER_MS = 15000,
    DOUBT_MS = 60000, /* honest sources may lie some blocks apart */
    DOUBT_DOUBLINGS = 6,
    STATEMENTS_MS = 1000,
    STATUS_MS = 500,
    BLAMED_MAX = 3
};

size_t core_chain_place(const struct core_chain *chain, uint16_t source)
{
    for (size_t i = 0; i < chain->sources_len; i++) {
        if (chain->sources[i] == source)
            return i;
    }
    return RELAY_SOURCES_MAX;
}

size_t core_chain_up(const struct relay_core *core, uint16_t index)
{
    const struct core_chain *chain = &core->chains[index];
    size_t up = 0;
    for (size_t i = 0; i < chain->sources_len; i++)
        up += core->sources[chain->sources[i]].up;
    return up;
}

void core_to_source(struct relay_core *core, uint16_t source, const struct connector_message *message)
{
    codec_pack_clear(&core->pack);
    codec_connector_encode(&core->pack, message);
    if (core->pack.failed) {
        core_note(core, RELAY_ALARM, RELAY_REASON_SOURCE_PROTOCOL, NULL, 0, "cannot encode a %s message",
                  codec_connector_type_name(message->type));
        return;
    }
    struct relay_action *action = core_act(core, RELAY_ACTION_TO_SOURCE);
    action->source = source;
    action->body = core_keep(core, codec_pack_bytes(&core->pack));
}

/* ---- who serves ---------------------------------------------------------------------------------------------------- */

static void primary_choose(struct relay_core *core, uint16_t index, uint16_t not_this)
{
    struct core_chain *chain = &core->chains[index];
    uint16_t before = chain->primary;
    chain->primary = RELAY_NO_SOURCE;
    /* The one behind it: were it always the first, two of no use would keep a third from its turn. */
    size_t first = not_this != RELAY_NO_SOURCE ? core_chain_place(chain, not_this) + 1 : 0;
    for (size_t i = first; i < first + chain->sources_len; i++) {
        uint16_t source = chain->sources[i % chain->sources_len];
        if (!core->sources[source].up || (source == not_this && core_chain_up(core, index) > 1))
            continue;
        chain->primary = source;
        chain->progress = core->now;
        break;
    }
    core_agree_drop(chain); /* of records that go below, too */
    for (size_t i = 0; i < core->logs_len; i++) {
        struct core_log *log = &core->logs[i];
        if (!log->is_home || log->home != index)
            continue;
        core_log_free_stage(log);
        log->credit_granted = 0;
        log->again_asked = log->again_wanted = false;
        if (before != RELAY_NO_SOURCE && before != chain->primary && core->sources[before].up)
            core_to_source(
                core, before,
                &(struct connector_message){.type = CONNECTOR_UNSUBSCRIBE, .unsubscribe = {.watch = (uint32_t)i}});
        if (chain->primary != RELAY_NO_SOURCE)
            core_ingest_subscribe(core, log, chain->primary);
        core_log_mark(core, log);
    }
}

void core_chain_positions(struct relay_core *core, uint16_t source)
{
    for (size_t i = 0; core->config.sources[source].submits && i < core->logs_len; i++) {
        struct core_log *log = &core->logs[i];
        if (!log->is_target || log->target != core->config.sources[source].chain || log->kind == PROOF_LOG_SETTLEMENT)
            continue;
        struct connector_message message = {.type = CONNECTOR_POSITION,
                                            .position = {.watch = (uint32_t)i, .kind = log->kind}};
        core_connector_lane(&message.position.lane, core, core_lane(core, log));
        core_to_source(core, source, &message);
    }
}

static void source_up(struct relay_core *core, uint16_t source)
{
    uint16_t index = core->config.sources[source].chain;
    struct core_chain *chain = &core->chains[index];
    core->sources[source].up = core->sources[source].came = true;
    core->sources[source].broken = false;
    core_note(core, RELAY_INFO, RELAY_REASON_SOURCE_UP, NULL, 0, "%s (%s)", core->config.sources[source].name,
              core->network->chains[index].id);
    core_finality_ask(core, index);
    if (chain->primary == RELAY_NO_SOURCE)
        primary_choose(core, index, RELAY_NO_SOURCE);
    core_chain_positions(core, source);
    core_agree_ask(core, index);
}

static void source_down(struct relay_core *core, uint16_t source)
{
    uint16_t index = core->config.sources[source].chain;
    if (!core->sources[source].up)
        return;
    core->sources[source].up = false;
    core->sources[source].silent = 0;
    core->sources[source].differs = false;
    core_witness_down(core, source);
    core_note(core, RELAY_WARNING, RELAY_REASON_SOURCE_DOWN, NULL, 0, "%s (%s)", core->config.sources[source].name,
              core->network->chains[index].id);
    if (core->chains[index].primary == source)
        primary_choose(core, index, source);
    if (!core->config.sources[source].submits)
        return;
    core_deliver_reset(core, index);
    /* What the others told before was forgotten, or not looked at: they tell it once more. */
    for (size_t i = 0; i < core->chains[index].sources_len; i++) {
        if (core->sources[core->chains[index].sources[i]].up)
            core_chain_positions(core, core->chains[index].sources[i]);
    }
}

/* Records were sent that the chain contradicts, or a watch does not go on: only going back heals it. */
static void cannot_heal(struct relay_core *core, uint16_t source, const struct connector_cannot *cannot)
{
    struct codec_reader reader;
    codec_reader_init(&reader, cannot->about);
    uint32_t watch = codec_read_u32(&reader);
    bool waits = cannot->type == CONNECTOR_CREDIT; /* nothing to heal: more credit comes when something settles */
    if ((cannot->type != CONNECTOR_SUBSCRIBE && !waits) || !codec_reader_done(&reader) || watch >= core->logs_len ||
        !core->logs[watch].is_home || source != core->chains[core->logs[watch].home].primary)
        return;
    core->logs[watch].credit_short = waits;
    core_log_mark(core, &core->logs[watch]);
    if (waits || core->chains[core->logs[watch].home].mark.frozen)
        return;
    core_chain_blame(core, source, false, "it cannot go on with a log");
    core_ingest_again(core, &core->logs[watch]);
}

static void cannot_note(struct relay_core *core, uint16_t source, const struct connector_cannot *cannot)
{
    /* Witnesses are asked for a header as soon as another source has it. */
    bool soon = cannot->type == CONNECTOR_ASK_HEADER && core->lights[core->config.sources[source].chain] != NULL;
    core_note(core, soon ? RELAY_DEBUG : RELAY_INFO, RELAY_REASON_SOURCE_CANNOT, NULL, 0, "%s: %s: %.*s",
              core->config.sources[source].name, codec_connector_type_name((enum connector_type)cannot->type),
              (int)cannot->text.len, (const char *)cannot->text.data);
}

static void status_note(struct relay_core *core, uint16_t source, const struct connector_status *status)
{
    struct core_source *state = &core->sources[source];
    for (size_t i = 0; state->newest != status->newest && i < core->logs_len; i++) {
        if (core->logs[i].is_target && core->logs[i].target == core->config.sources[source].chain)
            core_log_mark(core, &core->logs[i]); /* a new block: it may be our turn now */
    }
    state->newest = status->newest;
    state->newest_time = status->newest_time;
    state->final_height = status->final_height;
    size_t len = status->balance.len < sizeof(state->balance) - 1 ? status->balance.len : sizeof(state->balance) - 1;
    memcpy(state->balance, status->balance.data, len);
    state->balance[len] = 0;
}

static void notice_note(struct relay_core *core, uint16_t source, const struct connector_notice *notice)
{
    struct core_source *state = &core->sources[source];
    size_t len = notice->text.len < sizeof(state->text) - 1 ? notice->text.len : sizeof(state->text) - 1;
    memcpy(state->text, notice->text.data, len);
    state->text[len] = 0;
    enum relay_level level = notice->code == CONNECTOR_NOTICE_FINALITY_BROKEN ? RELAY_ALARM : RELAY_WARNING;
    core_note(core, level, RELAY_REASON_SOURCE_NOTICE, NULL, 0, "%s: notice %u: %s", core->config.sources[source].name,
              notice->code, state->text);
    /* Where headers prove themselves nobody's word breaks finality: witness.c judges what is shown. */
    if (notice->code == CONNECTOR_NOTICE_FINALITY_BROKEN && core->lights[core->config.sources[source].chain] == NULL)
        core_finality_broken(core, source);
}

static void header_take(struct relay_core *core, uint16_t source, const struct connector_header *header)
{
    struct core_source *state = &core->sources[source];
    if (codec_bytes_are_zero(header->hash, 32)) {
        core_chain_blame(core, source, true, "a header hash of zeros");
        return;
    }
    if (header->height > state->final_height)
        state->final_height = header->height;
    if (core_light_of(core, core->config.sources[source].chain) != NULL) {
        core_agree_note(core, source, header->height, header->hash);
        core_light_header(core, source, header);
        return;
    }
    core_finality_said(core, source, header->height, header->hash);
    core_agree_note(core, source, header->height, header->hash);
    core_agree(core, core->config.sources[source].chain);
}

static void source_message(struct relay_core *core, const struct relay_event *event)
{
    struct connector_message message;
    const char *where = "";
    bool known = codec_connector_decode(&message, core->scratch, event->body, &where);
    enum connector_type type = known ? message.type : CONNECTOR_NONE;
    if (type == CONNECTOR_HEADER) {
        header_take(core, event->source, &message.header);
    } else if (type == CONNECTOR_RECORDS) {
        core_ingest_records(core, event->source, &message.records);
    } else if (type == CONNECTOR_EVIDENCE) {
        core_evidence_take(core, event->source, &message.evidence, event->body);
    } else if (type == CONNECTOR_OFFENCE) {
        core_offence_take(core, event->source, &message.offence, event->body);
    } else if (type == CONNECTOR_POSITION_IS) {
        core_deliver_position(core, event->source, &message.position_is);
    } else if (type == CONNECTOR_RESULT) {
        core_deliver_result(core, event->source, &message.result);
    } else if (type == CONNECTOR_STATUS) {
        status_note(core, event->source, &message.status);
    } else if (type == CONNECTOR_NOTICE) {
        notice_note(core, event->source, &message.notice);
    } else if (type == CONNECTOR_CANNOT) {
        cannot_note(core, event->source, &message.cannot);
        cannot_heal(core, event->source, &message.cannot);
    } else {
        const char *rule = known ? "a message that only relays send" : where;
        core_note(core, RELAY_WARNING, RELAY_REASON_SOURCE_PROTOCOL, NULL, 0, "%s: %s",
                  core->config.sources[event->source].name, rule);
        core_ban(core, event->source, "broke the protocol: %s", rule);
    }
}

void core_source_event(struct relay_core *core, const struct relay_event *event)
{
    if (event->source >= core->config.sources_len)
        return;
    if (event->type == RELAY_EVENT_SOURCE_UP)
        source_up(core, event->source);
    else if (event->type == RELAY_EVENT_SOURCE_DOWN)
        source_down(core, event->source);
    else if (core->sources[event->source].up)
        source_message(core, event);
}

void core_chain_blame(struct relay_core *core, uint16_t source, bool at_once, const char *why)
{
    uint16_t index = core->config.sources[source].chain;
    struct core_chain *chain = &core->chains[index];
    if (source != chain->primary || (!at_once && (++chain->blamed < BLAMED_MAX || core->now < chain->blame_again)) ||
        core_chain_up(core, index) < 2)
        return;
    chain->blamed = 0;
    if (!at_once) { /* it begins all logs anew: where none of them does better, ever more rarely */
        chain->blame_again = core->now + ((uint64_t)FAILOVER_MS << chain->turns);
        chain->turns += chain->turns < DOUBT_DOUBLINGS;
    }
    core_note(core, RELAY_WARNING, RELAY_REASON_SOURCE_FAILOVER, NULL, 0, "%s: %s is replaced: %s",
              core->network->chains[index].id, core->config.sources[source].name, why);
    primary_choose(core, index, source);
}

/* The height that as many sources as the chain demands have reached: what one of them says beyond it moves nobody. */
static uint64_t height_reached(const struct relay_core *core, uint16_t index)
{
    const struct core_chain *chain = &core->chains[index];
    uint64_t best = 0;
    if (core->lights[index] != NULL) /* there, what was proven */
        return (uint64_t)core->lights[index]->trust.latest.height;
    for (size_t i = 0; i < chain->sources_len; i++) {
        uint64_t height = core->sources[chain->sources[i]].final_height;
        size_t reached = 0;
        for (size_t j = 0; j < chain->sources_len; j++)
            reached += core->sources[chain->sources[j]].up && core->sources[chain->sources[j]].final_height >= height;
        if (reached >= core->network->chains[index].sources && height > best)
            best = height;
    }
    return best;
}

/* What signed heads show to exist of a log at home here, and could be proven now if the source that serves gave it. */
static bool is_owed(const struct relay_core *core, const struct core_log *log)
{
    const struct core_log *items = log->kind == PROOF_LOG_SETTLEMENT ? log - 1 : log;
    enum topology_lane_state state = core_lane(core, log)->state;
    bool moves = log->kind != PROOF_LOG_MESSAGE ||
                 (state != TOPOLOGY_LANE_PAUSED && state != TOPOLOGY_LANE_CLOSED && !core->scarce);
    uint64_t seen = log->heads_len ? log->heads[log->heads_len - 1].number : 0;
    if (!moves || log->frozen || seen <= log->proven || (items != log && seen > items->stored))
        return false;
    return !core_ingest_full(core, log) || items->window_used == 0;
}

/*
 * A source may tell heights and nothing more, of all logs or of one: other operators' heads show it. But one of them may have
 * made that up, so the next source gets its turn ever more rarely, as long as it lasts.
 */
static void doubt(struct relay_core *core, uint16_t index)
{
    struct core_chain *chain = &core->chains[index];
    bool any = false, late = false;
    for (size_t i = 0; i < core->logs_len; i++) {
        struct core_log *log = &core->logs[i];
        if (!log->is_home || log->home != index)
            continue;
        bool owed = is_owed(core, log);
        if (!owed || log->owed.proven != log->proven || log->owed.since == 0) {
            log->owed.since = owed ? core->now : 0;
            log->owed.proven = log->proven;
        }
        log->owed.late = owed && core->now - log->owed.since >= DOUBT_MS;
        any = any || owed;
        late = late || log->owed.late;
        if (log->owed.late)
            core_log_mark(core, log); /* it says what it waits for */
    }
    if (!any)
        chain->doubts = 0;
    size_t up = core_chain_up(core, index);
    if (!late || core->now < chain->doubt_again || up < 2 || up < core->network->chains[index].sources)
        return;
    chain->doubt_again = core->now + ((uint64_t)DOUBT_MS << chain->doubts);
    chain->doubts += chain->doubts < DOUBT_DOUBLINGS;
    core_chain_blame(core, chain->primary, true, "operators signed more than it shows");
}

/* A primary whose final height no longer moves while the others' does is replaced; the number demanded never changes. */
void core_chain_tick(struct relay_core *core)
{
    for (uint16_t i = 0; i < core->network->chains_len; i++) {
        struct core_chain *chain = &core->chains[i];
        for (size_t j = 0; core->now >= chain->ask_status && j < chain->sources_len; j++) {
            if (core->sources[chain->sources[j]].up)
                core_to_source(core, chain->sources[j], &(struct connector_message){.type = CONNECTOR_ASK_STATUS});
        }
        if (core->now >= chain->ask_status)
            chain->ask_status = core->now + STATUS_MS;
        core_light_tick(core, i);
        if (core->now >= chain->ask_again) {
            chain->ask_again = core->now + STATEMENTS_MS;
            core_agree_ask(core, i);
            core_finality_ask(core, i);
            if (chain->primary != RELAY_NO_SOURCE && !chain->mark.frozen &&
                core_light_cause(core, i) == RELAY_CAUSE_NONE)
                doubt(core, i);
        }
        if (chain->primary == RELAY_NO_SOURCE)
            continue;
        if (height_reached(core, i) <= core->sources[chain->primary].final_height)
            chain->progress = core->now;
        if (core->now - chain->progress >= FAILOVER_MS)
            core_chain_blame(core, chain->primary, true, "its final height stays behind the others'");
    }
}
