/*
 * isthmus verify certificate: the worked certificates of docs/formats.md §7, and everything that is one byte from them.
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

#include "tests/unit/verify/certificate_plan.h"
#include "tools/verify/json.h"
#include "tools/verify/verify.h"

static void assert_valid(const struct plan *plan, uint64_t operators)
{
    struct outcome outcome = certificate_plan_check(plan);
    assert_string_equal(outcome.error, "");
    assert_string_equal(proof_reason_text(outcome.result.reason), "valid");
    assert_int_equal(outcome.verdict, PROOF_VALID);
    assert_int_equal(outcome.operators, operators);
}

static void assert_refused(const struct plan *plan, const char *reason, bool at_attestation, size_t at)
{
    struct outcome outcome = certificate_plan_check(plan);
    assert_string_equal(outcome.error, "");
    assert_string_equal(proof_reason_text(outcome.result.reason), reason);
    assert_int_equal(outcome.verdict, PROOF_INVALID);
    assert_int_equal(outcome.at_attestation, at_attestation);
    assert_int_equal(outcome.result.at, at);
}

static void assert_unusable(const struct plan *plan, const char *part_of_error)
{
    struct outcome outcome = certificate_plan_check(plan);
    assert_int_equal(outcome.verdict, PROOF_INVALID);
    if (!strstr(outcome.error, part_of_error))
        fail_msg("the error is '%s'; it should say '%s'", outcome.error, part_of_error);
}

static void test_the_worked_certificates_are_valid_under_every_suite(void **state)
{
    static const struct {
        size_t leaf, signers, operators;
    } cases[] = {{0, 2, 2}, {0, 3, 3}, {0, 4, 3}, {1, 2, 2}, {2, 2, 2}, {3, 2, 2}, {4, 3, 3}, {5, 2, 2}};
    struct plan plan;
    (void)state;
    for (size_t suite = 0; suite < SUITES; suite++)
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            certificate_plan_init(&plan, suite, cases[i].leaf, cases[i].signers);
            assert_valid(&plan, cases[i].operators);
            for (size_t k = 0; k < plan.attestation_count; k++)
                plan.attestations[k].root[0] = 0;
            assert_valid(&plan, cases[i].operators);
            COPY(plan.network, "demo");
            assert_valid(&plan, cases[i].operators);
        }
}

static void test_an_ethereum_key_may_be_written_as_its_address(void **state)
{
    struct plan plan;
    (void)state;
    certificate_plan_init(&plan, KECCAK, 0, 2);
    memmove(plan.members[1].key + 2, plan.members[1].key + 26, 41);
    memmove(plan.attestations[1].key + 2, plan.attestations[1].key + 26, 41);
    assert_valid(&plan, 2);
    certificate_plan_init(&plan, ED, 0, 2);
    memmove(plan.attestations[1].key + 2, plan.attestations[1].key + 26, 41);
    assert_unusable(&plan, "evidence: key: has 20 bytes; must have 32");
}

/* A changed signature is another one, or none: not every r is a point's x, not every s is in range. */
static void assert_signature_refused(const struct plan *plan, size_t at)
{
    struct outcome outcome = certificate_plan_check(plan);
    assert_string_equal(outcome.error, "");
    assert_int_equal(outcome.verdict, PROOF_INVALID);
    assert_true(outcome.result.reason == PROOF_REASON_SIGNATURE_WRONG ||
                outcome.result.reason == PROOF_REASON_SIGNATURE_MALFORMED);
    assert_true(outcome.at_attestation);
    assert_int_equal(outcome.result.at, at);
}

static void test_every_changed_byte_of_a_signature_is_refused(void **state)
{
    struct plan plan;
    (void)state;
    for (size_t suite = 0; suite < SUITES; suite++) {
        certificate_plan_init(&plan, suite, 0, 2);
        for (size_t i = 0; i < 2; i++)
            for (size_t at = 0; at < 64; at++) {
                certificate_plan_flip(plan.attestations[i].signature, at);
                assert_signature_refused(&plan, i);
                certificate_plan_flip(plan.attestations[i].signature, at);
            }
        assert_valid(&plan, 2);
    }
}

