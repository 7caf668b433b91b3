/* What stays of settled messages: as much as is configured, never less than a relay that was away needs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "relay/core/state.h"
#include "relay/store/keys.h"
#include "tests/unit/core/scene.h"

struct span {
    uint64_t first, last, count; /* numbers; count: how many of them have a row */
};

/* The numbers of a log that a family still has. */
static struct span span_of(const struct world *world, uint16_t relay, enum store_family family, const uint8_t log[32])
{
    struct store *store = world->relays[relay].disk.store;
    struct store_snapshot *snapshot = store->ops->snapshot_new(store);
    uint8_t from[KEYS_SEGMENT_BYTES], to[KEYS_SEGMENT_BYTES];
    struct span span = {0};
    keys_segment_key(from, log, 0);
    keys_segment_key(to, log, UINT64_MAX);
    struct store_cursor *cursor = store->ops->cursor_new(snapshot, family, (struct store_view){from, sizeof(from)},
                                                         (struct store_view){to, sizeof(to)});
    for (; store->ops->cursor_valid(cursor); store->ops->cursor_next(cursor)) {
        struct store_view key = store->ops->cursor_key(cursor), value = store->ops->cursor_value(cursor);
        struct keys_skeleton skeleton;
        struct keys_segment segment;
        uint64_t at = 0, count = 0;
        assert_true(keys_segment_key_read(&at, (struct bytes){key.data, key.len}));
        if (family == STORE_SKELETON && keys_skeleton_read(&skeleton, (struct bytes){value.data, value.len}))
            count = skeleton.count;
        else if (family == STORE_SEGMENT && keys_segment_read(&segment, (struct bytes){value.data, value.len}))
            count = segment.count;
        assert_true(count > 0);
        span.first = span.first == 0 ? at : span.first;
        span.last = at + count - 1;
        span.count += count;
    }
    store->ops->cursor_free(cursor);
    store->ops->snapshot_free(snapshot);
    return span;
}

static void settle(struct world *world, unsigned rounds)
{
    for (unsigned i = 0; i < rounds; i++) {
        world_send_all(world, 500);
        world_expect(world, world_quiet, 120000);
    }
}

static void skeletons_and_outcomes_beyond_the_history_go_and_the_newest_stay(void **state)
{
    (void)state;
    struct world *world = world_new(81);
    world->history = 700;
    world_start_all(world);
    settle(world, 10);
    for (uint16_t relay = 0; relay < WORLD_RELAYS; relay++) {
        for (uint16_t lane = 0; lane < WORLD_LANES; lane++) {
            const struct span spans[] = {span_of(world, relay, STORE_SKELETON, world->lanes[lane].logs[0]),
                                         span_of(world, relay, STORE_SEGMENT, world->lanes[lane].logs[1])};
            for (size_t i = 0; i < 2; i++) {
                assert_int_equal(spans[i].last, 5000);
                assert_int_equal(spans[i].count, 5000 - spans[i].first + 1); /* no hole */
                assert_true(spans[i].first <= 5000 - 700 + 1);
                assert_true(spans[i].first >= 5000 - 700 - 2 * 256 - 2 * 1024);
            }
        }
    }
    world_check_once(world);
    world_free(world);
}

static void without_a_bound_all_of_it_stays(void **state)
{
    (void)state;
    struct world *world = world_new(82);
    world_start_all(world);
    settle(world, 5);
    assert_int_equal(span_of(world, WORLD_MIDDLE, STORE_SKELETON, world->lanes[0].logs[0]).count, 2500);
    assert_int_equal(span_of(world, WORLD_MIDDLE, STORE_SEGMENT, world->lanes[0].logs[1]).count, 2500);
    world_free(world);
}

/* Away for less than the history, with messages whose outcomes it lacks: it still learns them all. */
static void a_relay_that_was_away_within_the_history_still_pulls_its_outcomes(void **state)
{
    (void)state;
    struct world *world = world_new(83);
    world->history = 3000;
    world_start_all(world);
    settle(world, 4);
    world_send_all(world, 200);
    world_run(world, 3200); /* some are under way, none is settled everywhere */
    world_isolate(world, WORLD_MIDDLE, true);
    world_kill(world, WORLD_MIDDLE);
    world_start(world, WORLD_MIDDLE);
    world_run(world, 20000);
    world_isolate(world, WORLD_MIDDLE, false);
    settle(world, 2);
    assert_int_equal(world_counter(world, WORLD_MIDDLE, RELAY_REASON_DIFFERENCE_PRUNED), 0);
    world_check_once(world);
    world_free(world);
}

