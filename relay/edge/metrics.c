/*
 * Metrics as text. A family is begun, then its samples follow; the views are read once and shown by many families.
 */
#include "relay/edge/metrics.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proofs/lane.h"
#include "relay/core/reason.h"
#include "relay/edge/health.h"
#include "relay/edge/http.h"
#include "relay/edge/log.h"
#include "relay/edge/metrics_parts.h"
#include "relay/edge/relay_parts.h"

/* ---- text ---------------------------------------------------------------------------------------------------------- */

static bool room(struct metrics *out, size_t len)
{
    if (out->failed || out->len + len + 1 > EDGE_METRICS_MAX) {
        out->failed = true;
        return false;
    }
    if (out->len + len + 1 > out->cap) {
        size_t cap = out->cap == 0 ? 32768 : 2 * out->cap;
        while (cap < out->len + len + 1)
            cap *= 2;
        char *more = realloc(out->text, cap);
        if (more == NULL) {
            out->failed = true;
            return false;
        }
        out->text = more;
        out->cap = cap;
    }
    return true;
}

static void add(struct metrics *out, const char *text)
{
    size_t len = strlen(text);
    if (!room(out, len))
        return;
    memcpy(out->text + out->len, text, len + 1);
    out->len += len;
}

void metrics_family(struct metrics *out, const char *name, const char *type, const char *help)
{
    out->name = name;
    add(out, "# HELP ");
    add(out, name);
    add(out, " ");
    add(out, help);
    add(out, "\n# TYPE ");
    add(out, name);
    add(out, " ");
    add(out, type);
    add(out, "\n");
}

static void labelled(struct metrics *out, const char *labels, const char *value)
{
    add(out, out->name);
    if (labels[0] != '\0') {
        add(out, "{");
        add(out, labels);
        add(out, "}");
    }
    add(out, " ");
    add(out, value);
    add(out, "\n");
}

void metrics_value(struct metrics *out, uint64_t value, const char *format, ...)
{
    char labels[512], number[32];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(labels, sizeof(labels), format, arguments);
    va_end(arguments);
    snprintf(number, sizeof(number), "%" PRIu64, value);
    labelled(out, labels, number);
}

void metrics_real(struct metrics *out, double value, const char *format, ...)
{
    char labels[512], number[40];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(labels, sizeof(labels), format, arguments);
    va_end(arguments);
    snprintf(number, sizeof(number), "%.9g", value);
    labelled(out, labels, number);
}

/* ---- logs of lanes ------------------------------------------------------------------------------------------------- */

/* "lane=...,log=..." of a view. */
#define LOG_LABELS "lane=\"%s\",log=\"%s\""

static const char *lane_of(const struct edge_relay *relay, const struct relay_log_view *view)
{
    return relay->network->lanes[view->lane].name;
}

static const char *kind_of(const struct relay_log_view *view)
{
    return proof_log_kind_name((enum proof_log_kind)view->kind);
}

static struct relay_log_view *log_views(const struct edge_relay *relay, size_t *len)
{
    size_t cap = relay->network->lanes_len * TOPOLOGY_LOGS_PER_LANE;
    struct relay_log_view *views = calloc(cap + 1, sizeof(*views));
    *len = 0;
    for (size_t i = 0; views != NULL && i < cap; i++)
        *len += relay_core_log_view(relay->core, (uint16_t)(i / TOPOLOGY_LOGS_PER_LANE),
                                    (uint8_t)(i % TOPOLOGY_LOGS_PER_LANE + 1), &views[*len]);
    return views;
}

static void log_marks(struct metrics *out, const struct edge_relay *relay, const struct relay_log_view *view)
{
    const struct {
        const char *name;
        uint64_t value;
    } marks[] = {{"seen", view->newest_seen},  {"proven", view->proven},       {"durable", view->stored},
                 {"attested", view->attested}, {"certified", view->certified}, {"delivered", view->delivered},
                 {"settled", view->settled}};
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
        metrics_value(out, marks[i].value, LOG_LABELS ",mark=\"%s\"", lane_of(relay, view), kind_of(view),
                      marks[i].name);
}

