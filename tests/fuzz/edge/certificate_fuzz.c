/*
 * Certificates under the members of a small network (tests/unit/formats/world.h). An input is: suite (1 byte), the leaf's
 * kind (1) and fields (1 length, then so many), the epoch that is named (8), and attestations: suite (1), key id (32), root
 * (32), signature (64), length of the path in hashes (1), path.
 *
 * What must hold besides memory: only four leaves were ever signed with these keys (world_leaves in leaves.h), so no other is
 * ever certified; a valid certificate has enough distinct operators, counted here anew, and each attestation stands alone.
 */
#include <stdint.h>
#include <string.h>

#include "tests/fuzz/edge/leaves.h"

enum { ATTESTATIONS_MAX = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        __builtin_trap();
}

static size_t attestations_read(struct proof_attestation *out, struct codec_reader *reader)
{
    size_t count = 0;
    while (count < ATTESTATIONS_MAX && codec_reader_left(reader) > 0) {
        struct proof_attestation *one = &out[count];
        one->suite = (enum proof_suite)codec_read_u8(reader);
        codec_read_copy(one->key_id, reader, 32);
        codec_read_copy(one->root, reader, 32);
        codec_read_copy(one->signature, reader, 64);
        one->path = codec_read_bytes(reader, 32 * (size_t)codec_read_u8(reader));
        if (reader->failed)
            break;
        count++;
    }
    return count;
}

static bool was_signed(const uint8_t hash[32], const struct world *world)
{
    struct proof_leaf leaves[WORLD_LEAVES];
    world_leaves(leaves, world);
    bool found = false;
    for (size_t i = 0; i < WORLD_LEAVES; i++) {
        uint8_t known[32];
        proof_leaf_hash(known, world->suite, &leaves[i]);
        found = found || memcmp(known, hash, 32) == 0;
    }
    return found;
}

/* Operators 1 and 2 stand on side 1, operator 3 on side 2; a quorum is two, and all three where a lane is closed. */
static void enough(const struct world *world, const struct proof_certificate *certificate, size_t said)
{
    bool signers[4] = {false};
    for (size_t i = 0; i < certificate->count; i++) {
        const struct proof_member *member = proof_members_find(&world->epoch, certificate->attestations[i].key_id);
        struct proof_result result;
        uint8_t hash[32];
        require(member != NULL && member->operator>= 1 && member->operator<= 3);
        signers[member->operator] = true;
        proof_leaf_hash(hash, world->suite, &certificate->leaf);
        require(proof_attestation_verify(&certificate->attestations[i], &member->key, world->network, hash, &result) ==
                PROOF_VALID);
        for (size_t j = 0; j < i; j++)
            require(memcmp(certificate->attestations[j].key_id, certificate->attestations[i].key_id, 32) != 0);
    }
    size_t operators = (size_t)signers[1] + signers[2] + signers[3];
    require(operators == said && operators >= (certificate->leaf.kind == PROOF_LEAF_CLOSE ? 3u : 2u));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world worlds[PROOF_SUITE_COUNT];
    struct proof_attestation attestations[ATTESTATIONS_MAX] = {0};
    struct proof_certificate certificate = {.attestations = attestations};
    struct proof_certificate_fact fact;
    struct proof_result result;
    struct codec_reader reader;
    codec_reader_init(&reader, (struct bytes){data, size});
    size_t which = codec_read_u8(&reader) & (PROOF_SUITE_COUNT - 1);
    struct world *world = &worlds[which];
    if (world->epoch.count == 0)
        world_init(world, world_suites[which]);
    uint8_t kind = codec_read_u8(&reader);
    struct bytes fields = codec_read_bytes(&reader, codec_read_u8(&reader));
    certificate.suite = world->suite;
    certificate.epoch = codec_read_u64(&reader);
    if (reader.failed || !proof_leaf_read(&certificate.leaf, kind, fields, &result))
        return 0;
    certificate.count = attestations_read(attestations, &reader);
    if (proof_certificate_verify(&certificate, &world->trust, &fact, &result) != PROOF_VALID) {
        require(codec_bytes_are_zero((const uint8_t *)&fact, sizeof fact) && result.reason != PROOF_REASON_VALID);
        return 0;
    }
    require(certificate.epoch == 1 && was_signed(fact.leaf_hash, world));
    enough(world, &certificate, fact.operators);
    return 0;
}
