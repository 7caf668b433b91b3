/*
 * Events in, actions out. The core is stepped here and nowhere else.
 */
#include "relay/edge/relay.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "relay/core/signing.h"
#include "relay/core/verify.h"
#include "relay/edge/fault.h"
#include "relay/edge/log.h"
#include "relay/edge/refused.h"
#include "relay/edge/relay_parts.h"
#include "relay/edge/stranger.h"

/* ---- stepping ------------------------------------------------------------------------------------------------------ */

/* Events that answer an action at once wait until the step that asked is done: the core is never re-entered. */
static void defer(struct edge_relay *relay, const struct relay_event *event)
{
    struct edge_relay_inner *inner = relay->inner;
    if (inner->deferred_len == inner->deferred_cap) {
        size_t cap = inner->deferred_cap == 0 ? 64 : 2 * inner->deferred_cap;
        struct relay_event *more =
            cap > EDGE_RELAY_DEFERRED_MAX ? NULL : realloc(inner->deferred, cap * sizeof(*inner->deferred));
        if (more == NULL) { /* an answer that is lost would be waited for forever */
            edge_log(RELAY_ALARM, "no-memory", NULL, "cannot keep an answer for the core: stopping");
            abort();
        }
        inner->deferred = more;
        inner->deferred_cap = cap;
    }
    inner->deferred[inner->deferred_len++] = *event;
}

static void verify_do(struct edge_relay *relay, struct relay_verify_job *job)
{
    if (edge_pool_submit(relay->pool, job))
        return;
    relay_verify_run(job); /* the pool is full: the loop itself is the back-pressure */
    defer(relay, &(struct relay_event){.type = RELAY_EVENT_VERIFIED, .job = job});
}

static void write_do(struct edge_relay *relay, const struct relay_action *action)
{
    switch (edge_writer_write(relay->writer, action->id, action->ops, action->ops_len)) {
    case EDGE_WRITER_TAKEN: return;
    case EDGE_WRITER_STOPPED: /* the failure is reported for this write as for all others */
        defer(relay, &(struct relay_event){.type = RELAY_EVENT_COMMITTED,
                                           .id = action->id,
                                           .status = relay->store_status != STORE_OK ? relay->store_status : STORE_IO});
        return;
    case EDGE_WRITER_FULL:
        /* Input is held long before; if it happens all the same, dying is safe and forgetting a write is not. */
        edge_log(RELAY_ALARM, "store-queue-full", NULL, "the store does not keep up: stopping");
        abort();
    }
}

static void load_do(struct edge_relay *relay, const struct relay_action *action)
{
    if (edge_writer_load(relay->writer, action->id, action->family, action->from, action->to) == EDGE_WRITER_TAKEN)
        return;
    defer(
        relay,
        &(struct relay_event){
            .type = RELAY_EVENT_LOADED, .id = action->id, .family = action->family, .status = STORE_IO, .done = true});
}

static void note_do(const struct edge_relay *relay, const struct relay_action *action)
{
    char subject[TOPOLOGY_NAME_MAX + 32] = "";
    if (action->lane < relay->network->lanes_len && action->sequence > 0)
        snprintf(subject, sizeof(subject), "%s/%llu", relay->network->lanes[action->lane].name,
                 (unsigned long long)action->sequence);
    else if (action->lane < relay->network->lanes_len)
        snprintf(subject, sizeof(subject), "%s", relay->network->lanes[action->lane].name);
    edge_log(action->level, action->reason, subject[0] ? subject : NULL, "%s", action->text ? action->text : "");
}

