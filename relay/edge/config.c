/*
 * Configuration files: reading them whole, and gathering what is wrong with them.
 */
#include "relay/edge/config_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- files --------------------------------------------------------------------------------------------------------- */

void *config_read_file(struct schema_reader *reader, const char *path, size_t *len)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK); /* no waiting for whoever fills a pipe */
    FILE *file = fd < 0 ? NULL : fdopen(fd, "rb");
    struct stat about;
    char *text = NULL;

    if (!file) {
        schema_say(reader, NULL, "cannot be opened: %s", strerror(errno));
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    if (fstat(fileno(file), &about) != 0 || !S_ISREG(about.st_mode))
        schema_say(reader, NULL, "is no plain file");
    else if (about.st_size > CONFIG_FILE_MAX)
        schema_say(reader, NULL, "has %lld bytes; at most %d", (long long)about.st_size, CONFIG_FILE_MAX);
    else if (!(text = malloc(CONFIG_FILE_MAX + 1)))
        schema_say(reader, NULL, "no memory");
    if (text) {
        *len = fread(text, 1, CONFIG_FILE_MAX + 1, file);
        if (ferror(file) || *len > CONFIG_FILE_MAX) {
            schema_say(reader, NULL, "cannot be read");
            free(text);
            text = NULL;
        }
    }
    fclose(file);
    return text;
}

static void say_syntax(void *context, unsigned line, unsigned column, const char *text)
{
    struct yaml_tree_node place = {.line = line, .column = column};
    schema_say(context, &place, "%s", text);
}

struct yaml_tree *config_parse(struct schema_reader *reader, const void *text, size_t len)
{
    struct yaml_complaint complaint = {.say = say_syntax, .context = reader};
    return yaml_tree_new(text, len, &complaint);
}

struct yaml_tree *config_parse_again(const char *path)
{
    struct config_problems *silent = calloc(1, sizeof *silent);
    struct schema_reader reader = {.file = path, .folder = ".", .problems = silent};
    size_t len;
    void *text = silent ? config_read_file(&reader, path, &len) : NULL;
    struct yaml_tree *tree = text ? config_parse(&reader, text, len) : NULL;
    free(text);
    free(silent);
    return tree;
}

char *config_folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
}

/* ---- problems ------------------------------------------------------------------------------------------------------ */

void config_say(struct schema_reader *reader, const struct yaml_tree *tree, const char *path, const char *format, ...)
{
    char text[sizeof((struct config_problem *)NULL)->text];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    snprintf(reader->path, sizeof reader->path, "%s", path);
    schema_say(reader, tree ? yaml_tree_at(tree, path) : NULL, "%s", text);
    reader->path[0] = '\0';
}

static int compare_problems(const void *a, const void *b)
{
    const struct config_problem *x = a, *y = b;
    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    if (x->column != y->column)
        return x->column < y->column ? -1 : 1;
    return strcmp(x->text, y->text);
}

void config_problems_sort(struct config_problems *problems, size_t from)
{
    qsort(problems->items + from, problems->len - from, sizeof problems->items[0], compare_problems);
}

void config_problems_print(const struct config_problems *problems, FILE *stream)
{
    for (size_t i = 0; i < problems->len; i++) {
        const struct config_problem *problem = &problems->items[i];
        if (problem->line)
            fprintf(stream, "%s:%u:%u: ", problem->file, problem->line, problem->column);
        else
            fprintf(stream, "%s: ", problem->file);
        fprintf(stream, "%s%s%s\n", problem->path, problem->path[0] ? " " : "", problem->text);
    }
    if (problems->total > problems->len)
        fprintf(stream, "... and %zu more\n", problems->total - problems->len);
}
