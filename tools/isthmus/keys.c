/*
 * isthmus keys: makes key files and shows what is public of them. Secrets come in through files and descriptors, never as
 * arguments, and never leave.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proofs/codec/hex.h"
#include "proofs/codec/sodium.h"
#include "tools/isthmus/isthmus.h"

static const char *const USAGE =
    "usage: isthmus keys new FILE [--suite SUITE] (--passphrase WHERE | --plain) [--cheap]\n"
    "       isthmus keys show FILE... | isthmus keys list FOLDER\n"
    "\n"
    "new    writes a new key file, never over another. SUITE: keccak256-secp256k1, sha256-p256, sm3-sm2, or\n"
    "       blake2b256-ed25519 (relays and roots; used when --suite is not given)\n"
    "       WHERE: a file whose first line is the passphrase, fd:N (an open descriptor), or env:NAME (holds a path)\n"
    "       --plain: not encrypted; --cheap: fast key derivation, for tests only\n"
    "show   what is public of key files, as the network document writes it\n"
    "list   the same for every key file of a folder\n";

void isthmus_key_text(char out[131], const struct proof_key *key)
{
    switch (key->suite) {
    case PROOF_SUITE_KECCAK256_SECP256K1:
        memcpy(out, "0x", 3);
        codec_hex_encode(out + 2, (struct bytes){key->id + 12, 20});
        return;
    case PROOF_SUITE_SHA256_P256:
    case PROOF_SUITE_SM3_SM2: codec_hex_encode(out, BYTES_OF(key->point)); return;
    case PROOF_SUITE_BLAKE2B256_ED25519: codec_hex_encode(out, BYTES_OF(key->id)); return;
    case PROOF_SUITE_NONE: break;
    }
    out[0] = '\0';
}

bool isthmus_write_new(const char *path, const char *text, unsigned mode)
{
    size_t len = strlen(text);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0) {
        isthmus_failed("%s: cannot be written: %s", path, strerror(errno));
        return false;
    }
    bool good = write(fd, text, len) == (ssize_t)len && fsync(fd) == 0;
    if (!good)
        isthmus_failed("%s: cannot be written: %s", path, strerror(errno));
    return close(fd) == 0 && good;
}

bool isthmus_passphrase_read(struct isthmus_passphrase *out, const char *where)
{
    char text[512] = "";
    out->len = 0;
    if (!where || edge_keyfile_passphrase(out->text, &out->len, where, text, sizeof text))
        return true;
    isthmus_failed("%s", text);
    return false;
}

int isthmus_key_create(struct edge_keyfile *out, const char *path, enum proof_suite suite,
                       const struct isthmus_passphrase *passphrase, bool cheap)
{
    uint8_t secret[32];
    char text[512] = "";
    enum edge_keyfile_status status = EDGE_KEYFILE_IO;

    if (edge_keyfile_secret(secret, suite))
        status = edge_keyfile_create(out, path, suite, secret,
                                     (struct bytes){passphrase->len ? passphrase->text : NULL, passphrase->len},
                                     cheap ? EDGE_KEYFILE_COST_TEST : EDGE_KEYFILE_COST_NORMAL, text, sizeof text);
    else
        snprintf(text, sizeof text, "the kernel gave no randomness");
    codec_sodium_wipe(secret, sizeof secret);
    return status == EDGE_KEYFILE_OK ? ISTHMUS_OK : isthmus_failed("%s", text);
}

static void print_key(const char *path, const struct edge_keyfile *file)
{
    char text[131];
    isthmus_key_text(text, &file->key);
    printf("file       %s\nsuite      %s\nkey        %s\nencrypted  %s\n", path, proof_suite_name(file->key.suite),
           text, file->encrypted ? "yes" : "no");
}

static int keys_new(int argc, char **argv)
{
    const char *suite_name = "blake2b256-ed25519", *where = NULL;
    bool plain = false, cheap = false;
    const struct isthmus_option options[] = {{"--suite", &suite_name, NULL},
                                             {"--passphrase", &where, NULL},
                                             {"--plain", NULL, &plain},
                                             {"--cheap", NULL, &cheap},
                                             {NULL, NULL, NULL}};
    int left, code = isthmus_options(options, USAGE, argc, argv, &left);
    if (code >= 0)
        return code;
    if (left != 1)
        return isthmus_misused(USAGE, "keys new takes one file");
    if (plain == (where != NULL))
        return isthmus_misused(USAGE, "give --passphrase WHERE, or --plain for a key that is not encrypted");
    enum proof_suite suite = proof_suite_by_name(suite_name);
    if (suite == PROOF_SUITE_NONE)
        return isthmus_misused(USAGE, "'%s' is no suite", suite_name);
    struct edge_keyfile made;
    struct isthmus_passphrase passphrase;
    if (!isthmus_passphrase_read(&passphrase, where))
        return ISTHMUS_NOT_OK;
    code = isthmus_key_create(&made, argv[1], suite, &passphrase, cheap);
    codec_sodium_wipe(&passphrase, sizeof passphrase);
    if (code == ISTHMUS_OK)
        print_key(argv[1], &made);
    return code;
}

static int keys_show(int argc, char **argv)
{
    const struct isthmus_option none[] = {{NULL, NULL, NULL}};
    int left, code = isthmus_options(none, USAGE, argc, argv, &left), worst = ISTHMUS_OK;
    if (code >= 0)
        return code;
    if (left == 0)
        return isthmus_misused(USAGE, "keys show takes key files");
    for (int i = 1; i <= left; i++) {
        struct edge_keyfile file;
        char text[512];
        if (edge_keyfile_look(&file, argv[i], text, sizeof text) != EDGE_KEYFILE_OK) {
            worst = isthmus_failed("%s", text);
            continue;
        }
        if (i > 1)
            puts("");
        print_key(argv[i], &file);
    }
    return worst;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names of a folder's plain entries, sorted; *len of them. NULL with a message when it cannot be read. */
