/* A certified member that lies, floods or leaves things out: nothing is lost by it, and it costs nobody more than itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/core/scene.h"

enum { COUNT = 20, LIAR = 0, EAST = 5 };

/* ---- payloads left out ----------------------------------------------------------------------------------------------- */

/* The eastward lane's messages without their payloads: their digests, and so the head, are the true ones. */
static struct bytes bare_records(const struct world *world, uint8_t bytes[COUNT * 256])
{
    struct codec_writer writer;
    codec_writer_init(&writer, bytes, COUNT * 256);
    for (uint64_t n = 1; n <= COUNT; n++) {
        struct codec_reader reader;
        struct proof_message message;
        struct proof_result result;
        codec_reader_init(&reader, model_records(&world->model.lanes[WORLD_EASTWARD].messages, n, n));
        assert_true(proof_message_read(&message, &reader, n, world->lanes[WORLD_EASTWARD].payload_max, &result));
        assert_true(message.has_payload);
        message.has_payload = false;
        message.payload = (struct bytes){NULL, 0};
        memset(message.salt, 0, sizeof(message.salt));
        assert_true(proof_message_write(&writer, &message));
    }
    return codec_writer_bytes(&writer);
}

static void bare_feed(struct world *world, uint16_t to, uint16_t from)
{
    uint8_t bytes[COUNT * 256];
    struct codec_pack items;
    struct proof_head head = world_head(world, WORLD_EASTWARD, COUNT);
    struct proof_item range = {.type = PROOF_ITEM_RANGE, .range = {.from = 1, .count = COUNT}};
    memcpy(range.range.log, head.log, 32);
    memcpy(range.range.before, head.log, 32);
    range.range.records = bare_records(world, bytes);
    codec_pack_init(&items, 1 << 16);
    world_attest(world, 1, &items, &head, 1);
    assert_true(proof_item_write(&items, &range));
    world_frame(world, to, from, 0, &items, 2);
    codec_pack_fini(&items);
}

static void a_neighbour_that_leaves_payloads_out_is_not_believed(void **state)
{
    (void)state;
    struct world *world = world_silent(201);
    bare_feed(world, WORLD_MIDDLE, LIAR);
    world_run(world, 1000);
    assert_int_equal(world_view(world, WORLD_MIDDLE, WORLD_EASTWARD, PROOF_LOG_MESSAGE).stored, 0);
    assert_int_equal(world_counter(world, WORLD_MIDDLE, RELAY_REASON_CLAIM_REFUSED), 1);
    for (uint16_t relay = 0; relay < WORLD_RELAYS; relay++)
        world_signer_down(world, relay, false);
    world_expect(world, world_settled, 200000);
    world_check_once(world);
    world_free(world);
}

static void a_source_that_leaves_payloads_out_is_not_believed(void **state)
{
    (void)state;
    uint8_t bytes[COUNT * 256];
    struct world *world = world_new(207);
    struct codec_pack message;
    world_start_all(world);
    world_run(world, 3000);
    world_send(world, WORLD_EASTWARD, COUNT, 33);
    codec_pack_init(&message, 1 << 16);
    codec_connector_encode(&message, &(struct connector_message){.type = CONNECTOR_RECORDS,
                                                                 .records = {.watch = WORLD_EASTWARD * 3,
                                                                             .from = 1,
                                                                             .count = COUNT,
                                                                             .records = bare_records(world, bytes)}});
    world_feed(world, 0, (struct relay_event){.type = RELAY_EVENT_SOURCE_MESSAGE, .body = codec_pack_bytes(&message)});
    assert_int_equal(world_counter(world, 0, RELAY_REASON_RECORDS_REFUSED), 1);
    assert_int_equal(world->relays[0].bans, 1);
    world_expect(world, world_quiet, 100000);
    world_check_once(world);
    codec_pack_fini(&message);
    world_free(world);
}

/* ---- signatures that are wrong --------------------------------------------------------------------------------------- */

