/*
 * A chain that is followed by a light client: what is believed, what is on disk before it counts, what freezes, what abstains.
 */
#include "tests/unit/core/light_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proofs/codec/hex.h"

/* A rig that trusts its first header, at RIG_FIRST. */
static struct rig *begun(void)
{
    struct rig *rig = rig_new(false);
    struct rig_bundle first;
    rig_run(rig, 100);
    assert_true(rig_asked(rig, RIG_FIRST));
    rig_block(rig, &first, RIG_FIRST, &rig->set, &rig->set, 0, NULL);
    rig_header(rig, 0, &first);
    assert_int_equal(rig_trusted(rig), RIG_FIRST);
    assert_int_equal(rig_counted(rig, RELAY_REASON_TRUST_BEGUN), 1);
    return rig;
}

/* A header and the lane's head under it prove the messages before it; two sets of validators apart. */
static void test_light__evidence_under_a_header_that_follows_is_a_fact(void **state)
{
    struct rig *rig = begun();
    struct rig_bundle bundle;
    (void)state;
    rig_block(rig, &bundle, 20, &rig->set, &rig->set, 2, NULL);
    rig_records(rig, 0, 1, 2);
    assert_int_equal(rig_log(rig).proven, 0);
    rig_evidence(rig, 0, &bundle, 2);
    assert_int_equal(rig_log(rig).proven, 2);
    assert_int_equal(rig_log(rig).stored, 2);
    assert_int_equal(rig_trusted(rig), 20);
    assert_int_equal(rig->bans, 0);
    rig_free(rig);
}

static void test_light__nothing_counts_before_the_operators_header_is_here(void **state)
{
    struct rig *rig = rig_new(false);
    struct rig_bundle bundle, other;
    (void)state;
    rig_run(rig, 100);
    assert_true(rig_asked(rig, RIG_FIRST));
    rig_block(rig, &bundle, 20, &rig->set, &rig->set, 2, NULL);
    rig_block(rig, &other, RIG_FIRST, &rig->set, &rig->other, 0,
              NULL); /* of the right height, but not the operator's */
    rig_records(rig, 0, 1, 2);
    rig_evidence(rig, 0, &bundle, 2);
    rig_header(rig, 0, &other);
    assert_int_equal(rig_log(rig).proven, 0);
    assert_int_equal(rig_log(rig).cause, RELAY_CAUSE_TRUST);
    assert_int_equal(rig_trusted(rig), 0);
    assert_int_equal(rig->bans, 0); /* it may be the operator's word that is wrong */
    rig_run(rig, 100);
    assert_true(rig_asked(rig, RIG_FIRST)); /* of the other source, at once */
    assert_int_equal(rig->asks[0].source, 1);
    rig_block(rig, &bundle, RIG_FIRST, &rig->set, &rig->set, 0, NULL);
    rig_header(rig, 1, &bundle);
    assert_int_equal(rig_trusted(rig), 20); /* and what waited for it */
    assert_int_equal(rig->bans, 1);         /* it was not */
    assert_int_equal(rig_counted(rig, RELAY_REASON_TRUST_DIFFERS), 0);
    rig_free(rig);
}

/* The operator's own word is wrong: it is said, once, and nobody is blamed. */
static void test_light__first_header_that_no_source_shows_is_said_once(void **state)
{
    struct rig *rig = rig_new(false);
    struct rig_bundle other;
    (void)state;
    rig_block(rig, &other, RIG_FIRST, &rig->set, &rig->other, 0, NULL);
    for (size_t i = 0; i < 600; i++) {
        rig_run(rig, 100);
        size_t len = rig->asks_len;
        for (size_t j = 0; j < len; j++)
            rig_header(rig, rig->asks[j].source, &other);
        assert_true(i < 50 || len <= 2);
        rig->asks_len = 0;
    }
    assert_int_equal(rig_counted(rig, RELAY_REASON_TRUST_DIFFERS), 1);
    assert_int_equal(rig_log(rig).cause, RELAY_CAUSE_TRUST);
    assert_int_equal(rig->bans, 0);
    memcpy(rig->first.hash, other.hash, 32); /* the operator corrects it */
    rig_restart(rig, false);
    rig_run(rig, 100);
    rig_header(rig, 0, &other);
    assert_int_equal(rig_trusted(rig), RIG_FIRST);
    rig_free(rig);
}

