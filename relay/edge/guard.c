/*
 * The guard's file. Header: 15 characters `isthmus-guard`, zero padded, version, network id, u64 how many records
 * were there when it got its name (they must all be whole), checksum of these. Then records, each written twice: u64 group || log id || u64 number || running hash || u8 flags || 16 bytes of BLAKE2b-256
 * over (header's checksum || u64 place in the file || the fields).
 */
#include "relay/edge/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proofs/codec/bytes.h"
#include "proofs/codec/sodium.h"
#include "relay/edge/fault.h"

enum {
    VERSION = 1,
    CHECKSUM = 16,
    IDENTITY = 16 + 32,
    HEADER = IDENTITY + 8 + CHECKSUM,
    FIELDS = 8 + 32 + 8 + 32 + 1,
    COPY = FIELDS + CHECKSUM,
    RECORD = 2 * COPY,
    FLAG_FROZEN = 1,
    COMPACT_SPARE = 8192 /* records beyond twice the rows before the file is compacted */
};

static const char MAGIC[15] = "isthmus-guard";

/* What to do about one that is damaged. */
#define RESTORE                                                                                                        \
    "restore it from its newest copy, and adopt by name the heads of this operator that other relays show; without a " \
    "copy move the file `guard` away, not its folder, and adopt them of every log (isthmusd -x guard "                 \
    "LOG:NUMBER:RUNNING); never delete it"

struct edge_guard {
    int folder, lock, fd;
    uint8_t header[HEADER];
    uint64_t records; /* in the file */
    uint64_t group;
    struct edge_guard_row *rows; /* ascending by log */
    size_t rows_len, rows_cap;
    bool failed, marked; /* marked: the folder says that something was signed */
    uint8_t buffer[EDGE_GUARD_BATCH_MAX * RECORD];
};

static enum edge_guard_status fail(enum edge_guard_status status, char *text, size_t cap, const char *folder,
                                   const char *what)
{
    snprintf(text, cap, "guard %s: %s", folder, what);
    return status;
}

/* ---- bytes --------------------------------------------------------------------------------------------------------- */

static void checksum(uint8_t out[CHECKSUM], const struct bytes *parts, size_t count)
{
    uint8_t hash[32];
    if (!codec_sodium_blake2b256(hash, parts, count))
        abort(); /* without a checksum nothing may be written or believed */
    memcpy(out, hash, CHECKSUM);
}

static void number_write(uint8_t out[8], uint64_t number)
{
    struct codec_writer writer;
    codec_writer_init(&writer, out, 8);
    codec_write_u64(&writer, number);
}

/* Closes a header whose identity is there already. */
static void header_close(uint8_t header[HEADER], uint64_t base)
{
    struct bytes part = {header, HEADER - CHECKSUM};
    number_write(header + IDENTITY, base);
    checksum(header + HEADER - CHECKSUM, &part, 1);
}

static void record_checksum(uint8_t out[CHECKSUM], const struct edge_guard *guard, uint64_t place,
                            const uint8_t fields[FIELDS])
{
    uint8_t number[8];
    number_write(number, place);
    struct bytes parts[3] = {{guard->header + HEADER - CHECKSUM, CHECKSUM}, {number, 8}, {fields, FIELDS}};
    checksum(out, parts, 3);
}

static void record_write(uint8_t out[RECORD], const struct edge_guard *guard, uint64_t place,
                         const struct edge_guard_row *row)
{
    struct codec_writer writer;
    codec_writer_init(&writer, out, COPY);
    codec_write_u64(&writer, guard->group);
    codec_write_bytes(&writer, BYTES_OF(row->log));
    codec_write_u64(&writer, row->number);
    codec_write_bytes(&writer, BYTES_OF(row->running));
    codec_write_u8(&writer, row->frozen ? FLAG_FROZEN : 0);
    record_checksum(out + FIELDS, guard, place, out);
    memcpy(out + COPY, out, COPY);
}

