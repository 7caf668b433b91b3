/* What goes wrong: faults of the twin, and a RocksDB store that is locked, missing, newer, damaged, full or read-only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "relay/store/store.h"
#include "tests/unit/store/scratch.h"

enum { CHILD_FD = 3 };

static struct store_view view(const char *text)
{
    return (struct store_view){(const uint8_t *)text, strlen(text)};
}

static enum store_status put(struct store *store, enum store_family family, const char *key, struct store_view value)
{
    struct store_batch *batch = store->ops->batch_new(store);
    store->ops->batch_put(batch, family, view(key), value);
    enum store_status status = store->ops->commit(store, batch);
    store->ops->batch_free(batch);
    return status;
}

static bool has(struct store *store, const char *key)
{
    struct store_snapshot *snapshot = store->ops->snapshot_new(store);
    uint8_t *value = NULL;
    size_t len = 0;
    bool found = store->ops->get(snapshot, STORE_LOG, view(key), &value, &len) == STORE_OK;
    free(value);
    store->ops->snapshot_free(snapshot);
    return found;
}

static enum store_status open_at(struct store **store, const char *path, bool create, char *text, size_t cap)
{
    struct store_options options = {.path = path, .create = create};
    return store_rocksdb_open(store, &options, text, cap);
}

/* ---- the twin ----------------------------------------------------------------------------------------------------- */

static void test_store__an_ordered_fault_fails_that_commit_and_all_after_it(void **state)
{
    (void)state;
    struct store *store = store_memory_new();
    store_memory_fail(store, 2, STORE_FULL, false);
    assert_int_equal(put(store, STORE_LOG, "a", view("1")), STORE_OK);
    assert_int_equal(put(store, STORE_LOG, "b", view("1")), STORE_FULL);
    assert_int_equal(put(store, STORE_LOG, "c", view("1")), STORE_FULL);
    assert_true(has(store, "a"));
    assert_false(has(store, "b"));
    char text[128];
    store->ops->error(store, text, sizeof(text));
    assert_non_null(strstr(text, "disk-full"));
    store_memory_crash(store);
    assert_true(has(store, "a"));
    assert_int_equal(put(store, STORE_LOG, "c", view("1")), STORE_OK);
    assert_int_equal(store_memory_commits(store), 2);
    store->ops->close(store);
}

static void test_store__a_commit_can_take_effect_and_report_failure(void **state)
{
    (void)state;
    struct store *store = store_memory_new();
    store_memory_fail(store, 1, STORE_IO, true);
    assert_int_equal(put(store, STORE_LOG, "a", view("1")), STORE_IO);
    assert_int_equal(put(store, STORE_LOG, "b", view("1")), STORE_IO);
    assert_true(has(store, "a"));
    assert_false(has(store, "b"));
    store->ops->close(store);
}

static void test_store__a_batch_from_before_a_crash_is_gone(void **state)
{
    (void)state;
    struct store *store = store_memory_new();
    struct store_batch *batch = store->ops->batch_new(store);
    store->ops->batch_put(batch, STORE_LOG, view("a"), view("1"));
    store_memory_crash(store);
    assert_int_equal(store->ops->commit(store, batch), STORE_IO);
    assert_false(has(store, "a"));
    store->ops->batch_clear(batch);
    store->ops->batch_put(batch, STORE_LOG, view("a"), view("1"));
    assert_int_equal(store->ops->commit(store, batch), STORE_OK);
    store->ops->batch_free(batch);
    store->ops->close(store);
}

/* ---- RocksDB ------------------------------------------------------------------------------------------------------ */

static void test_store__rows_outlive_close_and_open(void **state)
{
    (void)state;
    struct scratch scratch = scratch_new();
    struct store *store;
    char text[512];
    for (int round = 0; round < 3; round++) {
        assert_int_equal(open_at(&store, scratch.path, round == 0, text, sizeof(text)), STORE_OK);
        assert_int_equal(has(store, "a"), round > 0);
        assert_int_equal(put(store, STORE_LOG, "a", view("1")), STORE_OK);
        store->ops->close(store);
    }
    scratch_free(&scratch);
}

