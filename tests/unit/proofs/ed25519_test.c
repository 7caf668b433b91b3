/*
 * Ed25519 by ZIP-215: what is accepted, that every path and every grouping says the same, and where libsodium differs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "proofs/codec/ed25519.h"
#include "proofs/codec/ed25519_scalar.h"
#include "proofs/codec/hex.h"
#include "proofs/codec/sha512.h"

#define LARGE 256

/* Repeatable noise. */
static void noise(uint8_t *out, size_t len, uint64_t number)
{
    uint8_t seed[randombytes_SEEDBYTES] = {0};
    memcpy(seed, &number, sizeof number);
    randombytes_buf_deterministic(out, len, seed);
}

static uint64_t below(uint64_t limit, uint64_t number)
{
    uint64_t word;
    noise((uint8_t *)&word, sizeof word, number);
    return word % limit;
}

static void unhex(uint8_t *out, size_t len, const char *text)
{
    assert_true(codec_hex_decode_exact(out, len, text, strlen(text)));
}

/* One signature by every path; all must agree. */
static bool verify(const uint8_t public_key[32], struct bytes message, const uint8_t signature[64])
{
    bool valid = codec_ed25519_verify_zip215(public_key, message, signature);
    struct codec_ed25519_key *key = malloc(sizeof *key);
    assert_non_null(key);
    for (enum codec_ed25519_path path = CODEC_ED25519_PORTABLE; path <= CODEC_ED25519_IFMA; path++) {
        if (!codec_ed25519_path_usable(path))
            continue;
        codec_ed25519_keys_expand_by(path, &key, &public_key, 1);
        struct codec_ed25519_job job = {.key = key, .message = message, .signature = signature};
        assert_int_equal(codec_ed25519_verify_many_by(path, &job, 1), valid);
        assert_int_equal(job.valid, valid);
    }
    free(key);
    return valid;
}

