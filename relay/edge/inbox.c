/* The mesh without nng: queues between threads, and the watch over peers that fell silent. */
#include "relay/edge/inbox.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    FRAME_BYTES =
        512,       /* of memory that a frame takes besides its body: header, signature, nng's message, its place here */
    DRAIN_MS = 50, /* of one call: what frames cost their senders choose, and the loop sees to others in between */
    REQUEST_AGE = 30000,  /* ms for the loop to answer */
    ASK_FAILURES = 2,     /* in a row, of a peer that is heard: its request connection is given up */
    KICK_FIRST = 2000,    /* ms between giving up connections; doubles while it does not help … */
    KICK_LONGEST = 30000, /* … up to this */
};

/* A frame that passed the gate and waits for the loop. */
struct edge_arrival {
    struct edge_arrival *next;
    enum edge_arrival_type type;
    struct edge_inbox_peer *peer;
    uint64_t id; /* handle or ask */
    void *message;
    struct bytes body; /* inside message */
};

uint64_t edge_inbox_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

struct edge_gate_time edge_inbox_time(void)
{
    return (struct edge_gate_time){.ms = edge_inbox_clock(), .unix_s = (uint64_t)time(NULL)};
}

unsigned edge_inbox_room(struct edge_inbox_sent *sent, size_t size, size_t budget)
{
    size_t sum = 0, largest = 1;
    sent->sizes[sent->next++ % EDGE_INBOX_FRAMES] = size;
    for (size_t i = 0; i < EDGE_INBOX_FRAMES; i++) {
        sum += sent->sizes[i];
        largest = sent->sizes[i] > largest ? sent->sizes[i] : largest;
    }
    size_t room = sum <= budget ? EDGE_INBOX_FRAMES : budget / largest;
    return room == 0 ? 1 : room > EDGE_INBOX_FRAMES ? EDGE_INBOX_FRAMES : (unsigned)room;
}

bool edge_inbox_init(struct edge_inbox *inbox)
{
    const struct edge_mesh_options *options = inbox->options;
    pthread_mutex_init(&inbox->mutex, NULL);
    inbox->peers = calloc(options->peers_len + 1, sizeof(*inbox->peers));
    inbox->requests = calloc(options->requests, sizeof(*inbox->requests));
    if (!inbox->peers || !inbox->requests)
        return false;
    for (size_t i = 0; i < options->peers_len; i++) {
        struct edge_inbox_peer *peer = &inbox->peers[i];
        peer->inbox = inbox;
        peer->place = i;
        peer->end = &peer->first;
        peer->relay = options->peers[i].relay;
        peer->kick_wait = KICK_FIRST;
        edge_probe_init(&peer->probe);
    }
    return true;
}

static void free_arrivals(struct edge_inbox *inbox, struct edge_arrival *first)
{
    while (first) {
        struct edge_arrival *arrival = first;
        first = arrival->next;
        inbox->release(arrival->message);
        free(arrival);
    }
}

void edge_inbox_fini(struct edge_inbox *inbox)
{
    for (size_t i = 0; inbox->peers && i < inbox->options->peers_len; i++) {
        free_arrivals(inbox, inbox->peers[i].first);
        edge_probe_fini(&inbox->peers[i].probe);
    }
    free(inbox->peers);
    free(inbox->requests);
    pthread_mutex_destroy(&inbox->mutex);
}

struct edge_inbox_peer *edge_inbox_peer_of(struct edge_inbox *inbox, uint16_t relay)
{
    for (size_t i = 0; i < inbox->options->peers_len; i++)
        if (inbox->peers[i].relay == relay)
            return &inbox->peers[i];
    return NULL;
}

/* ---- nng's threads ------------------------------------------------------------------------------------------------ */

bool edge_inbox_full(struct edge_inbox_peer *peer)
{
    struct edge_inbox *inbox = peer->inbox;
    pthread_mutex_lock(&inbox->mutex);
    bool full = peer->queued >= inbox->options->queue_bytes;
    pthread_mutex_unlock(&inbox->mutex);
    if (full)
        edge_gate_count(inbox->gate, peer->relay, EDGE_GATE_OVERFLOW);
    return full;
}