static char **names_of(const char *folder, size_t *len)
{
    DIR *open_folder = opendir(folder);
    char **names = calloc(1024, sizeof *names);
    *len = 0;
    if (!open_folder || !names) {
        isthmus_failed("%s: cannot be read: %s", folder, strerror(errno));
        free(names);
        names = NULL;
    }
    for (const struct dirent *entry; names && *len < 1024 && (entry = readdir(open_folder)) != NULL;)
        if (entry->d_name[0] != '.' && (names[*len] = strdup(entry->d_name)) != NULL)
            ++*len;
    if (open_folder)
        closedir(open_folder);
    if (names)
        qsort(names, *len, sizeof *names, by_name);
    return names;
}

static int keys_list(int argc, char **argv)
{
    static const char *const head[] = {"FILE", "SUITE", "ENCRYPTED", "KEY"};
    const struct isthmus_option none[] = {{NULL, NULL, NULL}};
    int left, code = isthmus_options(none, USAGE, argc, argv, &left);
    size_t len;
    if (code >= 0)
        return code;
    if (left != 1)
        return isthmus_misused(USAGE, "keys list takes one folder");
    char **names = names_of(argv[1], &len);
    if (!names)
        return ISTHMUS_NOT_OK;
    struct isthmus_table *table = isthmus_table_new(head, 4);
    for (size_t i = 0; i < len; i++) {
        char path[4096], text[512], key[131];
        struct edge_keyfile file;
        snprintf(path, sizeof path, "%s/%s", argv[1], names[i]);
        if (edge_keyfile_look(&file, path, text, sizeof text) == EDGE_KEYFILE_OK) {
            isthmus_key_text(key, &file.key);
            isthmus_table_add(table, "%s", names[i]);
            isthmus_table_add(table, "%s", proof_suite_name(file.key.suite));
            isthmus_table_add(table, "%s", file.encrypted ? "yes" : "no");
            isthmus_table_add(table, "%s", key);
        }
        free(names[i]);
    }
    free(names);
    isthmus_table_print(table);
    return ISTHMUS_OK;
}

static const struct isthmus_command commands[] = {
    {"new", keys_new, "make a key file"},
    {"show", keys_show, "what is public of key files"},
    {"list", keys_list, "the key files of a folder"},
};

int isthmus_keys(int argc, char **argv)
{
    return isthmus_dispatch(commands, sizeof commands / sizeof *commands, USAGE, argc, argv);
}
