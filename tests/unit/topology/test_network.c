/*
 * Quorums against the definition, by trying every pair of quorums; ids as docs/formats.md has them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proofs/codec/hex.h"
#include "topology/network.h"

/* The least number of operators that two quorums of k out of n share: by trying all pairs of sets. */
static int least_shared(unsigned n, unsigned k)
{
    int least = (int)n;
    for (unsigned a = 0; a < 1u << n; a++)
        for (unsigned b = 0; b < 1u << n; b++)
            if (__builtin_popcount(a) == (int)k && __builtin_popcount(b) == (int)k && __builtin_popcount(a & b) < least)
                least = __builtin_popcount(a & b);
    return least;
}

static void test_epoch__survives_as_many_equivocators_as_leave_one_honest_operator_in_both_quorums(void **state)
{
    struct topology_key keys[12];
    (void)state;
    for (unsigned n = 1; n <= 6; n++)
        for (unsigned k = 1; k <= n; k++) {
            struct topology_epoch epoch = {.quorum = (uint16_t)k, .keys = keys, .keys_len = 2 * (size_t)n};
            for (unsigned i = 0; i < 2 * n; i++) /* two keys each: operators count, not keys */
                keys[i] = (struct topology_key){.operator_number = (uint16_t)(1 + i / 2)};
            assert_int_equal(topology_epoch_operators(&epoch), n);
            assert_int_equal(topology_epoch_survives(&epoch), least_shared(n, k) - 1 < 0 ? -1 : least_shared(n, k) - 1);
        }
}

static void test_key__of_an_operator_is_found_by_its_id_in_its_epoch_only(void **state)
{
    struct topology_key keys[2] = {{.operator_number = 3, .id = {1}}, {.operator_number = 9, .id = {2}}};
    struct topology_epoch epoch = {.keys = keys, .keys_len = 2};
    const uint8_t two[32] = {2}, three[32] = {3};
    (void)state;
    assert_int_equal(topology_key_operator(&epoch, two), 9);
    assert_int_equal(topology_key_operator(&epoch, three), 0);
}

static void unhex(uint8_t *out, const char *text)
{
    assert_true(codec_hex_decode_exact(out, 32, text, strlen(text)));
}

/* Lane `solo` of docs/formats.md section 7. */
static void test_network__ids_are_those_of_the_worked_examples(void **state)
{
    struct topology_chain chains[2] = {{.id = "eip155:31337", .suite = 1}, {.id = "eip155:31338", .suite = 1}};
    struct topology_zone zone = {.name = "home"};
    struct topology_lane lane = {.source = 0, .destination = 1, .mode = 1, .generation = 1, .suites = 1};
    struct topology_network network = {.name = "demo",
                                       .chains = chains,
                                       .chains_len = 2,
                                       .zones = &zone,
                                       .zones_len = 1,
                                       .lanes = &lane,
                                       .lanes_len = 1};
    uint8_t want[32], kind;

    (void)state;
    unhex(chains[0].genesis, "c56f138de5e0cef943c9da978b055b7bfe81008a51d9a76aa5e15ab8d4fc52c2");
    unhex(chains[1].genesis, "2581d3946c530cd79b4edede11cd3641609804470e4112da7cc67db2d5734044");
    memset(chains[0].outbox + 12, 0x11, 20);
    memset(lane.sender + 12, 0x22, 20);
    memset(chains[1].inbox + 12, 0x33, 20);
    memset(lane.receiver + 12, 0x44, 20);
    assert_true(topology_network_index(&network));
    unhex(want, "69863655ca784e1007442a88199fd2ce9f3afebca5ea1a0fb0d7e851f38525c9");
    assert_memory_equal(network.id, want, 32);
    unhex(want, "6aa2eb7a3875943bac3d67783251d4240f95ccf658c57adec266b3038bc00139");
    assert_memory_equal(chains[0].identity, want, 32);
    unhex(want, "85c00ce3e9ea7c741f4006dc521f7540ccbe9c7145d0ba754883d07516395a26");
    assert_memory_equal(zone.id, want, 32);
    unhex(want, "54d63a21f91e723220978e5cd7c2bd084aabd84380544154fdd2120a8f8fc1c2");
    assert_memory_equal(lane.id, want, 32);
    unhex(want, "b62908b5760a1e7fedb9fa9a5222aa65d4186805c645431c9d66e144da6efe32");
    assert_memory_equal(lane.logs[1], want, 32);
    assert_int_equal(topology_lane_by_log(&network, want, &kind), 0);
    assert_int_equal(kind, 2);
    assert_int_equal(topology_log_home(&lane, 1), 0);
    assert_int_equal(topology_log_home(&lane, 2), 1);
    assert_int_equal(topology_log_home(&lane, 3), 0);
    assert_int_equal(topology_log_target(&lane, 1), 1);
    assert_int_equal(topology_log_target(&lane, 2), 0);
    assert_int_equal(topology_log_target(&lane, 3), 1);
    free(network.logs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_epoch__survives_as_many_equivocators_as_leave_one_honest_operator_in_both_quorums),
        cmocka_unit_test(test_key__of_an_operator_is_found_by_its_id_in_its_epoch_only),
        cmocka_unit_test(test_network__ids_are_those_of_the_worked_examples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