/* Evidence that was refused. Where the disk is nearly full it goes: the rest matters more. */
static void keep_do(const struct edge_relay *relay, const struct relay_action *action)
{
    const struct edge_refused refused = {relay->inner->refused_folder, relay->config->budgets.evidence_files,
                                         relay->config->budgets.evidence_bytes};
    char text[512] = "the disk is nearly full";
    const char *source = relay->source_list[action->source].name;
    bool kept = !relay->inner->disk_scarce && edge_refused_keep(&refused, edge_loop_unix_ms(), source, action->reason,
                                                                action->body, text, sizeof(text));
    edge_log(RELAY_WARNING, kept ? "evidence-kept" : "evidence-not-kept", source, "%s", text);
}

static void sent_count(struct edge_relay *relay, unsigned kind, struct bytes body)
{
    relay->sent.frames[kind]++;
    relay->sent.bytes[kind] += body.len;
}

static void act(struct edge_relay *relay, const struct relay_action *action)
{
    switch (action->type) {
    case RELAY_ACTION_WRITE: write_do(relay, action); return;
    case RELAY_ACTION_LOAD: load_do(relay, action); return;
    case RELAY_ACTION_VERIFY: verify_do(relay, action->job); return;
    case RELAY_ACTION_SIGN:
        relay->sent.signing++;
        EDGE_FAULT(SIGN_BEFORE);
        if (relay->signer != NULL)
            edge_child_send(relay->signer, action->body); /* not taken: it is ending, and SIGNER_DOWN follows */
        if (relay->inner->signing_since == 0)
            relay->inner->signing_since = edge_loop_now();
        EDGE_FAULT(SIGN_AFTER);
        return;
    case RELAY_ACTION_PUBLISH:
        sent_count(relay, 0, action->body);
        EDGE_FAULT(PUBLISH_BEFORE);
        edge_mesh_publish(relay->mesh, action->zone, action->body);
        EDGE_FAULT(PUBLISH_AFTER);
        return;
    case RELAY_ACTION_ASK:
        sent_count(relay, 1, action->body);
        EDGE_FAULT(REQUEST_BEFORE);
        if (!edge_mesh_ask(relay->mesh, action->peer, action->id, action->body, 0))
            defer(relay, &(struct relay_event){.type = RELAY_EVENT_ASK_FAILED, .id = action->id, .peer = action->peer});
        EDGE_FAULT(REQUEST_AFTER);
        return;
    case RELAY_ACTION_ANSWER:
        sent_count(relay, 2, action->body);
        EDGE_FAULT(ANSWER_BEFORE);
        edge_mesh_answer(relay->mesh, action->id, action->body);
        EDGE_FAULT(ANSWER_AFTER);
        return;
    case RELAY_ACTION_TO_SOURCE:
        EDGE_FAULT(SOURCE_TELL_BEFORE);
        edge_sources_send(relay->sources, action->source, action->body);
        EDGE_FAULT(SOURCE_TELL_AFTER);
        return;
    case RELAY_ACTION_BAN_SOURCE:
        edge_sources_ban(relay->sources, action->source, action->text ? action->text : "broke the protocol");
        return;
    case RELAY_ACTION_KEEP: keep_do(relay, action); return;
    case RELAY_ACTION_NOTE: note_do(relay, action); return;
    }
}

static void actions_do(struct edge_relay *relay)
{
    size_t len;
    const struct relay_action *actions = relay_core_actions(relay->core, &len);
    for (size_t i = 0; i < len; i++)
        act(relay, &actions[i]);
}

/* Notes what held the loop: whoever waits for this relay waits for that. */
static void slow_check(struct edge_relay *relay, uint64_t began, const char *what, int which)
{
    uint64_t took = edge_loop_now() - began;
    if (took > relay->longest_ms)
        relay->longest_ms = took;
    if (took >= EDGE_RELAY_SLOW_MS)
        edge_log(RELAY_WARNING, "loop-slow", NULL, "%s %d took %llu ms", what, which, (unsigned long long)took);
}

static void step(struct edge_relay *relay, const struct relay_event *event)
{
    struct relay_event timed = *event;
    timed.now = edge_loop_now();
    timed.unix_time = edge_loop_unix();
    relay_core_step(relay->core, &timed);
    slow_check(relay, timed.now, "event", (int)event->type);
    uint64_t stepped = edge_loop_now();
    actions_do(relay);
    slow_check(relay, stepped, "actions of event", (int)event->type);
}

