/*
 * bench-raw: what the hop is made of, each alone: RocksDB with synced batches through the relay's own store, nng with frames as
 * long as the relay's, unsigned and unread; and the least that a durable hop can cost. One JSON line.
 *
 *   bench-raw rocksdb|segments|nng [--payload B] [--seconds S] [--batch N] --dir DIR
 *   bench-raw floor [--frame B] [--rate FRAMES] [--seconds S] [--prewritten 1] --dir DIR
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nng/nng.h>
#include <nng/protocol/pair0/pair.h>
#include <nng/protocol/pipeline0/pull.h>
#include <nng/protocol/pipeline0/push.h>

#include "relay/store/store.h"
#include "tools/benches/scene.h"

enum { FILE_BYTES = 16 << 20, CHUNK = 1 << 20 };

struct options {
    size_t payload, batch, frame;
    uint64_t rate;
    double seconds;
    bool prewritten;
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

/* Listens at a free port and tells the other process which. */
static void listen_and_tell(nng_socket socket, int pipe_fd)
{
    char url[64];
    nng_listener listener;
    nng_sockaddr address;
    check(nng_listen(socket, "tcp://127.0.0.1:0", &listener, 0), "listen");
    check(nng_listener_get_addr(listener, NNG_OPT_LOCADDR, &address), "address");
    snprintf(url, sizeof(url), "tcp://127.0.0.1:%u",
             (unsigned)(address.s_in.sa_port >> 8 | (address.s_in.sa_port & 255) << 8));
    if (write(pipe_fd, url, sizeof(url)) < 0)
        scene_die("no pipe");
}

static void nng(const struct options *options)
{
    char url[64];
    nng_socket socket;
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
    listen_and_tell(socket, ends[1]);
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
}

/* ---- the floor ------------------------------------------------------------------------------------------------------ */

/*
 * A frame's bytes written and synced, sent through nng, written and synced by another process, and its word back. No store, no
 * cryptography, nothing waits for anything else, and the next frame comes only after the last: what a relay adds is its own.
 * Files grow within preallocated room, as RocksDB's logs do: a sync moves the data, then the file's size, then flushes.
 * --prewritten: the blocks were written before, so it moves the data and flushes.
 */
struct file {
    int fd;
    off_t at;
    uint8_t *bytes;
    size_t len;
};

static void file_open(struct file *file, const struct options *options, int number)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/floor-%d", options->dir, number);
    file->fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    file->at = 0;
    file->len = options->frame;
    file->bytes = calloc(1, CHUNK);
    if (file->fd < 0 || file->bytes == NULL)
        scene_die("cannot make %s", path);
    if (!options->prewritten) /* where the file system cannot, RocksDB's logs grow without, too */
        (void)fallocate(file->fd, FALLOC_FL_KEEP_SIZE, 0, FILE_BYTES);
    for (off_t at = 0; options->prewritten && at < FILE_BYTES; at += CHUNK)
        if (pwrite(file->fd, file->bytes, CHUNK, at) != CHUNK)
            scene_die("cannot fill %s", path);
    if (fsync(file->fd) != 0)
        scene_die("cannot sync %s", path);
    memset(file->bytes, 0x5a, file->len);
}

/* Writes and syncs one frame; how long that took. */
static uint64_t file_commit(struct file *file)
{
    uint64_t start = scene_now_us();
    if (file->at + (off_t)file->len > FILE_BYTES)
        file->at = 0;
    if (pwrite(file->fd, file->bytes, file->len, file->at) != (ssize_t)file->len || fdatasync(file->fd) != 0)
        scene_die("cannot write");
    file->at += (off_t)file->len;
    return scene_now_us() - start;
}

static void send_bytes(nng_socket socket, const void *bytes, size_t len)
{
    nng_msg *message;
    check(nng_msg_alloc(&message, 0), "memory");
    check(nng_msg_append(message, bytes, len), "memory");
    check(nng_sendmsg(socket, message, 0), "send");
}

static nng_msg *receive(nng_socket socket)
{
    nng_msg *message;
    check(nng_recvmsg(socket, &message, 0), "receive");
    return message;
}

