/*
 * Limits, seccomp and Landlock. The only file that includes libseccomp. Landlock has no library: three system calls.
 */
#include "relay/edge/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <poll.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "proofs/codec/sodium.h"
#include "topology/network.h"

/* Landlock as of ABI 6 (Linux 6.12); Debian 12's header has ABI 2. */
enum {
    FS_EXECUTE = 1 << 0,
    FS_WRITE_FILE = 1 << 1,
    FS_READ_FILE = 1 << 2,
    FS_READ_DIR = 1 << 3,
    FS_REMOVE_FILE = 1 << 5,
    FS_MAKE_REG = 1 << 8,
    FS_REFER = 1 << 13,
    FS_TRUNCATE = 1 << 14,
    SCOPE_ABSTRACT_SOCKET = 1 << 0,
    SCOPE_SIGNAL = 1 << 1
};
struct ruleset {
    uint64_t handled_access_fs, handled_access_net, scoped;
};

static bool fail(char *text, size_t cap, const char *what)
{
    snprintf(text, cap, "sandbox: %s: %s", what, strerror(errno));
    return false;
}

bool edge_sandbox_die_with_parent(void)
{
    /* A parent that ended before this call sends no signal, but its end of the socket is closed. */
    struct pollfd parent = {.fd = 3, .events = POLLIN};
    return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && poll(&parent, 1, 0) >= 0 &&
           (parent.revents & (POLLHUP | POLLNVAL)) == 0;
}

static bool limit(int resource, rlim_t most)
{
    struct rlimit limits;
    if (getrlimit(resource, &limits) != 0)
        return false;
    if (limits.rlim_max > most)
        limits.rlim_max = most;
    if (limits.rlim_cur > limits.rlim_max)
        limits.rlim_cur = limits.rlim_max;
    return setrlimit(resource, &limits) == 0;
}

/* The kernel counts processes and threads by user: where that is bounded, a quarter stays with us, who start them anew. */
static bool limit_processes(void)
{
    struct rlimit limits;
    return getrlimit(RLIMIT_NPROC, &limits) == 0 &&
           (limits.rlim_cur == RLIM_INFINITY || limit(RLIMIT_NPROC, limits.rlim_cur - limits.rlim_cur / 4));
}

/* ---- Landlock ------------------------------------------------------------------------------------------------------ */

/* All file rights that this kernel can forbid; 0: it has no Landlock. */
static uint64_t landlock_rights(long *abi)
{
    *abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (*abi < 1)
        return 0;
    return *abi == 1 ? (1u << 13) - 1 : *abi == 2 ? (1u << 14) - 1 : (1u << 15) - 1;
}

/* Allows `rights`, as far as they are handled, for path and what lies below it; a file has no rights of folders. */
static bool landlock_allow(int rules, const char *path, uint64_t rights)
{
    struct stat status;
    int fd = open(path, O_PATH | O_CLOEXEC);
    struct landlock_path_beneath_attr beneath = {.allowed_access = rights, .parent_fd = fd};
    if (fd < 0)
        return false;
    bool done = fstat(fd, &status) == 0;
    if (done && !S_ISDIR(status.st_mode))
        beneath.allowed_access &= FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE;
    done = done && syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) == 0;
    int error = errno;
    close(fd);
    errno = error;
    return done;
}

/* Rules that forbid `handled` everywhere but where it is allowed; -1 on failure. */
static int landlock_new(uint64_t handled, long abi)
{
    struct ruleset set = {.handled_access_fs = handled, .scoped = abi >= 6 ? SCOPE_SIGNAL | SCOPE_ABSTRACT_SOCKET : 0};
    return (int)syscall(SYS_landlock_create_ruleset, &set, abi >= 6 ? sizeof(set) : sizeof(set.handled_access_fs), 0);
}

static bool landlock_enter(int rules)
{
    return syscall(SYS_landlock_restrict_self, rules, 0) == 0;
}

bool edge_sandbox_whole(void)
{
    long abi;
    return landlock_rights(&abi) != 0;
}

