/*
 * The network document: the example is good, each thing that can be wrong is said at its place, and all of them at once.
 */
#include "tests/unit/config/text.h"

#include "proofs/lane.h"
#include "topology/route.h"

static const char *const EXAMPLE = "docs/examples/network.yaml";

#define KEY_8 "1398f62c6d1a457c51ba6a4b5f3dbd2f69fca93216218dc8997e416bd17d93ca" /* relay west-gamma's in the example */

static struct topology_network *read(const char *text, struct config_problems *problems)
{
    memset(problems, 0, sizeof *problems);
    return config_network_read("network.yaml", text, strlen(text), problems);
}

static void test_config__example_document_is_good_and_indexed(void **state)
{
    struct config_problems problems = {0};
    struct topology_network *network = config_network_load(EXAMPLE, &problems);
    uint8_t kind;

    (void)state;
    config_problems_print(&problems, stderr);
    assert_non_null(network);
    assert_int_equal(network->relays_len, 7);
    assert_int_equal(network->links_len, 12);
    assert_int_equal(network->lanes_len, 2);
    assert_int_equal(network->logs_len, 6);
    assert_int_equal(network->lanes[0].mode, PROOF_MODE_ORDERED | PROOF_MODE_RETRY);
    assert_true(network->lanes[0].window == 16 << 20);
    for (size_t i = 0; i < 12; i++) /* an EVM account is 12 zero bytes and the address */
        assert_int_equal(network->chains[0].outbox[i] | network->lanes[0].sender[i] | network->lanes[1].receiver[i], 0);
    assert_int_equal(network->chains[0].outbox[12], 0xc1);
    assert_int_equal(network->chains[0].outbox[31], 0x65);
    assert_int_equal(network->chains[0].epochs[0].keys[0].operator_number, 4);
    assert_int_equal(network->chains[0].epochs[0].accept_equivocation, 0);
    for (size_t lane = 0; lane < 2; lane++)
        for (uint8_t want = 1; want <= 3; want++) {
            assert_int_equal(topology_lane_by_log(network, network->lanes[lane].logs[want - 1], &kind), lane);
            assert_int_equal(kind, want);
        }
    assert_int_equal(topology_lane_by_log(network, network->id, &kind), -1);
    topology_network_free(network);
}

#define SIXES "66666666666666666666666666666666666666666666666666666666666666" /* with 58 before it the base point */

