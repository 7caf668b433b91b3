/* Two sides, seven relays, four lanes: what a network promises when nothing is wrong with it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_message_each_way_is_delivered_and_settled),
        cmocka_unit_test(large_messages_fill_a_call_and_no_more),
        cmocka_unit_test(a_thousand_messages_a_lane_are_delivered_once_in_order_and_leave_nothing_behind),
        cmocka_unit_test(a_thousand_messages_in_one_block_are_delivered_in_steps_of_256),
        cmocka_unit_test(lost_frames_delay_and_lose_nothing),
        cmocka_unit_test(the_same_events_give_the_same_actions_bit_for_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
