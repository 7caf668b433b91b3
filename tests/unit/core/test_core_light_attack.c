/* What a lying source or peer does to a light client: each test states what holds all the same. */
#include <stdlib.h>
#include <string.h>

#include "relay/store/keys.h"
#include "tests/unit/core/light_rig.h"

enum { START = 1700000000, STEP = 1000 };

static uint64_t changes(const struct rig *rig)
{
    struct keys_trust row;
    struct proof_cometbft_trust trust;
    for (size_t i = 0; i < rig->rows_len; i++) {
        if (rig->rows[i].family != STORE_CHAIN || rig->rows[i].key_len != KEYS_TRUST_BYTES)
            continue;
        assert_true(keys_trust_read(&row, (struct bytes){rig->rows[i].value, rig->rows[i].len}));
        assert_true(proof_cometbft_trust_read(&trust, row.trust));
        return trust.changes;
    }
    return 0;
}

static void test_light_attack__old_state_does_not_expire_the_chain(void **state)
{
    struct rig *rig = rig_begun(false);
    struct rig_bundle ours, junk;
    (void)state;
    rig->unix_time = START + 65 * STEP;
    rig_prove(rig, 60, 1, &ours);
    rig->unix_time = START + 115 * STEP; /* header 10 is beyond the period, header 60 is not */
    rig_run(rig, 100);
    assert_int_equal(rig_counted(rig, RELAY_REASON_TRUST_EXPIRED), 0);
    rig_block(rig, &junk, 30, &rig->set, &rig->set, 1, NULL);
    rig_evidence(rig, 0, &junk, 1); /* honest, only late */
    rig_run(rig, 100);
    assert_int_equal(rig_counted(rig, RELAY_REASON_TRUST_EXPIRED), 0);
    rig_free(rig);
}

static void test_light_attack__clock_that_jumped_and_came_back(void **state)
{
    struct rig *rig = rig_begun(false);
    struct rig_bundle ours, later;
    (void)state;
    rig_prove(rig, 20, 1, &ours);
    uint64_t now = rig->unix_time;
    rig->unix_time = now + 365 * 86400;
    rig_run(rig, 100);
    rig->unix_time = now;
    rig_run(rig, 100);
    rig_block(rig, &later, 25, &rig->set, &rig->set, 2, NULL);
    rig_records(rig, 0, 2, 2);
    rig_evidence(rig, 0, &later, 2);
    rig_run(rig, 2000);
    rig_records(rig, 0, 2, 2);
    rig_evidence(rig, 0, &later, 2);
    assert_int_equal(rig_log(rig).proven, 2);
    rig_free(rig);
}

static void test_light_attack__liar_in_a_bisection_does_not_keep_the_other_source_out(void **state)
{
    struct rig *rig = rig_begun(false);
    struct rig_bundle far, lie, change;
    (void)state;
    rig_block(rig, &far, 30, &rig->other, &rig->other, 2, NULL);
    rig_block(rig, &lie, 31, &rig->other, &rig->other, 0, NULL);
    rig_block(rig, &change, 15, &rig->set, &rig->other, 0, NULL);
    rig_records(rig, 0, 1, 2);
    rig_evidence(rig, 0, &far, 2);
    bool second = false;
    for (size_t i = 0; i < 200 && !second; i++) {
        size_t n = rig->asks_len;
        struct rig_bundle as = lie;
        if (n == 0) {
            rig_run(rig, 50);
            continue;
        }
        uint16_t source = rig->asks[n - 1].source;
        as.height = rig->asks[n - 1].height; /* any bundle, said to be of the height that is wanted */
        rig->asks_len = 0;
        second = source == 1;
        if (!second)
            rig_header(rig, 0, &as);
    }
    assert_true(second || rig->bans > 0);
    rig_free(rig);
}

static void test_light_attack__liar_with_far_evidence_is_replaced(void **state)
{
    struct rig *rig = rig_begun(false);
    struct rig_bundle lie;
    (void)state;
    size_t subscribes = rig->subscribes;
    rig_block(rig, &lie, 31, &rig->other, &rig->other, 2, NULL); /* a chain of its own making */
    for (size_t i = 0; i < 60; i++) {                            /* minutes */
        rig_evidence(rig, 0, &lie, 2);
        rig_run(rig, 1000);
        rig->asks_len = 0;
    }
    assert_true(rig->bans > 0 || rig->subscribes > subscribes);
    rig_free(rig);
}

