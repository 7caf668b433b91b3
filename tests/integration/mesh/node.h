/* One relay's mesh for tests, with a small loop around it: what arrived, who is up, and when. */
#ifndef TESTS_INTEGRATION_MESH_NODE_H
#define TESTS_INTEGRATION_MESH_NODE_H

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "relay/edge/mesh.h"
#include "tests/unit/mesh/scene.h"

/* ms. Where silence is not what is tested, a busy machine is none: NODE_PATIENCE. DEADLINE: a quiet one takes far less. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { NODE_SILENCE = 2000, DEADLINE = 100000 };
#else
enum { NODE_SILENCE = 600, DEADLINE = 60000 };
#endif
enum { NODE_URL = 320, NODE_PATIENCE = 2 * DEADLINE };

/* Where relay i publishes for zone z, and takes requests. */
struct urls {
    char publish[SCENE_RELAYS][2][NODE_URL];
    char request[SCENE_RELAYS][NODE_URL];
};

struct node {
    struct scene scene;
    uint16_t self;
    struct edge_mesh *mesh;
    int wake_fd;
    uint32_t silence;                                                     /* 0: NODE_PATIENCE */
    uint32_t door_pause, door_patience;                                   /* 0: the mesh's own */
    bool mute;                                                            /* answers no requests */
    uint64_t heard[SCENE_RELAYS], last[SCENE_RELAYS], when[SCENE_RELAYS]; /* published frames: count, number, ms */
    unsigned ups[SCENE_RELAYS], downs[SCENE_RELAYS];
    unsigned asked, answered, failed;
    uint64_t answer_id, answer_number;
    char text[512];
};

static inline uint64_t node_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

static inline void node_published(void *context, uint16_t relay, struct bytes body)
{
    struct node *node = context;
    node->heard[relay]++;
    node->last[relay] = scene_number(body);
    node->when[relay] = node_now();
}

static inline void node_asked(void *context, uint16_t relay, uint64_t handle, struct bytes body)
{
    struct node *node = context;
    (void)relay;
    node->asked++;
    struct codec_pack answer;
    scene_body(&answer, scene_number(body) + 1000, 8);
    if (!node->mute && !edge_mesh_answer(node->mesh, handle, (struct bytes){answer.data, answer.len}))
        abort();
    codec_pack_fini(&answer);
}

static inline void node_answered(void *context, uint16_t relay, uint64_t id, struct bytes body)
{
    struct node *node = context;
    (void)relay;
    node->answered++;
    node->answer_id = id;
    node->answer_number = scene_number(body);
}

static inline void node_ask_failed(void *context, uint16_t relay, uint64_t id)
{
    struct node *node = context;
    (void)relay, (void)id;
    node->failed++;
}

static inline void node_up(void *context, uint16_t relay)
{
    ((struct node *)context)->ups[relay]++;
}

static inline void node_down(void *context, uint16_t relay)
{
    ((struct node *)context)->downs[relay]++;
}

static inline void node_note(void *context, uint16_t relay, const char *reason, const char *text)
{
    if (getenv("ISTHMUS_VERBOSE"))
        fprintf(stderr, "relay %u of %u: %s %s\n", ((struct node *)context)->self, relay, reason, text);
}

/* The caller has set scene and self. tls: folder with <name>.crt, <name>.key and ca.crt; NULL: none. */
static inline bool node_open(struct node *node, const struct urls *urls, const char *tls, size_t queue_bytes)
{
    struct edge_mesh_zone zones[2];
    struct edge_mesh_peer peers[SCENE_RELAYS];
    char files[3][NODE_URL * 2];
    struct edge_mesh_options options = {.network = &node->scene.network,
                                        .self = node->self,
                                        .request_url = urls->request[node->self],
                                        .zones = zones,
                                        .peers = peers,
                                        .silence_ms = node->silence ? node->silence : NODE_PATIENCE,
                                        .queue_bytes = queue_bytes,
                                        .door_pause_ms = node->door_pause,
                                        .door_patience_ms = node->door_patience,
                                        .context = node,
                                        .published = node_published,
                                        .asked = node_asked,
                                        .answered = node_answered,
                                        .ask_failed = node_ask_failed,
                                        .peer_up = node_up,
                                        .peer_down = node_down,
                                        .note = node_note};
    memcpy(options.secret, node->scene.seeds[node->self], 32);
    for (uint16_t zone = 0; zone < node->scene.network.zones_len; zone++)
        zones[options.zones_len++] = (struct edge_mesh_zone){zone, urls->publish[node->self][zone]};
    for (size_t i = 0; i < node->scene.network.links_len; i++) {
        const struct topology_link *link = &node->scene.links[i];
        if (link->a != node->self && link->b != node->self)
            continue;
        uint16_t other = link->a == node->self ? link->b : link->a;
        if (urls->request[other][0])
            peers[options.peers_len++] = (struct edge_mesh_peer){
                other, urls->publish[other][node->scene.relays[node->self].zone], urls->request[other]};
    }
    if (tls) {
        const char *name = node->scene.relays[node->self].name;
        snprintf(files[0], sizeof(files[0]), "%s/%s.crt", tls, name);
        snprintf(files[1], sizeof(files[1]), "%s/%s.key", tls, name);
        snprintf(files[2], sizeof(files[2]), "%s/ca.crt", tls);
        options.tls_certificate_file = files[0];
        options.tls_key_file = files[1];
        options.tls_ca_file = files[2];
    }
    node->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    options.wake_fd = node->wake_fd;
    node->mesh = edge_mesh_new(&options, node->text, sizeof(node->text));
    if (!node->mesh)
        close(node->wake_fd);
    return node->mesh != NULL;
}

