/*
 * isthmus-connector-evm: one EVM node for one relay (docs/connector-evm.md). This file is the whole object graph.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/evm/abi.h"
#include "connectors/evm/watch.h"

enum { LIVE_FACTOR = 10 /* polling is so much rarer while news arrive */ };

struct evm_asked_header {
    struct evm *evm;
    uint64_t height;
};

bool evm_say_header(struct evm *evm, uint64_t height, const uint8_t hash[32], uint64_t time, struct bytes rlp)
{
    struct connector_message message = {.type = CONNECTOR_HEADER,
                                        .header = {.height = height, .time = time, .header = rlp}};
    memcpy(message.header.hash, hash, 32);
    return connector_send(evm->connector, &message) == SDK_SENT;
}

/* The newest final header, when it was not told yet for want of room. */
static bool say_final(struct evm *evm)
{
    const struct evm_head *head = evm_tracker_head(evm->tracker, evm->tracker->final_height);
    if (!evm->final_untold || !head)
        return true;
    if (!evm_say_header(evm, head->number, head->hash, head->time, (struct bytes){head->rlp, head->rlp_len}))
        return false;
    evm->final_untold = false;
    return true;
}

void evm_pump(struct evm *evm)
{
    if (connector_is_full(evm->connector) || evm->tracker->stopped || !say_final(evm))
        return;
    sdk_watches_pump(&evm->watches);
    sdk_positions_pump(&evm->positions);
    evm_submissions_pump(evm->submissions);
}

/* ---- what the parts tell ----------------------------------------------------------------------------------------------- */

static void moved(void *context, bool newest, bool final_height)
{
    struct evm *evm = context;
    evm->final_untold = evm->final_untold || final_height;
    if (newest) {
        sdk_positions_stale(&evm->positions);
        evm_submissions_block(evm->submissions);
    }
    evm_pump(evm);
}

static void reorganised(void *context, uint64_t blocks)
{
    sdk_notice_reorganised(&((struct evm *)context)->notices, blocks);
}

static void broken(void *context, const char *text)
{
    struct evm *evm = context;
    connector_notice(evm->connector, CONNECTOR_NOTICE_FINALITY_BROKEN,
                     "%s (%" PRIu64 "): this source says nothing more until it is restarted", text,
                     evm->tracker->final_height);
}

static void nonsense(void *context, const char *text)
{
    sdk_notice_nonsense(&((struct evm *)context)->notices, text);
}

static void news(void *context)
{
    struct evm *evm = context;
    if (evm->configured)
        sdk_timer_hasten(evm->loop, &evm->poll, 0);
}

static enum sdk_ws_word hear(const struct sdk_json *message)
{
    const char *method = sdk_json_text(sdk_json_member(message, "method"));
    if (method && strcmp(method, "eth_subscription") == 0)
        return SDK_WS_NEWS;
    return sdk_json_text(sdk_json_member(message, "result")) ? SDK_WS_CONFIRMED : SDK_WS_NONSENSE;
}

static void ws_state(void *context, bool up, const char *text)
{
    struct evm *evm = context;
    connector_log(evm->connector, up ? "news over WebSocket%s" : "no news over WebSocket (%s): polling", text);
    news(evm);
}

static void poll(void *context)
{
    struct evm *evm = context;
    const bool live = evm->ws && sdk_ws_is_live(evm->ws);
    sdk_timer_set(evm->loop, &evm->poll, evm->options.endpoint.poll_ms * (live ? LIVE_FACTOR : 1));
    if (!evm->configured || evm->tracker->stopped)
        return;
    evm_tracker_look(evm->tracker);
    evm_submissions_follow(evm->submissions);
    sdk_positions_look(&evm->positions);
    evm_pump(evm);
}

/* ---- configuring --------------------------------------------------------------------------------------------------------- */

static void ask_chain(void *context);

