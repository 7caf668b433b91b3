/* The mesh over real nng: three transports, forgeries on the wire, restarts, a cut and its healing, a slow subscriber. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <nng/nng.h>
#include <nng/protocol/pubsub0/pub.h>
#include <nng/protocol/pubsub0/sub.h>
#include <semaphore.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "tests/integration/mesh/certificates.h"
#include "tests/integration/mesh/meet.h"
#include "tests/integration/mesh/wire.h"
#include "tests/unit/store/scratch.h"

/* Frames reach exactly those of the zone; requests are answered by the relay that was asked. */
static void exchange(const struct urls *urls, const char *tls)
{
    struct node nodes[3];
    nodes_init(nodes, 3);
    for (int i = 0; i < 3; i++)
        if (!node_open(&nodes[i], urls, tls, 0))
            fail_msg("%s", nodes[i].text);
    meet(nodes, 3);
    uint64_t before = nodes[2].heard[0];
    for (uint64_t number = 1; number <= 100; number++) {
        assert_true(node_publish(&nodes[0], 1, number, 2000));
        nodes_turn(nodes, 3, 0);
    }
    RUN_UNTIL(nodes, 3, nodes[2].last[0] == 100);
    assert_int_equal(nodes[2].heard[0], before + 100); /* zone 1 */
    assert_int_not_equal(nodes[1].last[0], 100);       /* zone 0 heard none of it */
    assert_true(node_ask(&nodes[0], 2, 77, 5, DEADLINE));
    assert_true(node_ask(&nodes[1], 2, 78, 6, DEADLINE));
    RUN_UNTIL(nodes, 3, nodes[0].answered == 1 && nodes[1].answered == 1);
    assert_int_equal(nodes[0].answer_id, 77);
    assert_int_equal(nodes[0].answer_number, 1005);
    assert_int_equal(nodes[1].answer_number, 1006);
    assert_int_equal(nodes[2].asked, 2);
    assert_true(node_publish(&nodes[1], 1, 200, 4u << 20)); /* a large one */
    RUN_UNTIL(nodes, 3, nodes[2].last[1] == 200);
    for (uint64_t id = 1; id <= 40; id++)
        assert_true(node_ask(&nodes[0], 1, id, id, DEADLINE));
    RUN_UNTIL(nodes, 3, nodes[0].answered == 41);
    assert_int_equal(nodes[0].failed, 0);
    assert_int_equal(nodes[0].ups[2], 1);
    assert_int_equal(nodes[0].downs[2], 0);
    close_all(nodes, 3);
}

static void test_mesh__frames_and_answers_over_ipc(void **state)
{
    (void)state;
    struct scratch scratch = scratch_new();
    struct urls urls;
    urls_make(&urls, "ipc", scratch.path);
    exchange(&urls, NULL);
    scratch_free(&scratch);
}

static void test_mesh__frames_and_answers_over_tcp(void **state)
{
    (void)state;
    struct urls urls;
    urls_make(&urls, "tcp", "");
    exchange(&urls, NULL);
}

static void test_mesh__frames_and_answers_over_tls(void **state)
{
    (void)state;
    struct scratch scratch = scratch_new();
    make_certificates(scratch.path);
    struct urls urls;
    urls_make(&urls, "tls+tcp", "");
    exchange(&urls, scratch.path);
    scratch_free(&scratch);
}

static void test_mesh__tls_takes_no_certificate_of_another_relay(void **state)
{
    (void)state;
    struct scratch scratch = scratch_new();
    make_certificates(scratch.path);
    struct urls urls;
    struct node nodes[2];
    urls_make(&urls, "tls+tcp", "");
    nodes_init(nodes, 2);
    assert_true(node_open(&nodes[0], &urls, scratch.path, 0));
    memcpy(nodes[1].scene.relays[1].name, "east", 5); /* relay 1 shows the certificate of relay 2 */
    assert_true(node_open(&nodes[1], &urls, scratch.path, 0));
    uint64_t end = node_now() + 1500;
    while (node_now() < end) {
        beat(nodes, 2, 1);
        nodes_turn(nodes, 2, 50);
    }
    assert_int_equal(nodes[0].heard[1], 0);
    close_all(nodes, 2);
    scratch_free(&scratch);
}

static void expect_no_mesh(struct urls *urls, const char *url, const char *says)
{
    struct node node;
    nodes_init(&node, 1);
    snprintf(urls->request[0], NODE_URL, "%s", url);
    assert_false(node_open(&node, urls, NULL, 0));
    if (!strstr(node.text, says))
        fail_msg("'%s' does not say '%s'", node.text, says);
}

