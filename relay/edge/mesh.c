/*
 * nng, and around what is broken in Debian's 1.5.2:
 *
 * - A receive with a timeout crashes subscribers: every receive here is one aio without a timeout, armed again in its own
 *   callback. Timeouts are edge_mesh_tick's.
 * - Cancelling a request crashes or leaks: requests go through raw sockets, where nothing is ever cancelled; the counter of
 *   the signed frame, not nng, ties an answer to its ask.
 * - Sizes set late do not reach open connections: they are set on the socket before it listens or dials.
 * - Opening and closing endpoints races: all is opened once. A dialler is replaced only when a peer is silent, has no
 *   connection or one that stays though it was given up, and a probe has just shown that there is a way to it.
 * - One thread takes all connections down, and may wait for one for ever (nng#1543): no other goes any more then. Over TLS that
 *   is one that was closed while a message came or went: its stream is not marked closed, and what begins on it then never ends.
 */
#include "relay/edge/mesh.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <nng/nng.h>
#include <nng/protocol/pubsub0/sub.h>
#include <nng/protocol/reqrep0/req.h>
#include <nng/supplemental/tls/tls.h>

#include "proofs/codec/sodium.h"
#include "relay/edge/door.h"
#include "relay/edge/inbox.h"
#include "relay/edge/keyfile.h"
#include "relay/edge/stranger.h"

enum {
    RECEIVE_BUFFER = 32,
    REQUEST_BUFFER = 64,
    RECONNECT_MIN = 100, /* ms */
    RECONNECT_MAX = 1000,
    SIZE_SLACK = 1024,  /* beyond the largest frame: so that one that is a little too large is refused by name */
    ASK_TIMEOUT = 5000, /* ms */
    CLOSE_S = 3
};

/* A dialled connection to one peer. */
struct link {
    struct edge_mesh *mesh;
    struct edge_inbox_peer *peer;
    enum edge_link_kind kind;
    char *url;
    bool open;
    nng_socket socket;
    nng_dialer dialer;
    nng_aio *aio;
    pthread_mutex_t mutex;
    nng_pipe pipe;     /* under the mutex; id 0: none */
    uint32_t given_up; /* id of the pipe that was closed last; the loop's */
};

struct edge_mesh {
    struct edge_mesh_options options;
    nng_tls_config *tls_server;
    atomic_llong pipes; /* connections that nng has */
    char *tls_certificate, *tls_key, *tls_ca;
    struct edge_door *doors;          /* as the options' zones; the last is for requests */
    struct link (*links)[EDGE_LINKS]; /* as the options' peers */
    struct edge_door *requests;
    nng_aio *requests_aio;

    struct edge_inbox inbox;
};

/* ---- frames come in: nng's threads -------------------------------------------------------------------------------- */

/* ThreadSanitizer drops reports with a frame of nng in them (tests/sanitizers.c). A callback that it does not compile in hides
 * nng's frames from it, so what our code does on nng's threads is still checked, from the first call on. */
#define CALLED_BY_NNG __attribute__((no_sanitize("thread")))

static struct bytes message_bytes(nng_msg *message)
{
    return (struct bytes){nng_msg_body(message), nng_msg_len(message)};
}

/* Subscribed frames and responses: who is at the other end is known. */
CALLED_BY_NNG static void link_received(void *argument)
{
    struct link *link = argument;
    struct edge_inbox_peer *peer = link->peer;
    if (nng_aio_result(link->aio) != 0) {
        if (nng_aio_result(link->aio) != NNG_ECLOSED && nng_aio_result(link->aio) != NNG_ECANCELED)
            nng_recv_aio(link->socket, link->aio);
        return;
    }
    nng_msg *message = nng_aio_get_msg(link->aio);
    bool publishes = link->kind == EDGE_LINK_PUBLISH;
    struct edge_gate_frame frame;
    enum edge_gate_reason reason = EDGE_GATE_OVERFLOW;
    if (!edge_inbox_full(peer))
        reason = edge_gate_take(&frame, link->mesh->inbox.gate, publishes ? PROOF_FRAME_PUBLISH : PROOF_FRAME_RESPONSE,
                                peer->relay, edge_inbox_time(), message_bytes(message));
    if (reason == EDGE_GATE_OK)
        edge_inbox_add(peer, publishes ? EDGE_ARRIVAL_PUBLISHED : EDGE_ARRIVAL_ANSWERED, frame.id, message, frame.body);
    else
        nng_msg_free(message);
    nng_recv_aio(link->socket, link->aio);
}

