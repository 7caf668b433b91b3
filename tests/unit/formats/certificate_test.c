/* Certificates: what k operators of one epoch signed, and every way to pretend it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proofs/certificate.h"
#include "tests/unit/formats/world.h"

/* A world and a certificate of operators 2 and 3 over its leaf: valid until a test spoils it. */
struct scene {
    struct world world;
    struct proof_attestation attestations[WORLD_MEMBERS + 1];
    struct proof_certificate certificate;
    struct proof_certificate_fact fact;
    struct proof_result result;
};

static size_t member_of(const struct world *world, uint16_t operator, size_t which)
{
    for (size_t i = 0; i < WORLD_MEMBERS; i++)
        if (world->members[i].operator== operator&& which-- == 0)
            return i;
    fail_msg("operator %u has no such key", operator);
    return 0;
}

static void scene_init(struct scene *scene, enum proof_suite suite)
{
    memset(scene, 0, sizeof *scene);
    world_init(&scene->world, suite);
    world_attest(&scene->attestations[0], &scene->world, member_of(&scene->world, 2, 0), &scene->world.leaf);
    world_attest(&scene->attestations[1], &scene->world, member_of(&scene->world, 3, 0), &scene->world.leaf);
    scene->certificate = (struct proof_certificate){suite, 1, scene->world.leaf, scene->attestations, 2};
}

static enum proof_reason judge(struct scene *scene)
{
    enum proof_verdict verdict =
        proof_certificate_verify(&scene->certificate, &scene->world.trust, &scene->fact, &scene->result);
    assert_int_equal(verdict == PROOF_VALID, scene->result.reason == PROOF_REASON_VALID);
    if (verdict != PROOF_VALID)
        assert_true(codec_bytes_are_zero((const uint8_t *)&scene->fact, sizeof scene->fact));
    return scene->result.reason;
}

static void operators_of_the_epoch_make_a_certificate(void **state)
{
    (void)state;
    for (size_t s = 0; s < PROOF_SUITE_COUNT; s++) {
        struct scene scene;
        uint8_t hash[32];
        scene_init(&scene, world_suites[s]);
        assert_int_equal(judge(&scene), PROOF_REASON_VALID);
        assert_int_equal(scene.fact.operators, 2);
        assert_int_equal(scene.fact.epoch, 1);
        assert_int_equal(scene.fact.leaf.head.number, 7);
        proof_leaf_hash(hash, world_suites[s], &scene.world.leaf);
        assert_memory_equal(hash, scene.fact.leaf_hash, 32);
    }
}

static void one_operator_with_two_keys_counts_once(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene, PROOF_SUITE_KECCAK256_SECP256K1);
    world_attest(&scene.attestations[0], &scene.world, member_of(&scene.world, 1, 0), &scene.world.leaf);
    world_attest(&scene.attestations[1], &scene.world, member_of(&scene.world, 1, 1), &scene.world.leaf);
    assert_int_equal(judge(&scene), PROOF_REASON_CERTIFICATE_TOO_FEW);
    world_attest(&scene.attestations[2], &scene.world, member_of(&scene.world, 2, 0), &scene.world.leaf);
    scene.certificate.count = 3;
    assert_int_equal(judge(&scene), PROOF_REASON_VALID);
    assert_int_equal(scene.fact.operators, 2);
}

static void the_same_key_twice_is_refused(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene, PROOF_SUITE_BLAKE2B256_ED25519);
    scene.attestations[1] = scene.attestations[0];
    assert_int_equal(judge(&scene), PROOF_REASON_CERTIFICATE_KEY_TWICE);
    scene.attestations[1].signature[0] ^= 1; /* nor does another signature of it help */
    assert_int_equal(judge(&scene), PROOF_REASON_CERTIFICATE_KEY_TWICE);
    assert_int_equal(scene.result.at, 1);
}

