/*
 * What the core's tests add to the world of tests/sim: expectations that fail a test, and frames that a test makes up.
 */
#ifndef TESTS_UNIT_CORE_SCENE_H
#define TESTS_UNIT_CORE_SCENE_H

#include "tests/sim/world.h"

/* Runs until the condition holds, at most ms; returns it. */
bool world_until(struct world *world, world_condition *condition, uint64_t ms);
void world_expect(struct world *world, world_condition *condition,
                  uint64_t ms); /* else the test fails, marks printed */

/* Every message took effect once, in order on ordered lanes. */
void world_check_once(const struct world *world);
/* No segment is left anywhere, heads are few, no honest source was banned. */
void world_check_bounded(const struct world *world);
uint64_t world_counter(const struct world *world, uint16_t relay, enum relay_reason reason);

/* ---- frames that a test makes up (frames.c) --------------------------------------------------------------------------- */

/* A frame of these items from one relay to another, as its gate would let it in; ask: the request that it answers, 0 none. */
void world_frame(struct world *world, uint16_t to, uint16_t from, uint64_t ask, const struct codec_pack *items,
                 uint32_t count);
/* A relay is asked for the eastward lane's heads and, where max_bytes is not 0, messages; the answer goes to the asker. */
void world_asked(struct world *world, uint16_t asked, uint16_t asker, uint32_t id, uint32_t max_bytes);
/* The next document (world_epoch_next) without the epoch before, of one chain: what was signed under it counts for nothing.
 * document borrows chains, and the world's own. */
void world_newest_epoch_alone(const struct world *world, uint16_t chain, struct topology_network *document,
                              struct topology_chain chains[MODEL_CHAINS]);
/* The true head of a lane's message log at a number. */
struct proof_head world_head(const struct world *world, uint16_t lane, uint64_t number);
/* A world in which 20 messages a lane exist and no honest signer speaks: what a relay knows comes from the test alone. */
struct world *world_silent(uint64_t seed);

#endif
