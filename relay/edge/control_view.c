/*
 * Views of a running relay as JSON. The only file of relay/ that knows jansson. It reads, and changes nothing but through
 * the options' commands.
 */
#include "relay/edge/control_view.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proofs/codec/hex.h"
#include "proofs/lane.h"
#include "proofs/outcome.h"
#include "relay/core/reason.h"
#include "relay/core/view.h"
#include "relay/edge/explain.h"
#include "relay/edge/health.h"
#include "relay/edge/log.h"
#include "relay/edge/relay.h"
#include "relay/edge/who.h"

enum { WAITING_MAX = 64, EVENTS_MAX = 256 };

/* ---- pieces -------------------------------------------------------------------------------------------------------- */

static json_t *number(uint64_t value)
{
    return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value);
}

static json_t *hex(const uint8_t *data, size_t len)
{
    char digits[2 * 64 + 1];
    codec_hex_encode(digits, (struct bytes){data, len});
    return json_string(digits);
}

/* Texts from outside may be anything; an answer is UTF-8. */
static json_t *text(const char *value)
{
    json_t *string = json_string(value);
    return string != NULL ? string : json_string("(not UTF-8)");
}

static json_t *refusal(const char *error)
{
    return json_pack("{s:b, s:o}", "ok", 0, "error", text(error));
}

/* An answer: {"ok": true} and the members of object, which is used up. */
static json_t *answer(json_t *object)
{
    if (object != NULL)
        json_object_set_new(object, "ok", json_true());
    return object;
}

static uint64_t ago(uint64_t then)
{
    uint64_t now = edge_loop_now();
    return then == 0 || then > now ? 0 : now - then;
}

static json_t *child(const struct edge_child_view *view)
{
    uint64_t now = edge_loop_now();
    return json_pack("{s:s, s:s, s:i, s:o, s:o, s:o, s:o, s:o}", "name", view->name, "state",
                     edge_child_state_name(view->state), "pid", (int)view->pid, "starts", number(view->starts),
                     "crashes", number(view->crashes), "since_ms", number(ago(view->since)), "retry_ms",
                     number(view->retry > now ? view->retry - now : 0), "text", text(view->text));
}

static json_t *operator_name(const struct topology_network *network, uint16_t operator_number)
{
    const struct topology_operator *found =
        operator_number == 0 ? NULL : topology_operator_by_number(network, operator_number);
    return found != NULL ? json_string(found->name) : json_null();
}

static json_t *relay_name(const struct topology_network *network, uint16_t relay)
{
    return relay < network->relays_len ? json_string(network->relays[relay].name) : json_null();
}

static json_t *source_name(const struct edge_relay *relay, uint16_t source)
{
    return source < relay->config->sources_len ? json_string(relay->source_list[source].name) : json_null();
}

static void waits_for_set(json_t *object, const struct edge_relay *relay, uint16_t operator_number, uint16_t source,
                          uint16_t other)
{
    json_object_set_new(object, "waits_for_operator", operator_name(relay->network, operator_number));
    json_object_set_new(object, "waits_for_source", source_name(relay, source));
    json_object_set_new(object, "waits_for_relay", relay_name(relay->network, other));
}

static json_t *who(const struct edge_relay *relay, uint16_t lane, uint8_t kind, enum relay_cause cause,
                   uint16_t operator_number, uint16_t source)
{
    char out[EDGE_WHO_MAX];
    edge_who(out, relay, lane, topology_log_home(&relay->network->lanes[lane], kind), cause, operator_number, source);
    return text(out);
}

static json_t *log_view(const struct edge_relay *relay, const struct relay_log_view *view)
{
    json_t *object = json_pack("{s:s, s:s, s:o, s:s, s:o, s:b}", "lane", relay->network->lanes[view->lane].name, "kind",
                               proof_log_kind_name((enum proof_log_kind)view->kind), "id", hex(view->id, 32), "cause",
                               relay_cause_text(view->cause), "since_ms",
                               number(view->cause == RELAY_CAUSE_NONE ? 0 : ago(view->since)), "frozen", view->frozen);
    const struct {
        const char *name;
        uint64_t value;
    } marks[] = {{"proven", view->proven},           {"stored", view->stored},           {"attested", view->attested},
                 {"certified", view->certified},     {"delivered", view->delivered},     {"settled", view->settled},
                 {"newest_seen", view->newest_seen}, {"window_used", view->window_used}, {"window", view->window}};
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
        json_object_set_new(object, marks[i].name, number(marks[i].value));
    uint16_t other = view->cause == RELAY_CAUSE_TURN ? view->waits_for_relay : RELAY_NO_SOURCE;
    uint16_t operator_number = view->cause == RELAY_CAUSE_QUORUM ? view->waits_for_operator : 0;
    waits_for_set(object, relay, operator_number, view->waits_for_source, other);
    json_object_set_new(object, "cause_name", json_string(relay_cause_name(view->cause)));
    json_object_set_new(object, "oldest_at_ms", number(view->oldest));
    json_object_set_new(object, "who",
                        who(relay, view->lane, view->kind, view->cause, operator_number, view->waits_for_source));
    return object;
}

