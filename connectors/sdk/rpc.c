/*
 * JSON-RPC by libcurl (rpc.h).
 */
#include "connectors/sdk/rpc.h"

#include <curl/curl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "proofs/codec/hex.h"

enum { BACKOFF_MIN_MS = 100, BACKOFF_MAX_MS = 10000, CONNECT_TIMEOUT_MS = 5000 };

struct exchange {
    struct sdk_rpc *rpc;
    struct exchange *next;
    CURL *easy;
    char *request;
    size_t calls;
    uint8_t *body;
    size_t len, cap;
    bool too_large, failed_at_once;
    char error[CURL_ERROR_SIZE];
    void (*done)(void *context, const struct sdk_rpc_answer *answer);
    void *context;
};

struct sdk_rpc {
    struct sdk_rpc_config config;
    char *url;
    CURLM *multi;
    struct curl_slist *headers;
    struct exchange *exchanges; /* under way */
    size_t busy;
    struct sdk_timer curl_timer, fail_timer;
    bool down;
    unsigned failures;
    uint64_t usable_at;
    unsigned seed;
};

/* ---- requests ------------------------------------------------------------------------------------------------------- */

void sdk_rpc_begin(struct sdk_rpc_request *request)
{
    *request = (struct sdk_rpc_request){0};
    request->stream = open_memstream(&request->body, &request->len);
    if (request->stream)
        fputc('[', request->stream);
}

void sdk_rpc_open_call(struct sdk_rpc_request *request, const char *method)
{
    if (!request->stream)
        return;
    fprintf(request->stream,
            "%s{\"jsonrpc\":\"2.0\",\"id\":%zu,\"method\":\"%s\",\"params\":", request->calls ? "," : "",
            request->calls, method);
    request->calls++;
}

void sdk_rpc_close_call(struct sdk_rpc_request *request)
{
    if (request->stream)
        fputc('}', request->stream);
}

void sdk_rpc_add(struct sdk_rpc_request *request, const char *method, const char *params, ...)
{
    sdk_rpc_open_call(request, method);
    if (!request->stream)
        return;
    va_list args;
    va_start(args, params);
    vfprintf(request->stream, params, args);
    va_end(args);
    sdk_rpc_close_call(request);
}

void sdk_rpc_add_hex(FILE *stream, const uint8_t *data, size_t len)
{
    char text[2 * 256 + 1];
    if (!stream)
        return;
    fputs("0x", stream);
    for (size_t at = 0; at < len; at += 256) {
        codec_hex_encode(text, (struct bytes){data + at, len - at < 256 ? len - at : 256});
        fputs(text, stream);
    }
}

/* ---- health ---------------------------------------------------------------------------------------------------------- */

static void went_well(struct sdk_rpc *rpc)
{
    rpc->failures = 0;
    rpc->usable_at = 0;
    if (rpc->down) {
        rpc->down = false;
        rpc->config.health(rpc->config.context, true, "");
    }
}

static void went_wrong(struct sdk_rpc *rpc, const char *text)
{
    uint64_t wait = (uint64_t)BACKOFF_MIN_MS << (rpc->failures < 8 ? rpc->failures : 8);
    if (wait > BACKOFF_MAX_MS)
        wait = BACKOFF_MAX_MS;
    rpc->failures++;
    rpc->usable_at = sdk_loop_now(rpc->config.loop) + wait / 2 + (uint64_t)rand_r(&rpc->seed) % (wait / 2 + 1);
    if (!rpc->down) {
        rpc->down = true;
        rpc->config.health(rpc->config.context, false, text);
    }
}

bool sdk_rpc_usable(const struct sdk_rpc *rpc)
{
    return sdk_loop_now(rpc->config.loop) >= rpc->usable_at;
}

/* ---- answers --------------------------------------------------------------------------------------------------------- */

