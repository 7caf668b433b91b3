/* A light client's relay and its signer, which verifies by itself: what it is given, and who is followed. */
#include "tests/unit/core/light_rig.h"

#include <stdlib.h>
#include <string.h>

/* The signer says what it needs; the source that is asked for it. */
static uint16_t signer_asks(struct rig *rig, uint64_t height, uint64_t want)
{
    rig->asks_len = 0;
    rig_signer_trust(rig, height, want);
    assert_int_equal(rig->asks_len, 1);
    assert_int_equal(rig->asks[0].height, want);
    return rig->asks[0].source;
}

/* It has judged the header that it was given last. */
static void signer_answers(struct rig *rig, uint64_t height, uint8_t want)
{
    uint8_t message[256], body[8] = {[7] = want};
    struct relay_signing_header header;
    size_t at = rig->signs_count - 1;
    assert_true(relay_signing_header_read(&header, (struct bytes){rig->signs[at], rig->signs_len[at]}));
    struct relay_signing_answer answer = {
        .type = RELAY_SIGNING_TRUST, .id = header.id, .number = height, .last = true, .body = BYTES_OF(body)};
    memcpy(answer.log, rig->chains[0].identity, 32);
    rig_signed(rig, (struct bytes){message, relay_signing_answer_write(message, sizeof(message), &answer)});
}

static void test_light__signer_gets_the_headers_that_it_needs_then_the_request(void **state)
{
    struct rig *rig = rig_begun(true);
    struct rig_bundle bundle, first;
    struct relay_signing_header header;
    (void)state;
    uint16_t asked = signer_asks(rig, 0, RIG_FIRST);
    rig_block(rig, &bundle, 20, &rig->set, &rig->set, 2, NULL);
    rig_records(rig, 0, 1, 2);
    rig_evidence(rig, 0, &bundle, 2);
    rig_run(rig, 1000);
    assert_int_equal(rig->signs_count, 0); /* it could not judge it */
    rig_block(rig, &first, RIG_FIRST, &rig->set, &rig->set, 0, NULL);
    rig_header(rig, asked, &first);
    assert_int_equal(rig->signs_count, 1);
    assert_true(relay_signing_is_header((struct bytes){rig->signs[0], rig->signs_len[0]}));
    assert_true(relay_signing_header_read(&header, (struct bytes){rig->signs[0], rig->signs_len[0]}));
    assert_true(header.bundle.len == first.len && memcmp(header.bundle.data, first.bytes, first.len) == 0);
    rig_signer_trust(rig, RIG_FIRST, 0);
    rig_run(rig, 300);
    assert_int_equal(rig->signs_count, 2);
    assert_false(relay_signing_is_header((struct bytes){rig->signs[1], rig->signs_len[1]}));
    rig_free(rig);
}

static void test_light__header_for_the_signer_is_of_the_source_that_was_asked(void **state)
{
    struct rig *rig = rig_begun(true);
    struct rig_bundle half;
    (void)state;
    uint16_t asked = signer_asks(rig, RIG_FIRST, 15);
    rig_block(rig, &half, 15, &rig->set, &rig->set, 0, NULL);
    for (int i = 0; i < 10; i++)
        rig_header(rig, (uint16_t)(1 - asked), &half);
    assert_int_equal(rig->signs_count, 0);
    rig_run(rig, 2500); /* it does not answer: the next one is asked, and then both may */
    rig_header(rig, (uint16_t)(1 - asked), &half);
    assert_int_equal(rig->signs_count, 1);
    signer_answers(rig, RIG_FIRST, 15); /* it did not do */
    rig_header(rig, (uint16_t)(1 - asked), &half);
    assert_int_equal(rig->signs_count, 1); /* each answers once for each time that it is asked */
    rig_header(rig, asked, &half);
    assert_int_equal(rig->signs_count, 2);
    rig_free(rig);
}

/* The signer refuses the request that it was sent last. */
static bool signer_refuses(struct rig *rig)
{
    static const char why[] = "evidence: cometbft-height-not-newer";
    struct relay_signing_request request;
    uint8_t message[256];
    size_t at = rig->signs_count - 1;
    struct relay_signing_statement statements[RELAY_SOURCES_MAX];
    static struct relay_signing_log logs[RELAY_SIGNING_LOGS_MAX];
    if (rig->signs_count == 0 ||
        !relay_signing_request_read(&request, statements, logs, (struct bytes){rig->signs[at], rig->signs_len[at]}))
        return false;
    struct relay_signing_answer answer = {
        .type = RELAY_SIGNING_REFUSAL, .id = request.id, .last = true, .body = {(const uint8_t *)why, sizeof(why) - 1}};
    for (size_t i = 0; i < rig->signs_count; i++)
        free(rig->signs[i]);
    rig->signs_count = 0; /* the next one may come with the answer */
    rig_signed(rig, (struct bytes){message, relay_signing_answer_write(message, sizeof(message), &answer)});
    return true;
}

/* True evidence, but of before where the signer stands, again and again: another source may have newer. */
static void test_light__source_that_goes_on_with_what_is_too_old_for_the_signer_is_replaced(void **state)
{
    struct rig *rig = rig_begun(true);
    struct rig_bundle bundle;
    size_t refused = 0, subscribes = rig->subscribes;
    (void)state;
    rig_signer_trust(rig, 50, 0);
    rig_records(rig, 0, 1, 2);
    for (size_t i = 0; i < 8 && rig->subscribes == subscribes; i++) {
        rig_block(rig, &bundle, 20 + i, &rig->set, &rig->set, 2, NULL);
        rig_evidence(rig, 0, &bundle, 2);
        for (size_t j = 0; j < 3; j++) { /* one and the same, sent again, counts once */
            rig_run(rig, 400);
            refused += signer_refuses(rig);
        }
    }
    assert_true(refused >= 3);
    assert_true(rig->subscribes > subscribes);
    assert_int_equal(rig_counted(rig, RELAY_REASON_SOURCE_FAILOVER), 1);
    assert_int_equal(rig->bans, 0);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_light__signer_gets_the_headers_that_it_needs_then_the_request),
        cmocka_unit_test(test_light__header_for_the_signer_is_of_the_source_that_was_asked),
        cmocka_unit_test(test_light__source_that_goes_on_with_what_is_too_old_for_the_signer_is_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
