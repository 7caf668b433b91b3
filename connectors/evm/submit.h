/*
 * One submission on its way, and the steps it takes. Inside the connector only: other parts see evm.h.
 */
#ifndef CONNECTORS_EVM_SUBMIT_H
#define CONNECTORS_EVM_SUBMIT_H

#include "connectors/evm/evm.h"

enum {
    EVM_SUBMISSIONS_MAX = 256, /* known keys, done ones included */
    EVM_LIVE_MAX = 64,         /* not done */
    EVM_HASHES_MAX = 16,       /* transactions sent for one submission */
};

enum evm_step {
    EVM_STEP_NONE = 0,
    EVM_STEP_NEW,      /* to be estimated */
    EVM_STEP_READY,    /* estimated: to be signed and sent */
    EVM_STEP_SENT,     /* waits for its receipt */
    EVM_STEP_READBACK, /* its nonce is used and no receipt is known: what does the contract say? */
    EVM_STEP_DONE
};

struct evm_submission {
    uint8_t key[32];
    uint64_t serial;
    enum evm_step step;
    bool busy; /* a question to the node is under way */
    enum connector_action action;
    bool at_outbox, ruling;
    struct connector_lane lane;
    uint64_t goal;
    uint8_t *data; /* calldata; freed when done */
    size_t len;
    uint64_t gas;
    bool has_nonce;
    uint64_t nonce, tip, max_fee;
    uint64_t first_block, sent_block; /* newest height when first and last sent */
    unsigned gone;                    /* how often the nonce was seen used without a receipt */
    uint8_t hashes[EVM_HASHES_MAX][32];
    size_t hashes_len;
    enum connector_outcome outcome;
    uint64_t height;
    uint8_t transaction[32];
    bool has_transaction;
    char text[256];
};

struct evm_submissions {
    struct evm *evm;
    struct evm_submission list[EVM_SUBMISSIONS_MAX];
    uint64_t serial;
    bool sending; /* one at a time: nonces are given in order */
    bool looking; /* a question for receipts is under way */
    uint64_t tip; /* what the node suggests, wei a gas */
    char balance[80];
    bool low;
    uint64_t balance_block; /* newest height when it was read */
    bool balance_known;
};

struct evm_submission *evm_submission_find(struct evm_submissions *submissions, uint64_t serial);
const uint8_t *evm_submission_contract(const struct evm *evm, const struct evm_submission *submission);

/* Sets the outcome and tells it (21). CONNECTOR_SENT keeps the submission on its way, every other one ends it. */
void evm_submission_tell(struct evm_submissions *submissions, struct evm_submission *submission,
                         enum connector_outcome outcome, const char *text);

/* An eth_call or eth_estimateGas of the submission, "latest" or at a height, as the submitting account. */
void evm_submission_add_call(struct evm_rpc_request *request, const struct evm *evm,
                             const struct evm_submission *submission, const char *method, uint64_t height, bool latest);
/* The call that shows whether the goal is reached, and what its answer says. */
void evm_submission_add_goal(struct evm_rpc_request *request, const struct evm *evm,
                             const struct evm_submission *submission);
bool evm_submission_reached(const struct evm_submission *submission, const struct evm_rpc_reply *reply,
                            struct evm_arena *arena);

/* The steps (send.c): fees, nonce, signature; and the way to the receipt. */
void evm_send_next(struct evm_submissions *submissions);

#endif
