/*
 * News over WebSocket by wslay (ws.h): connecting, shaking hands, subscribing, beginning again after a loss.
 */
#include "connectors/sdk/ws.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>
#include <wslay/wslay.h>

#include "connectors/sdk/json.h"

enum {
    HANDSHAKE_MAX = 4096,
    MESSAGE_MAX = 4 << 20,
    PIECES_MAX = 8192, /* frames of one message: nodes cut theirs at 1 KiB and more, and each takes memory of its own */
    LIVE_MS = 60000,
    ATTEMPT_MS = 5000, /* for connecting and shaking hands */
    RETRY_MIN_MS = 500,
    RETRY_MAX_MS = 30000,
    TURN_BYTES = 1 << 18, /* read in one turn of the loop: who sends without end stops nothing else */
    QUEUE_MAX = 64,       /* answers to pings that the node does not read */
};

enum phase { PHASE_IDLE, PHASE_CONNECTING, PHASE_SHAKING, PHASE_OPEN };

struct sdk_ws {
    struct sdk_ws_config config;
    char *url, *host, *port, *path;
    int fd;
    enum phase phase;
    char key[25];
    char buffer[HANDSHAKE_MAX + 1]; /* the handshake, and what came right after it */
    size_t fill, taken;
    size_t request_at, request_len;
    char request[1024];
    wslay_event_context_ptr wslay;
    unsigned confirmed; /* subscriptions that the node took */
    size_t turn;        /* bytes that may still be read in this turn */
    size_t pieces;      /* frames of the message that is being read, but the first */
    uint64_t heard;
    unsigned failures;
    bool up, lost;
    const char *why;
    struct sdk_timer timer;
};

/* ---- the loop and the life of a connection -------------------------------------------------------------------------------- */

static void ready(void *context, int fd, short revents);

static void lose(struct sdk_ws *ws, const char *why)
{
    if (ws->fd >= 0) {
        sdk_loop_watch(ws->config.loop, ws->fd, 0, NULL, NULL);
        close(ws->fd);
        ws->fd = -1;
    }
    if (ws->wslay)
        wslay_event_context_free(ws->wslay);
    ws->wslay = NULL;
    ws->phase = PHASE_IDLE;
    ws->confirmed = 0;
    ws->lost = false;
    uint64_t wait = (uint64_t)RETRY_MIN_MS << (ws->failures < 6 ? ws->failures : 6);
    sdk_timer_set(ws->config.loop, &ws->timer, wait < RETRY_MAX_MS ? wait : RETRY_MAX_MS);
    ws->failures++;
    if (ws->up || ws->failures == 1) {
        ws->up = false;
        ws->config.state(ws->config.context, false, why);
    }
}

static void watch(struct sdk_ws *ws)
{
    short events = POLLIN;
    if (ws->phase == PHASE_CONNECTING || (ws->phase == PHASE_SHAKING && ws->request_at < ws->request_len) ||
        (ws->phase == PHASE_OPEN && wslay_event_want_write(ws->wslay)))
        events |= POLLOUT;
    if (!sdk_loop_watch(ws->config.loop, ws->fd, events, ready, ws))
        lose(ws, "too many descriptors");
}

/* ---- wslay ------------------------------------------------------------------------------------------------------------------ */