CALLED_BY_NNG static void request_received(void *argument)
{
    struct edge_mesh *mesh = argument;
    if (nng_aio_result(mesh->requests_aio) != 0) {
        if (nng_aio_result(mesh->requests_aio) != NNG_ECLOSED && nng_aio_result(mesh->requests_aio) != NNG_ECANCELED)
            nng_recv_aio(mesh->requests->socket, mesh->requests_aio);
        return;
    }
    nng_msg *message = nng_aio_get_msg(mesh->requests_aio);
    struct edge_gate_frame frame;
    enum edge_gate_reason reason = edge_gate_take(&frame, mesh->inbox.gate, PROOF_FRAME_REQUEST, EDGE_GATE_STRANGER,
                                                  edge_inbox_time(), message_bytes(message));
    struct edge_inbox_peer *peer = reason == EDGE_GATE_OK ? edge_inbox_peer_of(&mesh->inbox, frame.relay) : NULL;
    uint64_t handle = peer && !edge_inbox_full(peer)
                          ? edge_inbox_keep(&mesh->inbox, &frame, nng_msg_header(message), nng_msg_header_len(message))
                          : 0;
    if (handle) {
        edge_inbox_add(peer, EDGE_ARRIVAL_ASKED, handle, message, frame.body);
    } else {
        if (reason == EDGE_GATE_OK)
            edge_gate_count(mesh->inbox.gate, frame.relay, EDGE_GATE_BUSY);
        else if (edge_gate_blames(reason))
            nng_pipe_close(nng_msg_get_pipe(message)); /* whoever that was has to connect again */
        nng_msg_free(message);
    }
    nng_recv_aio(mesh->requests->socket, mesh->requests_aio);
}

/* Before the protocols have agreed: what is refused then is reported as gone, too. */
CALLED_BY_NNG static void link_begun(nng_pipe pipe, nng_pipe_ev event, void *argument)
{
    struct link *link = argument;
    (void)pipe, (void)event;
    atomic_fetch_add(&link->mesh->pipes, 1);
}

CALLED_BY_NNG static void link_changed(nng_pipe pipe, nng_pipe_ev event, void *argument)
{
    struct link *link = argument;
    bool added = event == NNG_PIPE_EV_ADD_POST;
    pthread_mutex_lock(&link->mutex);
    if (added || link->pipe.id == pipe.id)
        link->pipe.id = added ? pipe.id : 0;
    pthread_mutex_unlock(&link->mutex);
    if (!added)
        atomic_fetch_sub(&link->mesh->pipes, 1);
    edge_inbox_changed(link->peer, link->kind, added);
}

/* ---- opening ------------------------------------------------------------------------------------------------------ */

struct failure {
    char *text;
    size_t cap;
};

static bool fail(struct failure *failure, const char *what, const char *url, int error)
{
    snprintf(failure->text, failure->cap, "mesh: %s %s: %s", what, url, nng_strerror(error));
    return false;
}

/* A configuration that shows our certificate and demands the other's. name: the relay to expect, NULL for a listener. */
static nng_tls_config *tls_config(const struct edge_mesh *mesh, const char *name, struct failure *failure)
{
    nng_tls_config *config = NULL;
    int error = nng_tls_config_alloc(&config, name ? NNG_TLS_MODE_CLIENT : NNG_TLS_MODE_SERVER);
    if (error == 0)
        error = nng_tls_config_ca_chain(config, mesh->tls_ca, NULL);
    if (error == 0)
        error = nng_tls_config_own_cert(config, mesh->tls_certificate, mesh->tls_key, NULL);
    if (error == 0)
        error = nng_tls_config_auth_mode(config, NNG_TLS_AUTH_MODE_REQUIRED);
    if (error == 0 && name)
        error = nng_tls_config_server_name(config, name);
    if (error == 0)
        return config;
    fail(failure, "TLS certificate, key and authority do not load:", mesh->options.tls_certificate_file, error);
    if (config)
        nng_tls_config_free(config);
    return NULL;
}

