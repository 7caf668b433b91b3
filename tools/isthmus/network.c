/*
 * isthmus network: the document that all relays share. It is signed by the root of every side; signatures lie beside it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proofs/codec/hex.h"
#include "proofs/codec/sodium.h"
#include "tools/isthmus/document.h"
#include "tools/isthmus/isthmus.h"
#include "topology/signature.h"

static const char *const USAGE =
    "usage: isthmus network new-root NAME FILE (--passphrase WHERE | --plain) [--cheap]\n"
    "       isthmus network sign DOCUMENT --root NAME --key FILE [--passphrase WHERE]\n"
    "       isthmus network verify DOCUMENT\n"
    "       isthmus network hash DOCUMENT\n"
    "       isthmus network show DOCUMENT [--json]\n"
    "       isthmus network contracts DOCUMENT --chain ID ...\n"
    "\n"
    "new-root  makes the key of a side's root and prints its line for the document and for every relay.yaml\n"
    "sign      checks the document and adds or renews one root's line in DOCUMENT.sig; every side's root must sign\n"
    "verify    everything that is wrong with the document and its signatures, at once\n"
    "hash      what is signed, and what relays compare: BLAKE2b-256(tag isthmus/doc, file)\n"
    "show      what the document means: epochs and what they survive, light clients, links, lanes with their ids\n"
    "contracts what belongs on one of its EVM chains: how it is created, and whether it stands there; it has a "
    "--help\n";

struct topology_network *isthmus_document_load(const char *path)
{
    struct config_problems *problems = calloc(1, sizeof *problems);
    struct topology_network *network = problems ? config_network_load(path, problems) : NULL;
    if (problems && !network) {
        config_problems_print(problems, stderr);
        isthmus_failed("%s: %zu problem%s", path, problems->total, problems->total == 1 ? "" : "s");
    }
    free(problems);
    return network;
}

/* ---- roots --------------------------------------------------------------------------------------------------------- */

static int new_root(int argc, char **argv)
{
    const char *where = NULL;
    bool plain = false, cheap = false;
    const struct isthmus_option options[] = {
        {"--passphrase", &where, NULL}, {"--plain", NULL, &plain}, {"--cheap", NULL, &cheap}, {NULL, NULL, NULL}};
    int left, code = isthmus_options(options, USAGE, argc, argv, &left);
    if (code >= 0)
        return code;
    if (left != 2)
        return isthmus_misused(USAGE, "network new-root takes a name and a file");
    if (plain == (where != NULL))
        return isthmus_misused(USAGE, "give --passphrase WHERE, or --plain for a key that is not encrypted");
    struct edge_keyfile made;
    struct isthmus_passphrase passphrase;
    if (!isthmus_passphrase_read(&passphrase, where))
        return ISTHMUS_NOT_OK;
    code = isthmus_key_create(&made, argv[2], PROOF_SUITE_BLAKE2B256_ED25519, &passphrase, cheap);
    codec_sodium_wipe(&passphrase, sizeof passphrase);
    if (code == ISTHMUS_OK) {
        char key[131];
        isthmus_key_text(key, &made.key);
        printf("# network.yaml, under roots: (one root a side; give your side its number)\n  - {name: %s, side: 1, "
               "key: %s}\n"
               "# every relay.yaml, under roots:\n  %s: %s\n",
               argv[1], key, argv[1], key);
    }
    return code;
}

/* ---- signatures ---------------------------------------------------------------------------------------------------- */

/* The .sig file, or an empty text when there is none. The caller frees it; NULL: no memory or unreadable (said). */
static char *signatures_of(const char *document, char path[4096])
{
    enum { MOST = 65536 };
    char *text = calloc(1, MOST + 1);
    snprintf(path, 4096, "%s.sig", document);
    FILE *file = fopen(path, "rb");
    if (!text || (!file && errno != ENOENT)) {
        isthmus_failed("%s: cannot be read: %s", path, strerror(errno));
        free(text);
        return NULL;
    }
    if (file) {
        text[fread(text, 1, MOST, file)] = '\0';
        fclose(file);
    }
    return text;
}

