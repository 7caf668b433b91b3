/*
 * A relay without a source of a CometBFT chain sees for itself: from what peers tell, verified from its operator's first header.
 */
#include "tests/unit/core/light_rig.h"

#include <string.h>

/* Has a request of this relay been for this header? Forgets it. */
static bool asked_peer(struct rig *rig, uint64_t height)
{
    struct proof_frame frame = {.body = codec_pack_bytes(&rig->asked_of_peer)};
    struct proof_items items;
    struct proof_item item = {0};
    proof_items_init(&items, &frame);
    bool found = rig->requests > 0 && proof_items_next(&item, &items) && item.type == PROOF_ITEM_ASK_HEADER &&
                 item.ask_header.height == height;
    rig->requests = 0;
    return found;
}

/* Whether the last answer holds this header. */
static bool answered(const struct rig *rig, const struct rig_bundle *bundle)
{
    struct proof_frame frame = {.body = codec_pack_bytes(&rig->answered)};
    struct proof_items items;
    struct proof_item item = {0};
    struct connector_message message;
    proof_items_init(&items, &frame);
    return proof_items_next(&item, &items) && item.type == PROOF_ITEM_EVIDENCE &&
           codec_connector_decode(&message, rig->scratch, item.evidence.message, NULL) &&
           message.type == CONNECTOR_HEADER && message.header.header.len == bundle->len &&
           memcmp(message.header.header.data, bundle->bytes, bundle->len) == 0;
}

static struct rig *begun(struct codec_pack *pack)
{
    static const struct proof_item heartbeat = {.type = PROOF_ITEM_HEARTBEAT};
    struct rig *rig = rig_new_far();
    struct rig_bundle first;
    codec_pack_init(pack, CODEC_CONNECTOR_MESSAGE_MAX);
    rig_tell(rig, &heartbeat); /* peer 0 is there */
    rig_run(rig, 2500);
    assert_true(asked_peer(rig, RIG_FIRST));
    rig_block(rig, &first, RIG_FIRST, &rig->set, &rig->set, 0, NULL);
    rig_header_pack(pack, &first);
    rig_tell_evidence(rig, pack);
    assert_int_equal(rig_trusted(rig), RIG_FIRST);
    return rig;
}

static void end(struct rig *rig, struct codec_pack *pack)
{
    codec_pack_fini(pack);
    rig_free(rig);
}

static void test_far__records_of_peers_are_proven_here_without_a_source(void **state)
{
    struct codec_pack pack;
    struct rig *rig = begun(&pack);
    struct rig_bundle bundle;
    (void)state;
    rig_block(rig, &bundle, 20, &rig->set, &rig->set, 2, NULL);
    rig_evidence_pack(rig, &pack, &bundle, 2);
    rig->publishes = 0;
    rig_tell_evidence(rig, &pack); /* before the records */
    assert_int_equal(rig_trusted(rig), 20);
    assert_int_equal(rig_log(rig).proven, 0);
    rig_tell_messages(rig, 2);
    assert_int_equal(rig_log(rig).stored, 2);
    assert_int_equal(rig_log(rig).proven, 2);
    assert_int_equal(rig->publishes, 1); /* verified, so passed on: to those behind, not back */
    assert_int_equal(rig->told_zone, 2);
    rig_tell_evidence(rig, &pack); /* no news */
    assert_int_equal(rig->publishes, 1);
    end(rig, &pack);
}

static void test_far__forged_evidence_is_not_believed_and_not_passed_on(void **state)
{
    struct codec_pack pack;
    struct rig *rig = begun(&pack);
    struct rig_bundle forged;
    static const uint8_t few[] = {COMETBFT_COMMIT, COMETBFT_COMMIT, COMETBFT_ABSENT, COMETBFT_ABSENT};
    (void)state;
    rig->publishes = 0;
    rig_block(rig, &forged, 20, &rig->set, &rig->set, 2, few);
    rig_evidence_pack(rig, &pack, &forged, 2);
    rig_tell_evidence(rig, &pack);
    rig_tell_messages(rig, 2);
    assert_int_equal(rig_trusted(rig), RIG_FIRST);
    assert_int_equal(rig_log(rig).proven, 0);
    assert_int_equal(rig->publishes, 0);
    assert_int_equal(rig_counted(rig, RELAY_REASON_PEER_REFUSED), 1);
    end(rig, &pack);
}

static void test_far__header_in_between_is_asked_of_peers(void **state)
{
    struct codec_pack pack;
    struct rig *rig = begun(&pack);
    struct rig_bundle far, change;
    (void)state;
    rig_block(rig, &far, 20, &rig->other, &rig->other, 2, NULL);
    rig_block(rig, &change, 15, &rig->set, &rig->other, 0, NULL);
    rig_evidence_pack(rig, &pack, &far, 2);
    rig_tell_evidence(rig, &pack);
    assert_true(asked_peer(rig, 15));
    rig_header_pack(&pack, &change);
    rig_tell_evidence(rig, &pack);
    assert_int_equal(rig_trusted(rig), 20);
    end(rig, &pack);
}

