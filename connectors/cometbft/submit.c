/*
 * Submissions by key: what is known of each, and its way onto the chain. A transaction is signed once for a place in the account's
 * sequence and brought again as often as it takes: the ledger runs the same bytes once at most. The mempool runs each on what waits
 * before it, so what would be refused is refused before it costs anything.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/cometbft/cometbft.h"
#include "connectors/cometbft/ledger.h"
#include "connectors/sdk/fault.h"

enum {
    SUBMISSIONS_MAX = 256, /* known keys, done ones included */
    LIVE_MAX = 64,         /* not done */
    AGAIN_BLOCKS = 4,      /* without a trace of it, the same transaction is brought again */
    RETRY_MS = 1000,
    RETRIES_MAX = 60, /* answers of the node that are no verdict */
    INDEX_RETRIES_MAX = 10,
};

enum step {
    STEP_NONE = 0,
    STEP_NEW,  /* where does the ledger stand, and which sequence is next? */
    STEP_SENT, /* in the mempool, or perhaps; its block is waited for */
    STEP_DONE
};

struct submission {
    uint8_t key[32];
    uint64_t serial;
    enum step step;
    bool busy;    /* a question to the node is under way */
    bool dropped; /* perhaps: it is brought again if it is in no block */
    enum connector_action action;
    bool at_outbox, ruling;
    uint8_t lane[32];
    uint64_t goal;
    uint8_t kind;
    uint8_t *body, *tx; /* freed when done; tx: signed */
    size_t body_len, tx_len;
    uint64_t sequence, wanted; /* wanted: what the mempool said comes next; 0: nothing */
    uint64_t first_block, sent_block, looked_block;
    unsigned retries;
    uint64_t retry_at; /* ms */
    enum connector_outcome outcome;
    uint64_t height;
    uint8_t transaction[32];
    bool has_transaction;
    char text[256];
};

struct cometbft_submissions {
    struct cometbft *cometbft;
    struct submission list[SUBMISSIONS_MAX];
    uint64_t serial;
    bool sending;      /* one at a time: sequences are given in order */
    bool has_sequence; /* of the newest transaction on its way */
    uint64_t sequence; /* after it */
};

struct question {
    struct cometbft_submissions *submissions;
    uint64_t serial;
};

struct cometbft_submissions *cometbft_submissions_new(struct cometbft *cometbft)
{
    struct cometbft_submissions *submissions = calloc(1, sizeof *submissions);
    if (submissions)
        submissions->cometbft = cometbft;
    return submissions;
}

void cometbft_submissions_free(struct cometbft_submissions *submissions)
{
    if (!submissions)
        return;
    for (size_t i = 0; i < SUBMISSIONS_MAX; i++) {
        free(submissions->list[i].body);
        free(submissions->list[i].tx);
    }
    free(submissions);
}

/* ---- results ------------------------------------------------------------------------------------------------------------ */

static void say(struct cometbft_submissions *submissions, const struct submission *one)
{
    struct connector_message message = {
        .type = CONNECTOR_RESULT,
        .result = {.result = (uint8_t)one->outcome,
                   .height = one->height,
                   .transaction = {one->transaction, one->has_transaction ? 32 : 0},
                   .text = codec_connector_text(one->text)},
    };
    memcpy(message.result.key, one->key, 32);
    connector_send(submissions->cometbft->connector, &message);
}

/* CONNECTOR_SENT keeps the submission on its way, every other outcome ends it. */
static void tell(struct cometbft_submissions *submissions, struct submission *one, enum connector_outcome outcome,
                 const char *text)
{
    one->outcome = outcome;
    snprintf(one->text, sizeof one->text, "%s", text);
    if (outcome != CONNECTOR_SENT) {
        one->step = STEP_DONE;
        one->serial = ++submissions->serial; /* the done ones in the order in which they ended */
        free(one->body);
        free(one->tx);
        one->body = one->tx = NULL;
    }
    say(submissions, one);
}

void cometbft_submissions_ask(struct cometbft_submissions *submissions, const uint8_t key[32])
{
    for (size_t i = 0; i < SUBMISSIONS_MAX; i++) {
        struct submission *one = &submissions->list[i];
        if (one->step == STEP_NONE || memcmp(one->key, key, 32) != 0)
            continue;
        if (one->step == STEP_DONE || one->outcome == CONNECTOR_SENT)
            say(submissions, one);
        return; /* still on its way: its result follows by itself */
    }
    struct submission unknown = {.outcome = CONNECTOR_UNKNOWN};
    memcpy(unknown.key, key, 32);
    snprintf(unknown.text, sizeof unknown.text,
             "this key was not submitted since the connector's start: submit it again, "
             "what was done already ends early");
    say(submissions, &unknown);
}

