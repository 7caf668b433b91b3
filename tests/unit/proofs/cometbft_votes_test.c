/*
 * Votes of a commit, one by one: what a vote signs, votes for nil, votes that are not there, and what is no number, no time and no key.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proofs/cometbft_double_vote.h"
#include "proofs/cometbft_inside.h"
#include "tests/unit/proofs/cometbft_world.h"

enum { MEMBERS = 4, LAST = MEMBERS - 1 };

static const uint8_t other_hash[32] = {9};

static struct proof_cometbft_space *space;
static struct proof_result last;

/* Four of equal power; trust stands at height 1, the block is the next one and every signature in it is looked at. */
static struct {
    struct world_set set;
    struct world_block first, block;
    struct proof_cometbft_state trusted;
    struct proof_cometbft_options options;
} w;

static int make(void **state)
{
    const struct world_member members[MEMBERS] = {{0, 10}, {1, 10}, {2, 10}, {3, 10}};
    (void)state;
    space = proof_cometbft_space_new(WORLD_SET_MAX, 0);
    world_set_make(&w.set, space, members, MEMBERS);
    world_block_make(&w.first, &w.set, &w.set, 1, NULL);
    world_block_make(&w.block, &w.set, &w.set, 2, NULL);
    w.trusted = world_state(&w.first);
    w.options = world_options(2, 1, 3);
    w.options.every_signature = true;
    return space ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    proof_cometbft_space_free(space);
    return 0;
}

static enum proof_reason step(void)
{
    struct proof_cometbft_state fact;
    enum proof_verdict verdict = proof_cometbft_step_verify(&last, &fact, space, &w.trusted, (struct bytes){NULL, 0},
                                                            world_block_parts(&w.block), &w.options);
    assert_int_equal(verdict == PROOF_VALID, last.reason == PROOF_REASON_VALID);
    assert_int_equal(verdict == PROOF_VALID, fact.height == 2);
    return last.reason;
}

static void assert_step(enum proof_reason reason)
{
    assert_string_equal(proof_reason_text(step()), proof_reason_text(reason));
}

/* The last vote's signature, made over what a vote with these fields signs: the commit itself stays as it is. */
static void sign_last(uint32_t type, int64_t height, int64_t round, const struct cometbft_block_id *id,
                      struct cometbft_time time)
{
    struct cometbft_sign_bytes sign;
    uint8_t message[COMETBFT_SIGN_BYTES_MAX];
    cometbft_sign_bytes_begin(&sign, WORLD_CHAIN, type, height, round, id);
    size_t len = cometbft_sign_bytes_of(message, &sign, time, true);
    world_sign(w.block.signatures[LAST], w.set.keys[LAST], (struct bytes){message, len});
}

static void test_sign_bytes__a_vote_for_anything_else_is_no_vote_for_this_block(void **state)
{
    const struct cometbft_commit *commit = &w.block.light.commit;
    const struct cometbft_block_id id = commit->block_id;
    const struct cometbft_time time = commit->votes[LAST].time;
    struct cometbft_block_id ids[3] = {id, id, id};
    (void)state;
    sign_last(COMETBFT_PRECOMMIT, 2, 0, &id, time);
    assert_step(PROOF_REASON_VALID);
    for (uint32_t type = 0; type <= 33; type++) { /* a prevote, and a proposal, which is of type 32 */
        sign_last(type, 2, 0, &id, time);
        assert_step(type == COMETBFT_PRECOMMIT ? PROOF_REASON_VALID : PROOF_REASON_COMETBFT_SIGNATURE);
    }
    for (int64_t other = -1; other <= 1; other += 2) {
        sign_last(COMETBFT_PRECOMMIT, 2 + other, 0, &id, time);
        assert_step(PROOF_REASON_COMETBFT_SIGNATURE);
        sign_last(COMETBFT_PRECOMMIT, 2, other, &id, time);
        assert_step(PROOF_REASON_COMETBFT_SIGNATURE);
        sign_last(COMETBFT_PRECOMMIT, 2, 0, &id, (struct cometbft_time){time.seconds + other, time.nanos});
        assert_step(PROOF_REASON_COMETBFT_SIGNATURE);
        sign_last(COMETBFT_PRECOMMIT, 2, 0, &id, (struct cometbft_time){time.seconds, time.nanos + (int32_t)other});
        assert_step(PROOF_REASON_COMETBFT_SIGNATURE);
    }
    ids[0].hash = BYTES_OF(other_hash);
    ids[1].parts_total++;
    ids[2].parts_hash = BYTES_OF(other_hash);
    for (size_t i = 0; i < 3; i++) {
        sign_last(COMETBFT_PRECOMMIT, 2, 0, &ids[i], time);
        assert_step(PROOF_REASON_COMETBFT_SIGNATURE);
        assert_int_equal(last.at, LAST);
    }
}

