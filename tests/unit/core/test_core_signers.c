/* Signers: restarts, lost signatures, quorums, an operator with two words, hostile claims. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/core/scene.h"

static void a_signer_that_restarts_goes_on_at_its_guard(void **state)
{
    (void)state;
    struct world *world = world_new(41);
    world_start_all(world);
    for (unsigned i = 0; i < 8; i++) {
        world_send_all(world, 40);
        world_run(world, 1100);
        for (uint16_t relay = 0; relay < WORLD_RELAYS; relay++)
            world_signer_down(world, relay, true);
        world_run(world, 700);
        for (uint16_t relay = 0; relay < WORLD_RELAYS; relay++)
            world_signer_down(world, relay, false);
    }
    world_expect(world, world_quiet, 120000);
    world_check_once(world);
    world_check_bounded(world);
    world_free(world);
}

/* The guards are ahead of what the relays hold: their answers were lost with a crash before they were stored. */
static void signatures_lost_between_answer_and_commit_are_made_again_at_every_multiple_of_256(void **state)
{
    (void)state;
    struct world *world = world_new(42);
    world_start_all(world);
    for (uint16_t relay = 0; relay < WORLD_RELAYS; relay++)
        world->relays[relay].lose_answers = true;
    world_run(world, 2000);
    world_send_all(world, 1000);
    world_run(world, 6000);
    for (uint16_t relay = 0; relay < WORLD_RELAYS; relay++) {
        if (relay != WORLD_MIDDLE)
            assert_int_equal(world->relays[relay].guards[world_chain_of(world, relay) ? 3 : 0].number, 1000);
        world_kill(world, relay);
        world->relays[relay].lose_answers = false;
        world_start(world, relay);
    }
    world_expect(world, world_quiet, 120000);
    world_check_once(world);
    world_free(world);
}

static void with_one_attestation_of_two_nothing_is_delivered(void **state)
{
    (void)state;
    struct world *world = world_new(43);
    world_start_all(world);
    world_signer_down(world, 0, true);
    world_signer_down(world, 1, true);
    world_run(world, 2000);
    world_send_all(world, 30);
    world_run(world, 60000);
    struct relay_log_view view = world_view(world, 5, WORLD_EASTWARD, PROOF_LOG_MESSAGE);
    assert_int_equal(world->model.lanes[WORLD_EASTWARD].accepted, 0);
    assert_int_equal(world->model.lanes[WORLD_EASTWARD_LOOSE].accepted, 0);
    assert_int_equal(view.certified, 0);
    assert_int_equal(view.cause, RELAY_CAUSE_QUORUM);
    assert_true(view.waits_for_operator == 1 || view.waits_for_operator == 2);
    world_signer_down(world, 1, false);
    world_expect(world, world_settled, 60000);
    world_signer_down(world, 0, false);
    world_expect(world, world_quiet, 60000);
    world_free(world);
}

/* I1: "operators counted, not keys". Relays 0 and 1 sign with two keys of one operator; the quorum is two operators. */
static void two_keys_of_one_operator_are_one_voice(void **state)
{
    (void)state;
    struct world *world = world_new(47);
    for (uint16_t chain = 0; chain < MODEL_CHAINS; chain++)
        world->keys[chain][1].operator_number = world->keys[chain][0].operator_number;
    world_start_all(world);
    world_signer_down(world, 2, true);
    world_run(world, 2000);
    world_send_all(world, 30);
    world_run(world, 60000);
    assert_true(world_view(world, 0, WORLD_EASTWARD, PROOF_LOG_MESSAGE).attested == 30);
    assert_true(world_view(world, 1, WORLD_EASTWARD, PROOF_LOG_MESSAGE).attested == 30);
    for (uint16_t relay = 0; relay < WORLD_RELAYS; relay++)
        assert_int_equal(world_view(world, relay, WORLD_EASTWARD, PROOF_LOG_MESSAGE).certified, 0);
    assert_int_equal(world->model.lanes[WORLD_EASTWARD].accepted, 0);
    world_signer_down(world, 2, false);
    world_expect(world, world_quiet, 60000);
    world_check_once(world);
    world_free(world);
}

