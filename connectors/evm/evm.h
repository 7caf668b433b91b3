/*
 * The EVM connector, as its parts see one another. One object graph: main.c makes it, every part gets `struct evm *`.
 */
#ifndef CONNECTORS_EVM_EVM_H
#define CONNECTORS_EVM_EVM_H

#include "connectors/evm/options.h"
#include "connectors/evm/tracker.h"
#include "connectors/sdk/rpc.h"
#include "connectors/sdk/sdk.h"
#include "connectors/sdk/ws.h"

enum { EVM_HEADERS_ASKED_MAX = 64 };

struct evm_watches;
struct evm_positions;
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
    struct evm_watches *watches;
    struct evm_positions *positions;
    struct evm_submissions *submissions;
    struct sdk_timer poll;
    bool configured;
    bool final_untold; /* the newest final header was not said yet */
    size_t headers_asked;
    bool full;               /* the relay does not read: nothing is sent before `drained` */
    uint64_t nonsense_until; /* ms: the next notice 5 not before this */
    struct sdk_timer trouble;
    uint64_t trouble_until; /* ms: the next notice 3 not before this */
    bool down_told;
    char down_text[160]; /* why the endpoint is left alone; "": it is not */
};

/* Notice 5, at most one in ten seconds. */
void evm_nonsense(struct evm *evm, const char *text);

/* connector_send, and notes when there is no room. */
enum sdk_sent evm_send(struct evm *evm, const struct connector_message *message);

/* Everything that may be waiting gets a chance to go on. Cheap when nothing is. */
void evm_pump(struct evm *evm);

/* A header statement (10). False: no room, try later. */
bool evm_say_header(struct evm *evm, uint64_t height, const uint8_t hash[32], uint64_t time, struct bytes rlp);

/* ---- watch.c: logs of the chain, brought oldest first and closed by evidence ---- */

struct evm_watches *evm_watches_new(struct evm *evm);
void evm_watches_free(struct evm_watches *watches);
void evm_watches_subscribe(struct evm_watches *watches, const struct connector_subscribe *message);
void evm_watches_credit(struct evm_watches *watches, const struct connector_credit *message);
void evm_watches_unsubscribe(struct evm_watches *watches, uint32_t watch);
void evm_watches_again(struct evm_watches *watches, const struct connector_ask_again *message);
void evm_watches_pump(struct evm_watches *watches);

/* ---- position.c: how far the contracts here have taken other logs ---- */

struct evm_positions *evm_positions_new(struct evm *evm);
void evm_positions_free(struct evm_positions *positions);
void evm_positions_watch(struct evm_positions *positions, const struct connector_position *message);
void evm_positions_unwatch(struct evm_positions *positions, uint32_t watch);
/* There is a newer block: read everything again. */
void evm_positions_stale(struct evm_positions *positions);
void evm_positions_pump(struct evm_positions *positions);

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
