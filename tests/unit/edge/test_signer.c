/*
 * The signer's promises (I1, I7, I8): it signs what it verified, says why when it does not, and never gives a second word.
 */
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

#include "tests/unit/edge/world.h"

struct scene {
    struct world *world;
    struct edge_guard *guard;
    struct edge_signer *signer;
    struct world_request request;
    struct world_answers answers;
};

static void scene_open(struct scene *scene)
{
    char text[256] = "";
    if (edge_guard_open(&scene->guard, scene->world->folder, scene->world->network.hash, 64, text, sizeof(text)) !=
        EDGE_GUARD_OK)
        fail_msg("%s", text);
    scene->signer = edge_signer_new(&scene->world->trust, scene->guard);
    assert_non_null(scene->signer);
}

static void scene_close(struct scene *scene)
{
    edge_signer_free(scene->signer);
    edge_guard_close(scene->guard);
    scene->signer = NULL;
    scene->guard = NULL;
}

static int setup(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    scene->world = world_new();
    scene_open(scene);
    *state = scene;
    return 0;
}

static int teardown(void **state)
{
    struct scene *scene = *state;
    scene_close(scene);
    world_free(scene->world);
    free(scene);
    return 0;
}

/* Sends scene->request and gathers the answers. */
static struct world_answers *ask(struct scene *scene)
{
    const struct edge_signer_out out = {&scene->answers, world_answer};
    memset(&scene->answers, 0, sizeof(scene->answers));
    scene->answers.world = scene->world;
    assert_true(edge_signer_request(scene->signer, world_request_bytes(&scene->request), &out));
    assert_true(scene->answers.last);
    world_request_fini(&scene->request);
    return &scene->answers;
}

static void make(struct scene *scene, uint8_t kind, uint8_t branch, uint64_t guard, uint64_t number)
{
    const struct world_mark mark = {.kind = kind, .branch = branch, .number = number};
    world_request_make(&scene->request, scene->world, &mark, &guard, 1);
}

static struct world_answers *sign(struct scene *scene, uint64_t guard, uint64_t number)
{
    make(scene, 1, 0, guard, number);
    return ask(scene);
}

static void expect_refusal(struct scene *scene, const char *reason)
{
    struct world_answers *answers = ask(scene);
    assert_string_equal(answers->refusal, reason);
    assert_int_equal(answers->attestations, 0);
}

/* ---- what is signed ------------------------------------------------------------------------------------------------ */

static void test_signer__signs_what_it_verified_and_its_guard_moves(void **state)
{
    struct scene *scene = *state;
    struct world_answers *answers = sign(scene, 0, 5);
    assert_int_equal(answers->heads_len, 1);
    assert_int_equal(answers->refusals, 0);
    assert_int_equal(answers->heads[0].number, 5);
    assert_memory_equal(answers->heads[0].running, scene->world->running[0][0][0][5], 32);
    const struct edge_guard_row *row = edge_guard_find(scene->guard, scene->world->lanes[0].logs[0]);
    assert_int_equal(row->number, 5);
    answers = sign(scene, 5, 9);
    assert_int_equal(answers->heads_len, 1);
    scene_close(scene);
    scene_open(scene); /* a new process */
    assert_int_equal(edge_guard_find(scene->guard, scene->world->lanes[0].logs[0])->number, 9);
}

static void test_signer__one_root_over_all_logs_and_heads_of_a_request(void **state)
{
    struct scene *scene = *state;
    const struct world_mark marks[] = {{0, 1, 0, 300}, {1, 1, 0, 7}, {2, 3, 0, 20}, {2, 1, 0, 1}};
    const uint64_t guards[] = {0, 0, 0, 0};
    world_request_make(&scene->request, scene->world, marks, guards, 4);
    struct relay_signing_log *log = &scene->request.logs[0];
    log->heads_len = 3;
    log->heads[0] = 10;
    log->heads[1] = 256;
    log->heads[2] = 300;
    struct world_answers *answers = ask(scene);
    assert_int_equal(answers->attestations, 1);
    assert_int_equal(answers->heads_len, 6);
    assert_int_equal(answers->refusals, 0);
    assert_memory_equal(answers->heads[1].running, scene->world->running[0][0][0][256], 32);
    assert_memory_equal(answers->heads[4].running, scene->world->running[0][2][2][20], 32);
}

