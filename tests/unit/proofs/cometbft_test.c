/*
 * The CometBFT light client on chains that a test makes up: every rule of a step, every attack that is known.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

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

static struct proof_result last;

static enum proof_verdict step_from(const struct proof_cometbft_state *trusted, const struct world_set *next,
                                    struct world_block *block, const struct proof_cometbft_options *options)
{
    struct proof_cometbft_state fact;
    enum proof_verdict verdict =
        proof_cometbft_step_verify(&last, &fact, space, trusted, next ? world_set_bytes(next) : (struct bytes){NULL, 0},
                                   world_block_parts(block), options);
    if (verdict == PROOF_VALID) {
        assert_memory_equal(fact.hash, block->hash, 32);
        assert_int_equal(fact.height, block->light.header.height);
    } else {
        assert_int_equal(fact.height, 0);
    }
    return verdict;
}

/* Three of equal power, the same set at every height, unless a test wants more. */
struct plain {
    struct world_set set;
    struct world_block first; /* height 1, trusted */
    struct proof_cometbft_state trusted;
    struct world_block far;  /* height 9 */
    struct world_block near; /* height 2 */
    struct proof_cometbft_options options;
};

static struct plain *plain_world(void)
{
    static struct plain p;
    const struct world_member members[] = {{0, 10}, {1, 10}, {2, 10}};
    world_set_make(&p.set, space, members, 3);
    world_block_make(&p.first, &p.set, &p.set, 1, NULL);
    p.trusted = world_state(&p.first);
    world_block_make(&p.far, &p.set, &p.set, 9, NULL);
    world_block_make(&p.near, &p.set, &p.set, 2, NULL);
    p.options = world_options(9, 1, 3);
    return &p;
}

static void assert_far(struct plain *p, enum proof_verdict verdict, enum proof_reason reason)
{
    assert_int_equal(step_from(&p->trusted, &p->set, &p->far, &p->options), verdict);
    assert_string_equal(proof_reason_text(last.reason), proof_reason_text(reason));
}

static void assert_near(struct plain *p, enum proof_verdict verdict, enum proof_reason reason)
{
    assert_int_equal(step_from(&p->trusted, NULL, &p->near, &p->options), verdict);
    assert_string_equal(proof_reason_text(last.reason), proof_reason_text(reason));
}

/* ---- attacks of PROOFS section 9 ---- */

static void test_attack__long_range_with_old_keys_ends_with_the_trusting_period(void **state)
{
    struct plain *p = plain_world();
    (void)state;
    /* to the nanosecond: expired when time + period <= now */
    p->options.now = cometbft_time_add(p->trusted.time, p->options.trusting_period);
    p->options.clock_drift = INT64_MAX;
    assert_far(p, PROOF_INVALID, PROOF_REASON_COMETBFT_EXPIRED);
    p->options.now = cometbft_time_add(p->trusted.time, p->options.trusting_period - 1);
    assert_far(p, PROOF_VALID, PROOF_REASON_VALID);
}

static void test_attack__header_from_the_future_is_refused(void **state)
{
    struct plain *p = plain_world();
    (void)state;
    p->options.now = p->far.light.header.time;
    p->options.clock_drift = 0;
    assert_far(p, PROOF_INVALID, PROOF_REASON_COMETBFT_FUTURE);
    p->options.clock_drift = 1;
    assert_far(p, PROOF_VALID, PROOF_REASON_VALID);
}

static void test_attack__header_of_another_chain_is_refused(void **state)
{
    struct plain *p = plain_world();
    (void)state;
    p->trusted.chain_id[0] ^= 1;
    assert_far(p, PROOF_INVALID, PROOF_REASON_COMETBFT_OTHER_CHAIN);
}

static void test_attack__signatures_of_another_chain_are_no_signatures_here(void **state)
{
    struct plain *p = plain_world();
    static const uint8_t other[] = "world-2";
    (void)state;
    for (size_t i = 0; i < 3; i++)
        world_vote_sign(&p->far, i, (struct bytes){other, 7});
    assert_far(p, PROOF_INVALID, PROOF_REASON_COMETBFT_SIGNATURE);
}