/* One source shows another one, the other has none: the operator hears of that, too. */
static void test_light__first_header_that_one_source_contradicts_and_none_shows_is_said(void **state)
{
    struct rig *rig = rig_new(false);
    struct rig_bundle other;
    (void)state;
    rig_block(rig, &other, RIG_FIRST, &rig->set, &rig->other, 0, NULL);
    for (size_t i = 0; i < 100; i++) {
        rig_run(rig, 100);
        size_t len = rig->asks_len;
        for (size_t j = 0; j < len; j++) {
            if (rig->asks[j].source == 0)
                rig_header(rig, 0, &other);
        }
        rig->asks_len = 0;
    }
    assert_int_equal(rig_counted(rig, RELAY_REASON_TRUST_DIFFERS), 1);
    assert_int_equal(rig->bans, 0);
    rig_free(rig);
}

/* I2: what the trust became is on disk before what stands on it is acted upon. */
static void test_light__trust_is_on_disk_before_a_fact_of_it_counts(void **state)
{
    struct rig *rig = begun();
    struct rig_bundle bundle;
    (void)state;
    rig_block(rig, &bundle, 20, &rig->set, &rig->set, 2, NULL);
    rig_records(rig, 0, 1, 2);
    rig->slow = true;
    rig_evidence(rig, 0, &bundle, 2);
    assert_int_equal(rig_trusted(rig), RIG_FIRST);
    assert_int_equal(rig_log(rig).proven, 0);
    rig_commit(rig);
    assert_int_equal(rig_trusted(rig), 20);
    assert_int_equal(rig_log(rig).proven, 2);
    rig_free(rig);
}

/* A crash between the verdict and the disk: nothing counted, and the same evidence is good again. */
static void test_light__crash_before_the_trust_is_on_disk_loses_nothing(void **state)
{
    struct rig *rig = begun();
    struct rig_bundle bundle;
    (void)state;
    rig_block(rig, &bundle, 20, &rig->set, &rig->set, 2, NULL);
    rig_records(rig, 0, 1, 2);
    rig->slow = true;
    rig_evidence(rig, 0, &bundle, 2);
    rig_restart(rig, false);
    assert_int_equal(rig_trusted(rig), RIG_FIRST);
    rig_records(rig, 0, 1, 2);
    rig_evidence(rig, 0, &bundle, 2);
    assert_int_equal(rig_log(rig).proven, 2);
    rig_free(rig);
}

static void test_light__restart_between_header_and_evidence_goes_on_from_the_trust(void **state)
{
    struct rig *rig = begun();
    struct rig_bundle bundle, next;
    (void)state;
    rig_block(rig, &bundle, 20, &rig->set, &rig->other, 2, NULL); /* announces a set that shares none */
    rig_records(rig, 0, 1, 2);
    rig_evidence(rig, 0, &bundle, 2);
    rig_restart(rig, false);
    assert_int_equal(rig_log(rig).proven, 2);
    assert_false(rig_asked(rig, RIG_FIRST)); /* no beginning again */
    rig_block(rig, &next, 30, &rig->other, &rig->other, 3, NULL);
    rig_records(rig, 0, 3, 3);
    rig_evidence(rig, 0, &next, 3); /* only the kept next set leads there */
    assert_int_equal(rig_log(rig).proven, 3);
    assert_int_equal(rig_trusted(rig), 30);
    rig_free(rig);
}

/* The set changed whole between: halfway is asked for, and halfway again, of one source after the other. */
static void test_light__evidence_from_too_far_is_reached_by_bisection(void **state)
{
    struct rig *rig = begun();
    struct rig_bundle far, half, change;
    (void)state;
    rig_block(rig, &far, 30, &rig->other, &rig->other, 2, NULL);
    rig_block(rig, &half, 20, &rig->other, &rig->other, 0, NULL);
    rig_block(rig, &change, 15, &rig->set, &rig->other, 0, NULL);
    rig_records(rig, 0, 1, 2);
    rig_evidence(rig, 0, &far, 2);
    assert_int_equal(rig_log(rig).proven, 0);
    assert_true(rig_asked(rig, 20));
    rig_header(rig, 0, &half); /* signed by the new set alone: too far, too */
    assert_true(rig_asked(rig, 15));
    rig_run(rig, 3000);
    assert_true(rig->asks[0].source == 1 && rig_asked(rig, 15)); /* the first one does not answer */
    rig_header(rig, 1, &change);
    assert_int_equal(rig_trusted(rig), 30);
    assert_int_equal(rig_log(rig).proven, 2);
    assert_int_equal(rig->bans, 0);
    rig_free(rig);
}

