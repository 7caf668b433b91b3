/*
 * Facts that wait for witnesses, when time does not go evenly: disks that stall, clocks that jump, witnesses that lag.
 */
#include "tests/unit/core/light_rig.h"

#include <stdlib.h>
#include <string.h>

/* The disk stalls for the whole bound: the witness was asked once, before it had the block. */
static void test_review__disk_that_stalls_does_not_use_up_the_time_of_witnesses(void **state)
{
    struct rig *rig = rig_begun_alone();
    struct rig_bundle bundle;
    (void)state;
    rig->slow = true;
    rig_show(rig, &bundle, 20, 1);
    rig->asks_len = 0;
    rig_run(rig, RIG_BOUND_MS + 500);
    assert_true(rig_asked(rig, 20)); /* again */
    rig_header(rig, 1, &bundle);
    assert_int_equal(rig_log(rig).proven, 0);
    rig_commit(rig);
    assert_int_equal(rig_counted(rig, RELAY_REASON_WITNESS_SILENT), 0);
    assert_int_equal(rig_log(rig).proven, 1);
    rig_free(rig);
}

/* A process that stood still: what the witness said lies unread in its pipe while the clock has gone on. */
static void test_review__jump_of_the_clock_is_not_the_witness_silence(void **state)
{
    struct rig *rig = rig_begun_alone();
    struct rig_bundle bundle;
    (void)state;
    rig_show(rig, &bundle, 20, 1);
    rig_run(rig, 200);
    rig->now += 60000;
    rig_run(rig, RIG_STEP_MS);
    assert_int_equal(rig_counted(rig, RELAY_REASON_WITNESS_SILENT), 0);
    assert_int_equal(rig_log(rig).proven, 0);
    rig_header(rig, 1, &bundle);
    assert_int_equal(rig_log(rig).proven, 1);
    rig_free(rig);
}

/* Facts one behind the other: the later one's header is asked about while the first one waits. */
static void test_review__facts_behind_the_first_are_asked_about(void **state)
{
    struct rig *rig = rig_begun_alone();
    struct rig_bundle bundle;
    (void)state;
    rig_show(rig, &bundle, 20, 1);
    rig_run(rig, 100);
    rig_show(rig, &bundle, 21, 2);
    rig_run(rig, 1000);
    rig->asks_len = 0;
    rig_run(rig, 1000);
    assert_true(rig_asked(rig, 21));
    rig_free(rig);
}

/* A node that is six seconds behind, always: it says each header, and each too late to be of use. */
static void test_review__witness_that_lags_costs_the_bound_once(void **state)
{
    struct rig *rig = rig_begun_alone();
    struct rig_bundle bundle;
    (void)state;
    for (uint64_t i = 0; i < 4; i++) {
        rig_show(rig, &bundle, 20 + i, 1 + i);
        uint64_t took = rig_until_proven(rig, 1 + i);
        assert_int_equal(rig_log(rig).proven, 1 + i);
        if (i > 0)
            assert_true(took < RIG_STEP_MS);
        rig_run(rig, 6000 - took);
        rig_header(rig, 1, &bundle);
        rig_run(rig, 1000);
        rig->asks_len = 0;
    }
    assert_int_equal(rig_counted(rig, RELAY_REASON_WITNESS_SILENT), 1);
    rig_free(rig);
}

/* Evidence is let go, its records come again bit by bit, and what waited counts in between: nobody's fault. */
static void test_review__records_on_their_way_again_are_nobodys_fault(void **state)
{
    struct rig *rig = rig_begun_alone();
    struct rig_bundle bundle, old;
    size_t subscribes = rig->subscribes;
    (void)state;
    rig_block(rig, &old, RIG_FIRST - 1, &rig->set, &rig->set, 4, NULL);
    for (uint64_t i = 0; i < 4; i++) {
        rig_block(rig, &bundle, 20 + i, &rig->set, &rig->set, 4, NULL);
        rig_records(rig, 0, 1, 4);
        rig_evidence(rig, 0, &bundle, 4);
        rig_run(rig, 100);
        rig_evidence(rig, 0, &old, 4); /* below all that is remembered: let go, and asked for again */
        rig_records(rig, 0, 1, 2);
        rig_run(rig, 100);
        rig_header(rig, 1, &bundle);
        rig_run(rig, 1200);
        rig->asks_len = 0;
    }
    assert_int_equal(rig_counted(rig, RELAY_REASON_RECORDS_MISSING), 0);
    assert_int_equal(rig_counted(rig, RELAY_REASON_SOURCE_FAILOVER), 0);
    assert_int_equal(rig->subscribes, subscribes);
    rig_free(rig);
}