static void test_light_attack__liar_with_evidence_of_the_future_is_replaced(void **state)
{
    struct rig *rig = rig_begun(false);
    struct rig_bundle lie;
    (void)state;
    size_t subscribes = rig->subscribes;
    rig_block(rig, &lie, 45, &rig->other, &rig->other, 2, NULL);
    for (size_t i = 0; i < 60; i++) {
        rig_evidence(rig, 0, &lie, 2);
        rig_run(rig, 1000);
        rig->asks_len = 0;
    }
    assert_true(rig->bans > 0 || rig->subscribes > subscribes);
    rig_free(rig);
}

/* Judged as an attack, which it is not, as nobody here trusts who signed it; and that must not keep the lane for ever. */
static void test_light_attack__liar_with_evidence_that_contradicts_in_time_is_replaced(void **state)
{
    struct rig *rig = rig_begun(false);
    struct rig_bundle ours, lie;
    (void)state;
    rig_prove(rig, 20, 1, &ours);
    size_t subscribes = rig->subscribes;
    rig_block_at(rig, &lie, 25, 19, 0, &rig->other, 2, NULL);
    for (size_t i = 0; i < 10; i++) {
        rig_evidence(rig, 0, &lie, 2);
        rig_run(rig, 1000);
        rig->asks_len = 0;
    }
    assert_true(rig->bans > 0 || rig->subscribes > subscribes);
    assert_int_equal(rig_log(rig).proven, 1);
    rig_free(rig);
}

static void test_light_attack__said_height_does_not_choose_the_trust(void **state)
{
    struct rig *rig = rig_begun(false);
    struct rig_bundle ours, later;
    (void)state;
    rig_prove(rig, 20, 1, &ours);
    assert_int_equal(changes(rig), 2);
    rig_block(rig, &later, 25, &rig->set, &rig->set, 2, NULL);
    later.height = 12;
    rig_records(rig, 0, 2, 2);
    rig_evidence(rig, 0, &later, 2);
    if (rig_trusted(rig) == 25)
        assert_int_equal(changes(rig), 3);
    else
        assert_int_equal(changes(rig), 2);
    rig_free(rig);
}

static void test_light_attack__notice_of_one_source_freezes_nothing(void **state)
{
    struct rig *rig = rig_begun(false);
    struct rig_bundle ours;
    (void)state;
    rig_prove(rig, 20, 1, &ours);
    rig_say(rig, 1,
            &(struct connector_message){.type = CONNECTOR_NOTICE,
                                        .notice = {.code = CONNECTOR_NOTICE_FINALITY_BROKEN,
                                                   .text = codec_connector_text("because I say so")}});
    assert_int_not_equal(rig_log(rig).cause, RELAY_CAUSE_FROZEN);
    rig_block(rig, &ours, 25, &rig->set, &rig->set, 2, NULL);
    rig_records(rig, 0, 2, 2);
    rig_evidence(rig, 0, &ours, 2);
    assert_int_equal(rig_log(rig).proven, 2);
    rig_free(rig);
}

static void test_light_attack__witness_that_lies_for_ever_costs_only_itself(void **state)
{
    struct rig *rig = rig_begun(false);
    struct rig_bundle ours, later;
    uint8_t junk[4] = {0};
    (void)state;
    rig_prove(rig, 20, 1, &ours);
    struct connector_message lie = {.type = CONNECTOR_HEADER, .header = {.height = 20, .header = BYTES_OF(junk)}};
    memset(lie.header.hash, 7, 32);
    rig_say(rig, 1, &lie);
    for (uint64_t i = 0; i < 10; i++) {
        rig_run(rig, 2000);
        rig_block(rig, &later, 21 + i, &rig->set, &rig->set, 2, NULL);
        rig_records(rig, 0, 2, 2);
        rig_evidence(rig, 0, &later, 2);
    }
    assert_true(rig->bans > 0 || rig_log(rig).proven == 2);
    rig_free(rig);
}

