/*
 * isthmus-connector-cometbft: one CometBFT node for one relay (docs/connector-cometbft.md). This file is the whole object graph.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/cometbft/watch.h"

enum { LIVE_FACTOR = 10 /* polling is so much rarer while news arrive */ };

#define IDENTITY "6964656e74697479" /* "identity": a key that the state of every ledger has */

bool cometbft_may_ask(const struct cometbft *cometbft)
{
    return !cometbft->stopped && !connector_is_full(cometbft->connector) && sdk_rpc_usable(cometbft->rpc);
}

void cometbft_broken(struct cometbft *cometbft, uint64_t height)
{
    if (cometbft->stopped)
        return;
    cometbft->stopped = true;
    connector_notice(
        cometbft->connector, CONNECTOR_NOTICE_FINALITY_BROKEN,
        "two headers at height %" PRIu64 " or below it: this source says nothing more until it is restarted", height);
}

static void say_header(struct cometbft *cometbft, const struct cometbft_light *light)
{
    struct connector_message message = {
        .type = CONNECTOR_HEADER, .header = {.height = light->height, .time = light->time, .header = light->bundle}};
    memcpy(message.header.hash, light->hash, 32);
    if (connector_send(cometbft->connector, &message) == SDK_SENT && light->height == cometbft->newest)
        cometbft->header_untold = false;
}

static void newest_fetched(void *context, const struct cometbft_light *light, const char *text)
{
    struct cometbft *cometbft = context;
    (void)text; /* the endpoint's health was told; the next look asks again */
    cometbft->looking = false;
    if (!light || cometbft->stopped)
        return;
    if (light->height > cometbft->newest) {
        cometbft->newest = light->height;
        cometbft->newest_time = light->time;
        cometbft->header_untold = true;
        cometbft_offences_header(cometbft->offences, light);
        sdk_positions_stale(&cometbft->positions);
    }
    cometbft_pump(cometbft);
}

static void header_known(void *context, const struct cometbft_light *light, const char *text)
{
    (void)text;
    if (light)
        say_header(context, light);
}

void cometbft_pump(struct cometbft *cometbft)
{
    if (connector_is_full(cometbft->connector) || cometbft->stopped || !cometbft->newest)
        return;
    if (cometbft
            ->header_untold) /* it was fetched a moment ago: the answer comes at once, and before everything that needs it */
        cometbft_lights_want(cometbft->lights, cometbft->newest, header_known, cometbft);
    if (connector_is_full(cometbft->connector))
        return;
    sdk_watches_pump(&cometbft->watches);
    sdk_positions_pump(&cometbft->positions);
    cometbft_submissions_pump(cometbft->submissions);
    cometbft_offences_look(cometbft->offences);
}

/* ---- the newest height ---------------------------------------------------------------------------------------------------- */

static void status_told(void *context, const struct sdk_rpc_answer *answer)
{
    struct cometbft *cometbft = context;
    int64_t height = 0;
    if (answer->status != SDK_RPC_OK || answer->replies[0].is_error) {
        cometbft->looking = false;
        return;
    }
    const struct sdk_json *sync = sdk_json_member(answer->replies[0].result, "sync_info");
    const struct sdk_json *info = sdk_json_member(answer->replies[0].result, "node_info");
    const char *chain_id = sdk_json_text(sdk_json_member(info, "network"));
    if (chain_id && strcmp(chain_id, cometbft->options.chain_id) != 0) {
        connector_log(cometbft->connector, "the node serves another chain now: %.100s", chain_id);
        connector_exit(cometbft->connector, 1); /* configuring anew says whether it goes on doing so */
    } else if (!sdk_json_decimal(&height, sdk_json_member(sync, "latest_block_height")) || height < 0) {
        cometbft->looking = false;
        sdk_notice_nonsense(&cometbft->notices, "status: no latest_block_height");
    } else if ((uint64_t)height > cometbft->newest) {
        cometbft_lights_want(cometbft->lights, (uint64_t)height, newest_fetched, cometbft);
    } else { /* nothing new, or a node that lost blocks: it will have them again */
        cometbft->looking = false;
        cometbft_pump(cometbft);
    }
}