static void test_far__relay_with_a_source_gives_headers_that_it_remembers_or_asks_for(void **state)
{
    struct rig *rig = rig_new_far(); /* for its links */
    struct rig_bundle first, other;
    (void)state;
    rig->self = 0;
    rig_restart(rig, false);
    rig_run(rig, 100);
    rig_block(rig, &first, RIG_FIRST, &rig->set, &rig->set, 0, NULL);
    rig_block(rig, &other, 12, &rig->set, &rig->set, 0, NULL);
    rig_header(rig, 0, &first);
    assert_int_equal(rig->publishes, 1);
    rig_ask_header(rig, 1, RIG_FIRST);
    assert_int_equal(rig->answers, 1);
    assert_true(answered(rig, &first));
    rig->asks_len = 0;
    rig_ask_header(rig, 1, 12);
    assert_int_equal(rig->answers, 1);
    assert_true(rig_asked(rig, 12));
    rig_header(rig, 1, &other);
    assert_int_equal(rig->answers, 2);
    assert_true(answered(rig, &other));
    rig_free(rig);
}

/* A relay in the middle passes the question on, and the answer back. */
static void test_far__relay_without_a_source_asks_on_for_its_peers(void **state)
{
    struct codec_pack pack;
    struct rig *rig = begun(&pack);
    struct rig_bundle other;
    (void)state;
    rig->requests = 0;
    rig_ask_header(rig, 2, 12);
    assert_true(asked_peer(rig, 12));
    assert_int_equal(rig->answers, 0);
    rig_block(rig, &other, 12, &rig->set, &rig->set, 0, NULL);
    rig_header_pack(&pack, &other);
    rig_tell_evidence(rig, &pack);
    assert_int_equal(rig->answers, 1);
    assert_true(answered(rig, &other));
    end(rig, &pack);
}

/* Of relays that all have no source one asks the next: a question that comes back to where it has been would go round for ever. */
static void test_far__question_that_comes_round_ends(void **state)
{
    struct codec_pack pack;
    struct rig *rig = begun(&pack);
    (void)state;
    rig->requests = 0;
    rig_ask_header(rig, 2, 12);
    assert_int_equal(rig->requests, 1);
    for (unsigned i = 0; i < 20; i++)
        rig_ask_header(rig, i % 2 * 2, 12);
    assert_int_equal(rig->requests, 1);
    rig_run(rig, 2000); /* who still wants it asks again, and somebody else may have it by now */
    rig_ask_header(rig, 2, 12);
    assert_int_equal(rig->requests, 2);
    end(rig, &pack);
}

/* One of its neighbours has a source: whoever asks often enough is asked for there, too, in whatever order they are listed. */
static void test_far__question_that_is_passed_on_reaches_each_neighbour_in_turn(void **state)
{
    struct codec_pack pack;
    struct rig *rig = begun(&pack);
    unsigned asked = 0;
    (void)state;
    rig_feed(rig, (struct relay_event){.type = RELAY_EVENT_PEER_UP, .peer = 2, .now = rig->now});
    rig_feed(rig, (struct relay_event){.type = RELAY_EVENT_PEER_UP, .peer = 3, .now = rig->now});
    for (unsigned i = 0; i < RIG_RELAYS; i++) {
        rig_ask_header(rig, 3, 12);
        asked |= 1u << rig->asked_peer;
        rig_run(rig, 2000);
    }
    assert_int_equal(asked, 1u << 0 | 1u << 2);
    end(rig, &pack);
}

/* Each asks once in two seconds, and some neighbour within the second before: it is still passed on, to another one each time. */
static void test_far__question_of_many_peers_goes_on_being_passed_on(void **state)
{
    struct codec_pack pack;
    struct rig *rig = begun(&pack);
    static const uint16_t askers[] = {0, 2, 3};
    (void)state;
    rig_feed(rig, (struct relay_event){.type = RELAY_EVENT_PEER_UP, .peer = 2, .now = rig->now});
    rig_feed(rig, (struct relay_event){.type = RELAY_EVENT_PEER_UP, .peer = 3, .now = rig->now});
    rig->requests = 0;
    for (unsigned i = 0; i < 30; i++) {
        rig_ask_header(rig, askers[i % 3], 12);
        rig_run(rig, 650);
    }
    assert_true(rig->requests >= 10);
    end(rig, &pack);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_far__records_of_peers_are_proven_here_without_a_source),
        cmocka_unit_test(test_far__forged_evidence_is_not_believed_and_not_passed_on),
        cmocka_unit_test(test_far__header_in_between_is_asked_of_peers),
        cmocka_unit_test(test_far__relay_with_a_source_gives_headers_that_it_remembers_or_asks_for),
        cmocka_unit_test(test_far__relay_without_a_source_asks_on_for_its_peers),
        cmocka_unit_test(test_far__question_that_comes_round_ends),
        cmocka_unit_test(test_far__question_that_is_passed_on_reaches_each_neighbour_in_turn),
        cmocka_unit_test(test_far__question_of_many_peers_goes_on_being_passed_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