static inline void node_close(struct node *node)
{
    if (!node->mesh)
        return;
    edge_mesh_free(node->mesh);
    node->mesh = NULL;
    close(node->wake_fd);
}

/* One turn of the loops of all nodes that are open, waiting up to ms for something to happen. */
static inline void nodes_turn(struct node *nodes, size_t count, int ms)
{
    struct pollfd ready[SCENE_RELAYS];
    size_t open = 0;
    for (size_t i = 0; i < count; i++)
        if (nodes[i].mesh)
            ready[open++] = (struct pollfd){.fd = nodes[i].wake_fd, .events = POLLIN};
    (void)poll(ready, open, ms);
    for (size_t i = 0; i < count; i++) {
        uint64_t wakes;
        if (!nodes[i].mesh)
            continue;
        if (read(nodes[i].wake_fd, &wakes, sizeof(wakes)) == sizeof(wakes))
            edge_mesh_drain(nodes[i].mesh);
        edge_mesh_tick(nodes[i].mesh, node_now());
    }
}

static inline bool node_publish(struct node *node, uint16_t zone, uint64_t number, size_t len)
{
    struct codec_pack body;
    scene_body(&body, number, len);
    bool sent = edge_mesh_publish(node->mesh, zone, (struct bytes){body.data, body.len});
    codec_pack_fini(&body);
    return sent;
}

static inline bool node_ask(struct node *node, uint16_t relay, uint64_t id, uint64_t number, uint32_t timeout)
{
    struct codec_pack body;
    scene_body(&body, number, 8);
    bool sent = edge_mesh_ask(node->mesh, relay, id, (struct bytes){body.data, body.len}, timeout);
    codec_pack_fini(&body);
    return sent;
}

static inline uint64_t node_refused(struct node *node, uint16_t relay, enum edge_gate_reason reason)
{
    struct edge_mesh_peer_stats stats;
    return edge_mesh_peer_stats(node->mesh, relay, &stats) ? stats.gate.refused[reason] : 0;
}

/* A port of 127.0.0.1 that was free just now, below the range from which the system gives ports to connections. */
static inline uint16_t free_port(void)
{
    static unsigned next;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (next == 0)
        next = (unsigned)getpid() * 37u;
    for (int attempt = 0; attempt < 1000; attempt++) {
        uint16_t port = (uint16_t)(12000 + next++ % 20000);
        address.sin_port = htons(port);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        bool is_free = bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
        close(fd);
        if (is_free)
            return port;
    }
    abort();
}

static inline uint16_t url_port(const char *url)
{
    return (uint16_t)strtoul(strrchr(url, ':') + 1, NULL, 10);
}

/* scheme: "ipc", "tcp" or "tls+tcp". The last relay of the scene gets none. */
static inline void urls_make(struct urls *urls, const char *scheme, const char *folder)
{
    memset(urls, 0, sizeof(*urls));
    for (int i = 0; i < SCENE_RELAYS - 1; i++) {
        for (int slot = 0; slot < 3; slot++) {
            char *url = slot < 2 ? urls->publish[i][slot] : urls->request[i];
            if (strcmp(scheme, "ipc") == 0)
                snprintf(url, NODE_URL, "ipc://%s/%d-%d.sock", folder, i, slot);
            else
                snprintf(url, NODE_URL, "%s://127.0.0.1:%u", scheme, free_port());
        }
    }
}

#endif
