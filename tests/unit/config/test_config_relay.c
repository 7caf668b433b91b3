/*
 * A relay's own file: the example is good, each thing that can be wrong is said at its place, and whether it fits the
 * network document.
 */
#include "tests/unit/config/text.h"

#include <sys/stat.h>
#include <unistd.h>

#include "topology/signature.h"

static const char *const EXAMPLE = "docs/examples/relay.yaml";

#define HASH "1111111111111111111111111111111111111111111111111111111111111111"

#define NO_HASH "0000000000000000000000000000000000000000000000000000000000000000"

static char folder[] = "/tmp/isthmus-config-XXXXXX"; /* made for this run */

static char *file_in_folder(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const void *text, size_t len)
{
    FILE *file = fopen(file_in_folder(name), "wb");
    assert_non_null(file);
    assert_true(fwrite(text, 1, len, file) == len);
    assert_int_equal(fclose(file), 0);
}

static bool load(struct config_relay *relay, const char *text, struct config_problems *problems)
{
    memset(problems, 0, sizeof *problems);
    write_file("relay.yaml", text, strlen(text));
    return config_relay_load(relay, file_in_folder("relay.yaml"), problems);
}

static void test_config__example_relay_is_good(void **state)
{
    static struct config_problems problems;
    struct config_relay relay;

    (void)state;
    bool good = config_relay_load(&relay, EXAMPLE, &problems);
    config_problems_print(&problems, stderr);
    assert_true(good);
    assert_string_equal(relay.relay, "east-alpha");
    assert_string_equal(relay.folder, "docs/examples");
    assert_string_equal(relay.store, "docs/examples/store");
    assert_string_equal(relay.sources[0].program, "/usr/local/libexec/isthmus/isthmus-connector-evm");
    assert_string_equal(relay.sources[0].options[0].name, "http");
    assert_string_equal(relay.signer.keys[0], "docs/examples/keys/attester.key");
    assert_int_equal(relay.roots_len, 2);
    assert_int_equal(relay.listen_len, 2);
    assert_int_equal(relay.peers_len, 3);
    assert_int_equal(relay.control_mode, 0660);
    assert_int_equal(relay.log_level, CONFIG_LOG_INFO);
    assert_true(relay.budgets.queue_bytes == 64 << 20);
    assert_string_equal(relay.http.listen, "127.0.0.1:9464");
    config_relay_free(&relay);
}

static void test_config__what_is_left_out_has_its_standard_value(void **state)
{
    static struct config_problems problems;
    struct config_relay relay;
    char *text = text_of(EXAMPLE);

    (void)state;
    *strstr(text, "\nbudgets:") = '\0';
    memset(strstr(text, "http: {listen"), '#', 1);
    assert_true(load(&relay, text, &problems));
    assert_int_equal(relay.timings.heartbeat_ms, 1000);
    assert_int_equal(relay.timings.pull_wait_ms, 150);
    assert_int_equal(relay.timings.peer_silence_ms, 5000);
    assert_int_equal(relay.timings.turn_blocks, 4);
    assert_true(relay.budgets.free_bytes == 256 << 20);
    assert_true(relay.budgets.history_messages == 1000000);
    assert_int_equal(relay.log_level, CONFIG_LOG_INFO);
    assert_null(relay.http.listen); /* off */
    assert_int_equal(relay.http.stall_s, 120);
    assert_false(relay.verify_forwarded);
    assert_false(relay.dev);
    config_relay_free(&relay);
    free(text);
}

/* As editors of one family of systems write it; YAML 1.2, section 5.2. */
static void test_config__a_byte_order_mark_before_the_file_is_no_part_of_it(void **state)
{
    static struct config_problems problems;
    struct config_relay relay;
    char *good = text_of(EXAMPLE), *plain = text_with(good, "# One relay", "relay: a b\n# One relay");
    char *marked = text_with(good, "# One relay's", "\xef\xbb\xbf# One relay's");

    (void)state;
    assert_true(load(&relay, marked, &problems));
    config_relay_free(&relay);
    free(marked);
    marked = text_with(plain, "relay: a b\n", "\xef\xbb\xbfrelay: a b\n");
    assert_false(load(&relay, marked, &problems));
    assert_string_equal(problems.items[0].text, "'a b' is no name: use 1 to 32 of a-z 0-9 -");
    assert_int_equal(problems.items[0].line, 1);
    assert_int_equal(problems.items[0].column, 8); /* where an editor shows it */
    config_relay_free(&relay);
    free(marked);
    free(plain);
    free(good);
}