/* ---- taking a submission -------------------------------------------------------------------------------------------------- */

/* The place of this key: where it is, or a free one, or the place of the one that has been done longest. */
static struct submission *place_for(struct cometbft_submissions *submissions, const uint8_t key[32])
{
    struct submission *free_one = NULL, *oldest = NULL;
    size_t live = 0;
    for (size_t i = 0; i < SUBMISSIONS_MAX; i++) {
        struct submission *one = &submissions->list[i];
        if (one->step == STEP_NONE) {
            free_one = free_one ? free_one : one;
            continue;
        }
        if (memcmp(one->key, key, 32) == 0)
            return one;
        if (one->step != STEP_DONE)
            live++;
        else if (!oldest || one->serial < oldest->serial)
            oldest = one;
    }
    if (live >= LIVE_MAX)
        return NULL;
    return free_one ? free_one : oldest;
}

/* Where it goes here; a static text when nowhere. */
static const char *route(const struct cometbft_options *o, const struct connector_submit *message, bool *at_outbox)
{
    const bool in = o->has_inbox && memcmp(message->lane.inbox, o->inbox, 32) == 0;
    const bool out = o->has_outbox && memcmp(message->lane.outbox, o->outbox, 32) == 0;
    const bool ends_here = in && memcmp(message->lane.destination, o->chain, 32) == 0;
    *at_outbox = message->action == CONNECTOR_SETTLE || (message->action == CONNECTOR_CLOSE && !ends_here);
    if (!o->has_key)
        return "this source has no account: it submits nothing (key-file)";
    if (*at_outbox ? !out || memcmp(message->lane.source, o->chain, 32) != 0 : !ends_here)
        return "the lane does not begin or end at an account that this source was given";
    return NULL;
}

/* The relay has waited long. A mempool may have dropped it, and perhaps no block comes that would show it. */
static void look_again(struct cometbft_submissions *submissions, struct submission *one)
{
    one->dropped = true;
    if (one->retry_at == 0)
        one->retry_at = sdk_loop_now(submissions->cometbft->loop);
    cometbft_submissions_pump(submissions);
}

void cometbft_submissions_submit(struct cometbft_submissions *submissions, const struct connector_submit *message)
{
    struct submission *one = place_for(submissions, message->key);
    if (!one) {
        connector_cannot(submissions->cometbft->connector, CONNECTOR_SUBMIT, BYTES_OF(message->key),
                         "%d submissions are under way already", LIVE_MAX);
        return;
    }
    const bool known = one->step != STEP_NONE && memcmp(one->key, message->key, 32) == 0;
    if (known && (one->step != STEP_DONE || one->outcome == CONNECTOR_CONFIRMED)) {
        if (one->step == STEP_DONE || one->outcome == CONNECTOR_SENT)
            say(submissions, one);
        if (one->step == STEP_SENT)
            look_again(submissions, one);
        return;
    }
    *one = (struct submission){.step = STEP_NEW,
                               .serial = ++submissions->serial,
                               .action = (enum connector_action)message->action,
                               .ruling = message->certificate.leaf_kind == 2};
    memcpy(one->key, message->key, 32);
    memcpy(one->lane, message->lane.id, 32);
    const char *wrong = route(&submissions->cometbft->options, message, &one->at_outbox);
    if (!wrong)
        one->body = cometbft_ledger_body(&one->body_len, &one->kind, message, one->at_outbox, &wrong);
    one->goal = cometbft_ledger_goal(message);
    if (wrong)
        tell(submissions, one, CONNECTOR_REJECTED, wrong);
    else
        cometbft_submissions_pump(submissions);
}

/* ---- questions ------------------------------------------------------------------------------------------------------------- */

static struct submission *find(struct cometbft_submissions *submissions, uint64_t serial)
{
    for (size_t i = 0; i < SUBMISSIONS_MAX; i++)
        if (submissions->list[i].step != STEP_NONE && submissions->list[i].serial == serial)
            return &submissions->list[i];
    return NULL;
}

static void send_request(struct cometbft_submissions *submissions, struct submission *one,
                         struct sdk_rpc_request *request,
                         void (*done)(void *context, const struct sdk_rpc_answer *answer))
{
    struct question *question = malloc(sizeof *question);
    if (!question)
        abort(); /* a submission that never hears back would hold up its lane */
    *question = (struct question){submissions, one->serial};
    one->busy = true;
    sdk_rpc_send(submissions->cometbft->rpc, request, done, question);
}

