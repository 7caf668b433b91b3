/*
 * JSON files, read strictly and written: the only file of tools/ that knows the JSON library is json.c.
 *
 * A document owns its nodes and all bytes decoded from them. It keeps the first error as text (file, field, what is wrong);
 * after it, reads yield nothing, so a reader may read all its fields and ask once whether all was well.
 */
#ifndef ISTHMUS_TOOLS_VERIFY_JSON_H
#define ISTHMUS_TOOLS_VERIFY_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proofs/codec/bytes.h"

struct tools_json;     /* a node, borrowed from its document or builder */
struct tools_json_doc; /* a file that was read */

enum tools_json_kind {
    TOOLS_JSON_NONE = 0, /* NULL, or JSON null */
    TOOLS_JSON_OBJECT,
    TOOLS_JSON_ARRAY,
    TOOLS_JSON_TEXT,
    TOOLS_JSON_INTEGER,
    TOOLS_JSON_OTHER,
};

/* Reads path; never NULL. On failure the document has an error and a NULL root. Free with tools_json_close. */
struct tools_json_doc *tools_json_open(const char *path);
/* The same for len bytes of text in memory; name stands for the path in errors. */
struct tools_json_doc *tools_json_parse(const char *name, const char *text, size_t len);
/* The same around a tree that was built in memory, which the document takes; name stands for the path in errors. */
struct tools_json_doc *tools_json_adopt(const char *name, struct tools_json *tree);
void tools_json_close(struct tools_json_doc *doc);
const struct tools_json *tools_json_root(const struct tools_json_doc *doc);

/* The first error, or NULL. */
const char *tools_json_error(const struct tools_json_doc *doc);
/* Notes an error about a field, unless there is one. */
void tools_json_fail(struct tools_json_doc *doc, const char *field, const char *what);

/* Nodes. All take NULL for "not there". Keys of an object come in the file's order. */
enum tools_json_kind tools_json_kind(const struct tools_json *node);
size_t tools_json_count(const struct tools_json *node);
const struct tools_json *tools_json_at(const struct tools_json *array, size_t index);
const struct tools_json *tools_json_get(const struct tools_json *object, const char *key);
void *tools_json_first(const struct tools_json *object);
void *tools_json_next(const struct tools_json *object, void *iterator);
const char *tools_json_key(void *iterator);
const struct tools_json *tools_json_value(void *iterator);
bool tools_json_is_true(const struct tools_json *node);

/* The text of a node, without copying; NULL and an error in doc when it is none. `field` names it in the error. */
struct bytes tools_json_text(struct tools_json_doc *doc, const struct tools_json *node, const char *field);
/* Hexadecimal text, decoded; memory of the document. */
struct bytes tools_json_hex(struct tools_json_doc *doc, const struct tools_json *node, const char *field);
/* The same for exactly len bytes, into out (zeros after an error). */
void tools_json_hex_exact(uint8_t *out, size_t len, struct tools_json_doc *doc, const struct tools_json *node,
                          const char *field);
/* An integer >= 0, a JSON-RPC quantity ("0x1f"), or decimal text ("31"). */
uint64_t tools_json_u64(struct tools_json_doc *doc, const struct tools_json *node, const char *field);
/* A JSON-RPC quantity of up to 256 bits, big-endian (an integer >= 0 or decimal text below 2^64 too). */
void tools_json_u256(uint8_t out[32], struct tools_json_doc *doc, const struct tools_json *node, const char *field);
/* An array of hexadecimal texts; array and bytes are memory of the document. */
const struct bytes *tools_json_hex_list(size_t *count, struct tools_json_doc *doc, const struct tools_json *node,
                                        const char *field);
/* Zeroed memory that lives as long as the document; ends the program when there is none. */
void *tools_json_alloc(struct tools_json_doc *doc, size_t count, size_t size);

/* Writing. A builder owns what was put into it. */
struct tools_json *tools_json_new_object(void);
struct tools_json *tools_json_new_array(void);
void tools_json_set_text(struct tools_json *object, const char *key, const char *value);
void tools_json_set_integer(struct tools_json *object, const char *key, int64_t value);
void tools_json_set_flag(struct tools_json *object, const char *key, bool value);
void tools_json_set_hex(struct tools_json *object, const char *key, struct bytes value);
void tools_json_set(struct tools_json *object, const char *key, struct tools_json *child); /* takes child */
void tools_json_append(struct tools_json *array, struct tools_json *child);                /* takes child */
void tools_json_append_text(struct tools_json *array, const char *value);
void tools_json_append_flag(struct tools_json *array, bool value);
/* Writes the tree to path, indented; false with errno set when that fails. */
bool tools_json_write(const char *path, const struct tools_json *node);
/* The tree as one line of text; free() it. */
char *tools_json_dump(const struct tools_json *node);
void tools_json_free(struct tools_json *node);

#endif