/* It waits, its source is replaced, and only then does the witness speak: what the new source sends is not thrown away. */
static void test_review__fact_of_a_source_that_was_replaced(void **state)
{
    struct rig *rig = rig_begun_alone();
    struct rig_bundle bundle;
    (void)state;
    rig_show(rig, &bundle, 20, 4);
    rig_run(rig, 100);
    rig_source(rig, 0, false);
    rig_records(rig, 1, 1, 2);
    rig_header(rig, 1, &bundle);
    assert_int_equal(rig_counted(rig, RELAY_REASON_RECORDS_MISSING), 0);
    rig_records(rig, 1, 3, 4);
    rig_evidence(rig, 1, &bundle, 4);
    rig_run(rig, RIG_BOUND_MS);
    assert_int_equal(rig_log(rig).proven, 4);
    assert_int_equal(rig->bans, 0);
    rig_free(rig);
}

static void test_review__fact_whose_trust_expired_meanwhile_never_counts(void **state)
{
    struct rig *rig = rig_begun_alone();
    struct rig_bundle bundle;
    (void)state;
    rig_show(rig, &bundle, 20, 1);
    rig_run(rig, 1000);
    rig->unix_time += 200 * 1000;
    rig_run(rig, RIG_STEP_MS);
    rig_header(rig, 1, &bundle);
    rig_run(rig, RIG_BOUND_MS + 1000);
    assert_int_equal(rig_log(rig).proven, 0);
    assert_int_equal(rig_log(rig).cause, RELAY_CAUSE_TRUST);
    rig_free(rig);
}

/* A source shows, for one height, headers of strangers without end: each is judged and kept once, not as often as it is said. */
static void test_review__other_header_of_one_height_is_judged_once(void **state)
{
    struct rig *rig = rig_begun_alone();
    struct rig_bundle bundle, other;
    (void)state;
    rig_show(rig, &bundle, 20, 1);
    for (uint64_t i = 0; i < 20; i++) {
        rig_block_at(rig, &other, 20, 20, (int32_t)(100 + i), &rig->other, 2, NULL);
        rig_header(rig, 1, &other);
    }
    assert_int_equal(rig_log(rig).cause, RELAY_CAUSE_SOURCES_DISAGREE);
    assert_true(rig->kept <= 2);
    rig_free(rig);
}

/* Strangers' headers of far ahead, which other sources' true ones never reach in time: they hold the queue up once a minute. */
static void test_review__far_headers_of_one_source_do_not_hold_the_queue_up_for_ever(void **state)
{
    struct rig *rig = rig_begun_alone();
    struct rig_bundle bundle, far;
    (void)state;
    rig_show(rig, &bundle, 20, 1);
    rig_header(rig, 1, &bundle);
    rig_block_at(rig, &far, 40, 31, 0, &rig->other, 0, NULL);
    rig_header(rig, 1, &far);
    assert_true(rig_asked(rig, 30));
    rig_block_at(rig, &bundle, 30, 31, 1, &rig->set, 1, NULL); /* later than the one of 40 */
    rig_header(rig, 0, &bundle);
    assert_int_equal(rig_trusted(rig), 30);
    rig_block_at(rig, &far, 50, 31, 9, &rig->other, 0, NULL);
    rig_header(rig, 1, &far);
    assert_false(rig_asked(rig, 40));
    rig_block_at(rig, &bundle, 31, 31, 2, &rig->set, 2, NULL);
    rig_header(rig, 1, &bundle);
    rig_records(rig, 0, 2, 2);
    rig_evidence(rig, 0, &bundle, 2);
    assert_int_equal(rig_log(rig).proven, 2);
    rig_run(rig, 60000);
    rig_header(rig, 1, &far);
    assert_true(rig_asked(rig, 40)); /* perhaps it is our trust that is behind */
    rig_free(rig);
}

/* After a restart one source is there before the other: the first one is not alone for that. */
static void test_review__source_that_is_not_there_yet_after_a_restart_is_a_witness(void **state)
{
    struct rig *rig = rig_begun_alone();
    struct rig_bundle bundle;
    (void)state;
    rig->away[1] = true;
    rig_restart(rig, false);
    rig_show(rig, &bundle, 20, 1);
    rig_run(rig, 1000);
    assert_int_equal(rig_log(rig).proven, 0);
    rig_source(rig, 1, true);
    rig_header(rig, 1, &bundle);
    assert_int_equal(rig_log(rig).proven, 1);
    rig_restart(rig, false); /* and now it does not come */
    rig_show(rig, &bundle, 21, 2);
    uint64_t took = rig_until_proven(rig, 2);
    assert_true(took >= RIG_BOUND_MS - RIG_STEP_MS && took <= RIG_BOUND_MS + RIG_STEP_MS);
    rig_show(rig, &bundle, 22, 3);
    assert_int_equal(rig_log(rig).proven, 3); /* once */
    rig_free(rig);
}

/* One that contests a trusted header, and cannot be judged, goes on with its own chain: nothing of it follows from what it contests, and
 * ending it for that would leave this relay with the other one alone. */
