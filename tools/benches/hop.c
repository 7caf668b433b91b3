/*
 * bench-hop: one durable signed hop between two relays, each a process with the relay's own store, writer, mesh and gate.
 *
 *   commit + sync -> sign -> send -> gate, verify -> commit + sync -> told back (a signed heartbeat)
 *
 * A frame closes when the writer is free or at --frame messages (default: what relay/core puts into one, 256 KiB). Latency goes from the moment a message is there (or, paced,
 * was due) to the moment its sender reads that the other side has it on disk. `tools/bench hop` runs it beside its peers.
 *
 *   bench-hop [--payload B] [--rate N] [--seconds S] [--frame N] [--window FRAMES] [--transport tcp|ipc] [--stages 1] --dir DIR
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "relay/edge/mesh.h"
#include "relay/edge/writer.h"
#include "relay/store/store.h"
#include "tools/benches/scene.h"
#include "tools/benches/stages.h"

enum {
    FRAME_BYTES = 256 << 10,
    FRAME_MAX = SCENE_FRAME_MAX - PROOF_RANGE_MAX,
    WINDOW_MAX = 32 /* frames; nng buffers as many at the subscriber */,
    TICK_US = 50000,
    HEARTBEAT_US = 300000,
    ASK_MS = 1000,
    STUCK_US = 20000000,
    STAGES_PER_S = 20000 /* frames whose way is noted */
};

struct options {
    size_t payload, frame, window;
    uint64_t rate; /* messages a second; 0: as fast as it goes */
    double seconds;
    const char *transport, *dir;
    bool stages;
};

/* A frame between its first commit and the word that it arrived. */
struct flight {
    struct proof_head head;
    struct codec_pack body;
    uint64_t count, born_us, frame;
    bool used, sent;
};

struct side {
    const struct options *options;
    struct scene scene;
    uint16_t self;
    struct store *store;
    struct edge_writer *writer;
    struct edge_mesh *mesh;
    int wake_fd;
    struct proof_head head;   /* sender: made; receiver: taken */
    struct proof_head stored; /* receiver: committed */
    struct scene_rows rows;
    struct codec_pack pack;
    bool heard;
    uint64_t ticked_us;
    struct stages *stages; /* NULL: not asked for */
    uint64_t frames;       /* sender: made; receiver: taken */
    /* sender */
    struct flight flights[WINDOW_MAX];
    size_t flying, writing;
    uint8_t *records;
    uint64_t start_us, told, pulls;
    uint32_t *latencies;
    size_t latencies_len, latencies_cap;
    /* receiver */
    bool news, asking;
    uint64_t frames_stored, frames_answered;
    uint64_t known; /* the sender has so many */
    struct {
        struct proof_head head;
        bool used;
    } commits[WINDOW_MAX * 2];
};

/* ---- both sides ----------------------------------------------------------------------------------------------------- */

static void store_open(struct side *side)
{
    char path[512], text[512];
    snprintf(path, sizeof(path), "%s/store-%u", side->options->dir, side->self);
    struct store_options options = {.path = path, .create = true};
    if (store_rocksdb_open(&side->store, &options, text, sizeof(text)) != STORE_OK)
        scene_die("%s", text);
}

static void ignored(void *context, uint16_t relay)
{
    (void)context, (void)relay;
}

/* Only the sender is asked: for a frame that was lost. It answers with the same bytes; later frames follow by further asks. */
static void asked(void *context, uint16_t relay, uint64_t handle, struct bytes body)
{
    struct side *side = context;
    uint64_t from;
    (void)relay;
    for (size_t i = 0; scene_ask_take(&from, body) && i < WINDOW_MAX; i++) {
        struct flight *flight = &side->flights[i];
        if (!flight->used || !flight->sent || flight->head.number - flight->count + 1 != from)
            continue;
        side->pulls++;
        if (!edge_mesh_answer(side->mesh, handle, codec_pack_bytes(&flight->body)))
            scene_die("cannot answer");
        return;
    }
}

static void ask_failed(void *context, uint16_t relay, uint64_t id)
{
    (void)relay, (void)id;
    ((struct side *)context)->asking = false;
}

static void loaded(void *context, uint64_t id, enum store_family family, struct bytes key, struct bytes value)
{
    (void)context, (void)id, (void)family, (void)key, (void)value;
}

static void load_done(void *context, uint64_t id, enum store_family family, enum store_status status, const char *text)
{
    (void)context, (void)id, (void)family, (void)status, (void)text;
}

struct urls {
    char text[2][2][512]; /* relay; publish, request */
};

