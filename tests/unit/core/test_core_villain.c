/* One operator below the quorum signs what no chain holds: what others certify takes its place, and nobody is held up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "relay/store/keys.h"
#include "tests/unit/core/scene.h"

enum { VALUE_AT = 13, WEST_VILLAIN = 0, EAST_VILLAIN = 6, FORGED = 3, ASKER = 6, LARGE = 1 << 10 };

/* Records 1..FORGED of a log, as `record` makes them, under a head that only the villain signed; told to all but the villain. */
static void forge(struct world *world, uint16_t villain, uint16_t lane, uint8_t kind,
                  void record(struct world *world, uint16_t lane, uint64_t n, struct codec_writer *writer,
                              uint8_t item[32]))
{
    uint8_t bytes[FORGED * (LARGE + 512)];
    struct codec_writer writer;
    struct codec_pack items;
    struct proof_item range = {.type = PROOF_ITEM_RANGE, .range = {.from = 1, .count = FORGED}};
    struct proof_head head = {.number = FORGED};
    codec_writer_init(&writer, bytes, sizeof(bytes));
    memcpy(head.log, world->lanes[lane].logs[kind - 1], 32);
    memcpy(head.running, head.log, 32);
    memcpy(range.range.log, head.log, 32);
    memcpy(range.range.before, head.log, 32);
    for (uint64_t n = 1; n <= FORGED; n++) {
        uint8_t item[32];
        record(world, lane, n, &writer, item);
        proof_running_hash_extend(head.running, world->model.suite, (const uint8_t(*)[32])item, 1);
    }
    range.range.records = codec_writer_bytes(&writer);
    codec_pack_init(&items, 1 << 16);
    world_attest(world, villain, &items, &head, 1);
    assert_true(proof_item_write(&items, &range));
    for (uint16_t relay = 0; relay < WORLD_RELAYS; relay++) {
        if (relay != villain)
            world_frame(world, relay, villain, 0, &items, 2);
    }
    codec_pack_fini(&items);
}

static void message_forge(struct world *world, uint16_t lane, uint64_t n, struct codec_writer *writer, uint8_t item[32])
{
    struct bytes truth = model_records(&world->model.lanes[lane].messages, n, n);
    struct proof_message message;
    struct codec_reader reader;
    struct proof_result result;
    codec_reader_init(&reader, truth);
    assert_true(proof_message_read(&message, &reader, n, world->lanes[lane].payload_max, &result));
    message.value[0] ^= 1;
    proof_message_digest(item, world->model.suite, world->lanes[lane].id, &message);
    assert_true(proof_message_write(writer, &message));
}

static void large_forge(struct world *world, uint16_t lane, uint64_t n, struct codec_writer *writer, uint8_t item[32])
{
    uint8_t payload[LARGE] = {(uint8_t)n}, commitment[32];
    struct proof_message message = {.sequence = n,
                                    .time = model_time(1),
                                    .deadline = model_time(1) + 3600,
                                    .suites = world->shape.suite,
                                    .commitments = commitment,
                                    .has_payload = true,
                                    .payload = BYTES_OF(payload)};
    proof_message_commitment(commitment, world->model.suite, message.salt, message.payload);
    proof_message_digest(item, world->model.suite, world->lanes[lane].id, &message);
    assert_true(proof_message_write(writer, &message));
}

/* Of the true message: a relay that believed it would forget the message. */
static void outcome_forge(struct world *world, uint16_t lane, uint64_t n, struct codec_writer *writer, uint8_t item[32])
{
    struct proof_outcome outcome = {.sequence = n, .status = PROOF_OUTCOME_FAILED, .reason = 1};
    memcpy(outcome.digest, world->model.lanes[lane].messages.entries[n - 1].item, 32);
    proof_outcome_entry(item, world->model.suite, &outcome);
    assert_true(proof_outcome_write(writer, &outcome));
}

static bool quiet_but_for_villains(struct world *world)
{
    bool quiet = world_settled(world);
    for (uint16_t relay = 0; quiet && relay < WORLD_RELAYS; relay++)
        quiet = relay == WEST_VILLAIN || relay == EAST_VILLAIN || world_relay_quiet(world, relay);
    return quiet;
}

