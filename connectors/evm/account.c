/*
 * The submitting account: what it holds, what it spent in the last 24 hours and may still spend, and what the relay is
 * told of that (message 34, notices 7 to 10).
 *
 * A transaction on its way counts with the most that it can cost, gas limit times the price offered; a mined one with
 * what its receipt says. One that the node did not take, it says, is in doubt: it counts until its nonce is given to
 * another, and is spent when the chain has passed its nonce. The day's sum lives in memory: the relay gives it to the next
 * life of this program.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/evm/submit.h"

enum { BALANCE_BLOCKS = 16, NEAR_PERCENT = 80, OPEN_PERCENT = 50 };

void evm_account_init(struct evm_submissions *submissions)
{
    struct evm_account *account = &submissions->account;
    account->spending = CONNECTOR_SPENDING_OPEN;
    evm_spend_add(&account->spend, sdk_loop_now(submissions->evm->loop), submissions->evm->options.spent);
}

static bool has_account(const struct evm *evm)
{
    return evm->options.has_key || evm->options.unlocked;
}

const char *evm_submissions_balance(const struct evm_submissions *submissions)
{
    return submissions->account.balance;
}

/* ---- the balance -------------------------------------------------------------------------------------------------------- */

static void decimal(char out[80], const uint8_t value[32])
{
    uint8_t rest[32];
    char digits[80];
    size_t count = 0;
    memcpy(rest, value, 32);
    do {
        unsigned carry = 0;
        for (size_t i = 0; i < 32; i++) {
            carry = carry << 8 | rest[i];
            rest[i] = (uint8_t)(carry / 10);
            carry %= 10;
        }
        digits[count++] = (char)('0' + carry);
    } while (!codec_bytes_are_zero(rest, 32));
    for (size_t i = 0; i < count; i++)
        out[i] = digits[count - 1 - i];
    out[count] = '\0';
}

/* low-balance counts milli-ether, 10^15 wei: compared in units of 10^12, as 64 bits hold. */
void evm_account_balance(struct evm_submissions *submissions, const struct sdk_rpc_reply *reply)
{
    struct evm *evm = submissions->evm;
    struct evm_account *account = &submissions->account;
    uint8_t wei[32];
    if (reply->is_error || !sdk_json_u256(wei, reply->result))
        return;
    decimal(account->balance, wei);
    account->known = true;
    account->block = evm->tracker->newest;
    const size_t digits = strlen(account->balance);
    uint64_t units = 0; /* of 10^12 wei */
    for (size_t i = 0; i + 12 < digits; i++)
        units = units > UINT64_MAX / 20 ? units : units * 10 + (uint64_t)(account->balance[i] - '0');
    const bool low = evm->options.low_balance && units / 1000 < evm->options.low_balance;
    if (low == account->low)
        return;
    account->low = low;
    connector_notice(evm->connector, low ? CONNECTOR_NOTICE_LOW_BALANCE : CONNECTOR_NOTICE_ACCOUNT_GOOD,
                     "the submitting account holds %s wei%s", account->balance, low ? "" : " again");
    evm_submissions_tell_account(submissions);
}

void evm_account_add_balance(struct sdk_rpc_request *request, const struct evm *evm)
{
    sdk_rpc_open_call(request, "eth_getBalance");
    if (request->stream) {
        fputs("[\"", request->stream);
        sdk_rpc_add_hex(request->stream, evm->options.account, 20);
        fputs("\",\"latest\"]", request->stream);
    }
    sdk_rpc_close_call(request);
}

/* ---- the spending cap ------------------------------------------------------------------------------------------------------ */

/* A transaction of this submission may be in a pool. */
static bool may_cost(const struct evm_submission *one)
{
    return one->has_nonce && one->hashes_len > 0;
}

static bool is_on_its_way(const struct evm_submission *one)
{
    return one->step != EVM_STEP_NONE && one->step != EVM_STEP_DONE;
}

