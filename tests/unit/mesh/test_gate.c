/* The gate: what passes, and that everything else is refused with its reason, counted, and blamed on the right link. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "relay/edge/gate.h"
#include "tests/unit/mesh/scene.h"

static const uint64_t start = 1700000000u * UINT64_C(1000000000) + 250000000u;

/* The time of a test: it began an hour after the relays did. */
static struct edge_gate_time at_ms(uint64_t ms)
{
    return (struct edge_gate_time){.ms = ms, .unix_s = start / 1000000000u + 3600};
}

struct fixture {
    struct scene scene;
    struct edge_gate *gates[SCENE_RELAYS];
    struct codec_pack body;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    scene_init(&fixture->scene);
    for (uint16_t i = 0; i < SCENE_RELAYS; i++)
        fixture->gates[i] = edge_gate_new(&fixture->scene.network, i, fixture->scene.seeds[i], start);
    scene_body(&fixture->body, 7, 500);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    for (uint16_t i = 0; i < SCENE_RELAYS; i++)
        edge_gate_free(fixture->gates[i]);
    codec_pack_fini(&fixture->body);
    free(fixture);
    return 0;
}

struct sealed {
    uint8_t data[1024];
    size_t len;
};

static struct bytes body_of(const struct fixture *fixture)
{
    return (struct bytes){fixture->body.data, fixture->body.len};
}

static struct bytes view(const struct sealed *sealed)
{
    return (struct bytes){sealed->data, sealed->len};
}

static struct sealed publish(struct fixture *fixture, uint16_t from, uint16_t zone)
{
    struct sealed sealed = {.len = edge_gate_size(fixture->body.len)};
    assert_in_range(sealed.len, 1, sizeof(sealed.data));
    assert_true(edge_gate_seal_publish(sealed.data, fixture->gates[from], zone, body_of(fixture)));
    return sealed;
}

static struct sealed request(struct fixture *fixture, uint16_t from, uint16_t to, uint64_t id, uint64_t deadline)
{
    struct sealed sealed = {.len = edge_gate_size(fixture->body.len)};
    assert_true(edge_gate_seal_request(sealed.data, fixture->gates[from], to, id, deadline, body_of(fixture)));
    return sealed;
}

static struct sealed respond(struct fixture *fixture, uint16_t from, uint16_t to, uint64_t counter)
{
    struct sealed sealed = {.len = edge_gate_size(fixture->body.len)};
    assert_true(edge_gate_seal_response(sealed.data, fixture->gates[from], to, counter, body_of(fixture)));
    return sealed;
}

/* What relay `at` says of a frame on the link to `link`. */
static enum edge_gate_reason take(struct fixture *fixture, uint16_t at, uint16_t link, enum proof_frame_kind kind,
                                  const struct sealed *sealed)
{
    struct edge_gate_frame frame;
    return edge_gate_take(&frame, fixture->gates[at], kind, link, at_ms(1000), view(sealed));
}

static uint64_t refusals(struct fixture *fixture, uint16_t at, uint16_t of, enum edge_gate_reason reason)
{
    struct edge_gate_stats stats;
    assert_true(edge_gate_stats_of(fixture->gates[at], of, &stats));
    return stats.refused[reason];
}

static void test_gate__a_published_frame_passes_once(void **state)
{
    struct fixture *fixture = *state;
    struct sealed sealed = publish(fixture, 0, 1); /* to zone 1, where relay 2 is */
    struct edge_gate_frame frame;
    assert_int_equal(edge_gate_take(&frame, fixture->gates[2], PROOF_FRAME_PUBLISH, 0, at_ms(1000), view(&sealed)),
                     EDGE_GATE_OK);
    assert_int_equal(frame.relay, 0);
    assert_true(codec_bytes_equal(frame.body, body_of(fixture)));
    assert_int_equal(take(fixture, 2, 0, PROOF_FRAME_PUBLISH, &sealed), EDGE_GATE_COUNTER);
    assert_int_equal(refusals(fixture, 2, 0, EDGE_GATE_COUNTER), 1);
    struct edge_gate_stats stats;
    assert_true(edge_gate_stats_of(fixture->gates[2], 0, &stats));
    assert_int_equal(stats.taken, 1);
    assert_false(edge_gate_stats_of(fixture->gates[0], SCENE_UNLINKED, &stats));
}

