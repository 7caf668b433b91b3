/*
 * A probe: can a TCP connection be made to this address right now?
 *
 * Neither end of a cut connection notices: after a partition TCP tries again only when its doubled timers say so, up to a
 * minute later, and a connect under way is no better. A probe is a fresh connect twice a second, so it finds the way back
 * within half a second, and it costs the other end nothing while the cut lasts. Only its success makes the mesh give up
 * connections. Never blocks; no names are looked up.
 */
#ifndef RELAY_EDGE_PROBE_H
#define RELAY_EDGE_PROBE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

struct edge_probe {
    struct sockaddr_storage address;
    socklen_t address_len; /* 0: not known */
    bool named;            /* it has a host name, which is not looked up here */
    int fd;                /* -1: none under way */
    uint64_t began;        /* ms, monotonic */
};

void edge_probe_init(struct edge_probe *probe);
void edge_probe_fini(struct edge_probe *probe);

/*
 * Reads a URL of the mesh: ipc://path, tcp://host:port, tls+tcp://host:port. Returns what is wrong with it, static, or NULL.
 * tls: this relay has a certificate; insecure: plain tcp:// may leave this machine. When host is a number ("127.0.0.1",
 * "[::1]") the probe (NULL: none) knows where to look; a name is not looked up: `named`, and such a probe never succeeds.
 */
const char *edge_probe_url(struct edge_probe *probe, const char *url, bool tls, bool insecure);

/* Goes on with the probe, or begins one; now: ms, monotonic. True once for each connection that came about. */
bool edge_probe_step(struct edge_probe *probe, uint64_t now);

/* Ends what is under way. */
void edge_probe_stop(struct edge_probe *probe);

/*
 * A greeting: does our own listener at ipc://path still take connections? In nng 1.5.2 a client that connects and ends at once
 * (a process that is killed just then) can stop an ipc listener for good, and nothing tells. So every two seconds one connection
 * is made to it, with nng's own handshake, and the listener's socket must count it.
 */
struct edge_greeting {
    struct sockaddr_un address; /* family 0: not an ipc URL, nothing is done */
    int fd;                     /* -1: none under way */
    uint64_t began;             /* ms, monotonic */
    uint64_t accepted;          /* when it began */
    uint8_t protocol;
};

/* protocol: nng's number of the protocol that may connect there: 0x21 subscriber, 0x30 requester. */
void edge_greeting_init(struct edge_greeting *greeting, const char *url, uint8_t protocol);
void edge_greeting_fini(struct edge_greeting *greeting);

/* Goes on with it. accepted: connections that the listener's socket has let in so far. True when it let none in: it is dead. */
bool edge_greeting_missed(struct edge_greeting *greeting, uint64_t now, uint64_t accepted);

#endif