static uint64_t frozen(const struct relay_log_view *view)
{
    return view->frozen;
}

static uint64_t pending(const struct relay_log_view *view)
{
    return view->newest_seen > view->settled ? view->newest_seen - view->settled : 0;
}

static uint64_t signers(const struct relay_log_view *view)
{
    return view->signers;
}

/* Only messages take window. */
static void windows(struct metrics *out, const struct edge_relay *relay, const struct relay_log_view *views, size_t len)
{
    metrics_family(out, "isthmus_lane_window_used_bytes", "gauge", "Bytes of the lane's window in use.");
    for (size_t i = 0; i < len; i++)
        if (views[i].kind == PROOF_LOG_MESSAGE)
            metrics_value(out, views[i].window_used, "lane=\"%s\"", lane_of(relay, &views[i]));
    metrics_family(out, "isthmus_lane_window_bytes", "gauge",
                   "The lane's window: what it may hold beyond what is settled.");
    for (size_t i = 0; i < len; i++)
        if (views[i].kind == PROOF_LOG_MESSAGE)
            metrics_value(out, views[i].window, "lane=\"%s\"", lane_of(relay, &views[i]));
}

static void metrics_logs(struct metrics *out, const struct edge_relay *relay)
{
    static const struct {
        const char *name, *help;
        uint64_t (*value)(const struct relay_log_view *view);
    } plain[] = {
        {"isthmus_log_pending_records", "Records seen and not settled.", pending},
        {"isthmus_log_frozen", "1 while a contradiction holds this log until a person decides.", frozen},
        {"isthmus_log_certified_signers", "Distinct operators that signed the newest certified head.", signers},
    };
    size_t len;
    uint64_t now = edge_loop_now(), unix_ms = 1000 * edge_loop_unix();
    struct relay_log_view *views = log_views(relay, &len);
    out->failed = out->failed || views == NULL;
    metrics_family(out, "isthmus_log_position", "gauge",
                   "Last sequence or entry of a log that reached each mark here.");
    for (size_t i = 0; i < len; i++)
        log_marks(out, relay, &views[i]);
    for (size_t f = 0; f < sizeof(plain) / sizeof(plain[0]); f++) {
        metrics_family(out, plain[f].name, "gauge", plain[f].help);
        for (size_t i = 0; i < len; i++)
            metrics_value(out, plain[f].value(&views[i]), LOG_LABELS, lane_of(relay, &views[i]), kind_of(&views[i]));
    }
    windows(out, relay, views, len);
    metrics_family(out, "isthmus_log_oldest_pending_seconds", "gauge",
                   "Age of the oldest record stored here that is not settled; 0: none.");
    for (size_t i = 0; i < len; i++) {
        uint64_t age = views[i].oldest != 0 && views[i].oldest < unix_ms ? unix_ms - views[i].oldest : 0;
        metrics_real(out, (double)age / 1000, LOG_LABELS, lane_of(relay, &views[i]), kind_of(&views[i]));
    }
    metrics_family(out, "isthmus_log_waiting_seconds", "gauge",
                   "For how long this log has not moved, and what it waits for; absent while it moves.");
    for (size_t i = 0; i < len; i++) {
        uint64_t since = views[i].since != 0 ? views[i].since : relay->started; /* 0: nothing has happened to it yet */
        if (views[i].cause != RELAY_CAUSE_NONE)
            metrics_real(out, (double)(now > since ? now - since : 0) / 1000, LOG_LABELS ",cause=\"%s\"",
                         lane_of(relay, &views[i]), kind_of(&views[i]), relay_cause_name(views[i].cause));
    }
    free(views);
}

/* ---- peers --------------------------------------------------------------------------------------------------------- */