/* RFC 8032, 7.1: TEST 1, 2, 3. */
static void test_the_vectors_of_rfc_8032_are_valid(void **state)
{
    (void)state;
    static const char *const vectors[][3] = {
        {"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
         "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bb"
         "e"
         "24655141438e7a100b"},
        {"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
         "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302"
         "a"
         "eeb00d291612bb0c00"},
        {"fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
         "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed"
         "2"
         "8dc027beceea1ec40a"},
    };
    for (size_t i = 0; i < 3; i++) {
        uint8_t key[32], message[8], signature[64];
        size_t len = strlen(vectors[i][1]) / 2;
        unhex(key, sizeof key, vectors[i][0]);
        unhex(message, len, vectors[i][1]);
        unhex(signature, sizeof signature, vectors[i][2]);
        assert_true(verify(key, (struct bytes){message, len}, signature));
        for (size_t bit = 0; bit < 512; bit++) {
            signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_false(codec_ed25519_verify_zip215(key, (struct bytes){message, len}, signature));
            signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
}

/* All encodings of the eight points whose order divides 8: canonical first. */
static const char *const SMALL_ORDER[14] = {
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
};

static void test_small_order_keys_and_nonces_are_valid_in_all_196_combinations(void **state)
{
    (void)state;
    static const uint8_t message[] = "Zcash";
    for (size_t a = 0; a < 14; a++)
        for (size_t r = 0; r < 14; r++) {
            uint8_t key[32], signature[64] = {0}; /* S = 0 */
            unhex(key, 32, SMALL_ORDER[a]);
            unhex(signature, 32, SMALL_ORDER[r]);
            assert_true(verify(key, (struct bytes){message, 5}, signature));
            signature[32] = 1;
            assert_false(verify(key, (struct bytes){message, 5}, signature));
        }
}

/* A signature that no honest signer makes: A = [a]B + T and R = [r]B + U, with T and U of small order. */
static void sign_twisted(uint8_t key[32], uint8_t signature[64], struct bytes message, const uint8_t t[32],
                         const uint8_t u[32], uint64_t number)
{
    uint8_t wide[64], a[32], r[32], k[32], point[32], hash[64];
    noise(wide, sizeof wide, 2 * number);
    crypto_core_ed25519_scalar_reduce(a, wide);
    noise(wide, sizeof wide, 2 * number + 1);
    crypto_core_ed25519_scalar_reduce(r, wide);
    assert_int_equal(crypto_scalarmult_ed25519_base_noclamp(point, a), 0);
    assert_int_equal(crypto_core_ed25519_add(key, point, t), 0);
    assert_int_equal(crypto_scalarmult_ed25519_base_noclamp(point, r), 0);
    assert_int_equal(crypto_core_ed25519_add(signature, point, u), 0);
    crypto_hash_sha512_state state;
    crypto_hash_sha512_init(&state);
    crypto_hash_sha512_update(&state, signature, 32);
    crypto_hash_sha512_update(&state, key, 32);
    crypto_hash_sha512_update(&state, message.data, message.len);
    crypto_hash_sha512_final(&state, hash);
    crypto_core_ed25519_scalar_reduce(k, hash);
    crypto_core_ed25519_scalar_mul(k, k, a);
    crypto_core_ed25519_scalar_add(signature + 32, r, k);
}

static void test_parts_of_small_order_in_key_and_nonce_change_nothing(void **state)
{
    (void)state;
    static const uint8_t message[] = "twisted";
    size_t strict = 0;
    for (size_t t = 0; t < 8; t++)
        for (size_t u = 0; u < 8; u++) {
            uint8_t key[32], signature[64], small_t[32], small_u[32];
            unhex(small_t, 32, SMALL_ORDER[t]);
            unhex(small_u, 32, SMALL_ORDER[u]);
            sign_twisted(key, signature, BYTES_OF(message), small_t, small_u, 8 * t + u);
            assert_true(verify(key, BYTES_OF(message), signature));
            strict += crypto_sign_verify_detached(signature, message, sizeof message, key) == 0;
            signature[40] ^= 1;
            assert_false(verify(key, BYTES_OF(message), signature));
        }
    /* libsodium compares R's bytes: only where [k]T and U cancel can it agree */
    assert_true(strict >= 1 && strict < 40);
}

static void test_y_counts_modulo_p(void **state)
{
    (void)state;
    struct codec_ed25519_key *key = malloc(sizeof *key);
    assert_non_null(key);
    size_t points = 0;
    for (unsigned y = 0; y < 19; y++)
        for (unsigned sign = 0; sign < 2; sign++) {
            uint8_t low[32] = {(uint8_t)y}, high[32];
            memset(high, 0xff, sizeof high);
            high[0] = (uint8_t)(0xed + y); /* p = 2^255 - 19 */
            high[31] = (uint8_t)(0x7f | sign << 7);
            low[31] = (uint8_t)(sign << 7);
            bool usable = codec_ed25519_key_expand(key, low);
            assert_int_equal(usable, codec_ed25519_key_expand(key, high));
            assert_int_equal(usable, key->usable);
            points += usable;
        }
    free(key);
    assert_true(points > 8 && points < 30);
}

static void test_an_encoding_that_is_no_point_verifies_nothing(void **state)
{
    (void)state;
    uint8_t key[32] = {2}, signature[64] = {1};
    assert_false(verify(key, (struct bytes){NULL, 0}, signature)); /* y = 2 is not on the curve */
    uint8_t identity[32] = {1};
    assert_true(verify(identity, (struct bytes){NULL, 0}, signature));
    signature[0] = 2;
    assert_false(verify(identity, (struct bytes){NULL, 0}, signature));
    /* what stands in the table of a key that is none does not matter */
    struct codec_ed25519_key *none = malloc(sizeof *none);
    assert_non_null(none);
    assert_true(codec_ed25519_key_expand(none, identity));
    signature[0] = 1;
    for (none->usable = true;; none->usable = false) {
        for (enum codec_ed25519_path path = CODEC_ED25519_PORTABLE; path <= CODEC_ED25519_IFMA; path++) {
            struct codec_ed25519_job jobs[2] = {{.key = none, .signature = signature},
                                                {.key = none, .signature = signature}};
            if (codec_ed25519_path_usable(path))
                assert_int_equal(codec_ed25519_verify_many_by(path, jobs, 2), none->usable);
        }
        if (!none->usable)
            break;
    }
    free(none);
}

static void test_s_is_below_the_order(void **state)
{
    (void)state;
    uint8_t seed[32] = {7}, key[32], secret[64], signature[64];
    static const uint8_t message[] = "malleable";
    crypto_sign_seed_keypair(key, secret, seed);
    crypto_sign_detached(signature, NULL, message, sizeof message, secret);
    assert_true(verify(key, BYTES_OF(message), signature));
    static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,       0xd6,
                                      0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10};
    unsigned carry = 0;
    for (size_t i = 0; i < 32; i++) {
        carry += (unsigned)signature[32 + i] + order[i];
        signature[32 + i] = (uint8_t)carry;
        carry >>= 8;
    }
    assert_false(verify(key, BYTES_OF(message), signature));

    uint64_t scalar[4];
    uint8_t edge[32];
    memcpy(edge, order, 32);
    assert_false(codec_ed25519_scalar_read(scalar, edge));
    edge[0]--;
    assert_true(codec_ed25519_scalar_read(scalar, edge));
    memset(edge, 0xff, sizeof edge);
    assert_false(codec_ed25519_scalar_read(scalar, edge));
}

static void check_digits(const uint64_t scalar[4], unsigned bits, size_t count)
{
    int8_t digits[64];
    uint64_t sum[4] = {0};
    codec_ed25519_scalar_digits(digits, count, bits, scalar);
    for (size_t i = count; i-- > 0;) { /* sum = sum 2^bits + digit, modulo 2^256 */
        for (size_t word = 3; word > 0; word--)
            sum[word] = sum[word] << bits | sum[word - 1] >> (64 - bits);
        sum[0] <<= bits;
        uint64_t add = (uint64_t)(int64_t)digits[i], high = digits[i] < 0 ? UINT64_MAX : 0, carry = 0;
        for (size_t word = 0; word < 4; word++) {
            uint64_t term = word ? high : add, with = sum[word] + term, more = with + carry;
            carry = (with < term) | (more < with);
            sum[word] = more;
        }
    }
    assert_memory_equal(sum, scalar, sizeof sum);
}

static void test_scalars_are_reduced_and_cut_exactly(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 4000; i++) {
        uint8_t wide[64], expected[32];
        uint64_t scalar[4], again[4];
        noise(wide, sizeof wide, i);
        if (i < 64)
            memset(wide + i, i % 2 ? 0xff : 0, 64 - (size_t)i);
        else if (i < 128)
            memset(wide, i % 2 ? 0xff : 0, 128 - (size_t)i);
        codec_ed25519_scalar_reduce(scalar, wide);
        crypto_core_ed25519_scalar_reduce(expected, wide);
        assert_true(codec_ed25519_scalar_read(again, expected));
        assert_memory_equal(scalar, again, sizeof scalar);
        check_digits(scalar, 5, 51);
        check_digits(scalar, 8, 32);
    }
}

