/*
 * Child processes: what they see, what they say, and what becomes of those that misbehave.
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
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "relay/edge/child.h"
#include "relay/edge/log.h"

enum { PATIENCE_MS = 100000, LOOK_MS = 20 };

struct scene {
    struct edge_loop *loop;
    struct edge_child *child;
    struct edge_timer *deadline;
    bool late;
    unsigned ups, downs, messages, noted;
    size_t bytes;
    char text[256]; /* the last message's beginning */
    char why[256];
    bool (*enough)(struct scene *scene);
};

static void look(struct scene *scene)
{
    if (scene->enough != NULL && scene->enough(scene))
        edge_loop_stop(scene->loop, 0);
}

static void up(void *context)
{
    struct scene *scene = context;
    scene->ups++;
    look(scene);
}

static void message(void *context, struct bytes body)
{
    struct scene *scene = context;
    size_t len = body.len < sizeof(scene->text) - 1 ? body.len : sizeof(scene->text) - 1;
    scene->messages++;
    scene->bytes += body.len;
    memcpy(scene->text, body.data, len);
    scene->text[len] = '\0';
    look(scene);
}

static void down(void *context, const char *why)
{
    struct scene *scene = context;
    scene->downs++;
    snprintf(scene->why, sizeof(scene->why), "%s", why);
    look(scene);
}

static void late(void *context)
{
    struct scene *scene = context;
    scene->late = true;
    edge_loop_stop(scene->loop, 1);
}

static void scene_init_with(struct scene *scene, const char *what, void (*heard)(void *context, struct bytes body))
{
    static char program[512];
    const char *argv[] = {"child", what, NULL};
    memset(scene, 0, sizeof(*scene));
    snprintf(program, sizeof(program), "%s/tests/unit/edge/child_program", getenv("ISTHMUS_BUILD"));
    scene->loop = edge_loop_new();
    scene->deadline = edge_timer_new(scene->loop, late, scene);
    scene->child = edge_child_new(&(struct edge_child_options){.loop = scene->loop,
                                                               .name = "test",
                                                               .program = program,
                                                               .argv = argv,
                                                               .backoff_ms = 1,
                                                               .context = scene,
                                                               .up = up,
                                                               .message = heard,
                                                               .down = down});
    assert_non_null(scene->child);
    edge_child_start(scene->child);
}

static void scene_init(struct scene *scene, const char *what)
{
    scene_init_with(scene, what, message);
}

static void scene_fini(struct scene *scene)
{
    edge_child_free(scene->child);
    edge_timer_free(scene->deadline);
    edge_loop_free(scene->loop);
}

/* Turns the loop until a callback finds that it is enough. */
static void until(struct scene *scene, bool (*enough)(struct scene *scene))
{
    scene->enough = enough;
    if (enough(scene))
        return;
    edge_timer_set(scene->deadline, PATIENCE_MS);
    edge_loop_run(scene->loop);
    edge_timer_clear(scene->deadline);
    assert_false(scene->late);
}

static struct edge_child_view view(const struct scene *scene)
{
    struct edge_child_view out;
    edge_child_look(scene->child, &out);
    return out;
}

static bool is_up(struct scene *scene)
{
    return scene->ups > 0;
}

static bool has_message(struct scene *scene)
{
    return scene->messages > 0;
}

static bool has_ended(struct scene *scene)
{
    return scene->downs > 0;
}

static bool is_quarantined(struct scene *scene)
{
    return view(scene).state == EDGE_CHILD_QUARANTINED;
}

static void test_child__sees_only_its_four_descriptors(void **state)
{
    struct scene scene;
    int leak[8];
    (void)state;
    for (size_t i = 0; i < 8; i++)
        leak[i] = open("/dev/null", O_RDONLY); /* inheritable ones, such as a library may make */
    scene_init(&scene, "descriptors");
    until(&scene, has_message);
    assert_string_equal(scene.text, "0 1 2 3 ");
    scene_fini(&scene);
    for (size_t i = 0; i < 8; i++)
        close(leak[i]);
}

static bool has_all_bytes(struct scene *scene)
{
    return scene->bytes == 3u * (1 << 20) + 1;
}

static void test_child__messages_of_any_length_come_back_whole(void **state)
{
    struct scene scene;
    uint8_t *big = calloc(1, 3 << 20);
    (void)state;
    scene_init(&scene, "echo");
    until(&scene, is_up);
    assert_true(edge_child_send(scene.child, (struct bytes){big, 1}));
    assert_true(edge_child_send(scene.child, (struct bytes){big, 3 << 20}));
    until(&scene, has_all_bytes);
    assert_int_equal(scene.messages, 2);
    assert_false(edge_child_send(scene.child, (struct bytes){big, 0}));
    assert_false(edge_child_send(scene.child, (struct bytes){big, EDGE_CHILD_SEND_MAX + 1}));
    free(big);
    scene_fini(&scene);
}