static void test_mesh__bad_addresses_are_refused_in_words(void **state)
{
    (void)state;
    struct urls urls;
    urls_make(&urls, "tcp", "");
    expect_no_mesh(&urls, "tcp://0.0.0.0:4000", "loopback");
    expect_no_mesh(&urls, "tls+tcp://127.0.0.1:4000", "certificate");
    expect_no_mesh(&urls, "http://127.0.0.1:4000", "use tls+tcp://host:port");
    expect_no_mesh(&urls, "tcp://127.0.0.1", "host:port");
    expect_no_mesh(&urls, "ipc://", "path");
    int taken = wire_listen(free_port());
    struct sockaddr_in address;
    socklen_t len = sizeof(address);
    getsockname(taken, (struct sockaddr *)&address, &len);
    char url[64];
    snprintf(url, sizeof(url), "tcp://127.0.0.1:%u", ntohs(address.sin_port));
    expect_no_mesh(&urls, url, "Address in use");
    close(taken);
}

/* Relay 0 with a different scene publishes to relay 1, until relay 1 has refused it for that reason. */
static void expect_refused(void (*change)(struct scene *), uint16_t counted, enum edge_gate_reason reason)
{
    struct urls urls;
    struct node nodes[2];
    urls_make(&urls, "tcp", "");
    nodes_init(nodes, 2);
    change(&nodes[0].scene);
    assert_true(node_open(&nodes[0], &urls, NULL, 0) && node_open(&nodes[1], &urls, NULL, 0));
    struct node_patience patience = {0};
    while (node_refused(&nodes[1], counted, reason) == 0) {
        assert_true(node_patient(&patience));
        assert_true(node_publish(&nodes[0], 0, 1, 100));
        nodes_turn(nodes, 2, 20);
    }
    assert_true(node_ask(&nodes[0], 1, 5, 1, 300));
    RUN_UNTIL(nodes, 2, nodes[0].failed == 1); /* its requests are refused as well */
    assert_int_equal(nodes[1].heard[0] + nodes[1].ups[0] + nodes[1].asked, 0);
    close_all(nodes, 2);
}

static void other_network(struct scene *scene)
{
    scene->network.id[5] ^= 1;
}

static void other_audience(struct scene *scene)
{
    scene->zones[0].id[5] ^= 1;
    scene->relays[1].key[5] ^= 1;
}

static void other_key(struct scene *scene)
{
    memset(scene->seeds[0], 0x99, 32);
    assert_true(codec_sodium_ed25519_public(scene->relays[0].key, scene->seeds[0]));
}

static void test_mesh__frames_of_another_network_audience_or_key_are_refused(void **state)
{
    (void)state;
    expect_refused(other_network, 0, EDGE_GATE_NETWORK);
    expect_refused(other_audience, 0, EDGE_GATE_AUDIENCE);
    expect_refused(other_key, 0, EDGE_GATE_SENDER);
}

/* Relay 1 hears relay 0 through a proxy, which it knows by this host. */
static void open_behind_proxy(struct node *nodes, struct urls *urls, struct proxy *proxy, const char *host,
                              uint32_t silence)
{
    struct urls through;
    urls_make(urls, "tcp", "");
    nodes_init(nodes, 2);
    nodes[0].silence = nodes[1].silence = silence;
    uint16_t port = free_port();
    proxy_start(proxy, port, url_port(urls->publish[0][0]));
    through = *urls;
    snprintf(through.publish[0][0], NODE_URL, "tcp://%s:%u", host, port);
    assert_true(node_open(&nodes[0], urls, NULL, 0) && node_open(&nodes[1], &through, NULL, 0));
    meet(nodes, 2);
}

