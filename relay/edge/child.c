/*
 * Child processes: frame, watch, end, start again. How one begins is spawn.c's business, what it may do sandbox.c's; what its
 * messages mean is the caller's.
 */
#include "relay/edge/child.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "relay/edge/log.h"
#include "relay/edge/spawn.h"

enum {
    LENGTH_BYTES = 4,
    READ_CHUNK = 64 * 1024,
    READ_TURN = 512 * 1024, /* bytes taken at a time: a busy child must not starve the others (I10) … */
    TURN_MS = 25,           /* … whatever its messages cost */
    SAID_MAX = 1024,        /* bytes of a line that a child logs */
    REAP_MS = 1000          /* for one that was killed: it may hang in the kernel, by a disk that does not answer */
};

struct buffer {
    uint8_t *data;
    size_t from, len, cap; /* content is data[from .. from + len) */
};

struct edge_child {
    struct edge_child_options options;
    char *name, *program;
    char **argv;
    enum edge_child_state state;
    pid_t pid;
    int fd, log_fd;
    struct edge_watch *watch, *log_watch;
    struct edge_process *process;
    struct edge_timer *timer; /* BACKING_OFF, QUARANTINED: start; ENDING: kill */
    struct buffer in, out;
    bool hold, stopping;
    uint64_t starts, crashes, since, up_since, retry;
    unsigned failures; /* ends in a row, none of them after a stable run */
    uint64_t crashed_at[EDGE_CHILD_CRASHES];
    char why[256];     /* it is being ended because of this */
    bool killed, late; /* by us; because it had not ended within the grace */
    char text[256];    /* why it ended last */
    char said[SAID_MAX + 1];
    size_t said_len;
};

const char *edge_child_state_name(enum edge_child_state state)
{
    switch (state) {
#define X(name, text)                                                                                                  \
    case EDGE_CHILD_##name: return text;
        EDGE_CHILD_STATES(X)
#undef X
    }
    return "unknown";
}

static void state_set(struct edge_child *child, enum edge_child_state state)
{
    child->state = state;
    child->since = edge_loop_now();
    child->retry = 0;
}

/* ---- buffers ------------------------------------------------------------------------------------------------------- */

/* Room for len more bytes at the end; false without memory. */
static bool buffer_room(struct buffer *buffer, size_t len)
{
    if (buffer->from > 0 && (buffer->len == 0 || buffer->from + buffer->len + len > buffer->cap)) {
        memmove(buffer->data, buffer->data + buffer->from, buffer->len);
        buffer->from = 0;
    }
    if (buffer->from + buffer->len + len <= buffer->cap)
        return true;
    size_t cap = buffer->cap < READ_CHUNK ? READ_CHUNK : buffer->cap;
    while (cap < buffer->len + len)
        cap *= 2;
    uint8_t *data = realloc(buffer->data, cap);
    if (data == NULL)
        return false;
    buffer->data = data;
    buffer->cap = cap;
    return true;
}

static void buffer_add(struct buffer *buffer, const void *data, size_t len)
{
    memcpy(buffer->data + buffer->from + buffer->len, data, len);
    buffer->len += len;
}

static void buffer_take(struct buffer *buffer, size_t len)
{
    buffer->from += len;
    buffer->len -= len;
}

static void buffer_fini(struct buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct buffer){0};
}

/* ---- ending -------------------------------------------------------------------------------------------------------- */

static void socket_close(struct edge_child *child)
{
    edge_watch_free(child->watch);
    child->watch = NULL;
    if (child->fd >= 0)
        close(child->fd);
    child->fd = -1;
}

static void process_kill(const struct edge_child *child)
{
    if (child->pid > 0)
        kill(-child->pid, SIGKILL); /* its session, and whatever it started */
}

static void child_kill(struct edge_child *child, bool late)
{
    child->killed = true;
    child->late = late;
    process_kill(child);
}

/* From UP: no more messages either way. The end itself is reported by the loop, and only then are buffers freed: a
 * message callback may still hold one. */
static void ending(struct edge_child *child, const char *why, bool now)
{
    if (child->state != EDGE_CHILD_UP)
        return;
    snprintf(child->why, sizeof(child->why), "%s", why);
    socket_close(child);
    state_set(child, EDGE_CHILD_ENDING);
    edge_timer_set(child->timer, EDGE_CHILD_GRACE_MS);
    if (now)
        child_kill(child, false);
}

