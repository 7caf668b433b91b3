/* Where the relay meets chains and disks: windows, sources that disagree or stall, failing receivers, failing writes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/core/scene.h"

/* Settlement is held up: the source gets credit for one window and no more; then all goes on. */
static void a_full_window_takes_no_more_from_the_source_until_something_settles(void **state)
{
    (void)state;
    struct world *world = world_new(61);
    for (uint16_t lane = 0; lane < WORLD_LANES; lane++)
        world->lanes[lane].window = 256 * 1024;
    world_start_all(world);
    world_isolate(world, WORLD_MIDDLE, true);
    for (unsigned i = 0; i < 80; i++) {
        world_send_all(world, 4);
        world_send(world, WORLD_EASTWARD, 4, 2000);
        world_run(world, 1000);
    }
    for (uint16_t relay = 0; relay < WORLD_MIDDLE; relay++) {
        struct relay_log_view view = world_view(world, relay, WORLD_EASTWARD, PROOF_LOG_MESSAGE);
        assert_int_equal(view.cause, RELAY_CAUSE_WINDOW_FULL);
        assert_true(view.window_used <= world->lanes[WORLD_EASTWARD].window);
        assert_true(view.stored < world->model.lanes[WORLD_EASTWARD].messages.count);
        /* I10: the lane beside it goes on. */
        assert_int_equal(world_view(world, relay, WORLD_EASTWARD_LOOSE, 1).stored,
                         world->model.lanes[WORLD_EASTWARD_LOOSE].messages.count - 8);
    }
    world_isolate(world, WORLD_MIDDLE, false);
    world_expect(world, world_quiet, 300000);
    world_check_once(world);
    world_check_bounded(world);
    world_free(world);
}

/* DESIGN section 9: "disk full: stop accepting, say so on every surface, keep what is there". */
static void a_disk_that_is_nearly_full_takes_no_new_message_and_settles_what_is_here(void **state)
{
    (void)state;
    struct world *world = world_new(64);
    world_start_all(world);
    world_run(world, 2000);
    world_send_all(world, 50);
    world_expect(world, world_quiet, 60000);
    for (uint16_t relay = 0; relay < WORLD_MIDDLE; relay++)
        world->relays[relay].scarce = true;
    world_run(world, 1000);
    uint64_t before = world_view(world, 0, WORLD_EASTWARD, PROOF_LOG_MESSAGE).stored;
    world_send_all(world, 20);
    world_run(world, 20000);
    for (uint16_t relay = 0; relay < WORLD_MIDDLE; relay++) {
        struct relay_log_view view = world_view(world, relay, WORLD_EASTWARD, PROOF_LOG_MESSAGE);
        assert_int_equal(view.stored, before);
        assert_int_equal(view.cause, RELAY_CAUSE_DISK);
        assert_true(world_counter(world, relay, RELAY_REASON_DISK_SCARCE) > 0);
        /* The other direction only passes outcomes here: they have a reserve. */
        assert_true(world_view(world, relay, WORLD_EASTWARD, PROOF_LOG_OUTCOME).settled >= before);
    }
    for (uint16_t relay = 0; relay < WORLD_MIDDLE; relay++)
        world->relays[relay].scarce = false;
    world_expect(world, world_quiet, 120000);
    world_check_once(world);
    world_free(world);
}

static void two_sources_that_disagree_have_nothing_attested(void **state)
{
    (void)state;
    struct world *world = world_new(62);
    for (uint16_t relay = 0; relay < WORLD_MIDDLE; relay++)
        world->relays[relay].sources[1].branch = 1;
    world_start_all(world);
    world_run(world, 2000);
    world_send_all(world, 20);
    world_run(world, 20000);
    for (uint16_t relay = 0; relay < WORLD_MIDDLE; relay++) {
        assert_int_equal(world->relays[relay].signs, 0);
        assert_int_equal(world_view(world, relay, WORLD_EASTWARD, 1).proven, 0);
        assert_int_equal(world_view(world, relay, WORLD_EASTWARD, 1).cause, RELAY_CAUSE_SOURCES_DISAGREE);
        assert_true(world_counter(world, relay, RELAY_REASON_SOURCES_DISAGREE) > 0);
    }
    assert_int_equal(world->model.lanes[WORLD_EASTWARD].accepted, 0);
    world_free(world);
}