static void keys_of_two_epochs_do_not_add_up(void **state)
{
    (void)state;
    struct scene scene;
    struct proof_member next[2];
    scene_init(&scene, PROOF_SUITE_KECCAK256_SECP256K1);
    /* Epoch 2: operators 1 and 3 stay, operator 2 is gone. Its certificate cannot borrow operator 2's signature. */
    next[0] = scene.world.members[member_of(&scene.world, 1, 0)];
    next[1] = scene.world.members[member_of(&scene.world, 3, 0)];
    scene.world.epoch.members = next;
    scene.world.epoch.count = 2;
    scene.world.epoch.epoch = 2;
    assert_int_equal(judge(&scene), PROOF_REASON_CERTIFICATE_EPOCH);
    scene.certificate.epoch = 2;
    assert_int_equal(judge(&scene), PROOF_REASON_CERTIFICATE_NOT_A_MEMBER);
    world_attest(&scene.attestations[0], &scene.world, member_of(&scene.world, 1, 0), &scene.world.leaf);
    assert_int_equal(judge(&scene), PROOF_REASON_VALID); /* an old signature under a key that stayed: the same word */
}

static void a_signature_for_another_network_is_refused(void **state)
{
    (void)state;
    struct scene scene;
    uint8_t ours[32];
    scene_init(&scene, PROOF_SUITE_SHA256_P256);
    memcpy(ours, scene.world.network, 32);
    assert_true(proof_network_id(scene.world.network, PROOF_SUITE_SHA256_P256, "demo-2"));
    assert_int_equal(judge(&scene), PROOF_REASON_SIGNATURE_WRONG);
    memset(scene.world.network, 0, 32);
    assert_int_equal(judge(&scene), PROOF_REASON_TRUST_UNSET);
}

static void another_leaf_of_the_same_fields_is_refused(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene, PROOF_SUITE_KECCAK256_SECP256K1);
    scene.certificate.leaf.head.number++;
    assert_int_equal(judge(&scene), PROOF_REASON_MERKLE_ROOT);
    scene_init(&scene, PROOF_SUITE_KECCAK256_SECP256K1);
    scene.certificate.leaf.kind = PROOF_LEAF_CLOSE; /* the union's bytes are a head's */
    assert_int_not_equal(judge(&scene), PROOF_REASON_VALID);
    scene.certificate.leaf.kind = PROOF_LEAF_NONE;
    assert_int_equal(judge(&scene), PROOF_REASON_LEAF_FIELD);
    scene.certificate.leaf = scene.world.leaf;
    scene.certificate.leaf.head.number = 0;
    assert_int_equal(judge(&scene), PROOF_REASON_LEAF_FIELD);
}

static void paths_are_bounded_and_must_fit(void **state)
{
    (void)state;
    struct scene scene;
    static uint8_t siblings[17][32];
    scene_init(&scene, PROOF_SUITE_KECCAK256_SECP256K1);
    memset(siblings, 7, sizeof siblings);
    scene.attestations[1].path = (struct bytes){siblings[0], 32};
    assert_int_equal(judge(&scene), PROOF_REASON_MERKLE_ROOT);
    assert_int_equal(scene.result.at, 1);
    scene.attestations[1].path.len = 17 * 32;
    assert_int_equal(judge(&scene), PROOF_REASON_MERKLE_PATH);
    scene.attestations[1].path.len = 31;
    assert_int_equal(judge(&scene), PROOF_REASON_MERKLE_PATH);
    memset(scene.attestations[1].root, 0, 32);
    scene.attestations[1].path.len = 0;
    assert_int_equal(judge(&scene), PROOF_REASON_TRUST_UNSET);
}

static void suites_do_not_mix(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene, PROOF_SUITE_KECCAK256_SECP256K1);
    scene.attestations[1].suite = PROOF_SUITE_SHA256_P256;
    assert_int_equal(judge(&scene), PROOF_REASON_SUITE_MISMATCH);
    scene.attestations[1].suite = PROOF_SUITE_NONE;
    assert_int_equal(judge(&scene), PROOF_REASON_SUITE_MISMATCH);
    scene_init(&scene, PROOF_SUITE_KECCAK256_SECP256K1);
    scene.certificate.suite = PROOF_SUITE_BLAKE2B256_ED25519;
    assert_int_equal(judge(&scene), PROOF_REASON_SUITE_MISMATCH);
    scene_init(&scene, PROOF_SUITE_KECCAK256_SECP256K1);
    scene.world.members[2].key.suite = PROOF_SUITE_SHA256_P256;
    assert_int_equal(judge(&scene), PROOF_REASON_SUITE_MISMATCH);
}