struct peer {
    const char *name;
    struct relay_peer_view core;
    struct edge_mesh_peer_stats mesh;
    bool differs;
};

static uint64_t peer_up(const struct peer *peer)
{
    return peer->core.up;
}

static uint64_t peer_behind(const struct peer *peer)
{
    return peer->core.behind;
}

static uint64_t peer_ahead(const struct peer *peer)
{
    return peer->core.ahead;
}

static uint64_t peer_differs(const struct peer *peer)
{
    return peer->differs;
}

static uint64_t peer_cut_off(const struct peer *peer)
{
    return peer->mesh.gate.cut_until > edge_loop_now();
}

static uint64_t peer_bytes(const struct peer *peer)
{
    return peer->mesh.bytes_in;
}

static uint64_t peer_frames(const struct peer *peer)
{
    return peer->mesh.gate.taken;
}

static uint64_t peer_asks(const struct peer *peer)
{
    return peer->mesh.asks;
}

static uint64_t peer_asks_failed(const struct peer *peer)
{
    return peer->mesh.asks_failed;
}

static uint64_t peer_redials(const struct peer *peer)
{
    return peer->mesh.redials;
}

static uint64_t peer_cuts(const struct peer *peer)
{
    return peer->mesh.gate.cuts;
}

static size_t peers_look(struct peer *peers, const struct edge_relay *relay)
{
    size_t len = 0;
    for (size_t i = 0; i < relay->network->relays_len; i++) {
        struct peer *peer = &peers[len];
        if (!edge_mesh_peer_stats(relay->mesh, (uint16_t)i, &peer->mesh) ||
            !relay_core_peer_view(relay->core, (uint16_t)i, &peer->core))
            continue;
        peer->name = relay->network->relays[i].name;
        peer->differs = peer->core.document_version != 0 &&
                        memcmp(peer->core.document_hash, relay->network->hash, sizeof(relay->network->hash)) != 0;
        len++;
    }
    return len;
}

static void refused(struct metrics *out, const char *peer, const struct edge_gate_stats *stats)
{
    for (size_t i = 1; i < EDGE_GATE_REASON_COUNT; i++)
        metrics_value(out, stats->refused[i], "peer=\"%s\",reason=\"%s\"", peer,
                      edge_gate_reason_name((enum edge_gate_reason)i));
}

static void metrics_peers(struct metrics *out, const struct edge_relay *relay)
{
    static const struct {
        const char *name, *type, *help;
        uint64_t (*value)(const struct peer *peer);
    } plain[] = {
        {"isthmus_peer_up", "gauge", "1 while this relay hears the peer.", peer_up},
        {"isthmus_peer_behind_records", "gauge", "Certified records that we have and the peer lacks.", peer_behind},
        {"isthmus_peer_ahead_records", "gauge", "Certified records that the peer has and we lack.", peer_ahead},
        {"isthmus_peer_document_differs", "gauge", "1 while the peer runs another network document.", peer_differs},
        {"isthmus_peer_cut_off", "gauge", "1 while the link is cut off for frames that no honest peer sends.",
         peer_cut_off},
        {"isthmus_peer_received_bytes_total", "counter", "Bytes of frames taken from the peer.", peer_bytes},
        {"isthmus_peer_frames_taken_total", "counter", "Frames taken from the peer.", peer_frames},
        {"isthmus_peer_asks_total", "counter", "Requests made to the peer.", peer_asks},
        {"isthmus_peer_asks_failed_total", "counter", "Requests that the peer did not answer in time.",
         peer_asks_failed},
        {"isthmus_peer_redials_total", "counter", "Connections given up because of silence.", peer_redials},
        {"isthmus_peer_cut_offs_total", "counter", "How often the link was cut off.", peer_cuts},
    };
    struct edge_mesh_peer_stats stranger;
    struct peer *peers = calloc(relay->network->relays_len + 1, sizeof(*peers));
    if (peers == NULL) {
        out->failed = true;
        return;
    }
    size_t len = peers_look(peers, relay);
    for (size_t f = 0; f < sizeof(plain) / sizeof(plain[0]); f++) {
        metrics_family(out, plain[f].name, plain[f].type, plain[f].help);
        for (size_t i = 0; i < len; i++)
            metrics_value(out, plain[f].value(&peers[i]), "peer=\"%s\"", peers[i].name);
    }
    metrics_family(out, "isthmus_peer_clock_offset_seconds", "gauge",
                   "The peer's clock less ours, as its last heartbeat showed.");
    for (size_t i = 0; i < len; i++)
        metrics_real(out, (double)peers[i].core.clock_offset, "peer=\"%s\"", peers[i].name);
    metrics_family(out, "isthmus_frames_refused_total", "counter",
                   "Frames refused, by peer (unknown: of nobody known) and reason.");
    for (size_t i = 0; i < len; i++)
        refused(out, peers[i].name, &peers[i].mesh.gate);
    if (edge_mesh_peer_stats(relay->mesh, EDGE_GATE_STRANGER, &stranger))
        refused(out, "unknown", &stranger.gate);
    free(peers);
}

