/*
 * What comes from libsodium: BLAKE2b-256, SHA-512, Ed25519, and what key files are locked with. The only file that includes it in proofs is sodium.c.
 */
#ifndef ISTHMUS_PROOFS_CODEC_SODIUM_H
#define ISTHMUS_PROOFS_CODEC_SODIUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proofs/codec/bytes.h"

/* BLAKE2b with a 32-byte output and no key over parts[0] || parts[1] || … */
bool codec_sodium_blake2b256(uint8_t out[32], const struct bytes *parts, size_t count);

/* SHA-512 of parts[0] || parts[1] || … */
bool codec_sodium_sha512(uint8_t out[64], const struct bytes *parts, size_t count);

/* RFC 8032 with libsodium's strictness: S < L, canonical encodings, no small-order keys or R. */
bool codec_sodium_ed25519_verify(const uint8_t public_key[32], struct bytes message, const uint8_t signature[64]);
/* True for a canonical point of the main subgroup. */
bool codec_sodium_ed25519_public_valid(const uint8_t public_key[32]);
/* The public key of a seed. */
bool codec_sodium_ed25519_public(uint8_t public_key[32], const uint8_t seed[32]);
bool codec_sodium_ed25519_sign(uint8_t signature[64], const uint8_t seed[32], struct bytes message);
/* The same for who keeps the public key, in half the time. It must be the seed's own: a signature under another one gives
 * the seed away. */
bool codec_sodium_ed25519_sign_with(uint8_t signature[64], const uint8_t seed[32], const uint8_t public_key[32],
                                    struct bytes message);

/* Argon2id (version 1.3) of a passphrase: 32 bytes of key. Takes kib KiB of memory while it runs; false when there is not
 * that much, or passes or kib are below the algorithm's minimum (1, 8). */
bool codec_sodium_argon2id(uint8_t key[32], struct bytes passphrase, const uint8_t salt[16], uint32_t passes,
                           uint32_t kib);

/* XSalsa20-Poly1305. out has 16 bytes more than in when sealing, 16 fewer when opening. A nonce serves once a key. Opening is
 * false, and writes nothing, when the key is wrong or the box was changed. */
enum { CODEC_SODIUM_BOX_EXTRA = 16, CODEC_SODIUM_BOX_NONCE = 24 };
bool codec_sodium_box_seal(uint8_t *out, struct bytes in, const uint8_t nonce[24], const uint8_t key[32]);
bool codec_sodium_box_open(uint8_t *out, struct bytes in, const uint8_t nonce[24], const uint8_t key[32]);

/* Overwrites secrets in a way that the compiler keeps. */
void codec_sodium_wipe(void *data, size_t len);

#endif
