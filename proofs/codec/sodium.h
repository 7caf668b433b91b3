/*
 * What comes from libsodium: BLAKE2b-256 and Ed25519. The only file that includes it in proofs is sodium.c.
 */
#ifndef ISTHMUS_PROOFS_CODEC_SODIUM_H
#define ISTHMUS_PROOFS_CODEC_SODIUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proofs/codec/bytes.h"

/* BLAKE2b with a 32-byte output and no key over parts[0] || parts[1] || … */
bool codec_sodium_blake2b256(uint8_t out[32], const struct bytes *parts, size_t count);

/* RFC 8032 with libsodium's strictness: S < L, canonical encodings, no small-order keys or R. */
bool codec_sodium_ed25519_verify(const uint8_t public_key[32], struct bytes message, const uint8_t signature[64]);
/* True for a canonical point of the main subgroup. */
bool codec_sodium_ed25519_public_valid(const uint8_t public_key[32]);
/* The public key of a seed. */
bool codec_sodium_ed25519_public(uint8_t public_key[32], const uint8_t seed[32]);
bool codec_sodium_ed25519_sign(uint8_t signature[64], const uint8_t seed[32], struct bytes message);

/* Overwrites secrets in a way that the compiler keeps. */
void codec_sodium_wipe(void *data, size_t len);

#endif
