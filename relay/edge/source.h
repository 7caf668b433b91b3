/*
 * The sources of a relay: one connector process each (relay/edge/child.h, in the connector's sandbox), and the beginning of
 * its conversation: manifest, configure, configured. What comes after goes to the core as it is.
 *
 * A connector may read what its source's `readable` names, and the files that options ending in -file name.
 */
#ifndef RELAY_EDGE_SOURCE_H
#define RELAY_EDGE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/core/core.h"
#include "relay/edge/child.h"
#include "relay/edge/config.h"

/*
 * The configured sources as core and signer name them: in the file's order. Texts are borrowed from config. The caller
 * frees *out. False: no memory, or a chain that the network document does not have.
 */
bool edge_source_list(struct relay_source **out, const struct config_relay *config,
                      const struct topology_network *network);

enum {
    EDGE_SOURCE_SLOW_MS = 3000,                                         /* then a start says what it waits for */
    EDGE_SOURCE_CONFIGURE_MS = 120000,                                  /* from its start until it says configured */
    EDGE_SOURCE_READABLE_MAX = CONFIG_READABLE_MAX + CONFIG_OPTIONS_MAX /* paths that one connector may read */
};

struct edge_sources;

struct edge_sources_options {
    struct edge_loop *loop;
    const struct config_relay *config; /* outlives the sources, like the network */
    const struct topology_network *network;
    const char *launcher; /* isthmusd itself: `-x connector` puts the program into its sandbox */
    void *context;
    void (*up)(void *context, uint16_t source); /* configured: subscribe */
    void (*message)(void *context, uint16_t source, struct bytes body);
    void (*down)(void *context, uint16_t source); /* after up, once */
};

/* NULL: no memory. */
struct edge_sources *edge_sources_new(const struct edge_sources_options *options);
void edge_sources_start(struct edge_sources *sources);
void edge_sources_stop(struct edge_sources *sources);
bool edge_sources_stopped(const struct edge_sources *sources);
void edge_sources_free(struct edge_sources *sources); /* NULL is allowed */

/* False: it is not up, or does not read (then it is being ended). */
bool edge_sources_send(struct edge_sources *sources, uint16_t source, struct bytes message);
void edge_sources_ban(struct edge_sources *sources, uint16_t source, const char *why);
/* Back-pressure: nothing is read from any connector while set. */
void edge_sources_hold(struct edge_sources *sources, bool hold);
/* Ends quarantine and back-off of the one with this name (NULL: of all). False: there is none. */
bool edge_sources_release(struct edge_sources *sources, const char *name);

/* The submitting account behind a source, as its connector told it last (message 34). Amounts: decimal digits of the smallest unit. */
struct edge_source_account {
    char balance[81]; /* "": not read yet */
    bool low;         /* below the option low-balance */
    char spent[81];   /* within 24 hours */
    char cap[81];     /* "": none */
    uint8_t spending; /* connector_spending: 1 open, 2 near the cap, 3 stopped at it */
};

/* False, and *out zeroed: it is not up, or has no account. */
bool edge_sources_account(const struct edge_sources *sources, uint16_t source, struct edge_source_account *out);

size_t edge_sources_count(const struct edge_sources *sources);
void edge_sources_look(const struct edge_sources *sources, uint16_t source, struct edge_child_view *out);

#endif
