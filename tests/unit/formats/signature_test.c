/* Signatures of the four suites: what signs verifies, and nothing else does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proofs/codec/hex.h"
#include "proofs/signature.h"
#include "tests/unit/formats/world.h"

/* Orders of the three curves. */
static const char *const orders[] = {
    "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
    "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
    "fffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123",
};

static const uint8_t message[32] = {1, 2, 3};

static enum proof_reason verify(const struct proof_key *key, const uint8_t words[32], const uint8_t signature[64])
{
    struct proof_result result;
    enum proof_verdict verdict = proof_signature_verify(key, words, signature, &result);
    assert_int_equal(verdict == PROOF_VALID, result.reason == PROOF_REASON_VALID);
    return result.reason;
}

static void sign(uint8_t signature[64], struct proof_key *key, enum proof_suite suite, const char *name)
{
    uint8_t secret[32];
    world_secret(secret, name);
    assert_true(proof_key_from_secret(key, suite, secret));
    assert_true(proof_signature_sign(signature, suite, secret, message));
}

/* value = order - value. */
static void reflect(uint8_t value[32], const char *order_text)
{
    uint8_t order[32];
    int borrow = 0;
    assert_true(codec_hex_decode_exact(order, 32, order_text, 64));
    for (int i = 31; i >= 0; i--) {
        int difference = order[i] - value[i] - borrow;
        borrow = difference < 0;
        value[i] = (uint8_t)difference;
    }
}