static bool landlock_signer(const char *folder, char *text, size_t cap)
{
    const uint64_t rights = FS_WRITE_FILE | FS_READ_FILE | FS_REMOVE_FILE | FS_MAKE_REG | FS_REFER | FS_TRUNCATE;
    long abi;
    uint64_t all = landlock_rights(&abi);
    if (all == 0)
        return true; /* edge_sandbox_whole: the relay has said so */
    int rules = landlock_new(all, abi);
    bool done = rules >= 0 && landlock_allow(rules, folder, rights & all) && landlock_enter(rules);
    if (!done)
        fail(text, cap, folder);
    if (rules >= 0)
        close(rules);
    return done;
}

/* What any program may read: libraries, certificates, names of hosts, the machine's and its own figures. Of /etc file by
 * file, as a relay's configuration may lie there. Nothing here may ever hold a key. */
static const char *const READABLE[] = {
    "/usr", "/bin", "/lib", "/lib32", "/lib64", "/etc/ld.so.cache", "/etc/ld.so.preload", "/etc/localtime",
    /* certificates */
    "/etc/ssl/certs", "/etc/ssl/cert.pem", "/etc/ssl/openssl.cnf", "/etc/ca-certificates", "/etc/pki/ca-trust",
    "/etc/pki/tls/certs", "/etc/pki/tls/cert.pem", "/etc/pki/tls/openssl.cnf", "/etc/crypto-policies",
    "/var/lib/ca-certificates",
    /* names */
    "/etc/resolv.conf", "/etc/hosts", "/etc/host.conf", "/etc/nsswitch.conf", "/etc/gai.conf", "/etc/services",
    "/etc/protocols", "/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager/resolv.conf",
    /* figures; of processes only its own */
    "/dev/urandom", "/dev/random", "/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/sys/vm/overcommit_memory",
    "/sys/devices/system/cpu", NULL};

const char *const *edge_sandbox_readable(void)
{
    return READABLE;
}

/* What is not there, or not for this user, cannot be read anyway. */
static bool landlock_read(int rules, const char *path)
{
    return path == NULL || access(path, F_OK) != 0 || landlock_allow(rules, path, FS_READ_FILE | FS_READ_DIR);
}

/* Reading is allowed where it is named; executing is not handled: whatever it runs is in this sandbox, too. */
static bool landlock_connector(const char *const *readable, char *text, size_t cap)
{
    const uint64_t writing = FS_READ_FILE | FS_WRITE_FILE | FS_TRUNCATE;
    long abi;
    uint64_t all = landlock_rights(&abi);
    const char *at = "/dev/null";
    if (all == 0)
        return true; /* edge_sandbox_whole: the relay has said so */
    int rules = landlock_new(all & ~(uint64_t)FS_EXECUTE, abi);
    bool done = rules >= 0 && landlock_allow(rules, at, writing & all);
    for (size_t i = 0; done && READABLE[i] != NULL; i++)
        done = landlock_read(rules, at = READABLE[i]);
    for (size_t i = 0; done && readable[i] != NULL; i++)
        done = landlock_read(rules, at = readable[i]);
    done = done && landlock_read(rules, getenv("SSL_CERT_FILE")) && landlock_read(rules, getenv("SSL_CERT_DIR")) &&
           landlock_enter(rules);
    if (!done)
        fail(text, cap, at);
    if (rules >= 0)
        close(rules);
    return done;
}

/* ---- seccomp ------------------------------------------------------------------------------------------------------- */