static void test_review__source_that_contests_a_header_is_not_ended_for_what_comes_after_it(void **state)
{
    struct rig *rig = rig_begun_alone();
    struct rig_bundle bundle, other;
    (void)state;
    rig_show(rig, &bundle, 20, 1);
    rig_block(rig, &other, 20, &rig->other, &rig->other, 2, NULL);
    rig_header(rig, 1, &other);
    assert_int_equal(rig_log(rig).cause, RELAY_CAUSE_SOURCES_DISAGREE);
    rig_show(rig, &bundle, 21, 1);
    assert_int_equal(rig_trusted(rig), 21);
    rig_run(rig, 60000);
    rig_block(rig, &other, 21, &rig->other, &rig->other, 2, NULL);
    rig_header(rig, 1, &other); /* of a height that is trusted here */
    rig_block_at(rig, &other, 22, 20, 5, &rig->other, 2, NULL);
    rig_run(rig, 60000);
    rig_header(rig, 1, &other); /* not later than one that is */
    rig_block(rig, &other, 24, &rig->other, &rig->other, 2, NULL);
    rig_header(rig, 1, &other); /* ahead of the source that serves */
    rig_run(rig, 20000);
    rig_block(rig, &other, 22, &rig->other, &rig->other, 2, NULL);
    rig_header(rig, 1, &other);
    rig_run(rig, 60000);
    assert_int_equal(rig->bans, 0);
    assert_int_equal(rig_log(rig).proven, 0);
    assert_int_equal(rig_log(rig).cause, RELAY_CAUSE_SOURCES_DISAGREE);
    rig_free(rig);
}

/* The second source has a header of far ahead trusted that the serving one has not got yet; the serving one goes on with its own
 * chain, and is ended before it was ever heard on that header. */
static void test_review__source_is_not_ended_by_a_header_that_it_was_not_heard_on(void **state)
{
    struct rig *rig = rig_begun_alone();
    struct rig_bundle bundle;
    (void)state;
    rig->quiet[0] = true;
    rig_block(rig, &bundle, 12, &rig->set, &rig->set, 0, NULL);
    rig_header(rig, 0, &bundle);
    rig_block(rig, &bundle, 23, &rig->set, &rig->set, 1, NULL); /* forged */
    rig_header(rig, 1, &bundle);
    assert_int_equal(rig_trusted(rig), 23);
    rig_block(rig, &bundle, 24, &rig->other, &rig->other, 2, NULL); /* true, of the set that the true 23 announced */
    rig_records(rig, 0, 1, 2);
    rig_evidence(rig, 0, &bundle, 2);
    assert_int_equal(rig->bans, 0);
    assert_true(rig_asked(rig, 23)); /* again, and now it has it */
    rig_block(rig, &bundle, 23, &rig->other, &rig->other, 1, NULL);
    rig_header(rig, 0, &bundle);
    assert_int_equal(rig_log(rig).cause, RELAY_CAUSE_SOURCES_DISAGREE);
    assert_int_equal(rig->bans, 0);
    rig_free(rig);
}

/* One that was, pays at once. */
static void test_review__source_that_said_the_header_before_is_ended_for_another_set(void **state)
{
    struct rig *rig = rig_begun_alone();
    struct rig_bundle bundle;
    (void)state;
    rig_block(rig, &bundle, 12, &rig->set, &rig->set, 1, NULL);
    rig_records(rig, 0, 1, 1);
    rig_evidence(rig, 0, &bundle, 1);
    rig_block(rig, &bundle, 13, &rig->other, &rig->other, 1, NULL);
    rig_evidence(rig, 0, &bundle, 1);
    assert_int_equal(rig->bans, 1);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_review__disk_that_stalls_does_not_use_up_the_time_of_witnesses),
        cmocka_unit_test(test_review__jump_of_the_clock_is_not_the_witness_silence),
        cmocka_unit_test(test_review__facts_behind_the_first_are_asked_about),
        cmocka_unit_test(test_review__witness_that_lags_costs_the_bound_once),
        cmocka_unit_test(test_review__records_on_their_way_again_are_nobodys_fault),
        cmocka_unit_test(test_review__fact_of_a_source_that_was_replaced),
        cmocka_unit_test(test_review__fact_whose_trust_expired_meanwhile_never_counts),
        cmocka_unit_test(test_review__other_header_of_one_height_is_judged_once),
        cmocka_unit_test(test_review__far_headers_of_one_source_do_not_hold_the_queue_up_for_ever),
        cmocka_unit_test(test_review__source_that_is_not_there_yet_after_a_restart_is_a_witness),
        cmocka_unit_test(test_review__source_that_contests_a_header_is_not_ended_for_what_comes_after_it),
        cmocka_unit_test(test_review__source_is_not_ended_by_a_header_that_it_was_not_heard_on),
        cmocka_unit_test(test_review__source_that_said_the_header_before_is_ended_for_another_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
