/*
 * Reading a YAML tree into structs by tables: one row a field, every problem said, none ends the reading.
 * Used by relay/edge/config_relay.c and relay/edge/config_network.c.
 */
#ifndef ISTHMUS_RELAY_EDGE_SCHEMA_H
#define ISTHMUS_RELAY_EDGE_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/edge/config.h"
#include "relay/edge/yaml.h"

enum { SCHEMA_LEVELS = 8 };

enum schema_kind {
    SCHEMA_NAME,    /* char[33]: 1..32 of a-z 0-9 - */
    SCHEMA_CAIP2,   /* char[42] */
    SCHEMA_TEXT,    /* char *, owned, 1 .. max bytes */
    SCHEMA_PATH,    /* char *, owned, relative to the file's folder */
    SCHEMA_NUMBER,  /* unsigned of `size` bytes, min..max */
    SCHEMA_SIZE,    /* uint64_t bytes: a number, or one with KiB, MiB, GiB; min..max */
    SCHEMA_BOOL,    /* bool */
    SCHEMA_HEX32,   /* uint8_t[32], 64 hex digits, 0x allowed */
    SCHEMA_ACCOUNT, /* uint8_t[32]: 20 bytes (padded on the left) or 32, in hex; not zero */
    SCHEMA_CHOICE,  /* unsigned of `size` bytes: one of words */
    SCHEMA_FLAGS,   /* unsigned of `size` bytes: the OR of a list of words, at least one */
    SCHEMA_MAPPING, /* a struct inside: `fields` */
    SCHEMA_LIST, /* pointer to array of `size`-byte structs, its length (size_t) at `len_offset`: `fields`, at most max */
    SCHEMA_CUSTOM /* `custom` reads it */
};

struct schema_word {
    const char *text; /* NULL ends the table */
    uint64_t value;
};

struct schema_reader;

struct schema_field {
    const char *key;
    enum schema_kind kind;
    size_t offset;
    bool required;     /* else `standard`, or zero, when absent */
    size_t size;       /* NUMBER, CHOICE, FLAGS: of the member; LIST: of an element */
    size_t len_offset; /* LIST */
    uint64_t min, max; /* NUMBER, SIZE; TEXT: max; LIST: both */
    uint64_t standard; /* NUMBER, SIZE, CHOICE */
    const struct schema_word *words;
    const struct schema_field *fields; /* ended by a row without a key */
    void (*custom)(struct schema_reader *reader, const struct schema_field *field, const struct yaml_tree_node *node,
                   void *object);
    /* CUSTOM without `fields`: whether two structs hold the same there; schema_differ asks it */
    bool (*same)(const struct schema_field *field, const void *old, const void *new);
    bool live; /* a running relay takes it over when it reads its file again */
};

/* Offset and size of a member, in a row. */
#define SCHEMA_AT(type, member) .offset = offsetof(struct type, member)
#define SCHEMA_OF(type, member) SCHEMA_AT(type, member), .size = sizeof(((struct type *)NULL)->member)
#define SCHEMA_LIST_OF(type, member)                                                                                   \
    SCHEMA_AT(type, member), .size = sizeof(*((struct type *)NULL)->member),                                           \
                             .len_offset = offsetof(struct type, member##_len)

struct schema_reader {
    const char *file;   /* in problems */
    const char *folder; /* SCHEMA_PATH */
    struct config_problems *problems;
    void *objects[SCHEMA_LEVELS]; /* the structs around: objects[0] is the outermost */
    size_t level;
    char path[96]; /* of the node being read */
};

/* Says a problem at a node (its value), with the reader's path. */
__attribute__((format(printf, 3, 4))) void schema_say(struct schema_reader *reader, const struct yaml_tree_node *node,
                                                      const char *format, ...);

/* Reads a mapping into object. Unknown keys, missing fields and bad values are said. */
void schema_read(struct schema_reader *reader, const struct schema_field *fields, const struct yaml_tree_node *node,
                 void *object);

/* Reads one value of a field's kind into a member that stands alone (the field's offset does not count). */
void schema_read_value(struct schema_reader *reader, const struct schema_field *field,
                       const struct yaml_tree_node *node, void *member);

/* The text of a node, or NULL after saying that a text belongs here (also when it is empty). */
const char *schema_text(struct schema_reader *reader, const struct yaml_tree_node *node);

/* Goes down the path by a key or an index, and back up to the length that was returned. */
size_t schema_enter_key(struct schema_reader *reader, const char *key);
size_t schema_enter_index(struct schema_reader *reader, size_t index);
void schema_leave(struct schema_reader *reader, size_t length);

/*
 * Calls `differs` for each field in which two structs that were read by `fields` differ, in the table's order, with its path:
 * "sources[1].program", or "sources" where there are more or fewer of them.
 */
void schema_differ(const struct schema_field *fields, const void *old, const void *new,
                   void (*differs)(void *context, const char *path, const struct schema_field *field), void *context);

/* The word of a list of candidates that a misspelt one most likely means; NULL: none is near. */
const char *schema_nearest(const char *word, const char *const *candidates, size_t count);

#endif