static const int SIGNER_CALLS[] = {
    SCMP_SYS(read),         SCMP_SYS(write),          SCMP_SYS(writev),       SCMP_SYS(recvfrom),
    SCMP_SYS(sendto),       SCMP_SYS(close),          SCMP_SYS(fstat),        SCMP_SYS(newfstatat),
    SCMP_SYS(lseek),        SCMP_SYS(openat),         SCMP_SYS(renameat),     SCMP_SYS(renameat2),
    SCMP_SYS(unlinkat),     SCMP_SYS(fsync),          SCMP_SYS(fdatasync),    SCMP_SYS(pwrite64),
    SCMP_SYS(pread64),      SCMP_SYS(ftruncate),      SCMP_SYS(munmap),       SCMP_SYS(mremap),
    SCMP_SYS(brk),          SCMP_SYS(madvise),        SCMP_SYS(futex),        SCMP_SYS(clock_gettime),
    SCMP_SYS(gettimeofday), SCMP_SYS(getrandom),      SCMP_SYS(getpid),       SCMP_SYS(gettid),
    SCMP_SYS(getuid),       SCMP_SYS(geteuid),        SCMP_SYS(getgid),       SCMP_SYS(getegid),
    SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(restart_syscall),
    SCMP_SYS(sched_yield),  SCMP_SYS(rseq),           SCMP_SYS(munlock),      SCMP_SYS(exit),
    SCMP_SYS(exit_group),   SCMP_SYS(poll),           SCMP_SYS(ppoll),        SCMP_SYS(time),
};

static const int CONNECTOR_FORBIDDEN[] = {
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(process_madvise),
    SCMP_SYS(pidfd_getfd),
    SCMP_SYS(pidfd_send_signal),
    SCMP_SYS(kcmp),
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(move_mount),
    SCMP_SYS(open_tree),
    SCMP_SYS(fsopen),
    SCMP_SYS(fsmount),
    SCMP_SYS(fsconfig),
    SCMP_SYS(fspick),
    SCMP_SYS(mount_setattr),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load),
    SCMP_SYS(bpf),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    SCMP_SYS(keyctl),
    SCMP_SYS(unshare),
    SCMP_SYS(setns),
    SCMP_SYS(reboot),
    SCMP_SYS(swapon),
    SCMP_SYS(swapoff),
    SCMP_SYS(acct),
    SCMP_SYS(settimeofday),
    SCMP_SYS(clock_settime),
    SCMP_SYS(adjtimex),
    SCMP_SYS(clock_adjtime),
    SCMP_SYS(sethostname),
    SCMP_SYS(setdomainname),
    SCMP_SYS(iopl),
    SCMP_SYS(ioperm),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(name_to_handle_at),
    SCMP_SYS(quotactl),
    SCMP_SYS(vhangup),
    SCMP_SYS(syslog),
    SCMP_SYS(fanotify_init),
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(io_uring_enter),
    SCMP_SYS(io_uring_register),
    /* Out of its session, where the relay could not end it with the connector. */
    SCMP_SYS(setsid),
    SCMP_SYS(setpgid),
    /* What our user owns, keys and guard too: Landlock knows nothing of who may read a file, and of its length only since
     * Linux 6.2. */
    SCMP_SYS(truncate),
    SCMP_SYS(chmod),
    SCMP_SYS(fchmod),
    SCMP_SYS(fchmodat),
    SCMP_SYS(chown),
    SCMP_SYS(fchown),
    SCMP_SYS(lchown),
    SCMP_SYS(fchownat),
    SCMP_SYS(utime),
    SCMP_SYS(utimes),
    SCMP_SYS(futimesat),
    SCMP_SYS(utimensat),
    SCMP_SYS(setxattr),
    SCMP_SYS(lsetxattr),
    SCMP_SYS(fsetxattr),
    SCMP_SYS(removexattr),
    SCMP_SYS(lremovexattr),
    SCMP_SYS(fremovexattr),
    /* Memory and queues that stay when it has ended, and that no limit of a process counts. */
    SCMP_SYS(shmget),
    SCMP_SYS(semget),
    SCMP_SYS(msgget),
    SCMP_SYS(mq_open),
};

/* Newer than Debian 12's libseccomp; all machines number them alike. Elsewhere these do what is forbidden above. */
static const int CONNECTOR_FORBIDDEN_NEW[] = {452 /* fchmodat2 */, 463 /* setxattrat */, 466 /* removexattrat */,
                                              469 /* file_setattr */};

/* Calls that take the number of a process: 0, their first argument, is itself. */
static const int CONNECTOR_OF_ITSELF[] = {SCMP_SYS(prlimit64), SCMP_SYS(sched_setaffinity),
                                          SCMP_SYS(sched_setscheduler), SCMP_SYS(sched_setparam),
                                          SCMP_SYS(sched_setattr)};

