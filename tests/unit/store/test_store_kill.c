/*
 * kill -9 at any moment: a child commits numbered batches and says each number after its commit returned; it is killed at
 * a random time, ROUNDS times over one store. Whatever was said must be there, and every batch is there whole or not at all.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "relay/store/store.h"
#include "tests/unit/store/scratch.h"

enum { ROUNDS = 20, LONGEST_MS = 250, CHILD_FD = 3 };

static struct store *open_store(const char *path)
{
    struct store *store;
    struct store_options options = {
        .path = path, .create = true, .write_buffer = 64 << 10}; /* small: flushes happen too */
    char text[512];
    if (store_rocksdb_open(&store, &options, text, sizeof(text)) != STORE_OK) {
        fprintf(stderr, "%s\n", text);
        exit(1);
    }
    return store;
}

static void number_key(uint8_t key[9], uint64_t number, uint8_t part)
{
    for (int i = 0; i < 8; i++)
        key[i] = (uint8_t)(number >> (56 - 8 * i));
    key[8] = part;
}

/* Batch n: three rows of three families, and the removal of what batch n - 50 left in one of them. */
static void commit_number(struct store *store, struct store_batch *batch, uint64_t number)
{
    uint8_t key[9], from[9], value[300] = {0};
    value[0] = (uint8_t)number;
    store->ops->batch_clear(batch);
    const enum store_family families[] = {STORE_LOG, STORE_SEGMENT, STORE_HEAD};
    for (uint8_t part = 0; part < 3; part++) {
        number_key(key, number, part);
        store->ops->batch_put(batch, families[part], (struct store_view){key, 9},
                              (struct store_view){value, sizeof(value)});
    }
    if (number > 50) {
        number_key(from, 0, 0);
        number_key(key, number - 50, 0xff);
        store->ops->batch_delete_range(batch, STORE_SEGMENT, (struct store_view){from, 9}, (struct store_view){key, 9});
    }
    if (store->ops->commit(store, batch) != STORE_OK)
        exit(1);
}

/* Says the number before its first one when the store is open, and then each number after its commit. */
static void child_main(const char *path, uint64_t next)
{
    struct store *store = open_store(path);
    struct store_batch *batch = store->ops->batch_new(store);
    for (next--; write(CHILD_FD, &next, sizeof(next)) == sizeof(next);)
        commit_number(store, batch, ++next);
    exit(1);
}

static bool holds(struct store_snapshot *snapshot, struct store *store, enum store_family family, uint64_t number,
                  uint8_t part)
{
    uint8_t key[9], *value = NULL;
    size_t len = 0;
    number_key(key, number, part);
    bool found = store->ops->get(snapshot, family, (struct store_view){key, 9}, &value, &len) == STORE_OK;
    if (found)
        assert_true(len == 300 && value[0] == (uint8_t)number);
    free(value);
    return found;
}

/* Returns the greatest number in the store. */
static uint64_t check(const char *path, uint64_t said)
{
    struct store *store = open_store(path);
    struct store_snapshot *snapshot = store->ops->snapshot_new(store);
    uint64_t last = 0;
    while (holds(snapshot, store, STORE_LOG, last + 1, 0)) {
        last++;
        assert_true(holds(snapshot, store, STORE_HEAD, last, 2));
    }
    assert_true(last >= said);
    assert_true(last <= said + 1); /* one commit may have landed without its word getting out */
    assert_false(holds(snapshot, store, STORE_HEAD, last + 1, 2));
    assert_false(holds(snapshot, store, STORE_SEGMENT, last + 1, 1));
    for (uint64_t number = 1; number <= last; number++)
        assert_int_equal(holds(snapshot, store, STORE_SEGMENT, number, 1), last <= 50 || number > last - 50);
    store->ops->snapshot_free(snapshot);
    store->ops->close(store);
    return last;
}

/* Starts this program again: a process that has RocksDB's threads must not go on after a fork. */
static pid_t child_start(const char *path, uint64_t next, int out)
{
    char number[24];
    snprintf(number, sizeof(number), "%llu", (unsigned long long)next);
    pid_t child = fork();
    if (child == 0) {
        fcntl(dup2(out, CHILD_FD), F_SETFD, 0); /* also when it is that already */
        execl("/proc/self/exe", "test_store_kill", path, number, (char *)NULL);
        _exit(127);
    }
    return child;
}

static int64_t milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/*
 * Reads the child's numbers until the deadline, kills it, reads what is left. The deadline counts from its start, so that it
 * may also fall into the opening of the store, or, for every second child, from its first word: these always commit.
 */
static uint64_t run_round(const char *path, uint64_t last, unsigned *seed, bool patient)
{
    int out[2];
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    pid_t child = child_start(path, last + 1, out[1]);
    close(out[1]);
    *seed = *seed * 1103515245u + 12345u;
    int64_t left = 20 + (int64_t)((*seed >> 16) % LONGEST_MS), end = milliseconds() + left;
    uint64_t said = last, number;
    bool killed = false, open = false;
    struct pollfd readable = {.fd = out[0], .events = POLLIN};
    for (;;) {
        bool waits = killed || (patient && !open);
        int64_t rest = end - milliseconds();
        if (!waits && rest <= 0) {
            kill(child, SIGKILL);
            killed = waits = true;
        }
        if (poll(&readable, 1, waits ? -1 : (int)rest) <= 0)
            continue;
        if (read(out[0], &number, sizeof(number)) != sizeof(number))
            break;
        assert_int_equal(number, open ? said + 1 : last);
        if (patient && !open)
            end = milliseconds() + left;
        open = true;
        said = number;
    }
    int status = 0;
    waitpid(child, &status, 0);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    close(out[0]);
    return said;
}

static void test_store__kill_after_commit_loses_nothing(void **state)
{
    (void)state;
    struct scratch scratch = scratch_new();
    unsigned seed = 20261121;
    uint64_t last = 0;
    for (int round = 0; round < ROUNDS; round++)
        last = check(scratch.path, run_round(scratch.path, last, &seed, round % 2 == 0));
    print_message("%d rounds, %llu commits\n", (int)ROUNDS, (unsigned long long)last);
    assert_true(last > ROUNDS);
    scratch_free(&scratch);
}

int main(int argc, char **argv)
{
    if (argc == 3)
        child_main(argv[1], strtoull(argv[2], NULL, 10));
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_store__kill_after_commit_loses_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
