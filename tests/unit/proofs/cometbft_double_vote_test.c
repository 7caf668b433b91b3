/*
 * Evidence that a validator voted twice: what proves it, what does not, and that no bit of it can be another.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proofs/cometbft_double_vote.h"
#include "tests/unit/proofs/cometbft_world.h"

enum { HEIGHT = 7, LIAR = 1, EVIDENCE_BYTES = 2048 };

static const uint8_t hash_low[32] = {1}, hash_high[32] = {2}, parts_low[32] = {3}, parts_high[32] = {4};

static struct proof_cometbft_space *space;
static struct proof_result last;
static struct proof_cometbft_double_vote_fact fact;

/* Four validators of different power; number LIAR in their order voted twice at HEIGHT. */
static struct {
    struct world_set set;
    struct world_block block;
    struct proof_cometbft_state trusted;
    struct proof_cometbft_options options;
    struct cometbft_double_vote evidence;
    uint8_t signatures[2][64];
    uint8_t bytes[EVIDENCE_BYTES];
} w;

static void sign_vote(struct cometbft_single_vote *vote, uint8_t signature[64], size_t key, struct bytes chain_id)
{
    struct cometbft_sign_bytes sign;
    uint8_t message[COMETBFT_SIGN_BYTES_MAX];
    cometbft_sign_bytes_begin(&sign, chain_id, vote->type, vote->height, vote->round, &vote->block_id);
    size_t len = cometbft_sign_bytes_of(message, &sign, vote->time, true);
    world_sign(signature, key, (struct bytes){message, len});
    vote->signature = (struct bytes){signature, 64};
}

static void sign_both(void)
{
    sign_vote(&w.evidence.a, w.signatures[0], w.set.keys[LIAR], WORLD_CHAIN);
    sign_vote(&w.evidence.b, w.signatures[1], w.set.keys[LIAR], WORLD_CHAIN);
}

static int make(void **state)
{
    const struct world_member members[] = {{0, 10}, {1, 20}, {2, 30}, {3, 40}};
    (void)state;
    space = proof_cometbft_space_new(WORLD_SET_MAX, 0);
    memset(&w, 0, sizeof w);
    world_set_make(&w.set, space, members, 4);
    world_block_make(&w.block, &w.set, &w.set, HEIGHT, NULL);
    w.trusted = world_state(&w.block);
    w.options = world_options(HEIGHT, 1, 3);
    struct cometbft_single_vote vote = {
        .type = COMETBFT_PRECOMMIT,
        .height = HEIGHT,
        .round = 2,
        .block_id = {BYTES_OF(hash_low), 1, BYTES_OF(parts_low)},
        .time = {1700007001, 3},
        .address = w.set.list[LIAR].address,
        .index = LIAR,
    };
    w.evidence = (struct cometbft_double_vote){
        .a = vote, .b = vote, .total_power = 100, .power = w.set.list[LIAR].power, .time = w.trusted.time};
    w.evidence.b.block_id = (struct cometbft_block_id){BYTES_OF(hash_high), 1, BYTES_OF(parts_low)};
    sign_both();
    return space ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    proof_cometbft_space_free(space);
    return 0;
}

static struct bytes evidence_bytes(void)
{
    struct codec_writer writer;
    codec_writer_init(&writer, w.bytes, sizeof w.bytes);
    cometbft_double_vote_write(&writer, &w.evidence);
    assert_false(writer.failed);
    return codec_writer_bytes(&writer);
}

static enum proof_verdict verdict_on(struct bytes evidence)
{
    static const struct proof_cometbft_double_vote_fact nothing;
    enum proof_verdict verdict = proof_cometbft_double_vote_verify(&last, &fact, space, &w.trusted,
                                                                   world_set_bytes(&w.set), evidence, &w.options);
    if (verdict != PROOF_VALID)
        assert_memory_equal(&fact, &nothing, sizeof fact);
    return verdict;
}

static void assert_refused(enum proof_reason reason, size_t at)
{
    assert_int_equal(verdict_on(evidence_bytes()), PROOF_INVALID);
    assert_string_equal(proof_reason_text(last.reason), proof_reason_text(reason));
    assert_int_equal(last.at, at);
}

static void assert_taken(void)
{
    assert_int_equal(verdict_on(evidence_bytes()), PROOF_VALID);
}

