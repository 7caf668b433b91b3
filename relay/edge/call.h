/*
 * A call of our own door over TLS: does it still let anybody in?
 *
 * A fresh connection, as a peer would make it, but outside nng: TLS with our own certificate and nng's handshake, with the number
 * of a protocol that no door of ours takes. So the door's socket sees the connection (NNG_PIPE_EV_ADD_PRE) and shows it out
 * before a message flows. That order matters in nng 1.5.2:
 * - a client that leaves before the handshake is over may stop the listener for good: so it is the door that ends a call;
 * - a connection closed while a message comes or goes may keep, for ever, the one thread that takes connections down.
 *
 * Never blocks, but for one look-up of the host's name when it is made. The only file of the relay with OpenSSL.
 */
#ifndef RELAY_EDGE_CALL_H
#define RELAY_EDGE_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* Borrowed for edge_call_init only. */
struct edge_call_options {
    const char *url;               /* tls+tcp://host:port */
    const char *certificate, *key; /* PEM texts */
};

struct edge_call {
    struct sockaddr_storage address;
    socklen_t address_len;
    struct ssl_ctx_st *context;
    struct ssl_st *session; /* NULL: no call is under way */
    int fd;
    bool greeted;
};

/* False: the address or the PEM texts cannot be used. Ends with edge_call_fini either way. */
bool edge_call_init(struct edge_call *call, const struct edge_call_options *options);
void edge_call_fini(struct edge_call *call);

/* Goes on with the call, or begins one. True: it is over: the door ended it, or cannot be reached. */
bool edge_call_step(struct edge_call *call);

/* Ends what is under way. */
void edge_call_stop(struct edge_call *call);

#endif