/* Either copy that is whole; false: neither is. */
static bool record_read(struct edge_guard_row *row, uint64_t *group, const struct edge_guard *guard, uint64_t place,
                        const uint8_t in[RECORD])
{
    for (size_t i = 0; i < 2; i++) {
        const uint8_t *copy = in + i * COPY;
        uint8_t expected[CHECKSUM];
        struct codec_reader reader;
        record_checksum(expected, guard, place, copy);
        if (memcmp(expected, copy + FIELDS, CHECKSUM) != 0)
            continue;
        codec_reader_init(&reader, (struct bytes){copy, FIELDS});
        *group = codec_read_u64(&reader);
        codec_read_copy(row->log, &reader, 32);
        row->number = codec_read_u64(&reader);
        codec_read_copy(row->running, &reader, 32);
        uint8_t flags = codec_read_u8(&reader);
        row->frozen = (flags & FLAG_FROZEN) != 0;
        return codec_reader_done(&reader) && (flags & ~FLAG_FROZEN) == 0;
    }
    return false;
}

/* ---- rows ---------------------------------------------------------------------------------------------------------- */

/* The place of log, or where it would stand. */
static size_t row_place(const struct edge_guard *guard, const uint8_t log[32], bool *found)
{
    size_t low = 0, high = guard->rows_len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = memcmp(guard->rows[middle].log, log, 32);
        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *found = false;
    return low;
}

const struct edge_guard_row *edge_guard_find(const struct edge_guard *guard, const uint8_t log[32])
{
    bool found;
    size_t place = row_place(guard, log, &found);
    return found ? &guard->rows[place] : NULL;
}

size_t edge_guard_rows(const struct edge_guard *guard, const struct edge_guard_row **rows)
{
    *rows = guard->rows;
    return guard->rows_len;
}

/* True when the row may replace what is there: never back, never another word for the same number. */
static bool row_may(const struct edge_guard *guard, const struct edge_guard_row *row)
{
    const struct edge_guard_row *old = edge_guard_find(guard, row->log);
    if (old == NULL)
        return guard->rows_len < guard->rows_cap;
    return row->number > old->number || (row->number == old->number && memcmp(row->running, old->running, 32) == 0);
}

static void row_put(struct edge_guard *guard, const struct edge_guard_row *row)
{
    bool found;
    size_t place = row_place(guard, row->log, &found);
    if (!found) {
        memmove(&guard->rows[place + 1], &guard->rows[place], (guard->rows_len - place) * sizeof(*guard->rows));
        guard->rows_len++;
    }
    guard->rows[place] = *row;
}

/* ---- reading the file ---------------------------------------------------------------------------------------------- */

