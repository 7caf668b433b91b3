/*
 * "<Unix seconds> <amount>", in fields of fixed width, written over what stood there: of a write that was not synced a disk shows the
 * one before, or the new one. A new file under the old one's name could be empty after a cut. Only the first is synced, as then the
 * file gets its name and size: a sync for each transaction would hold up the loop.
 */
#include "relay/edge/spent.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "relay/edge/fault.h"

enum { DAY_S = 86400, RECORD = 20 + 1 + EDGE_SPENT_MAX + 1 };

/* The name of a file is on disk when its folder is. */
static bool folder_sync(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof(folder), "%.*s", slash != NULL ? (int)(slash - path) + 1 : 1, slash != NULL ? path : ".");
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return synced;
}

/* False: there is no file of ours. */
static bool write_over(const char *path, const char record[RECORD])
{
    struct stat status;
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    bool written =
        fd >= 0 && fstat(fd, &status) == 0 && status.st_size == RECORD && pwrite(fd, record, RECORD, 0) == RECORD;
    return (fd < 0 || close(fd) == 0) && written;
}

static bool write_first(const char *path, const char record[RECORD])
{
    char fresh[PATH_MAX];
    snprintf(fresh, sizeof(fresh), "%s.new", path);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool written = fd >= 0 && pwrite(fd, record, RECORD, 0) == RECORD && fsync(fd) == 0;
    written = (fd < 0 || close(fd) == 0) && written;
    return written && rename(fresh, path) == 0 && folder_sync(path);
}

bool edge_spent_save(const char *path, uint64_t now, const char *amount)
{
    char record[RECORD + 1];
    EDGE_FAULT(SPENT_BEFORE);
    bool written = snprintf(record, sizeof(record), "%020" PRIu64 " %-*s\n", now, EDGE_SPENT_MAX, amount) == RECORD &&
                   (write_over(path, record) || write_first(path, record));
    EDGE_FAULT(SPENT_AFTER);
    return written;
}

bool edge_spent_load(char amount[EDGE_SPENT_MAX + 1], const char *path, uint64_t now)
{
    char spent[EDGE_SPENT_MAX + 1];
    uint64_t at;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    bool good = fscanf(file, "%" SCNu64 " %80[0-9]", &at, spent) == 2 && now < at + DAY_S;
    fclose(file);
    if (good)
        memcpy(amount, spent, strlen(spent) + 1);
    return good;
}