static void test_light__bisection_that_nobody_answers_ends(void **state)
{
    struct rig *rig = begun();
    struct rig_bundle far;
    (void)state;
    rig_block(rig, &far, 30, &rig->other, &rig->other, 2, NULL);
    rig_records(rig, 0, 1, 2);
    rig_evidence(rig, 0, &far, 2);
    rig_run(rig, 30000);
    assert_int_equal(rig_counted(rig, RELAY_REASON_HEADER_MISSING), 1);
    assert_true(rig->asks_len <= 8); /* every source a few times */
    assert_int_equal(rig_log(rig).proven, 0);
    rig_free(rig);
}

static void test_light__forged_bundle_is_refused_and_kept_and_its_source_restarted(void **state)
{
    struct rig *rig = begun();
    struct rig_bundle forged;
    static const uint8_t few[] = {COMETBFT_COMMIT, COMETBFT_COMMIT, COMETBFT_ABSENT, COMETBFT_ABSENT};
    (void)state;
    rig_block(rig, &forged, 20, &rig->set, &rig->set, 2, few); /* half of the power: more than a third, less than two */
    rig_records(rig, 0, 1, 2);
    rig_evidence(rig, 0, &forged, 2);
    assert_int_equal(rig_log(rig).proven, 0);
    assert_int_equal(rig_trusted(rig), RIG_FIRST);
    assert_int_equal(rig_counted(rig, RELAY_REASON_EVIDENCE_REFUSED), 1);
    assert_int_equal(rig->kept, 1);
    assert_int_equal(rig->bans, 1);
    struct relay_source_view view;
    assert_true(relay_core_source_view(rig->core, 0, &view));
    assert_string_equal(view.refused_why, "cometbft-two-thirds-not-reached");
    rig_free(rig);
}

/* A log proof that shows another number than the records lead to. */
static void test_light__head_that_the_state_does_not_hold_is_refused(void **state)
{
    struct rig *rig = begun();
    struct rig_bundle bundle;
    (void)state;
    rig_block(rig, &bundle, 20, &rig->set, &rig->set, 1, NULL);
    rig_records(rig, 0, 1, 2);
    rig_evidence(rig, 0, &bundle, 2); /* the proof is not under this app hash */
    assert_int_equal(rig_log(rig).proven, 0);
    assert_int_equal(rig->bans, 1);
    assert_int_equal(rig_trusted(rig), RIG_FIRST);
    rig_free(rig);
}

/* Evidence of two contracts is made side by side, and may come in the other order. */
static void test_light__evidence_of_below_the_newest_header_counts_too(void **state)
{
    struct rig *rig = begun();
    struct rig_bundle newer, older;
    (void)state;
    rig_block(rig, &older, 20, &rig->set, &rig->set, 1, NULL);
    rig_block(rig, &newer, 25, &rig->set, &rig->set, 2, NULL);
    rig_records(rig, 0, 1, 2);
    rig_evidence(rig, 0, &newer, 2);
    rig_evidence(rig, 0, &older, 1);
    assert_int_equal(rig_log(rig).proven, 2);
    assert_int_equal(rig_trusted(rig), 25); /* never back */
    assert_int_equal(rig->bans, 0);
    rig_free(rig);
}

/* ---- witnesses ------------------------------------------------------------------------------------------------------ */

