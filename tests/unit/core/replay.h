/*
 * What went into a core and what came out, kept so that another core can be given the same (I12: "the same events give
 * the same actions, bit for bit").
 */
#ifndef TESTS_UNIT_CORE_REPLAY_H
#define TESTS_UNIT_CORE_REPLAY_H

#include "tests/sim/world.h"

struct world_record;

struct world_record *replay_new(void);
void replay_free(struct world_record *record); /* NULL is allowed */
/* Watches a world: what each relay does goes into its record, if it has one. records: one for each relay, or NULL. */
struct world_watcher replay_watcher(struct world_record **records);

/* Gives all recorded events to a fresh core. The first step whose actions differ, or the number of steps when none does. */
size_t replay_run(const struct world_record *record, size_t *steps);

#endif
