/*
 * Routes on every graph of up to five relays, against a plain model (Floyd and Warshall); turns: one relay at a time, the
 * same for everyone, fair, and moving on with the destination's blocks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "topology/route.h"

enum { MOST = 5, FAR = 100 };

struct world {
    struct topology_network network;
    struct topology_relay relays[MOST];
    struct topology_link links[MOST * MOST];
    struct topology_zone zones[3];
    uint16_t served[MOST], delivered[MOST];
};

/* All graphs over n relays: bit i of `edges` is the i-th pair. Relay i serves chain i % 2 and delivers to it. */
static void build(struct world *world, size_t n, unsigned edges)
{
    size_t bit = 0;
    memset(world, 0, sizeof *world);
    world->network.relays = world->relays;
    world->network.relays_len = n;
    world->network.links = world->links;
    world->network.zones = world->zones;
    world->network.zones_len = 3;
    for (size_t i = 0; i < n; i++) {
        world->served[i] = world->delivered[i] = (uint16_t)(i % 2);
        world->relays[i].zone = (uint16_t)(i % 3);
        world->relays[i].serves = &world->served[i];
        world->relays[i].delivers = &world->delivered[i];
        world->relays[i].serves_len = world->relays[i].delivers_len = 1;
        for (size_t j = i + 1; j < n; j++, bit++)
            if (edges >> bit & 1)
                world->links[world->network.links_len++] = (struct topology_link){(uint16_t)i, (uint16_t)j};
    }
}

static void model(unsigned hops[MOST][MOST], const struct world *world)
{
    size_t n = world->network.relays_len;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            hops[i][j] = i == j ? 0 : FAR;
    for (size_t i = 0; i < world->network.links_len; i++) {
        const struct topology_link *link = &world->links[i];
        hops[link->a][link->b] = hops[link->b][link->a] = 1;
    }
    for (size_t k = 0; k < n; k++)
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++)
                if (hops[i][k] + hops[k][j] < hops[i][j])
                    hops[i][j] = hops[i][k] + hops[k][j];
}

static void check_pair(const struct world *world, unsigned hops[MOST][MOST], uint16_t from, uint16_t to)
{
    const struct topology_network *network = &world->network;
    uint16_t next = topology_route_next(network, from, to), expected = TOPOLOGY_NO_RELAY;

    assert_int_equal(topology_route_linked(network, from, to), hops[from][to] == 1);
    if (from != to && hops[from][to] < FAR)
        for (size_t i = network->relays_len; i-- > 0;)
            if (hops[from][i] == 1 && hops[i][to] + 1 == hops[from][to])
                expected = (uint16_t)i; /* the lowest index stays */
    assert_int_equal(next, expected);
}

static void check_graph(const struct world *world)
{
    const struct topology_network *network = &world->network;
    unsigned hops[MOST][MOST];
    uint16_t found[MOST], zones[3];

    model(hops, world);
    for (uint16_t i = 0; i < network->relays_len; i++) {
        size_t len = topology_route_neighbours(found, MOST, network, i), want = 0;
        bool zone_wanted[3] = {false};
        for (uint16_t j = 0; j < network->relays_len; j++) {
            check_pair(world, hops, i, j);
            if (hops[i][j] != 1)
                continue;
            assert_int_equal(found[want++], j);
            zone_wanted[network->relays[j].zone] = true;
        }
        assert_int_equal(len, want);
        len = topology_route_zones(zones, 3, network, i);
        want = 0;
        for (uint16_t zone = 0; zone < 3; zone++)
            if (zone_wanted[zone])
                assert_int_equal(zones[want++], zone);
        assert_int_equal(len, want);
    }
    for (uint16_t home = 0; home < 2; home++)
        for (uint16_t target = 0; target < 2; target++) {
            bool path = false;
            for (size_t i = home; i < network->relays_len; i += 2)
                for (size_t j = target; j < network->relays_len; j += 2)
                    path = path || hops[i][j] < FAR;
            assert_int_equal(topology_route_chains(network, home, target), path);
        }
}