/* True for a line of a root of the document that still fits it. */
static bool line_holds(const struct topology_network *network, const char *line, size_t len)
{
    const char *space = memchr(line, ' ', len);
    uint8_t signature[64];
    if (!space || !codec_hex_decode_exact(signature, 64, space + 1, len - (size_t)(space - line) - 1))
        return false;
    for (size_t i = 0; i < network->roots_len; i++)
        if (strlen(network->roots[i].name) == (size_t)(space - line) &&
            memcmp(network->roots[i].name, line, (size_t)(space - line)) == 0)
            return codec_sodium_ed25519_verify(network->roots[i].key, BYTES_OF(network->hash), signature);
    return false;
}

static void say_dropped(const char *line)
{
    char name[80];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(line, " \n"), line);
    isthmus_clean(name);
    printf("dropped a line that no longer fits: %s\n", name);
}

/* Writes the lines of `old` that still hold, but root's, and then root's new line, over the .sig file in one step. */
static bool renew(const struct topology_network *network, const char *path, const char *old, const char *root,
                  const char *line)
{
    char next[4200];
    size_t name = strlen(root);
    snprintf(next, sizeof next, "%s.%ld", path, (long)getpid());
    FILE *file = fopen(next, "wb");
    if (!file) {
        isthmus_failed("%s: cannot be written: %s", next, strerror(errno));
        return false;
    }
    for (const char *at = old; *at;) {
        size_t len = strcspn(at, "\n");
        bool own = strncmp(at, root, name) == 0 && at[name] == ' ';
        if (!own && line_holds(network, at, len))
            fprintf(file, "%.*s\n", (int)len, at);
        else if (!own && len && *at != '#')
            say_dropped(at);
        at += len + (at[len] == '\n');
    }
    fputs(line, file);
    /* A disk that was full for a moment left lines out, though the last ones went through. */
    bool good = !ferror(file) && fflush(file) == 0 && fsync(fileno(file)) == 0;
    good = fclose(file) == 0 && good && rename(next, path) == 0;
    if (!good) {
        isthmus_failed("%s: cannot be written: %s", path, strerror(errno));
        unlink(next);
    }
    return good;
}

static int sign_with(const struct topology_network *network, const char *document, const char *root,
                     const uint8_t secret[32])
{
    char line[TOPOLOGY_SIGNATURE_LINE], path[4096];
    if (!topology_signature_line(line, root, secret, network->hash))
        return isthmus_failed("signing failed");
    char *old = signatures_of(document, path);
    bool good = old && renew(network, path, old, root, line);
    free(old);
    if (good)
        printf("signed %s version %llu as %s: %s\n", document, (unsigned long long)network->version, root, path);
    return good ? ISTHMUS_OK : ISTHMUS_NOT_OK;
}

/* Opens the key of a root and checks that it is the document's. False after a message. */
static bool open_root(uint8_t secret[32], const struct topology_network *network, const char *root, const char *path,
                      const char *where)
{
    struct isthmus_passphrase phrase;
    size_t index = 0;
    struct edge_keyfile file;
    char text[512] = "";

    while (index < network->roots_len && strcmp(network->roots[index].name, root) != 0)
        index++;
    if (index == network->roots_len) {
        isthmus_failed("the document has no root '%s'", root);
        return false;
    }
    if (!isthmus_passphrase_read(&phrase, where))
        return false;
    enum edge_keyfile_status status = edge_keyfile_open(
        &file, secret, path, (struct bytes){phrase.len ? phrase.text : NULL, phrase.len}, text, sizeof text);
    bool good = status == EDGE_KEYFILE_OK;
    codec_sodium_wipe(&phrase, sizeof phrase);
    if (!good) {
        isthmus_failed("%s%s", text, status == EDGE_KEYFILE_NEEDS_PASSPHRASE ? ", by --passphrase WHERE" : "");
    } else if (file.key.suite != PROOF_SUITE_BLAKE2B256_ED25519 ||
               memcmp(file.key.id, network->roots[index].key, 32) != 0) {
        isthmus_failed("%s is not the key that the document gives for root '%s'", path, root);
        good = false;
    }
    return good;
}

