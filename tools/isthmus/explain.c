/*
 * isthmus explain LANE/SEQUENCE: the whole story of one message as this relay knows it, what it waits for and who can act.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/isthmus/isthmus.h"

static const char *const USAGE = "usage: isthmus explain LANE/SEQUENCE " ISTHMUS_VIEW_OPTIONS "\n"
                                 "\n"
                                 "The story of one message as this relay knows it. LANE: its name or its id. Without "
                                 "--json the exit code is\n"
                                 "1 when it was never heard of here.\n";

static bool is(const struct tools_json *root, const char *key)
{
    return tools_json_is_true(tools_json_get(root, key));
}

/* One step of the story: a mark that is set or not, and what is known about it. */
static void step(bool reached, const char *name, const char *about)
{
    printf("  %s %-10s %s\n", reached ? "[x]" : "[ ]", name, about);
}

static void tell_stored(const struct tools_json *root)
{
    char about[160] = "its record is not here", when[40];
    time_t seconds = (time_t)(isthmus_number(root, "stored_at_ms") / 1000);
    struct tm utc;
    if (is(root, "stored")) {
        if (seconds && gmtime_r(&seconds, &utc) && strftime(when, sizeof when, " at %Y-%m-%dT%H:%M:%SZ", &utc))
            snprintf(about, sizeof about, "brought by %s%s", isthmus_text(root, "brought_by"), when);
        else
            snprintf(about, sizeof about, "brought by %s", isthmus_text(root, "brought_by"));
    }
    step(is(root, "stored"), "stored", about);
}

static void tell_certified(const struct tools_json *root)
{
    const struct tools_json *signers = tools_json_get(root, "signers");
    char about[512];
    snprintf(about, sizeof about, "signed by");
    for (size_t i = 0; i < tools_json_count(signers); i++) {
        const struct tools_json *one = tools_json_at(signers, i);
        size_t at = strlen(about);
        if (tools_json_kind(one) == TOOLS_JSON_TEXT)
            snprintf(about + at, sizeof about - at, " %s", (const char *)tools_json_text(NULL, one, "").data);
    }
    size_t at = strlen(about);
    snprintf(about + at, sizeof about - at, "%s; %" PRIu64 " are needed",
             tools_json_count(signers) ? "" : " nobody yet", isthmus_number(root, "quorum"));
    at = strlen(about);
    if (isthmus_number(root, "certified_head"))
        snprintf(about + at, sizeof about - at, "; head %" PRIu64 " covers it", isthmus_number(root, "certified_head"));
    step(is(root, "certified"), "certified", about);
}

/* Mark after mark, then what it waits for. */
static void print_story(const struct tools_json *root, const char *lane, uint64_t sequence)
{
    bool settled = is(root, "settled");
    char about[160], time[24];

    printf("%s/%" PRIu64 ": %s\n\n", lane, sequence,
           strcmp(isthmus_text(root, "stage"), "unknown") == 0 ? "never heard of here" : isthmus_text(root, "stage"));
    step(is(root, "seen"), "seen", "a source or a signed head named it");
    tell_stored(root);
    step(is(root, "proven"), "proven", is(root, "proven") ? "by this relay itself" : "not by this relay");
    step(is(root, "attested"), "attested",
         is(root, "attested") ? "this relay's operator signed past it" : "not by this relay");
    tell_certified(root);
    step(is(root, "delivered") || settled, "delivered",
         settled ? "its outcome came back" : "as this relay's sources show the inbox");
    bool known = tools_json_kind(tools_json_get(root, "outcome")) == TOOLS_JSON_TEXT;
    snprintf(about, sizeof about, "%s%s%s", settled ? "outcome " : "",
             !settled ? ""
             : known  ? isthmus_text(root, "outcome")
                      : "not known here: settled while this relay was away, or too long ago; ask another relay",
             is(root, "pruned") ? "; its record is pruned here" : "");
    step(settled, "settled", about);
    if (!settled && is(root, "seen") && isthmus_waits(root))
        printf("\n  waits for  %s%s (for %s)\n  can act    %s\n", isthmus_text(root, "cause"),
               isthmus_waits_for(root).text, isthmus_duration(time, isthmus_number(root, "since_ms")),
               isthmus_text(root, "who"));
    const char *digest = isthmus_text(root, "digest");
    if (strspn(digest, "0-") != strlen(digest))
        printf("\n  digest     %s\n", digest);
}

/* LANE/SEQUENCE, both checked, so that they can stand in a request as they are. */
static bool split(char lane[80], uint64_t *sequence, const char *text)
{
    const char *slash = strrchr(text, '/');
    size_t len = slash ? (size_t)(slash - text) : 0;
    char *end;
    if (len == 0 || len >= 80 || slash[1] < '0' || slash[1] > '9')
        return false;
    memcpy(lane, text, len);
    lane[len] = '\0';
    *sequence = strtoull(slash + 1, &end, 10);
    return *end == '\0' && *sequence > 0 && strspn(lane, "abcdefghijklmnopqrstuvwxyzABCDEF0123456789-") == len;
}

int isthmus_explain(int argc, char **argv)
{
    struct isthmus_view view = {0};
    const struct isthmus_option options[] = {{"--socket", &view.socket, NULL},
                                             {"--config", &view.config, NULL},
                                             {"--json", NULL, &view.json},
                                             {NULL, NULL, NULL}};
    struct tools_json_doc *answer;
    char lane[80], extra[160];
    uint64_t sequence;
    int left, code = isthmus_options(options, USAGE, argc, argv, &left);
    if (code >= 0)
        return code;
    if (left != 1 || !split(lane, &sequence, argv[1]))
        return isthmus_misused(USAGE, "explain takes LANE/SEQUENCE, like east-to-west/17");
    snprintf(extra, sizeof extra, ",\"lane\":\"%s\",\"sequence\":%" PRIu64, lane, sequence);
    code = isthmus_ask(&answer, &view, "explain", extra);
    if (code >= 0)
        return code;
    const struct tools_json *root = tools_json_root(answer), *found = tools_json_get(root, "found");
    code = tools_json_kind(found) == TOOLS_JSON_NONE || tools_json_is_true(found) ? ISTHMUS_OK : ISTHMUS_NOT_OK;
    print_story(root, lane, sequence);
    tools_json_close(answer);
    return code;
}
