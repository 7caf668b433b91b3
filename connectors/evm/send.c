/*
 * Sending: fees, nonce, signature; then the way to the receipt, with a higher fee when it takes long.
 *
 * The nonce is the chain's own count of this account, or the next one after our own transactions on their way. So
 * what an earlier life of this program left in the pool is replaced by the next submission, never waited for.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/evm/abi.h"
#include "connectors/evm/submit.h"
#include "connectors/evm/tx.h"
#include "connectors/sdk/fault.h"

enum { GONE_MAX = 2, RECEIPTS_ASKED = 4, UNDERPRICED_MAX = 8, STALE_MAX = 8 };

struct errand {
    struct evm_submissions *submissions;
    uint64_t serial;
};

static struct errand *errand_new(struct evm_submissions *submissions, const struct evm_submission *one)
{
    struct errand *errand = malloc(sizeof *errand);
    if (errand)
        *errand = (struct errand){submissions, one->serial};
    return errand;
}

static struct evm_submission *errand_end(struct errand *errand)
{
    struct evm_submission *one = evm_submission_find(errand->submissions, errand->serial);
    free(errand);
    return one;
}

/* ---- fees ------------------------------------------------------------------------------------------------------------- */

static uint64_t base_fee(const struct evm *evm)
{
    const struct evm_head *newest = evm_tracker_head(evm->tracker, evm->tracker->newest);
    struct codec_reader reader;
    codec_reader_init(&reader, (struct bytes){newest ? newest->base_fee + 24 : NULL, newest ? 8 : 0});
    return codec_read_u64(&reader) & (UINT64_MAX >> 2);
}

/* The first price: twice the base fee and the tip. False when even the next block's price is above the cap. */
static bool set_fees(const struct evm_submissions *submissions, struct evm_submission *one)
{
    const uint64_t cap = submissions->evm->options.gas_price_cap, base = base_fee(submissions->evm);
    if (base >= cap)
        return false;
    one->tip = submissions->tip < cap - base ? submissions->tip : cap - base;
    one->max_fee = 2 * base + one->tip < cap ? 2 * base + one->tip : cap;
    return true;
}

/* Says when submissions begin to wait for a lower price, and when none does any more: nothing else would show it. */
static void price_look(struct evm_submissions *submissions)
{
    struct evm *evm = submissions->evm;
    const uint64_t cap = evm->options.gas_price_cap, base = base_fee(evm);
    bool dear = false;
    for (size_t i = 0; i < EVM_SUBMISSIONS_MAX && base >= cap && !dear; i++)
        dear = submissions->list[i].step != EVM_STEP_NONE && submissions->list[i].step != EVM_STEP_DONE;
    if (dear == submissions->account.dear)
        return;
    submissions->account.dear = dear;
    if (dear)
        connector_notice(evm->connector, CONNECTOR_NOTICE_SPENDING_STOPPED,
                         "the base fee is %" PRIu64 " wei, gas-price-cap %" PRIu64 ": submissions wait until it falls",
                         base, cap);
    else
        connector_notice(evm->connector, CONNECTOR_NOTICE_ACCOUNT_GOOD,
                         "the base fee is %" PRIu64 " wei, gas-price-cap %" PRIu64 ": no submission waits for it", base,
                         cap);
    evm_submissions_tell_account(submissions);
}

/* A quarter more, as nodes want at least a tenth for a replacement, or what a new transaction would offer now. False when
 * a cap is reached, or gas is free: an account of such a chain may hold nothing. */
static bool raise_fees(struct evm_submissions *submissions, struct evm_submission *one)
{
    const uint64_t cap = submissions->evm->options.gas_price_cap, fee = one->max_fee, tip = one->tip;
    struct evm_submission now = {0};
    if (one->max_fee >= cap || (one->max_fee == 0 && base_fee(submissions->evm) == 0))
        return false;
    one->max_fee = one->max_fee / 4 + 1 < cap - one->max_fee ? one->max_fee + one->max_fee / 4 + 1 : cap;
    if (set_fees(submissions, &now) && now.max_fee > one->max_fee)
        one->max_fee = now.max_fee;
    one->tip = one->tip / 4 + 1 < one->max_fee - one->tip ? one->tip + one->tip / 4 + 1 : one->max_fee;
    if (evm_account_fits(submissions, one))
        return true;
    one->max_fee = fee;
    one->tip = tip;
    return false;
}

