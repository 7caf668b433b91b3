/*
 * Routes and turns over the links of the network document: breadth first, ties to the lowest index, so that all relays
 * agree. It knows nothing of links that are down; that is the mesh's business (a relay pulls from any neighbour).
 */
#include "topology/route.h"

#include <string.h>

#include "proofs/codec/bytes.h"

bool topology_route_linked(const struct topology_network *network, uint16_t a, uint16_t b)
{
    for (size_t i = 0; i < network->links_len; i++) {
        const struct topology_link *link = &network->links[i];
        if ((link->a == a && link->b == b) || (link->a == b && link->b == a))
            return true;
    }
    return false;
}

/* Marks the neighbours of a relay. */
static void mark_neighbours(bool marked[TOPOLOGY_RELAYS_MAX], const struct topology_network *network, uint16_t relay)
{
    memset(marked, 0, TOPOLOGY_RELAYS_MAX * sizeof *marked);
    for (size_t i = 0; i < network->links_len; i++) {
        const struct topology_link *link = &network->links[i];
        if (link->a == relay)
            marked[link->b] = true;
        if (link->b == relay)
            marked[link->a] = true;
    }
}

size_t topology_route_neighbours(uint16_t *out, size_t cap, const struct topology_network *network, uint16_t relay)
{
    bool marked[TOPOLOGY_RELAYS_MAX];
    size_t count = 0;
    mark_neighbours(marked, network, relay);
    for (size_t i = 0; i < network->relays_len; i++) {
        if (!marked[i])
            continue;
        if (count < cap)
            out[count] = (uint16_t)i;
        count++;
    }
    return count;
}

size_t topology_route_zones(uint16_t *out, size_t cap, const struct topology_network *network, uint16_t relay)
{
    bool marked[TOPOLOGY_RELAYS_MAX], zones[TOPOLOGY_ZONES_MAX] = {false};
    size_t count = 0;
    mark_neighbours(marked, network, relay);
    for (size_t i = 0; i < network->relays_len; i++)
        if (marked[i])
            zones[network->relays[i].zone] = true;
    for (size_t i = 0; i < network->zones_len; i++) {
        if (!zones[i])
            continue;
        if (count < cap)
            out[count] = (uint16_t)i;
        count++;
    }
    return count;
}

/* Hops from `from` to every relay; TOPOLOGY_NO_RELAY where no path leads. */
static void distances(uint16_t hops[TOPOLOGY_RELAYS_MAX], const struct topology_network *network, uint16_t from)
{
    uint16_t queue[TOPOLOGY_RELAYS_MAX];
    size_t head = 0, tail = 0;

    for (size_t i = 0; i < TOPOLOGY_RELAYS_MAX; i++)
        hops[i] = TOPOLOGY_NO_RELAY;
    hops[from] = 0;
    queue[tail++] = from;
    while (head < tail) {
        uint16_t at = queue[head++];
        for (size_t i = 0; i < network->links_len; i++) {
            const struct topology_link *link = &network->links[i];
            if (link->a != at && link->b != at)
                continue;
            uint16_t other = link->a == at ? link->b : link->a;
            if (hops[other] != TOPOLOGY_NO_RELAY)
                continue;
            hops[other] = (uint16_t)(hops[at] + 1);
            queue[tail++] = other;
        }
    }
}

uint16_t topology_route_next(const struct topology_network *network, uint16_t from, uint16_t to)
{
    uint16_t hops[TOPOLOGY_RELAYS_MAX];
    bool marked[TOPOLOGY_RELAYS_MAX];

    distances(hops, network, to);
    if (from == to || hops[from] == TOPOLOGY_NO_RELAY)
        return TOPOLOGY_NO_RELAY;
    mark_neighbours(marked, network, from);
    for (size_t i = 0; i < network->relays_len; i++)
        if (marked[i] && hops[i] + 1 == hops[from])
            return (uint16_t)i;
    return TOPOLOGY_NO_RELAY;
}

