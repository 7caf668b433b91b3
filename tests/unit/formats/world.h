/*
 * A small network for tests of certificates and frames: three operators on two sides, one of them with two keys.
 */
#ifndef ISTHMUS_TESTS_UNIT_FORMATS_WORLD_H
#define ISTHMUS_TESTS_UNIT_FORMATS_WORLD_H

#include "proofs/certificate.h"
#include "proofs/lane.h"

#define WORLD_MEMBERS 4

struct world {
    enum proof_suite suite;
    uint8_t network[32];
    struct proof_member members[WORLD_MEMBERS]; /* operators 1 (two keys) and 2 on side 1, operator 3 on side 2 */
    uint8_t secrets[WORLD_MEMBERS][32];
    struct proof_epoch_members epoch; /* number 1, quorum 2 */
    struct proof_certificate_trust trust;
    struct proof_leaf leaf; /* a head */
};

/* Fills the world for a suite; it points into itself and must not be copied. */
void world_init(struct world *world, enum proof_suite suite);

/* The secret of a name: SHA-256 of "isthmus test key <name>". */
void world_secret(uint8_t secret[32], const char *name);

/* An attestation of members[who] over the leaf alone (an empty path). */
void world_attest(struct proof_attestation *attestation, const struct world *world, size_t who,
                  const struct proof_leaf *leaf);

/* The four suites, for loops. */
extern const enum proof_suite world_suites[PROOF_SUITE_COUNT];

#endif