/* The submission that asked; NULL when it is no more. */
static struct submission *answered(struct cometbft_submissions **submissions, void *context)
{
    struct question *question = context;
    *submissions = question->submissions;
    struct submission *one = find(question->submissions, question->serial);
    free(question);
    if (one)
        one->busy = false;
    return one;
}

static void later(struct cometbft_submissions *submissions, struct submission *one, const char *text)
{
    one->retry_at = sdk_loop_now(submissions->cometbft->loop) + RETRY_MS;
    if (++one->retries > RETRIES_MAX)
        tell(submissions, one, one->step == STEP_SENT ? CONNECTOR_UNKNOWN : CONNECTOR_REJECTED, text);
}

/* An absent pending message is a decided one, or one that was never accepted: of those actions the ledger itself tells. */
static bool reached(const struct submission *one, const struct cometbft_lane *lane)
{
    if (one->action == CONNECTOR_DELIVER)
        return !one->ruling && lane->count >= one->goal;
    return one->action == CONNECTOR_SETTLE && lane->entries >= one->goal;
}

static void not_taken(struct cometbft_submissions *submissions, struct submission *one, const char *text)
{
    const bool closed = one->action == CONNECTOR_CLOSE && strncmp(text, "LaneClosed", 10) == 0;
    tell(submissions, one, closed ? CONNECTOR_CONFIRMED : CONNECTOR_REJECTED, closed ? "closed already" : text);
}

/* ---- bringing a transaction -------------------------------------------------------------------------------------------------- */

static void brought(void *context, const struct sdk_rpc_answer *answer);

static void write_base64(FILE *out, const uint8_t *data, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < len; i += 3) {
        const unsigned b1 = i + 1 < len ? data[i + 1] : 0, b2 = i + 2 < len ? data[i + 2] : 0;
        fputc(digits[data[i] >> 2], out);
        fputc(digits[(data[i] & 3) << 4 | b1 >> 4], out);
        fputc(i + 1 < len ? digits[(b1 & 15) << 2 | b2 >> 6] : '=', out);
        fputc(i + 2 < len ? digits[b2 & 63] : '=', out);
    }
}

static void bring(struct cometbft_submissions *submissions, struct submission *one)
{
    struct sdk_rpc_request request;
    one->sent_block = submissions->cometbft->newest;
    one->dropped = false;
    sdk_rpc_begin(&request);
    sdk_rpc_open_call(&request, "broadcast_tx_sync");
    if (request.stream) {
        fputs("{\"tx\":\"", request.stream);
        write_base64(request.stream, one->tx, one->tx_len);
        fputs("\"}", request.stream);
    }
    sdk_rpc_close_call(&request);
    SDK_FAULT("gives", "transaction", "before");
    send_request(submissions, one, &request, brought);
}

static void on_its_way(struct cometbft_submissions *submissions, struct submission *one)
{
    one->retries = 0;
    if (one->outcome == CONNECTOR_SENT)
        return;
    one->has_transaction = true;
    tell(submissions, one, CONNECTOR_SENT, "");
}

/* Another transaction has this place: the mempool said which one is free. Not on its way any more. */
static void place_taken(struct cometbft_submissions *submissions, struct submission *one, const struct sdk_json *result,
                        struct sdk_arena *arena)
{
    struct bytes data;
    struct codec_reader reader;
    if (one->outcome == CONNECTOR_SENT) /* it is in a block, or another took its place: the next look tells which */
        return;
    one->step = STEP_NEW;
    one->wanted = 0;
    if (sdk_json_digits(&data, sdk_json_member(result, "data"), arena) && data.len == 8) {
        codec_reader_init(&reader, data);
        one->wanted = codec_read_u64(&reader);
    }
    submissions->has_sequence = false;
    later(submissions, one, "the account's sequence is never free: does another use this account?");
    one->retry_at = 0;
}

static void verdict(struct cometbft_submissions *submissions, struct submission *one, const struct sdk_json *result,
                    struct sdk_arena *arena)
{
    int64_t code = -1;
    const char *text = sdk_json_text(sdk_json_member(result, "log"));
    sdk_json_integer(&code, sdk_json_member(result, "code"));
    switch (code) {
    case COMETBFT_CODE_OK: on_its_way(submissions, one); break;
    case COMETBFT_CODE_SEQUENCE: place_taken(submissions, one, result, arena); break;
    default: /* the node's word: whatever it is, it is no way onto the chain */
        submissions->has_sequence = false;
        if (one->outcome != CONNECTOR_SENT)
            not_taken(submissions, one, text ? text : "refused without a word");
    }
}