/* I1: records are hints until they lead to the proven hash. The forged ones are well-formed and come from the relay's own
 * source; all three relays of the side have such a one as their first. */
static void records_that_do_not_lead_to_the_proven_hash_are_not_taken(void **state)
{
    (void)state;
    struct world *world = world_new(62);
    for (uint16_t relay = 0; relay < WORLD_MIDDLE; relay++)
        world->relays[relay].sources[0].forges = true;
    world_start_all(world);
    world_run(world, 3000);
    world_send_all(world, 20);
    world_expect(world, world_quiet, 200000);
    for (uint16_t relay = 0; relay < WORLD_MIDDLE; relay++) {
        struct relay_log_view view = world_view(world, relay, WORLD_EASTWARD, PROOF_LOG_MESSAGE);
        assert_int_equal(view.frozen, 0);
        assert_int_equal(view.proven, 20);
        assert_true(world_counter(world, relay, RELAY_REASON_RECORDS_MISSING) > 0);
    }
    world_check_once(world);
    world_free(world);
}

/* I8: failover never lowers the number of sources that are demanded. */
static void with_one_source_of_two_the_relay_abstains_and_goes_on_when_it_is_back(void **state)
{
    (void)state;
    struct world *world = world_new(63);
    world_start_all(world);
    world_run(world, 3000);
    for (uint16_t relay = 0; relay < WORLD_MIDDLE; relay++)
        world_source_down(world, relay, 1, true);
    world_send_all(world, 20);
    world_run(world, 20000);
    for (uint16_t relay = 0; relay < WORLD_MIDDLE; relay++) {
        assert_int_equal(world_view(world, relay, WORLD_EASTWARD, 1).proven, 0);
        assert_int_equal(world_view(world, relay, WORLD_EASTWARD, 1).cause, RELAY_CAUSE_SOURCE_DOWN);
    }
    for (uint16_t relay = 0; relay < WORLD_MIDDLE; relay++)
        world_source_down(world, relay, 1, false);
    world_expect(world, world_quiet, 100000);
    world_check_once(world);
    world_free(world);
}

static void sources_that_come_and_go_lose_nothing(void **state)
{
    (void)state;
    struct world *world = world_new(64);
    world_start_all(world);
    for (unsigned i = 0; i < 60; i++) {
        uint16_t relay = (uint16_t)world_random(world, WORLD_RELAYS), source = (uint16_t)world_random(world, 2);
        if (relay == WORLD_MIDDLE)
            continue;
        world_send_all(world, world_random(world, 20));
        world_source_down(world, relay, source, true);
        world_run(world, 1 + world_random(world, 1500));
        world_source_down(world, relay, source, false);
        world_run(world, world_random(world, 800));
    }
    world_expect(world, world_quiet, 200000);
    world_check_once(world);
    world_check_bounded(world);
    world_free(world);
}

static void a_receiver_that_fails_for_a_while_is_tried_again_and_stops_no_other_lane(void **state)
{
    (void)state;
    struct world *world = world_new(65);
    struct model_lane *lane = &world->model.lanes[WORLD_EASTWARD];
    lane->fails_from = 11;
    lane->fails_to = 11;
    lane->fails_until = model_time(70);
    world_start_all(world);
    world_run(world, 3000);
    world_send_all(world, 60);
    world_run(world, 40000);
    assert_int_equal(lane->order_len, 10); /* ordered: those behind it wait */
    assert_int_equal(world->model.lanes[WORLD_EASTWARD_LOOSE].order_len, 60);
    assert_true(lane->tries > 2 && lane->tries < 40);
    assert_int_equal(world_view(world, 5, WORLD_EASTWARD, 1).cause, RELAY_CAUSE_RECEIVER);
    world_expect(world, world_quiet, 200000);
    world_check_once(world);
    world_free(world);
}

