/*
 * isthmus sources: the connector processes and the nodes behind them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/isthmus/isthmus.h"

static const char *const USAGE =
    "usage: isthmus sources " ISTHMUS_VIEW_OPTIONS "\n"
    "\n"
    "The sources of this relay: heights that each node tells, the newest height on which "
    "enough of them agree, how much evidence\n"
    "of it proved nothing and why (the bytes lie in the folder `refused` of the relay's "
    "state), the gas\n"
    "account's balance and what it spent in 24 hours (of its spending-cap), and the "
    "connector process with how often it\n"
    "crashed. SAYS: its own last word, or why that process ended last. `no witness since N`: what other "
    "sources prove of that\n"
    "chain goes on without its word, for it did not say its header of height N in time.\n";

/* What the gas account spent in 24 hours, of what it may, and whether that stops it. */
static void add_spent(struct isthmus_table *table, const struct tools_json *account)
{
    const char *state = isthmus_text(account, "spending"), *cap = isthmus_text(account, "cap");
    const bool capped = cap[0] >= '0' && cap[0] <= '9';
    isthmus_table_add(table, "%s%s%s%s", isthmus_text(account, "spent"), capped ? " of " : "", capped ? cap : "",
                      strcmp(state, "near") == 0      ? " NEAR"
                      : strcmp(state, "stopped") == 0 ? " STOPPED"
                                                      : "");
}

static void add_source(struct isthmus_table *table, const struct tools_json *source)
{
    const struct tools_json *process = tools_json_get(source, "process"), *account = tools_json_get(source, "account");
    bool up = tools_json_is_true(tools_json_get(source, "up"));
    const char *says = isthmus_text(source, "text");
    char witness[48] = "";
    bool silent = says[0] == '\0' || strcmp(says, "-") == 0;
    isthmus_table_add(table, "%s", isthmus_text(source, "name"));
    isthmus_table_add(table, "%s", isthmus_text(source, "chain"));
    isthmus_table_add(table, "%s/%s/%s", isthmus_text(source, "operator_tag"), isthmus_text(source, "network_tag"),
                      isthmus_text(source, "software_tag"));
    if (isthmus_number(source, "silent"))
        snprintf(witness, sizeof witness, ", no witness since %" PRIu64, isthmus_number(source, "silent"));
    isthmus_table_add(table, "%s%s", up ? "up" : "DOWN", witness);
    isthmus_table_add(table, "%" PRIu64, isthmus_number(source, "newest"));
    isthmus_table_add(table, "%" PRIu64, isthmus_number(source, "final"));
    isthmus_table_add(table, "%" PRIu64, isthmus_number(source, "agreed"));
    isthmus_table_add(table, "%" PRIu64, isthmus_number(source, "contradictions"));
    isthmus_table_add(table, "%" PRIu64 "%s%s", isthmus_number(source, "refused"),
                      isthmus_number(source, "refused") ? " " : "",
                      isthmus_number(source, "refused") ? isthmus_text(source, "refused_reason") : "");
    isthmus_table_add(table, "%s%s", isthmus_text(source, "balance"),
                      tools_json_is_true(tools_json_get(account, "low")) ? " LOW" : "");
    add_spent(table, account);
    isthmus_table_add(table, "%s, %" PRIu64 " crashes", isthmus_text(process, "state"),
                      isthmus_number(process, "crashes"));
    /* Why its process ended last says more than silence does, also when it runs again. */
    const char *last = isthmus_text(process, "text");
    const bool ended = silent && isthmus_number(process, "crashes") > 0 && last[0] != '\0';
    isthmus_table_add(table, "%s%s", ended && up ? "ended last: " : "", ended ? last : says);
}

int isthmus_sources(int argc, char **argv)
{
    static const char *const head[] = {"SOURCE",  "CHAIN",      "OPERATOR/NETWORK/SOFTWARE",
                                       "STATE",   "NEWEST",     "FINAL",
                                       "AGREED",  "CONTRADICT", "REFUSED",
                                       "BALANCE", "SPENT",      "PROCESS",
                                       "SAYS"};
    struct isthmus_view view;
    struct tools_json_doc *answer;
    int code = isthmus_view_options(&view, USAGE, argc, argv);
    if (code >= 0)
        return code;
    code = isthmus_ask(&answer, &view, "sources", "");
    if (code >= 0)
        return code;
    struct isthmus_table *table = isthmus_table_new(head, sizeof head / sizeof *head);
    const struct tools_json *sources = tools_json_get(tools_json_root(answer), "sources");
    for (size_t i = 0; i < tools_json_count(sources); i++)
        add_source(table, tools_json_at(sources, i));
    if (tools_json_count(sources)) {
        isthmus_table_print(table);
    } else {
        isthmus_table_free(table);
        puts("this relay has no sources: it stores and forwards");
    }
    tools_json_close(answer);
    return ISTHMUS_OK;
}