static void test_mesh__what_is_forged_or_repeated_on_the_wire_is_refused(void **state)
{
    (void)state;
    struct node nodes[2];
    struct urls urls;
    struct proxy proxy;
    open_behind_proxy(nodes, &urls, &proxy, "127.0.0.1", 0);
    uint64_t heard = nodes[1].heard[0];
    atomic_store(&proxy.mode, PROXY_TWICE);
    for (uint64_t number = 1; number <= 5; number++) {
        assert_true(node_publish(&nodes[0], 0, number, 500));
        RUN_UNTIL(nodes, 2, nodes[1].last[0] == number && node_refused(&nodes[1], 0, EDGE_GATE_COUNTER) >= number);
    }
    assert_int_equal(nodes[1].heard[0], heard + 5); /* each once */

    atomic_store(&proxy.mode, PROXY_FLIP);
    for (uint64_t number = 1; node_refused(&nodes[1], 0, EDGE_GATE_CUT_OFF) == 0; number++) {
        assert_true(number < 100);
        int passed = atomic_load(&proxy.passed);
        assert_true(node_publish(&nodes[0], 0, 1000 + number, 500));
        RUN_UNTIL(nodes, 2, atomic_load(&proxy.passed) > passed);
    }
    RUN_UNTIL(nodes, 2, node_refused(&nodes[1], 0, EDGE_GATE_SIGNATURE) == 8);
    assert_int_equal(nodes[1].heard[0], heard + 5);

    atomic_store(&proxy.mode, PROXY_PASS); /* the cut-off ends by itself */
    struct node_patience patience = {0};
    while (nodes[1].heard[0] == heard + 5) {
        assert_true(node_patient(&patience));
        assert_true(node_publish(&nodes[0], 0, 5000, 500));
        nodes_turn(nodes, 2, 50);
    }
    close_all(nodes, 2);
    proxy_stop(&proxy);
}

static void test_mesh__oversized_frames_are_refused_and_the_worst_cut_the_connection(void **state)
{
    (void)state;
    struct urls urls;
    struct node node[2];
    urls_make(&urls, "tcp", "");
    nodes_init(node, 2);
    int listener = wire_listen(url_port(urls.publish[0][0]));
    node[0] = node[1]; /* only relay 1 is real; relay 0 is this test */
    memset(&node[1], 0, sizeof(node[1]));
    node[0].scene.network.relays = node[0].scene.relays;
    node[0].scene.network.zones = node[0].scene.zones;
    node[0].scene.network.links = node[0].scene.links;
    assert_true(node_open(&node[0], &urls, NULL, 0));
    int fd = accept(listener, NULL, NULL);
    assert_true(wire_handshake(fd, 0x20));
    size_t len = PROOF_FRAME_BYTES_MAX + 100;
    uint8_t *frame = calloc(1, len);
    uint8_t header[8] = {0, 0, 0, 0, (uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len};
    assert_true(wire_send(fd, header, 8) && wire_send(fd, frame, len));
    RUN_UNTIL(node, 1, node_refused(&node[0], 0, EDGE_GATE_SIZE) == 1);
    const uint8_t huge[8] = {0, 0, 0, 1, 0, 0, 0, 0};
    uint8_t byte;
    assert_true(wire_send(fd, huge, 8));
    assert_true(recv(fd, &byte, 1, 0) <= 0); /* nng closes it and never allocates that */
    close(fd);
    close(listener);
    free(frame);
    node_close(&node[0]);
}

static void test_mesh__connections_that_end_early_do_not_stop_a_listener(void **state)
{
    (void)state;
    struct scratch scratch = scratch_new();
    make_certificates(scratch.path);
    const char *const schemes[] = {"tcp", "tls+tcp"};
    for (int s = 0; s < 2; s++) {
        struct urls urls;
        struct node nodes[2];
        urls_make(&urls, schemes[s], "");
        nodes_init(nodes, 2);
        assert_true(node_open(&nodes[0], &urls, scratch.path, 0));
        for (int i = 0; i < 200; i++) {
            int fd = wire_connect(url_port(i % 2 ? urls.publish[0][0] : urls.request[0]));
            assert_true(fd >= 0);
            if (i % 4 == 3)
                wire_send(fd, "\0SP\0\0", 5);
            close(fd);
        }
        assert_true(node_open(&nodes[1], &urls, scratch.path, 0));
        meet(nodes, 2);
        assert_true(node_ask(&nodes[1], 0, 1, 1, DEADLINE));
        RUN_UNTIL(nodes, 2, nodes[1].answered == 1);
        close_all(nodes, 2);
    }
    scratch_free(&scratch);
}

static void connect_and_end(const char *url)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", url + strlen("ipc://"));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    close(fd);
}

/* Relay 1 asks relay 0 until there is an answer: an ask fails with its connection, which a busy machine may find too silent. */
static void ask_until_answered(struct node *nodes, uint64_t id)
{
    const unsigned answered = nodes[1].answered;
    while (nodes[1].answered == answered) {
        const unsigned failed = nodes[1].failed;
        assert_true(node_ask(&nodes[1], 0, id++, 1, DEADLINE));
        RUN_UNTIL(nodes, 2, nodes[1].answered > answered || nodes[1].failed > failed);
    }
}

