/*
 * The mesh's gate: what makes a frame ours to send or to take (docs/formats.md §6.1). No sockets, no clock of its own.
 *
 * Outgoing frames get header, counter and signature. Incoming ones pass, in this order: size, header, network, audience,
 * sender (a neighbour in the network document, and the one at the other end of this link), counter, items, signature.
 * Only then is the counter taken. Each refusal has a reason and is counted per peer; a link that repeats them is cut off
 * for a while, twice as long each time. Blame goes to the link that brought the bytes, never to the sender that unverified
 * bytes name, so nobody can have a peer cut off by speaking in its name.
 *
 * Threads: all functions may be called by any thread; one mutex, never held while a signature is checked.
 */
#ifndef RELAY_EDGE_GATE_H
#define RELAY_EDGE_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proofs/frame.h"
#include "topology/network.h"

enum {
    EDGE_GATE_ASKS_MAX = 256,   /* asks of ours that wait for an answer, over all peers */
    EDGE_GATE_AHEAD_S = 3600,   /* how far a sender's clock may have been ahead of ours at its start */
    EDGE_GATE_STRANGER = 0xffff /* peer of a frame or of a link that is no neighbour's */
};

/* Why a frame was refused: X(symbol, name) */
#define EDGE_GATE_REASONS(X)                                                                                           \
    X(SIZE, "frame-size")       /* longer than a frame may be */                                                       \
    X(FORM, "frame-malformed")  /* header: magic, reserved bytes, truncated, bytes after the end */                    \
    X(VERSION, "frame-version") /* a version that is not spoken here */                                                \
    X(KIND, "frame-kind")       /* not the kind that this socket carries */                                            \
    X(NETWORK, "frame-other-network")                                                                                  \
    X(AUDIENCE, "frame-other-audience")                                                                                \
    X(SENDER, "frame-unknown-sender") /* not in the network document, or not linked to us */                           \
    X(LINK, "frame-other-link")       /* a neighbour, but not the one that this link was made to */                    \
    X(COUNTER, "frame-replayed")      /* counter not above the last one of this sender and audience */                 \
    X(CLOCK, "frame-from-the-future") /* counter of a start that is an hour ahead of our clock: not taken */           \
    X(UNASKED, "frame-unasked")       /* a response to nothing that is outstanding at this peer */                     \
    X(ITEMS, "frame-items")           /* body is not a well-formed array of items */                                   \
    X(SIGNATURE, "frame-signature")                                                                                    \
    X(CUT_OFF, "frame-cut-off")    /* the link is cut off: not looked at */                                            \
    X(BUSY, "request-busy")        /* too many requests unanswered: the asker tries again */                           \
    X(OVERFLOW, "mesh-queue-full") /* the loop did not keep up: dropped, heads will tell */

enum edge_gate_reason {
    EDGE_GATE_OK = 0,
#define EDGE_GATE_ENUM(symbol, name) EDGE_GATE_##symbol,
    EDGE_GATE_REASONS(EDGE_GATE_ENUM)
#undef EDGE_GATE_ENUM
        EDGE_GATE_REASON_COUNT
};

/* "frame-signature" and so on; "ok" for 0. Static storage. */
const char *edge_gate_reason_name(enum edge_gate_reason reason);

struct edge_gate;

/* network and its arrays are read during this call only. start_ns: Unix time of this start in nanoseconds; counters begin
 * there, so it must be later than that of any start before. NULL: no memory, or self is
 * not a relay of the network whose key is the secret's. */
struct edge_gate *edge_gate_new(const struct topology_network *network, uint16_t self, const uint8_t secret[32],
                                uint64_t start_ns);
void edge_gate_free(struct edge_gate *gate); /* wipes the key; NULL is allowed */

/* True when relay is linked to us in the network document. */
bool edge_gate_neighbour(const struct edge_gate *gate, uint16_t relay);

/* ---- out ------------------------------------------------------------------------------------------------------------ */

/* Bytes of a frame with this body; 0: empty or over the bound. */
size_t edge_gate_size(size_t body_len);

/* Write a signed frame of edge_gate_size(body.len) bytes to out. False: bad body, zone or peer, or signing failed. */
bool edge_gate_seal_publish(uint8_t *out, struct edge_gate *gate, uint16_t zone, struct bytes body);
bool edge_gate_seal_response(uint8_t *out, struct edge_gate *gate, uint16_t relay, uint64_t counter, struct bytes body);
/* A request; the ask is outstanding until its answer is taken or deadline (ms, monotonic) passes. False also when too many
 * are outstanding. */
bool edge_gate_seal_request(uint8_t *out, struct edge_gate *gate, uint16_t relay, uint64_t id, uint64_t deadline,
                            struct bytes body);

/* The ask was not sent after all: nothing will follow. */
void edge_gate_forget(struct edge_gate *gate, uint16_t relay, uint64_t id);

/* Takes one ask whose deadline is not after now (any, when now is UINT64_MAX); false when there is none. */
bool edge_gate_expired(struct edge_gate *gate, uint64_t now, uint16_t *relay, uint64_t *id);
/* Takes one ask to this relay, whatever its deadline: the connection that carried it is gone. */
bool edge_gate_lost(struct edge_gate *gate, uint16_t relay, uint64_t *id);

/* ---- in ------------------------------------------------------------------------------------------------------------- */

/* What passed. */
struct edge_gate_frame {
    uint16_t relay;    /* who signed it */
    uint64_t id;       /* response: the ask's id */
    uint64_t counter;  /* request: what the response must repeat */
    struct bytes body; /* borrowed from in */
};

/* When a frame arrived. A relay that started with a clock far ahead, and then with the right one, would else be taken for
 * its own echo until that date. */
struct edge_gate_time {
    uint64_t ms; /* monotonic */
    uint64_t unix_s;
};

/* Examines one frame of the kind that this socket carries. link: the relay at the other end (PUBLISH, RESPONSE: the one we
 * dialled; REQUEST: EDGE_GATE_STRANGER, as anyone may dial us). */
enum edge_gate_reason edge_gate_take(struct edge_gate_frame *out, struct edge_gate *gate, enum proof_frame_kind kind,
                                     uint16_t link, struct edge_gate_time now, struct bytes in);

/* True for what an honest peer never sends: on a link to a neighbour it counts towards a cut-off. */
bool edge_gate_blames(enum edge_gate_reason reason);

/* Counts a drop that was decided elsewhere (BUSY, OVERFLOW, SIZE). Never blames. */
void edge_gate_count(struct edge_gate *gate, uint16_t relay, enum edge_gate_reason reason);

/* ---- counters ---------------------------------------------------------------------------------------------------------- */

struct edge_gate_stats {
    uint64_t taken;
    uint64_t refused[EDGE_GATE_REASON_COUNT]; /* by reason */
    uint64_t cuts;                            /* how often the link was cut off */
    uint64_t cut_until;                       /* ms, monotonic; 0: not cut off */
};

/* relay: a neighbour, or EDGE_GATE_STRANGER for frames that no neighbour's link or name was on. False: neither. */
bool edge_gate_stats_of(struct edge_gate *gate, uint16_t relay, struct edge_gate_stats *out);

#endif