/* ---- status -------------------------------------------------------------------------------------------------------- */

static json_t *status_store(const struct edge_relay *relay)
{
    struct edge_writer_stats stats;
    edge_writer_stats(relay->writer, &stats);
    return json_pack("{s:b, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "ok", relay->store_status == STORE_OK, "status",
                     store_status_name(relay->store_status), "text", text(relay->store_text), "writes",
                     number(stats.writes), "groups", number(stats.groups), "bytes", number(stats.bytes),
                     "longest_commit_us", number(stats.longest_commit_us), "queued_bytes", number(stats.queued_bytes));
}

static json_t *status_counters(const struct edge_relay *relay)
{
    json_t *counters = json_object();
    for (unsigned i = 0; i < relay_reason_count(); i++) {
        uint64_t count = relay_core_counter(relay->core, i);
        if (count > 0)
            json_object_set_new(counters, relay_reason_text(i), number(count));
    }
    return counters;
}

static json_t *status_sources(const struct edge_relay *relay)
{
    size_t up = 0, total = edge_sources_count(relay->sources);
    for (size_t i = 0; i < total; i++) {
        struct relay_source_view view;
        up += relay_core_source_view(relay->core, (uint16_t)i, &view) && view.up;
    }
    return json_pack("{s:o, s:o}", "up", number(up), "total", number(total));
}

static json_t *status_peers(const struct edge_relay *relay)
{
    size_t up = 0, total = 0, other = 0;
    for (size_t i = 0; i < relay->network->relays_len; i++) {
        struct relay_peer_view view;
        struct edge_mesh_peer_stats stats;
        if (!edge_mesh_peer_stats(relay->mesh, (uint16_t)i, &stats) ||
            !relay_core_peer_view(relay->core, (uint16_t)i, &view))
            continue;
        total++;
        up += view.up;
        other += view.document_version != 0 && memcmp(view.document_hash, relay->network->hash, 32) != 0;
    }
    return json_pack("{s:o, s:o, s:o}", "up", number(up), "total", number(total), "other_document", number(other));
}

static int longest_first(const void *a, const void *b)
{
    const struct relay_log_view *left = a, *right = b;
    return left->since < right->since ? -1 : left->since > right->since;
}

/* How many there are, and of these: frozen, not frozen but waiting, and the rest. */
struct tally {
    size_t total, waiting, frozen;
};

static json_t *tally_pack(const struct tally *tally)
{
    return json_pack("{s:o, s:o, s:o, s:o}", "total", number(tally->total), "moving",
                     number(tally->total - tally->waiting - tally->frozen), "waiting", number(tally->waiting), "frozen",
                     number(tally->frozen));
}

static void tally_add(struct tally *tally, bool frozen, bool waiting)
{
    tally->total++;
    tally->frozen += frozen;
    tally->waiting += waiting && !frozen;
}

/* Every log that waits for something, longest first; and the tallies of logs and lanes: a lane is as its worst log is. */
static void status_lanes(json_t *object, const struct edge_relay *relay)
{
    size_t lanes_len = relay->network->lanes_len, len = 0;
    struct relay_log_view *views = calloc(lanes_len * TOPOLOGY_LOGS_PER_LANE + 1, sizeof(*views));
    struct tally lanes = {0}, logs = {0};
    json_t *waiting = json_array();
    for (uint16_t lane = 0; views != NULL && lane < lanes_len; lane++) {
        bool lane_frozen = false, lane_waits = false;
        for (uint8_t kind = 1; kind <= TOPOLOGY_LOGS_PER_LANE; kind++) {
            struct relay_log_view *view = &views[len];
            if (!relay_core_log_view(relay->core, lane, kind, view))
                continue;
            bool waits = view->cause != RELAY_CAUSE_NONE;
            tally_add(&logs, view->frozen, waits);
            lane_frozen = lane_frozen || view->frozen;
            lane_waits = lane_waits || waits;
            len += waits;
        }
        tally_add(&lanes, lane_frozen, lane_waits);
    }
    if (views != NULL)
        qsort(views, len, sizeof(*views), longest_first);
    for (size_t i = 0; i < len && i < WAITING_MAX; i++)
        json_array_append_new(waiting, log_view(relay, &views[i]));
    free(views);
    json_object_set_new(object, "waiting", waiting);
    json_object_set_new(object, "lanes", tally_pack(&lanes));
    json_object_set_new(object, "logs", tally_pack(&logs));
}

