/*
 * Any bytes as the file of a signer's guard. An input is: how (1 byte), then the file. how: bit 0, the folder says that
 * something was signed; bit 1, the header's checksum is made right; bit 2, those of the records' first copies; bit 3, those
 * of their second copies. So what stands behind a checksum is reached, too.
 *
 * What must hold besides memory, against a model of the file that was written for this test: a guard that opens knows of
 * each log exactly the last record whose checksum is right, never one below another; it forgets none; it opens the same
 * way again; it does not go back. One that does not open says why, and leaves the file as it was.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proofs/codec/bytes.h"
#include "proofs/codec/sodium.h"
#include "relay/edge/guard.h"
#include "tests/fuzz/edge/scratch.h"

enum {
    HEADER = 72, /* 16 name and version, 32 network, 8 base, 16 checksum */
    FIELDS = 81, /* 8 group, 32 log, 8 number, 32 running hash, 1 flags */
    COPY = FIELDS + 16,
    RECORD = 2 * COPY,
    ROOM = 4,
    INPUT_MAX = 64 << 10
};

static const uint8_t NETWORK[32] = {1};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        __builtin_trap();
}

static void checksum(uint8_t out[16], const uint8_t *file, size_t place, const uint8_t *fields)
{
    uint8_t hash[32], number[8] = {0};
    for (size_t i = 0; i < 8; i++)
        number[7 - i] = (uint8_t)((uint64_t)place >> 8 * i);
    const struct bytes header[] = {{file, HEADER - 16}};
    const struct bytes record[] = {{file + HEADER - 16, 16}, {number, 8}, {fields, FIELDS}};
    require(fields == NULL ? codec_sodium_blake2b256(hash, header, 1) : codec_sodium_blake2b256(hash, record, 3));
    memcpy(out, hash, 16);
}

static void seal(uint8_t *file, size_t size, uint8_t how)
{
    if (size < HEADER)
        return;
    if (how & 2)
        checksum(file + HEADER - 16, file, 0, NULL);
    for (size_t i = 0; i < (size - HEADER) / RECORD; i++) {
        for (size_t copy = 0; copy < 2; copy++) {
            uint8_t *fields = file + HEADER + i * RECORD + copy * COPY;
            if (how & (4u << copy))
                checksum(fields + FIELDS, file, i, fields);
        }
    }
}

/* The fields that count of record i: of its first copy that is whole; NULL: neither is. */
static const uint8_t *whole(const uint8_t *file, size_t i)
{
    uint8_t expected[16];
    for (size_t copy = 0; copy < 2; copy++) {
        const uint8_t *fields = file + HEADER + i * RECORD + copy * COPY;
        checksum(expected, file, i, fields);
        if (memcmp(expected, fields + FIELDS, 16) == 0)
            return fields[FIELDS - 1] <= 1 ? fields : NULL;
    }
    return NULL;
}

static uint64_t number_of(const uint8_t *fields)
{
    uint64_t number = 0;
    for (size_t i = 0; i < 8; i++)
        number = number << 8 | fields[40 + i];
    return number;
}

/* The guard's rows are the file's: each log's last whole record, and the highest. */
static void compare(const struct edge_guard *guard, const uint8_t *file, size_t size)
{
    const struct edge_guard_row *rows;
    size_t len = edge_guard_rows(guard, &rows), records = size < HEADER ? 0 : (size - HEADER) / RECORD, known = 0;
    for (size_t i = 0; i < records; i++) {
        const uint8_t *fields = whole(file, i);
        if (fields == NULL)
            continue;
        const struct edge_guard_row *row = edge_guard_find(guard, fields + 8);
        require(row != NULL && row->number >= number_of(fields));
        bool last = true;
        for (size_t later = i + 1; later < records && last; later++) {
            const uint8_t *other = whole(file, later);
            last = other == NULL || memcmp(other + 8, fields + 8, 32) != 0;
        }
        if (!last)
            continue;
        known++;
        require(row->number == number_of(fields) && memcmp(row->running, fields + 48, 32) == 0 &&
                row->frozen == (fields[FIELDS - 1] == 1));
    }
    require(known == len);
    for (size_t i = 1; i < len; i++)
        require(memcmp(rows[i - 1].log, rows[i].log, 32) < 0);
}

static void path_of(char out[FUZZ_SCRATCH_MAX], const char *name)
{
    snprintf(out, FUZZ_SCRATCH_MAX, "%s/%s", fuzz_scratch("guard"), name);
}

static void file_write(const char *path, const uint8_t *data, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    require(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    close(fd);
}

static void unchanged(const char *path, const uint8_t *file, size_t size)
{
    static uint8_t now[INPUT_MAX + 1];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    require(fd >= 0 && read(fd, now, sizeof now) == (ssize_t)size && memcmp(now, file, size) == 0);
    close(fd);
}

/* A guard that opened: what it holds it holds after the next start, too, and it does not go back. */
static void opened(struct edge_guard *guard, const uint8_t *file, size_t size, bool marked)
{
    char text[256];
    const struct edge_guard_row *rows;
    struct edge_guard *again;
    compare(guard, file, size);
    size_t len = edge_guard_rows(guard, &rows);
    require(!marked || len > 0);
    edge_guard_close(guard);
    require(edge_guard_open(&again, fuzz_scratch("guard"), NETWORK, ROOM, text, sizeof text) == EDGE_GUARD_OK);
    compare(again, file, size);
    if (edge_guard_rows(again, &rows) > 0) {
        struct edge_guard_row other = rows[0];
        other.running[0] ^= 1;
        require(!edge_guard_advance(again, &other, 1, text, sizeof text) && text[0] != '\0');
    }
    edge_guard_close(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t file[INPUT_MAX];
    char path[FUZZ_SCRATCH_MAX], mark[FUZZ_SCRATCH_MAX], text[256] = "";
    struct edge_guard *guard;
    if (size == 0 || size > sizeof file)
        return 0;
    bool marked = data[0] & 1;
    size_t len = size - 1;
    memcpy(file, data + 1, len);
    seal(file, len, data[0]);
    path_of(path, "guard");
    path_of(mark, "signed");
    file_write(path, file, len);
    if (marked)
        file_write(mark, NULL, 0);
    else
        unlink(mark);
    if (edge_guard_open(&guard, fuzz_scratch("guard"), NETWORK, ROOM, text, sizeof text) == EDGE_GUARD_OK) {
        opened(guard, file, len, marked);
        return 0;
    }
    require(guard == NULL && text[0] != '\0');
    unchanged(path, file, len);
    return 0;
}
