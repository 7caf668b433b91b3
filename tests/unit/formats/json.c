/* Reading JSON of examples and vectors; the only file of these tests that gives up on bad JSON. */
#include "tests/unit/formats/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proofs/codec/hex.h"

#define RING        64
#define BUFFER_SIZE (64u << 10)

json_t *json_of_file(const char *path)
{
    json_error_t error;
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;
    json_t *root = json_loadf(file, JSON_REJECT_DUPLICATES, &error);
    fclose(file);
    if (!root)
        fail_msg("%s:%d: %s", path, error.line, error.text);
    return root;
}

json_t *json_member(json_t *object, const char *name)
{
    json_t *member = json_object_get(object, name);
    if (!member)
        fail_msg("member '%s' is missing", name);
    return member;
}

json_t *json_element(json_t *array, size_t index)
{
    json_t *element = json_array_get(array, index);
    if (!element)
        fail_msg("element %zu is missing", index);
    return element;
}

const char *json_text_of(json_t *object, const char *name)
{
    json_t *member = json_member(object, name);
    if (!json_is_string(member))
        fail_msg("member '%s' is no text", name);
    return json_string_value(member);
}

uint64_t json_number_of(json_t *object, const char *name)
{
    json_t *member = json_member(object, name);
    if (json_is_string(member))
        return strtoull(json_string_value(member), NULL, 10);
    if (!json_is_integer(member))
        fail_msg("member '%s' is no number", name);
    return (uint64_t)json_integer_value(member);
}

struct bytes json_bytes(json_t *value)
{
    static uint8_t ring[RING][BUFFER_SIZE];
    static size_t next;
    uint8_t *buffer = ring[next++ % RING];
    size_t len = 0;
    const char *text = json_string_value(value);
    if (!text || !codec_hex_decode(buffer, &len, BUFFER_SIZE, text, strlen(text)))
        fail_msg("not hex, or too long: %.40s", text ? text : "(no text)");
    return (struct bytes){buffer, len};
}

struct bytes json_bytes_of(json_t *object, const char *name)
{
    return json_bytes(json_member(object, name));
}

static const uint8_t *exactly(json_t *value, size_t len)
{
    struct bytes bytes = json_bytes(value);
    if (bytes.len != len)
        fail_msg("%zu bytes instead of %zu", bytes.len, len);
    return bytes.data;
}

const uint8_t *json_b32_of(json_t *object, const char *name)
{
    return exactly(json_member(object, name), 32);
}

const uint8_t *json_b64_of(json_t *object, const char *name)
{
    return exactly(json_member(object, name), 64);
}

const uint8_t *json_b32(json_t *value)
{
    return exactly(value, 32);
}

void json_expect(const char *what, json_t *value, const uint8_t *got, size_t len)
{
    struct bytes wanted = json_bytes(value);
    if (wanted.len == len && (len == 0 || memcmp(wanted.data, got, len) == 0))
        return;
    char *text = calloc(2, len + 1);
    assert_non_null(text);
    codec_hex_encode(text, (struct bytes){got, len});
    fail_msg("%s: computed %s, examples.json says %s", what, text, json_string_value(value));
}
