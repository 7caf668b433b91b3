/*
 * The log: one line an event on stderr, as key=value pairs (logfmt):
 *
 *     ts=2026-01-31T12:00:00.123Z level=warning reason=source-down subject=evm-a text="connection refused"
 *
 * A reason that repeats is limited: after a burst only a few lines a second of it, and then how many were left out. No
 * secret is ever given to it. Any thread may write; one mutex. The newest lines are kept in memory for `isthmus tail`.
 */
#ifndef RELAY_EDGE_LOG_H
#define RELAY_EDGE_LOG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include "relay/core/core.h"

enum {
    EDGE_LOG_LINE_MAX = 2048,
    EDGE_LOG_REASONS_MAX = 256,
    EDGE_LOG_BURST = 40,
    EDGE_LOG_PER_SECOND = 5,
    EDGE_LOG_KEPT = 512 /* lines */
};

/* Lines below this level are left out; RELAY_INFO at start. */
void edge_log_level(enum relay_level level);

/* Writes to fd instead of stderr (tests). */
void edge_log_to(int fd);

/* reason: kebab-case, a static text. subject: what it is about (a lane/sequence, a source), NULL: none. Quotes, control
 * characters and bytes beyond ASCII are escaped; a line is cut at EDGE_LOG_LINE_MAX. */
void edge_log(enum relay_level level, const char *reason, const char *subject, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* "debug", "info", "warning", "alarm". */
const char *edge_log_level_name(enum relay_level level);

/* The reasons of all lines since start, at most cap of them, as static texts in the order in which they came. */
size_t edge_log_reasons(const char **out, size_t cap);

/* Lines left out by the limit since start. */
uint64_t edge_log_suppressed(void);

/* A line that was written and is kept. */
struct edge_log_line {
    uint64_t number;  /* from 1, without holes */
    uint64_t time_ms; /* Unix */
    enum relay_level level;
    const char *reason; /* static */
    char subject[96];   /* cut; "": none */
    char text[320];     /* cut */
    uint64_t left_out;  /* lines of this reason that the limit left out before this one */
};

/* Copies the first kept line with a number above `after`. False: there is none yet. */
bool edge_log_kept(struct edge_log_line *out, uint64_t after);

/* The number of the newest line; 0: none. */
uint64_t edge_log_newest(void);

/* Lines that somebody wants to see: of a lane (its name, or with a sequence behind a slash), with a reason, from a level on. */
struct edge_log_filter {
    const char *lane, *reason; /* NULL: any */
    uint64_t level;            /* enum relay_level */
};
bool edge_log_wanted(const struct edge_log_line *line, const struct edge_log_filter *filter);

/* The number after which the newest `last` kept lines stand that the filter wants. */
uint64_t edge_log_before(uint64_t last, const struct edge_log_filter *filter);

#endif
