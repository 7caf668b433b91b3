/* The writer: order, group commit, what a failure does, back-pressure, loads. The loop is played by poll on an eventfd. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>

#include "relay/edge/loop.h"
#include "relay/edge/writer.h"
#include "tests/unit/store/scratch.h"

enum { RECORDS_MAX = 20000 };

struct fixture {
    struct store *store;
    struct edge_writer *writer;
    struct scratch scratch;
    int wake_fd;
    uint64_t ids[RECORDS_MAX]; /* of committed, in order */
    enum store_status statuses[RECORDS_MAX];
    size_t committed;
    char text[256];
    char keys[RECORDS_MAX]; /* loaded, joined by commas */
    size_t loaded, done;
    enum store_status done_status;
};

static void on_committed(void *context, uint64_t id, enum store_status status, const char *text)
{
    struct fixture *fixture = context;
    assert_in_range(fixture->committed, 0, RECORDS_MAX - 1);
    fixture->ids[fixture->committed] = id;
    fixture->statuses[fixture->committed++] = status;
    snprintf(fixture->text, sizeof(fixture->text), "%s", text);
}

static void on_loaded(void *context, uint64_t id, enum store_family family, struct bytes key, struct bytes value)
{
    struct fixture *fixture = context;
    (void)id, (void)family, (void)value;
    size_t len = strlen(fixture->keys);
    if (len + key.len + 2 < sizeof(fixture->keys))
        snprintf(fixture->keys + len, sizeof(fixture->keys) - len, "%s%.*s", len ? "," : "", (int)key.len,
                 (const char *)key.data);
    fixture->loaded++;
}

static void on_done(void *context, uint64_t id, enum store_family family, enum store_status status, const char *text)
{
    struct fixture *fixture = context;
    (void)id, (void)family, (void)text;
    fixture->done++;
    fixture->done_status = status;
}

static void open_writer(struct fixture *fixture, size_t queue_bytes, size_t loaded_bytes)
{
    struct edge_writer_options options = {.store = fixture->store,
                                          .wake_fd = fixture->wake_fd,
                                          .queue_bytes = queue_bytes,
                                          .loaded_bytes = loaded_bytes,
                                          .context = fixture,
                                          .committed = on_committed,
                                          .loaded = on_loaded,
                                          .load_done = on_done};
    fixture->writer = edge_writer_new(&options);
    assert_non_null(fixture->writer);
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    fixture->store = store_memory_new();
    fixture->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    edge_writer_free(fixture->writer);
    fixture->store->ops->close(fixture->store);
    close(fixture->wake_fd);
    free(fixture);
    return 0;
}

/* One turn of the loop: waits to be woken, then drains. */
static void turn(struct fixture *fixture)
{
    struct pollfd readable = {.fd = fixture->wake_fd, .events = POLLIN};
    uint64_t count;
    assert_int_equal(poll(&readable, 1, 100000), 1);
    assert_int_equal(read(fixture->wake_fd, &count, sizeof(count)), sizeof(count));
    edge_writer_drain(fixture->writer);
}

static void wait_committed(struct fixture *fixture, size_t count)
{
    while (fixture->committed < count)
        turn(fixture);
}

static enum edge_writer_answer write_one(struct fixture *fixture, uint64_t id, const char *key, size_t value_len)
{
    uint8_t *value = calloc(1, value_len + 1);
    struct relay_op op = {.type = RELAY_OP_PUT,
                          .family = STORE_LOG,
                          .key = {(const uint8_t *)key, strlen(key)},
                          .value = {value, value_len}};
    enum edge_writer_answer answer = edge_writer_write(fixture->writer, id, &op, 1);
    free(value); /* the writer has its own copy */
    return answer;
}

static bool has(struct fixture *fixture, const char *key)
{
    const struct store_ops *ops = fixture->store->ops;
    struct store_snapshot *snapshot = ops->snapshot_new(fixture->store);
    uint8_t *value = NULL;
    size_t len = 0;
    bool found =
        ops->get(snapshot, STORE_LOG, (struct store_view){(const uint8_t *)key, strlen(key)}, &value, &len) == STORE_OK;
    free(value);
    ops->snapshot_free(snapshot);
    return found;
}

static pthread_mutex_t disk = PTHREAD_MUTEX_INITIALIZER;
static const struct store_ops *memory_ops;

/* Ends when the disk answers. */
static enum store_status commit_when_it_answers(struct store *store, struct store_batch *batch)
{
    pthread_mutex_lock(&disk);
    pthread_mutex_unlock(&disk);
    return memory_ops->commit(store, batch);
}