static void test_gate__frames_are_those_of_the_format(void **state)
{
    struct fixture *fixture = *state;
    struct sealed sealed = publish(fixture, 0, 1);
    struct proof_frame frame;
    struct proof_result result;
    assert_true(proof_frame_read(&frame, view(&sealed), &result));
    assert_int_equal(frame.kind, PROOF_FRAME_PUBLISH);
    assert_memory_equal(frame.audience, fixture->scene.zones[1].id, 32);
    assert_memory_equal(frame.sender, fixture->scene.relays[0].key, 32);
    assert_int_equal(frame.counter >> 32, 1700000000u);
    assert_int_equal(proof_frame_verify(&frame, &result), PROOF_VALID);
}

static void test_gate__an_older_frame_is_a_replay_even_if_new_to_us(void **state)
{
    struct fixture *fixture = *state;
    struct sealed first = publish(fixture, 0, 1), second = publish(fixture, 0, 1);
    assert_int_equal(take(fixture, 2, 0, PROOF_FRAME_PUBLISH, &second), EDGE_GATE_OK);
    assert_int_equal(take(fixture, 2, 0, PROOF_FRAME_PUBLISH, &first), EDGE_GATE_COUNTER);
}

static void test_gate__a_restart_within_a_second_counts_on(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < 100; i++) {
        struct sealed sealed = publish(fixture, 0, 1);
        assert_int_equal(take(fixture, 2, 0, PROOF_FRAME_PUBLISH, &sealed), EDGE_GATE_OK);
    }
    edge_gate_free(fixture->gates[0]);
    fixture->gates[0] = edge_gate_new(&fixture->scene.network, 0, fixture->scene.seeds[0], start + 1000000);
    struct sealed sealed = publish(fixture, 0, 1);
    assert_int_equal(take(fixture, 2, 0, PROOF_FRAME_PUBLISH, &sealed), EDGE_GATE_OK);
}

static void test_gate__a_start_in_the_future_does_not_shut_its_relay_out(void **state)
{
    struct fixture *fixture = *state;
    const uint64_t year = 365 * 86400 * UINT64_C(1000000000);
    struct sealed now = publish(fixture, 0, 1), asks_now = request(fixture, 0, 2, 1, 5000);
    edge_gate_free(fixture->gates[0]); /* it starts with a clock that is a year ahead … */
    fixture->gates[0] = edge_gate_new(&fixture->scene.network, 0, fixture->scene.seeds[0], start + year);
    struct sealed ahead = publish(fixture, 0, 1), asks_ahead = request(fixture, 0, 2, 2, 5000);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(take(fixture, 2, 0, PROOF_FRAME_PUBLISH, &ahead), EDGE_GATE_CLOCK);
        assert_int_equal(take(fixture, 2, EDGE_GATE_STRANGER, PROOF_FRAME_REQUEST, &asks_ahead), EDGE_GATE_CLOCK);
    }
    struct edge_gate_stats stats;
    assert_true(edge_gate_stats_of(fixture->gates[2], 0, &stats));
    assert_int_equal(stats.refused[EDGE_GATE_CLOCK], 40);
    assert_int_equal(stats.cuts, 0); /* a wrong clock is no offence */
    /* … and again with the right one: nothing of that year is remembered. */
    assert_int_equal(take(fixture, 2, 0, PROOF_FRAME_PUBLISH, &now), EDGE_GATE_OK);
    assert_int_equal(take(fixture, 2, EDGE_GATE_STRANGER, PROOF_FRAME_REQUEST, &asks_now), EDGE_GATE_OK);
    assert_string_equal(edge_gate_reason_name(EDGE_GATE_CLOCK), "frame-from-the-future");
}

static void test_gate__clocks_may_be_an_hour_apart(void **state)
{
    struct fixture *fixture = *state;
    const struct edge_gate_time behind = {.ms = 1000, .unix_s = start / 1000000000u - EDGE_GATE_AHEAD_S};
    const struct edge_gate_time further = {.ms = 1000, .unix_s = behind.unix_s - 1};
    struct sealed sealed = publish(fixture, 0, 1);
    struct edge_gate_frame frame;
    assert_int_equal(edge_gate_take(&frame, fixture->gates[2], PROOF_FRAME_PUBLISH, 0, further, view(&sealed)),
                     EDGE_GATE_CLOCK);
    assert_int_equal(edge_gate_take(&frame, fixture->gates[2], PROOF_FRAME_PUBLISH, 0, behind, view(&sealed)),
                     EDGE_GATE_OK);
}

