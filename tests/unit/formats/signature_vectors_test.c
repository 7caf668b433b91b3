/* The primitives under public vectors: Wycheproof for ECDSA and Ed25519, GB/T 32918.5 and mutations of it for SM2, SM3. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proofs/codec/ed25519.h"
#include "proofs/codec/hex.h"
#include "proofs/codec/openssl.h"
#include "proofs/codec/secp256k1.h"
#include "proofs/codec/sodium.h"
#include "proofs/signature.h"
#include "tests/unit/formats/json.h"

#define SKIPPED 77

static const char *folder;

static json_t *vectors(const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    json_t *root = json_of_file(path);
    if (!root)
        fail_msg("%s is missing", path);
    return root;
}

/* True when the point signed: by recovery, whatever the parity and the half of s. */
static bool secp256k1_verify(const uint8_t point[64], const uint8_t digest[32], const uint8_t signature[64])
{
    uint8_t recovered[64];
    for (int parity = 0; parity <= 1; parity++)
        if (codec_secp256k1_recover(recovered, digest, signature, parity) && memcmp(recovered, point, 64) == 0)
            return true;
    return false;
}

/* True when it has a place among our signatures (lower half) under a key of this suite. */
static bool strict_verify(enum proof_suite suite, const uint8_t point[64], const uint8_t digest[32],
                          const uint8_t signature[64])
{
    struct proof_key key;
    struct proof_result result;
    uint8_t copy[64];
    assert_true(proof_key_from_point(&key, suite, point));
    memcpy(copy, signature, 64);
    if (proof_signature_verify(&key, digest, copy, &result) == PROOF_VALID)
        return true;
    if (suite != PROOF_SUITE_KECCAK256_SECP256K1 || (copy[32] & 0x80) != 0)
        return false;
    copy[32] |= 0x80; /* the other parity */
    return proof_signature_verify(&key, digest, copy, &result) == PROOF_VALID;
}

/* s <= n / 2 */
static bool lower_half(enum proof_suite suite, const uint8_t s[32])
{
    uint8_t half[32];
    const char *text = suite == PROOF_SUITE_SHA256_P256
                           ? "7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8"
                           : "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0";
    assert_true(codec_hex_decode_exact(half, 32, text, 64));
    return memcmp(s, half, 32) <= 0;
}

static void ecdsa(const char *file, enum proof_suite suite)
{
    size_t group_at;
    size_t test_at;
    json_t *group;
    json_t *test;
    size_t valid = 0;
    size_t invalid = 0;
    size_t inexpressible = 0;
    json_t *root = vectors(file);
    json_array_foreach(json_member(root, "testGroups"), group_at, group)
    {
        struct bytes key = json_bytes_of(json_member(group, "publicKey"), "uncompressed");
        uint8_t point[64];
        assert_int_equal(key.len, 65);
        memcpy(point, key.data + 1, 64);
        json_array_foreach(json_member(group, "tests"), test_at, test)
        {
            struct bytes message = json_bytes_of(test, "msg");
            struct bytes signature = json_bytes_of(test, "sig");
            bool expected = strcmp(json_text_of(test, "result"), "valid") == 0;
            uint8_t digest[32];
            assert_true(codec_openssl_sha256(digest, &message, 1));
            bool taken = signature.len == 64 &&
                         (suite == PROOF_SUITE_SHA256_P256 ? codec_openssl_p256_verify(point, digest, signature.data)
                                                           : secp256k1_verify(point, digest, signature.data));
            /* A nonce point whose x is not below the group's order (r = x - n, so r < 2^129) has no place in EIP-2098, nor
             * in ecrecover: one signature in 2^127, refused. */
            if (suite == PROOF_SUITE_KECCAK256_SECP256K1 && expected && !taken && signature.len == 64 &&
                codec_bytes_are_zero(signature.data, 15)) {
                expected = false;
                inexpressible++;
            }
            if (taken != expected)
                fail_msg("%s test %d (%s): taken %d, expected %d", file, (int)json_number_of(test, "tcId"),
                         json_text_of(test, "comment"), taken, expected);
            if (signature.len == 64) {
                bool strict = strict_verify(suite, point, digest, signature.data);
                assert_int_equal(strict, expected && lower_half(suite, signature.data + 32));
                uint8_t compressed[33] = {(uint8_t)(2 + point[63] % 2)};
                memcpy(compressed + 1, point, 32);
                bool plain = strcmp(json_text_of(test, "result"), "valid") == 0; /* with r = x - n, too */
                if (suite == PROOF_SUITE_KECCAK256_SECP256K1)
                    assert_int_equal(codec_secp256k1_verify(compressed, digest, signature.data),
                                     plain && lower_half(suite, signature.data + 32));
            }
            valid += expected;
            invalid += !expected;
        }
    }
    json_decref(root);
    assert_true(inexpressible <= 3);
    printf("%s: %zu valid, %zu invalid, of these %zu by r = x - n\n", file, valid, invalid, inexpressible);
}

