/*
 * Two files of a relay: each field that differs is named, and none of the schema can be forgotten.
 */
#include <unistd.h>

#include "relay/edge/config_parts.h"
#include "tests/unit/config/text.h"

#define KEY  "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c"
#define HASH "9f3e9f3e9f3e9f3e9f3e9f3e9f3e9f3e9f3e9f3e9f3e9f3e9f3e9f3e9f3e9f3e"

/* Every field of the schema stands here once. */
static const char FILE_OF_ALL[] =
    "relay: east-alpha\nnetwork: network.yaml\nroots: {east: " KEY "}\nstore: store\nstate: state\n"
    "control: {socket: control.sock, mode: \"0660\"}\nhttp: {listen: \"127.0.0.1:9464\", stall_s: 120}\n"
    "key: {file: relay.key, passphrase: relay.pass}\ntls: {certificate: tls.crt, key: tls.key, ca: tls.ca}\n"
    "listen: {request: \"ipc:///a.req\", zones: [{zone: east, url: \"ipc:///a.pub\"}]}\n"
    "peers: [{relay: east-beta, publish: \"ipc:///b.pub\", request: \"ipc:///b.req\"}]\n"
    "signer: {keys: [attester.key], passphrase: signer.pass, guard: guard}\n"
    "sources:\n"
    "  - {chain: \"eip155:1\", name: node-1, operator: me, network: dc1, software: geth, program: evm, "
    "program_hash: " HASH ", submits: true, readable: [data], options: {http: here}}\n"
    "trust: [{chain: \"cosmos:a\", height: 7, hash: " KEY "}]\n"
    "budgets: {attester_bytes: 1, queue_bytes: 1MiB, cache_bytes: 2MiB, free_bytes: 3MiB, history_messages: 65536, "
    "evidence_files: 4, evidence_bytes: 5MiB}\n"
    "timings: {heartbeat_ms: 100, pull_wait_ms: 101, peer_silence_ms: 1002, turn_blocks: 9}\n"
    "log_level: info\nverify_forwarded: false\ndev: false\n";

/* A field, and what of the file is put otherwise so that it alone differs. */
static const struct changed {
    const char *path, *from, *to;
} CHANGED[] = {
    {"relay", "east-alpha", "east-other"},
    {"network", "network.yaml", "other.yaml"},
    {"roots", "{east: ", "{west: "},
    {"roots", "{east: 8a", "{east: 8b"},
    {"store", "store: store", "store: other"},
    {"state", "state: state", "state: other"},
    {"control.socket", "control.sock", "other.sock"},
    {"control.mode", "0660", "0600"},
    {"http.listen", "127.0.0.1:9464", "127.0.0.1:9465"},
    {"http.stall_s", "stall_s: 120", "stall_s: 121"},
    {"key.file", "relay.key", "other.key"},
    {"key.passphrase", "relay.pass", "other.pass"},
    {"key.passphrase", ", passphrase: relay.pass", ""},
    {"tls.certificate", "tls.crt", "other.crt"},
    {"tls.key", "tls.key", "other.key"},
    {"tls.ca", "tls.ca", "other.ca"},
    {"listen.request", "a.req", "other.req"},
    {"listen.zones[0].zone", "zone: east", "zone: west"},
    {"listen.zones[0].url", "a.pub", "other.pub"},
    {"peers[0].relay", "east-beta", "east-gamma"},
    {"peers[0].publish", "b.pub", "other.pub"},
    {"peers[0].request", "b.req", "other.req"},
    {"signer.keys", "attester.key", "other.key"},
    {"signer.keys", "[attester.key]", "[attester.key, other.key]"},
    {"signer.passphrase", "signer.pass", "other.pass"},
    {"signer.guard", "guard: guard", "guard: other"},
    {"sources[0].chain", "eip155:1", "eip155:2"},
    {"sources[0].name", "node-1", "node-2"},
    {"sources[0].operator", "operator: me", "operator: you"},
    {"sources[0].network", "dc1", "dc2"},
    {"sources[0].software", "geth", "reth"},
    {"sources[0].program", "program: evm", "program: cometbft"},
    {"sources[0].program_hash", "program_hash: 9f", "program_hash: 8f"},
    {"sources[0].program_hash", "program_hash: " HASH ", ", ""},
    {"sources[0].submits", "submits: true", "submits: false"},
    {"sources[0].readable", "[data]", "[other]"},
    {"sources[0].readable", "[data]", "[]"},
    {"sources[0].options", "{http: here}", "{ws: here}"},
    {"sources[0].options", "{http: here}", "{http: there}"},
    {"sources[0].options", "{http: here}", "{http: here, ws: here}"},
    {"sources",
     "trust:", "  - {chain: \"eip155:1\", name: b, operator: b, network: b, software: b, program: b}\ntrust:"},
    {"trust[0].chain", "cosmos:a", "cosmos:b"},
    {"trust[0].height", "height: 7", "height: 8"},
    {"trust[0].hash", "hash: 8a", "hash: 8b"},
    {"trust", "trust: [{chain: \"cosmos:a\", height: 7, hash: " KEY "}]\n", ""},
    {"budgets.attester_bytes", "attester_bytes: 1", "attester_bytes: 2"},
    {"budgets.queue_bytes", "queue_bytes: 1", "queue_bytes: 2"},
    {"budgets.cache_bytes", "cache_bytes: 2", "cache_bytes: 3"},
    {"budgets.free_bytes", "free_bytes: 3", "free_bytes: 4"},
    {"budgets.history_messages", "65536", "65537"},
    {"budgets.evidence_files", "evidence_files: 4", "evidence_files: 5"},
    {"budgets.evidence_bytes", "evidence_bytes: 5", "evidence_bytes: 6"},
    {"timings.heartbeat_ms", "heartbeat_ms: 100", "heartbeat_ms: 99"},
    {"timings.pull_wait_ms", "101", "102"},
    {"timings.peer_silence_ms", "1002", "1003"},
    {"timings.turn_blocks", "turn_blocks: 9", "turn_blocks: 8"},
    {"log_level", "info", "debug"},
    {"verify_forwarded", "verify_forwarded: false", "verify_forwarded: true"},
    {"dev", "dev: false", "dev: true"},
};

