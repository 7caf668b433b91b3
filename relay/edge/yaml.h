/*
 * YAML as a tree whose nodes know their place, so that every error of a configuration can be said at once, with its line.
 * Bounded before anything is built; strict: no aliases, anchors, tags, duplicate keys, second documents or zero bytes.
 */
#ifndef ISTHMUS_RELAY_EDGE_YAML_H
#define ISTHMUS_RELAY_EDGE_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    YAML_DEPTH_MAX = 16,
    YAML_NODES_MAX = 200000,
    YAML_KEYS_MAX = 256,   /* in one mapping */
    YAML_SCALAR_MAX = 8192 /* bytes of one text */
};

enum yaml_kind { YAML_KIND_TEXT, YAML_KIND_LIST, YAML_KIND_MAPPING };

/* Names avoid those of libyaml, which edge/yaml.c also sees. */
struct yaml_tree_node {
    enum yaml_kind kind;
    unsigned line, column; /* from 1, of the value */
    const char *key;       /* inside a mapping; NULL elsewhere */
    unsigned key_line, key_column;
    const char *text; /* TEXT: ends with a zero byte and holds no other */
    bool quoted;      /* TEXT: so that `""` can be told from nothing */
    size_t count;     /* children */
    struct yaml_tree_node *first, *last, *next;
};

struct yaml_tree;

/* Called for each thing that is wrong; `context` as given. */
struct yaml_complaint {
    void (*say)(void *context, unsigned line, unsigned column, const char *text);
    void *context;
};

/*
 * Parses one document. Duplicate keys, anchors and the like are said and parsing goes on; a syntax error or a bound ends
 * it. NULL when nothing useful came out (and something was said); an empty file is an empty mapping.
 */
struct yaml_tree *yaml_tree_new(const void *text, size_t len, const struct yaml_complaint *complaint);
void yaml_tree_free(struct yaml_tree *tree);
const struct yaml_tree_node *yaml_tree_root(const struct yaml_tree *tree);

/* The child with that key of a mapping; NULL: none, or no mapping. */
const struct yaml_tree_node *yaml_tree_child(const struct yaml_tree_node *node, const char *key);

/* The node at a path such as "lanes[2].window", or the deepest one on the way that exists. */
const struct yaml_tree_node *yaml_tree_at(const struct yaml_tree *tree, const char *path);

#endif