static void test_gate__every_flipped_bit_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct sealed sealed = publish(fixture, 0, 1);
    for (size_t bit = 0; bit < sealed.len * 8; bit++) {
        struct sealed bad = sealed;
        bad.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_int_not_equal(take(fixture, 2, EDGE_GATE_STRANGER, PROOF_FRAME_PUBLISH, &bad), EDGE_GATE_OK);
    }
    for (size_t len = 0; len < sealed.len; len++) {
        struct sealed bad = sealed;
        bad.len = len;
        assert_int_equal(take(fixture, 2, EDGE_GATE_STRANGER, PROOF_FRAME_PUBLISH, &bad), EDGE_GATE_FORM);
    }
    assert_int_equal(take(fixture, 2, 0, PROOF_FRAME_PUBLISH, &sealed), EDGE_GATE_OK);
}

static void expect_flip(struct fixture *fixture, size_t at, enum edge_gate_reason reason)
{
    struct sealed bad = publish(fixture, 0, 1);
    uint64_t before = refusals(fixture, 2, 1, reason);
    bad.data[at] ^= 1;
    assert_int_equal(take(fixture, 2, 1, PROOF_FRAME_PUBLISH, &bad), reason); /* on the link to relay 1 */
    assert_int_equal(refusals(fixture, 2, 1, reason), before + 1);
}

static void test_gate__each_refusal_has_its_reason(void **state)
{
    struct fixture *fixture = *state;
    expect_flip(fixture, 0, EDGE_GATE_FORM);
    expect_flip(fixture, 4, EDGE_GATE_VERSION);
    expect_flip(fixture, 6, EDGE_GATE_FORM); /* reserved */
    expect_flip(fixture, 8, EDGE_GATE_NETWORK);
    expect_flip(fixture, 40, EDGE_GATE_SENDER);
    expect_flip(fixture, 72, EDGE_GATE_AUDIENCE);
}

static void test_gate__content_and_signature_are_told_apart(void **state)
{
    struct fixture *fixture = *state;
    struct sealed bad = publish(fixture, 0, 1);
    bad.data[PROOF_FRAME_HEADER_BYTES] = 0xc1; /* no msgpack value begins like this */
    assert_int_equal(take(fixture, 2, 0, PROOF_FRAME_PUBLISH, &bad), EDGE_GATE_ITEMS);
    bad = publish(fixture, 0, 1);
    bad.data[bad.len - 1] ^= 1;
    assert_int_equal(take(fixture, 2, 0, PROOF_FRAME_PUBLISH, &bad), EDGE_GATE_SIGNATURE);
    struct sealed other = publish(fixture, 1, 1); /* signed by 1, but named 0: a forgery */
    memcpy(other.data + 40, fixture->scene.relays[0].key, 32);
    assert_int_equal(take(fixture, 2, 0, PROOF_FRAME_PUBLISH, &other), EDGE_GATE_SIGNATURE);
    struct sealed good = publish(fixture, 0, 1); /* none of these moved the counter */
    assert_int_equal(take(fixture, 2, 0, PROOF_FRAME_PUBLISH, &good), EDGE_GATE_OK);
}

static void test_gate__strangers_and_other_links_are_refused(void **state)
{
    struct fixture *fixture = *state;
    struct sealed sealed = publish(fixture, SCENE_UNLINKED, 0);
    assert_int_equal(take(fixture, 0, EDGE_GATE_STRANGER, PROOF_FRAME_PUBLISH, &sealed), EDGE_GATE_SENDER);
    assert_int_equal(refusals(fixture, 0, EDGE_GATE_STRANGER, EDGE_GATE_SENDER), 1);
    sealed = publish(fixture, 1, 1);
    assert_int_equal(take(fixture, 2, 0, PROOF_FRAME_PUBLISH, &sealed), EDGE_GATE_LINK);
    sealed = publish(fixture, 0, 0); /* for the zone of 0 and 1, not for 2 */
    assert_int_equal(take(fixture, 2, 0, PROOF_FRAME_PUBLISH, &sealed), EDGE_GATE_AUDIENCE);
    assert_int_equal(take(fixture, 1, 0, PROOF_FRAME_RESPONSE, &sealed), EDGE_GATE_KIND);
    assert_int_equal(take(fixture, 1, 0, PROOF_FRAME_PUBLISH, &sealed), EDGE_GATE_OK);
}

