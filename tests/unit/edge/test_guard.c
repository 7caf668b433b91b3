/*
 * The guard's file: what it said it kept, it keeps; damage is refused, never guessed away.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "relay/edge/guard.h"
#include "tests/unit/store/scratch.h"

static const uint8_t NETWORK[32] = {1};
static struct scratch folder;
static char text[512];

static int setup(void **state)
{
    (void)state;
    folder = scratch_new();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    scratch_free(&folder);
    return 0;
}

static struct edge_guard *open_guard(enum edge_guard_status expected)
{
    struct edge_guard *guard;
    text[0] = '\0';
    enum edge_guard_status status = edge_guard_open(&guard, folder.path, NETWORK, 100, text, sizeof(text));
    if (status != expected)
        fail_msg("status %d: %s", (int)status, text);
    return guard;
}

static struct edge_guard_row row(uint8_t log, uint64_t number)
{
    struct edge_guard_row out = {.number = number};
    out.log[0] = log;
    out.running[0] = (uint8_t)number;
    return out;
}

static void advance(struct edge_guard *guard, uint8_t log, uint64_t number)
{
    struct edge_guard_row next = row(log, number);
    if (!edge_guard_advance(guard, &next, 1, text, sizeof(text)))
        fail_msg("%s", text);
}

static void expect(const struct edge_guard *guard, uint8_t log, uint64_t number)
{
    struct edge_guard_row want = row(log, number);
    const struct edge_guard_row *found = edge_guard_find(guard, want.log);
    assert_non_null(found);
    assert_int_equal(found->number, number);
}

static int file_open(void)
{
    char path[300];
    snprintf(path, sizeof(path), "%s/guard", folder.path);
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    return fd;
}

static off_t file_size(void)
{
    struct stat status;
    int fd = file_open();
    assert_int_equal(fstat(fd, &status), 0);
    close(fd);
    return status.st_size;
}

static void flip(off_t at, size_t len)
{
    uint8_t bytes[512];
    int fd = file_open();
    assert_int_equal(pread(fd, bytes, len, at), len);
    for (size_t i = 0; i < len; i++)
        bytes[i] ^= 0x55;
    assert_int_equal(pwrite(fd, bytes, len, at), len);
    close(fd);
}

static void cut(off_t size)
{
    int fd = file_open();
    assert_int_equal(ftruncate(fd, size), 0);
    close(fd);
}

enum { HEADER = 72, RECORD = 194, COPY = 97 };

static void test_guard__keeps_rows_across_starts_and_never_goes_back(void **state)
{
    (void)state;
    struct edge_guard *guard = open_guard(EDGE_GUARD_OK);
    for (uint8_t log = 50; log > 0; log--)
        advance(guard, log, log);
    advance(guard, 7, 70);
    edge_guard_close(guard);
    guard = open_guard(EDGE_GUARD_OK);
    const struct edge_guard_row *rows;
    assert_int_equal(edge_guard_rows(guard, &rows), 50);
    for (size_t i = 1; i < 50; i++)
        assert_true(memcmp(rows[i - 1].log, rows[i].log, 32) < 0);
    expect(guard, 7, 70);
    struct edge_guard_row back = row(7, 69);
    assert_false(edge_guard_advance(guard, &back, 1, text, sizeof(text)));
    back = row(8, 80);
    assert_false(edge_guard_advance(guard, &back, 1, text, sizeof(text))); /* stopped for good */
    edge_guard_close(guard);
    guard = open_guard(EDGE_GUARD_OK);
    struct edge_guard_row other = row(7, 70);
    other.running[5] = 1; /* another word for the same number */
    assert_false(edge_guard_advance(guard, &other, 1, text, sizeof(text)));
    edge_guard_close(guard);
}

static void test_guard__one_signer_at_a_time(void **state)
{
    (void)state;
    struct edge_guard *guard = open_guard(EDGE_GUARD_OK);
    char who[64];
    assert_null(open_guard(EDGE_GUARD_BUSY));
    snprintf(who, sizeof(who), "another signer (process %ld) has it open", (long)getpid());
    assert_non_null(strstr(text, who));
    edge_guard_close(guard);
}

static void test_guard__of_another_network_is_refused(void **state)
{
    static const uint8_t other[32] = {2};
    struct edge_guard *guard = open_guard(EDGE_GUARD_OK);
    (void)state;
    edge_guard_close(guard);
    assert_int_equal(edge_guard_open(&guard, folder.path, other, 1, text, sizeof(text)), EDGE_GUARD_OTHER_NETWORK);
    assert_null(guard);
}

