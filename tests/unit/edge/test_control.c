/* The control socket when the process has no descriptor left: it waits, and takes no processor while it does. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "relay/edge/control.h"
#include "relay/edge/loop.h"
#include "tests/unit/store/scratch.h"

enum { FDS = 256, WAIT_MS = 700, BUSY_MS = 100, PATIENCE_MS = 100000 };

struct fixture {
    struct edge_loop *loop;
    struct edge_timer *timer, *patience;
    struct edge_watch *watch;
    int client, fillers[FDS];
    size_t fillers_len;
    uint64_t spent_ms; /* processor time while it waited */
};

static uint64_t processor_ms(void)
{
    struct timespec spent;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
    return (uint64_t)spent.tv_sec * 1000u + (uint64_t)spent.tv_nsec / 1000000u;
}

/* It has waited long enough: there are descriptors again. */
static void waited(void *context)
{
    struct fixture *fixture = context;
    fixture->spent_ms = processor_ms() - fixture->spent_ms;
    while (fixture->fillers_len > 0)
        close(fixture->fillers[--fixture->fillers_len]);
}

static void answered(void *context, bool readable, bool writable)
{
    struct fixture *fixture = context;
    (void)readable, (void)writable;
    edge_loop_stop(fixture->loop, 1);
}

static void too_late(void *context)
{
    struct fixture *fixture = context;
    edge_loop_stop(fixture->loop, 2);
}

static void test_control__without_descriptors_clients_wait_and_the_loop_does_not_spin(void **state)
{
    struct fixture fixture = {.loop = edge_loop_new()};
    struct scratch scratch = scratch_new();
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct rlimit limit = {FDS, FDS};
    char text[256];
    (void)state;
    snprintf(address.sun_path, sizeof(address.sun_path), "%.90s/c", scratch.path);
    struct edge_control *control =
        edge_control_new(&(struct edge_control_options){.loop = fixture.loop, .path = address.sun_path, .mode = 0600},
                         text, sizeof(text));
    assert_non_null(control);
    fixture.client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    fixture.watch = edge_watch_new(fixture.loop, fixture.client, answered, &fixture);
    fixture.timer = edge_timer_new(fixture.loop, waited, &fixture);
    fixture.patience = edge_timer_new(fixture.loop, too_late, &fixture);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    for (int fd; (fd = open("/dev/null", O_RDONLY)) >= 0;)
        fixture.fillers[fixture.fillers_len++] = fd;
    assert_int_equal(errno, EMFILE);
    assert_int_equal(connect(fixture.client, (struct sockaddr *)&address, sizeof(address)), 0);
    char request[EDGE_CONTROL_REQUEST_MAX]; /* no line: it is refused without a look at any relay */
    memset(request, 'x', sizeof(request));
    assert_int_equal(send(fixture.client, request, sizeof(request), MSG_NOSIGNAL), sizeof(request));
    edge_watch_set(fixture.watch, true, false);
    edge_timer_set(fixture.timer, WAIT_MS);
    edge_timer_set(fixture.patience, PATIENCE_MS);
    fixture.spent_ms = processor_ms();
    assert_int_equal(edge_loop_run(fixture.loop), 1); /* it is let in and answered after all */
    print_message("%d ms of processor time in %d ms without descriptors\n", (int)fixture.spent_ms, (int)WAIT_MS);
    assert_in_range(fixture.spent_ms, 0, BUSY_MS);
    edge_watch_free(fixture.watch);
    edge_timer_free(fixture.timer);
    edge_timer_free(fixture.patience);
    close(fixture.client);
    edge_control_free(control);
    edge_loop_free(fixture.loop);
    scratch_free(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_control__without_descriptors_clients_wait_and_the_loop_does_not_spin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
