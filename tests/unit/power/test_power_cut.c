/* What was said to be durable is there after the power went (I2, I7). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/stat.h>

#include "relay/edge/guard.h"
#include "relay/edge/spent.h"
#include "relay/edge/trustfile.h"
#include "relay/store/store.h"
#include "tests/unit/power/power.h"
#include "tests/unit/store/scratch.h"

enum { COMMITS = 400, CUTS = 8, ROW = 400 };

static struct store *open_store(const char *path, bool create)
{
    struct store *store = NULL;
    char text[512] = "";
    struct store_options options = {.path = path, .create = create, .write_buffer = 64 << 10}; /* small: it flushes */
    if (store_rocksdb_open(&store, &options, text, sizeof(text)) != STORE_OK)
        fail_msg("%s", text);
    return store;
}

static struct store_view key_of(uint8_t key[4], uint32_t number)
{
    for (int i = 0; i < 4; i++)
        key[i] = (uint8_t)(number >> (24 - 8 * i));
    return (struct store_view){key, 4};
}

static void commit_number(struct store *store, struct store_batch *batch, uint32_t number)
{
    uint8_t key[4], value[ROW] = {(uint8_t)number};
    store->ops->batch_clear(batch);
    store->ops->batch_put(batch, STORE_LOG, key_of(key, number), (struct store_view){value, sizeof(value)});
    store->ops->batch_put(batch, STORE_SEGMENT, key_of(key, number), (struct store_view){value, sizeof(value)});
    assert_int_equal(store->ops->commit(store, batch), STORE_OK);
}

static void assert_all_there(const char *path, uint32_t last)
{
    static const enum store_family FAMILIES[] = {STORE_LOG, STORE_SEGMENT};
    struct store *store = open_store(path, false);
    struct store_snapshot *snapshot = store->ops->snapshot_new(store);
    for (uint32_t number = 1; number <= last; number++) {
        for (size_t i = 0; i < 2; i++) {
            uint8_t key[4], *value = NULL;
            size_t len = 0;
            if (store->ops->get(snapshot, FAMILIES[i], key_of(key, number), &value, &len) != STORE_OK)
                fail_msg("commit %u of %u is gone", number, last);
            assert_int_equal(len, ROW);
            assert_int_equal(value[0], (uint8_t)number);
            free(value);
        }
    }
    store->ops->snapshot_free(snapshot);
    store->ops->close(store);
}

/* I2. The store is cut at several moments of its life, with its log new, full, and after flushes of both families. */
static void a_commit_that_returned_outlives_a_power_cut(void **state)
{
    (void)state;
    struct scratch scratch = scratch_new();
    char path[300], cut[320];
    snprintf(path, sizeof(path), "%s/store", scratch.path);
    struct store *store = open_store(path, true);
    struct store_batch *batch = store->ops->batch_new(store);
    for (uint32_t number = 1; number <= COMMITS; number++) {
        uint64_t before = power_syncs();
        commit_number(store, batch, number);
        assert_true(power_syncs() > before);
        if (number % (COMMITS / CUTS) != 1)
            continue;
        snprintf(cut, sizeof(cut), "%s/cut-%u", scratch.path, number);
        power_cut(path, cut);
        assert_all_there(cut, number);
    }
    store->ops->batch_free(batch);
    store->ops->close(store);
    scratch_free(&scratch);
}

static struct edge_guard *open_guard(const char *path)
{
    static const uint8_t NETWORK[32] = {7};
    struct edge_guard *guard = NULL;
    char text[512] = "";
    if (edge_guard_open(&guard, path, NETWORK, 16, text, sizeof(text)) != EDGE_GUARD_OK)
        fail_msg("%s", text);
    return guard;
}

