/*
 * The table-driven reader of configuration: types and ranges of single values, unknown and missing keys.
 */
#include "relay/edge/schema.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proofs/codec/bytes.h"
#include "proofs/codec/hex.h"
#include "proofs/lane.h"

/* ---- saying -------------------------------------------------------------------------------------------------------- */

/* What a file says must not move the terminal. */
static void clean(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = '?';
}

__attribute__((format(printf, 4, 0))) static void say_at(struct schema_reader *reader, unsigned line, unsigned column,
                                                         const char *format, va_list arguments)
{
    struct config_problems *problems = reader->problems;
    if (problems->total++ >= CONFIG_PROBLEMS_MAX)
        return;
    struct config_problem *problem = &problems->items[problems->len++];
    snprintf(problem->file, sizeof problem->file, "%s", reader->file);
    snprintf(problem->path, sizeof problem->path, "%s", reader->path);
    problem->line = line;
    problem->column = column;
    vsnprintf(problem->text, sizeof problem->text, format, arguments);
    clean(problem->path);
    clean(problem->text);
}

void schema_say(struct schema_reader *reader, const struct yaml_tree_node *node, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say_at(reader, node ? node->line : 0, node ? node->column : 0, format, arguments);
    va_end(arguments);
}

__attribute__((format(printf, 3, 4))) static void say_key(struct schema_reader *reader,
                                                          const struct yaml_tree_node *node, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say_at(reader, node->key_line, node->key_column, format, arguments);
    va_end(arguments);
}

size_t schema_enter_key(struct schema_reader *reader, const char *key)
{
    size_t length = strlen(reader->path);
    snprintf(reader->path + length, sizeof reader->path - length, "%s%s", length ? "." : "", key);
    return length;
}

size_t schema_enter_index(struct schema_reader *reader, size_t index)
{
    size_t length = strlen(reader->path);
    snprintf(reader->path + length, sizeof reader->path - length, "[%zu]", index);
    return length;
}

void schema_leave(struct schema_reader *reader, size_t length)
{
    reader->path[length] = '\0';
}

/* ---- did you mean -------------------------------------------------------------------------------------------------- */

