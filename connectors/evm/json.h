/*
 * JSON as untrusted text: parsed once, read by typed questions that say no instead of guessing. The only file that
 * includes jansson is json.c.
 */
#ifndef CONNECTORS_EVM_JSON_H
#define CONNECTORS_EVM_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "connectors/evm/arena.h"
#include "proofs/codec/bytes.h"

/* A value inside a parsed document; borrowed from it. */
struct evm_json;

/* True when a text holds so many values that its tree could take far more memory than the text: some 250 bytes each, where
 * two bytes are enough to write one. Strings are counted like all else: no answer of a node comes near. */
enum { EVM_JSON_VALUES_MAX = 1 << 19 };
bool evm_json_is_crowded(struct bytes in);

/* NULL, and text says what is wrong and where, when this is not one JSON value. */
struct evm_json *evm_json_parse(struct bytes in, char *text, size_t cap);
/* Frees a document (what evm_json_parse returned). NULL is allowed. */
void evm_json_free(struct evm_json *document);

/* NULL when value is NULL, no object, or has no such member. */
const struct evm_json *evm_json_member(const struct evm_json *value, const char *key);
/* True for a missing value, too. */
bool evm_json_is_null(const struct evm_json *value);
bool evm_json_is_array(const struct evm_json *value);
/* 0 when value is no array. */
size_t evm_json_length(const struct evm_json *value);
const struct evm_json *evm_json_element(const struct evm_json *value, size_t index);

/* NULL when it is no string; up to the first NUL, which nodes put into error messages. */
const char *evm_json_text(const struct evm_json *value);
bool evm_json_integer(int64_t *out, const struct evm_json *value);

/* JSON-RPC's hexadecimal strings: a quantity, a 256-bit quantity (leading zeros are taken), exactly len bytes of data, any bytes
 * (decoded into arena). */
bool evm_json_u64(uint64_t *out, const struct evm_json *value);
bool evm_json_u256(uint8_t out[32], const struct evm_json *value);
bool evm_json_fixed(uint8_t *out, size_t len, const struct evm_json *value);
bool evm_json_bytes(struct bytes *out, const struct evm_json *value, struct evm_arena *arena);

#endif
