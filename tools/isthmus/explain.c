/*
 * isthmus explain LANE/SEQUENCE: the whole story of one message as this relay knows it, what it waits for and who can act.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/isthmus/isthmus.h"

static const char *const USAGE = "usage: isthmus explain LANE/SEQUENCE " ISTHMUS_VIEW_OPTIONS "\n"
                                 "\n"
                                 "The story of one message as this relay knows it. LANE: its name or its id. Exit code "
                                 "1 when it was never heard of here.\n";

/* A value on one line; lists of values are joined by blanks. */
static void print_value(const struct tools_json *node)
{
    struct tools_json_doc *scratch;
    switch (tools_json_kind(node)) {
    case TOOLS_JSON_TEXT: {
        struct bytes text = tools_json_text(NULL, node, "");
        for (size_t i = 0; i < text.len; i++)
            putchar(text.data[i] < ' ' || text.data[i] == 0x7f ? '?' : text.data[i]);
        break;
    }
    case TOOLS_JSON_INTEGER:
        scratch = tools_json_adopt("answer", NULL);
        printf("%" PRIu64, tools_json_u64(scratch, node, ""));
        tools_json_close(scratch);
        break;
    case TOOLS_JSON_OTHER: fputs(tools_json_is_true(node) ? "yes" : "no", stdout); break;
    case TOOLS_JSON_NONE: putchar('-'); break;
    case TOOLS_JSON_ARRAY:
        for (size_t i = 0; i < tools_json_count(node); i++) {
            fputs(i ? " " : "", stdout);
            print_value(tools_json_at(node, i));
        }
        break;
    case TOOLS_JSON_OBJECT:
        for (void *at = tools_json_first(node); at; at = tools_json_next(node, at)) {
            printf("%s ", tools_json_key(at));
            print_value(tools_json_value(at));
            fputs("  ", stdout);
        }
        break;
    }
}

/* The daemon's own words first, then every field, in its order. */
static void print_story(const struct tools_json *root, const char *lane, uint64_t sequence)
{
    printf("%s/%" PRIu64 ": %s\n", lane, sequence, isthmus_text(root, "stage"));
    if (tools_json_kind(tools_json_get(root, "text")) == TOOLS_JSON_TEXT)
        printf("%s\n", isthmus_text(root, "text"));
    puts("");
    for (void *at = tools_json_first(root); at; at = tools_json_next(root, at)) {
        const char *key = tools_json_key(at);
        if (strcmp(key, "ok") == 0 || strcmp(key, "text") == 0 || strcmp(key, "stage") == 0)
            continue;
        if (tools_json_kind(tools_json_value(at)) == TOOLS_JSON_NONE)
            continue;
        printf("  %-20s ", key);
        print_value(tools_json_value(at));
        puts("");
    }
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