static void test_writer__a_commit_that_does_not_end_is_seen(void **state)
{
    struct fixture *fixture = *state;
    struct edge_writer_stats stats = {0};
    memory_ops = fixture->store->ops;
    struct store_ops hanging = *memory_ops;
    hanging.commit = commit_when_it_answers;
    fixture->store->ops = &hanging;
    open_writer(fixture, 0, 0);
    edge_writer_stats(fixture->writer, &stats);
    assert_int_equal(stats.committing_since, 0);
    uint64_t before = edge_loop_now();
    pthread_mutex_lock(&disk);
    assert_int_equal(write_one(fixture, 1, "a", 1), EDGE_WRITER_TAKEN);
    for (int i = 0; i < 100000 && stats.committing_since == 0; i++) {
        (void)poll(NULL, 0, 1);
        edge_writer_stats(fixture->writer, &stats);
    }
    assert_true(stats.committing_since >= before);
    pthread_mutex_unlock(&disk);
    wait_committed(fixture, 1);
    edge_writer_stats(fixture->writer, &stats);
    assert_int_equal(stats.committing_since, 0);
    edge_writer_free(fixture->writer);
    fixture->writer = NULL;
    fixture->store->ops = memory_ops;
}

static void test_writer__commits_in_order_and_in_groups(void **state)
{
    struct fixture *fixture = *state;
    open_writer(fixture, 0, 0);
    char key[16];
    for (uint64_t id = 1; id <= 5000; id++) {
        snprintf(key, sizeof(key), "%05d", (int)id);
        assert_int_equal(write_one(fixture, id, key, 100), EDGE_WRITER_TAKEN);
    }
    wait_committed(fixture, 5000);
    for (size_t i = 0; i < 5000; i++) {
        assert_int_equal(fixture->ids[i], i + 1);
        assert_int_equal(fixture->statuses[i], STORE_OK);
    }
    struct edge_writer_stats stats;
    edge_writer_stats(fixture->writer, &stats);
    assert_int_equal(stats.writes, 5000);
    assert_int_equal(stats.bytes, 5000 * 105);
    assert_int_equal(stats.groups, store_memory_commits(fixture->store));
    assert_int_equal(stats.queued_writes + stats.queued_bytes, 0);
    assert_true(edge_writer_idle(fixture->writer));
    assert_true(has(fixture, "00001") && has(fixture, "05000"));
}

static void test_writer__operations_of_one_write_keep_their_order(void **state)
{
    struct fixture *fixture = *state;
    open_writer(fixture, 0, 0);
    const struct bytes a = {(const uint8_t *)"a", 1}, b = {(const uint8_t *)"b", 1}, c = {(const uint8_t *)"c", 1};
    const struct relay_op ops[] = {
        {RELAY_OP_PUT, STORE_LOG, a, a},
        {RELAY_OP_PUT, STORE_LOG, b, b},
        {RELAY_OP_DELETE, STORE_LOG, a, {NULL, 0}},
        {RELAY_OP_DELETE_RANGE, STORE_LOG, b, c},
        {RELAY_OP_PUT, STORE_LOG, c, c},
    };
    assert_int_equal(edge_writer_write(fixture->writer, 1, ops, 5), EDGE_WRITER_TAKEN);
    assert_int_equal(edge_writer_write(fixture->writer, 2, NULL, 0), EDGE_WRITER_TAKEN);
    wait_committed(fixture, 2);
    assert_false(has(fixture, "a"));
    assert_false(has(fixture, "b"));
    assert_true(has(fixture, "c"));
}

static void test_writer__nothing_is_written_after_a_failure(void **state)
{
    struct fixture *fixture = *state;
    open_writer(fixture, 0, 0);
    assert_int_equal(write_one(fixture, 1, "a", 1), EDGE_WRITER_TAKEN);
    wait_committed(fixture, 1);
    store_memory_fail(fixture->store, 1, STORE_FULL, false);
    size_t taken = 1;
    char key[16];
    for (int i = 0; i < 1000; i++) { /* some are taken before the first one fails */
        snprintf(key, sizeof(key), "b%d", i);
        taken += write_one(fixture, taken + 1, key, 1) == EDGE_WRITER_TAKEN;
    }
    wait_committed(fixture, taken); /* each that was taken is answered */
    assert_int_equal(write_one(fixture, 98, "c", 1), EDGE_WRITER_STOPPED);
    for (size_t i = 1; i < taken; i++) {
        assert_int_equal(fixture->ids[i], i + 1);
        assert_int_equal(fixture->statuses[i], STORE_FULL);
    }
    assert_non_null(strstr(fixture->text, "disk-full"));
    store_memory_crash(fixture->store); /* even if the store would take it again */
    assert_int_equal(write_one(fixture, 99, "c", 1), EDGE_WRITER_STOPPED);
    assert_int_equal(store_memory_commits(fixture->store), 1);
    struct edge_writer_stats stats;
    edge_writer_stats(fixture->writer, &stats);
    assert_int_equal(stats.failed, STORE_FULL);
}