static void look(struct cometbft *cometbft)
{
    struct sdk_rpc_request request;
    if (cometbft->looking)
        return;
    cometbft->looking = true;
    sdk_rpc_begin(&request);
    sdk_rpc_add(&request, "status", "{}");
    sdk_rpc_send(cometbft->rpc, &request, status_told, cometbft);
}

static void poll(void *context)
{
    struct cometbft *cometbft = context;
    const bool live = cometbft->ws && sdk_ws_is_live(cometbft->ws);
    sdk_timer_set(cometbft->loop, &cometbft->poll, cometbft->options.endpoint.poll_ms * (live ? LIVE_FACTOR : 1));
    if (cometbft->stopped)
        return;
    look(cometbft);
    sdk_positions_look(&cometbft->positions);
    cometbft_pump(cometbft);
}

static enum sdk_ws_word hear(const struct sdk_json *message)
{
    const struct sdk_json *result = sdk_json_member(message, "result");
    if (!result || !sdk_json_is_null(sdk_json_member(message, "error")))
        return SDK_WS_NONSENSE; /* also when the node ends a subscription of one who reads too slowly */
    return sdk_json_is_null(sdk_json_member(result, "query")) ? SDK_WS_CONFIRMED : SDK_WS_NEWS;
}

static void news(void *context)
{
    struct cometbft *cometbft = context;
    if (cometbft->configured)
        sdk_timer_hasten(cometbft->loop, &cometbft->poll, 0);
}

static void ws_state(void *context, bool up, const char *text)
{
    struct cometbft *cometbft = context;
    connector_log(cometbft->connector, up ? "news over WebSocket%s" : "no news over WebSocket (%s): polling", text);
    news(cometbft);
}

/* ---- configuring ------------------------------------------------------------------------------------------------------------ */

static bool same(struct bytes identity, size_t at, const uint8_t want[32])
{
    return identity.len >= at + 32 && memcmp(identity.data + at, want, 32) == 0;
}

/* /identity of the ledger: network || chain || genesis || outbox || inbox || registry. */
static const char *disagreement(const struct cometbft_options *o, const char *chain_id, struct bytes identity)
{
    if (!chain_id || strcmp(chain_id, o->chain_id) != 0)
        return "chain: the node serves a chain of another id";
    if (identity.len != 192)
        return "http: the chain has no ledger of Isthmus, or no first block yet";
    if (!same(identity, 64, o->genesis))
        return "genesis: the chain's first block has another hash";
    if (!same(identity, 32, o->chain))
        return "chain: the ledger knows its chain by another identity";
    if (o->has_outbox && !same(identity, 96, o->outbox))
        return "outbox: the ledger's outbox is another account";
    if (o->has_inbox && !same(identity, 128, o->inbox))
        return "inbox: the ledger's inbox is another account";
    return NULL;
}

/* The answer about a key that every ledger's state has: is it kept where the network document says? True: told why not. */
static bool is_kept_elsewhere(const struct cometbft *cometbft, const struct sdk_json *response, struct sdk_arena *arena)
{
    const char *store = cometbft->options.store, *log = sdk_json_text(sdk_json_member(response, "log"));
    int64_t code = -1;
    struct bytes value = {NULL, 0};
    if (sdk_json_integer(&code, sdk_json_member(response, "code")) && code == 0 &&
        sdk_json_base64(&value, sdk_json_member(response, "value"), arena) && value.len > 0)
        return false;
    if (store[0])
        connector_configured(cometbft->connector, false,
                             "store: the chain has no store \"%s\" with a ledger of Isthmus in it%s%.100s", store,
                             log && log[0] ? ": " : "", log ? log : "");
    else
        connector_configured(cometbft->connector, false,
                             "store: the network document names none, but the chain's state is not one tree%s%.100s",
                             log && log[0] ? ": " : "", log ? log : "");
    return true;
}

