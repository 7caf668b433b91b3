/*
 * How a child process begins (relay/edge/child.h watches it): descriptor 0 is /dev/null, 1 and 2 lead to its log, 3 is its end
 * of a socket, and no other is open; its signals are as they come, its session is its own; of our environment it gets what
 * finding libraries, certificates and a way out needs.
 */
#ifndef RELAY_EDGE_SPAWN_H
#define RELAY_EDGE_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

struct edge_spawned {
    pid_t pid;  /* 0: it did not start */
    int fd;     /* our end of its socket, not blocking; -1: none */
    int log_fd; /* what it writes to 1 and 2, not blocking; -1: none */
};

/*
 * Starts program (a path) with argv. own_log: it writes to our own stderr, and log_fd hears nothing. first: the first process of
 * this child, which alone gets the fault that a test planned (relay/edge/fault.h). 0, or an errno; the descriptors in *out are
 * the caller's to close in either case.
 */
int edge_spawn(struct edge_spawned *out, const char *program, char *const argv[], bool own_log, bool first);

#endif
