/* Between nng's threads and the loop: shares of peers, and what becomes of one that is silent. No sockets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "relay/edge/inbox.h"
#include "tests/unit/mesh/scene.h"

enum { REQUESTS = 8, SILENCE = 1000 };

struct fixture {
    struct scene scene;
    struct edge_mesh_peer peers[2];
    struct edge_mesh_options options;
    struct edge_inbox inbox;
    unsigned kicks[2], notes, clock_notes;
};

static struct fixture *self;

static void release(void *message)
{
    (void)message;
}

static void kick(struct edge_inbox *inbox, size_t place, enum edge_link_kind kind)
{
    (void)inbox;
    self->kicks[place] += kind == EDGE_LINK_PUBLISH;
}

static void note(void *context, uint16_t relay, const char *reason, const char *text)
{
    (void)context, (void)relay, (void)text;
    self->notes++;
    self->clock_notes += strcmp(reason, "mesh-clock") == 0;
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    scene_init(&fixture->scene);
    fixture->peers[0].relay = 1;
    fixture->peers[1].relay = 2;
    fixture->options = (struct edge_mesh_options){.network = &fixture->scene.network,
                                                  .peers = fixture->peers,
                                                  .peers_len = 2,
                                                  .silence_ms = SILENCE,
                                                  .requests = REQUESTS,
                                                  .note = note};
    fixture->inbox.options = &fixture->options;
    fixture->inbox.release = release;
    fixture->inbox.kick = kick;
    fixture->inbox.gate = edge_gate_new(&fixture->scene.network, 0, fixture->scene.seeds[0], 1);
    assert_true(edge_inbox_init(&fixture->inbox));
    *state = self = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    edge_inbox_fini(&fixture->inbox);
    edge_gate_free(fixture->inbox.gate);
    free(fixture);
    return 0;
}

static uint64_t keep(struct fixture *fixture, uint16_t relay)
{
    const struct edge_gate_frame frame = {.relay = relay};
    return edge_inbox_keep(&fixture->inbox, &frame, "header", 6);
}

static void test_inbox__one_that_asks_without_end_leaves_room_for_the_others(void **state)
{
    struct fixture *fixture = *state;
    uint64_t first = keep(fixture, 1);
    struct edge_inbox_request request;
    assert_true(first != 0);
    for (int i = 1; i < REQUESTS / 2; i++)
        assert_true(keep(fixture, 1) != 0);
    for (int i = 0; i < 10; i++)
        assert_true(keep(fixture, 1) == 0); /* half of all places are its share */
    for (int i = 0; i < REQUESTS / 2; i++)
        assert_true(keep(fixture, 2) != 0);
    assert_true(keep(fixture, 2) == 0);
    assert_true(edge_inbox_take(&fixture->inbox, first, &request)); /* an answer makes room */
    assert_true(keep(fixture, 1) != 0);
}

/* ---- turns ---------------------------------------------------------------------------------------------------------- */

enum { BACKLOG = 500 };

static uint16_t heard[2 * BACKLOG];
static uint8_t bodies[2 * BACKLOG];
static size_t heard_len;

static void published(void *context, uint16_t relay, struct bytes body)
{
    (void)context;
    heard[heard_len] = relay;
    bodies[heard_len++] = body.data[0];
}

static void up(void *context, uint16_t relay)
{
    (void)context, (void)relay;
}

static void add(struct fixture *fixture, size_t place, uint8_t *number)
{
    edge_inbox_add(&fixture->inbox.peers[place], EDGE_ARRIVAL_PUBLISHED, 0, NULL, (struct bytes){number, 1});
}

/* All of them, however busy the machine is. */
static size_t drain(struct fixture *fixture)
{
    size_t all = 0;
    for (size_t some; (some = edge_inbox_drain(&fixture->inbox)) > 0;)
        all += some;
    return all;
}

