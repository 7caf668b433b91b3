/*
 * The server for monitors keeps its bounds: what asks wrongly, slowly or too often keeps nobody else out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "relay/edge/http.h"
#include "relay/edge/log.h"
#include "relay/edge/loop.h"

enum { BIG = 3 << 20, FDS = 256, WAIT_MS = 700, BUSY_MS = 100, PATIENCE_MS = 100000 };

static struct world {
    struct edge_loop *loop;
    struct edge_http *http;
    struct edge_wake *wake;
    int stop_fd;
    pthread_t thread;
} world;

static void answer(void *context, const char *path, struct edge_http_answer *out)
{
    (void)context;
    out->status = strcmp(path, "/none") == 0 ? 503 : 200;
    if (strcmp(path, "/big") == 0) {
        out->body = malloc(BIG);
        memset(out->body, 'b', BIG);
        out->len = BIG;
    } else if (strcmp(path, "/memory") != 0) {
        out->body = strdup(path);
        out->len = strlen(path);
    }
}

static void stop(void *context)
{
    edge_loop_stop(context, 0);
}

static void *run(void *context)
{
    edge_loop_run(context);
    return NULL;
}

static int setup(void **state)
{
    char why[256];
    (void)state;
    edge_log_level(RELAY_ALARM);
    world.loop = edge_loop_new();
    world.wake = edge_wake_new(world.loop, &world.stop_fd, stop, world.loop);
    world.http = edge_http_new(
        &(struct edge_http_options){.loop = world.loop, .listen = "127.0.0.1:0", .answer = answer}, why, sizeof why);
    return world.http == NULL || pthread_create(&world.thread, NULL, run, world.loop) != 0;
}

static int teardown(void **state)
{
    const uint64_t one = 1;
    (void)state;
    if (write(world.stop_fd, &one, sizeof one) != sizeof one)
        return 1;
    pthread_join(world.thread, NULL);
    edge_http_free(world.http);
    edge_wake_free(world.wake);
    edge_loop_free(world.loop);
    return 0;
}

static int dial(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    to.sin_port = htons((uint16_t)strtoul(strrchr(edge_http_address(world.http), ':') + 1, NULL, 10));
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

/* All that comes until the end; free() it. */
static char *rest(int fd, size_t *len)
{
    char *text = malloc(BIG + 4096);
    ssize_t got;
    *len = 0;
    while ((got = recv(fd, text + *len, BIG + 4095 - *len, 0)) > 0)
        *len += (size_t)got;
    text[*len] = '\0';
    close(fd);
    return text;
}

static void asks(const char *request, const char *status, const char *end)
{
    size_t len;
    int fd = dial();
    assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
    char *text = rest(fd, &len);
    assert_int_equal(strncmp(text, status, strlen(status)), 0);
    assert_true(len >= strlen(end));
    assert_string_equal(text + len - strlen(end), end);
    free(text);
}

static void test_http__answers_a_get_whole_and_closes(void **state)
{
    (void)state;
    asks("GET /metrics?x=1 HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK\r\n", "\r\n\r\n/metrics");
    asks("GET /none HTTP/1.0\n\n", "HTTP/1.1 503 ", "/none");
    asks("HEAD /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n", "Connection: close\r\n\r\n");
    asks("GET /memory HTTP/1.1\r\n\r\n", "HTTP/1.1 500 ", "no memory\n");
    size_t len;
    int fd = dial();
    assert_int_equal(send(fd, "GET /big HTTP/1.1\r\n\r\n", 21, 0), 21);
    char *text = rest(fd, &len);
    assert_true(len > BIG && len < BIG + 400);
    free(text);
}

static void test_http__refuses_what_is_no_get(void **state)
{
    char *longest = malloc(EDGE_HTTP_REQUEST_MAX);
    (void)state;
    asks("POST /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 405 ", "\n");
    asks("hello\r\n\r\n", "HTTP/1.1 400 ", "\n");
    asks("GET metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 400 ", "\n");
    asks("GET /metrics HTTP/2\r\n\r\n", "HTTP/1.1 400 ", "\n");
    asks("GET /metrics HTTP/1.x\r\n\r\n", "HTTP/1.1 400 ", "\n");
    memset(longest, 'a', EDGE_HTTP_REQUEST_MAX);
    memcpy(longest, "GET /", 5);
    longest[EDGE_HTTP_REQUEST_MAX - 1] = '\0';
    asks(longest, "HTTP/1.1 431 ", "\n");
    memcpy(longest + 2000, " HTTP/1.1\r\n\r\n", 14);
    asks(longest, "HTTP/1.1 404 ", "\n");
    static const char zero[] = "GET /metrics\0x HTTP/1.1\r\n\r\n";
    int fd = dial();
    size_t len;
    assert_int_equal(send(fd, zero, sizeof zero - 1, MSG_NOSIGNAL), sizeof zero - 1);
    char *text = rest(fd, &len);
    assert_int_equal(strncmp(text, "HTTP/1.1 404 ", 13), 0); /* it is not /metrics */
    free(text);
    free(longest);
}

