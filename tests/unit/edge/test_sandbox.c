/*
 * The connector's sandbox, from inside: what it takes away, and what every program needs all the same. Each in a process of
 * its own, as a sandbox has no way back.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#include "relay/edge/sandbox.h"
#include "tests/unit/store/scratch.h"
#include "topology/network.h"

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

/* It is the test's process, so of the same user, as isthmusd and its signer are. */
static int touch_another_process(void)
{
    const pid_t other = getppid();
    const struct f_owner_ex owner = {.type = F_OWNER_PID, .pid = other};
    const struct sched_param idle = {0};
    struct rlimit limit;
    cpu_set_t cpus;
    int pair[2];
    CPU_ZERO(&cpus);
    CPU_SET(0, &cpus);
    /* A limit of no processor time or no descriptors ends it as well as a signal does. */
    if (prlimit(other, RLIMIT_NOFILE, NULL, &limit) == 0 || errno != EPERM)
        return 1;
    /* The kernel signals the owner of a descriptor, with the signal that one chooses. */
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return 2;
    if (fcntl(pair[0], F_SETOWN, other) == 0 || fcntl(pair[0], F_SETOWN_EX, &owner) == 0 ||
        ioctl(pair[0], FIOSETOWN, &other) == 0 || ioctl(pair[0], SIOCSPGRP, &other) == 0)
        return 3;
    if (setpriority(PRIO_PROCESS, (id_t)other, 19) == 0 || setpriority(PRIO_USER, 0, 19) == 0)
        return 4;
    if (sched_setscheduler(other, SCHED_IDLE, &idle) == 0 || sched_setaffinity(other, sizeof(cpus), &cpus) == 0)
        return 5;
    return syscall(SYS_ioprio_set, 1, other, 3 << 13) != 0 && syscall(SYS_ioprio_set, 3, 0, 3 << 13) != 0 ? 0 : 6;
}

static void *nothing(void *context)
{
    return context;
}

static int touch_itself(void)
{
    char name[] = "true", *argv[] = {name, NULL};
    struct rlimit limit;
    cpu_set_t cpus;
    pthread_t thread;
    pid_t pid;
    int status;
    if (pthread_create(&thread, NULL, nothing, NULL) != 0 || pthread_join(thread, NULL) != 0)
        return 4;
    if (posix_spawn(&pid, "/bin/true", NULL, NULL, argv, NULL) != 0 || waitpid(pid, &status, 0) != pid || status != 0)
        return 5;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || setrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 1;
    if (setpriority(PRIO_PROCESS, 0, 1) != 0)
        return 2;
    return sched_getaffinity(0, sizeof(cpus), &cpus) == 0 && sched_setaffinity(0, sizeof(cpus), &cpus) == 0 ? 0 : 3;
}

static int have_three_quarters_of_its_processes(void)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_NPROC, &limit) == 0 && limit.rlim_cur == 3072 && limit.rlim_max == 3072 ? 0 : 1;
}

/* What it forks without end leaves its user room for the relay's other children. */
static void test_connector__cannot_use_up_its_users_processes(void **state)
{
    struct rlimit before, low;
    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NPROC, &before), 0);
    if (before.rlim_max < 4096) {
        print_message("skipped: this user may have fewer than 4096 processes\n");
        skip();
    }
    low = before;
    low.rlim_cur = 4096;
    assert_int_equal(setrlimit(RLIMIT_NPROC, &low), 0);
    int code = sandboxed(have_three_quarters_of_its_processes);
    assert_int_equal(setrlimit(RLIMIT_NPROC, &before), 0);
    assert_int_equal(code, 0);
}

static void test_connector__cannot_end_or_starve_another_process_of_its_user(void **state)
{
    (void)state;
    if (EDGE_SANDBOX_SANITIZED) {
        print_message("skipped: no seccomp in builds with sanitizers\n");
        skip();
    }
    assert_int_equal(sandboxed(touch_another_process), 0);
    assert_int_equal(sandboxed(touch_itself), 0);
}

/* Whatever a connector starts stays in its session, where the relay ends it with the connector. */
static int leave_its_session(void)
{
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(setsid() < 0 && errno == EPERM && setpgid(0, 0) < 0 && errno == EPERM ? 0 : 1);
    return waitpid(pid, &status, 0) == pid && status == 0 ? 0 : 1;
}

static int make_namespaces(void)
{
    static const unsigned long flags[] = {CLONE_NEWUSER, CLONE_NEWNS,  CLONE_NEWPID,   CLONE_NEWNET,
                                          CLONE_NEWIPC,  CLONE_NEWUTS, CLONE_NEWCGROUP};
    uint64_t more[8] = {CLONE_NEWUSER, 0, 0, 0, SIGCHLD};
    for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
        long pid = syscall(SYS_clone, flags[i] | SIGCHLD, 0, 0, 0, 0);
        if (pid == 0)
            _exit(0);
        if (pid > 0 || errno != EPERM)
            return (int)i + 1;
    }
    long pid =
        syscall(SYS_clone3, more, sizeof(more)); /* its flags are out of a filter's sight: libraries do without */
    if (pid == 0)
        _exit(0);
    return pid < 0 && errno == ENOSYS ? 0 : 9;
}