static void test_attack__one_signer_in_every_place_counts_once(void **state)
{
    struct plain *p = plain_world();
    (void)state;
    for (size_t i = 1; i < 3; i++)
        p->far.votes[i] = p->far.votes[0];
    assert_far(p, PROOF_INVALID, PROOF_REASON_COMETBFT_VOTE_TWICE);
    for (size_t i = 1; i < 3; i++)
        p->near.votes[i] = p->near.votes[0];
    assert_near(p, PROOF_INVALID, PROOF_REASON_COMETBFT_ADDRESS);
}

static void test_attack__address_of_another_index_is_refused(void **state)
{
    struct plain *p = plain_world();
    (void)state;
    struct cometbft_vote vote = p->near.votes[1];
    p->near.votes[1] = p->near.votes[2];
    p->near.votes[2] = vote;
    assert_near(p, PROOF_INVALID, PROOF_REASON_COMETBFT_ADDRESS);
}

static void test_attack__a_validator_twice_in_a_set_is_refused(void **state)
{
    struct plain *p = plain_world();
    const struct world_member twice[] = {{0, 10}, {0, 10}, {1, 5}};
    const struct world_member twice_apart[] = {{0, 10}, {1, 7}, {0, 5}};
    (void)state;
    world_set_make(&p->set, space, twice, 3);
    world_block_make(&p->first, &p->set, &p->set, 1, NULL);
    p->trusted = world_state(&p->first);
    world_block_make(&p->near, &p->set, &p->set, 2, NULL);
    assert_near(p, PROOF_INVALID, PROOF_REASON_COMETBFT_SET_ORDER);
    world_set_make(&p->set, space, twice_apart, 3);
    world_block_make(&p->first, &p->set, &p->set, 1, NULL);
    p->trusted = world_state(&p->first);
    world_block_make(&p->near, &p->set, &p->set, 2, NULL);
    assert_near(p, PROOF_INVALID, PROOF_REASON_COMETBFT_SET_TWICE);
}

/* Whoever counts trust must not count one validator twice, even where a header announced such a set. */
static void test_attack__a_validator_twice_in_the_trusted_set_is_refused(void **state)
{
    struct plain *p = plain_world();
    static struct world_set twice;
    const struct world_member members[] = {{0, 10}, {1, 7}, {0, 5}};
    (void)state;
    world_set_make(&twice, space, members, 3);
    memcpy(p->trusted.next_validators_hash, twice.hash, 32);
    assert_int_equal(step_from(&p->trusted, &twice, &p->far, &p->options), PROOF_INVALID);
    assert_int_equal(last.reason, PROOF_REASON_COMETBFT_SET_TWICE);
}

static void test_attack__powers_that_are_not_positive_or_overflow_are_refused(void **state)
{
    static const struct {
        int64_t powers[3];
        enum proof_reason reason;
    } cases[] = {
        {{10, 10, 0}, PROOF_REASON_COMETBFT_SET_POWER},
        {{10, 10, -1}, PROOF_REASON_COMETBFT_SET_POWER},
        {{INT64_MAX, 10, 10}, PROOF_REASON_COMETBFT_SET_TOTAL},
        {{PROOF_COMETBFT_POWER_MAX, 1, 1}, PROOF_REASON_COMETBFT_SET_TOTAL},
        {{PROOF_COMETBFT_POWER_MAX - 2, 1, 1}, PROOF_REASON_VALID},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct plain *p = plain_world();
        struct world_member members[3];
        world_members(members, cases[i].powers, 3);
        world_set_make(&p->set, space, members, 3);
        world_block_make(&p->first, &p->set, &p->set, 1, NULL);
        p->trusted = world_state(&p->first);
        world_block_make(&p->near, &p->set, &p->set, 2, NULL);
        assert_near(p, cases[i].reason == PROOF_REASON_VALID ? PROOF_VALID : PROOF_INVALID, cases[i].reason);
    }
}