static void test_http__connections_that_say_nothing_keep_nobody_out(void **state)
{
    int idle[3 * EDGE_HTTP_CLIENTS_MAX];
    size_t ended = 0;
    char byte;
    (void)state;
    for (size_t i = 0; i < sizeof idle / sizeof *idle; i++) {
        idle[i] = dial();
        assert_int_equal(send(idle[i], "GET /me", 7, MSG_NOSIGNAL), 7);
        if (i % 7 == 0)
            asks("GET /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n", "/metrics");
    }
    asks("GET /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n", "/metrics");
    for (size_t i = 0; i < 2 * EDGE_HTTP_CLIENTS_MAX; i++) /* those came first, and had to go */
        ended += recv(idle[i], &byte, 1, 0) <= 0;
    assert_int_equal(ended, 2 * EDGE_HTTP_CLIENTS_MAX);
    for (size_t i = 0; i < sizeof idle / sizeof *idle; i++)
        close(idle[i]);
}

static uint64_t processor_ms(void)
{
    struct timespec spent;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
    return (uint64_t)spent.tv_sec * 1000u + (uint64_t)spent.tv_nsec / 1000000u;
}

/* Nothing takes a connection off the queue without a descriptor: it must not be looked at all the time. */
static void test_http__without_descriptors_a_monitor_waits_and_the_loop_does_not_spin(void **state)
{
    static const char request[] = "GET /metrics HTTP/1.1\r\n\r\n";
    struct rlimit before, limit = {FDS, FDS};
    int fillers[FDS];
    size_t fillers_len = 0, len;
    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    limit.rlim_max = before.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    for (int fd; (fd = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;)
        fillers[fillers_len++] = fd;
    assert_int_equal(errno, EMFILE);
    close(fillers[--fillers_len]);
    int fd = dial(); /* the last one */
    assert_int_equal(send(fd, request, sizeof request - 1, MSG_NOSIGNAL), sizeof request - 1);
    struct pollfd answered = {.fd = fd, .events = POLLIN};
    uint64_t spent = processor_ms();
    assert_int_equal(poll(&answered, 1, WAIT_MS), 0);
    spent = processor_ms() - spent;
    while (fillers_len > 0)
        close(fillers[--fillers_len]);
    setrlimit(RLIMIT_NOFILE, &before);
    print_message("%d ms of processor time in %d ms without descriptors\n", (int)spent, (int)WAIT_MS);
    assert_int_equal(poll(&answered, 1, PATIENCE_MS), 1); /* it is let in after all */
    char *text = rest(fd, &len);
    assert_int_equal(strncmp(text, "HTTP/1.1 200 ", 13), 0);
    free(text);
    assert_in_range(spent, 0, BUSY_MS);
}

static void test_http__addresses_are_numbers(void **state)
{
    (void)state;
    assert_true(edge_http_address_valid("127.0.0.1:9464"));
    assert_true(edge_http_address_valid("[::1]:9464"));
    assert_true(edge_http_address_valid("0.0.0.0:0"));
    const char *const bad[] = {"",          "9464",       ":9464",           "localhost:9464",
                               "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:1x",
                               "::1:9464",  "[::1:9464"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(edge_http_address_valid(bad[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        /* the first: connections of others that the server still closes would give descriptors back */
        cmocka_unit_test(test_http__without_descriptors_a_monitor_waits_and_the_loop_does_not_spin),
        cmocka_unit_test(test_http__answers_a_get_whole_and_closes),
        cmocka_unit_test(test_http__refuses_what_is_no_get),
        cmocka_unit_test(test_http__connections_that_say_nothing_keep_nobody_out),
        cmocka_unit_test(test_http__addresses_are_numbers),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
