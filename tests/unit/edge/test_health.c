/* When a source counts as standing still, and a signer as down. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "relay/edge/relay_parts.h"

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

static void up(void *context)
{
    edge_loop_stop(context, 0);
}

static void message(void *context, struct bytes body)
{
    (void)context, (void)body;
}

static void down(void *context, const char *why)
{
    (void)why;
    edge_loop_stop(context, 1);
}

/* One that hangs, in a disk that does not answer or stopped by somebody, is as little use as one that has ended. */
static void test_health__a_signer_that_says_nothing_to_a_request_is_down(void **state)
{
    char program[512];
    const char *argv[] = {"child", "echo", NULL};
    struct edge_loop *loop = edge_loop_new();
    struct edge_relay_inner inner = {0};
    struct edge_relay relay = {.inner = &inner};
    (void)state;
    assert_false(edge_health_signer_up(&relay)); /* there is none */
    snprintf(program, sizeof(program), "%s/tests/unit/edge/child_program", getenv("ISTHMUS_BUILD"));
    relay.signer = edge_child_new(&(struct edge_child_options){.loop = loop,
                                                               .name = "signer",
                                                               .program = program,
                                                               .argv = argv,
                                                               .context = loop,
                                                               .up = up,
                                                               .message = message,
                                                               .down = down});
    edge_child_start(relay.signer);
    assert_int_equal(edge_loop_run(loop), 0);
    assert_false(edge_health_signer_up(&relay)); /* it has not spoken */
    inner.signer_up = true;
    assert_true(edge_health_signer_up(&relay));
    inner.signing_since = edge_loop_now();
    assert_true(edge_health_signer_up(&relay));
    inner.signing_since -= EDGE_HEALTH_STUCK_MS + 1;
    assert_false(edge_health_signer_up(&relay));
    inner.signing_since = 0;
    edge_child_ban(relay.signer, "test");
    assert_false(edge_health_signer_up(&relay)); /* killed, and not ended yet */
    edge_child_free(relay.signer);
    edge_loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_health__heights_move_when_they_rise_above_all_before),
        cmocka_unit_test(test_health__a_signer_that_says_nothing_to_a_request_is_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