static void wake(const struct edge_inbox *inbox)
{
    const uint64_t one = 1;
    if (write(inbox->options->wake_fd, &one, sizeof(one)) < 0)
        return; /* full: it is awake */
}

void edge_inbox_add(struct edge_inbox_peer *peer, enum edge_arrival_type type, uint64_t id, void *message,
                    struct bytes body)
{
    struct edge_inbox *inbox = peer->inbox;
    struct edge_arrival *arrival = malloc(sizeof(*arrival));
    if (!arrival) {
        edge_gate_count(inbox->gate, peer->relay, EDGE_GATE_OVERFLOW);
        inbox->release(message);
        return;
    }
    *arrival = (struct edge_arrival){NULL, type, peer, id, message, body};
    pthread_mutex_lock(&inbox->mutex);
    peer->queued += body.len + FRAME_BYTES;
    peer->stats.bytes_in += body.len;
    peer->stats.last_heard = edge_inbox_clock();
    bool wakes = inbox->waiting++ == 0;
    *peer->end = arrival;
    peer->end = &arrival->next;
    pthread_mutex_unlock(&inbox->mutex);
    if (wakes)
        wake(inbox);
}

/* True when the relay has half of all places: one that asks without end must leave the others room (I10). Locked. */
static bool has_its_share(const struct edge_inbox *inbox, uint16_t relay)
{
    unsigned held = 0;
    for (unsigned i = 0; i < inbox->options->requests; i++)
        held += (inbox->requests[i].generation & 1) && inbox->requests[i].relay == relay;
    return held >= (inbox->options->requests + 1) / 2;
}

uint64_t edge_inbox_keep(struct edge_inbox *inbox, const struct edge_gate_frame *frame, const void *header,
                         size_t header_len)
{
    uint64_t handle = 0;
    if (header_len > EDGE_INBOX_HEADER_MAX)
        return 0;
    pthread_mutex_lock(&inbox->mutex);
    bool more = !has_its_share(inbox, frame->relay);
    for (unsigned i = 0; i < inbox->options->requests && handle == 0 && more; i++) {
        struct edge_inbox_request *request = &inbox->requests[i];
        if (request->generation & 1)
            continue;
        request->generation++;
        request->relay = frame->relay;
        request->counter = frame->counter;
        request->expires = edge_inbox_clock() + REQUEST_AGE;
        request->header_len = header_len;
        memcpy(request->header, header, header_len);
        handle = (uint64_t)request->generation << 32 | (i + 1);
    }
    pthread_mutex_unlock(&inbox->mutex);
    return handle;
}

void edge_inbox_changed(struct edge_inbox_peer *peer, enum edge_link_kind kind, bool made)
{
    pthread_mutex_lock(&peer->inbox->mutex);
    peer->stats.pipes += made;
    peer->lost = peer->lost || (!made && kind == EDGE_LINK_REQUEST);
    pthread_mutex_unlock(&peer->inbox->mutex);
}

/* ---- the loop ----------------------------------------------------------------------------------------------------- */

bool edge_inbox_take(struct edge_inbox *inbox, uint64_t handle, struct edge_inbox_request *out)
{
    size_t place = handle & 0xffffffffu;
    uint32_t generation = (uint32_t)(handle >> 32);
    if (place == 0 || place > inbox->options->requests)
        return false;
    struct edge_inbox_request *request = &inbox->requests[place - 1];
    pthread_mutex_lock(&inbox->mutex);
    bool found = (generation & 1) && request->generation == generation;
    if (found) {
        *out = *request;
        request->generation++;
    }
    pthread_mutex_unlock(&inbox->mutex);
    return found;
}

void edge_inbox_asked(struct edge_inbox_peer *peer)
{
    pthread_mutex_lock(&peer->inbox->mutex);
    peer->stats.asks++;
    pthread_mutex_unlock(&peer->inbox->mutex);
}

