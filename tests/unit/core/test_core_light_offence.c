/* Validators that voted twice: what is said of them, once each, and that it holds nothing up. */
#include "tests/unit/core/light_rig.h"

#include <string.h>

#include "proofs/codec/cometbft.h"

enum { START = 1700000000, STEP = 1000 };

static const uint8_t LOW[32] = {1}, HIGH[32] = {2};

/* Two votes of the validator at this index of the set; of its key, or of another one's. */
static struct bytes votes_make(uint8_t *out, size_t cap, const struct rig *rig, uint64_t height, size_t index,
                               size_t signer)
{
    uint8_t signatures[2][64], message[COMETBFT_SIGN_BYTES_MAX];
    struct cometbft_double_vote votes = {.total_power = 40, .power = 10, .time = {(int64_t)(START + height * STEP), 5}};
    struct cometbft_single_vote *both[] = {&votes.a, &votes.b};
    struct codec_writer writer;
    for (size_t i = 0; i < 2; i++) {
        struct cometbft_sign_bytes sign;
        *both[i] =
            (struct cometbft_single_vote){.type = COMETBFT_PREVOTE,
                                          .height = (int64_t)height,
                                          .block_id = {i == 0 ? BYTES_OF(LOW) : BYTES_OF(HIGH), 1, BYTES_OF(LOW)},
                                          .time = {(int64_t)(START + height * STEP) + 1, 3},
                                          .address = rig->set.list[index].address,
                                          .index = (int32_t)index};
        cometbft_sign_bytes_begin(&sign, WORLD_CHAIN, both[i]->type, both[i]->height, 0, &both[i]->block_id);
        size_t len = cometbft_sign_bytes_of(message, &sign, both[i]->time, true);
        world_sign(signatures[i], rig->set.keys[signer], (struct bytes){message, len});
        both[i]->signature = BYTES_OF(signatures[i]);
    }
    codec_writer_init(&writer, out, cap);
    cometbft_double_vote_write(&writer, &votes);
    assert_false(writer.failed);
    return codec_writer_bytes(&writer);
}

static void tell(struct rig *rig, uint16_t source, const struct rig_bundle *bundle, size_t index, size_t signer)
{
    uint8_t bytes[2048];
    struct bytes votes = votes_make(bytes, sizeof(bytes), rig, bundle->height, index, signer);
    rig_say(rig, source,
            &(struct connector_message){.type = CONNECTOR_OFFENCE,
                                        .offence = {.kind = CONNECTOR_OFFENCE_DOUBLE_VOTE,
                                                    .height = bundle->height,
                                                    .header = {bundle->bytes, bundle->len},
                                                    .proof = votes}});
}

static void test_offence__double_vote_names_the_validator_once_and_freezes_nothing(void **state)
{
    struct rig *rig = rig_begun(false);
    struct rig_bundle bundle;
    (void)state;
    rig_block(rig, &bundle, 12, &rig->set, &rig->set, 0,
              NULL); /* above what is trusted: it follows, and moves nothing */
    tell(rig, 1, &bundle, 2, 2);
    assert_int_equal(rig_counted(rig, RELAY_REASON_DOUBLE_VOTE), 1);
    assert_int_equal(rig_trust(rig).double_votes, 1);
    assert_int_equal(rig_trust(rig).culprit_height, 12);
    assert_int_equal(rig_trust(rig).culprit_power, 10);
    assert_int_equal(rig_trust(rig).culprit_total, 40);
    assert_memory_equal(rig_trust(rig).culprit, rig->set.list[2].address.data, 20);
    assert_int_equal(rig->kept, 1);
    tell(rig, 0, &bundle, 2, 2); /* the other source reads the same block */
    assert_int_equal(rig_counted(rig, RELAY_REASON_DOUBLE_VOTE), 1);
    assert_int_equal(rig_trusted(rig), RIG_FIRST);
    assert_string_equal(rig_trust(rig).attack, "none");
    rig_block(rig, &bundle, 20, &rig->set, &rig->set, 1, NULL);
    rig_records(rig, 0, 1, 1);
    rig_evidence(rig, 0, &bundle, 1);
    assert_int_equal(rig_log(rig).proven, 1);
    tell(rig, 0, &bundle, 3, 3); /* at a header that is trusted itself */
    rig_block(rig, &bundle, 15, &rig->set, &rig->set, 0, NULL);
    tell(rig, 0, &bundle, 3, 3); /* below the newest */
    assert_int_equal(rig_trust(rig).double_votes, 3);
    assert_int_equal(rig->bans, 0);
    rig_free(rig);
}