enum { CHANGES = sizeof CHANGED / sizeof *CHANGED };

static char folder[] = "/tmp/isthmus-differ-XXXXXX"; /* made for this run */

static void load(struct config_relay *relay, const char *text)
{
    static struct config_problems problems;
    char path[64];
    snprintf(path, sizeof path, "%s/relay.yaml", folder);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
    memset(&problems, 0, sizeof problems);
    bool good = config_relay_load(relay, path, &problems);
    config_problems_print(&problems, stderr);
    assert_true(good);
}

struct found {
    size_t count, live;
    char path[96]; /* the last one */
};

static void differs(void *context, const char *path, bool live)
{
    struct found *found = context;
    found->count++;
    found->live += live;
    snprintf(found->path, sizeof found->path, "%s", path);
}

static struct found compare(const char *old_text, const char *new_text)
{
    struct config_relay old, new;
    struct found found = {0};
    load(&old, old_text);
    load(&new, new_text);
    config_relay_differ(&old, &new, differs, &found);
    config_relay_free(&old);
    config_relay_free(&new);
    return found;
}

static void test_config__a_file_that_did_not_change_differs_in_nothing(void **state)
{
    (void)state;
    assert_int_equal(compare(FILE_OF_ALL, FILE_OF_ALL).count, 0);
    char *said = text_with(FILE_OF_ALL, "queue_bytes: 1MiB", "queue_bytes: 1048576"); /* the same, otherwise said */
    assert_int_equal(compare(FILE_OF_ALL, said).count, 0);
    free(said);
}

static void test_config__a_field_that_changed_is_named_and_nothing_else(void **state)
{
    (void)state;
    for (size_t i = 0; i < CHANGES; i++) {
        char *text = text_with(FILE_OF_ALL, CHANGED[i].from, CHANGED[i].to);
        struct found found = compare(FILE_OF_ALL, text);
        if (found.count != 1 || strcmp(found.path, CHANGED[i].path) != 0)
            fail_msg("%s: %zu differences, the last one '%s'", CHANGED[i].path, found.count, found.path);
        assert_int_equal(found.live, strcmp(CHANGED[i].path, "log_level") == 0);
        free(text);
    }
}

static void test_config__a_section_that_goes_is_named_by_what_was_in_it(void **state)
{
    (void)state;
    char *text = text_with(FILE_OF_ALL, "signer: {keys: [attester.key], passphrase: signer.pass, guard: guard}\n", "");
    assert_int_equal(compare(FILE_OF_ALL, text).count, 3);
    free(text);
}

/* Goes through the schema; a field without a row above is one that nobody saw being compared. */
static void look(const struct schema_field *fields, const char *above)
{
    for (const struct schema_field *field = fields; field->key; field++) {
        char path[96];
        size_t row = 0;
        bool list = field->kind == SCHEMA_LIST;
        snprintf(path, sizeof path, "%s%s%s%s", above, *above ? "." : "", field->key, list ? "[0]" : "");
        if (field->fields) {
            look(field->fields, path);
            continue;
        }
        while (row < CHANGES && strcmp(CHANGED[row].path, path) != 0)
            row++;
        if (row == CHANGES)
            fail_msg("%s: give it a row in CHANGED", path);
    }
}

static void test_config__no_field_of_the_schema_is_left_out_of_the_comparison(void **state)
{
    (void)state;
    look(config_relay_fields(), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config__a_file_that_did_not_change_differs_in_nothing),
        cmocka_unit_test(test_config__a_field_that_changed_is_named_and_nothing_else),
        cmocka_unit_test(test_config__a_section_that_goes_is_named_by_what_was_in_it),
        cmocka_unit_test(test_config__no_field_of_the_schema_is_left_out_of_the_comparison),
    };
    assert_non_null(mkdtemp(folder));
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    char path[64];
    snprintf(path, sizeof path, "%s/relay.yaml", folder);
    unlink(path);
    rmdir(folder);
    return failed;
}