static void test_store__a_missing_store_is_not_made_by_accident(void **state)
{
    (void)state;
    struct scratch scratch = scratch_new();
    struct store *store;
    char text[512];
    assert_int_equal(open_at(&store, scratch.path, false, text, sizeof(text)), STORE_NOT_FOUND);
    assert_null(store);
    assert_non_null(strstr(text, scratch.path));
    assert_non_null(strstr(text, "no store"));
    scratch_free(&scratch);
}

/*
 * Children are this program again, started with a word: a process that has RocksDB's threads must not go on after a fork.
 */

/* Opens the store, says so, and holds it until the other end is closed. */
static int child_hold(const char *folder)
{
    struct store *store;
    char text[512], byte;
    bool ok = open_at(&store, folder, true, text, sizeof(text)) == STORE_OK;
    if (write(CHILD_FD, ok ? "y" : "n", 1) != 1 || read(CHILD_FD, &byte, 1) < 0)
        return 1;
    if (ok)
        store->ops->close(store);
    return 0;
}

/* Fills a store and ends without closing, so that the rows are only in the write-ahead log. */
static int child_fill(const char *folder)
{
    struct store *store;
    char text[512], key[16];
    if (open_at(&store, folder, true, text, sizeof(text)) != STORE_OK)
        return 1;
    for (int i = 0; i < 100; i++) {
        snprintf(key, sizeof(key), "%04d", i);
        if (put(store, STORE_LOG, key, view("some bytes of a value that is not too short")) != STORE_OK)
            return 1;
    }
    return 0;
}

/* Writes until a limit on file size, which stands for the disk; says how many rows were acknowledged. */
static int child_full(const char *folder)
{
    struct store *store;
    char text[512], key[16];
    static uint8_t value[100000];
    signal(SIGXFSZ, SIG_IGN);
    if (open_at(&store, folder, true, text, sizeof(text)) != STORE_OK)
        return 100;
    struct rlimit limit = {1 << 20, 1 << 20};
    setrlimit(RLIMIT_FSIZE, &limit);
    int written = 0;
    enum store_status status = STORE_OK;
    for (; written < 50 && status == STORE_OK; written++) {
        snprintf(key, sizeof(key), "%04d", written);
        status = put(store, STORE_LOG, key, (struct store_view){value, sizeof(value)});
    }
    store->ops->error(store, text, sizeof(text));
    bool said = status == STORE_FULL && strstr(text, "no space left") != NULL;
    if (!said)
        fprintf(stderr, "status %s: %s\n", store_status_name(status), text);
    return said ? written - 1 : 101;
}

/* Into every family: their buffers are full at the same time. */
static enum store_status put_everywhere(struct store *store, const char *key, struct store_view value)
{
    struct store_batch *batch = store->ops->batch_new(store);
    for (int family = STORE_LOG; family < STORE_FAMILIES; family++)
        store->ops->batch_put(batch, (enum store_family)family, view(key), value);
    enum store_status status = store->ops->commit(store, batch);
    store->ops->batch_free(batch);
    return status;
}

