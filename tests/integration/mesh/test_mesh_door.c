/*
 * A door that finds out by itself whether it still lets anybody in, over real nng and TLS. What goes wrong in nng 1.5.2 cannot
 * be ordered; a process that may open no descriptor more is as deaf, and is well again when it may.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <sys/resource.h>

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

static void test_mesh__calls_of_its_own_doors_find_them_well_and_leave_nothing_behind(void **state)
{
    (void)state;
    struct urls urls;
    struct node nodes[2];
    struct scratch scratch;
    open_one(nodes, &urls, &scratch, 100, DEADLINE);
    uint64_t number = 0, end = node_now() + 1000;
    while (node_now() < end) {
        node_publish(&nodes[0], 0, ++number, 8);
        nodes_turn(nodes, 1, 10);
    }
    size_t before = descriptors();
    for (end = node_now() + 4000; node_now() < end;) { /* a hundred calls */
        node_publish(&nodes[0], 0, ++number, 8);
        nodes_turn(nodes, 1, 10);
        assert_int_equal(look(&nodes[0]).deaf_since, 0);
    }
    RUN_UNTIL(nodes, 1,
              descriptors() <= before + 20); /* nng takes them down on a thread of its own, when it has time */
    RUN_UNTIL(nodes, 1, look(&nodes[0]).connections <= 20);
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
    for (uint64_t end = node_now() + 500; node_now() < end;)
        nodes_turn(nodes, 1, 10);
    assert_int_equal(look(&nodes[0]).deaf_since, 0);
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

/* Publishing nothing is no deafness. */
static void test_mesh__a_relay_that_publishes_nothing_does_not_take_itself_for_deaf(void **state)
{
    (void)state;
    struct urls urls;
    struct node nodes[2];
    struct scratch scratch;
    open_one(nodes, &urls, &scratch, 20, DEADLINE / 30);
    for (uint64_t end = node_now() + DEADLINE / 10; node_now() < end;) {
        nodes_turn(nodes, 1, 10);
        assert_int_equal(look(&nodes[0]).deaf_since, 0);
    }
    close_all(nodes, 1);
    scratch_free(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mesh__calls_of_its_own_doors_find_them_well_and_leave_nothing_behind),
        cmocka_unit_test(test_mesh__a_tls_door_that_lets_nobody_in_says_so_until_it_does_again),
        cmocka_unit_test(test_mesh__a_relay_that_publishes_nothing_does_not_take_itself_for_deaf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
