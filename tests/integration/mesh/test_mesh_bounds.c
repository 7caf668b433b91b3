/*
 * What the mesh holds when somebody does not read, answer or drain: bounded queues, over real nng. Silent subscribers are
 * bare sockets that say nothing after their handshake: nng lets go of one that speaks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/integration/mesh/meet.h"
#include "tests/integration/mesh/wire.h"

static size_t resident_bytes(void)
{
    char line[128] = "";
    FILE *file = fopen("/proc/self/statm", "re");
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof(line), file));
    fclose(file);
    return strtoul(strchr(line, ' '), NULL, 10) * (size_t)sysconf(_SC_PAGESIZE);
}

static void test_mesh__a_subscriber_that_does_not_read_costs_a_bounded_queue(void **state)
{
    (void)state;
    enum { FRAME = 128 << 10, FRAMES = 3000, QUEUE = 128 };
    struct urls urls;
    struct node nodes[2];
    urls_make(&urls, "tcp", "");
    nodes_init(nodes, 2);
    assert_true(node_open(&nodes[0], &urls, NULL, 0) && node_open(&nodes[1], &urls, NULL, 0));
    meet(nodes, 2);
    int fds[3];
    for (int i = 0; i < 3; i++) {
        fds[i] = wire_connect(url_port(urls.publish[0][0]));
        assert_true(fds[i] >= 0 && wire_handshake(fds[i], 0x21));
    }
    size_t before = resident_bytes(), most = 0;
    for (uint64_t number = 1; number <= FRAMES; number++) {
        assert_true(node_publish(&nodes[0], 0, number, FRAME));
        nodes_turn(nodes, 2, 0);
        size_t now = resident_bytes();
        most = now > before && now - before > most ? now - before : most;
    }
    RUN_UNTIL(nodes, 2, nodes[1].last[0] == FRAMES); /* the one that reads is not held up */
    print_message("%d MiB published, %d KiB more memory\n", (int)((uint64_t)FRAMES * FRAME >> 20), (int)(most >> 10));
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    assert_in_range(most, 0, (QUEUE + 300) * (size_t)FRAME); /* and what the allocator keeps at hand */
#endif
    for (int i = 0; i < 3; i++)
        close(fds[i]);
    close_all(nodes, 2);
}

static void test_mesh__large_frames_for_a_subscriber_that_does_not_read_are_bounded_in_bytes(void **state)
{
    (void)state;
    enum { FRAME = 4 << 20, FRAMES = 60, QUEUE_BYTES = 32 << 20 };
    struct urls urls;
    struct node nodes[2];
    urls_make(&urls, "tcp", "");
    nodes_init(nodes, 2);
    assert_true(node_open(&nodes[0], &urls, NULL, QUEUE_BYTES) && node_open(&nodes[1], &urls, NULL, 0));
    meet(nodes, 2);
    int fd = wire_connect(url_port(urls.publish[0][0]));
    assert_true(fd >= 0 && wire_handshake(fd, 0x21));
    size_t before = resident_bytes(), most = 0;
    for (uint64_t number = 1; number <= FRAMES; number++) {
        assert_true(node_publish(&nodes[0], 0, number, FRAME));
        RUN_UNTIL(nodes, 2, nodes[1].last[0] == number); /* whoever reads gets each of them */
        size_t now = resident_bytes();
        most = now > before && now - before > most ? now - before : most;
    }
    print_message("%d MiB published, %d MiB more memory\n", FRAMES * (FRAME >> 20), (int)(most >> 20));
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    assert_in_range(most, 0, 3 * (size_t)QUEUE_BYTES);
#endif
    assert_true(node_publish(&nodes[0], 0, FRAMES + 1, 1000)); /* and small ones go on */
    RUN_UNTIL(nodes, 2, nodes[1].last[0] == FRAMES + 1);
    close(fd);
    close_all(nodes, 2);
}

static void test_mesh__a_loop_that_does_not_drain_costs_a_bounded_queue(void **state)
{
    (void)state;
    struct urls urls;
    struct node nodes[2];
    urls_make(&urls, "tcp", "");
    nodes_init(nodes, 2);
    assert_true(node_open(&nodes[0], &urls, NULL, 0) && node_open(&nodes[1], &urls, NULL, 1 << 20));
    meet(nodes, 2);
    uint64_t heard = nodes[1].heard[0];
    struct node_patience patience = {0};
    while (node_refused(&nodes[1], 0, EDGE_GATE_OVERFLOW) < 5) {
        assert_true(node_patient(&patience));
        assert_true(node_publish(&nodes[0], 0, 9, 100000));
        nodes_turn(nodes, 1, 5); /* only relay 0's loop runs */
    }
    RUN_UNTIL(nodes, 2, nodes[1].heard[0] - heard >= 10);
    nodes_turn(nodes, 2, 0);                            /* all that there are: a turn has its time */
    assert_in_range(nodes[1].heard[0] - heard, 10, 12); /* 1 MiB of them */
    heard = nodes[1].heard[0];
    assert_true(node_publish(&nodes[0], 0, 10, 1000));
    RUN_UNTIL(nodes, 2, nodes[1].heard[0] > heard && nodes[1].last[0] == 10);
    close_all(nodes, 2);
}

static void test_mesh__unanswered_requests_are_bounded_and_time_out(void **state)
{
    (void)state;
    struct urls urls;
    struct node nodes[2];
    urls_make(&urls, "tcp", "");
    nodes_init(nodes, 2);
    assert_true(node_open(&nodes[0], &urls, NULL, 0) && node_open(&nodes[1], &urls, NULL, 0));
    meet(nodes, 2);
    nodes[1].mute = true;
    enum { ASK_MS = 5000 }; /* so long that none times out before all are sent */
    unsigned sent = 0;
    for (uint64_t id = 1; id <= 100; id++) {
        sent += node_ask(&nodes[0], 1, id, id, ASK_MS);
        nodes_turn(nodes, 2, 5);
    }
    assert_in_range(sent, 64, 100);
    RUN_UNTIL(nodes, 2, nodes[1].asked == 64 && node_refused(&nodes[1], 0, EDGE_GATE_BUSY) == sent - 64);
    RUN_UNTIL(nodes, 2, nodes[0].failed == sent);
    assert_int_equal(nodes[0].answered, 0);
    assert_false(edge_mesh_answer(nodes[1].mesh, 12345, BYTES_OF(scene_goodbye)));
    assert_false(edge_mesh_answer(nodes[1].mesh, 0, BYTES_OF(scene_goodbye)));
    assert_false(edge_mesh_ask(nodes[0].mesh, 3, 1, BYTES_OF(scene_goodbye), 0));
    assert_false(edge_mesh_publish(nodes[0].mesh, 7, BYTES_OF(scene_goodbye)));
    assert_false(edge_mesh_publish(nodes[0].mesh, 0, (struct bytes){NULL, 0}));
    close_all(nodes, 2);
}

/* test_mesh_bounds [PATTERN]: only the tests whose names fit ('*' and '?'). */
int main(int argc, char **argv)
{
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mesh__a_subscriber_that_does_not_read_costs_a_bounded_queue),
        cmocka_unit_test(test_mesh__large_frames_for_a_subscriber_that_does_not_read_are_bounded_in_bytes),
        cmocka_unit_test(test_mesh__a_loop_that_does_not_drain_costs_a_bounded_queue),
        cmocka_unit_test(test_mesh__unanswered_requests_are_bounded_and_time_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
