/*
 * The relay at the edge: turns what the world says into events for the core, and the core's actions into deeds. One event
 * at a time, its actions at once and in order; nothing here decides anything about messages.
 *
 * main.c makes the parts and hands them over; this file's functions are their callbacks and the order of starting and
 * stopping.
 */
#ifndef RELAY_EDGE_RELAY_H
#define RELAY_EDGE_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/core/core.h"
#include "relay/edge/child.h"
#include "relay/edge/config.h"
#include "relay/edge/control.h"
#include "relay/edge/http.h"
#include "relay/edge/loop.h"
#include "relay/edge/mesh.h"
#include "relay/edge/pool.h"
#include "relay/edge/source.h"
#include "relay/edge/writer.h"

enum {
    EDGE_RELAY_TICK_MS = 50,
    EDGE_RELAY_SLOW_MS = 250,    /* one deed that holds the loop longer is noted */
    EDGE_RELAY_DRAIN_MS = 10000, /* after SIGTERM, at most */
    EDGE_RELAY_DEAF_MS = 300000, /* that others cannot reach it before it ends itself */
    EDGE_RELAY_CROWD_MS = 60000, /* without anybody who had to wait at a door, before it is said again */
    EDGE_RELAY_DEFERRED_MAX = 65536
};

#define EDGE_RELAY_VERSION "0.1.0"

enum edge_relay_exit { /* exit codes of isthmusd, with EX_USAGE (64) for a wrong command line */
                       EDGE_RELAY_EXIT_OK = 0,
                       EDGE_RELAY_EXIT_FAILED = 1, /* something failed while it ran or started: the log says what */
                       EDGE_RELAY_EXIT_CONFIG = 2, /* configuration or network document: every problem is on stderr */
                       EDGE_RELAY_EXIT_STORE = 3,  /* the store is locked, corrupt, or of a newer version */
                       EDGE_RELAY_EXIT_DEAF = 4    /* others cannot reach it any more: only a new process helps */
};

/* All parts. Set by main.c, in this order, before edge_relay_run; public for the views of control.c. */
struct edge_relay {
    const struct config_relay *config;
    const struct topology_network *network;
    uint16_t self;
    struct relay_source *source_list;
    struct relay_trust *trusts; /* first headers of light clients */
    struct edge_loop *loop;
    struct store *store;
    struct relay_core *core;
    struct edge_writer *writer;
    struct edge_pool *pool;
    struct edge_mesh *mesh;
    struct edge_sources *sources;
    struct edge_child *signer; /* NULL: this relay does not attest */
    struct edge_control *control;
    struct edge_http *http; /* NULL: not configured */
    uint64_t started;       /* ms, monotonic */
    uint64_t longest_ms;    /* that one deed held the loop */
    int exit_code;          /* of the process, for an end that must not wait (edge_relay_fini) */
    bool ready, draining;
    enum store_status store_status;
    char store_text[256];
    struct {
        uint64_t frames[3], bytes[3]; /* publications, requests, responses given to the mesh */
        uint64_t signing;             /* requests given to the signer */
    } sent;
    struct edge_relay_inner *inner; /* relay.c's own */
};

/*
 * Each makes one part, wired to this relay. On failure: false, and text (capacity cap) says what was wrong, where, and what
 * to do.
 */
bool edge_relay_init(struct edge_relay *relay, const struct config_relay *config,
                     const struct topology_network *network, char *text, size_t cap);
bool edge_relay_open_store(struct edge_relay *relay, char *text, size_t cap);
bool edge_relay_open_core(struct edge_relay *relay, char *text, size_t cap); /* core, writer, pool */
bool edge_relay_open_mesh(struct edge_relay *relay, char *text, size_t cap);
bool edge_relay_open_children(struct edge_relay *relay, char *text, size_t cap); /* sources, signer */
bool edge_relay_open_control(struct edge_relay *relay, char *text, size_t cap);
bool edge_relay_open_http(struct edge_relay *relay, char *text, size_t cap); /* when it is configured */

/* Loads, gets ready, works until SIGTERM, SIGINT or a failure; returns the exit code. */
int edge_relay_run(struct edge_relay *relay);

/* Frees every part, last made first. */
void edge_relay_fini(struct edge_relay *relay);

/* ---- for control.c ------------------------------------------------------------------------------------------------- */

/* Reads the configuration again: applies what is safe (the log's level, quarantines end), and says what needs a restart.
 * text: lines "applied: …" and "restart: …", or on failure the first problems. */
bool edge_relay_reload(struct edge_relay *relay, char *text, size_t cap);

/* Ends the quarantine or back-off of a source, or of "signer". */
bool edge_relay_release(struct edge_relay *relay, const char *process, char *text, size_t cap);

#endif
