/*
 * News over WebSocket (ws:// only): eth_subscribe to newHeads and to the contracts' logs. News only wake the connector,
 * which then reads by HTTP: so a lost or lying notice delays, and never misleads. The only file that includes wslay is ws.c.
 */
#ifndef CONNECTORS_EVM_WS_H
#define CONNECTORS_EVM_WS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "connectors/sdk/loop.h"

struct evm_ws;

struct evm_ws_config {
    struct sdk_loop *loop;
    const char *url;
    const uint8_t (*contracts)[20]; /* whose logs are news */
    size_t contracts_len;
    void (*news)(void *context);                             /* a head or a log */
    void (*state)(void *context, bool up, const char *text); /* subscribed, or lost and tried again later */
    void *context;
};

/* NULL: no memory, or an URL that is not ws://host[:port][/path]. Copies config's texts. Connects by itself, again after losses. */
struct evm_ws *evm_ws_new(const struct evm_ws_config *config);
void evm_ws_free(struct evm_ws *ws);

/* True while subscribed and heard of recently: polling may be rare. */
bool evm_ws_is_live(const struct evm_ws *ws);

/* The Sec-WebSocket-Accept that answers a key (RFC 6455, 4.2.2): 28 characters and NUL. */
void evm_ws_accept(char out[29], const char *key);

#endif
