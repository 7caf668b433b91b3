/*
 * isthmus lanes: every lane, and how far each of its logs is.
 */
#include <inttypes.h>
#include <stdio.h>

#include "tools/isthmus/isthmus.h"

static const char *const USAGE =
    "usage: isthmus lanes " ISTHMUS_VIEW_OPTIONS "\n"
    "\n"
    "Every lane and its logs: message (outbox to inbox), outcome (inbox to outbox), settlement. Numbers are the last\n"
    "sequence or entry that reached each mark here; WINDOW is bytes in use of the window.\n";

static void add_log(struct isthmus_table *table, const char *lane, const char *state, const struct tools_json *log)
{
    static const char *const marks[] = {"newest_seen", "proven",    "stored", "attested",
                                        "certified",   "delivered", "settled"};
    char time[24];
    isthmus_table_add(table, "%s", lane);
    isthmus_table_add(table, "%s", state);
    isthmus_table_add(table, "%s", isthmus_text(log, "kind"));
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        isthmus_table_add(table, "%" PRIu64, isthmus_number(log, marks[i]));
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
    struct tools_json_doc *answer;
    int code = isthmus_view_options(&view, USAGE, argc, argv);
    if (code >= 0)
        return code;
    code = isthmus_ask(&answer, &view, "lanes", "");
    if (code >= 0)
        return code;
    struct isthmus_table *table = isthmus_table_new(head, sizeof head / sizeof *head);
    const struct tools_json *lanes = tools_json_get(tools_json_root(answer), "lanes");
    for (size_t i = 0; i < tools_json_count(lanes); i++) {
        const struct tools_json *lane = tools_json_at(lanes, i), *logs = tools_json_get(lane, "logs");
        for (size_t j = 0; j < tools_json_count(logs); j++)
            add_log(table, j ? "" : isthmus_text(lane, "name"), j ? "" : isthmus_text(lane, "state"),
                    tools_json_at(logs, j));
    }
    isthmus_table_print(table);
    tools_json_close(answer);
    return ISTHMUS_OK;
}
