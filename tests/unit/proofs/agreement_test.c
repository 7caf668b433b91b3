/*
 * Agreement of sources: independence is exact, contradiction is loud, nothing counts twice.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proofs/agreement.h"

#define TEXT(literal) ((struct bytes){(const uint8_t *)(literal), sizeof(literal) - 1})

/* Tags of one letter each, from a static alphabet. */
static struct bytes tag(unsigned letter)
{
    static const uint8_t letters[] = "abcdefghijklmnopqrstuvwxyz";
    return (struct bytes){letters + letter, 1};
}

static struct proof_agreement_source source_of(unsigned operator_letter, unsigned network, unsigned software)
{
    return (struct proof_agreement_source){tag(operator_letter), tag(network), tag(software)};
}

static const struct proof_agreement_source *three(void)
{
    static struct proof_agreement_source sources[3];
    for (unsigned i = 0; i < 3; i++)
        sources[i] = source_of(i, i, i);
    return sources;
}

static struct proof_agreement_statement say(size_t source, uint64_t height, uint8_t hash)
{
    struct proof_agreement_statement statement = {.source = source, .chain = TEXT("eip155:1"), .height = height};
    memset(statement.header_hash, hash, 32);
    return statement;
}

static enum proof_reason judge(const struct proof_agreement_trust *trust,
                               const struct proof_agreement_statement *statements, size_t count)
{
    struct proof_result result;
    struct proof_agreement_fact fact;
    enum proof_verdict verdict = proof_agreement_verify(&result, &fact, trust, 7, statements, count);
    assert_true((verdict == PROOF_VALID) == (result.reason == PROOF_REASON_VALID));
    assert_true(verdict == PROOF_VALID ? fact.independent >= trust->demanded : fact.independent == 0);
    return result.reason;
}

static struct proof_agreement_trust trust_of(const struct proof_agreement_source *sources, size_t count,
                                             size_t demanded)
{
    return (struct proof_agreement_trust){TEXT("eip155:1"), sources, count, demanded};
}

static void test_enough_independent_sources_agree(void **state)
{
    struct proof_agreement_trust trust = trust_of(three(), 3, 2);
    struct proof_agreement_statement said[] = {say(2, 7, 5), say(0, 7, 5)};
    struct proof_result result;
    struct proof_agreement_fact fact;
    (void)state;
    assert_int_equal(proof_agreement_verify(&result, &fact, &trust, 7, said, 2), PROOF_VALID);
    assert_int_equal(fact.height, 7);
    assert_int_equal(fact.header_hash[31], 5);
    assert_int_equal(fact.independent, 2);
    assert_int_equal(judge(&trust, said, 1), PROOF_REASON_AGREEMENT_TOO_FEW);
    assert_int_equal(judge(&trust, said, 0), PROOF_REASON_AGREEMENT_TOO_FEW);
}

static void test_one_source_never_counts_twice(void **state)
{
    struct proof_agreement_trust trust = trust_of(three(), 3, 2);
    struct proof_agreement_statement said[] = {say(1, 7, 5), say(1, 7, 5)};
    (void)state;
    assert_int_equal(judge(&trust, said, 2), PROOF_REASON_AGREEMENT_DUPLICATE);
}

static void test_sources_that_share_a_tag_count_once(void **state)
{
    struct proof_agreement_statement said[] = {say(0, 7, 5), say(1, 7, 5)};
    (void)state;
    for (unsigned same = 0; same < 3; same++) {
        struct proof_agreement_source sources[2] = {source_of(0, 1, 2),
                                                    source_of(same == 0 ? 0 : 3, same == 1 ? 1 : 4, same == 2 ? 2 : 5)};
        struct proof_agreement_trust trust = trust_of(sources, 2, 2);
        assert_int_equal(judge(&trust, said, 2), PROOF_REASON_AGREEMENT_TOO_FEW);
    }
}

