/*
 * Any line to the control socket of a relay: all its parts are made as isthmusd makes them (store, core, mesh, sources,
 * signer), from configuration files written here; nothing is started. The network is that of docs/examples.
 *
 * What must hold besides memory: every line is answered by one line, a JSON object that says ok, or not ok and why; and a
 * command that changes something is carried out only when the line says so and is answered with ok.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "proofs/codec/hex.h"
#include "relay/edge/control_view.h"
#include "relay/edge/keyfile.h"
#include "relay/edge/log.h"
#include "relay/edge/relay.h"
#include "tests/fuzz/edge/scratch.h"
#include "tools/verify/json.h"

static struct config_relay config;
static struct topology_network *network;
static struct edge_relay relay;
static size_t reloads, releases;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        __builtin_trap();
}

static bool reload(void *context, char *text, size_t cap)
{
    (void)context;
    reloads++;
    snprintf(text, cap, "applied: one\nrestart: two\nrestart: three\n");
    return true;
}

static bool release(void *context, const char *process, char *text, size_t cap)
{
    (void)context;
    releases++;
    snprintf(text, cap, "there is no process `%.100s`", process);
    return strcmp(process, "node") == 0;
}

static void end(void)
{
    edge_relay_fini(&relay);
    topology_network_free(network);
    config_relay_free(&config);
}

static const char CONFIG[] =
    "relay: east-alpha\nnetwork: network.yaml\nroots: {east: "
    "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c}\n"
    "store: store\nstate: state\ncontrol: {socket: control.sock}\nkey: {file: relay.key}\n"
    "listen:\n  request: \"ipc://%1$s/req\"\n  zones: [{zone: strait, url: \"ipc://%1$s/pub\"}]\n"
    "peers: [{relay: strait, publish: \"ipc://%1$s/theirs\", request: \"ipc://%1$s/there\"}]\n"
    "signer: {keys: [attester.key], guard: guard}\n"
    "sources: [{chain: \"eip155:31337\", name: node, operator: me, network: here, software: test, program: "
    "/bin/true}]\n";

static void key_make(const char *folder, const char *name, enum proof_suite suite, struct edge_keyfile *out)
{
    char path[512], text[256];
    uint8_t secret[32];
    memset(secret, 9, sizeof secret);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    require(edge_keyfile_create(out, path, suite, secret, (struct bytes){NULL, 0}, EDGE_KEYFILE_COST_TEST, text,
                                sizeof text) == EDGE_KEYFILE_OK);
}

static void begin(void)
{
    static struct config_problems problems;
    struct edge_keyfile key, attester;
    const char *folder = fuzz_scratch("control");
    char path[512], text[512];
    edge_log_level(RELAY_ALARM);
    key_make(folder, "relay.key", PROOF_SUITE_BLAKE2B256_ED25519, &key);
    key_make(folder, "attester.key", PROOF_SUITE_KECCAK256_SECP256K1, &attester);
    snprintf(path, sizeof path, "%s/relay.yaml", folder);
    FILE *file = fopen(path, "w");
    require(file != NULL && fprintf(file, CONFIG, folder) > 0 && fclose(file) == 0);
    network = config_network_load(ISTHMUS_EXAMPLES "/network.yaml", &problems);
    bool good = config_relay_load(&config, path, &problems);
    config_problems_print(&problems, stderr);
    require(good && network != NULL);
    config.dev = true;
    memcpy(network->relays[topology_relay_by_name(network, config.relay)].key, key.key.id, 32);
    text[0] = '\0';
    good = edge_relay_init(&relay, &config, network, text, sizeof text) &&
           edge_relay_open_store(&relay, text, sizeof text) && edge_relay_open_core(&relay, text, sizeof text) &&
           edge_relay_open_mesh(&relay, text, sizeof text) && edge_relay_open_children(&relay, text, sizeof text);
    if (!good)
        fprintf(stderr, "%s\n", text);
    require(good);
    atexit(end);
    for (unsigned i = 0; i < 40; i++) /* something to show */
        edge_log(i % 3 == 0 ? RELAY_ALARM : RELAY_INFO, i % 2 == 0 ? "sources-disagree" : "signer-down",
                 i % 5 == 0 ? "east-to-west/7" : "node", "%u \xff\"\\\n", i);
}

/* The command of a line, and a text member of it; "" when there is none. */
static void member(char out[256], const char *line, size_t len, const char *name)
{
    struct tools_json_doc *doc = tools_json_parse("line", line, len);
    const struct tools_json *node = tools_json_get(tools_json_root(doc), name);
    struct bytes text =
        tools_json_kind(node) == TOOLS_JSON_TEXT ? tools_json_text(doc, node, name) : (struct bytes){NULL, 0};
    snprintf(out, 256, "%.*s", (int)(text.len < 255 ? text.len : 255),
             text.data != NULL ? (const char *)text.data : "");
    tools_json_close(doc);
}

static bool answered(const char *line)
{
    require(line != NULL && strchr(line, '\n') == NULL);
    struct tools_json_doc *doc = tools_json_parse("answer", line, strlen(line));
    const struct tools_json *root = tools_json_root(doc), *ok = tools_json_get(root, "ok");
    require(tools_json_error(doc) == NULL && tools_json_kind(root) == TOOLS_JSON_OBJECT);
    require(tools_json_kind(ok) == TOOLS_JSON_OTHER);
    bool good = tools_json_is_true(ok);
    require(good || tools_json_text(doc, tools_json_get(root, "error"), "error").len > 0);
    require(tools_json_error(doc) == NULL);
    tools_json_close(doc);
    return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char command[256], process[256];
    if (relay.core == NULL)
        begin();
    if (size > EDGE_CONTROL_REQUEST_MAX || memchr(data, '\n', size) != NULL)
        return 0; /* control.c gives lines, and refuses longer ones */
    char *line = malloc(size + 1);
    require(line != NULL);
    memcpy(line, data, size);
    reloads = releases = 0;
    char *reply = edge_control_view(
        &(struct edge_control_options){.relay = &relay, .reload = reload, .release = release}, line, size);
    bool good = answered(reply);
    member(command, line, size, "command");
    member(process, line, size, "process");
    require(reloads == (strcmp(command, "reload") == 0 && good));
    require(releases <= 1 && (releases == 0 || strcmp(command, "release") == 0));
    require(strcmp(command, "release") != 0 || good == (releases == 1 && strcmp(process, "node") == 0));
    free(reply);
    free(line);
    return 0;
}