static bool load_tls(struct edge_mesh *mesh, struct failure *failure)
{
    const struct edge_mesh_options *options = &mesh->options;
    if (!options->tls_certificate_file)
        return true;
    if (edge_keyfile_pem(&mesh->tls_certificate, options->tls_certificate_file, false, failure->text, failure->cap) &&
        edge_keyfile_pem(&mesh->tls_key, options->tls_key_file, true, failure->text, failure->cap) &&
        edge_keyfile_pem(&mesh->tls_ca, options->tls_ca_file, false, failure->text, failure->cap))
        mesh->tls_server = tls_config(mesh, NULL, failure);
    return mesh->tls_server != NULL;
}

/* Whether this configuration may use the URL; tells the probe where it leads. */
static bool check_url(const struct edge_mesh *mesh, const char *url, struct edge_probe *probe, struct failure *failure)
{
    const char *wrong = edge_probe_url(probe, url, mesh->tls_server != NULL, mesh->options.insecure_tcp);
    if (wrong)
        snprintf(failure->text, failure->cap, "mesh: %s: %s", url ? url : "(no URL)", wrong);
    return !wrong;
}

static int dial(struct link *link)
{
    struct edge_mesh *mesh = link->mesh;
    int error = nng_dialer_create(&link->dialer, link->socket, link->url);
    if (error != 0)
        return error;
    nng_dialer_set_ms(link->dialer, NNG_OPT_RECONNMINT, RECONNECT_MIN);
    nng_dialer_set_ms(link->dialer, NNG_OPT_RECONNMAXT, RECONNECT_MAX);
    if (edge_door_is_tls(link->url)) {
        char text[256];
        struct failure failure = {text, sizeof(text)};
        nng_tls_config *config = tls_config(mesh, mesh->options.network->relays[link->peer->relay].name, &failure);
        error = config ? nng_dialer_set_ptr(link->dialer, NNG_OPT_TLS_CONFIG, config) : NNG_ENOMEM;
        if (config)
            nng_tls_config_free(config); /* the dialler holds it */
    }
    return error ? error : nng_dialer_start(link->dialer, NNG_FLAG_NONBLOCK);
}

static bool open_link(struct edge_mesh *mesh, size_t place, enum edge_link_kind kind, const char *url,
                      struct failure *failure)
{
    struct link *link = &mesh->links[place][kind];
    link->mesh = mesh;
    link->peer = &mesh->inbox.peers[place];
    link->kind = kind;
    pthread_mutex_init(&link->mutex, NULL);
    if (!check_url(mesh, url, kind == EDGE_LINK_PUBLISH ? &link->peer->probe : NULL, failure))
        return false;
    link->url = strdup(url);
    int error = kind == EDGE_LINK_PUBLISH ? nng_sub0_open(&link->socket) : nng_req0_open_raw(&link->socket);
    link->open = error == 0;
    if (error == 0)
        error = edge_door_prepare(link->socket, PROOF_FRAME_BYTES_MAX + SIZE_SLACK,
                                  kind == EDGE_LINK_REQUEST ? REQUEST_BUFFER : 0,
                                  kind == EDGE_LINK_PUBLISH ? RECEIVE_BUFFER : 4);
    if (error == 0 && kind == EDGE_LINK_PUBLISH)
        error = nng_socket_set(link->socket, NNG_OPT_SUB_SUBSCRIBE, "", 0);
    error = error ? error : nng_pipe_notify(link->socket, NNG_PIPE_EV_ADD_PRE, link_begun, link);
    error = error ? error : nng_pipe_notify(link->socket, NNG_PIPE_EV_ADD_POST, link_changed, link);
    error = error ? error : nng_pipe_notify(link->socket, NNG_PIPE_EV_REM_POST, link_changed, link);
    error = error ? error : nng_aio_alloc(&link->aio, link_received, link);
    if (error == 0) {
        nng_aio_set_timeout(link->aio, NNG_DURATION_INFINITE);
        nng_recv_aio(link->socket, link->aio);
        error = dial(link);
    }
    return error == 0 || fail(failure, "cannot dial", link->url, error);
}

