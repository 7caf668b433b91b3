/*
 * isthmus verify: each kind on files, exit codes, reports.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/verify/json.h"
#include "tools/verify/verify.h"

static char folder[] = "/tmp/isthmus-verify-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static const char *const names[] = {"trusted.json", "a.json", "b.json", "report.json"};

static void path_of(char *out, size_t cap, const char *name)
{
    snprintf(out, cap, "%s/%s", folder, name);
}

static int remove_folder(void **state)
{
    char path[256];
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        path_of(path, sizeof path, names[i]);
        unlink(path);
    }
    return rmdir(folder);
}

static void put(const char *name, const char *text)
{
    char path[256];
    path_of(path, sizeof path, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* Runs the command on trusted.json and the given evidence files (second may be NULL). */
static int verify(const char *kind, const char *first, const char *second)
{
    char program[] = "isthmus-verify";
    char kind_text[32];
    char trusted_option[] = "--trusted";
    char report_option[] = "--report";
    char paths[4][256];
    snprintf(kind_text, sizeof kind_text, "%s", kind);
    path_of(paths[0], sizeof paths[0], "trusted.json");
    path_of(paths[1], sizeof paths[1], "report.json");
    path_of(paths[2], sizeof paths[2], first);
    char *argv[] = {program, kind_text, trusted_option, paths[0], report_option, paths[1], paths[2], paths[3], NULL};
    if (second)
        path_of(paths[3], sizeof paths[3], second);
    else
        argv[7] = NULL;
    return tools_verify_main(second ? 8 : 7, argv);
}

/* The reason of case i in the report; its ok must be as said. */
static void assert_report(size_t i, bool ok, const char *reason)
{
    char path[256];
    path_of(path, sizeof path, "report.json");
    struct tools_json_doc *doc = tools_json_open(path);
    assert_null(tools_json_error(doc));
    assert_int_equal(tools_json_is_true(tools_json_get(tools_json_root(doc), "ok")), ok);
    const struct tools_json *c = tools_json_at(tools_json_get(tools_json_root(doc), "cases"), i);
    struct bytes text = tools_json_text(doc, tools_json_get(c, "reason"), "reason");
    assert_non_null(text.data);
    assert_string_equal((const char *)text.data, reason);
    tools_json_close(doc);
}

/* A leaf node of the entry 0x1234; the trusted roots below are not its hash. */
#define ROOT_NODE "0xed83201234a876767676767676767676767676767676767676767676767676767676767676767676767676767676"

static void test_a_trie_proof_is_valid_and_a_changed_one_is_not(void **state)
{
    (void)state;
    put("trusted.json",
        "{\"root\": \"0x3e65d2c3cca95bdf71f5a6e7bbcb3b1d35dd81ba7c3bfb0c2ae4fd9d6dd2dd7b\", \"key\": \"0x1234\"}");
    put("a.json", "{\"proof\": [\"" ROOT_NODE "\"]}");
    put("b.json", "{\"proof\": []}");
    assert_int_equal(verify("mpt", "a.json", NULL), 1);
    assert_report(0, false, "mpt-node-hash");
    assert_int_equal(verify("mpt", "b.json", NULL), 1);
    assert_report(0, false, "mpt-empty-proof");
    put("trusted.json",
        "{\"root\": \"0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421\", \"key\": \"0x1234\"}");
    assert_int_equal(verify("mpt", "b.json", NULL), 0);
    assert_report(0, true, "valid");
    assert_int_equal(verify("mpt", "b.json", "a.json"), 1);
    assert_report(0, false, "valid");
    assert_report(1, false, "mpt-node-hash");
}

static void test_an_account_of_an_empty_state_is_absent(void **state)
{
    (void)state;
    put("trusted.json", "{\"state_root\": \"0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421\","
                        "\"address\": \"0x1111111111111111111111111111111111111111\","
                        "\"slot\": \"0x0000000000000000000000000000000000000000000000000000000000000001\"}");
    put("a.json", "{\"accountProof\": [], \"storageProof\": [{\"key\": \"0x1\", \"value\": \"0x0\", \"proof\": []}]}");
    put("b.json", "{\"accountProof\": [], \"storageProof\": []}");
    assert_int_equal(verify("eth-account", "a.json", NULL), 0);
    assert_int_equal(verify("eth-storage", "a.json", NULL), 0);
    assert_int_equal(verify("eth-storage", "b.json", NULL), 2);
}

