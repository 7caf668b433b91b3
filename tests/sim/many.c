/*
 * Many seeds: each job is a process of its own that takes the next seed which nobody has, and keeps its sums in memory that
 * all share. A seed that ends its process counts as a broken promise, and another process goes on in its place.
 */
#include "tests/sim/many.h"

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/sim/sim.h"

enum { FAILURES_KEPT = 100, CRASHES_MAX = 100, TELL_S = 5, MEMORY_KEPT = 256 << 20 };

struct totals {
    uint64_t seeds, faults, messages, steps, events, checks, violations, virtual_ms, longest_heal;
    uint64_t trace; /* sum of what each seed did: the same for two programs that behave alike */
    uint64_t failed[FAILURES_KEPT];
    size_t failed_len;
};

struct job {
    pid_t pid; /* 0: none */
    uint64_t seed;
    double cpu; /* seconds on a core, of processes that ended, too */
    struct totals totals;
};

struct shared {
    _Atomic uint64_t next;
    _Atomic bool stop;
    struct job jobs[SIM_JOBS_MAX];
};

static volatile uint64_t current; /* the seed that runs: what a crash is told with */

static void crashed(int number)
{
    char text[96];
    int len = snprintf(text, sizeof(text), "sim: seed %" PRIu64 " ended the process, signal %d\n", current, number);
    if (write(STDERR_FILENO, text, (size_t)len) < 0)
        _exit(3);
    signal(number, SIG_DFL);
    raise(number);
}

void sim_crashes_name(uint64_t seed)
{
    current = seed;
    signal(SIGABRT, crashed);
    signal(SIGSEGV, crashed);
}

static double seconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- one job -------------------------------------------------------------------------------------------------------- */

static void failed_add(struct totals *totals, uint64_t seed)
{
    totals->violations++;
    if (totals->failed_len < FAILURES_KEPT)
        totals->failed[totals->failed_len++] = seed;
}

static void add(struct totals *totals, const struct sim_plan *plan, const struct sim_result *result)
{
    totals->seeds++;
    totals->faults += result->faults;
    totals->messages += result->messages;
    totals->steps += result->steps;
    totals->events += result->events;
    totals->checks += result->checks;
    totals->virtual_ms += result->virtual_ms;
    totals->trace += result->trace;
    if (result->healed_ms > totals->longest_heal)
        totals->longest_heal = result->healed_ms;
    if (result->ok)
        return;
    failed_add(totals, plan->seed);
    printf("seed %" PRIu64 ": %s\n", plan->seed, result->wrong);
    fflush(stdout);
}

static void work(struct shared *shared, struct job *job, const struct sim_many *options)
{
    struct sim_plan *plan = malloc(sizeof(*plan));
    double start = seconds(CLOCK_MONOTONIC), before = job->cpu;
    mallopt(M_MMAP_THRESHOLD,
            MEMORY_KEPT); /* each world takes the memory of the one before: no page goes back and forth */
    mallopt(M_TRIM_THRESHOLD, MEMORY_KEPT);
    while (!shared->stop && (options->minutes == 0 || seconds(CLOCK_MONOTONIC) - start < options->minutes * 60)) {
        struct sim_result result, again;
        uint64_t seed = shared->next++;
        if (seed > options->to)
            break;
        sim_plan_make(plan, seed, options->with);
        if (options->world != NULL && strcmp(options->world, plan->world) != 0)
            continue;
        job->seed = seed;
        sim_crashes_name(seed);
        sim_run(&result, plan, NULL);
        if (options->twice) {
            sim_run(&again, plan, NULL);
            if (result.ok && again.trace != result.trace) {
                result.ok = false;
                snprintf(result.wrong, sizeof(result.wrong), "the same seed did not do the same twice");
            }
        }
        add(&job->totals, plan, &result);
        job->cpu = before + seconds(CLOCK_PROCESS_CPUTIME_ID);
        if (options->first && !result.ok)
            shared->stop = true;
    }
    free(plan);
}

/* ---- all of them ---------------------------------------------------------------------------------------------------- */

static bool job_start(struct shared *shared, struct job *job, const struct sim_many *options)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);
        work(shared, job, options);
        fflush(NULL);
        _exit(0);
    }
    job->pid = pid;
    return pid > 0;
}

static double sum(struct totals *all, const struct shared *shared, unsigned jobs)
{
    double cpu = 0;
    memset(all, 0, sizeof(*all));
    for (unsigned i = 0; i < jobs; i++) {
        const struct totals *one = &shared->jobs[i].totals;
        cpu += shared->jobs[i].cpu;
        all->seeds += one->seeds;
        all->faults += one->faults;
        all->messages += one->messages;
        all->steps += one->steps;
        all->events += one->events;
        all->checks += one->checks;
        all->violations += one->violations;
        all->virtual_ms += one->virtual_ms;
        all->trace += one->trace;
        if (one->longest_heal > all->longest_heal)
            all->longest_heal = one->longest_heal;
        for (size_t j = 0; j < one->failed_len && all->failed_len < FAILURES_KEPT; j++)
            all->failed[all->failed_len++] = one->failed[j];
    }
    return cpu > 0 ? cpu : 1e-9;
}

