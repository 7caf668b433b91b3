/* A guard and a store that were lost, or restored from an old copy: never a second word (DESIGN section 5). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proofs/codec/hex.h"
#include "relay/core/parts.h"
#include "tests/unit/core/scene.h"

enum { LOST = 0 /* the relay whose operator has bad luck; it attests what leaves the west */ };

/* What last night's copy holds of a relay. */
struct backup {
    struct store *store;
    struct world_guard guards[WORLD_LOGS];
};

static struct backup backup_make(const struct world *world)
{
    struct backup backup = {.store = world_store_copy(world, LOST)};
    memcpy(backup.guards, world->relays[LOST].guards, sizeof(backup.guards));
    return backup;
}

static void backup_restore(struct world *world, const struct backup *backup)
{
    world_store_clear(world, LOST);
    world->relays[LOST].disk.store = backup->store;
    memcpy(world->relays[LOST].guards, backup->guards, sizeof(backup->guards));
}

static void everything_lost(struct world *world)
{
    world_store_clear(world, LOST);
    memset(world->relays[LOST].guards, 0, sizeof(world->relays[LOST].guards));
}

/* The operator names the heads that peers show; the signer starts again. */
static void adopt(struct world *world)
{
    for (uint16_t watch = 0; watch < WORLD_LOGS; watch++) {
        struct world_guard *guard = &world->relays[LOST].guards[watch];
        uint16_t lane = watch / 3, kind = watch % 3 + 1;
        struct relay_log_view view = world_view(world, LOST, lane, (uint8_t)kind);
        if (view.attested > guard->number) {
            guard->number = view.attested;
            const struct model_log *log =
                model_log_of(&world->model, lane, kind == PROOF_LOG_SETTLEMENT ? PROOF_LOG_OUTCOME : (uint8_t)kind);
            memcpy(guard->running, log->entries[view.attested - 1].running, 32);
        }
    }
    world_signer_down(world, LOST, true);
    world_signer_down(world, LOST, false);
}

/* The alarm names which log it is about, and the head, as `-x guard` takes it: nobody has to search for it. */
static void says_what_to_adopt(const struct world *world)
{
    for (uint16_t watch = 0; watch < WORLD_LOGS; watch++) {
        char head[256], id[65], digits[65];
        uint16_t lane = watch / 3, kind = watch % 3 + 1;
        struct relay_log_view view = world_view(world, LOST, lane, (uint8_t)kind);
        const struct model_log *log =
            model_log_of(&world->model, lane, kind == PROOF_LOG_SETTLEMENT ? PROOF_LOG_OUTCOME : (uint8_t)kind);
        codec_hex_encode(id, BYTES_OF(view.id));
        if (view.attested == 0 || strstr(world->noted, id) == NULL)
            continue;
        codec_hex_encode(digits, BYTES_OF(log->entries[view.attested - 1].running));
        snprintf(head, sizeof(head), "%s:%llu:%s", id, (unsigned long long)view.attested, digits);
        assert_non_null(strstr(world->noted, head));
        snprintf(head, sizeof(head), "%s log: ", proof_log_kind_name((enum proof_log_kind)kind));
        assert_memory_equal(world->noted, head, strlen(head));
        return;
    }
    fail_msg("no log: %s", world->noted);
}

/* From here on the signer of the unlucky relay must say nothing, and the others carry the lanes; then it is mended. */
static void stays_silent_until_adopted(struct world *world)
{
    uint64_t guard = world->relays[LOST].guards[0].number;
    world->watched = relay_reason_text(RELAY_REASON_SIGNER_BEHIND);
    world_start(world, LOST);
    world_run(world, 15000);
    world_send_all(world, 40);
    world_expect(world, world_settled, 60000);
    assert_int_equal(world->relays[LOST].guards[0].number, guard);
    assert_true(world_counter(world, LOST, RELAY_REASON_SIGNER_BEHIND) > 0);
    assert_int_equal(world_view(world, LOST, WORLD_EASTWARD, 1).cause, RELAY_CAUSE_SIGNER);
    says_what_to_adopt(world);
    adopt(world);
    world_send_all(world, 40);
    world_expect(world, world_quiet, 120000);
    assert_int_equal(world->relays[LOST].guards[0].number, 120);
    assert_int_equal(world_counter(world, LOST, RELAY_REASON_EQUIVOCATION), 0);
    world_check_once(world);
}

