/*
 * isthmus lanes: every lane, and how far each of its logs is.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/isthmus/isthmus.h"

static const char *const USAGE =
    "usage: isthmus lanes " ISTHMUS_VIEW_OPTIONS "\n"
    "\n"
    "Every lane and its logs: message (outbox to inbox), outcome (inbox to outbox), settlement. Numbers are the last\n"
    "sequence or entry that reached each mark here, '-' where no source of this relay shows it: it proves and attests\n"
    "what is written on chains of which it has sources, and sees deliveries there. WINDOW is bytes in use of the "
    "window.\n";

/* True when this relay has a source of the chain. */
static bool served(const struct tools_json *sources, const char *chain)
{
    for (size_t i = 0; i < tools_json_count(sources); i++)
        if (strcmp(isthmus_text(tools_json_at(sources, i), "chain"), chain) == 0)
            return true;
    return false;
}

/* Where this relay has sources: of the chain where a log is written, and of the chain to which its records go. */
struct sight {
    bool home, target;
};

static struct sight sight_of(const struct tools_json *sources, const struct tools_json *lane,
                             const struct tools_json *log)
{
    bool source = served(sources, isthmus_text(lane, "source"));
    bool destination = served(sources, isthmus_text(lane, "destination"));
    const char *kind = isthmus_text(log, "kind");
    if (strcmp(kind, "message") == 0)
        return (struct sight){source, destination};
    if (strcmp(kind, "outcome") == 0)
        return (struct sight){destination, source};
    return (struct sight){source, false}; /* settlement: nobody delivers it */
}

static void add_log(struct isthmus_table *table, const char *lane, const char *state, const struct tools_json *log,
                    struct sight sight)
{
    const struct {
        const char *key;
        bool seen;
    } marks[] = {{"newest_seen", true}, {"proven", sight.home},      {"stored", true}, {"attested", sight.home},
                 {"certified", true},   {"delivered", sight.target}, {"settled", true}};
    char time[24];
    isthmus_table_add(table, "%s", lane);
    isthmus_table_add(table, "%s", state);
    isthmus_table_add(table, "%s", isthmus_text(log, "kind"));
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        uint64_t mark = isthmus_number(log, marks[i].key);
        if (mark || marks[i].seen)
            isthmus_table_add(table, "%" PRIu64, mark);
        else
            isthmus_table_add(table, "-");
    }
    isthmus_table_add(table, "%" PRIu64 "/%" PRIu64, isthmus_number(log, "window_used"), isthmus_number(log, "window"));
    if (tools_json_is_true(tools_json_get(log, "frozen")))
        isthmus_table_add(table, "FROZEN: %s", isthmus_text(log, "cause"));
    else if (isthmus_number(log, "since_ms") && isthmus_waits(log))
        isthmus_table_add(table, "%s%s for %s", isthmus_text(log, "cause"), isthmus_waits_for(log).text,
                          isthmus_duration(time, isthmus_number(log, "since_ms")));
    isthmus_table_end_row(table);
}

int isthmus_lanes(int argc, char **argv)
{
    static const char *const head[] = {"LANE",     "STATE",     "LOG",       "SEEN",    "PROVEN", "STORED",
                                       "ATTESTED", "CERTIFIED", "DELIVERED", "SETTLED", "WINDOW", "WAITS FOR"};
    struct isthmus_view view;
    struct tools_json_doc *answer, *other = NULL;
    int code = isthmus_view_options(&view, USAGE, argc, argv);
    if (code >= 0)
        return code;
    code = isthmus_ask(&answer, &view, "lanes", "");
    if (code >= 0)
        return code;
    if (isthmus_ask(&other, &view, "sources", "") >= 0)
        other = NULL;
    const struct tools_json *sources = other ? tools_json_get(tools_json_root(other), "sources") : NULL;
    struct isthmus_table *table = isthmus_table_new(head, sizeof head / sizeof *head);
    const struct tools_json *lanes = tools_json_get(tools_json_root(answer), "lanes");
    for (size_t i = 0; i < tools_json_count(lanes); i++) {
        const struct tools_json *lane = tools_json_at(lanes, i), *logs = tools_json_get(lane, "logs");
        for (size_t j = 0; j < tools_json_count(logs); j++)
            add_log(table, j ? "" : isthmus_text(lane, "name"), j ? "" : isthmus_text(lane, "state"),
                    tools_json_at(logs, j), sight_of(sources, lane, tools_json_at(logs, j)));
    }
    isthmus_table_print(table);
    tools_json_close(other);
    tools_json_close(answer);
    return ISTHMUS_OK;
}
