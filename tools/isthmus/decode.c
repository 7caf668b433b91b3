/*
 * isthmus decode frame|evidence|store: what is in it, field by field, offline.
 */
#include "tools/isthmus/decode.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proofs/codec/hex.h"
#include "relay/store/store.h"
#include "tools/isthmus/isthmus.h"

static const char *const USAGE =
    "usage: isthmus decode frame|evidence FILE [--json]\n"
    "       isthmus decode store FOLDER [--family NAME] [--limit N] [--json]\n"
    "\n"
    "Every field with its offset, length and name. FILE: the bytes, or their hex; - reads them from stdin. A store is "
    "opened\n"
    "read-only, so its relay may be running; families: meta log segment skeleton head chain audit; N rows of each "
    "(20).\n"
    "With --json one object a line. Exit code 1: refused or damaged; what could be read is shown.\n";

/* Reads a whole file; NULL after saying why not. */
static uint8_t *file_read(const char *path, size_t *len)
{
    bool in = strcmp(path, "-") == 0;
    FILE *file = in ? stdin : fopen(path, "rbe");
    uint8_t *bytes = file == NULL ? NULL : malloc((2u * DECODE_FILE_MAX) + 1);
    if (file == NULL)
        isthmus_failed("%s: %s", path, strerror(errno));
    *len = bytes == NULL ? 0 : fread(bytes, 1, (2u * DECODE_FILE_MAX) + 1, file);
    if (bytes != NULL && *len > 2u * DECODE_FILE_MAX) {
        isthmus_failed("%s: is larger than %d bytes", path, 2 * DECODE_FILE_MAX);
        free(bytes);
        bytes = NULL;
    }
    if (file != NULL && !in)
        fclose(file);
    return bytes;
}

/* A file of nothing but hex digits and blanks stands for the bytes that it spells. */
static size_t unhex(uint8_t *bytes, size_t len)
{
    char *text = (char *)bytes;
    size_t digits = 0, from = len >= 2 && text[0] == '0' && text[1] == 'x' ? 2 : 0;
    for (size_t i = from; i < len; i++)
        if (strchr("0123456789abcdefABCDEF \t\r\n", text[i]) == NULL || text[i] == '\0')
            return len;
    for (size_t i = from; i < len; i++)
        if (strchr(" \t\r\n", text[i]) == NULL)
            text[digits++] = text[i];
    uint8_t *out = malloc(digits / 2 + 1);
    if (out == NULL || digits == 0 || digits % 2 != 0 || !codec_hex_decode_exact(out, digits / 2, text, digits)) {
        free(out);
        return len;
    }
    memcpy(bytes, out, digits / 2);
    free(out);
    return digits / 2;
}

static int decode_file(struct decode_out *out, const char *path, bool frame)
{
    size_t len;
    uint8_t *bytes = file_read(path, &len);
    if (bytes == NULL)
        return ISTHMUS_NOT_OK;
    len = unhex(bytes, len);
    bool good =
        frame ? decode_frame(out, (struct bytes){bytes, len}) : decode_evidence(out, (struct bytes){bytes, len});
    free(bytes);
    return good ? ISTHMUS_OK : ISTHMUS_NOT_OK;
}

static int decode_folder(struct decode_out *out, const char *path, const char *family, size_t limit)
{
    struct store *store;
    char why[512];
    struct store_options options = {.path = path, .read_only = true};
    char current[4096];
    snprintf(current, sizeof current, "%s/CURRENT", path);
    if (access(current, F_OK) != 0)
        return isthmus_failed("%s: there is no store here: %s", path, strerror(errno));
    if (store_rocksdb_open(&store, &options, why, sizeof why) != STORE_OK)
        return isthmus_failed("%s", why);
    bool good = decode_store(out, store, family, limit);
    store->ops->close(store);
    return good ? ISTHMUS_OK : isthmus_failed("%s: not every row could be read", path);
}

static bool family_known(const char *family)
{
    bool known = family == NULL;
    for (int i = 0; i < STORE_FAMILIES; i++)
        known = known || strcmp(store_family_name((enum store_family)i), family) == 0;
    return known;
}

int isthmus_decode(int argc, char **argv)
{
    struct decode_out out = {.stream = stdout};
    const char *family = NULL, *limit = "20";
    const struct isthmus_option options[] = {
        {"--family", &family, NULL}, {"--limit", &limit, NULL}, {"--json", NULL, &out.json}, {NULL, NULL, NULL}};
    char *end;
    int left, code = isthmus_options(options, USAGE, argc, argv, &left);
    unsigned long rows = strtoul(limit, &end, 10);
    if (code >= 0)
        return code;
    if (!family_known(family))
        return isthmus_misused(USAGE, "a store has no family '%s': meta, log, segment, skeleton, head, chain or audit",
                               family);
    if (*end || end == limit)
        return isthmus_misused(USAGE, "--limit takes a number, not '%s'", limit);
    if (left != 2)
        return isthmus_misused(USAGE, "decode takes frame, evidence or store, and a file or folder");
    if (strcmp(argv[1], "frame") == 0)
        return decode_file(&out, argv[2], true);
    if (strcmp(argv[1], "evidence") == 0)
        return decode_file(&out, argv[2], false);
    if (strcmp(argv[1], "store") == 0)
        return decode_folder(&out, argv[2], family, rows);
    return isthmus_misused(USAGE, "'%s' cannot be decoded here", argv[1]);
}
