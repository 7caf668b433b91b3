#include "proofs/codec/sodium.h"

#include <sodium.h>

bool codec_sodium_blake2b256(uint8_t out[32], const struct bytes *parts, size_t count)
{
    crypto_generichash_blake2b_state state;
    bool done = crypto_generichash_blake2b_init(&state, NULL, 0, 32) == 0;
    for (size_t i = 0; done && i < count; i++)
        done = crypto_generichash_blake2b_update(&state, parts[i].data, parts[i].len) == 0;
    return done && crypto_generichash_blake2b_final(&state, out, 32) == 0;
}
