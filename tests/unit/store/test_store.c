/* The contract of relay/store/store.h, run over both stores: RocksDB in a temporary folder, and its twin in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "relay/store/store.h"
#include "tests/unit/store/scratch.h"

struct fixture {
    struct store *store;
    const struct store_ops *ops;
    struct scratch scratch;
};

static struct store_view view(const char *text)
{
    return (struct store_view){(const uint8_t *)text, strlen(text)};
}

static int set_up_rocksdb(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    fixture->scratch = scratch_new();
    struct store_options options = {.path = fixture->scratch.path, .create = true};
    char text[512];
    if (store_rocksdb_open(&fixture->store, &options, text, sizeof(text)) != STORE_OK) {
        fprintf(stderr, "%s\n", text);
        return -1;
    }
    fixture->ops = fixture->store->ops;
    *state = fixture;
    return 0;
}

static int set_up_memory(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    fixture->scratch = scratch_new();
    fixture->store = store_memory_new();
    fixture->ops = fixture->store->ops;
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    fixture->ops->close(fixture->store);
    scratch_free(&fixture->scratch);
    free(fixture);
    return 0;
}

static void put(struct fixture *fixture, enum store_family family, const char *key, const char *value)
{
    struct store_batch *batch = fixture->ops->batch_new(fixture->store);
    fixture->ops->batch_put(batch, family, view(key), view(value));
    assert_int_equal(fixture->ops->commit(fixture->store, batch), STORE_OK);
    fixture->ops->batch_free(batch);
}

/* Asserts that the value of key is as expected; NULL: that there is none. */
static void expect(struct fixture *fixture, struct store_snapshot *snapshot, enum store_family family, const char *key,
                   const char *value)
{
    uint8_t *found = NULL;
    size_t len = 0;
    enum store_status status = fixture->ops->get(snapshot, family, view(key), &found, &len);
    if (!value) {
        assert_int_equal(status, STORE_NOT_FOUND);
        assert_null(found);
        return;
    }
    assert_int_equal(status, STORE_OK);
    assert_int_equal(len, strlen(value));
    assert_memory_equal(found, value, len);
    free(found);
}

static void expect_now(struct fixture *fixture, enum store_family family, const char *key, const char *value)
{
    struct store_snapshot *snapshot = fixture->ops->snapshot_new(fixture->store);
    expect(fixture, snapshot, family, key, value);
    fixture->ops->snapshot_free(snapshot);
}

/* Keys of [from, to) joined by commas. */
static void keys_between(struct fixture *fixture, struct store_snapshot *snapshot, enum store_family family,
                         const char *from, const char *to, char *out, size_t cap)
{
    size_t len = 0;
    out[0] = '\0';
    struct store_cursor *cursor = fixture->ops->cursor_new(snapshot, family, view(from), view(to));
    for (; fixture->ops->cursor_valid(cursor); fixture->ops->cursor_next(cursor)) {
        struct store_view key = fixture->ops->cursor_key(cursor);
        len += (size_t)snprintf(out + len, cap - len, "%s%.*s", len ? "," : "", (int)key.len, (const char *)key.data);
    }
    assert_int_equal(fixture->ops->cursor_status(cursor), STORE_OK);
    fixture->ops->cursor_free(cursor);
}

static void expect_keys(struct fixture *fixture, enum store_family family, const char *from, const char *to,
                        const char *expected)
{
    char keys[1024];
    struct store_snapshot *snapshot = fixture->ops->snapshot_new(fixture->store);
    keys_between(fixture, snapshot, family, from, to, keys, sizeof(keys));
    fixture->ops->snapshot_free(snapshot);
    assert_string_equal(keys, expected);
}

static void test_store__committed_values_are_read_back(void **state)
{
    put(*state, STORE_LOG, "a", "1");
    put(*state, STORE_LOG, "a", "2");
    put(*state, STORE_LOG, "empty", "");
    expect_now(*state, STORE_LOG, "a", "2");
    expect_now(*state, STORE_LOG, "empty", "");
    expect_now(*state, STORE_LOG, "b", NULL);
}

static void test_store__families_are_apart(void **state)
{
    for (int family = STORE_LOG; family < STORE_FAMILIES; family++)
        put(*state, (enum store_family)family, "key", store_family_name((enum store_family)family));
    for (int family = STORE_LOG; family < STORE_FAMILIES; family++)
        expect_now(*state, (enum store_family)family, "key", store_family_name((enum store_family)family));
}

