/* When a source counts as standing still. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "relay/edge/health.h"

static void test_health__heights_move_when_they_rise_above_all_before(void **state)
{
    struct edge_health *health = edge_health_new(2, 1000);
    (void)state;
    assert_non_null(health);
    assert_int_equal(edge_health_still(health, 0, 1500), 500); /* since the start */
    edge_health_note(health, 0, 10, 2000);
    assert_int_equal(edge_health_still(health, 0, 2000), 0);
    for (uint64_t now = 3000; now < 9000; now += 1000) /* two nodes behind one address, neither of which goes on */
        edge_health_note(health, 0, now % 2000 ? 9 : 10, now);
    edge_health_note(health, 0, 0, 9000); /* a connector that starts anew */
    edge_health_note(health, 0, 10, 9500);
    assert_int_equal(edge_health_still(health, 0, 10000), 8000);
    edge_health_note(health, 0, 11, 10000);
    assert_int_equal(edge_health_still(health, 0, 10000), 0);
    assert_int_equal(edge_health_still(health, 1, 10000), 9000);
    assert_int_equal(edge_health_still(health, 2, 10000), 0); /* there is none */
    edge_health_free(health);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_health__heights_move_when_they_rise_above_all_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