static bool listed(const uint16_t *list, size_t len, uint16_t value)
{
    for (size_t i = 0; i < len; i++)
        if (list[i] == value)
            return true;
    return false;
}

bool topology_relay_serves(const struct topology_network *network, uint16_t relay, uint16_t chain)
{
    return listed(network->relays[relay].serves, network->relays[relay].serves_len, chain);
}

bool topology_relay_delivers(const struct topology_network *network, uint16_t relay, uint16_t chain)
{
    return listed(network->relays[relay].delivers, network->relays[relay].delivers_len, chain);
}

/* The name of a relay's component: follows parents to the root, halving the way. */
static uint16_t component(uint16_t parent[TOPOLOGY_RELAYS_MAX], uint16_t relay)
{
    while (parent[relay] != relay) {
        parent[relay] = parent[parent[relay]];
        relay = parent[relay];
    }
    return relay;
}

bool topology_route_chains(const struct topology_network *network, uint16_t home, uint16_t target)
{
    uint16_t parent[TOPOLOGY_RELAYS_MAX];
    bool proves[TOPOLOGY_RELAYS_MAX] = {false}; /* by component */

    for (size_t i = 0; i < TOPOLOGY_RELAYS_MAX; i++)
        parent[i] = (uint16_t)i;
    for (size_t i = 0; i < network->links_len; i++)
        parent[component(parent, network->links[i].a)] = component(parent, network->links[i].b);
    for (size_t i = 0; i < network->relays_len; i++)
        if (topology_relay_serves(network, (uint16_t)i, home))
            proves[component(parent, (uint16_t)i)] = true;
    for (size_t i = 0; i < network->relays_len; i++)
        if (proves[component(parent, (uint16_t)i)] && topology_relay_delivers(network, (uint16_t)i, target))
            return true;
    return false;
}

/* ---- turns --------------------------------------------------------------------------------------------------------- */

/* Where the round robin of a log begins: its id is a hash, so its first bytes spread logs over relays. */
static uint64_t start_of(const uint8_t log[32])
{
    struct codec_reader reader;
    codec_reader_init(&reader, (struct bytes){log, 32});
    return codec_read_u64(&reader);
}

/* The turn-th of the marked relays, counted round. */
static uint16_t pick(const bool marked[TOPOLOGY_RELAYS_MAX], size_t relays_len, uint64_t turn)
{
    size_t count = 0;
    for (size_t i = 0; i < relays_len; i++)
        count += marked[i];
    if (count == 0)
        return TOPOLOGY_NO_RELAY;
    size_t wanted = (size_t)(turn % count);
    for (size_t i = 0; i < relays_len; i++)
        if (marked[i] && wanted-- == 0)
            return (uint16_t)i;
    return TOPOLOGY_NO_RELAY;
}

uint16_t topology_turn_push(const struct topology_network *network, uint16_t zone, uint16_t home, const uint8_t log[32],
                            uint64_t block)
{
    bool in_zone[TOPOLOGY_RELAYS_MAX] = {false}, serving[TOPOLOGY_RELAYS_MAX] = {false};
    uint64_t turn = start_of(log) + block;
    for (size_t i = 0; i < network->relays_len; i++) {
        in_zone[i] = network->relays[i].zone == zone;
        serving[i] = in_zone[i] && topology_relay_serves(network, (uint16_t)i, home);
    }
    uint16_t relay = pick(serving, network->relays_len, turn);
    return relay != TOPOLOGY_NO_RELAY ? relay : pick(in_zone, network->relays_len, turn);
}

uint16_t topology_turn_submit(const struct topology_network *network, uint16_t target, const uint8_t log[32],
                              uint64_t block, uint64_t height, uint32_t turn_blocks)
{
    bool delivering[TOPOLOGY_RELAYS_MAX] = {false};
    for (size_t i = 0; i < network->relays_len; i++)
        delivering[i] = topology_relay_delivers(network, (uint16_t)i, target);
    return pick(delivering, network->relays_len, start_of(log) + block + height / turn_blocks);
}
