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
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include <nng/nng.h>
#include <nng/protocol/pair0/pair.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "relay/edge/door.h"
#include "relay/edge/stranger.h"
#include "tests/integration/mesh/certificates.h"
#include "tests/integration/mesh/meet.h"
#include "tests/integration/mesh/wire.h"
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

/* ---- strangers ------------------------------------------------------------------------------------------------------ */

enum { STRANGERS = 600, LIMIT = 512, SPARE = 100 };

/* A process of its own that opens connections to the port from 127.0.0.`host`, holds them, and reads nothing; `hello` 0: it says
 * nothing. */
static pid_t stranger_start(uint16_t port, uint8_t host, uint8_t hello)
{
    int done[2];
    char byte;
    assert_int_equal(pipe(done), 0);
    pid_t child = fork();
    if (child == 0) {
        const uint8_t greeting[8] = {0, 'S', 'P', 0, 0, hello, 0, 0};
        struct sockaddr_in address = wire_address(port), ours = wire_address(0);
        struct rlimit limit;
        ours.sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + host);
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (int fd = 3; fd < LIMIT; fd++) /* what the test has open is not the stranger's */
            if (fd != done[1])
                close(fd);
        if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_max < STRANGERS + 16)
            _exit(1);
        limit.rlim_cur = STRANGERS + 16;
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
            _exit(1);
        for (int i = 0; i < STRANGERS; i++) {
            int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
            struct pollfd ready = {.fd = fd, .events = POLLOUT};
            if (bind(fd, (struct sockaddr *)&ours, sizeof(ours)) != 0)
                _exit(1);
            (void)connect(fd, (struct sockaddr *)&address, sizeof(address));
            if (poll(&ready, 1, 5) == 1 && hello != 0)
                (void)send(fd, greeting, sizeof(greeting), MSG_NOSIGNAL);
        }
        (void)!write(done[1], "x", 1);
        for (;;)
            pause();
    }
    close(done[1]);
    assert_int_equal(read(done[0], &byte, 1), 1);
    close(done[0]);
    return child;
}

