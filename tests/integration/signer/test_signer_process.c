/*
 * The signer as a process: what its sandbox lets it do, and the whole of it over its socket, killed and started again.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "proofs/codec/hex.h"
#include "relay/edge/keyfile.h"
#include "relay/edge/sandbox.h"
#include "tests/unit/edge/world.h"

static int setup(void **state)
{
    *state = world_new();
    return 0;
}

static int teardown(void **state)
{
    world_free(*state);
    return 0;
}

/* ---- the sandbox --------------------------------------------------------------------------------------------------- */

/* Runs act in a sandboxed child; its wait status. */
static int sandboxed(struct world *world, int (*act)(struct world *world, struct edge_guard *guard))
{
    struct edge_guard *guard = NULL;
    char why[256];
    assert_int_equal(edge_guard_open(&guard, world->folder, world->network.hash, 64, why, sizeof(why)), EDGE_GUARD_OK);
    pid_t pid = fork();
    int status;
    assert_true(pid >= 0);
    if (pid == 0) {
        char text[256];
        if (!edge_sandbox_signer(world->folder, text, sizeof(text))) {
            fprintf(stderr, "%s\n", text);
            _exit(99);
        }
        _exit(act(world, guard));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    edge_guard_close(guard);
    return status;
}

static int write_outside(struct world *world, struct edge_guard *guard)
{
    (void)world, (void)guard;
    return open("/tmp/isthmus-signer-was-here", O_WRONLY | O_CREAT, 0600) < 0 && errno == EACCES ? 0 : 1;
}

static int read_outside(struct world *world, struct edge_guard *guard)
{
    (void)world, (void)guard;
    return open("/etc/passwd", O_RDONLY) < 0 && errno == EACCES ? 0 : 1;
}

static int talk(struct world *world, struct edge_guard *guard)
{
    (void)world, (void)guard;
    return socket(AF_INET, SOCK_STREAM, 0) < 0 ? 2 : 1;
}

static int breed(struct world *world, struct edge_guard *guard)
{
    (void)world, (void)guard;
    return fork() < 0 ? 2 : 1;
}

static void test_signer__reaches_nothing_but_its_guard(void **state)
{
    assert_int_equal(sandboxed(*state, write_outside), 0);
    assert_int_equal(sandboxed(*state, read_outside), 0);
    if (EDGE_SANDBOX_SANITIZED) {
        print_message("no seccomp in builds with sanitizers\n");
        return;
    }
    int status = sandboxed(*state, talk);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
    status = sandboxed(*state, breed);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}

/* Signs under every suite; moves the guard until it has been compacted. */
static int work(struct world *world, struct edge_guard *guard)
{
    static const enum proof_suite suites[] = {PROOF_SUITE_KECCAK256_SECP256K1, PROOF_SUITE_SHA256_P256,
                                              PROOF_SUITE_SM3_SM2, PROOF_SUITE_BLAKE2B256_ED25519};
    static struct edge_guard_row rows[EDGE_GUARD_BATCH_MAX];
    uint8_t secret[32], signature[64], message[32] = {1};
    char text[256];
    (void)world;
    memset(secret, 9, sizeof(secret));
    for (size_t i = 0; i < 4; i++) {
        if (!proof_signature_sign(signature, suites[i], secret, message))
            return 3;
    }
    for (uint64_t number = 1; number <= 300; number++) {
        for (size_t i = 0; i < EDGE_GUARD_BATCH_MAX; i++) {
            rows[i].log[0] = (uint8_t)i;
            rows[i].number = number;
        }
        if (!edge_guard_advance(guard, rows, EDGE_GUARD_BATCH_MAX, text, sizeof(text)))
            return 4;
    }
    return edge_guard_find(guard, rows[7].log)->number == 300 ? 0 : 5;
}

static void test_signer__can_do_its_work_inside_its_sandbox_under_every_suite(void **state)
{
    /* The libraries are warm, as after edge_signer_main has tried each key. */
    uint8_t secret[32], signature[64], message[32] = {1};
    memset(secret, 9, sizeof(secret));
    assert_true(proof_signature_sign(signature, PROOF_SUITE_SHA256_P256, secret, message));
    assert_true(proof_signature_sign(signature, PROOF_SUITE_SM3_SM2, secret, message));
    assert_int_equal(sandboxed(*state, work), 0);
    struct world *world = *state;
    struct edge_guard *guard;
    char text[256];
    assert_int_equal(edge_guard_open(&guard, world->folder, world->network.hash, 64, text, sizeof(text)),
                     EDGE_GUARD_OK);
    const uint8_t log[32] = {7};
    assert_int_equal(edge_guard_find(guard, log)->number, 300);
    edge_guard_close(guard);
}

/* ---- the whole process --------------------------------------------------------------------------------------------- */

struct process {
    pid_t pid;
    int fd;
};

struct setting {
    struct config_relay config;
    struct config_source sources[WORLD_SOURCES + 1];
    char key[300], guard[300], passphrase[300];
};

static void setting_make(struct setting *setting, struct world *world)
{
    *setting = (struct setting){.config = {.sources = setting->sources, .sources_len = WORLD_SOURCES + 1}};
    snprintf(setting->key, sizeof(setting->key), "%s/attester.key", world->folder);
    snprintf(setting->guard, sizeof(setting->guard), "%s/guard", world->folder);
    snprintf(setting->passphrase, sizeof(setting->passphrase), "%s/passphrase", world->folder);
    for (size_t i = 0; i <= WORLD_SOURCES; i++) {
        char *name = (char *)(uintptr_t)world->sources[i].name;
        setting->sources[i] = (struct config_source){.chain = world->chains[world->sources[i].chain].id,
                                                     .name = name,
                                                     .operator_tag = name,
                                                     .network_tag = name,
                                                     .software_tag = name};
    }
    setting->config.signer.present = true;
    setting->config.signer.keys[0] = setting->key;
    setting->config.signer.keys_len = 1;
    setting->config.signer.guard = setting->guard;
    setting->config.signer.passphrase = setting->passphrase;
}

static struct process start(struct world *world)
{
    struct setting setting;
    int ends[2];
    setting_make(&setting, world);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    struct process process = {.pid = fork(), .fd = ends[0]};
    assert_true(process.pid >= 0);
    if (process.pid == 0) {
        close(ends[0]);
        _exit(edge_signer_main(&setting.config, &world->network, ends[1]));
    }
    close(ends[1]);
    return process;
}

static bool receive(const struct process *process, uint8_t *out, size_t cap, size_t *len)
{
    uint8_t length[4];
    if (recv(process->fd, length, 4, MSG_WAITALL) != 4)
        return false;
    *len = (size_t)length[0] << 24 | (size_t)length[1] << 16 | (size_t)length[2] << 8 | length[3];
    return *len <= cap && recv(process->fd, out, *len, MSG_WAITALL) == (ssize_t)*len;
}

static bool hear(const struct process *process, struct world_answers *answers)
{
    static uint8_t message[1 << 20];
    size_t len;
    answers->last = false;
    while (!answers->last) {
        if (!receive(process, message, sizeof(message), &len))
            return false;
        world_answer(answers, (struct bytes){message, len});
    }
    return true;
}

static bool ask(const struct process *process, struct world_request *request, struct world_answers *answers)
{
    struct bytes body = world_request_bytes(request);
    const uint8_t length[4] = {(uint8_t)(body.len >> 24), (uint8_t)(body.len >> 16), (uint8_t)(body.len >> 8),
                               (uint8_t)body.len};
    bool sent = send(process->fd, length, 4, MSG_NOSIGNAL) == 4 &&
                send(process->fd, body.data, body.len, MSG_NOSIGNAL) == (ssize_t)body.len;
    world_request_fini(request);
    return sent && hear(process, answers);
}

static int stop(const struct process *process)
{
    int status;
    close(process->fd);
    assert_int_equal(waitpid(process->pid, &status, 0), process->pid);
    return status;
}

static void keys_make(struct world *world)
{
    char path[300], text[256];
    const uint8_t passphrase[] = "correct horse";
    struct bytes view = {passphrase, sizeof(passphrase) - 1};
    snprintf(path, sizeof(path), "%s/attester.key", world->folder);
    assert_int_equal(edge_keyfile_create(NULL, path, PROOF_SUITE_KECCAK256_SECP256K1, world->trust.keys[0].secret, view,
                                         EDGE_KEYFILE_COST_TEST, text, sizeof(text)),
                     EDGE_KEYFILE_OK);
    snprintf(path, sizeof(path), "%s/passphrase", world->folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "%s\n", (const char *)passphrase);
    fclose(file);
    assert_int_equal(chmod(path, 0600), 0);
}

static void test_signer__over_its_socket_killed_and_started_again_goes_on_from_its_guard(void **state)
{
    static struct world_request request;
    static struct world_answers answers;
    struct world *world = *state;
    uint64_t guard = 0;
    keys_make(world);
    for (int round = 0; round < 6; round++) {
        struct process process = start(world);
        memset(&answers, 0, sizeof(answers));
        answers.world = world;
        assert_true(hear(&process, &answers)); /* the greeting */
        assert_int_equal(answers.guards, round == 0 ? 0 : 1);
        assert_int_equal(answers.guard, guard);
        for (int i = 0; i < 5; i++) {
            struct world_mark mark = {.kind = 1, .number = guard + 3};
            world_request_make(&request, world, &mark, &guard, 1);
            assert_true(ask(&process, &request, &answers));
            assert_int_equal(answers.refusals, 0);
            guard += 3;
        }
        assert_int_equal(answers.heads_len, 5);
        if (round % 2 == 0)
            kill(process.pid, SIGKILL);
        int status = stop(&process);
        assert_true(round % 2 == 0 ? WIFSIGNALED(status) : status == 0);
    }
}

static void test_signer__a_damaged_guard_stops_it(void **state)
{
    struct world *world = *state;
    char path[300];
    keys_make(world);
    struct process process = start(world);
    uint8_t greeting[4];
    assert_true(hear(&process, &(struct world_answers){.world = world})); /* all of it: then it waits for requests */
    assert_int_equal(stop(&process), 0);
    snprintf(path, sizeof(path), "%s/guard/guard", world->folder);
    int fd = open(path, O_RDWR);
    assert_int_equal(pwrite(fd, "x", 1, 20), 1);
    close(fd);
    process = start(world);
    assert_int_equal(recv(process.fd, greeting, 4, MSG_WAITALL), 0);
    int status = stop(&process);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 2);
}

