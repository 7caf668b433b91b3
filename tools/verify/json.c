/*
 * The JSON library's only including file in tools/: a thin, strict cover over it.
 */
#include "tools/verify/json.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proofs/codec/hex.h"

struct block {
    struct block *next;
    uint64_t data[];
};

struct tools_json_doc {
    json_t *root;
    struct block *blocks;
    char *path;
    bool failed;
    char error[512];
};

static const json_t *in(const struct tools_json *node)
{
    return (const json_t *)node;
}

/* The library takes its reading arguments without const in places; nothing is changed through them. */
static json_t *in_plain(const struct tools_json *node)
{
    union {
        const struct tools_json *from;
        json_t *to;
    } cast = {.from = node};
    return cast.to;
}

static const struct tools_json *out_node(const json_t *node)
{
    return (const struct tools_json *)node;
}

static void *must(void *memory)
{
    if (memory)
        return memory;
    fputs("out of memory\n", stderr);
    exit(3);
}

struct tools_json_doc *tools_json_open(const char *path)
{
    json_error_t error;
    struct tools_json_doc *doc = must(calloc(1, sizeof *doc));
    doc->path = must(strdup(path));
    doc->root = json_load_file(path, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_ANY, &error);
    if (!doc->root) {
        doc->failed = true;
        if (error.line > 0)
            snprintf(doc->error, sizeof doc->error, "%s:%d: not JSON: %s", path, error.line, error.text);
        else
            snprintf(doc->error, sizeof doc->error, "%s", error.text);
    }
    return doc;
}

struct tools_json_doc *tools_json_parse(const char *name, const char *text, size_t len)
{
    json_error_t error;
    struct tools_json_doc *doc = must(calloc(1, sizeof *doc));
    doc->path = must(strdup(name));
    doc->root = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_ANY, &error);
    if (!doc->root) {
        doc->failed = true;
        snprintf(doc->error, sizeof doc->error, "%s: not JSON: %s", name, error.text);
    }
    return doc;
}

struct tools_json_doc *tools_json_adopt(const char *name, struct tools_json *tree)
{
    struct tools_json_doc *doc = must(calloc(1, sizeof *doc));
    doc->path = must(strdup(name));
    doc->root = (json_t *)tree;
    return doc;
}

void tools_json_close(struct tools_json_doc *doc)
{
    if (!doc)
        return;
    while (doc->blocks) {
        struct block *next = doc->blocks->next;
        free(doc->blocks);
        doc->blocks = next;
    }
    json_decref(doc->root);
    free(doc->path);
    free(doc);
}

const struct tools_json *tools_json_root(const struct tools_json_doc *doc)
{
    return out_node(doc->root);
}

const char *tools_json_error(const struct tools_json_doc *doc)
{
    return doc->failed ? doc->error : NULL;
}

void tools_json_fail(struct tools_json_doc *doc, const char *field, const char *what)
{
    if (doc->failed)
        return;
    doc->failed = true;
    snprintf(doc->error, sizeof doc->error, "%s: %s: %s", doc->path, field, what);
}

enum tools_json_kind tools_json_kind(const struct tools_json *node)
{
    if (!node)
        return TOOLS_JSON_NONE;
    switch (json_typeof(in(node))) {
    case JSON_OBJECT: return TOOLS_JSON_OBJECT;
    case JSON_ARRAY: return TOOLS_JSON_ARRAY;
    case JSON_STRING: return TOOLS_JSON_TEXT;
    case JSON_INTEGER: return TOOLS_JSON_INTEGER;
    case JSON_NULL: return TOOLS_JSON_NONE;
    case JSON_REAL:
    case JSON_TRUE:
    case JSON_FALSE: return TOOLS_JSON_OTHER;
    }
    return TOOLS_JSON_OTHER;
}

size_t tools_json_count(const struct tools_json *node)
{
    return json_is_array(in(node)) ? json_array_size(in(node)) : json_object_size(in(node));
}

const struct tools_json *tools_json_at(const struct tools_json *array, size_t index)
{
    return out_node(json_array_get(in(array), index));
}

const struct tools_json *tools_json_get(const struct tools_json *object, const char *key)
{
    return out_node(json_object_get(in(object), key));
}

void *tools_json_first(const struct tools_json *object)
{
    return json_object_iter(in_plain(object));
}

void *tools_json_next(const struct tools_json *object, void *iterator)
{
    return json_object_iter_next(in_plain(object), iterator);
}

const char *tools_json_key(void *iterator)
{
    return json_object_iter_key(iterator);
}

const struct tools_json *tools_json_value(void *iterator)
{
    return out_node(json_object_iter_value(iterator));
}

bool tools_json_is_true(const struct tools_json *node)
{
    return json_is_true(in(node));
}

void *tools_json_alloc(struct tools_json_doc *doc, size_t count, size_t size)
{
    if (size > 0 && count > (SIZE_MAX - sizeof(struct block)) / size)
        must(NULL);
    struct block *block = must(calloc(1, sizeof *block + count * size + 1));
    block->next = doc->blocks;
    doc->blocks = block;
    return block->data;
}

struct bytes tools_json_text(struct tools_json_doc *doc, const struct tools_json *node, const char *field)
{
    if (!json_is_string(in(node))) {
        tools_json_fail(doc, field, node ? "must be a text" : "is missing");
        return (struct bytes){NULL, 0};
    }
    return (struct bytes){(const uint8_t *)json_string_value(in(node)), json_string_length(in(node))};
}

