/* tests/sim/run: many seeds, one seed as a story, or the shortest story of a failing seed. docs/simulation.md */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/sim/sim.h"

enum { FAILURES_KEPT = 20 };

struct options {
    uint64_t from, to, seed;
    double minutes;
    const char *report;
    bool one, minimise, twice, quiet, first;
};

struct totals {
    uint64_t seeds, faults, messages, steps, events, checks, violations, virtual_ms, longest_heal;
    uint64_t failed[FAILURES_KEPT];
    size_t failed_len;
};

static volatile uint64_t current; /* the seed that runs: what a crash is told with */

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Of this process: what one core does, however many others want it. */
static double cpu_seconds(void)
{
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

static void crashed(int number)
{
    char text[96];
    int len = snprintf(text, sizeof(text), "sim: seed %" PRIu64 " ended the process, signal %d\n", current, number);
    if (write(STDERR_FILENO, text, (size_t)len) < 0)
        _exit(3);
    signal(number, SIG_DFL);
    raise(number);
}

/* ---- minimise ------------------------------------------------------------------------------------------------------- */

/* What is broken, without times and numbers; a crash is a failure of its own. */
static uint32_t kind_of(const char *wrong)
{
    uint32_t kind = 1;
    for (const char *at = strchr(wrong, ':'); at != NULL && *at != '\0'; at++)
        kind = *at >= '0' && *at <= '9' ? kind : kind * 31 + (uint8_t)*at;
    return 2 + kind % 200;
}

/* How the plan fails, in a process of its own: 0 it does not, 1 it ends the process, else the kind of promise. */
static uint32_t fails(const struct sim_plan *plan)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        struct sim_result result;
        signal(SIGABRT, SIG_DFL);
        signal(SIGSEGV, SIG_DFL);
        if (freopen("/dev/null", "w", stderr) == NULL)
            _exit(3);
        sim_run(&result, plan, NULL);
        _exit(result.ok ? 0 : (int)kind_of(result.wrong));
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? (uint32_t)WEXITSTATUS(status) : 1;
}

/* Tries the plan without faults from..from+count-1, or without those sends; keeps what still fails in this way. */
static bool without(struct sim_plan *plan, uint32_t kind, bool sends, size_t from, size_t count)
{
    struct sim_plan *less = malloc(sizeof(*less));
    *less = *plan;
    if (sends) {
        memmove(&less->sends[from], &less->sends[from + count],
                (less->sends_len - from - count) * sizeof(less->sends[0]));
        less->sends_len -= count;
    } else {
        memmove(&less->faults[from], &less->faults[from + count],
                (less->faults_len - from - count) * sizeof(less->faults[0]));
        less->faults_len -= count;
    }
    bool failing = fails(less) == kind;
    if (failing)
        *plan = *less;
    free(less);
    return failing;
}

/* Delta debugging: ever smaller parts are left out while the rest still fails. */
static void shrink(struct sim_plan *plan, uint32_t kind, bool sends)
{
    size_t *len = sends ? &plan->sends_len : &plan->faults_len;
    for (size_t part = (*len + 1) / 2; part >= 1; part = part == 1 ? 0 : (part + 1) / 2) {
        bool again = true;
        while (again) {
            again = false;
            for (size_t from = 0; from < *len;) {
                size_t count = part < *len - from ? part : *len - from;
                if (without(plan, kind, sends, from, count))
                    again = part == 1;
                else
                    from += count;
            }
        }
    }
}

static int minimise(uint64_t seed)
{
    struct sim_plan *plan = malloc(sizeof(*plan));
    struct sim_result result;
    sim_plan_make(plan, seed);
    uint32_t kind = fails(plan);
    if (kind == 0) {
        printf("seed %" PRIu64 " keeps every promise\n", seed);
        free(plan);
        return 1;
    }
    size_t faults = plan->faults_len, sends = plan->sends_len;
    shrink(plan, kind, false);
    shrink(plan, kind, true);
    printf("%zu of %zu faults and %zu of %zu sends are enough:\n", plan->faults_len, faults, plan->sends_len, sends);
    sim_plan_print(stdout, plan);
    fflush(stdout);
    sim_run(&result, plan, stdout);
    printf("%s\n", result.wrong);
    free(plan);
    return 0;
}

/* ---- one seed, many seeds ------------------------------------------------------------------------------------------- */

static int story(uint64_t seed)
{
    struct sim_plan *plan = malloc(sizeof(*plan));
    struct sim_result result;
    sim_plan_make(plan, seed);
    sim_plan_print(stdout, plan);
    printf("what happened:\n");
    current = seed;
    sim_run(&result, plan, stdout);
    printf("%" PRIu64 " messages, %" PRIu64 " faults, %" PRIu64 " events; quiet %" PRIu64
           " ms after the last fault; trace %016" PRIx64 "\n",
           result.messages, result.faults, result.events, result.healed_ms, result.trace);
    printf("%s\n", result.ok ? "every promise was kept" : result.wrong);
    free(plan);
    return !result.ok;
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
    if (result->healed_ms > totals->longest_heal)
        totals->longest_heal = result->healed_ms;
    if (result->ok)
        return;
    totals->violations++;
    if (totals->failed_len < FAILURES_KEPT)
        totals->failed[totals->failed_len++] = plan->seed;
    printf("seed %" PRIu64 ": %s\n", plan->seed, result->wrong);
    fflush(stdout);
}

