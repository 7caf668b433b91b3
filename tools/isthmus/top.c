/*
 * isthmus top: the relay at a glance, again and again: what waits, how fast the lanes move, who is there.
 */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/isthmus/isthmus.h"

enum { LANES_MAX = 4096 };

static const char *const USAGE =
    "usage: isthmus top [--every SECONDS] [--rounds N] [--socket PATH | --config FILE]\n"
    "\n"
    "A live view: health, what waits and who can act, and for each lane how many messages are seen, certified and "
    "settled\n"
    "and how many settle a second. Ctrl-C, or q and Enter, ends it; with --rounds it ends by itself.\n";

struct speed {
    uint64_t settled[LANES_MAX];
    bool known;
};

static void print_health(const struct tools_json *root)
{
    const struct tools_json *sources = tools_json_get(root, "sources"), *peers = tools_json_get(root, "peers");
    const struct tools_json *store = tools_json_get(root, "store");
    char time[24];
    printf("%s  up %s  sources %" PRIu64 "/%" PRIu64 "  peers %" PRIu64 "/%" PRIu64 "  store %s, %" PRIu64
           " bytes wait\n",
           isthmus_text(root, "relay"), isthmus_duration(time, isthmus_number(root, "uptime_ms")),
           isthmus_number(sources, "up"), isthmus_number(sources, "total"), isthmus_number(peers, "up"),
           isthmus_number(peers, "total"), isthmus_text(store, "status"), isthmus_number(store, "queued_bytes"));
    printf("%s\n", isthmus_text(root, "health"));
}

static void print_lanes(const struct tools_json *lanes, struct speed *speed, double seconds)
{
    static const char *const head[] = {"LANE", "SEEN", "CERTIFIED", "SETTLED", "PENDING", "SETTLED/S", "WAITS FOR"};
    struct isthmus_table *table = isthmus_table_new(head, sizeof head / sizeof *head);
    for (size_t i = 0; i < tools_json_count(lanes) && i < LANES_MAX; i++) {
        const struct tools_json *lane = tools_json_at(lanes, i);
        const struct tools_json *log = tools_json_at(tools_json_get(lane, "logs"), 0);
        uint64_t settled = isthmus_number(log, "settled"), seen = isthmus_number(log, "newest_seen");
        char time[24];
        isthmus_table_add(table, "%s", isthmus_text(lane, "name"));
        isthmus_table_add(table, "%" PRIu64, seen);
        isthmus_table_add(table, "%" PRIu64, isthmus_number(log, "certified"));
        isthmus_table_add(table, "%" PRIu64, settled);
        isthmus_table_add(table, "%" PRIu64, seen > settled ? seen - settled : 0);
        if (speed->known && settled >= speed->settled[i])
            isthmus_table_add(table, "%.1f", (double)(settled - speed->settled[i]) / seconds);
        else
            isthmus_table_add(table, "-");
        if (isthmus_waits(log))
            isthmus_table_add(table, "%s%s (%s)", isthmus_text(log, "cause"), isthmus_waits_for(log).text,
                              isthmus_duration(time, isthmus_number(log, "since_ms")));
        isthmus_table_end_row(table);
        speed->settled[i] = settled;
    }
    speed->known = true;
    isthmus_table_print(table);
}

/* One picture. -1: go on. */
static int show(const struct isthmus_view *view, struct speed *speed, double seconds, bool clear)
{
    struct tools_json_doc *status, *lanes;
    int code = isthmus_ask(&status, view, "status", "");
    if (code >= 0)
        return code;
    code = isthmus_ask(&lanes, view, "lanes", "");
    if (code < 0) {
        if (clear)
            fputs("\033[H\033[2J", stdout);
        print_health(tools_json_root(status));
        print_lanes(tools_json_get(tools_json_root(lanes), "lanes"), speed, seconds);
        fflush(stdout);
        tools_json_close(lanes);
    }
    tools_json_close(status);
    return code;
}

/* Waits for the next picture; true when the user asked for the end. */
static bool asked_to_end(int ms)
{
    struct pollfd in = {.fd = 0, .events = POLLIN};
    char text[64] = "";
    bool terminal = isatty(0) == 1;
    if (poll(&in, terminal ? 1 : 0, ms) <= 0 || read(0, text, sizeof text - 1) <= 0)
        return false;
    return text[0] == 'q' || text[0] == 'Q';
}

int isthmus_top(int argc, char **argv)
{
    struct isthmus_view view = {0};
    const char *every = "2", *rounds = "0";
    const struct isthmus_option options[] = {{"--socket", &view.socket, NULL},
                                             {"--config", &view.config, NULL},
                                             {"--every", &every, NULL},
                                             {"--rounds", &rounds, NULL},
                                             {NULL, NULL, NULL}};
    char *end, *end_rounds;
    int left, code = isthmus_options(options, USAGE, argc, argv, &left);
    double seconds = strtod(every, &end);
    unsigned long count = strtoul(rounds, &end_rounds, 10);
    if (code >= 0)
        return code;
    if (left || *end || *end_rounds || !(seconds >= 0.2 && seconds <= 3600))
        return isthmus_misused(USAGE, "top takes --every SECONDS from 0.2 to 3600, and --rounds N");
    struct speed *speed = calloc(1, sizeof *speed);
    if (!speed)
        return isthmus_failed("no memory");
    for (unsigned long round = 1; code < 0; round++) {
        code = show(&view, speed, seconds, isatty(1) == 1);
        if (code < 0 && (round == count || asked_to_end((int)(seconds * 1000))))
            code = ISTHMUS_OK;
    }
    free(speed);
    return code;
}