static const struct change changes[] = {
    {"relay: east-alpha ", "relay: East ", "East", "relay", "is no name"},
    {"store: store ", "stor: store ", "stor:", "", NULL},
    {"  east: 8a88", "  east: 8a8", "8a8e3dd", "roots.east", "is no root key"},
    {"mode: \"0660\"", "mode: \"0777\"", "\"0777\"", "control.mode", "is no mode"},
    {"mode: \"0660\"", "mode: rw", "rw}", "control.mode", "is no mode"},
    {"127.0.0.1:9464", "localhost:9464", "\"localhost", "http.listen", "is no address"},
    {"stall_s: 120", "stall_s: 0", "0}", "http.stall_s", "out of range"},
    {"ipc:///run/isthmus/east-alpha.req", "ipc://east-alpha.req", "ipc://east-alpha.req", "listen.request",
     "no ipc URL"},
    {"ipc:///run/isthmus/east-alpha.req", "http://h:1", "http://h:1", "listen.request", "is no URL"},
    {"ipc:///run/isthmus/east-alpha.req", "tls+tcp://h:0", "tls+tcp://h:0", "listen.request", "is no URL"},
    {"ipc:///run/isthmus/east-alpha.req", "tls+tcp://h:65536", "tls+tcp://h:65536", "listen.request", "is no URL"},
    {"ipc:///run/isthmus/east-alpha.req", "tls+tcp://h:1", "tls+tcp://h:1", "listen.request", "needs the section tls"},
    {"ipc:///run/isthmus/east-alpha.req", "tcp://h:1", "tcp://h:1", "listen.request", "not private"},
    {"{zone: strait, url", "{zone: east, url", "\"ipc:///run/isthmus/east-alpha.strait\"", "listen.zones[1].url",
     "URL already"},
    {"/east-alpha.strait\"", "/east-alpha.east\"", "\"ipc:///run/isthmus/east-alpha.east\"}\n\n", "listen.zones[1].url",
     "each zone has its own"},
    {"- relay: east-gamma", "- relay: east-beta", "east-beta\n    publish: ipc:///run/isthmus/east-gamma",
     "peers[1].relay", "already peers[0]"},
    {"keys: [keys/attester.key]", "keys: keys/attester.key", "keys/attester.key", "signer.keys", "is no list"},
    {"  guard: guard ", "  gard: guard ", "keys: [", "", NULL},
    {"  guard: guard ", "  guard: ./store ", "./store ", "signer.guard", "lies in the store's folder"},
    {"  guard: guard ", "  guard: ./store//guard ", "./store//guard", "signer.guard", "lies in the store's folder"},
    {"readable: []", "readable: keys", "keys    ", "sources[0].readable", "is no list"},
    {"readable: []", "readable: [.]", ".]", "sources[0].readable[0]", "would let the connector read"},
    {"readable: []", "readable: [/usr, ././relay.yaml]", "././relay", "sources[0].readable[1]", "relay.yaml"},
    {"readable: []", "readable: [/]", "/]", "sources[0].readable[0]", "would let the connector read"},
    {"keys/relay.key", "/usr/local/etc/isthmus/relay.key", "/usr/local/etc", "key.file", "every connector may read"},
    {"passphrase: keys/passphrase}", "passphrase: /etc/ssl/certs/passphrase}", "/etc/ssl", "key.passphrase",
     "every connector may read"},
    {"keys: [keys/attester.key]", "keys: [/usr/attester.key]", "/usr/attester.key", "signer.keys[0]",
     "every connector may read"},
    {"submits: true", "submits: yes", "yes", "sources[0].submits", "neither true nor false"},
    {"program_hash: 0f", "program_hash: abc", "abc", "sources[0].program_hash", "b2sum"},
    {"      http: http", "      http: [a]\n      x: http", "[a]", "sources[0].options.http", "is a list"},
    {"queue_bytes: 64MiB", "queue_bytes: 10KiB", "10KiB", "budgets.queue_bytes", "out of range"},
    {"history_messages: 1000000", "history_messages: 65535", "65535", "budgets.history_messages", "out of range"},
    {"peer_silence_ms: 5000", "peer_silence_ms: 1500", "1500", "timings.peer_silence_ms", "two heartbeats"},
    {"\nsources:\n", "\ntrust: [{chain: cosmos:a, height: 1, hash: abc}]\nsources:\n", "abc}", "trust[0].hash",
     "is not 64 hex digits"},
    {"\nsources:\n", "\ntrust: [{chain: cosmos:a, height: 1}]\nsources:\n", "{chain: cosmos", "trust[0].hash",
     "is missing"},
    {"\nsources:\n", "\ntrust: [{chain: cosmos:a, height: 1, hash: " NO_HASH "}]\nsources:\n", NO_HASH "}]",
     "trust[0].hash", "is zero"},
    {"log_level: info", "log_level: inof", "inof", "log_level", "did you mean 'info'"},
};