static void test_double_vote__two_signed_votes_of_one_step_name_the_liar_and_its_power(void **state)
{
    (void)state;
    assert_taken();
    assert_int_equal(fact.height, HEIGHT);
    assert_int_equal(fact.round, 2);
    assert_int_equal(fact.type, COMETBFT_PRECOMMIT);
    assert_memory_equal(fact.address, w.set.list[LIAR].address.data, 20);
    assert_int_equal(fact.power, 30);
    assert_int_equal(fact.total_power, 100);
    assert_memory_equal(fact.hash_a, hash_low, 32);
    assert_memory_equal(fact.hash_b, hash_high, 32);
}

static void test_double_vote__prevotes_and_a_vote_for_nil_count_too(void **state)
{
    static const uint8_t none[32];
    (void)state;
    w.evidence.a.type = w.evidence.b.type = COMETBFT_PREVOTE;
    w.evidence.a.block_id = (struct cometbft_block_id){0};
    sign_both();
    assert_taken();
    assert_int_equal(fact.type, COMETBFT_PREVOTE);
    assert_memory_equal(fact.hash_a, none, 32);
}

static void test_double_vote__one_block_in_two_part_sets_is_two_blocks(void **state)
{
    (void)state;
    w.evidence.b.block_id = (struct cometbft_block_id){BYTES_OF(hash_low), 1, BYTES_OF(parts_high)};
    sign_both();
    assert_taken();
    /* numbers of parts stand in the order of their encodings: 7f before 80 01, but ff 01 behind 80 02 */
    w.evidence.a.block_id.parts_total = 127;
    w.evidence.b.block_id.parts_total = 128;
    sign_both();
    assert_taken();
    w.evidence.a.block_id.parts_total = 255;
    w.evidence.b.block_id.parts_total = 256;
    sign_both();
    assert_refused(PROOF_REASON_COMETBFT_VOTES_ORDER, 0);
}

static void test_double_vote__one_vote_twice_is_no_lie(void **state)
{
    (void)state;
    w.evidence.b = w.evidence.a;
    assert_refused(PROOF_REASON_COMETBFT_NO_CONFLICT, 0);
    /* the same vote signed again at another time */
    w.evidence.b.time.nanos++;
    sign_both();
    assert_refused(PROOF_REASON_COMETBFT_NO_CONFLICT, 0);
}

static void test_double_vote__votes_of_two_heights_rounds_or_types_are_no_lie(void **state)
{
    (void)state;
    w.evidence.b.height++;
    sign_both();
    assert_refused(PROOF_REASON_COMETBFT_VOTES_APART, 0);
    w.evidence.b.height--;
    w.evidence.b.round++;
    sign_both();
    assert_refused(PROOF_REASON_COMETBFT_VOTES_APART, 0);
    w.evidence.b.round--;
    w.evidence.b.type = COMETBFT_PREVOTE;
    sign_both();
    assert_refused(PROOF_REASON_COMETBFT_VOTES_APART, 0);
}

static void test_double_vote__votes_of_two_validators_are_no_lie(void **state)
{
    (void)state;
    w.evidence.b.address = w.set.list[2].address;
    assert_refused(PROOF_REASON_COMETBFT_VOTES_APART, 0);
    /* the other's signature under the liar's name */
    w.evidence.b.address = w.evidence.a.address;
    sign_vote(&w.evidence.b, w.signatures[1], w.set.keys[2], WORLD_CHAIN);
    assert_refused(PROOF_REASON_COMETBFT_SIGNATURE, 1);
}

static void test_double_vote__votes_in_the_other_order_are_refused(void **state)
{
    struct cometbft_single_vote a = w.evidence.a;
    (void)state;
    w.evidence.a = w.evidence.b;
    w.evidence.b = a;
    assert_refused(PROOF_REASON_COMETBFT_VOTES_ORDER, 0);
}

static void test_double_vote__votes_on_another_chain_are_no_lie_here(void **state)
{
    static const uint8_t other[] = {'w', 'o', 'r', 'l', 'd', '-', '2'};
    (void)state;
    sign_vote(&w.evidence.a, w.signatures[0], w.set.keys[LIAR], BYTES_OF(other));
    assert_refused(PROOF_REASON_COMETBFT_SIGNATURE, 0);
}

