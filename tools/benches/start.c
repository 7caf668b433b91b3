/*
 * bench start: how long a relay needs to be ready when its store holds many settled messages.
 *
 * Writes the history of one ordered lane as the relay leaves it behind (segments written and deleted again, skeletons, a
 * few pending segments, marks), then opens the store as isthmusd does and feeds the core until it is ready.
 *
 *   bench-start [--messages N] [--pending N] [--dir DIR] [--report FILE]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "proofs/lane.h"
#include "proofs/message.h"
#include "relay/core/core.h"
#include "relay/store/keys.h"
#include "relay/store/store.h"
#include "topology/network.h"

enum { RECORD_MAX = 512, PAYLOAD = 100, SEGMENT_RECORDS = 256, DELETE_EVERY = 16 };

struct bench {
    struct topology_network network;
    struct topology_chain chains[2];
    struct topology_relay relay;
    struct topology_zone zone;
    struct topology_lane lane;
    uint16_t serves[2];
    struct store *store;
    struct store_batch *batch;
    uint8_t running[32];
};

static double now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static void die(const char *what)
{
    fprintf(stderr, "bench-start: %s\n", what);
    exit(1);
}

static void network_fill(struct bench *bench)
{
    static struct topology_operator operator= {.name = "alpha", .number = 1};
    struct topology_network *network = &bench->network;
    snprintf(network->name, sizeof(network->name), "bench");
    for (int i = 0; i < 2; i++) {
        struct topology_chain *chain = &bench->chains[i];
        snprintf(chain->id, sizeof(chain->id), "eip155:%d", 31337 + i);
        snprintf(chain->family, sizeof(chain->family), "evm");
        memset(chain->genesis, 0x11 * (i + 1), 32);
        chain->suite = PROOF_SUITE_KECCAK256_SECP256K1;
        chain->sources = 2;
        chain->outbox[31] = chain->inbox[31] = chain->registry[31] = (uint8_t)(i + 1);
    }
    snprintf(bench->zone.name, sizeof(bench->zone.name), "one");
    snprintf(bench->relay.name, sizeof(bench->relay.name), "one");
    bench->relay.key[0] = 1;
    bench->serves[1] = 1;
    bench->lane = (struct topology_lane){.destination = 1,
                                         .mode = PROOF_MODE_ORDERED | PROOF_MODE_RETRY,
                                         .generation = 1,
                                         .suites = PROOF_SUITE_KECCAK256_SECP256K1,
                                         .evidence = 1,
                                         .window = 64 << 20,
                                         .payload_max = 16384,
                                         .longest_life = 86400};
    snprintf(bench->lane.name, sizeof(bench->lane.name), "bench");
    bench->lane.sender[31] = bench->lane.receiver[31] = 9;
    network->operators = &operator;
    network->operators_len = 1;
    network->chains = bench->chains;
    network->chains_len = 2;
    network->zones = &bench->zone;
    network->zones_len = 1;
    network->relays = &bench->relay;
    network->relays_len = 1;
    network->lanes = &bench->lane;
    network->lanes_len = 1;
    if (!topology_network_index(network))
        die("no memory");
}

static void put(struct bench *bench, enum store_family family, struct bytes key, struct bytes value)
{
    bench->store->ops->batch_put(bench->batch, family, (struct store_view){key.data, key.len},
                                 (struct store_view){value.data, value.len});
}

static void commit(struct bench *bench)
{
    if (bench->store->ops->commit(bench->store, bench->batch) != STORE_OK) {
        char text[256];
        bench->store->ops->error(bench->store, text, sizeof(text));
        die(text);
    }
    bench->store->ops->batch_clear(bench->batch);
}

/* One segment of real records; the running hash goes on from the one before. */
static void segment_put(struct bench *bench, uint64_t from)
{
    static uint8_t records[SEGMENT_RECORDS * RECORD_MAX], value[sizeof(records) + 256], payload[PAYLOAD];
    uint8_t key[KEYS_SEGMENT_BYTES], commitment[32];
    struct codec_writer writer;
    struct keys_segment row = {.count = SEGMENT_RECORDS, .stored_at = 1, .origin = KEYS_ORIGIN_CHAIN};
    memcpy(row.before, bench->running, 32);
    codec_writer_init(&writer, records, sizeof(records));
    for (uint64_t n = from; n < from + SEGMENT_RECORDS; n++) {
        struct proof_message message = {.sequence = n,
                                        .time = 1700000000,
                                        .deadline = 1700001000,
                                        .suites = PROOF_SUITE_KECCAK256_SECP256K1,
                                        .commitments = commitment,
                                        .has_payload = true,
                                        .payload = BYTES_OF(payload)};
        uint8_t digest[1][32];
        memcpy(payload, &n, sizeof(n));
        proof_message_commitment(commitment, PROOF_SUITE_KECCAK256_SECP256K1, message.salt, message.payload);
        proof_message_write(&writer, &message);
        proof_message_digest(digest[0], PROOF_SUITE_KECCAK256_SECP256K1, bench->lane.id, &message);
        proof_running_hash_extend(bench->running, PROOF_SUITE_KECCAK256_SECP256K1, (const uint8_t(*)[32])digest, 1);
    }
    row.records = codec_writer_bytes(&writer);
    codec_writer_init(&writer, value, sizeof(value));
    keys_segment_write(&writer, &row);
    keys_segment_key(key, bench->lane.logs[0], from);
    put(bench, STORE_SEGMENT, BYTES_OF(key), codec_writer_bytes(&writer));
}