static size_t least(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Insertions, deletions and exchanges that lead from one word to the other; words over 40 characters are far apart. */
static size_t distance(const char *a, const char *b)
{
    size_t a_len = strlen(a), b_len = strlen(b), row[41];
    if (a_len > 40 || b_len > 40)
        return 100;
    for (size_t j = 0; j <= b_len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t above = row[j];
            row[j] = least(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[b_len];
}

const char *schema_nearest(const char *word, const char *const *candidates, size_t count)
{
    const char *best = NULL;
    size_t near = strlen(word) / 3 + 1;
    if (near > 3)
        near = 3;
    for (size_t i = 0; i < count; i++) {
        size_t far = distance(word, candidates[i]);
        if (far > near || (best && far == near))
            continue;
        near = far;
        best = candidates[i];
    }
    return best;
}

/* ---- single values ------------------------------------------------------------------------------------------------- */

const char *schema_text(struct schema_reader *reader, const struct yaml_tree_node *node)
{
    if (node->kind != YAML_KIND_TEXT) {
        schema_say(reader, node, "is a %s; one value belongs here", node->kind == YAML_KIND_LIST ? "list" : "mapping");
        return NULL;
    }
    if (node->text[0] == '\0' || (!node->quoted && strcmp(node->text, "~") == 0)) {
        schema_say(reader, node, "is empty");
        return NULL;
    }
    return node->text;
}

static void store(void *member, size_t size, uint64_t value)
{
    uint8_t u8 = (uint8_t)value;
    uint16_t u16 = (uint16_t)value;
    uint32_t u32 = (uint32_t)value;
    const void *from = size == 1   ? (const void *)&u8
                       : size == 2 ? (const void *)&u16
                       : size == 4 ? (const void *)&u32
                                   : &value;
    memcpy(member, from, size);
}

/* Decimal digits only, no sign, no leading zero; *end is where they end. */
static bool digits(uint64_t *out, const char *text, const char **end)
{
    uint64_t value = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9'; at++) {
        uint64_t digit = (uint64_t)(*at - '0');
        if (value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    *end = at;
    return at != text && (text[0] != '0' || at == text + 1);
}

static void read_number(struct schema_reader *reader, const struct schema_field *field,
                        const struct yaml_tree_node *node, void *member)
{
    static const struct schema_word units[] = {
        {"KiB", 1ull << 10}, {"MiB", 1ull << 20}, {"GiB", 1ull << 30}, {NULL, 0}};
    bool size = field->kind == SCHEMA_SIZE;
    const char *text = schema_text(reader, node), *rest;
    uint64_t value, unit = 1;

    if (!text)
        return;
    bool good = digits(&value, text, &rest);
    rest += good && size && *rest == ' ';
    for (const struct schema_word *one = units; good && size && one->text; one++)
        if (strcmp(rest, one->text) == 0)
            unit = one->value;
    if (!good || (*rest && unit == 1) || value > UINT64_MAX / unit) {
        schema_say(reader, node, "'%.40s' is no %s", text,
                   size ? "size: write bytes, or a number with KiB, MiB or GiB" : "number: write decimal digits");
        return;
    }
    value *= unit;
    if (value < field->min || value > field->max)
        schema_say(reader, node, "%llu is out of range: %llu to %llu", (unsigned long long)value,
                   (unsigned long long)field->min, (unsigned long long)field->max);
    else
        store(member, size ? sizeof value : field->size, value);
}

static void read_bool(struct schema_reader *reader, const struct yaml_tree_node *node, bool *member)
{
    const char *text = schema_text(reader, node);
    if (!text)
        return;
    *member = strcmp(text, "true") == 0;
    if (!*member && strcmp(text, "false") != 0)
        schema_say(reader, node, "'%.40s' is neither true nor false", text);
}

static void read_name(struct schema_reader *reader, const struct yaml_tree_node *node, char *member)
{
    const char *text = schema_text(reader, node);
    if (!text)
        return;
    if (!proof_name_valid(text))
        schema_say(reader, node, "'%.40s' is no name: use 1 to 32 of a-z 0-9 -", text);
    else
        memcpy(member, text, strlen(text) + 1);
}

static void read_caip2(struct schema_reader *reader, const struct yaml_tree_node *node, char *member)
{
    const char *text = schema_text(reader, node);
    if (!text)
        return;
    if (!proof_caip2_valid(text))
        schema_say(reader, node, "'%.60s' is no CAIP-2 chain id: write it like eip155:1", text);
    else
        memcpy(member, text, strlen(text) + 1);
}

static void read_text(struct schema_reader *reader, const struct schema_field *field, const struct yaml_tree_node *node,
                      char **member)
{
    const char *text = schema_text(reader, node);
    size_t max = field->max ? field->max : 1024;
    if (!text)
        return;
    if (strlen(text) > max) {
        schema_say(reader, node, "has %zu bytes; at most %zu", strlen(text), max);
        return;
    }
    free(*member);
    const char *folder =
        field->kind == SCHEMA_PATH && text[0] != '/' && strcmp(reader->folder, ".") != 0 ? reader->folder : "";
    size_t len = strlen(folder) + strlen(text) + 2;
    *member = malloc(len);
    if (*member)
        snprintf(*member, len, "%s%s%s", folder, *folder ? "/" : "", text);
    else
        schema_say(reader, node, "no memory");
}

static void read_hex(struct schema_reader *reader, const struct schema_field *field, const struct yaml_tree_node *node,
                     uint8_t *member)
{
    const char *text = schema_text(reader, node);
    uint8_t value[32] = {0};
    bool good = text && codec_hex_decode_exact(value, 32, text, strlen(text));

    if (text && !good && field->kind == SCHEMA_ACCOUNT) {
        memset(value, 0, sizeof value); /* what the first try left there */
        good = codec_hex_decode_exact(value + 12, 20, text, strlen(text));
    }
    if (text && !good)
        schema_say(reader, node, "'%.20s%s' is not %s", text, strlen(text) > 20 ? "..." : "",
                   field->kind == SCHEMA_ACCOUNT ? "an account: 40 hex digits (EVM), or 64" : "64 hex digits");
    else if (good && field->kind == SCHEMA_ACCOUNT && codec_bytes_are_zero(value, 32))
        schema_say(reader, node, "is the zero account");
    else if (good)
        memcpy(member, value, 32);
}

/* ---- words --------------------------------------------------------------------------------------------------------- */

static bool read_word(struct schema_reader *reader, const struct schema_field *field, const struct yaml_tree_node *node,
                      uint64_t *out)
{
    const char *text = schema_text(reader, node), *known[32];
    char list[160] = "";
    size_t count = 0;

    for (const struct schema_word *word = field->words; text && word->text; word++) {
        if (strcmp(word->text, text) == 0) {
            *out = word->value;
            return true;
        }
        size_t at = strlen(list);
        snprintf(list + at, sizeof list - at, "%s%s", at ? ", " : "", word->text);
        if (count < sizeof known / sizeof *known)
            known[count++] = word->text;
    }
    if (text) {
        const char *near = schema_nearest(text, known, count);
        schema_say(reader, node, "'%.40s' is not one of %s%s%s%s", text, list, near ? "; did you mean '" : "",
                   near ? near : "", near ? "'?" : "");
    }
    return false;
}

static void read_flags(struct schema_reader *reader, const struct schema_field *field,
                       const struct yaml_tree_node *node, void *member)
{
    uint64_t set = 0, one;
    size_t index = 0;
    if (node->kind != YAML_KIND_LIST || node->count == 0) {
        schema_say(reader, node, "is no list: write at least one word in [ ]");
        return;
    }
    for (const struct yaml_tree_node *child = node->first; child; child = child->next) {
        size_t length = schema_enter_index(reader, index++);
        if (read_word(reader, field, child, &one))
            set |= one;
        schema_leave(reader, length);
    }
    store(member, field->size, set);
}

/* ---- structure ----------------------------------------------------------------------------------------------------- */

static void read_list(struct schema_reader *reader, const struct schema_field *field, const struct yaml_tree_node *node,
                      void *object)
{
    char *elements;
    size_t index = 0;
    if (node->kind != YAML_KIND_LIST) {
        schema_say(reader, node, "is no list: begin each entry with '- '");
        return;
    }
    if (node->count < field->min || node->count > field->max) {
        schema_say(reader, node, "has %zu entries; %llu to %llu belong here", node->count,
                   (unsigned long long)field->min, (unsigned long long)field->max);
        return;
    }
    if (node->count == 0)
        return;
    elements = calloc(node->count, field->size);
    if (!elements) {
        schema_say(reader, node, "no memory");
        return;
    }
    /* Stored before it is read: what is freed is what was stored, and later entries may refer to earlier ones. */
    memcpy((char *)object + field->offset, &elements, sizeof elements);
    memcpy((char *)object + field->len_offset, &node->count, sizeof node->count);
    for (const struct yaml_tree_node *child = node->first; child; child = child->next) {
        size_t length = schema_enter_index(reader, index);
        schema_read(reader, field->fields, child, elements + index * field->size);
        schema_leave(reader, length);
        index++;
    }
}

static void read_field(struct schema_reader *reader, const struct schema_field *field,
                       const struct yaml_tree_node *node, void *object)
{
    void *member = (char *)object + field->offset;
    uint64_t word;

    switch (field->kind) {
    case SCHEMA_NAME: read_name(reader, node, member); break;
    case SCHEMA_CAIP2: read_caip2(reader, node, member); break;
    case SCHEMA_TEXT:
    case SCHEMA_PATH: read_text(reader, field, node, member); break;
    case SCHEMA_NUMBER:
    case SCHEMA_SIZE: read_number(reader, field, node, member); break;
    case SCHEMA_BOOL: read_bool(reader, node, member); break;
    case SCHEMA_HEX32:
    case SCHEMA_ACCOUNT: read_hex(reader, field, node, member); break;
    case SCHEMA_CHOICE:
        if (read_word(reader, field, node, &word))
            store(member, field->size, word);
        break;
    case SCHEMA_FLAGS: read_flags(reader, field, node, member); break;
    case SCHEMA_MAPPING: schema_read(reader, field->fields, node, member); break;
    case SCHEMA_LIST: read_list(reader, field, node, object); break;
    case SCHEMA_CUSTOM: field->custom(reader, field, node, object); break;
    }
}

void schema_read_value(struct schema_reader *reader, const struct schema_field *field,
                       const struct yaml_tree_node *node, void *member)
{
    struct schema_field alone = *field;
    alone.offset = 0;
    read_field(reader, &alone, node, member);
}

static void set_standards(const struct schema_field *fields, char *object)
{
    for (const struct schema_field *field = fields; field->key; field++) {
        if (field->kind == SCHEMA_MAPPING)
            set_standards(field->fields, object + field->offset);
        else if (field->standard)
            store(object + field->offset, field->kind == SCHEMA_SIZE ? sizeof(uint64_t) : field->size, field->standard);
    }
}

static void say_unknown(struct schema_reader *reader, const struct schema_field *fields,
                        const struct yaml_tree_node *child)
{
    const char *known[64];
    size_t count = 0;
    for (const struct schema_field *field = fields; field->key && count < 64; field++)
        known[count++] = field->key;
    const char *near = schema_nearest(child->key, known, count);
    if (near)
        say_key(reader, child, "is unknown; did you mean '%s'?", near);
    else
        say_key(reader, child, "is unknown: remove it");
}

void schema_read(struct schema_reader *reader, const struct schema_field *fields, const struct yaml_tree_node *node,
                 void *object)
{
    set_standards(fields, object);
    if (node->kind != YAML_KIND_MAPPING) {
        schema_say(reader, node, "is no mapping: write 'key: value' lines");
        return;
    }
    if (reader->level == SCHEMA_LEVELS) {
        schema_say(reader, node, "is too deep");
        return;
    }
    reader->objects[reader->level++] = object;
    for (const struct schema_field *field = fields; field->key; field++) {
        const struct yaml_tree_node *child = yaml_tree_child(node, field->key);
        size_t length = schema_enter_key(reader, field->key);
        if (child)
            read_field(reader, field, child, object);
        else if (field->required)
            schema_say(reader, node, "is missing");
        schema_leave(reader, length);
    }
    for (const struct yaml_tree_node *child = node->first; child; child = child->next) {
        const struct schema_field *field = fields;
        while (field->key && strcmp(field->key, child->key) != 0)
            field++;
        if (!field->key) {
            size_t length = schema_enter_key(reader, child->key);
            say_unknown(reader, fields, child);
            schema_leave(reader, length);
        }
    }
    reader->level--;
}