static void test_every_changed_byte_of_a_path_is_refused(void **state)
{
    struct plan plan;
    (void)state;
    certificate_plan_init(&plan, KECCAK, 0, 2);
    for (size_t i = 0; i < 2; i++)
        for (size_t at = 0; at < 96; at++) {
            char root[HEX32];
            certificate_plan_flip(plan.attestations[i].path[at / 32], at % 32);
            assert_refused(&plan, "merkle-root-mismatch", true, i);
            COPY(root, plan.attestations[i].root);
            plan.attestations[i].root[0] = 0;
            assert_refused(&plan, "signature-wrong", true, i);
            COPY(plan.attestations[i].root, root);
            certificate_plan_flip(plan.attestations[i].path[at / 32], at % 32);
        }
    plan.attestations[1].path_count = 17;
    for (size_t k = 3; k < 17; k++)
        COPY(plan.attestations[1].path[k], plan.attestations[1].path[0]);
    assert_refused(&plan, "merkle-path-size", true, 1);
}

/* Byte of a field whose change makes the leaf meaningless, and not only another one. */
static bool breaks(const struct plan *plan, size_t at)
{
    return (strcmp(plan->kind, "ruling") == 0 && at >= 32 && at < 40) || /* from grows beyond to */
           (strcmp(plan->kind, "epoch") == 0 && at == 71);               /* epoch 1 to 0 */
}

static void test_every_changed_byte_of_a_leaf_is_refused(void **state)
{
    static const size_t leaves[][2] = {{0, 2}, {3, 2}, {4, 3}, {5, 2}};
    struct plan plan;
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        certificate_plan_init(&plan, KECCAK, leaves[i][0], leaves[i][1]);
        for (size_t at = 0; at < strlen(plan.fields) / 2 - 1; at++) {
            char root[HEX32];
            certificate_plan_flip(plan.fields, at);
            bool broken = breaks(&plan, at);
            assert_refused(&plan, broken ? "leaf-bad-field" : "merkle-root-mismatch", !broken, 0);
            COPY(root, plan.attestations[0].root);
            plan.attestations[0].root[0] = 0;
            assert_refused(&plan, broken ? "leaf-bad-field" : "signature-wrong", !broken, 0);
            COPY(plan.attestations[0].root, root);
            certificate_plan_flip(plan.fields, at);
        }
        assert_valid(&plan, leaves[i][1]);
    }
}

static void test_every_changed_byte_of_the_network_is_refused(void **state)
{
    struct plan plan;
    (void)state;
    for (size_t suite = 0; suite < SUITES; suite++) {
        certificate_plan_init(&plan, suite, 0, 2);
        for (size_t at = 0; at < 32; at++) {
            certificate_plan_flip(plan.network, at);
            assert_refused(&plan, "signature-wrong", true, 0);
            certificate_plan_flip(plan.network, at);
        }
        COPY(plan.network, "demp");
        assert_refused(&plan, "signature-wrong", true, 0);
    }
}

static void test_an_operator_with_two_keys_counts_once(void **state)
{
    struct plan plan;
    (void)state;
    certificate_plan_init(&plan, KECCAK, 0, 4);
    plan.attestations[1] = plan.attestations[3]; /* alpha, delta: both of operator 1 */
    plan.attestation_count = 2;
    assert_refused(&plan, "certificate-too-few-operators", false, 0);
    plan.quorum = 1;
    assert_valid(&plan, 1);
    plan.attestations[1] = plan.attestations[0];
    assert_refused(&plan, "certificate-key-twice", true, 1);
}

static void test_a_closing_record_needs_more_than_half_of_every_side(void **state)
{
    struct plan plan;
    (void)state;
    certificate_plan_init(&plan, KECCAK, 4, 2);
    assert_refused(&plan, "certificate-side-too-few", false, 0);
    certificate_plan_init(&plan, KECCAK, 4, 3);
    assert_valid(&plan, 3);
    plan.attestations[1] = plan.attestations[2];
    plan.attestation_count = 2;
    assert_refused(&plan, "certificate-side-too-few", false, 0);
}

static void test_epoch_quorum_and_strangers_are_told_apart(void **state)
{
    struct plan plan;
    (void)state;
    certificate_plan_init(&plan, KECCAK, 0, 2);
    plan.said_epoch = 2;
    assert_refused(&plan, "certificate-other-epoch", false, 0);
    certificate_plan_init(&plan, KECCAK, 0, 2);
    plan.quorum = 3;
    assert_refused(&plan, "certificate-too-few-operators", false, 0);
    certificate_plan_init(&plan, KECCAK, 0, 0);
    assert_refused(&plan, "certificate-size", false, 0);
    certificate_plan_init(&plan, KECCAK, 0, 2);
    certificate_plan_flip(plan.attestations[1].key, 31);
    assert_refused(&plan, "certificate-key-not-in-epoch", true, 1);
    certificate_plan_init(&plan, KECCAK, 0, 2);
    plan.attestations[0].root[0] = 0;
    certificate_plan_flip(plan.attestations[1].root, 0);
    assert_refused(&plan, "merkle-root-mismatch", true, 1);
}