static void skeleton_put(struct bench *bench, uint64_t from)
{
    static uint8_t entries[SEGMENT_RECORDS * KEYS_SKELETON_ENTRY], value[sizeof(entries) + 64];
    uint8_t key[KEYS_SEGMENT_BYTES];
    struct codec_writer writer;
    memset(entries, (int)(from >> 8), sizeof(entries));
    codec_writer_init(&writer, value, sizeof(value));
    keys_skeleton_write(&writer, &(struct keys_skeleton){.count = SEGMENT_RECORDS,
                                                         .stored_at = 1,
                                                         .settled_at = 2,
                                                         .origin = KEYS_ORIGIN_CHAIN,
                                                         .entries = BYTES_OF(entries)});
    keys_segment_key(key, bench->lane.logs[0], from);
    put(bench, STORE_SKELETON, BYTES_OF(key), codec_writer_bytes(&writer));
}

static void segments_delete(struct bench *bench, uint64_t from, uint64_t to)
{
    uint8_t low[KEYS_SEGMENT_BYTES], high[KEYS_SEGMENT_BYTES];
    keys_segment_key(low, bench->lane.logs[0], from);
    keys_segment_key(high, bench->lane.logs[0], to);
    bench->store->ops->batch_delete_range(bench->batch, STORE_SEGMENT, (struct store_view){low, sizeof(low)},
                                          (struct store_view){high, sizeof(high)});
}

static void marks_put(struct bench *bench, uint64_t base, const uint8_t running[32])
{
    uint8_t value[KEYS_SMALL_VALUE_MAX];
    struct codec_writer writer;
    struct keys_log row = {.base = base, .proven = base, .attested = base, .settled = base, .height = 1000};
    memcpy(row.running, running, 32);
    codec_writer_init(&writer, value, sizeof(value));
    keys_log_write(&writer, &row);
    put(bench, STORE_LOG, BYTES_OF(bench->lane.logs[0]), codec_writer_bytes(&writer));
}

static void history_write(struct bench *bench, uint64_t settled, uint64_t pending)
{
    uint64_t kept = 1;
    memcpy(bench->running, bench->lane.logs[0], 32);
    for (uint64_t from = 1; from <= settled; from += SEGMENT_RECORDS) {
        segment_put(bench, from);
        skeleton_put(bench, from);
        if ((from / SEGMENT_RECORDS) % DELETE_EVERY == DELETE_EVERY - 1 || from + SEGMENT_RECORDS > settled) {
            segments_delete(bench, kept, from + SEGMENT_RECORDS);
            marks_put(bench, from + SEGMENT_RECORDS - 1, bench->running);
            kept = from + SEGMENT_RECORDS;
        }
        commit(bench);
    }
    for (uint64_t from = kept; from < kept + pending; from += SEGMENT_RECORDS)
        segment_put(bench, from);
    commit(bench);
}

/* Serves LOADs of the core from one snapshot, as the writer's reader does. */
static double start_time(struct bench *bench, const char *path)
{
    char text[256];
    double begin = now_ms();
    struct store_options options = {.path = path};
    if (store_rocksdb_open(&bench->store, &options, text, sizeof(text)) != STORE_OK)
        die(text);
    const struct store_ops *ops = bench->store->ops;
    struct relay_core_config config = {.network = &bench->network};
    struct relay_core *core = relay_core_new(&config);
    struct store_snapshot *snapshot = ops->snapshot_new(bench->store);
    if (core == NULL || snapshot == NULL)
        die("no memory");
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
            die("the core stopped before it was ready");
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
    double ready = now_ms() - begin;
    struct relay_log_view view;
    if (!relay_core_log_view(core, 0, PROOF_LOG_MESSAGE, &view))
        die("the lane is gone");
    printf("ready with %llu settled, %llu pending\n", (unsigned long long)view.settled,
           (unsigned long long)(view.stored - view.settled));
    relay_core_free(core);
    ops->snapshot_free(snapshot);
    ops->close(bench->store);
    return ready;
}

static void report_write(const char *path, uint64_t settled, uint64_t pending, double write_ms, double ready_ms)
{
    FILE *file = path ? fopen(path, "w") : NULL;
    if (file == NULL)
        return;
    fprintf(file, "{\"settled\": %llu, \"pending\": %llu, \"write_ms\": %.0f, \"ready_ms\": %.1f, \"ok\": %s}\n",
            (unsigned long long)settled, (unsigned long long)pending, write_ms, ready_ms,
            ready_ms < 1000 ? "true" : "false");
    fclose(file);
}

int main(int argc, char **argv)
{
    static struct bench bench;
    uint64_t settled = 1000000, pending = 2048;
    char folder[] = "/tmp/isthmus-bench-XXXXXX", text[256];
    const char *path = NULL, *report = NULL;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--messages") == 0)
            settled = strtoull(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--pending") == 0)
            pending = strtoull(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--dir") == 0)
            path = argv[i + 1];
        else if (strcmp(argv[i], "--report") == 0)
            report = argv[i + 1];
        else
            die("usage: bench-start [--messages N] [--pending N] [--dir DIR] [--report FILE]");
    }
    if (path == NULL && (path = mkdtemp(folder)) == NULL)
        die("cannot make a folder below /tmp");
    network_fill(&bench);
    struct store_options options = {.path = path, .create = true};
    if (store_rocksdb_open(&bench.store, &options, text, sizeof(text)) != STORE_OK)
        die(text);
    bench.batch = bench.store->ops->batch_new(bench.store);
    double begin = now_ms();
    history_write(&bench, settled, pending);
    double write_ms = now_ms() - begin;
    bench.store->ops->batch_free(bench.batch);
    bench.store->ops->close(bench.store);
    double ready_ms = start_time(&bench, path);
    printf("history written in %.0f ms; open to ready: %.1f ms (store in %s)\n", write_ms, ready_ms, path);
    report_write(report, settled, pending, write_ms, ready_ms);
    return ready_ms < 1000 ? 0 : 1;
}
