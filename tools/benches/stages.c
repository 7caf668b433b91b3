/* Moments of frames, and what lies between them. */
#include "tools/benches/stages.h"

#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "tools/benches/scene.h"

struct stages {
    size_t cap;
    uint64_t at[][STAGES]; /* microseconds; 0: not yet */
};

static const char *const names[STAGES] = {
    [STAGE_DUE] = "all",          [STAGE_OPEN] = "wait",         [STAGE_SIGNED] = "sign",
    [STAGE_COMMITTED] = "commit", [STAGE_PUBLISHED] = "publish", [STAGE_RECEIVED] = "receive",
    [STAGE_VERIFIED] = "verify",  [STAGE_STORED] = "store",      [STAGE_ANSWERED] = "answer",
    [STAGE_TOLD] = "told",
};

struct stages *stages_new(size_t frames)
{
    struct stages *stages = mmap(NULL, sizeof(*stages) + frames * sizeof(stages->at[0]), PROT_READ | PROT_WRITE,
                                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (stages == MAP_FAILED)
        scene_die("no memory");
    stages->cap = frames;
    return stages;
}

void stages_mark(struct stages *stages, uint64_t number, enum stage stage, uint64_t us)
{
    if (stages && number < stages->cap)
        stages->at[number][stage] = us;
}

/* The time of a stage: since the one before; of STAGE_DUE: of all. The other process may be told before the call that tells it
 * returns: then there was none. */
static uint64_t spent(const uint64_t at[STAGES], int stage)
{
    uint64_t from = at[stage == STAGE_DUE ? STAGE_DUE : stage - 1], to = at[stage == STAGE_DUE ? STAGE_TOLD : stage];
    return to > from ? to - from : 0;
}

static int compare_frames(const void *a, const void *b)
{
    uint64_t x = spent(a, STAGE_DUE), y = spent(b, STAGE_DUE);
    return x < y ? -1 : x > y;
}

static int compare_times(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* Moves the frames with all their moments to the front; returns how many they are. */
static size_t whole(struct stages *stages)
{
    size_t len = 0;
    for (size_t i = 0; i < stages->cap; i++) {
        bool all = true;
        for (int stage = 0; stage < STAGES; stage++) {
            stages->at[len][stage] = stages->at[i][stage];
            all = all && stages->at[i][stage] != 0;
        }
        len += all;
    }
    return len;
}

void stages_print(struct stages *stages, FILE *out)
{
    size_t len = whole(stages), slow = len / 100 + (len > 0);
    uint64_t *times = malloc((len + 1) * sizeof(*times));
    if (times == NULL)
        scene_die("no memory");
    qsort(stages->at, len, sizeof(stages->at[0]), compare_frames);
    fprintf(out, "{\"frames\": %zu", len);
    for (int stage = 0; len > 0 && stage < STAGES; stage++) {
        double sum = 0;
        for (size_t i = 0; i < len; i++)
            times[i] = spent(stages->at[i], stage);
        for (size_t i = len - slow; i < len; i++)
            sum += (double)times[i];
        qsort(times, len, sizeof(*times), compare_times);
        fprintf(out, ", \"%s\": [%.3f, %.3f, %.3f]", names[stage], (double)times[len / 2] / 1e3,
                (double)times[len * 99 / 100] / 1e3, sum / (double)slow / 1e3);
    }
    fprintf(out, "}");
    free(times);
}
