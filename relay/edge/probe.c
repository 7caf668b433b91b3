/* A connect that gives up after half a second and begins again: quicker than TCP's own repetitions. */
#include "relay/edge/probe.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

enum {
    PATIENCE = 500,          /* ms: below TCP's first repetition of a connect */
    GREETING_PAUSE = 2000,   /* ms between greetings */
    GREETING_PATIENCE = 2000 /* ms */
};

void edge_probe_init(struct edge_probe *probe)
{
    memset(probe, 0, sizeof(*probe));
    probe->fd = -1;
}

void edge_probe_fini(struct edge_probe *probe)
{
    edge_probe_stop(probe);
}

/* An address that is a number; others stay unknown. */
static void set_address(struct edge_probe *probe, const char *host, const char *port)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    probe->named = getaddrinfo(host, port, &hints, &found) != 0;
    if (probe->named)
        return;
    if (found->ai_addrlen <= sizeof(probe->address)) {
        memcpy(&probe->address, found->ai_addr, found->ai_addrlen);
        probe->address_len = found->ai_addrlen;
    }
    freeaddrinfo(found);
}

static bool loopback(const char *host)
{
    return strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0 || strcmp(host, "localhost") == 0;
}

static bool copy_part(char *out, size_t cap, const char *from, size_t len)
{
    if (len == 0 || len >= cap)
        return false;
    memcpy(out, from, len);
    out[len] = '\0';
    return true;
}

const char *edge_probe_url(struct edge_probe *probe, const char *url, bool tls, bool insecure)
{
    char host[256], port[6];
    if (!url)
        return "an address is missing";
    if (strncmp(url, "ipc://", 6) == 0)
        return url[6] ? NULL : "the path of the socket is missing";
    bool secret = strncmp(url, "tls+tcp://", 10) == 0;
    if (!secret && strncmp(url, "tcp://", 6) != 0)
        return "use tls+tcp://host:port between hosts, ipc:///path on one";
    const char *start = url + (secret ? 10 : 6), *colon = strrchr(start, ':');
    size_t len = colon ? (size_t)(colon - start) : 0;
    bool bracket = len > 2 && start[0] == '[' && start[len - 1] == ']';
    if (!colon || !copy_part(host, sizeof(host), start + bracket, len - 2 * (size_t)bracket) ||
        !copy_part(port, sizeof(port), colon + 1, strlen(colon + 1)) || strspn(port, "0123456789") != strlen(port))
        return "not host:port";
    if (secret && !tls)
        return "tls+tcp:// needs a certificate, a key and an authority in the configuration";
    if (!secret && !insecure && !loopback(host))
        return "tcp:// is for loopback addresses only: use tls+tcp://";
    if (probe)
        set_address(probe, host, port);
    return NULL;
}

void edge_probe_stop(struct edge_probe *probe)
{
    if (probe->fd >= 0)
        close(probe->fd);
    probe->fd = -1;
}

/* A connect that was aborted at once leaves nothing behind at the other end but one accepted and closed connection. */
static bool succeeded(struct edge_probe *probe)
{
    edge_probe_stop(probe);
    return true;
}

static bool begin(struct edge_probe *probe, uint64_t now)
{
    probe->began = now;
    probe->fd = socket(probe->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (probe->fd < 0)
        return false;
    if (connect(probe->fd, (const struct sockaddr *)&probe->address, probe->address_len) == 0)
        return succeeded(probe);
    if (errno != EINPROGRESS)
        edge_probe_stop(probe);
    return false;
}

bool edge_probe_step(struct edge_probe *probe, uint64_t now)
{
    if (probe->address_len == 0)
        return false;
    if (probe->fd >= 0) {
        struct pollfd state = {.fd = probe->fd, .events = POLLOUT};
        if (poll(&state, 1, 0) == 1) {
            int error = 0;
            socklen_t len = sizeof(error);
            if (getsockopt(probe->fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error == 0)
                return succeeded(probe);
            edge_probe_stop(probe);
        }
    }
    if (now - probe->began < PATIENCE)
        return false;
    edge_probe_stop(probe);
    return begin(probe, now);
}

/* ---- greetings ---------------------------------------------------------------------------------------------------- */

void edge_greeting_init(struct edge_greeting *greeting, const char *url, uint8_t protocol)
{
    memset(greeting, 0, sizeof(*greeting));
    greeting->protocol = protocol;
    greeting->fd = -1;
    if (strncmp(url, "ipc://", 6) == 0 && strlen(url + 6) < sizeof(greeting->address.sun_path)) {
        greeting->address.sun_family = AF_UNIX;
        memcpy(greeting->address.sun_path, url + 6, strlen(url + 6));
    }
}

void edge_greeting_fini(struct edge_greeting *greeting)
{
    if (greeting->fd >= 0)
        close(greeting->fd);
    greeting->fd = -1;
}

bool edge_greeting_missed(struct edge_greeting *greeting, uint64_t now, uint64_t accepted)
{
    const uint8_t hello[8] = {0, 'S', 'P', 0, 0, greeting->protocol, 0, 0};
    if (greeting->address.sun_family != AF_UNIX)
        return false;
    if (greeting->fd >= 0) {
        bool let_in = accepted != greeting->accepted;
        bool missed = !let_in && now - greeting->began >= GREETING_PATIENCE;
        if (let_in || missed)
            edge_greeting_fini(greeting);
        return missed;
    }
    if (now - greeting->began < GREETING_PAUSE)
        return false;
    greeting->began = now;
    greeting->accepted = accepted;
    greeting->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (greeting->fd < 0)
        return false;
    const struct sockaddr *address = (const struct sockaddr *)&greeting->address;
    bool refused = connect(greeting->fd, address, sizeof(greeting->address)) != 0 || /* gone, or its queue is full */
                   send(greeting->fd, hello, sizeof(hello), MSG_NOSIGNAL) != (ssize_t)sizeof(hello);
    if (refused)
        edge_greeting_fini(greeting);
    return refused;
}
