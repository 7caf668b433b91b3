/*
 * Ed25519 by ZIP-215: reading, hashing, the choice of a path, and the verdict.
 *
 * Instead of the equation [8][S]B = [8]R + [8][k]A, P = [S]B - [k]A is computed and encoded. When those are R's bytes, P = R
 * and the equation holds; that is so for every signature that a signer by RFC 8032 made under a key without a part of small
 * order, and R need not even be decoded. Anything else is decided by the equation itself.
 */
#include "proofs/codec/ed25519.h"

#include "proofs/codec/ed25519_lanes.h"
#include "proofs/codec/ed25519_scalar.h"
#include "proofs/codec/sha512.h"

_Static_assert(CODEC_ED25519_ENTRIES == 1 << (ED25519_KEY_BITS - 1), "a row for each size of a key's digit");
_Static_assert(ED25519_BASE_ENTRIES == 1 << (ED25519_BASE_BITS - 1), "a row for each size of a base digit");

enum { JOBS_TOGETHER = 128 };

static const struct ed25519_shape KEY_SHAPE = {CODEC_ED25519_SPLITS, ED25519_KEY_STEP, CODEC_ED25519_ENTRIES};

bool codec_ed25519_path_usable(enum codec_ed25519_path path)
{
    switch (path) {
    case CODEC_ED25519_PORTABLE: return true;
#ifdef ED25519_HAVE_LANES
    case CODEC_ED25519_AVX2:
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
    case CODEC_ED25519_IFMA:
        return __builtin_cpu_supports("avx512ifma") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
#else
    case CODEC_ED25519_AVX2:
    case CODEC_ED25519_IFMA: return false;
#endif
    }
    return false;
}

enum codec_ed25519_path codec_ed25519_path_best(void)
{
    if (codec_ed25519_path_usable(CODEC_ED25519_IFMA))
        return CODEC_ED25519_IFMA;
    if (codec_ed25519_path_usable(CODEC_ED25519_AVX2))
        return CODEC_ED25519_AVX2;
    return CODEC_ED25519_PORTABLE;
}

static void make_sums(enum codec_ed25519_path path, uint8_t (*encoded)[32], const struct ed25519_sum *sums,
                      size_t count)
{
    switch (path) {
#ifdef ED25519_HAVE_LANES
    case CODEC_ED25519_IFMA: codec_ed25519_sums_ifma(encoded, sums, count, CODEC_ED25519_BASE); return;
    case CODEC_ED25519_AVX2: codec_ed25519_sums_avx2(encoded, sums, count, CODEC_ED25519_BASE); return;
#else
    case CODEC_ED25519_IFMA:
    case CODEC_ED25519_AVX2:
#endif
    case CODEC_ED25519_PORTABLE: break;
    }
    codec_ed25519_sums_portable(encoded, sums, count, CODEC_ED25519_BASE);
}

static void make_tables(enum codec_ed25519_path path, struct ed25519_table *tables, size_t count)
{
    switch (path) {
#ifdef ED25519_HAVE_LANES
    case CODEC_ED25519_IFMA: codec_ed25519_tables_ifma(tables, count, &KEY_SHAPE); return;
    case CODEC_ED25519_AVX2: codec_ed25519_tables_avx2(tables, count, &KEY_SHAPE); return;
#else
    case CODEC_ED25519_IFMA:
    case CODEC_ED25519_AVX2:
#endif
    case CODEC_ED25519_PORTABLE: break;
    }
    codec_ed25519_tables_portable(tables, count, &KEY_SHAPE);
}

void codec_ed25519_keys_expand_by(enum codec_ed25519_path path, struct codec_ed25519_key *const *keys,
                                  const uint8_t *const *encoded, size_t count)
{
    struct ed25519_table tables[JOBS_TOGETHER];
    for (size_t done = 0; done < count; done += JOBS_TOGETHER) {
        size_t some = count - done < JOBS_TOGETHER ? count - done : JOBS_TOGETHER;
        for (size_t i = 0; i < some; i++) {
            struct codec_ed25519_key *key = keys[done + i];
            memmove(key->encoded, encoded[done + i], sizeof key->encoded);
            tables[i] = (struct ed25519_table){.encoded = key->encoded, .rows = key->table};
        }
        make_tables(path, tables, some);
        for (size_t i = 0; i < some; i++)
            keys[done + i]->usable = tables[i].usable;
    }
}