static void test_attack__set_that_the_relayer_brings_must_be_the_announced_one(void **state)
{
    struct plain *p = plain_world();
    static struct world_set other;
    const struct world_member members[] = {{3, 10}, {4, 10}, {5, 10}};
    (void)state;
    world_set_make(&other, space, members, 3);
    world_block_make(&p->near, &other, &other, 2, NULL);
    assert_near(p, PROOF_INVALID, PROOF_REASON_COMETBFT_NEXT_SET_HASH);
    world_block_make(&p->far, &other, &other, 9, NULL);
    assert_far(p, PROOF_NOT_ENOUGH_TRUST, PROOF_REASON_COMETBFT_TOO_LITTLE_TRUST);
    assert_int_equal(step_from(&p->trusted, &other, &p->far, &p->options), PROOF_INVALID);
    assert_int_equal(last.reason, PROOF_REASON_COMETBFT_TRUSTED_SET);
}

static void test_attack__address_edited_to_a_trusted_one_is_no_vote_of_it(void **state)
{
    struct plain *p = plain_world();
    static struct world_set liars;
    const struct world_member members[] = {{3, 10}, {4, 10}, {5, 10}};
    (void)state;
    world_set_make(&liars, space, members, 3);
    /* in the commit alone */
    world_block_make(&p->far, &liars, &liars, 9, NULL);
    for (size_t i = 0; i < 3; i++)
        p->far.votes[i].address = p->set.list[i].address;
    assert_far(p, PROOF_INVALID, PROOF_REASON_COMETBFT_ADDRESS);
    /* in the set, too */
    for (size_t i = 0; i < 3; i++)
        liars.list[i].address = p->set.list[i].address;
    assert_far(p, PROOF_INVALID, PROOF_REASON_COMETBFT_SET_ADDRESS);
}

static void test_attack__s_plus_group_order_is_refused(void **state)
{
    static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7,
                                      0xa2, 0xde, 0xf9, 0xde, 0x14, 0,    0,    0,    0,    0,    0,
                                      0,    0,    0,    0,    0,    0,    0,    0,    0,    0x10};
    struct plain *p = plain_world();
    unsigned carry = 0;
    (void)state;
    for (size_t i = 0; i < 32; i++) {
        carry += p->near.signatures[0][32 + i] + (unsigned)order[i];
        p->near.signatures[0][32 + i] = (uint8_t)carry;
        carry >>= 8;
    }
    assert_near(p, PROOF_INVALID, PROOF_REASON_COMETBFT_SIGNATURE);
    assert_int_equal(last.at, 0);
}

static void test_attack__unset_trust_believes_nothing(void **state)
{
    struct plain *p = plain_world();
    (void)state;
    memset(p->trusted.hash, 0, 32);
    assert_far(p, PROOF_INVALID, PROOF_REASON_TRUST_UNSET);
    memset(&p->trusted, 0, sizeof p->trusted);
    assert_near(p, PROOF_INVALID, PROOF_REASON_TRUST_UNSET);
    static const uint8_t zero[32] = {0};
    struct proof_cometbft_state fact;
    assert_int_equal(proof_cometbft_first_verify(&last, &fact, space, WORLD_CHAIN, 1, zero,
                                                 world_block_parts(&p->first), &p->options),
                     PROOF_INVALID);
    assert_int_equal(last.reason, PROOF_REASON_TRUST_UNSET);
}

static void test_step__height_and_time_only_grow(void **state)
{
    struct plain *p = plain_world();
    (void)state;
    p->trusted = world_state(&p->far);
    assert_far(p, PROOF_INVALID, PROOF_REASON_COMETBFT_NOT_NEWER);
    assert_near(p, PROOF_INVALID, PROOF_REASON_COMETBFT_NOT_NEWER);
    p = plain_world();
    p->far.light.header.time = p->trusted.time;
    world_block_sign(&p->far);
    assert_far(p, PROOF_INVALID, PROOF_REASON_COMETBFT_TIME);
}

