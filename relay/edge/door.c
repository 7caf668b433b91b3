/* Doors: opening, and calling from inside. */
#include "relay/edge/door.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include <nng/protocol/pubsub0/pub.h>
#include <nng/protocol/pubsub0/sub.h>
#include <nng/protocol/reqrep0/rep.h>
#include <nng/protocol/reqrep0/req.h>

#include "proofs/frame.h"
#include "relay/edge/stranger.h"

enum {
    SUBSCRIBER = 0x21, /* numbers of nng protocols */
    REQUESTER = 0x30,
    AGAIN = 200 /* ms: after a call that could not be made */
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

static void slot_swap(struct edge_door *door, unsigned from, unsigned to)
{
    for (size_t i = 0; i < EDGE_DOOR_REFUSED; i++) {
        unsigned expected = from;
        if (atomic_compare_exchange_strong(&door->refused[i], &expected, to))
            return;
    }
}

/* It has greeted: no stranger any more. */
static void greeted(nng_pipe pipe)
{
    struct edge_stranger_name name = {0};
    nng_sockaddr theirs, ours;
    if (nng_pipe_get_addr(pipe, NNG_OPT_REMADDR, &theirs) != 0 || nng_pipe_get_addr(pipe, NNG_OPT_LOCADDR, &ours) != 0)
        return;
    if (theirs.s_family == NNG_AF_INET) {
        memcpy(name.theirs, &theirs.s_in.sa_addr, sizeof(theirs.s_in.sa_addr));
        name.their_port = ntohs(theirs.s_in.sa_port);
        name.our_port = ntohs(ours.s_in.sa_port);
    } else if (theirs.s_family == NNG_AF_INET6) {
        memcpy(name.theirs, theirs.s_in6.sa_addr, sizeof(theirs.s_in6.sa_addr));
        name.their_port = ntohs(theirs.s_in6.sa_port);
        name.our_port = ntohs(ours.s_in6.sa_port);
    }
    edge_stranger_greeted(&name);
}

/* A connection is refused until the protocols have agreed (ADD_POST), and there until nng has taken it down (REM_POST). */
CALLED_BY_NNG static void changed(nng_pipe pipe, nng_pipe_ev event, void *argument)
{
    struct edge_door *door = argument;
    if (event == NNG_PIPE_EV_ADD_PRE)
        slot_swap(door, 0, pipe.id);
    else
        slot_swap(door, pipe.id, 0);
    if (event == NNG_PIPE_EV_ADD_PRE) {
        atomic_fetch_add(&door->entered, 1);
        greeted(pipe);
    }
    if (event != NNG_PIPE_EV_ADD_POST)
        atomic_fetch_add(door->options.pipes, event == NNG_PIPE_EV_ADD_PRE ? 1 : -1);
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
    for (nng_pipe_ev event = NNG_PIPE_EV_ADD_PRE; error == 0 && event <= NNG_PIPE_EV_REM_POST; event++)
        error = nng_pipe_notify(door->socket, event, changed, door);
    door->calls = error == 0 && edge_door_is_tls(door->url);
    if (door->calls && !edge_call_init(&door->call, &options->call))
        error = NNG_ECRYPTO;
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
    if (door->calls)
        edge_call_fini(&door->call);
    if (door->url)
        edge_greeting_fini(&door->greeting);
    free(door->url);
}

/* ---- calls over TLS ------------------------------------------------------------------------------------------------ */

static bool calls_stay(const struct edge_door *door)
{
    size_t there = 0;
    for (size_t i = 0; i < EDGE_DOOR_REFUSED; i++)
        there += atomic_load(&door->refused[i]) != 0;
    return there == EDGE_DOOR_REFUSED;
}

/* What a call showed; deaf: what is wrong, since when; NULL: nothing. */
static const char *judge(struct edge_door *door, const char *deaf, uint64_t since)
{
    bool was_deaf = door->deaf_since != 0;
    if (deaf == NULL)
        door->deaf_since = 0;
    else if (!was_deaf)
        door->deaf_since = since;
    if (was_deaf == (deaf != NULL))
        return NULL;
    return deaf ? deaf : "it answers again";
}

static const char *call_watch(struct edge_door *door, uint64_t now)
{
    if (now < door->due)
        return NULL;
    bool stay = !door->under_way && calls_stay(door);
    if (stay && door->full_since == 0)
        door->full_since = now;
    if (stay && now - door->full_since >= door->options.patience_ms)
        return judge(door, "nng does not take connections down any more", door->full_since);
    if (stay)
        return NULL;
    door->full_since = 0;
    if (!door->under_way) {
        door->under_way = true;
        door->began = now;
        door->entered_before = atomic_load(&door->entered);
    }
    bool over = edge_call_step(&door->call);
    bool let_in = atomic_load(&door->entered) != door->entered_before;
    bool late = now - door->began >= door->options.patience_ms;
    door->due = over && !let_in ? now + AGAIN : now;
    if (!late && !(over && let_in))
        return NULL;
    edge_call_stop(&door->call);
    door->under_way = false;
    door->due = now + door->options.pause_ms;
    return judge(door, let_in ? NULL : "it takes no connections over TLS any more", door->began);
}

const char *edge_door_watch(struct edge_door *door, uint64_t now)
{
    if (door->calls)
        return call_watch(door, now);
    if (!edge_greeting_missed(&door->greeting, now, atomic_load(&door->entered)))
        return NULL;
    nng_listener_close(door->listener);
    int error = edge_door_listen(door);
    return error ? nng_strerror(error) : "it had stopped taking connections: listening anew";
}
