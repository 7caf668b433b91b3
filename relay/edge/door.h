/*
 * A socket of the mesh that listens, and whether it still does. In nng 1.5.2 a listener can stop without a word, and over TLS
 * connections whose peers vanish stay behind for ever, until the process has no descriptor left. So each door is called from
 * inside: over ipc with nng's handshake (edge_greeting), over TLS as a peer would call (edge_call). The socket shows a call out;
 * when EDGE_DOOR_REFUSED of them were not taken down, nng's one thread for that is gone, whatever kept it: there are no further
 * calls, and the door counts as deaf.
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

#include "relay/edge/call.h"
#include "relay/edge/inbox.h"
#include "relay/edge/probe.h"

struct edge_door_options {
    const char *url;
    bool publishes; /* for subscribers; else raw requests */
    size_t largest; /* bytes of a message that comes in */
    int send, receive;
    nng_tls_config *tls_server;     /* borrowed */
    struct edge_call_options call;  /* over TLS */
    uint32_t pause_ms, patience_ms; /* between calls; for one */
    atomic_llong *pipes;            /* connections of the whole mesh that nng has and did not take down */
};

enum { EDGE_DOOR_REFUSED = 8 };

struct edge_door {
    uint16_t zone;
    struct edge_door_options options;
    char *url;
    nng_socket socket;
    nng_listener listener;
    bool open;
    struct edge_greeting greeting;
    struct edge_call call;
    bool calls, under_way;
    uint64_t due, began;                    /* ms, monotonic: when to go on; when the call began */
    uint64_t full_since;                    /* ms, monotonic: since when no further call is made; 0: they are */
    uint64_t entered_before;                /* when it began */
    atomic_uint_fast64_t entered;           /* connections let in */
    atomic_uint refused[EDGE_DOOR_REFUSED]; /* nng's ids of those that it refused and has not taken down; 0: none */
    uint64_t deaf_since; /* ms, monotonic: when the first call in a row was not answered; 0: it is well */
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