static bool read_reply(struct sdk_rpc_reply *replies, size_t count, const struct sdk_json *value)
{
    int64_t id;
    if (!sdk_json_integer(&id, sdk_json_member(value, "id")) || id < 0 || (uint64_t)id >= count)
        return false;
    struct sdk_rpc_reply *reply = &replies[id];
    const struct sdk_json *error = sdk_json_member(value, "error");
    if (reply->message) /* told twice */
        return false;
    reply->message = "";
    reply->result = sdk_json_member(value, "result");
    if (!sdk_json_is_null(error)) {
        reply->is_error = true;
        reply->result = NULL;
        sdk_json_integer(&reply->code, sdk_json_member(error, "code"));
        const char *message = sdk_json_text(sdk_json_member(error, "message"));
        reply->message = message ? message : "error without a message";
        reply->data = sdk_json_member(error, "data");
    }
    return reply->is_error || reply->result;
}

/* Every call has exactly one answer. A node may answer a batch that it refuses with one error for all. */
static bool read_replies(struct sdk_rpc_reply *replies, size_t count, const struct sdk_json *root)
{
    if (!sdk_json_is_array(root)) {
        if (count == 1)
            return read_reply(replies, count, root);
        return false;
    }
    if (sdk_json_length(root) != count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!read_reply(replies, count, sdk_json_element(root, i)))
            return false;
    return true;
}

static void answer_with(struct exchange *exchange, enum sdk_rpc_status status, const char *text,
                        const struct sdk_rpc_reply *replies, struct sdk_arena *arena)
{
    const struct sdk_rpc_answer answer = {status, text, replies, status == SDK_RPC_OK ? exchange->calls : 0, arena};
    exchange->done(exchange->context, &answer);
}

/* A node that refuses the whole request says why. */
static void tell_refusal(char *text, size_t cap, const struct sdk_json *root, size_t calls)
{
    const char *message = sdk_json_text(sdk_json_member(sdk_json_member(root, "error"), "message"));
    if (message)
        snprintf(text, cap, "a request of %zu calls is refused: %.100s", calls, message);
}

static void answer_body(struct exchange *exchange)
{
    char text[160] = "the answer does not belong to the question";
    const struct bytes body = {exchange->body, exchange->len};
    if (sdk_json_is_crowded(body)) {
        snprintf(text, sizeof text, "an answer of more than %d values", SDK_JSON_VALUES_MAX);
        answer_with(exchange, SDK_RPC_TOO_LARGE, text, NULL, NULL);
        return;
    }
    struct sdk_arena arena = {0};
    struct sdk_rpc_reply *replies = sdk_arena_take(&arena, exchange->calls, sizeof *replies);
    struct sdk_json *root = sdk_json_parse(body, text, sizeof text);
    if (replies && root && read_replies(replies, exchange->calls, root)) {
        went_well(exchange->rpc);
        answer_with(exchange, SDK_RPC_OK, "", replies, &arena);
    } else {
        tell_refusal(text, sizeof text, root, exchange->calls);
        went_wrong(exchange->rpc, text);
        answer_with(exchange, SDK_RPC_NONSENSE, text, NULL, &arena);
    }
    sdk_json_free(root);
    sdk_arena_fini(&arena);
}

static void exchange_free(struct exchange *exchange)
{
    struct sdk_rpc *rpc = exchange->rpc;
    struct exchange **link = &rpc->exchanges;
    while (*link != exchange)
        link = &(*link)->next;
    *link = exchange->next;
    rpc->busy--;
    if (exchange->easy) {
        curl_multi_remove_handle(rpc->multi, exchange->easy);
        curl_easy_cleanup(exchange->easy);
    }
    free(exchange->request);
    free(exchange->body);
    free(exchange);
}