static void a_receiver_that_always_fails_has_its_message_expired_and_the_lane_goes_on(void **state)
{
    (void)state;
    struct world *world = world_new(66);
    struct model_lane *lane = &world->model.lanes[WORLD_EASTWARD];
    lane->fails_from = lane->fails_to = 5;
    lane->fails_until = UINT64_MAX;
    world_start_all(world);
    world_run(world, 3000);
    world_send(world, WORLD_EASTWARD, 4, 10);
    model_send(&world->model, WORLD_EASTWARD, (const uint8_t *)"short life", 10, 60);
    world_send(world, WORLD_EASTWARD, 20, 10);
    world_expect(world, world_quiet, 300000);
    assert_int_equal(lane->settled[5], PROOF_OUTCOME_EXPIRED);
    assert_int_equal(lane->executed[5], 0);
    for (uint64_t n = 1; n <= 25; n++)
        assert_int_equal(lane->executed[n], n != 5);
    world_free(world);
}

static void on_a_once_lane_a_failure_is_final_and_told_to_the_sender(void **state)
{
    (void)state;
    struct world *world = world_new(67);
    struct model_lane *lane = &world->model.lanes[WORLD_EASTWARD_LOOSE];
    lane->fails_from = 3;
    lane->fails_to = 7;
    lane->fails_until = UINT64_MAX;
    world_start_all(world);
    world_run(world, 3000);
    world_send_all(world, 12);
    world_expect(world, world_quiet, 60000);
    for (uint64_t n = 1; n <= 12; n++)
        assert_int_equal(lane->settled[n], n >= 3 && n <= 7 ? PROOF_OUTCOME_FAILED : PROOF_OUTCOME_DONE);
    assert_int_equal(lane->tries, 5);
    world_free(world);
}

/* More payload than one call takes: the rest goes as digests, and is executed after. */
static void messages_larger_than_a_call_are_all_executed(void **state)
{
    (void)state;
    struct world *world = world_new(68);
    world_start_all(world);
    world_run(world, 3000);
    for (uint16_t lane = 0; lane < WORLD_LANES; lane++)
        world_send(world, lane, 12, 30000);
    world_expect(world, world_quiet, 300000);
    world_check_once(world);
    world_free(world);
}

/* A contract knows no document: its senders can go beyond what that says, and neither their lane nor their chain may stop for it. */
static void a_payload_that_the_outbox_took_is_carried_whatever_the_document_says(void **state)
{
    (void)state;
    struct world *world = world_new(69);
    world->lanes[WORLD_EASTWARD].payload_max = 100;
    world_start_all(world);
    world_run(world, 3000);
    world_send(world, WORLD_EASTWARD, 2, 16384);
    world_send(world, WORLD_EASTWARD_LOOSE, 12, 50);
    world_expect(world, world_quiet, 60000);
    world_check_once(world);
    for (uint16_t relay = 0; relay < WORLD_RELAYS; relay++)
        assert_int_equal(world->relays[relay].bans, 0);
    world_free(world);
}

static bool east_frozen(struct world *world)
{
    struct relay_log_view ordered = world_view(world, 0, WORLD_EASTWARD, PROOF_LOG_MESSAGE),
                          loose = world_view(world, 0, WORLD_EASTWARD_LOOSE, PROOF_LOG_MESSAGE);
    return ordered.cause == RELAY_CAUSE_FROZEN && ordered.frozen && loose.cause == RELAY_CAUSE_FROZEN && loose.frozen;
}