static void chain_told(void *context, const struct sdk_rpc_answer *answer)
{
    struct evm *evm = context;
    uint64_t id = 0;
    uint8_t genesis[32];
    const struct sdk_rpc_reply *said = answer->replies;
    if (answer->status != SDK_RPC_OK || said[0].is_error || said[1].is_error) {
        if (answer->status == SDK_RPC_OK)
            sdk_notice_nonsense(&evm->notices, (said[0].is_error ? &said[0] : &said[1])->message);
        sdk_timer_set(evm->loop, &evm->poll,
                      evm->options.endpoint.poll_ms); /* not there yet, or busy: ask until it is */
        return;
    }
    if (!sdk_json_u64(&id, answer->replies[0].result) ||
        !sdk_json_fixed(genesis, 32, sdk_json_member(answer->replies[1].result, "hash"))) {
        connector_configured(evm->connector, false, "http: the node does not tell its chain id and block 0");
    } else if (id != evm->options.chain_id) {
        connector_configured(evm->connector, false, "chain: the node's chain id is %" PRIu64 ", not %" PRIu64, id,
                             evm->options.chain_id);
    } else if (memcmp(genesis, evm->options.genesis, 32) != 0) {
        connector_configured(evm->connector, false, "genesis: the node's block 0 has another hash");
    } else {
        evm->configured = true;
        evm->poll.fire = poll;
        connector_configured(evm->connector, true, "eip155:%" PRIu64, id);
        poll(evm);
    }
}

static void ask_chain(void *context)
{
    struct evm *evm = context;
    struct sdk_rpc_request request;
    sdk_rpc_begin(&request);
    sdk_rpc_add(&request, "eth_chainId", "[]");
    sdk_rpc_add(&request, "eth_getBlockByNumber", "[\"0x0\",false]");
    sdk_rpc_send(evm->rpc, &request, chain_told, evm);
}

