/*
 * Ready or not, and why. Reads the core's views and the parts; decides nothing for the core.
 */
#include "relay/edge/health.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/edge/relay_parts.h"

struct edge_health {
    size_t sources;
    struct {
        uint64_t newest, moved; /* ms, monotonic */
    } seen[];
};

static const char *const NAMES[] = {
#define X(name, text) text,
    EDGE_HEALTH_CAUSES(X)
#undef X
};

const char *edge_health_name(enum edge_health_cause cause)
{
    return (unsigned)cause < EDGE_HEALTH_COUNT ? NAMES[cause] : "unknown";
}

struct edge_health *edge_health_new(size_t sources, uint64_t now)
{
    struct edge_health *health = calloc(1, sizeof(*health) + sources * sizeof(health->seen[0]));
    if (health == NULL)
        return NULL;
    health->sources = sources;
    for (size_t i = 0; i < sources; i++)
        health->seen[i].moved = now;
    return health;
}

void edge_health_free(struct edge_health *health)
{
    free(health);
}

void edge_health_note(struct edge_health *health, size_t source, uint64_t newest, uint64_t now)
{
    if (source >= health->sources || newest <= health->seen[source].newest)
        return;
    health->seen[source].newest = newest;
    health->seen[source].moved = now;
}

uint64_t edge_health_still(const struct edge_health *health, size_t source, uint64_t now)
{
    return source < health->sources && now > health->seen[source].moved ? now - health->seen[source].moved : 0;
}

void edge_health_look(const struct edge_relay *relay)
{
    struct edge_health *health = relay->inner->health;
    for (size_t i = 0; i < health->sources; i++) {
        struct relay_source_view view;
        if (relay_core_source_view(relay->core, (uint16_t)i, &view) && view.up)
            edge_health_note(health, i, view.newest, edge_loop_now());
        else
            health->seen[i].newest = 0; /* its next life begins anew, whatever this one said */
    }
}

uint64_t edge_health_still_ms(const struct edge_relay *relay, uint16_t source)
{
    return edge_health_still(relay->inner->health, source, edge_loop_now());
}

bool edge_health_chain(struct edge_health_chain *out, const struct edge_relay *relay, uint16_t chain)
{
    *out = (struct edge_health_chain){.demanded = relay->network->chains[chain].sources};
    for (size_t i = 0; i < relay->config->sources_len; i++) {
        struct relay_source_view view;
        if (relay->source_list[i].chain != chain || !relay_core_source_view(relay->core, (uint16_t)i, &view))
            continue;
        out->total++;
        out->up += view.up;
        out->moving += view.up && edge_health_still_ms(relay, (uint16_t)i) < 1000ull * relay->config->http.stall_s;
    }
    if (relay->config->dev && out->demanded > out->total)
        out->demanded = (uint16_t)out->total;
    return out->total > 0;
}

bool edge_health_store_stuck(const struct edge_relay *relay)
{
    struct edge_writer_stats stats;
    edge_writer_stats(relay->writer, &stats);
    return stats.committing_since != 0 && edge_loop_now() - stats.committing_since > EDGE_HEALTH_STUCK_MS;
}

bool edge_health_signer_up(const struct edge_relay *relay)
{
    const struct edge_relay_inner *inner = relay->inner;
    struct edge_child_view view = {.state = EDGE_CHILD_STOPPED};
    if (relay->signer != NULL)
        edge_child_look(relay->signer, &view);
    return view.state == EDGE_CHILD_UP && inner->signer_up &&
           (inner->signing_since == 0 || edge_loop_now() - inner->signing_since <= EDGE_HEALTH_STUCK_MS);
}

/* Whether an operator is away, as far as can be seen from here. */
static bool operator_away(const struct edge_relay *relay, uint16_t number)
{
    const struct topology_network *network = relay->network;
    size_t seen = 0, up = 0;
    for (size_t i = 0; i < network->relays_len; i++) {
        struct relay_peer_view view;
        if (network->relays[i].operator_number != number)
            continue;
        if (i == relay->self) {
            seen++;
            up += relay->signer == NULL || edge_health_signer_up(relay);
        } else if (relay_core_peer_view(relay->core, (uint16_t)i, &view)) {
            seen++;
            up += view.up;
        } else {
            return false; /* one that is not linked to us: it may be well */
        }
    }
    return seen > 0 && up == 0;
}

bool edge_health_quorum(struct edge_health_quorum *out, const struct edge_relay *relay, uint16_t chain)
{
    const struct topology_chain *document = &relay->network->chains[chain];
    *out = (struct edge_health_quorum){0};
    if (document->epochs_len == 0)
        return false;
    const struct topology_epoch *epoch = &document->epochs[document->epochs_len - 1];
    out->needed = epoch->quorum;
    for (size_t i = 0; i < epoch->keys_len; i++) {
        uint16_t number = epoch->keys[i].operator_number;
        if (i > 0 && epoch->keys[i - 1].operator_number == number)
            continue; /* another key of the same: keys are in order of operators */
        out->operators++;
        out->reachable += !operator_away(relay, number);
    }
    return out->operators > 0;
}

static unsigned bit(enum edge_health_cause cause)
{
    return 1u << cause;
}

/* NULL: nothing to say of the chain's light client, or it has none here. */
static const char *untrusted(const struct edge_relay *relay, uint16_t chain)
{
    struct relay_trust_view view;
    if (!relay_core_trust_view(relay->core, chain, &view))
        return NULL;
    if (view.attacked)
        return "its validators signed headers that contradict each other; find out with others which one is true";
    if (view.height == 0)
        return "no first header is verified yet; look at trust: in relay.yaml, and at the log";
    return view.left == 0 ? "the newest trusted header is older than the trusting period; give a newer one under "
                            "trust: in relay.yaml and restart"
                          : NULL;
}