static void test_step__every_part_must_be_of_the_same_block(void **state)
{
    struct plain *p = plain_world();
    (void)state;
    p->far.light.commit.height = 8;
    world_block_sign(&p->far);
    assert_far(p, PROOF_INVALID, PROOF_REASON_COMETBFT_COMMIT_HEIGHT);
    p = plain_world();
    p->far.app_hash[5] ^= 1;
    assert_far(p, PROOF_INVALID, PROOF_REASON_COMETBFT_COMMIT_BLOCK);
    p = plain_world();
    p->set.list[0].power = 9;
    assert_far(p, PROOF_INVALID, PROOF_REASON_COMETBFT_SET_ORDER);
    p = plain_world();
    p->far.light.commit.votes_len = 2;
    assert_far(p, PROOF_INVALID, PROOF_REASON_COMETBFT_COUNT);
    p = plain_world();
    p->far.light.header.version_block = 10;
    world_block_sign(&p->far);
    assert_far(p, PROOF_INVALID, PROOF_REASON_COMETBFT_VERSION);
    p = plain_world();
    p->far.votes[0].flag = 4;
    assert_far(p, PROOF_INVALID, PROOF_REASON_COMETBFT_FLAG);
    p = plain_world();
    p->far.votes[2].flag = COMETBFT_ABSENT;
    assert_far(p, PROOF_INVALID, PROOF_REASON_COMETBFT_ABSENT);
}

static void test_step__what_is_no_header_or_commit_is_refused_by_name(void **state)
{
    static const uint8_t longer[65];
    struct plain *p = plain_world();
    (void)state;
    p->near.light.commit.height = 0;
    assert_near(p, PROOF_INVALID, PROOF_REASON_COMETBFT_HEIGHT);
    p->near.light.header.height = 0;
    assert_near(p, PROOF_INVALID, PROOF_REASON_COMETBFT_HEIGHT);
    p = plain_world();
    p->near.light.header.proposer_address.len = 19;
    world_block_sign(&p->near);
    assert_near(p, PROOF_INVALID, PROOF_REASON_COMETBFT_ADDRESS_SIZE);
    p = plain_world();
    p->near.light.header.validators_hash.len = 0;
    assert_near(p, PROOF_INVALID, PROOF_REASON_COMETBFT_SET_HASH);
    p = plain_world();
    p->near.light.commit.round = -1;
    world_block_sign(&p->near);
    assert_near(p, PROOF_INVALID, PROOF_REASON_COMETBFT_ROUND);
    p = plain_world();
    p->near.light.commit.votes_len = 0;
    assert_near(p, PROOF_INVALID, PROOF_REASON_COMETBFT_COMMIT_EMPTY);
    p = plain_world();
    p->near.votes[1].address.len = 19;
    assert_near(p, PROOF_INVALID, PROOF_REASON_COMETBFT_ADDRESS_SIZE);
    for (size_t len = 0; len <= 65; len++) {
        p = plain_world();
        p->near.votes[1].signature = len < 65 ? (struct bytes){p->near.signatures[1], len} : BYTES_OF(longer);
        if (len == 64)
            assert_near(p, PROOF_VALID, PROOF_REASON_VALID);
        else
            assert_near(p, PROOF_INVALID, PROOF_REASON_COMETBFT_SIGNATURE_SIZE);
    }
}

static void test_step__a_set_has_members_and_its_proposer_is_one_of_them(void **state)
{
    struct plain *p = plain_world();
    static struct world_set strangers;
    const struct world_member stranger[] = {{5, 10}};
    (void)state;
    p->near.light.validators.len = 0;
    assert_near(p, PROOF_INVALID, PROOF_REASON_COMETBFT_SET_EMPTY);
    world_set_make(&strangers, space, stranger, 1);
    for (size_t i = 0; i < 3; i++) {
        p = plain_world();
        p->near.light.validators.has_proposer = true;
        p->near.light.validators.proposer = i == 0 ? strangers.list[0] : p->set.list[1];
        if (i == 1) /* a member's address over another key */
            p->near.light.validators.proposer.key = p->set.list[0].key;
        assert_near(p, i == 2 ? PROOF_VALID : PROOF_INVALID,
                    i == 2 ? PROOF_REASON_VALID : PROOF_REASON_COMETBFT_PROPOSER);
    }
}

