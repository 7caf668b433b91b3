/*
 * Signatures of the four suites (docs/formats.md §1): all are 64 bytes over a message of 32 bytes, under secret keys of 32
 * bytes. Verification is as strict as the strictest reader: s in the lower half for ECDSA, r and s in range and not zero,
 * points on the curve, no small-order Ed25519 keys.
 */
#ifndef ISTHMUS_PROOFS_SIGNATURE_H
#define ISTHMUS_PROOFS_SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proofs/proof.h"
#include "proofs/suite.h"

/* A verifying key. point: x || y for secp256k1, P-256 and SM2; the public key and 32 zero bytes for Ed25519. For
 * secp256k1 only the id is needed to verify (the signature gives the point back); point may be zero there. */
struct proof_key {
    enum proof_suite suite;
    uint8_t id[32];
    uint8_t point[64];
};

/* Fills a key from its point and computes its id. False, and the key zeroed, when the suite is unknown or the point is
 * not on the curve. For Ed25519 the last 32 bytes must be zero. */
bool proof_key_from_point(struct proof_key *key, enum proof_suite suite, const uint8_t point[64]);

/* A key that is known by its id alone: only secp256k1 (12 zero bytes || address, not the zero address) and Ed25519.
 * False, and the key zeroed, otherwise. */
bool proof_key_from_id(struct proof_key *key, enum proof_suite suite, const uint8_t id[32]);

/* The verifying key of a secret. False, and the key zeroed, when the secret is not a scalar of the curve. */
bool proof_key_from_secret(struct proof_key *key, enum proof_suite suite, const uint8_t secret[32]);

/* Verifies signature over the 32 bytes `message` (proof_signed_bytes) under key. Refuses with SIGNATURE_MALFORMED (r or
 * s zero or out of range, s in the upper half), KEY_MALFORMED, SIGNATURE_WRONG. */
enum proof_verdict proof_signature_verify(const struct proof_key *key, const uint8_t message[32],
                                          const uint8_t signature[64], struct proof_result *result);

/* Signs; false, and the signature zeroed, when the secret is not a scalar of the curve or the library refuses.
 * secp256k1 and Ed25519 give the same signature for the same input; P-256 and SM2 draw a fresh nonce. */
bool proof_signature_sign(uint8_t signature[64], enum proof_suite suite, const uint8_t secret[32],
                          const uint8_t message[32]);

#endif
