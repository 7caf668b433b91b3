/*
 * A certificate of the worked examples as texts, to be changed by a test before they become the files of
 * isthmus verify certificate.
 */
#ifndef ISTHMUS_TESTS_UNIT_VERIFY_CERTIFICATE_PLAN_H
#define ISTHMUS_TESTS_UNIT_VERIFY_CERTIFICATE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proofs/proof.h"

#define KEYS  4
#define HEX32 67 /* 0x, 64 digits, end */
#define HEX64 131

/* Suites by place. */
#define KECCAK 0
#define P256   1
#define SM2    2
#define ED     3
#define SUITES 4

/* Sets an array of a plan to a text that fits. */
#define COPY(array, text) assert_true((size_t)snprintf(array, sizeof(array), "%s", text) < sizeof(array))

/* One certificate and what it is checked against, as texts that a test may change before they become JSON. */
struct plan {
    const char *suite;
    char network[HEX32];
    unsigned quorum, epoch, said_epoch;
    struct {
        unsigned operator, side;
        char key[HEX32], point[HEX64]; /* point "": left out */
    } members[KEYS + 1];
    size_t member_count;
    const char *kind;
    char fields[240]; /* of the leaf, as they are hashed */
    struct {
        char key[HEX32], root[HEX32], signature[HEX64], path[20][HEX32]; /* root "": left out */
        size_t path_count;
    } attestations[KEYS];
    size_t attestation_count;
};

/* A JSON text. */
struct out {
    char text[16384];
    size_t len;
};

/* What came of it. A file that cannot be used leaves its error. */
struct outcome {
    enum proof_verdict verdict;
    struct proof_result result;
    bool at_attestation;
    uint64_t operators;
    char error[512];
};

/* Group set-up and tear-down: the examples are read from the repository's root. */
int certificate_plan_open(void **state);
int certificate_plan_close(void **state);

/* Leaf `leaf` of the examples under a suite, signed by the first `count` of alpha, beta, gamma, delta. Leaf 5 is signed
 * alone, the others in one tree. */
void certificate_plan_init(struct plan *plan, size_t suite, size_t leaf, size_t count);
/* The members of the examples' epoch again, ascending by (operator, key id), with or without points. */
void certificate_plan_members(struct plan *plan, bool points);
/* Changes byte `at` of a hexadecimal text; the same call changes it back. */
void certificate_plan_flip(char *hex, size_t at);

/* The two files. */
void certificate_plan_trusted(struct out *out, const struct plan *plan);
void certificate_plan_evidence(struct out *out, const struct plan *plan);
/* Asks the kind about two texts, or about a plan's. */
struct outcome certificate_plan_check_texts(const char *trusted_text, const char *evidence_text);
struct outcome certificate_plan_check(const struct plan *plan);

#endif