static void test_config__each_fault_of_a_relays_file_is_said_at_its_place(void **state)
{
    static struct config_problems problems;
    char *good = text_of(EXAMPLE);

    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct config_relay relay;
        char *text = text_with(good, changes[i].from, changes[i].to);
        assert_false(load(&relay, text, &problems));
        if (changes[i].says)
            expect_one(&problems, text, &changes[i]);
        else
            assert_int_equal(problems.total, 2); /* one is missing, one is unknown */
        config_relay_free(&relay);
        free(text);
    }
    free(good);
}

/* Documents and signatures come from other sides, and are checked at a terminal. */
static void test_config__what_a_file_says_does_not_move_the_terminal(void **state)
{
    static struct config_problems problems;
    struct config_relay relay;
    char *good = text_of(EXAMPLE);
    char *text = text_with(good, "log_level: info", "log_level: \"\\e]0;x\\a\\e[2J\"\n\"\\e[31m\\x7f\": 1");

    (void)state;
    assert_false(load(&relay, text, &problems));
    assert_int_equal(problems.total, 2);
    for (size_t i = 0; i < problems.len; i++) {
        const char *const said[] = {problems.items[i].path, problems.items[i].text};
        for (size_t j = 0; j < 2; j++)
            for (const char *at = said[j]; *at; at++)
                assert_true((unsigned char)*at >= ' ' && *at != 0x7f);
    }
    config_relay_free(&relay);
    free(text);
    free(good);
}

/* A pipe that nobody fills is no file: a relay that is told to read it again would wait there for ever. */
static void test_config__pipe_is_refused_at_once(void **state)
{
    static struct config_problems problems;
    struct config_relay relay;

    (void)state;
    memset(&problems, 0, sizeof problems);
    assert_int_equal(mkfifo(file_in_folder("pipe.yaml"), 0600), 0);
    alarm(5);
    assert_false(config_relay_load(&relay, file_in_folder("pipe.yaml"), &problems));
    alarm(0);
    assert_int_equal(problems.total, 1);
    assert_non_null(strstr(problems.items[0].text, "is no plain file"));
    config_relay_free(&relay);
    assert_int_equal(unlink(file_in_folder("pipe.yaml")), 0);
}

/* Each that is too many is one fault, however many stand before it. */
static void test_config__what_stands_there_often_is_said_once_for_each_that_is_too_many(void **state)
{
    static const struct change often[] = {
        {"\nsources:\n",
         "\ntrust:\n  - {chain: cosmos:a, height: 1, hash: " HASH "}\n  - {chain: cosmos:a, height: 2, hash: " HASH
         "}\n  - {chain: cosmos:a, height: 3, hash: " HASH "}\n  - {chain: cosmos:a, height: 4, hash: " HASH
         "}\nsources:\n",
         "trust", "chain", "has a first header already in trust[0]"},
        {"    - {zone: east, url: \"ipc:///run/isthmus/east-alpha.east\"}\n",
         "    - {zone: a, url: \"ipc:///1\"}\n    - {zone: a, url: \"ipc:///2\"}\n"
         "    - {zone: a, url: \"ipc:///3\"}\n    - {zone: a, url: \"ipc:///4\"}\n",
         "listen.zones", "url", "zone 'a' has a URL already"},
    };
    static struct config_problems problems;
    char *good = text_of(EXAMPLE), path[64];

    (void)state;
    for (size_t i = 0; i < sizeof often / sizeof *often; i++) {
        struct config_relay relay;
        char *text = text_with(good, often[i].from, often[i].to);
        assert_false(load(&relay, text, &problems));
        config_problems_print(&problems, stderr);
        assert_int_equal(problems.total, 3);
        for (size_t j = 0; j < 3; j++) {
            snprintf(path, sizeof path, "%s[%zu].%s", often[i].at, j + 1, often[i].path);
            assert_string_equal(problems.items[j].path, path);
            assert_true(problems.items[j].line > 0);
            assert_non_null(strstr(problems.items[j].text, often[i].says));
        }
        config_relay_free(&relay);
        free(text);
    }
    free(good);
}