static void urls_make(struct urls *urls, const struct options *options)
{
    for (int i = 0; i < 4; i++) {
        char *url = urls->text[i / 2][i % 2];
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t len = sizeof(address);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) != 0 ||
            getsockname(fd, (struct sockaddr *)&address, &len) != 0)
            scene_die("no free port: %s", strerror(errno));
        close(fd);
        if (strcmp(options->transport, "ipc") == 0)
            snprintf(url, sizeof(urls->text[0][0]), "ipc://%s/%d.ipc", options->dir, i);
        else
            snprintf(url, sizeof(urls->text[0][0]), "tcp://127.0.0.1:%u", ntohs(address.sin_port));
    }
}

static void mesh_open(struct side *side, const struct urls *urls,
                      void (*published)(void *context, uint16_t relay, struct bytes body),
                      void (*answered)(void *context, uint16_t relay, uint64_t id, struct bytes body))
{
    char text[512];
    uint16_t other = (uint16_t)(1 - side->self);
    struct edge_mesh_zone zone = {0, urls->text[side->self][0]};
    struct edge_mesh_peer peer = {other, urls->text[other][0], urls->text[other][1]};
    struct edge_mesh_options options = {.network = &side->scene.network,
                                        .self = side->self,
                                        .request_url = urls->text[side->self][1],
                                        .zones = &zone,
                                        .zones_len = 1,
                                        .peers = &peer,
                                        .peers_len = 1,
                                        .silence_ms = 60000,
                                        .wake_fd = side->wake_fd,
                                        .context = side,
                                        .published = published,
                                        .asked = asked,
                                        .answered = answered,
                                        .ask_failed = ask_failed,
                                        .peer_up = ignored,
                                        .peer_down = ignored};
    memcpy(options.secret, side->scene.seeds[side->self], 32);
    side->mesh = edge_mesh_new(&options, text, sizeof(text));
    if (side->mesh == NULL)
        scene_die("%s", text);
}

static void side_open(struct side *side, const struct urls *urls,
                      void (*published)(void *context, uint16_t relay, struct bytes body),
                      void (*answered)(void *context, uint16_t relay, uint64_t id, struct bytes body),
                      void (*committed)(void *context, uint64_t id, enum store_status status, const char *text))
{
    side->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    proof_head_empty(&side->head, side->scene.lane.logs[0]);
    side->stored = side->head;
    codec_pack_init(&side->pack, PROOF_FRAME_BODY_MAX);
    store_open(side);
    struct edge_writer_options options = {.store = side->store,
                                          .wake_fd = side->wake_fd,
                                          .context = side,
                                          .committed = committed,
                                          .loaded = loaded,
                                          .load_done = load_done};
    side->writer = edge_writer_new(&options);
    if (side->writer == NULL)
        scene_die("no memory or no threads for the writer");
    mesh_open(side, urls, published, answered);
}

static void write_rows(struct side *side, uint64_t id, const struct scene_frame *frame)
{
    scene_rows_make(&side->rows, &side->scene, frame);
    if (edge_writer_write(side->writer, id, side->rows.ops, side->rows.ops_len) != EDGE_WRITER_TAKEN)
        scene_die("the writer refuses");
}

