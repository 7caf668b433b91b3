/* Members, attestations, certificates: shape and counting first, cryptography last. */
#include "proofs/certificate.h"

#include <string.h>

/* Ascending by (operator, key id): negative, zero, positive. */
static int compare(const struct proof_member *a, const struct proof_member *b)
{
    if (a->operator!= b->operator)
        return a->operator<b->operator? -1 : 1;
    return memcmp(a->key.id, b->key.id, 32);
}

static bool key_seen_before(const struct proof_epoch_members *epoch, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (memcmp(epoch->members[i].key.id, epoch->members[at].key.id, 32) == 0)
            return true;
    return false;
}

/* What is wrong with member `at`, given that those before it are in order. */
static enum proof_reason member_reason(const struct proof_epoch_members *epoch, size_t at)
{
    const struct proof_member *member = &epoch->members[at];
    const struct proof_member *before = at > 0 ? member - 1 : NULL;
    if (member->key.suite != epoch->suite)
        return PROOF_REASON_SUITE_MISMATCH;
    if (codec_bytes_are_zero(member->key.id, 32))
        return PROOF_REASON_KEY_MALFORMED;
    if (before && compare(before, member) == 0)
        return PROOF_REASON_MEMBERS_KEY_TWICE;
    if (before && compare(before, member) > 0)
        return PROOF_REASON_MEMBERS_ORDER;
    if (before && before->operator== member->operator&& before->side != member->side)
        return PROOF_REASON_MEMBERS_SIDES;
    if (key_seen_before(epoch, at))
        return PROOF_REASON_MEMBERS_KEY_TWICE;
    return PROOF_REASON_VALID;
}

bool proof_members_check(const struct proof_epoch_members *epoch, struct proof_result *result)
{
    if (proof_suite_hash(epoch->suite) == CODEC_HASH_NONE)
        return proof_refuse(result, PROOF_REASON_SUITE_UNKNOWN, 0) != PROOF_INVALID;
    if (epoch->count == 0 || epoch->count > PROOF_MEMBERS_MAX)
        return proof_refuse(result, PROOF_REASON_MEMBERS_COUNT, epoch->count) != PROOF_INVALID;
    for (size_t i = 0; i < epoch->count; i++) {
        enum proof_reason reason = member_reason(epoch, i);
        if (reason != PROOF_REASON_VALID)
            return proof_refuse(result, reason, i) != PROOF_INVALID;
    }
    size_t operators = proof_members_operators(epoch);
    if (operators > PROOF_OPERATORS_MAX)
        return proof_refuse(result, PROOF_REASON_MEMBERS_OPERATORS, operators) != PROOF_INVALID;
    if (epoch->quorum == 0 || epoch->quorum > operators)
        return proof_refuse(result, PROOF_REASON_MEMBERS_QUORUM, epoch->quorum) != PROOF_INVALID;
    proof_accept(result);
    return true;
}

void proof_members_hash(uint8_t out[32], enum proof_suite suite, const struct proof_member *members, size_t count)
{
    uint8_t fields[2 + PROOF_MEMBERS_MAX * 35];
    struct codec_writer writer;
    codec_writer_init(&writer, fields, sizeof fields);
    codec_write_u16(&writer, (uint16_t)count);
    for (size_t i = 0; i < count; i++) {
        codec_write_u16(&writer, members[i].operator);
        codec_write_u8(&writer, members[i].side);
        codec_write_bytes(&writer, BYTES_OF(members[i].key.id));
    }
    struct bytes all = codec_writer_bytes(&writer);
    proof_hash(out, suite, PROOF_TAG_MEMBERS, &all, 1);
}

const struct proof_member *proof_members_find(const struct proof_epoch_members *epoch, const uint8_t key_id[32])
{
    for (size_t i = 0; i < epoch->count; i++)
        if (memcmp(epoch->members[i].key.id, key_id, 32) == 0)
            return &epoch->members[i];
    return NULL;
}

/* Members lie in order of operators, so an operator is a run of members. */
static bool first_of_operator(const struct proof_epoch_members *epoch, size_t at)
{
    return at == 0 || epoch->members[at - 1].operator!= epoch->members[at].operator;
}

size_t proof_members_operators(const struct proof_epoch_members *epoch)
{
    size_t operators = 0;
    for (size_t i = 0; i < epoch->count; i++)
        operators += first_of_operator(epoch, i);
    return operators;
}

/* Whether the operator whose run begins at `at` signed with any of its keys. */
static bool operator_signed(const struct proof_epoch_members *epoch, const bool *signed_by, size_t at)
{
    for (size_t i = at; i < epoch->count && epoch->members[i].operator== epoch->members[at].operator; i++)
        if (signed_by[i])
            return true;
    return false;
}

static size_t count_signed(const struct proof_epoch_members *epoch, const bool *signed_by)
{
    size_t operators = 0;
    for (size_t i = 0; i < epoch->count; i++)
        operators += first_of_operator(epoch, i) && operator_signed(epoch, signed_by, i);
    return operators;
}

/* More than half of the operators of every side. */
static bool every_side_signed(const struct proof_epoch_members *epoch, const bool *signed_by)
{
    uint16_t operators[256] = {0};
    uint16_t signers[256] = {0};
    for (size_t i = 0; i < epoch->count; i++) {
        if (!first_of_operator(epoch, i))
            continue;
        operators[epoch->members[i].side]++;
        if (operator_signed(epoch, signed_by, i))
            signers[epoch->members[i].side]++;
    }
    for (size_t side = 0; side < 256; side++)
        if (operators[side] > 0 && 2 * signers[side] <= operators[side])
            return false;
    return true;
}