/* Opens a door: a publisher, or the replier when it is the last. */
static bool open_door(struct edge_mesh *mesh, struct edge_door *door, const char *url, struct failure *failure)
{
    bool publishes = door != mesh->requests;
    if (!check_url(mesh, url, NULL, failure))
        return false;
    struct edge_door_options options = {.url = url,
                                        .publishes = publishes,
                                        /* subscribers have nothing to say */
                                        .largest = publishes ? 64 : (size_t)EDGE_MESH_REQUEST_MAX + SIZE_SLACK,
                                        .send = publishes ? EDGE_INBOX_FRAMES : REQUEST_BUFFER,
                                        .receive = publishes ? 0 : RECEIVE_BUFFER,
                                        .tls_server = mesh->tls_server,
                                        .call = {url, mesh->tls_certificate, mesh->tls_key},
                                        .pause_ms = mesh->options.door_pause_ms,
                                        .patience_ms = mesh->options.door_patience_ms,
                                        .pipes = &mesh->pipes};
    int error = edge_door_open(door, &options);
    if (error == 0 && !publishes)
        error = nng_aio_alloc(&mesh->requests_aio, request_received, mesh);
    if (error == 0 && !publishes) {
        nng_aio_set_timeout(mesh->requests_aio, NNG_DURATION_INFINITE);
        nng_recv_aio(door->socket, mesh->requests_aio);
    }
    error = error ? error : edge_door_listen(door);
    return error == 0 || fail(failure, "cannot listen at", url, error);
}

static void watch_door(struct edge_mesh *mesh, struct edge_door *door, uint64_t now)
{
    const char *text = edge_door_watch(door, now);
    if (text != NULL && mesh->options.note)
        mesh->options.note(mesh->options.context, mesh->options.self, "mesh-listener", text);
}

static bool open_all(struct edge_mesh *mesh, struct failure *failure)
{
    const struct edge_mesh_options *options = &mesh->options;
    mesh->requests = &mesh->doors[options->zones_len];
    if (!load_tls(mesh, failure) || !open_door(mesh, mesh->requests, options->request_url, failure))
        return false;
    for (size_t i = 0; i < options->zones_len; i++) {
        mesh->doors[i].zone = options->zones[i].zone;
        if (!open_door(mesh, &mesh->doors[i], options->zones[i].publish_url, failure))
            return false;
    }
    for (size_t i = 0; i < options->peers_len; i++) {
        const struct edge_mesh_peer *config = &options->peers[i];
        if (!edge_gate_neighbour(mesh->inbox.gate, config->relay)) {
            snprintf(failure->text, failure->cap, "mesh: peer %zu is not linked to this relay in the network document",
                     i);
            return false;
        }
        if (!open_link(mesh, i, EDGE_LINK_PUBLISH, config->publish_url, failure) ||
            !open_link(mesh, i, EDGE_LINK_REQUEST, config->request_url, failure))
            return false;
    }
    return true;
}

static void set_defaults(struct edge_mesh_options *options)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (options->start_ns == 0)
        options->start_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    if (options->silence_ms == 0)
        options->silence_ms = 3000;
    if (options->queue_bytes == 0)
        options->queue_bytes = 32u << 20;
    if (options->requests == 0)
        options->requests = 128;
    if (options->door_pause_ms == 0)
        options->door_pause_ms = 30000;
    if (options->door_patience_ms == 0)
        options->door_patience_ms = 60000;
}

static void release(void *message)
{
    nng_msg_free(message);
}

/* Gives up a connection, so that the dialler makes a new one at once. One that is still there the next time is left behind. */
static void kick(struct edge_inbox *inbox, size_t place, enum edge_link_kind kind)
{
    struct edge_mesh *mesh = (struct edge_mesh *)((char *)inbox - offsetof(struct edge_mesh, inbox));
    struct link *link = &mesh->links[place][kind];
    pthread_mutex_lock(&link->mutex);
    nng_pipe pipe = link->pipe;
    pthread_mutex_unlock(&link->mutex);
    bool stays = pipe.id != 0 && pipe.id == link->given_up;
    link->given_up = pipe.id;
    if (pipe.id != 0 && !stays) {
        nng_pipe_close(pipe);
        return;
    }
    if (!stays && link->peer->probe.named)
        return;                     /* nobody has seen a way there: nng's own dialler goes on */
    nng_dialer_close(link->dialer); /* waiting in a connect that TCP repeats too rarely */
    int error = dial(link);
    if (error != 0 && mesh->options.note)
        mesh->options.note(mesh->options.context, link->peer->relay, "mesh-dial", nng_strerror(error));
}

