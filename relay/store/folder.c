/* A store's folder, looked at from outside. */
#include "relay/store/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROOM_TO_OPEN = 1 << 20 /* bytes that must be free */ };

bool store_folder_is_half(const char *path)
{
    DIR *folder = opendir(path);
    const struct dirent *entry;
    bool data = false;
    if (folder == NULL)
        return false; /* there is none, or the opening says what is wrong */
    while (!data && (entry = readdir(folder)) != NULL) {
        size_t digits = strspn(entry->d_name, "0123456789");
        const char *kind = entry->d_name + digits;
        data = digits > 0 && (strcmp(kind, ".sst") == 0 || strcmp(kind, ".log") == 0);
    }
    bool half = data && faccessat(dirfd(folder), "CURRENT", F_OK, 0) != 0 && errno == ENOENT;
    closedir(folder);
    return half;
}

bool store_folder_has_room(const char *path)
{
    int fd = open(path, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    bool full = fd < 0 ? errno == ENOSPC || errno == EDQUOT
                       : fallocate(fd, 0, 0, ROOM_TO_OPEN) != 0 && (errno == ENOSPC || errno == EDQUOT);
    if (fd >= 0)
        close(fd);
    return !full;
}

bool store_folder_is_direct(const char *path, bool make)
{
    if (make)
        (void)mkdir(path, 0700); /* before RocksDB does, for everybody to read; what is wrong, it says */
    int fd = open(path, O_TMPFILE | O_RDWR | O_DIRECT | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

pid_t store_folder_holder(const char *path)
{
    char file[1024];
    snprintf(file, sizeof(file), "%s/LOCK", path);
    int fd = open(file, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return 0;
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    pid_t holder = fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK ? lock.l_pid : 0;
    close(fd);
    return holder;
}