static void test_writer__is_full_before_memory_is(void **state)
{
    struct fixture *fixture = *state;
    open_writer(fixture, 100000, 0);
    size_t taken = 0, most = 0;
    bool was_full = false;
    for (int i = 0; i < 2000; i++) {
        enum edge_writer_answer answer = write_one(fixture, taken + 1, "k", 50000);
        struct edge_writer_stats stats;
        edge_writer_stats(fixture->writer, &stats);
        most = stats.queued_bytes > most ? stats.queued_bytes : most;
        if (answer == EDGE_WRITER_TAKEN)
            taken++;
        else
            assert_int_equal(answer, EDGE_WRITER_FULL);
        was_full = was_full || edge_writer_full(fixture->writer);
    }
    assert_true(was_full);
    assert_in_range(most, 1, 250002);
    wait_committed(fixture, taken);
    assert_false(edge_writer_full(fixture->writer));
    assert_int_equal(fixture->ids[taken - 1], taken);
}

static void test_writer__ends_only_when_all_is_written(void **state)
{
    struct fixture *fixture = *state;
    open_writer(fixture, 0, 0);
    char key[16];
    for (int id = 1; id <= 1000; id++) {
        snprintf(key, sizeof(key), "%05d", id);
        assert_int_equal(write_one(fixture, (uint64_t)id, key, 10), EDGE_WRITER_TAKEN);
    }
    edge_writer_free(fixture->writer);
    fixture->writer = NULL;
    assert_true(has(fixture, "01000"));
}

static void load(struct fixture *fixture, const char *from, const char *to)
{
    fixture->keys[0] = '\0';
    fixture->loaded = fixture->done = 0;
    assert_int_equal(edge_writer_load(fixture->writer, 5, STORE_LOG,
                                      (struct bytes){(const uint8_t *)from, strlen(from)},
                                      (struct bytes){(const uint8_t *)to, strlen(to)}),
                     EDGE_WRITER_TAKEN);
    while (fixture->done < 1)
        turn(fixture);
    assert_int_equal(fixture->done_status, STORE_OK);
}

static void test_writer__loads_see_what_was_committed(void **state)
{
    struct fixture *fixture = *state;
    open_writer(fixture, 0, 0);
    const char *keys[] = {"a", "b", "c", "d"};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(write_one(fixture, i, keys[i], 99), EDGE_WRITER_TAKEN);
    wait_committed(fixture, 4);
    load(fixture, "", "");
    assert_string_equal(fixture->keys, "a,b,c,d");
    load(fixture, "b", "d");
    assert_string_equal(fixture->keys, "b,c");
    load(fixture, "x", "");
    assert_string_equal(fixture->keys, "");
}

static void test_writer__many_loads_wait_for_the_loop(void **state)
{
    struct fixture *fixture = *state;
    open_writer(fixture, 0, 100000);
    assert_int_equal(write_one(fixture, 1, "a", 60000), EDGE_WRITER_TAKEN);
    wait_committed(fixture, 1);
    const struct bytes all = {NULL, 0};
    size_t taken = 0;
    for (int i = 0; i < 5000; i++)
        taken += edge_writer_load(fixture->writer, 1, STORE_LOG, all, all) == EDGE_WRITER_TAKEN;
    assert_in_range(taken, 4096, 4100); /* the rest was refused: nothing was drained */
    while (fixture->done < taken)
        turn(fixture);
    assert_int_equal(fixture->loaded, taken);
}

static int open_rocksdb(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    fixture->scratch = scratch_new();
    fixture->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct store_options options = {.path = fixture->scratch.path, .create = true};
    char text[512];
    if (store_rocksdb_open(&fixture->store, &options, text, sizeof(text)) != STORE_OK)
        return -1;
    *state = fixture;
    return 0;
}

static int close_rocksdb(void **state)
{
    struct fixture *fixture = *state;
    struct scratch scratch = fixture->scratch;
    int result = tear_down(state);
    scratch_free(&scratch);
    return result;
}

static void test_writer__shares_a_sync_between_writes_that_wait(void **state)
{
    struct fixture *fixture = *state;
    open_writer(fixture, 0, 0);
    char key[16];
    for (int id = 1; id <= 2000; id++) {
        snprintf(key, sizeof(key), "%05d", id);
        assert_int_equal(write_one(fixture, (uint64_t)id, key, 300), EDGE_WRITER_TAKEN);
    }
    load(fixture, "", "00101"); /* while it writes */
    wait_committed(fixture, 2000);
    struct edge_writer_stats stats;
    edge_writer_stats(fixture->writer, &stats);
    print_message("%d writes in %d commits, the longest %d us\n", (int)stats.writes, (int)stats.groups,
                  (int)stats.longest_commit_us);
    assert_in_range(stats.groups, 1, 1000);
    load(fixture, "01901", "");
    assert_int_equal(fixture->loaded, 100);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_writer__a_commit_that_does_not_end_is_seen),
        TEST(test_writer__commits_in_order_and_in_groups),
        TEST(test_writer__operations_of_one_write_keep_their_order),
        TEST(test_writer__nothing_is_written_after_a_failure),
        TEST(test_writer__is_full_before_memory_is),
        TEST(test_writer__ends_only_when_all_is_written),
        TEST(test_writer__loads_see_what_was_committed),
        TEST(test_writer__many_loads_wait_for_the_loop),
        cmocka_unit_test_setup_teardown(test_writer__shares_a_sync_between_writes_that_wait, open_rocksdb,
                                        close_rocksdb),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
