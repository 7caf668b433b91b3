/*
 * What metrics.c (text, what the core shows) and metrics_edge.c (what the edge's own parts show) share.
 */
#ifndef RELAY_EDGE_METRICS_PARTS_H
#define RELAY_EDGE_METRICS_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct edge_relay;

struct metrics {
    char *text;
    size_t len, cap;
    bool failed;      /* no memory, or over EDGE_METRICS_MAX */
    const char *name; /* of the family that is being written */
};

/* Begins a family: its samples follow. type: "gauge", "counter", "histogram". */
void metrics_family(struct metrics *out, const char *name, const char *type, const char *help);

/* A sample; format: its labels without braces, "%s" with "" for none. Names in them need no escaping (a-z 0-9 -). */
void metrics_value(struct metrics *out, uint64_t value, const char *format, ...) __attribute__((format(printf, 3, 4)));
void metrics_real(struct metrics *out, double value, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Sources and chains, signer, store, mesh, process, build. */
void metrics_edge(struct metrics *out, const struct edge_relay *relay);

#endif
