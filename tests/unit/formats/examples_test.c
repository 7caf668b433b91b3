/* Every value of tests/formats/examples.json, computed by the C code. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proofs/certificate.h"
#include "proofs/frame.h"
#include "proofs/lane.h"
#include "proofs/message.h"
#include "proofs/outcome.h"
#include "tests/unit/formats/json.h"
#include "tests/unit/formats/world.h"

#define MESSAGES 3

static json_t *examples;

static int load(void **state)
{
    (void)state;
    examples = json_of_file("tests/formats/examples.json");
    return examples ? 0 : -1;
}

static int unload(void **state)
{
    (void)state;
    json_decref(examples);
    return 0;
}

/* One lane, its messages and outcomes, as the example states them. */
struct lane_example {
    json_t *json;
    struct proof_lane lane;
    struct proof_message messages[MESSAGES];
    struct proof_outcome outcomes[MESSAGES];
};

static void read_lane(struct lane_example *out, size_t index)
{
    json_t *json = json_element(json_member(examples, "lanes"), index);
    json_t *chains = json_member(examples, "chains");
    json_t *source = json_member(chains, json_text_of(json, "source"));
    json_t *destination = json_member(chains, json_text_of(json, "destination"));
    memset(out, 0, sizeof *out);
    out->json = json;
    struct proof_lane *lane = &out->lane;
    snprintf(lane->network, sizeof lane->network, "%s", json_text_of(json_member(examples, "network"), "name"));
    snprintf(lane->source, sizeof lane->source, "%s", json_text_of(source, "caip2"));
    snprintf(lane->destination, sizeof lane->destination, "%s", json_text_of(destination, "caip2"));
    memcpy(lane->source_genesis, json_b32_of(source, "genesis"), 32);
    memcpy(lane->destination_genesis, json_b32_of(destination, "genesis"), 32);
    memcpy(lane->outbox, json_b32_of(json, "outbox"), 32);
    memcpy(lane->sender, json_b32_of(json, "sender"), 32);
    memcpy(lane->inbox, json_b32_of(json, "inbox"), 32);
    memcpy(lane->receiver, json_b32_of(json, "receiver"), 32);
    lane->mode = (uint8_t)json_number_of(json, "mode");
    lane->generation = (uint32_t)json_number_of(json, "generation");
}

/* Reads a message from its fields (not from its record). */
static void read_message(struct proof_message *message, json_t *json, uint8_t commitments[4][32])
{
    json_t *list = json_member(json, "commitments");
    for (size_t i = 0; i < json_array_size(list); i++)
        memcpy(commitments[i], json_b32(json_element(list, i)), 32);
    message->sequence = json_number_of(json, "sequence");
    message->time = json_number_of(json, "time");
    message->form = (enum proof_form)json_number_of(json, "form");
    message->class = (uint32_t)json_number_of(json, "class");
    memcpy(message->value, json_b32_of(json, "value"), 32);
    message->deadline = json_number_of(json, "deadline");
    message->suites = (uint8_t)json_number_of(json, "suites");
    message->commitments = commitments[0];
    message->has_payload = json_is_true(json_member(json, "carried"));
    if (message->has_payload) {
        memcpy(message->salt, json_b32_of(json, "salt"), 32);
        message->payload = json_bytes_of(json, "payload");
    }
}

