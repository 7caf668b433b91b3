/*
 * Key files: what is written is read back, nothing else opens them, and damage has a name.
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
#include <unistd.h>

#include <cmocka.h>

#include "relay/edge/keyfile.h"
#include "tests/unit/store/scratch.h"

static const enum proof_suite SUITES[] = {PROOF_SUITE_KECCAK256_SECP256K1, PROOF_SUITE_SHA256_P256, PROOF_SUITE_SM3_SM2,
                                          PROOF_SUITE_BLAKE2B256_ED25519};

static struct scratch folder;
static char path[300], text[256];

static struct bytes phrase(const char *words)
{
    return (struct bytes){(const uint8_t *)words, strlen(words)};
}

static int setup(void **state)
{
    (void)state;
    folder = scratch_new();
    snprintf(path, sizeof(path), "%s/a.key", folder.path);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    scratch_free(&folder);
    return 0;
}

static enum edge_keyfile_status create(enum proof_suite suite, uint8_t secret[32], const char *words)
{
    assert_true(edge_keyfile_secret(secret, suite));
    return edge_keyfile_create(NULL, path, suite, secret, words ? phrase(words) : (struct bytes){NULL, 0},
                               EDGE_KEYFILE_COST_TEST, text, sizeof(text));
}

static enum edge_keyfile_status open_with(const char *words, uint8_t secret[32])
{
    struct edge_keyfile file;
    return edge_keyfile_open(&file, secret, path, words ? phrase(words) : (struct bytes){NULL, 0}, text, sizeof(text));
}

static void test_keyfile__opens_with_its_passphrase_and_no_other(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        uint8_t secret[32], found[32];
        struct edge_keyfile file;
        struct proof_key key;
        assert_int_equal(create(SUITES[i], secret, "correct horse"), EDGE_KEYFILE_OK);
        assert_int_equal(edge_keyfile_look(&file, path, text, sizeof(text)), EDGE_KEYFILE_OK);
        assert_true(proof_key_from_secret(&key, SUITES[i], secret));
        assert_true(file.encrypted && file.key.suite == SUITES[i]);
        assert_memory_equal(file.key.id, key.id, 32);
        assert_memory_equal(file.key.point, key.point, 64);
        assert_int_equal(open_with("correct horse", found), EDGE_KEYFILE_OK);
        assert_memory_equal(found, secret, 32);
        static const uint8_t zero[32];
        assert_int_equal(open_with("correct horsf", found), EDGE_KEYFILE_WRONG);
        assert_memory_equal(found, zero, 32);
        assert_int_equal(open_with(NULL, found), EDGE_KEYFILE_NEEDS_PASSPHRASE);
        assert_int_equal(unlink(path), 0);
    }
}

static void test_keyfile__is_never_overwritten_and_only_its_owner_reads_it(void **state)
{
    uint8_t secret[32], found[32];
    struct stat status;
    (void)state;
    assert_int_equal(create(SUITES[3], secret, "a"), EDGE_KEYFILE_OK);
    assert_int_equal(create(SUITES[3], found, "b"), EDGE_KEYFILE_EXISTS);
    assert_int_equal(open_with("a", found), EDGE_KEYFILE_OK);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
}

static void test_keyfile__an_unencrypted_one_that_others_can_read_is_refused(void **state)
{
    uint8_t secret[32], found[32];
    (void)state;
    assert_int_equal(create(SUITES[0], secret, NULL), EDGE_KEYFILE_OK);
    assert_int_equal(open_with(NULL, found), EDGE_KEYFILE_OK);
    assert_memory_equal(found, secret, 32);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(open_with(NULL, found), EDGE_KEYFILE_OPEN);
    assert_non_null(strstr(text, "chmod 600"));
}

static size_t content_read(char *content, size_t cap)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t len = fread(content, 1, cap, file);
    fclose(file);
    return len;
}

static void content_write(const char *content, size_t len)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(content, 1, len, file), len);
    fclose(file);
    assert_int_equal(chmod(path, 0600), 0);
}

static void test_keyfile__no_truncation_and_no_changed_character_opens(void **state)
{
    uint8_t secret[32], found[32];
    char content[EDGE_KEYFILE_MAX];
    (void)state;
    assert_int_equal(create(SUITES[3], secret, "a"), EDGE_KEYFILE_OK);
    size_t len = content_read(content, sizeof(content));
    for (size_t cut = 0; cut < len; cut++) {
        content_write(content, cut);
        assert_int_not_equal(open_with("a", found), EDGE_KEYFILE_OK);
    }
    for (size_t at = 0; at < len; at++) {
        char before = content[at];
        content[at] = before == '1' ? '2' : '1';
        content_write(content, len);
        assert_int_not_equal(open_with("a", found), EDGE_KEYFILE_OK);
        content[at] = before;
    }
    content_write(content, len);
    assert_int_equal(open_with("a", found), EDGE_KEYFILE_OK);
}

static void test_keyfile__a_newer_version_and_other_files_are_named(void **state)
{
    uint8_t found[32];
    (void)state;
    assert_int_equal(open_with("a", found), EDGE_KEYFILE_MISSING);
    content_write("isthmus-key 2\n", 14);
    assert_int_equal(open_with("a", found), EDGE_KEYFILE_VERSION);
    content_write("hello\n", 6);
    assert_int_equal(open_with("a", found), EDGE_KEYFILE_MALFORMED);
    unlink(path);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(open_with("a", found), EDGE_KEYFILE_OPEN);
}

static void test_passphrase__comes_from_a_file_a_descriptor_or_a_file_named_by_the_environment(void **state)
{
    uint8_t words[EDGE_PASSPHRASE_MAX];
    char where[320];
    size_t len;
    (void)state;
    content_write("correct horse\nsecond line\n", 26);
    assert_true(edge_keyfile_passphrase(words, &len, path, text, sizeof(text)));
    assert_int_equal(len, 13);
    assert_memory_equal(words, "correct horse", 13);
    setenv("ISTHMUS_TEST_PASSPHRASE", path, 1);
    assert_true(edge_keyfile_passphrase(words, &len, "env:ISTHMUS_TEST_PASSPHRASE", text, sizeof(text)));
    int fd = open(path, O_RDONLY);
    snprintf(where, sizeof(where), "fd:%d", fd);
    assert_true(edge_keyfile_passphrase(words, &len, where, text, sizeof(text)));
    assert_int_equal(len, 13);
    close(fd);
    assert_false(edge_keyfile_passphrase(words, &len, "fd:x", text, sizeof(text)));
    assert_false(edge_keyfile_passphrase(words, &len, "env:ISTHMUS_TEST_NOTHING", text, sizeof(text)));
    content_write("\nsecond\n", 8);
    assert_false(edge_keyfile_passphrase(words, &len, path, text, sizeof(text)));
    assert_int_equal(len, 0);
}

static void test_passphrase__of_random_bytes_is_refused_and_never_cut_short(void **state)
{
    uint8_t words[EDGE_PASSPHRASE_MAX];
    size_t len;
    (void)state;
    content_write("ab\0cdefghijklmnopqrstuvwxyz\n", 28);
    assert_false(edge_keyfile_passphrase(words, &len, path, text, sizeof(text)));
    assert_int_equal(len, 0);
    assert_non_null(strstr(text, "zero byte"));
    content_write("abc\n\0", 5); /* what follows the first line does not matter */
    assert_true(edge_keyfile_passphrase(words, &len, path, text, sizeof(text)));
    assert_int_equal(len, 3);
}

