/*
 * What went into a core and what came out, kept so that another core can be given the same (I12: "the same events give
 * the same actions, bit for bit").
 */
#ifndef TESTS_UNIT_CORE_REPLAY_H
#define TESTS_UNIT_CORE_REPLAY_H

#include "relay/core/core.h"

struct world_record;

struct world_record *replay_new(void);
void replay_free(struct world_record *record); /* NULL is allowed */
void replay_begin(struct world_record *record, const struct relay_core_config *config);
void replay_note_event(struct world_record *record, const struct relay_event *event);
void replay_note_actions(struct world_record *record, const struct relay_action *actions, size_t len);

/* Gives all recorded events to a fresh core. The first step whose actions differ, or the number of steps when none does. */
size_t replay_run(const struct world_record *record, size_t *steps);

#endif