enum { AWAY = 1 /* its messages come from its own chain, their outcomes over the mesh only */ };

static bool others_settled(struct world *world)
{
    return world_settled(world) && world_view(world, 0, WORLD_EASTWARD_LOOSE, PROOF_LOG_MESSAGE).window_used == 0;
}

/* One operator signed an outcome head far beyond all that there is, and everybody heard it. */
static void far_head_tell(struct world *world)
{
    struct proof_head head = world_head(world, WORLD_EASTWARD_LOOSE, 1);
    struct codec_pack items;
    memcpy(head.log, world->lanes[WORLD_EASTWARD_LOOSE].logs[1], 32);
    head.number = 1000001;
    codec_pack_init(&items, 1 << 16);
    world_attest(world, WORLD_RELAYS - 1, &items, &head, 1);
    for (uint16_t relay = 0; relay < WORLD_RELAYS; relay++)
        world_frame(world, relay, relay == WORLD_MIDDLE ? 1 : WORLD_MIDDLE, 0, &items, 1);
    codec_pack_fini(&items);
}

/* Down with messages whose outcomes it lacks, while `rounds` times `count` more are settled by the others. */
static void away_for(uint64_t seed, uint64_t window, unsigned rounds, size_t count, bool liar)
{
    struct world *world = world_new(seed);
    for (uint16_t lane = 0; lane < WORLD_LANES; lane++)
        world->lanes[lane].window = window;
    world_start_all(world);
    settle(world, 1);
    world_send(world, WORLD_EASTWARD_LOOSE, 50, 40);
    while (world_view(world, AWAY, WORLD_EASTWARD_LOOSE, PROOF_LOG_MESSAGE).stored < 550)
        world_run(world, 50);
    world_kill(world, AWAY);
    for (unsigned i = 0; i < rounds; i++) {
        world_send(world, WORLD_EASTWARD_LOOSE, count, 40);
        world_run(world, 1000);
    }
    world_expect(world, others_settled, 120000);
    world_run(world, liar ? 10000 : 0); /* outcomes are pruned, too */
    world_start(world, AWAY);
    world_run(world, 100);
    if (liar)
        far_head_tell(world);
    world_expect(world, world_quiet, 600000);
    assert_int_equal(world_counter(world, AWAY, RELAY_REASON_DIFFERENCE_PRUNED), 0);
    assert_int_equal(world_counter(world, AWAY, RELAY_REASON_BASE_ADOPTED), 0);
    world_check_once(world);
    world_free(world);
}

static void as_many_outcomes_are_pulled_as_are_kept_for_it(void **state)
{
    (void)state;
    away_for(84, 16 << 20, 150, 200, false);
}

/* They come in one piece, and more of them than the lane's window would hold. */
static void outcomes_that_do_not_fit_the_window_are_pulled_all_the_same(void **state)
{
    (void)state;
    away_for(88, 128 << 10, 50, 100, false);
}

static void no_operator_alone_keeps_outcomes_from_a_relay_that_was_away(void **state)
{
    (void)state;
    away_for(87, 16 << 20, 5, 100, true);
}

static void own_sources_down(struct world *world, uint16_t relay, bool down)
{
    for (uint16_t i = 0; i < WORLD_SOURCES; i++)
        world_source_down(world, relay, i, down);
}

/* Away with messages unsettled, until the others have settled and pruned them, and many more. A second relay in the middle
 * spares the first one. */
static struct world *away_for_long(uint64_t seed, uint64_t history, uint16_t relay)
{
    struct world_shape shape = WORLD_SCENE;
    shape.middle = 2;
    struct world *world = world_new_shaped(seed, &shape);
    world->history = history;
    world_start_all(world);
    settle(world, 2);
    world_send_all(world, 100);
    world_run(world, 3200);
    world_kill(world, relay);
    for (unsigned i = 0; i < 8; i++) {
        world_send_all(world, 300);
        world_run(world, 3000);
    }
    world_expect(world, others_settled, 120000);
    return world;
}

