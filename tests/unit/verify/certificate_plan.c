/* Plans: from the worked examples to the texts of two files, and the verdict on them. */
#include "tests/unit/verify/certificate_plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/verify/kinds.h"

#define LANES 3

static const char *const suites[SUITES] = {"keccak256-secp256k1", "sha256-p256", "sm3-sm2", "blake2b256-ed25519"};

static struct tools_json_doc *examples;

int certificate_plan_open(void **state)
{
    (void)state;
    examples = tools_json_open("tests/formats/examples.json");
    return tools_json_error(examples) ? -1 : 0;
}

int certificate_plan_close(void **state)
{
    (void)state;
    tools_json_close(examples);
    return 0;
}

static const struct tools_json *example(const struct tools_json *object, const char *key)
{
    const struct tools_json *node = tools_json_get(object, key);
    assert_non_null(node);
    return node;
}

static const char *text_of(const struct tools_json *object, const char *key)
{
    struct bytes text = tools_json_text(examples, example(object, key), key);
    assert_non_null(text.data);
    return (const char *)text.data;
}

/* The examples of the last lane, which has all suites. */
static const struct tools_json *under(const char *suite)
{
    const struct tools_json *lane = tools_json_at(example(tools_json_root(examples), "lanes"), LANES - 1);
    return example(example(lane, "by_suite"), suite);
}

void certificate_plan_members(struct plan *plan, bool points)
{
    const struct tools_json *list = example(tools_json_root(examples), "members");
    plan->member_count = tools_json_count(list);
    assert_int_equal(plan->member_count, KEYS);
    for (size_t i = 0; i < plan->member_count; i++) {
        const struct tools_json *one = tools_json_at(list, i);
        const struct tools_json *keys = example(tools_json_root(examples), "keys");
        const struct tools_json *key = example(example(keys, text_of(one, "key")), plan->suite);
        plan->members[i].operator=(unsigned) tools_json_u64(examples, example(one, "operator"), "operator");
        plan->members[i].side = (unsigned)tools_json_u64(examples, example(one, "side"), "side");
        COPY(plan->members[i].key, text_of(key, "id"));
        COPY(plan->members[i].point, points ? text_of(key, "point") : "");
    }
    if (strcmp(plan->members[0].key, plan->members[1].key) > 0) { /* both are keys of operator 1 */
        plan->members[KEYS] = plan->members[0];
        plan->members[0] = plan->members[1];
        plan->members[1] = plan->members[KEYS];
    }
}

void certificate_plan_init(struct plan *plan, size_t suite, size_t leaf, size_t count)
{
    memset(plan, 0, sizeof *plan);
    plan->suite = suites[suite];
    plan->quorum = 2;
    plan->epoch = plan->said_epoch = 1;
    certificate_plan_members(plan, suite == P256 || suite == SM2);
    const struct tools_json *all = under(plan->suite);
    const struct tools_json *said = tools_json_at(example(all, "leaves"), leaf);
    const struct tools_json *tree = example(all, leaf == 5 ? "single" : "tree");
    const struct tools_json *path = leaf == 5 ? NULL : tools_json_at(example(tree, "paths"), leaf);
    const struct tools_json *signatures = example(leaf == 5 ? tree : all, "attestations");
    COPY(plan->network, text_of(all, "network"));
    COPY(plan->fields, text_of(said, "fields"));
    plan->kind = text_of(said, "name");
    plan->attestation_count = count;
    for (size_t i = 0; i < count; i++) {
        COPY(plan->attestations[i].key, text_of(tools_json_at(signatures, i), "key_id"));
        COPY(plan->attestations[i].signature, text_of(tools_json_at(signatures, i), "signature"));
        COPY(plan->attestations[i].root, text_of(tree, "root"));
        plan->attestations[i].path_count = tools_json_count(path);
        for (size_t k = 0; k < tools_json_count(path); k++) {
            struct bytes sibling = tools_json_text(examples, tools_json_at(path, k), "path");
            COPY(plan->attestations[i].path[k], (const char *)sibling.data);
        }
    }
}

static void add(struct out *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct out *out, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    out->len += (size_t)vsnprintf(out->text + out->len, sizeof out->text - out->len, format, arguments);
    va_end(arguments);
    assert_true(out->len < sizeof out->text);
}