/* Namespaces; and children of ours, whom nobody would ever take down: in the end no process has a number left. */
static const uint64_t CLONES[] = {CLONE_NEWUSER, CLONE_NEWNS,  CLONE_NEWPID,    CLONE_NEWNET,
                                  CLONE_NEWIPC,  CLONE_NEWUTS, CLONE_NEWCGROUP, CLONE_PARENT};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool seccomp_signer(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    int error = filter == NULL ? -1 : 0;
    for (size_t i = 0; i < COUNT(SIGNER_CALLS) && error == 0; i++)
        error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SIGNER_CALLS[i], 0);
    /* No new code: memory is never executable. abort() may signal this process, and no other. */
    if (error == 0)
        error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    if (error == 0)
        error =
            seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    if (error == 0)
        error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                                 SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0));
    if (error == 0)
        error = seccomp_load(filter);
    if (filter != NULL)
        seccomp_release(filter);
    return error == 0;
}

static int forbid(scmp_filter_ctx filter, int error, int call, struct scmp_arg_cmp when)
{
    return error != 0 ? error : seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), call, 1, when);
}

/*
 * It runs under our own user, so it could end us and starve us. Signals go to itself only, also those that the kernel sends for a
 * descriptor's owner; limits and priorities are its own (of 64 bits any that is not 0 names somebody else).
 */
static int forbid_others(scmp_filter_ctx filter, int error)
{
    static const int owners[] = {F_SETOWN, F_SETOWN_EX}, owner_requests[] = {FIOSETOWN, SIOCSPGRP};
    static const int priorities[][2] = {{SCMP_SYS(setpriority), PRIO_USER}, {SCMP_SYS(ioprio_set), 3 /* of a user */}};
    for (size_t i = 0; i < COUNT(CONNECTOR_OF_ITSELF); i++)
        error = forbid(filter, error, CONNECTOR_OF_ITSELF[i], SCMP_A0(SCMP_CMP_NE, 0, 0));
    for (size_t i = 0; i < COUNT(owners); i++) {
        error =
            forbid(filter, error, SCMP_SYS(fcntl), SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffff, (scmp_datum_t)owners[i]));
        error = forbid(filter, error, SCMP_SYS(ioctl),
                       SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffff, (scmp_datum_t)owner_requests[i]));
    }
    for (size_t i = 0; i < COUNT(priorities); i++) {
        error = forbid(filter, error, priorities[i][0], SCMP_A1(SCMP_CMP_NE, 0, 0));
        error = forbid(filter, error, priorities[i][0],
                       SCMP_A0(SCMP_CMP_MASKED_EQ, 0xffffffff, (scmp_datum_t)priorities[i][1]));
    }
    return error;
}

/* clone3 hides its flags behind a pointer; libraries fall back to clone where a kernel does not have it. */
static int forbid_clones(scmp_filter_ctx filter, int error)
{
    for (size_t i = 0; i < COUNT(CLONES); i++)
        error = forbid(filter, error, SCMP_SYS(clone), SCMP_A0(SCMP_CMP_MASKED_EQ, CLONES[i], CLONES[i]));
    return error != 0 ? error : seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
}

