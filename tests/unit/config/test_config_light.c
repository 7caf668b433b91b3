/*
 * A chain that is followed by a light client: what the network document says of it, and the first header in a relay's own file.
 */
#include "tests/unit/config/text.h"

static const char *const EXAMPLE = "docs/examples/network.yaml";

static const char LIGHT[] = "light_client: {trusting_period: 1209600}\n    epochs:";

static char *text_with_all(const char *text, const char *from, const char *to)
{
    char *out = strdup(text);
    while (strstr(out, from)) {
        char *next = text_with(out, from, to);
        free(out);
        out = next;
    }
    return out;
}

/* The example, its second chain one of CometBFT. */
static char *document(void)
{
    char *example = text_of(EXAMPLE), *second = text_with_all(example, "eip155:31338", "cosmos:east-1");
    char *chain = strstr(second, "- id: cosmos:east-1");
    char *rest = text_with(chain, "family: evm", "family: cosmos");
    char *final = text_with(rest, "finality_depth: 2 ", "finality_depth: 0 ");
    char *light = text_with(final, "epochs:", LIGHT);
    char *kinds = text_with_all(light, "[slot, receipts]", "[slot, ics23]");
    size_t size = strlen(second) + strlen(kinds) + 1;
    char *out = malloc(size);
    snprintf(out, size, "%.*s%s", (int)(chain - second), second, kinds);
    free(example);
    free(second);
    free(rest);
    free(final);
    free(light);
    free(kinds);
    return out;
}

static struct topology_network *read(const char *text, struct config_problems *problems)
{
    memset(problems, 0, sizeof *problems);
    return config_network_read("network.yaml", text, strlen(text), problems);
}

static void test_config__chain_with_a_light_client_is_read_with_its_standards(void **state)
{
    static struct config_problems problems;
    char *text = document(),
         *whole = text_with(text, "{trusting_period: 1209600}",
                            "{trusting_period: 60, clock_drift: 3, trust_level: 2/3, store: isthmus}");

    (void)state;
    struct topology_network *network = read(text, &problems);
    config_problems_print(&problems, stderr);
    assert_non_null(network);
    assert_false(topology_chain_is_light(&network->chains[0]));
    assert_true(topology_chain_is_light(&network->chains[1]));
    assert_int_equal(network->chains[1].light.trusting_period, 1209600);
    assert_int_equal(network->chains[1].light.clock_drift, 10);
    assert_int_equal(network->chains[1].light.trust_numerator, 1);
    assert_int_equal(network->chains[1].light.trust_denominator, 3);
    assert_string_equal(network->chains[1].light.store, "");
    assert_int_equal(network->lanes[0].evidence, TOPOLOGY_EVIDENCE_AGREEMENT_SLOT | TOPOLOGY_EVIDENCE_ICS23);
    topology_network_free(network);
    network = read(whole, &problems);
    assert_non_null(network);
    assert_int_equal(network->chains[1].light.trust_numerator, 2);
    assert_int_equal(network->chains[1].light.clock_drift, 3);
    assert_string_equal(network->chains[1].light.store, "isthmus");
    topology_network_free(network);
    free(text);
    free(whole);
}

static const struct change changes[] = {
    {"{trusting_period: 1209600}", "{clock_drift: 1}", "{clock_drift", "chains[1].light_client.trusting_period",
     "is missing"},
    {"trusting_period: 1209600", "trusting_period: 0", "0}", "chains[1].light_client.trusting_period", "out of range"},
    {"1209600}", "1209600, trust_level: 1/4}", "1/4", "chains[1].light_client.trust_level", "not within 1/3 and 1"},
    {"1209600}", "1209600, trust_level: 4/3}", "4/3", "chains[1].light_client.trust_level", "not within 1/3 and 1"},
    {"1209600}", "1209600, trust_level: 1/0}", "1/0", "chains[1].light_client.trust_level", "not within 1/3 and 1"},
    {"1209600}", "1209600, trust_level: third}", "third", "chains[1].light_client.trust_level", "is no fraction"},
    {"1209600}", "1209600, trust_level: -1/3}", "-1/3", "chains[1].light_client.trust_level", "is no fraction"},
    {"1209600}", "5}", "{trusting_period", "chains[1].light_client.clock_drift", "not less than the trusting period"},
    {"1209600}", "1209600, store: \"a/b\"}", "\"a/b\"", "chains[1].light_client.store", "is no name"},
    {"light_client: {trusting_period: 1209600}\n", "\n", "cosmos\n", "chains[1].family", "needs light_client"},
    {"finality_depth: 0 ", "finality_depth: 3 ", "3     # blocks", "chains[1].finality_depth", "write 0"},
    {"evidence: [slot, ics23]", "evidence: [slot]", "[slot]", "lanes[0].evidence", "add ics23"},
    {"evidence: [slot, ics23]", "evidence: [ics23]", "[ics23]", "lanes[0].evidence", "add slot or receipts"},
};

static void test_config__each_fault_of_a_light_client_is_said_at_its_place(void **state)
{
    static struct config_problems problems;
    char *good = document();

    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        char *text = text_with(good, changes[i].from, changes[i].to);
        assert_null(read(text, &problems));
        expect_one(&problems, text, &changes[i]);
        free(text);
    }
    free(good);
}

static void test_config__kinds_and_names_of_chains_fit_each_other(void **state)
{
    static struct config_problems problems;
    char *example = text_of(EXAMPLE), *cosmos = document();
    char *ics23 = text_with(example, "[slot, receipts]", "[slot, ics23]");
    char *light = text_with(example, "epochs:", LIGHT);
    char *named = text_with(cosmos, "family: cosmos", "family: evm");

    (void)state;
    assert_null(read(ics23, &problems));
    assert_int_equal(problems.total, 1);
    assert_non_null(strstr(problems.items[0].text, "has a kind that neither eip155:31337 nor eip155:31338 gives"));
    assert_null(read(light, &problems));
    assert_int_equal(problems.total, 1);
    assert_string_equal(problems.items[0].path, "chains[0].light_client");
    assert_null(read(named, &problems)); /* its name, its light client, and two lanes that want ics23 of nobody */
    assert_int_equal(problems.total, 4);
    assert_non_null(strstr(problems.items[0].text, "is of family cosmos by its name"));
    free(example);
    free(cosmos);
    free(ics23);
    free(light);
    free(named);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config__chain_with_a_light_client_is_read_with_its_standards),
        cmocka_unit_test(test_config__each_fault_of_a_light_client_is_said_at_its_place),
        cmocka_unit_test(test_config__kinds_and_names_of_chains_fit_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
