/* Sources that keep things to themselves, that lag, or that speak for others: each costs itself at most. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/core/scene.h"

enum { COUNT = 20, EAST = 4 };

/* ---- what one keeps to itself ---------------------------------------------------------------------------------------- */

static struct world *withheld(uint64_t seed, uint16_t sources, uint16_t withholding)
{
    struct world_shape shape = WORLD_SCENE;
    shape.quorum = 3; /* its operator is needed */
    shape.sources = sources;
    struct world *world = world_new_shaped(seed, &shape);
    for (uint16_t source = 0; source < withholding; source++)
        world->relays[0].sources[source].withholds = true;
    world_start_all(world);
    world_run(world, 3000);
    world_send_all(world, COUNT);
    return world;
}

/* It tells its node's heights and no message, and serves. Another source of the same relay has them all. */
static void a_source_that_keeps_all_messages_to_itself_is_replaced(void **state)
{
    (void)state;
    struct world *world = withheld(301, 2, 1);
    world_expect(world, world_settled, 120000);
    assert_int_equal(world_counter(world, 0, RELAY_REASON_SOURCE_FAILOVER), 1);
    world_check_once(world);
    world_free(world);
}

/* Were it always the first that is up, the two would replace each other for ever. */
static void two_sources_that_keep_all_to_themselves_do_not_keep_a_third_from_its_turn(void **state)
{
    (void)state;
    struct world *world = withheld(306, 3, 2);
    world_expect(world, world_settled, 240000);
    world_check_once(world);
    world_free(world);
}

/* With no other one left to ask it says what it waits for, though its own nodes know of nothing; and asks ever more rarely. */
static void what_all_sources_of_a_relay_keep_to_themselves_is_said(void **state)
{
    (void)state;
    struct world *world = withheld(307, 2, 2);
    world_run(world, 600000);
    assert_int_equal(world_view(world, 0, WORLD_EASTWARD, PROOF_LOG_MESSAGE).cause, RELAY_CAUSE_EVIDENCE);
    assert_true(world_counter(world, 0, RELAY_REASON_SOURCE_FAILOVER) <= 4);
    world->relays[0].sources[0].withholds = world->relays[0].sources[1].withholds = false;
    world_expect(world, world_settled, 90000);
    world_check_once(world);
    world_free(world);
}

/* All of them are over a provider's limit, say: were they replaced with each refusal, every log would be begun anew each time, and none of
 * them left alone. */
static void sources_that_all_refuse_do_not_take_turns_without_a_pause(void **state)
{
    (void)state;
    static const uint8_t about[4];
    struct connector_message cannot = {.type = CONNECTOR_CANNOT};
    struct world *world = world_new(309);
    struct codec_pack message;
    cannot.cannot = (struct connector_cannot){
        .type = CONNECTOR_SUBSCRIBE, .about = BYTES_OF(about), .text = codec_connector_text("limit")};
    codec_pack_init(&message, 4096);
    codec_connector_encode(&message, &cannot);
    world_start_all(world);
    world_run(world, 3000);
    for (unsigned i = 0; i < 60; i++) {
        for (uint16_t source = 0; source < 2; source++)
            world_feed(world, 0,
                       (struct relay_event){
                           .type = RELAY_EVENT_SOURCE_MESSAGE, .source = source, .body = codec_pack_bytes(&message)});
        world_run(world, 1000);
    }
    uint64_t turns = world_counter(world, 0, RELAY_REASON_SOURCE_FAILOVER);
    assert_in_range(turns, 2, 4);
    world_send_all(world, COUNT);
    world_expect(world, world_settled, 120000);
    codec_pack_fini(&message);
    world_free(world);
}

/* ---- one that lags ---------------------------------------------------------------------------------------------------- */

