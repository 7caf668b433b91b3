/* isthmusd -x thaw: the operator's word lifts what it names, and nothing else (DESIGN section 9). Over the real store. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "relay/core/reason.h"
#include "relay/edge/relay.h"
#include "relay/edge/thaw.h"
#include "relay/store/keys.h"
#include "relay/store/store.h"
#include "tests/unit/store/scratch.h"

struct scene {
    struct scratch scratch;
    struct config_relay config;
    struct topology_chain chains[1];
    struct topology_lane lanes[2];
    struct topology_network network;
    char said[512];
};

static const struct keys_log ROW = {
    .base = 7, .proven = 40, .attested = 38, .settled = 9, .height = 1234, .expelled = {3, 9}, .expelled_len = 2};

static struct store *open_store(const struct scene *scene)
{
    char text[256];
    struct store *store = NULL;
    struct store_options options = {.path = scene->scratch.path, .create = true};
    assert_int_equal(store_rocksdb_open(&store, &options, text, sizeof(text)), STORE_OK);
    return store;
}

static void row_put(const struct scene *scene, const uint8_t id[32], uint8_t frozen)
{
    uint8_t value[KEYS_SMALL_VALUE_MAX];
    struct codec_writer writer;
    struct keys_log row = ROW;
    struct store *store = open_store(scene);
    struct store_batch *batch = store->ops->batch_new(store);
    row.frozen = frozen;
    memset(row.running, 0x33, 32);
    codec_writer_init(&writer, value, sizeof(value));
    keys_log_write(&writer, &row);
    store->ops->batch_put(batch, STORE_LOG, (struct store_view){id, 32},
                          (struct store_view){value, codec_writer_bytes(&writer).len});
    assert_int_equal(store->ops->commit(store, batch), STORE_OK);
    store->ops->batch_free(batch);
    store->ops->close(store);
}

static struct keys_log row_get(const struct scene *scene, const uint8_t id[32])
{
    struct store *store = open_store(scene);
    struct store_snapshot *snapshot = store->ops->snapshot_new(store);
    struct keys_log row;
    uint8_t *value;
    size_t len;
    assert_int_equal(store->ops->get(snapshot, STORE_LOG, (struct store_view){id, 32}, &value, &len), STORE_OK);
    assert_true(keys_log_read(&row, (struct bytes){value, len}));
    free(value);
    store->ops->snapshot_free(snapshot);
    store->ops->close(store);
    return row;
}

static int thaw(struct scene *scene, const char *name)
{
    FILE *out = fmemopen(scene->said, sizeof(scene->said), "w");
    int code = edge_thaw_main(&scene->config, &scene->network, name, out);
    fputc('\0', out);
    fclose(out);
    return code;
}

static int setup(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    scene->scratch = scratch_new();
    scene->config.store = scene->scratch.path;
    scene->config.relay = (char *)"east";
    snprintf(scene->chains[0].id, sizeof(scene->chains[0].id), "eip155:1");
    for (size_t lane = 0; lane < 2; lane++) {
        snprintf(scene->lanes[lane].name, sizeof(scene->lanes[lane].name), "lane-%zu", lane + 1);
        for (size_t kind = 0; kind < TOPOLOGY_LOGS_PER_LANE; kind++)
            memset(scene->lanes[lane].logs[kind], (int)(0x10 * (lane + 1) + kind), 32);
    }
    scene->network.chains = scene->chains;
    scene->network.chains_len = 1;
    scene->network.lanes = scene->lanes;
    scene->network.lanes_len = 2;
    for (size_t lane = 0; lane < 2; lane++) {
        row_put(scene, scene->lanes[lane].logs[0], RELAY_REASON_CERTIFICATES_CONFLICT + 1);
        row_put(scene, scene->lanes[lane].logs[1], lane == 0 ? RELAY_REASON_EVIDENCE_CONTRADICTS + 1 : 0);
    }
    *state = scene;
    return 0;
}

static int teardown(void **state)
{
    struct scene *scene = *state;
    scratch_free(&scene->scratch);
    free(scene);
    return 0;
}

static void without_a_name_it_shows_what_is_frozen_and_why_and_changes_nothing(void **state)
{
    struct scene *scene = *state;
    assert_int_equal(thaw(scene, NULL), EDGE_RELAY_EXIT_OK);
    assert_string_equal(scene->said,
                        "lane-1  log 1: certificates-conflict\nlane-1  log 2: source-contradicts-own-head\n"
                        "lane-2  log 1: certificates-conflict\n");
    assert_int_equal(row_get(scene, scene->lanes[0].logs[0]).frozen, RELAY_REASON_CERTIFICATES_CONFLICT + 1);
}

static void a_lane_is_thawed_by_name_with_all_its_logs_and_its_marks_stay(void **state)
{
    struct scene *scene = *state;
    assert_int_equal(thaw(scene, "lane-1"), EDGE_RELAY_EXIT_OK);
    assert_string_equal(scene->said, "lane-2  log 1: certificates-conflict\n");
    for (size_t kind = 0; kind < 2; kind++) {
        struct keys_log row = row_get(scene, scene->lanes[0].logs[kind]);
        assert_int_equal(row.frozen, 0);
        assert_int_equal(row.base, ROW.base);
        assert_int_equal(row.proven, ROW.proven);
        assert_int_equal(row.attested, ROW.attested);
        assert_int_equal(row.settled, ROW.settled);
        assert_int_equal(row.height, ROW.height);
        assert_int_equal(row.expelled_len, ROW.expelled_len);
        assert_memory_equal(row.expelled, ROW.expelled, sizeof(ROW.expelled));
        assert_int_equal(row.running[31], 0x33);
    }
    assert_int_equal(row_get(scene, scene->lanes[1].logs[0]).frozen, RELAY_REASON_CERTIFICATES_CONFLICT + 1);
}

static void a_name_that_is_not_frozen_or_unknown_is_an_error_and_thaws_nothing(void **state)
{
    struct scene *scene = *state;
    assert_int_equal(thaw(scene, "lane-3"), EDGE_RELAY_EXIT_FAILED);
    assert_int_equal(thaw(scene, "lane-1"), EDGE_RELAY_EXIT_OK);
    assert_int_equal(thaw(scene, "lane-1"), EDGE_RELAY_EXIT_FAILED);
    assert_non_null(strstr(scene->said, "lane-2"));
}

static void where_nothing_is_frozen_it_says_so(void **state)
{
    struct scene *scene = *state;
    assert_int_equal(thaw(scene, "lane-1"), EDGE_RELAY_EXIT_OK);
    assert_int_equal(thaw(scene, "lane-2"), EDGE_RELAY_EXIT_OK);
    assert_string_equal(scene->said, "nothing is frozen\n");
    assert_int_equal(thaw(scene, NULL), EDGE_RELAY_EXIT_OK);
    assert_string_equal(scene->said, "nothing is frozen\n");
}

static void value_put(const struct scene *scene, enum store_family family, const uint8_t id[32],
                      struct store_view value)
{
    struct store *store = open_store(scene);
    struct store_batch *batch = store->ops->batch_new(store);
    store->ops->batch_put(batch, family, (struct store_view){id, 32}, value);
    assert_int_equal(store->ops->commit(store, batch), STORE_OK);
    store->ops->batch_free(batch);
    store->ops->close(store);
}

/* Of a row that cannot be read nobody knows whether it is frozen. */
static void a_row_that_cannot_be_read_is_said_and_nothing_is_thawed(void **state)
{
    static const uint8_t damaged[3] = {1, 2, 3};
    struct scene *scene = *state;
    value_put(scene, STORE_LOG, scene->lanes[0].logs[1], (struct store_view){damaged, sizeof(damaged)});
    assert_int_equal(thaw(scene, NULL), EDGE_RELAY_EXIT_STORE);
    assert_non_null(strstr(scene->said, "lane-1  log 2: cannot be read"));
    assert_int_equal(thaw(scene, "lane-1"), EDGE_RELAY_EXIT_STORE);
    assert_int_equal(row_get(scene, scene->lanes[0].logs[0]).frozen, RELAY_REASON_CERTIFICATES_CONFLICT + 1);
    row_put(scene, scene->lanes[0].logs[1], 0);
    value_put(scene, STORE_CHAIN, scene->chains[0].identity, (struct store_view){damaged, sizeof(damaged)});
    assert_int_equal(thaw(scene, NULL), EDGE_RELAY_EXIT_STORE);
    assert_non_null(strstr(scene->said, "eip155:1  cannot be read"));
}

static void a_running_relay_s_store_is_not_touched(void **state)
{
    struct scene *scene = *state;
    struct store *store = open_store(scene);
    assert_int_equal(thaw(scene, "lane-1"), EDGE_RELAY_EXIT_STORE);
    store->ops->close(store);
    assert_int_equal(row_get(scene, scene->lanes[0].logs[0]).frozen, RELAY_REASON_CERTIFICATES_CONFLICT + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(without_a_name_it_shows_what_is_frozen_and_why_and_changes_nothing, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_lane_is_thawed_by_name_with_all_its_logs_and_its_marks_stay, setup, teardown),
        cmocka_unit_test_setup_teardown(a_name_that_is_not_frozen_or_unknown_is_an_error_and_thaws_nothing, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(where_nothing_is_frozen_it_says_so, setup, teardown),
        cmocka_unit_test_setup_teardown(a_row_that_cannot_be_read_is_said_and_nothing_is_thawed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_running_relay_s_store_is_not_touched, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
