/* The rules of our signatures over the libraries' primitives: lower half, ids, parities. */
#include "proofs/signature.h"

#include <string.h>

#include "proofs/codec/openssl.h"
#include "proofs/codec/secp256k1.h"
#include "proofs/codec/sodium.h"

/* The orders of the groups, and half of those whose s must be in the lower half. Big-endian. */
static const uint8_t secp256k1_half[32] = {0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                           0xff, 0xff, 0xff, 0xff, 0xff, 0x5d, 0x57, 0x6e, 0x73, 0x57, 0xa4,
                                           0x50, 0x1d, 0xdf, 0xe9, 0x2f, 0x46, 0x68, 0x1b, 0x20, 0xa0};
static const uint8_t p256_order[32] = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff,
                                       0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
                                       0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
static const uint8_t p256_half[32] = {0x7f, 0xff, 0xff, 0xff, 0x80, 0x00, 0x00, 0x00, 0x7f, 0xff, 0xff,
                                      0xff, 0xff, 0xff, 0xff, 0xff, 0xde, 0x73, 0x7d, 0x56, 0xd3, 0x8b,
                                      0xcf, 0x42, 0x79, 0xdc, 0xe5, 0x61, 0x7e, 0x31, 0x92, 0xa8};

/* out = a - b over 256 bits, a >= b. */
static void subtract(uint8_t out[32], const uint8_t a[32], const uint8_t b[32])
{
    int borrow = 0;
    for (int i = 31; i >= 0; i--) {
        int difference = a[i] - b[i] - borrow;
        borrow = difference < 0;
        out[i] = (uint8_t)(difference + (borrow ? 256 : 0));
    }
}

/* The id that belongs to a point on the curve. False when it cannot be hashed. */
static bool id_of_point(uint8_t id[32], enum proof_suite suite, const uint8_t point[64])
{
    struct bytes whole = {point, 64};
    if (suite == PROOF_SUITE_BLAKE2B256_ED25519) {
        memcpy(id, point, 32);
        return true;
    }
    bool done = codec_hash(id, proof_suite_hash(suite), &whole, 1);
    if (suite == PROOF_SUITE_KECCAK256_SECP256K1)
        memset(id, 0, 12); /* an address is the hash's last 20 bytes */
    return done;
}

static bool point_valid(enum proof_suite suite, const uint8_t point[64])
{
    switch (suite) {
    case PROOF_SUITE_KECCAK256_SECP256K1: return codec_secp256k1_on_curve(point);
    case PROOF_SUITE_SHA256_P256: return codec_openssl_p256_on_curve(point);
    case PROOF_SUITE_SM3_SM2: return codec_openssl_sm2_on_curve(point);
    case PROOF_SUITE_BLAKE2B256_ED25519:
        return codec_bytes_are_zero(point + 32, 32) && codec_sodium_ed25519_public_valid(point);
    case PROOF_SUITE_NONE: break;
    }
    return false;
}

bool proof_key_from_point(struct proof_key *key, enum proof_suite suite, const uint8_t point[64])
{
    memset(key, 0, sizeof *key);
    if (!point_valid(suite, point))
        return false;
    key->suite = suite;
    memcpy(key->point, point, 64);
    if (id_of_point(key->id, suite, point))
        return true;
    memset(key, 0, sizeof *key);
    return false;
}

bool proof_key_from_id(struct proof_key *key, enum proof_suite suite, const uint8_t id[32])
{
    uint8_t point[64] = {0};
    memset(key, 0, sizeof *key);
    if (suite == PROOF_SUITE_BLAKE2B256_ED25519) {
        memcpy(point, id, 32);
        return proof_key_from_point(key, suite, point);
    }
    if (suite != PROOF_SUITE_KECCAK256_SECP256K1 || !codec_bytes_are_zero(id, 12) || codec_bytes_are_zero(id + 12, 20))
        return false;
    key->suite = suite;
    memcpy(key->id, id, 32);
    return true;
}

bool proof_key_from_secret(struct proof_key *key, enum proof_suite suite, const uint8_t secret[32])
{
    uint8_t point[64] = {0};
    bool done = false;
    memset(key, 0, sizeof *key);
    switch (suite) {
    case PROOF_SUITE_KECCAK256_SECP256K1: done = codec_secp256k1_public(point, secret); break;
    case PROOF_SUITE_SHA256_P256: done = codec_openssl_p256_public(point, secret); break;
    case PROOF_SUITE_SM3_SM2: done = codec_openssl_sm2_public(point, secret); break;
    case PROOF_SUITE_BLAKE2B256_ED25519: done = codec_sodium_ed25519_public(point, secret); break;
    case PROOF_SUITE_NONE: break;
    }
    return done && proof_key_from_point(key, suite, point);
}

