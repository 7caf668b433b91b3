/*
 * The connector's sandbox, from inside: what it takes away, and what every program needs all the same. Each in a process of
 * its own, as a sandbox has no way back.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "relay/edge/sandbox.h"
#include "tests/unit/store/scratch.h"

enum { NO_SANDBOX = 99 };

static struct scratch folder;
static char secret[300], named[300], inside[300], below[300];

static void write_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "secret\n", 7), 7);
    close(fd);
}

static int setup(void **state)
{
    (void)state;
    folder = scratch_new();
    snprintf(secret, sizeof(secret), "%s/relay.key", folder.path);
    snprintf(named, sizeof(named), "%s/gas.key", folder.path);
    snprintf(inside, sizeof(inside), "%s/given", folder.path);
    snprintf(below, sizeof(below), "%s/given/module", folder.path);
    assert_int_equal(mkdir(inside, 0700), 0);
    write_file(secret);
    write_file(named);
    write_file(below);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    scratch_free(&folder);
    return 0;
}

/* What act says, inside a connector's sandbox that names one file, one folder, and something that is not there. */
static int sandboxed(int (*act)(void))
{
    const char *const readable[] = {named, inside, "/nowhere/at/all", NULL};
    char text[256];
    int status;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (!edge_sandbox_connector(readable, text, sizeof(text))) {
            fprintf(stderr, "%s\n", text);
            _exit(NO_SANDBOX);
        }
        _exit(act());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static bool refused(const char *path, int flags)
{
    int fd = open(path, flags, 0600);
    int error = errno;
    if (fd >= 0)
        close(fd);
    return fd < 0 && error == EACCES;
}

static bool readable(const char *path)
{
    int fd = open(path, O_RDONLY);
    if (fd >= 0)
        close(fd);
    return fd >= 0 || errno == ENOENT; /* what this machine does not have */
}

static int read_what_is_not_given(void)
{
    char parent[64];
    snprintf(parent, sizeof(parent), "/proc/%d/environ", (int)getppid());
    if (!refused(secret, O_RDONLY))
        return 1;
    if (!refused(folder.path, O_RDONLY | O_DIRECTORY))
        return 2;
    if (!refused("/etc/passwd", O_RDONLY))
        return 3;
    return refused(parent, O_RDONLY) ? 0 : 4;
}

static int read_what_is_given(void)
{
    if (!readable(named) || access(named, F_OK) != 0)
        return 1;
    return readable(below) && readable(inside) ? 0 : 2;
}

static int read_what_any_program_needs(void)
{
    static const char *const paths[] = {"/etc/ssl/certs",
                                        "/etc/ssl/certs/ca-certificates.crt",
                                        "/etc/ssl/openssl.cnf",
                                        "/etc/resolv.conf",
                                        "/etc/hosts",
                                        "/etc/nsswitch.conf",
                                        "/etc/services",
                                        "/usr/bin/env",
                                        "/usr/lib",
                                        "/dev/urandom",
                                        "/proc/self/status",
                                        "/proc/self/maps",
                                        "/proc/self/fd",
                                        "/proc/meminfo",
                                        "/sys/devices/system/cpu",
                                        "/dev/null"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
        if (!readable(paths[i])) {
            fprintf(stderr, "%s: %s\n", paths[i], strerror(errno));
            return 1;
        }
    }
    int null = open("/dev/null", O_RDWR);
    return null >= 0 && write(null, "x", 1) == 1 ? 0 : 2;
}

static int write_anywhere(void)
{
    char path[400];
    snprintf(path, sizeof(path), "%s/new", inside);
    return refused(named, O_WRONLY) && refused(below, O_RDWR) && refused(path, O_WRONLY | O_CREAT) &&
                   unlink(below) != 0 && rename(below, path) != 0 && mkdir(path, 0700) != 0
               ? 0
               : 1;
}

static void test_connector__reads_no_file_of_its_user_but_those_that_are_given(void **state)
{
    (void)state;
    if (!edge_sandbox_whole()) {
        print_message("skipped: this kernel has no Landlock\n");
        skip();
    }
    assert_int_equal(sandboxed(read_what_is_not_given), 0);
    assert_int_equal(sandboxed(write_anywhere), 0);
}

static void test_connector__reads_what_is_given_and_what_any_program_needs(void **state)
{
    (void)state;
    assert_int_equal(sandboxed(read_what_is_given), 0);
    assert_int_equal(sandboxed(read_what_any_program_needs), 0);
}

static int reach_a_unix_socket(void)
{
    int pair[2];
    if (socket(AF_UNIX, SOCK_STREAM, 0) >= 0 || errno != EACCES)
        return 1;
    /* The kernel looks at 32 bits of the family only. */
    if (syscall(SYS_socket, 0x100000000l | AF_UNIX, SOCK_DGRAM, 0) >= 0 || errno != EACCES)
        return 2;
    if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) == 0 || errno != EACCES)
        return 3;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) /* resolvers wake themselves with one */
        return 4;
    return socket(AF_INET, SOCK_STREAM, 0) >= 0 && socket(AF_INET, SOCK_DGRAM, 0) >= 0 ? 0 : 5;
}

static void test_connector__reaches_no_unix_socket_but_the_network(void **state)
{
    (void)state;
    if (EDGE_SANDBOX_SANITIZED) {
        print_message("skipped: no seccomp in builds with sanitizers\n");
        skip();
    }
    assert_int_equal(sandboxed(reach_a_unix_socket), 0);
}

static void test_relay__nobody_of_its_user_may_look_into_it(void **state)
{
    int status;
    (void)state;
    pid_t pid = fork();
    if (pid == 0)
        _exit(edge_sandbox_hide() && prctl(PR_GET_DUMPABLE) == 0 ? 0 : 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_connector__reads_no_file_of_its_user_but_those_that_are_given),
        TEST(test_connector__reads_what_is_given_and_what_any_program_needs),
        TEST(test_connector__reaches_no_unix_socket_but_the_network),
        TEST(test_relay__nobody_of_its_user_may_look_into_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
