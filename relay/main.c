/*
 * isthmusd: one relay. The whole object graph is in run(); everything else here is the command line.
 *
 * Exit codes: 0 stopped by a signal or asked for help, 1 failed, 2 configuration, 3 store, 4 cut off from its peers over TLS (mesh-deaf), 64 wrong command line.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "proofs/codec/hex.h"
#include "relay/edge/fault.h"
#include "relay/edge/log.h"
#include "relay/edge/relay.h"
#include "relay/edge/sandbox.h"
#include "relay/edge/signer.h"
#include "relay/edge/source.h"
#include "relay/edge/thaw.h"

static const char USAGE[] =
    "isthmusd --config FILE [--dev]      run one relay\n"
    "isthmusd --config FILE --check      check configuration and network document, then end\n"
    "isthmusd --config FILE -x guard [LOG]   show the signer's guard; with a log id: thaw that log (signer stopped)\n"
    "isthmusd --config FILE -x guard LOG:NUMBER:RUNNING   adopt that head as the signer's last word (guard lost)\n"
    "isthmusd --config FILE -x thaw [CHAIN|LANE]   show what is frozen; with a name: thaw it (relay stopped)\n"
    "isthmusd --version | --help\n"
    "\n"
    "--dev permits chains with one source or one attesting operator, and connectors without program_hash;\n"
    "'dev: true' in FILE permits unencrypted tcp:// links as well. Never with anything of value.\n"
    "-x signer and -x connector [--hash HEX] [--read PATH]... PROGRAM are how it starts its own children, on "
    "descriptor 3.\n"
    "SIGTERM, SIGINT: stop in order. SIGHUP: read the configuration again.\n"
    "Exit codes: 0 stopped or nothing to complain about, 1 failed, 2 configuration, 3 store, 4 mesh-deaf: start it "
    "again, 64 command line.\n";

struct arguments {
    const char *config, *mode, *hash, *rest;
    const char *readable[EDGE_SOURCE_READABLE_MAX + 2]; /* the program itself comes last, then NULL */
    size_t readable_len;
    bool dev, check;
    const char *wrong; /* why the command line cannot be taken */
};

enum {
    HEAP_MAPPED = 1 << 20, /* bytes: from here on a block is mapped, and goes back to the system when it is freed */
    HEAP_KEPT = 512 << 10  /* bytes at the end of an arena: two of the largest frames */
};

/* glibc raises both limits to whatever large block was freed once: what the store needs when it opens and compacts a long history
 * would stay with us for good. Frames stay below, so nothing is mapped per message. */
static void heap_bound(void)
{
    mallopt(M_MMAP_THRESHOLD, HEAP_MAPPED);
    mallopt(M_TRIM_THRESHOLD, HEAP_KEPT);
}

/* The object graph: who is made of what, and in which order. */
static int run(const struct config_relay *config, const struct topology_network *network)
{
    struct edge_relay relay;
    char why[512] = "";
    int code = EDGE_RELAY_EXIT_FAILED;
    heap_bound();
    if (!edge_relay_init(&relay, config, network, why, sizeof(why))) /* loop, signals */
        goto out;
    if (!edge_relay_open_store(&relay, why, sizeof(why))) { /* RocksDB */
        code = EDGE_RELAY_EXIT_STORE;
        goto out;
    }
    if (!edge_relay_open_core(&relay, why, sizeof(why)) ||     /* core; writer over the store; verification threads */
        !edge_relay_open_mesh(&relay, why, sizeof(why)) ||     /* frames from and to other relays */
        !edge_relay_open_children(&relay, why, sizeof(why)) || /* a connector process a source; the signer process */
        !edge_relay_open_control(&relay, why, sizeof(why)) ||  /* unix socket for the operator */
        !edge_relay_open_http(&relay, why, sizeof(why)))       /* figures for monitors */
        goto out;
    if (!edge_sandbox_whole())
        edge_log(RELAY_WARNING, "sandbox-weak", config->relay,
                 "this kernel has no Landlock: connectors may read what this user may, keys and passphrases too; run a "
                 "kernel that has it, or isthmusd on a machine without other secrets");
    code = edge_relay_run(&relay);
out:
    if (why[0] != '\0')
        edge_log(RELAY_ALARM, "start-failed", config->relay, "%s", why);
    relay.exit_code = code;
    edge_relay_fini(&relay);
    return code;
}

/* -x connector [--hash HEX] [--read PATH]… PROGRAM: becomes that program, in its sandbox. */
static int connector(struct arguments *arguments)
{
    uint8_t hash[32];
    char why[512];
    if (arguments->rest == NULL ||
        (arguments->hash != NULL &&
         !codec_hex_decode_exact(hash, sizeof(hash), arguments->hash, strlen(arguments->hash)))) {
        fputs(USAGE, stderr);
        return EX_USAGE;
    }
    char *program = strdup(arguments->rest);
    char *argv[] = {program, NULL};
    for (size_t i = 0; i < arguments->readable_len; i++) {
        if (access(arguments->readable[i], F_OK) != 0)
            edge_log(RELAY_WARNING, "connector-readable", arguments->rest, "%s: %s; it will not be readable",
                     arguments->readable[i], strerror(errno));
    }
    arguments->readable[arguments->readable_len] = arguments->rest;
    int code = edge_sandbox_run(arguments->rest, argv, arguments->hash != NULL ? hash : NULL, arguments->readable, why,
                                sizeof(why));
    edge_log(RELAY_ALARM, "connector-refused", arguments->rest, "%s", why);
    free(program);
    return code;
}