/* ---- with the document ---------------------------------------------------------------------------------------------- */

static void sign(const char *document, const char *name, uint8_t seed_byte, char *out, size_t cap)
{
    uint8_t hash[32], seed[32];
    char line[TOPOLOGY_SIGNATURE_LINE];
    memset(seed, seed_byte, sizeof seed);
    topology_document_hash(hash, (struct bytes){(const uint8_t *)document, strlen(document)});
    assert_true(topology_signature_line(line, name, seed, hash));
    size_t at = strlen(out);
    snprintf(out + at, cap - at, "%s", line);
}

/* Writes document, signatures and relay file into the folder, and asks whether they fit. */
static struct topology_network *accept(const char *relay_text, const char *document, const char *signatures,
                                       struct config_problems *problems)
{
    struct config_relay relay;
    write_file("network.yaml", document, strlen(document));
    write_file("network.yaml.sig", signatures, strlen(signatures));
    bool good = load(&relay, relay_text, problems);
    config_problems_print(problems, stderr);
    assert_true(good);
    struct topology_network *network = config_network_accept(&relay, problems);
    config_relay_free(&relay);
    return network;
}

static void test_config__document_counts_when_every_root_signed_it(void **state)
{
    static struct config_problems problems;
    char *relay = text_of(EXAMPLE), *document = text_of("docs/examples/network.yaml");
    char both[512] = "# signatures\n", one[512] = "", wrong[512] = "";

    (void)state;
    sign(document, "east", 1, both, sizeof both);
    sign(document, "west", 2, both, sizeof both);
    sign(document, "east", 1, one, sizeof one);
    sign(document, "east", 1, wrong, sizeof wrong);
    sign(document, "west", 1, wrong, sizeof wrong); /* the other root's key */

    struct topology_network *network = accept(relay, document, both, &problems);
    config_problems_print(&problems, stderr);
    assert_non_null(network);
    topology_network_free(network);

    assert_null(accept(relay, document, one, &problems));
    assert_int_equal(problems.total, 1);
    assert_non_null(strstr(problems.items[0].text, "root 'west' has not signed"));

    assert_null(accept(relay, document, wrong, &problems));
    assert_int_equal(problems.total, 1);
    assert_int_equal(problems.items[0].line, 2);
    assert_non_null(strstr(problems.items[0].text, "does not fit the document"));

    char *changed = text_with(document, "finality_depth: 2", "finality_depth: 1");
    assert_null(accept(relay, changed, both, &problems));
    assert_int_equal(problems.total, 2);

    char strange[700];
    snprintf(strange, sizeof strange, "%snorth %0128d\nnonsense\n", both, 0);
    assert_null(accept(relay, document, strange, &problems));
    assert_int_equal(problems.total, 2);
    assert_int_equal(problems.items[0].line, 4);
    assert_int_equal(problems.items[1].line, 5);
    free(changed);
    free(relay);
    free(document);
}