/* ---- sending ------------------------------------------------------------------------------------------------------------ */

static bool says(const char *message, const char *word)
{
    return strcasestr(message, word) != NULL;
}

static bool is_known(const char *message)
{
    static const char begins[] = "known transaction"; /* not "unknown transaction type" */
    return says(message, "already known") || says(message, "already imported") ||
           strncasecmp(message, begins, sizeof begins - 1) == 0;
}

static void is_sent(struct evm_submissions *submissions, struct evm_submission *one)
{
    evm_account_taken(submissions, one);
    one->step = EVM_STEP_SENT;
    one->height = submissions->evm->tracker->newest;
    if (one->hashes_len > 1 &&
        (codec_bytes_are_zero(one->hashes[one->hashes_len - 1], 32) || /* known already: the node names no hash */
         memcmp(one->hashes[one->hashes_len - 1], one->hashes[one->hashes_len - 2], 32) == 0))
        one->hashes_len--; /* the same one again */
    memcpy(one->transaction, one->hashes[one->hashes_len - 1], 32);
    one->has_transaction = true;
    evm_submission_tell(submissions, one, CONNECTOR_SENT, "");
}

/* The node took it, or did not. */
static void sent(void *context, const struct sdk_rpc_answer *answer)
{
    SDK_FAULT("gives", "transaction", "after");
    struct evm_submissions *submissions = ((struct errand *)context)->submissions;
    struct evm_submission *one = errand_end(context);
    submissions->sending = false;
    if (!one)
        return;
    one->busy = false;
    const struct sdk_rpc_reply *reply = answer->replies;
    const bool refused = answer->status == SDK_RPC_OK && reply->is_error;
    if (refused)
        connector_log(submissions->evm->connector, "nonce %" PRIu64 " at %" PRIu64 " wei: the node says: %.150s",
                      one->nonce, one->max_fee, reply->message);
    if (refused && one->hashes_len == 1)
        evm_account_not_taken(submissions, one);
    if (answer->status == SDK_RPC_OK && !refused && submissions->evm->options.unlocked)
        sdk_json_fixed(one->hashes[one->hashes_len - 1], 32, reply->result);
    if (!refused || is_known(reply->message)) {
        is_sent(submissions, one); /* without an answer it may have arrived: its receipt or its nonce will tell */
    } else if ((says(reply->message, "nonce too low") || says(reply->message, "nonce is too low")) &&
               (one->hashes_len > 1 || one->stale++ < STALE_MAX)) {
        one->hashes_len--;
        one->has_nonce = one->hashes_len > 0; /* an earlier one of ours may have used it: receipts tell */
        one->step = one->has_nonce ? EVM_STEP_SENT : EVM_STEP_READY;
    } else if (says(reply->message, "underpriced") && one->underpriced < UNDERPRICED_MAX &&
               raise_fees(submissions, one)) { /* not to the cap at once: a node may say so whatever is offered */
        one->underpriced++;
        one->hashes_len--;
        one->step = EVM_STEP_READY;
    } else if (one->hashes_len > 1) { /* a replacement was refused, the one before still stands */
        one->hashes_len--;
        one->step = EVM_STEP_SENT;
    } else {
        char text[200];
        snprintf(text, sizeof text, "not taken by the node: %.150s", reply->message);
        one->has_nonce = false; /* the next one gets the same nonce: at most one of them can cost anything */
        evm_submission_tell(submissions, one, CONNECTOR_REJECTED, text);
    }
    evm_submissions_pump(submissions);
}