static void a_signature_fits_its_key_message_and_bytes_alone(void **state)
{
    (void)state;
    for (size_t s = 0; s < PROOF_SUITE_COUNT; s++) {
        struct proof_key key;
        struct proof_key other;
        uint8_t signature[64];
        uint8_t words[32];
        sign(signature, &other, world_suites[s], "beta");
        sign(signature, &key, world_suites[s], "alpha");
        assert_int_equal(verify(&key, message, signature), PROOF_REASON_VALID);
        assert_int_equal(verify(&other, message, signature), PROOF_REASON_SIGNATURE_WRONG);
        for (size_t bit = 0; bit < 512; bit += 3) {
            signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_not_equal(verify(&key, message, signature), PROOF_REASON_VALID);
            signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        for (size_t bit = 0; bit < 256; bit += 5) {
            memcpy(words, message, 32);
            words[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_not_equal(verify(&key, words, signature), PROOF_REASON_VALID);
        }
        for (size_t t = 0; t < PROOF_SUITE_COUNT; t++) {
            other = key;
            other.suite = world_suites[t];
            if (t != s)
                assert_int_not_equal(verify(&other, message, signature), PROOF_REASON_VALID);
        }
        other.suite = PROOF_SUITE_NONE;
        assert_int_equal(verify(&other, message, signature), PROOF_REASON_SUITE_UNKNOWN);
        memset(&other, 0, sizeof other);
        assert_int_equal(verify(&other, message, signature), PROOF_REASON_KEY_MALFORMED);
    }
}

static void zero_r_and_zero_s_are_refused(void **state)
{
    (void)state;
    for (size_t s = 0; s < PROOF_SUITE_COUNT; s++) {
        struct proof_key key;
        uint8_t signature[64];
        const uint8_t zero[64] = {0};
        sign(signature, &key, world_suites[s], "alpha");
        assert_int_not_equal(verify(&key, message, zero), PROOF_REASON_VALID);
        memset(signature, 0, 32);
        assert_int_not_equal(verify(&key, message, signature), PROOF_REASON_VALID);
        sign(signature, &key, world_suites[s], "alpha");
        memset(signature + 32, 0, 32);
        assert_int_not_equal(verify(&key, message, signature), PROOF_REASON_VALID);
    }
}

static void the_upper_half_of_s_is_refused(void **state)
{
    (void)state;
    struct proof_key key;
    uint8_t signature[64];
    /* secp256k1: n - s has its top bit set (s is below 2^255), and that bit is the parity: not expressible at all unless s is
     * between n / 2 and 2^255; P-256: refused by the rule. */
    sign(signature, &key, PROOF_SUITE_KECCAK256_SECP256K1, "alpha");
    signature[32] &= 0x7f;
    reflect(signature + 32, orders[0]);
    assert_int_not_equal(verify(&key, message, signature), PROOF_REASON_VALID);
    memset(signature + 32, 0xff, 32);
    signature[32] = 0x7f; /* 2^255 - 1 > n / 2 */
    assert_int_equal(verify(&key, message, signature), PROOF_REASON_SIGNATURE_MALFORMED);
    for (size_t i = 0; i < 8; i++) { /* our own signer gives the lower half each time, whatever the nonce */
        sign(signature, &key, PROOF_SUITE_SHA256_P256, "alpha");
        assert_int_equal(verify(&key, message, signature), PROOF_REASON_VALID);
    }
    reflect(signature + 32, orders[1]);
    assert_int_equal(verify(&key, message, signature), PROOF_REASON_SIGNATURE_MALFORMED);
}

static void the_other_parity_is_another_key(void **state)
{
    (void)state;
    struct proof_key key;
    uint8_t signature[64];
    sign(signature, &key, PROOF_SUITE_KECCAK256_SECP256K1, "alpha");
    signature[32] ^= 0x80;
    assert_int_equal(verify(&key, message, signature), PROOF_REASON_SIGNATURE_WRONG);
}

static void secrets_out_of_range_make_no_key(void **state)
{
    (void)state;
    for (size_t s = 0; s < 3; s++) {
        uint8_t secret[32] = {0};
        uint8_t signature[64];
        struct proof_key key;
        assert_false(proof_key_from_secret(&key, world_suites[s], secret));
        assert_false(proof_signature_sign(signature, world_suites[s], secret, message));
        assert_true(codec_bytes_are_zero(signature, 64));
        assert_true(codec_hex_decode_exact(secret, 32, orders[s], 64));
        assert_false(proof_key_from_secret(&key, world_suites[s], secret));
        assert_false(proof_signature_sign(signature, world_suites[s], secret, message));
        assert_true(codec_bytes_are_zero(key.id, 32));
    }
    uint8_t secret[32] = {1};
    struct proof_key key;
    assert_false(proof_key_from_secret(&key, PROOF_SUITE_NONE, secret));
}

static void points_off_the_curve_make_no_key(void **state)
{
    (void)state;
    for (size_t s = 0; s < PROOF_SUITE_COUNT; s++) {
        struct proof_key key;
        uint8_t secret[32];
        uint8_t point[64];
        const uint8_t zero[64] = {0};
        world_secret(secret, "alpha");
        assert_true(proof_key_from_secret(&key, world_suites[s], secret));
        memcpy(point, key.point, 64);
        assert_true(proof_key_from_point(&key, world_suites[s], point));
        assert_false(proof_key_from_point(&key, world_suites[s], zero));
        point[63] ^= 1;
        assert_false(proof_key_from_point(&key, world_suites[s], point));
        assert_false(proof_key_from_point(&key, (enum proof_suite)(world_suites[s] | 0x10), point));
    }
}

static void keys_known_by_id_alone(void **state)
{
    (void)state;
    for (size_t s = 0; s < PROOF_SUITE_COUNT; s++) {
        struct proof_key key;
        struct proof_key known;
        uint8_t signature[64];
        bool by_id =
            world_suites[s] == PROOF_SUITE_KECCAK256_SECP256K1 || world_suites[s] == PROOF_SUITE_BLAKE2B256_ED25519;
        sign(signature, &key, world_suites[s], "alpha");
        assert_int_equal(proof_key_from_id(&known, world_suites[s], key.id), by_id);
        if (by_id)
            assert_int_equal(verify(&known, message, signature), PROOF_REASON_VALID);
    }
    uint8_t id[32] = {0};
    struct proof_key key;
    assert_false(proof_key_from_id(&key, PROOF_SUITE_KECCAK256_SECP256K1, id)); /* the zero address */
    id[31] = 1;
    assert_true(proof_key_from_id(&key, PROOF_SUITE_KECCAK256_SECP256K1, id));
    id[0] = 1;
    assert_false(proof_key_from_id(&key, PROOF_SUITE_KECCAK256_SECP256K1, id)); /* more than an address */
    memset(id, 0, 32);
    assert_false(proof_key_from_id(&key, PROOF_SUITE_BLAKE2B256_ED25519, id)); /* small order */
    id[0] = 1;
    assert_false(proof_key_from_id(&key, PROOF_SUITE_BLAKE2B256_ED25519, id));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signature_fits_its_key_message_and_bytes_alone),
        cmocka_unit_test(zero_r_and_zero_s_are_refused),
        cmocka_unit_test(the_upper_half_of_s_is_refused),
        cmocka_unit_test(the_other_parity_is_another_key),
        cmocka_unit_test(secrets_out_of_range_make_no_key),
        cmocka_unit_test(points_off_the_curve_make_no_key),
        cmocka_unit_test(keys_known_by_id_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