/* A child of the relay that never asks for its end: each would keep a number for as long as the relay runs. */
static int leave_a_child_to_its_parent(void)
{
    long pid = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
    if (pid == 0)
        _exit(0);
    return pid < 0 && errno == EPERM ? 0 : 1;
}

static void test_connector__leaves_neither_its_session_nor_its_namespaces(void **state)
{
    (void)state;
    if (EDGE_SANDBOX_SANITIZED) {
        print_message("skipped: no seccomp in builds with sanitizers\n");
        skip();
    }
    assert_int_equal(sandboxed(leave_its_session), 0);
    assert_int_equal(sandboxed(make_namespaces), 0);
    assert_int_equal(sandboxed(leave_a_child_to_its_parent), 0);
}

/* As the kernel before Landlock knew of them, or without it: not even the length of a file that it may not open. */
static int change_what_its_user_owns(void)
{
    const struct timespec times[2] = {{0}};
    const int at = AT_FDCWD;
    int fd = open(named, O_RDONLY);
    if (truncate(secret, 0) == 0 || errno != EPERM)
        return 1;
    if (chmod(secret, 0666) == 0 || errno != EPERM)
        return 2;
    if (syscall(SYS_fchmodat, at, secret, 0666) == 0 || errno != EPERM)
        return 3;
    if (syscall(452 /* fchmodat2 */, at, secret, 0666, 0) == 0 || errno != EPERM)
        return 4;
    if (fd < 0 || fchmod(fd, 0666) == 0 || errno != EPERM)
        return 5;
    if (lchown(secret, getuid(), getgid()) == 0 || errno != EPERM)
        return 6;
    if (setxattr(secret, "user.word", "x", 1, 0) == 0 || errno != EPERM)
        return 7;
    if (syscall(463 /* setxattrat */, at, secret, 0, "user.word", NULL, 0) == 0 || errno != EPERM)
        return 8;
    return utimensat(at, secret, times, 0) != 0 && errno == EPERM ? 0 : 9;
}

static void test_connector__changes_nothing_of_the_files_of_its_user(void **state)
{
    struct stat status;
    (void)state;
    if (EDGE_SANDBOX_SANITIZED) {
        print_message("skipped: no seccomp in builds with sanitizers\n");
        skip();
    }
    assert_int_equal(sandboxed(change_what_its_user_owns), 0);
    assert_int_equal(stat(secret, &status), 0);
    assert_int_equal(status.st_size, 7);
    assert_int_equal(status.st_mode & 0777, 0600);
}

/* Such memory outlives it, and nobody's limit counts it. */
static int leave_memory_behind(void)
{
    int shared = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
    if (shared >= 0)
        shmctl(shared, IPC_RMID, NULL);
    if (shared >= 0 || errno != EPERM)
        return 1;
    int queue = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
    if (queue >= 0)
        msgctl(queue, IPC_RMID, NULL);
    if (queue >= 0 || errno != EPERM)
        return 2;
    int semaphores = semget(IPC_PRIVATE, 1, IPC_CREAT | 0600);
    if (semaphores >= 0)
        semctl(semaphores, 0, IPC_RMID);
    if (semaphores >= 0 || errno != EPERM)
        return 3;
    return syscall(SYS_mq_open, "isthmus-test", O_RDONLY, 0, NULL) < 0 && errno == EPERM ? 0 : 4;
}

static void test_connector__leaves_no_memory_behind(void **state)
{
    (void)state;
    if (EDGE_SANDBOX_SANITIZED) {
        print_message("skipped: no seccomp in builds with sanitizers\n");
        skip();
    }
    assert_int_equal(sandboxed(leave_memory_behind), 0);
}

/* A trust file for each of as many chains as there may be, and room for the guard's; the time where the kernel maps no vDSO. */
static int do_as_a_signer_of_many_chains(void)
{
    char text[256];
    if (!edge_sandbox_signer(folder.path, text, sizeof(text)))
        return NO_SANDBOX;
    for (int i = 0; i < TOPOLOGY_CHAINS_MAX + 16; i++)
        if (open(secret, O_RDONLY | O_CLOEXEC) < 0)
            return 1;
#ifdef SYS_time
    if (syscall(SYS_time, NULL) <= 0)
        return 2;
#endif
    return 0;
}

static void test_signer__has_the_time_and_descriptors_for_all_chains(void **state)
{
    int status;
    (void)state;
    pid_t pid = fork();
    if (pid == 0)
        _exit(do_as_a_signer_of_many_chains());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
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
        TEST(test_connector__cannot_end_or_starve_another_process_of_its_user),
        TEST(test_connector__cannot_use_up_its_users_processes),
        TEST(test_connector__leaves_neither_its_session_nor_its_namespaces),
        TEST(test_connector__changes_nothing_of_the_files_of_its_user),
        TEST(test_connector__leaves_no_memory_behind),
        TEST(test_signer__has_the_time_and_descriptors_for_all_chains),
        TEST(test_relay__nobody_of_its_user_may_look_into_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