static void guard_and_store_lost_together_sign_nothing_until_a_head_is_adopted(void **state)
{
    (void)state;
    struct world *world = world_new(61);
    world_start_all(world);
    world_send_all(world, 40);
    world_expect(world, world_quiet, 60000);
    world_kill(world, LOST);
    everything_lost(world);
    stays_silent_until_adopted(world);
    world_free(world);
}

static void guard_and_store_of_the_same_old_copy_sign_nothing_until_a_head_is_adopted(void **state)
{
    (void)state;
    struct world *world = world_new(62);
    world_start_all(world);
    world_send_all(world, 15);
    world_expect(world, world_quiet, 60000);
    struct backup backup = backup_make(world);
    world_send_all(world, 25);
    world_expect(world, world_quiet, 60000);
    world_kill(world, LOST);
    backup_restore(world, &backup);
    stays_silent_until_adopted(world);
    world_free(world);
}

static void a_guard_lost_alone_is_told_with_the_head_that_the_store_has(void **state)
{
    (void)state;
    struct world *world = world_new(67);
    world_start_all(world);
    world_send_all(world, 40);
    world_expect(world, world_quiet, 60000);
    world_kill(world, LOST);
    memset(world->relays[LOST].guards, 0, sizeof(world->relays[LOST].guards));
    world->watched = relay_reason_text(RELAY_REASON_SIGNER_BEHIND);
    world_isolate(world, LOST, true); /* no peer shows it */
    world_start(world, LOST);
    world_run(world, 5000);
    assert_true(world_counter(world, LOST, RELAY_REASON_SIGNER_BEHIND) > 0);
    says_what_to_adopt(world);
    world_isolate(world, LOST, false);
    adopt(world);
    world_send_all(world, 40);
    world_expect(world, world_quiet, 120000);
    assert_int_equal(world->relays[LOST].guards[0].number, 80);
    world_check_once(world);
    world_free(world);
}

/* Only the store is old: the guard knows every word, so there is nothing to adopt. */
static void an_old_store_beside_a_whole_guard_goes_on_by_itself(void **state)
{
    (void)state;
    struct world *world = world_new(63);
    world_start_all(world);
    world_send_all(world, 40);
    world_expect(world, world_quiet, 60000);
    world_kill(world, LOST);
    world_store_clear(world, LOST);
    world_start(world, LOST);
    world_send_all(world, 40);
    world_expect(world, world_settled, 60000);
    world_run(world, 5000);
    assert_int_equal(world_counter(world, LOST, RELAY_REASON_SIGNER_BEHIND), 0);
    assert_int_equal(world->relays[LOST].guards[0].number, 80);
    world_check_once(world);
    world_free(world);
}

static void a_relay_that_starts_cut_off_signs_nothing_before_it_has_heard_a_peer(void **state)
{
    (void)state;
    struct world *world = world_new(64);
    world_start_all(world);
    world_send_all(world, 40);
    world_expect(world, world_quiet, 60000);
    world_kill(world, LOST);
    everything_lost(world);
    world_isolate(world, LOST, true);
    world_start(world, LOST);
    world_run(world, 8000);
    assert_int_equal(world->relays[LOST].guards[0].number, 0);
    assert_int_equal(world_view(world, LOST, WORLD_EASTWARD, 1).cause, RELAY_CAUSE_HEARING);
    world_isolate(world, LOST, false);
    world_run(world, 3000);
    world_send_all(world, 5);
    world_run(world, 30000);
    assert_int_equal(world->relays[LOST].guards[0].number, 0); /* now it knows that it signed */
    assert_true(world_counter(world, LOST, RELAY_REASON_SIGNER_BEHIND) > 0);
    assert_int_equal(world_counter(world, LOST, RELAY_REASON_SIGNER_UNHEARD), 0);
    world_free(world);
}