/* One attestation over `count` heads that were never signed, in the name of an honest operator. */
static void forged_pack(struct world *world, struct codec_pack *items, uint64_t first, size_t count)
{
    struct proof_head heads[PROOF_ITEM_LEAVES_MAX];
    struct codec_pack one;
    struct proof_item item;
    struct proof_result result;
    for (size_t i = 0; i < count; i++) {
        heads[i] = world_head(world, WORLD_EASTWARD, 1);
        heads[i].number = first + i;
    }
    codec_pack_init(&one, 1 << 20);
    world_attest(world, 1, &one, heads, count);
    assert_true(proof_item_read(&item, codec_pack_bytes(&one), &result));
    item.attestation.signature[40] ^= 1;
    assert_true(proof_item_write(items, &item));
    codec_pack_fini(&one);
}

static void a_wrong_signature_is_looked_at_once_however_much_it_is_said_to_cover(void **state)
{
    enum { ITEMS = 8 };
    (void)state;
    struct world *world = world_silent(202);
    struct codec_pack items;
    codec_pack_init(&items, 4 << 20);
    for (uint64_t i = 0; i < ITEMS; i++)
        forged_pack(world, &items, 1000 * (i + 1), PROOF_ITEM_LEAVES_MAX);
    world_frame(world, WORLD_MIDDLE, LIAR, 0, &items, ITEMS);
    assert_int_equal(world_counter(world, WORLD_MIDDLE, RELAY_REASON_HEAD_REFUSED), 1);
    codec_pack_fini(&items);
    world_free(world);
}

/* A true word and a made-up one under one signature: the true one is kept, and told on by nobody, or its teller would be a liar. */
static void an_attestation_that_holds_in_part_is_not_told_on(void **state)
{
    (void)state;
    struct world *world = world_silent(209);
    struct proof_head heads[2] = {world_head(world, WORLD_EASTWARD, 1), world_head(world, WORLD_EASTWARD, 1)};
    struct codec_pack one, items;
    struct proof_item item;
    struct proof_result result;
    uint8_t leaves[1024];
    heads[1].number = 2000;
    codec_pack_init(&one, 1 << 16);
    codec_pack_init(&items, 1 << 16);
    world_attest(world, 1, &one, heads, 2);
    assert_true(proof_item_read(&item, codec_pack_bytes(&one), &result));
    memcpy(leaves, item.attestation.leaves.data, item.attestation.leaves.len);
    leaves[item.attestation.leaves.len - 1] ^= 1; /* in the path of the second */
    item.attestation.leaves.data = leaves;
    assert_true(proof_item_write(&items, &item));
    world_frame(world, WORLD_MIDDLE, LIAR, 0, &items, 1);
    world_run(world, 3000);
    for (uint16_t relay = 0; relay < world->relays_len; relay++)
        assert_int_equal(world_counter(world, relay, RELAY_REASON_HEAD_REFUSED), relay == WORLD_MIDDLE);
    codec_pack_fini(&one);
    codec_pack_fini(&items);
    world_free(world);
}

/* ---- heads without end ------------------------------------------------------------------------------------------------ */

/* Two of three lie, where all three must sign: nothing false is certified, and what they sign takes no more room than theirs. */
static void operators_that_sign_the_same_heads_without_end_take_no_more_room_than_each_alone(void **state)
{
    enum { FRAMES = 40, EACH = 50, WORDS = 64 + 65536 / 256 };
    (void)state;
    struct world_shape shape = WORLD_SCENE;
    shape.quorum = 3;
    struct world *world = world_new_shaped(203, &shape);
    struct codec_pack items;
    world_start_all(world);
    world_run(world, 1000);
    world_send_all(world, COUNT);
    world_expect(world, world_quiet, 100000);
    codec_pack_init(&items, 8 << 20);
    for (unsigned frame = 0; frame < FRAMES; frame++) {
        struct proof_head heads[EACH];
        codec_pack_clear(&items);
        for (unsigned i = 0; i < EACH; i++) {
            heads[i] = world_head(world, WORLD_EASTWARD, 1);
            heads[i].number = 1000 + EACH * frame + i;
        }
        world_attest(world, 0, &items, heads, EACH);
        world_attest(world, 1, &items, heads, EACH);
        world_frame(world, WORLD_MIDDLE, LIAR, 0, &items, 2);
        world_run(world, 100);
    }
    assert_true(world_rows(world, WORLD_MIDDLE, STORE_HEAD, BYTES_OF(world->lanes[WORLD_EASTWARD].logs[0])) <=
                2 * WORDS + 6);
    codec_pack_fini(&items);
    world_free(world);
}