static void test_double_vote__a_stranger_or_another_index_is_refused(void **state)
{
    static const uint8_t stranger[20] = {9};
    (void)state;
    w.evidence.a.index = w.evidence.b.index = 2;
    assert_refused(PROOF_REASON_COMETBFT_ADDRESS, 0);
    w.evidence.a.index = w.evidence.b.index = -1;
    assert_refused(PROOF_REASON_COMETBFT_ADDRESS, 0);
    w.evidence.a.index = w.evidence.b.index = LIAR;
    w.evidence.a.address = w.evidence.b.address = BYTES_OF(stranger);
    assert_refused(PROOF_REASON_COMETBFT_NOT_VALIDATOR, 0);
}

static void test_double_vote__power_and_time_are_those_of_set_and_header(void **state)
{
    (void)state;
    w.evidence.power++;
    assert_refused(PROOF_REASON_COMETBFT_CLAIM, 0);
    w.evidence.power--;
    w.evidence.total_power = -w.evidence.total_power;
    assert_refused(PROOF_REASON_COMETBFT_CLAIM, 0);
    w.evidence.total_power = -w.evidence.total_power;
    w.evidence.time.nanos++;
    assert_refused(PROOF_REASON_COMETBFT_CLAIM, 0);
}

static void test_double_vote__only_the_set_of_that_height_says_who_voted(void **state)
{
    static struct world_set other;
    const struct world_member members[] = {{0, 10}, {1, 20}, {2, 30}};
    (void)state;
    world_set_make(&other, space, members, 3);
    assert_int_equal(proof_cometbft_double_vote_verify(&last, &fact, space, &w.trusted, world_set_bytes(&other),
                                                       evidence_bytes(), &w.options),
                     PROOF_INVALID);
    assert_int_equal(last.reason, PROOF_REASON_COMETBFT_TRUSTED_SET);
    w.trusted.height--;
    assert_refused(PROOF_REASON_EVIDENCE_OTHER_HEIGHT, 0);
}

static void test_double_vote__keys_that_no_stake_backs_any_more_prove_nothing(void **state)
{
    (void)state;
    w.options.now = cometbft_time_add(w.trusted.time, w.options.trusting_period);
    assert_refused(PROOF_REASON_COMETBFT_EXPIRED, 0);
    w.options.now = cometbft_time_add(w.trusted.time, w.options.trusting_period - 1);
    assert_taken();
    const struct proof_cometbft_state good = w.trusted;
    memset(w.trusted.validators_hash, 0, 32);
    assert_refused(PROOF_REASON_TRUST_UNSET, 0);
    w.trusted = good;
    w.trusted.chain_id_len = 0;
    assert_refused(PROOF_REASON_TRUST_UNSET, 0);
    w.trusted.chain_id_len = COMETBFT_CHAIN_ID_MAX + 1;
    assert_refused(PROOF_REASON_TRUST_UNSET, 0);
    w.trusted = good;
    w.trusted.height = 0;
    assert_refused(PROOF_REASON_TRUST_UNSET, 0);
}

static void test_double_vote__what_is_no_vote_is_refused_by_name(void **state)
{
    static const uint8_t more[65];
    struct cometbft_single_vote *const votes[] = {&w.evidence.a, &w.evidence.b};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const struct cometbft_single_vote good = *votes[i];
        votes[i]->type = 3;
        assert_refused(PROOF_REASON_COMETBFT_VOTE_TYPE, i);
        *votes[i] = good;
        votes[i]->height = -HEIGHT;
        assert_refused(PROOF_REASON_COMETBFT_HEIGHT, i);
        *votes[i] = good;
        votes[i]->round = -1;
        assert_refused(PROOF_REASON_COMETBFT_ROUND, i);
        *votes[i] = good;
        votes[i]->block_id.parts_total = 0;
        assert_refused(PROOF_REASON_COMETBFT_VOTE_BLOCK, i);
        *votes[i] = good;
        votes[i]->block_id.hash = (struct bytes){NULL, 0};
        assert_refused(PROOF_REASON_COMETBFT_VOTE_BLOCK, i);
        *votes[i] = good;
        votes[i]->address.len = 19;
        assert_refused(PROOF_REASON_COMETBFT_ADDRESS_SIZE, i);
        *votes[i] = good;
        votes[i]->signature.len = 63;
        assert_refused(PROOF_REASON_COMETBFT_SIGNATURE_SIZE, i);
        votes[i]->signature = BYTES_OF(more);
        assert_refused(PROOF_REASON_COMETBFT_SIGNATURE_SIZE, i);
        *votes[i] = good;
    }
}