/* The names of a leaf's fields and how many bytes each has: what §5 says, once more. */
static const struct field {
    const char *kind, *name;
    size_t size;
} fields[] = {
    {"head", "log", 32},      {"head", "number", 8},  {"head", "running", 32},         {"ruling", "log", 32},
    {"ruling", "from", 8},    {"ruling", "to", 8},    {"ruling", "running", 32},       {"ruling", "status", 1},
    {"ruling", "rule", 4},    {"close", "lane", 32},  {"ruling", "policy_version", 8}, {"close", "last", 8},
    {"close", "running", 32}, {"epoch", "chain", 32}, {"close", "next_generation", 4}, {"epoch", "registry", 32},
    {"epoch", "epoch", 8},    {"epoch", "quorum", 2}, {"epoch", "overlap", 8},         {"epoch", "members", 32},
};

static void write_leaf(struct out *out, const struct plan *plan)
{
    const char *at = plan->fields + 2;
    add(out, "{\"kind\": \"%s\"", plan->kind);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        char digits[17] = "";
        if (strcmp(fields[i].kind, plan->kind) != 0)
            continue;
        if (fields[i].size == 32) {
            add(out, ", \"%s\": \"0x%.64s\"", fields[i].name, at);
        } else {
            memcpy(digits, at, 2 * fields[i].size);
            add(out, ", \"%s\": \"%llu\"", fields[i].name, strtoull(digits, NULL, 16));
        }
        at += 2 * fields[i].size;
    }
    assert_int_equal(*at, 0);
    add(out, "}");
}

void certificate_plan_trusted(struct out *out, const struct plan *plan)
{
    out->len = 0;
    add(out, "{\"suite\": \"%s\", \"network\": \"%s\", \"epoch\": %u, \"quorum\": %u, \"members\": [", plan->suite,
        plan->network, plan->epoch, plan->quorum);
    for (size_t i = 0; i < plan->member_count; i++) {
        add(out, "%s{\"operator\": %u, \"side\": %u, \"key\": \"%s\"", i > 0 ? ", " : "", plan->members[i].operator,
            plan->members[i].side, plan->members[i].key);
        if (plan->members[i].point[0])
            add(out, ", \"point\": \"%s\"", plan->members[i].point);
        add(out, "}");
    }
    add(out, "]}");
}

void certificate_plan_evidence(struct out *out, const struct plan *plan)
{
    out->len = 0;
    add(out, "{\"epoch\": %u, \"leaf\": ", plan->said_epoch);
    write_leaf(out, plan);
    add(out, ", \"attestations\": [");
    for (size_t i = 0; i < plan->attestation_count; i++) {
        add(out, "%s{\"key\": \"%s\", \"signature\": \"%s\", ", i > 0 ? ", " : "", plan->attestations[i].key,
            plan->attestations[i].signature);
        if (plan->attestations[i].root[0])
            add(out, "\"root\": \"%s\", ", plan->attestations[i].root);
        add(out, "\"path\": [");
        for (size_t k = 0; k < plan->attestations[i].path_count; k++)
            add(out, "%s\"%s\"", k > 0 ? ", " : "", plan->attestations[i].path[k]);
        add(out, "]}");
    }
    add(out, "]}");
}

struct outcome certificate_plan_check_texts(const char *trusted_text, const char *evidence_text)
{
    struct outcome outcome = {0};
    struct tools_json_doc *trusted = tools_json_parse("trusted", trusted_text, strlen(trusted_text));
    struct tools_json_doc *evidence = tools_json_parse("evidence", evidence_text, strlen(evidence_text));
    struct tools_verify_case c = {.trusted = trusted, .evidence = &evidence, .evidence_count = 1};
    c.facts = tools_json_new_object();
    outcome.verdict = tools_verify_certificate(&c);
    outcome.result = c.result;
    outcome.at_attestation = c.part && strcmp(c.part, "attestation") == 0;
    if (outcome.verdict == PROOF_VALID)
        outcome.operators = tools_json_u64(trusted, tools_json_get(c.facts, "operators"), "operators");
    const char *error = tools_json_error(trusted) ? tools_json_error(trusted) : tools_json_error(evidence);
    snprintf(outcome.error, sizeof outcome.error, "%s", error ? error : "");
    tools_json_free(c.facts);
    tools_json_close(evidence);
    tools_json_close(trusted);
    return outcome;
}

struct outcome certificate_plan_check(const struct plan *plan)
{
    static struct out trusted, evidence;
    certificate_plan_trusted(&trusted, plan);
    certificate_plan_evidence(&evidence, plan);
    return certificate_plan_check_texts(trusted.text, evidence.text);
}

void certificate_plan_flip(char *hex, size_t at)
{
    char *digit = hex + 3 + 2 * at;
    const char *digits = "0123456789abcdef";
    *digit = digits[(strchr(digits, *digit) - digits) ^ 1];
}
