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

#include "proofs/codec/ed25519.h"
#include "proofs/codec/hex.h"
#include "proofs/codec/sodium.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_vectors_of_rfc_8032_are_valid),
        cmocka_unit_test(test_small_order_keys_and_nonces_are_valid_in_all_196_combinations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