/* ---- an operator alone ------------------------------------------------------------------------------------------------ */

/* Cut off it goes on signing, block by block: more heads than fit. What it signed once it asks its signer for no more. */
static void an_operator_that_is_cut_off_for_long_does_not_sign_the_same_heads_without_end(void **state)
{
    (void)state;
    struct world *world = world_new(204);
    world_start_all(world);
    world_run(world, 3000);
    world_isolate(world, 0, true);
    for (unsigned i = 0; i < 400; i++) {
        world_send(world, WORLD_EASTWARD, 3, 33);
        world_run(world, 1000);
    }
    world_run(world, 10000);
    unsigned before = world->relays[0].signs;
    world_run(world, 10000);
    assert_true(world->relays[0].signs - before <= 2);
    world_isolate(world, 0, false);
    world_expect(world, world_quiet, 400000);
    world_check_once(world);
    world_free(world);
}

/* Of a log whose registry does not know its key its signature counts for nothing, and is not kept: once is enough. */
static void an_operator_that_is_no_attester_of_a_lane_does_not_sign_its_heads_without_end(void **state)
{
    (void)state;
    struct world *world = world_new(208);
    world->epochs[1].keys_len--;
    memmove(&world->keys[1][0], &world->keys[1][1], world->epochs[1].keys_len * sizeof(world->keys[1][0]));
    world_start_all(world);
    world_run(world, 3000);
    for (uint16_t relay = WORLD_MIDDLE + 1; relay < WORLD_RELAYS; relay++)
        world_source_down(world, relay, 0, true); /* the one that submits */
    world_send(world, WORLD_EASTWARD, 300, 33);
    world_run(world, 20000);
    unsigned before = world->relays[0].signs;
    world_run(world, 10000);
    assert_int_equal(world->relays[0].signs, before);
    assert_int_equal(world_view(world, 0, WORLD_EASTWARD, PROOF_LOG_MESSAGE).certified, 300);
    for (uint16_t relay = WORLD_MIDDLE + 1; relay < WORLD_RELAYS; relay++)
        world_source_down(world, relay, 0, false);
    world_expect(world, world_quiet, 100000);
    world_check_once(world);
    world_free(world);
}

/* ---- "pruned" ---------------------------------------------------------------------------------------------------------- */

/* An unordered lane: so many messages have outcomes, but not the first ones. The neighbour says that it keeps none of those. */
static void pruned_feed(struct world *world, uint16_t to, uint16_t from, uint64_t ask, uint32_t refusals)
{
    enum { LANE = WORLD_EASTWARD_LOOSE };
    struct proof_head messages = world_head(world, LANE, COUNT / 2), outcomes = messages;
    struct proof_item refusal = {.type = PROOF_ITEM_REFUSAL, .refusal = {.reason = PROOF_REFUSAL_PRUNED}};
    struct codec_pack items;
    memcpy(outcomes.log, world->lanes[LANE].logs[1], 32);
    memcpy(refusal.refusal.log, messages.log, 32);
    codec_pack_init(&items, 1 << 16);
    world_attest(world, 1, &items, &messages, 1);
    world_attest(world, 2, &items, &messages, 1);
    world_attest(world, 4, &items, &outcomes, 1);
    world_attest(world, 6, &items, &outcomes, 1);
    for (uint32_t i = 0; i < refusals; i++)
        assert_true(proof_item_write(&items, &refusal));
    world_frame(world, to, from, ask, &items, 4 + refusals);
    codec_pack_fini(&items);
}

struct asked {
    const uint8_t *log;
    uint64_t id; /* last ask of the hop to the liar */
};

