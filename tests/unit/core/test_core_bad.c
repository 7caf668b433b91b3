/* What others say and cannot be so (docs/bad-input.md): each is counted under its name, changes nothing, and is shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/core/scene.h"

static void item_feed(struct world *world, uint16_t to, uint16_t from, uint64_t ask, const struct proof_item *item)
{
    struct codec_pack items;
    codec_pack_init(&items, 1 << 16);
    assert_true(proof_item_write(&items, item));
    world_frame(world, to, from, ask, &items, 1);
    codec_pack_fini(&items);
}

static void head_feed(struct world *world, uint16_t to, uint16_t from, uint16_t signer, const struct proof_head *head)
{
    struct codec_pack items;
    codec_pack_init(&items, 1 << 16);
    world_attest(world, signer, &items, head, 1);
    world_frame(world, to, from, 0, &items, 1);
    codec_pack_fini(&items);
}

static size_t heads_kept(const struct world *world, uint16_t relay, const struct proof_head *head)
{
    return world_rows(world, relay, STORE_HEAD, BYTES_OF(head->log));
}

static void two_certified_heads_that_conflict_freeze_the_log_and_neither_is_chosen(void **state)
{
    (void)state;
    struct world *world = world_new(81);
    world->epochs[0].quorum = world->epochs[1].quorum = 1; /* or both operators would be seen to sign two words */
    world_start_all(world);
    for (uint16_t relay = 0; relay < WORLD_RELAYS; relay++)
        world_signer_down(world, relay, true);
    world_run(world, 2000);
    world_send_all(world, 20);
    world_run(world, 5000);
    struct proof_head truth = world_head(world, WORLD_EASTWARD, 20), lie = truth;
    lie.running[0] ^= 1;
    head_feed(world, WORLD_MIDDLE, 0, 0, &truth);
    world_run(world, 200);
    assert_false(world_view(world, WORLD_MIDDLE, WORLD_EASTWARD, PROOF_LOG_MESSAGE).frozen);
    head_feed(world, WORLD_MIDDLE, 1, 1, &lie);
    world_run(world, 200);
    struct relay_log_view view = world_view(world, WORLD_MIDDLE, WORLD_EASTWARD, PROOF_LOG_MESSAGE);
    assert_true(view.frozen);
    assert_int_equal(view.cause, RELAY_CAUSE_FROZEN);
    assert_int_equal(world_counter(world, WORLD_MIDDLE, RELAY_REASON_CERTIFICATES_CONFLICT), 1);
    assert_int_equal(heads_kept(world, WORLD_MIDDLE, &truth), 2); /* both, as proof */
    assert_false(world_view(world, WORLD_MIDDLE, WORLD_WESTWARD, PROOF_LOG_MESSAGE).frozen);
    world_kill(world, WORLD_MIDDLE);
    world_start(world, WORLD_MIDDLE);
    world_run(world, 2000);
    assert_true(world_view(world, WORLD_MIDDLE, WORLD_EASTWARD, PROOF_LOG_MESSAGE).frozen); /* until a person decides */
    world_free(world);
}

static void a_head_that_contradicts_what_this_relay_proved_is_not_kept(void **state)
{
    (void)state;
    struct world *world = world_silent(82);
    struct proof_head lie = world_head(world, WORLD_EASTWARD, 20);
    lie.running[0] ^= 1;
    assert_int_equal(world_view(world, 0, WORLD_EASTWARD, PROOF_LOG_MESSAGE).proven, 20);
    head_feed(world, 0, WORLD_MIDDLE, 1, &lie);
    world_run(world, 200);
    assert_int_equal(world_counter(world, 0, RELAY_REASON_HEAD_CONTRADICTS), 1);
    assert_int_equal(heads_kept(world, 0, &lie), 0);
    for (uint16_t relay = 0; relay < WORLD_RELAYS; relay++)
        world_signer_down(world, relay, false);
    world_expect(world, world_quiet, 100000);
    world_check_once(world);
    world_free(world);
}

