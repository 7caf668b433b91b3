/*
 * What is proven from one source counts when the others have said the same header: at once when they have, never much later because
 * one of them does not speak. And headers that contradict by their time alone.
 */
#include "tests/unit/core/light_rig.h"

#include <stdlib.h>
#include <string.h>

/* More than a third, less than two. */
static const uint8_t FEW[] = {COMETBFT_COMMIT, COMETBFT_COMMIT, COMETBFT_ABSENT, COMETBFT_ABSENT};

/* ---- waiting -------------------------------------------------------------------------------------------------------- */

static void test_witness__who_spoke_before_is_not_waited_for(void **state)
{
    struct rig *rig = rig_begun_alone();
    struct rig_bundle bundle;
    (void)state;
    rig_block(rig, &bundle, 12, &rig->set, &rig->set, 1, NULL);
    rig_header(rig, 1, &bundle);
    rig_show(rig, &bundle, 12, 1);
    assert_int_equal(rig_log(rig).proven, 1);
    assert_false(rig_asked(rig, 12));
    rig_free(rig);
}

static void test_witness__fact_waits_for_the_other_sources_word_and_no_longer(void **state)
{
    struct rig *rig = rig_begun_alone();
    struct rig_bundle bundle;
    (void)state;
    rig_show(rig, &bundle, 20, 1);
    assert_int_equal(rig_trusted(rig), 20);
    assert_int_equal(rig_log(rig).proven, 0);
    assert_true(rig_asked(rig, 20));
    rig_run(rig, 1000);
    assert_int_equal(rig_log(rig).proven, 0);
    assert_int_equal(rig_log(rig).cause, RELAY_CAUSE_EVIDENCE);
    assert_true(rig_asked(rig, 20)); /* it was not there yet, perhaps */
    rig_header(rig, 1, &bundle);
    assert_int_equal(rig_log(rig).proven, 1);
    assert_int_equal(rig_counted(rig, RELAY_REASON_WITNESS_SILENT), 0);
    rig_free(rig);
}

/* What `isthmus sources` says of it. */
static uint64_t shown_silent(const struct rig *rig, uint16_t source)
{
    struct relay_source_view view;
    assert_true(relay_core_source_view(rig->core, source, &view));
    return view.silent;
}

static void test_witness__one_that_is_silent_costs_the_bound_once(void **state)
{
    struct rig *rig = rig_begun_alone();
    struct rig_bundle bundle;
    (void)state;
    rig_show(rig, &bundle, 20, 1);
    uint64_t took = rig_until_proven(rig, 1);
    assert_true(took >= RIG_BOUND_MS - RIG_STEP_MS && took <= RIG_BOUND_MS + RIG_STEP_MS);
    assert_int_equal(rig_counted(rig, RELAY_REASON_WITNESS_SILENT), 1);
    assert_int_equal(shown_silent(rig, 1), 20);
    assert_int_equal(shown_silent(rig, 0), 0);
    rig->asks_len = 0;
    rig_show(rig, &bundle, 25, 2);
    assert_int_equal(rig_log(rig).proven, 2);
    assert_true(rig_asked(rig, 25)); /* and may speak again */
    rig_show(rig, &bundle, 30, 3);
    assert_int_equal(rig_log(rig).proven, 3);
    rig_header(rig, 1, &bundle);
    rig_show(rig, &bundle, 31, 4);
    assert_int_equal(rig_log(rig).proven, 3); /* it does, so it is a witness again */
    rig_header(rig, 1, &bundle);
    assert_int_equal(rig_log(rig).proven, 4);
    assert_int_equal(shown_silent(rig, 1), 0);
    assert_int_equal(rig_counted(rig, RELAY_REASON_WITNESS_SILENT), 1);
    rig_free(rig);
}

/* It says each height, and each so late that it is of no use: words of below where it was silent do not make it a witness. */
static void test_witness__one_that_is_far_behind_costs_the_bound_once(void **state)
{
    struct rig *rig = rig_begun_alone();
    struct rig_bundle bundle, late;
    (void)state;
    rig_show(rig, &bundle, 20, 1);
    assert_true(rig_until_proven(rig, 1) >= RIG_BOUND_MS - RIG_STEP_MS);
    for (uint64_t i = 0; i < 3; i++) {
        rig_block(rig, &late, 12 + i, &rig->set, &rig->set, 0, NULL);
        rig_header(rig, 1, &late);
        rig_show(rig, &bundle, 21 + i, 2 + i);
        assert_int_equal(rig_log(rig).proven, 2 + i);
    }
    rig_free(rig);
}