static void test_passphrase__a_file_that_others_may_read_is_refused_and_a_descriptor_is_not_looked_at(void **state)
{
    static const mode_t open_modes[] = {0640, 0604, 0660, 0644};
    uint8_t words[EDGE_PASSPHRASE_MAX];
    char where[32];
    size_t len;
    (void)state;
    content_write("correct horse\n", 14);
    for (size_t i = 0; i < sizeof(open_modes) / sizeof(*open_modes); i++) {
        assert_int_equal(chmod(path, open_modes[i]), 0);
        assert_false(edge_keyfile_passphrase(words, &len, path, text, sizeof(text)));
        assert_int_equal(len, 0);
        assert_non_null(strstr(text, "chmod 600"));
    }
    int fd = open(path, O_RDONLY);
    snprintf(where, sizeof(where), "fd:%d", fd);
    assert_true(edge_keyfile_passphrase(words, &len, where, text, sizeof(text)));
    close(fd);
    assert_int_equal(chmod(path, 0400), 0);
    assert_true(edge_keyfile_passphrase(words, &len, path, text, sizeof(text)));
}

static void test_pem__a_key_that_others_may_read_is_refused_and_a_certificate_is_not(void **state)
{
    char *pem = NULL;
    (void)state;
    content_write("-----BEGIN PRIVATE KEY-----\n", 28);
    assert_int_equal(chmod(path, 0644), 0);
    assert_false(edge_keyfile_pem(&pem, path, true, text, sizeof(text)));
    assert_null(pem);
    assert_non_null(strstr(text, "others may read it"));
    assert_int_equal(chmod(path, 0620), 0);
    assert_false(edge_keyfile_pem(&pem, path, true, text, sizeof(text)));
    assert_int_equal(chmod(path, 0640), 0); /* a group of those that share a certificate */
    assert_true(edge_keyfile_pem(&pem, path, true, text, sizeof(text)));
    assert_string_equal(pem, "-----BEGIN PRIVATE KEY-----\n");
    free(pem);
    assert_int_equal(chmod(path, 0644), 0);
    assert_true(edge_keyfile_pem(&pem, path, false, text, sizeof(text)));
    free(pem);
    assert_int_equal(truncate(path, 0), 0);
    assert_false(edge_keyfile_pem(&pem, path, false, text, sizeof(text)));
    assert_int_equal(truncate(path, EDGE_PEM_MAX + 1), 0);
    assert_false(edge_keyfile_pem(&pem, path, false, text, sizeof(text)));
    assert_non_null(strstr(text, "64 KiB"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_keyfile__opens_with_its_passphrase_and_no_other),
        TEST(test_keyfile__is_never_overwritten_and_only_its_owner_reads_it),
        TEST(test_keyfile__an_unencrypted_one_that_others_can_read_is_refused),
        TEST(test_keyfile__no_truncation_and_no_changed_character_opens),
        TEST(test_keyfile__a_newer_version_and_other_files_are_named),
        TEST(test_passphrase__comes_from_a_file_a_descriptor_or_a_file_named_by_the_environment),
        TEST(test_passphrase__of_random_bytes_is_refused_and_never_cut_short),
        TEST(test_passphrase__a_file_that_others_may_read_is_refused_and_a_descriptor_is_not_looked_at),
        TEST(test_pem__a_key_that_others_may_read_is_refused_and_a_certificate_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