static void tick(int number)
{
    (void)number; /* it only ends the wait */
}

/* Until no job is left; how many ended without having done their work. */
static unsigned jobs_wait(struct shared *shared, const struct sim_many *options)
{
    unsigned running = options->jobs, crashes = 0;
    struct totals all;
    while (running > 0) {
        int status = 0;
        pid_t pid = waitpid(-1, &status, 0);
        if (pid < 0 && errno != EINTR)
            break; /* no child is left */
        if (pid < 0 && errno == EINTR && !options->quiet) {
            double cpu = sum(&all, shared, options->jobs);
            fprintf(stderr,
                    "sim: %" PRIu64 " seeds, %" PRIu64 " faults, %" PRIu64 " messages, %.0f messages/s a core, %" PRIu64
                    " violations\n",
                    all.seeds, all.faults, all.messages, (double)all.messages / cpu, all.violations);
        }
        for (unsigned i = 0; pid > 0 && i < options->jobs; i++) {
            struct job *job = &shared->jobs[i];
            if (job->pid != pid)
                continue;
            running--;
            if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
                continue;
            crashes++;
            job->totals.seeds++;
            failed_add(&job->totals, job->seed);
            if (!options->first && crashes < CRASHES_MAX && job_start(shared, job, options))
                running++;
            else
                shared->stop = true;
        }
    }
    return crashes;
}

static int report_write(const struct sim_many *options, const struct totals *totals, double wall, double cpu)
{
    FILE *out = fopen(options->report, "w");
    if (out == NULL) {
        fprintf(stderr, "sim: %s cannot be written: %s\n", options->report, strerror(errno));
        return 1;
    }
    fprintf(out,
            "{\"seeds\": %" PRIu64 ", \"first_seed\": %" PRIu64 ", \"faults\": %" PRIu64 ", \"messages\": %" PRIu64
            ", \"violations\": %" PRIu64 ", \"messages_per_s\": %.0f, \"events\": %" PRIu64 ", \"checks\": %" PRIu64
            ", \"virtual_s\": %" PRIu64 ", \"longest_heal_ms\": %" PRIu64 ", \"trace\": \"%016" PRIx64 "\""
            ", \"jobs\": %u, \"wall_ms\": %.0f, \"cpu_ms\": %.0f, \"failed_seeds\": [",
            totals->seeds, options->from, totals->faults, totals->messages, totals->violations,
            (double)totals->messages / cpu, totals->events, totals->checks, totals->virtual_ms / 1000,
            totals->longest_heal, totals->trace, options->jobs, wall * 1000, cpu * 1000);
    for (size_t i = 0; i < totals->failed_len; i++)
        fprintf(out, "%s%" PRIu64, i ? ", " : "", totals->failed[i]);
    fprintf(out, "], \"ok\": %s}\n", totals->violations == 0 && totals->seeds > 0 ? "true" : "false");
    return fclose(out) != 0;
}

int sim_many(const struct sim_many *options)
{
    struct shared *shared =
        mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0); /* zero: no job */
    const struct itimerval every = {{TELL_S, 0}, {TELL_S, 0}};
    struct totals all;
    double start = seconds(CLOCK_MONOTONIC);
    if (shared == MAP_FAILED) {
        fprintf(stderr, "sim: no memory to share with %u jobs\n", options->jobs);
        return 1;
    }
    shared->next = options->from;
    sigaction(SIGALRM, &(struct sigaction){.sa_handler = tick}, NULL);
    setitimer(ITIMER_REAL, &every, NULL);
    for (unsigned i = 0; i < options->jobs; i++) {
        if (!job_start(shared, &shared->jobs[i], options)) {
            fprintf(stderr, "sim: job %u cannot be started: %s\n", i, strerror(errno));
            shared->stop = true;
            return 1;
        }
    }
    unsigned crashes = jobs_wait(shared, options);
    double wall = seconds(CLOCK_MONOTONIC) - start, cpu = sum(&all, shared, options->jobs);
    printf("%" PRIu64 " seeds from %" PRIu64 ", %" PRIu64 " faults, %" PRIu64
           " messages in %.1f s, %.1f s on a core (%.0f messages/s): %" PRIu64 " broken promises, %u of them crashes\n",
           all.seeds, options->from, all.faults, all.messages, wall, cpu, (double)all.messages / cpu, all.violations,
           crashes);
    if (all.failed_len > 0)
        printf("what happened, in words: --minimise %" PRIu64 "%s%s\n", all.failed[0],
               options->with < SIM_FAULT_TYPES ? " --with " : "",
               options->with < SIM_FAULT_TYPES ? sim_fault_name(options->with) : "");
    int failed = options->report ? report_write(options, &all, wall, cpu) : 0;
    munmap(shared, sizeof(*shared));
    return failed || all.violations > 0;
}
