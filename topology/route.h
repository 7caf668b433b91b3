/*
 * Who talks to whom, and whose turn it is: fixed functions of the network document. Pure; every relay computes the same.
 *
 * Relays, zones and chains are named by their index in the document.
 */
#ifndef ISTHMUS_TOPOLOGY_ROUTE_H
#define ISTHMUS_TOPOLOGY_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "topology/network.h"

enum { TOPOLOGY_NO_RELAY = 0xffff };

/* True when a link joins the two. */
bool topology_route_linked(const struct topology_network *network, uint16_t a, uint16_t b);

/* The relays linked with `relay`, ascending. Writes at most cap, returns how many there are. */
size_t topology_route_neighbours(uint16_t *out, size_t cap, const struct topology_network *network, uint16_t relay);

/* The zones of its neighbours, ascending (its own among them if it has a neighbour there): one publishing socket each. */
size_t topology_route_zones(uint16_t *out, size_t cap, const struct topology_network *network, uint16_t relay);

/* The neighbour on a shortest path from `from` to `to`, the lowest index among equals; `to` itself when linked;
 * TOPOLOGY_NO_RELAY when there is no path or from == to. */
uint16_t topology_route_next(const struct topology_network *network, uint16_t from, uint16_t to);

/* True when `relay` serves (has sources of) or delivers to (submits to) the chain. */
bool topology_relay_serves(const struct topology_network *network, uint16_t relay, uint16_t chain);
bool topology_relay_delivers(const struct topology_network *network, uint16_t relay, uint16_t chain);

/* True when some relay that serves `home` has a path of links to (or is) one that delivers to `target`. */
bool topology_route_chains(const struct topology_network *network, uint16_t home, uint16_t target);

/*
 * Whose turn it is to push a range of a log to the neighbours: among the relays of `zone` that serve the log's home chain,
 * or all relays of the zone when none does. `block` is (number - 1) / TOPOLOGY_HEAD_STEP. Only a saving: who lacks the
 * records pulls. TOPOLOGY_NO_RELAY for a zone without relays.
 */
uint16_t topology_turn_push(const struct topology_network *network, uint16_t zone, uint16_t home, const uint8_t log[32],
                            uint64_t block);

/*
 * Whose turn it is to submit a range of a log to its target chain, among the relays that deliver to it: round robin over
 * (log, block), moving on by one each `turn_blocks` (>= 1) blocks of the target's height. TOPOLOGY_NO_RELAY: nobody does.
 */
uint16_t topology_turn_submit(const struct topology_network *network, uint16_t target, const uint8_t log[32],
                              uint64_t block, uint64_t height, uint32_t turn_blocks);

#endif