static void test_mesh__an_ipc_listener_that_nng_lost_is_made_anew(void **state)
{
    (void)state;
    struct scratch scratch = scratch_new();
    struct urls urls;
    struct node nodes[2];
    urls_make(&urls, "ipc", scratch.path);
    nodes_init(nodes, 2);
    assert_true(node_open(&nodes[0], &urls, NULL, 0));
    for (int i = 0; i < 50; i++) { /* a few of these are enough for nng 1.5.2 to stop accepting */
        connect_and_end(urls.publish[0][0]);
        connect_and_end(urls.request[0]);
    }
    assert_true(node_open(&nodes[1], &urls, NULL, 0));
    meet(nodes, 2);
    ask_until_answered(nodes, 1); /* a door made anew takes its connections with it, and what was asked over them */
    close_all(nodes, 2);
    scratch_free(&scratch);
}

static void test_mesh__a_peer_that_restarts_is_heard_again(void **state)
{
    (void)state;
    struct urls urls;
    struct node nodes[2];
    urls_make(&urls, "tcp", "");
    nodes_init(nodes, 2);
    nodes[0].silence = nodes[1].silence = NODE_SILENCE;
    assert_true(node_open(&nodes[0], &urls, NULL, 0) && node_open(&nodes[1], &urls, NULL, 0));
    meet(nodes, 2);
    for (unsigned round = 1; round <= 3; round++) {
        node_close(&nodes[0]);
        /* not a count of downs: a busy machine may be silent for a while, too */
        RUN_UNTIL(nodes, 2, nodes[1].downs[0] == nodes[1].ups[0]);
        const unsigned failed = nodes[1].failed;
        assert_true(node_ask(&nodes[1], 0, round, 1, 200));
        RUN_UNTIL(nodes, 2, nodes[1].failed > failed);
        assert_true(node_open(&nodes[0], &urls, NULL, 0));
        uint64_t opened = node_now();
        struct node_patience patience = {0};
        while (nodes[1].ups[0] == nodes[1].downs[0]) {
            assert_true(node_patient(&patience));
            beat(nodes, 1, round);
            nodes_turn(nodes, 2, 20);
        }
        print_message("heard %d ms after the restart\n", (int)(node_now() - opened));
        ask_until_answered(nodes, 1000 * round);
    }
    close_all(nodes, 2);
}

/* Relay 0 takes the question and ends before it answers: relay 1 hears of that at once, not after the minutes that it would wait. */
/* The proxy ends it, not the other relay: closing that one may keep the thread busy that in one process ends both's. */
static void test_mesh__an_ask_fails_when_its_connection_ends(void **state)
{
    (void)state;
    struct urls urls, through;
    struct node nodes[2];
    struct proxy proxy;
    urls_make(&urls, "tcp", "");
    nodes_init(nodes, 2);
    uint16_t port = free_port();
    proxy_start(&proxy, port, url_port(urls.request[0]));
    through = urls;
    snprintf(through.request[0], NODE_URL, "tcp://127.0.0.1:%u", port);
    assert_true(node_open(&nodes[0], &urls, NULL, 0) && node_open(&nodes[1], &through, NULL, 0));
    meet(nodes, 2);
    assert_true(node_ask(&nodes[1], 0, 1, 1, 100 * DEADLINE));
    RUN_UNTIL(nodes, 2, nodes[1].answered == 1);
    nodes[0].mute = true;
    assert_true(node_ask(&nodes[1], 0, 2, 1, 100 * DEADLINE));
    RUN_UNTIL(nodes, 2, nodes[0].asked == 2);
    proxy_stop(&proxy);
    RUN_UNTIL(nodes, 2, nodes[1].failed == 1);
    assert_int_equal(nodes[1].answered, 1);
    close_all(nodes, 2);
}

