/*
 * A child process that speaks messages of u32 length || bytes (big-endian) on its descriptor 3: connectors and the signer.
 *
 * It sees descriptors 0 (/dev/null), 1 and 2 (a pipe whose lines go to the log), 3 (the socket), and a small environment;
 * it has its own session and dies with its parent. When it ends it is started again after a back-off that doubles; after
 * EDGE_CHILD_CRASHES ends within EDGE_CHILD_CRASH_MS it is quarantined for EDGE_CHILD_QUARANTINE_MS. Buffers are bounded:
 * a child that does not read is ended, too.
 *
 * Callbacks come from the loop, never from inside a call to this file, so they need not expect re-entry.
 */
#ifndef RELAY_EDGE_CHILD_H
#define RELAY_EDGE_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "proofs/codec/bytes.h"
#include "relay/edge/loop.h"

enum {
    EDGE_CHILD_MESSAGE_MAX = 4 << 20, /* bytes of a message from the child */
    EDGE_CHILD_SEND_MAX = 8 << 20,    /* and of one to it */
    EDGE_CHILD_OUT_MAX = 32 << 20,    /* bytes that wait for the child to read them */
    EDGE_CHILD_BACKOFF_MS = 100,      /* after the first end; doubles, up to a hundred times it */
    EDGE_CHILD_BACKOFF_MOST = 100,
    EDGE_CHILD_STABLE_MS = 30000, /* up this long: the back-off begins anew */
    EDGE_CHILD_CRASHES = 10,
    EDGE_CHILD_CRASH_MS = 60000,
    EDGE_CHILD_QUARANTINE_MS = 600000,
    EDGE_CHILD_GRACE_MS = 3000 /* between closing descriptor 3 and SIGKILL */
};

/* State: name. */
#define EDGE_CHILD_STATES(X)                                                                                           \
    X(STOPPED, "stopped")                                                                                              \
    X(UP, "up")                                                                                                        \
    X(ENDING, "ending")                                                                                                \
    X(BACKING_OFF, "backing-off")                                                                                      \
    X(QUARANTINED, "quarantined")

enum edge_child_state {
#define X(name, text) EDGE_CHILD_##name,
    EDGE_CHILD_STATES(X)
#undef X
};

const char *edge_child_state_name(enum edge_child_state state);

struct edge_child;

struct edge_child_options {
    struct edge_loop *loop;
    const char *name;        /* for the log; copied */
    const char *program;     /* path; copied */
    const char *const *argv; /* argv[0] is what it is called; ends with NULL; copied */
    bool own_log;            /* it is ours and writes log lines like ours: 1 and 2 are our stderr, not a pipe */
    uint32_t backoff_ms;     /* 0: EDGE_CHILD_BACKOFF_MS; at most a hundred times it */
    void *context;
    void (*up)(void *context);                         /* the process runs; it has said nothing yet */
    void (*message)(void *context, struct bytes body); /* whole, 1 .. EDGE_CHILD_MESSAGE_MAX bytes; borrowed */
    void (*down)(void *context, const char *why);      /* after up, once: the process has ended */
};

/* Nothing runs before edge_child_start. NULL: no memory. */
struct edge_child *edge_child_new(const struct edge_child_options *options);
void edge_child_start(struct edge_child *child);

/* Queues one message. False: not up, too long, or it does not read (then it is being ended). */
bool edge_child_send(struct edge_child *child, struct bytes message);

/* While set, nothing is read from the child: the caller's back-pressure. */
void edge_child_hold(struct edge_child *child, bool hold);

/* Ends it as if it had crashed: it is started again after its back-off. why is kept for the log and status. */
void edge_child_ban(struct edge_child *child, const char *why);

/* Starts it now if it is backing off or quarantined. */
void edge_child_release(struct edge_child *child);

/* Closes descriptor 3, so that it ends; SIGKILL after the grace. No restart. `down` is still called when it was up. */
void edge_child_stop(struct edge_child *child);

/* Kills it if it runs. No callbacks any more. NULL is allowed. */
void edge_child_free(struct edge_child *child);

struct edge_child_view {
    const char *name;
    enum edge_child_state state;
    pid_t pid; /* 0: none */
    uint64_t starts, crashes;
    uint64_t since; /* ms, monotonic: of this state */
    uint64_t retry; /* ms, monotonic: when it is started again; 0: not waiting */
    char text[256]; /* why it ended last, and whether this relay killed it; empty if it never did */
};

void edge_child_look(const struct edge_child *child, struct edge_child_view *out);

#endif