static void test_members_that_no_epoch_can_have_are_not_usable(void **state)
{
    struct plan plan;
    (void)state;
    certificate_plan_init(&plan, KECCAK, 0, 2);
    plan.members[KEYS] = plan.members[0];
    plan.members[0] = plan.members[1];
    plan.members[1] = plan.members[KEYS];
    assert_unusable(&plan, "trusted: members: cannot be an epoch's: members-not-ascending (at 1)");
    plan.members[0] = plan.members[1];
    assert_unusable(&plan, "members-key-twice (at 1)");
    certificate_plan_init(&plan, KECCAK, 0, 2);
    plan.members[1].side = 2;
    assert_unusable(&plan, "members-operator-on-two-sides (at 1)");
    certificate_plan_init(&plan, KECCAK, 0, 2);
    plan.quorum = 4;
    assert_unusable(&plan, "members-quorum");
    plan.quorum = 0;
    assert_unusable(&plan, "members-quorum");
    plan.member_count = 0;
    assert_unusable(&plan, "members-count");
}

static void test_keys_points_and_names_are_read_strictly(void **state)
{
    struct plan plan;
    (void)state;
    certificate_plan_init(&plan, KECCAK, 0, 2);
    certificate_plan_flip(plan.members[0].key, 0);
    assert_unusable(&plan, "trusted: key: is not a key of the suite");
    certificate_plan_init(&plan, P256, 0, 2);
    COPY(plan.members[0].point, "");
    assert_unusable(&plan, "trusted: point: is missing");
    certificate_plan_init(&plan, P256, 0, 2);
    certificate_plan_flip(plan.members[0].point, 63);
    assert_unusable(&plan, "trusted: point: is not on the suite's curve");
    certificate_plan_init(&plan, P256, 0, 2);
    certificate_plan_flip(plan.members[0].key, 31);
    assert_unusable(&plan, "trusted: point: belongs to another key");
    COPY(plan.members[0].point, plan.members[1].point);
    assert_unusable(&plan, "trusted: point: belongs to another key");
    certificate_plan_init(&plan, ED, 0, 2);
    certificate_plan_members(&plan, true);
    assert_unusable(&plan, "trusted: point: is only for");
    certificate_plan_init(&plan, KECCAK, 0, 2);
    plan.suite = "keccak256";
    assert_unusable(&plan, "trusted: suite: must be");
    certificate_plan_init(&plan, KECCAK, 0, 2);
    COPY(plan.network, "Demo");
    assert_unusable(&plan, "trusted: network: must be a name");
    COPY(plan.network, "0x12");
    assert_unusable(&plan, "trusted: network: has 1 bytes; must have 32");
    COPY(plan.network, "demo\\u0000x");
    assert_unusable(&plan, "trusted: network: has a zero byte in it");
    COPY(plan.network, "0x0000000000000000000000000000000000000000000000000000000000000000");
    assert_unusable(&plan, "trusted: network: is zero");
    certificate_plan_init(&plan, KECCAK, 0, 2);
    plan.members[3].operator= 65536;
    assert_unusable(&plan, "trusted: operator: must be at most 65535");
    certificate_plan_init(&plan, KECCAK, 0, 2);
    plan.members[3].side = 256;
    assert_unusable(&plan, "trusted: side: must be at most 255");
}