static void exchange_done(struct exchange *exchange, CURLcode code)
{
    struct sdk_rpc *rpc = exchange->rpc;
    long http = 0;
    curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &http);
    char text[CURL_ERROR_SIZE + 64];
    if (exchange->too_large) {
        snprintf(text, sizeof text, "an answer of more than %zu bytes", rpc->config.max_response);
        answer_with(exchange, SDK_RPC_TOO_LARGE, text, NULL, NULL);
    } else if (code != CURLE_OK) {
        snprintf(text, sizeof text, "%s", exchange->error[0] ? exchange->error : curl_easy_strerror(code));
        went_wrong(rpc, text);
        answer_with(exchange, SDK_RPC_UNREACHABLE, text, NULL, NULL);
    } else if (http != 200 && !(http == 500 && rpc->config.errors_as_500)) {
        snprintf(text, sizeof text, "HTTP status %ld", http);
        went_wrong(rpc, text);
        answer_with(exchange, SDK_RPC_UNREACHABLE, text, NULL, NULL);
    } else {
        answer_body(exchange);
    }
    exchange_free(exchange);
}

/* ---- libcurl and the loop ---------------------------------------------------------------------------------------------- */

static void collect(struct sdk_rpc *rpc)
{
    int left = 0;
    for (CURLMsg *msg; (msg = curl_multi_info_read(rpc->multi, &left));) {
        if (msg->msg != CURLMSG_DONE)
            continue;
        struct exchange *exchange = NULL;
        const CURLcode code = msg->data.result;
        curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&exchange);
        exchange_done(exchange, code);
    }
}

static void socket_ready(void *context, int fd, short revents)
{
    struct sdk_rpc *rpc = context;
    int mask = 0, running = 0;
    if (revents & POLLIN)
        mask |= CURL_CSELECT_IN;
    if (revents & POLLOUT)
        mask |= CURL_CSELECT_OUT;
    if (revents & (POLLERR | POLLHUP | POLLNVAL))
        mask |= CURL_CSELECT_ERR;
    curl_multi_socket_action(rpc->multi, fd, mask, &running);
    collect(rpc);
}

static void timer_fired(void *context)
{
    struct sdk_rpc *rpc = context;
    int running = 0;
    curl_multi_socket_action(rpc->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    collect(rpc);
}

static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *unused)
{
    struct sdk_rpc *rpc = context;
    (void)easy;
    (void)unused;
    short events = 0;
    if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
        events |= POLLIN;
    if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
        events |= POLLOUT;
    return sdk_loop_watch(rpc->config.loop, fd, events, socket_ready, rpc) ? 0 : -1;
}

static int set_timer(CURLM *multi, long ms, void *context)
{
    struct sdk_rpc *rpc = context;
    (void)multi;
    if (ms < 0)
        sdk_timer_clear(rpc->config.loop, &rpc->curl_timer);
    else
        sdk_timer_set(rpc->config.loop, &rpc->curl_timer, (uint64_t)ms);
    return 0;
}

static size_t take_body(char *data, size_t size, size_t count, void *context)
{
    struct exchange *exchange = context;
    const size_t more = size * count;
    if (more > exchange->rpc->config.max_response - exchange->len) {
        exchange->too_large = true;
        return 0;
    }
    if (exchange->len + more > exchange->cap) {
        size_t cap = exchange->cap ? exchange->cap : 8192;
        while (cap < exchange->len + more)
            cap *= 2;
        uint8_t *grown = realloc(exchange->body, cap);
        if (!grown)
            return 0;
        exchange->body = grown;
        exchange->cap = cap;
    }
    memcpy(exchange->body + exchange->len, data, more);
    exchange->len += more;
    return more;
}

static bool exchange_start(struct exchange *exchange, size_t len)
{
    struct sdk_rpc *rpc = exchange->rpc;
    CURL *easy = exchange->easy = curl_easy_init();
    if (!easy)
        return false;
    curl_easy_setopt(easy, CURLOPT_URL, rpc->url);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, rpc->headers);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, exchange->request);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, exchange);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange->error);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)rpc->config.timeout_ms);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* nothing from the environment decides whom a relay believes */
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
    return curl_multi_add_handle(rpc->multi, easy) == CURLM_OK;
}

