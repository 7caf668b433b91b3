/* What a test expects of the world. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/core/scene.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

uint64_t world_counter(const struct world *world, uint16_t relay, enum relay_reason reason)
{
    return relay_core_counter(world->relays[relay].core, reason);
}

void world_check_once(const struct world *world)
{
    for (size_t i = 0; i < WORLD_LANES; i++) {
        const struct model_lane *lane = &world->model.lanes[i];
        bool ordered = world->lanes[i].mode & PROOF_MODE_ORDERED;
        assert_int_equal(lane->order_len, lane->messages.count);
        for (uint64_t n = 1; n <= lane->messages.count; n++) {
            assert_int_equal(lane->executed[n], 1);
            assert_int_equal(lane->status[n], PROOF_OUTCOME_DONE);
            assert_int_equal(lane->settled[n], PROOF_OUTCOME_DONE);
            if (ordered)
                assert_int_equal(lane->order[n - 1], n);
        }
    }
}

bool world_until(struct world *world, world_condition *condition, uint64_t ms)
{
    for (uint64_t end = world->now + ms; world->now < end;) {
        if (condition(world))
            return true;
        world_run(world, 250);
    }
    return condition(world);
}

void world_expect(struct world *world, world_condition *condition, uint64_t ms)
{
    bool reached = world_until(world, condition, ms);
    if (!reached)
        world_print(world);
    assert_true(reached);
}

void world_check_bounded(const struct world *world)
{
    for (uint16_t relay = 0; relay < WORLD_RELAYS; relay++) {
        if (world->relays[relay].core == NULL)
            continue;
        for (uint16_t lane = 0; lane < WORLD_LANES; lane++)
            assert_int_equal(world_rows(world, relay, STORE_SEGMENT, BYTES_OF(world->lanes[lane].logs[0])), 0);
        assert_true(world_rows(world, relay, STORE_HEAD, (struct bytes){NULL, 0}) <= 3 * 3 * WORLD_LOGS);
        assert_int_equal(world->relays[relay].bans, 0);
    }
}
