/*
 * Small CometBFT worlds, exhaustively, against the rules as one would count them by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proofs/cometbft_inside.h"
#include "tests/unit/proofs/cometbft_world.h"

static struct proof_cometbft_space *space;

static int make_space(void **state)
{
    (void)state;
    space = proof_cometbft_space_new(WORLD_SET_MAX, 0);
    return space ? 0 : -1;
}

static int free_space(void **state)
{
    (void)state;
    proof_cometbft_space_free(space);
    return 0;
}

static enum proof_verdict verdict_of(const struct proof_cometbft_state *trusted, const struct world_set *next,
                                     struct world_block *block, const struct proof_cometbft_options *options)
{
    struct proof_cometbft_state fact;
    struct proof_result result;
    return proof_cometbft_step_verify(&result, &fact, space, trusted, world_set_bytes(next), world_block_parts(block),
                                      options);
}

/* The next list of powers 3..1, not ascending, since sets are sorted; false after the last. */
static bool next_powers(int64_t *powers, size_t len)
{
    for (size_t i = len; i-- > 0;) {
        if (powers[i] > 1) {
            powers[i]--;
            for (size_t k = i + 1; k < len; k++)
                powers[k] = powers[i];
            return true;
        }
    }
    return false;
}

static const uint32_t levels[][2] = {{1, 3}, {2, 5}, {1, 2}, {2, 3}, {3, 4}, {1, 1}};

/* What the rules say, counted by hand: signed power of the trusted next set and of the block's own. */
static enum proof_verdict expected(const struct world_set *trusted, const struct world_set *own, const uint8_t *flags,
                                   const uint32_t level[2], bool adjacent)
{
    int64_t own_total = 0, own_signed = 0, trusted_total = 0, trusted_signed = 0;
    for (size_t i = 0; i < own->validators.len; i++) {
        own_total += own->list[i].power;
        own_signed += flags[i] == COMETBFT_COMMIT ? own->list[i].power : 0;
    }
    for (size_t k = 0; k < trusted->validators.len; k++) {
        trusted_total += trusted->list[k].power;
        for (size_t i = 0; i < own->validators.len; i++)
            if (own->keys[i] == trusted->keys[k] && flags[i] == COMETBFT_COMMIT)
                trusted_signed += trusted->list[k].power;
    }
    if (!adjacent && trusted_signed * level[1] <= trusted_total * level[0])
        return PROOF_NOT_ENOUGH_TRUST;
    return own_signed * 3 > own_total * 2 ? PROOF_VALID : PROOF_INVALID;
}

/* The vote of each validator in world number `mask` of 3^len: absent, commit, nil. */
static void flags_of(uint8_t *flags, size_t len, size_t mask)
{
    for (size_t i = 0; i < len; i++, mask /= 3)
        flags[i] = (uint8_t)(mask % 3 + 1);
}

static size_t power_of_three(size_t exponent)
{
    return exponent == 0 ? 1 : 3 * power_of_three(exponent - 1);
}

static void test_small_worlds__adjacent_steps_need_more_than_two_thirds(void **state)
{
    static struct world_set set;
    static struct world_block first, block;
    const struct proof_cometbft_options options = world_options(2, 1, 3);
    size_t checked = 0;
    (void)state;
    for (size_t len = 1; len <= 5; len++) {
        int64_t powers[5] = {3, 3, 3, 3, 3};
        do {
            struct world_member members[5];
            uint8_t flags[5];
            world_members(members, powers, len);
            world_set_make(&set, space, members, len);
            world_block_make(&first, &set, &set, 1, NULL);
            const struct proof_cometbft_state trusted = world_state(&first);
            for (size_t mask = 0; mask < power_of_three(len); mask++, checked++) {
                flags_of(flags, len, mask);
                world_block_make(&block, &set, &set, 2, flags);
                assert_int_equal(verdict_of(&trusted, &set, &block, &options),
                                 expected(&set, &set, flags, levels[0], true));
            }
        } while (next_powers(powers, len));
    }
    print_message("%zu adjacent steps\n", checked);
    assert_int_equal(checked, 3 * 3 + 6 * 9 + 10 * 27 + 15 * 81 + 21 * 243);
}

enum { STRANGERS = 4, TRUSTED_MAX = 64 * STRANGERS };

/* Every trusted set over the keys of a block of `len` validators: each with power 1, 2, 3 or not in it, and one stranger with power 1, 2, 3 or
 * none. Only the empty set is left out. The powers of the trusted set have nothing to do with those of the block's. */
static size_t every_trusted_set(struct world_set *sets, size_t len)
{
    size_t count = 0, worlds = STRANGERS;
    for (size_t i = 0; i < len; i++)
        worlds *= 4;
    for (size_t world = 1; world < worlds; world++) {
        struct world_member members[6];
        size_t rest = world, n = 0;
        for (size_t key = 0; key <= len; key++, rest /= 4)
            if (rest % 4 > 0)
                members[n++] = (struct world_member){key, (int64_t)(rest % 4)};
        world_set_make(&sets[count++], space, members, n);
    }
    return count;
}

