/*
 * bench-start: how long a relay needs to be ready when its store holds many settled messages.
 *
 * Writes the history of one ordered lane as a relay leaves it behind, then opens the store as isthmusd does and feeds the core
 * until it is ready. With --only, another relay's store is made and nothing is started: for `tools/bench memory`.
 *
 *   bench-start [--messages N] [--pending N] [--dir DIR] [--report FILE]
 *   bench-start --only NETWORK.yaml --messages N --pending N --dir DIR      (on every lane of the document, N in all)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "relay/core/core.h"
#include "relay/edge/config.h"
#include "relay/store/store.h"
#include "tools/benches/history.h"
#include "tools/benches/scene.h"

struct options {
    uint64_t settled, pending;
    const char *path, *report, *only;
};

static struct store *open_store(const char *path, bool create)
{
    char text[256];
    struct store *store;
    struct store_options options = {.path = path, .create = create};
    if (store_rocksdb_open(&store, &options, text, sizeof(text)) != STORE_OK)
        scene_die("%s", text);
    return store;
}

static void write_lanes(const struct options *options, const struct topology_network *network)
{
    struct store *store = open_store(options->path, true);
    struct store_batch *batch = store->ops->batch_new(store);
    for (size_t i = 0; i < network->lanes_len; i++) {
        struct history history = {.lane = &network->lanes[i], .store = store, .batch = batch};
        history_write(&history, options->settled / network->lanes_len, options->pending / network->lanes_len);
    }
    store->ops->batch_free(batch);
    store->ops->close(store);
}

static void write_only(const struct options *options)
{
    static struct config_problems problems;
    struct topology_network *network = config_network_load(options->only, &problems);
    if (network == NULL)
        scene_die("%s: %s", options->only, problems.len ? problems.items[0].text : "cannot be read");
    write_lanes(options, network);
    topology_network_free(network);
}

/* Serves LOADs of the core from one snapshot, as the writer's reader does. */
static double start_time(const struct options *options, const struct scene *scene)
{
    uint64_t begin = scene_now_us();
    struct store *store = open_store(options->path, false);
    const struct store_ops *ops = store->ops;
    struct relay_core_config config = {.network = &scene->network};
    struct relay_core *core = relay_core_new(&config);
    struct store_snapshot *snapshot = ops->snapshot_new(store);
    if (core == NULL || snapshot == NULL)
        scene_die("no memory");
    struct {
        enum store_family family;
        uint64_t id;
        uint8_t from[64], to[64];
        size_t from_len, to_len;
    } loads[512];
    size_t head = 0, tail = 0;
    relay_core_start(core);
    for (;;) {
        size_t len = 0;
        const struct relay_action *actions = relay_core_actions(core, &len);
        for (size_t i = 0; i < len; i++) {
            if (actions[i].type != RELAY_ACTION_LOAD)
                continue;
            size_t at = tail++ % 512;
            loads[at].family = actions[i].family;
            loads[at].id = actions[i].id;
            loads[at].from_len = actions[i].from.len;
            loads[at].to_len = actions[i].to.len;
            memcpy(loads[at].from, actions[i].from.data, actions[i].from.len);
            if (actions[i].to.len)
                memcpy(loads[at].to, actions[i].to.data, actions[i].to.len);
        }
        if (relay_core_ready(core))
            break;
        if (head == tail)
            scene_die("the core stopped before it was ready");
        size_t at = head++ % 512;
        struct relay_event event = {.type = RELAY_EVENT_LOADED, .id = loads[at].id, .family = loads[at].family};
        struct store_cursor *cursor =
            ops->cursor_new(snapshot, loads[at].family, (struct store_view){loads[at].from, loads[at].from_len},
                            (struct store_view){loads[at].to, loads[at].to_len});
        for (; ops->cursor_valid(cursor); ops->cursor_next(cursor)) {
            struct store_view key = ops->cursor_key(cursor), value = ops->cursor_value(cursor);
            event.key = (struct bytes){key.data, key.len};
            event.body = (struct bytes){value.data, value.len};
            relay_core_step(core, &event);
        }
        ops->cursor_free(cursor);
        event.done = true;
        relay_core_step(core, &event);
    }
    double ready = (double)(scene_now_us() - begin) / 1e3;
    struct relay_log_view view;
    if (!relay_core_log_view(core, 0, PROOF_LOG_MESSAGE, &view))
        scene_die("the lane is gone");
    printf("ready with %llu settled, %llu pending\n", (unsigned long long)view.settled,
           (unsigned long long)(view.stored - view.settled));
    relay_core_free(core);
    ops->snapshot_free(snapshot);
    ops->close(store);
    return ready;
}

static void report_write(const struct options *options, double write_ms, double ready_ms)
{
    FILE *file = options->report ? fopen(options->report, "w") : NULL;
    if (file == NULL)
        return;
    fprintf(file, "{\"settled\": %llu, \"pending\": %llu, \"write_ms\": %.0f, \"ready_ms\": %.1f, \"ok\": %s}\n",
            (unsigned long long)options->settled, (unsigned long long)options->pending, write_ms, ready_ms,
            ready_ms < 1000 ? "true" : "false");
    fclose(file);
}

static void options_read(struct options *options, int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--messages") == 0)
            options->settled = strtoull(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--pending") == 0)
            options->pending = strtoull(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--dir") == 0)
            options->path = argv[i + 1];
        else if (strcmp(argv[i], "--report") == 0)
            options->report = argv[i + 1];
        else if (strcmp(argv[i], "--only") == 0)
            options->only = argv[i + 1];
        else
            scene_die("usage: bench-start [--messages N] [--pending N] [--dir DIR] [--report FILE] [--only NETWORK]");
    }
    if (options->only && options->path == NULL)
        scene_die("--only needs --dir");
}

int main(int argc, char **argv)
{
    static struct scene scene;
    struct options options = {.settled = 1000000, .pending = 2048};
    char folder[] = "/tmp/isthmus-bench-XXXXXX";
    options_read(&options, argc, argv);
    if (options.only) {
        write_only(&options);
        scene_end(0);
    }
    if (options.path == NULL && (options.path = mkdtemp(folder)) == NULL)
        scene_die("cannot make a folder below /tmp");
    scene_init(&scene, 100);
    uint64_t begin = scene_now_us();
    write_lanes(&options, &scene.network);
    double write_ms = (double)(scene_now_us() - begin) / 1e3, ready_ms = start_time(&options, &scene);
    printf("history written in %.0f ms; open to ready: %.1f ms (store in %s)\n", write_ms, ready_ms, options.path);
    report_write(&options, write_ms, ready_ms);
    scene_end(ready_ms < 1000 ? 0 : 1);
}