static void test_an_empty_block_has_the_empty_receipts_root(void **state)
{
    (void)state;
    put("trusted.json", "{\"receipts_root\": \"0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421\"}");
    put("a.json", "{\"jsonrpc\": \"2.0\", \"id\": 1, \"result\": []}");
    put("b.json", "[\"0x01\"]");
    assert_int_equal(verify("eth-receipts", "a.json", NULL), 0);
    assert_int_equal(verify("eth-receipts", "b.json", NULL), 1);
    assert_report(0, false, "rlp-not-canonical");
}

static void test_a_header_is_refused_under_another_hash(void **state)
{
    (void)state;
    put("trusted.json", "{\"hash\": \"0x1111111111111111111111111111111111111111111111111111111111111111\"}");
    put("a.json", "{\"header\": \"0xc0\"}");
    put("b.json", "{\"parentHash\": \"0x12\"}");
    assert_int_equal(verify("eth-header", "a.json", NULL), 1);
    assert_report(0, false, "header-field-count");
    assert_int_equal(verify("eth-header", "b.json", NULL), 2);
}

#define H5 "0x0505050505050505050505050505050505050505050505050505050505050505"
#define H6 "0x0606060606060606060606060606060606060606060606060606060606060606"

static void test_agreement_joins_its_evidence_files(void **state)
{
    (void)state;
    put("trusted.json", "{\"chain\": \"eip155:1\", \"height\": 7, \"demanded\": 2, \"sources\": ["
                        "{\"name\": \"a\", \"operator\": \"o1\", \"network\": \"n1\", \"software\": \"s1\"},"
                        "{\"name\": \"b\", \"operator\": \"o2\", \"network\": \"n2\", \"software\": \"s2\"}]}");
    put("a.json", "{\"source\": \"a\", \"chain\": \"eip155:1\", \"height\": 7, \"hash\": \"" H5 "\"}");
    put("b.json", "[{\"source\": \"b\", \"chain\": \"eip155:1\", \"height\": \"0x7\", \"hash\": \"" H5 "\"}]");
    assert_int_equal(verify("agreement", "a.json", "b.json"), 0);
    assert_report(0, true, "valid");
    assert_int_equal(verify("agreement", "a.json", NULL), 1);
    assert_report(0, false, "agreement-too-few-independent-sources");
    put("b.json", "{\"source\": \"b\", \"chain\": \"eip155:1\", \"height\": 7, \"hash\": \"" H6 "\"}");
    assert_int_equal(verify("agreement", "a.json", "b.json"), 1);
    assert_report(0, false, "agreement-contradiction");
    put("b.json", "{\"source\": \"c\", \"chain\": \"eip155:1\", \"height\": 7, \"hash\": \"" H5 "\"}");
    assert_int_equal(verify("agreement", "a.json", "b.json"), 1);
    assert_report(0, false, "agreement-unknown-source");
}

/* trusted.json from fields of a recorded block, which is found from the repository's root. */
#define RECORDED "tests/vectors/data/anvil_prague/"

static void trust_block(const char *const fields[][2], size_t count, const char *more)
{
    char text[1024] = "{";
    size_t at = 1;
    struct tools_json_doc *doc = tools_json_open(RECORDED "block.json");
    for (size_t i = 0; i < count; i++) {
        const struct tools_json *node = tools_json_get(tools_json_root(doc), fields[i][1]);
        struct bytes value = tools_json_text(doc, node, fields[i][1]);
        assert_non_null(value.data);
        at += (size_t)snprintf(text + at, sizeof text - at, "%s\"%s\": \"%s\"", i > 0 ? "," : "", fields[i][0],
                               (const char *)value.data);
        assert_true(at < sizeof text);
    }
    snprintf(text + at, sizeof text - at, "%s}", more);
    put("trusted.json", text);
    tools_json_close(doc);
}

