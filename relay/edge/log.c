/*
 * Log lines: formatted in one buffer, written with one write, limited per reason.
 */
#include "relay/edge/log.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct limit {
    const char *reason; /* static text: compared by content, as files have their own copies */
    uint64_t refilled;  /* s, monotonic */
    unsigned tokens;
    uint64_t left_out;
};

/* One log a process, as there is one stderr. */
static struct {
    pthread_mutex_t lock;
    enum relay_level level;
    int fd;
    uint64_t suppressed;
    size_t limits_len;
    struct limit limits[EDGE_LOG_REASONS_MAX];
    uint64_t newest;                          /* number of the newest kept line */
    struct edge_log_line kept[EDGE_LOG_KEPT]; /* line n at n % EDGE_LOG_KEPT */
} state = {.lock = PTHREAD_MUTEX_INITIALIZER, .level = RELAY_INFO, .fd = STDERR_FILENO};

struct line {
    char text[EDGE_LOG_LINE_MAX];
    size_t len;
};

void edge_log_level(enum relay_level level)
{
    pthread_mutex_lock(&state.lock);
    state.level = level;
    pthread_mutex_unlock(&state.lock);
}

void edge_log_to(int fd)
{
    pthread_mutex_lock(&state.lock);
    state.fd = fd;
    pthread_mutex_unlock(&state.lock);
}

const char *edge_log_level_name(enum relay_level level)
{
    switch (level) {
    case RELAY_DEBUG: return "debug";
    case RELAY_INFO: return "info";
    case RELAY_WARNING: return "warning";
    case RELAY_ALARM: return "alarm";
    }
    return "unknown";
}

uint64_t edge_log_suppressed(void)
{
    pthread_mutex_lock(&state.lock);
    uint64_t suppressed = state.suppressed;
    pthread_mutex_unlock(&state.lock);
    return suppressed;
}

static void append(struct line *line, const char *text)
{
    size_t len = strlen(text);
    size_t room = sizeof(line->text) - 4 - line->len; /* a quote, a newline and the final zero always fit */
    if (len > room)
        len = room;
    memcpy(line->text + line->len, text, len);
    line->len += len;
}

static void append_escaped(struct line *line, const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
        char escaped[8];
        if (*at == '"' || *at == '\\')
            snprintf(escaped, sizeof(escaped), "\\%c", *at);
        else if (*at < 0x20 || *at >= 0x7f)
            snprintf(escaped, sizeof(escaped), "\\x%02x", *at);
        else
            snprintf(escaped, sizeof(escaped), "%c", *at);
        append(line, escaped);
    }
}

static void append_start(struct line *line, enum relay_level level, const char *reason)
{
    struct timespec now;
    struct tm utc;
    char start[128];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t len = strftime(start, sizeof(start), "ts=%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(start + len, sizeof(start) - len, ".%03ldZ level=%s reason=", now.tv_nsec / 1000000,
             edge_log_level_name(level));
    append(line, start);
    append(line, reason);
}

static void line_write(int fd, struct line *line)
{
    line->text[line->len++] = '\n';
    /* A log that nobody reads must not stop a relay: what cannot be written at once is lost. A pipe is writable when
     * PIPE_BUF bytes fit, which is more than a line. */
    struct pollfd room = {.fd = fd, .events = POLLOUT};
    if (poll(&room, 1, 0) != 1 || (room.revents & POLLOUT) == 0 || write(fd, line->text, line->len) < 0)
        return;
}

/* Whether a line of this reason may be written now; *left_out: how many were not since the last one. Locked. */
static bool admitted(const char *reason, uint64_t *left_out)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t second = (uint64_t)now.tv_sec;
    struct limit *limit = NULL;
    *left_out = 0;
    for (size_t i = 0; i < state.limits_len && limit == NULL; i++) {
        if (strcmp(state.limits[i].reason, reason) == 0)
            limit = &state.limits[i];
    }
    if (limit == NULL && state.limits_len == EDGE_LOG_REASONS_MAX)
        return true;
    if (limit == NULL) {
        limit = &state.limits[state.limits_len++];
        *limit = (struct limit){.reason = reason, .refilled = second, .tokens = EDGE_LOG_BURST};
    }
    uint64_t more = (second - limit->refilled) * EDGE_LOG_PER_SECOND;
    limit->tokens = more >= EDGE_LOG_BURST - limit->tokens ? EDGE_LOG_BURST : limit->tokens + (unsigned)more;
    limit->refilled = second;
    if (limit->tokens == 0) {
        limit->left_out++;
        state.suppressed++;
        return false;
    }
    limit->tokens--;
    *left_out = limit->left_out;
    limit->left_out = 0;
    return true;
}

