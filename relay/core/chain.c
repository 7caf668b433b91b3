/*
 * Chains and their sources: who is up, who said which header, which headers count. The core, not the connector, counts
 * the sources that agree (I8): too few is silence, two different hashes is silence and an alarm.
 */
#include <stdlib.h>
#include <string.h>

#include "relay/core/parts.h"

enum { FAILOVER_MS = 15000, STATEMENTS_MS = 1000, STATUS_MS = 500, BLAMED_MAX = 3 };

size_t core_chain_place(const struct core_chain *chain, uint16_t source)
{
    for (size_t i = 0; i < chain->sources_len; i++) {
        if (chain->sources[i] == source)
            return i;
    }
    return RELAY_SOURCES_MAX;
}

static struct core_chain *chain_of_source(struct relay_core *core, uint16_t source)
{
    return &core->chains[core->config.sources[source].chain];
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

/* ---- statements ---------------------------------------------------------------------------------------------------- */

/* mine: bit of the source that speaks, which makes a row when there is none; 0: only look. */
static struct core_statement *statement_at(struct core_chain *chain, uint64_t height, uint16_t mine)
{
    struct core_statement *lowest = &chain->statements[0], *own = NULL;
    for (size_t i = 0; i < CORE_STATEMENT_HEIGHTS; i++) {
        struct core_statement *statement = &chain->statements[i];
        if (statement->height == height && statement->said)
            return statement;
        if (statement->height < lowest->height || !statement->said)
            lowest = statement;
        if (statement->said == mine && (own == NULL || statement->height < own->height))
            own = statement;
    }
    if (mine == 0)
        return NULL;
    /* A source that speaks of many heights pushes out its own lone words first, never what others said. */
    if (lowest->said && own != NULL)
        lowest = own;
    *lowest = (struct core_statement){.height = height};
    return lowest;
}

const struct core_statement *core_chain_said(const struct relay_core *core, uint16_t index, uint64_t height)
{
    return statement_at(&core->chains[index], height, 0);
}

static void statement_note(struct relay_core *core, uint16_t source, uint64_t height, const uint8_t hash[32])
{
    struct core_chain *chain = chain_of_source(core, source);
    size_t place = core_chain_place(chain, source);
    struct core_statement *statement = statement_at(chain, height, (uint16_t)(1u << place));
    statement->said |= (uint16_t)(1u << place);
    memcpy(statement->hash[place], hash, 32);
}

/* Asks every source that is up and has not spoken about this height. */
static void statements_ask(struct relay_core *core, struct core_chain *chain, uint64_t height)
{
    const struct core_statement *statement = statement_at(chain, height, 0);
    for (size_t i = 0; i < chain->sources_len; i++) {
        bool said = statement != NULL && (statement->said & (1u << i)) != 0;
        if (said || !core->sources[chain->sources[i]].up)
            continue;
        core_to_source(core, chain->sources[i],
                       &(struct connector_message){.type = CONNECTOR_ASK_HEADER, .ask_header = {.height = height}});
    }
}

size_t core_chain_statements(const struct relay_core *core, uint16_t index, uint64_t height, const uint8_t hash[32],
                             struct relay_signing_statement out[RELAY_SOURCES_MAX])
{
    struct core_chain *chain = &core->chains[index];
    const struct core_statement *statement = statement_at(chain, height, 0);
    size_t len = 0;
    for (size_t i = 0; statement != NULL && i < chain->sources_len; i++) {
        if ((statement->said & (1u << i)) == 0 || memcmp(statement->hash[i], hash, 32) != 0)
            continue;
        out[len].source = chain->sources[i];
        memcpy(out[len++].header_hash, hash, 32);
    }
    return len;
}

/* ---- agreement ----------------------------------------------------------------------------------------------------- */

static struct bytes text_bytes(const char *text)
{
    return (struct bytes){(const uint8_t *)text, strlen(text)};
}

enum proof_verdict core_chain_agree_over(const struct relay_core *core, uint16_t index, uint64_t height,
                                         const struct core_statement *statement, struct proof_agreement_fact *fact,
                                         struct proof_result *result)
{
    const struct topology_chain *document = &core->network->chains[index];
    const struct core_chain *chain = &core->chains[index];
    struct proof_agreement_source sources[RELAY_SOURCES_MAX];
    struct proof_agreement_statement said[RELAY_SOURCES_MAX];
    size_t len = 0;
    for (size_t i = 0; i < chain->sources_len; i++) {
        const struct relay_source *source = &core->config.sources[chain->sources[i]];
        sources[i] = (struct proof_agreement_source){text_bytes(source->operator_tag), text_bytes(source->network_tag),
                                                     text_bytes(source->software_tag)};
        if (statement == NULL || (statement->said & (1u << i)) == 0)
            continue;
        said[len] =
            (struct proof_agreement_statement){.source = i, .chain = BYTES_OF(document->identity), .height = height};
        memcpy(said[len++].header_hash, statement->hash[i], 32);
    }
    /* I8: "1-of-1 runs only under --dev". */
    if (document->sources < 2 && !core->config.dev)
        return proof_refuse(result, PROOF_REASON_AGREEMENT_TRUST, 0);
    struct proof_agreement_trust trust = {BYTES_OF(document->identity), sources, chain->sources_len, document->sources};
    return proof_agreement_verify(result, fact, &trust, height, said, len);
}

static void pending_remove(struct core_chain *chain, size_t at)
{
    core_evidence_release(chain->pending[at]);
    chain->pending_len--;
    memmove(&chain->pending[at], &chain->pending[at + 1], (chain->pending_len - at) * sizeof(chain->pending[0]));
}

/* Evidence that is let go without having been taken: its logs ask for it again, so that none is left waiting. */
static void pending_forget(struct relay_core *core, struct core_chain *chain, size_t at)
{
    const struct core_evidence *evidence = chain->pending[at];
    for (size_t i = 0; i < evidence->marks_len; i++)
        core_ingest_again(core, &core->logs[evidence->marks[i].log]);
    pending_remove(chain, at);
}

/* A liar may be the first to speak: a contradiction is one when nobody who is up is left to decide it. */
static bool all_spoke(const struct relay_core *core, struct core_chain *chain, uint64_t height)
{
    const struct core_statement *statement = statement_at(chain, height, 0);
    for (size_t i = 0; i < chain->sources_len; i++) {
        bool said = statement != NULL && (statement->said & (1u << i)) != 0;
        if (!said && core->sources[chain->sources[i]].up)
            return false;
    }
    return true;
}

/* `agreed` NULL: nobody knows who lies. */
static void contradiction_note(struct relay_core *core, uint16_t index, uint64_t height, const uint8_t *agreed)
{
    struct core_chain *chain = &core->chains[index];
    const struct core_statement *statement = statement_at(chain, height, 0);
    const char *who = "sources";
    for (size_t i = 0; statement != NULL && i < chain->sources_len; i++) {
        bool said = (statement->said & (1u << i)) != 0;
        if (!said || (agreed != NULL && memcmp(statement->hash[i], agreed, 32) == 0))
            continue;
        core->sources[chain->sources[i]].contradictions++;
        who = agreed != NULL ? core->config.sources[chain->sources[i]].name : who;
    }
    core_note(core, RELAY_ALARM, RELAY_REASON_SOURCES_DISAGREE, NULL, 0, "%s: at height %llu %s %s",
              core->network->chains[index].id, (unsigned long long)height, who,
              agreed != NULL ? "contradicts those that agree" : "name different headers; abstaining there");
}

void core_chain_agree(struct relay_core *core, uint16_t index)
{
    struct core_chain *chain = &core->chains[index];
    for (size_t i = 0; i < chain->pending_len && !chain->mark.frozen;) {
        struct core_evidence *evidence = chain->pending[i];
        struct proof_agreement_fact fact;
        struct proof_result result;
        uint64_t height = evidence->fact.height;
        if (core_chain_agree_over(core, index, height, statement_at(chain, height, 0), &fact, &result) == PROOF_VALID) {
            bool same = memcmp(fact.header_hash, evidence->fact.header_hash, 32) == 0;
            if (same && core_finality_advance(core, index, &evidence->fact)) {
                evidence->agreed = true;
                evidence->statements_len =
                    core_chain_statements(core, index, fact.height, fact.header_hash, evidence->statements);
                chain->disagree = false;
                if (fact.against > 0)
                    contradiction_note(core, index, fact.height, fact.header_hash);
                chain->progress = core->now;
                for (size_t j = 0; j < chain->sources_len; j++)
                    core->sources[chain->sources[j]].agreed = evidence->fact.height;
                core_evidence_apply(core, evidence);
            } else {
                core_note(core, RELAY_WARNING, RELAY_REASON_EVIDENCE_REFUSED, NULL, 0,
                          "%s: evidence of another header than the agreed one", core->network->chains[index].id);
                core_evidence_refuse(core, evidence, evidence->source, "another-header-than-agreed");
                core_chain_blame(core, evidence->source, false, "evidence of another header than the agreed one");
                pending_forget(core, chain, i);
                continue;
            }
            pending_remove(chain, i);
            continue;
        }
        if (result.reason == PROOF_REASON_AGREEMENT_TRUST && !chain->unusable) {
            chain->unusable = true;
            core_note(core, RELAY_ALARM, RELAY_REASON_SOURCES_DISAGREE, NULL, 0,
                      "%s: %zu sources are configured here, the network document demands %u; a single one counts only "
                      "under --dev. This relay abstains",
                      core->network->chains[index].id, chain->sources_len, core->network->chains[index].sources);
        }
        if (result.reason == PROOF_REASON_AGREEMENT_CONTRADICTION && all_spoke(core, chain, evidence->fact.height)) {
            contradiction_note(core, index, evidence->fact.height, NULL);
            chain->disagree = true;
            pending_forget(core, chain, i);
            continue;
        }
        i++;
    }
}

void core_chain_pend(struct relay_core *core, struct core_evidence *evidence)
{
    struct core_chain *chain = &core->chains[evidence->chain];
    statement_note(core, evidence->source, evidence->fact.height, evidence->fact.header_hash);
    if (chain->pending_len == CORE_PENDING_EVIDENCE) {
        core_note(core, RELAY_DEBUG, RELAY_REASON_EVIDENCE_CROWDED, NULL, 0, "%s: height %llu",
                  core->network->chains[evidence->chain].id, (unsigned long long)chain->pending[0]->fact.height);
        pending_forget(core, chain, 0);
    }
    uint64_t height = evidence->fact.height;
    chain->pending[chain->pending_len++] = evidence;
    core_chain_agree(core, evidence->chain);
    for (size_t i = 0; i < chain->pending_len; i++) {
        if (chain->pending[i] == evidence)
            statements_ask(core, chain, height);
    }
}

/* ---- who serves ---------------------------------------------------------------------------------------------------- */

static void primary_choose(struct relay_core *core, uint16_t index, uint16_t not_this)
{
    struct core_chain *chain = &core->chains[index];
    uint16_t before = chain->primary;
    chain->primary = RELAY_NO_SOURCE;
    for (size_t i = 0; i < chain->sources_len; i++) {
        uint16_t source = chain->sources[i];
        if (!core->sources[source].up || (source == not_this && core_chain_up(core, index) > 1))
            continue;
        chain->primary = source;
        chain->primary_since = chain->progress = core->now;
        break;
    }
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

/* A source that submits tells them now, and when they change. */
static void positions_ask(struct relay_core *core, uint16_t source)
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
    positions_ask(core, source);
    for (size_t i = 0; i < chain->pending_len; i++)
        statements_ask(core, chain, chain->pending[i]->fact.height);
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
            positions_ask(core, core->chains[index].sources[i]);
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
        statement_note(core, source, header->height, header->hash);
        core_light_header(core, source, header);
        return;
    }
    core_finality_said(core, source, header->height, header->hash);
    statement_note(core, source, header->height, header->hash);
    core_chain_agree(core, core->config.sources[source].chain);
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
        core_deliver_result(core, &message.result);
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
    if (source != chain->primary || (!at_once && ++chain->blamed < BLAMED_MAX) || core_chain_up(core, index) < 2)
        return;
    chain->blamed = 0;
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
            for (size_t j = 0; j < chain->pending_len; j++)
                statements_ask(core, chain, chain->pending[j]->fact.height);
            core_finality_ask(core, i);
        }
        if (chain->primary == RELAY_NO_SOURCE)
            continue;
        if (height_reached(core, i) <= core->sources[chain->primary].final_height)
            chain->progress = core->now;
        if (core->now - chain->progress >= FAILOVER_MS)
            core_chain_blame(core, chain->primary, true, "its final height stays behind the others'");
    }
}
