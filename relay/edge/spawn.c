/*
 * How a child process begins: its descriptors, its signals, and what it learns of our environment.
 */
#include "relay/edge/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* What a child may know of our environment: where certificates and libraries lie, how to get out, how to test it. */
static const char *const PASSED[] = {
    "PATH=",         "LANG=",          "LC_ALL=",       "TZ=",       "SSL_CERT_FILE=", "SSL_CERT_DIR=", "http_proxy=",
    "https_proxy=",  "HTTP_PROXY=",    "HTTPS_PROXY=",  "no_proxy=", "NO_PROXY=",      "ALL_PROXY=",    "ASAN_OPTIONS=",
    "TSAN_OPTIONS=", "UBSAN_OPTIONS=", "LSAN_OPTIONS=",
#ifdef ISTHMUS_FAULTS
    "ISTHMUS_FAULT=" /* to the first process only (fault.h): those that follow must live */
#endif
};
#ifdef ISTHMUS_FAULTS
enum { PASSED_FIRST = 1 }; /* the last ones, which a later process does not get */
#else
enum { PASSED_FIRST = 0 };
#endif
enum { PASSED_LEN = sizeof(PASSED) / sizeof(PASSED[0]) };

static void environment_pick(char *out[PASSED_LEN + 1], bool first)
{
    size_t len = 0, most = first ? PASSED_LEN : PASSED_LEN - PASSED_FIRST;
    for (char **at = environ; *at != NULL; at++) {
        for (size_t i = 0; i < most && len < PASSED_LEN; i++) {
            if (strncmp(*at, PASSED[i], strlen(PASSED[i])) == 0)
                out[len++] = *at;
        }
    }
    out[len] = NULL;
}

static int start(pid_t *pid, const char *program, char *const argv[], int socket_fd, int log_fd, bool first)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    char *environment[PASSED_LEN + 1];
    sigemptyset(&none);
    sigfillset(&all);
    environment_pick(environment, first);
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, log_fd, 1);
    posix_spawn_file_actions_adddup2(&files, log_fd, 2);
    posix_spawn_file_actions_adddup2(&files, socket_fd, 3); /* the last one: log_fd may be 3 */
    posix_spawn_file_actions_addclosefrom_np(&files, 4);
    int error = posix_spawn(pid, program, &files, &attributes, argv, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return error;
}

int edge_spawn(struct edge_spawned *out, const char *program, char *const argv[], bool own_log, bool first)
{
    int sockets[2] = {-1, -1}, pipes[2] = {-1, -1};
    int error = 0;
    *out = (struct edge_spawned){.pid = 0};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0 || pipe2(pipes, O_CLOEXEC) != 0)
        error = errno;
    out->fd = sockets[0];
    out->log_fd = pipes[0];
    if (error == 0 && (fcntl(out->fd, F_SETFL, O_NONBLOCK) != 0 || fcntl(out->log_fd, F_SETFL, O_NONBLOCK) != 0))
        error = errno;
    if (error == 0)
        error = start(&out->pid, program, argv, sockets[1], own_log ? STDERR_FILENO : pipes[1], first);
    if (error != 0)
        out->pid = 0;
    if (sockets[1] >= 0)
        close(sockets[1]);
    if (pipes[1] >= 0)
        close(pipes[1]);
    return error;
}