static const struct change changes[] = {
    /* YAML itself */
    {"version: 1 ", "version: [1 ", "effective", "", "not YAML"},
    {"version: 1 ", "version: *one", "*one", "", "aliases"},
    {"version: 1 ", "version: &one 1 ", "&one", "", "anchors"},
    {"version: 1 ", "version: !!int 1 ", "!!int", "", "anchors (&) and tags"},
    {"version: 1 ", "version: 1\nversion: 1 ", "version: 1 ", "", "twice, first in line 4"},
    {"\nzones:", "\n---\nzones:", "---", "", "second document"},
    {"network: demo", "? [a]\n: b\nnetwork: demo", "[a]", "", "plain word"},
    /* single values */
    {"network: demo", "network: Demo", "Demo", "network", "is no name"},
    {"network: demo", "network: \"\"", "\"\"", "network", "is empty"},
    {"network: demo", "network: [demo]", "[demo]", "network", "is a list"},
    {"version: 1 ", "version: 0 ", "0 ", "version", "out of range"},
    {"version: 1 ", "version: -1 ", "-1", "version", "is no number"},
    {"version: 1 ", "version: 01 ", "01", "version", "is no number"},
    {"version: 1 ", "version: 99999999999999999999 ", "9999", "version", "is no number"},
    {"effective: 0 ", "efective: 0 ", "efective", "efective", "did you mean 'effective'?"},
    {"side: 1, key: 8a", "side: 256, key: 8a", "256", "roots[0].side", "out of range"},
    {"  - {name: west, side: 2", "  - {name: south, side: 3, key: 58" SIXES "}\n  - {name: west, side: 2",
     "3, key: 5866", "roots[1].side", "no operator is of side 3"},
    {"key: 8a88", "key: 8a8", "8a8e3dd", "roots[0].key", "is not 64 hex digits"},
    {"family: evm", "family: fabric", "fabric", "chains[0].family", "no family"},
    {"suite: keccak256-secp256k1", "suite: keccak-secp256k1", "keccak-sec", "chains[0].suite",
     "did you mean 'keccak256-secp256k1'"},
    {"registry: \"0x6933", "registry: \"0x69", "\"0x69b", "chains[0].registry", "is not an account"},
    {"outbox: \"0xc193936d414946200722c15667410ea0732bc865\"", "outbox: \"0x0000000000000000000000000000000000000000\"",
     "\"0x0000", "chains[0].outbox", "zero account"},
    {"window: 16MiB", "window: 16MB", "16MB", "lanes[0].window", "is no size"},
    {"window: 16MiB", "window: 10", "10 ", "lanes[0].window", "out of range"},
    {"order: in-order", "order: ordered", "ordered ", "lanes[0].order", "neither in-order nor any-order"},
    {"evidence: [slot, receipts]", "evidence: [slots]", "slots]", "lanes[0].evidence[0]", "did you mean 'slot'?"},
    {"evidence: [slot, receipts]", "evidence: []", "[]", "lanes[0].evidence", "at least one word"},
    {"state: open", "state: opened", "opened", "lanes[0].state", "did you mean 'open'?"},
    /* structure */
    {"    zone: strait\n", "", "name: strait          #", "relays[6].zone", "is missing"},
    {"zones:\n", "zones:\n  - extra\n", "extra", "zones[0]", "is no mapping"},
    {"links:\n", "links:\n  - [strait]\n", "[strait]", "links[0]", "is no pair"},
    /* references */
    {"operator: east-alpha\n", "operator: east-alfa\n", "east-alfa", "relays[0].operator",
     "did you mean 'east-alpha'?"},
    {"zone: strait\n", "zone: straight\n", "straight", "relays[6].zone", "not in zones"},
    {"source: eip155:31337", "source: eip155:31336", "eip155:31336", "lanes[0].source", "not in chains"},
    /* meaning */
    {"accept_equivocation: 0 ", "overlap: 0 ", "2         # of three", "chains[0].epochs[0].quorum",
     "accept_equivocation: 0"},
    {"quorum: 2 ", "quorum: 1 ", "1         # of three", "chains[0].epochs[0].quorum", "take 2 or more"},
    {"  - [east-alpha, east-beta]", "  - [east-alpha, east-beta]\n  - [east-beta, east-alpha]",
     "[east-beta, east-alpha]", "links[1]", "already linked"},
    {"  - [east-alpha, east-beta]", "  - [east-alpha, east-beta]\n  - [strait, strait]", "[strait, strait]", "links[1]",
     "with itself"},
    {"payload_max: 16384 ", "payload_max: 16384\n    window: 16KiB ", "window: 16KiB", "", "twice"},
    {"window: 16MiB", "window: 4250367", "4250367", "lanes[0].window", "take 4250368 or more, or lower payload_max"},
    {"  - name: west\n", "  - name: west\n  - name: east\n", "east\n\n# serves", "zones[3].name",
     "already the name of zones[0]"},
    {"delivers: [eip155:31337]", "delivers: [eip155:31338]", "[eip155:31338]", "relays[0].delivers",
     "add it to serves"},
    {"serves: [eip155:31337]", "serves: [eip155:31337, eip155:31337]", "[eip155:31337, eip", "relays[0].serves",
     "twice"},
    {"serves: [eip155:31337]", "serves: [eip155:31337, eip155:31337, eip155:31337]", "[eip155:31337, eip",
     "relays[0].serves", "twice"},
    {"genesis: 0x6fac7344c83c3df77ad4f79bef2e3f7e93f788e04dc89df097533e312eb88e60",
     "genesis: 0x0000000000000000000000000000000000000000000000000000000000000000", "0x000", "chains[0].genesis",
     "is zero"},
    {"key: 8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c",
     "key: 0100000000000000000000000000000000000000000000000000000000000000", "01000", "roots[0].key", "no Ed25519"},
    {"key: " KEY_8, "key: ed4928c628d1c2c6eae90338905995612959273a5c63f93636c14614ac8737d1",
     "ed4928c628d1c2c6eae90338905995612959273a5c63f93636c14614ac8737d1\n    serves: [eip155:31338]", "relays[5].key",
     "of relay 'east-alpha'"},
};