static void test_witness__one_that_goes_down_is_not_waited_for(void **state)
{
    struct rig *rig = rig_begun_alone();
    struct rig_bundle bundle;
    (void)state;
    rig_show(rig, &bundle, 20, 1);
    rig_run(rig, 1000);
    assert_int_equal(rig_log(rig).proven, 0);
    rig_source(rig, 1, false);
    rig_run(rig, RIG_STEP_MS);
    assert_int_equal(rig_log(rig).proven, 1);
    rig_show(rig, &bundle, 25, 2);
    assert_int_equal(rig_log(rig).proven, 2); /* one source alone has no witness */
    rig_source(rig, 1, true);
    rig_show(rig, &bundle, 30, 3);
    assert_int_equal(rig_log(rig).proven, 2);
    rig_header(rig, 1, &bundle);
    assert_int_equal(rig_log(rig).proven, 3);
    rig_free(rig);
}

/* The header that it shows is signed, too: the chain is frozen, and what waited never counts. */
static void test_witness__fact_that_waits_never_counts_when_the_other_header_is_signed_too(void **state)
{
    struct rig *rig = rig_begun_alone();
    struct rig_bundle bundle, other;
    (void)state;
    rig_show(rig, &bundle, 20, 1);
    rig_block(rig, &other, 20, &rig->set, &rig->set, 2, NULL);
    rig_header(rig, 1, &other);
    assert_int_equal(rig_log(rig).cause, RELAY_CAUSE_ATTACK);
    rig_run(rig, RIG_BOUND_MS + 1000);
    assert_int_equal(rig_log(rig).proven, 0);
    rig_free(rig);
}

/* It is not: that source is ended, and what waited counts when it is given again. */
static void test_witness__liar_is_ended_and_the_lane_goes_on(void **state)
{
    struct rig *rig = rig_begun_alone();
    struct rig_bundle bundle, other;
    (void)state;
    rig_show(rig, &bundle, 20, 1);
    rig_block(rig, &other, 20, &rig->set, &rig->set, 2, FEW);
    rig_header(rig, 1, &other);
    assert_int_equal(rig->bans, 1);
    assert_int_equal(rig_log(rig).proven, 0);
    assert_int_equal(rig_log(rig).cause, RELAY_CAUSE_SOURCES_DISAGREE);
    rig_source(rig, 1, false);
    rig_run(rig, 1200); /* it is asked for again */
    rig_show(rig, &bundle, 21, 1);
    assert_int_equal(rig_log(rig).proven, 1);
    rig_free(rig);
}

/* It says another hash than ours, and shows ours: no word of it is worth anything. */
static void test_witness__one_that_shows_our_header_for_another_hash_is_ended(void **state)
{
    struct rig *rig = rig_begun_alone();
    struct rig_bundle bundle, lie;
    (void)state;
    rig_show(rig, &bundle, 20, 1);
    lie = bundle;
    lie.hash[0] ^= 1;
    rig_header(rig, 1, &lie);
    assert_int_equal(rig->bans, 1);
    rig_free(rig);
}

static void test_witness__after_a_restart_witnesses_are_heard_anew(void **state)
{
    struct rig *rig = rig_begun_alone();
    struct rig_bundle bundle;
    (void)state;
    rig_show(rig, &bundle, 20, 1);
    assert_int_equal(rig_trusted(rig), 20);
    rig_restart(rig, false); /* the trust is on disk, the fact was not acted on */
    assert_int_equal(rig_log(rig).proven, 0);
    rig_show(rig, &bundle, 20, 1); /* moves nothing */
    assert_int_equal(rig_log(rig).proven, 0);
    rig_run(rig, RIG_STEP_MS);
    assert_true(rig_asked(rig, 20));
    rig_header(rig, 1, &bundle);
    assert_int_equal(rig_log(rig).proven, 1);
    rig_restart(rig, false);
    rig_show(rig, &bundle, 20, 1);
    rig_show(rig, &bundle, 25, 2);
    assert_true(rig_until_proven(rig, 2) <=
                RIG_BOUND_MS + RIG_STEP_MS); /* silent now: once more the bound, for both together */
    rig_restart(rig, false);
    assert_int_equal(rig_log(rig).proven, 2);
    rig_free(rig);
}

static void test_witness__word_and_disk_may_come_in_either_order(void **state)
{
    struct rig *rig = rig_begun_alone();
    struct rig_bundle bundle;
    (void)state;
    rig->slow = true;
    rig_show(rig, &bundle, 20, 1);
    rig_header(rig, 1, &bundle);
    assert_int_equal(rig_log(rig).proven, 0); /* I2 */
    rig_commit(rig);
    assert_int_equal(rig_log(rig).proven, 1);
    rig->slow = true;
    rig_show(rig, &bundle, 25, 2);
    rig_commit(rig);
    assert_int_equal(rig_log(rig).proven, 1);
    rig_header(rig, 1, &bundle);
    assert_int_equal(rig_log(rig).proven, 2);
    rig_free(rig);
}