static void test_light_attack__word_of_one_source_does_not_unseat_the_primary(void **state)
{
    struct rig *rig = rig_begun(false);
    struct rig_bundle ours;
    (void)state;
    rig_prove(rig, 20, 1, &ours);
    size_t subscribes = rig->subscribes;
    rig_say(rig, 1,
            &(struct connector_message){.type = CONNECTOR_STATUS,
                                        .status = {.newest = UINT64_C(1) << 60,
                                                   .final_height = UINT64_C(1) << 60,
                                                   .balance = codec_connector_text(""),
                                                   .text = codec_connector_text("")}});
    rig_run(rig, 20000);
    assert_int_equal(rig->subscribes, subscribes);
    rig_free(rig);
}

/* ---- peers ---- */

static struct rig *far_begun(struct codec_pack *pack)
{
    static const struct proof_item heartbeat = {.type = PROOF_ITEM_HEARTBEAT};
    struct rig *rig = rig_new_far();
    struct rig_bundle first;
    codec_pack_init(pack, CODEC_CONNECTOR_MESSAGE_MAX);
    rig_tell(rig, &heartbeat);
    rig_run(rig, 2500);
    rig_block(rig, &first, RIG_FIRST, &rig->set, &rig->set, 0, NULL);
    rig_header_pack(pack, &first);
    rig_tell_evidence(rig, pack);
    assert_int_equal(rig_trusted(rig), RIG_FIRST);
    return rig;
}

static void test_light_attack__old_evidence_with_great_marks_is_told_on_once(void **state)
{
    struct codec_pack pack;
    struct rig *rig = far_begun(&pack);
    struct rig_bundle bundle;
    struct connector_message message;
    (void)state;
    rig_block(rig, &bundle, 20, &rig->set, &rig->set, 2, NULL);
    rig_evidence_pack(rig, &pack, &bundle, 2);
    uint8_t *bytes = malloc(codec_pack_bytes(&pack).len);
    struct bytes was = {bytes, codec_pack_bytes(&pack).len};
    memcpy(bytes, codec_pack_bytes(&pack).data, was.len);
    assert_true(codec_connector_decode(&message, rig->scratch, was, NULL));
    rig->scratch->marks[0].number = UINT64_MAX;
    codec_pack_clear(&pack);
    codec_connector_encode(&pack, &message);
    assert_false(pack.failed);
    rig_tell_evidence(rig, &pack);
    rig_tell_messages(rig, 2);
    assert_int_equal(rig_log(rig).proven, 2);
    rig->publishes = 0;
    for (size_t i = 0; i < 10; i++)
        rig_tell_evidence(rig, &pack);
    rig_run(rig, 200);
    assert_int_equal(rig->publishes, 0);
    free(bytes);
    codec_pack_fini(&pack);
    rig_free(rig);
}

static void test_light_attack__forged_far_header_of_a_peer_does_not_hold_up_honest_evidence(void **state)
{
    struct codec_pack pack;
    struct rig *rig = far_begun(&pack);
    struct rig_bundle bundle, lie;
    (void)state;
    rig_block(rig, &lie, 31, &rig->other, &rig->other, 0, NULL);
    rig_header_pack(&pack, &lie);
    rig_tell_evidence(rig, &pack);
    rig_block(rig, &bundle, 20, &rig->set, &rig->set, 2, NULL);
    rig_evidence_pack(rig, &pack, &bundle, 2);
    rig_tell_evidence(rig, &pack);
    rig_run(rig, 30000);
    assert_int_equal(rig_trusted(rig), 20);
    codec_pack_fini(&pack);
    rig_free(rig);
}

/* ---- signer ---- */

static void test_light_attack__second_source_is_asked_for_the_signer_too(void **state)
{
    struct rig *rig = rig_new(true);
    (void)state;
    rig_run(rig, 100);
    rig->asks_len = 0;
    bool second = false;
    for (int i = 0; i < 20; i++) {
        rig_signer_trust(rig, 10, 15); /* needs 15 */
        for (size_t j = 0; j < rig->asks_len; j++)
            second = second || (rig->asks[j].height == 15 && rig->asks[j].source == 1);
        rig->asks_len = 0;
        rig_signer_trust(rig, 10, 0); /* what the first source gave was INVALID: begun, so it wants nothing */
    }
    assert_true(second);
    rig_free(rig);
}

