/*
 * isthmus init: a folder with a commented relay.yaml and fresh keys, ready to be filled in.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "proofs/codec/hex.h"
#include "proofs/codec/sodium.h"
#include "proofs/lane.h"
#include "tools/isthmus/isthmus.h"

static const char *const USAGE =
    "usage: isthmus init FOLDER --relay NAME [--suite SUITE | --no-signer] [--passphrase WHERE] [--cheap]\n"
    "\n"
    "Makes FOLDER (it must not exist) with relay.yaml, keys/relay.key, and keys/attester.key of SUITE\n"
    "(keccak256-secp256k1). Keys are encrypted under a fresh passphrase in keys/passphrase, or under that of WHERE: a\n"
    "file, env:NAME (a variable that holds a file's path), or fd:N (an open descriptor; relay.yaml then says CHANGE, "
    "for\n"
    "a relay needs a file at its start). --cheap: fast key derivation, for tests only.\n"
    "What it prints goes to the authors of the network document.\n";

static const char TEMPLATE_HEAD[] =
    "# One relay's own file: addresses, budgets and keys, nothing that two relays must agree on.\n"
    "# Paths are relative to this file's folder. Lines with CHANGE need you; `isthmus config check` lists what is "
    "left.\n"
    "relay: %s\n"
    "network: network.yaml         # the network document; its signatures: network.yaml.sig\n"
    "\n"
    "# The roots that this relay trusts: exactly those of the document, and all of them must have signed it.\n"
    "roots: {}                     # CHANGE: a line 'name: key' for each side\n"
    "\n"
    "store: store                  # folder of the database\n"
    "state: state                  # folder of small files\n"
    "control: {socket: control.sock, mode: \"0660\"}\n"
    "# http: {listen: \"127.0.0.1:9464\"}   # /metrics, /healthz, /readyz for monitors\n"
    "key: {file: keys/relay.key, passphrase: %s}\n"
    "\n"
    "# tls+tcp:// needs all three; ipc:// does not.\n"
    "# tls: {certificate: tls/relay.crt, key: tls/relay.key, ca: tls/ca.crt}\n"
    "\n"
    "listen:\n"
    "  request: ipc:///run/isthmus/%s.req\n"
    "  zones: []                   # CHANGE: - {zone: NAME, url: \"ipc:///...\"} for each zone with linked relays\n"
    "\n"
    "peers: []                     # CHANGE: - {relay: NAME, publish: \"ipc:///...\", request: \"ipc:///...\"}\n"
    "\n";

static const char TEMPLATE_SIGNER[] =
    "signer:\n"
    "  keys: [keys/attester.key]   # one a suite\n"
    "  passphrase: %s\n"
    "  guard: guard                # back it up, and never run two signers with one key\n"
    "\n";

static const char TEMPLATE_TAIL[] =
    "sources: []                   # CHANGE, where the relay serves a chain:\n"
    "#  - chain: eip155:1\n"
    "#    name: node-1\n"
    "#    operator: me             # who runs the node, on what network, what software: agreement counts distinct "
    "ones\n"
    "#    network: dc1\n"
    "#    software: geth\n"
    "#    program: /usr/local/libexec/isthmus/isthmus-connector-evm\n"
    "#    program_hash: ...        # b2sum -l 256 PROGRAM\n"
    "#    submits: false           # true for the one that holds a gas account, by the option key-file\n"
    "#    options: {http: \"http://127.0.0.1:8545\"}   # the connector's own page lists them\n"
    "\n"
    "# trust:                      # CHANGE, where it serves a chain of family cosmos: the header to begin with\n"
    "#  - {chain: \"cosmos:hub-1\", height: NUMBER, hash: HASH}\n"
    "\n"
    "# budgets: {attester_bytes: 0, queue_bytes: 64MiB, cache_bytes: 64MiB, free_bytes: 256MiB, history_messages: "
    "1000000, evidence_files: 64, evidence_bytes: 64MiB}\n"
    "# timings: {heartbeat_ms: 1000, pull_wait_ms: 150, peer_silence_ms: 5000, turn_blocks: 4}\n"
    "log_level: info\n";

struct init {
    const char *folder, *relay, *where;
    enum proof_suite suite; /* NONE: no signer */
    bool cheap;
    struct isthmus_passphrase passphrase;
    char in_yaml[4200]; /* where the relay will find it */
};

static bool make_folder(const char *folder, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s%s%s", folder, *name ? "/" : "", name);
    if (mkdir(path, 0700) == 0)
        return true;
    isthmus_failed("%s: cannot be made: %s%s", path, strerror(errno),
                   errno == EEXIST ? "; init never touches what is there: name another folder" : "");
    return false;
}

/* A fresh passphrase of 256 bits. */
static bool draw_passphrase(struct init *init)
{
    uint8_t random[32];
    char text[65];
    if (!edge_keyfile_secret(random, PROOF_SUITE_BLAKE2B256_ED25519)) {
        isthmus_failed("the kernel gave no randomness");
        return false;
    }
    codec_hex_encode(text, BYTES_OF(random));
    memcpy(init->passphrase.text, text, 64);
    init->passphrase.len = 64;
    codec_sodium_wipe(random, sizeof random);
    codec_sodium_wipe(text, sizeof text);
    return true;
}

