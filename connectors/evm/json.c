/*
 * JSON by jansson (json.h).
 */
#include "connectors/evm/json.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "proofs/codec/hex.h"

static const json_t *in(const struct evm_json *value)
{
    return (const json_t *)(const void *)value;
}

static const struct evm_json *out_of(const json_t *value)
{
    return (const struct evm_json *)(const void *)value;
}

bool evm_json_is_crowded(struct bytes in)
{
    size_t values = 0;
    for (size_t i = 0; i < in.len && values <= EVM_JSON_VALUES_MAX; i++)
        values += in.data[i] == '[' || in.data[i] == '{' || in.data[i] == ',';
    return values > EVM_JSON_VALUES_MAX;
}

struct evm_json *evm_json_parse(struct bytes bytes, char *text, size_t cap)
{
    if (evm_json_is_crowded(bytes)) {
        snprintf(text, cap, "an answer of more than %d values", EVM_JSON_VALUES_MAX);
        return NULL;
    }
    json_error_t error;
    json_t *root = json_loadb((const char *)bytes.data, bytes.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (!root)
        snprintf(text, cap, "not JSON at byte %d: %.100s", error.position, error.text);
    return (struct evm_json *)(void *)root;
}

void evm_json_free(struct evm_json *document)
{
    json_decref((json_t *)(void *)document);
}

const struct evm_json *evm_json_member(const struct evm_json *value, const char *key)
{
    return value ? out_of(json_object_get(in(value), key)) : NULL;
}

bool evm_json_is_null(const struct evm_json *value)
{
    return !value || json_is_null(in(value));
}

bool evm_json_is_array(const struct evm_json *value)
{
    return value && json_is_array(in(value));
}

size_t evm_json_length(const struct evm_json *value)
{
    return value ? json_array_size(in(value)) : 0;
}

const struct evm_json *evm_json_element(const struct evm_json *value, size_t index)
{
    return value ? out_of(json_array_get(in(value), index)) : NULL;
}

const char *evm_json_text(const struct evm_json *value)
{
    return value ? json_string_value(in(value)) : NULL;
}

/* A string that is all there is: nothing hides behind a NUL. */
static const char *whole_text(const struct evm_json *value)
{
    const char *text = evm_json_text(value);
    return text && strlen(text) == json_string_length(in(value)) ? text : NULL;
}

bool evm_json_integer(int64_t *out, const struct evm_json *value)
{
    if (!value || !json_is_integer(in(value)))
        return false;
    *out = json_integer_value(in(value));
    return true;
}

bool evm_json_u64(uint64_t *out, const struct evm_json *value)
{
    const char *text = whole_text(value);
    return text && codec_hex_decode_u64(out, text, strlen(text));
}

bool evm_json_u256(uint8_t out[32], const struct evm_json *value)
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

bool evm_json_fixed(uint8_t *out, size_t len, const struct evm_json *value)
{
    const char *text = whole_text(value);
    return text && text[0] == '0' && text[1] == 'x' && codec_hex_decode_exact(out, len, text, strlen(text));
}

bool evm_json_bytes(struct bytes *out, const struct evm_json *value, struct evm_arena *arena)
{
    const char *text = whole_text(value);
    if (!text || text[0] != '0' || text[1] != 'x')
        return false;
    const size_t digits = strlen(text);
    uint8_t *data = evm_arena_take(arena, digits / 2, 1);
    size_t len = 0;
    if (!data || !codec_hex_decode(data, &len, digits / 2, text, digits))
        return false;
    *out = (struct bytes){data, len};
    return true;
}