static void test_double_vote__only_whole_evidence_and_usable_options(void **state)
{
    struct bytes evidence = evidence_bytes();
    (void)state;
    w.bytes[evidence.len] = 0x30; /* a sixth field, of one byte */
    w.bytes[evidence.len + 1] = 1;
    evidence.len += 2;
    assert_int_equal(verdict_on(evidence), PROOF_INVALID);
    assert_int_equal(last.reason, PROOF_REASON_COMETBFT_MALFORMED);
    w.options.trust_denominator = 0;
    assert_refused(PROOF_REASON_COMETBFT_OPTIONS, 0);
}

static void test_double_vote__extensions_only_where_votes_have_them(void **state)
{
    static const uint8_t extension[] = {1, 2, 3};
    (void)state;
    w.evidence.a.extension = BYTES_OF(extension);
    assert_refused(PROOF_REASON_COMETBFT_VOTE_EXTENSION, 0);
    w.evidence.a.extension_signature = BYTES_OF(hash_low);
    assert_taken();
    w.evidence.a.type = w.evidence.b.type = COMETBFT_PREVOTE;
    sign_both();
    assert_refused(PROOF_REASON_COMETBFT_VOTE_EXTENSION, 0);
    w.evidence.a.type = w.evidence.b.type = COMETBFT_PRECOMMIT;
    w.evidence.a.block_id = (struct cometbft_block_id){0};
    sign_both();
    assert_refused(PROOF_REASON_COMETBFT_VOTE_EXTENSION, 0);
}

static void test_mutation__no_bit_of_the_evidence_or_the_set_can_be_another(void **state)
{
    struct bytes evidence = evidence_bytes();
    (void)state;
    for (size_t bit = 0; bit < 8 * evidence.len; bit++) {
        w.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(verdict_on(evidence), PROOF_INVALID);
        w.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t len = 0; len < evidence.len; len++)
        assert_int_equal(verdict_on((struct bytes){w.bytes, len}), PROOF_INVALID);
    for (size_t bit = 0; bit < 8 * w.set.bytes_len; bit++) {
        w.set.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(verdict_on(evidence), PROOF_INVALID);
        w.set.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(verdict_on(evidence), PROOF_VALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_double_vote__two_signed_votes_of_one_step_name_the_liar_and_its_power,
                                        make, end),
        cmocka_unit_test_setup_teardown(test_double_vote__prevotes_and_a_vote_for_nil_count_too, make, end),
        cmocka_unit_test_setup_teardown(test_double_vote__one_block_in_two_part_sets_is_two_blocks, make, end),
        cmocka_unit_test_setup_teardown(test_double_vote__one_vote_twice_is_no_lie, make, end),
        cmocka_unit_test_setup_teardown(test_double_vote__votes_of_two_heights_rounds_or_types_are_no_lie, make, end),
        cmocka_unit_test_setup_teardown(test_double_vote__votes_of_two_validators_are_no_lie, make, end),
        cmocka_unit_test_setup_teardown(test_double_vote__votes_in_the_other_order_are_refused, make, end),
        cmocka_unit_test_setup_teardown(test_double_vote__votes_on_another_chain_are_no_lie_here, make, end),
        cmocka_unit_test_setup_teardown(test_double_vote__a_stranger_or_another_index_is_refused, make, end),
        cmocka_unit_test_setup_teardown(test_double_vote__power_and_time_are_those_of_set_and_header, make, end),
        cmocka_unit_test_setup_teardown(test_double_vote__only_the_set_of_that_height_says_who_voted, make, end),
        cmocka_unit_test_setup_teardown(test_double_vote__keys_that_no_stake_backs_any_more_prove_nothing, make, end),
        cmocka_unit_test_setup_teardown(test_double_vote__what_is_no_vote_is_refused_by_name, make, end),
        cmocka_unit_test_setup_teardown(test_double_vote__only_whole_evidence_and_usable_options, make, end),
        cmocka_unit_test_setup_teardown(test_double_vote__extensions_only_where_votes_have_them, make, end),
        cmocka_unit_test_setup_teardown(test_mutation__no_bit_of_the_evidence_or_the_set_can_be_another, make, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