static void test_sha512_of_many_is_sha512_of_each(void **state)
{
    (void)state;
    enum { MANY = 11 };
    static uint8_t text[700];
    noise(text, sizeof text, 1);
    for (size_t lanes = 1; lanes <= 8; lanes += lanes == 1 ? 3 : 4)
        for (size_t len = 0; len < 400; len++) { /* every way to end a block, and to cut it into parts */
            uint8_t out[MANY][64], expected[64];
            struct codec_sha512_job jobs[MANY];
            size_t count = 1 + len % MANY;
            for (size_t i = 0; i < count; i++) {
                size_t all = (len + 29 * i) % sizeof text, first = below(all + 1, len * MANY + i),
                       second = below(all - first + 1, len * MANY + i + 1);
                jobs[i] = (struct codec_sha512_job){
                    out[i], {{text, first}, {text + first, second}, {text + first + second, all - first - second}}};
            }
            assert_true(codec_sha512_jobs_by(lanes, jobs, count));
            for (size_t i = 0; i < count; i++) {
                crypto_hash_sha512(expected, text, (len + 29 * i) % sizeof text);
                assert_memory_equal(out[i], expected, 64);
            }
        }
}

/* Many signatures by few keys, some of them broken in one of several ways. */
struct crowd {
    struct codec_ed25519_key *keys[16];
    uint8_t publics[16][32];
    uint8_t secrets[16][64];
    uint8_t messages[LARGE][300];
    uint8_t signatures[LARGE][64];
    struct codec_ed25519_job jobs[LARGE];
    bool expected[LARGE];
};