/* Runs out of descriptors, gets them back, and closes. Says how many rows were acknowledged. */
static int child_crowded(const char *folder)
{
    struct store *store;
    struct store_options options = {.path = folder, .create = true, .write_buffer = 64 << 10}; /* small: new logs */
    const struct rlimit limit = {256, 256};
    char text[512] = "", key[16];
    static uint8_t value[2000];
    int fillers[256], fillers_len = 0, written = 0;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (store_rocksdb_open(&store, &options, text, sizeof(text)) != STORE_OK)
        return 100;
    for (int fd; (fd = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;)
        fillers[fillers_len++] = fd;
    enum store_status status = STORE_OK;
    for (; written < 90 && status == STORE_OK; written++) {
        snprintf(key, sizeof(key), "%04d", written);
        status = put_everywhere(store, key, (struct store_view){value, sizeof(value)});
    }
    while (fillers_len > 0)
        close(fillers[--fillers_len]);
    store->ops->error(store, text, sizeof(text));
    bool said = status == STORE_IO && strstr(text, "descriptor") != NULL;
    if (!said)
        fprintf(stderr, "status %s: %s\n", store_status_name(status), text);
    store->ops->close(store);
    return said ? written - 1 : 101;
}

static int child_locked(const char *folder)
{
    struct store *store;
    char text[512];
    return open_at(&store, folder, true, text, sizeof(text)) == STORE_LOCKED ? 0 : 1;
}

static int child_main(const char *word, const char *folder)
{
    if (strcmp(word, "hold") == 0)
        return child_hold(folder);
    if (strcmp(word, "fill") == 0)
        return child_fill(folder);
    if (strcmp(word, "full") == 0)
        return child_full(folder);
    if (strcmp(word, "crowded") == 0)
        return child_crowded(folder);
    return child_locked(folder);
}

static pid_t child_start(const char *word, const char *folder, int fd)
{
    pid_t child = fork();
    if (child == 0) {
        if (fd == CHILD_FD) /* only a copy loses close-on-exec */
            fcntl(fd, F_SETFD, 0);
        else if (fd >= 0)
            dup2(fd, CHILD_FD);
        execl("/proc/self/exe", "test_store_faults", word, folder, (char *)NULL);
        _exit(102);
    }
    return child;
}

static int child_run(const char *word, const char *folder)
{
    int status = 0;
    waitpid(child_start(word, folder, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 103;
}

static void test_store__a_store_in_use_names_the_other_process(void **state)
{
    (void)state;
    struct scratch scratch = scratch_new();
    int talk[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, talk), 0);
    pid_t child = child_start("hold", scratch.path, talk[1]);
    char byte = 0;
    close(talk[1]);
    assert_int_equal(read(talk[0], &byte, 1), 1);
    assert_int_equal(byte, 'y');
    struct store *store;
    char text[512], pid[32];
    assert_int_equal(open_at(&store, scratch.path, true, text, sizeof(text)), STORE_LOCKED);
    snprintf(pid, sizeof(pid), "process %ld", (long)child);
    assert_non_null(strstr(text, pid));

    struct store_options options = {.path = scratch.path, .read_only = true};
    assert_int_equal(store_rocksdb_open(&store, &options, text, sizeof(text)), STORE_OK); /* inspectors may look */
    assert_int_equal(put(store, STORE_LOG, "a", view("1")), STORE_IO);
    store->ops->error(store, text, sizeof(text));
    assert_non_null(strstr(text, "reading only"));
    store->ops->close(store);
    close(talk[0]);
    waitpid(child, NULL, 0);
    scratch_free(&scratch);
}

static void test_store__opening_twice_keeps_the_first_ones_lock(void **state)
{
    (void)state;
    struct scratch scratch = scratch_new();
    struct store *first, *second;
    char text[512];
    assert_int_equal(open_at(&first, scratch.path, true, text, sizeof(text)), STORE_OK);
    assert_int_equal(open_at(&second, scratch.path, true, text, sizeof(text)), STORE_LOCKED);
    assert_non_null(strstr(text, "open already"));
    assert_int_equal(child_run("locked", scratch.path), 0);
    first->ops->close(first);
    scratch_free(&scratch);
}

static void test_store__a_newer_schema_is_refused_by_its_number(void **state)
{
    (void)state;
    struct scratch scratch = scratch_new();
    struct store *store;
    char text[512];
    assert_int_equal(open_at(&store, scratch.path, true, text, sizeof(text)), STORE_OK);
    const uint8_t schema[] = {1, 0, 0, 0, STORE_SCHEMA + 1};
    assert_int_equal(put(store, STORE_META, "schema", (struct store_view){schema, sizeof(schema)}), STORE_OK);
    store->ops->close(store);
    assert_int_equal(open_at(&store, scratch.path, true, text, sizeof(text)), STORE_NEWER);
    assert_null(store);
    assert_non_null(strstr(text, "schema 2, this program knows 1"));
    scratch_free(&scratch);
}

static void test_store__without_descriptors_it_says_so_and_ends_in_order(void **state)
{
    (void)state;
    struct scratch scratch = scratch_new();
    struct store *store;
    char text[512], key[16];
    int written = child_run("crowded", scratch.path);
    assert_in_range(written, 1, 89);
    assert_int_equal(open_at(&store, scratch.path, false, text, sizeof(text)), STORE_OK);
    for (int i = 0; i < written; i++) {
        snprintf(key, sizeof(key), "%04d", i);
        assert_true(has(store, key));
    }
    store->ops->close(store);
    scratch_free(&scratch);
}

static void remove_logs(const char *folder)
{
    char path[300];
    for (int i = 0; i < 100; i++) {
        snprintf(path, sizeof(path), "%s/%06d.log", folder, i);
        unlink(path);
    }
}

/*
 * A copy that was broken off, or lost a file: to begin anew there would remove what is left of it, if not at this start then at
 * the next. Once with its rows in the write-ahead log, once with all of them in tables.
 */
static void test_store__half_a_store_is_refused_and_left_as_it_is(void **state)
{
    (void)state;
    struct scratch scratch = scratch_new();
    struct store *store;
    char text[512], current[300], aside[300];
    snprintf(current, sizeof(current), "%s/CURRENT", scratch.path);
    snprintf(aside, sizeof(aside), "%s/aside", scratch.path);
    assert_int_equal(child_run("fill", scratch.path), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(rename(current, aside), 0);
        for (int start = 0; start < 3; start++) {
            assert_int_equal(open_at(&store, scratch.path, true, text, sizeof(text)), STORE_CORRUPT);
            assert_null(store);
            assert_non_null(strstr(text, "CURRENT"));
        }
        assert_int_equal(rename(aside, current), 0); /* the whole copy */
        assert_int_equal(open_at(&store, scratch.path, true, text, sizeof(text)), STORE_OK);
        assert_true(has(store, "0099"));
        store->ops->close(store);
        remove_logs(scratch.path);
    }
    scratch_free(&scratch);
}

/* A start that was cut off before it had a store leaves files of RocksDB's, and nothing in them. */
static void test_store__a_first_start_that_was_cut_off_can_be_repeated(void **state)
{
    (void)state;
    static const char *const names[] = {"LOG", "LOCK", "IDENTITY", "MANIFEST-000001", "000001.dbtmp"};
    struct scratch scratch = scratch_new();
    struct store *store;
    char text[512], path[300];
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        snprintf(path, sizeof(path), "%s/%s", scratch.path, names[i]);
        close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    }
    if (open_at(&store, scratch.path, true, text, sizeof(text)) != STORE_OK)
        fail_msg("%s", text);
    store->ops->close(store);
    scratch_free(&scratch);
}

/* What messages carry is for those to whom it is published. */
static void test_store__a_new_store_is_for_its_user_only(void **state)
{
    (void)state;
    struct scratch scratch = scratch_new();
    struct store *store;
    struct stat info;
    char text[512], path[300];
    mode_t before = umask(022);
    snprintf(path, sizeof(path), "%s/store", scratch.path);
    assert_int_equal(open_at(&store, path, true, text, sizeof(text)), STORE_OK);
    umask(before);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
    store->ops->close(store);
    scratch_free(&scratch);
}

/* The write-ahead log that has bytes in it. */
static void find_log(const char *folder, char *out, size_t cap)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    struct stat info;
    out[0] = '\0';
    while ((entry = readdir(dir))) {
        char path[600];
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        if (strstr(entry->d_name, ".log") && stat(path, &info) == 0 && info.st_size > 1000)
            snprintf(out, cap, "%s", path);
    }
    closedir(dir);
}

