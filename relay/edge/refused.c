/* A ring of files: names begin with the time, so the first in order is the oldest. */
#include "relay/edge/refused.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_MAX_BYTES = 160, LISTED_MAX = 4096 };

static const char SUFFIX[] = ".evidence";

struct kept {
    char name[NAME_MAX_BYTES];
    uint64_t bytes;
};

struct listing {
    struct kept *kept;
    size_t count;
    uint64_t bytes;
};

static bool fail(char *text, size_t cap, const char *what, const char *path)
{
    snprintf(text, cap, "%s: %s: %s", path, what, strerror(errno));
    return false;
}

static void word_copy(char *out, size_t cap, const char *word)
{
    size_t len = 0;
    for (; word[len] != '\0' && len + 1 < cap; len++) {
        char c = word[len];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
        out[len] = plain ? c : '_';
    }
    out[len] = '\0';
}

static int older(const void *a, const void *b)
{
    return strcmp(((const struct kept *)a)->name, ((const struct kept *)b)->name);
}

/* Only files of ours: whatever else lies there is left alone. */
static bool is_ours(const char *name)
{
    size_t len = strlen(name);
    return len < NAME_MAX_BYTES && len > sizeof(SUFFIX) && strcmp(name + len - (sizeof(SUFFIX) - 1), SUFFIX) == 0;
}

static bool listing_read(struct listing *listing, int folder)
{
    int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = copy < 0 ? NULL : fdopendir(copy);
    *listing = (struct listing){.kept = calloc(LISTED_MAX, sizeof(struct kept))};
    const struct dirent *entry;
    while (dir != NULL && listing->kept != NULL && listing->count < LISTED_MAX && (entry = readdir(dir)) != NULL) {
        struct stat file;
        if (!is_ours(entry->d_name) || fstatat(folder, entry->d_name, &file, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(file.st_mode))
            continue;
        struct kept *kept = &listing->kept[listing->count++];
        memcpy(kept->name, entry->d_name, strlen(entry->d_name) + 1);
        kept->bytes = (uint64_t)file.st_size;
        listing->bytes += kept->bytes;
    }
    bool read = dir != NULL && listing->kept != NULL;
    if (dir != NULL)
        closedir(dir);
    else if (copy >= 0)
        close(copy);
    if (read)
        qsort(listing->kept, listing->count, sizeof(*listing->kept), older);
    return read;
}

/* For a file of `name`. First go those that are dated later, by a clock that was ahead; then the oldest. */
static bool room_make(int folder, const struct edge_refused *refused, const char *name, uint64_t wanted)
{
    struct listing listing;
    bool read = listing_read(&listing, folder);
    size_t gone = 0, later = 0;
    while (read && later < listing.count && strcmp(listing.kept[later].name, name) <= 0)
        later++;
    for (; read && gone < listing.count &&
           (listing.count - gone >= refused->files || listing.bytes + wanted > refused->bytes);
         gone++) {
        const struct kept *kept = &listing.kept[(later + gone) % listing.count];
        listing.bytes -= kept->bytes;
        unlinkat(folder, kept->name, 0);
    }
    free(listing.kept);
    return read;
}

static bool file_write(int folder, const char *name, struct bytes bytes)
{
    int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    size_t done = 0;
    while (fd >= 0 && done < bytes.len) {
        ssize_t wrote = write(fd, bytes.data + done, bytes.len - done);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            break;
        done += (size_t)wrote;
    }
    if (fd >= 0)
        close(fd);
    if (fd >= 0 && done < bytes.len)
        unlinkat(folder, name, 0); /* half of it shows nothing */
    return fd >= 0 && done == bytes.len;
}

bool edge_refused_keep(const struct edge_refused *refused, uint64_t time, const char *source, const char *reason,
                       struct bytes bytes, char *text, size_t cap)
{
    char name[NAME_MAX_BYTES], who[48], why[64];
    word_copy(who, sizeof(who), source);
    word_copy(why, sizeof(why), reason);
    snprintf(name, sizeof(name), "%013" PRIu64 "-%s-%s%s", time, who, why, SUFFIX);
    if (refused->files == 0 || bytes.len > refused->bytes) {
        snprintf(text, cap, "%zu bytes: more than budgets.evidence_files and evidence_bytes allow to keep", bytes.len);
        return false;
    }
    if (mkdir(refused->folder, 0700) != 0 && errno != EEXIST)
        return fail(text, cap, "cannot be made", refused->folder);
    int folder = open(refused->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (folder < 0)
        return fail(text, cap, "cannot be opened", refused->folder);
    bool kept = room_make(folder, refused, name, bytes.len) && (file_write(folder, name, bytes) || errno == EEXIST);
    if (kept)
        snprintf(text, cap, "%s/%s", refused->folder, name);
    else
        fail(text, cap, "no evidence could be kept there", refused->folder);
    close(folder);
    return kept;
}
