/*
 * What this relay shows to monitors, as Prometheus text (exposition format 0.0.4): names begin with isthmus_, base units are
 * seconds and bytes, and labels take their values only from the network document, the relay's own file and tables in the
 * source, so that nobody from outside can make a series. docs/operator.md lists them.
 */
#ifndef RELAY_EDGE_METRICS_H
#define RELAY_EDGE_METRICS_H

#include <stddef.h>

struct edge_relay;
struct edge_http_answer;

enum { EDGE_METRICS_MAX = 64 << 20 }; /* bytes; a document of 4096 lanes needs about 20 MiB */

/* The text, malloc'ed; NULL: no memory. */
char *edge_metrics_text(const struct edge_relay *relay, size_t *len);

/* Answers /metrics, /healthz (alive), /readyz (200 or 503, with the causes) and / (a list of them). context: the struct
 * edge_relay. relay/edge/http.h */
void edge_metrics_answer(void *context, const char *path, struct edge_http_answer *out);

#endif
