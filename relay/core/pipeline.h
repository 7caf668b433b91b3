/*
 * The stages of a log (DESIGN section 4): one table, one driver. After each event the driver runs the stages of every log
 * that something happened to. A stage looks at the log's marks, does what can be done now and says how it went; each is
 * idempotent by number, so running it twice changes nothing. COMMIT is not a stage of its own: stages act on marks that
 * the store has confirmed, and what they find out goes into the write of the step.
 */
#ifndef RELAY_CORE_PIPELINE_H
#define RELAY_CORE_PIPELINE_H

#include "relay/core/core.h"

struct relay_core;
struct core_log;

/* NEXT: this stage has nothing left to do. WAIT: it has, and waits under a cause. */
struct core_step {
    enum relay_cause cause; /* RELAY_CAUSE_NONE: NEXT */
};

/* In this order: name, function. */
#define CORE_STAGES(X)                                                                                                 \
    X(PROVE, core_stage_prove)     /* home: source records under agreed evidence */                                    \
    X(COLLECT, core_stage_collect) /* elsewhere: records under signed heads, pulled when they do not come */           \
    X(ATTEST, core_stage_attest)   /* home: our operator's signature */                                                \
    X(CERTIFY, core_stage_certify) /* k operators over one head */                                                     \
    X(DELIVER, core_stage_deliver) /* target: head and records to the contract */                                      \
    X(SETTLE, core_stage_settle)   /* outcomes known: prune */

#define X(name, function) struct core_step function(struct relay_core *core, struct core_log *log);
CORE_STAGES(X)
#undef X

/* Runs all stages of one log; keeps the first cause and since when. */
void core_pipeline_drive(struct relay_core *core, struct core_log *log);

#endif
