/*
 * Key files: read, opened, written.
 */
#include "relay/edge/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proofs/codec/hex.h"
#include "proofs/codec/sodium.h"

#define SALT_BYTES  16
#define NONCE_BYTES CODEC_SODIUM_BOX_NONCE
#define BOX_BYTES   (32 + CODEC_SODIUM_BOX_EXTRA)

const struct edge_keyfile_cost EDGE_KEYFILE_COST_NORMAL = {3, 256 * 1024};
const struct edge_keyfile_cost EDGE_KEYFILE_COST_TEST = {1, 8 * 1024};

/* All that a file holds. */
struct content {
    struct edge_keyfile public;
    uint8_t salt[SALT_BYTES], nonce[NONCE_BYTES];
    uint8_t box[BOX_BYTES]; /* unencrypted: the secret in the first 32 */
};

static enum edge_keyfile_status refuse(enum edge_keyfile_status status, char *text, size_t cap, const char *path,
                                       const char *what)
{
    snprintf(text, cap, "%s: %s", path, what);
    return status;
}

/* ---- reading ------------------------------------------------------------------------------------------------------- */

/* Reads a whole small file into buffer (zero terminated); -1 and errno, or its length. EFBIG: longer than cap - 1. */
static ssize_t read_all(int fd, char *buffer, size_t cap)
{
    size_t len = 0;
    for (;;) {
        ssize_t got = read(fd, buffer + len, cap - len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        len += (size_t)got;
        if (len == cap) {
            errno = EFBIG;
            return -1;
        }
    }
    buffer[len] = '\0';
    return (ssize_t)len;
}

/* The value of the next line, which must be `name`; NULL otherwise. Lines end with one newline. */
static char *field(char **at, const char *name)
{
    size_t len = strlen(name);
    char *end = *at != NULL ? strchr(*at, '\n') : NULL;
    if (end == NULL || strncmp(*at, name, len) != 0 || (*at)[len] != ' ')
        return NULL;
    char *value = *at + len + 1;
    *end = '\0';
    *at = end + 1;
    return value;
}

static bool field_hex(char **at, const char *name, uint8_t *out, size_t len)
{
    const char *value = field(at, name);
    return value != NULL && codec_hex_decode_exact(out, len, value, strlen(value));
}

static bool kdf_read(struct edge_keyfile *out, const char *value)
{
    char end;
    if (value == NULL)
        return false;
    if (strcmp(value, "none") == 0)
        return true;
    out->encrypted =
        sscanf(value, "argon2id13 %" SCNu32 " %" SCNu32 "%c", &out->cost.passes, &out->cost.kib, &end) == 2;
    return out->encrypted && out->cost.passes >= 1 && out->cost.passes <= EDGE_KEYFILE_PASSES_MAX &&
           out->cost.kib >= 8 && out->cost.kib <= EDGE_KEYFILE_KIB_MAX;
}

static bool public_read(struct content *out, char **at)
{
    struct proof_key *key = &out->public.key;
    const char *suite = field(at, "suite");
    uint8_t id[32];
    if (suite == NULL || (key->suite = proof_suite_by_name(suite)) == PROOF_SUITE_NONE)
        return false;
    if (!field_hex(at, "id", key->id, 32) || !field_hex(at, "point", key->point, 64))
        return false;
    memcpy(id, key->id, 32);
    uint8_t point[64];
    memcpy(point, key->point, 64);
    return proof_key_from_point(key, key->suite, point) && memcmp(id, key->id, 32) == 0;
}

static enum edge_keyfile_status parse(struct content *out, char *content, const char *path, char *text, size_t cap)
{
    char *at = content;
    const char *version = field(&at, "isthmus-key");
    if (version == NULL)
        return refuse(EDGE_KEYFILE_MALFORMED, text, cap, path,
                      "is not a key file (its first line is not `isthmus-key 1`)");
    if (strcmp(version, "1") != 0)
        return refuse(EDGE_KEYFILE_VERSION, text, cap, path, "is a key file of a newer version: update isthmus");
    bool good = public_read(out, &at) && kdf_read(&out->public, field(&at, "kdf"));
    if (good && out->public.encrypted)
        good = field_hex(&at, "salt", out->salt, SALT_BYTES) && field_hex(&at, "nonce", out->nonce, NONCE_BYTES) &&
               field_hex(&at, "box", out->box, BOX_BYTES);
    else if (good)
        good = field_hex(&at, "secret", out->box, 32);
    if (!good || *at != '\0')
        return refuse(EDGE_KEYFILE_MALFORMED, text, cap, path, "is damaged: restore it from its backup");
    return EDGE_KEYFILE_OK;
}

static enum edge_keyfile_status content_read(struct content *out, const char *path, char *text, size_t cap)
{
    char content[EDGE_KEYFILE_MAX + 1];
    struct stat status;
    memset(out, 0, sizeof(*out));
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return refuse(errno == ENOENT ? EDGE_KEYFILE_MISSING : EDGE_KEYFILE_IO, text, cap, path,
                      errno == ENOENT ? "does not exist: `isthmus keys new` makes one" : strerror(errno));
    bool plain = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
    ssize_t len = plain ? read_all(fd, content, sizeof(content)) : -1;
    int error = errno;
    close(fd);
    if (!plain)
        return refuse(EDGE_KEYFILE_OPEN, text, cap, path, "is not a plain file");
    if (len < 0 && error != EFBIG)
        return refuse(EDGE_KEYFILE_IO, text, cap, path, strerror(error));
    if (len < 0 || memchr(content, '\0', (size_t)len) != NULL)
        return refuse(EDGE_KEYFILE_MALFORMED, text, cap, path, "is not a key file");
    enum edge_keyfile_status result = parse(out, content, path, text, cap);
    codec_sodium_wipe(content, sizeof(content));
    if (result == EDGE_KEYFILE_OK && !out->public.encrypted && (status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return refuse(EDGE_KEYFILE_OPEN, text, cap, path, "is not encrypted and others may read it: chmod 600");
    return result;
}

enum edge_keyfile_status edge_keyfile_look(struct edge_keyfile *out, const char *path, char *text, size_t cap)
{
    struct content content;
    enum edge_keyfile_status status = content_read(&content, path, text, cap);
    *out = status == EDGE_KEYFILE_OK ? content.public : (struct edge_keyfile){0};
    codec_sodium_wipe(&content, sizeof(content));
    return status;
}

static enum edge_keyfile_status unlock(uint8_t secret[32], const struct content *content, struct bytes passphrase,
                                       const char *path, char *text, size_t cap)
{
    uint8_t key[32];
    if (!content->public.encrypted) {
        memcpy(secret, content->box, 32);
        return EDGE_KEYFILE_OK;
    }
    if (passphrase.data == NULL)
        return refuse(EDGE_KEYFILE_NEEDS_PASSPHRASE, text, cap, path, "is encrypted: say where its passphrase is");
    if (!codec_sodium_argon2id(key, passphrase, content->salt, content->public.cost.passes, content->public.cost.kib))
        return refuse(EDGE_KEYFILE_MEMORY, text, cap, path, "not enough memory to derive its key");
    bool opened = codec_sodium_box_open(secret, BYTES_OF(content->box), content->nonce, key);
    codec_sodium_wipe(key, sizeof(key));
    if (!opened)
        return refuse(EDGE_KEYFILE_WRONG, text, cap, path, "wrong passphrase (or the file is damaged)");
    return EDGE_KEYFILE_OK;
}

enum edge_keyfile_status edge_keyfile_open(struct edge_keyfile *out, uint8_t secret[32], const char *path,
                                           struct bytes passphrase, char *text, size_t cap)
{
    struct content content;
    struct proof_key key;
    memset(secret, 0, 32);
    enum edge_keyfile_status status = content_read(&content, path, text, cap);
    if (status == EDGE_KEYFILE_OK)
        status = unlock(secret, &content, passphrase, path, text, cap);
    if (status == EDGE_KEYFILE_OK && (!proof_key_from_secret(&key, content.public.key.suite, secret) ||
                                      memcmp(key.id, content.public.key.id, 32) != 0))
        status =
            refuse(EDGE_KEYFILE_MISMATCH, text, cap, path, "the secret inside is not that of its id: do not use it");
    if (status != EDGE_KEYFILE_OK)
        codec_sodium_wipe(secret, 32);
    *out = status == EDGE_KEYFILE_OK ? content.public : (struct edge_keyfile){0};
    codec_sodium_wipe(&content, sizeof(content));
    return status;
}

/* ---- writing ------------------------------------------------------------------------------------------------------- */

static bool random_bytes(uint8_t *out, size_t len)
{
    return getrandom(out, len, 0) == (ssize_t)len;
}

bool edge_keyfile_secret(uint8_t secret[32], enum proof_suite suite)
{
    struct proof_key key;
    for (int i = 0; i < 8; i++) { /* all but one in 2^32 draws are scalars, of every suite */
        if (!random_bytes(secret, 32))
            return false;
        if (proof_key_from_secret(&key, suite, secret))
            return true;
    }
    return false;
}

static void hex_line(FILE *file, const char *name, const uint8_t *data, size_t len)
{
    char digits[2 * 64 + 1];
    codec_hex_encode(digits, (struct bytes){data, len});
    fprintf(file, "%s %s\n", name, digits);
    codec_sodium_wipe(digits, sizeof(digits));
}

static void content_write(FILE *file, const struct content *content)
{
    const struct edge_keyfile *public = &content->public;
    fprintf(file, "isthmus-key 1\nsuite %s\n", proof_suite_name(public->key.suite));
    hex_line(file, "id", public->key.id, 32);
    hex_line(file, "point", public->key.point, 64);
    if (!public->encrypted) {
        fputs("kdf none\n", file);
        hex_line(file, "secret", content->box, 32);
        return;
    }
    fprintf(file, "kdf argon2id13 %" PRIu32 " %" PRIu32 "\n", public->cost.passes, public->cost.kib);
    hex_line(file, "salt", content->salt, SALT_BYTES);
    hex_line(file, "nonce", content->nonce, NONCE_BYTES);
    hex_line(file, "box", content->box, BOX_BYTES);
}

static bool folder_sync(const char *path)
{
    char copy[4096];
    snprintf(copy, sizeof(copy), "%s", path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool done = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return done;
}

static enum edge_keyfile_status file_write(const char *path, const struct content *content, char *text, size_t cap)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EEXIST)
        return refuse(EDGE_KEYFILE_EXISTS, text, cap, path, "exists already: a key is never overwritten");
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    bool done = file != NULL;
    if (done) {
        setvbuf(file, NULL, _IONBF, 0); /* no copy of a secret in a buffer of the library */
        content_write(file, content);
        done = fflush(file) == 0 && ferror(file) == 0 && fsync(fd) == 0;
    }
    int error = errno;
    if (file != NULL)
        done = fclose(file) == 0 && done;
    else if (fd >= 0)
        close(fd);
    if (!done || !folder_sync(path)) {
        if (fd >= 0)
            unlink(path);
        return refuse(EDGE_KEYFILE_IO, text, cap, path, strerror(error));
    }
    return EDGE_KEYFILE_OK;
}

static bool lock(struct content *content, const uint8_t secret[32], struct bytes passphrase)
{
    uint8_t key[32];
    if (!random_bytes(content->salt, SALT_BYTES) || !random_bytes(content->nonce, NONCE_BYTES) ||
        !codec_sodium_argon2id(key, passphrase, content->salt, content->public.cost.passes, content->public.cost.kib))
        return false;
    bool sealed = codec_sodium_box_seal(content->box, (struct bytes){secret, 32}, content->nonce, key);
    codec_sodium_wipe(key, sizeof(key));
    return sealed;
}

enum edge_keyfile_status edge_keyfile_create(struct edge_keyfile *out, const char *path, enum proof_suite suite,
                                             const uint8_t secret[32], struct bytes passphrase,
                                             struct edge_keyfile_cost cost, char *text, size_t cap)
{
    struct content content = {.public = {.encrypted = passphrase.data != NULL}};
    if (out != NULL)
        *out = (struct edge_keyfile){0};
    if (!proof_key_from_secret(&content.public.key, suite, secret))
        return refuse(EDGE_KEYFILE_MISMATCH, text, cap, path, "these 32 bytes are no secret key of that suite");
    if (content.public.encrypted) {
        content.public.cost = cost;
        if (!lock(&content, secret, passphrase))
            return refuse(EDGE_KEYFILE_MEMORY, text, cap, path, "not enough memory or randomness to encrypt it");
    } else {
        memcpy(content.box, secret, 32);
    }
    enum edge_keyfile_status status = file_write(path, &content, text, cap);
    if (status == EDGE_KEYFILE_OK && out != NULL)
        *out = content.public;
    codec_sodium_wipe(&content, sizeof(content));
    return status;
}

/* ---- passphrases --------------------------------------------------------------------------------------------------- */

/* True when the file is a plain one with any of these bits: a pipe or a terminal is whoever's who made it. */
static bool is_open_to(int fd, mode_t bits)
{
    struct stat status;
    return fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && (status.st_mode & bits) != 0;
}

static bool passphrase_fail(char *text, size_t cap, const char *where, const char *what)
{
    snprintf(text, cap, "passphrase from %s: %s", where, what);
    return false;
}

bool edge_keyfile_passphrase(uint8_t out[EDGE_PASSPHRASE_MAX], size_t *len, const char *where, char *text, size_t cap)
{
    char content[EDGE_PASSPHRASE_MAX + 2];
    char *end = NULL;
    int fd;
    *len = 0;
    memset(out, 0, EDGE_PASSPHRASE_MAX);
    if (strncmp(where, "fd:", 3) == 0) {
        long number = strtol(where + 3, &end, 10);
        if (end == where + 3 || *end != '\0' || number < 0 || number > 1 << 20)
            return passphrase_fail(text, cap, where, "is not fd:NUMBER");
        fd = dup((int)number);
    } else {
        const char *path = strncmp(where, "env:", 4) == 0 ? getenv(where + 4) : where;
        if (path == NULL)
            return passphrase_fail(text, cap, where, "there is no such variable in the environment");
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd >= 0 && is_open_to(fd, S_IRWXG | S_IRWXO)) {
            close(fd);
            return passphrase_fail(text, cap, where, "others may read it: chmod 600");
        }
    }
    ssize_t got = fd < 0 ? -1 : read_all(fd, content, sizeof(content));
    int error = errno;
    if (fd >= 0)
        close(fd);
    if (got < 0)
        return passphrase_fail(text, cap, where, error == EFBIG ? "is too long (at most 1024 bytes)" : strerror(error));
    const char *line_end = memchr(content, '\n', (size_t)got);
    size_t line = line_end != NULL ? (size_t)(line_end - content) : (size_t)got;
    bool is_text = memchr(content, '\0', line) == NULL; /* a part of random bytes would be a weaker passphrase */
    if (is_text && line > 0 && line <= EDGE_PASSPHRASE_MAX) {
        memcpy(out, content, line);
        *len = line;
    }
    codec_sodium_wipe(content, sizeof(content));
    return *len > 0 ||
           passphrase_fail(text, cap, where,
                           is_text ? "its first line is empty or too long"
                                   : "its first line has a zero byte in it: passphrases are text, e.g. in hexadecimal");
}

/* ---- certificates -------------------------------------------------------------------------------------------------- */

bool edge_keyfile_pem(char **out, const char *path, bool secret, char *text, size_t cap)
{
    const char *wrong = NULL;
    ssize_t len = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    *out = NULL;
    if (fd < 0)
        wrong = strerror(errno);
    else if (secret &&
             is_open_to(fd, S_IWGRP | S_IRWXO)) /* its group may read it: that is how certificates are shared */
        wrong = "it holds a key, and others may read it or its group change it: chmod 600 or 640";
    else if ((*out = calloc(1, EDGE_PEM_MAX + 1)) == NULL)
        wrong = "no memory";
    else if ((len = read_all(fd, *out, EDGE_PEM_MAX + 1)) <= 0)
        wrong = len == 0 ? "it is empty" : errno == EFBIG ? "it is larger than 64 KiB" : strerror(errno);
    if (fd >= 0)
        close(fd);
    if (wrong == NULL)
        return true;
    snprintf(text, cap, "TLS file %s (PEM): %s", path, wrong);
    free(*out);
    *out = NULL;
    return false;
}