static void deliver(const struct edge_mesh_options *options, const struct edge_arrival *arrival)
{
    struct edge_inbox_peer *peer = arrival->peer;
    if (!peer->up) {
        peer->up = true;
        peer->clock_noted = false;
        peer->kick_wait = KICK_FIRST;
        edge_probe_stop(&peer->probe);
        options->peer_up(options->context, peer->relay);
    }
    switch (arrival->type) {
    case EDGE_ARRIVAL_PUBLISHED: options->published(options->context, peer->relay, arrival->body); break;
    case EDGE_ARRIVAL_ASKED: options->asked(options->context, peer->relay, arrival->id, arrival->body); break;
    case EDGE_ARRIVAL_ANSWERED:
        peer->failures = 0;
        options->answered(options->context, peer->relay, arrival->id, arrival->body);
        break;
    }
}

/* The next frame for the loop, one of each peer in turn: who sends without end delays nobody but itself (I10). NULL: none. */
static struct edge_arrival *next_arrival(struct edge_inbox *inbox)
{
    const size_t len = inbox->options->peers_len;
    struct edge_arrival *arrival = NULL;
    pthread_mutex_lock(&inbox->mutex);
    for (size_t i = 0; i < len && inbox->waiting > 0 && !arrival; i++) {
        struct edge_inbox_peer *peer = &inbox->peers[inbox->turn];
        inbox->turn = (inbox->turn + 1) % len;
        arrival = peer->first;
        if (arrival && !(peer->first = arrival->next))
            peer->end = &peer->first;
    }
    inbox->waiting -= arrival != NULL;
    pthread_mutex_unlock(&inbox->mutex);
    return arrival;
}

size_t edge_inbox_drain(struct edge_inbox *inbox)
{
    const struct edge_mesh_options *options = inbox->options;
    const uint64_t end = edge_inbox_clock() + DRAIN_MS;
    size_t count = 0;
    bool late = false;
    /* One at a time: what one frame starts may be all that the store takes now. */
    while (!late && !(options->held && options->held(options->context))) {
        struct edge_arrival *arrival = next_arrival(inbox);
        if (!arrival)
            break;
        arrival->next = NULL;
        deliver(options, arrival);
        pthread_mutex_lock(&inbox->mutex);
        arrival->peer->queued -= arrival->body.len + FRAME_BYTES;
        pthread_mutex_unlock(&inbox->mutex);
        free_arrivals(inbox, arrival);
        count++;
        late = edge_inbox_clock() >= end;
    }
    if (late)
        wake(inbox); /* for what is left */
    return count;
}

static void note(const struct edge_inbox *inbox, uint16_t relay, const char *reason, const char *text)
{
    if (inbox->options->note)
        inbox->options->note(inbox->options->context, relay, reason, text);
}

static void give_up(struct edge_inbox_peer *peer, enum edge_link_kind kind)
{
    struct edge_inbox *inbox = peer->inbox;
    pthread_mutex_lock(&inbox->mutex);
    peer->stats.redials++;
    peer->lost = peer->lost || kind == EDGE_LINK_REQUEST;
    pthread_mutex_unlock(&inbox->mutex);
    inbox->kick(inbox, peer->place, kind);
}

/* What was asked over a connection that is gone fails now, not at its deadline: another peer may have it. */
static void fail_lost(struct edge_inbox_peer *peer)
{
    struct edge_inbox *inbox = peer->inbox;
    uint64_t id;
    pthread_mutex_lock(&inbox->mutex);
    bool lost = peer->lost;
    peer->lost = false;
    pthread_mutex_unlock(&inbox->mutex);
    while (lost && edge_gate_lost(inbox->gate, peer->relay, &id)) {
        pthread_mutex_lock(&inbox->mutex);
        peer->stats.asks_failed++;
        pthread_mutex_unlock(&inbox->mutex);
        inbox->options->ask_failed(inbox->options->context, peer->relay, id);
    }
}