static void test_nil__a_vote_for_nil_signs_no_block_and_counts_for_none(void **state)
{
    static const uint8_t one_nil[MEMBERS] = {COMETBFT_COMMIT, COMETBFT_COMMIT, COMETBFT_COMMIT, COMETBFT_NIL};
    static const uint8_t half[MEMBERS] = {COMETBFT_COMMIT, COMETBFT_COMMIT, COMETBFT_ABSENT, COMETBFT_NIL};
    (void)state;
    world_block_make(&w.block, &w.set, &w.set, 2, one_nil);
    assert_step(PROOF_REASON_VALID);
    /* its signature is looked at as well, and it is one for nil: not for this block, and not for that of another height */
    w.block.signatures[LAST][8] ^= 1;
    assert_step(PROOF_REASON_COMETBFT_SIGNATURE);
    sign_last(COMETBFT_PRECOMMIT, 2, 0, &w.block.light.commit.block_id, w.block.votes[LAST].time);
    assert_step(PROOF_REASON_COMETBFT_SIGNATURE);
    assert_int_equal(last.at, LAST);
    /* nobody can turn it into a vote for the block */
    world_block_make(&w.block, &w.set, &w.set, 2, half);
    assert_step(PROOF_REASON_COMETBFT_NO_QUORUM);
    assert_int_equal(last.at, 50);
    w.block.votes[LAST].flag = COMETBFT_COMMIT;
    for (int every = 0; every < 2; every++) {
        w.options.every_signature = every;
        assert_step(PROOF_REASON_COMETBFT_SIGNATURE);
        assert_int_equal(last.at, LAST);
    }
    /* nor a vote for the block into one for nil, where every signature is looked at */
    world_block_make(&w.block, &w.set, &w.set, 2, NULL);
    w.block.votes[LAST].flag = COMETBFT_NIL;
    assert_step(PROOF_REASON_COMETBFT_SIGNATURE);
}

static void test_nil__exactly_two_thirds_are_not_more(void **state)
{
    static const uint8_t flags[3] = {COMETBFT_COMMIT, COMETBFT_COMMIT, COMETBFT_NIL};
    const struct world_member members[3] = {{0, 10}, {1, 10}, {2, 10}};
    (void)state;
    world_set_make(&w.set, space, members, 3);
    world_block_make(&w.first, &w.set, &w.set, 1, NULL);
    world_block_make(&w.block, &w.set, &w.set, 2, flags);
    w.trusted = world_state(&w.first);
    assert_step(PROOF_REASON_COMETBFT_NO_QUORUM);
    assert_int_equal(last.at, 66);
}

static void test_absent__who_is_not_there_says_nothing_at_all(void **state)
{
    static const uint8_t flags[MEMBERS] = {COMETBFT_COMMIT, COMETBFT_COMMIT, COMETBFT_COMMIT, COMETBFT_ABSENT};
    (void)state;
    world_block_make(&w.block, &w.set, &w.set, 2, flags);
    assert_step(PROOF_REASON_VALID);
    struct cometbft_vote *vote = &w.block.votes[LAST];
    const struct cometbft_vote absent = *vote;
    vote->address = w.set.list[LAST].address;
    assert_step(PROOF_REASON_COMETBFT_ABSENT);
    *vote = absent;
    vote->signature = BYTES_OF(w.block.signatures[0]);
    assert_step(PROOF_REASON_COMETBFT_ABSENT);
    *vote = absent;
    vote->time.nanos = 1;
    assert_step(PROOF_REASON_COMETBFT_ABSENT);
    vote->time = w.block.votes[0].time;
    assert_step(PROOF_REASON_COMETBFT_ABSENT);
    assert_int_equal(last.at, LAST);
}

