/*
 * Ed25519 by ZIP-215. An input is a key (32 bytes), a signature (64) and a message. All paths must say the same, of one
 * signature and of it among others, and must accept what libsodium accepts. The key's bytes are also taken for a
 * secret: what it signs is shown as well, whole and with a byte changed.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proofs/codec/ed25519.h"
#include "proofs/codec/sodium.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { AMONG = 9 }; /* more than the lanes of any path */

/* All paths say the same of it, whatever stands beside it; returns what. */
static bool verdict(const uint8_t public_key[32], struct bytes message, const uint8_t signature[64], size_t place)
{
    static struct codec_ed25519_key keys[2];
    static bool expanded;
    struct codec_ed25519_key *one = &keys[0], *other = &keys[1];
    static const uint8_t neutral[64] = {1}; /* as a key, and with S = 0 as a signature by it, valid for any message */
    if (!expanded)
        expanded = codec_ed25519_key_expand(other, neutral);
    bool valid = codec_ed25519_verify_zip215(public_key, message, signature);
    if (!valid && codec_sodium_ed25519_verify(public_key, message, signature))
        __builtin_trap();
    for (enum codec_ed25519_path path = CODEC_ED25519_PORTABLE; path <= CODEC_ED25519_IFMA; path++) {
        if (!codec_ed25519_path_usable(path))
            continue;
        struct codec_ed25519_job jobs[AMONG];
        codec_ed25519_keys_expand_by(path, &one, &public_key, 1);
        for (size_t i = 0; i < AMONG; i++)
            jobs[i] = (struct codec_ed25519_job){.key = other, .message = message, .signature = neutral};
        jobs[place] = (struct codec_ed25519_job){.key = one, .message = message, .signature = signature};
        if (codec_ed25519_verify_many_by(path, jobs, AMONG) != valid)
            __builtin_trap();
        for (size_t i = 0; i < AMONG; i++)
            if (jobs[i].valid != (i == place ? valid : true))
                __builtin_trap();
    }
    return valid;
}

/* An honest signature, and the same with one byte changed: then there is no small order, and libsodium's word is ours. */
static void check_signed(const uint8_t *data, struct bytes message, size_t place)
{
    uint8_t public_key[32], signature[64];
    if (!codec_sodium_ed25519_public(public_key, data) || !codec_sodium_ed25519_sign(signature, data, message))
        abort();
    signature[data[32] % 64] ^= data[33];
    if (verdict(public_key, message, signature, place) != codec_sodium_ed25519_verify(public_key, message, signature))
        __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 96)
        return 0;
    const struct bytes message = {data + 96, size - 96};
    verdict(data, message, data + 32, size % AMONG);
    check_signed(data, message, size % AMONG);
    return 0;
}