static void identities_of_networks_chains_zones_and_lanes(void **state)
{
    (void)state;
    json_t *network = json_member(examples, "network");
    json_t *zone = json_member(examples, "zone");
    uint8_t id[32];
    for (size_t s = 0; s < PROOF_SUITE_COUNT; s++) {
        enum proof_suite suite = world_suites[s];
        const char *name = proof_suite_name(suite);
        const char *chain_name;
        json_t *chain;
        assert_int_equal(json_number_of(json_member(examples, "suites"), name), suite);
        assert_true(proof_network_id(id, suite, json_text_of(network, "name")));
        json_expect(name, json_member(json_member(network, "ids"), name), id, 32);
        json_object_foreach(json_member(examples, "chains"), chain_name, chain)
        {
            assert_true(proof_chain_id(id, suite, json_text_of(chain, "caip2"), json_b32_of(chain, "genesis")));
            json_expect(chain_name, json_member(json_member(chain, "ids"), name), id, 32);
        }
        for (size_t i = 0; i < json_array_size(json_member(examples, "lanes")); i++) {
            struct lane_example lane;
            struct proof_result result;
            read_lane(&lane, i);
            assert_true(proof_lane_id(id, suite, &lane.lane, &result));
            json_expect("lane id", json_member(json_member(lane.json, "ids"), name), id, 32);
        }
    }
    assert_true(proof_network_id(id, PROOF_SUITE_BLAKE2B256_ED25519, json_text_of(network, "name")));
    uint8_t zone_id[32];
    assert_true(proof_zone_id(zone_id, id, json_text_of(zone, "name")));
    json_expect("zone id", json_member(zone, "id"), zone_id, 32);
}

static void keys_have_the_ids_and_points_of_the_examples(void **state)
{
    (void)state;
    const char *name;
    json_t *keys;
    json_object_foreach(json_member(examples, "keys"), name, keys)
    {
        uint8_t secret[32];
        world_secret(secret, name);
        json_expect(name, json_member(keys, "secret"), secret, 32);
        for (size_t s = 0; s < PROOF_SUITE_COUNT; s++) {
            struct proof_key key;
            json_t *wanted = json_member(keys, proof_suite_name(world_suites[s]));
            assert_true(proof_key_from_secret(&key, world_suites[s], secret));
            json_expect("key id", json_member(wanted, "id"), key.id, 32);
            json_expect("point", json_member(wanted, "point"), key.point, 64);
            assert_true(proof_key_from_point(&key, world_suites[s], json_b64_of(wanted, "point")));
            json_expect("key id of point", json_member(wanted, "id"), key.id, 32);
        }
    }
}

static void check_leaves(json_t *view, enum proof_suite suite)
{
    json_t *leaves = json_member(view, "leaves");
    json_t *tree = json_member(view, "tree");
    json_t *paths = json_member(tree, "paths");
    uint8_t hashes[16][32];
    uint8_t scratch[16][32];
    size_t count = json_array_size(json_member(tree, "leaves"));
    for (size_t i = 0; i < json_array_size(leaves); i++) {
        json_t *json = json_element(leaves, i);
        struct bytes fields = json_bytes_of(json, "fields");
        struct proof_leaf leaf;
        struct proof_result result;
        uint8_t again[PROOF_LEAF_BYTES_MAX];
        struct codec_writer writer;
        assert_true(proof_leaf_read(&leaf, json_number_of(json, "kind"), fields, &result));
        codec_writer_init(&writer, again, sizeof again);
        assert_true(proof_leaf_write(&writer, &leaf));
        assert_true(codec_bytes_equal(codec_writer_bytes(&writer), fields));
        proof_leaf_hash(hashes[i], suite, &leaf);
        json_expect("leaf", json_member(json, "hash"), hashes[i], 32);
        json_t *parts = json_member(json, "parts");
        if (leaf.kind == PROOF_LEAF_HEAD)
            assert_int_equal(leaf.head.number, json_number_of(parts, "number"));
        if (leaf.kind == PROOF_LEAF_RULING)
            assert_int_equal(leaf.ruling.policy_version, json_number_of(parts, "policy_version"));
        if (leaf.kind == PROOF_LEAF_CLOSE)
            assert_int_equal(leaf.close.next_generation, json_number_of(parts, "next_generation"));
        if (leaf.kind == PROOF_LEAF_EPOCH)
            assert_int_equal(leaf.epoch.overlap, json_number_of(parts, "overlap"));
    }
    uint8_t root[32];
    memcpy(scratch, hashes, sizeof scratch);
    assert_true(proof_merkle_root(root, suite, scratch, count));
    json_expect("root", json_member(tree, "root"), root, 32);
    for (size_t i = 0; i < count; i++) {
        struct proof_path path;
        struct proof_result result;
        json_t *wanted = json_element(paths, i);
        memcpy(scratch, hashes, sizeof scratch);
        assert_true(proof_merkle_path(&path, suite, scratch, count, i));
        assert_int_equal(path.count, json_array_size(wanted));
        for (size_t j = 0; j < path.count; j++)
            json_expect("sibling", json_element(wanted, j), path.siblings[j], 32);
        struct bytes siblings = {path.siblings[0], 32 * path.count};
        assert_int_equal(proof_merkle_verify(suite, root, hashes[i], siblings, &result), PROOF_VALID);
    }
}