static void write_unlocked(struct sdk_rpc_request *request, const struct evm *evm, const struct evm_submission *one)
{
    sdk_rpc_open_call(request, "eth_sendTransaction");
    FILE *out = request->stream;
    if (out) {
        fputs("[{\"from\":\"", out);
        sdk_rpc_add_hex(out, evm->options.account, 20);
        fputs("\",\"to\":\"", out);
        sdk_rpc_add_hex(out, evm_submission_contract(evm, one), 20);
        fputs("\",\"data\":\"", out);
        sdk_rpc_add_hex(out, one->data, one->len);
        fprintf(out,
                "\",\"nonce\":\"0x%" PRIx64 "\",\"gas\":\"0x%" PRIx64 "\",\"maxFeePerGas\":\"0x%" PRIx64
                "\",\"maxPriorityFeePerGas\":\"0x%" PRIx64 "\"}]",
                one->nonce, one->gas, one->max_fee, one->tip);
    }
    sdk_rpc_close_call(request);
}

static bool write_signed(struct sdk_rpc_request *request, const struct evm *evm, struct evm_submission *one,
                         uint8_t hash[32])
{
    struct evm_tx tx = {evm->options.chain_id, one->nonce, one->tip, one->max_fee, one->gas, {0},
                        {one->data, one->len}};
    memcpy(tx.to, evm_submission_contract(evm, one), 20);
    size_t len = 0;
    uint8_t *raw = evm_tx_sign(&len, hash, &tx, evm->options.key);
    if (!raw)
        return false;
    sdk_rpc_open_call(request, "eth_sendRawTransaction");
    if (request->stream) {
        fputs("[\"", request->stream);
        sdk_rpc_add_hex(request->stream, raw, len);
        fputs("\"]", request->stream);
    }
    sdk_rpc_close_call(request);
    free(raw);
    return true;
}

static void send_one(struct evm_submissions *submissions, struct evm_submission *one)
{
    struct evm *evm = submissions->evm;
    struct sdk_rpc_request request;
    struct errand *errand = errand_new(submissions, one);
    if (!errand)
        return;
    if (one->hashes_len == EVM_HASHES_MAX) { /* forget the first: the one with the highest fee is mined */
        memmove(one->hashes, one->hashes + 1, (EVM_HASHES_MAX - 1) * sizeof one->hashes[0]);
        one->hashes_len--;
    }
    uint8_t *hash = one->hashes[one->hashes_len++];
    memset(hash, 0, 32);
    submissions->sending = one->busy = true;
    sdk_rpc_begin(&request);
    if (evm->options.unlocked)
        write_unlocked(&request, evm, one);
    else
        write_signed(&request, evm, one, hash); /* on failure the request is empty and comes back as not sent */
    if (evm->options.spending_cap)
        evm_submissions_tell_account(submissions); /* before it can cost anything */
    SDK_FAULT("gives", "transaction", "before");
    sdk_rpc_send(evm->rpc, &request, sent, errand);
}

/* ---- the nonce -------------------------------------------------------------------------------------------------------------- */

static void nonce_read(void *context, const struct sdk_rpc_answer *answer)
{
    struct evm_submissions *submissions = ((struct errand *)context)->submissions;
    struct evm_submission *one = errand_end(context);
    uint64_t nonce = 0;
    submissions->sending = false;
    if (!one)
        return;
    one->busy = false;
    if (answer->status != SDK_RPC_OK)
        return; /* again with the next look */
    if (!sdk_json_u64(&nonce, answer->replies[0].result)) {
        evm_submission_tell(submissions, one, CONNECTOR_REJECTED, "eth_getTransactionCount: not a number");
        return;
    }
    /* The lowest one that none of ours on the way has: a gap below would hold up all others of the account. */
    for (bool taken = true; taken;) {
        taken = false;
        for (size_t i = 0; i < EVM_SUBMISSIONS_MAX && !taken; i++) {
            const struct evm_submission *other = &submissions->list[i];
            taken = other != one && other->has_nonce && other->step != EVM_STEP_DONE && other->step != EVM_STEP_NONE &&
                    other->nonce == nonce;
        }
        nonce += taken;
    }
    one->nonce = nonce;
    one->has_nonce = true;
    one->first_block = one->priced_block = submissions->evm->tracker->newest;
    const bool cheap = set_fees(submissions, one);
    if (cheap && evm_account_may(submissions, one)) {
        send_one(submissions, one);
        return;
    }
    one->has_nonce = false; /* too dear now: with a later block */
    if (cheap) {
        evm_submission_tell(submissions, one, CONNECTOR_REJECTED,
                            "spending-cap of this account: nothing is sent for now");
        evm_submissions_pump(submissions);
    }
}