void edge_relay_feed(struct edge_relay *relay, const struct relay_event *event)
{
    struct edge_relay_inner *inner = relay->inner;
    assert(!inner->stepping); /* no part calls back from inside a call */
    inner->stepping = true;
    if (event != NULL)
        step(relay, event);
    else
        actions_do(relay); /* of relay_core_start */
    for (size_t i = 0; i < inner->deferred_len; i++) {
        struct relay_event next = inner->deferred[i]; /* a copy: the list may grow while it is handled */
        step(relay, &next);
    }
    inner->deferred_len = 0;
    inner->stepping = false;
    bool hold = edge_writer_full(relay->writer);
    if (relay->sources != NULL)
        edge_sources_hold(relay->sources, hold);
    inner->held = hold;
}

/* ---- what the parts say -------------------------------------------------------------------------------------------- */

void edge_relay_committed(void *context, uint64_t id, enum store_status status, const char *text)
{
    struct edge_relay *relay = context;
    if (status != STORE_OK && relay->store_status == STORE_OK) {
        relay->store_status = status;
        snprintf(relay->store_text, sizeof(relay->store_text), "%s", text);
        edge_log(RELAY_ALARM, "store-failed", NULL, "%s; nothing more is accepted", text);
    }
    EDGE_FAULT(COMMITTED_BEFORE);
    edge_relay_feed(relay, &(struct relay_event){.type = RELAY_EVENT_COMMITTED, .id = id, .status = status});
    EDGE_FAULT(COMMITTED_AFTER);
}

void edge_relay_loaded(void *context, uint64_t id, enum store_family family, struct bytes key, struct bytes value)
{
    edge_relay_feed(context, &(struct relay_event){
                                 .type = RELAY_EVENT_LOADED, .id = id, .family = family, .key = key, .body = value});
}

void edge_relay_load_done(void *context, uint64_t id, enum store_family family, enum store_status status,
                          const char *text)
{
    if (status != STORE_OK)
        edge_log(RELAY_ALARM, "store-load-failed", NULL, "%s", text);
    edge_relay_feed(
        context,
        &(struct relay_event){.type = RELAY_EVENT_LOADED, .id = id, .family = family, .status = status, .done = true});
}

void edge_relay_verified(void *context, struct relay_verify_job *job)
{
    edge_relay_feed(context, &(struct relay_event){.type = RELAY_EVENT_VERIFIED, .job = job});
}

void edge_relay_published(void *context, uint16_t peer, struct bytes body)
{
    EDGE_FAULT(PUBLISHED_BEFORE);
    edge_relay_feed(context, &(struct relay_event){.type = RELAY_EVENT_FRAME, .peer = peer, .body = body});
    EDGE_FAULT(PUBLISHED_AFTER);
}

void edge_relay_asked(void *context, uint16_t peer, uint64_t handle, struct bytes body)
{
    EDGE_FAULT(REQUESTED_BEFORE);
    edge_relay_feed(context,
                    &(struct relay_event){.type = RELAY_EVENT_ASKED, .peer = peer, .id = handle, .body = body});
    EDGE_FAULT(REQUESTED_AFTER);
}

void edge_relay_answered(void *context, uint16_t peer, uint64_t id, struct bytes body)
{
    EDGE_FAULT(ANSWERED_BEFORE);
    edge_relay_feed(context, &(struct relay_event){.type = RELAY_EVENT_FRAME, .peer = peer, .id = id, .body = body});
    EDGE_FAULT(ANSWERED_AFTER);
}

void edge_relay_ask_failed(void *context, uint16_t peer, uint64_t id)
{
    edge_relay_feed(context, &(struct relay_event){.type = RELAY_EVENT_ASK_FAILED, .peer = peer, .id = id});
}