/* Costs its receiver what a frame of thousands of wrong signatures does. */
static void published_slowly(void *context, uint16_t relay, struct bytes body)
{
    uint64_t end = edge_inbox_clock() + 20;
    while (edge_inbox_clock() < end)
        ;
    published(context, relay, body);
}

static void test_inbox__frames_that_cost_much_leave_the_loop_time_for_others(void **state)
{
    struct fixture *fixture = *state;
    uint8_t number = 0;
    uint64_t woken = 0;
    int wake_fd = eventfd(0, EFD_NONBLOCK);
    heard_len = 0;
    fixture->options.published = published_slowly;
    fixture->options.peer_up = up;
    fixture->options.wake_fd = wake_fd;
    for (int i = 0; i < 6; i++)
        add(fixture, 0, &number);
    assert_int_equal(read(wake_fd, &woken, sizeof(woken)), sizeof(woken));
    size_t first = edge_inbox_drain(&fixture->inbox);
    assert_true(first >= 1 && first <= 3);
    assert_int_equal(read(wake_fd, &woken, sizeof(woken)), sizeof(woken)); /* the loop comes back for the others */
    assert_int_equal(first + drain(fixture), 6);
    close(wake_fd);
}

/* Small frames take memory that their bodies do not show. */
static void test_inbox__crumbs_take_no_more_memory_than_whole_frames(void **state)
{
    struct fixture *fixture = *state;
    uint8_t number = 0;
    heard_len = 0;
    fixture->options.published = published;
    fixture->options.peer_up = up;
    fixture->options.wake_fd = -1;
    fixture->options.queue_bytes = 100 * 512;
    while (heard_len < BACKLOG && !edge_inbox_full(&fixture->inbox.peers[0])) {
        add(fixture, 0, &number);
        heard_len++; /* as many as a test would drain */
    }
    assert_int_equal(heard_len, 100);
    assert_false(edge_inbox_full(&fixture->inbox.peers[1]));
    heard_len = 0;
    assert_int_equal(drain(fixture), 100);
    assert_int_equal(fixture->inbox.peers[0].queued, 0);
}

/* Who sends without end fills a queue of its own: one frame of it goes before each of another. */
static void test_inbox__the_backlog_of_one_peer_delays_no_other(void **state)
{
    struct fixture *fixture = *state;
    uint8_t numbers[BACKLOG];
    heard_len = 0;
    fixture->options.published = published;
    fixture->options.peer_up = up;
    fixture->options.wake_fd = -1;
    for (size_t i = 0; i < BACKLOG; i++) {
        numbers[i] = (uint8_t)i;
        add(fixture, 0, &numbers[i]);
    }
    for (size_t i = 0; i < 3; i++)
        add(fixture, 1, &numbers[i]);
    assert_int_equal(drain(fixture), BACKLOG + 3);
    size_t seen[2] = {0};
    for (size_t i = 0; i < heard_len; i++) {
        size_t place = heard[i] == fixture->peers[1].relay;
        assert_int_equal(bodies[i], (uint8_t)seen[place]); /* each in its own order */
        seen[place]++;
        if (place == 1)
            assert_true(i <= 2 * seen[1]);
    }
    add(fixture, 1, &numbers[0]); /* and it goes on from there */
    assert_int_equal(edge_inbox_drain(&fixture->inbox), 1);
    assert_int_equal(edge_inbox_drain(&fixture->inbox), 0);
}