/* Its word on each header comes eight seconds late, while there is something new in every block. */
static void a_source_that_lags_behind_delays_and_does_not_stop_what_goes_on_without_a_pause(void **state)
{
    (void)state;
    struct world *world = world_new(302);
    for (uint16_t relay = 0; relay < WORLD_RELAYS; relay++)
        world->relays[relay].sources[1].delay = 8000;
    world_start_all(world);
    world_run(world, 20000);
    for (unsigned i = 0; i < 60; i++) {
        world_send_all(world, 1);
        world_run(world, 1000);
    }
    assert_true(world_view(world, WORLD_MIDDLE, WORLD_EASTWARD, PROOF_LOG_MESSAGE).certified >= 30);
    world_expect(world, world_settled, 200000);
    world_check_once(world);
    world_free(world);
}

/* ---- one that speaks for another --------------------------------------------------------------------------------------- */

struct called {
    uint8_t key[32];
    bool seen;
};

static void note_calls(void *context, uint16_t relay, const struct relay_action *actions, size_t len)
{
    struct called *called = context;
    static struct connector_scratch scratch;
    struct connector_message message;
    for (size_t i = 0; relay == EAST && i < len; i++) {
        if (actions[i].type != RELAY_ACTION_TO_SOURCE ||
            !codec_connector_decode(&message, &scratch, actions[i].body, NULL) || message.type != CONNECTOR_SUBMIT)
            continue;
        memcpy(called->key, message.submit.key, 32);
        called->seen = true;
    }
}

/*
 * Anybody can compute a call's key. A call that is refused is made again under another one, and paid for again: so a source that
 * submits, too, but did not make this call, has no say either.
 */
static void what_a_source_says_of_calls_that_it_does_not_make_counts_for_nothing(void **state)
{
    (void)state;
    struct world *world = world_new(303);
    world->sources[1][1].submits = true;
    struct called called = {.seen = false};
    struct codec_pack message;
    struct connector_message refused = {.type = CONNECTOR_RESULT, .result = {.result = CONNECTOR_REJECTED}};
    world_start_all(world);
    world_run(world, 3000);
    world->calls_wait[1] = true;
    world->watcher = (struct world_watcher){.context = &called, .actions = note_calls};
    world_send_all(world, COUNT);
    for (uint64_t end = world->now + 60000; !called.seen && world_step(world, end);)
        ;
    assert_true(called.seen);
    memcpy(refused.result.key, called.key, 32);
    refused.result.text = codec_connector_text("no");
    codec_pack_init(&message, 4096);
    codec_connector_encode(&message, &refused);
    world_feed(
        world, EAST,
        (struct relay_event){.type = RELAY_EVENT_SOURCE_MESSAGE, .source = 1, .body = codec_pack_bytes(&message)});
    assert_int_equal(world_counter(world, EAST, RELAY_REASON_SUBMIT_REJECTED), 0);
    world->calls_wait[1] = false;
    world_expect(world, world_quiet, 60000);
    world_check_once(world);
    codec_pack_fini(&message);
    world_free(world);
}

/* The only relay that delivers has two sources that submit. */
static struct world *delivers_alone(uint64_t seed)
{
    struct world *world = world_new(seed);
    for (uint16_t relay = EAST + 1; relay < WORLD_RELAYS; relay++)
        world->relays_of_document[relay].delivers_len = 0;
    world->sources[1][1].submits = true;
    return world;
}

/* The first one says that its calls are confirmed, and makes none. */
static void a_source_whose_calls_come_to_nothing_leaves_them_to_the_next_one(void **state)
{
    (void)state;
    struct world *world = delivers_alone(308);
    world->relays[EAST].sources[0].boasts = true;
    world_start_all(world);
    world_run(world, 3000);
    world_send(world, WORLD_EASTWARD, COUNT, 33);
    world_send(world, WORLD_EASTWARD_LOOSE, COUNT, 33);
    world_expect(world, world_settled, 120000);
    world_free(world);
}

/* Without a position nothing is called, so nothing fails either: the first one is up, and does not say where its chain stands. */
static void a_source_that_submits_and_tells_no_position_leaves_it_to_the_next_one(void **state)
{
    (void)state;
    struct world *world = delivers_alone(309);
    world->relays[EAST].sources[0].hides = true;
    world_start_all(world);
    world_run(world, 3000);
    world_send(world, WORLD_EASTWARD, COUNT, 33);
    world_expect(world, world_settled, 300000);
    world_check_once(world);
    world_free(world);
}

