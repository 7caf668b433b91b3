/*
 * Submissions by key: what is known of each, the estimate that shows beforehand what a call would come to, and results.
 */
#include "connectors/evm/submit.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/evm/abi.h"
#include "connectors/evm/calldata.h"

static const uint64_t GWEI = 1000000000;

struct evm_submissions *evm_submissions_new(struct evm *evm)
{
    struct evm_submissions *submissions = calloc(1, sizeof *submissions);
    if (submissions) {
        submissions->evm = evm;
        evm_account_init(submissions);
    }
    return submissions;
}

void evm_submissions_free(struct evm_submissions *submissions)
{
    if (!submissions)
        return;
    for (size_t i = 0; i < EVM_SUBMISSIONS_MAX; i++)
        free(submissions->list[i].data);
    free(submissions);
}

struct evm_submission *evm_submission_find(struct evm_submissions *submissions, uint64_t serial)
{
    for (size_t i = 0; i < EVM_SUBMISSIONS_MAX; i++)
        if (submissions->list[i].step != EVM_STEP_NONE && submissions->list[i].serial == serial)
            return &submissions->list[i];
    return NULL;
}

const uint8_t *evm_submission_contract(const struct evm *evm, const struct evm_submission *submission)
{
    return submission->at_outbox ? evm->options.outbox : evm->options.inbox;
}

/* ---- results ---------------------------------------------------------------------------------------------------------- */

static void say(struct evm_submissions *submissions, const struct evm_submission *submission)
{
    const struct connector_message message = {
        .type = CONNECTOR_RESULT,
        .result = {.result = (uint8_t)submission->outcome,
                   .height = submission->height,
                   .transaction = {submission->transaction, submission->has_transaction ? 32 : 0},
                   .text = codec_connector_text(submission->text)},
    };
    struct connector_message filled = message;
    memcpy(filled.result.key, submission->key, 32);
    connector_send(submissions->evm->connector, &filled);
}

void evm_submission_tell(struct evm_submissions *submissions, struct evm_submission *submission,
                         enum connector_outcome outcome, const char *text)
{
    submission->outcome = outcome;
    snprintf(submission->text, sizeof submission->text, "%s", text);
    if (outcome != CONNECTOR_SENT) {
        submission->step = EVM_STEP_DONE;
        evm_account_ended(submissions, submission);
        submission->serial = ++submissions->serial; /* the done ones in the order in which they ended */
        free(submission->data);
        submission->data = NULL;
    }
    say(submissions, submission);
}

void evm_submissions_ask(struct evm_submissions *submissions, const uint8_t key[32])
{
    for (size_t i = 0; i < EVM_SUBMISSIONS_MAX; i++) {
        struct evm_submission *submission = &submissions->list[i];
        if (submission->step == EVM_STEP_NONE || memcmp(submission->key, key, 32) != 0)
            continue;
        if (submission->step == EVM_STEP_DONE || submission->outcome == CONNECTOR_SENT)
            say(submissions, submission);
        return; /* still on its way: its result follows by itself */
    }
    struct evm_submission unknown = {.outcome = CONNECTOR_UNKNOWN};
    memcpy(unknown.key, key, 32);
    snprintf(unknown.text, sizeof unknown.text,
             "this key was not submitted since the connector's start: submit it again, "
             "what was done already ends early");
    say(submissions, &unknown);
}

/* ---- taking a submission ------------------------------------------------------------------------------------------------ */

/* The place of this key: where it is, or a free one, or the place of the one that has been done longest. */
static struct evm_submission *place_for(struct evm_submissions *submissions, const uint8_t key[32])
{
    struct evm_submission *free_one = NULL, *oldest = NULL;
    size_t live = 0;
    for (size_t i = 0; i < EVM_SUBMISSIONS_MAX; i++) {
        struct evm_submission *one = &submissions->list[i];
        if (one->step == EVM_STEP_NONE) {
            free_one = free_one ? free_one : one;
            continue;
        }
        if (memcmp(one->key, key, 32) == 0)
            return one;
        if (one->step != EVM_STEP_DONE)
            live++;
        else if (!oldest || one->serial < oldest->serial)
            oldest = one;
    }
    if (live >= EVM_LIVE_MAX)
        return NULL;
    return free_one ? free_one : oldest;
}

/* Which contract here the call goes to; a static text when none does. */
static const char *route(const struct evm *evm, const struct connector_submit *message, bool *at_outbox)
{
    const struct evm_options *o = &evm->options;
    const struct connector_lane *lane = &message->lane;
    const bool in = o->has_inbox && memcmp(lane->inbox + 12, o->inbox, 20) == 0;
    const bool out = o->has_outbox && memcmp(lane->outbox + 12, o->outbox, 20) == 0;
    *at_outbox = message->action == CONNECTOR_SETTLE || (message->action == CONNECTOR_CLOSE && !in);
    if (!o->has_key && !o->unlocked)
        return "this source has no account: it submits nothing (key-file)";
    if (*at_outbox ? !out : !in)
        return "the lane's contract is not the one that this source was given";
    return NULL;
}