static void test_signer__outcomes_stand_in_the_inbox_of_their_home_chain(void **state)
{
    struct scene *scene = *state;
    scene->world->lanes[1].source = 1;
    scene->world->lanes[1].destination = 0;
    const struct world_mark mark = {.lane = 1, .kind = 2, .number = 12};
    const uint64_t guard = 0;
    world_request_make(&scene->request, scene->world, &mark, &guard, 1);
    assert_int_equal(ask(scene)->heads_len, 1);
}

static void test_signer__a_lost_signature_is_given_again(void **state)
{
    struct scene *scene = *state;
    sign(scene, 0, 300);
    make(scene, 1, 0, 300, 300); /* nothing new: the guard's own head */
    struct world_answers *answers = ask(scene);
    assert_int_equal(answers->heads_len, 1);
    assert_int_equal(answers->heads[0].number, 300);
    make(scene, 1, 0, 250, 310); /* and one below it, shown through the guard */
    memcpy(scene->request.logs[0].prior, scene->world->running[0][0][0][250], 32);
    scene->request.logs[0].heads_len = 2;
    scene->request.logs[0].heads[0] = 256;
    scene->request.logs[0].heads[1] = 310;
    answers = ask(scene);
    assert_int_equal(answers->heads_len, 2);
    assert_memory_equal(answers->heads[0].running, scene->world->running[0][0][0][256], 32);
}

static void test_signer__a_head_below_the_guard_on_another_branch_is_not_signed(void **state)
{
    struct scene *scene = *state;
    sign(scene, 0, 300);
    make(scene, 1, 1, 250, 310); /* the other branch's items and evidence */
    memcpy(scene->request.logs[0].prior, scene->world->running[1][0][0][250], 32);
    scene->request.logs[0].heads[0] = 256;
    expect_refusal(scene, "not-at-guard");
}

static void test_signer__heads_that_the_items_do_not_show_are_left_out_by_name(void **state)
{
    struct scene *scene = *state;
    sign(scene, 0, 300);
    make(scene, 1, 0, 300, 310);
    scene->request.logs[0].heads_len = 2;
    scene->request.logs[0].heads[0] = 256;
    scene->request.logs[0].heads[1] = 310;
    struct world_answers *answers = ask(scene);
    assert_int_equal(answers->heads_len, 1);
    assert_int_equal(answers->heads[0].number, 310);
    assert_string_equal(answers->refusal, "heads-not-ascending-or-out-of-range");
}

/* ---- what is refused ----------------------------------------------------------------------------------------------- */

static void test_signer__each_refusal_of_a_request_has_its_reason(void **state)
{
    struct scene *scene = *state;
    sign(scene, 0, 5);

    make(scene, 1, 0, 5, 9);
    scene->request.request.document[3] ^= 1;
    expect_refusal(scene, "other-network-document-or-sources");

    make(scene, 1, 0, 5, 9);
    scene->request.request.chain = 2;
    expect_refusal(scene, "unknown-chain");

    make(scene, 1, 0, 5, 9);
    scene->request.request.chain = 1; /* the lane's home is the other one */
    expect_refusal(scene, "evidence-of-unknown-log");

    make(scene, 1, 0, 5, 9);
    scene->request.statements[1].source = WORLD_SOURCES; /* of the other chain */
    expect_refusal(scene, "statement-of-unknown-source");

    make(scene, 1, 0, 5, 9);
    scene->request.statements[1].source = 0;
    expect_refusal(scene, "agreement-refused:agreement-duplicate-statement");

    make(scene, 1, 0, 5, 9);
    scene->request.request.statements_len = 1;
    expect_refusal(scene, "agreement-refused:agreement-too-few-independent-sources");

    make(scene, 1, 0, 5, 9);
    scene->request.statements[0].header_hash[0] ^= 1;
    expect_refusal(scene, "agreement-refused:agreement-contradiction");

    make(scene, 1, 0, 5, 9);
    scene->request.statements[0].header_hash[0] ^= 1;
    scene->request.statements[1].header_hash[0] ^= 1;
    expect_refusal(scene, "agreed-on-another-header");
}

