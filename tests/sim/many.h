/* Many seeds, by some processes side by side, and a report of them all. */
#ifndef TESTS_SIM_MANY_H
#define TESTS_SIM_MANY_H

#include "tests/sim/plan.h"

enum { SIM_JOBS_MAX = 64 };

struct sim_many {
    uint64_t from, to;
    unsigned jobs;
    double minutes;           /* 0: as long as it takes */
    const char *report;       /* or NULL */
    enum sim_fault_type with; /* as sim_plan_make has it */
    const char *world;        /* only seeds whose world is of this size, or NULL */
    bool twice, quiet, first;
};

/* Runs the seeds, says every few seconds how far it is, and what is broken at once. Exit code: 0 when every promise was kept. */
int sim_many(const struct sim_many *options);
/* Names the seed that runs, when a signal ends this process. */
void sim_crashes_name(uint64_t seed);

#endif
