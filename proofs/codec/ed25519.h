/*
 * Ed25519 signatures by the rule of ZIP-215 (https://zips.z.cash/zip-0215), as CometBFT and Substrate have it. Verification
 * only, of public data: the time it takes depends on its inputs.
 *
 * The rule: a signature R || S by the key A is valid when
 *   - A and R are encodings of points of the curve. An encoding is 32 bytes, little-endian: 255 bits of y, which need not be
 *     below p, and the sign of x, which may be set where x = 0. Points of small order count.
 *   - S < L, the order of the base point B;
 *   - [8][S]B = [8]R + [8][k]A, where k = SHA-512(R || A || message) mod L, over the encodings as they were given.
 * Whatever libsodium (codec_sodium_ed25519_verify) accepts this accepts; not the other way round.
 *
 * A key that verifies often is expanded once into multiples of its point. Verifying many signatures at once runs one
 * signature in each lane of vector registers; each has its own verdict, there is no random combination, so many accept
 * exactly what one by one accepts, and a bad signature is known by its place.
 */
#ifndef ISTHMUS_PROOFS_CODEC_ED25519_H
#define ISTHMUS_PROOFS_CODEC_ED25519_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proofs/codec/bytes.h"

#define CODEC_ED25519_KEY_BYTES       32
#define CODEC_ED25519_SIGNATURE_BYTES 64

/* How an expanded key is laid out: for each of SPLITS powers 2^(35 i), the multiples 1..ENTRIES of -A. Private. */
enum {
    CODEC_ED25519_SPLITS = 8,
    CODEC_ED25519_ENTRIES = 16,
    CODEC_ED25519_ENTRY_WORDS = 16, /* y + x, y - x, 2dxy, as five limbs of 51 bits each, and one word unused */
};

/* An expanded key, which the caller owns: 16 KiB, and 64 bytes for the rest, so that in an array that begins at a multiple of
 * 64 each is read fastest. Immutable after it is expanded, so threads may share it. Fields are private, but for encoded and
 * usable, which may be read. */
struct codec_ed25519_key {
    uint64_t table[CODEC_ED25519_SPLITS * CODEC_ED25519_ENTRIES][CODEC_ED25519_ENTRY_WORDS];
    uint8_t encoded[CODEC_ED25519_KEY_BYTES];
    bool usable; /* encoded is a point; signatures by a key that is not usable are never valid */
    uint8_t unused[31];
};

/* Expands one key, at the cost of a few verifications. False, with usable false, when encoded is no point of the curve. */
bool codec_ed25519_key_expand(struct codec_ed25519_key *key, const uint8_t encoded[CODEC_ED25519_KEY_BYTES]);

/* Expands keys[i] from encoded[i] for i < count, several at once; the outcome of each is keys[i]->usable. */
void codec_ed25519_keys_expand(struct codec_ed25519_key *const *keys, const uint8_t *const *encoded, size_t count);

/* True when the signature is valid. */
bool codec_ed25519_verify(const struct codec_ed25519_key *key, struct bytes message,
                          const uint8_t signature[CODEC_ED25519_SIGNATURE_BYTES]);

/* The same for a key that is met once: expands it on the stack. */
bool codec_ed25519_verify_zip215(const uint8_t public_key[CODEC_ED25519_KEY_BYTES], struct bytes message,
                                 const uint8_t signature[CODEC_ED25519_SIGNATURE_BYTES]);

/* One signature to verify among many. Everything but valid is the caller's and is borrowed. */
struct codec_ed25519_job {
    const struct codec_ed25519_key *key;
    struct bytes message;
    const uint8_t *signature; /* 64 bytes */
    bool valid;               /* the verdict */
};

/* Sets valid of every job; true when all are (also when count is 0). Takes no memory but its stack, some 200 KiB at most. The more at
 * once, the better: signatures of several headers belong into one call. */
bool codec_ed25519_verify_many(struct codec_ed25519_job *jobs, size_t count);

/* The ways to compute, for tests and benchmarks: all give the same. */
enum codec_ed25519_path {
    CODEC_ED25519_PORTABLE = 0, /* 64-bit integers, one signature at a time */
    CODEC_ED25519_AVX2,         /* 4 at a time */
    CODEC_ED25519_IFMA,         /* 8 at a time, by the 52-bit multiplier of AVX-512 */
};

/* True when this build and this processor can run the path. */
bool codec_ed25519_path_usable(enum codec_ed25519_path path);

/* The path taken here for many. */
enum codec_ed25519_path codec_ed25519_path_best(void);

/* As above, by one path, which must be usable. */
void codec_ed25519_keys_expand_by(enum codec_ed25519_path path, struct codec_ed25519_key *const *keys,
                                  const uint8_t *const *encoded, size_t count);
bool codec_ed25519_verify_many_by(enum codec_ed25519_path path, struct codec_ed25519_job *jobs, size_t count);

#endif