struct bytes tools_json_hex(struct tools_json_doc *doc, const struct tools_json *node, const char *field)
{
    struct bytes text = tools_json_text(doc, node, field);
    if (!text.data)
        return text;
    size_t len = 0;
    uint8_t *data = tools_json_alloc(doc, text.len / 2 + 1, 1);
    if (!codec_hex_decode(data, &len, text.len / 2, (const char *)text.data, text.len))
        tools_json_fail(doc, field, "must be 0x and an even number of hexadecimal digits");
    return (struct bytes){data, len};
}

void tools_json_hex_exact(uint8_t *out, size_t len, struct tools_json_doc *doc, const struct tools_json *node,
                          const char *field)
{
    struct bytes value = tools_json_hex(doc, node, field);
    memset(out, 0, len);
    if (value.len == len) {
        memcpy(out, value.data, len);
        return;
    }
    char what[96];
    snprintf(what, sizeof what, "has %zu bytes; must have %zu", value.len, len);
    tools_json_fail(doc, field, what);
}

static bool read_decimal(uint64_t *out, struct bytes text)
{
    *out = 0;
    if (text.len == 0 || text.len > 20)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        uint64_t digit = (uint64_t)text.data[i] - '0';
        if (digit > 9 || __builtin_mul_overflow(*out, 10, out) || __builtin_add_overflow(*out, digit, out))
            return false;
    }
    return true;
}

uint64_t tools_json_u64(struct tools_json_doc *doc, const struct tools_json *node, const char *field)
{
    uint64_t value = 0;
    if (json_is_integer(in(node)) && json_integer_value(in(node)) >= 0)
        return (uint64_t)json_integer_value(in(node));
    struct bytes text = tools_json_text(doc, node, field);
    if (text.data && !codec_hex_decode_u64(&value, (const char *)text.data, text.len) && !read_decimal(&value, text))
        tools_json_fail(doc, field, "must be a number below 2^64: an integer, \"0x...\" or decimal text");
    return value;
}

void tools_json_u256(uint8_t out[32], struct tools_json_doc *doc, const struct tools_json *node, const char *field)
{
    if (json_is_string(in(node)) &&
        codec_hex_decode_u256(out, json_string_value(in(node)), json_string_length(in(node))))
        return;
    uint64_t value = tools_json_u64(doc, node, field);
    memset(out, 0, 32);
    for (size_t i = 0; i < 8; i++)
        out[31 - i] = (uint8_t)(value >> (8 * i));
}

const struct bytes *tools_json_hex_list(size_t *count, struct tools_json_doc *doc, const struct tools_json *node,
                                        const char *field)
{
    *count = 0;
    if (!json_is_array(in(node))) {
        tools_json_fail(doc, field, node ? "must be a list" : "is missing");
        return NULL;
    }
    size_t many = json_array_size(in(node));
    struct bytes *list = tools_json_alloc(doc, many, sizeof *list);
    for (size_t i = 0; i < many; i++)
        list[i] = tools_json_hex(doc, tools_json_at(node, i), field);
    *count = many;
    return list;
}

struct tools_json *tools_json_new_object(void)
{
    return must((struct tools_json *)json_object());
}

struct tools_json *tools_json_new_array(void)
{
    return must((struct tools_json *)json_array());
}

static void put(struct tools_json *object, const char *key, json_t *value)
{
    if (!value || json_object_set_new((json_t *)object, key, value) != 0)
        must(NULL);
}

void tools_json_set_text(struct tools_json *object, const char *key, const char *value)
{
    put(object, key, json_string(value));
}

void tools_json_set_integer(struct tools_json *object, const char *key, int64_t value)
{
    put(object, key, json_integer(value));
}

void tools_json_set_flag(struct tools_json *object, const char *key, bool value)
{
    put(object, key, json_boolean(value));
}

void tools_json_set_hex(struct tools_json *object, const char *key, struct bytes value)
{
    char *text = must(malloc(2 * value.len + 3));
    text[0] = '0';
    text[1] = 'x';
    codec_hex_encode(text + 2, value);
    put(object, key, json_string(text));
    free(text);
}

void tools_json_set(struct tools_json *object, const char *key, struct tools_json *child)
{
    put(object, key, (json_t *)child);
}

void tools_json_append(struct tools_json *array, struct tools_json *child)
{
    if (json_array_append_new((json_t *)array, (json_t *)child) != 0)
        must(NULL);
}

void tools_json_append_text(struct tools_json *array, const char *value)
{
    tools_json_append(array, (struct tools_json *)json_string(value));
}

void tools_json_append_flag(struct tools_json *array, bool value)
{
    tools_json_append(array, (struct tools_json *)json_boolean(value));
}

bool tools_json_write(const char *path, const struct tools_json *node)
{
    FILE *file = fopen(path, "w");
    if (!file)
        return false;
    bool written = json_dumpf(in(node), file, JSON_INDENT(1)) == 0 && fputc('\n', file) == '\n';
    return fclose(file) == 0 && written;
}

char *tools_json_dump(const struct tools_json *node)
{
    return must(json_dumps(in(node), JSON_ENCODE_ANY | JSON_COMPACT));
}

void tools_json_free(struct tools_json *node)
{
    json_decref((json_t *)node);
}