/* window: of every lane, 0: as the world has it. */
static void made_up(uint64_t window, uint16_t villain, uint16_t first_lane, uint8_t kind,
                    void record(struct world *world, uint16_t lane, uint64_t n, struct codec_writer *writer,
                                uint8_t item[32]))
{
    struct world *world = world_silent(91);
    for (uint16_t lane = 0; lane < WORLD_LANES && window > 0; lane++)
        world->lanes[lane].window = window;
    for (uint16_t lane = first_lane; lane < WORLD_LANES; lane += 2)
        forge(world, villain, lane, kind, record);
    world_run(world, 1000);
    assert_int_equal(world_view(world, WORLD_MIDDLE, first_lane, kind).stored, FORGED);
    for (uint16_t relay = 0; relay < WORLD_RELAYS; relay++)
        world_signer_down(world, relay, false);
    world_expect(world, quiet_but_for_villains, 200000);
    world_check_once(world);
    for (uint16_t relay = 0; relay < WORLD_RELAYS; relay++) {
        for (uint16_t lane = 0; lane < WORLD_LANES; lane++)
            assert_false(world_view(world, relay, lane, PROOF_LOG_MESSAGE).frozen);
    }
    world_free(world);
}

static void messages_that_one_operator_made_up_give_way_to_those_that_are_certified(void **state)
{
    (void)state;
    made_up(0, WEST_VILLAIN, WORLD_EASTWARD, PROOF_LOG_MESSAGE, message_forge);
}

static void outcomes_that_one_operator_made_up_settle_nothing_and_give_way_to_those_that_are_certified(void **state)
{
    (void)state;
    made_up(0, EAST_VILLAIN, WORLD_EASTWARD, PROOF_LOG_OUTCOME, outcome_forge);
}

static void messages_that_one_operator_made_up_give_way_though_they_fill_the_window(void **state)
{
    (void)state;
    made_up(FORGED * LARGE, WEST_VILLAIN, WORLD_EASTWARD, PROOF_LOG_MESSAGE, large_forge);
}

/* Its own sources refuse to go on from there, and the quorum needs it: what it was told as a hop must not stay. */
static void a_hop_that_gets_sources_asks_them_for_what_one_operator_made_up(void **state)
{
    enum { HOP = 1 };
    (void)state;
    struct world *world = world_new(95);
    world->relays[HOP].hop = true;
    world_start_all(world);
    for (uint16_t relay = 0; relay < WORLD_RELAYS; relay++)
        world_signer_down(world, relay, true);
    world_run(world, 2000);
    world_send(world, WORLD_EASTWARD, FORGED, 33);
    world_run(world, 5000);
    forge(world, WEST_VILLAIN, WORLD_EASTWARD, PROOF_LOG_MESSAGE, message_forge);
    world_run(world, 1000);
    assert_int_equal(world_view(world, HOP, WORLD_EASTWARD, PROOF_LOG_MESSAGE).stored, FORGED);
    world_kill(world, HOP);
    world->relays[HOP].hop = false;
    world_start(world, HOP);
    world_run(world, 1000);
    for (uint16_t relay = 0; relay < WORLD_RELAYS; relay++)
        world_signer_down(world, relay, relay == WEST_VILLAIN);
    world_expect(world, world_settled, 200000);
    world_check_once(world);
    world_free(world);
}

/* ---- claims of which a part is true ---------------------------------------------------------------------------------- */