/* What others certified and its own proof does not reach may be a chain other than the one that its sources show. */
static void a_relay_that_starts_signs_nothing_below_what_others_certified(void **state)
{
    (void)state;
    struct world *world = world_new(67);
    world_signer_down(world, LOST, true);
    world_start_all(world);
    world_send_all(world, 40);
    world_expect(world, world_settled, 60000);
    world_kill(world, LOST);
    everything_lost(world);
    world->relays[LOST].signer_down = false; /* with its relay */
    world_isolate(world, LOST, true);
    world_start(world, LOST);
    world_run(world, 3000);
    assert_int_equal(world_view(world, LOST, WORLD_EASTWARD, 1).proven, 40);
    for (uint16_t source = 0; source < WORLD_SOURCES; source++)
        world_source_down(world, LOST, source, true);
    world_send_all(world, 5);
    world_run(world, 5000);
    world_isolate(world, LOST, false);
    world_run(world, 20000);
    assert_int_equal(world_view(world, LOST, WORLD_EASTWARD, 1).certified, 45);
    assert_int_equal(world->relays[LOST].guards[0].number, 0);
    for (uint16_t source = 0; source < WORLD_SOURCES; source++)
        world_source_down(world, LOST, source, false);
    world_run(world, 20000);
    assert_int_equal(world->relays[LOST].guards[0].number, 45);
    world_check_once(world);
    world_free(world);
}

/* Without a quorum in reach a signature is of no use: it waits however long, and then everything moves. */
static void a_network_whose_peers_are_silent_waits_for_them(void **state)
{
    (void)state;
    struct world *world = world_new(68);
    for (uint16_t relay = 0; relay < WORLD_RELAYS; relay++)
        world_isolate(world, relay, true);
    world_start_all(world);
    world_send_all(world, 10);
    world_run(world, 300000);
    assert_int_equal(world->relays[LOST].guards[0].number, 0);
    assert_int_equal(world_view(world, LOST, WORLD_EASTWARD, 1).cause, RELAY_CAUSE_HEARING);
    for (uint16_t relay = 0; relay < WORLD_RELAYS; relay++)
        world_isolate(world, relay, false);
    world_expect(world, world_quiet, 120000);
    world_check_once(world);
    world_free(world);
}

static void where_one_operator_is_a_quorum_silent_peers_hold_it_up_for_seconds_only(void **state)
{
    (void)state;
    struct world *world = world_new(65);
    world->epochs[0].quorum = world->epochs[1].quorum = 1;
    for (uint16_t relay = 0; relay < WORLD_RELAYS; relay++)
        world_isolate(world, relay, true);
    world_start_all(world);
    world_send_all(world, 10);
    world_run(world, 8000);
    assert_int_equal(world->relays[LOST].guards[0].number, 0);
    assert_int_equal(world_view(world, LOST, WORLD_EASTWARD, 1).cause, RELAY_CAUSE_HEARING);
    world->watched = relay_reason_text(RELAY_REASON_SIGNER_UNHEARD);
    world_run(world, 12000);
    assert_int_equal(world->relays[LOST].guards[0].number, 10);
    assert_true(world_counter(world, LOST, RELAY_REASON_SIGNER_UNHEARD) > 0);
    assert_non_null(
        strstr(world->noted, " log: ")); /* one of three: two lines that only named the lane looked the same */
    for (uint16_t relay = 0; relay < WORLD_RELAYS; relay++)
        world_isolate(world, relay, false);
    world_expect(world, world_quiet, 120000);
    world_check_once(world);
    world_free(world);
}

