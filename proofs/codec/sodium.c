/*
 * The only file of this room that includes libsodium.
 *
 * sodium_init is not called on purpose: nothing here needs it (no random numbers), and what it would choose for BLAKE2b, the
 * AVX2 code of 1.0.18, hashes 0.65 GB/s where the plain code hashes 1.2 GB/s.
 */
#include "proofs/codec/sodium.h"

#include <string.h>

#include <sodium.h>

bool codec_sodium_blake2b256(uint8_t out[32], const struct bytes *parts, size_t count)
{
    crypto_generichash_blake2b_state state;
    bool done = crypto_generichash_blake2b_init(&state, NULL, 0, 32) == 0;
    for (size_t i = 0; done && i < count; i++)
        done = crypto_generichash_blake2b_update(&state, parts[i].data, parts[i].len) == 0;
    return done && crypto_generichash_blake2b_final(&state, out, 32) == 0;
}

bool codec_sodium_sha512(uint8_t out[64], const struct bytes *parts, size_t count)
{
    crypto_hash_sha512_state state;
    bool done = crypto_hash_sha512_init(&state) == 0;
    for (size_t i = 0; done && i < count; i++)
        done = crypto_hash_sha512_update(&state, parts[i].data, parts[i].len) == 0;
    return done && crypto_hash_sha512_final(&state, out) == 0;
}

bool codec_sodium_ed25519_verify(const uint8_t public_key[32], struct bytes message, const uint8_t signature[64])
{
    return crypto_sign_ed25519_verify_detached(signature, message.data, message.len, public_key) == 0;
}

bool codec_sodium_ed25519_public_valid(const uint8_t public_key[32])
{
    return crypto_core_ed25519_is_valid_point(public_key) == 1;
}

bool codec_sodium_ed25519_public(uint8_t public_key[32], const uint8_t seed[32])
{
    uint8_t expanded[crypto_sign_ed25519_SECRETKEYBYTES];
    bool done = crypto_sign_ed25519_seed_keypair(public_key, expanded, seed) == 0;
    sodium_memzero(expanded, sizeof expanded);
    return done;
}

bool codec_sodium_ed25519_sign_with(uint8_t signature[64], const uint8_t seed[32], const uint8_t public_key[32],
                                    struct bytes message)
{
    uint8_t expanded[crypto_sign_ed25519_SECRETKEYBYTES]; /* RFC 8032, 5.1.5: libsodium keeps seed || public key */
    memcpy(expanded, seed, 32);
    memcpy(expanded + 32, public_key, 32);
    bool done = crypto_sign_ed25519_detached(signature, NULL, message.data, message.len, expanded) == 0;
    sodium_memzero(expanded, sizeof expanded);
    return done;
}

bool codec_sodium_ed25519_sign(uint8_t signature[64], const uint8_t seed[32], struct bytes message)
{
    uint8_t public_key[32];
    return codec_sodium_ed25519_public(public_key, seed) &&
           codec_sodium_ed25519_sign_with(signature, seed, public_key, message);
}

bool codec_sodium_argon2id(uint8_t key[32], struct bytes passphrase, const uint8_t salt[16], uint32_t passes,
                           uint32_t kib)
{
    return crypto_pwhash(key, 32, (const char *)passphrase.data, passphrase.len, salt, passes, (size_t)kib * 1024,
                         crypto_pwhash_ALG_ARGON2ID13) == 0;
}

bool codec_sodium_box_seal(uint8_t *out, struct bytes in, const uint8_t nonce[24], const uint8_t key[32])
{
    return crypto_secretbox_easy(out, in.data, in.len, nonce, key) == 0;
}

bool codec_sodium_box_open(uint8_t *out, struct bytes in, const uint8_t nonce[24], const uint8_t key[32])
{
    return crypto_secretbox_open_easy(out, in.data, in.len, nonce, key) == 0;
}

void codec_sodium_wipe(void *data, size_t len)
{
    sodium_memzero(data, len);
}