static void test_guard__one_rotten_copy_is_healed_by_the_other(void **state)
{
    (void)state;
    for (off_t copy = 0; copy < 2; copy++) {
        struct edge_guard *guard = open_guard(EDGE_GUARD_OK);
        advance(guard, 1, 5 + (uint64_t)copy);
        off_t at = file_size() - RECORD + copy * COPY;
        edge_guard_close(guard);
        flip(at, COPY);
        guard = open_guard(EDGE_GUARD_OK);
        expect(guard, 1, 5 + (uint64_t)copy);
        edge_guard_close(guard);
    }
}

static void test_guard__a_torn_last_write_is_dropped(void **state)
{
    (void)state;
    for (off_t torn = 1; torn <= RECORD; torn += 32) {
        struct edge_guard *guard = open_guard(EDGE_GUARD_OK);
        const struct edge_guard_row *rows;
        uint64_t before = edge_guard_rows(guard, &rows) ? rows[0].number : 0;
        advance(guard, 1, before + 1);
        off_t size = file_size();
        advance(guard, 1, before + 2); /* this one tears: its signature never left */
        edge_guard_close(guard);
        cut(size + torn - 1);
        guard = open_guard(EDGE_GUARD_OK);
        expect(guard, 1, before + 1);
        advance(guard, 1, before + 3); /* and what comes after it is kept */
        edge_guard_close(guard);
        guard = open_guard(EDGE_GUARD_OK);
        expect(guard, 1, before + 3);
        edge_guard_close(guard);
    }
}

static void test_guard__damage_that_no_crash_makes_stops_it(void **state)
{
    (void)state;
    struct edge_guard *guard = open_guard(EDGE_GUARD_OK);
    for (uint8_t log = 1; log <= 4; log++)
        advance(guard, log, log);
    edge_guard_close(guard);
    edge_guard_close(open_guard(EDGE_GUARD_OK)); /* compacted: all four were there when the file got its name */
    flip(HEADER + RECORD, RECORD);               /* both copies in the middle */
    open_guard(EDGE_GUARD_CORRUPT);
    assert_non_null(strstr(text, "never delete it"));
    flip(HEADER + RECORD, RECORD);
    flip(HEADER + 3 * RECORD, RECORD); /* both copies of the last */
    open_guard(EDGE_GUARD_CORRUPT);
    flip(HEADER + 3 * RECORD, RECORD);
    flip(50, 1); /* the header */
    open_guard(EDGE_GUARD_CORRUPT);
    flip(50, 1);
    cut(HEADER + 3 * RECORD);
    open_guard(EDGE_GUARD_CORRUPT);
    cut(10);
    open_guard(EDGE_GUARD_CORRUPT);
}

static void test_guard__a_hole_before_later_groups_is_no_torn_end(void **state)
{
    (void)state;
    struct edge_guard *guard = open_guard(EDGE_GUARD_OK);
    for (uint64_t number = 1; number <= 4; number++)
        advance(guard, 1, number);
    edge_guard_close(guard);
    flip(HEADER + RECORD, RECORD); /* the second of four groups */
    open_guard(EDGE_GUARD_CORRUPT);
}

static void test_guard__a_whole_group_that_is_gone_before_the_last_one_is_no_torn_end(void **state)
{
    (void)state;
    struct edge_guard *guard = open_guard(EDGE_GUARD_OK);
    struct edge_guard_row last[2] = {row(4, 1), row(5, 1)};
    for (uint8_t log = 1; log <= 3; log++)
        advance(guard, log, 1);
    assert_true(edge_guard_advance(guard, last, 2, text, sizeof(text)));
    edge_guard_close(guard);
    flip(HEADER + 2 * RECORD, RECORD); /* the third group: synced, and signed under; the fourth is whole */
    open_guard(EDGE_GUARD_CORRUPT);
    flip(HEADER + 2 * RECORD, RECORD);
    flip(HEADER + 3 * RECORD, RECORD); /* the first half of the last group: a crash may do that */
    guard = open_guard(EDGE_GUARD_OK);
    expect(guard, 3, 1);
    expect(guard, 5, 1);
    edge_guard_close(guard);
}

static void file_path(char path[300], const char *name)
{
    snprintf(path, 300, "%s/%s", folder.path, name);
}

static void test_guard__a_file_that_is_gone_is_a_loss_and_no_beginning(void **state)
{
    (void)state;
    char path[300];
    file_path(path, "guard");
    edge_guard_close(open_guard(EDGE_GUARD_OK));
    assert_int_equal(unlink(path), 0); /* nothing was signed: it may begin again */
    struct edge_guard *guard = open_guard(EDGE_GUARD_OK);
    advance(guard, 1, 5);
    edge_guard_close(guard);
    assert_int_equal(unlink(path), 0);
    assert_null(open_guard(EDGE_GUARD_LOST));
    assert_non_null(strstr(text, "adopt by name"));
    /* The operator begins again; before a head is adopted it is as lost as before. */
    assert_int_equal(edge_guard_open_lost(&guard, folder.path, NETWORK, 100, text, sizeof(text)), EDGE_GUARD_OK);
    edge_guard_close(guard);
    assert_null(open_guard(EDGE_GUARD_LOST));
    assert_int_equal(edge_guard_open_lost(&guard, folder.path, NETWORK, 100, text, sizeof(text)), EDGE_GUARD_OK);
    advance(guard, 1, 5);
    edge_guard_close(guard);
    guard = open_guard(EDGE_GUARD_OK);
    expect(guard, 1, 5);
    edge_guard_close(guard);
}