/* While it was down its chain forgot what was final: its sources name another header where its mark is. */
static void a_chain_that_names_another_final_header_after_a_restart_is_taken_from_no_more(void **state)
{
    (void)state;
    struct world *world = world_new(71);
    world_start_all(world);
    world_run(world, 3000);
    world_send_all(world, 20);
    world_expect(world, world_quiet, 60000);
    world_kill(world, 0);
    world->relays[0].sources[0].branch = 1;
    world_start(world, 0);
    world_run(world, 10000);
    assert_int_equal(world_counter(world, 0, RELAY_REASON_CHAIN_REORGANISED), 0); /* one source of two may lie */
    world_kill(world, 0);
    world->relays[0].sources[1].branch = 1;
    world_start(world, 0);
    world_expect(world, east_frozen, 10000);
    assert_int_equal(world_counter(world, 0, RELAY_REASON_CHAIN_REORGANISED), 1);
    world_kill(world, 0);
    world->relays[0].sources[0].branch = world->relays[0].sources[1].branch = 0;
    world_start(world, 0);
    world_send_all(world, 20);
    world_run(world, 10000);
    assert_true(east_frozen(world)); /* until a person decides */
    assert_int_equal(world_view(world, 0, WORLD_EASTWARD, PROOF_LOG_MESSAGE).proven, 20);
    world_free(world);
}

static void notice_feed(struct world *world, uint16_t source, uint32_t code)
{
    struct codec_pack pack;
    codec_pack_init(&pack, 4096);
    struct connector_message message = {.type = CONNECTOR_NOTICE, .notice = {.code = code}};
    codec_connector_encode(&pack, &message);
    world_feed(
        world, 0,
        (struct relay_event){.type = RELAY_EVENT_SOURCE_MESSAGE, .source = source, .body = codec_pack_bytes(&pack)});
    codec_pack_fini(&pack);
}

static void a_chain_whose_sources_say_that_finality_was_broken_is_taken_from_no_more(void **state)
{
    (void)state;
    struct world *world = world_new(72);
    world_start_all(world);
    world_run(world, 3000);
    notice_feed(world, 0, CONNECTOR_NOTICE_FINALITY_BROKEN);
    world_run(world, 1000);
    assert_false(east_frozen(world));
    notice_feed(world, 1, CONNECTOR_NOTICE_FINALITY_BROKEN);
    world_expect(world, east_frozen, 1000);
    assert_int_equal(world_counter(world, 0, RELAY_REASON_CHAIN_REORGANISED), 1);
    world_send_all(world, 20);
    world_expect(world, world_delivered, 60000); /* the other operators go on */
    assert_int_equal(world_view(world, 0, WORLD_EASTWARD, PROOF_LOG_MESSAGE).proven, 0);
    world_free(world);
}

/* Documents and registries never change at one moment: the next epoch stands in the one before it begins in the other. */
static void while_the_registry_does_not_know_the_newest_epoch_the_one_before_certifies(void **state)
{
    (void)state;
    struct world *world = world_new(70);
    struct topology_epoch epochs[MODEL_CHAINS][2];
    for (uint16_t chain = 0; chain < MODEL_CHAINS; chain++) {
        epochs[chain][0] = epochs[chain][1] = world->epochs[chain];
        epochs[chain][1].number = 2;
        world->chains[chain].epochs = epochs[chain];
        world->chains[chain].epochs_len = 2;
    }
    world_start_all(world);
    world_run(world, 3000);
    for (unsigned i = 0; i < 10; i++) {
        world_send_all(world, 20);
        world_run(world, 3000);
    }
    world_expect(world, world_quiet, 60000);
    unsigned refused = world->model.rejected;
    assert_true(refused > 0);
    world_send_all(world, 20);
    world_expect(world, world_quiet, 30000);
    assert_int_equal(world->model.rejected, refused); /* they have learned it */
    world->model.epoch[0] = world->model.epoch[1] = 1;
    world_send_all(world, 20);
    world_expect(world, world_quiet, 60000);
    world_check_once(world);
    world_free(world);
}

static bool eastward_certified(struct world *world)
{
    return world_view(world, WORLD_MIDDLE, WORLD_EASTWARD, PROOF_LOG_MESSAGE).certified ==
           world->model.lanes[WORLD_EASTWARD].messages.count;
}