/* The operator edited `sources`, and only the signer started again: an index means another source to each of them. */
static void test_signer__refuses_when_its_list_of_sources_is_not_the_relays(void **state)
{
    struct scene *scene = *state;
    struct relay_source *sources = scene->world->sources, first = sources[0];
    sign(scene, 0, 5);

    make(scene, 1, 0, 5, 9);
    sources[0] = sources[1]; /* another order */
    sources[1] = first;
    expect_refusal(scene, "other-network-document-or-sources");

    make(scene, 1, 0, 5, 9);
    sources[0].operator_tag = "somebody-else"; /* another tag */
    expect_refusal(scene, "other-network-document-or-sources");

    make(scene, 1, 0, 5, 9);
    scene->world->trust.sources_len--; /* one fewer */
    expect_refusal(scene, "other-network-document-or-sources");
    sign(scene, 5, 9); /* both the same again */
}

static void test_signer__each_refusal_of_one_log_has_its_reason(void **state)
{
    struct scene *scene = *state;
    struct relay_signing_log *log = &scene->request.logs[0];
    sign(scene, 0, 5);

    make(scene, 1, 0, 5, 9);
    memset(log->log, 9, 32);
    expect_refusal(scene, "unknown-log");

    make(scene, 1, 0, 5, 9);
    memcpy(log->log, scene->world->lanes[1].logs[0], 32); /* known, but not shown */
    log->from = 1;
    expect_refusal(scene, "log-not-in-evidence");

    make(scene, 1, 0, 5, 9);
    memcpy(log->log, scene->world->lanes[0].logs[1], 32); /* outcomes live on the other chain */
    expect_refusal(scene, "log-of-another-chain");

    make(scene, 1, 0, 7, 9); /* a gap */
    expect_refusal(scene, "not-at-guard");
    assert_int_equal(scene->answers.guards, 1);
    assert_int_equal(scene->answers.guard, 5);

    make(scene, 1, 0, 5, 9);
    log->heads[0] = 10;
    expect_refusal(scene, "heads-not-ascending-or-out-of-range");

    make(scene, 1, 0, 5, 9);
    log->heads_len = 2;
    log->heads[1] = 9;
    expect_refusal(scene, "heads-not-ascending-or-out-of-range");

    make(scene, 1, 0, 5, 9);
    log->heads_len = 0;
    expect_refusal(scene, "heads-not-ascending-or-out-of-range");

    make(scene, 1, 0, 5, 9);
    scene->request.request.logs_len = 2;
    scene->request.logs[1] = *log;
    struct world_answers *answers = ask(scene);
    assert_string_equal(answers->refusal, "log-twice");
    assert_int_equal(answers->heads_len, 1); /* the first one was good */
}

static void test_signer__lane_state_and_evidence_kind_are_the_documents(void **state)
{
    struct scene *scene = *state;
    make(scene, 1, 0, 0, 5);
    scene->world->lanes[0].state = TOPOLOGY_LANE_PAUSED;
    expect_refusal(scene, "lane-paused-or-closed");
    scene->world->lanes[0].state = TOPOLOGY_LANE_OPEN;
    scene->world->lanes[0].evidence = TOPOLOGY_EVIDENCE_AGREEMENT_RECEIPTS;
    make(scene, 1, 0, 0, 5);
    expect_refusal(scene, "evidence-kind-not-accepted");
    scene->world->chains[0].suite = PROOF_SUITE_SHA256_P256;
    make(scene, 1, 0, 0, 5);
    expect_refusal(scene, "no-key-of-this-suite");
}

static void test_signer__one_source_is_enough_only_under_dev(void **state)
{
    struct scene *scene = *state;
    scene->world->chains[0].sources = 1;
    make(scene, 1, 0, 0, 5);
    scene->request.request.statements_len = 1;
    expect_refusal(scene, "single-source-without-dev");
    scene->world->trust.dev = true;
    make(scene, 1, 0, 0, 5);
    scene->request.request.statements_len = 1;
    assert_int_equal(ask(scene)->heads_len, 1);
}

static void test_signer__evidence_of_another_branch_before_anything_was_signed_only_refuses(void **state)
{
    struct scene *scene = *state;
    make(scene, 1, 1, 0, 60);
    scene->request.logs[0].items.data = scene->world->items[0][0][0][0];
    expect_refusal(scene, "items-do-not-lead-to-evidence");
    assert_int_equal(sign(scene, 0, 60)->heads_len, 1);
}

