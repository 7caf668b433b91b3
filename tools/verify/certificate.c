/*
 * The kind `certificate`: members of an epoch and a certificate out of two files (docs/formats.md §5).
 *
 * Members that no epoch could have make the trusted file unusable, so that whatever is refused lies in the certificate.
 */
#include "proofs/certificate.h"

#include <stdio.h>
#include <string.h>

#include "proofs/lane.h"
#include "proofs/merkle.h"
#include "tools/verify/kinds.h"

/* A text without zero bytes; "" after an error. */
static const char *read_word(struct tools_json_doc *doc, const struct tools_json *node, const char *field)
{
    struct bytes text = tools_json_text(doc, node, field);
    if (!text.data)
        return "";
    if (strlen((const char *)text.data) == text.len)
        return (const char *)text.data;
    tools_json_fail(doc, field, "has a zero byte in it");
    return "";
}

/* object[key], a number up to max. */
static uint64_t read_number(struct tools_json_doc *doc, const struct tools_json *object, const char *key, uint64_t max)
{
    uint64_t value = tools_json_u64(doc, tools_json_get(object, key), key);
    if (value <= max)
        return value;
    char what[64];
    snprintf(what, sizeof what, "must be at most %llu", (unsigned long long)max);
    tools_json_fail(doc, key, what);
    return 0;
}

static void read_hash(uint8_t out[32], struct tools_json_doc *doc, const struct tools_json *object, const char *key)
{
    tools_json_hex_exact(out, 32, doc, tools_json_get(object, key), key);
}

/* How many elements the list object[key] has; 0 and an error when it is no list. */
static size_t count_list(struct tools_json_doc *doc, const struct tools_json *object, const char *key)
{
    const struct tools_json *list = tools_json_get(object, key);
    if (tools_json_kind(list) == TOOLS_JSON_ARRAY)
        return tools_json_count(list);
    tools_json_fail(doc, key, list ? "must be a list" : "is missing");
    return 0;
}

/* object["key"]: a key id, or for an Ethereum key its address. */
static void read_key_id(uint8_t out[32], struct tools_json_doc *doc, const struct tools_json *object,
                        enum proof_suite suite)
{
    const struct tools_json *node = tools_json_get(object, "key");
    size_t address = suite == PROOF_SUITE_KECCAK256_SECP256K1 && tools_json_hex(doc, node, "key").len == 20 ? 12 : 0;
    memset(out, 0, 32);
    tools_json_hex_exact(out + address, 32 - address, doc, node, "key");
}

static void read_network(uint8_t out[32], const struct tools_verify_case *c, enum proof_suite suite)
{
    const struct tools_json *node = tools_json_get(tools_json_root(c->trusted), "network");
    const char *text = read_word(c->trusted, node, "network");
    if (strncmp(text, "0x", 2) == 0)
        tools_json_hex_exact(out, 32, c->trusted, node, "network");
    else if (!proof_network_id(out, suite, text))
        tools_json_fail(c->trusted, "network", "must be a name (1 to 32 of a-z 0-9 -) or 0x and an id of 32 bytes");
    if (codec_bytes_are_zero(out, 32))
        tools_json_fail(c->trusted, "network", "is zero: that is no network");
}

static void read_member(struct proof_member *out, struct tools_json_doc *doc, const struct tools_json *member,
                        enum proof_suite suite)
{
    uint8_t id[32];
    uint8_t point[64];
    const struct tools_json *said = tools_json_get(member, "point");
    uint64_t operator= read_number(doc, member, "operator", UINT16_MAX);
    uint64_t side = read_number(doc, member, "side", UINT8_MAX);
    *out = (struct proof_member){.operator=(uint16_t) operator, .side =(uint8_t) side};
    read_key_id(id, doc, member, suite);
    if (suite != PROOF_SUITE_SHA256_P256 && suite != PROOF_SUITE_SM3_SM2) {
        if (said)
            tools_json_fail(doc, "point", "is only for sha256-p256 and sm3-sm2: leave it out");
        if (!proof_key_from_id(&out->key, suite, id))
            tools_json_fail(doc, "key", "is not a key of the suite");
        return;
    }
    tools_json_hex_exact(point, sizeof point, doc, said, "point");
    if (!proof_key_from_point(&out->key, suite, point))
        tools_json_fail(doc, "point", "is not on the suite's curve");
    else if (memcmp(out->key.id, id, 32) != 0)
        tools_json_fail(doc, "point", "belongs to another key: it must hash to the key id");
}