/* New heads, and the logs of the contracts here. */
static bool write_news_requests(struct evm *evm)
{
    static const char heads[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_subscribe\",\"params\":[\"newHeads\"]}";
    const struct evm_options *o = &evm->options;
    size_t len = 0;
    char *logs = NULL;
    FILE *out = open_memstream(&logs, &len);
    if (!out)
        return false;
    fputs("{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"eth_subscribe\",\"params\":[\"logs\",{\"address\":[\"", out);
    sdk_rpc_add_hex(out, o->has_outbox ? o->outbox : o->inbox, 20);
    if (o->has_outbox && o->has_inbox) {
        fputs("\",\"", out);
        sdk_rpc_add_hex(out, o->inbox, 20);
    }
    fputs("\"]}]}", out);
    const bool good = fclose(out) == 0;
    evm->news_requests[0] = heads;
    evm->news_requests[1] = evm->logs_request = logs;
    return good;
}

static bool begin(struct evm *evm)
{
    const struct evm_options *o = &evm->options;
    const struct sdk_rpc_config rpc = {.loop = evm->loop,
                                       .url = o->endpoint.http,
                                       .max_response = o->endpoint.max_response,
                                       .timeout_ms = (uint32_t)o->endpoint.timeout_ms,
                                       .health = sdk_notice_health,
                                       .context = &evm->notices};
    evm->rpc = sdk_rpc_new(&rpc);
    const struct evm_tracker_config tracker = {
        evm->rpc, o->finality_depth, o->finality_tag, moved, reorganised, broken, nonsense, evm};
    sdk_notices_init(&evm->notices, evm->connector);
    evm_watches_init(evm);
    evm_positions_init(evm);
    evm->range = o->log_range;
    evm->submissions = evm_submissions_new(evm);
    if (!evm->rpc || !evm->submissions || !evm_tracker_init(evm->tracker, &tracker))
        return false;
    if (!o->endpoint.ws[0])
        return true;
    const struct sdk_ws_config ws = {evm->loop, o->endpoint.ws, evm->news_requests, 2, hear, news, ws_state, evm};
    if (write_news_requests(evm))
        evm->ws = sdk_ws_new(&ws);
    return evm->ws != NULL;
}

static void configure(void *context, const struct connector_configure *message)
{
    struct evm *evm = context;
    char text[CODEC_CONNECTOR_TEXT_MAX];
    if (!evm_options_read(&evm->options, message, text, sizeof text)) {
        connector_configured(evm->connector, false, "%s", text);
    } else if (!begin(evm)) {
        connector_configured(evm->connector, false, "no memory, or ws is not ws://host[:port][/path]");
    } else {
        evm->poll.fire = ask_chain;
        evm->poll.context = evm;
        ask_chain(evm);
    }
}

/* ---- the relay's other messages -------------------------------------------------------------------------------------------- */

static void header_told(void *context, const struct sdk_rpc_answer *answer)
{
    struct evm_asked_header *asked = context;
    struct evm *evm = asked->evm;
    const char *wrong = "the endpoint does not answer";
    struct evm_block block;
    if (answer->status == SDK_RPC_OK && !sdk_json_is_null(answer->replies[0].result) &&
        evm_parse_block(&block, answer->replies[0].result, answer->arena, &wrong) &&
        block.header.number == asked->height)
        evm_say_header(evm, asked->height, block.hash, block.header.timestamp, block.rlp);
    else
        connector_cannot_height(evm->connector, asked->height, wrong);
    evm->headers_asked--;
    free(asked);
}

static void ask_header(void *context, const struct connector_ask_header *message)
{
    struct evm *evm = context;
    const struct evm_tracker *tracker = evm->tracker;
    const struct evm_head *head = evm_tracker_head(tracker, message->height);
    struct sdk_rpc_request request;
    if (tracker->stopped || !tracker->has_final || message->height > tracker->final_height) {
        connector_cannot_height(evm->connector, message->height,
                                tracker->stopped ? "finality was broken" : "not final here yet");
        return;
    }
    if (head) {
        evm_say_header(evm, head->number, head->hash, head->time, (struct bytes){head->rlp, head->rlp_len});
        return;
    }
    struct evm_asked_header *asked = evm->headers_asked < EVM_HEADERS_ASKED_MAX ? malloc(sizeof *asked) : NULL;
    if (!asked) {
        connector_cannot_height(evm->connector, message->height, "too many headers are asked for at once");
        return;
    }
    *asked = (struct evm_asked_header){evm, message->height};
    evm->headers_asked++;
    sdk_rpc_begin(&request);
    sdk_rpc_add(&request, "eth_getBlockByNumber", "[\"0x%" PRIx64 "\",false]", message->height);
    sdk_rpc_send(evm->rpc, &request, header_told, asked);
}

static void submit(void *context, const struct connector_submit *message)
{
    struct evm *evm = context;
    evm_submissions_submit(evm->submissions, message);
}

static void ask_result(void *context, const struct connector_ask_result *message)
{
    struct evm *evm = context;
    evm_submissions_ask(evm->submissions, message->key);
}

static const char *state_text(const struct evm *evm)
{
    if (!evm->configured)
        return "not configured";
    if (evm->tracker->stopped)
        return "finality was broken: restart after looking into it";
    if (!evm->tracker->any)
        return "no block read yet";
    return evm->ws && sdk_ws_is_live(evm->ws) ? "news over WebSocket" : "polling";
}

static void status(void *context)
{
    struct evm *evm = context;
    const struct evm_head *newest = evm->configured ? evm_tracker_head(evm->tracker, evm->tracker->newest) : NULL;
    const struct connector_message message = {
        .type = CONNECTOR_STATUS,
        .status = {newest ? newest->number : 0, evm->tracker->final_height, newest ? newest->time : 0,
                   codec_connector_text(evm->submissions ? evm_submissions_balance(evm->submissions) : ""),
                   codec_connector_text(state_text(evm))},
    };
    connector_send(evm->connector, &message);
    if (evm->submissions)
        evm_submissions_tell_account(evm->submissions);
}

static void drained(void *context)
{
    struct evm *evm = context;
    if (evm->configured)
        evm_pump(evm);
}

/* ---- life --------------------------------------------------------------------------------------------------------------------- */

static void *start(struct connector *connector)
{
    struct evm *evm = calloc(1, sizeof *evm);
    if (!evm || !(evm->tracker = calloc(1, sizeof *evm->tracker))) {
        free(evm);
        return NULL;
    }
    evm->connector = connector;
    evm->loop = connector_loop(connector);
    connector_serves(connector, &evm->watches, &evm->positions);
    return evm;
}

static void stop(void *context)
{
    struct evm *evm = context;
    sdk_rpc_free(evm->rpc); /* first: those who wait for an answer still look at the others */
    sdk_ws_free(evm->ws);
    free(evm->logs_request);
    sdk_watches_fini(&evm->watches);
    sdk_positions_fini(&evm->positions);
    evm_submissions_free(evm->submissions);
    evm_tracker_fini(evm->tracker);
    evm_options_wipe(&evm->options);
    free(evm->tracker);
    free(evm);
}

int main(int argc, char **argv)
{
    static const char *const families[] = {"evm", NULL};
    static const struct connector_ops ops = {
        .name = "evm",
        .version = "0.1.0",
        .families = families,
        .slot = true,
        .receipts = true,
        .start = start,
        .stop = stop,
        .configure = configure,
        .ask_header = ask_header,
        .submit = submit,
        .ask_result = ask_result,
        .status = status,
        .drained = drained,
    };
    return connector_main(&ops, argc, argv);
}