static void said_flush(struct edge_child *child)
{
    child->said[child->said_len] = '\0';
    if (child->said_len > 0)
        edge_log(RELAY_INFO, "child-says", child->name, "%s", child->said);
    child->said_len = 0;
}

static void log_readable(void *context, bool readable, bool writable)
{
    struct edge_child *child = context;
    char chunk[4096];
    ssize_t len = read(child->log_fd, chunk, sizeof(chunk));
    (void)readable, (void)writable;
    if (len == 0 || (len < 0 && errno != EAGAIN && errno != EINTR)) {
        if (child->log_watch != NULL)
            edge_watch_set(child->log_watch, false, false);
        return;
    }
    for (ssize_t i = 0; i < len; i++) {
        if (chunk[i] == '\n' || child->said_len == SAID_MAX)
            said_flush(child);
        if (chunk[i] != '\n')
            child->said[child->said_len++] = chunk[i];
    }
}

static void log_close(struct edge_child *child)
{
    for (int i = 0; child->log_fd >= 0 && i < 16; i++) /* what it said last, but no more than that */
        log_readable(child, true, false);
    said_flush(child);
    edge_watch_free(child->log_watch);
    child->log_watch = NULL;
    if (child->log_fd >= 0)
        close(child->log_fd);
    child->log_fd = -1;
}

static void restart_later(struct edge_child *child)
{
    uint64_t now = edge_loop_now(), wait = child->options.backoff_ms, most = wait * EDGE_CHILD_BACKOFF_MOST;
    uint64_t *slot = &child->crashed_at[child->crashes % EDGE_CHILD_CRASHES];
    bool often = *slot != 0 && now - *slot < EDGE_CHILD_CRASH_MS;
    *slot = now;
    child->crashes++;
    for (unsigned i = 0; i < child->failures && wait < most; i++)
        wait *= 2;
    child->failures++;
    if (wait > most)
        wait = most;
    if (often)
        wait = EDGE_CHILD_QUARANTINE_MS;
    state_set(child, often ? EDGE_CHILD_QUARANTINED : EDGE_CHILD_BACKING_OFF);
    child->retry = now + wait;
    edge_timer_set(child->timer, wait);
    edge_log(often ? RELAY_ALARM : RELAY_WARNING, often ? "child-quarantined" : "child-ended", child->name,
             "%s; starting it again in %llu ms", child->text, (unsigned long long)wait);
}

static void ended(struct edge_child *child, const char *how)
{
    bool was_up = child->state == EDGE_CHILD_UP || child->state == EDGE_CHILD_ENDING;
    if (was_up && edge_loop_now() - child->up_since > EDGE_CHILD_STABLE_MS)
        child->failures = 0;
    if (child->why[0] != '\0')
        snprintf(child->text, sizeof(child->text), "%.130s: %.100s", child->why, how);
    else
        snprintf(child->text, sizeof(child->text), "%.200s", how);
    child->why[0] = '\0';
    child->killed = false;
    edge_process_free(child->process);
    child->process = NULL;
    process_kill(child); /* what it left behind in its session */
    child->pid = 0;
    log_close(child);
    socket_close(child);
    buffer_fini(&child->in);
    buffer_fini(&child->out);
    edge_timer_clear(child->timer);
    if (child->stopping)
        state_set(child, EDGE_CHILD_STOPPED);
    else
        restart_later(child);
    if (was_up)
        child->options.down(child->options.context, child->text);
}

static void process_ended(void *context, int status)
{
    struct edge_child *child = context;
    char how[128];
    if (WIFSIGNALED(status) && child->killed)
        snprintf(how, sizeof(how), "killed by this relay%s", child->late ? ", as it did not end by itself" : "");
    else if (WIFSIGNALED(status))
        snprintf(how, sizeof(how), "ended by signal %d%s, which this relay did not send", WTERMSIG(status),
                 WTERMSIG(status) == SIGSYS ? " (a system call that its sandbox forbids)" : "");
    else
        snprintf(how, sizeof(how), "ended with code %d%s", WEXITSTATUS(status),
                 WEXITSTATUS(status) == 126
                     ? " (was not run: is it what program_hash says? child-says in the log tells)"
                     : "");
    ended(child, how);
}

/* ---- messages ------------------------------------------------------------------------------------------------------ */