static void add_account(struct sdk_rpc_request *request, const struct evm *evm)
{
    sdk_rpc_open_call(request, "eth_getTransactionCount");
    if (request->stream) {
        fputs("[\"", request->stream);
        sdk_rpc_add_hex(request->stream, evm->options.account, 20);
        fputs("\",\"latest\"]", request->stream);
    }
    sdk_rpc_close_call(request);
}

void evm_send_next(struct evm_submissions *submissions)
{
    struct sdk_rpc_request request;
    struct evm_submission *next = NULL;
    for (size_t i = 0; i < EVM_SUBMISSIONS_MAX; i++) {
        struct evm_submission *one = &submissions->list[i];
        if (one->step == EVM_STEP_READY && !one->busy && (!next || one->serial < next->serial))
            next = one;
    }
    if (!next || submissions->sending || !sdk_rpc_usable(submissions->evm->rpc))
        return;
    if (next->has_nonce) { /* a replacement */
        send_one(submissions, next);
        return;
    }
    price_look(submissions);
    if (submissions->account.dear)
        return; /* with a later block */
    struct errand *errand = errand_new(submissions, next);
    if (!errand)
        return;
    submissions->sending = next->busy = true;
    sdk_rpc_begin(&request);
    add_account(&request, submissions->evm);
    sdk_rpc_send(submissions->evm->rpc, &request, nonce_read, errand);
}

/* ---- the way to the receipt ------------------------------------------------------------------------------------------------- */

/* The call at the block before the one that refused it: usually it gives the reason. */
static void reason_read(void *context, const struct sdk_rpc_answer *answer)
{
    struct evm_submissions *submissions = ((struct errand *)context)->submissions;
    struct evm_submission *one = errand_end(context);
    char text[200] = "reverted", full[240];
    struct bytes data = {0};
    if (!one)
        return;
    if (answer->status == SDK_RPC_OK && answer->replies[0].is_error &&
        sdk_json_bytes(&data, answer->replies[0].data, answer->arena))
        evm_abi_error(text, sizeof text, data);
    snprintf(full, sizeof full, "mined and failed: %s", text);
    evm_submission_tell(submissions, one, CONNECTOR_REJECTED, full);
    evm_submissions_pump(submissions);
}

static void included(struct evm_submissions *submissions, struct evm_submission *one,
                     const struct evm_inclusion *inclusion)
{
    one->height = inclusion->block;
    memcpy(one->transaction, inclusion->transaction, 32);
    const uint64_t most = evm_spend_cost(one->gas, one->max_fee),
                   paid = evm_spend_cost(inclusion->gas, inclusion->price);
    one->has_cost = inclusion->has_cost;
    one->cost = evm_spend_plus(paid < most ? paid : most, evm_spend_cost(1, inclusion->extra));
    if (inclusion->success) {
        evm_submission_tell(submissions, one, CONNECTOR_CONFIRMED, "");
        return;
    }
    struct sdk_rpc_request request;
    struct errand *errand = errand_new(submissions, one);
    if (!errand)
        return;
    one->busy = true;
    sdk_rpc_begin(&request);
    evm_submission_add_call(&request, submissions->evm, one, "eth_call", inclusion->block ? inclusion->block - 1 : 0,
                            false);
    sdk_rpc_send(submissions->evm->rpc, &request, reason_read, errand);
}

