/*
 * Two headers that one set signed: which fields follow from the block before (LUNATIC when they differ), and which a proposer chooses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proofs/cometbft_attack.h"
#include "tests/unit/proofs/cometbft_world.h"

enum { COMMON = 1, HEIGHT = 5 };

static const uint8_t other_hash[32] = {9, 9};

static struct proof_cometbft_space *space;
static struct world_set set, liars;
static struct world_block common, ours, other;
static struct proof_result last;

static int make(void **state)
{
    const struct world_member members[] = {{0, 10}, {1, 10}, {2, 10}, {3, 10}};
    const struct world_member lie[] = {{0, 10}, {1, 10}, {2, 1}};
    (void)state;
    space = proof_cometbft_space_new(WORLD_SET_MAX, 0);
    world_set_make(&set, space, members, 4);
    world_set_make(&liars, space, lie, 3);
    world_block_make(&common, &set, &set, COMMON, NULL);
    world_block_make(&ours, &set, &set, HEIGHT, NULL);
    world_block_make(&other, &set, &set, HEIGHT, NULL);
    return space ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    proof_cometbft_space_free(space);
    return 0;
}

/* Both ways round; which of the two is first says nothing. */
static void assert_attack(enum proof_cometbft_attack want, int64_t both_power)
{
    struct proof_cometbft_attack_fact fact;
    const struct proof_cometbft_state from = world_state(&common);
    const struct proof_cometbft_options options = world_options(HEIGHT, 1, 3);
    struct world_block *const pair[] = {&ours, &other};
    for (size_t first = 0; first < 2; first++) {
        proof_cometbft_attack_verify(&last, &fact, space, &from, world_set_bytes(&set), world_block_parts(pair[first]),
                                     world_block_parts(pair[1 - first]), &options);
        assert_string_equal(proof_cometbft_attack_text(fact.attack), proof_cometbft_attack_text(want));
        assert_int_equal(fact.both_power, both_power);
        if (want == PROOF_COMETBFT_NO_ATTACK)
            assert_int_equal(last.reason, PROOF_REASON_COMETBFT_NO_CONFLICT);
    }
}

static void test_fields__that_follow_from_the_block_before(void **state)
{
    struct cometbft_header *h = &other.light.header;
    struct bytes *const derived[] = {&h->next_validators_hash, &h->consensus_hash, &h->app_hash, &h->last_results_hash};
    (void)state;
    assert_attack(PROOF_COMETBFT_NO_ATTACK, 0);
    for (size_t i = 0; i < 4; i++) {
        const struct bytes kept = *derived[i];
        *derived[i] = BYTES_OF(other_hash);
        world_block_sign(&other);
        assert_attack(PROOF_COMETBFT_LUNATIC, 0);
        *derived[i] = kept;
    }
    /* the set alone: made up, and signed by enough of the true one; it announces the true one again */
    world_block_make(&other, &liars, &set, HEIGHT, NULL);
    memcpy(other.app_hash, ours.app_hash, 32);
    world_block_sign(&other);
    assert_attack(PROOF_COMETBFT_LUNATIC, 0);
}

static void test_fields__that_a_proposer_chooses(void **state)
{
    struct cometbft_header *h = &other.light.header;
    struct bytes *const chosen[] = {&h->data_hash, &h->last_commit_hash, &h->evidence_hash, &h->last_block_id.hash,
                                    &h->last_block_id.parts_hash};
    (void)state;
    for (size_t i = 0; i < 5; i++) {
        const struct bytes kept = *chosen[i];
        *chosen[i] = BYTES_OF(other_hash);
        other.light.commit.round = 0;
        world_block_sign(&other);
        assert_attack(PROOF_COMETBFT_EQUIVOCATION, 40);
        other.light.commit.round = 1;
        world_block_sign(&other);
        assert_attack(PROOF_COMETBFT_AMNESIA, 0);
        *chosen[i] = kept;
    }
    other.light.commit.round = 0;
    h->time.nanos++;
    world_block_sign(&other);
    assert_attack(PROOF_COMETBFT_EQUIVOCATION, 40);
    h->time.nanos--;
    h->version_app++;
    world_block_sign(&other);
    assert_attack(PROOF_COMETBFT_EQUIVOCATION, 40);
    /* one block, committed twice, in two rounds: no two blocks */
    h->version_app--;
    other.light.commit.round = 1;
    world_block_sign(&other);
    assert_attack(PROOF_COMETBFT_NO_ATTACK, 0);
}

static void test_times__of_two_heights_grow(void **state)
{
    (void)state;
    for (int32_t nanos = -1; nanos <= 1; nanos++) {
        world_block_make(&other, &set, &set, HEIGHT + 1, NULL);
        other.light.header.time = ours.light.header.time;
        other.light.header.time.nanos += nanos;
        world_block_sign(&other);
        assert_attack(nanos > 0 ? PROOF_COMETBFT_NO_ATTACK : PROOF_COMETBFT_TIME, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_fields__that_follow_from_the_block_before, make, end),
        cmocka_unit_test_setup_teardown(test_fields__that_a_proposer_chooses, make, end),
        cmocka_unit_test_setup_teardown(test_times__of_two_heights_grow, make, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
