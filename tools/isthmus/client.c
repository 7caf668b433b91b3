/*
 * One question to a running daemon over its control socket (relay/edge/control.h): a line of JSON out, a line back.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "relay/edge/control.h"
#include "tools/isthmus/isthmus.h"

enum { DEADLINE_MS = 10000 };

static const char *const DEFAULTS[] = {"relay.yaml", "/etc/isthmus/relay.yaml"};

/* The socket's path, from the options or the relay's file; NULL after saying what is wrong. The caller frees it. */
static char *socket_path(const struct isthmus_view *view)
{
    struct config_problems *problems = calloc(1, sizeof *problems);
    struct config_relay relay;
    const char *file = view->config;
    char *path = NULL;

    if (view->socket || !problems) {
        free(problems);
        return view->socket ? strdup(view->socket) : NULL;
    }
    for (size_t i = 0; !file && i < sizeof DEFAULTS / sizeof *DEFAULTS; i++)
        if (access(DEFAULTS[i], R_OK) == 0)
            file = DEFAULTS[i];
    if (!file) {
        isthmus_failed("no relay.yaml here or in /etc/isthmus: give --config FILE or --socket PATH");
        free(problems);
        return NULL;
    }
    config_relay_load(&relay, file, problems);
    if (relay.control_socket)
        path = strdup(relay.control_socket);
    else
        config_problems_print(problems, stderr);
    config_relay_free(&relay);
    free(problems);
    return path;
}

static int64_t now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* Waits until fd is ready for `events`, or the deadline. */
static bool ready(int fd, short events, int64_t deadline)
{
    for (;;) {
        struct pollfd one = {.fd = fd, .events = events};
        int64_t left = deadline - now_ms();
        int got = left > 0 ? poll(&one, 1, (int)left) : 0;
        if (got > 0)
            return true;
        if (got == 0) {
            errno = ETIMEDOUT;
            return false;
        }
        if (errno != EINTR)
            return false;
    }
}

static bool send_all(int fd, const char *text, size_t len, int64_t deadline)
{
    while (len) {
        if (!ready(fd, POLLOUT, deadline))
            return false;
        ssize_t sent = send(fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno != EAGAIN && errno != EINTR)
            return false;
        if (sent > 0) {
            text += sent;
            len -= (size_t)sent;
        }
    }
    return true;
}

/* Reads one line, without its newline; NULL with errno set. The caller frees it. */
static char *read_line(int fd, size_t *len, int64_t deadline)
{
    size_t cap = 65536, at = 0;
    char *line = malloc(cap);
    while (line && ready(fd, POLLIN, deadline)) {
        ssize_t got = recv(fd, line + at, cap - at - 1, MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (got <= 0) {
            errno = got < 0 ? errno : ECONNRESET;
            break;
        }
        char *newline = memchr(line + at, '\n', (size_t)got);
        at += (size_t)got;
        if (newline) {
            *newline = '\0';
            *len = (size_t)(newline - line);
            return line;
        }
        if (at + 1 == cap) {
            char *more = cap < EDGE_CONTROL_ANSWER_MAX ? realloc(line, 2 * cap) : NULL;
            errno = EMSGSIZE;
            if (!more)
                break;
            line = more;
            cap *= 2;
        }
    }
    free(line);
    return NULL;
}

static char *exchange(const char *path, const char *request, size_t *len)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int64_t deadline = now_ms() + DEADLINE_MS;
    char *line = NULL;

    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return NULL;
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
        send_all(fd, request, strlen(request), deadline))
        line = read_line(fd, len, deadline);
    int error = errno;
    close(fd);
    errno = error;
    return line;
}