/* "Keys rotate … at once (compromise: undelivered heads are attested again)", DESIGN section 5: nothing else is sent after. */
static void what_the_old_epoch_certified_and_nobody_delivered_is_attested_again_by_the_new_one(void **state)
{
    (void)state;
    struct world *world = world_new(73);
    struct topology_key old[MODEL_CHAINS][WORLD_SIDE];
    struct topology_epoch epochs[MODEL_CHAINS][2];
    world_start_all(world);
    world_run(world, 3000);
    for (uint16_t relay = WORLD_MIDDLE + 1; relay < WORLD_RELAYS; relay++)
        world_source_down(world, relay, 0, true); /* the one that submits */
    world_send(world, WORLD_EASTWARD, 20, 100);
    world_expect(world, eastward_certified, 60000);
    assert_int_equal(world->model.lanes[WORLD_EASTWARD].accepted, 0);
    for (uint16_t relay = 0; relay < WORLD_RELAYS; relay++)
        world_kill(world, relay);
    for (uint16_t chain = 0; chain < MODEL_CHAINS; chain++) {
        memcpy(old[chain], world->keys[chain], sizeof(old[chain]));
        epochs[chain][0] = epochs[chain][1] = world->epochs[chain];
        epochs[chain][0].keys = old[chain];
        epochs[chain][1].number = 2;
        world->chains[chain].epochs = epochs[chain];
        world->chains[chain].epochs_len = 2;
        world->model.epoch[chain] = 1;
        for (uint16_t i = 0; i < WORLD_SIDE; i++) {
            uint16_t relay = (uint16_t)(world->keys[chain][i].operator_number - 1);
            struct proof_key key;
            memset(world->secrets[relay], 0x60 + relay, 32);
            assert_true(proof_key_from_secret(&key, PROOF_SUITE_KECCAK256_SECP256K1, world->secrets[relay]));
            memcpy(world->keys[chain][i].id, key.id, 32);
            memcpy(world->key_ids[relay], key.id, 32);
        }
    }
    world_start_all(world);
    world_run(world, 3000);
    for (uint16_t relay = WORLD_MIDDLE + 1; relay < WORLD_RELAYS; relay++)
        world_source_down(world, relay, 0, false);
    world_expect(world, world_quiet, 120000);
    world_check_once(world);
    world_free(world);
}

static void document_next(struct world *world, uint16_t relay)
{
    world_kill(world, relay);
    world->relays[relay].document = &world->next.network;
}

/* All operators of the west change keys, and sign again what is certified and not delivered; the east's relays, which deliver,
 * have the document with these keys only afterwards. */
static void keys_learned_late(uint64_t seed, uint32_t messages, uint64_t patience)
{
    struct world_shape shape = WORLD_SCENE;
    shape.window = 8 << 20;
    struct world *world = world_new_shaped(seed, &shape);
    world_start_all(world);
    world_run(world, 3000);
    for (uint16_t relay = WORLD_MIDDLE + 1; relay < WORLD_RELAYS; relay++)
        world_source_down(world, relay, 0, true); /* the one that submits */
    world_send(world, WORLD_EASTWARD, messages, 100);
    world_expect(world, eastward_certified, 60000);
    assert_int_equal(world->model.lanes[WORLD_EASTWARD].accepted, 0);
    world_epoch_next(world, 1, 7, 0);
    model_rotate(&world->model, 1, 0);
    for (uint16_t relay = 0; relay < WORLD_MIDDLE; relay++) {
        document_next(world, relay);
        world_key_next(world, relay);
        world_start(world, relay);
    }
    world_run(world, 20000);
    for (uint16_t relay = WORLD_MIDDLE; relay < WORLD_RELAYS; relay++) {
        document_next(world, relay);
        world_start(world, relay);
    }
    world_run(world, 3000);
    struct relay_explain explain;
    assert_true(relay_core_explain(world->relays[0].core, WORLD_EASTWARD, messages, &explain));
    assert_int_equal(explain.signers_len, 3); /* with two keys each */
    assert_int_equal(world_view(world, 0, WORLD_EASTWARD, PROOF_LOG_MESSAGE).signers, 3);
    for (uint16_t relay = WORLD_MIDDLE + 1; relay < WORLD_RELAYS; relay++)
        world_source_down(world, relay, 0, false);
    world_expect(world, world_quiet, patience);
    world_check_once(world);
    world_free(world);
}