/* Records 1..count of the eastward lane, true ones before number `first`, in one segment of the hop. */
static void hop_takes(struct world *world, uint64_t first, uint64_t count)
{
    const struct model_log *log = &world->model.lanes[WORLD_EASTWARD].messages;
    uint8_t bytes[4096];
    struct codec_writer writer;
    struct codec_pack items;
    struct proof_item range = {.type = PROOF_ITEM_RANGE, .range = {.from = 1, .count = (uint16_t)count}};
    struct proof_head head = world_head(world, WORLD_EASTWARD, count);
    codec_writer_init(&writer, bytes, sizeof(bytes));
    memcpy(head.running, log->start, 32);
    memcpy(range.range.log, head.log, 32);
    memcpy(range.range.before, log->start, 32);
    for (uint64_t n = 1; n <= count; n++) {
        uint8_t item[32];
        memcpy(item, log->entries[n - 1].item, 32);
        if (n < first)
            codec_write_bytes(&writer, model_records(log, n, n));
        else
            message_forge(world, WORLD_EASTWARD, n, &writer, item);
        proof_running_hash_extend(head.running, world->model.suite, (const uint8_t(*)[32])item, 1);
    }
    range.range.records = codec_writer_bytes(&writer);
    codec_pack_init(&items, 1 << 16);
    world_attest(world, WEST_VILLAIN, &items, &head, 1);
    assert_true(proof_item_write(&items, &range));
    world_frame(world, WORLD_MIDDLE, WEST_VILLAIN, 0, &items, 2);
    codec_pack_fini(&items);
}

/* The hop gets the signatures of two operators over the true heads at these numbers, in one frame; ask: which it answers, or 0. */
static void hop_hears(struct world *world, uint64_t one, uint64_t other, uint64_t ask)
{
    struct proof_head heads[2] = {world_head(world, WORLD_EASTWARD, one), world_head(world, WORLD_EASTWARD, other)};
    struct codec_pack items;
    codec_pack_init(&items, 1 << 16);
    world_attest(world, 1, &items, heads, 2);
    world_attest(world, 2, &items, heads, 2);
    world_frame(world, WORLD_MIDDLE, 1, ask, &items, 2);
    codec_pack_fini(&items);
}

static struct relay_log_view hop_view(const struct world *world)
{
    return world_view(world, WORLD_MIDDLE, WORLD_EASTWARD, PROOF_LOG_MESSAGE);
}

/* Of the only segment of the hop's log that is on its disk. */
static unsigned hop_row(const struct world *world)
{
    struct store *store = world->relays[WORLD_MIDDLE].disk.store;
    struct store_snapshot *snapshot = store->ops->snapshot_new(store);
    struct keys_segment row = {0};
    uint8_t key[KEYS_SEGMENT_BYTES];
    uint8_t *value = NULL;
    size_t len = 0;
    keys_segment_key(key, world->lanes[WORLD_EASTWARD].logs[0], 1);
    assert_int_equal(store->ops->get(snapshot, STORE_SEGMENT, (struct store_view){key, sizeof(key)}, &value, &len),
                     STORE_OK);
    assert_true(keys_segment_read(&row, (struct bytes){value, len}));
    free(value);
    store->ops->snapshot_free(snapshot);
    return row.count;
}

static void hop_restarts(struct world *world)
{
    world_kill(world, WORLD_MIDDLE);
    world_start(world, WORLD_MIDDLE);
    world_run(world, 500);
}

static void all_ends_well(struct world *world)
{
    world_isolate(world, WORLD_MIDDLE, false);
    for (uint16_t relay = 0; relay < WORLD_RELAYS; relay++)
        world_signer_down(world, relay, false);
    world_expect(world, quiet_but_for_villains, 200000);
    world_check_once(world);
    assert_false(hop_view(world).frozen);
    world_free(world);
}

static void true_records_stay_though_made_up_ones_came_in_one_segment_with_them(void **state)
{
    (void)state;
    struct world *world = world_silent(93);
    world_isolate(world, WORLD_MIDDLE, true);
    hop_takes(world, 4, 5);
    world_run(world, 200);
    assert_int_equal(hop_view(world).stored, 5);
    hop_hears(world, 3, 4, 0);
    assert_int_equal(hop_view(world).stored, 3);
    assert_int_equal(hop_row(world), 5);
    hop_restarts(
        world); /* before anything of it is on disk: then the claim is there once more, and doubted once more */
    assert_int_equal(hop_view(world).stored, 5);
    hop_hears(world, 3, 4, 0);
    world_run(world, 500);
    assert_int_equal(hop_view(world).stored, 3);
    assert_int_equal(hop_row(world), 3);
    hop_restarts(world);
    assert_int_equal(hop_view(world).stored, 3);
    all_ends_well(world);
}