/* ---- more ---- */

static struct rig *linked(void)
{
    struct rig *rig = rig_new_far(); /* for its links */
    struct rig_bundle first;
    rig->self = 0;
    rig_restart(rig, false);
    rig_run(rig, 100);
    rig_block(rig, &first, RIG_FIRST, &rig->set, &rig->set, 0, NULL);
    rig_header(rig, 0, &first);
    rig->asks_len = 0;
    return rig;
}

static void test_light_attack__header_for_a_peer_is_asked_of_each_source(void **state)
{
    struct rig *rig = linked();
    bool second = false;
    (void)state;
    for (int i = 0; i < 15; i++) {
        rig_ask_header(rig, 1, 12);
        for (size_t j = 0; j < rig->asks_len; j++)
            second = second || (rig->asks[j].height == 12 && rig->asks[j].source == 1);
        rig->asks_len = 0;
        rig_run(rig, 2000);
    }
    assert_true(second);
    rig_free(rig);
}

static void test_light_attack__peer_that_asks_for_much_leaves_room_for_others(void **state)
{
    struct rig *rig = linked();
    (void)state;
    rig->relays[2].zone = 1; /* not needed by the core; peer 1 fills all, then itself asks in earnest */
    for (uint64_t i = 0; i < 8; i++)
        rig_ask_header(rig, 1, 1000 + i);
    rig->asks_len = 0;
    rig_ask_header(rig, 1, 12);
    assert_true(rig_asked(rig, 12)); /* the newest ask of a peer takes the place of its oldest */
    rig_free(rig);
}

static void test_light_attack__signer_is_given_one_header_at_a_time(void **state)
{
    struct rig *rig = rig_new(true);
    struct rig_bundle first, junk;
    (void)state;
    rig_run(rig, 100);
    rig_block(rig, &first, RIG_FIRST, &rig->set, &rig->set, 0, NULL);
    rig_header(rig, 0, &first);
    rig_signer_trust(rig, 10, 15);
    rig_block(rig, &junk, 15, &rig->other, &rig->other, 0, NULL);
    size_t before = rig->signs_count;
    for (int i = 0; i < 30; i++)
        rig_header(rig, 1, &junk); /* of a source that was not even asked, before the signer answers once */
    assert_true(rig->signs_count <= before + 1);
    rig_free(rig);
}

static void test_light_attack__height_zero_is_no_height(void **state)
{
    struct rig *rig = rig_new(true);
    struct rig_bundle first, zero;
    (void)state;
    rig_run(rig, 100);
    rig_block(rig, &first, RIG_FIRST, &rig->set, &rig->set, 0, NULL);
    rig_header(rig, 0, &first);
    rig_signer_trust(rig, 10, 0);
    size_t before = rig->signs_count;
    rig_block(rig, &zero, 15, &rig->set, &rig->set, 0, NULL);
    zero.height = 0;
    rig_header(rig, 1, &zero);
    assert_int_equal(rig->signs_count, before);
    assert_int_equal(rig_trusted(rig), RIG_FIRST); /* nobody asked for it, and the trust is young */
    rig_free(rig);
}

static void test_light_attack__witness_that_did_not_speak_is_asked(void **state)
{
    struct rig *rig = rig_begun(false);
    struct rig_bundle ours;
    bool asked = false;
    (void)state;
    rig->asks_len = 0;
    rig_prove(rig, 20, 1, &ours);
    rig_run(rig, 5000);
    for (size_t j = 0; j < rig->asks_len; j++)
        asked = asked || (rig->asks[j].height == 20 && rig->asks[j].source == 1);
    assert_true(asked);
    rig_free(rig);
}

