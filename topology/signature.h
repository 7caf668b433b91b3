/*
 * The signature of the network document: each side's root signs BLAKE2b-256(tag isthmus/doc || file bytes) with Ed25519;
 * a document counts when the root of every side signed it. Detached in <document>.sig: one line a root,
 * "name hex-of-64-bytes"; empty lines and lines that begin with # are skipped.
 */
#ifndef ISTHMUS_TOPOLOGY_SIGNATURE_H
#define ISTHMUS_TOPOLOGY_SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proofs/codec/bytes.h"
#include "topology/network.h"

enum { TOPOLOGY_SIGNATURES_MAX = 64 }; /* lines; more are refused */

/* The document's hash, which is also what is signed. */
void topology_document_hash(uint8_t out[32], struct bytes document);

/* One line for the .sig file, with its newline; out holds TOPOLOGY_SIGNATURE_LINE bytes. `seed`: the root's secret. */
enum { TOPOLOGY_SIGNATURE_LINE = TOPOLOGY_NAME_MAX + 1 + 128 + 2 };
bool topology_signature_line(char out[TOPOLOGY_SIGNATURE_LINE], const char *root, const uint8_t seed[32],
                             const uint8_t hash[32]);

/*
 * Checks `signatures` (the .sig file) against the roots of the document whose hash network->hash is. Every root must have
 * exactly one good line; unknown names, bad lines and bad signatures are problems (path: "line 3", or "" for a missing one).
 * Writes at most cap problems, returns how many there are: 0 means accepted.
 */
size_t topology_signature_check(struct topology_problem *problems, size_t cap, const struct topology_network *network,
                                struct bytes signatures);

#endif