static void expect_frozen(struct scene *scene, bool frozen)
{
    assert_int_equal(edge_guard_find(scene->guard, scene->world->lanes[0].logs[0])->frozen, frozen);
}

static void test_signer__a_source_that_contradicts_a_signed_head_freezes_the_log(void **state)
{
    struct scene *scene = *state;
    sign(scene, 0, 50);
    make(scene, 1, 1, 0, 60); /* the other branch, counted from the log's beginning */
    expect_refusal(scene, "source-contradicts-own-head");
    make(scene, 1, 0, 50, 60);
    expect_refusal(scene, "source-contradicts-own-head"); /* the truth does not help any more: a person decides */
    scene_close(scene);
    scene_open(scene);
    make(scene, 1, 0, 50, 60);
    expect_refusal(scene, "source-contradicts-own-head");
    char text[128];
    assert_true(edge_guard_thaw(scene->guard, scene->world->lanes[0].logs[0], text, sizeof(text)));
    assert_int_equal(sign(scene, 50, 60)->heads_len, 1);
}

/* A request of the given items, proven by receipts of a block that shows the log at `number`. */
static void make_receipts(struct scene *scene, uint8_t branch, uint64_t guard, uint64_t number, uint64_t shown)
{
    const struct world_mark mark = {.kind = 1, .branch = branch, .number = shown};
    scene->world->lanes[0].evidence |= TOPOLOGY_EVIDENCE_AGREEMENT_RECEIPTS;
    make(scene, 1, branch, guard, number);
    world_request_receipts(&scene->request, scene->world, &mark);
}

static void test_signer__evidence_that_fixes_the_number_of_another_hash_freezes_the_log(void **state)
{
    struct scene *scene = *state;
    char text[128];
    sign(scene, 0, 50);
    make_receipts(scene, 1, 50, 60, 50); /* it names the signed number: whatever the items are */
    expect_refusal(scene, "source-contradicts-own-head");
    expect_frozen(scene, true);
    assert_true(edge_guard_thaw(scene->guard, scene->world->lanes[0].logs[0], text, sizeof(text)));
    make_receipts(scene, 1, 44, 60, 60); /* the items lead to the number that it names, past the signed one */
    memcpy(scene->request.logs[0].prior, scene->world->running[1][0][0][44], 32);
    expect_refusal(scene, "source-contradicts-own-head");
    expect_frozen(scene, true);
}

/* A relay that was taken over asks with items of its own making: they prove nothing, so its signer stays of use. */
static void test_signer__made_up_items_freeze_nothing(void **state)
{
    struct scene *scene = *state;
    sign(scene, 0, 50);
    for (uint8_t i = 0; i < 4; i++) { /* evidence of the truth, and of another history: slots, then receipts */
        if (i < 2)
            make(scene, 1, i, 50, 60);
        else
            make_receipts(scene, i % 2, 50, 60, 60);
        scene->request.logs[0].items.data = scene->world->items[0][1][0][50]; /* another lane's */
        expect_refusal(scene, "items-do-not-lead-to-evidence");
    }
    make_receipts(scene, 0, 50, 60, 55); /* what the evidence shows is no end of these items */
    expect_refusal(scene, "items-do-not-lead-to-evidence");
    make_receipts(scene, 0, 44, 60, 60); /* from a hash that is not the log's */
    memset(scene->request.logs[0].prior, 9, 32);
    expect_refusal(scene, "not-at-guard");
    make(scene, 1, 1, 44, 60); /* a slot fixes no number: this way may be one of other numbers */
    memcpy(scene->request.logs[0].prior, scene->world->running[1][0][0][44], 32);
    expect_refusal(scene, "not-at-guard");
    expect_frozen(scene, false);
    assert_int_equal(sign(scene, 50, 60)->heads_len, 1);
}

static void test_signer__garbage_is_refused(void **state)
{
    struct scene *scene = *state;
    const uint8_t garbage[] = {1, 0x52, 0, 0};
    struct world_answers answers = {.world = scene->world};
    const struct edge_signer_out out = {&answers, world_answer};
    assert_true(edge_signer_request(scene->signer, BYTES_OF(garbage), &out));
    assert_string_equal(answers.refusal, "request-malformed");
    assert_true(answers.last);
}

