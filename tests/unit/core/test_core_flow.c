/* Two sides, seven relays, four lanes: what a network promises when nothing is wrong with it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/core/replay.h"
#include "tests/unit/core/scene.h"

static void one_message_each_way_is_delivered_and_settled(void **state)
{
    (void)state;
    struct world *world = world_new(1);
    world_start_all(world);
    world_run(world, 2000);
    world_send_all(world, 1);
    world_expect(world, world_quiet, 60000);
    world_check_once(world);
    world_free(world);
}

/* A node's pool takes transactions of 128 KiB; the ABI adds up to 95 bytes a record, the certificate some hundred a signer. */
static void large_messages_fill_a_call_and_no_more(void **state)
{
    (void)state;
    struct world *world = world_new(7);
    world_start_all(world);
    world_run(world, 2000);
    for (uint16_t lane = 0; lane < world->network.lanes_len; lane++)
        world_send(world, lane, 60, 8000);
    world_expect(world, world_quiet, 300000);
    world_check_once(world);
    assert_in_range(world->model.largest_call, 12 * 8000, (128 << 10) - 2048);
    world_free(world);
}

/* A thousand on each lane, in bursts over many blocks. */
static void a_thousand_messages_a_lane_are_delivered_once_in_order_and_leave_nothing_behind(void **state)
{
    (void)state;
    struct world *world = world_new(2);
    world_start_all(world);
    for (unsigned i = 0; i < 20; i++) {
        world_send_all(world, 50);
        world_run(world, 1300);
    }
    world_expect(world, world_quiet, 120000);
    world_check_once(world);
    world_check_bounded(world);
    assert_int_equal(world->model.rejected, 0);
    world_free(world);
}

static void a_thousand_messages_in_one_block_are_delivered_in_steps_of_256(void **state)
{
    (void)state;
    struct world *world = world_new(3);
    world_start_all(world);
    world_run(world, 3000);
    world_send_all(world, 1000);
    world_expect(world, world_quiet, 120000);
    world_check_once(world);
    world_check_bounded(world);
    world_free(world);
}

static void lost_frames_delay_and_lose_nothing(void **state)
{
    (void)state;
    struct world *world = world_new(4);
    world->loss = 300;
    world_start_all(world);
    for (unsigned i = 0; i < 10; i++) {
        world_send_all(world, 50);
        world_run(world, 1700);
    }
    world_expect(world, world_quiet, 300000);
    world_check_once(world);
    world_check_bounded(world);
    world_free(world);
}

static void the_same_events_give_the_same_actions_bit_for_bit(void **state)
{
    (void)state;
    struct world *world = world_new(5);
    struct world_record *records[WORLD_RELAYS];
    for (size_t i = 0; i < WORLD_RELAYS; i++)
        records[i] = replay_new();
    world->watcher = replay_watcher(records);
    world->loss = 50;
    world_start_all(world);
    for (unsigned i = 0; i < 5; i++) {
        world_send_all(world, 60);
        world_run(world, 2100);
    }
    world_expect(world, world_quiet, 300000);
    for (size_t i = 0; i < WORLD_RELAYS; i++) {
        size_t steps;
        assert_true(replay_run(records[i], &steps) == steps);
        assert_true(steps > 500);
        replay_free(records[i]);
    }
    world->watcher = (struct world_watcher){0};
    world_free(world);
}

/* Heads at `number` of two operators, which are a certificate, and the records from `from` on that lead there. */
static void certified_feed(struct world *world, uint16_t to, uint64_t from, uint64_t number)
{
    const struct model_log *messages = &world->model.lanes[WORLD_EASTWARD].messages;
    struct proof_head head = world_head(world, WORLD_EASTWARD, number);
    struct proof_item range = {.type = PROOF_ITEM_RANGE,
                               .range = {.from = from,
                                         .count = (uint16_t)(number - from + 1),
                                         .records = model_records(messages, from, number)}};
    struct codec_pack items;
    memcpy(range.range.log, head.log, 32);
    memcpy(range.range.before, from > 1 ? messages->entries[from - 2].running : head.log, 32);
    codec_pack_init(&items, 1 << 16);
    world_attest(world, 1, &items, &head, 1);
    world_attest(world, 2, &items, &head, 1);
    assert_true(proof_item_write(&items, &range));
    world_frame(world, to, WORLD_MIDDLE, 0, &items, 3);
    codec_pack_fini(&items);
}

static bool submits(struct world *world, uint16_t *relay)
{
    for (*relay = WORLD_MIDDLE + 1; *relay < WORLD_RELAYS; ++*relay) {
        if (world_view(world, *relay, WORLD_EASTWARD, PROOF_LOG_MESSAGE).cause == RELAY_CAUSE_SUBMITTING)
            return true;
    }
    return false;
}

/* A certificate for more comes while the records are read: the delivery that was begun goes on with the one that it has. */
static void the_head_of_a_delivery_stays_until_it_is_submitted(void **state)
{
    (void)state;
    uint16_t relay;
    struct world *world = world_silent(77);
    for (relay = WORLD_MIDDLE + 1; relay < WORLD_RELAYS; relay++)
        certified_feed(world, relay, 1, 10);
    for (uint64_t end = world->now + 20000; !submits(world, &relay) && world_step(world, end);)
        ;
    assert_true(submits(world, &relay));
    assert_int_equal(world_counter(world, relay, RELAY_REASON_SUBMITTED), 0);
    certified_feed(world, relay, 11, 20);
    world_run(world, 500);
    assert_int_equal(world_counter(world, relay, RELAY_REASON_SUBMITTED), 1);
    world_free(world);
}

/* A position is told when it changes: that of a source in whose place another one told is asked for. */
static void when_the_source_that_submits_fails_another_one_takes_its_place_at_once(void **state)
{
    (void)state;
    for (uint16_t fails = 0; fails < WORLD_SOURCES; fails++) {
        struct world *world = world_new(78);
        world->sources[1][1].submits = true;
        world_start_all(world);
        world_run(world, 3000);
        for (uint16_t relay = WORLD_MIDDLE + 1; relay < WORLD_RELAYS; relay++)
            world_source_down(world, relay, fails, true);
        world_send(world, WORLD_EASTWARD, 20, 33);
        world_expect(world, world_delivered, 60000);
        world_free(world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_message_each_way_is_delivered_and_settled),
        cmocka_unit_test(large_messages_fill_a_call_and_no_more),
        cmocka_unit_test(a_thousand_messages_a_lane_are_delivered_once_in_order_and_leave_nothing_behind),
        cmocka_unit_test(a_thousand_messages_in_one_block_are_delivered_in_steps_of_256),
        cmocka_unit_test(lost_frames_delay_and_lose_nothing),
        cmocka_unit_test(the_same_events_give_the_same_actions_bit_for_bit),
        cmocka_unit_test(the_head_of_a_delivery_stays_until_it_is_submitted),
        cmocka_unit_test(when_the_source_that_submits_fails_another_one_takes_its_place_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