/* Peers have pruned what it lacks, and its own chain, which has the outcomes, comes later than they do: nothing is wrong. */
static void a_relay_that_is_back_before_its_own_sources_raises_no_alarm(void **state)
{
    (void)state;
    struct world *world = away_for_long(85, 65536, AWAY);
    own_sources_down(world, AWAY, true);
    world_start(world, AWAY);
    world_run(world, 240000);
    assert_int_equal(world_counter(world, AWAY, RELAY_REASON_DIFFERENCE_PRUNED), 0);
    own_sources_down(world, AWAY, false);
    world_expect(world, world_quiet, 120000);
    assert_int_equal(world_counter(world, AWAY, RELAY_REASON_DIFFERENCE_PRUNED), 0);
    assert_true(world_counter(world, AWAY, RELAY_REASON_BASE_ADOPTED) > 0);
    world_check_once(world);
    world_free(world);
}

/* Outcomes that nobody keeps any more: one alarm for each log that they are of, however long it stands. */
static void what_no_peer_keeps_any_more_is_said_once(void **state)
{
    (void)state;
    struct world *world = away_for_long(86, 300, WORLD_MIDDLE);
    world_start(world, WORLD_MIDDLE);
    world_run(world, 600000);
    uint64_t said = world_counter(world, WORLD_MIDDLE, RELAY_REASON_DIFFERENCE_PRUNED);
    assert_int_equal(said, 2); /* of the lanes without order, one each way */
    world_run(world, 600000);
    assert_int_equal(world_counter(world, WORLD_MIDDLE, RELAY_REASON_DIFFERENCE_PRUNED), said);
    world_free(world);
}

/* What waits to be pushed is kept in memory, so that it need not be read again: so much of a log, however long its signer is away. */
static void records_that_wait_for_a_signature_take_bounded_memory(void **state)
{
    enum { BLOCKS = 24, EACH = 20, PAYLOAD = 16000 };
    (void)state;
    struct world_shape shape = WORLD_SCENE;
    shape.window = 16 << 20;
    struct world *world = world_new_shaped(911, &shape);
    world_start_all(world);
    world_run(world, 3000);
    for (uint16_t relay = 0; relay < WORLD_SIDE; relay++)
        world_signer_down(world, relay, true);
    for (unsigned i = 0; i < BLOCKS; i++) {
        world_send(world, WORLD_EASTWARD, EACH, PAYLOAD);
        world_run(world, 1000);
    }
    world_run(world, 5000);
    const struct core_log *log = &world->relays[0].core->logs[WORLD_EASTWARD * 3];
    size_t bytes = 0;
    for (size_t i = 0; i < log->segments_len; i++)
        bytes += log->segments[i].records != NULL ? log->segments[i].bytes : 0;
    assert_int_equal(log->durable, BLOCKS * EACH);
    assert_true(bytes > 0 && bytes <= CORE_UNPUBLISHED_MAX);
    for (uint16_t relay = 0; relay < WORLD_SIDE; relay++)
        world_signer_down(world, relay, false);
    world_run(world, 5000);
    for (size_t i = 0; i < log->segments_len; i++)
        assert_null(log->segments[i].records);
    world_free(world);
}

/* ---- how soon it goes on ----------------------------------------------------------------------------------------------- */

/* Every neighbour has to say that it no longer keeps an unordered lane's messages: they are asked one after the other, not ever more rarely. */
static void a_hop_that_was_away_goes_on_within_seconds_though_nobody_keeps_what_it_missed(void **state)
{
    (void)state;
    struct world_shape shape = WORLD_SCENE;
    shape.direct = true; /* the others do without it */
    struct world *world = world_new_shaped(93, &shape);
    world_start_all(world);
    settle(world, 1);
    world_kill(world, WORLD_MIDDLE);
    world_send_all(world, 1000);
    world_expect(world, world_quiet, 60000);
    world_start(world, WORLD_MIDDLE);
    world_send_all(world, 10);
    world_expect(world, world_quiet, 15000);
    world_free(world);
}

