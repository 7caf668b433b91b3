/*
 * Header bundles: for a height the header, the commit over it, the validators who signed and the next ones, as one piece of bytes
 * that a light client can judge by itself (docs/connector-cometbft.md). Fetched when wanted; validator sets are kept, as they
 * rarely change.
 */
#ifndef CONNECTORS_COMETBFT_LIGHTS_H
#define CONNECTORS_COMETBFT_LIGHTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proofs/codec/bytes.h"

struct cometbft;
struct cometbft_lights;

struct cometbft_light {
    uint64_t height, time; /* Unix seconds */
    uint8_t hash[32];      /* the header's, as the commit names it */
    bool evidence;         /* the block carries evidence of misbehaviour */
    struct bytes bundle;
};

/* NULL: no memory. */
struct cometbft_lights *cometbft_lights_new(struct cometbft *cometbft);
void cometbft_lights_free(struct cometbft_lights *lights);

/* done(context, light, text) is called exactly once: at once when it is known, else later. `light` is borrowed for the call, and
 * NULL when it could not be had: then text says why. */
void cometbft_lights_want(struct cometbft_lights *lights, uint64_t height,
                          void (*done)(void *context, const struct cometbft_light *light, const char *text),
                          void *context);

#endif
