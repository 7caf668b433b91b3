/*
 * Reading JSON files of examples and vectors in tests: whatever is missing or of another type fails the test with a name.
 */
#ifndef ISTHMUS_TESTS_UNIT_FORMATS_JSON_H
#define ISTHMUS_TESTS_UNIT_FORMATS_JSON_H

#include <jansson.h>
#include <stdint.h>

#include "proofs/codec/bytes.h"

/* The file's JSON, to be json_decref'd; NULL when there is no such file. Fails the test when it is not JSON. */
json_t *json_of_file(const char *path);

/* A member that must be there: of any type, an array element, text, a number (also one in decimal text). */
json_t *json_member(json_t *object, const char *name);
json_t *json_element(json_t *array, size_t index);
const char *json_text_of(json_t *object, const char *name);
uint64_t json_number_of(json_t *object, const char *name);

/* Hex text (with or without 0x) as bytes in a static ring of buffers: valid until many more calls. */
struct bytes json_bytes(json_t *value);
struct bytes json_bytes_of(json_t *object, const char *name);
/* 32 (64) bytes exactly. */
const uint8_t *json_b32_of(json_t *object, const char *name);
const uint8_t *json_b64_of(json_t *object, const char *name);
const uint8_t *json_b32(json_t *value);

/* Fails unless got[0..len) is the hex text of value; `what` names it. */
void json_expect(const char *what, json_t *value, const uint8_t *got, size_t len);

#endif
