/*
 * What the control socket answers: control.h has the commands and the answers' shape. control_view.c is the relay's only
 * file that knows jansson.
 */
#ifndef RELAY_EDGE_CONTROL_VIEW_H
#define RELAY_EDGE_CONTROL_VIEW_H

#include <stddef.h>

#include "relay/edge/control.h"

/* The answer to one request line (without its newline), as one line without a newline. Never fails but for memory: NULL
 * then. The caller frees it. */
char *edge_control_view(const struct edge_control_options *options, const char *request, size_t len);

#endif