static void test_child__held_messages_wait_and_then_come(void **state)
{
    struct scene scene;
    (void)state;
    scene_init(&scene, "echo");
    until(&scene, is_up);
    edge_child_hold(scene.child, true);
    assert_true(edge_child_send(scene.child, (struct bytes){(const uint8_t *)"abc", 3}));
    edge_timer_set(scene.deadline, 100); /* time in which it would have come */
    edge_loop_run(scene.loop);
    assert_int_equal(scene.messages, 0);
    scene.late = false;
    edge_child_hold(scene.child, false);
    until(&scene, has_message);
    scene_fini(&scene);
}

enum { CRUMBS = 100 };

/* Costs its receiver much. */
static void message_slowly(void *context, struct bytes body)
{
    uint64_t end = edge_loop_now() + 10;
    while (edge_loop_now() < end)
        ;
    message(context, body);
}

static bool has_crumbs(struct scene *scene)
{
    return scene->messages == CRUMBS;
}

static void note_messages(void *context)
{
    struct scene *scene = context;
    scene->noted = scene->messages;
}

static void test_child__messages_that_cost_much_leave_the_loop_time_for_others(void **state)
{
    struct scene scene;
    struct edge_timer *other;
    (void)state;
    scene_init_with(&scene, "echo", message_slowly);
    until(&scene, is_up);
    edge_child_hold(scene.child, true); /* until all of them are there */
    for (size_t i = 0; i < CRUMBS; i++)
        assert_true(edge_child_send(scene.child, (struct bytes){(const uint8_t *)"x", 1}));
    edge_timer_set(scene.deadline, 200);
    edge_loop_run(scene.loop);
    scene.late = false;
    edge_child_hold(scene.child, false);
    other = edge_timer_new(scene.loop, note_messages, &scene);
    edge_timer_set(other, 100);
    scene.noted = CRUMBS;
    until(&scene, has_crumbs);
    assert_true(scene.noted < CRUMBS / 2); /* it had its turn in between */
    edge_timer_free(other);
    scene_fini(&scene);
}

static void test_child__a_forbidden_length_ends_it_and_says_so(void **state)
{
    struct scene scene;
    (void)state;
    scene_init(&scene, "long");
    until(&scene, has_ended);
    assert_string_equal(scene.why, "sent a message of a forbidden length: killed by this relay");
    assert_int_equal(scene.messages, 0);
    scene_fini(&scene);
}

static void test_child__one_that_does_not_read_is_ended_not_waited_for(void **state)
{
    struct scene scene;
    uint8_t *big = calloc(1, EDGE_CHILD_SEND_MAX);
    unsigned sent = 0;
    (void)state;
    scene_init(&scene, "deaf");
    until(&scene, is_up);
    while (edge_child_send(scene.child, (struct bytes){big, EDGE_CHILD_SEND_MAX}))
        sent++;
    assert_in_range(sent, 1, EDGE_CHILD_OUT_MAX / EDGE_CHILD_SEND_MAX + 1);
    until(&scene, has_ended);
    assert_string_equal(scene.why, "does not read its messages: killed by this relay");
    free(big);
    scene_fini(&scene);
}

static void test_child__crashes_back_off_then_quarantine_until_released(void **state)
{
    struct scene scene;
    (void)state;
    scene_init(&scene, "crash");
    until(&scene, is_quarantined);
    struct edge_child_view now = view(&scene);
    assert_int_equal(now.crashes, EDGE_CHILD_CRASHES + 1);
    assert_int_equal(now.pid, 0);
    assert_non_null(strstr(now.text, "code 3"));
    assert_true(now.retry > edge_loop_now() + EDGE_CHILD_QUARANTINE_MS / 2);
    scene.downs = 0;
    edge_child_release(scene.child);
    until(&scene, has_ended);
    assert_int_equal(view(&scene).crashes, EDGE_CHILD_CRASHES + 2);
    scene_fini(&scene);
}

static void test_child__a_program_that_is_not_there_backs_off(void **state)
{
    const char *argv[] = {"nothing", NULL};
    struct scene scene;
    (void)state;
    scene_init(&scene, "echo");
    edge_child_free(scene.child);
    scene.child = edge_child_new(&(struct edge_child_options){.loop = scene.loop,
                                                              .name = "test",
                                                              .program = "/nonexistent/program",
                                                              .argv = argv,
                                                              .backoff_ms = 1,
                                                              .context = &scene,
                                                              .up = up,
                                                              .message = message,
                                                              .down = down});
    edge_child_start(scene.child);
    for (int waited = 0; view(&scene).crashes < 2; waited += LOOK_MS) { /* nothing calls back */
        assert_in_range(waited, 0, PATIENCE_MS);
        edge_timer_set(scene.deadline, LOOK_MS);
        edge_loop_run(scene.loop);
    }
    assert_int_equal(scene.ups, 0);
    assert_int_equal(scene.downs, 0);
    assert_non_null(strstr(view(&scene).text, "No such file"));
    scene_fini(&scene);
}

