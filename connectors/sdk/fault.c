/*
 * A connector's fault points (fault.h). This file is compiled with ISTHMUS_FAULTS only.
 */
#include "connectors/sdk/fault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT = 137 };

void sdk_fault(const char *does, const char *what, const char *when)
{
    static long passes;
    char name[80], line[100];
    const char *given = getenv("ISTHMUS_FAULT"), *colon = given ? strchr(given, ':') : NULL;
    snprintf(name, sizeof name, "connector-%s-%s-%s", does, what, when);
    for (char *at = name; *at; at++)
        *at = *at == ' ' ? '-' : *at; /* types are called "ask header" */
    if (!colon || strlen(name) != (size_t)(colon - given) || strncmp(given, name, strlen(name)) != 0)
        return;
    if (++passes != strtol(colon + 1, NULL, 10))
        return;
    int len = snprintf(line, sizeof line, "fault %s\n", name);
    ssize_t written = write(STDERR_FILENO, line, (size_t)len);
    (void)written; /* nobody reads it: it ends all the same */
    _exit(EXIT);
}
