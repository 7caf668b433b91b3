/*
 * News over WebSocket (ws:// only): a few subscriptions, taken again after every loss. News only wake a connector, which then
 * reads by HTTP: so a lost or lying notice delays, and never misleads. The only file that includes wslay is ws.c.
 */
#ifndef CONNECTORS_SDK_WS_H
#define CONNECTORS_SDK_WS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "connectors/sdk/loop.h"

struct sdk_json;
struct sdk_ws;

enum { SDK_WS_REQUESTS_MAX = 8 };

/* What a message of the node is. */
enum sdk_ws_word {
    SDK_WS_NONSENSE = 0, /* an error, or nothing that was asked for: the connection is given up */
    SDK_WS_CONFIRMED,    /* a subscription was taken */
    SDK_WS_NEWS
};

struct sdk_ws_config {
    struct sdk_loop *loop;
    const char *url;
    const char *const
        *requests; /* one text for each subscription, at most SDK_WS_REQUESTS_MAX; the node confirms each */
    size_t requests_len;
    enum sdk_ws_word (*hear)(const struct sdk_json *message);
    void (*news)(void *context);
    void (*state)(void *context, bool up, const char *text); /* all subscribed, or lost and tried again later */
    void *context;
};

/* NULL: no memory, or an URL that is not ws://host[:port][/path]. Copies the URL; the requests stay the caller's until sdk_ws_free. Connects by itself, again after losses. */
struct sdk_ws *sdk_ws_new(const struct sdk_ws_config *config);
void sdk_ws_free(struct sdk_ws *ws);

/* True while subscribed and heard of recently: polling may be rare. */
bool sdk_ws_is_live(const struct sdk_ws *ws);

/* The Sec-WebSocket-Accept that answers a key (RFC 6455, 4.2.2): 28 characters and NUL. */
void sdk_ws_accept(char out[29], const char *key);

#endif
