/*
 * Any bytes as a key file, and as a file with a passphrase.
 *
 * What must hold besides memory: what opens gives the secret of the id that the file names, and looking at it says the
 * same; what is sealed under our passphrase opens to the one secret that was ever sealed under it; what does not open says
 * why and gives no secret. A passphrase is the whole first line or none.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "relay/edge/keyfile.h"

static const uint8_t PASSPHRASE[] = {'f', 'u', 'z', 'z'}; /* of the seeds, as SECRET is */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        __builtin_trap();
}

static void key_file(const char *path)
{
    struct edge_keyfile seen, opened;
    uint8_t secret[32], sealed[32];
    struct proof_key key;
    char text[512] = "";
    enum edge_keyfile_status looked = edge_keyfile_look(&seen, path, text, sizeof text);
    require((looked == EDGE_KEYFILE_OK) == (text[0] == '\0'));
    if (looked == EDGE_KEYFILE_OK && seen.encrypted && (seen.cost.passes > 2 || seen.cost.kib > 64))
        return; /* what it asks for is allowed, and takes too long here */
    enum edge_keyfile_status status = edge_keyfile_open(&opened, secret, path, BYTES_OF(PASSPHRASE), text, sizeof text);
    require((status == EDGE_KEYFILE_OK) == (text[0] == '\0'));
    if (status != EDGE_KEYFILE_OK) {
        require(codec_bytes_are_zero(secret, 32) && opened.key.suite == PROOF_SUITE_NONE);
        return;
    }
    require(looked == EDGE_KEYFILE_OK && memcmp(&seen, &opened, sizeof seen) == 0);
    require(proof_key_from_secret(&key, opened.key.suite, secret));
    require(memcmp(key.id, opened.key.id, 32) == 0 && memcmp(key.point, opened.key.point, 64) == 0);
    memset(sealed, 7, sizeof sealed);
    require(!opened.encrypted || memcmp(secret, sealed, 32) == 0);
}

static void passphrase(int fd, const uint8_t *data, size_t size)
{
    uint8_t out[EDGE_PASSPHRASE_MAX];
    char where[32], text[512] = "";
    size_t len;
    require(lseek(fd, 0, SEEK_SET) == 0);
    snprintf(where, sizeof where, "fd:%d", fd);
    bool read = edge_keyfile_passphrase(out, &len, where, text, sizeof text);
    const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL;
    size_t line = end == NULL ? size : (size_t)(end - data);
    require(read == (text[0] == '\0') && read == (len > 0));
    require(!read || (len == line && memcmp(out, data, len) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    int fd = memfd_create("fuzz_keyfile", MFD_CLOEXEC);
    require(fd >= 0 && fchmod(fd, 0600) == 0 && write(fd, data, size) == (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    key_file(path);
    passphrase(fd, data, size);
    close(fd);
    return 0;
}
