/*
 * What comes from OpenSSL: SHA-256, SM3 and other hashes, ECDSA over P-256 and SM2. The only file that includes it in proofs is openssl.c.
 *
 * Points are x || y, 64 bytes; signatures r || s, 64 bytes; secrets 32 bytes. These are the plain primitives: lower-half
 * rules are the caller's (proofs/signature.c).
 */
#ifndef ISTHMUS_PROOFS_CODEC_OPENSSL_H
#define ISTHMUS_PROOFS_CODEC_OPENSSL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proofs/codec/bytes.h"

/* The hash of parts[0] || parts[1] || …; false, and out zeroed, when the library refuses. */
bool codec_openssl_sha256(uint8_t out[32], const struct bytes *parts, size_t count);
bool codec_openssl_sm3(uint8_t out[32], const struct bytes *parts, size_t count);

/* Hashes that only some formats need. */
enum codec_openssl_hash {
    CODEC_OPENSSL_RIPEMD160,
    CODEC_OPENSSL_SHA512,
    CODEC_OPENSSL_SHA512_256,
    CODEC_OPENSSL_BLAKE2B_512,
    CODEC_OPENSSL_BLAKE2S_256,
};
/* The hash of parts[0] || parts[1] || …; its length (at most 64), 0 where the library refuses or was built without it. */
size_t codec_openssl_digest(uint8_t *out, enum codec_openssl_hash hash, const struct bytes *parts, size_t count);

/* ECDSA over P-256 of a digest (32 bytes). Accepts both halves of s. */
bool codec_openssl_p256_verify(const uint8_t point[64], const uint8_t digest[32], const uint8_t signature[64]);
bool codec_openssl_p256_sign(uint8_t signature[64], const uint8_t secret[32], const uint8_t digest[32]);
/* The point of a secret scalar; false when it is 0 or not below the group order. */
bool codec_openssl_p256_public(uint8_t point[64], const uint8_t secret[32]);
/* True when the point lies on the curve. */
bool codec_openssl_p256_on_curve(const uint8_t point[64]);

/* SM2 of a message (hashed inside, with the identity of GM/T 0009: 1234567812345678). */
bool codec_openssl_sm2_verify(const uint8_t point[64], struct bytes message, const uint8_t signature[64]);
bool codec_openssl_sm2_sign(uint8_t signature[64], const uint8_t secret[32], struct bytes message);
bool codec_openssl_sm2_public(uint8_t point[64], const uint8_t secret[32]);
bool codec_openssl_sm2_on_curve(const uint8_t point[64]);

#endif