/* What the store, children and those who ask would have: so many descriptors at once. */
static bool descriptors_are_left(void)
{
    int fds[SPARE];
    int count = 0;
    while (count < SPARE && (fds[count] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
        count++;
    for (int i = 0; i < count; i++)
        close(fds[i]);
    return count == SPARE;
}

/* Two relays that have met, one of them at doors of strangers: descriptors stay, the two go on; then a third is let in. */
static void besiege(const char *scheme, uint8_t hello)
{
    struct urls urls;
    struct node nodes[2];
    struct rlimit limit, low;
    struct scratch scratch = scratch_new();
    bool tls = strcmp(scheme, "tls+tcp") == 0;
    if (tls)
        make_certificates(scratch.path);
    urls_make(&urls, scheme, "");
    nodes_init(nodes, 2);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    low = limit;
    low.rlim_cur = LIMIT;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    for (int i = 0; i < 2; i++)
        assert_true(node_open(&nodes[i], &urls, tls ? scratch.path : NULL, 0));
    meet(nodes, 2);
    pid_t strangers = stranger_start(url_port(urls.publish[0][0]), 1, hello); /* tunnels: no address of their own */
    uint64_t number = 1;
    for (uint64_t end = node_now() + 2000; node_now() < end;) {
        assert_true(descriptors_are_left());
        beat(nodes, 2, ++number);
        nodes_turn(nodes, 2, 10);
    }
    RUN_UNTIL(nodes, 2, nodes[0].last[1] == number && nodes[1].last[0] == number);
    assert_int_equal(nodes[0].downs[1] + nodes[1].downs[0], 0);
    assert_true(look(&nodes[0]).waits > 0);
    if (hello == 0) { /* whoever does not greet is shown out, and another comes in; who was in was left alone */
        RUN_UNTIL(nodes, 2, look(&nodes[0]).ended >= SPARE / 2);
        struct edge_mesh_peer_stats stats;
        assert_true(edge_mesh_peer_stats(nodes[1].mesh, 0, &stats));
        assert_int_equal(stats.pipes, EDGE_LINKS);
        node_close(&nodes[1]);
        nodes[0].heard[1] = nodes[1].heard[0] = 0;
        assert_true(node_open(&nodes[1], &urls, tls ? scratch.path : NULL, 0));
        meet(nodes, 2);
    }
    assert_int_equal(kill(strangers, SIGKILL), 0);
    assert_int_equal(waitpid(strangers, NULL, 0), strangers);
    close_all(nodes, 2);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    scratch_free(&scratch);
}

static void test_mesh__strangers_that_say_nothing_leave_descriptors_to_the_store(void **state)
{
    (void)state;
    besiege("tcp", 0);
}

static void test_mesh__strangers_that_never_finish_tls_leave_descriptors_to_the_store(void **state)
{
    (void)state;
    besiege("tls+tcp", 0);
}

static void test_mesh__strangers_that_greet_and_stay_leave_descriptors_to_the_store(void **state)
{
    (void)state;
    besiege("tcp", 0x21);
}

/* One address, here another than ours: it has its share and no more, whether it greets or not; others come in all the same, and a
 * connection that ended makes room. */
static void one_address(uint8_t hello)
{
    struct urls urls;
    struct node nodes[2];
    struct rlimit limit, low;
    urls_make(&urls, "tcp", "");
    nodes_init(nodes, 2);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    low = limit;
    low.rlim_cur = LIMIT;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    assert_true(node_open(&nodes[0], &urls, NULL, 0));
    RUN_UNTIL(nodes, 1, descriptors() < SPARE); /* what is left of a test before this one */
    size_t before = descriptors();
    uint64_t waits = look(&nodes[0]).waits, refused = look(&nodes[0]).refused;
    for (int again = 0; again < 2; again++) { /* the second time: what the first one had is free */
        pid_t greedy = stranger_start(url_port(urls.publish[0][0]), 2, hello);
        RUN_UNTIL(nodes, 1, look(&nodes[0]).refused > refused + STRANGERS / 2);
        if (hello != 0)
            RUN_UNTIL(nodes, 1, look(&nodes[0]).connections > 0);
        assert_true(look(&nodes[0]).connections <= edge_stranger_share());
        refused = look(&nodes[0]).refused;
        assert_false(look(&nodes[0]).crowded);
        assert_int_equal(look(&nodes[0]).waits, waits);
        assert_true(node_open(&nodes[1], &urls, NULL, 0));
        meet(nodes, 2);
        node_close(&nodes[1]);
        nodes[0].heard[1] = nodes[1].heard[0] = 0;
        assert_int_equal(kill(greedy, SIGKILL), 0);
        assert_int_equal(waitpid(greedy, NULL, 0), greedy);
        RUN_UNTIL(nodes, 1, look(&nodes[0]).connections == 0 && descriptors() < before + edge_stranger_share() / 2);
    }
    close_all(nodes, 1);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void test_mesh__one_address_that_greets_and_stays_has_its_share_and_no_more(void **state)
{
    (void)state;
    one_address(0x21);
}

static void test_mesh__one_address_that_says_nothing_has_its_share_and_no_more(void **state)
{
    (void)state;
    one_address(0);
}

static void test_mesh__a_low_limit_of_descriptors_is_raised_and_a_higher_one_left(void **state)
{
    (void)state;
    struct rlimit before, limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    limit = before;
    limit.rlim_cur = 1024;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(edge_stranger_mark(), 768);
    edge_stranger_limit();
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_true(limit.rlim_cur == (before.rlim_max < EDGE_STRANGER_LIMIT ? before.rlim_max : EDGE_STRANGER_LIMIT));
    assert_true(limit.rlim_max == before.rlim_max);
    assert_true(edge_stranger_mark() <= limit.rlim_cur - limit.rlim_cur / 4);
    assert_true(edge_stranger_mark() <= EDGE_STRANGER_MARK_MAX);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    edge_stranger_limit();
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_true(limit.rlim_cur >= before.rlim_cur);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mesh__calls_of_its_own_doors_find_them_well_and_leave_nothing_behind),
        cmocka_unit_test(test_mesh__a_tls_door_that_lets_nobody_in_says_so_until_it_does_again),
        cmocka_unit_test(test_mesh__calls_that_are_not_taken_down_end_and_count_as_deafness),
        cmocka_unit_test(test_mesh__one_address_that_greets_and_stays_has_its_share_and_no_more),
        cmocka_unit_test(test_mesh__one_address_that_says_nothing_has_its_share_and_no_more),
        cmocka_unit_test(test_mesh__strangers_that_say_nothing_leave_descriptors_to_the_store),
        cmocka_unit_test(test_mesh__strangers_that_never_finish_tls_leave_descriptors_to_the_store),
        cmocka_unit_test(test_mesh__strangers_that_greet_and_stay_leave_descriptors_to_the_store),
        cmocka_unit_test(test_mesh__a_low_limit_of_descriptors_is_raised_and_a_higher_one_left),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