static void test_evidence_that_is_not_as_documented_is_not_usable(void **state)
{
    static const char *const bad[][2] = {
        {"[]", "epoch: is missing"},
        {"{\"epoch\": -1}", "epoch: must be a text"},
        {"{\"epoch\": 1}", "leaf.kind: is missing"},
        {"{\"epoch\": 1, \"leaf\": {\"kind\": \"tail\"}}", "leaf.kind: must be head, ruling, close or epoch"},
        {"{\"epoch\": 1, \"leaf\": {\"kind\": \"head\"}}", "log: is missing"},
        {"{\"epoch\": 1, \"leaf\": {\"kind\": \"ruling\", \"status\": 260}}", "log: is missing"},
        {"{\"epoch\": 1, \"epoch\": 1}", "not JSON"},
    };
    static struct out trusted, evidence;
    struct plan plan;
    (void)state;
    certificate_plan_init(&plan, KECCAK, 0, 2);
    certificate_plan_trusted(&trusted, &plan);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct outcome outcome = certificate_plan_check_texts(trusted.text, bad[i][0]);
        assert_int_equal(outcome.verdict, PROOF_INVALID);
        if (!strstr(outcome.error, bad[i][1]))
            fail_msg("'%s' gives '%s'; it should say '%s'", bad[i][0], outcome.error, bad[i][1]);
    }
    plan.attestations[1].signature[HEX64 - 3] = 0;
    assert_unusable(&plan, "evidence: signature: has 63 bytes; must have 64");
    certificate_plan_init(&plan, KECCAK, 0, 2);
    COPY(plan.attestations[0].path[1], "0x12");
    assert_unusable(&plan, "evidence: path: has 1 bytes; must have 32");
    certificate_plan_init(&plan, KECCAK, 0, 2);
    certificate_plan_evidence(&evidence, &plan);
    for (size_t len = 0; len < evidence.len; len++) {
        char whole = evidence.text[len];
        evidence.text[len] = 0;
        struct outcome outcome = certificate_plan_check_texts(trusted.text, evidence.text);
        evidence.text[len] = whole;
        assert_int_equal(outcome.verdict, PROOF_INVALID);
        assert_string_not_equal(outcome.error, "");
    }
    assert_int_equal(certificate_plan_check_texts(trusted.text, evidence.text).verdict, PROOF_VALID);
}

static void put(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void test_the_command_ends_with_0_1_or_2_and_reports_operators(void **state)
{
    char folder[] = "/tmp/isthmus-certificate-XXXXXX";
    char paths[3][64];
    static struct out trusted, evidence;
    struct plan plan;
    (void)state;
    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < 3; i++)
        snprintf(paths[i], sizeof paths[i], "%s/%zu.json", folder, i);
    char *argv[] = {(char[]){"verify"},
                    (char[]){"certificate"},
                    (char[]){"--trusted"},
                    paths[0],
                    (char[]){"--report"},
                    paths[2],
                    paths[1],
                    NULL};
    certificate_plan_init(&plan, KECCAK, 0, 2);
    certificate_plan_trusted(&trusted, &plan);
    certificate_plan_evidence(&evidence, &plan);
    put(paths[0], trusted.text);
    put(paths[1], evidence.text);
    assert_int_equal(tools_verify_main(7, argv), 0);
    struct tools_json_doc *report = tools_json_open(paths[2]);
    const struct tools_json *c = tools_json_at(tools_json_get(tools_json_root(report), "cases"), 0);
    const struct tools_json *operators = tools_json_get(tools_json_get(c, "facts"), "operators");
    assert_int_equal(tools_json_u64(report, operators, "operators"), 2);
    assert_null(tools_json_error(report));
    tools_json_close(report);

    certificate_plan_flip(plan.attestations[1].signature, 0);
    certificate_plan_evidence(&evidence, &plan);
    put(paths[1], evidence.text);
    assert_int_equal(tools_verify_main(7, argv), 1);
    report = tools_json_open(paths[2]);
    c = tools_json_at(tools_json_get(tools_json_root(report), "cases"), 0);
    assert_string_equal((const char *)tools_json_text(report, tools_json_get(c, "part"), "part").data, "attestation");
    assert_int_equal(tools_json_u64(report, tools_json_get(c, "at"), "at"), 1);
    tools_json_close(report);

    plan.quorum = 9;
    certificate_plan_trusted(&trusted, &plan);
    put(paths[0], trusted.text);
    assert_int_equal(tools_verify_main(7, argv), 2);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(unlink(paths[i]), 0);
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_worked_certificates_are_valid_under_every_suite),
        cmocka_unit_test(test_an_ethereum_key_may_be_written_as_its_address),
        cmocka_unit_test(test_every_changed_byte_of_a_signature_is_refused),
        cmocka_unit_test(test_every_changed_byte_of_a_path_is_refused),
        cmocka_unit_test(test_every_changed_byte_of_a_leaf_is_refused),
        cmocka_unit_test(test_every_changed_byte_of_the_network_is_refused),
        cmocka_unit_test(test_an_operator_with_two_keys_counts_once),
        cmocka_unit_test(test_a_closing_record_needs_more_than_half_of_every_side),
        cmocka_unit_test(test_epoch_quorum_and_strangers_are_told_apart),
        cmocka_unit_test(test_members_that_no_epoch_can_have_are_not_usable),
        cmocka_unit_test(test_keys_points_and_names_are_read_strictly),
        cmocka_unit_test(test_evidence_that_is_not_as_documented_is_not_usable),
        cmocka_unit_test(test_the_command_ends_with_0_1_or_2_and_reports_operators),
    };
    return cmocka_run_group_tests(tests, certificate_plan_open, certificate_plan_close);
}