/* EIP-2098: the top bit of s is the parity of the nonce point's y; the rest must be in the lower half. */
static enum proof_reason verify_secp256k1(const struct proof_key *key, const uint8_t message[32],
                                          const uint8_t signature[64])
{
    uint8_t plain[64];
    uint8_t point[64];
    uint8_t id[32];
    int parity = signature[32] >> 7;
    memcpy(plain, signature, 64);
    plain[32] &= 0x7f;
    if (codec_bytes_are_zero(plain, 32) || codec_bytes_are_zero(plain + 32, 32) ||
        memcmp(plain + 32, secp256k1_half, 32) > 0)
        return PROOF_REASON_SIGNATURE_MALFORMED;
    if (!codec_secp256k1_recover(point, message, plain, parity))
        return PROOF_REASON_SIGNATURE_MALFORMED;
    bool hashed = id_of_point(id, PROOF_SUITE_KECCAK256_SECP256K1, point);
    return hashed && memcmp(id, key->id, 32) == 0 ? PROOF_REASON_VALID : PROOF_REASON_SIGNATURE_WRONG;
}

static enum proof_reason verify_p256(const struct proof_key *key, const uint8_t message[32],
                                     const uint8_t signature[64])
{
    if (codec_bytes_are_zero(signature, 32) || codec_bytes_are_zero(signature + 32, 32) ||
        memcmp(signature, p256_order, 32) >= 0 || memcmp(signature + 32, p256_half, 32) > 0)
        return PROOF_REASON_SIGNATURE_MALFORMED;
    return codec_openssl_p256_verify(key->point, message, signature) ? PROOF_REASON_VALID
                                                                     : PROOF_REASON_SIGNATURE_WRONG;
}

static enum proof_reason verify_sm2(const struct proof_key *key, const uint8_t message[32], const uint8_t signature[64])
{
    /* The library checks 1 <= r, s < n and r + s != 0 mod n. */
    if (codec_bytes_are_zero(signature, 32) || codec_bytes_are_zero(signature + 32, 32))
        return PROOF_REASON_SIGNATURE_MALFORMED;
    return codec_openssl_sm2_verify(key->point, (struct bytes){message, 32}, signature) ? PROOF_REASON_VALID
                                                                                        : PROOF_REASON_SIGNATURE_WRONG;
}

enum proof_verdict proof_signature_verify(const struct proof_key *key, const uint8_t message[32],
                                          const uint8_t signature[64], struct proof_result *result)
{
    enum proof_reason reason = PROOF_REASON_SUITE_UNKNOWN;
    if (codec_bytes_are_zero(key->id, 32))
        return proof_refuse(result, PROOF_REASON_KEY_MALFORMED, 0);
    switch (key->suite) {
    case PROOF_SUITE_KECCAK256_SECP256K1: reason = verify_secp256k1(key, message, signature); break;
    case PROOF_SUITE_SHA256_P256: reason = verify_p256(key, message, signature); break;
    case PROOF_SUITE_SM3_SM2: reason = verify_sm2(key, message, signature); break;
    case PROOF_SUITE_BLAKE2B256_ED25519:
        reason = codec_sodium_ed25519_verify(key->id, (struct bytes){message, 32}, signature)
                     ? PROOF_REASON_VALID
                     : PROOF_REASON_SIGNATURE_WRONG;
        break;
    case PROOF_SUITE_NONE: break;
    }
    if (reason != PROOF_REASON_VALID)
        return proof_refuse(result, reason, 0);
    proof_accept(result);
    return PROOF_VALID;
}

bool proof_signature_sign(uint8_t signature[64], enum proof_suite suite, const uint8_t secret[32],
                          const uint8_t message[32])
{
    struct bytes whole = {message, 32};
    bool done = false;
    int parity = 0;
    memset(signature, 0, 64);
    switch (suite) {
    case PROOF_SUITE_KECCAK256_SECP256K1:
        done = codec_secp256k1_sign(signature, &parity, secret, message);
        signature[32] |= (uint8_t)(parity << 7);
        break;
    case PROOF_SUITE_SHA256_P256:
        done = codec_openssl_p256_sign(signature, secret, message);
        if (done && memcmp(signature + 32, p256_half, 32) > 0)
            subtract(signature + 32, p256_order, signature + 32);
        break;
    case PROOF_SUITE_SM3_SM2: done = codec_openssl_sm2_sign(signature, secret, whole); break;
    case PROOF_SUITE_BLAKE2B256_ED25519: done = codec_sodium_ed25519_sign(signature, secret, whole); break;
    case PROOF_SUITE_NONE: break;
    }
    return done;
}
