/*
 * Aligned columns for people, lines of JSON for programs.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/isthmus/isthmus.h"

struct isthmus_table {
    size_t columns, cells_len, cap;
    char **cells; /* row by row, the head first */
};

void isthmus_clean(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = '?';
}

static void *must(void *memory)
{
    if (memory)
        return memory;
    fputs("isthmus: out of memory\n", stderr);
    exit(ISTHMUS_NOT_OK);
}

static void put(struct isthmus_table *table, const char *text)
{
    if (table->cells_len == table->cap) {
        table->cap = table->cap ? 2 * table->cap : 64;
        table->cells = must(realloc(table->cells, table->cap * sizeof *table->cells));
    }
    table->cells[table->cells_len++] = must(strdup(text));
}

struct isthmus_table *isthmus_table_new(const char *const *head, size_t columns)
{
    struct isthmus_table *table = must(calloc(1, sizeof *table));
    table->columns = columns;
    for (size_t i = 0; i < columns; i++)
        put(table, head[i]);
    return table;
}

void isthmus_table_add(struct isthmus_table *table, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    isthmus_clean(text);
    put(table, text);
}

void isthmus_table_end_row(struct isthmus_table *table)
{
    while (table->cells_len % table->columns != 0)
        put(table, "");
}

size_t isthmus_table_rows(const struct isthmus_table *table)
{
    return table->cells_len / table->columns - 1;
}

void isthmus_table_print(struct isthmus_table *table)
{
    for (size_t i = 0; i < table->cells_len; i++) {
        size_t column = i % table->columns, width = 0;
        for (size_t j = column; j < table->cells_len; j += table->columns)
            width = strlen(table->cells[j]) > width ? strlen(table->cells[j]) : width;
        if (column + 1 == table->columns)
            printf("%s\n", table->cells[i]);
        else
            printf("%-*s  ", (int)width, table->cells[i]);
    }
    isthmus_table_free(table);
}

void isthmus_table_free(struct isthmus_table *table)
{
    for (size_t i = 0; i < table->cells_len; i++)
        free(table->cells[i]);
    free(table->cells);
    free(table);
}

void isthmus_print_json(const struct tools_json *node)
{
    char *line = tools_json_dump(node);
    puts(line);
    free(line);
}

const char *isthmus_duration(char out[24], uint64_t ms)
{
    uint64_t s = ms / 1000;
    if (ms < 1000)
        snprintf(out, 24, "%" PRIu64 "ms", ms);
    else if (s < 60)
        snprintf(out, 24, "%" PRIu64 "s", s);
    else if (s < 3600)
        snprintf(out, 24, "%" PRIu64 "m%02" PRIu64 "s", s / 60, s % 60);
    else if (s < 86400)
        snprintf(out, 24, "%" PRIu64 "h%02" PRIu64 "m", s / 3600, s / 60 % 60);
    else
        snprintf(out, 24, "%" PRIu64 "d%02" PRIu64 "h", s / 86400, s / 3600 % 24);
    return out;
}
