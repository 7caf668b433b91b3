/*
 * isthmus tail: the relay's events as they happen, filtered by lane, reason and level. The daemon keeps the newest 512; what
 * was dropped before it could be shown is said.
 */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/isthmus/isthmus.h"

enum { EVERY_MS = 300, LAST_MAX = 512 };

static const char *const USAGE =
    "usage: isthmus tail [--lane LANE] [--reason REASON] [--level LEVEL] [--last N] [--once] " ISTHMUS_VIEW_OPTIONS "\n"
    "\n"
    "The newest N events (20) and then new ones as they happen; with --once only the former. LEVEL: debug, info, "
    "warning\n"
    "or alarm, and above. REASON: as `isthmus status` lists them. With --json one object a line. Ctrl-C ends it.\n";

static const char *const LEVELS[] = {"debug", "info", "warning", "alarm"};

static const char *clean(char out[512], const char *text)
{
    snprintf(out, 512, "%s", text);
    isthmus_clean(out);
    return out;
}

static void print_event(const struct tools_json *event)
{
    char when[40] = "?", subject[512], text[512];
    uint64_t ms = isthmus_number(event, "time_ms");
    time_t seconds = (time_t)(ms / 1000);
    struct tm local;
    if (localtime_r(&seconds, &local))
        strftime(when, sizeof when, "%H:%M:%S", &local);
    clean(subject, isthmus_text(event, "subject"));
    clean(text, isthmus_text(event, "text"));
    printf("%s.%03" PRIu64 "  %-7s  %-32s  %s%s%s", when, ms % 1000, isthmus_text(event, "level"),
           isthmus_text(event, "reason"), subject, subject[0] && text[0] ? ": " : "", text);
    if (isthmus_number(event, "left_out"))
        printf(" (and %" PRIu64 " before it, left out)", isthmus_number(event, "left_out"));
    putchar('\n');
}

static void print_events(const struct tools_json *root, bool json)
{
    const struct tools_json *events = tools_json_get(root, "events");
    uint64_t dropped = isthmus_number(root, "dropped");
    if (dropped && json)
        printf("{\"dropped\":%" PRIu64 "}\n", dropped);
    else if (dropped)
        printf("-- %" PRIu64 " events were dropped: they came faster than they could be shown\n", dropped);
    for (size_t i = 0; i < tools_json_count(events); i++) {
        const struct tools_json *event = tools_json_at(events, i);
        if (!json) {
            print_event(event);
            continue;
        }
        isthmus_print_json(event);
    }
    fflush(stdout);
}

/* Names stand in a request as they are, so they are checked. */
static bool name_good(const char *name)
{
    return !name || (strlen(name) < 80 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-/") == strlen(name));
}

static int level_of(const char *name)
{
    for (int i = 0; i < 4; i++)
        if (strcmp(LEVELS[i], name) == 0)
            return i;
    return -1;
}

/* A reason that no event had yet may be misspelt: then the daemon tells which there were. True: it is so. */
static bool reason_unknown(const struct tools_json *root, const char *reason)
{
    const struct tools_json *reasons = tools_json_get(root, "reasons");
    if (tools_json_kind(reasons) != TOOLS_JSON_ARRAY)
        return false;
    fprintf(stderr, "isthmus: no event had the reason '%s' since the relay started; there were:", reason);
    for (size_t i = 0; i < tools_json_count(reasons); i++)
        fprintf(stderr, "%s %s", i ? "," : "", (const char *)tools_json_text(NULL, tools_json_at(reasons, i), "").data);
    fputc('\n', stderr);
    return true;
}

/* Waits for the next look; false when nobody reads the output any more. */
static bool pause_open(void)
{
    struct pollfd out = {.fd = 1};
    return poll(&out, 1, EVERY_MS) == 0 || !(out.revents & (POLLERR | POLLHUP | POLLNVAL));
}

int isthmus_tail(int argc, char **argv)
{
    struct isthmus_view view = {0};
    const char *lane = NULL, *reason = NULL, *level = "info", *last = "20";
    bool once = false, json = false;
    const struct isthmus_option options[] = {
        {"--socket", &view.socket, NULL}, {"--config", &view.config, NULL}, {"--json", NULL, &json},
        {"--once", NULL, &once},          {"--lane", &lane, NULL},          {"--reason", &reason, NULL},
        {"--level", &level, NULL},        {"--last", &last, NULL},          {NULL, NULL, NULL}};
    char filter[256], extra[320], *end;
    bool unknown = false;
    int left, code = isthmus_options(options, USAGE, argc, argv, &left);
    unsigned long first = strtoul(last, &end, 10);
    if (code >= 0)
        return code;
    if (left || level_of(level) < 0 || !name_good(lane) || !name_good(reason) || *end || first > LAST_MAX)
        return isthmus_misused(USAGE, left                  ? "tail takes no argument"
                                      : level_of(level) < 0 ? "a level is debug, info, warning or alarm"
                                      : *end || first > 512 ? "--last takes a number up to 512"
                                                            : "lanes and reasons are of a-z 0-9 -");
    snprintf(filter, sizeof filter, ",\"level\":%d%s%s%s%s%s%s", level_of(level), lane ? ",\"lane\":\"" : "",
             lane ? lane : "", lane ? "\"" : "", reason ? ",\"reason\":\"" : "", reason ? reason : "",
             reason ? "\"" : "");
    snprintf(extra, sizeof extra, "%s,\"last\":%lu", filter, first);
    for (;;) {
        struct tools_json_doc *answer;
        code = isthmus_ask(&answer, &view, "events", extra);
        if (code >= 0)
            return code;
        const struct tools_json *root = tools_json_root(answer);
        uint64_t next = isthmus_number(root, "next");
        bool full = tools_json_count(tools_json_get(root, "events")) > 0;
        print_events(root, json);
        if (!unknown)
            unknown = reason_unknown(root, reason);
        tools_json_close(answer);
        snprintf(extra, sizeof extra, "%s,\"after\":%" PRIu64, filter, next);
        if (once && !full)
            return unknown ? ISTHMUS_NOT_OK : ISTHMUS_OK;
        if (!once && !pause_open())
            return ISTHMUS_OK;
    }
}
