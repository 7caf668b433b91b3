/*
 * Options: texts from the relay's configuration, read by typed questions that collect what is wrong, so that all of it is named at
 * once.
 */
#ifndef CONNECTORS_SDK_OPTION_H
#define CONNECTORS_SDK_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "proofs/codec/connector.h"

enum { SDK_OPTION_URL_MAX = 512 };

/* What was wrong so far: one phrase each. */
struct sdk_options {
    FILE *wrong;
    size_t count;
};

/* An endpoint that is read by JSON-RPC. */
struct sdk_endpoint {
    char http[SDK_OPTION_URL_MAX];
    char ws[SDK_OPTION_URL_MAX]; /* "": polling alone */
    uint64_t poll_ms;
    uint64_t timeout_ms;
    uint64_t max_response; /* bytes */
    uint64_t give_up_blocks;
};

/* Collects into text[0..cap), cap above 0. False: no memory. */
bool sdk_options_begin(struct sdk_options *options, char *text, size_t cap);
/* Ends the collecting; true when nothing was wrong. */
bool sdk_options_end(struct sdk_options *options);
/* Notes what is wrong with an option. */
void sdk_option_wrong(struct sdk_options *options, const char *key, const char *what);
/* No option has this name. */
void sdk_option_unknown(struct sdk_options *options, struct bytes key);

bool sdk_option_is(struct bytes text, const char *word);
/* A decimal number of min … max (below 10^19); else out keeps its value. */
void sdk_option_number(struct sdk_options *options, const char *key, struct bytes text, uint64_t min, uint64_t max,
                       uint64_t *out);
/* The file that text names holds 64 hexadecimal digits and perhaps an end of line, and nobody else may read it. True: key is the secret,
 * account the 20 bytes that Ethereum's rule makes of its public key. */
bool sdk_option_key_file(struct sdk_options *options, struct bytes text, uint8_t key[32], uint8_t account[20]);

/* Reads `http`, `ws`, `poll-ms`, `timeout-ms`, `max-response` or `give-up-blocks`; false when key is another one. */
bool sdk_option_endpoint(struct sdk_options *options, struct sdk_endpoint *endpoint, struct bytes key,
                         struct bytes value);

#endif
