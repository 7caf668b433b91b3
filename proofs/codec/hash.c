/*
 * One call for the hashes of all suites.
 */
#include "proofs/codec/hash.h"

#include <string.h>

#include "proofs/codec/keccak.h"
#include "proofs/codec/openssl.h"
#include "proofs/codec/sodium.h"

bool codec_hash(uint8_t out[32], enum codec_hash hash, const struct bytes *parts, size_t count)
{
    bool done = false;
    memset(out, 0, 32);
    switch (hash) {
    case CODEC_HASH_NONE: break;
    case CODEC_HASH_KECCAK256: {
        struct codec_keccak256 keccak;
        codec_keccak256_init(&keccak);
        for (size_t i = 0; i < count; i++)
            codec_keccak256_update(&keccak, parts[i]);
        codec_keccak256_final(out, &keccak);
        done = true;
        break;
    }
    case CODEC_HASH_SHA256: done = codec_openssl_sha256(out, parts, count); break;
    case CODEC_HASH_SM3: done = codec_openssl_sm3(out, parts, count); break;
    case CODEC_HASH_BLAKE2B256: done = codec_sodium_blake2b256(out, parts, count); break;
    }
    if (!done)
        memset(out, 0, 32);
    return done;
}
