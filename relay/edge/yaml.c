/*
 * YAML to a tree with positions, over libyaml's events (libyaml reads, nothing else here knows it).
 */
#include "relay/edge/yaml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum { CHUNK = 64 * 1024 };

struct chunk {
    struct chunk *next;
    size_t used;
    max_align_t data[CHUNK / sizeof(max_align_t)];
};

struct yaml_tree {
    struct chunk *chunks;
    struct yaml_tree_node *root;
};

struct build {
    struct yaml_tree *tree;
    const struct yaml_complaint *complaint;
    struct yaml_tree_node *stack[YAML_DEPTH_MAX]; /* open lists and mappings */
    size_t depth;
    size_t nodes;
    struct yaml_tree_node *key; /* read, its value is not here yet */
    unsigned documents;
    bool done, failed;
};

static void *allocate(struct yaml_tree *tree, size_t size)
{
    size = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    if (!tree->chunks || tree->chunks->used + size > CHUNK) {
        struct chunk *chunk = calloc(1, sizeof *chunk);
        if (!chunk)
            return NULL;
        chunk->next = tree->chunks;
        tree->chunks = chunk;
    }
    void *data = (char *)tree->chunks->data + tree->chunks->used;
    tree->chunks->used += size;
    return data;
}

static void say(struct build *build, yaml_mark_t mark, const char *text)
{
    build->complaint->say(build->complaint->context, (unsigned)mark.line + 1, (unsigned)mark.column + 1, text);
}

static void stop(struct build *build, yaml_mark_t mark, const char *text)
{
    say(build, mark, text);
    build->failed = true;
}

static struct yaml_tree_node *node_new(struct build *build, enum yaml_kind kind, yaml_mark_t mark)
{
    struct yaml_tree_node *node = NULL;
    if (++build->nodes > YAML_NODES_MAX)
        stop(build, mark, "the file has more than 200000 values: split what it describes");
    else if (!(node = allocate(build->tree, sizeof *node)))
        stop(build, mark, "no memory for the file");
    if (node) {
        node->kind = kind;
        node->line = (unsigned)mark.line + 1;
        node->column = (unsigned)mark.column + 1;
    }
    return node;
}

/* Hangs a finished key's value, or a list's element, under the open node. */
static void hang(struct build *build, struct yaml_tree_node *node, yaml_mark_t mark)
{
    if (build->depth == 0) {
        build->tree->root = node;
        return;
    }
    struct yaml_tree_node *parent = build->stack[build->depth - 1];
    if (parent->kind == YAML_KIND_MAPPING) {
        char text[160];
        node->key = build->key->text;
        node->key_line = build->key->line;
        node->key_column = build->key->column;
        build->key = NULL;
        const struct yaml_tree_node *first = yaml_tree_child(parent, node->key);
        if (first) {
            snprintf(text, sizeof text, "'%.64s' stands here twice, first in line %u: remove one", node->key,
                     first->key_line);
            build->complaint->say(build->complaint->context, node->key_line, node->key_column, text);
        }
        if (parent->count == YAML_KEYS_MAX)
            stop(build, mark, "more than 256 keys in one mapping");
    }
    if (parent->last)
        parent->last->next = node;
    else
        parent->first = node;
    parent->last = node;
    parent->count++;
}

/* A mapping's children come in pairs: true while the next one is a key. */
static bool wants_key(const struct build *build)
{
    return build->depth && build->stack[build->depth - 1]->kind == YAML_KIND_MAPPING && !build->key;
}

static void on_scalar(struct build *build, const yaml_event_t *event)
{
    yaml_mark_t mark = event->start_mark;
    size_t len = event->data.scalar.length;
    const char *value = (const char *)event->data.scalar.value;

    if (event->data.scalar.anchor || event->data.scalar.tag)
        say(build, mark, "anchors (&) and tags (!) are not used here: write the value plainly");
    if (len > YAML_SCALAR_MAX || strlen(value) != len) {
        stop(build, mark, len > YAML_SCALAR_MAX ? "a text of more than 8192 bytes" : "a zero byte inside a text");
        return;
    }
    struct yaml_tree_node *node = node_new(build, YAML_KIND_TEXT, mark);
    char *text = node ? allocate(build->tree, len + 1) : NULL;
    if (!text) {
        if (!build->failed)
            stop(build, mark, "no memory for the file");
        return;
    }
    memcpy(text, value, len + 1);
    node->text = text;
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    if (wants_key(build))
        build->key = node;
    else
        hang(build, node, mark);
}