/* The light clients of chains that prove their own headers. */
static json_t *status_trust(const struct edge_relay *relay)
{
    json_t *list = json_array();
    for (uint16_t i = 0; i < relay->network->chains_len; i++) {
        struct relay_trust_view view;
        if (!relay_core_trust_view(relay->core, i, &view))
            continue;
        json_t *one = json_pack("{s:s, s:o, s:o, s:o, s:o, s:s}", "chain", relay->network->chains[i].id, "height",
                                number(view.height), "time", number(view.time), "left_s", number(view.left),
                                "signer_height", number(view.signer_height), "attack", view.attack);
        json_object_set_new(one, "double_votes", number(view.double_votes));
        if (view.double_votes > 0)
            json_object_set_new(one, "double_vote",
                                json_pack("{s:o, s:o, s:o, s:o}", "validator", hex(view.culprit, 20), "height",
                                          number(view.culprit_height), "power", number(view.culprit_power),
                                          "total_power", number(view.culprit_total)));
        json_array_append_new(list, one);
    }
    return list;
}

static json_t *command_status(const struct edge_relay *relay)
{
    const struct topology_network *network = relay->network;
    json_t *object =
        json_pack("{s:b, s:b, s:s, s:i, s:o, s:s, s:o, s:{s:s, s:o, s:o}}", "ready", relay->ready, "draining",
                  relay->draining, "version", EDGE_RELAY_VERSION, "pid", (int)getpid(), "uptime_ms",
                  number(ago(relay->started)), "relay", network->relays[relay->self].name, "operator",
                  operator_name(network, network->relays[relay->self].operator_number), "network", "name",
                  network->name, "version", number(network->version), "hash", hex(network->hash, 32));
    struct edge_child_view view;
    if (relay->signer != NULL)
        edge_child_look(relay->signer, &view);
    json_object_set_new(object, "signer", relay->signer != NULL ? child(&view) : json_null());
    json_object_set_new(object, "store", status_store(relay));
    json_object_set_new(object, "sources", status_sources(relay));
    json_object_set_new(object, "trust", status_trust(relay));
    json_object_set_new(object, "peers", status_peers(relay));
    status_lanes(object, relay);
    json_object_set_new(object, "counters", status_counters(relay));
    json_object_set_new(object, "longest_deed_ms", number(relay->longest_ms));
    json_object_set_new(object, "http",
                        relay->http != NULL ? json_string(edge_http_address(relay->http)) : json_null());
    char health[4096];
    edge_health_text(relay, health, sizeof(health));
    json_object_set_new(object, "healthy", json_boolean(edge_health_causes(relay) == 0));
    json_object_set_new(object, "health", text(health));
    return answer(object);
}

/* ---- lanes, peers, sources ----------------------------------------------------------------------------------------- */

static const char *lane_state_name(enum topology_lane_state state)
{
    switch (state) {
    case TOPOLOGY_LANE_OPEN: return "open";
    case TOPOLOGY_LANE_DRAINING: return "draining";
    case TOPOLOGY_LANE_PAUSED: return "paused";
    case TOPOLOGY_LANE_CLOSED: return "closed";
    }
    return "unknown";
}

static json_t *command_lanes(const struct edge_relay *relay)
{
    const struct topology_network *network = relay->network;
    json_t *lanes = json_array();
    for (size_t i = 0; i < network->lanes_len; i++) {
        const struct topology_lane *lane = &network->lanes[i];
        json_t *logs = json_array();
        for (uint8_t kind = 1; kind <= TOPOLOGY_LOGS_PER_LANE; kind++) {
            struct relay_log_view view;
            if (relay_core_log_view(relay->core, (uint16_t)i, kind, &view))
                json_array_append_new(logs, log_view(relay, &view));
        }
        json_array_append_new(lanes, json_pack("{s:s, s:o, s:s, s:s, s:s, s:b, s:b, s:o}", "name", lane->name, "id",
                                               hex(lane->id, 32), "state", lane_state_name(lane->state), "source",
                                               network->chains[lane->source].id, "destination",
                                               network->chains[lane->destination].id, "ordered",
                                               (lane->mode & PROOF_MODE_ORDERED) != 0, "retry",
                                               (lane->mode & PROOF_MODE_RETRY) != 0, "logs", logs));
    }
    return answer(json_pack("{s:o}", "lanes", lanes));
}

