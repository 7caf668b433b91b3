/*
 * HTTP for monitors: connections, requests, bounds. What is answered is the options' business.
 */
#include "relay/edge/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "relay/edge/log.h"
#include "relay/edge/loop.h"

enum { PATH_MAX_BYTES = 256, HEAD_MAX = 512, ADDRESS_MAX = 64, PAUSE_MS = 1000 };

struct client {
    struct edge_http *http;
    int fd; /* -1: free */
    struct edge_watch *watch;
    struct edge_timer *deadline;
    uint64_t number; /* ascending: the smallest is the oldest */
    char in[EDGE_HTTP_REQUEST_MAX];
    size_t in_len;
    char head[HEAD_MAX];
    size_t head_len;
    char *body;
    size_t body_len, at; /* at: sent of head and body together */
    bool answering;
};

struct edge_http {
    struct edge_http_options options;
    char address[ADDRESS_MAX];
    int fd;
    struct edge_watch *watch;
    struct edge_timer *pause; /* until connections are taken again */
    uint64_t next, counts[4];
    struct client clients[EDGE_HTTP_CLIENTS_MAX];
};

static void client_close(struct client *client)
{
    edge_watch_free(client->watch);
    edge_timer_free(client->deadline);
    if (client->fd >= 0)
        close(client->fd);
    free(client->body);
    client->watch = NULL;
    client->deadline = NULL;
    client->body = NULL;
    client->fd = -1;
}

static void client_drop(struct client *client)
{
    client->http->counts[3]++;
    client_close(client);
}

/* ---- answers ------------------------------------------------------------------------------------------------------- */

static const char *status_text(unsigned status)
{
    return status == 200   ? "OK"
           : status == 400 ? "Bad Request"
           : status == 404 ? "Not Found"
           : status == 405 ? "Method Not Allowed"
           : status == 431 ? "Request Header Fields Too Large"
           : status == 503 ? "Service Unavailable"
                           : "Internal Server Error";
}

static void answer_start(struct client *client, struct edge_http_answer *answer, bool head_only)
{
    if (answer->body == NULL) {
        static const char sorry[] = "no memory\n";
        answer->status = 500;
        answer->type = "text/plain; charset=utf-8";
        answer->body = strdup(sorry);
        answer->len = answer->body == NULL ? 0 : sizeof(sorry) - 1;
    }
    int len = snprintf(client->head, sizeof(client->head),
                       "HTTP/1.1 %u %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nCache-Control: no-store\r\n"
                       "X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n",
                       answer->status, status_text(answer->status), answer->type, answer->len);
    client->head_len = len > 0 && (size_t)len < sizeof(client->head) ? (size_t)len : 0;
    client->body = answer->body;
    client->body_len = head_only ? 0 : answer->len;
    client->at = 0;
    client->answering = true;
    client->http->counts[answer->status < 300 ? 0 : answer->status < 500 ? 1 : 2]++;
}

static void refuse(struct client *client, unsigned status, const char *why)
{
    struct edge_http_answer answer = {.status = status, .type = "text/plain; charset=utf-8", .body = strdup(why)};
    answer.len = answer.body == NULL ? 0 : strlen(why);
    answer_start(client, &answer, false);
}

/* The request line is "METHOD PATH[?QUERY] HTTP/1.x"; the header fields that follow say nothing that matters here. */
static void request_answer(struct client *client, size_t line_len)
{
    const char *line = client->in;
    const char *space = memchr(line, ' ', line_len);
    const char *path = space == NULL ? NULL : space + 1;
    const char *end = path == NULL ? NULL : memchr(path, ' ', line_len - (size_t)(path - line));
    size_t method_len = space == NULL ? 0 : (size_t)(space - line);
    char name[PATH_MAX_BYTES];
    if (end == NULL || path[0] != '/' || line_len - (size_t)(end - line) != 9 || memcmp(end, " HTTP/1.", 8) != 0 ||
        end[8] < '0' || end[8] > '9') {
        refuse(client, 400, "this is no HTTP/1 request\n");
        return;
    }
    bool head_only = method_len == 4 && memcmp(line, "HEAD", 4) == 0;
    if (!head_only && (method_len != 3 || memcmp(line, "GET", 3) != 0)) {
        refuse(client, 405, "only GET and HEAD: nothing can be changed here\n");
        return;
    }
    const char *query = memchr(path, '?', (size_t)(end - path));
    size_t len = (size_t)((query != NULL ? query : end) - path);
    if (len >= sizeof(name) || memchr(path, '\0', (size_t)(end - path)) != NULL) { /* no text function sees all of it */
        refuse(client, 404, "there is no such path\n");
        return;
    }
    memcpy(name, path, len);
    name[len] = '\0';
    struct edge_http_answer answer = {.status = 404, .type = "text/plain; charset=utf-8"};
    client->http->options.answer(client->http->options.context, name, &answer);
    answer_start(client, &answer, head_only);
}