static void what_was_signed_anew_before_a_relay_knew_the_keys_is_asked_for(void **state)
{
    (void)state;
    keys_learned_late(74, 300, 120000);
}

/* Each head that an inbox steps on was signed anew: they are asked for together, and not ever more rarely. */
static void a_long_backlog_that_was_signed_anew_is_asked_for_in_few_asks(void **state)
{
    (void)state;
    keys_learned_late(77, 32 * TOPOLOGY_HEAD_STEP, 90000);
}

/* The west's keys are changed at once: the document names the new epoch only, so all that was signed before counts for nothing.
 * The lane is quiet: no new message makes anybody sign. */
static void what_is_undelivered_is_signed_again_when_the_document_no_longer_names_the_epoch_before(void **state)
{
    struct topology_network document;
    struct topology_chain chains[MODEL_CHAINS];
    (void)state;
    struct world *world = world_new(76);
    world_start_all(world);
    world_run(world, 3000);
    for (uint16_t relay = WORLD_MIDDLE + 1; relay < WORLD_RELAYS; relay++)
        world_source_down(world, relay, 0, true); /* the one that submits */
    world_send(world, WORLD_EASTWARD, 30, 100);
    world_run(world, 10000);
    assert_int_equal(world_view(world, WORLD_MIDDLE, WORLD_EASTWARD, PROOF_LOG_MESSAGE).certified, 30);
    world_epoch_next(world, 1, 7, 0);
    model_rotate(&world->model, 1, 0);
    world_newest_epoch_alone(world, 1, &document, chains);
    for (uint16_t relay = 0; relay < WORLD_RELAYS; relay++) {
        document_next(world, relay);
        world->relays[relay].document = &document;
        if (relay < WORLD_MIDDLE)
            world_key_next(world, relay);
        world_start(world, relay);
    }
    world_run(world, 3000);
    for (uint16_t relay = WORLD_MIDDLE + 1; relay < WORLD_RELAYS; relay++)
        world_source_down(world, relay, 0, false);
    world_expect(world, world_quiet, 120000);
    world_check_once(world);
    world_free(world);
}

/* It proves what it sent before, says that this is a greater number, and has nothing more to send: what is staged leads nowhere. */
static void a_source_that_names_a_greater_number_than_it_proves_is_asked_again(void **state)
{
    (void)state;
    struct world *world = world_new(75);
    world_start_all(world);
    world_run(world, 3000);
    world->relays[0].sources[0].invents = 6; /* under true headers */
    world_send(world, WORLD_EASTWARD, 20, 100);
    world_run(world, 8000);
    world->relays[0].sources[0].invents = 0;
    world_send(world, WORLD_EASTWARD, 5, 100);
    world_expect(world, world_quiet, 60000);
    world_check_once(world);
    world_free(world);
}

static void after_a_failed_write_the_relay_halts_and_says_nothing_more(void **state)
{
    (void)state;
    struct world *world = world_new(69);
    world_start_all(world);
    world_run(world, 3000);
    world->relays[0].disk.fails = STORE_FULL;
    world_send_all(world, 30);
    world_run(world, 8000);
    assert_true(relay_core_halted(world->relays[0].core));
    unsigned published = world->relays[0].published, signs = world->relays[0].signs;
    uint64_t written = world->relays[0].committed_writes;
    world_send_all(world, 30);
    world_run(world, 20000);
    assert_int_equal(world->relays[0].published, published);
    assert_int_equal(world->relays[0].signs, signs);
    assert_int_equal(world->relays[0].committed_writes, written);
    assert_true(world_settled(world)); /* the two others are enough */
    world_kill(world, 0);
    world->relays[0].disk.fails = STORE_OK;
    world_start(world, 0);
    world_send_all(world, 10);
    world_expect(world, world_quiet, 100000);
    world_check_once(world);
    world_check_bounded(world);
    world_free(world);
}