static json_t *refused_counts(const struct edge_gate_stats *stats)
{
    json_t *refused = json_object();
    for (size_t i = 1; i < EDGE_GATE_REASON_COUNT; i++) {
        if (stats->refused[i] > 0)
            json_object_set_new(refused, edge_gate_reason_name((enum edge_gate_reason)i), number(stats->refused[i]));
    }
    return refused;
}

static json_t *peer(const struct edge_relay *relay, uint16_t index, const struct edge_mesh_peer_stats *stats)
{
    const struct topology_relay *document = &relay->network->relays[index];
    uint64_t now = edge_loop_now();
    struct relay_peer_view view;
    if (!relay_core_peer_view(relay->core, index, &view))
        memset(&view, 0, sizeof(view));
    return json_pack("{s:s, s:s, s:o, s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "relay",
                     document->name, "zone", relay->network->zones[document->zone].name, "operator",
                     operator_name(relay->network, document->operator_number), "linked", 1, "up", view.up,
                     "last_heard_ms", view.last_heard == 0 ? json_null() : number(ago(view.last_heard)), "behind",
                     number(view.behind), "ahead", number(view.ahead), "document_version",
                     number(view.document_version), "document_hash",
                     view.document_version == 0 ? json_null() : hex(view.document_hash, 32), "bytes_in",
                     number(stats->bytes_in), "asks", number(stats->asks), "asks_failed", number(stats->asks_failed),
                     "redials", number(stats->redials), "refused", refused_counts(&stats->gate), "cut_off_ms",
                     number(stats->gate.cut_until > now ? stats->gate.cut_until - now : 0));
}

static json_t *command_peers(const struct edge_relay *relay)
{
    json_t *peers = json_array();
    for (size_t i = 0; i < relay->network->relays_len; i++) {
        struct edge_mesh_peer_stats stats;
        if (edge_mesh_peer_stats(relay->mesh, (uint16_t)i, &stats))
            json_array_append_new(peers, peer(relay, (uint16_t)i, &stats));
    }
    return answer(json_pack("{s:o}", "peers", peers));
}

/* null: it submits nothing, or has not said. */
static json_t *account_view(const struct edge_relay *relay, uint16_t source)
{
    static const char *const states[] = {"unknown", "open", "near", "stopped"};
    struct edge_source_account account;
    if (!edge_sources_account(relay->sources, source, &account))
        return json_null();
    return json_pack("{s:o, s:b, s:o, s:o, s:s}", "balance", text(account.balance), "low", account.low, "spent",
                     text(account.spent), "cap", text(account.cap), "spending", states[account.spending & 3]);
}

static json_t *command_sources(const struct edge_relay *relay)
{
    json_t *sources = json_array();
    for (size_t i = 0; i < edge_sources_count(relay->sources); i++) {
        const struct relay_source *source = &relay->source_list[i];
        struct relay_source_view view;
        struct edge_child_view process;
        if (!relay_core_source_view(relay->core, (uint16_t)i, &view))
            memset(&view, 0, sizeof(view));
        edge_sources_look(relay->sources, (uint16_t)i, &process);
        json_array_append_new(
            sources,
            json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o}",
                      "name", source->name, "chain", relay->network->chains[source->chain].id, "operator_tag",
                      source->operator_tag, "network_tag", source->network_tag, "software_tag", source->software_tag,
                      "submits", source->submits, "up", view.up, "newest", number(view.newest), "final",
                      number(view.final_height), "agreed", number(view.agreed), "contradictions",
                      number(view.contradictions), "refused", number(view.refused), "refused_reason",
                      view.refused ? view.refused_why : "", "silent", number(view.silent), "balance",
                      text(view.balance), "account", account_view(relay, (uint16_t)i), "text", text(view.text),
                      "process", child(&process)));
    }
    return answer(json_pack("{s:o}", "sources", sources));
}

/* ---- explain ------------------------------------------------------------------------------------------------------- */