static int report_write(const struct options *options, const struct totals *totals, double wall, double cpu)
{
    FILE *out = fopen(options->report, "w");
    if (out == NULL) {
        fprintf(stderr, "sim: %s cannot be written: %s\n", options->report, strerror(errno));
        return 1;
    }
    fprintf(out,
            "{\"seeds\": %" PRIu64 ", \"first_seed\": %" PRIu64 ", \"faults\": %" PRIu64 ", \"messages\": %" PRIu64
            ", \"violations\": %" PRIu64 ", \"messages_per_s\": %.0f, \"events\": %" PRIu64 ", \"checks\": %" PRIu64
            ", \"virtual_s\": %" PRIu64 ", \"longest_heal_ms\": %" PRIu64
            ", \"wall_ms\": %.0f, \"cpu_ms\": %.0f, \"failed_seeds\": [",
            totals->seeds, options->from, totals->faults, totals->messages, totals->violations,
            (double)totals->messages / cpu, totals->events, totals->checks, totals->virtual_ms / 1000,
            totals->longest_heal, wall * 1000, cpu * 1000);
    for (size_t i = 0; i < totals->failed_len; i++)
        fprintf(out, "%s%" PRIu64, i ? ", " : "", totals->failed[i]);
    fprintf(out, "], \"ok\": %s}\n", totals->violations == 0 && totals->seeds > 0 ? "true" : "false");
    return fclose(out) != 0;
}

static int many(const struct options *options)
{
    struct totals totals = {0};
    struct sim_plan *plan = malloc(sizeof(*plan));
    double start = seconds(), cpu_start = cpu_seconds(), told = start;
    for (uint64_t seed = options->from; seed <= options->to; seed++) {
        struct sim_result result, again;
        current = seed;
        sim_plan_make(plan, seed);
        sim_run(&result, plan, NULL);
        if (options->twice) {
            sim_run(&again, plan, NULL);
            if (result.ok && again.trace != result.trace) {
                result.ok = false;
                snprintf(result.wrong, sizeof(result.wrong), "the same seed did not do the same twice");
            }
        }
        add(&totals, plan, &result);
        double now = seconds();
        if (now - told > 5 && !options->quiet) {
            fprintf(stderr,
                    "sim: %" PRIu64 " seeds, %" PRIu64 " faults, %" PRIu64 " messages, %.0f messages/s, %" PRIu64
                    " violations\n",
                    totals.seeds, totals.faults, totals.messages, (double)totals.messages / (cpu_seconds() - cpu_start),
                    totals.violations);
            told = now;
        }
        if (options->first && totals.violations > 0)
            break;
        if (options->minutes > 0 && now - start > options->minutes * 60)
            break;
    }
    double wall = seconds() - start, cpu = cpu_seconds() - cpu_start;
    printf("%" PRIu64 " seeds from %" PRIu64 ", %" PRIu64 " faults, %" PRIu64
           " messages in %.1f s, %.1f s of them on a core (%.0f messages/s): %" PRIu64 " broken promises\n",
           totals.seeds, options->from, totals.faults, totals.messages, wall, cpu, (double)totals.messages / cpu,
           totals.violations);
    if (totals.failed_len > 0)
        printf("what happened, in words: --minimise %" PRIu64 "\n", totals.failed[0]);
    free(plan);
    int failed = options->report ? report_write(options, &totals, wall, cpu) : 0;
    return failed || totals.violations > 0;
}

static int usage(void)
{
    fputs("usage: run --seeds A..B [--minutes M] [--twice] [--first] [--quiet] [--report FILE]\n"
          "       run --seed N --story     what happens under a seed, in words\n"
          "       run --minimise N         the fewest faults under which seed N still fails\n"
          "--twice: each seed must do the same again; --first: stop at the first broken promise.\n"
          "A may be `fresh`: seeds that nobody has run, from the clock; then B is how many.\n",
          stderr);
    return 2;
}

static bool seeds_read(struct options *options, const char *text)
{
    char *end = NULL;
    if (strncmp(text, "fresh..", 7) == 0) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        options->from = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
        options->to = options->from + strtoull(text + 7, &end, 10) - 1;
        return end != NULL && *end == '\0' && options->to >= options->from;
    }
    options->from = strtoull(text, &end, 10);
    if (end == text || strncmp(end, "..", 2) != 0)
        return false;
    const char *second = end + 2;
    options->to = strtoull(second, &end, 10);
    return end != second && *end == '\0' && options->to >= options->from;
}

int main(int argc, char **argv)
{
    static const struct option LONG[] = {
        {"seeds", required_argument, NULL, 's'},  {"minutes", required_argument, NULL, 'm'},
        {"report", required_argument, NULL, 'r'}, {"seed", required_argument, NULL, '1'},
        {"story", no_argument, NULL, 'w'},        {"minimise", required_argument, NULL, 'x'},
        {"twice", no_argument, NULL, '2'},        {"quiet", no_argument, NULL, 'q'},
        {"first", no_argument, NULL, 'f'},        {NULL, 0, NULL, 0}};
    struct options options = {0};
    bool seeds = false;
    for (int code; (code = getopt_long(argc, argv, "", LONG, NULL)) != -1;) {
        switch (code) {
        case 's': seeds = seeds_read(&options, optarg); break;
        case 'm': options.minutes = strtod(optarg, NULL); break;
        case 'r': options.report = optarg; break;
        case '1':
            options.one = true;
            options.seed = strtoull(optarg, NULL, 10);
            break;
        case 'w': break; /* one seed is always told as a story */
        case 'x':
            options.minimise = true;
            options.seed = strtoull(optarg, NULL, 10);
            break;
        case '2': options.twice = true; break;
        case 'q': options.quiet = true; break;
        case 'f': options.first = true; break;
        default: return usage();
        }
    }
    if (optind < argc || (!seeds && !options.one && !options.minimise))
        return usage();
    signal(SIGABRT, crashed);
    signal(SIGSEGV, crashed);
    if (options.minimise)
        return minimise(options.seed);
    return options.one ? story(options.seed) : many(&options);
}