/* ---- frames that a relay makes up ------------------------------------------------------------------------------------- */

static void range_pack(struct codec_pack *pack, const struct world *world, uint16_t lane, uint16_t count,
                       struct bytes records)
{
    struct proof_item item = {.type = PROOF_ITEM_RANGE, .range = {.from = 1, .count = count, .records = records}};
    memcpy(item.range.log, world->lanes[lane].logs[0], 32);
    memcpy(item.range.before, world->lanes[lane].logs[0], 32);
    assert_true(proof_item_write(pack, &item));
}

static void records_without_a_signed_head_are_not_stored(void **state)
{
    (void)state;
    struct world *world = world_silent(44);
    struct codec_pack items;
    codec_pack_init(&items, 1 << 20);
    range_pack(&items, world, WORLD_EASTWARD, 20, model_records(&world->model.lanes[WORLD_EASTWARD].messages, 1, 20));
    world_frame(world, WORLD_MIDDLE, 0, 0, &items, 1);
    world_run(world, 100);
    assert_int_equal(world_view(world, WORLD_MIDDLE, WORLD_EASTWARD, 1).stored, 0);
    assert_true(world_counter(world, WORLD_MIDDLE, RELAY_REASON_CLAIM_UNSIGNED) > 0);
    /* With the signature of one attester they are kept as a claim; up to its head, not beyond. */
    struct proof_head head = world_head(world, WORLD_EASTWARD, 12);
    world_attest(world, 0, &items, &head, 1);
    world_frame(world, WORLD_MIDDLE, 0, 0, &items, 2);
    world_run(world, 100);
    assert_int_equal(world_view(world, WORLD_MIDDLE, WORLD_EASTWARD, 1).stored, 12);
    assert_int_equal(world_view(world, WORLD_MIDDLE, WORLD_EASTWARD, 1).certified, 0);
    codec_pack_fini(&items);
    world_free(world);
}

/* I9: whoever signs heads, and however many, a hop stores no more than the lane's window and one batch. */
static void signed_claims_beyond_the_window_are_not_stored(void **state)
{
    enum { COUNT = 200, PAYLOAD = 5000, WINDOW = 512 << 10 };
    (void)state;
    struct world *world = world_new(48);
    world->lanes[WORLD_EASTWARD].window = WINDOW;
    world_start_all(world);
    for (uint16_t relay = 0; relay < WORLD_RELAYS; relay++)
        world_signer_down(world, relay, true);
    world_run(world, 2000);
    world_send(world, WORLD_EASTWARD, COUNT, PAYLOAD);
    world_run(world, 5000);
    struct codec_pack items;
    struct proof_head heads[COUNT / 10];
    codec_pack_init(&items, 2 << 20);
    for (size_t i = 0; i < COUNT / 10; i++)
        heads[i] = world_head(world, WORLD_EASTWARD, 10 * (i + 1));
    world_attest(world, 0, &items, heads, COUNT / 10);
    range_pack(&items, world, WORLD_EASTWARD, COUNT,
               model_records(&world->model.lanes[WORLD_EASTWARD].messages, 1, COUNT));
    world_frame(world, WORLD_MIDDLE, 0, 0, &items, 2);
    world_run(world, 100);
    struct relay_log_view view = world_view(world, WORLD_MIDDLE, WORLD_EASTWARD, PROOF_LOG_MESSAGE);
    assert_true(view.stored > 0 && view.stored < COUNT);
    assert_true(view.window_used <= WINDOW + RELAY_BATCH_MAX);
    assert_true(world_counter(world, WORLD_MIDDLE, RELAY_REASON_CLAIM_OVER_BUDGET) > 0);
    codec_pack_fini(&items);
    world_free(world);
}

