/* What a frame must be before it is sent or taken; the cheap refusals come first, the signature last. */
#include "relay/edge/gate.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "proofs/codec/sodium.h"
#include "proofs/suite.h"

enum {
    STRIKES = 8,           /* refusals within STRIKE_WINDOW that cut a link off */
    STRIKE_WINDOW = 10000, /* ms */
    CUT_FIRST = 2000,      /* ms; doubles with every cut … */
    CUT_LONGEST = 300000,  /* … up to this … */
    CUT_FORGIVEN = 600000  /* … and starts anew after so long without one */
};

struct neighbour {
    uint16_t relay;
    uint8_t key[32];
    uint64_t published, requested; /* last counters taken of it */
    unsigned strikes;
    uint64_t strikes_since, cut_length;
    struct edge_gate_stats stats;
};

struct ask {
    bool open;
    uint16_t relay;
    uint64_t id, counter, deadline;
};

struct edge_gate {
    uint8_t network[32], key[32], secret[32];
    uint8_t zone[32]; /* our own */
    uint8_t (*zones)[32];
    size_t zones_len;
    size_t neighbours_len;
    struct neighbour *neighbours; /* one more than neighbours_len: the stranger */

    pthread_mutex_t mutex; /* guards the neighbours' changing fields, and all below */
    uint64_t counter;      /* last one used: one sequence for all audiences ascends for each */
    struct ask asks[EDGE_GATE_ASKS_MAX];
};

const char *edge_gate_reason_name(enum edge_gate_reason reason)
{
    static const char *const names[] = {"ok",
#define NAME(symbol, name) name,
                                        EDGE_GATE_REASONS(NAME)
#undef NAME
    };
    return (size_t)reason < sizeof(names) / sizeof(*names) ? names[reason] : "unknown";
}

/* The peer's place, or NULL. */
static struct neighbour *find_relay(const struct edge_gate *gate, uint16_t relay)
{
    for (size_t i = 0; i < gate->neighbours_len; i++)
        if (gate->neighbours[i].relay == relay)
            return &gate->neighbours[i];
    return NULL;
}

static struct neighbour *find_key(const struct edge_gate *gate, const uint8_t key[32])
{
    for (size_t i = 0; i < gate->neighbours_len; i++)
        if (memcmp(gate->neighbours[i].key, key, 32) == 0)
            return &gate->neighbours[i];
    return NULL;
}

static struct neighbour *stranger(const struct edge_gate *gate)
{
    return &gate->neighbours[gate->neighbours_len];
}

static void add_neighbours(struct edge_gate *gate, const struct topology_network *network, uint16_t self)
{
    for (size_t i = 0; i < network->links_len; i++) {
        uint16_t a = network->links[i].a, b = network->links[i].b;
        if ((a != self && b != self) || a >= network->relays_len || b >= network->relays_len || a == b)
            continue;
        uint16_t other = a == self ? b : a;
        if (find_relay(gate, other))
            continue;
        struct neighbour *added = &gate->neighbours[gate->neighbours_len++];
        added->relay = other;
        memcpy(added->key, network->relays[other].key, 32);
    }
    stranger(gate)->relay = EDGE_GATE_STRANGER;
}

struct edge_gate *edge_gate_new(const struct topology_network *network, uint16_t self, const uint8_t secret[32],
                                uint64_t start_ns)
{
    struct edge_gate *gate = calloc(1, sizeof(*gate));
    if (!gate)
        return NULL;
    pthread_mutex_init(&gate->mutex, NULL);
    gate->neighbours = calloc(network->links_len + 1, sizeof(*gate->neighbours));
    gate->zones = calloc(network->zones_len + 1, sizeof(*gate->zones));
    if (!gate->neighbours || !gate->zones || self >= network->relays_len ||
        network->relays[self].zone >= network->zones_len || !codec_sodium_ed25519_public(gate->key, secret) ||
        memcmp(gate->key, network->relays[self].key, 32) != 0) {
        edge_gate_free(gate);
        return NULL;
    }
    memcpy(gate->network, network->id, 32);
    memcpy(gate->secret, secret, 32);
    memcpy(gate->zone, network->zones[network->relays[self].zone].id, 32);
    gate->zones_len = network->zones_len;
    for (size_t i = 0; i < network->zones_len; i++)
        memcpy(gate->zones[i], network->zones[i].id, 32);
    add_neighbours(gate, network, self);
    /* High half: seconds of the start. The low half begins at the fraction of the second, in 2^-30 s, so that a restart
     * within one second still begins above all that was sent before it. */
    gate->counter = (start_ns / 1000000000u) << 32 | ((start_ns % 1000000000u) << 30) / 1000000000u;
    return gate;
}

