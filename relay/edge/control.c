/*
 * The control socket: clients, lines, bounds. What is answered is control_view.c's business.
 */
#include "relay/edge/control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "relay/edge/control_view.h"
#include "relay/edge/fault.h"
#include "relay/edge/log.h"
#include "relay/edge/loop.h"

enum { IDLE_MS = 60000, PAUSE_MS = 1000 };

struct client {
    struct edge_control *control;
    int fd; /* -1: free */
    struct edge_watch *watch;
    struct edge_timer *idle;
    char in[EDGE_CONTROL_REQUEST_MAX];
    size_t in_len;
    char *out; /* the answer that is being sent; until it is gone nothing more is read */
    size_t out_len, out_at;
};

struct edge_control {
    struct edge_control_options options;
    char *path;
    int fd;
    struct edge_watch *watch;
    struct edge_timer *pause; /* until clients are let in again */
    struct client clients[EDGE_CONTROL_CLIENTS_MAX];
};

static void client_close(struct client *client)
{
    edge_watch_free(client->watch);
    edge_timer_free(client->idle);
    if (client->fd >= 0)
        close(client->fd);
    free(client->out);
    *client = (struct client){.control = client->control, .fd = -1};
}

/* Answers the first whole line, if there is one. False: the client is gone. */
static bool line_answer(struct client *client)
{
    char *end = memchr(client->in, '\n', client->in_len);
    if (end == NULL && client->in_len < sizeof(client->in))
        return true;
    size_t len = end == NULL ? client->in_len : (size_t)(end - client->in);
    if (end == NULL) { /* too long: there is no line to answer */
        static const char refusal[] = "{\"ok\": false, \"error\": \"a request is one line of at most 4095 bytes\"}\n";
        if (send(client->fd, refusal, sizeof(refusal) - 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
            edge_log(RELAY_DEBUG, "control-client-gone", NULL, "%s", "");
        client_close(client);
        return false;
    }
    char *answer = edge_control_view(&client->control->options, client->in, len);
    size_t answer_len = answer == NULL ? 0 : strlen(answer);
    memmove(client->in, end + 1, client->in_len - len - 1);
    client->in_len -= len + 1;
    if (answer == NULL || answer_len > EDGE_CONTROL_ANSWER_MAX) {
        free(answer);
        client_close(client);
        return false;
    }
    answer[answer_len] = '\n'; /* in place of the final zero: from here on it is bytes */
    client->out = answer;
    client->out_len = answer_len + 1;
    client->out_at = 0;
    return true;
}

/* Sends what waits; false: the client is gone. */
static bool answer_send(struct client *client)
{
    while (client->out != NULL && client->out_at < client->out_len) {
        EDGE_FAULT(CONTROL_BEFORE);
        ssize_t sent = send(client->fd, client->out + client->out_at, client->out_len - client->out_at,
                            MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && (errno == EAGAIN || errno == EINTR))
            return true;
        EDGE_FAULT(CONTROL_AFTER);
        if (sent < 0) {
            client_close(client);
            return false;
        }
        client->out_at += (size_t)sent;
    }
    free(client->out);
    client->out = NULL;
    return true;
}

static void client_ready(void *context, bool readable, bool writable)
{
    struct client *client = context;
    (void)writable;
    edge_timer_set(client->idle, IDLE_MS);
    if (readable && client->out == NULL) {
        ssize_t got = recv(client->fd, client->in + client->in_len, sizeof(client->in) - client->in_len, MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (got <= 0) {
            client_close(client);
            return;
        }
        client->in_len += (size_t)got;
    }
    /* One answer a turn: a client that asks without end must not keep the loop. */
    if (client->out == NULL && !line_answer(client))
        return;
    if (!answer_send(client))
        return;
    bool more = client->out != NULL || memchr(client->in, '\n', client->in_len) != NULL;
    edge_watch_set(client->watch, !more, more);
}

static void client_idle(void *context)
{
    client_close(context); /* it neither asks nor reads */
}

static void accepting(void *context, bool readable, bool writable)
{
    struct edge_control *control = context;
    (void)readable, (void)writable;
    int fd = accept4(control->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) {
        /* The client stays in the queue, so the socket stays readable: looking at once again would never end. */
        edge_log(RELAY_WARNING, "control-descriptors", NULL, "a client waits: %s", strerror(errno));
        edge_watch_set(control->watch, false, false);
        edge_timer_set(control->pause, PAUSE_MS);
    }
    if (fd < 0)
        return;
    for (size_t i = 0; i < EDGE_CONTROL_CLIENTS_MAX; i++) {
        struct client *client = &control->clients[i];
        if (client->fd >= 0)
            continue;
        client->fd = fd;
        client->watch = edge_watch_new(control->options.loop, fd, client_ready, client);
        client->idle = edge_timer_new(control->options.loop, client_idle, client);
        if (client->watch == NULL || client->idle == NULL) {
            client_close(client);
            return;
        }
        edge_watch_set(client->watch, true, false);
        edge_timer_set(client->idle, IDLE_MS);
        return;
    }
    edge_log(RELAY_WARNING, "control-crowded", NULL, "more than %d clients", (int)EDGE_CONTROL_CLIENTS_MAX);
    close(fd);
}

static void pause_ended(void *context)
{
    struct edge_control *control = context;
    edge_watch_set(control->watch, true, false);
}

/* ---- the socket's file --------------------------------------------------------------------------------------------- */

static bool fail(char *text, size_t cap, const char *path, const char *what)
{
    snprintf(text, cap, "control socket %s: %s", path, what);
    return false;
}

/* A socket on which nobody listens was left by a dead process. */
static bool left_over(const struct sockaddr_un *address)
{
    struct stat status;
    if (lstat(address->sun_path, &status) != 0 || !S_ISSOCK(status.st_mode))
        return false;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool dead =
        fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof(*address)) != 0 && errno == ECONNREFUSED;
    if (fd >= 0)
        close(fd);
    return dead;
}

static bool listening(struct edge_control *control, char *text, size_t cap)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = control->path;
    if (strlen(path) >= sizeof(address.sun_path))
        return fail(text, cap, path, "the path is too long for a socket (107 bytes)");
    memcpy(address.sun_path, path, strlen(path));
    if (left_over(&address) && unlink(path) != 0)
        return fail(text, cap, path, strerror(errno));
    control->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (control->fd < 0)
        return fail(text, cap, path, strerror(errno));
    /* Nobody may come in between bind and chmod. */
    mode_t before = umask(0177);
    bool bound = bind(control->fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
    int error = errno;
    umask(before);
    if (!bound) {
        close(control->fd);
        control->fd = -1;
        return fail(text, cap, path, error == EADDRINUSE ? "another process is using it" : strerror(error));
    }
    if (chmod(path, control->options.mode) != 0 || listen(control->fd, SOMAXCONN) != 0)
        return fail(text, cap, path, strerror(errno));
    return true;
}

struct edge_control *edge_control_new(const struct edge_control_options *options, char *text, size_t cap)
{
    struct edge_control *control = calloc(1, sizeof(*control));
    if (control == NULL) {
        fail(text, cap, options->path, "no memory");
        return NULL;
    }
    control->options = *options;
    control->fd = -1;
    for (size_t i = 0; i < EDGE_CONTROL_CLIENTS_MAX; i++)
        control->clients[i] = (struct client){.control = control, .fd = -1};
    control->path = strdup(options->path);
    bool good = control->path != NULL && listening(control, text, cap);
    if (good) {
        control->watch = edge_watch_new(options->loop, control->fd, accepting, control);
        control->pause = edge_timer_new(options->loop, pause_ended, control);
        good = (control->watch != NULL && control->pause != NULL) || fail(text, cap, options->path, "no memory");
    }
    if (!good) {
        edge_control_free(control);
        return NULL;
    }
    edge_watch_set(control->watch, true, false);
    return control;
}

void edge_control_free(struct edge_control *control)
{
    if (control == NULL)
        return;
    for (size_t i = 0; i < EDGE_CONTROL_CLIENTS_MAX; i++)
        client_close(&control->clients[i]);
    edge_watch_free(control->watch);
    edge_timer_free(control->pause);
    if (control->fd >= 0) {
        close(control->fd);
        unlink(control->path);
    }
    free(control->path);
    free(control);
}