/* All that needs no address yet. */
static bool begin(struct edge_mesh *mesh, const struct edge_mesh_options *options, struct failure *failure)
{
    mesh->options = *options;
    set_defaults(&mesh->options);
    mesh->inbox.options = &mesh->options;
    mesh->inbox.release = release;
    mesh->inbox.kick = kick;
    mesh->doors = calloc(options->zones_len + 1, sizeof(*mesh->doors));
    mesh->links = calloc(options->peers_len + 1, sizeof(*mesh->links));
    bool good = edge_inbox_init(&mesh->inbox) && mesh->doors && mesh->links;
    snprintf(failure->text, failure->cap, "mesh: no memory");
    if (good) {
        mesh->inbox.gate = edge_gate_new(options->network, options->self, options->secret, mesh->options.start_ns);
        snprintf(failure->text, failure->cap, "mesh: this relay's key is not that of relay %u in the network document",
                 (unsigned)options->self);
    }
    codec_sodium_wipe(mesh->options.secret, sizeof(mesh->options.secret));
    return mesh->inbox.gate != NULL;
}

struct edge_mesh *edge_mesh_new(const struct edge_mesh_options *options, char *text, size_t cap)
{
    struct failure failure = {text, cap};
    struct edge_mesh *mesh = calloc(1, sizeof(*mesh));
    if (!mesh) {
        snprintf(text, cap, "mesh: no memory");
        return NULL;
    }
    if (begin(mesh, options, &failure) && open_all(mesh, &failure)) {
        text[0] = '\0';
        return mesh;
    }
    edge_mesh_free(mesh);
    return NULL;
}

/* ---- closing ------------------------------------------------------------------------------------------------------ */

/* The receiving ends first: nng 1.5.2 lets a callback begin another one on a socket that is being closed, and forgets it there. */
static void close_socket(bool open, nng_socket socket, nng_aio *aio)
{
    if (aio)
        nng_aio_stop(aio); /* waits for its callback */
    if (open)
        nng_close(socket);
    if (aio)
        nng_aio_free(aio);
}

static void *close_all(void *argument)
{
    struct edge_mesh *mesh = argument;
    if (mesh->requests)
        close_socket(mesh->requests->open, mesh->requests->socket, mesh->requests_aio);
    for (size_t i = 0; mesh->links && i < mesh->options.peers_len; i++) {
        for (int kind = 0; kind < EDGE_LINKS; kind++) {
            struct link *link = &mesh->links[i][kind];
            close_socket(link->open, link->socket, link->aio);
            if (link->mesh)
                pthread_mutex_destroy(&link->mutex);
            free(link->url);
        }
    }
    for (size_t i = 0; mesh->doors && i <= mesh->options.zones_len; i++) {
        struct edge_door *door = &mesh->doors[i];
        close_socket(door->open && door != mesh->requests, door->socket, NULL);
        edge_door_fini(door);
    }
    edge_inbox_fini(&mesh->inbox);
    if (mesh->tls_server)
        nng_tls_config_free(mesh->tls_server);
    if (mesh->tls_key)
        codec_sodium_wipe(mesh->tls_key, strlen(mesh->tls_key));
    free(mesh->tls_certificate);
    free(mesh->tls_key);
    free(mesh->tls_ca);
    edge_gate_free(mesh->inbox.gate);
    free(mesh->doors);
    free(mesh->links);
    free(mesh);
    return NULL;
}

bool edge_mesh_free(struct edge_mesh *mesh)
{
    struct timespec until;
    pthread_t thread;
    if (!mesh)
        return true;
    /* nng 1.5.2 may wait for ever in nng_close for a pipe that was cut (nng#1543): so another thread closes, and what it
     * has not closed in time is left to the end of the process. */
    if (pthread_create(&thread, NULL, close_all, mesh) != 0)
        return close_all(mesh) == NULL;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += CLOSE_S;
    if (pthread_timedjoin_np(thread, NULL, &until) == 0)
        return true;
    pthread_detach(thread);
    return false;
}

/* ---- the loop's side ---------------------------------------------------------------------------------------------- */

static bool send_message(nng_socket socket, nng_msg *message)
{
    if (nng_sendmsg(socket, message, NNG_FLAG_NONBLOCK) == 0)
        return true;
    nng_msg_free(message);
    return false;
}

/* A message with room for a frame around the body; NULL: body out of bounds or no memory. */
static nng_msg *frame_message(size_t body_len)
{
    nng_msg *message = NULL;
    size_t size = edge_gate_size(body_len);
    return size > 0 && nng_msg_alloc(&message, size) == 0 ? message : NULL;
}