static void wycheproof_ecdsa_secp256k1(void **state)
{
    (void)state;
    ecdsa("wycheproof/ecdsa_secp256k1_sha256_p1363_test.json", PROOF_SUITE_KECCAK256_SECP256K1);
}

static void wycheproof_ecdsa_p256(void **state)
{
    (void)state;
    ecdsa("wycheproof/ecdsa_secp256r1_sha256_p1363_test.json", PROOF_SUITE_SHA256_P256);
}

static void wycheproof_ed25519(void **state)
{
    (void)state;
    size_t group_at;
    size_t test_at;
    json_t *group;
    json_t *test;
    size_t cases = 0;
    json_t *root = vectors("wycheproof/ed25519_test.json");
    json_array_foreach(json_member(root, "testGroups"), group_at, group)
    {
        struct bytes key = json_bytes_of(json_member(group, "publicKey"), "pk");
        assert_int_equal(key.len, 32);
        json_array_foreach(json_member(group, "tests"), test_at, test)
        {
            struct bytes signature = json_bytes_of(test, "sig");
            bool expected = strcmp(json_text_of(test, "result"), "valid") == 0;
            bool taken = signature.len == 64 &&
                         codec_sodium_ed25519_verify(key.data, json_bytes_of(test, "msg"), signature.data);
            if (taken != expected)
                fail_msg("ed25519 test %d: taken %d, expected %d", (int)json_number_of(test, "tcId"), taken, expected);
            /* ZIP-215 takes the sign bit where x = 0, so this R is the neutral element, and the equation holds */
            static const uint8_t odd_neutral[32] = {1, [31] = 0x80};
            bool taken_zip215 = signature.len == 64 &&
                                codec_ed25519_verify_zip215(key.data, json_bytes_of(test, "msg"), signature.data);
            bool expected_zip215 = expected || (signature.len == 64 && memcmp(signature.data, odd_neutral, 32) == 0);
            if (taken_zip215 != expected_zip215)
                fail_msg("ed25519 test %d by ZIP-215: taken %d, expected %d", (int)json_number_of(test, "tcId"),
                         taken_zip215, expected_zip215);
            cases++;
        }
    }
    json_decref(root);
    printf("ed25519: %zu cases\n", cases);
}

static void sm2_of_the_standard_and_its_mutations(void **state)
{
    (void)state;
    size_t at;
    json_t *test;
    size_t cases = 0;
    json_t *root = vectors("sm2_sm3/sm2_verify.json");
    json_array_foreach(json_member(root, "cases"), at, test)
    {
        struct bytes key = json_bytes_of(test, "pub");
        struct bytes r = json_bytes_of(test, "r");
        struct bytes s = json_bytes_of(test, "s");
        bool expected = strcmp(json_text_of(test, "expected"), "valid") == 0;
        uint8_t signature[64];
        if (strcmp(json_text_of(test, "uid"), "1234567812345678") != 0) {
            printf("sm2 %s: left out, it has another uid\n", json_text_of(test, "id"));
            continue;
        }
        bool taken = false;
        if (key.len == 65 && key.data[0] == 4 && r.len == 32 && s.len == 32) {
            memcpy(signature, r.data, 32);
            memcpy(signature + 32, s.data, 32);
            taken = codec_openssl_sm2_verify(key.data + 1, json_bytes_of(test, "msg"), signature);
        }
        if (taken != expected)
            fail_msg("sm2 %s: taken %d, expected %d", json_text_of(test, "id"), taken, expected);
        cases++;
    }
    json_decref(root);
    printf("sm2: %zu cases\n", cases);
}

static void sm3_known_answers(void **state)
{
    (void)state;
    size_t at;
    json_t *test;
    json_t *root = vectors("sm2_sm3/sm3.json");
    json_array_foreach(json_member(root, "cases"), at, test)
    {
        struct bytes message = json_bytes_of(test, "msg");
        uint8_t digest[32];
        assert_true(codec_openssl_sm3(digest, &message, 1));
        json_expect("sm3", json_member(test, "digest"), digest, 32);
    }
    json_decref(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wycheproof_ecdsa_secp256k1), cmocka_unit_test(wycheproof_ecdsa_p256),
        cmocka_unit_test(wycheproof_ed25519),         cmocka_unit_test(sm2_of_the_standard_and_its_mutations),
        cmocka_unit_test(sm3_known_answers),
    };
    folder = getenv("ISTHMUS_VECTORS");
    FILE *probe = NULL;
    if (folder) {
        char path[1024];
        snprintf(path, sizeof path, "%s/README.md", folder);
        probe = fopen(path, "r");
    }
    if (!probe) {
        printf("skipped: no test vectors in '%s'; ISTHMUS_VECTORS names their folder\n", folder ? folder : "");
        return SKIPPED;
    }
    fclose(probe);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
