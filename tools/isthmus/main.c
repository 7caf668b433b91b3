/*
 * isthmus: the operator's command. A table of subcommands, one file each; every view has --json.
 */
#include <stdio.h>
#include <string.h>

#include "tools/isthmus/isthmus.h"
#include "tools/verify/verify.h"

static int version(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    puts("isthmus " ISTHMUS_VERSION);
    return ISTHMUS_OK;
}

static const struct isthmus_command commands[] = {
    {"init", isthmus_init, "make a folder with a commented relay.yaml and fresh keys"},
    {"keys", isthmus_keys, "make key files and look at them: new, show, list"},
    {"network", isthmus_network, "the network document: new-root, sign, verify, hash, show, contracts"},
    {"config", isthmus_config, "check: everything that is wrong with relay.yaml and its document"},
    {"status", isthmus_status, "what is not moving, since when, and what it waits for"},
    {"lanes", isthmus_lanes, "every lane and how far its logs are"},
    {"peers", isthmus_peers, "the relays: who is there, who is behind, whose document differs"},
    {"sources", isthmus_sources, "the connectors and the nodes behind them"},
    {"explain", isthmus_explain, "the whole story of one message: explain LANE/SEQUENCE"},
    {"tail", isthmus_tail, "events as they happen, by lane, reason and level"},
    {"top", isthmus_top, "the relay at a glance, again and again"},
    {"decode", isthmus_decode, "read a frame, evidence or a store, offline, field by field"},
    {"verify", tools_verify_main, "run a verifier on files, offline"},
    {"version", version, "print the version"},
    {"--version", version, NULL},
};

int isthmus_dispatch(const struct isthmus_command *table, size_t len, const char *title, int argc, char **argv)
{
    const char *asked = argc > 1 ? argv[1] : NULL;
    bool help = asked && (strcmp(asked, "--help") == 0 || strcmp(asked, "-h") == 0 || strcmp(asked, "help") == 0);

    for (size_t i = 0; asked && i < len; i++)
        if (strcmp(table[i].name, asked) == 0)
            return table[i].run(argc - 1, argv + 1);
    FILE *out = help ? stdout : stderr;
    if (asked && !help)
        fprintf(out, "isthmus: '%s' is no command\n\n", asked);
    fprintf(out, "%s\n\n", title);
    for (size_t i = 0; i < len && table[i].summary; i++)
        fprintf(out, "  %-10s %s\n", table[i].name, table[i].summary);
    fputs(
        "\nEach says more with --help. Exit codes: 0 well, 1 not well, 2 wrong call, 3 the daemon cannot be reached.\n",
        out);
    return help ? ISTHMUS_OK : ISTHMUS_USAGE;
}

int main(int argc, char **argv)
{
    return isthmus_dispatch(commands, sizeof commands / sizeof *commands, "usage: isthmus COMMAND ...", argc, argv);
}
