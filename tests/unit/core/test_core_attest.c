/*
 * What the relay asks of its signer when that stands on another history than the one that is proven here (DESIGN section 5).
 */
#include "tests/unit/core/light_rig.h"

#include <string.h>

static const uint8_t OTHER[32] = {7}; /* a hash of another history */

static struct rig *begun(void)
{
    struct rig *rig = rig_new(true);
    struct rig_bundle first;
    rig_run(rig, 100);
    rig_block(rig, &first, RIG_FIRST, &rig->set, &rig->set, 0, NULL);
    rig_header(rig, 0, &first);
    rig_signer_trust(rig, RIG_FIRST, 0);
    return rig;
}

static void guard_tell(struct rig *rig, uint64_t id, uint64_t number, const uint8_t running[32])
{
    uint8_t message[256];
    struct relay_signing_answer answer = {.type = RELAY_SIGNING_GUARD, .id = id, .number = number};
    memcpy(answer.log, rig->lane.logs[0], 32);
    memcpy(answer.running, running, 32);
    size_t len = relay_signing_answer_write(message, sizeof(message), &answer);
    rig_signed(rig, (struct bytes){message, len});
}

static void end_tell(struct rig *rig, uint64_t id)
{
    uint8_t message[256];
    const struct relay_signing_answer answer = {.type = RELAY_SIGNING_GUARD, .id = id, .last = true};
    size_t len = relay_signing_answer_write(message, sizeof(message), &answer);
    rig_signed(rig, (struct bytes){message, len});
}

/* It signed two messages, of this history or another; all four are proven. */
static struct rig *begun_at_two(const uint8_t running[32])
{
    struct rig *rig = begun();
    struct rig_bundle bundle;
    guard_tell(rig, 0, 2, running ? running : rig->running[2]);
    rig_block(rig, &bundle, 20, &rig->set, &rig->set, 4, NULL);
    rig_records(rig, 0, 1, 4);
    rig_evidence(rig, 0, &bundle, 4);
    rig_run(rig, 100);
    assert_int_equal(rig_log(rig).proven, 4);
    return rig;
}

/* How many requests there were; headers for its light client go the same way. The newest one's only log, and its id. */
static size_t asked(const struct rig *rig, struct relay_signing_log *log, uint64_t *id)
{
    static struct relay_signing_statement statements[RELAY_SOURCES_MAX];
    static struct relay_signing_log logs[RELAY_SIGNING_LOGS_MAX];
    struct relay_signing_request request;
    size_t count = 0;
    for (size_t i = 0; i < rig->signs_count; i++) {
        const struct bytes message = {rig->signs[i], rig->signs_len[i]};
        if (relay_signing_is_header(message))
            continue;
        assert_true(relay_signing_request_read(&request, statements, logs, message));
        assert_int_equal(request.logs_len, 1);
        *log = logs[0];
        *id = request.id;
        count++;
    }
    assert_true(count > 0);
    return count;
}

static void test_attest__signer_is_asked_from_where_it_stands(void **state)
{
    struct rig *rig = begun_at_two(NULL);
    struct relay_signing_log log;
    uint64_t id;
    (void)state;
    asked(rig, &log, &id);
    assert_int_equal(log.from, 3);
    assert_int_equal(log.count, 2);
    assert_int_equal(rig_counted(rig, RELAY_REASON_EVIDENCE_CONTRADICTS), 0);
    rig_free(rig);
}

/* What leads on from its own hash would prove nothing to it: it gets all that leads past its number, and a person an alarm. */
static void test_attest__signer_that_signed_another_history_is_shown_all_of_ours(void **state)
{
    struct rig *rig = begun_at_two(OTHER);
    struct relay_signing_log log;
    uint64_t id;
    (void)state;
    asked(rig, &log, &id);
    assert_int_equal(log.from, 1);
    assert_int_equal(log.count, 4);
    assert_memory_equal(log.prior, rig->running[0], 32);
    assert_memory_equal(log.items.data + 32, rig->digests[1], 32);
    assert_int_equal(rig_counted(rig, RELAY_REASON_EVIDENCE_CONTRADICTS), 1);
    rig_free(rig);
}

static void test_attest__signer_that_stays_where_it_was_is_not_asked_the_same_at_once(void **state)
{
    struct rig *rig = begun_at_two(OTHER);
    struct relay_signing_log log;
    uint64_t id;
    (void)state;
    size_t before = asked(rig, &log, &id);
    for (size_t i = 0; i < 20; i++) { /* refused, each time, with where it stands */
        asked(rig, &log, &id);
        guard_tell(rig, id, 2, OTHER);
        end_tell(rig, id);
        rig_run(rig, 100);
    }
    assert_int_equal(asked(rig, &log, &id), before);
    assert_int_equal(rig_counted(rig, RELAY_REASON_EVIDENCE_CONTRADICTS), 1);
    guard_tell(rig, 0, 2, rig->running[2]); /* a head was adopted by name */
    rig_run(rig, 100);
    assert_int_equal(asked(rig, &log, &id), before + 1);
    assert_int_equal(log.from, 3);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attest__signer_is_asked_from_where_it_stands),
        cmocka_unit_test(test_attest__signer_that_signed_another_history_is_shown_all_of_ours),
        cmocka_unit_test(test_attest__signer_that_stays_where_it_was_is_not_asked_the_same_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
