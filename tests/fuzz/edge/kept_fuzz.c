/*
 * Any bytes as the small files that a relay keeps beside its store: what the signer trusts of a chain (trustfile.c), what a gas account
 * spent today (spent.c). An input is: how (1 byte), then for what is trusted (bit 0 clear) the length of the first place (u16,
 * big-endian), the first place, the second; else the file. how: bit 1, the first place's hash is made right; bit 2, the second's.
 *
 * What must hold besides memory, against a second reading of the file that was written for this test: the newest whole place is what
 * is kept, and nothing else; a file that is refused is left as it was; what is saved then is read again, whatever stood there.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proofs/codec/hex.h"
#include "proofs/codec/sodium.h"
#include "relay/edge/spent.h"
#include "relay/edge/trustfile.h"
#include "tests/fuzz/edge/scratch.h"

enum { HEAD = 16, VALUE_AT = 48, PLACE = VALUE_AT + EDGE_TRUSTFILE_VALUE_MAX, NOW = 1000000 };

static const uint8_t CHAIN[32] = {0x5a}, OTHER[3] = {1, 2, 3};
static uint8_t file[2 * PLACE], after[2 * PLACE];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        __builtin_trap();
}

static uint64_t number(const uint8_t *from, size_t len)
{
    uint64_t value = 0;
    for (size_t i = 0; i < len; i++)
        value = value << 8 | from[i];
    return value;
}

static void hash(uint8_t out[32], const uint8_t *place)
{
    const struct bytes parts[] = {{place, HEAD}, {place + VALUE_AT, number(place + 4, 4)}};
    require(codec_sodium_blake2b256(out, parts, 2));
}

static size_t file_read(uint8_t *out, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    require(fd >= 0);
    ssize_t len = read(fd, out, 2 * PLACE);
    require(len >= 0 && close(fd) == 0);
    return (size_t)len;
}

static void file_write(const char *path, const uint8_t *bytes, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    require(fd >= 0 && write(fd, bytes, len) == (ssize_t)len && close(fd) == 0);
}

/* Puts the places into `file`; its length. *kept: the place that counts, NULL none; *refused: it must not be opened. */
static size_t trust_lay(const uint8_t **kept, bool *refused, uint8_t how, struct bytes first, struct bytes second)
{
    const struct bytes places[2] = {first, second};
    size_t len = second.len > 0 ? PLACE + second.len : first.len;
    uint64_t newest = 0;
    memset(file, 0, sizeof file);
    *kept = NULL;
    *refused = false;
    for (size_t i = 0; i < 2; i++) {
        uint8_t *place = file + i * PLACE, right[32];
        memcpy(place, places[i].data != NULL ? places[i].data : OTHER, places[i].len);
        size_t there = i == 0 && second.len > 0 ? PLACE : places[i].len;
        uint64_t magic = number(place, 4), value = number(place + 4, 4), serial = number(place + 8, 8);
        if (there < VALUE_AT)
            continue;
        *refused = *refused || (magic != 0x49545231 && magic != 0);
        if (value > there - VALUE_AT)
            continue;
        hash(right, place);
        if (how & (2u << i))
            memcpy(place + HEAD, right, 32);
        if (magic == 0x49545231 && memcmp(place + HEAD, right, 32) == 0 && serial > newest) {
            newest = serial;
            *kept = place;
        }
    }
    *refused = *refused || (newest == 0 && second.len > 0);
    return len;
}

static void trust_check(const char *folder, uint8_t how, struct bytes first, struct bytes second)
{
    char path[FUZZ_SCRATCH_MAX], text[512] = "", digits[2 * 8 + 1];
    const uint8_t *kept;
    bool refused;
    size_t len = trust_lay(&kept, &refused, how, first, second);
    codec_hex_encode(digits, (struct bytes){CHAIN, 8});
    snprintf(path, sizeof path, "%s/trust-%s", folder, digits);
    file_write(path, file, len);
    struct edge_trustfile *opened = edge_trustfile_open(folder, CHAIN, text, sizeof text);
    require((opened == NULL) == refused);
    if (opened == NULL) {
        require(text[0] != '\0' && file_read(after, path) == len && memcmp(after, file, len) == 0);
        return;
    }
    struct bytes value = edge_trustfile_value(opened);
    require(value.len == (kept != NULL ? number(kept + 4, 4) : 0));
    require(value.len == 0 || memcmp(value.data, kept + VALUE_AT, value.len) == 0);
    bool last = kept != NULL && number(kept + 8, 8) == UINT64_MAX; /* no hash makes that by chance */
    require(last || edge_trustfile_save(opened, BYTES_OF(OTHER), text, sizeof text));
    edge_trustfile_close(opened);
    opened = edge_trustfile_open(folder, CHAIN, text, sizeof text);
    require(last || (opened != NULL && codec_bytes_equal(edge_trustfile_value(opened), BYTES_OF(OTHER))));
    edge_trustfile_close(opened);
}

static void spent_check(const char *folder, struct bytes content)
{
    char path[FUZZ_SCRATCH_MAX], amount[EDGE_SPENT_MAX + 1] = "", again[EDGE_SPENT_MAX + 1] = "";
    snprintf(path, sizeof path, "%s/spent-node", folder);
    file_write(path, content.data, content.len);
    if (edge_spent_load(amount, path, NOW)) {
        require(amount[0] != '\0' && strspn(amount, "0123456789") == strlen(amount));
        require(edge_spent_save(path, NOW, amount) && edge_spent_load(again, path, NOW) && strcmp(again, amount) == 0);
    }
    require(edge_spent_save(path, NOW, "77") && edge_spent_load(again, path, NOW) && strcmp(again, "77") == 0);
    require(!edge_spent_load(again, path, NOW + 86400));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *folder = fuzz_scratch("kept");
    if (size < 3 || size > PLACE)
        return 0;
    size_t first = (size_t)data[1] << 8 | data[2];
    if (data[0] & 1)
        spent_check(folder, (struct bytes){data + 1, size - 1});
    else if (first <= size - 3)
        trust_check(folder, data[0], (struct bytes){data + 3, first},
                    (struct bytes){data + 3 + first, size - 3 - first});
    return 0;
}
