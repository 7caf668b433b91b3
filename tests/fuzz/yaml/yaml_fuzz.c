/*
 * Any bytes as a network document and as a relay's own file: no crash, no leak, and what is refused is said. The relay's
 * file is read through a memory file, because its loader takes a path.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "relay/edge/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct config_problems problems;
    struct config_relay relay;
    char path[64];

    memset(&problems, 0, sizeof problems);
    struct topology_network *network = config_network_read("network.yaml", data, size, &problems);
    assert((network == NULL) == (problems.total > 0));
    topology_network_free(network);

    int fd = memfd_create("fuzz_yaml", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    memset(&problems, 0, sizeof problems);
    bool good = config_relay_load(&relay, path, &problems);
    assert(good == (problems.total == 0));
    config_relay_free(&relay);
    close(fd);
    return 0;
}