/* n - s signs what s signs: anyone can make it of a signature. */
static void upper_half(uint8_t s[32])
{
    static const uint8_t order[32] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                      0xff, 0xff, 0xff, 0xff, 0xfe, 0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48,
                                      0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41};
    int borrow = 0;
    for (size_t i = 32; i-- > 0;) {
        int digit = order[i] - s[i] - borrow;
        borrow = digit < 0;
        s[i] = (uint8_t)(digit + 256 * borrow);
    }
}

static void test_secp256k1__validators_sign_beside_others_and_in_one_way_only(void **state)
{
    static struct world_set set;
    static struct world_block first, block;
    const struct world_member members[] = {{0, 10}, {WORLD_SECP256K1, 10}, {1, 10}, {WORLD_SECP256K1 + 1, 10}};
    const struct proof_cometbft_options options = world_options(9, 1, 3);
    (void)state;
    world_set_make(&set, space, members, 4);
    world_block_make(&first, &set, &set, 1, NULL);
    const struct proof_cometbft_state trusted = world_state(&first);
    for (size_t i = 0; i < 3; i++) { /* the first three make the quorum */
        for (size_t bit = 0; bit < 512; bit += 17) {
            world_block_make(&block, &set, &set, 9, NULL);
            assert_int_equal(step_from(&trusted, &set, &block, &options), PROOF_VALID);
            block.signatures[i][bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_equal(step_from(&trusted, &set, &block, &options), PROOF_INVALID);
            assert_int_equal(last.reason, PROOF_REASON_COMETBFT_SIGNATURE);
            assert_int_equal(last.at, i);
        }
        world_block_make(&block, &set, &set, 9, NULL);
        if (set.list[i].kind == COMETBFT_KEY_SECP256K1) {
            upper_half(block.signatures[i] + 32);
            assert_int_equal(step_from(&trusted, &set, &block, &options), PROOF_INVALID);
            assert_int_equal(last.at, i);
        }
    }
}

/* More validators than one batch, and fewer places for keys than validators. */
static void test_batches__every_place_is_verified_and_the_bad_one_named(void **state)
{
    static struct world_set set;
    static struct world_block first, block;
    struct world_member members[WORLD_SET_MAX];
    struct proof_cometbft_options options = world_options(9, 1, 3);
    struct proof_cometbft_space *const roomy = space;
    (void)state;
    options.every_signature = true;
    for (size_t i = 0; i < WORLD_SET_MAX; i++)
        members[i] = (struct world_member){i, 10};
    world_set_make(&set, space, members, WORLD_SET_MAX);
    world_block_make(&first, &set, &set, 1, NULL);
    const struct proof_cometbft_state trusted = world_state(&first);
    world_block_make(&block, &set, &set, 9, NULL);
    struct proof_cometbft_space *const narrow = proof_cometbft_space_new(WORLD_SET_MAX, 1);
    assert_non_null(narrow);
    for (size_t i = 0; i < WORLD_SET_MAX; i++) {
        space = i % 2 ? narrow : roomy;
        assert_int_equal(step_from(&trusted, &set, &block, &options), PROOF_VALID);
        block.signatures[i][40] ^= 4;
        assert_int_equal(step_from(&trusted, &set, &block, &options), PROOF_INVALID);
        assert_int_equal(last.reason, PROOF_REASON_COMETBFT_SIGNATURE);
        assert_int_equal(last.at, i);
        block.signatures[i][40] ^= 4;
    }
    space = roomy;
    proof_cometbft_space_free(narrow);
}

static void test_step__kinds_of_keys_that_are_not_verified_are_refused_by_name(void **state)
{
    struct plain *p = plain_world();
    (void)state;
    p->set.list[0].kind = COMETBFT_KEY_MLDSA65;
    p->near.light.validators = p->set.validators;
    assert_near(p, PROOF_INVALID, PROOF_REASON_COMETBFT_SET_KEY_KIND);
}

static void test_step__trust_levels_outside_a_third_to_one_are_refused(void **state)
{
    static const uint32_t bad[][2] = {{0, 1}, {1, 4}, {33, 100}, {4, 3}, {1, 0}, {0, 0}, {UINT32_MAX, UINT32_MAX}};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct plain *p = plain_world();
        p->options.trust_numerator = bad[i][0];
        p->options.trust_denominator = bad[i][1];
        assert_far(p, PROOF_INVALID, PROOF_REASON_COMETBFT_OPTIONS);
    }
}

