/* The pool: every job runs once and comes back on the loop; it refuses when it is full; the rest is dropped at the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "relay/edge/pool.h"

/* The pool does not look into jobs, so the test has its own. */
struct relay_verify_job {
    int value;
    atomic_int runs;
    int done;
    pthread_mutex_t *gate; /* run waits for it */
};

static atomic_int dropped;

static void run(struct relay_verify_job *job)
{
    if (job->gate) {
        pthread_mutex_lock(job->gate);
        pthread_mutex_unlock(job->gate);
    }
    atomic_fetch_add(&job->runs, 1);
    job->value *= 2;
}

static void done(void *context, struct relay_verify_job *job)
{
    ++*(int *)context;
    job->done++;
}

static void drop(struct relay_verify_job *job)
{
    (void)job;
    atomic_fetch_add(&dropped, 1);
}

static void turn(struct edge_pool *pool, int wake_fd)
{
    struct pollfd readable = {.fd = wake_fd, .events = POLLIN};
    uint64_t count;
    assert_int_equal(poll(&readable, 1, 100000), 1);
    assert_int_equal(read(wake_fd, &count, sizeof(count)), sizeof(count));
    edge_pool_drain(pool);
}

static void test_pool__every_job_runs_once_and_comes_back(void **state)
{
    (void)state;
    enum { JOBS = 20000 };
    int finished = 0, wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct edge_pool_options options = {
        .queue = 64, .wake_fd = wake_fd, .run = run, .done = done, .drop = drop, .context = &finished};
    struct edge_pool *pool = edge_pool_new(&options);
    struct relay_verify_job *jobs = calloc(JOBS, sizeof(*jobs));
    for (int i = 0; i < JOBS; i++) {
        jobs[i].value = i;
        while (!edge_pool_submit(pool, &jobs[i])) {
            assert_true(edge_pool_full(pool) || finished > 0);
            turn(pool, wake_fd);
        }
    }
    while (finished < JOBS)
        turn(pool, wake_fd);
    for (int i = 0; i < JOBS; i++) {
        assert_int_equal(atomic_load(&jobs[i].runs), 1);
        assert_int_equal(jobs[i].done, 1);
        assert_int_equal(jobs[i].value, 2 * i);
    }
    edge_pool_free(pool);
    assert_int_equal(atomic_load(&dropped), 0);
    free(jobs);
    close(wake_fd);
}

static void test_pool__is_bounded_and_drops_the_rest_at_the_end(void **state)
{
    (void)state;
    int finished = 0, wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct edge_pool_options options = {
        .threads = 2, .queue = 8, .wake_fd = wake_fd, .run = run, .done = done, .drop = drop, .context = &finished};
    struct edge_pool *pool = edge_pool_new(&options);
    pthread_mutex_t gate;
    pthread_mutex_init(&gate, NULL);
    struct relay_verify_job jobs[9] = {0};
    pthread_mutex_lock(&gate);
    for (int i = 0; i < 8; i++) {
        jobs[i].gate = &gate;
        assert_false(edge_pool_full(pool));
        assert_true(edge_pool_submit(pool, &jobs[i]));
    }
    assert_true(edge_pool_full(pool));
    assert_false(edge_pool_submit(pool, &jobs[8]));
    pthread_mutex_unlock(&gate);
    edge_pool_free(pool);
    assert_int_equal(finished, 0);
    assert_int_equal(atomic_load(&dropped), 8);
    pthread_mutex_destroy(&gate);
    close(wake_fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pool__every_job_runs_once_and_comes_back),
        cmocka_unit_test(test_pool__is_bounded_and_drops_the_rest_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