/* All of the trusted file; its error says when an epoch cannot be so, and the result why. */
static void read_trusted(struct proof_epoch_members *epoch, uint8_t network[32], struct tools_verify_case *c)
{
    struct tools_json_doc *doc = c->trusted;
    const struct tools_json *root = tools_json_root(doc);
    epoch->suite = proof_suite_by_name(read_word(doc, tools_json_get(root, "suite"), "suite"));
    if (epoch->suite == PROOF_SUITE_NONE) {
        tools_json_fail(doc, "suite", "must be keccak256-secp256k1, sha256-p256, sm3-sm2 or blake2b256-ed25519");
        return;
    }
    read_network(network, c, epoch->suite);
    epoch->epoch = read_number(doc, root, "epoch", UINT64_MAX);
    epoch->quorum = (uint16_t)read_number(doc, root, "quorum", UINT16_MAX);
    epoch->count = count_list(doc, root, "members");
    struct proof_member *members = tools_json_alloc(doc, epoch->count, sizeof *members);
    for (size_t i = 0; i < epoch->count; i++)
        read_member(&members[i], doc, tools_json_at(tools_json_get(root, "members"), i), epoch->suite);
    epoch->members = members;
    if (tools_json_error(doc) || proof_members_check(epoch, &c->result))
        return;
    char what[96];
    snprintf(what, sizeof what, "cannot be an epoch's: %s (at %zu)", proof_reason_text(c->result.reason), c->result.at);
    tools_json_fail(doc, "members", what);
}

static void read_leaf(struct proof_leaf *leaf, struct tools_json_doc *doc, const struct tools_json *said)
{
    const char *name = read_word(doc, tools_json_get(said, "kind"), "leaf.kind");
    for (int kind = PROOF_LEAF_HEAD; kind <= PROOF_LEAF_EPOCH; kind++)
        if (strcmp(name, proof_leaf_kind_name((enum proof_leaf_kind)kind)) == 0)
            leaf->kind = (enum proof_leaf_kind)kind;
    switch (leaf->kind) {
    case PROOF_LEAF_HEAD:
        read_hash(leaf->head.log, doc, said, "log");
        leaf->head.number = read_number(doc, said, "number", UINT64_MAX);
        read_hash(leaf->head.running, doc, said, "running");
        return;
    case PROOF_LEAF_RULING:
        read_hash(leaf->ruling.log, doc, said, "log");
        leaf->ruling.from = read_number(doc, said, "from", UINT64_MAX);
        leaf->ruling.to = read_number(doc, said, "to", UINT64_MAX);
        read_hash(leaf->ruling.running, doc, said, "running");
        leaf->ruling.status = (uint8_t)read_number(doc, said, "status", UINT8_MAX);
        leaf->ruling.rule = (uint32_t)read_number(doc, said, "rule", UINT32_MAX);
        leaf->ruling.policy_version = read_number(doc, said, "policy_version", UINT64_MAX);
        return;
    case PROOF_LEAF_CLOSE:
        read_hash(leaf->close.lane, doc, said, "lane");
        leaf->close.last = read_number(doc, said, "last", UINT64_MAX);
        read_hash(leaf->close.running, doc, said, "running");
        leaf->close.next_generation = (uint32_t)read_number(doc, said, "next_generation", UINT32_MAX);
        return;
    case PROOF_LEAF_EPOCH:
        read_hash(leaf->epoch.chain, doc, said, "chain");
        read_hash(leaf->epoch.registry, doc, said, "registry");
        leaf->epoch.epoch = read_number(doc, said, "epoch", UINT64_MAX);
        leaf->epoch.quorum = (uint16_t)read_number(doc, said, "quorum", UINT16_MAX);
        leaf->epoch.overlap = read_number(doc, said, "overlap", UINT64_MAX);
        read_hash(leaf->epoch.members, doc, said, "members");
        return;
    case PROOF_LEAF_NONE: tools_json_fail(doc, "leaf.kind", "must be head, ruling, close or epoch"); return;
    }
}