void evm_submissions_submit(struct evm_submissions *submissions, const struct connector_submit *message)
{
    struct evm_submission *one = place_for(submissions, message->key);
    if (!one) {
        connector_cannot(submissions->evm->connector, CONNECTOR_SUBMIT, BYTES_OF(message->key),
                         "%d submissions are under way already", EVM_LIVE_MAX);
        return;
    }
    const bool known = one->step != EVM_STEP_NONE && memcmp(one->key, message->key, 32) == 0;
    if (known && (one->step != EVM_STEP_DONE || one->outcome == CONNECTOR_CONFIRMED)) {
        if (one->step == EVM_STEP_DONE || one->outcome == CONNECTOR_SENT)
            say(submissions, one);
        one->again = true; /* the relay has waited long */
        return;
    }
    *one = (struct evm_submission){.step = EVM_STEP_NEW,
                                   .serial = ++submissions->serial,
                                   .action = (enum connector_action)message->action,
                                   .ruling = message->certificate.leaf_kind == 2,
                                   .lane = message->lane};
    memcpy(one->key, message->key, 32);
    const char *wrong = route(submissions->evm, message, &one->at_outbox);
    if (!wrong)
        one->data = evm_call_submission(&one->len, message, one->at_outbox, &wrong);
    one->goal = evm_call_goal(message);
    if (wrong)
        evm_submission_tell(submissions, one, CONNECTOR_REJECTED, wrong);
    else
        evm_submissions_pump(submissions);
}

/* ---- questions about a submission ----------------------------------------------------------------------------------------- */

void evm_submission_add_call(struct sdk_rpc_request *request, const struct evm *evm,
                             const struct evm_submission *submission, const char *method, uint64_t height, bool latest)
{
    sdk_rpc_open_call(request, method);
    FILE *out = request->stream;
    if (out) {
        fputs("[{\"from\":\"", out);
        sdk_rpc_add_hex(out, evm->options.account, 20);
        fputs("\",\"to\":\"", out);
        sdk_rpc_add_hex(out, evm_submission_contract(evm, submission), 20);
        fputs("\",\"data\":\"", out);
        sdk_rpc_add_hex(out, submission->data, submission->len);
        if (latest)
            fputs("\"},\"latest\"]", out);
        else
            fprintf(out, "\"},\"0x%" PRIx64 "\"]", height);
    }
    sdk_rpc_close_call(request);
}

void evm_submission_add_goal(struct sdk_rpc_request *request, const struct evm *evm,
                             const struct evm_submission *submission)
{
    uint8_t data[EVM_CALL_MAX];
    const bool single = submission->action == CONNECTOR_EXECUTE || submission->action == CONNECTOR_EXPIRE;
    const size_t len = single ? evm_call_pending(data, submission->lane.id, submission->goal)
                              : evm_call_state(data, submission->lane.id);
    sdk_rpc_open_call(request, "eth_call");
    FILE *out = request->stream;
    if (out) {
        fputs("[{\"to\":\"", out);
        sdk_rpc_add_hex(out, evm_submission_contract(evm, submission), 20);
        fputs("\",\"data\":\"", out);
        sdk_rpc_add_hex(out, data, len);
        fputs("\"},\"latest\"]", out);
    }
    sdk_rpc_close_call(request);
}

bool evm_submission_reached(const struct evm_submission *submission, const struct sdk_rpc_reply *reply,
                            struct sdk_arena *arena)
{
    struct bytes data = {0};
    if (reply->is_error || !sdk_json_bytes(&data, reply->result, arena))
        return false;
    struct codec_reader reader;
    switch (submission->action) {
    case CONNECTOR_DELIVER:
        codec_reader_init(&reader, codec_bytes_slice(data, 24, 8));
        return !submission->ruling && data.len == 64 && codec_read_u64(&reader) >= submission->goal;
    case CONNECTOR_SETTLE:
        codec_reader_init(&reader, codec_bytes_slice(data, 64 + 24, 8));
        return data.len == 128 && codec_read_u64(&reader) >= submission->goal;
    case CONNECTOR_EXECUTE:
    case CONNECTOR_EXPIRE:
        /* An absent digest is that of a decided message, or of one that was never accepted: the call itself tells. */
    case CONNECTOR_CLOSE: return false;
    }
    return false;
}

