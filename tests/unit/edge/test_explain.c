/*
 * What explain tells of a message after its record is gone comes from the store's skeleton.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "relay/edge/explain.h"
#include "relay/store/keys.h"

/* A skeleton row of log {1} from..from+count-1: digest byte 0 is the number, status done but for multiples of 5. */
static void row_put(struct store *store, uint64_t from, uint16_t count, uint8_t origin)
{
    static uint8_t entries[256 * KEYS_SKELETON_ENTRY], value[KEYS_SKELETON_OVERHEAD + sizeof(entries)];
    uint8_t key[KEYS_SEGMENT_BYTES];
    const uint8_t log[32] = {1};
    struct codec_writer writer;
    codec_writer_init(&writer, entries, sizeof(entries));
    for (uint64_t n = from; n < from + count; n++) {
        const uint8_t digest[32] = {(uint8_t)n};
        codec_write_bytes(&writer, BYTES_OF(digest));
        codec_write_u8(&writer, n % 5 == 0 ? 3 : 1);
        codec_write_u32(&writer, n % 5 == 0 ? 5 : 0);
    }
    struct keys_skeleton row = {.count = count,
                                .stored_at = 1000 + from,
                                .settled_at = 2000 + from,
                                .origin = origin,
                                .peer = 4,
                                .entries = codec_writer_bytes(&writer)};
    codec_writer_init(&writer, value, sizeof(value));
    keys_skeleton_write(&writer, &row);
    assert_false(writer.failed);
    keys_segment_key(key, log, from);
    struct store_batch *batch = store->ops->batch_new(store);
    store->ops->batch_put(batch, STORE_SKELETON, (struct store_view){key, sizeof(key)},
                          (struct store_view){value, writer.len});
    assert_int_equal(store->ops->commit(store, batch), STORE_OK);
    store->ops->batch_free(batch);
}

static void test_explain__tells_outcome_and_origin_of_every_pruned_message(void **state)
{
    struct store *store = store_memory_new();
    const uint8_t log[32] = {1}, other[32] = {2};
    uint64_t settled_at;
    (void)state;
    assert_non_null(store);
    row_put(store, 1, 256, KEYS_ORIGIN_CHAIN);
    row_put(store, 257, 3, KEYS_ORIGIN_MESH);
    row_put(store, 260, 1, KEYS_ORIGIN_CHAIN);
    for (uint64_t n = 1; n <= 260; n++) {
        struct relay_explain explain = {.sequence = n, .pruned = true};
        assert_true(edge_explain_pruned(&explain, &settled_at, store, log));
        assert_int_equal(explain.digest[0], (uint8_t)n);
        assert_int_equal(explain.status, n % 5 == 0 ? 3 : 1);
        assert_int_equal(explain.reason, n % 5 == 0 ? 5 : 0);
        assert_int_equal(explain.from_peer, n >= 257 && n < 260 ? 4 : RELAY_NO_SOURCE);
        uint64_t from = n < 257 ? 1 : n < 260 ? 257 : 260;
        assert_int_equal(explain.stored_at, 1000 + from);
        assert_int_equal(settled_at, 2000 + from);
    }
    struct relay_explain beyond = {.sequence = 261, .pruned = true};
    assert_false(edge_explain_pruned(&beyond, &settled_at, store, log));
    beyond.sequence = 1;
    assert_false(edge_explain_pruned(&beyond, &settled_at, store, other));
    store->ops->close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_explain__tells_outcome_and_origin_of_every_pruned_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
