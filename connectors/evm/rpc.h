/*
 * JSON-RPC over HTTP: batches of calls through libcurl's multi interface, bounded in size, time and number. An endpoint that
 * fails is left alone for a while, longer each time, with jitter; requests made meanwhile fail at once (but never
 * before rpc_send returned). The only file that includes libcurl is rpc.c.
 */
#ifndef CONNECTORS_EVM_RPC_H
#define CONNECTORS_EVM_RPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "connectors/evm/arena.h"
#include "connectors/evm/json.h"
#include "connectors/sdk/loop.h"

enum {
    EVM_RPC_CALLS_MAX = 100,    /* calls of one request */
    EVM_RPC_REQUESTS_MAX = 128, /* requests under way */
};

enum evm_rpc_status {
    EVM_RPC_OK = 0,
    EVM_RPC_UNREACHABLE, /* no answer, HTTP error, or left alone for now */
    EVM_RPC_NONSENSE,    /* an answer that is no JSON-RPC answer to this request */
    EVM_RPC_TOO_LARGE    /* the answer passed max-response, or holds too many values */
};

/* The answer to one call: a result, or an error of the node. */
struct evm_rpc_reply {
    bool is_error;
    int64_t code;
    const char *message;           /* never NULL */
    const struct evm_json *data;   /* of the error; may be NULL */
    const struct evm_json *result; /* NULL when is_error */
};

/* Borrowed for the callback. */
struct evm_rpc_answer {
    enum evm_rpc_status status;
    const char *text;                    /* what went wrong; "" for OK */
    const struct evm_rpc_reply *replies; /* in the order of the calls; none unless OK */
    size_t count;
    struct evm_arena *arena; /* for what is parsed from the answer */
};

/* A request being written. */
struct evm_rpc_request {
    FILE *stream;
    char *body;
    size_t len;
    size_t calls;
};

struct evm_rpc;

struct evm_rpc_config {
    struct sdk_loop *loop;
    const char *url;
    size_t max_response; /* bytes */
    uint32_t timeout_ms;
    /* The endpoint became unreachable (text says how) or came back (up). */
    void (*health)(void *context, bool up, const char *text);
    void *context;
};

/* NULL when libcurl refuses or there is no memory. Copies url. */
struct evm_rpc *evm_rpc_new(const struct evm_rpc_config *config);
/* What is under way is answered (EVM_RPC_UNREACHABLE) first, so that whoever asked can free what it kept for the answer. */
void evm_rpc_free(struct evm_rpc *rpc);

/* False while the endpoint is left alone. */
bool evm_rpc_usable(const struct evm_rpc *rpc);
/* Requests under way. */
size_t evm_rpc_busy(const struct evm_rpc *rpc);

/* Writes calls into a request (params: a JSON array, printf style), then sends it. done(context, answer) is called
 * exactly once, later. A request takes at most EVM_RPC_CALLS_MAX calls; begin may fail silently, send reports it. */
void evm_rpc_begin(struct evm_rpc_request *request);
void evm_rpc_add(struct evm_rpc_request *request, const char *method, const char *params, ...)
    __attribute__((format(printf, 3, 4)));
void evm_rpc_send(struct evm_rpc *rpc, struct evm_rpc_request *request,
                  void (*done)(void *context, const struct evm_rpc_answer *answer), void *context);

/* Data (0x…) written into a call's params. */
void evm_rpc_add_hex(FILE *stream, const uint8_t *data, size_t len);
/* A call in pieces: open writes up to the opening of params, then write to request->stream, then close. */
void evm_rpc_open_call(struct evm_rpc_request *request, const char *method);
void evm_rpc_close_call(struct evm_rpc_request *request);

#endif