static void test_light_attack__signer_that_was_away_is_brought_up_to_date(void **state)
{
    struct rig *rig = rig_new(true);
    struct rig_bundle first, header;
    (void)state;
    rig_run(rig, 100);
    rig_block(rig, &first, RIG_FIRST, &rig->set, &rig->set, 0, NULL);
    rig_header(rig, 0, &first);
    rig_signer_trust(rig, 10, 0);
    rig_feed(rig, (struct relay_event){.type = RELAY_EVENT_SIGNER_DOWN});
    rig_block(rig, &header, 60, &rig->set, &rig->set, 0, NULL);
    rig->unix_time = header.time;
    rig_header(rig, 0, &header);
    assert_int_equal(rig_trusted(rig), 60);
    size_t before = rig->signs_count;
    rig_feed(rig, (struct relay_event){.type = RELAY_EVENT_SIGNER_UP});
    rig_signer_trust(rig, 10, 0);        /* half a period old, and nothing to sign */
    rig->unix_time = START + 105 * STEP; /* five more and it is over for the signer */
    rig_run(rig, 5000);
    assert_true(rig->signs_count > before);
    rig_free(rig);
}

/* Votes beyond the quorum are not verified in a step: a source may spoil one of them on its way, and the header is believed. */
static void test_light_attack__spoilt_spare_vote_does_not_hide_an_attack(void **state)
{
    struct rig *rig = rig_begun(false);
    struct rig_bundle ours, other;
    struct proof_cometbft_height height;
    (void)state;
    rig_block(rig, &ours, 20, &rig->set, &rig->set, 1, NULL);
    assert_true(proof_cometbft_height_read(&height, (struct bytes){ours.bytes, ours.len}));
    ours.bytes[(size_t)(height.block.commit.data - ours.bytes) + height.block.commit.len - 1] ^=
        1; /* the fourth of four */
    rig_records(rig, 0, 1, 1);
    rig_evidence(rig, 0, &ours, 1);
    assert_int_equal(rig_log(rig).proven, 1);
    rig_block(rig, &other, 20, &rig->set, &rig->set, 2, NULL); /* whole, and signed by all */
    rig_header(rig, 1, &other);
    assert_int_equal(rig_log(rig).cause, RELAY_CAUSE_ATTACK);
    rig_free(rig);
}

/* The same, by who shows the other one. */
static void test_light_attack__spoilt_spare_vote_in_what_the_witness_shows(void **state)
{
    struct rig *rig = rig_begun(false);
    struct rig_bundle ours, other;
    struct proof_cometbft_height height;
    (void)state;
    rig_prove(rig, 20, 1, &ours);
    rig_block(rig, &other, 20, &rig->set, &rig->set, 2, NULL);
    assert_true(proof_cometbft_height_read(&height, (struct bytes){other.bytes, other.len}));
    other.bytes[(size_t)(height.block.commit.data - other.bytes) + height.block.commit.len - 1] ^= 1;
    rig_header(rig, 1, &other);
    assert_int_equal(rig_log(rig).cause, RELAY_CAUSE_ATTACK);
    rig_free(rig);
}

/* A true fork shown by a true witness right after a restart. */
static void test_light_attack__attack_shown_after_a_restart_is_proven(void **state)
{
    struct rig *rig = rig_begun(false);
    struct rig_bundle ours, other;
    (void)state;
    rig_prove(rig, 20, 1, &ours);
    rig_restart(rig, false);
    rig_block(rig, &other, 20, &rig->set, &rig->set, 2, NULL);
    rig_header(rig, 1, &other);
    assert_int_equal(rig_log(rig).cause, RELAY_CAUSE_ATTACK);
    rig_free(rig);
}

static void test_light_attack__witness_that_is_ahead_by_a_lie_does_not_slow_the_lane_for_ever(void **state)
{
    struct rig *rig = rig_begun(false);
    struct rig_bundle ours, lie;
    (void)state;
    rig_prove(rig, 20, 1, &ours);
    rig_header(rig, 0, &ours);
    rig_block(rig, &lie, 31, &rig->other, &rig->other, 0, NULL);
    for (size_t i = 0; i < 40; i++) {
        rig_header(rig, 1, &lie);
        rig_run(rig, 1000);
        rig->asks_len = 0;
    }
    assert_true(rig->bans > 0);
    rig_free(rig);
}

