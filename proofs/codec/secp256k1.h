/*
 * What comes from libsecp256k1: ECDSA over secp256k1, with and without public-key recovery. The only file that includes it is secp256k1.c.
 */
#ifndef ISTHMUS_PROOFS_CODEC_SECP256K1_H
#define ISTHMUS_PROOFS_CODEC_SECP256K1_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The point x || y that signed `digest` with r || s and the y parity (0 or 1). False, and point zeroed, when r or s is zero
 * or out of range or no point comes out. Accepts both halves of s. */
bool codec_secp256k1_recover(uint8_t point[64], const uint8_t digest[32], const uint8_t signature[64], int parity);

/* ECDSA with the nonce of RFC 6979, s in the lower half; *parity is that of the nonce point's y. */
bool codec_secp256k1_sign(uint8_t signature[64], int *parity, const uint8_t secret[32], const uint8_t digest[32]);

/* The point of a secret scalar; false when it is 0 or not below the group order. */
bool codec_secp256k1_public(uint8_t point[64], const uint8_t secret[32]);

/* ECDSA as Cosmos has it: a key of 33 bytes (SEC 1, 2.3.3: 02 or 03, then x), r || s with 0 < r < n and s in the lower half
 * (the upper half, which anyone can make of it, is refused). */
bool codec_secp256k1_verify(const uint8_t public_key[33], const uint8_t digest[32], const uint8_t signature[64]);

/* True when x || y lies on the curve. */
bool codec_secp256k1_on_curve(const uint8_t point[64]);

#endif