/* Evidence of below the newest header stands on another header, which is held against witnesses, too. */
static void test_witness__older_evidence_waits_for_its_own_header(void **state)
{
    struct rig *rig = rig_begun_alone();
    struct rig_bundle newer, older, other;
    (void)state;
    rig_block(rig, &older, 20, &rig->set, &rig->set, 2, NULL);
    rig_block(rig, &newer, 25, &rig->set, &rig->set, 1, NULL);
    rig_records(rig, 0, 1, 2);
    rig_evidence(rig, 0, &newer, 1);
    rig_evidence(rig, 0, &older, 2);
    rig_header(rig, 1, &newer);
    assert_int_equal(rig_log(rig).proven, 1);
    rig_header(rig, 1, &older);
    assert_int_equal(rig_log(rig).proven, 2);
    assert_int_equal(rig_trusted(rig), 25);
    rig_block(rig, &other, 20, &rig->set, &rig->set, 3, NULL); /* and an attack is proven there, too */
    rig_header(rig, 1, &other);
    assert_int_equal(rig_log(rig).cause, RELAY_CAUSE_ATTACK);
    rig_free(rig);
}

/* More facts than have a place: those that find none are asked for again, and nobody is blamed for what was let go with them. */
static void test_witness__many_facts_wait_together(void **state)
{
    struct rig *rig = rig_begun_alone();
    struct rig_bundle bundle;
    size_t subscribes = rig->subscribes;
    (void)state;
    rig_records(rig, 0, 1, 4);
    for (uint64_t i = 0; i < 60; i++) {
        rig_block(rig, &bundle, 11 + i / 3, &rig->set, &rig->set, 1 + i / 15, NULL);
        rig_evidence(rig, 0, &bundle, 1 + i / 15);
    }
    rig_run(rig, RIG_BOUND_MS + 1000);
    assert_int_equal(rig_counted(rig, RELAY_REASON_WITNESS_SILENT), 1);
    assert_int_equal(rig_counted(rig, RELAY_REASON_RECORDS_MISSING), 0);
    rig_records(rig, 0, rig_log(rig).stored + 1, 4);
    rig_evidence(rig, 0, &bundle, 4);
    assert_int_equal(rig_log(rig).proven, 4);
    assert_int_equal(rig->subscribes, subscribes);
    assert_int_equal(rig->bans, 0);
    rig_free(rig);
}

/* ---- time ----------------------------------------------------------------------------------------------------------- */

static void test_witness__lower_header_that_is_not_earlier_freezes_the_chain(void **state)
{
    struct rig *rig = rig_begun_alone();
    struct rig_bundle ours, other;
    (void)state;
    rig_show(rig, &ours, 20, 1);
    rig_block_at(rig, &other, 15, 20, 5, &rig->set, 2, NULL); /* the very same time */
    rig_header(rig, 1, &other);
    assert_string_equal(rig_trust(rig).attack, "time");
    assert_int_equal(rig_log(rig).cause, RELAY_CAUSE_ATTACK);
    rig_restart(rig, false);
    assert_string_equal(rig_trust(rig).attack, "time");
    rig_free(rig);
}

static void test_witness__higher_header_that_is_not_later_freezes_the_chain(void **state)
{
    struct rig *rig = rig_begun_alone();
    struct rig_bundle ours, other;
    (void)state;
    rig_show(rig, &ours, 20, 1);
    rig_block_at(rig, &other, 22, 20, 5, &rig->set, 2, NULL);
    rig_header(rig, 1, &other);
    assert_string_equal(rig_trust(rig).attack, "time");
    rig_free(rig);
}

/* One nanosecond: the header that follows, and nothing else. */
static void test_witness__times_that_ascend_are_no_attack(void **state)
{
    struct rig *rig = rig_begun_alone();
    struct rig_bundle ours, other;
    (void)state;
    rig_show(rig, &ours, 20, 1);
    rig_block_at(rig, &other, 21, 20, 6, &rig->set, 2, NULL);
    rig_header(rig, 1, &other);
    rig_block_at(rig, &other, 19, 20, 4, &rig->set, 2, NULL);
    rig_header(rig, 1, &other);
    rig_header(rig, 1, &ours);
    assert_string_equal(rig_trust(rig).attack, "none");
    assert_int_equal(rig_log(rig).proven, 1);
    assert_int_equal(rig->bans, 0);
    rig_free(rig);
}