/* isthmusd -x guard WORDS; its exit code. */
static int look(struct world *world, const char *words)
{
    struct setting setting;
    FILE *nowhere = fopen("/dev/null", "w");
    setting_make(&setting, world);
    int code = edge_signer_guard_main(&setting.config, &world->network, words, nowhere);
    fclose(nowhere);
    return code;
}

static void test_signer__whose_guard_is_gone_stops_until_a_head_is_adopted_and_goes_on_from_there(void **state)
{
    static struct world_request request;
    static struct world_answers answers;
    struct world *world = *state;
    struct world_mark mark = {.kind = 1, .number = 30};
    uint64_t guard = 0;
    char path[300], name[200], log[65], running[65];
    uint8_t greeting[4];
    keys_make(world);
    struct process process = start(world);
    answers = (struct world_answers){.world = world};
    assert_true(hear(&process, &answers));
    world_request_make(&request, world, &mark, &guard, 1);
    assert_true(ask(&process, &request, &answers));
    assert_int_equal(answers.heads_len, 1);
    assert_int_equal(stop(&process), 0);

    snprintf(path, sizeof(path), "%s/guard/guard", world->folder);
    assert_int_equal(unlink(path), 0);
    process = start(world);
    assert_int_equal(recv(process.fd, greeting, 4, MSG_WAITALL), 0);
    int status = stop(&process);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 2);
    assert_int_equal(look(world, NULL), 1); /* looking begins nothing, either */

    codec_hex_encode(log, (struct bytes){answers.heads[0].log, 32});
    codec_hex_encode(running, (struct bytes){answers.heads[0].running, 32});
    /* A slip of the pen binds nothing, and is not taken for the word that was lost. */
    snprintf(name, sizeof(name), "%s:30:%s", running, running);
    assert_int_equal(look(world, name), 1); /* no log of this network */
    snprintf(name, sizeof(name), "%s:-30:%s", log, running);
    assert_int_equal(look(world, name), 1);
    snprintf(name, sizeof(name), "%s:99999999999999999999:%s", log, running);
    assert_int_equal(look(world, name), 1); /* larger than any number */
    assert_int_equal(look(world, NULL), 1);
    snprintf(name, sizeof(name), "%s:30:%s", log, running);
    assert_int_equal(look(world, name), 0);
    process = start(world);
    answers = (struct world_answers){.world = world};
    assert_true(hear(&process, &answers));
    assert_int_equal(answers.guard, 30);
    mark = (struct world_mark){.kind = 1, .branch = 1, .number = 28}; /* below its word */
    guard = 0;
    world_request_make(&request, world, &mark, &guard, 1);
    assert_true(ask(&process, &request, &answers));
    assert_int_equal(answers.heads_len, 0);
    mark = (struct world_mark){.kind = 1, .number = 33};
    guard = 30;
    world_request_make(&request, world, &mark, &guard, 1);
    assert_true(ask(&process, &request, &answers));
    assert_int_equal(answers.heads_len, 1);
    assert_int_equal(stop(&process), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_signer__reaches_nothing_but_its_guard),
        TEST(test_signer__can_do_its_work_inside_its_sandbox_under_every_suite),
        TEST(test_signer__over_its_socket_killed_and_started_again_goes_on_from_its_guard),
        TEST(test_signer__a_damaged_guard_stops_it),
        TEST(test_signer__whose_guard_is_gone_stops_until_a_head_is_adopted_and_goes_on_from_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