static void expire(struct edge_inbox *inbox, uint64_t now)
{
    uint16_t relay;
    uint64_t id;
    while (edge_gate_expired(inbox->gate, now, &relay, &id)) {
        struct edge_inbox_peer *peer = edge_inbox_peer_of(inbox, relay);
        pthread_mutex_lock(&inbox->mutex);
        peer->stats.asks_failed++;
        pthread_mutex_unlock(&inbox->mutex);
        if (++peer->failures >= ASK_FAILURES && peer->up && now >= peer->kick_at) {
            peer->failures = 0;
            peer->kick_at = now + KICK_FIRST;
            give_up(peer, EDGE_LINK_REQUEST);
        }
        inbox->options->ask_failed(inbox->options->context, relay, id);
    }
    pthread_mutex_lock(&inbox->mutex);
    for (unsigned i = 0; i < inbox->options->requests; i++)
        if ((inbox->requests[i].generation & 1) && inbox->requests[i].expires <= now)
            inbox->requests[i].generation++;
    pthread_mutex_unlock(&inbox->mutex);
}

/* A silent peer: once a probe gets through, what was connected before the silence is given up. Nobody probes a host name:
 * its connections are given up for their silence alone, or one whose other end lost its power would stay deaf for good.
 * What was begun just now has time to be heard: to end a TLS connection that is being made helps nobody, and nng's listener
 * at its other end was seen to let nobody in ever after. */
static void look_for(struct edge_inbox_peer *peer, uint64_t now)
{
    bool named = peer->probe.named;
    if (peer->begun_at == 0)
        peer->begun_at = now;
    if (now - peer->begun_at < peer->inbox->options->silence_ms)
        return;
    if (now < peer->kick_at || (!named && !edge_probe_step(&peer->probe, now)))
        return;
    peer->kick_at = now + peer->kick_wait;
    peer->kick_wait = peer->kick_wait * 2 < KICK_LONGEST ? peer->kick_wait * 2 : KICK_LONGEST;
    note(peer->inbox, peer->relay, "mesh-redial",
         named ? "silent: connecting anew" : "reachable but silent: connecting anew");
    for (int kind = 0; kind < EDGE_LINKS; kind++)
        give_up(peer, (enum edge_link_kind)kind);
}

static void watch(struct edge_inbox_peer *peer, uint64_t now)
{
    struct edge_inbox *inbox = peer->inbox;
    struct edge_gate_stats gate = {0};
    pthread_mutex_lock(&inbox->mutex);
    uint64_t heard = peer->stats.last_heard, pipes = peer->stats.pipes;
    pthread_mutex_unlock(&inbox->mutex);
    if (peer->pipes != pipes) {
        peer->pipes = pipes;
        peer->begun_at = now;
    }
    bool silent = now > heard && now - heard > inbox->options->silence_ms;
    if (peer->up && silent) {
        peer->up = false;
        inbox->options->peer_down(inbox->options->context, peer->relay);
    }
    if (!peer->up && silent)
        look_for(peer, now);
    if (edge_gate_stats_of(inbox->gate, peer->relay, &gate) && gate.cuts > peer->cuts) {
        peer->cuts = gate.cuts;
        note(inbox, peer->relay, "mesh-cut-off", "too many refused frames on this link");
    }
    if (gate.refused[EDGE_GATE_CLOCK] > 0 && !peer->clock_noted) {
        peer->clock_noted = true;
        note(inbox, peer->relay, "mesh-clock",
             "its frames come from more than an hour ahead of this clock: one of the two is wrong; set it, restart "
             "that relay");
    }
}

void edge_inbox_tick(struct edge_inbox *inbox, uint64_t now)
{
    expire(inbox, now);
    for (size_t i = 0; i < inbox->options->peers_len; i++)
        fail_lost(&inbox->peers[i]);
    for (size_t i = 0; i < inbox->options->peers_len; i++)
        watch(&inbox->peers[i], now);
}

bool edge_inbox_stats(struct edge_inbox *inbox, uint16_t relay, struct edge_mesh_peer_stats *out)
{
    struct edge_inbox_peer *peer = edge_inbox_peer_of(inbox, relay);
    memset(out, 0, sizeof(*out));
    if (peer) {
        pthread_mutex_lock(&inbox->mutex);
        *out = peer->stats;
        pthread_mutex_unlock(&inbox->mutex);
        out->up = peer->up;
    }
    return edge_gate_stats_of(inbox->gate, relay, &out->gate) && (peer || relay == EDGE_GATE_STRANGER);
}