static void note_asks(void *context, uint16_t relay, const struct relay_action *actions, size_t len)
{
    struct asked *asked = context;
    for (size_t i = 0; relay == WORLD_MIDDLE && i < len; i++) {
        struct proof_frame frame = {.body = actions[i].body};
        struct proof_items items;
        struct proof_item item;
        if (actions[i].type != RELAY_ACTION_ASK || actions[i].peer != LIAR)
            continue;
        proof_items_init(&items, &frame);
        assert_true(proof_items_next(&item, &items));
        if (memcmp(item.ask.log, asked->log, 32) == 0)
            asked->id = actions[i].id;
    }
}

static void nobody_skips_what_is_not_settled_on_the_word_of_one_neighbour(void **state)
{
    (void)state;
    struct world *world = world_silent(205);
    struct asked asked = {.log = world->lanes[WORLD_EASTWARD_LOOSE].logs[0]};
    world_cut(world, WORLD_MIDDLE, 1, true); /* the others have no records */
    world_cut(world, WORLD_MIDDLE, 2, true);
    world->watcher = (struct world_watcher){.context = &asked, .actions = note_asks};
    pruned_feed(world, WORLD_MIDDLE, LIAR, 0, 0);
    for (uint64_t end = world->now + 60000; asked.id == 0 && world_step(world, end);)
        ;
    assert_int_not_equal(asked.id, 0);
    pruned_feed(world, WORLD_MIDDLE, LIAR, asked.id, 20); /* however often it says it */
    assert_int_equal(world_view(world, WORLD_MIDDLE, WORLD_EASTWARD_LOOSE, PROOF_LOG_MESSAGE).settled, 0);
    world_free(world);
}

static void a_relay_that_delivers_skips_nothing_while_it_does_not_see_what_is_decided(void **state)
{
    (void)state;
    struct world *world = world_silent(206);
    world_source_down(world, EAST, 0, true);
    world_source_down(world, EAST, 1, true);
    world_run(world, 1000);
    for (unsigned i = 0; i < 10; i++)
        pruned_feed(world, EAST, WORLD_MIDDLE, 1, 1);
    world_run(world, 100);
    assert_int_equal(world_view(world, EAST, WORLD_EASTWARD_LOOSE, PROOF_LOG_MESSAGE).settled, 0);
    world_free(world);
}

/* Outcomes of an unordered lane may be of messages that are still to come here; the neighbour keeps them, and says that it does not. */
static void nobody_skips_outcomes_of_what_is_still_to_come_on_the_word_of_one_neighbour(void **state)
{
    enum { LANE = WORLD_EASTWARD_LOOSE };
    (void)state;
    struct world *world = world_silent(212);
    struct asked asked = {.log = world->lanes[LANE].logs[1]};
    struct proof_head outcomes = world_head(world, LANE, COUNT / 2), settlement = outcomes;
    struct proof_item refusal = {.type = PROOF_ITEM_REFUSAL, .refusal = {.reason = PROOF_REFUSAL_PRUNED}};
    struct codec_pack items;
    memcpy(outcomes.log, world->lanes[LANE].logs[1], 32);
    memcpy(settlement.log, world->lanes[LANE].logs[2], 32);
    memcpy(refusal.refusal.log, outcomes.log, 32);
    codec_pack_init(&items, 1 << 16);
    world_attest(world, 4, &items, &outcomes, 1);
    world_attest(world, 6, &items, &outcomes, 1);
    world_attest(world, 1, &items, &settlement, 1);
    world_attest(world, 2, &items, &settlement, 1);
    world->watcher = (struct world_watcher){.context = &asked, .actions = note_asks};
    world_frame(world, WORLD_MIDDLE, LIAR, 0, &items, 4);
    for (uint64_t end = world->now + 60000; asked.id == 0 && world_step(world, end);)
        ;
    assert_int_not_equal(asked.id, 0);
    assert_true(proof_item_write(&items, &refusal));
    world_frame(world, WORLD_MIDDLE, LIAR, asked.id, &items, 5);
    assert_int_equal(world_counter(world, WORLD_MIDDLE, RELAY_REASON_BASE_ADOPTED), 0);
    codec_pack_fini(&items);
    world_free(world);
}