/* It is not held against anybody before it is proven: a lie about time makes nobody abstain. */
static void test_witness__contradiction_in_time_that_nobody_signed_costs_who_shows_it(void **state)
{
    struct rig *rig = rig_begun_alone();
    struct rig_bundle ours, other;
    (void)state;
    rig_show(rig, &ours, 20, 1);
    rig_block_at(rig, &other, 15, 20, 5, &rig->set, 2, FEW);
    rig_header(rig, 1, &other);
    assert_int_equal(rig->bans, 1);
    rig_header(rig, 1, &ours);
    assert_int_equal(rig_log(rig).proven, 1);
    rig_free(rig);
}

static void test_witness__contradiction_in_time_that_strangers_signed_is_nothing(void **state)
{
    struct rig *rig = rig_begun_alone();
    struct rig_bundle ours, other;
    (void)state;
    rig_show(rig, &ours, 20, 1);
    rig_block_at(rig, &other, 15, 20, 5, &rig->other, 2, NULL);
    for (size_t i = 0; i < 20; i++)
        rig_header(rig, 1, &other);
    assert_int_equal(rig->kept, 1); /* not judged again and again */
    rig_header(rig, 1, &ours);
    assert_int_equal(rig_log(rig).proven, 1);
    assert_string_equal(rig_trust(rig).attack, "none");
    rig_free(rig);
}

/* The oldest header here has nothing before it from which both would follow. */
static void test_witness__header_from_before_the_first_one_is_not_judged(void **state)
{
    struct rig *rig = rig_begun_alone();
    struct rig_bundle ours, other;
    (void)state;
    rig_block_at(rig, &other, 12, 9, 0, &rig->set, 2, NULL);
    rig_header(rig, 1, &other);
    rig_show(rig, &ours, 20, 1);
    rig_header(rig, 1, &ours);
    assert_int_equal(rig_log(rig).proven, 1);
    assert_int_equal(rig->bans, 0);
    rig_free(rig);
}

/* Evidence of the source that serves: below what is trusted, and not earlier; above, and not later. */
static void test_witness__evidence_may_show_it_too(void **state)
{
    struct rig *rig = rig_begun_alone();
    struct rig_bundle ours, other;
    (void)state;
    rig_show(rig, &ours, 20, 1);
    rig_header(rig, 1, &ours);
    rig_block_at(rig, &other, 15, 21, 0, &rig->set, 2, NULL);
    rig_records(rig, 0, 2, 2);
    rig_evidence(rig, 0, &other, 2);
    assert_string_equal(rig_trust(rig).attack, "time");
    assert_int_equal(rig_log(rig).proven, 1);
    rig_free(rig);
    rig = rig_begun_alone();
    rig_show(rig, &ours, 20, 1);
    rig_header(rig, 1, &ours);
    rig_block_at(rig, &other, 25, 19, 0, &rig->set, 2, NULL);
    rig_records(rig, 0, 2, 2);
    rig_evidence(rig, 0, &other, 2);
    assert_string_equal(rig_trust(rig).attack, "time");
    assert_int_equal(rig->bans, 0);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_witness__who_spoke_before_is_not_waited_for),
        cmocka_unit_test(test_witness__fact_waits_for_the_other_sources_word_and_no_longer),
        cmocka_unit_test(test_witness__one_that_is_silent_costs_the_bound_once),
        cmocka_unit_test(test_witness__one_that_is_far_behind_costs_the_bound_once),
        cmocka_unit_test(test_witness__one_that_goes_down_is_not_waited_for),
        cmocka_unit_test(test_witness__fact_that_waits_never_counts_when_the_other_header_is_signed_too),
        cmocka_unit_test(test_witness__liar_is_ended_and_the_lane_goes_on),
        cmocka_unit_test(test_witness__one_that_shows_our_header_for_another_hash_is_ended),
        cmocka_unit_test(test_witness__after_a_restart_witnesses_are_heard_anew),
        cmocka_unit_test(test_witness__word_and_disk_may_come_in_either_order),
        cmocka_unit_test(test_witness__older_evidence_waits_for_its_own_header),
        cmocka_unit_test(test_witness__many_facts_wait_together),
        cmocka_unit_test(test_witness__lower_header_that_is_not_earlier_freezes_the_chain),
        cmocka_unit_test(test_witness__higher_header_that_is_not_later_freezes_the_chain),
        cmocka_unit_test(test_witness__times_that_ascend_are_no_attack),
        cmocka_unit_test(test_witness__contradiction_in_time_that_nobody_signed_costs_who_shows_it),
        cmocka_unit_test(test_witness__contradiction_in_time_that_strangers_signed_is_nothing),
        cmocka_unit_test(test_witness__header_from_before_the_first_one_is_not_judged),
        cmocka_unit_test(test_witness__evidence_may_show_it_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
