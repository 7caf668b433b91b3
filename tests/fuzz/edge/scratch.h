/*
 * A folder in memory (where there is one) for the targets that need files; it is removed when the process ends in order.
 */
#ifndef TESTS_FUZZ_EDGE_SCRATCH_H
#define TESTS_FUZZ_EDGE_SCRATCH_H

#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/store/scratch.h"

enum { FUZZ_SCRATCH_MAX = 400 }; /* bytes of a path in it */

static struct scratch fuzz_scratch_folder;

static inline void fuzz_scratch_end(void)
{
    scratch_free(&fuzz_scratch_folder);
}

/* The folder `name` of it; static storage until the next call with another name. */
static inline const char *fuzz_scratch(const char *name)
{
    static char path[300];
    if (fuzz_scratch_folder.path[0] == '\0') {
        if (access("/dev/shm", W_OK) == 0)
            setenv("TMPDIR", "/dev/shm", 1);
        fuzz_scratch_folder = scratch_new();
        atexit(fuzz_scratch_end);
    }
    snprintf(path, sizeof path, "%s/%s", fuzz_scratch_folder.path, name);
    mkdir(path, 0700);
    return path;
}

#endif