/* ---- the estimate ----------------------------------------------------------------------------------------------------------- */

struct estimate {
    struct evm_submissions *submissions;
    uint64_t serial;
};

/* What the node says a call would come to when it does not go well. */
static void tell_refusal(struct evm_submissions *submissions, struct evm_submission *one,
                         const struct sdk_rpc_reply *reply, struct sdk_arena *arena)
{
    char text[200];
    struct bytes data = {0};
    if (sdk_json_bytes(&data, reply->data, arena) && data.len >= 4)
        evm_abi_error(text, sizeof text, data);
    else
        snprintf(text, sizeof text, "%.180s", reply->message);
    const bool closed = one->action == CONNECTOR_CLOSE && strncmp(text, "LaneClosed", 10) == 0;
    evm_submission_tell(submissions, one, closed ? CONNECTOR_CONFIRMED : CONNECTOR_REJECTED,
                        closed ? "closed already" : text);
}

static void estimated(void *context, const struct sdk_rpc_answer *answer)
{
    struct estimate *estimate = context;
    struct evm_submissions *submissions = estimate->submissions;
    struct evm_submission *one = evm_submission_find(submissions, estimate->serial);
    free(estimate);
    if (!one)
        return;
    one->busy = false;
    if (answer->status == SDK_RPC_TOO_LARGE)
        evm_submission_tell(submissions, one, CONNECTOR_REJECTED, answer->text);
    if (answer->status != SDK_RPC_OK)
        return; /* else again with the next look */
    evm_account_balance(submissions, &answer->replies[3]);
    if (!sdk_json_u64(&submissions->tip, answer->replies[2].result))
        submissions->tip = GWEI;
    if (submissions->tip > submissions->evm->options.tip_cap) /* a suggestion of the endpoint, and not its money */
        submissions->tip = submissions->evm->options.tip_cap;
    one->height = submissions->evm->tracker->newest;
    if (evm_submission_reached(one, &answer->replies[0], answer->arena)) {
        evm_submission_tell(submissions, one, CONNECTOR_CONFIRMED,
                            "the contract stands there already: nothing was sent");
    } else if (answer->replies[1].is_error) {
        tell_refusal(submissions, one, &answer->replies[1], answer->arena);
    } else if (!sdk_json_u64(&one->gas, answer->replies[1].result) || one->gas > UINT64_MAX / 2) {
        evm_submission_tell(submissions, one, CONNECTOR_REJECTED, "eth_estimateGas: not an amount of gas");
    } else {
        one->gas += one->gas / 4 + 20000;
        one->step = EVM_STEP_READY;
        evm_send_next(submissions);
    }
}

static void estimate_start(struct evm_submissions *submissions, struct evm_submission *one)
{
    struct evm *evm = submissions->evm;
    struct sdk_rpc_request request;
    struct estimate *estimate = malloc(sizeof *estimate);
    if (!estimate)
        return;
    *estimate = (struct estimate){submissions, one->serial};
    one->busy = true;
    sdk_rpc_begin(&request);
    evm_submission_add_goal(&request, evm, one);
    evm_submission_add_call(&request, evm, one, "eth_estimateGas", 0, true);
    sdk_rpc_add(&request, "eth_maxPriorityFeePerGas", "[]");
    evm_account_add_balance(&request, evm);
    sdk_rpc_send(evm->rpc, &request, estimated, estimate);
}

/* Submissions of one lane go one after the other: the estimate of the second needs the first to be mined. */
static bool lane_is_taken(const struct evm_submissions *submissions, const struct evm_submission *one)
{
    for (size_t i = 0; i < EVM_SUBMISSIONS_MAX; i++) {
        const struct evm_submission *other = &submissions->list[i];
        if (other != one && other->step != EVM_STEP_NONE && other->step != EVM_STEP_DONE &&
            other->at_outbox == one->at_outbox && memcmp(other->lane.id, one->lane.id, 32) == 0 &&
            (other->step != EVM_STEP_NEW || other->serial < one->serial))
            return true;
    }
    return false;
}

void evm_submissions_block(struct evm_submissions *submissions)
{
    evm_account_look(submissions);
    evm_submissions_follow(submissions);
}

void evm_submissions_pump(struct evm_submissions *submissions)
{
    struct evm *evm = submissions->evm;
    if (!evm->tracker->any || evm->tracker->stopped || !sdk_rpc_usable(evm->rpc))
        return;
    for (size_t i = 0; i < EVM_SUBMISSIONS_MAX; i++) {
        struct evm_submission *one = &submissions->list[i];
        if (one->step == EVM_STEP_NEW && !one->busy && !lane_is_taken(submissions, one))
            estimate_start(submissions, one);
    }
    evm_send_next(submissions);
}
