/*
 * The bytes below nng, for tests: a TCP relay in the middle that mangles, repeats or swallows what the publisher sends, and
 * a bare speaker of nng's handshake. One thread a proxy.
 */
#ifndef TESTS_INTEGRATION_MESH_WIRE_H
#define TESTS_INTEGRATION_MESH_WIRE_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static inline struct sockaddr_in wire_address(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static inline int wire_connect(uint16_t port)
{
    struct sockaddr_in address = wire_address(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    close(fd);
    return -1;
}

static inline int wire_listen(uint16_t port)
{
    struct sockaddr_in address = wire_address(port);
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 && listen(fd, 16) == 0)
        return fd;
    abort();
}

static inline bool wire_send(int fd, const void *data, size_t len)
{
    const uint8_t *at = data;
    while (len > 0) {
        ssize_t sent = send(fd, at, len, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        at += sent;
        len -= (size_t)sent;
    }
    return true;
}

/* Both ends say who they are: protocol 0x20 publishes, 0x21 subscribes. */
static inline bool wire_handshake(int fd, uint8_t protocol)
{
    const uint8_t hello[8] = {0, 'S', 'P', 0, 0, protocol, 0, 0};
    uint8_t theirs[8];
    return wire_send(fd, hello, sizeof(hello)) && recv(fd, theirs, 8, MSG_WAITALL) == 8;
}

enum proxy_mode { PROXY_PASS, PROXY_FLIP, PROXY_TWICE };

enum { PROXY_PAIRS = 32, PROXY_LARGE = 100 };

struct proxy {
    uint16_t port, to;
    atomic_int mode;
    atomic_bool cut; /* nothing passes, nobody is let in; connections of before stay dead when it ends */
    atomic_bool stop;
    atomic_int passed; /* large chunks */
    pthread_t thread;
};

struct proxy_pair {
    int client, server;
    bool dead;
};

static inline void proxy_pass(struct proxy *proxy, int from, int to, bool published, struct proxy_pair *pair)
{
    uint8_t chunk[65536];
    ssize_t len = recv(from, chunk, sizeof(chunk), MSG_DONTWAIT);
    if (len == 0 || (len < 0 && errno != EAGAIN)) {
        close(pair->client);
        close(pair->server);
        pair->client = pair->server = -1;
    }
    if (len <= 0)
        return;
    bool large = published && len > PROXY_LARGE;
    int mode = large ? atomic_load(&proxy->mode) : PROXY_PASS;
    if (large)
        atomic_fetch_add(&proxy->passed, 1);
    if (mode == PROXY_FLIP)
        chunk[len - 1] ^= 1;
    wire_send(to, chunk, (size_t)len);
    if (mode == PROXY_TWICE)
        wire_send(to, chunk, (size_t)len);
}

static inline void proxy_accept(struct proxy *proxy, int listener, struct proxy_pair *pairs)
{
    int client = accept(listener, NULL, NULL);
    int server = client < 0 ? -1 : wire_connect(proxy->to);
    for (int i = 0; i < PROXY_PAIRS && server >= 0; i++) {
        if (pairs[i].client >= 0)
            continue;
        pairs[i] = (struct proxy_pair){client, server, false};
        return;
    }
    if (client >= 0)
        close(client);
}

static inline void *proxy_main(void *argument)
{
    struct proxy *proxy = argument;
    struct proxy_pair pairs[PROXY_PAIRS];
    int listener = wire_listen(proxy->port);
    for (int i = 0; i < PROXY_PAIRS; i++)
        pairs[i] = (struct proxy_pair){-1, -1, false};
    while (!atomic_load(&proxy->stop)) {
        bool cut = atomic_load(&proxy->cut);
        if (cut && listener >= 0) {
            close(listener);
            listener = -1;
        } else if (!cut && listener < 0) {
            listener = wire_listen(proxy->port);
        }
        struct pollfd ready[1 + 2 * PROXY_PAIRS];
        ready[0] = (struct pollfd){.fd = listener, .events = POLLIN};
        for (int i = 0; i < PROXY_PAIRS; i++) {
            pairs[i].dead = pairs[i].client >= 0 && (pairs[i].dead || cut);
            ready[1 + 2 * i] = (struct pollfd){.fd = pairs[i].dead ? -1 : pairs[i].client, .events = POLLIN};
            ready[2 + 2 * i] = (struct pollfd){.fd = pairs[i].dead ? -1 : pairs[i].server, .events = POLLIN};
        }
        if (poll(ready, 1 + 2 * PROXY_PAIRS, 10) <= 0)
            continue;
        for (int i = 0; i < PROXY_PAIRS; i++) {
            if (ready[1 + 2 * i].revents)
                proxy_pass(proxy, pairs[i].client, pairs[i].server, false, &pairs[i]);
            if (ready[2 + 2 * i].revents && pairs[i].client >= 0)
                proxy_pass(proxy, pairs[i].server, pairs[i].client, true, &pairs[i]);
        }
        if (ready[0].revents)
            proxy_accept(proxy, listener, pairs);
    }
    for (int i = 0; i < PROXY_PAIRS; i++)
        if (pairs[i].client >= 0)
            close(pairs[i].client), close(pairs[i].server);
    if (listener >= 0)
        close(listener);
    return NULL;
}

static inline void proxy_start(struct proxy *proxy, uint16_t port, uint16_t to)
{
    memset(proxy, 0, sizeof(*proxy));
    proxy->port = port;
    proxy->to = to;
    if (pthread_create(&proxy->thread, NULL, proxy_main, proxy) != 0)
        abort();
}

static inline void proxy_stop(struct proxy *proxy)
{
    atomic_store(&proxy->stop, true);
    pthread_join(proxy->thread, NULL);
}

#endif
