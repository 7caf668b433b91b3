/*
 * A socket of the mesh that listens, and whether it still does. In nng 1.5.2 a listener can stop without a word, and over TLS
 * connections whose peers vanish stay behind for ever, until the process has no descriptor left. So each door is called from
 * inside: over ipc with nng's handshake (edge_greeting), over TLS as a peer would call, with our own certificate.
 *
 * Only mesh.c includes this; the two are the only files that know nng.
 */
#ifndef RELAY_EDGE_DOOR_H
#define RELAY_EDGE_DOOR_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <nng/nng.h>
#include <nng/supplemental/tls/tls.h>

#include "relay/edge/inbox.h"
#include "relay/edge/probe.h"

struct edge_door_options {
    const char *url;
    bool publishes; /* for subscribers; else raw requests */
    size_t largest; /* bytes of a message that comes in */
    int send, receive;
    nng_tls_config *tls_server, *tls_self; /* tls_self: with which we call it; borrowed */
    uint32_t pause_ms, patience_ms;        /* between calls; for one */
    atomic_llong *pipes;                   /* connections of the whole mesh that nng has and did not take down */
};

/* A call of our own door: a fresh connection, and on a publisher's the next frame. */
struct edge_call {
    nng_socket socket;
    nng_dialer dialer;
    nng_aio *aio;
    bool open, under_way;
    uint64_t began, due;         /* ms, monotonic */
    uint64_t entered, published; /* when it began */
    atomic_bool heard;
};

struct edge_door {
    uint16_t zone;
    struct edge_door_options options;
    char *url;
    nng_socket socket;
    nng_listener listener;
    bool open;
    struct edge_greeting greeting;
    struct edge_call call;
    atomic_uint_fast64_t entered; /* connections let in */
    uint64_t published;           /* frames */
    uint64_t deaf_since;          /* ms, monotonic: when the first call in a row was not answered; 0: it is well */
    struct edge_inbox_sent sent;
    unsigned room; /* frames that may wait for a subscriber */
};

/* Opens the socket; the caller sets what it needs on it and then listens. nng's errors, 0: good. */
int edge_door_open(struct edge_door *door, const struct edge_door_options *options);
int edge_door_listen(struct edge_door *door);
/* After the door's own socket was closed. */
void edge_door_fini(struct edge_door *door);

/* Sizes that must be set before the first connection. */
int edge_door_prepare(nng_socket socket, size_t largest, int send, int receive);

bool edge_door_is_tls(const char *url);

/* Goes on with calling it. Returns what is to be noted, static or of nng, or NULL. now: ms, monotonic. */
const char *edge_door_watch(struct edge_door *door, uint64_t now);

#endif
