/*
 * Tests of configuration change one thing in a good example and look at what is said about it, and where.
 */
#ifndef ISTHMUS_TESTS_UNIT_CONFIG_TEXT_H
#define ISTHMUS_TESTS_UNIT_CONFIG_TEXT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "relay/edge/config.h"

/* One change: the first `from` of the example becomes `to`; then exactly one problem is expected, at the first `at` of
 * the changed text, with this path, and with `says` in its words. */
struct change {
    const char *from, *to, *at, *path, *says;
};

static inline char *text_of(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *text = calloc(1, 1 << 20);
    assert_non_null(file);
    assert_non_null(text);
    assert_true(fread(text, 1, (1 << 20) - 1, file) > 0);
    fclose(file);
    return text;
}

static inline char *text_with(const char *text, const char *from, const char *to)
{
    const char *place = strstr(text, from);
    size_t size = strlen(text) + strlen(to) + 1;
    char *out = malloc(size);
    if (!place)
        fail_msg("the example has no '%s'", from);
    assert_non_null(out);
    snprintf(out, size, "%.*s%s%s", (int)(place - text), text, to, place + strlen(from));
    return out;
}

static inline void text_place(const char *text, const char *at, unsigned *line, unsigned *column)
{
    const char *place = strstr(text, at);
    if (!place)
        fail_msg("the changed text has no '%s'", at);
    *line = *column = 1;
    for (; text < place; text++) {
        *column = *text == '\n' ? 1 : *column + 1;
        *line += *text == '\n';
    }
}

static inline void expect_one(const struct config_problems *problems, const char *text, const struct change *change)
{
    unsigned line, column;
    text_place(text, change->at, &line, &column);
    if (problems->total != 1)
        config_problems_print(problems, stderr);
    if (problems->total != 1)
        fail_msg("'%s' -> '%s': %zu problems", change->from, change->to, problems->total);
    const struct config_problem *problem = &problems->items[0];
    if (problem->line != line || problem->column != column || strcmp(problem->path, change->path) != 0 ||
        !strstr(problem->text, change->says))
        fail_msg("'%s' -> '%s': expected %u:%u %s '%s', got %u:%u %s '%s'", change->from, change->to, line, column,
                 change->path, change->says, problem->line, problem->column, problem->path, problem->text);
}

#endif