/* CometBFT's light client stops when enough has signed; a caller may have every signature checked. */
static void test_step__a_wrong_signature_behind_the_quorum_is_seen_only_with_every_signature(void **state)
{
    static struct world_set set;
    static struct world_block first, block;
    const struct world_member members[] = {{0, 10}, {1, 10}, {2, 10}, {3, 10}};
    (void)state;
    world_set_make(&set, space, members, 4);
    world_block_make(&first, &set, &set, 1, NULL);
    world_block_make(&block, &set, &set, 2, NULL);
    struct proof_cometbft_state trusted = world_state(&first);
    struct proof_cometbft_options options = world_options(2, 1, 3);
    block.signatures[3][0] ^= 1;
    assert_int_equal(step_from(&trusted, NULL, &block, &options), PROOF_VALID);
    options.every_signature = true;
    assert_int_equal(step_from(&trusted, NULL, &block, &options), PROOF_INVALID);
    assert_int_equal(last.reason, PROOF_REASON_COMETBFT_SIGNATURE);
    assert_int_equal(last.at, 3);
}

/* Every bit of a light block and of the trusted next set counts. */
static void test_mutation__no_bit_of_a_light_block_can_be_another(void **state)
{
    struct plain *p = plain_world();
    uint8_t bytes[WORLD_BLOCK_BYTES];
    struct codec_writer writer;
    struct proof_cometbft_state fact;
    (void)state;
    p->options.every_signature = true;
    p->far.votes[2].flag = COMETBFT_COMMIT;
    codec_writer_init(&writer, bytes, sizeof bytes);
    cometbft_light_block_write(&writer, &p->far.light);
    struct bytes whole = codec_writer_bytes(&writer);
    for (size_t bit = 0; bit < 8 * whole.len; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(proof_cometbft_step_verify(&last, &fact, space, &p->trusted, world_set_bytes(&p->set),
                                                        cometbft_parts_of(whole), &p->options),
                             PROOF_VALID);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t len = 0; len < whole.len; len++)
        assert_int_not_equal(proof_cometbft_step_verify(&last, &fact, space, &p->trusted, world_set_bytes(&p->set),
                                                        cometbft_parts_of((struct bytes){bytes, len}), &p->options),
                             PROOF_VALID);
}

/* A field that nobody knows is in no hash, so whoever passes a block on could add it. */
static void test_mutation__a_field_more_is_malformed(void **state)
{
    static uint8_t longer[WORLD_BLOCK_BYTES];
    struct plain *p = plain_world();
    struct proof_cometbft_state fact;
    (void)state;
    for (size_t part = 0; part < 5; part++) {
        struct cometbft_parts parts = world_block_parts(&p->far);
        struct bytes next = world_set_bytes(&p->set);
        struct bytes *const all[] = {&parts.header, &parts.commit, &parts.validators, &next};
        if (part < 4) {
            memcpy(longer, all[part]->data, all[part]->len);
            longer[all[part]->len] = 0x78; /* field 15, a number */
            longer[all[part]->len + 1] = 1;
            *all[part] = (struct bytes){longer, all[part]->len + 2};
        }
        assert_int_equal(proof_cometbft_step_verify(&last, &fact, space, &p->trusted, next, parts, &p->options),
                         part < 4 ? PROOF_INVALID : PROOF_VALID);
        assert_int_equal(last.reason, part < 4 ? PROOF_REASON_COMETBFT_MALFORMED : PROOF_REASON_VALID);
    }
}