static bool operator_signed(const struct world *world, uint16_t seen_by, uint16_t relay, uint64_t sequence)
{
    struct relay_explain explain = {0};
    relay_core_explain(world->relays[seen_by].core, WORLD_EASTWARD, sequence, &explain);
    for (size_t i = 0; i < explain.signers_len; i++) {
        if (explain.signers[i] == world->network.relays[relay].operator_number)
            return true;
    }
    return false;
}

/* I2: the disk of relay 0 stops between its signer's answer and the commit that holds it. Told and then lost would be a word
 * that its relay knows nothing of. */
static void what_is_not_on_disk_is_told_to_nobody(void **state)
{
    (void)state;
    struct world *world = world_new(70);
    world_start_all(world);
    world_run(world, 3000);
    world_send(world, WORLD_EASTWARD, 30, 10);
    for (unsigned signs = world->relays[0].signs; world->relays[0].signs == signs;)
        world_run(world, 1);
    assert_true(world_view(world, 0, WORLD_EASTWARD, PROOF_LOG_MESSAGE).attested < 30);
    world->relays[0].disk.held = true;
    world_run(world, 5000);
    assert_true(world_view(world, 0, WORLD_EASTWARD, PROOF_LOG_MESSAGE).attested == 30);
    assert_true(operator_signed(world, 1, 1, 30));
    assert_false(operator_signed(world, 1, 0, 30));
    assert_false(operator_signed(world, WORLD_MIDDLE, 0, 30));
    world_kill(world, 0);
    world->relays[0].disk.held = false;
    world_start(world, 0);
    world_expect(world, world_quiet, 100000);
    world_check_once(world);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_window_takes_no_more_from_the_source_until_something_settles),
        cmocka_unit_test(a_disk_that_is_nearly_full_takes_no_new_message_and_settles_what_is_here),
        cmocka_unit_test(two_sources_that_disagree_have_nothing_attested),
        cmocka_unit_test(records_that_do_not_lead_to_the_proven_hash_are_not_taken),
        cmocka_unit_test(with_one_source_of_two_the_relay_abstains_and_goes_on_when_it_is_back),
        cmocka_unit_test(sources_that_come_and_go_lose_nothing),
        cmocka_unit_test(a_receiver_that_fails_for_a_while_is_tried_again_and_stops_no_other_lane),
        cmocka_unit_test(a_receiver_that_always_fails_has_its_message_expired_and_the_lane_goes_on),
        cmocka_unit_test(on_a_once_lane_a_failure_is_final_and_told_to_the_sender),
        cmocka_unit_test(messages_larger_than_a_call_are_all_executed),
        cmocka_unit_test(a_payload_that_the_outbox_took_is_carried_whatever_the_document_says),
        cmocka_unit_test(a_chain_that_names_another_final_header_after_a_restart_is_taken_from_no_more),
        cmocka_unit_test(a_chain_whose_sources_say_that_finality_was_broken_is_taken_from_no_more),
        cmocka_unit_test(while_the_registry_does_not_know_the_newest_epoch_the_one_before_certifies),
        cmocka_unit_test(what_the_old_epoch_certified_and_nobody_delivered_is_attested_again_by_the_new_one),
        cmocka_unit_test(what_was_signed_anew_before_a_relay_knew_the_keys_is_asked_for),
        cmocka_unit_test(a_long_backlog_that_was_signed_anew_is_asked_for_in_few_asks),
        cmocka_unit_test(what_is_undelivered_is_signed_again_when_the_document_no_longer_names_the_epoch_before),
        cmocka_unit_test(a_source_that_names_a_greater_number_than_it_proves_is_asked_again),
        cmocka_unit_test(after_a_failed_write_the_relay_halts_and_says_nothing_more),
        cmocka_unit_test(what_is_not_on_disk_is_told_to_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