/* ---- the rest of the core ------------------------------------------------------------------------------------------ */

static void metrics_reasons(struct metrics *out, const struct edge_relay *relay)
{
    metrics_family(out, "isthmus_notes_total", "counter",
                   "What was held, refused, retried, dropped or done, by reason.");
    for (unsigned i = 0; i < relay_reason_count(); i++)
        metrics_value(out, relay_core_counter(relay->core, i), "reason=\"%s\"", relay_reason_text(i));
    metrics_family(out, "isthmus_log_lines_suppressed_total", "counter", "Log lines left out by the limit per reason.");
    metrics_value(out, edge_log_suppressed(), "%s", "");
}

static void metrics_health(struct metrics *out, const struct edge_relay *relay)
{
    unsigned causes = edge_health_causes(relay);
    metrics_family(out, "isthmus_ready", "gauge", "1 while /readyz says ready.");
    metrics_value(out, causes == 0, "%s", "");
    metrics_family(out, "isthmus_not_ready", "gauge", "1 while this cause keeps the relay from being ready.");
    for (unsigned i = 0; i < EDGE_HEALTH_COUNT; i++)
        metrics_value(out, causes >> i & 1, "cause=\"%s\"", edge_health_name((enum edge_health_cause)i));
}

char *edge_metrics_text(const struct edge_relay *relay, size_t *len)
{
    struct metrics out = {0};
    metrics_health(&out, relay);
    metrics_logs(&out, relay);
    metrics_peers(&out, relay);
    metrics_reasons(&out, relay);
    metrics_edge(&out, relay);
    *len = out.len;
    if (!out.failed)
        return out.text;
    free(out.text);
    return NULL;
}

void edge_metrics_answer(void *context, const char *path, struct edge_http_answer *out)
{
    static const char index[] = "/metrics  figures for Prometheus\n/healthz  this process answers\n"
                                "/readyz   ready, or 503 and why not\n";
    const struct edge_relay *relay = context;
    char text[4096];
    out->status = 200;
    if (strcmp(path, "/metrics") == 0) {
        out->type = "text/plain; version=0.0.4; charset=utf-8";
        out->body = edge_metrics_text(relay, &out->len);
        return;
    }
    if (strcmp(path, "/healthz") == 0) {
        snprintf(text, sizeof(text), "alive\n");
    } else if (strcmp(path, "/readyz") == 0) {
        out->status = edge_health_causes(relay) == 0 ? 200 : 503;
        edge_health_text(relay, text, sizeof(text));
    } else {
        out->status = strcmp(path, "/") == 0 ? 200 : 404;
        snprintf(text, sizeof(text), "%s%s", out->status == 200 ? "" : "there is no such path; there are:\n", index);
    }
    out->body = strdup(text);
    out->len = out->body == NULL ? 0 : strlen(text);
}