static void test_gate__an_oversized_frame_is_refused_unread(void **state)
{
    struct fixture *fixture = *state;
    uint8_t *large = calloc(1, PROOF_FRAME_BYTES_MAX + 1);
    struct edge_gate_frame frame;
    assert_int_equal(edge_gate_take(&frame, fixture->gates[2], PROOF_FRAME_PUBLISH, 0, at_ms(1),
                                    (struct bytes){large, PROOF_FRAME_BYTES_MAX + 1}),
                     EDGE_GATE_SIZE);
    free(large);
    assert_int_equal(edge_gate_size(PROOF_FRAME_BODY_MAX), PROOF_FRAME_BYTES_MAX);
    assert_int_equal(edge_gate_size(PROOF_FRAME_BODY_MAX + 1), 0);
    assert_int_equal(edge_gate_size(0), 0);
}

static void test_gate__an_answer_belongs_to_one_ask(void **state)
{
    struct fixture *fixture = *state;
    struct sealed ask = request(fixture, 0, 2, 42, 5000);
    struct edge_gate_frame frame;
    assert_int_equal(take(fixture, 1, EDGE_GATE_STRANGER, PROOF_FRAME_REQUEST, &ask), EDGE_GATE_AUDIENCE);
    assert_int_equal(
        edge_gate_take(&frame, fixture->gates[2], PROOF_FRAME_REQUEST, EDGE_GATE_STRANGER, at_ms(1), view(&ask)),
        EDGE_GATE_OK);
    assert_int_equal(frame.relay, 0);
    assert_int_equal(take(fixture, 2, EDGE_GATE_STRANGER, PROOF_FRAME_REQUEST, &ask), EDGE_GATE_COUNTER);

    struct sealed other = respond(fixture, 2, 0, frame.counter + 1), answer = respond(fixture, 2, 0, frame.counter);
    struct sealed wrong_relay = respond(fixture, 1, 0, frame.counter);
    assert_int_equal(take(fixture, 0, 2, PROOF_FRAME_RESPONSE, &other), EDGE_GATE_UNASKED);
    assert_int_equal(take(fixture, 0, 1, PROOF_FRAME_RESPONSE, &wrong_relay), EDGE_GATE_UNASKED);
    assert_int_equal(edge_gate_take(&frame, fixture->gates[0], PROOF_FRAME_RESPONSE, 2, at_ms(1), view(&answer)),
                     EDGE_GATE_OK);
    assert_int_equal(frame.id, 42);
    assert_int_equal(take(fixture, 0, 2, PROOF_FRAME_RESPONSE, &answer), EDGE_GATE_UNASKED);
}

static void test_gate__asks_expire_once_and_are_bounded(void **state)
{
    struct fixture *fixture = *state;
    struct sealed first = request(fixture, 0, 2, 1, 5000);
    for (uint64_t id = 2; id <= EDGE_GATE_ASKS_MAX; id++)
        (void)request(fixture, 0, 2, id, 6000);
    struct sealed sealed = {0};
    assert_false(edge_gate_seal_request(sealed.data, fixture->gates[0], 2, 999, 5000, body_of(fixture)));
    uint16_t relay;
    uint64_t id;
    assert_false(edge_gate_expired(fixture->gates[0], 4999, &relay, &id));
    assert_true(edge_gate_expired(fixture->gates[0], 5000, &relay, &id));
    assert_int_equal(relay, 2);
    assert_int_equal(id, 1);
    assert_false(edge_gate_expired(fixture->gates[0], 5000, &relay, &id));
    struct edge_gate_frame frame;
    assert_int_equal(
        edge_gate_take(&frame, fixture->gates[2], PROOF_FRAME_REQUEST, EDGE_GATE_STRANGER, at_ms(1), view(&first)),
        EDGE_GATE_OK);
    struct sealed late = respond(fixture, 2, 0, frame.counter);
    assert_int_equal(take(fixture, 0, 2, PROOF_FRAME_RESPONSE, &late), EDGE_GATE_UNASKED);
}

