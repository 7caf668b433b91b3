/*
 * Members of an epoch, attestations and certificates (docs/formats.md §5).
 *
 * Quorums count operators of ONE epoch, never keys. Nothing here allocates.
 */
#ifndef ISTHMUS_PROOFS_CERTIFICATE_H
#define ISTHMUS_PROOFS_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proofs/codec/bytes.h"
#include "proofs/leaf.h"
#include "proofs/merkle.h"
#include "proofs/proof.h"
#include "proofs/signature.h"
#include "proofs/suite.h"

#define PROOF_OPERATORS_MAX 64  /* distinct operators of an epoch */
#define PROOF_MEMBERS_MAX   256 /* keys of an epoch */

/* One key of one operator. An operator stands on one side and may have several keys. */
struct proof_member {
    uint16_t operator;
    uint8_t side;
    struct proof_key key;
};

/* The members of one epoch under one suite, and the rule for counting them. `members` is borrowed. */
struct proof_epoch_members {
    enum proof_suite suite;
    uint64_t epoch;
    uint16_t quorum;
    const struct proof_member *members; /* strictly ascending by (operator, key id) */
    size_t count;
};

/* Checks the shape: 1..256 keys, all of the suite, strictly ascending by (operator, key id), no key id twice, each operator
 * on one side only, at most 64 operators, 1 <= quorum <= number of operators. Refuses with MEMBERS_* (at = index). */
bool proof_members_check(const struct proof_epoch_members *epoch, struct proof_result *result);

/* §5 members hash. The order is that of the array; count <= PROOF_MEMBERS_MAX. */
void proof_members_hash(uint8_t out[32], enum proof_suite suite, const struct proof_member *members, size_t count);

/* The member with this key id, or NULL. */
const struct proof_member *proof_members_find(const struct proof_epoch_members *epoch, const uint8_t key_id[32]);

/* How many distinct operators the epoch has. */
size_t proof_members_operators(const struct proof_epoch_members *epoch);

/* One signature over one root, and the way from the root to the leaf in question. Views are borrowed. */
struct proof_attestation {
    enum proof_suite suite;
    uint8_t key_id[32];
    uint8_t root[32];
    uint8_t signature[64];
    struct bytes path; /* siblings, 32 bytes each, 0..16 */
};

/* Verifies one attestation over `leaf` (a leaf's hash under the key's suite) by `key`: suite and key id agree, the path
 * leads from leaf to root, the signature over proof_signed_bytes(network, root) is the key's. network: under the suite. */
enum proof_verdict proof_attestation_verify(const struct proof_attestation *attestation, const struct proof_key *key,
                                            const uint8_t network[32], const uint8_t leaf[32],
                                            struct proof_result *result);

/* What a certificate is checked against; all of it is trusted. */
struct proof_certificate_trust {
    const uint8_t *network; /* 32 bytes, under the epoch's suite */
    const struct proof_epoch_members *epoch;
};

/* A certificate: a leaf and the attestations over it. Views are borrowed. */
struct proof_certificate {
    enum proof_suite suite;
    uint64_t epoch; /* the one that it names */
    struct proof_leaf leaf;
    const struct proof_attestation *attestations; /* 1..PROOF_MEMBERS_MAX */
    size_t count;
};

/* What a verified certificate says. Zeroed unless the verdict is PROOF_VALID. */
struct proof_certificate_fact {
    enum proof_suite suite;
    uint64_t epoch;
    struct proof_leaf leaf;
    uint8_t leaf_hash[32];
    size_t operators; /* distinct operators that signed */
};

/* Verifies a certificate: suite and epoch are the trusted ones, every attestation is valid, each by a member of that epoch,
 * each key at most once, and at least `quorum` distinct operators signed. A closing record (leaf close) needs, besides, more
 * than half of the operators of every side. One bad attestation refuses the whole: whoever builds certificates checks
 * each attestation first. Refuses with CERTIFICATE_*, or an attestation's reason (at = its index). */
enum proof_verdict proof_certificate_verify(const struct proof_certificate *certificate,
                                            const struct proof_certificate_trust *trust,
                                            struct proof_certificate_fact *fact, struct proof_result *result);

/* Whether a set of signers would be enough, for those who gather: signed_by[i] tells whether members[i] signed; there are
 * epoch->count of them. closing: the rule for closing records. The epoch has passed proof_members_check. */
bool proof_members_enough(const struct proof_epoch_members *epoch, const bool *signed_by, bool closing);

#endif
