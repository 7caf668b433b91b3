/* A relay of many lanes starts: it hears of all of them in seconds, whatever single peers do (DESIGN section 5). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/core/scene.h"

enum {
    LANES = 2048,
    HOME_LOGS = 2 * LANES, /* messages and settlement leave the west */
    FAST_MS = 3,
    PATIENCE_MS = 5000, /* the edge's, for an ask */
    PENDING = 64
};

struct pending {
    uint64_t at, id; /* id 0: free */
    uint16_t peer;
};

/* One core of relay 0 and what its two neighbours do. */
struct scene {
    struct world *world; /* for its document */
    struct topology_lane *lanes;
    struct relay_core *core;
    uint64_t now, delay[3]; /* by relay: ms until it answers; PATIENCE_MS: never does */
    unsigned answers[3];
    size_t under_way;
    struct pending pending[PENDING];
};

static void feed(struct scene *scene, struct relay_event event);

static void act(struct scene *scene, const struct relay_action *action)
{
    if (action->type == RELAY_ACTION_LOAD)
        feed(scene, (struct relay_event){.type = RELAY_EVENT_LOADED, .id = action->id, .done = true});
    if (action->type != RELAY_ACTION_ASK)
        return;
    size_t at = 0;
    while (at < PENDING && scene->pending[at].id != 0)
        at++;
    assert_true(at < PENDING);
    assert_true(action->peer < 3);
    scene->pending[at] = (struct pending){scene->now + scene->delay[action->peer], action->id, action->peer};
    scene->under_way++;
}

static void feed(struct scene *scene, struct relay_event event)
{
    size_t len;
    event.now = scene->now;
    event.unix_time = MODEL_EPOCH + scene->now / 1000;
    relay_core_step(scene->core, &event);
    const struct relay_action *actions = relay_core_actions(scene->core, &len);
    struct relay_action *copies = malloc((len + 1) * sizeof(*copies));
    memcpy(copies, actions, len * sizeof(*copies)); /* gone with the next step; only their plain fields are used */
    for (size_t i = 0; i < len; i++)
        act(scene, &copies[i]);
    free(copies);
}

static void answer(struct scene *scene, const struct pending *pending)
{
    struct proof_item item = {.type = PROOF_ITEM_REFUSAL, .refusal = {.reason = PROOF_REFUSAL_NOT_HERE}};
    struct relay_event event = {.type = RELAY_EVENT_ASK_FAILED, .id = pending->id, .peer = pending->peer};
    struct codec_pack body;
    memcpy(item.refusal.log, scene->lanes[0].logs[0], 32);
    codec_pack_init(&body, 4096);
    codec_pack_array(&body, 1);
    proof_item_write(&body, &item);
    if (scene->delay[pending->peer] < PATIENCE_MS) {
        event.type = RELAY_EVENT_FRAME;
        event.body = codec_pack_bytes(&body);
        scene->answers[pending->peer]++;
    }
    feed(scene, event);
    codec_pack_fini(&body);
}

static void pass(struct scene *scene)
{
    scene->now++;
    for (size_t i = 0; i < PENDING; i++) {
        struct pending pending = scene->pending[i];
        if (pending.id == 0 || pending.at > scene->now)
            continue;
        scene->pending[i].id = 0;
        scene->under_way--;
        answer(scene, &pending);
    }
    if (scene->now % 50 == 0)
        feed(scene, (struct relay_event){.type = RELAY_EVENT_TICK});
}

/* Milliseconds from the start until every log was heard: nothing is asked any more. */
static uint64_t heard_after(struct scene *scene, uint64_t delay_of_1, uint64_t delay_of_2)
{
    scene->delay[1] = delay_of_1;
    scene->delay[2] = delay_of_2;
    for (uint16_t peer = 1; peer <= 2; peer++)
        feed(scene, (struct relay_event){.type = RELAY_EVENT_PEER_UP, .peer = peer});
    uint64_t last = 0, begin = scene->now;
    while (scene->now - last < 1000) {
        pass(scene);
        if (scene->under_way > 0)
            last = scene->now;
    }
    return last - begin;
}