static const struct change misfits[] = {
    {"relay: east-alpha ", "relay: east-delta ", "east-delta", "relay", "has no relay"},
    {"  west: 8139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b394\n", "", "east: 8a", "roots",
     "lacks root 'west'"},
    {"  west: 8139", "  west: 9139", "9139", "roots.west", "another key"},
    {"  west: 8139", "  north: 8139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b394\n  west: 8139",
     "8139770", "roots.north", "has no root 'north'"},
    {"    - {zone: strait, url: \"ipc:///run/isthmus/east-alpha.strait\"}\n", "", "- {zone: east", "listen.zones",
     "lacks a URL for zone 'strait'"},
    {"    - {zone: strait", "    - {zone: west, url: \"ipc:///w\"}\n    - {zone: strait", "west, url",
     "listen.zones[1].zone", "no relay of zone 'west'"},
    {"  - relay: strait", "  - relay: west-beta\n    publish: ipc:///x\n    request: ipc:///y\n  - relay: strait",
     "west-beta\n", "peers[2].relay", "has no link"},
    {"  - relay: strait\n    publish: ipc:///run/isthmus/strait.east\n    request: ipc:///run/isthmus/strait.req\n", "",
     "- relay: east-beta", "peers", "lacks the addresses of 'strait'"},
    {"    submits: true ", "    submits: false ", "- chain:", "sources", "no source of it has 'submits: true'"},
    {"    program_hash: 0f1d", "    # 0f1d", "chain:", "sources[0]", "lacks program_hash"},
    {"\nsources:\n", "\ntrust: [{chain: eip155:31337, height: 1, hash: " HASH "}]\nsources:\n", "eip155:31337, height",
     "trust[0].chain", "not by a light client"},
    {"\nsources:\n", "\ntrust: [{chain: eip155:9, height: 1, hash: " HASH "}]\nsources:\n", "eip155:9",
     "trust[0].chain", "has no chain eip155:9"},
};

static void test_config__light_client_wants_a_first_header_from_its_operator(void **state)
{
    static struct config_problems problems;
    static const char *const steps[][2] = {
        {"family: evm", "family: cosmos"}, {"finality_depth: 2", "finality_depth: 0"},
        {"sources: 2", "sources: 1"},      {"    epochs:", "    light_client: {trusting_period: 1209600}\n    epochs:"},
        {"slot, receipts", "slot, ics23"}, {"slot, receipts", "slot, ics23"}};
    char *good = text_of(EXAMPLE), *document = text_of("docs/examples/network.yaml"), signatures[512] = "", *place;

    (void)state;
    while ((place = strstr(document, "eip155:31337")) || (place = strstr(good, "eip155:31337")))
        memcpy(place, "cosmos:east1", strlen("cosmos:east1"));
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        char *next = text_with(document, steps[i][0], steps[i][1]);
        free(document);
        document = next;
    }
    sign(document, "east", 1, signatures, sizeof signatures);
    sign(document, "west", 2, signatures, sizeof signatures);
    assert_null(accept(good, document, signatures, &problems));
    assert_int_equal(problems.total, 1);
    assert_non_null(strstr(problems.items[0].text, "lacks a first header of cosmos:east1"));
    char *given =
        text_with(good, "\nsources:\n", "\ntrust: [{chain: cosmos:east1, height: 7, hash: " HASH "}]\nsources:\n");
    struct topology_network *network = accept(given, document, signatures, &problems);
    assert_non_null(network); /* and one source is enough, without `dev` */
    topology_network_free(network);
    free(given);
    free(good);
    free(document);
}

static void test_config__relay_that_does_not_fit_the_document_is_refused_at_its_place(void **state)
{
    static struct config_problems problems;
    char *good = text_of(EXAMPLE), *document = text_of("docs/examples/network.yaml"), signatures[512] = "";

    (void)state;
    sign(document, "east", 1, signatures, sizeof signatures);
    sign(document, "west", 2, signatures, sizeof signatures);
    for (size_t i = 0; i < sizeof misfits / sizeof *misfits; i++) {
        char *text = text_with(good, misfits[i].from, misfits[i].to);
        assert_null(accept(text, document, signatures, &problems));
        expect_one(&problems, text, &misfits[i]);
        free(text);
    }
    free(good);
    free(document);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(file_in_folder("relay.yaml"));
    unlink(file_in_folder("network.yaml"));
    unlink(file_in_folder("network.yaml.sig"));
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config__example_relay_is_good),
        cmocka_unit_test(test_config__what_is_left_out_has_its_standard_value),
        cmocka_unit_test(test_config__a_byte_order_mark_before_the_file_is_no_part_of_it),
        cmocka_unit_test(test_config__each_fault_of_a_relays_file_is_said_at_its_place),
        cmocka_unit_test(test_config__what_stands_there_often_is_said_once_for_each_that_is_too_many),
        cmocka_unit_test(test_config__document_counts_when_every_root_signed_it),
        cmocka_unit_test(test_config__light_client_wants_a_first_header_from_its_operator),
        cmocka_unit_test(test_config__relay_that_does_not_fit_the_document_is_refused_at_its_place),
        cmocka_unit_test(test_config__what_a_file_says_does_not_move_the_terminal),
        cmocka_unit_test(test_config__pipe_is_refused_at_once),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