static void chain_told(void *context, const struct sdk_rpc_answer *answer)
{
    struct cometbft *cometbft = context;
    const struct sdk_rpc_reply *said = answer->replies;
    if (answer->status != SDK_RPC_OK || said[0].is_error || said[1].is_error || said[2].is_error) {
        for (size_t i = 0; answer->status == SDK_RPC_OK && i < 3; i++)
            if (said[i].is_error)
                sdk_notice_nonsense(&cometbft->notices, said[i].message);
        sdk_timer_set(cometbft->loop, &cometbft->poll, cometbft->options.endpoint.poll_ms); /* ask until it is there */
        return;
    }
    struct bytes identity = {NULL, 0};
    const struct sdk_json *info = sdk_json_member(said[0].result, "node_info");
    const struct sdk_json *response = sdk_json_member(said[1].result, "response");
    sdk_json_base64(&identity, sdk_json_member(response, "value"), answer->arena);
    const char *wrong = disagreement(&cometbft->options, sdk_json_text(sdk_json_member(info, "network")), identity);
    if (wrong) {
        connector_configured(cometbft->connector, false, "%s", wrong);
        return;
    }
    if (is_kept_elsewhere(cometbft, sdk_json_member(said[2].result, "response"), answer->arena))
        return;
    cometbft->configured = true;
    cometbft->poll.fire = poll;
    connector_configured(cometbft->connector, true, "cosmos:%s", cometbft->options.chain_id);
    poll(cometbft);
}

static void ask_chain(void *context)
{
    struct cometbft *cometbft = context;
    struct sdk_rpc_request request;
    sdk_rpc_begin(&request);
    sdk_rpc_add(&request, "status", "{}");
    sdk_rpc_add(&request, "abci_query", "{\"path\":\"/identity\",\"data\":\"\",\"height\":\"0\",\"prove\":false}");
    sdk_rpc_add(&request, "abci_query", "{\"path\":\"%s\",\"data\":\"%s\",\"height\":\"0\",\"prove\":false}",
                cometbft->options.path, IDENTITY);
    sdk_rpc_send(cometbft->rpc, &request, chain_told, cometbft);
}

static bool begin(struct cometbft *cometbft)
{
    static const char *const requests[] = {
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"subscribe\",\"params\":{\"query\":\"tm.event='NewBlockHeader'\"}}"};
    const struct sdk_endpoint *o = &cometbft->options.endpoint;
    const struct sdk_rpc_config rpc = {.loop = cometbft->loop,
                                       .url = o->http,
                                       .max_response = o->max_response,
                                       .timeout_ms = (uint32_t)o->timeout_ms,
                                       .errors_as_500 = true,
                                       .health = sdk_notice_health,
                                       .context = &cometbft->notices};
    const struct sdk_ws_config ws = {cometbft->loop, o->ws, requests, 1, hear, news, ws_state, cometbft};
    cometbft->rpc = sdk_rpc_new(&rpc);
    cometbft->lights = cometbft_lights_new(cometbft);
    sdk_notices_init(&cometbft->notices, cometbft->connector);
    cometbft_watches_init(cometbft);
    cometbft_positions_init(cometbft);
    cometbft->results = COMETBFT_BATCH_MAX;
    cometbft->submissions = cometbft_submissions_new(cometbft);
    cometbft->offences = cometbft_offences_new(cometbft);
    if (o->ws[0])
        cometbft->ws = sdk_ws_new(&ws);
    return cometbft->rpc && cometbft->lights && cometbft->submissions && cometbft->offences &&
           (!o->ws[0] || cometbft->ws);
}