static void read_back(void *context, const struct sdk_rpc_answer *answer)
{
    struct evm_submissions *submissions = ((struct errand *)context)->submissions;
    struct evm_submission *one = errand_end(context);
    if (!one)
        return;
    one->busy = false;
    if (answer->status != SDK_RPC_OK)
        return; /* again with the next block */
    one->height = submissions->evm->tracker->newest;
    if (evm_submission_reached(one, &answer->replies[0], answer->arena))
        evm_submission_tell(submissions, one, CONNECTOR_CONFIRMED, "the contract stands there, by another transaction");
    else
        evm_submission_tell(submissions, one, CONNECTOR_UNKNOWN,
                            "no receipt of the transactions that were sent, and the contract does not stand there");
    evm_submissions_pump(submissions);
}

static void read_back_start(struct evm_submissions *submissions, struct evm_submission *one)
{
    struct sdk_rpc_request request;
    struct errand *errand = errand_new(submissions, one);
    if (!errand)
        return;
    one->busy = true;
    sdk_rpc_begin(&request);
    evm_submission_add_goal(&request, submissions->evm, one);
    sdk_rpc_send(submissions->evm->rpc, &request, read_back, errand);
}

/* No receipt yet: is the nonce used, is it time to pay more, or to give up? */
static void not_included(struct evm_submissions *submissions, struct evm_submission *one, uint64_t count)
{
    const struct evm_options *options = &submissions->evm->options;
    const uint64_t newest = submissions->evm->tracker->newest;
    const bool late = newest >= one->priced_block + options->resubmit_blocks;
    one->gone = count > one->nonce ? one->gone + 1 : 0;
    if (one->gone >= GONE_MAX || newest >= one->first_block + options->endpoint.give_up_blocks) {
        one->step = EVM_STEP_READBACK;
        read_back_start(submissions, one);
    } else if (one->gone == 0 && (one->again || late)) {
        one->underpriced = 0;
        one->again = false;
        if (late) { /* else, and at a cap, the same again: the pool may have dropped it */
            raise_fees(submissions, one);
            one->priced_block = newest;
        }
        one->step = EVM_STEP_READY;
    }
}

static void followed(void *context, const struct sdk_rpc_answer *answer)
{
    struct errand *errand = context;
    struct evm_submissions *submissions = errand->submissions;
    struct evm_submission *one = errand_end(errand);
    if (!one)
        return;
    one->busy = false;
    uint64_t count = 0;
    if (answer->status != SDK_RPC_OK || !sdk_json_u64(&count, answer->replies[0].result))
        return;
    for (size_t i = 1; i < answer->count; i++) {
        struct evm_inclusion inclusion;
        const struct sdk_rpc_reply *reply = &answer->replies[i];
        if (!reply->is_error && !sdk_json_is_null(reply->result) && evm_parse_inclusion(&inclusion, reply->result)) {
            included(submissions, one, &inclusion);
            evm_submissions_pump(submissions);
            return;
        }
    }
    not_included(submissions, one, count);
    evm_send_next(submissions);
}

void evm_submissions_follow(struct evm_submissions *submissions)
{
    struct evm *evm = submissions->evm;
    price_look(submissions);
    if (!sdk_rpc_usable(evm->rpc))
        return;
    for (size_t i = 0; i < EVM_SUBMISSIONS_MAX; i++) {
        struct evm_submission *one = &submissions->list[i];
        if (one->step == EVM_STEP_READBACK && !one->busy)
            read_back_start(submissions, one);
        struct errand *errand = one->step == EVM_STEP_SENT && !one->busy ? errand_new(submissions, one) : NULL;
        if (!errand)
            continue;
        struct sdk_rpc_request request;
        one->busy = true;
        sdk_rpc_begin(&request);
        add_account(&request, evm);
        const size_t from = one->hashes_len > RECEIPTS_ASKED ? one->hashes_len - RECEIPTS_ASKED : 0;
        for (size_t h = from; h < one->hashes_len; h++) {
            sdk_rpc_open_call(&request, "eth_getTransactionReceipt");
            if (request.stream) {
                fputs("[\"", request.stream);
                sdk_rpc_add_hex(request.stream, one->hashes[h], 32);
                fputs("\"]", request.stream);
            }
            sdk_rpc_close_call(&request);
        }
        sdk_rpc_send(evm->rpc, &request, followed, errand);
    }
}