static void test_config__each_fault_of_a_document_is_said_at_its_place(void **state)
{
    char *good = text_of(EXAMPLE);
    static struct config_problems problems;
    size_t tried = 0;

    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        const struct change *change = &changes[i];
        char *text = text_with(good, change->from, change->to);
        struct topology_network *network = read(text, &problems);
        assert_null(network);
        expect_one(&problems, text, change);
        free(text);
        tried++;
    }
    assert_true(tried > 40);
    free(good);
}

/* Shapes and meaning, all in one go, ascending by line. */
static void test_config__all_faults_are_said_at_once(void **state)
{
    static struct config_problems problems;
    char *a = text_of(EXAMPLE);
    char *b = text_with(a, "version: 1 ", "version: one ");
    char *c = text_with(b, "zone: strait\n", "zoen: strait\n");
    char *d = text_with(c, "quorum: 2 ", "quorum: 3 ");
    char *e = text_with(d, "accept_equivocation: 0 ", "accept_equivocation: 3 ");
    char *f = text_with(e, "name: west, side: 2", "name: west, side: 7");
    struct topology_network *network = read(f, &problems);

    (void)state;
    assert_null(network);
    /* version, zone missing, zoen unknown, quorum (meaning), three operators of side 2 without a root */
    assert_int_equal(problems.total, 7);
    for (size_t i = 1; i < problems.len; i++)
        assert_true(problems.items[i - 1].line <= problems.items[i].line);
    assert_string_equal(problems.items[0].path, "version");
    assert_string_equal(problems.items[1].path, "operators[3].side");
    assert_string_equal(problems.items[4].path, "chains[0].epochs[0].quorum");
    free(a);
    free(b);
    free(c);
    free(d);
    free(e);
    free(f);
}

static void test_config__lane_without_a_path_of_links_is_refused(void **state)
{
    static struct config_problems problems;
    char *text = text_of(EXAMPLE);
    char *place;

    (void)state;
    /* every link with the strait goes: a comment takes its line */
    while ((place = strstr(text, ", strait]")) != NULL) {
        while (*place != '\n')
            place--;
        place[1] = place[2] = '#';
        for (char *at = place + 1; *at != '\n'; at++)
            *at = '#';
    }
    assert_null(read(text, &problems));
    assert_int_equal(problems.total, 4);
    assert_non_null(strstr(problems.items[0].text, "no path for its messages"));
    assert_non_null(strstr(problems.items[1].text, "no path for its outcomes"));
    assert_string_equal(problems.items[3].path, "lanes[1]");
    free(text);
}

static void test_config__lane_that_can_never_be_certified_is_refused(void **state)
{
    static struct config_problems problems;
    char *a = text_of(EXAMPLE);
    char *b = text_with(a, "    serves: [eip155:31337]\n    delivers: [eip155:31337]\n", "");
    char *c = text_with(b, "    serves: [eip155:31337]\n    delivers: [eip155:31337]\n", "");

    (void)state;
    struct topology_network *network = read(b, &problems);
    assert_non_null(network); /* two of three can still sign */
    topology_network_free(network);
    assert_null(read(c, &problems));
    assert_int_equal(problems.total, 2);
    assert_non_null(strstr(problems.items[0].text, "its messages need 2 operators"));
    assert_non_null(strstr(problems.items[1].text, "its outcomes need 2 operators"));
    free(a);
    free(b);
    free(c);
}

/* ---- bounds -------------------------------------------------------------------------------------------------------- */

static void expect_only(const char *text, const char *says)
{
    static struct config_problems problems;
    assert_null(read(text, &problems));
    assert_int_equal(problems.total, 1);
    if (!strstr(problems.items[0].text, says))
        fail_msg("expected '%s', got '%s'", says, problems.items[0].text);
}