void edge_relay_peer_up(void *context, uint16_t peer)
{
    struct edge_relay *relay = context;
    edge_log(RELAY_INFO, "peer-up", relay->network->relays[peer].name, "%s", "");
    edge_relay_feed(relay, &(struct relay_event){.type = RELAY_EVENT_PEER_UP, .peer = peer});
}

void edge_relay_peer_down(void *context, uint16_t peer)
{
    struct edge_relay *relay = context;
    edge_log(RELAY_WARNING, "peer-down", relay->network->relays[peer].name, "nothing heard for %u ms",
             (unsigned)relay->config->timings.peer_silence_ms);
    edge_relay_feed(relay, &(struct relay_event){.type = RELAY_EVENT_PEER_DOWN, .peer = peer});
}

void edge_relay_mesh_note(void *context, uint16_t peer, const char *reason, const char *text)
{
    const struct edge_relay *relay = context;
    edge_log(RELAY_WARNING, reason, peer < relay->network->relays_len ? relay->network->relays[peer].name : NULL, "%s",
             text);
}

void edge_relay_source_up(void *context, uint16_t source)
{
    edge_relay_feed(context, &(struct relay_event){.type = RELAY_EVENT_SOURCE_UP, .source = source});
}

void edge_relay_source_message(void *context, uint16_t source, struct bytes body)
{
    EDGE_FAULT(SOURCE_TOLD_BEFORE);
    edge_relay_feed(context, &(struct relay_event){.type = RELAY_EVENT_SOURCE_MESSAGE, .source = source, .body = body});
    EDGE_FAULT(SOURCE_TOLD_AFTER);
}

void edge_relay_source_down(void *context, uint16_t source)
{
    const struct edge_relay *relay = context;
    if (relay->draining) /* as it was told to */
        return;
    edge_relay_feed(context, &(struct relay_event){.type = RELAY_EVENT_SOURCE_DOWN, .source = source});
}

void edge_relay_signer_started(void *context)
{
    (void)context; /* it is up when it has said where its guard stands */
}

void edge_relay_signer_message(void *context, struct bytes body)
{
    struct edge_relay *relay = context;
    relay->inner->signing_since = 0;
    if (!relay->inner->signer_up) {
        relay->inner->signer_up = true;
        edge_relay_feed(relay, &(struct relay_event){.type = RELAY_EVENT_SIGNER_UP});
    }
    EDGE_FAULT(SIGNED_BEFORE);
    edge_relay_feed(relay, &(struct relay_event){.type = RELAY_EVENT_SIGNED, .body = body});
    EDGE_FAULT(SIGNED_AFTER);
}

void edge_relay_signer_down(void *context, const char *why)
{
    struct edge_relay *relay = context;
    (void)why; /* the child has logged it */
    if (relay->inner->signer_up && !relay->draining)
        edge_relay_feed(relay, &(struct relay_event){.type = RELAY_EVENT_SIGNER_DOWN});
    relay->inner->signer_up = false;
    relay->inner->signing_since = 0;
}

/* ---- turns of the loop --------------------------------------------------------------------------------------------- */

bool edge_relay_mesh_held(void *context)
{
    const struct edge_relay *relay = context;
    return relay->inner->held;
}

static void mesh_turn(struct edge_relay *relay)
{
    /* While the store does not keep up, frames wait in the mesh's own bounded queue. */
    if (relay->mesh != NULL && relay->ready && !relay->draining && !relay->inner->held) {
        uint64_t began = edge_loop_now();
        int frames = (int)edge_mesh_drain(relay->mesh);
        slow_check(relay, began, "mesh frames", frames);
    }
}

