/* Whoever ends at a fault point of a small file leaves what it held before, or what it was given; and no point is without a name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "relay/edge/fault.h"

#ifdef ISTHMUS_FAULTS

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "relay/edge/spent.h"
#include "relay/edge/trustfile.h"
#include "tests/unit/store/scratch.h"

enum { NOW = 1000 };
static const uint8_t CHAIN[32] = {0x5a};

static void trust_save(const char *folder, uint8_t height)
{
    uint8_t value[200] = {height};
    char text[512];
    struct edge_trustfile *file = edge_trustfile_open(folder, CHAIN, text, sizeof(text));
    assert_true(file != NULL && edge_trustfile_save(file, BYTES_OF(value), text, sizeof(text)));
    edge_trustfile_close(file);
}

static uint8_t trust_kept(const char *folder)
{
    char text[512];
    struct edge_trustfile *file = edge_trustfile_open(folder, CHAIN, text, sizeof(text));
    assert_true(file != NULL && edge_trustfile_value(file).len == 200);
    uint8_t height = edge_trustfile_value(file).data[0];
    edge_trustfile_close(file);
    return height;
}

static void spent_save(const char *folder, uint8_t amount)
{
    char path[320], digits[8];
    snprintf(path, sizeof(path), "%s/spent-node", folder);
    snprintf(digits, sizeof(digits), "%u", amount);
    assert_true(edge_spent_save(path, NOW, digits));
}

static void assert_spent(const char *folder, const char *amount)
{
    char path[320], digits[EDGE_SPENT_MAX + 1] = "";
    snprintf(path, sizeof(path), "%s/spent-node", folder);
    assert_true(edge_spent_load(digits, path, NOW));
    assert_string_equal(digits, amount);
}

/* A process of its own that is armed, and saves. */
static void ends(const char *fault, enum edge_fault_role role, void (*save)(const char *, uint8_t), const char *folder,
                 uint8_t value)
{
    char text[EDGE_FAULT_TEXT];
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        setenv("ISTHMUS_FAULT", fault, 1);
        if (edge_fault_arm(role, text, sizeof(text)))
            save(folder, value);
        _exit(0);
    }
    assert_true(child > 0 && waitpid(child, &status, 0) == child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), EDGE_FAULT_EXIT);
}

static void what_a_signer_trusts_is_the_old_or_the_new_wherever_it_ends(void **state)
{
    (void)state;
    struct scratch scratch = scratch_new();
    for (uint8_t height = 1; height < 7;
         height += 2) { /* both places of the file, each with nothing, the old, the older */
        trust_save(scratch.path, height);
        ends("signer-trust-before:1", EDGE_FAULT_SIGNER, trust_save, scratch.path, 100);
        assert_int_equal(trust_kept(scratch.path), height);
        ends("signer-trust-synced:1", EDGE_FAULT_SIGNER, trust_save, scratch.path, height + 1);
        assert_int_equal(trust_kept(scratch.path), height + 1);
    }
    scratch_free(&scratch);
}

static void what_an_account_spent_is_the_old_or_the_new_wherever_its_relay_ends(void **state)
{
    (void)state;
    struct scratch scratch = scratch_new();
    spent_save(scratch.path, 5);
    ends("spent-before:1", EDGE_FAULT_RELAY, spent_save, scratch.path, 100);
    assert_spent(scratch.path, "5");
    ends("spent-after:1", EDGE_FAULT_RELAY, spent_save, scratch.path, 200);
    assert_spent(scratch.path, "200");
    scratch_free(&scratch);
}

/* tests/integration/kill takes its points from this list. */
static void a_name_that_is_none_is_answered_with_all_that_there_are(void **state)
{
    char text[EDGE_FAULT_TEXT], line[80];
    size_t count = 0;
    (void)state;
    setenv("ISTHMUS_FAULT", "commit-befor:1", 1);
    assert_false(edge_fault_arm(EDGE_FAULT_RELAY, text, sizeof(text) - 1));
    unsetenv("ISTHMUS_FAULT");
    memcpy(text + strlen(text), "\n", 2); /* so that the last one ends like the others */
#define X(role, point, name)                                                                                           \
    snprintf(line, sizeof(line), " %s\n", name);                                                                       \
    count += strstr(text, line) != NULL;
    EDGE_FAULTS(X)
#undef X
    assert_int_equal(count, EDGE_FAULT_CONNECTOR_TRANSACTION_AFTER + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_signer_trusts_is_the_old_or_the_new_wherever_it_ends),
        cmocka_unit_test(what_an_account_spent_is_the_old_or_the_new_wherever_its_relay_ends),
        cmocka_unit_test(a_name_that_is_none_is_answered_with_all_that_there_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

#include <stdio.h>

int main(void)
{
    puts("skipped: built without fault points (cmake --preset dev has them)");
    return 77;
}

#endif