static void test_config__hostile_yaml_is_bounded(void **state)
{
    static struct config_problems problems;
    enum { SIZE = 1 << 20 };
    char *text = calloc(1, SIZE + 64);

    (void)state;
    assert_non_null(text);
    memset(text, '[', 1000);
    expect_only(text, "more than 16 levels");
    memset(text, 0, 1000);

    size_t at = 0; /* 300 keys in one mapping */
    for (int i = 0; i < 300; i++)
        at += (size_t)snprintf(text + at, 64, "k%d: 1\n", i);
    expect_only(text, "more than 256 keys");

    memset(text, 'a', 9000);
    text[9000] = '\0';
    expect_only(text, "more than 8192 bytes");

    at = (size_t)snprintf(text, 64, "a: [");
    while (at < SIZE)
        at += (size_t)snprintf(text + at, 64, "1,");
    expect_only(text, "more than 200000 values");

    /* many faults: the first hundred are kept, all are counted */
    at = (size_t)snprintf(text, 64, "links:\n");
    for (int i = 0; i < 5000; i++)
        at += (size_t)snprintf(text + at, 64, "- [a%d, b]\n", i);
    assert_null(read(text, &problems));
    assert_true(problems.total > 10000);
    assert_int_equal(problems.len, CONFIG_PROBLEMS_MAX);

    memset(&problems, 0, sizeof problems);
    assert_null(config_network_read("n", "network: a\0b\n", 13, &problems));
    assert_true(problems.total >= 1);
    memset(&problems, 0, sizeof problems);
    assert_null(config_network_read("n", "\xff\xfe\xfd", 3, &problems));
    assert_true(problems.total >= 1);
    free(text);
}

/* Each that is too many is one fault, however many stand before it. */
static void test_config__what_stands_there_often_is_said_once_for_each_that_is_too_many(void **state)
{
    static struct config_problems problems;
    static const char one[] = "  - [east-alpha, east-beta]\n";
    char *a = text_of(EXAMPLE), four[sizeof one * 4];
    (void)state;
    snprintf(four, sizeof four, "%s%s%s%s", one, one, one, one);
    char *b = text_with(a, one, four);
    assert_null(read(b, &problems));
    assert_int_equal(problems.total, 3);
    for (size_t i = 0; i < 3; i++)
        assert_non_null(strstr(problems.items[i].text, "already linked by links[0]"));
    free(a);
    free(b);
}

static void test_config__bad_chain_id_is_said_with_everything_that_refers_to_it(void **state)
{
    static struct config_problems problems;
    char *a = text_of(EXAMPLE), *b = text_with(a, "- id: eip155:31337", "- id: 31337");
    (void)state;
    assert_null(read(b, &problems));
    assert_int_equal(problems.total, 9); /* the id, three relays twice, two lanes */
    assert_non_null(strstr(problems.items[0].text, "CAIP-2"));
    assert_non_null(strstr(problems.items[8].text, "is not in chains; did you mean 'eip155:31338'?"));
    free(a);
    free(b);
}

static void test_config__empty_document_names_every_missing_section(void **state)
{
    static struct config_problems problems;
    (void)state;
    assert_null(read("", &problems));
    assert_int_equal(problems.total, 7); /* network version roots operators chains zones relays */
    for (size_t i = 0; i < problems.len; i++)
        assert_string_equal(problems.items[i].text, "is missing");
}

static void test_config__file_that_cannot_be_read_is_said(void **state)
{
    static struct config_problems problems;
    (void)state;
    assert_null(config_network_load("docs/examples/none.yaml", &problems));
    assert_non_null(strstr(problems.items[0].text, "No such file"));
    memset(&problems, 0, sizeof problems);
    assert_null(config_network_load("docs", &problems));
    assert_non_null(strstr(problems.items[0].text, "no plain file"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config__example_document_is_good_and_indexed),
        cmocka_unit_test(test_config__each_fault_of_a_document_is_said_at_its_place),
        cmocka_unit_test(test_config__all_faults_are_said_at_once),
        cmocka_unit_test(test_config__lane_without_a_path_of_links_is_refused),
        cmocka_unit_test(test_config__lane_that_can_never_be_certified_is_refused),
        cmocka_unit_test(test_config__hostile_yaml_is_bounded),
        cmocka_unit_test(test_config__what_stands_there_often_is_said_once_for_each_that_is_too_many),
        cmocka_unit_test(test_config__bad_chain_id_is_said_with_everything_that_refers_to_it),
        cmocka_unit_test(test_config__empty_document_names_every_missing_section),
        cmocka_unit_test(test_config__file_that_cannot_be_read_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