static void check_members(json_t *view, enum proof_suite suite)
{
    struct world world;
    uint8_t members[32];
    world_init(&world, suite);
    proof_members_hash(members, suite, world.members, WORLD_MEMBERS);
    json_expect("members", json_member(view, "members"), members, 32);
}

static void check_attestations(json_t *view, json_t *list, const uint8_t root[32], enum proof_suite suite)
{
    uint8_t message[32];
    proof_signed_bytes(message, suite, json_b32_of(view, "network"), root);
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *json = json_element(list, i);
        struct proof_key key;
        struct proof_result result;
        uint8_t secret[32];
        uint8_t signature[64];
        world_secret(secret, json_text_of(json, "key"));
        assert_true(proof_key_from_secret(&key, suite, secret));
        assert_int_equal(proof_signature_verify(&key, message, json_b64_of(json, "signature"), &result), PROOF_VALID);
        assert_true(proof_signature_sign(signature, suite, secret, message));
        assert_int_equal(proof_signature_verify(&key, message, signature, &result), PROOF_VALID);
        if (suite == PROOF_SUITE_KECCAK256_SECP256K1 || suite == PROOF_SUITE_BLAKE2B256_ED25519)
            json_expect("signature", json_member(json, "signature"), signature, 64);
    }
}

/* Builds the certificate that the example names and gives its verdict. */
static enum proof_verdict certify(json_t *view, enum proof_suite suite, json_t *names, size_t leaf_index,
                                  struct proof_result *result)
{
    struct world world;
    struct proof_attestation attestations[WORLD_MEMBERS];
    struct proof_certificate certificate = {.suite = suite, .epoch = 1, .attestations = attestations};
    struct proof_certificate_fact fact;
    json_t *leaf = json_element(json_member(view, "leaves"), leaf_index);
    json_t *path = json_element(json_member(json_member(view, "tree"), "paths"), leaf_index);
    json_t *all = json_member(view, "attestations");
    struct proof_path siblings = {.count = json_array_size(path)};
    world_init(&world, suite);
    for (size_t i = 0; i < siblings.count; i++)
        memcpy(siblings.siblings[i], json_b32(json_element(path, i)), 32);
    assert_true(
        proof_leaf_read(&certificate.leaf, json_number_of(leaf, "kind"), json_bytes_of(leaf, "fields"), result));
    for (size_t i = 0; i < json_array_size(names); i++)
        for (size_t j = 0; j < json_array_size(all); j++) {
            json_t *json = json_element(all, j);
            if (strcmp(json_text_of(json, "key"), json_string_value(json_element(names, i))) != 0)
                continue;
            struct proof_attestation *out = &attestations[certificate.count++];
            out->suite = suite;
            memcpy(out->key_id, json_b32_of(json, "key_id"), 32);
            memcpy(out->root, json_b32_of(json_member(view, "tree"), "root"), 32);
            memcpy(out->signature, json_b64_of(json, "signature"), 64);
            out->path = (struct bytes){siblings.siblings[0], 32 * siblings.count};
        }
    assert_int_equal(certificate.count, json_array_size(names));
    return proof_certificate_verify(&certificate, &world.trust, &fact, result);
}

