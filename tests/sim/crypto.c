/* Virtual signatures and hashes: what the linker puts before proofs/signature.c and proofs/suite.c (--wrap). */
#include "tests/sim/crypto.h"

#include <string.h>

#include "proofs/signature.h"

enum { KEYS_MAX = 64 };

void __real_proof_hash(uint8_t out[32], enum proof_suite suite, enum proof_tag tag, const struct bytes *parts,
                       size_t count);
void __wrap_proof_hash(uint8_t out[32], enum proof_suite suite, enum proof_tag tag, const struct bytes *parts,
                       size_t count);
bool __real_proof_key_from_secret(struct proof_key *key, enum proof_suite suite, const uint8_t secret[32]);
enum proof_verdict __real_proof_signature_verify(const struct proof_key *key, const uint8_t message[32],
                                                 const uint8_t signature[64], struct proof_result *result);
bool __real_proof_signature_sign(uint8_t signature[64], enum proof_suite suite, const uint8_t secret[32],
                                 const uint8_t message[32]);
bool __wrap_proof_key_from_secret(struct proof_key *key, enum proof_suite suite, const uint8_t secret[32]);
enum proof_verdict __wrap_proof_signature_verify(const struct proof_key *key, const uint8_t message[32],
                                                 const uint8_t signature[64], struct proof_result *result);
bool __wrap_proof_signature_sign(uint8_t signature[64], enum proof_suite suite, const uint8_t secret[32],
                                 const uint8_t message[32]);

static struct {
    bool on;
    struct {
        uint8_t secret[32];
        struct proof_key key;
    } keys[KEYS_MAX]; /* of secrets seen: the same few in every seed */
    size_t keys_len;
} crypto;

void sim_crypto_virtual(bool on)
{
    crypto.on = on;
}

bool __wrap_proof_key_from_secret(struct proof_key *key, enum proof_suite suite, const uint8_t secret[32])
{
    for (size_t i = 0; i < crypto.keys_len; i++) {
        if (crypto.keys[i].key.suite == suite && memcmp(crypto.keys[i].secret, secret, 32) == 0) {
            *key = crypto.keys[i].key;
            return true;
        }
    }
    bool made = __real_proof_key_from_secret(key, suite, secret);
    if (made && crypto.keys_len < KEYS_MAX) {
        memcpy(crypto.keys[crypto.keys_len].secret, secret, 32);
        crypto.keys[crypto.keys_len++].key = *key;
    }
    return made;
}

/* Mixed words of key and message: no two messages of a run share one by chance, and that is all that is asked of it. */
static void mixed(uint8_t out[64], const uint8_t id[32], const uint8_t message[32])
{
    uint64_t state = UINT64_C(0x9e3779b97f4a7c15), word, words[8];
    for (size_t i = 0; i < 8; i++) {
        memcpy(&word, i < 4 ? id + 8 * i : message + 8 * (i - 4), 8);
        state = (state ^ word) * UINT64_C(0xbf58476d1ce4e5b9);
        state ^= state >> 29;
        words[i] = state;
    }
    memcpy(out, words, 64);
}

enum proof_verdict __wrap_proof_signature_verify(const struct proof_key *key, const uint8_t message[32],
                                                 const uint8_t signature[64], struct proof_result *result)
{
    uint8_t expected[64];
    if (!crypto.on)
        return __real_proof_signature_verify(key, message, signature, result);
    mixed(expected, key->id, message);
    *result = (struct proof_result){PROOF_REASON_SIGNATURE_WRONG, 0};
    if (memcmp(expected, signature, 64) != 0)
        return PROOF_INVALID;
    *result = (struct proof_result){PROOF_REASON_VALID, 0};
    return PROOF_VALID;
}

bool __wrap_proof_signature_sign(uint8_t signature[64], enum proof_suite suite, const uint8_t secret[32],
                                 const uint8_t message[32])
{
    struct proof_key key;
    if (!crypto.on)
        return __real_proof_signature_sign(signature, suite, secret, message);
    if (!__wrap_proof_key_from_secret(&key, suite, secret))
        return false;
    mixed(signature, key.id, message);
    return true;
}

static void absorb(uint64_t state[4], struct bytes part)
{
    static const uint64_t ODD[4] = {UINT64_C(0x9e3779b97f4a7c15), UINT64_C(0xbf58476d1ce4e5b9),
                                    UINT64_C(0x94d049bb133111eb), UINT64_C(0xd6e8feb86659fd93)};
    for (size_t at = 0; at < part.len; at += 8) {
        uint64_t word = 0;
        memcpy(&word, part.data + at, part.len - at < 8 ? part.len - at : 8);
        for (size_t i = 0; i < 4; i++) {
            state[i] = (state[i] ^ word) * ODD[i];
            state[i] ^= state[i] >> 32;
        }
    }
    for (size_t i = 0; i < 4; i++)
        state[i] = (state[i] + part.len + state[(i + 1) % 4]) * ODD[i];
}

/* Commitments and digests of messages stay real: the core hashes them many at a time, past this function. */
void __wrap_proof_hash(uint8_t out[32], enum proof_suite suite, enum proof_tag tag, const struct bytes *parts,
                       size_t count)
{
    uint64_t state[4] = {1 + (uint64_t)tag, 2, 3, (uint64_t)suite};
    if (!crypto.on || tag == PROOF_TAG_COMMIT || tag == PROOF_TAG_DIGEST) {
        __real_proof_hash(out, suite, tag, parts, count);
        return;
    }
    for (size_t i = 0; i < count; i++)
        absorb(state, parts[i]);
    for (size_t i = 0; i < 4; i++)
        state[i] ^= state[(i + 3) % 4] >> 29;
    memcpy(out, state, 32);
}