static void on_open(struct build *build, enum yaml_kind kind, yaml_mark_t mark, bool marked)
{
    if (marked)
        say(build, mark, "anchors (&) and tags (!) are not used here: write the value plainly");
    if (wants_key(build)) {
        stop(build, mark, "a key must be a plain word");
        return;
    }
    if (build->depth == YAML_DEPTH_MAX) {
        stop(build, mark, "more than 16 levels");
        return;
    }
    struct yaml_tree_node *node = node_new(build, kind, mark);
    if (!node)
        return;
    hang(build, node, mark);
    build->stack[build->depth++] = node;
}

static void on_event(struct build *build, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_DOCUMENT_END_EVENT: break;
    case YAML_STREAM_END_EVENT: build->done = true; break;
    case YAML_DOCUMENT_START_EVENT:
        if (build->documents++)
            stop(build, event->start_mark, "a second document (---) in one file: keep one");
        break;
    case YAML_ALIAS_EVENT:
        stop(build, event->start_mark, "aliases (*) are not used here: write the value again");
        break;
    case YAML_SCALAR_EVENT: on_scalar(build, event); break;
    case YAML_SEQUENCE_START_EVENT:
        on_open(build, YAML_KIND_LIST, event->start_mark,
                event->data.sequence_start.anchor || event->data.sequence_start.tag);
        break;
    case YAML_MAPPING_START_EVENT:
        on_open(build, YAML_KIND_MAPPING, event->start_mark,
                event->data.mapping_start.anchor || event->data.mapping_start.tag);
        break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT: build->depth--; break;
    }
}

static void say_syntax(struct build *build, const yaml_parser_t *parser)
{
    char text[200];
    snprintf(text, sizeof text, "not YAML: %s%s%s", parser->problem ? parser->problem : "unreadable",
             parser->context ? " " : "", parser->context ? parser->context : "");
    stop(build, parser->problem_mark, text);
}

struct yaml_tree *yaml_tree_new(const void *text, size_t len, const struct yaml_complaint *complaint)
{
    yaml_parser_t parser;
    struct yaml_tree *tree = calloc(1, sizeof *tree);
    struct build build = {.tree = tree, .complaint = complaint};
    /* A byte order mark may begin a stream (YAML 1.2, section 5.2). Where it is told the encoding, libyaml counts it as a column. */
    size_t skip = len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

    if (!tree || !yaml_parser_initialize(&parser)) {
        complaint->say(complaint->context, 0, 0, "no memory for the file");
        free(tree);
        return NULL;
    }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const uint8_t *)text + skip, len - skip);
    while (!build.done && !build.failed) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            say_syntax(&build, &parser);
            break;
        }
        on_event(&build, &event);
        yaml_event_delete(&event);
    }
    if (!build.failed && !tree->root)
        tree->root = node_new(&build, YAML_KIND_MAPPING, (yaml_mark_t){0});
    yaml_parser_delete(&parser);
    if (build.failed) {
        yaml_tree_free(tree);
        return NULL;
    }
    return tree;
}

void yaml_tree_free(struct yaml_tree *tree)
{
    if (!tree)
        return;
    while (tree->chunks) {
        struct chunk *next = tree->chunks->next;
        free(tree->chunks);
        tree->chunks = next;
    }
    free(tree);
}

const struct yaml_tree_node *yaml_tree_root(const struct yaml_tree *tree)
{
    return tree->root;
}

const struct yaml_tree_node *yaml_tree_child(const struct yaml_tree_node *node, const char *key)
{
    if (!node || node->kind != YAML_KIND_MAPPING)
        return NULL;
    for (const struct yaml_tree_node *child = node->first; child; child = child->next)
        if (strcmp(child->key, key) == 0)
            return child;
    return NULL;
}

static const struct yaml_tree_node *element(const struct yaml_tree_node *node, unsigned long index)
{
    const struct yaml_tree_node *child = node->kind == YAML_KIND_LIST ? node->first : NULL;
    while (child && index--)
        child = child->next;
    return child;
}

const struct yaml_tree_node *yaml_tree_at(const struct yaml_tree *tree, const char *path)
{
    const struct yaml_tree_node *node = tree->root;
    while (*path) {
        const struct yaml_tree_node *next;
        char key[64];
        if (*path == '[') {
            char *end;
            next = element(node, strtoul(path + 1, &end, 10));
            path = *end == ']' ? end + 1 : end;
        } else {
            path += *path == '.';
            size_t len = strcspn(path, ".[");
            snprintf(key, sizeof key, "%.*s", (int)len, path);
            next = len ? yaml_tree_child(node, key) : NULL;
            path += len;
        }
        if (!next)
            return node;
        node = next;
    }
    return node;
}