/* Cuts relay 1 off for four seconds; afterwards it must hear relay 0 again. How often it connected anew. */
static uint64_t cut_and_heal(const char *host)
{
    struct node nodes[2];
    struct urls urls;
    struct proxy proxy;
    open_behind_proxy(nodes, &urls, &proxy, host, NODE_SILENCE);
    atomic_store(&proxy.cut, true);
    uint64_t end = node_now() + NODE_SILENCE + 3400;
    while (node_now() < end) {
        beat(nodes, 1, 1);
        nodes_turn(nodes, 2, 50);
    }
    RUN_UNTIL(nodes, 2, nodes[1].downs[0] == nodes[1].ups[0]);
    uint64_t heard = nodes[1].heard[0], healed = node_now();
    struct node_patience patience = {0};
    atomic_store(&proxy.cut, false);
    while (nodes[1].heard[0] == heard) {
        assert_true(node_patient(&patience));
        beat(nodes, 1, 2);
        nodes_turn(nodes, 2, 50);
    }
    print_message("heard %d ms after the heal\n", (int)(node_now() - healed));
    struct edge_mesh_peer_stats stats;
    assert_true(edge_mesh_peer_stats(nodes[1].mesh, 0, &stats));
    close_all(nodes, 2);
    proxy_stop(&proxy);
    return stats.redials;
}

static void test_mesh__a_healed_cut_is_noticed_though_the_old_connection_stays_dead(void **state)
{
    (void)state;
    assert_in_range(cut_and_heal("127.0.0.1"), 1, 20);
}

/* nng has one thread that takes connections down: while it waits in here, none goes. */
static void stall(nng_pipe pipe, nng_pipe_ev event, void *end)
{
    (void)pipe, (void)event;
    sem_wait(end);
}

static void test_mesh__a_healed_cut_is_noticed_though_nng_takes_no_connection_down(void **state)
{
    (void)state;
    nng_socket publisher, subscriber;
    nng_listener listener;
    sem_t end;
    sem_init(&end, 0, 0);
    assert_int_equal(nng_pub0_open(&publisher) + nng_sub0_open(&subscriber), 0);
    assert_int_equal(nng_pipe_notify(subscriber, NNG_PIPE_EV_REM_POST, stall, &end), 0);
    assert_int_equal(nng_listen(publisher, "inproc://stall", &listener, 0), 0);
    assert_int_equal(nng_dial(subscriber, "inproc://stall", NULL, 0), 0);
    nng_listener_close(listener); /* and its connection with it */
    assert_in_range(cut_and_heal("127.0.0.1"), 3, 20);
    sem_post(&end);
    nng_close(publisher);
    nng_close(subscriber);
    sem_destroy(&end);
}

static void test_mesh__a_dead_connection_to_a_host_name_is_given_up_though_nobody_probes_it(void **state)
{
    (void)state;
    assert_in_range(cut_and_heal("localhost"), 1, 20);
}

/* Runs one test in a process of its own: after a close in which nng 1.5.2 got stuck (nng#1543), no other is to be relied on. */
static int run_alone(const char *program, const char *test)
{
    int status = 1;
    pid_t child = fork();
    if (child == 0) {
        execl(program, program, test, (char *)NULL);
        _exit(127);
    }
    return child > 0 && waitpid(child, &status, 0) == child && status == 0 ? 0 : 1;
}

/* test_mesh [PATTERN]: only the tests whose names fit ('*' and '?'). */
int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mesh__frames_and_answers_over_ipc),
        cmocka_unit_test(test_mesh__frames_and_answers_over_tcp),
        cmocka_unit_test(test_mesh__frames_and_answers_over_tls),
        cmocka_unit_test(test_mesh__tls_takes_no_certificate_of_another_relay),
        cmocka_unit_test(test_mesh__bad_addresses_are_refused_in_words),
        cmocka_unit_test(test_mesh__frames_of_another_network_audience_or_key_are_refused),
        cmocka_unit_test(test_mesh__what_is_forged_or_repeated_on_the_wire_is_refused),
        cmocka_unit_test(test_mesh__oversized_frames_are_refused_and_the_worst_cut_the_connection),
        cmocka_unit_test(test_mesh__connections_that_end_early_do_not_stop_a_listener),
        cmocka_unit_test(test_mesh__an_ipc_listener_that_nng_lost_is_made_anew),
        cmocka_unit_test(test_mesh__a_peer_that_restarts_is_heard_again),
        cmocka_unit_test(test_mesh__an_ask_fails_when_its_connection_ends),
        cmocka_unit_test(test_mesh__a_healed_cut_is_noticed_though_the_old_connection_stays_dead),
        cmocka_unit_test(test_mesh__a_healed_cut_is_noticed_though_nng_takes_no_connection_down),
        cmocka_unit_test(test_mesh__a_dead_connection_to_a_host_name_is_given_up_though_nobody_probes_it),
    };
    int failed = 0;
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
        return cmocka_run_group_tests(tests, NULL, NULL);
    }
    for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++)
        failed += run_alone("/proc/self/exe", tests[i].name);
    return failed;
}