/* Requests that could not begin are answered from the loop, so that no caller hears back before it has sent. */
static void fail_those(void *context)
{
    struct sdk_rpc *rpc = context;
    for (;;) {
        struct exchange *exchange = rpc->exchanges;
        while (exchange && !exchange->failed_at_once)
            exchange = exchange->next;
        if (!exchange)
            return;
        answer_with(exchange, SDK_RPC_UNREACHABLE, "the endpoint is left alone for a moment", NULL, NULL);
        exchange_free(exchange);
    }
}

void sdk_rpc_send(struct sdk_rpc *rpc, struct sdk_rpc_request *request,
                  void (*done)(void *context, const struct sdk_rpc_answer *answer), void *context)
{
    bool good = request->stream && request->calls > 0 && request->calls <= SDK_RPC_CALLS_MAX;
    if (request->stream) {
        fputc(']', request->stream);
        good = fclose(request->stream) == 0 && good;
    }
    struct exchange *exchange = calloc(1, sizeof *exchange);
    if (!exchange)
        abort(); /* a caller that never hears back would wait forever */
    *exchange = (struct exchange){.rpc = rpc, .calls = request->calls, .done = done, .context = context};
    exchange->request = request->body;
    size_t len = request->len;
    if (good && request->calls == 1) { /* one call needs no array: some endpoints do not take batches */
        memmove(request->body, request->body + 1, len - 2);
        len -= 2;
    }
    exchange->next = rpc->exchanges;
    rpc->exchanges = exchange;
    rpc->busy++;
    if (!good || rpc->busy > SDK_RPC_REQUESTS_MAX || !sdk_rpc_usable(rpc) || !exchange_start(exchange, len)) {
        exchange->failed_at_once = true;
        sdk_timer_hasten(rpc->config.loop, &rpc->fail_timer, 0);
    }
}

struct sdk_rpc *sdk_rpc_new(const struct sdk_rpc_config *config)
{
    struct sdk_rpc *rpc = calloc(1, sizeof *rpc);
    if (!rpc || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(rpc);
        return NULL;
    }
    rpc->config = *config;
    rpc->url = strdup(config->url);
    rpc->multi = curl_multi_init();
    rpc->headers = curl_slist_append(NULL, "Content-Type: application/json");
    rpc->seed = (unsigned)sdk_loop_now(config->loop) ^ (unsigned)(uintptr_t)rpc;
    rpc->curl_timer.fire = timer_fired;
    rpc->curl_timer.context = rpc;
    rpc->fail_timer.fire = fail_those;
    rpc->fail_timer.context = rpc;
    if (!rpc->url || !rpc->multi || !rpc->headers) {
        sdk_rpc_free(rpc);
        return NULL;
    }
    curl_multi_setopt(rpc->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
    curl_multi_setopt(rpc->multi, CURLMOPT_SOCKETDATA, rpc);
    curl_multi_setopt(rpc->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(rpc->multi, CURLMOPT_TIMERDATA, rpc);
    curl_multi_setopt(rpc->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, 8L);
    return rpc;
}

void sdk_rpc_free(struct sdk_rpc *rpc)
{
    if (!rpc)
        return;
    rpc->usable_at = UINT64_MAX; /* nothing is begun any more */
    while (rpc->exchanges) {
        struct exchange *exchange = rpc->exchanges;
        answer_with(exchange, SDK_RPC_UNREACHABLE, "the connector ends", NULL, NULL);
        exchange_free(exchange);
    }
    curl_multi_cleanup(rpc->multi);
    curl_slist_free_all(rpc->headers);
    sdk_timer_clear(rpc->config.loop, &rpc->curl_timer);
    sdk_timer_clear(rpc->config.loop, &rpc->fail_timer);
    free(rpc->url);
    free(rpc);
    curl_global_cleanup();
}