static void test_flags__are_the_three_of_the_protocol(void **state)
{
    static const uint32_t none[] = {0, 4, 5, 258, UINT32_MAX};
    (void)state;
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        w.block.votes[LAST].flag = none[i];
        assert_step(PROOF_REASON_COMETBFT_FLAG);
        assert_int_equal(last.at, LAST);
    }
}

static void test_heights__below_one_are_none(void **state)
{
    static const int64_t none[] = {0, -1, INT64_MIN};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        w.block.light.header.height = none[i];
        w.block.light.commit.height = 2;
        assert_step(PROOF_REASON_COMETBFT_HEIGHT);
        w.block.light.header.height = 2;
        w.block.light.commit.height = none[i];
        assert_step(PROOF_REASON_COMETBFT_HEIGHT);
        w.block.light.commit.height = 2;
    }
    w.block.light.commit.round = INT32_MIN;
    assert_step(PROOF_REASON_COMETBFT_ROUND);
}

/* Each set of options by every verifier that takes them. */
static void assert_options(const struct proof_cometbft_options *options, bool good)
{
    struct proof_cometbft_state fact;
    struct proof_cometbft_double_vote_fact votes;
    proof_cometbft_step_verify(&last, &fact, space, &w.trusted, (struct bytes){NULL, 0}, world_block_parts(&w.block),
                               options);
    assert_int_equal(last.reason == PROOF_REASON_COMETBFT_OPTIONS, !good);
    proof_cometbft_first_verify(&last, &fact, space, WORLD_CHAIN, 1, w.first.hash, world_block_parts(&w.first),
                                options);
    assert_int_equal(last.reason == PROOF_REASON_COMETBFT_OPTIONS, !good);
    proof_cometbft_double_vote_verify(&last, &votes, space, &w.trusted, world_set_bytes(&w.set),
                                      (struct bytes){NULL, 0}, options);
    assert_int_equal(last.reason == PROOF_REASON_COMETBFT_OPTIONS, !good);
}

static void test_options__periods_and_clocks_that_mean_nothing_are_refused(void **state)
{
    const struct proof_cometbft_options good = w.options;
    struct proof_cometbft_options bad[9];
    (void)state;
    assert_options(&good, true);
    for (size_t i = 0; i < 9; i++)
        bad[i] = good;
    bad[0].trusting_period = 0;
    bad[1].trusting_period = -1;
    bad[2].trusting_period = INT64_MIN;
    bad[3].clock_drift = -1;
    bad[4].clock_drift = INT64_MIN;
    bad[5].now = (struct cometbft_time){INT64_MAX, 0};
    bad[6].now = (struct cometbft_time){INT64_MIN, 0};
    bad[7].now.nanos = -1;
    bad[8].now.nanos = 1000000000;
    for (size_t i = 0; i < 9; i++)
        assert_options(&bad[i], false);
    /* a third, written with numbers that are as large as they may be, and the least bit less than one */
    w.options.trust_denominator = 1 << 30;
    w.options.trust_numerator = 357913942;
    assert_options(&w.options, true);
    w.options.trust_numerator--;
    assert_options(&w.options, false);
    w.options.trust_numerator = w.options.trust_denominator = (1 << 30) + 1;
    assert_options(&w.options, false);
}

/* The longest period ends after all times that there are. */
static void test_options__the_longest_period_and_drift_do_not_wrap(void **state)
{
    (void)state;
    w.options.trusting_period = w.options.clock_drift = INT64_MAX;
    assert_step(PROOF_REASON_VALID);
    w.options.now = (struct cometbft_time){253402300799, 999999999};
    assert_step(PROOF_REASON_COMETBFT_EXPIRED); /* 292 years are over, eight thousand have passed */
    w.trusted.time = w.options.now;
    assert_step(PROOF_REASON_COMETBFT_TIME);
    w.options.now = COMETBFT_TIME_UNSET;
    assert_step(PROOF_REASON_COMETBFT_TIME);
}

