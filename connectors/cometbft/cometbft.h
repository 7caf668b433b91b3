/*
 * The CometBFT connector, as its parts see one another. One object graph: main.c makes it, every part gets `struct cometbft *`.
 *
 * Heights: the header at H names the state after block H - 1 (its app hash), so evidence with header H closes what happened in
 * blocks up to H - 1. A block is final when it is there.
 */
#ifndef CONNECTORS_COMETBFT_COMETBFT_H
#define CONNECTORS_COMETBFT_COMETBFT_H

#include "connectors/cometbft/lights.h"
#include "connectors/cometbft/options.h"
#include "connectors/sdk/rpc.h"
#include "connectors/sdk/sdk.h"
#include "connectors/sdk/ws.h"

enum { COMETBFT_BATCH_MAX = 10 /* calls in a request: what a node takes by default */ };

struct cometbft_watches;
struct cometbft_positions;
struct cometbft_submissions;

struct cometbft {
    struct connector *connector;
    struct sdk_loop *loop;
    struct cometbft_options options;
    struct sdk_rpc *rpc;
    struct sdk_ws *ws; /* NULL: polling alone */
    struct cometbft_lights *lights;
    struct cometbft_watches *watches;
    struct cometbft_positions *positions;
    struct cometbft_submissions *submissions;
    struct sdk_timer poll;
    bool configured;
    bool looking;         /* the node is asked for its newest height */
    uint64_t newest;      /* of the node; 0: not known yet */
    uint64_t newest_time; /* Unix seconds */
    bool header_untold;   /* the newest header was not said yet */
    bool full;            /* the relay does not read: nothing is sent before `drained` */
    bool stopped;         /* finality was broken: nothing more is said */
    uint64_t nonsense_until;
    struct sdk_timer trouble;
    uint64_t trouble_until;
    bool down_told;
    char down_text[160]; /* why the endpoint is left alone; "": it is not */
};

/* Notice 5, at most one in ten seconds. */
void cometbft_nonsense(struct cometbft *cometbft, const char *text);
/* The endpoint contradicts a header that it told: notice 2, once; nothing more is said. */
void cometbft_broken(struct cometbft *cometbft, uint64_t height);

/* connector_send, and notes when there is no room. */
enum sdk_sent cometbft_send(struct cometbft *cometbft, const struct connector_message *message);

/* Everything that may be waiting gets a chance to go on. Cheap when nothing is. */
void cometbft_pump(struct cometbft *cometbft);

/* ---- parts: NULL without memory; what they ask of the node they ask by `rpc`, which is freed before them ---- */

struct cometbft_watches *cometbft_watches_new(struct cometbft *cometbft);
void cometbft_watches_free(struct cometbft_watches *watches);
void cometbft_watches_subscribe(struct cometbft_watches *watches, const struct connector_subscribe *message);
void cometbft_watches_credit(struct cometbft_watches *watches, const struct connector_credit *message);
void cometbft_watches_unsubscribe(struct cometbft_watches *watches, uint32_t id);
void cometbft_watches_again(struct cometbft_watches *watches, const struct connector_ask_again *message);
void cometbft_watches_pump(struct cometbft_watches *watches);

struct cometbft_positions *cometbft_positions_new(struct cometbft *cometbft);
void cometbft_positions_free(struct cometbft_positions *positions);
void cometbft_positions_watch(struct cometbft_positions *positions, const struct connector_position *message);
void cometbft_positions_unwatch(struct cometbft_positions *positions, uint32_t id);
/* A new height: all are read again. */
void cometbft_positions_stale(struct cometbft_positions *positions);
void cometbft_positions_pump(struct cometbft_positions *positions);

struct cometbft_submissions *cometbft_submissions_new(struct cometbft *cometbft);
void cometbft_submissions_free(struct cometbft_submissions *submissions);
void cometbft_submissions_submit(struct cometbft_submissions *submissions, const struct connector_submit *message);
void cometbft_submissions_ask(struct cometbft_submissions *submissions, const uint8_t key[32]);
/* Looks for what was sent, and sends what waits. */
void cometbft_submissions_pump(struct cometbft_submissions *submissions);

#endif
