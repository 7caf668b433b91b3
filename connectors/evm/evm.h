/*
 * The EVM connector, as its parts see one another. One object graph: main.c makes it, every part gets `struct evm *`.
 */
#ifndef CONNECTORS_EVM_EVM_H
#define CONNECTORS_EVM_EVM_H

#include "connectors/evm/options.h"
#include "connectors/evm/tracker.h"
#include "connectors/sdk/notice.h"
#include "connectors/sdk/position.h"
#include "connectors/sdk/rpc.h"
#include "connectors/sdk/sdk.h"
#include "connectors/sdk/watch.h"
#include "connectors/sdk/ws.h"

enum { EVM_HEADERS_ASKED_MAX = 64 };

struct evm_submissions;

struct evm {
    struct connector *connector;
    struct sdk_loop *loop;
    struct evm_options options;
    struct sdk_rpc *rpc;
    struct sdk_ws *ws; /* NULL: polling alone */
    const char *news_requests[2];
    char *logs_request; /* the second of them */
    struct evm_tracker *tracker;
    struct sdk_notices notices;
    struct sdk_watches watches;
    struct sdk_positions positions;
    struct evm_submissions *submissions;
    struct sdk_timer poll;
    bool configured;
    bool final_untold; /* the newest final header was not said yet */
    size_t headers_asked;
    uint64_t range; /* blocks of the next eth_getLogs */
};

/* Everything that may be waiting gets a chance to go on. Cheap when nothing is. */
void evm_pump(struct evm *evm);

/* A header statement (10). False: no room, try later. */
bool evm_say_header(struct evm *evm, uint64_t height, const uint8_t hash[32], uint64_t time, struct bytes rlp);

/* ---- position.c: how far the contracts here have taken other logs ---- */

void evm_positions_init(struct evm *evm);

/* ---- submit.c: transactions ---- */

struct evm_submissions *evm_submissions_new(struct evm *evm);
void evm_submissions_free(struct evm_submissions *submissions);
void evm_submissions_submit(struct evm_submissions *submissions, const struct connector_submit *message);
void evm_submissions_ask(struct evm_submissions *submissions, const uint8_t key[32]);
/* There is a newer block: receipts may have come, transactions may be stuck. */
void evm_submissions_block(struct evm_submissions *submissions);
/* Looks for receipts, as at a newer block. */
void evm_submissions_follow(struct evm_submissions *submissions);
void evm_submissions_pump(struct evm_submissions *submissions);
/* The account's balance in decimal as last read; "" without an account. */
const char *evm_submissions_balance(const struct evm_submissions *submissions);
/* Message 34, when there is an account. */
void evm_submissions_tell_account(struct evm_submissions *submissions);

#endif
