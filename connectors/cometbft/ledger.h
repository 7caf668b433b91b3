/*
 * What the ledger (connectors/cometbft/ledger) answers and takes: queries about lanes and accounts, and its transactions.
 */
#ifndef CONNECTORS_COMETBFT_LEDGER_H
#define CONNECTORS_COMETBFT_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "connectors/sdk/rpc.h"
#include "proofs/codec/connector.h"

/* Codes of a transaction's result (app/app.go). */
enum cometbft_code {
    COMETBFT_CODE_OK = 0,
    COMETBFT_CODE_MALFORMED = 1,
    COMETBFT_CODE_SIGNATURE = 2,
    COMETBFT_CODE_SEQUENCE = 3,
    COMETBFT_CODE_REFUSED = 4,
};

/* A lane at the outbox: sent, outcomes taken, settled mark; at the inbox: accepted, decided, lowest undecided sequence. */
struct cometbft_lane {
    uint64_t height, time; /* of the newest block; Unix seconds */
    uint64_t count;
    uint8_t running[32];
    uint64_t entries;
    uint8_t outcomes[32];
    uint64_t last;
};

/* Questions about the newest state, and how their answers read. False: an error, or nothing of that form. */
void cometbft_ledger_ask_lane(struct sdk_rpc_request *request, bool outbox, const uint8_t lane[32]);
bool cometbft_ledger_lane(struct cometbft_lane *out, const struct sdk_rpc_reply *reply, struct sdk_arena *arena);
void cometbft_ledger_ask_sequence(struct sdk_rpc_request *request, const uint8_t account[32]);
bool cometbft_ledger_sequence(uint64_t *out, const struct sdk_rpc_reply *reply, struct sdk_arena *arena);

/* The body of the transaction that a submit message asks for, to be freed by the caller. NULL: *wrong says why. *kind: of the
 * transaction. */
uint8_t *cometbft_ledger_body(size_t *len, uint8_t *kind, const struct connector_submit *submit, bool at_outbox,
                              const char **wrong);
/* The number of the head that a delivery or a settling leads to. */
uint64_t cometbft_ledger_goal(const struct connector_submit *submit);

/* The signed transaction, to be freed by the caller; hash: its name on the chain. NULL: no memory. */
uint8_t *cometbft_ledger_sign(size_t *len, uint8_t hash[32], uint8_t kind, uint64_t sequence, struct bytes body,
                              const uint8_t chain[32], const uint8_t key[32]);

#endif