static void test_store__a_batch_takes_effect_in_its_order(void **state)
{
    struct fixture *fixture = *state;
    put(fixture, STORE_HEAD, "c", "old");
    struct store_batch *batch = fixture->ops->batch_new(fixture->store);
    fixture->ops->batch_put(batch, STORE_HEAD, view("a"), view("1"));
    fixture->ops->batch_delete(batch, STORE_HEAD, view("a"));
    fixture->ops->batch_delete_range(batch, STORE_HEAD, view("b"), view("d"));
    fixture->ops->batch_put(batch, STORE_HEAD, view("c"), view("new"));
    fixture->ops->batch_put(batch, STORE_CHAIN, view("x"), view("y"));
    fixture->ops->batch_delete(batch, STORE_HEAD, view("never-there"));
    assert_true(fixture->ops->batch_bytes(batch) >= 10);
    expect_now(fixture, STORE_HEAD, "c", "old"); /* nothing before the commit */
    assert_int_equal(fixture->ops->commit(fixture->store, batch), STORE_OK);
    expect_keys(fixture, STORE_HEAD, "", "", "c");
    expect_now(fixture, STORE_HEAD, "c", "new");
    expect_now(fixture, STORE_CHAIN, "x", "y");

    fixture->ops->batch_clear(batch);
    assert_int_equal(fixture->ops->batch_bytes(batch), 0);
    fixture->ops->batch_put(batch, STORE_HEAD, view("again"), view("1"));
    assert_int_equal(fixture->ops->commit(fixture->store, batch), STORE_OK);
    fixture->ops->batch_free(batch);
    expect_keys(fixture, STORE_HEAD, "", "", "again,c");
    expect_keys(fixture, STORE_CHAIN, "", "", "x"); /* the cleared batch did not come back */
}