/* Gives whole messages to the caller. False: nothing is to be read now; it has had its turn, is held, or has ended. */
static bool messages_deliver(struct edge_child *child, uint64_t end)
{
    while (child->state == EDGE_CHILD_UP && !child->hold && child->in.len >= LENGTH_BYTES) {
        const uint8_t *at = child->in.data + child->in.from;
        size_t len = (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];
        if (len == 0 || len > EDGE_CHILD_MESSAGE_MAX) {
            edge_child_ban(child, "sent a message of a forbidden length");
            return false;
        }
        if (child->in.len < LENGTH_BYTES + len)
            return true;
        if (edge_loop_now() >= end) {
            edge_timer_set(child->timer, 0); /* the loop comes back */
            return false;
        }
        /* Taken before the callback, which may end this child; its buffers then stay until the end is reported. */
        struct bytes body = {at + LENGTH_BYTES, len};
        buffer_take(&child->in, LENGTH_BYTES + len);
        child->options.message(child->options.context, body);
    }
    return child->state == EDGE_CHILD_UP && !child->hold;
}

static void socket_read(struct edge_child *child)
{
    const uint64_t end = edge_loop_now() + TURN_MS;
    size_t taken = 0;
    while (messages_deliver(child, end) && taken < READ_TURN) {
        if (!buffer_room(&child->in, READ_CHUNK)) {
            edge_child_ban(child, "no memory for its messages");
            return;
        }
        ssize_t len = read(child->fd, child->in.data + child->in.from + child->in.len, READ_CHUNK);
        if (len < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (len <= 0) {
            ending(child, "closed its socket", false);
            return;
        }
        child->in.len += (size_t)len;
        taken += (size_t)len;
    }
}

static void socket_write(struct edge_child *child)
{
    while (child->out.len > 0) {
        ssize_t len = send(child->fd, child->out.data + child->out.from, child->out.len, MSG_NOSIGNAL);
        if (len <= 0)
            break; /* full, or gone: then reading says so */
        buffer_take(&child->out, (size_t)len);
    }
    edge_watch_set(child->watch, !child->hold, child->out.len > 0);
}

static void socket_ready(void *context, bool readable, bool writable)
{
    struct edge_child *child = context;
    if (writable)
        socket_write(child);
    if (readable && child->state == EDGE_CHILD_UP)
        socket_read(child);
}

bool edge_child_send(struct edge_child *child, struct bytes message)
{
    uint8_t length[LENGTH_BYTES] = {(uint8_t)(message.len >> 24), (uint8_t)(message.len >> 16),
                                    (uint8_t)(message.len >> 8), (uint8_t)message.len};
    if (child->state != EDGE_CHILD_UP || message.len == 0 || message.len > EDGE_CHILD_SEND_MAX)
        return false;
    if (child->out.len + LENGTH_BYTES + message.len > EDGE_CHILD_OUT_MAX ||
        !buffer_room(&child->out, LENGTH_BYTES + message.len)) {
        edge_child_ban(child, "does not read its messages");
        return false;
    }
    bool idle = child->out.len == 0;
    buffer_add(&child->out, length, sizeof(length));
    buffer_add(&child->out, message.data, message.len);
    if (idle)
        socket_write(child);
    return true;
}

static void release_held(struct edge_child *child)
{
    /* What was read before the hold is delivered by the loop, not from inside this call: ask for a turn. */
    if (child->in.len >= LENGTH_BYTES)
        edge_timer_set(child->timer, 0);
}

void edge_child_hold(struct edge_child *child, bool hold)
{
    if (child->hold == hold)
        return;
    child->hold = hold;
    if (child->watch == NULL)
        return;
    edge_watch_set(child->watch, !hold, child->out.len > 0);
    if (!hold)
        release_held(child);
}

/* ---- starting ------------------------------------------------------------------------------------------------------ */

/* Starts the program and watches it; 0 or an errno. */
static int launch(struct edge_child *child)
{
    struct edge_spawned spawned;
    int error = edge_spawn(&spawned, child->program, child->argv, child->options.own_log, child->starts == 0);
    child->pid = spawned.pid;
    child->fd = spawned.fd;
    child->log_fd = spawned.log_fd;
    if (error != 0)
        return error;
    child->watch = edge_watch_new(child->options.loop, child->fd, socket_ready, child);
    child->log_watch = edge_watch_new(child->options.loop, child->log_fd, log_readable, child);
    child->process = edge_process_new(child->options.loop, child->pid, process_ended, child);
    return child->watch != NULL && child->log_watch != NULL && child->process != NULL ? 0 : ENOMEM;
}

static void launch_failed(struct edge_child *child, int error)
{
    char how[160];
    snprintf(how, sizeof(how), "cannot start %.80s: %s", child->program, strerror(error));
    if (child->pid > 0) {
        process_kill(child);
        edge_process_reap(child->pid, REAP_MS);
    }
    ended(child, how);
}

static void timer_fired(void *context)
{
    struct edge_child *child = context;
    switch (child->state) {
    case EDGE_CHILD_ENDING: child_kill(child, true); return;
    case EDGE_CHILD_UP: messages_deliver(child, edge_loop_now() + TURN_MS); return;
    case EDGE_CHILD_STOPPED: return;
    case EDGE_CHILD_BACKING_OFF:
    case EDGE_CHILD_QUARANTINED: break;
    }
    int error = launch(child);
    if (error != 0) {
        launch_failed(child, error);
        return;
    }
    child->starts++;
    child->hold = false;
    state_set(child, EDGE_CHILD_UP);
    child->up_since = child->since;
    edge_watch_set(child->watch, true, false);
    edge_watch_set(child->log_watch, true, false);
    edge_log(RELAY_DEBUG, "child-started", child->name, "pid %d", (int)child->pid);
    child->options.up(child->options.context);
}

/* ---- making and telling -------------------------------------------------------------------------------------------- */

static char **argv_copy(const char *const *argv)
{
    size_t len = 0;
    while (argv[len] != NULL)
        len++;
    char **copy = calloc(len + 1, sizeof(*copy));
    for (size_t i = 0; copy != NULL && i < len; i++) {
        if ((copy[i] = strdup(argv[i])) == NULL) {
            for (size_t j = 0; j < i; j++)
                free(copy[j]);
            free(copy);
            return NULL;
        }
    }
    return copy;
}

struct edge_child *edge_child_new(const struct edge_child_options *options)
{
    struct edge_child *child = calloc(1, sizeof(*child));
    if (child == NULL)
        return NULL;
    child->options = *options;
    if (child->options.backoff_ms == 0)
        child->options.backoff_ms = EDGE_CHILD_BACKOFF_MS;
    child->fd = child->log_fd = -1;
    child->name = strdup(options->name);
    child->program = strdup(options->program);
    child->argv = argv_copy(options->argv);
    child->timer = edge_timer_new(options->loop, timer_fired, child);
    if (child->name == NULL || child->program == NULL || child->argv == NULL || child->timer == NULL) {
        edge_child_free(child);
        return NULL;
    }
    state_set(child, EDGE_CHILD_STOPPED);
    return child;
}

void edge_child_start(struct edge_child *child)
{
    if (child->state != EDGE_CHILD_STOPPED)
        return;
    child->stopping = false;
    state_set(child, EDGE_CHILD_BACKING_OFF);
    edge_timer_set(child->timer, 0);
}

void edge_child_ban(struct edge_child *child, const char *why)
{
    ending(child, why, true);
}

void edge_child_release(struct edge_child *child)
{
    if (child->state != EDGE_CHILD_BACKING_OFF && child->state != EDGE_CHILD_QUARANTINED)
        return;
    child->failures = 0;
    memset(child->crashed_at, 0, sizeof(child->crashed_at));
    edge_timer_set(child->timer, 0);
}

void edge_child_stop(struct edge_child *child)
{
    child->stopping = true;
    ending(child, "stopped", false);
    if (child->state == EDGE_CHILD_BACKING_OFF || child->state == EDGE_CHILD_QUARANTINED) {
        edge_timer_clear(child->timer);
        state_set(child, EDGE_CHILD_STOPPED);
    }
}

void edge_child_free(struct edge_child *child)
{
    if (child == NULL)
        return;
    edge_process_free(child->process);
    if (child->pid > 0) {
        process_kill(child);
        edge_process_reap(child->pid, REAP_MS);
    }
    socket_close(child);
    buffer_fini(&child->in);
    buffer_fini(&child->out);
    if (child->log_fd >= 0)
        log_close(child);
    edge_timer_free(child->timer);
    for (size_t i = 0; child->argv != NULL && child->argv[i] != NULL; i++)
        free(child->argv[i]);
    free(child->argv);
    free(child->program);
    free(child->name);
    free(child);
}

void edge_child_look(const struct edge_child *child, struct edge_child_view *out)
{
    *out = (struct edge_child_view){.name = child->name,
                                    .state = child->state,
                                    .pid = child->pid,
                                    .starts = child->starts,
                                    .crashes = child->crashes,
                                    .since = child->since,
                                    .retry = child->retry};
    snprintf(out->text, sizeof(out->text), "%s", child->text);
}
