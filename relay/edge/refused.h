/*
 * Evidence that proved nothing, kept for the operator (DESIGN section 9): a folder of files, each the bytes as the source gave
 * them, so that `isthmus decode evidence FILE` shows what was wrong. The oldest go when there are too many or too large ones.
 */
#ifndef RELAY_EDGE_REFUSED_H
#define RELAY_EDGE_REFUSED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proofs/codec/bytes.h"

struct edge_refused {
    const char *folder; /* made when the first is kept */
    uint64_t files;     /* at most so many; 0: none is kept */
    uint64_t bytes;     /* of all together */
};

/*
 * Writes bytes to FOLDER/<time>-<source>-<reason>.evidence, after room was made. time: Unix ms; source and reason: short words,
 * of which all but letters, digits and `-` become `_`. Not synced: what a cut of the power takes was a copy. False: text
 * (capacity cap) says why not. True: text is the path.
 */
bool edge_refused_keep(const struct edge_refused *refused, uint64_t time, const char *source, const char *reason,
                       struct bytes bytes, char *text, size_t cap);

#endif
