/*
 * isthmus peers: the other relays: who is there, who is behind, whose document differs.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/isthmus/isthmus.h"

static const char *const USAGE =
    "usage: isthmus peers " ISTHMUS_VIEW_OPTIONS "\n"
    "\n"
    "The relays of the network. BEHIND: records that it lacks and we have; AHEAD: the reverse.\n"
    "DOCUMENT: the version it runs, with '!' when its hash is not ours. FAILED/ASKS: pulls from it without an answer,\n"
    "and all. REFUSED: frames of it that were dropped; --json says why.\n";

/* Refused frames of a peer, all reasons together. */
static uint64_t refused(const struct tools_json *counts)
{
    uint64_t sum = 0;
    for (void *at = tools_json_first(counts); at; at = tools_json_next(counts, at))
        sum += isthmus_number(counts, tools_json_key(at));
    return sum;
}

static void add_peer(struct isthmus_table *table, const struct tools_json *peer, const char *own_hash)
{
    char time[24];
    bool up = tools_json_is_true(tools_json_get(peer, "up"));
    bool linked = tools_json_is_true(tools_json_get(peer, "linked"));
    const char *hash = isthmus_text(peer, "document_hash");
    uint64_t heard = isthmus_number(peer, "last_heard_ms");
    bool known = isthmus_number(peer, "document_version") != 0;

    isthmus_table_add(table, "%s", isthmus_text(peer, "relay"));
    isthmus_table_add(table, "%s", isthmus_text(peer, "zone"));
    isthmus_table_add(table, "%s", isthmus_text(peer, "operator"));
    isthmus_table_add(table, "%s", up ? "up" : linked ? "DOWN" : "not linked");
    isthmus_table_add(table, "%s",
                      tools_json_kind(tools_json_get(peer, "last_heard_ms")) == TOOLS_JSON_INTEGER
                          ? isthmus_duration(time, heard)
                          : "never");
    isthmus_table_add(table, "%" PRIu64, isthmus_number(peer, "behind"));
    isthmus_table_add(table, "%" PRIu64, isthmus_number(peer, "ahead"));
    if (known)
        isthmus_table_add(table, "%" PRIu64 "%s", isthmus_number(peer, "document_version"),
                          *own_hash && strcmp(hash, own_hash) != 0 ? "!" : "");
    else
        isthmus_table_add(table, "-");
    isthmus_table_add(table, "%" PRIu64, isthmus_number(peer, "bytes_in"));
    isthmus_table_add(table, "%" PRIu64 "/%" PRIu64, isthmus_number(peer, "asks_failed"), isthmus_number(peer, "asks"));
    isthmus_table_add(table, "%" PRIu64, refused(tools_json_get(peer, "refused")));
    isthmus_table_add(table, "%s",
                      isthmus_number(peer, "cut_off_ms") ? isthmus_duration(time, isthmus_number(peer, "cut_off_ms"))
                                                         : "");
}

/* The hash of this relay's own document, which `status` tells; empty when it does not. */
static void own_document(char out[65], const struct isthmus_view *view)
{
    const struct isthmus_view plain = {view->socket, view->config, false};
    struct tools_json_doc *answer;
    out[0] = '\0';
    if (isthmus_ask(&answer, &plain, "status", "") >= 0)
        return;
    snprintf(out, 65, "%s", isthmus_text(tools_json_get(tools_json_root(answer), "network"), "hash"));
    tools_json_close(answer);
}

int isthmus_peers(int argc, char **argv)
{
    static const char *const head[] = {"RELAY", "ZONE",     "OPERATOR", "STATE",       "HEARD",   "BEHIND",
                                       "AHEAD", "DOCUMENT", "BYTES IN", "FAILED/ASKS", "REFUSED", "CUT OFF FOR"};
    struct isthmus_view view;
    struct tools_json_doc *answer;
    int code = isthmus_view_options(&view, USAGE, argc, argv);
    if (code >= 0)
        return code;
    code = isthmus_ask(&answer, &view, "peers", "");
    if (code >= 0)
        return code;
    const struct tools_json *peers = tools_json_get(tools_json_root(answer), "peers");
    char own[65];
    own_document(own, &view);
    struct isthmus_table *table = isthmus_table_new(head, sizeof head / sizeof *head);
    for (size_t i = 0; i < tools_json_count(peers); i++)
        add_peer(table, tools_json_at(peers, i), own);
    isthmus_table_print(table);
    tools_json_close(answer);
    return ISTHMUS_OK;
}