/* I7: "written before the signature leaves": what the guard let pass is in it after a cut, through its compactions, too. */
static void a_guard_remembers_what_it_let_pass_after_a_power_cut(void **state)
{
    (void)state;
    struct scratch scratch = scratch_new();
    char path[300], cut[320], text[512] = "";
    snprintf(path, sizeof(path), "%s/guard", scratch.path);
    struct edge_guard *guard = open_guard(path);
    for (uint64_t number = 1; number <= 300; number++) {
        struct edge_guard_row row = {.log = {(uint8_t)(number % 5)}, .number = number, .running = {(uint8_t)number, 1}};
        assert_true(edge_guard_advance(guard, &row, 1, text, sizeof(text)));
        if (number % 37 != 1)
            continue;
        snprintf(cut, sizeof(cut), "%s/cut-%u", scratch.path, (unsigned)number);
        power_cut(path, cut);
        struct edge_guard *after = open_guard(cut);
        const struct edge_guard_row *kept = edge_guard_find(after, row.log);
        assert_non_null(kept);
        assert_int_equal(kept->number, number);
        assert_memory_equal(kept->running, row.running, 32);
        edge_guard_close(after);
    }
    edge_guard_close(guard);
    scratch_free(&scratch);
}

/* What an account spent today: else a power cut would be a way around its cap. The last moment's may be lost, no more. */
static void what_an_account_spent_is_known_after_a_power_cut(void **state)
{
    static const char *const spent[] = {"5", "700", "1000000000000000000000"};
    (void)state;
    struct scratch scratch = scratch_new();
    char path[300], file[320], cut[320], amount[EDGE_SPENT_MAX + 1] = "";
    snprintf(path, sizeof(path), "%s/state", scratch.path);
    snprintf(file, sizeof(file), "%s/state/spent-node", scratch.path);
    assert_int_equal(mkdir(path, 0700), 0);
    for (unsigned i = 0; i < sizeof(spent) / sizeof(*spent); i++) {
        assert_true(edge_spent_save(file, 1000, spent[i]));
        snprintf(cut, sizeof(cut), "%s/cut-%u", scratch.path, i);
        power_cut(path, cut);
        snprintf(cut, sizeof(cut), "%s/cut-%u/spent-node", scratch.path, i);
        assert_true(edge_spent_load(amount, cut, 1001));
        assert_true(strlen(amount) >= strlen(spent[i > 0 ? i - 1 : 0]));
        assert_true(edge_spent_load(amount, file, 1001)); /* kill -9 takes nothing */
        assert_string_equal(amount, spent[i]);
    }
    assert_true(edge_spent_save(file, 1002, "5")); /* a new day's, after a larger one */
    assert_true(edge_spent_load(amount, file, 1003));
    assert_string_equal(amount, "5");
    assert_false(edge_spent_load(amount, file, 1002 + 86400));
    scratch_free(&scratch);
}

/* I7: "on disk before it signs on it": what the signer trusts of a chain, from its first header on. */
static void what_a_signer_trusts_is_known_after_a_power_cut(void **state)
{
    static const uint8_t chain[32] = {0x5a};
    (void)state;
    struct scratch scratch = scratch_new();
    char path[300], cut[320], text[512] = "";
    snprintf(path, sizeof(path), "%s/guard", scratch.path);
    assert_int_equal(mkdir(path, 0700), 0);
    struct edge_trustfile *file = edge_trustfile_open(path, chain, text, sizeof(text));
    assert_non_null(file);
    for (uint8_t height = 1; height <= 4; height++) { /* each of the two places twice */
        uint8_t value[200] = {height};
        assert_true(edge_trustfile_save(file, BYTES_OF(value), text, sizeof(text)));
        snprintf(cut, sizeof(cut), "%s/cut-%u", scratch.path, height);
        power_cut(path, cut);
        struct edge_trustfile *after = edge_trustfile_open(cut, chain, text, sizeof(text));
        assert_non_null(after);
        assert_int_equal(edge_trustfile_value(after).len, sizeof(value));
        assert_int_equal(edge_trustfile_value(after).data[0], height);
        edge_trustfile_close(after);
    }
    edge_trustfile_close(file);
    scratch_free(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        /* the first: a file of a later one may have the number of one that was synced and is gone */
        cmocka_unit_test(what_an_account_spent_is_known_after_a_power_cut),
        cmocka_unit_test(a_commit_that_returned_outlives_a_power_cut),
        cmocka_unit_test(a_guard_remembers_what_it_let_pass_after_a_power_cut),
        cmocka_unit_test(what_a_signer_trusts_is_known_after_a_power_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