static void test_light__two_signed_headers_of_one_height_freeze_the_chain(void **state)
{
    struct rig *rig = begun();
    struct rig_bundle ours, other, later;
    (void)state;
    rig_prove(rig, 20, 1, &ours);
    rig_block(rig, &other, 20, &rig->set, &rig->set, 2, NULL); /* another state, all signatures right */
    rig_header(rig, 1, &other);
    assert_int_equal(rig_counted(rig, RELAY_REASON_CHAIN_ATTACKED), 1);
    assert_int_equal(rig_log(rig).cause, RELAY_CAUSE_ATTACK);
    assert_string_not_equal(rig_trust(rig).attack, "none");
    assert_true(rig_log(rig).frozen);
    assert_true(rig->kept > 0);
    rig_block(rig, &later, 25, &rig->set, &rig->set, 2, NULL);
    rig_records(rig, 0, 2, 2);
    rig_evidence(rig, 0, &later, 2);
    assert_int_equal(rig_log(rig).proven, 1);
    size_t subscribes = rig->subscribes;
    rig_restart(rig, false); /* frozen stays frozen */
    rig_run(rig, 100);
    assert_int_equal(rig_log(rig).cause, RELAY_CAUSE_ATTACK);
    assert_int_equal(rig->subscribes, subscribes);
    memcpy(rig->first.hash, later.hash, 32); /* until the operator looked into it, and begins anew */
    rig->first.height = later.height;
    rig_restart(rig, false);
    rig_run(rig, 100);
    assert_true(rig_asked(rig, later.height));
    rig_header(rig, 0, &later);
    assert_int_equal(rig_trusted(rig), later.height);
    rig_run(rig, 100);
    assert_int_equal(rig_log(rig).cause, RELAY_CAUSE_QUORUM); /* nobody signs here */
    rig_free(rig);
}

/* A header that nobody signed proves nothing of the chain; but who is right is not known either. */
static void test_light__unproven_divergence_makes_this_relay_abstain(void **state)
{
    struct rig *rig = begun();
    struct rig_bundle ours, other, later;
    static const uint8_t nobody[] = {COMETBFT_COMMIT, COMETBFT_ABSENT, COMETBFT_ABSENT, COMETBFT_ABSENT};
    (void)state;
    rig_prove(rig, 20, 1, &ours);
    rig->quiet[1] = true;
    rig_block(rig, &other, 20, &rig->set, &rig->set, 2, nobody);
    rig_header(rig, 1, &other);
    assert_int_equal(rig_counted(rig, RELAY_REASON_CHAIN_ATTACKED), 0);
    assert_int_equal(rig_counted(rig, RELAY_REASON_SOURCE_DIVERGES), 2);
    assert_int_equal(rig_log(rig).cause, RELAY_CAUSE_SOURCES_DISAGREE);
    assert_int_equal(rig->kept, 1);
    rig_block(rig, &later, 25, &rig->set, &rig->set, 2, NULL);
    rig_records(rig, 0, 2, 2);
    rig_evidence(rig, 0, &later, 2);
    assert_int_equal(rig_log(rig).proven, 1);
    assert_int_equal(rig_trusted(rig), 25);
    rig_header(rig, 1, &later); /* it says what the other says, and later than where it did not */
    rig_run(rig, 1200);
    rig_records(rig, 0, 2, 2);
    rig_evidence(rig, 0, &later, 2);
    assert_int_equal(rig_log(rig).proven, 2);
    rig_free(rig);
}

/* A witness may speak first: its word of a height is held against what is proven of it later. */
static void test_light__witness_that_spoke_before_is_held_to_its_word(void **state)
{
    struct rig *rig = begun();
    struct rig_bundle ours, other;
    (void)state;
    rig_block(rig, &ours, 20, &rig->set, &rig->set, 1, NULL);
    rig_block(rig, &other, 20, &rig->set, &rig->set, 2, NULL);
    rig_header(rig, 1, &other);
    rig_records(rig, 0, 1, 1);
    rig_evidence(rig, 0, &ours, 1);
    assert_int_equal(rig_log(rig).proven, 0); /* divergence is seen before the fact counts */
    rig_header(rig, 1, &other);
    assert_int_equal(rig_log(rig).cause, RELAY_CAUSE_ATTACK);
    rig_free(rig);
}

/* ---- time ----------------------------------------------------------------------------------------------------------- */

static void test_light__expired_trust_abstains_and_says_what_to_do(void **state)
{
    struct rig *rig = begun();
    struct rig_bundle ours, later;
    (void)state;
    rig_prove(rig, 20, 1, &ours);
    rig->unix_time = ours.time + rig->chains[0].light.trusting_period;
    rig_run(rig, 100);
    assert_int_equal(rig_counted(rig, RELAY_REASON_TRUST_EXPIRED), 1);
    assert_int_equal(rig_log(rig).cause, RELAY_CAUSE_TRUST);
    assert_true(rig_trust(rig).left == 0 && rig_trust(rig).height > 0);
    rig_block(rig, &later, 119, &rig->set, &rig->set, 2, NULL);
    rig_records(rig, 0, 2, 2);
    rig_evidence(rig, 0, &later, 2);
    assert_int_equal(rig_log(rig).proven, 1);
    assert_int_equal(rig->bans, 0);
    rig_free(rig);
}