static void check_certificates(json_t *view, enum proof_suite suite)
{
    json_t *json = json_member(view, "certificate");
    size_t leaf = (size_t)json_number_of(json, "leaf");
    size_t closing = (size_t)json_number_of(json, "closing_leaf");
    struct proof_result result;
    assert_int_equal(certify(view, suite, json_member(json, "enough"), leaf, &result), PROOF_VALID);
    assert_int_equal(certify(view, suite, json_member(json, "not_enough"), leaf, &result), PROOF_INVALID);
    assert_int_equal(result.reason, PROOF_REASON_CERTIFICATE_TOO_FEW);
    assert_int_equal(certify(view, suite, json_member(json, "closing_enough"), closing, &result), PROOF_VALID);
    assert_int_equal(certify(view, suite, json_member(json, "closing_not_enough"), closing, &result), PROOF_INVALID);
    assert_int_equal(result.reason, PROOF_REASON_CERTIFICATE_SIDE_TOO_FEW);
}

static void check_logs(struct lane_example *lane, json_t *view, enum proof_suite suite)
{
    uint8_t id[32];
    uint8_t log[32];
    uint8_t digests[MESSAGES][32];
    uint8_t entries[MESSAGES][32];
    struct proof_result result;
    json_t *logs = json_member(view, "logs");
    assert_true(proof_lane_id(id, suite, &lane->lane, &result));
    json_expect("lane", json_member(view, "lane"), id, 32);
    for (enum proof_log_kind kind = PROOF_LOG_SETTLEMENT; kind >= PROOF_LOG_MESSAGE; kind--) {
        proof_log_id(log, suite, id, kind);
        json_expect("log id", json_member(logs, proof_log_kind_name(kind)), log, 32);
    }
    proof_message_digests(digests, suite, id, lane->messages, MESSAGES);
    struct proof_head head;
    proof_head_empty(&head, log); /* the last one: the message log */
    json_expect("R_0", json_element(json_member(view, "running"), 0), head.running, 32);
    for (size_t i = 0; i < MESSAGES; i++) {
        uint8_t single[32];
        proof_message_digest(single, suite, id, &lane->messages[i]);
        assert_memory_equal(single, digests[i], 32);
        json_expect("digest", json_element(json_member(view, "digests"), i), digests[i], 32);
        assert_true(proof_head_extend(&head, suite, (const uint8_t(*)[32])digests[i], 1));
        assert_int_equal(head.number, i + 1);
        json_expect("running hash", json_element(json_member(view, "running"), i + 1), head.running, 32);
        memcpy(lane->outcomes[i].digest,
               digests[json_number_of(json_element(json_member(lane->json, "outcomes"), i), "sequence") - 1], 32);
    }
    proof_outcome_entries(entries, suite, lane->outcomes, MESSAGES);
    proof_log_id(log, suite, id, PROOF_LOG_OUTCOME);
    proof_head_empty(&head, log);
    for (size_t i = 0; i < MESSAGES; i++) {
        uint8_t record[PROOF_OUTCOME_RECORD_BYTES];
        struct codec_writer writer;
        codec_writer_init(&writer, record, sizeof record);
        assert_true(proof_outcome_write(&writer, &lane->outcomes[i]));
        json_expect("outcome record", json_element(json_member(view, "outcome_records"), i), record, sizeof record);
        json_expect("entry", json_element(json_member(view, "entries"), i), entries[i], 32);
    }
    assert_true(proof_head_extend(&head, suite, (const uint8_t(*)[32])entries, MESSAGES));
    json_expect("Q_3", json_element(json_member(view, "outcome_running"), 3), head.running, 32);
}

static void check_messages(struct lane_example *lane, uint8_t commitments[MESSAGES][4][32])
{
    json_t *list = json_member(lane->json, "messages");
    json_t *outcomes = json_member(lane->json, "outcomes");
    for (size_t i = 0; i < MESSAGES; i++) {
        json_t *json = json_element(list, i);
        struct proof_message *message = &lane->messages[i];
        uint8_t record[2048];
        struct codec_writer writer;
        read_message(message, json, commitments[i]);
        codec_writer_init(&writer, record, sizeof record);
        assert_true(proof_message_write(&writer, message));
        assert_int_equal(writer.len, proof_message_record_size(message));
        json_expect("message record", json_member(json, "record"), record, writer.len);
        if (message->has_payload)
            assert_true(proof_message_commitment_check(message, message->suites));
        for (size_t s = 0; s < PROOF_SUITE_COUNT; s++) {
            uint8_t commitment[32];
            const uint8_t *carried = proof_message_commitment_of(message, world_suites[s]);
            proof_message_commitment(commitment, world_suites[s], json_b32_of(json, "salt"),
                                     json_bytes_of(json, "payload"));
            if (carried)
                assert_memory_equal(carried, commitment, 32);
        }
        json_t *outcome = json_element(outcomes, i);
        lane->outcomes[i].sequence = json_number_of(outcome, "sequence");
        lane->outcomes[i].status = (enum proof_outcome_status)json_number_of(outcome, "status");
        lane->outcomes[i].reason = (uint32_t)json_number_of(outcome, "reason");
    }
}

