/* Doors: opening, and calling from inside. */
#include "relay/edge/door.h"

#include <stdlib.h>
#include <string.h>

#include <nng/protocol/pubsub0/pub.h>
#include <nng/protocol/pubsub0/sub.h>
#include <nng/protocol/reqrep0/rep.h>
#include <nng/protocol/reqrep0/req.h>

#include "proofs/frame.h"

enum {
    SUBSCRIBER = 0x21, /* numbers of nng protocols */
    REQUESTER = 0x30,
    PUBLISHED_MIN = 3, /* frames that a call must have missed to count: nothing was published, nothing can be heard */
    NO_RETRY = 3600000 /* ms: a call dials once */
};

/* See mesh.c. */
#define CALLED_BY_NNG __attribute__((no_sanitize("thread")))

bool edge_door_is_tls(const char *url)
{
    return strncmp(url, "tls+tcp:", 8) == 0;
}

int edge_door_prepare(nng_socket socket, size_t largest, int send, int receive)
{
    int error = nng_socket_set_size(socket, NNG_OPT_RECVMAXSZ, largest);
    (void)nng_socket_set_bool(socket, NNG_OPT_TCP_NODELAY, true); /* its default; not an option of every transport */
    (void)nng_socket_set_bool(socket, NNG_OPT_TCP_KEEPALIVE, true);
    if (error == 0 && send)
        error = nng_socket_set_int(socket, NNG_OPT_SENDBUF, send);
    if (error == 0 && receive)
        error = nng_socket_set_int(socket, NNG_OPT_RECVBUF, receive);
    return error;
}

CALLED_BY_NNG static void changed(nng_pipe pipe, nng_pipe_ev event, void *argument)
{
    struct edge_door *door = argument;
    (void)pipe;
    if (event == NNG_PIPE_EV_ADD_POST)
        atomic_fetch_add(&door->entered, 1);
    atomic_fetch_add(door->options.pipes, event == NNG_PIPE_EV_ADD_POST ? 1 : -1);
}

CALLED_BY_NNG static void frame_heard(void *argument)
{
    struct edge_call *call = argument;
    int error = nng_aio_result(call->aio);
    if (error == 0) {
        nng_msg_free(nng_aio_get_msg(call->aio));
        atomic_store(&call->heard, true);
    }
    if (error != NNG_ECLOSED && error != NNG_ECANCELED)
        nng_recv_aio(call->socket, call->aio);
}

static int call_open(struct edge_door *door)
{
    struct edge_call *call = &door->call;
    bool publishes = door->options.publishes;
    int error = publishes ? nng_sub0_open(&call->socket) : nng_req0_open_raw(&call->socket);
    call->open = error == 0;
    error = error ? error : edge_door_prepare(call->socket, PROOF_FRAME_BYTES_MAX + 1024, 0, 1);
    if (error == 0 && publishes)
        error = nng_socket_set(call->socket, NNG_OPT_SUB_SUBSCRIBE, "", 0);
    error = error ? error : nng_aio_alloc(&call->aio, frame_heard, call);
    if (error == 0) {
        nng_aio_set_timeout(call->aio, NNG_DURATION_INFINITE);
        nng_recv_aio(call->socket, call->aio);
    }
    return error;
}

int edge_door_open(struct edge_door *door, const struct edge_door_options *options)
{
    door->options = *options;
    door->url = strdup(options->url);
    door->room = EDGE_INBOX_FRAMES;
    if (door->url == NULL)
        return NNG_ENOMEM;
    edge_greeting_init(&door->greeting, door->url, options->publishes ? SUBSCRIBER : REQUESTER);
    int error = options->publishes ? nng_pub0_open(&door->socket) : nng_rep0_open_raw(&door->socket);
    door->open = error == 0;
    error = error ? error : edge_door_prepare(door->socket, options->largest, options->send, options->receive);
    error = error ? error : nng_pipe_notify(door->socket, NNG_PIPE_EV_ADD_POST, changed, door);
    error = error ? error : nng_pipe_notify(door->socket, NNG_PIPE_EV_REM_POST, changed, door);
    if (error == 0 && edge_door_is_tls(door->url))
        error = call_open(door);
    return error;
}

int edge_door_listen(struct edge_door *door)
{
    int error = nng_listener_create(&door->listener, door->socket, door->url);
    if (error == 0 && edge_door_is_tls(door->url))
        error = nng_listener_set_ptr(door->listener, NNG_OPT_TLS_CONFIG, door->options.tls_server);
    return error ? error : nng_listener_start(door->listener, 0);
}

void edge_door_fini(struct edge_door *door)
{
    if (door->call.aio)
        nng_aio_stop(door->call.aio); /* waits for its callback; first, as for the mesh's own sockets */
    if (door->call.open)
        nng_close(door->call.socket);
    if (door->call.aio)
        nng_aio_free(door->call.aio);
    if (door->url)
        edge_greeting_fini(&door->greeting);
    free(door->url);
}

/* ---- calls over TLS ------------------------------------------------------------------------------------------------ */

static void call_begin(struct edge_door *door, uint64_t now)
{
    struct edge_call *call = &door->call;
    call->began = now;
    call->entered = atomic_load(&door->entered);
    call->published = door->published;
    atomic_store(&call->heard, false);
    call->under_way = nng_dialer_create(&call->dialer, call->socket, door->url) == 0;
    if (!call->under_way)
        return;
    nng_dialer_set_ms(call->dialer, NNG_OPT_RECONNMINT, NO_RETRY);
    nng_dialer_set_ms(call->dialer, NNG_OPT_RECONNMAXT, NO_RETRY);
    (void)nng_dialer_set_ptr(call->dialer, NNG_OPT_TLS_CONFIG, door->options.tls_self);
    (void)nng_dialer_start(call->dialer, NNG_FLAG_NONBLOCK); /* what fails is not heard */
}

/* Frames that were in the socket's queue may be of the call before: what is heard within the first moment does not count. */
static const char *call_watch(struct edge_door *door, uint64_t now)
{
    struct edge_call *call = &door->call;
    if (!call->under_way) {
        if (call->due == 0)
            call->due = now + door->options.pause_ms;
        if (now >= call->due)
            call_begin(door, now);
        return NULL;
    }
    bool let_in = atomic_load(&door->entered) != call->entered;
    bool heard = !door->options.publishes || atomic_load(&call->heard);
    bool late = now - call->began >= door->options.patience_ms;
    bool silent = let_in && !heard && door->published - call->published < PUBLISHED_MIN; /* there was nothing to hear */
    if (!(let_in && heard) && !late)
        return NULL;
    nng_dialer_close(call->dialer); /* and its connection, with TLS's goodbye: such ones do not stay behind */
    call->under_way = false;
    call->due = now + door->options.pause_ms;
    bool was_deaf = door->deaf_since != 0;
    if (let_in && (heard || silent))
        door->deaf_since = 0;
    else if (!was_deaf)
        door->deaf_since = call->began;
    if (door->deaf_since != 0 && !was_deaf)
        return let_in ? "its own frames do not come back over TLS" : "it takes no connections over TLS any more";
    return was_deaf && door->deaf_since == 0 ? "it answers again" : NULL;
}

const char *edge_door_watch(struct edge_door *door, uint64_t now)
{
    if (door->call.open)
        return call_watch(door, now);
    if (!edge_greeting_missed(&door->greeting, now, atomic_load(&door->entered)))
        return NULL;
    nng_listener_close(door->listener);
    int error = edge_door_listen(door);
    return error ? nng_strerror(error) : "it had stopped taking connections: listening anew";
}