static void evidence_that_proves_nothing_is_refused_noted_and_its_source_marked(void **state)
{
    (void)state;
    struct world *world = world_new(83);
    world->false_proofs = true;
    world_start_all(world);
    world_run(world, 2000);
    world_send_all(world, 20);
    world_run(world, 20000);
    for (uint16_t relay = 0; relay < WORLD_MIDDLE; relay++) {
        assert_true(world_counter(world, relay, RELAY_REASON_EVIDENCE_REFUSED) > 0);
        assert_true(world->relays[relay].bans > 0);
        assert_true(world->relays[relay].kept > 0);
        struct relay_source_view view = {0};
        assert_true(relay_core_source_view(world->relays[relay].core, 0, &view) && view.refused > 0);
        assert_true(view.refused_why[0] != '\0');
        assert_true(world_rows(world, relay, STORE_AUDIT, (struct bytes){NULL, 0}) > 0);
        assert_int_equal(world_view(world, relay, WORLD_EASTWARD, PROOF_LOG_MESSAGE).proven, 0);
        assert_int_equal(world->relays[relay].signs, 0);
    }
    world->false_proofs = false;
    world_expect(world, world_quiet, 200000);
    world_check_once(world);
    world_free(world);
}

static void another_network_document_is_noted_once_for_each_that_a_peer_shows(void **state)
{
    (void)state;
    struct world *world = world_silent(84);
    struct proof_item item = {.type = PROOF_ITEM_HEARTBEAT,
                              .heartbeat = {.time = model_time(1), .document_version = 9}};
    memset(item.heartbeat.document_hash, 0x99, 32);
    for (unsigned i = 0; i < 3; i++)
        item_feed(world, 0, WORLD_MIDDLE, 0, &item);
    assert_int_equal(world_counter(world, 0, RELAY_REASON_DOCUMENT_DIFFERS), 1);
    struct relay_peer_view view;
    assert_true(relay_core_peer_view(world->relays[0].core, WORLD_MIDDLE, &view));
    assert_int_equal(view.document_version, 9);
    memset(item.heartbeat.document_hash, 0x98, 32);
    item_feed(world, 0, WORLD_MIDDLE, 0, &item);
    assert_int_equal(world_counter(world, 0, RELAY_REASON_DOCUMENT_DIFFERS), 2);
    world_free(world);
}

/* The peer does not know the lane, or may not show it: what is here stays here. */
static void what_a_peer_refuses_is_counted_and_kept(void **state)
{
    static const uint8_t reasons[] = {PROOF_REFUSAL_UNKNOWN_LOG, PROOF_REFUSAL_NOT_PERMITTED, PROOF_REFUSAL_BUSY};
    (void)state;
    struct world *world = world_silent(85);
    struct proof_head head = world_head(world, WORLD_EASTWARD, 20);
    struct proof_item range = {
        .type = PROOF_ITEM_RANGE,
        .range = {
            .from = 1, .count = 20, .records = model_records(&world->model.lanes[WORLD_EASTWARD].messages, 1, 20)}};
    memcpy(range.range.log, head.log, 32);
    memcpy(range.range.before, head.log, 32);
    struct codec_pack items;
    codec_pack_init(&items, 1 << 20);
    world_attest(world, 0, &items, &head, 1);
    assert_true(proof_item_write(&items, &range));
    world_frame(world, WORLD_MIDDLE, 0, 0, &items, 2);
    codec_pack_fini(&items);
    world_run(world, 100);
    assert_int_equal(world_view(world, WORLD_MIDDLE, WORLD_EASTWARD, PROOF_LOG_MESSAGE).stored, 20);
    uint64_t before = world_counter(world, WORLD_MIDDLE, RELAY_REASON_PEER_REFUSED);
    for (size_t i = 0; i < sizeof reasons; i++) {
        struct proof_item item = {.type = PROOF_ITEM_REFUSAL, .refusal = {.reason = reasons[i]}};
        memcpy(item.refusal.log, head.log, 32);
        item_feed(world, WORLD_MIDDLE, 4, 1 + i, &item);
    }
    assert_int_equal(world_counter(world, WORLD_MIDDLE, RELAY_REASON_PEER_REFUSED), before + 3);
    assert_int_equal(world_view(world, WORLD_MIDDLE, WORLD_EASTWARD, PROOF_LOG_MESSAGE).stored, 20);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_certified_heads_that_conflict_freeze_the_log_and_neither_is_chosen),
        cmocka_unit_test(a_head_that_contradicts_what_this_relay_proved_is_not_kept),
        cmocka_unit_test(evidence_that_proves_nothing_is_refused_noted_and_its_source_marked),
        cmocka_unit_test(another_network_document_is_noted_once_for_each_that_a_peer_shows),
        cmocka_unit_test(what_a_peer_refuses_is_counted_and_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