static void crowd_make(struct crowd *crowd, uint64_t number, size_t count, uint64_t one_in)
{
    for (size_t i = 0; i < 16; i++) {
        uint8_t seed[32];
        noise(seed, sizeof seed, number * 1000 + i);
        crypto_sign_seed_keypair(crowd->publics[i], crowd->secrets[i], seed);
    }
    for (size_t i = 0; i < count; i++) {
        uint64_t dice = number * 100000 + i * 10;
        size_t who = below(16, dice), len = below(sizeof crowd->messages[i], dice + 1);
        noise(crowd->messages[i], len, dice + 2);
        crypto_sign_detached(crowd->signatures[i], NULL, crowd->messages[i], len, crowd->secrets[who]);
        crowd->expected[i] = one_in == 0 || below(one_in, dice + 3) != 0;
        if (!crowd->expected[i]) {
            size_t bit = below(512, dice + 4);
            if (below(2, dice + 5) || len == 0)
                crowd->signatures[i][bit / 8] ^= (uint8_t)(1u << bit % 8);
            else
                crowd->messages[i][bit % len] ^= 1;
        }
        crowd->jobs[i] = (struct codec_ed25519_job){
            .key = crowd->keys[who], .message = {crowd->messages[i], len}, .signature = crowd->signatures[i]};
        bool strict =
            crypto_sign_verify_detached(crowd->signatures[i], crowd->messages[i], len, crowd->publics[who]) == 0;
        assert_int_equal(strict, crowd->expected[i]); /* no small order here: libsodium's word is ZIP-215's */
    }
}

static void crowd_check(struct crowd *crowd, enum codec_ed25519_path path, size_t count)
{
    const uint8_t *encoded[16];
    bool all = true;
    for (size_t i = 0; i < 16; i++)
        encoded[i] = crowd->publics[i];
    codec_ed25519_keys_expand_by(path, crowd->keys, encoded, 16);
    for (size_t i = 0; i < count; i++) {
        crowd->jobs[i].valid = i % 2; /* whatever was there */
        all = all && crowd->expected[i];
    }
    assert_int_equal(codec_ed25519_verify_many_by(path, crowd->jobs, count), all);
    for (size_t i = 0; i < count; i++)
        if (crowd->jobs[i].valid != crowd->expected[i])
            fail_msg("path %d, signature %zu of %zu: %d, expected %d", (int)path, i, count, crowd->jobs[i].valid,
                     crowd->expected[i]);
}

static void test_many_accept_what_one_by_one_accepts_and_name_the_bad(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 63, 64, 65, 67, 101, 127, 128, 129, 150, LARGE};
    struct crowd *crowd = calloc(1, sizeof *crowd);
    assert_non_null(crowd);
    for (size_t i = 0; i < 16; i++) {
        crowd->keys[i] = malloc(sizeof *crowd->keys[i]);
        assert_non_null(crowd->keys[i]);
    }
    for (uint64_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        crowd_make(crowd, i, sizes[i], i % 4 == 0 ? 0 : i % 4 == 1 ? 50 : i % 4 == 2 ? 4 : 1);
        for (enum codec_ed25519_path path = CODEC_ED25519_PORTABLE; path <= CODEC_ED25519_IFMA; path++)
            if (codec_ed25519_path_usable(path))
                crowd_check(crowd, path, sizes[i]);
    }
    for (size_t i = 0; i < 16; i++)
        free(crowd->keys[i]);
    free(crowd);
}

static void test_the_best_path_is_usable_and_one_path_always_is(void **state)
{
    (void)state;
    assert_true(codec_ed25519_path_usable(CODEC_ED25519_PORTABLE));
    assert_true(codec_ed25519_path_usable(codec_ed25519_path_best()));
    for (enum codec_ed25519_path path = CODEC_ED25519_PORTABLE; path <= CODEC_ED25519_IFMA; path++)
        if (!codec_ed25519_path_usable(path))
            print_message("path %d is not usable here: not run\n", (int)path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_vectors_of_rfc_8032_are_valid),
        cmocka_unit_test(test_small_order_keys_and_nonces_are_valid_in_all_196_combinations),
        cmocka_unit_test(test_parts_of_small_order_in_key_and_nonce_change_nothing),
        cmocka_unit_test(test_y_counts_modulo_p),
        cmocka_unit_test(test_an_encoding_that_is_no_point_verifies_nothing),
        cmocka_unit_test(test_s_is_below_the_order),
        cmocka_unit_test(test_scalars_are_reduced_and_cut_exactly),
        cmocka_unit_test(test_sha512_of_many_is_sha512_of_each),
        cmocka_unit_test(test_many_accept_what_one_by_one_accepts_and_name_the_bad),
        cmocka_unit_test(test_the_best_path_is_usable_and_one_path_always_is),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