/* Either this one costs something or the doubtful one, which has the same nonce. */
static bool replaces_doubt(const struct evm_account *account, const struct evm_submission *one)
{
    return account->doubt && one->has_nonce && one->nonce == account->doubt_nonce;
}

static void spend(struct evm_submissions *submissions, uint64_t gwei)
{
    evm_spend_add(&submissions->account.spend, sdk_loop_now(submissions->evm->loop), gwei);
}

/* One transaction of a nonce is mined, and another of ours with this one's is counted already. */
static bool nonce_is_counted(const struct evm_submissions *submissions, const struct evm_submission *one)
{
    bool counted = false;
    for (size_t i = 0; i < EVM_SUBMISSIONS_MAX && !counted; i++) {
        const struct evm_submission *other = &submissions->list[i];
        counted = other != one && other->step != EVM_STEP_NONE && may_cost(other) && other->nonce == one->nonce;
    }
    return counted;
}

void evm_account_not_taken(struct evm_submissions *submissions, const struct evm_submission *one)
{
    struct evm_account *account = &submissions->account;
    const uint64_t most = evm_spend_cost(one->gas, one->max_fee);
    if (nonce_is_counted(submissions, one))
        return;
    if (!replaces_doubt(account, one)) {
        spend(submissions, account->doubt);
        account->doubt = 0;
    }
    account->doubt = most > account->doubt ? most : account->doubt;
    account->doubt_nonce = one->nonce;
}

void evm_account_taken(struct evm_submissions *submissions, const struct evm_submission *one)
{
    struct evm_account *account = &submissions->account;
    if (account->doubt && one->nonce < account->doubt_nonce)
        return;
    if (!replaces_doubt(account, one))
        spend(submissions, account->doubt); /* the chain passed its nonce, and nobody of ours has it */
    account->doubt = 0;
}

/* Spent, in doubt, and promised to all that are on their way but `one`. */
static uint64_t committed(struct evm_submissions *submissions, const struct evm_submission *but)
{
    uint64_t sum = evm_spend_sum(&submissions->account.spend, sdk_loop_now(submissions->evm->loop));
    sum = evm_spend_plus(sum, submissions->account.doubt);
    for (size_t i = 0; i < EVM_SUBMISSIONS_MAX; i++) {
        const struct evm_submission *one = &submissions->list[i];
        if (one != but && is_on_its_way(one) && may_cost(one))
            sum = evm_spend_plus(sum, evm_spend_cost(one->gas, one->max_fee));
    }
    return sum;
}

void evm_submissions_tell_account(struct evm_submissions *submissions)
{
    struct evm *evm = submissions->evm;
    struct evm_account *account = &submissions->account;
    char spent[32], cap[32] = "";
    if (!has_account(evm))
        return;
    /* With what is on its way: if this life ends now, that is paid all the same. */
    evm_spend_text(spent, committed(submissions, NULL));
    if (evm->options.spending_cap)
        evm_spend_text(cap, evm->options.spending_cap);
    const struct connector_message message = {
        .type = CONNECTOR_ACCOUNT,
        .account = {codec_connector_text(account->balance), account->low, codec_connector_text(spent),
                    codec_connector_text(cap),
                    (uint8_t)(account->dear ? CONNECTOR_SPENDING_STOPPED : account->spending)},
    };
    connector_send(evm->connector, &message);
}

static void spending_is(struct evm_submissions *submissions, enum connector_spending spending, uint64_t sum)
{
    struct connector *connector = submissions->evm->connector;
    const enum connector_spending before = submissions->account.spending;
    char cap[32], amount[32];
    if (spending == before)
        return;
    submissions->account.spending = spending;
    evm_spend_text(cap, submissions->evm->options.spending_cap);
    evm_spend_text(amount, sum);
    switch (spending) {
    case CONNECTOR_SPENDING_OPEN:
        connector_notice(connector, CONNECTOR_NOTICE_ACCOUNT_GOOD,
                         "%s wei spent or promised in 24 hours: far enough below the cap of %s wei", amount, cap);
        break;
    case CONNECTOR_SPENDING_NEAR:
        connector_notice(connector, CONNECTOR_NOTICE_SPENDING_NEAR,
                         "%s wei spent or promised in 24 hours, the cap is %s wei", amount, cap);
        break;
    case CONNECTOR_SPENDING_STOPPED:
        connector_notice(connector, CONNECTOR_NOTICE_SPENDING_STOPPED,
                         "%s wei in 24 hours would pass the cap of %s wei: nothing is sent until it would not", amount,
                         cap);
        break;
    }
    evm_submissions_tell_account(submissions);
}

