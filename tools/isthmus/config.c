/*
 * isthmus config check: everything that is wrong with a relay's file, its network document, its keys, its programs
 * and the folders of its sockets.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "proofs/codec/hex.h"
#include "relay/edge/sandbox.h"
#include "tools/isthmus/document.h"
#include "tools/isthmus/isthmus.h"

static const char *const USAGE =
    "usage: isthmus config check [FILE] [--json]\n"
    "\n"
    "Reads FILE (relay.yaml) and the network document that it names, and prints everything that is wrong, one a line, "
    "as\n"
    "file:line:column: path what; then how many equivocating operators each epoch survives. 0: all is well.\n";

/* The relay's key file is there and is the document's. */
static void check_relay_key(const struct config_relay *relay, const struct topology_network *network,
                            struct config_problems *problems)
{
    struct edge_keyfile file;
    char text[200];
    int self = network ? topology_relay_by_name(network, relay->relay) : -1;
    if (edge_keyfile_look(&file, relay->key_file, text, sizeof text) != EDGE_KEYFILE_OK)
        config_relay_say(relay, problems, "key.file", "%s", text);
    else if (file.key.suite != PROOF_SUITE_BLAKE2B256_ED25519)
        config_relay_say(relay, problems, "key.file", "%s: is a key of %s; a relay's key is blake2b256-ed25519",
                         relay->key_file, proof_suite_name(file.key.suite));
    else if (self >= 0 && memcmp(network->relays[self].key, file.key.id, 32) != 0)
        config_relay_say(relay, problems, "key.file",
                         "%s: is not the key that the network document gives for '%s': isthmus keys show shows it",
                         relay->key_file, relay->relay);
    if (file.encrypted && !relay->key_passphrase)
        config_relay_say(relay, problems, "key.passphrase", "is missing: the key file is encrypted");
    if (relay->key_passphrase && access(relay->key_passphrase, R_OK) != 0)
        config_relay_say(relay, problems, "key.passphrase", "%s cannot be read: %s", relay->key_passphrase,
                         strerror(errno));
}

/* True when some chain's newest epoch lists the key for that operator. */
static bool attests(const struct topology_network *network, uint16_t number, const uint8_t id[32])
{
    for (size_t i = 0; i < network->chains_len; i++) {
        const struct topology_chain *chain = &network->chains[i];
        for (size_t j = 0; j < chain->epochs_len; j++)
            if (topology_key_operator(&chain->epochs[j], id) == number)
                return true;
    }
    return false;
}

static void check_signer_keys(const struct config_relay *relay, const struct topology_network *network,
                              struct config_problems *problems)
{
    int self = network ? topology_relay_by_name(network, relay->relay) : -1;
    uint16_t number = self >= 0 ? network->relays[self].operator_number : 0;
    for (size_t i = 0; i < relay->signer.keys_len; i++) {
        struct edge_keyfile file;
        char text[200], path[48];
        snprintf(path, sizeof path, "signer.keys[%zu]", i);
        if (edge_keyfile_look(&file, relay->signer.keys[i], text, sizeof text) != EDGE_KEYFILE_OK)
            config_relay_say(relay, problems, path, "%s", text);
        else if (number && !attests(network, number, file.key.id))
            config_relay_say(relay, problems, path,
                             "%s: is in no epoch for the operator of '%s': isthmus keys show shows it",
                             relay->signer.keys[i], relay->relay);
    }
    if (relay->signer.passphrase && access(relay->signer.passphrase, R_OK) != 0)
        config_relay_say(relay, problems, "signer.passphrase", "%s cannot be read: %s", relay->signer.passphrase,
                         strerror(errno));
}

/* The folder in which a unix socket is to be made is there and may be written. */
static void check_socket(const struct config_relay *relay, const char *at, const char *path,
                         struct config_problems *problems)
{
    const size_t most = sizeof((struct sockaddr_un *)NULL)->sun_path - 1;
    const char *slash = strrchr(path, '/');
    char folder[4096];
    snprintf(folder, sizeof folder, "%.*s", slash && slash > path ? (int)(slash - path) : 1, slash ? path : ".");
    if (strlen(path) <= most && access(folder, W_OK | X_OK) != 0) /* a longer one was said with the file's own faults */
        config_relay_say(relay, problems, at, "no socket can be made in %s: %s", folder, strerror(errno));
}

static void check_sockets(const struct config_relay *relay, struct config_problems *problems)
{
    static const char ipc[] = "ipc://";
    const size_t len = sizeof ipc - 1;
    char at[48];
    if (relay->control_socket)
        check_socket(relay, "control.socket", relay->control_socket, problems);
    if (relay->request_url && strncmp(relay->request_url, ipc, len) == 0)
        check_socket(relay, "listen.request", relay->request_url + len, problems);
    for (size_t i = 0; i < relay->listen_len; i++) {
        snprintf(at, sizeof at, "listen.zones[%zu].url", i);
        if (relay->listen[i].url && strncmp(relay->listen[i].url, ipc, len) == 0)
            check_socket(relay, at, relay->listen[i].url + len, problems);
    }
}