static void test_inbox__a_silent_peer_with_a_host_name_is_given_up_though_nobody_probes_it(void **state)
{
    struct fixture *fixture = *state;
    assert_null(edge_probe_url(&fixture->inbox.peers[0].probe, "tls+tcp://relay.example:4001", true, false));
    assert_null(edge_probe_url(&fixture->inbox.peers[1].probe, "ipc:///nowhere", true, false));
    edge_inbox_tick(&fixture->inbox, 10000);
    assert_int_equal(fixture->kicks[0], 0); /* it has just begun */
    edge_inbox_tick(&fixture->inbox, 10000 + SILENCE);
    assert_int_equal(fixture->kicks[0], 1);
    assert_int_equal(fixture->notes, 1);
    unsigned before = 0;
    for (uint64_t ms = 0; ms < 300000; ms += 50) { /* five minutes more: less often each time, but never never */
        edge_inbox_tick(&fixture->inbox, 10000 + SILENCE + ms);
        before = ms == 240000 ? fixture->kicks[0] : before;
    }
    assert_in_range(fixture->kicks[0], 10, 20);
    assert_true(fixture->kicks[0] > before);
    assert_int_equal(fixture->kicks[1], 0); /* on this machine an end is always told */
}

static void test_inbox__a_connection_that_was_just_made_has_time_to_be_heard(void **state)
{
    struct fixture *fixture = *state;
    struct edge_inbox_peer *peer = &fixture->inbox.peers[0];
    assert_null(edge_probe_url(&peer->probe, "tls+tcp://relay.example:4001", true, false));
    assert_null(edge_probe_url(&fixture->inbox.peers[1].probe, "ipc:///nowhere", true, false));
    edge_inbox_tick(&fixture->inbox, 10000);
    for (uint64_t ms = 0; ms < 60000; ms += SILENCE / 2) { /* whenever it would be given up: one was made just before */
        edge_inbox_changed(peer, EDGE_LINK_PUBLISH, true);
        edge_inbox_tick(&fixture->inbox, 10000 + ms);
    }
    assert_int_equal(fixture->kicks[0], 0);
    edge_inbox_tick(&fixture->inbox, 70000 + SILENCE);
    assert_int_equal(fixture->kicks[0], 1);
}

static void test_inbox__a_peer_whose_clock_is_ahead_is_noted_once(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < 5; i++) {
        edge_gate_count(fixture->inbox.gate, 2, EDGE_GATE_CLOCK);
        edge_inbox_tick(&fixture->inbox, 10000);
    }
    assert_int_equal(fixture->clock_notes, 1);
}

static void test_inbox__what_waits_for_a_slow_subscriber_is_bounded_in_bytes_and_in_frames(void **state)
{
    enum { BUDGET = 64 << 20, LARGE = 8 << 20 };
    static struct edge_inbox_sent sent;
    (void)state;
    for (int i = 0; i < 1000; i++)
        assert_int_equal(edge_inbox_room(&sent, 256 << 10, BUDGET), EDGE_INBOX_FRAMES);
    assert_int_equal(edge_inbox_room(&sent, LARGE, BUDGET), EDGE_INBOX_FRAMES); /* one large one fits among the small */
    unsigned room = EDGE_INBOX_FRAMES;
    for (int i = 0; i < 200; i++)
        room = edge_inbox_room(&sent, LARGE, BUDGET);
    assert_int_equal(room, BUDGET / LARGE);
    assert_int_equal(edge_inbox_room(&sent, LARGE, LARGE / 2), 1);
    for (int i = 0; i < EDGE_INBOX_FRAMES; i++)
        room = edge_inbox_room(&sent, 1000, BUDGET);
    assert_int_equal(room, EDGE_INBOX_FRAMES); /* the large ones are gone */
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_inbox__one_that_asks_without_end_leaves_room_for_the_others),
        TEST(test_inbox__frames_that_cost_much_leave_the_loop_time_for_others),
        TEST(test_inbox__crumbs_take_no_more_memory_than_whole_frames),
        TEST(test_inbox__the_backlog_of_one_peer_delays_no_other),
        TEST(test_inbox__a_silent_peer_with_a_host_name_is_given_up_though_nobody_probes_it),
        TEST(test_inbox__a_connection_that_was_just_made_has_time_to_be_heard),
        TEST(test_inbox__a_peer_whose_clock_is_ahead_is_noted_once),
        TEST(test_inbox__what_waits_for_a_slow_subscriber_is_bounded_in_bytes_and_in_frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