/* ---- backwards ---- */

static void test_parent__only_the_header_that_is_named(void **state)
{
    struct plain *p = plain_world();
    uint8_t bytes[2048];
    struct codec_writer writer;
    struct proof_cometbft_state fact;
    (void)state;
    p->near.light.header.last_block_id.hash = BYTES_OF(p->first.hash);
    world_block_sign(&p->near);
    struct proof_cometbft_state trusted = world_state(&p->near);
    codec_writer_init(&writer, bytes, sizeof bytes);
    cometbft_header_write(&writer, &p->first.light.header);
    struct bytes header = codec_writer_bytes(&writer);
    assert_int_equal(proof_cometbft_parent_verify(&last, &fact, &trusted, header), PROOF_VALID);
    assert_memory_equal(fact.hash, p->first.hash, 32);
    assert_int_equal(fact.height, 1);
    for (size_t bit = 0; bit < 8 * header.len; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(proof_cometbft_parent_verify(&last, &fact, &trusted, header), PROOF_INVALID);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    memset(trusted.last_block_hash, 0, 32);
    assert_int_equal(proof_cometbft_parent_verify(&last, &fact, &trusted, header), PROOF_INVALID);
    assert_int_equal(last.reason, PROOF_REASON_TRUST_UNSET);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attack__long_range_with_old_keys_ends_with_the_trusting_period),
        cmocka_unit_test(test_attack__header_from_the_future_is_refused),
        cmocka_unit_test(test_attack__header_of_another_chain_is_refused),
        cmocka_unit_test(test_attack__signatures_of_another_chain_are_no_signatures_here),
        cmocka_unit_test(test_attack__one_signer_in_every_place_counts_once),
        cmocka_unit_test(test_attack__address_of_another_index_is_refused),
        cmocka_unit_test(test_attack__a_validator_twice_in_a_set_is_refused),
        cmocka_unit_test(test_attack__a_validator_twice_in_the_trusted_set_is_refused),
        cmocka_unit_test(test_attack__powers_that_are_not_positive_or_overflow_are_refused),
        cmocka_unit_test(test_attack__set_that_the_relayer_brings_must_be_the_announced_one),
        cmocka_unit_test(test_attack__address_edited_to_a_trusted_one_is_no_vote_of_it),
        cmocka_unit_test(test_attack__s_plus_group_order_is_refused),
        cmocka_unit_test(test_attack__unset_trust_believes_nothing),
        cmocka_unit_test(test_step__height_and_time_only_grow),
        cmocka_unit_test(test_step__every_part_must_be_of_the_same_block),
        cmocka_unit_test(test_step__what_is_no_header_or_commit_is_refused_by_name),
        cmocka_unit_test(test_step__a_set_has_members_and_its_proposer_is_one_of_them),
        cmocka_unit_test(test_secp256k1__validators_sign_beside_others_and_in_one_way_only),
        cmocka_unit_test(test_batches__every_place_is_verified_and_the_bad_one_named),
        cmocka_unit_test(test_step__kinds_of_keys_that_are_not_verified_are_refused_by_name),
        cmocka_unit_test(test_step__trust_levels_outside_a_third_to_one_are_refused),
        cmocka_unit_test(test_step__a_wrong_signature_behind_the_quorum_is_seen_only_with_every_signature),
        cmocka_unit_test(test_mutation__no_bit_of_a_light_block_can_be_another),
        cmocka_unit_test(test_mutation__a_field_more_is_malformed),
        cmocka_unit_test(test_parent__only_the_header_that_is_named),
    };
    return cmocka_run_group_tests(tests, make_space, free_space);
}