/* Near or open, by what is committed; the end of a stop is told by the next transaction that may go, or by time. */
static void spending_look(struct evm_submissions *submissions, uint64_t sum, bool may)
{
    const uint64_t cap = submissions->evm->options.spending_cap;
    const enum connector_spending was = submissions->account.spending;
    const bool near = sum >= cap / 100 * NEAR_PERCENT;
    if (!may && was == CONNECTOR_SPENDING_STOPPED && evm_spend_plus(sum, submissions->account.refused) > cap)
        return;
    if (near && (may || was == CONNECTOR_SPENDING_OPEN))
        spending_is(submissions, CONNECTOR_SPENDING_NEAR, sum);
    else if (sum < cap / 100 * OPEN_PERCENT || (may && !near && was == CONNECTOR_SPENDING_STOPPED))
        spending_is(submissions, CONNECTOR_SPENDING_OPEN, sum);
}

static uint64_t committed_with(struct evm_submissions *submissions, const struct evm_submission *one)
{
    const struct evm_account *account = &submissions->account;
    const uint64_t most = evm_spend_cost(one->gas, one->max_fee);
    const uint64_t counted = replaces_doubt(account, one) ? account->doubt : 0;
    return evm_spend_plus(committed(submissions, one), most > counted ? most - counted : 0);
}

bool evm_account_fits(struct evm_submissions *submissions, const struct evm_submission *one)
{
    const uint64_t cap = submissions->evm->options.spending_cap;
    return cap == 0 || committed_with(submissions, one) <= cap;
}

bool evm_account_may(struct evm_submissions *submissions, const struct evm_submission *one)
{
    const uint64_t cap = submissions->evm->options.spending_cap;
    if (cap == 0)
        return true;
    const uint64_t sum = committed_with(submissions, one);
    if (sum > cap) {
        submissions->account.refused = evm_spend_cost(one->gas, one->max_fee);
        spending_is(submissions, CONNECTOR_SPENDING_STOPPED, sum);
    } else {
        spending_look(submissions, sum, true);
    }
    return sum <= cap;
}

void evm_account_ended(struct evm_submissions *submissions, const struct evm_submission *one)
{
    if (!may_cost(one))
        return;
    spend(submissions, one->has_cost ? one->cost : evm_spend_cost(one->gas, one->max_fee));
    if (submissions->evm->options.spending_cap)
        spending_look(submissions, committed(submissions, NULL), false);
}

/* ---- at each new block --------------------------------------------------------------------------------------------------------- */

static void balance_read(void *context, const struct sdk_rpc_answer *answer)
{
    if (answer->status == SDK_RPC_OK)
        evm_account_balance(context, &answer->replies[0]);
}

void evm_account_look(struct evm_submissions *submissions)
{
    struct evm *evm = submissions->evm;
    struct evm_account *account = &submissions->account;
    struct sdk_rpc_request request;
    if (evm->options.spending_cap)
        spending_look(submissions, committed(submissions, NULL), false); /* hours pass */
    if (!has_account(evm) || (account->known && evm->tracker->newest < account->block + BALANCE_BLOCKS))
        return;
    account->block = evm->tracker->newest;
    sdk_rpc_begin(&request);
    evm_account_add_balance(&request, evm);
    sdk_rpc_send(evm->rpc, &request, balance_read, submissions);
}