static void test_light_attack__late_honest_evidence_does_not_make_its_peer_unheard(void **state)
{
    struct codec_pack pack;
    struct rig *rig = far_begun(&pack);
    struct rig_bundle late, newer, step;
    (void)state;
    rig->unix_time = START + 65 * STEP;
    rig_block(rig, &step, 60, &rig->set, &rig->set, 0, NULL);
    rig_header_pack(&pack, &step);
    rig_tell_evidence(rig, &pack);
    assert_int_equal(rig_trusted(rig), 60);
    rig->unix_time = START + 115 * STEP;
    rig_block(rig, &late, 30, &rig->set, &rig->set, 1, NULL);
    rig_evidence_pack(rig, &pack, &late, 1);
    rig_tell_evidence(rig, &pack);
    rig_block(rig, &newer, 70, &rig->set, &rig->set, 2, NULL);
    rig_evidence_pack(rig, &pack, &newer, 2);
    rig_tell_evidence(rig, &pack);
    assert_int_equal(rig_trusted(rig), 70);
    codec_pack_fini(&pack);
    rig_free(rig);
}

static void test_light_attack__spoilt_counted_vote_costs_the_witness(void **state)
{
    struct rig *rig = rig_begun(false);
    struct rig_bundle ours, other;
    struct proof_cometbft_height height;
    (void)state;
    rig_prove(rig, 20, 1, &ours);
    rig_block(rig, &other, 20, &rig->set, &rig->set, 2, NULL);
    assert_true(proof_cometbft_height_read(&height, (struct bytes){other.bytes, other.len}));
    size_t at = (size_t)(height.block.commit.data - other.bytes), quarter = height.block.commit.len / 4;
    for (size_t i = 0; i < 4; i++) /* ends of all votes' signatures lie in the last third; the first of them here */
        other.bytes[at + quarter + i + 20] ^= 1;
    rig_header(rig, 1, &other);
    rig_run(rig, 20000);
    assert_true(rig->bans > 0);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_light_attack__old_state_does_not_expire_the_chain),
        cmocka_unit_test(test_light_attack__clock_that_jumped_and_came_back),
        cmocka_unit_test(test_light_attack__liar_in_a_bisection_does_not_keep_the_other_source_out),
        cmocka_unit_test(test_light_attack__liar_with_far_evidence_is_replaced),
        cmocka_unit_test(test_light_attack__liar_with_evidence_that_contradicts_in_time_is_replaced),
        cmocka_unit_test(test_light_attack__said_height_does_not_choose_the_trust),
        cmocka_unit_test(test_light_attack__notice_of_one_source_freezes_nothing),
        cmocka_unit_test(test_light_attack__witness_that_lies_for_ever_costs_only_itself),
        cmocka_unit_test(test_light_attack__word_of_one_source_does_not_unseat_the_primary),
        cmocka_unit_test(test_light_attack__old_evidence_with_great_marks_is_told_on_once),
        cmocka_unit_test(test_light_attack__forged_far_header_of_a_peer_does_not_hold_up_honest_evidence),
        cmocka_unit_test(test_light_attack__liar_with_evidence_of_the_future_is_replaced),
        cmocka_unit_test(test_light_attack__header_for_a_peer_is_asked_of_each_source),
        cmocka_unit_test(test_light_attack__peer_that_asks_for_much_leaves_room_for_others),
        cmocka_unit_test(test_light_attack__signer_is_given_one_header_at_a_time),
        cmocka_unit_test(test_light_attack__height_zero_is_no_height),
        cmocka_unit_test(test_light_attack__witness_that_did_not_speak_is_asked),
        cmocka_unit_test(test_light_attack__signer_that_was_away_is_brought_up_to_date),
        cmocka_unit_test(test_light_attack__attack_shown_after_a_restart_is_proven),
        cmocka_unit_test(test_light_attack__spoilt_spare_vote_does_not_hide_an_attack),
        cmocka_unit_test(test_light_attack__spoilt_spare_vote_in_what_the_witness_shows),
        cmocka_unit_test(test_light_attack__witness_that_is_ahead_by_a_lie_does_not_slow_the_lane_for_ever),
        cmocka_unit_test(test_light_attack__late_honest_evidence_does_not_make_its_peer_unheard),
        cmocka_unit_test(test_light_attack__spoilt_counted_vote_costs_the_witness),
        cmocka_unit_test(test_light_attack__second_source_is_asked_for_the_signer_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