/* Two certified heads: which one is true is for people to say, and no neighbour has this relay begin at one of them. */
static void no_neighbour_moves_a_log_that_is_frozen(void **state)
{
    (void)state;
    struct world *world = world_silent(213);
    struct proof_head head = world_head(world, WORLD_EASTWARD, COUNT), other = head, outcomes = head;
    struct proof_item refusal = {.type = PROOF_ITEM_REFUSAL, .refusal = {.reason = PROOF_REFUSAL_PRUNED}};
    struct codec_pack items;
    other.running[0] ^= 1;
    memcpy(outcomes.log, world->lanes[WORLD_EASTWARD].logs[1], 32);
    memcpy(refusal.refusal.log, head.log, 32);
    codec_pack_init(&items, 1 << 16);
    world_attest(world, 0, &items, &head, 1);
    world_attest(world, 1, &items, &head, 1);
    world_attest(world, 4, &items, &outcomes, 1);
    world_attest(world, 6, &items, &outcomes, 1);
    world_frame(world, WORLD_MIDDLE, LIAR, 1, &items, 4);
    codec_pack_clear(&items);
    world_attest(world, 1, &items, &other, 1);
    world_attest(world, 2, &items, &other, 1);
    world_frame(world, WORLD_MIDDLE, LIAR, 1, &items, 2);
    assert_int_equal(world_counter(world, WORLD_MIDDLE, RELAY_REASON_CERTIFICATES_CONFLICT), 1);
    codec_pack_clear(&items);
    assert_true(proof_item_write(&items, &refusal));
    world_frame(world, WORLD_MIDDLE, LIAR, 1, &items, 1);
    assert_int_equal(world_counter(world, WORLD_MIDDLE, RELAY_REASON_BASE_ADOPTED), 0);
    codec_pack_fini(&items);
    world_free(world);
}

/* It proves and attests, and delivers nothing: no source of it tells what is decided, and nobody is served by its waiting. */
static void a_relay_that_does_not_deliver_begins_where_all_others_are(void **state)
{
    (void)state;
    struct world *world = world_new(210);
    world->relays_of_document[EAST].delivers_len = 0;
    world->relays[EAST].sources[0].down = true; /* the one that would submit */
    for (uint16_t relay = 0; relay < WORLD_RELAYS; relay++) {
        if (relay != EAST)
            world_start(world, relay);
    }
    world_run(world, 3000);
    world_send_all(world, COUNT);
    world_expect(world, world_quiet, 60000);
    world_start(world, EAST);
    world_run(world, 60000);
    assert_int_equal(world_view(world, EAST, WORLD_EASTWARD, PROOF_LOG_MESSAGE).settled, COUNT);
    assert_int_equal(world_view(world, EAST, WORLD_EASTWARD_LOOSE, PROOF_LOG_MESSAGE).settled, COUNT);
    world_free(world);
}

/* ---- documents ---------------------------------------------------------------------------------------------------------- */

/* The next document knows one of those that signed what all is settled up to, and not the two others' keys of then. */
static void what_is_settled_is_not_signed_again_for_an_epoch_that_is_forgotten(void **state)
{
    (void)state;
    struct world *world = world_new(211);
    struct topology_network document;
    struct topology_chain chains[MODEL_CHAINS];
    world_start_all(world);
    world_run(world, 3000);
    world_send_all(world, COUNT);
    world_expect(world, world_quiet, 60000);
    for (uint16_t relay = WORLD_MIDDLE + 1; relay < WORLD_RELAYS; relay++)
        world_source_down(world, relay, 0, true); /* the one that submits */
    world_send(world, WORLD_EASTWARD, COUNT, 33);
    world_run(world, 10000);
    world_epoch_next(world, 1, 3, 0); /* the first two of the west have another key */
    model_rotate(&world->model, 1, 0);
    world_newest_epoch_alone(world, 1, &document, chains);
    for (uint16_t relay = 0; relay < WORLD_RELAYS; relay++) {
        world_kill(world, relay);
        world->relays[relay].document = &document;
        if (relay < 2)
            world_key_next(world, relay);
        world_start(world, relay);
    }
    world_run(world, 20000);
    unsigned before = world->relays[0].signs;
    world_run(world, 10000);
    assert_int_equal(world->relays[0].signs, before);
    for (uint16_t relay = WORLD_MIDDLE + 1; relay < WORLD_RELAYS; relay++)
        world_source_down(world, relay, 0, false);
    world_expect(world, world_quiet, 60000);
    world_check_once(world);
    world_free(world);
}