/* ---- what one peer asks for at once ----------------------------------------------------------------------------------- */

/* Answers that are being read for a peer. */
static size_t answers_open(const struct world *world, uint16_t peer)
{
    const struct relay_core *core = world->relays[WORLD_MIDDLE].core;
    size_t count = 0;
    for (size_t i = 0; i < CORE_LOADS_MAX; i++)
        count += core->loads[i].id != 0 && core->loads[i].why == CORE_LOAD_ANSWER && core->loads[i].peer == peer;
    return count;
}

static void note_busy(void *context, uint16_t relay, const struct relay_action *actions, size_t len)
{
    size_t *busy = context;
    for (size_t i = 0; relay == WORLD_MIDDLE && i < len; i++) {
        struct proof_frame frame = {.body = actions[i].body};
        struct proof_items items;
        struct proof_item item;
        if (actions[i].type != RELAY_ACTION_ANSWER)
            continue;
        proof_items_init(&items, &frame);
        while (proof_items_next(&item, &items))
            *busy += item.type == PROOF_ITEM_REFUSAL && item.refusal.reason == PROOF_REFUSAL_BUSY;
    }
}

/* I10: answers wait in memory until they are read, so a peer has a share of that, and what it asks beyond it is told. */
static void one_peer_that_asks_for_everything_at_once_takes_bounded_memory_and_no_other_peers_turn(void **state)
{
    enum { GREEDY = 0, OTHER = 1, ASKS = 300, MESSAGES = 50, PAYLOAD = 15000, BOUND = 8 << 20 };
    (void)state;
    struct world *world = world_new(91);
    size_t busy = 0;
    world_start_all(world);
    for (uint16_t relay = WORLD_MIDDLE + 1; relay < WORLD_RELAYS; relay++)
        world_cut(world, WORLD_MIDDLE, relay, true);
    world_run(world, 3000);
    world_send(world, WORLD_EASTWARD, MESSAGES, PAYLOAD);
    world_run(world, 20000);
    assert_int_equal(world_view(world, WORLD_MIDDLE, WORLD_EASTWARD, PROOF_LOG_MESSAGE).stored, MESSAGES);
    world->watcher = (struct world_watcher){.context = &busy, .actions = note_busy};
    for (uint32_t i = 1; i <= ASKS; i++)
        world_asked(world, WORLD_MIDDLE, GREEDY, i, UINT32_MAX);
    assert_in_range(answers_open(world, GREEDY), 1, BOUND / (MESSAGES * PAYLOAD));
    assert_int_equal(answers_open(world, GREEDY) + busy, ASKS);
    world_asked(world, WORLD_MIDDLE, OTHER, 1, UINT32_MAX);
    assert_int_equal(answers_open(world, OTHER), 1);
    world_run(world, 1000);
    assert_int_equal(answers_open(world, GREEDY), 0);
    world_asked(world, WORLD_MIDDLE, GREEDY, ASKS + 1, UINT32_MAX);
    assert_int_equal(answers_open(world, GREEDY), 1);
    world->watcher = (struct world_watcher){0};
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(skeletons_and_outcomes_beyond_the_history_go_and_the_newest_stay),
        cmocka_unit_test(without_a_bound_all_of_it_stays),
        cmocka_unit_test(a_relay_that_was_away_within_the_history_still_pulls_its_outcomes),
        cmocka_unit_test(a_relay_that_is_back_before_its_own_sources_raises_no_alarm),
        cmocka_unit_test(what_no_peer_keeps_any_more_is_said_once),
        cmocka_unit_test(as_many_outcomes_are_pulled_as_are_kept_for_it),
        cmocka_unit_test(outcomes_that_do_not_fit_the_window_are_pulled_all_the_same),
        cmocka_unit_test(no_operator_alone_keeps_outcomes_from_a_relay_that_was_away),
        cmocka_unit_test(records_that_wait_for_a_signature_take_bounded_memory),
        cmocka_unit_test(a_hop_that_was_away_goes_on_within_seconds_though_nobody_keeps_what_it_missed),
        cmocka_unit_test(one_peer_that_asks_for_everything_at_once_takes_bounded_memory_and_no_other_peers_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
