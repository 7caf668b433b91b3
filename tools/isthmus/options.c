/*
 * Options of subcommands, and what is said when they are wrong.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tools/isthmus/isthmus.h"

int isthmus_misused(const char *usage, const char *format, ...)
{
    va_list arguments;
    fputs("isthmus: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, "\n%s", usage);
    return ISTHMUS_USAGE;
}

int isthmus_failed(const char *format, ...)
{
    va_list arguments;
    fputs("isthmus: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    return ISTHMUS_NOT_OK;
}

int isthmus_options(const struct isthmus_option *options, const char *usage, int argc, char **argv, int *left)
{
    bool only_arguments = false;
    *left = 0;
    for (int i = 1; i < argc; i++) {
        const struct isthmus_option *option = options;
        if (only_arguments || strncmp(argv[i], "-", 1) != 0 || argv[i][1] == '\0') {
            argv[++*left] = argv[i];
            continue;
        }
        if (strcmp(argv[i], "--") == 0) {
            only_arguments = true;
            continue;
        }
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            fputs(usage, stdout);
            return ISTHMUS_OK;
        }
        while (option->name && strcmp(option->name, argv[i]) != 0)
            option++;
        if (!option->name)
            return isthmus_misused(usage, "there is no option %s here", argv[i]);
        if (option->flag)
            *option->flag = true;
        else if (i + 1 == argc)
            return isthmus_misused(usage, "%s needs a value", argv[i]);
        else
            *option->value = argv[++i];
    }
    return -1;
}