static void too_few_none_and_too_many_are_refused(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene, PROOF_SUITE_BLAKE2B256_ED25519);
    scene.certificate.count = 1;
    assert_int_equal(judge(&scene), PROOF_REASON_CERTIFICATE_TOO_FEW);
    scene.certificate.count = 0;
    assert_int_equal(judge(&scene), PROOF_REASON_CERTIFICATE_SIZE);
    scene.certificate.count = WORLD_MEMBERS + 1;
    assert_int_equal(judge(&scene), PROOF_REASON_CERTIFICATE_SIZE);
}

static void one_bad_signature_refuses_the_whole(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene, PROOF_SUITE_SM3_SM2);
    world_attest(&scene.attestations[2], &scene.world, member_of(&scene.world, 1, 0), &scene.world.leaf);
    scene.certificate.count = 3;
    assert_int_equal(judge(&scene), PROOF_REASON_VALID);
    scene.attestations[2].signature[40] ^= 1;
    assert_int_equal(judge(&scene), PROOF_REASON_SIGNATURE_WRONG);
    assert_int_equal(scene.result.at, 2);
}

static void a_closing_record_needs_most_of_every_side(void **state)
{
    (void)state;
    struct scene scene;
    struct proof_leaf leaf = {.kind = PROOF_LEAF_CLOSE, .close = {{1}, 9, {2}, 2}};
    scene_init(&scene, PROOF_SUITE_KECCAK256_SECP256K1);
    scene.certificate.leaf = leaf;
    world_attest(&scene.attestations[0], &scene.world, member_of(&scene.world, 1, 0), &leaf);
    world_attest(&scene.attestations[1], &scene.world, member_of(&scene.world, 2, 0), &leaf);
    world_attest(&scene.attestations[2], &scene.world, member_of(&scene.world, 3, 0), &leaf);
    assert_int_equal(judge(&scene), PROOF_REASON_CERTIFICATE_SIDE_TOO_FEW); /* side 2 is missing */
    scene.certificate.count = 3;
    assert_int_equal(judge(&scene), PROOF_REASON_VALID);
    scene.certificate.attestations = scene.attestations + 1; /* half of side 1 is not more than half */
    scene.certificate.count = 2;
    assert_int_equal(judge(&scene), PROOF_REASON_CERTIFICATE_SIDE_TOO_FEW);
}

static enum proof_reason check(const struct proof_epoch_members *epoch)
{
    struct proof_result result;
    bool sound = proof_members_check(epoch, &result);
    assert_int_equal(sound, result.reason == PROOF_REASON_VALID);
    return result.reason;
}

static void epochs_that_are_not_sound_are_refused(void **state)
{
    (void)state;
    struct world world;
    struct proof_member swap;
    world_init(&world, PROOF_SUITE_KECCAK256_SECP256K1);
    assert_int_equal(check(&world.epoch), PROOF_REASON_VALID);
    world.epoch.quorum = 0;
    assert_int_equal(check(&world.epoch), PROOF_REASON_MEMBERS_QUORUM);
    bool nobody[WORLD_MEMBERS] = {false};
    assert_false(proof_members_enough(&world.epoch, nobody, false));
    world.epoch.quorum = 4; /* four keys, but three operators */
    assert_int_equal(check(&world.epoch), PROOF_REASON_MEMBERS_QUORUM);
    world.epoch.quorum = 3;
    assert_int_equal(check(&world.epoch), PROOF_REASON_VALID);
    swap = world.members[0];
    world.members[0] = world.members[1];
    world.members[1] = swap;
    assert_int_equal(check(&world.epoch), PROOF_REASON_MEMBERS_ORDER);
    world_init(&world, PROOF_SUITE_KECCAK256_SECP256K1);
    world.members[1].side = 2;
    assert_int_equal(check(&world.epoch), PROOF_REASON_MEMBERS_SIDES);
    world_init(&world, PROOF_SUITE_KECCAK256_SECP256K1);
    world.members[1] = world.members[0];
    assert_int_equal(check(&world.epoch), PROOF_REASON_MEMBERS_KEY_TWICE);
    world_init(&world, PROOF_SUITE_KECCAK256_SECP256K1);
    world.members[3].key = world.members[0].key; /* one key, two operators */
    assert_int_equal(check(&world.epoch), PROOF_REASON_MEMBERS_KEY_TWICE);
    memset(world.members[3].key.id, 0, 32);
    assert_int_equal(check(&world.epoch), PROOF_REASON_KEY_MALFORMED);
    world.epoch.count = 0;
    assert_int_equal(check(&world.epoch), PROOF_REASON_MEMBERS_COUNT);
    world.epoch.suite = PROOF_SUITE_NONE;
    assert_int_equal(check(&world.epoch), PROOF_REASON_SUITE_UNKNOWN);
}