static void a_payload_that_does_not_open_its_commitment_is_refused(void **state)
{
    (void)state;
    struct world *world = world_silent(45);
    struct bytes records = model_records(&world->model.lanes[WORLD_EASTWARD].messages, 1, 20);
    uint8_t forged[8192];
    struct codec_pack items;
    struct proof_head head = world_head(world, WORLD_EASTWARD, 20);
    codec_pack_init(&items, 1 << 20);
    assert_true(records.len <= sizeof(forged));
    memcpy(forged, records.data, records.len);
    forged[records.len - 1] ^= 1; /* the last byte of the last payload: the digests do not know it */
    world_attest(world, 0, &items, &head, 1);
    range_pack(&items, world, WORLD_EASTWARD, 20, (struct bytes){forged, records.len});
    world_frame(world, WORLD_MIDDLE, 0, 0, &items, 2);
    world_run(world, 100);
    assert_int_equal(world_view(world, WORLD_MIDDLE, WORLD_EASTWARD, 1).stored, 0);
    assert_true(world_counter(world, WORLD_MIDDLE, RELAY_REASON_CLAIM_REFUSED) > 0);
    codec_pack_fini(&items);
    world_free(world);
}

static void a_head_signed_by_nobody_we_know_is_refused(void **state)
{
    (void)state;
    struct world *world = world_silent(46);
    struct codec_pack items;
    struct proof_head head = world_head(world, WORLD_EASTWARD, 20);
    codec_pack_init(&items, 1 << 20);
    world_attest(world, 4, &items, &head, 1); /* an operator of the other side: no attester of this log */
    world_frame(world, WORLD_MIDDLE, 0, 0, &items, 1);
    codec_pack_clear(&items);
    world_attest(world, 0, &items, &head, 1);
    items.data[items.len - 1 - 32] ^= 1; /* inside the leaf: its path leads elsewhere */
    world_frame(world, WORLD_MIDDLE, 0, 0, &items, 1);
    assert_int_equal(world_counter(world, WORLD_MIDDLE, RELAY_REASON_HEAD_REFUSED), 2);
    assert_int_equal(relay_core_signers_of(world->relays[WORLD_MIDDLE].core, WORLD_EASTWARD, 1, 1), 0);
    codec_pack_fini(&items);
    world_free(world);
}

/* Nothing can follow it: a relay whose own key was stolen would ask from behind it, which is no question, and be cut off. */
static void a_head_at_the_last_number_that_there_is_is_refused(void **state)
{
    (void)state;
    struct world *world = world_silent(46);
    struct codec_pack items;
    struct proof_head head = world_head(world, WORLD_EASTWARD, 20);
    head.number = UINT64_MAX;
    codec_pack_init(&items, 1 << 20);
    world_attest(world, 0, &items, &head, 1);
    world_frame(world, 0, WORLD_MIDDLE, 0, &items, 1); /* its own word, as another tells it */
    world_frame(world, WORLD_MIDDLE, 0, 0, &items, 1);
    assert_int_equal(world_counter(world, 0, RELAY_REASON_HEAD_REFUSED), 1);
    assert_int_equal(world_counter(world, WORLD_MIDDLE, RELAY_REASON_HEAD_REFUSED), 1);
    assert_true(world_view(world, 0, WORLD_EASTWARD, PROOF_LOG_MESSAGE).attested <= 20);
    assert_true(world_view(world, WORLD_MIDDLE, WORLD_EASTWARD, PROOF_LOG_MESSAGE).newest_seen <= 20);
    codec_pack_fini(&items);
    world_free(world);
}

