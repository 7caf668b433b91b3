/* Who can end a wait: the core's words (relay_cause_actor), and the names, relays, accounts and files that they are about. */
#ifndef RELAY_EDGE_WHO_H
#define RELAY_EDGE_WHO_H

#include "relay/edge/relay.h"

enum { EDGE_WHO_MAX = 768 };

/* For a log of `lane` whose records are read at chain `home`. operator_number 0, source RELAY_NO_SOURCE: none is named. */
void edge_who(char out[EDGE_WHO_MAX], const struct edge_relay *relay, uint16_t lane, uint16_t home,
              enum relay_cause cause, uint16_t operator_number, uint16_t source);

#endif