void codec_ed25519_keys_expand(struct codec_ed25519_key *const *keys, const uint8_t *const *encoded, size_t count)
{
    codec_ed25519_keys_expand_by(count < 2 ? CODEC_ED25519_PORTABLE : codec_ed25519_path_best(), keys, encoded, count);
}

bool codec_ed25519_key_expand(struct codec_ed25519_key *key, const uint8_t encoded[CODEC_ED25519_KEY_BYTES])
{
    codec_ed25519_keys_expand(&key, &encoded, 1);
    return key->usable;
}

/* The cheap refusals, and what is to be hashed for the others. */
static bool prepare(struct codec_sha512_job *hash, uint64_t s[4], const struct codec_ed25519_job *job)
{
    if (!job->key->usable || !codec_ed25519_scalar_read(s, job->signature + 32))
        return false;
    hash->parts[0] = (struct bytes){job->signature, 32};
    hash->parts[1] = BYTES_OF(job->key->encoded);
    hash->parts[2] = job->message;
    return true;
}

static void cut(struct ed25519_sum *sum, const struct codec_ed25519_job *job, const uint64_t s[4],
                const uint8_t hash[64])
{
    uint64_t k[4];
    codec_ed25519_scalar_reduce(k, hash);
    sum->key = job->key->table;
    codec_ed25519_scalar_digits(sum->key_digits, ED25519_KEY_DIGITS, ED25519_KEY_BITS, k);
    codec_ed25519_scalar_digits(sum->base_digits, ED25519_BASE_DIGITS, ED25519_BASE_BITS, s);
}

static size_t lanes_of(enum codec_ed25519_path path)
{
    switch (path) {
    case CODEC_ED25519_PORTABLE: return 1;
    case CODEC_ED25519_AVX2: return 4;
    case CODEC_ED25519_IFMA: return 8;
    }
    return 1;
}

static bool verify_some(enum codec_ed25519_path path, struct codec_ed25519_job *jobs, size_t count)
{
    struct codec_ed25519_job *asked[JOBS_TOGETHER];
    struct codec_sha512_job hashing[JOBS_TOGETHER];
    struct ed25519_sum sums[JOBS_TOGETHER];
    uint64_t s[JOBS_TOGETHER][4];
    uint8_t hashes[JOBS_TOGETHER][64], encoded[JOBS_TOGETHER][32];
    size_t many = 0;
    bool all = true;
    for (size_t i = 0; i < count; i++) {
        jobs[i].valid = false;
        hashing[many].out = hashes[many];
        if (prepare(&hashing[many], s[many], &jobs[i]))
            asked[many++] = &jobs[i];
    }
    if (!codec_sha512_jobs_by(many < 2 ? 1 : lanes_of(path), hashing, many))
        return false;
    for (size_t i = 0; i < many; i++)
        cut(&sums[i], asked[i], s[i], hashes[i]);
    make_sums(path, encoded, sums, many);
    for (size_t i = 0; i < many; i++)
        asked[i]->valid = memcmp(encoded[i], asked[i]->signature, 32) == 0 ||
                          codec_ed25519_same_but_small_order(encoded[i], asked[i]->signature);
    for (size_t i = 0; i < count; i++)
        all = all && jobs[i].valid;
    return all;
}

bool codec_ed25519_verify_many_by(enum codec_ed25519_path path, struct codec_ed25519_job *jobs, size_t count)
{
    bool all = true;
    for (size_t done = 0; done < count; done += JOBS_TOGETHER) {
        size_t some = count - done < JOBS_TOGETHER ? count - done : JOBS_TOGETHER;
        if (!verify_some(path, jobs + done, some))
            all = false;
    }
    return all;
}

bool codec_ed25519_verify_many(struct codec_ed25519_job *jobs, size_t count)
{
    return codec_ed25519_verify_many_by(count < 2 ? CODEC_ED25519_PORTABLE : codec_ed25519_path_best(), jobs, count);
}

bool codec_ed25519_verify(const struct codec_ed25519_key *key, struct bytes message,
                          const uint8_t signature[CODEC_ED25519_SIGNATURE_BYTES])
{
    struct codec_ed25519_job job = {.key = key, .message = message, .signature = signature};
    return codec_ed25519_verify_many(&job, 1);
}

bool codec_ed25519_verify_zip215(const uint8_t public_key[CODEC_ED25519_KEY_BYTES], struct bytes message,
                                 const uint8_t signature[CODEC_ED25519_SIGNATURE_BYTES])
{
    struct codec_ed25519_key key;
    return codec_ed25519_key_expand(&key, public_key) && codec_ed25519_verify(&key, message, signature);
}