static void brought(void *context, const struct sdk_rpc_answer *answer)
{
    struct cometbft_submissions *submissions;
    SDK_FAULT("gives", "transaction", "after");
    struct submission *one = answered(&submissions, context);
    submissions->sending = false;
    if (!one)
        return;
    if (answer->status != SDK_RPC_OK) { /* it may be there or not: it is followed, and brought again */
        one->retry_at = sdk_loop_now(submissions->cometbft->loop) + RETRY_MS;
        return;
    }
    const struct sdk_rpc_reply *reply = &answer->replies[0];
    const char *why = reply->is_error && sdk_json_text(reply->data) ? sdk_json_text(reply->data) : reply->message;
    if (reply->is_error && strstr(why, "already exists in cache"))
        on_its_way(submissions, one);
    else if (reply->is_error && strstr(why, "too large"))
        tell(submissions, one, CONNECTOR_REJECTED, why);
    else if (reply->is_error)
        later(submissions, one, why);
    else
        verdict(submissions, one, reply->result, answer->arena);
    cometbft_submissions_pump(submissions);
}

static void stands(void *context, const struct sdk_rpc_answer *answer)
{
    struct cometbft_submissions *submissions;
    struct submission *one = answered(&submissions, context);
    struct cometbft_lane lane;
    uint64_t sequence = 0;
    const struct cometbft_options *o = &submissions->cometbft->options;
    submissions->sending = false;
    if (!one || answer->status != SDK_RPC_OK)
        return; /* again with the next look */
    if (!cometbft_ledger_lane(&lane, &answer->replies[0], answer->arena) ||
        !cometbft_ledger_sequence(&sequence, &answer->replies[1], answer->arena)) {
        later(submissions, one, "the ledger's lane or account cannot be read");
        return;
    }
    one->height = lane.height;
    if (reached(one, &lane)) {
        one->has_transaction = false;
        tell(submissions, one, CONNECTOR_CONFIRMED, "the ledger stands there already: nothing was sent");
        return;
    }
    if (submissions->has_sequence && submissions->sequence > sequence)
        sequence = submissions->sequence;
    if (one->wanted > sequence)
        sequence = one->wanted;
    free(one->tx);
    one->tx = cometbft_ledger_sign(&one->tx_len, one->transaction, one->kind, sequence,
                                   (struct bytes){one->body, one->body_len}, o->chain, o->key);
    if (!one->tx) {
        later(submissions, one, "no memory");
        return;
    }
    one->sequence = sequence;
    submissions->sequence = sequence + 1;
    submissions->has_sequence = true;
    one->step = STEP_SENT;
    one->first_block = submissions->cometbft->newest;
    submissions->sending = true;
    bring(submissions, one);
}

static void ask_where_it_stands(struct cometbft_submissions *submissions, struct submission *one)
{
    struct sdk_rpc_request request;
    submissions->sending = true;
    sdk_rpc_begin(&request);
    cometbft_ledger_ask_lane(&request, one->at_outbox, one->lane);
    cometbft_ledger_ask_sequence(&request, submissions->cometbft->options.account);
    send_request(submissions, one, &request, stands);
}

/* ---- following it -------------------------------------------------------------------------------------------------------------- */

static void in_a_block(struct cometbft_submissions *submissions, struct submission *one, const struct sdk_json *result)
{
    const struct sdk_json *executed = sdk_json_member(result, "tx_result");
    const char *text = sdk_json_text(sdk_json_member(executed, "log"));
    int64_t height = 0, code = 0;
    if (!sdk_json_decimal(&height, sdk_json_member(result, "height")) || height < 1 || sdk_json_is_null(executed) ||
        (!sdk_json_is_null(sdk_json_member(executed, "code")) &&
         !sdk_json_integer(&code, sdk_json_member(executed, "code")))) {
        later(submissions, one, "tx: not a transaction's result");
        return;
    }
    one->height = (uint64_t)height;
    if (code == COMETBFT_CODE_OK)
        tell(submissions, one, CONNECTOR_CONFIRMED, "");
    else
        not_taken(submissions, one, text ? text : "refused");
}

/* A node indexes a block's transactions after the block itself, by itself: what took the account's
 * sequence may be ours though `tx` does not find it. */