/* The file that `where` names, as a YAML text with its full path; CHANGE when it names none that YAML can hold so. */
static void name_passphrase(struct init *init)
{
    const char *file = strncmp(init->where, "env:", 4) == 0  ? getenv(init->where + 4)
                       : strncmp(init->where, "fd:", 3) == 0 ? NULL
                                                             : init->where;
    char *full = file ? realpath(file, NULL) : NULL;
    bool plain = full && strlen(full) < 4096 && strpbrk(full, "\"\\\n\t") == NULL;
    snprintf(init->in_yaml, sizeof init->in_yaml, plain ? "\"%s\"" : "%s", plain ? full : "/CHANGE");
    free(full);
}

/* The passphrase into memory before anything is made, so that a wrong --passphrase leaves nothing behind. */
static bool get_passphrase(struct init *init)
{
    if (!init->where) {
        snprintf(init->in_yaml, sizeof init->in_yaml, "keys/passphrase");
        return draw_passphrase(init);
    }
    name_passphrase(init);
    return isthmus_passphrase_read(&init->passphrase, init->where);
}

static bool write_passphrase(const struct init *init)
{
    char path[4096], text[66];
    snprintf(path, sizeof path, "%s/keys/passphrase", init->folder);
    snprintf(text, sizeof text, "%.64s\n", (const char *)init->passphrase.text);
    bool good = isthmus_write_new(path, text, 0600);
    codec_sodium_wipe(text, sizeof text);
    return good;
}

static bool write_yaml(const struct init *init)
{
    char path[4096], text[16384];
    size_t at;
    snprintf(path, sizeof path, "%s/relay.yaml", init->folder);
    snprintf(text, sizeof text, TEMPLATE_HEAD, init->relay, init->in_yaml, init->relay);
    at = strlen(text);
    if (init->suite != PROOF_SUITE_NONE)
        snprintf(text + at, sizeof text - at, TEMPLATE_SIGNER, init->in_yaml);
    at = strlen(text);
    snprintf(text + at, sizeof text - at, "%s", TEMPLATE_TAIL);
    return isthmus_write_new(path, text, 0640);
}

static int make(struct init *init)
{
    char path[4096], key[131];
    struct edge_keyfile made;

    if (!make_folder(init->folder, "") || !make_folder(init->folder, "keys"))
        return ISTHMUS_NOT_OK;
    if (!init->where && !write_passphrase(init))
        return ISTHMUS_NOT_OK;
    snprintf(path, sizeof path, "%s/keys/relay.key", init->folder);
    if (isthmus_key_create(&made, path, PROOF_SUITE_BLAKE2B256_ED25519, &init->passphrase, init->cheap) != ISTHMUS_OK)
        return ISTHMUS_NOT_OK;
    isthmus_key_text(key, &made.key);
    printf("# for the network document, under relays:\n  - name: %s\n    key: %s\n", init->relay, key);
    if (init->suite != PROOF_SUITE_NONE) {
        snprintf(path, sizeof path, "%s/keys/attester.key", init->folder);
        if (isthmus_key_create(&made, path, init->suite, &init->passphrase, init->cheap) != ISTHMUS_OK)
            return ISTHMUS_NOT_OK;
        isthmus_key_text(key, &made.key);
        printf(
            "# under the epochs of the chains for which its operator attests (%s):\n  - {operator: %s, key: \"%s\"}\n",
            proof_suite_name(init->suite), init->relay, key);
    }
    if (!write_yaml(init))
        return ISTHMUS_NOT_OK;
    printf("# next: edit %s/relay.yaml, then: isthmus config check %s/relay.yaml\n", init->folder, init->folder);
    return ISTHMUS_OK;
}

int isthmus_init(int argc, char **argv)
{
    const char *suite = NULL;
    bool no_signer = false;
    struct init init = {0};
    const struct isthmus_option options[] = {{"--relay", &init.relay, NULL},    {"--suite", &suite, NULL},
                                             {"--no-signer", NULL, &no_signer}, {"--passphrase", &init.where, NULL},
                                             {"--cheap", NULL, &init.cheap},    {NULL, NULL, NULL}};
    int left, code = isthmus_options(options, USAGE, argc, argv, &left);
    if (code >= 0)
        return code;
    if (left != 1 || !init.relay)
        return isthmus_misused(USAGE, "init takes a folder and --relay NAME");
    if (!proof_name_valid(init.relay))
        return isthmus_misused(USAGE, "'%s' is no relay's name: use 1 to 32 of a-z 0-9 -", init.relay);
    if (suite && no_signer)
        return isthmus_misused(USAGE, "--suite and --no-signer exclude one another");
    if (strlen(argv[1]) > 3000)
        return isthmus_misused(USAGE, "the folder's path is too long");
    init.folder = argv[1];
    init.suite = suite ? proof_suite_by_name(suite) : PROOF_SUITE_KECCAK256_SECP256K1;
    if (init.suite == PROOF_SUITE_NONE)
        return isthmus_misused(USAGE, "'%s' is no suite", suite);
    if (no_signer)
        init.suite = PROOF_SUITE_NONE;
    code = get_passphrase(&init) ? make(&init) : ISTHMUS_NOT_OK;
    codec_sodium_wipe(&init.passphrase, sizeof init.passphrase);
    return code;
}
