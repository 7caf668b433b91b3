/*
 * bench-ed25519: verifications a second by each path that this processor has, of commits as CometBFT chains have them.
 *
 *   bench-ed25519 [--seconds S] [--dump FILE]
 *
 * 150 keys, each of which signed one vote. --dump writes them for the peers, then cases of many kinds with our verdict, which
 * the peers check, and ends.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proofs/codec/ed25519.h"
#include "proofs/codec/sodium.h"
#include "tools/benches/scene.h"

enum { VOTES = 150, VOTE_BYTES = 118, CASES = 12000 };

struct vote {
    uint8_t key[32], message[VOTE_BYTES], signature[64];
};

struct world {
    struct vote votes[VOTES];
    uint8_t seeds[VOTES][32];
    struct codec_ed25519_key *keys;
    struct codec_ed25519_job jobs[VOTES];
};

static void make_world(struct world *world)
{
    size_t size = (VOTES * sizeof(struct codec_ed25519_key) + 63) / 64 * 64;
    world->keys = aligned_alloc(64, size);
    if (world->keys == NULL)
        scene_die("no memory");
    for (size_t i = 0; i < VOTES; i++) {
        struct vote *vote = &world->votes[i];
        memset(world->seeds[i], (int)i, 32);
        memset(vote->message, 0x5a, VOTE_BYTES);
        vote->message[VOTE_BYTES - 1] = (uint8_t)i;
        if (!codec_sodium_ed25519_public(vote->key, world->seeds[i]) ||
            !codec_sodium_ed25519_sign(vote->signature, world->seeds[i], BYTES_OF(vote->message)))
            scene_die("cannot sign");
        world->jobs[i] = (struct codec_ed25519_job){
            .key = &world->keys[i], .message = BYTES_OF(vote->message), .signature = vote->signature};
    }
}

static void expand(struct world *world, enum codec_ed25519_path path)
{
    struct codec_ed25519_key *keys[VOTES];
    const uint8_t *encoded[VOTES];
    for (size_t i = 0; i < VOTES; i++) {
        keys[i] = &world->keys[i];
        encoded[i] = world->votes[i].key;
    }
    codec_ed25519_keys_expand_by(path, keys, encoded, VOTES);
}

/* ---- cases for the peers ---- */

/* S of a signature by a key of small order: the secret scalar of a seed, whose point is R (RFC 8032, 5.1.5). */
static void secret_scalar(uint8_t scalar[32], const uint8_t seed[32])
{
    static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,       0xd6,
                                      0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10};
    uint8_t hash[64];
    struct bytes part = {seed, 32};
    if (!codec_sodium_sha512(hash, &part, 1))
        scene_die("cannot hash");
    memcpy(scalar, hash, 32);
    scalar[0] &= 0xf8;
    scalar[31] = (uint8_t)((scalar[31] & 0x7f) | 0x40);
    for (int times = 0; times < 8; times++) {
        uint8_t less[32];
        int borrow = 0;
        for (size_t i = 0; i < 32; i++) {
            int difference = scalar[i] - order[i] - borrow;
            borrow = difference < 0;
            less[i] = (uint8_t)difference;
        }
        if (!borrow)
            memcpy(scalar, less, 32);
    }
}

/* Encodings of small order, canonical and not, as their first byte, what fills the middle, and the last. */
static void small_order(uint8_t point[32], unsigned number)
{
    static const uint8_t ends[10][3] = {{1, 0, 0},          {1, 0, 0x80},       {0, 0, 0},          {0, 0, 0x80},
                                        {0xec, 0xff, 0x7f}, {0xec, 0xff, 0xff}, {0xed, 0xff, 0x7f}, {0xed, 0xff, 0xff},
                                        {0xee, 0xff, 0x7f}, {0xee, 0xff, 0xff}};
    memset(point, ends[number % 10][1], 32);
    point[0] = ends[number % 10][0];
    point[31] = ends[number % 10][2];
}