static void test_signer__no_flipped_bit_makes_it_sign_anything_else(void **state)
{
    struct scene *scene = *state;
    make(scene, 1, 0, 0, 3);
    struct bytes message = world_request_bytes(&scene->request);
    uint8_t *copy = malloc(message.len);
    for (size_t bit = 0; bit < message.len * 8; bit++) {
        struct world_answers answers = {.world = scene->world};
        const struct edge_signer_out out = {&answers, world_answer};
        memcpy(copy, message.data, message.len);
        copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_true(edge_signer_request(scene->signer, (struct bytes){copy, message.len}, &out));
        assert_true(answers.last);
        for (size_t i = 0; i < answers.heads_len; i++) {
            assert_in_range(answers.heads[i].number, 1, 3);
            assert_memory_equal(answers.heads[i].running, scene->world->running[0][0][0][answers.heads[i].number], 32);
        }
    }
    free(copy);
    world_request_fini(&scene->request);
}

static void test_signer__greeting_tells_every_guard_and_ends(void **state)
{
    struct scene *scene = *state;
    struct world_answers answers = {.world = scene->world};
    const struct edge_signer_out out = {&answers, world_answer};
    sign(scene, 0, 5);
    assert_true(edge_signer_greet(scene->signer, &out));
    assert_int_equal(answers.guards, 1);
    assert_int_equal(answers.guard, 5);
    assert_true(answers.last);
}

/* ---- I7 under kill -9 ---------------------------------------------------------------------------------------------- */

struct tale { /* what a killed signer process was up to */
    struct scene *scene;
    int out; /* pipe: heads that left the process */
    unsigned seed;
    bool dies; /* at the next answer, which does not leave any more */
};

static unsigned draw(struct tale *tale, unsigned below)
{
    tale->seed = tale->seed * 1103515245u + 12345u;
    return (tale->seed >> 16) % below;
}

static bool tell(void *context, struct bytes message)
{
    struct tale *tale = context;
    struct world_answers answers = {.world = tale->scene->world};
    world_answer(&answers, message);
    if (answers.heads_len > 0 && tale->dies)
        raise(SIGKILL); /* the guard is synced, the answer never leaves */
    for (size_t i = 0; i < answers.heads_len; i++) {
        if (write(tale->out, &answers.heads[i], sizeof(answers.heads[i])) != (ssize_t)sizeof(answers.heads[i]))
            raise(SIGKILL);
    }
    return true;
}

/* The operator acts, wrongly or not: what a source said is forgotten, the guard's heads are not. */
static void thaw_all(struct edge_guard *guard)
{
    const struct edge_guard_row *rows;
    char text[128];
    for (size_t i = 0, len = edge_guard_rows(guard, &rows); i < len; i++) {
        if (rows[i].frozen)
            edge_guard_thaw(guard, rows[i].log, text, sizeof(text));
    }
}

/* Random requests, true ones and lies, until it dies or has enough. */
static void live(struct tale *tale)
{
    struct scene *scene = tale->scene;
    const struct edge_signer_out out = {tale, tell};
    scene_open(scene);
    thaw_all(scene->guard);
    for (int i = 0; i < 30; i++) {
        uint16_t lane = (uint16_t)draw(tale, WORLD_LANES);
        uint8_t kind = draw(tale, 2) ? 1 : 3, branch = (uint8_t)(draw(tale, 8) == 0);
        const struct edge_guard_row *row = edge_guard_find(scene->guard, scene->world->lanes[lane].logs[kind - 1]);
        uint64_t guard = row == NULL ? 0 : row->number, from = guard;
        if (draw(tale, 6) == 0) /* asks from somewhere else */
            from = draw(tale, (unsigned)guard + 3);
        struct world_mark mark = {lane, kind, branch, from + 1 + draw(tale, 5)};
        if (mark.number >= WORLD_LENGTH)
            break;
        world_request_make(&scene->request, scene->world, &mark, &from, 1);
        memcpy(scene->request.logs[0].prior, scene->world->running[branch][lane][kind - 1][from], 32);
        if (draw(tale, 3) == 0)
            scene->request.logs[0].heads[0] = 1 + draw(tale, (unsigned)mark.number);
        tale->dies = draw(tale, 12) == 0;
        if (!edge_signer_request(scene->signer, world_request_bytes(&scene->request), &out))
            break;
        world_request_fini(&scene->request);
    }
    _exit(0);
}