static void test_one_liar_among_enough_honest_sources_does_not_stop_the_chain(void **state)
{
    struct proof_agreement_trust trust = trust_of(three(), 3, 2);
    struct proof_agreement_statement said[] = {say(2, 7, 6), say(0, 7, 5), say(1, 7, 5)};
    struct proof_result result;
    struct proof_agreement_fact fact;
    (void)state;
    assert_int_equal(proof_agreement_verify(&result, &fact, &trust, 7, said, 3), PROOF_VALID);
    assert_int_equal(fact.header_hash[31], 5);
    assert_int_equal(fact.independent, 2);
    assert_int_equal(fact.against, 1);
}

static void test_a_contradiction_is_silence(void **state)
{
    struct proof_agreement_trust two = trust_of(three(), 3, 2), one = trust_of(three(), 3, 1);
    struct proof_agreement_statement said[] = {say(0, 7, 5), say(1, 7, 6)};
    struct proof_result result;
    struct proof_agreement_fact fact;
    (void)state;
    assert_int_equal(proof_agreement_verify(&result, &fact, &two, 7, said, 2), PROOF_INVALID);
    assert_int_equal(result.reason, PROOF_REASON_AGREEMENT_CONTRADICTION);
    assert_int_equal(result.at, 1);
    assert_int_equal(fact.independent, 0);
    assert_int_equal(judge(&one, said, 2), PROOF_REASON_AGREEMENT_CONTRADICTION);
}

static void test_statements_about_something_else_are_refused(void **state)
{
    struct proof_agreement_trust trust = trust_of(three(), 3, 1);
    struct proof_agreement_statement said = say(0, 7, 5);
    (void)state;
    assert_int_equal(judge(&trust, &said, 1), PROOF_REASON_VALID);
    said = say(3, 7, 5);
    assert_int_equal(judge(&trust, &said, 1), PROOF_REASON_AGREEMENT_UNKNOWN_SOURCE);
    said = say(0, 8, 5);
    assert_int_equal(judge(&trust, &said, 1), PROOF_REASON_AGREEMENT_OTHER_HEIGHT);
    said = say(0, 7, 0);
    assert_int_equal(judge(&trust, &said, 1), PROOF_REASON_AGREEMENT_STATEMENT);
    said = say(0, 7, 5);
    said.chain = TEXT("eip155:10");
    assert_int_equal(judge(&trust, &said, 1), PROOF_REASON_AGREEMENT_OTHER_CHAIN);
}

static void test_unusable_trust_is_refused(void **state)
{
    struct proof_agreement_source sources[PROOF_AGREEMENT_SOURCES_MAX + 1];
    struct proof_agreement_statement said = say(0, 7, 5);
    (void)state;
    for (unsigned i = 0; i <= PROOF_AGREEMENT_SOURCES_MAX; i++)
        sources[i] = source_of(i, i, i);
    struct proof_agreement_trust trust = trust_of(sources, 3, 0);
    assert_int_equal(judge(&trust, &said, 1), PROOF_REASON_AGREEMENT_TRUST);
    trust = trust_of(sources, 3, 4);
    assert_int_equal(judge(&trust, &said, 1), PROOF_REASON_AGREEMENT_TRUST);
    trust = trust_of(sources, PROOF_AGREEMENT_SOURCES_MAX + 1, 1);
    assert_int_equal(judge(&trust, &said, 1), PROOF_REASON_AGREEMENT_TRUST);
    trust = trust_of(sources, 3, 1);
    trust.chain.len = 0;
    assert_int_equal(judge(&trust, &said, 1), PROOF_REASON_AGREEMENT_TRUST);
    trust = trust_of(sources, 3, 1);
    struct bytes *const tags[] = {&sources[2].operator_tag, &sources[2].network_tag, &sources[2].software_tag};
    for (size_t i = 0; i < 3; i++) { /* who says nothing of himself differs from nobody */
        const struct bytes kept = *tags[i];
        tags[i]->len = 0;
        assert_int_equal(judge(&trust, &said, 1), PROOF_REASON_AGREEMENT_TRUST);
        *tags[i] = kept;
    }
    assert_int_equal(judge(&trust, &said, 1), PROOF_REASON_VALID);
}

