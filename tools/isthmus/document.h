/*
 * The network document for people and for scripts.
 */
#ifndef ISTHMUS_TOOLS_ISTHMUS_DOCUMENT_H
#define ISTHMUS_TOOLS_ISTHMUS_DOCUMENT_H

#include "topology/network.h"

/* Loads it, printing every problem to stderr. NULL: not good. */
struct topology_network *isthmus_document_load(const char *path);

/* Tables on stdout: epochs, relays, lanes. */
void isthmus_document_print(const struct topology_network *network);
/* Which epochs survive how many equivocating operators: what `config check` prints, too. */
void isthmus_document_print_epochs(const struct topology_network *network);
/* One JSON object on stdout: {name, version, effective, hash, id, chains: [{id, identity, suite, epochs: [{number, quorum,
 * operators, survives}]}], zones: [{name, id}], relays: [{name, operator, zone, key, serves, delivers, links}],
 * lanes: [{name, id, source, destination, state, logs: {message, outcome, settlement}}]}. */
void isthmus_document_json(const struct topology_network *network);

#endif