static bool read_whole(int fd, uint8_t *out, size_t len, off_t at)
{
    while (len > 0) {
        ssize_t got = pread(fd, out, len, at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        out += got;
        at += got;
        len -= (size_t)got;
    }
    return true;
}

/* Takes over the file's header: its checksum is part of every record's. */
static enum edge_guard_status header_read(struct edge_guard *guard, int fd, uint64_t *base, const char *folder,
                                          char *text, size_t cap)
{
    uint8_t found[HEADER], sum[CHECKSUM];
    struct codec_reader reader;
    struct bytes part = {found, HEADER - CHECKSUM};
    if (!read_whole(fd, found, HEADER, 0) || memcmp(found, MAGIC, sizeof(MAGIC)) != 0)
        return fail(EDGE_GUARD_CORRUPT, text, cap, folder, "is not a guard: " RESTORE);
    checksum(sum, &part, 1);
    if (memcmp(sum, found + HEADER - CHECKSUM, CHECKSUM) != 0)
        return fail(EDGE_GUARD_CORRUPT, text, cap, folder, "its header is damaged: " RESTORE);
    if (found[15] != VERSION)
        return fail(EDGE_GUARD_VERSION, text, cap, folder, "is of a newer version: update isthmus");
    if (memcmp(found, guard->header, IDENTITY) != 0)
        return fail(EDGE_GUARD_OTHER_NETWORK, text, cap, folder,
                    "belongs to another network: each network needs a guard folder of its own");
    memcpy(guard->header, found, HEADER);
    codec_reader_init(&reader, (struct bytes){found + IDENTITY, 8});
    *base = codec_read_u64(&reader);
    return EDGE_GUARD_OK;
}

/*
 * Applies the records. One that is torn in both copies is dropped only where a crash can have torn it: not among the first
 * `base`, and in the last group, which then was never synced, so that nothing was signed under it. Groups count up by one:
 * what stands behind a torn record tells whether a whole group is gone.
 */
static enum edge_guard_status records_read(struct edge_guard *guard, int fd, uint64_t base, uint64_t count,
                                           const char *folder, char *text, size_t cap)
{
    bool damaged = count < base;
    uint64_t torn = 0, last = 0; /* last: group of what stands behind a torn record */
    guard->group = 1;            /* what the compacting wrote */
    for (uint64_t i = 0; i < count && !damaged; i++) {
        struct edge_guard_row row;
        uint64_t group;
        uint8_t record[RECORD];
        if (!read_whole(fd, record, RECORD, (off_t)(HEADER + i * RECORD)))
            return fail(EDGE_GUARD_IO, text, cap, folder, strerror(errno));
        if (!record_read(&row, &group, guard, i, record)) {
            torn++;
            damaged = i < base || torn > EDGE_GUARD_BATCH_MAX;
            continue;
        }
        damaged = group < guard->group || (last != 0 && group != last) ||
                  (last == 0 && torn > 0 && group > guard->group + 1) || !row_may(guard, &row);
        if (damaged)
            break;
        last = torn > 0 ? group : 0;
        guard->group = group;
        row_put(guard, &row);
    }
    if (damaged)
        return fail(EDGE_GUARD_CORRUPT, text, cap, folder, "is damaged: " RESTORE);
    return EDGE_GUARD_OK;
}

/* ---- writing ------------------------------------------------------------------------------------------------------- */

static bool write_whole(int fd, const uint8_t *data, size_t len, off_t at)
{
    while (len > 0) {
        ssize_t put = pwrite(fd, data, len, at);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        data += put;
        at += put;
        len -= (size_t)put;
    }
    return true;
}

/* Writes the rows into a new file under the old one's name. Afterwards the old file is gone. */
static bool compact(struct edge_guard *guard)
{
    int fd = openat(guard->folder, "guard.new", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    header_close(guard->header, guard->rows_len);
    bool done = fd >= 0 && write_whole(fd, guard->header, HEADER, 0);
    guard->group = 1;
    for (size_t i = 0; done && i < guard->rows_len;) {
        size_t count = 0;
        for (; count < EDGE_GUARD_BATCH_MAX && i + count < guard->rows_len; count++)
            record_write(guard->buffer + count * RECORD, guard, i + count, &guard->rows[i + count]);
        done = write_whole(fd, guard->buffer, count * RECORD, (off_t)(HEADER + i * RECORD));
        i += count;
    }
    done = done && fsync(fd) == 0;
    EDGE_FAULT(GUARD_RENAME_BEFORE);
    done = done && renameat(guard->folder, "guard.new", guard->folder, "guard") == 0;
    EDGE_FAULT(GUARD_RENAME_AFTER);
    done = done && fsync(guard->folder) == 0;
    if (!done) {
        if (fd >= 0)
            close(fd);
        return false; /* header and group are those of a file that is not there: the caller writes nothing more */
    }
    if (guard->fd >= 0)
        close(guard->fd);
    guard->fd = fd;
    guard->records = guard->rows_len;
    return true;
}

/* The folder says from now on that something was signed: then a guard that is gone or empty is a loss, not a beginning. */
static bool mark(struct edge_guard *guard)
{
    if (guard->marked)
        return true;
    int fd = openat(guard->folder, "signed", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    guard->marked = fd >= 0 && fsync(fd) == 0 && fsync(guard->folder) == 0;
    if (fd >= 0)
        close(fd);
    return guard->marked;
}

static bool append(struct edge_guard *guard, const struct edge_guard_row *rows, size_t count)
{
    guard->group++;
    for (size_t i = 0; i < count; i++)
        record_write(guard->buffer + i * RECORD, guard, guard->records + i, &rows[i]);
    EDGE_FAULT(GUARD_BEFORE);
    if (!write_whole(guard->fd, guard->buffer, count * RECORD, (off_t)(HEADER + guard->records * RECORD)))
        return false;
    EDGE_FAULT(GUARD_WRITTEN);
    if (fdatasync(guard->fd) != 0)
        return false;
    EDGE_FAULT(GUARD_SYNCED);
    guard->records += count;
    for (size_t i = 0; i < count; i++)
        row_put(guard, &rows[i]);
    if (!mark(guard))
        return false;
    return guard->records <= 2 * guard->rows_len + COMPACT_SPARE || compact(guard);
}

static bool stop(struct edge_guard *guard, char *text, size_t cap, const char *what)
{
    guard->failed = true;
    snprintf(text, cap, "guard: %s", what);
    return false;
}

bool edge_guard_advance(struct edge_guard *guard, const struct edge_guard_row *rows, size_t count, char *text,
                        size_t cap)
{
    if (guard->failed)
        return stop(guard, text, cap, "could not be written before: restart the signer when the disk is well again");
    size_t added = 0;
    for (size_t i = 0; i < count; i++) {
        if (!row_may(guard, &rows[i]))
            return stop(guard, text, cap, "was asked to go back, or has no room for another log");
        added += edge_guard_find(guard, rows[i].log) == NULL;
    }
    if (count > EDGE_GUARD_BATCH_MAX || guard->rows_len + added > guard->rows_cap)
        return stop(guard, text, cap, "has no room for so many logs");
    if (count > 0 && !append(guard, rows, count))
        return stop(guard, text, cap, strerror(errno));
    return true;
}

bool edge_guard_thaw(struct edge_guard *guard, const uint8_t log[32], char *text, size_t cap)
{
    const struct edge_guard_row *row = edge_guard_find(guard, log);
    if (row == NULL || !row->frozen) {
        snprintf(text, cap, "guard: %s", row == NULL ? "knows no such log" : "this log is not frozen");
        return false;
    }
    struct edge_guard_row thawed = *row;
    thawed.frozen = false;
    return edge_guard_advance(guard, &thawed, 1, text, cap);
}

/* ---- opening ------------------------------------------------------------------------------------------------------- */

/* The name of a folder that was just made is on disk when its parent is. */
static bool parent_sync(int folder)
{
    int fd = openat(folder, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return synced;
}

/* Who has the lock stands in its file, for people: nothing depends on it. */
static void lock_sign(int lock)
{
    char text[32];
    int len = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    if (ftruncate(lock, 0) != 0 || pwrite(lock, text, (size_t)len, 0) != len)
        return; /* then nobody is named */
}

struct lock_holder {
    char text[40]; /* " (process 123)", or empty */
};

static struct lock_holder lock_signed(int lock)
{
    struct lock_holder holder = {""};
    char text[32] = "";
    long pid = pread(lock, text, sizeof(text) - 1, 0) > 0 ? strtol(text, NULL, 10) : 0;
    if (pid > 0)
        snprintf(holder.text, sizeof(holder.text), " (process %ld)", pid);
    return holder;
}

static enum edge_guard_status folder_open(struct edge_guard *guard, const char *folder, char *text, size_t cap)
{
    struct stat status;
    bool made = mkdir(folder, 0700) == 0;
    if (!made && errno != EEXIST)
        return fail(EDGE_GUARD_IO, text, cap, folder, strerror(errno));
    guard->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (guard->folder < 0 || fstat(guard->folder, &status) != 0 || (made && !parent_sync(guard->folder)))
        return fail(EDGE_GUARD_IO, text, cap, folder, strerror(errno));
    if (status.st_uid != geteuid() || (status.st_mode & 022) != 0)
        return fail(EDGE_GUARD_PERMISSIONS, text, cap, folder,
                    "belongs to, or may be written by, others than the signer's user: chown it, and chmod 700");
    if (faccessat(guard->folder, "signed", F_OK, 0) == 0)
        guard->marked = true;
    else if (errno != ENOENT)
        return fail(EDGE_GUARD_IO, text, cap, folder, strerror(errno));
    guard->lock = openat(guard->folder, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (guard->lock < 0)
        return fail(EDGE_GUARD_IO, text, cap, folder, strerror(errno));
    if (flock(guard->lock, LOCK_EX | LOCK_NB) == 0) {
        lock_sign(guard->lock);
        return EDGE_GUARD_OK;
    }
    char busy[128];
    snprintf(busy, sizeof(busy), "another signer%s has it open: stop its relay first; one guard, one signer",
             lock_signed(guard->lock).text);
    return fail(EDGE_GUARD_BUSY, text, cap, folder, busy);
}

static enum edge_guard_status content_open(struct edge_guard *guard, size_t room, bool lost, const char *folder,
                                           char *text, size_t cap)
{
    struct stat status = {.st_size = 0};
    int fd = openat(guard->folder, "guard", O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno != ENOENT)
        return fail(EDGE_GUARD_IO, text, cap, folder, strerror(errno));
    if (fd >= 0 && fstat(fd, &status) != 0) {
        close(fd);
        return fail(EDGE_GUARD_IO, text, cap, folder, strerror(errno));
    }
    uint64_t base = 0;
    uint64_t count = status.st_size > HEADER ? (uint64_t)(status.st_size - HEADER) / RECORD : 0;
    guard->rows_cap = room + (size_t)count;
    guard->rows = calloc(guard->rows_cap + 1, sizeof(*guard->rows));
    enum edge_guard_status result = guard->rows == NULL ? fail(EDGE_GUARD_MEMORY, text, cap, folder, "no memory")
                                    : fd < 0            ? EDGE_GUARD_OK
                                                        : header_read(guard, fd, &base, folder, text, cap);
    if (result == EDGE_GUARD_OK && fd >= 0)
        result = records_read(guard, fd, base, count, folder, text, cap);
    if (fd >= 0)
        close(fd);
    if (result == EDGE_GUARD_OK && guard->marked && guard->rows_len == 0 && !lost)
        return fail(
            EDGE_GUARD_LOST, text, cap, folder,
            "has signed, and its file is gone or empty: restore its newest copy; without one, adopt by name the "
            "newest head of this operator that other relays show, of every log (isthmusd -x guard "
            "LOG:NUMBER:RUNNING)");
    if (result == EDGE_GUARD_OK && guard->rows_len > 0 && !mark(guard)) /* a folder of before there were marks */
        return fail(EDGE_GUARD_IO, text, cap, folder, strerror(errno));
    /* Compacting at once also clears away a torn end, so that nothing is ever appended behind one. */
    if (result == EDGE_GUARD_OK && !compact(guard))
        return fail(EDGE_GUARD_IO, text, cap, folder, strerror(errno));
    return result;
}

static enum edge_guard_status guard_open(struct edge_guard **out, const char *folder, const uint8_t network[32],
                                         size_t room, bool lost, char *text, size_t cap)
{
    struct edge_guard *guard = calloc(1, sizeof(*guard));
    *out = NULL;
    if (guard == NULL)
        return fail(EDGE_GUARD_MEMORY, text, cap, folder, "no memory");
    guard->folder = guard->lock = guard->fd = -1;
    memcpy(guard->header, MAGIC, sizeof(MAGIC));
    guard->header[15] = VERSION;
    memcpy(guard->header + 16, network, 32);
    enum edge_guard_status status = folder_open(guard, folder, text, cap);
    if (status == EDGE_GUARD_OK)
        status = content_open(guard, room, lost, folder, text, cap);
    if (status != EDGE_GUARD_OK) {
        edge_guard_close(guard);
        return status;
    }
    *out = guard;
    return EDGE_GUARD_OK;
}

enum edge_guard_status edge_guard_open(struct edge_guard **out, const char *folder, const uint8_t network[32],
                                       size_t room, char *text, size_t cap)
{
    return guard_open(out, folder, network, room, false, text, cap);
}

enum edge_guard_status edge_guard_open_lost(struct edge_guard **out, const char *folder, const uint8_t network[32],
                                            size_t room, char *text, size_t cap)
{
    return guard_open(out, folder, network, room, true, text, cap);
}

void edge_guard_close(struct edge_guard *guard)
{
    if (guard == NULL)
        return;
    const int fds[3] = {guard->fd, guard->folder, guard->lock};
    for (size_t i = 0; i < 3; i++) {
        if (fds[i] >= 0)
            close(fds[i]);
    }
    free(guard->rows);
    free(guard);
}
