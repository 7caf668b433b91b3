/*
 * The connector's options (docs/connector-cometbft.md): texts from the relay's configuration, checked all at once.
 */
#ifndef CONNECTORS_COMETBFT_OPTIONS_H
#define CONNECTORS_COMETBFT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "connectors/sdk/option.h"

enum { COMETBFT_REFERENCE_MAX = 32, COMETBFT_STORE_MAX = 32 };

struct cometbft_options {
    char chain_id[COMETBFT_REFERENCE_MAX + 1]; /* without "cosmos:" */
    uint8_t genesis[32];                       /* hash of the first block's header */
    uint8_t chain[32];                         /* the chain's identity, docs/formats.md section 2 */
    struct sdk_endpoint endpoint;
    bool has_outbox, has_inbox;
    uint8_t outbox[32], inbox[32];
    char store[COMETBFT_STORE_MAX + 1];                   /* of the heads in a multistore; "": the state is one tree */
    char path[COMETBFT_STORE_MAX + sizeof "/store//key"]; /* of queries about the state */
    bool has_key;
    uint8_t key[32];
    uint8_t account[32]; /* of the key */
};

/* Reads a configure message. False: text names every option that is wrong. */
bool cometbft_options_read(struct cometbft_options *options, const struct connector_configure *message, char *text,
                           size_t cap);

/* Wipes the key. */
void cometbft_options_wipe(struct cometbft_options *options);

#endif