/* It was the only one that was up while its calls came to nothing. Since then another one's do, and its own would not. */
static void a_source_that_failed_for_long_has_its_turn_again_soon(void **state)
{
    (void)state;
    struct world *world = delivers_alone(310);
    struct world_source *sources = world->relays[EAST].sources;
    sources[0].boasts = sources[1].boasts = sources[1].down = true;
    world_start_all(world);
    world_run(world, 3000);
    world_send(world, WORLD_EASTWARD, COUNT, 33);
    world_run(world, 900000);
    sources[0].boasts = false;
    world_source_down(world, EAST, 1, false);
    world_expect(world, world_settled, 120000);
    world_check_once(world);
    world_free(world);
}

/* ---- blocks and windows ------------------------------------------------------------------------------------------------ */

enum { WINDOW = 128 * 1024, PAYLOAD = 16000, RECORD = PAYLOAD + 151 };

static struct world *small_windows(uint64_t seed)
{
    struct world_shape shape = WORLD_SCENE;
    shape.window = WINDOW;
    shape.payload_max = 256;
    struct world *world = world_new_shaped(seed, &shape);
    world_start_all(world);
    world_run(world, 3000);
    return world;
}

/* The source had most of its credit left when a block came that needs all of it. */
static void a_block_as_large_as_the_window_passes_whatever_credit_was_left(void **state)
{
    (void)state;
    struct world *world = small_windows(304);
    for (unsigned i = 0; i < 4; i++) {
        world_send(world, WORLD_EASTWARD, 5, 1000);
        world_expect(world, world_quiet, 60000);
        world_send(world, WORLD_EASTWARD, WINDOW / RECORD, PAYLOAD);
        world_expect(world, world_quiet, 60000);
    }
    world_check_once(world);
    world_free(world);
}

/* No outcome makes room for it: only a larger window does. The other lanes go on. */
static void a_block_larger_than_the_window_stops_its_lane_alone_and_says_who_can_act(void **state)
{
    (void)state;
    struct world *world = small_windows(305);
    world_send(world, WORLD_EASTWARD, WINDOW / RECORD + 1, PAYLOAD);
    world_run(world, 10000);
    for (uint16_t relay = 0; relay < WORLD_SIDE; relay++)
        assert_int_equal(world_view(world, relay, WORLD_EASTWARD, PROOF_LOG_MESSAGE).cause, RELAY_CAUSE_BLOCK);
    world_send(world, WORLD_EASTWARD_LOOSE, COUNT, 33);
    world_run(world, 30000);
    assert_int_equal(world_view(world, 0, WORLD_EASTWARD_LOOSE, PROOF_LOG_MESSAGE).settled, COUNT);
    for (uint16_t relay = 0; relay < WORLD_RELAYS; relay++) {
        world_kill(world, relay);
        world->lanes[WORLD_EASTWARD].window = 2 * WINDOW;
    }
    world_start_all(world);
    world_expect(world, world_quiet, 60000);
    world_check_once(world);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_source_that_keeps_all_messages_to_itself_is_replaced),
        cmocka_unit_test(two_sources_that_keep_all_to_themselves_do_not_keep_a_third_from_its_turn),
        cmocka_unit_test(what_all_sources_of_a_relay_keep_to_themselves_is_said),
        cmocka_unit_test(sources_that_all_refuse_do_not_take_turns_without_a_pause),
        cmocka_unit_test(a_source_that_lags_behind_delays_and_does_not_stop_what_goes_on_without_a_pause),
        cmocka_unit_test(what_a_source_says_of_calls_that_it_does_not_make_counts_for_nothing),
        cmocka_unit_test(a_source_whose_calls_come_to_nothing_leaves_them_to_the_next_one),
        cmocka_unit_test(a_source_that_submits_and_tells_no_position_leaves_it_to_the_next_one),
        cmocka_unit_test(a_source_that_failed_for_long_has_its_turn_again_soon),
        cmocka_unit_test(a_block_as_large_as_the_window_passes_whatever_credit_was_left),
        cmocka_unit_test(a_block_larger_than_the_window_stops_its_lane_alone_and_says_who_can_act),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
