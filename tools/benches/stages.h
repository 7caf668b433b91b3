/*
 * Where a frame's time goes on its way: one moment for each stage, noted by both processes of bench-hop in memory that they share.
 */
#ifndef TOOLS_BENCHES_STAGES_H
#define TOOLS_BENCHES_STAGES_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Moments of a frame, in their order. */
enum stage {
    STAGE_DUE,       /* its first message is there, or was due */
    STAGE_OPEN,      /* the sender begins to fill it: it waited for the writer and for the loop */
    STAGE_SIGNED,    /* digested, hashed on, signed, packed; the writer has its rows */
    STAGE_COMMITTED, /* the sender's loop reads that it is on disk */
    STAGE_PUBLISHED, /* signed as a frame and given to nng */
    STAGE_RECEIVED,  /* the receiver's loop has it: through nng and the gate */
    STAGE_VERIFIED,  /* read, hashed, its signature checked; the writer has its rows */
    STAGE_STORED,    /* the receiver's loop reads that it is on disk */
    STAGE_ANSWERED,  /* the heartbeat that names it was signed and given to nng */
    STAGE_TOLD,      /* the sender's loop has read that */
    STAGES
};

struct stages;

/* Room for the first `frames` frames; made before the fork. Ends the process when there is no memory. */
struct stages *stages_new(size_t frames);

/* Notes the moment `us` of frame `number` (from 0 on). Does nothing without stages or beyond their room. */
void stages_mark(struct stages *stages, uint64_t number, enum stage stage, uint64_t us);

/* One JSON object: for each stage the time since the one before, [p50, p99, mean of the slowest hundredth of the frames], in
 * milliseconds; "all" from due to told. Frames that lack a moment are left out. */
void stages_print(struct stages *stages, FILE *out);

#endif
