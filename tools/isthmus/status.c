/*
 * isthmus status: the operator's question first: what is not moving, since when, and which operator, source or relay it
 * waits for; then whose document differs. Exit code 1 when something needs somebody.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/isthmus/isthmus.h"

static const char *const USAGE = "usage: isthmus status " ISTHMUS_VIEW_OPTIONS "\n"
                                 "\n"
                                 "What is not moving, since when, and which operator, source or relay it waits for. "
                                 "Without --json the exit code is 1\n"
                                 "when the relay is not ready, its store, a source, a peer or the signer is down, a "
                                 "peer has another document, a lane\n"
                                 "is frozen, or a log has waited for over a minute.\n";

enum { PATIENCE_MS = 60000 };

/* A lane has three logs (messages, outcomes, settlement) and moves when they all do; logs are counted only where more of
 * them stand still than lanes do. */
static void print_lanes(const struct tools_json *lanes, const struct tools_json *logs)
{
    uint64_t waiting = isthmus_number(lanes, "waiting"), frozen = isthmus_number(lanes, "frozen");
    uint64_t still = isthmus_number(logs, "waiting") + isthmus_number(logs, "frozen");
    printf("lanes %" PRIu64 ": %" PRIu64 " moving, %" PRIu64 " waiting, %" PRIu64 " frozen",
           isthmus_number(lanes, "total"), isthmus_number(lanes, "moving"), waiting, frozen);
    if (still > waiting + frozen)
        printf(" (%" PRIu64 " of their %" PRIu64 " logs stand still)", still, isthmus_number(logs, "total"));
    putchar('\n');
}

/* Chains that prove their own headers: from where they are followed, and how long that lasts. */
static void print_trust(const struct tools_json *trust)
{
    for (size_t i = 0; i < tools_json_count(trust); i++) {
        const struct tools_json *one = tools_json_at(trust, i);
        uint64_t height = isthmus_number(one, "height"), left = isthmus_number(one, "left_s");
        uint64_t signer = isthmus_number(one, "signer_height");
        bool frozen = strcmp(isthmus_text(one, "attack"), "none") != 0;
        char time[24];
        printf("trust in %s: ", isthmus_text(one, "chain"));
        if (height == 0) {
            puts("not begun: no source gave the header under trust: in relay.yaml");
            continue;
        }
        printf("header %" PRIu64 ", ", height);
        if (left > 0)
            printf("good for %s; signer ", isthmus_duration(time, 1000 * left));
        else
            printf("its trusting period is over: give a newer one under trust: in relay.yaml; signer ");
        if (signer > 0)
            printf("%" PRIu64, signer);
        else
            printf("none");
        printf("%s%s\n", frozen ? "; frozen: " : "", frozen ? isthmus_text(one, "attack") : "");
        const struct tools_json *twice = tools_json_get(one, "double_vote");
        if (isthmus_number(one, "double_votes") > 0)
            printf("  double votes of validators: %" PRIu64 "; the last: %s (power %" PRIu64 " of %" PRIu64
                   ") at height %" PRIu64 "\n",
                   isthmus_number(one, "double_votes"), isthmus_text(twice, "validator"),
                   isthmus_number(twice, "power"), isthmus_number(twice, "total_power"),
                   isthmus_number(twice, "height"));
    }
}

static void print_head(const struct tools_json *root)
{
    const struct tools_json *network = tools_json_get(root, "network"), *store = tools_json_get(root, "store");
    const struct tools_json *signer = tools_json_get(root, "signer"), *sources = tools_json_get(root, "sources");
    const struct tools_json *peers = tools_json_get(root, "peers");
    bool ready = tools_json_is_true(tools_json_get(root, "ready"));
    bool draining = tools_json_is_true(tools_json_get(root, "draining"));
    bool store_ok = tools_json_is_true(tools_json_get(store, "ok"));
    char time[24];

    bool attests = tools_json_kind(tools_json_get(root, "operator")) == TOOLS_JSON_TEXT;
    printf("relay %s (%s%s): %s for %s, pid %" PRIu64 ", isthmusd %s\n", isthmus_text(root, "relay"),
           attests ? "operator " : "no operator", attests ? isthmus_text(root, "operator") : "",
           draining ? "draining"
           : ready  ? "ready"
                    : "starting",
           isthmus_duration(time, isthmus_number(root, "uptime_ms")), isthmus_number(root, "pid"),
           isthmus_text(root, "version"));
    printf("network %s version %" PRIu64 ", document %.16s\n", isthmus_text(network, "name"),
           isthmus_number(network, "version"), isthmus_text(network, "hash"));
    printf("store %s, signer %s, sources %" PRIu64 "/%" PRIu64 ", peers %" PRIu64 "/%" PRIu64 "\n",
           store_ok ? "ok" : isthmus_text(store, "status"),
           tools_json_kind(signer) == TOOLS_JSON_NONE ? "none" : isthmus_text(signer, "state"),
           isthmus_number(sources, "up"), isthmus_number(sources, "total"), isthmus_number(peers, "up"),
           isthmus_number(peers, "total"));
    print_trust(tools_json_get(root, "trust"));
    print_lanes(tools_json_get(root, "lanes"), tools_json_get(root, "logs"));
    if (isthmus_number(peers, "other_document"))
        printf("%" PRIu64 " of the peers run another network document: isthmus peers\n",
               isthmus_number(peers, "other_document"));
}