static void test_store__damage_in_the_log_is_corruption_not_a_cut(void **state)
{
    (void)state;
    struct scratch scratch = scratch_new();
    assert_int_equal(child_run("fill", scratch.path), 0);
    char log[600], text[512];
    find_log(scratch.path, log, sizeof(log));
    int fd = open(log, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    uint8_t byte;
    assert_int_equal(pread(fd, &byte, 1, 2000), 1);
    byte ^= 0x10;
    assert_int_equal(pwrite(fd, &byte, 1, 2000), 1);
    close(fd);
    struct store *store;
    assert_int_equal(open_at(&store, scratch.path, true, text, sizeof(text)), STORE_CORRUPT);
    assert_non_null(strstr(text, "damaged"));
    scratch_free(&scratch);
}

static void test_store__a_torn_last_record_is_not_corruption(void **state)
{
    (void)state;
    struct scratch scratch = scratch_new();
    assert_int_equal(child_run("fill", scratch.path), 0);
    char log[600], text[512];
    find_log(scratch.path, log, sizeof(log));
    struct stat info;
    assert_int_equal(stat(log, &info), 0);
    assert_int_equal(truncate(log, info.st_size - 7), 0);
    struct store *store;
    assert_int_equal(open_at(&store, scratch.path, true, text, sizeof(text)), STORE_OK);
    assert_true(has(store, "0098"));
    assert_false(has(store, "0099"));
    store->ops->close(store);
    scratch_free(&scratch);
}

static void test_store__a_full_disk_is_said_and_nothing_acknowledged_is_lost(void **state)
{
    (void)state;
    struct scratch scratch = scratch_new();
    int written = child_run("full", scratch.path);
    assert_in_range(written, 1, 49);
    struct store *store;
    char text[512], key[16];
    assert_int_equal(open_at(&store, scratch.path, false, text, sizeof(text)), STORE_OK);
    for (int i = 0; i < written; i++) {
        snprintf(key, sizeof(key), "%04d", i);
        assert_true(has(store, key));
    }
    store->ops->close(store);
    scratch_free(&scratch);
}

int main(int argc, char **argv)
{
    if (argc == 3) /* a child ends as a crash would: nothing is closed */
        _exit(child_main(argv[1], argv[2]));
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_store__a_store_in_use_names_the_other_process),
        cmocka_unit_test(test_store__an_ordered_fault_fails_that_commit_and_all_after_it),
        cmocka_unit_test(test_store__a_commit_can_take_effect_and_report_failure),
        cmocka_unit_test(test_store__a_batch_from_before_a_crash_is_gone),
        cmocka_unit_test(test_store__rows_outlive_close_and_open),
        cmocka_unit_test(test_store__a_missing_store_is_not_made_by_accident),
        cmocka_unit_test(test_store__opening_twice_keeps_the_first_ones_lock),
        cmocka_unit_test(test_store__a_newer_schema_is_refused_by_its_number),
        cmocka_unit_test(test_store__damage_in_the_log_is_corruption_not_a_cut),
        cmocka_unit_test(test_store__a_torn_last_record_is_not_corruption),
        cmocka_unit_test(test_store__a_full_disk_is_said_and_nothing_acknowledged_is_lost),
        cmocka_unit_test(test_store__without_descriptors_it_says_so_and_ends_in_order),
        cmocka_unit_test(test_store__half_a_store_is_refused_and_left_as_it_is),
        cmocka_unit_test(test_store__a_first_start_that_was_cut_off_can_be_repeated),
        cmocka_unit_test(test_store__a_new_store_is_for_its_user_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
