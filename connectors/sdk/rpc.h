/*
 * JSON-RPC over HTTP: batches of calls through libcurl's multi interface, bounded in size, time and number. An endpoint that
 * fails is left alone for a while, longer each time, with jitter; requests made meanwhile fail at once (but never
 * before rpc_send returned). The only file that includes libcurl is rpc.c.
 */
#ifndef CONNECTORS_SDK_RPC_H
#define CONNECTORS_SDK_RPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "connectors/sdk/arena.h"
#include "connectors/sdk/json.h"
#include "connectors/sdk/loop.h"

enum {
    SDK_RPC_CALLS_MAX = 100,    /* calls of one request */
    SDK_RPC_REQUESTS_MAX = 128, /* requests under way */
};

enum sdk_rpc_status {
    SDK_RPC_OK = 0,
    SDK_RPC_UNREACHABLE, /* no answer, HTTP error, or left alone for now */
    SDK_RPC_NONSENSE,    /* an answer that is no JSON-RPC answer to this request */
    SDK_RPC_TOO_LARGE    /* the answer passed max-response, or holds too many values */
};

/* The answer to one call: a result, or an error of the node. */
struct sdk_rpc_reply {
    bool is_error;
    int64_t code;
    const char *message;           /* never NULL */
    const struct sdk_json *data;   /* of the error; may be NULL */
    const struct sdk_json *result; /* NULL when is_error */
};

/* Borrowed for the callback. */
struct sdk_rpc_answer {
    enum sdk_rpc_status status;
    const char *text;                    /* what went wrong; "" for OK */
    const struct sdk_rpc_reply *replies; /* in the order of the calls; none unless OK */
    size_t count;
    struct sdk_arena *arena; /* for what is parsed from the answer */
};

/* A request being written. */
struct sdk_rpc_request {
    FILE *stream;
    char *body;
    size_t len;
    size_t calls;
};

struct sdk_rpc;

struct sdk_rpc_config {
    struct sdk_loop *loop;
    const char *url;
    size_t max_response; /* bytes */
    uint32_t timeout_ms;
    bool errors_as_500; /* the node says an error with HTTP status 500 and the JSON-RPC answer as its body */
    /* The endpoint became unreachable (text says how) or came back (up). */
    void (*health)(void *context, bool up, const char *text);
    void *context;
};

/* NULL when libcurl refuses or there is no memory. Copies url. */
struct sdk_rpc *sdk_rpc_new(const struct sdk_rpc_config *config);
/* What is under way is answered (SDK_RPC_UNREACHABLE) first, so that whoever asked can free what it kept for the answer. */
void sdk_rpc_free(struct sdk_rpc *rpc);

/* False while the endpoint is left alone. */
bool sdk_rpc_usable(const struct sdk_rpc *rpc);

/* Writes calls into a request (params: a JSON array, printf style), then sends it. done(context, answer) is called
 * exactly once, later. A request takes at most SDK_RPC_CALLS_MAX calls; begin may fail silently, send reports it. */
void sdk_rpc_begin(struct sdk_rpc_request *request);
void sdk_rpc_add(struct sdk_rpc_request *request, const char *method, const char *params, ...)
    __attribute__((format(printf, 3, 4)));
void sdk_rpc_send(struct sdk_rpc *rpc, struct sdk_rpc_request *request,
                  void (*done)(void *context, const struct sdk_rpc_answer *answer), void *context);

/* Data (0x…) written into a call's params. */
void sdk_rpc_add_hex(FILE *stream, const uint8_t *data, size_t len);
/* A call in pieces: open writes up to the opening of params, then write to request->stream, then close. */
void sdk_rpc_open_call(struct sdk_rpc_request *request, const char *method);
void sdk_rpc_close_call(struct sdk_rpc_request *request);

#endif
