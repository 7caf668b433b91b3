/*
 * One submission on its way, and the steps it takes. Inside the connector only: other parts see evm.h.
 */
#ifndef CONNECTORS_EVM_SUBMIT_H
#define CONNECTORS_EVM_SUBMIT_H

#include "connectors/evm/evm.h"
#include "connectors/evm/spend.h"

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
    bool busy;  /* a question to the node is under way */
    bool again; /* the relay asks for it once more: what was sent may have been dropped */
    enum connector_action action;
    bool at_outbox, ruling;
    struct connector_lane lane;
    uint64_t goal;
    uint8_t *data; /* calldata; freed when done */
    size_t len;
    uint64_t gas;
    bool has_nonce;
    uint64_t nonce, tip, max_fee;
    uint64_t first_block, priced_block; /* newest height when first sent, and when the price was last made */
    unsigned gone;                      /* how often the nonce was seen used without a receipt */
    unsigned underpriced;               /* how often the price was raised without waiting for a block */
    unsigned stale;                     /* how often the node called the nonce of a first transaction used */
    bool has_cost;
    uint64_t cost; /* gwei, by its receipt */
    uint8_t hashes[EVM_HASHES_MAX][32];
    size_t hashes_len;
    enum connector_outcome outcome;
    uint64_t height;
    uint8_t transaction[32];
    bool has_transaction;
    char text[256];
};

/* The submitting account (account.c). */
struct evm_account {
    char balance[80]; /* decimal wei; "" before it was read */
    bool known, low;
    uint64_t block; /* newest height when it was asked for */
    struct evm_spend spend;
    enum connector_spending spending;
    bool dear;        /* submissions wait: the base fee is at gas-price-cap, or above */
    uint64_t refused; /* gwei that did not fit when it was stopped */
    uint64_t
        doubt; /* gwei: the most that a transaction can cost that the node said it did not take; 0: there is none */
    uint64_t doubt_nonce;
};

struct evm_submissions {
    struct evm *evm;
    struct evm_submission list[EVM_SUBMISSIONS_MAX];
    uint64_t serial;
    bool sending; /* one at a time: nonces are given in order */
    bool looking; /* a question for receipts is under way */
    uint64_t tip; /* what the node suggests, wei a gas */
    struct evm_account account;
};

struct evm_submission *evm_submission_find(struct evm_submissions *submissions, uint64_t serial);
const uint8_t *evm_submission_contract(const struct evm *evm, const struct evm_submission *submission);

/* Sets the outcome and tells it (21). CONNECTOR_SENT keeps the submission on its way, every other one ends it. */
void evm_submission_tell(struct evm_submissions *submissions, struct evm_submission *submission,
                         enum connector_outcome outcome, const char *text);

/* An eth_call or eth_estimateGas of the submission, "latest" or at a height, as the submitting account. */
void evm_submission_add_call(struct sdk_rpc_request *request, const struct evm *evm,
                             const struct evm_submission *submission, const char *method, uint64_t height, bool latest);
/* The call that shows whether the goal is reached, and what its answer says. */
void evm_submission_add_goal(struct sdk_rpc_request *request, const struct evm *evm,
                             const struct evm_submission *submission);
bool evm_submission_reached(const struct evm_submission *submission, const struct sdk_rpc_reply *reply,
                            struct sdk_arena *arena);

void evm_account_init(struct evm_submissions *submissions);
/* A call for the account's balance, and what its answer says. */
void evm_account_add_balance(struct sdk_rpc_request *request, const struct evm *evm);
void evm_account_balance(struct evm_submissions *submissions, const struct sdk_rpc_reply *reply);
/* At each new block: reads the balance when it is time, and looks whether the day's sum fell. */
void evm_account_look(struct evm_submissions *submissions);
/* False: with what the submission's gas and price come to at most, the spending cap would be passed. Tells alarms. */
bool evm_account_may(struct evm_submissions *submissions, const struct evm_submission *submission);
/* The same, and tells nothing. */
bool evm_account_fits(struct evm_submissions *submissions, const struct evm_submission *submission);
/* The node says that it did not take the submission's only transaction, or that it did: what it told others, nobody knows. */
void evm_account_not_taken(struct evm_submissions *submissions, const struct evm_submission *submission);
void evm_account_taken(struct evm_submissions *submissions, const struct evm_submission *submission);
/* The submission has ended: what it cost, or may still cost, is spent. */
void evm_account_ended(struct evm_submissions *submissions, const struct evm_submission *submission);

/* The steps (send.c): fees, nonce, signature; and the way to the receipt. */
void evm_send_next(struct evm_submissions *submissions);

#endif