static void test_store__ranges_are_half_open_and_ascending(void **state)
{
    const char *keys[] = {"d", "a", "c", "b", "cc", "e"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
        put(*state, STORE_SEGMENT, keys[i], "v");
    expect_keys(*state, STORE_SEGMENT, "", "", "a,b,c,cc,d,e");
    expect_keys(*state, STORE_SEGMENT, "b", "d", "b,c,cc");
    expect_keys(*state, STORE_SEGMENT, "bb", "cc", "c");
    expect_keys(*state, STORE_SEGMENT, "d", "b", "");
    expect_keys(*state, STORE_SEGMENT, "f", "", "");
}

static void test_store__bytes_order_keys_as_big_endian_numbers(void **state)
{
    struct fixture *fixture = *state;
    struct store_batch *batch = fixture->ops->batch_new(fixture->store);
    const uint8_t numbers[] = {0, 1, 127, 128, 255};
    for (size_t i = sizeof(numbers); i-- > 0;)
        fixture->ops->batch_put(batch, STORE_SEGMENT, (struct store_view){&numbers[i], 1}, view("v"));
    assert_int_equal(fixture->ops->commit(fixture->store, batch), STORE_OK);
    fixture->ops->batch_free(batch);
    struct store_snapshot *snapshot = fixture->ops->snapshot_new(fixture->store);
    struct store_cursor *cursor = fixture->ops->cursor_new(snapshot, STORE_SEGMENT, view(""), view(""));
    for (size_t i = 0; i < sizeof(numbers); i++, fixture->ops->cursor_next(cursor)) {
        assert_true(fixture->ops->cursor_valid(cursor));
        assert_int_equal(fixture->ops->cursor_key(cursor).data[0], numbers[i]);
    }
    assert_false(fixture->ops->cursor_valid(cursor));
    fixture->ops->cursor_free(cursor);
    fixture->ops->snapshot_free(snapshot);
}

static void test_store__delete_range_leaves_its_end(void **state)
{
    struct fixture *fixture = *state;
    const char *keys[] = {"a", "b", "c", "d"};
    for (size_t i = 0; i < 4; i++)
        put(fixture, STORE_SEGMENT, keys[i], "v");
    put(fixture, STORE_SKELETON, "b", "v");
    struct store_batch *batch = fixture->ops->batch_new(fixture->store);
    fixture->ops->batch_delete_range(batch, STORE_SEGMENT, view("b"), view("d"));
    fixture->ops->batch_delete_range(batch, STORE_SEGMENT, view("z"), view("a")); /* reversed: empty, not an error */
    fixture->ops->batch_delete_range(batch, STORE_SEGMENT, view("a"), view("a"));
    assert_int_equal(fixture->ops->commit(fixture->store, batch), STORE_OK);
    fixture->ops->batch_free(batch);
    expect_keys(fixture, STORE_SEGMENT, "", "", "a,d");
    expect_keys(fixture, STORE_SKELETON, "", "", "b");
}

static void test_store__a_snapshot_never_changes(void **state)
{
    struct fixture *fixture = *state;
    put(fixture, STORE_LOG, "a", "1");
    put(fixture, STORE_LOG, "b", "1");
    struct store_snapshot *snapshot = fixture->ops->snapshot_new(fixture->store);
    struct store_cursor *cursor = fixture->ops->cursor_new(snapshot, STORE_LOG, view(""), view(""));
    put(fixture, STORE_LOG, "a", "2");
    put(fixture, STORE_LOG, "aa", "2");
    struct store_batch *batch = fixture->ops->batch_new(fixture->store);
    fixture->ops->batch_delete(batch, STORE_LOG, view("b"));
    assert_int_equal(fixture->ops->commit(fixture->store, batch), STORE_OK);
    fixture->ops->batch_free(batch);

    char keys[64];
    keys_between(fixture, snapshot, STORE_LOG, "", "", keys, sizeof(keys));
    assert_string_equal(keys, "a,b");
    expect(fixture, snapshot, STORE_LOG, "a", "1");
    expect(fixture, snapshot, STORE_LOG, "b", "1");
    assert_memory_equal(fixture->ops->cursor_value(cursor).data, "1", 1);
    fixture->ops->cursor_next(cursor);
    assert_memory_equal(fixture->ops->cursor_key(cursor).data, "b", 1);
    fixture->ops->cursor_free(cursor);
    fixture->ops->snapshot_free(snapshot);
    expect_keys(fixture, STORE_LOG, "", "", "a,aa");
    expect_now(fixture, STORE_LOG, "a", "2");
}

static void test_store__large_values_and_many_rows(void **state)
{
    struct fixture *fixture = *state;
    const size_t large = 3u << 20;
    uint8_t *data = malloc(large);
    for (size_t i = 0; i < large; i++)
        data[i] = (uint8_t)(i * 31);
    struct store_batch *batch = fixture->ops->batch_new(fixture->store);
    fixture->ops->batch_put(batch, STORE_SEGMENT, view("large"), (struct store_view){data, large});
    for (uint32_t i = 0; i < 5000; i++) {
        uint8_t key[] = {(uint8_t)(i >> 8), (uint8_t)i};
        fixture->ops->batch_put(batch, STORE_AUDIT, (struct store_view){key, 2}, (struct store_view){key, 2});
    }
    assert_int_equal(fixture->ops->commit(fixture->store, batch), STORE_OK);
    fixture->ops->batch_free(batch);

    struct store_snapshot *snapshot = fixture->ops->snapshot_new(fixture->store);
    uint8_t *found = NULL;
    size_t len = 0, rows = 0;
    assert_int_equal(fixture->ops->get(snapshot, STORE_SEGMENT, view("large"), &found, &len), STORE_OK);
    assert_int_equal(len, large);
    assert_memory_equal(found, data, large);
    struct store_cursor *cursor = fixture->ops->cursor_new(snapshot, STORE_AUDIT, view(""), view(""));
    for (; fixture->ops->cursor_valid(cursor); fixture->ops->cursor_next(cursor), rows++)
        assert_int_equal(fixture->ops->cursor_key(cursor).data[1], (uint8_t)rows);
    assert_int_equal(rows, 5000);
    fixture->ops->cursor_free(cursor);
    fixture->ops->snapshot_free(snapshot);
    free(found);
    free(data);
}

static void test_store__an_empty_batch_is_no_error(void **state)
{
    struct fixture *fixture = *state;
    struct store_batch *batch = fixture->ops->batch_new(fixture->store);
    assert_int_equal(fixture->ops->commit(fixture->store, batch), STORE_OK);
    fixture->ops->batch_free(batch);
    char text[64] = "x";
    fixture->ops->error(fixture->store, text, sizeof(text));
    assert_string_equal(text, "");
}

#define BOTH(test)                                                                                                     \
    {#test " (rocksdb)", test, set_up_rocksdb, tear_down, NULL},                                                       \
    {                                                                                                                  \
#test " (memory)", test, set_up_memory, tear_down, NULL                                                        \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(test_store__committed_values_are_read_back),
        BOTH(test_store__families_are_apart),
        BOTH(test_store__a_batch_takes_effect_in_its_order),
        BOTH(test_store__ranges_are_half_open_and_ascending),
        BOTH(test_store__bytes_order_keys_as_big_endian_numbers),
        BOTH(test_store__delete_range_leaves_its_end),
        BOTH(test_store__a_snapshot_never_changes),
        BOTH(test_store__large_values_and_many_rows),
        BOTH(test_store__an_empty_batch_is_no_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
