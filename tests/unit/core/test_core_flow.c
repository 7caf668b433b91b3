/* Two sides, seven relays, four lanes: what a network promises when nothing is wrong with it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/core/replay.h"
#include "tests/unit/core/world.h"

static void send_all(struct world *world, size_t count)
{
    for (uint16_t lane = 0; lane < WORLD_LANES; lane++)
        world_send(world, lane, count, 40 + 10 * lane);
}

static void expect(struct world *world, world_condition *condition, uint64_t ms)
{
    bool reached = world_until(world, condition, ms);
    if (!reached)
        world_print(world);
    assert_true(reached);
}

static void one_message_each_way_is_delivered_and_settled(void **state)
{
    (void)state;
    struct world *world = world_new(1);
    world_start_all(world);
    world_run(world, 2000);
    send_all(world, 1);
    expect(world, world_quiet, 60000);
    world_check_once(world);
    world_free(world);
}

static void check_bounded(const struct world *world)
{
    for (uint16_t relay = 0; relay < WORLD_RELAYS; relay++) {
        assert_int_equal(world_rows(world, relay, STORE_SEGMENT, (struct bytes){NULL, 0}), 0);
        assert_true(world_rows(world, relay, STORE_HEAD, (struct bytes){NULL, 0}) <= 3 * 3 * WORLD_LOGS);
        assert_int_equal(world->relays[relay].bans, 0);
    }
}

/* A thousand on each lane, in bursts over many blocks. */
static void a_thousand_messages_a_lane_are_delivered_once_in_order_and_leave_nothing_behind(void **state)
{
    (void)state;
    struct world *world = world_new(2);
    world_start_all(world);
    for (unsigned i = 0; i < 20; i++) {
        send_all(world, 50);
        world_run(world, 1300);
    }
    expect(world, world_quiet, 120000);
    world_check_once(world);
    check_bounded(world);
    assert_int_equal(world->model.rejected, 0);
    world_free(world);
}

static void a_thousand_messages_in_one_block_are_delivered_in_steps_of_256(void **state)
{
    (void)state;
    struct world *world = world_new(3);
    world_start_all(world);
    world_run(world, 3000);
    send_all(world, 1000);
    expect(world, world_quiet, 120000);
    world_check_once(world);
    check_bounded(world);
    world_free(world);
}

static void lost_frames_delay_and_lose_nothing(void **state)
{
    (void)state;
    struct world *world = world_new(4);
    world->loss = 300;
    world_start_all(world);
    for (unsigned i = 0; i < 10; i++) {
        send_all(world, 50);
        world_run(world, 1700);
    }
    expect(world, world_quiet, 300000);
    world_check_once(world);
    check_bounded(world);
    world_free(world);
}

static void the_same_events_give_the_same_actions_bit_for_bit(void **state)
{
    (void)state;
    struct world *world = world_new(5);
    for (size_t i = 0; i < WORLD_RELAYS; i++)
        world->relays[i].record = replay_new();
    world->loss = 50;
    world_start_all(world);
    for (unsigned i = 0; i < 5; i++) {
        send_all(world, 60);
        world_run(world, 2100);
    }
    expect(world, world_quiet, 300000);
    for (size_t i = 0; i < WORLD_RELAYS; i++) {
        size_t steps;
        assert_true(replay_run(world->relays[i].record, &steps) == steps);
        assert_true(steps > 500);
    }
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_message_each_way_is_delivered_and_settled),
        cmocka_unit_test(a_thousand_messages_a_lane_are_delivered_once_in_order_and_leave_nothing_behind),
        cmocka_unit_test(a_thousand_messages_in_one_block_are_delivered_in_steps_of_256),
        cmocka_unit_test(lost_frames_delay_and_lose_nothing),
        cmocka_unit_test(the_same_events_give_the_same_actions_bit_for_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