static void test_route__every_graph_of_up_to_five_relays_agrees_with_the_model(void **state)
{
    struct world world;
    size_t graphs = 0;
    (void)state;
    for (size_t n = 1; n <= MOST; n++)
        for (unsigned edges = 0; edges < 1u << n * (n - 1) / 2; edges++, graphs++) {
            build(&world, n, edges);
            check_graph(&world);
        }
    assert_int_equal(graphs, 1 + 2 + 8 + 64 + 1024);
}

static void test_route__lists_are_counted_but_not_written_beyond_their_room(void **state)
{
    struct world world;
    uint16_t out[2] = {77, 77};
    (void)state;
    build(&world, 5, 0x3ff);
    assert_int_equal(topology_route_neighbours(out, 1, &world.network, 0), 4);
    assert_int_equal(out[0], 1);
    assert_int_equal(out[1], 77);
}

/* ---- turns --------------------------------------------------------------------------------------------------------- */

static void test_turn__over_any_run_of_blocks_every_deliverer_has_its_share(void **state)
{
    struct world world;
    uint8_t log[32];
    (void)state;
    for (size_t n = 1; n <= MOST; n++) {
        build(&world, n, 0);
        for (uint8_t first = 0; first < 200; first++) {
            unsigned share[MOST] = {0}, deliverers = (unsigned)(n + 1) / 2;
            memset(log, first, sizeof log);
            for (uint64_t block = 0; block < 10u * deliverers; block++) {
                uint16_t relay = topology_turn_submit(&world.network, 0, log, block, 1000, 4);
                assert_true(relay < n && relay % 2 == 0);
                share[relay]++;
            }
            for (size_t i = 0; i < n; i += 2)
                assert_int_equal(share[i], 10);
        }
    }
}

static void test_turn__moves_on_with_the_destinations_blocks_and_stays_within_them(void **state)
{
    struct world world;
    const uint8_t log[32] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}; /* the sum may wrap */
    (void)state;
    build(&world, 5, 0); /* 0, 2 and 4 deliver to chain 0 */
    for (uint64_t height = 0; height < 120; height += 4) {
        uint16_t now = topology_turn_submit(&world.network, 0, log, 7, height, 4);
        for (uint64_t more = 1; more < 4; more++)
            assert_int_equal(topology_turn_submit(&world.network, 0, log, 7, height + more, 4), now);
        assert_int_not_equal(topology_turn_submit(&world.network, 0, log, 7, height + 4, 4), now);
        assert_int_equal(topology_turn_submit(&world.network, 0, log, 7, height + 12, 4), now);
    }
    assert_int_equal(topology_turn_submit(&world.network, 2, log, 7, 0, 4), TOPOLOGY_NO_RELAY);
}

static void test_turn__pushing_goes_round_those_of_the_zone_that_serve_the_chain_else_round_all(void **state)
{
    struct world world;
    const uint8_t log[32] = {9};
    unsigned share[MOST] = {0};
    (void)state;
    build(&world, 5, 0);
    for (size_t i = 0; i < 4; i++)
        world.relays[i].zone = 0; /* 0 and 2 serve chain 0 */
    for (uint64_t block = 0; block < 40; block++)
        share[topology_turn_push(&world.network, 0, 0, log, block)]++;
    assert_int_equal(share[0], 20);
    assert_int_equal(share[2], 20);
    for (uint64_t block = 0; block < 40; block++) /* nobody serves chain 5 */
        share[topology_turn_push(&world.network, 0, 5, log, block)]++;
    assert_int_equal(share[0] + share[2], 60);
    assert_int_equal(share[1] + share[3], 20);
    assert_int_equal(topology_turn_push(&world.network, 2, 0, log, 0), TOPOLOGY_NO_RELAY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_route__every_graph_of_up_to_five_relays_agrees_with_the_model),
        cmocka_unit_test(test_route__lists_are_counted_but_not_written_beyond_their_room),
        cmocka_unit_test(test_turn__over_any_run_of_blocks_every_deliverer_has_its_share),
        cmocka_unit_test(test_turn__moves_on_with_the_destinations_blocks_and_stays_within_them),
        cmocka_unit_test(test_turn__pushing_goes_round_those_of_the_zone_that_serve_the_chain_else_round_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