static bool differ(const struct proof_agreement_source *a, const struct proof_agreement_source *b)
{
    return !codec_bytes_equal(a->operator_tag, b->operator_tag) && !codec_bytes_equal(a->network_tag, b->network_tag) &&
           !codec_bytes_equal(a->software_tag, b->software_tag);
}

/* All subsets, one by one. */
static size_t by_force(const struct proof_agreement_source *sources, size_t count, uint32_t members)
{
    size_t best = 0;
    for (uint32_t set = 0; set < UINT32_C(1) << count; set++) {
        bool good = (set & ~members) == 0;
        for (size_t i = 0; i < count && good; i++)
            for (size_t j = 0; j < i && good; j++)
                good = (set >> i & 1) == 0 || (set >> j & 1) == 0 || differ(&sources[i], &sources[j]);
        if (good && (size_t)__builtin_popcount(set) > best)
            best = (size_t)__builtin_popcount(set);
    }
    return best;
}

static void test_independence_is_the_exact_maximum(void **state)
{
    uint32_t seed = 12345;
    (void)state;
    for (unsigned round = 0; round < 300; round++) {
        struct proof_agreement_source sources[10];
        size_t count = 1 + round % 10;
        for (size_t i = 0; i < count; i++) {
            unsigned letters[3];
            for (size_t k = 0; k < 3; k++) {
                seed = seed * 1664525u + 1013904223u;
                letters[k] = (seed >> 16) % (2 + round % 7);
            }
            sources[i] = source_of(letters[0], letters[1], letters[2]);
        }
        struct proof_agreement_trust trust = trust_of(sources, count, 1);
        uint32_t members = seed >> 8 & ((UINT32_C(1) << count) - 1);
        assert_int_equal(proof_agreement_independent(&trust, members), by_force(sources, count, members));
    }
}

/* Taking the first source that fits would find one; two others are independent. */
static void test_a_greedy_choice_would_find_fewer(void **state)
{
    struct proof_agreement_source sources[3] = {source_of(0, 1, 9), source_of(0, 2, 3), source_of(4, 1, 5)};
    struct proof_agreement_trust trust = trust_of(sources, 3, 2);
    struct proof_agreement_statement said[] = {say(0, 7, 5), say(1, 7, 5), say(2, 7, 5)};
    (void)state;
    assert_int_equal(judge(&trust, said, 3), PROOF_REASON_VALID);
}

static void test_sixteen_sources_in_the_worst_arrangement_are_quick(void **state)
{
    struct proof_agreement_source sources[16];
    (void)state;
    for (unsigned i = 0; i < 16; i++)
        sources[i] = source_of(i / 2, i, i);
    struct proof_agreement_trust trust = trust_of(sources, 16, 1);
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(proof_agreement_independent(&trust, 0xffff), 8);
    assert_int_equal(proof_agreement_independent(&trust, 0x10000), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_enough_independent_sources_agree),
        cmocka_unit_test(test_one_source_never_counts_twice),
        cmocka_unit_test(test_sources_that_share_a_tag_count_once),
        cmocka_unit_test(test_one_liar_among_enough_honest_sources_does_not_stop_the_chain),
        cmocka_unit_test(test_a_contradiction_is_silence),
        cmocka_unit_test(test_statements_about_something_else_are_refused),
        cmocka_unit_test(test_unusable_trust_is_refused),
        cmocka_unit_test(test_independence_is_the_exact_maximum),
        cmocka_unit_test(test_a_greedy_choice_would_find_fewer),
        cmocka_unit_test(test_sixteen_sources_in_the_worst_arrangement_are_quick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
