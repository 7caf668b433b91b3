/*
 * Log lines: escaped, limited by reason, counted when left out, and the newest kept.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <unistd.h>

#include "relay/edge/log.h"

static char written[1 << 20];

/* What was written since the last call. */
static const char *look(int fd)
{
    static off_t at;
    ssize_t got = pread(fd, written, sizeof(written) - 1, at);
    written[got > 0 ? got : 0] = '\0';
    at += got > 0 ? got : 0;
    return written;
}

static int fd;

static int setup(void **state)
{
    char path[] = "/tmp/isthmus-log-XXXXXX";
    (void)state;
    fd = mkstemp(path);
    edge_log_to(fd);
    return fd < 0 || unlink(path) != 0;
}

static void test_log__a_line_is_pairs_and_nothing_from_outside_breaks_it(void **state)
{
    (void)state;
    edge_log(RELAY_WARNING, "test-line", "a b", "say \"x\"\n%c", 0x1b);
    const char *text = look(fd);
    assert_non_null(strstr(text, " level=warning reason=test-line subject=a b text=\"say \\\"x\\\"\\x0a\\x1b\"\n"));
    edge_log(RELAY_DEBUG, "test-line", NULL, "below the level");
    assert_string_equal(look(fd), "");
}

static void test_log__a_storm_of_one_reason_is_limited_and_counted_and_stops_no_other(void **state)
{
    struct edge_log_line line;
    uint64_t before = edge_log_suppressed(), newest = edge_log_newest();
    size_t lines = 0;
    (void)state;
    for (int i = 0; i < 5000; i++)
        edge_log(RELAY_INFO, "test-storm", NULL, "%d", i);
    edge_log(RELAY_INFO, "test-calm", "lane/7", "heard");
    const char *text = look(fd);
    for (const char *at = text; (at = strstr(at, "reason=test-storm")) != NULL; at++)
        lines++;
    assert_in_range(lines, EDGE_LOG_BURST, EDGE_LOG_BURST + 30 * EDGE_LOG_PER_SECOND);
    assert_non_null(strstr(text, "reason=test-calm subject=lane/7"));
    assert_int_equal(edge_log_suppressed() - before, 5000 - lines);
    assert_true(edge_log_kept(&line, newest));
    assert_string_equal(line.reason, "test-storm");
    assert_int_equal(line.number, newest + 1);
    assert_true(edge_log_kept(&line, edge_log_newest() - 1));
    assert_string_equal(line.subject, "lane/7");
    assert_string_equal(line.text, "heard");
    assert_false(edge_log_kept(&line, edge_log_newest()));
}

static void test_log__keeps_the_newest_and_shows_which_are_gone(void **state)
{
    static const char *const reasons[] = {"k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7", "k8", "k9",
                                          "l0", "l1", "l2", "l3", "l4", "l5", "l6", "l7", "l8", "l9"};
    struct edge_log_line line;
    uint64_t before = edge_log_newest();
    (void)state;
    for (int i = 0; i < 20 * EDGE_LOG_BURST; i++)
        edge_log(RELAY_INFO, reasons[i % 20], NULL, "%d", i);
    assert_int_equal(edge_log_newest(), before + 20 * EDGE_LOG_BURST);
    assert_true(edge_log_kept(&line, before)); /* the one after it is gone: this is the oldest that is kept */
    assert_int_equal(line.number, edge_log_newest() - EDGE_LOG_KEPT + 1);
}

static void test_log__gives_the_newest_lines_that_somebody_wants(void **state)
{
    const struct edge_log_filter lane = {.lane = "east"}, loud = {.lane = "east", .level = RELAY_WARNING},
                                 other = {.reason = "test-other"};
    struct edge_log_line line;
    uint64_t before = edge_log_newest();
    (void)state;
    edge_log(RELAY_WARNING, "test-want", "east/1", "one");   /* before + 1 */
    edge_log(RELAY_INFO, "test-want", "east", "two");        /* + 2 */
    edge_log(RELAY_ALARM, "test-other", "eastern/3", "no");  /* + 3: another lane */
    edge_log(RELAY_INFO, "test-want", "east/4", "four");     /* + 4 */
    assert_int_equal(edge_log_before(2, &lane), before + 1); /* the newest two stand behind the first */
    assert_int_equal(edge_log_before(1, &loud), before);
    assert_int_equal(edge_log_before(1, &other), before + 2);
    assert_int_equal(edge_log_before(0, &lane), edge_log_newest());
    assert_true(edge_log_kept(&line, before + 2));
    assert_false(edge_log_wanted(&line, &lane));
    assert_true(edge_log_wanted(&line, &other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log__a_line_is_pairs_and_nothing_from_outside_breaks_it),
        cmocka_unit_test(test_log__a_storm_of_one_reason_is_limited_and_counted_and_stops_no_other),
        cmocka_unit_test(test_log__keeps_the_newest_and_shows_which_are_gone),
        cmocka_unit_test(test_log__gives_the_newest_lines_that_somebody_wants),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
