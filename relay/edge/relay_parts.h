/*
 * What relay.c (events and actions) and relay_parts.c (making the parts) share. Nobody else includes it.
 */
#ifndef RELAY_EDGE_RELAY_PARTS_H
#define RELAY_EDGE_RELAY_PARTS_H

#include "relay/edge/health.h"
#include "relay/edge/relay.h"

struct edge_relay_inner {
    struct edge_timer *tick;
    struct edge_wake *writer_wake, *pool_wake, *mesh_wake;
    struct edge_signal *term, *interrupt, *hangup;
    struct edge_mesh_zone *zones;
    size_t zones_len;
    struct edge_mesh_peer *peers;
    struct relay_event *deferred;
    size_t deferred_len, deferred_cap;
    bool stepping, signer_up;
    uint64_t signing_since; /* ms: of the first request that the signer has said nothing since; 0: there is none */
    char *refused_folder;   /* where evidence that was refused is kept */
    bool disk_scarce;       /* less free than budgets.free_bytes */
    bool stuck;             /* a commit does not end */
    bool held;              /* the store does not keep up: no input */
    uint64_t draining_since, tick_due, disk_due;
    uint64_t deaf_since; /* ms: since when others cannot reach this relay, or soon cannot; 0: they can */
    struct edge_relay_crowd {
        uint64_t count, at; /* ms: when it grew last, 0: never */
    } waits, refused;       /* of the mesh's look */
    int drain_code;         /* with which to end */
    struct edge_health *health;
};

/* Gives the core one event, does its actions, then everything that was deferred meanwhile. NULL: only the actions. */
void edge_relay_feed(struct edge_relay *relay, const struct relay_event *event);

/* Callbacks of the parts; context is the struct edge_relay. */
void edge_relay_committed(void *context, uint64_t id, enum store_status status, const char *text);
void edge_relay_loaded(void *context, uint64_t id, enum store_family family, struct bytes key, struct bytes value);
void edge_relay_load_done(void *context, uint64_t id, enum store_family family, enum store_status status,
                          const char *text);
void edge_relay_verified(void *context, struct relay_verify_job *job);
bool edge_relay_mesh_held(void *context);
void edge_relay_published(void *context, uint16_t peer, struct bytes body);
void edge_relay_asked(void *context, uint16_t peer, uint64_t handle, struct bytes body);
void edge_relay_answered(void *context, uint16_t peer, uint64_t id, struct bytes body);
void edge_relay_ask_failed(void *context, uint16_t peer, uint64_t id);
void edge_relay_peer_up(void *context, uint16_t peer);
void edge_relay_peer_down(void *context, uint16_t peer);
void edge_relay_mesh_note(void *context, uint16_t peer, const char *reason, const char *text);
void edge_relay_source_up(void *context, uint16_t source);
void edge_relay_source_message(void *context, uint16_t source, struct bytes body);
void edge_relay_source_down(void *context, uint16_t source);
void edge_relay_signer_started(void *context);
void edge_relay_signer_message(void *context, struct bytes body);
void edge_relay_signer_down(void *context, const char *why);
void edge_relay_writer_woken(void *context);
void edge_relay_pool_woken(void *context);
void edge_relay_mesh_woken(void *context);
void edge_relay_tick(void *context);
void edge_relay_drain(void *context);

#endif