/* A quiet chain: headers alone keep the trust young. */
static void test_light__headers_alone_keep_the_trust_within_its_period(void **state)
{
    struct rig *rig = begun();
    struct rig_bundle header;
    (void)state;
    rig_block(rig, &header, 30, &rig->set, &rig->set, 0, NULL);
    rig->unix_time = header.time; /* a fifth of the period after the first */
    rig_header(rig, 0, &header);
    assert_int_equal(rig_trusted(rig), RIG_FIRST);
    rig_block(rig, &header, 50, &rig->set, &rig->set, 0, NULL);
    rig->unix_time = header.time;
    rig_header(rig, 0, &header);
    assert_int_equal(rig_trusted(rig), 50);
    rig_free(rig);
}

/* Others go on meanwhile, and what they certify comes here: this relay's own wait is as old as it was. */
static void test_light__wait_for_trust_or_after_an_attack_keeps_its_beginning(void **state)
{
    struct rig *rig = rig_new_far(); /* for its links */
    struct rig_bundle ours, other;
    (void)state;
    rig->self = 0;
    rig_restart(rig, false);
    rig_run(rig, 100);
    rig_block(rig, &ours, RIG_FIRST, &rig->set, &rig->set, 0, NULL);
    rig_header(rig, 0, &ours);
    rig_prove(rig, 20, 1, &ours);
    rig->unix_time = ours.time + rig->chains[0].light.trusting_period;
    rig_run(rig, 100);
    assert_int_equal(rig_log(rig).cause, RELAY_CAUSE_TRUST);
    uint64_t since = rig_log(rig).since;
    rig_run(rig, 3000);
    rig_tell_messages(rig, 2);
    assert_int_equal(rig_log(rig).certified, 2);
    assert_int_equal(rig_log(rig).cause, RELAY_CAUSE_TRUST);
    assert_int_equal(rig_log(rig).since, since);
    rig->unix_time = ours.time;
    rig_run(rig, 100);
    assert_int_not_equal(rig_log(rig).cause, RELAY_CAUSE_TRUST);
    rig_block(rig, &other, 20, &rig->set, &rig->set, 2, NULL);
    rig_header(rig, 1, &other);
    assert_int_equal(rig_log(rig).cause, RELAY_CAUSE_ATTACK);
    since = rig_log(rig).since;
    rig_run(rig, 3000);
    rig_tell_messages(rig, 3);
    assert_int_equal(rig_log(rig).certified, 3);
    assert_int_equal(rig_log(rig).since, since);
    rig_free(rig);
}

/* ---- a real chain --------------------------------------------------------------------------------------------------- */

/* What was recorded (record_lane.py) of a ledger whose state is one tree, and of one that is a multistore. */
static const char TREE[] = "tests/vectors/data/cometbft_lane/",
                  MULTISTORE[] = "tests/vectors/data/cometbft_lane_store/";

