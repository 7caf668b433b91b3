/*
 * The store of expanded keys: whatever was asked before, each key that is given has the table of its own encoding and no other's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proofs/codec/sodium.h"
#include "proofs/cometbft_inside.h"

enum { KEYS = 160, SMALLEST = COMETBFT_BATCH + 1 };

static uint8_t encodings[KEYS][32];

static uint64_t next_number(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

static void seed_of(uint8_t seed[32], size_t i)
{
    memset(seed, 0, 32);
    seed[0] = (uint8_t)i;
    seed[1] = 1;
}

/* Every third encoding begins with the eight bytes of the one before, which say where a key is looked for: an attacker may choose his so.
 * Nobody knows their secrets, and some are no points. */
static bool is_twin(size_t i)
{
    return i % 3 == 2;
}

static int make(void **state)
{
    (void)state;
    for (size_t i = 0; i < KEYS; i++) {
        uint8_t seed[32];
        seed_of(seed, i);
        assert_true(codec_sodium_ed25519_public(encodings[i], seed));
        if (is_twin(i))
            memcpy(encodings[i], encodings[i - 1], 8);
    }
    return 0;
}

/* The key of encoding i, by what it is used for. */
static void assert_own(const struct codec_ed25519_key *key, size_t i)
{
    static struct codec_ed25519_key fresh;
    uint8_t seed[32], signature[64];
    assert_memory_equal(key->encoded, encodings[i], 32);
    codec_ed25519_key_expand(&fresh, encodings[i]);
    assert_int_equal(key->usable, fresh.usable);
    seed_of(seed, i);
    assert_true(codec_sodium_ed25519_sign(signature, seed, BYTES_OF(seed)));
    assert_int_equal(codec_ed25519_verify(key, BYTES_OF(seed), signature), !is_twin(i));
}

static void test_keys__each_is_its_own_whatever_was_asked_before(void **state)
{
    static const size_t caps[] = {SMALLEST, SMALLEST + 1, 100, KEYS + COMETBFT_BATCH};
    const struct codec_ed25519_key *keys[COMETBFT_BATCH];
    const uint8_t *asked[COMETBFT_BATCH];
    size_t which[COMETBFT_BATCH];
    uint64_t random = 1;
    (void)state;
    for (size_t cap = 0; cap < 4; cap++) {
        struct cometbft_key_store *store = cometbft_keys_new(caps[cap]);
        assert_non_null(store);
        for (size_t call = 0; call < 12; call++) {
            size_t count = call % 3 == 2 ? 1 + next_number(&random) % COMETBFT_BATCH : COMETBFT_BATCH;
            size_t from = next_number(&random) % KEYS;
            for (size_t i = 0; i < count; i++) { /* half of them neighbours, so that many are found again, some twice */
                which[i] = i % 2 ? (from + i) % KEYS : next_number(&random) % KEYS;
                asked[i] = encodings[which[i]];
            }
            cometbft_keys_find(keys, store, asked, count);
            for (size_t i = 0; i < count; i++) {
                assert_memory_equal(keys[i]->encoded, asked[i], 32);
                for (size_t k = 0; k < i; k++)
                    assert_int_equal(keys[k] == keys[i], memcmp(asked[k], asked[i], 32) == 0);
            }
            for (size_t i = call; i < count; i += 16)
                assert_own(keys[i], which[i]);
        }
        cometbft_keys_free(store);
    }
}

/* With one place more than a batch needs, new keys may only take what nobody of this call stands in. */
static void test_keys__a_place_in_use_is_not_given_away(void **state)
{
    const struct codec_ed25519_key *keys[COMETBFT_BATCH];
    const uint8_t *asked[COMETBFT_BATCH];
    struct cometbft_key_store *store = cometbft_keys_new(SMALLEST);
    (void)state;
    assert_non_null(store);
    for (size_t i = 0; i < COMETBFT_BATCH; i++)
        asked[i] = encodings[i];
    cometbft_keys_find(keys, store, asked, COMETBFT_BATCH);
    for (size_t call = 1; call <= 8; call++) { /* all but two as before, the two new ones last */
        for (size_t i = 0; i < 2; i++)
            asked[COMETBFT_BATCH - 1 - i] = encodings[COMETBFT_BATCH + 2 * call + i];
        cometbft_keys_find(keys, store, asked, COMETBFT_BATCH);
        for (size_t i = 0; i < COMETBFT_BATCH; i++)
            assert_memory_equal(keys[i]->encoded, asked[i], 32);
        assert_own(keys[0], 0);
        assert_own(keys[COMETBFT_BATCH - 1], COMETBFT_BATCH + 2 * call);
    }
    cometbft_keys_free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys__each_is_its_own_whatever_was_asked_before),
        cmocka_unit_test(test_keys__a_place_in_use_is_not_given_away),
    };
    return cmocka_run_group_tests(tests, make, NULL);
}
