/*
 * What the files of the configuration share: relay/edge/config*.c only.
 */
#ifndef ISTHMUS_RELAY_EDGE_CONFIG_PARTS_H
#define ISTHMUS_RELAY_EDGE_CONFIG_PARTS_H

#include <stddef.h>

#include "relay/edge/config.h"
#include "relay/edge/schema.h"

enum { CONFIG_SOCKET_PATH_MAX = 107 }; /* bytes of a unix socket's path */

/* The whole file, at most CONFIG_FILE_MAX bytes, in memory that the caller frees; NULL after saying why. */
void *config_read_file(struct schema_reader *reader, const char *path, size_t *len);

/* Parses; syntax problems are said through the reader. NULL when nothing came out. */
struct yaml_tree *config_parse(struct schema_reader *reader, const void *text, size_t len);

/* The tree of a file that was read before, to name its lines; in silence, NULL when it cannot be read any more. */
struct yaml_tree *config_parse_again(const char *path);

/* Says a problem at a path of the tree; tree NULL: its line is not known. */
__attribute__((format(printf, 4, 5))) void config_say(struct schema_reader *reader, const struct yaml_tree *tree,
                                                      const char *path, const char *format, ...);

/* The table by which a relay's own file is read. */
const struct schema_field *config_relay_fields(void);

/* Says what is wrong with the meaning of a relay's own file, as far as it can be known without the network document. */
void config_relay_check(struct schema_reader *reader, const struct yaml_tree *tree, const struct config_relay *relay);

/* Sorts the problems from index `from` on by line and column. */
void config_problems_sort(struct config_problems *problems, size_t from);

/* Everything before the last slash, "." when there is none; the caller frees it. NULL: no memory. */
char *config_folder_of(const char *path);

#endif