/* The whole step, signatures and all. */
static void test_small_worlds__skipping_steps_need_the_trust_level_first(void **state)
{
    static struct world_set own, trusted[TRUSTED_MAX];
    static struct world_block block;
    const size_t level_count = sizeof levels / sizeof levels[0];
    size_t checked = 0, verdicts[3] = {0};
    (void)state;
    for (size_t len = 1; len <= 3; len++) {
        const size_t trusted_count = every_trusted_set(trusted, len);
        int64_t powers[3] = {3, 3, 3};
        do {
            struct world_member members[3];
            uint8_t flags[3];
            world_members(members, powers, len);
            world_set_make(&own, space, members, len);
            for (size_t mask = 0; mask < power_of_three(len); mask++) {
                flags_of(flags, len, mask);
                world_block_make(&block, &own, &own, 9, flags);
                for (size_t t = 0; t < trusted_count * level_count; t++, checked++) {
                    const struct world_set *next = &trusted[t / level_count];
                    const uint32_t *level = levels[t % level_count];
                    const struct proof_cometbft_options options = world_options(9, level[0], level[1]);
                    struct proof_cometbft_state from = world_state(&block);
                    from.height = 1;
                    from.time.seconds -= 8000;
                    memcpy(from.next_validators_hash, next->hash, 32);
                    enum proof_verdict want = expected(next, &own, flags, level, false);
                    assert_int_equal(verdict_of(&from, next, &block, &options), want);
                    verdicts[want]++;
                }
            }
        } while (next_powers(powers, len));
    }
    print_message("%zu skipping steps: %zu valid, %zu not enough trust, %zu invalid\n", checked, verdicts[PROOF_VALID],
                  verdicts[PROOF_NOT_ENOUGH_TRUST], verdicts[PROOF_INVALID]);
}

/* The counting alone, at every level, up to five validators: who is in both sets, with what powers, and who signed. */
static void test_small_worlds__trust_is_counted_by_the_trusted_powers(void **state)
{
    static struct world_set own, trusted;
    static struct cometbft_vote votes[5];
    struct proof_cometbft_block block = {0};
    size_t checked = 0;
    (void)state;
    for (size_t len = 1; len <= 5; len++) {
        const int64_t powers[5] = {3, 3, 2, 2, 1}; /* of the block's set: they must not matter here */
        struct world_member members[6];
        world_members(members, powers, len);
        world_set_make(&own, space, members, len);
        block.light.validators = own.validators;
        block.light.commit.votes = votes;
        block.light.commit.votes_len = len;
        for (size_t world = 1; world < (size_t)STRANGERS << 2 * len; world++) {
            size_t n = 0, at;
            int64_t total;
            for (size_t key = 0; key <= len; key++)
                if ((world >> 2 * key) % 4 > 0)
                    members[n++] = (struct world_member){key, (int64_t)((world >> 2 * key) % 4)};
            world_set_make(&trusted, space, members, n);
            assert_int_equal(cometbft_validators_check(&at, &total, space, &trusted.validators), PROOF_REASON_VALID);
            for (size_t mask = 0; mask < (size_t)1 << len; mask++) {
                int64_t signed_power = 0;
                for (size_t i = 0; i < len; i++) {
                    bool signs = mask >> own.keys[i] & 1;
                    votes[i].flag = signs ? COMETBFT_COMMIT : COMETBFT_NIL;
                    votes[i].address = own.list[i].address;
                    signed_power += signs ? (int64_t)((world >> 2 * own.keys[i]) % 4) : 0;
                }
                for (size_t l = 0; l < sizeof levels / sizeof levels[0]; l++, checked++) {
                    const struct proof_cometbft_options options = world_options(9, levels[l][0], levels[l][1]);
                    bool enough = signed_power * levels[l][1] > total * levels[l][0];
                    assert_int_equal(cometbft_trust_tally(&at, space, &block, &trusted.validators, total, &options),
                                     enough ? PROOF_REASON_VALID : PROOF_REASON_COMETBFT_TOO_LITTLE_TRUST);
                }
            }
        }
    }
    print_message("%zu counts\n", checked);
}

static void test_share__is_exact_up_to_the_greatest_total(void **state)
{
    (void)state;
    assert_int_equal(proof_cometbft_share(PROOF_COMETBFT_POWER_MAX, 2, 3), PROOF_COMETBFT_POWER_MAX / 3 * 2);
    assert_int_equal(proof_cometbft_share(PROOF_COMETBFT_POWER_MAX, 1u << 30, 1u << 30), PROOF_COMETBFT_POWER_MAX);
    for (int64_t total = 0; total < 200; total++)
        for (uint32_t d = 1; d < 20; d++)
            for (uint32_t n = 0; n <= d; n++)
                assert_int_equal(proof_cometbft_share(total, n, d), total * n / d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_worlds__adjacent_steps_need_more_than_two_thirds),
        cmocka_unit_test(test_small_worlds__skipping_steps_need_the_trust_level_first),
        cmocka_unit_test(test_small_worlds__trust_is_counted_by_the_trusted_powers),
        cmocka_unit_test(test_share__is_exact_up_to_the_greatest_total),
    };
    return cmocka_run_group_tests(tests, make_space, free_space);
}