static void test_offence__what_nobody_signed_costs_who_tells_it(void **state)
{
    struct rig *rig = rig_begun(false);
    struct rig_bundle bundle, few;
    static const uint8_t FEW[] = {COMETBFT_COMMIT, COMETBFT_COMMIT, COMETBFT_ABSENT, COMETBFT_ABSENT};
    (void)state;
    rig_block(rig, &bundle, 12, &rig->set, &rig->set, 0, NULL);
    tell(rig, 1, &bundle, 2, 1); /* an enemy of it signed */
    assert_int_equal(rig->bans, 1);
    rig_block(rig, &few, 13, &rig->set, &rig->set, 0, FEW);
    tell(rig, 1, &few, 2, 2);
    assert_int_equal(rig->bans, 2);
    assert_int_equal(rig_trust(rig).double_votes, 0);
    bundle.height = 14; /* not the header that it is said to be */
    tell(rig, 1, &bundle, 2, 2);
    assert_int_equal(rig->bans, 3);
    rig_say(rig, 1,
            &(struct connector_message){.type = CONNECTOR_OFFENCE,
                                        .offence = {.kind = CONNECTOR_OFFENCE_DOUBLE_VOTE,
                                                    .height = 12,
                                                    .header = {bundle.bytes, bundle.len},
                                                    .proof = BYTES_OF(LOW)}});
    assert_int_equal(rig->bans, 4);
    assert_int_equal(rig_counted(rig, RELAY_REASON_DOUBLE_VOTE), 0);
    rig_free(rig);
}

/* A header that too little of the trusted set signed, or from before all that is remembered, says nothing about its teller. */
static void test_offence__what_cannot_be_judged_is_let_go(void **state)
{
    struct rig *rig = rig_begun(false);
    struct rig_bundle far, early;
    (void)state;
    rig_block(rig, &far, 20, &rig->other, &rig->other, 0, NULL);
    tell(rig, 1, &far, 2, 2);
    rig_block(rig, &early, 5, &rig->set, &rig->set, 0, NULL);
    tell(rig, 1, &early, 2, 2);
    assert_int_equal(rig->bans, 0);
    assert_int_equal(rig_trust(rig).double_votes, 0);
    rig_free(rig);
}

/* The header that it does not follow from is one that its source was not heard on. */
static void test_offence__teller_is_heard_on_the_trusted_header_before_it_pays(void **state)
{
    struct rig *rig = rig_begun(false);
    struct rig_bundle bundle, later;
    (void)state;
    rig->quiet[1] = true;
    rig_block(rig, &bundle, 20, &rig->set, &rig->set, 1, NULL);
    rig_records(rig, 0, 1, 1);
    rig_evidence(rig, 0, &bundle, 1);
    assert_int_equal(rig_trusted(rig), 20);
    rig_block(rig, &later, 21, &rig->other, &rig->other, 0, NULL);
    tell(rig, 1, &later, 2, 2);
    assert_int_equal(rig->bans, 0);
    rig_header(rig, 1, &bundle);
    tell(rig, 1, &later, 2, 2);
    assert_int_equal(rig->bans, 1);
    rig_free(rig);
}

/* Many, from many heights: each is said once, and what is kept of them is bounded. */
static void test_offence__many_are_counted_and_none_twice(void **state)
{
    struct rig *rig = rig_begun(false);
    struct rig_bundle bundle;
    (void)state;
    for (size_t round = 0; round < 2; round++) {
        for (uint64_t i = 0; i < 4; i++) {
            rig_block(rig, &bundle, 11 + i, &rig->set, &rig->set, 0, NULL);
            for (size_t j = 0; j < 4; j++)
                tell(rig, (uint16_t)(j % 2), &bundle, j, j);
        }
    }
    assert_int_equal(rig_trust(rig).double_votes, 16);
    assert_int_equal(rig->kept, 16);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_offence__double_vote_names_the_validator_once_and_freezes_nothing),
        cmocka_unit_test(test_offence__what_nobody_signed_costs_who_tells_it),
        cmocka_unit_test(test_offence__what_cannot_be_judged_is_let_go),
        cmocka_unit_test(test_offence__teller_is_heard_on_the_trusted_header_before_it_pays),
        cmocka_unit_test(test_offence__many_are_counted_and_none_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
