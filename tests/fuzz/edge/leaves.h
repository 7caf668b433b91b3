/*
 * What the keys of tests/unit/formats/world.h sign for the certificate target's seeds: a leaf of each kind.
 */
#ifndef TESTS_FUZZ_EDGE_LEAVES_H
#define TESTS_FUZZ_EDGE_LEAVES_H

#include <string.h>

#include "tests/unit/formats/world.h"

#define WORLD_LEAVES 4

static inline void world_leaves(struct proof_leaf out[WORLD_LEAVES], const struct world *world)
{
    memset(out, 0, WORLD_LEAVES * sizeof *out);
    out[0] = world->leaf;
    out[1].kind = PROOF_LEAF_RULING;
    out[1].ruling = (struct proof_ruling){.from = 3, .to = 5, .status = 4, .rule = 9, .policy_version = 2};
    memset(out[1].ruling.log, 0x11, 32);
    memset(out[1].ruling.running, 0x33, 32);
    out[2].kind = PROOF_LEAF_CLOSE;
    out[2].close = (struct proof_close){.last = 7, .next_generation = 2};
    memset(out[2].close.lane, 0x44, 32);
    memset(out[2].close.running, 0x22, 32);
    out[3].kind = PROOF_LEAF_EPOCH;
    out[3].epoch = (struct proof_epoch){.epoch = 2, .quorum = 2, .overlap = 3600};
    memset(out[3].epoch.chain, 0x55, 32);
    memset(out[3].epoch.registry, 0x66, 32);
    memset(out[3].epoch.members, 0x77, 32);
}

#endif