/* The program is the one that was registered; after an update it no longer is. */
static void check_program_hash(const struct config_relay *relay, size_t source, struct config_problems *problems)
{
    const char *program = relay->sources[source].program;
    char at[48], digits[65];
    uint8_t hash[32];
    int fd = open(program, O_RDONLY | O_CLOEXEC);
    bool read = fd >= 0 && edge_sandbox_hash(hash, fd);
    if (fd >= 0)
        close(fd);
    if (read && memcmp(hash, relay->sources[source].program_hash, sizeof hash) == 0)
        return;
    snprintf(at, sizeof at, "sources[%zu].program_hash", source);
    if (!read) {
        config_relay_say(relay, problems, at, "cannot be compared: %s cannot be read", program);
        return;
    }
    codec_hex_encode(digits, (struct bytes){hash, sizeof hash});
    config_relay_say(relay, problems, at,
                     "is not that of %s, which has %s: if it was updated on purpose, put that here", program, digits);
}

static void check_programs(const struct config_relay *relay, struct config_problems *problems)
{
    char at[48];
    for (size_t i = 0; i < relay->sources_len; i++) {
        snprintf(at, sizeof at, "sources[%zu].program", i);
        if (!relay->sources[i].program)
            continue;
        if (access(relay->sources[i].program, X_OK) != 0)
            config_relay_say(relay, problems, at, "%s: the connector of source '%s' is not there or cannot be run",
                             relay->sources[i].program, relay->sources[i].name ? relay->sources[i].name : "?");
        else if (relay->sources[i].program_hash_given)
            check_program_hash(relay, i, problems);
    }
}

static void print_json(const struct config_problems *problems)
{
    struct tools_json *object = tools_json_new_object(), *list = tools_json_new_array();
    for (size_t i = 0; i < problems->len; i++) {
        const struct config_problem *problem = &problems->items[i];
        struct tools_json *one = tools_json_new_object();
        tools_json_set_text(one, "file", problem->file);
        tools_json_set_integer(one, "line", problem->line);
        tools_json_set_integer(one, "column", problem->column);
        tools_json_set_text(one, "path", problem->path);
        tools_json_set_text(one, "text", problem->text);
        tools_json_append(list, one);
    }
    tools_json_set_flag(object, "ok", problems->total == 0);
    tools_json_set_integer(object, "total", (int64_t)problems->total);
    tools_json_set(object, "problems", list);
    isthmus_print_json(object);
    tools_json_free(object);
}

static int check(int argc, char **argv)
{
    bool json = false;
    const struct isthmus_option options[] = {{"--json", NULL, &json}, {NULL, NULL, NULL}};
    int left, code = isthmus_options(options, USAGE, argc, argv, &left);
    struct config_problems *problems = calloc(1, sizeof *problems);
    struct config_relay relay;
    struct topology_network *network = NULL;

    if (code >= 0 || !problems || left > 1) {
        free(problems);
        return code >= 0 ? code : isthmus_misused(USAGE, "config check takes one file");
    }
    const char *path = left ? argv[1] : "relay.yaml";
    bool shaped = config_relay_load(&relay, path, problems);
    if (shaped)
        network = config_network_accept(&relay, problems);
    else if (relay.network) /* the document's problems, too, though whether the two fit cannot be said */
        network = config_network_load(relay.network, problems);
    if (relay.key_file && relay.relay)
        check_relay_key(&relay, network, problems);
    if (relay.relay)
        check_signer_keys(&relay, network, problems);
    check_programs(&relay, problems);
    check_sockets(&relay, problems);
    if (json) {
        print_json(problems);
    } else if (problems->total) {
        config_problems_print(problems, stderr);
        fprintf(stderr, "isthmus: %zu problem%s\n", problems->total, problems->total == 1 ? "" : "s");
    } else {
        printf("%s: relay %s of network %s version %llu: good\n\n", path, relay.relay, network->name,
               (unsigned long long)network->version);
        isthmus_document_print_epochs(network);
    }
    code = problems->total ? ISTHMUS_NOT_OK : ISTHMUS_OK;
    topology_network_free(network);
    config_relay_free(&relay);
    free(problems);
    return code;
}

static const struct isthmus_command commands[] = {{"check", check, "everything that is wrong, at once"}};

int isthmus_config(int argc, char **argv)
{
    return isthmus_dispatch(commands, sizeof commands / sizeof *commands, USAGE, argc, argv);
}
