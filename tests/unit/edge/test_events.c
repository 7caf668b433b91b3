/* The events that the control socket tells: a name that nothing has is said to be one, with those that there are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "relay/edge/control_view.h"
#include "relay/edge/log.h"
#include "relay/edge/relay.h"

static struct topology_lane lanes[60]; /* more than one refusal lists */
static struct topology_network network = {.lanes = lanes, .lanes_len = 2};

static void ask(char out[4096], const char *request)
{
    const struct edge_relay relay = {.network = &network};
    char *answer = edge_control_view(&(struct edge_control_options){.relay = &relay}, request, strlen(request));
    assert_non_null(answer);
    snprintf(out, 4096, "%s", answer);
    free(answer);
}

static void test_events__of_a_lane_that_there_is_are_told(void **state)
{
    char answer[4096];
    (void)state;
    ask(answer, "{\"command\": \"events\", \"last\": 9, \"lane\": \"east-to-west/1\"}");
    assert_non_null(strstr(answer, "\"text\":\"the first\""));
    assert_null(strstr(answer, "the second"));
    assert_null(strstr(answer, "reasons"));
}

static void test_events__of_no_lane_are_refused_with_the_lanes_that_there_are(void **state)
{
    char answer[4096];
    (void)state;
    ask(answer, "{\"command\": \"events\", \"lane\": \"east-to-wets\"}");
    assert_non_null(strstr(answer, "there is no lane `east-to-wets`; there are east-to-west, lane-1\""));
    ask(answer, "{\"command\": \"explain\", \"lane\": \"east\", \"sequence\": 1}");
    assert_non_null(strstr(answer, "there is no lane `east`; there are east-to-west, lane-1\""));
    network.lanes_len = 60;
    ask(answer, "{\"command\": \"events\", \"lane\": \"a-name-that-is-longer-than-any-lane-may-have/1\"}");
    assert_non_null(strstr(answer, "and more: isthmus lanes\""));
    network.lanes_len = 2;
}

static void test_events__of_a_reason_that_none_had_come_with_those_that_there_were(void **state)
{
    char answer[4096];
    (void)state;
    ask(answer, "{\"command\": \"events\", \"last\": 9, \"reason\": \"peer-upp\"}");
    assert_non_null(strstr(answer, "\"events\":[]"));
    assert_non_null(strstr(answer, "\"reasons\":[\"peer-up\",\"submitted\"]"));
    ask(answer, "{\"command\": \"events\", \"last\": 9, \"reason\": \"peer-up\"}");
    assert_null(strstr(answer, "reasons"));
    ask(answer, "{\"command\": \"events\", \"last\": 9, \"reason\": \"signer-guard-behind\"}"); /* may come */
    assert_null(strstr(answer, "reasons"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events__of_a_lane_that_there_is_are_told),
        cmocka_unit_test(test_events__of_no_lane_are_refused_with_the_lanes_that_there_are),
        cmocka_unit_test(test_events__of_a_reason_that_none_had_come_with_those_that_there_were),
    };
    for (size_t i = 0; i < sizeof lanes / sizeof *lanes; i++)
        snprintf(lanes[i].name, sizeof lanes[i].name, i == 0 ? "east-to-west" : "lane-%zu", i);
    edge_log(RELAY_INFO, "peer-up", "east-to-west/1", "the first");
    edge_log(RELAY_INFO, "submitted", "lane-1", "the second");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