/* The other end: stores what comes, and answers how long that took. */
static _Noreturn void answer(const struct options *options, const char *url)
{
    struct file file;
    nng_socket socket;
    file_open(&file, options, 1);
    check(nng_pair0_open(&socket), "pair");
    check(nng_dial(socket, url, NULL, 0), url);
    for (uint64_t took = 0;; took = file_commit(&file)) {
        send_bytes(socket, &took, sizeof(took)); /* the first: it is there */
        nng_msg_free(receive(socket));
    }
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static void print_times(const char *name, uint32_t *times, size_t len)
{
    qsort(times, len, sizeof(*times), compare);
    printf(", \"%sp50_ms\": %.3f, \"%sp99_ms\": %.3f", name, times[len / 2] / 1e3, name, times[len * 99 / 100] / 1e3);
}

static void floor_run(const struct options *options, nng_socket socket)
{
    struct file file;
    size_t cap = (size_t)(options->seconds * (double)options->rate) + 1, len = 0;
    uint32_t *all = malloc(cap * sizeof(*all)), *nng = malloc(cap * sizeof(*nng)),
             *syncs = malloc(2 * cap * sizeof(*syncs));
    if (all == NULL || nng == NULL || syncs == NULL)
        scene_die("no memory");
    file_open(&file, options, 0);
    nng_msg_free(receive(socket));
    uint64_t start = scene_now_us(), end = start + (uint64_t)(options->seconds * 1e6), due = start, now;
    for (; (now = scene_now_us()) < end && len < cap; len++) {
        struct timespec pause = {0, due > now ? (long)(due - now) * 1000 : 0};
        (void)ppoll(NULL, 0, &pause, NULL); /* until it is due */
        due = (due > now ? due : now) + 1000000u / options->rate;
        uint64_t took, begun = scene_now_us(), here = file_commit(&file);
        send_bytes(socket, file.bytes, file.len);
        nng_msg *message = receive(socket);
        memcpy(&took, nng_msg_body(message), sizeof(took));
        nng_msg_free(message);
        all[len] = (uint32_t)(scene_now_us() - begun);
        syncs[2 * len] = (uint32_t)here;
        syncs[2 * len + 1] = (uint32_t)took;
        nng[len] = all[len] - (uint32_t)(here + took);
    }
    if (len == 0)
        scene_die("no time for a single frame");
    printf("{\"frames\": %zu", len);
    print_times("", all, len);
    print_times("sync_", syncs, 2 * len);
    print_times("nng_", nng, len);
    printf("}\n");
}

static void floor_main(const struct options *options)
{
    char url[64];
    nng_socket socket;
    int ends[2];
    if (pipe(ends) != 0)
        scene_die("no pipe");
    pid_t child = fork(); /* before nng */
    if (child < 0)
        scene_die("no process");
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (read(ends[0], url, sizeof(url)) <= 0)
            _exit(1);
        answer(options, url);
    }
    check(nng_pair0_open(&socket), "pair");
    listen_and_tell(socket, ends[1]);
    floor_run(options, socket);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

static void options_read(struct options *options, int argc, char **argv)
{
    for (int i = 2; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--payload") == 0)
            options->payload = strtoul(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--batch") == 0)
            options->batch = strtoul(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--frame") == 0)
            options->frame = strtoul(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--rate") == 0)
            options->rate = strtoull(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--seconds") == 0)
            options->seconds = strtod(argv[i + 1], NULL);
        else if (strcmp(argv[i], "--prewritten") == 0)
            options->prewritten = strtoul(argv[i + 1], NULL, 10) != 0;
        else if (strcmp(argv[i], "--dir") == 0)
            options->dir = argv[i + 1];
        else
            scene_die("unknown option %s", argv[i]);
    }
    if (argc < 2 || options->dir == NULL || options->batch == 0 || options->payload == 0 || options->rate == 0 ||
        options->frame == 0 || options->frame > CHUNK)
        scene_die("usage: bench-raw rocksdb|segments|nng|floor [--payload B] [--batch N] [--frame B] [--rate N] "
                  "[--prewritten 1] [--seconds S] --dir DIR");
}

int main(int argc, char **argv)
{
    struct options options = {.payload = 256, .batch = 256, .frame = 3072, .rate = 1000, .seconds = 1};
    options_read(&options, argc, argv);
    prctl(PR_SET_TIMERSLACK, 1UL);
    if (strcmp(argv[1], "rocksdb") == 0)
        rocksdb(&options, true);
    else if (strcmp(argv[1], "segments") == 0)
        rocksdb(&options, false);
    else if (strcmp(argv[1], "nng") == 0)
        nng(&options);
    else if (strcmp(argv[1], "floor") == 0)
        floor_main(&options);
    else
        scene_die("%s: rocksdb, segments, nng or floor", argv[1]);
    scene_end(0); /* nng is slow to close */
}
