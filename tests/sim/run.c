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

#include "tests/sim/many.h"
#include "tests/sim/sim.h"

struct options {
    struct sim_many many;
    uint64_t seed;
    bool seeds, one, minimise, help;
};

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

static int minimise(uint64_t seed, enum sim_fault_type with)
{
    struct sim_plan *plan = malloc(sizeof(*plan));
    struct sim_result result;
    sim_plan_make(plan, seed, with);
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

static int story(uint64_t seed, enum sim_fault_type with)
{
    struct sim_plan *plan = malloc(sizeof(*plan));
    struct sim_result result;
    sim_plan_make(plan, seed, with);
    sim_plan_print(stdout, plan);
    printf("what happened:\n");
    sim_crashes_name(seed);
    sim_run(&result, plan, stdout);
    printf("%" PRIu64 " messages, %" PRIu64 " faults, %" PRIu64 " events; quiet %" PRIu64
           " ms after the last fault; trace %016" PRIx64 "\n",
           result.messages, result.faults, result.events, result.healed_ms, result.trace);
    printf("%s\n", result.ok ? "every promise was kept" : result.wrong);
    free(plan);
    return !result.ok;
}

static int usage(FILE *out)
{
    fputs("usage: run --seeds A..B [--jobs N] [--minutes M] [--worlds SIZE] [--twice] [--first] [--quiet] [--report "
          "FILE]\n"
          "       run --seed N --story     what happens under a seed, in words\n"
          "       run --minimise N         the fewest faults under which seed N still fails\n"
          "--with NAME: every world has this fault, whatever else it has;\n"
          "--jobs: processes side by side; --worlds: only seeds whose world is short, long or full;\n"
          "--twice: each seed must do the same again; --first: stop at the first broken promise.\n"
          "A may be `fresh`: seeds that nobody has run, from the clock; then B is how many.\n",
          out);
    fputs("NAME:", out);
    for (unsigned i = 0; i < SIM_FAULT_TYPES; i++)
        fprintf(out, "%s %s", i % 10 == 9 ? "\n     " : "", sim_fault_name((enum sim_fault_type)i));
    fputs("\n", out);
    return out == stdout ? 0 : 2;
}

/* Digits and nothing else: what is no number must not run as seed 0. */
static bool number_read(uint64_t *out, const char *text)
{
    char *end = NULL;
    errno = 0;
    *out = strtoull(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0;
}

static bool minutes_read(double *out, const char *text)
{
    char *end = NULL;
    *out = strtod(text, &end);
    return end != text && *end == '\0' && *out >= 0;
}

static bool wrong(const char *option, const char *text)
{
    fprintf(stderr, "run: %s cannot take '%s'\n", option, text);
    return false;
}

static bool seeds_read(struct sim_many *many, const char *text)
{
    char *end = NULL;
    if (strncmp(text, "fresh..", 7) == 0) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        many->from = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
        many->to = many->from + strtoull(text + 7, &end, 10) - 1;
        return end != NULL && *end == '\0' && many->to >= many->from;
    }
    many->from = strtoull(text, &end, 10);
    if (end == text || strncmp(end, "..", 2) != 0)
        return false;
    const char *second = end + 2;
    many->to = strtoull(second, &end, 10);
    return end != second && *end == '\0' && many->to >= many->from;
}

static bool options_read(struct options *options, int argc, char **argv)
{
    static const struct option LONG[] = {
        {"seeds", required_argument, NULL, 's'},  {"minutes", required_argument, NULL, 'm'},
        {"report", required_argument, NULL, 'r'}, {"seed", required_argument, NULL, '1'},
        {"story", no_argument, NULL, 'w'},        {"minimise", required_argument, NULL, 'x'},
        {"twice", no_argument, NULL, '2'},        {"quiet", no_argument, NULL, 'q'},
        {"first", no_argument, NULL, 'f'},        {"jobs", required_argument, NULL, 'j'},
        {"worlds", required_argument, NULL, 'o'}, {"with", required_argument, NULL, 'h'},
        {"help", no_argument, NULL, 'u'},         {NULL, 0, NULL, 0}};
    struct sim_many *many = &options->many;
    uint64_t jobs;
    for (int code; (code = getopt_long(argc, argv, "", LONG, NULL)) != -1;) {
        switch (code) {
        case 's':
            options->seeds = seeds_read(many, optarg);
            if (!options->seeds)
                return wrong("--seeds", optarg);
            break;
        case 'm':
            if (!minutes_read(&many->minutes, optarg))
                return wrong("--minutes", optarg);
            break;
        case 'r': many->report = optarg; break;
        case 'j':
            if (!number_read(&jobs, optarg) || jobs == 0 || jobs > SIM_JOBS_MAX)
                return wrong("--jobs", optarg);
            many->jobs = (unsigned)jobs;
            break;
        case 'h':
            many->with = sim_fault_by_name(optarg);
            if (many->with == SIM_FAULT_TYPES)
                return wrong("--with", optarg);
            break;
        case 'o':
            many->world = optarg;
            if (!sim_plan_world_known(many->world))
                return wrong("--worlds", optarg);
            break;
        case '2': many->twice = true; break;
        case 'q': many->quiet = true; break;
        case 'f': many->first = true; break;
        case 'u': options->help = true; return true;
        case 'w': break; /* one seed is always told as a story */
        case '1':
        case 'x':
            options->one = code == '1';
            options->minimise = code == 'x';
            if (!number_read(&options->seed, optarg))
                return wrong(options->one ? "--seed" : "--minimise", optarg);
            break;
        default: return false;
        }
    }
    return optind == argc && (options->seeds || options->one || options->minimise);
}

int main(int argc, char **argv)
{
    struct options options = {.many = {.jobs = 1, .with = SIM_FAULT_TYPES}};
    if (!options_read(&options, argc, argv))
        return usage(stderr);
    if (options.help)
        return usage(stdout);
    if (options.minimise)
        return minimise(options.seed, options.many.with);
    return options.one ? story(options.seed, options.many.with) : sim_many(&options.many);
}