static void lanes_logs_leaves_and_certificates_under_every_suite(void **state)
{
    (void)state;
    size_t views = 0;
    for (size_t i = 0; i < json_array_size(json_member(examples, "lanes")); i++) {
        struct lane_example lane;
        uint8_t commitments[MESSAGES][4][32];
        const char *name;
        json_t *view;
        read_lane(&lane, i);
        check_messages(&lane, commitments);
        json_object_foreach(json_member(lane.json, "by_suite"), name, view)
        {
            enum proof_suite suite = proof_suite_by_name(name);
            uint8_t signed_bytes[32];
            const uint8_t *root = json_b32_of(json_member(view, "tree"), "root");
            json_t *single = json_member(view, "single");
            check_logs(&lane, view, suite);
            check_leaves(view, suite);
            check_members(view, suite);
            proof_signed_bytes(signed_bytes, suite, json_b32_of(view, "network"), root);
            json_expect("signed", json_member(view, "signed"), signed_bytes, 32);
            check_attestations(view, json_member(view, "attestations"), root, suite);
            check_attestations(view, json_member(single, "attestations"), json_b32_of(single, "root"), suite);
            check_certificates(view, suite);
            views++;
        }
    }
    assert_int_equal(views, 7);
}

/* Writes the items again and makes the same frame of them. */
static void check_frame(json_t *json, json_t *items_json, enum proof_frame_kind kind, const uint8_t *audience,
                        uint64_t counter)
{
    struct proof_frame frame;
    struct proof_result result;
    struct proof_items items;
    struct proof_item item;
    struct proof_frame_writer writer;
    struct bytes made;
    struct bytes whole = json_bytes_of(json, "frame");
    size_t count = 0;
    assert_true(proof_frame_read(&frame, whole, &result));
    assert_int_equal(frame.kind, kind);
    assert_int_equal(frame.counter, counter);
    assert_memory_equal(frame.audience, audience, 32);
    assert_int_equal(proof_frame_verify(&frame, &result), PROOF_VALID);
    proof_frame_writer_init(&writer, PROOF_FRAME_BYTES_MAX);
    proof_items_init(&items, &frame);
    while (proof_items_next(&item, &items)) {
        json_expect("item", json_element(items_json, count++), item.raw.data, item.raw.len);
        assert_true(proof_frame_add(&writer, &item));
    }
    assert_int_equal(count, json_array_size(items_json));
    assert_true(proof_frame_finish(&writer, &frame, json_b32_of(json, "secret"), &made));
    json_expect("frame", json_member(json, "frame"), made.data, made.len);
    proof_frame_writer_fini(&writer);
}

static void frames_with_every_item(void **state)
{
    (void)state;
    json_t *json = json_member(examples, "frame");
    json_t *header = json_member(json, "header");
    json_t *response = json_member(json, "response");
    check_frame(json, json_member(json, "items"), PROOF_FRAME_PUBLISH, json_b32_of(header, "audience"),
                json_number_of(header, "counter"));
    check_frame(response, json_member(response, "items"), PROOF_FRAME_RESPONSE, json_b32_of(response, "audience"),
                json_number_of(response, "counter"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(identities_of_networks_chains_zones_and_lanes),
        cmocka_unit_test(keys_have_the_ids_and_points_of_the_examples),
        cmocka_unit_test(lanes_logs_leaves_and_certificates_under_every_suite),
        cmocka_unit_test(frames_with_every_item),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