static void an_unreadable_row_that_is_to_be_cut_goes_whole_and_holds_nobody_up(void **state)
{
    (void)state;
    struct world *world = world_silent(94);
    world_isolate(world, WORLD_MIDDLE, true);
    hop_takes(world, 4, 5);
    world_run(world, 200);
    world->relays[WORLD_MIDDLE].disk.unreadable = true;
    hop_hears(world, 3, 4, 0);
    world_run(world, 500);
    assert_int_equal(hop_view(world).stored, 0);
    world->relays[WORLD_MIDDLE].disk.unreadable = false;
    all_ends_well(world);
}

/* The older certificate contradicts claims that the newer one, for a greater number, says nothing of. */
static void a_certificate_that_comes_after_a_newer_one_still_decides_between_claims(void **state)
{
    (void)state;
    struct world *world = world_silent(95);
    world_isolate(world, WORLD_MIDDLE, true);
    hop_takes(world, 1, 5);
    world_run(world, 200);
    hop_hears(world, 20, 20, 0);
    assert_int_equal(hop_view(world).stored, 5);
    hop_hears(world, 4, 4, 1);
    assert_int_equal(hop_view(world).stored, 0);
    all_ends_well(world);
}

struct asked {
    const uint8_t *log;
    unsigned records[WORLD_RELAYS]; /* asks for records, by the peer asked */
};

static void note_asks(void *context, uint16_t relay, const struct relay_action *actions, size_t len)
{
    struct asked *asked = context;
    for (size_t i = 0; relay == ASKER && i < len; i++) {
        struct proof_frame frame = {.body = actions[i].body};
        struct proof_items items;
        struct proof_item item;
        if (actions[i].type != RELAY_ACTION_ASK)
            continue;
        proof_items_init(&items, &frame);
        assert_true(proof_items_next(&item, &items));
        if (memcmp(item.ask.log, asked->log, 32) == 0 && item.ask.max_bytes > 0)
            asked->records[actions[i].peer]++;
    }
}

/* Nobody has records under the head and it is never certified: both lack for ever, and the asks for them alternate. */
static void every_neighbour_is_asked_for_records_whatever_heads_one_operator_made_up(void **state)
{
    (void)state;
    struct world *world = world_silent(92);
    struct asked asked = {.log = world->lanes[WORLD_EASTWARD].logs[PROOF_LOG_MESSAGE - 1]};
    struct proof_head head = world_head(world, WORLD_EASTWARD, FORGED);
    struct codec_pack items;
    head.running[0] ^= 1;
    world_cut(world, ASKER, ASKER - 2, true); /* an even number of neighbours is left */
    world_run(world, 5000);
    codec_pack_init(&items, 1 << 16);
    world_attest(world, WEST_VILLAIN, &items, &head, 1);
    world->watcher = (struct world_watcher){.context = &asked, .actions = note_asks};
    world_frame(world, ASKER, WORLD_MIDDLE, 0, &items, 1);
    world_run(world, 60000);
    codec_pack_fini(&items);
    assert_int_equal(asked.records[ASKER - 2], 0);
    assert_int_not_equal(asked.records[ASKER - 1], 0);
    assert_int_not_equal(asked.records[WORLD_MIDDLE], 0);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_that_one_operator_made_up_give_way_to_those_that_are_certified),
        cmocka_unit_test(outcomes_that_one_operator_made_up_settle_nothing_and_give_way_to_those_that_are_certified),
        cmocka_unit_test(messages_that_one_operator_made_up_give_way_though_they_fill_the_window),
        cmocka_unit_test(a_hop_that_gets_sources_asks_them_for_what_one_operator_made_up),
        cmocka_unit_test(true_records_stay_though_made_up_ones_came_in_one_segment_with_them),
        cmocka_unit_test(an_unreadable_row_that_is_to_be_cut_goes_whole_and_holds_nobody_up),
        cmocka_unit_test(a_certificate_that_comes_after_a_newer_one_still_decides_between_claims),
        cmocka_unit_test(every_neighbour_is_asked_for_records_whatever_heads_one_operator_made_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