static void an_operator_with_two_words_is_expelled_and_the_lane_goes_on_with_the_others(void **state)
{
    (void)state;
    struct world *world = world_silent(47);
    struct codec_pack items;
    struct proof_head truth = world_head(world, WORLD_EASTWARD, 20), lie = truth;
    lie.running[0] ^= 1;
    codec_pack_init(&items, 1 << 20);
    for (uint16_t relay = 0; relay < WORLD_RELAYS; relay++) {
        codec_pack_clear(&items);
        world_attest(world, 0, &items, &lie, 1);
        world_attest(world, 0, &items, &truth, 1);
        world_frame(world, relay, relay == WORLD_MIDDLE ? 0 : WORLD_MIDDLE, 0, &items, 2);
    }
    assert_int_equal(world_counter(world, WORLD_MIDDLE, RELAY_REASON_EQUIVOCATION), 1);
    /* Its signature and that of one honest operator are no quorum any more. */
    codec_pack_clear(&items);
    world_attest(world, 1, &items, &truth, 1);
    world_frame(world, WORLD_MIDDLE, 1, 0, &items, 1);
    assert_int_equal(world_view(world, WORLD_MIDDLE, WORLD_EASTWARD, 1).certified, 0);
    world_signer_down(world, 1, false);
    world_signer_down(world, 2, false);
    for (uint16_t relay = 4; relay < WORLD_RELAYS; relay++)
        world_signer_down(world, relay, false);
    world_send_all(world, 20);
    world_expect(world, world_settled, 60000);
    world_check_once(world);
    assert_int_equal(world->model.rejected, 0);
    codec_pack_fini(&items);
    world_free(world);
}

/* However many heads one operator signs, however high: the others' heads find their place. */
static void an_operator_that_signs_thousands_of_heads_stops_no_lane(void **state)
{
    (void)state;
    struct world *world = world_silent(48);
    struct codec_pack items;
    codec_pack_init(&items, 8 << 20);
    for (unsigned frame = 0; frame < 20; frame++) {
        struct proof_head heads[100];
        codec_pack_clear(&items);
        for (unsigned i = 0; i < 100; i++) {
            heads[i] = world_head(world, WORLD_EASTWARD, 1);
            heads[i].number = 256 * (uint64_t)(100 * frame + i + 1);
            heads[i].running[0] = (uint8_t)i;
            heads[i].running[1] = (uint8_t)frame;
        }
        world_attest(world, 0, &items, heads, 100);
        for (uint16_t relay = 0; relay < WORLD_RELAYS; relay++)
            world_frame(world, relay, relay == WORLD_MIDDLE ? 0 : WORLD_MIDDLE, 0, &items, 1);
        world_run(world, 100);
    }
    for (uint16_t relay = 1; relay < WORLD_RELAYS; relay++)
        world_signer_down(world, relay, false);
    world_send_all(world, 600);
    world_expect(world, world_settled, 120000);
    world_check_once(world);
    codec_pack_fini(&items);
    world_free(world);
}

/* The certified end of an outcome log, and of the settlement log that shows it taken. */
static void ends_feed(struct world *world, uint16_t to, uint16_t from, uint16_t lane, uint64_t number)
{
    struct codec_pack items;
    struct proof_head heads[2] = {{.number = number}, {.number = number}};
    codec_pack_init(&items, 1 << 16);
    for (uint16_t kind = 1; kind <= 2; kind++) {
        memcpy(heads[kind - 1].log, world->lanes[lane].logs[kind], 32);
        memcpy(heads[kind - 1].running, world->model.lanes[lane].outcomes.entries[number - 1].running, 32);
    }
    world_attest(world, 4, &items, &heads[0], 1); /* outcomes: the far side's operators */
    world_attest(world, 5, &items, &heads[0], 1);
    world_attest(world, 1, &items, &heads[1], 1); /* settlement: those of the lane's own side */
    world_attest(world, 2, &items, &heads[1], 1);
    world_frame(world, to, from, 0, &items, 4);
    codec_pack_fini(&items);
}