/* Looks for the empty line that ends a request. */
static void request_look(struct client *client)
{
    client->in[client->in_len] = '\0'; /* in has room: see client_ready */
    const char *first = memchr(client->in, '\n', client->in_len);
    bool whole = memmem(client->in, client->in_len, "\r\n\r\n", 4) != NULL ||
                 memmem(client->in, client->in_len, "\n\n", 2) != NULL;
    if (whole && first != NULL) {
        size_t len = (size_t)(first - client->in);
        request_answer(client, len > 0 && client->in[len - 1] == '\r' ? len - 1 : len);
    } else if (client->in_len == sizeof(client->in) - 1) {
        refuse(client, 431, "a request has at most 8191 bytes\n");
    }
}

/* ---- connections --------------------------------------------------------------------------------------------------- */

/* Sends what waits; closes when all is sent. */
static void answer_send(struct client *client)
{
    size_t total = client->head_len + client->body_len;
    while (client->at < total) {
        bool head = client->at < client->head_len;
        const char *from = head ? client->head + client->at : client->body + (client->at - client->head_len);
        size_t len = head ? client->head_len - client->at : total - client->at;
        ssize_t sent = send(client->fd, from, len, MSG_NOSIGNAL | MSG_DONTWAIT | (head ? MSG_MORE : 0));
        if (sent < 0 && (errno == EAGAIN || errno == EINTR)) {
            edge_watch_set(client->watch, false, true);
            return;
        }
        if (sent < 0) {
            client_close(client);
            return;
        }
        client->at += (size_t)sent;
    }
    shutdown(client->fd, SHUT_WR);
    client_close(client);
}

static void client_ready(void *context, bool readable, bool writable)
{
    struct client *client = context;
    (void)writable;
    if (readable && !client->answering) {
        ssize_t got =
            recv(client->fd, client->in + client->in_len, sizeof(client->in) - 1 - client->in_len, MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (got <= 0) {
            client_drop(client);
            return;
        }
        client->in_len += (size_t)got;
        request_look(client);
    }
    if (client->answering)
        answer_send(client);
}

static void client_late(void *context)
{
    client_drop(context); /* it asks slowly, or does not read */
}

/* A free place, or that of the oldest connection. */
static struct client *place(struct edge_http *http)
{
    struct client *oldest = &http->clients[0];
    for (size_t i = 0; i < EDGE_HTTP_CLIENTS_MAX; i++) {
        if (http->clients[i].fd < 0)
            return &http->clients[i];
        if (http->clients[i].number < oldest->number)
            oldest = &http->clients[i];
    }
    client_drop(oldest);
    return oldest;
}

static void accepting(void *context, bool readable, bool writable)
{
    struct edge_http *http = context;
    (void)readable, (void)writable;
    int fd = accept4(http->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) {
        /* It stays in the queue, so the socket stays readable: looking at once again would never end. */
        edge_log(RELAY_WARNING, "http-descriptors", NULL, "a monitor waits: %s", strerror(errno));
        edge_watch_set(http->watch, false, false);
        edge_timer_set(http->pause, PAUSE_MS);
    }
    if (fd < 0)
        return;
    struct client *client = place(http);
    client->fd = fd;
    client->number = ++http->next;
    client->in_len = 0;
    client->answering = false;
    client->watch = edge_watch_new(http->options.loop, fd, client_ready, client);
    client->deadline = edge_timer_new(http->options.loop, client_late, client);
    if (client->watch == NULL || client->deadline == NULL) {
        client_drop(client);
        return;
    }
    edge_watch_set(client->watch, true, false);
    edge_timer_set(client->deadline, EDGE_HTTP_MS);
}

static void pause_ended(void *context)
{
    struct edge_http *http = context;
    edge_watch_set(http->watch, true, false);
}

/* ---- the address --------------------------------------------------------------------------------------------------- */

union address {
    struct sockaddr any;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
};

/* Its length; 0 when text is none. */
static socklen_t address_read(union address *out, const char *text)
{
    char host[ADDRESS_MAX];
    const char *colon = strrchr(text, ':');
    size_t len = colon == NULL ? 0 : (size_t)(colon - text);
    bool six = len > 2 && text[0] == '[' && text[len - 1] == ']';
    char *end = NULL;
    unsigned long port = len > 0 && colon[1] >= '0' && colon[1] <= '9' ? strtoul(colon + 1, &end, 10) : 65536;
    memset(out, 0, sizeof(*out));
    if (end == NULL || *end != '\0' || port > 65535 || len >= sizeof(host))
        return 0;
    memcpy(host, text + six, len - 2 * six);
    host[len - 2 * six] = '\0';
    out->any.sa_family = six ? AF_INET6 : AF_INET;
    if (six) {
        out->six.sin6_port = htons((uint16_t)port);
        return inet_pton(AF_INET6, host, &out->six.sin6_addr) == 1 ? sizeof(out->six) : 0;
    }
    out->four.sin_port = htons((uint16_t)port);
    return inet_pton(AF_INET, host, &out->four.sin_addr) == 1 ? sizeof(out->four) : 0;
}

bool edge_http_address_valid(const char *text)
{
    union address address;
    return address_read(&address, text) > 0;
}

static void address_write(char out[ADDRESS_MAX], int fd)
{
    union address address;
    socklen_t len = sizeof(address);
    char host[INET6_ADDRSTRLEN] = "?";
    memset(&address, 0, sizeof(address));
    if (getsockname(fd, &address.any, &len) != 0)
        return;
    if (address.any.sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &address.six.sin6_addr, host, sizeof(host));
        snprintf(out, ADDRESS_MAX, "[%s]:%u", host, ntohs(address.six.sin6_port));
    } else {
        inet_ntop(AF_INET, &address.four.sin_addr, host, sizeof(host));
        snprintf(out, ADDRESS_MAX, "%s:%u", host, ntohs(address.four.sin_port));
    }
}