static json_t *lane_refusal(const struct topology_network *network, const char *name)
{
    char out[EDGE_EXPLAIN_LANES_MAX];
    edge_explain_lanes(out, network, name);
    return refusal(out);
}

static json_t *explain_json(const struct edge_relay *relay, const struct relay_explain *explain, bool found)
{
    json_t *signers = json_array();
    for (size_t i = 0; i < explain->signers_len; i++)
        json_array_append_new(signers, operator_name(relay->network, explain->signers[i]));
    json_t *object = json_pack("{s:s, s:o, s:b, s:s, s:b, s:b, s:o, s:b, s:b, s:b, s:o, s:o, s:i, s:b, s:b, s:b}",
                               "lane", relay->network->lanes[explain->lane].name, "sequence", number(explain->sequence),
                               "found", found, "stage", edge_explain_stage(explain), "seen", explain->seen, "stored",
                               explain->stored, "stored_at_ms", number(explain->stored_at), "proven", explain->proven,
                               "attested", explain->attested, "certified", explain->certified, "certified_head",
                               number(explain->certified_head), "signers", signers, "quorum", (int)explain->quorum,
                               "delivered", explain->delivered, "settled", explain->settled, "pruned", explain->pruned);
    json_object_set_new(object, "brought_by",
                        explain->stored
                            ? (explain->from_peer == RELAY_NO_SOURCE ? json_string("own source")
                                                                     : relay_name(relay->network, explain->from_peer))
                            : json_null());
    json_object_set_new(object, "outcome",
                        explain->status == 0
                            ? json_null()
                            : json_string(proof_outcome_status_name((enum proof_outcome_status)explain->status)));
    json_object_set_new(object, "reason", number(explain->reason));
    json_object_set_new(object, "digest", hex(explain->digest, 32));
    json_object_set_new(object, "cause", json_string(relay_cause_text(explain->cause)));
    json_object_set_new(object, "since_ms", number(explain->cause == RELAY_CAUSE_NONE ? 0 : ago(explain->since)));
    waits_for_set(object, relay, explain->cause == RELAY_CAUSE_QUORUM ? explain->waits_for_operator : 0,
                  explain->waits_for_source,
                  explain->cause == RELAY_CAUSE_TURN ? explain->waits_for_relay : RELAY_NO_SOURCE);
    json_object_set_new(object, "who",
                        who(relay, explain->lane, PROOF_LOG_MESSAGE, explain->cause,
                            explain->cause == RELAY_CAUSE_QUORUM ? explain->waits_for_operator : 0,
                            explain->waits_for_source));
    return object;
}

static json_t *command_explain(const struct edge_relay *relay, json_t *request)
{
    const char *name = json_string_value(json_object_get(request, "lane"));
    json_t *sequence = json_object_get(request, "sequence");
    if (name == NULL || !json_is_integer(sequence) || json_integer_value(sequence) < 1)
        return refusal("explain wants {\"lane\": name or id, \"sequence\": number from 1}");
    int lane = edge_explain_lane(relay->network, name);
    if (lane < 0)
        return lane_refusal(relay->network, name);
    struct relay_explain explain;
    uint64_t settled_at;
    bool found =
        edge_explain(&explain, &settled_at, relay->core, (uint16_t)lane, (uint64_t)json_integer_value(sequence),
                     relay->store, relay->network->lanes[lane].logs[0]);
    json_t *object = explain_json(relay, &explain, found);
    json_object_set_new(object, "settled_at_ms", number(settled_at));
    return answer(object);
}

/* ---- events --------------------------------------------------------------------------------------------------------- */

/* NULL where an event of this reason came before, or the core may give one; else the reasons of all that came. */
static json_t *reasons_known(const char *reason)
{
    const char *seen[EDGE_LOG_REASONS_MAX];
    size_t len = edge_log_reasons(seen, EDGE_LOG_REASONS_MAX);
    bool known = reason == NULL;
    for (size_t i = 0; !known && i < len; i++)
        known = strcmp(seen[i], reason) == 0;
    for (unsigned i = 0; !known && i < relay_reason_count(); i++)
        known = strcmp(relay_reason_text(i), reason) == 0;
    json_t *list = known ? NULL : json_array();
    for (size_t i = 0; list != NULL && i < len; i++)
        json_array_append_new(list, json_string(seen[i]));
    return list;
}

