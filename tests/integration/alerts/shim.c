/*
 * Preloaded into one isthmusd of the alerts' scene: a disk on which each sync takes SHIM_SYNC_MS milliseconds longer.
 */
#include <dlfcn.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

int fdatasync(int fd)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    const char *text = getenv("SHIM_SYNC_MS");
    poll(NULL, 0, text == NULL ? 0 : (int)strtol(text, NULL, 10));
    return real(fd);
}
