/*
 * The operator's word on what a relay froze: a chain whose finality was broken, a lane whose logs contradict each other.
 * Nothing else lifts either; whoever gives it has looked into what happened, with the other operators.
 */
#ifndef RELAY_EDGE_THAW_H
#define RELAY_EDGE_THAW_H

#include <stdio.h>

#include "relay/edge/config.h"

/*
 * isthmusd -x thaw [NAME]: thaws the chain (its CAIP-2 id) or the lane of this name in the store of a stopped relay; a chain's
 * newest agreed header is forgotten, so that the next one agreed on is believed. Then prints to out what is still frozen, a
 * line each. Returns an exit code of isthmusd; why it failed is logged.
 */
int edge_thaw_main(const struct config_relay *config, const struct topology_network *network, const char *name,
                   FILE *out);

#endif
