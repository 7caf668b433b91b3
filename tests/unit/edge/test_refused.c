/* Refused evidence is kept as it came, and never more of it than allowed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "relay/edge/refused.h"

static char folder[64];

static int setup(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/isthmus-refused-XXXXXX");
    assert_non_null(mkdtemp(folder));
    assert_int_equal(rmdir(folder), 0);
    return 0;
}

static size_t each(bool remove, uint64_t *bytes, char *first, size_t cap)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    size_t count = 0;
    *bytes = 0;
    first[0] = '\0';
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        char path[512];
        struct stat file;
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        if (stat(path, &file) != 0 || !S_ISREG(file.st_mode))
            continue;
        count++;
        *bytes += (uint64_t)file.st_size;
        if (first[0] == '\0' || strcmp(entry->d_name, first) < 0)
            snprintf(first, cap, "%s", entry->d_name);
        if (remove)
            unlink(path);
    }
    if (dir != NULL)
        closedir(dir);
    return count;
}

static int teardown(void **state)
{
    uint64_t bytes;
    char first[300];
    (void)state;
    each(true, &bytes, first, sizeof(first));
    rmdir(folder);
    return 0;
}

static void refused_evidence_lies_in_its_file_byte_for_byte(void **state)
{
    const struct edge_refused refused = {folder, 4, 1000};
    const uint8_t bytes[] = {0x9c, 0, 1, 2, 0xff};
    uint8_t back[16];
    char text[256];
    (void)state;
    assert_true(
        edge_refused_keep(&refused, 1700000000123, "node/1", "mpt-node-hash", BYTES_OF(bytes), text, sizeof(text)));
    assert_non_null(strstr(text, "/1700000000123-node_1-mpt-node-hash.evidence"));
    FILE *file = fopen(text, "rb");
    assert_non_null(file);
    assert_int_equal(fread(back, 1, sizeof(back), file), sizeof(bytes));
    assert_memory_equal(back, bytes, sizeof(bytes));
    fclose(file);
}

static void never_more_files_or_bytes_than_allowed_and_the_oldest_go_first(void **state)
{
    const struct edge_refused refused = {folder, 4, 1000};
    uint8_t bytes[900] = {0};
    char text[256], first[300];
    uint64_t total;
    (void)state;
    for (uint64_t i = 0; i < 20; i++) {
        assert_true(
            edge_refused_keep(&refused, 1700000000000 + i, "a", "r", (struct bytes){bytes, 10}, text, sizeof(text)));
        assert_true(each(false, &total, first, sizeof(first)) <= 4);
    }
    assert_non_null(strstr(first, "1700000000016"));
    assert_true(edge_refused_keep(&refused, 1700000000100, "a", "r", (struct bytes){bytes, 900}, text, sizeof(text)));
    assert_true(edge_refused_keep(&refused, 1700000000101, "a", "r", (struct bytes){bytes, 900}, text, sizeof(text)));
    assert_int_equal(each(false, &total, first, sizeof(first)), 1);
    assert_int_equal(total, 900);
    assert_non_null(strstr(first, "1700000000101"));
}

/* A clock that was ahead must not fill the folder for ever with what it dated. */
static void files_of_a_clock_that_was_ahead_go_first(void **state)
{
    const struct edge_refused refused = {folder, 3, 1000};
    const uint8_t bytes[9] = {0};
    char text[256], first[300], path[400];
    uint64_t total;
    (void)state;
    for (uint64_t i = 0; i < 3; i++)
        assert_true(edge_refused_keep(&refused, 1900000000000 + i, "a", "r", BYTES_OF(bytes), text, sizeof(text)));
    for (uint64_t i = 0; i < 4; i++)
        assert_true(edge_refused_keep(&refused, 1700000000000 + i, "a", "r", BYTES_OF(bytes), text, sizeof(text)));
    assert_int_equal(each(false, &total, first, sizeof(first)), 3);
    assert_non_null(strstr(first, "1700000000001"));
    snprintf(path, sizeof(path), "%s/1700000000003-a-r.evidence", folder);
    assert_int_equal(access(path, F_OK), 0);
}

static void what_is_too_large_or_not_wanted_is_not_kept_and_said(void **state)
{
    const struct edge_refused small = {folder, 4, 8}, none = {folder, 0, 1000},
                              nowhere = {"/proc/none/at/all", 4, 1000};
    uint8_t bytes[9] = {0};
    char text[256];
    (void)state;
    assert_false(edge_refused_keep(&small, 1, "a", "r", BYTES_OF(bytes), text, sizeof(text)));
    assert_non_null(strstr(text, "evidence_bytes"));
    assert_false(edge_refused_keep(&none, 1, "a", "r", BYTES_OF(bytes), text, sizeof(text)));
    assert_false(edge_refused_keep(&nowhere, 1, "a", "r", BYTES_OF(bytes), text, sizeof(text)));
    assert_non_null(strstr(text, "/proc/none/at/all"));
}

static void files_of_others_in_the_folder_are_left_alone(void **state)
{
    const struct edge_refused refused = {folder, 1, 100};
    uint8_t bytes[9] = {0};
    char text[256], other[128], first[300];
    uint64_t total;
    (void)state;
    assert_int_equal(mkdir(folder, 0700), 0);
    snprintf(other, sizeof(other), "%s/0-notes.txt", folder);
    FILE *file = fopen(other, "w");
    assert_non_null(file);
    fclose(file);
    for (uint64_t i = 1; i < 4; i++)
        assert_true(edge_refused_keep(&refused, i, "a", "r", BYTES_OF(bytes), text, sizeof(text)));
    assert_int_equal(each(false, &total, first, sizeof(first)), 2);
    assert_int_equal(access(other, F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(refused_evidence_lies_in_its_file_byte_for_byte, setup, teardown),
        cmocka_unit_test_setup_teardown(never_more_files_or_bytes_than_allowed_and_the_oldest_go_first, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(files_of_a_clock_that_was_ahead_go_first, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_too_large_or_not_wanted_is_not_kept_and_said, setup, teardown),
        cmocka_unit_test_setup_teardown(files_of_others_in_the_folder_are_left_alone, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
