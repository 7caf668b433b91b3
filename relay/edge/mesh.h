/*
 * The mesh: signed frames between relays over nng. mesh.c, and door.c beside it, are the only files that know nng.
 *
 * Sockets, opened once: a publisher for each neighbour zone, a listener for requests, and for each neighbour a subscriber
 * and a requester, so that no neighbour can fill another's queue. nng may drop published frames silently at any time;
 * requests may get no answer. What counts is in the frames (heads), never in the transport.
 *
 * Bounds: 128 frames, and no more than queue_bytes of them, wait for a slow subscriber, then the oldest is dropped (nng
 * shares a frame between subscribers, so this is per zone, not per subscriber); 32 frames and queue_bytes wait for the
 * loop per neighbour; a relay has at most half of the unanswered requests.
 *
 * Every frame passes relay/edge/gate.h on a thread of nng before the loop sees it. TLS adds privacy, never identity.
 *
 * Threads: every function here is called by one thread (the loop); callbacks are called by it, inside edge_mesh_drain and
 * edge_mesh_tick. Open the mesh after every fork: nng does not survive one.
 */
#ifndef RELAY_EDGE_MESH_H
#define RELAY_EDGE_MESH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proofs/codec/bytes.h"
#include "relay/edge/gate.h"
#include "topology/network.h"

struct edge_mesh;

enum {
    EDGE_MESH_REQUEST_MAX = 256 << 10
}; /* bytes of a request's body; publications and responses: PROOF_FRAME_BODY_MAX */

/* Where we publish for one neighbour zone (our own zone is one when it has other relays that are linked to us). */
struct edge_mesh_zone {
    uint16_t zone;           /* index in the network document */
    const char *publish_url; /* to listen at */
};

/* A neighbour: one that the network document links to us. */
struct edge_mesh_peer {
    uint16_t relay;          /* index in the network document */
    const char *publish_url; /* where it publishes for our zone; to dial */
    const char *request_url; /* where it takes requests; to dial */
};

/*
 * URLs: ipc://path, tls+tcp://host:port (tls set), tcp://host:port (loopback addresses only, unless insecure_tcp).
 * A certificate names its relay: its common name (or DNS name) is the relay's name in the network document. Both ends show one.
 */
struct edge_mesh_options {
    const struct topology_network *network; /* outlives the mesh */
    uint16_t self;
    uint8_t secret[32];      /* this relay's Ed25519 seed; copied, wiped at the end */
    uint64_t start_ns;       /* Unix nanoseconds of this start; 0: read the clock */
    const char *request_url; /* to listen at for requests */
    const struct edge_mesh_zone *zones;
    size_t zones_len;
    const struct edge_mesh_peer *peers;
    size_t peers_len;
    const char *tls_certificate_file, *tls_key_file; /* PEM; NULL all three: no tls+tcp */
    const char *tls_ca_file;                         /* PEM: the authority of all relays' certificates */
    bool insecure_tcp;
    uint32_t silence_ms; /* nothing heard for longer: down, and look for a way back; 0: 3000 */
    size_t
        queue_bytes; /* frames that wait for the loop, per neighbour, 0: 32 MiB; above, they are dropped and counted */
    unsigned requests; /* unanswered requests taken at a time, half of them of one relay; 0: 128 */
    uint32_t door_pause_ms, door_patience_ms; /* between calls of our own TLS doors, and for one; 0: 30 s, 60 s */
    int wake_fd; /* an eventfd (owned by the loop): 1 is added when the first frame waits, or some are left. Then call drain. */
    void *context;
    bool (*held)(void *context); /* true: deliver nothing more now; asked before each frame. May be NULL */
    void (*published)(void *context, uint16_t relay, struct bytes body);
    void (*asked)(void *context, uint16_t relay, uint64_t handle, struct bytes body); /* edge_mesh_answer(handle) */
    void (*answered)(void *context, uint16_t relay, uint64_t id, struct bytes body);  /* to edge_mesh_ask(id) */
    void (*ask_failed)(void *context, uint16_t relay, uint64_t id);                   /* once, instead of answered */
    void (*peer_up)(void *context, uint16_t relay); /* before the callback of the frame that showed it */
    void (*peer_down)(void *context, uint16_t relay);
    /* For the log; may be NULL. mesh-redial, mesh-cut-off, mesh-clock, mesh-dial: of that relay; mesh-listener: our own. */
    void (*note)(void *context, uint16_t relay, const char *reason, const char *text);
};

/* Listens and starts to dial. NULL on failure: text (capacity cap) says what was wrong, where, and what to do. */
struct edge_mesh *edge_mesh_new(const struct edge_mesh_options *options, char *text, size_t cap);

/* Closes every socket; waits for nng's callbacks to end. No callback is made any more. NULL is allowed. False: nng did not
 * come back within some seconds; what it still holds is left alone until the process ends, which should be soon. */
bool edge_mesh_free(struct edge_mesh *mesh);

/* Signs body (a msgpack array of items, <= PROOF_FRAME_BODY_MAX) and publishes it to the zone. Never blocks: a subscriber
 * that is 128 frames behind loses the oldest. False: no such zone, bad body, no memory. */
bool edge_mesh_publish(struct edge_mesh *mesh, uint16_t zone, struct bytes body);

/* Asks one neighbour. True: exactly one of answered(id) and ask_failed(id) follows, within timeout_ms (0: 5000) of
 * edge_mesh_tick's time. False: not a neighbour, body empty or over EDGE_MESH_REQUEST_MAX, or too many asks outstanding;
 * nothing follows. */
bool edge_mesh_ask(struct edge_mesh *mesh, uint16_t relay, uint64_t id, struct bytes body, uint32_t timeout_ms);

/* Answers a request that asked() brought. False: the handle is unknown or too old (30 s), or bad body. */
bool edge_mesh_answer(struct edge_mesh *mesh, uint64_t handle, struct bytes body);

/* Calls back for the frames that wait; returns how many. */
size_t edge_mesh_drain(struct edge_mesh *mesh);

/* Time goes on (CLOCK_MONOTONIC in ms): asks time out, silent peers go down and are looked for again. Call it every 50 to
 * 250 ms. */
void edge_mesh_tick(struct edge_mesh *mesh, uint64_t now);

/* Whether others can reach us, as far as this process can tell. */
struct edge_mesh_look {
    uint64_t connections; /* that nng has, both ways; those that it does not take down stay among them */
    bool crowded;         /* more of them than a third of what doors may have of the process's descriptors */
    uint64_t deaf_since;  /* ms, monotonic: since when a door does not answer our own call; 0: all do */
    const char *deaf_url; /* that door's; borrowed from the mesh */
    uint64_t waits;   /* since the process began: how often somebody before a door had to wait for a descriptor … */
    uint64_t ended;   /* … how many were ended because they did not say in time who they are … */
    uint64_t refused; /* … and how many were refused because their address has as many as one may have */
};

void edge_mesh_look(struct edge_mesh *mesh, struct edge_mesh_look *out);

struct edge_mesh_peer_stats {
    bool up;
    uint64_t last_heard; /* ms, monotonic; 0: never */
    uint64_t bytes_in;   /* of frames taken */
    uint64_t pipes;      /* connections made to it so far */
    uint64_t redials;    /* connections given up because of silence */
    uint64_t asks, asks_failed;
    struct edge_gate_stats gate;
};

/* relay: a peer of the options, or EDGE_GATE_STRANGER for frames of nobody known (then only gate is filled). */
bool edge_mesh_peer_stats(struct edge_mesh *mesh, uint16_t relay, struct edge_mesh_peer_stats *out);

#endif
