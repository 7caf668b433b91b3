/*
 * Key files: one secret of 32 bytes, encrypted at rest under a passphrase (Argon2id, then XSalsa20-Poly1305), with what
 * is public of it in clear. Text, one field a line, so that an operator can look at one:
 *
 *     isthmus-key 1
 *     suite blake2b256-ed25519
 *     id 3fcaee8f…                       32 bytes, docs/formats.md section 1
 *     point 3fcaee8f…                    64 bytes: x || y, or an Ed25519 public key and zeros
 *     kdf argon2id13 3 65536             passes, KiB of memory; or: kdf none
 *     salt …                             16 bytes } not with kdf none
 *     nonce …                            24 bytes }
 *     box …                              48 bytes; with kdf none: secret, 32 bytes
 *
 * A file is written new (never over another), readable by its owner only, and synced. An unencrypted one that others
 * can read is refused. After opening, the secret must give the id and the point in the file.
 */
#ifndef RELAY_EDGE_KEYFILE_H
#define RELAY_EDGE_KEYFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proofs/codec/bytes.h"
#include "proofs/signature.h"

enum {
    EDGE_KEYFILE_MAX = 4096,    /* bytes of a file */
    EDGE_PASSPHRASE_MAX = 1024, /* bytes of a passphrase */
    EDGE_PEM_MAX = 64 << 10,
    EDGE_KEYFILE_PASSES_MAX = 64,  /* Argon2id; what a file may ask for */
    EDGE_KEYFILE_KIB_MAX = 1 << 20 /* 1 GiB */
};

enum edge_keyfile_status {
    EDGE_KEYFILE_OK = 0,
    EDGE_KEYFILE_MISSING,
    EDGE_KEYFILE_IO,
    EDGE_KEYFILE_EXISTS,    /* create: the file is there already */
    EDGE_KEYFILE_OPEN,      /* others may read it, or it is not a plain file */
    EDGE_KEYFILE_MALFORMED, /* not a key file, or damaged in its public part */
    EDGE_KEYFILE_VERSION,
    EDGE_KEYFILE_NEEDS_PASSPHRASE,
    EDGE_KEYFILE_WRONG,    /* wrong passphrase or damaged box: the two cannot be told apart */
    EDGE_KEYFILE_MISMATCH, /* the secret inside is not that of the id in the file */
    EDGE_KEYFILE_MEMORY
};

/* What key derivation costs. */
struct edge_keyfile_cost {
    uint32_t passes;
    uint32_t kib;
};

extern const struct edge_keyfile_cost EDGE_KEYFILE_COST_NORMAL; /* 3 passes over 256 MiB: about half a second */
extern const struct edge_keyfile_cost EDGE_KEYFILE_COST_TEST;   /* 1 pass over 8 MiB: scenes with many keys, tests */

/* What a file says without its passphrase. */
struct edge_keyfile {
    struct proof_key key; /* suite, id, point */
    bool encrypted;
    struct edge_keyfile_cost cost;
};

/* In all functions `text` (capacity cap) says on failure what was wrong, where, and what to do. */

/* Reads the public part. */
enum edge_keyfile_status edge_keyfile_look(struct edge_keyfile *out, const char *path, char *text, size_t cap);

/* Reads it whole and opens it; passphrase.data NULL: none. The caller wipes secret (codec_sodium_wipe); it is zeroed on
 * failure. */
enum edge_keyfile_status edge_keyfile_open(struct edge_keyfile *out, uint8_t secret[32], const char *path,
                                           struct bytes passphrase, char *text, size_t cap);

/* Draws a new secret of the suite from the kernel. False: no randomness. */
bool edge_keyfile_secret(uint8_t secret[32], enum proof_suite suite);

/* Writes a new file. passphrase.data NULL: unencrypted (cost is ignored then). *out (may be NULL) is what look would say. */
enum edge_keyfile_status edge_keyfile_create(struct edge_keyfile *out, const char *path, enum proof_suite suite,
                                             const uint8_t secret[32], struct bytes passphrase,
                                             struct edge_keyfile_cost cost, char *text, size_t cap);

/*
 * Reads a passphrase: the first line, without its newline, of what `where` names: a path, "fd:N" (an open descriptor), or
 * "env:NAME" (the variable holds a path). An empty one is refused, and a plain file that others may read. *len is its length; the caller wipes out.
 */
bool edge_keyfile_passphrase(uint8_t out[EDGE_PASSPHRASE_MAX], size_t *len, const char *where, char *text, size_t cap);

/* Reads a PEM file of at most EDGE_PEM_MAX bytes into *out, which the caller frees (and wipes, when it is a key). secret: it
 * holds a key, so others must not be able to read it, nor its group to change it. False: text says why, *out is NULL. */
bool edge_keyfile_pem(char **out, const char *path, bool secret, char *text, size_t cap);

#endif
