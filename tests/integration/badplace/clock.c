/*
 * Preloaded into an isthmusd of tests/integration/badplace or tests/chaos: its clock is wrong by CLOCK_OFF_S seconds, or by
 * what the file CLOCK_OFF_FILE holds now (int64_t, seconds), so that it can jump. Time that only passes (CLOCK_MONOTONIC)
 * stays as it is.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *off_now;

/* Before the process is confined: later it could not open the file. */
__attribute__((constructor)) static void open_file(void)
{
    const char *path = getenv("CLOCK_OFF_FILE");
    int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    void *map = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(*off_now), PROT_READ, MAP_SHARED, fd, 0);
    if (path != NULL && map == MAP_FAILED)
        abort();
    if (map != MAP_FAILED)
        off_now = map;
    if (fd >= 0)
        close(fd);
}

int clock_gettime(clockid_t clock, struct timespec *out)
{
    int (*real)(clockid_t, struct timespec *) =
        (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    const char *off = getenv("CLOCK_OFF_S");
    int result = real(clock, out);
    if (result == 0 && clock == CLOCK_REALTIME && off != NULL)
        out->tv_sec += strtol(off, NULL, 10);
    if (result == 0 && clock == CLOCK_REALTIME && off_now != NULL)
        out->tv_sec += *off_now;
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