static bool listening(struct edge_http *http, char *text, size_t cap)
{
    union address address;
    const int on = 1;
    socklen_t len = address_read(&address, http->options.listen);
    if (len == 0) {
        snprintf(text, cap, "http.listen %s: is no address like 127.0.0.1:9464", http->options.listen);
        return false;
    }
    http->fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (http->fd < 0 || setsockopt(http->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        bind(http->fd, &address.any, len) != 0 || listen(http->fd, EDGE_HTTP_CLIENTS_MAX) != 0) {
        snprintf(text, cap, "http.listen %s: %s", http->options.listen,
                 errno == EADDRINUSE ? "another process listens there: choose another port" : strerror(errno));
        return false;
    }
    address_write(http->address, http->fd);
    return true;
}

struct edge_http *edge_http_new(const struct edge_http_options *options, char *text, size_t cap)
{
    struct edge_http *http = calloc(1, sizeof(*http));
    if (http == NULL) {
        snprintf(text, cap, "http.listen %s: no memory", options->listen);
        return NULL;
    }
    http->options = *options;
    http->fd = -1;
    for (size_t i = 0; i < EDGE_HTTP_CLIENTS_MAX; i++)
        http->clients[i] = (struct client){.http = http, .fd = -1};
    bool good = listening(http, text, cap);
    if (good) {
        http->watch = edge_watch_new(options->loop, http->fd, accepting, http);
        http->pause = edge_timer_new(options->loop, pause_ended, http);
        good = http->watch != NULL && http->pause != NULL;
        if (!good)
            snprintf(text, cap, "http.listen %s: no memory", options->listen);
    }
    if (!good) {
        edge_http_free(http);
        return NULL;
    }
    edge_watch_set(http->watch, true, false);
    edge_log(RELAY_INFO, "http-listening", NULL, "http://%s/metrics", http->address);
    return http;
}

void edge_http_free(struct edge_http *http)
{
    if (http == NULL)
        return;
    for (size_t i = 0; i < EDGE_HTTP_CLIENTS_MAX; i++)
        client_close(&http->clients[i]);
    edge_watch_free(http->watch);
    edge_timer_free(http->pause);
    if (http->fd >= 0)
        close(http->fd);
    free(http);
}

const char *edge_http_address(const struct edge_http *http)
{
    return http->address;
}

uint64_t edge_http_count(const struct edge_http *http, unsigned kind)
{
    return kind < 4 ? http->counts[kind] : 0;
}