static void epochs_are_bounded(void **state)
{
    (void)state;
    static struct proof_member members[PROOF_MEMBERS_MAX + 1];
    struct proof_epoch_members epoch = {PROOF_SUITE_KECCAK256_SECP256K1, 1, 33, members, PROOF_MEMBERS_MAX};
    for (size_t i = 0; i <= PROOF_MEMBERS_MAX; i++) {
        members[i].operator=(uint16_t)(i / 4);
        members[i].key.suite = PROOF_SUITE_KECCAK256_SECP256K1;
        members[i].key.id[30] = (uint8_t)((i + 1) >> 8);
        members[i].key.id[31] = (uint8_t)(i + 1);
    }
    assert_int_equal(proof_members_operators(&epoch), PROOF_OPERATORS_MAX);
    assert_int_equal(check(&epoch), PROOF_REASON_VALID);
    epoch.count++;
    assert_int_equal(check(&epoch), PROOF_REASON_MEMBERS_COUNT);
    epoch.count = PROOF_OPERATORS_MAX + 1;
    for (size_t i = 0; i < epoch.count; i++)
        members[i].operator=(uint16_t) i;
    assert_int_equal(check(&epoch), PROOF_REASON_MEMBERS_OPERATORS);
}

static void an_attestation_names_its_key(void **state)
{
    (void)state;
    struct scene scene;
    struct proof_result result;
    uint8_t leaf[32];
    scene_init(&scene, PROOF_SUITE_KECCAK256_SECP256K1);
    const struct proof_key *key = &scene.world.members[member_of(&scene.world, 2, 0)].key;
    const struct proof_key *other = &scene.world.members[member_of(&scene.world, 3, 0)].key;
    proof_leaf_hash(leaf, scene.world.suite, &scene.world.leaf);
    assert_int_equal(proof_attestation_verify(&scene.attestations[0], key, scene.world.network, leaf, &result),
                     PROOF_VALID);
    assert_int_equal(proof_attestation_verify(&scene.attestations[0], other, scene.world.network, leaf, &result),
                     PROOF_INVALID);
    assert_int_equal(result.reason, PROOF_REASON_KEY_MISMATCH);
    struct proof_key elsewhere = *key; /* an id of the same bytes under another suite is another key */
    elsewhere.suite = PROOF_SUITE_SHA256_P256;
    assert_int_equal(proof_attestation_verify(&scene.attestations[0], &elsewhere, scene.world.network, leaf, &result),
                     PROOF_INVALID);
    assert_int_equal(result.reason, PROOF_REASON_SUITE_MISMATCH);
    struct proof_attestation nothing = {0};
    assert_int_equal(proof_attestation_verify(&nothing, key, scene.world.network, leaf, &result), PROOF_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operators_of_the_epoch_make_a_certificate),
        cmocka_unit_test(one_operator_with_two_keys_counts_once),
        cmocka_unit_test(the_same_key_twice_is_refused),
        cmocka_unit_test(keys_of_two_epochs_do_not_add_up),
        cmocka_unit_test(a_signature_for_another_network_is_refused),
        cmocka_unit_test(another_leaf_of_the_same_fields_is_refused),
        cmocka_unit_test(paths_are_bounded_and_must_fit),
        cmocka_unit_test(suites_do_not_mix),
        cmocka_unit_test(too_few_none_and_too_many_are_refused),
        cmocka_unit_test(one_bad_signature_refuses_the_whole),
        cmocka_unit_test(a_closing_record_needs_most_of_every_side),
        cmocka_unit_test(epochs_that_are_not_sound_are_refused),
        cmocka_unit_test(epochs_are_bounded),
        cmocka_unit_test(an_attestation_names_its_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
