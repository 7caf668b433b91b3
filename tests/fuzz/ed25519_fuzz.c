/*
 * Ed25519 by ZIP-215. An input is a key (32 bytes), a signature (64) and a message. All paths must say the same, of one
 * signature and of it among others, and must accept what libsodium accepts.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proofs/codec/ed25519.h"
#include "proofs/codec/sodium.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { AMONG = 9 }; /* more than the lanes of any path */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct codec_ed25519_key keys[2];
    static bool expanded;
    struct codec_ed25519_key *one = &keys[0], *other = &keys[1];
    static const uint8_t neutral[64] = {1}; /* as a key, and with S = 0 as a signature by it, valid for any message */
    if (size < 96)
        return 0;
    struct bytes message = {data + 96, size - 96};
    if (!expanded)
        expanded = codec_ed25519_key_expand(other, neutral);
    bool valid = codec_ed25519_verify_zip215(data, message, data + 32);
    if (!valid && codec_sodium_ed25519_verify(data, message, data + 32))
        __builtin_trap();
    for (enum codec_ed25519_path path = CODEC_ED25519_PORTABLE; path <= CODEC_ED25519_IFMA; path++) {
        if (!codec_ed25519_path_usable(path))
            continue;
        struct codec_ed25519_job jobs[AMONG];
        codec_ed25519_keys_expand_by(path, &one, &data, 1);
        for (size_t i = 0; i < AMONG; i++)
            jobs[i] = (struct codec_ed25519_job){.key = other, .message = message, .signature = neutral};
        size_t place = size % AMONG;
        jobs[place] = (struct codec_ed25519_job){.key = one, .message = message, .signature = data + 32};
        if (codec_ed25519_verify_many_by(path, jobs, AMONG) != valid)
            __builtin_trap();
        for (size_t i = 0; i < AMONG; i++)
            if (jobs[i].valid != (i == place ? valid : true))
                __builtin_trap();
    }
    return 0;
}