void edge_gate_free(struct edge_gate *gate)
{
    if (!gate)
        return;
    codec_sodium_wipe(gate->secret, sizeof(gate->secret));
    pthread_mutex_destroy(&gate->mutex);
    free(gate->neighbours);
    free(gate->zones);
    free(gate);
}

bool edge_gate_neighbour(const struct edge_gate *gate, uint16_t relay)
{
    return find_relay(gate, relay) != NULL;
}

/* ---- out ------------------------------------------------------------------------------------------------------------- */

size_t edge_gate_size(size_t body_len)
{
    if (body_len == 0 || body_len > PROOF_FRAME_BODY_MAX)
        return 0;
    return PROOF_FRAME_HEADER_BYTES + body_len + PROOF_FRAME_SIGNATURE_BYTES;
}

static bool seal(uint8_t *out, const struct edge_gate *gate, enum proof_frame_kind kind, const uint8_t audience[32],
                 uint64_t counter, struct bytes body)
{
    size_t size = edge_gate_size(body.len);
    if (size == 0)
        return false;
    struct codec_writer writer;
    codec_writer_init(&writer, out, size - PROOF_FRAME_SIGNATURE_BYTES);
    codec_write_bytes(&writer, (struct bytes){(const uint8_t *)"ISTH", 4});
    codec_write_u8(&writer, PROOF_FRAME_VERSION);
    codec_write_u8(&writer, (uint8_t)kind);
    codec_write_u16(&writer, 0);
    codec_write_bytes(&writer, BYTES_OF(gate->network));
    codec_write_bytes(&writer, BYTES_OF(gate->key));
    codec_write_bytes(&writer, (struct bytes){audience, 32});
    codec_write_u64(&writer, counter);
    codec_write_u32(&writer, (uint32_t)body.len);
    codec_write_bytes(&writer, body);
    struct bytes parts[] = {{proof_tag_bytes(PROOF_TAG_FRAME), PROOF_TAG_BYTES}, codec_writer_bytes(&writer)};
    uint8_t hash[32];
    return !writer.failed && codec_sodium_blake2b256(hash, parts, 2) &&
           codec_sodium_ed25519_sign_with(out + writer.len, gate->secret, gate->key, BYTES_OF(hash));
}

static uint64_t next_counter(struct edge_gate *gate)
{
    pthread_mutex_lock(&gate->mutex);
    uint64_t counter = ++gate->counter;
    pthread_mutex_unlock(&gate->mutex);
    return counter;
}

bool edge_gate_seal_publish(uint8_t *out, struct edge_gate *gate, uint16_t zone, struct bytes body)
{
    return zone < gate->zones_len && seal(out, gate, PROOF_FRAME_PUBLISH, gate->zones[zone], next_counter(gate), body);
}

bool edge_gate_seal_response(uint8_t *out, struct edge_gate *gate, uint16_t relay, uint64_t counter, struct bytes body)
{
    const struct neighbour *to = find_relay(gate, relay);
    return to && seal(out, gate, PROOF_FRAME_RESPONSE, to->key, counter, body);
}

bool edge_gate_seal_request(uint8_t *out, struct edge_gate *gate, uint16_t relay, uint64_t id, uint64_t deadline,
                            struct bytes body)
{
    const struct neighbour *to = find_relay(gate, relay);
    uint64_t counter = next_counter(gate);
    if (!to || !seal(out, gate, PROOF_FRAME_REQUEST, to->key, counter, body))
        return false;
    bool open = false;
    pthread_mutex_lock(&gate->mutex);
    for (size_t i = 0; i < EDGE_GATE_ASKS_MAX && !open; i++) {
        if (gate->asks[i].open)
            continue;
        gate->asks[i] = (struct ask){true, relay, id, counter, deadline};
        open = true;
    }
    pthread_mutex_unlock(&gate->mutex);
    return open;
}

void edge_gate_forget(struct edge_gate *gate, uint16_t relay, uint64_t id)
{
    pthread_mutex_lock(&gate->mutex);
    for (size_t i = 0; i < EDGE_GATE_ASKS_MAX; i++)
        if (gate->asks[i].open && gate->asks[i].relay == relay && gate->asks[i].id == id)
            gate->asks[i].open = false;
    pthread_mutex_unlock(&gate->mutex);
}

