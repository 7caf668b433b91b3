/* The store of a relay after many messages of one lane, for benches. */
#ifndef TOOLS_BENCHES_HISTORY_H
#define TOOLS_BENCHES_HISTORY_H

#include <stdint.h>

#include "relay/store/store.h"
#include "topology/network.h"

struct history {
    const struct topology_lane *lane; /* of an indexed network, under Keccak */
    struct store *store;
    struct store_batch *batch;
    uint8_t running[32];
};

/* Writes messages 1..settled as settled and pruned, and `pending` more as proven and pending, both rounded up to whole
 * segments of 256 messages with 100 bytes of payload. Ends the process when the store refuses. */
void history_write(struct history *history, uint64_t settled, uint64_t pending);

#endif