static void configure(void *context, const struct connector_configure *message)
{
    struct cometbft *cometbft = context;
    char text[CODEC_CONNECTOR_TEXT_MAX];
    if (!cometbft_options_read(&cometbft->options, message, text, sizeof text)) {
        connector_configured(cometbft->connector, false, "%s", text);
    } else if (!begin(cometbft)) {
        connector_configured(cometbft->connector, false, "no memory, or ws is not ws://host[:port][/path]");
    } else {
        cometbft->poll.fire = ask_chain;
        cometbft->poll.context = cometbft;
        ask_chain(cometbft);
    }
}

/* ---- the relay's other messages ------------------------------------------------------------------------------------------------ */

static void submit(void *context, const struct connector_submit *message)
{
    cometbft_submissions_submit(((struct cometbft *)context)->submissions, message);
}

static void ask_result(void *context, const struct connector_ask_result *message)
{
    cometbft_submissions_ask(((struct cometbft *)context)->submissions, message->key);
}

struct asked_header {
    struct cometbft *cometbft;
    uint64_t height;
};

static void header_told(void *context, const struct cometbft_light *light, const char *text)
{
    struct asked_header *asked = context;
    if (light && !asked->cometbft->stopped)
        say_header(asked->cometbft, light);
    else
        connector_cannot_height(asked->cometbft->connector, asked->height, text);
    free(asked);
}

static void ask_header(void *context, const struct connector_ask_header *message)
{
    struct cometbft *cometbft = context;
    struct asked_header *asked = NULL;
    const bool there = message->height <= cometbft->newest && !cometbft->stopped;
    if (!there && cometbft->configured && !cometbft->stopped) /* a block that others have may be here by now */
        sdk_timer_hasten(cometbft->loop, &cometbft->poll, 0);
    if (there && (asked = malloc(sizeof *asked))) {
        *asked = (struct asked_header){cometbft, message->height};
        cometbft_lights_want(cometbft->lights, message->height, header_told, asked);
    } else {
        connector_cannot_height(cometbft->connector, message->height,
                                there ? "no memory" : "not there yet, or finality was broken");
    }
}

static const char *state_text(const struct cometbft *cometbft)
{
    if (!cometbft->configured)
        return "not configured";
    if (cometbft->stopped)
        return "finality was broken: restart after looking into it";
    if (!cometbft->newest)
        return "no block read yet";
    return cometbft->ws && sdk_ws_is_live(cometbft->ws) ? "news over WebSocket" : "polling";
}

static void status(void *context)
{
    struct cometbft *cometbft = context;
    const struct connector_message message = {
        .type = CONNECTOR_STATUS,
        .status = {cometbft->newest, cometbft->newest, cometbft->newest_time, codec_connector_text(""),
                   codec_connector_text(state_text(cometbft))},
    };
    connector_send(cometbft->connector, &message);
}

static void drained(void *context)
{
    struct cometbft *cometbft = context;
    if (cometbft->configured)
        cometbft_pump(cometbft);
}

/* ---- life --------------------------------------------------------------------------------------------------------------------- */

static void *start(struct connector *connector)
{
    struct cometbft *cometbft = calloc(1, sizeof *cometbft);
    if (cometbft) {
        cometbft->connector = connector;
        cometbft->loop = connector_loop(connector);
        connector_serves(connector, &cometbft->watches, &cometbft->positions);
    }
    return cometbft;
}

static void stop(void *context)
{
    struct cometbft *cometbft = context;
    sdk_rpc_free(cometbft->rpc); /* first: those who wait for an answer still look at the others */
    sdk_ws_free(cometbft->ws);
    sdk_watches_fini(&cometbft->watches);
    sdk_positions_fini(&cometbft->positions);
    cometbft_submissions_free(cometbft->submissions);
    cometbft_offences_free(cometbft->offences);
    cometbft_lights_free(cometbft->lights);
    cometbft_options_wipe(&cometbft->options);
    free(cometbft);
}

int main(int argc, char **argv)
{
    static const char *const families[] = {"cosmos", NULL};
    static const struct connector_ops ops = {
        .name = "cometbft",
        .version = "0.1.0",
        .families = families,
        .ics23 = true,
        .offences = true,
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
