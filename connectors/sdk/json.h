/*
 * JSON as untrusted text: parsed once, read by typed questions that say no instead of guessing. The only file that
 * includes jansson is json.c.
 */
#ifndef CONNECTORS_SDK_JSON_H
#define CONNECTORS_SDK_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "connectors/sdk/arena.h"
#include "proofs/codec/bytes.h"

/* A value inside a parsed document; borrowed from it. */
struct sdk_json;

/* True when a text holds so many values that its tree could take far more memory than the text: some 250 bytes each, where
 * two bytes are enough to write one. Strings are counted like all else: no answer of a node comes near. */
enum { SDK_JSON_VALUES_MAX = 1 << 19 };
bool sdk_json_is_crowded(struct bytes in);

/* NULL, and text says what is wrong and where, when this is not one JSON value. */
struct sdk_json *sdk_json_parse(struct bytes in, char *text, size_t cap);
/* Frees a document (what sdk_json_parse returned). NULL is allowed. */
void sdk_json_free(struct sdk_json *document);

/* NULL when value is NULL, no object, or has no such member. */
const struct sdk_json *sdk_json_member(const struct sdk_json *value, const char *key);
/* True for a missing value, too. */
bool sdk_json_is_null(const struct sdk_json *value);
bool sdk_json_is_array(const struct sdk_json *value);
/* 0 when value is no array. */
size_t sdk_json_length(const struct sdk_json *value);
const struct sdk_json *sdk_json_element(const struct sdk_json *value, size_t index);

/* NULL when it is no string; up to the first NUL, which nodes put into error messages. */
const char *sdk_json_text(const struct sdk_json *value);
bool sdk_json_integer(int64_t *out, const struct sdk_json *value);

/* Strings of other JSON-RPC dialects (CometBFT): a decimal integer with or without a minus, hexadecimal digits without 0x in either
 * case (decoded into arena), base64 with its padding (decoded into arena; null is empty). */
bool sdk_json_decimal(int64_t *out, const struct sdk_json *value);
bool sdk_json_digits(struct bytes *out, const struct sdk_json *value, struct sdk_arena *arena);
bool sdk_json_base64(struct bytes *out, const struct sdk_json *value, struct sdk_arena *arena);

/* Ethereum's hexadecimal strings: a quantity, a 256-bit quantity (leading zeros are taken), exactly len bytes of data, any bytes
 * (decoded into arena). */
bool sdk_json_u64(uint64_t *out, const struct sdk_json *value);
bool sdk_json_u256(uint8_t out[32], const struct sdk_json *value);
bool sdk_json_fixed(uint8_t *out, size_t len, const struct sdk_json *value);
bool sdk_json_bytes(struct bytes *out, const struct sdk_json *value, struct sdk_arena *arena);

#endif
