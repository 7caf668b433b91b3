/* Virtual signatures and hashes: what the linker puts before those of proofs/ (--wrap). */
#include "tests/sim/crypto.h"

#include <string.h>

#include "proofs/codec/keccak.h"
#include "proofs/signature.h"

enum { KEYS_MAX = 64 };

void __real_proof_hash(uint8_t out[32], enum proof_suite suite, enum proof_tag tag, const struct bytes *parts,
                       size_t count);
void __wrap_proof_hash(uint8_t out[32], enum proof_suite suite, enum proof_tag tag, const struct bytes *parts,
                       size_t count);
void __real_codec_keccak256_jobs(const struct codec_keccak_job *jobs, size_t count);
void __wrap_codec_keccak256_jobs(const struct codec_keccak_job *jobs, size_t count);
void __real_codec_keccak256(uint8_t out[32], struct bytes in);
void __wrap_codec_keccak256(uint8_t out[32], struct bytes in);
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

/*
 * Two lanes of folded multiplications, sixteen bytes a step. What is hashed is one stream however it was cut into parts, as
 * long as each part but the last one is whole steps: so one at a time and side by side have the same result.
 */
struct lanes {
    uint64_t one, other, len;
};

static const uint64_t ODD[4] = {UINT64_C(0x9e3779b97f4a7c15), UINT64_C(0xbf58476d1ce4e5b9),
                                UINT64_C(0x94d049bb133111eb), UINT64_C(0xd6e8feb86659fd93)};

static uint64_t folded(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Fewer than sixteen bytes, and zeros behind them: in pieces whose sizes the compiler knows. */
static void rest(uint64_t words[2], const uint8_t *data, size_t len)
{
    uint8_t *out = (uint8_t *)words;
    memset(words, 0, 16);
    if (len & 8)
        memcpy(out, data, 8);
    out += len & 8;
    data += len & 8;
    if (len & 4)
        memcpy(out, data, 4);
    out += len & 4;
    data += len & 4;
    if (len & 2)
        memcpy(out, data, 2);
    if (len & 1)
        out[len & 2] = data[len & 2];
}

static void absorb(struct lanes *lanes, struct bytes part)
{
    uint64_t words[2];
    size_t at = 0;
    for (; at + 16 <= part.len; at += 16) {
        memcpy(words, part.data + at, 16);
        lanes->one = folded(lanes->one ^ words[0], ODD[0] ^ words[1]);
        lanes->other = folded(lanes->other ^ words[1], ODD[1] ^ words[0]);
    }
    if (at < part.len) {
        rest(words, part.data + at, part.len - at);
        lanes->one = folded(lanes->one ^ words[0], ODD[0] ^ words[1]);
        lanes->other = folded(lanes->other ^ words[1], ODD[1] ^ words[0]);
    }
    lanes->len += part.len;
}

static void squeeze(uint8_t out[32], const struct lanes *lanes)
{
    uint64_t words[4] = {folded(lanes->one ^ ODD[2], lanes->other ^ lanes->len),
                         folded(lanes->other ^ ODD[3], lanes->one ^ lanes->len)};
    words[2] = folded(words[0] ^ ODD[1], words[1] ^ ODD[0]);
    words[3] = folded(words[1] ^ ODD[2], words[0] ^ ODD[3]);
    memcpy(out, words, 32);
}

static const struct lanes EMPTY = {UINT64_C(0x243f6a8885a308d3), UINT64_C(0x13198a2e03707344), 0};

void __wrap_proof_hash(uint8_t out[32], enum proof_suite suite, enum proof_tag tag, const struct bytes *parts,
                       size_t count)
{
    struct lanes lanes = EMPTY;
    if (!crypto.on) {
        __real_proof_hash(out, suite, tag, parts, count);
        return;
    }
    absorb(&lanes, (struct bytes){proof_tag_bytes(tag), PROOF_TAG_BYTES});
    for (size_t i = 0; i < count; i++)
        absorb(&lanes, parts[i]);
    squeeze(out, &lanes);
}

void __wrap_codec_keccak256_jobs(const struct codec_keccak_job *jobs, size_t count)
{
    if (!crypto.on) {
        __real_codec_keccak256_jobs(jobs, count);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        struct lanes lanes = EMPTY;
        absorb(&lanes, jobs[i].head);
        absorb(&lanes, jobs[i].body);
        squeeze(jobs[i].out, &lanes);
    }
}

void __wrap_codec_keccak256(uint8_t out[32], struct bytes in)
{
    struct lanes lanes = EMPTY;
    if (!crypto.on) {
        __real_codec_keccak256(out, in);
        return;
    }
    absorb(&lanes, in);
    squeeze(out, &lanes);
}