static bool ours_may_be_indexed_yet(const struct submission *one, uint64_t sequence)
{
    return sequence > one->sequence && one->retries < INDEX_RETRIES_MAX;
}

/* The transaction is in no block. Brought again, given up, or begun anew when its place went to another. */
static void not_found(struct cometbft_submissions *submissions, struct submission *one,
                      const struct sdk_rpc_reply *lane, const struct sdk_rpc_reply *account, struct sdk_arena *arena)
{
    struct cometbft *cometbft = submissions->cometbft;
    struct cometbft_lane here;
    uint64_t sequence = 0;
    if (!cometbft_ledger_lane(&here, lane, arena) || !cometbft_ledger_sequence(&sequence, account, arena)) {
        later(submissions, one, "the ledger's lane or account cannot be read");
    } else if (ours_may_be_indexed_yet(one, sequence)) {
        one->retries++;
        one->retry_at = sdk_loop_now(cometbft->loop) + RETRY_MS;
    } else if (reached(one, &here)) {
        one->height = here.height;
        one->has_transaction = false;
        tell(submissions, one, CONNECTOR_CONFIRMED, "another brought it");
    } else if (cometbft->newest >= one->first_block + cometbft->options.endpoint.give_up_blocks) {
        tell(submissions, one, CONNECTOR_UNKNOWN, "in no block, and not done: submit it again");
    } else if (sequence > one->sequence) {
        one->step = STEP_NEW; /* its place was taken by another transaction: it can never run */
        one->outcome = 0;
        submissions->has_sequence = false;
    } else if (!one->busy &&
               (cometbft->newest >= one->sent_block + AGAIN_BLOCKS || one->outcome != CONNECTOR_SENT || one->dropped)) {
        bring(submissions, one);
    }
}

static void followed(void *context, const struct sdk_rpc_answer *answer)
{
    struct cometbft_submissions *submissions;
    struct submission *one = answered(&submissions, context);
    if (one && answer->status != SDK_RPC_OK)
        one->retry_at = sdk_loop_now(submissions->cometbft->loop) + RETRY_MS; /* perhaps no further block comes */
    if (!one || answer->status != SDK_RPC_OK)
        return;
    if (answer->replies[0].is_error)
        not_found(submissions, one, &answer->replies[1], &answer->replies[2], answer->arena);
    else
        in_a_block(submissions, one, answer->replies[0].result);
    cometbft_submissions_pump(submissions);
}

static void follow(struct cometbft_submissions *submissions, struct submission *one)
{
    struct sdk_rpc_request request;
    one->looked_block = submissions->cometbft->newest;
    one->retry_at = 0; /* one look, not one after the other */
    sdk_rpc_begin(&request);
    sdk_rpc_open_call(&request, "tx");
    if (request.stream) {
        fputs("{\"hash\":\"", request.stream);
        write_base64(request.stream, one->transaction, 32);
        fputs("\",\"prove\":false}", request.stream);
    }
    sdk_rpc_close_call(&request);
    cometbft_ledger_ask_lane(&request, one->at_outbox, one->lane);
    cometbft_ledger_ask_sequence(&request, submissions->cometbft->options.account);
    send_request(submissions, one, &request, followed);
}

/* Submissions of one lane go one after the other: the ledger may refuse the second before the first is done. */
static bool lane_is_taken(const struct cometbft_submissions *submissions, const struct submission *one)
{
    for (size_t i = 0; i < SUBMISSIONS_MAX; i++) {
        const struct submission *other = &submissions->list[i];
        if (other != one && other->step != STEP_NONE && other->step != STEP_DONE &&
            other->at_outbox == one->at_outbox && memcmp(other->lane, one->lane, 32) == 0 &&
            (other->step == STEP_SENT || other->serial < one->serial))
            return true;
    }
    return false;
}

void cometbft_submissions_pump(struct cometbft_submissions *submissions)
{
    struct cometbft *cometbft = submissions->cometbft;
    const uint64_t now = sdk_loop_now(cometbft->loop);
    if (!cometbft->newest || cometbft->stopped || !sdk_rpc_usable(cometbft->rpc))
        return;
    for (size_t i = 0; i < SUBMISSIONS_MAX; i++) {
        struct submission *one = &submissions->list[i];
        if (one->busy || now < one->retry_at)
            continue;
        if (one->step == STEP_SENT && (one->looked_block < cometbft->newest || one->retry_at))
            follow(submissions, one);
        else if (one->step == STEP_NEW && !submissions->sending && !lane_is_taken(submissions, one))
            ask_where_it_stands(submissions, one);
    }
}
