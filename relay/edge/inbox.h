/*
 * The mesh without nng: what lies between nng's threads and the loop. Frames that passed the gate and wait, requests that
 * wait for an answer, and how each peer is: heard, silent, looked for. Only mesh.c uses it.
 *
 * Threads: nng's call edge_inbox_full, _add, _keep and _connected; the loop calls the rest.
 */
#ifndef RELAY_EDGE_INBOX_H
#define RELAY_EDGE_INBOX_H

#include <pthread.h>

#include "relay/edge/mesh.h"
#include "relay/edge/probe.h"

enum {
    EDGE_INBOX_HEADER_MAX = 32
}; /* bytes of nng's header of a request: connection, id, and hops that nobody makes */

enum edge_link_kind { EDGE_LINK_PUBLISH, EDGE_LINK_REQUEST, EDGE_LINKS };

struct edge_inbox;

struct edge_inbox_peer {
    struct edge_inbox *inbox;
    uint16_t relay;
    size_t place;            /* among the options' peers */
    struct edge_probe probe; /* the loop's, as all up to cuts */
    bool up;
    uint64_t kick_at, kick_wait;       /* ms: when connections may be given up next, and the pause after that */
    uint64_t begun_at, pipes;          /* ms: when one was begun or made last; how many were made by then */
    unsigned failures;                 /* asks in a row */
    uint64_t cuts;                     /* noted */
    bool clock_noted;                  /* that its clock is ahead, since it was heard last */
    struct edge_arrival *first, **end; /* what waits for the loop, under the mutex, as what follows */
    size_t queued;                     /* bytes of that */
    bool lost; /* a connection for requests ended: what was asked over it is not answered any more */
    struct edge_mesh_peer_stats stats;
};

enum edge_arrival_type { EDGE_ARRIVAL_PUBLISHED, EDGE_ARRIVAL_ASKED, EDGE_ARRIVAL_ANSWERED };

struct edge_arrival;

/* A request that waits for the loop's answer. */
struct edge_inbox_request {
    uint32_t generation; /* of its handle; odd: taken */
    uint16_t relay;
    uint64_t counter, expires;
    size_t header_len;
    uint8_t header[EDGE_INBOX_HEADER_MAX];
};

struct edge_inbox {
    const struct edge_mesh_options *options; /* with defaults filled in */
    struct edge_gate *gate;
    void (*release)(void *message); /* frees a message of the transport */
    void (*kick)(struct edge_inbox *inbox, size_t place, enum edge_link_kind kind); /* gives up a connection */
    struct edge_inbox_peer *peers;                                                  /* as the options' peers */

    pthread_mutex_t mutex; /* guards all below, and what says so above */
    size_t waiting, turn;  /* frames of all; whose place is asked first for the next one */
    struct edge_inbox_request *requests;
};

/* CLOCK_MONOTONIC in ms; and with the time of day. */
uint64_t edge_inbox_clock(void);
struct edge_gate_time edge_inbox_time(void);

enum { EDGE_INBOX_FRAMES = 128 }; /* that wait for a slow subscriber, at most */

/* The sizes of what was published last: what a subscriber that does not read holds up. */
struct edge_inbox_sent {
    size_t sizes[EDGE_INBOX_FRAMES];
    size_t next;
};

/* A frame of this size is to be published: how many frames may wait for a subscriber from now on, so that they take up no
 * more than budget bytes (but for one frame). 1 .. EDGE_INBOX_FRAMES. */
unsigned edge_inbox_room(struct edge_inbox_sent *sent, size_t size, size_t budget);

/* The caller has set options, gate, release and kick. False: no memory. */
bool edge_inbox_init(struct edge_inbox *inbox);
void edge_inbox_fini(struct edge_inbox *inbox);

struct edge_inbox_peer *edge_inbox_peer_of(struct edge_inbox *inbox, uint16_t relay);

/* True when the peer's frames already take up all that is theirs; counted as an overflow. */
bool edge_inbox_full(struct edge_inbox_peer *peer);

/* Puts a frame before the loop; owns the message from here. body lies inside it. */
void edge_inbox_add(struct edge_inbox_peer *peer, enum edge_arrival_type type, uint64_t id, void *message,
                    struct bytes body);

/* Keeps what the answer to a request will need; its handle, or 0 when too many wait, of all or of that relay (half). */
uint64_t edge_inbox_keep(struct edge_inbox *inbox, const struct edge_gate_frame *frame, const void *header,
                         size_t header_len);

/* Takes the request of a handle back; false: unknown, answered or too old. */
bool edge_inbox_take(struct edge_inbox *inbox, uint64_t handle, struct edge_inbox_request *out);

/* A connection to the peer was made, or ended; an ask was sent. */
void edge_inbox_changed(struct edge_inbox_peer *peer, enum edge_link_kind kind, bool made);
void edge_inbox_asked(struct edge_inbox_peer *peer);

/* What edge_mesh_drain, edge_mesh_tick and edge_mesh_peer_stats do. */
size_t edge_inbox_drain(struct edge_inbox *inbox);
void edge_inbox_tick(struct edge_inbox *inbox, uint64_t now);
bool edge_inbox_stats(struct edge_inbox *inbox, uint16_t relay, struct edge_mesh_peer_stats *out);

#endif