static int verify_recorded(const char *kind, const char *file)
{
    char path[256];
    char *argv[] = {(char[]){"verify"}, (char[32]){""}, (char[]){"--trusted"}, path, (char[64]){""}, NULL};
    path_of(path, sizeof path, "trusted.json");
    snprintf(argv[1], 32, "%s", kind);
    snprintf(argv[4], 64, "%s%s", RECORDED, file);
    return tools_verify_main(5, argv);
}

static void test_a_recorded_block_is_proven_from_its_hash_down(void **state)
{
    static const char *const hash[][2] = {{"hash", "hash"}};
    static const char *const receipts[][2] = {{"receipts_root", "receiptsRoot"}};
    static const char *const root[][2] = {{"state_root", "stateRoot"}};
    static const char *const wrong[][2] = {{"state_root", "receiptsRoot"}};
    char address[256];
    (void)state;
    struct tools_json_doc *proof = tools_json_open(RECORDED "proof.json");
    struct bytes text = tools_json_text(proof, tools_json_get(tools_json_root(proof), "address"), "address");
    assert_non_null(text.data);
    snprintf(address, sizeof address,
             ",\"address\": \"%s\", \"slot\": \"0x0000000000000000000000000000000000000000000000000000000000000001\"",
             (const char *)text.data);
    tools_json_close(proof);
    trust_block(hash, 1, "");
    assert_int_equal(verify_recorded("eth-header", "block.json"), 0);
    trust_block(receipts, 1, "");
    assert_int_equal(verify_recorded("eth-receipts", "receipts.json"), 0);
    trust_block(root, 1, address);
    assert_int_equal(verify_recorded("eth-account", "proof.json"), 0);
    assert_int_equal(verify_recorded("eth-storage", "proof.json"), 0);
    trust_block(wrong, 1, address);
    assert_int_equal(verify_recorded("eth-account", "proof.json"), 1);
    assert_int_equal(verify_recorded("eth-storage", "proof.json"), 1);
}

/* The whole of a recorded file, after `before` and before `after`, as trusted.json or an evidence file. */
static void put_around(const char *name, const char *before, const char *recorded, const char *after)
{
    static char text[1 << 16];
    size_t at = (size_t)snprintf(text, sizeof text, "%s", before);
    FILE *file = fopen(recorded, "r");
    assert_non_null(file);
    at += fread(text + at, 1, sizeof text - at - 512, file);
    fclose(file);
    snprintf(text + at, sizeof text - at, "%s", after);
    put(name, text);
}

#define COMETBFT_RECORDED "tests/vectors/data/cometbft/"
#define COMETBFT_CLOCK    ",\"now\":\"2025-10-09T08:53:30Z\",\"trusting_period_s\":1209600,\"max_clock_drift_s\":10}"

static void test_a_cometbft_block_follows_from_the_one_before_and_not_from_itself(void **state)
{
    (void)state;
    put_around("trusted.json", "{\"chain_id\":\"isthmus-open-4\",\"trusted\":", COMETBFT_RECORDED "gen4/block_2.json",
               COMETBFT_CLOCK);
    put_around("a.json", "", COMETBFT_RECORDED "gen4/block_3.json", "");
    put_around("b.json", "", COMETBFT_RECORDED "gen4/block_2.json", "");
    assert_int_equal(verify("cometbft-header", "a.json", NULL), 0);
    assert_report(0, true, "valid");
    assert_int_equal(verify("cometbft-header", "b.json", NULL), 1);
    assert_report(0, false, "cometbft-height-not-newer");
    put_around("trusted.json", "{\"chain_id\":\"another-chain\",\"trusted\":", COMETBFT_RECORDED "gen4/block_2.json",
               COMETBFT_CLOCK);
    assert_int_equal(verify("cometbft-header", "a.json", NULL), 2);
}

/* What the only case of the last report says of a file that is not usable; with its path, which begins so. */
static void assert_error(const char *file, const char *says)
{
    char path[256], at[256];
    path_of(path, sizeof path, "report.json");
    path_of(at, sizeof at, file);
    struct tools_json_doc *doc = tools_json_open(path);
    const struct tools_json *c = tools_json_at(tools_json_get(tools_json_root(doc), "cases"), 0);
    struct bytes text = tools_json_text(doc, tools_json_get(c, "error"), "error");
    assert_null(tools_json_error(doc));
    assert_memory_equal(text.data, at, strlen(at));
    assert_non_null(strstr((const char *)text.data, says));
    tools_json_close(doc);
}