static void test_bounds__more_than_there_is_room_for_is_malformed(void **state)
{
    struct proof_cometbft_space *const whole = space;
    struct proof_cometbft_state fact;
    (void)state;
    for (size_t room = MEMBERS - 1; room <= MEMBERS; room++) {
        space = proof_cometbft_space_new(room, 0);
        assert_non_null(space);
        assert_step(room < MEMBERS ? PROOF_REASON_COMETBFT_MALFORMED : PROOF_REASON_VALID);
        proof_cometbft_next_verify(&last, space, &w.trusted, world_set_bytes(&w.set));
        assert_int_equal(last.reason, room < MEMBERS ? PROOF_REASON_COMETBFT_MALFORMED : PROOF_REASON_VALID);
        /* as many votes as there are, of a set that fits */
        struct cometbft_parts parts = world_block_parts(&w.block);
        parts.validators = (struct bytes){NULL, 0};
        proof_cometbft_step_verify(&last, &fact, space, &w.trusted, (struct bytes){NULL, 0}, parts, &w.options);
        assert_int_equal(last.reason,
                         room < MEMBERS ? PROOF_REASON_COMETBFT_MALFORMED : PROOF_REASON_COMETBFT_SET_EMPTY);
        proof_cometbft_space_free(space);
    }
    space = whole;
    assert_null(proof_cometbft_space_new(0, 0));
    assert_null(proof_cometbft_space_new(COMETBFT_VALIDATORS_MAX + 1, 0));
}

/* Two keys of one address cannot be made; whoever could, would sign with his own for the power of the other. */
static void test_trust__one_address_of_two_keys_is_nobodys(void **state)
{
    static struct world_set trusted;
    const struct world_member members[MEMBERS] = {{0, 10}, {1, 10}, {2, 10}, {3, 10}};
    struct proof_cometbft_block block = {.light = w.block.light};
    int64_t total;
    size_t at;
    (void)state;
    world_set_make(&trusted, space, members, MEMBERS);
    for (size_t fault = 0; fault < 3; fault++) {
        struct cometbft_validator *one = &trusted.list[2];
        assert_int_equal(cometbft_validators_check(&at, &total, space, &w.set.validators), PROOF_REASON_VALID);
        if (fault == 1)
            one->key = BYTES_OF(other_hash);
        if (fault == 2) {
            one->key = w.set.list[2].key;
            one->kind = COMETBFT_KEY_SECP256K1;
        }
        assert_int_equal(cometbft_trust_tally(&at, space, &block, &trusted.validators, total, &w.options),
                         fault == 0 ? PROOF_REASON_VALID : PROOF_REASON_COMETBFT_KEYS_DIFFER);
        assert_true(fault == 0 || at == 2);
    }
}

/* A state that lacks what a step is measured by is no trust, whatever else it has. */
static void test_trust__a_state_with_a_part_unset_believes_nothing(void **state)
{
    const struct proof_cometbft_state good = w.trusted;
    (void)state;
    assert_step(PROOF_REASON_VALID);
    for (size_t part = 0; part < 6; part++) {
        w.trusted = good;
        switch (part) {
        case 0: w.trusted.height = 0; break;
        case 1: w.trusted.height = -1; break;
        case 2: w.trusted.chain_id_len = 0; break;
        case 3: w.trusted.chain_id_len = COMETBFT_CHAIN_ID_MAX + 1; break;
        case 4: memset(w.trusted.hash, 0, 32); break;
        case 5: memset(w.trusted.next_validators_hash, 0, 32); break;
        }
        assert_step(PROOF_REASON_TRUST_UNSET);
    }
}