/* An operator is caught with two words, and the next document is without it: those who stand behind it there inherit nothing. */
static void an_operator_that_is_removed_leaves_its_expulsion_to_nobody(void **state)
{
    (void)state;
    struct world *world = world_silent(209);
    struct topology_network document;
    struct topology_chain chains[MODEL_CHAINS];
    struct topology_epoch epochs[MODEL_CHAINS];
    struct codec_pack items;
    struct proof_head truth = world_head(world, WORLD_EASTWARD, COUNT), lie = truth;
    lie.running[0] ^= 1;
    codec_pack_init(&items, 1 << 16);
    world_attest(world, LIAR, &items, &lie, 1);
    world_attest(world, LIAR, &items, &truth, 1);
    for (uint16_t relay = WORLD_MIDDLE; relay < WORLD_RELAYS; relay++)
        world_frame(world, relay, relay == WORLD_MIDDLE ? 1 : WORLD_MIDDLE, 0, &items, 2);
    assert_int_equal(world_counter(world, WORLD_MIDDLE, RELAY_REASON_EQUIVOCATION), 1);
    world_run(world, 1000);
    document = world->network;
    memcpy(chains, world->chains, sizeof(chains));
    memcpy(epochs, world->epochs, sizeof(epochs));
    document.operators++;
    document.operators_len--;
    for (uint16_t chain = 0; chain < MODEL_CHAINS; chain++)
        chains[chain].epochs = &epochs[chain];
    epochs[1].keys++; /* of the registry of the east, whose first operator the liar is */
    epochs[1].keys_len--;
    document.chains = chains;
    for (uint16_t relay = 0; relay < WORLD_RELAYS; relay++) {
        world_kill(world, relay);
        world->relays[relay].document = &document;
        world_start(world, relay);
    }
    world_run(world, 3000);
    for (uint16_t relay = 1; relay < WORLD_RELAYS; relay++)
        world_signer_down(world, relay, false);
    world_expect(world, world_settled, 100000);
    codec_pack_fini(&items);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_neighbour_that_leaves_payloads_out_is_not_believed),
        cmocka_unit_test(a_source_that_leaves_payloads_out_is_not_believed),
        cmocka_unit_test(a_wrong_signature_is_looked_at_once_however_much_it_is_said_to_cover),
        cmocka_unit_test(an_attestation_that_holds_in_part_is_not_told_on),
        cmocka_unit_test(operators_that_sign_the_same_heads_without_end_take_no_more_room_than_each_alone),
        cmocka_unit_test(an_operator_that_is_cut_off_for_long_does_not_sign_the_same_heads_without_end),
        cmocka_unit_test(an_operator_that_is_no_attester_of_a_lane_does_not_sign_its_heads_without_end),
        cmocka_unit_test(nobody_skips_what_is_not_settled_on_the_word_of_one_neighbour),
        cmocka_unit_test(a_relay_that_delivers_skips_nothing_while_it_does_not_see_what_is_decided),
        cmocka_unit_test(nobody_skips_outcomes_of_what_is_still_to_come_on_the_word_of_one_neighbour),
        cmocka_unit_test(no_neighbour_moves_a_log_that_is_frozen),
        cmocka_unit_test(a_relay_that_does_not_deliver_begins_where_all_others_are),
        cmocka_unit_test(what_is_settled_is_not_signed_again_for_an_epoch_that_is_forgotten),
        cmocka_unit_test(an_operator_that_is_removed_leaves_its_expulsion_to_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