/* Waits at most until `until` (0: a tick) for the writer or the mesh, then takes what there is. */
static void side_turn(struct side *side, uint64_t until_us, int other_fd)
{
    uint64_t now = scene_now_us(), count;
    uint64_t wait = until_us == 0 ? TICK_US : until_us > now ? until_us - now : 0;
    struct timespec timeout = {(time_t)(wait / 1000000), (long)(wait % 1000000) * 1000};
    struct pollfd fds[2] = {{.fd = side->wake_fd, .events = POLLIN}, {.fd = other_fd, .events = POLLIN}};
    (void)ppoll(fds, other_fd >= 0 ? 2 : 1, &timeout, NULL);
    if (read(side->wake_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
        scene_die("eventfd: %s", strerror(errno));
    edge_writer_drain(side->writer);
    edge_mesh_drain(side->mesh);
    now = scene_now_us();
    if (now - side->ticked_us >= TICK_US) {
        edge_mesh_tick(side->mesh, now / 1000);
        side->ticked_us = now;
    }
}

static void mark(struct side *side, uint64_t frame, enum stage stage)
{
    if (side->stages)
        stages_mark(side->stages, frame, stage, scene_now_us());
}

static void say(struct side *side, const struct proof_head *head)
{
    scene_told_pack(&side->pack, head);
    if (!edge_mesh_publish(side->mesh, 0, codec_pack_bytes(&side->pack)))
        scene_die("cannot publish");
}

/* ---- the receiver --------------------------------------------------------------------------------------------------- */

static void receiver_store(struct side *side, const struct scene_frame *frame)
{
    for (size_t i = 0; i < sizeof(side->commits) / sizeof(*side->commits); i++) {
        if (side->commits[i].used)
            continue;
        side->commits[i].used = true;
        side->commits[i].head = side->head;
        write_rows(side, i, frame);
        return;
    }
    scene_die("more frames than the window has");
}

/* Heads tell what was lost, and it is pulled, as between relays. */
static void receiver_pull(struct side *side)
{
    if (side->asking || side->known <= side->head.number)
        return;
    scene_ask_pack(&side->pack, &side->scene, side->head.number + 1);
    side->asking = edge_mesh_ask(side->mesh, 0, 1, codec_pack_bytes(&side->pack), ASK_MS);
}

static void receiver_published(void *context, uint16_t relay, struct bytes body)
{
    struct side *side = context;
    struct scene_frame frame;
    uint64_t number, begun = side->stages ? scene_now_us() : 0;
    (void)relay;
    side->heard = true;
    if (!scene_frame_take(&frame, &side->head, &side->scene, body))
        scene_die("a frame after message %llu was refused", (unsigned long long)side->head.number);
    if (frame.ranges > 0) {
        stages_mark(side->stages, side->frames, STAGE_RECEIVED, begun);
        receiver_store(side, &frame);
        mark(side, side->frames++, STAGE_VERIFIED);
    } else if (scene_told_take(&number, body)) {
        side->known = number;
        side->news = true; /* it waits: perhaps it was our word that got lost */
    }
    if (frame.gap)
        side->known = side->head.number + 1;
    receiver_pull(side);
}

static void receiver_answered(void *context, uint16_t relay, uint64_t id, struct bytes body)
{
    (void)id;
    ((struct side *)context)->asking = false;
    receiver_published(context, relay, body);
}

static void receiver_committed(void *context, uint64_t id, enum store_status status, const char *text)
{
    struct side *side = context;
    if (status != STORE_OK)
        scene_die("%s", text);
    side->stored = side->commits[id].head;
    side->commits[id].used = false;
    mark(side, side->frames_stored++, STAGE_STORED);
    side->news = true;
}

/* Runs until the other end of the pipe is closed. */
static void receiver_run(struct side *side, const struct urls *urls, int pipe_fd)
{
    char byte;
    ssize_t got = -1;
    side->self = 1;
    side_open(side, urls, receiver_published, receiver_answered, receiver_committed);
    while (got != 0) {
        side_turn(side, 0, pipe_fd);
        if (side->news || (side->heard && side->stored.number == 0))
            say(side, &side->stored);
        while (side->frames_answered < side->frames_stored)
            mark(side, side->frames_answered++, STAGE_ANSWERED);
        side->news = false;
        struct pollfd fd = {.fd = pipe_fd, .events = POLLIN};
        if (poll(&fd, 1, 0) > 0)
            got = read(pipe_fd, &byte, 1);
    }
    edge_writer_free(side->writer);
    side->store->ops->close(side->store);
    scene_end(0); /* nng is slow to close, and its end is not what is measured */
}

/* ---- the sender ----------------------------------------------------------------------------------------------------- */

static uint64_t due_us(const struct side *side, uint64_t number)
{
    return side->start_us + number * 1000000u / side->options->rate;
}

static void told(struct side *side, uint64_t number)
{
    uint64_t now = scene_now_us();
    if (number <= side->told)
        return;
    for (size_t i = 0; i < WINDOW_MAX; i++) {
        struct flight *flight = &side->flights[i];
        if (!flight->used || flight->head.number > number)
            continue;
        for (uint64_t n = flight->head.number - flight->count; n < flight->head.number; n++) {
            uint64_t born = side->options->rate ? due_us(side, n) : flight->born_us;
            if (side->latencies_len < side->latencies_cap)
                side->latencies[side->latencies_len++] = (uint32_t)(now - born);
        }
        mark(side, flight->frame, STAGE_TOLD);
        flight->used = false;
        side->flying--;
    }
    side->told = number;
}

static void sender_published(void *context, uint16_t relay, struct bytes body)
{
    struct side *side = context;
    uint64_t number;
    (void)relay;
    if (!scene_told_take(&number, body))
        return;
    side->heard = true;
    told(side, number);
}

static void sender_answered(void *context, uint16_t relay, uint64_t id, struct bytes body)
{
    (void)context, (void)relay, (void)id, (void)body; /* it asks nothing */
}

static void sender_committed(void *context, uint64_t id, enum store_status status, const char *text)
{
    struct side *side = context;
    if (status != STORE_OK)
        scene_die("%s", text);
    mark(side, side->flights[id].frame, STAGE_COMMITTED);
    side->writing--;
    side->flights[id].sent = true;
    if (side->stored.number < side->flights[id].head.number)
        side->stored = side->flights[id].head;
    if (!edge_mesh_publish(side->mesh, 0, codec_pack_bytes(&side->flights[id].body)))
        scene_die("cannot publish");
    mark(side, side->flights[id].frame, STAGE_PUBLISHED);
}

static void frame_make(struct side *side, size_t count)
{
    struct scene_frame frame;
    size_t place = 0;
    while (side->flights[place].used)
        place++;
    struct flight *flight = &side->flights[place];
    flight->frame = side->frames++;
    flight->born_us = scene_now_us();
    stages_mark(side->stages, flight->frame, STAGE_DUE,
                side->options->rate ? due_us(side, side->head.number) : flight->born_us);
    stages_mark(side->stages, flight->frame, STAGE_OPEN, flight->born_us);
    scene_frame_make(&frame, &side->head, &side->scene, side->records, count);
    scene_frame_pack(&flight->body, &frame, &side->scene);
    flight->head = side->head;
    flight->count = count;
    flight->used = true;
    flight->sent = false;
    side->flying++;
    side->writing++;
    write_rows(side, place, &frame);
    mark(side, flight->frame, STAGE_SIGNED);
}

/* Makes frames of what is there: whole ones while the window has room, a part of one when the writer is free. */
static void frames_make(struct side *side, uint64_t end_us)
{
    const struct options *options = side->options;
    while (side->flying < options->window) {
        uint64_t now = scene_now_us(), waiting = options->frame;
        if (options->rate) {
            uint64_t until = now < end_us ? now : end_us;
            waiting = (until - side->start_us) * options->rate / 1000000u + 1 - side->head.number;
        } else if (now >= end_us) {
            return;
        }
        if (waiting == 0 || (waiting < options->frame && side->writing > 0))
            return;
        frame_make(side, waiting < options->frame ? (size_t)waiting : options->frame);
    }
}

static void sender_run(struct side *side, const struct urls *urls)
{
    const struct options *options = side->options;
    side_open(side, urls, sender_published, sender_answered, sender_committed);
    for (size_t i = 0; i < WINDOW_MAX; i++)
        codec_pack_init(&side->flights[i].body, PROOF_FRAME_BODY_MAX);
    side->records = malloc(options->frame * side->scene.record_bytes);
    side->latencies_cap = (size_t)((options->rate ? (double)options->rate : 4e6) * (options->seconds + 1));
    side->latencies = malloc(side->latencies_cap * sizeof(*side->latencies));
    if (side->records == NULL || side->latencies == NULL)
        scene_die("no memory");
    uint64_t stuck = scene_now_us() + STUCK_US;
    while (!side->heard) { /* until both directions are connected */
        if (scene_now_us() > stuck)
            scene_die("the relays do not find each other");
        say(side, &side->head);
        side_turn(side, scene_now_us() + TICK_US, -1);
    }
    side->start_us = scene_now_us();
    uint64_t end = side->start_us + (uint64_t)(options->seconds * 1e6), told_before = 0;
    uint64_t heartbeat = side->start_us + HEARTBEAT_US;
    stuck = side->start_us + STUCK_US;
    while (side->flying > 0 || scene_now_us() < end) {
        frames_make(side, end);
        uint64_t until = 0;
        if (options->rate && side->writing == 0 && side->flying < options->window)
            until = due_us(side, side->head.number); /* the next one opens a frame */
        side_turn(side, until > end ? end : until, -1);
        uint64_t now = scene_now_us();
        if (side->told > told_before || side->flying == 0)
            heartbeat = now + HEARTBEAT_US, stuck = now + STUCK_US;
        told_before = side->told;
        if (now > heartbeat) { /* perhaps a frame was lost: this names the newest */
            say(side, &side->stored);
            heartbeat = now + HEARTBEAT_US;
        }
        if (now > stuck)
            scene_die("nothing was told back for 20 s");
    }
}

/* ---- the report ----------------------------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static double cpu_us(int who)
{
    struct rusage usage;
    getrusage(who, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static void report(struct side *side, double seconds, double sender_us, double receiver_us)
{
    double messages = (double)side->told;
    size_t len = side->latencies_len;
    struct edge_writer_stats stats;
    edge_writer_stats(side->writer, &stats);
    double groups = (double)(stats.groups ? stats.groups : 1);
    qsort(side->latencies, len, sizeof(*side->latencies), compare);
    printf("{\"messages\": %.0f, \"seconds\": %.3f, \"msgs_per_s\": %.0f, \"p50_ms\": %.3f, \"p99_ms\": %.3f, "
           "\"pulls\": %llu, \"messages_per_frame\": %.1f, \"messages_per_sync\": %.1f, \"commit_ms\": %.3f, "
           "\"sender_cpu_us\": %.2f, "
           "\"receiver_cpu_us\": "
           "%.2f",
           messages, seconds, messages / seconds, len ? side->latencies[len / 2] / 1e3 : 0,
           len ? side->latencies[len * 99 / 100] / 1e3 : 0, (unsigned long long)side->pulls,
           messages / (double)side->frames, messages / groups, (double)stats.commit_us / 1e3 / groups,
           sender_us / messages, receiver_us / messages);
    if (side->stages) {
        printf(", \"stages\": ");
        stages_print(side->stages, stdout);
    }
    printf("}\n");
    fflush(stdout);
}

static void options_read(struct options *options, int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        const char *name = argv[i], *value = argv[i + 1];
        if (strcmp(name, "--payload") == 0)
            options->payload = strtoul(value, NULL, 10);
        else if (strcmp(name, "--rate") == 0)
            options->rate = strtoull(value, NULL, 10);
        else if (strcmp(name, "--seconds") == 0)
            options->seconds = strtod(value, NULL);
        else if (strcmp(name, "--frame") == 0)
            options->frame = strtoul(value, NULL, 10);
        else if (strcmp(name, "--window") == 0)
            options->window = strtoul(value, NULL, 10);
        else if (strcmp(name, "--transport") == 0)
            options->transport = value;
        else if (strcmp(name, "--dir") == 0)
            options->dir = value;
        else if (strcmp(name, "--stages") == 0)
            options->stages = strtoul(value, NULL, 10) != 0;
        else
            scene_die("unknown option %s", name);
    }
    if (options->frame == 0) { /* as relay/core fills frames: whole ranges up to 256 KiB */
        options->frame =
            FRAME_BYTES / PROOF_MESSAGE_RECORD_BYTES(1, options->payload) / PROOF_RANGE_MAX * PROOF_RANGE_MAX;
        options->frame = options->frame < PROOF_RANGE_MAX ? PROOF_RANGE_MAX : options->frame;
        options->frame = options->frame > FRAME_MAX ? FRAME_MAX : options->frame;
    }
    if (options->dir == NULL || options->frame > FRAME_MAX || options->window == 0 || options->window > WINDOW_MAX ||
        options->payload > SCENE_PAYLOAD_MAX)
        scene_die("needs --dir; --frame is 1..%d, --window 1..%d, --payload 0..%d", FRAME_MAX, WINDOW_MAX,
                  SCENE_PAYLOAD_MAX);
}