static void ready_check(struct edge_relay *relay)
{
    if (relay->ready || relay->draining || !relay_core_ready(relay->core))
        return;
    relay->ready = true;
    edge_sources_start(relay->sources);
    if (relay->signer != NULL)
        edge_child_start(relay->signer);
    edge_log(RELAY_INFO, "started", relay->config->relay, "after %llu ms; now its %zu sources%s",
             (unsigned long long)(edge_loop_now() - relay->started), relay->config->sources_len,
             relay->signer != NULL ? " and its signer" : "");
}

void edge_relay_writer_woken(void *context)
{
    struct edge_relay *relay = context;
    bool held = relay->inner->held;
    edge_writer_drain(relay->writer);
    ready_check(relay);
    if (held && !edge_writer_full(relay->writer)) {
        relay->inner->held = false;
        edge_sources_hold(relay->sources, false);
        mesh_turn(relay);
    }
}

void edge_relay_pool_woken(void *context)
{
    struct edge_relay *relay = context;
    edge_pool_drain(relay->pool);
}

void edge_relay_mesh_woken(void *context)
{
    mesh_turn(context);
}

static void drain_check(struct edge_relay *relay)
{
    struct edge_child_view view = {.state = EDGE_CHILD_STOPPED};
    bool late = edge_loop_now() - relay->inner->draining_since > EDGE_RELAY_DRAIN_MS;
    if (relay->signer != NULL)
        edge_child_look(relay->signer, &view);
    if (!late &&
        (view.state != EDGE_CHILD_STOPPED || !edge_sources_stopped(relay->sources) || !edge_writer_idle(relay->writer)))
        return;
    if (late)
        edge_log(RELAY_WARNING, "drain-incomplete", NULL, "a child or the store is slow: leaving all the same");
    edge_loop_stop(relay->loop, relay->inner->drain_code);
}

/* Whether a count that grew is to be said: once until it stood still for a minute. */
static bool crowd_grew(struct edge_relay_crowd *crowd, uint64_t count)
{
    uint64_t now = edge_loop_now();
    bool grew = count != crowd->count, quiet = crowd->at == 0 || now - crowd->at > EDGE_RELAY_CROWD_MS;
    crowd->count = count;
    if (grew)
        crowd->at = now;
    return grew && quiet;
}

/* Others come in greater numbers than there are descriptors for, or one of them does. */
static void crowd_check(struct edge_relay *relay, const struct edge_mesh_look *look)
{
    if (crowd_grew(&relay->inner->waits, look->waits))
        edge_log(RELAY_ALARM, "mesh-crowded", NULL,
                 "connections of others have all the descriptors that they may have (%zu), further ones wait; who does "
                 "not say who it is is ended after %d s, links that are there go on: find out who comes (ss -tn)",
                 edge_stranger_mark(), EDGE_STRANGER_MS / 1000);
    if (crowd_grew(&relay->inner->refused, look->refused))
        edge_log(RELAY_WARNING, "mesh-greedy", NULL,
                 "an address has as many connections as one may have (%zu), further ones are refused and all others go "
                 "on: find out who that is (ss -tn)",
                 edge_stranger_share());
}

/*
 * A door that does not answer our own call, or connections that nng no longer takes down: nothing inside this process mends
 * it, and a new one loses nothing (I2). It is said at once; whoever watches has minutes before the supervisor has to.
 */
static void deaf_check(struct edge_relay *relay)
{
    struct edge_relay_inner *inner = relay->inner;
    struct edge_mesh_look look;
    edge_mesh_look(relay->mesh, &look);
    crowd_check(relay, &look);
    uint64_t before = inner->deaf_since;
    if (look.deaf_since == 0 && !look.crowded)
        inner->deaf_since = 0;
    else if (before == 0)
        inner->deaf_since = edge_loop_now();
    if (inner->deaf_since != 0 && before == 0)
        edge_log(RELAY_ALARM, "mesh-deaf", NULL, "%s%s; this relay ends itself in %u s (exit code %d) unless it passes",
                 look.crowded ? "connections that nng does not take down use up the descriptors"
                              : "it does not answer its own calls at ",
                 look.crowded ? "" : look.deaf_url, EDGE_RELAY_DEAF_MS / 1000, EDGE_RELAY_EXIT_DEAF);
    if (inner->deaf_since == 0 || edge_loop_now() - inner->deaf_since < EDGE_RELAY_DEAF_MS || relay->draining)
        return;
    edge_log(RELAY_ALARM, "mesh-deaf", NULL, "it did not pass: ending, to be started anew");
    inner->drain_code = EDGE_RELAY_EXIT_DEAF;
    edge_relay_drain(relay);
}

