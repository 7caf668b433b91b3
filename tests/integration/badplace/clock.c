/*
 * Preloaded into one isthmusd of tests/integration/badplace: its clock is wrong by CLOCK_OFF_S seconds. Time that only
 * passes (CLOCK_MONOTONIC) stays as it is.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

int clock_gettime(clockid_t clock, struct timespec *out)
{
    int (*real)(clockid_t, struct timespec *) =
        (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    const char *off = getenv("CLOCK_OFF_S");
    int result = real(clock, out);
    if (result == 0 && clock == CLOCK_REALTIME && off != NULL)
        out->tv_sec += strtol(off, NULL, 10);
    return result;
}

time_t time(time_t *out)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out != NULL)
        *out = now.tv_sec;
    return now.tv_sec;
}