/* leaf: its hash, from which the root follows when none is said. */
static void read_attestation(struct proof_attestation *out, struct tools_json_doc *doc, const struct tools_json *said,
                             enum proof_suite suite, const uint8_t leaf[32])
{
    const struct tools_json *siblings = tools_json_get(said, "path");
    size_t count = count_list(doc, said, "path");
    uint8_t above[32];
    uint8_t(*path)[32] = tools_json_alloc(doc, count, sizeof *path);
    out->suite = suite;
    read_key_id(out->key_id, doc, said, suite);
    tools_json_hex_exact(out->signature, sizeof out->signature, doc, tools_json_get(said, "signature"), "signature");
    memcpy(out->root, leaf, 32);
    for (size_t i = 0; i < count; i++) {
        tools_json_hex_exact(path[i], 32, doc, tools_json_at(siblings, i), "path");
        proof_merkle_node(above, suite, out->root, path[i]);
        memcpy(out->root, above, 32);
    }
    out->path = (struct bytes){path[0], 32 * count};
    if (tools_json_get(said, "root"))
        read_hash(out->root, doc, said, "root");
}

static void read_certificate(struct proof_certificate *out, struct tools_json_doc *doc, enum proof_suite suite)
{
    uint8_t leaf[32];
    const struct tools_json *root = tools_json_root(doc);
    out->suite = suite;
    out->epoch = read_number(doc, root, "epoch", UINT64_MAX);
    read_leaf(&out->leaf, doc, tools_json_get(root, "leaf"));
    out->count = count_list(doc, root, "attestations");
    if (tools_json_error(doc))
        return;
    proof_leaf_hash(leaf, suite, &out->leaf);
    struct proof_attestation *attestations = tools_json_alloc(doc, out->count, sizeof *attestations);
    for (size_t i = 0; i < out->count; i++)
        read_attestation(&attestations[i], doc, tools_json_at(tools_json_get(root, "attestations"), i), suite, leaf);
    out->attestations = attestations;
}

/* Whether a refusal is about one attestation, and not about the certificate as a whole. */
static bool of_attestation(enum proof_reason reason)
{
    return reason != PROOF_REASON_CERTIFICATE_SIZE && reason != PROOF_REASON_CERTIFICATE_EPOCH &&
           reason != PROOF_REASON_LEAF_FIELD && reason != PROOF_REASON_CERTIFICATE_TOO_FEW &&
           reason != PROOF_REASON_CERTIFICATE_SIDE_TOO_FEW;
}

enum proof_verdict tools_verify_certificate(struct tools_verify_case *c)
{
    uint8_t network[32] = {0};
    struct proof_epoch_members epoch = {0};
    struct proof_certificate certificate = {0};
    struct proof_certificate_fact fact;
    read_trusted(&epoch, network, c);
    if (tools_json_error(c->trusted))
        return PROOF_INVALID;
    read_certificate(&certificate, c->evidence[0], epoch.suite);
    if (tools_json_error(c->evidence[0])) {
        c->result = (struct proof_result){PROOF_REASON_NOT_CHECKED, 0};
        return PROOF_INVALID;
    }
    const struct proof_certificate_trust trust = {network, &epoch};
    enum proof_verdict verdict = proof_certificate_verify(&certificate, &trust, &fact, &c->result);
    if (verdict != PROOF_VALID) {
        c->part = of_attestation(c->result.reason) ? "attestation" : NULL;
        return verdict;
    }
    tools_json_set_text(c->facts, "leaf", proof_leaf_kind_name(fact.leaf.kind));
    tools_json_set_hex(c->facts, "leaf_hash", BYTES_OF(fact.leaf_hash));
    tools_json_set_integer(c->facts, "operators", (int64_t)fact.operators);
    return verdict;
}