static FILE *recorded(const char *folder, const char *name)
{
    char path[128];
    snprintf(path, sizeof(path), "%s%s", folder, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    return file;
}

/* The rig's network with the chain and the lane that were recorded, and a store in its document. */
static void become_recorded(struct rig *rig, const char *folder, const char *store)
{
    uint8_t running[32];
    char digits[6][65];
    unsigned long long height, time;
    uint8_t lane[32];
    FILE *file = recorded(folder, "lane");
    assert_int_equal(fscanf(file, "%64s %64s %64s %64s %llu %64s %llu %64s", digits[0], digits[1], digits[2], digits[3],
                            &height, digits[4], &time, digits[5]),
                     8);
    fclose(file);
    snprintf(rig->chains[0].id, sizeof(rig->chains[0].id), "cosmos:isthmus-test-1");
    uint8_t *const into[] = {
        rig->chains[0].genesis, rig->chains[0].outbox, rig->lane.sender, lane, rig->first.hash, running};
    for (size_t i = 0; i < 6; i++)
        assert_true(codec_hex_decode_exact(into[i], 32, digits[i], strlen(digits[i])));
    rig->first.height = height;
    rig->unix_time = time;
    rig->chains[0].light.trusting_period = 3600;
    snprintf(rig->chains[0].light.store, sizeof(rig->chains[0].light.store), "%s", store);
    assert_true(topology_network_index(&rig->network));
    assert_memory_equal(rig->lane.id, lane, 32);
    rig_restart(rig, false);
}

/* All that a connector said. */
static void hear_recorded(struct rig *rig, const char *folder)
{
    static uint8_t message[1 << 16];
    uint8_t length[4];
    size_t said = 0;
    rig_run(rig, 100);
    assert_true(rig_asked(rig, rig->first.height));
    FILE *file = recorded(folder, "messages");
    while (fread(length, 4, 1, file) == 1) {
        size_t len = (size_t)length[2] << 8 | length[3];
        assert_true(length[0] == 0 && length[1] == 0 && fread(message, len, 1, file) == 1);
        rig_feed(rig, (struct relay_event){.type = RELAY_EVENT_SOURCE_MESSAGE, .body = {message, len}});
        said++;
    }
    fclose(file);
    assert_int_equal(said, 5); /* the header, and twice records and evidence */
    rig_run(rig, 6000);        /* the other source says nothing */
}

static void believes_recorded(const char *folder, const char *store)
{
    struct rig *rig = rig_new(false);
    become_recorded(rig, folder, store);
    hear_recorded(rig, folder);
    assert_int_equal(rig_log(rig).proven, 3);
    assert_true(rig_trusted(rig) > rig->first.height + 2);
    assert_int_equal(rig->bans, 0);
    rig_restart(rig, false);
    assert_int_equal(rig_log(rig).proven, 3);
    rig_free(rig);
}

/* What a real connector said of a real network of four validators, one of whom was replaced on the way. */
static void test_light__what_a_real_chain_showed_is_a_fact(void **state)
{
    (void)state;
    believes_recorded(TREE, "");
    believes_recorded(MULTISTORE, "isthmus");
}

/* The document says which proofs prove: not the connector, and not what they would prove. */
static void test_light__heads_in_another_store_than_the_documents_are_refused(void **state)
{
    const struct {
        const char *folder, *store;
    } wrong[] = {{MULTISTORE, "bank"}, {MULTISTORE, ""}, {TREE, "isthmus"}};
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        struct rig *rig = rig_new(false);
        become_recorded(rig, wrong[i].folder, wrong[i].store);
        hear_recorded(rig, wrong[i].folder);
        assert_int_equal(rig_log(rig).proven, 0);
        assert_true(rig->kept > 0);
        rig_free(rig);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_light__evidence_under_a_header_that_follows_is_a_fact),
        cmocka_unit_test(test_light__nothing_counts_before_the_operators_header_is_here),
        cmocka_unit_test(test_light__first_header_that_no_source_shows_is_said_once),
        cmocka_unit_test(test_light__first_header_that_one_source_contradicts_and_none_shows_is_said),
        cmocka_unit_test(test_light__trust_is_on_disk_before_a_fact_of_it_counts),
        cmocka_unit_test(test_light__crash_before_the_trust_is_on_disk_loses_nothing),
        cmocka_unit_test(test_light__restart_between_header_and_evidence_goes_on_from_the_trust),
        cmocka_unit_test(test_light__evidence_from_too_far_is_reached_by_bisection),
        cmocka_unit_test(test_light__bisection_that_nobody_answers_ends),
        cmocka_unit_test(test_light__forged_bundle_is_refused_and_kept_and_its_source_restarted),
        cmocka_unit_test(test_light__head_that_the_state_does_not_hold_is_refused),
        cmocka_unit_test(test_light__evidence_of_below_the_newest_header_counts_too),
        cmocka_unit_test(test_light__two_signed_headers_of_one_height_freeze_the_chain),
        cmocka_unit_test(test_light__unproven_divergence_makes_this_relay_abstain),
        cmocka_unit_test(test_light__witness_that_spoke_before_is_held_to_its_word),
        cmocka_unit_test(test_light__expired_trust_abstains_and_says_what_to_do),
        cmocka_unit_test(test_light__headers_alone_keep_the_trust_within_its_period),
        cmocka_unit_test(test_light__wait_for_trust_or_after_an_attack_keeps_its_beginning),
        cmocka_unit_test(test_light__what_a_real_chain_showed_is_a_fact),
        cmocka_unit_test(test_light__heads_in_another_store_than_the_documents_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
