/* The only file that includes libsecp256k1. */
#include "proofs/codec/secp256k1.h"

#include <secp256k1.h>
#include <secp256k1_recovery.h>
#include <string.h>

/* The library's serialisation of a point has a leading byte, 4. */
static void point_out(uint8_t point[64], const secp256k1_pubkey *key)
{
    uint8_t serialised[65];
    size_t len = sizeof serialised;
    (void)secp256k1_ec_pubkey_serialize(secp256k1_context_static, serialised, &len, key, SECP256K1_EC_UNCOMPRESSED);
    memcpy(point, serialised + 1, 64);
}

bool codec_secp256k1_recover(uint8_t point[64], const uint8_t digest[32], const uint8_t signature[64], int parity)
{
    secp256k1_ecdsa_recoverable_signature parsed;
    secp256k1_pubkey key;
    memset(point, 0, 64);
    if ((parity != 0 && parity != 1) ||
        !secp256k1_ecdsa_recoverable_signature_parse_compact(secp256k1_context_static, &parsed, signature, parity) ||
        !secp256k1_ecdsa_recover(secp256k1_context_static, &key, &parsed, digest))
        return false;
    point_out(point, &key);
    return true;
}

bool codec_secp256k1_verify(const uint8_t public_key[33], const uint8_t digest[32], const uint8_t signature[64])
{
    secp256k1_ecdsa_signature parsed; /* the library's verification refuses the upper half of s by itself */
    secp256k1_pubkey key;
    return secp256k1_ec_pubkey_parse(secp256k1_context_static, &key, public_key, 33) &&
           secp256k1_ecdsa_signature_parse_compact(secp256k1_context_static, &parsed, signature) &&
           secp256k1_ecdsa_verify(secp256k1_context_static, &parsed, digest, &key);
}

bool codec_secp256k1_sign(uint8_t signature[64], int *parity, const uint8_t secret[32], const uint8_t digest[32])
{
    secp256k1_ecdsa_recoverable_signature made;
    memset(signature, 0, 64);
    *parity = 0;
    /* A context of its own for each call: signing is rare, and proofs keeps no global state. */
    secp256k1_context *context = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
    bool done = context && secp256k1_ecdsa_sign_recoverable(context, &made, digest, secret, NULL, NULL) &&
                secp256k1_ecdsa_recoverable_signature_serialize_compact(context, signature, parity, &made);
    if (context)
        secp256k1_context_destroy(context);
    /* Bit 1 of the recovery id says that r overflowed the group's order: not seen in a lifetime, and not expressible. */
    if (done && *parity > 1)
        done = false;
    if (!done) {
        memset(signature, 0, 64);
        *parity = 0;
    }
    return done;
}

bool codec_secp256k1_public(uint8_t point[64], const uint8_t secret[32])
{
    secp256k1_pubkey key;
    memset(point, 0, 64);
    secp256k1_context *context = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
    bool done = context && secp256k1_ec_pubkey_create(context, &key, secret);
    if (done)
        point_out(point, &key);
    if (context)
        secp256k1_context_destroy(context);
    return done;
}

bool codec_secp256k1_on_curve(const uint8_t point[64])
{
    uint8_t serialised[65] = {4};
    secp256k1_pubkey key;
    memcpy(serialised + 1, point, 64);
    return secp256k1_ec_pubkey_parse(secp256k1_context_static, &key, serialised, sizeof serialised);
}