/* Before a frame is published: as many may wait for a slow subscriber as fit what peers may take up. */
static void door_room(const struct edge_mesh *mesh, struct edge_door *door, size_t size)
{
    unsigned room = edge_inbox_room(&door->sent, size, mesh->options.queue_bytes);
    if (room != door->room && nng_socket_set_int(door->socket, NNG_OPT_SENDBUF, (int)room) == 0)
        door->room = room;
}

bool edge_mesh_publish(struct edge_mesh *mesh, uint16_t zone, struct bytes body)
{
    for (size_t i = 0; i < mesh->options.zones_len; i++) {
        if (mesh->doors[i].zone != zone)
            continue;
        nng_msg *message = frame_message(body.len);
        if (!message)
            return false;
        door_room(mesh, &mesh->doors[i], body.len);
        if (edge_gate_seal_publish(nng_msg_body(message), mesh->inbox.gate, zone, body))
            return send_message(mesh->doors[i].socket, message);
        nng_msg_free(message);
        return false;
    }
    return false;
}

bool edge_mesh_ask(struct edge_mesh *mesh, uint16_t relay, uint64_t id, struct bytes body, uint32_t timeout_ms)
{
    struct edge_inbox_peer *peer = edge_inbox_peer_of(&mesh->inbox, relay);
    nng_msg *message = peer && body.len <= EDGE_MESH_REQUEST_MAX ? frame_message(body.len) : NULL;
    uint64_t deadline = edge_inbox_clock() + (timeout_ms ? timeout_ms : ASK_TIMEOUT);
    if (!message)
        return false;
    nng_msg_header_append_u32(message, 0x80000000u | (uint32_t)id); /* nng's request id: the frame's counter is ours */
    if (!edge_gate_seal_request(nng_msg_body(message), mesh->inbox.gate, relay, id, deadline, body)) {
        nng_msg_free(message);
        return false;
    }
    if (!send_message(mesh->links[peer->place][EDGE_LINK_REQUEST].socket, message)) {
        edge_gate_forget(mesh->inbox.gate, relay, id);
        return false;
    }
    edge_inbox_asked(peer);
    return true;
}

bool edge_mesh_answer(struct edge_mesh *mesh, uint64_t handle, struct bytes body)
{
    struct edge_inbox_request request;
    if (!edge_inbox_take(&mesh->inbox, handle, &request))
        return false;
    nng_msg *message = frame_message(body.len);
    if (!message)
        return false;
    if (nng_msg_header_append(message, request.header, request.header_len) == 0 &&
        edge_gate_seal_response(nng_msg_body(message), mesh->inbox.gate, request.relay, request.counter, body))
        return send_message(mesh->requests->socket, message);
    nng_msg_free(message);
    return false;
}

size_t edge_mesh_drain(struct edge_mesh *mesh)
{
    return edge_inbox_drain(&mesh->inbox);
}

void edge_mesh_tick(struct edge_mesh *mesh, uint64_t now)
{
    edge_inbox_tick(&mesh->inbox, now);
    edge_stranger_tick(now);
    for (size_t i = 0; i <= mesh->options.zones_len; i++)
        watch_door(mesh, &mesh->doors[i], now);
}

void edge_mesh_look(struct edge_mesh *mesh, struct edge_mesh_look *out)
{
    long long pipes = atomic_load(&mesh->pipes);
    *out = (struct edge_mesh_look){.connections = pipes > 0 ? (uint64_t)pipes : 0,
                                   .waits = edge_stranger_waits(),
                                   .ended = edge_stranger_ended(),
                                   .refused = edge_stranger_refused()};
    for (size_t i = 0; i <= mesh->options.zones_len; i++) {
        const struct edge_door *door = &mesh->doors[i];
        if (door->deaf_since == 0 || (out->deaf_since != 0 && door->deaf_since >= out->deaf_since))
            continue;
        out->deaf_since = door->deaf_since;
        out->deaf_url = door->url;
    }
    /* What nng does not take down keeps its descriptor, and soon nobody else gets one. */
    out->crowded = out->connections > edge_stranger_mark() / 3 + 4 * mesh->options.peers_len;
}

bool edge_mesh_peer_stats(struct edge_mesh *mesh, uint16_t relay, struct edge_mesh_peer_stats *out)
{
    return edge_inbox_stats(&mesh->inbox, relay, out);
}
