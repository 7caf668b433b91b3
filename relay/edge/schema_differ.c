/*
 * Comparing two structs that were read by one table: no field of it can be forgotten.
 */
#include <stdio.h>
#include <string.h>

#include "relay/edge/schema.h"

struct walk {
    void (*differs)(void *context, const char *path, const struct schema_field *field);
    void *context;
    struct schema_reader at; /* only its path */
};

static bool texts_same(const void *old, const void *new)
{
    const char *a, *b;
    memcpy(&a, old, sizeof a);
    memcpy(&b, new, sizeof b);
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool values_same(const struct schema_field *field, const void *old, const void *new)
{
    const void *a = (const char *)old + field->offset, *b = (const char *)new + field->offset;
    switch (field->kind) {
    case SCHEMA_NAME:
    case SCHEMA_CAIP2: return strcmp(a, b) == 0;
    case SCHEMA_TEXT:
    case SCHEMA_PATH: return texts_same(a, b);
    case SCHEMA_NUMBER:
    case SCHEMA_CHOICE:
    case SCHEMA_FLAGS: return memcmp(a, b, field->size) == 0;
    case SCHEMA_SIZE: return memcmp(a, b, sizeof(uint64_t)) == 0;
    case SCHEMA_BOOL: return *(const bool *)a == *(const bool *)b;
    case SCHEMA_HEX32:
    case SCHEMA_ACCOUNT: return memcmp(a, b, 32) == 0;
    case SCHEMA_CUSTOM: return field->same && field->same(field, old, new);
    case SCHEMA_MAPPING:
    case SCHEMA_LIST: break;
    }
    return false;
}

static void differ(struct walk *walk, const struct schema_field *fields, const char *old, const char *new);

static void lists_differ(struct walk *walk, const struct schema_field *field, const char *old, const char *new)
{
    size_t old_len, new_len;
    const char *a, *b;
    memcpy(&old_len, old + field->len_offset, sizeof old_len);
    memcpy(&new_len, new + field->len_offset, sizeof new_len);
    memcpy(&a, old + field->offset, sizeof a);
    memcpy(&b, new + field->offset, sizeof b);
    if (old_len != new_len) {
        walk->differs(walk->context, walk->at.path, field);
        return;
    }
    for (size_t i = 0; i < old_len; i++) {
        size_t length = schema_enter_index(&walk->at, i);
        differ(walk, field->fields, a + i * field->size, b + i * field->size);
        schema_leave(&walk->at, length);
    }
}

static void differ(struct walk *walk, const struct schema_field *fields, const char *old, const char *new)
{
    for (const struct schema_field *field = fields; field->key; field++) {
        size_t length = schema_enter_key(&walk->at, field->key);
        if (field->kind == SCHEMA_LIST)
            lists_differ(walk, field, old, new);
        else if (field->fields)
            differ(walk, field->fields, old + field->offset, new + field->offset);
        else if (!values_same(field, old, new))
            walk->differs(walk->context, walk->at.path, field);
        schema_leave(&walk->at, length);
    }
}

void schema_differ(const struct schema_field *fields, const void *old, const void *new,
                   void (*differs)(void *context, const char *path, const struct schema_field *field), void *context)
{
    struct walk walk = {.differs = differs, .context = context};
    differ(&walk, fields, old, new);
}