static bool is_stopped(struct scene *scene)
{
    return view(scene).state == EDGE_CHILD_STOPPED;
}

static void test_child__stop_closes_its_socket_and_kills_only_the_stubborn(void **state)
{
    struct scene scene;
    static const char *const kinds[] = {"echo", "stubborn"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        scene_init(&scene, kinds[i]);
        until(&scene, is_up);
        pid_t pid = view(&scene).pid;
        edge_child_stop(scene.child);
        until(&scene, is_stopped);
        assert_int_equal(scene.downs, 1);
        assert_non_null(strstr(scene.why, i == 0 ? "code 0" : "killed by this relay, as it did not end by itself"));
        assert_true(kill(pid, 0) != 0 && errno == ESRCH);
        assert_int_equal(view(&scene).crashes, 0);
        scene_fini(&scene);
    }
}

/* What hangs in the kernel cannot be had in a test: one that was not killed ends as little. */
static void test_child__one_that_does_not_end_is_not_waited_for_without_end(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0)
        for (;;)
            pause();
    edge_process_reap(child, LOOK_MS);
    assert_int_equal(waitpid(child, NULL, WNOHANG), 0); /* it lives */
    assert_int_equal(kill(child, SIGKILL), 0);
    edge_process_reap(child, PATIENCE_MS);
    assert_int_equal(waitpid(child, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static void test_child__what_it_writes_becomes_log_lines(void **state)
{
    struct scene scene;
    char lines[2048] = "";
    int ends[2];
    (void)state;
    assert_int_equal(pipe(ends), 0);
    edge_log_to(ends[1]);
    scene_init(&scene, "talk");
    until(&scene, is_up);
    edge_child_stop(scene.child);
    until(&scene, is_stopped);
    scene_fini(&scene);
    edge_log_to(STDERR_FILENO);
    close(ends[1]);
    size_t len = 0;
    for (ssize_t got; (got = read(ends[0], lines + len, sizeof(lines) - 1 - len)) > 0;)
        len += (size_t)got;
    close(ends[0]);
    assert_non_null(strstr(lines, "reason=child-says subject=test text=\"first line\"\n"));
    assert_non_null(strstr(lines, "text=\"second \\\"line\\\"\"\n"));
    assert_non_null(strstr(lines, "text=\"last without end\"\n"));
}

static void test_log__repeats_are_limited_and_counted(void **state)
{
    int ends[2];
    char line[EDGE_LOG_LINE_MAX];
    unsigned written = 0;
    (void)state;
    assert_int_equal(pipe(ends), 0);
    edge_log_to(ends[1]);
    uint64_t before = edge_log_suppressed();
    for (int i = 0; i < 500; i++)
        edge_log(RELAY_INFO, "test-repeats", NULL, "%d", i);
    edge_log(RELAY_DEBUG, "test-too-low", NULL, "%s", "not written");
    edge_log(RELAY_ALARM, "test-other", "a b", "%s", "bell \a and \xff");
    edge_log_to(STDERR_FILENO);
    close(ends[1]);
    FILE *file = fdopen(ends[0], "r");
    while (fgets(line, sizeof(line), file) != NULL) {
        written += strstr(line, "test-repeats") != NULL;
        assert_null(strstr(line, "test-too-low"));
    }
    assert_non_null(strstr(line, "level=alarm reason=test-other subject=a b text=\"bell \\x07 and \\xff\""));
    fclose(file);
    assert_in_range(written, EDGE_LOG_BURST, EDGE_LOG_BURST + 2 * EDGE_LOG_PER_SECOND);
    assert_int_equal(edge_log_suppressed() - before, 500 - written);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_child__sees_only_its_four_descriptors),
        cmocka_unit_test(test_child__messages_of_any_length_come_back_whole),
        cmocka_unit_test(test_child__held_messages_wait_and_then_come),
        cmocka_unit_test(test_child__messages_that_cost_much_leave_the_loop_time_for_others),
        cmocka_unit_test(test_child__a_forbidden_length_ends_it_and_says_so),
        cmocka_unit_test(test_child__one_that_does_not_read_is_ended_not_waited_for),
        cmocka_unit_test(test_child__crashes_back_off_then_quarantine_until_released),
        cmocka_unit_test(test_child__a_program_that_is_not_there_backs_off),
        cmocka_unit_test(test_child__stop_closes_its_socket_and_kills_only_the_stubborn),
        cmocka_unit_test(test_child__one_that_does_not_end_is_not_waited_for_without_end),
        cmocka_unit_test(test_child__what_it_writes_becomes_log_lines),
        cmocka_unit_test(test_log__repeats_are_limited_and_counted),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