int main(int argc, char **argv)
{
    static struct side side;
    struct options options = {.payload = 256, .window = 16, .seconds = 2, .transport = "tcp"};
    struct urls urls;
    int ends[2];
    options_read(&options, argc, argv);
    urls_make(&urls, &options);
    scene_init(&side.scene, options.payload);
    side.options = &options;
    if (options.stages)
        side.stages = stages_new((size_t)(options.seconds * STAGES_PER_S));
    prctl(PR_SET_TIMERSLACK, 1UL);
    if (pipe(ends) != 0)
        scene_die("pipe: %s", strerror(errno));
    pid_t child = fork(); /* before nng: it does not survive a fork */
    if (child < 0)
        scene_die("fork: %s", strerror(errno));
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(ends[1]);
        receiver_run(&side, &urls, ends[0]);
    }
    close(ends[0]);
    double sender = cpu_us(RUSAGE_SELF);
    sender_run(&side, &urls);
    double seconds = (double)(scene_now_us() - side.start_us) / 1e6;
    sender = cpu_us(RUSAGE_SELF) - sender;
    close(ends[1]);
    int status = 0;
    if (waitpid(child, &status, 0) < 0 || status != 0)
        scene_die("the receiver failed");
    report(&side, seconds, sender, cpu_us(RUSAGE_CHILDREN));
    edge_writer_free(side.writer);
    side.store->ops->close(side.store);
    scene_end(0);
}