/* Before anything else: a test that misspells its fault must not pass. */
static bool fault_armed(const struct arguments *arguments)
{
    char text[EDGE_FAULT_TEXT];
    if (edge_fault_arm(arguments->mode == NULL ? EDGE_FAULT_RELAY : EDGE_FAULT_SIGNER, text, sizeof(text)))
        return true;
    fprintf(stderr, "%s\n", text);
    return false;
}

static int configured(const struct arguments *arguments)
{
    struct config_relay config;
    struct config_problems *problems = calloc(1, sizeof(*problems));
    struct topology_network *network = NULL;
    int code = EDGE_RELAY_EXIT_CONFIG;
    if (problems == NULL)
        return EDGE_RELAY_EXIT_FAILED;
    bool good = config_relay_load(&config, arguments->config, problems);
    config.dev_option = arguments->dev;
    config.dev = config.dev || arguments->dev;
    if (good)
        network = config_network_accept(&config, problems);
    if (network == NULL) {
        config_problems_print(problems, stderr);
    } else if (arguments->check) {
        printf("%s: good; network %s version %llu\n", arguments->config, network->name,
               (unsigned long long)network->version);
        code = EDGE_RELAY_EXIT_OK;
    } else {
        edge_log_level((enum relay_level)config.log_level);
        if (arguments->mode == NULL)
            code = run(&config, network);
        else if (strcmp(arguments->mode, "signer") == 0)
            code = edge_signer_main(&config, network, 3);
        else if (strcmp(arguments->mode, "thaw") == 0)
            code = edge_thaw_main(&config, network, arguments->rest, stdout);
        else
            code = edge_signer_guard_main(&config, network, arguments->rest, stdout);
    }
    topology_network_free(network);
    config_relay_free(&config);
    free(problems);
    return code;
}

static bool arguments_read(struct arguments *out, int argc, char **argv)
{
    *out = (struct arguments){0};
    for (int i = 1; i < argc; i++) {
        const char **value = strcmp(argv[i], "--config") == 0 ? &out->config
                             : strcmp(argv[i], "-x") == 0     ? &out->mode
                             : strcmp(argv[i], "--hash") == 0 ? &out->hash
                             : strcmp(argv[i], "--read") == 0 && out->readable_len < EDGE_SOURCE_READABLE_MAX
                                 ? &out->readable[out->readable_len++]
                                 : NULL;
        if (value != NULL && i + 1 < argc)
            *value = argv[++i];
        else if (strcmp(argv[i], "--dev") == 0)
            out->dev = true;
        else if (strcmp(argv[i], "--check") == 0)
            out->check = true;
        else if (argv[i][0] != '-' && out->mode != NULL && out->rest == NULL)
            out->rest = argv[i];
        else {
            out->wrong = argv[i];
            return false;
        }
    }
    bool known = out->mode == NULL || strcmp(out->mode, "signer") == 0 || strcmp(out->mode, "connector") == 0 ||
                 strcmp(out->mode, "guard") == 0 || strcmp(out->mode, "thaw") == 0;
    bool whole = out->config != NULL || (out->mode != NULL && strcmp(out->mode, "connector") == 0);
    out->wrong = !known ? out->mode : "--config FILE is missing";
    return known && whole;
}

/* 0, 1 and 2 are open afterwards, whoever started us: nothing else may ever get these numbers. */
static void descriptors_fill(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd < 3);
    if (fd >= 3)
        close(fd);
}

int main(int argc, char **argv)
{
    struct arguments arguments;
    descriptors_fill();
    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "--version") == 0)) {
        fputs(strcmp(argv[1], "--help") == 0 ? USAGE : "isthmusd " EDGE_RELAY_VERSION "\n", stdout);
        return 0;
    }
    if (!arguments_read(&arguments, argc, argv)) {
        fprintf(stderr, "isthmusd: cannot take this command line: %s\n\n%s", arguments.wrong, USAGE);
        return EX_USAGE;
    }
    bool is_child =
        arguments.mode != NULL && strcmp(arguments.mode, "guard") != 0 && strcmp(arguments.mode, "thaw") != 0;
    if (is_child && !edge_sandbox_die_with_parent()) {
        fputs("isthmusd: the relay that started this is gone\n", stderr);
        return EDGE_RELAY_EXIT_FAILED;
    }
    if (is_child && strcmp(arguments.mode, "connector") == 0)
        return connector(&arguments);
    if (!edge_sandbox_hide()) { /* relay and signer: from here on they read keys */
        perror("isthmusd: prctl");
        return EDGE_RELAY_EXIT_FAILED;
    }
    if (!fault_armed(&arguments))
        return EDGE_RELAY_EXIT_CONFIG;
    signal(SIGPIPE, SIG_IGN);
    return configured(&arguments);
}
