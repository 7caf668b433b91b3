/*
 * JSON by jansson (json.h).
 */
#include "connectors/sdk/json.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proofs/codec/base64.h"
#include "proofs/codec/hex.h"

static const json_t *in(const struct sdk_json *value)
{
    return (const json_t *)(const void *)value;
}

static const struct sdk_json *out_of(const json_t *value)
{
    return (const struct sdk_json *)(const void *)value;
}

bool sdk_json_is_crowded(struct bytes in)
{
    size_t values = 0;
    for (size_t i = 0; i < in.len && values <= SDK_JSON_VALUES_MAX; i++)
        values += in.data[i] == '[' || in.data[i] == '{' || in.data[i] == ',';
    return values > SDK_JSON_VALUES_MAX;
}

struct sdk_json *sdk_json_parse(struct bytes bytes, char *text, size_t cap)
{
    if (sdk_json_is_crowded(bytes)) {
        snprintf(text, cap, "an answer of more than %d values", SDK_JSON_VALUES_MAX);
        return NULL;
    }
    json_error_t error;
    json_t *root = json_loadb((const char *)bytes.data, bytes.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (!root)
        snprintf(text, cap, "not JSON at byte %d: %.100s", error.position, error.text);
    return (struct sdk_json *)(void *)root;
}

void sdk_json_free(struct sdk_json *document)
{
    json_decref((json_t *)(void *)document);
}

const struct sdk_json *sdk_json_member(const struct sdk_json *value, const char *key)
{
    return value ? out_of(json_object_get(in(value), key)) : NULL;
}

bool sdk_json_is_null(const struct sdk_json *value)
{
    return !value || json_is_null(in(value));
}

bool sdk_json_is_array(const struct sdk_json *value)
{
    return value && json_is_array(in(value));
}

size_t sdk_json_length(const struct sdk_json *value)
{
    return value ? json_array_size(in(value)) : 0;
}

const struct sdk_json *sdk_json_element(const struct sdk_json *value, size_t index)
{
    return value ? out_of(json_array_get(in(value), index)) : NULL;
}

const char *sdk_json_text(const struct sdk_json *value)
{
    return value ? json_string_value(in(value)) : NULL;
}

/* A string that is all there is: nothing hides behind a NUL. */
static const char *whole_text(const struct sdk_json *value)
{
    const char *text = sdk_json_text(value);
    return text && strlen(text) == json_string_length(in(value)) ? text : NULL;
}

bool sdk_json_integer(int64_t *out, const struct sdk_json *value)
{
    if (!value || !json_is_integer(in(value)))
        return false;
    *out = json_integer_value(in(value));
    return true;
}

bool sdk_json_u64(uint64_t *out, const struct sdk_json *value)
{
    const char *text = whole_text(value);
    return text && codec_hex_decode_u64(out, text, strlen(text));
}

bool sdk_json_u256(uint8_t out[32], const struct sdk_json *value)
{
    const char *text = whole_text(value);
    if (!text || text[0] != '0' || text[1] != 'x')
        return false;
    const char *digits = text + 2;
    while (digits[0] == '0' && digits[1])
        digits++;
    char quantity[67];
    if (snprintf(quantity, sizeof quantity, "0x%s", digits) >= (int)sizeof quantity)
        return false;
    return codec_hex_decode_u256(out, quantity, strlen(quantity));
}

bool sdk_json_fixed(uint8_t *out, size_t len, const struct sdk_json *value)
{
    const char *text = whole_text(value);
    return text && text[0] == '0' && text[1] == 'x' && codec_hex_decode_exact(out, len, text, strlen(text));
}

bool sdk_json_bytes(struct bytes *out, const struct sdk_json *value, struct sdk_arena *arena)
{
    const char *text = whole_text(value);
    if (!text || text[0] != '0' || text[1] != 'x')
        return false;
    const size_t digits = strlen(text);
    uint8_t *data = sdk_arena_take(arena, digits / 2, 1);
    size_t len = 0;
    if (!data || !codec_hex_decode(data, &len, digits / 2, text, digits))
        return false;
    *out = (struct bytes){data, len};
    return true;
}

bool sdk_json_decimal(int64_t *out, const struct sdk_json *value)
{
    const char *text = whole_text(value);
    char *end = NULL;
    if (!text || !(text[0] == '-' || (text[0] >= '0' && text[0] <= '9')))
        return false;
    errno = 0;
    const long long number = strtoll(text, &end, 10);
    *out = number;
    return errno == 0 && *end == '\0' && end[-1] != '-';
}

bool sdk_json_digits(struct bytes *out, const struct sdk_json *value, struct sdk_arena *arena)
{
    const char *text = whole_text(value);
    const size_t digits = text ? strlen(text) : 1;
    if (digits % 2 != 0 || (digits >= 2 && (text[1] == 'x' || text[1] == 'X')))
        return false;
    uint8_t *data = sdk_arena_take(arena, digits / 2 + 1, 1);
    size_t len = 0;
    if (!data || (digits && !codec_hex_decode(data, &len, digits / 2, text, digits)))
        return false;
    *out = (struct bytes){data, len};
    return true;
}

bool sdk_json_base64(struct bytes *out, const struct sdk_json *value, struct sdk_arena *arena)
{
    *out = (struct bytes){NULL, 0};
    if (sdk_json_is_null(value))
        return true;
    const char *text = whole_text(value);
    const size_t len = text ? strlen(text) : 0;
    uint8_t *data = text ? sdk_arena_take(arena, len / 4 * 3 + 1, 1) : NULL;
    size_t fill = 0;
    if (!data || !codec_base64_decode(data, &fill, len / 4 * 3, text, len))
        return false;
    *out = (struct bytes){data, fill};
    return true;
}
