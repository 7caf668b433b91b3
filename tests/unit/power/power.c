/* Interposed fsync and fdatasync, and the cut: see power.h. */
#include "tests/unit/power/power.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { FILES_MAX = 4096 };

static struct {
    pthread_mutex_t mutex;
    uint64_t count;
    size_t len;
    struct {
        dev_t device;
        ino_t file;
        off_t size;
    } list[FILES_MAX];
} synced = {.mutex = PTHREAD_MUTEX_INITIALIZER};

/* The table is full: a test that syncs so many files must make it larger, or its cuts would lie. */
static void full(void)
{
    fprintf(stderr, "power: more than %d files\n", FILES_MAX);
    abort();
}

static size_t place_of(const struct stat *stat)
{
    size_t at = 0;
    while (at < synced.len && (synced.list[at].device != stat->st_dev || synced.list[at].file != stat->st_ino))
        at++;
    return at;
}

static void remember(const struct stat *stat)
{
    pthread_mutex_lock(&synced.mutex);
    size_t at = place_of(stat);
    if (at == FILES_MAX)
        full();
    if (at == synced.len)
        synced.len++;
    synced.list[at].device = stat->st_dev;
    synced.list[at].file = stat->st_ino;
    synced.list[at].size = stat->st_size;
    synced.count++;
    pthread_mutex_unlock(&synced.mutex);
}

/* The size is taken before the sync: what another thread writes meanwhile is not promised. */
static int sync_by(long number, int fd)
{
    struct stat stat;
    int known = fstat(fd, &stat);
    int result = (int)syscall(number, fd);
    if (known == 0 && result == 0 && S_ISREG(stat.st_mode))
        remember(&stat);
    return result;
}

/* These two stand before those of the C library, for RocksDB and for our own code. */
int fdatasync(int fd)
{
    return sync_by(SYS_fdatasync, fd);
}

int fsync(int fd)
{
    return sync_by(SYS_fsync, fd);
}

static off_t synced_size(const struct stat *stat)
{
    pthread_mutex_lock(&synced.mutex);
    size_t at = place_of(stat);
    off_t size = at < synced.len ? synced.list[at].size : 0;
    pthread_mutex_unlock(&synced.mutex);
    return size < stat->st_size ? size : stat->st_size;
}

static void copy_file(int from_folder, int to_folder, const char *name)
{
    char buffer[1 << 16];
    struct stat stat;
    int in = openat(from_folder, name, O_RDONLY | O_CLOEXEC);
    if (in < 0)
        return; /* removed since it was listed */
    int out = openat(to_folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (out < 0 || fstat(in, &stat) != 0)
        abort();
    for (off_t left = synced_size(&stat); left > 0;) {
        ssize_t got = read(in, buffer, left < (off_t)sizeof(buffer) ? (size_t)left : sizeof(buffer));
        if (got <= 0 || write(out, buffer, (size_t)got) != got)
            abort();
        left -= got;
    }
    close(in);
    close(out);
}

void power_cut(const char *from, const char *to)
{
    if (mkdir(to, 0700) != 0)
        abort();
    DIR *folder = opendir(from);
    int to_folder = open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder == NULL || to_folder < 0)
        abort();
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (entry->d_type == DT_REG)
            copy_file(dirfd(folder), to_folder, entry->d_name);
    }
    closedir(folder);
    close(to_folder);
}

uint64_t power_syncs(void)
{
    pthread_mutex_lock(&synced.mutex);
    uint64_t count = synced.count;
    pthread_mutex_unlock(&synced.mutex);
    return count;
}