/* Without the announced set a later block cannot be judged: that is the trusted file's fault, not the evidence's. */
static void test_a_cometbft_block_further_on_wants_the_next_set_in_the_trusted_file(void **state)
{
    static const char *const before = "{\"chain_id\":\"isthmus-open-4\",\"trusted\":";
    static char with[1 << 13];
    (void)state;
    put_around("b.json", "", COMETBFT_RECORDED "gen4/block_3.json", "");
    put_around("trusted.json", before, COMETBFT_RECORDED "gen4/block_1.json", COMETBFT_CLOCK);
    assert_int_equal(verify("cometbft-header", "b.json", NULL), 2);
    assert_error("trusted.json", "next_validators: is missing");

    put_around("trusted.json", before, COMETBFT_RECORDED "gen4/block_1.json", ",\"next_validators\":[]" COMETBFT_CLOCK);
    assert_int_equal(verify("cometbft-header", "b.json", NULL), 2);
    assert_error("trusted.json", "next_validators: is not the set that the trusted header announces");

    struct tools_json_doc *block = tools_json_open(COMETBFT_RECORDED "gen4/block_1.json");
    char *dump = tools_json_dump(tools_json_get(tools_json_root(block), "next_validator_set"));
    assert_true(strlen(dump) + 256 < sizeof with);
    snprintf(with, sizeof with, ",\"next_validators\":%s%s", dump, COMETBFT_CLOCK);
    free(dump);
    tools_json_close(block);
    put_around("trusted.json", before, COMETBFT_RECORDED "gen4/block_1.json", with);
    assert_int_equal(verify("cometbft-header", "b.json", NULL), 0);
    assert_report(0, true, "valid");
}

static void test_a_cometbft_commit_is_that_of_the_trusted_hash(void **state)
{
    (void)state;
    put("trusted.json",
        "{\"chain_id\":\"isthmus-open-4\",\"height\":3,"
        "\"hash\":\"0x8ff952515cf41b0599e1b47607e42f5c32c399a1af569a08bafabbe0534a2963\"" COMETBFT_CLOCK);
    put_around("a.json", "", COMETBFT_RECORDED "gen4/block_3.json", "");
    put_around("b.json", "", COMETBFT_RECORDED "gen4/block_2.json", "");
    assert_int_equal(verify("cometbft-commit", "a.json", NULL), 0);
    assert_int_equal(verify("cometbft-commit", "b.json", NULL), 1);
    assert_report(0, false, "cometbft-commit-other-height");
}