/* What a person does about it. */
static const char *advice(int error)
{
    switch (error) {
    case ENOENT:
    case ECONNREFUSED: return "isthmusd does not run, or its socket is another one: look at its log";
    case EACCES: return "its socket's mode and group do not let you in (control.mode in relay.yaml)";
    case ETIMEDOUT: return "it is there and does not answer: it hangs, is stopped, or is overloaded; look at its log";
    case ECONNRESET: return "it closed the connection: it is stopping, or has too many clients";
    default: return "is isthmusd running, and may you use its socket?"; /* errno comes from the kernel */
    }
}

int isthmus_ask(struct tools_json_doc **answer, const struct isthmus_view *view, const char *command, const char *extra)
{
    char request[EDGE_CONTROL_REQUEST_MAX];
    size_t len;
    char *path = socket_path(view);

    *answer = NULL;
    if (!path)
        return ISTHMUS_USAGE;
    snprintf(request, sizeof request, "{\"command\":\"%s\"%s}\n", command, extra);
    char *line = exchange(path, request, &len);
    if (!line) {
        const int error = errno;
        isthmus_failed("%s: the daemon cannot be reached: %s; %s", path, strerror(error), advice(error));
        free(path);
        return ISTHMUS_UNREACHABLE;
    }
    struct tools_json_doc *doc = tools_json_parse(path, line, len);
    const struct tools_json *root = tools_json_root(doc);
    int code = -1;
    if (tools_json_error(doc))
        code = isthmus_failed("%s", tools_json_error(doc));
    else if (!tools_json_is_true(tools_json_get(root, "ok")))
        code = view->json ? ISTHMUS_NOT_OK : isthmus_failed("%s", isthmus_text(root, "error"));
    else if (view->json)
        code = ISTHMUS_OK;
    if (view->json && !tools_json_error(doc))
        puts(line);
    free(line);
    free(path);
    if (code < 0)
        *answer = doc;
    else
        tools_json_close(doc);
    return code;
}

int isthmus_view_options(struct isthmus_view *view, const char *usage, int argc, char **argv)
{
    const struct isthmus_option options[] = {{"--socket", &view->socket, NULL},
                                             {"--config", &view->config, NULL},
                                             {"--json", NULL, &view->json},
                                             {NULL, NULL, NULL}};
    int left, code;

    *view = (struct isthmus_view){0};
    code = isthmus_options(options, usage, argc, argv, &left);
    if (code < 0 && left > 0)
        code = isthmus_misused(usage, "'%s' is too much", argv[1]);
    return code;
}

const char *isthmus_text(const struct tools_json *object, const char *key)
{
    const struct tools_json *node = tools_json_get(object, key);
    if (tools_json_kind(node) != TOOLS_JSON_TEXT)
        return "-";
    return (const char *)tools_json_text(NULL, node, key).data;
}

uint64_t isthmus_number(const struct tools_json *object, const char *key)
{
    const struct tools_json *node = tools_json_get(object, key);
    struct tools_json_doc *scratch = tools_json_adopt("answer", NULL); /* takes the error of a negative number */
    uint64_t value = tools_json_kind(node) == TOOLS_JSON_INTEGER ? tools_json_u64(scratch, node, key) : 0;
    tools_json_close(scratch);
    return value;
}

struct isthmus_waits_for isthmus_waits_for(const struct tools_json *log)
{
    static const char *const what[] = {"operator", "source", "relay"};
    static const char *const keys[] = {"waits_for_operator", "waits_for_source", "waits_for_relay"};
    struct isthmus_waits_for out = {""};
    for (size_t i = 0; i < 3; i++)
        if (tools_json_kind(tools_json_get(log, keys[i])) == TOOLS_JSON_TEXT) {
            size_t at = strlen(out.text);
            snprintf(out.text + at, sizeof out.text - at, "%s %s %s", at ? "," : ":", what[i],
                     isthmus_text(log, keys[i]));
        }
    return out;
}

bool isthmus_waits(const struct tools_json *log)
{
    const char *cause = isthmus_text(log, "cause");
    return cause[0] != '\0' && strcmp(cause, "-") != 0 && strcmp(cause, "moving") != 0;
}
