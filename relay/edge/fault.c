/*
 * Fault points (fault.h). This file is compiled with ISTHMUS_FAULTS only.
 */
#include "relay/edge/fault.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
    enum edge_fault_role role;
    const char *name;
} POINTS[] = {
#define X(role, point, name) {EDGE_FAULT_##role, name},
    EDGE_FAULTS(X)
#undef X
};
enum { POINTS_LEN = sizeof(POINTS) / sizeof(POINTS[0]), UNARMED = POINTS_LEN };

static atomic_int armed = UNARMED;
static atomic_long left; /* passes until the end */

static const char *role_name(enum edge_fault_role role)
{
    switch (role) {
    case EDGE_FAULT_RELAY: return "relay";
    case EDGE_FAULT_SIGNER: return "signer";
    case EDGE_FAULT_CONNECTOR: return "connector";
    }
    return "unknown";
}

static bool refuse(const char *given, char *text, size_t cap)
{
    int len =
        snprintf(text, cap, "ISTHMUS_FAULT=%.80s is not NAME:COUNT with a name of these and a count from 1 on:", given);
    for (size_t i = 0; i < POINTS_LEN && len > 0 && (size_t)len < cap; i++)
        len += snprintf(text + len, cap - (size_t)len, "\n%s %s", role_name(POINTS[i].role), POINTS[i].name);
    return false;
}

bool edge_fault_arm(enum edge_fault_role role, char *text, size_t cap)
{
    const char *given = getenv("ISTHMUS_FAULT"), *colon = given ? strchr(given, ':') : NULL;
    char *end = NULL;
    if (given == NULL)
        return true;
    long count = colon ? strtol(colon + 1, &end, 10) : 0;
    if (count < 1 || *end != '\0')
        return refuse(given, text, cap);
    for (int i = 0; i < POINTS_LEN; i++) {
        size_t len = strlen(POINTS[i].name);
        if ((size_t)(colon - given) != len || strncmp(given, POINTS[i].name, len) != 0)
            continue;
        if (POINTS[i].role == role) {
            atomic_store(&left, count);
            atomic_store(&armed, i);
        }
        return true;
    }
    return refuse(given, text, cap);
}

void edge_fault(enum edge_fault point)
{
    char line[80];
    if ((int)point != atomic_load(&armed) || atomic_fetch_sub(&left, 1) != 1)
        return;
    int len = snprintf(line, sizeof(line), "fault %s\n", POINTS[point].name);
    ssize_t written = write(STDERR_FILENO, line, (size_t)len);
    (void)written; /* nobody reads it: it ends all the same */
    _exit(EDGE_FAULT_EXIT);
}
