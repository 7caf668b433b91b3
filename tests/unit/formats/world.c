/* The small network of world.h, with test keys made from public text. */
#include "tests/unit/formats/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

const enum proof_suite world_suites[PROOF_SUITE_COUNT] = {
#define X(name, bit, text, hash) PROOF_SUITE_##name,
    PROOF_SUITES(X)
#undef X
};

void world_secret(uint8_t secret[32], const char *name)
{
    struct bytes parts[] = {{(const uint8_t *)"isthmus test key ", 17}, {(const uint8_t *)name, strlen(name)}};
    assert_true(codec_hash(secret, CODEC_HASH_SHA256, parts, 2));
}

struct seat {
    struct proof_member member;
    uint8_t secret[32];
};

static int by_operator_and_key(const void *a, const void *b)
{
    const struct seat *one = a;
    const struct seat *two = b;
    if (one->member.operator!= two->member.operator)
        return one->member.operator<two->member.operator? -1 : 1;
    return memcmp(one->member.key.id, two->member.key.id, 32);
}

void world_init(struct world *world, enum proof_suite suite)
{
    static const char *const names[WORLD_MEMBERS] = {"alpha", "delta", "beta", "gamma"};
    struct seat seats[WORLD_MEMBERS] = {0};
    memset(world, 0, sizeof *world);
    world->suite = suite;
    assert_true(proof_network_id(world->network, suite, "demo"));
    for (size_t i = 0; i < WORLD_MEMBERS; i++) {
        seats[i].member.operator=(uint16_t)(i < 2 ? 1 : i);
        seats[i].member.side = i == 3 ? 2 : 1;
        world_secret(seats[i].secret, names[i]);
        assert_true(proof_key_from_secret(&seats[i].member.key, suite, seats[i].secret));
    }
    qsort(seats, WORLD_MEMBERS, sizeof *seats, by_operator_and_key);
    for (size_t i = 0; i < WORLD_MEMBERS; i++) {
        world->members[i] = seats[i].member;
        memcpy(world->secrets[i], seats[i].secret, 32);
    }
    world->epoch = (struct proof_epoch_members){suite, 1, 2, world->members, WORLD_MEMBERS};
    world->trust = (struct proof_certificate_trust){world->network, &world->epoch};
    world->leaf.kind = PROOF_LEAF_HEAD;
    world->leaf.head.number = 7;
    memset(world->leaf.head.log, 0x11, 32);
    memset(world->leaf.head.running, 0x22, 32);
}

void world_attest(struct proof_attestation *attestation, const struct world *world, size_t who,
                  const struct proof_leaf *leaf)
{
    uint8_t message[32];
    memset(attestation, 0, sizeof *attestation);
    attestation->suite = world->suite;
    memcpy(attestation->key_id, world->members[who].key.id, 32);
    proof_leaf_hash(attestation->root, world->suite, leaf);
    proof_signed_bytes(message, world->suite, world->network, attestation->root);
    assert_true(proof_signature_sign(attestation->signature, world->suite, world->secrets[who], message));
}
