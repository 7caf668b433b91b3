/*
 * Any bytes to the server for monitors, over a real connection. An input is: where to cut (u16), then what the client sends,
 * in two pieces.
 *
 * What must hold besides memory, against a second reading of the request that was written for this test: it is answered
 * with exactly the status that it deserves, whole, and what is looked up is the path that stood there; what is no whole
 * request is not answered.
 */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "relay/edge/http.h"
#include "relay/edge/log.h"
#include "relay/edge/loop.h"

enum { ANSWER_MAX = 16 << 10, TURNS = 6 };

static struct edge_loop *loop;
static struct edge_http *http;
static struct edge_timer *timer;
static struct edge_watch *watch;
static char path[512]; /* what was looked up last */
static char said[ANSWER_MAX];
static size_t said_len;
static int client;
static bool ended;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        __builtin_trap();
}

static void look_up(void *context, const char *name, struct edge_http_answer *out)
{
    (void)context;
    snprintf(path, sizeof path, "%s", name);
    out->status = 200;
    out->body = strdup(name);
    out->len = strlen(name);
}

static void stop(void *context)
{
    edge_loop_stop(context, 0);
}

static void heard(void *context, bool readable, bool writable)
{
    (void)context, (void)readable, (void)writable;
    ssize_t got = recv(client, said + said_len, sizeof said - said_len, MSG_DONTWAIT);
    if (got > 0) {
        said_len += (size_t)got;
        return;
    }
    ended = true;
    edge_watch_set(watch, false, false);
}

static void begin(void)
{
    char why[256];
    if (loop != NULL)
        return;
    edge_log_level(RELAY_ALARM);
    loop = edge_loop_new();
    timer = edge_timer_new(loop, stop, loop);
    http = edge_http_new(&(struct edge_http_options){.loop = loop, .listen = "127.0.0.1:0", .answer = look_up}, why,
                         sizeof why);
    require(http != NULL && timer != NULL);
}

static void turn(size_t times)
{
    for (size_t i = 0; i < times && !ended; i++) {
        edge_timer_set(timer, 0);
        edge_loop_run(loop);
    }
}

/* Without a place in the kernel's list of old connections: there are only so many. */
static void dial(void)
{
    const struct linger none = {.l_onoff = 1};
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    to.sin_port = htons((uint16_t)strtoul(strrchr(edge_http_address(http), ':') + 1, NULL, 10));
    client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    require(client >= 0 && connect(client, (struct sockaddr *)&to, sizeof to) == 0);
    require(setsockopt(client, SOL_SOCKET, SO_LINGER, &none, sizeof none) == 0);
    watch = edge_watch_new(loop, client, heard, NULL);
    edge_watch_set(watch, true, false);
    said_len = 0;
    ended = false;
    path[0] = '\0';
}

static void converse(const uint8_t *data, size_t size, size_t cut)
{
    dial();
    require(cut == 0 || send(client, data, cut, MSG_NOSIGNAL) == (ssize_t)cut);
    turn(TURNS);
    if (!ended && said_len == 0) {
        require(cut == size || send(client, data + cut, size - cut, MSG_NOSIGNAL) == (ssize_t)(size - cut));
        require(shutdown(client, SHUT_WR) == 0);
    }
    for (size_t i = 0; i < 100000 && !ended; i++)
        turn(1);
    require(ended);
    edge_watch_free(watch);
    close(client);
}

/* What a request deserves: its status, and the path that it asks for. 0: it is not whole. */
static unsigned deserves(const uint8_t *data, size_t size, struct bytes *wanted, bool *head_only)
{
    size_t seen = size < EDGE_HTTP_REQUEST_MAX - 1 ? size : EDGE_HTTP_REQUEST_MAX - 1;
    if (memmem(data, seen, "\n\n", 2) == NULL && memmem(data, seen, "\r\n\r\n", 4) == NULL)
        return seen == EDGE_HTTP_REQUEST_MAX - 1 ? 431 : 0;
    size_t len = (size_t)((const uint8_t *)memchr(data, '\n', seen) - data), at = 0;
    len -= len > 0 && data[len - 1] == '\r';
    while (at < len && data[at] != ' ')
        at++;
    *head_only = at == 4 && memcmp(data, "HEAD", 4) == 0;
    bool known = *head_only || (at == 3 && memcmp(data, "GET", 3) == 0);
    size_t from = at + 1, to = from;
    while (to < len && data[to] != ' ')
        to++;
    if (to + 9 != len || from >= to || data[from] != '/' || memcmp(data + to, " HTTP/1.", 8) != 0 ||
        data[to + 8] < '0' || data[to + 8] > '9')
        return 400;
    if (!known)
        return 405;
    const uint8_t *query = memchr(data + from, '?', to - from);
    *wanted = (struct bytes){data + from, query == NULL ? to - from : (size_t)(query - data) - from};
    return wanted->len < 256 && memchr(data + from, '\0', to - from) == NULL ? 200 : 404;
}

static void judge(const uint8_t *data, size_t size)
{
    struct bytes wanted = {NULL, 0};
    bool head_only = false;
    unsigned status = deserves(data, size, &wanted, &head_only), got;
    if (status == 0) {
        require(said_len == 0 && path[0] == '\0');
        return;
    }
    if (size >= EDGE_HTTP_REQUEST_MAX && said_len == 0)
        return; /* what it did not read any more ends the connection before the answer is read */
    said[said_len < sizeof said ? said_len : sizeof said - 1] = '\0';
    const char *length = strstr(said, "Content-Length: "), *end = strstr(said, "\r\n\r\n");
    require(sscanf(said, "HTTP/1.1 %u ", &got) == 1 && got == status && length != NULL && end != NULL);
    size_t body = said_len - (size_t)(end + 4 - said);
    require(head_only && status == 200 ? body == 0 : body == strtoul(length + 16, NULL, 10));
    require((status == 200) == (path[0] != '\0'));
    if (status == 200)
        require(strlen(path) == wanted.len && memcmp(path, wanted.data, wanted.len) == 0 &&
                strtoul(length + 16, NULL, 10) == wanted.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > EDGE_HTTP_REQUEST_MAX + 64)
        return 0;
    begin();
    size_t cut = (size_t)data[0] << 8 | data[1];
    data += 2;
    size -= 2;
    converse(data, size, cut < size ? cut : size);
    judge(data, size);
    return 0;
}