static void test_state__only_a_whole_header_of_this_chain_is_kept(void **state)
{
    static const uint8_t longer[COMETBFT_APP_HASH_MAX + 1];
    const struct cometbft_header good = w.block.light.header;
    struct cometbft_header bad[8];
    struct proof_cometbft_state kept;
    (void)state;
    assert_true(proof_cometbft_state_from(&kept, WORLD_CHAIN, &good));
    assert_memory_equal(kept.hash, w.block.hash, 32);
    assert_int_equal(kept.height, 2);
    assert_memory_equal(kept.next_validators_hash, w.set.hash, 32);
    for (size_t i = 0; i < 8; i++)
        bad[i] = good;
    bad[0].chain_id.len--;
    bad[1].height = 0;
    bad[2].height = -2;
    bad[3].version_block = 12;
    bad[4].validators_hash.len = 0;
    bad[5].next_validators_hash.len = 0;
    bad[6].proposer_address.len = 0;
    bad[7].app_hash = BYTES_OF(longer);
    for (size_t i = 0; i < 8; i++) {
        assert_false(proof_cometbft_state_from(&kept, WORLD_CHAIN, &bad[i]));
        assert_true(codec_bytes_are_zero((const uint8_t *)&kept, sizeof kept));
    }
    for (size_t len = 0; len <= COMETBFT_CHAIN_ID_MAX + 1; len += COMETBFT_CHAIN_ID_MAX + 1) {
        bad[0] = good;
        bad[0].chain_id = (struct bytes){longer, len};
        assert_false(proof_cometbft_state_from(&kept, bad[0].chain_id, &bad[0]));
    }
}

static void test_signature__of_each_kind_has_64_bytes_of_that_key(void **state)
{
    static const uint8_t message[] = "what is signed";
    static const size_t keys[] = {0, WORLD_SECP256K1};
    uint8_t signature[65] = {0}, key[33];
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const struct world_member one[] = {{keys[i], 1}};
        world_set_make(&w.set, space, one, 1);
        struct cometbft_validator who = w.set.list[0];
        world_sign(signature, keys[i], BYTES_OF(message));
        for (size_t len = 0; len <= 65; len++)
            assert_int_equal(cometbft_signature_check(&who, BYTES_OF(message), (struct bytes){signature, len}),
                             len == 64);
        who.kind = i == 0 ? COMETBFT_KEY_BLS12381 : COMETBFT_KEY_MLDSA65;
        assert_false(cometbft_signature_check(&who, BYTES_OF(message), (struct bytes){signature, 64}));
    }
    /* a compressed point begins with 2 or 3, and the other one of these is another key */
    struct cometbft_validator who = w.set.list[0];
    memcpy(key, who.key.data, 33);
    for (unsigned first = 0; first < 256; first++) {
        key[0] = (uint8_t)first;
        bool own = first == who.key.data[0];
        struct cometbft_validator other = {.kind = who.kind, .key = BYTES_OF(key)};
        assert_int_equal(cometbft_signature_check(&other, BYTES_OF(message), (struct bytes){signature, 64}), own);
    }
    for (size_t half = 0; half < 2; half++) { /* r or s zero, or as large as 32 bytes can say */
        for (int fill = 0; fill <= 0xff; fill += 0xff) {
            world_sign(signature, WORLD_SECP256K1, BYTES_OF(message));
            memset(signature + 32 * half, fill, 32);
            assert_false(cometbft_signature_check(&who, BYTES_OF(message), (struct bytes){signature, 64}));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sign_bytes__a_vote_for_anything_else_is_no_vote_for_this_block, make, end),
        cmocka_unit_test_setup_teardown(test_nil__a_vote_for_nil_signs_no_block_and_counts_for_none, make, end),
        cmocka_unit_test_setup_teardown(test_nil__exactly_two_thirds_are_not_more, make, end),
        cmocka_unit_test_setup_teardown(test_absent__who_is_not_there_says_nothing_at_all, make, end),
        cmocka_unit_test_setup_teardown(test_flags__are_the_three_of_the_protocol, make, end),
        cmocka_unit_test_setup_teardown(test_heights__below_one_are_none, make, end),
        cmocka_unit_test_setup_teardown(test_options__periods_and_clocks_that_mean_nothing_are_refused, make, end),
        cmocka_unit_test_setup_teardown(test_options__the_longest_period_and_drift_do_not_wrap, make, end),
        cmocka_unit_test_setup_teardown(test_bounds__more_than_there_is_room_for_is_malformed, make, end),
        cmocka_unit_test_setup_teardown(test_trust__one_address_of_two_keys_is_nobodys, make, end),
        cmocka_unit_test_setup_teardown(test_trust__a_state_with_a_part_unset_believes_nothing, make, end),
        cmocka_unit_test_setup_teardown(test_state__only_a_whole_header_of_this_chain_is_kept, make, end),
        cmocka_unit_test_setup_teardown(test_signature__of_each_kind_has_64_bytes_of_that_key, make, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