static bool seccomp_connector(void)
{
    static const int signals[] = {SCMP_SYS(kill), SCMP_SYS(tkill), SCMP_SYS(tgkill), SCMP_SYS(rt_sigqueueinfo),
                                  SCMP_SYS(rt_tgsigqueueinfo)};
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    int error = filter == NULL ? -1 : 0;
    for (size_t i = 0; i < COUNT(CONNECTOR_FORBIDDEN) && error == 0; i++)
        error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), CONNECTOR_FORBIDDEN[i], 0);
    for (size_t i = 0; i < COUNT(CONNECTOR_FORBIDDEN_NEW) && error == 0; i++)
        error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), CONNECTOR_FORBIDDEN_NEW[i], 0);
    for (size_t i = 0; i < COUNT(signals); i++) /* tkill names a thread: its first one */
        error = forbid(filter, error, signals[i], SCMP_A0(SCMP_CMP_NE, (scmp_datum_t)getpid(), 0));
    error = forbid_clones(filter, forbid_others(filter, error));
    /* The control socket and ipc:// doors let our own user in. Pairs stay, but for datagrams, which could be sent anywhere. */
    if (error == 0)
        error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(socket), 1,
                                 SCMP_A0(SCMP_CMP_MASKED_EQ, 0xffffffff, AF_UNIX));
    if (error == 0)
        error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(socketpair), 1,
                                 SCMP_A1(SCMP_CMP_MASKED_EQ, 0xf, SOCK_DGRAM));
    /* Typing into a terminal that it shares with us. */
    error = forbid(filter, error, SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffff, TIOCSTI));
    if (error == 0)
        error = seccomp_load(filter);
    if (filter != NULL)
        seccomp_release(filter);
    return error == 0;
}

/* ---- the two sandboxes --------------------------------------------------------------------------------------------- */

bool edge_sandbox_hide(void)
{
    return prctl(PR_SET_DUMPABLE, 0) == 0;
}

bool edge_sandbox_signer(const char *folder, char *text, size_t cap)
{
    if (!edge_sandbox_hide() || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return fail(text, cap, "prctl");
    if (!limit(RLIMIT_CORE, 0) || !limit(RLIMIT_NOFILE, 64 + TOPOLOGY_CHAINS_MAX) || !limit(RLIMIT_FSIZE, 256 << 20))
        return fail(text, cap, "setrlimit");
    if (!landlock_signer(folder, text, cap))
        return false;
    if (!EDGE_SANDBOX_SANITIZED && !seccomp_signer())
        return fail(text, cap, "seccomp");
    return true;
}

bool edge_sandbox_connector(const char *const *readable, char *text, size_t cap)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return fail(text, cap, "prctl");
    /* A hostile answer may be small on the wire and large as a tree: one connector must not take the machine's memory. */
    if (!limit(RLIMIT_CORE, 0) || !limit(RLIMIT_NOFILE, 1024) || !limit_processes() ||
        (!EDGE_SANDBOX_SANITIZED && !limit(RLIMIT_DATA, 1ul << 30)))
        return fail(text, cap, "setrlimit");
    if (!landlock_connector(readable, text, cap))
        return false;
    if (!EDGE_SANDBOX_SANITIZED && !seccomp_connector())
        return fail(text, cap, "seccomp");
    return true;
}

/* ---- running a connector ------------------------------------------------------------------------------------------- */

bool edge_sandbox_hash(uint8_t hash[32], int fd)
{
    struct stat status;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size <= 0)
        return false;
    void *content = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (content == MAP_FAILED)
        return false;
    struct bytes part = {content, (size_t)status.st_size};
    bool hashed = codec_sodium_blake2b256(hash, &part, 1);
    munmap(content, (size_t)status.st_size);
    return hashed;
}

int edge_sandbox_run(const char *program, char *const argv[], const uint8_t *hash, const char *const *readable,
                     char *text, size_t cap)
{
    uint8_t found[32];
    int fd = open(program, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        snprintf(text, cap, "%s: %s", program, strerror(errno));
        return 127;
    }
    if (hash != NULL && (!edge_sandbox_hash(found, fd) || memcmp(found, hash, sizeof(found)) != 0)) {
        snprintf(text, cap,
                 "%s: its BLAKE2b-256 is not the registered one; if it was updated on purpose, put the new hash "
                 "into the configuration",
                 program);
        close(fd);
        return 126;
    }
    if (!edge_sandbox_connector(readable, text, cap)) {
        close(fd);
        return 126;
    }
    if (hash != NULL) /* a script cannot run this way, and its hash would not cover its interpreter */
        syscall(SYS_execveat, fd, "", argv, environ, AT_EMPTY_PATH);
    else
        execv(program, argv);
    snprintf(text, cap, "%s: cannot be run%s: %s", program,
             hash != NULL && errno == ENOENT ? " (a script under a hash)" : "", strerror(errno));
    close(fd);
    return 126;
}
