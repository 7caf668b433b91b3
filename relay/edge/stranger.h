/*
 * Connections that have come to a door of the mesh and have not said who they are. nng 1.5.2 lets in as many as come, and each
 * has a descriptor before it has said a byte; over TLS it never shows out one that does not finish the handshake, and two of
 * its threads look at it without a pause. So accept() of this program is ours (nng calls it, and nobody else here): a
 * connection gets no descriptor above edge_stranger_mark(), and one that nng has not greeted within EDGE_STRANGER_MS is ended.
 *
 * What is above the mark belongs to the store, to children, the control socket and what we dial. Whoever comes meanwhile waits
 * in the kernel's queue; links that are there already stay as they are. Below it one address has edge_stranger_share(), strangers
 * and those that greeted together: what it has beyond is ended at once, so that others come in. This machine itself has no share:
 * our own calls come from it, and what a tunnel brings.
 *
 * Threads: any.
 */
#ifndef RELAY_EDGE_STRANGER_H
#define RELAY_EDGE_STRANGER_H

#include <stddef.h>
#include <stdint.h>

enum {
    EDGE_STRANGER_MARK_MAX = 4096, /* whatever the process may open: each connection takes memory, too */
    EDGE_STRANGER_LIMIT = 8192,    /* descriptors that a process should be allowed: as many again for the rest */
    EDGE_STRANGER_MS = 8000        /* less than nng's own ten seconds, which it cannot carry out over TLS */
};

/* A connection over TCP, as its two ends name it: addresses in network order (an IPv4 one in front, then zeros), and ports. */
struct edge_stranger_name {
    uint8_t theirs[16];
    uint16_t their_port, our_port;
};

/* Raises this process's limit of descriptors to EDGE_STRANGER_LIMIT, or as far as it may go (a soft limit is 1024 as a rule). */
void edge_stranger_limit(void);

/* The number from which on descriptors are no connections of others: three quarters of what the process may open,
 * EDGE_STRANGER_MARK_MAX at most. All that it has open counts. */
size_t edge_stranger_mark(void);

/* How many connections one address may have, over IPv6 one network of 64 bits: a sixteenth of the mark. */
size_t edge_stranger_share(void);

/* nng has greeted it, over TLS after it showed a certificate. Unknown names are ignored. */
void edge_stranger_greeted(const struct edge_stranger_name *name);

/* Ends those that took too long. now: ms, monotonic. */
void edge_stranger_tick(uint64_t now);

/* Since the process began: how often somebody had to wait for a descriptor, how many were ended, and how many refused because their
 * address had its share. */
uint64_t edge_stranger_waits(void);
uint64_t edge_stranger_ended(void);
uint64_t edge_stranger_refused(void);

#endif
