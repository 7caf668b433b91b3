/* Everything at once, by seeds: kills, cuts, loss, sources and signers that come and go, receivers that fail, small windows,
 * all modes of lanes. At the end all is delivered, settled and pruned, once and in order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/core/scene.h"

static void something_happens(struct world *world)
{
    uint16_t relay = (uint16_t)world_random(world, WORLD_RELAYS), other = (uint16_t)world_random(world, WORLD_RELAYS);
    uint16_t source = (uint16_t)world_random(world, WORLD_SOURCES);
    bool on = world_random(world, 2);
    switch (world_random(world, 7)) {
    case 0: world_kill(world, relay); return;
    case 1:
    case 2:
        if (world->relays[relay].core == NULL)
            world_start(world, relay);
        return;
    case 3: world_cut(world, relay, other, on); return;
    case 4: world_isolate(world, relay, on); return;
    case 5:
        if (relay != WORLD_MIDDLE && world->relays[relay].core != NULL && relay_core_ready(world->relays[relay].core))
            world_source_down(world, relay, source, on);
        return;
    default: /* 6 */
        if (relay != WORLD_MIDDLE && world->relays[relay].core != NULL && relay_core_ready(world->relays[relay].core))
            world_signer_down(world, relay, on);
    }
}

static void all_is_well_again(struct world *world)
{
    world->loss = 0;
    for (uint16_t relay = 0; relay < WORLD_RELAYS; relay++) {
        world_isolate(world, relay, false);
        for (uint16_t source = 0; source < WORLD_SOURCES; source++)
            world->relays[relay].sources[source].down = false;
        world->relays[relay].signer_down = false;
        world_kill(world, relay); /* with all of what was kept down */
        world_start(world, relay);
    }
}

static void chaos(uint64_t seed)
{
    struct world *world = world_new(seed);
    for (uint16_t lane = 0; lane < WORLD_LANES; lane++) {
        world->lanes[lane].mode = (uint8_t)(world_random(world, 4));
        world->lanes[lane].window = (128u << world_random(world, 4)) * 1024;
        world->lanes[lane].payload_max = 16 * 1024;
        world->model.lanes[lane].fails_from = 1 + world_random(world, 400);
        world->model.lanes[lane].fails_to = world->lanes[lane].mode & PROOF_MODE_RETRY
                                                ? world->model.lanes[lane].fails_from + world_random(world, 4)
                                                : 0;
        world->model.lanes[lane].fails_until = model_time(60 + world_random(world, 120));
    }
    assert_true(topology_network_index(&world->network)); /* the mode is part of a lane's name */
    model_fini(&world->model);
    struct model_lane kept[WORLD_LANES];
    for (uint16_t lane = 0; lane < WORLD_LANES; lane++)
        kept[lane] = world->model.lanes[lane];
    model_init(&world->model, &world->network);
    for (uint16_t lane = 0; lane < WORLD_LANES; lane++) {
        world->model.lanes[lane].fails_from = kept[lane].fails_from;
        world->model.lanes[lane].fails_to = kept[lane].fails_to;
        world->model.lanes[lane].fails_until = kept[lane].fails_until;
    }
    world->loss = (unsigned)world_random(world, 100);
    world_start_all(world);
    for (unsigned i = 0; i < 120; i++) {
        if (world_random(world, 3) == 0)
            world_send(world, (uint16_t)world_random(world, WORLD_LANES), 1 + world_random(world, 60),
                       world_random(world, 4) ? world_random(world, 200) : world_random(world, 400));
        something_happens(world);
        world_run(world, 1 + world_random(world, 1500));
    }
    all_is_well_again(world);
    world_expect(world, world_quiet, 600000);
    world_check_once(world);
    world_check_bounded(world);
    world_free(world);
}

static void whatever_happens_all_is_delivered_once_and_settled_when_it_is_over(void **state)
{
    (void)state;
    const char *wanted = getenv("ISTHMUS_SEEDS"); /* "100 200": from, to */
    unsigned long from = 1, to = 10;
    if (wanted != NULL && sscanf(wanted, "%lu %lu", &from, &to) != 2)
        fail_msg("ISTHMUS_SEEDS is not two numbers");
    for (uint64_t seed = from; seed <= to; seed++) {
        printf("seed %llu\n", (unsigned long long)seed);
        fflush(stdout);
        chaos(seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_happens_all_is_delivered_once_and_settled_when_it_is_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