/* Whoever has no copy of a damaged one is told the way out, and it is one: nothing is signed before a head is adopted. */
static void test_guard__that_is_damaged_and_has_no_copy_can_be_left(void **state)
{
    static const long at[] = {3, HEADER - 3, HEADER + 2};
    (void)state;
    char path[300], aside[300];
    file_path(path, "guard");
    file_path(aside, "guard.damaged");
    for (size_t i = 0; i < sizeof(at) / sizeof(*at); i++) {
        struct edge_guard *guard = open_guard(EDGE_GUARD_OK);
        advance(guard, 1, 5 + i);
        edge_guard_close(guard);
        flip(at[i], at[i] < HEADER ? 1 : RECORD);
        assert_null(open_guard(EDGE_GUARD_CORRUPT));
        assert_non_null(strstr(text, "move the file `guard` away"));
        assert_int_equal(edge_guard_open_lost(&guard, folder.path, NETWORK, 100, text, sizeof(text)),
                         EDGE_GUARD_CORRUPT);
        assert_int_equal(rename(path, aside), 0);
        assert_null(open_guard(EDGE_GUARD_LOST));
        assert_int_equal(edge_guard_open_lost(&guard, folder.path, NETWORK, 100, text, sizeof(text)), EDGE_GUARD_OK);
        advance(guard, 1, 5 + i);
        edge_guard_close(guard);
    }
}

static void test_guard__of_a_folder_without_the_mark_gets_it_when_it_is_opened(void **state)
{
    (void)state;
    char path[300];
    struct edge_guard *guard = open_guard(EDGE_GUARD_OK);
    advance(guard, 1, 5);
    edge_guard_close(guard);
    file_path(path, "signed");
    assert_int_equal(unlink(path), 0); /* as an older version left it */
    edge_guard_close(open_guard(EDGE_GUARD_OK));
    assert_int_equal(access(path, F_OK), 0);
}

static void test_guard__in_a_folder_that_others_may_write_is_refused(void **state)
{
    (void)state;
    edge_guard_close(open_guard(EDGE_GUARD_OK));
    assert_int_equal(chmod(folder.path, 0770), 0);
    assert_null(open_guard(EDGE_GUARD_PERMISSIONS));
    assert_int_equal(chmod(folder.path, 0755), 0);
    edge_guard_close(open_guard(EDGE_GUARD_OK));
}

static void test_guard__frozen_stays_frozen_until_it_is_thawed(void **state)
{
    (void)state;
    struct edge_guard *guard = open_guard(EDGE_GUARD_OK);
    advance(guard, 1, 5);
    struct edge_guard_row frozen = row(1, 5);
    frozen.frozen = true;
    assert_true(edge_guard_advance(guard, &frozen, 1, text, sizeof(text)));
    edge_guard_close(guard);
    guard = open_guard(EDGE_GUARD_OK);
    assert_true(edge_guard_find(guard, frozen.log)->frozen);
    assert_true(edge_guard_thaw(guard, frozen.log, text, sizeof(text)));
    assert_false(edge_guard_thaw(guard, frozen.log, text, sizeof(text)));
    edge_guard_close(guard);
    guard = open_guard(EDGE_GUARD_OK);
    assert_false(edge_guard_find(guard, frozen.log)->frozen);
    expect(guard, 1, 5);
    edge_guard_close(guard);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_guard__keeps_rows_across_starts_and_never_goes_back),
        TEST(test_guard__one_signer_at_a_time),
        TEST(test_guard__of_another_network_is_refused),
        TEST(test_guard__one_rotten_copy_is_healed_by_the_other),
        TEST(test_guard__a_torn_last_write_is_dropped),
        TEST(test_guard__damage_that_no_crash_makes_stops_it),
        TEST(test_guard__a_hole_before_later_groups_is_no_torn_end),
        TEST(test_guard__a_whole_group_that_is_gone_before_the_last_one_is_no_torn_end),
        TEST(test_guard__a_file_that_is_gone_is_a_loss_and_no_beginning),
        TEST(test_guard__that_is_damaged_and_has_no_copy_can_be_left),
        TEST(test_guard__of_a_folder_without_the_mark_gets_it_when_it_is_opened),
        TEST(test_guard__in_a_folder_that_others_may_write_is_refused),
        TEST(test_guard__frozen_stays_frozen_until_it_is_thawed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