static void a_relay_without_neighbours_signs_at_once(void **state)
{
    (void)state;
    struct world *world = world_new(66);
    world->network.links_len = 0;
    world_start(world, LOST);
    world_send_all(world, 10);
    world_run(world, 5000);
    assert_int_equal(world->relays[LOST].guards[0].number, 10);
    assert_int_equal(world_counter(world, LOST, RELAY_REASON_SIGNER_UNHEARD), 0);
    world_free(world);
}

/*
 * Others certified more than its window holds while it was away: what they certified last is out of its reach until it has
 * signed its way through what lies before, window by window.
 */
static void a_relay_that_was_away_for_many_windows_signs_again(void **state)
{
    (void)state;
    struct world *world = world_new(69);
    for (uint16_t lane = 0; lane < WORLD_LANES; lane++)
        world->lanes[lane].window = 16 << 10;
    world_start_all(world);
    world_send_all(world, 40);
    world_expect(world, world_quiet, 60000);
    world_kill(world, LOST);
    for (unsigned round = 0; round < 7; round++) {
        world_send_all(world, 40);
        world_expect(world, world_settled, 60000);
    }
    world_start(world, LOST);
    world_expect(world, world_quiet, 300000);
    assert_int_equal(world->relays[LOST].guards[0].number, 320);
    assert_int_equal(world_counter(world, LOST, RELAY_REASON_SIGNER_BEHIND), 0);
    world_check_once(world);
    world_free(world);
}

/* Settled messages stay while the own signer has not signed past them; then they go though newer ones are under way. */
static void what_a_late_signer_held_is_pruned_once_it_has_caught_up(void **state)
{
    (void)state;
    struct world *world = world_new(70);
    const struct core_log *log;
    world_start_all(world);
    world_run(world, 2000);
    world_signer_down(world, LOST, true);
    world_send(world, WORLD_EASTWARD, 40, 40);
    world_expect(world, world_settled, 60000);
    world_run(world, 5000);
    log = &world->relays[LOST].core->logs[WORLD_EASTWARD * 3];
    assert_int_equal(log->settled, 40);
    assert_int_equal(log->base, 0);
    world->calls_wait[1] = true; /* what comes now is certified and stays undelivered */
    world_send(world, WORLD_EASTWARD, 40, 40);
    world_run(world, 10000);
    assert_int_equal(log->certified, 80);
    assert_int_equal(log->settled, 40);
    world_signer_down(world, LOST, false);
    world_run(world, 10000);
    assert_int_equal(log->attested, 80);
    assert_int_equal(log->base, 40);
    world->calls_wait[1] = false;
    world_expect(world, world_quiet, 60000);
    world_check_once(world);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(guard_and_store_lost_together_sign_nothing_until_a_head_is_adopted),
        cmocka_unit_test(guard_and_store_of_the_same_old_copy_sign_nothing_until_a_head_is_adopted),
        cmocka_unit_test(a_guard_lost_alone_is_told_with_the_head_that_the_store_has),
        cmocka_unit_test(an_old_store_beside_a_whole_guard_goes_on_by_itself),
        cmocka_unit_test(what_a_late_signer_held_is_pruned_once_it_has_caught_up),
        cmocka_unit_test(a_relay_that_starts_cut_off_signs_nothing_before_it_has_heard_a_peer),
        cmocka_unit_test(a_relay_that_starts_signs_nothing_below_what_others_certified),
        cmocka_unit_test(a_network_whose_peers_are_silent_waits_for_them),
        cmocka_unit_test(where_one_operator_is_a_quorum_silent_peers_hold_it_up_for_seconds_only),
        cmocka_unit_test(a_relay_without_neighbours_signs_at_once),
        cmocka_unit_test(a_relay_that_was_away_for_many_windows_signs_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
