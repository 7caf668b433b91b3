/* A temporary folder for one test, removed with all that is in it. */
#ifndef TESTS_UNIT_STORE_SCRATCH_H
#define TESTS_UNIT_STORE_SCRATCH_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct scratch {
    char path[256];
};

static inline int scratch_remove_one(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
    (void)stat, (void)type, (void)ftw;
    return remove(path);
}

static inline struct scratch scratch_new(void)
{
    struct scratch scratch;
    const char *base = getenv("TMPDIR");
    snprintf(scratch.path, sizeof(scratch.path), "%s/isthmus-store-XXXXXX", base && *base ? base : "/tmp");
    if (!mkdtemp(scratch.path)) {
        perror("mkdtemp");
        exit(1);
    }
    return scratch;
}

static inline void scratch_free(struct scratch *scratch)
{
    nftw(scratch->path, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
