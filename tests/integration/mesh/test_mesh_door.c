/*
 * A door that finds out by itself whether it still lets anybody in, over real nng and TLS. What goes wrong in nng 1.5.2 cannot
 * be ordered; a process that may open no descriptor more is as deaf, and is well again when it may; and nng's one thread that
 * takes connections down stands still while a callback holds it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>

#include <nng/nng.h>
#include <nng/protocol/pair0/pair.h>
#include <sys/resource.h>

#include "relay/edge/door.h"
#include "tests/integration/mesh/certificates.h"
#include "tests/integration/mesh/meet.h"
#include "tests/unit/store/scratch.h"

static size_t descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    size_t count = 0;
    assert_non_null(dir);
    while (readdir(dir) != NULL)
        count++;
    closedir(dir);
    return count;
}

static struct edge_mesh_look look(struct node *node)
{
    struct edge_mesh_look out;
    edge_mesh_look(node->mesh, &out);
    return out;
}

/* One relay that calls its own doors every `pause` ms. */
static void open_one(struct node nodes[2], struct urls *urls, struct scratch *scratch, uint32_t pause,
                     uint32_t patience)
{
    *scratch = scratch_new();
    make_certificates(scratch->path);
    urls_make(urls, "tls+tcp", "");
    nodes_init(nodes, 2);
    nodes[0].door_pause = pause;
    nodes[0].door_patience = patience;
    assert_true(node_open(&nodes[0], urls, scratch->path, 0));
}

/* A call is let in, with frames going out all the time, and then taken down: many calls leave no more behind than one. */
static void test_mesh__calls_of_its_own_doors_find_them_well_and_leave_nothing_behind(void **state)
{
    (void)state;
    struct urls urls;
    struct node nodes[2];
    struct scratch scratch;
    open_one(nodes, &urls, &scratch, 20, 10 * DEADLINE);
    uint64_t number = 0;
    size_t before = descriptors();
    for (uint64_t end = node_now() + 4000; node_now() < end;) { /* some hundred calls */
        node_publish(&nodes[0], 0, ++number, 8);
        nodes_turn(nodes, 1, 10);
        assert_int_equal(look(&nodes[0]).deaf_since, 0);
    }
    size_t most = before + 3 * (EDGE_DOOR_REFUSED + 1) * 2; /* of each door's calls, both ends */
    RUN_UNTIL(nodes, 1, descriptors() <= most && look(&nodes[0]).connections <= 3 * (EDGE_DOOR_REFUSED + 1));
    assert_false(look(&nodes[0]).crowded);
    close_all(nodes, 1);
    scratch_free(&scratch);
}

static void test_mesh__a_tls_door_that_lets_nobody_in_says_so_until_it_does_again(void **state)
{
    (void)state;
    struct urls urls;
    struct node nodes[2];
    struct scratch scratch;
    struct rlimit limit, low;
    open_one(nodes, &urls, &scratch, 50, 1000);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    low = limit;
    low.rlim_cur = 3;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    RUN_UNTIL(nodes, 1, look(&nodes[0]).deaf_since != 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    bool named = strncmp(look(&nodes[0]).deaf_url, "tls+tcp://", 10) == 0;
    assert_true(named);
    RUN_UNTIL(nodes, 1, look(&nodes[0]).deaf_since == 0);
    close_all(nodes, 1);
    scratch_free(&scratch);
}

/* ---- nng's thread held ---------------------------------------------------------------------------------------------- */

struct hold {
    pthread_mutex_t mutex;
    atomic_bool held;
};

/* On the thread that takes connections down. */
static void hold_it(nng_pipe pipe, nng_pipe_ev event, void *argument)
{
    struct hold *hold = argument;
    (void)pipe, (void)event;
    atomic_store(&hold->held, true);
    pthread_mutex_lock(&hold->mutex);
    pthread_mutex_unlock(&hold->mutex);
}

static void test_mesh__calls_that_are_not_taken_down_end_and_count_as_deafness(void **state)
{
    (void)state;
    struct urls urls;
    struct node nodes[2];
    struct scratch scratch;
    struct hold hold = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    nng_socket sockets[2];
    nng_dialer dialer;
    open_one(nodes, &urls, &scratch, 20, 1000);
    for (int i = 0; i < 2; i++)
        assert_int_equal(nng_pair0_open(&sockets[i]), 0);
    assert_int_equal(nng_pipe_notify(sockets[0], NNG_PIPE_EV_REM_POST, hold_it, &hold), 0);
    assert_int_equal(nng_listen(sockets[1], "inproc://hold", NULL, 0), 0);
    assert_int_equal(nng_dial(sockets[0], "inproc://hold", &dialer, 0), 0);
    pthread_mutex_lock(&hold.mutex);
    assert_int_equal(nng_dialer_close(dialer), 0);
    RUN_UNTIL(nodes, 1, atomic_load(&hold.held));
    RUN_UNTIL(nodes, 1, look(&nodes[0]).deaf_since != 0);
    size_t then = descriptors();
    for (uint64_t end = node_now() + 1000; node_now() < end;) /* fifty calls' time */
        nodes_turn(nodes, 1, 10);
    assert_true(look(&nodes[0]).deaf_since != 0);
    assert_true(look(&nodes[0]).connections <= 3 * (EDGE_DOOR_REFUSED + 1));
    assert_true(descriptors() <= then + 3 * (EDGE_DOOR_REFUSED + 1) * 2);
    pthread_mutex_unlock(&hold.mutex);
    RUN_UNTIL(nodes, 1, look(&nodes[0]).deaf_since == 0);
    for (int i = 0; i < 2; i++)
        nng_close(sockets[i]);
    close_all(nodes, 1);
    scratch_free(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mesh__calls_of_its_own_doors_find_them_well_and_leave_nothing_behind),
        cmocka_unit_test(test_mesh__a_tls_door_that_lets_nobody_in_says_so_until_it_does_again),
        cmocka_unit_test(test_mesh__calls_that_are_not_taken_down_end_and_count_as_deafness),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