/* Why somebody is needed, in one line; true when nobody is. patient: no log has waited for over a minute. */
static bool print_needs(const struct tools_json *root, bool patient)
{
    const struct tools_json *signer = tools_json_get(root, "signer"), *sources = tools_json_get(root, "sources");
    const struct tools_json *peers = tools_json_get(root, "peers");
    const struct {
        bool well;
        const char *text;
    } needs[] = {
        {tools_json_is_true(tools_json_get(root, "ready")) && !tools_json_is_true(tools_json_get(root, "draining")),
         "the relay is not ready"},
        {tools_json_is_true(tools_json_get(tools_json_get(root, "store"), "ok")),
         "the store failed (the log says how)"},
        {tools_json_kind(signer) == TOOLS_JSON_NONE || strcmp(isthmus_text(signer, "state"), "up") == 0,
         "the signer is down (the log says why)"},
        {isthmus_number(sources, "up") == isthmus_number(sources, "total"), "a source is down (isthmus sources)"},
        {isthmus_number(peers, "up") == isthmus_number(peers, "total"), "a peer is down (isthmus peers)"},
        {isthmus_number(peers, "other_document") == 0, "a peer has another document (isthmus peers)"},
        {isthmus_number(tools_json_get(root, "lanes"), "frozen") == 0, "a lane is frozen (the log says why)"},
        {patient, "a log has waited for over a minute"}};
    size_t found = 0;
    for (size_t i = 0; i < sizeof needs / sizeof *needs; i++)
        if (!needs[i].well)
            printf("%s%s", found++ ? ", " : "\nsomebody is needed: ", needs[i].text);
    fputs(found ? "\n" : "", stdout);
    return found == 0;
}

/* What stands still, longest first, as the daemon gives it. */
static bool print_waiting(const struct tools_json *waiting)
{
    static const char *const head[] = {"LANE", "LOG", "SINCE", "AT", "WAITS FOR"};
    struct isthmus_table *table = isthmus_table_new(head, 5);
    bool patient = true;
    for (size_t i = 0; i < tools_json_count(waiting); i++) {
        const struct tools_json *log = tools_json_at(waiting, i);
        char time[24];
        isthmus_table_add(table, "%s", isthmus_text(log, "lane"));
        isthmus_table_add(table, "%s", isthmus_text(log, "kind"));
        isthmus_table_add(table, "%s", isthmus_duration(time, isthmus_number(log, "since_ms")));
        isthmus_table_add(table, "%" PRIu64 " of %" PRIu64, isthmus_number(log, "settled"),
                          isthmus_number(log, "newest_seen"));
        isthmus_table_add(table, "%s%s", isthmus_text(log, "cause"), isthmus_waits_for(log).text);
        patient = patient && isthmus_number(log, "since_ms") < PATIENCE_MS;
    }
    printf("\n%s\n", isthmus_table_rows(table) ? "what is not moving (AT: settled of newest seen):"
                                               : "no log waits for anything");
    if (isthmus_table_rows(table))
        isthmus_table_print(table);
    else
        isthmus_table_free(table);
    return patient;
}

static void print_counters(const struct tools_json *counters)
{
    static const char *const head[] = {"REASON", "COUNT"};
    struct isthmus_table *table = isthmus_table_new(head, 2);
    for (void *at = tools_json_first(counters); at; at = tools_json_next(counters, at)) {
        isthmus_table_add(table, "%s", tools_json_key(at));
        isthmus_table_add(table, "%" PRIu64, isthmus_number(counters, tools_json_key(at)));
    }
    if (isthmus_table_rows(table) == 0) {
        isthmus_table_free(table);
        return;
    }
    puts("\nnoted since the start:");
    isthmus_table_print(table);
}

int isthmus_status(int argc, char **argv)
{
    struct isthmus_view view;
    struct tools_json_doc *answer;
    int code = isthmus_view_options(&view, USAGE, argc, argv);
    if (code < 0)
        code = isthmus_ask(&answer, &view, "status", "");
    else
        return code;
    if (code >= 0)
        return code;
    const struct tools_json *root = tools_json_root(answer);
    print_head(root);
    bool well = print_needs(root, print_waiting(tools_json_get(root, "waiting")));
    print_counters(tools_json_get(root, "counters"));
    tools_json_close(answer);
    return well ? ISTHMUS_OK : ISTHMUS_NOT_OK;
}