static void pruned_feed(struct world *world, uint16_t to, uint16_t from, uint16_t lane)
{
    struct proof_item item = {.type = PROOF_ITEM_REFUSAL, .refusal = {.reason = PROOF_REFUSAL_PRUNED}};
    struct codec_pack body;
    memcpy(item.refusal.log, world->lanes[lane].logs[1], 32);
    codec_pack_init(&body, 4096);
    codec_pack_array(&body, 1);
    assert_true(proof_item_write(&body, &item));
    world_feed(world, to,
               (struct relay_event){.type = RELAY_EVENT_FRAME, .id = 1, .peer = from, .body = codec_pack_bytes(&body)});
    codec_pack_fini(&body);
}

/* The signer of relay 0 goes on from its guard over outcome records. A base beyond the guard, adopted on the first word of a
 * neighbour that has none of them itself, would end its settlement signatures until somebody adopts a head by name. */
static void a_join_does_not_leave_the_own_signer_behind(void **state)
{
    (void)state;
    struct world *world = world_new(58);
    world_start_all(world);
    world_send(world, WORLD_EASTWARD, 40, 40);
    world_expect(world, world_quiet, 100000);
    world_isolate(world, 0, true);
    world_send(world, WORLD_EASTWARD, 600, 40);
    world_expect(world, world_settled, 100000);
    ends_feed(world, 0, WORLD_MIDDLE, WORLD_EASTWARD, 640);
    world_run(world, 5000);
    assert_int_equal(world_view(world, 0, WORLD_EASTWARD, PROOF_LOG_OUTCOME).certified, 640);
    pruned_feed(world, 0, WORLD_MIDDLE, WORLD_EASTWARD);
    world_run(world, 5000);
    world_isolate(world, 0, false);
    world_send(world, WORLD_EASTWARD, 10, 40);
    world_expect(world, world_quiet, 200000);
    assert_int_equal(world_view(world, 0, WORLD_EASTWARD, PROOF_LOG_SETTLEMENT).attested, 650);
    assert_int_equal(world_counter(world, 0, RELAY_REASON_SIGNER_BEHIND), 0);
    world_free(world);
}

/* A block full of others' receipts fills the message of a source; what the signer is asked holds that, and the records besides. */
static void evidence_as_large_as_a_source_may_send_is_signed(void **state)
{
    (void)state;
    struct world *world = world_new(52);
    for (uint16_t relay = 0; relay < WORLD_RELAYS; relay++) {
        for (uint16_t source = 0; source < WORLD_SOURCES; source++)
            world->relays[relay].sources[source].ballast = WORLD_BALLAST_MAX;
    }
    world_start_all(world);
    world_run(world, 2000);
    world_send(world, WORLD_EASTWARD, 40, 33);
    world_expect(world, world_settled, 60000);
    world_check_once(world);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signer_that_restarts_goes_on_at_its_guard),
        cmocka_unit_test(signatures_lost_between_answer_and_commit_are_made_again_at_every_multiple_of_256),
        cmocka_unit_test(with_one_attestation_of_two_nothing_is_delivered),
        cmocka_unit_test(two_keys_of_one_operator_are_one_voice),
        cmocka_unit_test(records_without_a_signed_head_are_not_stored),
        cmocka_unit_test(signed_claims_beyond_the_window_are_not_stored),
        cmocka_unit_test(a_payload_that_does_not_open_its_commitment_is_refused),
        cmocka_unit_test(a_head_signed_by_nobody_we_know_is_refused),
        cmocka_unit_test(a_head_at_the_last_number_that_there_is_is_refused),
        cmocka_unit_test(an_operator_with_two_words_is_expelled_and_the_lane_goes_on_with_the_others),
        cmocka_unit_test(an_operator_that_signs_thousands_of_heads_stops_no_lane),
        cmocka_unit_test(a_join_does_not_leave_the_own_signer_behind),
        cmocka_unit_test(evidence_as_large_as_a_source_may_send_is_signed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
