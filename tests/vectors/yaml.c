/*
 * The YAML of portal-network test data: one mapping of texts, or a list of such mappings. Anything else is refused.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/vectors/vectors.h"

/* "key: value" at line; value without its quotes. False when it is not that. */
static bool split_line(char **key, char **value, char *line)
{
    char *colon = strstr(line, ": ");
    if (!colon || colon == line)
        return false;
    *colon = '\0';
    *key = line;
    *value = colon + 2;
    size_t len = strlen(*value);
    char quote = (*value)[0];
    if (quote != '"' && quote != '\'')
        return len > 0;
    if (len < 2 || (*value)[len - 1] != quote)
        return false;
    (*value)[len - 1] = '\0';
    ++*value;
    return true;
}

/* One line into tree; *entry is the mapping being filled. */
static bool take_line(struct tools_json *tree, struct tools_json **entry, char *line)
{
    char *key;
    char *value;
    line[strcspn(line, "\r\n")] = '\0';
    char *text = line + strspn(line, " ");
    if (*text == '\0' || *text == '#' || strcmp(text, "---") == 0)
        return true;
    bool opens = text[0] == '-' && text[1] == ' ';
    if (opens || !*entry) {
        *entry = tools_json_new_object();
        tools_json_append(tree, *entry);
    }
    text += opens ? 2 : 0;
    if (!split_line(&key, &value, text))
        return false;
    tools_json_set_text(*entry, key, value);
    return true;
}

struct tools_json_doc *vectors_read_yaml(const char *path)
{
    struct tools_json *tree = tools_json_new_array();
    struct tools_json *entry = NULL;
    struct tools_json_doc *doc = tools_json_adopt(path, tree);
    char *line = NULL;
    size_t cap = 0;
    char where[32];
    FILE *file = fopen(path, "r");
    if (!file)
        tools_json_fail(doc, "file", "cannot be opened");
    for (size_t number = 1; file && getline(&line, &cap, file) >= 0; number++) {
        snprintf(where, sizeof where, "line %zu", number);
        if (!take_line(tree, &entry, line))
            tools_json_fail(doc, where, "is not a mapping of texts");
    }
    free(line);
    if (file)
        fclose(file);
    return doc;
}
