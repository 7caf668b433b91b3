/*
 * The CometBFT connector, as its parts see one another. One object graph: main.c makes it, every part gets `struct cometbft *`.
 *
 * Heights: the header at H names the state after block H - 1 (its app hash), so evidence with header H closes what happened in
 * blocks up to H - 1. A block is final when it is there.
 */
#ifndef CONNECTORS_COMETBFT_COMETBFT_H
#define CONNECTORS_COMETBFT_COMETBFT_H

#include "connectors/cometbft/lights.h"
#include "connectors/cometbft/offences.h"
#include "connectors/cometbft/options.h"
#include "connectors/sdk/notice.h"
#include "connectors/sdk/position.h"
#include "connectors/sdk/rpc.h"
#include "connectors/sdk/sdk.h"
#include "connectors/sdk/watch.h"
#include "connectors/sdk/ws.h"

enum { COMETBFT_BATCH_MAX = 10 /* calls in a request: what a node takes by default */ };

struct cometbft_submissions;

struct cometbft {
    struct connector *connector;
    struct sdk_loop *loop;
    struct cometbft_options options;
    struct sdk_rpc *rpc;
    struct sdk_ws *ws; /* NULL: polling alone */
    struct cometbft_lights *lights;
    struct sdk_notices notices;
    struct sdk_watches watches;
    struct sdk_positions positions;
    struct cometbft_submissions *submissions;
    struct cometbft_offences *offences;
    struct sdk_timer poll;
    bool configured;
    bool looking;         /* the node is asked for its newest height */
    uint64_t newest;      /* of the node; 0: not known yet */
    uint64_t newest_time; /* Unix seconds */
    bool header_untold;   /* the newest header was not said yet */
    bool stopped;         /* finality was broken: nothing more is said */
    size_t results;       /* blocks whose results are asked for in one request */
};

/* The endpoint contradicts a header that it told: notice 2, once; nothing more is said. */
void cometbft_broken(struct cometbft *cometbft, uint64_t height);

/* The endpoint is believed and answers, and the relay reads. */
bool cometbft_may_ask(const struct cometbft *cometbft);

/* Everything that may be waiting gets a chance to go on. Cheap when nothing is. */
void cometbft_pump(struct cometbft *cometbft);

/* ---- parts: NULL without memory; what they ask of the node they ask by `rpc`, which is freed before them ---- */

void cometbft_positions_init(struct cometbft *cometbft);

struct cometbft_submissions *cometbft_submissions_new(struct cometbft *cometbft);
void cometbft_submissions_free(struct cometbft_submissions *submissions);
void cometbft_submissions_submit(struct cometbft_submissions *submissions, const struct connector_submit *message);
void cometbft_submissions_ask(struct cometbft_submissions *submissions, const uint8_t key[32]);
/* Looks for what was sent, and sends what waits. */
void cometbft_submissions_pump(struct cometbft_submissions *submissions);

#endif
