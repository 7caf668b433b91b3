/*
 * bench-raw: what the hop is made of, each alone: RocksDB with synced batches through the relay's own store, and nng with
 * frames as long as the relay's, unsigned and unread. One JSON line.
 *
 *   bench-raw rocksdb|segments|nng [--payload B] [--seconds S] [--batch N] --dir DIR
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nng/nng.h>
#include <nng/protocol/pipeline0/pull.h>
#include <nng/protocol/pipeline0/push.h>

#include "relay/store/store.h"
#include "tools/benches/scene.h"

struct options {
    size_t payload, batch;
    double seconds;
    const char *dir;
};

static void print(const char *what, double messages, uint64_t start)
{
    double seconds = (double)(scene_now_us() - start) / 1e6;
    printf("{\"%s_msgs_per_s\": %.0f}\n", what, messages / seconds);
}

/* rows: each message a row of its own; else one row for the batch, as a relay keeps it. */
static void rocksdb(const struct options *options, bool rows)
{
    char path[512], text[512];
    struct store *store;
    snprintf(path, sizeof(path), "%s/raw-%d", options->dir, rows);
    struct store_options open = {.path = path, .create = true};
    if (store_rocksdb_open(&store, &open, text, sizeof(text)) != STORE_OK)
        scene_die("%s", text);
    struct store_batch *batch = store->ops->batch_new(store);
    size_t value_len = rows ? options->payload : options->payload * options->batch;
    uint8_t *value = malloc(value_len), key[16] = {0};
    if (batch == NULL || value == NULL)
        scene_die("no memory");
    for (size_t i = 0; i < value_len; i++)
        value[i] = (uint8_t)(i * 2654435761u >> 13);
    uint64_t start = scene_now_us(), end = start + (uint64_t)(options->seconds * 1e6), number = 0;
    while (scene_now_us() < end) {
        store->ops->batch_clear(batch);
        for (size_t i = 0; i < options->batch; i++, number++) {
            for (int byte = 0; byte < 8; byte++)
                key[15 - byte] = (uint8_t)(number >> (8 * byte));
            if (rows || i == 0)
                store->ops->batch_put(batch, STORE_SEGMENT, (struct store_view){key, sizeof(key)},
                                      (struct store_view){value, value_len});
        }
        if (store->ops->commit(store, batch) != STORE_OK)
            scene_die("the commit failed");
    }
    print(rows ? "rocksdb_rows" : "rocksdb_segments", (double)number, start);
    store->ops->batch_free(batch);
    store->ops->close(store);
}

static void check(int error, const char *what)
{
    if (error != 0)
        scene_die("nng: %s: %s", what, nng_strerror(error));
}

static void push(const char *url, size_t size)
{
    nng_socket socket;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    check(nng_push0_open(&socket), "push");
    check(nng_socket_set_int(socket, NNG_OPT_SENDBUF, 64), "buffer");
    check(nng_dial(socket, url, NULL, 0), url);
    for (;;) {
        nng_msg *message;
        check(nng_msg_alloc(&message, size), "memory");
        memset(nng_msg_body(message), 0x5a, size);
        check(nng_sendmsg(socket, message, 0), "send");
    }
}

static void nng(const struct options *options)
{
    char url[64];
    nng_socket socket;
    nng_listener listener;
    nng_sockaddr address;
    int ends[2];
    if (pipe(ends) != 0)
        scene_die("no pipe");
    pid_t child = fork(); /* before nng */
    if (child < 0)
        scene_die("no process");
    if (child == 0) {
        ssize_t got = read(ends[0], url, sizeof(url));
        if (got > 0)
            push(url, options->payload * options->batch);
        _exit(1);
    }
    check(nng_pull0_open(&socket), "pull");
    check(nng_socket_set_int(socket, NNG_OPT_RECVBUF, 64), "buffer");
    check(nng_listen(socket, "tcp://127.0.0.1:0", &listener, 0), "listen");
    check(nng_listener_get_addr(listener, NNG_OPT_LOCADDR, &address), "address");
    snprintf(url, sizeof(url), "tcp://127.0.0.1:%u",
             (unsigned)(address.s_in.sa_port >> 8 | (address.s_in.sa_port & 255) << 8));
    if (write(ends[1], url, sizeof(url)) < 0)
        scene_die("no pipe");
    uint64_t start = 0, end = UINT64_MAX, frames = 0;
    while (scene_now_us() < end) {
        nng_msg *message;
        check(nng_recvmsg(socket, &message, 0), "receive");
        nng_msg_free(message);
        if (frames++ == 0) {
            start = scene_now_us();
            end = start + (uint64_t)(options->seconds * 1e6);
        }
    }
    print("nng", (double)(frames * options->batch), start);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    scene_end(0); /* nng is slow to close */
}

int main(int argc, char **argv)
{
    struct options options = {.payload = 256, .batch = 256, .seconds = 1};
    for (int i = 2; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--payload") == 0)
            options.payload = strtoul(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--batch") == 0)
            options.batch = strtoul(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--seconds") == 0)
            options.seconds = strtod(argv[i + 1], NULL);
        else if (strcmp(argv[i], "--dir") == 0)
            options.dir = argv[i + 1];
        else
            scene_die("unknown option %s", argv[i]);
    }
    if (argc < 2 || options.dir == NULL || options.batch == 0 || options.payload == 0)
        scene_die("usage: bench-raw rocksdb|segments|nng [--payload B] [--batch N] [--seconds S] --dir DIR");
    if (strcmp(argv[1], "rocksdb") == 0)
        rocksdb(&options, true);
    else if (strcmp(argv[1], "segments") == 0)
        rocksdb(&options, false);
    else if (strcmp(argv[1], "nng") == 0)
        nng(&options);
    else
        scene_die("%s: rocksdb, segments or nng", argv[1]);
    scene_end(0);
}