bool edge_gate_expired(struct edge_gate *gate, uint64_t now, uint16_t *relay, uint64_t *id)
{
    bool found = false;
    pthread_mutex_lock(&gate->mutex);
    for (size_t i = 0; i < EDGE_GATE_ASKS_MAX && !found; i++) {
        struct ask *ask = &gate->asks[i];
        if (!ask->open || ask->deadline > now)
            continue;
        ask->open = false;
        *relay = ask->relay;
        *id = ask->id;
        found = true;
    }
    pthread_mutex_unlock(&gate->mutex);
    return found;
}

bool edge_gate_lost(struct edge_gate *gate, uint16_t relay, uint64_t *id)
{
    bool found = false;
    pthread_mutex_lock(&gate->mutex);
    for (size_t i = 0; i < EDGE_GATE_ASKS_MAX && !found; i++) {
        found = gate->asks[i].open && gate->asks[i].relay == relay;
        if (found) {
            gate->asks[i].open = false;
            *id = gate->asks[i].id;
        }
    }
    pthread_mutex_unlock(&gate->mutex);
    return found;
}

/* ---- in -------------------------------------------------------------------------------------------------------------- */

/* The outstanding ask that a response answers, or NULL. Called with the mutex held. */
static struct ask *find_ask(struct edge_gate *gate, uint16_t relay, uint64_t counter)
{
    for (size_t i = 0; i < EDGE_GATE_ASKS_MAX; i++)
        if (gate->asks[i].open && gate->asks[i].relay == relay && gate->asks[i].counter == counter)
            return &gate->asks[i];
    return NULL;
}

/* Replays and late answers are refused before anything costly and may have innocent causes: they are only counted. */
bool edge_gate_blames(enum edge_gate_reason reason)
{
    switch (reason) {
    case EDGE_GATE_SIZE:
    case EDGE_GATE_FORM:
    case EDGE_GATE_VERSION:
    case EDGE_GATE_KIND:
    case EDGE_GATE_NETWORK:
    case EDGE_GATE_AUDIENCE:
    case EDGE_GATE_SENDER:
    case EDGE_GATE_LINK:
    case EDGE_GATE_ITEMS:
    case EDGE_GATE_SIGNATURE: return true;
    case EDGE_GATE_OK:
    case EDGE_GATE_COUNTER:
    case EDGE_GATE_CLOCK:
    case EDGE_GATE_UNASKED:
    case EDGE_GATE_CUT_OFF:
    case EDGE_GATE_BUSY:
    case EDGE_GATE_OVERFLOW:
    case EDGE_GATE_REASON_COUNT: break;
    }
    return false;
}

/* A refusal on a link to a neighbour. Called with the mutex held. */
static void strike(struct neighbour *link, uint64_t now)
{
    if (link->strikes == 0 || now - link->strikes_since > STRIKE_WINDOW) {
        link->strikes = 0;
        link->strikes_since = now;
    }
    if (++link->strikes < STRIKES)
        return;
    link->strikes = 0;
    bool forgiven = link->cut_length == 0 || now > link->stats.cut_until + CUT_FORGIVEN;
    link->cut_length = forgiven ? CUT_FIRST : link->cut_length * 2;
    if (link->cut_length > CUT_LONGEST)
        link->cut_length = CUT_LONGEST;
    link->stats.cut_until = now + link->cut_length;
    link->stats.cuts++;
}

static enum edge_gate_reason refuse(struct edge_gate *gate, struct neighbour *counted, bool may_cut, uint64_t now,
                                    enum edge_gate_reason reason)
{
    pthread_mutex_lock(&gate->mutex);
    counted->stats.refused[reason]++;
    if (may_cut && edge_gate_blames(reason))
        strike(counted, now);
    pthread_mutex_unlock(&gate->mutex);
    return reason;
}

static bool cut_off(struct edge_gate *gate, const struct neighbour *link, uint64_t now)
{
    pthread_mutex_lock(&gate->mutex);
    bool cut = now < link->stats.cut_until;
    pthread_mutex_unlock(&gate->mutex);
    return cut;
}

static enum edge_gate_reason read_header(struct proof_frame *frame, struct bytes in)
{
    struct proof_result result;
    if (in.len > PROOF_FRAME_BYTES_MAX)
        return EDGE_GATE_SIZE;
    if (proof_frame_read(frame, in, &result))
        return EDGE_GATE_OK;
    if (result.reason == PROOF_REASON_FRAME_VERSION)
        return EDGE_GATE_VERSION;
    return result.reason == PROOF_REASON_FRAME_KIND ? EDGE_GATE_KIND : EDGE_GATE_FORM;
}