static int sign(int argc, char **argv)
{
    const char *root = NULL, *key = NULL, *where = NULL;
    const struct isthmus_option options[] = {
        {"--root", &root, NULL}, {"--key", &key, NULL}, {"--passphrase", &where, NULL}, {NULL, NULL, NULL}};
    int left, code = isthmus_options(options, USAGE, argc, argv, &left);
    uint8_t secret[32];
    if (code >= 0)
        return code;
    if (left != 1 || !root || !key)
        return isthmus_misused(USAGE, "network sign takes a document, --root and --key");
    struct topology_network *network = isthmus_document_load(argv[1]);
    if (!network)
        return ISTHMUS_NOT_OK;
    code = ISTHMUS_NOT_OK;
    if (open_root(secret, network, root, key, where))
        code = sign_with(network, argv[1], root, secret);
    codec_sodium_wipe(secret, sizeof secret);
    topology_network_free(network);
    return code;
}

/* ---- verify, hash, show -------------------------------------------------------------------------------------------- */

/* The document named by the only argument, loaded. NULL with *code set. */
static struct topology_network *only_document(int argc, char **argv, bool *json, int *code)
{
    const struct isthmus_option options[] = {{json ? "--json" : NULL, NULL, json}, {NULL, NULL, NULL}};
    int left;
    *code = isthmus_options(options, USAGE, argc, argv, &left);
    if (*code >= 0)
        return NULL;
    if (left != 1) {
        *code = isthmus_misused(USAGE, "network %s takes one document", argv[0]);
        return NULL;
    }
    *code = ISTHMUS_NOT_OK;
    return isthmus_document_load(argv[1]);
}

static int verify(int argc, char **argv)
{
    int code;
    char path[4096], hash[65];
    struct topology_problem found[32];
    struct topology_network *network = only_document(argc, argv, NULL, &code);
    char *signatures = network ? signatures_of(argv[1], path) : NULL;

    if (signatures) {
        size_t total =
            topology_signature_check(found, 32, network, (struct bytes){(uint8_t *)signatures, strlen(signatures)});
        for (size_t i = 0; i < total && i < 32; i++) {
            isthmus_clean(found[i].text);
            fprintf(stderr, "%s%s%s: %s\n", path, found[i].path[0] ? ": " : "", found[i].path, found[i].text);
        }
        codec_hex_encode(hash, BYTES_OF(network->hash));
        printf("network %s version %llu hash %s: ", network->name, (unsigned long long)network->version, hash);
        if (total == 0)
            printf("signed by all %zu roots\n", network->roots_len);
        else
            printf("not accepted, %zu problem%s\n", total, total == 1 ? "" : "s");
        code = total ? ISTHMUS_NOT_OK : ISTHMUS_OK;
    }
    free(signatures);
    topology_network_free(network);
    return code;
}

static int hash(int argc, char **argv)
{
    int code;
    char text[65];
    struct topology_network *network = only_document(argc, argv, NULL, &code);
    if (!network)
        return code;
    codec_hex_encode(text, BYTES_OF(network->hash));
    puts(text);
    topology_network_free(network);
    return ISTHMUS_OK;
}

static int show(int argc, char **argv)
{
    int code;
    bool json = false;
    struct topology_network *network = only_document(argc, argv, &json, &code);
    if (!network)
        return code;
    if (json)
        isthmus_document_json(network);
    else
        isthmus_document_print(network);
    topology_network_free(network);
    return ISTHMUS_OK;
}

static const struct isthmus_command commands[] = {
    {"new-root", new_root, "make the key of a side's root"},
    {"sign", sign, "sign a document as one root"},
    {"verify", verify, "check a document and its signatures"},
    {"hash", hash, "print what is signed"},
    {"show", show, "print what a document means"},
    {"contracts", isthmus_network_contracts, "what belongs on a chain: to send it, and to ask for it"},
};

int isthmus_network(int argc, char **argv)
{
    return isthmus_dispatch(commands, sizeof commands / sizeof *commands, USAGE, argc, argv);
}
