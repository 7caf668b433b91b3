/*
 * What the files of the configuration share: relay/edge/config*.c only.
 */
#ifndef ISTHMUS_RELAY_EDGE_CONFIG_PARTS_H
#define ISTHMUS_RELAY_EDGE_CONFIG_PARTS_H

#include <stddef.h>

#include "relay/edge/config.h"
#include "relay/edge/schema.h"

/* The whole file, at most CONFIG_FILE_MAX bytes, in memory that the caller frees; NULL after saying why. */
void *config_read_file(struct schema_reader *reader, const char *path, size_t *len);

/* Parses; syntax problems are said through the reader. NULL when nothing came out. */
struct yaml_tree *config_parse(struct schema_reader *reader, const void *text, size_t len);

/* Sorts the problems from index `from` on by line and column. */
void config_problems_sort(struct config_problems *problems, size_t from);

/* Everything before the last slash, "." when there is none; the caller frees it. NULL: no memory. */
char *config_folder_of(const char *path);

#endif