bool proof_members_enough(const struct proof_epoch_members *epoch, const bool *signed_by, bool closing)
{
    size_t operators = count_signed(epoch, signed_by);
    return epoch->quorum > 0 && operators >= epoch->quorum && (!closing || every_side_signed(epoch, signed_by));
}

enum proof_verdict proof_attestation_verify(const struct proof_attestation *attestation, const struct proof_key *key,
                                            const uint8_t network[32], const uint8_t leaf[32],
                                            struct proof_result *result)
{
    uint8_t message[32];
    if (proof_suite_hash(attestation->suite) == CODEC_HASH_NONE)
        return proof_refuse(result, PROOF_REASON_SUITE_UNKNOWN, 0);
    if (attestation->suite != key->suite)
        return proof_refuse(result, PROOF_REASON_SUITE_MISMATCH, 0);
    if (memcmp(attestation->key_id, key->id, 32) != 0)
        return proof_refuse(result, PROOF_REASON_KEY_MISMATCH, 0);
    if (codec_bytes_are_zero(network, 32))
        return proof_refuse(result, PROOF_REASON_TRUST_UNSET, 0);
    if (proof_merkle_verify(attestation->suite, attestation->root, leaf, attestation->path, result) != PROOF_VALID)
        return PROOF_INVALID;
    proof_signed_bytes(message, attestation->suite, network, attestation->root);
    if (proof_signature_verify(key, message, attestation->signature, result) != PROOF_VALID)
        return PROOF_INVALID;
    proof_accept(result);
    return PROOF_VALID;
}

/* Form and meaning: all that can be said without cryptography. Marks each attestation's member. */
static enum proof_reason mark_signers(const struct proof_certificate *certificate,
                                      const struct proof_epoch_members *epoch, bool *signed_by, size_t *at)
{
    for (*at = 0; *at < certificate->count; ++*at) {
        const struct proof_attestation *attestation = &certificate->attestations[*at];
        const struct proof_member *member = proof_members_find(epoch, attestation->key_id);
        if (attestation->suite != epoch->suite)
            return PROOF_REASON_SUITE_MISMATCH;
        if (!member)
            return PROOF_REASON_CERTIFICATE_NOT_A_MEMBER;
        if (signed_by[member - epoch->members])
            return PROOF_REASON_CERTIFICATE_KEY_TWICE;
        signed_by[member - epoch->members] = true;
    }
    *at = 0;
    if (!proof_members_enough(epoch, signed_by, false))
        return PROOF_REASON_CERTIFICATE_TOO_FEW;
    if (certificate->leaf.kind == PROOF_LEAF_CLOSE && !proof_members_enough(epoch, signed_by, true))
        return PROOF_REASON_CERTIFICATE_SIDE_TOO_FEW;
    return PROOF_REASON_VALID;
}

/* The leaf as its fields say, so that a certificate made in memory is judged like one that was read. */
static bool leaf_sound(const struct proof_leaf *leaf, struct proof_result *result)
{
    uint8_t fields[PROOF_LEAF_BYTES_MAX];
    struct codec_writer writer;
    struct proof_leaf again;
    codec_writer_init(&writer, fields, sizeof fields);
    if (!proof_leaf_write(&writer, leaf))
        return proof_refuse(result, PROOF_REASON_LEAF_FIELD, 0) != PROOF_INVALID;
    return proof_leaf_read(&again, leaf->kind, codec_writer_bytes(&writer), result);
}

enum proof_verdict proof_certificate_verify(const struct proof_certificate *certificate,
                                            const struct proof_certificate_trust *trust,
                                            struct proof_certificate_fact *fact, struct proof_result *result)
{
    const struct proof_epoch_members *epoch = trust->epoch;
    bool signed_by[PROOF_MEMBERS_MAX] = {false};
    uint8_t leaf[32];
    size_t at = 0;
    memset(fact, 0, sizeof *fact);
    if (!proof_members_check(epoch, result))
        return PROOF_INVALID;
    if (certificate->count == 0 || certificate->count > epoch->count)
        return proof_refuse(result, PROOF_REASON_CERTIFICATE_SIZE, certificate->count);
    if (certificate->suite != epoch->suite)
        return proof_refuse(result, PROOF_REASON_SUITE_MISMATCH, 0);
    if (certificate->epoch != epoch->epoch)
        return proof_refuse(result, PROOF_REASON_CERTIFICATE_EPOCH, 0);
    if (!leaf_sound(&certificate->leaf, result))
        return PROOF_INVALID;
    enum proof_reason reason = mark_signers(certificate, epoch, signed_by, &at);
    if (reason != PROOF_REASON_VALID)
        return proof_refuse(result, reason, at);
    proof_leaf_hash(leaf, epoch->suite, &certificate->leaf);
    for (at = 0; at < certificate->count; at++) {
        const struct proof_attestation *attestation = &certificate->attestations[at];
        const struct proof_member *member = proof_members_find(epoch, attestation->key_id);
        if (proof_attestation_verify(attestation, &member->key, trust->network, leaf, result) != PROOF_VALID) {
            result->at = at;
            return PROOF_INVALID;
        }
    }
    fact->suite = epoch->suite;
    fact->epoch = epoch->epoch;
    fact->leaf = certificate->leaf;
    memcpy(fact->leaf_hash, leaf, 32);
    fact->operators = count_signed(epoch, signed_by);
    proof_accept(result);
    return PROOF_VALID;
}