/* Every head ever heard of a log lies on one branch. */
struct heard {
    bool on[WORLD_BRANCHES]; /* all so far do */
    uint64_t newest;
};

static void hear(struct heard heard[WORLD_LANES][3], const struct world *world, const struct proof_head *head)
{
    uint8_t kind = 0;
    int lane = topology_lane_by_log(&world->network, head->log, &kind);
    assert_true(lane >= 0 && head->number <= WORLD_LENGTH);
    struct heard *log = &heard[lane][kind - 1];
    for (size_t branch = 0; branch < WORLD_BRANCHES; branch++)
        log->on[branch] =
            log->on[branch] && memcmp(world->running[branch][lane][kind - 1][head->number], head->running, 32) == 0;
    assert_true(log->on[0] || log->on[1]);
    if (head->number > log->newest)
        log->newest = head->number;
}

static void test_signer__kill_at_any_moment_never_gives_a_second_word(void **state)
{
    struct scene *scene = *state;
    struct heard heard[WORLD_LANES][3];
    size_t heads = 0;
    for (size_t i = 0; i < WORLD_LANES * 3; i++)
        heard[i / 3][i % 3] = (struct heard){{true, true}, 0};
    scene_close(scene);
    for (unsigned session = 0; session < 120; session++) {
        int ends[2];
        assert_int_equal(pipe(ends), 0);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            struct tale tale = {.scene = scene, .out = ends[1], .seed = 7919 * session + 1};
            close(ends[0]);
            live(&tale);
        }
        close(ends[1]);
        struct proof_head head;
        size_t told = 0;
        unsigned patience =
            session % 3 == 0 ? session % 7 : 1000; /* some are killed from outside after a few answers */
        while (read(ends[0], &head, sizeof(head)) == (ssize_t)sizeof(head)) {
            hear(heard, scene->world, &head);
            heads++;
            if (++told >= patience)
                kill(pid, SIGKILL);
        }
        close(ends[0]);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
    }
    assert_true(heads > 300);
    scene_open(scene);
    for (size_t lane = 0; lane < WORLD_LANES; lane++) { /* the guard is never behind what left */
        const struct edge_guard_row *row = edge_guard_find(scene->guard, scene->world->lanes[lane].logs[0]);
        assert_true((row == NULL ? 0 : row->number) >= heard[lane][0].newest);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_signer__signs_what_it_verified_and_its_guard_moves),
        TEST(test_signer__one_root_over_all_logs_and_heads_of_a_request),
        TEST(test_signer__outcomes_stand_in_the_inbox_of_their_home_chain),
        TEST(test_signer__a_lost_signature_is_given_again),
        TEST(test_signer__a_head_below_the_guard_on_another_branch_is_not_signed),
        TEST(test_signer__heads_that_the_items_do_not_show_are_left_out_by_name),
        TEST(test_signer__each_refusal_of_a_request_has_its_reason),
        TEST(test_signer__refuses_when_its_list_of_sources_is_not_the_relays),
        TEST(test_signer__each_refusal_of_one_log_has_its_reason),
        TEST(test_signer__lane_state_and_evidence_kind_are_the_documents),
        TEST(test_signer__one_source_is_enough_only_under_dev),
        TEST(test_signer__evidence_of_another_branch_before_anything_was_signed_only_refuses),
        TEST(test_signer__a_source_that_contradicts_a_signed_head_freezes_the_log),
        TEST(test_signer__evidence_that_fixes_the_number_of_another_hash_freezes_the_log),
        TEST(test_signer__made_up_items_freeze_nothing),
        TEST(test_signer__garbage_is_refused),
        TEST(test_signer__no_flipped_bit_makes_it_sign_anything_else),
        TEST(test_signer__greeting_tells_every_guard_and_ends),
        TEST(test_signer__kill_at_any_moment_never_gives_a_second_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