/* Said once for each commit that does not end. */
static void stuck_check(struct edge_relay *relay)
{
    bool stuck = edge_health_store_stuck(relay);
    if (stuck && !relay->inner->stuck)
        edge_log(RELAY_ALARM, "store-stuck", NULL, "a commit has taken more than %d s: look at the disk of %s",
                 EDGE_HEALTH_STUCK_MS / 1000, relay->config->store);
    relay->inner->stuck = stuck;
}

/* Looked at once a second, with the sources' heights; a file system that does not answer counts as the last time. */
static bool disk_scarce(struct edge_relay *relay)
{
    struct edge_relay_inner *inner = relay->inner;
    struct statvfs disk;
    if (edge_loop_now() < inner->disk_due)
        return inner->disk_scarce;
    inner->disk_due = edge_loop_now() + 1000;
    edge_health_look(relay);
    stuck_check(relay);
    if (relay->ready)
        deaf_check(relay);
    if (statvfs(relay->config->store, &disk) == 0)
        inner->disk_scarce = (uint64_t)disk.f_bavail * disk.f_frsize < relay->config->budgets.free_bytes;
    return inner->disk_scarce;
}

void edge_relay_tick(void *context)
{
    struct edge_relay *relay = context;
    if (edge_loop_now() > relay->inner->tick_due)
        slow_check(relay, relay->inner->tick_due, "everything before tick", 0);
    relay->inner->tick_due = edge_loop_now() + EDGE_RELAY_TICK_MS;
    edge_timer_set(relay->inner->tick, EDGE_RELAY_TICK_MS);
    mesh_turn(relay); /* what a drain left */
    edge_relay_feed(relay, &(struct relay_event){.type = RELAY_EVENT_TICK, .scarce = disk_scarce(relay)});
    ready_check(relay);
    if (relay->draining) {
        drain_check(relay);
        return;
    }
    uint64_t began = edge_loop_now();
    if (relay->ready)
        edge_mesh_tick(relay->mesh, began);
    slow_check(relay, began, "mesh tick", 0);
    mesh_turn(relay);
}

/* SIGTERM, SIGINT: takes nothing new, says goodbye, lets writes and children end. What is lost was never promised. */
void edge_relay_drain(void *context)
{
    static const uint8_t goodbye[] = {0x91, 0x91, PROOF_ITEM_GOODBYE}; /* [[6]], docs/formats.md 6.1 */
    struct edge_relay *relay = context;
    if (relay->draining)
        return;
    relay->draining = true;
    relay->inner->draining_since = edge_loop_now();
    edge_log(RELAY_INFO, "stopping", relay->config->relay, "%s", "");
    for (size_t i = 0; i < relay->inner->zones_len; i++)
        edge_mesh_publish(relay->mesh, relay->inner->zones[i].zone, BYTES_OF(goodbye));
    edge_sources_stop(relay->sources);
    if (relay->signer != NULL)
        edge_child_stop(relay->signer);
}

int edge_relay_run(struct edge_relay *relay)
{
    relay_core_start(relay->core);
    edge_relay_feed(relay, NULL);
    ready_check(relay);
    relay->inner->tick_due = edge_loop_now() + EDGE_RELAY_TICK_MS;
    edge_timer_set(relay->inner->tick, EDGE_RELAY_TICK_MS);
    return edge_loop_run(relay->loop);
}
