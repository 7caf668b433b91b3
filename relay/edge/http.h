/*
 * A small HTTP server for monitors: GET (and HEAD) of a few paths, one answer a connection, no authentication, nothing that
 * changes anything. libevent's own (evhttp 2.1) cannot bound its connections, so this is ours, over relay/edge/loop.h.
 *
 * Bounds: EDGE_HTTP_CLIENTS_MAX connections (one more ends the oldest, so that idle ones keep nobody out), a request of at
 * most EDGE_HTTP_REQUEST_MAX bytes, EDGE_HTTP_MS from its connection to its last byte; an answer is made whole in memory.
 */
#ifndef RELAY_EDGE_HTTP_H
#define RELAY_EDGE_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct edge_http;
struct edge_loop;

enum { EDGE_HTTP_CLIENTS_MAX = 16, EDGE_HTTP_REQUEST_MAX = 8192, EDGE_HTTP_MS = 10000 };

/* What a path answers. */
struct edge_http_answer {
    unsigned status;  /* 200, 404, 503 */
    const char *type; /* static: the Content-Type */
    char *body;       /* malloc'ed, taken by the server; NULL: no memory, answered with 500 */
    size_t len;
};

struct edge_http_options {
    struct edge_loop *loop;
    const char *listen; /* "127.0.0.1:9464", "[::1]:9464": numbers only; port 0: any free one */
    void *context;
    /* path: without its query, at most 255 bytes. Called on the loop; must not free the server. */
    void (*answer)(void *context, const char *path, struct edge_http_answer *out);
};

/* NULL on failure; text (capacity cap) says what was wrong, where, and what to do. */
struct edge_http *edge_http_new(const struct edge_http_options *options, char *text, size_t cap);
void edge_http_free(struct edge_http *http); /* NULL is allowed */

/* Where it listens, with the port that was given; lives as long as the server. */
const char *edge_http_address(const struct edge_http *http);

/* Answers by kind since start: 2xx, 4xx, 5xx (places 0, 1, 2), and connections that were ended without one (3). */
uint64_t edge_http_count(const struct edge_http *http, unsigned kind);

/* True when text is an address as above; also used to check a configuration. */
bool edge_http_address_valid(const char *text);

#endif
