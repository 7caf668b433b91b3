/* Two places, written in turn: u32 magic, u32 length, u64 serial, b32 BLAKE2b-256 of all but itself, value. */
#include "relay/edge/trustfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proofs/codec/hex.h"
#include "proofs/codec/sodium.h"
#include "relay/edge/fault.h"

enum {
    MAGIC = 0x49545231,
    HEAD = 4 + 4 + 8,
    HASH_AT = HEAD,
    VALUE_AT = HEAD + 32,
    PLACE = VALUE_AT + EDGE_TRUSTFILE_VALUE_MAX
};

struct edge_trustfile {
    char path[4096];
    int fd;
    bool foreign;    /* a place begins as no version of ours does */
    bool second;     /* there is something in the second place: the first one was whole once */
    uint64_t serial; /* 0: nothing readable */
    size_t len;
    uint8_t value[EDGE_TRUSTFILE_VALUE_MAX];
    uint8_t place[PLACE];
};

static bool place_hash(uint8_t hash[32], const uint8_t *place, size_t len)
{
    const struct bytes parts[] = {{place, HEAD}, {place + VALUE_AT, len}};
    return codec_sodium_blake2b256(hash, parts, 2);
}

/* Takes the place at an offset when it is whole and newer than what was read. False: it could not be read at all. */
static bool place_read(struct edge_trustfile *file, off_t at)
{
    struct codec_reader reader;
    uint8_t hash[32];
    ssize_t got = pread(file->fd, file->place, PLACE, at);
    if (got < 0)
        return false;
    file->second = file->second || (at == PLACE && got > 0);
    if (got < VALUE_AT)
        return true;
    codec_reader_init(&reader, (struct bytes){file->place, HEAD});
    uint32_t magic = codec_read_u32(&reader), len = codec_read_u32(&reader);
    uint64_t serial = codec_read_u64(&reader);
    file->foreign = file->foreign || (magic != MAGIC && magic != 0); /* 0: a torn write may leave */
    if (magic != MAGIC || len > (size_t)got - VALUE_AT || serial <= file->serial ||
        !place_hash(hash, file->place, len) || memcmp(hash, file->place + HASH_AT, 32) != 0)
        return true;
    file->serial = serial;
    file->len = len;
    memcpy(file->value, file->place + VALUE_AT, len);
    return true;
}

static bool file_open(struct edge_trustfile *file, const char *folder)
{
    file->fd = open(file->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = file->fd >= 0 && dir >= 0 && fsync(dir) == 0; /* its name is there after a power cut, too */
    if (dir >= 0)
        close(dir);
    return good && place_read(file, 0) && place_read(file, PLACE);
}

struct edge_trustfile *edge_trustfile_open(const char *folder, const uint8_t identity[32], char *text, size_t cap)
{
    struct edge_trustfile *file = calloc(1, sizeof(*file));
    char digits[2 * 8 + 1];
    if (file == NULL) {
        snprintf(text, cap, "no memory");
        return NULL;
    }
    codec_hex_encode(digits, (struct bytes){identity, 8});
    snprintf(file->path, sizeof(file->path), "%s/trust-%s", folder, digits);
    file->fd = -1;
    if (!file_open(file, folder))
        snprintf(text, cap,
                 "%.200s: %s: what the signer trusts of a chain is kept there; see that it can be read and written",
                 file->path, strerror(errno));
    else if (file->foreign || (file->serial == 0 && file->second))
        edge_trustfile_malformed(file, text, cap);
    else
        return file;
    edge_trustfile_close(file);
    return NULL;
}

void edge_trustfile_malformed(const struct edge_trustfile *file, char *text, size_t cap)
{
    snprintf(text, cap,
             "%.200s: the trust of a light client is damaged or was written by a newer version; nothing is signed. "
             "Start the version that wrote it, or move this file away to begin with the header under `trust:` again",
             file->path);
}

void edge_trustfile_close(struct edge_trustfile *file)
{
    if (file != NULL && file->fd >= 0)
        close(file->fd);
    free(file);
}

struct bytes edge_trustfile_value(const struct edge_trustfile *file)
{
    return (struct bytes){file->value, file->serial ? file->len : 0};
}

bool edge_trustfile_save(struct edge_trustfile *file, struct bytes value, char *text, size_t cap)
{
    struct codec_writer writer;
    if (value.len > EDGE_TRUSTFILE_VALUE_MAX) {
        snprintf(text, cap, "a trust of %zu bytes does not fit", value.len);
        return false;
    }
    uint64_t serial = file->serial + 1;
    codec_writer_init(&writer, file->place, HEAD);
    codec_write_u32(&writer, MAGIC);
    codec_write_u32(&writer, (uint32_t)value.len);
    codec_write_u64(&writer, serial);
    memcpy(file->place + VALUE_AT, value.data, value.len);
    size_t len = VALUE_AT + value.len;
    EDGE_FAULT(TRUST_BEFORE);
    if (!place_hash(file->place + HASH_AT, file->place, value.len) ||
        pwrite(file->fd, file->place, len, serial % 2 ? 0 : PLACE) != (ssize_t)len || fdatasync(file->fd) != 0) {
        snprintf(text, cap, "the trust could not be written: %s", strerror(errno));
        return false;
    }
    EDGE_FAULT(TRUST_SYNCED);
    file->serial = serial;
    file->len = value.len;
    memcpy(file->value, value.data, value.len);
    return true;
}