static json_t *command_events(const struct edge_relay *relay, json_t *request)
{
    json_t *after_given = json_object_get(request, "after");
    json_int_t last = json_integer_value(json_object_get(request, "last"));
    json_int_t level = json_integer_value(json_object_get(request, "level"));
    struct edge_log_line line;
    if (json_integer_value(after_given) < 0 || last < 0 || level < 0)
        return refusal("events wants numbers from 0: {\"after\": n} or {\"last\": n}, {\"level\": 0..3}");
    const struct edge_log_filter filter = {.lane = json_string_value(json_object_get(request, "lane")),
                                           .reason = json_string_value(json_object_get(request, "reason")),
                                           .level = (uint64_t)level};
    if (filter.lane != NULL && !edge_explain_about_lane(relay->network, filter.lane))
        return lane_refusal(relay->network, filter.lane);
    uint64_t after = json_is_integer(after_given) ? (uint64_t)json_integer_value(after_given)
                                                  : edge_log_before((uint64_t)last, &filter);
    uint64_t dropped = 0;
    json_t *events = json_array();
    while (json_array_size(events) < EVENTS_MAX && edge_log_kept(&line, after)) {
        dropped += line.number - after - 1;
        after = line.number;
        if (edge_log_wanted(&line, &filter))
            json_array_append_new(events,
                                  json_pack("{s:o, s:o, s:s, s:s, s:o, s:o, s:o}", "number", number(line.number),
                                            "time_ms", number(line.time_ms), "level", edge_log_level_name(line.level),
                                            "reason", line.reason, "subject", text(line.subject), "text",
                                            text(line.text), "left_out", number(line.left_out)));
    }
    json_t *known = reasons_known(filter.reason);
    json_t *object = json_pack("{s:o, s:o, s:o}", "events", events, "next", number(after), "dropped", number(dropped));
    if (known != NULL) /* no event of this reason yet: perhaps it is misspelt */
        json_object_set_new(object, "reasons", known);
    return answer(object);
}

/* ---- commands that change something -------------------------------------------------------------------------------- */

static json_t *command_reload(const struct edge_control_options *options)
{
    char lines[4096] = "";
    if (options->reload == NULL)
        return refusal("this relay cannot reload");
    if (!options->reload(options->context, lines, sizeof(lines)))
        return refusal(lines);
    json_t *applied = json_array(), *restart = json_array();
    for (char *line = lines, *next; line != NULL && *line != '\0'; line = next) {
        next = strchr(line, '\n');
        if (next != NULL)
            *next++ = '\0';
        char *value = strstr(line, ": ");
        if (value != NULL)
            json_array_append_new(line[0] == 'a' ? applied : restart, text(value + 2));
    }
    return answer(json_pack("{s:o, s:o}", "applied", applied, "restart_needed", restart));
}

static json_t *command_release(const struct edge_control_options *options, json_t *request)
{
    const char *process = json_string_value(json_object_get(request, "process"));
    char why[256] = "";
    if (process == NULL || options->release == NULL)
        return refusal("release wants {\"process\": name of a source, or \"signer\"}");
    return options->release(options->context, process, why, sizeof(why)) ? answer(json_object()) : refusal(why);
}

static json_t *command(const struct edge_control_options *options, json_t *request)
{
    const struct edge_relay *relay = options->relay;
    const char *name = json_string_value(json_object_get(request, "command"));
    if (name == NULL)
        return refusal("a request is one line: {\"command\": NAME, ...}");
    if (strcmp(name, "status") == 0)
        return command_status(relay);
    if (strcmp(name, "lanes") == 0)
        return command_lanes(relay);
    if (strcmp(name, "peers") == 0)
        return command_peers(relay);
    if (strcmp(name, "sources") == 0)
        return command_sources(relay);
    if (strcmp(name, "explain") == 0)
        return command_explain(relay, request);
    if (strcmp(name, "events") == 0)
        return command_events(relay, request);
    if (strcmp(name, "reload") == 0)
        return command_reload(options);
    if (strcmp(name, "release") == 0)
        return command_release(options, request);
    return refusal("no such command: status, lanes, peers, sources, explain, events, reload, release");
}

char *edge_control_view(const struct edge_control_options *options, const char *request, size_t len)
{
    json_error_t error;
    json_t *object = json_loadb(request, len, JSON_REJECT_DUPLICATES, &error);
    json_t *reply = object == NULL ? refusal(error.text) : command(options, object);
    char *line = reply == NULL ? NULL : json_dumps(reply, JSON_COMPACT);
    json_decref(reply);
    json_decref(object);
    return line;
}