/* Whether it is meant for us, and by whom. */
static enum edge_gate_reason check_address(const struct edge_gate *gate, const struct proof_frame *frame,
                                           enum proof_frame_kind kind, const struct neighbour *sender, uint16_t link)
{
    if (frame->kind != kind)
        return EDGE_GATE_KIND;
    if (memcmp(frame->network, gate->network, 32) != 0)
        return EDGE_GATE_NETWORK;
    if (memcmp(frame->audience, kind == PROOF_FRAME_PUBLISH ? gate->zone : gate->key, 32) != 0)
        return EDGE_GATE_AUDIENCE;
    if (!sender)
        return EDGE_GATE_SENDER;
    if (link != EDGE_GATE_STRANGER && sender->relay != link)
        return EDGE_GATE_LINK;
    return EDGE_GATE_OK;
}

/* Checks the counter, and takes it when `take`. unix_s: now. */
static enum edge_gate_reason check_counter(struct edge_gate *gate, const struct proof_frame *frame,
                                           struct neighbour *sender, uint64_t unix_s, bool take, uint64_t *id)
{
    enum edge_gate_reason reason = EDGE_GATE_OK;
    pthread_mutex_lock(&gate->mutex);
    if (frame->kind == PROOF_FRAME_RESPONSE) {
        struct ask *ask = find_ask(gate, sender->relay, frame->counter);
        if (!ask)
            reason = EDGE_GATE_UNASKED;
        else if (take) {
            *id = ask->id;
            ask->open = false;
        }
    } else {
        uint64_t *last = frame->kind == PROOF_FRAME_PUBLISH ? &sender->published : &sender->requested;
        if (frame->counter >> 32 > unix_s + EDGE_GATE_AHEAD_S)
            reason = EDGE_GATE_CLOCK;
        else if (frame->counter <= *last)
            reason = EDGE_GATE_COUNTER;
        else if (take)
            *last = frame->counter;
    }
    if (take && reason == EDGE_GATE_OK)
        sender->stats.taken++;
    pthread_mutex_unlock(&gate->mutex);
    return reason;
}

enum edge_gate_reason edge_gate_take(struct edge_gate_frame *out, struct edge_gate *gate, enum proof_frame_kind kind,
                                     uint16_t link, struct edge_gate_time time, struct bytes in)
{
    const uint64_t now = time.ms;
    struct proof_frame frame;
    struct proof_result result;
    memset(out, 0, sizeof(*out));
    struct neighbour *other_end = find_relay(gate, link);
    bool may_cut = other_end != NULL;
    struct neighbour *counted = may_cut ? other_end : stranger(gate);
    if (may_cut && cut_off(gate, other_end, now))
        return refuse(gate, counted, false, now, EDGE_GATE_CUT_OFF);

    enum edge_gate_reason reason = read_header(&frame, in);
    if (reason != EDGE_GATE_OK)
        return refuse(gate, counted, may_cut, now, reason);
    struct neighbour *sender = find_key(gate, frame.sender);
    if (!may_cut && sender)
        counted = sender; /* whom it names: good enough to count by, not to blame */
    reason = check_address(gate, &frame, kind, sender, link);
    if (reason == EDGE_GATE_OK)
        reason = check_counter(gate, &frame, sender, time.unix_s, false, NULL);
    if (reason != EDGE_GATE_OK)
        return refuse(gate, counted, may_cut, now, reason);

    if (proof_frame_verify(&frame, &result) != PROOF_VALID)
        return refuse(gate, counted, may_cut, now,
                      result.reason == PROOF_REASON_SIGNATURE_WRONG ? EDGE_GATE_SIGNATURE : EDGE_GATE_ITEMS);
    reason = check_counter(gate, &frame, sender, time.unix_s, true,
                           &out->id); /* another thread may have taken the same one */
    if (reason != EDGE_GATE_OK)
        return refuse(gate, counted, may_cut, now, reason);
    out->relay = sender->relay;
    out->counter = frame.counter;
    out->body = frame.body;
    return EDGE_GATE_OK;
}

void edge_gate_count(struct edge_gate *gate, uint16_t relay, enum edge_gate_reason reason)
{
    struct neighbour *counted = find_relay(gate, relay);
    (void)refuse(gate, counted ? counted : stranger(gate), false, 0, reason);
}

bool edge_gate_stats_of(struct edge_gate *gate, uint16_t relay, struct edge_gate_stats *out)
{
    const struct neighbour *of = relay == EDGE_GATE_STRANGER ? stranger(gate) : find_relay(gate, relay);
    if (!of)
        return false;
    pthread_mutex_lock(&gate->mutex);
    *out = of->stats;
    pthread_mutex_unlock(&gate->mutex);
    return true;
}