static ssize_t recv_bytes(wslay_event_context_ptr wslay, uint8_t *data, size_t len, int flags, void *context)
{
    struct sdk_ws *ws = context;
    (void)flags;
    if (ws->lost) {
        wslay_event_set_error(wslay, WSLAY_ERR_CALLBACK_FAILURE);
        return -1;
    }
    if (ws->taken < ws->fill) {
        const size_t n = len < ws->fill - ws->taken ? len : ws->fill - ws->taken;
        memcpy(data, ws->buffer + ws->taken, n);
        ws->taken += n;
        return (ssize_t)n;
    }
    const ssize_t n = ws->turn ? recv(ws->fd, data, len < ws->turn ? len : ws->turn, 0) : -1;
    if (n > 0) {
        ws->turn -= (size_t)n;
        return n;
    }
    const bool later = ws->turn == 0 || (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR));
    wslay_event_set_error(wslay, later ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

static ssize_t send_bytes(wslay_event_context_ptr wslay, const uint8_t *data, size_t len, int flags, void *context)
{
    struct sdk_ws *ws = context;
    (void)flags;
    const ssize_t n = send(ws->fd, data, len, MSG_NOSIGNAL);
    if (n >= 0)
        return n;
    const bool later = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
    wslay_event_set_error(wslay, later ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

static int make_mask(wslay_event_context_ptr wslay, uint8_t *out, size_t len, void *context)
{
    (void)wslay;
    (void)context;
    return getrandom(out, len, 0) == (ssize_t)len ? 0 : -1;
}

static void take_piece(wslay_event_context_ptr wslay, const struct wslay_event_on_frame_recv_start_arg *arg,
                       void *context)
{
    struct sdk_ws *ws = context;
    (void)wslay;
    if (wslay_is_ctrl_frame(arg->opcode))
        return;
    ws->pieces = arg->opcode == WSLAY_CONTINUATION_FRAME ? ws->pieces + 1 : 0;
    ws->lost = ws->lost || ws->pieces > PIECES_MAX;
}

static void take_message(wslay_event_context_ptr wslay, const struct wslay_event_on_msg_recv_arg *arg, void *context)
{
    struct sdk_ws *ws = context;
    char text[160];
    (void)wslay;
    if (wslay_is_ctrl_frame(arg->opcode)) {
        ws->lost = ws->lost || arg->opcode == WSLAY_CONNECTION_CLOSE;
        return;
    }
    struct sdk_json *root = sdk_json_parse((struct bytes){arg->msg, arg->msg_length}, text, sizeof text);
    const enum sdk_ws_word word = root ? ws->config.hear(root) : SDK_WS_NONSENSE;
    ws->heard = word == SDK_WS_NONSENSE ? ws->heard : sdk_loop_now(ws->config.loop);
    switch (word) {
    case SDK_WS_NONSENSE: ws->lost = true; break; /* nothing to be had here */
    case SDK_WS_NEWS: ws->config.news(ws->config.context); break;
    case SDK_WS_CONFIRMED:
        ws->failures = 0;
        if (++ws->confirmed == ws->config.requests_len && !ws->up) {
            ws->up = true;
            ws->config.state(ws->config.context, true, "");
        }
        break;
    }
    sdk_json_free(root);
}

static void open_up(struct sdk_ws *ws)
{
    const struct wslay_event_callbacks callbacks = {.recv_callback = recv_bytes,
                                                    .send_callback = send_bytes,
                                                    .genmask_callback = make_mask,
                                                    .on_frame_recv_start_callback = take_piece,
                                                    .on_msg_recv_callback = take_message};
    if (wslay_event_context_client_init(&ws->wslay, &callbacks, ws) != 0) {
        ws->wslay = NULL;
        lose(ws, "no memory");
        return;
    }
    wslay_event_config_set_max_recv_msg_length(ws->wslay, MESSAGE_MAX);
    for (size_t i = 0; i < ws->config.requests_len; i++) {
        const char *request = ws->config.requests[i];
        const struct wslay_event_msg msg = {WSLAY_TEXT_FRAME, (const uint8_t *)request, strlen(request)};
        wslay_event_queue_msg(ws->wslay, &msg);
    }
    sdk_timer_clear(ws->config.loop, &ws->timer);
    ws->phase = PHASE_OPEN;
}

/* ---- connecting and shaking hands --------------------------------------------------------------------------------------------- */

static void base64(char *out, const uint8_t *data, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < len; i += 3) {
        const unsigned b1 = i + 1 < len ? data[i + 1] : 0, b2 = i + 2 < len ? data[i + 2] : 0;
        *out++ = digits[data[i] >> 2];
        *out++ = digits[(data[i] & 3) << 4 | b1 >> 4];
        *out++ = i + 1 < len ? digits[(b1 & 15) << 2 | b2 >> 6] : '=';
        *out++ = i + 2 < len ? digits[b2 & 63] : '=';
    }
    *out = '\0';
}

static uint32_t rotate(uint32_t value, unsigned bits)
{
    return value << bits | value >> (32 - bits);
}

static void sha1_block(uint32_t h[5], const uint8_t block[64])
{
    uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
    for (size_t i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 | (uint32_t)block[4 * i + 2] << 8 |
               block[4 * i + 3];
    for (size_t i = 16; i < 80; i++)
        w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    for (size_t i = 0; i < 80; i++) {
        uint32_t f = b ^ c ^ d, k = i < 40 ? 0x6ed9eba1 : 0xca62c1d6;
        if (i < 20) {
            f = (b & c) | (~b & d);
            k = 0x5a827999;
        } else if (i >= 40 && i < 60) {
            f = (b & c) | (b & d) | (c & d);
            k = 0x8f1bbcdc;
        }
        const uint32_t next = rotate(a, 5) + f + e + k + w[i];
        e = d;
        d = c;
        c = rotate(b, 30);
        b = a;
        a = next;
    }
    h[0] += a;
    h[1] += b;
    h[2] += c;
    h[3] += d;
    h[4] += e;
}

/* SHA-1 as RFC 6455 wants it: it guards nothing here, it only shows that the server speaks WebSocket. The text of 24 + 36
 * characters and its padding fill two blocks. */
void sdk_ws_accept(char out[29], const char *key)
{
    uint32_t h[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    uint8_t blocks[128] = {0}, digest[20];
    const size_t len = (size_t)snprintf((char *)blocks, 64, "%.24s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
    blocks[len] = 0x80;
    blocks[126] = (uint8_t)(len * 8 >> 8);
    blocks[127] = (uint8_t)(len * 8);
    sha1_block(h, blocks);
    sha1_block(h, blocks + 64);
    for (size_t i = 0; i < 20; i++)
        digest[i] = (uint8_t)(h[i / 4] >> (24 - 8 * (i % 4)));
    base64(out, digest, sizeof digest);
}

static void begin(struct sdk_ws *ws)
{
    uint8_t random[16];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) {
        lose(ws, "no random bytes");
        return;
    }
    base64(ws->key, random, sizeof random);
    const int len = snprintf(ws->request, sizeof ws->request,
                             "GET %s HTTP/1.1\r\nHost: %s:%s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                             "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n\r\n",
                             ws->path, ws->host, ws->port, ws->key);
    ws->request_at = ws->fill = ws->taken = 0;
    ws->request_len = (size_t)len < sizeof ws->request ? (size_t)len : 0;
    ws->phase = PHASE_SHAKING;
}

/* True when the whole answer is there; ws->why is set when it is not a welcome. */
static bool shaken(struct sdk_ws *ws)
{
    char accept[29];
    ws->buffer[ws->fill] = '\0';
    char *end = strstr(ws->buffer, "\r\n\r\n");
    if (!end) {
        ws->why = ws->fill == HANDSHAKE_MAX ? "handshake: an endless answer" : NULL;
        return ws->why != NULL;
    }
    *end = '\0';
    sdk_ws_accept(accept, ws->key);
    const char *field = strcasestr(ws->buffer, "\r\nsec-websocket-accept:");
    const char *value = field ? strchr(field, ':') + 1 : "";
    while (*value == ' ')
        value++;
    const bool good = strncmp(ws->buffer, "HTTP/1.1 101", 12) == 0 && strncmp(value, accept, 28) == 0;
    ws->why = good ? NULL : "handshake: the server does not switch to WebSocket";
    ws->taken = (size_t)(end + 4 - ws->buffer);
    return true;
}

static void shake(struct sdk_ws *ws, short revents)
{
    if (revents & POLLOUT && ws->request_at < ws->request_len) {
        const ssize_t n = send(ws->fd, ws->request + ws->request_at, ws->request_len - ws->request_at, MSG_NOSIGNAL);
        if (n > 0)
            ws->request_at += (size_t)n;
    }
    if (revents & (POLLIN | POLLHUP | POLLERR)) {
        const ssize_t n = recv(ws->fd, ws->buffer + ws->fill, HANDSHAKE_MAX - ws->fill, 0);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
            lose(ws, "handshake: connection closed");
            return;
        }
        ws->fill += n > 0 ? (size_t)n : 0;
        if (!shaken(ws))
            return;
        if (ws->why)
            lose(ws, ws->why);
        else
            open_up(ws);
    }
}

static void ready(void *context, int fd, short revents)
{
    struct sdk_ws *ws = context;
    if (ws->phase == PHASE_CONNECTING) {
        int error = 0;
        socklen_t len = sizeof error;
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 || error) {
            lose(ws, strerror(error));
            return;
        }
        begin(ws);
    }
    if (ws->phase == PHASE_SHAKING)
        shake(ws, revents);
    if (ws->phase == PHASE_OPEN) {
        ws->turn = TURN_BYTES;
        const bool bad = (wslay_event_want_read(ws->wslay) && wslay_event_recv(ws->wslay) != 0) ||
                         (wslay_event_want_write(ws->wslay) && wslay_event_send(ws->wslay) != 0) ||
                         wslay_event_get_queued_msg_count(ws->wslay) > QUEUE_MAX;
        if (bad || ws->lost || (!wslay_event_want_read(ws->wslay) && !wslay_event_want_write(ws->wslay)))
            lose(ws, ws->lost ? "the node ended it, or took no subscription" : "connection lost");
    }
    if (ws->fd >= 0)
        watch(ws);
}

/* Names are looked up while the loop waits: name the node by address, or on this host, where that matters. */
static void connect_to(struct sdk_ws *ws)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    if (getaddrinfo(ws->host, ws->port, &hints, &list) != 0) {
        lose(ws, "the host has no address");
        return;
    }
    const int one = 1;
    ws->fd = socket(list->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const bool begun = ws->fd >= 0 && (connect(ws->fd, list->ai_addr, list->ai_addrlen) == 0 || errno == EINPROGRESS);
    freeaddrinfo(list);
    if (!begun) {
        lose(ws, strerror(errno));
        return;
    }
    setsockopt(ws->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    ws->phase = PHASE_CONNECTING;
    sdk_timer_set(ws->config.loop, &ws->timer, ATTEMPT_MS);
    watch(ws);
}

static void timer_fired(void *context)
{
    struct sdk_ws *ws = context;
    if (ws->phase == PHASE_IDLE)
        connect_to(ws);
    else
        lose(ws, "no answer in time");
}

/* ---- making one ------------------------------------------------------------------------------------------------------------------ */

/* ws://host[:port][/path]; an IPv6 address stands in brackets. */
static bool split(struct sdk_ws *ws)
{
    char *at = ws->url + strlen("ws://");
    if (strncmp(ws->url, "ws://", 5) != 0 || strlen(ws->url) > 600)
        return false;
    const char *slash = strchr(at, '/');
    ws->path = strdup(slash ? slash : "/");
    at[slash ? (size_t)(slash - at) : strlen(at)] = '\0';
    const bool bracket = *at == '[';
    char *end = bracket ? strchr(at, ']') : at + strcspn(at, ":");
    if (!end)
        return false;
    const char *colon = *end == ']' ? end + 1 : end;
    ws->port = strdup(*colon == ':' ? colon + 1 : "80");
    *end = '\0';
    ws->host = strdup(bracket ? at + 1 : at);
    return ws->path && ws->port && ws->host && ws->host[0];
}

struct sdk_ws *sdk_ws_new(const struct sdk_ws_config *config)
{
    struct sdk_ws *ws = calloc(1, sizeof *ws);
    if (!ws)
        return NULL;
    ws->config = *config;
    ws->fd = -1;
    ws->url = strdup(config->url);
    ws->timer.fire = timer_fired;
    ws->timer.context = ws;
    if (!ws->url || config->requests_len > SDK_WS_REQUESTS_MAX || !split(ws)) {
        sdk_ws_free(ws);
        return NULL;
    }
    sdk_timer_set(config->loop, &ws->timer, 0);
    return ws;
}

void sdk_ws_free(struct sdk_ws *ws)
{
    if (!ws)
        return;
    if (ws->fd >= 0) {
        sdk_loop_watch(ws->config.loop, ws->fd, 0, NULL, NULL);
        close(ws->fd);
    }
    if (ws->wslay)
        wslay_event_context_free(ws->wslay);
    sdk_timer_clear(ws->config.loop, &ws->timer);
    free(ws->url);
    free(ws->host);
    free(ws->port);
    free(ws->path);
    free(ws);
}

bool sdk_ws_is_live(const struct sdk_ws *ws)
{
    return ws->up && sdk_loop_now(ws->config.loop) - ws->heard < LIVE_MS;
}