static int setup(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    scene->world = world_new(1);
    scene->lanes = calloc(LANES, sizeof(*scene->lanes));
    for (uint16_t i = 0; i < LANES; i++) {
        scene->lanes[i] = scene->world->lanes[WORLD_EASTWARD];
        scene->lanes[i].sender[10] = (uint8_t)(i >> 8);
        scene->lanes[i].sender[11] = (uint8_t)i;
    }
    scene->world->network.lanes = scene->lanes;
    scene->world->network.lanes_len = LANES;
    assert_true(topology_network_index(&scene->world->network));
    static const struct topology_link LINKS[] = {{0, 1}, {0, 2}};
    memcpy(scene->world->links, LINKS, sizeof(LINKS));
    scene->world->network.links_len = 2;
    scene->core = relay_core_new(&(struct relay_core_config){.network = &scene->world->network,
                                                             .sources = scene->world->sources[0],
                                                             .sources_len = WORLD_SOURCES,
                                                             .attests = true});
    size_t len;
    relay_core_start(scene->core);
    const struct relay_action *actions = relay_core_actions(scene->core, &len);
    uint64_t loads[8];
    assert_true(len <= 8);
    for (size_t i = 0; i < len; i++)
        loads[i] = actions[i].id;
    for (size_t i = 0; i < len; i++)
        feed(scene, (struct relay_event){.type = RELAY_EVENT_LOADED, .id = loads[i], .done = true});
    assert_true(relay_core_ready(scene->core));
    *state = scene;
    return 0;
}

static int teardown(void **state)
{
    struct scene *scene = *state;
    relay_core_free(scene->core);
    world_free(scene->world);
    free(scene->lanes);
    free(scene);
    return 0;
}

static void thousands_of_logs_are_heard_in_seconds(void **state)
{
    struct scene *scene = *state;
    assert_in_range(heard_after(scene, FAST_MS, FAST_MS), 1, 5000);
    assert_int_equal(scene->answers[1], HOME_LOGS);
    assert_int_equal(scene->answers[2], HOME_LOGS);
}

static void a_peer_that_answers_nothing_holds_up_a_few_logs_only(void **state)
{
    struct scene *scene = *state;
    assert_in_range(heard_after(scene, PATIENCE_MS, FAST_MS), 1, 15000);
    assert_int_equal(scene->answers[2], HOME_LOGS);
}

static void a_peer_that_answers_late_holds_up_a_few_logs_only(void **state)
{
    struct scene *scene = *state;
    assert_in_range(heard_after(scene, PATIENCE_MS - 1, FAST_MS), 1, 15000);
    assert_int_equal(scene->answers[2], HOME_LOGS);
}

/* Where one operator is a quorum and peers are up, but say nothing, it is the silence that counts, not the number of logs. */
static void peers_that_all_answer_nothing_hold_up_a_quorum_of_one_for_seconds(void **state)
{
    struct scene *scene = *state;
    scene->world->epochs[0].quorum = scene->world->epochs[1].quorum = 1;
    assert_in_range(heard_after(scene, PATIENCE_MS, PATIENCE_MS), 1, 20000);
    assert_int_equal(relay_core_counter(scene->core, RELAY_REASON_SIGNER_UNHEARD), HOME_LOGS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(thousands_of_logs_are_heard_in_seconds, setup, teardown),
        cmocka_unit_test_setup_teardown(a_peer_that_answers_nothing_holds_up_a_few_logs_only, setup, teardown),
        cmocka_unit_test_setup_teardown(a_peer_that_answers_late_holds_up_a_few_logs_only, setup, teardown),
        cmocka_unit_test_setup_teardown(peers_that_all_answer_nothing_hold_up_a_quorum_of_one_for_seconds, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