/* Refusals until the link is cut, at time now. */
static unsigned offend(struct fixture *fixture, uint16_t link, uint64_t now, uint64_t *until)
{
    struct edge_gate_frame frame;
    struct edge_gate_stats stats;
    for (unsigned i = 1; i < 100; i++) {
        struct sealed bad = publish(fixture, 0, 1);
        bad.data[bad.len - 1] ^= 1;
        assert_int_equal(edge_gate_take(&frame, fixture->gates[2], PROOF_FRAME_PUBLISH, link, at_ms(now), view(&bad)),
                         EDGE_GATE_SIGNATURE);
        edge_gate_stats_of(fixture->gates[2], link, &stats);
        *until = stats.cut_until;
        if (stats.cut_until > now)
            return i;
    }
    return 0;
}

static void test_gate__repeat_offenders_are_cut_off_longer_each_time(void **state)
{
    struct fixture *fixture = *state;
    uint64_t until, now = 100000, last = 0;
    for (int round = 0; round < 10; round++) {
        assert_int_equal(offend(fixture, 0, now, &until), 8);
        assert_true(until - now >= last);
        last = until - now;
        assert_true(last <= 300000);
        struct edge_gate_frame frame;
        struct sealed good = publish(fixture, 0, 1);
        assert_int_equal(
            edge_gate_take(&frame, fixture->gates[2], PROOF_FRAME_PUBLISH, 0, at_ms(until - 1), view(&good)),
            EDGE_GATE_CUT_OFF);
        assert_int_equal(edge_gate_take(&frame, fixture->gates[2], PROOF_FRAME_PUBLISH, 0, at_ms(until), view(&good)),
                         EDGE_GATE_OK);
        now = until;
    }
    assert_int_equal(last, 300000);
    assert_int_equal(refusals(fixture, 2, 0, EDGE_GATE_CUT_OFF), 10);
}

static void test_gate__nobody_can_have_another_cut_off(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < 50; i++) { /* in the name of 0, from nowhere and from the link to 1 */
        struct sealed bad = publish(fixture, 0, 1);
        bad.data[bad.len - 1] ^= 1;
        assert_int_equal(take(fixture, 2, EDGE_GATE_STRANGER, PROOF_FRAME_PUBLISH, &bad), EDGE_GATE_SIGNATURE);
        (void)take(fixture, 2, 1, PROOF_FRAME_PUBLISH, &bad);
    }
    struct sealed good = publish(fixture, 0, 1);
    assert_int_equal(take(fixture, 2, 0, PROOF_FRAME_PUBLISH, &good), EDGE_GATE_OK);
    good = publish(fixture, 1, 1);
    assert_int_equal(take(fixture, 2, 1, PROOF_FRAME_PUBLISH, &good),
                     EDGE_GATE_CUT_OFF); /* the link that brought them */
}

static void test_gate__a_key_that_is_not_in_the_document_opens_no_gate(void **state)
{
    struct fixture *fixture = *state;
    assert_null(edge_gate_new(&fixture->scene.network, 0, fixture->scene.seeds[1], start));
    assert_null(edge_gate_new(&fixture->scene.network, 9, fixture->scene.seeds[1], start));
    assert_true(edge_gate_neighbour(fixture->gates[0], 2));
    assert_false(edge_gate_neighbour(fixture->gates[0], SCENE_UNLINKED));
    assert_false(edge_gate_neighbour(fixture->gates[0], 0));
    assert_string_equal(edge_gate_reason_name(EDGE_GATE_SIGNATURE), "frame-signature");
    assert_string_equal(edge_gate_reason_name(EDGE_GATE_OVERFLOW), "mesh-queue-full");
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_gate__a_published_frame_passes_once),
        TEST(test_gate__frames_are_those_of_the_format),
        TEST(test_gate__an_older_frame_is_a_replay_even_if_new_to_us),
        TEST(test_gate__a_restart_within_a_second_counts_on),
        TEST(test_gate__a_start_in_the_future_does_not_shut_its_relay_out),
        TEST(test_gate__clocks_may_be_an_hour_apart),
        TEST(test_gate__every_flipped_bit_is_refused),
        TEST(test_gate__each_refusal_has_its_reason),
        TEST(test_gate__content_and_signature_are_told_apart),
        TEST(test_gate__strangers_and_other_links_are_refused),
        TEST(test_gate__an_oversized_frame_is_refused_unread),
        TEST(test_gate__an_answer_belongs_to_one_ask),
        TEST(test_gate__asks_expire_once_and_are_bounded),
        TEST(test_gate__repeat_offenders_are_cut_off_longer_each_time),
        TEST(test_gate__nobody_can_have_another_cut_off),
        TEST(test_gate__a_key_that_is_not_in_the_document_opens_no_gate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