static unsigned chain_causes(const struct edge_relay *relay, uint16_t chain)
{
    struct edge_health_chain sources;
    struct edge_health_quorum quorum;
    unsigned causes = 0;
    if (edge_health_chain(&sources, relay, chain)) {
        if (sources.up < sources.demanded)
            causes |= bit(EDGE_HEALTH_CHAIN_LOST);
        else if (sources.moving < sources.demanded)
            causes |= bit(EDGE_HEALTH_CHAIN_STALLED);
    }
    if (untrusted(relay, chain) != NULL)
        causes |= bit(EDGE_HEALTH_UNTRUSTED);
    if (edge_health_quorum(&quorum, relay, chain) && quorum.reachable < quorum.needed)
        causes |= bit(EDGE_HEALTH_QUORUM);
    return causes;
}

unsigned edge_health_causes(const struct edge_relay *relay)
{
    unsigned causes = 0;
    if (!relay->ready)
        causes |= bit(EDGE_HEALTH_STARTING);
    if (relay->draining)
        causes |= bit(EDGE_HEALTH_DRAINING);
    if (relay->store_status != STORE_OK || relay_core_halted(relay->core) || edge_health_store_stuck(relay))
        causes |= bit(EDGE_HEALTH_STORE);
    if (relay->inner->disk_scarce)
        causes |= bit(EDGE_HEALTH_DISK);
    if (relay->inner->deaf_since != 0)
        causes |= bit(EDGE_HEALTH_DEAF);
    if (relay->signer != NULL && !edge_health_signer_up(relay))
        causes |= bit(EDGE_HEALTH_SIGNER);
    for (size_t i = 0; i < relay->network->chains_len; i++)
        causes |= chain_causes(relay, (uint16_t)i);
    return causes;
}

/* ---- in words ------------------------------------------------------------------------------------------------------ */

struct lines {
    char *text;
    size_t len, cap;
};

__attribute__((format(printf, 3, 4))) static void say(struct lines *out, enum edge_health_cause cause,
                                                      const char *format, ...)
{
    char what[400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    int len = snprintf(out->text + out->len, out->cap - out->len, "%s: %s\n", edge_health_name(cause), what);
    if (len > 0 && (size_t)len < out->cap - out->len)
        out->len += (size_t)len;
    out->text[out->len] = '\0';
}

static void say_chain(struct lines *out, const struct edge_relay *relay, uint16_t chain)
{
    const char *name = relay->network->chains[chain].id;
    struct edge_health_chain sources;
    struct edge_health_quorum quorum;
    unsigned causes = chain_causes(relay, chain);
    edge_health_chain(&sources, relay, chain);
    edge_health_quorum(&quorum, relay, chain);
    if (causes & bit(EDGE_HEALTH_CHAIN_LOST))
        say(out, EDGE_HEALTH_CHAIN_LOST, "%s: %zu of %zu sources are up, %u are needed; look at: isthmus sources", name,
            sources.up, sources.total, sources.demanded);
    if (causes & bit(EDGE_HEALTH_CHAIN_STALLED))
        say(out, EDGE_HEALTH_CHAIN_STALLED,
            "%s: the newest heights of %zu of %zu sources have not moved for %u s; look at the nodes", name,
            sources.up - sources.moving, sources.total, (unsigned)relay->config->http.stall_s);
    if (causes & bit(EDGE_HEALTH_UNTRUSTED))
        say(out, EDGE_HEALTH_UNTRUSTED, "%s: %s", name, untrusted(relay, chain));
    if (causes & bit(EDGE_HEALTH_QUORUM))
        say(out, EDGE_HEALTH_QUORUM, "%s: %zu of %zu operators can be reached, %u must sign; look at: isthmus peers",
            name, quorum.reachable, quorum.operators, quorum.needed);
}

void edge_health_text(const struct edge_relay *relay, char *text, size_t cap)
{
    unsigned causes = edge_health_causes(relay);
    struct lines out = {text, 0, cap};
    if (causes == 0) {
        snprintf(text, cap, "ready\n");
        return;
    }
    text[0] = '\0';
    if (causes & bit(EDGE_HEALTH_STARTING))
        say(&out, EDGE_HEALTH_STARTING, "pending state is being read from the store");
    if (causes & bit(EDGE_HEALTH_DRAINING))
        say(&out, EDGE_HEALTH_DRAINING, "this relay was told to stop");
    if ((causes & bit(EDGE_HEALTH_STORE)) && edge_health_store_stuck(relay))
        say(&out, EDGE_HEALTH_STORE, "a commit has taken more than %d s: look at the disk of %s; all waits for it",
            EDGE_HEALTH_STUCK_MS / 1000, relay->config->store);
    else if (causes & bit(EDGE_HEALTH_STORE))
        say(&out, EDGE_HEALTH_STORE, "%s; nothing more is taken until a restart",
            relay->store_text[0] != '\0' ? relay->store_text : "the store is damaged");
    if (causes & bit(EDGE_HEALTH_DISK))
        say(&out, EDGE_HEALTH_DISK, "less than budgets.free_bytes is free at %s: no new messages are taken; make room",
            relay->config->store);
    if (causes & bit(EDGE_HEALTH_DEAF))
        say(&out, EDGE_HEALTH_DEAF, "other relays cannot connect here any more; restart it, or wait: it ends itself");
    if (causes & bit(EDGE_HEALTH_SIGNER))
        say(&out, EDGE_HEALTH_SIGNER, "this relay cannot attest; look at: isthmus status, and the log");
    for (size_t i = 0; i < relay->network->chains_len; i++)
        say_chain(&out, relay, (uint16_t)i);
}