/* Keeps a line in place of the oldest. Locked. */
static void keep(enum relay_level level, const char *reason, const char *subject, const char *text, uint64_t left_out)
{
    struct timespec now;
    struct edge_log_line *line = &state.kept[++state.newest % EDGE_LOG_KEPT];
    clock_gettime(CLOCK_REALTIME, &now);
    *line = (struct edge_log_line){.number = state.newest,
                                   .time_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000,
                                   .level = level,
                                   .reason = reason,
                                   .left_out = left_out};
    /* Cut on purpose where a kept line is shorter than a written one. */
    snprintf(line->subject, sizeof(line->subject), "%.*s", (int)sizeof(line->subject) - 1,
             subject != NULL ? subject : "");
    snprintf(line->text, sizeof(line->text), "%.*s", (int)sizeof(line->text) - 1, text);
}

bool edge_log_kept(struct edge_log_line *out, uint64_t after)
{
    pthread_mutex_lock(&state.lock);
    uint64_t first = state.newest > EDGE_LOG_KEPT ? state.newest - EDGE_LOG_KEPT + 1 : 1;
    uint64_t number = after < first ? first : after + 1;
    bool there = number <= state.newest;
    if (there)
        *out = state.kept[number % EDGE_LOG_KEPT];
    pthread_mutex_unlock(&state.lock);
    return there;
}

uint64_t edge_log_newest(void)
{
    pthread_mutex_lock(&state.lock);
    uint64_t newest = state.newest;
    pthread_mutex_unlock(&state.lock);
    return newest;
}

size_t edge_log_reasons(const char **out, size_t cap)
{
    pthread_mutex_lock(&state.lock);
    size_t len = state.limits_len < cap ? state.limits_len : cap;
    for (size_t i = 0; i < len; i++)
        out[i] = state.limits[i].reason;
    pthread_mutex_unlock(&state.lock);
    return len;
}

bool edge_log_wanted(const struct edge_log_line *line, const struct edge_log_filter *filter)
{
    size_t len = filter->lane == NULL ? 0 : strlen(filter->lane);
    bool of_lane = filter->lane == NULL || (strncmp(line->subject, filter->lane, len) == 0 &&
                                            (line->subject[len] == '\0' || line->subject[len] == '/'));
    return of_lane && (filter->reason == NULL || strcmp(line->reason, filter->reason) == 0) &&
           (uint64_t)line->level >= filter->level;
}

uint64_t edge_log_before(uint64_t last, const struct edge_log_filter *filter)
{
    uint64_t newest = edge_log_newest(), number = newest;
    struct edge_log_line line;
    while (last > 0 && number > 0 && newest - number < EDGE_LOG_KEPT && edge_log_kept(&line, number - 1)) {
        last -= edge_log_wanted(&line, filter);
        number--;
    }
    return number;
}

void edge_log(enum relay_level level, const char *reason, const char *subject, const char *format, ...)
{
    struct line line = {.len = 0};
    char text[EDGE_LOG_LINE_MAX];
    uint64_t left_out;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    pthread_mutex_lock(&state.lock);
    if (level >= state.level && admitted(reason, &left_out)) {
        keep(level, reason, subject, text, left_out);
        append_start(&line, level, reason);
        if (subject != NULL) {
            append(&line, " subject=");
            append_escaped(&line, subject);
        }
        if (left_out > 0) {
            char count[48];
            snprintf(count, sizeof(count), " left_out=%llu", (unsigned long long)left_out);
            append(&line, count);
        }
        if (text[0] != '\0') {
            append(&line, " text=\"");
            append_escaped(&line, text);
            line.text[line.len++] = '"';
        }
        line_write(state.fd, &line);
    }
    pthread_mutex_unlock(&state.lock);
}