static struct vote make_case(const struct world *world, unsigned number)
{
    struct vote one = world->votes[number % VOTES];
    unsigned kind = number / VOTES % 8, detail = number / VOTES / 8;
    unsigned spread = (number * 2654435761u) >> 8;
    one.message[0] = (uint8_t)spread;
    one.message[1] = (uint8_t)(spread >> 8);
    if (!codec_sodium_ed25519_sign(one.signature, world->seeds[number % VOTES], BYTES_OF(one.message)))
        scene_die("cannot sign");
    switch (kind) {
    case 0: break;
    case 1: one.signature[spread % 64] ^= (uint8_t)(1u << detail % 8); break;
    case 2: one.message[spread % VOTE_BYTES] ^= 1; break;
    case 3: one.key[spread % 32] ^= (uint8_t)(1u << detail % 8); break;
    case 4: small_order(one.signature, spread); break;
    case 5: /* valid by the cofactor */
        small_order(one.key, spread);
        memcpy(one.signature, world->votes[number % VOTES].key, 32);
        secret_scalar(one.signature + 32, world->seeds[number % VOTES]);
        break;
    case 6: /* the same, and nothing else is there */
        small_order(one.key, spread);
        small_order(one.signature, spread / 10);
        memset(one.signature + 32, 0, 32);
        break;
    case 7: /* y in the last values below 2^255, or S near the order */
        if (spread % 2) {
            memset(one.key, 0xff, 32);
            one.key[0] = (uint8_t)(0xe0 + spread / 2 % 32);
            one.key[31] = detail % 2 ? 0xff : 0x7f;
            memcpy(one.signature, world->votes[number % VOTES].key, 32);
            secret_scalar(one.signature + 32, world->seeds[number % VOTES]);
        } else {
            one.signature[63] = (uint8_t)(0x0f + spread / 2 % 3);
        }
        break;
    default: break; /* there are eight */
    }
    return one;
}

static void dump(const struct world *world, const char *path)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL)
        scene_die("cannot write %s", path);
    for (unsigned i = 0; i < VOTES + CASES; i++) {
        struct vote one = i < VOTES ? world->votes[i] : make_case(world, i - VOTES);
        bool valid = codec_ed25519_verify_zip215(one.key, BYTES_OF(one.message), one.signature);
        fwrite(one.key, 1, sizeof(one.key), file);
        fwrite(one.signature, 1, sizeof(one.signature), file);
        fwrite(one.message, 1, sizeof(one.message), file);
        fputc(valid, file);
    }
    if (fclose(file) != 0)
        scene_die("cannot write %s", path);
}

/* ---- figures ---- */

static void verify(struct world *world, enum codec_ed25519_path path, size_t count)
{
    if (!codec_ed25519_verify_many_by(path, world->jobs, count))
        scene_die("a good signature is refused");
}

static void verify_strictly(struct world *world, enum codec_ed25519_path path, size_t count)
{
    (void)path;
    for (size_t i = 0; i < count; i++)
        if (!codec_sodium_ed25519_verify(world->votes[i].key, BYTES_OF(world->votes[i].message),
                                         world->votes[i].signature))
            scene_die("libsodium refuses a good signature");
}

static void expand_some(struct world *world, enum codec_ed25519_path path, size_t count)
{
    (void)count;
    expand(world, path);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* Of this process, in seconds: what else runs on the machine takes its time, too, and is not counted. */
static double processor_time(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* Signatures a second of processor time, by the median of many runs. */
static double rate(struct world *world, enum codec_ed25519_path path, size_t count, double seconds,
                   void (*work)(struct world *, enum codec_ed25519_path, size_t))
{
    enum { RUNS = 20000 };
    static double runs[RUNS];
    double begin = processor_time(), end = begin + seconds;
    size_t repeats = count < 10 ? 50 : 2, made = 0;
    for (; begin < end && made < RUNS; made++) {
        for (size_t i = 0; i < repeats; i++)
            work(world, path, count);
        double now = processor_time();
        runs[made] = (now - begin) / (double)repeats;
        begin = now;
    }
    qsort(runs, made, sizeof(*runs), compare);
    return (double)count / runs[made / 2];
}

int main(int argc, char **argv)
{
    static struct world world;
    static const char *const names[] = {"portable", "avx2", "ifma"};
    const char *dump_path = NULL;
    double seconds = 2;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--seconds") == 0)
            seconds = strtod(argv[i + 1], NULL);
        else if (strcmp(argv[i], "--dump") == 0)
            dump_path = argv[i + 1];
        else
            scene_die("unknown option %s", argv[i]);
    }
    make_world(&world);
    if (dump_path) {
        dump(&world, dump_path);
        scene_end(0);
    }
    printf("{\"libsodium\": {\"1\": %.0f}", rate(&world, CODEC_ED25519_PORTABLE, 10, seconds / 10, verify_strictly));
    for (enum codec_ed25519_path path = CODEC_ED25519_PORTABLE; path <= CODEC_ED25519_IFMA; path++) {
        if (!codec_ed25519_path_usable(path))
            continue;
        double keys = rate(&world, path, VOTES, seconds / 15, expand_some);
        static const size_t sizes[] = {1, 4, 67, 100, 150};
        printf(", \"%s\": {\"keys\": %.0f", names[path], keys);
        for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
            printf(", \"%zu\": %.0f", sizes[i], rate(&world, path, sizes[i], seconds / 15, verify));
        printf("}");
    }
    printf(", \"best\": \"%s\"}\n", names[codec_ed25519_path_best()]);
    scene_end(0);
}