/* What a real block carried when two nodes ran with one key. */
static void test_cometbft_votes_name_who_signed_two_of_one_step(void **state)
{
    static char text[1 << 14];
    (void)state;
    put_around("trusted.json",
               "{\"chain_id\":\"kv-four-1\",\"trusted\":", COMETBFT_RECORDED "live-kv4-evidence/block_1397.json",
               ",\"now\":\"2026-11-21T07:00:00Z\",\"trusting_period_s\":1209600,\"max_clock_drift_s\":10}");
    FILE *file = fopen(COMETBFT_RECORDED "live-kv4-evidence/full_1398.json", "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    char *value = strstr(text, "{\"type\":\"tendermint/DuplicateVoteEvidence\"");
    assert_non_null(value);
    char *end = strstr(value, "}]");
    assert_non_null(end);
    end[1] = '\0';
    put("a.json", value);
    char *power = strstr(value, "\"ValidatorPower\":\"13\"");
    assert_non_null(power);
    assert_int_equal(verify("cometbft-votes", "a.json", NULL), 0);
    assert_report(0, true, "valid");
    power[strlen("\"ValidatorPower\":\"1")] = '2';
    put("b.json", value);
    assert_int_equal(verify("cometbft-votes", "b.json", NULL), 1);
    assert_report(0, false, "cometbft-evidence-other-power-or-time");
}

static void test_ics23_proofs_are_of_their_tree(void **state)
{
    struct tools_json_doc *doc = tools_json_open(COMETBFT_RECORDED "ics23/iavl/exist_left.json");
    const struct tools_json *root = tools_json_root(doc);
    char text[512];
    (void)state;
    for (int right = 1; right >= 0; right--) {
        snprintf(text, sizeof text, "{\"root\":\"%s\",\"key\":\"%s\",\"spec\":\"%s\"}",
                 (const char *)tools_json_text(doc, tools_json_get(root, "root"), "root").data,
                 (const char *)tools_json_text(doc, tools_json_get(root, "key"), "key").data,
                 right ? "iavl" : "tendermint");
        put("trusted.json", text);
        put_around("a.json", "", COMETBFT_RECORDED "ics23/iavl/exist_left.json", "");
        assert_int_equal(verify("ics23", "a.json", NULL), right ? 0 : 1);
    }
    assert_null(tools_json_error(doc));
    tools_json_close(doc);
}

static int run(int argc, const char *const *words)
{
    char copies[8][64];
    char *argv[9] = {NULL};
    for (int i = 0; i < argc; i++) {
        snprintf(copies[i], sizeof copies[i], "%s", words[i]);
        argv[i] = copies[i];
    }
    return tools_verify_main(argc, argv);
}

static void test_unusable_calls_end_with_2(void **state)
{
    (void)state;
    assert_int_equal(run(1, (const char *const[]){"verify"}), 2);
    assert_int_equal(run(2, (const char *const[]){"verify", "--help"}), 0);
    assert_int_equal(run(2, (const char *const[]){"verify", "mpt"}), 2);
    assert_int_equal(run(3, (const char *const[]){"verify", "mpt", "--trusted"}), 2);
    assert_int_equal(run(4, (const char *const[]){"verify", "mpt", "--trusted", "x"}), 2);
    assert_int_equal(run(5, (const char *const[]){"verify", "no-kind", "--trusted", "x", "y"}), 2);
    assert_int_equal(run(5, (const char *const[]){"verify", "mpt", "--trusted", "x", "--why"}), 2);
    assert_int_equal(run(5, (const char *const[]){"verify", "mpt", "--trusted", "/nowhere/x", "/nowhere/y"}), 2);
}

static void test_files_that_are_not_as_documented_are_unusable(void **state)
{
    static const char *const bad[] = {"",
                                      "{",
                                      "[]",
                                      "{\"proof\": 5}",
                                      "{\"proof\": [5]}",
                                      "{\"proof\": [\"0x1\"]}",
                                      "{\"proof\": [\"0xzz\"]}",
                                      "{\"proof\": [], \"proof\": []}"};
    (void)state;
    put("trusted.json",
        "{\"root\": \"0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421\", \"key\": \"0x1234\"}");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        put("a.json", bad[i]);
        assert_int_equal(verify("mpt", "a.json", NULL), 2);
    }
    put("a.json", "{\"proof\": []}");
    assert_int_equal(verify("mpt", "a.json", NULL), 0);
    put("trusted.json", "{\"root\": \"0x56\", \"key\": \"0x1234\"}");
    assert_int_equal(verify("mpt", "a.json", NULL), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_trie_proof_is_valid_and_a_changed_one_is_not),
        cmocka_unit_test(test_an_account_of_an_empty_state_is_absent),
        cmocka_unit_test(test_an_empty_block_has_the_empty_receipts_root),
        cmocka_unit_test(test_a_header_is_refused_under_another_hash),
        cmocka_unit_test(test_agreement_joins_its_evidence_files),
        cmocka_unit_test(test_a_recorded_block_is_proven_from_its_hash_down),
        cmocka_unit_test(test_a_cometbft_block_follows_from_the_one_before_and_not_from_itself),
        cmocka_unit_test(test_a_cometbft_block_further_on_wants_the_next_set_in_the_trusted_file),
        cmocka_unit_test(test_a_cometbft_commit_is_that_of_the_trusted_hash),
        cmocka_unit_test(test_cometbft_votes_name_who_signed_two_of_one_step),
        cmocka_unit_test(test_ics23_proofs_are_of_their_tree),
        cmocka_unit_test(test_unusable_calls_end_with_2),
        cmocka_unit_test(test_files_that_are_not_as_documented_are_unusable),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
