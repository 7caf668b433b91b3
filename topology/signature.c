/*
 * Signing the network document, and checking that every side's root did.
 */
#include "topology/signature.h"

#include <stdio.h>
#include <string.h>

#include "proofs/codec/hash.h"
#include "proofs/codec/hex.h"
#include "proofs/codec/sodium.h"
#include "proofs/suite.h"

void topology_document_hash(uint8_t out[32], struct bytes document)
{
    proof_hash(out, PROOF_SUITE_BLAKE2B256_ED25519, PROOF_TAG_DOCUMENT, &document, 1);
}

bool topology_signature_line(char out[TOPOLOGY_SIGNATURE_LINE], const char *root, const uint8_t seed[32],
                             const uint8_t hash[32])
{
    uint8_t signature[64];
    size_t name = strlen(root);

    if (name == 0 || name > TOPOLOGY_NAME_MAX || !codec_sodium_ed25519_sign(signature, seed, (struct bytes){hash, 32}))
        return false;
    memcpy(out, root, name);
    out[name] = ' ';
    codec_hex_encode(out + name + 1, BYTES_OF(signature));
    memcpy(out + name + 1 + 128, "\n", 2);
    return true;
}

struct check {
    struct topology_problem *problems;
    size_t cap, total;
};

static struct topology_problem *add(struct check *check, size_t line)
{
    struct topology_problem *problem = check->total < check->cap ? &check->problems[check->total] : NULL;
    check->total++;
    if (problem && line)
        snprintf(problem->path, sizeof problem->path, "line %zu", line);
    else if (problem)
        problem->path[0] = '\0';
    return problem;
}

static void check_line(struct check *check, bool signed_by[TOPOLOGY_ROOTS_MAX], const struct topology_network *network,
                       struct bytes text, size_t number)
{
    const char *line = (const char *)text.data;
    const char *space = memchr(line, ' ', text.len);
    size_t name = space ? (size_t)(space - line) : 0, root = 0;
    uint8_t signature[64];
    struct topology_problem *problem;

    if (!space || name > TOPOLOGY_NAME_MAX || !codec_hex_decode_exact(signature, 64, space + 1, text.len - name - 1)) {
        problem = add(check, number);
        if (problem)
            snprintf(problem->text, sizeof problem->text,
                     "is not \"name signature\" with a signature of 128 hex digits");
        return;
    }
    while (root < network->roots_len &&
           (strlen(network->roots[root].name) != name || memcmp(network->roots[root].name, line, name) != 0))
        root++;
    if (root == network->roots_len || root >= TOPOLOGY_ROOTS_MAX) {
        problem = add(check, number);
        if (problem)
            snprintf(problem->text, sizeof problem->text, "'%.*s' is no root of this document: remove the line",
                     (int)name, line);
    } else if (signed_by[root]) {
        problem = add(check, number);
        if (problem)
            snprintf(problem->text, sizeof problem->text, "root '%s' stands here twice: keep one line",
                     network->roots[root].name);
    } else if (!codec_sodium_ed25519_verify(network->roots[root].key, BYTES_OF(network->hash), signature)) {
        signed_by[root] = true; /* it has its line; do not call it missing, too */
        problem = add(check, number);
        if (problem)
            snprintf(
                problem->text, sizeof problem->text,
                "the signature of root '%s' does not fit the document: it changed after signing, or another key signed",
                network->roots[root].name);
    } else {
        signed_by[root] = true;
    }
}

size_t topology_signature_check(struct topology_problem *problems, size_t cap, const struct topology_network *network,
                                struct bytes signatures)
{
    struct check check = {.problems = problems, .cap = cap};
    bool signed_by[TOPOLOGY_ROOTS_MAX] = {false};
    size_t lines = 0, number = 0;

    for (size_t at = 0; at < signatures.len; number++) {
        const uint8_t *start = signatures.data + at;
        const uint8_t *end = memchr(start, '\n', signatures.len - at);
        size_t len = end ? (size_t)(end - start) : signatures.len - at;
        at += len + 1;
        while (len && (start[len - 1] == '\r' || start[len - 1] == ' '))
            len--;
        if (len == 0 || start[0] == '#')
            continue;
        if (++lines > TOPOLOGY_SIGNATURES_MAX) {
            struct topology_problem *problem = add(&check, number + 1);
            if (problem)
                snprintf(problem->text, sizeof problem->text, "more than %d signatures", TOPOLOGY_SIGNATURES_MAX);
            break;
        }
        check_line(&check, signed_by, network, (struct bytes){start, len}, number + 1);
    }
    for (size_t i = 0; i < network->roots_len && i < TOPOLOGY_ROOTS_MAX; i++) {
        struct topology_problem *problem = signed_by[i] ? NULL : add(&check, 0);
        if (problem)
            snprintf(problem->text, sizeof problem->text,
                     "root '%s' has not signed this document: isthmus network sign DOCUMENT --root %s --key FILE",
                     network->roots[i].name, network->roots[i].name);
    }
    return check.total;
}
