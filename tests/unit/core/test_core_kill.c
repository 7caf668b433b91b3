/* Relays that die, are cut off, or join late: nothing is lost, nothing happens twice, and who was away catches up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/core/scene.h"

static void relays_are_killed_at_random(uint64_t seed, unsigned kills)
{
    struct world *world = world_new(seed);
    world->loss = 20;
    world_start_all(world);
    for (unsigned i = 0; i < kills; i++) {
        uint16_t relay = (uint16_t)world_random(world, WORLD_RELAYS);
        world_send_all(world, world_random(world, 30));
        world_run(world, 1 + world_random(world, 1700));
        world_kill(world, relay);
        if (world_random(world, 2))
            world_run(world, 1 + world_random(world, 3000));
        world_start(world, relay);
    }
    world_expect(world, world_quiet, 400000);
    world_check_once(world);
    world_check_bounded(world);
    world_free(world);
}

static void relays_killed_at_random_fifty_times_lose_nothing_and_do_nothing_twice(void **state)
{
    (void)state;
    const char *wanted = getenv("ISTHMUS_SEEDS"); /* "100 200": from, to */
    unsigned long from = 1, to = 10;
    if (wanted != NULL && sscanf(wanted, "%lu %lu", &from, &to) != 2)
        fail_msg("ISTHMUS_SEEDS is not two numbers");
    for (uint64_t seed = from; seed <= to; seed++) {
        printf("seed %llu\n", (unsigned long long)seed);
        relays_are_killed_at_random(seed, 50);
    }
}

static void all_relays_killed_at_once_go_on_where_they_were(void **state)
{
    (void)state;
    struct world *world = world_new(11);
    world_start_all(world);
    for (unsigned i = 0; i < 10; i++) {
        world_send_all(world, 40);
        world_run(world, 1000 + world_random(world, 1500));
        for (uint16_t relay = 0; relay < WORLD_RELAYS; relay++)
            world_kill(world, relay);
        for (uint16_t relay = 0; relay < WORLD_RELAYS; relay++)
            world_start(world, relay);
    }
    world_expect(world, world_quiet, 300000);
    world_check_once(world);
    world_check_bounded(world);
    world_free(world);
}

static void cut_off_and_healed(uint16_t relay, uint64_t away)
{
    struct world *world = world_new(20 + relay);
    world_start_all(world);
    world_send_all(world, 30);
    world_run(world, 4700);
    world_send_all(world, 30);
    world_run(world, 2600);
    world_isolate(world, relay, true);
    for (uint64_t end = world->now + away; world->now < end;) {
        world_send_all(world, 40);
        world_run(world, 1500);
    }
    world_isolate(world, relay, false);
    world_send_all(world, 10);
    world_expect(world, world_quiet, 300000);
    world_check_once(world);
    world_check_bounded(world);
    world_free(world);
}

static void a_relay_cut_off_for_a_while_catches_up(void **state)
{
    (void)state;
    for (uint16_t relay = 0; relay < WORLD_RELAYS; relay++) {
        if (relay != WORLD_MIDDLE) {
            printf("relay %u\n", relay);
            cut_off_and_healed(relay, 15000);
        }
    }
}

static void with_the_middle_cut_messages_wait_and_all_arrive_when_it_heals(void **state)
{
    (void)state;
    cut_off_and_healed(WORLD_MIDDLE, 60000);
}

static void joins_late(uint16_t relay)
{
    struct world *world = world_new(30 + relay);
    for (uint16_t i = 0; i < WORLD_RELAYS; i++) {
        if (i != relay)
            world_start(world, i);
    }
    for (uint16_t i = 0; relay == WORLD_MIDDLE && i < WORLD_RELAYS;
         i++) { /* while it is away, the sides talk directly */
        for (uint16_t j = (uint16_t)(i + 1); j < WORLD_RELAYS; j++) {
            if (i < WORLD_MIDDLE && j > WORLD_MIDDLE)
                world->links[world->network.links_len++] = (struct topology_link){i, j};
        }
    }
    for (uint16_t i = 0; relay == WORLD_MIDDLE && i < WORLD_RELAYS; i++) {
        world_kill(world, i);
        if (i != relay)
            world_start(world, i);
    }
    for (unsigned i = 0; i < 10; i++) {
        world_send_all(world, 60);
        world_run(world, 1500);
    }
    world_expect(world, world_quiet, 100000);
    world_send_all(world, 25);
    world_run(world, 3000);
    world_start(world, relay);
    for (unsigned i = 0; i < 5; i++) {
        world_send_all(world, 60);
        world_run(world, 1500);
    }
    world_expect(world, world_quiet, 200000);
    world_check_once(world);
    world_check_bounded(world);
    world_free(world);
}

static void a_destination_relay_that_joins_late_with_an_empty_store_catches_up(void **state)
{
    (void)state;
    joins_late(6);
}

static void a_source_relay_that_joins_late_with_an_empty_store_catches_up(void **state)
{
    (void)state;
    joins_late(0);
}

static void a_middle_relay_that_joins_late_with_an_empty_store_catches_up(void **state)
{
    (void)state;
    joins_late(WORLD_MIDDLE);
}

/* The head at which it can join is older than the newest certified one, which it hears of first. */
static void a_middle_relay_that_lost_its_store_passes_on_what_waited_for_it(void **state)
{
    (void)state;
    for (uint64_t seed = 40; seed < 48; seed++) {
        struct world *world = world_new(seed);
        world_start_all(world);
        world_send_all(world, 60);
        world_expect(world, world_quiet, 100000);
        world_kill(world, WORLD_MIDDLE);
        world_store_clear(world, WORLD_MIDDLE);
        world_send_all(world, 40);
        world_run(world, world_random(world, 6000));
        world_start(world, WORLD_MIDDLE);
        world_run(world, world_random(world, 1000));
        world_send_all(world, 40);
        world_expect(world, world_quiet, 100000);
        world_check_once(world);
        world_check_bounded(world);
        world_free(world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(relays_killed_at_random_fifty_times_lose_nothing_and_do_nothing_twice),
        cmocka_unit_test(all_relays_killed_at_once_go_on_where_they_were),
        cmocka_unit_test(with_the_middle_cut_messages_wait_and_all_arrive_when_it_heals),
        cmocka_unit_test(a_relay_cut_off_for_a_while_catches_up),
        cmocka_unit_test(a_destination_relay_that_joins_late_with_an_empty_store_catches_up),
        cmocka_unit_test(a_source_relay_that_joins_late_with_an_empty_store_catches_up),
        cmocka_unit_test(a_middle_relay_that_joins_late_with_an_empty_store_catches_up),
        cmocka_unit_test(a_middle_relay_that_lost_its_store_passes_on_what_waited_for_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
